package audit_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures"
)

// storedRow is a row of the stores of these tests.
type storedRow struct {
	id, user        any
	event, ingested any
	source, region  string
	amount          int64
}

// storedTypes are those of the columns that differ between files.
type storedTypes struct{ id, user, event, ingested fixtures.Type }

func usualTypes() storedTypes {
	return storedTypes{fixtures.Int64Type, fixtures.Int64Type, fixtures.AwareType, fixtures.AwareType}
}

// storeDay writes the file of a day as writeDay does, with each row as it is changed.
func (w *world) storeDay(day int, types storedTypes, change func(i int, r *storedRow)) {
	w.t.Helper()
	w.storeAt(w.dayFile(day), day, fixtures.Options{}, types, change)
}

// storeAt is storeDay for any file, written in any way.
func (w *world) storeAt(path string, day int, o fixtures.Options, types storedTypes, change func(i int, r *storedRow)) {
	w.t.Helper()
	columns := []fixtures.Column{{Name: "id", Type: types.id}, {Name: "user", Type: types.user}, {Name: "event_time", Type: types.event}, {Name: "ingested_at", Type: types.ingested},
		{Name: "source", Type: fixtures.TextType}, {Name: "region", Type: fixtures.TextType}, {Name: "amount", Type: fixtures.Int64Type}}
	for i := range 200 {
		at := time.Date(2026, 11, 1+day, 0, 1+i, 0, 0, time.UTC)
		r := storedRow{int64(day*190 + i), int64(i % 17), at, at.Add(time.Minute), []string{"batch", "stream"}[i%2], fmt.Sprint("r", i%3), int64(i)}
		if change != nil {
			change(i, &r)
		}
		for n, value := range []any{r.id, r.user, r.event, r.ingested, r.source, r.region, r.amount} {
			columns[n].Values = append(columns[n].Values, value)
		}
	}
	writeFile(w.t, path, o, columns...)
}

// guard is one thing that facts rest on. It is switched off by lying: the facts of before are put into a pack whose files say that they
// rest on what holds now.
type guard struct {
	// before makes the store whose facts are kept, and edit what is another afterwards.
	before, edit func(w *world)
	// known is how many files are known after the edit.
	known int64
	// lie says what else a pack would have to claim for its facts to be trusted.
	lie func(w *world, f *kept.File)
	// files are those of which the lie is told, all where there are none.
	files []int
}

func (w *world) epochs(unit time.Duration) func(i int, r *storedRow) {
	return func(_ int, r *storedRow) {
		at, _ := r.event.(time.Time)
		r.event = at.UnixNano() / int64(unit)
	}
}

