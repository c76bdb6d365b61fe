package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// feastConfig is what a person writes by hand for files that Feast wrote.
const feastConfig = `
version: 1
defaults: {ttl: {never: the files are of one day}, checks: {mixed-zones: {severity: "off"}}}
views:
  init_utc: {path: %[1]s/parquet/init_utc/driver_stats.parquet, event_time: event_timestamp, key: [driver_id, event_timestamp]}
  init_ist: {path: %[1]s/parquet/init_ist/driver_stats.parquet, event_time: event_timestamp, key: [driver_id, event_timestamp]}
  labels: {path: "%[1]s/parquet/init_*/driver_quality_labels.parquet", event_time: event_timestamp, key: [driver_id, event_timestamp]}
  pushed_dask: {path: %[1]s/offline/dask/card_txn.parquet, event_time: event_time, ingested_at: ingested_at, key: [card_id, event_time]}
  pushed_duckdb: {path: %[1]s/offline/duckdb/card_txn.parquet, event_time: event_time, ingested_at: ingested_at, key: [card_id, event_time]}
  logs:
    path: %[1]s/offline/dask/logs
    event_time: card_txn__amount__timestamp
    ingested_at: __log_timestamp
    key: [__request_id, card_id]
  logs_by_arrival:
    path: %[1]s/offline/dask/logs
    event_time: card_txn__amount__timestamp
    ingested_at: __log_timestamp
    key: [__request_id, card_id]
    time_partition: {grain: day, of: ingested_at}
  saved_dask: {path: %[1]s/offline/dask/saved_card_ds, event_time: event_timestamp, key: [card_id, event_timestamp]}
  saved_duckdb: {path: %[1]s/offline/duckdb/saved_card_ds, event_time: event_timestamp, key: [card_id, event_timestamp]}
  user_clicks: {path: %[1]s/parquet/shop/user_clicks.parquet, event_time: event_timestamp, ingested_at: ingested_at, key: [user_id, event_timestamp], entity: [user_id]}
  user_impressions: {path: %[1]s/parquet/shop/user_impressions.parquet, event_time: event_timestamp, ingested_at: ingested_at, key: [user_id, event_timestamp], entity: [user_id]}
  device_sessions: {path: %[1]s/parquet/shop/device_sessions.parquet, event_time: event_timestamp, key: [event_timestamp]}
  card_daily: {path: %[1]s/parquet/shop/card_daily.parquet, event_time: day_end, ingested_at: loaded_at, key: [card_id, day_end], entity: [card_id]}
  transactions: {path: %[1]s/parquet/shop/transactions.parquet, event_time: event_time, ingested_at: ingested_at, key: [transaction_id], entity: [user_id, card_id]}
  merchant_profile: {path: %[1]s/parquet/shop/merchant_profile.parquet, event_time: event_timestamp, ingested_at: created, key: [merchant_id, event_timestamp], entity: [merchant_id]}
  card_risk: {path: %[1]s/parquet/shop/card_risk.parquet, event_time: event_timestamp, ingested_at: created, key: [card_id, event_timestamp], entity: [card_id]}
`

