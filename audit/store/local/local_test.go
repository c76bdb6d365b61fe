package local

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/featureaudit/featureaudit/audit/store"
)

// tree writes files of one byte each and returns their root.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		abs := filepath.Join(root, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(abs, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(abs, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func paths(l store.Listing) []string {
	var names []string
	for _, e := range l.Entries {
		names = append(names, e.Path)
	}
	return names
}

func TestList(t *testing.T) {
	root := tree(t,
		"v/dt=2026-11-03/b.parquet", "v/dt=2026-11-03/a.PARQUET", "v/dt=2026-11-03/_SUCCESS", "v/dt=2026-11-03/.a.parquet.crc",
		"v/dt=2026-11-03/c.parquet.tmp", "v/dt=2026-11-03/notes.csv", "v/dt=2026-11-03/part-00000",
		"v/dt=2026-11-04/_temporary/0/x.parquet", "v/dt=2026-11-04/_temporary/0/y.parquet", "v/dt=2026-11-04/.hidden/z.parquet",
		"v/dt=2026-11-05/_SUCCESS", "v/__log_date=2026-11-06/d.parq", "v/top.pq", "v/_old/e.parquet", "v/odd[1]/f.parquet",
		"v/dt=2026-11-07/.part-0.inprogress.7c")
	tests := []struct {
		glob    string
		root    string
		want    []string
		ignored map[string]int64
	}{
		{"v", "v", []string{"__log_date=2026-11-06/d.parq", "dt=2026-11-03/a.PARQUET", "dt=2026-11-03/b.parquet", "odd[1]/f.parquet", "top.pq"},
			map[string]int64{"marker": 2, "checksum": 1, "temporary": 4, "hidden": 2, "other": 1, "CSV": 1}},
		{"v/**/*.parquet", "v", []string{"dt=2026-11-03/b.parquet", "odd[1]/f.parquet"},
			map[string]int64{"marker": 2, "checksum": 1, "temporary": 4, "hidden": 2}},
		{"v/dt=2026-11-0[34]/*", "v", []string{"dt=2026-11-03/a.PARQUET", "dt=2026-11-03/b.parquet"},
			map[string]int64{"marker": 1, "checksum": 1, "temporary": 1, "other": 1, "CSV": 1}},
		{"v/*/part-*", "v", []string{"dt=2026-11-03/part-00000"}, map[string]int64{"marker": 2, "checksum": 1, "temporary": 2, "hidden": 1}},
		{"v/{top,none}.pq", "v", []string{"top.pq"}, map[string]int64{}},
		{"v/{dt=2026-11-03/b,top}.{pq,parquet}", "v", []string{"dt=2026-11-03/b.parquet", "top.pq"}, nil},
		{"v/dt=2026-11-03/?.parquet", "v/dt=2026-11-03", []string{"b.parquet"}, map[string]int64{"marker": 1, "checksum": 1, "temporary": 1}},
		{"v/dt=2026-11-03/part-00000", "v/dt=2026-11-03", []string{"part-00000"}, map[string]int64{"marker": 1, "checksum": 1, "temporary": 1}},
		{"v/odd[1]", "v/odd[1]", []string{"f.parquet"}, map[string]int64{}},
		{"v/_*/*.parquet", "v", []string{"_old/e.parquet"}, nil},
	}
	for _, tt := range tests {
		l, err := New().List(context.Background(), root, tt.glob)
		if err != nil {
			t.Errorf("%s: %v", tt.glob, err)
			continue
		}
		if got := paths(l); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.glob, got, tt.want)
		}
		if want := filepath.Join(root, tt.root); l.Root != want {
			t.Errorf("%s: root %s, want %s", tt.glob, l.Root, want)
		}
		if tt.ignored != nil && !maps.Equal(l.Ignored, tt.ignored) {
			t.Errorf("%s: ignored %v, want %v", tt.glob, l.Ignored, tt.ignored)
		}
	}
}

func TestListTellsEmptyFolders(t *testing.T) {
	root := tree(t, "v/dt=2026-11-03/a.parquet", "v/dt=2026-11-04/_SUCCESS", "v/_tmp/x", "v/dt=2026-11-05/")
	l, err := New().List(context.Background(), root, "v/**/*.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"dt=2026-11-03", "dt=2026-11-04", "dt=2026-11-05"}; !slices.Equal(l.Dirs, want) {
		t.Errorf("dirs %q, want %q", l.Dirs, want)
	}
	if e := l.Entries[0]; e.Size != 1 || e.Abs != filepath.Join(root, "v/dt=2026-11-03/a.parquet") || e.ModTime == 0 {
		t.Errorf("entry %+v", e)
	}
}

