package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// heapEvery is how often the heap is looked at.
const heapEvery = 100 * time.Millisecond

// holdHeap limits what Go may take: to base, its share of the process's limit, and to more only where the values that are in use need it
// and the rest of the process has not taken it. A limit below what is in use has the collector run without end and free nothing: an audit
// of 5,000 views took ten times as long. It looks again until the context ends, or somebody else sets a limit.
func holdHeap(ctx context.Context, limit, base int64) {
	debug.SetMemoryLimit(base)
	go func() {
		set := base
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(heapEvery):
			}
			if debug.SetMemoryLimit(-1) != set {
				return
			}
			if want := heapUsed().limitWithin(limit, base, residentBytes()); want != set {
				debug.SetMemoryLimit(want)
				set = want
			}
		}
	}()
}

// heapUse is what Go has of the memory, in bytes.
type heapUse struct {
	// mapped is all of it, heap what is for values, live what was in use of that when the collector last ran.
	mapped, heap, live int64
}

func heapUsed() heapUse {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"}, {Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(samples)
	n := make([]int64, len(samples))
	for i, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			n[i] = int64(s.Value.Uint64())
		}
	}
	return heapUse{mapped: n[0] - n[1], heap: n[2] + n[3] + n[4], live: n[5]}
}

// limitWithin is the limit that lets the collector work: a quarter above what is in use, as far as the rest of a process that has so much
// resident leaves it, and base at least.
func (u heapUse) limitWithin(limit, base, resident int64) int64 {
	needed := u.mapped - u.heap + u.live + u.live/4
	others := max(resident-u.mapped, 0)
	return max(base, min(needed, limit-others))
}
