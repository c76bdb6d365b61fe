package facts

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Kind says how the values of one row fact add up: those of two sets of rows to that of their union.
type Kind string

// The kinds of row facts. The earliest and the latest of no rows is times.None.
const (
	Sum      Kind = "sum"
	Earliest Kind = "earliest"
	Latest   Kind = "latest"
)

// RowFact is one line of the table of row facts: a field of Slice, as its tags describe it.
type RowFact struct {
	Field string
	// Name is that of its column in SQL, which is NULL where the value is times.None; Doc says what it counts.
	Name string
	Kind Kind
	Doc  string

	index int
	// normal is the tag, bounds those that it names.
	bounds []bound
	normal string
}

// The words of the tag "normal", for facts without bounds.
const (
	// normalCounted: normal rows are counted by it, on the fast road as on the slow one.
	normalCounted = "counted"
	// normalPlain: no row of which both times are plain instants touches it.
	normalPlain = "plain"
	// normalApart: it is counted on a road of its own, which all rows take.
	normalApart = "apart"
)

var rowFacts = describe(reflect.TypeFor[Slice]())

// RowFacts is the table of row facts, in the order of the fields of Slice.
func RowFacts() []RowFact { return slices.Clone(rowFacts) }

// Of is the value of the fact; ok is false where it is absent.
func (f RowFact) Of(s *Slice) (value int64, ok bool) {
	value = reflect.ValueOf(s).Elem().Field(f.index).Int()
	return value, f.Kind == Sum || value != times.None
}

// Set gives the fact a value, which is times.None where it is absent.
func (f RowFact) Set(s *Slice, value int64) { reflect.ValueOf(s).Elem().Field(f.index).SetInt(value) }

// describe reads the tags of a slice's fields.
func describe(t reflect.Type) []RowFact {
	var all []RowFact
	for i := range t.NumField() {
		field := t.Field(i)
		tag, tagged := field.Tag.Lookup("fact")
		if !tagged {
			continue
		}
		kind, name, _ := strings.Cut(tag, " ")
		f := RowFact{Field: field.Name, Name: name, Kind: Kind(kind), Doc: field.Tag.Get("doc"), index: i, normal: field.Tag.Get("normal")}
		switch f.normal {
		case normalCounted, normalPlain, normalApart:
		default:
			f.bounds = boundsIn(f.normal)
		}
		all = append(all, f)
	}
	return all
}

// The measures of a row that bounds are set for.
const (
	onEvent  = "event"
	onIngest = "ingest"
	onLag    = "lag"
)

// bound is a side of what a normal row's measure may be: a field of Limits.
type bound struct {
	measure string
	atMost  bool
	limit   int
}

// boundsIn reads bounds such as "event >= StaleBefore, lag <= StaleLag". A wrong one is a fault of this program.
func boundsIn(text string) []bound {
	var all []bound
	for one := range strings.SplitSeq(text, ", ") {
		words := strings.Fields(one)
		if len(words) != 3 || words[0] != onEvent && words[0] != onIngest && words[0] != onLag || words[1] != "<=" && words[1] != ">=" {
			panic(fmt.Sprintf("facts: bound %q: want MEASURE >= LIMIT or MEASURE <= LIMIT", one))
		}
		field, found := reflect.TypeFor[Limits]().FieldByName(words[2])
		if !found {
			panic(fmt.Sprintf("facts: bound %q: Limits has no %s", one, words[2]))
		}
		all = append(all, bound{measure: words[0], atMost: words[1] == "<=", limit: field.Index[0]})
	}
	return all
}

// Limits are what the rows of one file and source are judged by. times.None stands for no limit.
type Limits struct {
	// SentinelBefore and SentinelAfter enclose the times that are no sentinels.
	SentinelBefore, SentinelAfter times.Instant
	AsOf                          times.Instant
	// KnownBy is the instant after which nothing in the file can be known: max(as_of, modification time) + tolerance.
	KnownBy times.Instant
	// Ahead is the least lag that is no future row: the tolerance, negative.
	Ahead times.Span
	// StaleBefore and StaleLag are those of the file's Staleness. Referenced lies before all times where rows have no reference.
	StaleBefore times.Instant
	StaleLag    times.Span
	Referenced  times.Instant
	// LagLimit is the longest lag that is not too long.
	LagLimit times.Span
	// EventFrom to EventTo, and IngestFrom to IngestTo, are filed where they belong, all included.
	EventFrom, EventTo   times.Instant
	IngestFrom, IngestTo times.Instant
}

// BeforeAll is a limit that no time is at or before.
const BeforeAll times.Instant = times.None + 1

// NoLimits limits nothing.
func NoLimits() Limits {
	var l Limits
	v := reflect.ValueOf(&l).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(times.None)
	}
	return l
}

// Sentinel says whether an instant is a placeholder, and no time of anything.
func (l *Limits) Sentinel(at times.Instant) bool {
	return at < l.SentinelBefore || at > l.SentinelAfter
}

// Bounds are those of the event times, ingest times and lags of rows, all included.
type Bounds struct {
	EventLow, EventHigh, IngestLow, IngestHigh times.Instant
	LagLow, LagHigh                            times.Span
}

// NoRows are the bounds of no row, which those of rows widen.
func NoRows() Bounds {
	return Bounds{math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64}
}

// Within says whether rows with these bounds lie within others. Where the times alone do, no difference of them overflowed.
func (b Bounds) Within(o Bounds) bool {
	return b.EventLow >= o.EventLow && b.EventHigh <= o.EventHigh && b.IngestLow >= o.IngestLow && b.IngestHigh <= o.IngestHigh &&
		b.LagLow >= o.LagLow && b.LagHigh <= o.LagHigh
}

// Normal bounds what most rows are: within them a row with two plain times touches no fact but those that count every such row.
func (l Limits) Normal() Bounds {
	b := Bounds{math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64}
	limits := reflect.ValueOf(l)
	for _, f := range rowFacts {
		for _, one := range f.bounds {
			if limit := limits.Field(one.limit).Int(); limit != times.None {
				b.narrow(one, limit)
			}
		}
	}
	return b
}

func (b *Bounds) narrow(by bound, limit int64) {
	switch by.measure {
	case onEvent:
		narrowTo(&b.EventLow, &b.EventHigh, by.atMost, times.Instant(limit))
	case onIngest:
		narrowTo(&b.IngestLow, &b.IngestHigh, by.atMost, times.Instant(limit))
	case onLag:
		narrowTo(&b.LagLow, &b.LagHigh, by.atMost, times.Span(limit))
	}
}

func narrowTo[T times.Instant | times.Span](low, high *T, atMost bool, limit T) {
	if atMost {
		*high = min(*high, limit)
	} else {
		*low = max(*low, limit)
	}
}
