package collect

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/times"
)

// spares are buffers to be used again: pages that were never touched cost more than what is done with them.
type spares struct{ entities, sorters, rooms sync.Pool }

// takeEntities gives room for so many rows: of places, or of others.
func (s *spares) takeEntities(room int, placed bool) *capturedEntities {
	b, ok := s.entities.Get().(*capturedEntities)
	if !ok {
		b = &capturedEntities{}
	}
	switch {
	case placed && cap(b.near.rows) < room:
		b.near.rows = make([]uint64, 0, room)
	case !placed && cap(b.low) < room:
		b.low, b.newest = make([]int64, 0, room), make([]int64, 0, room)
	}
	return b
}

func (s *spares) giveEntities(b *capturedEntities) {
	if b != nil {
		b.low, b.high, b.newest, b.near.rows = b.low[:0], b.high[:0], b.newest[:0], b.near.rows[:0]
		s.entities.Put(b)
	}
}

func (s *spares) takeRoom() *columnRoom {
	if room, ok := s.rooms.Get().(*columnRoom); ok {
		return room
	}
	return &columnRoom{}
}

func (s *spares) sorter() *sorter {
	if one, ok := s.sorters.Get().(*sorter); ok {
		return one
	}
	return &sorter{}
}

// sorter sorts up to mostCaptured rows by numbers of 44 bits, each with the place of its row below it. It belongs to one goroutine.
type sorter struct {
	order, spare []uint64
	// first, second and third are columns of what comes of them.
	first, second, third []int64
	// newest and taken are of the entities of a list that have places: their newest distances, where there are rows of them, and 0 elsewhere;
	// and a bit each that says so.
	newest [1 << slotBits]uint64
	taken  [1 << slotBits / 64]uint64
}

func (s *sorter) room(n int) {
	if cap(s.order) < n {
		s.order = make([]uint64, n)
	}
	if cap(s.spare) < n {
		s.spare = make([]uint64, n)
	}
	s.order, s.spare = s.order[:n], s.spare[:n]
}

// columns makes room for columns that are not written where the rows were.
func (s *sorter) columns(n int) {
	if cap(s.first) < n {
		s.first, s.second = make([]int64, n), make([]int64, n)
	}
}

// byHash sorts hashes by their upper 44 bits, and rows of equal ones by their places. Hashes are even: where the first bits say nearly
// where a row stands, the rest is few steps.
func (s *sorter) byHash(hashes []int64) []uint64 {
	s.room(len(hashes))
	for i, hash := range hashes {
		s.order[i] = uint64(hash)&^placeMask | uint64(i)
	}
	digit := uint(bits.Len(uint(len(hashes)))+1) / 2
	s.pass(64-2*digit, digit)
	s.pass(64-digit, digit)
	insert(s.order)
	return s.order
}

// byNumber sorts numbers by what is left of them above the least without so many lower bits: so many bits, at most 44. Rows of equal ones are
// sorted by their places.
func (s *sorter) byNumber(numbers []int64, least int64, lower, width uint) []uint64 {
	s.room(len(numbers))
	for i, n := range numbers {
		s.order[i] = uint64(n-least)>>lower<<placeBits | uint64(i)
	}
	passes := max(1, (width+mostDigit-1)/mostDigit)
	digit := (width + passes - 1) / passes
	for at := uint(0); at < width; at += digit {
		s.pass(placeBits+at, digit)
	}
	return s.order
}

// mostDigit is how many bits one pass sorts by at most: the ends of so many lists stay in a core's nearest cache.
const mostDigit = 11

// pass sorts by one digit, and leaves rows of equal ones in their order.
func (s *sorter) pass(shift, digit uint) {
	var starts [1<<mostDigit + 1]int32
	mask := uint64(1)<<digit - 1
	for _, o := range s.order {
		starts[o>>shift&mask+1]++
	}
	for i := range mask {
		starts[i+1] += starts[i]
	}
	spare := s.spare[:len(s.order)]
	for _, o := range s.order {
		at := &starts[o>>shift&mask]
		spare[*at] = o
		*at++
	}
	s.order, s.spare = spare, s.order
}

// insert sorts what is nearly sorted; what is not is sorted in general.
func insert(order []uint64) {
	steps := 0
	for i := 1; i < len(order); i++ {
		moving, at := order[i], i
		for ; at > 0 && moving < order[at-1]; at-- {
			order[at] = order[at-1]
		}
		order[at] = moving
		if steps += i - at; steps > mostSteps*len(order) {
			slices.Sort(order)
			return
		}
	}
}

// mostSteps is how many places a row moves on average in what is nearly sorted.
const mostSteps = 8

// newestEntities are entities with their newest instants, sorted: by one integer, or by both halves of a hash.
type newestEntities struct{ low, high, newest []int64 }

// newestOf keeps the newest instant of each entity. What it gives may lie in the sorter's own buffers.
func (s *sorter) newestOf(b *capturedEntities) newestEntities {
	if b.high != nil {
		return s.newestWide(b)
	}
	if len(b.near.rows) == 0 && len(b.low) >= leastPlaced {
		b.place()
	}
	if len(b.near.rows) == 0 {
		return s.newestSorted(b)
	}
	var others newestEntities
	if len(b.low) > 0 {
		found := s.newestSorted(b)
		others = found.clone() // out of the way of those that have places
	}
	placed := s.newestPlaced(&b.near)
	return placed.joined(others)
}

