package zonefit

import (
	"math"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/fixtures/zonemix"
)

const (
	india   = int32(19800)
	pacific = int32(-28800)
	tokyo   = int32(32400)
)

func realOffsets() []times.Offset {
	var offsets []times.Offset
	for _, o := range zone.RealOffsets(times.Instant(zonemix.Start), times.Instant(zonemix.Start).Add(14*times.Day)) {
		offsets = append(offsets, o.Offset)
	}
	return offsets
}

// partsOf gathers rows into a part for each day.
func partsOf(days int, each func(give func(zonemix.Row))) []Part {
	parts := make([]Part, days)
	onLattice := make([]int64, days)
	for i := range parts {
		parts[i] = Part{ID: int32(i), Lags: facts.NewLagHistogram()}
	}
	each(func(r zonemix.Row) {
		h := parts[r.Day].Lags
		h.Merge(&facts.LagHistogram{Counts: map[int32]int64{facts.LagBin(times.Span(r.Lag())): 1}, Rows: 1, Max: times.Span(r.Lag()), Min: times.Span(r.Lag())})
		if r.Event%int64(facts.EventBinWidth) == 0 {
			onLattice[r.Day]++
		}
	})
	for i := range parts {
		parts[i].Coarse = 2*onLattice[i] > parts[i].Lags.Rows
	}
	return parts
}

func fitMixture(m zonemix.Mixture, seed uint64) Estimate {
	return Fit(partsOf(m.Days, func(give func(zonemix.Row)) { m.Each(seed, give) }), realOffsets())
}

func offsetsFound(e Estimate) []int32 {
	var found []int32
	for _, p := range e.Populations {
		found = append(found, int32(p.East))
	}
	return found
}

func TestPlantedOffsetsAreFoundWithTheirShares(t *testing.T) {
	for _, test := range []struct {
		median time.Duration
		sigma  float64
		shares []zonemix.Share
		want   []int32
	}{
		{5 * time.Second, 0.5, []zonemix.Share{{Offset: pacific, Of: 0.3}}, []int32{pacific, 0}},
		{5 * time.Second, 0.5, []zonemix.Share{{Offset: india, Of: 0.01}}, []int32{0, india}},
		{time.Minute, 0.8, []zonemix.Share{{Offset: pacific, Of: 0.05}, {Offset: tokyo, Of: 0.1}}, []int32{pacific, 0, tokyo}},
		{5 * time.Minute, 0.8, []zonemix.Share{{Offset: pacific, Of: 0.6}}, []int32{pacific, 0}},
		{5 * time.Minute, 1, []zonemix.Share{{Offset: india, Of: 0.01}}, []int32{0, india}},
		// Kathmandu and Kolkata are a quarter of an hour apart.
		{20 * time.Second, 0.7, []zonemix.Share{{Offset: india, Of: 0.1}, {Offset: 20700, Of: 0.1}}, []int32{0, india, 20700}},
	} {
		e := fitMixture(zonemix.Mixture{Days: 4, RowsADay: 10_000, Median: test.median, Sigma: test.sigma, Shares: test.shares}, 1)
		if e.Verdict != Mixed || !slices.Equal(offsetsFound(e), test.want) {
			t.Errorf("%v, median %v: verdict %d, offsets %v, want %v", test.shares, test.median, e.Verdict, offsetsFound(e), test.want)
			continue
		}
		for _, planted := range test.shares {
			p := e.Populations[slices.Index(test.want, planted.Offset)]
			if p.Low > planted.Of || p.High < planted.Of {
				t.Errorf("offset %d: share %.4f in [%.4f, %.4f], planted %v", planted.Offset, p.Share, p.Low, p.High, planted.Of)
			}
		}
	}
}

func TestHonestStoresStaySilent(t *testing.T) {
	for _, honest := range zonemix.HonestStores() {
		for seed := range uint64(3) {
			e := Fit(partsOf(7, func(give func(zonemix.Row)) { honest.Each(seed, 7, 2000, give) }), realOffsets())
			if e.Verdict == Mixed || e.Verdict == None {
				t.Errorf("%s, seed %d: verdict %d, populations %+v", honest.Name, seed, e.Verdict, e.Populations)
			}
		}
	}
}

func TestAWholeSourceAtAPositiveLagIsAmbiguous(t *testing.T) {
	e := fitMixture(zonemix.Mixture{Days: 3, RowsADay: 2000, Median: 30 * time.Second, Sigma: 0.5, Shares: []zonemix.Share{{Offset: -3600, Of: 1}}}, 1)
	if e.Verdict != Ambiguous || !slices.Equal(offsetsFound(e), []int32{-3600}) {
		t.Errorf("verdict %d, %v", e.Verdict, offsetsFound(e))
	}
	// No event arrives before it happens: a whole source at a negative lag is no delay.
	e = fitMixture(zonemix.Mixture{Days: 3, RowsADay: 2000, Median: 30 * time.Second, Sigma: 0.5, Shares: []zonemix.Share{{Offset: india, Of: 1}}}, 1)
	if e.Verdict != Mixed || !slices.Equal(offsetsFound(e), []int32{india}) {
		t.Errorf("verdict %d, %v", e.Verdict, offsetsFound(e))
	}
}

