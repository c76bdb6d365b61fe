package collect

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
)

// Stage brings parts of files that lie behind a network onto this disk, where the engine reads them.
type Stage interface {
	// Distant says whether a file lies behind a network.
	Distant(f facts.File) bool
	// Footer is the end of a file as it was read under the store's mark; empty where it is not known.
	Footer(abs, mark string) []byte
	// Order says what a copy of columns takes, of the row groups that are wanted; nil wants all.
	Order(ctx context.Context, f facts.File, columns []facts.Column, wanted func(group int) bool) (Order, error)
	// Bring makes copies, all at once, when there is room for all of them. It gives what the engine opens for each, what gives the room
	// back, and for each that failed why. The error is what stops the whole view.
	Bring(ctx context.Context, orders []Order) (names []string, release func(), failed []error, err error)
	// Room is what all copies together may take, in bytes.
	Room() int64
	// Problem is what an error says of the file of an order; nil where it is none of the file's.
	Problem(err error) *facts.Problem
}

// Order is a copy that is to be made.
type Order interface {
	// Bytes is what it takes on disk.
	Bytes() int64
}

// distant says whether the files of the view lie behind a network, as all of them do or none.
func (c *collector) distant() bool {
	return c.request.Stage != nil && len(c.survey.Files) > 0 && c.request.Stage.Distant(c.survey.Files[0])
}

// brought is what the engine opens for some files, until it is released.
type brought struct {
	names []string
	close func()
}

func (b *brought) release() {
	if b.close != nil {
		b.close()
	}
	b.close = nil
}

// stageError is want of room for copies: smaller pages would not help it, and their files would take room beside it.
type stageError struct{ error }

func (e stageError) Unwrap() error { return e.error }

// errCrowded says that not all files of a query can be here at once: each has to be read alone.
var errCrowded = errors.New("the copies of these files have no room together")

// bring gives what the engine opens for files: of distant ones, copies of columns in the row groups that are wanted (nil wants all), whose
// pages agree with their checksums. Its error is errChanged where it is the fault of files, and errCrowded where they are too many.
func (c *collector) bring(ctx context.Context, ids []int32, columns []facts.Column, wanted func(id int32, group int) bool) (brought, error) {
	b, err := c.bringEach(ctx, ids, func(int32) []facts.Column { return columns }, wanted)
	if err == nil && c.distant() {
		if err = c.checkBrought(ctx, ids, columns, wanted); err != nil {
			b.release()
		}
	}
	return b, err
}

// bringEach is bring for files of which different columns are wanted, without a look at checksums.
func (c *collector) bringEach(ctx context.Context, ids []int32, columns func(id int32) []facts.Column, wanted func(id int32, group int) bool) (brought, error) {
	if !c.distant() {
		b := brought{}
		for _, id := range ids {
			b.names = append(b.names, c.name(id))
		}
		return b, nil
	}
	orders := make([]Order, len(ids))
	problems := map[int32]facts.Problem{}
	for i, id := range ids {
		if _, repaged := c.copies.byFile[id]; repaged {
			continue
		}
		groups := groupsOf(id, wanted)
		if !engine.Numbers(c.survey.Schemas[c.survey.Files[id].Schema].Columns) {
			groups = nil
		}
		order, err := c.request.Stage.Order(ctx, c.survey.Files[id], columns(id), groups)
		if err := c.excused(ctx, id, err, problems); err != nil {
			return brought{}, err
		}
		orders[i] = order
	}
	if len(problems) > 0 {
		return brought{}, errChanged{problems}
	}
	if bytes := bytesOf(orders); len(ids) > 1 && bytes > c.request.Stage.Room() {
		return brought{}, errCrowded
	}
	return c.make(ctx, ids, orders)
}

func bytesOf(orders []Order) int64 {
	bytes := int64(0)
	for _, o := range orders {
		if o != nil {
			bytes += o.Bytes()
		}
	}
	return bytes
}

func groupsOf(id int32, wanted func(id int32, group int) bool) func(int) bool {
	if wanted == nil {
		return nil
	}
	return func(group int) bool { return wanted(id, group) }
}

// make makes copies. Files without an order are opened as they are.
func (c *collector) make(ctx context.Context, ids []int32, orders []Order) (brought, error) {
	names, release, failed, err := c.request.Stage.Bring(ctx, orders)
	switch {
	case err != nil && ctx.Err() != nil:
		return brought{}, context.Cause(ctx)
	case err != nil:
		return brought{}, engine.ResourceError{Err: stageError{err}}
	}
	problems := map[int32]facts.Problem{}
	for i, id := range ids {
		if orders[i] == nil {
			names[i] = c.name(id)
		}
		if err == nil {
			err = c.excused(ctx, id, failed[i], problems)
		}
	}
	if err == nil && len(problems) > 0 {
		err = errChanged{problems}
	}
	if err != nil {
		release()
		return brought{}, err
	}
	return brought{names, release}, nil
}

