package check

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

const (
	india   = int64(19800)
	pacific = int64(-8 * 3600)
)

// streaming adds a second file and source to each of some partitions, with rows at an offset.
func (s *store) streaming(partitions []int32, east, rows int64) {
	for _, p := range partitions {
		s.file(p, rows, func(_ *facts.File, slice *facts.Slice) {
			slice.Source = "streaming"
			slice.LagMin, slice.LagMax = times.Span((-east)*second), times.Span((330-east)*second)
		})
		s.lags(p, "streaming", east, rows)
		s.stamps(p, int32(len(s.Survey.Files)-1), "streaming", east, 0, 50)
	}
}

// stamps samples writers of a partition's file, first to last: each has a row in both halves of the day.
func (s *store) stamps(partition, file int32, source string, east int64, first, last uint64) {
	if s.Collection.Writers == nil {
		s.Collection.Writers = map[string]*facts.WriterSample{}
	}
	sample := s.Collection.Writers[source]
	if sample == nil {
		sample = &facts.WriterSample{Limit: facts.AllWriters}
		s.Collection.Writers[source] = sample
	}
	start := s.Survey.Partitions[partition].Start
	for w := first; w < last; w++ {
		for half := range int64(2) {
			ingest := start + times.Instant(half*12*hour+int64(w)*7*minute)
			event := ingest - times.Instant(w*7+uint64(half)+uint64(partition))%5*minute - second + times.Instant(east*second)
			row, _ := facts.NewWriterRow(w+1, event, ingest, file)
			sample.Rows = append(sample.Rows, row)
		}
	}
	sample.Settle(facts.MaxWriterRows)
}

func offsetsMeasured(r report.Result) []map[string]any {
	list, _ := r.Measures["offsets"].([]map[string]any)
	return list
}

func TestMixedZonesNamesSourceOffsetAndFiles(t *testing.T) {
	s := healthy(dailyView())
	s.streaming([]int32{2, 3}, india, 500)
	r := s.of(t, "mixed-zones")
	if r.Outcome != report.Fail || r.Evidence != report.Statistical || r.RowsTotal != 10000 || r.RowsBad < 950 || r.RowsBad > 1000 {
		t.Fatalf("got %+v, want r.Outcome == report.Fail && r.Evidence == report.Statistical && r.RowsTotal == 10000 && r.RowsBad >= 950 && r.RowsBad <= 1000", r)
	}
	if r.FirstPartition != "dt=2026-11-03" || r.LastPartition != "dt=2026-11-04" || len(r.Findings) != 2 {
		t.Errorf("%s to %s: %+v", r.FirstPartition, r.LastPartition, r.Findings)
	}
	if !strings.Contains(r.Message, "UTC+05:30 (Asia/Kolkata") {
		t.Errorf(`got %q, want strings.Contains(r.Message, "UTC+05:30 (Asia/Kolkata")`, r.Message)
	}
	list := offsetsMeasured(r)
	if len(list) != 1 || list[0]["offset_minutes"] != int64(330) || list[0]["source"] != "streaming" || list[0]["share"] != 1.0 {
		t.Fatalf(`got %v, want len(list) == 1 && list[0]["offset_minutes"] == int64(330) && list[0]["source"] == "streaming" && list[0]["share"] == 1.0`, list)
	}
	if files := list[0]["example_files"].([]string); len(files) != 2 || files[0] != "dt=2026-11-03/part-00009.parquet" {
		t.Errorf(`got %v, want len(files) == 2 && files[0] == "dt=2026-11-03/part-00009.parquet"`, files)
	}
}

