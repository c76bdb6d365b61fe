package table_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/table"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

// BenchmarkListing100k lists tables of 100,000 live files: a Delta table from a checkpoint whose commits are gone, and an Iceberg snapshot of ten
// manifests. The aim: 2 s and 300 MB at most. A listing opens no file; that of Iceberg asks the folder for their times.
func BenchmarkListing100k(b *testing.B) {
	for name, pretend := range map[string]func(*testing.B, string){"delta": pretendDelta, "iceberg": pretendIceberg} {
		b.Run(name, func(b *testing.B) { listed(b, pretend) })
	}
}

func listed(b *testing.B, pretend func(*testing.B, string)) {
	b.Helper()
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

// pretendDelta writes the log alone: the files are not there.
func pretendDelta(b *testing.B, dir string) {
	b.Helper()
	t, err := deltatable.New(dir, deltatable.Options{Schema: []map[string]any{deltatable.Field("id", "long"), deltatable.Field("dt", "string")}, Partitions: []string{"dt"}})
	if err != nil {
		b.Fatal(err)
	}
	for _, step := range []func() error{func() error { return t.Pretend(100_000) }, func() error { return t.Checkpoint(deltatable.Classic) }, func() error { return t.Forget(0, 1) }} {
		if err := step(); err != nil {
			b.Fatal(err)
		}
	}
}

// pretendIceberg commits ten times 10,000 files said to hold 1 kB, in 100 partitions of a day; they are empty.
func pretendIceberg(b *testing.B, dir string) {
	b.Helper()
	it, err := icebergtable.New(dir, icebergtable.Options{Fields: []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}, {ID: 2, Name: "at", Type: "timestamptz"}},
		Partitions: []icebergtable.Partition{{Source: 2, ID: 1000, Name: "at_day", Transform: "day"}}})
	if err != nil {
		b.Fatal(err)
	}
	for commit := range 10 {
		var files []icebergtable.File
		for n := range 10_000 {
			day := 20000 + n%100
			path := fmt.Sprintf("data/at_day=%d/%05d-%d-7b2f6a1e-9c1d-4a55-8f0e-%012d.parquet", day, n, commit, n)
			abs := filepath.Join(dir, filepath.FromSlash(path))
			if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(abs, nil, 0o600); err != nil {
				b.Fatal(err)
			}
			files = append(files, icebergtable.File{Path: path, Values: []any{day}, Size: 1000, Count: 1000, There: true})
		}
		if err := it.Commit(icebergtable.Change{Add: files}); err != nil {
			b.Fatal(err)
		}
	}
}
