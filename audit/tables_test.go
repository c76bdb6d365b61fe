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

// asDelta writes the log of a table of the files below a folder, with the deleted rows of each. It is false where their paths are not
// all of the same keys.
func asDelta(t *testing.T, dir string, segment bool, g *ghosts) bool {
	t.Helper()
	var files []deltatable.File
	var columns []string
	err := filepath.WalkDir(dir, func(abs string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, abs)
		f := deltatable.File{Path: filepath.ToSlash(rel), Values: map[string]any{}}
		var names []string
		for i, part := range strings.Split(path.Dir(f.Path), "/") {
			name, text, keyed := strings.Cut(part, "=")
			if i == 0 && segment {
				name, text, keyed = "lane", part, true
			}
			if !keyed {
				continue
			}
			names = append(names, name)
			f.Values[name] = nil
			if text != "__HIVE_DEFAULT_PARTITION__" {
				f.Values[name], err = url.PathUnescape(text)
			}
		}
		if len(files) > 0 && !slices.Equal(names, columns) {
			columns = append(columns, "of several kinds")
		} else {
			columns = names
		}
		f.Deleted, f.Store = g.deleted[f.Path], []string{"i", "u", "p"}[len(files)%3]
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(columns, "of several kinds") || len(files) == 0 {
		return false
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
	converted, deleted := 0, 0
	for seed := uint64(100); converted < 25; seed++ {
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
		if !asDelta(t, dir, table.View.Source.PathSegment > 0, g) {
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
	if deleted < 200 {
		t.Errorf("%d rows were deleted in all", deleted)
	}
}
