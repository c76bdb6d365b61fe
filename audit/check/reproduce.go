package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// maxListedFiles is how many files a query names one by one where a glob cannot say which it reads.
const maxListedFiles = 200

// reproduceDuplicates is SQL for the DuckDB shell, run in the view's root, that gives the rows of every repeated key. It
// is empty where one statement cannot say what the audit did: times of the key that are read in declared zones, text
// times, and more files without a common glob than a person would read.
func (b *brief) reproduceDuplicates() string {
	v := b.View
	if b.keyNeedsClock() {
		return ""
	}
	files, ok := b.filesInSQL()
	if !ok {
		return ""
	}
	columns := make([]string, 0, len(KeyColumns(v)))
	for _, name := range KeyColumns(v) {
		columns = append(columns, columnInSQL(b.Survey.Schemas, name))
	}
	groups, ok := b.groupsInSQL(columns)
	if !ok {
		return ""
	}
	filters := make([]string, len(columns))
	for i, column := range columns {
		filters[i] = column + " IS NOT NULL"
	}
	return fmt.Sprintf("SET TimeZone = 'UTC';\nSELECT *\nFROM (SELECT *, count(*) OVER (PARTITION BY %s) AS copies\n      FROM read_parquet(%s, union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)\n      WHERE %s)\nWHERE copies > 1\nORDER BY %s, filename, file_row_number;",
		strings.Join(groups, ", "), files, strings.Join(filters, " AND "), strings.Join(columns, ", "))
}

// keyNeedsClock says that a key's column is a time whose instant the engine alone would not know.
func (b *brief) keyNeedsClock() bool {
	for _, name := range KeyColumns(b.View) {
		for _, s := range b.Survey.Schemas {
			column := s.Lookup(name)
			if column == nil || column.Nested {
				continue
			}
			switch s.Encoding(*column) {
			case facts.EncodingNaive, facts.EncodingInt96Naive:
				if b.declaresZone() {
					return true
				}
			case facts.EncodingTextNaive:
				if name == b.View.EventTime.Column || name == b.View.IngestedAt.Column {
					return true
				}
			}
		}
	}
	return false
}

func (b *brief) declaresZone() bool {
	named := func(zone string) bool { return zone != "" && zone != "UTC" && zone != model.ZoneDevice }
	return named(b.View.Zone) || named(b.View.EventTime.Zone) || slices.ContainsFunc(b.View.Sources, func(s model.SourcePolicy) bool {
		return named(s.Zone) || named(s.EventTime.Zone)
	})
}

// filesInSQL names the files that were read: by a glob where it takes in just these, else one by one.
func (b *brief) filesInSQL() (string, bool) {
	var read []string
	flat, all := true, true
	for _, f := range b.Survey.Files {
		_, failed := b.Collection.Unread[f.ID]
		if f.Problem != nil || failed {
			all = false
			continue
		}
		flat = flat && !strings.Contains(f.Path, "/")
		all = all && path.Ext(f.Path) == ".parquet"
		read = append(read, f.Path)
	}
	all = all && len(b.Survey.Links) == 0
	for _, n := range b.Survey.Ignored {
		all = all && n == 0
	}
	switch {
	case all && flat:
		return "'*.parquet'", true
	case all:
		return "'**/*.parquet'", true
	case len(read) > maxListedFiles:
		return "", false
	}
	for i, name := range read {
		read[i] = "'" + strings.ReplaceAll(name, "'", "''") + "'"
	}
	return "[" + strings.Join(read, ", ") + "]", true
}

// groupsInSQL are the key's columns and what it may appear once for.
func (b *brief) groupsInSQL(columns []string) ([]string, bool) {
	groups := slices.Clone(columns)
	once := slices.Clone(b.View.OncePer)
	if b.View.TimePartition.Of == model.OfSnapshot && b.View.TimePartition.Declared() {
		once = append(once, "partition")
	}
	for _, group := range once {
		switch {
		case group == "source" && b.View.Source.Column != "" && columnInSQL(b.Survey.Schemas, b.View.Source.Column) != "":
			groups = append(groups, columnInSQL(b.Survey.Schemas, b.View.Source.Column))
		case group == "partition":
			groups = append(groups, "parse_dirpath(filename)")
		default:
			return nil, false
		}
	}
	return groups, true
}

// columnInSQL names a column or a field of a struct; empty where no file has it.
func columnInSQL(schemas []facts.Schema, name string) string {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	for _, s := range schemas {
		column := s.Lookup(name)
		if column == nil {
			continue
		}
		parts := []string{quote(column.Name)}
		if !column.Nested && column.Path != column.Name {
			for _, field := range strings.Split(strings.TrimPrefix(column.Path, column.Name+"."), ".") {
				parts = append(parts, quote(field))
			}
		}
		return strings.Join(parts, ".")
	}
	return ""
}
