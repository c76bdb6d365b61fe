package keys

import (
	mathbits "math/bits"
	"slices"
	"sync"
)

// MaxSources bounds the distinct sources of a view.
const MaxSources = 1 << 6

// Entry is one row of a run: the hash of its key, its ordinal among all rows of the view, and, kept by wide runs only,
// the code of its source and its event time in microseconds UTC.
type Entry struct {
	Hash    uint64
	Ordinal int64
	Source  uint8
	Event   int64
}

// wideStride is the words of a wide entry: its hash; its source above its ordinal; its event time.
const wideStride = 3

// ordinalBits is what wide entries leave for the ordinal beside the source.
const ordinalBits = 58

// Runs are the key hashes of a view, in parts by their top bits. Narrow entries are one word: the ordinal in as many
// bits as the view's rows take, and above it as much of the hash, below the bits that chose the part, as there is room
// for. That leaves a few false candidates in 30 million rows, which verification drops like any collision. Wide
// entries keep the whole hash, the ordinal and the source, and the event time in three words, where pairs are counted by
// hash alone.
type Runs struct {
	budget *Budget
	bits   uint
	// ordinals is the mask of a narrow entry's ordinal.
	ordinals uint64
	stride   int
	parts    []runPart
	// portion is how many entries of a part are held at once while they are probed.
	portion int64
}

type runPart struct {
	mu      sync.Mutex
	pages   [][]uint64
	extents []extent
	entries int64
}

// partEntries is how many entries a part should hold: with its probe table it stays inside a core's cache.
const partEntries = 1 << 16

// NarrowBits is how many bits of a hash narrow entries hold at most, whatever the number of rows: so that entries of earlier runs, which
// are kept with as many, and of this one have equal hashes where their keys are equal. That leaves six false candidates in 30 million rows.
const NarrowBits = 46

// NewRuns prepares parts for about rows entries whose ordinals are below limit.
func NewRuns(budget *Budget, rows, limit int64, wide bool) *Runs {
	bits := uint(4)
	for bits < 12 && rows>>bits > partEntries {
		bits++
	}
	r := &Runs{budget: budget, bits: bits, ordinals: 1<<max(uint(mathbits.Len64(uint64(limit))), 64+bits-NarrowBits) - 1, stride: 1, parts: make([]runPart, 1<<bits)}
	if wide {
		r.stride = wideStride
	}
	r.portion = max(2*partEntries, 2*rows>>bits)
	return r
}

// leastPortion is the smallest portion: a hash of more rows is no pair of copies for whoever is told of pairs.
const leastPortion = 16

// SetPortion says how many entries of a part are held at once. A part of more, which only keys that repeat very often make, is
// read in portions of it.
func (r *Runs) SetPortion(entries int64) { r.portion = max(entries, leastPortion) }

// Whole says that narrow entries hold NarrowBits of each hash: not where rows are more than a billion.
func (r *Runs) Whole() bool { return mathbits.OnesCount64(^(r.ordinals >> r.bits)) >= NarrowBits }

// EntryBytes is what one row costs.
func (r *Runs) EntryBytes() int64 { return int64(r.stride) * 8 }

// stagedEntries are gathered side by side for each part before they move to its page: the stages of all parts together
// stay in a core's cache, where the ends of as many pages would not.
const stagedEntries = 32

// pageEntries is the size of a writer's page of key hashes for one part.
const pageEntries = 512

// stage scatters fixed-width records to parts by a writer's own small buffers.
type stage struct {
	stride int
	page   int
	words  []uint64
	counts []uint8
	pages  [][]uint64
	// put takes a full page over; it may keep it and answer nil, or hand it back to be filled again.
	put func(part int, page []uint64) ([]uint64, error)
}

func newStage(parts, stride, page int, put func(int, []uint64) ([]uint64, error)) *stage {
	return &stage{stride: stride, page: page, words: make([]uint64, parts*stagedEntries*stride), counts: make([]uint8, parts), pages: make([][]uint64, parts), put: put}
}

// slot is where the next record of a part goes; done says that it was written.
func (s *stage) slot(part uint64) []uint64 {
	at := (int(part)*stagedEntries + int(s.counts[part])) * s.stride
	return s.words[at : at+s.stride : at+s.stride]
}

func (s *stage) done(part uint64) error {
	s.counts[part]++
	if s.counts[part] < stagedEntries {
		return nil
	}
	return s.move(int(part))
}

// move empties a part's stage into its page, and hands a full page over.
func (s *stage) move(part int) error {
	page := s.pages[part]
	if page == nil {
		page = make([]uint64, 0, s.page*s.stride)
	}
	at := part * stagedEntries * s.stride
	page = append(page, s.words[at:at+int(s.counts[part])*s.stride]...)
	s.counts[part] = 0
	if len(page)+stagedEntries*s.stride <= cap(page) {
		s.pages[part] = page
		return nil
	}
	var err error
	s.pages[part], err = s.put(part, page)
	return err
}

