package keys

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// HashSet are the hashes of narrow runs, as they hold them, to find those that others share.
type HashSet struct {
	// mask leaves the bits of a hash that the runs hold.
	mask uint64
	// seen has three bits in one word for each hash, which tell nearly all others: the upper bits of a hash choose them, and those below the word.
	seen []uint64
	// tables find a hash in its part of the runs, with its last bit set.
	tables []partTable
	bits   uint
}

// partTable is an open-addressing table, at most half full, of which down leaves a place.
type partTable struct {
	slots []uint64
	down  uint
}

// leastBeside is from how many hashes on they are gathered by several workers.
const leastBeside = 1 << 16

// unheld is how many bits of a hash entries do not hold.
const unheld = 64 - NarrowBits

// HashSet gathers the hashes of all entries, by so many workers. It takes some 20 to 36 bytes for each.
func (r *Runs) HashSet(workers int) (*HashSet, error) {
	n := uint64(r.Entries())
	s := &HashSet{mask: ^(r.ordinals >> r.bits), seen: make([]uint64, 1<<max(bits.Len64(bitsPerEntry*n)-6, 0)), tables: make([]partTable, len(r.parts)), bits: r.bits}
	if n < leastBeside {
		workers = 1
	}
	var next atomic.Int64
	var running sync.WaitGroup
	errs := make([]error, len(r.parts))
	for range max(1, workers) {
		running.Go(func() {
			for part := int(next.Add(1) - 1); part < len(r.parts); part = int(next.Add(1) - 1) {
				errs[part] = s.addPart(r, part)
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *HashSet) addPart(r *Runs, part int) error {
	entries := uint64(r.parts[part].entries)
	if entries == 0 {
		return nil
	}
	slots := uint(bits.Len64(2*entries - 1))
	table := partTable{make([]uint64, 1<<slots), 64 - slots}
	s.tables[part] = table
	return r.each(part, func(words []uint64) {
		for i := 0; i < len(words); i += r.stride {
			hash := r.entry(part, words[i:i+r.stride]).Hash
			held := hash >> unheld
			atomic.OrUint64(&s.seen[wordOf(held)&uint64(len(s.seen)-1)], marksOf(held))
			table.add(hash, s.bits)
		}
	})
}

// wordOf is where the word of a hash of NarrowBits is. Where rows are very many, the last of its bits are not held.
func wordOf(hash uint64) uint64 { return hash >> 8 }

// marksOf are the bits in its word of a hash of NarrowBits.
func marksOf(hash uint64) uint64 {
	return 1<<(hash>>(NarrowBits-6)&63) | 1<<(hash>>(NarrowBits-12)&63) | 1<<(hash>>(NarrowBits-18)&63)
}

func (t partTable) add(hash uint64, partBits uint) {
	most := uint64(len(t.slots) - 1)
	for at := hash << partBits >> t.down; t.slots[at] != hash|1; at = (at + 1) & most {
		if t.slots[at] == 0 {
			t.slots[at] = hash | 1
			return
		}
	}
}

func (s *HashSet) has(hash uint64) bool {
	t := s.tables[hash>>(64-s.bits)]
	if len(t.slots) == 0 {
		return false
	}
	most := uint64(len(t.slots) - 1)
	for at := hash << s.bits >> t.down; t.slots[at] != 0; at = (at + 1) & most {
		if t.slots[at] == hash|1 {
			return true
		}
	}
	return false
}

// Shared appends the places of hashes that are in the set, counted from one on, to others. Of each hash the upper NarrowBits are given.
func (s *HashSet) Shared(shared []int, hashes []int64, from int) []int {
	seen, mask, last := s.seen, s.mask>>unheld, uint64(len(s.seen)-1)
	for i, h := range hashes {
		hash := uint64(h) & mask
		marks := marksOf(hash)
		if seen[wordOf(hash)&last]&marks != marks {
			continue
		}
		shared = s.look(shared, hash<<unheld, from+i)
	}
	return shared
}

// look appends the place of a hash if it is in the set. It is apart from the loop over all hashes, whose values then stay in registers.
//
//go:noinline
func (s *HashSet) look(shared []int, hash uint64, place int) []int {
	if s.has(hash) {
		return append(shared, place)
	}
	return shared
}
