package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/report"
)

var suppressionUnused = Check{
	ID:       "suppression-unused",
	Title:    "A suppression matches no finding.",
	Why:      "Its cause is gone or its name is wrong; left in place it hides the next fault of that kind.",
	Fix:      "Remove the suppression, or correct its check, view, source or range.",
	Since:    "0.1",
	rule:     suppressionUnusedRule,
	Scope:    ScopeRun,
	Severity: report.SeverityWarn,
	Evidence: report.Certain,
	Unit:     UnitSuppressions,
	judgeRun: judgeUnused,
	nothing:  always("no suppression applies to what was audited"),
	bad:      always("match no finding"),
	good:     always("match a finding"),
	// That a name is mistyped shows at once; which suppression it is, its place alone would not say.
	detailOfFindings: true,
	detail: func(_ *viewEvidence, v verdict) string {
		var texts []string
		for _, f := range v.findings {
			if strings.Contains(f.message, namesUnknown) && len(texts) < 3 {
				texts = append(texts, f.message)
			}
		}
		return strings.Join(texts, "; ")
	},
}

const suppressionUnusedRule = `A suppression is bad if its check was judged in its view and nothing was found
that it matches; if the check could not look, nobody can tell. It is bad,
too, if no definition has a view of its name. With --range only that is judged.`

func judgeUnused(in RunInput) verdict {
	looked := lookedAt(in)
	v := verdict{}
	for i, s := range in.Suppressions {
		if problem := unknownView(s, in); problem != "" {
			v.rows = append(v.rows, row{total: 1, bad: 1, subject: report.Subject{Object: s.Origin}, lasting: suppressionTarget(s), message: problem})
			continue
		}
		if in.HasRange || expired(s, in.AsOf) || !looked[suppressed{s.Check, s.View}] {
			continue
		}
		r := row{total: 1, subject: report.Subject{Object: s.Origin}, lasting: suppressionTarget(s)}
		if !in.Used[i] {
			r.bad = 1
			r.message = fmt.Sprintf("the suppression of %s matches no finding (%s)", suppressionTarget(s), s.Reason)
		}
		v.rows = append(v.rows, r)
	}
	if in.HasRange && len(v.rows) == 0 {
		return verdict{notApplicable: "--range judges a part of each view only: a suppression may match elsewhere"}
	}
	return v
}

const namesUnknown = "which no definition has"

// unknownView says that a suppression of a check names a view that nothing defines, "" where it does not. Those of diff's
// rules may name a view that is gone: that it is gone may be what they accept.
func unknownView(s model.Suppression, in RunInput) string {
	if s.View == "" || len(in.Views) == 0 || !slices.Contains(in.ids, s.Check) {
		return ""
	}
	names := make([]string, len(in.Views))
	for i, v := range in.Views {
		names[i] = v.Name
	}
	if slices.Contains(names, s.View) {
		return ""
	}
	return strings.TrimRight(fmt.Sprintf("the suppression of %s names the view %q, %s: %s", s.Check, s.View, namesUnknown, policy.DidYouMean(s.View, names)), ": ")
}

type suppressed struct{ check, view string }

// lookedAt says which checks of which views were judged; view "" stands for any. An error result may hide the finding
// that a suppression is for.
func lookedAt(in RunInput) map[suppressed]bool {
	looked := map[suppressed]bool{}
	if len(in.Suppressions) == 0 {
		return looked // nobody asks
	}
	add := func(check, view string, outcome report.Outcome) {
		if outcome != report.Error {
			looked[suppressed{check, view}] = true
			looked[suppressed{check, ""}] = true
		}
	}
	for i := range in.Results {
		add(in.Results[i].Check, in.Results[i].View, in.Results[i].Outcome)
	}
	for _, h := range in.Held {
		v := h.Verdict()
		add(v.Check, v.View, v.Outcome)
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
