package audit_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/fixtures"
)

// settledDays are so many that the entities of all of them take little beside those of each.
const settledDays = 18

// manyDays is a world of days that have the same 17 users, of whom one has no event after the third day.
func manyDays(t *testing.T, user fixtures.Type, name func(id int64) any) *world {
	t.Helper()
	w := settledWorld(t, openEngine(t))
	types := usualTypes()
	types.user = user
	for day := range settledDays {
		w.storeAt(w.dayFile(day), day, fixtures.Options{Compression: fixtures.Uncompressed}, types, func(i int, r *storedRow) {
			id := int64(i % 17)
			if day > 2 && id == 16 {
				id = 0
			}
			r.user = name(id)
		})
	}
	return w
}

// settledRows counts the entities of the newest lists, by the rows that packs have of them.
func (w *world) settledRows() int64 {
	w.t.Helper()
	stock, err := kept.Local(w.facts).Take(w.t.Context())
	w.do(err)
	rows := int64(0)
	for _, s := range stock {
		if s.Damage != nil {
			continue
		}
		p, err := kept.OpenPack(filepath.Join(w.facts, s.Name))
		w.do(err)
		rows += p.Len(kept.SettledName) + p.Len(kept.WideSettledName)
	}
	return rows
}

// flip damages a byte of a table of the oldest pack that has it, and flipNewest of the newest.
func (w *world) flip(table string) { w.flipOf(table, func(packs []string) string { return packs[0] }) }

func (w *world) flipNewest(table string) {
	w.flipOf(table, func(packs []string) string { return packs[len(packs)-1] })
}

func (w *world) flipOf(table string, which func(packs []string) string) {
	w.t.Helper()
	packs, err := filepath.Glob(filepath.Join(w.facts, "packs", "*", table+".parquet"))
	w.do(err)
	name := which(packs)
	raw, err := os.ReadFile(name)
	w.do(err)
	raw[len(raw)/2] ^= 1
	w.do(os.WriteFile(name, raw, 0o600))
}

// TestEntitiesOfSettledFilesAreAddedUpOnce lives through nights whose entities are known together: days come, the newest goes, the oldest is rewritten, one is
// open, the clock goes on and back, and a change in place is found.
func TestEntitiesOfSettledFilesAreAddedUpOnce(t *testing.T) {
	for name, test := range map[string]struct {
		user fixtures.Type
		name func(id int64) any
		want int64
	}{
		"integers":            {fixtures.Int64Type, func(id int64) any { return id }, 17},
		"far from each other": {fixtures.Int64Type, func(id int64) any { return id<<40 - 1<<62 }, 17},
		"texts":               {fixtures.TextType, func(id int64) any { return string(rune('a' + id)) }, 17},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := manyDays(t, test.user, test.name)
			w.sameWith("a first run", 0)
			if got := w.settledRows(); got != test.want {
				t.Fatalf("%d entities are kept together, want %d", got, test.want)
			}
			types := usualTypes()
			types.user = test.user
			day := func(day, shift int) {
				w.storeDay(day, types, func(i int, r *storedRow) { r.user = test.name(int64((i*3 + shift) % 16)) })
			}
			w.sameWith("nothing is new", settledDays)
			day(settledDays, 0)
			w.sameWith("a day comes", settledDays)
			w.asOf = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
			w.sameWith("its partition is closed since long, and the clock goes back", settledDays+1)
			day(settledDays+1, 1)
			w.sameWith("an open partition", settledDays+1)
			w.sameWith("an open partition again", settledDays+1)
			w.asOf = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
			w.sameWith("it is closed", settledDays+1)
			aside := t.TempDir()
			w.move(filepath.Dir(w.dayFile(2)), aside, "a.parquet")
			w.sameWith("the last day of an entity goes", settledDays+1)
			w.sameWith("and is gone", settledDays+1)
			w.move(aside, filepath.Dir(w.dayFile(2)), "a.parquet")
			w.sameWith("and comes back", settledDays+2)
			before := w.audit(nil, false)
			swapped := map[int64]int64{0: 16, 16: 0} // whose last row is a minute earlier
			w.inPlace(2, func() {
				w.storeAt(w.dayFile(2), 2, fixtures.Options{Compression: fixtures.Uncompressed}, types, func(i int, r *storedRow) {
					id := int64(i % 17)
					if other, is := swapped[id]; is {
						id = other
					}
					r.user = test.name(id)
				})
			})
			now := w.audit(nil, false)
			if string(before) == string(now) {
				t.Fatal("the change makes no difference")
			}
			w.compare("a change in place", w.withFacts(false), before)
			w.compare("is found", w.withFacts(true), now)
			w.compare("and known", w.withFacts(false), now)
		})
	}
}

