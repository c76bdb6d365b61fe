package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/fixtures"
)

// TestRunsThatAreKilledAndRunsAtOnceLeaveFactsWhole kills runs with one folder of facts at moments of their reading and writing, and then
// lets four write to it at once: no pack is damaged by any of it, and the report of the next run is that of one that reads all.
func TestRunsThatAreKilledAndRunsAtOnceLeaveFactsWhole(t *testing.T) {
	dir := t.TempDir()
	if _, err := fixtures.Incident(dir); err != nil {
		t.Fatal(err)
	}
	at, err := os.ReadFile(filepath.Join(dir, "as_of"))
	if err != nil {
		t.Fatal(err)
	}
	facts := filepath.Join(dir, "facts")
	args := []string{"run", "--config", filepath.Join(dir, "featureaudit.yaml"), "--as-of", strings.TrimSpace(string(at)), "--fail-on", "never", "--summary", "none"}
	keeping := append(args[:len(args):len(args)], "--facts", facts)
	run := func(args ...string) string {
		t.Helper()
		printed, err := program(t, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("featureaudit %q: %v\n%s", args, err, printed)
		}
		return string(printed)
	}
	results := func(args []string) (text string, known float64) {
		t.Helper()
		out := filepath.Join(t.TempDir(), "report.json")
		run(append(args[:len(args):len(args)], "--out", "json="+out)...)
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		var r struct {
			Results   []map[string]any
			Execution map[string]any
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, result := range r.Results {
			if result["check"] != "rewritten-partitions" {
				line, err := json.Marshal(result)
				if err != nil {
					t.Fatal(err)
				}
				lines = append(lines, string(line))
			}
		}
		known, _ = r.Execution["files_known"].(float64)
		return strings.Join(lines, "\n"), known
	}
	want, _ := results(args)
	rng := rand.New(rand.NewPCG(19, 9))
	started := time.Now()
	run(keeping...)
	whole := time.Since(started)
	for round := range 10 {
		cmd := program(t, append(keeping, "--paranoid")...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole/3 + time.Duration(rng.Int64N(int64(whole))))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if got, err := program(t, "facts", "check", facts).CombinedOutput(); err != nil {
			t.Fatalf("round %d: %v\n%s", round, err, got)
		}
	}
	var running sync.WaitGroup
	runs := make([]*exec.Cmd, 4)
	for i := range runs {
		runs[i] = program(t, append(keeping, "--paranoid")...)
		running.Go(func() {
			if printed, err := runs[i].CombinedOutput(); err != nil {
				t.Errorf("one of four: %v\n%s", err, printed)
			}
		})
	}
	running.Wait()
	run("facts", "check", facts)
	if got, known := results(keeping); got != want || known == 0 {
		t.Errorf("%v files are known, and the results are others than those of a run that reads all:\n%s\nwant\n%s", known, got, want)
	}
}
