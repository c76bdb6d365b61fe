package keys

import "math/bits"

// HashSet are the hashes of narrow runs, as they hold them, to find those that others share.
type HashSet struct {
	// mask leaves the bits of a hash that the runs hold.
	mask uint64
	// seen has a bit for sixteen times as many hashes, which tells most of the others; table finds a hash, with its last bit set.
	seen, table []uint64
}

// HashSet gathers the hashes of all entries. It takes some 20 to 35 bytes for each.
func (r *Runs) HashSet() (*HashSet, error) {
	n := uint64(r.Entries())
	s := &HashSet{mask: ^(r.ordinals >> r.bits), seen: make([]uint64, 1<<max(bits.Len64(bitsPerEntry*n)-6, 0)), table: make([]uint64, 1<<bits.Len64(2*n))}
	for part := range r.parts {
		err := r.each(part, func(words []uint64) {
			for i := 0; i < len(words); i += r.stride {
				s.add(r.entry(part, words[i:i+r.stride]).Hash)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *HashSet) add(hash uint64) {
	place := spreadHash(hash)
	s.seen[place>>6&uint64(len(s.seen)-1)] |= 1 << (place & 63)
	for at := place & uint64(len(s.table)-1); ; at = (at + 1) & uint64(len(s.table)-1) {
		if s.table[at] == 0 || s.table[at] == hash|1 {
			s.table[at] = hash | 1
			return
		}
	}
}

func (s *HashSet) has(hash, place uint64) bool {
	for at := place & uint64(len(s.table)-1); s.table[at] != 0; at = (at + 1) & uint64(len(s.table)-1) {
		if s.table[at] == hash|1 {
			return true
		}
	}
	return false
}

// Shared lists the places of hashes that are in the set; each was shifted right by so many bits.
func (s *HashSet) Shared(hashes []int64, shift uint) []int {
	var shared []int
	most := uint64(len(s.seen) - 1)
	for i, h := range hashes {
		hash := uint64(h) << shift & s.mask
		place := spreadHash(hash)
		if s.seen[place>>6&most]>>(place&63)&1 != 0 && s.has(hash, place) {
			shared = append(shared, i)
		}
	}
	return shared
}
