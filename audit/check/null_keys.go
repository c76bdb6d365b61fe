package check

import (
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/report"
)

var nullKeys = Check{
	ID:         "null-keys",
	Title:      "Rows with a NULL in a part of the key.",
	Why:        "A row without its whole key can be matched to no entity and cannot be told from its repeats.",
	Fix:        "Repair the writer that leaves the key empty, or declare the key that the rows really have.",
	Since:      "0.1",
	Backfilled: true,
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Certain,
	Unit:       UnitRows,
	Needs:      Needs{Files: true, Key: true},
	Wants:      facts.WantNulls,
	Fractional: true,
	Query:      true,
	sound:      soundRows(func(s *facts.Slice) (total, bad int64) { return s.Rows, s.KeyNull }),
	reproduce:  reproduce.NullKeys,
	finish: func(_ *viewEvidence, v *verdict) {
		v.measures["null_keys"] = v.bad
	},
	bad: func(b *viewEvidence) string {
		return "have a NULL in the key (" + strings.Join(evidence.KeyColumns(b.View), ", ") + ")"
	},
	good: always("have a whole key"),
}
