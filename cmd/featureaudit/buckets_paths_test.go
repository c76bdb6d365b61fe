//go:build stores

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// triedInABucket are the flags that TestABucketStandsWhereverAPathDoes gives an address of a bucket.
var triedInABucket = []string{"after", "baseline", "before", "clean", "config", "data", "expect-rows", "flags", "history", "out", "out-dir", "path", "publish-plan", "repeat", "report", "root"}

// TestABucketStandsWhereverAPathDoes works through a night, a backfill, a correction and a migration of which nothing lies on this machine:
// config, baseline, history, snapshot, reports and the copy are objects, and what comes of them is what comes of files.
func TestABucketStandsWhereverAPathDoes(t *testing.T) {
	for name, why := range pathFlags() {
		if why == "" && name != "facts" && !slices.Contains(triedInABucket, name) { // kept facts have a test of their own
			t.Errorf("--%s takes an address, and is not tried", name)
		}
	}
	t.Setenv("TMPDIR", t.TempDir())
	server := objectstore.StartS3(t)
	server.Use(t)
	local, remote, asOf := incident(t, server)
	s := blob.New(blob.DefaultLimits())
	t.Cleanup(func() { s.Close() })
	put := func(name, text string) {
		t.Helper()
		if err := s.Write(t.Context(), name, objectstore.Of([]byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	object := func(key string) string {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(server.Folder, "feat", key))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	config, err := os.ReadFile(remote)
	if err != nil {
		t.Fatal(err)
	}
	const at = "s3://feat/growth/featureaudit.yaml"
	server.Bucket(t, "out")
	put(at, strings.ReplaceAll(string(config), "s3://feat/growth/data/", "data/")+"history: ../history\n")

	// a night: the report is the one of the config and the files on this machine
	want := strings.ReplaceAll(auditOf(t, 1, "--config", local, "--as-of", asOf), rootOf(t, local), "s3://feat/growth/data")
	want = strings.ReplaceAll(want, filepath.Dir(local), "s3://feat/growth")
	unlike := func(text string) string { return strings.ReplaceAll(text, `"project": "growth"`, "") }
	for _, args := range [][]string{{"--config", at}, {at}, {"s3://feat/growth"}} {
		got := auditOf(t, 1, append(args, "--as-of", asOf)...)
		if strings.Contains(got, `"history"`) { // the second and the third know the runs before them
			continue
		}
		if unlike(got) != unlike(want) {
			t.Errorf("run %q: the reports differ: %s", args, firstDifference(want, got))
		}
	}
	execute(t, 1, "run", "--config", at, "--as-of", asOf, "--out", "json=s3://feat/out/r.json", "--out", "flagd=s3://feat/out/flags.json", "--out", "findings=s3://feat/out/f.parquet",
		"--out", "rows=s3://feat/out/rows.parquet", "--out", "duplicates=s3://out/d.csv?region=us-east-1&endpoint="+strings.ReplaceAll(server.Endpoint, "/", "%2F"), "--history", "s3://feat/history")
	if rows := object("out/rows.parquet"); !strings.HasPrefix(rows, "PAR1") || !strings.HasPrefix(object("out/f.parquet"), "PAR1") || strings.HasPrefix(object("../out/d.csv"), "PAR1") {
		t.Error("the form of rows is not the one that the ending says")
	}
	if said := execute(t, 0, "report", "trend", "transactions", "--config", at); !strings.Contains(said, "transactions") {
		t.Errorf("no trend: %s", said)
	}
	for night, told := range []bool{false, true} {
		if said := execute(t, 0, "report", "s3://feat/out/r.json", "--out", "slack=s3://feat/out/slack.json", "--history", "s3://feat/history"); strings.Contains(said, "was told of the night") != told {
			t.Errorf("call %d: the channel was told before: %v, want %v: %s", night+1, !told, told, said)
		}
	}
	if said := execute(t, 0, "report", "trend", "transactions", "--history", "s3://feat/history"); strings.Contains(said, "not used") {
		t.Errorf("the note that a channel was told is taken for a run: %s", said)
	}
	execute(t, 1, "gate", "s3://feat/out/r.json", "--out", "junit=s3://feat/out/r.xml")
	execute(t, 0, "report", "diff", "s3://feat/out/r.json", "s3://feat/out/r.json")
	execute(t, 0, "baseline", "s3://feat/out/r.json", "--out", "s3://feat/out/baseline.yaml")
	put("s3://feat/out/baseline.yaml", strings.ReplaceAll(object("out/baseline.yaml"), "SET-A-DATE", "2027-01-31"))
	execute(t, 0, "gate", "s3://feat/out/r.json", "--baseline", "s3://feat/out/baseline.yaml", "--new-only", "--view", "transactions", "--check", "duplicate-keys")
	execute(t, 3, "require", "transactions", "--flags", "s3://feat/out/flags.json", "--now", asOf) // made by a clock that is ahead
	execute(t, 1, "require", "transactions", "--report", "s3://feat/out/r.json")
	execute(t, 1, "require", "transactions", "--data", "--config", at, "--now", asOf)

	// definitions
	if said := execute(t, 0, "init", "s3://feat/growth", "--out", "yaml=s3://feat/growth/started.yaml"); !strings.Contains(said, "with 4 views") || !strings.Contains(object("growth/started.yaml"), "path: data/transactions/**/*.parquet") {
		t.Errorf("init wrote\n%s\n%s", said, object("growth/started.yaml"))
	}
	execute(t, 2, "init", "s3://feat/growth", "--out", "yaml=s3://feat/growth/started.yaml")
	if said := execute(t, 0, "init", "s3://feat/growth/data/sessions", "--out", "yaml=-"); !strings.Contains(said, `path: "s3://feat/growth/data/sessions/**/*.parquet"`) {
		t.Errorf("init wrote\n%s", said)
	}
	put("s3://feat/loose.yaml", string(config))
	put("s3://feat/stricter.yaml", strings.Replace(string(config), "ttl: 24h", "ttl: 12h", 1))
	if said := execute(t, 0, "diff", "s3://feat/loose.yaml", "s3://feat/stricter.yaml", "--data", "s3://feat/stricter.yaml", "--config", at, "--as-of", asOf); !strings.Contains(said, "ttl went from 1d to 12h") {
		t.Errorf("diff says\n%s", said)
	}
	execute(t, 1, "lint", "s3://feat/loose.yaml", "--root", "s3://feat/growth", "--config", at)
	execute(t, 0, "definitions", "s3://feat/loose.yaml", "--out", "json=s3://feat/out/definitions.json")
	execute(t, 2, "definitions", "s3://feat/loose.yaml", "--out", "json=s3://feat/loose.yaml") // what is read is never written
	execute(t, 0, "schema", "config", "--out", "json=s3://feat/out/schema.json")
	execute(t, 0, "plan", "--path", "s3://feat/growth/data/sessions", "--out", "text=s3://feat/out/plan.txt")
	execute(t, 0, "sample", "s3://feat/growth/data/sessions/"+firstBelow(t, filepath.Join(server.Folder, "feat/growth/data/sessions")), "--out", "s3://feat/out/sample.parquet")

	// a backfill
	execute(t, 3, "snapshot", "--config", at, "--as-of", asOf, "--out", "s3://feat/out/before.snapshot") // one file is cut off
	verify := []string{"verify", "--config", at, "--as-of", asOf, "--view", "transactions", "--before"}
	execute(t, 0, append(verify, "s3://feat/out/before.snapshot", "--out", "json=s3://feat/out/v.json", "--publish-plan", "s3://feat/out/publish.csv")...)
	if header, _, _ := strings.Cut(object("out/publish.csv"), "\n"); header != "view,partition,action,file_after,file_before" {
		t.Errorf("the plan begins with %q", header)
	}
	execute(t, 0, "verify", "--repeat", "s3://feat/out/v.json", "--as-of", asOf)
	execute(t, 0, append(verify, "s3://feat/growth", "--after", at)...)
	put("s3://feat/out/rows.csv", "partition,rows\n2026-11-10,1\n")
	if said := execute(t, 1, append(verify, "s3://feat/growth/data/transactions", "--range", "2026-11-10..2026-11-10", "--expect-rows", "s3://feat/out/rows.csv")...); !says(said, "backfill-complete") {
		t.Errorf("verify says\n%s", said)
	}
	execute(t, 2, append(verify, "s3://feat/none")...)

	// a correction
	if said := execute(t, 0, "align", "--report", "s3://feat/out/r.json", "--config", at, "--out-dir", "s3://feat/aligned"); !says(said, "transactions: 2400 rows of 27 files copied to 27 files") {
		t.Errorf("align says\n%s", said)
	}
	if said := execute(t, 2, "align", "--report", "s3://feat/out/r.json", "--config", at, "--out-dir", "s3://feat/aligned"); !says(said, "the target is not empty") {
		t.Errorf("align says\n%s", said)
	}
	execute(t, 2, "align", "--report", "s3://feat/out/r.json", "--config", at, "--out-dir", "s3://feat/growth/data/transactions/dt=2026-11-30/x") // data
	if objects, err := s.Tree(t.Context(), "s3://feat/aligned"); err != nil || len(objects) != 27 {
		t.Errorf("the copy has %d objects, error %v; want 27", len(objects), err)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "featureaudit-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, error %v", left, err)
	}
}

func firstBelow(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*", "*.parquet"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no file below %s: %v", dir, err)
	}
	rel, err := filepath.Rel(dir, names[0])
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(rel)
}

