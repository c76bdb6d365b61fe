package kept

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// nights is a folder of facts and one of data files.
type nights struct {
	t         *testing.T
	data, dir string
}

func newNights(t *testing.T) nights {
	t.Helper()
	n := nights{t, t.TempDir(), filepath.Join(t.TempDir(), "facts")}
	if err := Prepare(n.dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n nights) file(i int) string { return filepath.Join(n.data, fmt.Sprintf("%d.parquet", i)) }

// live keeps the facts of one file and ends as a run does.
func (n nights) live(i int, value int64, tidy bool) {
	n.t.Helper()
	if err := os.WriteFile(n.file(i), fmt.Appendf(nil, "data %d", value), 0o600); err != nil {
		n.t.Fatal(err)
	}
	d, err := Open(n.t.Context(), n.dir)
	if err != nil {
		n.t.Fatal(err)
	}
	night(n.t, d, n.file(i), value)
	if err := d.Commit(Note{By: "test", AsOf: times.Instant(value), HashKeyID: fmt.Sprint("key", value%2)}); err != nil {
		n.t.Fatal(err)
	}
	if !tidy {
		return
	}
	if err := d.Tidy(n.t.Context(), "test"); err != nil {
		n.t.Fatal(err)
	}
}

func (n nights) packs() []string {
	n.t.Helper()
	names, err := Local(n.dir).place.packs(packsFolder)
	if err != nil {
		n.t.Fatal(err)
	}
	return names
}

// holds compares what is known of files with what was kept last.
func (n nights) holds(want map[int]int64) {
	n.t.Helper()
	d, err := Open(n.t.Context(), n.dir)
	if err != nil {
		n.t.Fatal(err)
	}
	for i, value := range want {
		f := d.Find("p", n.file(i))
		if f == nil {
			n.t.Errorf("file %d is not known any more", i)
			continue
		}
		a, errA := f.Integers("numbers", "a")
		b, errB := f.Integers("numbers", "b")
		tally, errT := f.Integers("tallies", "rows")
		if errA != nil || errB != nil || errT != nil || len(a) != 100 || a[0] != value || a[99] != value || b[0] != 0 || b[99] != 99 || tally[0] != value {
			n.t.Errorf("file %d: %v %v %v, %v %v, tally %v, want %d", i, errA, errB, errT, a, b, tally, value)
		}
	}
}

func TestPacksStayFewWhateverTheNumberOfNights(t *testing.T) {
	n := newNights(t)
	want := map[int]int64{}
	for i := range 150 {
		file := i
		if i%10 == 9 {
			file = i / 2 // an older one is written again
		}
		n.live(file, int64(1000+i), true)
		want[file] = int64(1000 + i)
		if packs := len(n.packs()); packs > fewPacks {
			t.Fatalf("%d packs after night %d, want at most %d", packs, i, fewPacks)
		}
	}
	n.holds(want)
	d, err := Open(t.Context(), n.dir)
	if err != nil || len(d.NotUsed()) > 0 {
		t.Fatal(err, d.NotUsed())
	}
	if list, err := d.List("list"); err != nil || list == nil || list.Hashes[0] != 1149 || list.Answers != "of all 1149" {
		t.Errorf("the list is %+v, %v, want that of the last night", list, err)
	}
	stock, err := Local(n.dir).Take(t.Context())
	if err != nil || stock[0].Note.HashKeyID != "key0,key1" {
		t.Errorf("the oldest pack names the keys %q, %v, want both", stock[0].Note.HashKeyID, err)
	}
	if left, err := os.ReadDir(filepath.Join(n.dir, unfinishedFolder)); err != nil || len(left) > 0 {
		t.Errorf("%d unfinished packs are left, %v", len(left), err)
	}
}

// TestAMergeThatWasKilledLosesNothing puts back what a run merges and has not removed yet, and takes away the merged one in turn.
func TestAMergeThatWasKilledLosesNothing(t *testing.T) {
	n := newNights(t)
	want := map[int]int64{}
	for i := range fewPacks + 1 {
		n.live(i, int64(i), false)
		want[i] = int64(i)
	}
	before := filepath.Join(t.TempDir(), "before")
	if err := os.CopyFS(before, os.DirFS(filepath.Join(n.dir, packsFolder))); err != nil {
		t.Fatal(err)
	}
	tidy := func() {
		t.Helper()
		d, err := Open(t.Context(), n.dir)
		if err == nil {
			err = d.Tidy(t.Context(), "test")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tidy()
	if packs := len(n.packs()); packs != fewPacks+1-mergedAtOnce+1 {
		t.Fatalf("%d packs, want %d of which one is merged from %d", packs, fewPacks+2-mergedAtOnce, mergedAtOnce)
	}
	names, err := os.ReadDir(before)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names { // killed before it removed them
		to := filepath.Join(n.dir, packsFolder, name.Name())
		if _, err := os.Stat(to); err == nil {
			continue
		}
		if err := os.CopyFS(to, os.DirFS(filepath.Join(before, name.Name()))); err != nil {
			t.Fatal(err)
		}
	}
	n.holds(want)
	tidy()
	n.holds(want)
	if packs := len(n.packs()); packs > fewPacks {
		t.Errorf("%d packs, want at most %d", packs, fewPacks)
	}
}

// TestWhatIsOlderThanADamagedPackIsNotMadeNewer damages one of many packs, over which none may be merged.
func TestWhatIsOlderThanADamagedPackIsNotMadeNewer(t *testing.T) {
	n := newNights(t)
	for i := range fewPacks + 8 {
		n.live(i, int64(i), false)
	}
	damaged := 5
	table := filepath.Join(n.dir, packsFolder, n.packs()[damaged], "numbers.parquet")
	if err := os.Truncate(table, 10); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), n.dir)
	if err == nil {
		err = d.Tidy(t.Context(), "test")
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err = Open(t.Context(), n.dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]int64{}
	for i := range fewPacks + 8 {
		if i > damaged {
			want[i] = int64(i)
		} else if d.Find("p", n.file(i)) != nil {
			t.Errorf("file %d is known, from a pack that is older than a damaged one", i)
		}
	}
	n.holds(want)
	if packs := len(n.packs()); packs > fewPacks {
		t.Errorf("%d packs, want at most %d", packs, fewPacks)
	}
}

// TestRunsSideBySideMerge ends many runs at once: each keeps its file.
func TestRunsSideBySideMerge(t *testing.T) {
	n := newNights(t)
	want := map[int]int64{}
	for i := range fewPacks {
		n.live(i, int64(i), false)
		want[i] = int64(i)
	}
	var running sync.WaitGroup
	for run := range 4 {
		for i := range 6 {
			want[100*(run+1)+i] = int64(100*(run+1) + i)
		}
		running.Go(func() {
			for i := range 6 {
				n.live(100*(run+1)+i, int64(100*(run+1)+i), true)
			}
		})
	}
	running.Wait()
	n.holds(want)
	d, err := Open(n.t.Context(), n.dir)
	if err != nil || len(d.NotUsed()) > 0 {
		t.Errorf("%v; not used: %q", err, d.NotUsed())
	}
	marks, err := Local(n.dir).place.marks()
	if packs := n.packs(); err != nil || !slices.Equal(marks, packs) {
		t.Errorf("%v; marked are %q, and there are %q", err, marks, packs)
	}
}
