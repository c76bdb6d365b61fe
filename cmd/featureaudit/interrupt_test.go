package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// program is this test binary run as featureaudit (TestMain).
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"featureaudit"}, args...)}
}

// largeStore is a store that takes far longer to audit than a test waits: one file under many names.
func largeStore(t *testing.T) string {
	t.Helper()
	const rows, days = 100_000, 600
	dir := t.TempDir()
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	columns := []fixtures.Column{
		{Name: "event_time", Type: fixtures.AwareType}, {Name: "id", Type: fixtures.TextType}, {Name: "user", Type: fixtures.Int64Type},
	}
	for i := range rows {
		columns[0].Values = append(columns[0].Values, begin.Add(time.Duration(i)*time.Millisecond))
		columns[1].Values = append(columns[1].Values, fmt.Sprintf("%032d", i))
		columns[2].Values = append(columns[2].Values, i)
	}
	first := filepath.Join(dir, "dt=2025-01-01", "a.parquet")
	if err := fixtures.Write(first, fixtures.Table{Columns: columns}, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	for day := 1; day < days; day++ {
		folder := filepath.Join(dir, begin.AddDate(0, 0, day).Format("dt=2006-01-02"))
		if err := errors.Join(os.Mkdir(folder, 0o755), os.Link(first, filepath.Join(folder, "a.parquet"))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestInterruptedRunLeavesItsReport does what a scheduler does: it closes stderr and sends SIGTERM.
func TestInterruptedRunLeavesItsReport(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			dir, spill := largeStore(t), t.TempDir()
			out := filepath.Join(t.TempDir(), "report.json")
			cmd := program(t, "run", "--path", dir, "--event-time", "event_time", "--key", "id", "--entity", "user", "--ttl", "1h",
				"--as-of", "2026-11-01", "--out", "json="+out, "--temp-dir", spill, "--log-format", "json")
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			awaitLine(t, bufio.NewReader(stderr), "audit starts")
			if err := errors.Join(stderr.Close(), cmd.Process.Signal(sig)); err != nil {
				t.Fatal(err)
			}
			err = cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 128+int(sig) {
				t.Errorf("ended with %v, want exit %d", err, 128+int(sig))
			}
			r := readJSON(t, out)
			if r.Status != report.Partial || r.ID == "" || r.Execution.FinishedAt == "" {
				t.Errorf("status %q, id %q, finished %q: want a whole partial report", r.Status, r.ID, r.Execution.FinishedAt)
			}
			left, err := os.ReadDir(spill)
			if err != nil || len(left) > 0 {
				t.Errorf("left in the temp dir: %v (%v)", left, err)
			}
		})
	}
}

func awaitLine(t *testing.T, r *bufio.Reader, part string) {
	t.Helper()
	var seen strings.Builder
	for {
		line, err := r.ReadString('\n')
		seen.WriteString(line)
		if strings.Contains(line, part) {
			return
		}
		if err != nil {
			t.Fatalf("no line with %q in\n%s", part, seen.String())
		}
	}
}

func readJSON(t *testing.T, path string) report.Report {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestClosedStdoutIsNoError is `featureaudit checks | head`.
func TestClosedStdoutIsNoError(t *testing.T) {
	cmd := program(t, "checks", "--format", "json")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(stdout.Close(), cmd.Run()); err != nil {
		t.Errorf("ended with %v, want exit 0", err)
	}
}

func TestSecondSignalExitsAtOnce(t *testing.T) {
	codes := make(chan int, 1)
	ctx := withSignals(context.Background(), func(code int) { codes <- code })
	send := func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	send()
	<-ctx.Done()
	if e, ok := interruption(ctx); !ok || e.code() != 130 {
		t.Errorf("cause %v, want SIGINT", context.Cause(ctx))
	}
	send()
	if code := <-codes; code != 130 {
		t.Errorf("exit %d, want 130", code)
	}
}
