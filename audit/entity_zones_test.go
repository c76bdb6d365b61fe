package audit_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures"
)

// fixedZones are zones of one offset, in seconds. (The signs of Etc/GMT are those of POSIX.)
var fixedZones = map[int64]string{-10 * 3600: "Etc/GMT+10", -7 * 3600: "Etc/GMT+7", 0: "UTC", 3600: "Etc/GMT-1", 9 * 3600: "Etc/GMT-9"}

// TestStaleEntitiesAreBoundedInEveryZone counts the stale entities of random stores once in each zone, by declaring it, and
// compares them with the bounds for stores that declare none.
func TestStaleEntitiesAreBoundedInEveryZone(t *testing.T) {
	stores := uint64(60)
	if testing.Short() {
		stores = 20
	}
	db, err := duckdb.Open(duckdb.Config{Threads: 2, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	wide, believed := 0, 0
	for seed := range stores {
		dir := t.TempDir()
		store, err := fixtures.RandomStore(dir, seed)
		if err != nil {
			t.Fatal(err)
		}
		store.View.TTL = model.TTL{Duration: time.Duration(1+seed%40) * time.Hour, Explicit: true}
		collection, _, _ := collectStore(t, db, dir, store, seed)
		beyond := slices.ContainsFunc(collection.Slices, func(s facts.Slice) bool { return s.EventMax > times.At(store.AsOf) })
		// a store that was written by as_of holds nothing that happens after it, if its times can be believed
		written := seed%2 == 0 && !beyond
		if written {
			believed++
			touch(t, dir, store.AsOf.Add(-time.Hour))
		} else {
			touch(t, dir, store.AsOf.Add(time.Hour))
		}
		entities := func(view model.View, offsets []int64, more time.Duration) facts.Entities {
			s := store
			s.View, s.Offsets, s.AsOf = view, offsets, store.AsOf.Add(more)
			s.View.TTL.Duration += more
			collection, _, _ := collectStore(t, db, dir, s, seed)
			return *collection.Entities
		}
		if one := entities(store.View, []int64{0}, 0); one.StaleEverywhere != one.Stale || one.StaleSomewhere != one.Stale {
			t.Errorf("seed %d: one offset, and not one count: %+v", seed, one)
		}
		var offsets []int64
		for offset := range fixedZones {
			offsets = append(offsets, offset)
		}
		slices.Sort(offsets)
		bounds := entities(store.View, offsets, 0)
		if bounds.StaleEverywhere < bounds.StaleSomewhere {
			wide++
		}
		for _, offset := range offsets {
			more := time.Duration(0)
			if written && store.View.TimePartition.Of != model.OfSnapshot {
				more = 24 * time.Hour // no row is left out as later than as_of
			}
			n := entities(inZone(store.View, fixedZones[offset]), []int64{0}, more).Stale
			if n < bounds.StaleEverywhere || n > bounds.StaleSomewhere {
				t.Errorf("seed %d, %s: %d are stale, bounds %d to %d (ttl %v, written by as_of %v)", seed, fixedZones[offset], n, bounds.StaleEverywhere, bounds.StaleSomewhere,
					store.View.TTL.Duration, written)
			}
		}
	}
	if wide < int(stores)/10 || believed < int(stores)/10 {
		t.Errorf("of %d stores %d depend on a zone and %d were written by as_of: the test shows nothing", stores, wide, believed)
	}
}

// TestStaleEntitiesByConstruction has one entity for each side of each limit: with a ttl of a day, Los Angeles at -8 h and
// Tokyo at +9 h.
func TestStaleEntitiesByConstruction(t *testing.T) {
	db, err := duckdb.Open(duckdb.Config{Threads: 2, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	asOf := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	ages := []time.Duration{40, 33, 31, 24, 20, 14, 10, 7} // in hours, as they are read
	for _, test := range []struct {
		name                         string
		kind                         fixtures.Type
		zone                         string
		ages                         []time.Duration
		written                      time.Duration
		everywhere, stale, somewhere int64
	}{
		// stale as read: 40, 33, 31. In Los Angeles 31 is 23 h old. In Tokyo 24 and 20 are stale too.
		{"nobody says", fixtures.NaiveType, "", ages, -time.Hour, 2, 3, 5},
		{"devices", fixtures.NaiveType, model.ZoneDevice, ages, -time.Hour, 2, 3, 5},
		// what is 7 h old as read may happen an hour after as_of
		{"written later", fixtures.NaiveType, "", ages, time.Hour, 2, 3, 6},
		// a later row may be anyone's newest
		{"a row after as_of", fixtures.NaiveType, "", append(slices.Clone(ages), -1), -time.Hour, 0, 3, 5},
		{"declared", fixtures.NaiveType, "UTC", ages, time.Hour, 3, 3, 3},
		{"aware", fixtures.AwareType, "", ages, time.Hour, 3, 3, 3},
	} {
		dir := t.TempDir()
		event, user := fixtures.Column{Name: "event_time", Type: test.kind}, fixtures.Column{Name: "user", Type: fixtures.Int64Type}
		for i, age := range test.ages {
			event.Values, user.Values = append(event.Values, asOf.Add(-age*time.Hour)), append(user.Values, i)
		}
		if err := fixtures.Write(filepath.Join(dir, "a.parquet"), fixtures.Table{Columns: []fixtures.Column{event, user}}, fixtures.Options{Modified: asOf.Add(test.written)}); err != nil {
			t.Fatal(err)
		}
		view := model.View{Name: "v", Path: "*.parquet", Root: dir, EventTime: model.TimeColumn{Column: "event_time"}, Entity: []string{"user"}, Zone: test.zone,
			TTL: model.TTL{Duration: 24 * time.Hour, Explicit: true}, Zones: []string{"America/Los_Angeles", "Asia/Tokyo"}, Tolerance: model.DefaultTolerance}
		e := collectView(t, db, view, asOf, 2, func(r *collect.Request) { r.Wants = facts.WantTimes | facts.WantEntities }).Entities
		if e.Judged != int64(len(ages)) || e.Stale != test.stale || e.StaleEverywhere != test.everywhere || e.StaleSomewhere != test.somewhere {
			t.Errorf("%s: %+v, want %d <= %d <= %d", test.name, *e, test.everywhere, test.stale, test.somewhere)
		}
		for seconds, want := range map[int64]int64{-26 * 3600: 0, -17 * 3600: 0, -15 * 3600: 1, -8 * 3600: 2, -900: 3, 0: 3, 900: 4, 19800: 5, 9 * 3600: 5, 17 * 3600: 7, 26 * 3600: 8} {
			if stale, known := e.StaleBy(times.Offset(seconds)); !known || stale != want {
				t.Errorf("%s, stamped %d s east: %d (%v), want %d", test.name, seconds, stale, known, want)
			}
		}
		for _, seconds := range []int64{26*3600 + 900, -26*3600 - 900, 60} {
			if stale, known := e.StaleBy(times.Offset(seconds)); known {
				t.Errorf("%s, stamped %d s east: %d", test.name, seconds, stale)
			}
		}
	}
}

// inZone declares a zone wherever none is.
func inZone(v model.View, zone string) model.View {
	if v.Zone == "" {
		v.Zone = zone
	}
	v.Sources = slices.Clone(v.Sources)
	for i := range v.Sources {
		if v.Sources[i].Zone == model.ZoneDevice {
			v.Sources[i].Zone = zone
		}
	}
	return v
}

func touch(t *testing.T, dir string, at time.Time) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.Chtimes(path, at, at)
	})
	if err != nil {
		t.Fatal(fmt.Errorf("touch %s: %w", dir, err))
	}
}
