package collect

import (
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// sampleSlack is by how much the limit of a kept sample lies above that of the view: as many files may go before samples must be
// gathered anew.
const sampleSlack = 1 // as a shift

// slack is a limit with sampleSlack on top.
func slack(limit uint64) uint64 {
	if bits.LeadingZeros64(limit) < sampleSlack {
		return facts.AllWriters
	}
	return limit << sampleSlack
}

// fileSample is the sample of writers of one file and source, which adds up with those of other files to that of the view.
type fileSample struct {
	// view is the sample that it is a part of.
	view   *writerSample
	filter atomic.Pointer[writerFilter]
	mu     sync.Mutex
	sample facts.WriterSample
	// settleAt is how many rows are held before they are settled.
	settleAt int
}

func (c *collector) fileSampleOf(file int32, source string, view *writerSample) *fileSample {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := sliceKey{file, source}
	s := c.fileSamples[of]
	if s == nil {
		s = &fileSample{view: view, sample: facts.WriterSample{Limit: facts.AllWriters}, settleAt: 2 * grownRows}
		s.filter.Store(&writerFilter{limit: facts.AllWriters})
		c.fileSamples[of] = s
	}
	return s
}

func (s *fileSample) add(rows []facts.WriterRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if need := len(s.sample.Rows) + len(rows); need > cap(s.sample.Rows) {
		// the limit of the view sinks while its sample fills up, and costs less than sorting does, or than memory
		if s.sample.Below(slack(s.view.filter.Load().limit)); len(s.sample.Rows) > need/2 {
			s.sample.Grow(2 * need) // append grows by a quarter, and copies each row four times
		}
	}
	s.sample.Rows = append(s.sample.Rows, rows...)
	if len(s.sample.Rows) < s.settleAt {
		return
	}
	s.sample.Below(slack(s.view.filter.Load().limit))
	if len(s.sample.Rows) > facts.MaxWriterRows {
		s.sample.Settle(facts.MaxWriterRows)
		s.filter.Store(newWriterFilter(&s.sample))
	}
	s.settleAt = 2*len(s.sample.Rows) + grownRows
}

// keep takes a row for the sample of the file at hand, if it can be in it.
func (w *writerStage) keep(row facts.WriterRow) {
	if filter := w.file.filter.Load(); row.Writer >= filter.limit || !filter.takes(row.Writer, row.Row) {
		return
	}
	w.fileRows = append(w.fileRows, row)
	if len(w.fileRows) == writerBuffer {
		w.flushFile()
	}
}

func (w *writerStage) flushFile() {
	if w.file != nil && len(w.fileRows) > 0 {
		w.file.add(w.fileRows)
		w.fileRows = w.fileRows[:0]
	}
}

// signed and unsigned keep the order of hashes in signed integers.
func signed(hash uint64) int64   { return int64(hash ^ 1<<63) }
func unsigned(hash int64) uint64 { return uint64(hash) ^ 1<<63 }

// addWriters writes a sample down: its limit, and its rows.
func (b *bins) addWriters(file, source int64, s *fileSample) {
	if s == nil {
		return
	}
	for i := range b {
		b[i] = slices.Grow(b[i], len(s.sample.Rows)+1)
	}
	b.append(file, source, signed(s.sample.Limit), -1, 0, 0)
	for _, r := range s.sample.Rows {
		b.append(file, source, signed(r.Writer), int64(r.Row), int64(r.Arrival), int64(r.Lag))
	}
}

// settleFiles cuts the samples of files to what the view's may need.
func (c *collector) settleFiles() {
	var last *facts.WriterSample
	for of, s := range c.fileSamples {
		limit := facts.AllWriters
		if w := c.writers.bySource(c.names, of.source); w != nil {
			limit = slack(w.sample.Limit)
		}
		s.sample.Below(limit)
		s.sample.SettleIn(last, facts.MaxWriterRows)
		last = &s.sample
	}
}

// bySource is the sample of a source by its name; nil for none.
func (s *writerSamples) bySource(names *sourceNames, source string) *writerSample {
	for code, w := range s.sources {
		if names.name(code) == source {
			return w
		}
	}
	return nil
}

// mergeWriters adds the kept samples of a file to those of the view, by batches in memory that it gives back for the next file.
func (c *collector) mergeWriters(r *keptRows, file *facts.File, batch []facts.WriterRow) []facts.WriterRow {
	sources, hashes, rows := r.integers(writersTable, "source"), r.integers(writersTable, "writer"), r.integers(writersTable, "row")
	arrivals, lags := r.integers(writersTable, "arrival_minute"), r.integers(writersTable, "lag_minutes")
	if r.err != nil {
		return batch
	}
	var into *writerSample
	batch = slices.Grow(batch[:0], len(sources))
	end := func() {
		if into != nil {
			into.add(batch, nil)
			batch = batch[:0]
		}
	}
	for i := range sources {
		if rows[i] < 0 {
			end()
			code, err := c.names.code(r.source(sources[i]))
			if r.err != nil || err != nil {
				return batch
			}
			into = c.writers.of(code)
			into.known = min(into.known, unsigned(hashes[i]))
			continue
		}
		if into == nil || rows[i] > math.MaxUint32 {
			r.err = damaged(r.known, "a writer's row %d without a limit", rows[i])
			return batch
		}
		batch = append(batch, facts.WriterRow{Writer: unsigned(hashes[i]), Row: uint32(rows[i]), Arrival: int32(arrivals[i]), File: file.ID, Lag: int16(lags[i])})
	}
	end()
	return batch
}
