package audit_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/recount"
)

// propertyStores is how many random stores are compared; the variable of the same purpose asks for more (make test-all).
const (
	propertyStores   = 1000
	propertyVariable = "FEATUREAUDIT_TEST_STORES"
)

func storesToCompare(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv(propertyVariable)
	switch {
	case text != "":
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatalf("%s: %v", propertyVariable, err)
		}
		return n
	case testing.Short():
		return propertyStores / 20
	}
	return propertyStores
}

// TestCollectionEqualsRecount compares the engine's facts with a naive count in plain Go, on random hostile stores. On most
// the key hash is weakened to 8 bits, so that collisions happen all the time; runs spill at once on every other store; and
// on some the engine refuses to stream, so that what is counted carefully, and fetched singly, is compared as well.
func TestCollectionEqualsRecount(t *testing.T) {
	db := openEngine(t)
	judge, err := duckdb.OpenJudge(t.Context(), duckdb.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = judge.Close() })
	var lock sync.Mutex // the judge holds one view's facts at a time
	for seed := range storesToCompare(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			store, err := fixtures.RandomStore(dir, seed)
			if err != nil {
				t.Fatal(err)
			}
			files, err := recount.List(dir, store.View)
			if err != nil {
				t.Fatal(err)
			}
			in := recount.Input{View: store.View, Files: files, AsOf: store.AsOf.UnixMicro(), Offsets: store.Offsets}
			if ranged(store, seed) {
				in.InRange = onDay(t, store)
			}
			want, err := recount.Count(in)
			if err != nil {
				t.Fatal(err)
			}
			got, surveyed, view := collectStore(t, db, dir, store, seed)
			lock.Lock()
			compareMissing(t, judge, evidence.Input{Evidence: facts.Evidence{View: view, Survey: surveyed}, Terms: evidence.Terms{AsOf: times.Instant(in.AsOf)}}, files, ranged(store, seed))
			lock.Unlock()
			compareSlices(t, surveyed, got, want)
			compareEntities(t, got, want, store)
			compareDuplicates(t, got, want, hashBits(seed))
		})
	}
}

// ranged says that only the partitions of one day are judged, on every third store.
func ranged(store fixtures.Random, seed uint64) bool {
	return seed%3 == 1 && store.View.TimePartition.Declared()
}

// onDay says which files lie in a partition that holds some of the store's day.
func onDay(t *testing.T, store fixtures.Random) func(recount.File) bool {
	t.Helper()
	zone, err := time.LoadLocation(store.View.TimePartition.Zone)
	if err != nil {
		t.Fatal(err)
	}
	from, err := time.ParseInLocation(time.DateOnly, store.Day, zone)
	if err != nil {
		t.Fatal(err)
	}
	return func(f recount.File) bool {
		return f.Dated && f.Start < from.AddDate(0, 0, 1).UnixMicro() && f.End > from.UnixMicro()
	}
}

// compareMissing judges which partitions are missing, for the view or for each of its declared sources.
func compareMissing(t *testing.T, judge engine.Judge, in evidence.Input, files []recount.File, ranged bool) {
	t.Helper()
	if !in.View.TimePartition.Declared() || ranged {
		return
	}
	expected, missing, err := recount.Missing(files, in.View, int64(in.AsOf))
	if err != nil {
		t.Fatal(err)
	}
	in.Selected = func(id string) bool { return id == "missing-partitions" }
	judged, err := check.JudgeView(t.Context(), judge, in)
	if err != nil {
		t.Fatal(err)
	}
	if r := judged.Results[0]; r.RowsTotal != expected || r.RowsBad != missing {
		t.Errorf("%d of %d partitions are missing, want %d of %d: %s", r.RowsBad, r.RowsTotal, missing, expected, r.Message)
	}
}

// hashBits leaves the hash whole on every fifth store, 0 meaning all 64 bits.
func hashBits(seed uint64) int {
	if seed%5 == 4 {
		return 0
	}
	return 8
}

// unstreamed is an engine that fails where rows would come as they are decoded.
type unstreamed struct{ engine.Scanner }

func (unstreamed) Stream(context.Context, engine.Scan, func(engine.Block) error) error {
	return errors.New("no rows are streamed here")
}

func (unstreamed) Pick(context.Context, engine.Scan, func(int, int64, []bool), func(engine.Block) error) error {
	return errors.New("no rows are picked here")
}

