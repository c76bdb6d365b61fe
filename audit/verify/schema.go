package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// schemas compares the columns of partitions with those that they had, or that lie next to them.
type schemas struct{ *comparedView }

// reference are the columns that those of a partition are held to: what it had before, else what lies next to it outside of the range.
func (v schemas) reference(c *Change) []ColumnType {
	if c.Before != nil && len(c.Before.Columns) > 0 {
		return c.Before.Columns
	}
	var nearest *Change
	for i := range v.changes {
		o := &v.changes[i]
		if o.InRange || o.After == nil || len(o.After.Columns) == 0 {
			continue
		}
		if nearest == nil || abs(int64(o.Start-c.Start)) < abs(int64(nearest.Start-c.Start)) {
			nearest = o
		}
	}
	if nearest == nil {
		return nil
	}
	return nearest.After.Columns
}

func (v schemas) schema(c *Change) SchemaChange {
	reference := v.reference(c)
	if c.After == nil || len(c.After.Columns) == 0 || reference == nil {
		return SchemaChange{}
	}
	return schemaChange(reference, c.After.Columns)
}

// namedByFolders says that the folders of all files that are known have a value of a column, so that readers have it.
func (p Partition) namedByFolders(name string) bool {
	return len(p.Files) > 0 && !slices.ContainsFunc(p.Files, func(f File) bool {
		return !slices.ContainsFunc(facts.PathValues(f.Path), func(v facts.Value) bool { return v.Name == name })
	})
}

func (v schemas) schemaFault(c *Change) string {
	s := v.schema(c)
	var parts []string
	s.Gone = slices.DeleteFunc(s.Gone, func(name string) bool { return c.After.namedByFolders(name) })
	if len(s.Gone) > 0 {
		parts = append(parts, fmt.Sprintf("lacks the %s %s", words.Plural(int64(len(s.Gone)), "column", "columns"), words.Examples(s.Gone)))
	}
	if len(s.Changed) > 0 {
		parts = append(parts, "changed the type of "+strings.Join(s.Changed, "; "))
	}
	return strings.Join(parts, " and ")
}

// retyped names columns whose values have another type of the same kind.
func (v schemas) retyped() report.Result {
	r := v.blank("backfill-retyped")
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	if v.beforeKind == Counts {
		return notApplicable(r, "before is a report: it has no types of columns")
	}
	var findings []finding
	for _, c := range v.pick(func(c *Change) bool {
		return c.After != nil && c.After.Present && (c.InRange || c.State == Stray || c.State == Rewritten)
	}) {
		r.RowsTotal++
		if s := v.schema(c); len(s.Retyped) > 0 {
			findings = append(findings, finding{change: c, total: rowsOf(c.After), bad: max(rowsOf(c.After), 1), message: fmt.Sprintf("%s was retyped: %s", c.named(), strings.Join(s.Retyped, "; ")),
				measures: map[string]any{"columns": s.columns}})
		}
	}
	if len(findings) == 0 {
		return passed(r, "columns have the types that they had")
	}
	r.RowsBad = int64(len(findings))
	return found(r, findings, headline(r.RowsBad, r.RowsTotal, "partition", "", "has columns of another type", "have columns of another type", findings))
}
