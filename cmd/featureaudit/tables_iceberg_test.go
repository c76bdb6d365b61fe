package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

// dailyFields are the columns of the tables of days.
var dailyFields = []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}, {ID: 2, Name: "event_time", Type: "timestamptz"}}

// daysOfIceberg is a table of days with three rows each, its snapshots by number: 1 adds 1 November, 2 the 2nd, 3 the 3rd; 4 takes the second row
// of the 1st out, by its position; then a property and a column are set; 5 takes the id 3 out by an equality delete, on the 2nd alone.
func daysOfIceberg(t *testing.T, dir string, properties map[string]string) (*icebergtable.Table, []int64) {
	t.Helper()
	table, err := icebergtable.New(dir, icebergtable.Options{Fields: dailyFields, Properties: properties,
		Partitions: []icebergtable.Partition{{Source: 2, ID: 1000, Name: "event_time_day", Transform: "day"}}})
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	values := func(day int) []any { return []any{int(first.Unix()/86400) + day} }
	var snapshots []int64
	commit := func(c icebergtable.Change) {
		if err := table.Commit(c); err != nil {
			t.Fatal(err)
		}
		snapshots = append(snapshots, table.Last)
	}
	for day := range 3 {
		at := first.AddDate(0, 0, day)
		rows := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: []any{1, 2, 3}},
			{Name: "event_time", Type: fixtures.AwareType, Values: []any{at, at.Add(time.Second), at.Add(2 * time.Second)}}}}
		commit(icebergtable.Change{Add: []icebergtable.File{{Path: fmt.Sprintf("data/%d.parquet", day+1), Rows: rows, Values: values(day)}}})
	}
	commit(icebergtable.Change{Operation: "delete", Deletes: []icebergtable.Delete{{Values: values(0), Positions: map[string][]int64{"data/1.parquet": {1}}}}})
	if err := table.SetFields(append(slices.Clone(dailyFields), icebergtable.Field{ID: 3, Name: "note", Type: "string"})); err != nil {
		t.Fatal(err)
	}
	commit(icebergtable.Change{Operation: "delete", Deletes: []icebergtable.Delete{{Values: values(1), Equality: []int{1},
		Rows: fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: []any{3}}}}}}})
	return table, snapshots
}

var dailyArgs = []string{"--event-time", "event_time", "--key", "id,event_time", "--entity", "id", "--set", "ttl={never: test}"}

// TestEachSnapshotOfAnIcebergTable travels to each snapshot by its id, by its time, and by a branch and a tag.
func TestEachSnapshotOfAnIcebergTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tx")
	table, snapshots := daysOfIceberg(t, dir, nil)
	want := []int64{3, 6, 9, 8, 7}
	for i, id := range snapshots {
		at := time.UnixMilli(icebergtable.Start).Add(time.Duration(i+1) * time.Minute).UTC()
		for _, set := range []string{fmt.Sprintf("table.version=%d", id), "table.as_of=" + at.Format(time.RFC3339), "table.as_of=" + at.Add(59*time.Second).Format(time.RFC3339)} {
			_, view := badRows(t, append([]string{"--path", dir, "--set", set}, dailyArgs...)...)
			if view.Rows != want[i] || view.Table.Version != id || view.Table.CommittedAt != at.Format(time.RFC3339) {
				t.Errorf("%s: %d rows of %+v, want %d", set, view.Rows, view.Table, want[i])
			}
		}
	}
	if err := table.Branch("try"); err != nil {
		t.Fatal(err)
	}
	if err := table.Tag("end"); err != nil {
		t.Fatal(err)
	}
	if err := table.Commit(icebergtable.Change{Branch: "try", Operation: "delete", Remove: []string{"data/3.parquet"}}); err != nil {
		t.Fatal(err)
	}
	for set, rows := range map[string]int64{"table.branch=try": 4, "table.branch=end": 7, "table.branch=main": 7, "table.format=iceberg": 7} {
		if _, view := badRows(t, append([]string{"--path", dir, "--set", set}, dailyArgs...)...); view.Rows != rows {
			t.Errorf("%s: %d rows, want %d", set, view.Rows, rows)
		}
	}
}

