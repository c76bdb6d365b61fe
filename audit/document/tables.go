package document

import (
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// logs are the versions of tables that were looked at.
func (b view) logs() []report.Table {
	deleted := map[string]int64{} // by the root of the table
	for _, f := range b.Survey.Files {
		if f.Deleted != nil {
			deleted[f.Table.Root] += f.Deleted.Count()
		}
	}
	var tables []report.Table
	for _, t := range b.Survey.Tables {
		out := report.Table{Format: strings.ToLower(t.Format), Root: address.Redact(b.withinRoot(t.Root)), Version: t.Version, DeletedRows: deleted[t.Root], Orphans: t.Orphans, OrphanBytes: t.OrphanBytes}
		if t.CommittedAt.Known() {
			out.CommittedAt = words.Instant(t.CommittedAt)
		}
		tables = append(tables, out)
	}
	slices.SortFunc(tables, func(x, y report.Table) int { return strings.Compare(x.Root, y.Root) })
	return tables
}

// withinRoot is the folder of a table below the view's root, as the paths of its files are.
func (b view) withinRoot(folder string) string {
	if rest, below := strings.CutPrefix(folder+"/", strings.TrimSuffix(b.Survey.Root, "/")+"/"); below {
		return strings.TrimSuffix("./"+rest, "/")
	}
	return folder
}
