package document

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/facts"
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

// Where a table is said to be of small files: so many of them at least, and of so few bytes on average at most.
const (
	manyFiles  = 100
	smallBytes = 1 << 20
)

// smallFiles says that a table is made of many small files, or nothing.
func (b view) smallFiles(t *facts.Table) string {
	files, bytes := int64(0), int64(0)
	for _, f := range b.Survey.Files {
		if f.Table != nil && f.Table.Root == t.Root {
			files, bytes = files+1, bytes+f.Size
		}
	}
	if files < manyFiles || bytes/files > smallBytes {
		return ""
	}
	return fmt.Sprintf("the table has %s of %s on average: whoever reads it opens each of them; compact it (OPTIMIZE, rewrite_data_files)", words.Count(files, "file"), words.Size(bytes/files))
}
