package audit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/export"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/model"
)

// TestRowsAreShared gives checks with few rows all of them, and the others equal parts of what is left.
func TestRowsAreShared(t *testing.T) {
	fetch := func(f reproduce.BadRows, most int) ([]export.Row, error) {
		rows := make([]export.Row, min(int64(most), f.Bad))
		for i := range rows {
			rows[i].Check = f.Check
		}
		return rows, nil
	}
	for _, test := range []struct {
		bad   []int64
		limit int
		want  string
		note  string
	}{
		{bad: []int64{5, 3}, limit: 8, want: "a=5 b=3"},
		{bad: []int64{1000, 3, 50}, limit: 60, want: "a=28 b=3 c=29", note: "--rows-limit is 60, which leaves 28 of 1000 of a of view v, 29 of 50 of c of view v"},
		{bad: []int64{1000, 1000}, limit: 10, want: "a=5 b=5", note: "5 of 1000 of a of view v, 5 of 1000 of b of view v"},
		{bad: []int64{2, 2, 2}, limit: 1, want: "a=1 b=0 c=0", note: "1 of 2 of a of view v, 0 of 2 of b of view v, 0 of 2 of c of view v"},
		{bad: []int64{2}, limit: 0, want: "a=0", note: "--rows-limit is 0, which leaves 0 of 2 of a of view v"},
	} {
		var found []reproduce.BadRows
		for i, n := range test.bad {
			found = append(found, reproduce.BadRows{View: model.View{Name: "v"}, Check: string(rune('a' + i)), Bad: n, SQL: "x"})
		}
		found = append(found, reproduce.BadRows{View: model.View{Name: "v"}, Check: "z", Bad: 7, Missing: "the reason"})
		rows, notes, err := sharedRows(found, test.limit, fetch)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found[:len(test.bad)] {
			n := 0
			for _, r := range rows {
				if r.Check == f.Check {
					n++
				}
			}
			got = append(got, fmt.Sprintf("%s=%d", f.Check, n))
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%v at a limit of %d: %s, want %s", test.bad, test.limit, text, test.want)
		}
		if notes[0] != "rows of z of view v are not written: the reason" {
			t.Errorf("note %q", notes[0])
		}
		if said := strings.Join(notes[1:], "\n"); (test.note == "") != (said == "") || !strings.HasSuffix(said, test.note) {
			t.Errorf("%v at a limit of %d: note %q, want %q", test.bad, test.limit, said, test.note)
		}
	}
}

// TestRefusalOfRowsNamesALimitWithRoom: the plan of a statement takes what it takes, however few rows there are.
func TestRefusalOfRowsNamesALimitWithRoom(t *testing.T) {
	for limit, want := range map[int64]string{70_000_000: "269MB", 100_000_000: "269MB", 200_000_000: "401MB"} {
		r := &run{options: Options{MemoryLimit: limit}, viewBytes: map[string]int64{"v": 92_000}}
		if err := r.noRoomForRows("v", engine.ResourceError{Err: errors.New("out of memory")}); !strings.Contains(err.Error(), "take --memory-limit "+want) {
			t.Errorf("at %d bytes: %v, want %s", limit, err, want)
		}
	}
}
