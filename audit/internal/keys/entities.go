package keys

import (
	"math/bits"
	"sync"

	"github.com/featureaudit/featureaudit/audit/times"
)

// EntityID identifies an entity exactly where its value fits 8 bytes (Hi is 0 then), else by a 128-bit hash.
type EntityID struct{ Lo, Hi uint64 }

// Newest keeps the newest instant of each entity: in parts that spill like runs, or where the identities are integers
// close together, in an array with a place for each.
type Newest struct {
	budget *Budget
	shift  uint
	rows   int64
	wide   bool
	parts  []newestPart
	// span is empty where identities have no place each, and settled is nil then; dense comes from the first writer.
	span   Span
	recent *recentBits
	mu     sync.Mutex
	dense  []int64
}

// Span is a range of integer identities, both ends included. Bounds come from footers and are trusted for speed only:
// what lies outside is kept in parts.
type Span struct{ First, Last int64 }

// NoSpan is an empty range.
var NoSpan = Span{First: 1, Last: 0}

// size is the number of identities, or 0 where there are too many for a place each.
func (s Span) size(most int64) int64 {
	if s.Last < s.First || uint64(s.Last)-uint64(s.First) >= uint64(most) {
		return 0
	}
	return s.Last - s.First + 1
}

type newestPart struct {
	mu      sync.Mutex
	table   newestTable
	extents []extent
}

// Absent marks an entity that was seen, but with no instant that counts. It is earlier than every instant.
const Absent = empty + 1

// empty marks a free slot of a table.
const empty = int64(times.None)

// NewNewest prepares parts for about rows rows. Wide identities keep both words. Narrow ones inside span have a place
// each in an array, if a writer's array is within denseBytes.
func NewNewest(budget *Budget, rows int64, wide bool, span Span, denseBytes int64) *Newest {
	n := uint(4)
	for n < 10 && rows>>n > partEntries {
		n++
	}
	newest := &Newest{budget: budget, shift: 64 - n, rows: rows, wide: wide, parts: make([]newestPart, 1<<n), span: NoSpan}
	if places := span.size(min(denseBytes/8, max(4*rows, leastPlaces))); !wide && places > 0 {
		newest.span = span
		newest.recent = newRecentBits(int(places))
	}
	return newest
}

// Places are the identities that have a place each in memory. It is false where none has.
func (n *Newest) Places() (Span, bool) { return n.span, n.recent != nil }

// Wide says whether identities are of 128 bits.
func (n *Newest) Wide() bool { return n.wide }

// leastPlaces are so many that an array of them costs less than it spares, however few rows there are.
const leastPlaces = 1 << 12

func newDense(span Span) []int64 {
	places := make([]int64, span.Last-span.First+1)
	for i := range places {
		places[i] = empty
	}
	return places
}

// foldEntries are folded into a part's table at once: about as many as the table has entities, so that it is worth
// bringing it into the cache; fewer where the pages that gather them would take more than an eighth of the memory, or would not be filled once.
const (
	foldEntries      = 4096
	leastFoldEntries = 4 * stagedEntries
)

func (n *Newest) foldEntries() int {
	fit := n.budget.limit / 8 / int64(len(n.parts)*n.stride()*8)
	return int(max(min(fit, foldEntries, 2*n.rows/int64(len(n.parts))), leastFoldEntries))
}

// NewestWriter adds instants for one goroutine. Flush it when done.
type NewestWriter struct {
	newest *Newest
	shift  uint
	stage  *stage
	first  uint64
	dense  []int64
	// news are rows of the block at hand.
	news []int32
}

// NewWriter returns a writer with empty buffers.
func (n *Newest) NewWriter() *NewestWriter {
	w := &NewestWriter{newest: n, shift: n.shift, stage: newStage(len(n.parts), n.stride(), n.foldEntries(), func(part int, page []uint64) ([]uint64, error) {
		return page[:0], n.fold(part, page)
	})}
	if n.recent != nil {
		w.first, w.dense = uint64(n.span.First), n.takeOver()
	}
	return w
}

