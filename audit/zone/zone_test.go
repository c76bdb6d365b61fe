package zone

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/featureaudit/featureaudit/audit/times"
)

const hour = 3_600_000_000 // in microseconds

func mustLoad(t testing.TB, name string) *Table {
	t.Helper()
	table, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func micros(t testing.TB, text string) times.Instant {
	t.Helper()
	for _, layout := range []string{"2006-01-02T15:04:05.999999", "2006-01-02T15:04:05Z07:00"} {
		if at, err := time.Parse(layout, text); err == nil {
			return times.At(at)
		}
	}
	t.Fatalf("not a time: %s", text)
	return 0
}

func TestInstant(t *testing.T) {
	tests := []struct {
		zone, local, want string
		odd               bool
	}{
		{"UTC", "2026-11-03T07:00:00", "2026-11-03T07:00:00Z", false},
		{"", "2026-11-03T07:00:00", "2026-11-03T07:00:00Z", false},
		{"+05:30", "2026-11-03T07:00:00", "2026-11-03T01:30:00Z", false},
		{"-0800", "2026-11-03T07:00:00", "2026-11-03T15:00:00Z", false},
		{"Asia/Kolkata", "2026-11-03T07:00:00", "2026-11-03T01:30:00Z", false},
		// 2026-11-01 at 02:00 PDT clocks in Los Angeles go back to 01:00 PST.
		{"America/Los_Angeles", "2026-11-01T00:59:59.999999", "2026-11-01T07:59:59.999999Z", false},
		{"America/Los_Angeles", "2026-11-01T01:00:00", "2026-11-01T08:00:00Z", true},
		{"America/Los_Angeles", "2026-11-01T01:59:59.999999", "2026-11-01T08:59:59.999999Z", true},
		{"America/Los_Angeles", "2026-11-01T02:00:00", "2026-11-01T10:00:00Z", false},
		// 2026-03-08 at 02:00 PST they go forward to 03:00 PDT.
		{"America/Los_Angeles", "2026-03-08T01:59:59.999999", "2026-03-08T09:59:59.999999Z", false},
		{"America/Los_Angeles", "2026-03-08T02:00:00", "2026-03-08T10:00:00Z", true},
		{"America/Los_Angeles", "2026-03-08T02:30:00", "2026-03-08T10:30:00Z", true},
		{"America/Los_Angeles", "2026-03-08T03:00:00", "2026-03-08T10:00:00Z", false},
		// Lord Howe moves by half an hour; Samoa skipped 2011-12-30.
		{"Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00Z", true},
		{"Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z", true},
	}
	for _, tt := range tests {
		table := mustLoad(t, tt.zone)
		reader := table.Reader()
		want := micros(t, tt.want)
		if got, odd := table.Instant(times.Local(micros(t, tt.local))); got != want || odd != tt.odd {
			t.Errorf("%s %s: got %s odd %v, want %s odd %v", tt.zone, tt.local, got.Time(), odd, tt.want, tt.odd)
		}
		if got, odd := reader.Instant(times.Local(micros(t, tt.local))); got != want || odd != tt.odd {
			t.Errorf("reader %s %s: got %s odd %v", tt.zone, tt.local, got.Time(), odd)
		}
	}
}

func TestBegin(t *testing.T) {
	tests := []struct{ zone, local, want string }{
		{"UTC", "2026-11-03T00:00:00", "2026-11-03T00:00:00Z"},
		// Midnight of 2026-03-29 does not exist in Beirut: the day begins at 01:00 summer time.
		{"Asia/Beirut", "2026-03-29T00:00:00", "2026-03-28T22:00:00Z"},
		{"Asia/Beirut", "2026-03-29T00:30:00", "2026-03-28T22:00:00Z"},
		{"Pacific/Apia", "2011-12-30T00:00:00", "2011-12-30T10:00:00Z"},
		{"Pacific/Apia", "2011-12-31T00:00:00", "2011-12-30T10:00:00Z"},
		{"America/Los_Angeles", "2026-11-01T01:00:00", "2026-11-01T08:00:00Z"},
	}
	for _, tt := range tests {
		if got := mustLoad(t, tt.zone).Begin(times.Local(micros(t, tt.local))); got != micros(t, tt.want) {
			t.Errorf("%s %s: got %s, want %s", tt.zone, tt.local, got.Time(), tt.want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := map[string]string{
		"Local":         "differs from machine to machine",
		"Asia/Atlantis": "no such zone in the tz database",
		"device":        "no such zone in the tz database",
		"+25:00":        "no such offset",
		"+05:75":        "no such offset",
		"../etc/passwd": "no such zone in the tz database",
	}
	for name, want := range tests {
		if _, err := Load(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q): got %v, want an error with %q", name, err, want)
		}
	}
}

// zoneNames lists the zones of Go's own tz database.
func zoneNames(t testing.TB) []string {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(goRoot(t), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatalf("the zones of this Go release: %v", err)
	}
	defer archive.Close()
	var names []string
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	return names
}

// naive is the meaning of a local time by definition: of all instants within two days the first that shows it, else
// (a gap) the local time less the offset before the gap.
func naive(location *time.Location, local int64) (int64, bool) {
	var found []int64
	offsets := map[int64]bool{}
	for step := int64(-48 * hour); step <= 48*hour; step += hour / 4 {
		_, o := time.UnixMicro(local + step).In(location).Zone()
		offsets[int64(o)*int64(times.Second)] = true
	}
	for o := range offsets {
		if _, at := time.UnixMicro(local - o).In(location).Zone(); int64(at)*int64(times.Second) == o {
			found = append(found, local-o)
		}
	}
	switch len(found) {
	case 0:
		// The offset before the gap is the one of the instants just before any reading of this local time.
		earliest := local
		for o := range offsets {
			earliest = min(earliest, local-o)
		}
		_, o := time.UnixMicro(earliest - 1).In(location).Zone()
		return local - int64(o)*int64(times.Second), true
	case 1:
		return found[0], false
	}
	return min(found[0], found[1]), true
}

func TestEveryZoneAgainstGo(t *testing.T) {
	from, to := micros(t, "1980-01-01T00:00:00"), micros(t, "2037-12-31T00:00:00")
	transitions := 0
	for _, name := range zoneNames(t) {
		location, err := time.LoadLocation(name)
		if err != nil {
			continue
		}
		table := mustLoad(t, name)
		reader := table.Reader()
		for _, tr := range table.Transitions() {
			if tr.UTC < from || tr.UTC > to {
				continue
			}
			transitions++
			checkAround(t, table, &reader, location, tr, transitions%25 == 0)
		}
	}
	if transitions < 10_000 {
		t.Errorf("looked at %d transitions only", transitions)
	}
}

func checkAround(t *testing.T, table *Table, reader *Reader, location *time.Location, tr Transition, thorough bool) {
	t.Helper()
	before, after := tr.Before.Span(), tr.After.Span()
	lo, hi := times.Local(tr.UTC.Add(min(before, after))), times.Local(tr.UTC.Add(max(before, after)))
	for _, local := range []times.Local{lo - hour, lo - 1, lo, lo + 1, (lo + hi) / 2, hi - 1, hi, hi + 1, hi + hour} {
		got, odd := table.Instant(local)
		again, oddAgain := reader.Instant(local)
		if got != again || odd != oddAgain {
			t.Fatalf("%s: reader and table differ at %d", table.Name(), local)
		}
		if wantOdd := local >= lo && local < hi; odd != wantOdd {
			t.Fatalf("%s: %s odd %v, want %v", table.Name(), local.Time(), odd, wantOdd)
		}
		if asRead := times.Instant(local); got != asRead.Add(-before) && local < hi || got != asRead.Add(-after) && local >= hi {
			t.Fatalf("%s: %s is %d", table.Name(), local.Time(), got)
		}
		if !thorough {
			continue
		}
		if want, wantOdd := naive(location, int64(local)); got != times.Instant(want) || odd != wantOdd {
			t.Fatalf("%s: %s is %s odd %v, want %s odd %v", table.Name(), local.Time(),
				got.Time(), odd, time.UnixMicro(want).UTC(), wantOdd)
		}
	}
	for _, utc := range []times.Instant{tr.UTC - hour, tr.UTC - 1, tr.UTC, tr.UTC + 1} {
		_, want := utc.Time().In(location).Zone()
		if got := table.Offset(utc); got != times.Offset(want) {
			t.Fatalf("%s: offset %d at %s, want %d", table.Name(), got, utc.Time(), want)
		}
	}
}

func TestTablesAreMonotone(t *testing.T) {
	for _, name := range zoneNames(t) {
		table, err := Load(name)
		if err != nil {
			continue
		}
		for i := 1; i < len(table.local); i++ {
			if table.local[i] < table.local[i-1] || table.oddFrom[i] < table.local[i-1] {
				t.Errorf("%s: transitions %d and %d overlap in local time", name, i-1, i)
			}
		}
	}
}

func TestOffsets(t *testing.T) {
	table := mustLoad(t, "America/Los_Angeles")
	got := table.Offsets(micros(t, "2026-01-01T00:00:00"), micros(t, "2026-12-31T00:00:00"))
	if len(got) != 2 || got[0] != -8*3600 || got[1] != -7*3600 {
		t.Errorf("offsets of 2026: %v", got)
	}
	got = table.Offsets(micros(t, "2026-01-01T00:00:00"), micros(t, "2026-01-31T00:00:00"))
	if len(got) != 1 || got[0] != -8*3600 {
		t.Errorf("offsets of January 2026: %v", got)
	}
}

func TestReaderAllocatesNothing(t *testing.T) {
	reader := mustLoad(t, "America/Los_Angeles").Reader()
	local := times.Local(micros(t, "2026-03-08T01:59:00"))
	if n := testing.AllocsPerRun(100, func() {
		for i := range times.Local(10) {
			reader.Instant(local + i*hour)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// goRoot is where the sources of the toolchain are that runs the test.
func goRoot(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func TestEmbeddedVersion(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(goRoot(t), "lib", "time", "update.bash"))
	if err != nil {
		t.Fatalf("the sources of this Go release: %v", err)
	}
	m := regexp.MustCompile(`(?m)^DATA=(\S+)$`).FindSubmatch(text)
	if ours := strings.HasPrefix(runtime.Version(), embeddedGo); ours && (m == nil || string(m[1]) != embeddedVersion) {
		t.Errorf("Go embeds %s, the constant says %s", m, embeddedVersion)
	}
	if v := Version(); !regexp.MustCompile(`^(20\d\d[a-z]+(-\S+)?|unknown)$`).MatchString(v) {
		t.Errorf("Version() = %q", v)
	}
}

func FuzzLoad(f *testing.F) {
	for _, s := range []string{"UTC", "+05:30", "Asia/Kolkata", "../x", "+99", "UTC+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		table, err := Load(name)
		if err == nil && table == nil || err != nil && table != nil && len(table.utc) == 0 {
			t.Fatal("neither table nor error")
		}
	})
}

func BenchmarkReader(b *testing.B) {
	reader := mustLoad(b, "America/Los_Angeles").Reader()
	local := times.Local(micros(b, "2026-07-08T01:59:00"))
	for i := range b.N {
		reader.Instant(local + times.Local(i&1023))
	}
}

// A transition that the table lacks would show for months.
func TestEveryWeekAgainstGo(t *testing.T) {
	from, to := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, name := range zoneNames(t) {
		location, err := time.LoadLocation(name)
		if err != nil {
			continue
		}
		table := mustLoad(t, name)
		for at := from; at.Before(to); at = at.AddDate(0, 0, 7) {
			if _, want := at.In(location).Zone(); table.Offset(times.At(at)) != times.Offset(want) {
				t.Fatalf("%s: offset %d at %s, want %d", name, table.Offset(times.At(at)), at, want)
			}
		}
	}
}
