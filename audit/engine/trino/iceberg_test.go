//go:build trino

package trino_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/engine/trino"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/trinotable"
)

// both judge views by what DuckDB reads of them, and by what the cluster does.
type both struct {
	duck    collect.Collector
	cluster trino.Collector
	judge   engine.Judge
	// only are the checks that are selected; nil for all.
	only []string
}

func (b both) selected(check string) bool { return b.only == nil || slices.Contains(b.only, check) }

func newBoth(t *testing.T) both {
	t.Helper()
	judge, err := duckdb.OpenJudge(t.Context(), duckdb.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = judge.Close() })
	db, err := duckdb.Open(duckdb.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return both{duck: collect.Collector{Engine: db, Store: local.New()}, cluster: trino.Collector{Cluster: openCluster(t, nil), Store: local.New()}, judge: judge}
}

// footersOf reads the footers of a view's files.
func footersOf(t *testing.T, l look.Looker, view model.View, w look.Window) look.Footers {
	t.Helper()
	plan, err := l.Plan(t.Context(), view, w)
	if err != nil {
		t.Fatal(err)
	}
	footers, err := l.Footers(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	return footers
}

// results are those of a view, as JSON by check.
func (b both) results(t *testing.T, collector engine.Collector, view model.View, w look.Window) map[string]string {
	t.Helper()
	l := look.Looker{Store: local.New(), Collector: collector, Room: engine.Room{Workers: 2, Runs: 64 << 20, TempDir: t.TempDir()}, Place: b.cluster.Cluster.Place}
	footers := footersOf(t, l, view, w)
	found, err := l.Rows(t.Context(), footers, check.WantsOf(footers.View, footers.Survey, b.selected))
	if err != nil {
		t.Fatal(err)
	}
	judged, err := check.JudgeView(t.Context(), b.judge, evidence.NewInput(found, evidence.Terms{AsOf: times.Instant(w.AsOf.UnixMicro()), AsOfGiven: true,
		Narrowed: w.Range.Given(), Selected: b.selected}))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, r := range judged.Results {
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		all[r.Check] = string(raw)
	}
	return all
}

// same: whoever counts the rows of a view, every result is the same, or one that the engine forces by saying nothing.
func (b both) same(t *testing.T, view model.View, w look.Window) (outcomes map[report.Outcome]int) {
	t.Helper()
	want, got := b.results(t, b.duck, view, w), b.results(t, b.cluster, view, w)
	outcomes = map[report.Outcome]int{}
	if len(got) != len(want) {
		t.Errorf("%d results, want %d", len(got), len(want))
	}
	for check, by := range want {
		var r report.Result
		if err := json.Unmarshal([]byte(by), &r); err != nil {
			t.Fatal(err)
		}
		outcomes[r.Outcome]++
		if strings.Contains(got[check], `"outcome":"not_applicable"`) && strings.Contains(got[check], "whether both agree is not known") {
			continue // the documentation says why
		}
		if r.ExplainedBy != "" && strings.Contains(got[r.ExplainedBy], `"outcome":"not_applicable"`) { // what tells nothing explains nothing
			by = strings.Replace(by, `,"explained_by":"`+r.ExplainedBy+`"`, "", 1)
		}
		if got[check] != by {
			t.Errorf("%s is\n%s\nby Trino, and by DuckDB\n%s", check, got[check], by)
		}
	}
	return outcomes
}

// hive declares files as a table of the Hive catalog.
func hive(t *testing.T, db trinotable.Execer, view model.View, w look.Window) (name string, s facts.Survey) {
	t.Helper()
	l := look.Looker{Store: local.New(), Room: engine.Room{Workers: 2}}
	footers := footersOf(t, l, view, w)
	name = fmt.Sprintf("default.lake_%d_%d", os.Getpid(), tables.Add(1))
	if err := trinotable.Declare(t.Context(), db, "features."+name, footers.Survey); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP TABLE features."+name) })
	return name, footers.Survey
}

// inLake are the cases whose rows are written as tables of Iceberg and Delta by Trino itself.
var inLake = []string{
	"duplicate-keys/bad_across_partitions", "stale-rows/bad", "stale-entities/bad", "shifted-twins/bad", "mixed-zones/bad", "future-rows/bad", "null-keys/bad", "source-lag/bad",
}

// kinds are the catalogs of tables with a log, and how each partitions a table by a column.
var kinds = []struct {
	catalog, partitioned, other string
	cases                       []string
}{
	{"lake", "WITH (partitioning = ARRAY['%s'])", "WITH (partitioning = ARRAY['day(event_time)'])", inLake},
	{"delta", "WITH (partitioned_by = ARRAY['%s'])", "", inLake},
	{"delta", "WITH (partitioned_by = ARRAY['%s'], column_mapping_mode = 'name')", "WITH (column_mapping_mode = 'name')", inLake[:2]},
	{"delta", "WITH (partitioned_by = ARRAY['%s'], column_mapping_mode = 'id')", "WITH (column_mapping_mode = 'id')", inLake[:2]},
}

// TestCasesInTables writes the rows of some cases as tables of Iceberg and Delta by the cluster's own connectors: DuckDB reads them by their
// metadata, and the cluster through its catalog.
func TestCasesInTables(t *testing.T) {
	b, db := newBoth(t), openDatabase(t)
	cases, err := fixtures.Cases()
	if err != nil {
		t.Fatal(err)
	}
	looks := int64(0)
	for _, kind := range kinds {
		for _, name := range kind.cases {
			at := slices.IndexFunc(cases, func(c fixtures.Case) bool { return strings.HasPrefix(c.Name, name) })
			if at < 0 {
				t.Errorf("there is no case %s", name)
				continue
			}
			looks++
			t.Run(kind.catalog+"/"+cases[at].Name, func(t *testing.T) {
				dir := t.TempDir()
				if err := cases[at].Write(dir); err != nil {
					t.Fatal(err)
				}
				view, w := viewOfCase(t, dir, cases[at])
				hiveName, s := hive(t, db, view, w)
				with := kind.other
				if keys := trinotable.Folders(s); len(keys) > 0 && view.TimePartition.Declared() {
					with = fmt.Sprintf(kind.partitioned, keys[0])
				}
				table := kind.catalog + "." + hiveName
				create(t, db, "CREATE TABLE "+table+" "+with+" AS SELECT * FROM features."+hiveName)
				t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP TABLE "+table) })
				view.Path, view.Root, view.Table.Trino = "", "", table
				if told := b.same(t, view, w); told[report.Pass]+told[report.Fail]+told[report.Warn] < 8 {
					t.Errorf("outcomes %v: too few tell anything", told)
				}
				if spent := b.cluster.Cluster.Spent(); spent.Passes["profile"] > looks {
					t.Errorf("%d readings for the profile of %d tables", spent.Passes["profile"], looks)
				}
			})
		}
	}
}

func viewOfCase(t *testing.T, dir string, c fixtures.Case) (model.View, look.Window) {
	t.Helper()
	config := resolved(t, filepath.Join(dir, fixtures.ConfigName))
	w := look.Window{AsOf: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}
	var err error
	if c.AsOf != "" {
		if w.AsOf, err = time.Parse(time.RFC3339, c.AsOf); err != nil {
			t.Fatal(err)
		}
	}
	return config.Views[0], w
}

// TestATableOfIcebergIsReadAsItWasListed: rows that were deleted do not count, nor do those that are written after the files were listed, nor
// older metadata; an older version is read where it is asked for.
func TestATableOfIcebergIsReadAsItWasListed(t *testing.T) {
	s, db := newStore(t, days), openDatabase(t)
	b := newBoth(t)
	name := fmt.Sprintf("lake.default.listed_%d", os.Getpid())
	hiveName := s.declare(db, "features", "timestamp", true)
	create(t, db, "CREATE TABLE "+name+" WITH (partitioning = ARRAY['day(event_time)'], format_version = 2) AS SELECT * FROM "+hiveName)
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP TABLE "+name) })
	var first int64
	if err := db.QueryRowContext(t.Context(), `SELECT snapshot_id FROM `+strings.Replace(name, "listed", `"listed`, 1)+`$snapshots" ORDER BY committed_at DESC LIMIT 1`).Scan(&first); err != nil {
		t.Fatal(err)
	}
	create(t, db, "DELETE FROM "+name+" WHERE \"user\" = 3", "INSERT INTO "+name+" SELECT * FROM "+hiveName+" WHERE \"user\" = 5")
	view, w := s.view, look.Window{AsOf: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)}
	view.Path, view.TimePartition = "", model.TimePartition{}
	view.Table.Trino = name
	if told := b.same(t, view, w); told[report.Pass]+told[report.Fail]+told[report.Warn] < 8 {
		t.Errorf("outcomes %v: too few tell anything", told)
	}
	rows := func(view model.View, between ...string) (int64, []string) {
		l := look.Looker{Store: local.New(), Collector: b.cluster, Room: engine.Room{Workers: 2, Runs: 64 << 20, TempDir: t.TempDir()}, Place: b.cluster.Cluster.Place}
		footers := footersOf(t, l, view, w)
		create(t, db, between...)
		found, err := l.Rows(t.Context(), footers, check.WantsOf(footers.View, footers.Survey, func(string) bool { return true }))
		if err != nil || len(found.Failures) > 0 {
			t.Fatal(err, found.Failures)
		}
		return rowsOf(found)
	}
	// 30 rows, three of them deleted, three written again; then ten more while they are looked at
	if n, unread := rows(view, "INSERT INTO "+name+" SELECT * FROM "+hiveName+" WHERE dt = '2026-11-07'"); n != 30 || len(unread) != 0 {
		t.Errorf("%d rows, unread %q; want 30 and none", n, unread)
	}
	view.Table.Version = &first
	if n, unread := rows(view); n != 30 || len(unread) != 0 {
		t.Errorf("%d rows of the first version, unread %q; want 30 and none", n, unread)
	}
	b.same(t, view, w)
	view.Table.Version = nil
	if n, unread := rows(view); n != 40 || len(unread) != 0 {
		t.Errorf("%d rows, unread %q; want 40 and none", n, unread)
	}
}

