package audit_test

import (
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/fixtures/collectortest"
)

// TestCasesWithAnEngineThatStreamsNothing replays the cases on the road that is taken where a file failed: rows are scanned and fetched
// in slices of seven, and whatever spills does so at once. TestCases takes the usual road.
func TestCasesWithAnEngineThatStreamsNothing(t *testing.T) {
	db := openEngine(t)
	judge, err := duckdb.OpenJudge(t.Context(), duckdb.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = judge.Close() })
	collectortest.Run(t, collectortest.Under{Collector: collect.Collector{Engine: unstreamed{db}, Store: local.New()}, Store: local.New(),
		Room: engine.Room{Workers: 2, Runs: 1, SliceRows: 7}, Judge: judge})
}