func TestADayOfFourHoursDelayIsAmbiguousToo(t *testing.T) {
	parts := partsOf(6, func(give func(zonemix.Row)) {
		zonemix.Mixture{Days: 6, RowsADay: 3000, Median: 20 * time.Second, Sigma: 0.5}.Each(7, func(r zonemix.Row) {
			if r.Day == 3 {
				r.Ingested += 4 * 3600e6
			}
			give(r)
		})
	})
	if e := Fit(parts, realOffsets()); e.Verdict != Ambiguous {
		t.Errorf("verdict %d, %+v", e.Verdict, e.Populations)
	}
}

func TestAFaultOfOneDayIsFoundAndPlaced(t *testing.T) {
	parts := partsOf(40, func(give func(zonemix.Row)) {
		n := 0
		zonemix.Mixture{Days: 40, RowsADay: 1000, Median: time.Minute, Sigma: 0.8, LateShare: 0.2}.Each(3, func(r zonemix.Row) {
			if n++; r.Day == 17 && n%20 == 0 {
				r.Event += int64(tokyo) * 1e6
			}
			give(r)
		})
	})
	e := Fit(parts, realOffsets())
	if e.Verdict != Mixed || !slices.Equal(offsetsFound(e), []int32{0, tokyo}) {
		t.Fatalf("verdict %d, %v", e.Verdict, offsetsFound(e))
	}
	p := e.Populations[1]
	if len(p.Parts) != 1 || p.Parts[0].ID != 17 || p.Parts[0].Rows < 30 || p.Parts[0].Rows > 55 {
		t.Errorf("of 50 rows a fifth of them late: %+v", p.Parts)
	}
}

func TestStepsAtAClockChange(t *testing.T) {
	// New York is at UTC-4 until 1 November, the sixth day, at 06:00 UTC.
	parts := partsOf(10, func(give func(zonemix.Row)) {
		zonemix.Mixture{Days: 10, RowsADay: 3000, Median: 20 * time.Second, Sigma: 0.5}.Each(1, func(r zonemix.Row) {
			if r.Event < zonemix.Start+(5*24+6)*3600e6 {
				r.Event -= 4 * 3600e6
			} else {
				r.Event -= 5 * 3600e6
			}
			give(r)
		})
	})
	e := Fit(parts, realOffsets())
	steps := e.Steps()
	if len(steps) != 1 || steps[0].Before.East != -14400 || steps[0].After.East != -18000 {
		t.Fatalf("%v: %+v, want len(steps) == 1 && steps[0].Before.East == -14400 && steps[0].After.East == -18000", offsetsFound(e), steps)
	}
	if last, _ := steps[0].Before.Last(); last != 5 {
		t.Errorf("the first offset ends in part %d", last)
	}
}

func TestNothingToTellFrom(t *testing.T) {
	if e := Fit(nil, realOffsets()); e.Verdict != None {
		t.Errorf("no parts: %+v", e)
	}
	few := fitMixture(zonemix.Mixture{Days: 1, RowsADay: 20, Median: time.Second, Sigma: 0.1}, 1)
	if few.Verdict != CannotTell || few.Rows != 20 {
		t.Errorf("20 rows: %+v", few)
	}
	wide := fitMixture(zonemix.Mixture{Days: 2, RowsADay: 5000, Median: 4 * time.Hour, Sigma: 1}, 1)
	if wide.Verdict != CannotTell || wide.Sharp != 0 || wide.Spread < 3*3600e6 || wide.Spread > 8*3600e6 {
		t.Errorf("lags of hours: %+v", wide)
	}
}

func TestConcentrationIsThatOfTheFormula(t *testing.T) {
	// A lag that decays exponentially with mean m has concentration 1/sqrt(1+(2 pi m/T)^2) modulo T.
	h := facts.NewLagHistogram()
	const n, mean = 200_000, 433.0
	for i := range n {
		lag := int64(-mean * math.Log((float64(i)+0.5)/n) * 1e6)
		h.Counts[facts.LagBin(times.Span(lag))]++
		h.Rows++
	}
	want := 1 / math.Sqrt(1+math.Pow(2*math.Pi*mean/900, 2))
	if got := newGrid(h).concentration(); math.Abs(got-want) > 0.005 {
		t.Errorf("got %.4f, want %.4f", got, want)
	}
}

func TestWindowHoldsThePopulation(t *testing.T) {
	from, to := Population{East: times.Offset(india)}.Window()
	if from != -(19800+300)*1_000_000 || to != -(19800-900)*1_000_000 {
		t.Errorf("%d to %d", from, to)
	}
}
