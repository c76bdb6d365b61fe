package collect

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

func TestAdhoc(t *testing.T) {
	dir := os.Getenv("ADHOC")
	if dir == "" {
		t.Skip()
	}
	files, _ := filepath.Glob(dir + "/*/*.parquet")
	ts := func(n string) facts.Column {
		return facts.Column{Name: n, Path: n, Physical: "INT64", Logical: "timestamp", Unit: "us"}
	}
	s := facts.Survey{Schemas: []facts.Schema{{ID: 0, Columns: []facts.Column{
		{Name: "transaction_id", Path: "transaction_id", Physical: "BYTE_ARRAY", Logical: "string"},
		{Name: "user_id", Path: "user_id", Physical: "INT64", HasBounds: true, Min: 0, Max: 1999999},
		ts("event_time"), ts("ingested_at"),
		{Name: "source", Path: "source", Physical: "BYTE_ARRAY", Logical: "string"},
		{Name: "amount", Path: "amount", Physical: "INT64", Logical: "decimal", Precision: 15, Scale: 3},
		{Name: "p1", Path: "p1", Physical: "INT64"},
	}}}}
	for i, f := range files {
		day, _ := time.Parse("dt=2006-01-02", filepath.Base(filepath.Dir(f)))
		var groups []facts.RowGroup
		for n := 500000; n > 0; n -= 122880 {
			groups = append(groups, facts.RowGroup{Rows: int64(min(n, 122880))})
		}
		s.Partitions = append(s.Partitions, facts.Partition{ID: int32(i), Start: day.UnixMicro(), End: day.AddDate(0, 0, 1).UnixMicro(), InRange: true})
		s.Files = append(s.Files, facts.File{ID: int32(i), Path: f, Abs: f, Partition: int32(i), Rows: 500000, RowGroups: groups, Size: 1 << 26})
	}
	v := model.View{EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"}, Source: model.SourceColumn{Column: "source"},
		Key: []string{"transaction_id"}, Entity: []string{"user_id"}, Measures: []string{"amount"}, TTL: model.TTL{Duration: 24 * time.Hour}, Tolerance: time.Minute * 5,
		TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}}
	db, err := duckdb.Open(duckdb.Config{Threads: 2, MemoryLimit: 4 << 30, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, needs := range []Needs{{Times: true, Events: true, Keys: true, Entities: true}} {
		r := Request{View: v, Survey: s, AsOf: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), Needs: needs,
			Units: func(int32, string) string { return "" }, OwnAgrees: func(facts.File, string, string) bool { return true },
			Changed: func(facts.File) *facts.Problem { return nil }, Offsets: func(int64, int64) []int64 { return nil }, Truncated: func(facts.Column) bool { return false }, Workers: 2, SliceRows: adhocSlice(), RunMemory: 2 << 30, TempDir: t.TempDir()}
		var p *os.File
		if os.Getenv("PROF") != "" {
			p, _ = os.Create(os.Getenv("PROF"))
			pprof.StartCPUProfile(p)
		}
		start := time.Now()
		c, err := Collect(context.Background(), db, r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%+v: %v rows %d slices %d unread %v\n", needs, time.Since(start), c.ScannedRows, len(c.Slices), c.Unread)
		if p != nil {
			pprof.StopCPUProfile()
		}
		if c.Keys != nil {
			fmt.Printf("%+v\n", *c.Keys)
		}
		if c.Entities != nil {
			fmt.Printf("%+v\n", *c.Entities)
		}
		fmt.Printf("%+v\n", c.Slices[0])
	}
	out, err := duckdb.RunSQL(context.Background(), 2, 4<<30, "select 1")
	fmt.Println(out, err)
	for range 2 {
		start := time.Now()
		out, err = duckdb.RunSQL(context.Background(), 2, 4<<30, fmt.Sprintf("select max(event_time)::varchar, max(ingested_at)::varchar, max(source) from read_parquet('%s/*/*.parquet')", dir))
		fmt.Println("floor times", out, err, time.Since(start))
		start = time.Now()
		out, err = duckdb.RunSQL(context.Background(), 2, 4<<30, fmt.Sprintf("select max(event_time)::varchar, max(ingested_at)::varchar, max(source), max(transaction_id), max(user_id) from read_parquet('%s/*/*.parquet')", dir))
		fmt.Println("floor all", out, err, time.Since(start))
	}
}

func adhocSlice() int64 {
	var n int64
	fmt.Sscan(os.Getenv("SLICE"), &n)
	return n
}
