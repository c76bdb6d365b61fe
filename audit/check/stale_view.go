package check

import (
	"fmt"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

var staleView = Check{
	ID:        "stale-view",
	Title:     "The newest event is older than promised.",
	Why:       "Consumers are served yesterday's values as today's; a live stream can hide a dead batch behind it.",
	Fix:       "Restart the feed that stopped; if it was retired, say so with until: under sources.",
	Since:     "0.1",
	Scope:     ScopeView,
	Severity:  report.SeverityError,
	Evidence:  report.Certain,
	Unit:      UnitView,
	Needs:     Needs{Files: true, Rows: true, EventTime: true},
	WholeView: true,
	Query:     true,
	clocked:   true,
	applies: func(b *brief) string {
		if reason := needsAsOf(b, "stale-view"); reason != "" {
			return reason
		}
		limited, retired := false, 0
		if _, has := ageLimit(b.View, model.SourcePolicy{}); has && !b.allSourcesDeclared() {
			limited = true
		}
		for _, s := range b.View.Sources {
			if b.retired(s) {
				retired++
				continue
			}
			_, has := ageLimit(b.View, s)
			limited = limited || has
		}
		switch {
		case limited:
			return ""
		case retired > 0 && retired == len(b.View.Sources):
			return "every source was retired before as_of: none is expected to be fresh"
		case b.View.TTL.Never != "":
			return fmt.Sprintf("no max_age is defined and ttl is never (%s): stale-view needs a limit", b.View.TTL.Never)
		}
		return "no max_age and no ttl is defined: stale-view needs one"
	},
	measures: func(*brief) map[string]any {
		return map[string]any{"newest_event_time": nil, "age_seconds": nil, "limit_seconds": nil}
	},
	finish: func(_ *brief, v *verdict) {
		worst, found := oldestSubject(v.rows)
		if !found {
			return
		}
		for _, name := range []string{"newest_event_time", "age_seconds", "limit_seconds"} {
			v.measures[name] = worst.measures[name]
		}
		if worst.subject.Source != "" {
			v.measures["source"] = worst.subject.Source
		}
	},
	bad:      always("is stale"),
	good:     always("the newest event is as fresh as promised"),
	describe: func(_ *brief, f row) string { return describeStale(f) },
	headline: func(_ *brief, v verdict) string {
		worst, found := oldestSubject(v.findings)
		if !found {
			return ""
		}
		text := describeStale(worst)
		if more := len(v.findings) - 1; more > 0 {
			text += fmt.Sprintf("; %s more stale", number(int64(more)))
		}
		return text
	},
}

// needsAsOf is the reason for which a check of the whole view is not judged on a range alone.
func needsAsOf(b *brief, id string) string {
	if b.HasRange && !b.AsOfGiven {
		return fmt.Sprintf("--range without --as-of judges past partitions: %s needs the instant to judge from", id)
	}
	return ""
}

// oldestSubject is the subject furthest beyond its limit, or nearest to it; one without any event comes first.
func oldestSubject(rows []row) (row, bool) {
	worst, found, most := row{}, false, 0.0
	for _, r := range rows {
		if r.parse() != nil || r.total == 0 {
			continue
		}
		age, known := r.measures["age_seconds"].(float64)
		if !known {
			return r, true
		}
		limit, _ := r.measures["limit_seconds"].(float64)
		if over := age - limit; !found || over > most {
			worst, found, most = r, true, over
		}
	}
	return worst, found
}

func describeStale(f row) string {
	what := "the view"
	if f.subject.Source != "" {
		what = "source " + f.subject.Source
	}
	age, known := f.measures["age_seconds"].(float64)
	limit, _ := f.measures["limit_seconds"].(float64)
	if !known {
		return fmt.Sprintf("%s has no event time at or before as_of; the limit is %s", what, duration(int64(limit*1e6)))
	}
	return fmt.Sprintf("the newest event of %s is %s old at as_of; the limit is %s", what, duration(int64(age*1e6)), duration(int64(limit*1e6)))
}
