//go:build trino

package trino_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine/trino"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store/local"
)

// inSession stands before the server, and has the queries of a step, or of all, run in a session of other properties. Of memory that is the
// limit of a node: that of the cluster is looked at once a second, when a small query has ended.
func inSession(t *testing.T, step, properties string) func(*trino.Config) {
	t.Helper()
	at, err := url.Parse(server(t))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(at)
		r.Out.Host = at.Host
		if r.In.Method == http.MethodPost && strings.Contains(r.In.Header.Get("X-Trino-Client-Tags"), step) {
			r.Out.Header.Add("X-Trino-Session", properties)
		}
	}})
	t.Cleanup(front.Close)
	return func(c *trino.Config) { c.URL = front.URL }
}

// TestKeysThatOneQueryHasNoMemoryFor are asked for in parts, by their hash, and are the same keys.
func TestKeysThatOneQueryHasNoMemoryFor(t *testing.T) {
	const columns = "\n    id text | user int64 | event_time naive | ingested_at naive | amount decimal(10,2)\n"
	tables := "-- data/dt=2026-11-07/a.parquet --" + columns + "20x 2026-11-08-a-{i} | {i%50} | 2026-11-07T01:00:00 +1s | 2026-11-07T01:02:00 +1s | 1.00\n"
	for _, part := range []string{"a", "b", "c"} {
		tables += "-- data/dt={day}/" + part + ".parquet for 2026-11-08..2026-11-09 --" + columns + "50000x {day}-" + part + "-{i} | {i%50} | {day}T01:00:00 +1s | {day}T01:02:00 +1s | 1.00\n"
	}
	s := newStore(t, tables)
	s.view.Table.Trino = s.declare(openDatabase(t), "features", "timestamp", true)
	b, w := newBoth(t), look.Window{AsOf: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)}
	b.only = []string{"duplicate-keys", "null-keys", "stale-entities"}
	b.cluster = trino.Collector{Cluster: openCluster(t, inSession(t, "step:keys", "query_max_memory_per_node=12MB")), Store: local.New()}
	if told := b.same(t, s.view, w); told[report.Fail]+told[report.Warn] == 0 {
		t.Errorf("outcomes %v: no key repeats", told)
	}
	queries := map[string]int64{}
	for _, scan := range b.cluster.Cluster.Spent().Scans {
		queries[scan.Step] = scan.Queries
	}
	if queries["keys"] < 2 || queries["entities"] != 1 {
		t.Errorf("queries %v, want several for parts of the keys", queries)
	}
}

// TestEntitiesThatOneQueryHasNoMemoryFor are asked for in parts, by their hash, and so are writers, whether they are the entities or others: what is
// told of both is what a cluster with memory tells, in a first run and in a night that asks for recent entities alone.
func TestEntitiesThatOneQueryHasNoMemoryFor(t *testing.T) {
	const columns = "\n    id text | user int64 | event_time naive | ingested_at naive | amount decimal(10,2)\n"
	tables := ""
	for _, part := range []string{"a", "b", "c"} {
		tables += "-- data/dt={day}/" + part + ".parquet for 2026-11-08..2026-11-09 --" + columns + "30000x {day}-" + part + "-{i} | {i%50} | {day}T01:00:00 +1s | {day}T01:02:00 +1s | 1.00\n"
	}
	s := newStore(t, tables)
	table := s.declare(openDatabase(t), "features", "timestamp", true)
	s.view.Entity, s.view.Key = []string{"id"}, nil
	for name, writer := range map[string][]string{"writers are the entities": nil, "writers are others": {"user"}} {
		t.Run(name, func(t *testing.T) {
			s := s
			s.view.Writer = writer
			plain := s.looked(collectorOf(t), table)
			if e := plain.Collection.Entities; e == nil || e.Judged != 180_000 || e.Stale != 90_000 {
				t.Fatalf("a cluster with memory counts %+v, want 180,000 entities, of which 90,000 are stale; failures %+v", e, plain.Failures)
			}
			dir := filepath.Join(t.TempDir(), "facts")
			for night, want := range []int64{0, 6} {
				cluster := openCluster(t, inSession(t, "step:entities", "query_max_memory_per_node=16MB"))
				found, spent := s.aNightOn(t, cluster, dir, table)
				s.sameAsPlain(t, found, table)
				if !reflect.DeepEqual(found.Collection.Writers, plain.Collection.Writers) || len(plain.Collection.Writers) == 0 {
					t.Errorf("night %d: the sample of writers is another than that of a cluster with memory", night)
				}
				queries := int64(0)
				for _, scan := range spent.Scans {
					if scan.Step == "entities" {
						queries = scan.Queries
					}
				}
				if found.Collection.KnownFiles != want || night == 0 && queries < 8 {
					t.Errorf("night %d: %d files were known, and %d queries asked for entities; want %d, and several for parts", night, found.Collection.KnownFiles, queries, want)
				}
			}
		})
	}
}