// TestSettledEntitiesAreReadInPlaceOfOthers damages what the files say one by one, which nobody reads then, and what they say together.
func TestSettledEntitiesAreReadInPlaceOfOthers(t *testing.T) {
	w := manyDays(t, fixtures.Int64Type, func(id int64) any { return id })
	w.sameWith("a first run", 0)
	w.flip("entities")
	w.sameWith("entities of each file", settledDays)
	if w.notUsed != 0 {
		t.Fatalf("%d packs were not used, though nobody needs what is damaged", w.notUsed)
	}
	w.flip(kept.SettledName)
	w.sameWith("entities of all files", 0)
	if w.notUsed != 1 {
		t.Errorf("%d packs were not used, want 1", w.notUsed)
	}
}

// tablesOfSettled are those that a night reads to know entities of all files together.
var tablesOfSettled = []string{kept.SettledName, "lists", "covered"}

// TestDamagedSettledEntitiesChangeNoReport changes bytes of the tables of settled entities, cuts them, and puts those of another folder in their place: the pack
// is named, and the report is that of a run that reads all. A run that may write makes them anew.
func TestDamagedSettledEntitiesChangeNoReport(t *testing.T) {
	w := manyDays(t, fixtures.Int64Type, func(id int64) any { return id })
	w.sameWith("a first run", 0)
	want, facts := w.audit(nil, false), w.facts
	pack := w.packs()[0]
	info, err := os.Stat(w.dayFile(2))
	w.do(err)
	day := func(step int) {
		w.storeAt(w.dayFile(2), 2, fixtures.Options{Compression: fixtures.Uncompressed}, usualTypes(), func(i int, r *storedRow) { r.user = int64(step * i % 17) })
	}
	day(3)
	w.touch(w.dayFile(2))
	w.facts = filepath.Join(t.TempDir(), "other")
	w.sameWith("another folder", 0)
	other := w.packs()[0]
	day(1)
	w.do(os.Chtimes(w.dayFile(2), info.ModTime(), info.ModTime()))
	w.facts, w.reading = facts, true
	w.sameWith("the folder as it was", settledDays)
	harmed := func(what, name string, raw []byte) {
		t.Helper()
		whole, err := os.ReadFile(name)
		w.do(err)
		w.do(os.WriteFile(name, raw, 0o600))
		before := w.notUsed
		w.compare(what, w.withFacts(false), want)
		if w.notUsed == before {
			t.Errorf("%s: nothing is named", what)
		}
		w.do(os.WriteFile(name, whole, 0o600))
	}
	for _, table := range tablesOfSettled {
		name := filepath.Join(pack, table+".parquet")
		raw, err := os.ReadFile(name)
		w.do(err)
		for at := 0; at < len(raw); at += len(raw)/settledHarms + 1 {
			flipped := slices.Clone(raw)
			flipped[at] ^= 1 << (at % 8)
			harmed(fmt.Sprintf("byte %d of %s", at, table), name, flipped)
			harmed(fmt.Sprintf("%s cut to %d bytes", table, at), name, raw[:at])
		}
		foreign, err := os.ReadFile(filepath.Join(other, table+".parquet"))
		w.do(err)
		if string(foreign) != string(raw) { // which names of lists and places of rows may be
			harmed(table+" of another folder", name, foreign)
		}
	}
	w.do(os.CopyFS(filepath.Join(filepath.Dir(pack), filepath.Base(other)), os.DirFS(other)))
	w.compare("a whole pack of another folder beside", w.withFacts(false), want)
	w.do(os.RemoveAll(filepath.Join(filepath.Dir(pack), filepath.Base(other))))
	w.reading = false
	w.flip(kept.SettledName)
	w.sameWith("damaged, and made anew", 0)
	if got := w.settledRows(); got != 2*17 { // the damage is where nobody looks who counts rows
		t.Errorf("%d entities are kept together, want those of the damaged pack and of the new one", got)
	}
	w.sameWith("the night after", settledDays)
	w.flipNewest("entities")
	known := w.notUsed
	w.sameWith("from what is made anew", settledDays)
	if w.notUsed != known {
		t.Errorf("%d packs more were not used, though nobody needs what is damaged in them", w.notUsed-known)
	}
}

