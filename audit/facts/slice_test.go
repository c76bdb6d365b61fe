package facts

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"testing"
)

// apart are the fields of a slice that are no row facts: what it counts the rows of, and what is more than a number.
var apart = []string{"File", "Source", "Unparsed", "OwnDiffers"}

func TestEveryFieldOfASliceIsDescribed(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[string]bool{}
	described := map[string]RowFact{}
	for _, f := range RowFacts() {
		described[f.Field] = f
		if f.Kind != Sum && f.Kind != Earliest && f.Kind != Latest {
			t.Errorf("%s: kind %q", f.Field, f.Kind)
		}
		if !name.MatchString(f.Name) || seen[f.Name] {
			t.Errorf("%s: the name of its column is %q, which is taken or no name", f.Field, f.Name)
		}
		if f.Doc == "" {
			t.Errorf("%s: no doc says what it is", f.Field)
		}
		seen[f.Name] = true
	}
	for i := range reflect.TypeFor[Slice]().NumField() {
		field := reflect.TypeFor[Slice]().Field(i)
		_, is := described[field.Name]
		if is == slices.Contains(apart, field.Name) {
			t.Errorf("%s: a field of Slice is a row fact, or is merged by a line of its own and named in this test", field.Name)
		}
		if is && field.Type.Kind() != reflect.Int64 {
			t.Errorf("%s: a row fact is an int64, and this is %s", field.Name, field.Type)
		}
	}
}

// TestMergeCoversEveryField sets one field at a time: an empty slice must take it over, and another value add up by its kind.
func TestMergeCoversEveryField(t *testing.T) {
	for i := range reflect.TypeFor[Slice]().NumField() {
		field := reflect.TypeFor[Slice]().Field(i)
		if field.Name == "File" || field.Name == "Source" {
			continue
		}
		value := func(s *Slice) reflect.Value { return reflect.ValueOf(s).Elem().Field(i) }
		low, high := NewSlice(1, "a"), NewSlice(1, "a")
		var both any
		switch field.Name {
		case "Unparsed":
			low.Unparsed, high.Unparsed, both = FirstText{"a", true}, FirstText{"b", true}, FirstText{"a", true}
		case "OwnDiffers":
			low.OwnDiffers, high.OwnDiffers, both = []int64{5}, []int64{7}, []int64{7, 5}
		default:
			value(&low).SetInt(5)
			value(&high).SetInt(7)
			sum := map[Kind]int64{Sum: 12, Earliest: 5, Latest: 7}[kindOf(field.Name)]
			both = reflect.ValueOf(sum).Convert(field.Type).Interface()
		}
		for _, test := range []struct {
			into, from Slice
			want       any
		}{{NewSlice(1, "a"), low, value(&low).Interface()}, {low, NewSlice(1, "a"), value(&low).Interface()}, {high, low, both}} {
			got := test.into
			got.Merge(test.from)
			if !reflect.DeepEqual(value(&got).Interface(), test.want) {
				t.Errorf("%s: %v and %v make %v, want %v", field.Name, value(&test.into), value(&test.from), value(&got), test.want)
			}
		}
	}
}

func kindOf(field string) Kind {
	for _, f := range RowFacts() {
		if f.Field == field {
			return f.Kind
		}
	}
	return ""
}

// TestMergeLaws merges random slices in any order and grouping.
func TestMergeLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a, b, c := randomSlice(rng), randomSlice(rng), randomSlice(rng)
		equal(t, "a+b and b+a", merged(a, b), merged(b, a))
		equal(t, "(a+b)+c and a+(b+c)", merged(merged(a, b), c), merged(a, merged(b, c)))
		equal(t, "a+nothing and a", merged(a, NewSlice(1, "a")), merged(a))
	}
}

func randomSlice(rng *rand.Rand) Slice {
	s := NewSlice(1, "a")
	for _, f := range RowFacts() {
		if rng.IntN(3) > 0 {
			reflect.ValueOf(&s).Elem().FieldByName(f.Field).SetInt(rng.Int64N(7) - 3)
		}
	}
	for range rng.IntN(3) {
		s.Unparsed.Add([]byte(fmt.Sprint(rng.IntN(5))))
		s.OwnDiffers = append(s.OwnDiffers, rng.Int64N(9))
	}
	return s
}

// merged is the union of slices, the numbers of rows in order, for they are kept in none.
func merged(all ...Slice) Slice {
	sum := NewSlice(1, "a")
	for _, s := range all {
		sum.Merge(s)
	}
	slices.Sort(sum.OwnDiffers)
	return sum
}

func equal(t *testing.T, what string, got, want Slice) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s differ:\n%+v\n%+v", what, got, want)
	}
}

func TestABoundThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{"", "event", "event > AsOf", "row <= AsOf", "event <= Tomorrow"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken for a bound", text)
				}
			}()
			boundsIn(text)
		}()
	}
}

// Each limit bounds what is normal by the side that the table names, and no other limit does.
func TestNormalRows(t *testing.T) {
	whole := NoLimits().Normal()
	for field, want := range map[string]func(*Bounds){
		"SentinelBefore": func(b *Bounds) { b.EventLow, b.IngestLow = 7, 7 }, "SentinelAfter": func(b *Bounds) { b.EventHigh, b.IngestHigh = 7, 7 },
		"AsOf": func(b *Bounds) { b.EventHigh = 7 }, "KnownBy": func(b *Bounds) { b.IngestHigh = 7 }, "Ahead": func(b *Bounds) { b.LagLow = 7 },
		"StaleBefore": func(b *Bounds) { b.EventLow = 7 }, "StaleLag": func(b *Bounds) { b.LagHigh = 7 }, "Referenced": func(b *Bounds) { b.EventHigh = 7 },
		"LagLimit": func(b *Bounds) { b.LagHigh = 7 }, "EventFrom": func(b *Bounds) { b.EventLow = 7 }, "EventTo": func(b *Bounds) { b.EventHigh = 7 },
		"IngestFrom": func(b *Bounds) { b.IngestLow = 7 }, "IngestTo": func(b *Bounds) { b.IngestHigh = 7 },
	} {
		limits, expected := NoLimits(), whole
		reflect.ValueOf(&limits).Elem().FieldByName(field).SetInt(7)
		want(&expected)
		if got := limits.Normal(); got != expected {
			t.Errorf("%s = 7: %+v, want %+v", field, got, expected)
		}
	}
}
