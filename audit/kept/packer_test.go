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

// TestHashesAreDifferences decodes hashes that were encoded without looking for what they have in common: any, and the ends of what there is.
func TestHashesAreDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(46, 1))
	const most = 1<<HashBits - 1
	for name, one := range map[string]func(i int) int64{
		"any":      func(int) int64 { return rng.Int64N(most + 1) },
		"the ends": func(i int) int64 { return int64(i&1) * most },
		"either":   func(int) int64 { return rng.Int64N(2) * most },
		"none":     func(int) int64 { return 0 },
		"rising":   func(i int) int64 { return int64(i) },
	} {
		for _, rows := range []int{0, 1, 2, deltaBlock, deltaBlock + 1, deltaBlock + 2, 2*deltaBlock + 1, 3*deltaBlock + 40, packerRows - 1, packerRows} {
			hashes, got := make([]int64, rows), make([]int64, rows)
			for i := range hashes {
				hashes[i] = one(i)
			}
			packed := packHashes([]byte("before"), hashes)[len("before"):]
			if err := unpackDeltas(append(slices.Clip(packed), make([]byte, loadBytes)...), len(packed), got); err != nil || !slices.Equal(got, hashes) {
				t.Fatalf("%s, %d rows: they came back otherwise, %v", name, rows, err)
			}
		}
	}
}

// TestHeldRowsAreWrittenOrDecoded has rows held that are encoded, and either writes them or takes them back.
func TestHeldRowsAreWrittenOrDecoded(t *testing.T) {
	table := Table{Name: "held", Dense: true, Columns: Integers("one", "other")}
	folder := filepath.Join(t.TempDir(), "facts")
	if err := Prepare(folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	p := d.NewHolder(table)
	var want [2][]int64
	var at []Range
	for round, rows := range []int{1, 77, packerRows, groupRows, groupRows + packerRows + 5, 3} {
		var one, other []int64
		for len(one) < rows {
			room := p.Room(rows - len(one))
			n := min(len(room[0]), 1+rng.IntN(3000))
			for i := range n {
				room[0][i], room[1][i] = rng.Int64(), rng.Int64N(100)
				one, other = append(one, room[0][i]), append(other, room[1][i])
			}
			p.Fill(n, 0)
		}
		var gotOne, gotOther []int64
		for _, e := range p.Held() {
			gotOne, gotOther = d.Decode(e, 0, gotOne), d.Decode(e, 1, gotOther)
			if round%2 == 1 {
				d.Discard(e)
				continue
			}
			at = append(at, d.AppendEncoded(table, e))
		}
		if !slices.Equal(gotOne, one) || !slices.Equal(gotOther, other) {
			t.Fatalf("%d rows: %d and %d were decoded", rows, len(gotOne), len(gotOther))
		}
		if round%2 == 0 {
			want[0], want[1] = append(want[0], one...), append(want[1], other...)
		}
	}
	if left := p.Held(); len(left) > 0 {
		t.Errorf("%d row groups are held of no rows", len(left))
	}
	d.Add(d.Number(), &File{Path: "/f", At: map[string][]Range{table.Name: at}})
	if err := d.Commit(Note{}); err != nil {
		t.Fatal(err)
	}
	if d, err = Open(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	for i, column := range []string{"one", "other"} {
		if got, err := d.Find("", "/f").Integers(table.Name, column); err != nil || !slices.Equal(got, want[i]) {
			t.Errorf("%s: %d of %d values, %v", column, len(got), len(want[i]), err)
		}
	}
}

// TestPackedRowsKeepTheirNumbers writes rows whose numbers have gaps, none, or are all apart, in pieces of many sizes, and reads them back where
// the packer says that they are.
func TestPackedRowsKeepTheirNumbers(t *testing.T) {
	table := Table{Name: "rows", Dense: true, Columns: Integers("value", "number", "hash")}
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
		var values, numbers, hashes []int64
		var at []Range
		place := func(r Range, written bool) {
			if written {
				at = append(at, r)
			}
		}
		p := d.NewPacker(table, "number", "hash")
		for next := int64(7); len(values) < 5*packerRows/2+77; {
			most := 1 + rng.IntN(5000)
			room := p.Room(most)
			n := len(room[0])
			for i := range n {
				room[0][i], room[2][i] = rng.Int64(), rng.Int64N(1<<HashBits)
				values, numbers, hashes = append(values, room[0][i]), append(numbers, next+int64(i)), append(hashes, room[2][i])
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
		gotHashes, err := found.Integers(table.Name, "hash")
		if err != nil || !slices.Equal(gotHashes, hashes) {
			t.Errorf("gaps %d: %d of %d hashes, %v", gaps, len(gotHashes), len(hashes), err)
		}
		gotNumbers, err := found.Integers(table.Name, "number")
		if err != nil || !slices.Equal(gotNumbers, numbers) {
			t.Errorf("gaps %d: %d of %d numbers, %v", gaps, len(gotNumbers), len(numbers), err)
		}
	}
}
