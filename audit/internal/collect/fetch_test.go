package collect

import (
	"fmt"
	"slices"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// TestRowsBeyondAGapAreAskedForByThemselves: row groups of three rows, of which those without an asked-for row are not there. A number that
// begins a row group stands first in its query, unless the row group before is there.
func TestRowsBeyondAGapAreAskedForByThemselves(t *testing.T) {
	groups := []facts.RowGroup{{Rows: 3}, {Rows: 3}, {Rows: 0}, {Rows: 3}, {Rows: 3}}
	for _, c := range []struct {
		numbers []int64
		want    [][]int64
	}{
		{[]int64{0, 1}, [][]int64{{0, 1}}},
		{[]int64{6, 8}, [][]int64{{6, 8}}},
		{[]int64{1, 7}, [][]int64{{1, 7}}},
		{[]int64{1, 6}, [][]int64{{1}, {6}}},
		{[]int64{1, 3, 6}, [][]int64{{1, 3, 6}}},
		{[]int64{1, 6, 9}, [][]int64{{1}, {6, 9}}},
		{[]int64{3, 4, 9, 11}, [][]int64{{3, 4}, {9, 11}}},
	} {
		got := slices.Collect(target{file: facts.File{RowGroups: groups}, numbers: c.numbers}.beyondGaps())
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%v: got %v, want %v", c.numbers, got, c.want)
		}
	}
}
