package keys

import (
	"context"
	"math"
)

// Crowd is one hash of more entries than are held at once: they are read as they lie, again and again.
type Crowd struct {
	Hash uint64
	// Each calls each with every entry of the hash, in any order.
	Each func(each func(Entry)) error
}

// crowdBuckets is into how many ranges of hashes a part is counted at a time, by crowdBits bits.
const (
	crowdBits    = 8
	crowdBuckets = 1 << crowdBits
)

// crowded probes a part of more entries than are held at once: in ranges of its hashes that fit, each read by itself. A hash that
// alone does not fit is handed over as a crowd.
func (p *prober) crowded(ctx context.Context, r *Runs, index int, receiver Receiver) (Probed, error) {
	defer r.release(index)
	part := crowdedPart{p: p, r: r, index: index, receiver: receiver}
	err := part.divide(ctx, 0, math.MaxUint64, 64)
	p.read = nil
	return part.probed, err
}

// crowdedPart is such a part on its way to the receiver.
type crowdedPart struct {
	p        *prober
	r        *Runs
	index    int
	receiver Receiver
	probed   Probed
}

// bucket counts the entries of a range of hashes, and knows the least and the greatest that come.
type bucket struct {
	entries       int64
	first, last   uint64
	lower, higher uint64
}

// divide probes the hashes from first to last, which are alike in all bits but so many.
func (c *crowdedPart) divide(ctx context.Context, first, last uint64, bits int) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	shift := max(bits-crowdBits, 0)
	buckets := make([]bucket, crowdBuckets)
	for i := range buckets {
		buckets[i].first = first | uint64(i)<<shift
		buckets[i].last = buckets[i].first | (1<<shift - 1)
		buckets[i].lower = math.MaxUint64
	}
	err := c.r.each(c.index, func(words []uint64) {
		for i := 0; i < len(words); i += c.r.stride {
			if id := c.r.identity(words[i]); id >= first && id <= last {
				b := &buckets[id>>shift&(crowdBuckets-1)]
				b.entries++
				b.lower, b.higher = min(b.lower, id), max(b.higher, id)
			}
		}
	})
	if err != nil {
		return err
	}
	for at := 0; at < len(buckets); {
		b := buckets[at]
		if b.entries > c.r.portion {
			if err := c.tooMany(ctx, b, shift); err != nil {
				return err
			}
			at++
			continue
		}
		from, entries := b.first, b.entries
		for at++; at < len(buckets) && entries+buckets[at].entries <= c.r.portion; at++ {
			b = buckets[at]
			entries += b.entries
		}
		if err := c.span(from, b.last, entries); err != nil {
			return err
		}
	}
	return nil
}

// tooMany takes a bucket that does not fit: it is divided, unless all of it is one hash.
func (c *crowdedPart) tooMany(ctx context.Context, b bucket, bits int) error {
	if b.lower == b.higher {
		return c.crowd(b.lower)
	}
	return c.divide(ctx, b.first, b.last, bits)
}

// span probes a range that fits.
func (c *crowdedPart) span(first, last uint64, entries int64) error {
	if entries < 1 {
		return nil
	}
	words := make([]uint64, 0, entries*int64(c.r.stride))
	err := c.r.each(c.index, func(chunk []uint64) {
		for i := 0; i < len(chunk); i += c.r.stride {
			if id := c.r.identity(chunk[i]); id >= first && id <= last {
				words = append(words, chunk[i:i+c.r.stride]...)
			}
		}
	})
	if err != nil {
		return err
	}
	c.p.chunks = [][]uint64{words}
	candidates, probed := c.p.probe(c.r, c.index)
	c.probed.add(probed)
	if len(candidates) == 0 {
		return nil
	}
	return c.receiver.Candidates(candidates)
}

// crowd hands one hash over, unless a grouping pairs its rows.
func (c *crowdedPart) crowd(id uint64) error {
	crowd := Crowd{Each: func(each func(Entry)) error {
		return c.r.each(c.index, func(words []uint64) {
			for i := 0; i < len(words); i += c.r.stride {
				if c.r.identity(words[i]) == id {
					each(c.r.entry(c.index, words[i:i+c.r.stride]))
				}
			}
		})
	}}
	groups, rows, counted, repeats := map[uint64]struct{}{}, int64(0), c.p.counted == nil, c.p.grouping == nil
	err := crowd.Each(func(e Entry) {
		rows++
		crowd.Hash = e.Hash
		if !counted {
			counted = c.p.counted(e)
		}
		if repeats {
			return
		}
		group := c.p.grouping(e)
		_, repeats = groups[group]
		groups[group] = struct{}{}
	})
	if err != nil {
		return err
	}
	c.probed.Distinct++
	switch {
	case repeats:
		return c.receiver.Crowd(crowd)
	case counted:
		c.probed.Paired++
		c.probed.PairedRows += rows
	}
	return nil
}

// identity is what tells the hashes of a part's entries apart, by an entry's first word: in the order of the hashes.
func (r *Runs) identity(word uint64) uint64 {
	if r.stride == 1 {
		return word &^ r.ordinals
	}
	return word << r.bits
}

// each reads a part's words as they lie, without taking them.
func (r *Runs) each(index int, each func(words []uint64)) error {
	part := &r.parts[index]
	for _, page := range part.pages {
		each(page)
	}
	var read []uint64
	for _, e := range part.extents {
		var err error
		if read, err = r.budget.read(e, read[:0]); err != nil {
			return err
		}
		each(read)
	}
	return nil
}

// release gives a part up.
func (r *Runs) release(index int) {
	part := &r.parts[index]
	for _, page := range part.pages {
		r.budget.held.Add(-int64(cap(page)) * 8)
	}
	part.pages, part.extents = nil, nil
}
