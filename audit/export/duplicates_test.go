package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/times"
)

var twoRows = []facts.DuplicateRow{
	{Key: []string{"t-1", "7"}, Class: facts.Conflict, File: 1, Row: 3, EventTime: 1_700_000_000_000_001, Ingested: times.None, Source: "batch", Differs: facts.NamesOf("amount")},
	{Key: []string{"t-1", "7"}, Class: facts.Conflict, Kept: true, File: 0, Row: 9, EventTime: times.None, Ingested: 1_700_000_060_000_000, Source: "a,\"b\"", Differs: facts.NamesOf("amount")},
}

var twoFiles = []facts.File{{Path: "dt=2026-11-03/a.parquet"}, {Path: "dt=2026-11-04/b.parquet"}}

func TestCSV(t *testing.T) {
	rows, err := Duplicates(keyed(t), model.View{Name: "transactions", Sensitive: []string{"card"}, Source: model.SourceColumn{Column: "source"}}, []string{"transaction_id", "card"}, twoFiles, twoRows, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteCSV(&out, rows); err != nil {
		t.Fatal(err)
	}
	// printf 7 | openssl dgst -sha256 -hmac 0123456789abcdef, its first 32 digits
	key := `"{""transaction_id"":""t-1"",""card"":""hmac-sha256:f69cf4852626eee19b92af564b9413e4""}"`
	want := "view,key,class,kept,file,row_number,event_time,ingested_at,source,differs\n" +
		"transactions," + key + ",conflict,true,dt=2026-11-03/a.parquet,9,,2023-11-14T22:14:20Z,\"a,\"\"b\"\"\",amount\n" +
		"transactions," + key + ",conflict,false,dt=2026-11-04/b.parquet,3,2023-11-14T22:13:20.000001Z,,batch,amount\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func keyed(t *testing.T) *sensitive.Mask {
	t.Helper()
	m, err := sensitive.New([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSensitiveTimes leaves out the times of sensitive columns, a source's own included, and no others.
func TestSensitiveTimes(t *testing.T) {
	view := model.View{Name: "transactions", Sensitive: []string{"created", "arrived"}, EventTime: model.TimeColumn{Column: "ts"}, IngestedAt: model.TimeColumn{Column: "arrived"}}
	for _, test := range []struct {
		sources []model.SourcePolicy
		event   times.Instant
	}{{nil, 1_700_000_000_000_001}, {[]model.SourcePolicy{{Name: "batch", EventTime: model.TimeColumn{Column: "created"}}}, times.None}} {
		view.Sources = test.sources
		rows, err := Duplicates(keyed(t), view, []string{"a", "b"}, twoFiles, twoRows, nil)
		if err != nil {
			t.Fatal(err)
		}
		if rows[1].EventTime != test.event || rows[0].IngestedAt != times.None || rows[1].IngestedAt != times.None {
			t.Errorf("%+v, want rows[1].EventTime == test.event && rows[0].IngestedAt == times.None && rows[1].IngestedAt == times.None", rows)
		}
	}
}

// TestNumbersGoByPlace numbers the values of a key by file and row, whatever order the rows come in.
func TestNumbersGoByPlace(t *testing.T) {
	m, err := sensitive.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := Duplicates(m, model.View{Name: "v", Sensitive: []string{"card"}}, []string{"card"}, twoFiles, []facts.DuplicateRow{
		{Key: []string{"aa"}, File: 1, Row: 0}, {Key: []string{"bb"}, File: 0, Row: 4}, {Key: []string{"aa"}, File: 0, Row: 9}, {Key: []string{"cc"}, File: 0, Row: 2}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range rows {
		got[r.File+" "+strconv.FormatInt(r.RowNumber, 10)] = r.Key
	}
	for place, want := range map[string]string{"dt=2026-11-03/a.parquet 2": "card #1", "dt=2026-11-03/a.parquet 4": "card #2", "dt=2026-11-03/a.parquet 9": "card #3",
		"dt=2026-11-04/b.parquet 0": "card #3"} {
		if got[place] != `{"card":"`+want+`"}` {
			t.Errorf("%s: key %s, want %s", place, got[place], want)
		}
	}
}

func TestParquet(t *testing.T) {
	rows, err := Duplicates(nil, model.View{Name: "transactions"}, []string{"transaction_id", "card"}, twoFiles, twoRows, nil)
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
		rows, err := Duplicates(nil, model.View{Name: name}, []string{name}, files, []facts.DuplicateRow{{Key: []string{name}, Source: name, Differs: facts.NamesOf(name), EventTime: times.None, Ingested: times.None}}, nil)
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