func TestLinksAreFollowedOnce(t *testing.T) {
	root := tree(t, "v/dt=2026-11-03/a.parquet", "other/b.parquet", "other/deep/c.parquet")
	for name, target := range map[string]string{
		"v/aaa-latest":           "dt=2026-11-03",
		"v/dt=2026-11-04":        "../other",
		"v/loop":                 "..",
		"v/dt=2026-11-03/self":   ".",
		"v/dt=2026-11-03/again":  "a.parquet",
		"v/again.parquet":        "dt=2026-11-03/a.parquet",
		"v/gone.parquet":         "nowhere.parquet",
		"v/only.parquet":         "../only-here",
		"v/dt=2026-11-03/gone-2": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "only-here"), []byte("xyz"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := New().List(context.Background(), root, "v")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"dt=2026-11-03/a.parquet", "dt=2026-11-04/b.parquet", "dt=2026-11-04/deep/c.parquet", "gone.parquet", "only.parquet"}
	if got := paths(l); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if size := l.Entries[4].Size; size != 3 {
		t.Errorf("a link has the size of its target: %d", size)
	}
	abs := func(name string) string { return filepath.Join(root, name) }
	wantLinks := []store.Link{
		{Abs: abs("v/aaa-latest"), Target: abs("v/dt=2026-11-03"), Folder: true},
		{Abs: abs("v/again.parquet"), Target: abs("v/dt=2026-11-03/a.parquet")},
		{Abs: abs("v/dt=2026-11-03/again"), Target: abs("v/dt=2026-11-03/a.parquet")},
		{Abs: abs("v/dt=2026-11-03/self"), Target: abs("v/dt=2026-11-03"), Folder: true},
		{Abs: abs("v/dt=2026-11-04"), Target: abs("other"), Folder: true, Outside: true},
		{Abs: abs("v/loop"), Target: root, Folder: true, Outside: true},
		{Abs: abs("v/loop/other"), Target: abs("v/dt=2026-11-04"), Folder: true},
		{Abs: abs("v/loop/v"), Target: abs("v"), Folder: true},
		{Abs: abs("v/only.parquet"), Target: abs("only-here"), Outside: true},
	}
	slices.SortFunc(l.Links, func(a, b store.Link) int { return strings.Compare(a.Abs, b.Abs) })
	if !slices.Equal(l.Links, wantLinks) {
		t.Errorf("links\n got %+v\nwant %+v", l.Links, wantLinks)
	}
}

