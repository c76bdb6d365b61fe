package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// hardExitAfter is how long an interrupted command may take to write what it has. Schedulers send one SIGTERM and
// some never follow it with SIGKILL, so the program must end by itself, whatever a scan is doing.
const hardExitAfter = 5 * time.Second

// interruptedError is the cause of a context that a signal cancelled.
type interruptedError struct{ signal syscall.Signal }

func (e interruptedError) Error() string { return fmt.Sprintf("interrupted by %s", e.signal) }

// code is 128 plus the signal's number, as shells report it.
func (e interruptedError) code() int { return 128 + int(e.signal) }

// withSignals returns a context that SIGINT or SIGTERM cancels with an interruptedError as its cause. A second signal,
// or hardExitAfter without an end, calls exit at once.
func withSignals(parent context.Context, exit func(int)) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		first := interruptedError{signal: (<-signals).(syscall.Signal)}
		cancel(first)
		select {
		case second := <-signals:
			exit(interruptedError{signal: second.(syscall.Signal)}.code())
		case <-time.After(hardExitAfter):
			exit(first.code())
		}
	}()
	return ctx
}

// interruption is the signal that ended a context, if one did.
func interruption(ctx context.Context) (interruptedError, bool) {
	var e interruptedError
	ok := errors.As(context.Cause(ctx), &e)
	return e, ok
}
