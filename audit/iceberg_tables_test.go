package audit_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/parquet/file"

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
	found, keys, ok := laidIn(t, dir, segment)
	if !ok {
		return false
	}
	var files []icebergtable.File
	ids, held := map[string]int32{}, map[string][]string{}
	for _, one := range found {
		f := icebergtable.File{Path: one.path, There: true, Values: one.values}
		held[f.Path], f.Count = columnsOf(t, filepath.Join(dir, filepath.FromSlash(f.Path)))
		for _, name := range held[f.Path] {
			if ids[name] == 0 {
				ids[name] = int32(len(ids) + 1)
			}
		}
		files = append(files, f)
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
	judgedByLiveRows(t, 300, 20, 150, func(t *testing.T, dir string, segment bool, seed uint64, g *ghosts) bool {
		return asIceberg(t, dir, segment, seed%2 == 0, g)
	})
}
