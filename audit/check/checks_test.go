package check

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

func TestTTLUnset(t *testing.T) {
	for _, test := range []struct {
		ttl     model.TTL
		outcome report.Outcome
		message string
	}{
		{model.TTL{}, report.Fail, "the ttl is not set (featureaudit.yaml:9), so that features never expire"},
		{model.TTL{OnWire: "absent"}, report.Fail, "the ttl is not set (featureaudit.yaml:9), so that features never expire"},
		{model.TTL{OnWire: "zero"}, report.Fail, "the ttl is 0 (featureaudit.yaml:9), so that features never expire"},
		{model.TTL{OnWire: "set", Explicit: true}, report.Fail, "the ttl is set to 0 (featureaudit.yaml:9), so that features never expire"},
		{model.TTL{Never: "static reference data"}, report.Pass, "the ttl is never, for a reason: static reference data"},
		{model.TTL{Duration: 24 * time.Hour}, report.Pass, "the ttl is 1d"},
	} {
		v := dailyView()
		v.TTL = test.ttl
		bad := int64(0)
		if test.outcome == report.Fail {
			bad = 1
		}
		expect(t, healthy(v).of(t, "ttl-unset"), test.outcome, bad, 1, test.message)
	}
}

func TestTTLAbsurd(t *testing.T) {
	for _, test := range []struct {
		ttl     time.Duration
		message string
	}{
		{-time.Hour, "the ttl of -1h (featureaudit.yaml:9) is negative: every row is expired at once"},
		{250 * time.Millisecond, "the ttl of 250ms (featureaudit.yaml:9) is under a second: every row is expired before it is read"},
		{1, "the ttl of 1ns (featureaudit.yaml:9) is under a second: every row is expired before it is read"},
		{87661 * time.Hour, "the ttl of 3,652d 13h (featureaudit.yaml:9) is over 10 years: no row ever expires"},
		{time.Second, ""}, {87660 * time.Hour, ""},
	} {
		v := dailyView()
		v.TTL = model.TTL{Duration: test.ttl, Explicit: true}
		r := healthy(v).of(t, "ttl-absurd")
		if test.message == "" {
			if r.Outcome != report.Pass {
				t.Errorf("got %s: %+v, want r.Outcome == report.Pass", test.ttl, r)
			}
			continue
		}
		expect(t, r, report.Warn, 1, 1, test.message)
	}
	v := dailyView()
	v.TTL = model.TTL{}
	if r := healthy(v).of(t, "ttl-absurd"); r.Outcome != report.NotApplicable {
		t.Errorf("got %+v, want r.Outcome == report.NotApplicable", r)
	}
}

func TestNullEventTime(t *testing.T) {
	s := healthy(dailyView())
	s.Collection.Slices[3].EventNull, s.Collection.Slices[3].EventUnparsed, s.Collection.Slices[4].EventSentinel = 1, 2, 4
	r := s.of(t, "null-event-time")
	expect(t, r, report.Fail, 7, 9000, "7 of 9,000 rows (0.08 %) have no usable event time in 2 partitions from dt=2026-11-04 to dt=2026-11-05 of source batch: 1 is NULL; 2 "+
		"are text that does not parse as RFC 3339; 4 lie before 1980 or more than 10 years after as_of")
	if want := (report.Measures{"null_rows": int64(1), "unparsed_rows": int64(2), "sentinel_rows": int64(4)}); !reflect.DeepEqual(r.Measures, want) {
		t.Errorf("got %v, want %+v", r.Measures, want)
	}
	if got := r.Findings[1]; got.RowsBad != 3 || got.Subject.Partition != "dt=2026-11-04" || got.Measures["unparsed_rows"] != 2.0 ||
		got.Message != "3 of 1,000 rows (0.30 %) have no usable event time: 1 is NULL; 2 are text that does not parse as RFC 3339" {
		t.Errorf(`got %+v, want got.RowsBad == 3 && got.Subject.Partition == "dt=2026-11-04" && got.Measures["unparsed_rows"] == 2.0 && `+
			`got.Message == "3 of 1,000 rows (0.30 %%) have no usable event time: 1 is NULL; 2 are text that does not parse as RFC 3339"`, got)
	}
}

func TestNullEventTimeSaysWhy(t *testing.T) {
	v := dailyView()
	v.EventTime.Format = "%d/%m/%Y %H:%M %Z"
	s := healthy(v)
	first, second := &s.Collection.Slices[3], &s.Collection.Slices[4]
	first.EventUnparsed, second.EventUnparsed, second.EventSentinel = 1, 1, 2
	first.Unparsed.Add([]byte("b"))
	second.Unparsed.Add([]byte("01/11/2026 10:07 PDT"))
	second.AddSentinel(0)
	second.AddSentinel(33_074_265_600_000_000)
	r := s.of(t, "null-event-time")
	const hint = " (%Z reads UTC, GMT and Z; for other names of zones set zone, the one whose names they are)"
	expect(t, r, report.Fail, 4, 9000, "4 of 9,000 rows (0.04 %) have no usable event time in 2 partitions from dt=2026-11-04 to dt=2026-11-05 of source batch: "+
		`2 are text that does not parse by format "%d/%m/%Y %H:%M %Z", such as 01/11/2026 10:07 PDT`+hint+"; 2 lie before 1980 or more than 10 years after as_of (1970-01-01 to 3018-01-31)")
	for name, want := range map[string]any{"oldest_sentinel": "1970-01-01", "newest_sentinel": "3018-01-31", "unparsed_example": "01/11/2026 10:07 PDT"} {
		if r.Measures[name] != want {
			t.Errorf("%s is %v, want %v", name, r.Measures[name], want)
		}
	}
	if got, want := r.Findings[1].Message, `1 of 1,000 rows (0.10 %) have no usable event time: 1 is text that does not parse by format "%d/%m/%Y %H:%M %Z", such as b`+hint; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	v.Zone, v.Origins = "America/Los_Angeles", model.Origins{"zone": model.Written("f.yaml:3")}
	s.View = v
	if r := s.of(t, "null-event-time"); strings.Contains(r.Message, "zone") {
		t.Errorf("a zone is declared: %q", r.Message)
	}
}

