package words

import (
	"math"
	"strconv"
	"testing"

	"github.com/featureaudit/featureaudit/audit/times"
)

const (
	second = times.Second
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

func TestDuration(t *testing.T) {
	for span, want := range map[times.Span]string{0: "0s", 1: "0.001ms", 250_000: "250ms", second: "1s", 90 * second: "1m 30s", 3*day + 4*hour + 5*minute: "3d 4h",
		day + 5*minute: "1d 5m", day: "1d", -hour: "-1h", 1500 * day: "1,500d", 59*second + 999_999: "59s"} {
		if got := Duration(span); got != want {
			t.Errorf("%d: %q, want %q", span, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := Number(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for text, want := range map[string]string{
		"84097.29": "84,097.29", "-1234567": "-1,234,567", "999": "999", "1000.000": "1,000.000", "0.12345": "0.12345",
		"1e+300": "1e+300", "1.5e+20": "1.5e+20", "NaN": "NaN", "+Inf": "+Inf", "-Inf": "-Inf", "": "",
		"123456789012345678901234567890123456789": "123,456,789,012,345,678,901,234,567,890,123,456,789",
	} {
		if got := Decimal(text); got != want {
			t.Errorf("Decimal(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for want, got := range map[string]string{"1 file": Count(1, "file"), "2 files": Count(2, "file"), "0 entities": Count(0, "entity"), "2 repeated keys": Count(2, "repeated key")} {
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
		if got := Percent(test.part, test.whole); got != test.want {
			t.Errorf("%d of %d: %q, want %q", test.part, test.whole, got, test.want)
		}
	}
}

func TestRoundedUpIsEnoughToPaste(t *testing.T) {
	for _, test := range []struct {
		part, whole int64
		want        string
	}{{1001, 8000, "0.13"}, {1, 3, "0.34"}, {1, 1000, "0.001"}, {123, 100000, "0.0013"}, {1, 1, "1"}, {999, 1000, "1"}, {1, 4, "0.25"}, {0, 9, "0"}} {
		got := RoundedUp(test.part, test.whole)
		if got != test.want {
			t.Errorf("%d of %d: %q, want %q", test.part, test.whole, got, test.want)
		}
		limit, err := strconv.ParseFloat(got, 64)
		if err != nil || float64(test.part) > limit*float64(test.whole) || math.IsNaN(limit) {
			t.Errorf("%d of %d would still be above %s", test.part, test.whole, got)
		}
	}
}

func TestSecondsSayWhatDurationSays(t *testing.T) {
	for seconds, want := range map[float64]string{3*86400 + 22*60: "3d 22m", 4 * 3600: "4h", 0.25: "250ms", -60: "-1m"} {
		if got := Seconds(seconds); got != want {
			t.Errorf("%g seconds: %q, want %q", seconds, got, want)
		}
	}
}

func TestSizeIsWrittenInDecimalUnits(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 83_000_000: "83.0 MB"} {
		if got := Size(n); got != want {
			t.Errorf("%d bytes: %q, want %q", n, got, want)
		}
	}
}

func TestExactForms(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0", 0.25: "250ms", 1.9: "1s", -3661: "-1h1m1s", 273_720: "3d4h2m", 1e12: "1000000000000s"} {
		if got := WholeSeconds(seconds); got != want {
			t.Errorf("%v seconds are written as %q, want %q", seconds, got, want)
		}
	}
	for minutes, want := range map[int]string{0: "0 h", 30: "30 min", 480: "8 h", 330: "5 h 30 min"} {
		if got := HoursAndMinutes(minutes); got != want {
			t.Errorf("%d minutes are written as %q, want %q", minutes, got, want)
		}
	}
	for bytes, want := range map[int64]string{512 << 20: "512 MiB", 750_000_000: "750 MB", 1_500_001: "1.4 MiB"} {
		if got := Memory(bytes); got != want {
			t.Errorf("%d bytes are written as %q, want %q", bytes, got, want)
		}
	}
	if got := Estimate(0.25, 0.2, 0.3); got != "25 %, 95 % between 20 and 30" {
		t.Errorf("an estimate is written as %q", got)
	}
	for share, want := range map[float64]string{0.05: "5 %", 0.0501: "5.1 %", 1: "100 %", 0: "0 %"} {
		if got := PercentUp(share); got != want {
			t.Errorf("%v rounded up is %q, want %q", share, got, want)
		}
	}
}
