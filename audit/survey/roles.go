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
	// Integers are columns whose bounds help to keep an identity in an array: the entity's, where it is a single column.
	Integers []string
	// Columns are those that rows are read by beside times: key, entity, source and partition.
	Columns []string
	// Mixed says that one file may hold rows of sources with event times in different columns, so that no column's
	// statistics bound them all.
	Mixed bool
}

// RolesOf takes the roles from a view.
func RolesOf(v model.View) Roles {
	r := Roles{EventTime: v.EventTime, BySource: map[string]model.TimeColumn{}}
	r.add(v.EventTime)
	r.add(v.IngestedAt)
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
		if !s.EventTime.Declared() || s.EventTime.Column == v.EventTime.Column {
			continue
		}
		r.BySource[s.Name] = s.EventTime
		r.Mixed = r.Mixed || s.Path == "" && v.Source.Column != ""
	}
	return r
}

func (r *Roles) add(c model.TimeColumn) {
	if c.Declared() && !slices.Contains(r.Times, c) {
		r.Times = append(r.Times, c)
	}
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
