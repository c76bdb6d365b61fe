package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/featureaudit/featureaudit/audit/sensitive"
)

// Uncovered counts the rows of a file that no materialisation of the registry covers: the online store does not have them, and no later run
// reaches back for them.
type Uncovered struct {
	View string
	// Path is the file's, below the view's root; empty where Missing says why nothing could be counted.
	Path, Missing string
	// InNone are rows whose event time lies in no interval that was materialised, though before the end of the last one. Late are rows that
	// arrived after the end of all intervals that their event time lies in. Ahead are rows after the end of the last one, which is next.
	InNone, Late, Ahead int64
}

// countUncovered asks the engine that has read the rows.
func (r *run) countUncovered(ctx context.Context) (all []Uncovered) {
	for _, f := range r.uncovered {
		missing := func(err error) {
			all = append(all, Uncovered{View: f.View.Name, Missing: sensitive.Quiet(f.View, err).Error()})
		}
		if f.SQL == "" {
			all = append(all, Uncovered{View: f.View.Name, Missing: f.Missing})
			continue
		}
		here, remove, err := r.nearby(ctx, f, nil)
		if err != nil {
			missing(err)
			continue
		}
		var counted []Uncovered
		var wrong error
		err = r.scanner.Select(ctx, here.SQL, func(row []*string) bool {
			one := Uncovered{View: f.View.Name, Path: here.Paths[*row[0]]}
			for i, into := range []*int64{&one.InNone, &one.Late, &one.Ahead} {
				if *into, wrong = strconv.ParseInt(*row[1+i], 10, 64); wrong != nil {
					return false
				}
			}
			counted = append(counted, one)
			return true
		})
		remove()
		if err == nil && wrong != nil {
			err = fmt.Errorf("count rows of view %s that no materialisation covers: %w", f.View.Name, wrong)
		}
		if err != nil {
			missing(err)
			continue
		}
		slices.SortFunc(counted, func(a, b Uncovered) int { return cmp.Compare(a.Path, b.Path) })
		all = append(all, counted...)
	}
	return all
}
