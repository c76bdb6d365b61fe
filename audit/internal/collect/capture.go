package collect

import (
	"cmp"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/times"
)

// The tables of runs. Keys are sorted by hash and entities by identity within each range of a file; row is the number in the file.
var (
	keysTable     = kept.Table{Name: "keys", Dense: true, Columns: kept.Integers("hash", "row")}
	wideKeysTable = kept.Table{Name: "keys_by_source", Dense: true, Columns: kept.Integers("hash", "row", "source", "event_us")}
	// entities of one integer are that integer; others are told by a hash of 128 bits.
	entitiesTable     = kept.Table{Name: "entities", Dense: true, Columns: kept.Integers("entity", "newest_us")}
	wideEntitiesTable = kept.Table{Name: "entities_by_hash", Dense: true, Columns: kept.Integers("entity_low", "entity_high", "newest_us")}
)

// keptHashShift leaves the bits of a key's hash that the runs hold too, where it only finds candidates.
const keptHashShift = 64 - keys.NarrowBits

// capture gathers the runs of one file while it is read, and hands them over in sorted ranges.
type capture struct {
	c    *collector
	file int32

	mu sync.Mutex
	// read are the rows that came so far.
	read int64
	// hashes and rows are of keys; sources and events too where they are kept.
	hashes, rows, sources, events []int64
	// low and high tell entities, of which high is of wide ones; newest are their instants.
	low, high, newest []int64
	// far is the earliest time beyond what can be a time.
	far times.Instant

	keyRanges, entityRanges []kept.Range
}

// captureBytes is what one captured row takes.
const captureBytes = 64

// capturedRows is how many rows of a file are gathered before they are sorted and handed over.
func (c *collector) capturedRows() int {
	return int(min(max(c.request.RunMemory/16/captureBytes, 1<<12), 1<<20))
}

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
	return min(k.c.survey.Files[k.file].Rows, int64(k.c.capturedRows())+blockSlack)
}

// blockSlack is how many rows one block of the engine has at most, or about so many.
const blockSlack = 1 << 12

// addKeys takes the hashes of rows that follow each other, from the row number first on.
func (k *capture) addKeys(hashes []int64, first int64, sources []uint8, events []int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.hashes == nil {
		k.hashes, k.rows = make([]int64, 0, k.room()), make([]int64, 0, k.room())
	}
	k.hashes = append(k.hashes, hashes...)
	for i := range hashes {
		k.rows = append(k.rows, first+int64(i))
	}
	if !k.c.narrow() {
		for _, code := range sources[:len(hashes)] {
			k.sources = append(k.sources, int64(code))
		}
		k.events = append(k.events, events[:len(hashes)]...)
	}
}

func (k *capture) addKey(hash uint64, row int64, source uint8, event int64) {
	k.addKeys([]int64{int64(hash)}, row, []uint8{source}, []int64{event})
}

// addIntegers takes entities that are told by an integer, each with an instant.
func (k *capture) addIntegers(ids, instants []int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.low == nil {
		k.low, k.newest = make([]int64, 0, k.room()), make([]int64, 0, k.room())
	}
	for i, id := range ids {
		if instants[i] != times.None {
			k.low, k.newest = append(k.low, id), append(k.newest, instants[i])
		}
	}
}

// addWide takes entities that are told by a hash.
func (k *capture) addWide(ids []keys.EntityID, instants []int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, id := range ids {
		k.low, k.high, k.newest = append(k.low, int64(id.Lo)), append(k.high, int64(id.Hi)), append(k.newest, instants[i])
	}
}

// passed says that so many rows more were read, the latest times of which that lie beyond all times are from far on.
func (k *capture) passed(rows int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read += rows
	most := k.c.capturedRows()
	done := k.read >= k.c.survey.Files[k.file].Rows
	if len(k.hashes) > 0 && (done || len(k.hashes) >= most) {
		k.keepKeys()
	}
	if len(k.low) > 0 && (done || len(k.low) >= most) {
		k.keepEntities()
	}
}

func (k *capture) farAway(at times.Instant) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.far = k.far.Earlier(at)
}

