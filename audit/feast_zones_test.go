package audit_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

// TestFeastInitInTwoZones audits what `feast init` wrote under TZ=UTC and under TZ=Asia/Kolkata. The second labels its
// local wall clock UTC: hours that had not come yet when the file was written. Both hold an event an hour of 15 days: half of
// them lies within 7.5, on a clock that tells no offset.
func TestFeastInitInTwoZones(t *testing.T) {
	const folder = "../fixtures/feast/parquet"
	for name, test := range map[string]struct {
		written string
		future  report.Outcome
	}{
		"init_utc": {"2026-11-24T00:01:50Z", report.Pass},
		"init_ist": {"2026-11-24T00:02:03Z", report.Fail},
	} {
		results := auditFeast(t, folder, name, test.written)
		if r := results["future-rows"]; r.Outcome != test.future {
			t.Errorf("%s: future-rows is %s: %s", name, r.Outcome, r.Message)
		}
		zones := results["mixed-zones"]
		if zones.Outcome != report.NotApplicable || !strings.Contains(zones.Reason, "whole quarters of an hour") || spreadOf(zones) < 7*86400 || spreadOf(zones) > 8*86400 {
			t.Errorf("%s: mixed-zones is %s: %s", name, zones.Outcome, zones.Reason)
		}
	}
}

// auditFeast audits a copy of the driver statistics whose files are as old as they were, a minute after the second was written.
func auditFeast(t *testing.T, folder, name, written string) map[string]report.Result {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, name, "driver_stats*.parquet"))
	if err != nil || len(found) != 1 {
		t.Fatalf("driver statistics of %s: %v, %v", name, found, err)
	}
	raw, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "driver_stats.parquet")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, written)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	view := model.View{Name: "driver_stats", Root: dir, Path: "driver_stats.parquet", EventTime: model.TimeColumn{Column: "event_timestamp"},
		IngestedAt: model.TimeColumn{Column: "created"}, Entity: []string{"driver_id"}, Tolerance: model.DefaultTolerance}
	audited, err := audit.Run(context.Background(), audit.Options{Views: []model.View{view}, AsOf: time.Date(2026, 11, 24, 0, 3, 0, 0, time.UTC), AsOfGiven: true,
		SelectChecks: []string{"future-rows", "mixed-zones"}, Threads: 2, TempDir: t.TempDir(), Adapters: realAdapters(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]report.Result{}
	for _, r := range audited.Report.Results {
		results[r.Check] = r
	}
	return results
}

// spreadOf is the measured spread of the only series, in seconds.
func spreadOf(r report.Result) float64 {
	series, _ := r.Measures["series"].([]map[string]any)
	if len(series) != 1 {
		return 0
	}
	seconds, _ := series[0]["spread_seconds"].(float64)
	return seconds
}
