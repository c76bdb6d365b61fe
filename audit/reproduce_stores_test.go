package audit_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// planted is a store whose bad rows are known one by one.
type planted struct {
	name string
	view model.View
	// files are their columns, by path.
	files map[string][]fixtures.Column
	// want are the rows of each check, as FILE:NUMBER; a reason in place of rows says why there is no SQL.
	want map[string][]string
	why  map[string]string
}

func plantedAsOf() time.Time { return time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC) }

func at(hour int) time.Time { return time.Date(2026, 11, 2, hour, 0, 0, 0, time.UTC) }

func values(name string, of fixtures.Type, all ...any) fixtures.Column {
	return fixtures.Column{Name: name, Type: of, Values: all}
}

func plantedView(change func(*model.View)) model.View {
	v := model.View{Name: "v", Path: "**/*.parquet", EventTime: model.TimeColumn{Column: "event_time"}, Entity: []string{"user"}, Key: []string{"id"},
		Tolerance: model.DefaultTolerance, TTL: model.TTL{Duration: 24 * time.Hour, Explicit: true, OnWire: "set"}, Origins: model.ParseOrigins(map[string]string{"name": "test"})}
	change(&v)
	return v
}

// numbered are the ids 0, 1, 2 ... of a column.
func numbered(name string, n int) fixtures.Column {
	c := fixtures.Column{Name: name, Type: fixtures.Int64Type}
	for i := range n {
		c.Values = append(c.Values, i)
	}
	return c
}