func TestAWholeSourceLateIsAmbiguousUntilSomethingDecides(t *testing.T) {
	all := []int32{0, 1, 2, 3, 4, 5, 6, 7, 8}
	s := healthy(dailyView())
	s.streaming(all, pacific, 500)
	r := s.of(t, "mixed-zones")
	// no zone that is declared would move an aware time
	want := "streaming is ambiguous: 8h late, or stamped at UTC-08:00; declare its max_lag to decide"
	if r.Outcome != report.NotApplicable || r.Reason != want {
		t.Fatalf("got %s: %q, want r.Outcome == report.NotApplicable && r.Reason == %+v", r.Outcome, r.Reason, want)
	}
	if r := s.of(t, "stale-view"); strings.Contains(r.Message, "zone") {
		t.Errorf("times are aware: %q", r.Message)
	}
	s.Survey.Schemas[0].Columns[0].AdjustedToUTC = false
	want = "streaming is ambiguous: 8h late, or stamped at UTC-08:00; declare its max_lag or its zone to decide"
	if r := s.of(t, "mixed-zones"); r.Reason != want {
		t.Fatalf("got %s: %q, want %+v", r.Outcome, r.Reason, want)
	}
	s.Survey.Schemas[0].Columns[0].AdjustedToUTC = true
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", MaxLag: 10 * time.Minute}}
	if r = s.of(t, "mixed-zones"); r.Outcome != report.Fail || offsetsMeasured(r)[0]["offset_minutes"] != int64(-480) {
		t.Errorf("a max_lag of 10 minutes: %+v", r)
	}
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", MaxLag: 9 * time.Hour}}
	if r = s.of(t, "mixed-zones"); r.Outcome != report.Pass {
		t.Errorf("a max_lag of 9 hours: %+v", r)
	}
	// A lag that is too long even when it is corrected says nothing of zones.
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", MaxLag: 10 * time.Second}}
	if r = s.of(t, "mixed-zones"); r.Outcome != report.NotApplicable {
		t.Errorf("a max_lag of 10 seconds: %+v", r)
	}
}

func TestPartitionsDecideOnAWholeSource(t *testing.T) {
	s := healthy(dailyView())
	s.streaming([]int32{3, 4}, pacific, 480)
	for _, p := range []int32{3, 4} {
		h := facts.NewEventHistogram()
		for bin := range times.Instant(96) {
			// one event every quarter of the partition's day, stamped 8 hours early
			h.Counts[facts.EventBin(s.Survey.Partitions[p].Start+bin*15*minute-8*hour)] += 5
			h.Rows += 5
		}
		s.Collection.Events[facts.Population{Partition: p, Source: "streaming"}] = h
	}
	r := s.of(t, "mixed-zones")
	if r.Outcome != report.Fail || !strings.Contains(r.Message, "its rows lie in their partitions only when they are corrected") {
		t.Errorf(`got %s: %q, want r.Outcome == report.Fail && strings.Contains(r.Message, "its rows lie in their partitions only when they are corrected")`, r.Outcome, r.Message)
	}
}

func TestAClockChangeNamesTheZone(t *testing.T) {
	// Partition 0 is 1 November: Los Angeles changes from UTC-7 to UTC-8 in it.
	s := newStore(dailyView())
	s.AsOf = at("2026-11-08T00:00:00Z")
	s.days("2026-10-27", 12)
	for p := range int32(5) {
		s.streaming([]int32{p}, -7*3600, 300)
	}
	for p := int32(6); p < 12; p++ {
		s.streaming([]int32{p}, -8*3600, 300)
	}
	r := s.of(t, "mixed-zones")
	if r.Outcome != report.Fail || !strings.Contains(r.Message, "steps by an hour where clocks change") {
		t.Fatalf(`got %s: %q, want r.Outcome == report.Fail && strings.Contains(r.Message, "steps by an hour where clocks change")`, r.Outcome, r.Message)
	}
	for _, o := range offsetsMeasured(r) {
		if names := o["zones"].([]string); names[0] != "America/Los_Angeles" {
			t.Errorf(`got %v: %v, want names[0] == "America/Los_Angeles"`, o["offset_minutes"], names)
		}
	}
	// At a week's distance no zone of North America changed: nothing decides.
	s = newStore(dailyView())
	s.AsOf = at("2026-11-20T00:00:00Z")
	s.days("2026-11-08", 12)
	s.streaming([]int32{0, 1, 2, 3, 4}, -7*3600, 300)
	s.streaming([]int32{5, 6, 7, 8, 9}, -8*3600, 300)
	if r = s.of(t, "mixed-zones"); r.Outcome != report.NotApplicable {
		t.Errorf("got %s: %q, want r.Outcome == report.NotApplicable", r.Outcome, r.Message)
	}
}