func guards() map[string]guard {
	nothing := func(*world) {}
	asOf := func(year, month, day, hour int) func(w *world) {
		return func(w *world) { w.asOf = time.Date(year, time.Month(month), day, hour, 0, 0, 0, time.UTC) }
	}
	holdsNow := func(w *world, f *kept.File) { f.Holds, f.AsOf = times.At(w.asOf), times.At(w.asOf) }
	byAsOf := func(w *world) { w.views[0].Reference = model.ReferenceAsOf }
	unsigned, tenths := usualTypes(), usualTypes()
	unsigned.user = fixtures.Type{Kind: fixtures.Int, Width: 64, Unsigned: true}
	tenths.id = fixtures.Type{Kind: fixtures.Decimal, Precision: 18, Scale: 1}
	inTenths := func(_ int, r *storedRow) { r.id = int(r.id.(int64)) * 10 } //nolint:errcheck,forcetypeassert // it is one
	return map[string]guard{
		// what a file is known by
		"rows of the oldest file, its time and its footer": {nothing, func(w *world) {
			w.storeDay(0, usualTypes(), func(_ int, r *storedRow) { r.ingested = r.event.(time.Time).Add(50 * time.Hour) })
		}, 3, nil, nil},
		"its footer alone": {nothing, func(w *world) {
			w.inPlace(0, func() { w.writeDay(0, 37*time.Hour) })
		}, 3, nil, nil},
		// what the survey concluded from other files
		"the common form of key columns, for the newest file is of another type": {nothing, func(w *world) {
			w.storeDay(keptDays-1, tenths, inTenths)
		}, 0, nil, []int{0, 1, 2}},
		"the common form of key columns, for the oldest file is of another type": {nothing, func(w *world) {
			w.storeDay(0, tenths, inTenths)
		}, 0, nil, []int{1, 2, 3}},
		"the common form of entity columns, for the newest file is of another type": {byAsOf, func(w *world) {
			w.storeDay(keptDays-1, unsigned, nil)
		}, 0, nil, []int{0, 1, 2}},
		"the common form of entity columns, for the oldest file is of another type": {byAsOf, func(w *world) {
			w.storeDay(0, unsigned, nil)
		}, 0, nil, []int{1, 2, 3}},
		"the place of a file: the partition of its folder is of another zone": {func(w *world) { w.views[0].TTL.Duration = 22 * time.Hour },
			func(w *world) { w.views[0].TimePartition.Zone = "Etc/GMT+1" }, 0, nil, nil},
		// as_of
		"times beyond ten years after as_of, in the oldest file": {func(w *world) {
			w.storeDay(0, usualTypes(), func(i int, r *storedRow) {
				if i == 7 {
					r.event = time.Date(2036, 12, 25, 0, 0, 0, 0, time.UTC)
				}
			})
		}, asOf(2027, 1, 20, 0), 3, func(_ *world, f *kept.File) { f.Far = times.None }, nil},
		"times beyond ten years after as_of, once they are events": {func(w *world) {
			w.storeDay(0, usualTypes(), func(i int, r *storedRow) {
				if i == 7 {
					r.ingested = time.Date(2036, 12, 25, 0, 0, 0, 0, time.UTC)
				}
			})
		}, asOf(2027, 1, 20, 0), 3, func(_ *world, f *kept.File) { f.Far = times.None }, nil},
		"as_of goes back before events of the oldest file": {func(w *world) {
			w.storeDay(0, usualTypes(), func(i int, r *storedRow) {
				if i == 7 {
					r.event, r.ingested = time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 8, 0, 0, 0, 0, time.UTC)
				}
			})
		}, asOf(2026, 11, 9, 0), 3, holdsNow, nil},
		"ages by as_of, which goes on by an hour": {func(w *world) {
			w.asOf = w.asOf.Add(2 * time.Hour)
			w.views[0].Reference, w.views[0].TTL.Duration = model.ReferenceAsOf, 19*24*time.Hour
		}, func(w *world) { w.asOf = w.asOf.Add(time.Hour) }, 3, holdsNow, nil},
		"ages by as_of, which goes back by an hour": {func(w *world) {
			w.asOf = w.asOf.Add(3 * time.Hour)
			w.views[0].Reference, w.views[0].TTL.Duration = model.ReferenceAsOf, 19*24*time.Hour
		}, func(w *world) { w.asOf = w.asOf.Add(-time.Hour) }, 3, holdsNow, nil},
		// the policy
		"event_time":  {nothing, func(w *world) { w.views[0].EventTime.Column = "ingested_at" }, 0, nil, nil},
		"ingested_at": {nothing, func(w *world) { w.views[0].IngestedAt.Column = "" }, 0, nil, nil},
		"source":      {nothing, func(w *world) { w.views[0].Source.Column = "region" }, 0, nil, nil},
		"sources: zone": {nothing, func(w *world) {
			w.views[0].Sources = []model.SourcePolicy{{Name: "batch", IngestedAt: model.TimeColumn{Column: "event_time"}}}
		}, 0, nil, nil},
		"entity":    {nothing, func(w *world) { w.views[0].Entity = []string{"region"} }, 0, nil, nil},
		"key":       {nothing, func(w *world) { w.views[0].Key = []string{"user"} }, 0, nil, nil},
		"ttl":       {byAsOf, func(w *world) { w.views[0].TTL.Duration = 18*24*time.Hour + 90*time.Minute }, 0, nil, nil},
		"max_lag":   {nothing, func(w *world) { w.views[0].MaxLag = time.Second }, 0, nil, nil},
		"reference": {func(w *world) { w.views[0].TTL.Duration = 22 * time.Hour }, func(w *world) { w.views[0].Reference = model.ReferenceAsOf }, 0, nil, nil},
		"zone of times without one": {func(w *world) {
			types := usualTypes()
			types.event = fixtures.NaiveType
			w.storeDay(0, types, nil)
			w.views[0].Zone = "UTC"
		}, func(w *world) { w.views[0].Zone = "America/New_York" }, 0, nil, nil},
		"the unit of epochs": {func(w *world) {
			types := usualTypes()
			types.event = fixtures.Int64Type
			for day := range keptDays {
				w.storeDay(day, types, w.epochs(time.Second))
			}
			w.views[0].EventTime.Unit = "s"
		}, func(w *world) { w.views[0].EventTime.Unit = "ms" }, 0, nil, nil},
	}
}

// TestEveryGuardMatters edits one thing at a time that facts rest on. A run with the facts of before is the same as one that reads all, and
// knows no more files than it may. Then the guard is switched off: facts of before that claim to rest on what holds now give another report,
// so that the data of the test tell stale facts from good ones.
func TestEveryGuardMatters(t *testing.T) {
	db := openEngine(t)
	all := guards()
	maps.Copy(all, conclusions())
	for name, g := range all {
		t.Run(name, func(t *testing.T) {
			w := settledWorld(t, db)
			g.before(w)
			w.withFacts(false)
			g.edit(w)
			want := w.audit(nil, false)
			forged := w.forge(g)
			known := w.known
			w.compare("after", w.withFacts(false), want)
			if got := w.known - known; got != g.known {
				t.Errorf("%d files were known, want %d", got, g.known)
			}
			w.facts, known = forged, w.known
			if got := w.withFacts(false); string(got) == string(want) {
				t.Errorf("%d files with facts of before were trusted, and the report is the same: the test does not tell", w.known-known)
			}
		})
	}
}

