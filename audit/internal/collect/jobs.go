package collect

import (
	"context"
	"errors"
	"fmt"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
)

// job is one query: whole files of one schema, or a slice of a large one.
type job struct {
	schema int32
	files  []int32
	// streamed says that rows are folded while the query runs, on all threads; the result of any other is held first.
	streamed    bool
	sliced      bool
	first, last int64
	rows        int64
	// names are what the engine opens in place of distant files, once they were brought.
	names []string
}

// jobs cuts the files into queries, in the order of their paths, and gives the rows in all.
func (c *collector) jobs(careful bool) ([]job, int64) {
	limit := c.sliceRows()
	if !c.roles.wants.Rows() {
		return nil, 0
	}
	var jobs []job
	open := map[int32]int{} // schema -> index of the batch that is being filled
	sizes := map[int]int64{}
	total := int64(0)
	for i := range c.survey.Files {
		file := &c.survey.Files[i]
		if !c.wanted(file) {
			continue
		}
		total += file.Rows
		if c.known[file.ID] != nil {
			continue
		}
		streamed := !careful && c.streams(file)
		if !streamed && (file.Rows > limit || c.crowds(file)) {
			jobs = append(jobs, slicesOf(file, limit, c.rowsTogether(file, limit))...)
			continue
		}
		at, ok := open[file.Schema]
		switch {
		case !ok:
		case streamed:
			ok = c.together(len(jobs[at].files)+1, sizes[at]+c.openBytes(file))
		default:
			ok = len(jobs[at].files) < batchFiles && jobs[at].rows+file.Rows <= limit && sizes[at]+file.Size <= batchBytes
		}
		if !ok {
			at = len(jobs)
			open[file.Schema] = at
			jobs = append(jobs, job{schema: file.Schema, streamed: streamed})
		}
		jobs[at].files = append(jobs[at].files, file.ID)
		jobs[at].rows += file.Rows
		if streamed {
			sizes[at] += c.openBytes(file)
		} else {
			sizes[at] += file.Size
		}
	}
	return jobs, total
}

// crowds says whether a distant file may not be here as a whole beside others, and can be read in parts.
func (c *collector) crowds(file *facts.File) bool {
	return c.distant() && len(file.RowGroups) > 1 && file.Size > c.request.Stage.Room()/2 && engine.Numbers(c.survey.Schemas[file.Schema].Columns)
}

// rowsTogether is how many rows of row groups are read at once: of distant files no more than there is room for.
func (c *collector) rowsTogether(file *facts.File, limit int64) int64 {
	if !c.distant() {
		return limit
	}
	return min(limit, c.oversized(file.ID, file.Size).rowsAtOnce)
}

// sliceRows is how many rows one query reads whose result is held.
func (c *collector) sliceRows() int64 {
	if c.request.SliceRows > 0 {
		return c.request.SliceRows
	}
	return DefaultSliceRows
}

// streams says whether a file's rows may be counted as they come: not where a writer may be at work, for what it changes
// would have all else counted again.
func (c *collector) streams(file *facts.File) bool {
	return !c.open(file) && len(c.layouts[file.Schema].raws) == 0 && engine.Streams(c.layouts[file.Schema].schema.Columns)
}

// wanted says whether a file's rows are read at all.
func (c *collector) wanted(file *facts.File) bool {
	_, failed := c.unread[file.ID]
	return !failed && c.survey.Counts(file, c.roles.wants)
}

// reads says whether a file's rows are read: those that are wanted and not known.
func (c *collector) reads(file *facts.File) bool { return c.known[file.ID] == nil && c.wanted(file) }

// slicesOf cuts a large file at its row groups, so that no group is decoded twice; only one that is more than twice the limit is cut
// itself, for the rows of a slice are held. Row groups are put together as long as they have no more than so many rows.
func slicesOf(file *facts.File, limit, together int64) []job {
	var jobs []job
	first, end := int64(0), int64(0)
	cut := func() {
		if end > first {
			jobs = append(jobs, job{schema: file.Schema, files: []int32{file.ID}, sliced: true, first: first, last: end - 1, rows: end - first})
		}
		first = end
	}
	for _, group := range file.RowGroups {
		if end > first && end+group.Rows-first > min(limit, together) {
			cut()
		}
		for left := group.Rows; left > 0; {
			step := left
			if left > 2*limit {
				step = limit
			}
			if end += step; step < left {
				cut()
			}
			left -= step
		}
	}
	end = file.Rows
	cut()
	return jobs
}

// worker runs jobs one after the other and folds their rows.
type worker struct {
	c    *collector
	rows accumulator
	raw  rawVectors
}

func (c *collector) newWorker() *worker {
	w := &worker{c: c, rows: accumulator{c: c, known: engine.TextCodes{Learn: func(text []byte) (uint8, error) { return c.names.code(string(text)) }}, tallies: newTallies(), ownMatch: map[string]bool{}}}
	if c.runs != nil {
		w.rows.keys = c.runs.NewWriter()
	}
	return w
}

func newTallies() tallies {
	return tallies{lags: map[tallied]*lagCounts{}, events: map[tallied]*eventCounts{}}
}

