package audit_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/fixtures"
)

// verifiedFiles are those that a folder has verified rows of, by their paths.
func (w *world) verifiedFiles() map[string]*kept.File {
	w.t.Helper()
	stock, err := kept.Local(w.facts).Take(w.t.Context())
	w.do(err)
	files := map[string]*kept.File{}
	for _, f := range kept.Latest(stock) {
		if f.Verified() {
			files[f.Path] = f
		}
	}
	return files
}

// swapAmounts is a change of the first day: two amounts change places, one of them that of a row whose key is in the next day too.
func swapAmounts(i int, r *storedRow) {
	switch i {
	case 195:
		r.amount = 7
	case 7:
		r.amount = 195
	}
}

// alikeDay writes a day whose last ten rows say what the first ten of the next one do, with each row as it is changed.
func (w *world) alikeDay(day int, change func(i int, r *storedRow)) {
	w.storeDay(day, usualTypes(), func(i int, r *storedRow) {
		id := int64(day*190 + i)
		r.user, r.region, r.amount = id%17, fmt.Sprint("r", id%3), id
		if change != nil {
			change(i, r)
		}
	})
}

func (w *world) alikeDays() {
	for day := range keptDays {
		w.alikeDay(day, nil)
	}
}

// TestVerifiedRowsAreKept changes a row in place that repeats another, which only a run that trusts nothing can tell. Until then its values
// are those that were kept; from then on they are the new ones, for runs that trust them again too.
func TestVerifiedRowsAreKept(t *testing.T) {
	db := openEngine(t)
	w := keptWorld(t, db)
	w.alikeDays()
	w.sameWith("days of one make", 0)
	rows := int64(0)
	for _, f := range w.verifiedFiles() {
		for _, r := range f.At[kept.VerifiedName] {
			rows += r.Count
		}
	}
	if want := int64(2 * 10 * (keptDays - 1)); rows != want {
		t.Fatalf("%d verified rows are kept, want %d: ten of each day repeat in the next", rows, want)
	}
	before := w.audit(nil, false)
	w.inPlace(0, func() { w.alikeDay(0, swapAmounts) })
	now := w.audit(nil, false)
	if string(before) == string(now) {
		t.Fatal("the change makes no difference")
	}
	w.compare("values that were kept", w.withFacts(false), before)
	w.compare("a run that trusts nothing", w.withFacts(true), now)
	w.compare("and one that trusts it", w.withFacts(false), now)
	w.inPlace(0, func() { w.alikeDay(0, nil) })
	w.compare("changed back, and not told", w.withFacts(false), now)
	w.compare("changed back, and found", w.withFacts(true), before)
	w.compare("trusted again", w.withFacts(false), before)
}

// TestARunBesideAParanoidOneBringsNoRowsBack has a run begin, a row changed in place and found by another run that trusts nothing, and the first run end
// after that with more rows of the changed file: later nights go by what the other found.
func TestARunBesideAParanoidOneBringsNoRowsBack(t *testing.T) {
	db := openEngine(t)
	w := keptWorld(t, db)
	w.alikeDays()
	w.sameWith("days of one make", 0)
	before := w.audit(nil, false)
	dir, err := kept.Open(w.t.Context(), w.facts)
	w.do(err)
	w.inPlace(0, func() { w.alikeDay(0, swapAmounts) })
	now := w.audit(nil, false)
	if string(before) == string(now) {
		t.Fatal("the change makes no difference")
	}
	w.compare("a run that trusts nothing", w.withFacts(true), now)
	w.alikeDay(keptDays, func(i int, r *storedRow) {
		if i == 50 { // another row of the first day repeats
			r.id, r.user, r.region, r.amount = int64(100), int64(100%17), "r1", 100
		}
	})
	w.audit(dir, false)
	w.do(dir.Close())
	if f := w.verifiedFiles()[w.dayFile(0)]; f == nil {
		t.Fatal("no rows of the first day are kept")
	}
	w.compare("the night after both", w.withFacts(false), w.audit(nil, false))
	w.compare("and the one after", w.withFacts(false), w.audit(nil, false))
}

