package kept

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// night keeps the facts of a data file that is there, 100 keys of it, and a list that covers it.
func night(t *testing.T, d *Dir, data string, value int64) {
	t.Helper()
	info, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	f := &File{View: "v", Policy: "p", State: fmt.Sprint(value), Path: data, Size: info.Size(), ModTime: times.At(info.ModTime()), Rows: 100, Sources: []string{"a b", `c"d`}}
	number := d.Number()
	a, b := make([]int64, 100), make([]int64, 100)
	for i := range a {
		a[i], b[i] = value, int64(i)
	}
	of := d.Append(Table{Name: "tallies", Columns: Integers("file", "rows")}, Rows{[]int64{number}, []int64{value}})
	f.At = map[string][]Range{"numbers": {d.Append(numbersTable, Rows{a[:40], b[:40]}), d.Append(numbersTable, Rows{a[40:], b[40:]})}, "tallies": {of}}
	d.Add(number, f)
	d.SetList("list", List{Covered: []File{*f}, Files: []int64{0, 0}, Hashes: []int64{value, value}, Rows: []int64{1, 2}, Answers: fmt.Sprint("of all ", value)})
}

func TestPruningKeepsWhatIsNeededAndNoMore(t *testing.T) {
	folder, dir := t.TempDir(), filepath.Join(t.TempDir(), "facts")
	if err := Prepare(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	data := func(n int) string { return filepath.Join(folder, fmt.Sprintf("%d.parquet", n)) }
	keep := func(n int, value int64) {
		if err := os.WriteFile(data(n), fmt.Appendf(nil, "data %d", value), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		night(t, d, data(n), value)
		if err := d.Commit(Note{By: "test", AsOf: times.Instant(value)}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 12 {
		keep(n, int64(n))
	}
	keep(3, 103)
	if err := os.Remove(data(5)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(data(6), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	beside, err := Open(t.Context(), dir) // a run that began before
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(data(7), []byte("data 107, and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := Local(dir).Prune(t.Context(), time.Now().Add(-time.Hour), time.Now(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if done.Kept != 9 || done.Replaced != 1 || done.Gone != 3 || done.Unused != 0 || done.Removed != 13 || done.After >= done.Before {
		t.Errorf("%+v, want 9 kept, 1 replaced, 3 gone, and 13 packs removed", done)
	}
	night(t, beside, data(7), 107)
	if err := beside.Commit(Note{By: "test", AsOf: 200}); err != nil {
		t.Fatal(err)
	}
	stock, err := Local(dir).Take(t.Context())
	if err != nil || len(stock) != 2 || stock[0].Note.AsOf != 103 || stock[1].Note.AsOf != 200 {
		t.Fatalf("%d packs, %v: want the merged one and that of the run beside", len(stock), err)
	}
	d, err := Open(t.Context(), dir)
	if err != nil || len(d.NotUsed()) != 0 {
		t.Fatal(err, d.NotUsed())
	}
	for n, want := range map[int]int64{0: 0, 1: 1, 2: 2, 3: 103, 4: 4, 7: 107, 8: 8, 9: 9, 10: 10, 11: 11} {
		f := d.Find("p", data(n))
		if f == nil {
			t.Errorf("file %d is not known any more", n)
			continue
		}
		a, errA := f.Integers("numbers", "a")
		b, errB := f.Integers("numbers", "b")
		tally, errT := f.Integers("tallies", "rows")
		if errA != nil || errB != nil || errT != nil || len(a) != 100 || a[0] != want || a[99] != want || b[0] != 0 || b[99] != 99 || tally[0] != want {
			t.Errorf("file %d: %v %v %v, %v %v, tally %v, want %d", n, errA, errB, errT, a, b, tally, want)
		}
		if !reflect.DeepEqual(f.Sources, []string{"a b", `c"d`}) {
			t.Errorf("file %d: sources %q", n, f.Sources)
		}
	}
	for _, n := range []int{5, 6} {
		if d.Find("p", data(n)) != nil {
			t.Errorf("file %d is known still", n)
		}
	}
	list, err := d.List("list")
	if err != nil || list == nil || list.Covered[0].Path != data(7) || !reflect.DeepEqual(list.Hashes, []int64{107, 107}) || list.Answers != "of all 107" {
		t.Errorf("the list is %+v, %v", list, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, unfinishedFolder)); err != nil || len(left) != 0 {
		t.Errorf("%d unfinished packs are left, %v", len(left), err)
	}
}

func TestAFolderThatIsOnlyReadStaysAsItIs(t *testing.T) {
	dir, data := filepath.Join(t.TempDir(), "facts"), filepath.Join(t.TempDir(), "a.parquet")
	if err := Prepare(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(data, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Local(dir).OpenReading(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	night(t, d, data, 1)
	d.Looks().Remember("v", 5, []Seen{{Path: "a"}}, nil)
	if err := d.Looks().Commit("test", 5); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if stock, err := Local(dir).Take(t.Context()); err != nil || len(stock) != 0 {
		t.Errorf("%d packs, %v; want none", len(stock), err)
	}
}

// TestAListDoesNotCoverWhatIsNewer has a run keep a file anew under the identity that it had, and no list: the older list says nothing of it any more,
// and is not taken along where the packs are merged.
func TestAListDoesNotCoverWhatIsNewer(t *testing.T) {
	dir, data := filepath.Join(t.TempDir(), "facts"), filepath.Join(t.TempDir(), "a.parquet")
	if err := Prepare(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(data, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	covers := func(want bool) {
		t.Helper()
		d, err := Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		list, err := d.List("list")
		if err != nil {
			t.Fatal(err)
		}
		if got := list != nil && list.Covers(0, d.Find("p", data)); got != want {
			t.Errorf("the list covers the file: %v, want %v", got, want)
		}
	}
	keep := func(list bool) {
		t.Helper()
		d, err := Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if list {
			night(t, d, data, 1)
		} else {
			again := *d.Find("p", data)
			again.At = map[string][]Range{}
			d.Add(d.Number(), &again)
		}
		if err := d.Commit(Note{By: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	keep(true)
	covers(true)
	keep(false)
	covers(false)
	if _, err := Local(dir).Prune(t.Context(), time.Now().Add(-time.Hour), time.Now(), "test"); err != nil {
		t.Fatal(err)
	}
	covers(false)
	keep(true)
	covers(true)
}
