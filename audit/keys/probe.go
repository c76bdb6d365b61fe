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

// Grouping says which rows a key may repeat across: rows of different groups are paired, not repeated. Nil means that
// a key may appear once in all.
type Grouping func(Entry) uint64

// Pairs is told of the rows of one hash that a grouping pairs, ordered by ordinal. It may not keep them.
type Pairs func([]Entry)

// Probe finds the entries whose hash repeats, part by part, by workers goroutines. Each part's candidates, ordered by
// hash and ordinal, go to emit, from one goroutine at a time and in the order of the parts. Memory grows with the workers and
// the size of a part only. pairs makes the receiver of paired rows for one goroutine, before any of them runs; nil for none.
func (r *Runs) Probe(ctx context.Context, workers int, grouping Grouping, pairs func() Pairs, emit func([]Entry) error) (Probed, error) {
	type answer struct {
		candidates []Entry
		probed     Probed
		err        error
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers = max(1, min(workers, len(r.parts)))
	answers := make([]chan answer, len(r.parts))
	for i := range answers {
		answers[i] = make(chan answer, 1)
	}
	// ahead bounds how many parts' candidates wait for an earlier part
	ahead := make(chan struct{}, workers*4)
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
	for range workers {
		p := prober{grouping: grouping}
		if pairs != nil {
			p.pairs = pairs()
		}
		running.Go(func() {
			for i := range next {
				candidates, probed, err := p.part(r, i)
				answers[i] <- answer{candidates, probed, err}
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
			if a.err != nil {
				return total, a.err
			}
			total.Distinct += a.probed.Distinct
			total.Single += a.probed.Single
			total.Paired += a.probed.Paired
			total.PairedRows += a.probed.PairedRows
			if len(a.candidates) == 0 {
				continue
			}
			if err := emit(a.candidates); err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

// prober holds the scratch memory of one goroutine.
type prober struct {
	grouping Grouping
	pairs    Pairs
	words    []uint64
	table    []uint32
	repeated []uint64
}

func (p *prober) part(r *Runs, index int) ([]Entry, Probed, error) {
	words, err := r.load(index, p.words)
	if err != nil {
		return nil, Probed{}, err
	}
	p.words = words
	n := len(words) / r.stride
	// the bits that tell entries of a part apart
	identity := uint64(math.MaxUint64)
	if r.stride == 1 {
		identity = ^r.ordinals
	}
	if n == 0 {
		return nil, Probed{}, nil
	}
	size := 1
	for size < 2*n {
		size *= 2
	}
	if cap(p.table) < size {
		p.table = make([]uint32, size)
	}
	table := p.table[:size]
	clear(table)
	p.repeated = append(p.repeated[:0], make([]uint64, (n+63)/64)...)
	repeats, distinct := 0, int64(0)
	mask := uint64(size - 1)
	for i := range n {
		hash := words[i*r.stride] & identity
		for slot := spreadHash(hash) & mask; ; slot = (slot + 1) & mask {
			held := table[slot]
			if held == 0 {
				table[slot] = uint32(i + 1)
				distinct++
				break
			}
			if first := int(held - 1); words[first*r.stride]&identity == hash {
				repeats += p.mark(first) + p.mark(i)
				break
			}
		}
	}
	probed := Probed{Distinct: distinct}
	if repeats == 0 {
		probed.Single = distinct
		return nil, probed, nil
	}
	candidates := make([]Entry, 0, repeats)
	for i := range n {
		if p.repeated[i>>6]>>(i&63)&1 == 1 {
			candidates = append(candidates, r.entry(index, words[i*r.stride:(i+1)*r.stride]))
		}
	}
	slices.SortFunc(candidates, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Hash, b.Hash), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	probed.Single = distinct
	return p.settle(candidates, &probed), probed, nil
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

// settle takes out the hashes that a grouping pairs, and counts all.
func (p *prober) settle(candidates []Entry, probed *Probed) []Entry {
	kept := candidates[:0]
	groups := map[uint64]int{}
	for start := 0; start < len(candidates); {
		end := start + 1
		for end < len(candidates) && candidates[end].Hash == candidates[start].Hash {
			end++
		}
		probed.Single--
		rows := candidates[start:end]
		start = end
		if p.grouping == nil {
			kept = append(kept, rows...)
			continue
		}
		clear(groups)
		most := 0
		for _, row := range rows {
			g := p.grouping(row)
			groups[g]++
			most = max(most, groups[g])
		}
		if most > 1 {
			kept = append(kept, rows...)
			continue
		}
		probed.Paired++
		probed.PairedRows += int64(len(rows))
		if p.pairs != nil {
			p.pairs(rows)
		}
	}
	return kept
}
