// Package storetest holds any store to what store.Store promises. An adapter calls Run in a test of its own.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/featureaudit/featureaudit/audit/store"
)

// Open makes a store that holds these files and no others, by their names below base, with forward slashes.
type Open func(t *testing.T, files map[string]string) (s store.Store, base string)

// Run tries everything that every store must do. What a store has of its own, such as links, it tests itself.
func Run(t *testing.T, open Open) {
	t.Run("List", func(t *testing.T) { lists(t, open) })
	t.Run("List of names that look like patterns", func(t *testing.T) { listsOddNames(t, open) })
	t.Run("List knows Parquet by its bytes", func(t *testing.T) { listsByBytes(t, open) })
	t.Run("List of the folders that it looked into", func(t *testing.T) { listsFolders(t, open) })
	t.Run("List without a match", func(t *testing.T) { listsNothing(t, open) })
	t.Run("List of a table format", func(t *testing.T) { refusesTables(t, open) })
	t.Run("Tree lists every file below a folder", func(t *testing.T) { listsTrees(t, open) })
	t.Run("Stat and Open agree with List", func(t *testing.T) { agrees(t, open) })
	t.Run("Open reads at offsets", func(t *testing.T) { readsAtOffsets(t, open) })
	t.Run("Open and Stat of what is not there", func(t *testing.T) { missesFiles(t, open) })
	t.Run("A cancelled context ends each call", func(t *testing.T) { ends(t, open) })
}

// week is a small view with what writers leave beside data.
func week() map[string]string {
	files := map[string]string{}
	for _, name := range []string{
		"v/dt=2026-11-03/b.parquet", "v/dt=2026-11-03/a.PARQUET", "v/dt=2026-11-03/_SUCCESS", "v/dt=2026-11-03/.a.parquet.crc", "v/dt=2026-11-03/c.parquet.tmp",
		"v/dt=2026-11-04/_temporary/0/x.parquet", "v/dt=2026-11-04/.hidden/z.parquet", "v/dt=2026-11-05/_SUCCESS", "v/__log_date=2026-11-06/d.parq", "v/top.pq",
		"v/_old/e.parquet", "v/dt=2026-11-07/.part-0.inprogress.7c", "w/dt=2026-11-03/not-asked-for.parquet",
	} {
		files[name] = "x"
	}
	return files
}

func listsTrees(t *testing.T, open Open) {
	s, base := open(t, map[string]string{"t/_log/0.json": "{}", "t/_log/side/a.bin": "abc", "t/.hidden/b.parquet": "x", "t/c.parquet": "xy", "tt/d.parquet": "x"})
	for folder, want := range map[string][]string{"t": {".hidden/b.parquet 1", "_log/0.json 2", "_log/side/a.bin 3", "c.parquet 2"}, "t/_log": {"0.json 2", "side/a.bin 3"}, "none": nil} {
		entries, err := s.Tree(t.Context(), store.Join(base, folder))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, fmt.Sprintf("%s %d", e.Path, e.Size))
			if e.Abs != store.Join(store.Join(base, folder), e.Path) {
				t.Errorf("Abs %s of %s", e.Abs, e.Path)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("Tree(%s) = %v, want %v", folder, got, want)
		}
	}
}

func pathsOf(l store.Listing) []string {
	paths := make([]string, len(l.Entries))
	for i, e := range l.Entries {
		paths[i] = e.Path
	}
	return paths
}

// list fails the test where the glob cannot be listed.
func list(t *testing.T, s store.Store, base, glob string) store.Listing {
	t.Helper()
	l, err := s.List(t.Context(), base, glob)
	if err != nil {
		t.Fatalf("List(%q): error %v, want a listing", glob, err)
	}
	return l
}

func lists(t *testing.T, open Open) {
	s, base := open(t, week())
	for _, test := range []struct {
		glob, root string
		want       []string
		ignored    map[string]int64
	}{
		{"v", "v", []string{"__log_date=2026-11-06/d.parq", "dt=2026-11-03/a.PARQUET", "dt=2026-11-03/b.parquet", "top.pq"},
			map[string]int64{store.IgnoredMarker: 2, store.IgnoredChecksum: 1, store.IgnoredTemporary: 3, store.IgnoredHidden: 2}},
		{"v/**/*.parquet", "v", []string{"dt=2026-11-03/b.parquet"},
			map[string]int64{store.IgnoredMarker: 2, store.IgnoredChecksum: 1, store.IgnoredTemporary: 3, store.IgnoredHidden: 2}},
		{"v/dt=2026-11-0[34]/*", "v", []string{"dt=2026-11-03/a.PARQUET", "dt=2026-11-03/b.parquet"},
			map[string]int64{store.IgnoredMarker: 1, store.IgnoredChecksum: 1, store.IgnoredTemporary: 1}},
		{"v/{top,none}.pq", "v", []string{"top.pq"}, map[string]int64{}},
		{"v/{dt=2026-11-03/b,top}.{pq,parquet}", "v", []string{"dt=2026-11-03/b.parquet", "top.pq"}, nil},
		{"v/dt=2026-11-03/?.parquet", "v/dt=2026-11-03", []string{"b.parquet"}, map[string]int64{store.IgnoredMarker: 1, store.IgnoredChecksum: 1, store.IgnoredTemporary: 1}},
		{"v/dt=2026-11-03/b.parquet", "v/dt=2026-11-03", []string{"b.parquet"}, nil},
		{"v/_*/*.parquet", "v", []string{"_old/e.parquet"}, nil},
	} {
		l := list(t, s, base, test.glob)
		if got := pathsOf(l); !slices.Equal(got, test.want) {
			t.Errorf("List(%q) gives %q, want %q", test.glob, got, test.want)
		}
		if want := store.Join(base, test.root); l.Root != want {
			t.Errorf("List(%q) starts from %s, want %s", test.glob, l.Root, want)
		}
		if test.ignored != nil && !maps.Equal(l.Ignored, test.ignored) {
			t.Errorf("List(%q) ignores %v, want %v", test.glob, l.Ignored, test.ignored)
		}
		// the same by an absolute name, from anywhere
		if again := list(t, s, "/elsewhere", store.Join(base, test.glob)); !slices.Equal(again.Entries, l.Entries) {
			t.Errorf("List(%q) by its absolute name gives %+v, want %+v", test.glob, again.Entries, l.Entries)
		}
	}
}

