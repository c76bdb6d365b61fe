package verify

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// materialized counts the rows of the range that the online store never gets.
type materialized struct{ *comparedView }

// until is the end of the last interval: where an incremental run begins.
func (v materialized) until() (last times.Instant) {
	for i, one := range v.intervals {
		if end := times.At(one.End); i == 0 || end > last {
			last = end
		}
	}
	return last
}

// judge counts the rows of the range that no materialisation covers.
func (v materialized) judge() report.Result {
	r := v.blank("backfill-materialized")
	if len(v.intervals) == 0 {
		return notApplicable(r, "no registry says that the view was materialised")
	}
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	filled := v.inRange()
	last := words.Instant(v.until())
	r.Measures["materialized_until"], r.Measures["intervals"] = last, int64(len(v.intervals))
	switch {
	case len(filled) == 0:
		return notApplicable(r, "no partition changed: there is no backfill to judge")
	case v.auditProblem != "":
		return unable(r, v.auditProblem, true)
	case v.uncovered == nil:
		return notApplicable(r, "the range has no files")
	case v.uncovered.UncoveredMissing != "":
		return notApplicable(r, "not known: "+v.uncovered.UncoveredMissing)
	}
	arrivals := v.after.Definition.IngestedAt != ""
	var all Uncovered
	var findings []finding
	for _, c := range filled {
		n := v.of(c)
		r.RowsTotal += rowsOf(c.After)
		all = Uncovered{all.InNone + n.InNone, all.Late + n.Late, all.Ahead + n.Ahead}
		if n.InNone+n.Late == 0 {
			continue
		}
		findings = append(findings, finding{change: c, total: rowsOf(c.After), bad: n.InNone + n.Late, message: c.named() + ": " + n.says(),
			measures: map[string]any{"rows_in_no_interval": n.InNone, "rows_after_interval": n.Late, "rows_ahead": n.Ahead}})
	}
	r.RowsBad = all.InNone + all.Late
	r.Measures["rows_in_no_interval"], r.Measures["rows_after_interval"], r.Measures["rows_ahead"] = all.InNone, all.Late, all.Ahead
	unknown := ""
	if !arrivals {
		unknown = "; whether others arrived too late is not known: the view has no ingested_at"
		r.Measures["rows_after_interval"] = "not known: the view has no ingested_at"
	}
	if len(findings) > 0 {
		return found(r, findings, fmt.Sprintf("%s of %s%s are behind the last materialisation (%s), and in none: %s%s", words.Number(r.RowsBad), words.Count(r.RowsTotal, "row"), v.span(), last, all.says(), unknown))
	}
	text := fmt.Sprintf("no row%s is behind the last materialisation (%s) and in none", v.span(), last)
	if all.Ahead > 0 {
		text += fmt.Sprintf("; %s lie after it, for the next one", words.Count(all.Ahead, "row"))
	}
	return passed(r, text+unknown)
}

// of adds up what was counted in the files of a partition.
func (v materialized) of(c *Change) (n Uncovered) {
	if c.After == nil {
		return n
	}
	for _, f := range c.After.Files {
		of := v.uncovered.Uncovered[f.Path]
		n = Uncovered{n.InNone + of.InNone, n.Late + of.Late, n.Ahead + of.Ahead}
	}
	return n
}

// says is what was counted in words.
func (n Uncovered) says() string {
	var parts []string
	if n.Late > 0 {
		parts = append(parts, fmt.Sprintf("%s arrived after all intervals that cover %s had ended", words.Count(n.Late, "row"), words.Plural(n.Late, "it", "them")))
	}
	if n.InNone > 0 {
		parts = append(parts, fmt.Sprintf("%s %s in no interval", words.Count(n.InNone, "row"), words.Plural(n.InNone, "lies", "lie")))
	}
	return strings.Join(parts, ", ")
}
