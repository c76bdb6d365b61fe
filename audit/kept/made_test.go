package kept

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAPackThatWasRemovedByHandIsNamed takes packs away that no run removed. Whatever they were among, each is named by a run and by what looks through the folder
// until it is pruned, or until a run has kept all anew; and what is kept afterwards counts.
func TestAPackThatWasRemovedByHandIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		removed []int
		// known are the files that are known then, of one for each pack; told says that the run after the next one names the packs too.
		known []int
		told  bool
	}{
		"the oldest":     {[]int{0}, []int{1, 2}, false},
		"one between":    {[]int{1}, []int{2}, true},
		"the newest":     {[]int{2}, nil, true},
		"the two newest": {[]int{1, 2}, nil, true},
		"all":            {[]int{0, 1, 2}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNights(t)
			for i := range 3 {
				n.live(i, int64(i), true)
			}
			packs := n.packs()
			for _, i := range test.removed {
				if err := os.RemoveAll(filepath.Join(n.dir, packsFolder, packs[i])); err != nil {
					t.Fatal(err)
				}
			}
			var want []string
			for _, i := range test.removed {
				want = append(want, packs[i]+": it is gone, and no run of this release removed it: nothing that is older is used either, for it may have corrected that; its files are read again")
			}
			n.names(want)
			known := map[int]bool{}
			for _, i := range test.known {
				known[i] = true
			}
			d, err := Open(t.Context(), n.dir)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				if got := d.Find("p", n.file(i)) != nil; got != known[i] {
					t.Errorf("file %d is known: %v", i, got)
				}
			}
			n.live(7, 7, true)
			if d, err = Open(t.Context(), n.dir); err != nil || d.Find("p", n.file(7)) == nil {
				t.Errorf("%v: what was kept after the packs were removed is not known", err)
			}
			if !test.told {
				n.names(nil)
				return
			}
			n.names(want)
			done, err := Local(n.dir).Prune(t.Context(), time.Time{}, time.Now(), "test")
			if err != nil || done.Damaged != len(test.removed) {
				t.Errorf("%+v, %v: want %d damaged packs", done, err, len(test.removed))
			}
			n.names(nil)
		})
	}
}

// names compares the packs that are named, by those who open the folder and by those who look through it.
func (n nights) names(want []string) {
	n.t.Helper()
	d, err := Open(n.t.Context(), n.dir)
	if err != nil {
		n.t.Fatal(err)
	}
	if got := d.NotUsed(); fmt.Sprint(got) != fmt.Sprint(want) {
		n.t.Errorf("not used: %q, want %q", got, want)
	}
	stock, err := Local(n.dir).Take(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	damaged := 0
	for _, s := range stock {
		if err := s.Check(n.t.Context()); err != nil {
			damaged++
			if !errors.Is(err, errRemoved) {
				n.t.Errorf("%s: %v", s.Name, err)
			}
		}
	}
	if damaged != len(want) {
		n.t.Errorf("%d packs are not sound, want %d", damaged, len(want))
	}
}

// TestAPackThatAnotherRunRemovesIsNotMissed has a run list the marks, another remove a pack, and the first list the packs: nothing is named.
func TestAPackThatAnotherRunRemovesIsNotMissed(t *testing.T) {
	n := newNights(t)
	n.live(0, 0, false)
	n.live(1, 1, false)
	in, packs := Local(n.dir).place, n.packs()
	marked, err := in.marks()
	if err != nil || len(marked) != 2 {
		t.Fatalf("marked are %q, %v", marked, err)
	}
	if err := removePack(in, packs[0]); err != nil {
		t.Fatal(err)
	}
	if removed, err := removedOf(in, marked, n.packs()); err != nil || len(removed) > 0 {
		t.Errorf("removed by hand are %q, %v", removed, err)
	}
}
