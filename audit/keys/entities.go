package keys

import (
	"context"
	"math"
	"math/bits"
	"sync"
)

// EntityID identifies an entity exactly where its value fits 8 bytes (Hi is 0 then), else by a 128-bit hash.
type EntityID struct{ Lo, Hi uint64 }

// Newest keeps the newest instant of each entity in parts that spill like runs.
type Newest struct {
	budget *Budget
	shift  uint
	wide   bool
	parts  []newestPart
}

type newestPart struct {
	mu      sync.Mutex
	table   newestTable
	extents []extent
}

// Absent marks an entity that was seen, but with no instant that counts.
const Absent = math.MinInt64

// NewNewest prepares parts for about rows rows. Wide identities keep both words.
func NewNewest(budget *Budget, rows int64, wide bool) *Newest {
	n := uint(4)
	for n < 10 && rows>>n > partEntries {
		n++
	}
	return &Newest{budget: budget, shift: 64 - n, wide: wide, parts: make([]newestPart, 1<<n)}
}

// NewestWriter adds instants for one goroutine. Flush it when done.
type NewestWriter struct {
	newest  *Newest
	buffers [][]uint64
}

// NewWriter returns a writer with empty buffers.
func (n *Newest) NewWriter() *NewestWriter {
	return &NewestWriter{newest: n, buffers: make([][]uint64, len(n.parts))}
}

func (n *Newest) stride() int {
	if n.wide {
		return 3
	}
	return 2
}

// Add says that the entity has a row at the instant, or one that does not count (Absent).
func (w *NewestWriter) Add(id EntityID, instant int64) error {
	index := spread(id) >> w.newest.shift
	buffer := w.buffers[index]
	if buffer == nil {
		buffer = make([]uint64, 0, pageEntries*w.newest.stride())
	}
	buffer = append(buffer, id.Lo)
	if w.newest.wide {
		buffer = append(buffer, id.Hi)
	}
	buffer = append(buffer, uint64(instant))
	if len(buffer) < cap(buffer) {
		w.buffers[index] = buffer
		return nil
	}
	w.buffers[index] = buffer[:0]
	return w.newest.fold(int(index), buffer)
}

// Flush hands all buffers over.
func (w *NewestWriter) Flush() error {
	for index, buffer := range w.buffers {
		w.buffers[index] = nil
		if err := w.newest.fold(index, buffer); err != nil {
			return err
		}
	}
	return nil
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
	part.table.addAll(words, n.wide)
	n.budget.held.Add(part.table.bytes() - before)
	if !n.budget.exceeded() || part.table.entries < spillWords/4 {
		return nil
	}
	e, err := n.budget.write(part.table.words(n.wide))
	if err != nil {
		return err
	}
	part.extents = append(part.extents, e)
	n.budget.held.Add(-part.table.bytes())
	part.table = newestTable{}
	return nil
}

// Visit calls each for every entity once, part by part, by workers goroutines: each must be safe for concurrent use.
func (n *Newest) Visit(ctx context.Context, workers int, each func(worker int, newest int64)) error {
	next := make(chan int)
	errs := make(chan error, max(1, workers))
	var running sync.WaitGroup
	for worker := range max(1, workers) {
		running.Go(func() {
			for index := range next {
				if err := n.visitPart(index, worker, each); err != nil {
					errs <- err
					for range next {
					}
					return
				}
			}
		})
	}
	for index := range n.parts {
		if ctx.Err() != nil {
			break
		}
		next <- index
	}
	close(next)
	running.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return context.Cause(ctx)
	}
}

func (n *Newest) visitPart(index, worker int, each func(worker int, newest int64)) error {
	part := &n.parts[index]
	var words []uint64
	for _, e := range part.extents {
		var err error
		if words, err = n.budget.read(e, words[:0]); err != nil {
			return err
		}
		part.table.addAll(words, n.wide)
	}
	part.extents = nil
	part.table.visit(func(_ EntityID, newest int64) { each(worker, newest) })
	part.table = newestTable{}
	return nil
}

// newestTable is an open-addressing table from entity to newest instant, at most three quarters full.
type newestTable struct {
	entries int
	used    []uint64
	lo      []uint64
	hi      []uint64
	newest  []int64
}

func (t *newestTable) bytes() int64 {
	return int64(len(t.used)+len(t.lo)+len(t.hi)+len(t.newest)) * 8
}

func (t *newestTable) addAll(words []uint64, wide bool) {
	if wide {
		for i := 0; i+2 < len(words); i += 3 {
			t.add(EntityID{words[i], words[i+1]}, int64(words[i+2]), true)
		}
		return
	}
	for i := 0; i+1 < len(words); i += 2 {
		t.add(EntityID{Lo: words[i]}, int64(words[i+1]), false)
	}
}

func (t *newestTable) add(id EntityID, instant int64, wide bool) {
	if 4*t.entries >= 3*len(t.lo) {
		t.grow(wide)
	}
	mask := uint64(len(t.lo) - 1)
	for slot := spread(id) & mask; ; slot = (slot + 1) & mask {
		if t.used[slot>>6]>>(slot&63)&1 == 0 {
			t.used[slot>>6] |= 1 << (slot & 63)
			t.lo[slot] = id.Lo
			if wide {
				t.hi[slot] = id.Hi
			}
			t.newest[slot] = instant
			t.entries++
			return
		}
		if t.lo[slot] == id.Lo && (!wide || t.hi[slot] == id.Hi) {
			t.newest[slot] = max(t.newest[slot], instant)
			return
		}
	}
}

func (t *newestTable) grow(wide bool) {
	old := *t
	size := max(256, 2*len(old.lo))
	*t = newestTable{used: make([]uint64, (size+63)/64), lo: make([]uint64, size), newest: make([]int64, size)}
	if wide {
		t.hi = make([]uint64, size)
	}
	old.visit(func(id EntityID, newest int64) { t.add(id, newest, wide) })
}

func (t *newestTable) visit(each func(EntityID, int64)) {
	for slot := range t.lo {
		if t.used[slot>>6]>>(slot&63)&1 == 0 {
			continue
		}
		id := EntityID{Lo: t.lo[slot]}
		if len(t.hi) > 0 {
			id.Hi = t.hi[slot]
		}
		each(id, t.newest[slot])
	}
}

func (t *newestTable) words(wide bool) []uint64 {
	words := make([]uint64, 0, t.entries*3)
	t.visit(func(id EntityID, newest int64) {
		words = append(words, id.Lo)
		if wide {
			words = append(words, id.Hi)
		}
		words = append(words, uint64(newest))
	})
	return words
}