// TestParquetIsKnownByItsBytes has files of no known ending, some of which are Parquet, or were to become it.
func TestParquetIsKnownByItsBytes(t *testing.T) {
	root := tree(t, "v/a.parquet")
	for name, content := range map[string]string{
		"000000_0": "PAR1 whole PAR1", "20261101_101010_00012_abcde": "PAR1 cut", "encrypted": "PARE x PARE", "data.csv": "PAR1 in spite of its ending PAR1", "b.parquet.gz": "\x1f\x8b\x08\x00",
		"c.orc": "ORC\x11", "d.avro": "Obj\x01", "e.zip": "PK\x03\x04", "f.csv": "a,b\n", "g.json": "{}", "empty": "", "short": "PAR", "README.md": "# PAR1", "_metadata": "PAR1 PAR1",
		"_common_metadata": "PAR1 PAR1", ".h": "PAR1 PAR1", "i.tmp": "PAR1 PAR1", ".j.crc": "PAR1",
	} {
		if err := os.WriteFile(filepath.Join(root, "v", name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"000000_0", "20261101_101010_00012_abcde", "a.parquet", "data.csv", "encrypted"}
	examples := map[string][]string{"gzip": {"b.parquet.gz"}, "ORC": {"c.orc"}, "Avro": {"d.avro"}, "zip": {"e.zip"}, "CSV": {"f.csv"}, "JSON": {"g.json"}, "empty": {"empty"}, "other": {"README.md", "short"},
		"name": {".h", "i.tmp"}}
	for _, glob := range []string{"v", "v/*", "v/**/*"} {
		l, err := New().List(context.Background(), root, glob)
		if err != nil {
			t.Fatal(err)
		}
		if got := paths(l); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", glob, got, want)
		}
		if !maps.EqualFunc(l.Examples, examples, slices.Equal) {
			t.Errorf("%s: examples %v, want %v", glob, l.Examples, examples)
		}
		if l.Ignored["marker"] != 2 || l.Ignored["name"] != 2 || l.Ignored["checksum"] != 1 || l.Ignored["other"] != 2 {
			t.Errorf("%s: ignored %v", glob, l.Ignored)
		}
	}
	none := tree(t, "v/a.csv", "v/b.csv", "v/c.csv", "v/d.csv", "v/notes")
	_, err := New().List(context.Background(), none, "v")
	if err == nil || !strings.Contains(err.Error(), "; no Parquet but CSV: a.csv, b.csv, c.csv and 1 more; no Parquet but other: notes; check the path") {
		t.Errorf(`got %v, want err != nil && strings.Contains(err.Error(), "; no Parquet but CSV: a.csv, b.csv, c.csv and 1 more; no Parquet but other: notes; check the path")`, err)
	}
}

// TestLinkToWhatIsHidden is a visible name of data in a hidden folder: nothing else lists it.
func TestLinkToWhatIsHidden(t *testing.T) {
	root := tree(t, "v/.data/a.parquet", "v/dt=2026-11-03/")
	for name, target := range map[string]string{"v/dt=2026-11-03/a.parquet": "../.data/a.parquet", "v/dt=2026-11-04": ".data", "v/self.parquet": "self.parquet"} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := New().List(context.Background(), root, "v/**/*.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := paths(l), []string{"dt=2026-11-03/a.parquet", "self.parquet"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(l.Links) != 1 || l.Links[0].Abs != filepath.Join(root, "v/dt=2026-11-04/a.parquet") {
		t.Errorf("links %+v", l.Links)
	}
}

func TestTableFormats(t *testing.T) {
	tests := []struct {
		files []string
		glob  string
		kind  string
	}{
		{[]string{"v/_delta_log/0.json", "v/a.parquet"}, "v", "Delta"},
		{[]string{"v/_delta_log/0.json", "v/dt=2026-11-03/a.parquet"}, "v/dt=2026-11-03/*.parquet", "Delta"},
		{[]string{"lake/t/.hoodie/hoodie.properties", "lake/t/a.parquet"}, "lake/**/*.parquet", "Hudi"},
		{[]string{"v/metadata/v1.metadata.json", "v/data/a.parquet"}, "v", "Iceberg"},
		{[]string{"v/metadata/v1.metadata.json", "v/data/x/a.parquet"}, "v/data/x/*.parquet", "Iceberg"},
		{[]string{"v/metadata/notes.json", "v/data/a.parquet"}, "v", ""},
		{[]string{"other/_delta_log/0.json", "v/a.parquet"}, "v", ""},
		{[]string{"t1/_delta_log/0.json", "v2/a.parquet"}, "v*/*.parquet", ""},
	}
	for _, tt := range tests {
		_, err := New().List(context.Background(), tree(t, tt.files...), tt.glob)
		var format *store.TableFormatError
		if tt.kind == "" && err != nil || tt.kind != "" && (!errors.As(err, &format) || format.Kind != tt.kind) {
			t.Errorf("%q: got %v, want %q", tt.files, err, tt.kind)
		}
		if format != nil && !strings.Contains(err.Error(), "superseded") {
			t.Errorf("the message does not say why: %v", err)
		}
	}
}

func TestNoMatch(t *testing.T) {
	root := tree(t, "transactions/a.csv", "users/b.parquet", "empty/")
	tests := map[string]string{
		"transaction/**/*.parquet":  `no Parquet file matches transaction/**/*.parquet: ` + root + ` has no "transaction", did you mean "transactions"; check the path and its wildcards`,
		"transactions/**/*.parquet": `no Parquet file matches transactions/**/*.parquet; ` + root + `/transactions holds a.csv; check the path and its wildcards`,
		"empty":                     `no Parquet file matches empty; ` + root + `/empty is empty; check the path and its wildcards`,
		"zzz/deep/*.parquet":        `no Parquet file matches zzz/deep/*.parquet: ` + root + ` has no "zzz"; ` + root + ` holds empty/, transactions/, users/; check the path and its wildcards`,
	}
	for glob, want := range tests {
		_, err := New().List(context.Background(), root, glob)
		var none *store.NoMatchError
		if !errors.As(err, &none) || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", glob, err, want)
		}
	}
	if _, err := New().List(context.Background(), root, "users/[a.parquet"); err == nil || !strings.Contains(err.Error(), "closing mark") {
		t.Errorf(`got %v, want err != nil && strings.Contains(err.Error(), "closing mark")`, err)
	}
}

func TestPipesAreNotOpened(t *testing.T) {
	root := tree(t, "v/a.parquet")
	pipe := filepath.Join(root, "v/pipe.parquet")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := New().List(context.Background(), root, "v")
	if err != nil || len(l.Entries) != 1 || l.Ignored["named pipe"] != 1 || !slices.Equal(l.Examples["named pipe"], []string{"pipe.parquet"}) {
		t.Errorf(`got %v %v, want err == nil && len(l.Entries) == 1 && l.Ignored["named pipe"] == 1 && slices.Equal(l.Examples["named pipe"], []string{"pipe.parquet"})`, l, err)
	}
	if _, err := New().Open(context.Background(), pipe); err == nil {
		t.Error("opened a pipe")
	}
}

func TestListIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := New().List(ctx, tree(t, "v/a.parquet"), "v"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want errors.Is(err, context.Canceled)", err)
	}
}

// TestAnAddressIsNoFileOfThisMachine: what a table's log names in a store that is not read here is told as that, and not as a file that is not there.
func TestAnAddressIsNoFileOfThisMachine(t *testing.T) {
	s, ctx := New(), context.Background()
	_, opened := s.Open(ctx, "hdfs://nn/lake/a.parquet")
	_, looked := s.Stat(ctx, "hdfs://nn/lake/a.parquet")
	_, listed := s.Tree(ctx, "hdfs://nn/lake")
	for what, err := range map[string]error{"open": opened, "stat": looked, "tree": listed} {
		var address *store.AddressError
		if !errors.As(err, &address) || address.Retryable() || !strings.Contains(err.Error(), "hdfs:// addresses are not read here") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
