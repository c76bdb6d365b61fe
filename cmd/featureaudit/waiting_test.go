package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSignalEndsWhatWaitsForAPipe has commands that wait for a pipe that nobody writes to, or reads from.
func TestSignalEndsWhatWaitsForAPipe(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "report.json")
	raw, err := complete(sampleReport())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"config":        {"run", "--config", "PIPE"},
		"report":        {"gate", "PIPE"},
		"report, stdin": {"report", "-"},
		"flags":         {"require", "clicks", "--flags", "PIPE"},
		"output":        {"report", kept, "--out", "text=PIPE"},
		"approvals":     {"diff", kept, kept, "--config", "PIPE"},
	} {
		pipe := filepath.Join(dir, name)
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		for i := range args {
			args[i] = strings.Replace(args[i], "PIPE", pipe, 1)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := program(t, args...)
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			awaitReader(t, pipe, slices.Contains([]string{"output", "report, stdin"}, name))
			sent := time.Now()
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitSIGTERM {
				t.Errorf("ended with %v, want exit %d", err, exitSIGTERM)
			}
			// what is being written has 5 seconds; between the two lies what a busy machine adds
			if took := time.Since(sent); took > 4*time.Second {
				t.Errorf("ended after %s, want %s", took, softExitAfter)
			}
		})
	}
}

// awaitReader waits until a program reads the pipe, and gives it a writer that writes nothing; blind waits are for what cannot
// be seen from here.
func awaitReader(t *testing.T, pipe string, blind bool) {
	t.Helper()
	if blind {
		time.Sleep(2 * time.Second)
		return
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		writer, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			t.Cleanup(func() { _ = writer.Close() })
			return
		}
	}
	t.Fatalf("nobody reads %s", pipe)
}

func TestPipesAreNoDefinitions(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "defs.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"run", pipe}, {"definitions", pipe}, {"lint", pipe}} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		cmd := exec.CommandContext(ctx, program(t).Path)
		cmd.Args = append([]string{"featureaudit"}, args...)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitUsage && exit.ExitCode() != exitIncomplete {
			t.Errorf("%v: got %v, %s, want errors.As(err, &exit) && (exit.ExitCode() == exitUsage || exit.ExitCode() == exitIncomplete)", args, err, out)
		}
		cancel()
	}
}

// TestSecondSignalRemovesWhatIsBeingWritten interrupts a program that writes an output and has scratch, twice.
func TestSecondSignalRemovesWhatIsBeingWritten(t *testing.T) {
	dir := t.TempDir()
	output, scratch, stays := filepath.Join(dir, ".report.json.1.tmp"), filepath.Join(dir, "scratch"), filepath.Join(dir, "report.json")
	for _, name := range []string{output, stays} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(scratch, "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	codes := make(chan int, 1)
	ctx := withSignals(t.Context(), func(code int) { codes <- code })
	temps := temporariesOf(ctx)
	temps.add(output, true)
	temps.add(scratch, false)
	temps.add(stays, true)
	temps.done(stays)
	for range 2 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		time.Sleep(50 * time.Millisecond)
	}
	if code := <-codes; code != exitSIGHUP {
		t.Errorf("exit %d, want %d", code, exitSIGHUP)
	}
	for name, want := range map[string]bool{output: false, scratch: false, stays: true} {
		if _, err := os.Stat(name); (err == nil) != want {
			t.Errorf("%s: there is %t, want %t", name, err == nil, want)
		}
	}
}
