package keys

import (
	"slices"
	"sync"
)

// Place is where a row stands, in one word: file (24 bits), source (6 bits) and row number (34 bits).
type Place uint64

// The bounds of a Place.
const (
	MaxFiles   = 1 << 24
	MaxSources = 1 << 6
	MaxRows    = 1 << 34
)

// NewPlace packs a row's place.
func NewPlace(file int32, source uint8, row int64) Place {
	return Place(uint64(file)<<40 | uint64(source)<<34 | uint64(row))
}

// File, Source and Row unpack it.
func (p Place) File() int32   { return int32(p >> 40) }
func (p Place) Source() uint8 { return uint8(p>>34) & (MaxSources - 1) }
func (p Place) Row() int64    { return int64(p & (MaxRows - 1)) }

// Entry is one row of a run.
type Entry struct {
	Hash  uint64
	Place Place
	// Event is the event time in microseconds, kept only by runs with events.
	Event int64
}

// Runs are the key hashes of a view, in parts by their top bits.
type Runs struct {
	budget *Budget
	shift  uint
	stride int
	parts  []runPart
}

type runPart struct {
	mu      sync.Mutex
	pages   [][]uint64
	extents []extent
	entries int64
}

// partEntries is how many entries a part should hold: with its probe table it stays inside a core's cache.
const partEntries = 1 << 16

// NewRuns prepares parts for about rows entries. With events each entry carries its event time.
func NewRuns(budget *Budget, rows int64, events bool) *Runs {
	bits := uint(4)
	for bits < 12 && rows>>bits > partEntries {
		bits++
	}
	r := &Runs{budget: budget, shift: 64 - bits, stride: 2, parts: make([]runPart, 1<<bits)}
	if events {
		r.stride = 3
	}
	return r
}

// pageEntries is the size of a writer's buffer for one part.
const pageEntries = 256

// Writer adds entries for one goroutine. Flush it when done.
type Writer struct {
	runs    *Runs
	buffers [][]uint64
}

// NewWriter returns a writer with empty buffers.
func (r *Runs) NewWriter() *Writer {
	return &Writer{runs: r, buffers: make([][]uint64, len(r.parts))}
}

// Add appends one row.
func (w *Writer) Add(e Entry) error {
	index := e.Hash >> w.runs.shift
	buffer := w.buffers[index]
	if buffer == nil {
		buffer = make([]uint64, 0, pageEntries*w.runs.stride)
	}
	buffer = append(buffer, e.Hash, uint64(e.Place))
	if w.runs.stride == 3 {
		buffer = append(buffer, uint64(e.Event))
	}
	if len(buffer) < cap(buffer) {
		w.buffers[index] = buffer
		return nil
	}
	w.buffers[index] = nil
	return w.runs.put(int(index), buffer)
}

// Flush hands all buffers over.
func (w *Writer) Flush() error {
	for index, buffer := range w.buffers {
		if len(buffer) == 0 {
			continue
		}
		w.buffers[index] = nil
		if err := w.runs.put(index, slices.Clip(buffer)); err != nil {
			return err
		}
	}
	return nil
}

// spillWords is how much of a part is gathered before it is written: large enough for a disk to be fast.
const spillWords = 8 << 10

func (r *Runs) put(index int, page []uint64) error {
	part := &r.parts[index]
	part.mu.Lock()
	defer part.mu.Unlock()
	part.pages = append(part.pages, page)
	part.entries += int64(len(page) / r.stride)
	r.budget.held.Add(int64(cap(page)) * 8)
	if !r.budget.exceeded() {
		return nil
	}
	words := 0
	for _, p := range part.pages {
		words += len(p)
	}
	if words < spillWords {
		return nil
	}
	return r.spill(part, words)
}

func (r *Runs) spill(part *runPart, words int) error {
	gathered := make([]uint64, 0, words)
	for _, page := range part.pages {
		gathered = append(gathered, page...)
		r.budget.held.Add(-int64(cap(page)) * 8)
	}
	part.pages = nil
	e, err := r.budget.write(gathered)
	if err != nil {
		return err
	}
	part.extents = append(part.extents, e)
	return nil
}

// Entries is the number of rows added so far.
func (r *Runs) Entries() int64 {
	total := int64(0)
	for i := range r.parts {
		total += r.parts[i].entries
	}
	return total
}

// load takes a part's words out of the runs.
func (r *Runs) load(index int, scratch []uint64) ([]uint64, error) {
	part := &r.parts[index]
	words := scratch[:0]
	for _, e := range part.extents {
		var err error
		if words, err = r.budget.read(e, words); err != nil {
			return nil, err
		}
	}
	for _, page := range part.pages {
		words = append(words, page...)
		r.budget.held.Add(-int64(cap(page)) * 8)
	}
	part.pages, part.extents = nil, nil
	return words, nil
}
