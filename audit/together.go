package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
)

// A small view has at most so much: it is looked at with one worker and a part of the memory, beside others. A larger one has all
// of both for itself.
const (
	smallViewRows  = 1 << 20
	smallViewBytes = 256 << 20 // uncompressed, as the footers say
	smallViewFiles = 1000
)

// leastRoom is the memory for runs, in bytes, that a view must be left beside others.
const leastRoom = 128 << 20

// So many views for each that is looked at are planned, looked at, or done before their turn: more where each place has ampleRoom, in bytes, since
// what was found of a view is held until its turn.
const (
	aheadOfOne   = 2
	aheadInAmple = 4
	ampleRoom    = 512 << 20
)

// found is what was found of one view: facts and verdicts, or the error that stopped it.
type found struct {
	in     evidence.Input
	judged check.Judgement
	err    error
	// panicked is what it panicked with.
	panicked any
}

// places shares out what the views that are looked at together may use.
type places struct {
	count int
	free  *semaphore.Weighted
	whole engine.Room
}

// placesIn cuts a room into as many places as it has workers and memory for.
func placesIn(room engine.Room) places {
	count := int(min(int64(room.Workers), max(1, room.Runs/leastRoom)))
	return places{count: count, free: semaphore.NewWeighted(int64(count)), whole: room}
}

// atOnce is how many views are under way at once, those included that wait for a place or for their turn.
func (p places) atOnce() int {
	if p.whole.Runs/int64(p.count) >= ampleRoom {
		return aheadInAmple * p.count
	}
	return aheadOfOne * p.count
}

// take waits for the place of a view: all of the room where it is a large one, else a part.
func (p places) take(ctx context.Context, small bool) (engine.Room, func(), error) {
	weight, room := int64(p.count), p.whole
	if small {
		weight, room.Workers, room.Runs = 1, 1, p.whole.Runs/int64(p.count)
	}
	if err := p.free.Acquire(ctx, weight); err != nil {
		return room, nil, context.Cause(ctx)
	}
	return room, func() { p.free.Release(weight) }, nil
}

func isSmall(s facts.Survey) bool {
	rows, bytes := int64(0), int64(0)
	for _, f := range s.Files {
		rows, bytes = rows+f.Rows, bytes+max(f.Size, f.Rows*f.RowBytes)
	}
	return len(s.Files) <= smallViewFiles && rows <= smallViewRows && bytes <= smallViewBytes
}

// sideBySide looks at views and judges them, as many at once as there is room for, and gives what was found in their order. It ends
// with the first that has an error. What nobody waits for any more is cancelled, and has ended when it returns.
func (r *run) sideBySide(ctx context.Context, views []*model.View) iter.Seq[found] {
	return func(yield func(found) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel(errors.New("nobody waits for it"))
		results := make([]chan found, len(views))
		next := 0
		start := func() {
			if next < len(views) {
				view, into := views[next], make(chan found, 1)
				results[next] = into
				next++
				running.Go(func() { into <- r.protected(ctx, *view) })
			}
		}
		for range r.places.atOnce() {
			start()
		}
		for i := range views {
			f := <-results[i]
			results[i] = nil
			if f.panicked != nil {
				panic(f.panicked)
			}
			if !yield(f) || f.err != nil {
				return
			}
			start()
		}
	}
}

// protected turns a panic into something that the caller's goroutine can raise.
func (r *run) protected(ctx context.Context, view model.View) (f found) {
	defer func() {
		if p := recover(); p != nil {
			f.panicked = p
		}
	}()
	return r.view(ctx, view)
}

// view looks at one view and judges it. Without facts, for a context that was done before, there is no judgement.
func (r *run) view(ctx context.Context, view model.View) (f found) {
	gathered, small, leave, err := r.look(ctx, view)
	if leave != nil {
		defer leave()
	}
	if err != nil {
		return found{err: err}
	}
	judge, err := r.judges.take(ctx, small)
	if err != nil {
		return found{err: err}
	}
	defer r.judges.giveBack(judge, small)
	gathered.Since = r.since(gathered)
	f.in = evidence.NewInput(gathered, r.terms(view))
	f.judged, f.err = check.JudgeView(ctx, judge, f.in)
	return f
}

