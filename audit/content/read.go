package content

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/pages"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/survey"
)

// Ask says what is wanted of files beside their sums.
type Ask struct {
	// Totals are the columns whose numbers are added up.
	Totals []string
	// Rows asks for the hash of each row, and for each list of columns of Names (its key, its entity) for a hash of their values.
	Rows  bool
	Names [][]string
	// Cells are the columns of whose cells a word each is wanted, in which Raw ones give floating numbers themselves.
	Cells, Raw []string
}

// Block is a run of rows with what was asked for.
type Block struct {
	// File is its index among all files, and First the number of the first row in it.
	File  int32
	First int64
	// Rows are the hashes of the rows, Names those of their names, a list for each of Ask.Names.
	Rows  []Sum
	Names [][]Sum
	// Cells are the words of cells, a list for each of Ask.Cells: equal where the cells are. NULL is NoValue.
	Cells [][]uint64
	// Gone marks rows that do not count: a table's log says that they are deleted. Nil for none.
	Gone []bool
}

// NoValue is the word of a cell that is NULL.
const NoValue = 0

// Order is what to read.
type Order struct {
	Store  store.Store
	Survey facts.Survey
	Files  []int32
	Ask    Ask
	// Apart are the columns of folders that say which partition a file is of, or that lie above all files of the view: they are no values of
	// its rows, as the other columns of folders are.
	Apart   []string
	Workers int
	// Bring has a row group of a file at hand until it is let go, or says that it has to be read from afar; nil where all files are at hand.
	Bring func(ctx context.Context, f facts.File, group int) (release func(), far bool, err error)
	// Window is what the rows may take that a worker has at hand, in bytes; 0 for what is fast where there is enough.
	Window int64
	// Ahead is what all workers together may hold of what is read from afar before it is wanted, in bytes; 0 for what is fast.
	Ahead int64
	// Each takes the blocks, several at a time and in any order; they are good during the call only. Nil where no rows are asked for.
	// Progress is told the rows that were read, by any goroutine; nil for none.
	Each     func(Block) error
	Progress func(rows int64)
	// Done takes the facts of each file when all of it was read, from any goroutine; Read gives none of them then. Nil to have Read give them.
	Done func(file int32, f Facts) error
}

// How many rows are folded at a time, and how many bytes they may take: of a row group with more of them the columns are read side by
// side.
const (
	windowRows  = 1 << 20
	windowBytes = 64 << 20
	leastWindow = 4096
)

// window is how many rows are folded at a time.
func (o Order) window() int64 {
	if !o.Ask.Rows {
		return windowRows
	}
	bytes := int64(windowBytes)
	if o.Window > 0 {
		bytes = min(bytes, o.Window)
	}
	return max(leastWindow, min(windowRows, bytes/int64(16+16*len(o.Ask.Names)+8*len(o.Ask.Cells))))
}

// window is the rows under way.
type window struct {
	cells []Sum
	names [][]Sum
	words [][]uint64
	// gone marks the rows that do not count; nil for none.
	gone []bool
}

func (w *window) reset(rows int, ask Ask) {
	w.cells = zeroed(w.cells, rows)
	if !ask.Rows {
		return
	}
	w.names = slices.Grow(w.names[:0], len(ask.Names))[:len(ask.Names)]
	for i := range w.names {
		w.names[i] = zeroed(w.names[i], rows)
	}
	w.words = slices.Grow(w.words[:0], len(ask.Cells))[:len(ask.Cells)]
	for i := range w.words {
		w.words[i] = zeroed(w.words[i], rows)
	}
}

// delete marks the rows of a window that do not count.
func (w *window) delete(f facts.File, first int64) {
	w.gone = nil
	if f.Deleted == nil {
		return
	}
	w.gone = make([]bool, len(w.cells))
	last := first + int64(len(w.cells))
	for row := f.Deleted.Next(first); row >= 0 && row < last; row = f.Deleted.Next(row + 1) {
		w.gone[row-first] = true
	}
}

func zeroed[T any](list []T, length int) []T {
	list = slices.Grow(list[:0], length)[:length]
	clear(list)
	return list
}

// word sets the word of a cell; those of a column's leaves are added up.
func (w *window) word(column, row int, h Sum, raw bool, canonical []byte) {
	if raw && len(canonical) == 8 {
		w.words[column][row] = binary.LittleEndian.Uint64(canonical) + 1 // so that none is NoValue but one NaN that nobody writes
		return
	}
	w.words[column][row] += h.Lo
}

// piece is a row group of a file.
type piece struct {
	file  int32
	group int
}

