package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// pairedStore is one file of 100,000 rows under many names, in as many days: every key appears once in each.
func pairedStore(t *testing.T, days int) []string {
	t.Helper()
	dir := largeStore(t)
	folders, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders[days:] {
		if err := os.RemoveAll(filepath.Join(dir, folder.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"run", "--path", dir, "--event-time", "event_time", "--key", "id", "--entity", "user", "--ttl", "1h", "--set", "once_per=[partition]",
		"--check", "duplicate-keys", "--check", "stale-entities", "--as-of", "2026-11-01", "--fail-on", "never", "--summary", "none", "--log-level", "error"}
}

// TestMemoryStaysWithinTheLimit audits 1, 4 and 16 times the rows: what no longer fits is spilled, and the answer is exact.
func TestMemoryStaysWithinTheLimit(t *testing.T) {
	const limit = 512 << 20
	for _, days := range []int{10, 40, 160} {
		spill, out := t.TempDir(), filepath.Join(t.TempDir(), "report.json")
		args := append(pairedStore(t, days), "--memory-limit", "512MiB", "--temp-dir", spill, "--out", "json="+out)
		if text, err := program(t, args...).CombinedOutput(); err != nil {
			t.Fatalf("%d days: %v\n%s", days, err, text)
		}
		r := readJSON(t, out)
		if peak := r.Execution.PeakMemoryBytes; peak > limit {
			t.Errorf("%d days: %d MiB resident, limit %d MiB", days, peak>>20, limit>>20)
		}
		for _, result := range r.Results {
			switch {
			case result.Check == "duplicate-keys" && fmt.Sprint(result.Measures["paired_keys"]) != "100000":
				t.Errorf("%d days: paired keys %v, want 100000", days, result.Measures["paired_keys"])
			case result.Check == "stale-entities" && result.RowsTotal != 100_000:
				t.Errorf("%d days: %d entities, want 100000", days, result.RowsTotal)
			}
		}
		if left, err := os.ReadDir(spill); err != nil || len(left) > 0 {
			t.Errorf("%d days: left in the temp dir: %v (%v)", days, left, err)
		}
	}
}
