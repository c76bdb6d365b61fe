package audit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// hostileDay is when the rows of hostile stores happened.
var hostileDay = time.Date(2026, 11, 1, 0, 1, 30, 0, time.UTC)

// column makes a column of integers.
func column(name string, values ...int) fixtures.Column {
	c := fixtures.Column{Name: name, Type: fixtures.Int64Type}
	for _, v := range values {
		c.Values = append(c.Values, int64(v))
	}
	return c
}

// eventTimes gives rows an event time one minute apart.
func eventTimes(rows int) fixtures.Column {
	c := fixtures.Column{Name: "event_time", Type: fixtures.AwareType}
	for i := range rows {
		c.Values = append(c.Values, hostileDay.Add(time.Duration(i)*time.Minute))
	}
	return c
}

func writeFile(t *testing.T, path string, o fixtures.Options, columns ...fixtures.Column) {
	t.Helper()
	if err := fixtures.Write(path, fixtures.Table{Columns: columns}, o); err != nil {
		t.Fatal(err)
	}
}

// auditView audits one view at noon of hostileDay.
func auditView(t *testing.T, v model.View, checks ...string) report.Report {
	t.Helper()
	v.Name = "v"
	v.EventTime = model.TimeColumn{Column: "event_time"}
	v.Tolerance = model.DefaultTolerance
	audited, err := audit.Run(t.Context(), audit.Options{Views: []model.View{v}, AsOf: hostileDay.Add(12 * time.Hour), AsOfGiven: true,
		SelectChecks: checks, Threads: 2, TempDir: t.TempDir(), RowsLimit: 10, Adapters: realAdapters(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, audited.Report)
	return audited.Report
}

func resultOf(t *testing.T, r report.Report, id string) report.Result {
	t.Helper()
	for _, result := range r.Results {
		if result.Check == id && result.View == "v" {
			return result
		}
	}
	t.Fatalf("the report has no result of %s", id)
	return report.Result{}
}

// TestNamesOfFilesAreNoPatterns gives folders names that an engine would expand, beside the folders that it would expand
// them to: each file is read once, and as itself.
func TestNamesOfFilesAreNoPatterns(t *testing.T) {
	dir := t.TempDir()
	folders := []string{"st*r", "stAr", "[x]", "x", "q?", "qq", "{a,b}", "a", "[!y]", "z", "**", "%s", "q'uo\"te", "new\nline", `back\slash`, "$files", "~"}
	for i, folder := range folders {
		writeFile(t, filepath.Join(dir, folder, "f.parquet"), fixtures.Options{}, column("id", 10*i, 10*i+1), eventTimes(2))
	}
	view := model.View{Path: "**/*.parquet", Root: dir, Key: []string{"id"}}
	got := auditView(t, view, "duplicate-keys", "null-event-time", "unreadable-file")
	rows := int64(2 * len(folders))
	for _, id := range []string{"duplicate-keys", "null-event-time"} {
		if r := resultOf(t, got, id); r.Outcome != report.Pass || r.RowsTotal != rows {
			t.Errorf("%s: %s of %d rows, want pass of %d: %s", id, r.Outcome, r.RowsTotal, rows, r.Message)
		}
	}
	if r := resultOf(t, got, "unreadable-file"); r.Outcome != report.Pass {
		t.Errorf("unreadable-file: %s: %s", r.Outcome, r.Message)
	}

	// read alone, nothing but its own rows tells that the right file was read
	view.Path = "[x]/f.parquet"
	view.Key = []string{"id"}
	if err := os.Remove(filepath.Join(dir, "x", "f.parquet")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "x", "f.parquet"), fixtures.Options{}, column("id", 7, 7), eventTimes(2))
	if r := resultOf(t, auditView(t, view, "duplicate-keys"), "duplicate-keys"); r.Outcome != report.Pass || r.RowsTotal != 2 {
		t.Errorf("another file was read: %s of %d rows: %s", r.Outcome, r.RowsTotal, r.Message)
	}
}

// TestNamesOfColumnsAreOnlyNames has names that an engine folds, reserves or cannot write in a query.
func TestNamesOfColumnsAreOnlyNames(t *testing.T) {
	names := []string{"ID", "id", "Id", "id_1", "\x00", "", " ", "file_row_number", "File_Row_Number", "filename", `"; DROP TABLE x; --`, "new\nline", "a.b", "*", "{columns}", "{rows}", "$files", strings.Repeat("x", 5000)}
	for _, group := range []int{0, 2} {
		for i, key := range names {
			if strings.TrimSpace(key) == "" {
				continue
			}
			columns := []fixtures.Column{eventTimes(6)}
			for j, name := range names {
				values := []int{1, 2, 3, 4, 5, 6}
				if i == j {
					values = []int{1, 2, 3, 3, 3, 6}
				}
				columns = append(columns, column(name, values...))
			}
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "f.parquet"), fixtures.Options{RowGroup: group}, columns...)
			r := resultOf(t, auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{key}}, "duplicate-keys"), "duplicate-keys")
			if r.Outcome != report.Fail || r.RowsBad != 2 || r.RowsTotal != 6 {
				t.Errorf("key %.20q: %s, %d of %d: %s", key, r.Outcome, r.RowsBad, r.RowsTotal, r.Message)
			}
		}
	}
}

