package audit_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

// lake is a table of a few days, whose keys repeat within and across them with values that differ now and then.
type lake struct {
	w *world
	// commit writes a version: files that come or have other deleted rows, and paths that go.
	commit func(add []*lakeFile, remove ...string) error
	// checkpoint is nil where the format has none, and checkpoints are the kinds that it writes.
	checkpoint  func() error
	checkpoints []string
	// location is where the format says that it lies; empty for its folder.
	location string
	// once says that rows of a file are deleted once only.
	once bool
	// local says that files hold local times in place of instants.
	local      bool
	live, gone []*lakeFile
	written    int
}

// lakeFile is a data file with all its rows, those that were deleted later included.
type lakeFile struct {
	path string
	day  int
	rows []storedRow
	// deleted are the numbers of rows that do not count, and fresh those of them that the format has not been told of yet.
	deleted, fresh []int64
	written        bool
	// local says that it holds local times.
	local bool
}

// lakeDays are the days of a table, and lakeIDs so many keys that rows share.
const (
	lakeDays = 5
	lakeIDs  = 400
)

// newLake makes a world whose store is a table: Delta, or Iceberg of version 2 with position deletes or of version 3 with deletion vectors.
func newLake(t *testing.T, adapters audit.Adapters, seed uint64, iceberg bool) *world {
	t.Helper()
	if iceberg {
		return newLakeOf(t, adapters, seed, func(l *lake) { l.icebergTable(2 + l.w.rng.IntN(2)) })
	}
	return newLakeOf(t, adapters, seed, (*lake).deltaTable)
}

// newLakeOf makes a world whose store is as a function begins it.
func newLakeOf(t *testing.T, adapters audit.Adapters, seed uint64, begin func(*lake)) *world {
	t.Helper()
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 23)), adapters: adapters, root: t.TempDir(), pool: t.TempDir(), facts: filepath.Join(t.TempDir(), "facts"),
		asOf: time.Date(2026, 11, 6+14*int(seed%2), 0, 0, 0, 0, time.UTC)}
	w.views = []model.View{{Name: "lake", Path: w.root, EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"},
		Source: model.SourceColumn{Column: "source"}, Entity: []string{"user"}, Key: []string{"id"}, Measures: []string{"amount"}, TTL: model.TTL{Duration: 48 * time.Hour, Explicit: true},
		Tolerance: model.DefaultTolerance, Zone: "UTC", Origins: model.Origins{}, TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}}}
	w.lake = &lake{w: w}
	begin(w.lake)
	for day := range lakeDays {
		w.lake.add(w.lake.file(day, w.lake.rows(day)))
	}
	return w
}

func (l *lake) deltaTable() {
	l.deltaTableOf(deltatable.Options{Schema: tableFields("event_time", "ingested_at"), Features: []string{"deletionVectors", "v2Checkpoint"}}, "i", "u", "p")
}

// deltaTableOf is a table whose deleted rows stand in one of some places.
func (l *lake) deltaTableOf(o deltatable.Options, stores ...string) {
	o.Partitions, o.Reader = []string{"dt"}, 3
	table, err := deltatable.New(l.w.root, o)
	l.w.do(err)
	l.commit = func(add []*lakeFile, remove ...string) error {
		var files []deltatable.File
		for _, f := range add {
			files = append(files, deltatable.File{Path: f.path, Values: map[string]any{"dt": f.date()}, Rows: f.table(), Deleted: f.deleted, Store: stores[l.w.rng.IntN(len(stores))]})
		}
		return table.Commit(files, remove...)
	}
	if l.checkpoints == nil {
		l.checkpoints = []string{deltatable.Classic, deltatable.Parts, deltatable.V2Parquet, deltatable.V2JSON}
	}
	l.checkpoint = func() error {
		return table.Checkpoint(l.checkpoints[l.w.rng.IntN(len(l.checkpoints))])
	}
}

