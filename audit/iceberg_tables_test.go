package audit_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

// columnsOf are the names of the columns of a Parquet file, and its rows.
func columnsOf(t *testing.T, abs string) (names []string, rows int64) {
	t.Helper()
	reader, err := file.OpenParquetFile(abs, false)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	root := reader.MetaData().Schema.Root()
	for i := range root.NumFields() {
		names = append(names, root.Field(i).Name())
	}
	return names, reader.NumRows()
}

// asIceberg writes the metadata of a table of the files below a folder, with the deleted rows of each: as positions, and as vectors. Files
// have numbers, or the table a mapping of names. It is false where their paths are not all of the same keys.
func asIceberg(t *testing.T, dir string, segment, numbered bool, g *ghosts) bool {
	t.Helper()
	var files []icebergtable.File
	var keys []string
	ids, held := map[string]int32{}, map[string][]string{}
	err := filepath.WalkDir(dir, func(abs string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, abs)
		f := icebergtable.File{Path: filepath.ToSlash(rel), There: true}
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
			if text == "__HIVE_DEFAULT_PARTITION__" {
				f.Values = append(f.Values, nil)
			} else if text, err = url.PathUnescape(text); err == nil {
				f.Values = append(f.Values, text)
			}
		}
		if len(files) > 0 && !slices.Equal(names, keys) {
			names = append(names, "of several kinds")
		}
		keys = names
		held[f.Path], f.Count = columnsOf(t, abs)
		for _, name := range held[f.Path] {
			if ids[name] == 0 {
				ids[name] = int32(len(ids) + 1)
			}
		}
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(keys, "of several kinds") || len(files) == 0 {
		return false
	}
	for _, name := range keys {
		if ids[name] == 0 {
			ids[name] = int32(len(ids) + 1)
		}
	}
	o := icebergtable.Options{Format: 2, Properties: map[string]string{}}
	var mapping []any
	for name, id := range ids {
		o.Fields = append(o.Fields, icebergtable.Field{ID: int(id), Name: name, Type: "string"})
		mapping = append(mapping, map[string]any{"field-id": id, "names": []string{name}})
	}
	slices.SortFunc(o.Fields, func(a, b icebergtable.Field) int { return a.ID - b.ID })
	for i, name := range keys {
		o.Partitions = append(o.Partitions, icebergtable.Partition{Source: int(ids[name]), ID: 1000 + i, Name: name, Transform: "identity"})
	}
	if !numbered {
		text, err := json.Marshal(mapping)
		if err != nil {
			t.Fatal(err)
		}
		o.Properties["schema.name-mapping.default"] = string(text)
	}
	table, err := icebergtable.New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		if numbered {
			f.IDs = map[string]int32{}
			for _, name := range held[f.Path] {
				f.IDs[name] = ids[name]
			}
		}
		if i == len(files)/2 {
			if err := table.SetFormat(3); err != nil {
				t.Fatal(err)
			}
		}
		if err := table.Commit(icebergtable.Change{Add: []icebergtable.File{f}}); err != nil {
			t.Fatal(err)
		}
		rows := map[string][]int64{f.Path: g.deleted[f.Path]}
		if len(rows[f.Path]) == 0 {
			continue
		}
		d := icebergtable.Delete{Values: f.Values, Positions: rows, Bounds: i%3 == 0}
		if i >= len(files)/2 {
			d = icebergtable.Delete{Values: f.Values, Vectors: rows}
		}
		d.Path = fmt.Sprintf("deletes/d%05d.parquet", i)
		if err := table.Commit(icebergtable.Change{Operation: "delete", Deletes: []icebergtable.Delete{d}}); err != nil {
			t.Fatal(err)
		}
	}
	return true
}

// TestAnIcebergTableIsJudgedByItsLiveRows audits stores of plain files, and Iceberg tables of the same rows whose files hold copies of
// rows between them that deletes take out: every verdict is the same.
func TestAnIcebergTableIsJudgedByItsLiveRows(t *testing.T) {
	converted, deleted := 0, 0
	for seed := uint64(300); converted < 20; seed++ {
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
		if !asIceberg(t, dir, table.View.Source.PathSegment > 0, seed%2 == 0, g) {
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
	if deleted < 150 {
		t.Errorf("%d rows were deleted in all", deleted)
	}
}
