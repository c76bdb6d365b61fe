package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

// versionsOf are the names of versions of a table: of three days; of day 3 filled with 2 rows more; of the two files of day 1 written as
// one; of row 1 of day 2 taken out; of day 2 written anew without it.
type versionsOf struct {
	dir, partition string
	named          [5]string
}

// ofDay are rows of a day, by their numbers.
func ofDay(day int, numbers ...int) fixtures.Table {
	table := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type}, {Name: "event_time", Type: fixtures.AwareType}}}
	for _, n := range numbers {
		table.Columns[0].Values = append(table.Columns[0].Values, int64(day*100+n))
		table.Columns[1].Values = append(table.Columns[1].Values, time.Date(2026, 11, day, n, 0, 1, 0, time.UTC))
	}
	return table
}

func deltaVersions(t *testing.T) versionsOf {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tx")
	table, err := deltatable.New(dir, deltatable.Options{Schema: []map[string]any{deltatable.Field("id", "long"), deltatable.Field("event_time", "timestamp"), deltatable.Field("dt", "string")},
		Partitions: []string{"dt"}, Reader: 3, Features: []string{"deletionVectors"}})
	if err != nil {
		t.Fatal(err)
	}
	file := func(day int, name string, numbers ...int) deltatable.File {
		folder := fmt.Sprintf("dt=2026-11-%02d", day)
		return deltatable.File{Path: folder + "/" + name, Values: map[string]any{"dt": folder[3:]}, Rows: ofDay(day, numbers...)}
	}
	two, packed := file(2, "a.parquet", 0, 1, 2, 3), file(1, "packed.parquet", 3, 2, 1, 0)
	less := two
	less.Deleted, packed.Rewritten = []int64{1}, true
	for _, err := range []error{
		table.Commit([]deltatable.File{file(1, "a.parquet", 0, 1), file(1, "b.parquet", 2, 3), two, file(3, "a.parquet", 0, 1, 2, 3)}),
		table.Commit([]deltatable.File{file(3, "b.parquet", 0, 1, 2, 3, 4, 5)}, "dt=2026-11-03/a.parquet"),
		table.Commit([]deltatable.File{packed}, "dt=2026-11-01/a.parquet", "dt=2026-11-01/b.parquet"),
		table.Commit([]deltatable.File{less}),
		table.Commit([]deltatable.File{file(2, "b.parquet", 0, 2, 3)}, "dt=2026-11-02/a.parquet"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return versionsOf{dir, "dt=2026-11-%02d", [5]string{"1", "2", "3", "4", "5"}}
}

func icebergVersions(t *testing.T) versionsOf {
	t.Helper()
	v := versionsOf{dir: filepath.Join(t.TempDir(), "tx"), partition: "event_time_day=2026-11-%02d"}
	table, err := icebergtable.New(v.dir, icebergtable.Options{Format: 3, Fields: []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}, {ID: 2, Name: "event_time", Type: "timestamptz"}},
		Partitions: []icebergtable.Partition{{Source: 2, ID: 1000, Name: "event_time_day", Transform: "day"}}})
	if err != nil {
		t.Fatal(err)
	}
	values := func(day int) []any { return []any{int(time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)} }
	file := func(day int, name string, numbers ...int) icebergtable.File {
		return icebergtable.File{Path: fmt.Sprintf("data/%d-%s", day, name), Rows: ofDay(day, numbers...), Values: values(day)}
	}
	add := func(files ...icebergtable.File) []icebergtable.File { return files }
	for i, c := range []icebergtable.Change{
		{Add: add(file(1, "a.parquet", 0, 1), file(1, "b.parquet", 2, 3), file(2, "a.parquet", 0, 1, 2, 3), file(3, "a.parquet", 0, 1, 2, 3))},
		{Operation: "overwrite", Add: add(file(3, "b.parquet", 0, 1, 2, 3, 4, 5)), Remove: []string{"data/3-a.parquet"}},
		{Operation: "replace", Add: add(file(1, "packed.parquet", 3, 2, 1, 0)), Remove: []string{"data/1-a.parquet", "data/1-b.parquet"}},
		{Operation: "delete", Deletes: []icebergtable.Delete{{Values: values(2), Vectors: map[string][]int64{"data/2-a.parquet": {1}}}}},
		{Operation: "replace", Add: add(file(2, "b.parquet", 0, 2, 3)), Remove: []string{"data/2-a.parquet"}},
	} {
		if err := table.Commit(c); err != nil {
			t.Fatal(err)
		}
		v.named[i] = fmt.Sprint(table.Last)
	}
	return v
}

