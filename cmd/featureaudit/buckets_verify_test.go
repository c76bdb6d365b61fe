//go:build stores && linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// judged is what a verification found, without where its files lie.
func judged(r report.Report) (all []string) {
	for _, res := range r.Results {
		all = append(all, fmt.Sprint(res.Check, res.Outcome, res.RowsBad, res.RowsTotal, res.Message))
	}
	for _, p := range r.Views[0].Series {
		all = append(all, fmt.Sprint(p.Partition, p.State, p.Rows, p.Content))
	}
	return all
}

// TestBackfillsInABucket verifies backfills whose sides lie in a bucket, on this machine or in a snapshot in a bucket: each gets the answer that
// folders get, with the room that there is.
func TestBackfillsInABucket(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	server.Bucket(t, "feat")
	for _, name := range []string{"clean", "neighbours truncated", "doubled"} {
		b, before, after := backfill(t, name)
		place := "s3://feat/" + strings.ReplaceAll(name, " ", "-")
		upload(t, before, place+"/before")
		upload(t, after, place+"/after")
		code := exitOK
		if len(b.Fails) > 0 {
			code = exitFindings
		}
		args := []string{"--range", fixtures.BackfillRange, "--before"}
		want := judged(verified(t, code, append(args, before, "--after", after)...))
		execute(t, 0, "snapshot", "--config", place+"/before/featureaudit.yaml", "--as-of", "2026-11-10", "--with-keys", "--stage-limit", "1MiB", "--out", place+"/before.snapshot")
		for which, sides := range map[string][]string{
			"both in a bucket":    {place + "/before", "--after", place + "/after"},
			"before in a bucket":  {place + "/before", "--after", after},
			"after in a bucket":   {before, "--after", place + "/after"},
			"configs":             {place + "/before/featureaudit.yaml", "--after", place + "/after/featureaudit.yaml"},
			"the config as it is": {before, "--config", place + "/after/featureaudit.yaml"},
			"little room":         {place + "/before", "--after", place + "/after", "--stage-limit", "1MiB"},
		} {
			if got := judged(verified(t, code, append(args, sides...)...)); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s:\n%s\nwant\n%s", name, which, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		answers(t, b, "snapshot in a bucket", verified(t, code, append(args, place+"/before.snapshot", "--config", place+"/after/featureaudit.yaml")...))
	}
}

// wideStore writes files of 6 MB in row groups of 1.5 MB, of three days.
func wideStore(t *testing.T, days ...int) string {
	t.Helper()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	for _, day := range days {
		begin := time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)
		table := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.TextType}, {Name: "event_time", Type: fixtures.AwareType}, {Name: "user", Type: fixtures.Int64Type}}}
		for range 120_000 {
			for c, v := range []any{fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64()), begin.Add(time.Duration(random.Int64N(86_000_000)) * time.Millisecond), random.Int64N(1000)} {
				table.Columns[c].Values = append(table.Columns[c].Values, v)
			}
		}
		if err := fixtures.Write(filepath.Join(dir, "data", fmt.Sprintf("dt=2026-11-%02d/a.parquet", day)), table, fixtures.Options{RowGroup: 30_000}); err != nil {
			t.Fatal(err)
		}
	}
	config := "version: 1\nviews:\n  v: {path: data/**/*.parquet, event_time: event_time, key: [id], entity: [user], ttl: 30d}\n"
	if err := os.WriteFile(filepath.Join(dir, "featureaudit.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestASnapshotOfABucketTakesNoMoreRoomThanItMay: copies are on the disk, and never more of them than --stage-limit; of a verification too.
func TestASnapshotOfABucketTakesNoMoreRoomThanItMay(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	server.Bucket(t, "feat")
	upload(t, wideStore(t, 1, 2, 3), "s3://feat/before")
	upload(t, wideStore(t, 1, 2, 3), "s3://feat/after") // the same rows, written again
	most := func(limit string, args ...string) int64 {
		temp := t.TempDir()
		cmd := program(t, append(args, "--temp-dir", temp, "--stage-limit", limit, "--threads", "2")...)
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended, most := make(chan error, 1), int64(0)
		go func() { ended <- cmd.Wait() }()
		for running := true; running; {
			select {
			case <-ended:
				running = false
			case <-time.After(time.Millisecond):
				most = max(most, takes(cmd.Process.Pid, temp))
			}
		}
		if code := cmd.ProcessState.ExitCode(); code != exitOK {
			t.Fatalf("%v: exit %d: %s", args, code, said.String())
		}
		return most
	}
	out := filepath.Join(t.TempDir(), "a.snapshot")
	snapshot := []string{"snapshot", "--config", "s3://feat/before/featureaudit.yaml", "--as-of", "2026-11-10", "--out", out}
	verify := []string{"verify", "--before", out, "--config", "s3://feat/after/featureaudit.yaml", "--as-of", "2026-11-10", "--range", "2026-11-02..2026-11-02", "--summary", "none", "--paranoid"}
	for limit, bytes := range map[string]int64{"64MiB": 64 << 20, "6MiB": 6 << 20} {
		if got := most(limit, snapshot...); got < 1<<20 || got > bytes+1<<18 { // the snapshot itself is written there too
			t.Errorf("--stage-limit %s: a snapshot had %d bytes on the disk", limit, got)
		}
		if got := most(limit, verify...); got < 1<<20 || got > bytes {
			t.Errorf("--stage-limit %s: a verification had %d bytes on the disk", limit, got)
		}
	}
	// a row group that has no room is read from where it lies
	if got := most("1MiB", snapshot...); got > 1<<20 {
		t.Errorf("--stage-limit 1MiB: a snapshot had %d bytes on the disk", got)
	}
	verified(t, exitOK, "--before", out, "--config", "s3://feat/after/featureaudit.yaml", "--range", "2026-11-02..2026-11-02", "--paranoid")
}

// TestAnObjectOfABucketThatIsReplacedIsToldOf: an object that is replaced while a snapshot reads it is named, and nothing is kept of its partition.
func TestAnObjectOfABucketThatIsReplacedIsToldOf(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Bucket(t, "feat")
	server.Use(t)
	dir := wideStore(t, 1, 2)
	upload(t, dir, "s3://feat/s")
	other, err := os.ReadFile(filepath.Join(wideStore(t, 2, 1), "data/dt=2026-11-02/a.parquet")) // another day 2
	if err != nil {
		t.Fatal(err)
	}
	s := blob.New(blob.DefaultLimits())
	defer s.Close()
	var once sync.Once
	ranges := 0
	proxy := objectstore.Front(t, server.Endpoint, func(_ int, r *http.Request) objectstore.Answer {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "dt=2026-11-02/a.parquet") || r.Header.Get("Range") == "" {
			return objectstore.Answer{}
		}
		if ranges++; ranges < 3 { // its footer, and its first row group
			return objectstore.Answer{}
		}
		return objectstore.Answer{Before: func() {
			once.Do(func() {
				if err := s.Write(t.Context(), "s3://feat/s/data/dt=2026-11-02/a.parquet", objectstore.Of(other)); err != nil {
					t.Error(err)
				}
			})
		}}
	})
	out := filepath.Join(t.TempDir(), "a.snapshot")
	cmd := program(t, "snapshot", "--config", "s3://feat/s/featureaudit.yaml", "--as-of", "2026-11-10", "--out", out, "--threads", "1")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+proxy.URL)
	printed, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitIncomplete || !says(string(printed), "dt=2026-11-02/a.parquet") || !says(string(printed), "nothing is kept of its partition") {
		t.Errorf("exit %d: %s", code, printed)
	}
}

