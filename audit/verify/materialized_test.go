package verify

import (
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// TestRowsThatNoMaterialisationCovers is said with what is not known: where there is no ingest time, no engine to count, or nothing to judge.
func TestRowsThatNoMaterialisationCovers(t *testing.T) {
	after := held(1, 10, 7)
	after.Files[0].Path = "d/a"
	of := func(ingested string, n Uncovered) materialized {
		v := &comparedView{ranged: "A..B", after: View{Name: "v", Definition: report.ViewDefinition{IngestedAt: ingested}}, changes: []Change{{Value: "d", InRange: true, After: after}},
			intervals: []model.Interval{{Start: times.Instant(0).Time(), End: day.Time()}, {Start: times.Instant(0).Time(), End: (2 * day).Time()}},
			uncovered: &Audited{Uncovered: map[string]Uncovered{"d/a": n, "elsewhere/a": {InNone: 99, Late: 99}}}}
		return materialized{v}
	}
	unasked, missing, nothing := of("i", Uncovered{}), of("i", Uncovered{}), of("i", Uncovered{})
	unasked.uncovered, nothing.changes = nil, nil
	missing.uncovered.UncoveredMissing = "no unit of column t is known"
	const last = "1970-01-03T00:00:00Z"
	const behind = " rows of A..B are behind the last materialisation (" + last + "), and in none: "
	for name, c := range map[string]struct {
		v       materialized
		outcome report.Outcome
		bad     int64
		message string
	}{
		"both":               {of("i", Uncovered{InNone: 2, Late: 1, Ahead: 5}), report.Warn, 3, "3 of 10" + behind + "1 row arrived after all intervals that cover it had ended, 2 rows lie in no interval"},
		"none":               {of("i", Uncovered{}), report.Pass, 0, "no row of A..B is behind the last materialisation (" + last + ") and in none"},
		"the next has them":  {of("i", Uncovered{Ahead: 5}), report.Pass, 0, "no row of A..B is behind the last materialisation (" + last + ") and in none; 5 rows lie after it, for the next one"},
		"no ingest time":     {of("", Uncovered{InNone: 1}), report.Warn, 1, "1 of 10" + behind + "1 row lies in no interval; whether others arrived too late is not known: the view has no ingested_at"},
		"nobody could count": {missing, report.NotApplicable, 0, "not known: no unit of column t is known"},
		"no files":           {unasked, report.NotApplicable, 0, "the range has no files"},
		"nothing changed":    {nothing, report.NotApplicable, 0, "no partition changed: there is no backfill to judge"},
	} {
		got := c.v.judge()
		if got.Outcome != c.outcome || got.RowsBad != c.bad || got.Message != c.message {
			t.Errorf("%s: %s, %d: %s\nwant %s, %d: %s", name, got.Outcome, got.RowsBad, got.Message, c.outcome, c.bad, c.message)
		}
	}
	if got := of("i", Uncovered{}).until().Time(); !got.Equal(time.Unix(2*86400, 0)) {
		t.Errorf("the last ends at %s", got)
	}
}