// TestAMemoryThatNothingFitsInBlamesNoFile: what the cluster lacks is no fault of the file that it reads.
func TestAMemoryThatNothingFitsInBlamesNoFile(t *testing.T) {
	s := newStore(t, naive(days))
	collector := trino.Collector{Cluster: openCluster(t, inSession(t, "step:", "query_max_memory_per_node=1kB")), Store: local.New()}
	found := s.looked(collector, s.declare(openDatabase(t), "features", "timestamp", true))
	if _, unread := rowsOf(found); len(unread) != 0 || len(found.Failures) != 1 || !strings.Contains(found.Failures[0].Reason, "EXCEEDED_LOCAL_MEMORY_LIMIT") {
		t.Errorf("unread %q, failures %+v; want no file, and one that names the limit", unread, found.Failures)
	}
	if queries := collector.Cluster.Spent().Queries; queries > 8 {
		t.Errorf("%d queries, want no hunt for a file", queries)
	}
}

// TestShortQuestions: where a cluster takes no long questions, rows of repeated keys are asked for in several, and a view whose files do not fit into
// one is an error that says what to do.
func TestShortQuestions(t *testing.T) {
	const columns = "\n    id text | user int64 | event_time naive | ingested_at naive | amount decimal(10,2)\n"
	s := newStore(t, "-- data/dt={day}/a.parquet for 2026-11-08..2026-11-09 --"+columns+"5000x key-{i} | {i} | {day}T01:00:00 +1s | {day}T01:02:00 +1s | 1.00\n")
	table := s.declare(openDatabase(t), "features", "timestamp", true)
	s.view.Table.Trino = table
	b, w := newBoth(t), look.Window{AsOf: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)}
	b.only = []string{"duplicate-keys"}
	if told := b.same(t, s.view, w); told[report.Fail] != 1 {
		t.Errorf("outcomes %v: no key repeats", told)
	}
	for _, scan := range b.cluster.Cluster.Spent().Scans {
		if scan.Step == "rows of keys" && scan.Queries < 2 {
			t.Errorf("%d questions for 5,000 repeated keys, want several: is query.max-length set (make test-trino does)?", scan.Queries)
		}
	}
	small, err := os.ReadFile(filepath.Join(newStore(t, naive(days)).dir, "data", "dt=2026-11-08", "a.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		if err := os.WriteFile(filepath.Join(s.dir, "data", "dt=2026-11-08", fmt.Sprintf("b-%d.parquet", i)), small, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := s.looked(collectorOf(t), table)
	if len(found.Failures) != 1 || !strings.Contains(found.Failures[0].Reason, "set query.max-length of the coordinator higher") {
		t.Errorf("failures %+v, want one that says what to do", found.Failures)
	}
}

// TestTheFolderOfATable is where nothing else may be kept.
func TestTheFolderOfATable(t *testing.T) {
	s, db := newStore(t, days), openDatabase(t)
	text, dir := s.declare(db, "features", "timestamp", true), t.TempDir()
	create(t, db, fmt.Sprintf("CREATE TABLE delta.default.folder_%d WITH (location = 'local://%s/delta') AS SELECT * FROM %s", os.Getpid(), dir, text),
		fmt.Sprintf("CREATE TABLE lake.default.folder_%d WITH (location = 'local://%s/lake') AS SELECT * FROM %s", os.Getpid(), dir, text),
		fmt.Sprintf("CREATE TABLE features.default.folder_%d WITH (format = 'PARQUET') AS SELECT id, amount FROM %s", os.Getpid(), text))
	name := fmt.Sprintf(".default.folder_%d", os.Getpid())
	managed := filepath.Join(os.Getenv("FEATUREAUDIT_TEST_TRINO_HOME"), "metastore", "hive", "default", fmt.Sprintf("folder_%d", os.Getpid()))
	for table, want := range map[string]string{text: s.dir + "/data", "delta" + name: dir + "/delta", "lake" + name: dir + "/lake", "features" + name: managed} {
		view := s.view
		view.Table.Trino = table
		if got, err := openCluster(t, nil).Folder(t.Context(), view); err != nil || got != want {
			t.Errorf("the folder of %s is %q, %v; want %q", table, got, err, want)
		}
		if table != text {
			create(t, db, "DROP TABLE "+table)
		}
	}
}

// TestAViewOfFiveHundredColumns: repeats are compared in all of them.
func TestAViewOfFiveHundredColumns(t *testing.T) {
	names, cells, declared := "id text | user int64 | event_time naive | ingested_at naive | amount decimal(10,2)", "", ""
	for i := range 500 {
		names += fmt.Sprintf(" | c%d %s", i, []string{"int64", "text", "float64", "timestamp"}[i%4])
		cells += " | " + []string{"7", "seven", "0.5", "2026-11-01T00:00:00Z"}[i%4]
		declared += fmt.Sprintf("c%d %s, ", i, []string{"bigint", "varchar", "double", "timestamp(6)"}[i%4])
	}
	row := "10x key-{i} | {i} | {day}T01:00:00 +97s | {day}T01:01:00 +97s | 1.00" + cells + "\n"
	s := newStore(t, "-- data/dt={day}/a.parquet for 2026-11-08..2026-11-09 --\n    "+names+"\n"+row)
	s.view.Table.Trino = s.declare(openDatabase(t), "features", "timestamp", true, strings.NewReplacer("dt varchar", declared+"dt varchar"))
	b, w := newBoth(t), look.Window{AsOf: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)}
	if told := b.same(t, s.view, w); told[report.Fail]+told[report.Warn] == 0 {
		t.Errorf("outcomes %v: no key repeats", told)
	}
}
