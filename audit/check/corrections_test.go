package check

import (
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// planOf judges mixed zones and gives the corrections of the report.
func planOf(t *testing.T, s *store) []report.Correction {
	t.Helper()
	s.Selected = func(id string) bool { return id == "mixed-zones" }
	judged, err := JudgeView(t.Context(), openJudge(t), s.Input)
	if err != nil {
		t.Fatal(err)
	}
	return judged.Corrections
}

func TestCorrectionsOfAWholeSource(t *testing.T) {
	s := healthy(dailyView())
	s.streaming([]int32{2, 3}, india, 500)
	plan := planOf(t, s)
	if len(plan) != 2 {
		t.Fatalf("got %+v, want len(plan) == 2", plan)
	}
	c := plan[0]
	if c.View != "clicks" || c.File != "dt=2026-11-03/part-00009.parquet" || c.Source != "streaming" || *c.ShiftSeconds != -india || c.Rows != 500 ||
		c.Evidence != report.Statistical || c.LagFromSeconds != nil || c.LagToSeconds != nil {
		t.Errorf(`got %+v, want c.View == "clicks" && c.File == "dt=2026-11-03/part-00009.parquet" && c.Source == "streaming" && *c.ShiftSeconds == -india && c.Rows == 500 && `+
			"c.Evidence == report.Statistical && c.LagFromSeconds == nil && c.LagToSeconds == nil", c)
	}
	s.Collection.Keys.Twins = []facts.TwinCount{{A: "batch", B: "streaming", Apart: times.Offset(india), Keys: 40, TrueA: 30, First: 2, Last: 3}}
	if plan = planOf(t, s); plan[1].Evidence != report.Arithmetic {
		t.Errorf("twins prove it: %+v", plan[1])
	}
}

// someAt has a stream of three days of which a fifth of the writers and rows are at an offset.
func someAt(east int64, change func(*facts.Slice)) *store {
	s := healthy(dailyView())
	for _, p := range []int32{2, 3, 4} {
		s.streaming([]int32{p}, 0, 400)
		s.lags(p, "streaming", east, 100)
		s.stamps(p, int32(len(s.Survey.Files)-1), "streaming", east, 100, 113)
	}
	for i := range s.Collection.Slices {
		if slice := &s.Collection.Slices[i]; slice.Source == "streaming" {
			slice.LagRows = 500
			change(slice)
		}
	}
	return s
}

func TestCorrectionsOfSomeRowsNameTheirLags(t *testing.T) {
	plan := planOf(t, someAt(india, func(slice *facts.Slice) { slice.LagMin = times.Span(-india * second) }))
	if len(plan) != 3 || *plan[0].ShiftSeconds != -india || plan[0].Rows < 90 || plan[0].Rows > 110 {
		t.Fatalf("got %+v, want len(plan) == 3 && *plan[0].ShiftSeconds == -india && plan[0].Rows >= 90 && plan[0].Rows <= 110", plan)
	}
	// East of UTC a lag is negative: everything from five minutes before the offset up to five minutes before zero.
	if *plan[0].LagFromSeconds != float64(-india-300) || *plan[0].LagToSeconds != -300 {
		t.Errorf("%v to %v", *plan[0].LagFromSeconds, *plan[0].LagToSeconds)
	}
	// West of it late rows may be anyone's: only those within a quarter of an hour of the offset.
	plan = planOf(t, someAt(pacific, func(slice *facts.Slice) { slice.LagMax = 9 * hour }))
	if len(plan) != 3 || *plan[0].LagFromSeconds != float64(-pacific-300) || *plan[0].LagToSeconds != float64(-pacific+900) {
		t.Errorf("got %+v, want len(plan) == 3 && *plan[0].LagFromSeconds == float64(-pacific - 300) && *plan[0].LagToSeconds == float64(-pacific + 900)", plan)
	}
}

func TestNoCorrectionsByTheShapeOfLagsAlone(t *testing.T) {
	s := someAt(pacific, func(slice *facts.Slice) { slice.LagMax = 9 * hour })
	s.Collection.Writers = nil
	r := s.of(t, "mixed-zones")
	if r.Outcome != report.NotApplicable || len(planOf(t, s)) != 0 {
		t.Errorf("got %s: %+v, want r.Outcome == report.NotApplicable && len(planOf(t, s)) == 0", r.Outcome, planOf(t, s))
	}
	if want := "streaming is ambiguous: 8h late, or stamped at UTC-08:00; declare its max_lag to decide"; r.Reason != want {
		t.Errorf("got %q, want %q", r.Reason, want)
	}
	// The same rows by writers who have prompt rows too: late, and no zone.
	s = healthy(dailyView())
	for _, p := range []int32{2, 3, 4} {
		s.streaming([]int32{p}, 0, 400)
		s.lags(p, "streaming", pacific, 100)
		file := int32(len(s.Survey.Files) - 1)
		s.stamps(p, file, "streaming", pacific, uint64(10*p), uint64(10*p)+10)
	}
	r = s.of(t, "mixed-zones")
	want := "streaming is ambiguous: 8h late, or stamped at UTC-08:00 (30 of 30 writers with such rows have prompt rows too); declare its max_lag to decide"
	if r.Outcome != report.NotApplicable || r.Reason != want || len(planOf(t, s)) != 0 {
		t.Errorf("%s: got %q, want %q", r.Outcome, r.Reason, want)
	}
}

// TestNoCorrectionsByLagWhereOthersAreLateByAsMuch has writers at an offset, and others of whom some rows are late by it: the
// finding stands, and no row is moved by its lag.
func TestNoCorrectionsByLagWhereOthersAreLateByAsMuch(t *testing.T) {
	s := someAt(pacific, func(slice *facts.Slice) { slice.LagMax = 9 * hour })
	for i, p := range []int32{2, 3, 4} {
		s.stamps(p, int32(9+i), "streaming", pacific, 0, 2)
	}
	if r := s.of(t, "mixed-zones"); r.Outcome != report.Fail {
		t.Errorf("got %s: %q, want r.Outcome == report.Fail", r.Outcome, r.Message)
	}
	if plan := planOf(t, s); len(plan) != 0 {
		t.Errorf("got %+v, want len(plan) == 0", plan)
	}
}

func TestNoPlanWithoutAFinding(t *testing.T) {
	s := healthy(dailyView())
	s.streaming([]int32{0, 1, 2, 3, 4, 5, 6, 7, 8}, pacific, 500)
	if plan := planOf(t, s); len(plan) != 0 {
		t.Errorf("what is ambiguous is not corrected: %+v", plan)
	}
}
