package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

// BadRows is how the rows that a check counted are fetched: SQL whose columns are the file, the number of the row in it and the
// values of Columns, all but the number as text.
type BadRows struct {
	View  model.View
	Check string
	// SQL is empty where no one statement can say which rows were counted.
	SQL string
	// Columns are those with a role: source, times, key and entity.
	Columns []string
	// Paths are the files' paths below the view's root, by the names that SQL gives.
	Paths map[string]string
}

// badRows are the rows of results that count rows and found bad ones.
func (b *brief) badRows(results []report.Result) []BadRows {
	absolute := *b
	absolute.View.Root, absolute.within = "", true
	paths := make(map[string]string, len(b.Survey.Files))
	for _, f := range b.Survey.Files {
		paths[f.Abs] = f.Path
	}
	var all []BadRows
	for _, r := range results {
		if r.Unit != UnitRows || r.RowsBad == 0 {
			continue
		}
		one := BadRows{View: b.View, Check: r.Check}
		c, _ := Lookup(r.Check)
		query := ""
		if c.reproduce != nil && r.FindingsTotal > 0 {
			_, query, _ = strings.Cut(c.reproduce(&absolute), reproduceHead)
		}
		if query != "" {
			one.Columns = b.roleColumns()
			one.SQL = badRowsSQL(b, one.Columns, strings.TrimSuffix(query, ";"))
			one.Paths = paths
		}
		all = append(all, one)
	}
	return all
}

func badRowsSQL(b *brief, columns []string, query string) string {
	selected := []string{"filename", "file_row_number"}
	for _, name := range columns {
		for _, s := range b.Survey.Schemas {
			if column := s.Lookup(name); column != nil {
				selected = append(selected, b.valueSQL(*column, b.View.Hides(name)))
				break
			}
		}
	}
	return fmt.Sprintf("SELECT %s\nFROM (%s)\nORDER BY filename, file_row_number", strings.Join(selected, ", "), query)
}

// valueSQL is a value as text. Where it is hidden it is the text that keys have, so that a value has one name in all outputs.
func (b *brief) valueSQL(c facts.Column, hidden bool) string {
	sql := columnSQL(c)
	switch kind := engine.FormOf(c).Kind; {
	case hidden && kind == engine.FormBytes:
		return "hex(" + sql + ")"
	case hidden && (kind == engine.FormInstant || kind == engine.FormWritten):
		return fmt.Sprintf("regexp_replace(replace(%s::VARCHAR, ' ', 'T'), '([+]00)?$', 'Z')", sql)
	}
	return sql + "::VARCHAR"
}

// roleColumns are the columns with a role that some file has.
func (b *brief) roleColumns() []string {
	v := b.View
	names := slices.Concat([]string{v.Source.Column, v.EventTime.Column, v.IngestedAt.Column}, KeyColumns(v), v.Entity)
	for _, s := range v.Sources {
		names = append(names, s.EventTime.Column, s.IngestedAt.Column)
	}
	var distinct []string
	for _, name := range names {
		held := slices.ContainsFunc(b.Survey.Schemas, func(s facts.Schema) bool { return s.Lookup(name) != nil })
		if name != "" && held && !slices.Contains(distinct, name) {
			distinct = append(distinct, name)
		}
	}
	return distinct
}
