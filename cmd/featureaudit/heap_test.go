package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestHeapGetsWhatOthersLeave computes limits by hand: the share stands where what is in use fits into it, a quarter above what is in use is
// given where it does not, and never what others have.
func TestHeapGetsWhatOthersLeave(t *testing.T) {
	for _, c := range []struct {
		name                  string
		use                   heapUse
		limit, base, resident int64
		want                  int64
	}{
		{"what is in use fits", heapUse{mapped: 60, heap: 50, live: 40}, 256, 90, 150, 90},
		{"it needs more, and there is some", heapUse{mapped: 110, heap: 100, live: 100}, 256, 90, 190, 135},
		{"others have taken it", heapUse{mapped: 110, heap: 100, live: 100}, 256, 90, 110 + 130, 126},
		{"others have all of it", heapUse{mapped: 110, heap: 100, live: 100}, 256, 90, 110 + 250, 90},
		{"the system does not say what is resident", heapUse{mapped: 110, heap: 100, live: 100}, 256, 90, 0, 135},
		{"nothing is used", heapUse{}, 256, 90, 0, 90},
	} {
		if got := c.use.limitWithin(c.limit, c.base, c.resident); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestHeapIsEased holds more than the share in use: the limit rises above it, and rests with whoever sets another.
func TestHeapIsEased(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	inUse := make([][]byte, 64)
	for i := range inUse {
		inUse[i] = make([]byte, 1<<20)
	}
	const base = 32 << 20
	holdHeap(ctx, 1<<40, base)
	runtime.GC()
	deadline := time.Now().Add(20 * time.Second)
	for debug.SetMemoryLimit(-1) < 64<<20 {
		if time.Now().After(deadline) {
			t.Fatalf("the limit is %d bytes with 64 MiB in use and no other who takes any", debug.SetMemoryLimit(-1))
		}
		time.Sleep(heapEvery)
	}
	runtime.KeepAlive(inUse)
	const another = 1 << 35
	debug.SetMemoryLimit(another)
	time.Sleep(3 * heapEvery)
	if got := debug.SetMemoryLimit(-1); got != another {
		t.Errorf("the limit is %d bytes, and somebody else set %d", got, int64(another))
	}
}
