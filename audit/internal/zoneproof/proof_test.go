package zoneproof

import (
	"reflect"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

const pacific, india = times.Offset(-8 * 3600), times.Offset(19_800)

// staleAt is a feed that is stale at some offsets, for sure.
func staleAt(stale []times.Offset, candidates ...times.Offset) Feed {
	return Feed{candidates: candidates, stale: func(east times.Offset) (sure, maybe bool) {
		for _, o := range stale {
			if o == east {
				return true, true
			}
		}
		return false, false
	}}
}

// TestAVerdictIsCertainWhereAllZonesAgree: a subject is stale where all of its feeds are, and the verdict where some subject is.
func TestAVerdictIsCertainWhereAllZonesAgree(t *testing.T) {
	for _, test := range []struct {
		name         string
		subjects     [][]Feed
		certain      bool
		stale, fresh []int64
	}{
		{"nothing to judge", nil, true, nil, nil},
		{"stale in every zone", [][]Feed{{staleAt([]times.Offset{0, pacific}, pacific, 0)}}, true, []int64{-480, 0}, nil},
		{"fresh in every zone", [][]Feed{{staleAt(nil, pacific, 0)}}, true, nil, []int64{-480, 0}},
		{"stale only where it is India's", [][]Feed{{staleAt([]times.Offset{india}, 0, india)}}, false, []int64{330}, []int64{0}},
		{"a feed that is fresh speaks for the view", [][]Feed{{staleAt([]times.Offset{0}, 0), staleAt(nil, 0)}}, true, nil, []int64{0}},
		{"one stale subject is enough", [][]Feed{{staleAt([]times.Offset{0}, 0)}, {staleAt(nil, 0, india)}}, true, []int64{0, 330}, nil},
	} {
		z := Bound(test.subjects)
		if z.Certain() != test.certain || !reflect.DeepEqual(z.Stale, test.stale) || !reflect.DeepEqual(z.Fresh, test.fresh) {
			t.Errorf("%s: certain %v, stale at %v, fresh at %v; want %v, %v, %v", test.name, z.Certain(), z.Stale, z.Fresh, test.certain, test.stale, test.fresh)
		}
	}
}

// TestLongLagsAreBoundedByTheirBins: a lag of 100 s lies in the bin of whole seconds from 100 to 101.
func TestLongLagsAreBoundedByTheirBins(t *testing.T) {
	lags := facts.NewLagHistogram()
	lags.Counts[facts.LagBin(100*times.Second)]++
	in := evidence.Input{}
	in.Collection.Lags = map[facts.Population]*facts.LagHistogram{{Partition: -1, Source: "a"}: lags}
	b := NewZones(evidence.NewIndex(in), 0.05)
	for _, test := range []struct {
		limit       times.Span
		east        times.Offset
		sure, maybe bool
	}{
		{99 * times.Second, 0, true, true}, {100 * times.Second, 0, false, true}, {101 * times.Second, 0, false, false},
		{100*times.Second + times.Hour, 3600, false, true}, {99*times.Second + times.Hour, 3600, true, true}, {0, -3600, false, false},
	} {
		sure, maybe := staleByLag(b, "a", test.limit)(test.east)
		if sure != test.sure || maybe != test.maybe {
			t.Errorf("limit %d, %d s east: sure %v, maybe %v; want %v and %v", test.limit, test.east, sure, maybe, test.sure, test.maybe)
		}
	}
	if sure, maybe := staleByLag(b, "other", 0)(0); sure || maybe {
		t.Error("another source has no lags, and is stale by them")
	}
}

// TestTheCopyThatDisagreesIsBlamed: what most telling keys say decides, else that no zone is where the other clock would be.
func TestTheCopyThatDisagreesIsBlamed(t *testing.T) {
	real := []zone.RealOffset{{Offset: pacific, Zones: []string{"America/Los_Angeles"}}, {Offset: 0, Zones: []string{"UTC"}}, {Offset: india, Zones: []string{"Asia/Kolkata"}},
		{Offset: -pacific, Zones: []string{"Asia/Shanghai"}}}
	for _, test := range []struct {
		name         string
		apart        times.Offset
		trueA, trueB int64
		wrong        string
		offset       times.Offset
	}{
		{"a agrees with its partition", pacific, 9, 1, "b", pacific},
		{"b agrees with its partition", pacific, 1, 9, "a", -pacific},
		{"no zone is at the opposite offset", india, 0, 0, "b", india},
		{"no zone is at this one", -india, 0, 0, "a", india},
		{"nothing says", pacific, 0, 0, "", 0},
		{"keys disagree", pacific, 5, 5, "", 0},
	} {
		twin := Twin{TwinCount: facts.TwinCount{A: "a", B: "b", Apart: test.apart, TrueA: test.trueA, TrueB: test.trueB}}
		twin.blame(real)
		if twin.wrong != test.wrong || twin.Offset != test.offset || twin.Known != (test.wrong != "") {
			t.Errorf("%s: %q is wrong at %d (known %v), want %q at %d", test.name, twin.wrong, twin.Offset, twin.Known, test.wrong, test.offset)
		}
	}
}

// TestAnOffsetNeedsSupport: at least three keys, and five times as many as the median other offset of the same sources.
func TestAnOffsetNeedsSupport(t *testing.T) {
	real := []zone.RealOffset{{Offset: pacific}, {Offset: 0}, {Offset: india}}
	count := func(apart times.Offset, keys int64) facts.TwinCount {
		return facts.TwinCount{A: "a", B: "b", Apart: apart, Keys: keys}
	}
	noise := []facts.TwinCount{count(-pacific, 2), count(india, 2), count(-india, 2)}
	for keys, want := range map[int64]bool{2: false, 3: false, 9: false, 10: true} {
		n := count(pacific, keys)
		if got := supported(n, append([]facts.TwinCount{n}, noise...), real); got != want {
			t.Errorf("%d keys beside offsets with 2 each: supported %v, want %v", keys, got, want)
		}
	}
	if n := count(pacific, 3); !supported(n, []facts.TwinCount{n}, real) {
		t.Error("3 keys and no other offset are no support, want them to be")
	}
}

func TestHoursOfTheDayAreMovedBack(t *testing.T) {
	var peers, own [DayHours]float64
	for hour := 9; hour < 17; hour++ {
		peers[hour], own[(hour+6)%DayHours] = 1, 1
	}
	if best := BestShift("a", own, peers); best.Shift != 6 || Rounded(best.Correlation) != 1 {
		t.Errorf("hours that lie 6 later than those of the peers are moved by %d with a correlation of %v, want 6 and 1", best.Shift, best.Correlation)
	}
	if flat := BestShift("a", [DayHours]float64{}, peers); flat.Shift != 0 || flat.Correlation != 0 {
		t.Errorf("a flat day is moved by %d with a correlation of %v, want 0 and 0", flat.Shift, flat.Correlation)
	}
}

// TestWindowsOfCorrectionsDoNotOverlap: a population's lags end where another's begin.
func TestWindowsOfCorrectionsDoNotOverlap(t *testing.T) {
	home, late := zonefit.Population{}, zonefit.Population{East: -3600}
	s := Series{Estimate: zonefit.Estimate{Populations: []zonefit.Population{late, home}}}
	from, to := correctedLags(s, late)
	windowFrom, windowTo := late.Window()
	if _, homeTo := home.Window(); from != max(windowFrom, homeTo) || to != windowTo {
		t.Errorf("rows an hour late are those from %d to %d, want %d to %d", from, to, max(windowFrom, homeTo), windowTo)
	}
}

// TestViewsWithoutSourcesHaveNoProvedOffset: nothing was read that could prove one.
func TestViewsWithoutSourcesHaveNoProvedOffset(t *testing.T) {
	in := evidence.Input{}
	in.View = model.View{TTL: model.TTL{Duration: time.Hour}}
	in.Collection.Entities = &facts.Entities{}
	b := NewZones(evidence.NewIndex(in), 0.05)
	if east, proved := b.EntityShift(); proved || east != 0 || b.ProvedShift() != 0 {
		t.Errorf("a view without rows is proved to be %d s to the east", east)
	}
	if subjects, ok := RowFeeds(b); len(subjects) != 0 || !ok {
		t.Errorf("a view without rows has %d subjects (%v), want none", len(subjects), ok)
	}
}
