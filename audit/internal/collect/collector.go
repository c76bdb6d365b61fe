package collect

import (
	"bufio"
	"cmp"
	"context"
	"errors"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// Collector reads the Parquet files of a store with an engine that hands rows over in blocks. It implements engine.Collector.
type Collector struct {
	Engine engine.Scanner
	Store  store.Store
	// Stage brings distant files here; nil where there are none.
	Stage Stage
	// Atlas keeps zones that were read; nil reads them anew.
	Atlas *zone.Atlas
	// Kept knows facts of earlier runs and takes those of this one, nil for none; Paranoid says that none of them is trusted, and
	// Distrusts names files by path of which none is; nil for none. Release names the releases of the engine and of the zones, which facts
	// rest on.
	Kept      *kept.Dir
	Paranoid  bool
	Distrusts func(path string) bool
	Release   string
	// Hasher hides hashes of what is sensitive with the user's key; nil without one.
	Hasher *sensitive.Hasher
}

var _ engine.Collector = Collector{}

// sampledRows is how many repeated rows are kept for each key that a finding may show.
const sampledRows = 16

// Collect implements engine.Collector.
func (c Collector) Collect(ctx context.Context, o engine.Order) (facts.Collection, error) {
	found, err := Collect(ctx, c.Engine, c.Request(o))
	if err != nil {
		return facts.Collection{}, err
	}
	return *found, nil
}

// Request is how an order is carried out: by the view's layout, its zones, and the bytes of its files.
func (c Collector) Request(o engine.Order) Request {
	view, own := o.View, ownOf(o.View, o.Survey)
	view.Key = view.KeyColumns()
	return Request{View: view, Survey: o.Survey, AsOf: o.AsOf, Wants: o.Wants, Workers: o.Room.Workers, SliceRows: o.Room.SliceRows,
		RunMemory: o.Room.Runs, Slices: o.Room.Slices, TempDir: o.Room.TempDir, Atlas: c.Atlas, Kept: c.Kept, Paranoid: c.Paranoid, Distrusts: c.Distrusts, Release: c.Release, Hasher: c.Hasher,
		RowsLimit: max(o.RowsLimit, sampledRows*o.Samples), Samples: o.Samples, Aside: o.Aside,
		Units:     func(schema int32, column string) string { return epochUnit(o.Survey.Schemas[schema], column) },
		OwnAgrees: own.agrees,
		OwnHolds:  own.holds,
		Offsets:   func(from, to times.Instant) []int64 { return offsets(c.Atlas, view, from, to) },
		Truncated: survey.Truncated,
		Nanos: func(ctx context.Context, f facts.File, column facts.Column, rows []int64) ([]int64, error) {
			return survey.Nanos(ctx, c.Store, f, column, rows)
		},
		Values: func(ctx context.Context, f facts.File, column facts.Column, rows []int64, numbers bool) (facts.Values, error) {
			return survey.Values(ctx, c.Store, f, column, rows, numbers)
		},
		Pages: func(ctx context.Context, f facts.File, columns []facts.Column, wanted func(group int) bool) (int64, []facts.ColumnProblem, error) {
			return survey.Pages(ctx, c.Store, f, columns, wanted)
		},
		Changed: func(ctx context.Context, f facts.File) *facts.Problem {
			return survey.Changed(ctx, c.Store, f)
		},
		Repage: func(ctx context.Context, f facts.File, wanted func(string) bool) (Repaged, error) {
			return c.Repage(ctx, o.Room, f, wanted)
		},
		Stage:    c.Stage,
		Progress: o.Progress}
}

// Repage copies the wanted columns of a file into the temporary folder, in smaller pages. While it is copied no query runs: the largest page may take what is
// the engine's and the runs' otherwise. Row groups are so small that the rows that each worker has at hand are few where they are large.
func (c Collector) Repage(ctx context.Context, room engine.Room, f facts.File, wanted func(string) bool) (Repaged, error) {
	file, name, err := keys.Scratch(room.TempDir)
	if err != nil {
		return Repaged{}, err
	}
	out := bufio.NewWriterSize(file, repageBuffer)
	free, err := keys.FreeBytes(room.TempDir)
	if err != nil {
		return Repaged{}, errors.Join(err, file.Close())
	}
	limits := survey.RepageLimits{Page: room.Runs / 2 * 5, Group: room.Runs / 10 / int64(max(1, room.Workers)),
		Copy: min(free/2, mostGrown*(f.Size+f.Rows*f.RowBytes)+repageFloor)}
	groups, largest, err := survey.Repage(ctx, c.Store, f, wanted, limits, out)
	if err = cmp.Or(err, out.Flush()); err != nil {
		return Repaged{}, errors.Join(err, file.Close())
	}
	return Repaged{Name: name, RowGroups: groups, RowBytes: largest, Close: func() { file.Close() }}, nil
}

// A copy may be so many times its file, plus as much as any may: what a dictionary says once stands in each row of a copy.
const (
	mostGrown   = 16
	repageFloor = 256 << 20
)

// repageBuffer is what is written to such a copy at once.
const repageBuffer = 256 << 10

// offsets are the UTC offsets, in seconds, that the view's zones had between two instants, or that any zone had where
// none is declared.
func offsets(atlas *zone.Atlas, view model.View, from, to times.Instant) []int64 {
	real := atlas.RealOffsets(from, to)
	if len(view.Zones) > 0 {
		// a zone that does not load was refused with the config
		real, _ = atlas.OffsetsOf(view.Zones, from, to)
	}
	seconds := make([]int64, len(real))
	for i, offset := range real {
		seconds[i] = int64(offset.Offset)
	}
	return seconds
}

// own compares a partition column inside files with their paths, by meaning.
type own struct {
	layout     partition.Layout
	err        error
	partitions []facts.Partition
}

func ownOf(view model.View, s facts.Survey) own {
	layout, err := partition.New(view.TimePartition)
	return own{layout, err, s.Partitions}
}

// agrees says whether a text means what the path of its file means. In a partition without a date no value does.
func (o own) agrees(file facts.File, column, value string) bool {
	if o.err != nil || file.Partition < 0 {
		return true
	}
	p := o.partitions[file.Partition]
	return p.Dated() && o.layout.Agrees(p.Start, column, value)
}

// holds says the same of typed times.
func (o own) holds(file facts.File, column string) func(micros int64, aware bool) bool {
	if o.err != nil || file.Partition < 0 || !o.partitions[file.Partition].Dated() {
		return func(int64, bool) bool { return o.err != nil }
	}
	bounds, ok := o.layout.KeyBounds(o.partitions[file.Partition].Start, column)
	return func(micros int64, aware bool) bool { return ok && bounds.Holds(micros, aware) }
}

// epochUnit is the unit that the survey inferred for an integer time.
func epochUnit(schema facts.Schema, name string) string {
	if column := schema.Lookup(name); column != nil {
		return column.EpochUnit
	}
	return ""
}
