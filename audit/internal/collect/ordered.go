package collect

import (
	"math"
	"math/bits"

	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Entities of which few come twice in a file are kept in the order of its rows, as keys are: nothing is sorted, and each of the few is told twice. Whoever
// reads rows encodes them at once. What is encoded waits until the file was read, for it shows only then how many came twice: where they are
// many, it is decoded, and each entity is kept once.
const (
	// leastOrdered is how many rows a file has at least whose entities are kept so: they make row groups of their own.
	leastOrdered = 1 << 15
	// mostRepeated is how many rows there may be of two entities.
	mostRepeated = 3
)

// ordersEntities says whether the entities of a file are kept in the order of its rows, as far as is known before it is read.
func (c *collector) ordersEntities(file int32) bool {
	rows := c.survey.Files[file].Rows
	return c.placed && !c.repetitive.Load() && rows >= leastOrdered && rows <= int64(c.capturedRows())
}

// keepEntities takes entities in the order of their rows, each with an instant.
func (f *accumulator) keepEntities(ids, instants []int64) {
	if f.keptEntities == nil {
		f.keptEntities, f.seen = f.c.request.Kept.NewHolder(entitiesTable), &seenEntities{}
	}
	for len(ids) > 0 {
		room := f.keptEntities.Room(len(ids))
		n := len(room[0])
		f.keptEntities.Fill(f.seen.take(ids[:n], instants[:n], room[0], room[1]), 0)
		ids, instants = ids[n:], instants[n:]
	}
}

// endEntities hands over what was taken of the file at hand.
func (f *accumulator) endEntities() {
	if f.capture == nil || !f.capture.ordered {
		return
	}
	var held []kept.Encoded
	if f.keptEntities != nil {
		held = f.keptEntities.Held()
	}
	f.capture.hold(held, f.seen)
	if f.seen != nil {
		clear(f.seen.bits[:])
	}
}

// hold takes what one reader of the file took of it, who leaves it then.
func (k *capture) hold(held []kept.Encoded, seen *seenEntities) {
	var last []func()
	k.mu.Lock()
	k.held = append(k.held, held...)
	if len(held) > 0 {
		if k.seen == nil {
			k.seen = &seenEntities{}
		}
		k.seen.add(seen)
	}
	if k.readers--; k.readers == 0 && k.read >= k.c.survey.Files[k.file].Rows {
		last = k.lastEntities()
	}
	k.mu.Unlock()
	k.writeBeside(last)
}

// keepHeld writes what was held as it is, or once for each entity where many came twice.
func (k *capture) keepHeld() {
	d, rows := k.c.request.Kept, int64(0)
	for _, e := range k.held {
		rows += int64(e.Len())
	}
	var ranges []kept.Range
	switch {
	case rows == 0:
	case 2*rows <= mostRepeated*k.seen.distinct():
		for _, e := range k.held {
			ranges = append(ranges, d.AppendEncoded(entitiesTable, e))
		}
	default:
		k.c.repetitive.Store(true)
		ranges = []kept.Range{k.keepOnce(int(rows))}
	}
	k.placing.Lock()
	defer k.placing.Unlock()
	k.entityRanges = append(k.entityRanges, ranges...)
	k.held, k.seen = nil, nil
}

// keepOnce writes each entity of what was held once.
func (k *capture) keepOnce(rows int) kept.Range {
	d, b := k.c.request.Kept, k.c.spares.takeEntities(rows, false)
	defer k.c.spares.giveEntities(b)
	for _, e := range k.held {
		b.low, b.newest = d.Decode(e, 0, b.low), d.Decode(e, 1, b.newest)
		d.Discard(e)
	}
	s := k.c.spares.sorter()
	defer k.c.spares.sorters.Put(s)
	found := s.newestOf(b)
	return d.Append(entitiesTable, kept.Rows{found.low, found.newest})
}

// seenEntities estimate how many entities there are among rows: those of each leave a mark in the same one of many places, and how many places have
// none says how many there were.
type seenEntities struct{ bits [seenPlaces / 64]uint64 }

// seenPlaces tell up to a million entities apart to a hundredth, and lie in a core's cache.
const (
	seenBits   = 17
	seenPlaces = 1 << seenBits
)

// take writes those rows one after the other whose instants say something, marks their entities, and gives their number.
func (s *seenEntities) take(ids, instants, low, newest []int64) int {
	n := 0
	instants, low, newest = instants[:len(ids)], low[:len(ids)], newest[:len(ids)]
	for i, id := range ids {
		low[n], newest[n] = id, instants[i]
		says := 1
		if instants[i] == times.None {
			says = 0
		}
		place := uint64(id) * placeFactor >> (64 - seenBits)
		s.bits[place>>6] |= uint64(says) << (place & 63)
		n += says
	}
	return n
}

func (s *seenEntities) add(o *seenEntities) {
	for i, marks := range o.bits {
		s.bits[i] |= marks
	}
}

func (s *seenEntities) distinct() int64 {
	free := seenPlaces
	for _, marks := range s.bits {
		free -= bits.OnesCount64(marks)
	}
	return int64(seenPlaces * math.Log(seenPlaces/float64(max(free, 1))))
}
