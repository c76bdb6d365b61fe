package evidence

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

var firstDay = times.At(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))

// threeDays is a view of three daily partitions, one file each; the second has two spellings, the third lies outside of the range.
func threeDays() Input {
	in := Input{Terms: Terms{AsOf: firstDay.Add(4 * times.Day), Narrowed: true}}
	in.View = model.View{Name: "v", EventTime: model.TimeColumn{Column: "event_time"}, TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay},
		Sources: []model.SourcePolicy{{Name: "batch"}, {Name: "stream", Until: firstDay.Add(times.Day).Time()}}}
	in.Survey.Schemas = []facts.Schema{
		{Columns: []facts.Column{{Name: "event_time", Path: "event_time", Physical: "INT64", Logical: "timestamp", Unit: "us"}}},
		{Columns: []facts.Column{{Name: "event_time", Path: "event_time", Physical: "INT64", Logical: "timestamp", Unit: "us", AdjustedToUTC: true}}},
	}
	for i, value := range []string{"dt=2026-11-01", "dt=2026-11-2", "dt=2026-11-03"} {
		start := firstDay.Add(times.Span(i) * times.Day)
		in.Survey.Partitions = append(in.Survey.Partitions, facts.Partition{ID: int32(i), Value: value, Identity: "dt=2026-11-0" + string(rune('1'+i)), Start: start,
			End: start.Add(times.Day), Present: true, Expected: true, InRange: i < 2, Files: 1, Rows: 10})
		in.Survey.Files = append(in.Survey.Files, facts.File{ID: int32(i), Path: value + "/a.parquet", Partition: int32(i), Source: "batch", Rows: 10, Schema: int32(i % 2)})
		s := facts.NewSlice(int32(i), "batch")
		s.Rows, s.Stale, s.NewestKnown = 10, int64(i+1), start.Add(times.Hour)
		in.Collection.Slices = append(in.Collection.Slices, s)
	}
	in.Collection.Sources = []string{"batch", "other"}
	return in
}

func TestWhatIsJudgedLiesInTheRange(t *testing.T) {
	ix := NewIndex(threeDays())
	for id, want := range map[int32]bool{0: true, 1: true, 2: false, -1: true} {
		if ix.Judged(id) != want {
			t.Errorf("partition %d is judged: %v, want %v", id, !want, want)
		}
	}
	if got := ix.Sum(func(s *facts.Slice) int64 { return s.Stale }); got != 1+2 {
		t.Errorf("%d rows are stale in judged partitions, want 3", got)
	}
	count := func(whole bool) (files int) {
		for range ix.JudgedFiles(whole) {
			files++
		}
		return files
	}
	if count(false) != 2 || count(true) != 3 {
		t.Errorf("%d files are judged, and %d of the whole view; want 2 and 3", count(false), count(true))
	}
	if got := ix.Identity(report.Subject{Partition: "dt=2026-11-2", Source: "batch"}); got.Partition != "dt=2026-11-02" {
		t.Errorf("the identity of dt=2026-11-2 is %q, want dt=2026-11-02", got.Partition)
	}
	if ix.FilePartition(2) != 2 || ix.FilePartition(3) != -1 || ix.PartitionValue(7) != "" {
		t.Errorf("file 2 lies in %d, file 3 in %d, partition 7 is %q; want 2, -1 and nothing", ix.FilePartition(2), ix.FilePartition(3), ix.PartitionValue(7))
	}
}

func TestSourcesAreThoseSeenAndDeclared(t *testing.T) {
	ix := NewIndex(threeDays())
	if want := []string{"batch", "other", "stream"}; !slices.Equal(ix.AllSources(), want) {
		t.Errorf("sources are %q, want %q", ix.AllSources(), want)
	}
	if ix.AllSourcesDeclared() {
		t.Error("all sources are declared, and other is not")
	}
	if known, future := ix.NewestOf("batch"); known != firstDay.Add(2*times.Day+times.Hour) || future.Known() {
		t.Errorf("the newest event of batch is %d, and of the future %d; want %d and none", known, future, firstDay.Add(2*times.Day+times.Hour))
	}
	if known, _ := ix.NewestOf("stream"); known.Known() {
		t.Errorf("the newest event of a source without rows is %d, want none", known)
	}
	if !ix.Retired(ix.DeclaredSources["stream"]) || ix.Retired(ix.DeclaredSources["batch"]) {
		t.Error("stream was retired on the second day, and batch never")
	}
}

