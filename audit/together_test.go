package audit_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/fixtures"
)

// manyViews are views over the same few files, one of which repeats a key.
func manyViews(t *testing.T, count int) []model.View {
	t.Helper()
	dir := t.TempDir()
	for day := 1; day <= 3; day++ {
		ids, times := fixtures.Column{Name: "id", Type: fixtures.Int64Type}, fixtures.Column{Name: "event_time", Type: fixtures.AwareType}
		for i := range 2000 {
			ids.Values = append(ids.Values, int64(day*2000+i))
			times.Values = append(times.Values, time.Date(2026, 11, day, 0, 0, i*40, 0, time.UTC))
		}
		ids.Values[1] = ids.Values[0]
		writeFile(t, filepath.Join(dir, fmt.Sprintf("dt=2026-11-%02d", day), "a.parquet"), fixtures.Options{}, ids, times)
	}
	views := make([]model.View, count)
	for i := range views {
		views[i] = model.View{Name: fmt.Sprintf("v%04d", i), Path: "**/*.parquet", Root: dir, Key: []string{"id"}, Entity: []string{"id"}, EventTime: model.TimeColumn{Column: "event_time"},
			TTL: model.TTL{Duration: 48 * time.Hour, Explicit: true}, Tolerance: model.DefaultTolerance,
			TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}}
	}
	return views
}

// stale has rows of the views outlive their ttl: where all is sound the engine is not asked.
func stale(views []model.View) []model.View {
	for i := range views {
		views[i].TTL.Duration = time.Hour
	}
	return views
}

// heapMeter is a judge that measures what lives when a view is loaded.
type heapMeter struct {
	audit.Judge
	peaks *peaks
}

type peaks struct {
	mu    sync.Mutex
	heaps []uint64
}

func (m heapMeter) Load(ctx context.Context, tables []engine.Table) error {
	m.peaks.mu.Lock()
	defer m.peaks.mu.Unlock()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	m.peaks.heaps = append(m.peaks.heaps, s.HeapAlloc)
	return m.Judge.Load(ctx, tables)
}

// TestFactsEndWithTheirView audits 300 views of 6,000 rows and repeated keys. What lives while the last of them is judged may be more
// than at the first by their parts of the report, and not by their facts: histograms, samples and repeated rows of each view are
// hundreds of kilobytes.
func TestFactsEndWithTheirView(t *testing.T) {
	const count = 300
	meter := &peaks{}
	adapters := realAdapters()
	open := adapters.OpenJudge
	adapters.OpenJudge = func(ctx context.Context) (audit.Judge, error) {
		j, err := open(ctx)
		return heapMeter{j, meter}, err
	}
	done, err := audit.Run(t.Context(), audit.Options{Views: stale(manyViews(t, count)), AsOf: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC), AsOfGiven: true, Threads: 2,
		TempDir: t.TempDir(), Samples: 5, Adapters: adapters, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	written, err := done.Report.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Report.Views) != count || len(meter.heaps) != count {
		t.Fatalf("%d views in the report, %d loaded, want %d of both", len(done.Report.Views), len(meter.heaps), count)
	}
	early, late := meter.heaps[20], meter.heaps[count-1]
	if grown, most := int64(late)-int64(early), 3*int64(len(written))+4<<20; grown > most {
		t.Errorf("the heap grew from %d to %d bytes between the 20th and the last view; the report has %d bytes, so that at most %d may live longer than their view",
			early, late, len(written), most)
	}
}

// bound is what a judge was confined to.
type bound struct {
	threads int
	memory  int64
}

// boundJudge notes what it is confined to.
type boundJudge struct {
	audit.Judge
	note func(bound)
}

func (j boundJudge) Confine(threads int, memory int64) error {
	j.note(bound{threads, memory})
	return j.Judge.Confine(threads, memory)
}

