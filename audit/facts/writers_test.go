package facts

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/featureaudit/featureaudit/audit/times"
)

// someRows are rows of many writers, a few of them busy, with times that repeat.
func someRows(seed uint64, n int) []WriterRow {
	r := rand.New(rand.NewPCG(seed, 1))
	var rows []WriterRow
	for range n {
		writer := r.Uint64N(300)
		if r.IntN(3) == 0 {
			writer = r.Uint64N(4)
		}
		ingested := r.Int64N(200) * 3_600_000_000
		row, ok := NewWriterRow(WriterHash(writer), times.Instant(ingested-r.Int64N(40)*60_000_000), times.Instant(ingested), int32(r.IntN(5)))
		if ok {
			rows = append(rows, row)
		}
	}
	return rows
}

// TestSettleDependsOnTheRowsAlone settles the same rows in several orders, at once and bit by bit.
func TestSettleDependsOnTheRowsAlone(t *testing.T) {
	for seed := range uint64(20) {
		rows := someRows(seed, 4000)
		whole := WriterSample{Rows: slices.Clone(rows), Limit: AllWriters}
		whole.Settle(700)
		if len(whole.Rows) > 700 || len(whole.Rows) < 500 || whole.Limit == AllWriters {
			t.Fatalf("%d rows, limit %d", len(whole.Rows), whole.Limit)
		}
		r := rand.New(rand.NewPCG(seed, 2))
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		parts := WriterSample{Limit: AllWriters}
		for len(rows) > 0 {
			n := min(len(rows), 1+r.IntN(900))
			parts.Rows = append(parts.Rows, rows[:n]...)
			rows = rows[n:]
			parts.Settle(700)
		}
		if !slices.Equal(whole.Rows, parts.Rows) || whole.Limit != parts.Limit {
			t.Fatalf("seed %d: %d rows below %d at once, %d below %d bit by bit", seed, len(whole.Rows), whole.Limit, len(parts.Rows), parts.Limit)
		}
	}
}

// TestRowsOfAnyNumberAreInOrder sorts so few rows that they are compared, and so many that they have places.
func TestRowsOfAnyNumberAreInOrder(t *testing.T) {
	for _, n := range []int{0, 1, 2, 60, 127, 128, 129, 200, 600, 1023, 1024, 5000} {
		rows := someRows(uint64(n), n)
		want := slices.Clone(rows)
		slices.SortFunc(want, compareWriterRows)
		s := WriterSample{Rows: rows, Limit: AllWriters}
		s.sort()
		if !slices.Equal(s.Rows, want) {
			t.Errorf("%d rows are not in order", n)
		}
	}
}

// TestSettleKeepsWholeWriters compares with what the definition says, counted plainly.
func TestSettleKeepsWholeWriters(t *testing.T) {
	rows := someRows(7, 4000)
	distinctRows := map[uint64]map[uint32]bool{}
	for _, r := range rows {
		if distinctRows[r.Writer] == nil {
			distinctRows[r.Writer] = map[uint32]bool{}
		}
		distinctRows[r.Writer][r.Row] = true
	}
	s := WriterSample{Rows: rows, Limit: AllWriters}
	s.Settle(700)
	kept := map[uint64]int{}
	for _, r := range s.Rows {
		kept[r.Writer]++
	}
	for writer, all := range distinctRows {
		want := min(len(all), MaxRowsOfWriter)
		if writer >= s.Limit {
			want = 0
		}
		if kept[writer] != want {
			t.Errorf("writer %d: %d rows, want %d", writer, kept[writer], want)
		}
	}
}

func TestWriterRowsBeyondTheirReachAreNone(t *testing.T) {
	const hour = int64(3_600_000_000)
	for lag, want := range map[int64]bool{-16 * hour: true, -16*hour - 1: false, 72*hour - 1: true, 72 * hour: false} {
		r, ok := NewWriterRow(1, times.Instant(100*24*hour-lag), times.Instant(100*24*hour), 0)
		if ok != want {
			t.Errorf("lag %d: %v", lag, ok)
		}
		if ok && int64(r.Lag) != floorMinutes(lag) {
			t.Errorf("lag %d: %d min", lag, r.Lag)
		}
	}
}

func TestWrittenEstimatesBusyWriters(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	sum := 0.0
	const writers, each = 200, 500
	for range writers {
		s := WriterSample{Limit: AllWriters}
		for range each {
			s.Rows = append(s.Rows, WriterRow{Writer: 1, Row: r.Uint32()})
		}
		s.Settle(1000)
		sum += Written(s.Rows)
	}
	if mean := sum / writers; mean < 0.95*each || mean > 1.05*each {
		t.Errorf("%.0f rows a writer, want %d", mean, each)
	}
	if got := Written([]WriterRow{{Row: 9}, {Row: 11}}); got != 2 {
		t.Errorf("two rows: %v", got)
	}
}
