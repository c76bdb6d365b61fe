package audit_test

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/zonemix"
)

// auditWith audits a store with some threads and samples, by mixed-zones alone.
func auditWith(t *testing.T, dir string, threads, samples int, set ...string) report.Result {
	t.Helper()
	file, err := policy.Load(filepath.Join(dir, fixtures.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := file.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	view := resolved.Views[0]
	view.Sensitive = set
	asOf, err := time.Parse(time.RFC3339, fixtures.MixtureAsOf)
	if err != nil {
		t.Fatal(err)
	}
	options := audit.Options{AsOf: asOf, AsOfGiven: true, SelectChecks: []string{"mixed-zones"}, Threads: threads, Samples: samples, TempDir: t.TempDir(),
		Log: zerolog.Nop(), Adapters: realAdapters()}
	options.Views = append(options.Views, view)
	done, err := audit.Run(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	return done.Report.Results[0]
}

// TestWritersDoNotDependOnThreads audits a store of more rows than a sample holds, and of busy writers, with one thread and
// with several: what is said of its writers is the same.
func TestWritersDoNotDependOnThreads(t *testing.T) {
	dir := t.TempDir()
	plan := zonemix.Plan{Lag: zonemix.Lags()[11], PerWriter: 60, Planted: []zonemix.Share{{Offset: 19800, Of: 0.1}}}
	if err := fixtures.MixtureStore(dir, func(give func(zonemix.Row)) { plan.Each(4, 150_000, give) }); err != nil {
		t.Fatal(err)
	}
	var results []report.Result
	for _, threads := range []int{1, 2, 5} {
		results = append(results, auditWith(t, dir, threads, 0))
	}
	if results[0].Outcome != report.Fail {
		t.Fatalf("%+v, want results[0].Outcome == report.Fail", results[0])
	}
	for _, r := range results[1:] {
		if !reflect.DeepEqual(r, results[0]) {
			t.Errorf("%+v\nwant %+v", r, results[0])
		}
	}
}

// TestSamplesShowWriters demands that values of writers are shown where they are asked for, and never where they are
// sensitive.
func TestSamplesShowWriters(t *testing.T) {
	dir := t.TempDir()
	plan := zonemix.Plan{Lag: zonemix.Lags()[1], PerWriter: 12, Planted: []zonemix.Share{{Offset: -8 * 3600, Of: 0.1}}}
	local := map[string]bool{}
	if err := fixtures.MixtureStore(dir, func(give func(zonemix.Row)) {
		plan.Each(4, 3000, func(r zonemix.Row) {
			local[fmt.Sprint(int64(r.Writer))] = r.Offset != 0
			give(r)
		})
	}); err != nil {
		t.Fatal(err)
	}
	shown := func(samples int, sensitive ...string) []string {
		r := auditWith(t, dir, 2, samples, sensitive...)
		list, _ := r.Measures["offsets"].([]map[string]any)
		if r.Outcome != report.Fail || len(list) != 1 {
			t.Fatalf("%+v, want r.Outcome == report.Fail && len(list) == 1", r)
		}
		values, _ := list[0]["example_writers"].([]string)
		return values
	}
	if values := shown(0); len(values) != 0 {
		t.Errorf("nobody asked for %v", values)
	}
	values := shown(3)
	if len(values) != 3 {
		t.Errorf("want three writers: %v", values)
	}
	for _, value := range values {
		if !local[value] {
			t.Errorf("writer %q does not stamp local time", value)
		}
	}
	if values := shown(2, "user"); !slices.Equal(values, []string{"user #1", "user #2"}) {
		t.Errorf("sensitive: %v", values)
	}
}
