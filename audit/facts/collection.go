package facts

import "github.com/featureaudit/featureaudit/audit/times"

// Collection is everything that the scan of one view leaves behind.
type Collection struct {
	// Slices are sorted by file and source.
	Slices []Slice
	// Sources are the distinct sources seen, sorted.
	Sources []string
	// Lags holds the lag histogram of each partition, source and writer.
	Lags map[Population]*LagHistogram
	// Events holds 15-minute histograms of event time (UTC bins) of each partition and source, where the misfiled or zone
	// checks want them.
	Events map[Population]*EventHistogram
	// Writers holds a sample of the rows of each source, by who stamped them, where the zone check wants it.
	Writers map[string]*WriterSample
	// Entities is nil where no check wants it.
	Entities *Entities
	// Keys is nil where no check wants it.
	Keys *Duplicates
	// Unread maps a file to the problem met while its rows were read (the survey's own problems are in File).
	Unread map[int32]Problem
	// Blind maps a file to the columns that could not be read when its repeated keys were compared, sorted by name; all
	// that was scanned of it holds.
	Blind map[int32][]ColumnProblem
	// CheckedPages had a checksum of their own, and it agreed: those of the columns that a scan reads. Pages of a payload are read where keys repeat,
	// less of them where kept facts know the rows, and do not count.
	CheckedPages int64
	// RoleProblems says why a role could not be read, by role ("event_time", "ingested_at", "source", "key", "entity",
	// "measures", "writer", "partition_column" for the files' own copies of what their paths
	// say, "payload" and "surplus" for columns of which repeats could not be compared or added up): a column that files lack, or types without a common form. Checks that need the role are errors.
	RoleProblems map[string]string
	// RolesBeyond are those of them that the engine does not read, whatever the files hold: another engine may.
	RolesBeyond map[string]bool
	// SpilledBytes were written to the temp dir by key and entity runs.
	SpilledBytes int64
	// ScannedFiles and ScannedRows say how much was looked at.
	ScannedFiles int64
	ScannedRows  int64
	// KnownFiles and KnownRows are those of them that were not read, since an earlier run had kept their facts.
	KnownFiles, KnownRows int64
	// ReadBecause says why the files were read that were not known, by reason: how many files. It is nil where nothing is kept at all.
	ReadBecause map[ReadReason]int64
}

// ReadReason is why the rows of a file were read, though facts of files are kept.
type ReadReason string

// The reasons for which files are read.
const (
	// ReadNew is a path that nothing is known of, ReadChanged one whose size, time, mark or footer is another, ReadPolicy one that is known
	// under other definitions or releases, or in another place, and ReadBeside one that is read in another way since other files have other types.
	ReadNew     ReadReason = "new"
	ReadChanged ReadReason = "changed"
	ReadPolicy  ReadReason = "policy"
	ReadBeside  ReadReason = "other_files"
	// ReadOpen is a file of an open partition, or whose facts do not hold at this as_of; ReadStale one with rows that turned stale since.
	ReadOpen  ReadReason = "open"
	ReadStale ReadReason = "turned_stale"
	// ReadParanoid trusts nothing, ReadAsked distrusts files by name, and ReadDamaged what a damaged pack may have known,
	// or one that is older.
	ReadParanoid ReadReason = "paranoid"
	ReadAsked    ReadReason = "asked"
	ReadDamaged  ReadReason = "damaged"
	// ReadNeverKept is a view of which nothing may be kept: its sensitive columns, samples, values that change how all files are read.
	ReadNeverKept ReadReason = "never_kept"
	// ReadTogether is where what is known of the files does not suffice for all of them together.
	ReadTogether ReadReason = "together"
)

// Population is a group of rows whose histogram is kept apart.
type Population struct {
	Partition int32
	Source    string
	Writer    string
}

// Entities summarises the newest event time of each entity.
type Entities struct {
	// Judged have a row at or before as_of; Stale of them are older than the ttl; OnlyAfter have rows after as_of only.
	Judged    int64
	Stale     int64
	OnlyAfter int64
	// NullRows have a NULL in the entity's columns and belong to no entity.
	NullRows int64
	// OldestNewest is the oldest of the entities' newest event times.
	OldestNewest times.Instant
	// StaleEverywhere bounds from below how many are stale, and StaleSomewhere from above, whichever of the admissible zones
	// each naive time without a declared one was stamped in. Both equal Stale where there are no such times.
	StaleEverywhere int64
	StaleSomewhere  int64
	// Near counts the entities whose newest event lies near the instant that stale ones lie before, by the quarter hour: every
	// offset is a whole number of them, so that StaleBy counts exactly.
	Near [2 * nearQuarters]int64
}

// nearQuarters are 26 hours in quarters, as far as two zones are apart.
const nearQuarters = 26 * 4

// AddNear counts an entity by how far its newest event lies after the instant that stale ones lie before.
func (e *Entities) AddNear(after times.Span) {
	if at := floorQuarters(after) + nearQuarters; at >= 0 && at < 2*nearQuarters {
		e.Near[at]++
	}
}

