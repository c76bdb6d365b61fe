package collect

import (
	"errors"
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
const keptHashShift = 64 - kept.HashBits

var _ [kept.HashBits - keys.NarrowBits]struct{} // the numbers of hashes have as many bits as narrow runs hold
var _ [keys.NarrowBits - kept.HashBits]struct{}

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
	// ordered says that entities are kept in the order of rows: held are those of readers that left the file, and seen tells how many they
	// are. The others are at it.
	ordered bool
	held    []kept.Encoded
	seen    *seenEntities
	readers int
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

// capturedEntities tell entities by low, and by high too where they are wide; or by their places, where they have some. An instant of times.None
// says nothing.
type capturedEntities struct {
	low, high, newest []int64
	near              placedRows
}

func (b *capturedEntities) rows() int { return len(b.low) + len(b.near.rows) }

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

// captureOf is that of a file, which somebody begins to read; nil where nothing is kept of it.
func (c *collector) captureOf(file int32) *capture {
	if c.captures == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.captures[file]
	if known == nil {
		known = &capture{c: c, file: file, far: times.None, ordered: c.ordersEntities(file)}
		c.captures[file] = known
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	known.readers++
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
			k.entities = k.begin(instants)
		}
		b := k.entities
		n := min(len(low), max(most-b.rows(), 0))
		switch {
		case high != nil:
			b.low, b.high, b.newest = append(b.low, low[:n]...), append(b.high, high[:n]...), append(b.newest, instants[:n]...)
			high = high[n:]
		case k.c.placed:
			b.low, b.newest = b.near.add(low[:n], instants[:n], b.low, b.newest)
		default:
			b.low, b.newest = append(b.low, low[:n]...), append(b.newest, instants[:n]...)
		}
		low, instants = low[n:], instants[n:]
		if b.rows() >= most {
			full = append(full, k.handEntitiesOver())
		}
	}
	k.mu.Unlock()
	k.writeBeside(full)
}

// begin gives room for rows, of which the first say these instants.
func (k *capture) begin(instants []int64) *capturedEntities {
	b := k.c.spares.takeEntities(int(k.room()), k.c.placed)
	if !k.c.placed {
		return b
	}
	near := k.start()
	if !near.Known() {
		near = times.Instant(firstKnown(instants))
	}
	b.near.begin(k.c.places, int64(near))
	return b
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
	if k.read >= k.c.survey.Files[k.file].Rows && !k.ordered {
		last = k.lastEntities()
	}
	k.mu.Unlock()
	k.writeBeside(last)
}

// lastEntities hands over what is left. It is called with the lock, once no row can follow.
func (k *capture) lastEntities() []func() {
	if k.c.newest == nil || k.whole.Swap(true) {
		return nil
	}
	if !k.ordered {
		return []func(){k.handEntitiesOver()}
	}
	k.writing.Add(1)
	return []func(){func() {
		defer k.writing.Done()
		k.keepHeld()
	}}
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
		k.c.entitiesOf(k.file).add(k.start(), found)
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

// start is from when on the rows of the file are to be expected; times.None where nobody knows.
func (k *capture) start() times.Instant {
	if p := k.c.survey.Files[k.file].Partition; p >= 0 && k.c.survey.Partitions[p].Dated() {
		return k.c.survey.Partitions[p].Start
	}
	return times.None
}

// viewEntities adds the entities of captured files to those of the view, once for each part of a file: they are fewer than its rows, and in an
// order in which memory is fast. A nil one does nothing: whoever reads rows adds each of them then.
type viewEntities struct {
	into func() *keys.Newest

	mu     sync.Mutex
	newest *keys.NewestWriter
	err    error
}

// entitiesOf are those of the view that a captured file adds to.
func (c *collector) entitiesOf(file int32) *viewEntities {
	if c.viewEntities != nil && c.settled.keepsApart(&c.survey.Files[file]) {
		return c.entitiesApart
	}
	return c.viewEntities
}

func (g *viewEntities) add(start times.Instant, found newestEntities) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return
	}
	if g.newest == nil {
		g.newest = g.into().NewWriter()
	}
	if start.Known() {
		g.newest.Expect(int64(start))
	}
	g.err = g.newest.AddIntegers(found.low, found.newest)
}

// gatherEntities has the entities of captured files added as they are captured, where each has a place in memory.
func (c *collector) gatherEntities() {
	span, ok := c.newest.Places()
	if !ok || c.captures == nil {
		return
	}
	c.places, c.placed = placesOf(span)
	c.viewEntities = &viewEntities{into: func() *keys.Newest { return c.newest }}
	c.entitiesApart = &viewEntities{into: c.settled.newestApart}
}

// finishCaptured waits for the entities of all files.
func (c *collector) finishCaptured() error {
	if c.viewEntities == nil {
		return nil
	}
	for _, k := range c.captures {
		k.mu.Lock()
		last := k.lastEntities()
		k.mu.Unlock()
		k.writeBeside(last)
	}
	c.awaitCaptures()
	return errors.Join(c.viewEntities.flush(), c.entitiesApart.flush())
}

func (g *viewEntities) flush() error {
	if g.err != nil || g.newest == nil {
		return g.err
	}
	return g.newest.Flush()
}

// awaitCaptures waits for what is made of captured rows, in no order.
func (c *collector) awaitCaptures() {
	for _, k := range c.captures {
		k.writing.Wait()
	}
}
