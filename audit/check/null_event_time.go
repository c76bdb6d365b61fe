package check

import (
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
)

var nullEventTime = Check{
	ID:         "null-event-time",
	Title:      "Rows without a usable event time.",
	Why:        "A point-in-time join cannot place such a row: it is dropped from training, or matched to every moment.",
	Fix:        "Repair the writer that leaves event_time empty; if the values are there, set the column's unit or format in the config.",
	Since:      "0.1",
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Certain,
	Unit:       UnitRows,
	Needs:      Needs{Files: true, Rows: true, EventTime: true},
	Fractional: true,
	Query:      true,
	reproduce:  (*brief).reproduceNullEvents,
	measures: func(b *brief) map[string]any {
		return map[string]any{
			"null_rows":     b.sum(func(s *facts.Slice) int64 { return s.EventNull }),
			"unparsed_rows": b.sum(func(s *facts.Slice) int64 { return s.EventUnparsed }),
			"sentinel_rows": b.sum(func(s *facts.Slice) int64 { return s.EventSentinel }),
		}
	},
	bad:  always("have no usable event time"),
	good: always("have an event time"),
}