func listsOddNames(t *testing.T, open Open) {
	names := []string{"v/odd[1]/f.parquet", "v/odd1/g.parquet", "v/it's {a,b} 100%?*/ü \"x\".parquet", "v/new\nline/h.parquet"}
	files := map[string]string{}
	for _, name := range names {
		files[name] = name
	}
	s, base := open(t, files)
	for glob, want := range map[string][]string{
		"v":                    {"it's {a,b} 100%?*/ü \"x\".parquet", "new\nline/h.parquet", "odd1/g.parquet", "odd[1]/f.parquet"},
		"v/odd[1]":             {"f.parquet"}, // what is there by that very name is meant by it
		"v/odd[1]/*.parquet":   {"odd1/g.parquet"},
		`v/odd\[1\]/*.parquet`: {"f.parquet"},
	} {
		l := list(t, s, base, glob)
		if got := pathsOf(l); !slices.Equal(got, want) {
			t.Errorf("List(%q) gives %q, want %q", glob, got, want)
		}
		for _, e := range l.Entries {
			if got := read(t, s, e.Abs); got != strings.TrimPrefix(e.Abs, base+"/") {
				t.Errorf("%q holds %q, want its own name", e.Abs, got)
			}
		}
	}
}

func listsByBytes(t *testing.T, open Open) {
	s, base := open(t, map[string]string{"v/000000_0": "PAR1 whole PAR1", "v/part-0": "no data", "v/a.parquet": "no data, and named so", "v/short": "PAR"})
	for _, glob := range []string{"v", "v/*"} {
		l := list(t, s, base, glob)
		if got, want := pathsOf(l), []string{"000000_0", "a.parquet"}; !slices.Equal(got, want) {
			t.Errorf("List(%q) gives %q, want %q", glob, got, want)
		}
		if l.Ignored[store.IgnoredOther] != 2 {
			t.Errorf("List(%q) ignores %v, want 2 of %q", glob, l.Ignored, store.IgnoredOther)
		}
	}
	// a pattern that names its files is enough
	if got := pathsOf(list(t, s, base, "v/part-*")); !slices.Equal(got, []string{"part-0"}) {
		t.Errorf(`List("v/part-*") gives %q, want part-0`, got)
	}
}

// listsFolders: a partition that holds no data is known by its folder only.
func listsFolders(t *testing.T, open Open) {
	s, base := open(t, week())
	want := []string{"__log_date=2026-11-06", "dt=2026-11-03", "dt=2026-11-04", "dt=2026-11-05", "dt=2026-11-07"}
	if l := list(t, s, base, "v/**/*.p*"); !slices.Equal(l.Dirs, want) {
		t.Errorf("Dirs %q, want %q", l.Dirs, want)
	}
	if l := list(t, s, base, "v/dt=2026-11-03/*.parquet"); len(l.Dirs) != 0 {
		t.Errorf("Dirs %q of a glob that enters none, want none", l.Dirs)
	}
}

func listsNothing(t *testing.T, open Open) {
	s, base := open(t, week())
	for _, glob := range []string{"nowhere", "v/*.csv", "v/dt=2026-11-05", "v/dt=2026-12-*/*.parquet", "v/dt=2026-11-03/c.parquet"} {
		_, err := s.List(t.Context(), base, glob)
		var none *store.NoMatchError
		if !errors.As(err, &none) || none.Glob != glob || !none.Retryable() {
			t.Errorf("List(%q): error %v, want a retryable *store.NoMatchError of that glob", glob, err)
		}
	}
	var none *store.NoMatchError
	if _, err := s.List(t.Context(), base, "v/[a.parquet"); err == nil || errors.As(err, &none) {
		t.Errorf(`List("v/[a.parquet"): error %v, want one that says that it is no pattern`, err)
	}
	var address *store.AddressError
	if _, err := s.List(t.Context(), base, "gopher://bucket/v"); !errors.As(err, &address) {
		t.Errorf("List of an address that no store knows: error %v, want *store.AddressError", err)
	}
}