// TestVerifiedRowsOfAFileThatRepeatsNoMore reads a file again in which no key repeats any more. What was kept of its rows is not said any
// more: when they repeat again, their values are those of the file.
func TestVerifiedRowsOfAFileThatRepeatsNoMore(t *testing.T) {
	db := openEngine(t)
	w := keptWorld(t, db)
	w.alikeDays()
	w.sameWith("all days", 0)
	aside := t.TempDir()
	w.move(filepath.Dir(w.dayFile(1)), aside, "a.parquet")
	w.inPlace(0, func() { w.alikeDay(0, swapAmounts) })
	w.compare("nothing is trusted, and the day after is gone", w.withFacts(true), w.audit(nil, false))
	w.move(aside, filepath.Dir(w.dayFile(1)), "a.parquet")
	w.compare("the day after is back", w.withFacts(false), w.audit(nil, false))
}

// TestEveryGuardOfVerifiedRowsMatters changes what verified rows rest on. Then a pack is forged with facts of now, and verified rows of before
// that claim to rest on the same: the report is another, so that the guard is what kept them out.
func TestEveryGuardOfVerifiedRowsMatters(t *testing.T) {
	db := openEngine(t)
	differing := func(_ int, r *storedRow) { r.region = "elsewhere" }
	for name, test := range map[string]struct {
		before, edit func(w *world)
		known        int64
	}{
		"the order of payload columns": {func(w *world) {
			w.views[0].Payload = []string{"region", "user"}
			w.alikeDay(0, differing)
		}, func(w *world) { w.views[0].Payload = []string{"user", "region"} }, keptDays},
		"which columns are payload": {func(w *world) {
			w.views[0].Payload = []string{"user"}
			w.alikeDay(0, differing)
		}, func(w *world) { w.views[0].Payload = []string{"region"} }, keptDays},
		"which columns are measures": {func(w *world) { w.views[0].Measures = []string{"user"} }, func(w *world) { w.views[0].Measures = []string{"amount"} }, keptDays},
		"the oldest file itself":     {func(*world) {}, func(w *world) { w.alikeDay(0, swapAmounts) }, keptDays - 1},
		"the newest file itself": {func(*world) {}, func(w *world) {
			w.alikeDay(keptDays-1, func(i int, r *storedRow) { r.amount += 200 })
		}, keptDays - 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := keptWorld(t, db)
			w.alikeDays()
			test.before(w)
			w.facts = filepath.Join(t.TempDir(), "before")
			w.sameWith("before", 0)
			w.sameWith("before, once more", keptDays)
			old := w.verifiedFiles()
			test.edit(w)
			want := w.audit(nil, false)
			w.sameWith("after", test.known)
			w.facts = w.forgeVerified(old)
			known := w.known
			if got := w.withFacts(false); string(got) == string(want) {
				t.Errorf("verified rows of before were trusted in %d files, and the report is the same: the test does not tell", w.known-known)
			}
		})
	}
}

// forgeVerified makes a folder of facts of now, with verified rows of before.
func (w *world) forgeVerified(old map[string]*kept.File) string {
	w.t.Helper()
	w.facts = filepath.Join(w.t.TempDir(), "now")
	w.withFacts(false)
	after, is := w.latest(w.facts), w.verifiedFiles()
	forged := filepath.Join(w.t.TempDir(), "forged")
	w.do(kept.Prepare(forged, time.Now()))
	d, err := kept.Open(w.t.Context(), forged)
	w.do(err)
	var pack *kept.Pack
	for _, f := range after {
		pack = f.Pack()
	}
	w.copyTables(d, pack)
	for day := range keptDays {
		d.Add(d.Number(), after[w.dayFile(day)])
	}
	told := 0
	for day := range keptDays {
		was := old[w.dayFile(day)]
		if was == nil {
			continue
		}
		f := *was
		if now := is[w.dayFile(day)]; now != nil {
			f = *now
		}
		f.Sources, f.At = was.Sources, map[string][]kept.Range{kept.VerifiedName: {}}
		for _, at := range was.At[kept.VerifiedName] {
			rows := kept.Rows{}
			for _, t := range was.Pack().Tables() {
				for _, c := range t.Columns {
					if t.Name != kept.VerifiedName {
						continue
					}
					var values any
					if c.Kind == kept.Integer {
						values, err = was.Pack().Integers(t.Name, c.Name, at.First, at.Count)
					} else {
						values, err = was.Pack().Texts(t.Name, c.Name, at.First, at.Count)
					}
					w.do(err)
					rows = append(rows, values)
				}
			}
			table := kept.Table{Name: kept.VerifiedName, Columns: verifiedColumns(was.Pack())}
			f.At[kept.VerifiedName] = append(f.At[kept.VerifiedName], d.Append(table, rows))
		}
		d.Add(d.Number(), &f)
		told++
	}
	if told == 0 {
		w.t.Fatal("no file was forged")
	}
	w.do(errors.Join(d.Commit(kept.Note{By: "forged"}), d.Close()))
	return forged
}

