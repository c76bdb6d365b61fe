package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/look"
)

// TestProgressSaysHowFarTheRunIs: the share of the whole run, and the time that is left in proportion.
func TestProgressSaysHowFarTheRunIs(t *testing.T) {
	at := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	p := &progress{w: &out, now: func() time.Time { return at }}
	p.begin(4)
	if got, want := p.whole(), "view 1 of 4"; got != want {
		t.Errorf("at the start %q, want %q", got, want)
	}
	p.note(look.Progress{View: "a", Step: "judge"})
	p.note(look.Progress{View: "b", Step: "scan", RowsDone: 50, RowsTotal: 200})
	at = at.Add(3 * time.Second)
	if got, want := p.whole(), "view 2 of 4"; got != want {
		t.Errorf("too early to tell %q, want %q", got, want)
	}
	// 1.25 of 4 views took 50 s: 2.75 more take 110 s
	at = at.Add(47 * time.Second)
	if got, want := p.whole(), "view 2 of 4, about 1m50s left"; got != want {
		t.Errorf("later %q, want %q", got, want)
	}
	p.tick(true)
	if got, want := out.String(), "view 2 of 4 [####............] scan 25 %, about 1m50s left  b"; got != want {
		t.Errorf("the bar is %q, want %q", got, want)
	}
	long := bar("view 2 of 4, about 1m50s left", look.Progress{View: string(bytes.Repeat([]byte("v"), 300)), Step: "scan"})
	if n := len([]rune(long)); n != 79 {
		t.Errorf("a bar of %d columns, want 79", n)
	}
}
