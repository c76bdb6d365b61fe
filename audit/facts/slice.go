package facts

import (
	"reflect"

	"github.com/featureaudit/featureaudit/audit/times"
)

// MaxOwnDiffers is how many rows of a view, whose own partition column contradicts the path, are known by their numbers.
const MaxOwnDiffers = 20_000

// Slice counts the rows of one file and source. Sums are rows; times are microseconds UTC or times.None.
//
// Its fields are the table of row facts, a line each: the tag fact gives the kind and the name of the column in SQL, doc what it
// is, and normal the bounds within which a row never touches it (or one of the words in rowfacts.go). Merging, the empty slice, the
// table that SQL sees and the rows that may take the fast road follow from these lines.
type Slice struct {
	File   int32
	Source string

	FirstRow          int64         `fact:"earliest first_row" normal:"counted" doc:"the number in the file of the first of the rows, from 0"`
	Rows              int64         `fact:"sum rows" normal:"counted" doc:"all rows"`
	EventNull         int64         `fact:"sum event_null" normal:"plain" doc:"rows whose event time is NULL"`
	EventUnparsed     int64         `fact:"sum event_unparsed" normal:"plain" doc:"rows whose event time is text that does not parse"`
	EventSentinel     int64         `fact:"sum event_sentinel" normal:"event >= SentinelBefore, event <= SentinelAfter" doc:"rows whose event time is before 1980 or more than 10 years after as_of"`
	SentinelMin       times.Instant `fact:"earliest sentinel_min_us" normal:"event >= SentinelBefore, event <= SentinelAfter" doc:"the oldest of these; NULL where the column is sensitive"`
	SentinelMax       times.Instant `fact:"latest sentinel_max_us" normal:"event >= SentinelBefore, event <= SentinelAfter" doc:"the newest of these; NULL where the column is sensitive"`
	IngestedNull      int64         `fact:"sum ingested_null" normal:"ingest >= SentinelBefore, ingest <= SentinelAfter" doc:"rows without a usable ingest time"`
	IngestedOnly      int64         `fact:"sum ingested_only" normal:"plain" doc:"rows with a usable ingest time whose event time is NULL or does not parse"`
	OnLattice         int64         `fact:"sum on_lattice" normal:"counted" doc:"rows whose event time is a whole quarter of an hour"`
	AmbiguousLocal    int64         `fact:"sum ambiguous_local" normal:"plain" doc:"rows whose naive event time occurred twice or never in its zone"`
	TextOffset        int64         `fact:"sum text_offset" normal:"plain" doc:"rows whose event time is text with an offset"`
	TextNaive         int64         `fact:"sum text_naive" normal:"plain" doc:"rows whose event time is text without an offset"`
	EntityNull        int64         `fact:"sum entity_null" normal:"apart" doc:"rows with a NULL in a part of the entity"`
	KeyNull           int64         `fact:"sum key_null" normal:"apart" doc:"rows with a NULL in a part of the key"`
	EventMin          times.Instant `fact:"earliest event_min_us" normal:"counted" doc:"the oldest usable event time"`
	EventMax          times.Instant `fact:"latest event_max_us" normal:"counted" doc:"the newest usable event time"`
	NewestKnown       times.Instant `fact:"latest newest_known_us" normal:"counted" doc:"the newest event time that is neither a future row's nor after as_of"`
	IngestedMin       times.Instant `fact:"earliest ingested_min_us" normal:"counted" doc:"the earliest usable ingest time"`
	IngestedMax       times.Instant `fact:"latest ingested_max_us" normal:"counted" doc:"the latest usable ingest time"`
	FutureIngested    int64         `fact:"sum future_ingested" normal:"lag >= Ahead" doc:"rows whose event time is after ingest time and tolerance"`
	FutureAsOf        int64         `fact:"sum future_as_of" normal:"ingest <= KnownBy" doc:"rows with a time after as_of, the file's modification and tolerance"`
	NewestFuture      times.Instant `fact:"latest newest_future_us" normal:"lag >= Ahead, ingest <= KnownBy" doc:"the latest event time among future rows"`
	AfterAsOf         int64         `fact:"sum after_as_of" normal:"event <= AsOf" doc:"other rows after as_of"`
	Stale             int64         `fact:"sum stale" normal:"event >= StaleBefore, lag <= StaleLag" doc:"rows that had expired at their reference instant"`
	StaleUnreferenced int64         `fact:"sum stale_unreferenced" normal:"event <= Referenced" doc:"rows that have no reference instant"`
	OldestStale       times.Instant `fact:"earliest oldest_stale_us" normal:"event >= StaleBefore, lag <= StaleLag" doc:"the oldest event time among stale rows"`
	MisfiledBefore    int64         `fact:"sum misfiled_before" normal:"event >= EventFrom, ingest >= IngestFrom" doc:"rows before their partition"`
	MisfiledAfter     int64         `fact:"sum misfiled_after" normal:"event <= EventTo, ingest <= IngestTo" doc:"rows after their partition"`
	MisfiledUndated   int64         `fact:"sum misfiled_undated" normal:"event <= EventTo" doc:"rows with a time in a partition that has no date"`
	OwnColumnDiffers  int64         `fact:"sum own_column_differs" normal:"plain" doc:"rows whose own partition column contradicts the path"`
	LagRows           int64         `fact:"sum lag_rows" normal:"counted" doc:"rows with both times"`
	LagOver           int64         `fact:"sum lag_over" normal:"lag <= LagLimit" doc:"those of them that arrived later than the limit"`
	LagMin            times.Span    `fact:"earliest lag_min_us" normal:"counted" doc:"the shortest time from event to ingest"`
	LagMax            times.Span    `fact:"latest lag_max_us" normal:"counted" doc:"the longest time from event to ingest"`

	// Unparsed is the first unparsed text in the order of bytes; absent where the column is sensitive.
	Unparsed FirstText
	// OwnDiffers are the numbers in the file of the rows that OwnColumnDiffers counts, in no order; fewer where the view has too many.
	OwnDiffers []int64
}