func TestADeclaredZoneIsTheOneRead(t *testing.T) {
	// The source is declared to be at UTC+05:30, and stamps UTC: read so, its events lie 5 h 30 min too early.
	s := healthy(dailyView())
	naive := column("event_time", "INT64", "timestamp", "TIMESTAMP(us)")
	s.Survey.Schemas[0].Columns[0] = naive
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", Zone: "Asia/Kolkata", MaxLag: 10 * time.Minute}}
	s.streaming([]int32{0, 1, 2, 3, 4, 5, 6, 7, 8}, -india, 300)
	for i := range s.Survey.Files {
		if i >= 9 {
			s.Survey.Files[i].Source = "streaming"
		}
	}
	r := s.of(t, "mixed-zones")
	if list := offsetsMeasured(r); r.Outcome != report.Fail || len(list) != 1 || list[0]["offset_minutes"] != int64(0) {
		t.Errorf(`got %s: %v, want r.Outcome == report.Fail && len(list) == 1 && list[0]["offset_minutes"] == int64(0)`, r.Outcome, r.Measures)
	}
	if strings.Contains(r.Message, "batch") {
		t.Errorf("batch is well: %q", r.Message)
	}
}

func TestUserZonesNarrowTheHypotheses(t *testing.T) {
	s := healthy(dailyView())
	s.View.Zones = []string{"America/Los_Angeles", "Asia/Tokyo"}
	s.streaming([]int32{2, 3}, india, 500)
	// UTC+05:30 is no hypothesis: its lags begin before zero at no admissible offset.
	if r := s.of(t, "mixed-zones"); r.Outcome == report.Fail {
		t.Errorf("got %+v, want r.Outcome != report.Fail", r)
	}
	s = healthy(dailyView())
	s.View.Zones = []string{"America/Los_Angeles", "Asia/Tokyo"}
	s.streaming([]int32{2, 3}, 9*3600, 500)
	r := s.of(t, "mixed-zones")
	if list := offsetsMeasured(r); r.Outcome != report.Fail || len(list[0]["zones"].([]string)) != 1 {
		t.Errorf(`got %+v, want r.Outcome == report.Fail && len(list[0]["zones"].([]string)) == 1`, r)
	}
}

func TestLagsTooWideOrCoarseToTell(t *testing.T) {
	s := healthy(dailyView())
	clear(s.Collection.Lags)
	for p := range int32(9) {
		for step := range int64(400) {
			s.lags(p, "batch", -step*60, 5)
		}
	}
	r := s.of(t, "mixed-zones")
	if r.Outcome != report.NotApplicable || !strings.HasPrefix(r.Reason, "batch cannot be judged: half of its lags spread over 3h 2") {
		t.Errorf(`got %s: %q, want r.Outcome == report.NotApplicable && strings.HasPrefix(r.Reason, "batch cannot be judged: half of its lags spread over 3h 2")`, r.Outcome, r.Reason)
	}
	s = healthy(dailyView())
	for i := range s.Collection.Slices {
		s.Collection.Slices[i].OnLattice = 501
	}
	r = s.of(t, "mixed-zones")
	want := "batch cannot be judged: over half of its event times are whole quarters of an hour, a clock too coarse to tell an offset (half of its lags spread over 2m 51s)"
	if r.Outcome != report.NotApplicable || r.Reason != want {
		t.Errorf("got %s: %q, want r.Outcome == report.NotApplicable && r.Reason == %+v", r.Outcome, r.Reason, want)
	}
}

