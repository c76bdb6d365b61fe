package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/fixtures"
)

// keptDays is how many files the store of these tests has, a day each.
const keptDays = 4

// keptWorld is a store of settled files of which all facts are kept.
func keptWorld(t *testing.T, adapters *duckdb.Database) *world {
	t.Helper()
	w := settledWorld(t, adapters)
	w.sameWith("a first run", 0)
	w.sameWith("a second run", keptDays)
	return w
}

// settledWorld is a store of settled files that nobody looked at.
func settledWorld(t *testing.T, adapters *duckdb.Database) *world {
	t.Helper()
	w := &world{t: t, adapters: sharedScanner(adapters), root: t.TempDir(), facts: filepath.Join(t.TempDir(), "facts"), asOf: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}
	for day := range keptDays {
		w.writeDay(day, 0)
	}
	w.views = []model.View{{Name: "v", Path: "**/*.parquet", Root: w.root, EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"},
		Source: model.SourceColumn{Column: "source"}, Entity: []string{"user"}, Key: []string{"id"}, Measures: []string{"amount"}, TTL: model.TTL{Duration: 48 * time.Hour, Explicit: true},
		Tolerance:     model.DefaultTolerance,
		TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}}}
	return w
}

func (w *world) dayFile(day int) string {
	return filepath.Join(w.root, fmt.Sprintf("dt=2026-11-%02d", 1+day), "a.parquet")
}

// writeDay writes the file of a day, whose rows repeat some of the day before.
func (w *world) writeDay(day int, shift time.Duration, types ...fixtures.Type) {
	w.t.Helper()
	w.writeDayAs(day, shift, fixtures.Options{}, types...)
}

func (w *world) writeDayAs(day int, shift time.Duration, options fixtures.Options, types ...fixtures.Type) {
	w.t.Helper()
	id := fixtures.Column{Name: "id", Type: fixtures.Int64Type}
	if len(types) > 0 {
		id.Type = types[0]
	}
	event, ingested := fixtures.Column{Name: "event_time", Type: fixtures.AwareType}, fixtures.Column{Name: "ingested_at", Type: fixtures.AwareType}
	source, user := fixtures.Column{Name: "source", Type: fixtures.TextType}, fixtures.Column{Name: "user", Type: fixtures.Int64Type}
	region, amount := fixtures.Column{Name: "region", Type: fixtures.TextType}, fixtures.Column{Name: "amount", Type: fixtures.Int64Type}
	for i := range 200 {
		at := time.Date(2026, 11, 1+day, 0, 1+i, 0, 0, time.UTC).Add(shift)
		if id.Type == fixtures.FloatType {
			id.Values = append(id.Values, float64(day*190+i))
		} else {
			id.Values = append(id.Values, int64(day*190+i))
		}
		event.Values, ingested.Values = append(event.Values, at), append(ingested.Values, at.Add(time.Minute))
		source.Values, user.Values = append(source.Values, []string{"batch", "stream"}[i%2]), append(user.Values, int64(i%17))
		region.Values, amount.Values = append(region.Values, fmt.Sprint("r", i%3)), append(amount.Values, int64(i))
	}
	writeFile(w.t, w.dayFile(day), options, id, event, ingested, source, user, region, amount)
}

// edited is the same store with the same facts and another view. Nothing is added to the facts.
func (w *world) edited(t *testing.T, view model.View) *world {
	t.Helper()
	other := *w
	other.t, other.views, other.reading = t, []model.View{view}, true
	return &other
}

// sameWith compares a run with kept facts with one that reads all, and holds it to how many files it knew.
func (w *world) sameWith(what string, known int64) {
	w.t.Helper()
	before := w.known
	want := w.audit(nil, false)
	w.compare(what, w.withFacts(false), want)
	if got := w.known - before; got != known {
		w.t.Errorf("%s: %d files were known, want %d", what, got, known)
	}
}

