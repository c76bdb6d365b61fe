package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
)

// events are rows of a table with their ids, each at so many seconds after version 0.
func events(ids []any, seconds ...int64) fixtures.Table {
	var times []any
	for _, s := range seconds {
		times = append(times, time.UnixMilli(deltatable.Start+s*1000).UTC())
	}
	return fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: ids}, {Name: "event_time", Type: fixtures.AwareType, Values: times}}}
}

// regional is a table whose region stands in the log alone. Versions are committed a minute after each other: 1 adds a, 2 adds b, 3 c,
// 4 d; 5 takes the first row of a out; 6 writes c anew as e.
func regional(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tx")
	table, err := deltatable.New(dir, deltatable.Options{Schema: []map[string]any{deltatable.Field("id", "long"), deltatable.Field("event_time", "timestamp"), deltatable.Field("region", "string")},
		Partitions: []string{"region"}, Reader: 3, Features: []string{"deletionVectors"}})
	if err != nil {
		t.Fatal(err)
	}
	file := func(path string, region any, rows fixtures.Table) deltatable.File {
		return deltatable.File{Path: path, Values: map[string]any{"region": region}, Rows: rows}
	}
	a := file("a.parquet", "eu", events([]any{1, 2, 3}, 0, 0, 0))
	again, c := a, events([]any{1}, 0)
	again.Deleted = []int64{0}
	e := file("e.parquet", "us", c)
	e.Rewritten = true
	for _, commit := range []func() error{
		func() error { return table.Commit([]deltatable.File{a}) },
		func() error {
			return table.Commit([]deltatable.File{file("b.parquet", nil, events([]any{1, 2}, 0, 120+600))})
		},
		func() error { return table.Commit([]deltatable.File{file("c.parquet", "us", c)}) },
		func() error { return table.Commit([]deltatable.File{file("d.parquet", "eu", events([]any{3}, 0))}) },
		func() error { return table.Commit([]deltatable.File{again}) },
		func() error { return table.Commit([]deltatable.File{e}, "c.parquet") },
	} {
		if err := commit(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// badRows are the rows that each check counted, with those it looked at, and the view.
func badRows(t *testing.T, args ...string) (map[string][2]int64, report.View) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "r.json")
	args = append([]string{"run", "--out", "json=" + out, "--as-of", "2026-11-05T00:00:00Z", "--fail-on", "never"}, args...)
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
	counts := map[string][2]int64{}
	for _, result := range r.Results {
		if result.Outcome == report.Pass || result.Outcome == report.Fail || result.Outcome == report.Warn {
			counts[result.Check] = [2]int64{result.RowsBad, result.RowsTotal}
		}
	}
	return counts, r.Views[0]
}

// TestColumnsOfTheLog takes the key, the entity and the ingest time from the log: files hold none of them.
func TestColumnsOfTheLog(t *testing.T) {
	dir := regional(t)
	args := []string{"--path", dir, "--key", "id,region", "--entity", "region", "--event-time", "event_time", "--set", "ingested_at={commit: true}", "--set", "max_lag=150s", "--set", "ttl={never: test}"}
	for version, want := range map[string]map[string][2]int64{
		// a arrived after 60 s, b after 120, c after 180, d after 240
		"4": {"duplicate-keys": {1, 5}, "null-keys": {2, 7}, "source-lag": {2, 7}, "future-rows": {1, 7}},
		"5": {"duplicate-keys": {1, 4}, "null-keys": {2, 6}, "source-lag": {2, 6}, "future-rows": {1, 6}},
		// of e nothing is known: it holds older rows
		"6": {"duplicate-keys": {1, 4}, "null-keys": {2, 6}, "source-lag": {1, 5}, "future-rows": {1, 6}},
	} {
		got, view := badRows(t, append(args, "--set", "table.version="+version)...)
		for check, counts := range want {
			if got[check] != counts {
				t.Errorf("version %s: %s counts %v, want %v", version, check, got[check], counts)
			}
		}
		if note := "1 of 4 files have none"; strings.Contains(strings.Join(view.Notes, "\n"), note) != (version == "6") {
			t.Errorf("version %s: notes %q, want %q in version 6 alone", version, view.Notes, note)
		}
	}
	rows := filepath.Join(t.TempDir(), "rows.csv")
	if code, _, stderr := cliRun(t, append([]string{"run", "--as-of", "2026-11-05T00:00:00Z", "--fail-on", "never", "--check", "source-lag", "--out", "rows=" + rows, "--set", "table.version=4"}, args...)...); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	text, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`source-lag,c.parquet,0,`, `source-lag,d.parquet,0,`, `""region"":""us""`, `""_commit_timestamp"":""2026-11-01 02:29:40+00""`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the rows do not say %s: %s", want, text)
		}
	}
}

// TestCommitTimesAreOfTables refuses commit times where no log has any.
func TestCommitTimesAreOfTables(t *testing.T) {
	dir := t.TempDir()
	if err := fixtures.Write(filepath.Join(dir, "a.parquet"), events([]any{1}, 0), fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := cliRun(t, "run", "--path", dir, "--event-time", "event_time", "--set", "ingested_at.commit=true", "--as-of", "2026-11-05T00:00:00Z")
	if code == 0 || !strings.Contains(strings.Join(strings.Fields(stdout), " "), "holds no log of a table that says when files were committed") {
		t.Errorf("exit %d: %s", code, stdout)
	}
}
