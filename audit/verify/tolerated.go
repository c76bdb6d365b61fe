package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/words"
)

// ToleranceError says that a tolerance was given for a column that has no floating numbers in any view.
type ToleranceError struct {
	Column string
	// Types are how it is written; empty where no view has it.
	Types []string
	// Floating are the columns that have floating numbers.
	Floating []string
}

func (e ToleranceError) Error() string {
	have := "none of the columns that were compared"
	if len(e.Floating) > 0 {
		have = words.Examples(e.Floating)
	}
	if len(e.Types) == 0 {
		return fmt.Sprintf("no view has a column %q; floating numbers are in %s", e.Column, have)
	}
	return fmt.Sprintf("column %q is %s, and only floating numbers may differ by some; they are in %s", e.Column, strings.Join(e.Types, " and "), have)
}

// tolerated takes note of which columns of a view a tolerance is for, and says where it cannot be applied.
func (r *run) tolerated(v *comparedView, data, now *Looked) {
	if len(r.Tolerance) == 0 {
		return
	}
	var meant []string
	for _, p := range slices.Concat(v.before.Partitions, v.after.Partitions) {
		for _, c := range p.Columns {
			if r.columns == nil {
				r.columns = map[string][]string{}
			}
			r.columns[c.Name] = distinct(append(slices.Clone(r.columns[c.Name]), c.Types...))
			if _, given := r.Tolerance[c.Name]; given {
				meant = append(meant, c.Name)
			}
		}
	}
	side := ""
	switch {
	case now == nil:
		side = fmt.Sprintf("after is a %s", r.After.Kind)
	case data == nil:
		side = fmt.Sprintf("before is a %s", r.Before.Kind)
	}
	switch {
	case len(meant) == 0:
	case side != "":
		v.notes = append(v.notes, fmt.Sprintf("--tolerance is not applied: %s, which has no values", side))
	case len(v.after.Definition.Key) == 0:
		v.notes = append(v.notes, "--tolerance is not applied: the view has no key, by which a row of before and of after would be told to be one")
	}
}

func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// untolerated is the first column that a tolerance is for and that has no floating numbers; nil where there is none.
func (r *run) untolerated() error {
	floating := func(name string) bool {
		return slices.ContainsFunc(r.columns[name], func(t string) bool {
			f, plain := content.FamilyOf(t)
			return plain && f == content.Double
		})
	}
	names := slices.SortedFunc(maps.Keys(r.columns), cmp.Compare[string])
	for _, column := range slices.Sorted(maps.Keys(r.Tolerance)) {
		if len(r.columns) > 0 && !floating(column) {
			return ToleranceError{Column: column, Types: r.columns[column], Floating: slices.DeleteFunc(names, func(n string) bool { return !floating(n) })}
		}
	}
	return nil
}
