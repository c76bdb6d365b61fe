//go:build trino

package trino_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/trinotable"
)

// written is a view of one file with these columns.
func written(t *testing.T, columns ...fixtures.Column) (model.View, look.Window) {
	t.Helper()
	dir := t.TempDir()
	if err := fixtures.Write(filepath.Join(dir, "data", "a.parquet"), fixtures.Table{Columns: columns}, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, fixtures.ConfigName)
	text := "version: 1\nviews:\n  v: {path: data/*.parquet, event_time: event_time, ingested_at: ingested_at, zone: UTC, entity: [user], key: [id], ttl: 1d}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return resolved(t, config).Views[0], look.Window{AsOf: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)}
}

// TestLagsOfLessThanAMillisecondCount: date_diff of Trino counts whole minutes where that of DuckDB counts boundaries, and in milliseconds it cuts
// both sides first; a catalog rounds nanoseconds. Each lag stands here in the bin that its microseconds say, whatever the files' times are.
func TestLagsOfLessThanAMillisecondCount(t *testing.T) {
	const second, minute = times.Second, times.Minute
	lags := []times.Span{-2*minute - 1, -2 * minute, -second - 1, -second, -second + 1, -1000, -1, 0, 1, 999, 1000, second - 1, second, second + 1, minute - 1, minute, minute + 1,
		15*minute - 1, 15 * minute, 16*minute - 1, 16 * minute, 27*60*minute - 1, 27 * 60 * minute, 100 * 60 * minute, 1000 * 60 * minute}
	want, least := map[int32]int64{}, times.Instant(0)
	rows := map[string][]any{}
	for i, lag := range lags {
		want[facts.LagBin(lag)]++
		at := times.Instant(time.Date(2026, 9, 1, 0, 0, 59, 999_000_000, time.UTC).UnixMicro() + int64(i)*60_000_331 + 499)
		if i == 0 {
			least = at
		}
		// a catalog that rounds nanoseconds makes another microsecond of one of both
		rows["event_time"] = append(rows["event_time"], at.Time().Add(789*time.Nanosecond))
		rows["ingested_at"] = append(rows["ingested_at"], at.Add(lag).Time().Add(211*time.Nanosecond))
		rows["user"], rows["id"] = append(rows["user"], i), append(rows["id"], fmt.Sprint(i))
	}
	b, db := newBoth(t), openDatabase(t)
	for name, kind := range map[string]fixtures.Type{
		"local, microseconds": fixtures.NaiveType, "instants, microseconds": fixtures.AwareType, "of 96 bits": fixtures.Int96Type,
		"local, nanoseconds": {Kind: fixtures.Timestamp, Unit: "ns"}, "instants, nanoseconds": {Kind: fixtures.Timestamp, Unit: "ns", UTC: true},
	} {
		t.Run(name, func(t *testing.T) {
			view, w := written(t, fixtures.Column{Name: "id", Type: fixtures.TextType, Values: rows["id"]}, fixtures.Column{Name: "user", Type: fixtures.Int64Type, Values: rows["user"]},
				fixtures.Column{Name: "event_time", Type: kind, Values: rows["event_time"]}, fixtures.Column{Name: "ingested_at", Type: kind, Values: rows["ingested_at"]})
			table, _ := hive(t, db, view, w)
			view.Table.Trino = "features." + table
			l := look.Looker{Store: local.New(), Collector: b.cluster, Room: engine.Room{Workers: 2, Runs: 64 << 20, TempDir: t.TempDir()}}
			footers := footersOf(t, l, view, w)
			found, err := l.Rows(t.Context(), footers, check.WantsOf(footers.View, footers.Survey, func(string) bool { return true }))
			if err != nil || len(found.Failures) > 0 {
				t.Fatal(err, found.Failures)
			}
			got := facts.NewLagHistogram()
			for _, lags := range found.Collection.Lags {
				got.Merge(lags)
			}
			if !maps.Equal(got.Counts, want) || got.Min != lags[0] || got.Max != lags[len(lags)-1] {
				t.Errorf("lags from %d to %d in bins %v, want from %d to %d in %v", got.Min, got.Max, got.Counts, lags[0], lags[len(lags)-1], want)
			}
			if slices := found.Collection.Slices; len(slices) != 1 || slices[0].EventMin != least {
				t.Errorf("slices %+v, want one whose first event is at %d", slices, least)
			}
			b.same(t, view, w)
		})
	}
}