func (l *lake) icebergTable(format int) {
	o := icebergtable.Options{Format: format, Location: l.location, Partitions: []icebergtable.Partition{{Source: 8, ID: 1000, Name: "dt", Transform: "identity"}}}
	for i, f := range [][2]string{{"id", "long"}, {"user", "long"}, {"event_time", "timestamptz"}, {"ingested_at", "timestamptz"}, {"source", "string"}, {"region", "string"}, {"amount", "long"}, {"dt", "string"}} {
		o.Fields = append(o.Fields, icebergtable.Field{ID: i + 1, Name: f[0], Type: f[1]})
	}
	table, err := icebergtable.New(l.w.root, o)
	l.w.do(err)
	l.once = format == 3
	l.commit = func(add []*lakeFile, remove ...string) error {
		c := icebergtable.Change{Remove: remove, Operation: "overwrite"}
		for _, f := range add {
			values := []any{f.date()}
			if !slices.Contains(l.live, f) {
				c.Add = append(c.Add, icebergtable.File{Path: f.path, Rows: f.table(), Values: values, There: f.written, Count: int64(len(f.rows))})
			}
			if len(f.fresh) == 0 {
				continue
			}
			d := icebergtable.Delete{Values: values, Positions: map[string][]int64{f.path: f.fresh}, Bounds: l.w.rng.IntN(2) == 0, Path: fmt.Sprintf("deletes/%d-%d.parquet", table.Version, len(c.Deletes))}
			if format == 3 {
				d.Positions, d.Vectors, d.Path = nil, d.Positions, fmt.Sprintf("deletes/%d-%d.puffin", table.Version, len(c.Deletes))
			}
			c.Deletes = append(c.Deletes, d)
		}
		return table.Commit(c)
	}
}

func (f *lakeFile) date() string { return fmt.Sprintf("2026-11-%02d", 1+f.day) }

func (f *lakeFile) table() fixtures.Table {
	types := usualTypes()
	if f.local {
		types.event, types.ingested = fixtures.NaiveType, fixtures.NaiveType
	}
	columns := []fixtures.Column{{Name: "id", Type: types.id}, {Name: "user", Type: types.user}, {Name: "event_time", Type: types.event}, {Name: "ingested_at", Type: types.ingested},
		{Name: "source", Type: fixtures.TextType}, {Name: "region", Type: fixtures.TextType}, {Name: "amount", Type: fixtures.Int64Type}}
	for _, r := range f.rows {
		for n, value := range []any{r.id, r.user, r.event, r.ingested, r.source, r.region, r.amount} {
			columns[n].Values = append(columns[n].Values, value)
		}
	}
	return fixtures.Table{Columns: columns}
}

// count are the rows that count.
func (f *lakeFile) count() []storedRow {
	var rows []storedRow
	for i, r := range f.rows {
		if !slices.Contains(f.deleted, int64(i)) {
			rows = append(rows, r)
		}
	}
	return rows
}

// rows are new rows of a day, most of which say what others with their key say.
func (l *lake) rows(day int) []storedRow {
	rng := l.w.rng
	rows := make([]storedRow, 1+rng.IntN(60))
	for i := range rows {
		id := int64(rng.IntN(lakeIDs))
		at := time.Date(2026, 11, 1+day, 0, int(id)%1440, 0, 0, time.UTC)
		rows[i] = storedRow{id, id % 17, at, at.Add(time.Duration(rng.IntN(3)) * time.Hour), []string{"batch", "stream"}[id%2], fmt.Sprint("r", id%3), id}
		switch rng.IntN(12) {
		case 0:
			rows[i].amount++
		case 1:
			rows[i].region = "elsewhere"
		case 2:
			rows[i].id = nil
		}
	}
	return rows
}

func (l *lake) file(day int, rows []storedRow) *lakeFile {
	l.written++
	return &lakeFile{path: fmt.Sprintf("dt=2026-11-%02d/part-%d.parquet", 1+day, l.written), day: day, rows: rows, local: l.local}
}

