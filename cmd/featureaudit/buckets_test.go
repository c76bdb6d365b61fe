//go:build stores

package main

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// upload copies a folder into a bucket, and gives the files the times of their objects.
func upload(t *testing.T, dir, to string) {
	t.Helper()
	s := blob.New(blob.DefaultLimits())
	defer s.Close()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return s.Write(t.Context(), to+"/"+filepath.ToSlash(rel), objectstore.Of(raw))
	})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := s.Tree(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		at := time.UnixMicro(o.ModTime)
		if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(o.Path)), at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// auditOf runs the program, and gives its report without what differs from run to run.
func auditOf(t *testing.T, want int, args ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "report.json")
	printed := execute(t, want, append([]string{"run", "--out", "json=" + out}, args...)...)
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	var r map[string]any
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"execution", "id", "config_digest"} {
		delete(r, name)
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// execute runs the program, and gives all that it prints, in which no planted secret may stand.
func execute(t *testing.T, want int, args ...string) string {
	t.Helper()
	cmd := program(t, args...)
	printed, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != want {
		t.Fatalf("featureaudit %q: exit %d, want %d (%v)\n%s", args, code, want, err, printed)
	}
	if strings.Contains(string(printed), "planted-secret") {
		t.Errorf("featureaudit %q prints the secret:\n%s", args, printed)
	}
	return string(printed)
}

// rented is a bucket named feat of a cloud's server.
type rented struct {
	t *testing.T
	objectstore.Cloud
	// at is its address.
	at    string
	store *blob.Store
}

func rent(t *testing.T, scheme string, fault func(n int, r *http.Request) objectstore.Answer) rented {
	t.Helper()
	b := rented{t: t, Cloud: objectstore.StartCloud(t, scheme, fault), store: blob.New(blob.DefaultLimits())}
	t.Cleanup(func() { b.store.Close() })
	b.at = b.Bucket(t, "feat")
	return b
}

// put writes an object.
func (b rented) put(name, text string) {
	b.t.Helper()
	if err := b.store.Write(b.t.Context(), name, objectstore.Of([]byte(text))); err != nil {
		b.t.Fatal(err)
	}
}

// object reads one.
func (b rented) object(name string) string {
	b.t.Helper()
	if _, err := b.store.Stat(b.t.Context(), name); err != nil { // others write it too
		b.t.Fatal(err)
	}
	o, err := b.store.Open(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	raw, err := io.ReadAll(io.NewSectionReader(o, 0, 1<<30))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(raw)
}

// below are the names of all objects of a folder.
func (b rented) below(folder string) (names []string) {
	b.t.Helper()
	objects, err := b.store.Tree(b.t.Context(), folder)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, o := range objects {
		names = append(names, o.Path)
	}
	return names
}

// incident plants the incident in a folder and in a bucket of S3, and gives a config of each in a folder of its own.
func incident(t *testing.T, server objectstore.S3) (local, remote, asOf string) {
	t.Helper()
	server.Bucket(t, "feat")
	return incidentIn(t, "s3://feat")
}

// incidentIn is incident for a bucket that is there.
func incidentIn(t *testing.T, bucket string) (local, remote, asOf string) {
	t.Helper()
	dir := t.TempDir()
	if _, err := fixtures.Incident(dir); err != nil {
		t.Fatal(err)
	}
	upload(t, filepath.Join(dir, "data"), bucket+"/growth/data")
	config, err := os.ReadFile(filepath.Join(dir, "featureaudit.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	at, err := os.ReadFile(filepath.Join(dir, "as_of"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(root string) string {
		path := filepath.Join(t.TempDir(), "featureaudit.yaml")
		text := strings.ReplaceAll(string(config), "path: data/", "path: "+root+"/")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write(filepath.Join(dir, "data")), write(bucket + "/growth/data"), strings.TrimSpace(string(at))
}

// TestTheReportOfABucketIsThatOfItsFiles audits the incident where it lies on this machine and where it lies in a bucket: the reports
// differ in the root alone. The small limit leaves room for some files at a time, and the small memory limit makes the engine read
// what is held.
func TestTheReportOfABucketIsThatOfItsFiles(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	local, remote, asOf := incident(t, server)
	root := rootOf(t, local)
	want := strings.ReplaceAll(strings.ReplaceAll(auditOf(t, 1, "--config", local, "--as-of", asOf), root, "s3://feat/growth/data"), filepath.Dir(local), filepath.Dir(remote))
	for name, more := range map[string][]string{"as it is": nil, "little room": {"--stage-limit", "1MiB"}, "one thread": {"--threads", "1"}} {
		got := auditOf(t, 1, append([]string{"--config", remote, "--as-of", asOf}, more...)...)
		if got != want {
			t.Errorf("%s: the reports differ beyond their roots: %s", name, firstDifference(want, got))
		}
		if strings.Contains(got, "planted-secret") {
			t.Errorf("%s: the report holds the secret", name)
		}
	}
	rows := func(config string) string {
		out := filepath.Join(t.TempDir(), "rows.csv")
		execute(t, 0, "run", "--config", config, "--as-of", asOf, "--out", "rows="+out, "--fail-on", "never")
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if here, there := rows(local), rows(remote); here != there || len(here) < 1000 {
		t.Errorf("the rows differ: %s", firstDifference(here, there))
	}
}

// TestABucketTakesReportsAndHistory writes what a run leaves behind into a bucket: the report is the one that a file gets, a second run
// knows the findings of the first, and a bucket that cannot be reached is told before anything is read.
func TestABucketTakesReportsAndHistory(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	local, _, asOf := incident(t, server)
	out := filepath.Join(t.TempDir(), "report.json")
	args := []string{"run", "--config", local, "--as-of", asOf, "--fail-on", "never", "--history", "s3://feat/growth/history"}
	execute(t, 0, append(args, "--out", "json="+out, "--out", "json=s3://feat/out/report.json", "--out", "html=s3://feat/out/report.html")...)
	here, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	there, err := os.ReadFile(filepath.Join(server.Folder, "feat", "out", "report.json"))
	if err != nil || string(here) != string(there) {
		t.Errorf("the object and the file differ: %s, error %v", firstDifference(string(here), string(there)), err)
	}
	kept, err := filepath.Glob(filepath.Join(server.Folder, "feat", "growth", "history", "*", "*.parquet"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("the history holds %q, error %v; want one run", kept, err)
	}
	later := strings.Replace(asOf, "T00:00", "T01:00", 1)
	printed := execute(t, 0, "run", "--config", local, "--as-of", later, "--fail-on", "never", "--history", "s3://feat/growth/history", "--out", "json="+out, "--summary", "text")
	if !strings.Contains(printed, "continuing") {
		t.Errorf("the second run knows nothing of the first:\n%s", printed)
	}
	if trend := execute(t, 0, "report", "trend", "transactions", "--history", "s3://feat/growth/history"); !strings.Contains(trend, "transactions") {
		t.Errorf("no trend:\n%s", trend)
	}
	said := execute(t, 2, append(args, "--out", "json=s3://feet/report.json")...)
	if !strings.Contains(said, "s3://feet: there is no such bucket; check its name") {
		t.Errorf("a missing bucket is told as\n%s", said)
	}
}

// TestABucketHoldsDefinitions reads definitions where their data lie: relative paths start from the folder of the object. A registry that a
// feature_store.yaml names, two sides of a diff and a report come from there, too.
func TestABucketHoldsDefinitions(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	_, remote, asOf := incident(t, server)
	raw, err := os.ReadFile(remote)
	if err != nil {
		t.Fatal(err)
	}
	_, views, _ := strings.Cut(strings.ReplaceAll(string(raw), "s3://feat/growth/data/", "data/"), "views:")
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("features.yaml", "views:"+views)
	write("stricter.yaml", "views:"+strings.Replace(views, "ttl: 24h", "ttl: 12h", 1))
	s := blob.New(blob.DefaultLimits())
	defer s.Close()
	for _, name := range []string{"features.yaml", "stricter.yaml"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Write(t.Context(), "s3://feat/growth/"+name, objectstore.Of(text)); err != nil {
			t.Fatal(err)
		}
	}
	printed := execute(t, 0, "run", "s3://feat/growth/features.yaml", "--as-of", asOf, "--fail-on", "never", "--out", "json=s3://feat/out/report.json")
	if strings.Contains(printed, "no Parquet file") {
		t.Errorf("the views are not found:\n%s", printed)
	}
	execute(t, 1, "gate", "s3://feat/out/report.json")
	said := execute(t, 0, "diff", "s3://feat/growth/features.yaml", "s3://feat/growth/stricter.yaml")
	if !strings.Contains(said, "its ttl went from 1d to 12h") || !strings.Contains(said, "[feat/growth/stricter.yaml:") {
		t.Errorf("the diff says\n%s", said)
	}
	if said := execute(t, 2, "lint", "s3://feat/growth/none.yaml"); !strings.Contains(said, "s3://feat/growth/none.yaml: there is no such object and no such folder") {
		t.Errorf("a missing object is told as\n%s", said)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "featureaudit-*", "features.yaml")); err != nil || len(left) > 0 {
		t.Errorf("copies are left: %q, error %v", left, err)
	}
}

// rootOf is the folder of the data that a config names.
func rootOf(t *testing.T, config string) string {
	t.Helper()
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(raw), "path: ")
	root, _, _ := strings.Cut(after, "/web_impressions")
	return root
}

// firstDifference is the first line that differs, of both.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + " | " + y[i]
		}
	}
	return "one is longer"
}
