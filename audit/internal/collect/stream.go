package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
)

// stream folds the rows of streamed queries, one after the other. Their blocks come from several of the engine's threads at once.
type stream struct {
	c *collector
	// job is the query at hand.
	job job
	mu  sync.Mutex
	// idle are the workers without a block.
	idle []*streamWorker
	// left are the rows of each file that did not come yet.
	left []int64
	// told is how many rows the last progress said.
	told int64
}

// streamWorker is a worker at some file of the stream, by its index; -1 for none.
type streamWorker struct {
	*worker
	at int
}

// stream runs a job whose rows are counted as they come. A file that fails, or is found changed at the end, taints the
// whole collection, for what came of its rows is in there.
func (c *collector) stream(ctx context.Context, j job) error {
	c.newestFirst(j.files)
	s := &stream{c: c}
	if err := s.query(ctx, j); err != nil {
		return err
	}
	return s.finish()
}

// query runs one job of the stream.
func (s *stream) query(ctx context.Context, j job) error {
	c := s.c
	s.job, s.left, s.told = j, make([]int64, len(j.files)), c.rowsDone
	scan := engine.Scan{Files: j.names, Columns: c.layouts[j.schema].selects}
	for i, id := range j.files {
		if j.names == nil {
			scan.Files = append(scan.Files, c.name(id))
		}
		s.left[i] = c.survey.Files[id].Rows
	}
	err := c.engine.Stream(ctx, scan, s.fold)
	if err == nil {
		err = s.whole()
	}
	if err == nil {
		err = c.unchanged(ctx, j)
	}
	if err != nil && ctx.Err() == nil && c.learn(ctx, j, err) {
		return errTainted
	}
	var changed errChanged
	switch {
	case err == nil:
		for _, w := range s.idle {
			w.leave()
		}
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &changed):
		for id, problem := range changed.problems {
			c.setAside(id, problem, true)
		}
		return errTainted
	case errors.As(err, new(engine.ResourceError)), errors.As(err, new(keys.SpillError)), errors.As(err, new(runError)):
		return err
	}
	return errTainted // which file it was is found out carefully
}

// fold takes a block to a worker that is free, at best to one that is at the block's file already.
func (s *stream) fold(b engine.Block) error {
	if b.File < 0 || b.File >= len(s.left) {
		return fmt.Errorf("rows came of file %d of %d", b.File, len(s.left))
	}
	w := s.take(b.File)
	if w.at != b.File {
		if err := w.begin(s.job.files[b.File], b.File); err != nil {
			return runError{err}
		}
	}
	if err := w.rows.foldLive(&b, 0, b.Rows, b.First); err != nil {
		return runError{err}
	}
	return s.giveBack(w, &b)
}

func (s *stream) take(file int) *streamWorker {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == 0 {
		return &streamWorker{worker: s.c.newWorker(), at: -1}
	}
	i := slices.IndexFunc(s.idle, func(w *streamWorker) bool { return w.at == file })
	if i < 0 {
		i = len(s.idle) - 1
	}
	w := s.idle[i]
	s.idle = slices.Delete(s.idle, i, i+1)
	return w
}

// begin leaves the file at hand for another.
func (w *streamWorker) begin(file int32, index int) error {
	w.leave()
	w.closeTallies()
	w.at = index
	return w.rows.begin(&w.c.survey.Files[file], 0)
}

// progressRows is how many rows lie between two words of progress.
const progressRows = 1 << 20

func (s *stream) giveBack(w *streamWorker, b *engine.Block) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, w)
	s.left[b.File] -= int64(b.Rows)
	if s.left[b.File] < 0 {
		return fmt.Errorf("file %d holds more rows than its footer says", b.File)
	}
	s.c.rowsDone += int64(b.Rows)
	if s.left[b.File] == 0 {
		s.c.filesDone++
	}
	if s.c.rowsDone-s.told >= progressRows && s.c.request.Progress != nil {
		s.told = s.c.rowsDone
		s.c.request.Progress("scan", s.c.filesDone, s.c.rowsDone)
	}
	return nil
}

// whole says whether every row came that the footers promise.
func (s *stream) whole() error {
	for i, left := range s.left {
		if left != 0 {
			return fmt.Errorf("file %d holds %d rows less than its footer says", i, left)
		}
	}
	return nil
}

// leave hands over what was counted of the file at hand, once.
func (w *streamWorker) leave() {
	if w.at >= 0 {
		w.rows.end()
	}
	w.at = -1
}

// finish hands over what the workers gathered.
func (s *stream) finish() error {
	for _, w := range s.idle {
		if err := w.finish(); err != nil {
			return err
		}
	}
	if s.c.request.Progress != nil {
		s.c.request.Progress("scan", s.c.filesDone, s.c.rowsDone)
	}
	return nil
}
