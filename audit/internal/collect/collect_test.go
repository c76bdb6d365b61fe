package collect_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures"
)

// firstEvent is the event time of row 0 of every file; row n is n minutes later.
var firstEvent = time.Date(2026, 11, 1, 0, 0, 30, 0, time.UTC)

// held and streamed are names of a payload column: beside the one the engine cannot number rows, so that the results of
// queries are held; beside the other rows are counted as they come.
const held, streamed = "file_row_number", "payload"

// rows is a table of keys with a source, an event time and a payload.
func rows(payload, source string, ids ...int64) fixtures.Table {
	columns := []fixtures.Column{{Name: "id", Type: fixtures.Int64Type}, {Name: "source", Type: fixtures.TextType}, {Name: "event_time", Type: fixtures.AwareType}, {Name: payload, Type: fixtures.Int64Type}}
	for i, id := range ids {
		for j, v := range []any{id, source, firstEvent.Add(time.Duration(i) * time.Minute), int64(-1)} {
			columns[j].Values = append(columns[j].Values, v)
		}
	}
	return fixtures.Table{Columns: columns}
}

func from(first int64, count int) []int64 {
	ids := make([]int64, count)
	for i := range ids {
		ids[i] = first + int64(i)
	}
	return ids
}

// collectDir collects the Parquet files below a folder, in slices of so many rows.
func collectDir(t *testing.T, dir string, view model.View, sliceRows int64, adjust ...func(*collect.Request)) (*facts.Collection, facts.Survey) {
	t.Helper()
	return collectBy(t, func(s engine.Scanner) engine.Scanner { return s }, dir, view, sliceRows, adjust...)
}

