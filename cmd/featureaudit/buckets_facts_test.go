//go:build stores

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// factsWorld is the incident in a bucket, with a folder of kept facts in another.
type factsWorld struct {
	rented
	// local and remote are configs of the same data, on a disk and in a bucket.
	local, remote, asOf string
	// facts is the address of the folder.
	facts string
	// folder is where a server of S3 keeps the objects of the facts.
	folder string
}

func newFactsWorld(t *testing.T, scheme string) *factsWorld {
	t.Helper()
	w := &factsWorld{rented: rent(t, scheme, nil)}
	w.local, w.remote, w.asOf = incidentIn(t, w.at)
	w.facts = w.Bucket(t, "facts") + "/featureaudit/kept"
	w.folder = filepath.Join(w.Folder, "facts", "featureaudit", "kept")
	return w
}

// report runs an audit, and gives its report without what only memory can know, and how many files were known and read.
func (w *factsWorld) report(args ...string) (text string, known, read float64) {
	w.t.Helper()
	out := filepath.Join(w.t.TempDir(), "report.json")
	execute(w.t, 0, append([]string{"run", "--as-of", w.asOf, "--fail-on", "never", "--out", "json=" + out}, args...)...)
	raw, err := os.ReadFile(out)
	if err != nil {
		w.t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(raw, &r); err != nil {
		w.t.Fatal(err)
	}
	execution, _ := r["execution"].(map[string]any)
	known, _ = execution["files_known"].(float64)
	read, _ = execution["files_read"].(float64)
	for _, name := range []string{"execution", "id", "config_digest", "summary"} {
		delete(r, name)
	}
	results, _ := r["results"].([]any)
	r["results"] = slices.DeleteFunc(results, func(result any) bool {
		of, _ := result.(map[string]any)
		return of["check"] == "rewritten-partitions"
	})
	indented, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		w.t.Fatal(err)
	}
	return string(indented), known, read
}

// objects are those of the facts, by their names in the folder.
func (w *factsWorld) objects(pattern string) []string {
	w.t.Helper()
	return slices.DeleteFunc(w.below(w.facts), func(name string) bool {
		matched, err := path.Match(pattern, name)
		return err != nil || !matched
	})
}

// TestFactsInABucket keeps facts in a bucket, of files on a disk and in a bucket: the reports are those of runs that read all, the second
// run knows every file, also where there is no room for copies, and nothing is left on this machine.
func TestFactsInABucket(t *testing.T)       { factsInABucket(t, "s3") }
func TestFactsInABucketGoogle(t *testing.T) { factsInABucket(t, "gs") }
func TestFactsInABucketAzure(t *testing.T)  { factsInABucket(t, "azblob") }

func factsInABucket(t *testing.T, scheme string) {
	t.Helper()
	w := newFactsWorld(t, scheme)
	scratch := t.TempDir()
	for name, config := range map[string]string{"data on a disk": w.local, "data in a bucket": w.remote} {
		want, _, files := w.report("--config", config)
		for i, more := range [][]string{nil, nil, {"--stage-limit", "1MiB", "--threads", "1"}, {"--paranoid"}, nil} {
			got, known, read := w.report(append([]string{"--config", config, "--facts", w.facts, "--temp-dir", scratch}, more...)...)
			if got != want {
				t.Errorf("%s, run %d: the report is another than one that reads all: %s", name, i, firstDifference(want, got))
			}
			wantKnown := files
			if i == 0 || i == 3 {
				wantKnown = 0
			}
			if known != wantKnown || known+read != files {
				t.Errorf("%s, run %d: %v files are known and %v read, want %v known of %v", name, i, known, read, wantKnown, files)
			}
		}
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("%d files are left in the temporary folder, %v", len(left), err)
	}
	if manifests, packs := w.objects("packs/*/manifest.json"), w.objects("packs/*/files.parquet"); len(manifests) == 0 || len(manifests) != len(packs) {
		t.Errorf("packs %q, manifests %q", packs, manifests)
	}
}