// excused puts an error down to a file where it is the file's.
func (c *collector) excused(ctx context.Context, id int32, err error, problems map[int32]facts.Problem) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	problem := c.request.Stage.Problem(err)
	if problem == nil {
		return engine.ResourceError{Err: err}
	}
	problems[id] = *problem
	return nil
}

// portion is what one stream reads of distant files.
type portion struct {
	files []int32
	brought
	problems map[int32]facts.Problem
	err      error
}

// A portion is scanned while the next is fetched. The first are small, so that the scan begins soon.
const (
	firstPortion = 8 << 20
	mostPortion  = 64 << 20
	portionFiles = 256
)

// oversized is a file of which not all can be here at once, and how many of its rows can be, a share of the room for each worker.
type oversized struct {
	id         int32
	rowsAtOnce int64
}

func (c *collector) oversized(id int32, bytes int64) oversized {
	share := c.request.Stage.Room() / int64(max(1, c.request.Workers)) / 2
	return oversized{id, int64(float64(share) / float64(bytes) * float64(c.survey.Files[id].Rows))}
}

// streamDistant runs a job whose files lie behind a network: portion by portion, each scanned while the next is fetched. It gives the files of
// which not all can be here at once.
func (c *collector) streamDistant(ctx context.Context, j job) (large []oversized, err error) {
	c.newestFirst(j.files)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ready := make(chan portion)
	go func() {
		defer close(ready)
		large = c.portions(ctx, j, func(p portion) bool {
			select {
			case ready <- p:
				return p.err == nil
			case <-ctx.Done():
				p.release()
				return false
			}
		})
	}()
	s := &stream{c: c}
	for p := range ready {
		if err == nil {
			err = s.portion(ctx, j, p)
		}
		p.release()
		if err != nil {
			cancel(err)
		}
	}
	if err == nil {
		err = s.finish()
	}
	return large, err
}

// portion runs the part of a job whose files were brought.
func (s *stream) portion(ctx context.Context, j job, p portion) error {
	for id, problem := range p.problems {
		s.c.setAside(id, problem, false)
	}
	if p.err != nil || len(p.files) == 0 {
		return p.err
	}
	part := job{schema: j.schema, files: p.files, streamed: true, names: p.names}
	for _, id := range p.files {
		part.rows += s.c.survey.Files[id].Rows
	}
	return s.query(ctx, part)
}

// portions brings the files of a job, portion by portion, and hands each over until one is refused. It gives the files that no portion has
// room for.
func (c *collector) portions(ctx context.Context, j job, hand func(portion) bool) (large []oversized) {
	columns := c.scannedColumns(j.schema)
	share := int64(firstPortion)
	for left := j.files; len(left) > 0; share = min(2*share, mostPortion) {
		p := portion{problems: map[int32]facts.Problem{}}
		var orders []Order
		bytes := int64(0)
		for ; len(left) > 0 && len(p.files) < portionFiles; left = left[1:] {
			id := left[0]
			var order Order
			if _, repaged := c.copies.byFile[id]; !repaged {
				var err error
				order, err = c.request.Stage.Order(ctx, c.survey.Files[id], columns, nil)
				if p.err = c.excused(ctx, id, err, p.problems); p.err != nil {
					break
				}
				if err != nil {
					continue
				}
				if order.Bytes() > c.request.Stage.Room() {
					large = append(large, c.oversized(id, order.Bytes()))
					continue
				}
				if bytes > 0 && bytes+order.Bytes() > min(share, c.request.Stage.Room()/2) {
					break
				}
				bytes += order.Bytes()
			}
			p.files, orders = append(p.files, id), append(orders, order)
		}
		if p.err == nil {
			p.fetch(ctx, c, orders, columns)
		}
		if !hand(p) {
			return large
		}
	}
	return large
}

// fetch brings what a portion is made of, less the files that cannot be read.
func (p *portion) fetch(ctx context.Context, c *collector, orders []Order, columns []facts.Column) {
	for len(p.files) > 0 {
		made, err := c.make(ctx, p.files, orders)
		var faulty errChanged
		if err == nil {
			p.brought = made
			if err = c.checkBrought(ctx, p.files, columns, nil); err == nil {
				return
			}
		}
		if !errors.As(err, &faulty) {
			p.err = err
			p.release()
			return
		}
		p.release()
		var files []int32
		var rest []Order
		for i, id := range p.files {
			if problem, wrong := faulty.problems[id]; wrong {
				p.problems[id] = problem
				continue
			}
			files, rest = append(files, id), append(rest, orders[i])
		}
		p.files, orders = files, rest
	}
}

