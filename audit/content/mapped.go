package content

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// naming says what a table calls the fields of a file; without a table's columns they have their own names.
type naming struct {
	columns []facts.TableColumn
	// numbered says that the file's fields have numbers, by which tables may know them.
	numbered bool
}

// namingOf is how a file's fields are called.
func namingOf(table *facts.Table, root *schema.GroupNode) naming {
	if table == nil || len(table.Columns) == 0 {
		return naming{}
	}
	return naming{columns: table.Columns, numbered: hasNumbers(root)}
}

func hasNumbers(g *schema.GroupNode) bool {
	for i := range g.NumFields() {
		n := g.Field(i)
		if inner, ok := n.(*schema.GroupNode); n.FieldID() >= 0 || ok && hasNumbers(inner) {
			return true
		}
	}
	return false
}

// of is what the table calls a field, and how those within it are called; false of one that the table does not have.
func (n naming) of(field schema.Node) (name string, within naming, known bool) {
	if len(n.columns) == 0 {
		return field.Name(), naming{}, true
	}
	i := slices.IndexFunc(n.columns, func(c facts.TableColumn) bool {
		switch {
		case !c.ByID:
			return c.Stored == field.Name()
		case n.numbered:
			return field.FieldID() == c.ID
		}
		return slices.Contains(c.Names, field.Name())
	})
	if i < 0 {
		return "", naming{}, false
	}
	if isStruct(field) {
		within = naming{columns: n.columns[i].Fields, numbered: n.numbered}
	}
	return n.columns[i].Name, within, true
}

func isStruct(n schema.Node) bool {
	if n.Type() != schema.Group || n.RepetitionType() == parquet.Repetitions.Repeated {
		return false
	}
	switch n.LogicalType().(type) {
	case schema.ListLogicalType, schema.MapLogicalType:
		return false
	}
	return true
}

// unreadColumn says why the columns of a table's file cannot be read, nil where all can.
func unreadColumn(f facts.File) *facts.Problem {
	if f.Table == nil {
		return nil
	}
	if len(f.Defaulted) > 0 {
		return &facts.Problem{Kind: facts.ProblemUnsupported, Message: fmt.Sprintf("it has no column %q, and the table says that it reads as another value than NULL there (initial-default), which content sums do not do: "+
			"have the file rewritten (rewrite_data_files), which writes the values", f.Defaulted[0])}
	}
	for _, c := range f.Table.Columns {
		if c.NotRead != "" {
			return &facts.Problem{Kind: facts.ProblemUnsupported, Message: fmt.Sprintf("its column %q is of the type %s, which content sums do not read", c.Name, c.NotRead)}
		}
	}
	return nil
}
