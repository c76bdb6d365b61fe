package audit_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
)

// ghosts are rows of files that were written beside those that count, by path.
type ghosts struct {
	random  *rand.Rand
	deleted map[string][]int64
}

// rows puts copies of rows between the rows of a file: what counts them finds repeats.
func (g *ghosts) rows(file string, rows int) []int {
	var order []int
	for n := range rows {
		for g.random.IntN(3) == 0 {
			g.deleted[file] = append(g.deleted[file], int64(len(order)))
			order = append(order, g.random.IntN(rows))
		}
		order = append(order, n)
	}
	if rows > 0 && g.random.IntN(2) == 0 {
		g.deleted[file] = append(g.deleted[file], int64(len(order)))
		order = append(order, 0)
	}
	return order
}

// laid is a file of a store, with the values of its folders: nil is NULL.
type laid struct {
	path   string
	values []any
}

// laidIn are the files below a folder, in order, and the keys of their folders. It is false where there are none, or their paths are not all of the
// same keys.
func laidIn(t *testing.T, dir string, segment bool) (files []laid, keys []string, ok bool) {
	t.Helper()
	ok = true
	err := filepath.WalkDir(dir, func(abs string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, abs)
		f := laid{path: filepath.ToSlash(rel)}
		var names []string
		for i, part := range strings.Split(path.Dir(f.path), "/") {
			name, text, keyed := strings.Cut(part, "=")
			if i == 0 && segment {
				name, text, keyed = "lane", part, true
			}
			if !keyed {
				continue
			}
			names = append(names, name)
			if text == "__HIVE_DEFAULT_PARTITION__" {
				f.values = append(f.values, nil)
			} else if text, err = url.PathUnescape(text); err == nil {
				f.values = append(f.values, text)
			}
		}
		ok = ok && (len(files) == 0 || slices.Equal(names, keys))
		keys, files = names, append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, keys, ok && len(files) > 0
}

// asDelta writes the log of a table of the files below a folder, with the deleted rows of each. It is false where their paths are not
// all of the same keys.
func asDelta(t *testing.T, dir string, segment bool, g *ghosts) bool {
	t.Helper()
	found, columns, ok := laidIn(t, dir, segment)
	if !ok {
		return false
	}
	var files []deltatable.File
	for i, one := range found {
		f := deltatable.File{Path: one.path, Values: map[string]any{}, Deleted: g.deleted[one.path], Store: []string{"i", "u", "p"}[i%3]}
		for j, name := range columns {
			f.Values[name] = one.values[j]
		}
		files = append(files, f)
	}
	schema := []map[string]any{deltatable.Field("id", "long")}
	for _, name := range columns {
		schema = append(schema, deltatable.Field(name, "string"))
	}
	table, err := deltatable.New(dir, deltatable.Options{Schema: schema, Partitions: columns, Reader: 3, Features: []string{"deletionVectors", "v2Checkpoint"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		if err := table.Commit(files[i : i+1]); err != nil {
			t.Fatal(err)
		}
		if i == len(files)/2 {
			if err := table.Checkpoint([]string{deltatable.Classic, deltatable.Parts, deltatable.V2Parquet, deltatable.V2JSON}[i%4]); err != nil {
				t.Fatal(err)
			}
		}
	}
	return true
}

// TestATableIsJudgedByItsLiveRows audits stores of plain files, and tables of the same rows whose files hold copies of rows between
// them that the log takes out: every verdict is the same.
func TestATableIsJudgedByItsLiveRows(t *testing.T) {
	judgedByLiveRows(t, 100, 25, 200, func(t *testing.T, dir string, segment bool, _ uint64, g *ghosts) bool {
		return asDelta(t, dir, segment, g)
	})
}

// judgedByLiveRows audits so many stores from a seed on, each as plain files and as the table that convert makes of them, and wants at least so many
// deleted rows in all.
func judgedByLiveRows(t *testing.T, seed uint64, stores, least int, convert func(t *testing.T, dir string, segment bool, seed uint64, g *ghosts) bool) {
	t.Helper()
	converted, deleted := 0, 0
	for ; converted < stores; seed++ {
		plain, err := fixtures.RandomStore(t.TempDir(), seed)
		if err != nil {
			t.Fatal(err)
		}
		if p := plain.View.TimePartition; p.Declared() && len(p.Columns) == 0 {
			continue // no table has its dates in plain folders
		}
		g := &ghosts{random: rand.New(rand.NewPCG(seed, 1)), deleted: map[string][]int64{}}
		dir := t.TempDir()
		table, err := fixtures.RandomStoreIn(dir, seed, fixtures.Layout{Rows: g.rows})
		if err != nil {
			t.Fatal(err)
		}
		if !convert(t, dir, table.View.Source.PathSegment > 0, seed, g) {
			continue
		}
		converted++
		for _, rows := range g.deleted {
			deleted += len(rows)
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			view := table.View
			view.Path = dir
			want, got := verdicts(auditRandom(t, plain, plain.View)), verdicts(auditRandom(t, table, view))
			for check, verdict := range want {
				if got[check] != verdict {
					t.Errorf("%s is %q, and %q of plain files", check, got[check], verdict)
				}
			}
		})
	}
	if deleted < least {
		t.Errorf("%d rows were deleted in all", deleted)
	}
}