// StaleBy is how many entities are stale if every clock ran so far east of the zone that it is read in; known is false where that is no
// whole number of quarter hours within 26 hours.
func (e *Entities) StaleBy(east times.Offset) (stale int64, known bool) {
	quarters := int64(east) / (15 * 60)
	if east%(15*60) != 0 || quarters < -nearQuarters || quarters > nearQuarters {
		return 0, false
	}
	stale = e.Stale
	for q := range quarters {
		stale += e.Near[nearQuarters+q]
	}
	for q := quarters; q < 0; q++ {
		stale -= e.Near[nearQuarters+q]
	}
	return stale, true
}

func floorQuarters(s times.Span) int64 {
	const quarter = 15 * times.Minute
	if s < 0 {
		return -int64((-s + quarter - 1) / quarter)
	}
	return int64(s / quarter)
}

// DuplicateClass says how the rows of a repeated key relate.
type DuplicateClass string

// The classes of a repeated key.
const (
	Replay      DuplicateClass = "replay"
	Conflict    DuplicateClass = "conflict"
	ShiftedTwin DuplicateClass = "shifted_twin"
	// UnknownClass is that of a key some of whose payload could not be read.
	UnknownClass DuplicateClass = "unknown"
)

// Duplicates summarises the repeated keys of a view: of those keys only, with a range of partitions, that have a row in it. All
// rows of such a key are compared, wherever they lie.
type Duplicates struct {
	// RowsTotal have a whole key; NullKeys have a NULL in one of its parts.
	RowsTotal int64
	NullKeys  int64

	RepeatedKeys int64
	// SurplusRows lie in partitions that verdicts are wanted for, SurplusRowsOutside in others.
	SurplusRows        int64
	SurplusRowsOutside int64
	PairedKeys         int64
	UnpairedKeys       int64
	ReplayKeys         int64
	ConflictKeys       int64
	ShiftedTwinKeys    int64
	UnknownKeys        int64
	ResolvableKeys     int64
	AmbiguousKeys      int64
	// FanOutRows are rows that a point-in-time join would return beyond one for each ambiguous key.
	FanOutRows      int64
	MaxMultiplicity int64
	// SurplusMeasures holds, for each declared measure, the exact amount of the SurplusRows as decimal text;
	// SurplusMeasuresOutside that of the SurplusRowsOutside. A measure that some of these rows could not be read in is in
	// UnknownMeasures instead, sorted.
	SurplusMeasures        map[string]string
	SurplusMeasuresOutside map[string]string
	UnknownMeasures        []string
	// HiddenMeasures are sensitive, so that their sums are in none of these; sorted.
	HiddenMeasures []string
	// DifferingColumns counts conflict keys by the column that differs.
	DifferingColumns map[string]int64
	// Scopes counts repeated keys by where their rows lie.
	Scopes DuplicateScopes
	// Writers is the matrix of sources: the keys that a pair of sources shares, by class.
	Writers []WriterPair
	// Twins counts keys by the pair of sources and the real offset that two of their event times lie apart; pairs that
	// once_per allows are among them. Sorted by source and offset.
	Twins []TwinCount
	// ByPlace holds the surplus rows of each partition and source, for findings.
	ByPlace map[Population]*DuplicatePlace
	// Rows lists the repeated rows themselves, ordered by key, up to the limit asked for; RowsTotalRepeated is their true number.
	Rows              []DuplicateRow
	RowsTotalRepeated int64
	// PairedByHash says that paired keys were counted by 64-bit hash and not verified one by one.
	PairedByHash bool
	// SpilledBytes were written to the temp dir.
	SpilledBytes int64
}

// DuplicateScopes counts repeated keys by the narrowest place that holds all their rows.
type DuplicateScopes struct {
	WithinFile       int64
	AcrossFiles      int64
	AcrossPartitions int64
	AcrossSources    int64
}

// TwinCount counts the keys that two sources store at event times exactly one real UTC offset apart. Across sources only
// rows of the same or of neighbouring partitions count.
type TwinCount struct {
	// A and B are sources, A <= B; A == B within one.
	A, B string
	// Apart is B's event time less A's; within one source the later less the earlier.
	Apart times.Offset
	Keys  int64
	// PayloadEqual and PayloadDiffers split the keys whose payload was compared; the others were told by hash alone.
	PayloadEqual, PayloadDiffers int64
	// TrueA and TrueB count the keys in which that copy alone agrees with its ingest time or its partition.
	TrueA, TrueB int64
	// First and Last are the first and last partition of the keys' rows; -1 where the view has none.
	First, Last int32
}

// WriterPair counts the keys that two sources share; A == B for repeats within one source.
type WriterPair struct {
	A, B   string
	Keys   int64
	Replay int64
	Confl  int64
	Twins  int64
}

// DuplicatePlace counts the surplus rows of one partition and source.
type DuplicatePlace struct {
	Rows     int64
	Surplus  int64
	Keys     int64
	Conflict int64
}

// DuplicateRow is one row of a repeated key.
type DuplicateRow struct {
	Key       []string
	Class     DuplicateClass
	Kept      bool
	File      int32
	Row       int64
	EventTime times.Instant
	Ingested  times.Instant
	Source    string
	Differs   Names
}
