package check

import (
	"fmt"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

var sourceLag = Check{
	ID:         "source-lag",
	Title:      "Rows that arrived later than their source's limit.",
	Why:        "A row that arrives later than its ttl is dead on arrival, wherever it is filed.",
	Fix:        "Speed the feed up, or declare the max_lag that it is allowed.",
	Since:      "0.1",
	Scope:      ScopeView,
	Severity:   report.SeverityWarn,
	Evidence:   report.Certain,
	Unit:       UnitRows,
	Needs:      Needs{Files: true, EventTime: true, IngestedAt: true},
	Wants:      facts.WantTimes,
	Fractional: true,
	Query:      true,
	sound:      soundLag,
	reproduce:  reproduce.LateRows,
	clocked:    true,
	feeds:      zoneproof.LagFeeds,
	late:       "late",
	timely:     "in time",
	measures:   lagMeasures,
	applies: func(b *viewEvidence) string {
		_, limited := evidence.LagLimit(b.View, model.SourcePolicy{})
		for _, s := range b.View.Sources {
			_, has := evidence.LagLimit(b.View, s)
			limited = limited || has
		}
		if limited {
			return ""
		}
		return "no max_lag and no ttl is defined: source-lag needs one"
	},
	nothing:     always("no row has both an event time and an ingest time"),
	backfillFix: "Where this range was filled again, nothing: rows of a backfill arrive late by nature; suppress source-lag for the range. Where it was not, declare the max_lag that its feed is allowed.",
	finish: func(b *viewEvidence, v *verdict) {
		if len(v.findings) > 0 && b.mayBeBackfill() {
			v.measures[measureBackfill] = true
		}
	},
	detail: backfillDetail,
	bad:    func(b *viewEvidence) string { return "arrived later than allowed (" + b.lagLimits() + ")" },
	good:   func(b *viewEvidence) string { return "arrived in time (" + b.lagLimits() + ")" },
}

func (b *viewEvidence) lagLimits() string {
	common, has := evidence.LagLimit(b.View, model.SourcePolicy{})
	text := ""
	if has {
		text = words.Duration(common)
	}
	for _, s := range b.View.Sources {
		if own, limited := evidence.LagLimit(b.View, s); limited && own != common {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%s for %s", words.Duration(own), s.Name)
		}
	}
	return text
}

// lagMeasures gives each quantile by source, in seconds, over the partitions that are judged.
func lagMeasures(b *viewEvidence) map[string]any {
	lags := b.LagsBySource(func(partition int32) bool { return b.Judged(partition) })
	p50, p90, p99, longest := map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
	rows, resolution := map[string]any{}, map[string]any{}
	for source, lag := range lags {
		p50[source], p90[source], p99[source], longest[source] = lag.P50, lag.P90, lag.P99, lag.Max
		rows[source], resolution[source] = lag.Rows, lag.ResolutionSeconds
	}
	return map[string]any{"p50": p50, "p90": p90, "p99": p99, "max": longest, "lag_rows": rows, "resolution_seconds": resolution}
}