// TestACopyInABucketIsWholeOrNotThere: where an object cannot be written none is left; what a killed run left is removed by what its mark lists
// and nothing else; and while a copy is under way no other begins.
func TestACopyInABucketIsWholeOrNotThere(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	_, remote, asOf := incident(t, server)
	report := filepath.Join(t.TempDir(), "r.json")
	execute(t, 0, "run", "--config", remote, "--as-of", asOf, "--fail-on", "never", "--out", "json="+report)
	s := blob.New(blob.DefaultLimits())
	t.Cleanup(func() { s.Close() })
	align := []string{"align", "--report", report, "--config", remote, "--out-dir", "s3://feat/aligned"}
	proxy := objectstore.Front(t, server.Endpoint, func(_ int, r *http.Request) objectstore.Answer {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/aligned/transactions/") && strings.Contains(r.URL.Path, "2026-11-13") {
			return objectstore.Answer{Status: 403, Code: "AccessDenied"}
		}
		return objectstore.Answer{}
	})
	t.Setenv("AWS_ENDPOINT_URL", proxy.URL)
	if said := execute(t, 3, align...); !says(said, "the store denies access (AccessDenied, 403)") {
		t.Errorf("align says\n%s", said)
	}
	server.Use(t)
	if objects, err := s.Tree(t.Context(), "s3://feat/aligned"); err != nil || len(objects) > 0 {
		t.Errorf("%d objects are left, error %v", len(objects), err)
	}
	for name, text := range map[string]string{"s3://feat/aligned/data/a.parquet": "x", "s3://feat/aligned/other": "theirs",
		"s3://feat/aligned/" + aligningMark: uploadHead + "s3://feat/aligned\n\"data/a.parquet\"\n\"../growth/data/none\"\n"} {
		if err := s.Write(t.Context(), name, objectstore.Of([]byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	if said := execute(t, 2, align...); !says(said, "a copy to s3://feat/aligned is under way, or was cut off") {
		t.Errorf("align says\n%s", said)
	}
	execute(t, 0, "align", "--clean", "s3://feat/aligned")
	objects, err := s.Tree(t.Context(), "s3://feat/aligned")
	if err != nil || len(objects) != 1 || objects[0].Path != "other" {
		t.Errorf("%+v are left, error %v; want the one that no run wrote", objects, err)
	}
}

// TestABucketOfFeast: a registry in a bucket that a repository names is read from the server that Feast's variable names, and a view is
// looked for at the server that its source names.
func TestABucketOfFeast(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	_, _, asOf := incident(t, server)
	s := blob.New(blob.DefaultLimits())
	defer s.Close()
	view := `{"project": "p", "featureViews": [{"spec": {"name": "sessions", "project": "p", "ttl": "604800s", "entities": ["user"], "entityColumns": [{"name": "user_id", "valueType": "INT64"}],
		"batchSource": {"type": "BATCH_FILE", "timestampField": "event_time", "fileOptions": {"uri": "s3://feat/growth/data/sessions/", "s3EndpointOverride": "` + server.Endpoint + `"}}}}],
		"entities": [{"spec": {"name": "user", "joinKey": "user_id"}}]}`
	if err := s.Write(t.Context(), "s3://registries/feast/registry.json", objectstore.Of([]byte(view))); err == nil {
		t.Fatal("the bucket is there before it is made")
	}
	server.Bucket(t, "registries")
	if err := s.Write(t.Context(), "s3://registries/feast/registry.json", objectstore.Of([]byte(view))); err != nil {
		t.Fatal(err)
	}
	repo := t.TempDir()
	if err := os.WriteFile(filepath.Join(repo, "feature_store.yaml"), []byte("project: p\nprovider: local\nregistry: s3://registries/feast/registry.json\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ENDPOINT_URL", "")
	t.Setenv("FEAST_S3_ENDPOINT_URL", server.Endpoint)
	if said := execute(t, 0, "run", repo, "--as-of", asOf, "--fail-on", "never"); !says(said, "looked at 1 view,") {
		t.Errorf("the audit says\n%s", said)
	}
}
