package facts

import (
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Listing is the snapshot of one view's files: what there is to look at, before any of it is opened.
type Listing struct {
	// Root is the absolute directory that the paths of files are relative to.
	Root       string
	Files      []File
	Partitions []Partition
	// Ignored counts what matched and is no data, by reason: "marker", "hidden", "temporary", "checksum", "other", the name of
	// another format ... Examples are some of the paths, for what no rule of names leaves out.
	Ignored  map[string]int64
	Examples map[string][]string
	// Links were met while the files were listed, sorted by Path.
	Links []Link
	// Tables are those that the files are of, by their roots; none where files were listed by their names.
	Tables []*Table
	// Presence says where the path tells for whom a partition is there (its source, or the value of time_partition.expected_by),
	// sorted by partition and group; a folder is enough.
	Presence []Presence
	// Strays says in words which folders name no period, though those of most files do, or keep the grain from being finer; empty
	// where there are none.
	Strays string
}

// Presence is one folder of a source, or of a value of time_partition.expected_by, in a partition.
type Presence struct {
	Partition int32
	Group     string
}

// Link is a link of the file system. Its paths are relative to the listing's root, or absolute outside of it.
type Link struct {
	Path, Target string
	// Folder says that it leads to a folder.
	Folder bool
	// Outside says that what it leads to lies outside of the root, and is listed under the link's name. Else it is another
	// name of what is listed as Target, and left out.
	Outside bool
}

// File is one listed data file.
type File struct {
	// ID is the file's index in Listing.Files, which is sorted by Path.
	ID int32
	// Path is relative to the view's root, with forward slashes; Abs is what the engine opens.
	Path string
	Abs  string
	Size int64
	// ModTime is the modification time.
	ModTime times.Instant
	Identity
	// Values are what the plan says of all rows of the file: the keys of its path (dt=2026-11-03), or what a table's log says.
	Values []Value
	// Table is the table that the file is of, nil where files were listed by their names. Deleted are the rows of the file that do not
	// count there, nil for none.
	Table   *Table
	Deleted RowSet
	// LoggedRows is how many rows the table's log says that the file has, deleted ones too; -1 where it does not say. It is of files of tables only.
	LoggedRows int64
	// SameAs is the Abs of another listed file that is the same on disk (a hard link); empty without.
	SameAs string
	// Partition is the index into Listing.Partitions, or -1 where the view has no time partitions.
	Partition int32
	// Folder is the part of Path that names the partition, as it stands there: one of the partition's spellings.
	Folder string
	// Source is the source by path (a path segment or a source's own glob), or "" where a column says it.
	Source string

	// Group is the value of the hive key that time_partition.expected_by names, "" where it names none.
	Group string

	// The rest comes from the footer. Schema is the index into Survey.Schemas, or -1 where the footer was not read.
	Schema    int32
	Rows      int64
	RowGroups []RowGroup
	// RowBytes is how many bytes a row takes on average in the row group of the largest rows, uncompressed, as the footer says; dictionaries may make it less.
	RowBytes  int64
	CreatedBy string
	// Writer is a short name derived from CreatedBy: "parquet-cpp-arrow", "parquet-mr", "DuckDB", "Polars", ...
	Writer string
	// AdoptedUnits are the paths of columns whose numbers do not tell their unit, and that are read in the unit of other files.
	AdoptedUnits []string
	// Defaulted are the top-level columns that the file lacks and its table says to read as another value than NULL.
	Defaulted []string
	// Checksums says that pages of the file bring checksums of their own, or that nobody has looked yet whether they do.
	Checksums bool
	// FooterSum is a checksum of the footer's bytes: files of equal size and sum may be copies of each other.
	FooterSum uint64
	// Problem is why the file could not be read, nil where it could.
	Problem *Problem
}

// RowSet is a set of rows of a file, by their numbers from 0.
type RowSet interface {
	// Count is how many rows it has, and Last the greatest, -1 without any.
	Count() int64
	Last() int64
	// Next is the first row of the set from one on, or -1.
	Next(row int64) int64
}

// Table is the version of a table whose log says which files and rows count.
type Table struct {
	// Format is "Delta" or "Iceberg", Root the table's own folder.
	Format, Root string
	// Version is that of a Delta table, or the id of an Iceberg snapshot.
	Version int64
	// CommittedAt is when the version was committed; not known where the log no longer says.
	CommittedAt times.Instant
	// Columns are the table's own, where files may name them in another way; empty where they do not.
	Columns []TableColumn
	// Orphans are the Parquet files below the root that no version in the log names, OrphanBytes their size; Examples are some of their paths.
	Orphans, OrphanBytes int64
	Examples             []string
	// Unfinished are those of them that were written after the version was committed.
	Unfinished int64
	// Settings are the properties of the table.
	Settings map[string]string
	// Periods are its partition fields that are periods of a time.
	Periods []TablePeriod
	// Notes are what else is to be said of the version.
	Notes []string
}

// TablePeriod is a partition field that says in which hour, day or month a time of a table's lies.
type TablePeriod struct {
	Name, Column string
	// Grain is "hour", "day" or "month"; Naive says that it is that of a wall clock, not of UTC.
	Grain string
	Naive bool
}

// TableColumn is a column, or the field of a struct, that files know by another name or by its number.
type TableColumn struct {
	Name string
	// Stored is the name in files where ByID is false; else ID is the field's number there.
	Stored string
	ID     int32
	ByID   bool
	// Names stand for it in files that have no numbers at all, where ByID is true; none are known where it is empty.
	Names []string
	// Default is what files without the column read as, if not as NULL: in the words of the table, empty for NULL. NotRead is its type
	// where values of that are not read.
	Default, NotRead string
	// Type is the table's own word for the type of a column, where defaults are read by it; else empty.
	Type   string
	Fields []TableColumn
}

// Identity tells versions of a file apart where size and time do not. What a store does not know is empty, as all of it is for local
// files.
type Identity struct {
	// ETag is the store's own mark of the bytes, and FooterDigest that of the footer, where a listing or a log has one.
	ETag, FooterDigest string
	// Snapshot tells apart what tables make of a file beside its rows, such as the names of its columns: equal for versions that read it
	// alike. RowMask names the rows of it that do not count.
	Snapshot, RowMask string
}

// Value is what a name means for all rows of a file.
type Value struct{ Name, Text string }

// PathValues are the keys of a path's folders, in their order.
func PathValues(path string) []Value {
	var values []Value
	folders := strings.Split(path, "/")
	for _, folder := range folders[:len(folders)-1] {
		if name, text, keyed := strings.Cut(folder, "="); keyed {
			values = append(values, Value{name, text})
		}
	}
	return values
}

// Live is how many rows of the file count, once its footer was read.
func (f File) Live() int64 {
	if f.Deleted == nil {
		return f.Rows
	}
	return f.Rows - f.Deleted.Count()
}

// Says whether the plan gives all rows of the file a value of that name.
func (f File) Says(name string) bool {
	return slices.ContainsFunc(f.Values, func(v Value) bool { return v.Name == name })
}

// Given is the value that the plan gives all rows of the file; known is false where that is NULL, or none is given.
func (f File) Given(name string) (text string, known bool) {
	for _, v := range f.Values {
		if v.Name == name && v.Text != NullValue {
			return v.Text, true
		}
	}
	return "", false
}

// NullValue stands for NULL among the values of partitions, as it does in the names of their folders.
const NullValue = "__HIVE_DEFAULT_PARTITION__"

// RowGroup is the size of one row group and the bounds that the footer states for the event time column.
type RowGroup struct {
	Rows int64
	// EventMin and EventMax are raw values of the event time column in its own unit, valid only if HasEventBounds.
	EventMin, EventMax int64
	HasEventBounds     bool
}

// ProblemKind says what is wrong with a file.
type ProblemKind string

// The kinds of problems. Only some may be cured by another try.
const (
	ProblemEmpty       ProblemKind = "empty"       // zero bytes
	ProblemTruncated   ProblemKind = "truncated"   // no footer, or one that points outside the file
	ProblemNotParquet  ProblemKind = "not_parquet" // other magic bytes
	ProblemCorrupt     ProblemKind = "corrupt"     // a footer or a page that does not decode
	ProblemEncrypted   ProblemKind = "encrypted"   // an encrypted footer
	ProblemUnsupported ProblemKind = "unsupported" // a type that a role cannot have, or valid Parquet that the engine does not read
	ProblemValue       ProblemKind = "value"       // a sound value that the type it is read as cannot hold
	ProblemSpecial     ProblemKind = "special"     // a pipe, socket or device, or a link that leads to itself
	ProblemPermission  ProblemKind = "permission"  // no rights: retryable
	ProblemVanished    ProblemKind = "vanished"    // listed and then gone: retryable
	ProblemChanged     ProblemKind = "changed"     // size or time changed during the run: retryable
	ProblemIO          ProblemKind = "io"          // anything else the system said: retryable
	ProblemRefused     ProblemKind = "refused"     // an object store does not know the credentials or the bucket
	ProblemOpenChanged ProblemKind = "left_out"    // changed twice in an open partition: left out and named, not an error
)

// Problem is why a file was not read.
type Problem struct {
	Kind ProblemKind
	// Message names what was found and what was expected, without the path.
	Message string
}

// UnsupportedError is valid Parquet in a form that this program does not read: Feature names it, Instead what it reads in its place.
type UnsupportedError struct {
	Feature, Instead string
}

func (e UnsupportedError) Error() string { return e.Feature + " is not read here" }

// ColumnProblem is a column of one file that could not be read, where the file's other columns could.
type ColumnProblem struct {
	Column string
	Problem
}

// Retryable says whether another try may cure the problem.
func (p Problem) Retryable() bool {
	switch p.Kind {
	case ProblemPermission, ProblemVanished, ProblemChanged, ProblemIO:
		return true
	default:
		return false
	}
}

// Partition is one time partition of a view, present or expected.
type Partition struct {
	// ID is the index in Listing.Partitions, sorted by Start and then Value; partitions without a date come last.
	ID int32
	// Value is its path below the view's root as text: "dt=2026-11-03", "year=2026/month=11/day=03", "2026/11/03". A partition is
	// its interval: where folders spell one in several ways, Value is the first of Spellings, which are in order; nil otherwise.
	Value     string
	Spellings []string
	// Identity names the interval, however its folders spell it: what a finding's fingerprint is made of.
	Identity string
	// Start and End bound it, End excluded; times.None both for __HIVE_DEFAULT_PARTITION__.
	Start, End times.Instant
	// Stray says that it has no date because its folder names none, though those of most files do.
	Stray bool
	// Present says that its folder exists; a folder with markers only is present and has no files.
	Present bool
	// Expected says that the calendar demands it.
	Expected bool
	// Open says that End + complete_after lies after as_of; AfterAsOf that Start does.
	Open      bool
	AfterAsOf bool
	// InRange says that verdicts are wanted for it (always, without --range).
	InRange bool
	// Files and Rows come from the listing and the footers.
	Files int32
	Rows  int64
}

// Dated says whether the partition has a date at all.
func (p Partition) Dated() bool { return p.Start.Known() }

// Survey is the listing with every footer read.
type Survey struct {
	Listing
	// Schemas are the distinct physical schemas, in the order of the first file that has each.
	Schemas []Schema
	Notes   []string
	// CopyOf maps each file that holds the same bytes as another to the first of them by path, which is its own.
	CopyOf map[int32]int32
}

// Schema is one physical schema.
type Schema struct {
	ID      int32
	Columns []Column
	// Writer is part of the identity: it decides what INT96 means.
	Writer string
	// Int96Aware says that INT96 values are instants (parquet-mr, Spark).
	Int96Aware bool
}

// Column is one leaf column of a physical schema, or a whole list, map or struct where Nested.
type Column struct {
	// Name is the top-level name; Path the names from the root to a leaf inside structs, joined with dots.
	Name string
	Path string
	// StoredName and StoredPath are what the file calls them, where a table knows them by other names; else empty.
	StoredName, StoredPath string
	// Position counts the top-level columns of a file from 1, where names are not safe: an engine may take one for another that
	// it equals but for the case of letters, or cannot write it. It is 0 where they are.
	Position int32
	// Physical is the Parquet type: BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY; "GROUP" if Nested.
	Physical string
	// Logical is the Parquet logical type in short: "timestamp", "date", "time", "string", "decimal", "int", "uuid", "json", "enum", "list", "map", "struct", "" ...
	Logical string
	// Unit of timestamps and times: "ms", "us", "ns".
	Unit string
	// AdjustedToUTC of timestamps and times; of INT96, that its writer stores instants.
	AdjustedToUTC bool
	// Zone is the zone name that Arrow or pandas metadata adds; it never changes a value.
	Zone string
	// Added says that align added the column: it is derived from others, and neither payload nor drift of the schema.
	Added bool
	// Precision and Scale of decimals, Width of fixed bytes and integers (bits), Unsigned of integers.
	Precision, Scale int32
	Width            int32
	Unsigned         bool
	Optional         bool
	Nested           bool
	// Raw says that an engine may round or cut the values, of a nested column those of some leaf, so that they are read from
	// the bytes of the file where they must be exact: decimals of more than 38 digits, times of day in nanoseconds, intervals.
	Raw bool
	// Given says that files do not hold the column: all rows of a file have one value of it, which stands in File.Values.
	Given bool
	// Absent says that the file lacks a column that its table has: all rows read as Fill where Filled is true, else as NULL. Fill is the
	// value as people read it: 1.50, 2026-11-03 07:00:00.5 (in UTC), the hex digits of bytes.
	Absent bool   `json:",omitempty"`
	Filled bool   `json:",omitempty"`
	Fill   string `json:",omitempty"`
	// TypeText is how people and schema-drift name the type: "TIMESTAMP(us, UTC)", "DECIMAL(10,2)", "LIST<INT64>".
	TypeText string
	// Min and Max are the bounds of integer columns over all files of the schema, valid if HasBounds: they decide epoch units.
	Min, Max  int64
	HasBounds bool
	// EpochUnit is the unit that the magnitude of an integer or floating time column tells: "s", "ms", "us", "ns"; empty where it
	// tells none. It is part of a schema's identity, so that files in seconds and in milliseconds are two schemas. A declared unit goes first.
	EpochUnit string
}

// Stored is the column by the names that its file has.
func (c Column) Stored() Column {
	if c.StoredName != "" {
		c.Name, c.Path, c.Position = c.StoredName, c.StoredPath, 0
	}
	return c
}

// Values are those of one column in some rows of a file, as they stand there.
type Values struct {
	// Texts are equal exactly where the values are; Ints are set instead where raw numbers were asked for.
	Texts []string
	Ints  []int64
	Null  []bool
}

// Lookup finds a column by the name that a definition uses: a top-level name exactly as it stands, else a struct
// path with dots. It returns nil where there is none.
func (s Schema) Lookup(name string) *Column {
	for i := range s.Columns {
		if s.Columns[i].Name == name && (s.Columns[i].Path == name || s.Columns[i].Nested) {
			return &s.Columns[i]
		}
	}
	for i := range s.Columns {
		if s.Columns[i].Path == name && !s.Columns[i].Nested {
			return &s.Columns[i]
		}
	}
	return nil
}

// LookupFold finds a whole top-level column as engines match the keys of a path with columns: exactly, else but for the case of
// letters where one column alone fits.
func (s Schema) LookupFold(name string) *Column {
	if exact := s.Lookup(name); exact != nil && exact.Name == name {
		return exact
	}
	var found *Column
	for i := range s.Columns {
		if !strings.EqualFold(s.Columns[i].Name, name) || s.Columns[i].Path != s.Columns[i].Name && !s.Columns[i].Nested {
			continue
		}
		if found != nil {
			return nil
		}
		found = &s.Columns[i]
	}
	return found
}

// Encoding is how a file writes an event time.
type Encoding string

// The encodings that mixed-encoding keeps apart. Units of one kind are no disagreement.
const (
	EncodingAware      Encoding = "aware"
	EncodingNaive      Encoding = "naive"
	EncodingInt96Aware Encoding = "int96-aware"
	EncodingInt96Naive Encoding = "int96-naive"
	EncodingTextOffset Encoding = "text-offset"
	EncodingTextNaive  Encoding = "text-naive"
	EncodingEpoch      Encoding = "epoch"
	EncodingDate       Encoding = "date"
	EncodingNone       Encoding = ""
)

// Encoding classifies a time column of the schema. Text is told apart by its rows only: it answers EncodingTextNaive.
func (s Schema) Encoding(c Column) Encoding {
	switch {
	case c.Nested:
		return EncodingNone
	case c.Physical == "INT96" && s.Int96Aware:
		return EncodingInt96Aware
	case c.Physical == "INT96":
		return EncodingInt96Naive
	case c.Logical == "timestamp" && c.AdjustedToUTC:
		return EncodingAware
	case c.Logical == "timestamp":
		return EncodingNaive
	case c.Logical == "date":
		return EncodingDate
	case c.Physical == "BYTE_ARRAY" && c.Logical != "decimal":
		return EncodingTextNaive
	case (c.Physical == "INT64" || c.Physical == "INT32") && (c.Logical == "" || c.Logical == "int"), c.Physical == "DOUBLE":
		return EncodingEpoch
	}
	return EncodingNone
}
