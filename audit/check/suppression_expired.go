package check

import (
	"fmt"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
)

var suppressionExpired = Check{
	ID:       "suppression-expired",
	Title:    "A suppression is past its date.",
	Why:      "What it accepted for a while is a finding again, and somebody still believes that it is accepted.",
	Fix:      "Repair the cause and remove the suppression, or accept it again with a new until.",
	Since:    "0.1",
	rule:     suppressionExpiredRule,
	Scope:    ScopeRun,
	Severity: report.SeverityWarn,
	Evidence: report.Certain,
	Unit:     UnitSuppressions,
	judgeRun: func(in RunInput) verdict {
		v := verdict{}
		for _, s := range in.Suppressions {
			r := row{total: 1, subject: report.Subject{Object: s.Origin}, lasting: suppressionTarget(s)}
			if expired(s, in.AsOf) {
				r.bad = 1
				r.message = fmt.Sprintf("the suppression of %s ended on %s (%s)", suppressionTarget(s), s.Until.UTC().Format(time.RFC3339), s.Reason)
			}
			v.rows = append(v.rows, r)
		}
		return v
	},
	nothing: always("no suppression applies to what was audited"),
	bad:     always("are past their date"),
	good:    always("still hold"),
}

const suppressionExpiredRule = `A suppression is bad if as_of is at or after 00:00 UTC of its until.`
