//go:build trino

package trino_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/trino"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures"
)

// store is a small store of three days in plain words, with what a test adds to it.
type store struct {
	t    *testing.T
	dir  string
	view model.View
}

const plainColumns = "id text | user int64 | event_time timestamp | ingested_at timestamp | amount decimal(10,2)"

func newStore(t *testing.T, tables string) store {
	t.Helper()
	text := "as_of: 2026-11-10T00:00:00Z\n-- featureaudit.yaml --\nversion: 1\nviews:\n  v: {path: data/**/*.parquet, event_time: event_time, ingested_at: ingested_at, entity: [user], key: [id], ttl: 1d}\n" +
		tables + "-- want --\nnull-keys: pass\n"
	c, err := fixtures.ParseCase("fixtures/cases/null-keys/ok_made_here.txtar", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := store{t: t, dir: t.TempDir()}
	if err := c.Write(s.dir); err != nil {
		t.Fatal(err)
	}
	s.view = resolved(t, filepath.Join(s.dir, fixtures.ConfigName)).Views[0]
	return s
}

func resolved(t *testing.T, config string) policy.Policy {
	t.Helper()
	file, err := policy.Load(config)
	if err != nil {
		t.Fatal(err)
	}
	made, err := file.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// days has ten rows in each of three days; the microseconds of the event times are no whole milliseconds.
const days = "-- data/dt={day}/a.parquet for 2026-11-07..2026-11-09 --\n    " + plainColumns + "\n10x {day}-{i} | {i} | {day}T01:00:00.123456Z +97s | {day}T01:01:00.654321Z +97s | 1.00 +1.00\n"

// naive are the same rows with times that a clock on the wall shows, which no catalog shifts.
func naive(tables string) string {
	return strings.NewReplacer("event_time timestamp", "event_time naive", "ingested_at timestamp", "ingested_at naive", "Z +97s", " +97s").Replace(tables)
}

// create runs statements on the server.
func create(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// declare makes a partitioned table of the store's columns in a catalog, and registers its partitions if it is told to.
func (s store) declare(db *sql.DB, catalog, event string, sync bool, other ...*strings.Replacer) string {
	s.t.Helper()
	table := fmt.Sprintf("trap_%d_%d", os.Getpid(), tables.Add(1))
	precision := "6"
	if catalog == "newyork" {
		precision = "3"
	}
	event = strings.ReplaceAll(event, "timestamp", "timestamp("+precision+")")
	text := fmt.Sprintf("CREATE TABLE %s.default.%s (id varchar, \"user\" bigint, event_time %s, ingested_at timestamp(%s), amount decimal(10,2), dt varchar) WITH (partitioned_by = ARRAY['dt'], external_location = 'local://%s/data', format = 'PARQUET')",
		catalog, table, event, precision, s.dir)
	for _, change := range other {
		text = change.Replace(text)
	}
	create(s.t, db, text)
	if sync {
		create(s.t, db, fmt.Sprintf("CALL %s.system.sync_partition_metadata('default', '%s', 'ADD')", catalog, table))
	}
	s.t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP TABLE "+catalog+".default."+table) })
	return catalog + ".default." + table
}

// looked looks at the view by a table.
func (s store) looked(collector trino.Collector, table string) facts.Evidence {
	s.t.Helper()
	return s.lookedBy(collector, table)
}

// lookedBy looks at the view by a table, or without one.
func (s store) lookedBy(collector engine.Collector, table string) facts.Evidence {
	s.t.Helper()
	view := s.view
	view.Table.Trino = table
	l := look.Looker{Store: local.New(), Collector: collector, Room: engine.Room{Workers: 2, Runs: 64 << 20, TempDir: s.t.TempDir()}}
	if c, is := collector.(trino.Collector); is {
		l.Place = c.Cluster.Place
	}
	plan, err := l.Plan(s.t.Context(), view, look.Window{AsOf: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		s.t.Fatal(err)
	}
	footers, err := l.Footers(s.t.Context(), plan)
	if err != nil {
		s.t.Fatal(err)
	}
	found, err := l.Rows(s.t.Context(), footers, check.WantsOf(footers.View, footers.Survey, func(string) bool { return true }))
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

func collectorOf(t *testing.T) trino.Collector {
	return trino.Collector{Cluster: openCluster(t, nil), Store: local.New()}
}

// rowsOf counts the rows that were looked at, and unread are the problems of files, by their paths.
func rowsOf(e facts.Evidence) (rows int64, unread []string) {
	for _, s := range e.Collection.Slices {
		rows += s.Rows
	}
	for id, problem := range e.Collection.Unread {
		unread = append(unread, e.Survey.Files[id].Path+": "+problem.Message)
	}
	slices.Sort(unread)
	return rows, unread
}

// TestMicrosecondsOfACatalogOfMilliseconds: a Hive catalog rounds to milliseconds unless it is asked for more.
func TestMicrosecondsOfACatalogOfMilliseconds(t *testing.T) {
	s := newStore(t, naive(days))
	found := s.looked(collectorOf(t), s.declare(openDatabase(t), "newyork", "timestamp", true))
	if len(found.Collection.Slices) != 3 {
		t.Errorf("%d slices, want 3; failures %+v", len(found.Collection.Slices), found.Failures)
	}
	for _, slice := range found.Collection.Slices {
		if slice.EventMin%1000 != 456 || slice.IngestedMin%1000 != 321 {
			t.Errorf("%s: events from %d, ingested from %d: want microseconds that end in 456 and 321", found.Survey.Files[slice.File].Path, slice.EventMin, slice.IngestedMin)
		}
	}
}

// TestAPartitionThatIsNotRegistered looks like no data to the cluster.
func TestAPartitionThatIsNotRegistered(t *testing.T) {
	s := newStore(t, days)
	rows, unread := rowsOf(s.looked(collectorOf(t), s.declare(openDatabase(t), "features", "timestamp", false)))
	if rows != 0 || len(unread) != 3 || !strings.Contains(unread[0], "dt=2026-11-07/a.parquet: the table ") || !strings.Contains(unread[0], "its partition may not be registered") {
		t.Errorf("%d rows, unread %q; want no row, and three files that the table does not show", rows, unread)
	}
}

// TestAFolderInsideOfAPartition is not read by a catalog that is not told to.
func TestAFolderInsideOfAPartition(t *testing.T) {
	s := newStore(t, naive(days)+strings.ReplaceAll(naive(days), "/a.parquet for 2026-11-07..2026-11-09", "/late/b.parquet for 2026-11-08"))
	rows, unread := rowsOf(s.looked(collectorOf(t), s.declare(openDatabase(t), "newyork", "timestamp", true)))
	if rows != 30 || len(unread) != 1 || !strings.Contains(unread[0], "dt=2026-11-08/late/b.parquet: the table ") || !strings.Contains(unread[0], "hive.recursive-directories") {
		t.Errorf("%d rows, unread %q; want 30, and the file in the folder", rows, unread)
	}
}

// TestACatalogThatShiftsTimes: hive.parquet.time-zone moves instants by hours, and the footers tell.
func TestACatalogThatShiftsTimes(t *testing.T) {
	s := newStore(t, days)
	found := s.looked(collectorOf(t), s.declare(openDatabase(t), "newyork", "timestamp", true))
	if len(found.Failures) != 1 || !strings.Contains(found.Failures[0].Reason, "the catalog shifts times; set hive.parquet.time-zone=UTC") {
		t.Errorf("failures %+v, want one that says that the catalog shifts times", found.Failures)
	}
}

// TestTheTableDecidesTypes: a timestamp that is declared as bigint would be read as a number without a word.
func TestTheTableDecidesTypes(t *testing.T) {
	s := newStore(t, days)
	found := s.looked(collectorOf(t), s.declare(openDatabase(t), "features", "bigint", true))
	if got := found.Collection.RoleProblems["event_time"]; !strings.Contains(got, `declares column "event_time" as bigint, and files hold TIMESTAMP(us, UTC)`) {
		t.Errorf("the problem of event_time is %q, want one that names both types", got)
	}
}

// TestABadFileIsNamedAndTheOthersCount: one bad file fails a whole query of the cluster.
func TestABadFileIsNamedAndTheOthersCount(t *testing.T) {
	s := newStore(t, days)
	name := filepath.Join(s.dir, "data", "dt=2026-11-08", "a.parquet")
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4; i < len(raw)/3; i++ {
		raw[i] ^= 0x5a
	}
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	found := s.looked(collectorOf(t), s.declare(openDatabase(t), "features", "timestamp", true))
	rows, unread := rowsOf(found)
	if rows != 20 || len(unread) != 1 || !strings.HasPrefix(unread[0], "dt=2026-11-08/a.parquet: ") {
		t.Errorf("%d rows, unread %q, failures %+v; want 20 rows, and the bad file", rows, unread, found.Failures)
	}
}

// TestAFileThatThePathDoesNotList is of the table all the same.
func TestAFileThatThePathDoesNotList(t *testing.T) {
	s := newStore(t, days)
	s.view.Path = "data/dt=2026-11-0[78]/*.parquet"
	s.view.TimePartition = model.TimePartition{}
	found := s.looked(collectorOf(t), s.declare(openDatabase(t), "features", "timestamp", true))
	if len(found.Failures) != 1 || !strings.Contains(found.Failures[0].Reason, "has 1 files that the view's path") || !strings.Contains(found.Failures[0].Reason, "dt=2026-11-09/a.parquet") {
		t.Errorf("failures %+v, want one that names the file of the third day", found.Failures)
	}
}

// TestATableAloneIsEnough: without a path, the files are those below the table's own folder.
func TestATableAloneIsEnough(t *testing.T) {
	s := newStore(t, days)
	s.view.Path = ""
	source, db := fmt.Sprintf("featureaudit-passes-%d", os.Getpid()), openDatabase(t)
	collector := trino.Collector{Cluster: openCluster(t, func(c *trino.Config) { c.Source = source }), Store: local.New()}
	rows, unread := rowsOf(s.looked(collector, s.declare(db, "features", "timestamp", true)))
	if rows != 30 || len(unread) != 0 {
		t.Errorf("%d rows, unread %q; want 30 and none", rows, unread)
	}
	spent := collector.Cluster.Spent()
	for step, passes := range spent.Passes {
		if passes != 1 {
			t.Errorf("%d readings for %s, want 1", passes, step)
		}
	}
	if len(spent.Passes) != 3 {
		t.Errorf("readings %v, want profile, entities and keys", spent.Passes)
	}
	var reading int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM system.runtime.queries WHERE source = '"+source+"' AND query LIKE 'WITH %'").Scan(&reading); err != nil {
		t.Fatal(err)
	}
	if reading != 3 {
		t.Errorf("the server lists %d queries that read rows for all checks, want 3", reading)
	}
}

// TestTextsThatTheTableCuts: a table that declares texts shorter than they are shows other texts, and keys that do not repeat would.
func TestTextsThatTheTableCuts(t *testing.T) {
	s, db := newStore(t, days), openDatabase(t)
	for kind, want := range map[string]string{
		"varchar(8)":  `declares column "id" as varchar(8), and rows have texts of that length: Trino cuts longer ones`,
		"char(20)":    `declares column "id" as char(20), which Trino fills up with spaces`,
		"varchar(40)": "",
	} {
		table := s.declare(db, "features", "timestamp", true, strings.NewReplacer("id varchar", "id "+kind))
		found := s.looked(collectorOf(t), table)
		problem := found.Collection.RoleProblems["key"]
		for _, f := range found.Failures {
			problem += f.Reason
		}
		if want == "" && problem != "" || !strings.Contains(problem, want) {
			t.Errorf("%s: problem %q, want %q", kind, problem, want)
		}
	}
}

// TestWhatLiesAfterTheRangeIsNotRead: a condition on the partitions' column keeps the cluster from opening their files, whatever its type, and an
// Iceberg table's files are left out by name.
func TestWhatLiesAfterTheRangeIsNotRead(t *testing.T) {
	s, db := newStore(t, days), openDatabase(t)
	lake := fmt.Sprintf("lake.default.range_%d", os.Getpid())
	text := s.declare(db, "features", "timestamp", true)
	create(t, db, "CREATE TABLE "+lake+" WITH (partitioning = ARRAY['dt']) AS SELECT * FROM "+text)
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP TABLE "+lake) })
	numbers := newStore(t, strings.ReplaceAll(days, "dt={day}", "year={yyyy}/month={mm}/day={dd}"))
	byNumbers := numbers.declare(db, "features", "timestamp", true, strings.NewReplacer("dt varchar", "year integer, month integer, day integer", "ARRAY['dt']", "ARRAY['year', 'month', 'day']"))
	for name, table := range map[string]string{"numbers": byNumbers, "text": text, "date": s.declare(db, "features", "timestamp", true, strings.NewReplacer("dt varchar", "dt date")), "Iceberg": lake} {
		collector := collectorOf(t)
		view := s.view
		switch table {
		case byNumbers:
			view = numbers.view
		case lake:
			view.Path = ""
		}
		view.Table.Trino = table
		l := look.Looker{Store: local.New(), Collector: collector, Room: engine.Room{Workers: 2, Runs: 64 << 20, TempDir: t.TempDir()}, Place: collector.Cluster.Place}
		read, wanted := map[string]int64{}, map[string]int64{"2026-11-08": 20, "2026-11-09": 30}
		for _, last := range []string{"2026-11-08", "2026-11-09"} {
			asOf, err := time.Parse(time.DateOnly, last)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := l.Plan(t.Context(), view, look.Window{AsOf: asOf.AddDate(0, 0, 1), Range: partition.Range{From: "2026-11-07", To: last}})
			if err != nil {
				t.Fatal(err)
			}
			footers, err := l.Footers(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			before := collector.Cluster.Spent()
			found, err := l.Rows(t.Context(), footers, facts.WantRows|facts.WantKeys|facts.WantEntities)
			if rows, unread := rowsOf(found); err != nil || rows != wanted[last] || len(unread) != 0 {
				t.Errorf("%s, to %s: %d rows, unread %q, %v; failures %+v", name, last, rows, unread, err, found.Failures)
			}
			read[last] = collector.Cluster.Spent().ReadBytes - before.ReadBytes
		}
		if share := float64(read["2026-11-08"]) / float64(read["2026-11-09"]); share < 0.6 || share > 0.73 {
			t.Errorf("%s: two of three days took %v, want two thirds", name, read)
		}
	}
}

// TestWhatLiesBeforeTheRangeIsNotReadInVain: where no selected check rests on rows before a range, the cluster lists no partition of then, and every
// result is that of DuckDB with the same range. Where one does, all rows are read.
func TestWhatLiesBeforeTheRangeIsNotReadInVain(t *testing.T) {
	// rows without a key or a time, and some of another day, lie in each partition
	odd := "null | 1 | {day}T02:00:00 | {day}T02:01:00 | 1.00\n{day}-a | 1 | null | {day}T02:01:00 | 1.00\n{day}-b | 1 | 2026-10-01T01:00:00 | 2026-10-01T01:01:00 | 1.00\n"
	s, db := newStore(t, naive(days+odd)), openDatabase(t)
	s.view.TimePartition = model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}
	text := s.declare(db, "features", "timestamp", true)
	tables := map[string]string{"Hive": text, "date": s.declare(db, "features", "timestamp", true, strings.NewReplacer("dt varchar", "dt date"))}
	for name, made := range map[string]string{"Iceberg": "lake.default.before_%d WITH (partitioning = ARRAY['dt'])", "Delta": "delta.default.before_%d WITH (partitioned_by = ARRAY['dt'])"} {
		made = fmt.Sprintf(made, os.Getpid())
		tables[name], _, _ = strings.Cut(made, " ")
		create(t, db, "CREATE TABLE "+made+" AS SELECT * FROM "+text)
		t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP TABLE "+tables[name]) })
	}
	alone := []string{"null-keys", "null-event-time", "future-rows", "misfiled-rows", "source-lag", "stale-rows"}
	w := look.Window{AsOf: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC), Range: partition.Range{From: "2026-11-09", To: "2026-11-09"}}
	for name, table := range tables {
		t.Run(name, func(t *testing.T) {
			read := map[bool]int64{}
			for _, whole := range []bool{false, true} {
				b := newBoth(t)
				b.only = alone
				if whole {
					b.only = append(slices.Clone(alone), "stale-view", "duplicate-keys", "stale-entities")
				}
				view := s.view
				if view.Table.Trino = table; name == "Iceberg" || name == "Delta" {
					view.Path = ""
				}
				if told := b.same(t, view, w); told[report.Fail]+told[report.Warn] < 3 {
					t.Errorf("outcomes %v: too few tell anything", told)
				}
				l := look.Looker{Store: local.New(), Collector: b.cluster, Room: engine.Room{Workers: 2, Runs: 64 << 20, TempDir: t.TempDir()}, Place: b.cluster.Cluster.Place}
				footers := footersOf(t, l, view, w)
				order := engine.Order{View: footers.View, Survey: footers.Survey, AsOf: times.Instant(w.AsOf.UnixMicro()), Wants: check.WantsOf(footers.View, footers.Survey, b.selected)}
				plan, err := b.cluster.Plan(t.Context(), order)
				if err != nil || len(plan) == 0 {
					t.Fatal(plan, err)
				}
				for _, p := range plan {
					if want := map[bool]int{false: 1, true: 3}[whole]; p.Files != want || strings.Contains(string(p.Reads), "2026-11-08") != whole && !strings.Contains(table, ".before_") {
						t.Errorf("%s would read %d files, want %d, and the cluster explains %s", p.Step, p.Files, want, p.Reads)
					}
				}
				for _, scan := range b.cluster.Cluster.Spent().Scans {
					if scan.Step == "profile" {
						read[whole] = scan.ReadBytes
					}
				}
			}
			if share := float64(read[false]) / float64(read[true]); share < 0.25 || share > 0.45 {
				t.Errorf("the profile of one of three days read %v bytes (by whether all rows were wanted), want a third", read)
			}
		})
	}
}

// TestASampleOfTwoSources: of more rows than a sample holds, rows say of which source they are, and a writer of the sample has its rows of each.
func TestASampleOfTwoSources(t *testing.T) {
	const columns = "\n    id text | user int64 | event_time timestamp | ingested_at timestamp | amount decimal(10,2) | source text\n"
	row := func(source, lag string) string {
		return "15000x {day}-" + source + "-{i} | {i%3000} | {day}T01:00:00Z +1s | {day}T01:0" + lag + ":00Z +1s | 1.00 | " + source + "\n"
	}
	s := newStore(t, "-- data/dt={day}/a.parquet for 2026-11-08..2026-11-09 --"+columns+row("batch", "2")+"-- data/dt={day}/b.parquet for 2026-11-08..2026-11-09 --"+columns+row("stream", "1"))
	s.view.Source = model.SourceColumn{Column: "source"}
	table := s.declare(openDatabase(t), "features", "timestamp", true, strings.NewReplacer("dt varchar", "source varchar, dt varchar"))
	found := s.looked(collectorOf(t), table)
	if rows, unread := rowsOf(found); rows != 60_000 || len(unread) != 0 {
		t.Fatalf("%d rows, unread %q, failures %+v; want 60,000 and none", rows, unread, found.Failures)
	}
	writers := map[string]map[uint64]int{}
	for source, lag := range map[string]int64{"batch": 2, "stream": 1} {
		sample := found.Collection.Writers[source]
		if sample == nil || len(sample.Rows) < 1000 {
			t.Fatalf("source %s has no sample of a thousand rows: %+v", source, sample)
		}
		writers[source] = map[uint64]int{}
		for _, r := range sample.Rows {
			writers[source][r.Writer]++
			if path := found.Survey.Files[r.File].Path; (lag == 2) != strings.HasSuffix(path, "a.parquet") {
				t.Fatalf("a row of %s is of file %s", source, path)
			}
		}
	}
	if len(writers["batch"]) != len(writers["stream"]) || len(writers["batch"]) < 100 {
		t.Errorf("%d writers of batch and %d of stream, want the same hundreds", len(writers["batch"]), len(writers["stream"]))
	}
	for writer, rows := range writers["batch"] {
		if rows != 10 || writers["stream"][writer] != 10 {
			t.Fatalf("writer %x has %d and %d rows, want all ten of each source", writer, rows, writers["stream"][writer])
		}
	}
}
