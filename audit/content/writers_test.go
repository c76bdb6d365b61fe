//go:build writers

package content_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/featureaudit/featureaudit/fixtures"
)

// TestOtherWritersWriteTheSameRows has pyarrow and polars write a table again, in every way that they have: its sums stay. FEATUREAUDIT_TEST_PYTHON
// is a Python that has both.
func TestOtherWritersWriteTheSameRows(t *testing.T) {
	python := os.Getenv("FEATUREAUDIT_TEST_PYTHON")
	if python == "" {
		t.Fatal("FEATUREAUDIT_TEST_PYTHON names no Python; run make test-writers")
	}
	table := keptByWriters(random(rand.New(rand.NewPCG(31, 32)), 1000), fixtures.Int96, fixtures.Float16, fixtures.Interval, fixtures.KeySet)
	dir := t.TempDir()
	from := filepath.Join(dir, "a", "a.parquet")
	if err := fixtures.Write(from, table, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	want := factsOf(t, filepath.Dir(from))
	if out, err := exec.Command(python, filepath.Join("..", "..", "fixtures", "writers", "rewrite.py"), from, filepath.Join(dir, "b")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ways, err := filepath.Glob(filepath.Join(dir, "b", "*"))
	if err != nil || len(ways) != 12 {
		t.Fatal(ways, err)
	}
	for _, way := range ways {
		got := factsOf(t, way)
		if got.Sum != want.Sum || got.Rows != want.Rows {
			t.Errorf("%s: rows differ", filepath.Base(way))
		}
		for _, w := range want.Columns {
			if c, _ := got.Column(w.Name); c.Sum != w.Sum || c.Values != w.Values {
				t.Errorf("%s: column %s is %v of %v, want %v of %v", filepath.Base(way), w.Name, c.Sum, c.Types, w.Sum, w.Types)
			}
		}
	}
	changed := keptByWriters(table)
	changed.Columns[1].Values = slices.Clone(changed.Columns[1].Values)
	changed.Columns[1].Values[7] = 12345
	if written(t, changed, fixtures.Options{}).Sum == want.Sum {
		t.Error("a changed value keeps the sum")
	}
}