func (w *worker) finish() error {
	w.c.addTallies(&w.rows.tallies)
	w.rows.tallies = newTallies()
	w.rows.flushStages()
	if w.rows.keys != nil {
		if err := w.rows.keys.Flush(); err != nil {
			return err
		}
	}
	for _, newest := range []*keys.NewestWriter{w.rows.settled, w.rows.apart} {
		if newest == nil {
			continue
		}
		if err := newest.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// closeTallies hands the histograms over where many are open. The accumulator may be at no file.
func (w *worker) closeTallies() {
	if len(w.rows.tallies.lags) > maxOpenTallies {
		w.c.addTallies(&w.rows.tallies)
		w.rows.tallies = newTallies()
	}
}

// errChanged says which files were no longer what was listed when their last byte had been read.
type errChanged struct{ problems map[int32]facts.Problem }

func (e errChanged) Error() string {
	return fmt.Sprintf("%d files changed while they were read", len(e.problems))
}

// run reads a job. A file that cannot be read is set aside alone; only what concerns the whole run is an error.
func (w *worker) run(ctx context.Context, j job) error {
	w.closeTallies()
	folded, err := w.scan(ctx, j)
	if err != nil && ctx.Err() == nil && w.c.learn(ctx, j, err) {
		return errTainted
	}
	var changed errChanged
	switch {
	case err == nil:
		w.c.done(j)
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &changed):
		return w.without(ctx, j, changed.problems)
	case errors.As(err, new(engine.ResourceError)), errors.As(err, new(keys.SpillError)), errors.As(err, new(runError)):
		return err
	case len(j.files) > 1 && !folded:
		for _, id := range j.files {
			alone := job{schema: j.schema, files: []int32{id}, rows: w.c.survey.Files[id].Rows}
			if err := w.run(ctx, alone); err != nil {
				return err
			}
		}
		return nil
	}
	for _, id := range j.files {
		w.c.setAside(id, w.c.diagnose(ctx, id, err), folded || j.sliced)
	}
	return nil
}

// without runs a job again, less the files that changed.
func (w *worker) without(ctx context.Context, j job, problems map[int32]facts.Problem) error {
	rest := job{schema: j.schema}
	for _, id := range j.files {
		problem, changed := problems[id]
		if changed {
			w.c.setAside(id, problem, j.sliced)
			continue
		}
		rest.files = append(rest.files, id)
		rest.rows += w.c.survey.Files[id].Rows
	}
	if len(rest.files) == 0 {
		return nil
	}
	return w.run(ctx, rest)
}

func (c *collector) setAside(id int32, problem facts.Problem, tainted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unread[id] = problem
	c.tainted = c.tainted || tainted
}

func (c *collector) done(j job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rowsDone += j.rows
	if !j.sliced {
		c.filesDone += int64(len(j.files))
	} else if j.last+1 == c.survey.Files[j.files[0]].Rows {
		c.filesDone++
	}
	if c.request.Progress != nil {
		c.request.Progress("scan", c.filesDone, c.rowsDone)
	}
}

// runError is an error of the fold itself: it stops the view.
type runError struct{ error }

func (e runError) Unwrap() error { return e.error }

// scan runs a job's query and folds its rows; folded says whether any row was counted.
func (w *worker) scan(ctx context.Context, j job) (folded bool, err error) {
	var wanted func(id int32, group int) bool
	if j.sliced {
		wanted = groupsWith(&w.c.survey.Files[j.files[0]], j.first, j.last)
	}
	here, err := w.c.bring(ctx, j.files, w.c.scannedColumns(j.schema), wanted)
	if err != nil {
		return false, err
	}
	defer here.release()
	scan := engine.Scan{Files: here.names, Sliced: j.sliced, First: j.first, Last: j.last, Columns: w.c.layouts[j.schema].selects}
	at, left, number := -1, int64(0), int64(0) // number is that of the next row in its file
	advance := func() error {
		at++
		file := &w.c.survey.Files[j.files[at]]
		left = file.Rows
		if j.sliced {
			left = j.rows
		}
		number = j.first
		if err := w.raw.begin(ctx, w.c, file, j.first, left); err != nil {
			return err
		}
		if err := w.rows.begin(file, j.first); err != nil {
			return runError{err}
		}
		return nil
	}
	err = w.c.engine.Scan(ctx, scan, func() error { return w.c.unchanged(ctx, j) }, func(b engine.Block) error {
		folded = true
		for from := 0; from < b.Rows; {
			if left == 0 {
				if at+1 == len(j.files) {
					return wrongRows("more")
				}
				if err := advance(); err != nil {
					return err
				}
			}
			to := min(b.Rows, from+int(min(left, int64(b.Rows))))
			w.raw.place(&b, from, to)
			if err := w.rows.foldLive(&b, from, to, number); err != nil {
				return runError{err}
			}
			number += int64(to - from)
			left -= int64(to - from)
			from = to
			if left == 0 {
				w.rows.end()
			}
		}
		return nil
	})
	if err == nil && (left != 0 || at != len(j.files)-1) {
		err = wrongRows("fewer")
	}
	return folded, err
}

// wrongRows is a file whose pages hold other rows than its footer says.
func wrongRows(how string) error {
	return engine.ReadError{Cause: engine.CauseBytes, Err: fmt.Errorf("%s rows than the footer says", how)}
}

// unchanged compares the files with the listing after their last byte was read.
func (c *collector) unchanged(ctx context.Context, j job) error {
	if c.distant() {
		return nil // every byte was of the version that was listed
	}
	problems := map[int32]facts.Problem{}
	for _, id := range j.files {
		if problem := c.request.Changed(ctx, c.survey.Files[id]); problem != nil {
			problems[id] = *problem
		}
	}
	if len(problems) > 0 {
		return errChanged{problems}
	}
	return nil
}