// takeOver is the array of writers that have ended, to which another adds then, or a new one.
func (n *Newest) takeOver() []int64 {
	n.mu.Lock()
	dense := n.dense
	n.dense = nil
	n.mu.Unlock()
	if dense == nil {
		dense = newDense(n.span)
		n.budget.held.Add(int64(len(dense)) * 8)
	}
	return dense
}

// Expect says that the rows that follow are hardly earlier than an instant. It serves speed only: rows are best added from
// the newest partition to the oldest.
func (w *NewestWriter) Expect(instant int64) {
	if w.dense != nil {
		w.newest.recent.expect(instant)
	}
}

func (n *Newest) stride() int {
	if n.wide {
		return 3
	}
	return 2
}

// Add says that the entity has a row at the instant, or one that does not count (Absent).
func (w *NewestWriter) Add(id EntityID, instant int64) error {
	if place := id.Lo - w.first; place < uint64(len(w.dense)) {
		w.dense[place] = max(w.dense[place], instant)
		return nil
	}
	return w.addSparse(id, instant)
}

// AddIntegers is Add for many integer identities at once; an instant of times.None says nothing of its entity. First those are
// listed that may be news, without a branch on it, since nothing foretells it; then the look-ups in the array overlap,
// which hides most of the way to memory.
func (w *NewestWriter) AddIntegers(ids, instants []int64) error {
	if w.dense == nil {
		return w.addOutside(ids, instants)
	}
	if cap(w.news) < len(ids) {
		w.news = make([]int32, len(ids))
	}
	places, first := uint64(len(w.dense)), w.first
	marks := w.newest.recent.marks(len(ids))
	news := marks.withoutKnown(ids, instants, first, w.news[:len(ids)])
	for _, i := range news {
		if place := uint64(ids[i]) - first; place < places {
			w.dense[place] = max(w.dense[place], instants[i])
		} else if err := w.addOutside(ids[i:i+1], instants[i:i+1]); err != nil {
			return err
		}
	}
	// in a loop of its own, since what is shared is written in order, and waits for the look-ups before it
	for _, i := range news {
		if place := uint64(ids[i]) - first; place < places && instants[i] >= marks.markingAt {
			w.newest.recent.mark(place)
		}
	}
	return nil
}

