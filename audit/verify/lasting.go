package verify

import (
	"fmt"
	"maps"
	"slices"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// lasting compares what was verified earlier with what is there now.
type lasting struct{ *comparedView }

// judge compares what was verified earlier with what is there now.
func (v lasting) judge() report.Result {
	r := v.blank("backfill-lasting")
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	var findings []finding
	unknown := 0
	seen := map[string]bool{}
	for i := range v.changes {
		c := &v.changes[i]
		sum, was := v.verified[c.Value]
		if !was {
			continue
		}
		seen[c.Value] = true
		r.RowsTotal++
		switch {
		case c.After == nil || !c.After.Present:
			findings = append(findings, finding{change: c, total: 1, bad: 1, message: c.named() + " is gone since it was verified"})
		case !c.After.Known:
			unknown++
		case c.After.Content.Sum.String() != sum:
			findings = append(findings, finding{change: c, total: rowsOf(c.After), bad: max(rowsOf(c.After), 1),
				message: fmt.Sprintf("%s was overwritten since it was verified: it has %s now", c.named(), words.Count(rowsOf(c.After), "row"))})
		}
	}
	for _, value := range slices.Sorted(maps.Keys(v.verified)) {
		if !seen[value] {
			r.RowsTotal++
			findings = append(findings, finding{subject: report.Subject{Partition: value}, total: 1, bad: 1, message: value + " is gone since it was verified"})
		}
	}
	r.RowsBad = int64(len(findings))
	switch {
	case len(findings) > 0:
		return found(r, findings, headline(r.RowsBad, r.RowsTotal, "partition", " that were verified", "changed since", "changed since", findings))
	case unknown > 0:
		return unable(r, fmt.Sprintf("%s could not be read again", words.Count(int64(unknown), "partition")), true)
	}
	return passed(r, fmt.Sprintf("all %s hold the rows that were verified", words.Count(r.RowsTotal, "partition")))
}
