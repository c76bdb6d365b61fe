//go:build stores

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// TestATableInABucketIsThatOfItsFiles audits a Delta table with deletion vectors and a checkpoint on this machine and in a bucket: the
// reports differ in the path alone.
func TestATableInABucketIsThatOfItsFiles(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	dir := filepath.Join(t.TempDir(), "tx")
	table, err := deltatable.New(dir, deltatable.Options{Schema: []map[string]any{deltatable.Field("id", "long"), deltatable.Field("event_time", "timestamp"), deltatable.Field("dt", "string")},
		Partitions: []string{"dt"}, Reader: 3, Features: []string{"deletionVectors", "v2Checkpoint"}})
	if err != nil {
		t.Fatal(err)
	}
	for day := range 4 {
		begin := time.Date(2026, 11, 1+day, 0, 0, 3, 0, time.UTC)
		rows := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type}, {Name: "event_time", Type: fixtures.AwareType}}}
		for i := range 40 {
			rows.Columns[0].Values = append(rows.Columns[0].Values, int64(day*30+i))
			rows.Columns[1].Values = append(rows.Columns[1].Values, begin.Add(time.Duration(i)*time.Minute))
		}
		date := begin.Format(time.DateOnly)
		err := table.Commit([]deltatable.File{{Path: "dt=" + date + "/part 0.parquet", Values: map[string]any{"dt": date}, Rows: rows, Deleted: []int64{0, 35}, Store: []string{"i", "u"}[day%2]}})
		if err == nil && day == 2 {
			err = table.Checkpoint(deltatable.V2Parquet)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	server.Bucket(t, "feat")
	upload(t, dir, "s3://feat/lake/tx")
	report := func(path string) string {
		text := auditOf(t, 1, "--path", path, "--event-time", "event_time", "--key", "id", "--ttl", "48h", "--as-of", "2026-11-05T00:00:00Z", "--set", "table.version=4")
		return strings.ReplaceAll(text, path, "PATH")
	}
	here, there := report(dir), report("s3://feat/lake/tx")
	if here != there {
		t.Errorf("the reports differ: %s", firstDifference(here, there))
	}
	// 10 ids of each day but the last stand in the next as well, of which the deleted rows are two
	for _, want := range []string{`"rows": 152`, `"deleted_rows": 8`, fmt.Sprintf(`"rows_bad": %d`, 3*(10-2))} {
		if !strings.Contains(there, want) {
			t.Errorf("the report does not hold %s", want)
		}
	}
}
