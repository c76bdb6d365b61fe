//go:build trino

package trino_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/engine/trino"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/fixtures/collectortest"
	"github.com/featureaudit/featureaudit/fixtures/trinotable"
)

// server is the address of the Trino that make test-trino has started.
func server(t testing.TB) string {
	t.Helper()
	url := os.Getenv("FEATUREAUDIT_TEST_TRINO")
	if url == "" {
		t.Fatal("FEATUREAUDIT_TEST_TRINO is not set: run make test-trino, which starts a server")
	}
	return url
}

func openCluster(t testing.TB, change func(*trino.Config)) *trino.Cluster {
	t.Helper()
	config := trino.Config{URL: server(t), Catalog: "features", Schema: "default", Queries: 4}
	if change != nil {
		change(&config)
	}
	cluster, err := trino.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	return cluster
}

// openDatabase is another way to the same server, for what tests prepare there.
func openDatabase(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("trino", "http://tests@"+server(t)[len("http://"):]+"?catalog=features&schema=default&timezone=UTC")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, catalog := range []string{"features", "lake", "delta"} { // of Hive, Iceberg and Delta
		if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA IF NOT EXISTS "+catalog+".default"); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

var tables atomic.Int64

// declaring declares the files of each order as a table before it is collected.
type declaring struct {
	trino.Collector
	db *sql.DB
}

func (d declaring) Collect(ctx context.Context, o engine.Order) (facts.Collection, error) {
	name := fmt.Sprintf("features.default.case_%d_%d", os.Getpid(), tables.Add(1))
	if ctx.Err() == nil {
		if err := trinotable.Declare(ctx, d.db, name, o.Survey); err != nil {
			return facts.Collection{}, err
		}
		defer d.db.ExecContext(context.WithoutCancel(ctx), "DROP TABLE "+name)
	}
	o.View.Table.Trino = name
	return d.Collector.Collect(ctx, o)
}

// TestCases holds the cluster to every case: Hive tables over the same files must give the verdicts that DuckDB gives.
func TestCases(t *testing.T) {
	judge, err := duckdb.OpenJudge(t.Context(), duckdb.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = judge.Close() })
	collectortest.Run(t, collectortest.Under{Collector: declaring{trino.Collector{Cluster: openCluster(t, nil), Store: local.New()}, openDatabase(t)}, Store: local.New(),
		Room: engine.Room{Workers: 2, Runs: 64 << 20, SliceRows: 1000}, Judge: judge, Forced: forced, Parallel: true})
}

// forced are the cases in which a Hive table does not show what decides; the documentation lists the reasons.
var forced = func() map[string]string {
	own, pattern, one, wide := "a partition's value stands in place of the files' own column", "text times in a format of their own are not read",
		"a column of a table has one type", "Trino takes unsigned integers for signed ones"
	return map[string]string{
		"misfiled-rows/bad_event_time_is_the_partition_column":                 own,
		"misfiled-rows/edge_event_time_is_the_partition_column_of_an_open_day": own,
		"misfiled-rows/bad_own_column_contradicts_the_path":                    own,
		"misfiled-rows/bad_own_column_in_capitals_of_another_day":              own,
		"misfiled-rows/bad_own_date_of_another_day":                            own,
		"misfiled-rows/bad_own_number_of_another_day":                          own,
		"misfiled-rows/bad_own_timestamp_of_another_day":                       own,
		"duplicate-keys/bad_unsigned_and_signed":                               wide,
		"misfiled-rows/edge_own_column_agrees":                                 own,
		"misfiled-rows/ok_own_column_in_capitals":                              own,
		"misfiled-rows/ok_own_column_is_a_date":                                own,
		"misfiled-rows/ok_own_column_is_a_decimal":                             own,
		"misfiled-rows/ok_own_column_is_a_double":                              own,
		"misfiled-rows/ok_own_column_is_a_naive_midnight":                      own,
		"misfiled-rows/ok_own_column_is_a_number":                              own,
		"misfiled-rows/ok_own_column_is_an_aware_midnight":                     own,
		"misfiled-rows/ok_own_column_is_in_nanoseconds":                        own,
		"misfiled-rows/ok_own_column_is_int96":                                 own,
		"misfiled-rows/ok_own_column_is_iso_text":                              own,
		"misfiled-rows/ok_own_columns_of_a_chain_are_doubles":                  own,
		"misfiled-rows/ok_own_columns_of_a_chain_are_integers":                 own,
		"misfiled-rows/ok_own_columns_of_a_chain_are_text":                     own,
		"mixed-encoding/bad_text_with_and_without_offset":                      one,
		"null-event-time/bad_names_of_an_undeclared_zone":                      pattern,
		"null-event-time/ok_text_with_format":                                  pattern,
		"null-event-time/ok_text_with_names_of_zones":                          pattern,
		"null-event-time/edge_unsigned_numbers":                                wide,
		"zone-undeclared/bad_text_without_an_offset":                           pattern,
	}
}()
