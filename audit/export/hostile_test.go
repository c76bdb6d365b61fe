package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// hostileTexts are values of keys, names of files and sources as somebody writes them who means harm, or nothing by it.
var hostileTexts = []string{"", " ", "plain", "ü 中 😀", "a,b;c\"d'e", "line\nbreak\r\ttab", "=cmd|' /C calc'!A0", " +1+1", "-2", "@SUM(A1)", "＝1", "\x1b[31mred", "a\u202eb", "</script>", "{\"a\":1}",
	"'; DROP TABLE x; --", strings.Repeat("long ", 10_000)}

func hostileRows() []Duplicate {
	var rows []Duplicate
	for i, text := range hostileTexts {
		rows = append(rows, Duplicate{View: text, Key: fmt.Sprintf(`{"k":"%d"}`, i), Class: "replay", Kept: i%2 == 0, File: "dt=x/" + text, RowNumber: int64(i) << 40, EventTime: times.Instant(int64(i)*1_000_000 - 5_000_001),
			IngestedAt: times.None, Source: text, Differs: facts.NamesOf([]string{text, "b"}[:i%3]...)})
	}
	return rows
}

// TestParquetKeepsEveryValue reads the export with DuckDB, and compares all of it.
func TestParquetKeepsEveryValue(t *testing.T) {
	rows := hostileRows()
	file := filepath.Join(t.TempDir(), "rows.parquet")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteParquet(out, rows); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		got, err := duckdb.RunSQL(context.Background(), 1, 256<<20, fmt.Sprintf(`SELECT view, key, class, kept::VARCHAR, file, row_number::VARCHAR, epoch_us(event_time)::VARCHAR,
			(ingested_at IS NULL)::VARCHAR, source, len(differs)::VARCHAR, coalesce(differs[1], 'none') FROM read_parquet('%s') LIMIT 1 OFFSET %d`, file, i))
		if err != nil {
			t.Fatal(err)
		}
		first := "none"
		differs := r.Differs.Sorted()
		if len(differs) > 0 {
			first = differs[0]
		}
		want := []string{r.View, r.Key, r.Class, fmt.Sprint(r.Kept), r.File, fmt.Sprint(r.RowNumber), fmt.Sprint(r.EventTime), "true", r.Source, fmt.Sprint(len(differs)), first}
		for c := range want {
			if got[c] != want[c] {
				t.Errorf("row %d, column %d: the file holds %.80q, want %.80q", i, c, got[c], want[c])
			}
		}
	}
}

// TestCSVIsHarmlessAndWhole: a row for each, what is shown of a text is the text where it is harmless, and nothing runs.
func TestCSVIsHarmlessAndWhole(t *testing.T) {
	rows := hostileRows()
	var out bytes.Buffer
	if err := WriteCSV(&out, rows); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(records) != len(rows)+1 {
		t.Fatalf("%d records, error %v; want a header and %d rows", len(records), err, len(rows))
	}
	for i, record := range records[1:] {
		for c, value := range record {
			if strings.IndexFunc(value, unicode.IsControl) >= 0 || strings.Contains(value, "\u202e") {
				t.Errorf("row %d: %s is %.80q, want nothing that a terminal acts on", i, records[0][c], value)
			}
			if number := records[0][c] == "row_number"; !number && strings.IndexAny(strings.TrimLeft(value, " "), "=+-@＝") == 0 {
				t.Errorf("row %d: %s is %.80q, want nothing that a spreadsheet takes for a formula", i, records[0][c], value)
			}
		}
		if text := hostileTexts[i]; i < 5 && record[0] != text {
			t.Errorf("row %d: the view is %q, want %q as it stands", i, record[0], text)
		}
	}
}