// TestGroupsAreExpectedUntilTheyAreRetired: paths tell the source, so that each declared one is judged by itself.
func TestGroupsAreExpectedUntilTheyAreRetired(t *testing.T) {
	in := threeDays()
	in.View.Source.PathSegment = 1
	in.Survey.Presence = []facts.Presence{{Partition: 0, Group: "batch"}, {Partition: 0, Group: "stream"}, {Partition: 2, Group: "batch"}}
	in.Survey.Files[1].Source = "stream" // it came after its end
	type seen struct {
		partition         int32
		group             string
		expected, present bool
	}
	var got []seen
	for _, p := range NewIndex(in).Presences() {
		if p.Group != "" {
			got = append(got, seen{p.Partition.ID, p.Group, p.Expected, p.Present})
		}
	}
	want := []seen{{0, "batch", true, true}, {0, "stream", true, true}, {1, "batch", true, false}, {2, "batch", true, true}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("groups are there as %+v, want %+v: nobody expects stream after its end", got, want)
	}
}

func TestEncodingsOfFiles(t *testing.T) {
	ix := NewIndex(threeDays())
	list := EncodingMeasures(ix.Encoded)
	if want := "aware in 1 file (dt=2026-11-2/a.parquet); naive in 1 file (dt=2026-11-01/a.parquet)"; EncodingsInWords(list) != want {
		t.Errorf("event times are %s, want %s", EncodingsInWords(list), want)
	}
	if !ix.Naive("batch") || !ix.UndeclaredNaive("batch") || !ix.ZoneUnread() {
		t.Error("batch has naive times, and no zone is declared")
	}
	v := ix.View
	v.Zone, v.Origins = "Asia/Tokyo", model.Origins{"zone": {Kind: model.OriginDefault}}
	for _, test := range []struct {
		view   string
		source model.SourcePolicy
		column string
		want   string
	}{{"", model.SourcePolicy{}, "", ""}, {"Asia/Tokyo", model.SourcePolicy{}, "", "Asia/Tokyo"}, {"Asia/Tokyo", model.SourcePolicy{Zone: "UTC"}, "", "UTC"},
		{"Asia/Tokyo", model.SourcePolicy{Zone: "UTC"}, "Asia/Kolkata", "Asia/Kolkata"}} {
		declared := v
		if test.view != "" {
			declared.Origins = nil
		}
		declared.EventTime.Zone = test.column
		if got := DeclaredZone(declared, test.source); got != test.want {
			t.Errorf("the zone of %+v is %q, want %q", test, got, test.want)
		}
	}
}

func TestLimitsGoFromTheSourceToTheView(t *testing.T) {
	v := model.View{MaxAge: 6 * time.Hour, TTL: model.TTL{Duration: 24 * time.Hour}}
	for _, test := range []struct {
		source   model.SourcePolicy
		age, lag times.Span
	}{{model.SourcePolicy{}, 6 * times.Hour, 24 * times.Hour}, {model.SourcePolicy{MaxAge: time.Hour, MaxLag: time.Minute}, times.Hour, times.Minute},
		{model.SourcePolicy{MaxLag: time.Nanosecond}, 6 * times.Hour, 0}} {
		age, hasAge := AgeLimit(v, test.source)
		lag, hasLag := LagLimit(v, test.source)
		if age != test.age || lag != test.lag || !hasAge || !hasLag {
			t.Errorf("%+v: limits are %d (%v) and %d (%v), want %d and %d", test.source, age, hasAge, lag, hasLag, test.age, test.lag)
		}
	}
	if _, has := LagLimit(model.View{TTL: model.TTL{Duration: -1}}, model.SourcePolicy{}); has {
		t.Error("a negative ttl limits lags")
	}
}

// TestRowsFitTheCalendarThatTheyWereFiledBy: a row each hour of a day at UTC+05:30 lies in the partition of its UTC day but for the
// first five and a half hours, which the calendar moved east takes in.
func TestRowsFitTheCalendarThatTheyWereFiledBy(t *testing.T) {
	p := facts.Partition{Start: firstDay, End: firstDay.Add(times.Day)}
	h := facts.NewEventHistogram()
	for hour := range times.Span(24) {
		h.Counts[facts.EventBin(firstDay.Add(hour*times.Hour-5*times.Hour-30*times.Minute))]++
	}
	ladders := []Ladder{NewLadder(p, h)}
	for east, want := range map[times.Offset]int64{0: 18, 19_800: 24, -19_800: 13, 86_400: 6} {
		if rows, total := Fit(ladders, east); rows != want || total != 24 {
			t.Errorf("%d of %d rows fit a calendar %d seconds to the east, want %d of 24", rows, total, east, want)
		}
	}
	if !ladders[0].Full() {
		t.Error("rows of a whole day do not fill it")
	}
}
