package verify

import (
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// correctness judges what a backfill brought.
type correctness struct{ *comparedView }

// AuditChecks are the checks of an audit that tell what a backfill may bring.
func AuditChecks() []string {
	var ids []string
	for _, c := range check.Catalogue() {
		if c.Backfilled {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// judge judges what the backfill brought.
func (v correctness) judge() report.Result {
	r := v.blank("backfill-correct")
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	filled := v.inRange()
	r.RowsTotal = int64(len(filled))
	if totals := v.totals(); len(totals) > 0 {
		r.Measures["totals"] = totals
	}
	var findings []finding
	for _, c := range filled {
		if c.State == Doubled {
			f := v.ofState(c)
			findings = append(findings, f)
		}
	}
	brought, warned, unlooked := v.brought()
	findings = append(findings, brought...)
	r.RowsBad = min(countPartitions(findings), max(r.RowsTotal, 1))
	switch {
	case len(findings) > 0:
		if warned && !slices.ContainsFunc(filled, func(c *Change) bool { return c.State == Doubled }) {
			r.Severity = report.SeverityWarn
		}
		return found(r, findings, headline(r.RowsBad, max(r.RowsTotal, r.RowsBad), "partition", v.span(), "holds faults that the backfill brought", "hold faults that the backfill brought", findings))
	case v.auditProblem != "":
		return unable(r, v.auditProblem, true)
	case len(unlooked) > 0:
		return unable(r, unlooked[0].Message, unlooked[0].Retryable)
	case len(filled) == 0:
		return notApplicable(r, "no partition changed: there is no backfill to judge")
	case v.auditAfter == nil:
		return notApplicable(r, "after is no data: its rows cannot be looked at")
	}
	return passed(r, "no repeated key, misfiled row or mixed zone was brought")
}

// brought compares what the audit's checks found on both sides; warned says that all of it weighs as warnings.
func (v correctness) brought() (findings []finding, warned bool, unlooked []report.Result) {
	if v.auditAfter == nil {
		return nil, false, nil
	}
	warned = true
	for _, after := range v.auditAfter.Results {
		switch after.Outcome {
		case report.Error:
			unlooked = append(unlooked, after)
			continue
		case report.Fail, report.Warn:
		default:
			continue
		}
		old := v.oldFindings(after.Check)
		for _, f := range merged(after) {
			c := v.changeOf(f.Subject.Partition)
			if v.auditBefore == nil && c != nil && (c.State == Unchanged || c.State == Rewritten || c.State == Pending) && !(after.JudgesEncoding() && v.zoneMarked(c)) {
				continue // what did not change was not brought
			}
			more := f.RowsBad - old[f.Subject.Partition]
			if more <= 0 {
				continue
			}
			warned = warned && after.Outcome == report.Warn
			text := f.Message
			if text == "" {
				text = after.Message
			}
			if was := old[f.Subject.Partition]; was > 0 {
				text += fmt.Sprintf("; before there were %s", words.Number(was))
			} else if v.auditBefore == nil && !(after.JudgesEncoding() && v.zoneMarked(c)) {
				text += "; whether it was so before is not known"
			}
			findings = append(findings, finding{change: c, subject: report.Subject{Partition: f.Subject.Partition, Object: after.Check}, total: f.RowsTotal, bad: more,
				message: after.Check + ": " + text, measures: map[string]any{"check": after.Check, "before": old[f.Subject.Partition], "after": f.RowsBad}})
		}
	}
	return findings, warned && len(findings) > 0, unlooked
}

// zoneMarked says that the event times of a partition lost the mark of their zone, or got it: the instants are the same, the encoding is not.
func (v correctness) zoneMarked(c *Change) bool {
	name := v.after.Definition.EventTime
	return c != nil && c.Before != nil && c.After != nil && len(c.Before.Columns) > 0 && aware(*c.Before, name) != aware(*c.After, name)
}

// merged adds up the findings of a result by partition.
func merged(r report.Result) []report.Finding {
	at := map[string]int{}
	var out []report.Finding
	all := r.Every
	if len(all) == 0 {
		all = r.Findings
	}
	for _, f := range all {
		i, known := at[f.Subject.Partition]
		if !known {
			at[f.Subject.Partition] = len(out)
			out = append(out, f)
			continue
		}
		out[i].RowsBad += f.RowsBad
		out[i].RowsTotal += f.RowsTotal
	}
	return out
}

func (v correctness) oldFindings(id string) map[string]int64 {
	old := map[string]int64{}
	if v.auditBefore == nil {
		return old
	}
	for _, r := range v.auditBefore.Results {
		if r.Check != id || r.Outcome == report.Error {
			continue
		}
		for _, f := range merged(r) {
			old[f.Subject.Partition] = f.RowsBad
		}
	}
	return old
}

func (v correctness) changeOf(partition string) *Change {
	for i := range v.changes {
		if v.changes[i].Value == partition {
			return &v.changes[i]
		}
	}
	return nil
}

// totals are the sums of measures before and after, of partitions where they differ.
func (v correctness) totals() []map[string]any {
	var out []map[string]any
	for _, c := range v.inRange() {
		if c.Before == nil || c.After == nil || !c.Before.Known || !c.After.Known || len(out) >= maxFindings {
			continue
		}
		for _, name := range v.after.Definition.Measures {
			a, b := totalOf(c.Before.Content, name), totalOf(c.After.Content, name)
			if a != b {
				out = append(out, map[string]any{"partition": c.Value, "measure": name, "before": a, "after": b})
			}
		}
	}
	return out
}

func totalOf(f content.Facts, name string) string {
	c, ok := f.Column(name)
	if !ok || c.Total == nil {
		return "not known"
	}
	return c.Total.String()
}
