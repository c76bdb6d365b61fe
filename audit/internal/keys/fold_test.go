package keys

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// orders are all orders of so many things.
func orders(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, shorter := range orders(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(shorter), at, n-1))
		}
	}
	return all
}

// TestFoldInAnyOrder: rows that are folded one by one, in each of their orders, are judged as Group judges them held, and
// double-count the same.
func TestFoldInAnyOrder(t *testing.T) {
	const hour = int64(times.Hour)
	value := func(text string) []Value { return []Value{{Text: text}} }
	row := func(number, event, ingested int64, payload Value, measure, source string) Row {
		return Row{Number: number, Event: event, Ingested: ingested, Payload: []Value{payload}, Measures: value(measure), Source: source}
	}
	same, other := Value{Text: "a"}, Value{Text: "b"}
	for _, test := range []struct {
		name             string
		rows             []Row
		want             Verdict
		surplus, outside string
	}{
		{"one row", []Row{row(0, 5, 10, same, "7", "in")}, Verdict{Class: facts.Replay, Resolvable: true}, "0", "0"},
		{"replay, ingested together", []Row{row(0, 5, 10, same, "1.10", "in"), row(1, 5, 10, same, "2.25", "in"), row(2, 5, 10, same, "-0.5", "out")},
			Verdict{Class: facts.Replay, FanOut: 2}, "2.25", "-0.5"},
		{"one ingested a microsecond after two", []Row{row(0, 5, 10, same, "1", "in"), row(1, 5, 10, same, "2", "in"), row(2, 5, 11, same, "4", "in")},
			Verdict{Class: facts.Replay, Resolvable: true}, "6", "0"},
		{"an hour apart", []Row{row(0, 5, 10, same, "1", "in"), row(1, 5+hour, 20, same, "2", "in"), row(2, 5, 15, same, "4", "in")},
			Verdict{Class: facts.ShiftedTwin, Resolvable: true}, "6", "0"},
		{"another value", []Row{row(0, 5, 10, same, "1", "out"), row(1, 5, 20, other, "2", "out"), row(2, 5, 20, same, "0.001", "in"), row(3, 5+hour, 9, same, "4", "in")},
			Verdict{Class: facts.Conflict, Differs: []string{"p"}, FanOut: 1}, "4.001", "2"},
		{"a second apart", []Row{row(0, 5, 10, same, "1", "in"), row(1, 5+int64(times.Second), 20, same, "2", "in")},
			Verdict{Class: facts.Conflict, Differs: []string{"event_time"}, Resolvable: true}, "2", "0"},
		{"one value unread", []Row{row(0, 5, 10, same, "1", "in"), row(1, 5, 20, Value{Unknown: true}, "2", "in"), row(2, 5, 30, other, "4", "in")},
			Verdict{Class: facts.UnknownClass, Differs: []string{"p"}, Resolvable: true}, "6", "0"},
		{"NULL is a value", []Row{row(0, 5, times.None, Value{Null: true}, "1", "in"), row(1, 5, times.None, Value{}, "2", "in")},
			Verdict{Class: facts.Conflict, Differs: []string{"p"}, FanOut: 1}, "2", "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			counted := func(r Row) bool { return r.Source == "in" }
			fresh := func() *Classifier {
				return NewClassifier([]string{"p"}, []Measure{{Name: "m"}}, []int64{0, 3600}, false)
			}
			check := func(how any, got Verdict, j *Classifier) {
				t.Helper()
				if got.Class != test.want.Class || !slices.Equal(got.Differs, test.want.Differs) || got.Resolvable != test.want.Resolvable || got.FanOut != test.want.FanOut {
					t.Errorf("%v: got %+v, want %+v", how, got, test.want)
				}
				if surplus, outside := j.Surplus()["m"], j.Outside()["m"]; number(surplus) != test.surplus || number(outside) != test.outside {
					t.Errorf("%v: got a surplus of %s and %s outside, want %s and %s", how, surplus, outside, test.surplus, test.outside)
				}
			}
			held := fresh()
			check("held", held.Group(test.rows, counted), held)
			for _, order := range orders(len(test.rows)) {
				j := fresh()
				fold := j.NewFold(func(a, b Row) int { return int(a.Number - b.Number) }, counted)
				surplus := 0
				for _, at := range order {
					if _, is := fold.Add(test.rows[at]); is {
						surplus++
					}
				}
				if fold.Rows() != int64(len(order)) || surplus != len(order)-1 || fold.Kept().Number != 0 {
					t.Errorf("%v: got %d rows, %d surplus, row %d kept, want %d, %d and row 0", order, fold.Rows(), surplus, fold.Kept().Number, len(order), len(order)-1)
				}
				check(order, fold.Verdict(), j)
			}
		})
	}
}

// number is a decimal text without the zeros that its scale adds.
func number(text string) string {
	if !slices.Contains([]byte(text), '.') {
		return text
	}
	for text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	if text[len(text)-1] == '.' {
		text = text[:len(text)-1]
	}
	return text
}

