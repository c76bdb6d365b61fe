package delta_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/table"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
)

// BenchmarkListing100k lists a table of 100,000 live files from a checkpoint, whose commits are gone. The aim: 2 s and 300 MB at most. The
// files themselves are not there: a listing opens none.
func BenchmarkListing100k(b *testing.B) {
	dir := b.TempDir()
	pretend(b, dir) // what it holds is garbage from here on
	runtime.GC()
	peak, done := uint64(0), make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		var m runtime.MemStats
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		}
	})
	for b.Loop() {
		l, err := table.Over(local.New(), model.TableAt{}).List(b.Context(), "", dir)
		if err != nil || len(l.Entries) != 100_000 {
			b.Fatalf("%d files: %v", len(l.Entries), err)
		}
	}
	close(done)
	watch.Wait()
	b.ReportMetric(float64(peak)/1e6, "peak-heap-MB")
}

func pretend(b *testing.B, dir string) {
	b.Helper()
	t, err := deltatable.New(dir, deltatable.Options{Schema: plainSchema, Partitions: []string{"dt"}})
	if err != nil {
		b.Fatal(err)
	}
	for _, step := range []func() error{func() error { return t.Pretend(100_000) }, func() error { return t.Checkpoint(deltatable.Classic) }, func() error { return t.Forget(0, 1) }} {
		if err := step(); err != nil {
			b.Fatal(err)
		}
	}
}
