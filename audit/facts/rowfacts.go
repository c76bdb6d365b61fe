package facts

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Kind says how the values of one row fact add up: those of two sets of rows to that of their union.
type Kind string

// The kinds of row facts. The earliest and the latest of no rows is NoTime.
const (
	Sum      Kind = "sum"
	Earliest Kind = "earliest"
	Latest   Kind = "latest"
)

// RowFact is one line of the table of row facts: a field of Slice, as its tags describe it.
type RowFact struct {
	Field string
	// Name is that of its column in SQL, which is NULL where the value is NoTime; Doc says what it counts.
	Name string
	Kind Kind
	Doc  string

	index int
	// usual is the tag, bounds those that it names.
	bounds []bound
	usual  string
}

// The words of the tag "usual", for facts without bounds.
const (
	// usualCounted: usual rows are counted by it, on the fast road as on the slow one.
	usualCounted = "counted"
	// usualPlain: no row of which both times are plain instants touches it.
	usualPlain = "plain"
	// usualApart: it is counted on a road of its own, which all rows take.
	usualApart = "apart"
)

var rowFacts = describe(reflect.TypeFor[Slice]())

// RowFacts is the table of row facts, in the order of the fields of Slice.
func RowFacts() []RowFact { return slices.Clone(rowFacts) }

// Of is the value of the fact; ok is false where it is absent.
func (f RowFact) Of(s *Slice) (value int64, ok bool) {
	value = reflect.ValueOf(s).Elem().Field(f.index).Int()
	return value, f.Kind == Sum || value != NoTime
}

// Set gives the fact a value, which is NoTime where it is absent.
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
		f := RowFact{Field: field.Name, Name: name, Kind: Kind(kind), Doc: field.Tag.Get("doc"), index: i, usual: field.Tag.Get("usual")}
		switch f.usual {
		case usualCounted, usualPlain, usualApart:
		default:
			f.bounds = boundsIn(f.usual)
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

// bound is a side of what a usual row's measure may be: a field of Limits.
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

// Limits are what the rows of one file and source are judged by: instants in microseconds UTC and spans in microseconds. NoTime
// stands for none.
type Limits struct {
	// SentinelBefore and SentinelAfter enclose the times that are no sentinels.
	SentinelBefore, SentinelAfter int64
	AsOf                          int64
	// KnownBy is the instant after which nothing in the file can be known: max(as_of, modification time) + tolerance.
	KnownBy int64
	// Ahead is the least lag that is no future row: the tolerance, negative.
	Ahead int64
	// StaleBefore and StaleLag are those of the file's Staleness. Referenced lies before all times where rows have no reference.
	StaleBefore, StaleLag, Referenced int64
	// LagLimit is the longest lag that is not too long.
	LagLimit int64
	// EventFrom to EventTo, and IngestFrom to IngestTo, are filed where they belong, all included.
	EventFrom, EventTo   int64
	IngestFrom, IngestTo int64
}

// BeforeAll is a limit that no time is at or before.
const BeforeAll = NoTime + 1

// NoLimits limits nothing.
func NoLimits() Limits {
	return Limits{NoTime, NoTime, NoTime, NoTime, NoTime, NoTime, NoTime, NoTime, NoTime, NoTime, NoTime, NoTime, NoTime}
}

// Sentinel says whether an instant is a placeholder, and no time of anything.
func (l *Limits) Sentinel(micros int64) bool {
	return micros < l.SentinelBefore || micros > l.SentinelAfter
}

// Bounds are those of the event times, ingest times and lags of rows, in microseconds, all included.
type Bounds struct{ EventLow, EventHigh, IngestLow, IngestHigh, LagLow, LagHigh int64 }

// NoRows are the bounds of no row, which those of rows widen.
func NoRows() Bounds {
	return Bounds{math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64}
}

// Within says whether rows with these bounds lie within others. Where the times alone do, no difference of them overflowed.
func (b Bounds) Within(o Bounds) bool {
	return b.EventLow >= o.EventLow && b.EventHigh <= o.EventHigh && b.IngestLow >= o.IngestLow && b.IngestHigh <= o.IngestHigh &&
		b.LagLow >= o.LagLow && b.LagHigh <= o.LagHigh
}

// Usual bounds what most rows are: within them a row with two plain times touches no fact but those that count every such row.
func (l Limits) Usual() Bounds {
	b := Bounds{math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64}
	limits := reflect.ValueOf(l)
	for _, f := range rowFacts {
		for _, one := range f.bounds {
			if limit := limits.Field(one.limit).Int(); limit != NoTime {
				b.narrow(one, limit)
			}
		}
	}
	return b
}

func (b *Bounds) narrow(by bound, limit int64) {
	low, high := &b.LagLow, &b.LagHigh
	switch by.measure {
	case onEvent:
		low, high = &b.EventLow, &b.EventHigh
	case onIngest:
		low, high = &b.IngestLow, &b.IngestHigh
	}
	if by.atMost {
		*high = min(*high, limit)
	} else {
		*low = max(*low, limit)
	}
}
