//go:build trino

package audit_test

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/trinodb/trino-go-client/trino" // the driver of the cluster that tests prepare

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/trino"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
	"github.com/featureaudit/featureaudit/fixtures/trinotable"
)

// trinoSequences is how many random sequences of nights a cluster counts, of each kind of table in turn.
const trinoSequences = 6

// nightTable is the table over a world's files: of Hive, which knows all partitions that there are and is declared anew where files have other
// columns, of Iceberg, which is registered with the newest metadata, or of Delta.
type nightTable struct {
	trino.Collector
	db       *sql.DB
	name     string
	mu       *sync.Mutex
	declared *string
}

func (n nightTable) Collect(ctx context.Context, o engine.Order) (facts.Collection, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	catalog, table, _ := strings.Cut(n.name, ".default.")
	text, partitioned := trinotable.DDL(n.name, o.Survey)
	drop, sync := "DROP TABLE IF EXISTS "+n.name, ""
	switch {
	case catalog == "lake":
		metadata, err := newestMetadata(o.Survey.Root)
		if err != nil {
			return facts.Collection{}, err
		}
		drop = "CALL lake.system.unregister_table('default', '" + table + "')"
		text = "CALL lake.system.register_table('default', '" + table + "', 'local://" + o.Survey.Root + "', '" + metadata + "')"
	case catalog == "delta":
		text = "CALL delta.system.register_table('default', '" + table + "', 'local://" + o.Survey.Root + "')"
	case partitioned:
		sync = "CALL features.system.sync_partition_metadata('default', '" + table + "', 'FULL')"
	}
	statements := []string{drop, text, sync}
	if *n.declared == "" {
		statements[0] = ""
	}
	if *n.declared == text {
		statements = statements[2:]
	}
	for _, statement := range statements {
		if statement == "" {
			continue
		}
		if _, err := n.db.ExecContext(ctx, statement); err != nil {
			return facts.Collection{}, fmt.Errorf("%s: %w", statement, err)
		}
	}
	*n.declared = text
	return n.Collector.Collect(ctx, o)
}

// newestMetadata is the name of the newest metadata of a table of Iceberg.
func newestMetadata(root string) (string, error) {
	files, err := filepath.Glob(filepath.Join(root, "metadata", "*.metadata.json"))
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("no metadata in %s: %w", root, err)
	}
	newest := slices.MaxFunc(files, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return filepath.Base(newest), nil
}

