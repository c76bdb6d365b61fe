package content

import (
	"cmp"
	"slices"
)

// Facts are what some rows hold. Those of two sets of rows add up to those of both.
type Facts struct {
	Rows int64
	// Sum is that of whole rows, Columns those of the columns, sorted by name.
	Sum     Sum
	Columns []Column
}

// Column is what some rows hold in one top-level column.
type Column struct {
	Name string
	// Types are how the files write it, each once and sorted: "INT64", "TIMESTAMP(us, UTC)".
	Types []string
	// Values are the rows that are not NULL in it.
	Values int64
	Sum    Sum
	// Low and High bound times and dates, in microseconds, and Center is the sum of them modulo 2^64; valid if Timed.
	Low, High, Center int64
	Timed             bool
	// Total is the sum of the numbers, where it was asked for.
	Total *Total
}

// Column finds a column by its name.
func (f Facts) Column(name string) (Column, bool) {
	i, ok := slices.BinarySearchFunc(f.Columns, name, func(c Column, name string) int { return cmp.Compare(c.Name, name) })
	if !ok {
		return Column{}, false
	}
	return f.Columns[i], true
}

// Plus is what both sets of rows hold together. A column that one of them lacks is NULL in all its rows.
func (f Facts) Plus(o Facts) Facts {
	both := Facts{Rows: f.Rows + o.Rows, Sum: f.Sum.Plus(o.Sum)}
	for len(f.Columns) > 0 && len(o.Columns) > 0 {
		a, b := f.Columns[0], o.Columns[0]
		switch order := cmp.Compare(a.Name, b.Name); {
		case order < 0:
			both.Columns, f.Columns = append(both.Columns, a), f.Columns[1:]
		case order > 0:
			both.Columns, o.Columns = append(both.Columns, b), o.Columns[1:]
		default:
			both.Columns, f.Columns, o.Columns = append(both.Columns, a.plus(b)), f.Columns[1:], o.Columns[1:]
		}
	}
	both.Columns = append(append(both.Columns, f.Columns...), o.Columns...)
	return both
}

func (c Column) plus(o Column) Column {
	both := c
	if !slices.Equal(c.Types, o.Types) {
		both.Types = slices.Concat(c.Types, o.Types)
		slices.Sort(both.Types)
		both.Types = slices.Compact(both.Types)
	}
	both.Values, both.Sum, both.Center = c.Values+o.Values, c.Sum.Plus(o.Sum), c.Center+o.Center
	switch {
	case c.Timed && o.Timed:
		both.Low, both.High = min(c.Low, o.Low), max(c.High, o.High)
	case o.Timed:
		both.Low, both.High, both.Timed = o.Low, o.High, true
	}
	if c.Total != nil || o.Total != nil {
		both.Total = &Total{}
		for _, t := range []*Total{c.Total, o.Total} {
			if t != nil {
				both.Total.Plus(*t)
			}
		}
	}
	return both
}
