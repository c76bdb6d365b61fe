package collect

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
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

// TestWhatTheEngineSaysOfACopyIsSaidOfItsFile: a copy of an object has another name in each run.
func TestWhatTheEngineSaysOfACopyIsSaidOfItsFile(t *testing.T) {
	file := facts.File{Path: "a.parquet", Abs: "s3://feat/a.parquet"}
	for cause, want := range map[engine.Cause]string{
		engine.CauseBytes:   `its footer reads and its pages do not in column "k" (the engine says: Failed to read file "s3://feat/a.parquet": Snappy): write the file again`,
		engine.CauseSystem:  `it could not be read (Failed to read file "s3://feat/a.parquet": Snappy): run again`,
		engine.CauseFeature: `it is valid Parquet that this engine cannot read in column "k": Failed to read file "s3://feat/a.parquet": Snappy; its bytes need no repair: rewrite it with `,
	} {
		err := engine.ReadError{Cause: cause, Err: errors.New(`Failed to read file "/dev/fd/12": Snappy`)}
		if got := problemOf(model.View{}, file, facts.Schema{}, []string{"k"}, err).Message; got != want {
			t.Errorf("%s: %s; want %s", cause, got, want)
		}
	}
}