// add commits files that come, or that have other deleted rows, while others go.
func (l *lake) add(f *lakeFile, remove ...*lakeFile) {
	var paths []string
	for _, g := range remove {
		paths = append(paths, g.path)
	}
	l.w.do(l.commit([]*lakeFile{f}, paths...))
	f.written, f.fresh = true, nil
	l.live = slices.DeleteFunc(l.live, func(g *lakeFile) bool { return slices.Contains(remove, g) })
	l.gone = append(l.gone, remove...)
	if !slices.Contains(l.live, f) {
		l.live = append(l.live, f)
	}
}

func (l *lake) any() *lakeFile { return l.live[l.w.rng.IntN(len(l.live))] }

// remove deletes some of the rows that count.
func (l *lake) remove(f *lakeFile) {
	if l.once && len(f.deleted) > 0 {
		return
	}
	for i := range f.rows {
		if n := int64(i); l.w.rng.IntN(3) == 0 && !slices.Contains(f.deleted, n) {
			f.deleted, f.fresh = append(f.deleted, n), append(f.fresh, n)
		}
	}
	slices.Sort(f.deleted)
	if len(f.fresh) > 0 {
		l.add(f)
	}
}

// lakeHappenings are what may happen to a table between two nights; what happens to its policy, the clock and the facts is as of other stores.
var lakeHappenings = []happening{
	{"a version is appended", func(w *world) { day := w.rng.IntN(lakeDays); w.lake.add(w.lake.file(day, w.lake.rows(day))) }},
	{"rows are deleted", func(w *world) { w.lake.remove(w.lake.any()) }},
	{"rows of the oldest day are deleted", func(w *world) { w.lake.remove(w.lake.live[0]) }},
	{"a file is rewritten without its deleted rows", func(w *world) {
		f := w.lake.any()
		w.lake.add(w.lake.file(f.day, f.count()), f)
	}},
	{"rows are updated in a new file", func(w *world) {
		f := w.lake.any()
		rows := f.count()
		for i := range rows {
			if w.rng.IntN(8) == 0 {
				rows[i].amount += 1000
			}
		}
		w.lake.add(w.lake.file(f.day, rows), f)
	}},
	{"a day is compacted", func(w *world) {
		day := w.lake.any().day
		var files []*lakeFile
		var rows []storedRow
		for _, f := range w.lake.live {
			if f.day == day {
				files, rows = append(files, f), append(rows, f.count()...)
			}
		}
		w.lake.add(w.lake.file(day, rows), files...)
	}},
	{"a file that went is restored", func(w *world) {
		l := w.lake
		l.gone = slices.DeleteFunc(l.gone, func(f *lakeFile) bool { return l.once && len(f.deleted) > 0 })
		if len(l.gone) == 0 {
			return
		}
		i := w.rng.IntN(len(l.gone))
		f := l.gone[i]
		l.gone = slices.Delete(l.gone, i, i+1)
		f.deleted = nil
		l.add(f)
	}},
	{"the log is checkpointed", func(w *world) {
		if w.lake.checkpoint != nil {
			w.do(w.lake.checkpoint())
		}
	}},
}

// happenings are what may happen in this world.
func (w *world) happenings() []happening {
	if w.lake == nil {
		return happenings
	}
	settled := slices.IndexFunc(happenings, func(h happening) bool { return h.name == "the ttl is edited" })
	return slices.Concat(lakeHappenings, lakeHappenings, happenings[settled:])
}

// verifiedRows counts those that a folder of facts has now.
func (w *world) verifiedRows() int64 {
	stock, err := kept.Local(w.facts).Take(w.t.Context())
	if err != nil {
		w.t.Fatal(errors.Join(errors.New("take stock"), err))
	}
	rows := int64(0)
	for _, f := range kept.Latest(stock) {
		for _, r := range f.At[kept.VerifiedName] {
			rows += r.Count
		}
	}
	return rows
}
