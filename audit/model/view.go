package model

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// TableAt says which version of a table is meant: its newest where nothing is set.
type TableAt struct {
	// Trino is the table's name on Trino, catalog.schema.table, where its rows are counted. Empty where files are read by Path alone.
	Trino string
	// Format is "delta" or "iceberg"; empty means what is found.
	Format string
	// Version is the number of a Delta version or the id of an Iceberg snapshot; nil means none is named.
	Version *int64
	// AsOf means the version that was the newest at an instant; zero means none is named.
	AsOf time.Time
	// Branch is a branch or tag of an Iceberg table.
	Branch string
	// Name is that of an Iceberg table in the REST catalog that the view's path is the address of, and Warehouse the catalog's
	// warehouse; empty means its default.
	Name, Warehouse string
	// Relocated says that an Iceberg table was moved as a whole: what its metadata names below its old folder lies below this one.
	Relocated bool
}

// The formats of tables.
const (
	TableDelta   = "delta"
	TableIceberg = "iceberg"
)

// Named is how many of its keys each name a version: want at most one.
func (t TableAt) Named() int {
	named := 0
	for _, is := range [...]bool{t.Version != nil, !t.AsOf.IsZero(), t.Branch != ""} {
		if is {
			named++
		}
	}
	return named
}

// Declared says whether anything is said of a table at all.
func (t TableAt) Declared() bool {
	return t.Format != "" || t.Version != nil || !t.AsOf.IsZero() || t.Branch != "" || t.Name != "" || t.Warehouse != "" || t.Relocated
}

// String is the declaration in words.
func (t TableAt) String() string {
	var parts []string
	if t.Trino != "" {
		parts = append(parts, t.Trino)
	}
	if t.Format != "" {
		parts = append(parts, "format "+t.Format)
	}
	if t.Version != nil {
		parts = append(parts, fmt.Sprintf("version %d", *t.Version))
	}
	if !t.AsOf.IsZero() {
		parts = append(parts, "as_of "+t.AsOf.UTC().Format(time.RFC3339))
	}
	if t.Branch != "" {
		parts = append(parts, "branch "+t.Branch)
	}
	if t.Name != "" {
		parts = append(parts, "name "+t.Name)
	}
	if t.Warehouse != "" {
		parts = append(parts, "warehouse "+t.Warehouse)
	}
	if t.Relocated {
		parts = append(parts, "relocated")
	}
	return strings.Join(parts, ", ")
}

// ViewKind names what a feature view is fed by, in Feast's words.
type ViewKind string

// The kinds of a view. Only kinds with files can be audited.
const (
	KindFeatureView   ViewKind = "feature_view"
	KindStreamView    ViewKind = "stream_feature_view"
	KindOnDemandView  ViewKind = "on_demand_feature_view"
	KindLabelView     ViewKind = "label_view"
	KindUnknownSource ViewKind = ""
)

// View is one feature view as it will be audited: every key of the config file after defaults, definitions and
// flags are merged, with the origin of each value.
type View struct {
	Name    string
	Project string
	Owner   string
	Kind    ViewKind

	// Path is a glob over Parquet files (** * ? [] {a,b}), a directory or a file. Empty when the view has no files.
	Path string
	// Root is the absolute directory that a relative Path starts from.
	Root string
	// Table says which version of a table is meant, where Path is the folder of one.
	Table TableAt
	// NoFiles says why a view cannot have files (push, request, stream only, warehouse). Empty otherwise.
	NoFiles string

	EventTime  TimeColumn
	IngestedAt TimeColumn
	Source     SourceColumn
	// Sources are the declared overrides, sorted by name. Only these get verdicts of their own.
	Sources []SourcePolicy

	Entity []string
	// Writer are the columns that say who stamped a row's times: a device, a shop. Empty means the entity.
	Writer []string
	Key    []string
	// OncePer lists what a key may appear once for: "source", "partition". Empty means once in all.
	OncePer   []string
	Measures  []string
	Payload   []string
	Sensitive []string

	TTL TTL
	// MaxAge, MaxLag: 0 means not declared.
	MaxAge time.Duration
	MaxLag time.Duration
	// Tolerance is how far after its ingest time an event time may lie before the row is a future row.
	Tolerance time.Duration
	// Rewrites is how far back from now closed partitions are rewritten by design; 0 means none are.
	Rewrites time.Duration
	// Zone is the IANA zone that naive times are read in; "device" means unknown row by row. Empty means UTC by default.
	Zone string
	// Zones narrows the offsets that zone evidence may propose.
	Zones     []string
	Reference Reference

	TimePartition TimePartition
	// Materialized are the ranges of event time that a registry says were written to the online store, sorted by their start.
	Materialized []Interval
	// Checks overrides a check's severity and parameters, by check id.
	Checks map[string]CheckPolicy

	Origins Origins
}

