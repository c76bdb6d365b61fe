package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/report"
)

// TestManyViewsStayWithinTheLimit audits a config of thousands of views of one small file each: their results are held beside the engines, and
// the report of all of them is larger than what Go has of the limit.
func TestManyViewsStayWithinTheLimit(t *testing.T) {
	if os.Getenv(memoryVariable) == "" {
		return
	}
	const limit, views = 256_000_000, 5000
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "report.json")
	query := "COPY (SELECT " + instant + ", i AS id FROM range(2) t(i)) TO '" + filepath.Join(dir, "a.parquet") + "' (FORMAT parquet)"
	if _, err := duckdb.RunSQL(t.Context(), 1, 0, query); err != nil {
		t.Fatal(err)
	}
	config := "version: 1\nviews:\n"
	for i := range views {
		config += fmt.Sprintf("  view_%d: {path: '*.parquet', event_time: event_time, key: [id], ttl: 7d}\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "featureaudit.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "--config", filepath.Join(dir, "featureaudit.yaml"), "--as-of", "2026-11-02", "--threads", "2", "--memory-limit", "256MB",
		"--summary", "none", "--log-level", "error", "--out", "json=" + out}
	if text, err := program(t, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	r := readJSON(t, out)
	if peak := r.Execution.PeakMemoryBytes; peak > limit*11/10 {
		t.Errorf("%d MB resident, limit %d MB", peak/1_000_000, limit/1_000_000)
	}
	if r.Summary.Views != views || r.Summary.Rows != 2*views || r.Summary.Outcome != report.Pass {
		t.Errorf("%+v: expected %d views of 2 rows each that pass", r.Summary, views)
	}
}

// findingViews are a config of so many views of the same two small files, in which nearly every check of rows finds something: rows that
// expired, clocks of two zones, repeats, nulls, times of the future, late rows, partitions that are missing.
func findingViews(t *testing.T, views int) (config string) {
	t.Helper()
	dir := t.TempDir()
	shift := "CASE i % 10 WHEN 3 THEN INTERVAL '-1200 days' WHEN 5 THEN NULL WHEN 7 THEN INTERVAL '40 days' WHEN 1 THEN INTERVAL '5 hours' WHEN 6 THEN INTERVAL '5 hours' ELSE INTERVAL '0 days' END"
	query := "SELECT TIMESTAMP '2026-11-01 00:00:00' + to_days(f::INT) + to_minutes(i * 10) + " + shift + " AS event_time, " +
		"TIMESTAMPTZ '2026-11-01 00:01:00+00' + to_days(f::INT) + to_minutes(i * 10) + to_seconds(i % 7) AS ingested_at, CASE i % 20 WHEN 19 THEN NULL ELSE i // 4 END AS id, " +
		"'u' || (i % 30) AS user, CASE WHEN i % 5 = 1 THEN 'kafka' ELSE 'batch' END AS source, '2026-11-0' || (1 + f) AS dt FROM range(100) t(i), range(2) u(f)"
	if _, err := duckdb.RunSQL(t.Context(), 1, 0, fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet, PARTITION_BY (dt))", query, filepath.Join(dir, "data"))); err != nil {
		t.Fatal(err)
	}
	text := "version: 1\nviews:\n"
	for i := range views {
		text += fmt.Sprintf("  view_%04d: {path: 'data/**/*.parquet', event_time: event_time, ingested_at: ingested_at, source: source, key: [id], entity: [user], ttl: 7d, max_age: 1d, max_lag: 10m, "+
			"time_partition: {column: dt, grain: day}}\n", i)
	}
	config = filepath.Join(dir, "featureaudit.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// Of each view of findingViews fail duplicate-keys, future-rows, misfiled-rows, missing-partitions, mixed-zones, null-event-time, null-keys,
// shifted-twins, stale-rows and stale-view; source-lag, stale-entities and zone-undeclared warn.
const (
	findingFails = 10
	findingWarns = 3
)

// TestManyViewsWithFindingsStayWithinTheLimit audits thousands of views that all have findings, and writes the document, the summary and all
// that is made a view at a time: as values their results take several times the limit.
func TestManyViewsWithFindingsStayWithinTheLimit(t *testing.T) {
	if os.Getenv(memoryVariable) == "" {
		return
	}
	const limit, views = 256_000_000, 5000
	dir := t.TempDir()
	out := filepath.Join(dir, "report.json")
	said := withinLimit(t, limit, 1, "run", "--config", findingViews(t, views), "--as-of", "2026-11-10", "--threads", "2", "--memory-limit", "256MB", "--log-level", "error", "--out", "json="+out,
		"--out", "text="+filepath.Join(dir, "report.txt"), "--out", "markdown="+filepath.Join(dir, "report.md"), "--out", "html="+filepath.Join(dir, "report.html"),
		"--out", "junit="+filepath.Join(dir, "report.xml"), "--out", "summary="+filepath.Join(dir, "summary.json"))
	if want := fmt.Sprintf("%d checks fail, %d checks warn in", findingFails*views, findingWarns*views); !strings.Contains(strings.ReplaceAll(said, ",", ""), strings.ReplaceAll(want, ",", "")) {
		t.Errorf("the summary does not say %q:\n%.2000s", want, said)
	}
	r := readJSON(t, out)
	if s := r.Summary; s.Views != views || s.Rows != 200*views || s.Fail != findingFails*views || s.Warn != findingWarns*views || s.Error != 0 {
		t.Errorf("%+v: expected %d views of 200 rows each, %d results that fail and %d that warn", r.Summary, views, findingFails, findingWarns)
	}
}

// TestResultsInCompactFormAreWrittenAlike audits views whose results are values at one limit and too many for that at another, also with what
// earlier runs and a baseline know of them: all outputs are the same, the codes too, and nothing stays in the temporary folder.
func TestResultsInCompactFormAreWrittenAlike(t *testing.T) {
	const views = 50 // some 3 MB of results, where a thirty-second of 68 MB are values
	config, scratch := findingViews(t, views), t.TempDir()
	formats := []string{"json", "text", "markdown", "html", "junit", "summary", "github", "slack", "teams", "pagerduty", "flagd"}
	written := func(limit string, more ...string) map[string]string {
		dir := t.TempDir()
		args := append([]string{"run", "--config", config, "--as-of", "2026-11-10", "--memory-limit", limit, "--threads", "1", "--temp-dir", scratch, "--quiet", "--summary", "text"}, more...)
		for _, format := range formats {
			args = append(args, "--out", format+"="+filepath.Join(dir, "report."+format))
		}
		_, got, said := peakOf(t, program(t, args...))
		if got != 1 {
			t.Fatalf("%s: exit %d, want 1: %s", limit, got, said)
		}
		texts := map[string]string{"stdout": strings.ReplaceAll(said, dir, "")}
		for _, format := range formats {
			raw, err := os.ReadFile(filepath.Join(dir, "report."+format))
			if err != nil {
				t.Fatal(err)
			}
			texts[format], _, _ = strings.Cut(strings.ReplaceAll(string(raw), dir, ""), "\n  \"execution\": {")
			texts[format] = regexp.MustCompile(`"audited_at": "[^"]*"`).ReplaceAllString(texts[format], "")
		}
		if s := readJSON(t, filepath.Join(dir, "report.json")).Summary; s.Fail != findingFails*views || s.Warn != findingWarns*views {
			t.Errorf("%s: %+v: expected %d results that fail and %d that warn, of each of %d views", limit, s, findingFails, findingWarns, views)
		}
		return texts
	}
	alike := func(values, texts map[string]string) {
		t.Helper()
		for name, want := range values {
			if got := texts[name]; got != want || got == "" {
				t.Errorf("%s at 68 MB:\n%.3000s\nat 1 GB\n%.3000s", name, got, want)
			}
		}
	}
	earlier := t.TempDir() // of each way a history of its own, with the same runs
	first := written("1GB", "--history", filepath.Join(earlier, "values"))
	alike(first, written("68MB", "--history", filepath.Join(earlier, "texts")))
	document, baseline := filepath.Join(earlier, "report.json"), filepath.Join(earlier, "known.yaml")
	if code, said := ran(t, "run", "--config", config, "--as-of", "2026-11-10", "--quiet", "--check", "stale-rows", "--out", "json="+document); code != 1 {
		t.Fatalf("exit %d: %s", code, said)
	}
	if code, said := ran(t, "baseline", document, "--out", baseline); code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	known, err := os.ReadFile(baseline)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(baseline, []byte(strings.ReplaceAll(string(known), "SET-A-DATE", "2027-01-31")), 0o600); err != nil {
		t.Fatal(err)
	}
	second := written("1GB", "--as-of", "2026-11-11", "--history", filepath.Join(earlier, "values"), "--baseline", baseline)
	alike(second, written("68MB", "--as-of", "2026-11-11", "--history", filepath.Join(earlier, "texts"), "--baseline", baseline))
	if !strings.Contains(second["stdout"], "compared with 1 earlier run") || !strings.Contains(second["stdout"], "held by the baseline") {
		t.Errorf("neither the history nor the baseline is told of:\n%.2000s", second["stdout"])
	}
	alike(written("1GB"), written("68MB"))
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("left in the temp dir: %v (%v)", left, err)
	}
}

// TestAlignAndDiffStayWithinTheLimit corrects a file of one large row group, and compares two ttls by its rows.
func TestAlignAndDiffStayWithinTheLimit(t *testing.T) {
	const limit, rows = 256_000_000, 2_000_000
	dir := t.TempDir()
	store := filepath.Join(dir, "data")
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}
	query := "COPY (SELECT " + instant + ", substr(md5(i::VARCHAR), 1, 16) AS id, i % 7000 AS user_id FROM range(" + fmt.Sprint(rows) + ") t(i)) TO '" + filepath.Join(store, "a.parquet") +
		"' (FORMAT parquet, ROW_GROUP_SIZE 3000000)"
	if _, err := duckdb.RunSQL(t.Context(), 1, 0, query); err != nil {
		t.Fatal(err)
	}
	write := func(name, ttl string) string {
		path := filepath.Join(dir, name)
		text := "version: 1\nviews:\n  clicks: {path: 'data/*.parquet', event_time: event_time, key: [id], entity: [user_id], ttl: " + ttl + "}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config, shorter := write("featureaudit.yaml", "1000d"), write("shorter.yaml", "1d")
	out := filepath.Join(dir, "report.json")
	if code, said := ran(t, "run", "--config", config, "--as-of", "2026-11-02", "--check", "ttl-unset", "--out", "json="+out, "--log-level", "error"); code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	r := readJSON(t, out)
	shift := int64(3600)
	r.Corrections = []report.Correction{{View: "clicks", File: "a.parquet", ShiftSeconds: &shift, Rows: rows, Evidence: report.Arithmetic, Message: "an hour early"}}
	id, err := r.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r.ID = id
	raw, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	scratch := t.TempDir()
	copied := filepath.Join(dir, "copy")
	said := withinLimit(t, limit, 0, "align", "--config", config, "--report", out, "--out-dir", copied, "--memory-limit", "256MB", "--temp-dir", scratch)
	if !strings.Contains(said, "2000000 rows of 1 files copied to 1 files and proved equal; 2000000 rows shifted") {
		t.Error(said)
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("left in the temp dir: %v (%v)", left, err)
	}
	said = withinLimit(t, limit, 0, "diff", config, shorter, "--data", "audit", "--as-of", "2026-11-10", "--format", "json", "--memory-limit", "256MB", "--temp-dir", scratch)
	var doc struct {
		Findings []json.RawMessage `json:"findings"`
	}
	if at := strings.Index(said, "{"); at < 0 || json.Unmarshal([]byte(said[at:]), &doc) != nil || !strings.Contains(said, "7,000") && !strings.Contains(said, "7000") {
		t.Errorf("the 7,000 entities are not spoken of: %.2000s", said)
	}
}

// withinLimit runs a command that ends with a code, within a memory limit and a tenth more, and gives what it said.
func withinLimit(t *testing.T, limit int64, code int, args ...string) string {
	t.Helper()
	peak, got, said := peakOf(t, program(t, args...))
	if got != code {
		t.Fatalf("%s: exit %d, want %d: %s", args[0], got, code, said)
	}
	if peak > limit*11/10 {
		t.Errorf("%s: %d MB resident, limit %d MB", args[0], peak/1_000_000, limit/1_000_000)
	}
	return said
}

// TestLimitsOfDiffAreForData refuses what would do nothing, and sizes that are none, before anything is read.
func TestLimitsOfDiffAreForData(t *testing.T) {
	for want, args := range map[string][]string{
		"--memory-limit and --temp-dir are for --data": {"diff", "a.yaml", "b.yaml", "--memory-limit", "1GB"},
		`--memory-limit "much"`:                        {"diff", "a.yaml", "b.yaml", "--data", "audit", "--memory-limit", "much"},
		`--memory-limit "1KB"`:                         {"align", "--report", "r.json", "--out-dir", "out", "--memory-limit", "1KB"},
	} {
		if code, said := ran(t, args...); code != exitUsage || !strings.Contains(said, want) {
			t.Errorf("%v: exit %d: %s; want exit 2 and %q", args, code, said, want)
		}
	}
}