// TestVersionsOfAnIcebergTable names snapshots on the command line: diff compares their columns, verify their rows.
func TestVersionsOfAnIcebergTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tx")
	_, snapshots := daysOfIceberg(t, dir, nil)
	at := func(n int) string { return fmt.Sprintf("%s@%d", dir, snapshots[n-1]) }
	verify := func(before, after int, days string) []string {
		return append([]string{"verify", "--before", at(before), "--after", at(after), "--path", dir, "--range", days, "--as-of", "2026-11-05T00:00:00Z"}, dailyArgs...)
	}
	for name, test := range map[string]struct {
		args []string
		exit int
		want string
	}{
		"a column was added":     {[]string{"diff", at(4), at(5)}, 0, "feature-added (1)"},
		"nothing":                {[]string{"diff", at(1), at(3)}, 0, "nothing changed"},
		"no such snapshot":       {[]string{"diff", at(1), dir + "@7"}, 2, "it has no snapshot 7"},
		"a day was added":        {verify(2, 3, "2026-11-03..2026-11-03"), 0, "1 as expected (event_time_day=2026-11-03: 3 rows, new), 2 unchanged"},
		"a position was deleted": {verify(3, 4, "2026-11-03..2026-11-03"), 1, "1 stray (event_time_day=2026-11-01: 3 to 2 rows)"},
		"a value was deleted":    {verify(4, 5, "2026-11-02..2026-11-02"), 1, "1 incomplete (event_time_day=2026-11-02: 3 to 2 rows)"},
	} {
		code, stdout, stderr := cliRun(t, test.args...)
		if got := strings.Join(strings.Fields(stdout+stderr), " "); code != test.exit || !strings.Contains(got, test.want) {
			t.Errorf("%s: exit %d, want %d and %q: %s", name, code, test.exit, test.want, got)
		}
	}
}

// TestLintComparesTheExpiryOfSnapshotsWithTheTTL names the setting where it is below the ttl, and nothing where it is not.
func TestLintComparesTheExpiryOfSnapshotsWithTheTTL(t *testing.T) {
	const setting = "history.expire.max-snapshot-age-ms"
	for name, test := range map[string]struct {
		properties map[string]string
		ttl, want  string
	}{
		"below":      {map[string]string{setting: "3600000"}, "2h", "its table says " + setting + " = 3600000"},
		"not below":  {map[string]string{setting: "3600000"}, "1h", ""},
		"a default":  {nil, "6d", "has no " + setting + ", whose default is 432000000"},
		"within it":  {nil, "5d", ""},
		"unreadable": {map[string]string{setting: "a day"}, "1d", `its table says ` + setting + ` = "a day", which cannot be read`},
	} {
		base := t.TempDir()
		daysOfIceberg(t, filepath.Join(base, "tx"), test.properties)
		lintOfRetention(t, name, base, test.ttl, test.want)
	}
}

// TestInitFindsIcebergTables writes a view for a table, which plan and run then read.
func TestInitFindsIcebergTables(t *testing.T) {
	base := t.TempDir()
	_, snapshots := daysOfIceberg(t, filepath.Join(base, "lake", "tx"), nil)
	out := filepath.Join(base, "featureaudit.yaml")
	if code, _, stderr := cliRun(t, "init", filepath.Join(base, "lake"), "--out", "yaml="+out); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	text, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(text), "path: lake/tx\n") || !strings.Contains(string(text), "event_time: event_time") {
		t.Errorf("%v: %s", err, text)
	}
	if code, stdout, _ := cliRun(t, "plan", "--config", out); code != 0 || !strings.Contains(stdout, fmt.Sprintf("version %d of the Iceberg table", snapshots[4])) {
		t.Errorf("plan: exit %d: %s", code, stdout)
	}
}