// Interval is a range of event time, from its start up to its end.
type Interval struct{ Start, End time.Time }

// DefaultTolerance is how far an event time may lie after its ingest time when the policy does not say.
const DefaultTolerance = 5 * time.Minute

// ZoneDevice is the pseudo zone of a source whose writers stamp their own local time.
const ZoneDevice = "device"

// KeyColumns are the columns of the key, declared or defaulted to (entity, event_time); none where there is neither.
func (v View) KeyColumns() []string {
	if len(v.Key) > 0 {
		return v.Key
	}
	if len(v.Entity) == 0 || !v.EventTime.Declared() {
		return nil
	}
	return append(append([]string{}, v.Entity...), v.EventTime.Column)
}

// Hides says whether no value of a column may leave the store: it, or the struct that holds it, is declared sensitive. Letters
// are taken in either case, as engines take them.
func (v View) Hides(column string) bool {
	return slices.ContainsFunc(v.Sensitive, func(name string) bool {
		return strings.EqualFold(column, name) || len(column) > len(name) && column[len(name)] == '.' && strings.EqualFold(column[:len(name)], name)
	})
}

// TimeColumn says how to read a time: a column name, and where the file itself does not say, its zone, unit and format.
type TimeColumn struct {
	// Column is a column name or a struct path with dots. Empty means that the view has no such column.
	Column string
	// Zone is the IANA zone (or "device") of naive values. It never shifts an aware value.
	Zone string
	// Unit of integer and floating values: "s", "ms", "us", "ns". Empty means inferred by magnitude.
	Unit string
	// Format of text values: "rfc3339" (the default) or a strptime pattern such as "%Y-%m-%d %H:%M:%S".
	Format string
}

// CommitColumn is an ingest time that stands in the log of a table: when the commit was made that added a row's file. Files have no such
// column of their own, since Delta keeps the name for itself.
const CommitColumn = "_commit_timestamp"

// Declared says whether the column is named at all.
func (t TimeColumn) Declared() bool { return t.Column != "" }

// ArrivesByCommit says that some ingest time of the view is a commit time.
func (v View) ArrivesByCommit() bool {
	return v.IngestedAt.Column == CommitColumn || slices.ContainsFunc(v.Sources, func(s SourcePolicy) bool { return s.IngestedAt.Column == CommitColumn })
}

// SourceColumn says where a row's source comes from: a column, or a segment of the file's path below the view's root.
type SourceColumn struct {
	Column string
	// PathSegment is 1 for the first directory below the fixed part of the glob; 0 means that Column is used.
	PathSegment int
}

// Declared says whether rows have a source at all.
func (s SourceColumn) Declared() bool { return s.Column != "" || s.PathSegment > 0 }

// SourcePolicy overrides the view's policy for the rows of one source.
type SourcePolicy struct {
	Name string
	// Path is a glob of its own for this source's files; empty means that the view's Path holds them.
	Path       string
	EventTime  TimeColumn
	IngestedAt TimeColumn
	Zone       string
	MaxAge     time.Duration
	MaxLag     time.Duration
	// Until is when the source was retired: afterwards it is not expected to be fresh. Zero means never.
	Until time.Time
}

// TTL is how long a row stays valid after its event time.
type TTL struct {
	// Duration is the effective ttl; 0 together with an empty Never means that the definition never expires by omission.
	Duration time.Duration
	// Never is the written reason of an acknowledged evergreen view.
	Never string
	// OnWire says how the definition writes it: "absent", "zero" or "set".
	OnWire string
	// Explicit says that the value was written, even where it is negative or absurd.
	Explicit bool
}