// newestSorted is newestOf for integers that have no places.
func (s *sorter) newestSorted(b *capturedEntities) newestEntities {
	if len(b.low) == 0 {
		return newestEntities{}
	}
	least, most := slices.Min(b.low), slices.Max(b.low)
	width := uint(bits.Len64(uint64(most) - uint64(least)))
	if width > 64-placeBits {
		return s.newestFar(b, least, width)
	}
	s.columns(len(b.low))
	low, newest := s.first[:0], s.second[:0]
	last := ^uint64(0)
	for _, o := range s.byNumber(b.low, least, 0, width) {
		instant := b.newest[o&placeMask]
		if instant == times.None {
			continue
		}
		if id := o >> placeBits; id != last {
			low, newest, last = append(low, least+int64(id)), append(newest, instant), id
		} else if n := len(newest) - 1; instant > newest[n] {
			newest[n] = instant
		}
	}
	return newestEntities{low: low, newest: newest}
}

// newestFar is newestOf for integers of more bits than are sorted by.
func (s *sorter) newestFar(b *capturedEntities, least int64, width uint) newestEntities {
	s.columns(len(b.low))
	out := newestEntities{low: s.first[:0], newest: s.second[:0]}
	out.putAll(s.byNumber(b.low, least, width-(64-placeBits), 64-placeBits), b)
	return out
}

// newestWide is newestOf for hashes.
func (s *sorter) newestWide(b *capturedEntities) newestEntities {
	s.columns(len(b.low))
	if cap(s.third) < len(b.low) {
		s.third = make([]int64, len(b.low))
	}
	out := newestEntities{low: s.first[:0], high: s.third[:0], newest: s.second[:0]}
	out.putAll(s.byHash(b.low), b)
	return out
}

// putAll adds the entities of rows that are sorted by their upper bits.
func (e *newestEntities) putAll(order []uint64, b *capturedEntities) {
	for start := 0; start < len(order); {
		end, from := start+1, len(e.low)
		for end < len(order) && order[end]>>placeBits == order[start]>>placeBits {
			end++
		}
		for _, o := range order[start:end] {
			switch at := o & placeMask; {
			case b.newest[at] == times.None:
			case b.high == nil:
				e.put(from, newestEntities{low: b.low[at : at+1], newest: b.newest[at : at+1]})
			default:
				e.put(from, newestEntities{b.low[at : at+1], b.high[at : at+1], b.newest[at : at+1]})
			}
		}
		start = end
	}
}

// put adds the one entity of another list in its place among those from a place on, of which there is mostly none.
func (e *newestEntities) put(from int, one newestEntities) {
	at := len(e.low)
	for ; at > from; at-- {
		order := one.compare(0, e, at-1)
		if order == 0 {
			e.newest[at-1] = max(e.newest[at-1], one.newest[0])
			return
		}
		if order > 0 {
			break
		}
	}
	e.low, e.newest = slices.Insert(e.low, at, one.low[0]), slices.Insert(e.newest, at, one.newest[0])
	if e.high != nil {
		e.high = slices.Insert(e.high, at, one.high[0])
	}
}

func (e *newestEntities) clone() newestEntities {
	return newestEntities{slices.Clone(e.low), slices.Clone(e.high), slices.Clone(e.newest)}
}

// joined are the entities of two lists, each with its newest instant.
func (e *newestEntities) joined(o newestEntities) newestEntities {
	if len(e.low) == 0 {
		return o
	}
	if len(o.low) == 0 {
		return *e
	}
	n := len(e.low) + len(o.low)
	out := newestEntities{low: make([]int64, 0, n), newest: make([]int64, 0, n)}
	if e.high != nil {
		out.high = make([]int64, 0, n)
	}
	for i, j := 0, 0; i < len(e.low) || j < len(o.low); {
		order := 0
		switch {
		case i == len(e.low):
			order = 1
		case j == len(o.low):
			order = -1
		default:
			order = e.compare(i, &o, j)
		}
		switch {
		case order < 0:
			out.take(e, i)
			i++
		case order > 0:
			out.take(&o, j)
			j++
		default:
			out.take(e, i)
			out.newest[len(out.newest)-1] = max(e.newest[i], o.newest[j])
			i, j = i+1, j+1
		}
	}
	return out
}

func (e *newestEntities) compare(i int, o *newestEntities, j int) int {
	if e.high == nil {
		return cmp.Compare(e.low[i], o.low[j])
	}
	return cmp.Or(cmp.Compare(uint64(e.low[i]), uint64(o.low[j])), cmp.Compare(uint64(e.high[i]), uint64(o.high[j])))
}

func (e *newestEntities) take(o *newestEntities, i int) {
	e.low, e.newest = append(e.low, o.low[i]), append(e.newest, o.newest[i])
	if o.high != nil {
		e.high = append(e.high, o.high[i])
	}
}
