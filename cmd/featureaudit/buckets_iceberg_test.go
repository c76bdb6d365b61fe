//go:build stores

package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

// relocated is what only one of the definitions has.
var relocated = regexp.MustCompile(`\s*"table.relocated": "(flag --set",|true"\s*)`)

// TestAnIcebergTableInABucketIsThatOfItsFiles audits an Iceberg table that was written in a bucket, with positions, vectors and equality
// deletes, there and in a copy of its folder on this machine.
func TestAnIcebergTableInABucketIsThatOfItsFiles(t *testing.T) {
	anIcebergTableInABucketIsThatOfItsFiles(t, "s3")
}
func TestAnIcebergTableInABucketIsThatOfItsFilesGoogle(t *testing.T) {
	anIcebergTableInABucketIsThatOfItsFiles(t, "gs")
}
func TestAnIcebergTableInABucketIsThatOfItsFilesAzure(t *testing.T) {
	anIcebergTableInABucketIsThatOfItsFiles(t, "azblob")
}

func anIcebergTableInABucketIsThatOfItsFiles(t *testing.T, scheme string) {
	t.Helper()
	b := rent(t, scheme, nil)
	dir := filepath.Join(t.TempDir(), "tx")
	table, err := icebergtable.New(dir, icebergtable.Options{Location: hadoops(b.at) + "/lake/tx", Fields: []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}, {ID: 2, Name: "event_time", Type: "timestamptz"}},
		Partitions: []icebergtable.Partition{{Source: 2, ID: 1000, Name: "event_time_day", Transform: "day"}}})
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
		path, values := fmt.Sprintf("data/part %d.parquet", day), []any{int(begin.Unix() / 86400)}
		if day == 2 {
			err = table.SetFormat(3)
		}
		if err == nil {
			err = table.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: path, Rows: rows, Values: values}}})
		}
		d := icebergtable.Delete{Values: values, Vectors: map[string][]int64{path: {0, 35}}}
		switch day {
		case 0:
			d = icebergtable.Delete{Values: values, Positions: map[string][]int64{path: {0, 35}}}
		case 1:
			d = icebergtable.Delete{Values: values, Equality: []int{1}, Rows: fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: []any{int64(30), int64(65)}}}}}
		}
		if err == nil {
			err = table.Commit(icebergtable.Change{Operation: "delete", Deletes: []icebergtable.Delete{d}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	upload(t, dir, b.at+"/lake/tx")
	report := func(path string, more ...string) string {
		text := auditOf(t, 1, append([]string{"--path", path, "--event-time", "event_time", "--key", "id", "--ttl", "48h", "--as-of", "2026-11-05T00:00:00Z"}, more...)...)
		text = relocated.ReplaceAllString(text, "")
		return strings.ReplaceAll(text, path, "PATH")
	}
	here, there := report(dir, "--set", "table.relocated=true"), report(b.at+"/lake/tx")
	if here != there {
		t.Errorf("the reports differ: %s", firstDifference(here, there))
	}
	// 10 ids of each day but the last stand in the next as well, of which the deleted rows are two
	for _, want := range []string{`"rows": 152`, `"deleted_rows": 8`, fmt.Sprintf(`"rows_bad": %d`, 3*(10-2)), `"format": "iceberg"`} {
		if !strings.Contains(there, want) {
			t.Errorf("the report does not hold %s", want)
		}
	}
}
