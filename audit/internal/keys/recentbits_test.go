package keys

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/featureaudit/featureaudit/audit/times"
)

// TestNewestPartitionsFirst adds blocks of partitions from the newest to the oldest, as a scan does, with rows that stray
// out of theirs, without an instant, with one that does not count, and of identities outside the span, by writers at once.
// Every identity keeps the instant that a map keeps, while few identities are marked, while most are, and in any order.
func TestNewestPartitionsFirst(t *testing.T) {
	const partitions, blocks, blockRows, day = 12, 30, 2048, int64(1_000_000)
	for _, test := range []struct {
		places  int64
		inOrder bool
	}{{1, true}, {1000, true}, {1000, false}, {70_000, true}, {400_000, true}, {400_000, false}} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			span := Span{First: -7, Last: test.places - 8}
			budget := NewBudget(1<<30, t.TempDir())
			defer budget.Close()
			newest := NewNewest(budget, 1<<22, false, span, 1<<30)
			if newest.recent == nil {
				t.Fatal("the span has no array")
			}
			var mu sync.Mutex
			want := map[int64]int64{}
			var running sync.WaitGroup
			for writer := range 2 {
				running.Go(func() {
					rng := rand.New(rand.NewPCG(uint64(writer), uint64(test.places)))
					w := newest.NewWriter()
					ids, instants := make([]int64, blockRows), make([]int64, blockRows)
					for p := range int64(partitions) {
						if !test.inOrder {
							p = rng.Int64N(partitions)
						}
						start := (partitions - p) * day
						w.Expect(start)
						for range blocks {
							for i := range ids {
								ids[i], instants[i] = span.First+rng.Int64N(test.places), start+rng.Int64N(day)
								switch rng.IntN(200) {
								case 0:
									instants[i] -= rng.Int64N(20 * day)
								case 1:
									instants[i] += rng.Int64N(20 * day)
								case 2:
									instants[i] = times.None
								case 3:
									instants[i] = Absent
								case 4:
									ids[i] = span.Last + 1 + rng.Int64N(5)
								case 5:
									ids[i] = span.First - 1 - rng.Int64N(5)
								}
							}
							if err := w.AddIntegers(ids, instants); err != nil {
								t.Error(err)
							}
							mu.Lock()
							for i, id := range ids {
								before, seen := want[id]
								if instants[i] != times.None && (!seen || instants[i] > before) {
									want[id] = instants[i]
								}
							}
							mu.Unlock()
						}
					}
					if err := w.Flush(); err != nil {
						t.Error(err)
					}
				})
			}
			running.Wait()
			if filtered := newest.recent.now.Load().open != nil; !filtered && test.inOrder && test.places < maxOpen {
				t.Error("no filter was made")
			}
			got := map[int64]int{}
			if err := newest.Visit(t.Context(), 1, Visits{Each: func(_ int, instant int64) { got[instant]++ }}); err != nil {
				t.Fatal(err)
			}
			for _, instant := range want {
				got[instant]--
			}
			for instant, n := range got {
				if n != 0 {
					t.Fatalf("instant %d is the newest of %d identities too many", instant, n)
				}
			}
		})
	}
}
