package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// How long an interrupted command may take to end by itself. Schedulers send one SIGTERM and some never follow it with
// SIGKILL, so the program must end whatever it waits for: softExitAfter where nothing is being written (it waits for a pipe
// that nobody writes to or reads from, or for a scan), hardExitAfter where something is.
const (
	softExitAfter = 1800 * time.Millisecond
	hardExitAfter = 5 * time.Second
)

// interruptedError is the cause of a context that a signal cancelled.
type interruptedError struct{ signal syscall.Signal }

func (e interruptedError) Error() string { return fmt.Sprintf("interrupted by %s", e.signal) }

// code is 128 plus the signal's number, as shells report it.
func (e interruptedError) code() int { return 128 + int(e.signal) }

// withSignals returns a context that SIGINT, SIGTERM or SIGHUP cancels with an interruptedError as its cause. It carries the
// list of what is to be removed if the program must end at once: at a second signal, or without an end by itself in time.
func withSignals(parent context.Context, exit func(int)) context.Context {
	temps := &temporaries{}
	ctx, cancel := context.WithCancelCause(context.WithValue(parent, temporariesKey{}, temps))
	signals := make(chan os.Signal, 2)
	caught := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		caught = append(caught, syscall.SIGHUP)
	}
	signal.Notify(signals, caught...)
	go func() {
		first := interruptedError{signal: (<-signals).(syscall.Signal)}
		cancel(first)
		code := first.code()
		select {
		case second := <-signals:
			code = interruptedError{signal: second.(syscall.Signal)}.code()
		case <-time.After(softExitAfter):
			if temps.writing() {
				select {
				case second := <-signals:
					code = interruptedError{signal: second.(syscall.Signal)}.code()
				case <-time.After(hardExitAfter - softExitAfter):
				}
			}
		}
		temps.removeAll()
		exit(code)
	}()
	return ctx
}

// temporaries are files and folders that stand under a name for the moment. A nil list keeps none.
type temporaries struct {
	mu sync.Mutex
	// names are true where an output is being written, and false for scratch.
	names map[string]bool
	// held counts who is about to write an output.
	held int
}

type temporariesKey struct{}

// temporariesOf is the list of a context that withSignals made, and nil for others.
func temporariesOf(ctx context.Context) *temporaries {
	temps, _ := ctx.Value(temporariesKey{}).(*temporaries)
	return temps
}

// add notes what is to be removed; writing says that it will be an output, which is worth waiting for.
func (t *temporaries) add(name string, writing bool) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names == nil {
		t.names = map[string]bool{}
	}
	t.names[name] = writing
}

// done forgets what was removed or renamed.
func (t *temporaries) done(name string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.names, name)
}

// hold says that an output will be written, until release is called.
func (t *temporaries) hold() (release func()) {
	if t == nil {
		return func() {}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.held--
	}
}

// writing says whether an output is under way.
func (t *temporaries) writing() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held > 0 {
		return true
	}
	for _, writing := range t.names {
		if writing {
			return true
		}
	}
	return false
}

// removeAll is the last thing before the program ends: it keeps the lock, so that nothing new is begun after it.
func (t *temporaries) removeAll() {
	t.mu.Lock()
	for name := range t.names {
		_ = os.RemoveAll(name) // there is nobody left to tell
	}
}

// interruption is the signal that ended a context, if one did.
func interruption(ctx context.Context) (interruptedError, bool) {
	var e interruptedError
	ok := errors.As(context.Cause(ctx), &e)
	return e, ok
}