// TestARowGroupWithoutRoomIsReadInPieces: of a row group for which --stage-limit has no room, a request fetches many small pages. How many requests
// there are follows from the bytes of the columns, and no byte is fetched twice.
func TestARowGroupWithoutRoomIsReadInPieces(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Bucket(t, "feat")
	server.Use(t)
	table := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.TextType}, {Name: "event_time", Type: fixtures.AwareType}, {Name: "user", Type: fixtures.Int64Type}}}
	for i := range 100_000 {
		for c, v := range []any{fmt.Sprintf("the key of a row, number %012d", i), time.Date(2026, 11, 1, 0, 0, i/2, 0, time.UTC), int64(i) * 1013} {
			table.Columns[c].Values = append(table.Columns[c].Values, v)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "data/dt=2026-11-01/a.parquet")
	if err := fixtures.Write(path, table, fixtures.Options{PlainPages: true, PageBytes: 4 << 10, Compression: fixtures.Uncompressed}); err != nil {
		t.Fatal(err)
	}
	config := "version: 1\nviews:\n  v: {path: data/**/*.parquet, event_time: event_time, key: [id], entity: [user], ttl: 30d}\n"
	if err := os.WriteFile(filepath.Join(dir, "featureaudit.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	upload(t, dir, "s3://feat/s")
	proxy := objectstore.Front(t, server.Endpoint, nil)
	// the keys take 4.2 MB, the others 0.8 MB each; pieces are of 4 MiB at most, and of 1.4 MB where three columns share what there is
	for memory, most := range map[string]int{"2GiB": 2 + 2 + 1 + 1, "70MB": 2 + 4 + 1 + 1} {
		for _, keyed := range []string{"--with-keys=false", "--with-keys"} {
			proxy.Forget()
			out := filepath.Join(t.TempDir(), "a.snapshot")
			cmd := program(t, "snapshot", "--config", "s3://feat/s/featureaudit.yaml", "--as-of", "2026-11-10", "--out", out, "--threads", "1", "--stage-limit", "1MiB", "--memory-limit", memory, keyed)
			cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+proxy.URL)
			if printed, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, printed)
			}
			asked := slices.DeleteFunc(proxy.Seen(), func(seen string) bool {
				return !strings.HasPrefix(seen, "GET ") || !strings.Contains(seen, "a.parquet")
			})
			if len(asked) > most || proxy.Bytes.Load() > info.Size()+128<<10 {
				t.Errorf("%s, %s: %d requests for a file of %d bytes, want %d at most; %d bytes came", memory, keyed, len(asked), info.Size(), most, proxy.Bytes.Load())
			}
			verified(t, exitOK, "--before", out, "--after", dir, "--paranoid")
		}
	}
}
