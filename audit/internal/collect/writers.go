package collect

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

const (
	// allWriterRows bounds the samples of all sources together.
	allWriterRows = 8 * facts.MaxWriterRows
	// writerBuffer is how many rows a worker gathers before it hands them over.
	writerBuffer = 512
	// grownRows are so many that a sample is taken to fill up.
	grownRows = 4 * writerBuffer
	// seenRows is how many rows a worker remembers, so that it does not hand over what has the same times as another.
	seenRows = 1 << 12
)

// writerSamples are the samples of a view's sources.
type writerSamples struct {
	mu      sync.Mutex
	sources map[uint8]*writerSample
	// named says that the writers' values are kept.
	named bool
	count atomic.Int64
}

func (s *writerSamples) of(code uint8) *writerSample {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, known := s.sources[code]
	if !known {
		w = &writerSample{all: s, sample: facts.WriterSample{Limit: facts.AllWriters}, known: facts.AllWriters}
		w.filter.Store(&writerFilter{limit: facts.AllWriters})
		if s.named {
			w.sample.Names = map[uint64][]string{}
		}
		s.sources[code] = w
		s.count.Add(1)
	}
	return w
}

// writerSample is shared by all workers.
type writerSample struct {
	all    *writerSamples
	filter atomic.Pointer[writerFilter]
	mu     sync.Mutex
	sample facts.WriterSample
	// known is the limit of what was kept of the source; AllWriters where no writer of it was left out.
	known uint64
}

// most is how many rows a source may keep.
func (w *writerSample) most() int {
	return min(facts.MaxWriterRows, allWriterRows/int(w.all.count.Load()))
}

func (w *writerSample) add(rows []facts.WriterRow, names map[uint64][]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.Copy(w.sample.Names, names)
	// twice what may be kept is held, so that it is seldom sorted
	most := w.most()
	if len(w.sample.Rows) >= grownRows {
		w.sample.Grow(2*most + writerBuffer)
	}
	w.sample.Rows = append(w.sample.Rows, rows...)
	if len(w.sample.Rows) > 2*most {
		w.sample.Settle(most)
		w.filter.Store(newWriterFilter(&w.sample))
	}
}

// writerFilter says which rows cannot be in the sample any more: of writers above the limit, and rows of busy writers above
// those that they have already.
type writerFilter struct {
	limit uint64
	// writers and rows are a table with open addressing; 0 is a free place.
	writers []uint64
	rows    []uint32
}

func newWriterFilter(s *facts.WriterSample) *writerFilter {
	f := &writerFilter{limit: s.Limit}
	size := 16
	for size < 4*len(s.Rows)/facts.MaxRowsOfWriter {
		size *= 2
	}
	f.writers, f.rows = make([]uint64, size), make([]uint32, size)
	for from := 0; from < len(s.Rows); {
		to := from + 1
		for to < len(s.Rows) && s.Rows[to].Writer == s.Rows[from].Writer {
			to++
		}
		if to-from == facts.MaxRowsOfWriter {
			f.put(s.Rows[from].Writer, s.Rows[to-1].Row)
		}
		from = to
	}
	return f
}

func (f *writerFilter) put(writer uint64, row uint32) {
	mask := uint64(len(f.writers) - 1)
	for at := writer * placeFactor >> 32 & mask; ; at = (at + 1) & mask {
		if f.writers[at] == 0 {
			f.writers[at], f.rows[at] = writer, row
			return
		}
	}
}

// placeFactor spreads hashes that are all small.
const placeFactor = 0x9e3779b97f4a7c15

func (f *writerFilter) takes(writer uint64, row uint32) bool {
	if len(f.writers) == 0 {
		return true
	}
	mask := uint64(len(f.writers) - 1)
	for at := writer * placeFactor >> 32 & mask; ; at = (at + 1) & mask {
		switch f.writers[at] {
		case writer:
			return row <= f.rows[at]
		case 0:
			return true
		}
	}
}

// writerStage gathers the rows of one worker and source.
type writerStage struct {
	sample *writerSample
	rows   []facts.WriterRow
	seen   [seenRows]uint64
	// names are the values of the rows' writers, where they are kept.
	names map[uint64][]string
	// file is the sample of the file at hand, and fileRows are rows for it; nil where nothing is kept of the file.
	file     *fileSample
	fileRows []facts.WriterRow
}

// bound is what the hash of a writer lies below of which rows are held: for the view, or for the file at hand.
func (w *writerStage) bound(filter *writerFilter) uint64 {
	if w.file == nil {
		return filter.limit
	}
	return slack(filter.limit)
}

// take takes a row whose writer's hash is below the bound, and says whether it is held for the view.
func (w *writerStage) take(filter *writerFilter, writer uint64, event, ingest int64, file int32) bool {
	if event == times.None || ingest == times.None {
		return false
	}
	row, ok := facts.NewWriterRow(writer, times.Instant(event), times.Instant(ingest), file)
	if !ok {
		return false
	}
	if w.file != nil {
		w.keep(row)
	}
	if writer >= filter.limit || !filter.takes(writer, row.Row) {
		return false
	}
	mark := writer ^ uint64(row.Row)<<32 ^ uint64(file)<<1 | 1
	if at := &w.seen[(mark*placeFactor)>>52]; *at != mark {
		*at = mark
		w.rows = append(w.rows, row)
	}
	if len(w.rows) == writerBuffer {
		w.flush()
	}
	return true
}

