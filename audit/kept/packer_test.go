package kept

import (
	"bytes"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestConsecutiveNumbersAreDifferences compares the pages of numbers that follow each other with those of any numbers.
func TestConsecutiveNumbersAreDifferences(t *testing.T) {
	for _, first := range []int64{0, 1, -5, 1 << 40, math.MaxInt64 - packerRows} {
		for _, rows := range []int{1, 2, deltaEach, deltaBlock, deltaBlock + 1, deltaBlock + 2, 3*deltaBlock + deltaEach, packerRows - 1, packerRows} {
			numbers := make([]int64, rows)
			for i := range numbers {
				numbers[i] = first + int64(i)
			}
			if got, want := packConsecutive(nil, first, rows), packDeltas(nil, numbers); !bytes.Equal(got, want) {
				t.Fatalf("%d numbers from %d on: %d bytes that are not the %d of any numbers", rows, first, len(got), len(want))
			}
		}
	}
}

// TestPackedRowsKeepTheirNumbers writes rows whose numbers have gaps, none, or are all apart, in pieces of many sizes, and reads them back where
// the packer says that they are.
func TestPackedRowsKeepTheirNumbers(t *testing.T) {
	table := Table{Name: "rows", Dense: true, Columns: Integers("value", "number")}
	for _, gaps := range []int{0, 1, 1000, 100_000} {
		rng := rand.New(rand.NewPCG(uint64(gaps), 3))
		folder := filepath.Join(t.TempDir(), "facts")
		if err := Prepare(folder, time.Now()); err != nil {
			t.Fatal(err)
		}
		d, err := Open(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		var values, numbers []int64
		var at []Range
		place := func(r Range, written bool) {
			if written {
				at = append(at, r)
			}
		}
		p := d.NewPacker(table, "number")
		for next := int64(7); len(values) < 5*packerRows/2+77; {
			most := 1 + rng.IntN(5000)
			room := p.Room(most)
			n := len(room[0])
			for i := range n {
				room[0][i] = rng.Int64()
				values, numbers = append(values, room[0][i]), append(numbers, next+int64(i))
			}
			place(p.Fill(n, next))
			if next += int64(n); gaps > 0 && rng.IntN(gaps) < 1000 {
				next += 1 + rng.Int64N(3)
			}
		}
		place(p.Rest())
		d.Add(d.Number(), &File{Path: "/f", At: map[string][]Range{table.Name: at}})
		if err := d.Commit(Note{}); err != nil {
			t.Fatal(err)
		}
		if d, err = Open(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
		found := d.Find("", "/f")
		if found == nil {
			t.Fatal("nothing is known of the file")
		}
		gotValues, err := found.Integers(table.Name, "value")
		if err != nil || !slices.Equal(gotValues, values) {
			t.Errorf("gaps %d: %d of %d values, %v", gaps, len(gotValues), len(values), err)
		}
		gotNumbers, err := found.Integers(table.Name, "number")
		if err != nil || !slices.Equal(gotNumbers, numbers) {
			t.Errorf("gaps %d: %d of %d numbers, %v", gaps, len(gotNumbers), len(numbers), err)
		}
	}
}
