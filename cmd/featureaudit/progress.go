package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/words"
)

// How often progress is shown: a bar is redrawn, a log line is written.
const (
	barEvery = 200 * time.Millisecond
	logEvery = 10 * time.Second
	barWidth = 16
	// lineWidth is the narrowest terminal's, less the column of the cursor.
	lineWidth = leastWidth - 1
	// tellable is how long a run must have taken before it says how long it will take.
	tellable = 5 * time.Second
)

// progress shows how far a run is: a bar where stderr is a terminal, else a log line now and then.
type progress struct {
	mu sync.Mutex
	// views is how many views the run looks at, done how much of each was looked at, from 0 to 1; now is the clock.
	views   int
	done    map[string]float64
	now     func() time.Time
	started time.Time
	last    look.Progress
	shown   bool
	w       io.Writer
	log     zerolog.Logger
}

// progress is one that logs to stderr as the flags say.
func (c *cli) progress(l logFlags) (*progress, error) {
	p := &progress{w: c.stderr, now: c.now, done: map[string]float64{}}
	log, err := c.logger(p, l)
	p.log = log
	return p, err
}

// begin says what the run is about to look at.
func (p *progress) begin(views int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.views, p.done, p.started = views, map[string]float64{}, p.now()
}

// note keeps the newest state; it is what audit.Options.Progress calls.
func (p *progress) note(state look.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = state
	p.done[state.View] = max(p.done[state.View], share(state))
}

// share is how much of its view was looked at. Reading rows is nearly all of it.
func share(s look.Progress) float64 {
	switch {
	case s.Step == "judge":
		return 1
	case s.Step == "scan" && s.RowsTotal > 0:
		return min(float64(s.RowsDone)/float64(s.RowsTotal), 0.99)
	case s.Step == "verify":
		return 0.99
	}
	return 0
}

// whole says how far the run is: "view 17 of 50", and how long it may still take where that can be told.
func (p *progress) whole() string {
	sum, finished := 0.0, 0
	for _, part := range p.done {
		sum += part
		if part == 1 {
			finished++
		}
	}
	text := fmt.Sprintf("view %d of %d", min(finished+1, p.views), p.views)
	elapsed := p.now().Sub(p.started)
	if sum <= 0 || elapsed < tellable {
		return text
	}
	left := time.Duration(float64(elapsed) * (float64(p.views) - sum) / sum)
	return text + ", about " + words.Exact(left.Round(time.Second)) + " left"
}

// Write puts a log line above the bar.
func (p *progress) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return p.w.Write(line)
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// show shows progress until the returned function is called.
func (p *progress) show(terminal bool) (stop func()) {
	every := logEvery
	if terminal {
		every = barEvery
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				p.tick(terminal)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		p.mu.Lock()
		defer p.mu.Unlock()
		p.clear()
	}
}

func (p *progress) tick(terminal bool) {
	p.mu.Lock()
	state := p.last
	if terminal && state.Step != "" {
		p.clear()
		fmt.Fprint(p.w, bar(p.whole(), state))
		p.shown = true
	}
	whole := p.whole()
	p.mu.Unlock()
	if !terminal && state.Step != "" {
		p.log.Info().Str("whole", whole).Str("view", state.View).Str("step", state.Step).
			Int64("files_done", state.FilesDone).Int64("files", state.FilesTotal).
			Int64("rows_done", state.RowsDone).Int64("rows", state.RowsTotal).Msg("progress")
	}
}

// bar is one line of at most lineWidth columns: longer ones would be broken, and could not be taken back.
func bar(whole string, s look.Progress) string {
	done, total := s.RowsDone, s.RowsTotal
	if total == 0 {
		done, total = s.FilesDone, s.FilesTotal
	}
	filled, percent := 0, int64(0)
	if total > 0 {
		filled, percent = int(min(done, total)*barWidth/total), min(done, total)*100/total
	}
	of, left, _ := strings.Cut(whole, ", ")
	if left != "" {
		left = ", " + left
	}
	line := fmt.Sprintf("%s [%s%s] %s %d %%%s  %s", of, strings.Repeat("#", filled), strings.Repeat(".", barWidth-filled), s.Step, percent, left, render.Clean(s.View))
	runes := []rune(line)
	return string(runes[:min(len(runes), lineWidth)])
}
