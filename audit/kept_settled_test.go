package audit_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/kept"
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

// flip damages the first byte of values of a table of the oldest pack.
func (w *world) flip(table string) {
	w.t.Helper()
	packs, err := filepath.Glob(filepath.Join(w.facts, "packs", "*", table+".parquet"))
	w.do(err)
	raw, err := os.ReadFile(packs[0])
	w.do(err)
	raw[len(raw)/2] ^= 1
	w.do(os.WriteFile(packs[0], raw, 0o600))
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
