package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/report"
)

// shop is the feature repository of the fixtures, with the registry that Feast left after `feast materialize 2026-03-01 2026-03-02` of three
// views, and the files that its sources name.
func shop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	copyTo := func(from, to string) {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join("..", "..", "fixtures", "feast", from))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	copyTo("upgrade/materialised-0.67.0.before.registry.db", "registry.db")
	for _, name := range []string{"card_daily", "card_risk", "device_sessions", "merchant_profile", "transactions", "user_clicks", "user_impressions"} {
		copyTo("parquet/shop/"+name+".parquet", "data/"+name+".parquet")
	}
	config := "version: 1\ndefinitions: [{ref: registry.db, root: .}]\nviews: {transactions: {key: [transaction_id]}}\n"
	if err := os.WriteFile(filepath.Join(dir, "featureaudit.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rewrite has DuckDB write a source's file anew: what a query makes of it.
func rewrite(t *testing.T, dir, name, query string) {
	t.Helper()
	file := filepath.Join(dir, "data", name+".parquet")
	sql := fmt.Sprintf("COPY ("+query+") TO '%s' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048)", "read_parquet('"+file+"')", file+".new")
	if _, err := duckdb.RunSQL(t.Context(), 1, 0, sql); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// TestABackfillOfFeastFiles fills the files of a real Feast repository: one is written anew by DuckDB with the same rows in another order, one value of
// another changes, and of a third six rows arrive again, four days after what Feast materialised. All else is what it was.
func TestABackfillOfFeastFiles(t *testing.T) {
	before, after := shop(t), shop(t)
	rewrite(t, after, "user_impressions", "SELECT * FROM %s ORDER BY imp_7d DESC, user_id")
	rewrite(t, after, "merchant_profile", "SELECT * REPLACE (CASE WHEN event_timestamp = '2026-03-01 05:00:00+00' THEN mcc + 1 ELSE mcc END AS mcc) FROM %s")
	rewrite(t, after, "transactions", "SELECT * REPLACE (CASE WHEN event_time < '2026-03-01 06:00:00+00' THEN '2026-03-05 00:00:00+00'::TIMESTAMPTZ ELSE ingested_at END AS ingested_at) FROM %s")
	snapshot := filepath.Join(t.TempDir(), "before.snapshot")
	if code, _, stderr := cliRun(t, "snapshot", "--config", filepath.Join(before, "featureaudit.yaml"), "--as-of", "2026-03-10", "--with-keys", "--out", snapshot); code != exitOK {
		t.Fatalf("snapshot: exit %d: %s", code, stderr)
	}
	states := map[string]string{"user_impressions": "rewritten", "merchant_profile": "as expected", "merchant_limits": "as expected", "transactions": "as expected", "transactions_fresh": "as expected"}
	for kind, side := range map[string]string{"folder": before, "snapshot": snapshot} {
		r := verified(t, exitOK, "--before", side, "--config", filepath.Join(after, "featureaudit.yaml"))
		if len(r.Views) != 9 {
			t.Errorf("%s: %d views", kind, len(r.Views))
		}
		for _, v := range r.Views {
			want := states[v.Name]
			if want == "" {
				want = "unchanged"
			}
			if len(v.Series) != 1 || v.Series[0].State != want || v.Series[0].Rows != 24 {
				t.Errorf("%s: %s is %+v, want %s", kind, v.Name, v.Series, want)
			}
		}
		materialised := map[string]report.Result{}
		for _, res := range r.Results {
			switch {
			case res.Check == "backfill-materialized":
				materialised[res.View] = res
			case res.Outcome != report.Pass && res.Outcome != report.NotApplicable:
				t.Errorf("%s: %s of %s is %s: %s", kind, res.Check, res.View, res.Outcome, res.Message)
			}
		}
		if len(materialised) != 9 || materialised["user_clicks"].Reason != "no registry says that the view was materialised" ||
			materialised["card_risk"].Outcome != report.NotApplicable || materialised["user_impressions"].Outcome != report.NotApplicable {
			t.Errorf("%s: materialised are %+v", kind, materialised)
		}
		got, want := materialised["transactions"], "6 of 24 rows that changed are behind the last materialisation (2026-03-02T00:00:00Z), and in none: 6 rows arrived after all intervals that cover them had ended"
		if got.Outcome != report.Warn || got.RowsBad != 6 || got.RowsTotal != 24 || got.Message != want {
			t.Errorf("%s: %s, %d of %d: %s\nwant %s", kind, got.Outcome, got.RowsBad, got.RowsTotal, got.Message, want)
		}
	}
	r := verified(t, exitFindings, "--before", before, "--config", filepath.Join(after, "featureaudit.yaml"), "--fail-on", "warn", "--view", "transactions")
	if got := resultOf(t, r, "backfill-materialized"); got.Outcome != report.Warn {
		t.Errorf("alone it is %s", got.Outcome)
	}
}

// TestRowsBehindTheLastMaterialisation counts by partition: of the day before what Feast materialised all rows, of that day those that arrived after
// it had ended, and of the day after none: the next run takes them.
func TestRowsBehindTheLastMaterialisation(t *testing.T) {
	before, after := shop(t), shop(t)
	for _, dir := range []string{before, after} {
		config := "version: 1\ndefinitions: [{ref: registry.db, root: .}]\nviews:\n  transactions:\n    path: data/tx/**/*.parquet\n" +
			"    key: [transaction_id]\n    ttl: 30d\n    time_partition: {column: dt, grain: day, of: event_time}\n"
		if err := os.WriteFile(filepath.Join(dir, "featureaudit.yaml"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		for i, day := range []string{"2026-02-28", "2026-03-01", "2026-03-02"} {
			to := filepath.Join(dir, "data", "tx", "dt="+day)
			if err := os.MkdirAll(to, 0o755); err != nil {
				t.Fatal(err)
			}
			arrived := fmt.Sprintf("ingested_at + INTERVAL (%d) DAY", i-1)
			if dir == after {
				arrived = "CASE WHEN hour(event_time AT TIME ZONE 'UTC') < 10 THEN TIMESTAMPTZ '2026-03-04 00:00:00+00' WHEN hour(event_time AT TIME ZONE 'UTC') < 15 " +
					"THEN TIMESTAMPTZ '2026-03-02 00:00:00+00' ELSE " + arrived + " END"
			}
			sql := fmt.Sprintf("COPY (SELECT * REPLACE (event_time + INTERVAL (%d) DAY AS event_time, %s AS ingested_at, transaction_id || '-%d' AS transaction_id) FROM read_parquet('%s')) TO '%s' (FORMAT parquet)",
				i-1, arrived, i, filepath.Join(dir, "data", "transactions.parquet"), filepath.Join(to, "a.parquet"))
			if _, err := duckdb.RunSQL(t.Context(), 1, 0, sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := verified(t, exitOK, "--before", before, "--config", filepath.Join(after, "featureaudit.yaml"), "--view", "transactions", "--range", "2026-02-28..2026-03-02")
	got := resultOf(t, r, "backfill-materialized")
	want := "34 of 72 rows of 2026-02-28..2026-03-02 are behind the last materialisation (2026-03-02T00:00:00Z), and in none: 10 rows arrived after all intervals that cover them had ended, 24 rows lie in no interval"
	if got.Outcome != report.Warn || got.Message != want {
		t.Errorf("it is %s: %s\nwant %s", got.Outcome, got.Message, want)
	}
	counts := map[string]int64{}
	for _, f := range got.Findings {
		counts[f.Subject.Partition] = f.RowsBad
	}
	if counts["dt=2026-02-28"] != 24 || counts["dt=2026-03-01"] != 10 || counts["dt=2026-03-02"] != 0 {
		t.Errorf("by partition they are %v", counts)
	}
	if ahead, _ := got.Measures.Count("rows_ahead"); ahead != 24 {
		t.Errorf("%d rows lie ahead, want 24", ahead)
	}
}
