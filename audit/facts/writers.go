package facts

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/featureaudit/featureaudit/audit/times"
)

// WriterRow is a row of a sampled writer: who stamped it, when it arrived and how late.
type WriterRow struct {
	// Writer is a hash of the writer's identity, Row one of the row's own times: it says which rows of a busy writer are kept.
	Writer uint64
	Row    uint32
	// Arrival is in whole minutes since 1970 UTC, rounded down.
	Arrival int32
	File    int32
	// Lag is in whole minutes, rounded down: LeastLagMinutes to MostLagMinutes, the latter excluded.
	Lag int16
}

// The lags of a WriterRow, in minutes: 16 hours ahead to three days late. Rows beyond tell no offset.
const (
	LeastLagMinutes = -16 * 60
	MostLagMinutes  = 72 * 60
)

// The bounds of a sample: rows in all, and rows of one writer.
const (
	MaxWriterRows   = 24_000
	MaxRowsOfWriter = 24
)

// AllWriters is the limit of a sample that leaves no writer out.
const AllWriters = uint64(math.MaxUint64)

// WriterHash spreads the identity of a writer over all hashes, so that the smallest are a fair sample.
func WriterHash(identity uint64) uint64 {
	hi, lo := bits.Mul64(identity^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return hi ^ lo ^ identity>>29
}

// NewWriterRow makes a row of a writer's hash and its times; ok is false where it arrived too early or
// too late to tell an offset.
func NewWriterRow(writer uint64, event, ingested times.Instant, file int32) (r WriterRow, ok bool) {
	lag := floorMinutes(int64(ingested - event))
	if lag < LeastLagMinutes || lag >= MostLagMinutes {
		return r, false
	}
	hi, lo := bits.Mul64(uint64(event)^0xa0761d6478bd642f, uint64(ingested)^0xe7037ed1a0b428db)
	return WriterRow{Writer: writer, Row: uint32((hi ^ lo) >> 32), Arrival: int32(floorMinutes(int64(ingested))), File: file, Lag: int16(lag)}, true
}

func floorMinutes(micros int64) int64 {
	minutes := micros / int64(times.Minute)
	if micros%int64(times.Minute) < 0 {
		minutes--
	}
	return minutes
}

// WriterSample holds the rows of the writers of one source whose hash is the smallest. It depends on the rows alone, not on
// the order in which they come: of a writer that has more than MaxRowsOfWriter rows, those with the smallest Row are kept.
// Rows of a writer with the same two times are one witness, and one row.
type WriterSample struct {
	// Rows are sorted by writer, row and file.
	Rows []WriterRow
	// Writers below Limit are all here; AllWriters says that no writer was left out.
	Limit uint64
	// Names are the writers' values by hash, one for each of their columns, where findings may show them; nil elsewhere.
	Names map[uint64][]string
	// spare is where rows are sorted to, starts where the rows of a place begin: both are used again, since pages that were
	// never touched cost more than the sorting.
	spare  []WriterRow
	starts []int32
}

// Grow makes room for so many rows at once.
func (s *WriterSample) Grow(rows int) {
	if cap(s.Rows) < rows {
		s.Rows = append(make([]WriterRow, 0, rows), s.Rows...)
	}
}

// Below leaves out writers from a limit on, without sorting the rows.
func (s *WriterSample) Below(limit uint64) {
	if limit >= s.Limit {
		return
	}
	s.Limit = limit
	s.Rows = slices.DeleteFunc(s.Rows, func(r WriterRow) bool { return r.Writer >= limit })
}

// Settle sorts the rows and cuts them to so many: whole writers are kept, by the smallest hash. It may be called again when
// rows were added, and gives what a call with all rows at once would give.
func (s *WriterSample) Settle(most int) {
	s.sort()
	kept := 0
	for from := 0; from < len(s.Rows); {
		writer := s.Rows[from].Writer
		to := from + 1
		for to < len(s.Rows) && s.Rows[to].Writer == writer {
			to++
		}
		n := min(distinct(s.Rows[from:to]), MaxRowsOfWriter)
		if writer >= s.Limit || kept+n > most {
			s.Limit = min(s.Limit, writer)
			break
		}
		kept += copy(s.Rows[kept:], s.Rows[from:from+n])
		from = to
	}
	s.Rows = s.Rows[:kept]
	maps.DeleteFunc(s.Names, func(writer uint64, _ []string) bool { return writer >= s.Limit })
}

// SettleIn is Settle in the room in which another sample was sorted, which is to be sorted no more; nil for none.
func (s *WriterSample) SettleIn(other *WriterSample, most int) {
	if other != nil && cap(other.spare) >= cap(s.spare) {
		s.spare, s.starts, other.spare, other.starts = other.spare, other.starts, nil, nil
	}
	s.Settle(most)
}

// Finish is Settle for the last time: it gives back what only more rows would need.
func (s *WriterSample) Finish(most int) {
	s.Settle(most)
	s.Rows, s.spare, s.starts = slices.Clone(s.Rows), nil, nil
}

// fewRows are sorted by comparing them: their places would take longer.
const fewRows = 1 << 7

// sort orders the rows by writer, row and file. Hashes are even, so that most rows fall right into their places.
func (s *WriterSample) sort() {
	if len(s.Rows) < fewRows {
		slices.SortFunc(s.Rows, compareWriterRows)
		return
	}
	most := uint64(0)
	for i := range s.Rows {
		most = max(most, s.Rows[i].Writer)
	}
	// a place for each row, or up to two: so many bits of a hash say where its rows stand
	shift, down := bits.LeadingZeros64(most), 64-bits.Len(uint(len(s.Rows)))
	place := func(writer uint64) uint64 { return writer << shift >> down }
	if places := 1<<(64-down) + 1; cap(s.starts) < places {
		s.starts = make([]int32, places)
	} else {
		s.starts = s.starts[:places]
		clear(s.starts)
	}
	starts := s.starts
	for i := range s.Rows {
		starts[place(s.Rows[i].Writer)+1]++
	}
	for i := range starts[1:] {
		starts[i+1] += starts[i]
	}
	if cap(s.spare) < len(s.Rows) {
		s.spare = make([]WriterRow, 0, cap(s.Rows))
	}
	sorted := s.spare[:len(s.Rows)]
	for i := range s.Rows {
		at := &starts[place(s.Rows[i].Writer)]
		sorted[*at] = s.Rows[i]
		*at++
	}
	for from := 0; from < len(sorted); {
		// starts are the ends of their places by now
		to := int(starts[place(sorted[from].Writer)])
		if to-from > 1 {
			slices.SortFunc(sorted[from:to], compareWriterRows)
		}
		from = to
	}
	s.Rows, s.spare = sorted, s.Rows[:0]
}

func compareWriterRows(a, b WriterRow) int {
	if a.Writer != b.Writer {
		return cmp.Compare(a.Writer, b.Writer)
	}
	return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.File, b.File), cmp.Compare(a.Arrival, b.Arrival), cmp.Compare(a.Lag, b.Lag))
}

// distinct moves the first row of each Row to the front, and counts them.
func distinct(rows []WriterRow) int {
	n := 1
	for _, r := range rows[1:] {
		if r.Row != rows[n-1].Row {
			rows[n] = r
			n++
		}
	}
	return n
}

// Written estimates how many rows a writer wrote whose sampled rows, sorted, are these: where not all were kept, from how
// dense the kept ones lie among all hashes.
func Written(rows []WriterRow) float64 {
	if len(rows) < MaxRowsOfWriter {
		return float64(len(rows))
	}
	return max(float64(len(rows)), float64(len(rows)-1)/((float64(rows[len(rows)-1].Row)+1)/(1<<32)))
}
