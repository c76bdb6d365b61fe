package report_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/report"
)

// pictured is a report that holds what pictures are made of.
func pictured(t *testing.T) report.Report {
	t.Helper()
	r := two(t)
	v := &r.Views[0]
	v.Series = []report.PartitionRows{
		{Partition: "dt=2026-11-01", Start: "2026-11-01T00:00:00Z", Rows: 12, Bad: map[string]int64{"stale-rows": 3, "stale-view": 1}},
		{Partition: "dt=2026-11-02", Start: "2026-11-02T00:00:00Z", Rows: 8, Bad: map[string]int64{"stale-view": 1}},
	}
	v.SeriesLeftOut = 5
	v.SourceLagSeconds = map[string]report.Lag{"batch": {Rows: 20, Max: 99}}
	v.LagBins = map[string][]report.LagBin{"batch": {{FromSeconds: -1, ToSeconds: 0, Rows: 5}, {FromSeconds: 60, ToSeconds: 120, Rows: 15}}}
	v.NewestBySource = map[string]string{"batch": "2026-11-02T23:00:00Z"}
	return sealed(t, r)
}

func TestParseReadsWhatPicturesAreMadeOf(t *testing.T) {
	r := pictured(t)
	got, err := report.Parse([]byte(written(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Views[0].Series, r.Views[0].Series) || !reflect.DeepEqual(got.Views[0].LagBins, r.Views[0].LagBins) {
		t.Errorf("got %+v, want reflect.DeepEqual(got.Views[0].Series, r.Views[0].Series) && reflect.DeepEqual(got.Views[0].LagBins, r.Views[0].LagBins)", got.Views[0])
	}
	if err := validate(t, r); err != nil {
		t.Error(err)
	}
}

func TestParseRefusesPicturesThatDoNotHold(t *testing.T) {
	for want, spoil := range map[string]func(*report.View){
		`views[0].series[1]: partition "dt=2026-11-01" is listed twice`:                             func(v *report.View) { v.Series[1].Partition = v.Series[0].Partition },
		`views[0].series[1].start: found "today", expected an instant`:                              func(v *report.View) { v.Series[1].Start = "today" },
		`views[0].series[0].rows: the count -1 is negative`:                                         func(v *report.View) { v.Series[0].Rows = -1 },
		`views[0].series[0].bad: the count -3 is negative`:                                          func(v *report.View) { v.Series[0].Bad["stale-rows"] = -3 },
		`views[0].series[0].bad: check "rot" is not in the report's catalogue`:                      func(v *report.View) { v.Series[0].Bad["rot"] = 1 },
		`views[0].series_left_out: the count -5 is negative`:                                        func(v *report.View) { v.SeriesLeftOut = -5 },
		`views[0].lag_bins.batch: its bins hold 15 rows, and source_lag_seconds says 20`:            func(v *report.View) { v.LagBins["batch"] = v.LagBins["batch"][1:] },
		`views[0].lag_bins.batch[1]: it begins at -0.5 s, before the end of the bin before it, 0 s`: func(v *report.View) { v.LagBins["batch"][1].FromSeconds = -0.5 },
		`views[0].lag_bins.batch[0]: it ends at -2 s and begins at -1 s`:                            func(v *report.View) { v.LagBins["batch"][0].ToSeconds = -2 },
		`views[0].lag_bins.batch[0].rows: the count -5 is negative`:                                 func(v *report.View) { v.LagBins["batch"][0].Rows = -5 },
		`views[0].newest_event_time_by_source.batch: found "", expected an instant`:                 func(v *report.View) { v.NewestBySource["batch"] = "" },
	} {
		r := pictured(t)
		spoil(&r.Views[0])
		if _, err := report.Parse([]byte(written(t, identified(t, r)))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestNarrowKeepsTheSeriesOfPickedChecks, and leaves the whole report as it is.
func TestNarrowKeepsTheSeriesOfPickedChecks(t *testing.T) {
	r := pictured(t)
	part, err := r.Narrow(report.Picks{Checks: []string{"stale-rows"}})
	if err != nil {
		t.Fatal(err)
	}
	if bad := part.Views[0].Series[0].Bad; !reflect.DeepEqual(bad, map[string]int64{"stale-rows": 3}) || part.Views[0].Series[1].Bad != nil {
		t.Errorf("the part holds %+v", part.Views[0].Series)
	}
	if len(r.Views[0].Series[0].Bad) != 2 {
		t.Error("the whole report changed")
	}
	if _, err := report.Parse([]byte(written(t, part))); err != nil {
		t.Error(err)
	}
}

// TestPicturesOfManyViewsAreBounded: the newest partitions stay, what is left out is counted, bins keep their rows, and the view says so.
func TestPicturesOfManyViewsAreBounded(t *testing.T) {
	one := func(partitions, bins int) report.View {
		v := report.View{SourceLagSeconds: map[string]report.Lag{"a": {Rows: int64(bins)}}, LagBins: map[string][]report.LagBin{"a": {}}}
		for i := range partitions {
			v.Series = append(v.Series, report.PartitionRows{Partition: fmt.Sprint(i), Rows: int64(i)})
		}
		for i := range bins {
			v.LagBins["a"] = append(v.LagBins["a"], report.LagBin{FromSeconds: float64(i), ToSeconds: float64(i + 1), Rows: 1})
		}
		return v
	}
	few := []report.View{one(400, 200), one(3, 5)}
	if got := report.BoundPictures(few); len(got[0].Series) != 400 || len(got[0].LagBins["a"]) != 200 || len(got[0].Notes) != 0 {
		t.Errorf("of two views something is left out: %d partitions, %d bins, notes %q", len(got[0].Series), len(got[0].LagBins["a"]), got[0].Notes)
	}
	many := make([]report.View, 500)
	for i := range many {
		many[i] = one(400, 200)
	}
	many[7] = one(3, 5)
	got := report.BoundPictures(many)
	partitions, bins := 0, 0
	for i, v := range got {
		partitions, bins = partitions+len(v.Series), bins+len(v.LagBins["a"])
		rows := int64(0)
		for _, b := range v.LagBins["a"] {
			rows += b.Rows
		}
		if rows != v.SourceLagSeconds["a"].Rows || int64(len(v.Series))+v.SeriesLeftOut != int64(len(many[i].Series)) {
			t.Fatalf("view %d: %d rows in bins, %d partitions and %d left out", i, rows, len(v.Series), v.SeriesLeftOut)
		}
	}
	if partitions > report.MaxSeriesInAll || bins > report.MaxLagBinsInAll {
		t.Errorf("%d partitions and %d bins in all", partitions, bins)
	}
	if v := got[0]; len(v.Series) != 64 || v.Series[63].Partition != "399" || v.SeriesLeftOut != 336 || len(v.Notes) != 1 {
		t.Errorf("%d partitions up to %s, %d left out, notes %q", len(v.Series), v.Series[len(v.Series)-1].Partition, v.SeriesLeftOut, v.Notes)
	}
	if v := got[7]; len(v.Series) != 3 || v.SeriesLeftOut != 0 || len(v.LagBins["a"]) != 5 || len(v.Notes) != 0 {
		t.Errorf("a small view lost something: %d partitions, %d left out, %d bins, notes %q", len(v.Series), v.SeriesLeftOut, len(v.LagBins["a"]), v.Notes)
	}
	if len(many[0].Series) != 400 {
		t.Error("the views that were given have changed")
	}
}