// TestFeastFiles audits Parquet files as released Feast packages wrote them. What must be found stands in the README beside
// the files, counted there by other tools.
func TestFeastFiles(t *testing.T) {
	folder, err := filepath.Abs("../fixtures/feast")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fixtures.ConfigName), fmt.Appendf(nil, feastConfig, folder), 0o600); err != nil {
		t.Fatal(err)
	}
	r := auditStore(t, dir, "2026-11-24T12:00:00Z", "")
	rows := map[string]int64{"init_utc": 1807, "init_ist": 1807, "labels": 0, "pushed_dask": 93, "pushed_duckdb": 93, "logs": 18, "logs_by_arrival": 18, "saved_dask": 12, "saved_duckdb": 14,
		"user_clicks": 24, "user_impressions": 24, "device_sessions": 24, "card_daily": 24, "transactions": 24, "merchant_profile": 24, "card_risk": 24}
	bounds := map[string][2]string{"init_utc": {"2021-04-12T07:00:00Z", "2026-11-23T23:00:00Z"}, "init_ist": {"2021-04-12T07:00:00Z", "2026-11-24T04:00:00Z"},
		"pushed_dask": {"2026-03-01T00:00:00Z", "2026-03-01T13:07:00Z"}, "labels": {"", ""}}
	for _, v := range r.Views {
		if v.Rows != rows[v.Name] {
			t.Errorf("%s has %d rows, want %d", v.Name, v.Rows, rows[v.Name])
		}
		delete(rows, v.Name)
		if want, ok := bounds[v.Name]; ok && (textOf(v.OldestEventTime) != want[0] || textOf(v.NewestEventTime) != want[1]) {
			t.Errorf("%s is from %q to %q, want %q", v.Name, textOf(v.OldestEventTime), textOf(v.NewestEventTime), want)
		}
	}
	if len(rows) > 0 {
		t.Errorf("the report lacks views: %v", rows)
	}

	type count struct {
		outcome    report.Outcome
		bad, total int64
	}
	initial := map[string]any{"repeated_keys": 1, "surplus_rows": 2, "replay_keys": 1, "conflict_keys": 0, "max_multiplicity": 3}
	pushed := map[string]any{"repeated_keys": 20, "surplus_rows": 23, "replay_keys": 17, "conflict_keys": 3, "max_multiplicity": 3, "ambiguous_keys": 20}
	tests := []struct {
		view, check string
		want        count
		measures    map[string]any
	}{
		{"init_utc", "duplicate-keys", count{report.Fail, 2, 1807}, initial},
		{"init_ist", "duplicate-keys", count{report.Fail, 2, 1807}, initial},
		{"pushed_dask", "duplicate-keys", count{report.Fail, 23, 93}, pushed},
		{"pushed_duckdb", "duplicate-keys", count{report.Fail, 23, 93}, pushed},
		{"pushed_dask", "future-rows", count{report.Fail, 10, 93}, nil},
		{"pushed_duckdb", "future-rows", count{report.Fail, 10, 93}, nil},
		{"labels", "null-event-time", count{report.NotApplicable, 0, 0}, nil},
		{"labels", "duplicate-keys", count{report.NotApplicable, 0, 0}, nil},
		{"labels", "unreadable-file", count{report.Pass, 0, 2}, nil},
		{"labels", "mixed-encoding", count{report.NotApplicable, 0, 0}, nil},
		// features logged on three days were looked up on the first
		{"logs", "misfiled-rows", count{report.Fail, 12, 18}, nil},
		{"logs_by_arrival", "misfiled-rows", count{report.Pass, 0, 18}, nil},
		{"logs_by_arrival", "missing-partitions", count{report.Fail, 265, 268}, nil}, // from 2026-03-01 to 2026-11-23
		{"logs_by_arrival", "duplicate-keys", count{report.Pass, 0, 18}, nil},
		{"saved_dask", "duplicate-keys", count{report.Pass, 0, 12}, nil},
		{"saved_duckdb", "duplicate-keys", count{report.Pass, 0, 14}, nil},
	}
	found := map[string]report.Result{}
	for _, result := range r.Results {
		found[result.View+" "+result.Check] = result
		if result.Outcome == report.Error {
			t.Errorf("%s %s could not look: %s", result.View, result.Check, result.Message)
		}
	}
	for _, test := range tests {
		result := found[test.view+" "+test.check]
		if got := (count{result.Outcome, result.RowsBad, result.RowsTotal}); got != test.want {
			t.Errorf("%s %s is %v, want %v: %s%s", test.view, test.check, got, test.want, result.Message, result.Reason)
		}
		for name, want := range test.measures {
			if got := fmt.Sprint(result.Measures[name]); got != fmt.Sprint(want) {
				t.Errorf("%s %s: %s is %s, want %v", test.view, test.check, name, got, want)
			}
		}
	}
	for _, view := range []string{"user_clicks", "user_impressions", "device_sessions", "card_daily", "transactions", "merchant_profile", "card_risk"} {
		for _, check := range []string{"duplicate-keys", "null-keys", "null-event-time", "future-rows", "mixed-encoding", "schema-drift", "unreadable-file"} {
			result := found[view+" "+check]
			if result.Outcome != report.Pass {
				t.Errorf("clean %s: %s is %s: %s%s", view, check, result.Outcome, result.Message, result.Reason)
			}
		}
	}
}

// textOf is "" where there is none.
func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
