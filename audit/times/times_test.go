package times_test

import (
	"math"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

func TestInstants(t *testing.T) {
	day := time.Date(2026, 11, 3, 4, 5, 6, 7_999, time.FixedZone("IST", 19_800))
	at := times.At(day)
	if want := times.Instant(1_793_658_906_000_007); at != want {
		t.Errorf("the instant is %d, want %d: a part of a microsecond is cut off", at, want)
	}
	if want := time.Date(2026, 11, 2, 22, 35, 6, 7_000, time.UTC); !at.Time().Equal(want) || at.Time().Location() != time.UTC {
		t.Errorf("as a time it is %s, want %s", at.Time(), want)
	}
	if later := at.Add(90 * times.Minute); later.Sub(at) != 5_400_000_000 || at.Sub(later) != -5_400_000_000 {
		t.Errorf("90 minutes later is %d microseconds later, want 5400000000", later.Sub(at))
	}
}

func TestNoneIsEarlierThanNothing(t *testing.T) {
	none := times.Instant(times.None)
	if none.Known() || !times.Instant(0).Known() || !times.Instant(math.MinInt64+1).Known() {
		t.Error("an instant is known unless it is times.None")
	}
	for _, test := range []struct{ a, b, want times.Instant }{{none, none, none}, {none, 5, 5}, {5, none, 5}, {5, 7, 5}, {7, 5, 5}, {-3, 5, -3}} {
		if got := test.a.Earlier(test.b); got != test.want {
			t.Errorf("the earlier of %d and %d is %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestSpansAndOffsets(t *testing.T) {
	if got := times.SpanOf(1500*time.Nanosecond + time.Hour); got != times.Hour+1 {
		t.Errorf("an hour and 1,500 ns are %d microseconds, want %d", got, times.Hour+1)
	}
	if got := times.SpanOfSeconds(-0.25); got != -250_000 || got.Seconds() != -0.25 {
		t.Errorf("-0.25 s are %d microseconds and %v s, want -250000 and -0.25", got, got.Seconds())
	}
	if india := times.Offset(19_800); india.Span() != 5*times.Hour+30*times.Minute || india.Minutes() != 330 {
		t.Errorf("UTC+05:30 is %d microseconds and %d minutes, want 19800000000 and 330", india.Span(), india.Minutes())
	}
	if midnight := times.LocalOf(time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)); midnight.Add(25*times.Hour).Time().Hour() != 1 {
		t.Errorf("25 hours after midnight a clock shows %s, want 01:00", midnight.Add(25*times.Hour).Time())
	}
}
