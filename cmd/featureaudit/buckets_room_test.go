//go:build stores && linux

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// TestABucketTakesNoMoreRoomThanItMay audits three files of 6 MB in row groups of 1.5 MB: what lies on the disk for it never takes more than
// --stage-limit, also where one file alone takes more; where a row group does, the error says what it takes. The reports are the same.
func TestABucketTakesNoMoreRoomThanItMay(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	server.Bucket(t, "feat")
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	for day := range 3 {
		begin := time.Date(2026, 11, 1+day, 0, 0, 0, 0, time.UTC)
		table := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.TextType}, {Name: "event_time", Type: fixtures.AwareType}, {Name: "user", Type: fixtures.Int64Type}, {Name: "note", Type: fixtures.TextType}}}
		for i := range 120_000 {
			id := fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())
			if i%40_000 == 7 { // some keys repeat, and are compared in all columns
				id = fmt.Sprintf("again-%d", i)
			}
			for c, v := range []any{id, begin.Add(time.Duration(random.Int64N(86_000_000)) * time.Millisecond), random.Int64N(1000), "n"} {
				table.Columns[c].Values = append(table.Columns[c].Values, v)
			}
		}
		if err := fixtures.Write(filepath.Join(dir, fmt.Sprintf("dt=2026-11-%02d/a.parquet", 1+day)), table, fixtures.Options{RowGroup: 30_000}); err != nil {
			t.Fatal(err)
		}
	}
	upload(t, dir, "s3://feat/v")
	audit := func(limit string, want int) (string, int64) {
		temp, out := t.TempDir(), filepath.Join(t.TempDir(), "r.json")
		cmd := program(t, "run", "--path", "s3://feat/v", "--event-time", "event_time", "--key", "id", "--entity", "user", "--ttl", "48h", "--as-of", "2026-11-04", "--fail-on", "never",
			"--temp-dir", temp, "--stage-limit", limit, "--out", "json="+out, "--quiet")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		most := int64(0)
		for running := true; running; {
			select {
			case <-ended:
				running = false
			case <-time.After(time.Millisecond):
				most = max(most, takes(cmd.Process.Pid, temp))
			}
		}
		if code := cmd.ProcessState.ExitCode(); code != want {
			said, _ := os.ReadFile(out)
			_, reason, _ := strings.Cut(string(said), "to be on this disk")
			t.Fatalf("--stage-limit %s: exit %d, want %d (...%.200s)", limit, code, want, reason)
		}
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		var r map[string]any
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		delete(r, "execution")
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text), most
	}
	roomy, most := audit("1GiB", 0)
	if most < 1<<20 {
		t.Errorf("%d bytes were seen on the disk: the test looks in the wrong place", most)
	}
	for limit, bytes := range map[string]int64{"32MiB": 32 << 20, "12MiB": 12 << 20, "5MiB": 5 << 20, "3MiB": 3 << 20} {
		report, most := audit(limit, 0)
		if most > bytes {
			t.Errorf("--stage-limit %s: %d bytes were on the disk", limit, most)
		}
		if report != roomy {
			t.Errorf("--stage-limit %s: another report: %s", limit, firstDifference(roomy, report))
		}
	}
	report, most := audit("1MiB", 3)
	if most > 1<<20 || !strings.Contains(report, "MiB of it have to be on this disk at once, and --stage-limit leaves 0 MiB: raise it to") {
		t.Errorf("--stage-limit 1MiB: %d bytes were on the disk, and the report does not say how much it takes", most)
	}
}

// takes is what the files of a process below a folder take on the disk, those without a name too, in bytes.
func takes(pid int, folder string) int64 {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	seen, sum := map[uint64]bool{}, int64(0)
	for _, link := range links {
		name, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(name, folder+"/") {
			continue
		}
		var of syscall.Stat_t
		if syscall.Stat(link, &of) == nil && !seen[of.Ino] {
			seen[of.Ino] = true
			sum += of.Blocks * 512
		}
	}
	return sum
}