// Read gives the facts of each file that could be read, and why others could not. Its error is the context's, or what Each said.
func Read(ctx context.Context, o Order) (map[int32]Facts, map[int32]facts.Problem, error) {
	r := reading{Order: o, found: map[int32]Facts{}, unread: map[int32]facts.Problem{}, left: map[int32]int{}}
	var pieces []piece
	for _, id := range o.Files {
		f := o.Survey.Files[id]
		if f.Problem != nil {
			r.unread[id] = *f.Problem
			continue
		}
		if problem := unreadColumn(f); problem != nil {
			r.unread[id] = *problem
			continue
		}
		r.left[id] = len(f.RowGroups)
		r.found[id] = Facts{}
		for group := range f.RowGroups {
			pieces = append(pieces, piece{id, group})
		}
		if len(f.RowGroups) == 0 {
			pieces = append(pieces, piece{id, -1}) // its columns count
			r.left[id] = 1
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan piece)
	var group sync.WaitGroup
	for range max(1, o.Workers) {
		group.Go(func() {
			w := worker{reading: &r}
			defer w.close()
			for p := range next {
				if err := w.take(ctx, p); err != nil { // of Each or Done
					cancel(err)
				}
			}
		})
	}
	for _, p := range pieces {
		if ctx.Err() != nil {
			break
		}
		next <- p
	}
	close(next)
	group.Wait()
	return r.found, r.unread, context.Cause(ctx)
}

// reading is a Read under way.
type reading struct {
	Order
	mu     sync.Mutex
	found  map[int32]Facts
	unread map[int32]facts.Problem
	// left are the row groups of each file that were not read yet.
	left map[int32]int
}

// worker reads one piece after the other, and keeps its file open.
type worker struct {
	*reading
	window
	object store.Object
	file   int32
	open   *file.Reader
	leaves []*leaf
	givens []given
	source []*chunkPages
	// far says that the row group at hand is read from behind a network.
	far bool
}

func (w *worker) close() {
	if w.object != nil {
		w.object.Close()
		w.object, w.open = nil, nil
	}
}

// take reads a piece. An error ends the whole reading.
func (w *worker) take(ctx context.Context, p piece) error {
	if ctx.Err() != nil {
		return nil
	}
	w.mu.Lock()
	_, lost := w.unread[p.file]
	w.mu.Unlock()
	if lost {
		return nil
	}
	f := w.Survey.Files[p.file]
	found, err := w.read(ctx, f, p.group)
	var stop stopError
	if errors.As(err, &stop) {
		return stop.error
	}
	if ctx.Err() != nil {
		return nil
	}
	var problem *facts.Problem
	if err != nil {
		problem = problemOf(err)
	}
	if problem != nil {
		if changed := survey.Changed(ctx, w.Store, f); changed != nil {
			problem = changed
		}
		w.lose(p.file, *problem)
		return nil
	}
	all, done := w.add(p.file, found)
	if !done {
		return nil
	}
	if changed := survey.Changed(ctx, w.Store, f); changed != nil {
		w.lose(p.file, *changed)
		return nil
	}
	if w.Done == nil {
		return nil
	}
	w.mu.Lock()
	delete(w.found, p.file)
	w.mu.Unlock()
	return w.Done(p.file, all)
}

// lose says why a file cannot be read.
func (w *worker) lose(id int32, problem facts.Problem) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unread[id] = problem
	delete(w.found, id)
}

// add adds what was found in a piece of a file to what its other pieces hold; done says that it was the last of them.
func (w *worker) add(id int32, found Facts) (all Facts, done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	so, whole := w.found[id]
	if !whole {
		return Facts{}, false
	}
	all = so.Plus(found)
	w.found[id] = all
	w.left[id]--
	return all, w.left[id] == 0
}

// stopError is what ends the whole reading.
type stopError struct{ error }

// problemOf says why a file could not be read.
func problemOf(err error) *facts.Problem {
	var fault *pages.Fault
	var unsupported facts.UnsupportedError
	switch {
	case errors.As(err, &unsupported):
		return &facts.Problem{Kind: facts.ProblemUnsupported, Message: fmt.Sprintf("%v: rewrite it with %s", err, unsupported.Instead)}
	case errors.As(err, &fault):
		return &facts.Problem{Kind: facts.ProblemCorrupt, Message: err.Error() + "; write the file again"}
	}
	if problem, ok := survey.SystemProblem(err); ok {
		return problem
	}
	return &facts.Problem{Kind: facts.ProblemCorrupt, Message: err.Error() + "; write the file again"}
}