func verifiedColumns(pack *kept.Pack) []kept.Column {
	for _, t := range pack.Tables() {
		if t.Name == kept.VerifiedName {
			return t.Columns
		}
	}
	return nil
}

// TestDamagedVerifiedRowsChangeNoReport changes bytes of every table of a pack with verified rows, most of them in those: no report is another.
func TestDamagedVerifiedRowsChangeNoReport(t *testing.T) {
	db := openEngine(t)
	w := settledWorld(t, db)
	w.alikeDays()
	w.sameWith("a first run", 0)
	want := w.audit(nil, false)
	w.reading = true
	tables, err := filepath.Glob(filepath.Join(w.facts, "packs", "*", "*"))
	w.do(err)
	found := false
	for _, name := range tables {
		raw, err := os.ReadFile(name)
		w.do(err)
		changes := 2
		if filepath.Base(name) == kept.VerifiedName+".parquet" {
			found, changes = true, 20
		}
		for at := 0; at < len(raw); at += len(raw)/changes + 1 {
			harmed := slices.Clone(raw)
			harmed[at] ^= 1 << (at % 8)
			w.do(os.WriteFile(name, harmed, 0o600))
			w.compare(fmt.Sprintf("byte %d of %s", at, filepath.Base(name)), w.withFacts(false), want)
		}
		w.do(os.WriteFile(name, raw, 0o600))
	}
	if !found || w.notUsed == 0 {
		t.Errorf("verified rows are there: %v; %d packs were not used", found, w.notUsed)
	}
	known := w.known
	if w.compare("the pack as it was", w.withFacts(false), want); w.known-known != keptDays {
		t.Errorf("%d files are known, want %d", w.known-known, keptDays)
	}
}

// TestChecksumsAndVerifiedRows has files whose pages have checksums, and keys that repeat: a night that knows the values of these rows reads no
// pages of their payload, and tells of as many pages as a run that reads all.
func TestChecksumsAndVerifiedRows(t *testing.T) {
	for _, once := range [][]string{nil, {"source"}} {
		w := settledWorld(t, openEngine(t))
		w.views[0].OncePer, w.views[0].Payload = once, []string{"region"}
		for day := range keptDays {
			w.writeDayAs(day, 0, fixtures.Options{Compression: fixtures.Gzip})
		}
		w.sameWith("a first run", 0)
		w.sameWith("a second run", keptDays)
		w.sameWith("a third run", keptDays)
	}
}

// TestTwoViewsKeepRowsOfTheirOwn has two views of one path that compare other columns: neither writes over what the other kept, and what a run that trusts
// nothing finds counts for both of them, also where packs were merged meanwhile.
func TestTwoViewsKeepRowsOfTheirOwn(t *testing.T) {
	w := settledWorld(t, openEngine(t))
	w.alikeDays()
	second := w.views[0]
	second.Name, second.Payload, w.views[0].Payload = "w", []string{"amount"}, []string{"region", "amount"}
	w.views = append(w.views, second)
	w.sameWith("a first run", 0)
	count := func() (packs int, rows int64) {
		stock, err := kept.Local(w.facts).Take(w.t.Context())
		w.do(err)
		for _, f := range kept.Latest(stock) {
			for _, r := range f.At[kept.VerifiedName] {
				rows += r.Count
			}
		}
		names, err := filepath.Glob(filepath.Join(w.facts, "packs", "*"))
		w.do(err)
		return len(names), rows
	}
	packs, rows := count()
	if want := int64(2 * 2 * 10 * (keptDays - 1)); rows != want {
		t.Fatalf("%d verified rows are kept, want %d: ten of each day repeat in the next, for each of two views", rows, want)
	}
	w.sameWith("a second run", 2*keptDays)
	if again, _ := count(); again != packs {
		t.Errorf("a night with nothing new adds %d packs", again-packs)
	}
	alone := w.views
	w.inPlace(0, func() { w.alikeDay(0, swapAmounts) })
	w.views = alone[:1]
	w.compare("a run of one view that trusts nothing", w.withFacts(true), w.audit(nil, false))
	w.touch(w.dayFile(keptDays - 1)) // so that two packs are merged
	w.sameWith("a file is touched", keptDays-1)
	w.views = alone
	_, err := kept.Local(w.facts).Prune(w.t.Context(), time.Time{}, time.Now(), "test")
	w.do(err)
	w.views = alone
	w.sameWith("both, after packs were merged", 2*keptDays)
}
