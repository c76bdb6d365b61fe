package main

import (
	"bufio"
	"bytes"
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

// realProgram builds the program as users have it: a test binary runs without a watcher.
func realProgram(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "featureaudit")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return binary
}

func TestWatcher(t *testing.T) {
	binary := realProgram(t)
	t.Run("limits of the system", func(t *testing.T) { testSystemLimits(t, binary) })
	t.Run("signals", func(t *testing.T) { testWatchedSignals(t, binary) })
	t.Run("killed", func(t *testing.T) { testWatcherKilled(t, binary) })
}

// testSystemLimits runs the program where the system gives little: it must end as ever, or with exit 3 and a sentence, and
// never with a trace.
func testSystemLimits(t *testing.T, binary string) {
	dir := t.TempDir()
	err := fixtures.Write(filepath.Join(dir, "a.parquet"), fixtures.Table{Columns: []fixtures.Column{
		{Name: "event_time", Type: fixtures.AwareType, Values: []any{time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}},
	}}, fixtures.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var limits []string
	for _, kib := range []int{200_000, 400_000, 600_000, 800_000, 1_000_000, 1_200_000, 1_500_000, 2_000_000, 3_000_000} {
		limits = append(limits, fmt.Sprintf("ulimit -v %d", kib))
	}
	for files := 4; files <= 16; files++ {
		limits = append(limits, fmt.Sprintf("ulimit -n %d", files))
	}
	if os.Getuid() == 0 {
		// root is under no limit of processes: a user of its own is
		for processes := 1; processes <= 14; processes++ {
			limits = append(limits, fmt.Sprintf("ulimit -u %d", processes))
		}
	}
	sentences := 0
	for _, limit := range limits {
		script := fmt.Sprintf("%s; exec %s run --path %s --event-time event_time --ttl 3d --as-of 2026-11-02 --log-level error", limit, binary, dir)
		cmd := exec.Command("bash", "-c", script)
		if strings.HasPrefix(limit, "ulimit -u") {
			cmd = unprivileged(t, script, binary, dir)
		}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run()
		code, said := cmd.ProcessState.ExitCode(), stderr.String()
		switch {
		case code == 0 && said == "":
		case code == 3 && said == "" && strings.HasPrefix(stdout.String(), "ERROR"):
		case code == 3 && strings.HasPrefix(said, "featureaudit") && strings.Count(said, "\n") <= 3 && !strings.Contains(said, "goroutine"):
			sentences++
		default:
			t.Errorf("%s: exit %d, want 0, or 3 with a sentence; stderr:\n%.400s\nstdout:\n%.400s", limit, code, said, stdout.String())
		}
	}
	if sentences < 5 {
		t.Errorf("%d limits were too low, want at least 5: the test no longer tests", sentences)
	}
}

// unprivileged runs a script as a user that has no other process. The paths must be readable by all.
func unprivileged(t *testing.T, script string, paths ...string) *exec.Cmd {
	t.Helper()
	for _, path := range paths {
		for ; path != os.TempDir() && path != "/"; path = filepath.Dir(path) {
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	file, err := os.CreateTemp("", "limits-*.sh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(file.Name()) })
	if err := errors.Join(os.WriteFile(file.Name(), []byte(script), 0o644), os.Chmod(file.Name(), 0o644), file.Close()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", file.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 61234, Gid: 61234, NoSetGroups: true}}
	cmd.Dir = "/"
	return cmd
}

// testWatchedSignals signals the process that was started, and its whole group as schedulers do: the program hears it once.
func testWatchedSignals(t *testing.T, binary string) {
	dir := largeStore(t)
	for _, group := range []bool{false, true} {
		out := filepath.Join(t.TempDir(), "report.json")
		cmd := exec.Command(binary, "run", "--path", dir, "--event-time", "event_time", "--key", "id", "--ttl", "1h", "--as-of", "2026-11-01",
			"--out", "json="+out, "--log-format", "json", "--summary", "none")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		awaitLine(t, bufio.NewReader(stderr), "audit starts")
		pid := cmd.Process.Pid
		if group {
			pid = -pid
		}
		if err := errors.Join(stderr.Close(), syscall.Kill(pid, syscall.SIGTERM)); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitSIGTERM {
			t.Errorf("group %t: exit %d, want %d", group, code, exitSIGTERM)
		}
		if r := readJSON(t, out); r.Status != report.Partial {
			t.Errorf("group %t: the report is %q, want partial", group, r.Status)
		}
	}
}

// testWatcherKilled kills the process that was started: the program must not go on without it.
func testWatcherKilled(t *testing.T, binary string) {
	cmd := exec.Command(binary, "run", "--path", largeStore(t), "--event-time", "event_time", "--key", "id", "--ttl", "1h", "--as-of", "2026-11-01", "--log-format", "json", "--summary", "none")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stderr)
	awaitLine(t, lines, "audit starts")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// the program holds the other end of the pipe: it is closed when the program is gone
	ended := make(chan struct{})
	go func() {
		for _, err := lines.ReadString('\n'); err == nil; _, err = lines.ReadString('\n') {
		}
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the program goes on 10 s after its watcher was killed")
	}
	_ = cmd.Wait()
}
