package main

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

func TestVerdictCode(t *testing.T) {
	results := func(outcomes ...report.Outcome) []report.Result {
		var rs []report.Result
		for _, o := range outcomes {
			rs = append(rs, report.Result{Outcome: o, Severity: report.SeverityWarn})
		}
		return rs
	}
	retryable := report.Result{Outcome: report.Error, Retryable: true}
	for _, tc := range []struct {
		name    string
		status  report.Status
		results []report.Result
		failOn  failOn
		want    int
	}{
		{"pass", report.Complete, results(report.Pass, report.NotApplicable, report.Suppressed), failOnWarn, 0},
		{"fail", report.Complete, results(report.Pass, report.Fail), failOnError, 1},
		{"warn does not fail by default", report.Complete, results(report.Warn), failOnError, 0},
		{"warn fails where asked", report.Complete, results(report.Warn), failOnWarn, 1},
		{"an unknown severity weighs as error", report.Complete, []report.Result{{Outcome: report.Warn, Severity: "critical"}}, failOnError, 1},
		{"never silences fail", report.Complete, results(report.Fail, report.Warn), failOnNever, 0},
		{"bytes that are no Parquet", report.Complete, results(report.Error), failOnError, 1},
		{"never silences these too", report.Complete, results(report.Error), failOnNever, 0},
		{"a retry may help", report.Complete, []report.Result{retryable}, failOnError, 3},
		{"a retry wins over fail", report.Complete, append(results(report.Fail), retryable), failOnError, 3},
		{"never does not silence 3", report.Complete, []report.Result{retryable}, failOnNever, 3},
		{"partial", report.Partial, results(report.Pass), failOnError, 3},
		{"partial with never", report.Partial, nil, failOnNever, 3},
	} {
		if got := verdictCode(tc.status, tc.results, tc.failOn); got != tc.want {
			t.Errorf("%s: exit %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestParseInstant(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-23T00:00:00Z":             "2026-11-23T00:00:00Z",
		"2026-11-23T05:30:00+05:30":        "2026-11-23T00:00:00Z",
		"2026-11-22T16:00:00.5-08:00":      "2026-11-23T00:00:00.5Z",
		"2026-11-23T02:00:00.123456+00:00": "2026-11-23T02:00:00.123456Z",
		"2026-11-23":                       "2026-11-23T00:00:00Z",
	} {
		got, err := parseInstant("as-of", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got.Format(time.RFC3339Nano) != want || got.Location() != time.UTC {
			t.Errorf("%s: got %v, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-11-23 00:00:00", "2026-11-23T00:00:00", "2026-13-01", "1764000000"} {
		if got, err := parseInstant("as-of", text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestRangeEnd(t *testing.T) {
	zoned := func(names ...string) []model.View {
		var views []model.View
		for _, name := range names {
			views = append(views, model.View{TimePartition: model.TimePartition{Grain: model.GrainDay, Zone: name}})
		}
		return views
	}
	for _, tc := range []struct {
		text  string
		views []model.View
		want  string
	}{
		{"2026-11-01..2026-11-03", nil, "2026-11-04T00:00:00Z"},
		{"2026-11-03..2026-11-03", zoned("", "UTC"), "2026-11-04T00:00:00Z"},
		{"2026-11-03T07..2026-11-03T09", nil, "2026-11-03T10:00:00Z"},
		{"2026-11..2026-12", nil, "2027-01-01T00:00:00Z"},
		{"2026-W45..2026-W45", nil, "2026-11-09T00:00:00Z"},
		{"2026-W01..2026-W53", nil, "2027-01-04T00:00:00Z"},
		{"2026-11-01..2026-11-01", zoned("America/Los_Angeles"), "2026-11-02T08:00:00Z"}, // a day of 25 hours
		{"2026-11-01..2026-11-01", zoned("Asia/Tokyo", "America/Los_Angeles"), "2026-11-02T08:00:00Z"},
		{"2026-11-01..2026-11-01", zoned("Asia/Tokyo"), "2026-11-01T15:00:00Z"},
	} {
		s, err := parseRange(tc.text)
		if err != nil {
			t.Fatalf("%s: %v", tc.text, err)
		}
		got, err := s.end(tc.views)
		if err != nil || got.Format(time.RFC3339) != tc.want {
			t.Errorf("%s ends at %v (%v), want %s", tc.text, got, err, tc.want)
		}
	}
	for _, text := range []string{"2026-11-01", "2026-11-03..2026-11-01", "2026-11-01..2026-12", "2026-W54..2026-W54", "a..b", ".."} {
		if s, err := parseRange(text); err == nil {
			t.Errorf("%q is read as %v", text, s)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"512MB": 512_000_000, "2GiB": 2 << 30, "2Gi": 2 << 30, "1.5GB": 1_500_000_000, "128 MiB": 128 << 20, "70000000": 0, "100000000B": 100_000_000,
		"1TB": 1_000_000_000_000, "300M": 300_000_000, "64mib": 64 << 20,
	} {
		got, err := parseSize(text)
		if want == 0 {
			if err == nil {
				t.Errorf("%q has no unit and is read as %d", text, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%q: %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GB", "-1GB", "NaNGB", "1e30TB", "lots", "1PB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestMemoryLimit(t *testing.T) {
	machine := file("MemTotal:       10000000 kB\nMemFree: 5 kB\n") // 10,240,000,000 bytes
	for _, tc := range []struct {
		name string
		root fstest.MapFS
		text string
		want int64
	}{
		{"machine", fstest.MapFS{"proc/meminfo": machine}, "", 7_168_000_000},
		{"half of the machine", fstest.MapFS{"proc/meminfo": machine}, "50%", 5_120_000_000},
		{"a size needs no machine", fstest.MapFS{}, "1GB", 1_000_000_000},
		{"cgroup v2", fstest.MapFS{"proc/meminfo": machine, "proc/self/cgroup": file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("1000000000\n")}, "70%", 700_000_000},
		{"cgroup v2 in a container that sees the host's path", fstest.MapFS{"proc/meminfo": machine, "proc/self/cgroup": file("0::/kubepods/x\n"),
			"sys/fs/cgroup/memory.max": file("2000000000\n")}, "100%", 2_000_000_000},
		{"cgroup v1", fstest.MapFS{"proc/meminfo": machine, "proc/self/cgroup": file("5:cpu,cpuacct:/x\n4:memory:/x\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": file("3000000000\n")}, "100%", 3_000_000_000},
		{"cgroup v1 without a limit", fstest.MapFS{"proc/meminfo": machine, "proc/self/cgroup": file("4:memory:/\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n")}, "100%", 10_240_000_000},
	} {
		got, err := memoryLimit(tc.text, tc.root)
		if err != nil || got != tc.want {
			t.Errorf("%s: %d (%v), want %d", tc.name, got, err, tc.want)
		}
	}
	for _, text := range []string{"", "0%", "101%", "x%", "10MB"} {
		root := fstest.MapFS{}
		if text != "" {
			root["proc/meminfo"] = machine
		}
		if got, err := memoryLimit(text, root); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

func TestCommandsAreSortedAndSaid(t *testing.T) {
	last := ""
	for _, cmd := range commands() {
		if cmd.name <= last {
			t.Errorf("command %q comes after %q: keep the table sorted", cmd.name, last)
		}
		last = cmd.name
		if cmd.line == "" || cmd.run == nil {
			t.Errorf("command %q lacks its line or its function", cmd.name)
		}
	}
}

// TestThreadsFollowTheLimit lowers the threads to those that the limit has room for, and says so.
func TestThreadsFollowTheLimit(t *testing.T) {
	for _, test := range []struct {
		wanted  int
		limit   int64
		threads int
		note    string
	}{
		{2, 512 << 20, 2, ""},
		{2, 256_000_000, 2, ""},
		{16, 256_000_000, 2, "2 of 16 threads are used: a memory limit of 256 MB has no room for more; raise --memory-limit (or the container's)"},
		{16, 512_000_000, 10, "10 of 16 threads are used: a memory limit of 512 MB has no room for more; raise --memory-limit (or the container's)"},
		{2, 128 << 20, 1, "the memory limit of 128 MiB cannot be kept: up to 214 MiB may be used, with one thread; raise --memory-limit (or the container's)"},
	} {
		if threads, note := threadsWithin(test.wanted, test.limit); threads != test.threads || note != test.note {
			t.Errorf("%d threads at %d bytes: %d, %q", test.wanted, test.limit, threads, note)
		}
	}
}