func plantedStores() []planted {
	texts := []string{"2026-11-02T01:00:00Z", "2026-11-02 01:00:00", "2026-11-02t01:00:00.123456789+05:30", "2026-11-02T01:00:00,5-0800", "2026-11-02T01:00:00+05",
		"2026-02-30T01:00:00Z", "2026-11-02T24:00:00Z", "2026-11-02T01:00:60Z", "2026-11-02T01:00Z", "2026-11-02T01:00:00.Z", "2026-11-02T01:00:00+5:30",
		"2026-11-02T01:00:00+24:00", " 2026-11-02T01:00:00Z", "2026-11-02T01:00:00Z ", "", "+2026-11-02T01:00:00Z", "2026-11-02T01:00:00z", "2026-11-02T01:00:00Z\n",
		"1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "２026-11-02T01:00:00Z", "2026-11-02T01:00:00.999999999999999999999999Z"}
	rfc := fixtures.Column{Name: "event_time", Type: fixtures.TextType}
	raw := fixtures.Column{Name: "event_time", Type: fixtures.Type{Kind: fixtures.Bytes}}
	for _, text := range texts {
		rfc.Values, raw.Values = append(rfc.Values, text), append(raw.Values, text)
	}
	raw.Values = append(raw.Values, "2026-11-02T01:00:00Z\xff", nil)
	badTexts := []string{":5", ":6", ":7", ":8", ":9", ":10", ":11", ":12", ":13", ":14", ":15", ":17", ":18", ":19", ":20", ":21"}
	in := func(file string, numbers []string) []string {
		var all []string
		for _, n := range numbers {
			all = append(all, file+n)
		}
		return all
	}
	numbers := []any{1793581200.0, math.NaN(), 1793581200.25, math.Inf(1), 1e300, -1.0, nil, 1793581200.9999996}
	odd := []fixtures.Column{values("event_time", fixtures.AwareType, at(1), nil, at(30), at(2)), values("id", fixtures.Int64Type, 1, 2, 3, 1),
		values("user", fixtures.Int64Type, 1, 2, 3, 4)}
	for _, name := range []string{"filename", "file_row_number", "rows", "files", "file_name", "partition_value", "event_us", "key_1", "nth", "source_name", "in_range"} {
		odd = append(odd, values(name, fixtures.TextType, "a", "b", "c", "d"))
	}
	day := func(c ...fixtures.Column) []fixtures.Column { return append(c, numbered("id", len(c[0].Values))) }
	return []planted{
		{name: "texts", view: plantedView(func(v *model.View) { v.Key = nil; v.Entity = nil }), files: map[string][]fixtures.Column{"a.parquet": {rfc}, "b.parquet": {raw}},
			want: map[string][]string{"null-event-time": slices.Concat(in("a.parquet", badTexts), in("b.parquet", append(badTexts, ":23", ":24")))}},
		{name: "pattern", view: plantedView(func(v *model.View) { v.EventTime.Format = "%d-%b-%y %I:%M%p"; v.Key = nil; v.Entity = nil }),
			files: map[string][]fixtures.Column{"it's.parquet": {values("event_time", fixtures.TextType, "02-NOV-26 01:00AM", "2-november-26 1:00pm", "31-Nov-26 01:00AM",
				"02-NOV-26 13:00AM", "02-NOV-69 01:00AM", nil)}},
			want: map[string][]string{"null-event-time": {"it's.parquet:2", "it's.parquet:3", "it's.parquet:4", "it's.parquet:5"}}},
		{name: "floats", view: plantedView(func(v *model.View) { v.EventTime.Unit = "s"; v.Entity = nil }),
			files: map[string][]fixtures.Column{"a.parquet": day(values("event_time", fixtures.FloatType, numbers...))},
			want:  map[string][]string{"null-event-time": {"a.parquet:1", "a.parquet:3", "a.parquet:4", "a.parquet:5", "a.parquet:6"}}},
		{name: "names that queries use", view: plantedView(func(*model.View) {}),
			files: map[string][]fixtures.Column{"a.parquet": odd, "b.parquet": odd[:3]},
			want: map[string][]string{"null-event-time": {"a.parquet:1", "b.parquet:1"}, "future-rows": {"a.parquet:2", "b.parquet:2"},
				"duplicate-keys": {"a.parquet:3", "b.parquet:0", "b.parquet:1", "b.parquet:2", "b.parquet:3"}}},
		{name: "a key of such names", view: plantedView(func(v *model.View) {
			v.Key, v.Entity = []string{"filename", "file_row_number", "key_1"}, []string{"files"}
		}),
			files: map[string][]fixtures.Column{"a.parquet": {values("event_time", fixtures.AwareType, at(1), at(2), at(3)), values("filename", fixtures.TextType, "x", "x", nil),
				values("file_row_number", fixtures.Int64Type, 7, 7, 7), values("key_1", fixtures.TextType, "y", "y", "y"), values("files", fixtures.TextType, "z", "z", nil)}},
			want: map[string][]string{"duplicate-keys": {"a.parquet:1"}, "null-keys": {"a.parquet:2"}}},
		{name: "letters of either case", view: plantedView(func(v *model.View) { v.Key = []string{"ID"} }),
			files: map[string][]fixtures.Column{"a.parquet": {values("event_time", fixtures.AwareType, at(1), at(2), nil), values("id", fixtures.Int64Type, 1, 2, 3),
				values("ID", fixtures.Int64Type, 5, 5, nil), values("user", fixtures.Int64Type, 1, 2, 3)}},
			want: map[string][]string{"duplicate-keys": {"a.parquet:1"}, "null-keys": {"a.parquet:2"}, "null-event-time": {"a.parquet:2"}}},
		{name: "a name of the query's own", view: plantedView(func(v *model.View) { v.Key = nil; v.Entity = nil }),
			files: map[string][]fixtures.Column{"a.parquet": {values("event_time", fixtures.AwareType, at(1), nil), values("Audited_source", fixtures.TextType, "a", "b")}},
			why:   map[string]string{"null-event-time": "column Audited_source begins with audited_"}},
		{name: "placeholders that arrived", view: plantedView(func(v *model.View) {
			v.IngestedAt = model.TimeColumn{Column: "ingested_at"}
			v.TimePartition = model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfIngestedAt, Expected: model.ExpectAny}
		}), files: map[string][]fixtures.Column{"dt=2026-11-02/a.parquet": {values("event_time", fixtures.AwareType, time.Unix(0, 0), nil, nil, at(1)),
			values("ingested_at", fixtures.AwareType, at(-30), at(-30), at(3), at(2)), numbered("id", 4), numbered("user", 4)}},
			want: map[string][]string{"null-event-time": {"dt=2026-11-02/a.parquet:0", "dt=2026-11-02/a.parquet:1", "dt=2026-11-02/a.parquet:2"},
				"misfiled-rows": {"dt=2026-11-02/a.parquet:1"}}},
		{name: "own columns", view: plantedView(func(v *model.View) {
			v.TimePartition = model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime, Expected: model.ExpectAny}
		}), files: map[string][]fixtures.Column{
			"dt=2026-11-02/a.parquet": {values("event_time", fixtures.AwareType, at(1), at(2), at(3), at(-1), nil), values("dt", fixtures.TextType, "2026-11-02", "20261102", "2026-11-01", "2026-11-02", "1"), numbered("id", 5), numbered("user", 5)},
			"dt=2026-11-01/a.parquet": {values("event_time", fixtures.AwareType, at(-1), at(1)), values("DT", fixtures.Int64Type, 20261102, 20261102), values("id", fixtures.Int64Type, 11, 12), numbered("user", 2)}},
			want: map[string][]string{"misfiled-rows": {"dt=2026-11-01/a.parquet:0", "dt=2026-11-01/a.parquet:1", "dt=2026-11-02/a.parquet:2", "dt=2026-11-02/a.parquet:3"}, "null-event-time": {"dt=2026-11-02/a.parquet:4"},
				"stale-rows": {"dt=2026-11-02/a.parquet:3"}, "stale-entities": {"dt=2026-11-02/a.parquet:3"}}},
		{name: "entities", view: plantedView(func(v *model.View) { v.Entity = []string{"user", "region"} }),
			files: map[string][]fixtures.Column{"a.parquet": {values("event_time", fixtures.AwareType, at(-40), at(-30), at(1), at(-50), at(-60), at(30), at(-70)),
				values("user", fixtures.Type{Kind: fixtures.Int, Width: 32}, 1, 1, 2, 2, nil, 3, 3), values("region", fixtures.TextType, "a", "a", "a", "b", "c", "d", "d"), numbered("id", 7)},
				"b.parquet": {values("event_time", fixtures.AwareType, at(-35)), values("user", fixtures.Int64Type, 2), values("region", fixtures.TextType, "b"), values("id", fixtures.Int64Type, 9)}},
			want: map[string][]string{"stale-entities": {"a.parquet:1", "a.parquet:6", "b.parquet:0"}, "future-rows": {"a.parquet:5"}}},
		{name: "entities of snapshots", view: plantedView(func(v *model.View) {
			v.TimePartition = model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfSnapshot, Expected: model.ExpectAny}
		}), files: map[string][]fixtures.Column{
			"dt=2026-10-30/a.parquet": {values("event_time", fixtures.AwareType, at(-90), at(-91)), values("user", fixtures.TextType, "a", "b"), numbered("id", 2)},
			"dt=2026-11-02/a.parquet": {values("event_time", fixtures.AwareType, at(-90)), values("user", fixtures.TextType, "a"), numbered("id", 1)}},
			want: map[string][]string{"stale-entities": {"dt=2026-10-30/a.parquet:1"}}},
		{name: "sources that are sensitive", view: plantedView(func(v *model.View) {
			v.Source, v.Sensitive, v.Zone = model.SourceColumn{Column: "source"}, []string{"source"}, "UTC"
			v.Sources = []model.SourcePolicy{{Name: "secret", Zone: "Asia/Tokyo"}}
		}), files: map[string][]fixtures.Column{"a.parquet": {values("event_time", fixtures.NaiveType, at(1), nil), values("source", fixtures.TextType, "secret", "b"), numbered("id", 2), numbered("user", 2)}},
			why: map[string]string{"null-event-time": "column source is sensitive", "stale-entities": "column source is sensitive"}},
	}
}

