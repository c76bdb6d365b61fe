package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/blob"
)

// The exit codes. Other programs branch on them; they are part of the interface.
const (
	exitOK         = 0
	exitFindings   = 1
	exitUsage      = 2
	exitIncomplete = 3
	exitNothing    = 99
	exitSIGHUP     = 129
	exitSIGINT     = 130
	exitSIGTERM    = 143
)

// exitMeaning documents one exit code, for --help and the README.
type exitMeaning struct {
	code    int
	meaning string
}

func exitMeanings() []exitMeaning {
	return []exitMeaning{
		{exitOK, "no finding at or above --fail-on"},
		{exitFindings, "findings at or above --fail-on, or files that are no valid Parquet or in a form that the engine does not read: a retry cannot help"},
		{exitUsage, "the command line, the config, a definition file or a report is wrong"},
		{exitIncomplete, "could not evaluate, and a retry may cure it: I/O, rights, a changed file, memory, disk, nothing found to audit; wins over 1"},
		{exitNothing, "nothing to audit (only with --skip-empty)"},
		{exitSIGHUP, "interrupted by SIGHUP; the partial report is written and marked"},
		{exitSIGINT, "interrupted by SIGINT; the partial report is written and marked"},
		{exitSIGTERM, "interrupted by SIGTERM; the partial report is written and marked"},
	}
}

// failOn is the least outcome that makes a command exit 1.
type failOn string

const (
	failOnError failOn = "error"
	failOnWarn  failOn = "warn"
	failOnNever failOn = "never"
)

func parseFailOn(text string) (failOn, error) {
	switch f := failOn(text); f {
	case failOnError, failOnWarn, failOnNever:
		return f, nil
	}
	return "", usagef("--fail-on %q: expected error, warn or never", text)
}

// verdictCode is the exit code of results: what could not be evaluated and may be cured by a retry wins over findings,
// and only findings are silenced by --fail-on never.
func verdictCode(status report.Status, results []report.Result, threshold failOn) int {
	var v verdicts
	for i := range results {
		v.add(results[i])
	}
	return v.code(status, threshold)
}

// verdicts counts what an exit code rests on.
type verdicts struct {
	errs, warns int
	// retry says that a result could not be evaluated, and that another try may cure it.
	retry bool
}

func (v *verdicts) add(r report.Result) {
	switch {
	case r.Outcome == report.Error && r.Retryable:
		v.retry = true
	case r.Weight() == report.Error, r.Weight() == report.Fail:
		v.errs++
	case r.Weight() == report.Warn:
		v.warns++
	}
}

func (v verdicts) code(status report.Status, threshold failOn) int {
	switch {
	case v.retry, status != report.Complete:
		return exitIncomplete
	case threshold == failOnNever:
		return exitOK
	case v.errs > 0, threshold == failOnWarn && v.warns > 0:
		return exitFindings
	}
	return exitOK
}

// usageError is an error of whoever wrote the command line, the config or a definition: exit 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usagef is a usageError with a formatted message.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// usage marks err as a usageError; nil stays nil.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// codeOf is the exit code of a command that ended with err.
func codeOf(ctx context.Context, err error) int {
	var u usageError
	var remote *store.RemoteError
	var location *blob.LocationError
	if errors.As(err, &u) || errors.As(err, &location) || errors.As(err, &remote) && !remote.Retryable() {
		return exitUsage
	}
	if sig, ok := interruption(ctx); ok {
		return sig.code()
	}
	return exitIncomplete
}
