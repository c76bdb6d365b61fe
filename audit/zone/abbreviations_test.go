package zone

import (
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Every hour of ten years, named as the zone's clocks name it, is read back as itself.
func TestAbbreviationsReadBackEveryHour(t *testing.T) {
	for _, name := range []string{"America/Los_Angeles", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "Europe/Dublin"} {
		location, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		a, err := LoadAbbreviations(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(2017, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(time.Hour) {
			short, offset := at.In(location).Zone()
			local := times.LocalOf(at).Add(times.Offset(offset).Span())
			if got, ok := a.Instant(local, short); !ok || got != times.At(at) {
				t.Fatalf("%s: %s %s is read as %d (%v), want %d", name, at.In(location), short, got, ok, at.UnixMicro())
			}
		}
	}
}

func TestAbbreviationsRefuse(t *testing.T) {
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC).UnixMicro()
	for _, test := range []struct {
		zone, short string
		ok          bool
	}{
		{"", "UTC", true}, {"", "GMT", true}, {"UTC", "Z", true}, {"+05:30", "UTC", true}, {"Europe/London", "GMT", true},
		{"", "PDT", false}, {"UTC", "PST", false}, {"-07:00", "PDT", false}, {"America/Los_Angeles", "PST", false}, {"America/Los_Angeles", "MST", false},
		{"Asia/Manila", "PDT", false}, {"Europe/Berlin", "CET", false}, {"", "", false}, {"America/Los_Angeles", "", false}, {"America/Los_Angeles", "pdt", false}, {"", "utc", false},
	} {
		a, err := LoadAbbreviations(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := a.Instant(times.Local(noon), test.short); ok != test.ok || ok && got != times.Instant(noon) {
			t.Errorf("%q %q: %d, %v, want ok == test.ok && (!(ok) || got == noon)", test.zone, test.short, got, ok)
		}
	}
	if _, err := LoadAbbreviations("No/Where"); err == nil {
		t.Error("a zone that does not exist is read")
	}
}