// addOutside adds identities without a place in the array.
func (w *NewestWriter) addOutside(ids, instants []int64) error {
	for i, id := range ids {
		if instants[i] == times.None {
			continue
		}
		if err := w.addSparse(EntityID{Lo: uint64(id)}, instants[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *NewestWriter) addSparse(id EntityID, instant int64) error {
	part := spread(id) >> w.shift
	slot := w.stage.slot(part)
	slot[0] = id.Lo
	if len(slot) == 3 {
		slot[1] = id.Hi
	}
	slot[len(slot)-1] = uint64(instant)
	return w.stage.done(part)
}

// AddWide is Add for many wide identities at once, each with an instant.
func (w *NewestWriter) AddWide(ids []EntityID, instants []int64) error {
	s := w.stage
	instants = instants[:len(ids)]
	for i, id := range ids {
		part := spread(id) >> w.shift
		count := s.counts[part]
		at := (int(part)*stagedEntries + int(count)) * 3
		slot := s.words[at : at+3 : at+3]
		slot[0], slot[1], slot[2] = id.Lo, id.Hi, uint64(instants[i])
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

// Flush hands all buffers over.
func (w *NewestWriter) Flush() error {
	w.newest.merge(w.dense)
	w.dense = nil
	return w.stage.flush()
}

func (n *Newest) merge(dense []int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dense == nil {
		n.dense = dense
		return
	}
	for i, instant := range dense {
		n.dense[i] = max(n.dense[i], instant)
	}
	n.budget.held.Add(-int64(len(dense)) * 8)
}

// spread mixes an identity, so that dense integers fill all parts and slots alike (the finalizer of MurmurHash3).
func spread(id EntityID) uint64 {
	h := id.Lo ^ bits.RotateLeft64(id.Hi, 32)
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func (n *Newest) fold(index int, words []uint64) error {
	if len(words) == 0 {
		return nil
	}
	part := &n.parts[index]
	part.mu.Lock()
	defer part.mu.Unlock()
	before := part.table.bytes()
	part.table.addAll(words, n.stride())
	n.budget.held.Add(part.table.bytes() - before)
	if !n.budget.exceeded() || part.table.entries < spillWords/4 {
		return nil
	}
	e, err := n.budget.write(part.table.words(n.stride()))
	if err != nil {
		return err
	}
	part.extents = append(part.extents, e)
	n.budget.held.Add(-part.table.bytes())
	part.table = newestTable{}
	return nil
}

// Entries is how many entities there are at most: of parts that were spilled some count more than once.
func (n *Newest) Entries() int64 {
	count := int64(0)
	for _, instant := range n.dense {
		if instant != empty {
			count++
		}
	}
	for i := range n.parts {
		part := &n.parts[i]
		count += int64(part.table.entries)
		for _, e := range part.extents {
			count += int64(e.words / n.stride())
		}
	}
	return count
}

// newestTable is an open-addressing table from entity to newest instant, at most three quarters full. A slot holds an
// identity and its instant side by side, so that a look-up touches one cache line.
type newestTable struct {
	entries int
	slots   []uint64
	// warmed means nothing, but that what warm reads is used.
	warmed uint64
}

func (t *newestTable) bytes() int64 { return int64(len(t.slots)) * 8 }

func (t *newestTable) addAll(words []uint64, stride int) {
	if len(words) > len(t.slots)/wordsPerLine {
		t.warm()
	}
	for i := 0; i+stride <= len(words); i += stride {
		if 4*t.entries*stride >= 3*len(t.slots) {
			t.grow(stride)
		}
		if stride == 2 {
			t.add(words[i], int64(words[i+1]))
			continue
		}
		t.addWide(EntityID{words[i], words[i+1]}, int64(words[i+2]))
	}
}

// wordsPerLine is how many words a line of the processor's caches holds.
const wordsPerLine = 8

// warm reads a table from end to end, which brings it into the cache faster than look-ups at random do.
func (t *newestTable) warm() {
	for i := 0; i < len(t.slots); i += wordsPerLine {
		t.warmed ^= t.slots[i]
	}
}

func (t *newestTable) add(id uint64, instant int64) {
	mask := uint64(len(t.slots)/2 - 1)
	for slot := spread(EntityID{Lo: id}) & mask; ; slot = (slot + 1) & mask {
		held := t.slots[2*slot : 2*slot+2 : 2*slot+2]
		switch {
		case int64(held[1]) == empty:
			held[0], held[1] = id, uint64(instant)
			t.entries++
			return
		case held[0] == id:
			if instant > int64(held[1]) {
				held[1] = uint64(instant)
			}
			return
		}
	}
}

func (t *newestTable) addWide(id EntityID, instant int64) {
	mask := uint64(len(t.slots)/3 - 1)
	for slot := spread(id) & mask; ; slot = (slot + 1) & mask {
		held := t.slots[3*slot : 3*slot+3 : 3*slot+3]
		switch {
		case int64(held[2]) == empty:
			held[0], held[1], held[2] = id.Lo, id.Hi, uint64(instant)
			t.entries++
			return
		case held[0] == id.Lo && held[1] == id.Hi:
			if instant > int64(held[2]) {
				held[2] = uint64(instant)
			}
			return
		}
	}
}

// leastSlots are those of a part's first table: a small view has some dozen entities in each of its parts.
const leastSlots = 64

func (t *newestTable) grow(stride int) {
	old := t.slots
	t.entries = 0
	t.slots = make([]uint64, max(leastSlots*stride, 2*len(old)))
	free := int64(empty)
	for i := stride - 1; i < len(t.slots); i += stride {
		t.slots[i] = uint64(free)
	}
	for i := 0; i < len(old); i += stride {
		if int64(old[i+stride-1]) != empty {
			t.addAll(old[i:i+stride], stride)
		}
	}
}

// words are the table's records, without free slots.
func (t *newestTable) words(stride int) []uint64 {
	words := make([]uint64, 0, t.entries*stride)
	for i := 0; i < len(t.slots); i += stride {
		if int64(t.slots[i+stride-1]) != empty {
			words = append(words, t.slots[i:i+stride]...)
		}
	}
	return words
}
