//go:build trino

package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/trinodb/trino-go-client/trino" // the driver of the cluster that tests prepare

	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// clusterWorld is a table of a real Trino, which a config names, and a folder of kept facts.
type clusterWorld struct {
	t      *testing.T
	db     *sql.DB
	dir    string
	config string
	// table is in the schema default of its catalog.
	table string
}

// newClusterWorld makes a table of some kind with the rows of six days: Hive, Iceberg or Delta. That of Hive is a managed one, which names no folder.
func newClusterWorld(t *testing.T, catalog string) *clusterWorld {
	t.Helper()
	url := os.Getenv("FEATUREAUDIT_TEST_TRINO")
	if url == "" {
		t.Fatal("FEATUREAUDIT_TEST_TRINO is not set: run make test-trino, which starts a server")
	}
	db, err := sql.Open("trino", "http://tests@"+url[len("http://"):]+"?timezone=UTC")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &clusterWorld{t: t, db: db, dir: t.TempDir()}
	w.do("CREATE SCHEMA IF NOT EXISTS " + catalog + ".default")
	w.table = fmt.Sprintf("%s.default.%s_%d", catalog, strings.ToLower(strings.ReplaceAll(t.Name(), "/", "_")), os.Getpid())
	with := map[string]string{"features": "format = 'PARQUET', partitioned_by", "lake": "partitioning", "delta": "partitioned_by"}[catalog]
	w.do("CREATE TABLE " + w.table + " WITH (" + with + " = ARRAY['dt']) AS " + days(1, 6))
	t.Cleanup(func() { _, _ = db.Exec("DROP TABLE " + w.table) })
	w.config = filepath.Join(w.dir, "featureaudit.yaml")
	text := "version: 1\nengine: {trino: {url: " + url + "}}\nviews:\n  v: {table: " + w.table + ", event_time: event_time, ingested_at: ingested_at, zone: UTC, source: source, entity: [user], key: [id], " +
		"measures: [amount], ttl: 2d, time_partition: {column: dt}, checks: {rewritten-partitions: {severity: \"off\"}}}\n"
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// days are the rows of some days of November: a thousand a day, of which each seventieth repeats one of the day before.
func days(first, last int) string {
	return fmt.Sprintf(`SELECT if(i %% 70 = 3, d - 1, d) * 10000 + i AS id, i %% 97 AS "user", at AS event_time, date_add('minute', 3 + i %% 5, at) AS ingested_at,
  CAST(if(i %% 2 = 0, 'batch', 'stream') AS varchar) AS source, CAST(i %% 1000 AS decimal(10,2)) AS amount, format('2026-11-%%02d', d) AS dt
FROM (SELECT d, i, date_add('second', CAST(i * 83 AS integer), date_add('day', CAST(d - 1 AS integer), TIMESTAMP '2026-11-01 00:00:07.123456')) AS at
  FROM UNNEST(sequence(BIGINT '%d', BIGINT '%d')) a(d) CROSS JOIN UNNEST(sequence(BIGINT '0', BIGINT '999')) b(i))`, first, last)
}

func (w *clusterWorld) do(statement string) {
	w.t.Helper()
	if _, err := w.db.ExecContext(w.t.Context(), statement); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// run is the program's command line of a run of the world as of the 10th.
func (w *clusterWorld) run(more ...string) []string {
	return append([]string{"run", "--config", w.config, "--as-of", "2026-11-10T00:00:00Z", "--fail-on", "never", "--summary", "none"}, more...)
}

// report is what a run says, but for its execution, and how many files were known and read.
func (w *clusterWorld) report(more ...string) (text string, known, read float64) {
	w.t.Helper()
	out := filepath.Join(w.t.TempDir(), "report.json")
	w.execute(0, w.run(append(more, "--out", "json="+out)...)...)
	raw, err := os.ReadFile(out)
	if err != nil {
		w.t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(raw, &r); err != nil {
		w.t.Fatal(err)
	}
	execution, _ := r["execution"].(map[string]any)
	known, _ = execution["files_known"].(float64)
	read, _ = execution["files_read"].(float64)
	for _, name := range []string{"execution", "id", "summary"} {
		delete(r, name)
	}
	indented, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		w.t.Fatal(err)
	}
	return string(indented), known, read
}

func (w *clusterWorld) execute(want int, args ...string) string {
	w.t.Helper()
	cmd := program(w.t, args...)
	printed, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != want {
		w.t.Fatalf("featureaudit %q: exit %d, want %d (%v)\n%s", args, code, want, err, printed)
	}
	return string(printed)
}

// TestTrinoFactsInABucket keeps what a cluster said in a bucket, of tables of Hive and Iceberg: a first night, one with a new partition, one with
// nothing new, one with changed rows, and two runs at once. Each report is that of a run without facts.
func TestTrinoFactsInABucket(t *testing.T) {
	bucket, _ := objectstore.S3Bucket(t, "facts")
	for _, catalog := range []string{"features", "lake"} { // Trino writes no Delta table twice on a disk
		t.Run(catalog, func(t *testing.T) {
			w := newClusterWorld(t, catalog)
			facts := bucket + "/nights/" + catalog
			night := func(name string, files, fresh float64) {
				t.Helper()
				want, _, _ := w.report()
				got, known, read := w.report("--facts", facts)
				if got != want {
					t.Errorf("%s: the report with facts is another: %s", name, difference(want, got))
				}
				if known != files-fresh || known+read != files {
					t.Errorf("%s: %v files are known and %v read, want %v and %v", name, known, read, files-fresh, fresh)
				}
			}
			night("the first night", 6, 6)
			w.do("INSERT INTO " + w.table + " " + days(7, 7))
			night("a new partition", 7, 1)
			night("nothing new", 7, 0)
			if catalog == "features" { // a table of Hive loses a partition as a whole
				w.do("DELETE FROM " + w.table + " WHERE dt = '2026-11-04'")
				w.do("INSERT INTO " + w.table + " " + days(4, 4) + " WHERE i % 10 < 8")
			} else {
				w.do("DELETE FROM " + w.table + " WHERE dt = '2026-11-04' AND id % 10 > 7")
			}
			night("a changed file", 7, 1)

			w.do("INSERT INTO " + w.table + " " + days(8, 8))
			want, _, _ := w.report()
			var running sync.WaitGroup
			for range 2 {
				running.Go(func() {
					if printed, err := program(t, w.run("--facts", facts)...).CombinedOutput(); err != nil {
						t.Errorf("one of two runs at once: %v\n%s", err, printed)
					}
				})
			}
			running.Wait()
			if got, known, read := w.report("--facts", facts); got != want || known != 8 || read != 0 {
				t.Errorf("after two runs at once %v files are known and %v read, want 8 and none: %s", known, read, difference(want, got))
			}
			if printed := w.execute(0, "facts", "check", facts); strings.Contains(printed, "not sound") {
				t.Errorf("facts check prints\n%s", printed)
			}
		})
	}
}

// difference is the first line in which two texts differ.
func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + " | " + y[i]
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}

// TestTrinoFactsInTheFolderOfATable refuses a folder of facts in that of any table of the config that the cluster knows, whichever view has it and
// whichever are selected; a table that it does not know hides none of the others.
func TestTrinoFactsInTheFolderOfATable(t *testing.T) {
	w := newClusterWorld(t, "features")
	own := map[string]string{}
	views := ""
	for _, catalog := range []string{"features", "lake", "delta"} {
		name := fmt.Sprintf("%s.default.folder_%d", catalog, os.Getpid())
		own[catalog] = filepath.Join(w.dir, catalog)
		columns, with := "event_time, id", "location = 'local://"+own[catalog]+"'"
		if catalog == "features" {
			if err := os.MkdirAll(own[catalog], 0o755); err != nil {
				t.Fatal(err)
			}
			w.do("CREATE TABLE " + name + " (event_time timestamp(6), id bigint) WITH (format = 'PARQUET', external_location = 'local://" + own[catalog] + "')")
		} else {
			w.do("CREATE TABLE " + name + " WITH (" + with + ") AS SELECT " + columns + " FROM " + w.table)
		}
		t.Cleanup(func() { _, _ = w.db.Exec("DROP TABLE " + name) })
		views += "  of_" + catalog + ": {table: " + name + ", event_time: event_time, zone: UTC, key: [id], ttl: 2d}\n"
	}
	raw, err := os.ReadFile(w.config)
	if err != nil {
		t.Fatal(err)
	}
	// the first view's table is one that the cluster does not know
	text := strings.Replace(string(raw), "  v: {", "  a_gone: {table: features.default.no_such_table, event_time: event_time, zone: UTC, key: [id], ttl: 2d}\n  v: {", 1) + views
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, catalog := range []string{"features", "lake", "delta"} {
		for _, more := range [][]string{nil, {"--view", "v"}, {"--view", "of_" + catalog}} {
			facts := filepath.Join(own[catalog], "kept")
			printed := w.execute(2, w.run(append(more, "--facts", facts)...)...)
			want := fmt.Sprintf("--facts %s: it lies in the folder of the table %s.default.folder_%d of view of_%s: choose another folder", facts, catalog, os.Getpid(), catalog)
			if !strings.Contains(printed, want) {
				t.Errorf("with %q is printed\n%s\nwant %q", more, printed, want)
			}
			if _, err := os.Stat(facts); !os.IsNotExist(err) {
				t.Errorf("with %q something was written to %s: %v", more, facts, err)
			}
		}
	}
	// beside the tables facts are kept, and the view whose table is unknown is an error of its own
	beside := filepath.Join(w.dir, "features-kept")
	printed := w.execute(0, w.run("--view", "a_gone", "--facts", beside)...)
	if strings.Contains(printed, "choose another folder") {
		t.Errorf("facts beside the tables are refused:\n%s", printed)
	}
	w.execute(0, w.run("--view", "v", "--facts", beside)...)
	if packs, err := filepath.Glob(filepath.Join(beside, "packs", "*")); err != nil || len(packs) != 1 {
		t.Errorf("%d packs are kept beside the tables, %v, want one", len(packs), err)
	}
}

// TestTrinoNamesNoRows: what names rows by their numbers in files is refused before the cluster is asked for any.
func TestTrinoNamesNoRows(t *testing.T) {
	w := newClusterWorld(t, "features")
	for _, format := range []string{"rows", "duplicates"} {
		out := filepath.Join(w.dir, format+".parquet")
		printed := w.execute(2, w.run("--out", format+"="+out)...)
		if want := "--out duplicates and --out rows name rows by their numbers in files, which Trino does not know: run that with --engine duckdb"; !strings.Contains(printed, want) {
			t.Errorf("--out %s prints\n%s\nwant %q", format, printed, want)
		}
		if _, err := os.Stat(out); !os.IsNotExist(err) {
			t.Errorf("--out %s wrote %s: %v", format, out, err)
		}
	}
}