// settledHarms is in how many places each table is harmed.
const settledHarms = 12

// swapUsers is a change of a day after which another user has its newest event: the time tells them apart.
func swapUsers(i int, r *storedRow) {
	id := int64(i % 17)
	if other, is := map[int64]int64{0: 16, 16: 0}[id]; is {
		id = other
	}
	r.user = id
}

// guardOfSettled is a reason for which entities that were added up do not count.
type guardOfSettled struct {
	before, edit func(w *world)
	// known is how many files are known in the night of the edit, and after in the next.
	known, after int64
}

func guardsOfSettled() map[string]guardOfSettled {
	nothing := func(*world) {}
	uncompressed := fixtures.Options{Compression: fixtures.Uncompressed}
	return map[string]guardOfSettled{
		"a file that is covered is gone": {nothing, func(w *world) { w.do(os.Remove(w.dayFile(2))) }, settledDays - 1, settledDays - 1},
		"a file that is covered is another": {nothing, func(w *world) {
			w.storeAt(w.dayFile(2), 2, uncompressed, usualTypes(), swapUsers)
			w.touch(w.dayFile(2))
		}, settledDays - 1, settledDays},
		// as_of has its rows turn stale, so that it is read again: what was kept of it then counts, under the same size, time and footer
		"a file that is covered was changed in place, and kept later": {func(w *world) { w.views[0].Reference, w.views[0].TTL.Duration = model.ReferenceAsOf, 17*24*time.Hour },
			func(w *world) {
				w.inPlace(2, func() { w.storeAt(w.dayFile(2), 2, uncompressed, usualTypes(), swapUsers) })
				w.asOf = w.asOf.Add(12 * time.Hour)
			}, settledDays - 1, settledDays},
	}
}

// TestEveryGuardOfSettledEntitiesMatters edits what entities that were added up rest on. The nights after have the report of a run that reads all. Then the guard
// is switched off: a newer pack says that the entities of before are those of the files of now, and the report is another.
func TestEveryGuardOfSettledEntitiesMatters(t *testing.T) {
	for name, g := range guardsOfSettled() {
		t.Run(name, func(t *testing.T) {
			w := manyDays(t, fixtures.Int64Type, func(id int64) any { return id })
			g.before(w)
			w.sameWith("a first run", 0)
			pack := w.packs()[0]
			g.edit(w)
			w.storeDay(settledDays, usualTypes(), func(i int, r *storedRow) { // a file that is read each night, so that nothing is added up anew
				if r.user = int64(i % 16); i == 7 {
					r.ingested = w.asOf.AddDate(0, 0, 5)
				}
			})
			w.sameWith("the night of the edit", g.known)
			w.sameWith("the night after", g.after)
			if got := w.settledRows(); got != 17 {
				t.Fatalf("%d entities are kept together, want those of the first run alone", got)
			}
			want := w.audit(nil, false)
			w.claimSettled(pack)
			if got := w.withFacts(false); string(got) == string(want) {
				t.Error("the entities of before were trusted, and the report is the same: the test does not tell")
			}
		})
	}
}