// read reads a row group of a file; group -1 is a file without any.
func (w *worker) read(ctx context.Context, f facts.File, group int) (found Facts, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("it does not decode (%v)", cause)
		}
	}()
	if w.open == nil || w.file != f.ID {
		w.close()
		if w.object, err = w.Store.Open(ctx, f.Abs); err != nil {
			return Facts{}, err
		}
		w.file = f.ID
		if w.open, err = survey.OpenColumns(w.object, f.Size); err != nil {
			return Facts{}, err
		}
		w.leaves = leavesOf(w.open.MetaData().Schema, f, w.Ask)
		w.givens = givensOf(f, w.leaves, w.Apart, w.Ask)
	}
	columns := w.columns(f)
	if group >= 0 {
		if w.Bring != nil {
			release, far, err := w.Bring(ctx, f, group)
			if err != nil {
				return Facts{}, err
			}
			defer release()
			w.far = far
		}
		if err := w.group(ctx, f, group, columns, &found); err != nil {
			return Facts{}, err
		}
	}
	for _, c := range columns {
		found.Columns = append(found.Columns, *c)
	}
	slices.SortFunc(found.Columns, func(a, b Column) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// columns are the facts of a file's columns, still empty, by name.
func (w *worker) columns(f facts.File) map[string]*Column {
	types := map[string]string{}
	for _, c := range w.Survey.Schemas[f.Schema].Columns {
		if c.Name == c.Path || c.Nested {
			types[c.Name] = c.TypeText
		}
	}
	columns := map[string]*Column{}
	for _, l := range w.leaves {
		if columns[l.column] == nil {
			columns[l.column] = &Column{Name: l.column, Types: []string{types[l.column]}}
		}
	}
	for _, g := range w.givens {
		if columns[g.name] == nil {
			columns[g.name] = &Column{Name: g.name}
		}
	}
	return columns
}

// group reads a row group, window by window.
func (w *worker) group(ctx context.Context, f facts.File, group int, columns map[string]*Column, found *Facts) error {
	first := int64(0)
	for _, g := range f.RowGroups[:group] {
		first += g.Rows
	}
	rows := f.RowGroups[group].Rows
	cursors := make([]cursor, len(w.leaves))
	w.source = slices.Grow(w.source[:0], len(w.leaves))[:len(w.leaves)]
	step := w.Order.window()
	aside := rows > step
	for at := int64(0); at < rows; at += step {
		n := int(min(step, rows-at))
		w.window.reset(n, w.Ask)
		w.window.delete(f, first+at)
		for i, l := range w.leaves {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if cursors[i] == nil {
				source, beside := i, len(w.leaves)
				if !aside {
					source, beside = 0, 1 // one after the other: they share their memory
				}
				c, err := w.cursor(f, group, l, columns[l.column], source, beside)
				if err != nil {
					return fmt.Errorf("column %q: %w", l.column, err)
				}
				cursors[i] = c
			}
			err := cursors[i].fold(n, &w.window)
			if err == nil && at+int64(n) == rows {
				err = cursors[i].end()
			}
			if err != nil {
				return fmt.Errorf("column %q: %w", l.column, err)
			}
		}
		for _, g := range w.givens {
			g.fold(&w.window, columns[g.name])
		}
		if err := w.finish(f, first+at, found); err != nil {
			return err
		}
	}
	return nil
}

// finish turns the cells of a window into rows.
func (w *worker) finish(f facts.File, first int64, found *Facts) error {
	for i, cells := range w.cells {
		w.cells[i] = cells.mixed(seedRow)
		if w.gone != nil && w.gone[i] {
			continue
		}
		found.Sum = found.Sum.Plus(w.cells[i])
		found.Rows++
	}
	if w.Progress != nil {
		w.Progress(int64(len(w.cells)))
	}
	if !w.Ask.Rows {
		return nil
	}
	for _, names := range w.names {
		for i, name := range names {
			names[i] = name.mixed(seedKey)
		}
	}
	if err := w.Each(Block{File: f.ID, First: first, Rows: w.cells, Names: w.names, Cells: w.words, Gone: w.gone}); err != nil {
		return stopError{err}
	}
	return nil
}

// cursor opens a leaf of a row group, which is read beside so many in all.
func (w *worker) cursor(f facts.File, group int, l *leaf, into *Column, source, beside int) (cursor, error) {
	meta := w.open.RowGroup(group).MetaData()
	chunk, err := meta.ColumnChunk(l.number)
	if err == nil {
		err = readable(chunk)
	}
	if err != nil {
		return nil, err
	}
	at := pages.Chunk{Codec: int32(chunk.Compression()), Values: chunk.NumValues(), Size: chunk.TotalCompressedSize(), Offset: chunk.DataPageOffset()}
	if chunk.HasDictionaryPage() && chunk.DictionaryPageOffset() > 0 {
		at.Offset = min(at.Offset, chunk.DictionaryPageOffset())
	}
	if w.source[source] == nil {
		w.source[source] = &chunkPages{}
	}
	s := w.source[source]
	descriptor := w.open.MetaData().Schema.Column(l.number)
	from := io.ReaderAt(w.object)
	if w.far {
		s.ahead.begin(w.object, at, f.Size, w.aheadBytes(beside))
		from = &s.ahead
	}
	*s = chunkPages{from: from, codec: chunk.Compression(), defined: descriptor.MaxDefinitionLevel() > 0,
		repeated: descriptor.MaxRepetitionLevel() > 0, width: widthOf(descriptor), fixed: isFixed(descriptor), levels: chunk.NumValues(), raw: s.raw, page: s.page, dictionary: s.dictionary, split: s.split, ahead: s.ahead}
	s.PageReader = survey.PageReader{Walk: pages.NewReader().Walk(from, at), Load: s.load, Leaf: descriptor}
	reader := file.NewColumnReader(descriptor, s, memory.DefaultAllocator, &sync.Pool{New: func() any { return memory.NewResizableBuffer(memory.DefaultAllocator) }})
	return newCursor(l, descriptor, reader, s, into)
}
