package survey

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// rename gives the columns of a file the names that its table has for them, and marks those that it has no more.
func rename(nodes []node, columns []facts.TableColumn) {
	for i := range nodes {
		n := &nodes[i]
		at := slices.IndexFunc(columns, func(c facts.TableColumn) bool {
			if c.ByID {
				return n.id == c.ID
			}
			return n.name == c.Stored
		})
		n.stored = n.name
		if n.unknown = at < 0; n.unknown {
			continue
		}
		n.name = columns[at].Name
		if isStruct(*n) && len(columns[at].Fields) > 0 {
			rename(n.kids, columns[at].Fields)
		}
	}
}