// checkBrought compares the pages of files that were brought with their checksums, each row group once. It is errChanged where some do not agree.
func (c *collector) checkBrought(ctx context.Context, ids []int32, columns []facts.Column, wanted func(id int32, group int) bool) error {
	problems := map[int32]facts.Problem{}
	err := c.eachFile(ctx, ids, func(id int32) error {
		file := c.survey.Files[id]
		if !file.Checksums {
			return nil
		}
		checked, found, err := c.pagesOf(ctx, file, columns, c.unchecked(id, wanted))
		c.mu.Lock()
		defer c.mu.Unlock()
		c.filePages[id] += checked
		if len(found) > 0 && err == nil {
			problems[id] = found[0].Problem
		}
		return err
	})
	if err == nil && len(problems) > 0 {
		err = errChanged{problems}
	}
	return err
}

// unchecked says which of the wanted row groups of a file were not compared with their checksums yet, and takes them for compared.
func (c *collector) unchecked(id int32, wanted func(id int32, group int) bool) func(group int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newGroups(c.copies.checked, id, groupsOf(id, wanted))
}

// newestFirst sorts files so that the newest partitions come first: what older ones say of an entity is mostly no news then.
func (c *collector) newestFirst(files []int32) {
	slices.SortStableFunc(files, func(a, b int32) int { return cmp.Compare(c.survey.Files[b].Partition, c.survey.Files[a].Partition) })
}

// groupsWith says which row groups of a file hold rows of a range, both included.
func groupsWith(file *facts.File, first, last int64) func(id int32, group int) bool {
	return func(_ int32, group int) bool {
		begin := int64(0)
		for _, g := range file.RowGroups[:group] {
			begin += g.Rows
		}
		return begin <= last && begin+file.RowGroups[group].Rows > first
	}
}

// bring gives what the engine opens for the files of targets: of distant ones, copies of the row groups that hold a row that is asked for,
// with the columns of all plans.
func (v *verifier) bring(ctx context.Context, plans map[int32][]fetchPlan, targets []target) (brought, error) {
	ids := make([]int32, len(targets))
	holds := map[int32]func(group int) bool{}
	selects := map[int32][]engine.Select{}
	for i, t := range targets {
		ids[i], holds[t.file.ID] = t.file.ID, t.holds
		if selects[t.file.Schema] == nil {
			for _, plan := range plans[t.file.Schema] {
				selects[t.file.Schema] = append(selects[t.file.Schema], plan.columns...)
			}
		}
	}
	here, err := v.c.bringEach(ctx, ids, func(id int32) []facts.Column { return columnsOf(selects[v.c.survey.Files[id].Schema]) }, func(id int32, group int) bool { return holds[id](group) })
	var faulty errChanged
	if errors.As(err, &faulty) {
		for id, problem := range faulty.problems {
			v.c.setAside(id, problem, true)
		}
		return here, errTainted
	}
	if err == nil && v.c.distant() {
		if err = v.checkPages(ctx, plans, targets); err != nil {
			here.release()
		}
	}
	return here, err
}

// singleBatches cuts targets into those whose files are brought together: of this machine, one by one.
func (v *verifier) singleBatches(targets []target) iter.Seq[[]target] {
	if !v.c.distant() {
		return slices.Chunk(targets, 1)
	}
	targets = v.byGroups(targets)
	return func(yield func([]target) bool) {
		for start := 0; start < len(targets); {
			end, bytes := start+1, targets[start].file.Size
			for ; end < len(targets) && end-start < batchedTargets; end++ {
				if bytes += targets[end].file.Size; bytes > min(mostPortion, v.c.request.Stage.Room()/2) {
					break
				}
			}
			if !yield(targets[start:end]) {
				return
			}
			start = end
		}
	}
}

// byGroups cuts targets of files that may not be here as a whole into one for each row group.
func (v *verifier) byGroups(targets []target) []target {
	var cut []target
	for _, t := range targets {
		if t.crowd != nil || !v.c.crowds(&t.file) {
			cut = append(cut, t)
			continue
		}
		end := int64(0)
		for _, group := range t.file.RowGroups {
			from, _ := slices.BinarySearch(t.numbers, end)
			end += group.Rows
			to, _ := slices.BinarySearch(t.numbers, end)
			if to > from {
				part := t
				part.numbers, part.rows = t.numbers[from:to], t.rows[from:to]
				cut = append(cut, part)
			}
		}
	}
	return cut
}

// batchedTargets is how many files are brought together whose rows are fetched one file after the other.
const batchedTargets = 32
