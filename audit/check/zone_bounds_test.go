package check

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// deviceStore has naive times stamped by devices; the newest event is 1 h old at as_of, as it is read.
func deviceStore(maxAge time.Duration) *store {
	v := dailyView()
	v.MaxAge = maxAge
	v.Zone = model.ZoneDevice
	v.Zones = []string{"America/Los_Angeles", "Asia/Tokyo"}
	s := healthy(v)
	s.Survey.Schemas[0].Columns[0] = column("event_time", "INT64", "timestamp", "TIMESTAMP(us)")
	return s
}

func TestStaleViewInEveryZone(t *testing.T) {
	// Summer time ended on 1 November, within the data: Los Angeles was at -7 and at -8, Tokyo is at +9. The true age is between 7 h before
	// the reading and 10 h.
	for _, test := range []struct {
		maxAge       time.Duration
		outcome      report.Outcome
		certainty    string
		stale, fresh any
	}{
		{11 * time.Hour, report.Pass, "certain", nil, nil},
		{9 * time.Hour, report.Pass, "depends", []int64{540}, []int64{-480, -420, 0}},
		{30 * time.Minute, report.Fail, "depends", []int64{0, 540}, []int64{-480, -420}},
	} {
		r := deviceStore(test.maxAge).of(t, "stale-view")
		if r.Outcome != test.outcome || r.ZoneCertainty != test.certainty {
			t.Errorf("max_age %s: %s, %s", test.maxAge, r.Outcome, r.ZoneCertainty)
		}
		if test.stale != nil && (!reflect.DeepEqual(r.Measures["zone_stale_offset_minutes"], test.stale) || !reflect.DeepEqual(r.Measures["zone_fresh_offset_minutes"], test.fresh)) {
			t.Errorf("max_age %s: %v", test.maxAge, r.Measures)
		}
	}
	s := deviceStore(11 * time.Hour)
	s.AsOf += 3 * day
	if r := s.of(t, "stale-view"); r.Outcome != report.Fail || r.ZoneCertainty != "certain" {
		t.Errorf("three days later it is stale in every zone: %s, %s", r.Outcome, r.ZoneCertainty)
	}
}

func TestStaleRowsInEveryZone(t *testing.T) {
	for _, test := range []struct {
		name      string
		at        int64 // the event time of 10 rows of the partition of 3 November, whose rows expire at 2 November 00:00
		certainty string
	}{
		{"far before the limit", int64(at("2026-10-30T00:00:00Z")), "certain"},
		{"stale as read, fresh if stamped in Los Angeles", int64(at("2026-11-01T20:00:00Z")), "depends"},
		{"fresh as read, stale if stamped in Tokyo", int64(at("2026-11-02T08:45:00Z")), "depends"},
		{"fresh if stamped in Tokyo, on the edge", int64(at("2026-11-02T09:00:00Z")), "certain"},
	} {
		s := deviceStore(0)
		h := facts.NewEventHistogram()
		h.Counts[facts.EventBin(times.Instant(test.at))], h.Rows = 10, 10
		s.Collection.Events[facts.Population{Partition: 2, Source: "batch"}] = h
		if r := s.of(t, "stale-rows"); r.ZoneCertainty != test.certainty {
			t.Errorf("%s: got %q, %v, want r.ZoneCertainty == test.certainty", test.name, r.ZoneCertainty, r.Measures)
		}
	}
}

func TestStaleRowsByLagInEveryZone(t *testing.T) {
	s := deviceStore(0)
	s.View.Reference = model.ReferenceIngestedAt
	if r := s.of(t, "stale-rows"); r.ZoneCertainty != "certain" {
		t.Errorf("lags of minutes against a ttl of 2 days: %q", r.ZoneCertainty)
	}
	s.View.TTL.Duration = 4 * time.Hour
	if r := s.of(t, "stale-rows"); r.ZoneCertainty != "depends" || !reflect.DeepEqual(r.Measures["zone_stale_offset_minutes"], []int64{540}) {
		t.Errorf("a ttl of 4 hours: %q, %v", r.ZoneCertainty, r.Measures)
	}
}

func TestLagsThatTellMakeAVerdictCertain(t *testing.T) {
	// Naive times that nobody declares: their lags say that they are UTC, so no other zone is in question.
	s := deviceStore(9 * time.Hour)
	s.View.Zone = ""
	if r := s.of(t, "stale-view"); r.Outcome != report.Pass || r.ZoneCertainty != "certain" {
		t.Errorf(`got %s, %q, want r.Outcome == report.Pass && r.ZoneCertainty == "certain"`, r.Outcome, r.ZoneCertainty)
	}
	clear(s.Collection.Lags)
	if r := s.of(t, "stale-view"); r.ZoneCertainty != "depends" {
		t.Errorf("without lags: %q", r.ZoneCertainty)
	}
}

