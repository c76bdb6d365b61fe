package collect

import (
	"strings"
	"testing"
	"time"
)

func TestParseRFC3339(t *testing.T) {
	const day = int64(20758) * 86400 * 1_000_000 // 2026-11-01
	const hour, minute, second = int64(3600_000_000), int64(60_000_000), int64(1_000_000)
	for text, want := range map[string]textTime{
		"2026-11-01T00:00:00Z":               {day, true},
		"2026-11-01t07:08:09z":               {day + 7*hour + 8*minute + 9*second, true},
		"2026-11-01T07:08:09+00:00":          {day + 7*hour + 8*minute + 9*second, true},
		"2026-11-01T05:30:00+05:30":          {day, true},
		"2026-11-01 05:30:00+0530":           {day, true},
		"2026-10-31 16:00:00-08":             {day, true},
		"2026-11-01T23:59:59+23:59":          {day + minute - minute + 59*second, true},
		"2026-11-01T00:00:00":                {day, false},
		"2026-11-01 00:00:00.5":              {day + 500_000, false},
		"2026-11-01 00:00:00,25":             {day + 250_000, false},
		"2026-11-01T00:00:00.123456789Z":     {day + 123_456, true},
		"2026-11-01T00:00:00.1234567890123Z": {day + 123_456, true},
		"1970-01-01T00:00:00Z":               {0, true},
		"1969-12-31T23:59:59.999999Z":        {-1, true},
		"2024-02-29T00:00:00Z":               {19782 * 24 * hour, true},
		"2000-02-29T00:00:00Z":               {11016 * 24 * hour, true},
		"0000-03-01T00:00:00Z":               {-719468 * 24 * hour, true},
	} {
		if got, ok := parseRFC3339([]byte(text)); !ok || got != want {
			t.Errorf("%q: %+v (%v), want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-11-01", "2026-11-01T00:00", "2026-11-01T24:00:00Z", "2026-11-01T00:60:00Z", "2026-11-01T00:00:60Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-00T00:00:00Z", "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
		"2026-11-01T00:00:00.Z", "2026-11-01T00:00:00.", "2026-11-01T00:00:00 Z", "2026-11-01T00:00:00+", "2026-11-01T00:00:00+5:30", "2026-11-01T00:00:00+05:3",
		"2026-11-01T00:00:00+24:00", "2026-11-01T00:00:00+05:60", "2026-11-01T00:00:00+0x:30", "2026-11-01T00:00:00Zulu", "2026-11-01T00:00:00[UTC]", " 2026-11-01T00:00:00Z",
		"2026-11-01T00:00:00Z ", "2026/11/01T00:00:00Z", "20261101T000000Z", "-026-11-01T00:00:00Z", "2026-11-01X00:00:00Z", "２０２６-11-01T00:00:00Z", "2026-11-01T00:00:00+05:30:00",
		"12026-11-01T00:00:00Z", "-2026-11-01T00:00:00Z", "2026-11-01T00:00:00 BC", "2026-11-01T00:00:00\u221208:00", "2026-11-01T00:00:00Z\x00", "2026-11-01T00:00:00.1.2Z",
		"2026-11-01  00:00:00", "2026-11-01\t00:00:00", "2026-11-01T00:00:00 +00:00", "2026-11-01T23:59:60Z", "2026-11-01T00:00:00.123 UTC", "2026-W45-1T00:00:00"} {
		if got, ok := parseRFC3339([]byte(text)); ok {
			t.Errorf("%q: %+v, want nothing", text, got)
		}
	}
}

func TestPatternReader(t *testing.T) {
	const log = "%Y-%m-%d %H:%M:%S %Z"
	for _, test := range []struct{ text, pattern, zone, want string }{
		{"03/11/2026 07:08:09", "%d/%m/%Y %H:%M:%S", "", "2026-11-03T07:08:09Z"},
		{"2026-11-03 07:08:09 +0530", "%Y-%m-%d %H:%M:%S %z", "", "2026-11-03T01:38:09Z"},
		{"1793689689", "%s", "Asia/Tokyo", "2026-11-03T07:08:09Z"},
		{"2026-11-01 03:00:07 UTC", log, "", "2026-11-01T03:00:07Z"},
		{"2026-11-01 03:00:07 GMT", log, "America/Los_Angeles", "2026-11-01T03:00:07Z"},
		{"2026-11-01 03:00:07 Z", log, "device", "2026-11-01T03:00:07Z"},
		// the two hours that clocks show twice on the night of 1 November
		{"2026-11-01 01:30:00 PDT", log, "America/Los_Angeles", "2026-11-01T08:30:00Z"},
		{"2026-11-01 01:30:00 PST", log, "America/Los_Angeles", "2026-11-01T09:30:00Z"},
		{"2026-11-01 03:00:07 PST", log, "America/Los_Angeles", "2026-11-01T11:00:07Z"},
		{"2026-07-01 12:00:00 CDT", log, "America/Chicago", "2026-07-01T17:00:00Z"},
		{"2026-07-01 12:00:00 CST", log, "Asia/Shanghai", "2026-07-01T04:00:00Z"},
		{"2026-07-01 12:00:00 IST", log, "Asia/Kolkata", "2026-07-01T06:30:00Z"},
		{"2026-07-01 12:00:00 -03", log, "America/Sao_Paulo", "2026-07-01T15:00:00Z"},
		{"2026-11-01 03:00:07 -0800 PST", log[:18] + "%z %Z", "America/Los_Angeles", "2026-11-01T11:00:07Z"},
	} {
		want, err := time.Parse(time.RFC3339Nano, test.want)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := newPatternReader(test.pattern, test.zone)
		if err != nil {
			t.Fatal(err)
		}
		named := strings.Contains(test.pattern, "%z") || strings.Contains(test.pattern, "%Z") || strings.Contains(test.pattern, "%s")
		got, ok := reader.parse([]byte(test.text))
		if !ok || got.micros != want.UnixMicro() || got.hasOffset != named {
			t.Errorf("%q by %q in %q: %+v (%v), want %d", test.text, test.pattern, test.zone, got, ok, want.UnixMicro())
		}
	}
	for _, test := range []struct{ text, pattern, zone string }{
		// what a name means is known in its own zone only
		{"2026-11-01 03:00:07 PDT", log, ""},
		{"2026-11-01 03:00:07 PDT", log, "UTC"},
		{"2026-11-01 03:00:07 PDT", log, "device"},
		{"2026-11-01 03:00:07 PDT", log, "-07:00"},
		{"2026-11-01 03:00:07 XYZ", log, "America/Los_Angeles"},
		{"2026-11-01 03:00:07 Europe/Berlin", log, "Europe/Berlin"},
		{"2026-11-01 03:00:07 CST", log, "America/Los_Angeles"},
		// the zone's clocks did not show that name then
		{"2026-07-01 12:00:00 PST", log, "America/Los_Angeles"},
		{"2026-11-01 03:00:07 PDT", log, "America/Los_Angeles"},
		{"2026-03-08 02:30:00 PDT", log, "America/Los_Angeles"},
		// the offset and the name contradict each other
		{"2026-11-01 03:00:07 -0700 PST", log[:18] + "%z %Z", "America/Los_Angeles"},
		{"2026-11-01 03:00:07 -0700 UTC", log[:18] + "%z %Z", ""},
		{"2026-11-01 03:00:07", log, ""},
		{"2026-11-01 03:00:07 ", log, ""},
	} {
		reader, err := newPatternReader(test.pattern, test.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := reader.parse([]byte(test.text)); ok {
			t.Errorf("%q by %q in %q: %+v, want nothing", test.text, test.pattern, test.zone, got)
		}
	}
	if _, err := newPatternReader("%Y-%m-%d %Q", ""); err == nil {
		t.Error("a pattern with an unknown directive is read")
	}
}

// FuzzParseRFC3339 compares every text that is read with the standard library's reading of it.
func FuzzParseRFC3339(f *testing.F) {
	for _, text := range []string{"2026-11-01T00:00:00Z", "2026-11-01 05:30:00.25+0530", "1969-12-31t23:59:59,5-08", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00"} {
		f.Add(text, int64(0), int16(0))
	}
	f.Add("", int64(1793689689123456789), int16(330))
	f.Fuzz(func(t *testing.T, text string, nanos int64, minutes int16) {
		if got, ok := parseRFC3339([]byte(text)); ok {
			want, err := time.Parse(time.RFC3339Nano, standard(text, got.hasOffset))
			if err != nil || want.UnixMicro() != got.micros {
				t.Errorf("%q: read as %d, the standard library reads %d (%v)", text, got.micros, want.UnixMicro(), err)
			}
		}
		// what the standard library writes is read back
		zone := time.FixedZone("", int(minutes)%(24*60)*60)
		at := time.Unix(0, nanos).In(zone)
		written := at.Format(time.RFC3339Nano)
		if got, ok := parseRFC3339([]byte(written)); !ok || !got.hasOffset || got.micros != at.UnixMicro() {
			t.Errorf("%q: read as %+v (%v), want %d", written, got, ok, at.UnixMicro())
		}
	})
}

// standard writes a text that was read in the form that the standard library takes.
func standard(text string, hasOffset bool) string {
	text = strings.ToUpper(text[:10]+"T"+text[11:19]) + strings.Replace(text[19:], ",", ".", 1)
	if !hasOffset {
		return text + "Z"
	}
	text = strings.Replace(text, "z", "Z", 1)
	at := strings.LastIndexAny(text, "+-")
	switch {
	case strings.HasSuffix(text, "Z"):
		return text
	case len(text)-at == len("+05"):
		return text + ":00"
	case len(text)-at == len("+0530"):
		return text[:at+3] + ":" + text[at+3:]
	}
	return text
}
