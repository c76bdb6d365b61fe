package check

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// busyDays gives a source's events on some days: many from 9 to 11 o'clock, a few at every other hour, all moved by hours.
func (s *store) busyDays(source string, days int32, moved int64) {
	for p := range days {
		h := facts.NewEventHistogram()
		for of := range int64(24) {
			rows := int64(4)
			if of >= 9 && of < 12 {
				rows = 40 + of
			}
			h.Counts[facts.EventBin(s.Survey.Partitions[p].Start+times.Instant((of+moved)*hour))] += rows
			h.Rows += rows
		}
		s.Collection.Events[facts.Population{Partition: p, Source: source}] = h
	}
}

func TestHoursOfTheDaySupportAnOffset(t *testing.T) {
	const words = "as its hours of the day show too"
	for _, test := range []struct {
		name     string
		days     int32
		moved    int64
		want     any
		supports bool
	}{
		{"moved as the lags are", 9, -8, []map[string]any{{"source": "batch", "shift_hours": int64(8), "correlation": 1.0},
			{"source": "streaming", "shift_hours": int64(-8), "correlation": 1.0}}, true},
		{"not moved", 9, 0, []map[string]any{{"source": "batch", "shift_hours": int64(0), "correlation": 1.0},
			{"source": "streaming", "shift_hours": int64(0), "correlation": 1.0}}, false},
		{"too few days", 5, -8, []map[string]any{}, false},
	} {
		s := healthy(dailyView())
		s.View.TimePartition.Of = model.OfIngestedAt
		s.View.Sources = []model.SourcePolicy{{Name: "streaming", MaxLag: 10 * time.Minute}}
		s.streaming([]int32{0, 1, 2, 3, 4, 5, 6, 7, 8}, pacific, 500)
		s.busyDays("batch", 9, 0)
		s.busyDays("streaming", test.days, test.moved)
		r := s.of(t, "mixed-zones")
		if r.Outcome != report.Fail || offsetsMeasured(r)[0]["offset_minutes"] != int64(-480) {
			t.Fatalf("%s: the hours of the day decide nothing: %s, %v", test.name, r.Outcome, r.Measures)
		}
		if !reflect.DeepEqual(r.Measures["hour_profiles"], test.want) || strings.Contains(r.Message, words) != test.supports {
			t.Errorf(`%s: got %v, %q, want reflect.DeepEqual(r.Measures["hour_profiles"], %+v) && strings.Contains(r.Message, words) == test.supports`, test.name, r.Measures["hour_profiles"], r.Message, test.want)
		}
	}
}

func TestFlatHoursTellNothing(t *testing.T) {
	var flat, busy [zoneproof.DayHours]float64
	for h := range flat {
		flat[h] = 1.0 / zoneproof.DayHours
	}
	busy[9] = 1
	if d := zoneproof.BestShift("a", flat, busy); d.Shift != 0 || d.Correlation != 0 {
		t.Errorf("got %+v, want d.Shift == 0 && d.Correlation == 0", d)
	}
	if d := zoneproof.BestShift("a", busy, busy); d.Shift != 0 || d.Correlation < 0.999 {
		t.Errorf("got %+v, want d.Shift == 0 && d.Correlation >= 0.999", d)
	}
}