// forge makes a folder of facts: those of before, said to rest on what holds now.
func (w *world) forge(g guard) string {
	w.t.Helper()
	old, now := w.facts, filepath.Join(w.t.TempDir(), "now")
	w.facts = now
	w.withFacts(false)
	w.facts = old
	before, after := w.latest(old), w.latest(now)
	forged := filepath.Join(w.t.TempDir(), "forged")
	w.do(kept.Prepare(forged, time.Now()))
	d, err := kept.Open(w.t.Context(), forged)
	w.do(err)
	var pack *kept.Pack
	for _, f := range before {
		pack = f.Pack()
	}
	w.copyTables(d, pack)
	var policy string
	for _, f := range after {
		policy = f.Policy
	}
	told := 0
	for day := range keptDays {
		path := w.dayFile(day)
		if before[path] == nil {
			path = w.hourFile(day)
		}
		was := before[path]
		if was == nil || len(g.files) > 0 && !slices.Contains(g.files, day) {
			continue
		}
		f := *was // where as_of has the file read anew, nothing new is known of it
		if is := after[path]; is != nil {
			f = *is
		}
		f.Policy, f.At, f.Sources, f.Rows = policy, was.At, was.Sources, was.Rows
		if g.lie != nil {
			g.lie(w, &f)
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

// latest are the files that a folder knows, by their paths.
func (w *world) latest(folder string) map[string]*kept.File {
	w.t.Helper()
	stock, err := kept.Local(folder).Take(w.t.Context())
	w.do(err)
	files := map[string]*kept.File{}
	for _, f := range kept.Latest(stock) {
		if !f.Verified() {
			files[f.Path] = f
		}
	}
	return files
}

// copyTables copies all rows of a pack but those that say what files there are: the others keep their places.
func (w *world) copyTables(d *kept.Dir, pack *kept.Pack) {
	w.t.Helper()
	for _, table := range pack.Tables() {
		if slices.Contains([]string{"files", "lists", "covered", "repeats"}, table.Name) {
			continue
		}
		rows := make(kept.Rows, len(table.Columns))
		for i, c := range table.Columns {
			var err error
			if c.Kind == kept.Integer {
				rows[i], err = pack.Integers(table.Name, c.Name, 0, pack.Len(table.Name))
			} else {
				rows[i], err = pack.Texts(table.Name, c.Name, 0, pack.Len(table.Name))
			}
			w.do(err)
		}
		d.Append(table, rows)
	}
}

// TestReleasesAndOpenPartitions are guards that no file of a pack can lie about: the releases are in the digest of the policy, and whether a
// partition is open is asked anew each time.
func TestReleasesAndOpenPartitions(t *testing.T) {
	db := openEngine(t)
	for name, test := range map[string]struct {
		known int64
		edit  func(w *world)
	}{
		"the engine's release":         {0, func(w *world) { w.tool.DuckDB = "1.4.4" }},
		"the release of Arrow":         {0, func(w *world) { w.tool.Arrow = "18" }},
		"the release of the zone data": {0, func(w *world) { w.tool.TZData = "2026c" }},
		"the program's release":        {keptDays, func(w *world) { w.tool.Version = "0.3.0" }},
		"as_of goes back before ingest times of the oldest": {keptDays - 1, func(w *world) {
			w.storeDay(0, usualTypes(), func(i int, r *storedRow) {
				if i == 7 {
					r.ingested = time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
				}
			})
			w.withFacts(false)
			w.asOf = time.Date(2026, 11, 9, 0, 0, 0, 0, time.UTC)
		}},
		"complete_after opens the newest":      {keptDays - 1, func(w *world) { w.views[0].TimePartition.CompleteAfter = 16 * 24 * time.Hour }},
		"complete_after opens none":            {keptDays, func(w *world) { w.views[0].TimePartition.CompleteAfter = 15 * 24 * time.Hour }},
		"as_of is in the newest partition":     {keptDays - 1, func(w *world) { w.asOf = time.Date(2026, 11, 4, 23, 59, 59, 0, time.UTC) }},
		"as_of is the end of the newest":       {keptDays, func(w *world) { w.asOf = time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC) }},
		"as_of is an hour before that":         {keptDays - 1, func(w *world) { w.asOf = time.Date(2026, 11, 4, 23, 0, 0, 0, time.UTC) }},
		"a check is asked for that wants more": {keptDays, func(w *world) { w.views[0].MaxAge = time.Hour }},
	} {
		t.Run(name, func(t *testing.T) {
			w := keptWorld(t, db)
			test.edit(w)
			w.sameWith(name, test.known)
		})
	}
}
