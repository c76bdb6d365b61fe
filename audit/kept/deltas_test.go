package kept

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// TestIntegersOfAnyWidth writes runs of every width that differences can have, and extremes, in groups of odd sizes.
func TestIntegersOfAnyWidth(t *testing.T) {
	for _, dense := range []bool{false, true} {
		integersOfAnyWidth(t, Table{Name: "numbers", Dense: dense, Columns: Integers("n")})
	}
}

func integersOfAnyWidth(t *testing.T, table Table) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "pack")
	w, err := Create(path + ".tmp")
	if err != nil {
		t.Fatal(err)
	}
	var want []int64
	for width := range 65 {
		rows := 1 + rng.IntN(3*groupRows/2)
		part := make([]int64, rows)
		for i := range part {
			if width > 0 {
				part[i] = int64(rng.Uint64() >> (64 - width))
			}
			if rng.IntN(1000) == 0 {
				part[i] = []int64{math.MinInt64, math.MaxInt64, 0, -1}[rng.IntN(4)]
			}
		}
		if width%2 == 0 {
			slices.Sort(part)
		}
		if _, err := w.Append(table, Rows{part}); err != nil {
			t.Fatal(err)
		}
		want = append(want, part...)
	}
	if err := w.Commit(path, nil); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPack(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Integers("numbers", "n", 0, int64(len(want)))
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%d of %d values, %v", len(got), len(want), err)
	}
}
