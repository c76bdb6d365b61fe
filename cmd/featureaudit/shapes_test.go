package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
)

// memoryVariable asks for the shapes too that take minutes.
const memoryVariable = "FEATUREAUDIT_TEST_MEMORY"

// oddShape is a store that is cheap on disk and was dear in memory.
type oddShape struct {
	name string
	// query makes the rows. Where parted, those of each value of its column part are a file of their own.
	query  string
	parted bool
	// within is a column of whose values each has a folder of such files; empty for none.
	within string
	// options are those of the engine's COPY, beside the format.
	options string
	args    []string
	// measures are those of duplicate-keys that the rows have by construction; nil where the view is an error.
	measures map[string]string
	slow     bool
}

// instant is the event time of row i.
const instant = "TIMESTAMPTZ '2026-11-01 00:00:00+00' + to_milliseconds(i) AS event_time"

const (
	longKeys = "SELECT " + instant + ", repeat(printf('%04d', i // 2), 262144) AS id, i AS amount FROM "
	manyRows = "SELECT " + instant + ", substr(md5(i::VARCHAR), 1, 16) AS id, (i % 7000)::VARCHAR AS user, i % 1000 AS amount FROM range(5000000) t(i)"
	oneGroup = "ROW_GROUP_SIZE 6000000"
	// findings are two rows of one key, one without an event time, one from the future, one long expired and one without a key, in each file
	findings = "SELECT CASE WHEN k = 2 THEN NULL ELSE TIMESTAMPTZ '2026-11-01 00:00:00+00' + to_seconds(n) + CASE k WHEN 3 THEN INTERVAL '30 minutes' WHEN 4 THEN INTERVAL '-1200 days' " +
		"ELSE INTERVAL '0 days' END END AS event_time, TIMESTAMPTZ '2026-11-01 00:01:00+00' + to_seconds(n) AS ingested_at, " +
		"CASE k WHEN 5 THEN NULL ELSE n * 10 + greatest(k, 1) END AS id, 1 AS amount, strftime(TIMESTAMP '2024-01-01' + to_hours(n), '%Y%m%d%H') AS part " +
		"FROM (SELECT i // 6 AS n, i % 6 AS k FROM range(120000) t(i))"
)

// wideColumns are so many columns, in most of which two rows differ.
func wideColumns(count int) string {
	wide := make([]string, count)
	for c := range wide {
		wide[c] = fmt.Sprintf("(i * %d %% 1000) / 8 AS c%04d", c+1, c)
	}
	return strings.Join(wide, ", ")
}

