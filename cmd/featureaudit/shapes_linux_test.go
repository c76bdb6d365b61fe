package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCommandsStayWithinTheLimit gives the odd shapes to the commands beside run, and to runs that keep facts: at most a tenth more than the
// limit is taken, and each ends as it does where memory is plenty.
func TestCommandsStayWithinTheLimit(t *testing.T) {
	const limit = 256_000_000
	byDefault := []string{"2 million rows of one key", "entities of 5 megabytes"}
	withMemory := []string{"25 keys of a megabyte", "a row group of 5 million rows", "2,000 columns", "20,000 files"}
	for _, shape := range oddShapes() {
		if !slices.Contains(byDefault, shape.name) && (!slices.Contains(withMemory, shape.name) || os.Getenv(memoryVariable) == "") {
			continue
		}
		t.Run(shape.name, func(t *testing.T) {
			dir, out := t.TempDir(), t.TempDir()
			shape.write(t, dir)
			view := []string{"--path", dir, "--name", "v", "--event-time", "event_time", "--key", "id", "--ttl", "1000d", "--memory-limit", "256MB"}
			judged := append([]string{"--as-of", "2026-11-02", "--threads", "2"}, view...)
			repeats := 0
			if shape.measures["repeated_keys"] != "0" {
				repeats = 1
			}
			run := append([]string{"run", "--facts", filepath.Join(out, "facts"), "--summary", "none", "--log-level", "error"}, judged...)
			snapshot := filepath.Join(out, "before.snapshot")
			for _, c := range []struct {
				name string
				args []string
				code int
			}{
				{"a first night with kept facts", run, repeats},
				{"a second night with kept facts", run, repeats},
				{"require --data", append([]string{"require", "v", "--data", "--now", "2026-11-02T00:00:00Z"}, view...), repeats},
				{"snapshot", append([]string{"snapshot", "--out", snapshot}, judged...), 0},
				{"verify", append([]string{"verify", "--before", snapshot, "--paranoid"}, judged...), 0},
			} {
				peak, code, text := peakOf(t, program(t, c.args...))
				if code != c.code {
					t.Errorf("%s: exit %d, want %d:\n%s", c.name, code, c.code, text)
				}
				if peak > limit*11/10 {
					t.Errorf("%s: %d MB resident, limit %d MB", c.name, peak/1_000_000, limit/1_000_000)
				}
			}
		})
	}
}

// peakOf runs a program to its end, and gives the most that was resident of it in bytes, its exit code and what it said. The peak of a
// process that ended would count this one, which it was forked from.
func peakOf(t *testing.T, cmd *exec.Cmd) (peak int64, code int, text string) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	for {
		select {
		case <-done:
			if peak == 0 {
				t.Fatal("the memory of the process could not be read")
			}
			return peak, cmd.ProcessState.ExitCode(), said.String()
		case <-time.After(2 * time.Millisecond):
		}
		raw, err := os.ReadFile(status)
		if err != nil {
			continue // it ends
		}
		for line := range strings.Lines(string(raw)) {
			var kib int64
			if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
				peak = max(peak, kib<<10)
			}
		}
	}
}
