package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// largeGroup writes a file of a million rows in one row group, for which the engine has no memory at copiedLimit: it reads a copy in small row
// groups in its stead. The last two rows have one key.
func largeGroup(t *testing.T) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "a.parquet")
	query := fmt.Sprintf("COPY (SELECT %s, CASE WHEN i >= 999998 THEN 'x' ELSE substr(md5(i::VARCHAR), 1, 16) END AS id, (i %% 7000)::VARCHAR AS user, i %% 1000 AS amount "+
		"FROM range(1000000) t(i)) TO '%s' (FORMAT parquet, ROW_GROUP_SIZE 2000000, COMPRESSION uncompressed)", instant, path)
	if _, err := duckdb.RunSQL(t.Context(), 1, 0, query); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

const copiedLimit = "68MB"

// auditWithin audits a folder within a limit.
func auditWithin(t *testing.T, limit, path string) report.Report {
	t.Helper()
	out := filepath.Join(t.TempDir(), "report.json")
	args := []string{"run", "--path", path, "--event-time", "event_time", "--key", "id", "--entity", "user", "--ttl", "1000d", "--as-of", "2026-11-02", "--set", "measures=amount",
		"--threads", "2", "--memory-limit", limit, "--fail-on", "never", "--summary", "none", "--log-level", "error", "--out", "json=" + out}
	if text, err := program(t, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", limit, err, text)
	}
	return readJSON(t, out)
}

// TestDamageInAFileThatIsReadAsACopy flips a bit in a page that is compared only where keys repeat, in a row group of which the copy has many:
// the file is named as it is where no copy is made.
func TestDamageInAFileThatIsReadAsACopy(t *testing.T) {
	dir, path := largeGroup(t)
	if err := fixtures.AddChecksums(path); err != nil {
		t.Fatal(err)
	}
	if _, err := fixtures.Damage(path, "amount", 0); err != nil {
		t.Fatal(err)
	}
	whole, copied := auditWithin(t, "2GB", dir), auditWithin(t, copiedLimit, dir)
	for _, got := range []report.Report{whole, copied} {
		r := resultOf(t, got, "unreadable-file")
		if r.Outcome != report.Error || !strings.Contains(r.Message, `column "amount"`) || !strings.Contains(r.Message, "does not match its checksum") {
			t.Errorf("unreadable-file: %s: %s", r.Outcome, r.Message)
		}
		r = resultOf(t, got, "duplicate-keys")
		if fmt.Sprint(r.Measures["unknown_keys"]) != "1" || fmt.Sprint(r.Measures["replay_keys"]) != "0" || r.RowsBad != 1 {
			t.Errorf("duplicate-keys: %d rows, %v", r.RowsBad, r.Measures)
		}
	}
	for i, want := range whole.Results {
		if got := copied.Results[i]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s in little memory: %s: %s %v; in much: %s: %s %v", want.Check, got.Outcome, got.Message, got.Measures, want.Outcome, want.Message, want.Measures)
		}
	}
}

// TestAMeasureIsNotClaimedWhereNoKeysWereCompared: whether keys repeat is not known where that was not asked.
func TestAMeasureIsNotClaimedWhereNoKeysWereCompared(t *testing.T) {
	dir := t.TempDir()
	query := "COPY (SELECT " + instant + ", i // 2 AS id, 1 AS amount FROM range(4) t(i)) TO '" + filepath.Join(dir, "a.parquet") + "' (FORMAT parquet)"
	if _, err := duckdb.RunSQL(t.Context(), 1, 0, query); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "report.json")
	args := []string{"run", "--path", dir, "--event-time", "event_time", "--key", "id", "--set", "measures=amount", "--as-of", "2026-11-02", "--check", "unreadable-file", "--out", "json=" + out}
	if code, said := ran(t, args...); code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	if got, want := resultOf(t, readJSON(t, out), "unreadable-file").Message, "1 of 1 files could be read; amount was not read, since no keys were compared"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