func oddShapes() []oddShape {
	wide := wideColumns(2000)
	counts := func(keys, rows int) map[string]string {
		return map[string]string{"repeated_keys": fmt.Sprint(keys), "repeated_rows": fmt.Sprint(rows), "surplus_rows": fmt.Sprint(rows - keys)}
	}
	return []oddShape{
		{name: "2 million rows of one key", query: "SELECT " + instant + ", 1 AS id, i % 1000 AS amount FROM range(2000000) t(i)", measures: counts(1, 2_000_000)},
		{name: "100,000 keys of three rows", query: "SELECT " + instant + ", i // 3 AS id, i % 1000 AS amount FROM range(300000) t(i)", measures: counts(100_000, 300_000)},
		{name: "100,000 sources", query: "SELECT " + instant + ", i AS id, 's' || i AS source FROM range(100000) t(i)", args: []string{"--set", "source=source"}},
		{name: "10 sources of a megabyte", query: "SELECT " + instant + ", i // 2 AS id, repeat(printf('%04d', i % 10), 262144) AS source FROM range(200) t(i)", args: []string{"--set", "source=source"}, slow: true},
		{name: "25 keys of a megabyte", query: longKeys + "range(50) t(i)", measures: counts(25, 50)},
		{name: "200 keys of a megabyte", query: longKeys + "range(400) t(i)", measures: counts(200, 400)},
		{name: "entities of 5 megabytes", query: "SELECT " + instant + ", i // 2 AS id, repeat(printf('%05d', i), 1000000) AS entity, i AS amount FROM range(20) t(i)", args: []string{"--entity", "entity"}, measures: counts(10, 20)},
		{name: "a row group of 5 million rows", query: manyRows, options: oneGroup, measures: counts(0, 0)},
		{name: "a row group of 5 million rows, zstd", query: manyRows, options: oneGroup + ", COMPRESSION zstd", measures: counts(0, 0), slow: true},
		{name: "a row group of 5 million rows, not compressed", query: manyRows, options: oneGroup + ", COMPRESSION uncompressed", measures: counts(0, 0), slow: true},
		{name: "a row group of 5 million rows, version 2", query: manyRows, options: oneGroup + ", PARQUET_VERSION V2", measures: counts(0, 0), slow: true},
		{name: "a row group of 5 million rows, with dictionaries", query: strings.Replace(manyRows, "substr(md5(i::VARCHAR), 1, 16)", "'k' || (i % 60000) || 'abcdefgh'", 1),
			options: oneGroup + ", DICTIONARY_SIZE_LIMIT 1000000", measures: counts(60_000, 5_000_000), slow: true},
		{name: "2,000 columns", query: "SELECT " + instant + ", i // 2 AS id, " + wide + " FROM range(400) t(i)", measures: counts(200, 400)},
		{name: "2,000 columns and 20,000 rows", query: "SELECT " + instant + ", i // 2 AS id, " + wide + " FROM range(20000) t(i)", measures: counts(10_000, 20_000), slow: true},
		{name: "20,000 partitions with findings", query: findings, parted: true, args: []string{"--ingested-at", "ingested_at", "--entity", "id"}, measures: counts(20_000, 40_000), slow: true},
		{name: "80,000 files with findings in 90 days", query: strings.NewReplacer("range(120000)", "range(480000)", "to_seconds(n)", "to_seconds(n % 80000)",
			" AS part ", " AS part, strftime(TIMESTAMP '2026-08-01' + to_days((n % 90)::INT), '%Y-%m-%d') AS dt ").Replace(findings),
			parted: true, within: "dt", args: []string{"--ingested-at", "ingested_at", "--entity", "id"}, measures: counts(80_000, 160_000), slow: true},
		{name: "16 sources in each of 2,000 files", query: "SELECT " + instant + ", i AS id, 's' || (i % 16) AS source, i // 16 AS part FROM range(32000) t(i)", parted: true,
			args: []string{"--set", "source=source"}, measures: counts(0, 0), slow: true},
		{name: "300,000 entities of a kilobyte", query: "SELECT " + instant + ", i AS id, repeat(md5(i::VARCHAR), 32) AS entity FROM range(300000) t(i)",
			options: "ROW_GROUP_SIZE 20000", args: []string{"--entity", "entity"}, measures: counts(0, 0), slow: true},
		{name: "repeats with lists, structs and maps", query: "SELECT " + instant + ", i // 2 AS id, list_transform(range(i % 50), x -> x * i) AS l, {'a': i, 'b': [{'c': repeat('x', (i % 1000)::INT)}]} AS st, " +
			"map([i::VARCHAR], [i]) AS m FROM range(60000) t(i)", measures: counts(30_000, 60_000), slow: true},
		{name: "50,000 own values of a partition column", query: "SELECT " + instant + ", i AS id, 'v' || i AS dt, '2026-11-01' AS part FROM range(50000) t(i)", parted: true, measures: counts(0, 0), slow: true},
		{name: "100,000 files", query: "SELECT " + instant + ", i AS id, 1.5 AS amount, i // 2 AS part FROM range(200000) t(i)", parted: true, measures: counts(0, 0), slow: true},
		{name: "20,000 files", query: "SELECT " + instant + ", i AS id, 1.5 AS amount, i // 3 AS part FROM range(60000) t(i)", parted: true, measures: counts(0, 0), slow: true},
	}
}

func (s oddShape) write(t *testing.T, dir string) {
	t.Helper()
	to, options := filepath.Join(dir, "a.parquet"), "FORMAT parquet"
	if s.parted {
		to, options = dir, "FORMAT parquet, PARTITION_BY (part)"
	}
	if s.within != "" {
		options = fmt.Sprintf("FORMAT parquet, PARTITION_BY (%s, part)", s.within)
	}
	if s.options != "" {
		options += ", " + s.options
	}
	if _, err := duckdb.RunSQL(context.Background(), 1, 0, fmt.Sprintf("COPY (%s) TO '%s' (%s)", s.query, to, options)); err != nil {
		t.Fatal(err)
	}
}

// TestOddShapesStayWithinTheLimit audits stores whose memory grew with their repeats, names, files or columns, and not with the
// limit: at most a tenth more than it is taken, and what they hold is counted as ever.
func TestOddShapesStayWithinTheLimit(t *testing.T) {
	const limit = 256_000_000
	for _, shape := range oddShapes() {
		if shape.slow && os.Getenv(memoryVariable) == "" {
			continue
		}
		t.Run(shape.name, func(t *testing.T) {
			dir, out := t.TempDir(), filepath.Join(t.TempDir(), "report.json")
			shape.write(t, dir)
			args := append([]string{"run", "--path", dir, "--event-time", "event_time", "--key", "id", "--ttl", "1000d", "--as-of", "2026-11-02",
				"--threads", "2", "--memory-limit", "256MB", "--fail-on", "never", "--summary", "none", "--log-level", "error", "--out", "json=" + out}, shape.args...)
			text, err := program(t, args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			r := readJSON(t, out)
			if peak := r.Execution.PeakMemoryBytes; peak > limit*11/10 {
				t.Errorf("%d MB resident, limit %d MB", peak/1_000_000, limit/1_000_000)
			}
			for _, result := range r.Results {
				if result.Check != "duplicate-keys" {
					continue
				}
				if failed := result.Outcome == "error"; failed != (shape.measures == nil) {
					t.Errorf("outcome %s", result.Outcome)
				}
				for name, want := range shape.measures {
					if got := fmt.Sprint(result.Measures[name]); got != want {
						t.Errorf("%s = %s, want %s", name, got, want)
					}
				}
			}
		})
	}
}
