package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
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

// TestCSVIsText has names that act on a terminal or in a spreadsheet; Parquet has them as they are.
func TestCSVIsText(t *testing.T) {
	names := map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", " =1": "' =1", "\t=1": `\t=1`, "＝1": "'＝1",
		"a\x1b[2Jb\ac": `a\x1b[2Jb\x07c`, "a\u202eb\u009bc": `a\u202eb\u009bc`, "a\nb": `a\nb`, "a=b": "a=b", "a-b": "a-b",
	}
	for name, want := range names {
		files := []facts.File{{Path: name}}
		rows, err := Duplicates(model.View{Name: name}, []string{name}, files, []facts.DuplicateRow{{Key: []string{name}, Source: name, Differs: []string{name}, EventTime: facts.NoTime, Ingested: facts.NoTime}})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := WriteCSV(&out, rows); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(strings.ReplaceAll(out.String(), "\n", ""), func(r rune) bool { return r < ' ' || r == '\u202e' || r >= 0x7f && r < 0xa0 }) {
			t.Errorf("%q: %q", name, out.String())
		}
		lines, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(lines) != 2 {
			t.Fatalf("%q: %d lines, %v", name, len(lines), err)
		}
		for _, i := range []int{0, 4, 8, 9} {
			if lines[1][i] != want {
				t.Errorf("%q: column %s is %q, want %q", name, lines[0][i], lines[1][i], want)
			}
		}
		var key map[string]string
		if err := json.Unmarshal([]byte(lines[1][1]), &key); err != nil || key[name] != name {
			t.Errorf("%q: key %q, %v", name, lines[1][1], err)
		}
		if rows[0].Source != name {
			t.Errorf("%q: the row itself has %q", name, rows[0].Source)
		}
	}
}
