package check

import (
	"fmt"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

var suppressionUnused = Check{
	ID:       "suppression-unused",
	Title:    "A suppression matches no finding.",
	Why:      "Its cause is gone or its name is wrong; left in place it hides the next fault of that kind.",
	Fix:      "Remove the suppression, or correct its check, view, source or range.",
	Since:    "0.1",
	Scope:    ScopeRun,
	Severity: report.SeverityWarn,
	Evidence: report.Certain,
	Unit:     UnitSuppressions,
	judgeRun: judgeUnused,
	nothing:  always("no suppression applies to what was audited"),
	bad:      always("match no finding"),
	good:     always("match a finding"),
}

func judgeUnused(in RunInput) verdict {
	if in.HasRange {
		return verdict{notApplicable: "--range judges a part of each view only: a suppression may match elsewhere"}
	}
	looked := lookedAt(in.Results)
	v := verdict{}
	for i, s := range in.Suppressions {
		if expired(s, in.AsOf) || !looked[suppressed{s.Check, s.View}] {
			continue
		}
		r := row{total: 1, subject: report.Subject{Object: s.Origin}}
		if !in.Used[i] {
			r.bad = 1
			r.message = fmt.Sprintf("the suppression of %s matches no finding (%s)", suppressionTarget(s), s.Reason)
		}
		v.rows = append(v.rows, r)
	}
	return v
}

type suppressed struct{ check, view string }

// lookedAt says which checks of which views were judged; view "" stands for any. An error result may hide the finding
// that a suppression is for.
func lookedAt(results []report.Result) map[suppressed]bool {
	looked := map[suppressed]bool{}
	for _, r := range results {
		if r.Outcome != report.Error {
			looked[suppressed{r.Check, r.View}] = true
			looked[suppressed{r.Check, ""}] = true
		}
	}
	return looked
}

func suppressionTarget(s model.Suppression) string {
	text := s.Check
	if s.View != "" {
		text += " in view " + s.View
	}
	if s.Source != "" {
		text += ", source " + s.Source
	}
	if s.RangeFrom != "" || s.RangeTo != "" {
		text += fmt.Sprintf(", partitions %s..%s", s.RangeFrom, s.RangeTo)
	}
	return text
}