// TestEachBinOfLagsBeginsWhereItDoes: the cluster finds the bins of far lags by logarithms. Each edge that two times may lie apart by is counted, and
// the microsecond before it, on both sides of zero.
func TestEachBinOfLagsBeginsWhereItDoes(t *testing.T) {
	early, late := time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2036, 11, 1, 0, 0, 0, 0, time.UTC)
	want, rows := map[int32]int64{}, map[string][]any{}
	add := func(lag times.Span) {
		from, to := early, early.Add(time.Duration(lag)*time.Microsecond)
		if lag < 0 {
			from, to = late, late.Add(time.Duration(lag)*time.Microsecond)
		}
		if to.After(late) || to.Before(early) {
			return
		}
		want[facts.LagBin(lag)]++
		rows["event_time"], rows["ingested_at"] = append(rows["event_time"], from), append(rows["ingested_at"], to)
		rows["user"], rows["id"] = append(rows["user"], len(rows["user"])), append(rows["id"], fmt.Sprint(len(rows["id"])))
	}
	for bin := -facts.LagBins; bin < facts.LagBins; bin++ {
		low, _ := facts.LagBounds(bin)
		add(low)
		add(low - 1)
	}
	if len(rows["id"]) < 12_000 {
		t.Fatalf("%d rows, want those of all bins to 56 years", len(rows["id"]))
	}
	view, w := written(t, fixtures.Column{Name: "id", Type: fixtures.TextType, Values: rows["id"]}, fixtures.Column{Name: "user", Type: fixtures.Int64Type, Values: rows["user"]},
		fixtures.Column{Name: "event_time", Type: fixtures.NaiveType, Values: rows["event_time"]}, fixtures.Column{Name: "ingested_at", Type: fixtures.NaiveType, Values: rows["ingested_at"]})
	table, _ := hive(t, openDatabase(t), view, w)
	view.Table.Trino = "features." + table
	l := look.Looker{Store: local.New(), Collector: collectorOf(t), Room: engine.Room{Workers: 2, Runs: 64 << 20, TempDir: t.TempDir()}}
	found, err := l.Rows(t.Context(), footersOf(t, l, view, w), facts.WantRows)
	if err != nil || len(found.Failures) > 0 {
		t.Fatal(err, found.Failures)
	}
	got := facts.NewLagHistogram()
	for _, lags := range found.Collection.Lags {
		got.Merge(lags)
	}
	for bin := -facts.LagBins; bin < facts.LagBins; bin++ {
		if got.Counts[bin] != want[bin] {
			t.Errorf("bin %d has %d lags, want %d", bin, got.Counts[bin], want[bin])
		}
	}
}

// TestNumbersThatAreDeclaredAsTimes: Trino refuses to read some columns by the type that the table declares, and reads others as what they are not.
// None of them is read as a time.
func TestNumbersThatAreDeclaredAsTimes(t *testing.T) {
	at := []any{time.Date(2026, 11, 8, 1, 0, 0, 0, time.UTC), time.Date(2026, 11, 8, 2, 0, 0, 0, time.UTC)}
	numbers := []any{at[0].(time.Time).UnixMicro(), at[1].(time.Time).UnixMicro()}
	db, cluster := openDatabase(t), collectorOf(t)
	for name, of := range map[string]struct {
		event    fixtures.Column
		declared string
		want     string
	}{
		"numbers as times":         {fixtures.Column{Name: "event_time", Type: fixtures.Int64Type, Values: numbers}, "timestamp(6)", `declares column "event_time" as timestamp(6), and files hold INT64`},
		"times as numbers":         {fixtures.Column{Name: "event_time", Type: fixtures.NaiveType, Values: at}, "bigint", `declares column "event_time" as bigint, and files hold TIMESTAMP(us)`},
		"times of 96 bits, number": {fixtures.Column{Name: "event_time", Type: fixtures.Int96Type, Values: at}, "bigint", `declares column "event_time" as bigint, and files hold`},
		"dates as times":           {fixtures.Column{Name: "event_time", Type: fixtures.DateType, Values: at}, "timestamp(6)", `declares column "event_time" as timestamp(6), and files hold DATE`},
		"times as dates":           {fixtures.Column{Name: "event_time", Type: fixtures.NaiveType, Values: at}, "date", `declares column "event_time" as date, and files hold TIMESTAMP(us)`},
	} {
		t.Run(name, func(t *testing.T) {
			view, w := written(t, fixtures.Column{Name: "id", Type: fixtures.TextType, Values: []any{"a", "b"}}, fixtures.Column{Name: "user", Type: fixtures.Int64Type, Values: []any{1, 2}}, of.event,
				fixtures.Column{Name: "ingested_at", Type: fixtures.NaiveType, Values: at})
			l := look.Looker{Store: local.New(), Collector: cluster, Room: engine.Room{Workers: 2, Runs: 64 << 20, TempDir: t.TempDir()}}
			footers := footersOf(t, l, view, w)
			view.Table.Trino = fmt.Sprintf("features.default.declared_%d_%d", os.Getpid(), tables.Add(1))
			text, _ := trinotable.DDL(view.Table.Trino, footers.Survey)
			before := text
			for _, kind := range []string{`"event_time" timestamp(6)`, `"event_time" bigint`, `"event_time" date`} {
				text = strings.Replace(text, kind, `"event_time" @`, 1)
			}
			text = strings.Replace(text, "@", of.declared, 1)
			if text == before {
				t.Fatalf("the table is declared as the file is: %s", text)
			}
			create(t, db, text)
			t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP TABLE "+view.Table.Trino) })
			footers = footersOf(t, l, view, w)
			found, err := l.Rows(t.Context(), footers, check.WantsOf(footers.View, footers.Survey, func(string) bool { return true }))
			if err != nil {
				t.Fatal(err)
			}
			if got := found.Collection.RoleProblems["event_time"]; !strings.Contains(got, of.want) {
				t.Errorf("the problem of event_time is %q, want one that says %q; failures %+v", got, of.want, found.Failures)
			}
			for _, slice := range found.Collection.Slices {
				if slice.EventMin.Known() {
					t.Errorf("an event is at %d, want no event", slice.EventMin)
				}
			}
		})
	}
}
