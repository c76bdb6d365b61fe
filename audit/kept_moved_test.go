package audit_test

import (
	"os"
	"path/filepath"
	"testing"
)

func (w *world) packs() []string {
	w.t.Helper()
	packs, err := filepath.Glob(filepath.Join(w.facts, "packs", "*"))
	w.do(err)
	return packs
}

// TestAPackWithAnotherNameIsNotTrusted renames a pack, so that it would count before or after others: it is named, and its files are read again.
func TestAPackWithAnotherNameIsNotTrusted(t *testing.T) {
	w := keptWorld(t, openEngine(t))
	pack := w.packs()[0]
	w.do(os.Rename(pack, filepath.Join(filepath.Dir(pack), "000009-"+filepath.Base(pack)[7:])))
	w.sameWith("a pack with another number", 0)
	if w.notUsed != 2 { // by the name that it has, and by the one that it had, under which it is gone
		t.Errorf("%d packs were not used, want 2", w.notUsed)
	}
}

// TestWhatAParanoidRunReplacesIsGone changes a file in place, which a run that trusts nothing finds. Its pack is then removed by hand: what was known before
// does not count again.
func TestWhatAParanoidRunReplacesIsGone(t *testing.T) {
	w := settledWorld(t, openEngine(t))
	w.alikeDays()
	w.sameWith("a first run", 0)
	before := w.audit(nil, false)
	w.inPlace(0, func() { w.alikeDay(0, swapAmounts) })
	now := w.audit(nil, false)
	if string(before) == string(now) {
		t.Fatal("the change makes no difference")
	}
	w.compare("a run that trusts nothing", w.withFacts(true), now)
	packs := w.packs()
	if len(packs) != 1 {
		t.Fatalf("packs %q: want that of the last run alone", packs)
	}
	w.do(os.RemoveAll(packs[0]))
	w.sameWith("its pack is removed by hand", 0)
}
