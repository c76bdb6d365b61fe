package survey

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// rename gives the columns of a file the names that its table has for them, and marks those that it has no more. The problem says
// why the file's columns cannot be told, or what of those in used would be read as something else than the table says; defaulted are the
// top-level columns of which that is so and that nothing uses.
func rename(nodes []node, columns []facts.TableColumn, used []string) (defaulted []string, problem *facts.Problem) {
	numbered := hasNumbers(nodes)
	if len(columns) > 0 && columns[0].ByID && !numbered && !slices.ContainsFunc(columns, func(c facts.TableColumn) bool { return len(c.Names) > 0 }) {
		return nil, &facts.Problem{Kind: facts.ProblemUnsupported, Message: "its columns have no numbers (field ids), by which the table knows them, and no mapping of names stands in for them " +
			"(Iceberg: schema.name-mapping.default): set one, or have the file rewritten"}
	}
	for _, c := range renameAll(nodes, columns, numbered, "") {
		if _, read := filledColumn(c); !read && isUsed(c.Name, used) && problem == nil {
			problem = &facts.Problem{Kind: facts.ProblemUnsupported, Message: fmt.Sprintf("it has no column %q, and the table says that it reads as %s there (initial-default), which is not done here: "+
				"have the file rewritten (rewrite_data_files), which writes the values", c.Name, c.Default)}
		}
		if top, _, _ := strings.Cut(c.Name, "."); !slices.Contains(defaulted, top) {
			defaulted = append(defaulted, top)
		}
	}
	return defaulted, problem
}

// isUsed says that a definition names a column, what holds it, or a field of it.
func isUsed(column string, used []string) bool {
	return slices.ContainsFunc(used, func(name string) bool { return isWithin(name, column) || isWithin(column, name) })
}

// isWithin says that a column is another, or a field of it.
func isWithin(name, of string) bool { return name == of || strings.HasPrefix(name, of+".") }

// withoutDefaults takes columns out of a schema that other files lack, where their table says a value other than NULL.
func withoutDefaults(s *facts.Schema, defaulted map[string]int) {
	if len(defaulted) > 0 {
		s.Columns = slices.DeleteFunc(s.Columns, func(c facts.Column) bool { return defaulted[c.Name] > 0 })
	}
}

// defaultedIn counts the files that lack each column of which a table says another value than NULL, and that is not read so.
func defaultedIn(files []facts.File, roles Roles) map[string]int {
	count := map[string]int{}
	for _, f := range files {
		for _, name := range f.Defaulted {
			if c, of := tableColumn(f.Table, name); of && slices.Contains(roles.Used, name) {
				if _, read := filledColumn(c); read {
					continue
				}
			}
			count[name]++
		}
	}
	return count
}

// defaultNotes say which columns were left out for that.
func defaultNotes(defaulted map[string]int, files int) []string {
	var notes []string
	for _, name := range slices.Sorted(maps.Keys(defaulted)) {
		notes = append(notes, fmt.Sprintf("column %s is not in %d of %d files, where the table says that it reads as another value than NULL (initial-default): it was left out where rows or schemas are compared", name, defaulted[name], files))
	}
	return notes
}

// hasNumbers says whether any field of a file has a number.
func hasNumbers(nodes []node) bool {
	return slices.ContainsFunc(nodes, func(n node) bool { return n.id >= 0 || hasNumbers(n.kids) })
}

// renameAll renames the fields of a struct, and gives the columns that are not there and have a default, by their whole names.
func renameAll(nodes []node, columns []facts.TableColumn, numbered bool, within string) (defaulted []facts.TableColumn) {
	held := make([]bool, len(columns))
	for i := range nodes {
		n := &nodes[i]
		at := slices.IndexFunc(columns, func(c facts.TableColumn) bool { return isIt(c, *n, numbered) })
		n.stored = n.name
		if n.unknown = at < 0 || columns[at].NotRead != ""; at >= 0 {
			held[at] = true
		}
		if n.unknown {
			continue
		}
		n.name = columns[at].Name
		if isStruct(*n) && len(columns[at].Fields) > 0 {
			defaulted = append(defaulted, renameAll(n.kids, columns[at].Fields, numbered, within+n.name+".")...)
		}
	}
	for i, c := range columns {
		if !held[i] && c.Default != "" {
			c.Name = within + c.Name
			defaulted = append(defaulted, c)
		}
	}
	return defaulted
}

// isIt says whether a column of a table is a field of a file.
func isIt(c facts.TableColumn, n node, numbered bool) bool {
	switch {
	case !c.ByID:
		return n.name == c.Stored
	case numbered:
		return n.id == c.ID
	}
	return slices.Contains(c.Names, n.name)
}
