package collect

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/times"
)

// spares are buffers to be used again: pages that were never touched cost more than what is done with them.
type spares struct{ entities, sorters, rooms sync.Pool }

func (s *spares) takeEntities(room int) *capturedEntities {
	if b, ok := s.entities.Get().(*capturedEntities); ok && cap(b.low) >= room {
		return b
	}
	return &capturedEntities{low: make([]int64, 0, room), newest: make([]int64, 0, room)}
}

func (s *spares) giveEntities(b *capturedEntities) {
	if b != nil {
		b.low, b.high, b.newest = b.low[:0], b.high[:0], b.newest[:0]
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
}

func (s *sorter) room(n int) {
	if cap(s.order) < n {
		s.order, s.spare = make([]uint64, n), make([]uint64, n)
	}
	s.order, s.spare = s.order[:n], s.spare[:n]
}

// columns makes room for columns that are not written where the rows were.
func (s *sorter) columns(n int) {
	if cap(s.first) < n {
		s.first, s.second, s.third = make([]int64, n), make([]int64, n), make([]int64, n)
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

// byNumber sorts numbers of so many bits, at most 44, and rows of equal ones by their places.
func (s *sorter) byNumber(numbers []int64, least int64, width uint) []uint64 {
	s.room(len(numbers))
	for i, n := range numbers {
		s.order[i] = uint64(n-least)<<placeBits | uint64(i)
	}
	s.byBits(placeBits, width)
	return s.order
}

// byBits sorts by so many bits above some.
func (s *sorter) byBits(above, width uint) {
	passes := max(1, (width+mostDigit-1)/mostDigit)
	digit := (width + passes - 1) / passes
	for at := uint(0); at < width; at += digit {
		s.pass(above+at, digit)
	}
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

// newestOf keeps the newest instant of each entity. What it gives lies in the sorter's own buffers, or in those of the rows.
func (s *sorter) newestOf(b *capturedEntities) newestEntities {
	if b.high != nil {
		return s.newestWide(b)
	}
	ids, instants := spanOf(b.low), spanOfInstants(b.newest)
	switch {
	case ids.width+instants.width <= 64:
		return s.newestNear(b, ids, instants)
	case ids.width > 64-placeBits:
		return s.newestFar(b)
	}
	s.columns(len(b.low))
	order := s.byNumber(b.low, ids.least, ids.width)
	low, newest := s.first[:0], s.second[:0]
	last := ^uint64(0)
	for _, o := range order {
		instant := b.newest[o&placeMask]
		if instant == times.None {
			continue
		}
		if id := o >> placeBits; id != last {
			low, newest, last = append(low, ids.least+int64(id)), append(newest, instant), id
		} else if n := len(newest) - 1; instant > newest[n] {
			newest[n] = instant
		}
	}
	return newestEntities{low: low, newest: newest}
}

// numberSpan is the least of some numbers, and how many bits they take above it.
type numberSpan struct {
	least int64
	width uint
}

func spanOf(numbers []int64) numberSpan {
	least, most := numbers[0], numbers[0]
	for _, n := range numbers {
		least, most = min(least, n), max(most, n)
	}
	return numberSpan{least, uint(bits.Len64(uint64(most) - uint64(least)))}
}

// spanOfInstants is spanOf without times.None.
func spanOfInstants(instants []int64) numberSpan {
	least, most := int64(math.MaxInt64), int64(math.MinInt64)
	for _, n := range instants {
		if n != times.None {
			least, most = min(least, n), max(most, n)
		}
	}
	if most < least {
		return numberSpan{}
	}
	return numberSpan{least, uint(bits.Len64(uint64(most) - uint64(least)))}
}

// newestNear is newestOf where an entity and its instant fit one number: they are sorted as that. What it gives lies where they were.
func (s *sorter) newestNear(b *capturedEntities, ids, instants numberSpan) newestEntities {
	s.room(len(b.low))
	n := 0
	for i, id := range b.low {
		if instant := b.newest[i]; instant != times.None {
			s.order[n] = uint64(id-ids.least)<<instants.width | uint64(instant-instants.least)
			n++
		}
	}
	s.order = s.order[:n]
	s.byBits(instants.width, ids.width)
	low, newest := b.low[:n], b.newest[:n]
	n, mask := 0, uint64(1)<<instants.width-1
	for i, o := range s.order {
		id, instant := ids.least+int64(o>>instants.width), instants.least+int64(o&mask)
		if i > 0 && low[n-1] == id {
			newest[n-1] = max(newest[n-1], instant)
			continue
		}
		low[n], newest[n] = id, instant
		n++
	}
	return newestEntities{low: low[:n], newest: newest[:n]}
}

// newestFar is newestOf for integers that lie far apart.
func (s *sorter) newestFar(b *capturedEntities) newestEntities {
	s.room(len(b.low))
	s.columns(len(b.low))
	for i := range s.order {
		s.order[i] = uint64(i)
	}
	slices.SortFunc(s.order, func(x, y uint64) int { return cmp.Compare(b.low[x], b.low[y]) })
	low, newest := s.first[:0], s.second[:0]
	for _, at := range s.order {
		switch n := len(low) - 1; {
		case b.newest[at] == times.None:
		case n >= 0 && low[n] == b.low[at]:
			newest[n] = max(newest[n], b.newest[at])
		default:
			low, newest = append(low, b.low[at]), append(newest, b.newest[at])
		}
	}
	return newestEntities{low: low, newest: newest}
}

// newestWide is newestOf for hashes.
func (s *sorter) newestWide(b *capturedEntities) newestEntities {
	s.columns(len(b.low))
	order := s.byHash(b.low)
	out := newestEntities{low: s.first[:0], high: s.third[:0], newest: s.second[:0]}
	for start := 0; start < len(order); {
		end, from := start+1, len(out.low)
		for end < len(order) && order[end]>>placeBits == order[start]>>placeBits {
			end++
		}
		for _, o := range order[start:end] {
			at := o & placeMask
			if b.newest[at] != times.None {
				out.put(from, b.low[at], b.high[at], b.newest[at])
			}
		}
		start = end
	}
	return out
}

// put adds an entity in its place among those from a place on, of which there is mostly none.
func (e *newestEntities) put(from int, low, high, newest int64) {
	at := len(e.low)
	for ; at > from; at-- {
		order := cmp.Or(cmp.Compare(uint64(low), uint64(e.low[at-1])), cmp.Compare(uint64(high), uint64(e.high[at-1])))
		if order == 0 {
			e.newest[at-1] = max(e.newest[at-1], newest)
			return
		}
		if order > 0 {
			break
		}
	}
	e.low, e.high, e.newest = slices.Insert(e.low, at, low), slices.Insert(e.high, at, high), slices.Insert(e.newest, at, newest)
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
