package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
)

// daily is a table of days: version 1 has 1 November, 2 adds the 2nd, 3 writes a property and a column, 4 takes a row of the 1st out.
func daily(t *testing.T, dir string, settings map[string]string) *deltatable.Table {
	t.Helper()
	fields := []map[string]any{deltatable.Field("id", "long"), deltatable.Field("event_time", "timestamp"), deltatable.Field("dt", "string")}
	table, err := deltatable.New(dir, deltatable.Options{Schema: fields, Partitions: []string{"dt"}, Reader: 3, Features: []string{"deletionVectors"}, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	file := func(day string, seconds int64) deltatable.File {
		return deltatable.File{Path: "dt=" + day + "/a.parquet", Values: map[string]any{"dt": day}, Rows: events([]any{1, 2, 3}, seconds, seconds+1, seconds+2)}
	}
	first := file("2026-11-01", 0)
	again := first
	again.Deleted = []int64{1}
	for _, commit := range []func() error{
		func() error { return table.Commit([]deltatable.File{first}) },
		func() error { return table.Commit([]deltatable.File{file("2026-11-02", 24*60*60)}) },
		func() error {
			return table.Alter(append(fields, deltatable.Field("note", "string")), map[string]string{"delta.logRetentionDuration": "interval 2 days"})
		},
		func() error { return table.Commit([]deltatable.File{again}) },
	} {
		if err := commit(); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

// TestVersionsOfATable names versions on the command line: diff compares their columns and properties, verify their rows.
func TestVersionsOfATable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tx")
	daily(t, dir, nil)
	definitions := []string{"--path", dir, "--event-time", "event_time", "--key", "id,dt", "--entity", "id", "--ttl", "30d", "--range", "2026-11-02..2026-11-02", "--as-of", "2026-11-05T00:00:00Z"}
	verify := func(before, after string) []string {
		return append([]string{"verify", "--before", dir + "@" + before, "--after", dir + "@" + after}, definitions...)
	}
	for name, test := range map[string]struct {
		args []string
		exit int
		want []string
	}{
		"columns and properties": {[]string{"diff", dir + "@1", dir + "@3"}, 0, []string{"its table.delta.logRetentionDuration went from nothing to interval 2 days", "feature-added (1)"}},
		"nothing":                {[]string{"diff", dir + "@1", dir + "@2"}, 0, []string{"nothing changed"}},
		"by time":                {[]string{"diff", dir + "@2026-11-01T02:28:41Z", dir + "@2026-11-01T02:30:41Z"}, 0, []string{"went from nothing to interval 2 days"}},
		"no such version":        {[]string{"diff", dir + "@1", dir + "@9"}, 2, []string{"it has no version 9: its last is 4"}},
		"a day was added":        {verify("1", "2"), 0, []string{"1 as expected (dt=2026-11-02: 3 rows, new), 1 unchanged"}},
		"a row was taken out":    {verify("1", "4"), 1, []string{"1 stray (dt=2026-11-01: 3 to 2 rows)"}},
		"only a property":        {verify("2", "3"), 0, []string{"2 unchanged"}},
		"not that version":       {verify("1", "9"), 1, []string{"it has no version 9: its last is 4"}},
	} {
		code, stdout, stderr := cliRun(t, test.args...)
		got := strings.Join(strings.Fields(stdout+stderr), " ")
		if code != test.exit {
			t.Errorf("%s: exit %d, want %d: %s", name, code, test.exit, got)
		}
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: want %q: %s", name, want, got)
			}
		}
	}
}

// TestLintComparesRetentionWithTheTTL wants the shortest setting named where it is below the ttl, and nothing where it is not.
func TestLintComparesRetentionWithTheTTL(t *testing.T) {
	for name, test := range map[string]struct {
		settings map[string]string
		ttl      string
		want     string
	}{
		"below":      {nil, "4d", "its table says delta.logRetentionDuration = interval 2 days: older versions are cleaned up, and rows live for 4d (ttl)"},
		"not below":  {nil, "2d", ""},
		"a default":  {map[string]string{"delta.logRetentionDuration": "interval 4 weeks"}, "8d", "has no delta.deletedFileRetentionDuration, whose default is interval 7 days"},
		"unreadable": {map[string]string{"delta.deletedFileRetentionDuration": "a while"}, "1d", `its table says delta.deletedFileRetentionDuration = "a while", which cannot be read`},
	} {
		base := t.TempDir()
		table := daily(t, filepath.Join(base, "tx"), nil)
		if test.settings != nil {
			if err := table.Alter([]map[string]any{deltatable.Field("id", "long"), deltatable.Field("event_time", "timestamp"), deltatable.Field("dt", "string")}, test.settings); err != nil {
				t.Fatal(err)
			}
		}
		lintOfRetention(t, name, base, test.ttl, test.want)
	}
}

// lintOfRetention has lint compare the retention of the table tx below a folder with a ttl; want is a part of what it says, empty for nothing.
func lintOfRetention(t *testing.T, name, base, ttl, want string) {
	t.Helper()
	config := filepath.Join(base, "c.yaml")
	if err := os.WriteFile(config, []byte("version: 1\nviews:\n  tx: {path: tx, event_time: event_time, entity: [id], ttl: "+ttl+"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := cliRun(t, "lint", config)
	got := strings.Join(strings.Fields(stdout), " ")
	if code != 0 || !strings.Contains(got, want) || (want == "") == strings.Contains(got, "table-retention") {
		t.Errorf("%s: exit %d, want %q: %s %s", name, code, want, got, stderr)
	}
}

// TestInitFindsTables writes a view for each table, and for the plain files beside them, that run then reads.
func TestInitFindsTables(t *testing.T) {
	base := t.TempDir()
	daily(t, filepath.Join(base, "lake", "tx"), nil)
	if err := fixtures.Write(filepath.Join(base, "lake", "plain", "a.parquet"), events([]any{1}, 0), fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(base, "featureaudit.yaml")
	if code, _, stderr := cliRun(t, "init", filepath.Join(base, "lake"), "--out", "yaml="+out); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"path: lake/tx\n", "path: lake/plain/*.parquet\n", "event_time: event_time"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("want %q: %s", want, text)
		}
	}
	if code, stdout, _ := cliRun(t, "plan", "--config", out); code != 0 || !strings.Contains(stdout, "version 4 of the Delta table") {
		t.Errorf("plan: exit %d: %s", code, stdout)
	}
}
