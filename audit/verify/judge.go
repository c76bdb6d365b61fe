package verify

import (
	"fmt"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// comparedView is a view on both sides, with what was found out about it.
type comparedView struct {
	before, after View
	changes       []Change
	// ranged is the range as it was given, and whole says that it means nothing for the view, which has no partitions.
	ranged     string
	whole      bool
	asOf       times.Instant
	beforeKind Kind
	beforeName string
	// audits are what the audit's own checks say of the range and what lies next to it; before is nil where it is no data.
	auditBefore, auditAfter *report.Report
	auditProblem            string
	// intervals are what a registry says was materialised, and uncovered counts the rows of after that none covers; nil where nobody looked.
	intervals []model.Interval
	uncovered *Audited
	// registered says that of some view of the verification there are intervals, so that each view has a result.
	registered  bool
	definitions []diff.Finding
	entities    *EntityChange
	// entitiesUnknown and rowsUnknown say why nobody can tell.
	entitiesUnknown, rowsUnknown string
	// verified are the content sums of an earlier verification, by identity; nil without one.
	verified map[string]string
	notes    []string
}

// blank is the result of a check before anything is known.
func (v *comparedView) blank(id string) report.Result {
	c, _ := check.Lookup(id)
	return report.Result{Check: c.ID, View: v.after.Name, Owner: v.after.Owner, Severity: c.Severity, Evidence: c.Evidence, Unit: c.Unit, Measures: map[string]any{}, Findings: []report.Finding{}}
}

// problem is the result of a check that could not look, because a side could not; false where both could.
func (v *comparedView) problem(r report.Result) (report.Result, bool) {
	switch {
	case v.after.Problem != "":
		return unable(r, "after: "+v.after.Problem, v.after.Retryable), true
	case v.before.Problem != "":
		return unable(r, "before: "+v.before.Problem, v.before.Retryable), true
	}
	return r, false
}

func (v *comparedView) results() []report.Result {
	out := []report.Result{completeness{v}.judge(), correctness{v}.judge(), v.definitionsResult(), isolation{v}.judge()}
	if v.verified != nil {
		out = append(out, lasting{v}.judge())
	}
	if v.registered {
		out = append(out, materialized{v}.judge())
	}
	return append(out, schemas{v}.retyped())
}

func (v *comparedView) inRange() []*Change { return v.pick(func(c *Change) bool { return c.InRange }) }

func (v *comparedView) pick(wanted func(*Change) bool) []*Change {
	var some []*Change
	for i := range v.changes {
		if wanted(&v.changes[i]) {
			some = append(some, &v.changes[i])
		}
	}
	return some
}

func (v *comparedView) definitionsResult() report.Result {
	r := v.blank("backfill-definitions")
	r.RowsTotal = 1
	if v.before.Problem != "" && v.before.Definition.Path == "" {
		return notApplicable(r, "before has no definition of the view")
	}
	if len(v.definitions) == 0 {
		return passed(r, "the definitions are the same")
	}
	r.RowsBad = 1
	var findings []finding
	for _, f := range v.definitions {
		findings = append(findings, finding{subject: report.Subject{Object: f.Object}, total: 1, bad: 1, message: f.Message})
	}
	return found(r, findings, fmt.Sprintf("%s: %s", words.Counted(int64(len(findings)), "definition changed", "definitions changed"), findings[0].message))
}

// series is what each partition held, and holds.
func (v *comparedView) series(results []report.Result) []report.PartitionRows {
	var rows []report.PartitionRows
	for i := range v.changes {
		c := &v.changes[i]
		p := report.PartitionRows{Partition: c.Value, Rows: rowsOf(c.After), State: string(c.State), Missing: c.InRange && (c.After == nil || !c.After.Present), Open: c.State == Pending}
		if c.Start != times.None {
			p.Start = words.Instant(c.Start)
		}
		if c.Before != nil && c.Before.Present {
			n := c.Before.Rows
			p.RowsBefore = &n
		}
		if c.After != nil && c.After.Known {
			p.Content = c.After.Content.Sum.String()
		}
		for _, r := range results {
			for _, f := range r.Every {
				if f.Subject.Partition == c.Value {
					if p.Bad == nil {
						p.Bad = map[string]int64{}
					}
					p.Bad[r.Check] = 1
				}
			}
		}
		rows = append(rows, p)
	}
	return rows
}
