package look_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestWithoutRoomToSpillOnlyKeysAreLost audits where runs may hold nothing and the folder to spill to is not there: the
// checks of repeated keys are errors that a retry may cure, and all others are answered.
func TestWithoutRoomToSpillOnlyKeysAreLost(t *testing.T) {
	dir := t.TempDir()
	begin := time.Date(2026, 11, 1, 0, 0, 7, 0, time.UTC)
	columns := []fixtures.Column{{Name: "id", Type: fixtures.Int64Type}, {Name: "user", Type: fixtures.Int64Type}, {Name: "event_time", Type: fixtures.AwareType}}
	for i := range 50 {
		columns[0].Values = append(columns[0].Values, i)
		columns[1].Values = append(columns[1].Values, i%7)
		columns[2].Values = append(columns[2].Values, begin.Add(time.Duration(i)*time.Minute))
	}
	columns[0].Values[3] = nil
	if err := fixtures.Write(filepath.Join(dir, "a.parquet"), fixtures.Table{Columns: columns}, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	db, err := duckdb.Open(duckdb.Config{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	judge, err := duckdb.OpenJudge(t.Context(), duckdb.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer judge.Close()
	view := model.View{Name: "v", Path: "*.parquet", Root: dir, EventTime: model.TimeColumn{Column: "event_time"}, Key: []string{"id"}, Entity: []string{"user"},
		TTL: model.TTL{Duration: time.Hour, Explicit: true}, Tolerance: model.DefaultTolerance}
	asOf := begin.Add(50 * time.Minute)
	l := look.Looker{Store: local.New(), Collector: collect.Collector{Engine: db, Store: local.New()}, Room: engine.Room{Workers: 2, Runs: 1, TempDir: filepath.Join(dir, "absent")}}
	plan, err := l.Plan(t.Context(), view, look.Window{AsOf: asOf})
	if err != nil {
		t.Fatal(err)
	}
	footers, err := l.Footers(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	gathered, err := l.Rows(t.Context(), footers, check.WantsOf(view, footers.Survey, func(string) bool { return true }))
	if err != nil {
		t.Fatal(err)
	}
	judged, err := check.JudgeView(t.Context(), judge, evidence.NewInput(gathered, evidence.Terms{AsOf: times.Instant(asOf.UnixMicro()), AsOfGiven: true}))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]report.Outcome{"duplicate-keys": report.Error, "null-keys": report.Fail, "null-event-time": report.Pass, "future-rows": report.Pass,
		"stale-view": report.Pass, "stale-entities": report.Pass}
	for _, result := range judged.Results {
		outcome, ok := want[result.Check]
		if !ok {
			continue
		}
		delete(want, result.Check)
		if result.Outcome != outcome {
			t.Errorf("%s is %s, want %s: %s %s", result.Check, result.Outcome, outcome, result.Message, result.Reason)
		}
		if outcome == report.Error && (!result.Retryable || !strings.Contains(result.Reason+result.Message, "absent")) {
			t.Errorf("%s: retryable %v, %s %s", result.Check, result.Retryable, result.Message, result.Reason)
		}
	}
	if len(want) > 0 {
		t.Errorf("no results of %v", want)
	}
}