// TestTheFactsCommandInABucket lists, checks and prunes facts in a bucket: what was harmed there is named, not used, and removed; so is what a killed
// run left, after two days and no sooner.
func TestTheFactsCommandInABucket(t *testing.T) {
	w := newFactsWorld(t, "s3")
	want, _, files := w.report("--config", w.local)
	w.report("--config", w.local, "--facts", w.facts)
	expect := func(code int, patterns []string, args ...string) {
		t.Helper()
		printed := execute(t, code, append([]string{"facts"}, args...)...)
		for _, pattern := range patterns {
			if !regexp.MustCompile("(?m)" + pattern).MatchString(printed) {
				t.Errorf("facts %q prints\n%s\nwant %q", args, printed, pattern)
			}
		}
	}
	expect(0, []string{`^packs/000001-[0-9a-f]{8} `, `^looks/000001-[0-9a-f]{8} `}, "list", w.facts)
	expect(0, []string{`^2 of 2 packs are sound`, fmt.Sprintf(`^%v of %v known files were read again: the report is the same$`, files, files)},
		"check", w.facts, w.local, "--as-of", w.asOf, "--all")
	expect(2, []string{`there is no pack; name a folder that run --facts has filled`}, "list", "s3://facts/elsewhere")
	expect(2, []string{`name a folder in the bucket, such as s3://facts/facts`}, "list", "s3://facts")
	expect(2, []string{`s3://nowhere: there is no such bucket; check its name, and .* that it is in$`}, "list", "s3://nowhere/facts")

	// a run that was killed while it wrote has left no manifest
	left := filepath.Join(w.folder, "packs", "000002-0a0b0c0d")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "keys.parquet"), []byte("PAR1 and no more"), 0o644); err != nil {
		t.Fatal(err)
	}
	expect(0, []string{`^2 of 2 packs are sound`}, "check", w.facts)
	expect(0, []string{`^0 packs removed \(0 damaged`}, "prune", w.facts)
	if len(w.objects("packs/000002-0a0b0c0d/keys.parquet")) != 1 {
		t.Error("what may be written still was removed")
	}
	old := time.Now().Add(-49 * time.Hour)
	if err := os.Chtimes(filepath.Join(left, "keys.parquet"), old, old); err != nil {
		t.Fatal(err)
	}
	expect(0, []string{`^1 pack that killed runs left unfinished: removed$`}, "prune", w.facts)
	if len(w.objects("packs/000002-0a0b0c0d/keys.parquet")) != 0 {
		t.Error("what a killed run left is there still")
	}

	// a block that is another than it was written
	harmed := w.objects("packs/000001-*/slices.parquet")[0]
	raw, err := os.ReadFile(filepath.Join(w.folder, harmed))
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	f, err := os.OpenFile(filepath.Join(w.folder, harmed), os.O_WRONLY, 0) // so that it stays the same object
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(raw, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	expect(1, []string{`^not sound: packs/000001-[0-9a-f]+: slices.parquet: block 0 does not agree with its checksum$`}, "check", w.facts)
	if got, known, read := w.report("--config", w.local, "--facts", w.facts); got != want || known != 0 || read != files {
		t.Errorf("with a harmed pack %v files are known and %v read: %s", known, read, firstDifference(want, got))
	}
	expect(0, []string{`\(1 damaged, `}, "prune", w.facts)
	expect(0, []string{`^3 of 3 packs are sound`}, "check", w.facts)
}

// TestRunsAtOnceOnABucketLoseNothing lets runs of one view each share a folder of facts: all end well, and the next run knows all that
// they kept.
func TestRunsAtOnceOnABucketLoseNothing(t *testing.T)       { runsAtOnceOnABucketLoseNothing(t, "s3") }
func TestRunsAtOnceOnABucketLoseNothingGoogle(t *testing.T) { runsAtOnceOnABucketLoseNothing(t, "gs") }
func TestRunsAtOnceOnABucketLoseNothingAzure(t *testing.T) {
	runsAtOnceOnABucketLoseNothing(t, "azblob")
}