// TestWhatFactsRestOn edits every key that a view has: those that facts rest on leave no file known, and all others leave all of them.
// A field of model.View without a line here fails; a table only says which files and rows count, which each file tells by itself.
func TestWhatFactsRestOn(t *testing.T) {
	db := openEngine(t)
	limit := 0.5
	type edit struct {
		rests bool
		do    func(v *model.View)
	}
	edits := map[string][]edit{
		"Name": {{false, func(v *model.View) { v.Name = "another" }}}, "Project": {{false, func(v *model.View) { v.Project = "p" }}}, "Owner": {{false, func(v *model.View) { v.Owner = "o" }}},
		"Kind": {{false, func(v *model.View) { v.Kind = model.KindStreamView }}}, "Path": {{false, func(v *model.View) { v.Path = "*/*.parquet" }}},
		"Table": nil, "Root": {{false, func(v *model.View) { v.Root, v.Path = filepath.Dir(v.Root), filepath.Base(v.Root)+"/**/*.parquet" }}}, "NoFiles": nil,
		"EventTime": {{true, func(v *model.View) { v.EventTime.Column = "ingested_at" }}}, "IngestedAt": {{true, func(v *model.View) { v.IngestedAt.Column = "" }}},
		"Source": {{true, func(v *model.View) { v.Source.Column = "region" }}},
		"Sources": {{true, func(v *model.View) { v.Sources = []model.SourcePolicy{{Name: "batch", Zone: "Asia/Tokyo"}} }},
			{true, func(v *model.View) { v.Sources = []model.SourcePolicy{{Name: "batch", MaxLag: time.Second}} }}},
		"Entity": {{true, func(v *model.View) { v.Entity = []string{"region"} }}}, "Writer": {{true, func(v *model.View) { v.Writer = []string{"region"} }}},
		"Key":       {{true, func(v *model.View) { v.Key = []string{"id", "region"} }}},
		"OncePer":   {{true, func(v *model.View) { v.OncePer = []string{"source"} }}},
		"Measures":  {{false, func(v *model.View) { v.Measures = nil }}},
		"Payload":   {{false, func(v *model.View) { v.Payload = []string{"amount"} }}},
		"Sensitive": {{true, func(v *model.View) { v.Sensitive = []string{"amount"} }}},
		"TTL":       {{true, func(v *model.View) { v.TTL.Duration = time.Hour }}},
		"MaxAge":    {{false, func(v *model.View) { v.MaxAge = time.Hour }}}, "MaxLag": {{true, func(v *model.View) { v.MaxLag = time.Second }}},
		"Tolerance": {{true, func(v *model.View) { v.Tolerance = time.Second }}}, "Zone": {{true, func(v *model.View) { v.Zone = "Asia/Tokyo" }}},
		"Rewrites":  {{false, func(v *model.View) { v.Rewrites = time.Hour }}},
		"Zones":     {{false, func(v *model.View) { v.Zones = []string{"Asia/Tokyo"} }}},
		"Reference": {{true, func(v *model.View) { v.Reference = model.ReferencePartitionStart }}},
		"TimePartition": {{true, func(v *model.View) { v.TimePartition.Zone = "Asia/Tokyo" }}, {true, func(v *model.View) { v.TimePartition.Of = model.OfIngestedAt }},
			{false, func(v *model.View) { v.TimePartition.Expected = model.ExpectWeekdays }}, {false, func(v *model.View) { v.TimePartition.CompleteAfter = time.Hour }}},
		"Materialized": {{false, func(v *model.View) {
			v.Materialized = []model.Interval{{End: time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)}}
		}}},
		"Checks":  {{false, func(v *model.View) { v.Checks = map[string]model.CheckPolicy{"stale-rows": {MaxFraction: &limit}} }}},
		"Origins": {{false, func(v *model.View) { v.Origins = nil }}},
	}
	w := keptWorld(t, db)
	fields := reflect.TypeFor[model.View]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		list, named := edits[name]
		if !named {
			t.Errorf("model.View.%s: say here whether facts of files rest on it, and add it to restsOn in audit/internal/collect if they do", name)
		}
		for n, e := range list {
			t.Run(fmt.Sprintf("%s %d", name, n), func(t *testing.T) {
				edited := w.edited(t, w.views[0])
				e.do(&edited.views[0])
				known := int64(keptDays)
				if e.rests {
					known = 0
				}
				edited.sameWith(name+" is edited", known)
			})
		}
	}
}

// TestWhatAFileIsKnownBy changes the oldest file in one way at a time, which leaves the others known, or what other files say of all.
func TestWhatAFileIsKnownBy(t *testing.T) {
	db := openEngine(t)
	for name, test := range map[string]struct {
		known int64
		do    func(w *world)
	}{
		"nothing":                {keptDays, func(*world) {}},
		"its time":               {keptDays - 1, func(w *world) { w.touch(w.dayFile(0)) }},
		"its footer":             {keptDays - 1, func(w *world) { w.inPlace(0, func() { w.writeDay(0, time.Second) }) }},
		"it is gone":             {keptDays - 1, func(w *world) { w.do(os.Remove(w.dayFile(0))) }},
		"it has another name":    {keptDays - 1, func(w *world) { w.do(os.Rename(w.dayFile(0), filepath.Join(filepath.Dir(w.dayFile(0)), "b.parquet"))) }},
		"the type of the newest": {0, func(w *world) { w.writeDay(keptDays-1, 0, fixtures.FloatType) }},
		"as_of goes on":          {keptDays, func(w *world) { w.asOf = w.asOf.AddDate(1, 0, 0) }},
		"as_of goes back":        {2, func(w *world) { w.asOf = time.Date(2026, 11, 3, 5, 0, 0, 0, time.UTC) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := keptWorld(t, db)
			test.do(w)
			w.sameWith(name, test.known)
		})
	}
}

// inPlace writes a file again and gives it the time that it had.
func (w *world) inPlace(day int, write func()) {
	w.t.Helper()
	info, err := os.Stat(w.dayFile(day))
	w.do(err)
	write()
	w.do(os.Chtimes(w.dayFile(day), info.ModTime(), info.ModTime()))
}