// plainFiles makes the store one of plain files: a row that is deleted is gone from its file.
func (l *lake) plainFiles() {
	l.commit = func(add []*lakeFile, remove ...string) error {
		for _, path := range remove {
			if err := os.Remove(filepath.Join(l.w.root, path)); err != nil {
				return err
			}
		}
		for _, f := range add {
			f.rows, f.deleted = f.count(), nil
			path := filepath.Join(l.w.root, f.path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := fixtures.Write(path, f.table(), fixtures.Options{}); err != nil {
				return err
			}
		}
		return nil
	}
}

// clusterTable makes the store a table of Iceberg with position deletes, in a place as the cluster names it.
func (l *lake) clusterTable() {
	l.location = "local://" + l.w.root
	l.icebergTable(2)
}

// clusterDelta makes the store a table of Delta as Trino reads it in full: local times, since it shows instants in milliseconds, and deleted rows in
// files of their own, since it refuses those that the log holds. It finds checkpoints of the second form by a word of Spark's in _last_checkpoint that
// the protocol does not have, and is given none.
func (l *lake) clusterDelta() {
	l.local, l.checkpoints = true, []string{deltatable.Classic, deltatable.Parts}
	fields := tableFields("event_time", "ingested_at")
	for _, f := range fields {
		if f["type"] == "timestamp" {
			f["type"] = "timestamp_ntz"
		}
	}
	l.deltaTableOf(deltatable.Options{Schema: fields, Features: []string{"deletionVectors", "timestampNtz", "v2Checkpoint"}}, "u")
}

func openTrino(t *testing.T) (*trino.Cluster, *sql.DB) {
	t.Helper()
	url := os.Getenv("FEATUREAUDIT_TEST_TRINO")
	if url == "" {
		t.Fatal("FEATUREAUDIT_TEST_TRINO is not set: run make test-trino, which starts a server")
	}
	cluster, err := trino.Open(trino.Config{URL: url, Catalog: "features", Schema: "default", Queries: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	db, err := sql.Open("trino", "http://tests@"+url[len("http://"):]+"?catalog=features&schema=default&timezone=UTC")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, catalog := range []string{"features", "lake", "delta"} { // of Hive, Iceberg and Delta
		if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA IF NOT EXISTS "+catalog+".default"); err != nil {
			t.Fatal(err)
		}
	}
	return cluster, db
}

// inTrino gives a world a table, whose rows a cluster counts.
func (w *world) inTrino(cluster *trino.Cluster, db *sql.DB, name string) {
	w.views[0].Table.Trino = name
	mu, declared := &sync.Mutex{}, new(string)
	w.adapters.Place = cluster.Place
	w.adapters.Elsewhere = func(with audit.Elsewhere) engine.Collector {
		return nightTable{db: db, name: name, mu: mu, declared: declared, Collector: trino.Collector{Cluster: cluster, Store: with.Store, Atlas: with.Atlas,
			Facts: trino.Facts{Kept: with.Kept, Paranoid: with.Paranoid, Distrusts: with.Distrusts, Hasher: with.Hasher, Release: with.Release, Stage: with.Stage}}}
	}
	w.t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP TABLE IF EXISTS "+name) })
}

// asDuckDB holds what the cluster counts to what DuckDB does: every result is the same, or none, with a reason that the documentation names.
func (w *world) asDuckDB(duck audit.Adapters) {
	w.t.Helper()
	results := func(raw []byte) map[string]report.Result {
		var r report.Report
		w.do(json.Unmarshal(raw, &r))
		all := map[string]report.Result{}
		for _, result := range r.Results {
			all[result.View+" "+result.Check] = result
		}
		return all
	}
	elsewhere := w.adapters
	w.adapters = duck
	counted, read := results(w.plain), results(w.audit(nil, false))
	w.adapters = elsewhere
	if len(counted) != len(read) {
		w.t.Errorf("%d results by Trino and %d by DuckDB", len(counted), len(read))
	}
	for name, want := range read {
		got := counted[name]
		if got.Outcome == report.NotApplicable && strings.Contains(got.Reason, "--engine duckdb") {
			continue
		}
		got, want = withoutTied(got, want)
		a, err := json.Marshal(got)
		w.do(err)
		b, err := json.Marshal(want)
		w.do(err)
		if !bytes.Equal(a, b) {
			w.t.Fatalf("after\n  %s\n%s is by Trino\n%s\nand by DuckDB\n%s", strings.Join(w.log, "\n  "), name, a, b)
		}
	}
}

var surplusInWords = regexp.MustCompile(`; (by how much amount is overstated is unknown: it could not be read in some files, or nothing tells which of several rows to keep|amount is overstated by -?[0-9,.]+)`)

// withoutTied takes out of two results the surplus that the cluster does not know, where nothing but their places in a file tells which of the rows
// of a key is kept. DuckDB has no other surplus than one that the cluster knows.
func withoutTied(cluster, duck report.Result) (report.Result, report.Result) {
	const surplus = "surplus_amount"
	if _, known := cluster.Measures[surplus]; known || cluster.Check != "duplicate-keys" {
		return cluster, duck
	}
	delete(duck.Measures, surplus)
	cluster.Message, duck.Message = surplusInWords.ReplaceAllString(cluster.Message, ""), surplusInWords.ReplaceAllString(duck.Message, "")
	return cluster, duck
}

// TestNightsInTrino lives through random sequences of nights on stores that a cluster counts: a run that uses kept facts gives the report of one
// that has all rows counted.
func TestNightsInTrino(t *testing.T) {
	cluster, db := openTrino(t)
	shared := openEngine(t)
	var known, read atomic.Int64
	var verdicts [3]atomic.Int64
	t.Run("nights", func(t *testing.T) {
		first, count := uint64(0), uint64(trinoSequences)
		if os.Getenv(nightVariable) != "" {
			first, count = sequencesToLive(t)
		}
		for seed := first; seed < first+count; seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				kind, duck := seed%3, sharedScanner(shared)
				w := newLakeOf(t, duck, seed, []func(*lake){(*lake).plainFiles, (*lake).clusterTable, (*lake).clusterDelta}[kind])
				w.inTrino(cluster, db, fmt.Sprintf("%s.default.nights_%d_%d", []string{"features", "lake", "delta"}[kind], os.Getpid(), seed))
				for night := range 4 {
					w.live(night)
					w.asDuckDB(duck)
				}
				verdicts[kind].Add(int64(w.verdicts))
				known.Add(w.known)
				read.Add(w.read)
				if w.verdicts < 10*w.errors {
					t.Errorf("%d verdicts and %d errors, such as %s, after %s: the nights tell too little", w.verdicts, w.errors, w.firstError, strings.Join(w.log, ", "))
				}
			})
		}
	})
	t.Logf("%d files were known and %d read; %d, %d and %d verdicts on tables of Hive, Iceberg and Delta", known.Load(), read.Load(), verdicts[0].Load(), verdicts[1].Load(), verdicts[2].Load())
	if known.Load() < read.Load()/4 {
		t.Errorf("%d files were known and %d read: the nights try too little", known.Load(), read.Load())
	}
}

// TestARangeSaysWhyNoNewestEventIsToldInTrino is TestARangeSaysWhyNoNewestEventIsTold where a cluster counts.
func TestARangeSaysWhyNoNewestEventIsToldInTrino(t *testing.T) {
	cluster, db := openTrino(t)
	view, adapters := emptyDay(t), sharedScanner(openEngine(t))
	table := fmt.Sprintf("empty_day_%d", os.Getpid())
	view.Table.Trino = "features.default." + table
	for _, statement := range []string{"CREATE TABLE " + view.Table.Trino + " (event_time timestamp(6), id bigint, dt varchar) WITH (partitioned_by = ARRAY['dt'], external_location = 'local://" + view.Path + "', format = 'PARQUET')",
		"CALL features.system.sync_partition_metadata('default', '" + table + "', 'FULL')"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP TABLE "+view.Table.Trino) })
	adapters.Place = cluster.Place
	adapters.Elsewhere = func(with audit.Elsewhere) engine.Collector {
		return trino.Collector{Cluster: cluster, Store: with.Store, Atlas: with.Atlas}
	}
	rangesSayWhy(t, view, adapters)
	if cluster.Spent().Queries < 6 {
		t.Error("the cluster was not asked")
	}
}
