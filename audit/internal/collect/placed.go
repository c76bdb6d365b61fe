package collect

import (
	"math/bits"
	"slices"

	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/times"
)

// places are integers that lie near each other, of which each has a place, told by so few bits that an instant has room beside them.
type places struct {
	first, size  uint64
	lower        uint
	distanceBits uint
}

// Places are put into lists by their upper bits, and those of a list lie in a core's cache, so that nothing is sorted. The places of a list take
// slotBits, and with the number of the list placeableBits at most. Fewer rows than leastPlaced are not worth it.
const (
	slotBits      = 12
	placeableBits = slotBits + mostDigit
	leastPlaced   = 1 << 12
)

// placesOf are the places of a range of integers. It is false where they are too many.
func placesOf(span keys.Span) (places, bool) {
	width := uint(bits.Len64(uint64(span.Last) - uint64(span.First)))
	if span.Last < span.First || width > placeableBits {
		return places{}, false
	}
	return places{first: uint64(span.First), size: uint64(span.Last) - uint64(span.First) + 1, lower: min(width, slotBits), distanceBits: min(64-width, mostDistanceBits)}, true
}

// Distances of so many bits from an instant so near to 0 never run over.
const (
	mostDistanceBits = 62
	nearestZero      = 1 << 62
)

func (p *places) lists() int { return int((p.size-1)>>p.lower) + 1 }

// placedRows are rows of entities that have places, each of eight bytes: the place, and below it how far its instant is from another. They are
// counted by list.
type placedRows struct {
	places places
	from   int64
	rows   []uint64
	counts [1 << mostDigit]int32
}

// begin empties the rows. Those that follow are mostly of instants near one.
func (r *placedRows) begin(p places, near int64) {
	r.places, r.rows = p, r.rows[:0]
	r.from = min(max(near, -nearestZero), nearestZero) - 1<<(p.distanceBits-1)
	clear(r.counts[:p.lists()])
}

// add takes the rows that it can, and gives the others that say something in low and newest.
func (r *placedRows) add(ids, instants, low, newest []int64) ([]int64, []int64) {
	p := r.places
	n := len(r.rows)
	rows := slices.Grow(r.rows, len(ids))[:n+len(ids)]
	instants = instants[:len(ids)]
	for i, id := range ids {
		place, distance := uint64(id)-p.first, uint64(instants[i])-uint64(r.from)
		if place >= p.size || distance>>(p.distanceBits&63) != 0 || instants[i] == times.None {
			if instants[i] != times.None {
				low, newest = append(low, id), append(newest, instants[i])
			}
			continue
		}
		rows[n] = place<<(p.distanceBits&63) | distance
		r.counts[place>>(p.lower&63)&(1<<mostDigit-1)]++
		n++
	}
	r.rows = rows[:n]
	return low, newest
}

// newestPlaced keeps the newest instant of each entity. What it gives lies in the sorter's own buffers.
func (s *sorter) newestPlaced(r *placedRows) newestEntities {
	if cap(s.spare) < len(r.rows) {
		s.spare = make([]uint64, len(r.rows))
	}
	s.columns(len(r.rows))
	p := r.places
	var starts [1<<mostDigit + 1]int32
	lists := p.lists()
	for i, n := range r.counts[:lists] {
		starts[i+1] = starts[i] + n
	}
	ends, spare := starts, s.spare[:len(r.rows)]
	for _, row := range r.rows {
		at := &ends[row>>(p.distanceBits&63)>>(p.lower&63)&(1<<mostDigit-1)]
		spare[*at] = row
		*at++
	}
	n, low, newest := 0, s.first[:cap(s.first)], s.second[:cap(s.second)]
	for list := range lists {
		id := int64(p.first) + int64(list)<<p.lower
		n += s.newestOfList(spare[starts[list]:ends[list]], p, id, r.from, low[n:], newest[n:])
	}
	return newestEntities{low: low[:n], newest: newest[:n]}
}

// newestOfList keeps the newest instants of the entities of one list, the first of which is id, and gives their number.
func (s *sorter) newestOfList(rows []uint64, p places, id, from int64, low, newest []int64) int {
	distances := uint64(1)<<p.distanceBits - 1
	for _, row := range rows {
		place := row >> (p.distanceBits & 63) & (1<<p.lower - 1) & (1<<slotBits - 1)
		s.taken[place>>6] |= 1 << (place & 63)
		s.newest[place] = max(s.newest[place], row&distances)
	}
	n := 0
	for word := range s.taken[:(1<<p.lower+63)/64] {
		for taken := s.taken[word]; taken != 0; taken &= taken - 1 {
			place := word<<6 | bits.TrailingZeros64(taken)
			low[n], newest[n] = id+int64(place), from+int64(s.newest[place])
			s.newest[place] = 0
			n++
		}
		s.taken[word] = 0
	}
	return n
}

// place has rows that have no places told by places, where they lie near each other. Those that cannot be stay as they are.
func (b *capturedEntities) place() {
	p, ok := placesOf(keys.Span{First: slices.Min(b.low), Last: slices.Max(b.low)})
	if !ok {
		return
	}
	if cap(b.near.rows) < len(b.low) {
		b.near.rows = make([]uint64, 0, len(b.low))
	}
	b.near.begin(p, firstKnown(b.newest))
	b.low, b.newest = b.near.add(b.low, b.newest, b.low[:0], b.newest[:0])
}

// firstKnown is the first of some instants that says something, 0 where none does.
func firstKnown(instants []int64) int64 {
	for _, instant := range instants {
		if instant != times.None && instant != keys.Absent {
			return instant
		}
	}
	return 0
}
