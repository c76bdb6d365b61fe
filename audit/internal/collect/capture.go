package collect

import (
	"sync"
	"sync/atomic"

	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/times"
)

// The tables of runs. Keys lie in the order in which rows came, so that their numbers in the file, row, take next to nothing; entities are
// sorted by identity within each range of a file.
var (
	keysTable     = kept.Table{Name: "keys", Dense: true, Columns: kept.Integers("hash", "row")}
	wideKeysTable = kept.Table{Name: "keys_by_source", Dense: true, Columns: kept.Integers("hash", "row", "source", "event_us")}
	// entities of one integer are that integer; others are told by a hash of 128 bits.
	entitiesTable     = kept.Table{Name: "entities", Dense: true, Columns: kept.Integers("entity", "newest_us")}
	wideEntitiesTable = kept.Table{Name: "entities_by_hash", Dense: true, Columns: kept.Integers("entity_low", "entity_high", "newest_us")}
)

// keptHashShift leaves the bits of a key's hash that the runs hold too, where it only finds candidates.
const keptHashShift = 64 - keys.NarrowBits

// capture gathers the runs of one file while it is read. Entities are sorted, encoded and written beside the scan; keys are encoded by who
// reads them.
type capture struct {
	c    *collector
	file int32

	mu sync.Mutex
	// read are the rows that came so far.
	read int64
	// entities are those that wait to be sorted; nil for none.
	entities *capturedEntities
	// far is the earliest time beyond what can be a time.
	far times.Instant

	// writing are parts that are on their way into the pack, and placing guards what comes of them: where they are, and entities that
	// wait for those of the rest of the file.
	writing                 sync.WaitGroup
	placing                 sync.Mutex
	keyRanges, entityRanges []kept.Range
	folded                  newestEntities
	// whole says that all rows came; parts are those of entities that were handed over and are not folded yet.
	whole atomic.Bool
	parts atomic.Int64
}

// capturedEntities tell entities by low, and by high too where they are wide. An instant of times.None says nothing.
type capturedEntities struct{ low, high, newest []int64 }

// mostCaptured is how many rows of a file are sorted together at most: so many are numbered by placeBits.
const (
	placeBits    = 20
	placeMask    = 1<<placeBits - 1
	mostCaptured = 1 << 19
)

// capturedRows is how many rows of a file are gathered before they are sorted and handed over.
func (c *collector) capturedRows() int {
	return int(min(max(c.request.RunMemory/capturedShare, 1<<12), mostCaptured))
}

// capturedShare divides the memory of runs by the bytes that a captured row takes, its sorting included, and by how many files are
// gathered or written at once.
const capturedShare = 64 * 12

// foldedShare divides the memory of runs by what an entity takes that waits for the rest of its file, twice while it is joined, and by how
// many files have some: the entities of a file are written once unless they are more.
const foldedShare = 2 * 24 * 16

// captureOf is that of a file; nil where nothing is kept of it.
func (c *collector) captureOf(file int32) *capture {
	if c.captures == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.captures[file]
	if known == nil {
		known = &capture{c: c, file: file, far: times.None}
		c.captures[file] = known
	}
	return known
}

// room is how many rows are gathered at most, but for those of a block.
func (k *capture) room() int64 {
	return min(k.c.survey.Files[k.file].Rows, int64(k.c.capturedRows()))
}

// addEntities takes entities that are told by an integer, or by two halves of a hash, each with an instant.
func (k *capture) addEntities(low, high, instants []int64) {
	var full []func()
	k.mu.Lock()
	for most := k.c.capturedRows(); len(low) > 0; {
		if k.entities == nil {
			k.entities = k.c.spares.takeEntities(int(k.room()))
		}
		b := k.entities
		n := min(len(low), max(most-len(b.low), 0))
		b.low, b.newest = append(b.low, low[:n]...), append(b.newest, instants[:n]...)
		if high != nil {
			b.high = append(b.high, high[:n]...)
			high = high[n:]
		}
		low, instants = low[n:], instants[n:]
		if len(b.low) >= most {
			full = append(full, k.handEntitiesOver())
		}
	}
	k.mu.Unlock()
	k.writeBeside(full)
}

// addWide takes entities that are told by a hash.
func (k *capture) addWide(ids []keys.EntityID, instants []int64) {
	low, high := make([]int64, len(ids)), make([]int64, len(ids))
	for i, id := range ids {
		low[i], high[i] = int64(id.Lo), int64(id.Hi)
	}
	k.addEntities(low, high, instants)
}

// writeBeside starts what has parts written. It may do so itself, and so is called without the lock.
func (k *capture) writeBeside(parts []func()) {
	for _, part := range parts {
		k.c.request.Kept.Beside(part)
	}
}

// passed says that so many rows more were read.
func (k *capture) passed(rows int64) {
	var last []func()
	k.mu.Lock()
	k.read += rows
	if k.read >= k.c.survey.Files[k.file].Rows {
		if k.c.newest != nil {
			k.whole.Store(true)
			last = append(last, k.handEntitiesOver())
		}
	}
	k.mu.Unlock()
	k.writeBeside(last)
}

func (k *capture) farAway(at times.Instant) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.far = k.far.Earlier(at)
}

// handEntitiesOver gives what sorts the entities at hand, joins them with those that came before, and writes them where they are many or
// the last.
func (k *capture) handEntitiesOver() func() {
	b := k.entities
	k.entities = nil
	k.writing.Add(1)
	k.parts.Add(1)
	return func() {
		defer k.writing.Done()
		k.keepEntities(b)
		k.c.spares.giveEntities(b)
	}
}

// keepEntities keeps the newest instant of each entity.
func (k *capture) keepEntities(b *capturedEntities) {
	var found newestEntities
	if b != nil {
		s := k.c.spares.sorter()
		defer k.c.spares.sorters.Put(s)
		found = s.newestOf(b)
	}
	k.placing.Lock()
	defer k.placing.Unlock()
	waited := len(k.folded.low) > 0
	all := k.folded.joined(found)
	k.folded = newestEntities{}
	if left := k.parts.Add(-1); (left > 0 || !k.whole.Load()) && int64(len(all.low)) <= k.c.request.RunMemory/foldedShare {
		k.folded = all
		if !waited {
			k.folded = all.clone() // out of buffers that are used again
		}
		return
	}
	if len(all.low) == 0 {
		return
	}
	at := kept.Range{}
	if all.high != nil {
		at = k.c.request.Kept.Append(wideEntitiesTable, kept.Rows{all.low, all.high, all.newest})
	} else {
		at = k.c.request.Kept.Append(entitiesTable, kept.Rows{all.low, all.newest})
	}
	k.entityRanges = append(k.entityRanges, at)
}
