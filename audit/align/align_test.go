package align_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/featureaudit/featureaudit/audit/align"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/survey"
)

func query(t *testing.T, text string) string {
	t.Helper()
	row, err := duckdb.RunSQL(context.Background(), 2, 1<<30, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return strings.Join(row, "|")
}

// hostileRows are 5,000 rows of two days with every kind of column that DuckDB writes, NULLs and nested values among them.
const hostileRows = `SELECT i AS id, 'streaming' AS source, %s AS event_time, %s AS ingested_at,
	(i * 0.01)::DECIMAL(10,2) AS amount, (i::HUGEINT * 1000000007)::DECIMAL(38,4) AS wide, ('00000000-0000-0000-0000-' || lpad(i::VARCHAR, 12, '0'))::UUID AS u,
	CASE WHEN i %% 3 = 0 THEN NULL ELSE [i, NULL, i * 2] END AS list, CASE WHEN i %% 7 = 0 THEN [] ELSE [{'a': i, 'b': ['x' || i, NULL]}] END AS deep,
	{'x': i, 'y': CASE WHEN i %% 2 = 0 THEN NULL ELSE {'z': 'v' || i} END} AS nested, MAP {'k' || i: i, 'l': NULL} AS kv,
	('b' || i)::BLOB AS bytes, ('{"a":' || i || '}')::JSON AS doc, TIME '01:02:03' AS at, DATE '2026-01-01' + i::INTEGER AS day, (i %% 2 = 0) AS flag,
	i::UTINYINT AS small, i::FLOAT / 3 AS f, i::DOUBLE / 3 AS d, INTERVAL 3 DAY AS span, TIMESTAMP_NS '2026-01-01 00:00:00.123456789' AS ns,
	CASE WHEN i %% 5 = 0 THEN NULL ELSE 'text ' || i END AS text
	FROM range(250) AS r(i)`

func writeStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i, date := range []string{"2026-11-03", "2026-11-04"} {
		folder := filepath.Join(dir, "dt="+date)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		// an event every five minutes of the day, stamped eight hours early in Los Angeles, stored half a minute after it happened
		event := fmt.Sprintf("CASE WHEN i = 9 THEN NULL ELSE TIMESTAMP '%s 00:00:07' + INTERVAL (i * 5) MINUTE - INTERVAL 8 HOUR END", date)
		ingested := fmt.Sprintf("TIMESTAMP '%s 00:00:37' + INTERVAL (i * 5) MINUTE", date)
		query(t, fmt.Sprintf("COPY ("+hostileRows+") TO '%s' (FORMAT parquet, ROW_GROUP_SIZE 2048, KV_METADATA {owner: 'fraud', note: 'part %d'})", event, ingested,
			filepath.Join(folder, "a.parquet"), i))
	}
	return dir
}