// flush hands everything over.
func (s *stage) flush() error {
	for part := range s.pages {
		if s.pages[part] == nil { // nothing follows: the page is of what is there, and none where that is nothing
			from := part * stagedEntries * s.stride
			s.pages[part] = slices.Clone(s.words[from : from+int(s.counts[part])*s.stride])
			s.counts[part] = 0
		} else if err := s.move(part); err != nil {
			return err
		}
		if page := s.pages[part]; len(page) > 0 {
			s.pages[part] = nil
			if _, err := s.put(part, page); err != nil {
				return err
			}
		}
	}
	return nil
}

// Writer adds entries for one goroutine. Flush it when done.
type Writer struct {
	bits     uint
	ordinals uint64
	stage    *stage
}

// NewWriter returns a writer with empty buffers.
func (r *Runs) NewWriter() *Writer {
	return &Writer{bits: r.bits, ordinals: r.ordinals, stage: newStage(len(r.parts), r.stride, pageEntries, func(part int, page []uint64) ([]uint64, error) { return nil, r.put(part, page) })}
}

// Add appends one row; event is its event time in microseconds UTC, or times.None. Narrow runs do not keep it.
func (w *Writer) Add(hash, ordinal, source uint64, event int64) error {
	part := hash >> (64 - w.bits)
	slot := w.stage.slot(part)
	if len(slot) == 1 {
		slot[0] = hash<<w.bits&^w.ordinals | ordinal
		return w.stage.done(part)
	}
	slot[0], slot[1], slot[2] = hash, source<<ordinalBits|ordinal, uint64(event)
	return w.stage.done(part)
}

// AddHashes is Add for many rows of consecutive ordinals, for narrow runs: what Add does, without its calls.
func (w *Writer) AddHashes(hashes []int64, ordinal int64) error {
	s, shift := w.stage, 64-w.bits
	for i, h := range hashes {
		hash := uint64(h)
		part := hash >> shift
		count := s.counts[part]
		s.words[int(part)*stagedEntries+int(count)] = hash<<w.bits&^w.ordinals | uint64(ordinal+int64(i))
		count++
		s.counts[part] = count
		if count < stagedEntries {
			continue
		}
		if err := s.move(int(part)); err != nil {
			return err
		}
	}
	return nil
}

// AddWide is Add for many rows of consecutive ordinals, for wide runs.
func (w *Writer) AddWide(hashes []int64, ordinal int64, sources []uint8, events []int64) error {
	s, shift := w.stage, 64-w.bits
	sources, events = sources[:len(hashes)], events[:len(hashes)]
	for i, h := range hashes {
		part := uint64(h) >> shift
		count := s.counts[part]
		at := (int(part)*stagedEntries + int(count)) * wideStride
		slot := s.words[at : at+wideStride : at+wideStride]
		slot[0], slot[1], slot[2] = uint64(h), uint64(sources[i])<<ordinalBits|uint64(ordinal+int64(i)), uint64(events[i])
		count++
		s.counts[part] = count
		if count < stagedEntries {
			continue
		}
		if err := s.move(int(part)); err != nil {
			return err
		}
	}
	return nil
}

// Narrow says whether entries are narrow: AddHashes is for these, AddWide for the others.
func (w *Writer) Narrow() bool { return w.stage.stride == 1 }

// entry unpacks a record of a part.
func (r *Runs) entry(part int, words []uint64) Entry {
	if r.stride == 1 {
		return Entry{Hash: uint64(part)<<(64-r.bits) | words[0]&^r.ordinals>>r.bits, Ordinal: int64(words[0] & r.ordinals)}
	}
	return Entry{Hash: words[0], Ordinal: int64(words[1] & (1<<ordinalBits - 1)), Source: uint8(words[1] >> ordinalBits), Event: int64(words[2])}
}

// Flush hands all buffers over.
func (w *Writer) Flush() error { return w.stage.flush() }

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

// take gives a part's words up, as they lie: the pages in memory, and what was spilled, read back to scratch.
func (r *Runs) take(index int, scratch []uint64) (chunks [][]uint64, read []uint64, err error) {
	part := &r.parts[index]
	read = scratch[:0]
	for _, e := range part.extents {
		if read, err = r.budget.read(e, read); err != nil {
			return nil, nil, err
		}
	}
	chunks = part.pages
	for _, page := range chunks {
		r.budget.held.Add(-int64(cap(page)) * 8)
	}
	if len(read) > 0 {
		chunks = append(chunks, read)
	}
	part.pages, part.extents = nil, nil
	return chunks, read, nil
}
