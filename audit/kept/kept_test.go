package kept

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	numbersTable = Table{Name: "numbers", Dense: true, Columns: Integers("a", "b")}
	wordsTable   = Table{Name: "words", Columns: []Column{{"n", Integer}, {"word", Text}, {"raw", Bytes}}}
)

// written makes a pack of two tables, whose rows come in pieces, and gives what it must hold.
func written(t *testing.T, path string, rows int) map[string]Rows {
	t.Helper()
	w, err := Create(path + ".tmp")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Rows{"numbers": {[]int64{}, []int64{}}, "words": {[]int64{}, []string{}, []string{}}}
	for from := 0; from < rows; {
		to := min(rows, from+1+from*3)
		var a, b, n []int64
		var words, raw []string
		for i := from; i < to; i++ {
			a, b, n = append(a, int64(i)*7), append(b, math.MinInt64+int64(i)*int64(i)), append(n, int64(-i))
			words, raw = append(words, fmt.Sprintf("wörd %d", i%3)), append(raw, string([]byte{byte(i), 0xff, 0}))
		}
		for table, part := range map[string]Rows{"numbers": {a, b}, "words": {n, words, raw}} {
			first, err := w.Append(map[string]Table{"numbers": numbersTable, "words": wordsTable}[table], part)
			if err != nil || first != int64(from) {
				t.Fatalf("%s: first %d, %v; want %d", table, first, err, from)
			}
			for i, column := range part {
				want[table][i] = reflect.AppendSlice(reflect.ValueOf(want[table][i]), reflect.ValueOf(column)).Interface()
			}
		}
		from = to
	}
	if err := w.Commit(path, Note{By: "test", AsOf: 5}); err != nil {
		t.Fatal(err)
	}
	return want
}

// contents reads all of a pack.
func contents(path string) (map[string]Rows, error) {
	p, err := OpenPack(path)
	if err != nil {
		return nil, err
	}
	var note Note
	if err := p.Note(&note); err != nil || note != (Note{By: "test", AsOf: 5}) {
		return nil, fmt.Errorf("the note is %+v, %w", note, err)
	}
	all := map[string]Rows{}
	for _, table := range p.Tables() {
		var rows Rows
		for _, c := range table.Columns {
			var values any
			if c.Kind == Integer {
				values, err = p.Integers(table.Name, c.Name, 0, p.Len(table.Name))
			} else {
				values, err = p.Texts(table.Name, c.Name, 0, p.Len(table.Name))
			}
			if err != nil {
				return nil, err
			}
			rows = append(rows, values)
		}
		all[table.Name] = rows
	}
	return all, nil
}

func TestPacksGiveBackWhatWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pack")
	want := written(t, path, 300_000)
	got, err := contents(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("read %v", err)
	}
	p, err := OpenPack(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []Range{{0, 1}, {299_999, 1}, {65_530, 20}, {1, 299_998}, {7, 0}} {
		part, err := p.Integers("numbers", "a", r.First, r.Count)
		if err != nil || int64(len(part)) != r.Count || r.Count > 0 && (part[0] != r.First*7 || part[r.Count-1] != (r.First+r.Count-1)*7) {
			t.Errorf("rows %+v: %d values, %v", r, len(part), err)
		}
	}
	for _, r := range []Range{{-1, 2}, {300_000, 1}, {0, 300_001}, {5, -1}, {math.MaxInt64, math.MaxInt64}} {
		if _, err := p.Integers("numbers", "a", r.First, r.Count); !errors.As(err, new(DamagedError)) {
			t.Errorf("rows %+v: %v", r, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has the rights %v, %v", info.Mode(), err)
	}
}

// TestEveryByteOfAPackCounts changes each byte of each file of a pack in several ways: what is read is what was written, or an error.
func TestEveryByteOfAPackCounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pack")
	want := written(t, path, 20)
	names, err := filepath.Glob(filepath.Join(path, "*"))
	if err != nil || len(names) != 3 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	unharmed := 0
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := range raw {
			for _, change := range []byte{1, 0x20, 0x80, 0xff} {
				raw[at] ^= change
				if err := os.WriteFile(name, raw, 0o600); err != nil {
					t.Fatal(err)
				}
				raw[at] ^= change
				got, err := contents(path)
				switch {
				case err == nil && reflect.DeepEqual(got, want):
					unharmed++
					if filepath.Base(name) != manifestName {
						t.Errorf("%s: byte %d changed by %#x was not noticed", filepath.Base(name), at, change)
					}
				case err == nil:
					t.Fatalf("%s: byte %d changed by %#x gives other values", filepath.Base(name), at, change)
				case !errors.As(err, new(DamagedError)):
					t.Fatalf("%s: byte %d changed by %#x: %v", filepath.Base(name), at, change, err)
				}
			}
		}
		for length := range raw {
			if err := os.WriteFile(name, raw[:length], 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := contents(path); err == nil && !(filepath.Base(name) == manifestName && reflect.DeepEqual(got, want)) {
				t.Errorf("%s cut to %d bytes was not noticed", filepath.Base(name), length)
			}
		}
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if unharmed > 80 { // the case of the keys of its JSON, and the white space at the end
		t.Errorf("%d changes were not noticed", unharmed)
	}
}

// TestBlocksThatChangedPlacesAreNoticed swaps two blocks of a table, and two tables of one length between packs: each byte has been there before.
func TestBlocksThatChangedPlacesAreNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pack")
	w, err := Create(path + ".tmp")
	if err != nil {
		t.Fatal(err)
	}
	rng, numbers := rand.New(rand.NewPCG(5, 3)), make([]int64, 200_000)
	for i := range numbers {
		numbers[i] = rng.Int64()
	}
	if _, err := w.Append(numbersTable, Rows{numbers, numbers}); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(path, Note{By: "test", AsOf: 5}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(path, "numbers.parquet")
	raw, err := os.ReadFile(name)
	if err != nil || len(raw) < 2*blockBytes {
		t.Fatalf("%d bytes, %v; want two blocks", len(raw), err)
	}
	swapped := slices.Concat(raw[blockBytes:2*blockBytes], raw[:blockBytes], raw[2*blockBytes:])
	if err := os.WriteFile(name, swapped, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := contents(path); !errors.As(err, new(DamagedError)) || !strings.Contains(err.Error(), "does not agree with its checksum") {
		t.Errorf("swapped blocks: %v", err)
	}
	var packs []string
	for _, value := range []int64{1, 2} {
		pack := filepath.Join(t.TempDir(), "pack")
		w, err := Create(pack + ".tmp")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Append(numbersTable, Rows{[]int64{value}, []int64{value}}); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(pack, Note{By: "test", AsOf: 5}); err != nil {
			t.Fatal(err)
		}
		packs = append(packs, filepath.Join(pack, "numbers.parquet"))
	}
	other, err := os.ReadFile(packs[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(packs[0], other, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := contents(filepath.Dir(packs[0])); !errors.As(err, new(DamagedError)) {
		t.Errorf("a table of another pack: %v", err)
	}
}

func TestPacksOfOthersAreNamed(t *testing.T) {
	for name, test := range map[string]struct{ manifest, want string }{
		"future":  {strings.Replace(Format, "/v1", "/v9", 1), "this release reads " + Format},
		"foreign": {"somebody.else/v1", "not one of featureaudit"},
	} {
		path := filepath.Join(t.TempDir(), "pack")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		raw, err := manifest{Format: test.manifest, Tables: []tableManifest{}}.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, manifestName), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPack(path); !errors.As(err, new(DamagedError)) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func aFile(path string, size int64) *File {
	return &File{View: "v", Policy: "p", State: "s", Path: path, Size: size, ModTime: 7, Footer: math.MaxUint64, Rows: 3, Sources: []string{"", `with "quotes" and blanks`, "\x00"},
		At: map[string][]Range{"numbers": {{0, 2}, {5, 1}}, "none": {}}}
}

// TestRunsAtOnceLoseNothing lets runs add to one folder side by side: each finds what all others kept, and the last word on a file counts.
func TestRunsAtOnceLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facts")
	if err := Prepare(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() {
			d, err := Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			d.Add(d.Number(), aFile(fmt.Sprint(i), int64(i)))
			if err := errors.Join(d.Commit(Note{}), d.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := range 8 {
		want := aFile(fmt.Sprint(i), int64(i))
		got := d.Find("p", fmt.Sprint(i))
		if got == nil {
			t.Fatalf("file %d is not known", i)
		}
		want.pack = got.pack
		if !reflect.DeepEqual(got, want) {
			t.Errorf("file %d is %+v, want %+v", i, got, want)
		}
	}
	if d.Find("another", "1") != nil || len(d.NotUsed()) > 0 {
		t.Errorf("other policies are known, or packs not used: %v", d.NotUsed())
	}
}

// TestNothingOlderThanDamageIsTrusted harms the pack of a later run, which corrected what an earlier one said of a file: neither that word
// counts again, nor any other that is older, until newer packs say all again; what is newer, foreign or of a future release harms nothing.
func TestNothingOlderThanDamageIsTrusted(t *testing.T) {
	for name, test := range map[string]struct {
		harm  func(t *testing.T, pack string)
		known []string // by path and size
	}{
		"nothing": {func(*testing.T, string) {}, []string{"a 2", "b 1", "c 3"}},
		"its manifest is cut": {func(t *testing.T, pack string) {
			if err := os.Truncate(filepath.Join(pack, manifestName), 40); err != nil {
				t.Fatal(err)
			}
		}, []string{"c 3"}},
		"it is removed by hand": {func(t *testing.T, pack string) {
			if err := os.RemoveAll(pack); err != nil {
				t.Fatal(err)
			}
		}, []string{"c 3"}},
		"its manifest is gone": {func(t *testing.T, pack string) {
			if err := os.Remove(filepath.Join(pack, manifestName)); err != nil {
				t.Fatal(err)
			}
		}, []string{"c 3"}},
		"a table is cut": {func(t *testing.T, pack string) {
			if err := os.Truncate(filepath.Join(pack, filesTable.file()), 10); err != nil {
				t.Fatal(err)
			}
		}, []string{"c 3"}},
		"a byte is another": {func(t *testing.T, pack string) { flip(t, filepath.Join(pack, filesTable.file())) }, []string{"c 3"}},
		"it is of a future release": {func(t *testing.T, pack string) {
			raw, err := manifest{Format: "featureaudit.facts/v9", Tables: []tableManifest{}}.marshal()
			if err = errors.Join(err, os.WriteFile(filepath.Join(pack, manifestName), raw, 0o600)); err != nil {
				t.Fatal(err)
			}
		}, []string{"a 1", "b 1", "c 3"}},
		"a folder of another program": {func(t *testing.T, pack string) {
			if err := os.Mkdir(filepath.Join(filepath.Dir(pack), "000099-another"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"a 2", "b 1", "c 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "facts")
			if err := Prepare(path, time.Now()); err != nil {
				t.Fatal(err)
			}
			// the second run was a paranoid one, which found a changed in place
			for size, files := range [][]string{{"a", "b"}, {"a"}, {"c"}} {
				d, err := Open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range files {
					d.Add(d.Number(), aFile(filepath.Join(path, name), int64(size+1)))
				}
				if err := d.Commit(Note{}); err != nil {
					t.Fatal(err)
				}
			}
			packs, err := filepath.Glob(filepath.Join(path, packsFolder, "000002-*"))
			if err != nil || len(packs) != 1 {
				t.Fatalf("packs %q, %v", packs, err)
			}
			test.harm(t, packs[0])
			known := func() []string {
				d, err := Open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				var found []string
				for _, name := range []string{"a", "b", "c"} {
					if f := d.Find("p", filepath.Join(path, name)); f != nil {
						found = append(found, fmt.Sprintf("%s %d", name, f.Size))
					}
				}
				return found
			}
			if got := known(); !slices.Equal(got, test.known) {
				t.Errorf("known are %q, want %q", got, test.known)
			}
			stock, err := Local(path).Take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n := len(Latest(stock)); n != len(test.known) {
				t.Errorf("%d files are listed, want %d", n, len(test.known))
			}
		})
	}
}

// TestPruningDamageLeavesNothingOlder: what is older than a damaged pack goes with it, for nothing would tell any more that it is not to be
// trusted.
func TestPruningDamageLeavesNothingOlder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facts")
	if err := Prepare(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		d, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		number := int64(len(d.files))
		d.Add(d.Number(), aFile(fmt.Sprintf("s3://b/%d", number), 1))
		if err := d.Commit(Note{}); err != nil {
			t.Fatal(err)
		}
	}
	packs, err := filepath.Glob(filepath.Join(path, packsFolder, "000002-*", filesTable.file()))
	if err != nil || len(packs) != 1 {
		t.Fatalf("%q, %v", packs, err)
	}
	flip(t, packs[0])
	done, err := Local(path).Prune(t.Context(), time.Now().Add(-time.Hour), time.Now(), "test")
	if err != nil || done.Damaged != 1 || done.Distrusted != 1 || done.Kept != 1 || done.Removed != 2 {
		t.Errorf("%+v, %v; want 1 damaged, 1 distrusted, 1 kept, 2 packs removed", done, err)
	}
	d, err := Open(t.Context(), path)
	if err != nil || d.Find("p", "s3://b/0") != nil || d.Find("p", "s3://b/2") == nil || len(d.NotUsed()) > 0 {
		t.Errorf("%v: the first file is known, or the third is not; not used: %q", err, d.NotUsed())
	}
}

// flip changes a byte in the middle of a file.
func flip(t *testing.T, name string) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAFullDiskCostsTheFactsOnly: nothing can be written below a folder that is gone.
func TestAFullDiskCostsTheFactsOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facts")
	if err := Prepare(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(path, unfinishedFolder)); err != nil {
		t.Fatal(err)
	}
	d.Append(numbersTable, Rows{[]int64{1}, []int64{2}})
	d.Add(d.Number(), aFile("a", 1))
	if err := d.Commit(Note{}); err == nil || !strings.Contains(err.Error(), "nothing was kept of this run") {
		t.Errorf("it says %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestTheFolderIsItsOwnersAlone: also where it was there before.
func TestTheFolderIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facts")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Prepare(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, filepath.Join(path, packsFolder), filepath.Join(path, unfinishedFolder)} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s has the rights %v, %v", name, info.Mode(), err)
		}
	}
}

// TestFoldersThatCannotHoldFacts: a file, a folder of other things, whose rights stay as they are, and one whose parent is not there. A link to a
// folder is one, and so is the root of a volume.
func TestFoldersThatCannotHoldFacts(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	do := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	do(os.WriteFile(at("file"), nil, 0o644), os.MkdirAll(at("project/src"), 0o755), os.MkdirAll(at("volume/lost+found"), 0o755), os.Mkdir(at("empty"), 0o755),
		os.Symlink("empty", at("link")), os.Symlink("nowhere", at("dangling")))
	for name, want := range map[string]string{
		"file": "it is no folder: name another", "project": "it holds other things, such as src", "none/facts": "create the folder that holds it first",
		"file/facts": "not a directory", "dangling": "no such file or directory", "volume": "", "empty": "", "link": "", "new": "",
	} {
		err := Prepare(at(name), time.Now())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "facts "+at(name)+": ")) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if info, err := os.Stat(at("project")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the folder of other things has the rights %v, %v", info.Mode(), err)
	}
	do(Prepare(at("link"), time.Now()), Prepare(at("volume"), time.Now()))
}

// TestWhatIsKeptIsItsOwnersAlone: folders 0700, files 0600, whatever the process would give to others.
func TestWhatIsKeptIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facts")
	if err := Prepare(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	d.Add(d.Number(), aFile("a", 1))
	d.Looks().Remember("v", 5, []Seen{{Path: "a"}}, nil)
	if err := errors.Join(d.Commit(Note{}), d.Looks().Commit("test", 5), d.Close()); err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has the rights %v, want %v", name, info.Mode(), want)
		}
		return err
	})
	if err != nil || files != 6 {
		t.Errorf("%d files, %v; want 6: two manifests, files, looked, seen and a mark", files, err)
	}
}

// TestWhatKilledRunsLeftIsRemoved: after two days, and not while another run may write it.
func TestWhatKilledRunsLeftIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facts")
	now := time.Now()
	if err := Prepare(path, now); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(path, unfinishedFolder, "1-2")
	if _, err := Create(left); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		later time.Duration
		there bool
	}{{time.Hour, true}, {49 * time.Hour, false}} {
		if err := Prepare(path, now.Add(test.later)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(left); (err == nil) != test.there {
			t.Errorf("after %v: %v", test.later, err)
		}
	}
}
