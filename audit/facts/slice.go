package facts

// Slice counts the rows of one file and source. All counts are rows; times are microseconds UTC or NoTime.
type Slice struct {
	File   int32
	Source string
	// FirstRow is the number in the file of the first of the rows, from 0: sources are told apart by where they appear first.
	FirstRow int64

	Rows int64
	// EventNull, EventUnparsed and EventSentinel are apart from each other: such a row enters no other time fact.
	EventNull     int64
	EventUnparsed int64
	EventSentinel int64
	// SentinelMin and SentinelMax bound the sentinels, and UnparsedText is the first unparsed text in the order of bytes, cut to
	// MaxUnparsedText of them; HasUnparsedText tells the empty text from none. All are absent where the column is sensitive.
	SentinelMin, SentinelMax int64
	UnparsedText             string
	HasUnparsedText          bool
	// OnLattice counts event times that are whole quarters of an hour: no offset can be told from such a clock.
	OnLattice int64
	// AmbiguousLocal counts naive times that occurred twice or never in their zone.
	AmbiguousLocal int64
	// IngestedNull counts rows whose ingest time is absent, unparsed or a sentinel: they are judged as if the view had none.
	IngestedNull int64
	// IngestedOnly counts rows with an ingest time whose event time is NULL or unparsed: they are judged by when they arrived.
	IngestedOnly int64
	// TextOffset and TextNaive count text event times by whether they carry an offset.
	TextOffset, TextNaive int64

	EntityNull int64
	KeyNull    int64

	EventMin, EventMax int64
	// NewestKnown is the newest event time that is neither a future row nor after as_of.
	NewestKnown              int64
	IngestedMin, IngestedMax int64

	// FutureIngested: event time after ingest time + tolerance. FutureAsOf: event or ingest time after
	// max(as_of, the file's modification time) + tolerance. A row is counted in one of them only. A row without an event time
	// has its ingest time.
	FutureIngested int64
	FutureAsOf     int64
	// NewestFuture is the latest event time among future rows.
	NewestFuture int64
	// AfterAsOf counts rows after as_of that are not future rows.
	AfterAsOf int64

	// Stale counts rows that had expired at their reference instant; StaleUnreferenced those that have none.
	Stale             int64
	StaleUnreferenced int64
	OldestStale       int64

	// MisfiledBefore and MisfiledAfter lie outside their partition; MisfiledUndated have a time in a partition that has none;
	// OwnColumnDiffers contradict the path in the file's own partition column (and are counted only there).
	MisfiledBefore   int64
	MisfiledAfter    int64
	MisfiledUndated  int64
	OwnColumnDiffers int64

	// LagRows have both times; LagOver of them exceed the lag limit. LagMin and LagMax are exact microseconds.
	LagRows        int64
	LagOver        int64
	LagMin, LagMax int64
}

// NewSlice returns the empty facts of a file and source.
func NewSlice(file int32, source string) Slice {
	return Slice{File: file, Source: source, SentinelMin: NoTime, SentinelMax: NoTime, EventMin: NoTime, EventMax: NoTime, NewestKnown: NoTime, IngestedMin: NoTime,
		IngestedMax: NoTime, NewestFuture: NoTime, OldestStale: NoTime, LagMin: NoTime, LagMax: NoTime}
}

// Merge adds the facts of other rows of the same file and source.
func (s *Slice) Merge(o Slice) {
	s.FirstRow = min(s.FirstRow, o.FirstRow)
	s.Rows += o.Rows
	s.EventNull += o.EventNull
	s.EventUnparsed += o.EventUnparsed
	s.EventSentinel += o.EventSentinel
	s.SentinelMin = earlier(s.SentinelMin, o.SentinelMin)
	s.SentinelMax = max(s.SentinelMax, o.SentinelMax)
	if o.HasUnparsedText {
		s.addUnparsed(o.UnparsedText)
	}
	s.OnLattice += o.OnLattice
	s.AmbiguousLocal += o.AmbiguousLocal
	s.IngestedNull += o.IngestedNull
	s.IngestedOnly += o.IngestedOnly
	s.TextOffset += o.TextOffset
	s.TextNaive += o.TextNaive
	s.EntityNull += o.EntityNull
	s.KeyNull += o.KeyNull
	s.EventMin = earlier(s.EventMin, o.EventMin)
	s.EventMax = max(s.EventMax, o.EventMax)
	s.NewestKnown = max(s.NewestKnown, o.NewestKnown)
	s.IngestedMin = earlier(s.IngestedMin, o.IngestedMin)
	s.IngestedMax = max(s.IngestedMax, o.IngestedMax)
	s.FutureIngested += o.FutureIngested
	s.FutureAsOf += o.FutureAsOf
	s.NewestFuture = max(s.NewestFuture, o.NewestFuture)
	s.AfterAsOf += o.AfterAsOf
	s.Stale += o.Stale
	s.StaleUnreferenced += o.StaleUnreferenced
	s.OldestStale = earlier(s.OldestStale, o.OldestStale)
	s.MisfiledBefore += o.MisfiledBefore
	s.MisfiledAfter += o.MisfiledAfter
	s.MisfiledUndated += o.MisfiledUndated
	s.OwnColumnDiffers += o.OwnColumnDiffers
	s.LagRows += o.LagRows
	s.LagOver += o.LagOver
	s.LagMin = earlier(s.LagMin, o.LagMin)
	s.LagMax = max(s.LagMax, o.LagMax)
}

// MaxUnparsedText is how many bytes of an unparsed text are kept.
const MaxUnparsedText = 64

// AddSentinel widens the bounds of the sentinels by one, in microseconds.
func (s *Slice) AddSentinel(micros int64) {
	micros = max(micros, NoTime+1)
	s.SentinelMin = earlier(s.SentinelMin, micros)
	s.SentinelMax = max(s.SentinelMax, micros)
}

// AddUnparsed keeps an unparsed text if it is the first so far. Since only beginnings are compared, the parts of a file may
// come in any order.
func (s *Slice) AddUnparsed(text []byte) {
	text = text[:min(len(text), MaxUnparsedText)]
	if !s.HasUnparsedText || string(text) < s.UnparsedText {
		s.addUnparsed(string(text))
	}
}

func (s *Slice) addUnparsed(text string) {
	if !s.HasUnparsedText || text < s.UnparsedText {
		s.UnparsedText, s.HasUnparsedText = text, true
	}
}

// earlier is the smaller of two instants, where NoTime is no instant at all.
func earlier(a, b int64) int64 {
	if a == NoTime || b != NoTime && b < a {
		return b
	}
	return a
}
