package survey

import (
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// rename gives the columns of a file the names that its table has for them, and marks those that it has no more. The problem says
// why the file's columns cannot be told, or what of them would be read as something else than the table says.
func rename(nodes []node, columns []facts.TableColumn) *facts.Problem {
	numbered := hasNumbers(nodes)
	if len(columns) > 0 && columns[0].ByID && !numbered && !slices.ContainsFunc(columns, func(c facts.TableColumn) bool { return len(c.Names) > 0 }) {
		return &facts.Problem{Kind: facts.ProblemUnsupported, Message: "its columns have no numbers (field ids), by which the table knows them, and no mapping of names stands in for them " +
			"(Iceberg: schema.name-mapping.default): set one, or have the file rewritten"}
	}
	return renameAll(nodes, columns, numbered, "")
}

// hasNumbers says whether any field of a file has a number.
func hasNumbers(nodes []node) bool {
	return slices.ContainsFunc(nodes, func(n node) bool { return n.id >= 0 || hasNumbers(n.kids) })
}

func renameAll(nodes []node, columns []facts.TableColumn, numbered bool, within string) *facts.Problem {
	held := make([]bool, len(columns))
	var problem *facts.Problem
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
			if wrong := renameAll(n.kids, columns[at].Fields, numbered, within+n.name+"."); problem == nil {
				problem = wrong
			}
		}
	}
	for i, c := range columns {
		if !held[i] && c.Default != "" && problem == nil {
			problem = &facts.Problem{Kind: facts.ProblemUnsupported, Message: fmt.Sprintf("it has no column %q, and the table says that it reads as %s there (initial-default), which is not done here: "+
				"have the file rewritten (rewrite_data_files), which writes the values", within+c.Name, c.Default)}
		}
	}
	return problem
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
