package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/words"
)

func TestParseDuration(t *testing.T) {
	cases := map[string]time.Duration{
		"0": 0, "0s": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, ".5s": 500 * time.Millisecond,
		"5m": 5 * time.Minute, "250ms": 250 * time.Millisecond, "3us": 3 * time.Microsecond, "3µs": 3 * time.Microsecond, "7ns": 7,
		"7d": 168 * time.Hour, "2w": 336 * time.Hour, "1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour,
		"P1D": 24 * time.Hour, "PT6H": 6 * time.Hour, "P1DT12H": 36 * time.Hour, "P1W": 168 * time.Hour, "P1W1D": 192 * time.Hour,
		"PT0.5S": 500 * time.Millisecond, "PT0,25S": 250 * time.Millisecond, "PT1M": time.Minute, "P0D": 0, "PT1H30M5S": 5405 * time.Second,
		"-1h": -time.Hour, "+1h": time.Hour, "-P1D": -24 * time.Hour, "-0": 0,
		"9223372036854775807ns":   1<<63 - 1,
		"PT9223372036.854775807S": 1<<63 - 1,
		"106751d":                 106751 * 24 * time.Hour,
	}
	for text, want := range cases {
		got, err := ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestParseDurationErrors(t *testing.T) {
	cases := map[string]string{
		"":                      `duration "": nothing is written: expected a duration such as "90s", "24h", "7d" or "P1D"`,
		"-":                     `duration "-": nothing is written: expected a duration such as "90s", "24h", "7d" or "P1D"`,
		"86400":                 `duration "86400": a number without a unit: write 86400s for seconds, 86400h for hours or 86400d for days`,
		"P1M":                   `duration "P1M": the part 1M is not a fixed length: write days or weeks, such as P30D`,
		"P1Y":                   `duration "P1Y": the part 1Y is not a fixed length: write days or weeks, such as P30D`,
		"1mo":                   `duration "1mo": 1mo is not a fixed length: write days or weeks`,
		"1y":                    `duration "1y": 1y is not a fixed length: write days or weeks`,
		"1 h":                   `duration "1 h": unknown unit " h": use w, d, h, m (minutes), s, ms, us or ns`,
		"1h5":                   `duration "1h5": 5 has no unit: use w, d, h, m, s, ms, us or ns`,
		"h":                     `duration "h": a number is missing before "h": expected a duration such as "90s", "24h", "7d" or "P1D"`,
		"1h-5m":                 `duration "1h-5m": unknown unit "h-": use w, d, h, m (minutes), s, ms, us or ns`,
		"P":                     `duration "P": nothing after P: expected a duration such as P1D or PT6H`,
		"PT":                    `duration "PT": "T" must stand once, before hours, minutes or seconds`,
		"P1DT":                  `duration "P1DT": "T" must stand once, before hours, minutes or seconds`,
		"PT1H1H":                `duration "PT1H1H": "1H" is out of place: the order is W, D, T, H, M, S`,
		"PT1D":                  `duration "PT1D": "1D" is out of place: the order is W, D, T, H, M, S`,
		"PT0.5H1M":              `duration "PT0.5H1M": only the last part may have a fraction`,
		"PTH":                   `duration "PTH": not ISO 8601: expected numbers with W, D, or after a T: H, M, S`,
		"0.5ns":                 `duration "0.5ns": finer than a nanosecond`,
		"9223372036854775808ns": `duration "9223372036854775808ns": longer than the 292 years that can be counted`,
		"106752d":               `duration "106752d": longer than the 292 years that can be counted`,
		"200y":                  `duration "200y": 200y is not a fixed length: write days or weeks`,
		"15251w7d":              `duration "15251w7d": longer than the 292 years that can be counted`,
	}
	for text, want := range cases {
		got, err := ParseDuration(text)
		if err == nil {
			t.Errorf("ParseDuration(%q) = %v; want %s", text, got, want)
			continue
		}
		if err.Error() != want {
			t.Errorf("ParseDuration(%q):\n got %s\nwant %s", text, err, want)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	cases := map[time.Duration]string{
		0: "0", time.Second: "1s", 1500 * time.Millisecond: "1.5s", 250 * time.Millisecond: "250ms", 90 * time.Minute: "1h30m",
		24 * time.Hour: "1d", 36 * time.Hour: "1d12h", 7 * 24 * time.Hour: "7d", -time.Hour: "-1h", time.Hour + 5*time.Nanosecond: "1h0.000000005s",
	}
	for d, want := range cases {
		if got := words.Exact(d); got != want {
			t.Errorf("words.Exact(%d) = %q, want %q", d, got, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"0", "24h", "7d", "1d12h", "P1DT12H", "PT0.5S", "-P1W", "1.000000001s", "P1M", "9223372036854775807ns", "PT,5S"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if again, err := ParseDuration(words.Exact(d)); err != nil || again != d {
			t.Fatalf("%q is %d, formatted %q, read back %d, %v", text, d, words.Exact(d), again, err)
		}
		std, stdErr := time.ParseDuration(text)
		// Go cuts what is finer than a nanosecond where we refuse, so wherever both read the text they must agree.
		if stdErr == nil && std != d && !strings.ContainsAny(text, ".") {
			t.Fatalf("%q is %d, Go says %d", text, d, std)
		}
	})
}