func TestStaleEntitiesInEveryZone(t *testing.T) {
	limit := 0.01
	for _, test := range []struct {
		name                         string
		everywhere, stale, somewhere int64
		fraction                     *float64
		outcome                      report.Outcome
		certainty, words             string
	}{
		{"some are stale in every zone", 3, 5, 9, nil, report.Warn, "certain", ""},
		{"none may be", 0, 0, 0, nil, report.Pass, "certain", ""},
		{"none as read", 0, 0, 9, nil, report.Pass, "depends", "this depends on the zone of the writers: between 0 and 9 entities are stale"},
		{"within the fraction in every zone", 3, 5, 10, &limit, report.Pass, "certain", ""},
		{"beyond the fraction in some zones", 3, 5, 11, &limit, report.Pass, "depends", "between 3 and 11 entities are stale"},
		{"beyond the fraction in every zone", 11, 12, 13, &limit, report.Fail, "certain", ""},
	} {
		s := deviceStore(0)
		s.Collection.Entities = &facts.Entities{Judged: 1000, Stale: test.stale, OldestNewest: asOf - day, StaleEverywhere: test.everywhere, StaleSomewhere: test.somewhere}
		if test.fraction != nil {
			s.View.Checks = map[string]model.CheckPolicy{"stale-entities": {MaxFraction: test.fraction}}
		}
		r := s.of(t, "stale-entities")
		if r.Outcome != test.outcome || r.ZoneCertainty != test.certainty || !strings.Contains(r.Message, test.words) {
			t.Errorf("%s: got %s, %s, %q, want r.Outcome == test.outcome && r.ZoneCertainty == test.certainty && strings.Contains(r.Message, test.words)", test.name, r.Outcome, r.ZoneCertainty, r.Message)
		}
		if r.Measures["stale_in_every_zone"] != test.everywhere || r.Measures["stale_in_some_zone"] != test.somewhere {
			t.Errorf(`%s: got %v, want r.Measures["stale_in_every_zone"] == test.everywhere && r.Measures["stale_in_some_zone"] == test.somewhere`, test.name, r.Measures)
		}
	}
	// lags that tell that naive times are UTC leave no other zone in question
	s := deviceStore(0)
	s.View.Zone = ""
	s.Collection.Entities = &facts.Entities{Judged: 1000, Stale: 5, OldestNewest: asOf - day, StaleEverywhere: 3, StaleSomewhere: 9}
	if r := s.of(t, "stale-entities"); r.ZoneCertainty != "certain" || r.Measures["stale_in_every_zone"] != int64(5) || r.Measures["stale_in_some_zone"] != int64(5) {
		t.Errorf(`got %q, %v, want r.ZoneCertainty == "certain" && r.Measures["stale_in_every_zone"] == int64(5) && r.Measures["stale_in_some_zone"] == int64(5)`, r.ZoneCertainty, r.Measures)
	}
}

// TestProvedOffsetsBoundLagsAndRows: the streaming source is stamped at UTC-8 throughout, which its max_lag proves; no other
// zone is in question for it, though Los Angeles and Tokyo were in use too.
func TestProvedOffsetsBoundLagsAndRows(t *testing.T) {
	proved := func() *store {
		s := healthy(dailyView())
		s.View.Sources = []model.SourcePolicy{{Name: "streaming", MaxLag: 10 * time.Minute}}
		s.streaming([]int32{0, 1, 2, 3, 4, 5, 6, 7, 8}, pacific, 500)
		return s
	}
	r := proved().of(t, "source-lag")
	if r.ZoneCertainty != "depends" || !reflect.DeepEqual(r.Measures["zone_stale_offset_minutes"], []int64{0}) ||
		!reflect.DeepEqual(r.Measures["zone_fresh_offset_minutes"], []int64{-480}) {
		t.Errorf("source-lag: %q, %v", r.ZoneCertainty, r.Measures)
	}
	const words = "this depends on the zone of the writers: late at UTC, in time at UTC-08:00"
	if !strings.Contains(r.Message, words) {
		t.Errorf("source-lag: %q", r.Message)
	}
	for _, test := range []struct {
		ttl       time.Duration
		certainty string
	}{{4 * time.Hour, "depends"}, {48 * time.Hour, "certain"}} {
		s := proved()
		s.View.Reference, s.View.TTL.Duration = model.ReferenceIngestedAt, test.ttl
		r := s.of(t, "stale-rows")
		if r.ZoneCertainty != test.certainty {
			t.Errorf("stale-rows, ttl %s: %q, %v", test.ttl, r.ZoneCertainty, r.Measures)
		}
		if test.certainty == "depends" && (!reflect.DeepEqual(r.Measures["zone_stale_offset_minutes"], []int64{0}) ||
			!reflect.DeepEqual(r.Measures["zone_fresh_offset_minutes"], []int64{-480})) {
			t.Errorf("stale-rows, ttl %s: %v", test.ttl, r.Measures)
		}
	}
	// where no writer is proved to be elsewhere, aware times say when it was
	if r := healthy(dailyView()).of(t, "source-lag"); r.ZoneCertainty == "depends" {
		t.Errorf("a healthy store: %v", r.Measures)
	}
}

