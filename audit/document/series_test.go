package document

import (
	"math/rand/v2"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// TestCoarseBinsKeepEveryRow: whatever the lags, at most so many bins hold every row once, in order, each between its edges.
func TestCoarseBinsKeepEveryRow(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	spans := []int64{1_000_000, 90_000_000, 4_000_000_000, 90_000_000_000, 40 * 86_400_000_000, 60_000 * 86_400_000_000}
	for round := range 200 {
		h := facts.NewLagHistogram()
		var lags []int64
		for range 1 + random.IntN(3000) {
			span := spans[random.IntN(len(spans))]
			lag := random.Int64N(2*span) - span
			lags = append(lags, lag)
			h.Counts[facts.LagBin(times.Span(lag))]++
			h.Rows++
		}
		bins := coarse(h, report.MaxLagBins)
		if len(bins) == 0 || len(bins) > report.MaxLagBins {
			t.Fatalf("round %d: %d bins", round, len(bins))
		}
		for i, bin := range bins {
			if bin.FromSeconds >= bin.ToSeconds || i > 0 && bin.FromSeconds < bins[i-1].ToSeconds {
				t.Fatalf("round %d: bin %d is %+v after %+v", round, i, bin, bins[max(0, i-1)])
			}
			want := int64(0)
			for _, lag := range lags {
				if lo, _ := facts.LagBounds(facts.LagBin(times.Span(lag))); lo.Seconds() >= bin.FromSeconds && lo.Seconds() < bin.ToSeconds {
					want++
				}
			}
			if bin.Rows != want {
				t.Fatalf("round %d: bin %+v, want %d rows", round, bin, want)
			}
		}
	}
}

// TestCoarseBinsStayFineWhereTheyMay: few lags keep their own bins.
func TestCoarseBinsStayFineWhereTheyMay(t *testing.T) {
	h := facts.NewLagHistogram()
	for _, lag := range []int64{-28_800_000_000, 3_000_000, 4_000_000} {
		h.Counts[facts.LagBin(times.Span(lag))]++
	}
	bins := coarse(h, report.MaxLagBins)
	if len(bins) != 3 || bins[1] != (report.LagBin{FromSeconds: 3, ToSeconds: 4, Rows: 1}) {
		t.Errorf("got %+v", bins)
	}
}
