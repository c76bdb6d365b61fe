package check

import (
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/report"

	"github.com/featureaudit/featureaudit/audit/words"
)

var emptyPartitions = Check{
	ID:         "empty-partitions",
	Title:      "Partitions without rows.",
	Why:        "A load that wrote nothing and reported success looks complete to every job that waits for the folder.",
	Fix:        "Run the load for these partitions again, or remove the empty folders.",
	Since:      "0.1",
	Scope:      ScopeView,
	Severity:   report.SeverityWarn,
	Evidence:   report.Certain,
	Unit:       UnitPartitions,
	Needs:      Needs{Files: true, Footers: true, TimePartition: true},
	Fractional: true,
	Query:      true,
	sound: soundPartitions(func(p evidence.Presence) (judged, bad bool) {
		return p.Present && p.Emptiable && (p.Rows > 0 || p.Unread == 0), p.Rows == 0
	}),
	nothing: always("no closed partition is there yet"),
	bad:     always("hold no row"),
	good:    func(b *viewEvidence) string { return "hold rows" + b.ExpectedOf() },
	describe: func(_ *viewEvidence, f row) string {
		if files, ok := f.measures.Count("files"); ok && files > 0 {
			return "the partition" + evidence.GroupInWords(f.subject) + " holds " + words.Count(files, "file") + " without a row"
		}
		return "the partition" + evidence.GroupInWords(f.subject) + " holds no file"
	},
}