// TestReproduceNamesTheVeryRows compares rows one by one, both those of a report's SQL and those that --out rows writes.
func TestReproduceNamesTheVeryRows(t *testing.T) {
	for _, p := range plantedStores() {
		t.Run(p.name, func(t *testing.T) {
			dir := t.TempDir()
			for path, columns := range p.files {
				if err := fixtures.Write(filepath.Join(dir, path), fixtures.Table{Columns: columns}, fixtures.Options{Modified: plantedAsOf().Add(-time.Hour)}); err != nil {
					t.Fatal(err)
				}
			}
			t.Chdir(dir)
			audited := auditPlanted(t, dir, p.view)
			for _, r := range audited.Report.Results {
				if r.Outcome == report.Error {
					t.Errorf("%s: %s, want r.Outcome != report.Error", r.Check, r.Reason)
				}
				why := p.why[r.Check]
				if (why == "") != (r.ReproduceMissing == "") || !strings.Contains(r.ReproduceMissing, why) {
					t.Errorf("%s: missing since %q, want %q", r.Check, r.ReproduceMissing, why)
				}
				if strings.Contains(r.Reproduce+r.ReproduceMissing, "secret") {
					t.Errorf("%s shows a sensitive value:\n%s", r.Check, r.Reproduce)
				}
				want, planted := p.want[r.Check]
				if !planted {
					if r.Reproduce != "" {
						t.Errorf("%s found %d bad rows that were not planted: %v", r.Check, r.RowsBad, reproduce(t, r))
					}
					continue
				}
				if int(r.RowsBad) != len(want) {
					t.Errorf("%s counts %d, want %d", r.Check, r.RowsBad, len(want))
				}
				if got := reproduce(t, r); !slices.Equal(got, want) {
					t.Errorf("%s gives\n%v, want\n%v\n%s", r.Check, got, want, r.Reproduce)
				}
				if got := fetched(t, audited, r.Check); !slices.Equal(got, want) {
					t.Errorf("--out rows gives of %s\n%v, want\n%v", r.Check, got, want)
				}
			}
		})
	}
}

