package collect

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// TestLagTallies: each lag lies in the bin of its second, minute or step, and the bounds are those of the rows.
func TestLagTallies(t *testing.T) {
	all := &tallies{lags: map[tallied]*lagCounts{}, events: map[tallied]*eventCounts{}}
	one := all.lagsOf(tallied{file: 1})
	for _, lag := range []times.Span{0, times.Second - 1, times.Second, -1, -times.Second, -times.Second - 1, 899 * times.Second, 900 * times.Second, 959 * times.Second, 960 * times.Second} {
		one.add(lag)
	}
	// 900 bins of a second each, then of a minute; bin -1 holds what is up to a second too early, its edge with it
	want := map[int32]int64{0: 2, 1: 1, -1: 2, -2: 1, 899: 1, 900: 2, 901: 1}
	h := facts.NewLagHistogram()
	all.lagsOf(tallied{file: 1}).addTo(h)
	if !maps.Equal(h.Counts, want) || h.Rows != 10 || h.Min != -times.Second-1 || h.Max != 960*times.Second {
		t.Errorf("got %v, %d rows from %d to %d, want %v, 10 rows from %d to %d", h.Counts, h.Rows, h.Min, h.Max, want, -times.Second-1, 960*times.Second)
	}
	all.lagsOf(tallied{file: 2}).add(5 * times.Second)
	all.lagsOf(tallied{file: 2}).addTo(h)
	all.lagsOf(tallied{file: 3}).addTo(h) // without a row it moves no bound
	want[5] = 1
	if !maps.Equal(h.Counts, want) || h.Rows != 11 || h.Min != -times.Second-1 || h.Max != 960*times.Second {
		t.Errorf("a second file: got %v, %d rows from %d to %d, want %v, 11 rows and the same bounds", h.Counts, h.Rows, h.Min, h.Max, want)
	}
	beyond := facts.NewLagHistogram()
	widest := all.lagsOf(tallied{file: 4})
	widest.add(1<<62 - 1)
	widest.add(-1 << 62)
	widest.addTo(beyond)
	if want := map[int32]int64{facts.LagBins - 1: 1, -facts.LagBins: 1}; !maps.Equal(beyond.Counts, want) {
		t.Errorf("beyond the last edges: got %v, want %v", beyond.Counts, want)
	}
}

// TestEventTallies: the dense window lies around the first event, and what lies outside is counted as well.
func TestEventTallies(t *testing.T) {
	const width = times.Instant(facts.EventBinWidth)
	const half = eventWindow / 2
	counts := (&tallies{events: map[tallied]*eventCounts{}}).eventsOf(tallied{})
	want := map[int32]int64{}
	for _, bin := range []int32{1_000_000, 1_000_000 - half, 1_000_000 - half - 1, 1_000_000 + half - 1, 1_000_000 + half, 0, -1, -70_000_000} {
		counts.add(times.Instant(bin) * width)
		counts.add(times.Instant(bin)*width + width - 1)
		want[bin] += 2
	}
	counts.addBin(1_000_001, 500)
	want[1_000_001] = 500
	h := facts.NewEventHistogram()
	counts.addTo(h)
	if !maps.Equal(h.Counts, want) || h.Rows != 516 {
		t.Errorf("got %v of %d rows, want %v of 516", h.Counts, h.Rows, want)
	}
	if len(counts.rest) != 5 {
		t.Errorf("got %d bins outside the window, want 5", len(counts.rest))
	}
}

// TestRowBits walks the rows that are asked for.
func TestRowBits(t *testing.T) {
	asked := rowBits{first: 128, words: make([]uint64, 3)}
	rows := []int64{128, 191, 192, 300, 319}
	for _, row := range rows {
		asked.words[(row-128)>>6] |= 1 << ((row - 128) & 63)
	}
	if asked.end() != 320 {
		t.Errorf("end: got %d, want 320", asked.end())
	}
	for from := int64(0); from < 330; from++ {
		want := int64(-1)
		for _, row := range rows {
			if row >= from {
				want = row
				break
			}
		}
		if got := asked.next(from); got != want {
			t.Errorf("next from %d: got %d, want %d", from, got, want)
		}
	}
	if got := (rowBits{}).next(0); got != -1 {
		t.Errorf("of no rows: got %d, want -1", got)
	}
}

// TestCalendarIsThatOfTime compares each day of 800 years, and the ends of the years that a text can hold, with package time.
func TestCalendarIsThatOfTime(t *testing.T) {
	days := func(from, to time.Time) {
		for day := from; day.Before(to); day = day.AddDate(0, 0, 1) {
			year, month := int64(day.Year()), int64(day.Month())
			if got, want := daysSinceEpoch(year, month, int64(day.Day())), day.Unix()/86400; got != want {
				t.Fatalf("%s: got day %d, want %d", day.Format(time.DateOnly), got, want)
			}
			if got, want := daysIn(year, month), int64(time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()); got != want {
				t.Fatalf("%s: got a month of %d days, want %d", day.Format(time.DateOnly), got, want)
			}
		}
	}
	at := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	days(at(1600), at(2400))
	days(at(0), at(9))
	days(at(9996), at(10000))
}

// TestEveryOffsetInEachSpelling reads all offsets of whole minutes in the three spellings, and no other hour or minute.
func TestEveryOffsetInEachSpelling(t *testing.T) {
	read := func(text string, want int64, valid bool) {
		t.Helper()
		if got, ok := parseOffset([]byte(text)); ok != valid || ok && got != want {
			t.Errorf("%q: got %d, %v, want %d, %v", text, got, ok, want, valid)
		}
	}
	for _, sign := range []struct {
		text string
		by   int64
	}{{"+", 1}, {"-", -1}} {
		for hour := range int64(100) {
			for minute := range int64(100) {
				seconds, valid := sign.by*(hour*3600+minute*60), hour < 24 && minute < 60
				read(fmt.Sprintf("%s%02d:%02d", sign.text, hour, minute), seconds, valid)
				read(fmt.Sprintf("%s%02d%02d", sign.text, hour, minute), seconds, valid)
			}
			read(fmt.Sprintf("%s%02d", sign.text, hour), sign.by*hour*3600, hour < 24)
		}
	}
	for _, text := range []string{"+", "+5", "+053", "+05:3", "+05:300", "+05-30", "05:30", "+-5:30", "+05:3x", "ZZ", "\u221205:00"} {
		read(text, 0, false)
	}
}