// TestColumnsOfNothing has files whose every time, key or entity is NULL, which writers give the type of nothing where no
// schema says better. They are as good as the same columns with a type.
func TestColumnsOfNothing(t *testing.T) {
	nothing := func(name string) fixtures.Column {
		return fixtures.Column{Name: name, Type: fixtures.Type{Kind: fixtures.Nothing}, Values: []any{nil, nil, nil}}
	}
	text := fixtures.Column{Name: "id", Type: fixtures.TextType, Values: []any{"a", "b", "b"}}
	for name, id := range map[string]fixtures.Column{"integer": column("id", 1, 2, 2), "text": text, "instant": {Name: "id", Type: fixtures.AwareType, Values: []any{hostileDay, hostileDay.Add(1e9), hostileDay.Add(1e9)}},
		"bytes": {Name: "id", Type: fixtures.Type{Kind: fixtures.Bytes}, Values: []any{"a", "b", "b"}}, "decimal": {Name: "id", Type: fixtures.DecimalType(9, 2), Values: []any{1, 2, 2}}, "nothing": nothing("id")} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "a.parquet"), fixtures.Options{}, nothing("id"), eventTimes(3), nothing("payload"))
		writeFile(t, filepath.Join(dir, "b.parquet"), fixtures.Options{}, nothing("id"), nothing("event_time"), column("payload", 1, 2, 2))
		writeFile(t, filepath.Join(dir, "c.parquet"), fixtures.Options{}, id, eventTimes(3), column("payload", 1, 2, 3))
		got := auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}, Entity: []string{"id"}, TTL: model.TTL{Duration: 24 * time.Hour, Explicit: true}})
		nulls, repeated := int64(6), int64(1)
		if name == "nothing" {
			nulls, repeated = 9, 0
		}
		for check, bad := range map[string]int64{"null-event-time": 3, "null-keys": nulls, "duplicate-keys": repeated, "unreadable-file": 0, "mixed-encoding": 0, "stale-entities": 0} {
			if r := resultOf(t, got, check); r.RowsBad != bad || r.Outcome == report.Error {
				t.Errorf("%s: %s is %s with %d bad, want %d: %s", name, check, r.Outcome, r.RowsBad, bad, r.Message)
			}
		}
	}
}

// TestNothingReadIsNoFinding has a view of which no file can be read: it is not known to be stale.
func TestNothingReadIsNoFinding(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.parquet", "b.parquet"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("PAR1 and half of the rows"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}, Entity: []string{"id"}, TTL: model.TTL{Duration: time.Hour, Explicit: true}})
	for _, id := range []string{"stale-view", "stale-entities", "duplicate-keys", "null-event-time"} {
		r := resultOf(t, got, id)
		if r.Outcome != report.Error || r.RowsBad != 0 || r.Reason != "found nothing to judge in 0 of 2 files (unread: a.parquet, b.parquet)" {
			t.Errorf("%s: %s, %d bad: %s", id, r.Outcome, r.RowsBad, r.Reason)
		}
	}
}
