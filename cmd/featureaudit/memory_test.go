package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// TestKilledRunLeavesNothing kills the program the moment that it spills, as an out-of-memory killer would.
func TestKilledRunLeavesNothing(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("the open files of a process are seen in /proc, which this system has not")
	}
	spill := t.TempDir()
	cmd := program(t, append(pairedStore(t, 600), "--memory-limit", "128MiB", "--temp-dir", spill)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for !spilling(cmd.Process.Pid, spill) {
		if time.Now().After(deadline) {
			t.Fatal("the run did not spill")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the killed run ended well")
	}
	if left, err := os.ReadDir(spill); err != nil || len(left) > 0 {
		t.Errorf("left in the temp dir: %v (%v)", left, err)
	}
}

// spilling says whether a process holds an open file of a folder, where spill files have no name.
func spilling(pid int, folder string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false
	}
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasPrefix(target, folder+"/") && strings.HasSuffix(target, "(deleted)") {
			return true
		}
	}
	return false
}
