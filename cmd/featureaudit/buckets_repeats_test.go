//go:build stores

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestRepeatsOfABucketAreReadFromTheirRowGroupsAlone audits objects of a few row groups of a few rows, in which some keys repeat, mostly where a
// row group begins or ends: what is said of them is what is said of the same files on a disk. The engine opens the row group before
// one that an asked-for row begins, and it was not brought: sound objects were called broken.
func TestRepeatsOfABucketAreReadFromTheirRowGroupsAlone(t *testing.T) {
	b := rent(t, "s3", nil)
	for seed := range uint64(12) {
		dir := repeatsAtRowGroups(t, seed)
		at := fmt.Sprintf("%s/%d", b.at, seed)
		upload(t, dir, at)
		want := auditRepeats(t, dir)
		if r := resultOf(t, want, "unreadable-file"); r.Outcome != report.Pass {
			t.Fatalf("seed %d: %s: %s", seed, r.Outcome, r.Message)
		}
		for _, limits := range [][]string{nil, {"--stage-limit", "3MiB"}, {"--memory-limit", "70MB"}} {
			got := auditRepeats(t, at, limits...)
			for i, want := range want.Results {
				if got := got.Results[i]; got.Outcome != want.Outcome || got.Message != want.Message || got.RowsBad != want.RowsBad || !reflect.DeepEqual(got.Measures, want.Measures) {
					t.Errorf("seed %d, %v: %s of the bucket: %s: %s %v; of the folder: %s: %s %v", seed, limits, want.Check, got.Outcome, got.Message, got.Measures, want.Outcome, want.Message, want.Measures)
				}
			}
		}
	}
}

// TestAnEmptyRowGroupOfABucket: the engine reads the dictionary of a row group without rows too, which had not been brought.
func TestAnEmptyRowGroupOfABucket(t *testing.T) {
	b := rent(t, "s3", nil)
	dir := t.TempDir()
	data, err := os.ReadFile("../../audit/testdata/empty_row_group.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.parquet", "b.parquet"} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	upload(t, dir, b.at)
	want, got := auditRepeats(t, dir), auditRepeats(t, b.at)
	if r := resultOf(t, want, "unreadable-file"); r.Outcome != report.Pass {
		t.Errorf("%s: %s", r.Outcome, r.Message)
	}
	for i, want := range want.Results {
		if got := got.Results[i]; got.Outcome != want.Outcome || got.Message != want.Message || got.RowsBad != want.RowsBad || !reflect.DeepEqual(got.Measures, want.Measures) {
			t.Errorf("%s of the bucket: %s: %s %v; of the folder: %s: %s %v", want.Check, got.Outcome, got.Message, got.Measures, want.Outcome, want.Message, want.Measures)
		}
	}
}

// repeatsAtRowGroups writes three files of row groups of as many rows, with pairs of rows of one key. Every third seed has a column of the name by
// which the engine numbers rows.
func repeatsAtRowGroups(t *testing.T, seed uint64) string {
	t.Helper()
	dir, random := t.TempDir(), rand.New(rand.NewPCG(seed, 77))
	group := []int{1, 2, 7, 100, 3000}[seed%5]
	names := []string{"id", "event_time", "user", "note"}
	if seed%3 == 2 {
		names = append(names, "File_Row_Number")
	}
	for day := range 3 {
		rows := group * (3 + random.IntN(20))
		ids := make([]string, rows)
		for i := range ids {
			ids[i] = fmt.Sprintf("%d-%016x", day, random.Uint64())
		}
		edge := func() int {
			return min(random.IntN(rows/group)*group+[]int{0, 0, 1, group - 1, random.IntN(group)}[random.IntN(5)], rows-1)
		}
		for range 1 + random.IntN(4) {
			ids[edge()] = ids[edge()]
		}
		begin := time.Date(2026, 11, 1+day, 0, 0, 0, 0, time.UTC)
		columns := []fixtures.Column{{Name: "id", Type: fixtures.TextType}, {Name: "event_time", Type: fixtures.AwareType}, {Name: "user", Type: fixtures.Int64Type}, {Name: "note", Type: fixtures.TextType},
			{Name: "File_Row_Number", Type: fixtures.Int64Type}}[:len(names)]
		for i, id := range ids {
			for c, v := range []any{id, begin.Add(time.Duration(len(id)+i%3) * time.Minute), int64(i % 5), fmt.Sprint("note ", i%2), int64(7)}[:len(names)] {
				columns[c].Values = append(columns[c].Values, v)
			}
		}
		if err := fixtures.Write(filepath.Join(dir, fmt.Sprintf("dt=2026-11-%02d/a.parquet", 1+day)), fixtures.Table{Columns: columns}, fixtures.Options{RowGroup: group}); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func auditRepeats(t *testing.T, path string, limits ...string) report.Report {
	t.Helper()
	out := filepath.Join(t.TempDir(), "report.json")
	args := append([]string{"run", "--path", path, "--name", "v", "--event-time", "event_time", "--key", "id", "--entity", "user", "--ttl", "48h", "--as-of", "2026-11-04", "--fail-on", "never", "--summary", "none",
		"--log-level", "error", "--out", "json=" + out}, limits...)
	if text, err := program(t, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, text)
	}
	return readJSON(t, out)
}
