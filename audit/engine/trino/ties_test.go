//go:build trino

package trino_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// TestTheSourceThatIsNamedOfTies: of rows of a key that only their places in a file tell apart the first by the name of its source is kept, since the
// cluster knows no places; DuckDB keeps the first in the file. All else that is told of them is the same.
func TestTheSourceThatIsNamedOfTies(t *testing.T) {
	s := newStore(t, "-- data/dt={day}/a.parquet for 2026-11-08..2026-11-09 --\n    "+naive(plainColumns)+
		" | source text\n10x {day}-{i} | 7 | {day}T01:00:00 | {day}T01:01:00 | 1.00 | stream\n10x {day}-{i%10} | 7 | {day}T01:00:00 | {day}T01:01:00 | 1.00 | batch\n"+
		"10x {day}-{i%10} | 7 | {day}T01:00:00 | {day}T01:01:00 | 1.00 | replay\n")
	s.view.Source, s.view.Measures = model.SourceColumn{Column: "source"}, []string{"amount"}
	s.view.TimePartition = model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}
	table := s.declare(openDatabase(t), "features", "timestamp", true, strings.NewReplacer("dt varchar", "source varchar, dt varchar"))
	b := newBoth(t)
	cluster, duck := s.looked(b.cluster, table), s.lookedBy(b.duck, "")
	if cluster.Collection.Keys == nil || duck.Collection.Keys == nil {
		t.Fatalf("no keys; failures %+v and %+v", cluster.Failures, duck.Failures)
	}
	for by, of := range map[string]struct {
		keys *facts.Duplicates
		want []string
	}{"the cluster": {cluster.Collection.Keys, []string{"replay", "stream"}}, "DuckDB": {duck.Collection.Keys, []string{"batch", "replay"}}} {
		want := map[facts.Population]facts.DuplicatePlace{}
		for partition := range int32(2) {
			for _, source := range of.want {
				want[facts.Population{Partition: partition, Source: source}] = facts.DuplicatePlace{Rows: 10, Surplus: 10, Keys: 10}
			}
		}
		got := map[facts.Population]facts.DuplicatePlace{}
		for population, place := range of.keys.ByPlace {
			got[population] = *place
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s places surplus rows in %+v, want %+v", by, got, want)
		}
		of.keys.ByPlace, of.keys.SpilledBytes = nil, 0
	}
	if !reflect.DeepEqual(cluster.Collection.Keys, duck.Collection.Keys) {
		t.Errorf("but for places the cluster says\n%+v\nand DuckDB\n%+v", *cluster.Collection.Keys, *duck.Collection.Keys)
	}
	if surplus := cluster.Collection.Keys.SurplusMeasures["amount"]; surplus != "40.00" {
		t.Errorf("amount is overstated by %q, want 40.00: tied rows agree in it", surplus)
	}
}

// TestACrowdOfTies: of a key with more rows than are held at once the surplus of a measure is unknown, too, where nothing but their places tells which row
// is kept, and known where their ingest time does.
func TestACrowdOfTies(t *testing.T) {
	const columns = "\n    id text | user int64 | event_time naive | ingested_at naive | amount decimal(10,2)\n"
	const crowd = "45000x key | 7 | 2026-11-08T02:00:00 | 2026-11-08T02:01:00 | 1.00 +1.00\n"
	table := func(first string) facts.Duplicates {
		t.Helper()
		s := newStore(t, "-- data/dt=2026-11-08/a.parquet --"+columns+crowd+first)
		s.view.Measures = []string{"amount"}
		found := s.looked(collectorOf(t), s.declare(openDatabase(t), "features", "timestamp", true))
		if found.Collection.Keys == nil {
			t.Fatalf("no keys; failures %+v", found.Failures)
		}
		return *found.Collection.Keys
	}
	tied := table("")
	if tied.RepeatedKeys != 1 || tied.SurplusRows != 44_999 || !slices.Equal(tied.UnknownMeasures, []string{"amount"}) || len(tied.SurplusMeasures) != 0 {
		t.Errorf("of tied rows %s, want one repeated key, 44,999 surplus rows, and an unknown amount", surplus(tied))
	}
	sum := 45_000 * 45_001 / 2
	if told := table("key | 7 | 2026-11-08T01:00:00 | 2026-11-08T01:01:00 | 5.00\n"); told.SurplusRows != 45_000 || len(told.UnknownMeasures) != 0 || told.SurplusMeasures["amount"] != fmt.Sprintf("%d.00", sum) {
		t.Errorf("with a row that came before %s, want 45,000 surplus rows, and an amount of %d.00", surplus(told), sum)
	}
}

func surplus(d facts.Duplicates) string {
	return fmt.Sprintf("%d keys repeat, %d rows are surplus, by %v, unknown %v", d.RepeatedKeys, d.SurplusRows, d.SurplusMeasures, d.UnknownMeasures)
}
