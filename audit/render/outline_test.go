package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
)

// TestOutlineTellsEveryResultOnce: each result stands once among all, and each that wants attention is an item or folded
// into one.
func TestOutlineTellsEveryResultOnce(t *testing.T) {
	r := incident()
	o := render.NewOutline(r, catalogue)
	all := 0
	var names, items []string
	for _, v := range o.Views {
		names = append(names, v.Name)
		all += len(v.All)
		for _, it := range v.Items {
			items = append(items, it.View+" "+it.Check+" "+strings.Join(slices.Concat(it.Causes, it.Blinds, it.Also), ","))
		}
	}
	if all != len(r.Results) {
		t.Errorf("%d results, want %d", all, len(r.Results))
	}
	if want := []string{"transactions", "web_impressions", "events"}; !slices.Equal(names, want) {
		t.Errorf("views %q, want %q", names, want)
	}
	want := []string{
		"transactions mixed-encoding stale-rows 1,233,999 of 1,234,000 rows (over 99.99 %)", "transactions duplicate-keys ",
		"transactions unreadable-file misfiled-rows,schema-drift", "transactions future-rows null-keys", "transactions thin-partitions ",
		"web_impressions ttl-unset ",
	}
	if !slices.Equal(items, want) {
		t.Errorf("items %q, want %q", items, want)
	}
}

// TestTopTakesTheWorstOfEachViewFirst, and each check once.
func TestTopTakesTheWorstOfEachViewFirst(t *testing.T) {
	r := incident()
	r.Results = append(r.Results, report.Result{Check: "ttl-unset", View: "events", Outcome: report.Fail, Unit: "view", RowsTotal: 1, RowsBad: 1})
	var got []string
	for _, it := range render.NewOutline(r, nil).Top(5) {
		got = append(got, it.View+" "+it.Check+" "+strings.Join(it.AlsoIn, ","))
	}
	want := []string{"transactions mixed-encoding ", "events ttl-unset web_impressions", "transactions duplicate-keys ", "transactions unreadable-file ", "transactions future-rows "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReachCountsWhatReadsTheView(t *testing.T) {
	r := incident()
	r.Definitions = []report.Definition{{FeatureServices: []report.FeatureService{
		{Name: "score", Views: []string{"transactions"}}, {Name: "churn\n", Views: []string{"transactions", "events"}}, {Name: "score", Views: []string{"transactions"}}}}}
	r.Consumers = []report.Consumer{{Name: "fraud-model", Views: []report.ConsumerView{{View: "transactions"}}}}
	r.Results = append(r.Results, report.Result{Check: "stale-entities", View: "transactions", Outcome: report.Pass, Unit: "entities", RowsTotal: 77})
	reach := render.NewOutline(r, nil).Views[0].Items[0].Reach
	if reach.Rows != 1_234_000 || reach.Entities != 77 || reach.Amount != "20 of 60 files (33.3 %)" {
		t.Errorf("reach %+v", reach)
	}
	if !slices.Equal(reach.Services, []string{`churn\n`, "score"}) || !slices.Equal(reach.Consumers, []string{"fraud-model"}) {
		t.Errorf("services %q, consumers %q", reach.Services, reach.Consumers)
	}
}

// TestReasonsAreSaidOnce: views that share a reason are named together.
func TestReasonsAreSaidOnce(t *testing.T) {
	r := incident()
	for _, view := range []string{"events", "transactions"} {
		for _, check := range []string{"mixed-zones", "source-lag"} {
			r.Results = append(r.Results, report.Result{Check: check, View: view, Outcome: report.NotApplicable, Reason: "no ingested_at is defined: " + check + " needs one"})
		}
	}
	got := render.NewOutline(r, nil).NotLooked
	want := "events, transactions mixed-zones, source-lag: no ingested_at is defined"
	if !slices.Contains(got, want) {
		t.Errorf("got %q, want %q among them", got, want)
	}
}
