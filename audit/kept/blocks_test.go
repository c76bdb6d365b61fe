package kept

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// TestManyReadersOfManyBlocks has several readers of a table that takes more blocks than are remembered, each in an order of its own: where the
// memory of blocks is used again, nobody reads what another's block left there.
func TestManyReadersOfManyBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 20))
	path := filepath.Join(t.TempDir(), "pack")
	w, err := Create(path + ".tmp")
	if err != nil {
		t.Fatal(err)
	}
	table := Table{Name: "numbers", Dense: true, Columns: Integers("n")}
	var groups [][]int64
	for range 3 * rememberedBlocks {
		group := make([]int64, groupRows+rng.IntN(2*groupRows)) // half a block to one and a half
		for i := range group {
			group[i] = int64(rng.Uint64())
		}
		if _, err := w.Append(table, Rows{group}); err != nil {
			t.Fatal(err)
		}
		groups = append(groups, group)
	}
	if err := w.Commit(path, nil); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPack(path)
	if err != nil {
		t.Fatal(err)
	}
	firsts := make([]int64, len(groups))
	for i := range groups[1:] {
		firsts[i+1] = firsts[i] + int64(len(groups[i]))
	}
	var readers sync.WaitGroup
	for reader := range 4 {
		readers.Go(func() {
			var room []int64
			for _, i := range rand.New(rand.NewPCG(7, uint64(reader))).Perm(len(groups)) {
				var err error
				if room, err = p.IntegersInto(room, "numbers", "n", firsts[i], int64(len(groups[i]))); err != nil || !slices.Equal(room, groups[i]) {
					t.Errorf("reader %d, group %d: %d values of %d, or others (%v)", reader, i, len(room), len(groups[i]), err)
				}
			}
		})
	}
	readers.Wait()
	known := p.tables["numbers"].checked.blocks
	if len(known.known) != rememberedBlocks { // of all others the memory was used again
		t.Errorf("%d blocks are remembered: the test tries too little", len(known.known))
	}
	for _, b := range known.known {
		if b.readers != 0 {
			t.Errorf("block %d has %d readers that have ended", b.number, b.readers)
		}
	}
}