func TestAPassSaysWhatItWouldHaveSeen(t *testing.T) {
	s := healthy(dailyView())
	r := s.of(t, "mixed-zones")
	if r.Outcome != report.Pass || !strings.Contains(r.Message, "; another offset would have been seen from 0.2 % of a source's rows on") {
		t.Errorf(`got %s: %q, want r.Outcome == report.Pass && strings.Contains(r.Message, "; another offset would have been seen from 0.2 %% of a source's rows on")`, r.Outcome, r.Message)
	}
	s.View.Checks = map[string]model.CheckPolicy{"mixed-zones": {MustSee: new(0.001)}}
	r = s.of(t, "mixed-zones")
	want := "batch cannot be passed: another offset would have been seen from 0.2 % of its rows on, which is above must_see (0.1 %): " +
		"declare the writer that stamps the rows (writer: device_id), or take in more rows"
	if r.Outcome != report.NotApplicable || r.Reason != want {
		t.Errorf("got %s: %q, want r.Outcome == report.NotApplicable && r.Reason == %+v", r.Outcome, r.Reason, want)
	}
}

func TestMaxLagSettlesWritersThatAreAlwaysLate(t *testing.T) {
	s := someAt(pacific, func(slice *facts.Slice) { slice.LagMax = 9 * hour })
	if r := s.of(t, "mixed-zones"); r.Outcome != report.Fail || !strings.Contains(r.Message, "13 writers have all their rows there, on 4 days") {
		t.Errorf(`got %s: %q, want r.Outcome == report.Fail && strings.Contains(r.Message, "13 writers have all their rows there, on 4 days")`, r.Outcome, r.Message)
	}
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", MaxLag: 9 * time.Hour}}
	if r := s.of(t, "mixed-zones"); r.Outcome != report.Pass || !strings.Contains(r.Message, "max_lag allows the delay of streaming") {
		t.Errorf(`got %s: %q, want r.Outcome == report.Pass && strings.Contains(r.Message, "max_lag allows the delay of streaming")`, r.Outcome, r.Message)
	}
	if plan := planOf(t, s); len(plan) != 0 {
		t.Errorf("got %+v, want len(plan) == 0", plan)
	}
}

// A source that is ahead of its arrival with every row is told so without blaming it; a max_lag would decide nothing of it.
func TestAWholeSourceAheadNamesWhatDecides(t *testing.T) {
	for _, test := range []struct {
		aware bool
		want  string
	}{
		{true, "streaming is ambiguous: 7h ahead of their arrival, or stamped at UTC+07:00; declare zones: [UTC] where events are known ahead to decide"},
		{false, "streaming is ambiguous: 7h ahead of their arrival, or stamped at UTC+07:00; declare its zone or zones: [UTC] where events are known ahead to decide"},
	} {
		s := newStore(dailyView())
		s.days("2026-11-01", 9)
		s.View.MaxAge = time.Hour
		s.streaming([]int32{0, 1, 2, 3, 4, 5, 6, 7, 8}, 7*3600, 500)
		s.Collection.Writers = nil
		s.Survey.Schemas[0].Columns[0].AdjustedToUTC = test.aware
		for i := range s.Collection.Slices {
			slice := &s.Collection.Slices[i]
			slice.NewestKnown, slice.NewestFuture = times.None, s.Survey.Partitions[i].End+7*hour-minute
		}
		if r := s.of(t, "mixed-zones"); r.Outcome != report.NotApplicable || r.Reason != test.want {
			t.Errorf("got %s: %q, want r.Outcome == report.NotApplicable && r.Reason == %+v", r.Outcome, r.Reason, test.want)
		}
		r := s.of(t, "stale-view")
		if want := "stale at UTC, fresh at UTC+07:00"; r.Outcome != report.Fail || strings.Contains(r.Message, want) == test.aware {
			t.Errorf("aware %v: %s %q", test.aware, r.Outcome, r.Message)
		}
	}
}

// The rows of a view that one kind of file holds are the view's; only where there are several kinds are they named by who wrote them.
func TestSeriesAreNamedByWhatTellsThemApart(t *testing.T) {
	for s, want := range map[*zoneproof.Series]string{
		{Writer: "parquet-mr", Alone: true}:                      "the view",
		{Writer: "parquet-mr"}:                                   "what parquet-mr wrote",
		{Source: "streaming", Writer: "parquet-mr"}:              "streaming",
		{Source: "streaming", Writer: "parquet-mr", Alone: true}: "streaming",
		{}: "the view",
	} {
		if got := s.Name(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
