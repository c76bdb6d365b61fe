// Package stage brings parts of distant files onto this disk: a copy has the size of its file, and holds the footer and the column
// chunks that are wanted at the places where they are in the file. An engine reads it as it would read the file.
package stage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sys/unix"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/survey"
)

// Stage is a store of distant files that keeps what was read of them for as long as it is needed: footers, and the copies that there are.
// Its methods may be called from many goroutines at once.
type Stage struct {
	store.Store
	dir string
	// room is what copies may take, in bytes, and free what of it is left.
	room int64
	free *semaphore.Weighted
	// limitOf is the limit that has room for so many bytes.
	limitOf func(room int64) int64
	// requests has room for each that may be under way for copies.
	requests chan struct{}
	footers  *footers
	spares   *spares

	mu     sync.RWMutex
	serial int64
	copies map[string][]*Copy
}

// requestsAtOnce is how many ranges are fetched at once.
const requestsAtOnce = 32

// rangeBytes is the most that one request fetches, in bytes.
const rangeBytes = 8 << 20

// Where the limit is at least this, in bytes, so much of it is for files that are written over by the next copies.
const (
	sparesFrom = 1 << 30
	sparesRoom = 128 << 20
)

// New returns a stage over a store, whose files in dir take no more than so many bytes. Nothing of them is left behind, however the
// process ends: they have no names.
func New(st store.Store, dir string, limit int64) *Stage {
	room, kept, over := sharesOf(limit)
	return &Stage{Store: st, dir: dir, room: room, limitOf: limitOf, free: semaphore.NewWeighted(room), requests: make(chan struct{}, requestsAtOnce),
		footers: &footers{dir: dir, limit: kept, places: map[string]footerPlace{}}, spares: &spares{room: over}, copies: map[string][]*Copy{}}
}

// NewBeside is New where something else takes a quarter of the limit.
func NewBeside(st store.Store, dir string, limit int64) *Stage {
	s := New(st, dir, limit/4*3)
	s.limitOf = func(room int64) int64 { return limitOf(room)/3*4 + 4 }
	return s
}

// sharesOf are what of a limit copies, footers and files that are written over have, in bytes.
func sharesOf(limit int64) (room, kept, over int64) {
	kept = limit / 8
	if limit >= sparesFrom {
		over = sparesRoom
	}
	return limit - kept - over, kept, over
}

// limitOf is a limit of which copies have at least so many bytes, and of any larger one.
func limitOf(room int64) int64 {
	if limit := (room+sparesRoom)/7*8 + 8; limit >= sparesFrom {
		return limit
	}
	return room/7*8 + 8
}

// Close gives the disk back that footers and files to be written over take.
func (s *Stage) Close() error {
	s.spares.close()
	return s.footers.close()
}

// Distant says whether a file lies behind a network.
func (s *Stage) Distant(f facts.File) bool { return s.AtOnce(f.Abs) > 0 }

// AtOnce implements store.Distant.
func (s *Stage) AtOnce(abs string) int { return store.AtOnce(s.Store, abs) }

// Room is what all copies together may take, in bytes.
func (s *Stage) Room() int64 { return s.room }

// Order is a copy that is to be made.
type Order struct {
	stage *Stage
	file  facts.File
	// ranges do not overlap, and are in order.
	ranges []span
	bytes  int64
}

// span is a range of bytes of a file.
type span struct{ from, end int64 }

// Order says what a copy of columns takes of a file, in the row groups that are wanted; nil wants all.
func (s *Stage) Order(ctx context.Context, f facts.File, columns []facts.Column, wanted func(group int) bool) (*Order, error) {
	o := &Order{stage: s, file: f}
	footer, chunks, err := survey.Places(ctx, s, f, columns)
	if err != nil {
		return nil, err
	}
	needed := []span{{footer.Offset, footer.Offset + footer.Size}}
	for _, c := range chunks {
		if wanted == nil || c.Empty || wanted(c.Group) {
			needed = append(needed, span{c.Offset, c.Offset + c.Size})
		}
	}
	o.ranges = joined(needed)
	o.bytes = bytesOf(o.ranges)
	return o, nil
}

