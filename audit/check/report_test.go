package check

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

func TestReport(t *testing.T) {
	s := unreadStore(facts.ProblemTruncated)
	s.View.Sources = []model.SourcePolicy{{Name: "batch", MaxLag: time.Hour, Until: time.UnixMicro(int64(asOf))}}
	s.Survey.Ignored = map[string]int64{"marker": 9, "hidden": 1}
	s.Survey.Notes = []string{"the grain is inferred from the paths: day"}
	s.days("2026-11-10", 2)
	s.file(9, 40, func(_ *facts.File, slice *facts.Slice) { slice.AfterAsOf, slice.NewestKnown = 40, times.None })
	s.file(10, 60, func(f *facts.File, _ *facts.Slice) { f.ModTime = asOf + day })
	s.Collection.Slices = s.Collection.Slices[:10]
	h := facts.NewLagHistogram()
	h.Counts[facts.LagBin(2*second)], h.Rows, h.Max = 4, 4, 2*second+5
	clear(s.Collection.Lags)
	s.Collection.Lags[facts.Population{Partition: 0, Source: "batch", Writer: "a"}] = h
	results := []report.Result{{Check: "null-keys", View: "clicks", Outcome: report.Fail}, {Check: "future-rows", View: "clicks", Outcome: report.Error, Retryable: true},
		{Check: "ttl-unset", View: "a", Outcome: report.Suppressed}, {Check: "suppression-unused", Outcome: report.Warn}}
	in := document.Input{Catalogue: Reported(), Tool: report.Tool{Version: "test"}, AsOf: asOf, Status: report.Complete, Results: results,
		Views: slices.Concat(s.described(results[:2]...), newStore(model.View{Name: "a", NoFiles: "push"}).described(results[2]))}
	r, err := document.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if want := (report.Summary{Outcome: report.Fail, Warn: 1, Fail: 1, Suppressed: 1, Error: 1, Views: 2, Files: 12, Rows: 9100, Bytes: 12000}); r.Summary != want {
		t.Errorf("got %+v\nwant %+v", r.Summary, want)
	}
	order := []string{}
	for _, result := range r.Results {
		order = append(order, result.View+"/"+result.Check)
	}
	if want := []string{"/suppression-unused", "a/ttl-unset", "clicks/future-rows", "clicks/null-keys"}; !reflect.DeepEqual(order, want) {
		t.Errorf("got %v, want %+v", order, want)
	}
	if r.Views[0].Name != "a" || r.Views[0].Outcome != report.Suppressed || !reflect.DeepEqual(r.Views[0].Notes, []string{"push"}) {
		t.Errorf(`got %+v, want r.Views[0].Name == "a" && r.Views[0].Outcome == report.Suppressed && reflect.DeepEqual(r.Views[0].Notes, []string{"push"})`, r.Views[0])
	}
	v := r.Views[1]
	if v.Outcome != report.Fail || v.Files != 12 || v.FilesUnread != 1 || v.Partitions != 11 || v.PartitionsAfterAsOf != 1 || v.RowsAfterAsOf != 100 || v.IgnoredFiles != 10 {
		t.Errorf("got %+v, want v.Outcome == report.Fail && v.Files == 12 && v.FilesUnread == 1 && v.Partitions == 11 && v.PartitionsAfterAsOf == 1 && v.RowsAfterAsOf == 100 && "+
			"v.IgnoredFiles == 10", v)
	}
	if *v.OldestEventTime != "2026-11-01T01:00:00Z" || *v.NewestEventTime != "2026-11-09T23:00:00Z" || *v.AgeSeconds != 3600 {
		t.Errorf(`got %s %s %v, want *v.OldestEventTime == "2026-11-01T01:00:00Z" && *v.NewestEventTime == "2026-11-09T23:00:00Z" && *v.AgeSeconds == 3600`, *v.OldestEventTime, *v.NewestEventTime, *v.AgeSeconds)
	}
	if want := []string{"dt=2026-11-10"}; !reflect.DeepEqual(v.OpenPartitions, want) {
		t.Errorf("got %v, want %+v", v.OpenPartitions, want)
	}
	if want := []string{"the grain is inferred from the paths: day", "1 file ignored: hidden", "9 files ignored: marker"}; !reflect.DeepEqual(v.Notes, want) {
		t.Errorf("got %q, want %+v", v.Notes, want)
	}
	if want := (map[string]report.Lag{"batch": {P50: 2, P90: 2, P99: 2, Max: 2.000005, Rows: 4, ResolutionSeconds: 1}}); !reflect.DeepEqual(v.SourceLagSeconds, want) {
		t.Errorf("got %+v, want %+v", v.SourceLagSeconds, want)
	}
	d := v.Definition
	if *d.TTLSeconds != 172800 || !d.TTLDeclared || d.MaxAgeSeconds != nil || d.EventTime != "event_time" || d.TimePartition.Of != "event_time" ||
		d.Reference != "partition_end" || d.Sources["batch"].Until != "2026-11-10T00:00:00Z" || d.Origins["ttl"] != "featureaudit.yaml:9" {
		t.Errorf(`got %+v, want *d.TTLSeconds == 172800 && d.TTLDeclared && d.MaxAgeSeconds == nil && d.EventTime == "event_time" && d.TimePartition.Of == "event_time" && `+
			`d.Reference == "partition_end" && d.Sources["batch"].Until == "2026-11-10T00:00:00Z" && d.Origins["ttl"] == "featureaudit.yaml:9"`, d)
	}
}

func TestReportIDIsOfEverythingButExecution(t *testing.T) {
	in := document.Input{Catalogue: Reported(), AsOf: asOf, Status: report.Complete}
	first, err := document.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	first.Execution.Host = "elsewhere"
	if again, err := first.Digest(); err != nil || again != first.ID || !strings.HasPrefix(first.ID, "sha256:") {
		t.Errorf(`got %s, %s, %v, want err == nil && again == first.ID && strings.HasPrefix(first.ID, "sha256:")`, first.ID, again, err)
	}
	in.Status = report.Partial
	second, err := document.Build(in)
	if err != nil || second.ID == first.ID {
		t.Errorf("got %s, %v, want err == nil && second.ID != first.ID", second.ID, err)
	}
	if first.Summary.Outcome != report.NotApplicable {
		t.Errorf("nothing looked at is %s", first.Summary.Outcome)
	}
}

func TestRealReportHasNoNullLists(t *testing.T) {
	s := healthy(model.View{Name: "bare", Path: "x"})
	got, err := JudgeView(t.Context(), openJudge(t), s.Input)
	if err != nil {
		t.Fatal(err)
	}
	r, err := document.Build(document.Input{Catalogue: Reported(), AsOf: asOf, Views: []report.View{got.View}, Results: got.Results})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"findings", "measures", "notes", "open_partitions", "origins", "entity", "key", "results", "definitions"} {
		if strings.Contains(string(raw), `"`+name+`":null`) {
			t.Errorf("%s is null", name)
		}
	}
}
