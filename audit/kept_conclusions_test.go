package audit_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
)

// conclusions are what the survey, the plan and the policy conclude of a file from the others: an edit of one file, the oldest or the newest,
// has others read again that nobody touched. The common forms of key and entity columns are among the guards. A column that some file lacks
// takes its role from all; what was kept under it is not even asked for then, so that no stale fact of it could tell.
func conclusions() map[string]guard {
	rows := map[string]guard{}
	bare := fixtures.Options{NoStatistics: true}
	event, ingested := usualTypes(), usualTypes()
	event.event, ingested.ingested = fixtures.Int64Type, fixtures.Int64Type
	since := func(of string, unit time.Duration) (storedTypes, func(i int, r *storedRow)) {
		if of == "ingested_at" {
			return ingested, func(_ int, r *storedRow) { r.ingested = r.ingested.(time.Time).UnixNano() / int64(unit) } //nolint:errcheck,forcetypeassert // it is one
		}
		return event, func(_ int, r *storedRow) { r.event = r.event.(time.Time).UnixNano() / int64(unit) } //nolint:errcheck,forcetypeassert // it is one
	}
	// the unit of numbers without statistics is that which one other file tells, or most others
	for _, of := range []string{"event_time", "ingested_at"} {
		for telling, others := range map[int][]int{0: {1, 2, 3}, keptDays - 1: {0, 1, 2}} {
			tell := func(unit time.Duration) func(w *world) {
				return func(w *world) {
					types, change := since(of, unit)
					w.storeDay(telling, types, change)
				}
			}
			rows[fmt.Sprintf("the unit of %s, which file %d alone tells", of, telling)] = guard{func(w *world) {
				types, change := since(of, time.Second)
				for _, day := range others {
					w.storeAt(w.dayFile(day), day, bare, types, change)
				}
				tell(time.Second)(w)
			}, tell(time.Millisecond), 0, nil, others}
		}
	}
	rows["the unit of event times, which most others tell"] = guard{func(w *world) {
		types, change := since("event_time", time.Second)
		w.storeAt(w.dayFile(3), 3, bare, types, change)
		for _, day := range []int{0, 1} {
			w.storeDay(day, types, change)
		}
		types, change = since("event_time", time.Millisecond)
		w.storeDay(2, types, change)
	}, func(w *world) {
		types, change := since("event_time", time.Millisecond)
		w.storeDay(0, types, change)
	}, 2, nil, []int{3}}

	// the form of writers
	unsigned := usualTypes()
	unsigned.user = fixtures.Type{Kind: fixtures.Int, Width: 64, Unsigned: true}
	for edited, others := range map[int][]int{0: {1, 2, 3}, keptDays - 1: {0, 1, 2}} {
		rows[fmt.Sprintf("the common form of writers, for file %d is of another type", edited)] = guard{func(w *world) {
			w.views[0].Entity, w.views[0].Writer = []string{"region"}, []string{"user"}
		}, func(w *world) { w.storeDay(edited, unsigned, nil) }, 0, nil, others}
	}

	rows["the grain of partitions, which older folders of whole days make coarser"] = guard{func(w *world) {
		w.views[0].TimePartition = model.TimePartition{}
		for day := range keptDays {
			w.do(os.Remove(w.dayFile(day)))
			w.storeAt(w.hourFile(day), day, fixtures.Options{}, usualTypes(), nil)
		}
	}, func(w *world) {
		for _, day := range []int{-2, -1} { // of October
			w.storeAt(filepath.Join(w.root, time.Date(2026, 11, 1+day, 0, 0, 0, 0, time.UTC).Format("dt=2006-01-02"), "a.parquet"), day, fixtures.Options{}, usualTypes(), nil)
		}
	}, 0, nil, nil}
	older := func(w *world, day int) string { return filepath.Join(w.root, fmt.Sprint("old", day), "a.parquet") }
	rows["the time partition that a default names, once no older folder is without it"] = guard{func(w *world) {
		w.storeDay(0, usualTypes(), func(i int, r *storedRow) {
			if i < 20 {
				r.event = r.event.(time.Time).AddDate(0, 0, -1) //nolint:errcheck,forcetypeassert // it is one
			}
		})
		w.views[0].Origins = model.Origins{"time_partition.column": {Kind: model.OriginForAll}, "time_partition.grain": {Kind: model.OriginForAll}}
		for _, day := range []int{-2, -1} {
			w.storeAt(older(w, day), day, fixtures.Options{}, usualTypes(), nil)
		}
	}, func(w *world) { w.do(errors.Join(os.Remove(older(w, -2)), os.Remove(older(w, -1)))) }, 0, nil, nil}
	rows["the names of columns, which the newest version of a table has"] = guard{func(w *world) { w.asTable() },
		func(w *world) { w.do(w.table.Alter(tableFields("ingested_at", "event_time"), tableSettings())) }, 0, nil, nil}
	deleting := func(rows ...int64) func(w *world) {
		return func(w *world) {
			f := w.tableFile(0)
			f.Deleted = rows
			w.do(w.table.Commit([]deltatable.File{f}))
		}
	}
	rows["the rows that do not count, of which a newer version of a table deletes others in the oldest file"] = guard{func(w *world) {
		w.asTable()
		deleting(195, 196)(w)
	}, deleting(3, 77), 3, nil, []int{0}}
	return rows
}

// hourFile is the file of a day in a folder of an hour.
func (w *world) hourFile(day int) string {
	return filepath.Join(filepath.Dir(w.dayFile(day)), "hour=00", "a.parquet")
}

// asTable makes the store a Delta table whose files know their columns by other names.
func (w *world) asTable() {
	w.t.Helper()
	var err error
	w.table, err = deltatable.New(w.root, deltatable.Options{Schema: tableFields("event_time", "ingested_at"), Partitions: []string{"dt"}, Reader: 3,
		Features: []string{"columnMapping", "deletionVectors"}, Settings: tableSettings()})
	w.do(err)
	w.views[0].Path, w.views[0].Root = w.root, ""
	for day := range keptDays {
		w.do(w.table.Commit([]deltatable.File{w.tableFile(day)}))
	}
}

func (w *world) tableFile(day int) deltatable.File {
	path, err := filepath.Rel(w.root, w.dayFile(day))
	w.do(err)
	return deltatable.File{Path: filepath.ToSlash(path), Values: map[string]any{"dt": fmt.Sprintf("2026-11-%02d", 1+day)}}
}

func tableSettings() map[string]string { return map[string]string{"delta.columnMapping.mode": "name"} }

// tableFields are those of the stores of these tests, where the columns of the two times have these names now.
func tableFields(event, ingested string) []map[string]any {
	var fields []map[string]any
	for i, c := range [][3]string{{"id", "id", "long"}, {"user", "user", "long"}, {event, "event_time", "timestamp"}, {ingested, "ingested_at", "timestamp"},
		{"source", "source", "string"}, {"region", "region", "string"}, {"amount", "amount", "long"}, {"dt", "dt", "string"}} {
		f := deltatable.Field(c[0], c[2])
		f["metadata"] = map[string]any{"delta.columnMapping.id": i + 1, "delta.columnMapping.physicalName": c[1]}
		fields = append(fields, f)
	}
	return fields
}