// TestEntitiesOfOneProvedOffset: every source is stamped at UTC-8, so that what is 8 hours too old as it is read is fresh.
func TestEntitiesOfOneProvedOffset(t *testing.T) {
	// so many hours older than the ttl of two days as they are read, and younger where negative
	beyond := []int64{-30, -1, 1, 7, 9, 40}
	proved := func(east int64) *store {
		s := newStore(dailyView())
		s.days("2026-11-01", 9)
		s.View.Sources = []model.SourcePolicy{{Name: "streaming", MaxLag: 10 * time.Minute}}
		s.streaming([]int32{0, 1, 2, 3, 4, 5, 6, 7, 8}, east, 500)
		e := &facts.Entities{Judged: int64(len(beyond)), OldestNewest: asOf - 5*day}
		for _, hours := range beyond {
			e.AddNear(times.Span(-hours * hour))
			if hours > 0 {
				e.Stale++
			}
		}
		e.StaleEverywhere, e.StaleSomewhere = e.Stale, e.Stale
		s.Collection.Entities = e
		return s
	}
	r := proved(pacific).of(t, "stale-entities")
	if r.Outcome != report.Warn || r.RowsBad != 2 || r.RowsTotal != 6 || r.ZoneCertainty != "certain" || r.Measures["stale_entities"] != int64(2) ||
		r.Measures["stale_as_read"] != int64(4) || r.Measures["stale_in_every_zone"] != int64(2) || r.Measures["stale_in_some_zone"] != int64(2) {
		t.Errorf("UTC-8: %s, %d of %d, %q, %v", r.Outcome, r.RowsBad, r.RowsTotal, r.ZoneCertainty, r.Measures)
	}
	if want := "by the offsets at which writers stamp: streaming at UTC-08:00 (mixed-zones)"; !strings.Contains(r.Message, want) {
		t.Errorf("UTC-8: %q", r.Message)
	}
	if want := fmt.Sprintf("newest_us < %d", asOf-48*hour-8*hour); !strings.Contains(fmt.Sprint(r.Measures["reproduce"], r.Reproduce), want) {
		t.Errorf("the query knows nothing of it: %v %v", r.Measures["reproduce"], r.Reproduce)
	}
	// east of it the newest events may be read after as_of: without such rows everything is known
	if r := proved(india).of(t, "stale-entities"); r.RowsBad != 5 || r.ZoneCertainty != "certain" || r.Measures["stale_as_read"] != int64(4) {
		t.Errorf("UTC+5:30: %d, %q, %v", r.RowsBad, r.ZoneCertainty, r.Measures)
	}
	s := proved(india)
	s.Collection.Slices[8].EventMax = asOf + hour
	if r := s.of(t, "stale-entities"); r.RowsBad != 4 || r.ZoneCertainty != "depends" || r.Measures["stale_in_every_zone"] != int64(0) ||
		r.Measures["stale_in_some_zone"] != int64(5) {
		t.Errorf("UTC+5:30, and rows after as_of: %d, %q, %v", r.RowsBad, r.ZoneCertainty, r.Measures)
	}
	s = proved(pacific)
	s.Survey.Files[8].ModTime = asOf + hour
	if r := s.of(t, "stale-entities"); r.RowsBad != 4 || r.ZoneCertainty != "depends" {
		t.Errorf("UTC-8, and a file of later: %d, %q, %v", r.RowsBad, r.ZoneCertainty, r.Measures)
	}
}