// TestAnEngineIsBoundForTheViewItJudges: the one that is opened ahead judges the first view, be it small, which takes one thread and its share of
// the memory, or large, which has all of both. No other is opened for one view.
func TestAnEngineIsBoundForTheViewItJudges(t *testing.T) {
	views := stale(manyViews(t, 1))
	large := t.TempDir()
	for day := 1; day <= 3; day++ {
		for i := range 334 { // more than the files of a small view
			path := filepath.Join(large, fmt.Sprintf("dt=2026-11-%02d", day), fmt.Sprintf("%03d.parquet", i))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(filepath.Join(views[0].Root, fmt.Sprintf("dt=2026-11-%02d", day), "a.parquet"), path); err != nil {
				t.Fatal(err)
			}
		}
	}
	bounds, opened := map[string][]bound{}, map[string]int{}
	for name, root := range map[string]string{"small": views[0].Root, "large": large} {
		adapters := realAdapters()
		open := adapters.OpenJudge
		var mu sync.Mutex
		adapters.OpenJudge = func(ctx context.Context) (audit.Judge, error) {
			opened[name]++ // under the lock of who asks for it
			j, err := open(ctx)
			return boundJudge{j, func(b bound) {
				mu.Lock()
				defer mu.Unlock()
				bounds[name] = append(bounds[name], b)
			}}, err
		}
		views[0].Root = root
		if _, err := audit.Run(t.Context(), audit.Options{Views: views, AsOf: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC), AsOfGiven: true, Threads: 2, MemoryLimit: 2 << 30,
			TempDir: t.TempDir(), Adapters: adapters, Log: zerolog.Nop()}); err != nil {
			t.Fatal(err)
		}
	}
	small, whole := bounds["small"], bounds["large"]
	if len(small) != 1 || len(whole) != 1 || small[0].threads != 1 || whole[0].threads != 2 || small[0].memory*2 != whole[0].memory {
		t.Errorf("small: %v, large: %v", small, whole)
	}
	if opened["small"] != 1 || opened["large"] != 1 {
		t.Errorf("engines opened: %v", opened)
	}
}

// TestSideBySideIsAsOneAfterTheOther audits views with one thread, which leaves one place, and with four: the reports are the same.
func TestSideBySideIsAsOneAfterTheOther(t *testing.T) {
	views := manyViews(t, 24)
	views[3].NoFiles = "a push source has no files"
	views[5].Path = "absent/*.parquet"
	if err := os.MkdirAll(filepath.Join(views[0].Root, "broken"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(views[0].Root, "broken", "b.parquet"), []byte("PAR1 and no more"), 0o644); err != nil {
		t.Fatal(err)
	}
	views[7].Path, views[7].TimePartition = "broken/*.parquet", model.TimePartition{}
	run := func(threads int) (report.Report, int) {
		done, err := audit.Run(t.Context(), audit.Options{Views: views, AsOf: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC), AsOfGiven: true, Threads: threads,
			TempDir: t.TempDir(), Samples: 2, RowsLimit: 50, Adapters: realAdapters(), Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		return done.Report, len(done.Duplicates)
	}
	one, rowsOfOne := run(1)
	four, rowsOfFour := run(4)
	if one.ID != four.ID || rowsOfOne != rowsOfFour {
		t.Errorf("report %s and %d repeated rows with one thread, %s and %d with four", one.ID, rowsOfOne, four.ID, rowsOfFour)
	}
	// two rows of one key on each of three days, in each of the 22 views that could be read, as far as the limit goes
	if rowsOfOne != 50 {
		t.Errorf("%d repeated rows, want the limit of 50", rowsOfOne)
	}
}

// TestPanicOfAViewIsRaisedToTheCaller has a store that panics: Run panics with the same, on the caller's goroutine.
func TestPanicOfAViewIsRaisedToTheCaller(t *testing.T) {
	adapters := realAdapters()
	adapters.Store = panicStore{adapters.Store}
	defer func() {
		if p := recover(); fmt.Sprint(p) != "the store is out of its mind" {
			t.Errorf("Run panicked with %v, want what the store panicked with", p)
		}
	}()
	_, _ = audit.Run(t.Context(), audit.Options{Views: manyViews(t, 6), AsOf: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC), AsOfGiven: true, Threads: 2, TempDir: t.TempDir(),
		Adapters: adapters, Log: zerolog.Nop()})
	t.Error("Run returned")
}

type panicStore struct{ store.Store }

func (panicStore) List(context.Context, string, string) (store.Listing, error) {
	panic("the store is out of its mind")
}
