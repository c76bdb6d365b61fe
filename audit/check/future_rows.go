package check

import (
	"fmt"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

var futureRows = Check{
	ID:         "future-rows",
	Title:      "Rows with an event time later than they could have been known.",
	Why:        "An event that lies after its own arrival is a wrong clock or zone; a join on it leaks the future into training.",
	Fix:        "Correct the writer's clock or zone, or declare the zone that its naive times are in.",
	Since:      "0.1",
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Certain,
	Unit:       UnitRows,
	Needs:      Needs{Files: true, EventTime: true},
	Wants:      facts.WantTimes,
	Fractional: true,
	Query:      true,
	sound:      soundFuture,
	reproduce:  reproduce.FutureRows,
	clocked:    true,
	arrival:    func(b *viewEvidence) bool { return b.View.IngestedAt.Declared() },
	measures: func(b *viewEvidence) map[string]any {
		return map[string]any{
			"after_ingest_rows": b.Sum(func(s *facts.Slice) int64 { return s.FutureIngested }),
			"after_as_of_rows":  b.Sum(func(s *facts.Slice) int64 { return s.FutureAsOf }),
		}
	},
	bad: func(b *viewEvidence) string {
		return fmt.Sprintf("lie in the future, more than %s after %s", words.Duration(times.SpanOf(b.View.Tolerance)), b.futureOf())
	},
	good:   always("could have been known when they were stored"),
	detail: func(b *viewEvidence, _ verdict) string { return b.AheadInWords() },
	describe: func(_ *viewEvidence, f row) string {
		if whole, ok := f.measures.Count("after_as_of_partition_rows"); ok && whole == f.bad && f.bad > 0 {
			return fmt.Sprintf("%s in a partition that begins after as_of, in files that existed before it", words.Count(f.bad, "row"))
		}
		return ""
	},
}

// futureOf names the instants that future rows lie after. An ingest time may itself lie after the run and the file.
func (b *viewEvidence) futureOf() string {
	const atRest = "as_of and the file's modification"
	ingested := b.Sum(func(s *facts.Slice) int64 { return s.FutureIngested })
	stored := b.Sum(func(s *facts.Slice) int64 { return s.FutureAsOf })
	switch {
	case !b.View.IngestedAt.Declared(), ingested == 0 && stored > 0:
		return atRest
	case stored == 0:
		return b.View.IngestedAt.Column
	}
	return b.View.IngestedAt.Column + ", or after " + atRest
}
