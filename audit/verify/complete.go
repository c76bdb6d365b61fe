package verify

import (
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// completeness judges the partitions that were filled: are they there, and whole?
type completeness struct{ *comparedView }

// judge judges the partitions that were filled.
func (v completeness) judge() report.Result {
	r := v.blank("backfill-complete")
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	filled := v.inRange()
	r.RowsTotal = int64(len(filled))
	v.countStates(&r)
	if len(filled) == 0 && v.ranged != "" && !v.whole {
		return unable(r, fmt.Sprintf("no partition of %s is there, and none should be by %s: check --range", v.ranged, words.Instant(v.asOf)), false)
	}
	if len(filled) == 0 {
		return notApplicable(r, "no partition changed: there is no backfill to judge")
	}
	var findings []finding
	var unread []*Change
	for _, c := range filled {
		switch {
		case c.State == Incomplete, c.State == Truncated, c.State == Shifted:
			findings = append(findings, v.ofState(c))
		case c.State == AsExpected && c.Rows != nil && c.Rows.Lost > max(c.fewerExpected(), c.misfiledBefore) && v.tells(c):
			f := v.ofState(c)
			f.message = fmt.Sprintf("%s: rows of before are missing", c.says())
			findings = append(findings, f)
		case c.State == Unknown && c.After != nil && len(c.After.Unread) > 0:
			unread = append(unread, c)
		}
		if text := schemas(v).schemaFault(c); text != "" {
			findings = append(findings, finding{change: c, subject: report.Subject{Object: "schema"}, total: rowsOf(c.After), bad: max(rowsOf(c.After), 1), message: c.named() + " " + text})
		}
	}
	r.RowsBad = countPartitions(findings)
	v.measureEntities(&r)
	if e := v.entities; e != nil && e.Lost > 0 {
		findings = append(findings, finding{subject: report.Subject{Object: "entities"}, total: e.Before, bad: e.Lost,
			message: fmt.Sprintf("%s of %s of before are gone from the range, %s are new", words.Number(e.Lost), words.Counted(e.Before, "entity", "entities"), words.Number(e.New))})
	}
	within := v.span()
	switch {
	case len(findings) > 0:
		return found(r, findings, headline(r.RowsBad, r.RowsTotal, "partition", within, "is not complete", "are not complete", findings))
	case len(unread) > 0:
		return unable(r, unread[0].says(), unread[0].After.Retryable)
	}
	text := fmt.Sprintf("all %s%s are complete", words.Count(r.RowsTotal, "partition"), within)
	if r.RowsTotal == 1 {
		text = fmt.Sprintf("the partition%s is complete", within)
	}
	if v.entitiesUnknown != "" {
		text += "; whether entities were lost is not known: " + v.entitiesUnknown
	}
	return passed(r, text)
}

// tells says that keys which are missing are rows which are missing. Without a key of its own a view is told by whole rows, or by entity and
// event time, and a row that a backfill put right is another one then.
func (v completeness) tells(c *Change) bool {
	d := v.after.Definition
	switch {
	case c.Rows.unkeyed:
		return false
	case d.KeyDefaulted && slices.Contains(c.Columns, d.EventTime):
		return c.Rows.Lost > c.Rows.Added
	}
	return true
}

// fewerExpected is how many rows less than before somebody said that there are to be: so many keys may be missing.
func (c *Change) fewerExpected() int64 {
	if !c.expected {
		return 0
	}
	return max(rowsOf(c.Before)-rowsOf(c.After), 0)
}

func (v completeness) countStates(r *report.Result) {
	counts := map[string]int64{}
	before, after := int64(0), int64(0)
	for _, c := range v.inRange() {
		counts[string(c.State)]++
		before, after = before+rowsOf(c.Before), after+rowsOf(c.After)
	}
	r.Measures["states"], r.Measures["rows_before"], r.Measures["rows_after"] = counts, before, after
}

func (v completeness) measureEntities(r *report.Result) {
	if e := v.entities; e != nil {
		r.Measures["entities_before"], r.Measures["entities_after"], r.Measures["entities_lost"], r.Measures["entities_new"] = e.Before, e.After, e.Lost, e.New
	}
	if v.entitiesUnknown != "" {
		r.Measures["entities"] = "not known: " + v.entitiesUnknown
	}
	if v.rowsUnknown != "" {
		r.Measures["rows_by_key"] = "not known: " + v.rowsUnknown
	}
}
