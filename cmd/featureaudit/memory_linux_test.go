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

// TestKilledRunLeavesNothing kills the program the moment that it spills, as an out-of-memory killer would. The open files of a
// process are seen in /proc.
func TestKilledRunLeavesNothing(t *testing.T) {
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
