package kept

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestARunBesideAParanoidOneCorrectsNothing has a run begin, another end that trusts nothing, and the first end after it. What the first says of
// files that the other read may rest on packs from before: it does not count, whatever packs are merged, pruned or added later.
func TestARunBesideAParanoidOneCorrectsNothing(t *testing.T) {
	for _, paranoid := range []bool{true, false} {
		t.Run(fmt.Sprint("paranoid ", paranoid), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "facts")
			if err := Prepare(path, time.Now()); err != nil {
				t.Fatal(err)
			}
			open := func() *Dir {
				d, err := Open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			end := func(d *Dir, note Note) {
				if err := errors.Join(d.Commit(note), d.Close()); err != nil {
					t.Fatal(err)
				}
			}
			data := func(name string) string { return filepath.Join(path, "..", name) }
			file := func(name string, size int64) *File {
				f := aFile(data(name), size)
				f.At = nil
				return f
			}
			first := open()
			first.Add(first.Number(), file("a", 1))
			end(first, Note{})

			beside, other := open(), open()
			other.Add(other.Number(), file("a", 2))
			end(other, Note{Paranoid: paranoid})
			rows := beside.Append(Table{Name: VerifiedName, Columns: Integers("file", "row")}, Rows{[]int64{0}, []int64{7}})
			verified := file("a", 1)
			verified.Policy, verified.At = "verified", map[string][]Range{VerifiedName: {rows}}
			beside.Add(beside.Number(), verified)
			beside.Add(beside.Number(), file("b", 1))
			beside.SetList("repeats", List{Covered: []File{*file("a", 1)}})
			end(beside, Note{})
			after := open()
			after.Add(after.Number(), file("c", 1))
			end(after, Note{})

			want := []string{"a 2", "b 1", "c 1"}
			if !paranoid { // what both read is the same file
				want = append(want, "verified", "a list")
			}
			known := func(what string) {
				d := open()
				var got []string
				for _, name := range []string{"a", "b", "c"} {
					if f := d.Find("p", data(name)); f != nil {
						got = append(got, fmt.Sprintf("%s %d", name, f.Size))
					}
				}
				if d.Find("verified", data("a")) != nil {
					got = append(got, "verified")
				}
				if l, err := d.List("repeats"); err != nil {
					t.Fatal(err)
				} else if l != nil {
					got = append(got, "a list")
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: known are %q, want %q", what, got, want)
				}
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
			}
			known("after the nights")
			for _, name := range []string{"a", "b", "c"} { // pruning keeps what is there
				size := 1
				if name == "a" {
					size = 2
				}
				at := time.UnixMicro(7)
				if err := errors.Join(os.WriteFile(data(name), make([]byte, size), 0o600), os.Chtimes(data(name), at, at)); err != nil {
					t.Fatal(err)
				}
			}
			for n := range fewPacks {
				d := open()
				d.Add(d.Number(), file(fmt.Sprint("more ", n), 1))
				end(d, Note{})
			}
			if err := open().Tidy(t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			known("after packs were merged")
			if _, err := Local(path).Prune(t.Context(), time.Time{}, time.Now(), "test"); err != nil {
				t.Fatal(err)
			}
			if !paranoid {
				want = slices.DeleteFunc(want, func(s string) bool { return s == "verified" }) // of a file of another size now
			}
			known("after pruning")
		})
	}
}
