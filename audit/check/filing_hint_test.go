package check

import (
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// clocked is a store of partitions of one grain, each with ten rows in every quarter of an hour of it as a clock in a zone shows it;
// shift, in hours, moves the rows of single partitions.
func clocked(t *testing.T, grain model.Grain, stamped, first string, n int, shift map[int]float64) *store {
	t.Helper()
	v := dailyView()
	v.TimePartition.Grain = grain
	s := newStore(v)
	table, err := zone.Load(stamped)
	if err != nil {
		t.Fatal(err)
	}
	length := times.Instant(day)
	if grain == model.GrainHour {
		length = hour
	}
	start := at(first + "T00:00:00Z")
	s.AsOf = start + 400*day
	for i := range n {
		from := start + times.Instant(i)*length
		s.Survey.Partitions = append(s.Survey.Partitions, facts.Partition{ID: int32(i), Value: "dt=" + time.UnixMicro(int64(from)).UTC().Format("2006-01-02T15"),
			Start: from, End: from + length, Present: true, InRange: true})
		h, before, after := facts.NewEventHistogram(), int64(0), int64(0)
		for civil := from; civil < from+length; civil += 15 * minute {
			event := table.Begin(times.Local(civil)).Add(times.Span(shift[i] * float64(hour)))
			h.Counts[facts.EventBin(event)] += 10
			h.Rows += 10
			switch {
			case event < from:
				before += 10
			case event >= from+length:
				after += 10
			}
		}
		s.Collection.Events[facts.Population{Partition: int32(i), Source: "batch"}] = h
		s.file(int32(i), h.Rows, func(_ *facts.File, slice *facts.Slice) { slice.MisfiledBefore, slice.MisfiledAfter = before, after })
	}
	return s
}

func TestFilingHint(t *testing.T) {
	for name, test := range map[string]struct {
		store *store
		want  string // in the message
		not   []string
	}{
		"days of a fixed offset":     {clocked(t, "day", "Asia/Kolkata", "2026-06-01", 10, nil), "all rows would fit if partitions were days of UTC+05:30: set time_partition.zone to a zone at that offset, such as Asia/Kolkata", nil},
		"hours of a fixed offset":    {clocked(t, "hour", "Asia/Tokyo", "2026-06-01", 48, nil), "all rows would fit if partitions were hours of UTC+09:00: set time_partition.zone to a zone at that offset, such as Asia/Tokyo", []string{"days"}},
		"days across a clock change": {clocked(t, "day", "America/Los_Angeles", "2026-10-20", 30, nil), "all rows would fit if partitions were days of America/Los_Angeles: set time_partition.zone to it", []string{"UTC-"}},
		"days on one side of it":     {clocked(t, "day", "America/Los_Angeles", "2026-06-01", 10, nil), "days of UTC-07:00: set time_partition.zone to a zone at that offset, such as America/Los_Angeles", nil},
		"one day of ten":             {clocked(t, "day", "UTC", "2026-11-01", 10, map[int]float64{4: -8}), "all rows of dt=2026-11-05T00 would fit 8 h later", []string{"time_partition.zone", "UTC"}},
		"two days of ten, earlier":   {clocked(t, "day", "UTC", "2026-11-01", 10, map[int]float64{4: 9, 7: 9}), "all rows of dt=2026-11-05T00 and dt=2026-11-08T00 would fit 9 h earlier", []string{"time_partition.zone"}},
		"half an hour's offset":      {clocked(t, "day", "UTC", "2026-11-01", 10, map[int]float64{0: -5.5}), "all rows of dt=2026-11-01T00 would fit 5 h 30 min later", nil},
		"one hour of hours":          {clocked(t, "hour", "UTC", "2026-11-01", 24, map[int]float64{6: -3}), "all rows of dt=2026-11-01T06 would fit 3 h later", []string{"day"}},
		"no offset in use":           {clocked(t, "day", "UTC", "2026-11-01", 10, map[int]float64{4: -0.25}), "", []string{"would fit"}},
		"a quarter off everywhere":   {clocked(t, "day", "+00:15", "2026-11-01", 10, nil), "", []string{"would fit", "UTC+00:15"}},
		"two days, each another way": {clocked(t, "day", "UTC", "2026-11-01", 10, map[int]float64{2: -8, 6: 5}), "", []string{"would fit"}},
	} {
		r := test.store.of(t, "misfiled-rows")
		if r.Outcome != report.Fail || !strings.Contains(r.Message, test.want) {
			t.Errorf("%s: %s %q, want %q", name, r.Outcome, r.Message, test.want)
		}
		for _, not := range test.not {
			if strings.Contains(r.Message, not) && !strings.Contains(test.want, not) {
				t.Errorf("%s: %q says %q", name, r.Message, not)
			}
		}
	}
}

// A hint is of event times alone: what the files' own column says of the date moves no calendar.
func TestNoHintFromTheOwnColumn(t *testing.T) {
	s := clocked(t, "day", "UTC", "2026-11-01", 10, nil)
	for i := range s.Collection.Slices {
		s.Collection.Slices[i].OwnColumnDiffers = 960
	}
	r := s.of(t, "misfiled-rows")
	if r.RowsBad != 9600 || !strings.Contains(r.Message, "9,600 of them since the files' own column dt does not say the date of the path, whatever their event time") || strings.Contains(r.Message, "would fit") {
		t.Errorf("got %d %q, want r.RowsBad == 9600 && "+
			`strings.Contains(r.Message, "9,600 of them since the files' own column dt does not say the date of the path, whatever their event time") && `+
			`!strings.Contains(r.Message, "would fit")`, r.RowsBad, r.Message)
	}
	if want := "960 of 960 rows (100 %) do not say the date of the path in their own column dt"; r.Findings[0].Message != want {
		t.Errorf("%q, want %q", r.Findings[0].Message, want)
	}
}

func TestBackfillsAreNotToldToHurry(t *testing.T) {
	late := func(change func(*store)) report.Result {
		s := healthy(dailyView())
		s.View.Reference = model.ReferenceIngestedAt
		s.Collection.Slices[3].LagOver, s.Collection.Slices[3].Stale, s.Collection.Slices[3].IngestedMax = 10, 10, asOf-hour
		s.Narrowed, s.AsOfGiven = true, true
		for i := range s.Survey.Partitions {
			s.Survey.Partitions[i].InRange = i == 3
		}
		change(s)
		return s.of(t, "source-lag")
	}
	lag, _ := Lookup("source-lag")
	r := late(func(*store) {})
	if r.Outcome != report.Warn || !strings.Contains(r.Message, "if the range was filled again, its rows arrived late by nature") || strings.Contains(lag.FixOf(r), "Speed the feed up") {
		t.Errorf(`got %s %q %q, want r.Outcome == report.Warn && strings.Contains(r.Message, "if the range was filled again, its rows arrived late by nature") && `+
			`!strings.Contains(lag.FixOf(r), "Speed the feed up")`, r.Outcome, r.Message, lag.FixOf(r))
	}
	for name, change := range map[string]func(*store){
		"without a range": func(s *store) {
			s.Narrowed = false
			for i := range s.Survey.Partitions {
				s.Survey.Partitions[i].InRange = true
			}
		},
		"without a given as_of": func(s *store) { s.AsOfGiven = false },
		"arrived in its day":    func(s *store) { s.Collection.Slices[3].IngestedMax = s.Survey.Partitions[3].End - 1 },
	} {
		if r := late(change); r.Outcome != report.Warn || strings.Contains(r.Message, "late by nature") || !strings.Contains(lag.FixOf(r), "Speed the feed up") {
			t.Errorf(`%s: got %s %q %q, want r.Outcome == report.Warn && !strings.Contains(r.Message, "late by nature") && strings.Contains(lag.FixOf(r), "Speed the feed up")`, name, r.Outcome, r.Message, lag.FixOf(r))
		}
	}
}

// lagging gives all rows of a store the lags of a clock so many seconds east; where writers is set, each is there with all its rows.
func (s *store) lagging(east int64, writers bool) *store {
	for i := range s.Survey.Partitions {
		s.lags(int32(i), "batch", east, 960)
		if writers {
			s.stamps(int32(i), int32(i), "batch", east, 0, 50)
		}
	}
	for i := range s.Collection.Slices {
		slice := &s.Collection.Slices[i]
		slice.EventMin, slice.EventMax = s.Survey.Partitions[i].Start-12*hour, s.Survey.Partitions[i].End+12*hour
	}
	return s
}

// Rows that are stamped at an offset, and filed by the day on which they truly happened, lie as those of another calendar do. To
// declare that calendar would hide them.
func TestNoOtherCalendarWhereRowsAreShifted(t *testing.T) {
	for name, test := range map[string]struct {
		store *store
		hint  bool
	}{
		"days of Manila, and times that are right":              {clocked(t, "day", "Asia/Manila", "2026-06-01", 10, nil).lagging(0, true), true},
		"days of Manila, all rows 7 h late":                     {clocked(t, "day", "Asia/Manila", "2026-06-01", 10, nil).lagging(-7*3600, false), true},
		"days of Manila, all rows 5 h late":                     {clocked(t, "day", "Asia/Manila", "2026-06-01", 10, nil).lagging(-5*3600, false), true},
		"days of UTC, stamped at UTC+8 by every writer":         {clocked(t, "day", "-08:00", "2026-06-01", 10, nil).lagging(8*3600, true), false},
		"days of UTC, stamped at UTC+8, and nobody to ask":      {clocked(t, "day", "-08:00", "2026-06-01", 10, nil).lagging(8*3600, false), false},
		"days of UTC, stamped at UTC-8 by every writer":         {clocked(t, "day", "Asia/Manila", "2026-06-01", 10, nil).lagging(-8*3600, true), false},
		"days of Manila, 8 h late, or of UTC, stamped at UTC-8": {clocked(t, "day", "Asia/Manila", "2026-06-01", 10, nil).lagging(-8*3600, false), false},
	} {
		r := test.store.of(t, "misfiled-rows")
		if mixed := test.store.of(t, "mixed-zones"); test.hint && mixed.Outcome == report.Fail {
			t.Errorf("%s: got %q, want !test.hint || mixed.Outcome != report.Fail", name, mixed.Message)
		}
		if hint := strings.Contains(r.Message, "set time_partition.zone"); r.Outcome != report.Fail || hint != test.hint {
			t.Errorf("%s: got %s %q, want r.Outcome == report.Fail && hint == test.hint", name, r.Outcome, r.Message)
		}
	}
}
