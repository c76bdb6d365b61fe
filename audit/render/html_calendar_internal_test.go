package render

import (
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
)

// TestSquaresStandAtTheirDates: days in the months of the partitions' own calendar, whatever instant they begin at.
func TestSquaresStandAtTheirDates(t *testing.T) {
	for _, c := range []struct {
		grain, zone, start, block string
		column, row               int
	}{
		{"day", "UTC", "2026-11-01T00:00:00Z", "Nov 2026", 6, 0},                // a Sunday
		{"day", "UTC", "2026-11-02T00:00:00Z", "Nov 2026", 0, 1},                // a Monday
		{"day", "Asia/Kolkata", "2026-10-31T18:30:00Z", "Nov 2026", 6, 0},       // begins on the day before in UTC
		{"day", "America/New_York", "2026-11-01T04:00:00Z", "Nov 2026", 6, 0},   // the clocks go back on this day
		{"day", "Pacific/Kiritimati", "2026-10-31T10:00:00Z", "Nov 2026", 6, 0}, // the easternmost
		{"hour", "UTC", "2026-11-06T23:00:00Z", "week of 2 Nov 2026", 23, 4},
		{"week", "UTC", "2026-12-28T00:00:00Z", "2026", 0, 4}, // week 53
		{"month", "UTC", "2026-12-01T00:00:00Z", "2026", 5, 1},
	} {
		at, err := time.Parse(time.RFC3339, c.start)
		if err != nil {
			t.Fatal(err)
		}
		block, s := squareAt(c.grain, localTime(c.zone)(at))
		if block != c.block || s.column != c.column || s.row != c.row {
			t.Errorf("%s in %s at %s: %s, column %d, row %d; want %s, %d, %d", c.grain, c.zone, c.start, block, s.column, s.row, c.block, c.column, c.row)
		}
	}
}

// TestKindsOfSquares: what is accepted or only advice is no fault, and the gravest fault decides.
func TestKindsOfSquares(t *testing.T) {
	results := map[string]report.Result{
		"stale-rows":      {Check: "stale-rows", Outcome: report.Fail, Unit: "rows"},
		"thin-partitions": {Check: "thin-partitions", Outcome: report.Warn, Unit: "partitions"},
		"unreadable-file": {Check: "unreadable-file", Outcome: report.Error, Unit: "files"},
		"null-keys":       {Check: "null-keys", Outcome: report.Suppressed, Unit: "rows"},
		"duplicate-keys":  {Check: "duplicate-keys", Outcome: report.Pass, Unit: "rows"},
		"zone-undeclared": {Check: "zone-undeclared", Outcome: report.Warn, Unit: "files", Advisory: true},
	}
	for _, c := range []struct {
		part report.PartitionRows
		want string
	}{
		{report.PartitionRows{Rows: 100}, "ok"},
		{report.PartitionRows{Rows: 100, Open: true}, "open"},
		{report.PartitionRows{Missing: true}, "miss"},
		{report.PartitionRows{Rows: 100, Bad: map[string]int64{"stale-rows": 5}}, "bad"},
		{report.PartitionRows{Rows: 1000, Bad: map[string]int64{"stale-rows": 5}}, "some"},
		{report.PartitionRows{Rows: 100, Open: true, Bad: map[string]int64{"stale-rows": 5}}, "bad"},
		{report.PartitionRows{Rows: 3, Bad: map[string]int64{"thin-partitions": 1}}, "thin"},
		{report.PartitionRows{Rows: 3, Bad: map[string]int64{"thin-partitions": 1, "unreadable-file": 1, "stale-rows": 3}}, "err"},
		{report.PartitionRows{Rows: 3, Bad: map[string]int64{"null-keys": 3, "duplicate-keys": 3, "zone-undeclared": 1}}, "ok"},
		{report.PartitionRows{Rows: 3, OutOfRange: true}, "out"},
	} {
		if got := kindOf(c.part, results); got != c.want {
			t.Errorf("%+v is drawn as %s, want %s", c.part, got, c.want)
		}
	}
}

// TestFreshnessSaysWhatStaleViewSays: a source whose writers are proved to stamp at an offset is as old as it was judged.
func TestFreshnessSaysWhatStaleViewSays(t *testing.T) {
	hour := 3600.0
	limit := 6 * hour
	v := ViewOutline{View: report.View{NewestBySource: map[string]string{"phone": "2026-11-22T12:00:00Z", "batch": "2026-11-22T12:00:00Z"},
		Definition: report.ViewDefinition{MaxAgeSeconds: &limit}},
		All: []Item{{Result: report.Result{Check: report.StaleView, Outcome: report.Fail, Measures: map[string]any{"source": "phone", "newest_as_read": "2026-11-22T12:00:00Z", "age_seconds": 4 * hour},
			Findings: []report.Finding{{Subject: report.Subject{Source: "batch"}}}}}}}
	got := freshnessOf(v, report.Report{AsOf: "2026-11-23T00:00:00Z"})
	if len(got) != 2 || got[0].Source != "batch" || !got[0].Late || got[0].Age != "12h" || got[1].Late || got[1].Age != "4h" || !strings.Contains(got[1].Note, "12h") {
		t.Errorf("got %+v", got)
	}
}

// TestLagColumnsKeepTheAxis: what lies outside is counted, and bars never leave the picture.
func TestLagColumnsKeepTheAxis(t *testing.T) {
	bars, outside := inColumns([]report.LagBin{{FromSeconds: -100, ToSeconds: -50, Rows: 3}, {FromSeconds: 0, ToSeconds: 10, Rows: 8}, {FromSeconds: 10, ToSeconds: 20, Rows: 2}, {FromSeconds: 95, ToSeconds: 200, Rows: 8}}, 0, 100, 10)
	if outside != 3 || bars != "M0 60V4H100V30H200V60M900 60V4H1000V60" {
		t.Errorf("got %s and %d outside", bars, outside)
	}
}
