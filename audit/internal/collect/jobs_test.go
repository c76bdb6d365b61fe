package collect

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
)

func TestSlicesOf(t *testing.T) {
	tests := []struct {
		groups []int64
		limit  int64
		want   [][2]int64
	}{
		{[]int64{10}, 5, [][2]int64{{0, 9}}},                                                      // a row group is not decoded twice
		{[]int64{4, 21, 1}, 5, [][2]int64{{0, 3}, {4, 8}, {9, 13}, {14, 18}, {19, 24}, {25, 25}}}, // but where its rows are too many to be held
		{[]int64{3, 3, 3}, 5, [][2]int64{{0, 2}, {3, 5}, {6, 8}}},
		{[]int64{2, 2, 2}, 5, [][2]int64{{0, 3}, {4, 5}}},
		{[]int64{2, 3, 1, 9, 1}, 5, [][2]int64{{0, 4}, {5, 5}, {6, 14}, {15, 15}}},
		{[]int64{0, 6, 0, 6, 0}, 6, [][2]int64{{0, 5}, {6, 11}}},
		{[]int64{1, 1, 1, 1, 1, 1}, 1, [][2]int64{{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}}},
	}
	for _, test := range tests {
		file := facts.File{ID: 7, Schema: 3}
		for _, rows := range test.groups {
			file.RowGroups = append(file.RowGroups, facts.RowGroup{Rows: rows})
			file.Rows += rows
		}
		var got [][2]int64
		for _, j := range slicesOf(&file, test.limit, test.limit) {
			if !j.sliced || j.schema != 3 || len(j.files) != 1 || j.files[0] != 7 || j.rows != j.last-j.first+1 {
				t.Errorf("groups %v: job %+v", test.groups, j)
			}
			got = append(got, [2]int64{j.first, j.last})
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("groups %v of at most %d: %v, want %v", test.groups, test.limit, got, test.want)
		}
	}
}

func TestJobs(t *testing.T) {
	file := func(id, schema int32, rows, size int64) facts.File {
		return facts.File{ID: id, Schema: schema, Rows: rows, Size: size, Partition: -1, RowGroups: []facts.RowGroup{{Rows: rows}}}
	}
	problem := file(5, 0, 5, 1)
	problem.Problem = &facts.Problem{Kind: facts.ProblemCorrupt}
	later := file(6, 0, 5, 1)
	later.Partition = 0
	tests := map[string]struct {
		files []facts.File
		want  []string
		rows  int64
	}{
		"one schema is one query":            {[]facts.File{file(0, 0, 10, 1), file(1, 0, 20, 1)}, []string{"0 [0 1] 30"}, 30},
		"schemas are kept apart":             {[]facts.File{file(0, 0, 10, 1), file(1, 1, 20, 1), file(2, 0, 5, 1)}, []string{"0 [0 2] 15", "1 [1] 20"}, 35},
		"rows bound a query":                 {[]facts.File{file(0, 0, 60, 1), file(1, 0, 41, 1), file(2, 0, 59, 1)}, []string{"0 [0] 60", "0 [1 2] 100"}, 160},
		"bytes bound a query":                {[]facts.File{file(0, 0, 1, batchBytes-1), file(1, 0, 1, 1), file(2, 0, 1, 1)}, []string{"0 [0 1] 2", "0 [2] 1"}, 3},
		"a large file is a query of its own": {[]facts.File{file(0, 0, 10, 1), file(1, 0, 101, 1), file(2, 0, 10, 1)}, []string{"0 [0 2] 20", "0 [1] 101"}, 121},
		"what holds nothing is not read":     {[]facts.File{file(0, 0, 0, 1), file(1, -1, 5, 1), problem, later, file(9, 0, 1, 1)}, []string{"0 [9] 1"}, 1},
	}
	for name, test := range tests {
		c := &collector{survey: facts.Survey{Listing: facts.Listing{Partitions: []facts.Partition{{AfterAsOf: true}}}}, unread: map[int32]facts.Problem{}}
		c.request.SliceRows = 100
		c.roles.wants = facts.WantTimes
		c.survey.Files = test.files
		jobs, rows := c.jobs(true)
		var got []string
		for _, j := range jobs {
			got = append(got, fmt.Sprintf("%d %v %d", j.schema, j.files, j.rows))
		}
		if !reflect.DeepEqual(got, test.want) || rows != test.rows {
			t.Errorf("%s: %q of %d rows, want %q of %d", name, got, rows, test.want, test.rows)
		}
	}

	many := make([]facts.File, batchFiles+1)
	for i := range many {
		many[i] = file(int32(i), 0, 1, 1)
	}
	c := &collector{survey: facts.Survey{Listing: facts.Listing{Files: many}}}
	c.roles.wants = facts.WantTimes
	if jobs, _ := c.jobs(true); len(jobs) != 2 || len(jobs[0].files) != batchFiles || len(jobs[1].files) != 1 {
		t.Errorf("%d files are %d queries", len(many), len(jobs))
	}
	c.roles.wants = 0
	if jobs, rows := c.jobs(true); len(jobs) != 0 || rows != 0 {
		t.Errorf("nobody needs rows, and %d queries read %d", len(jobs), rows)
	}
}

func TestSourceCodes(t *testing.T) {
	s := &sourceNames{column: "pipeline"}
	for round := range 2 {
		for i := range keys.MaxSources {
			name := fmt.Sprintf("s%d", i)
			code, err := s.code(name)
			if err != nil || int(code) != i || s.name(code) != name {
				t.Errorf("round %d: %s has code %d (%v), want %d", round, name, code, err, i)
			}
		}
	}
	_, err := s.code("one more")
	if err == nil || !strings.Contains(err.Error(), `column "pipeline" has more than 64 distinct values: it`) || strings.Contains(err.Error(), "s0") || strings.Contains(err.Error(), "one more") {
		t.Errorf("one source too many: %v", err)
	}
	if _, err := s.code(strings.Repeat("x", maxSourceBytes+1)); err == nil || !strings.Contains(err.Error(), `column "pipeline" has a value of 16385 bytes, and the name of a source has at most 16384`) || strings.Contains(err.Error(), "xx") {
		t.Errorf("a source of a long name: %v", err)
	}
	if _, err := s.code("s63"); err != nil {
		t.Errorf("a known source after that: %v", err)
	}
}
