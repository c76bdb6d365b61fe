package facts

import (
	"fmt"
	"slices"
	"testing"
)

// TestNamesAreThoseOfTheirSet puts sets of a list beside each other: each gives its own names back, sorted, whichever others the list has.
func TestNamesAreThoseOfTheirSet(t *testing.T) {
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("c%03d", 199-i))
	}
	var list NameList
	sets := [][]string{{"b", "a"}, {}, many, {"a"}, {"c063", "zz", "c064"}, {"b"}}
	var made []Names
	for _, names := range sets {
		made = append(made, list.Set(slices.Values(names)))
	}
	for i, names := range sets {
		if got := made[i].Sorted(); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
			t.Errorf("set %d: %q, want %q in order", i, got, names)
		}
	}
	if got := (Names{}).Sorted(); got != nil {
		t.Errorf("no set: %q, want none", got)
	}
	if got := NamesOf("y", "x", "y").Sorted(); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("a name that comes twice: %q", got)
	}
}
