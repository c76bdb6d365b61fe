package evidence

import (
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/words"
)

// OwnColumns names the partition columns that files may hold copies of.
func (b *Index) OwnColumns() string {
	columns := b.View.TimePartition.Columns
	return words.Plural(int64(len(columns)), "column ", "columns ") + strings.Join(columns, ", ")
}

func (b *Index) AnySourceIngested() bool {
	return slices.ContainsFunc(b.View.Sources, func(s model.SourcePolicy) bool { return s.IngestedAt.Declared() })
}

// EventNames are the names of a view's event time columns, its sources' own included.
func EventNames(v model.View) []string {
	var names []string
	if v.EventTime.Declared() {
		names = append(names, v.EventTime.Column)
	}
	for _, s := range v.Sources {
		if s.EventTime.Declared() {
			names = append(names, s.EventTime.Column)
		}
	}
	return names
}

// WantedColumn is a column that a check reads.
type WantedColumn struct {
	Name string
	// bySource names the column of a source that has its own. A file whose path does not say its source may hold any of them.
	bySource map[string]string
}

func (b *Index) TimeColumn(of model.TimeColumn, override func(model.SourcePolicy) model.TimeColumn) WantedColumn {
	w := WantedColumn{Name: of.Column, bySource: map[string]string{}}
	for _, s := range b.View.Sources {
		if own := override(s); own.Declared() {
			w.bySource[s.Name] = own.Column
		}
	}
	return w
}

// HasColumn says whether a file holds a column, in its rows or in its path: a hive folder is a column too.
func (b *Index) HasColumn(f facts.File, w WantedColumn) bool {
	if f.Source != "" {
		if own, found := w.bySource[f.Source]; found {
			return b.holds(f, own)
		}
		return b.holds(f, w.Name)
	}
	if b.holds(f, w.Name) {
		return true
	}
	for _, s := range b.View.Sources {
		if own, found := w.bySource[s.Name]; found && b.holds(f, own) {
			return true
		}
	}
	return false
}

func (b *Index) holds(f facts.File, column string) bool {
	at := schemaColumn{f.Schema, column}
	has, known := b.held[at]
	if !known {
		has = b.Schema(f).Lookup(column) != nil
		b.held[at] = has
	}
	if has {
		return true
	}
	return f.Says(column)
}
