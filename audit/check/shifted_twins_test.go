package check

import (
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

func withTwins(twins ...facts.TwinCount) *store {
	s := healthy(dailyView())
	s.Collection.Keys.Twins = twins
	return s
}

func TestShiftedTwinsNameTheWriter(t *testing.T) {
	s := withTwins(facts.TwinCount{A: "batch", B: "streaming", Apart: times.Offset(pacific), Keys: 40, PayloadEqual: 38, PayloadDiffers: 2, TrueA: 40, First: 2, Last: 4})
	r := s.of(t, "shifted-twins")
	expect(t, r, report.Fail, 40, 9000, "40 of 9,000 rows (0.44 %) repeat a key one UTC offset away, from dt=2026-11-03 to dt=2026-11-05; "+
		"40 keys between batch and streaming are 8h apart: streaming stamps UTC-08:00 (America/Los_Angeles, America/Anchorage, America/Ensenada and 8 more), "+
		"since the other copy agrees with its partition and ingest time; payload equal in 38 of 40 compared")
	if r.Evidence != report.Arithmetic || r.FirstPartition != "dt=2026-11-03" || r.LastPartition != "dt=2026-11-05" {
		t.Errorf(`got %+v, want r.Evidence == report.Arithmetic && r.FirstPartition == "dt=2026-11-03" && r.LastPartition == "dt=2026-11-05"`, r)
	}
}

func TestShiftedTwinsAreDecidedByTheOnlyRealSign(t *testing.T) {
	// No place is at UTC-05:30.
	r := withTwins(facts.TwinCount{A: "batch", B: "streaming", Apart: times.Offset(india), Keys: 5, First: 0, Last: 0}).of(t, "shifted-twins")
	if r.Outcome != report.Fail || r.Findings[0].Subject.Source != "streaming" || !strings.Contains(r.Message, "since no zone has the opposite offset") {
		t.Errorf(`got %+v, want r.Outcome == report.Fail && r.Findings[0].Subject.Source == "streaming" && strings.Contains(r.Message, "since no zone has the opposite offset")`, r)
	}
	r = withTwins(facts.TwinCount{A: "batch", B: "streaming", Apart: times.Offset(-india), Keys: 5, First: 0, Last: 0}).of(t, "shifted-twins")
	if r.Outcome != report.Fail || r.Findings[0].Subject.Source != "batch" {
		t.Errorf(`got %+v, want r.Outcome == report.Fail && r.Findings[0].Subject.Source == "batch"`, r)
	}
	// Eight hours may be either's.
	r = withTwins(facts.TwinCount{A: "batch", B: "streaming", Apart: times.Offset(pacific), Keys: 5, First: 0, Last: 0}).of(t, "shifted-twins")
	if r.Outcome != report.Fail || r.Findings[0].Subject.Source != "" || !strings.Contains(r.Message, "nothing says which copy is true") {
		t.Errorf(`got %+v, want r.Outcome == report.Fail && r.Findings[0].Subject.Source == "" && strings.Contains(r.Message, "nothing says which copy is true")`, r)
	}
}

func TestShiftedTwinsNeedSupport(t *testing.T) {
	for name, test := range map[string]struct {
		twins []facts.TwinCount
		bad   int64
	}{
		"two keys across sources":           {[]facts.TwinCount{{A: "a", B: "b", Apart: times.Offset(pacific), Keys: 2, PayloadEqual: 2}}, 0},
		"three keys across sources":         {[]facts.TwinCount{{A: "a", B: "b", Apart: times.Offset(pacific), Keys: 3}}, 3},
		"one key of one source":             {[]facts.TwinCount{{A: "a", B: "a", Apart: 3600, Keys: 1, PayloadEqual: 1}}, 1},
		"another payload within one source": {[]facts.TwinCount{{A: "a", B: "a", Apart: 3600, Keys: 9, PayloadDiffers: 9}}, 0},
		"as many at every offset":           {everyHour(20), 0},
		"one far above every offset":        {append(everyHour(20), facts.TwinCount{A: "a", B: "b", Apart: times.Offset(india), Keys: 100}), 100},
	} {
		r := withTwins(test.twins...).of(t, "shifted-twins")
		if r.RowsBad != test.bad || (test.bad > 0) != (r.Outcome == report.Fail) {
			t.Errorf("%s: %s, %d rows, want %d: %s", name, r.Outcome, r.RowsBad, test.bad, r.Message)
		}
	}
}

// everyHour shows each offset of a whole hour in as many keys: events that are rounded to the hour by chance.
func everyHour(keys int64) []facts.TwinCount {
	var twins []facts.TwinCount
	for h := int64(-14); h <= 14; h++ {
		if h != 0 {
			twins = append(twins, facts.TwinCount{A: "a", B: "b", Apart: times.Offset(h * 3600), Keys: keys})
		}
	}
	return twins
}

func TestShiftedTwinsAreNotApplicable(t *testing.T) {
	for reason, change := range map[string]func(*store){
		"event_time is part of the key, so that no two rows of a key differ in it":        func(s *store) { s.View.Key = nil },
		"each snapshot restates its keys at times of its own":                             func(s *store) { s.View.TimePartition.Of = "snapshot" },
		"once_per: [partition] lets a key return in each partition, at a time of its own": func(s *store) { s.View.OncePer = []string{"partition"} },
		"over half of the event times are whole quarters of an hour: a clock too coarse to tell an offset": func(s *store) {
			for i := range s.Collection.Slices {
				s.Collection.Slices[i].OnLattice = 501
			}
		},
	} {
		s := withTwins(facts.TwinCount{A: "a", B: "b", Apart: times.Offset(pacific), Keys: 100})
		change(s)
		if r := s.of(t, "shifted-twins"); r.Outcome != report.NotApplicable || r.Reason != reason {
			t.Errorf("%s %q, want %q", r.Outcome, r.Reason, reason)
		}
	}
}

func TestTwinsDecideOnAWholeSource(t *testing.T) {
	s := healthy(dailyView())
	s.streaming([]int32{0, 1, 2, 3}, pacific, 500)
	s.Collection.Keys.Twins = []facts.TwinCount{{A: "batch", B: "streaming", Apart: times.Offset(pacific), Keys: 40, TrueA: 30, First: 0, Last: 3}}
	r := s.of(t, "mixed-zones")
	if r.Outcome != report.Fail || !strings.Contains(r.Message, ", no delay since its keys are stored again at the true time") {
		t.Errorf(`got %s: %q, want r.Outcome == report.Fail && strings.Contains(r.Message, ", no delay since its keys are stored again at the true time")`, r.Outcome, r.Message)
	}
}

// TestTwinsOfTheSameClockAreOneCause: copies that the very writers stamped whose lags show the offset, and no others.
func TestTwinsOfTheSameClockAreOneCause(t *testing.T) {
	for offset, want := range map[int64]string{pacific: "mixed-zones", india: ""} {
		s := healthy(dailyView())
		s.streaming([]int32{0, 1, 2, 3}, pacific, 500)
		s.Collection.Keys.Twins = []facts.TwinCount{{A: "batch", B: "streaming", Apart: times.Offset(pacific), Keys: 40, TrueA: 30, First: 0, Last: 3}}
		if offset != pacific {
			s.Collection.Keys.Twins = append(s.Collection.Keys.Twins, facts.TwinCount{A: "batch", B: "streaming", Apart: times.Offset(offset), Keys: 40, TrueA: 30, First: 0, Last: 3})
		}
		results := s.judge(t)
		if r := results["shifted-twins"]; results["mixed-zones"].Outcome != report.Fail || r.Outcome != report.Fail || r.ExplainedBy != want {
			t.Errorf("twins at %d s: %s explained by %q, want %q (%s)", offset, r.Outcome, r.ExplainedBy, want, r.Message)
		}
	}
}

func TestMixedZonesExplainWhatTheyCause(t *testing.T) {
	s := healthy(dailyView())
	s.streaming([]int32{2, 3}, india, 500)
	for i := range s.Collection.Slices {
		if slice := &s.Collection.Slices[i]; slice.Source == "streaming" {
			slice.FutureIngested, slice.MisfiledAfter = 500, 110
		}
	}
	results := s.judge(t)
	for _, id := range []string{"future-rows", "misfiled-rows"} {
		if r := results[id]; r.Outcome != report.Fail || r.ExplainedBy != "mixed-zones" {
			t.Errorf("%s: %s explained by %q", id, r.Outcome, r.ExplainedBy)
		}
	}
	// Batch is not in another zone: what it misfiles has another cause.
	s.Selected = nil
	s.Collection.Slices[0].MisfiledBefore = 3
	if r := s.judge(t)["misfiled-rows"]; r.ExplainedBy != "" {
		t.Errorf("explained by %q", r.ExplainedBy)
	}
}