// TestCommitTimesOfAnIcebergTable takes the time of the snapshot that added a file for the ingest time of its rows. Deletes change nothing of it, and
// of what was written anew nothing is known.
func TestCommitTimesOfAnIcebergTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tx")
	table, err := icebergtable.New(dir, icebergtable.Options{Fields: dailyFields})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.UnixMilli(icebergtable.Start).UTC()
	rows := func(seconds ...int) fixtures.Table {
		r := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type}, {Name: "event_time", Type: fixtures.AwareType}}}
		for i, s := range seconds {
			r.Columns[0].Values = append(r.Columns[0].Values, i)
			r.Columns[1].Values = append(r.Columns[1].Values, begin.Add(time.Duration(s)*time.Second))
		}
		return r
	}
	var snapshots []int64
	// a arrives after 60 s, b after 120, of which one row is of later; then a row of a goes, and a is written anew as c
	for _, c := range []icebergtable.Change{
		{Add: []icebergtable.File{{Path: "a.parquet", Rows: rows(0, 0, 0)}}},
		{Add: []icebergtable.File{{Path: "b.parquet", Rows: rows(0, 600)}}},
		{Operation: "delete", Deletes: []icebergtable.Delete{{Positions: map[string][]int64{"a.parquet": {0}}}}},
		{Operation: "replace", Remove: []string{"a.parquet"}, Add: []icebergtable.File{{Path: "c.parquet", Rows: rows(0, 0)}}},
	} {
		if err := table.Commit(c); err != nil {
			t.Fatal(err)
		}
		snapshots = append(snapshots, table.Last)
	}
	args := []string{"--path", dir, "--event-time", "event_time", "--key", "id", "--set", "ingested_at={commit: true}", "--set", "max_lag=90s", "--set", "ttl={never: test}"}
	for i, want := range []map[string][2]int64{
		{"source-lag": {0, 3}, "future-rows": {0, 3}},
		{"source-lag": {1, 5}, "future-rows": {1, 5}},
		{"source-lag": {1, 4}, "future-rows": {1, 4}},
		{"source-lag": {1, 2}, "future-rows": {1, 4}},
	} {
		got, view := badRows(t, append(args, "--set", fmt.Sprintf("table.version=%d", snapshots[i]))...)
		for check, counts := range want {
			if got[check] != counts {
				t.Errorf("snapshot %d: %s counts %v, want %v", i+1, check, got[check], counts)
			}
		}
		if note := "1 of 2 files have none"; strings.Contains(strings.Join(view.Notes, "\n"), note) != (i == 3) {
			t.Errorf("snapshot %d: notes %q, want %q in the last alone", i+1, view.Notes, note)
		}
	}
}

// TestKeptFactsOfAnIcebergTable keeps the facts of files, and reads only those again whose rows another snapshot deletes: nothing of the files
// themselves, of their sizes or of their times tells.
func TestKeptFactsOfAnIcebergTable(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "tx")
	_, snapshots := daysOfIceberg(t, dir, nil)
	run := func(id int64, facts bool) (report.Report, string) { // and what each check says, but the one that remembers earlier runs
		t.Helper()
		out := filepath.Join(t.TempDir(), "r.json")
		args := append([]string{"run", "--path", dir, "--out", "json=" + out, "--as-of", "2026-11-05T00:00:00Z", "--fail-on", "never", "--set", fmt.Sprintf("table.version=%d", id)}, dailyArgs...)
		if facts {
			args = append(args, "--facts", filepath.Join(base, "facts"))
		}
		if code, _, stderr := cliRun(t, args...); code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		var r report.Report
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		remembers := func(one report.Result) bool { return one.Check == "rewritten-partitions" }
		results, err := json.Marshal(slices.DeleteFunc(r.Results, remembers))
		if err != nil {
			t.Fatal(err)
		}
		return r, string(results)
	}
	for _, step := range []struct {
		snapshot    int
		read, known int64
	}{{3, 3, 0}, {3, 0, 3}, {4, 1, 2}, {4, 0, 3}, {5, 1, 2}, {3, 2, 1}, {1, 0, 1}} {
		kept, results := run(snapshots[step.snapshot-1], true)
		cold, want := run(snapshots[step.snapshot-1], false)
		if kept.Execution.FilesRead != step.read || kept.Execution.FilesKnown != step.known {
			t.Errorf("snapshot %d: %d files read and %d known, want %d and %d: %v", step.snapshot, kept.Execution.FilesRead, kept.Execution.FilesKnown, step.read, step.known,
				slices.Sorted(maps.Keys(kept.Execution.ReadBecause)))
		}
		if kept.Views[0].Rows != cold.Views[0].Rows || results != want {
			t.Errorf("snapshot %d: %d rows with kept facts, %d without:\n%s\n%s", step.snapshot, kept.Views[0].Rows, cold.Views[0].Rows, results, want)
		}
	}
}

