package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
)

// TestRunSaysWhichVersionItLookedAt audits two versions of a table: each has its own rows, its number in the summary, and the same
// bytes every time.
func TestRunSaysWhichVersionItLookedAt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tx")
	table, err := deltatable.New(dir, deltatable.Options{Schema: []map[string]any{deltatable.Field("id", "long")}, Reader: 3, Features: []string{"deletionVectors"}})
	if err != nil {
		t.Fatal(err)
	}
	file := deltatable.File{Path: "a.parquet", Rows: fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: []any{7, 7, 8}}}}}
	if err := table.Commit([]deltatable.File{file}); err != nil {
		t.Fatal(err)
	}
	file.Deleted = []int64{1}
	if err := table.Commit([]deltatable.File{file}); err != nil {
		t.Fatal(err)
	}
	run := func(version string, exit int) (report.View, string) {
		out := filepath.Join(t.TempDir(), "r.json")
		code, stdout, stderr := cliRun(t, "run", "--path", dir, "--key", "id", "--set", "table.version="+version, "--check", "duplicate-keys", "--out", "json="+out, "--as-of", "2026-11-05T00:00:00Z")
		if code != exit {
			t.Fatalf("version %s: exit %d, want %d: %s", version, code, exit, stderr)
		}
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		var r report.Report
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		if want := "version " + version + " of a delta table"; code != 0 && !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("the summary does not say %s:\n%s", want, stdout)
		}
		return r.Views[0], r.ID
	}
	before, id := run("1", 1)
	if _, again := run("1", 1); again != id {
		t.Error("the report of one version differs from run to run")
	}
	after, _ := run("2", 0)
	want := report.Table{Format: "delta", Root: ".", Version: 2, CommittedAt: "2026-11-01T02:28:40Z", DeletedRows: 1}
	if before.Rows != 3 || after.Rows != 2 || *after.Table != want {
		t.Errorf("%d rows, then %d: %+v", before.Rows, after.Rows, *after.Table)
	}
}
