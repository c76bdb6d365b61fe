package reproduce

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// TestWhatCoversAnEventTime: from the start of an interval on, the latest end of all that began by then; what ends after as_of says nothing of
// when it was done.
func TestWhatCoversAnEventTime(t *testing.T) {
	at := func(hour int) times.Instant { return times.At(time.Unix(int64(hour)*3600, 0)) }
	of := func(hours ...int) (all []model.Interval) {
		for i := 0; i < len(hours); i += 2 {
			all = append(all, model.Interval{Start: at(hours[i]).Time(), End: at(hours[i+1]).Time()})
		}
		return all
	}
	for name, c := range map[string]struct {
		intervals []model.Interval
		want      []coverage
	}{
		"none":                  {nil, nil},
		"one":                   {of(1, 5), []coverage{{at(1), at(5), at(5)}}},
		"in any order":          {of(5, 9, 1, 5), []coverage{{at(1), at(5), at(5)}, {at(5), at(9), at(9)}}},
		"a hole":                {of(1, 2, 4, 6), []coverage{{at(1), at(2), at(2)}, {at(4), at(6), at(6)}}},
		"one within another":    {of(1, 9, 2, 3), []coverage{{at(1), at(9), at(9)}}},
		"one over another":      {of(1, 3, 2, 5), []coverage{{at(1), at(3), at(3)}, {at(2), at(5), at(5)}}},
		"two of one start":      {of(1, 3, 1, 5), []coverage{{at(1), at(5), at(5)}}},
		"empty and backwards":   {of(1, 1, 7, 2), nil},
		"it ends after as_of":   {of(1, 30), []coverage{{at(1), at(30), math.MaxInt64}}},
		"it ends just at as_of": {of(1, 20), []coverage{{at(1), at(20), at(20)}}},
	} {
		if got := coverages(c.intervals, at(20)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
