package load

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/registry"
)

const testdata = "../../../fixtures/feast"

func put(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestEverythingInTestdataIsRecognised by its bytes: the names are taken away.
func TestEverythingInTestdataIsRecognised(t *testing.T) {
	read := 0
	err := filepath.WalkDir(testdata, func(name string, e fs.DirEntry, err error) error {
		base := filepath.Base(name)
		if err != nil || e.IsDir() || !strings.Contains(base, "registry.") && !strings.Contains(base, ".dump.") {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		blind := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(blind, data, 0o600); err != nil {
			return err
		}
		d, err := Definitions(t.Context(), blind, Options{})
		if err != nil || d.Kind != registry.KindFeast || len(d.Views) == 0 && !strings.Contains(name, "odd") {
			t.Errorf("%s: kind %q, %d views, error %v", name, d.Kind, len(d.Views), err)
		}
		read++
		return nil
	})
	if err != nil || read < 35 {
		t.Errorf("%d registries, error %v", read, err)
	}
}

// TestSQLiteIsNeverWritten: not the file, nor anything beside it, also where nothing can be written.
func TestSQLiteIsNeverWritten(t *testing.T) {
	before, err := os.ReadFile(filepath.Join(testdata, "registries/0.67.0/before.registry.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "a b?#%.db")
	if err := os.WriteFile(file, before, 0o400); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o700, 0o500} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if d, err := Definitions(t.Context(), file, Options{}); err != nil || len(d.Views) != 10 {
			t.Errorf("folder mode %o: %d views, error %v", mode, len(d.Views), err)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file changed, or %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 { // the folder was just read from
		t.Errorf("left beside it: %v", left)
	}
}

// TestSQLiteViewsAreNotRead: a view of the database would run its author's code.
func TestSQLiteViewsAreNotRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.sqlite")
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`CREATE TABLE x (a); CREATE VIEW feature_views AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i AS feature_view_name, i AS project_id, i AS feature_view_proto FROM n`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Definitions(t.Context(), file, Options{}); err == nil || !strings.Contains(err.Error(), `the database is no Feast registry: it has no table feature_views, but 1 others such as "x"`) {
		t.Errorf("error %v", err)
	}
}

// TestFolders: all YAML files below one, with lines; other YAML is an error and no silence.
func TestFolders(t *testing.T) {
	dir := put(t, map[string]string{
		"features/a.yaml":       "views:\n  a: {path: data/a/*.parquet, ttl: 24h}\n",
		"features/deep/b.yml":   "project: p\nviews:\n  b: {path: b/*.parquet}\n",
		"features/.hidden.yaml": "nonsense",
		"features/readme.md":    "nonsense",
	})
	d, err := Definitions(t.Context(), filepath.Join(dir, "features"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Views) != 2 || d.Views[0].Path != "data/a/*.parquet" || d.Views[1].Path != "deep/b/*.parquet" || d.Views[1].Location.Line != 3 || d.Root != filepath.Join(dir, "features") {
		t.Errorf("root %s views %+v", d.Root, d.Views)
	}
	same, err := Definitions(t.Context(), filepath.Join(dir, "features/**/*.y*ml"), Options{})
	if err != nil || len(same.Views) != 2 {
		t.Errorf("by a glob: %d views, error %v", len(same.Views), err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"z.yaml": {"view:\n", "z.yaml"},
		"y.yaml": {"hello: 1\n", "none of the definitions that are read here"},
		"x.yaml": {"apiVersion: v3.1.0\nkind: DataContract\n", "its files are of several kinds"},
	} {
		dir := put(t, map[string]string{"a.yaml": "views: {a: {path: a}}\n", name: c.text})
		if _, err := Definitions(t.Context(), dir, Options{}); err == nil || !strings.Contains(err.Error(), c.want) || Retryable(err) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
	}
}

// TestFeastRepositories: feature_store.yaml leads to the registry, as Feast resolves it.
func TestFeastRepositories(t *testing.T) {
	binary, err := os.ReadFile(filepath.Join(testdata, "registries/0.67.0/before.registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	sqlite, err := os.ReadFile(filepath.Join(testdata, "registries/0.67.0/before.registry.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"data/registry.db": string(binary), "data/r.sqlite": string(sqlite)}
	for yaml, want := range map[string]string{
		"project: shop\nprovider: local\n":                                                            "",
		"project: shop\nregistry: data/registry.db\n":                                                 "",
		"project: shop\nregistry: {registry_type: file, path: data/registry.db}\n":                    "",
		"project: shop\nregistry: {registry_type: sql, path: \"sqlite:///data/r.sqlite\"}\n":          "",
		"project: shop\nregistry: \"${WHERE}/registry.db\"\n":                                         "",
		"project: shop\nregistry: \"$NOWHERE/registry.db\"\n":                                         "the variable NOWHERE is not set",
		"project: shop\nregistry: s3://bucket/registry.db\n":                                          "the registry s3://bucket/registry.db is not read from here: copy the file",
		"project: shop\nregistry:\n  registry_type: snowflake.registry\n  path: x\n":                  `line 3: registry_type "snowflake.registry" is not read`,
		"project: shop\nregistry: {registry_type: sql, path: \"mysql+pymysql://u:secret@h/feast\"}\n": "mysql+pymysql://u:xxxxx@h/feast is not read from here",
	} {
		files["feature_store.yaml"] = yaml
		dir := put(t, files)
		env := func(name string) (string, bool) { return "data", name == "WHERE" }
		for _, ref := range []string{dir, filepath.Join(dir, "feature_store.yaml")} {
			d, err := Definitions(t.Context(), ref, Options{Env: env})
			switch {
			case want == "" && (err != nil || len(d.Views) != 10 || d.Root != dir):
				t.Errorf("%q: %d views, root %s, error %v", yaml, len(d.Views), d.Root, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%q: error %v, want %s", yaml, err, want)
			}
		}
	}
	// A registry by its own name finds the repository that it lies in.
	files["feature_store.yaml"] = "project: shop\n"
	dir := put(t, files)
	for _, name := range []string{"data/registry.db", "data/r.sqlite"} {
		if d, err := Definitions(t.Context(), filepath.Join(dir, name), Options{}); err != nil || d.Root != dir {
			t.Errorf("%s: root %s, want %s, error %v", name, d.Root, dir, err)
		}
	}
}

func TestRetryable(t *testing.T) {
	_, missing := Definitions(t.Context(), "no/such/file", Options{})
	_, server := Definitions(t.Context(), "postgres://u:secret@127.0.0.1:1/x", Options{})
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"missing": {missing, false}, "server": {server, true}, "rights": {&fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, true},
	} {
		if c.err == nil || Retryable(c.err) != c.want || strings.Contains(c.err.Error(), "secret") {
			t.Errorf("%s: %v: retryable %v, want %v", name, c.err, Retryable(c.err), c.want)
		}
	}
}

// FuzzBytes: whatever a file holds, it ends in definitions or in an error.
func FuzzBytes(f *testing.F) {
	for _, text := range []string{
		"views:\n  a: {path: a/*.parquet, ttl: 24h}\n", "version: 1\nviews: {}\nsuppress: []\n", "apiVersion: v3.1.0\nkind: DataContract\n",
		"sources: []\n", `{"schema": "featureaudit.report/v1"}`, `{"featureViews": []}`, `{"schema": "featureaudit.definitions/v1", "views": [{"name": "a"}]}`, "a: &x [*x]\n",
	} {
		f.Add([]byte(text))
	}
	l := loader{place: nothing{}}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := l.bytes(t.Context(), "x", data)
		if err != nil {
			return
		}
		if _, err := d.Marshal(); err != nil {
			t.Error(err)
		}
	})
}

// nothing is a place without files.
type nothing struct{}

func (nothing) kind(context.Context, string) (string, error)    { return "", nil }
func (nothing) read(context.Context, string) ([]byte, error)    { return nil, fs.ErrNotExist }
func (nothing) files(context.Context, string) ([]string, error) { return nil, nil }
func (nothing) local(string) string                             { return "" }
