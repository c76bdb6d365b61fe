package reproduce

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// BadRows is how the rows that a check counted are fetched: SQL whose columns are the file, the number of the row in it and the
// values of Columns, all but the number as text.
type BadRows struct {
	View  model.View
	Check string
	// Bad is how many rows were counted; of entities, one each. About says that SQL may give some more or less: of an estimate, and of
	// pairs that share a row.
	Bad   int64
	About bool
	// SQL is empty where no one statement can say which rows were counted; Missing says why.
	SQL, Missing string
	// Columns are those with a role: source, times, key and entity.
	Columns []string
	// Paths are the files' paths below the view's root, by the names that SQL gives.
	Paths map[string]string
	// Values are set where rows are large: SQL gives the file and the number of each row alone then, and these give its values.
	Values *ValuesSQL
}

// ValuesSQL is how the values of rows are fetched whose files and numbers are known.
type ValuesSQL struct {
	// Files are those that rows may lie in, and Wanted says which top-level columns of them are read.
	Files  []*facts.File
	Wanted func(column string) bool
	// byName is the query of each file by its name, in two parts: between them stand the numbers of rows.
	byName map[string][2]string
}

// Of is the SQL that gives the values of rows of a file, by its name, in the order of their numbers: the file, the number, and the
// values of BadRows.Columns as text.
func (v *ValuesSQL) Of(file string, numbers []int64) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = fmt.Sprint(n)
	}
	query := v.byName[file]
	return query[0] + strings.Join(texts, ", ") + query[1]
}

// Renamed is the same with other names of files.
func (v *ValuesSQL) Renamed(names map[string]string, text func(string) string) *ValuesSQL {
	renamed := &ValuesSQL{Files: v.Files, Wanted: v.Wanted, byName: make(map[string][2]string, len(v.byName))}
	for name, query := range v.byName {
		renamed.byName[names[name]] = [2]string{text(query[0]), query[1]}
	}
	return renamed
}

// values says how the values of rows of the files are fetched that the last query named.
func (b *Statements) values() *ValuesSQL {
	v := &ValuesSQL{Files: b.named, Wanted: b.wanted(), byName: make(map[string][2]string, len(b.named))}
	file, number := b.rowNames()
	for _, f := range b.named {
		one := []*facts.File{f}
		selected := strings.Join(append([]string{file, number}, b.roleTexts(one)...), ", ")
		v.byName[f.Abs] = [2]string{fmt.Sprintf("SELECT %s\nFROM %s\nWHERE %s IN (", selected, b.readAll(one), number), fmt.Sprintf(")\nORDER BY %s", number)}
	}
	return v
}

// wanted says which top-level columns the queries read. Where columns are told by their positions, all are.
func (b *Statements) wanted() func(string) bool {
	names := map[string]bool{}
	for _, s := range b.Survey.Schemas {
		if slices.ContainsFunc(s.Columns, func(c facts.Column) bool { return c.Position > 0 }) {
			return func(string) bool { return true }
		}
		for _, name := range b.roleColumns() {
			if c := s.Lookup(name); c != nil {
				names[c.Stored().Name] = true
			}
		}
	}
	return func(name string) bool { return names[name] }
}

// BadRows says how the rows of one statement are fetched.
func (b *Statements) BadRows(write func(*Statements) (sql, missing string)) BadRows {
	one := BadRows{View: b.View}
	b.named = nil
	text, missing := write(b)
	if missing != "" {
		one.Missing = missing
		return one
	}
	_, query, _ := strings.Cut(text, reproduceHead)
	one.SQL, one.Columns, one.Paths = strings.TrimSuffix(query, ";"), b.roleColumns(), make(map[string]string, len(b.named))
	for _, f := range b.named {
		one.Paths[f.Abs] = f.Path
	}
	if len(b.named) == 0 { // a statement that gives no rows names none
		for i := range b.Survey.Files {
			one.Paths[b.Survey.Files[i].Abs] = b.Survey.Files[i].Path
		}
	}
	if b.large && len(b.named) > 0 {
		one.Values = b.values()
	}
	return one
}

// roleTexts are the values of the columns with a role, as text; NULL where none of the files has one that a name alone tells.
func (b *Statements) roleTexts(files []*facts.File) []string {
	groups := b.groupsOf(files)
	mixed := mixedColumns(groups)
	var texts []string
	for _, name := range b.roleColumns() {
		text := "NULL::VARCHAR"
		for _, g := range groups {
			column := g.schema.Lookup(name)
			if column == nil || column.Absent || column.Stored().Position > 0 || column.Path != column.Name && mixed[strings.ToLower(column.Name)] {
				continue
			}
			text = b.valueSQL(column.Stored(), b.View.Hides(name))
			break
		}
		texts = append(texts, b.orFilled(name, text, groups))
	}
	return texts
}

// orFilled is the text of a column's values, or what its table says of rows in files that lack it.
func (b *Statements) orFilled(name, text string, groups []fileGroup) string {
	file, _ := b.rowNames()
	for _, g := range groups {
		if c := g.schema.Lookup(name); c != nil && c.Absent && c.Filled {
			names := make([]string, len(g.files))
			for i, f := range g.files {
				names[i] = quoteText(b.fromConfig(f))
			}
			text = fmt.Sprintf("CASE WHEN %s IN (%s) THEN %s ELSE %s END", file, strings.Join(names, ", "), b.valueSQL(*c, b.View.Hides(name)), text)
		}
	}
	return text
}

// valueSQL is a value as text. Where it is hidden it is the text that keys have, so that a value has one name in all outputs.
func (b *Statements) valueSQL(c facts.Column, hidden bool) string {
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
func (b *Statements) roleColumns() []string {
	v := b.View
	names := slices.Concat([]string{v.Source.Column, v.EventTime.Column, v.IngestedAt.Column}, evidence.KeyColumns(v), v.Entity)
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