// Whole orders all of a file, which people know by another name.
func (s *Stage) Whole(ctx context.Context, abs, name string) (*Order, error) {
	object, err := s.Open(ctx, abs)
	if err != nil {
		return nil, err
	}
	defer object.Close()
	sized, ok := object.(interface{ Size() int64 })
	if !ok {
		return nil, fmt.Errorf("%s has no size", name)
	}
	size := sized.Size()
	return &Order{stage: s, file: facts.File{Path: name, Abs: abs, Size: size}, ranges: []span{{0, size}}, bytes: size}, nil
}

// Bytes is what the copy takes on disk.
func (o *Order) Bytes() int64 { return o.bytes }

// gapShare is how much more than what is needed may be fetched to save requests: one part of so many.
const gapShare = 33

// joined are the ranges in order, without overlaps; the smallest gaps between them are filled as long as all of them are few bytes.
func joined(needed []span) []span {
	slices.SortFunc(needed, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var apart []span
	bytes := int64(0)
	for _, n := range needed {
		if last := len(apart) - 1; last >= 0 && n.from <= apart[last].end {
			bytes += max(0, n.end-apart[last].end)
			apart[last].end = max(apart[last].end, n.end)
			continue
		}
		apart = append(apart, n)
		bytes += n.end - n.from
	}
	narrowest := make([]int, 0, len(apart))
	for i := 1; i < len(apart); i++ {
		narrowest = append(narrowest, i)
	}
	gap := func(i int) int64 { return apart[i].from - apart[i-1].end }
	slices.SortStableFunc(narrowest, func(i, j int) int { return cmp.Compare(gap(i), gap(j)) })
	filled, left := make([]bool, len(apart)), bytes/gapShare
	for _, i := range narrowest {
		if left -= gap(i); left < 0 {
			break
		}
		filled[i] = true
	}
	var ranges []span
	for i, r := range apart {
		if filled[i] {
			ranges[len(ranges)-1].end = r.end
			continue
		}
		ranges = append(ranges, r)
	}
	return ranges
}

// SpaceError says that the smallest copy that can be read has no room.
type SpaceError struct {
	File string
	// Limit is what --stage-limit leaves to copies, Raise what it has to be.
	Needs, Limit, Raise int64
}

func (e SpaceError) Error() string {
	return fmt.Sprintf("%s: %d MiB of it have to be on this disk at once, and --stage-limit leaves %d MiB: raise it to %d MiB or more, or name a larger --temp-dir",
		e.File, e.Needs>>20+1, e.Limit>>20, e.Raise>>20+1)
}

// Copy is a part of a file on this disk, until it is closed.
type Copy struct {
	name  string
	stage *Stage
	file  *os.File
	order *Order
}

// Bring makes copies, all at once, when there is room for all of them: it gives their names, why those that failed did, and what gives the
// room back. A nil order has neither. The error is a SpaceError, keys.SpillError, or the context's.
func (s *Stage) Bring(ctx context.Context, orders []*Order) (names []string, release func(), failed []error, err error) {
	bytes := int64(0)
	for _, o := range orders {
		if o == nil {
			continue
		}
		if bytes += o.bytes; bytes > s.room {
			return nil, nil, nil, SpaceError{File: o.file.Path, Needs: bytes, Limit: s.room, Raise: s.limitOf(bytes)}
		}
	}
	if err := s.free.Acquire(ctx, bytes); err != nil {
		return nil, nil, nil, context.Cause(ctx)
	}
	copies := make([]*Copy, len(orders))
	names, failed = make([]string, len(orders)), make([]error, len(orders))
	var group sync.WaitGroup
	for i, o := range orders {
		if o != nil {
			group.Go(func() { copies[i], failed[i] = o.bring(ctx) })
		}
	}
	group.Wait()
	release = func() {
		for _, c := range copies {
			if c != nil {
				c.close()
			}
		}
		s.free.Release(bytes)
	}
	for i, c := range copies {
		var full keys.SpillError
		if errors.As(failed[i], &full) || ctx.Err() != nil {
			release()
			return nil, nil, nil, cmp.Or(context.Cause(ctx), failed[i])
		}
		if c != nil {
			names[i] = c.name
		}
	}
	return names, release, failed, nil
}

// bring makes one copy.
func (o *Order) bring(ctx context.Context) (*Copy, error) {
	file, name, err := o.open()
	if err != nil {
		return nil, err
	}
	c := &Copy{name: name, stage: o.stage, file: file, order: o}
	if err := c.fill(ctx); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	o.stage.mu.Lock()
	defer o.stage.mu.Unlock()
	o.stage.copies[o.file.Abs] = append(o.stage.copies[o.file.Abs], c)
	return c, nil
}

// open gives a file of the right size that holds nothing, or nothing but what is written over.
func (o *Order) open() (file *os.File, name string, err error) {
	if s, ok := o.stage.spares.take(o.file.Size, o.ranges); ok {
		return s.file, s.name, nil
	}
	if file, name, err = keys.Scratch(o.stage.dir); err != nil {
		return nil, "", err
	}
	if err := file.Truncate(o.file.Size); err != nil {
		return nil, "", keys.SpillError{Err: errors.Join(err, file.Close())}
	}
	return file, name, nil
}

// fill fetches the ranges, many at once.
func (c *Copy) fill(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	object, err := c.stage.Open(ctx, c.order.file.Abs)
	if err != nil {
		return err
	}
	defer object.Close()
	var group sync.WaitGroup
	for _, r := range c.order.ranges {
		for from := r.from; from < r.end; from += rangeBytes {
			piece := span{from, min(r.end, from+rangeBytes)}
			group.Go(func() {
				select {
				case c.stage.requests <- struct{}{}:
				case <-ctx.Done():
					return
				}
				defer func() { <-c.stage.requests }()
				if err := fetch(object, piece, c.file); err != nil {
					cancel(err)
				}
			})
		}
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return c.stamp()
}

// fetch copies one range to the same place.
func fetch(from store.Object, r span, to *os.File) error {
	sink := &writing{io.NewOffsetWriter(to, r.from)}
	if f, ok := from.(store.Fetcher); ok {
		return f.Fetch(r.from, r.end-r.from, sink)
	}
	_, err := io.Copy(sink, io.NewSectionReader(from, r.from, r.end-r.from))
	return err
}

// writing tells a full disk from a store that fails.
type writing struct{ to io.Writer }

func (w *writing) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if err != nil {
		err = keys.SpillError{Err: fmt.Errorf("write a copy: %w: free some space, or name a larger folder with --temp-dir", err)}
	}
	return n, err
}

// firstStamp is the time of the first copy, in seconds: any other would do.
const firstStamp = 1_000_000_000

// stamp gives the copy a time that no other has. An engine may remember the footers of files by name and time, and the names of files
// without a name are used again.
func (c *Copy) stamp() error {
	c.stage.mu.Lock()
	c.stage.serial++
	at := unix.Timeval{Sec: firstStamp + c.stage.serial}
	c.stage.mu.Unlock()
	if err := unix.Futimes(int(c.file.Fd()), []unix.Timeval{at, at}); err != nil {
		return keys.SpillError{Err: fmt.Errorf("set the time of a copy: %w", err)}
	}
	return nil
}

// close lets go of the file, which the next copy is written over, or whose bytes are free then.
func (c *Copy) close() {
	s := c.stage
	s.mu.Lock()
	abs := c.order.file.Abs
	s.copies[abs] = slices.DeleteFunc(s.copies[abs], func(other *Copy) bool { return other == c })
	if len(s.copies[abs]) == 0 {
		delete(s.copies, abs)
	}
	s.mu.Unlock()
	if !s.spares.keep(spare{file: c.file, name: c.name, size: c.order.file.Size, ranges: c.order.ranges}) {
		_ = c.file.Close() // it was only read
	}
}

// holds says whether the copy has all of a range.
func (c *Copy) holds(from, end int64) bool {
	return slices.ContainsFunc(c.order.ranges, func(r span) bool { return r.from <= from && end <= r.end })
}

// copied reads a range from a copy, if one has it. A copy is not closed meanwhile.
func (s *Stage) copied(abs string, p []byte, at int64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range s.copies[abs] {
		if c.holds(at, at+int64(len(p))) {
			n, err := c.file.ReadAt(p, at)
			return err == nil && n == len(p)
		}
	}
	return false
}

// Problem is what an error says of the file of an order; nil where it is none of the file's.
func (s *Stage) Problem(err error) *facts.Problem {
	if errors.As(err, new(SpaceError)) || errors.As(err, new(keys.SpillError)) {
		return nil
	}
	return survey.ProblemOf(err)
}