func TestShownText(t *testing.T) {
	for text, want := range map[string]string{
		"yesterday": "yesterday", "": `""`, " x": `" x"`, "a\nb": `"a\nb"`, `say "x"`: `"say \"x\""`, "2026年11月1日": "2026年11月1日", "\xff\x1b[31m": `"\xff\x1b[31m"`,
		"\u202egnp": `"\u202egnp"`, strings.Repeat("a", 40): strings.Repeat("a", 40), strings.Repeat("ä", 32): strings.Repeat("ä", 31) + "...", strings.Repeat("a", 41): strings.Repeat("a", 40) + "...",
	} {
		if got := shownText(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestFutureRows(t *testing.T) {
	s := healthy(dailyView())
	s.Collection.Slices[8].FutureIngested, s.Collection.Slices[8].FutureAsOf, s.Collection.Slices[8].EventNull = 3, 2, 50
	s.Collection.Slices[8].EventUnparsed, s.Collection.Slices[8].EventSentinel = 30, 20
	s.Collection.Slices[8].NewestFuture = asOf + 9*hour
	r := s.of(t, "future-rows")
	expect(t, r, report.Fail, 5, 8900, "5 of 8,900 rows (0.06 %) lie in the future, more than 5m after ingested_at, or after as_of and the file's modification in partition dt=2026-11-09 of source batch")
	if got := r.Findings[0].Measures["newest_event_time"]; got != "2026-11-10T09:00:00Z" {
		t.Errorf(`got %v, want got == "2026-11-10T09:00:00Z"`, got)
	}
}

func TestFutureRowsOfPartitionsAfterAsOf(t *testing.T) {
	s := healthy(dailyView())
	s.days("2026-11-10", 3)
	s.file(10, 50, func(f *facts.File, _ *facts.Slice) { f.ModTime = asOf - 1 })
	s.file(11, 70, func(f *facts.File, _ *facts.Slice) { f.ModTime = asOf })
	r := s.of(t, "future-rows")
	expect(t, r, report.Fail, 50, 9050, "50 of 9,050 rows (0.55 %) lie in the future, more than 5m after ingested_at in partition dt=2026-11-11")
	if len(r.Findings) != 1 || r.Findings[0].Message != "50 rows in a partition that begins after as_of, in files that existed before it" {
		t.Errorf(`got %+v, want len(r.Findings) == 1 && r.Findings[0].Message == "50 rows in a partition that begins after as_of, in files that existed before it"`, r.Findings)
	}
	if r := s.of(t, "null-keys"); r.RowsTotal != 9000 {
		t.Errorf("rows after as_of are not judged: %d", r.RowsTotal)
	}
	s.Narrowed, s.Survey.Partitions[10].InRange = true, false
	if r := s.of(t, "future-rows"); r.Outcome != report.Pass {
		t.Errorf("the range leaves it out: %+v", r)
	}
}

func TestStaleView(t *testing.T) {
	s := healthy(dailyView())
	s.AsOf = s.Collection.Slices[8].NewestKnown + 2*day
	r := s.of(t, "stale-view")
	if r.Outcome != report.Pass || r.Measures["age_seconds"] != 172800.0 {
		t.Errorf("exactly the limit is fresh: %+v", r)
	}
	s.AsOf++
	r = s.of(t, "stale-view")
	expect(t, r, report.Fail, 1, 1, "the newest event of the view is 2d old at as_of; the limit is 2d")
	want := report.Measures{"newest_event_time": "2026-11-09T23:00:00Z", "age_seconds": 172800.000001, "limit_seconds": 172800.0}
	if !reflect.DeepEqual(r.Measures, want) {
		t.Errorf("got %v, want %+v", r.Measures, want)
	}
	s.View.MaxAge = 72 * time.Hour
	if r := s.of(t, "stale-view"); r.Outcome != report.Pass || r.Measures["limit_seconds"] != 259200.0 {
		t.Errorf("max_age comes before ttl: %+v", r)
	}
}

func TestStaleViewBySource(t *testing.T) {
	s := healthy(dailyView())
	s.View.Sources = []model.SourcePolicy{{Name: "batch", MaxAge: 30 * time.Hour}, {Name: "legacy", Until: time.UnixMicro(int64(asOf))},
		{Name: "streaming", MaxAge: 10 * time.Minute}}
	live := s.Collection.Slices[8]
	live.Source, live.NewestKnown = "streaming", asOf-minute
	s.Collection.Slices = append(s.Collection.Slices, live)
	if r := s.of(t, "stale-view"); r.Outcome != report.Pass || r.Measures["source"] != "streaming" {
		t.Errorf(`got %+v, want r.Outcome == report.Pass && r.Measures["source"] == "streaming"`, r)
	}
	for i := range s.Collection.Slices {
		if s.Collection.Slices[i].Source == "batch" {
			s.Collection.Slices[i].NewestKnown = asOf - 31*hour
		}
	}
	r := s.of(t, "stale-view")
	expect(t, r, report.Fail, 1, 1, "the newest event of source batch is 1d 7h old at as_of; the limit is 1d 6h")
	if len(r.Findings) != 1 || r.Findings[0].Subject != (report.Subject{Source: "batch"}) {
		t.Errorf("a live stream hides a dead batch: %+v", r.Findings)
	}
}

func TestTTLOfNanosecondsIsALimit(t *testing.T) {
	s := healthy(dailyView())
	s.View.TTL.Duration = 1
	for _, id := range []string{"stale-view", "source-lag", "stale-rows"} {
		if r := s.of(t, id); r.Outcome == report.NotApplicable {
			t.Errorf("%s: got %q, want r.Outcome != report.NotApplicable", id, r.Reason)
		}
	}
}

func TestViewOfDeclaredSourcesOnlyIsJudgedByThem(t *testing.T) {
	s := healthy(dailyView())
	s.View.MaxAge = time.Minute
	s.View.Sources = []model.SourcePolicy{{Name: "batch", MaxAge: 30 * time.Hour}}
	if r := s.of(t, "stale-view"); r.Outcome != report.Pass {
		t.Errorf("got %+v, want r.Outcome == report.Pass", r)
	}
	other := s.Collection.Slices[8]
	other.Source = "backfill"
	s.Collection.Slices = append(s.Collection.Slices, other)
	if r := s.of(t, "stale-view"); r.Outcome != report.Fail || r.Findings[0].Subject != (report.Subject{}) {
		t.Errorf("got %+v, want r.Outcome == report.Fail && r.Findings[0].Subject == (report.Subject{})", r)
	}
}

func TestStaleViewOfASourceThatNeverCame(t *testing.T) {
	s := healthy(dailyView())
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", MaxAge: time.Hour}}
	r := s.of(t, "stale-view")
	expect(t, r, report.Fail, 1, 1, "source streaming has no event time at or before as_of; the limit is 1h")
	if len(r.Findings) != 1 {
		t.Errorf("the view itself is fresh: %+v", r.Findings)
	}
	s.View.Sources[0].Until = time.UnixMicro(int64(asOf - day))
	if r := s.of(t, "stale-view"); r.Outcome != report.Pass {
		t.Errorf("retired: %+v", r)
	}
}

func TestStaleViewWithRetiredSourcesOnly(t *testing.T) {
	s := healthy(dailyView())
	s.View.Sources = []model.SourcePolicy{{Name: "batch", Until: time.UnixMicro(int64(asOf))}}
	if r := s.of(t, "stale-view"); r.Outcome != report.NotApplicable || r.Reason != "every source was retired before as_of: none is expected to be fresh" {
		t.Errorf(`got %+v, want r.Outcome == report.NotApplicable && r.Reason == "every source was retired before as_of: none is expected to be fresh"`, r)
	}
}

func TestStaleRows(t *testing.T) {
	s := healthy(dailyView())
	s.Collection.Slices[2].Stale, s.Collection.Slices[2].OldestStale = 30, at("2026-10-25T12:00:00Z")
	s.Collection.Slices[2].EventNull, s.Collection.Slices[2].StaleUnreferenced = 10, 20
	r := s.of(t, "stale-rows")
	expect(t, r, report.Fail, 30, 8970, "30 of 8,970 rows (0.33 %) were older than the ttl of 2d at partition_end in partition dt=2026-11-03 of source batch")
	want := report.Measures{"oldest_event_time": "2026-10-25T12:00:00Z", "reference": "partition_end", "unreferenced_rows": int64(20)}
	if !reflect.DeepEqual(r.Measures, want) || r.ZoneCertainty != "certain" || r.Unit != "rows" {
		t.Errorf(`got %v %q %s, want reflect.DeepEqual(r.Measures, %+v) && r.ZoneCertainty == "certain" && r.Unit == "rows"`, r.Measures, r.ZoneCertainty, r.Unit, want)
	}
	if got := r.Findings[0].Measures["reference"]; string(got.(string)) != "partition_end" {
		t.Errorf("the reference is named in every finding: %v", r.Findings[0].Measures)
	}
}

func TestStaleRowsOfSnapshots(t *testing.T) {
	v := dailyView()
	v.TimePartition.Of = model.OfSnapshot
	s := healthy(v)
	s.Collection.Slices[5].Stale = 900 // idle users: normal in a snapshot
	r := s.of(t, "stale-rows")
	if r.Outcome != report.Pass || r.Unit != "partitions" || r.RowsTotal != 9 {
		t.Errorf(`got %+v, want r.Outcome == report.Pass && r.Unit == "partitions" && r.RowsTotal == 9`, r)
	}
	s.Collection.Slices[6].NewestKnown = s.Survey.Partitions[6].End - 2*day
	if r := s.of(t, "stale-rows"); r.Outcome != report.Pass {
		t.Errorf("exactly the ttl is fresh: %+v", r)
	}
	s.Collection.Slices[6].NewestKnown--
	r = s.of(t, "stale-rows")
	expect(t, r, report.Fail, 1, 9, "1 of 9 partitions (11.1 %) had no event within the ttl of 2d before their end in partition dt=2026-11-07")
	if r.Findings[0].Message != "the newest event is 2d older than the snapshot's end" || r.Measures["oldest_event_time"] != "2026-11-05T23:59:59.999999Z" {
		t.Errorf(`got %+v, want r.Findings[0].Message == "the newest event is 2d older than the snapshot's end" && r.Measures["oldest_event_time"] == "2026-11-05T23:59:59.999999Z"`, r)
	}
	s.days("2026-11-10", 1)
	s.file(9, 10, func(_ *facts.File, slice *facts.Slice) { slice.NewestKnown = asOf - 5*day })
	if r := s.of(t, "stale-rows"); r.RowsTotal != 9 {
		t.Errorf("an open snapshot is not judged: %+v", r)
	}
}

func TestStaleRowsOfSnapshotsShorterTTL(t *testing.T) {
	v := dailyView()
	v.TimePartition.Of = model.OfSnapshot
	v.TTL.Duration = time.Hour
	s := healthy(v)
	s.Collection.Slices[6].NewestKnown = s.Survey.Partitions[6].Start
	if r := s.of(t, "stale-rows"); r.Outcome != report.Pass {
		t.Errorf("no snapshot is stale by an event of its own day: %+v", r)
	}
}

func TestStaleEntities(t *testing.T) {
	s := healthy(dailyView())
	s.Collection.Entities = &facts.Entities{Judged: 8000, Stale: 1001, OnlyAfter: 5, NullRows: 7, OldestNewest: asOf - 30*day, StaleEverywhere: 1001, StaleSomewhere: 1001}
	r := s.of(t, "stale-entities")
	expect(t, r, report.Warn, 1001, 8000, "1,001 of 8,000 entities (12.5 %) have no row younger than the ttl of 2d; "+
		"if so many idle entities are normal, declare it: checks: {stale-entities: {max_fraction: 0.13}}")
	want := report.Measures{"entities": int64(8000), "stale_entities": int64(1001), "only_after_as_of": int64(5), "null_rows": int64(7),
		"oldest_newest_event_time": "2026-10-11T00:00:00Z", "stale_in_every_zone": int64(1001), "stale_in_some_zone": int64(1001)}
	if !reflect.DeepEqual(r.Measures, want) || r.Severity != report.SeverityWarn {
		t.Errorf("got %v, want reflect.DeepEqual(r.Measures, %+v) && r.Severity == report.SeverityWarn", r.Measures, want)
	}
	limit := 0.12
	s.View.Checks = map[string]model.CheckPolicy{"stale-entities": {MaxFraction: &limit}}
	r = s.of(t, "stale-entities")
	expect(t, r, report.Fail, 1001, 8000, "1,001 of 8,000 entities (12.5 %) have no row younger than the ttl of 2d")
	limit = 0.13
	expect(t, s.of(t, "stale-entities"), report.Pass, 1001, 8000, "1,001 of 8,000 entities (12.5 %) have no row younger than the ttl of 2d, within max_fraction 0.13")
	s.Collection.Entities = nil
	if r := s.of(t, "stale-entities"); r.Outcome != report.Error {
		t.Errorf("got %+v, want r.Outcome == report.Error", r)
	}
}

func TestSourceLag(t *testing.T) {
	s := healthy(dailyView())
	clear(s.Collection.Lags)
	h := facts.NewLagHistogram()
	for i := range int64(100) {
		h.Counts[facts.LagBin(times.Span(i*second))]++
		h.Rows++
		h.Max = times.Span(i * second)
	}
	s.Collection.Lags[facts.Population{Partition: 0, Source: "batch", Writer: "a"}] = h
	late := facts.NewLagHistogram()
	late.Counts[facts.LagBin(3*hour)], late.Rows, late.Max = 1, 1, 3*hour
	s.Collection.Lags[facts.Population{Partition: 1, Source: "batch", Writer: "b"}] = late
	s.Collection.Slices[1].LagOver = 1
	s.View.Sources = []model.SourcePolicy{{Name: "batch", MaxLag: 2 * time.Hour}}
	r := s.of(t, "source-lag")
	expect(t, r, report.Warn, 1, 9000, "1 of 9,000 rows (0.01 %) arrived later than allowed (2d, 2h for batch) in partition dt=2026-11-02 of source batch")
	want := report.Measures{"p50": map[string]any{"batch": 50.0}, "p90": map[string]any{"batch": 90.0}, "p99": map[string]any{"batch": 99.0},
		"max": map[string]any{"batch": 10800.0}, "lag_rows": map[string]any{"batch": int64(101)}, "resolution_seconds": map[string]any{"batch": 1.0}}
	if !reflect.DeepEqual(r.Measures, want) {
		t.Errorf("got %v, want %+v", r.Measures, want)
	}
	s.View.Sources, s.View.TTL = nil, model.TTL{}
	r = s.of(t, "source-lag")
	if r.Outcome != report.NotApplicable || !reflect.DeepEqual(r.Measures, want) {
		t.Errorf("the measures are always there: %+v", r)
	}
}

func TestSourceWithoutALagLimitIsNotJudged(t *testing.T) {
	s := healthy(dailyView())
	s.View.TTL = model.TTL{}
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", MaxLag: time.Minute}}
	s.Collection.Slices[0].LagOver = 5
	fast := s.Collection.Slices[0]
	fast.Source, fast.LagRows, fast.LagOver = "streaming", 40, 3
	s.Collection.Slices = append(s.Collection.Slices, fast)
	expect(t, s.of(t, "source-lag"), report.Warn, 3, 40, "3 of 40 rows (7.5 %) arrived later than allowed (1m for streaming) in partition dt=2026-11-01 of source streaming")
}

func TestMissingPartitions(t *testing.T) {
	s := healthy(dailyView())
	for _, i := range []int{1, 3, 4, 5} {
		s.Survey.Partitions[i].Present = false
	}
	s.days("2026-11-10", 1)
	s.Survey.Partitions[9].Present, s.Survey.Partitions[9].Expected = false, true
	r := s.of(t, "missing-partitions")
	expect(t, r, report.Fail, 4, 9, "4 of 9 expected partitions missing: dt=2026-11-02; dt=2026-11-04 to dt=2026-11-06")
	if want := (report.Measures{"expected": int64(9), "missing": int64(4)}); !reflect.DeepEqual(r.Measures, want) || r.FindingsTotal != 4 {
		t.Errorf("got %v, want reflect.DeepEqual(r.Measures, %+v) && r.FindingsTotal == 4", r.Measures, want)
	}
	if r.FirstPartition != "dt=2026-11-02" || r.LastPartition != "dt=2026-11-06" || r.Findings[0].Subject.Partition != "dt=2026-11-02" {
		t.Errorf(`got %+v, want r.FirstPartition == "dt=2026-11-02" && r.LastPartition == "dt=2026-11-06" && r.Findings[0].Subject.Partition == "dt=2026-11-02"`, r)
	}
}

func TestMissingPartitionsWhereNoneIsExpected(t *testing.T) {
	s := healthy(dailyView())
	s.View.TimePartition.Expected = model.ExpectAny
	if r := s.of(t, "missing-partitions"); r.Outcome != report.NotApplicable || r.Reason != "time_partition.expected is any: no partition is expected" {
		t.Errorf(`got %+v, want r.Outcome == report.NotApplicable && r.Reason == "time_partition.expected is any: no partition is expected"`, r)
	}
	s.Narrowed = true
	if r := s.of(t, "missing-partitions"); r.Outcome != report.Pass {
		t.Errorf("a range demands its partitions: %+v", r)
	}
}

func TestEmptyPartitions(t *testing.T) {
	s := healthy(dailyView())
	s.days("2026-11-10", 1)
	s.Survey.Partitions[2].Rows = 0
	s.Survey.Partitions[4].Rows, s.Survey.Partitions[4].Files = 0, 0
	r := s.of(t, "empty-partitions")
	expect(t, r, report.Warn, 2, 9, "2 of 9 partitions (22.2 %) hold no row in 2 partitions from dt=2026-11-03 to dt=2026-11-05")
	if r.Findings[0].Message != "the partition holds 1 file without a row" || r.Findings[1].Message != "the partition holds no file" {
		t.Errorf(`got %+v, want r.Findings[0].Message == "the partition holds 1 file without a row" && r.Findings[1].Message == "the partition holds no file"`, r.Findings)
	}
}

func TestPartitionOfAnUnreadFileIsNotKnownToBeEmpty(t *testing.T) {
	s := newStore(dailyView())
	s.days("2026-11-08", 2)
	s.file(0, 10, nil)
	s.file(1, 0, func(f *facts.File, _ *facts.Slice) {
		f.Schema, f.Problem = -1, &facts.Problem{Kind: facts.ProblemTruncated, Message: "no footer"}
	})
	if r := s.of(t, "empty-partitions"); r.Outcome != report.Error || r.RowsTotal != 1 {
		t.Errorf("got %+v, want r.Outcome == report.Error && r.RowsTotal == 1", r)
	}
}

func thinStore(days int) *store {
	s := newStore(dailyView())
	s.days("2026-10-11", days)
	for i := range int32(days) {
		s.file(i, 1000+int64(i)*10, nil)
	}
	return s
}

func (s *store) setRows(partition int, rows int64) { s.Survey.Partitions[partition].Rows = rows }

func TestThinPartitions(t *testing.T) {
	s := thinStore(30)
	// the median of the 14 before the last, 1150 to 1280 rows, is 1215
	s.setRows(29, 122)
	if r := s.of(t, "thin-partitions"); r.Outcome != report.Pass || r.RowsTotal != 23 {
		t.Errorf("got %+v, want r.Outcome == report.Pass && r.RowsTotal == 23", r)
	}
	s.setRows(29, 121)
	r := s.of(t, "thin-partitions")
	expect(t, r, report.Warn, 1, 23, "1 of 23 partitions (4.3 %) hold far fewer rows than usual in partition dt=2026-11-09")
	if r.Findings[0].Message != "121 rows, where the median of 14 earlier partitions is 1,215" || r.Findings[0].Measures["limit_rows"] != 121.5 {
		t.Errorf(`got %+v, want r.Findings[0].Message == "121 rows, where the median of 14 earlier partitions is 1,215" && r.Findings[0].Measures["limit_rows"] == 121.5`, r.Findings[0])
	}
}

func TestThinPartitionsNeedSevenBefore(t *testing.T) {
	s := thinStore(7)
	r := s.of(t, "thin-partitions")
	if r.Outcome != report.NotApplicable || r.Reason != "no closed partition has the 7 earlier ones with rows that it would be compared with" {
		t.Errorf(`got %+v, want r.Outcome == report.NotApplicable && r.Reason == "no closed partition has the 7 earlier ones with rows that it would be compared with"`, r)
	}
	s = thinStore(8)
	if r := s.of(t, "thin-partitions"); r.Outcome != report.Pass || r.RowsTotal != 1 {
		t.Errorf("got %+v, want r.Outcome == report.Pass && r.RowsTotal == 1", r)
	}
	s.setRows(3, 0) // an empty one is no comparison
	if r := s.of(t, "thin-partitions"); r.Outcome != report.NotApplicable {
		t.Errorf("got %+v, want r.Outcome == report.NotApplicable", r)
	}
}

func TestThinPartitionsByMinRows(t *testing.T) {
	s := thinStore(3)
	least := int64(1011)
	s.View.Checks = map[string]model.CheckPolicy{"thin-partitions": {MinRows: &least}}
	r := s.of(t, "thin-partitions")
	expect(t, r, report.Warn, 2, 3, "2 of 3 partitions (66.7 %) hold far fewer rows than usual in 2 partitions from dt=2026-10-11 to dt=2026-10-12")
	if r.Findings[0].Message != "1,000 rows, where min_rows is 1,011" {
		t.Errorf(`got %+v, want r.Findings[0].Message == "1,000 rows, where min_rows is 1,011"`, r.Findings[0])
	}
}

// kolkata fills two days of a calendar at UTC+05:30 into partitions that are read as UTC days.
func kolkata(t *testing.T, share int64) *store {
	t.Helper()
	s := healthy(dailyView())
	for _, i := range []int32{3, 4} {
		h := facts.NewEventHistogram()
		start := s.Survey.Partitions[i].Start - 5*hour - 30*minute
		for quarter := range times.Instant(96) {
			h.Counts[facts.EventBin(start+quarter*15*minute)] += share
			h.Rows += share
		}
		s.Collection.Events[facts.Population{Partition: i, Source: "batch"}] = h
		s.Collection.Slices[i].MisfiledBefore = 22 * share
	}
	return s
}

func TestMisfiledRowsByAnotherCalendar(t *testing.T) {
	s := kolkata(t, 10)
	r := s.of(t, "misfiled-rows")
	expect(t, r, report.Fail, 440, 9000, "440 of 9,000 rows (4.9 %) lie outside the partition that holds them in 2 partitions from dt=2026-11-04 to dt=2026-11-05 of source batch; "+
		"all rows would fit if partitions were days of UTC+05:30: set time_partition.zone to a zone at that offset, such as Asia/Kolkata")
	if r.Measures["fitting_offset_minutes"] != 330 || r.Measures["fitting_share"] != 1.0 {
		t.Errorf(`got %v, want r.Measures["fitting_offset_minutes"] == 330 && r.Measures["fitting_share"] == 1.0`, r.Measures)
	}
	// five percent elsewhere still fit, a little more do not
	h := s.Collection.Events[facts.Population{Partition: 3, Source: "batch"}]
	h.Counts[facts.EventBin(asOf-100*day)], h.Rows = 101, h.Rows+101
	if r := s.of(t, "misfiled-rows"); r.Measures["fitting_offset_minutes"] != 330 {
		t.Errorf(`got %v, want r.Measures["fitting_offset_minutes"] == 330`, r.Measures)
	}
	h.Counts[facts.EventBin(asOf-100*day)], h.Rows = 102, h.Rows+1
	if r := s.of(t, "misfiled-rows"); r.Measures["fitting_offset_minutes"] != nil || strings.Contains(r.Message, "set time_partition.zone") {
		t.Errorf(`got %v %q, want r.Measures["fitting_offset_minutes"] == nil && !strings.Contains(r.Message, "set time_partition.zone")`, r.Measures, r.Message)
	}
}

func TestMisfiledRowsOfEachKind(t *testing.T) {
	s := healthy(dailyView())
	s.Collection.Slices[0].MisfiledBefore, s.Collection.Slices[1].MisfiledAfter = 1, 2
	s.Collection.Slices[2].MisfiledUndated, s.Collection.Slices[3].OwnColumnDiffers = 3, 4
	r := s.of(t, "misfiled-rows")
	if want := (report.Measures{"before_rows": int64(1), "after_rows": int64(2), "undated_rows": int64(3), "own_column_rows": int64(4)}); r.RowsBad != 10 ||
		!reflect.DeepEqual(r.Measures, want) {
		t.Errorf("got %+v, want r.RowsBad == 10 && reflect.DeepEqual(r.Measures, %+v)", r, want)
	}
}

func TestStaleRowsAreExplainedByMisfiledOnes(t *testing.T) {
	s := healthy(dailyView())
	s.Collection.Slices[3].MisfiledBefore, s.Collection.Slices[3].Stale = 10, 10
	if r := s.judge(t)["stale-rows"]; r.Outcome != report.Fail || r.ExplainedBy != "misfiled-rows" {
		t.Errorf(`got %+v, want r.Outcome == report.Fail && r.ExplainedBy == "misfiled-rows"`, r)
	}
	s.Collection.Slices[4].Stale = 1
	if r := s.judge(t)["stale-rows"]; r.ExplainedBy != "" {
		t.Errorf("one of them is stale for another reason: %+v", r)
	}
}

func TestDuplicateKeys(t *testing.T) {
	s := healthy(dailyView())
	s.View.Measures = []string{"amount"}
	s.Collection.Slices[0].KeyNull = 100
	s.Collection.Keys = &facts.Duplicates{RowsTotal: 8900, NullKeys: 100, RepeatedKeys: 5, SurplusRows: 7, ReplayKeys: 3, ConflictKeys: 2, ResolvableKeys: 1,
		AmbiguousKeys: 4, FanOutRows: 6, MaxMultiplicity: 3, SurplusMeasures: map[string]string{"amount": "12.50"}, DifferingColumns: map[string]int64{"amount": 2},
		Scopes: facts.DuplicateScopes{WithinFile: 1, AcrossPartitions: 4}, Writers: []facts.WriterPair{{A: "streaming", B: "streaming", Keys: 1}, {A: "batch", B: "streaming", Keys: 4}},
		ByPlace: map[facts.Population]*facts.DuplicatePlace{
			{Partition: 0, Source: "batch", Writer: "a"}: {Surplus: 1, Keys: 1}, {Partition: 0, Source: "batch", Writer: "b"}: {Surplus: 4, Keys: 2, Conflict: 1},
			{Partition: 6, Source: "batch", Writer: "a"}: {Surplus: 2, Keys: 2, Conflict: 1}}}
	r := s.of(t, "duplicate-keys")
	expect(t, r, report.Fail, 7, 8900, "7 of 8,900 rows (0.08 %) repeat a key (click_id) in 2 partitions from dt=2026-11-01 to dt=2026-11-07 of source batch; "+
		"5 repeated keys, up to 3 rows of one (3 replayed, 2 in conflict); amount is overstated by 12.50; a point-in-time join would return 6 rows too many")
	if got := r.Findings[0]; got.RowsBad != 5 || got.RowsTotal != 900 || got.Subject != (report.Subject{Partition: "dt=2026-11-01", Source: "batch"}) {
		t.Errorf(`got %+v, want got.RowsBad == 5 && got.RowsTotal == 900 && got.Subject == (report.Subject{Partition: "dt=2026-11-01", Source: "batch"})`, got)
	}
	for name, want := range map[string]any{"repeated_keys": int64(5), "surplus_rows": int64(7), "surplus_amount": "12.50", "ambiguous_keys": int64(4),
		"differing_columns": map[string]any{"amount": int64(2)}, "scopes": map[string]any{"within_file": int64(1), "across_files": int64(0),
			"across_partitions": int64(4), "across_sources": int64(0)}} {
		if !reflect.DeepEqual(r.Measures[name], want) {
			t.Errorf("%s: got %v, want %+v", name, r.Measures[name], want)
		}
	}
	if writers := r.Measures["writers"].([]map[string]any); writers[0]["a"] != "batch" || writers[1]["a"] != "streaming" {
		t.Errorf(`got %v, want writers[0]["a"] == "batch" && writers[1]["a"] == "streaming"`, writers)
	}
}

func TestDuplicatesOfADefaultedKeyAreAWarning(t *testing.T) {
	s := healthy(dailyView())
	s.View.Key = nil
	s.Collection.Keys = &facts.Duplicates{RowsTotal: 9000, RepeatedKeys: 1, SurplusRows: 1, MaxMultiplicity: 2}
	r := s.of(t, "duplicate-keys")
	if r.Outcome != report.Warn || r.RowsBad != 1 || r.Measures["key_defaulted"] != true ||
		!strings.Contains(r.Message, "repeat a key (user_id, event_time), which stands in for the key that is not declared") {
		t.Errorf("a surplus without a place is still one: %+v", r)
	}
}

func TestSchemaDrift(t *testing.T) {
	s := healthy(dailyView())
	narrow, odd := roleColumns()[:5], roleColumns()
	odd[0].AdjustedToUTC, odd[0].TypeText = false, "TIMESTAMP(us)"
	odd[5].TypeText = "INT64"
	odd = append(odd, column("note", "BYTE_ARRAY", "string", "STRING"))
	s.Survey.Schemas = append(s.Survey.Schemas, facts.Schema{ID: 1, Columns: narrow}, facts.Schema{ID: 2, Columns: odd},
		facts.Schema{ID: 3, Columns: roleColumns(), Writer: "DuckDB"})
	s.Survey.Files[0].Schema, s.Survey.Files[1].Schema, s.Survey.Files[2].Schema, s.Survey.Files[3].Schema = 1, 1, 2, 3
	r := s.of(t, "schema-drift")
	expect(t, r, report.Warn, 3, 9, "3 of 9 files (33.3 %) deviate from the schema of most files in 3 partitions from dt=2026-11-01 to dt=2026-11-03; "+
		`column "amount" is missing in 2 files; column "amount" is INT64 instead of DOUBLE in 1 file; column "note" (STRING) is new in 1 file`)
	if got := r.Findings[2].Message; got != `column "amount" is INT64 instead of DOUBLE; column "note" (STRING) is new` {
		t.Errorf("got %q, want got == `column \"amount\" is INT64 instead of DOUBLE; column \"note\" (STRING) is new`", got)
	}
}

func TestUsualSchemaOfATie(t *testing.T) {
	v := dailyView()
	v.TimePartition = model.TimePartition{}
	s := newStore(v)
	s.Survey.Schemas = append(s.Survey.Schemas, facts.Schema{ID: 1, Columns: roleColumns()[:5]})
	s.file(-1, 10, nil)
	s.file(-1, 11, func(f *facts.File, _ *facts.Slice) { f.Schema = 1 })
	if r := s.of(t, "schema-drift"); r.Findings[0].Subject.File != "part-00000.parquet" {
		t.Errorf("more rows decide: %+v", r.Findings)
	}
	s.Survey.Files[1].Rows = 10
	if r := s.of(t, "schema-drift"); r.Findings[0].Subject.File != "part-00001.parquet" {
		t.Errorf("the first path decides: %+v", r.Findings)
	}
}

func TestSourcesWithPathsOfTheirOwnHaveSchemasOfTheirOwn(t *testing.T) {
	s := healthy(dailyView())
	s.Survey.Schemas = append(s.Survey.Schemas, facts.Schema{ID: 1, Columns: roleColumns()[:5]})
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", Path: "stream/**"}}
	s.Survey.Files[0].Schema, s.Survey.Files[0].Source = 1, "streaming"
	if r := s.of(t, "schema-drift"); r.Outcome != report.Pass {
		t.Errorf("got %+v, want r.Outcome == report.Pass", r)
	}
}

func mixedStore() *store {
	s := healthy(dailyView())
	naive := roleColumns()
	naive[0].AdjustedToUTC = false
	s.Survey.Schemas = append(s.Survey.Schemas, facts.Schema{ID: 1, Columns: naive})
	for i := range 3 {
		s.Survey.Files[i].Schema = 1
		s.Collection.Slices[i].Source = "streaming"
	}
	return s
}

func TestMixedEncoding(t *testing.T) {
	r := mixedStore().of(t, "mixed-encoding")
	expect(t, r, report.Fail, 3, 9, "3 of 9 files (33.3 %) write event_time in another encoding than most files in 3 partitions from dt=2026-11-01 to dt=2026-11-03; "+
		"aware in 6 files (dt=2026-11-04/part-00003.parquet); naive in 3 files (dt=2026-11-01/part-00000.parquet)")
	want := []report.Measures{{"encoding": "aware", "files": int64(6), "rows": int64(6000), "example": "dt=2026-11-04/part-00003.parquet"},
		{"encoding": "naive", "files": int64(3), "rows": int64(3000), "example": "dt=2026-11-01/part-00000.parquet"}}
	if !reflect.DeepEqual(r.Measures["encodings"], want) {
		t.Errorf("got %v, want %+v", r.Measures, want)
	}
}

func TestMixedEncodingOfDeclaredZonesIsAWarning(t *testing.T) {
	for name, change := range map[string]func(*model.View){
		"view":   func(v *model.View) { v.Zone = "Asia/Kolkata" },
		"column": func(v *model.View) { v.EventTime.Zone = "Asia/Kolkata" },
		"source": func(v *model.View) {
			v.Sources = []model.SourcePolicy{{Name: "streaming", Zone: "Asia/Kolkata"}}
		},
	} {
		s := mixedStore()
		change(&s.View)
		if r := s.of(t, "mixed-encoding"); r.Outcome != report.Fail {
			t.Errorf("%s: what is aware beside the naive is in danger: %+v", name, r)
		}
		for i := range 3 {
			s.Survey.Files[i+3].Schema, s.Collection.Slices[i+3].Source = 1, "streaming"
		}
		for i := range 3 {
			s.Survey.Files[i+6].Schema, s.Collection.Slices[i+6].Source = 2, "streaming"
		}
		int96 := roleColumns()
		int96[0] = column("event_time", "INT96", "", "INT96")
		s.Survey.Schemas = append(s.Survey.Schemas, facts.Schema{ID: 2, Columns: int96})
		expect(t, s.of(t, "mixed-encoding"), report.Warn, 3, 9, "3 of 9 files (33.3 %) write event_time in another encoding than most files in 3 partitions from dt=2026-11-07 to dt=2026-11-09; "+
			"int96-naive in 3 files (dt=2026-11-07/part-00006.parquet); naive in 6 files (dt=2026-11-01/part-00000.parquet); all are naive, and the zone of each is declared")
		s.Collection.Unread = map[int32]facts.Problem{8: {Kind: facts.ProblemCorrupt}}
		if r := s.of(t, "mixed-encoding"); r.Outcome != report.Warn {
			t.Errorf("%s: a footer tells how the rows are written: %+v", name, r)
		}
		s.Survey.Files[8].Problem = &facts.Problem{Kind: facts.ProblemCorrupt}
		if r := s.of(t, "mixed-encoding"); r.Outcome != report.Fail {
			t.Errorf("%s: nobody knows how a file that was not read writes its times: %+v", name, r)
		}
	}
	for name, change := range map[string]func(*model.View){
		"default":      func(v *model.View) { v.Zone = "UTC"; v.Origins["zone"] = model.Origin{Kind: model.OriginDefault} },
		"device":       func(v *model.View) { v.Sources = []model.SourcePolicy{{Name: "streaming", Zone: model.ZoneDevice}} },
		"other source": func(v *model.View) { v.Sources = []model.SourcePolicy{{Name: "batch", Zone: "UTC"}} },
	} {
		s := mixedStore()
		change(&s.View)
		if r := s.of(t, "mixed-encoding"); r.Outcome != report.Fail {
			t.Errorf("%s: got %+v, want r.Outcome == report.Fail", name, r)
		}
	}
}

// A bare number does not say its unit: two units in one column are two encodings, unless the config says which is where.
func TestMixedEncodingOfUnits(t *testing.T) {
	mixed := func() *store {
		s := healthy(dailyView())
		for i, unit := range []string{"s", "ms", "us"} {
			numbers := roleColumns()
			numbers[0] = column("event_time", "INT64", "", "INT64")
			numbers[0].EpochUnit = unit
			if i == 0 {
				s.Survey.Schemas[0].Columns = numbers
				continue
			}
			s.Survey.Schemas = append(s.Survey.Schemas, facts.Schema{ID: int32(i), Columns: numbers})
			s.Survey.Files[i].Schema = int32(i)
		}
		return s
	}
	r := mixed().of(t, "mixed-encoding")
	expect(t, r, report.Fail, 2, 9, "2 of 9 files (22.2 %) write event_time in another encoding than most files in 2 partitions from dt=2026-11-02 to dt=2026-11-03; "+
		"epoch-ms in 1 file (dt=2026-11-02/part-00001.parquet); epoch-s in 7 files (dt=2026-11-01/part-00000.parquet); epoch-us in 1 file (dt=2026-11-03/part-00002.parquet)")
	if r.Findings[0].Message != "event_time is epoch-ms, where most files write epoch-s" {
		t.Errorf(`got %+v, want r.Findings[0].Message == "event_time is epoch-ms, where most files write epoch-s"`, r.Findings)
	}
	s := mixed()
	s.View.Zone = "Asia/Kolkata"
	if r := s.of(t, "mixed-encoding"); r.Outcome != report.Fail {
		t.Errorf("a zone is nothing to an epoch: %+v", r)
	}
	s.View.EventTime.Unit = "s"
	if r := s.of(t, "mixed-encoding"); r.Outcome != report.Pass || !reflect.DeepEqual(r.Measures["encodings"], []report.Measures{{"encoding": "epoch", "files": int64(9), "rows": int64(9000),
		"example": "dt=2026-11-01/part-00000.parquet"}}) {
		t.Errorf("the unit is declared: %+v", r)
	}
	// a source says its unit, and the others are of one unit
	s = mixed()
	s.Survey.Files[2].Schema = 0
	s.Survey.Files[1].Source, s.Collection.Slices[1].Source = "batch", "batch"
	s.View.Sources = []model.SourcePolicy{{Name: "batch", EventTime: model.TimeColumn{Column: "event_time", Unit: "ms"}}}
	for i := range s.Survey.Files {
		if i != 1 {
			s.Survey.Files[i].Source, s.Collection.Slices[i].Source = "streaming", "streaming"
		}
	}
	if r := s.of(t, "mixed-encoding"); r.Outcome != report.Fail || r.RowsBad != 1 {
		t.Errorf("only one of two units is declared: %+v", r)
	}
	s.View.Sources = append(s.View.Sources, model.SourcePolicy{Name: "streaming", EventTime: model.TimeColumn{Column: "event_time", Unit: "s"}})
	if r := s.of(t, "mixed-encoding"); r.Outcome != report.Pass {
		t.Errorf("each source declares its unit: %+v", r)
	}
	// a column of NULLs and sentinels tells no unit, and takes no side
	s = mixed()
	s.Survey.Schemas[2].Columns[0].EpochUnit = ""
	s.Survey.Files[8].AdoptedUnits = []string{"event_time"}
	if r := s.of(t, "mixed-encoding"); r.RowsBad != 1 || r.RowsTotal != 7 {
		t.Errorf("got %+v, want r.RowsBad == 1 && r.RowsTotal == 7", r)
	}
	s.Survey.Files[1].Schema = 0
	if r := s.of(t, "mixed-encoding"); r.Outcome != report.Pass || r.RowsTotal != 9 {
		t.Errorf("got %+v, want r.Outcome == report.Pass && r.RowsTotal == 9", r)
	}
}

// Rows of one file may belong to sources that write their event times into columns of their own.
func TestMixedEncodingBySourceWithinAFile(t *testing.T) {
	s := healthy(dailyView())
	columns := append(roleColumns(), column("ts", "INT64", "timestamp", "TIMESTAMP(us)"))
	s.Survey.Schemas[0].Columns = columns
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", EventTime: model.TimeColumn{Column: "ts"}}}
	mixed, _ := Lookup("mixed-encoding")
	if !ReadsRows(mixed, s.View, s.Survey) {
		t.Error("footers do not say of which source a row is")
	}
	s.Survey.Files[4].Rows = 1200
	own := facts.NewSlice(4, "streaming")
	own.Rows = 200
	s.Collection.Slices = append(s.Collection.Slices, own)
	r := s.of(t, "mixed-encoding")
	expect(t, r, report.Fail, 1, 9, "1 of 9 files (11.1 %) write event_time in another encoding than most files in partition dt=2026-11-05; "+
		"aware in 9 files (dt=2026-11-01/part-00000.parquet); naive in 1 file (dt=2026-11-05/part-00004.parquet)")
	s.Collection.Slices = s.Collection.Slices[:8]
	if r := s.of(t, "mixed-encoding"); r.Outcome != report.Error || !strings.Contains(r.Reason, "dt=2026-11-09/part-00008.parquet say of which sources they are") {
		t.Errorf(`got %s %q, want r.Outcome == report.Error && strings.Contains(r.Reason, "dt=2026-11-09/part-00008.parquet say of which sources they are")`, r.Outcome, r.Reason)
	}
}

func TestNoteOfMixedIngestTimes(t *testing.T) {
	s := healthy(dailyView())
	aware := roleColumns()
	aware[1].AdjustedToUTC = true
	s.Survey.Schemas = append(s.Survey.Schemas, facts.Schema{ID: 1, Columns: aware})
	if notes := strings.Join(document.View(evidence.NewIndex(s.Input), nil, nil, nil).Notes, "\n"); strings.Contains(notes, "ingested_at") {
		t.Errorf(`got %s, want !strings.Contains(notes, "ingested_at")`, notes)
	}
	s.Survey.Files[3].Schema = 1
	want := "ingested_at is written in different encodings: aware in 1 file (dt=2026-11-04/part-00003.parquet); naive in 8 files (dt=2026-11-01/part-00000.parquet); " +
		"each file is read by its own, and other engines may merge them without a word"
	if notes := document.View(evidence.NewIndex(s.Input), nil, nil, nil).Notes; !slices.Contains(notes, want) {
		t.Errorf("got %q, want slices.Contains(notes, %+v)", notes, want)
	}
}

func TestMixedEncodingOfText(t *testing.T) {
	s := healthy(dailyView())
	text := roleColumns()
	text[0] = column("event_time", "BYTE_ARRAY", "string", "STRING")
	s.Survey.Schemas[0].Columns = text
	for i := range s.Collection.Slices {
		s.Collection.Slices[i].TextOffset = 1000
	}
	if r := s.of(t, "mixed-encoding"); r.Outcome != report.Pass {
		t.Errorf("got %+v, want r.Outcome == report.Pass", r)
	}
	s.Collection.Slices[4].TextOffset, s.Collection.Slices[4].TextNaive = 999, 1
	r := s.of(t, "mixed-encoding")
	if r.Outcome != report.Fail || r.RowsBad != 1 || r.Findings[0].Message != "event_time is text-naive, where most files write text-offset" {
		t.Errorf(`got %+v, want r.Outcome == report.Fail && r.RowsBad == 1 && r.Findings[0].Message == "event_time is text-naive, where most files write text-offset"`, r)
	}
}

func TestTextThatWasNotReadIsNoPass(t *testing.T) {
	s := healthy(dailyView())
	mixed, _ := Lookup("mixed-encoding")
	if ReadsRows(mixed, s.View, s.Survey) {
		t.Error("footers tell timestamps apart")
	}
	s.Survey.Schemas[0].Columns[0] = column("event_time", "BYTE_ARRAY", "string", "STRING")
	if !ReadsRows(mixed, s.View, s.Survey) {
		t.Error("footers do not tell text apart")
	}
	for i := range s.Collection.Slices {
		s.Collection.Slices[i].TextOffset = 1000
	}
	s.Collection.Slices = s.Collection.Slices[:8]
	r := s.of(t, "mixed-encoding")
	want := "the event times of dt=2026-11-09/part-00008.parquet are text, and its rows were not read: whether they carry offsets is not known"
	if r.Outcome != report.Error || r.Reason != want {
		t.Errorf("got %s %q, want r.Outcome == report.Error && r.Reason == %+v", r.Outcome, r.Reason, want)
	}
	s.Collection.Unread[8] = facts.Problem{Kind: facts.ProblemIO, Message: "broken pipe"}
	if r := s.of(t, "mixed-encoding"); r.Outcome != report.Error || r.Reason != "passes on 8 of 9 files (unread: dt=2026-11-09/part-00008.parquet)" || !r.Retryable {
		t.Errorf(`got %s %q, want r.Outcome == report.Error && r.Reason == "passes on 8 of 9 files (unread: dt=2026-11-09/part-00008.parquet)" && r.Retryable`, r.Outcome, r.Reason)
	}
}

func TestMixedEncodingLooksAtFilesWithRowsOnly(t *testing.T) {
	s := mixedStore()
	for i := range 3 {
		s.Survey.Files[i].Rows = 0
	}
	if r := s.of(t, "mixed-encoding"); r.Outcome != report.Pass || r.RowsTotal != 6 {
		t.Errorf("got %+v, want r.Outcome == report.Pass && r.RowsTotal == 6", r)
	}
}

func TestZoneCertaintyDependsOnDevices(t *testing.T) {
	s := mixedStore()
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", Zone: model.ZoneDevice, MaxAge: 30 * 24 * time.Hour}}
	for _, id := range []string{"stale-rows", "future-rows"} {
		if r := s.of(t, id); r.ZoneCertainty != "depends" || !strings.HasSuffix(r.Message, "; this depends on the zones of the devices, whose times are read as UTC") {
			t.Errorf(`%s: got %+v, want r.ZoneCertainty == "depends" && strings.HasSuffix(r.Message, "; this depends on the zones of the devices, whose times are read as UTC")`, id, r)
		}
	}
	if r := s.of(t, "null-keys"); r.ZoneCertainty != "" {
		t.Errorf(`got %+v, want r.ZoneCertainty == ""`, r)
	}
}
