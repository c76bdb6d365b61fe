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
)

// How often progress is shown: a bar is redrawn, a log line is written.
const (
	barEvery = 200 * time.Millisecond
	logEvery = 10 * time.Second
	barWidth = 24
)

// progress shows how far a run is: a bar where stderr is a terminal, else a log line now and then.
type progress struct {
	mu    sync.Mutex
	last  look.Progress
	shown bool
	w     io.Writer
	log   zerolog.Logger
}

// note keeps the newest state; it is what look.Looker.Progress calls.
func (p *progress) note(state look.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = state
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
		fmt.Fprint(p.w, bar(state))
		p.shown = true
	}
	p.mu.Unlock()
	if !terminal && state.Step != "" {
		p.log.Info().Str("view", state.View).Str("step", state.Step).
			Int64("files_done", state.FilesDone).Int64("files", state.FilesTotal).
			Int64("rows_done", state.RowsDone).Int64("rows", state.RowsTotal).Msg("progress")
	}
}

func bar(s look.Progress) string {
	done, total := s.RowsDone, s.RowsTotal
	if total == 0 {
		done, total = s.FilesDone, s.FilesTotal
	}
	filled := 0
	if total > 0 {
		filled = int(min(done, total) * barWidth / total)
	}
	return fmt.Sprintf("%-7s [%s%s] %d/%d files  %d/%d rows  %.40s", s.Step, strings.Repeat("#", filled), strings.Repeat(".", barWidth-filled),
		s.FilesDone, s.FilesTotal, s.RowsDone, s.RowsTotal, render.Clean(s.View))
}
