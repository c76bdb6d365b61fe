package check

import (
	"reflect"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// twoColumns has a streaming source that writes its event time, naive, into a column of its own.
func twoColumns(path string) *store {
	s := healthy(dailyView())
	own := roleColumns()
	own[0].Name, own[0].Path, own[0].AdjustedToUTC = "ts", "ts", false
	s.Survey.Schemas = append(s.Survey.Schemas, facts.Schema{ID: 1, Columns: own})
	s.View.Sources = []model.SourcePolicy{{Name: "streaming", Path: path, EventTime: model.TimeColumn{Column: "ts", Zone: "Asia/Tokyo"}}}
	for i := range 3 {
		s.Survey.Files[i].Schema = 1
		s.Collection.Slices[i].Source = "streaming"
		if path != "" {
			s.Survey.Files[i].Source = "streaming"
		}
	}
	return s
}

func TestSourceHasItsOwnEventTimeColumn(t *testing.T) {
	for _, path := range []string{"", "stream/**/*.parquet"} {
		s := twoColumns(path)
		if r := s.of(t, "null-event-time"); r.Outcome != report.Pass {
			t.Errorf("path %q: %s %q", path, r.Outcome, r.Message)
		}
		r := s.of(t, "mixed-encoding")
		if r.Outcome != report.Fail || r.RowsBad != 3 || strings.Contains(r.Message, "zone") {
			t.Errorf("path %q: %s %q", path, r.Outcome, r.Message)
		}
	}
}

func TestFileOfASourceMustHaveThatSourcesColumn(t *testing.T) {
	s := twoColumns("stream/**/*.parquet")
	s.Survey.Files[1].Schema = 0
	r := s.of(t, "null-event-time")
	if r.Outcome != report.Error || !strings.Contains(r.Reason, "dt=2026-11-02/part-00001.parquet") {
		t.Errorf(`got %s %q, want r.Outcome == report.Error && strings.Contains(r.Reason, "dt=2026-11-02/part-00001.parquet")`, r.Outcome, r.Reason)
	}
}

func TestSourceLagByTheSourcesOwnIngestTime(t *testing.T) {
	s := healthy(dailyView())
	s.View.IngestedAt = model.TimeColumn{}
	s.View.Sources = []model.SourcePolicy{{Name: "batch", IngestedAt: model.TimeColumn{Column: "ingested_at"}}}
	if r := s.of(t, "source-lag"); r.Outcome != report.Pass {
		t.Errorf("got %s %q, want r.Outcome == report.Pass", r.Outcome, r.Reason)
	}
	if r := s.of(t, "future-rows"); r.Outcome != report.Pass {
		t.Errorf("got %s %q, want r.Outcome == report.Pass", r.Outcome, r.Reason)
	}
}

func TestNaiveTimesOfNoDeclaredZoneAreNotCertain(t *testing.T) {
	s := mixedStore()
	if r := s.of(t, "stale-rows"); r.ZoneCertainty != "" {
		t.Errorf(`got %q, want r.ZoneCertainty == ""`, r.ZoneCertainty)
	}
	s.View.Zone = "UTC"
	if r := s.of(t, "stale-rows"); r.ZoneCertainty != "certain" {
		t.Errorf(`got %q, want r.ZoneCertainty == "certain"`, r.ZoneCertainty)
	}
}

func TestStaleSnapshotIsExplainedByMisfiledRows(t *testing.T) {
	v := dailyView()
	v.TimePartition.Of = model.OfSnapshot
	s := healthy(v)
	s.Collection.Slices[6].NewestKnown, s.Collection.Slices[6].MisfiledAfter = times.None, 1000
	r := s.judge(t)["stale-rows"]
	if r.ExplainedBy != "misfiled-rows" || r.Findings[0].Message != "no known event time in the snapshot" {
		t.Errorf(`got %+v, want r.ExplainedBy == "misfiled-rows" && r.Findings[0].Message == "no known event time in the snapshot"`, r)
	}
}

func TestMissingRunsAreCapped(t *testing.T) {
	s := newStore(dailyView())
	s.days("2026-10-01", 20)
	s.file(0, 10, nil)
	for i := 1; i < 20; i += 2 {
		s.Survey.Partitions[i].Present = false
	}
	r := s.of(t, "missing-partitions")
	expect(t, r, report.Fail, 10, 20, "10 of 20 expected partitions missing: dt=2026-10-02; dt=2026-10-04; dt=2026-10-06; dt=2026-10-08; dt=2026-10-10; 5 runs more")
}

func TestRowsOfAPartitionWithoutADateAreMisfiled(t *testing.T) {
	s := healthy(dailyView())
	s.Survey.Partitions = append(s.Survey.Partitions, facts.Partition{ID: 9, Value: "dt=__HIVE_DEFAULT_PARTITION__", Start: times.None, End: times.None,
		Present: true, InRange: true, Files: 1, Rows: 5})
	s.Survey.Files = append(s.Survey.Files, facts.File{ID: 9, Path: "dt=__HIVE_DEFAULT_PARTITION__/a.parquet", Partition: 9, Rows: 5, ModTime: asOf})
	slice := facts.NewSlice(9, "batch")
	slice.Rows, slice.MisfiledUndated, slice.StaleUnreferenced, slice.NewestKnown = 5, 5, 5, asOf-hour
	s.Collection.Slices = append(s.Collection.Slices, slice)
	expect(t, s.of(t, "misfiled-rows"), report.Fail, 5, 9005,
		"5 of 9,005 rows (0.06 %) lie outside the partition that holds them in partition dt=__HIVE_DEFAULT_PARTITION__ of source batch")
	if r := s.of(t, "stale-rows"); r.Outcome != report.Pass || r.RowsTotal != 9000 {
		t.Errorf("got %+v, want r.Outcome == report.Pass && r.RowsTotal == 9000", r)
	}
	if r := s.of(t, "thin-partitions"); r.RowsTotal != 2 {
		t.Errorf("a partition without a date has no history: %+v", r)
	}
}

func TestArrivalPartitions(t *testing.T) {
	v := dailyView()
	v.TimePartition.Of = model.OfIngestedAt
	s := healthy(v)
	s.Collection.Slices[0].EventNull, s.Collection.Slices[1].IngestedNull, s.Collection.Slices[1].MisfiledBefore = 10, 10, 3
	expect(t, s.of(t, "misfiled-rows"), report.Fail, 3, 8990,
		"3 of 8,990 rows (0.03 %) arrived outside the partition that holds them in partition dt=2026-11-02 of source batch")
	s.Collection.RoleProblems = map[string]string{"ingested_at": `column "ingested_at" is missing from a.parquet`}
	for _, id := range []string{"misfiled-rows", "stale-rows", "future-rows", "source-lag"} {
		if r := s.of(t, id); r.Outcome != report.Error {
			t.Errorf("%s rests on ingested_at: %+v", id, r)
		}
	}
	if r := s.of(t, "null-event-time"); r.Outcome != report.Fail {
		t.Errorf("null-event-time does not: %+v", r)
	}
}

func TestNotesSayWhatWasAssumed(t *testing.T) {
	v := dailyView()
	v.TimePartition, v.Key = model.TimePartition{}, nil
	v.Source = model.SourceColumn{PathSegment: 1}
	s := newStore(v)
	s.Narrowed = true
	s.file(-1, 10, func(_ *facts.File, slice *facts.Slice) { slice.AmbiguousLocal = 2 })
	r, err := document.Build(document.Input{Catalogue: Reported(), AsOf: asOf, Views: s.described()})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2 rows with a local time that occurred twice or never in its zone", "no key is declared: (entity, event_time) stands in for it",
		"the view has no time partitions: it is judged as a whole, whatever the range"}
	if !reflect.DeepEqual(r.Views[0].Notes, want) {
		t.Errorf("got %q, want %+v", r.Views[0].Notes, want)
	}
	d := r.Views[0].Definition
	if d.Source != "path_segment 1" || d.TimePartition != nil || !d.KeyDefaulted || !reflect.DeepEqual(d.Key, []string{"user_id", "event_time"}) {
		t.Errorf(`got %+v, want d.Source == "path_segment 1" && d.TimePartition == nil && d.KeyDefaulted && reflect.DeepEqual(d.Key, []string{"user_id", "event_time"})`, d)
	}
}

