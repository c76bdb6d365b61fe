package main

import (
	"path"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/policy"
)

// How alike the columns of two files of one folder are where they are surely of one table, and where surely of two. In
// between their names decide.
const (
	surelyOne = 0.8
	surelyTwo = 0.5
)

// table is some files of a folder that hold one table, by their indexes in the survey.
type table struct {
	schema *facts.Schema
	stem   string
	files  []int
}

// tablesOf puts the files of one folder together by their columns, in the order of their paths. A file that cannot be
// read is in none.
func tablesOf(s facts.Survey) []table {
	var tables []table
	for i, f := range s.Files {
		if f.Schema < 0 || int(f.Schema) >= len(s.Schemas) {
			continue
		}
		schema, stem := &s.Schemas[f.Schema], stemOf(f.Path)
		at := slices.IndexFunc(tables, func(t table) bool { return sameTable(t, schema, stem) })
		if at < 0 {
			at = len(tables)
			tables = append(tables, table{schema: schema, stem: stem})
		}
		tables[at].files = append(tables[at].files, i)
	}
	return tables
}

func sameTable(t table, schema *facts.Schema, stem string) bool {
	alike := alikeness(t.schema, schema)
	return alike >= surelyOne || alike >= surelyTwo && t.stem == stem
}

// alikeness is which part of the columns of two schemas both have.
func alikeness(a, b *facts.Schema) float64 {
	if a == b {
		return 1
	}
	all := map[string]int{}
	for _, s := range []*facts.Schema{a, b} {
		own := map[string]bool{}
		for _, c := range s.Columns {
			own[c.Name] = true
		}
		for name := range own {
			all[name]++
		}
	}
	both := 0
	for _, n := range all {
		if n == 2 {
			both++
		}
	}
	if len(all) == 0 {
		return 1
	}
	return float64(both) / float64(len(all))
}

// stemOf is the name of a file without its ending and without numbers, dates and what stands between them.
func stemOf(file string) string {
	return strings.TrimRight(baseOf(file), "0123456789-_. TZ")
}

func baseOf(file string) string {
	name := path.Base(file)
	return strings.TrimSuffix(name, path.Ext(name))
}

// tableViews is a view for each table of a folder.
func tableViews(s facts.Survey, tables []table) []policy.StarterView {
	var views []policy.StarterView
	for i, t := range tables {
		v := policy.StarterView{Guesses: map[string]string{"path": "the files of this folder with these columns"}}
		var names []string
		part := facts.Survey{Schemas: s.Schemas}
		for _, f := range t.files {
			names = append(names, s.Files[f].Path)
			part.Files = append(part.Files, s.Files[f])
		}
		v.Name, v.Path = tableName(names), tableGlob(names, others(s, tables, i))
		guess(&v, part)
		views = append(views, v)
	}
	return views
}

// others are the files of all tables but one.
func others(s facts.Survey, tables []table, but int) []string {
	var names []string
	for i, t := range tables {
		for _, f := range t.files {
			if i != but {
				names = append(names, s.Files[f].Path)
			}
		}
	}
	return names
}

func tableName(names []string) string {
	if len(names) == 1 {
		return baseOf(names[0])
	}
	if name := strings.TrimRight(sharedPrefix(names), "0123456789-_. "); name != "" {
		return name
	}
	return baseOf(names[0])
}

// tableGlob names these files of a folder and none of the others.
func tableGlob(names, others []string) string {
	if len(names) == 1 {
		return names[0]
	}
	prefix := sharedPrefix(names)
	// Without its date: the next month's file is of the table too. What stands before the date stays.
	if word := strings.TrimRight(prefix, "0123456789-_."); word != "" && word != prefix {
		prefix = word + strings.TrimRight(prefix[len(word):len(word)+1], "0123456789")
	}
	fits := func(name string) bool { return strings.HasPrefix(name, prefix) && strings.HasSuffix(name, ".parquet") }
	if prefix != "" && !slices.ContainsFunc(names, func(n string) bool { return !fits(n) }) && !slices.ContainsFunc(others, fits) {
		return escapeGlob(prefix) + "*.parquet"
	}
	escaped := make([]string, len(names))
	for i, name := range names {
		escaped[i] = escapeGlob(name)
	}
	return "{" + strings.Join(escaped, ",") + "}"
}

func sharedPrefix(names []string) string {
	prefix := baseOf(names[0])
	for _, name := range names[1:] {
		for !strings.HasPrefix(baseOf(name), prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return strings.ToValidUTF8(prefix, "")
}

// escapeGlob keeps a name from being read as a pattern.
func escapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`, `,`, `\,`).Replace(name)
}
