package strptime

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// moment is the instant at which a text's clock, taken for UTC, shows what it says.
func moment(t *testing.T, text string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMicro()
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		text, pattern, local string
		offset               int64
		hasOffset            bool
		zone                 string
	}{
		{text: "03/11/2026 07:08:09", pattern: "%d/%m/%Y %H:%M:%S", local: "2026-11-03T07:08:09Z"},
		{text: "3/1/2026 7:8:9", pattern: "%d/%m/%Y %H:%M:%S", local: "2026-01-03T07:08:09Z"},
		{text: "3/1/2026", pattern: "%-d/%-m/%Y", local: "2026-01-03T00:00:00Z"},
		{text: "2026-11-03 07:08:09.123456", pattern: "%Y-%m-%d %H:%M:%S.%f", local: "2026-11-03T07:08:09.123456Z"},
		{text: "2026-11-03 07:08:09.5", pattern: "%Y-%m-%d %H:%M:%S.%f", local: "2026-11-03T07:08:09.5Z"},
		{text: "2026-11-03 07:08:09.123456789", pattern: "%F %T.%f", local: "2026-11-03T07:08:09.123456Z"},
		{text: "20261103", pattern: "%Y%m%d", local: "2026-11-03T00:00:00Z"},
		{text: "20261103070809123456", pattern: "%Y%m%d%H%M%S%f", local: "2026-11-03T07:08:09.123456Z"},
		{text: "2026307", pattern: "%Y%j", local: "2026-11-03T00:00:00Z"},
		{text: "2024 366", pattern: "%Y %j", local: "2024-12-31T00:00:00Z"},
		{text: "1 Mar 2024 12:00 AM", pattern: "%e %b %Y %I:%M %p", local: "2024-03-01T00:00:00Z"},
		{text: "1 March 2024 12:59 pm", pattern: "%d %B %Y %I:%M %P", local: "2024-03-01T12:59:00Z"},
		{text: " 1 may 2024  9:05 PM", pattern: "%e %h %Y %l:%M %p", local: "2024-05-01T21:05:00Z"},
		{text: "11/03/26 07:08:09 AM", pattern: "%D %r", local: "2026-11-03T07:08:09Z"},
		{text: " 3-NOV-2026 07:08", pattern: "%v %R", local: "2026-11-03T07:08:00Z"},
		{text: "68-01-02", pattern: "%y-%m-%d", local: "2068-01-02T00:00:00Z"},
		{text: "69-01-02", pattern: "%y-%m-%d", local: "1969-01-02T00:00:00Z"},
		{text: "1926-01-02", pattern: "%C%y-%m-%d", local: "1926-01-02T00:00:00Z"},
		{text: "Tuesday 2026-11-03", pattern: "%A %F", local: "2026-11-03T00:00:00Z"},
		{text: "Tue Nov  3 07:08:09 2026", pattern: "%a %b %e %H:%M:%S %Y", local: "2026-11-03T07:08:09Z"},
		{text: "2 2026-11-03 2", pattern: "%u %F %w", local: "2026-11-03T00:00:00Z"},
		{text: "7 2026-11-01 0", pattern: "%u %F %w", local: "2026-11-01T00:00:00Z"},
		{text: "2026-W45-2", pattern: "%G-W%V-%u", local: "2026-11-03T00:00:00Z"},
		{text: "2020-W53-7", pattern: "%G-W%V-%u", local: "2021-01-03T00:00:00Z"},
		{text: "2026-W01-1", pattern: "%G-W%V-%u", local: "2025-12-29T00:00:00Z"},
		{text: "2026 44 Tue", pattern: "%Y %U %a", local: "2026-11-03T00:00:00Z"},
		{text: "2026 44 Tue", pattern: "%Y %W %a", local: "2026-11-03T00:00:00Z"},
		{text: "2026 00 Thu", pattern: "%Y %U %a", local: "2026-01-01T00:00:00Z"},
		{text: "2023 01 0", pattern: "%Y %U %w", local: "2023-01-01T00:00:00Z"},
		{text: "2023 00 0", pattern: "%Y %W %w", local: "2023-01-01T00:00:00Z"},
		{text: "2024 01 1", pattern: "%Y %W %u", local: "2024-01-01T00:00:00Z"},
		{text: "2026-11-03\t 100%", pattern: "%Y-%m-%d%t100%%", local: "2026-11-03T00:00:00Z"},
		{text: "2026-11-03 14:05 PM", pattern: "%F %H:%M %p", local: "2026-11-03T14:05:00Z"},
		{text: "2026-11-03 00:05 AM", pattern: "%F %H:%M %p", local: "2026-11-03T00:05:00Z"},
		{text: "2026-11-03 02:05 +0530", pattern: "%F %R %z", local: "2026-11-03T02:05:00Z", offset: 19800, hasOffset: true},
		{text: "2026-11-03 02:05-08", pattern: "%F %R%z", local: "2026-11-03T02:05:00Z", offset: -28800, hasOffset: true},
		{text: "2026-11-03 02:05-03:30", pattern: "%F %R%:z", local: "2026-11-03T02:05:00Z", offset: -12600, hasOffset: true},
		{text: "2026-11-03 02:05Z", pattern: "%F %R%z", local: "2026-11-03T02:05:00Z", hasOffset: true},
		{text: "1793689689", pattern: "%s", local: "2026-11-03T07:08:09Z", hasOffset: true},
		{text: "1793689689.25", pattern: "%s.%f", local: "2026-11-03T07:08:09.25Z", hasOffset: true},
		{text: "-1.25", pattern: "%s.%f", local: "1969-12-31T23:59:58.75Z", hasOffset: true},
		{text: "-0.25", pattern: "%s.%f", local: "1969-12-31T23:59:59.75Z", hasOffset: true},
		{text: "2026-11-03 02:05 (PDT)", pattern: "%F %R (%Z)", local: "2026-11-03T02:05:00Z", zone: "PDT"},
		{text: "2026-11-03 02:05 +03", pattern: "%F %R %Z", local: "2026-11-03T02:05:00Z", zone: "+03"},
	} {
		p, err := Compile(test.pattern)
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		got, ok := p.Parse([]byte(test.text))
		want := Time{Local: times.Local(moment(t, test.local)), Offset: times.Offset(test.offset), HasOffset: test.hasOffset}
		if !ok || got.Local != want.Local || got.Offset != want.Offset || got.HasOffset != want.HasOffset || string(got.Zone) != test.zone {
			t.Errorf("%q by %q: %+v (%v), want %+v", test.text, test.pattern, got, ok, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ text, pattern string }{
		{"", "%F"}, {"2026-11-03", "%d/%m/%Y"}, {"2026-11-03x", "%F"}, {"x2026-11-03", "%F"}, {"2026-11-3 ", "%F"},
		// what does not exist
		{"31/11/2026", "%d/%m/%Y"}, {"29/02/2026", "%d/%m/%Y"}, {"20260431", "%Y%m%d"}, {"31 Feb 2024", "%e %b %Y"}, {"02/30/26", "%D"},
		{"2026 366", "%Y %j"}, {"2026 000", "%Y %j"}, {"2026-11-03 24:00", "%F %R"}, {"2026-11-03 07:08:60", "%F %T"}, {"2026-11-03 13:00 PM", "%F %I:%M %p"},
		{"2026-11-03 00:00 AM", "%F %I:%M %p"}, {"2025-W53-1", "%G-W%V-%u"}, {"2026 00 Mon", "%Y %U %a"}, {"2026 53 Sat", "%Y %U %a"}, {"2026-00-03", "%F"}, {"2026-13-03", "%F"},
		{"2026-11-03 02:05+24:00", "%F %R%z"}, {"2026-11-03 02:05+05:60", "%F %R%z"}, {"2026-11-03 02:05+0530", "%F %R%:z"}, {"2026-11-03 02:05+5", "%F %R%z"}, {"2026-11-03 02:05+05:", "%F %R%z"},
		// a number of too few digits, where nothing tells where it ends
		{"2026113", "%Y%m%d"}, {"26-11-03", "%F"}, {"202630", "%Y%j"}, {"2026110307080912", "%Y%m%d%H%M%S%f"}, {"02026-11-03", "%F"}, {"12026-11-03", "%F"}, {"-2026-11-03", "%F"},
		// what says a thing twice, and differently
		{"Monday 2026-11-03", "%A %F"}, {"Mon Nov  3 07:08:09 2026", "%a %b %e %H:%M:%S %Y"}, {"1 2026-11-03", "%u %F"}, {"1 2026-11-03", "%w %F"},
		{"2026-11-03 306", "%F %j"}, {"2026-11-03 02:05 PM", "%F %H:%M %p"}, {"2026-11-03 14:05 AM", "%F %H:%M %p"}, {"2026-11-03 14 03", "%F %H %I"},
		{"2026-11-03 27", "%F %y"}, {"2026-11-03 19", "%F %C"}, {"2026-11-03 44", "%F %V"}, {"2027-11-03 45", "%G-%m-%d %V %Y"}, {"2026-11-03 12", "%F %d"}, {"2026-11-03 43", "%F %U"}, {"2026-11-03 43", "%F %W"},
		{"2026-11-03 +0100 +0200", "%F %z %z"}, {"2026-11-03 UTC GMT", "%F %Z %Z"},
		{"2026-11-03 ", "%F %Z"}, {"2026-11-03 ?", "%F %Z"}, {"12345678901234567890", "%s"}, {"", "%s"}, {"-", "%s"}, {"1.5", "%s"},
		{"２０２６-11-03", "%F"}, {"2026-11-03 ", "%F"}, {"2026 Now 03", "%Y %b %d"}, {"2026 Sept 03", "%Y %b %d"}, {"2026-11-03 07 xm", "%F %I %p"}, {"2026-11-03x", "%F%t"},
	} {
		p, err := Compile(test.pattern)
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		if got, ok := p.Parse([]byte(test.text)); ok {
			t.Errorf("%q by %q: %+v, want nothing", test.text, test.pattern, got)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for pattern, want := range map[string]string{
		"%Y-%m-%d %Q":      "%Q is no directive",
		"%Y-%m-%d é%é":     "%é is no directive",
		"%Y-%m-%d %":       "%% for a per cent sign",
		"%Y-%m-%d %:":      "%: is no directive",
		"%c":               "%c cannot be applied",
		"%x %X":            "%m/%d/%y or %Y-%m-%d",
		"%+":               "%+ cannot be applied",
		"%g-%V-%u":         "%g cannot be applied",
		"%Y-%m-%d%n%H":     "%n cannot be applied",
		"%Y-%m-%d %T.%N":   "%N cannot be applied",
		"%Ey-%m-%d":        "%E cannot be applied",
		"%Y-%Om-%d":        "%O cannot be applied",
		"%Y-%m-%_d":        "%_ cannot be applied",
		"%H:%M":            "add %Y",
		"%m-%d":            "add %Y",
		"%C-%m-%d":         "add %Y",
		"%Y":               "add %m and %d",
		"%Y-%m":            "add %m and %d",
		"%Y-%d":            "add %m and %d",
		"%Y-%V-%u":         "write %G",
		"%G-%V":            "it names a week and no day, so that no instant can be told: add %u",
		"%Y-W%U":           "add %u",
		"%Y-%m-%d %I:%M":   "add %p",
		"%Y-%m-%d %p":      "add %I",
		"%Y-%m-%d %M":      "add %H",
		"%Y-%m-%d %H %S":   "add %M",
		"%Y-%m-%d %H:%M%f": "add %S",
		"%s %z":            "%s is the whole instant",
		"%Y %s":            "%s is the whole instant",
		"no directive":     "add %Y",
	} {
		if _, err := Compile(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}

// TestParseEveryDay holds every directive of a date against what the standard library says of it, over a span with all kinds of years.
func TestParseEveryDay(t *testing.T) {
	patterns := map[string]*Pattern{}
	for _, pattern := range []string{"%Y-%m-%d %a %j", "%Y %j %A %w", "%G-W%V-%u %y", "%Y %U %w", "%Y %W %u", "%F %U %W %V %G"} {
		p, err := Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		patterns[pattern] = p
	}
	for day := time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2030; day = day.AddDate(0, 0, 1) {
		isoYear, isoWeek := day.ISOWeek()
		weekday := int(day.Weekday())
		sinceMonday := (weekday + 6) % 7
		for pattern, text := range map[string]string{
			"%Y-%m-%d %a %j": day.Format("2006-01-02 Mon 002"),
			"%Y %j %A %w":    day.Format("2006 002 Monday ") + fmt.Sprint(weekday),
			"%G-W%V-%u %y":   fmt.Sprintf("%d-W%02d-%d %02d", isoYear, isoWeek, sinceMonday+1, day.Year()%100),
			// POSIX: (days since 1 January + 7 - days since the week began) / 7
			"%Y %U %w":       fmt.Sprintf("%d %02d %d", day.Year(), (day.YearDay()-1+7-weekday)/7, weekday),
			"%Y %W %u":       fmt.Sprintf("%d %02d %d", day.Year(), (day.YearDay()-1+7-sinceMonday)/7, sinceMonday+1),
			"%F %U %W %V %G": day.Format("2006-01-02 ") + fmt.Sprintf("%02d %02d %02d %d", (day.YearDay()-1+7-weekday)/7, (day.YearDay()-1+7-sinceMonday)/7, isoWeek, isoYear),
		} {
			got, ok := patterns[pattern].Parse([]byte(text))
			if !ok || got.Local != times.LocalOf(day) {
				t.Fatalf("%q by %q: %+v (%v), want %d", text, pattern, got, ok, day.UnixMicro())
			}
		}
	}
}

// FuzzParse compares every text that is read with the standard library's reading of it.
func FuzzParse(f *testing.F) {
	p, err := Compile("%Y-%m-%d %H:%M:%S.%f%z")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("2026-11-03 07:08:09.123456+05:30")
	f.Add("1969-12-31 23:59:59.9Z")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := p.Parse([]byte(text))
		if !ok {
			return
		}
		for _, layout := range []string{"2006-1-2 15:4:5Z07:00", "2006-1-2 15:4:5Z0700", "2006-1-2 15:4:5Z07"} {
			if want, err := time.Parse(layout, strings.Replace(text, "z", "Z", 1)); err == nil {
				if times.LocalOf(want) != got.Local.Add(-got.Offset.Span()) {
					t.Errorf("%q: %+v, the standard library reads %d", text, got, want.UnixMicro())
				}
				return
			}
		}
	})
}