// TestSettledEntitiesOfARunBesideAnother has a run end after another one that began later: the first adds up the entities of a file as it was before it was
// rewritten, and the other knows it as it is now. What was added up does not speak of it.
func TestSettledEntitiesOfARunBesideAnother(t *testing.T) {
	w := manyDays(t, fixtures.Int64Type, func(id int64) any { return id })
	aside, few := t.TempDir(), 6
	put := func(change func(i int, r *storedRow)) {
		w.storeAt(w.dayFile(2), 2, fixtures.Options{Compression: fixtures.Uncompressed}, usualTypes(), change)
	}
	put(nil)
	before, err := os.Stat(w.dayFile(2))
	w.do(err)
	for day := few; day < settledDays; day++ {
		w.move(filepath.Dir(w.dayFile(day)), filepath.Join(aside, fmt.Sprint(day)), "a.parquet")
	}
	w.sameWith("few days", 0)
	dir, err := kept.Open(t.Context(), w.facts)
	w.do(err)
	put(swapUsers)
	w.touch(w.dayFile(2))
	after, err := os.Stat(w.dayFile(2))
	w.do(err)
	w.sameWith("the other run, of a day that was rewritten", int64(few-1))
	if got := w.settledRows(); got != 0 {
		t.Fatalf("%d entities are kept together, want none of so few days", got)
	}
	put(nil)
	w.do(os.Chtimes(w.dayFile(2), before.ModTime(), before.ModTime()))
	for day := few; day < settledDays; day++ {
		w.move(filepath.Join(aside, fmt.Sprint(day)), filepath.Dir(w.dayFile(day)), "a.parquet")
	}
	w.compare("the first run", w.audit(dir, false), w.audit(nil, false))
	w.do(dir.Close())
	if got := w.settledRows(); got != 17 {
		t.Fatalf("%d entities are kept together, want 17", got)
	}
	put(swapUsers)
	w.do(os.Chtimes(w.dayFile(2), after.ModTime(), after.ModTime()))
	w.sameWith("the night after both", settledDays)
}

// claimSettled adds a pack that has the settled entities of another, and says that they are those of all files that are known.
func (w *world) claimSettled(of string) {
	w.t.Helper()
	pack, err := kept.OpenPack(of)
	w.do(err)
	read := func(column string) []int64 {
		values, err := pack.Integers(kept.SettledName, column, 0, pack.Len(kept.SettledName))
		w.do(err)
		return values
	}
	names, err := pack.Texts("lists", "list", 0, pack.Len("lists"))
	w.do(err)
	places, err := pack.Texts("lists", "at", 0, pack.Len("lists"))
	w.do(err)
	at := slices.IndexFunc(places, func(place string) bool { return strings.Contains(place, kept.SettledName+":") })
	if at < 0 {
		w.t.Fatal("the pack has no list of settled entities")
	}
	var covered []kept.File
	for _, f := range w.latest(w.facts) {
		if _, err := os.Stat(f.Path); err == nil {
			covered = append(covered, *f)
		}
	}
	d, err := kept.Open(w.t.Context(), w.facts)
	w.do(err)
	rows := d.Append(kept.Table{Name: kept.SettledName, Dense: true, Columns: kept.Integers("entity", "newest_us")}, kept.Rows{read("entity"), read("newest_us")})
	d.SetSettled(names[at], covered, map[string][]kept.Range{kept.SettledName: {rows}})
	w.do(errors.Join(d.Commit(kept.Note{By: "forged"}), d.Close()))
}