func refusesTables(t *testing.T, open Open) {
	for kind, log := range map[string]string{"Delta": "v/_delta_log/00000.json", "Hudi": "v/.hoodie/hoodie.properties", "Iceberg": "v/metadata/v1.metadata.json"} {
		s, base := open(t, map[string]string{"v/data/dt=2026-11-03/a.parquet": "x", log: "{}"})
		for _, glob := range []string{"v", "v/**/*.parquet", "v/data", "v/data/dt=2026-11-03/a.parquet"} {
			var table *store.TableFormatError
			if _, err := s.List(t.Context(), base, glob); !errors.As(err, &table) || table.Kind != kind {
				t.Errorf("List(%q) beside %s: error %v, want *store.TableFormatError of %s", glob, log, err, kind)
			}
		}
	}
}

func agrees(t *testing.T, open Open) {
	files := map[string]string{"v/a.parquet": "12345", "v/dt=1/b.parquet": "", "v/dt=2/c.parquet": strings.Repeat("long ", 100_000)}
	s, base := open(t, files)
	l := list(t, s, base, "v")
	if len(l.Entries) != len(files) {
		t.Fatalf("List gives %q, want all of %d files", pathsOf(l), len(files))
	}
	for _, e := range l.Entries {
		want := files["v/"+e.Path]
		if e.Size != int64(len(want)) || e.ModTime <= 0 {
			t.Errorf("%s is listed with %d bytes, modified at %d; want %d bytes, and a time", e.Path, e.Size, e.ModTime, len(want))
		}
		now, err := s.Stat(t.Context(), e.Abs)
		if err != nil || now.Size != e.Size || now.ModTime != e.ModTime || now.Abs != e.Abs {
			t.Errorf("Stat(%s) = %+v, error %v; want what the listing says: %+v", e.Abs, now, err, e)
		}
		if got := read(t, s, e.Abs); got != want {
			t.Errorf("%s holds %d bytes, want the %d that were written", e.Path, len(got), len(want))
		}
	}
}

// read reads a whole file through Open.
func read(t *testing.T, s store.Store, abs string) string {
	t.Helper()
	o, err := s.Open(t.Context(), abs)
	if err != nil {
		t.Fatalf("Open(%s): %v", abs, err)
	}
	defer o.Close()
	raw, err := io.ReadAll(io.NewSectionReader(o, 0, 1<<30))
	if err != nil {
		t.Fatalf("read %s: %v", abs, err)
	}
	return string(raw)
}

func readsAtOffsets(t *testing.T, open Open) {
	const content = "0123456789"
	s, base := open(t, map[string]string{"v/a.parquet": content})
	o, err := s.Open(t.Context(), store.Join(base, "v/a.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		at   int64
		size int
		want string
		end  bool
	}{{0, 4, "0123", false}, {6, 4, "6789", false}, {8, 4, "89", true}, {10, 1, "", true}, {1000, 3, "", true}, {3, 0, "", false}} {
		buffer := make([]byte, test.size)
		n, err := o.ReadAt(buffer, test.at)
		// a read that ends with the file may say so or not
		if string(buffer[:n]) != test.want || test.end && !errors.Is(err, io.EOF) || err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("ReadAt(%d bytes, %d) = %q, error %v; want %q, end of file %v", test.size, test.at, buffer[:n], err, test.want, test.end)
		}
	}
	var readers sync.WaitGroup
	for i := range len(content) {
		readers.Go(func() {
			for range 200 {
				one := make([]byte, 1)
				if n, err := o.ReadAt(one, int64(i)); n != 1 || one[0] != content[i] {
					t.Errorf("ReadAt(1 byte, %d) among others = %q, error %v; want %q", i, one, err, content[i])
					return
				}
			}
		})
	}
	readers.Wait()
	if err := o.Close(); err != nil {
		t.Errorf("Close: error %v, want none", err)
	}
}

func missesFiles(t *testing.T, open Open) {
	s, base := open(t, map[string]string{"v/a.parquet": "x"})
	for _, name := range []string{"v/b.parquet", "w/a.parquet", "v/a.parquet.gz"} {
		if _, err := s.Stat(t.Context(), store.Join(base, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat(%s): error %v, want fs.ErrNotExist", name, err)
		}
		if _, err := s.Open(t.Context(), store.Join(base, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open(%s): error %v, want fs.ErrNotExist", name, err)
		}
	}
	if _, err := s.Open(t.Context(), store.Join(base, "v")); err == nil {
		t.Error("Open of a folder: no error, want one")
	}
}

func ends(t *testing.T, open Open) {
	s, base := open(t, map[string]string{"v/a.parquet": "x"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, listed := s.List(ctx, base, "v")
	_, looked := s.Stat(ctx, store.Join(base, "v/a.parquet"))
	_, opened := s.Open(ctx, store.Join(base, "v/a.parquet"))
	for name, err := range map[string]error{"List": listed, "Stat": looked, "Open": opened} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: error %v, want context.Canceled", name, err)
		}
	}
}