// TestVersionsOfATableAreVerified: what the log says of files is the proof where none was written anew, and nothing of them is read then; a table
// that was packed is rewritten; a row that the log takes out is missing.
func TestVersionsOfATableAreVerified(t *testing.T) {
	const day3, within = "2026-11-03..2026-11-03", "--range"
	for format, build := range map[string]func(*testing.T) versionsOf{"delta": deltaVersions, "iceberg": icebergVersions} {
		v := build(t)
		config := func(version int) string {
			path := filepath.Join(t.TempDir(), "featureaudit.yaml")
			text := fmt.Sprintf("version: 1\nviews:\n  tx: {path: %s, table: {version: %s}, event_time: event_time, key: [id], entity: [id], ttl: 30d}\n", v.dir, v.named[version])
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			return path
		}
		snapshot := filepath.Join(t.TempDir(), "before.snapshot")
		if code, _, stderr := cliRun(t, "snapshot", "--config", config(2), "--as-of", "2026-11-20", "--with-keys", "--out", snapshot); code != exitOK {
			t.Fatalf("%s: snapshot: exit %d: %s", format, code, stderr)
		}
		refs := func(before, after int) []string {
			return []string{"--before", v.dir + "@" + v.named[before], "--after", v.dir + "@" + v.named[after], "--path", v.dir, "--event-time", "event_time", "--key", "id", "--entity", "id", "--ttl", "30d"}
		}
		const same = "all 2 partitions outside of the range are unchanged"
		const packed = same + "; 1 was rewritten with the same rows"
		lost := fmt.Sprintf("1 of 2 partitions outside of the range was changed (1 incomplete): "+v.partition+" has 3 rows where 4 were; 1 key missing", 2)
		for name, test := range map[string]struct {
			args   []string
			exit   int
			states [3]string
			// read is how many files were read by rows
			read    int64
			message string
		}{
			"day 3 was filled":           {append(refs(0, 1), within, day3), exitOK, [3]string{"unchanged", "unchanged", "as expected"}, 2, same},
			"day 1 was packed":           {append(refs(1, 2), within, day3), exitOK, [3]string{"rewritten", "unchanged", "unchanged"}, 3, packed},
			"a row was taken out":        {append(refs(2, 3), within, day3), exitFindings, [3]string{"unchanged", "stray", "unchanged"}, 2, lost},
			"and the file written anew":  {append(refs(3, 4), within, day3), exitOK, [3]string{"unchanged", "rewritten", "unchanged"}, 2, packed},
			"nothing":                    {append(refs(4, 4), within, day3), exitOK, [3]string{"unchanged", "unchanged", "unchanged"}, 0, same},
			"nothing, and all is read":   {append(refs(4, 4), within, day3, "--paranoid"), exitOK, [3]string{"unchanged", "unchanged", "unchanged"}, 6, same},
			"configs that name versions": {[]string{"--before", config(0), "--after", config(2), within, day3}, exitOK, [3]string{"rewritten", "unchanged", "as expected"}, 5, packed},
			"a snapshot of a version":    {[]string{"--before", snapshot, "--config", config(3), within, day3}, exitFindings, [3]string{"unchanged", "stray", "unchanged"}, 1, lost},
		} {
			r := verified(t, test.exit, test.args...)
			for i, p := range r.Views[0].Series {
				if want := fmt.Sprintf(v.partition, i+1); p.Partition != want || p.State != test.states[i] {
					t.Errorf("%s, %s: %s is %s, want %s of %s", format, name, p.Partition, p.State, test.states[i], want)
				}
			}
			if got := resultOf(t, r, "backfill-isolated"); got.Message != test.message {
				t.Errorf("%s, %s: it says\n%s\nwant\n%s", format, name, got.Message, test.message)
			}
			if r.Execution.FilesRead != test.read {
				t.Errorf("%s, %s: %d files were read, want %d", format, name, r.Execution.FilesRead, test.read)
			}
			if got := resultOf(t, r, "backfill-complete"); got.Outcome != report.Pass {
				t.Errorf("%s, %s: complete is %s: %s", format, name, got.Outcome, got.Message)
			}
		}
	}
}

// TestAColumnMoreIsNoRewrite: files that lack a column which a table got later are those that they were, and nothing of them is read.
func TestAColumnMoreIsNoRewrite(t *testing.T) {
	fields := []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}, {ID: 2, Name: "event_time", Type: "timestamptz"}}
	table, err := icebergtable.New(filepath.Join(t.TempDir(), "tx"), icebergtable.Options{Fields: fields, Partitions: []icebergtable.Partition{{Source: 2, ID: 1000, Name: "event_time_day", Transform: "day"}}})
	if err != nil {
		t.Fatal(err)
	}
	commit := func(day int, numbers ...int) string {
		values := []any{int(time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)}
		if err := table.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: fmt.Sprintf("data/%d.parquet", day), Rows: ofDay(day, numbers...), Values: values}}}); err != nil {
			t.Fatal(err)
		}
		return table.Dir + "@" + fmt.Sprint(table.Last)
	}
	commit(1, 0, 1)
	before := commit(2, 0, 1)
	if err := table.SetFields(append(fields, icebergtable.Field{ID: 3, Name: "note", Type: "string"})); err != nil {
		t.Fatal(err)
	}
	r := verified(t, exitOK, "--before", before, "--after", commit(3, 0, 1), "--path", table.Dir, "--event-time", "event_time", "--key", "id", "--entity", "id", "--ttl", "30d", "--range", "2026-11-03..2026-11-03")
	for i, want := range []string{"unchanged", "unchanged", "as expected"} {
		if p := r.Views[0].Series[i]; p.State != want {
			t.Errorf("%s is %s, want %s", p.Partition, p.State, want)
		}
	}
	if r.Execution.FilesRead != 1 {
		t.Errorf("%d files were read, want one", r.Execution.FilesRead)
	}
}