func (w *writerStage) flush() {
	w.sample.add(w.rows, w.names)
	w.rows = w.rows[:0]
	clear(w.names)
}

// stageOf gives a worker's stage of a source.
func (f *accumulator) stageOf(code uint8) *writerStage {
	w := f.stages[code]
	if w == nil {
		w = &writerStage{sample: f.c.writers.of(code), rows: make([]facts.WriterRow, 0, writerBuffer)}
		if f.c.writers.named {
			w.names = map[uint64][]string{}
		}
		f.stages[code] = w
	}
	if f.capture != nil && w.file == nil {
		w.file = f.c.fileSampleOf(f.policy.file.ID, f.c.names.name(code), w.sample)
	}
	return w
}

// flushFiles ends the samples of the file at hand.
func (f *accumulator) flushFiles() {
	for _, w := range f.stages {
		if w != nil {
			w.flushFile()
			w.file = nil
		}
	}
}

func (f *accumulator) flushStages() {
	for _, w := range f.stages {
		if w != nil {
			w.flushFile()
			w.flush()
		}
	}
}

// foldWriters samples the rows by who stamped them.
func (f *accumulator) foldWriters(b *engine.Block, from, to int, uniform bool) {
	switch {
	case f.layout.writerInt != absent:
		v := &b.Vectors[f.layout.writerInt]
		if uniform && v.Mask == nil {
			f.sightIntegers(f.stageOf(f.codes[from]), v.Ints[from:to], f.events[from:to], f.ingests[from:to])
			return
		}
		for row := from; row < to; row++ {
			if v.Valid(row) {
				f.sightOne(row, f.writerHash(v.Ints[row]), b)
			}
		}
	case len(f.layout.writerText) > 0:
		f.identify(b, from, to)
		for row := from; row < to; row++ {
			if f.identified[row] {
				f.sightOne(row, f.identities[row].Lo, b)
			}
		}
	}
}

func (f *accumulator) sightIntegers(w *writerStage, ids, events, ingests []int64) {
	filter, file := w.sample.filter.Load(), f.policy.file.ID
	events, ingests = events[:len(ids)], ingests[:len(ids)]
	bound := w.bound(filter)
	for i, id := range ids {
		if hash := f.writerHash(id); hash < bound && w.take(filter, hash, events[i], ingests[i], file) && w.names != nil {
			w.names[hash] = []string{strconv.FormatInt(id, 10)}
		}
	}
}

// writerHash is that of a writer that is told by an integer.
func (f *accumulator) writerHash(id int64) uint64 {
	if f.c.seals.writers {
		return f.sealed.identity(f.c.seals.hasher, entityID{Lo: uint64(id)}).Lo
	}
	return facts.WriterHash(uint64(id))
}

func (f *accumulator) sightOne(row int, hash uint64, b *engine.Block) {
	w := f.stageOf(f.codes[row])
	filter := w.sample.filter.Load()
	if hash < w.bound(filter) && w.take(filter, hash, f.events[row], f.ingests[row], f.policy.file.ID) && w.names != nil {
		w.names[hash] = f.writerName(b, row)
	}
}

// writerName is who stamped a row, for people: a text for each column.
func (f *accumulator) writerName(b *engine.Block, row int) []string {
	if f.layout.writerInt != absent {
		return []string{strconv.FormatInt(b.Vectors[f.layout.writerInt].Ints[row], 10)}
	}
	parts := make([]string, len(f.layout.writerText))
	for i, index := range f.layout.writerText {
		if index < 0 {
			parts[i] = time.UnixMicro(f.sources[f.codes[row]].identityTimes[-index-1].read(b, row).micros).UTC().Format(time.RFC3339Nano)
			continue
		}
		parts[i] = string(b.Vectors[index].Texts.At(row))
	}
	return parts
}

// identify hashes the text of the rows' writers, once where entities are asked for too.
func (f *accumulator) identify(b *engine.Block, from, to int) {
	if cap(f.identities) < b.Rows {
		f.identities, f.identified = make([]entityID, b.Rows), make([]bool, b.Rows)
	}
	f.identities, f.identified = f.identities[:b.Rows], f.identified[:b.Rows]
	for row := from; row < to; row++ {
		f.identities[row], f.identified[row] = f.textIdentity(b, f.layout.writerText, row)
		if f.c.seals.writers && f.identified[row] {
			f.identities[row] = f.sealed.identity(f.c.seals.hasher, f.identities[row])
		}
	}
}

// finishWriters cuts the samples to what they may hold, and hands them over. It is false where kept samples leave out writers that
// the sample of all files would hold.
func (c *collector) finishWriters() bool {
	if !c.roles.wants.Has(facts.WantWriters) {
		return true
	}
	c.collection.Writers = map[string]*facts.WriterSample{}
	for code, w := range c.writers.sources {
		w.sample.Limit = min(w.sample.Limit, w.known)
		w.sample.Finish(w.most())
		if w.known != facts.AllWriters && w.sample.Limit >= w.known {
			return false
		}
		c.collection.Writers[c.names.name(code)] = &w.sample
	}
	return true
}
