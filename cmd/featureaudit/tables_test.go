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

// TestAFeastSourceOfADeltaFolder takes the path, the times and the ttl of a view from a registry of Feast whose file source is the folder of a Delta
// table: its log says which rows count.
func TestAFeastSourceOfADeltaFolder(t *testing.T) {
	base := t.TempDir()
	daily(t, filepath.Join(base, "lake", "tx"), nil)
	registry := `{"project": "shop", "entities": [{"spec": {"name": "user", "joinKey": "id", "valueType": "INT64"}}],
  "featureViews": [{"spec": {"name": "tx", "entities": ["user"], "ttl": "86400s", "entityColumns": [{"name": "id", "valueType": "INT64"}], "features": [{"name": "dt", "valueType": "STRING"}],
    "batchSource": {"type": "BATCH_FILE", "timestampField": "event_time", "fileOptions": {"fileFormat": {"deltaFormat": {}}, "uri": "lake/tx"}}}}]}`
	for name, text := range map[string]string{"registry.json": registry, "featureaudit.yaml": "version: 1\ndefinitions: [registry.json]\n",
		"first.yaml": "version: 1\ndefinitions: [registry.json]\nviews:\n  tx: {table: {version: 1}}\n"} {
		if err := os.WriteFile(filepath.Join(base, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for config, want := range map[string]struct{ rows, version, deleted int64 }{"featureaudit.yaml": {5, 4, 1}, "first.yaml": {3, 1, 0}} {
		counts, view := badRows(t, "--config", filepath.Join(base, config))
		if view.Name != "tx" || view.Rows != want.rows || view.Table == nil || view.Table.Version != want.version || view.Table.DeletedRows != want.deleted || counts["duplicate-keys"][1] != want.rows {
			t.Errorf("%s: %d rows of %+v, %v", config, view.Rows, view.Table, counts)
		}
	}
}