func (k *capture) keepKeys() {
	n, narrow, shift := len(k.hashes), k.c.narrow(), 0
	if narrow {
		shift = keptHashShift
	}
	order := make([]keyed, n)
	for i, hash := range k.hashes {
		order[i] = keyed{uint64(hash) >> shift, int32(i)}
	}
	sortKeyed(order)
	hashes, rows := make([]int64, n), make([]int64, n)
	for i, o := range order {
		hashes[i], rows[i] = int64(o.key), k.rows[o.at]
	}
	if narrow {
		k.keyRanges = append(k.keyRanges, k.c.request.Kept.Append(keysTable, kept.Rows{hashes, rows}))
	} else {
		sources, events := make([]int64, n), make([]int64, n)
		for i, o := range order {
			sources[i], events[i] = k.sources[o.at], k.events[o.at]
		}
		k.keyRanges = append(k.keyRanges, k.c.request.Kept.Append(wideKeysTable, kept.Rows{hashes, rows, sources, events}))
	}
	k.hashes, k.rows, k.sources, k.events = k.hashes[:0], k.rows[:0], k.sources[:0], k.events[:0]
	if k.read >= k.c.survey.Files[k.file].Rows {
		k.hashes, k.rows, k.sources, k.events = nil, nil, nil, nil
	}
}

// keepEntities keeps the newest instant of each entity.
func (k *capture) keepEntities() {
	order := make([]keyed, len(k.low))
	for i, id := range k.low {
		order[i] = keyed{uint64(id) ^ 1<<63, int32(i)} // in the order of signed integers
	}
	sortKeyed(order)
	wide := k.high != nil
	low, newest := make([]int64, 0, len(order)), make([]int64, 0, len(order))
	var high []int64
	from := 0
	for _, o := range order {
		id, instant := k.low[o.at], k.newest[o.at]
		if len(low) > 0 && low[len(low)-1] != id {
			from = len(low)
		}
		at := from // of equal lows there are two entities once in a life
		for ; at < len(low) && wide && high[at] != k.high[o.at]; at++ {
		}
		if at < len(low) {
			newest[at] = max(newest[at], instant)
			continue
		}
		low, newest = append(low, id), append(newest, instant)
		if wide {
			high = append(high, k.high[o.at])
		}
	}
	if wide {
		k.entityRanges = append(k.entityRanges, k.c.request.Kept.Append(wideEntitiesTable, kept.Rows{low, high, newest}))
	} else {
		k.entityRanges = append(k.entityRanges, k.c.request.Kept.Append(entitiesTable, kept.Rows{low, newest}))
	}
	k.low, k.high, k.newest = k.low[:0], k.high[:0], k.newest[:0]
	if k.read >= k.c.survey.Files[k.file].Rows {
		k.low, k.high, k.newest = nil, nil, nil
	}
}

// keyed is a key with the place of what belongs to it.
type keyed struct {
	key uint64
	at  int32
}

// The digits that sortKeyed sorts by, and below how many entries it compares instead.
const (
	digitBits = 11
	fewKeyed  = 1 << 9
)

// sortKeyed sorts by key: entries of equal keys keep their order. Digits that all keys share cost nothing.
func sortKeyed(entries []keyed) {
	if len(entries) < fewKeyed {
		sortFew(entries)
		return
	}
	var same, differ uint64 = ^uint64(0), 0
	for _, e := range entries {
		same &= e.key
		differ |= e.key
	}
	differ &^= same
	spare := make([]keyed, len(entries))
	from, to := entries, spare
	for shift := 0; shift < 64; shift += digitBits {
		if differ>>shift&(1<<digitBits-1) == 0 {
			continue
		}
		var starts [1<<digitBits + 1]int32
		for i := range from {
			starts[from[i].key>>shift&(1<<digitBits-1)+1]++
		}
		for i := range 1 << digitBits {
			starts[i+1] += starts[i]
		}
		for i := range from {
			at := &starts[from[i].key>>shift&(1<<digitBits-1)]
			to[*at] = from[i]
			*at++
		}
		from, to = to, from
	}
	if len(entries) > 0 && &from[0] != &entries[0] {
		copy(entries, from)
	}
}

func sortFew(entries []keyed) {
	slices.SortStableFunc(entries, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
}
