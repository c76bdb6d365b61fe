package survey

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// Roles names the columns whose statistics the survey decodes: those that times are read from.
type Roles struct {
	// EventTime is the view's, and BySource that of a source whose files are its own, by the source's name.
	EventTime model.TimeColumn
	BySource  map[string]model.TimeColumn
	// Times are all time columns of the view and its sources.
	Times []model.TimeColumn
	// OfSource are those of a source's own rows, by its name, and OfView those of sources that are not declared.
	OfSource map[string][]model.TimeColumn
	OfView   []model.TimeColumn
	// Hidden are the time columns whose values may not be shown.
	Hidden map[string]bool
	// Integers are columns whose bounds help to keep an identity in an array: the entity's, where it is a single column.
	Integers []string
	// Columns are those that rows are read by beside times: key, entity, source and partition.
	Columns []string
	// Given are the columns that a table's log may say for all rows of a file: times, the key's, the entity's, the writer's.
	Given []string
	// Filled are the columns that rows of a table may have values of without a file that holds them: those with a role, and whatever else is
	// named.
	Filled []string
	// Used are all columns whose values the view asks for by name.
	Used []string
	// Mixed says that one file may hold rows of sources with event times in different columns, so that no column's
	// statistics bound them all.
	Mixed bool
}

// RolesOf takes the roles from a view.
func RolesOf(v model.View) Roles {
	r := Roles{EventTime: v.EventTime, BySource: map[string]model.TimeColumn{}, OfSource: map[string][]model.TimeColumn{}, Hidden: map[string]bool{}}
	r.add(v.EventTime)
	r.add(v.IngestedAt)
	r.OfView = slices.Clone(r.Times)
	r.Columns = slices.Concat(v.Key, v.Entity, v.TimePartition.Columns)
	if v.Source.Column != "" {
		r.Columns = append(r.Columns, v.Source.Column)
	}
	if len(v.Entity) == 1 {
		r.Integers = v.Entity
	}
	for _, s := range v.Sources {
		r.add(s.EventTime)
		r.add(s.IngestedAt)
		for _, own := range [...][2]model.TimeColumn{{s.EventTime, v.EventTime}, {s.IngestedAt, v.IngestedAt}} {
			if !own[0].Declared() {
				own[0] = own[1]
			}
			if own[0].Declared() {
				r.OfSource[s.Name] = append(r.OfSource[s.Name], own[0])
			}
		}
		if !s.EventTime.Declared() || s.EventTime.Column == v.EventTime.Column {
			continue
		}
		r.BySource[s.Name] = s.EventTime
		r.Mixed = r.Mixed || s.Path == "" && v.Source.Column != ""
	}
	r.Given = slices.Concat(r.timeNames(), v.Key, v.Entity, v.Writer)
	r.Used = slices.Concat(r.Columns, r.Given, v.Measures, v.Payload)
	r.Filled = slices.Concat(r.Given, v.Measures, v.Payload)
	if v.Source.Column != "" {
		r.Filled = append(r.Filled, v.Source.Column)
	}
	for _, t := range r.Times {
		r.Hidden[t.Column] = v.Hides(t.Column)
	}
	return r
}

func (r *Roles) add(c model.TimeColumn) {
	if c.Declared() && !slices.Contains(r.Times, c) {
		r.Times = append(r.Times, c)
	}
}

// timesOf are the time columns that a file's rows may be read by: those of its own source, else of all.
func (r Roles) timesOf(f facts.File) []model.TimeColumn {
	if f.Source == "" {
		return r.Times
	}
	if own, declared := r.OfSource[f.Source]; declared {
		return own
	}
	return r.OfView
}

func (r Roles) timeNames() []string {
	names := make([]string, len(r.Times))
	for i, t := range r.Times {
		names[i] = t.Column
	}
	return names
}

// eventTime is the column that bounds the rows of a file; empty where none does.
func (r Roles) eventTime(f facts.File) string {
	if c, ok := r.BySource[f.Source]; ok && f.Source != "" {
		return c.Column
	}
	if r.Mixed && f.Source == "" {
		return ""
	}
	return r.EventTime.Column
}
