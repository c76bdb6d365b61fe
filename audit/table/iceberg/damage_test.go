package iceberg_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/table/iceberg"
	"github.com/featureaudit/featureaudit/audit/table/logged"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

// told says that who reads the files sees that something is wrong: one is not there, or has another size, or has other rows.
func told(v logged.Version, rows int64) bool {
	return len(v.Notes) > 0 || slices.ContainsFunc(v.Files, func(f logged.File) bool {
		info, err := os.Stat(f.Abs)
		return err != nil || info.Size() != f.Size || f.Rows != rows
	})
}

// whole is all that a version says.
func whole(t *testing.T, v logged.Version) []string {
	t.Helper()
	return append(summary(t, v), fmt.Sprint(v.Number, v.Root, v.CommittedAt), fmt.Sprintf("%+v", v.Columns), fmt.Sprint(v.Partitions))
}

// TestADamagedTableIsNoOtherTable changes each byte of each file of metadata: the table is refused, is the same, or one of its files is not
// what it should be. What nothing else tells is named here.
func TestADamagedTableIsNoOtherTable(t *testing.T) {
	table := begin(t, icebergtable.Options{Format: 2, Codec: "null"})
	positions := icebergtable.Delete{Path: "data/p.parquet", Positions: map[string][]int64{"data/a.parquet": {0, 9}}, Values: []any{day("2026-11-03")}, Bounds: true, Referenced: true}
	must(t, table.Commit(icebergtable.Change{Operation: "delete", Deletes: []icebergtable.Delete{positions}}))
	must(t, table.SetFormat(3))
	must(t, table.Commit(icebergtable.Change{Operation: "delete", Deletes: []icebergtable.Delete{{Path: "data/v.puffin", Vectors: map[string][]int64{"data/b.parquet": {4}}, Values: []any{day("2026-11-04")}}}}))
	want := whole(t, read(t, table.Dir, model.TableAt{}))
	for _, test := range []struct {
		name string
		// untold are what stands before a value that nothing else tells: of the JSON, when a snapshot was and what a column is called.
		untold []string
		least  int
	}{
		{table.MetadataName(table.Version), []string{`"timestamp-ms": `, `"name": "`, `"id": `, `"type": "`, `"required": `}, 40},
		{filepath.Join(table.Dir, "metadata", fmt.Sprintf("snap-%d.avro", table.Last)), nil, 40},
		{filepath.Join(table.Dir, "metadata", "m00001.avro"), nil, 40},
		{filepath.Join(table.Dir, "metadata", "m00002.avro"), nil, 40},
		{filepath.Join(table.Dir, "metadata", "m00003.avro"), nil, 40},
		{filepath.Join(table.Dir, "data/p.parquet"), nil, 30},
		{filepath.Join(table.Dir, "data/v.puffin"), nil, 40},
		{filepath.Join(table.Dir, "metadata", "version-hint.text"), nil, 0},
	} {
		data, err := os.ReadFile(test.name)
		must(t, err)
		refused := 0
		for at := range data {
			damaged := slices.Clone(data)
			damaged[at] ^= 1 << (at % 8)
			must(t, os.WriteFile(test.name, damaged, 0o644))
			v, err := iceberg.Read(t.Context(), local.New(), table.Dir, model.TableAt{})
			if err != nil {
				refused++
				continue
			}
			if got := whole(t, v); !slices.Equal(got, want) && !told(v, 10) && !slices.ContainsFunc(test.untold, func(mark string) bool { return valueOf(data, at, mark) }) {
				t.Errorf("%s, byte %d (%q): %s", filepath.Base(test.name), at, damaged[max(0, at-30):min(len(damaged), at+10)], strings.Join(got, "; "))
			}
		}
		must(t, os.WriteFile(test.name, data, 0o644))
		if 100*refused < test.least*len(data) {
			t.Errorf("%s: %d changes of %d bytes are refused", filepath.Base(test.name), refused, len(data))
		}
		t.Logf("%s: %d of %d refused", filepath.Base(test.name), refused, len(data))
	}
}

// valueOf says whether a byte lies in the value that follows a mark on its line.
func valueOf(data []byte, at int, mark string) bool {
	line := strings.LastIndexByte(string(data[:at]), '\n') + 1
	return strings.Contains(string(data[line:at]), mark)
}
