package collect

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/times"
)

// TestNewestOfEntities compares the entities of rows with a plain map: integers that lie near each other and far apart, on either side of 0, at the
// ends of what there is; hashes, of which some share their upper bits; instants of one day, of centuries, none, and such as do not count.
func TestNewestOfEntities(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 66))
	random := func(width int) uint64 { return rng.Uint64() & (1<<width - 1) }
	instants := []struct {
		name string
		one  func() int64
	}{
		{"a day", func() int64 { return 1_793_000_000_000_000 + int64(random(36)) }},
		{"some none", func() int64 {
			if rng.IntN(3) == 0 {
				return times.None
			}
			return int64(random(40))
		}},
		{"all none", func() int64 { return times.None }},
		{"some that do not count", func() int64 {
			if rng.IntN(50) == 0 {
				return keys.Absent
			}
			return int64(random(40))
		}},
		{"71 years around", func() int64 { return int64(random(52)) - 1<<51 }},
		{"any", func() int64 { return int64(rng.Uint64()) }},
		{"the ends", func() int64 {
			return []int64{math.MaxInt64, keys.Absent, keys.Absent + 1, math.MaxInt64 - 1}[rng.IntN(4)]
		}},
		{"nearly the ends", func() int64 {
			return []int64{1<<62 - 1, 1 - 1<<62, 1 << 62, -1 << 62, math.MaxInt64, keys.Absent}[rng.IntN(6)]
		}},
	}
	for _, rows := range []int{1, 2, 100, leastPlaced + 77} {
		for _, width := range []int{0, 1, 11, 12, 13, 23, 24, 43, 44, 45, 63, 64} {
			for _, of := range instants {
				for _, wide := range []bool{false, true} {
					b := &capturedEntities{}
					first := []uint64{0, 5, -random(max(width-1, 0)), 1 << 63, math.MaxInt64 - random(width)}[rng.IntN(5)]
					for range rows {
						id := uint64(0)
						if width > 0 {
							id = rng.Uint64() >> (64 - width)
						}
						if wide {
							b.low, b.high = append(b.low, int64(id<<(64-max(width, 1)))), append(b.high, int64(random(1)))
						} else {
							b.low = append(b.low, int64(first+id))
						}
						b.newest = append(b.newest, of.one())
					}
					name := fmt.Sprintf("%d rows of %d bits, wide %v, instants: %s", rows, width, wide, of.name)
					want := newestByMap(b)
					s := &sorter{}
					checkNewest(t, name, s.newestOf(&capturedEntities{low: slices.Clone(b.low), high: slices.Clone(b.high), newest: slices.Clone(b.newest)}), want)
					// in two parts, with a sorter that was used before
					half := rows / 2
					if half == 0 {
						continue
					}
					var high, rest []int64
					if wide {
						high, rest = slices.Clone(b.high[:half]), slices.Clone(b.high[half:])
					}
					found := s.newestOf(&capturedEntities{low: slices.Clone(b.low[:half]), high: high, newest: slices.Clone(b.newest[:half])})
					one := found.clone()
					checkNewest(t, name+", joined", one.joined(s.newestOf(&capturedEntities{low: slices.Clone(b.low[half:]), high: rest, newest: slices.Clone(b.newest[half:])})), want)
				}
			}
		}
	}
}

func newestByMap(b *capturedEntities) newestEntities {
	newest := map[[2]int64]int64{}
	for i, low := range b.low {
		of := [2]int64{low, 0}
		if b.high != nil {
			of[1] = b.high[i]
		}
		if b.newest[i] == times.None {
			continue
		}
		if known, ok := newest[of]; !ok || b.newest[i] > known {
			newest[of] = b.newest[i]
		}
	}
	ids := slices.SortedFunc(maps.Keys(newest), func(x, y [2]int64) int {
		if b.high == nil {
			return cmp.Compare(x[0], y[0])
		}
		return cmp.Or(cmp.Compare(uint64(x[0]), uint64(y[0])), cmp.Compare(uint64(x[1]), uint64(y[1])))
	})
	var e newestEntities
	for _, id := range ids {
		e.low, e.newest = append(e.low, id[0]), append(e.newest, newest[id])
		if b.high != nil {
			e.high = append(e.high, id[1])
		}
	}
	return e
}

func checkNewest(t *testing.T, name string, got, want newestEntities) {
	t.Helper()
	if !slices.Equal(got.low, want.low) || !slices.Equal(got.high, want.high) || !slices.Equal(got.newest, want.newest) {
		t.Fatalf("%s: %d entities, want %d", name, len(got.low), len(want.low))
	}
}
