package keys

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// TestProbeFindsWhatAMapFinds compares the candidates with a count in a map, for hashes of few bits and many, narrow
// entries and wide, in memory and spilled, with one writer and three.
func TestProbeFindsWhatAMapFinds(t *testing.T) {
	for _, test := range []struct {
		rows, writers int
		distinct      uint64
		wide          bool
		limit         int64
	}{
		{0, 1, 1, false, 1 << 30}, {1, 1, 1, false, 1 << 30}, {5000, 1, 100, false, 1 << 30}, {200_000, 1, 150_000, false, 1}, {200_000, 3, 150_000, false, 1 << 30},
		{200_000, 3, 150_000, false, 1}, {200_000, 3, 150_000, true, 1}, {100_000, 2, 1 << 62, true, 1 << 20}, {100_000, 2, 1, true, 1},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			budget := NewBudget(test.limit, t.TempDir())
			defer budget.Close()
			rng := rand.New(rand.NewPCG(1, 2))
			hashes := make([]uint64, test.rows)
			rowsOf := map[uint64][]int64{}
			for i := range hashes {
				// spread, and with the low bits that narrow entries cut off left empty
				hashes[i] = spread(EntityID{Lo: rng.Uint64N(test.distinct)}) >> 30 << 30
				rowsOf[hashes[i]] = append(rowsOf[hashes[i]], int64(i))
			}
			runs := NewRuns(budget, int64(test.rows), int64(test.rows), test.wide)
			writeAll(t, runs, hashes, test.writers)
			var got []Entry
			probed, err := runs.Probe(context.Background(), 2, nil, nil, nil, Receiver{Candidates: func(candidates []Entry) error {
				got = append(got, candidates...)
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			var want []Entry
			single := int64(0)
			for hash, rows := range rowsOf {
				if len(rows) == 1 {
					single++
					continue
				}
				for _, row := range rows {
					e := Entry{Hash: hash, Ordinal: row}
					if test.wide {
						e.Source, e.Event = uint8(row%3), row*7
					}
					want = append(want, e)
				}
			}
			slices.SortFunc(want, func(a, b Entry) int {
				if a.Hash != b.Hash {
					if a.Hash < b.Hash {
						return -1
					}
					return 1
				}
				return int(a.Ordinal - b.Ordinal)
			})
			if !slices.Equal(got, want) {
				t.Fatalf("%d candidates, want %d", len(got), len(want))
			}
			if probed.Distinct != int64(len(rowsOf)) || probed.Single != single {
				t.Errorf("distinct %d single %d, want %d %d", probed.Distinct, probed.Single, len(rowsOf), single)
			}
			if spilled := budget.SpilledBytes() > 0; spilled != (test.limit == 1 && test.rows > 50_000) && test.limit != 1<<20 {
				t.Errorf("spilled %d bytes with a limit of %d", budget.SpilledBytes(), test.limit)
			}
		})
	}
}

func writeAll(t *testing.T, runs *Runs, hashes []uint64, writers int) {
	t.Helper()
	var running sync.WaitGroup
	for worker := range writers {
		running.Go(func() {
			w := runs.NewWriter()
			if writers == 1 && w.Narrow() {
				signed := make([]int64, len(hashes))
				for i, hash := range hashes {
					signed[i] = int64(hash)
				}
				if err := w.AddHashes(signed, 0); err != nil {
					t.Error(err)
				}
			}
			for i := worker; i < len(hashes) && !(writers == 1 && w.Narrow()); i += writers {
				if err := w.Add(hashes[i], uint64(i), uint64(i%3), int64(i)*7); err != nil {
					t.Error(err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
}

// TestGroupingPairs counts keys that appear once in each source as paired, and gives back only those that break it.
func TestGroupingPairs(t *testing.T) {
	budget := NewBudget(1<<20, t.TempDir())
	runs := NewRuns(budget, 10, 10, true)
	w := runs.NewWriter()
	for i, row := range []struct{ hash, source uint64 }{{1 << 60, 0}, {1 << 60, 1}, {2 << 60, 0}, {3 << 60, 1}, {3 << 60, 1}, {4 << 60, 0}, {4 << 60, 1}, {4 << 60, 0}} {
		if err := w.Add(row.hash, uint64(i), row.source, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	var broken []int64
	probed, err := runs.Probe(context.Background(), 1, func(e Entry) uint64 { return uint64(e.Source) }, nil, nil, Receiver{Candidates: func(c []Entry) error {
		for _, e := range c {
			broken = append(broken, e.Ordinal)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Probed{Distinct: 4, Single: 1, Paired: 1, PairedRows: 2}); probed != want {
		t.Errorf("%+v, want %+v", probed, want)
	}
	if want := []int64{3, 4, 5, 6, 7}; !slices.Equal(broken, want) {
		t.Errorf("broken %v, want %v", broken, want)
	}
}

// TestSpillLeavesNothingBehind: the spill file has no name from the start, so that even a killed run leaves none.
func TestSpillLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	budget := NewBudget(0, dir)
	runs := NewRuns(budget, 1<<20, 1<<20, false)
	w := runs.NewWriter()
	for i := range uint64(1 << 20) {
		if err := w.Add(spread(EntityID{Lo: i}), i, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	if budget.SpilledBytes() == 0 {
		t.Fatal("nothing was spilled")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v in the spill folder, %v", entries, err)
	}
}

func TestSpillErrorNamesTheFolder(t *testing.T) {
	budget := NewBudget(0, "/nonexistent/spill")
	_, err := budget.write(make([]uint64, 8))
	var spill SpillError
	if !errors.As(err, &spill) || !spill.Retryable() {
		t.Fatalf("%v, want errors.As(err, &spill) && spill.Retryable()", err)
	}
	want := "open a spill file in /nonexistent/spill: open /nonexistent/spill"
	if got := err.Error(); len(got) < len(want) || got[:len(want)] != want {
		t.Errorf("got %q, want len(got) >= len(want) && got[:len(want)] == want", got)
	}
}

// TestNewestEqualsAMap compares with a map: narrow and wide identities, dense and sparse, spilled and not.
func TestNewestEqualsAMap(t *testing.T) {
	for _, test := range []struct {
		wide  bool
		span  Span
		limit int64
	}{{false, NoSpan, 1 << 30}, {false, NoSpan, 0}, {true, NoSpan, 1 << 30}, {true, NoSpan, 0}, {false, Span{-10, 60_000}, 1 << 30}, {false, Span{100, 200}, 0}} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			budget := NewBudget(test.limit, t.TempDir())
			defer budget.Close()
			rng := rand.New(rand.NewPCG(3, 4))
			newest := NewNewest(budget, 300_000, test.wide, test.span, 1<<30)
			want := map[EntityID]int64{}
			writers := []*NewestWriter{newest.NewWriter(), newest.NewWriter()}
			for i := range 300_000 {
				if i == 150_000 { // another goes on where one has ended
					if err := writers[0].Flush(); err != nil {
						t.Fatal(err)
					}
					writers[0] = newest.NewWriter()
				}
				id := EntityID{Lo: uint64(rng.Int64N(100_000) - 1000)}
				if test.wide {
					id.Hi = rng.Uint64N(2)
				}
				instant := rng.Int64N(1 << 50)
				if i%7 == 0 {
					instant = Absent
				}
				if before, ok := want[id]; !ok || instant > before {
					want[id] = instant
				}
				if err := writers[i%2].Add(id, instant); err != nil {
					t.Fatal(err)
				}
			}
			for _, w := range writers {
				if err := w.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			var mu sync.Mutex
			got := map[int64]int{}
			if err := newest.Visit(context.Background(), 2, Visits{Each: func(_ int, instant int64) {
				mu.Lock()
				defer mu.Unlock()
				got[instant]++
			}}); err != nil {
				t.Fatal(err)
			}
			for _, instant := range want {
				got[instant]--
				if got[instant] == 0 {
					delete(got, instant)
				}
			}
			if len(got) != 0 {
				t.Errorf("%d instants differ", len(got))
			}
		})
	}
}

func TestSurplusIsExact(t *testing.T) {
	rows := func(values ...string) []Row {
		out := []Row{{Measures: []Value{{Text: "1000000"}}}}
		for _, v := range values {
			out = append(out, Row{Measures: []Value{{Text: v, Null: v == ""}}})
		}
		return out
	}
	for _, test := range []struct {
		floating bool
		values   []string
		want     string
	}{
		{false, []string{"0.10", "0.20"}, "0.30"}, {false, []string{"-5", "3"}, "-2"}, {false, []string{"-0.05", "0.01"}, "-0.04"},
		{false, []string{"99999999999999999999999999999999999.99", "0.01"}, "100000000000000000000000000000000000.00"},
		{false, []string{"1", "", "0.5"}, "1.5"}, {false, nil, "0"},
		{true, []string{"0.1", "0.2"}, "0.30000000000000004"}, {true, []string{"1e308", "1", "-1e308"}, "1"}, {true, []string{"1e-320", "1"}, "1"},
		{true, []string{"nan", "1"}, "NaN"}, {true, []string{"inf", "1"}, "+Inf"}, {true, []string{"1e308", "1e308"}, "+Inf"},
	} {
		j := NewClassifier(nil, []Measure{{Name: "m", Floating: test.floating}}, nil, false)
		j.Group(rows(test.values...), all)
		if got := j.Surplus()["m"]; got != test.want {
			t.Errorf("%v: %s, want %s", test.values, got, test.want)
		}
	}
}

func TestGroupClasses(t *testing.T) {
	const hour = int64(3600) * 1_000_000
	offsets := []int64{0, 3600, 19800, -28800}
	event := func(instants ...int64) []Row {
		var rows []Row
		for _, at := range instants {
			rows = append(rows, Row{Event: at, Ingested: times.None, Payload: []Value{{Text: "a"}}})
		}
		return rows
	}
	for _, test := range []struct {
		name    string
		rows    []Row
		coarse  bool
		class   facts.DuplicateClass
		differs []string
	}{
		{"same time", event(5, 5), false, facts.Replay, nil},
		{"one offset", event(5, 5+8*hour), false, facts.ShiftedTwin, nil},
		{"half an hour zone", event(5, 5+5*hour+hour/2), false, facts.ShiftedTwin, nil},
		{"three copies", event(5, 5, 5+hour), false, facts.ShiftedTwin, nil},
		{"no offset", event(5, 6), false, facts.Conflict, []string{"event_time"}},
		{"an offset between two no offset", event(0, hour, 3*hour), false, facts.Conflict, []string{"event_time"}},
		{"coarse clock", event(0, hour), true, facts.Conflict, []string{"event_time"}},
		{"one without time", event(0, times.None), false, facts.Conflict, []string{"event_time"}},
		{"none with time", event(times.None, times.None), false, facts.Replay, nil},
		{"payload", []Row{{Payload: []Value{{Text: ""}}}, {Payload: []Value{{Null: true}}}}, false, facts.Conflict, []string{"p"}},
	} {
		v := NewClassifier([]string{"p"}, nil, offsets, test.coarse).Group(test.rows, all)
		if v.Class != test.class || !slices.Equal(v.Differs, test.differs) {
			t.Errorf("%s: %s %v, want %s %v", test.name, v.Class, v.Differs, test.class, test.differs)
		}
	}
}

func TestResolvable(t *testing.T) {
	for _, test := range []struct {
		ingested   []int64
		resolvable bool
		fanOut     int64
	}{{[]int64{1, 2}, true, 0}, {[]int64{2, 2}, false, 1}, {[]int64{1, 2, 2}, false, 1}, {[]int64{times.None, times.None, times.None}, false, 2}, {[]int64{1, times.None}, true, 0}} {
		var rows []Row
		for _, at := range test.ingested {
			rows = append(rows, Row{Ingested: at})
		}
		v := NewClassifier(nil, nil, nil, false).Group(rows, all)
		if v.Resolvable != test.resolvable || v.FanOut != test.fanOut {
			t.Errorf("%v: %v %d, want %v %d", test.ingested, v.Resolvable, v.FanOut, test.resolvable, test.fanOut)
		}
	}
}

func all(Row) bool { return true }
