package verify

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/featureaudit/featureaudit/audit/content"
)

// TestRowsAreComparedByKey counts keys of each kind.
func TestRowsAreComparedByKey(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after []Row
		want          RowChange
	}{
		{"nothing", nil, nil, RowChange{}},
		{"the same", []Row{{1, 10, 0}}, []Row{{1, 10, 0}}, RowChange{}},
		{"lost", []Row{{1, 10, 0}, {2, 20, 0}}, []Row{{2, 20, 0}}, RowChange{Lost: 1, RowsLost: 1}},
		{"added", nil, []Row{{1, 10, 0}}, RowChange{Added: 1, RowsAdded: 1}},
		{"changed", []Row{{1, 10, 0}}, []Row{{1, 11, 0}}, RowChange{Changed: 1, changed: map[uint64]struct{}{1: {}}}},
		{"a copy came", []Row{{1, 10, 0}}, []Row{{1, 10, 0}, {1, 10, 0}}, RowChange{RepeatedAfter: 1, RowsAdded: 1, ambiguous: 1}},
		{"a second version came", []Row{{1, 10, 0}}, []Row{{1, 10, 0}, {1, 11, 0}}, RowChange{RepeatedAfter: 1, RowsAdded: 1, ambiguous: 1}},
		{"two versions for another", []Row{{1, 10, 0}}, []Row{{1, 11, 0}, {1, 12, 0}}, RowChange{Changed: 1, RepeatedAfter: 1, RowsAdded: 1, ambiguous: 1}},
		{"copies went", []Row{{1, 10, 0}, {1, 10, 0}}, []Row{{1, 10, 0}}, RowChange{RepeatedBefore: 1, RowsLost: 1, ambiguous: 1}},
		{"copies on both sides", []Row{{1, 10, 0}, {1, 10, 0}}, []Row{{1, 10, 0}, {1, 10, 0}}, RowChange{RepeatedBefore: 1, RepeatedAfter: 1}},
		{"a key that is 0, and the greatest", []Row{{0, 10, 0}, {math.MaxUint64, 20, 0}}, []Row{{0, 10, 0}}, RowChange{Lost: 1, RowsLost: 1}},
	} {
		var got RowChange
		got.compare(c.before, c.after)
		got.keysAfter, got.wholeRepeats, got.least, got.most = 0, 0, 0, 0 // of the next test
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestAllRowsTwice: every key of after stands there with the same row several times, and none did before.
func TestAllRowsTwice(t *testing.T) {
	for name, c := range map[string]struct {
		before, after []Row
		want          bool
	}{
		"nothing":            {nil, nil, false},
		"once":               {nil, []Row{{1, 10, 0}}, false},
		"twice and thrice":   {[]Row{{1, 11, 0}}, []Row{{1, 10, 0}, {1, 10, 0}, {2, 20, 0}, {2, 20, 0}, {2, 20, 0}}, true},
		"one of two":         {nil, []Row{{1, 10, 0}, {1, 10, 0}, {2, 20, 0}}, false},
		"two versions":       {nil, []Row{{1, 10, 0}, {1, 11, 0}}, false},
		"it was so before":   {[]Row{{1, 10, 0}, {1, 10, 0}}, []Row{{1, 11, 0}, {1, 11, 0}}, false},
		"another was before": {[]Row{{1, 10, 0}, {1, 10, 0}, {2, 20, 0}}, []Row{{1, 10, 0}, {1, 10, 0}, {2, 20, 0}, {2, 20, 0}}, false},
	} {
		var got RowChange
		got.compare(c.before, c.after)
		if got.doubled() != c.want {
			t.Errorf("%s: doubled is %t: %+v", name, got.doubled(), got)
		}
	}
}

// TestPartsHoldEachRowOnce takes each key, entity and row in just one of the passes over rows.
func TestPartsHoldEachRowOnce(t *testing.T) {
	if got := []uint64{parts(0, 100), parts(1, 72), parts(1, 71), parts(1000, 72_000), parts(1001, 72_000), parts(5, 0)}; !reflect.DeepEqual(got, []uint64{1, 1, 2, 1, 2, 360}) {
		t.Errorf("passes are %v", got)
	}
	for _, hash := range []uint64{0, 1, 7, math.MaxUint64} {
		taken := 0
		for number := range uint64(7) {
			if (part{number, 7}).takes(hash) {
				taken++
			}
		}
		if taken != 1 {
			t.Errorf("%d is taken %d times", hash, taken)
		}
	}
}

// TestEntitiesAreCounted on each side, and the smallest hashes of those of one side alone are remembered.
func TestEntitiesAreCounted(t *testing.T) {
	e := EntityChange{listed: 2}
	for hash, sides := range map[uint64]uint8{9: seenBefore, 5: seenBefore, 7: seenBefore, 8: seenBefore, 6: seenBefore, 1: seenAfter, 2: seenBefore | seenAfter} {
		e.count(hash, sides)
	}
	slices.Sort(e.lost)
	if e.Before != 6 || e.After != 2 || e.Lost != 5 || e.New != 1 || !reflect.DeepEqual(e.lost[:2], []uint64{5, 6}) || !reflect.DeepEqual(e.added, []uint64{1}) {
		t.Errorf("counted are %+v", e)
	}
}

// TestNearNumbers are within the tolerance, both included; a NaN is near a NaN, and nothing is near NULL.
func TestNearNumbers(t *testing.T) {
	word := func(f float64) uint64 { return math.Float64bits(f) + 1 }
	for _, c := range []struct {
		a, b      uint64
		tolerance float64
		want      bool
	}{
		{word(1), word(1.5), 0.5, true}, {word(1), word(math.Nextafter(1.5, 2)), 0.5, false}, {word(0), word(math.Copysign(0, -1)), 0, true},
		{word(math.NaN()), word(math.NaN()), 0, true}, {word(math.NaN()), word(1), 1e9, false}, {content.NoValue, word(0), 1, false},
		{word(math.Inf(1)), word(math.Inf(1)), 0, true}, {word(math.Inf(1)), word(math.Inf(-1)), 1e300, false}, {word(1e308), word(-1e308), 1e300, false},
	} {
		if got := near(c.a, c.b, c.tolerance); got != c.want {
			t.Errorf("%g and %g within %g: %t", math.Float64frombits(c.a-1), math.Float64frombits(c.b-1), c.tolerance, got)
		}
	}
}

// TestChangesSettle by what is known of keys: fewer rows of which none is missing are no loss, and what is within the tolerance did not change.
func TestChangesSettle(t *testing.T) {
	for _, c := range []struct {
		name  string
		state State
		what  string
		rows  RowChange
		keyed bool
		want  State
	}{
		{"repeats removed", Incomplete, "has 9 rows where 10 were", RowChange{RepeatedBefore: 1, RowsLost: 1}, true, AsExpected},
		{"the same without a key", Incomplete, "has 9 rows where 10 were", RowChange{RowsLost: 1}, false, Incomplete},
		{"a key lost", Incomplete, "has 9 rows where 10 were", RowChange{Lost: 1, RowsLost: 1}, true, Incomplete},
		{"a number that somebody expects", Incomplete, "has 9 rows where --expect-rows says 10", RowChange{RepeatedBefore: 1}, true, Incomplete},
		{"all within the tolerance", Stray, "", RowChange{Changed: 2, WithinTolerance: 2}, true, Unchanged},
		{"one beyond it", Stray, "", RowChange{Changed: 2, WithinTolerance: 1}, true, Stray},
		{"within it, and one added", Stray, "", RowChange{Changed: 1, WithinTolerance: 1, Added: 1, RowsAdded: 1}, true, Stray},
	} {
		change := Change{State: c.state, What: c.what, Rows: &c.rows, After: held(1, 9, 1)}
		if change.settle(c.keyed); change.State != c.want {
			t.Errorf("%s: %s %q, want %s", c.name, change.State, change.What, c.want)
		}
	}
}

// TestFilesOfAPublishPlan pairs files by name; what has no other is new or removed.
func TestFilesOfAPublishPlan(t *testing.T) {
	got := fileLines("v", "d", "publish", []string{"/live/a", "/live/b", "/live/x/c"}, []string{"/new/a", "/new/c", "/new/d"})
	want := [][]string{{"v", "d", "publish (replaces)", "/new/a", "/live/a"}, {"v", "d", "publish (replaces)", "/new/c", "/live/x/c"}, {"v", "d", "publish (new)", "/new/d", ""}, {"v", "d", "publish (removes)", "", "/live/b"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("lines are %q, want %q", got, want)
	}
}
