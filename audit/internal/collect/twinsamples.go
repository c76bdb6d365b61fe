package collect

import (
	"cmp"
	"container/heap"
	"context"
	"maps"
	"slices"

	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Pairs of copies that are told by hash alone are many where a whole source is shifted. Their payload is compared on
// maxTwinSamples of each pair of writers, and fewer where writers are so many that all of their pairs together would be
// more than allTwinSamples: 16 MB for each goroutine.
const (
	maxTwinSamples = 10_000
	allTwinSamples = 1 << 19
)

// samplesFor is how many pairs of copies are compared for each pair of writers.
func samplesFor(sources int) int {
	return min(maxTwinSamples, allTwinSamples/max(1, sources*(sources+1)/2))
}

// writers are two sources, in order.
type writers struct{ a, b string }

// twinSample is a pair of copies by the ordinals of their rows.
type twinSample struct {
	hash  uint64
	a, b  int64
	apart times.Offset
}

func compareSamples(x, y twinSample) int {
	return cmp.Or(cmp.Compare(x.hash, y.hash), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
}

// twinSamples keeps the pairs of copies with the smallest hashes, for each pair of writers: a choice that depends neither
// on the order in which they come nor on who meets them.
type twinSamples struct {
	most  int
	pairs map[writers]*sampleHeap
}

func newTwinSamples(most int) twinSamples {
	return twinSamples{most: most, pairs: map[writers]*sampleHeap{}}
}

func (t twinSamples) keep(of writers, s twinSample) {
	h := t.pairs[of]
	if h == nil {
		h = &sampleHeap{}
		t.pairs[of] = h
	}
	switch {
	case h.Len() < t.most:
		heap.Push(h, s)
	case compareSamples(s, (*h)[0]) < 0:
		(*h)[0] = s
		heap.Fix(h, 0)
	}
}

// sampleHeap has the largest sample on top.
type sampleHeap []twinSample

func (h sampleHeap) Len() int           { return len(h) }
func (h sampleHeap) Less(i, j int) bool { return compareSamples(h[i], h[j]) > 0 }
func (h sampleHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *sampleHeap) Push(s any)        { *h = append(*h, s.(twinSample)) }
func (h *sampleHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// sampled merges what the goroutines kept, and empties it.
func (t *twins) sampled() []twinSample {
	merged := newTwinSamples(t.samples)
	for _, part := range t.parts {
		for of, h := range part.samples.pairs {
			for _, s := range *h {
				merged.keep(of, s)
			}
		}
		clear(part.samples.pairs)
	}
	var all []twinSample
	for h := range maps.Values(merged.pairs) {
		all = append(all, *h...)
	}
	slices.SortFunc(all, compareSamples)
	return all
}

// compareTwins reads the rows of the sampled pairs, in rounds that fit the memory.
func (v *verifier) compareTwins(ctx context.Context) error {
	for round := range slices.Chunk(v.twins.sampled(), max(1, v.limit/2)) {
		entries := make([]keys.Entry, 0, 2*len(round))
		for _, s := range round {
			entries = append(entries, keys.Entry{Hash: s.hash, Ordinal: s.a}, keys.Entry{Hash: s.hash, Ordinal: s.b})
		}
		byOrdinal := func(x, y keys.Entry) int { return cmp.Compare(x.Ordinal, y.Ordinal) }
		slices.SortFunc(entries, byOrdinal)
		entries = slices.CompactFunc(entries, func(x, y keys.Entry) bool { return x.Ordinal == y.Ordinal })
		rows, err := v.fetch(ctx, entries, 0)
		if err != nil {
			return err
		}
		row := func(ordinal int64) keys.Row {
			i, _ := slices.BinarySearchFunc(entries, keys.Entry{Ordinal: ordinal}, byOrdinal)
			return rows[i]
		}
		for _, s := range round {
			v.twins.parts[0].compare(s, row(s.a), row(s.b))
		}
	}
	return nil
}
