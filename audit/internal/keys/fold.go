package keys

import "github.com/featureaudit/featureaudit/audit/facts"

// Fold judges the rows of one key as Group does, row by row and in any order: of rows that are too many to be held.
type Fold struct {
	classes *Classifier
	order   func(a, b Row) int
	counted func(Row) bool

	rows    int64
	kept    Row
	columns []foldedColumn
	events  eventTimes
	// last is the latest ingest time, and ties how many rows have it.
	last, ties       int64
	surplus, outside []sum
	// nearly is the order but for the places of rows, nil where rows have places; tied are the measures in which rows differ of which their places
	// alone would say which is kept.
	nearly func(a, b Row) int
	tied   []bool
}

// foldedColumn is what is known of a payload column.
type foldedColumn struct {
	first                   Value
	known, differs, unknown bool
}

// NewFold begins a key. Order is the rule of the row kept, the first; counted is that of Group.
func (j *Classifier) NewFold(order func(a, b Row) int, counted func(Row) bool) *Fold {
	return &Fold{classes: j, order: order, counted: counted, columns: make([]foldedColumn, len(j.payload)), surplus: newSums(j.measures), outside: newSums(j.measures)}
}

// Placeless says that rows have no places in their files. Order is that of rows but for these: a measure is unknown in which rows differ of which
// nothing else says which is kept.
func (f *Fold) Placeless(order func(a, b Row) int) {
	f.nearly, f.tied = order, make([]bool, len(f.surplus))
}

// Rows is how many rows were added.
func (f *Fold) Rows() int64 { return f.rows }

// Kept is the first of the rows added so far.
func (f *Fold) Kept() Row { return f.kept }

// Add takes one row. It gives the row that is surplus by that, if there is one: this or the one kept before.
func (f *Fold) Add(row Row) (surplus Row, is bool) {
	for i, value := range row.Payload {
		f.columns[i].add(value)
	}
	f.events.add(row.Event)
	f.rows++
	switch {
	case f.rows == 1:
		f.kept, f.last, f.ties = row, row.Ingested, 1
		return Row{}, false
	case row.Ingested > f.last:
		f.last, f.ties = row.Ingested, 1
	case row.Ingested == f.last:
		f.ties++
	}
	f.tie(row)
	surplus = row
	if f.order(row, f.kept) < 0 {
		surplus, f.kept = f.kept, row
	}
	sums := f.surplus
	if !f.counted(surplus) {
		sums = f.outside
	}
	for i := range sums {
		sums[i].add(surplus.Measures[i])
	}
	return surplus, true
}

// tie compares a row with the one kept before it.
func (f *Fold) tie(row Row) {
	if f.nearly == nil {
		return
	}
	switch c := f.nearly(row, f.kept); {
	case c < 0:
		clear(f.tied)
	case c == 0:
		for i := range f.tied {
			f.tied[i] = f.tied[i] || row.Measures[i] != f.kept.Measures[i]
		}
	}
}

func (c *foldedColumn) add(v Value) {
	switch {
	case v.Unknown:
		c.unknown = true
	case !c.known:
		c.first, c.known = v, true
	default:
		c.differs = c.differs || v != c.first
	}
}

// Verdict ends the key, and adds the measures of all rows but the one kept to those of the classifier.
func (f *Fold) Verdict() Verdict {
	v := Verdict{Class: facts.Replay}
	unknown := false
	for i, column := range f.columns {
		if column.differs {
			v.Differs = append(v.Differs, f.classes.payload[i])
		}
		unknown = unknown || column.unknown
	}
	shifted, odd := f.classes.eventDifferences(f.events)
	v.classify(unknown, shifted, odd)
	v.resolve(f.last, f.ties)
	sums := f.surplus
	if f.rows > 0 && !f.counted(f.kept) {
		sums = f.outside
	}
	for i, tied := range f.tied {
		sums[i].unknown = sums[i].unknown || tied // tied rows lie in one file: all of them are counted, or none
	}
	for i := range f.classes.measures {
		f.classes.surplus[i].merge(&f.surplus[i])
		f.classes.outside[i].merge(&f.outside[i])
	}
	return v
}