// empty is the slice of no row.
var empty = func() (s Slice) {
	v := reflect.ValueOf(&s).Elem()
	for _, f := range rowFacts {
		if f.Kind != Sum {
			v.Field(f.index).SetInt(times.None)
		}
	}
	return s
}()

// NewSlice returns the empty facts of a file and source.
func NewSlice(file int32, source string) Slice {
	s := empty
	s.File, s.Source = file, source
	return s
}

// Merge adds the facts of other rows of the same file and source.
func (s *Slice) Merge(o Slice) {
	into, from := reflect.ValueOf(s).Elem(), reflect.ValueOf(&o).Elem()
	for _, f := range rowFacts {
		field := into.Field(f.index)
		field.SetInt(f.Kind.merge(field.Int(), from.Field(f.index).Int()))
	}
	s.Unparsed.Merge(o.Unparsed)
	s.OwnDiffers = append(s.OwnDiffers, o.OwnDiffers...)
}

func (k Kind) merge(a, b int64) int64 {
	switch k {
	case Earliest:
		return int64(times.Instant(a).Earlier(times.Instant(b)))
	case Latest:
		return max(a, b)
	case Sum:
	}
	return a + b
}

// AddSentinel widens the bounds of the sentinels by one.
func (s *Slice) AddSentinel(at times.Instant) {
	at = max(at, times.None+1)
	s.SentinelMin = s.SentinelMin.Earlier(at)
	s.SentinelMax = max(s.SentinelMax, at)
}

// MaxFirstText is how many bytes of a text are kept.
const MaxFirstText = 64

// FirstText is the first of texts in the order of bytes, cut to MaxFirstText of them. Since only beginnings are compared, texts may
// come in any order.
type FirstText struct {
	Text string
	// Known tells the empty text from none.
	Known bool
}

// Add keeps a text if it is the first so far.
func (t *FirstText) Add(text []byte) {
	text = text[:min(len(text), MaxFirstText)]
	if !t.Known || string(text) < t.Text {
		*t = FirstText{string(text), true}
	}
}

// Merge keeps the text of others if it is the first.
func (t *FirstText) Merge(o FirstText) {
	if o.Known && (!t.Known || o.Text < t.Text) {
		*t = o
	}
}
