//go:build stores

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// triedInABucket are the flags that TestABucketStandsWhereverAPathDoes gives an address of a bucket.
var triedInABucket = []string{"after", "baseline", "before", "clean", "config", "data", "expect-rows", "flags", "history", "out", "out-dir", "path", "publish-plan", "repeat", "report", "root"}

// TestABucketStandsWhereverAPathDoes works through a night, a backfill, a correction and a migration of which nothing lies on this machine:
// config, baseline, history, snapshot, reports and the copy are objects, and what comes of them is what comes of files.
func TestABucketStandsWhereverAPathDoes(t *testing.T)       { standsWhereverAPathDoes(t, "s3") }
func TestABucketStandsWhereverAPathDoesGoogle(t *testing.T) { standsWhereverAPathDoes(t, "gs") }
func TestABucketStandsWhereverAPathDoesAzure(t *testing.T)  { standsWhereverAPathDoes(t, "azblob") }

func standsWhereverAPathDoes(t *testing.T, scheme string) {
	t.Helper()
	for name, why := range pathFlags() {
		if why == "" && name != "facts" && !slices.Contains(triedInABucket, name) { // kept facts have a test of their own
			t.Errorf("--%s takes an address, and is not tried", name)
		}
	}
	t.Setenv("TMPDIR", t.TempDir())
	b := rent(t, scheme, nil)
	local, remote, asOf := incidentIn(t, b.at)
	config, err := os.ReadFile(remote)
	if err != nil {
		t.Fatal(err)
	}
	at := b.at + "/growth/featureaudit.yaml"
	other := b.Bucket(t, "out")
	if scheme == "s3" { // which all addresses of a bucket have, then
		other += "/d.csv?region=us-east-1&endpoint=" + strings.ReplaceAll(os.Getenv("AWS_ENDPOINT_URL"), "/", "%2F")
	} else {
		other += "/d.csv"
	}
	b.put(at, strings.ReplaceAll(string(config), b.at+"/growth/data/", "data/")+"history: ../history\n")

	// a night: the report is the one of the config and the files on this machine
	want := strings.ReplaceAll(auditOf(t, 1, "--config", local, "--as-of", asOf), rootOf(t, local), b.at+"/growth/data")
	want = strings.ReplaceAll(want, filepath.Dir(local), b.at+"/growth")
	unlike := func(text string) string { return strings.ReplaceAll(text, `"project": "growth"`, "") }
	for _, args := range [][]string{{"--config", at}, {at}, {b.at + "/growth"}} {
		got := auditOf(t, 1, append(args, "--as-of", asOf)...)
		if strings.Contains(got, `"history"`) { // the second and the third know the runs before them
			continue
		}
		if unlike(got) != unlike(want) {
			t.Errorf("run %q: the reports differ: %s", args, firstDifference(want, got))
		}
	}
	execute(t, 1, "run", "--config", at, "--as-of", asOf, "--out", "json="+b.at+"/out/r.json", "--out", "flagd="+b.at+"/out/flags.json", "--out", "findings="+b.at+"/out/f.parquet",
		"--out", "rows="+b.at+"/out/rows.parquet", "--out", "duplicates="+other, "--history", b.at+"/history")
	if rows := b.object(b.at + "/out/rows.parquet"); !strings.HasPrefix(rows, "PAR1") || !strings.HasPrefix(b.object(b.at+"/out/f.parquet"), "PAR1") || strings.HasPrefix(b.object(other), "PAR1") {
		t.Error("the form of rows is not the one that the ending says")
	}
	everyFormat(t, b, "run", "--config", at, "--as-of", asOf, "--fail-on", "never")
	if said := execute(t, 0, "report", "trend", "transactions", "--config", at); !strings.Contains(said, "transactions") {
		t.Errorf("no trend: %s", said)
	}
	for night, told := range []bool{false, true} {
		if said := execute(t, 0, "report", b.at+"/out/r.json", "--out", "slack="+b.at+"/out/slack.json", "--history", b.at+"/history"); strings.Contains(said, "was told of the night") != told {
			t.Errorf("call %d: the channel was told before: %v, want %v: %s", night+1, !told, told, said)
		}
	}
	if said := execute(t, 0, "report", "trend", "transactions", "--history", b.at+"/history"); strings.Contains(said, "not used") {
		t.Errorf("the note that a channel was told is taken for a run: %s", said)
	}
	execute(t, 1, "gate", b.at+"/out/r.json", "--out", "junit="+b.at+"/out/r.xml")
	execute(t, 0, "report", "diff", b.at+"/out/r.json", b.at+"/out/r.json")
	execute(t, 0, "baseline", b.at+"/out/r.json", "--out", b.at+"/out/baseline.yaml")
	b.put(b.at+"/out/baseline.yaml", strings.ReplaceAll(b.object(b.at+"/out/baseline.yaml"), "SET-A-DATE", "2027-01-31"))
	execute(t, 0, "gate", b.at+"/out/r.json", "--baseline", b.at+"/out/baseline.yaml", "--new-only", "--view", "transactions", "--check", "duplicate-keys")
	execute(t, 3, "require", "transactions", "--flags", b.at+"/out/flags.json", "--now", asOf) // made by a clock that is ahead
	execute(t, 1, "require", "transactions", "--report", b.at+"/out/r.json")
	execute(t, 1, "require", "transactions", "--data", "--config", at, "--now", asOf)

	// definitions
	if said := execute(t, 0, "init", b.at+"/growth", "--out", "yaml="+b.at+"/growth/started.yaml"); !strings.Contains(said, "with 4 views") || !strings.Contains(b.object(b.at+"/growth/started.yaml"), "path: data/transactions/**/*.parquet") {
		t.Errorf("init wrote\n%s\n%s", said, b.object(b.at+"/growth/started.yaml"))
	}
	execute(t, 2, "init", b.at+"/growth", "--out", "yaml="+b.at+"/growth/started.yaml")
	if said := execute(t, 0, "init", b.at+"/growth/data/sessions", "--out", "yaml=-"); !strings.Contains(said, `path: "`+b.at+`/growth/data/sessions/**/*.parquet"`) {
		t.Errorf("init wrote\n%s", said)
	}
	b.put(b.at+"/loose.yaml", string(config))
	b.put(b.at+"/stricter.yaml", strings.Replace(string(config), "ttl: 24h", "ttl: 12h", 1))
	if said := execute(t, 0, "diff", b.at+"/loose.yaml", b.at+"/stricter.yaml", "--data", b.at+"/stricter.yaml", "--config", at, "--as-of", asOf); !strings.Contains(said, "ttl went from 1d to 12h") {
		t.Errorf("diff says\n%s", said)
	}
	execute(t, 1, "lint", b.at+"/loose.yaml", "--root", b.at+"/growth", "--config", at)
	execute(t, 0, "definitions", b.at+"/loose.yaml", "--out", "json="+b.at+"/out/definitions.json")
	execute(t, 2, "definitions", b.at+"/loose.yaml", "--out", "json="+b.at+"/loose.yaml") // what is read is never written
	execute(t, 0, "schema", "config", "--out", "json="+b.at+"/out/schema.json")
	execute(t, 0, "plan", "--path", b.at+"/growth/data/sessions", "--out", "text="+b.at+"/out/plan.txt")
	execute(t, 0, "sample", b.at+"/growth/data/sessions/"+b.below(b.at + "/growth/data/sessions")[0], "--out", b.at+"/out/sample.parquet")

	// a backfill
	execute(t, 3, "snapshot", "--config", at, "--as-of", asOf, "--out", b.at+"/out/before.snapshot") // one file is cut off
	verify := []string{"verify", "--config", at, "--as-of", asOf, "--view", "transactions", "--before"}
	execute(t, 0, append(verify, b.at+"/out/before.snapshot", "--out", "json="+b.at+"/out/v.json", "--publish-plan", b.at+"/out/publish.csv")...)
	if header, _, _ := strings.Cut(b.object(b.at+"/out/publish.csv"), "\n"); header != "view,partition,action,file_after,file_before" {
		t.Errorf("the plan begins with %q", header)
	}
	execute(t, 0, "verify", "--repeat", b.at+"/out/v.json", "--as-of", asOf)
	execute(t, 0, append(verify, b.at+"/growth", "--after", at)...)
	b.put(b.at+"/out/rows.csv", "partition,rows\n2026-11-10,1\n")
	if said := execute(t, 1, append(verify, b.at+"/growth/data/transactions", "--range", "2026-11-10..2026-11-10", "--expect-rows", b.at+"/out/rows.csv")...); !says(said, "backfill-complete") {
		t.Errorf("verify says\n%s", said)
	}
	execute(t, 2, append(verify, b.at+"/none")...)

	// a correction
	if said := execute(t, 0, "align", "--report", b.at+"/out/r.json", "--config", at, "--out-dir", b.at+"/aligned"); !says(said, "transactions: 2400 rows of 27 files copied to 27 files") {
		t.Errorf("align says\n%s", said)
	}
	if said := execute(t, 2, "align", "--report", b.at+"/out/r.json", "--config", at, "--out-dir", b.at+"/aligned"); !says(said, "the target is not empty") {
		t.Errorf("align says\n%s", said)
	}
	execute(t, 2, "align", "--report", b.at+"/out/r.json", "--config", at, "--out-dir", b.at+"/growth/data/transactions/dt=2026-11-30/x") // data
	if objects := b.below(b.at + "/aligned"); len(objects) != 27 {
		t.Errorf("the copy has %d objects, want 27", len(objects))
	}

	// kept facts, and a repository of Feast
	nights := []string{"run", "--config", at, "--as-of", asOf, "--fail-on", "never", "--summary", "none", "--facts", b.at + "/facts"}
	execute(t, 0, nights...)
	execute(t, 0, append(nights, "--paranoid")...)
	execute(t, 0, nights...)
	if said := execute(t, 0, "facts", "list", b.at+"/facts"); !says(said, "transactions") {
		t.Errorf("facts list says\n%s", said)
	}
	if said := execute(t, 0, "facts", "check", b.at+"/facts", at, "--as-of", asOf, "--all"); !says(said, "the report is the same") {
		t.Errorf("facts check says\n%s", said)
	}
	execute(t, 0, "facts", "prune", b.at+"/facts")
	execute(t, 0, nights...)
	repo := t.TempDir()
	b.put(b.at+"/feast/registry.json", `{"project": "p", "featureViews": [{"spec": {"name": "sessions", "project": "p", "ttl": "604800s", "entities": ["user"], "entityColumns": [{"name": "user_id", "valueType": "INT64"}],
		"batchSource": {"type": "BATCH_FILE", "timestampField": "event_time", "fileOptions": {"uri": "`+b.at+`/growth/data/sessions/"}}}}], "entities": [{"spec": {"name": "user", "joinKey": "user_id"}}]}`)
	if err := os.WriteFile(filepath.Join(repo, "feature_store.yaml"), []byte("project: p\nprovider: local\nregistry: "+b.at+"/feast/registry.json\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := execute(t, 0, "run", repo, "--as-of", asOf, "--fail-on", "never"); !says(said, "looked at 1 view,") {
		t.Errorf("the audit of a repository says\n%s", said)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "featureaudit-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, error %v", left, err)
	}
}

// everyFormat writes what a command writes in every format of reports, once to files and once to objects.
func everyFormat(t *testing.T, b rented, args ...string) {
	t.Helper()
	here, compared := t.TempDir(), 0
	for _, f := range render.Formats() {
		if f.Report != nil {
			args = append(args, "--out", f.Name+"="+filepath.Join(here, f.Name), "--out", f.Name+"="+b.at+"/formats/"+f.Name)
		}
	}
	execute(t, 0, args...)
	for _, f := range render.Formats() {
		if f.Report == nil {
			continue
		}
		compared++
		want, err := os.ReadFile(filepath.Join(here, f.Name))
		if got := b.object(b.at + "/formats/" + f.Name); err != nil || got != string(want) || got == "" {
			t.Errorf("%s: the object and the file differ: %s, error %v", f.Name, firstDifference(string(want), got), err)
		}
	}
	if compared < 10 {
		t.Errorf("%d formats were compared", compared)
	}
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
