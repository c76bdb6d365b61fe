package keys

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
)

// Probed sums what the hashes alone say of all parts.
type Probed struct {
	// Distinct hashes, and how many of them occur once.
	Distinct int64
	Single   int64
	// Paired hashes appear in several groups of once_per and at most once in each; PairedRows are their rows.
	Paired     int64
	PairedRows int64
}

func (p *Probed) add(q Probed) {
	p.Distinct += q.Distinct
	p.Single += q.Single
	p.Paired += q.Paired
	p.PairedRows += q.PairedRows
}

// Grouping says which rows a key may repeat across: rows of different groups are paired, not repeated. Nil means that
// a key may appear once in all.
type Grouping func(Entry) uint64

// Pairs is told of the rows of one hash that a grouping pairs, ordered by ordinal, where they do not all have one event
// time. It may not keep them.
type Pairs func([]Entry)

// Receiver takes what a probe finds, from one goroutine at a time and in the order of the hashes.
type Receiver struct {
	// Candidates are entries whose hash repeats, ordered by hash and ordinal; those of one hash always come together.
	Candidates func([]Entry) error
	// Crowd is told of a hash of more entries than are held at once.
	Crowd func(Crowd) error
}

// Probe finds the entries whose hash repeats, part by part, by workers goroutines, and hands them to the receiver. Memory
// grows with the workers and the portion only. pairs makes the receiver of paired rows for one goroutine, before any of them runs; nil for none.
// counted, which may be nil, narrows Single, Paired and PairedRows to hashes with an entry that it holds for.
func (r *Runs) Probe(ctx context.Context, workers int, grouping Grouping, counted func(Entry) bool, pairs func() Pairs, receiver Receiver) (Probed, error) {
	type answer struct {
		candidates []Entry
		probed     Probed
		err        error
		// crowded says that the part has more entries than are held at once.
		crowded bool
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers = max(1, min(workers, len(r.parts)))
	answers := make([]chan answer, len(r.parts))
	for i := range answers {
		answers[i] = make(chan answer, 1)
	}
	// ahead bounds how many parts' candidates wait for an earlier part
	ahead := make(chan struct{}, workers*2)
	next := make(chan int)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel(context.Canceled)
	running.Go(func() {
		defer close(next)
		for i := range r.parts {
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				return
			}
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	})
	newProber := func() *prober {
		p := &prober{grouping: grouping, counted: counted}
		if pairs != nil {
			p.pairs = pairs()
		}
		return p
	}
	crowds := newProber()
	for range workers {
		p := newProber()
		running.Go(func() {
			for i := range next {
				if r.parts[i].entries > r.portion {
					answers[i] <- answer{crowded: true}
					continue
				}
				candidates, probed, err := p.part(r, i)
				answers[i] <- answer{candidates: candidates, probed: probed, err: err}
			}
		})
	}
	var total Probed
	for i := range r.parts {
		select {
		case <-ctx.Done():
			return total, context.Cause(ctx)
		case a := <-answers[i]:
			<-ahead
			if a.crowded {
				a.probed, a.err = crowds.crowded(ctx, r, i, receiver)
			}
			if a.err != nil {
				return total, a.err
			}
			total.add(a.probed)
			if len(a.candidates) == 0 {
				continue
			}
			if err := receiver.Candidates(a.candidates); err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

// prober holds the scratch memory of one goroutine.
type prober struct {
	grouping Grouping
	counted  func(Entry) bool
	// chunks are the words of the part at hand, n entries in all; read is what was spilled of them.
	chunks [][]uint64
	read   []uint64
	n      int
	// seen and again are maps of one bit an entry or so; shared are the entries that share a bit, of which table finds one
	// by its hash, and repeated marks those whose hash repeats.
	seen, again []uint64
	shared      []uint64
	table       []uint32
	repeated    []uint64
	// Of groupings only: records are ordered by way of starts, where each bucket of them begins; run and groups are of the
	// hash at hand.
	pairs   Pairs
	records []record
	starts  []uint32
	run     []Entry
	groups  []uint64
}

// part finds a part's candidates, ordered by hash and ordinal.
func (p *prober) part(r *Runs, index int) ([]Entry, Probed, error) {
	var err error
	if p.chunks, p.read, err = r.take(index, p.read); err != nil {
		return nil, Probed{}, err
	}
	candidates, probed := p.probe(r, index)
	return candidates, probed, nil
}

// probe finds the candidates among the chunks at hand.
func (p *prober) probe(r *Runs, index int) ([]Entry, Probed) {
	p.n = 0
	for _, chunk := range p.chunks {
		p.n += len(chunk) / r.stride
	}
	if p.n == 0 {
		return nil, Probed{}
	}
	if p.grouping != nil {
		return p.grouped(r, index)
	}
	// the bits that tell entries of a part apart
	identity := uint64(math.MaxUint64)
	if r.stride == 1 {
		identity = ^r.ordinals
	}
	repeats, probed := p.repeats(r, identity)
	if p.counted != nil {
		probed.Single = p.countAll(r, index)
	}
	if repeats == 0 {
		return nil, probed
	}
	candidates := make([]Entry, 0, repeats)
	for i := range len(p.shared) / r.stride {
		if p.repeated[i>>6]>>(i&63)&1 == 1 {
			entry := r.entry(index, p.shared[i*r.stride:(i+1)*r.stride])
			candidates = append(candidates, entry)
			if p.counted != nil && p.counted(entry) {
				probed.Single--
			}
		}
	}
	slices.SortFunc(candidates, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Hash, b.Hash), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	return candidates, probed
}

// countAll counts the entries of the part at hand that are counted at all.
func (p *prober) countAll(r *Runs, index int) int64 {
	n := int64(0)
	for _, chunk := range p.chunks {
		for i := 0; i < len(chunk); i += r.stride {
			if p.counted(r.entry(index, chunk[i:i+r.stride])) {
				n++
			}
		}
	}
	return n
}

// repeats marks every shared entry whose hash occurs again. Most entries are told to be alone by a bit each, in a map that
// stays in the cache; only those that share their bit with another go into a table.
func (p *prober) repeats(r *Runs, identity uint64) (int, Probed) {
	p.share(r.stride, identity)
	shared := len(p.shared) / r.stride
	p.repeated = append(p.repeated[:0], make([]uint64, (shared+63)/64)...)
	table := emptied(&p.table, shared)
	mask := uint64(len(table) - 1)
	repeats, repeating := 0, int64(0)
	distinct := int64(p.n - shared)
	for i := range shared {
		hash := p.shared[i*r.stride] & identity
		for slot := spreadHash(hash) & mask; ; slot = (slot + 1) & mask {
			held := table[slot]
			if held == 0 {
				table[slot] = uint32(i + 1)
				distinct++
				break
			}
			if first := int(held - 1); p.shared[first*r.stride]&identity == hash {
				marked := p.mark(first)
				repeating += int64(marked)
				repeats += marked + p.mark(i)
				break
			}
		}
	}
	return repeats, Probed{Distinct: distinct, Single: distinct - repeating}
}

// bitsPerEntry leaves one entry in eight sharing its bit by chance.
const bitsPerEntry = 16

// share gathers the entries whose bit another entry has too.
func (p *prober) share(stride int, identity uint64) {
	words := 1
	for words*64 < p.n*bitsPerEntry {
		words *= 2
	}
	if cap(p.seen) < words {
		p.seen, p.again = make([]uint64, words), make([]uint64, words)
	}
	seen, again := p.seen[:words], p.again[:words]
	clear(seen)
	clear(again)
	mask := uint64(words*64 - 1)
	hits := false
	for _, chunk := range p.chunks {
		for i := 0; i < len(chunk); i += stride {
			bit := spreadHash(chunk[i]&identity) & mask
			flag := uint64(1) << (bit & 63)
			if seen[bit>>6]&flag != 0 {
				again[bit>>6] |= flag
				hits = true
				continue
			}
			seen[bit>>6] |= flag
		}
	}
	p.shared = p.shared[:0]
	if !hits {
		return
	}
	for _, chunk := range p.chunks {
		for i := 0; i < len(chunk); i += stride {
			bit := spreadHash(chunk[i]&identity) & mask
			if again[bit>>6]>>(bit&63)&1 == 1 {
				p.shared = append(p.shared, chunk[i:i+stride]...)
			}
		}
	}
}

// emptied is a table for n entries, at most half full, with no entry in it.
func emptied(table *[]uint32, n int) []uint32 {
	size := 1
	for size < 2*n {
		size *= 2
	}
	*table = sized(*table, size)
	clear(*table)
	return *table
}

func sized(s []uint32, n int) []uint32 {
	if cap(s) < n {
		return make([]uint32, n)
	}
	return s[:n]
}

// spreadHash brings the bits that differ within a part to where slots are chosen, whatever the width of an entry.
func spreadHash(hash uint64) uint64 { return hash * 0x9e3779b97f4a7c15 >> 32 }

// mark notes that an entry's hash repeats, and answers 1 if that was news.
func (p *prober) mark(i int) int {
	if p.repeated[i>>6]>>(i&63)&1 == 1 {
		return 0
	}
	p.repeated[i>>6] |= 1 << (i & 63)
	return 1
}