func options(t *testing.T, dir string, corrections []report.Correction) align.Options {
	t.Helper()
	v := model.View{Name: "clicks", Root: dir, Path: "**/*.parquet", EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"},
		Source: model.SourceColumn{Column: "source"}, TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}}
	listing, v, _, err := survey.Plan(t.Context(), local.New(), v, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), partition.Range{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := survey.Survey(t.Context(), local.New(), listing, survey.RolesOf(v), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	return align.Options{Store: local.New(), View: v, Survey: s, Corrections: corrections, Dir: filepath.Join(t.TempDir(), "copy")}
}

// surveyed lists and surveys the view of the options anew.
func surveyed(t *testing.T, o align.Options) align.Options {
	t.Helper()
	listing, v, _, err := survey.Plan(t.Context(), local.New(), o.View, time.Now(), partition.Range{})
	if err != nil {
		t.Fatal(err)
	}
	o.View = v
	if o.Survey, err = survey.Survey(t.Context(), local.New(), listing, survey.RolesOf(v), 1, nil); err != nil {
		t.Fatal(err)
	}
	return o
}

func shiftAll(seconds int64, evidence report.Evidence) []report.Correction {
	var all []report.Correction
	for _, date := range []string{"2026-11-03", "2026-11-04"} {
		all = append(all, report.Correction{View: "clicks", File: "dt=" + date + "/a.parquet", Source: "streaming", ShiftSeconds: &seconds, Rows: 249, Evidence: evidence})
	}
	return all
}

func TestCopyKeepsEverythingButTheTimes(t *testing.T) {
	dir := writeStore(t)
	o := options(t, dir, shiftAll(8*3600, report.Arithmetic))
	done, err := align.Copy(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if done.Files != 2 || done.Written != 2 || done.Rows != 500 || done.Shifted != 498 || done.Moved != 0 || len(done.Left) != 0 {
		t.Errorf("%+v, want done.Files == 2 && done.Written == 2 && done.Rows == 500 && done.Shifted == 498 && done.Moved == 0 && len(done.Left) == 0", done)
	}
	original, copied := "read_parquet('"+dir+"/**/*.parquet')", "read_parquet('"+o.Dir+"/**/*.parquet')"
	for _, pair := range [][2]string{{original, copied}, {copied, original}} {
		lag := map[bool]string{true: " EXCLUDE (event_time, source_lag)", false: " EXCLUDE (event_time)"}
		left, right := "SELECT *"+lag[pair[0] == copied]+" FROM "+pair[0], "SELECT *"+lag[pair[1] == copied]+" FROM "+pair[1]
		if n := query(t, fmt.Sprintf("SELECT count(*)::VARCHAR FROM ((%s) EXCEPT ALL (%s))", left, right)); n != "0" {
			t.Errorf("%s rows of %s are not in %s", n, pair[0], pair[1])
		}
	}
	// Physical types and nesting of every leaf, and logical types as a reader sees them. (Annotations that were only of the
	// old kind are written in both kinds.)
	tree := "SELECT string_agg(concat_ws(' ', name, type, type_length, repetition_type, num_children, field_id), chr(10)) " +
		"FROM (SELECT * FROM parquet_schema('%s/dt=2026-11-03/a.parquet') OFFSET 1) WHERE name NOT IN ('event_time', 'source_lag')"
	if was, is := query(t, fmt.Sprintf(tree, dir)), query(t, fmt.Sprintf(tree, o.Dir)); was != is || !strings.Contains(was, "key_value") {
		t.Errorf("the schema was\n%s\nand is\n%s", was, is)
	}
	types := "SELECT string_agg(column_name || ' ' || column_type, chr(10)) FROM (DESCRIBE SELECT * FROM read_parquet('%s/dt=2026-11-03/a.parquet')) WHERE column_name NOT IN ('event_time', 'source_lag')"
	if was, is := query(t, fmt.Sprintf(types, dir)), query(t, fmt.Sprintf(types, o.Dir)); was != is || !strings.Contains(was, "u UUID") {
		t.Errorf("the types were\n%s\nand are\n%s", was, is)
	}
	metadata := "SELECT string_agg(key::VARCHAR || '=' || value::VARCHAR, ',' ORDER BY key) FROM parquet_kv_metadata('%s/dt=2026-11-04/a.parquet') WHERE key <> 'featureaudit.align'"
	if was, is := query(t, fmt.Sprintf(metadata, dir)), query(t, fmt.Sprintf(metadata, o.Dir)); was != is || !strings.Contains(is, "note=part 1") {
		t.Errorf("metadata was %s and is %s", was, is)
	}
	times := "SELECT typeof(any_value(event_time)), min(epoch_us(event_time))::VARCHAR, count(*) FILTER (event_time IS NULL)::VARCHAR, min(source_lag)::VARCHAR, max(source_lag)::VARCHAR, " +
		"count(*) FILTER (source_lag IS NULL)::VARCHAR, count(*) FILTER (strftime(event_time::TIMESTAMP, '%Y-%m-%d') <> dt::VARCHAR)::VARCHAR FROM " + copied
	first := time.Date(2026, 11, 3, 0, 0, 7, 0, time.UTC).UnixMicro()
	if got, want := query(t, times), fmt.Sprintf("TIMESTAMP WITH TIME ZONE|%d|2|30.0|30.0|2|0", first); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRowsMoveToThePartitionOfTheirCorrectedTime(t *testing.T) {
	// Ten hours east instead: rows of the last ten hours of the 3rd move to the 4th, those of the 4th to a new folder.
	o := options(t, writeStore(t), shiftAll(18*3600, report.Arithmetic))
	done, err := align.Copy(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	// 10 h in steps of 5 minutes from 00:00:07: rows 168 to 249 of each day lie at 14:00:07 or later.
	if done.Moved != 2*(250-168) || done.Written != 4 {
		t.Errorf("%+v, want done.Moved == 2 * (250 - 168) && done.Written == 4", done)
	}
	for path, want := range map[string]string{"dt=2026-11-03/a.parquet": "168", "dt=2026-11-04/a-from-dt-2026-11-03.parquet": "82", "dt=2026-11-04/a.parquet": "168", "dt=2026-11-05/a-from-dt-2026-11-04.parquet": "82"} {
		if n := query(t, "SELECT count(*)::VARCHAR FROM read_parquet('"+filepath.Join(o.Dir, path)+"')"); n != want {
			t.Errorf("%s holds %s rows, want %s", path, n, want)
		}
	}
}

func TestOnlyRowsOfTheLagAreShifted(t *testing.T) {
	corrections := shiftAll(8*3600, report.Arithmetic)
	low, high := float64(8*3600+31), float64(9*3600)
	for i := range corrections {
		corrections[i].LagFromSeconds, corrections[i].LagToSeconds = &low, &high
	}
	done, err := align.Copy(t.Context(), options(t, writeStore(t), corrections))
	if err != nil || done.Shifted != 0 || done.Rows != 500 {
		t.Errorf("every lag is 8 h and 30 s: %+v, %v", done, err)
	}
	low = 8*3600 + 30
	done, err = align.Copy(t.Context(), options(t, writeStore(t), corrections))
	if err != nil || done.Shifted != 498 {
		t.Errorf("%+v, %v, want err == nil && done.Shifted == 498", done, err)
	}
}

func TestStatisticalEvidenceMustBeAccepted(t *testing.T) {
	o := options(t, writeStore(t), shiftAll(8*3600, report.Statistical))
	done, err := align.Copy(t.Context(), o)
	if err != nil || done.Shifted != 0 || len(done.Left) != 2 || done.Left[0].Rows != 249 || done.Left[0].File != "dt=2026-11-03/a.parquet" {
		t.Errorf(`%+v, %v, want err == nil && done.Shifted == 0 && len(done.Left) == 2 && done.Left[0].Rows == 249 && done.Left[0].File == "dt=2026-11-03/a.parquet"`, done, err)
	}
	o = options(t, writeStore(t), shiftAll(8*3600, report.Statistical))
	o.AcceptStatistical = true
	if done, err = align.Copy(t.Context(), o); err != nil || done.Shifted != 498 || len(done.Left) != 0 {
		t.Errorf("%+v, %v, want err == nil && done.Shifted == 498 && len(done.Left) == 0", done, err)
	}
}

func TestTextTimesAreRefused(t *testing.T) {
	dir := t.TempDir()
	query(t, "COPY (SELECT 1 AS id, 'streaming' AS source, '2026-11-03T00:00:00' AS event_time, TIMESTAMP '2026-11-03' AS ingested_at) TO '"+dir+"/a.parquet'")
	o := options(t, writeStore(t), nil)
	o2 := o
	o2.View.Root, o2.View.TimePartition = dir, model.TimePartition{}
	o2 = surveyed(t, o2)
	_, err := align.Copy(t.Context(), o2)
	if err == nil || !strings.Contains(err.Error(), "copy a.parquet: column \"event_time\" is STRING: align rewrites timestamps") {
		t.Errorf("%v, want err != nil && strings.Contains(err.Error(), \"copy a.parquet: column \\\"event_time\\\" is STRING: align rewrites timestamps\")", err)
	}
}

func TestCheckTarget(t *testing.T) {
	dir := t.TempDir()
	if err := align.CheckTarget(dir); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
	if err := align.CheckTarget(filepath.Join(dir, "new")); err != nil {
		t.Errorf("no folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data.parquet"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := align.CheckTarget(dir); !errors.Is(err, align.ErrNotEmpty) || !strings.Contains(err.Error(), "data.parquet") {
		t.Errorf(`%v, want errors.Is(err, align.ErrNotEmpty) && strings.Contains(err.Error(), "data.parquet")`, err)
	}
}
