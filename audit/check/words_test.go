package check

import (
	"math"
	"strconv"
	"testing"
)

func TestDuration(t *testing.T) {
	for micros, want := range map[int64]string{0: "0s", 1: "0.001ms", 250_000: "250ms", second: "1s", 90 * second: "1m 30s", 3*day + 4*hour + 5*minute: "3d 4h",
		day + 5*minute: "1d 5m", day: "1d", -hour: "-1h", 1500 * day: "1,500d", 59*second + 999_999: "59s"} {
		if got := duration(micros); got != want {
			t.Errorf("%d: %q, want %q", micros, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := number(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for want, got := range map[string]string{"1 file": count(1, "file"), "2 files": count(2, "file"), "0 entities": count(0, "entity"), "2 repeated keys": count(2, "repeated key")} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPercentNeverRoundsToNothingOrAll(t *testing.T) {
	for _, test := range []struct {
		part, whole int64
		want        string
	}{{0, 10, "0 %"}, {10, 10, "100 %"}, {1, 1_000_000, "under 0.01 %"}, {999_999, 1_000_000, "over 99.99 %"}, {1, 3, "33.3 %"}, {5, 1000, "0.50 %"}, {0, 0, "0 %"}} {
		if got := percent(test.part, test.whole); got != test.want {
			t.Errorf("%d of %d: %q, want %q", test.part, test.whole, got, test.want)
		}
	}
}

func TestRoundedUpIsEnoughToPaste(t *testing.T) {
	for _, test := range []struct {
		part, whole int64
		want        string
	}{{1001, 8000, "0.13"}, {1, 3, "0.34"}, {1, 1000, "0.001"}, {123, 100000, "0.0013"}, {1, 1, "1"}, {999, 1000, "1"}, {1, 4, "0.25"}, {0, 9, "0"}} {
		got := roundedUp(test.part, test.whole)
		if got != test.want {
			t.Errorf("%d of %d: %q, want %q", test.part, test.whole, got, test.want)
		}
		limit, err := strconv.ParseFloat(got, 64)
		if err != nil || above(row{bad: test.part, total: test.whole}, limit) || math.IsNaN(limit) {
			t.Errorf("%d of %d would still be above %s", test.part, test.whole, got)
		}
	}
}

func TestOffset(t *testing.T) {
	for minutes, want := range map[int]string{330: "UTC+05:30", -210: "UTC-03:30", 0: "UTC+00:00", 840: "UTC+14:00"} {
		if got := offset(minutes); got != want {
			t.Errorf("%d: %q, want %q", minutes, got, want)
		}
	}
}