// agree: every check has the verdict, the counts and the fingerprints of DuckDB; or it says that it has none; or which files were not read.
func (b both) agree(t *testing.T, view model.View, w look.Window) {
	t.Helper()
	want, got := b.results(t, b.duck, view, w), b.results(t, b.cluster, view, w)
	for check, by := range want {
		var duck, cluster report.Result
		if err := errors.Join(json.Unmarshal([]byte(by), &duck), json.Unmarshal([]byte(got[check]), &cluster)); err != nil {
			t.Fatal(err)
		}
		if silent := cluster.Outcome == report.NotApplicable || cluster.Outcome == report.Error; silent && cluster.Reason != "" || strings.Contains(cluster.Message, "files (unread: ") {
			continue
		}
		// of rows that nothing but their places tells apart, another one may be kept, whose source is told then
		tied := strings.Contains(cluster.Message, "is overstated is unknown")
		if cluster.Outcome != duck.Outcome || cluster.RowsTotal != duck.RowsTotal || cluster.RowsBad != duck.RowsBad || !tied && !reflect.DeepEqual(cluster.Fingerprints, duck.Fingerprints) {
			t.Errorf("%s is\n%s\nby Trino, and by DuckDB\n%s", check, got[check], by)
		}
	}
}

// TestRandomStores holds the cluster to DuckDB on stores that nobody thought of, as Hive tables of the same files.
func TestRandomStores(t *testing.T) {
	b, db := newBoth(t), openDatabase(t)
	first, count := uint64(900), uint64(6)
	if text := os.Getenv("FEATUREAUDIT_TEST_TRINO_SEEDS"); text != "" {
		if _, err := fmt.Sscanf(text, "%d+%d", &first, &count); err != nil {
			t.Fatal(err)
		}
	}
	for seed := first; seed < first+count; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			store, err := fixtures.RandomStore(t.TempDir(), seed)
			if err != nil {
				t.Fatal(err)
			}
			view, w := store.View, look.Window{AsOf: store.AsOf}
			name, _ := hive(t, db, view, w)
			view.Table.Trino = "features." + name
			b.agree(t, view, w)
		})
	}
}