// TestUnknownMeasureHasNoTotal: of a measure of which one surplus value was not read no total is claimed; the others keep theirs.
func TestUnknownMeasureHasNoTotal(t *testing.T) {
	j := NewClassifier(nil, []Measure{{Name: "z"}, {Name: "amount"}, {Name: "b"}}, nil, false)
	values := func(z, amount, b Value) Row { return Row{Measures: []Value{z, amount, b}} }
	unread := Value{Unknown: true}
	j.Group([]Row{values(unread, Value{Text: "1"}, unread), values(Value{Text: "2"}, Value{Text: "3"}, unread), values(unread, Value{Null: true}, Value{Text: "9"})}, all)
	if got, want := j.Unknown(), []string{"b", "z"}; !slices.Equal(got, want) {
		t.Errorf("unknown: got %q, want %q", got, want)
	}
	if got, want := j.Surplus(), map[string]string{"amount": "3"}; !maps.Equal(got, want) {
		t.Errorf("surplus: got %v, want %v", got, want)
	}
}

// TestHashSetFindsExactlyWhatWasAdded compares with a map, in memory and spilled.
func TestHashSetFindsExactlyWhatWasAdded(t *testing.T) {
	const dropped = 64 - NarrowBits
	for _, limit := range []int64{0, 1 << 30} {
		for _, rows := range []int{0, 1, 7, 5_000, 100_000} {
			budget := NewBudget(limit, t.TempDir())
			runs := NewRuns(budget, int64(rows), int64(rows), false)
			if !runs.Whole() || runs.EntryBytes() != 8 {
				t.Fatalf("%d rows: got whole %v of %d bytes, want true of 8", rows, runs.Whole(), runs.EntryBytes())
			}
			w := runs.NewWriter()
			added := map[uint64]bool{}
			for i := range rows {
				hash := spread(EntityID{Lo: uint64(i)}) >> dropped << dropped
				added[hash] = true
				if err := w.Add(hash, uint64(i), 0, 0); err != nil {
					t.Fatalf("add row %d: got %v, want no error", i, err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Fatalf("flush: got %v, want no error", err)
			}
			set, err := runs.HashSet(3)
			if err != nil {
				t.Fatalf("hash set: got %v, want no error", err)
			}
			// the even ones were added, as far as there are any; the odd ones were not
			var asked []int64
			var want []int
			const from = 3
			for i := range 20_000 {
				id := uint64(i / 2)
				if i%2 == 1 {
					id += 1 << 40
				}
				hash := spread(EntityID{Lo: id}) >> dropped
				asked = append(asked, int64(hash))
				if added[hash<<dropped] {
					want = append(want, from+i)
				}
			}
			if got := set.Shared(nil, asked, from); !slices.Equal(got, want) {
				t.Errorf("%d rows, limit %d: got %d shared, want %d", rows, limit, len(got), len(want))
			}
			if err := budget.Close(); err != nil {
				t.Errorf("close: got %v, want no error", err)
			}
		}
	}
}

func TestSpanSize(t *testing.T) {
	const least, greatest = -1 << 63, 1<<63 - 1
	for _, test := range []struct {
		span Span
		most int64
		want int64
	}{
		{NoSpan, 10, 0}, {Span{5, 5}, 1, 1}, {Span{-3, 6}, 10, 10}, {Span{-3, 7}, 10, 0}, {Span{least, greatest}, greatest, 0}, {Span{least, least + 4}, 5, 5},
		{Span{greatest, greatest}, 1, 1}, {Span{0, 0}, 0, 0},
	} {
		if got := test.span.size(test.most); got != test.want {
			t.Errorf("%+v within %d: got %d, want %d", test.span, test.most, got, test.want)
		}
	}
}

// TestTiesOfRowsWithoutPlaces: of rows without places a measure is unknown in which those differ that are kept by nothing else, in whatever order they come.
func TestTiesOfRowsWithoutPlaces(t *testing.T) {
	row := func(number, ingested int64, m string) Row {
		return Row{Number: number, Ingested: ingested, Source: "in", Measures: []Value{{Text: m}}}
	}
	nearly := func(a, b Row) int { return int(a.Ingested - b.Ingested) }
	order := func(a, b Row) int { return cmp.Or(nearly(a, b), int(a.Number-b.Number)) }
	for _, test := range []struct {
		name, surplus string
		rows          []Row
	}{
		{"tied rows differ", "", []Row{row(0, 10, "1"), row(1, 10, "2"), row(2, 20, "4")}},
		{"the last of three tied rows differs", "", []Row{row(0, 10, "1"), row(1, 10, "1"), row(2, 10, "4")}},
		{"tied rows agree", "5", []Row{row(0, 10, "1"), row(1, 10, "1"), row(2, 20, "4")}},
		{"one came first", "6", []Row{row(0, 5, "9"), row(1, 10, "2"), row(2, 10, "4")}},
	} {
		for _, outside := range []bool{false, true} {
			for _, at := range orders(len(test.rows)) {
				j := NewClassifier(nil, []Measure{{Name: "m"}}, nil, false)
				fold := j.NewFold(order, func(Row) bool { return !outside })
				fold.Placeless(nearly)
				for _, i := range at {
					fold.Add(test.rows[i])
				}
				fold.Verdict()
				totals := map[bool]map[string]string{false: j.Surplus(), true: j.Outside()}
				if got := totals[outside]["m"]; got != test.surplus || (test.surplus == "") != slices.Equal(j.Unknown(), []string{"m"}) {
					t.Errorf("%s, outside %v, in the order %v: got %q, unknown %q, want %q", test.name, outside, at, got, j.Unknown(), test.surplus)
				}
			}
		}
	}
}
