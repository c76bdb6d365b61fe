package check_test

import (
	"testing"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// TestWhatRestsOnRowsOutsideOfARange: verdicts on the view as a whole do, and none on a partition by its own rows. (What a check gathers may be of all rows
// by itself, as a sample of writers is: see TestWhichRowsCount.)
func TestWhatRestsOnRowsOutsideOfARange(t *testing.T) {
	view := model.View{Name: "v", EventTime: model.TimeColumn{Column: "event_time"}, Key: []string{"id"}, Entity: []string{"user"}, TTL: model.TTL{Duration: 1, Explicit: true}}
	bySource := view
	bySource.Source.Column, bySource.TimePartition = "source", model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, ExpectedBy: model.ExpectedBySource}
	for id, want := range map[string]bool{"duplicate-keys": true, "shifted-twins": true, "stale-entities": true, "stale-view": true,
		"null-keys": false, "null-event-time": false, "future-rows": false, "misfiled-rows": false, "source-lag": false, "stale-rows": false, "mixed-zones": false,
		"missing-partitions": false, "thin-partitions": false, "mixed-encoding": false, "zone-undeclared": false} {
		if got := check.WantsOf(view, facts.Survey{}, func(other string) bool { return other == id }).Has(facts.WantBefore); got != want {
			t.Errorf("%s rests on rows outside of a range: %v, want %v", id, got, want)
		}
	}
	for _, id := range []string{"missing-partitions", "thin-partitions", "thick-partitions"} {
		if !check.WantsOf(bySource, facts.Survey{}, func(other string) bool { return other == id }).Has(facts.WantBefore) {
			t.Errorf("%s does not rest on rows outside of a range, though sources are expected where a column had them", id)
		}
	}
}