func TestNearestFittingOffsetIsProposed(t *testing.T) {
	s := healthy(dailyView())
	h := facts.NewEventHistogram()
	h.Counts[facts.EventBin(s.Survey.Partitions[3].Start-hour)], h.Rows = 100, 100 // every offset from one hour east fits
	s.Collection.Events[facts.Population{Partition: 3, Source: "batch"}] = h
	s.Collection.Slices[3].MisfiledBefore = 100
	if r := s.of(t, "misfiled-rows"); r.Measures["fitting_offset_minutes"] != 60 {
		t.Errorf(`got %v, want r.Measures["fitting_offset_minutes"] == 60`, r.Measures)
	}
}

func TestRepeatsOutsideTheRangeAreNotJudged(t *testing.T) {
	s := healthy(dailyView())
	s.Narrowed = true
	s.Collection.Keys.RepeatedKeys, s.Collection.Keys.SurplusRows = 2, 2
	for _, i := range []int32{2, 7} {
		s.Collection.Keys.ByPlace[facts.Population{Partition: i, Source: "batch"}] = &facts.DuplicatePlace{Surplus: 1, Keys: 1}
	}
	for i := range s.Survey.Partitions {
		s.Survey.Partitions[i].InRange = i == 7
	}
	r := s.of(t, "duplicate-keys")
	if r.Outcome != report.Fail || r.RowsBad != 1 || r.RowsTotal != 1000 || r.FindingsTotal != 1 || r.FirstPartition != "dt=2026-11-08" {
		t.Errorf(`got %+v, want r.Outcome == report.Fail && r.RowsBad == 1 && r.RowsTotal == 1000 && r.FindingsTotal == 1 && r.FirstPartition == "dt=2026-11-08"`, r)
	}
}

func TestSuppressionOfARangeAcceptsNoVerdictOnTheWholeView(t *testing.T) {
	s := healthy(dailyView())
	s.View.TTL = model.TTL{}
	s.Suppressions = []model.Suppression{{Check: "ttl-unset", RangeFrom: "2026-11-01", RangeTo: "2026-11-30", Reason: "known"}}
	if r := s.of(t, "ttl-unset"); r.Outcome != report.Fail {
		t.Errorf("got %+v, want r.Outcome == report.Fail", r)
	}
	s.Suppressions[0].RangeFrom, s.Suppressions[0].RangeTo = "", ""
	if r := s.of(t, "ttl-unset"); r.Outcome != report.Suppressed || r.SuppressedBy != "known" {
		t.Errorf("a suppression without a view is for all: %+v", r)
	}
}