func runsAtOnceOnABucketLoseNothing(t *testing.T, scheme string) {
	t.Helper()
	w := newFactsWorld(t, scheme)
	want, _, files := w.report("--config", w.local)
	views := reportedViews(t, want)
	var running sync.WaitGroup
	for _, view := range append(slices.Clone(views), views...) {
		running.Go(func() {
			execute(t, 0, "run", "--config", w.local, "--as-of", w.asOf, "--fail-on", "never", "--summary", "none", "--view", view, "--facts", w.facts)
		})
	}
	running.Wait()
	if got, known, read := w.report("--config", w.local, "--facts", w.facts); got != want || known != files || read != 0 {
		t.Errorf("%v files are known and %v read, want all of %v: %s", known, read, files, firstDifference(want, got))
	}
	execute(t, 0, "facts", "check", w.facts)
}

// reportedViews are those of a report's views.
func reportedViews(t *testing.T, text string) []string {
	t.Helper()
	var r struct {
		Views []struct {
			Name string `json:"name"`
		} `json:"views"`
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil || len(r.Views) < 2 {
		t.Fatalf("%d views, %v; want some", len(r.Views), err)
	}
	var names []string
	for _, v := range r.Views {
		names = append(names, v.Name)
	}
	return names
}

// TestARunThatIsKilledLeavesABucketWhole kills runs at moments of their writing: the report of the next is that of one that reads all, and
// no pack is damaged.
func TestARunThatIsKilledLeavesABucketWhole(t *testing.T) {
	aRunThatIsKilledLeavesABucketWhole(t, "s3")
}
func TestARunThatIsKilledLeavesABucketWholeGoogle(t *testing.T) {
	aRunThatIsKilledLeavesABucketWhole(t, "gs")
}
func TestARunThatIsKilledLeavesABucketWholeAzure(t *testing.T) {
	aRunThatIsKilledLeavesABucketWhole(t, "azblob")
}

func aRunThatIsKilledLeavesABucketWhole(t *testing.T, scheme string) {
	t.Helper()
	w := newFactsWorld(t, scheme)
	want, _, _ := w.report("--config", w.local)
	rng := rand.New(rand.NewPCG(19, 6))
	at, err := time.Parse(time.RFC3339, w.asOf)
	if err != nil {
		t.Fatal(err)
	}
	// night is a run as of so many minutes later, which writes a report, a history and facts
	night := func(minutes int) []string {
		return []string{"run", "--config", w.local, "--as-of", asOfAfter(at, minutes), "--fail-on", "never", "--summary", "none", "--facts", w.facts, "--paranoid",
			"--history", w.at + "/history", "--out", "json=" + w.at + "/out/r.json", "--out", "rows=" + w.at + "/out/rows.parquet"}
	}
	started := time.Now()
	execute(t, 0, night(0)...)
	whole := time.Since(started)
	for round := 1; round <= 6; round++ {
		before := reportedAsOf(t, w.object(w.at+"/out/r.json"))
		cmd := program(t, night(round)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole/2 + time.Duration(rng.Int64N(int64(whole)/2)))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if printed := execute(t, 0, "facts", "check", w.facts); strings.Contains(printed, "not sound") {
			t.Errorf("round %d: %s", round, printed)
		}
		if now := reportedAsOf(t, w.object(w.at+"/out/r.json")); now != before && now != asOfAfter(at, round) {
			t.Errorf("round %d: the report is of %s, want that of %s or of %s", round, now, before, asOfAfter(at, round))
		}
		if rows := w.object(w.at + "/out/rows.parquet"); !strings.HasPrefix(rows, "PAR1") || !strings.HasSuffix(rows, "PAR1") {
			t.Errorf("round %d: the rows are not whole", round)
		}
		if said := execute(t, 0, "report", "trend", "transactions", "--history", w.at+"/history"); strings.Contains(said, "not used") {
			t.Errorf("round %d: the history has a run that is not whole: %s", round, said)
		}
	}
	if got, known, _ := w.report("--config", w.local, "--facts", w.facts); got != want || known == 0 {
		t.Errorf("after kills %v files are known: %s", known, firstDifference(want, got))
	}
}

func asOfAfter(at time.Time, minutes int) string {
	return at.Add(time.Duration(minutes) * time.Minute).UTC().Format(time.RFC3339)
}

// reportedAsOf is the instant of a report, which has to be a whole one.
func reportedAsOf(t *testing.T, text string) string {
	t.Helper()
	var r struct {
		AsOf string `json:"as_of"`
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.AsOf == "" {
		t.Fatalf("the report is not whole: %v", err)
	}
	return r.AsOf
}