// recallFooters puts the ends of files in buckets on this disk that earlier runs have read, where the listing says that they are the same.
func (r *run) recallFooters(files []facts.File) {
	if r.options.Facts == nil || r.options.Paranoid {
		return
	}
	for _, f := range files {
		if r.options.Distrusts != nil && r.options.Distrusts(f.Abs) {
			continue
		}
		if footer := r.options.Facts.Footer(f.Abs, f.ETag, f.Size); footer != nil && r.stage.Distant(f) {
			r.stage.Recall(f.Abs, f.ETag, footer)
		}
	}
}

// look is the evidence of one view, gathered for the selected checks, in a place of its own that is left when it is judged; its error
// is a cancelled context.
func (r *run) look(ctx context.Context, view model.View) (e facts.Evidence, small bool, leave func(), err error) {
	if view.NoFiles != "" {
		return facts.Evidence{View: view}, true, nil, nil
	}
	plan, err := r.looker.Plan(ctx, view, r.window)
	if err != nil {
		e, err = look.Unlisted(ctx, plan, err)
		return e, true, nil, err
	}
	r.recallFooters(plan.Listing.Files)
	footers, err := r.looker.Footers(ctx, plan)
	if err != nil {
		return e, false, nil, err
	}
	small = isSmall(footers.Survey)
	room, leave, err := r.places.take(ctx, small)
	if err != nil {
		return e, small, nil, err
	}
	looker := r.looker
	looker.Room = room
	e, err = looker.Rows(ctx, footers, check.WantsOf(footers.View, footers.Survey, r.selected))
	return e, small, leave, err
}

// judges are the engines that judge: one goroutine at a time uses each.
type judges struct {
	open    func(ctx context.Context) (Judge, error)
	threads int
	// memory is what one has that judges alone, in bytes, and share what each has of places that judge side by side.
	memory, share int64

	mu   sync.Mutex
	idle map[bool][]Judge
	// ready was opened before it was known what for; nil for none.
	ready Judge
	all   []Judge
}

// leastJudge is the memory, in bytes, that an engine needs to judge a small view.
const leastJudge = 32 << 20

func newJudges(open func(ctx context.Context) (Judge, error), threads int, memory int64, places int) *judges {
	return &judges{open: open, threads: threads, memory: memory, share: max(memory/int64(places), leastJudge), idle: map[bool][]Judge{}}
}

// prepare opens an engine for whatever comes first.
func (j *judges) prepare(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	j.ready, err = j.start(ctx)
	return err
}

func (j *judges) start(ctx context.Context) (Judge, error) {
	judge, err := j.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	j.all = append(j.all, judge)
	return judge, nil
}

// take gives an engine that nobody uses. The facts of a small view are judged on one thread, for they are fewer than it costs to
// share them out.
func (j *judges) take(ctx context.Context, small bool) (Judge, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(j.idle[small]); n > 0 {
		judge := j.idle[small][n-1]
		j.idle[small] = j.idle[small][:n-1]
		return judge, nil
	}
	judge := j.ready
	if j.ready = nil; judge == nil {
		var err error
		if judge, err = j.start(ctx); err != nil {
			return nil, err
		}
	}
	threads, memory := j.threads, j.memory
	if small {
		threads, memory = 1, j.share
	}
	if err := judge.Confine(threads, memory); err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	return judge, nil
}

func (j *judges) giveBack(judge Judge, small bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.idle[small] = append(j.idle[small], judge)
}

func (j *judges) close() error {
	var errs []error
	for _, judge := range j.all {
		errs = append(errs, judge.Close())
	}
	j.all = nil
	return errors.Join(errs...)
}