// collectBy is collectDir by an engine that is wrapped.
func collectBy(t *testing.T, wrap func(engine.Scanner) engine.Scanner, dir string, view model.View, sliceRows int64, adjust ...func(*collect.Request)) (*facts.Collection, facts.Survey) {
	t.Helper()
	view.Name, view.Root, view.Path, view.EventTime = "v", dir, "**/*.parquet", model.TimeColumn{Column: "event_time"}
	asOf := firstEvent.AddDate(0, 0, 2)
	listing, view, _, err := survey.Plan(t.Context(), local.New(), view, asOf, partition.Range{})
	if err != nil {
		t.Fatal(err)
	}
	surveyed, err := survey.Survey(t.Context(), local.New(), listing, survey.RolesOf(view), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	db, err := duckdb.Open(duckdb.Config{Threads: 2, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	request := collect.Request{View: view, Survey: surveyed, AsOf: times.Instant(asOf.UnixMicro()), Wants: facts.WantTimes | facts.WantKeys,
		Units: func(int32, string) string { return "" }, OwnAgrees: func(facts.File, string, string) bool { return true },
		OwnHolds: func(facts.File, string) func(int64, bool) bool { return func(int64, bool) bool { return true } },
		Offsets:  func(times.Instant, times.Instant) []int64 { return nil }, Truncated: survey.Truncated, Changed: func(context.Context, facts.File) *facts.Problem { return nil },
		Values: func(ctx context.Context, f facts.File, c facts.Column, rows []int64, numbers bool) (facts.Values, error) {
			return survey.Values(ctx, local.New(), f, c, rows, numbers)
		},
		Nanos: func(ctx context.Context, f facts.File, c facts.Column, rows []int64) ([]int64, error) {
			return survey.Nanos(ctx, local.New(), f, c, rows)
		},
		Workers: 2, SliceRows: sliceRows, RunMemory: 1 << 20, TempDir: t.TempDir(), RowsLimit: 100}
	for _, a := range adjust {
		a(&request)
	}
	got, err := collect.Collect(t.Context(), wrap(db), request)
	if err != nil {
		t.Fatal(err)
	}
	return got, surveyed
}

func write(t *testing.T, path string, table fixtures.Table, o fixtures.Options) {
	t.Helper()
	if err := fixtures.Write(path, table, o); err != nil {
		t.Fatal(err)
	}
}

// TestFileThatFailsHalfWay has a large file of which a late page does not decode, after the rows of its first slices were
// counted. The file is an error of its own, and every other number is as if it were not there.
func TestFileThatFailsHalfWay(t *testing.T) {
	for _, payload := range []string{held, streamed} {
		t.Run(payload, func(t *testing.T) { fileThatFailsHalfWay(t, payload) })
	}
}

func fileThatFailsHalfWay(t *testing.T, payload string) {
	dir := t.TempDir()
	const big = 6000
	write(t, filepath.Join(dir, "a.parquet"), rows(payload, "batch", append(from(0, 500), 3, 4)...), fixtures.Options{})
	write(t, filepath.Join(dir, "b.parquet"), rows(payload, "broken", from(0, big)...), fixtures.Options{RowGroup: 1000, Compression: fixtures.Uncompressed})
	write(t, filepath.Join(dir, "c.parquet"), rows(payload, "stream", append(from(400, 700), 1099)...), fixtures.Options{})
	breakPage(t, filepath.Join(dir, "b.parquet"), 5000)

	got, surveyed := collectDir(t, dir, model.View{Key: []string{"id"}, Source: model.SourceColumn{Column: "source"}}, 1000)
	if len(got.Unread) != 1 || surveyed.Files[1].Path != "b.parquet" || got.Unread[1].Kind != facts.ProblemCorrupt || !strings.Contains(got.Unread[1].Message, "write the file again") {
		t.Errorf("unread are %+v", got.Unread)
	}
	if fmt.Sprint(got.Sources) != "[batch stream]" || got.ScannedFiles != 2 || got.ScannedRows != 502+701 {
		t.Errorf("sources %v, %d files, %d rows", got.Sources, got.ScannedFiles, got.ScannedRows)
	}
	for i, want := range []facts.Slice{{File: 0, Source: "batch", Rows: 502}, {File: 2, Source: "stream", Rows: 701}} {
		if len(got.Slices) != 2 || got.Slices[i].File != want.File || got.Slices[i].Source != want.Source || got.Slices[i].Rows != want.Rows {
			t.Fatalf("slices %+v", got.Slices)
		}
	}
	// 3 and 4 twice in a, 400 to 499 in a and c, 1099 twice in c
	k := got.Keys
	if k.RowsTotal != 502+701 || k.RepeatedKeys != 2+100+1 || k.SurplusRows != 2+100+1 || k.Scopes.WithinFile != 3 || k.Scopes.AcrossSources != 100 {
		t.Errorf("keys %+v", k)
	}
}

// breakPage overwrites the header of the page that begins with a value.
func breakPage(t *testing.T, path string, value uint64) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(raw, binary.LittleEndian.AppendUint64(nil, value))
	if at < 64 {
		t.Fatalf("value %d stands at byte %d of %s", value, at, path)
	}
	for i := at - 24; i < at; i++ {
		raw[i] = math.MaxUint8
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSlicesOfAFileThatNumbersItsRows reads slices and repeated rows of a file with a column file_row_number, beside which
// the engine numbers no rows itself.
func TestSlicesOfAFileThatNumbersItsRows(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.parquet"), rows(held, "batch", append(from(0, 5000), 7, 4999)...), fixtures.Options{RowGroup: 1000})
	for _, sliceRows := range []int64{1000, 2500, 1 << 20} {
		got, _ := collectDir(t, dir, model.View{Key: []string{"id"}}, sliceRows)
		if len(got.Unread) > 0 || got.ScannedRows != 5002 || got.Keys.RepeatedKeys != 2 || got.Keys.SurplusRows != 2 {
			t.Fatalf("slices of %d: %d rows, keys %+v, unread %v", sliceRows, got.ScannedRows, got.Keys, got.Unread)
		}
		var numbers []int64
		for _, r := range got.Keys.Rows {
			numbers = append(numbers, r.Row)
		}
		if fmt.Sprint(numbers) != "[4999 5001 7 5000]" && fmt.Sprint(numbers) != "[7 5000 4999 5001]" {
			t.Errorf("slices of %d: repeated rows are %v", sliceRows, numbers)
		}
		if s := got.Slices[0]; s.EventMin != times.At(firstEvent) || s.EventMax != times.At(firstEvent.Add(5001*time.Minute)) {
			t.Errorf("slices of %d: events from %d to %d", sliceRows, s.EventMin, s.EventMax)
		}
	}
}

// TestOncePer lets a key appear once for each source, or for each partition and source.
func TestOncePer(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "dt=2026-11-01", "batch.parquet"), rows(streamed, "batch", 1, 2, 3, 4, 4), fixtures.Options{})
	write(t, filepath.Join(dir, "dt=2026-11-01", "stream.parquet"), rows(streamed, "stream", 1, 2, 5, 6), fixtures.Options{})
	write(t, filepath.Join(dir, "dt=2026-11-02", "batch.parquet"), rows(streamed, "batch", 1, 7), fixtures.Options{})
	tests := map[string]struct {
		oncePer                             []string
		repeated, surplus, paired, unpaired int64
	}{
		"once in all":                       {nil, 3, 4, 0, 0}, // 1 three times, 2 and 4 twice
		"once per source":                   {[]string{"source"}, 2, 2, 2, 5},
		"once per partition":                {[]string{"partition"}, 3, 3, 1, 6},
		"once per source and per partition": {[]string{"source", "partition"}, 1, 1, 2, 5},
	}
	for name, test := range tests {
		view := model.View{Key: []string{"id"}, OncePer: test.oncePer, Source: model.SourceColumn{Column: "source"}}
		got, _ := collectDir(t, dir, view, 0)
		k := got.Keys
		if k.RepeatedKeys != test.repeated || k.SurplusRows != test.surplus || k.PairedKeys != test.paired || k.UnpairedKeys != test.unpaired {
			t.Errorf("%s: %d repeated, %d surplus, %d paired, %d unpaired; want %+v", name, k.RepeatedKeys, k.SurplusRows, k.PairedKeys, k.UnpairedKeys, test)
		}
	}
}

// counting is an engine that counts its queries, by kind.
type counting struct {
	engine.Scanner
	mu      sync.Mutex
	queries map[string]int
}

func (c *counting) count(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queries[kind]++
}

func (c *counting) Stream(ctx context.Context, s engine.Scan, each func(engine.Block) error) error {
	c.count("stream")
	return c.Scanner.Stream(ctx, s, each)
}

func (c *counting) Pick(ctx context.Context, s engine.Scan, wanted func(int, int64, []bool), each func(engine.Block) error) error {
	kind := "pick"
	if s.Sliced {
		kind = fmt.Sprintf("pick of %d to %d", s.First, s.Last)
	}
	c.count(kind)
	return c.Scanner.Pick(ctx, s, wanted, each)
}

func (c *counting) Scan(ctx context.Context, s engine.Scan, before func() error, each func(engine.Block) error) error {
	c.count("scan")
	return c.Scanner.Scan(ctx, s, before, each)
}

func (c *counting) Fetch(ctx context.Context, f engine.Fetch, each func(int64, []engine.Value) error) error {
	c.count("fetch")
	return c.Scanner.Fetch(ctx, f, each)
}

// TestFilesAreReadInTheFewestQueries holds which road rows take: a fall-back gives the same answers, and would be seen by
// nobody. Ordinary files are streamed in one query, and their candidates picked in one, from the row groups between the first and the last that
// hold any, or fetched where few of these do; files of open partitions, and those whose rows the engine cannot number, are held.
func TestFilesAreReadInTheFewestQueries(t *testing.T) {
	ids := func(repeated ...int64) []int64 { return append(from(0, 4000), repeated...) }
	for name, test := range map[string]struct {
		payload string
		day     int
		first   []int64
		want    string
	}{
		"repeats everywhere":        {streamed, 1, ids(1, 1100, 2100, 3100), "map[pick:1 stream:1]"},
		"repeats in few row groups": {streamed, 1, ids(1999), "map[pick of 1000 to 4000:1 stream:1]"},
		"repeats in two of them":    {streamed, 1, ids(3999), "map[pick of 3000 to 4000:1 stream:1]"},
		"repeats far apart":         {streamed, 1, ids(1), "map[fetch:1 stream:1]"},
		"no repeats":                {streamed, 1, ids(), "map[stream:1]"},
		"an open partition":         {streamed, 3, ids(), "map[scan:1]"},
		"rows unnumbered":           {held, 1, ids(), "map[scan:1]"},
	} {
		dir := t.TempDir()
		folder := filepath.Join(dir, fmt.Sprintf("dt=2026-11-%02d", test.day))
		write(t, filepath.Join(folder, "a.parquet"), rows(test.payload, "batch", test.first...), fixtures.Options{RowGroup: 1000})
		write(t, filepath.Join(folder, "b.parquet"), rows(test.payload, "batch", 9001, 9002), fixtures.Options{})
		var counter *counting
		got, _ := collectBy(t, func(s engine.Scanner) engine.Scanner {
			counter = &counting{Scanner: s, queries: map[string]int{}}
			return counter
		}, dir, model.View{Key: []string{"id"}}, 1<<20)
		if repeated := int64(len(test.first) - 4000); fmt.Sprint(counter.queries) != test.want || got.Keys.RepeatedKeys != repeated {
			t.Errorf("%s: queries %v, want %s; %d keys repeat, want %d", name, counter.queries, test.want, got.Keys.RepeatedKeys, repeated)
		}
	}
}

// TestFilesArePickedBySpan has repeats in other row groups of each file: what no row of a file is asked of is not read of it.
func TestFilesArePickedBySpan(t *testing.T) {
	dir := t.TempDir()
	base := int64(0)
	for i, at := range []int{100, 1100, 150, 2100} { // the key of this row is that of the row before, a minute earlier
		ids := from(base, 2500)
		ids[at] = ids[at-1]
		base += 2500
		write(t, filepath.Join(dir, "dt=2026-11-01", fmt.Sprintf("%d.parquet", i)), rows(streamed, "batch", ids...), fixtures.Options{RowGroup: 1000})
	}
	var counter *counting
	got, _ := collectBy(t, func(s engine.Scanner) engine.Scanner {
		counter = &counting{Scanner: s, queries: map[string]int{}}
		return counter
	}, dir, model.View{Key: []string{"id"}}, 1<<20)
	const want = "map[pick of 0 to 999:1 pick of 1000 to 1999:1 pick of 2000 to 2499:1 stream:1]"
	if k := got.Keys; fmt.Sprint(counter.queries) != want || k.RepeatedKeys != 4 || k.SurplusRows != 4 || k.ConflictKeys != 4 {
		t.Errorf("queries %v, want %s; keys %+v", counter.queries, want, k)
	}
}

// TestPayloadOfNanoseconds has copies whose payload differs by a nanosecond, or not at all, in every type that holds one.
func TestPayloadOfNanoseconds(t *testing.T) {
	for name, kind := range map[string]fixtures.Type{
		"naive": {Kind: fixtures.Timestamp, Unit: "ns"}, "aware": {Kind: fixtures.Timestamp, Unit: "ns", UTC: true}, "INT96": fixtures.Int96Type,
	} {
		table := rows(streamed, "batch", 1, 1, 2, 2)
		updated := fixtures.Column{Name: "updated", Type: kind}
		for _, nanos := range []time.Duration{5, 6, 7, 7} {
			updated.Values = append(updated.Values, firstEvent.Add(nanos))
		}
		table.Columns = append(table.Columns, updated)
		for i := range table.Columns[2].Values {
			table.Columns[2].Values[i] = firstEvent // the same event
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a.parquet"), table, fixtures.Options{})
		got, _ := collectDir(t, dir, model.View{Key: []string{"id"}}, 0)
		if k := got.Keys; k.ConflictKeys != 1 || k.ReplayKeys != 1 || fmt.Sprint(k.DifferingColumns) != "map[updated:1]" {
			t.Errorf("%s: %d in conflict, %d replayed, differing %v", name, k.ConflictKeys, k.ReplayKeys, k.DifferingColumns)
		}
	}
}

// TestFileThatChangesBeforeItIsVerified is found unchanged after the scan, and changed after its repeated rows were read again.
func TestFileThatChangesBeforeItIsVerified(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.parquet"), rows(streamed, "batch", 1, 2, 2), fixtures.Options{})
	write(t, filepath.Join(dir, "b.parquet"), rows(streamed, "batch", 1, 3, 4, 4), fixtures.Options{})
	looks := 0
	got, _ := collectDir(t, dir, model.View{Key: []string{"id"}}, 0, func(r *collect.Request) {
		r.Changed = func(_ context.Context, f facts.File) *facts.Problem {
			if f.Path != "b.parquet" {
				return nil
			}
			if looks++; looks == 1 {
				return nil
			}
			return &facts.Problem{Kind: facts.ProblemChanged, Message: "it grew"}
		}
	})
	if looks != 2 || got.Unread[1].Kind != facts.ProblemChanged || got.ScannedRows != 3 || got.Keys.RowsTotal != 3 || got.Keys.RepeatedKeys != 1 {
		t.Errorf("%d looks, unread %v, %d rows, keys %+v", looks, got.Unread, got.ScannedRows, got.Keys)
	}
}

// TestPairsOfNanoseconds has keys of both sources that differ by a nanosecond, which makes them no pair, and some that do not.
func TestPairsOfNanoseconds(t *testing.T) {
	dir := t.TempDir()
	for source, nanos := range map[string][]time.Duration{"batch": {5, 7}, "stream": {6, 7}} {
		table := rows(streamed, source, 1, 2)
		table.Columns[2].Type = fixtures.Type{Kind: fixtures.Timestamp, Unit: "ns", UTC: true}
		for i, n := range nanos {
			table.Columns[2].Values[i] = firstEvent.Add(n)
		}
		write(t, filepath.Join(dir, source+".parquet"), table, fixtures.Options{})
	}
	got, _ := collectDir(t, dir, model.View{Key: []string{"id", "event_time"}, OncePer: []string{"source"}, Source: model.SourceColumn{Column: "source"}}, 0)
	if k := got.Keys; k.PairedByHash || k.PairedKeys != 1 || k.UnpairedKeys != 2 || k.RepeatedKeys != 0 {
		t.Errorf("by hash %v, %d paired, %d unpaired, %d repeated", k.PairedByHash, k.PairedKeys, k.UnpairedKeys, k.RepeatedKeys)
	}
}

// TestPartitionsAfterAsOfAreNotRead leaves them to the listing.
func TestPartitionsAfterAsOfAreNotRead(t *testing.T) {
	dir := t.TempDir()
	for day := 1; day <= 5; day++ {
		write(t, filepath.Join(dir, fmt.Sprintf("dt=2026-11-%02d", day), "a.parquet"), rows(streamed, "batch", 1, int64(10*day)), fixtures.Options{})
	}
	// as_of is half a minute into the third
	got, surveyed := collectDir(t, dir, model.View{Key: []string{"id"}}, 0)
	if got.ScannedFiles != 3 || got.ScannedRows != 6 || got.Keys.RepeatedKeys != 1 || got.Keys.SurplusRows != 2 {
		t.Errorf("%d files, %d rows, keys %+v", got.ScannedFiles, got.ScannedRows, got.Keys)
	}
	if p := surveyed.Partitions; len(p) != 5 || p[2].AfterAsOf || !p[2].Open || !p[3].AfterAsOf {
		t.Errorf("partitions %+v", p)
	}
}

// TestLargeRowsAreNotLaidDown: a row whose text is larger than any that is laid down has its rows read portion by portion, by the footer where it says so,
// else once the row came. What is said is the same.
func TestLargeRowsAreNotLaidDown(t *testing.T) {
	for name, large := range map[string]int{"one": 1, "all": 4000} {
		const each = 4000
		dir := t.TempDir()
		for i, file := range []string{"a", "b"} {
			table := rows(streamed, "batch", from(int64(i), each)...)
			note := fixtures.Column{Name: "note", Type: fixtures.TextType}
			for row := range each {
				text := "short"
				if row < large {
					text = strings.Repeat("x", 33<<10)
				}
				note.Values = append(note.Values, text)
			}
			table.Columns = append(table.Columns, note)
			write(t, filepath.Join(dir, "dt=2026-11-01", file+".parquet"), table, fixtures.Options{RowGroup: 1000})
		}
		var counter *counting
		wrap := func(s engine.Scanner) engine.Scanner {
			counter = &counting{Scanner: s, queries: map[string]int{}}
			return counter
		}
		got, _ := collectBy(t, wrap, dir, model.View{Key: []string{"id"}, Source: model.SourceColumn{Column: "source"}}, 1<<20)
		if k := got.Keys; k.RepeatedKeys != each-1 || k.SurplusRows != each-1 {
			t.Errorf("%s: %+v, want %d keys that repeat once each", name, k, each-1)
		}
		if got := counter.queries["pick"] + counter.queries["fetch"]; got < 3 {
			t.Errorf("%s: queries %v, want one for each portion", name, counter.queries)
		}
	}
}

// TestPortionsAreFetchedInOnePass has more repeated rows than are held at once: the files are decoded once for all of them where there is a folder to
// lay rows down in, and else once for each portion. Both give the same.
func TestPortionsAreFetchedInOnePass(t *testing.T) {
	const each = 5000
	dir := t.TempDir()
	day := filepath.Join(dir, "dt=2026-11-01")
	write(t, filepath.Join(day, "a.parquet"), rows(streamed, "batch", from(0, each)...), fixtures.Options{RowGroup: 1000})
	write(t, filepath.Join(day, "b.parquet"), rows(streamed, "stream", from(1, each)...), fixtures.Options{RowGroup: 1000})
	var counter *counting
	wrap := func(s engine.Scanner) engine.Scanner {
		counter = &counting{Scanner: s, queries: map[string]int{}}
		return counter
	}
	view := model.View{Key: []string{"id"}, Source: model.SourceColumn{Column: "source"}, Measures: []string{streamed}}
	once, _ := collectBy(t, wrap, dir, view, 1<<20)
	if fmt.Sprint(counter.queries) != "map[pick:1 stream:1]" {
		t.Errorf("with a folder: queries %v, want one that picks rows", counter.queries)
	}
	if k := once.Keys; k.RepeatedKeys != each-1 || k.SurplusRows != each-1 || k.Scopes.AcrossSources != each-1 || k.SurplusMeasures[streamed] != fmt.Sprint(1-each) {
		t.Errorf("%+v, want %d keys that repeat once each", k, each-1)
	}
	if once.SpilledBytes == 0 {
		t.Error("no bytes were spilled, and rows were laid down")
	}
	portions, _ := collectBy(t, wrap, dir, view, 1<<20, func(r *collect.Request) { r.TempDir = filepath.Join(dir, "none") })
	if counter.queries["pick"] < 3 {
		t.Errorf("without a folder: queries %v, want one for each portion", counter.queries)
	}
	if !reflect.DeepEqual(portions.Keys, once.Keys) {
		t.Errorf("in portions:\n%+v\nin one pass:\n%+v", portions.Keys, once.Keys)
	}
}
