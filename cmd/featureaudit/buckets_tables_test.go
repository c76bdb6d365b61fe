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
)

// TestATableInABucketIsThatOfItsFiles audits Delta tables with deletion vectors and a checkpoint on this machine and in a bucket: the
// reports differ in the path alone. Columns go by their names, by other names in the files, or by numbers; vectors are inline, relative, or absolute,
// which the log says as Hadoop writes such an address.
func TestATableInABucketIsThatOfItsFiles(t *testing.T) { aTableInABucketIsThatOfItsFiles(t, "s3") }
func TestATableInABucketIsThatOfItsFilesGoogle(t *testing.T) {
	aTableInABucketIsThatOfItsFiles(t, "gs")
}
func TestATableInABucketIsThatOfItsFilesAzure(t *testing.T) {
	aTableInABucketIsThatOfItsFiles(t, "azblob")
}

func aTableInABucketIsThatOfItsFiles(t *testing.T, scheme string) {
	t.Helper()
	b := rent(t, scheme, nil)
	for name, test := range map[string]struct {
		mapping string
		vectors []string
	}{"plain": {"", []string{"i", "u"}}, "names": {"name", []string{"u", "p"}}, "numbers": {"id", []string{"p", "i"}}} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), name)
			bucketTable(t, dir, hadoops(b.at)+"/lake/"+name, test.mapping, test.vectors)
			upload(t, dir, b.at+"/lake/"+name)
			report := func(path string) string {
				text := auditOf(t, 1, "--path", path, "--event-time", "event_time", "--key", "id", "--ttl", "48h", "--as-of", "2026-11-05T00:00:00Z", "--set", "table.version=4")
				return strings.ReplaceAll(text, path, "PATH")
			}
			here, there := report(dir), report(b.at+"/lake/"+name)
			if here != there {
				t.Errorf("the reports differ: %s", firstDifference(here, there))
			}
			// 10 ids of each day but the last stand in the next as well, of which the deleted rows are two
			for _, want := range []string{`"rows": 152`, `"deleted_rows": 8`, fmt.Sprintf(`"rows_bad": %d`, 3*(10-2))} {
				if !strings.Contains(there, want) {
					t.Errorf("the report does not hold %s: %s", want, there)
				}
			}
		})
	}
}

// hadoops is the address of a bucket as Hadoop's writers have it.
func hadoops(address string) string {
	scheme, bucket, _ := strings.Cut(address, "://")
	switch scheme {
	case "s3":
		return "s3a://" + bucket
	case "azblob":
		return "abfss://" + bucket + "@testaccount.dfs.core.windows.net"
	}
	return address
}

// bucketTable writes a table of four days, whose files name its columns as a mapping says.
func bucketTable(t *testing.T, dir, location, mapping string, vectors []string) {
	t.Helper()
	columns, o := []string{"id", "event_time"}, deltatable.Options{Partitions: []string{"dt"}, Reader: 3, Features: []string{"deletionVectors", "v2Checkpoint"}, Location: location}
	partition := "dt"
	if mapping != "" {
		columns, partition = []string{"col-1", "col-2"}, "col-3"
		o.Features, o.Settings = append(o.Features, "columnMapping"), map[string]string{"delta.columnMapping.mode": mapping}
	}
	for i, f := range [][2]string{{"id", "long"}, {"event_time", "timestamp"}, {"dt", "string"}} {
		field := deltatable.Field(f[0], f[1])
		if mapping != "" {
			field["metadata"] = map[string]any{"delta.columnMapping.id": i + 1, "delta.columnMapping.physicalName": fmt.Sprintf("col-%d", i+1)}
		}
		o.Schema = append(o.Schema, field)
	}
	table, err := deltatable.New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for day := range 4 {
		begin := time.Date(2026, 11, 1+day, 0, 0, 3, 0, time.UTC)
		rows := fixtures.Table{Columns: []fixtures.Column{{Name: columns[0], Type: fixtures.Int64Type}, {Name: columns[1], Type: fixtures.AwareType}}}
		for i := range 40 {
			rows.Columns[0].Values = append(rows.Columns[0].Values, int64(day*30+i))
			rows.Columns[1].Values = append(rows.Columns[1].Values, begin.Add(time.Duration(i)*time.Minute))
		}
		date := begin.Format(time.DateOnly)
		f := deltatable.File{Path: "dt=" + date + "/part 0.parquet", Values: map[string]any{partition: date}, Deleted: []int64{0, 35}, Store: vectors[day%2]}
		abs := filepath.Join(dir, f.Path)
		err := fixtures.Write(abs, rows, fixtures.Options{})
		if err == nil && mapping == "id" {
			err = fixtures.SetFieldIDs(abs, map[string]int32{"col-1": 1, "col-2": 2})
		}
		if err == nil {
			err = table.Commit([]deltatable.File{f})
		}
		if err == nil && day == 2 {
			err = table.Checkpoint(deltatable.V2Parquet)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
