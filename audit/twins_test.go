package audit_test

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/fixtures"
)

// fetchCounter counts the rows that are read again.
type fetchCounter struct {
	engine.Scanner
	rows atomic.Int64
}

func (f *fetchCounter) Fetch(ctx context.Context, r engine.Fetch, each func(int64, []engine.Value) error) error {
	f.rows.Add(int64(len(r.Rows)))
	return f.Scanner.Fetch(ctx, r, each)
}

func (f *fetchCounter) Pick(ctx context.Context, s engine.Scan, wanted func(int, int64, []bool), each func(engine.Block) error) error {
	return f.Scanner.Pick(ctx, s, wanted, func(b engine.Block) error {
		f.rows.Add(int64(b.Rows))
		return each(b)
	})
}

// TestPairsByHashAreComparedOnASample counts the twins of a store in which three writers store each key by design: streaming
// 8 hours early, mobile 9 hours late, and sink as batch does. Every third amount of streaming differs from batch's, and every
// tenth of mobile's.
func TestPairsByHashAreComparedOnASample(t *testing.T) {
	const streamed, mobile = 10_500, 600
	dir := t.TempDir()
	writeTwins(t, dir, "batch", streamed, 0, 5*time.Minute, 0)
	writeTwins(t, dir, "streaming", streamed, -8*time.Hour, 8*time.Hour, 3)
	writeTwins(t, dir, "mobile", mobile, 9*time.Hour, -9*time.Hour, 10)
	writeTwins(t, dir, "sink", streamed, 0, 5*time.Minute, 2)
	want, fetched := collectTwins(t, dir, 1, 0)
	if len(want) != 4 {
		t.Fatalf("%d twins, want 4, since no zones are 17 hours apart: %+v", len(want), want)
	}
	// both pairs of 10,500 keys have the same 10,000 smallest hashes; few of mobile's keys are not among them
	if fetched < 30_600 || fetched > 30_600+2*mobile {
		t.Errorf("%d rows read again", fetched)
	}
	for _, n := range want {
		compared := n.PayloadEqual + n.PayloadDiffers
		switch {
		case n.A == "batch" && n.B == "streaming":
			if n.Keys != streamed || compared != 10_000 || n.TrueA != 10_000 || n.TrueB != 0 {
				t.Errorf("%+v, want n.Keys == streamed && compared == 10_000 && n.TrueA == 10_000 && n.TrueB == 0", n)
			}
		case n.A == "sink" && n.B == "streaming":
			if n.Keys != streamed || compared != 10_000 || n.TrueA != 10_000 || n.TrueB != 0 {
				t.Errorf("%+v, want n.Keys == streamed && compared == 10_000 && n.TrueA == 10_000 && n.TrueB == 0", n)
			}
		case n.A == "batch" && n.B == "mobile":
			if n.Keys != mobile || n.PayloadDiffers != mobile/10 || n.PayloadEqual != mobile-mobile/10 {
				t.Errorf("%+v, want n.Keys == mobile && n.PayloadDiffers == mobile / 10 && n.PayloadEqual == mobile - mobile/10", n)
			}
		case n.A == "mobile" && n.B == "sink":
			if n.Keys != mobile || n.PayloadDiffers != mobile/2 || n.PayloadEqual != mobile/2 {
				t.Errorf("%+v, want n.Keys == mobile && n.PayloadDiffers == mobile / 2 && n.PayloadEqual == mobile / 2", n)
			}
		default:
			t.Errorf("unplanted %+v", n)
		}
	}
	for _, memory := range []int64{0, 1} {
		if got, _ := collectTwins(t, dir, 3, memory); !reflect.DeepEqual(got, want) {
			t.Errorf("3 workers, memory %d: %+v, want %+v", memory, got, want)
		}
	}
}

// TestHealthyPairsAreNotReadAgain reads nothing twice where every pair agrees on its time.
func TestHealthyPairsAreNotReadAgain(t *testing.T) {
	dir := t.TempDir()
	writeTwins(t, dir, "batch", 2000, 0, 5*time.Minute, 0)
	writeTwins(t, dir, "streaming", 2000, 0, time.Second, 3)
	if got, fetched := collectTwins(t, dir, 2, 0); len(got) != 0 || fetched != 0 {
		t.Errorf("%+v, %d rows read again", got, fetched)
	}
}

// writeTwins writes keys 0 to n-1 at their times shifted, ingested after a lag, with another amount in each differs-th row.
func writeTwins(t *testing.T, dir, source string, n int, shift, lag time.Duration, differs int) {
	t.Helper()
	column := func(name string, kind fixtures.Type, value func(int) any) fixtures.Column {
		c := fixtures.Column{Name: name, Type: kind}
		for i := range n {
			c.Values = append(c.Values, value(i))
		}
		return c
	}
	at := func(i int) time.Time { return time.Date(2026, 11, 3, 12, 0, 7+i, 0, time.UTC).Add(shift) }
	table := fixtures.Table{Columns: []fixtures.Column{
		column("id", fixtures.TextType, func(i int) any { return fmt.Sprintf("key-%05d", i) }),
		column("source", fixtures.TextType, func(int) any { return source }),
		column("event_time", fixtures.AwareType, func(i int) any { return at(i) }),
		column("ingested_at", fixtures.AwareType, func(i int) any { return at(i).Add(lag) }),
		column("amount", fixtures.Int64Type, func(i int) any {
			if differs > 0 && i%differs == 0 {
				return -differs
			}
			return i
		}),
	}}
	if err := fixtures.Write(filepath.Join(dir, source+".parquet"), table, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
}

// collectTwins gives the twins of a store whose keys may come once by each source, and how many rows were read again.
func collectTwins(t *testing.T, dir string, workers int, memory int64) ([]facts.TwinCount, int64) {
	t.Helper()
	db, err := duckdb.Open(duckdb.Config{Threads: 2, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	view := model.View{Name: "v", Path: "*.parquet", Root: dir, EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"},
		Source: model.SourceColumn{Column: "source"}, Key: []string{"id"}, OncePer: []string{"source"}, Tolerance: model.DefaultTolerance}
	asOf := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	counter := &fetchCounter{Scanner: db}
	collection := collectView(t, counter, view, asOf, workers, func(r *collect.Request) {
		r.Wants = facts.WantTimes | facts.WantKeys
		if memory > 0 {
			r.RunMemory = memory
		}
	})
	return collection.Keys.Twins, counter.rows.Load()
}

// collectView collects a view as the audit does, but for what adjust changes.
func collectView(t *testing.T, scanner engine.Scanner, view model.View, asOf time.Time, workers int, adjust func(*collect.Request)) *facts.Collection {
	t.Helper()
	ctx := context.Background()
	listing, view, _, err := survey.Plan(ctx, local.New(), view, asOf, partition.Range{})
	if err != nil {
		t.Fatal(err)
	}
	surveyed, err := survey.Survey(ctx, local.New(), listing, survey.RolesOf(view), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	request := orderOf(view, surveyed, asOf, engine.Room{Workers: workers, Runs: look.ShareOf(0).Runs, TempDir: t.TempDir(), SliceRows: 997})
	adjust(&request)
	collection, err := collect.Collect(ctx, scanner, request)
	if err != nil {
		t.Fatal(err)
	}
	return collection
}