func collectStore(t *testing.T, db *duckdb.Database, dir string, store fixtures.Random, seed uint64) (*facts.Collection, facts.Survey, model.View) {
	t.Helper()
	ctx := context.Background()
	view := store.View
	view.Root = dir
	within := partition.Range{}
	if ranged(store, seed) {
		within = partition.Range{From: store.Day, To: store.Day}
	}
	listing, view, _, err := survey.Plan(ctx, local.New(), view, store.AsOf, within)
	if err != nil {
		t.Fatal(err)
	}
	surveyed, err := survey.Survey(ctx, local.New(), listing, survey.RolesOf(view), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range surveyed.Files {
		if f.Problem != nil {
			t.Fatalf("%s: %v, want f.Problem == nil", f.Path, *f.Problem)
		}
	}
	request := orderOf(view, surveyed, store.AsOf, engine.Room{Workers: 1 + int(seed%3), Runs: look.ShareOf(0).Runs, TempDir: t.TempDir(), SliceRows: 1 + int64(seed%40)})
	request.Wants = facts.WantTimes | facts.WantEvents | facts.WantBefore // the re-count counts rows outside of a range too
	if len(evidence.KeyColumns(view)) > 0 {
		request.Wants |= facts.WantKeys
	}
	if len(view.Entity) > 0 {
		request.Wants |= facts.WantEntities
	}
	request.HashBits, request.RowsLimit = hashBits(seed), int(seed%4)*20
	request.Offsets = func(times.Instant, times.Instant) []int64 { return store.Offsets }
	if seed%2 == 0 {
		request.RunMemory = 1
	}
	var scanner engine.Scanner = db
	if seed%7 == 3 {
		scanner = unstreamed{db}
	}
	collection, err := collect.Collect(ctx, scanner, request)
	if err != nil {
		t.Fatal(err)
	}
	if seed%3 == 1 {
		inPortions(t, scanner, request, collection)
	}
	if len(collection.Unread) > 0 || len(collection.RoleProblems) > 0 {
		t.Fatalf("unread %v, role problems %v", collection.Unread, collection.RoleProblems)
	}
	return collection, surveyed, view
}

// orderOf is how the audit would have a view's rows read.
func orderOf(view model.View, surveyed facts.Survey, asOf time.Time, room engine.Room) collect.Request {
	return collect.Collector{Store: local.New()}.Request(engine.Order{View: view, Survey: surveyed, AsOf: times.Instant(asOf.UnixMicro()), Room: room})
}

// inPortions collects once more, with so few repeated rows and bytes of them held at once that most keys are folded row by row.
func inPortions(t *testing.T, scanner engine.Scanner, request collect.Request, whole *facts.Collection) {
	t.Helper()
	request.PortionRows, request.RunMemory = 1+request.RowsLimit, 4096
	portions, err := collect.Collect(context.Background(), scanner, request)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(inOrderOfNames(portions.Keys), inOrderOfNames(whole.Keys)) {
		t.Errorf("repeated keys in portions of %d rows:\n%+v, at once:\n%+v", request.PortionRows, portions.Keys, whole.Keys)
	}
}

// inOrderOfNames gives each row a set of names of its own: which number a name has depends on which key differed first.
func inOrderOfNames(keys *facts.Duplicates) *facts.Duplicates {
	if keys == nil {
		return nil
	}
	named := *keys
	named.Rows = slices.Clone(keys.Rows)
	for i, row := range named.Rows {
		named.Rows[i].Differs = facts.NamesOf(row.Differs.Sorted()...)
	}
	return &named
}

// compareSlices compares every row fact with the re-count, which has a field of the same name for each.
func compareSlices(t *testing.T, surveyed facts.Survey, got *facts.Collection, want recount.Result) {
	t.Helper()
	if len(got.Slices) != len(want.Slices) {
		t.Errorf("%d slices, want %d", len(got.Slices), len(want.Slices))
		return
	}
	for _, f := range facts.RowFacts() {
		if _, counted := reflect.TypeFor[recount.Slice]().FieldByName(f.Field); !counted {
			t.Errorf("nothing counts %s again: give fixtures/recount.Slice a field of that name", f.Field)
		}
	}
	for i := range got.Slices {
		g, w := reflect.ValueOf(got.Slices[i]), reflect.ValueOf(want.Slices[i])
		for f := range w.NumField() {
			name := w.Type().Field(f).Name
			field := g.FieldByName(name)
			if !field.IsValid() {
				t.Fatalf("facts.Slice has no %s", name)
			}
			if fmt.Sprint(field.Interface()) != fmt.Sprint(w.Field(f).Interface()) {
				t.Errorf("%s %q: %s = %v, want %v", surveyed.Files[got.Slices[i].File].Path, got.Slices[i].Source, name, field.Interface(), w.Field(f).Interface())
			}
		}
	}
}

func compareEntities(t *testing.T, got *facts.Collection, want recount.Result, store fixtures.Random) {
	t.Helper()
	if len(store.View.Entity) == 0 {
		return
	}
	e, w := *got.Entities, want.Entities
	have := recount.Entities{Judged: e.Judged, Stale: e.Stale, OnlyAfter: e.OnlyAfter, NullRows: e.NullRows, OldestNewest: int64(e.OldestNewest)}
	if have != w {
		t.Errorf("entities %+v, want %+v", have, w)
	}
}

func compareDuplicates(t *testing.T, got *facts.Collection, want recount.Result, hashBits int) {
	t.Helper()
	if got.Keys == nil {
		return
	}
	d, w := *got.Keys, want.Duplicates
	// pairs are counted by hash alone, and tell nothing where the hash is weak on purpose
	if d.PairedByHash && hashBits > 0 {
		d.PairedKeys, d.UnpairedKeys, w.PairedKeys, w.UnpairedKeys = 0, 0, 0, 0
	}
	type line struct {
		name      string
		got, want any
	}
	for _, l := range []line{
		{"rows", d.RowsTotal, w.RowsTotal}, {"null keys", d.NullKeys, w.NullKeys}, {"repeated", d.RepeatedKeys, w.RepeatedKeys},
		{"surplus", d.SurplusRows, w.SurplusRows}, {"surplus outside", d.SurplusRowsOutside, w.SurplusRowsOutside}, {"paired", d.PairedKeys, w.PairedKeys}, {"unpaired", d.UnpairedKeys, w.UnpairedKeys},
		{"replay", d.ReplayKeys, w.ReplayKeys}, {"conflict", d.ConflictKeys, w.ConflictKeys}, {"twins", d.ShiftedTwinKeys, w.ShiftedTwinKeys},
		{"resolvable", d.ResolvableKeys, w.ResolvableKeys}, {"ambiguous", d.AmbiguousKeys, w.AmbiguousKeys}, {"fan-out", d.FanOutRows, w.FanOutRows},
		{"multiplicity", d.MaxMultiplicity, w.MaxMultiplicity}, {"within file", d.Scopes.WithinFile, w.WithinFile},
		{"across files", d.Scopes.AcrossFiles, w.AcrossFiles}, {"across partitions", d.Scopes.AcrossPartitions, w.AcrossPartitions},
		{"across sources", d.Scopes.AcrossSources, w.AcrossSources}, {"differing columns", d.DifferingColumns, wholeColumns(w.DifferingColumns)},
	} {
		if fmt.Sprint(l.got) != fmt.Sprint(l.want) {
			t.Errorf("duplicates: %s = %v, want %v", l.name, l.got, l.want)
		}
	}
	for name, text := range w.SurplusMeasures {
		if !sameNumber(d.SurplusMeasures[name], text) {
			t.Errorf("surplus of %s = %s, want %s", name, d.SurplusMeasures[name], text)
		}
		if beyond := w.SurplusMeasuresOutside[name]; !sameNumber(d.SurplusMeasuresOutside[name], beyond) {
			t.Errorf("surplus of %s outside the range = %s, want %s", name, d.SurplusMeasuresOutside[name], beyond)
		}
	}
}

// sameNumber compares decimal text with a fraction ("617/50") or a double.
func sameNumber(got, want string) bool {
	if got == want {
		return true
	}
	a, okA := new(big.Rat).SetString(got)
	b, okB := new(big.Rat).SetString(strings.TrimSpace(want))
	return okA && okB && a.Cmp(b) == 0
}

// wholeColumns names a list by itself, where the re-count names its element.
func wholeColumns(counts map[string]int64) map[string]int64 {
	whole := map[string]int64{}
	for name, n := range counts {
		name, _, _ = strings.Cut(name, ".list.")
		whole[name] += n
	}
	return whole
}