// Effective says whether rows expire at all.
func (t TTL) Effective() bool { return t.Duration > 0 }

// Declared says whether the ttl is a decision: an effective duration, or an acknowledged never.
func (t TTL) Declared() bool { return t.Duration > 0 || t.Never != "" }

// Reference is the instant that a row's age is measured at.
type Reference string

// The reference instants of stale-rows.
const (
	ReferenceDefault        Reference = ""
	ReferencePartitionEnd   Reference = "partition_end"
	ReferencePartitionStart Reference = "partition_start"
	ReferenceIngestedAt     Reference = "ingested_at"
	ReferenceAsOf           Reference = "as_of"
)

// Grain is the length of a time partition in its own zone's calendar.
type Grain string

// The grains of time partitions. A week begins on Monday.
const (
	GrainNone  Grain = ""
	GrainHour  Grain = "hour"
	GrainDay   Grain = "day"
	GrainWeek  Grain = "week"
	GrainMonth Grain = "month"
)

// PartitionMeaning is what the date of a partition says about its rows.
type PartitionMeaning string

// The meanings of a partition's date.
const (
	OfEventTime  PartitionMeaning = "event_time"
	OfIngestedAt PartitionMeaning = "ingested_at"
	OfSnapshot   PartitionMeaning = "snapshot"
)

// Expected is which partitions the calendar must hold.
type Expected string

// The expected sequences of partitions.
const (
	ExpectAll      Expected = "all"
	ExpectWeekdays Expected = "weekdays"
	ExpectAny      Expected = "any"
)

// TimePartition says how a view's paths carry time.
type TimePartition struct {
	// Columns are the hive keys, coarse to fine: [dt] or [year, month, day, hour]. Empty with a Grain set means
	// plain dated folders (2026/11/03).
	Columns []string
	Grain   Grain
	// Zone is the IANA zone of the partition's calendar. Empty means UTC.
	Zone          string
	Of            PartitionMeaning
	Expected      Expected
	CompleteAfter time.Duration
	// ExpectedBy is for whom each partition must exist: "source", "view" or another hive key of the paths. Empty means for each
	// declared source where paths tell the source, else for the view.
	ExpectedBy string
}

// The words of ExpectedBy that are no hive key.
const (
	ExpectedBySource = "source"
	ExpectedByView   = "view"
)

// Declared says whether the view is partitioned by time.
func (p TimePartition) Declared() bool { return p.Grain != GrainNone }

// CheckPolicy overrides one check for one view.
type CheckPolicy struct {
	// Severity is "error", "warn" or "off"; empty keeps the catalogue's.
	Severity string
	// MaxFraction of a finding's rows that may be bad; nil means none.
	MaxFraction *float64
	// MinRows is the least number of rows that a fraction is judged on (default 100), or thin-partitions' floor.
	MinRows *int64
	// MaxRows is the most rows of a closed partition, and MaxRatio how many times the usual number it may hold, for thick-partitions.
	MaxRows  *int64
	MaxRatio *float64
	// MustSee is the least share of rows at another offset that a pass of mixed-zones must be able to see; nil means 0.05.
	MustSee *float64
}

// Suppression accepts a known finding, for a reason and a while.
type Suppression struct {
	Check  string
	View   string
	Source string
	// Partition or RangeFrom..RangeTo (both included, as partition values) narrow it.
	RangeFrom, RangeTo string
	// MaxRows is the most that it accepts of what the check counts, in one view; 0 means any number.
	MaxRows int64
	Reason  string
	Owner   string
	// Until is the first instant at which it no longer holds; zero means that it has no end.
	Until time.Time
	// Origin is file:line of its declaration.
	Origin string
}

// Consumer declares what a model or service asserts about the views that it reads.
type Consumer struct {
	Name   string
	Owner  string
	Views  []ConsumerView
	Origin string
}

// ConsumerView is one contract of a consumer.
type ConsumerView struct {
	View     string
	MaxAge   time.Duration
	Lookback time.Duration
	// Accept lists the verdicts that the consumer takes: "pass", "warn".
	Accept []string
}
