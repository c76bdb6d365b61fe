package keys

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
)

// recentBits spares most look-ups in an array of newest instants, which no cache holds. Where partitions come from the newest
// to the oldest, most rows are of entities that a newer partition has already: a bit for each entity tells which these
// are, and once they are nearly all, a small filter tells it that stays in a core's cache. All writers share what is known.
type recentBits struct {
	now atomic.Pointer[marks]
	// marking gathers the marks of the next marks, a bit for each place.
	marking []uint64
	mu      sync.Mutex
	// rows came since now was made.
	rows atomic.Int64
}

// marks never change once they are made.
type marks struct {
	// places are the identities that the marks speak of.
	places uint64
	// marked places have an instant at or after at: rows up to then are no news of them.
	at     int64
	marked []uint64
	// open has a bit for each of the places that are not marked, where shift says, and others; nil where they are many.
	open  []uint64
	shift uint
	// markingAt is the at of the next marks.
	markingAt int64
}

// maxOpen is how many places may be open for a filter to be small: it has four to eight bits for each, and leastFilter at
// least.
const (
	maxOpen     = 1 << 17
	leastFilter = 1 << 16
)

func newRecentBits(places int) *recentBits {
	words := (places + 63) / 64
	s := &recentBits{marking: make([]uint64, words)}
	s.now.Store(&marks{places: uint64(places), at: math.MinInt64, marked: make([]uint64, words), markingAt: math.MaxInt64})
	return s
}

// marks are those to go by for so many rows.
func (s *recentBits) marks(rows int) *marks {
	s.rows.Add(int64(rows))
	return s.now.Load()
}

// mark notes a place for the next marks.
func (s *recentBits) mark(place uint64) {
	word, bit := &s.marking[place>>6], uint64(1)<<(place&63)
	if atomic.LoadUint64(word)&bit == 0 {
		atomic.OrUint64(word, bit)
	}
}

// expect makes the next marks, where rows follow that are hardly earlier than instant: what has an instant after
// those of the marks gathered until now is settled for them.
func (s *recentBits) expect(instant int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now.Load()
	// after the first call, new marks must cost less than the rows since the last
	if instant >= now.markingAt || now.markingAt != math.MaxInt64 && s.rows.Load() < int64(len(s.marking)) {
		return
	}
	next := &marks{places: now.places, at: now.markingAt, marked: make([]uint64, len(s.marking)), markingAt: instant}
	for i := range next.marked {
		next.marked[i] = atomic.LoadUint64(&s.marking[i])
	}
	next.filter()
	s.now.Store(next)
	s.rows.Store(0)
}

// filter prepares open.
func (m *marks) filter() {
	open := int(m.places)
	for _, word := range m.marked {
		open -= bits.OnesCount64(word)
	}
	if open > maxOpen {
		return
	}
	log := uint(bits.Len(uint(max(4*open, leastFilter) - 1)))
	m.open, m.shift = make([]uint64, 1<<(log-6)), 64-log
	for i, word := range m.marked {
		for rest := ^word; rest != 0; rest &= rest - 1 {
			if place := uint64(i<<6 | bits.TrailingZeros64(rest)); place < m.places {
				slot := m.slot(place)
				m.open[slot>>6] |= 1 << (slot & 63)
			}
		}
	}
}

func (m *marks) slot(place uint64) uint64 { return place * 0x9e3779b97f4a7c15 >> m.shift }

// withoutKnown lists in news the rows that are not known to be no news of their identity, by their number.
func (m *marks) withoutKnown(ids, instants []int64, first uint64, news []int32) []int32 {
	if m.open != nil {
		return m.withoutKnownOpen(ids, instants, first, news)
	}
	n := 0
	for i, id := range ids {
		place := uint64(id) - first
		isNews := 1
		if place < m.places && instants[i] <= m.at {
			isNews = int(m.marked[place>>6]>>(place&63)&1 ^ 1)
		}
		news[n] = int32(i)
		n += isNews
	}
	return news[:n]
}

// withoutKnownOpen is withoutKnown where few places are open: what the filter lets through is looked up then.
func (m *marks) withoutKnownOpen(ids, instants []int64, first uint64, news []int32) []int32 {
	through := 0
	for i, id := range ids {
		place := uint64(id) - first
		slot := m.slot(place)
		goes := 1
		if place < m.places && instants[i] <= m.at {
			goes = int(m.open[slot>>6] >> (slot & 63) & 1)
		}
		news[through] = int32(i)
		through += goes
	}
	n := 0
	for _, i := range news[:through] {
		place := uint64(ids[i]) - first
		isNews := 1
		if place < m.places && instants[i] <= m.at {
			isNews = int(m.marked[place>>6]>>(place&63)&1 ^ 1)
		}
		news[n] = i
		n += isNews
	}
	return news[:n]
}
