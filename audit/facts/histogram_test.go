package facts

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/featureaudit/featureaudit/audit/times"
)

// TestLagBinsTileAllLags: each bin begins where the one before it ends, and holds both its edges' sides as its bounds say.
func TestLagBinsTileAllLags(t *testing.T) {
	_, end := LagBounds(-LagBins)
	for bin := -LagBins + 1; bin < LagBins; bin++ {
		lo, hi := LagBounds(bin)
		if lo != end || hi <= lo {
			t.Fatalf("bin %d is from %d to %d, want it to begin at %d, where the one before it ends", bin, lo, hi, end)
		}
		for _, lag := range []times.Span{lo, lo + 1, hi - 1} {
			if got := LagBin(lag); got != bin {
				t.Fatalf("a lag of %d microseconds is in bin %d, want %d, which is from %d to %d", lag, got, bin, lo, hi)
			}
		}
		end = hi
	}
	for lag, want := range map[times.Span]int32{0: 0, 999_999: 0, 1_000_000: 1, -1: -1, -1_000_000: -1, -1_000_001: -2, 899_999_999: 899, 900_000_000: 900, 959_999_999: 900,
		math.MaxInt64: LagBins - 1, math.MinInt64 + 1: -LagBins} {
		if got := LagBin(lag); got != want {
			t.Errorf("a lag of %d microseconds is in bin %d, want %d", lag, got, want)
		}
	}
}

// TestQuantilesHoldTheRowOfTheirRank compares them with the sorted lags themselves, of histograms that were merged in pieces.
func TestQuantilesHoldTheRowOfTheirRank(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for _, rows := range []int{1, 2, 3, 10, 99, 100, 101, 1000} {
		pieces := []*LagHistogram{NewLagHistogram(), NewLagHistogram(), NewLagHistogram()}
		var lags []times.Span
		for i := range rows {
			lag := times.Span(math.Exp(rng.Float64()*math.Log(1e14))) - 5_000_000
			lags = append(lags, lag)
			h := pieces[i%3]
			h.Counts[LagBin(lag)]++
			h.Rows++
			h.Max = max(h.Max, lag)
			if h.Min == times.None || lag < h.Min {
				h.Min = lag
			}
		}
		slices.Sort(lags)
		whole := NewLagHistogram()
		for _, h := range pieces {
			whole.Merge(h)
		}
		if whole.Rows != int64(rows) || whole.Min != lags[0] || whole.Max != lags[rows-1] {
			t.Errorf("%d rows from %d to %d, want %d from %d to %d", whole.Rows, whole.Min, whole.Max, rows, lags[0], lags[rows-1])
		}
		for percent := 1; percent <= 100; percent++ {
			want := lags[(percent*rows+99)/100-1] // the row of rank ceil(percent/100 * rows), in whole numbers
			lo, hi, ok := whole.Quantile(float64(percent) / 100)
			// 7/100 is a little more than 0.07 in binary: the rank may be the next one where their product is whole
			next := lags[min((percent*rows+99)/100, rows-1)]
			if !ok || (want < lo || want >= hi) && (percent*rows%100 != 0 || next < lo || next >= hi) {
				t.Errorf("%d rows: the quantile of %d %% lies from %d to %d, want the bin of %d", rows, percent, lo, hi, want)
			}
		}
	}
	if _, _, ok := NewLagHistogram().Quantile(0.5); ok {
		t.Error("an empty histogram has a median, want none")
	}
}

func TestEventBinsAreQuarterHours(t *testing.T) {
	const quarter = 900_000_000
	for event, want := range map[times.Instant]int32{0: 0, quarter - 1: 0, quarter: 1, -1: -1, -quarter: -1, -quarter - 1: -2, 1_793_667_723_000_000: 1_992_964} {
		if got := EventBin(event); got != want {
			t.Errorf("the instant %d is in bin %d, want %d", event, got, want)
		}
	}
}
