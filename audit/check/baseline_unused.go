package check

import "github.com/featureaudit/featureaudit/audit/report"

// baselineUnused is judged where a baseline is held against a report, of a run or in gate: by audit/history.
var baselineUnused = Check{
	ID:        "baseline-unused",
	Title:     "An entry of the baseline matches no finding.",
	Why:       "The fault that it accepted is gone. If the entry stays, it hides the same fault when that comes back.",
	Fix:       "Remove the entry from the baseline.",
	Since:     "0.1",
	rule:      baselineUnusedRule,
	Scope:     ScopeRun,
	Severity:  report.SeverityWarn,
	Evidence:  report.Certain,
	Unit:      UnitEntries,
	OnlyGiven: true,
	judgeRun:  func(RunInput) verdict { return verdict{} },
	nothing:   always("no baseline was given"),
	bad:       always("match no finding any more"),
	good:      always("match a finding"),
}

const baselineUnusedRule = `An entry of the baseline is bad if its check was judged in its view, all files
of the view were read, and no finding has its fingerprint; or if a whole report
has no such check or view. Entries past their until, and those of what was not
looked at, are left out. With --range nothing is judged.`