func auditPlanted(t *testing.T, dir string, view model.View) audit.Audit {
	t.Helper()
	view.Root = dir
	audited, err := audit.Run(t.Context(), audit.Options{BadRows: true, Views: []model.View{view}, AsOf: plantedAsOf(), AsOfGiven: true, SelectChecks: reproduced, Threads: 2, TempDir: t.TempDir(),
		RowsLimit: 1000, Adapters: realAdapters(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, audited.Report)
	return audited
}

// fetched are the rows of a check as --out rows asks for them.
func fetched(t *testing.T, audited audit.Audit, check string) []string {
	t.Helper()
	db, err := duckdb.Open(duckdb.Config{Threads: 2, MemoryLimit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var rows []string
	for _, b := range audited.BadRows {
		if b.Check != check || b.SQL == "" {
			continue
		}
		if err := db.Select(t.Context(), b.SQL, func(row []*string) bool {
			rows = append(rows, b.Paths[*row[0]]+":"+*row[1])
			return true
		}); err != nil {
			t.Errorf("%v\n%s", err, b.SQL)
		}
	}
	return rows
}

// TestReproduceOfManyFiles has more files than a report names, and rows that only the scan can tell: both are written all the same.
func TestReproduceOfManyFiles(t *testing.T) {
	dir := t.TempDir()
	var nulls, repeats []string
	for i := range 501 {
		path := fmt.Sprintf("%03d.parquet", i)
		// nanoseconds of aware times are beyond what DuckDB reads
		table := fixtures.Table{Columns: []fixtures.Column{values("event_time", fixtures.Type{Kind: fixtures.Timestamp, Unit: "ns", UTC: true}, nil, at(1)),
			values("id", fixtures.Int64Type, i+1, 0), numbered("user", 2)}}
		if err := fixtures.Write(filepath.Join(dir, path), table, fixtures.Options{Modified: plantedAsOf().Add(-time.Hour)}); err != nil {
			t.Fatal(err)
		}
		nulls = append(nulls, path+":0")
		if i > 0 {
			repeats = append(repeats, path+":1")
		}
	}
	audited := auditPlanted(t, dir, plantedView(func(v *model.View) { v.Key = []string{"id", "event_time"}; v.Entity = nil }))
	want := map[string][]string{"null-event-time": nulls, "null-keys": nulls, "duplicate-keys": repeats}
	for _, r := range audited.Report.Results {
		rows, planted := want[r.Check]
		if !planted {
			continue
		}
		if r.Reproduce != "" || !strings.HasSuffix(r.ReproduceMissing, "501 files, more than the 500 that fit a report; --out rows=PATH writes the rows") {
			t.Errorf("%s: %q, missing since %q", r.Check, r.Reproduce, r.ReproduceMissing)
		}
		if got := fetched(t, audited, r.Check); !slices.Equal(got, rows) {
			t.Errorf("--out rows gives of %s\n%v, want\n%v", r.Check, got, rows)
		}
	}
}
