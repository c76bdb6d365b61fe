package export

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

var twoRows = []facts.DuplicateRow{
	{Key: []string{"t-1", "7"}, Class: facts.Conflict, File: 1, Row: 3, EventTime: 1_700_000_000_000_001, Ingested: facts.NoTime, Source: "batch", Differs: []string{"amount"}},
	{Key: []string{"t-1", "7"}, Class: facts.Conflict, Kept: true, File: 0, Row: 9, EventTime: facts.NoTime, Ingested: 1_700_000_060_000_000, Source: "a,\"b\"", Differs: []string{"amount"}},
}

var twoFiles = []facts.File{{Path: "dt=2026-11-03/a.parquet"}, {Path: "dt=2026-11-04/b.parquet"}}

func TestCSV(t *testing.T) {
	rows, err := Duplicates(model.View{Name: "transactions", Sensitive: []string{"card"}, Source: model.SourceColumn{Column: "source"}}, []string{"transaction_id", "card"}, twoFiles, twoRows)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteCSV(&out, rows); err != nil {
		t.Fatal(err)
	}
	// sha256 of "7", from sha256sum
	key := `"{""transaction_id"":""t-1"",""card"":""sha256:7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451""}"`
	want := "view,key,class,kept,file,row_number,event_time,ingested_at,source,differs\n" +
		"transactions," + key + ",conflict,true,dt=2026-11-03/a.parquet,9,,2023-11-14T22:14:20Z,\"a,\"\"b\"\"\",amount\n" +
		"transactions," + key + ",conflict,false,dt=2026-11-04/b.parquet,3,2023-11-14T22:13:20.000001Z,,batch,amount\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestSensitiveSource hides a source that is marked, and no file or view.
func TestSensitiveSource(t *testing.T) {
	view := model.View{Name: "transactions", Sensitive: []string{"source"}, Source: model.SourceColumn{Column: "source"}}
	rows, err := Duplicates(view, []string{"transaction_id", "card"}, twoFiles, twoRows)
	if err != nil {
		t.Fatal(err)
	}
	// sha256 of "batch", from sha256sum
	if got, want := rows[1].Source, "sha256:4bb24efc9641afc5ded1ca77eabb6e2fcf062d2112ccd61bd8bd6acd89180bae"; got != want {
		t.Errorf("source %s, want %s", got, want)
	}
	if rows[1].View != "transactions" || rows[1].File != "dt=2026-11-04/b.parquet" || rows[1].Key != `{"transaction_id":"t-1","card":"7"}` {
		t.Errorf("%+v", rows[1])
	}
}

func TestParquet(t *testing.T) {
	rows, err := Duplicates(model.View{Name: "transactions"}, []string{"transaction_id", "card"}, twoFiles, twoRows)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteParquet(&out, rows); err != nil {
		t.Fatal(err)
	}
	reader, err := file.NewParquetReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	arrowReader, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := arrowReader.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if table.NumRows() != 2 {
		t.Fatalf("%d rows, want 2", table.NumRows())
	}
	keys := table.Column(1).Data().Chunk(0).(*array.String)
	if got, want := keys.Value(0), `{"transaction_id":"t-1","card":"7"}`; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	events := table.Column(6).Data().Chunk(0).(*array.Timestamp)
	if !events.IsNull(0) || int64(events.Value(1)) != 1_700_000_000_000_001 {
		t.Errorf("event times %v", events)
	}
	if got := table.Schema().Field(6).Type.String(); !strings.Contains(got, "us") || !strings.Contains(got, "UTC") {
		t.Errorf("event_time is %s", got)
	}
}