// TestNotesOfAnIcebergTable counts files that no snapshot names, tells those of an open transaction from older ones, and says that files are small.
func TestNotesOfAnIcebergTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tx")
	table, snapshots := daysOfIceberg(t, dir, nil)
	committed := time.UnixMilli(icebergtable.Start).Add(5 * time.Minute)
	for name, at := range map[string]time.Time{"data/old.parquet": committed.Add(-time.Hour), "data/new.parquet": committed.Add(time.Second)} {
		rows := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: []any{1}}}}
		if err := fixtures.Write(filepath.Join(dir, name), rows, fixtures.Options{Modified: at}); err != nil {
			t.Fatal(err)
		}
	}
	_, view := badRows(t, append([]string{"--path", dir}, dailyArgs...)...)
	notes := strings.Join(view.Notes, "\n")
	for _, want := range []string{"2 Parquet files", "are not named by any version in its log, and were not read (data/new.parquet, data/old.parquet)",
		fmt.Sprintf("1 of these was written after version %d was committed: a transaction may be open, or was given up", snapshots[4])} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note says %q: %s", want, notes)
		}
	}
	if view.Rows != 7 || view.Table.Orphans != 2 || view.Table.DeletedRows != 2 {
		t.Errorf("%d rows: %+v", view.Rows, view.Table)
	}
	// what an older snapshot alone names is no orphan
	if _, view := badRows(t, append([]string{"--path", dir, "--set", fmt.Sprintf("table.version=%d", snapshots[0])}, dailyArgs...)...); view.Table.Orphans != 2 {
		t.Errorf("%+v", view.Table)
	}
	var many []icebergtable.File
	for i := range 100 {
		many = append(many, icebergtable.File{Path: fmt.Sprintf("data/m%03d.parquet", i), Values: []any{20000}, Rows: fixtures.Table{Columns: []fixtures.Column{
			{Name: "id", Type: fixtures.Int64Type, Values: []any{i + 10}}, {Name: "event_time", Type: fixtures.AwareType, Values: []any{time.Unix(20000*86400, 0).UTC()}}}}})
	}
	if err := table.Commit(icebergtable.Change{Add: many}); err != nil {
		t.Fatal(err)
	}
	if _, view := badRows(t, append([]string{"--path", dir}, dailyArgs...)...); !strings.Contains(strings.Join(view.Notes, "\n"), "103 files") {
		t.Errorf("no note says that files are small: %q", view.Notes)
	}
}

// TestTheAddressOfACatalogIsAPath takes the address of a catalog where --set says which table of it is meant, and no other address of a web server.
func TestTheAddressOfACatalogIsAPath(t *testing.T) {
	for set, want := range map[string]string{"table.name=shop.tx": "catalog http://127.0.0.1:1/v1/config: it does not answer", "ttl=1d": "http:// is no store of files"} {
		code, stdout, stderr := cliRun(t, "run", "--path", "http://127.0.0.1:1/", "--set", set, "--event-time", "event_time", "--as-of", "2026-11-05T00:00:00Z")
		if got := strings.Join(strings.Fields(stdout+stderr), " "); code == 0 || !strings.Contains(got, want) {
			t.Errorf("%s: exit %d, want %q: %s", set, code, want, got)
		}
	}
}

// TestDroppedColumnsOfAnIcebergTableMoveNothing reads a renamed key where each file holds it, beside columns that the table no longer has: they lie
// in front of it, behind it, under another name, or nowhere. Ids 2, 3 and 4 stand in two files each.
func TestDroppedColumnsOfAnIcebergTableMoveNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tx")
	table, err := icebergtable.New(dir, icebergtable.Options{Fields: []icebergtable.Field{{ID: 1, Name: "key", Type: "long"}, {ID: 2, Name: "event_time", Type: "timestamptz"}}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	numbers := func(name string, values ...any) fixtures.Column {
		return fixtures.Column{Name: name, Type: fixtures.Int64Type, Values: values}
	}
	event := fixtures.Column{Name: "event_time", Type: fixtures.AwareType, Values: []any{at, at.Add(time.Second)}}
	var files []icebergtable.File
	for i, columns := range [][]fixtures.Column{
		{numbers("gone", 70, 80), numbers("id", 1, 2), event}, {numbers("id", 2, 3), numbers("gone", 90, 100), event},
		{numbers("left", 70, 80), numbers("id", 3, 4), event}, {event, numbers("id", 4, 5)},
	} {
		ids := map[string]int32{}
		for _, c := range columns {
			ids[c.Name] = map[string]int32{"id": 1, "event_time": 2, "gone": 8, "left": 9}[c.Name]
		}
		files = append(files, icebergtable.File{Path: fmt.Sprintf("data/%d.parquet", i), Rows: fixtures.Table{Columns: columns}, IDs: ids})
	}
	if err := table.Commit(icebergtable.Change{Add: files}); err != nil {
		t.Fatal(err)
	}
	got, view := badRows(t, "--path", dir, "--event-time", "event_time", "--key", "key", "--entity", "key", "--set", "ttl={never: test}")
	if view.Rows != 8 || got["duplicate-keys"] != [2]int64{3, 8} {
		t.Errorf("%d rows, want 8: %v", view.Rows, got)
	}
}
