package zone

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/times"
)

// offsets2026 are the 40 distances from UTC, in minutes, that zones have in 2026, as Python's zoneinfo counts them over
// every key of the tz database.
var offsets2026 = []int32{-720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -150, -120, -60, 0, 60, 120, 180, 210, 240,
	270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 825, 840}

func TestRealOffsetsOf2026(t *testing.T) {
	offsets := RealOffsets(micros(t, "2026-01-01T00:00:00Z"), micros(t, "2026-12-31T23:59:59Z"))
	var minutes []int32
	for _, o := range offsets {
		if o.Offset%60 != 0 || len(o.Zones) == 0 {
			t.Errorf("offset %d s of zones %v", o.Offset, o.Zones)
		}
		minutes = append(minutes, int32(o.Offset/60))
	}
	if !slices.Equal(minutes, offsets2026) {
		t.Errorf("%d offsets: %v\nwant %v", len(minutes), minutes, offsets2026)
	}
}

func TestRealOffsetsNameTheirZones(t *testing.T) {
	// In November Kathmandu is the only place at UTC+05:45, and Newfoundland at UTC-03:30.
	for _, o := range RealOffsets(micros(t, "2026-11-10T00:00:00Z"), micros(t, "2026-11-20T00:00:00Z")) {
		switch o.Offset {
		case 5*3600 + 45*60:
			if !slices.Equal(o.Zones, []string{"Asia/Kathmandu"}) {
				t.Errorf("UTC+05:45: %v", o.Zones)
			}
		case -(3*3600 + 30*60):
			if !slices.Equal(o.Zones, []string{"America/St_Johns"}) {
				t.Errorf("UTC-03:30: %v", o.Zones)
			}
		case 5*3600 + 30*60:
			if o.Zones[0] != "Asia/Kolkata" || slices.Contains(o.Zones, "Asia/Calcutta") {
				t.Errorf("UTC+05:30: %v", o.Zones)
			}
		case -(2*3600 + 30*60):
			t.Errorf("UTC-02:30 is a summer time: %v", o.Zones)
		}
	}
}

func TestOffsetsOfNamedZones(t *testing.T) {
	offsets, err := OffsetsOf([]string{"America/Los_Angeles", "Asia/Tokyo"}, micros(t, "2026-10-20T00:00:00Z"), micros(t, "2026-11-20T00:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	var seconds []int32
	for _, o := range offsets {
		seconds = append(seconds, int32(o.Offset))
	}
	if want := []int32{-28800, -25200, 0, 32400}; !slices.Equal(seconds, want) {
		t.Errorf("got %v, want %v", seconds, want)
	}
	if _, err := OffsetsOf([]string{"Mars/Olympus"}, 0, 1); err == nil || !strings.Contains(err.Error(), `time zone "Mars/Olympus"`) {
		t.Errorf("got %v, want err != nil && strings.Contains(err.Error(), `time zone \"Mars/Olympus\"`)", err)
	}
}

func TestSteppingNamesZonesByTheirClockChange(t *testing.T) {
	// On 2026-11-01 North America leaves summer time; New York goes from UTC-4 to UTC-5 and Los Angeles from -7 to -8.
	from, to := micros(t, "2026-10-31T12:00:00Z"), micros(t, "2026-11-01T12:00:00Z")
	if zones := new(Atlas).Stepping(-7*3600, -8*3600, from, to); zones[0] != "America/Los_Angeles" || slices.Contains(zones, "America/New_York") {
		t.Errorf(`got %v, want zones[0] == "America/Los_Angeles" && !(slices.Contains(zones, "America/New_York"))`, zones)
	}
	// No zone changed from UTC+9 to UTC+8 in these days.
	if zones := new(Atlas).Stepping(9*3600, 8*3600, from, to); len(zones) != 0 {
		t.Errorf("got %v, want len(zones) == 0", zones)
	}
}

func TestNamesAreThoseOfTheGoRelease(t *testing.T) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v", err)
	}
	if archive := filepath.Join(strings.TrimSpace(string(out)), "lib", "time", "zoneinfo.zip"); firstLine(archive) == "" {
		t.Fatalf("%s is not there: install a whole Go release, of go.dev or golang:1.26", archive)
	}
	fresh := filepath.Join(t.TempDir(), "names.txt")
	if out, err := exec.Command("go", "run", "./gennames", fresh).CombinedOutput(); err != nil {
		t.Fatalf("gennames: %v\n%s", err, out)
	}
	want, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != namesText {
		t.Errorf("names.txt is that of tzdata %s and differs from this Go release's: run go generate ./audit/zone", NamesVersion())
	}
}

func TestOffsetText(t *testing.T) {
	for seconds, want := range map[int32]string{0: "UTC", 19800: "UTC+05:30", -28800: "UTC-08:00", -2670: "UTC-00:44:30"} {
		if got := OffsetText(times.Offset(seconds)); got != want {
			t.Errorf("OffsetText(%d) = %q, want %q", seconds, got, want)
		}
	}
}

func BenchmarkRealOffsets(b *testing.B) {
	from, to := micros(b, "2026-01-01T00:00:00Z"), micros(b, "2026-12-31T23:59:59Z")
	for b.Loop() {
		RealOffsets(from, to)
	}
}
