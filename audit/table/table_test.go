package table_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/table"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

func rows() fixtures.Table {
	return fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: []any{1, 2, 3}}}}
}

// write makes a table at base/t: version 0 is empty, 1 has a file in eu, 2 one without a region too, 3 no longer the first.
func write(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	dt, err := deltatable.New(filepath.Join(base, "t"), deltatable.Options{Schema: []map[string]any{deltatable.Field("id", "long"), deltatable.Field("region", "string")},
		Partitions: []string{"region"}, Reader: 3, Features: []string{"deletionVectors"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, commit := range []func() error{
		func() error {
			return dt.Commit([]deltatable.File{{Path: "x/a b.parquet", Values: map[string]any{"region": "eu/ü =%"}, Rows: rows(), Deleted: []int64{1}}})
		},
		func() error {
			return dt.Commit([]deltatable.File{{Path: "b.parquet", Values: map[string]any{"region": nil}, Rows: rows()}})
		},
		func() error { return dt.Commit(nil, "x/a b.parquet") },
		func() error {
			return fixtures.Write(filepath.Join(base, "t", "stray.parquet"), rows(), fixtures.Options{})
		},
	} {
		if err := commit(); err != nil {
			t.Fatal(err)
		}
	}
	return base
}

func version(v int64) model.TableAt { return model.TableAt{Version: &v} }

func TestListGivesAVersionAsAGlobIsGiven(t *testing.T) {
	base := write(t)
	l, err := table.Over(local.New(), version(2)).List(t.Context(), base, "t/")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range l.Entries {
		deleted := int64(0)
		if e.Logged.Deleted != nil {
			deleted = e.Logged.Deleted.Count()
		}
		got = append(got, fmt.Sprint(e.Path, " | ", e.Logged.Folder, " | ", e.Logged.Values, " | ", deleted))
		if info, err := os.Stat(e.Abs); err != nil || info.Size() != e.Size {
			t.Errorf("%s: %v, size %d", e.Abs, err, e.Size)
		}
	}
	want := []string{"b.parquet | region=__HIVE_DEFAULT_PARTITION__ | [{region __HIVE_DEFAULT_PARTITION__}] | 0", "x/a b.parquet | region=eu%2F%C3%BC%20=%25 | [{region eu/ü =%}] | 1"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if of := l.Tables[0]; of.Version != 2 || of.Format != "Delta" || of.Orphans != 1 || of.Examples[0] != "stray.parquet" || !of.CommittedAt.Known() {
		t.Errorf("%+v", of)
	}
}

func TestListRefusesWithAReason(t *testing.T) {
	base := write(t)
	for _, test := range []struct {
		path string
		at   model.TableAt
		want string
	}{
		{"t/*.parquet", model.TableAt{}, "is the folder of a Delta table, whose log says which files and rows of it count: name that folder itself in path (found t/*.parquet)"},
		{"t/x", model.TableAt{}, "name that folder itself in path (found t/x)"},
		{".", model.TableAt{}, "name that folder itself in path (found .)"},
		{"t", version(7), "it has no version 7: its last is 3"},
		{"t", model.TableAt{Format: "iceberg"}, "table.format says iceberg"},
		{"t", model.TableAt{Branch: "main"}, "table.branch is for Iceberg"},
		{"t", version(0), "version 0 has no files"},
	} {
		_, err := table.Over(local.New(), test.at).List(t.Context(), base, test.path)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s: got %v, want %s", test.path, test.at, err, test.want)
		}
		if none := new(store.NoMatchError); errors.As(err, &none) != strings.Contains(test.want, "has no files") {
			t.Errorf("%s %s is no match: %v", test.path, test.at, err)
		}
	}
	plain := t.TempDir()
	if err := fixtures.Write(filepath.Join(plain, "a.parquet"), rows(), fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Over(local.New(), version(1)).List(t.Context(), plain, "."); err == nil || !strings.Contains(err.Error(), "holds no log of a table") {
		t.Errorf("a version of plain files: %v", err)
	}
	if l, err := table.Over(local.New(), model.TableAt{}).List(t.Context(), plain, "."); err != nil || len(l.Entries) != 1 {
		t.Errorf("plain files: %v", err)
	}
}

// TestListGivesAnIcebergSnapshot lists one by its folder, by a file of its metadata, and says what its catalog lacks.
func TestListGivesAnIcebergSnapshot(t *testing.T) {
	base := t.TempDir()
	it, err := icebergtable.New(filepath.Join(base, "t"), icebergtable.Options{Fields: []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}}})
	if err == nil {
		err = it.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: "data/a.parquet", Rows: rows()}}})
	}
	if err == nil {
		err = it.Commit(icebergtable.Change{Deletes: []icebergtable.Delete{{Positions: map[string][]int64{"data/a.parquet": {1}}}}})
	}
	if err == nil {
		err = fixtures.Write(filepath.Join(base, "t", "data", "stray.parquet"), rows(), fixtures.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"t", "t/metadata/v3.metadata.json", filepath.Join(base, "t/metadata/v3.metadata.json")} {
		l, err := table.Over(local.New(), model.TableAt{}).List(t.Context(), base, path)
		if err != nil {
			t.Fatal(err)
		}
		e := l.Entries[0]
		info, err := os.Stat(e.Abs)
		if err != nil || len(l.Entries) != 1 || e.Path != "data/a.parquet" || e.Logged.Deleted.Count() != 1 || e.Logged.RowMask == "" || e.ModTime != info.ModTime().UnixMicro() {
			t.Errorf("%s: %+v, %v", path, e, err)
		}
		if of := l.Tables[0]; of.Format != "Iceberg" || of.Version != it.Last || of.Orphans != 1 || of.Examples[0] != "data/stray.parquet" || l.Root != filepath.Join(base, "t") {
			t.Errorf("%s: %+v in %s", path, of, l.Root)
		}
	}
	for _, test := range []struct {
		path string
		at   model.TableAt
		want string
	}{
		{"t/data/*.parquet", model.TableAt{}, "is the folder of an Iceberg table, whose log says which files and rows of it count"},
		{"t/metadata/v3.metadata.json", model.TableAt{Format: "delta"}, "table.format says delta"},
		{"t", model.TableAt{Format: "delta"}, "table.format says delta"},
		{"t/metadata/v1.metadata.json", model.TableAt{}, "has no snapshot yet"},
		{"t/metadata/v9.metadata.json", model.TableAt{}, "v9.metadata.json is not there"},
		{"http://127.0.0.1:1/v1/namespaces/a/tables/b", model.TableAt{Format: "iceberg"}, "it does not answer"},
		{"http://127.0.0.1:1/v1/namespaces/a/tables/b", model.TableAt{}, "is no store of files"},
	} {
		_, err := table.Over(local.New(), test.at).List(t.Context(), base, test.path)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s: got %v, want %s", test.path, test.at, err, test.want)
		}
	}
}
