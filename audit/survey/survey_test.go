package survey

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/times"
)

func TestLogicalTypes(t *testing.T) {
	one := [][]int64{{1}}
	old := func(name string, physical parquet.Type, converted schema.ConvertedType, length, precision, scale int) schema.Node {
		n, err := schema.NewPrimitiveNodeConverted(name, parquet.Repetitions.Required, physical, converted, length, precision, scale, -1)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	int32s, int64s, fixed, text := parquet.Types.Int32, parquet.Types.Int64, parquet.Types.FixedLenByteArray, parquet.Types.ByteArray
	tests := []struct {
		node schema.Node
		want facts.Column
	}{
		{timestamp(t, "aware_us", true, schema.TimeUnitMicros), facts.Column{Physical: "INT64", Logical: "timestamp", Unit: "us", AdjustedToUTC: true, Width: 64, TypeText: "TIMESTAMP(us, UTC)"}},
		{timestamp(t, "naive_ns", false, schema.TimeUnitNanos), facts.Column{Physical: "INT64", Logical: "timestamp", Unit: "ns", Width: 64, TypeText: "TIMESTAMP(ns)"}},
		{old("old_ms", int64s, schema.ConvertedTypes.TimestampMillis, 0, 0, 0), facts.Column{Physical: "INT64", Logical: "timestamp", Unit: "ms", AdjustedToUTC: true, Width: 64, TypeText: "TIMESTAMP(ms, UTC)"}},
		{leafNode(t, "i96", schema.NoLogicalType{}, parquet.Types.Int96, 0), facts.Column{Physical: "INT96", TypeText: "INT96"}},
		{leafNode(t, "date", schema.DateLogicalType{}, int32s, 0), facts.Column{Physical: "INT32", Logical: "date", Width: 32, TypeText: "DATE"}},
		{leafNode(t, "time", schema.NewTimeLogicalType(false, schema.TimeUnitMicros), int64s, 0), facts.Column{Physical: "INT64", Logical: "time", Unit: "us", Width: 64, TypeText: "TIME(us)"}},
		{leafNode(t, "uuid", schema.UUIDLogicalType{}, fixed, 16), facts.Column{Physical: "FIXED_LEN_BYTE_ARRAY", Logical: "uuid", Width: 16, TypeText: "UUID"}},
		{leafNode(t, "dec32", schema.NewDecimalLogicalType(9, 2), int32s, 0), facts.Column{Physical: "INT32", Logical: "decimal", Precision: 9, Scale: 2, Width: 32, TypeText: "DECIMAL(9,2)"}},
		{leafNode(t, "dec64", schema.NewDecimalLogicalType(18, 4), int64s, 0), facts.Column{Physical: "INT64", Logical: "decimal", Precision: 18, Scale: 4, Width: 64, TypeText: "DECIMAL(18,4)"}},
		{leafNode(t, "decfix", schema.NewDecimalLogicalType(38, 10), fixed, 16), facts.Column{Physical: "FIXED_LEN_BYTE_ARRAY", Logical: "decimal", Precision: 38, Scale: 10, Width: 16, TypeText: "DECIMAL(38,10)"}},
		{old("decbytes", text, schema.ConvertedTypes.Decimal, 0, 12, 3), facts.Column{Physical: "BYTE_ARRAY", Logical: "decimal", Precision: 12, Scale: 3, TypeText: "DECIMAL(12,3)"}},
		{float16(t, "half"), facts.Column{Physical: "FIXED_LEN_BYTE_ARRAY", Logical: "float16", Width: 2, TypeText: "FLOAT16"}},
		{leafNode(t, "u8", schema.NewIntLogicalType(8, false), int32s, 0), facts.Column{Physical: "INT32", Logical: "int", Width: 8, Unsigned: true, TypeText: "UINT8"}},
		{old("i16", int32s, schema.ConvertedTypes.Int16, 0, 0, 0), facts.Column{Physical: "INT32", Logical: "int", Width: 16, TypeText: "INT16"}},
		{old("u64", int64s, schema.ConvertedTypes.Uint64, 0, 0, 0), facts.Column{Physical: "INT64", Logical: "int", Width: 64, Unsigned: true, TypeText: "UINT64"}},
		{leafNode(t, "i64", schema.NoLogicalType{}, int64s, 0), facts.Column{Physical: "INT64", Width: 64, TypeText: "INT64"}},
		{leafNode(t, "str", schema.StringLogicalType{}, text, 0), facts.Column{Physical: "BYTE_ARRAY", Logical: "string", TypeText: "STRING"}},
		{old("utf8", text, schema.ConvertedTypes.UTF8, 0, 0, 0), facts.Column{Physical: "BYTE_ARRAY", Logical: "string", TypeText: "STRING"}},
		{leafNode(t, "json", schema.JSONLogicalType{}, text, 0), facts.Column{Physical: "BYTE_ARRAY", Logical: "json", TypeText: "JSON"}},
		{leafNode(t, "enum", schema.EnumLogicalType{}, text, 0), facts.Column{Physical: "BYTE_ARRAY", Logical: "enum", TypeText: "ENUM"}},
		{leafNode(t, "blob", schema.NoLogicalType{}, text, 0), facts.Column{Physical: "BYTE_ARRAY", TypeText: "BYTES"}},
		{leafNode(t, "fix", schema.NoLogicalType{}, fixed, 5), facts.Column{Physical: "FIXED_LEN_BYTE_ARRAY", Width: 5, TypeText: "FIXED(5)"}},
		{leafNode(t, "double", schema.NoLogicalType{}, parquet.Types.Double, 0), facts.Column{Physical: "DOUBLE", TypeText: "DOUBLE"}},
		{leafNode(t, "bool", schema.NoLogicalType{}, parquet.Types.Boolean, 0), facts.Column{Physical: "BOOLEAN", TypeText: "BOOLEAN"}},
	}
	root := t.TempDir()
	var columns []column
	for _, tt := range tests {
		columns = append(columns, column{tt.node, one})
	}
	write(t, filepath.Join(root, "a.parquet"), "", columns...)
	s := survey(t, root)
	if p := s.Files[0].Problem; p != nil {
		t.Fatal(p)
	}
	for i, tt := range tests {
		want := tt.want
		want.Name, want.Path = tt.node.Name(), tt.node.Name()
		if got := s.Schemas[0].Columns[i]; got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", want.Name, got, want)
		}
	}
}

func TestNestedColumns(t *testing.T) {
	root := t.TempDir()
	india := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Asia/Kolkata"}
	sc := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "event", Type: arrow.StructOf(arrow.Field{Name: "at", Type: india}, arrow.Field{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String)},
			arrow.Field{Name: "geo", Type: arrow.StructOf(arrow.Field{Name: "lat", Type: arrow.PrimitiveTypes.Float64})}), Nullable: true},
		{Name: "scores", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32)},
		{Name: "attrs", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64)},
		{Name: "ts", Type: india},
		{Name: "local", Type: &arrow.TimestampType{Unit: arrow.Nanosecond}},
	}, nil)
	writeArrow(t, filepath.Join(root, "a.parquet"), sc, func(*array.RecordBuilder) {})
	s := survey(t, root, model.TimeColumn{Column: "event.at"})
	var got []string
	for _, c := range s.Schemas[0].Columns {
		got = append(got, fmt.Sprintf("%s %s %s %v %s", c.Name, c.Path, c.TypeText, c.Nested, c.Zone))
	}
	want := []string{
		"id id INT64 false ",
		"event event STRUCT<at: TIMESTAMP(us, UTC), tags: LIST<STRING>, geo: STRUCT<lat: DOUBLE>> true ",
		"event event.at TIMESTAMP(us, UTC) false Asia/Kolkata",
		"event event.geo.lat DOUBLE false ",
		"scores scores LIST<INT32> true ",
		"attrs attrs MAP<STRING, INT64> true ",
		"ts ts TIMESTAMP(us, UTC) false Asia/Kolkata",
		"local local TIMESTAMP(ns) false ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if c := s.Schemas[0].Lookup("event.at"); c == nil || !c.Optional {
		t.Errorf("lookup of a struct path: %+v", c)
	}
}

func TestRowGroupBoundsAndSchemas(t *testing.T) {
	root := t.TempDir()
	day := micros(t, "2026-11-03T00:00:00Z")
	us := timestamp(t, "event_time", true, schema.TimeUnitMicros)
	id := leafNode(t, "id", schema.NoLogicalType{}, parquet.Types.Int64, 0)
	write(t, filepath.Join(root, "a.parquet"), "", column{us, [][]int64{{day + 5, day, day + 2}, {day + 100}}}, column{id, [][]int64{{1, 2, 3}, {4}}})
	write(t, filepath.Join(root, "b.parquet"), "", column{us, [][]int64{{day - 1}}}, column{id, [][]int64{{9}}})
	write(t, filepath.Join(root, "c.parquet"), "", column{timestamp(t, "event_time", false, schema.TimeUnitMicros), [][]int64{{day}}}, column{id, [][]int64{{1}}})
	write(t, filepath.Join(root, "d.parquet"), "parquet-mr version 1.13.1 (build db4183109d)", column{us, [][]int64{{day}}}, column{id, [][]int64{{1}}})
	s := survey(t, root, model.TimeColumn{Column: "event_time"})
	if got := []int32{s.Files[0].Schema, s.Files[1].Schema, s.Files[2].Schema, s.Files[3].Schema}; !slices.Equal(got, []int32{0, 0, 1, 2}) {
		t.Errorf("schemas %v", got)
	}
	a := s.Files[0]
	want := []facts.RowGroup{{Rows: 3, EventMin: day, EventMax: day + 5, HasEventBounds: true}, {Rows: 1, EventMin: day + 100, EventMax: day + 100, HasEventBounds: true}}
	if a.Rows != 4 || !slices.Equal(a.RowGroups, want) {
		t.Errorf("got %d rows %+v", a.Rows, a.RowGroups)
	}
	if s.Files[3].Writer != "parquet-mr" || !s.Schemas[2].Int96Aware || s.Schemas[0].Int96Aware {
		t.Errorf("writers %q %v", s.Files[3].Writer, s.Schemas)
	}
}

func TestBySource(t *testing.T) {
	root := t.TempDir()
	a, b := timestamp(t, "a", true, schema.TimeUnitMicros), timestamp(t, "b", true, schema.TimeUnitMicros)
	write(t, filepath.Join(root, "x.parquet"), "", column{a, [][]int64{{10}}}, column{b, [][]int64{{20}}})
	listing := listOf(t, root)
	view := model.View{EventTime: model.TimeColumn{Column: "a"}, Source: model.SourceColumn{Column: "source"},
		Sources: []model.SourcePolicy{{Name: "s", EventTime: model.TimeColumn{Column: "b"}}}}
	for source, want := range map[string]facts.RowGroup{
		"s": {Rows: 1, EventMin: 20, EventMax: 20, HasEventBounds: true},
		// A column says the source, so that neither a nor b bounds all rows.
		"": {Rows: 1},
	} {
		listing.Files[0].Source = source
		s, err := Survey(context.Background(), local.New(), listing, RolesOf(view), 1, nil)
		if err != nil || s.Files[0].RowGroups[0] != want {
			t.Errorf("source %q: got %+v %v", source, s.Files[0].RowGroups, err)
		}
	}
}

func TestWriters(t *testing.T) {
	for createdBy, want := range map[string]string{
		"parquet-cpp-arrow version 17.0.0":             "parquet-cpp-arrow",
		"parquet-mr version 1.13.1 (build db4183109d)": "parquet-mr",
		"DuckDB version v1.4.1 (build b390a7c376)":     "DuckDB",
		"DuckDB": "DuckDB",
		"Polars": "Polars",
		"github.com/parquet-go/parquet-go version 0.23.0(build )": "github.com/parquet-go/parquet-go",
		"parquet-go version 17.0.0":                               "parquet-go",
		"parquet-rs version 53.0.0":                               "parquet-rs",
		"fastparquet-python version 2024.5.0 (build 0)":           "fastparquet-python",
		"ClickHouse v24.3.1":                                      "ClickHouse",
		"Apache Spark 4.0.0":                                      "Apache Spark",
		"":                                                        "",
	} {
		if got := writerOf(createdBy); got != want {
			t.Errorf("%q: got %q, want %q", createdBy, got, want)
		}
	}
}

func TestEpochUnit(t *testing.T) {
	s := int64(1_793_664_000) // 2026-11-03
	tests := []struct {
		min, max int64
		want     string
	}{
		{s, s + 100, "s"}, {s * 1000, s*1000 + 1, "ms"}, {s * 1e6, s * 1e6, "us"}, {s * 1e9, s * 1e9, "ns"},
		{0, s * 1000, "ms"}, {-1, s, "s"}, {s * 1000, maxInt64, "ms"},
		{s, s * 1000, ""}, {0, 5, ""}, {20_000, 20_700, ""}, {0, maxInt64, ""},
	}
	for _, tt := range tests {
		if got, ok := EpochUnit(tt.min, tt.max); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%d..%d: got %q %v, want %q", tt.min, tt.max, got, ok, tt.want)
		}
	}
}

func TestEpochColumns(t *testing.T) {
	root := t.TempDir()
	s := int64(1_793_664_000)
	ts := leafNode(t, "ts", schema.NoLogicalType{}, parquet.Types.Int64, 0)
	write(t, filepath.Join(root, "a.parquet"), "", column{ts, [][]int64{{s, s + 9}}})
	write(t, filepath.Join(root, "b.parquet"), "", column{ts, [][]int64{{s * 1000}}})
	write(t, filepath.Join(root, "c.parquet"), "", column{ts, [][]int64{{s - 7}}})
	got := survey(t, root, model.TimeColumn{Column: "ts"})
	if len(got.Schemas) != 2 || got.Files[0].Schema != 0 || got.Files[1].Schema != 1 || got.Files[2].Schema != 0 {
		t.Fatalf("schemas %+v", got.Schemas)
	}
	c := got.Schemas[0].Columns[0]
	if c.EpochUnit != "s" || !c.HasBounds || c.Min != s-7 || c.Max != s+9 || got.Schemas[1].Columns[0].EpochUnit != "ms" {
		t.Errorf("columns %+v", got.Schemas)
	}
	if want := []string{"column ts: the numbers of 1 file are read as ms since 1970, by their magnitude", "column ts: the numbers of 2 files are read as s since 1970, by their magnitude"}; !slices.Equal(got.Notes, want) {
		t.Errorf("notes %q", got.Notes)
	}
}

// A file that has no times, or sentinels only, is read as the others.
func TestEpochUnitIsAdopted(t *testing.T) {
	root := t.TempDir()
	ts := leafNode(t, "ts", schema.NoLogicalType{}, parquet.Types.Int64, 0)
	write(t, filepath.Join(root, "a.parquet"), "", column{ts, [][]int64{{0}}})
	write(t, filepath.Join(root, "b.parquet"), "", column{ts, [][]int64{{1_793_664_000_000}}})
	got := survey(t, root, model.TimeColumn{Column: "ts"})
	if len(got.Schemas) != 1 || got.Files[0].Problem != nil || got.Schemas[0].Columns[0].EpochUnit != "ms" {
		t.Errorf(`got %+v, %v, want len(got.Schemas) == 1 && got.Files[0].Problem == nil && got.Schemas[0].Columns[0].EpochUnit == "ms"`, got.Schemas, got.Files[0].Problem)
	}
}

// The view's other files tell the unit whatever their schema is, and those that most files tell where they disagree.
func TestEpochUnitIsAdoptedFromOtherSchemas(t *testing.T) {
	root := t.TempDir()
	ts := leafNode(t, "ts", schema.NoLogicalType{}, parquet.Types.Int64, 0)
	other := leafNode(t, "other", schema.NoLogicalType{}, parquet.Types.Int64, 0)
	write(t, filepath.Join(root, "a.parquet"), "", column{ts, [][]int64{{0}}}, column{other, [][]int64{{1}}})
	write(t, filepath.Join(root, "b.parquet"), "", column{ts, [][]int64{{1_793_664_000_000}}})
	write(t, filepath.Join(root, "c.parquet"), "", column{ts, [][]int64{{1_793_664_000}}})
	write(t, filepath.Join(root, "d.parquet"), "", column{ts, [][]int64{{1_793_664_001_000}}})
	got := survey(t, root, model.TimeColumn{Column: "ts"})
	if c := got.Schemas[0].Columns[0]; got.Files[0].Problem != nil || c.EpochUnit != "ms" {
		t.Errorf(`got %+v, %v, want got.Files[0].Problem == nil && c.EpochUnit == "ms"`, c, got.Files[0].Problem)
	}
	if want := []string{"column ts: the numbers of 2 files are read as ms since 1970, by their magnitude", "column ts: the numbers of 1 file are read as s since 1970, by their magnitude",
		"column ts: 1 file holds no number that tells its unit, and is read in the unit of most others"}; !slices.Equal(slices.Sorted(slices.Values(got.Notes)), slices.Sorted(slices.Values(want))) {
		t.Errorf("%q, want slices.Equal(slices.Sorted(slices.Values(got.Notes)), slices.Sorted(slices.Values(want)))", got.Notes)
	}
	write(t, filepath.Join(root, "lonely", "a.parquet"), "", column{ts, [][]int64{{0}}})
	lonely := survey(t, filepath.Join(root, "lonely"), model.TimeColumn{Column: "ts"})
	if p := lonely.Files[0].Problem; p == nil || !strings.Contains(p.Message, "unit unknown") {
		t.Errorf("none tells the unit: %v", p)
	}
}

// A unit that a source declares is that of its own files.
func TestUnitOfASource(t *testing.T) {
	v := model.View{EventTime: model.TimeColumn{Column: "ts"}, IngestedAt: model.TimeColumn{Column: "at"},
		Sources: []model.SourcePolicy{{Name: "batch", EventTime: model.TimeColumn{Column: "ts", Unit: "ms"}}, {Name: "stream"}}}
	roles := RolesOf(v)
	for source, want := range map[string][]model.TimeColumn{
		"batch":   {{Column: "ts", Unit: "ms"}, {Column: "at"}},
		"stream":  {{Column: "ts"}, {Column: "at"}},
		"unknown": {{Column: "ts"}, {Column: "at"}},
		"":        {{Column: "ts"}, {Column: "at"}, {Column: "ts", Unit: "ms"}},
	} {
		if got := roles.timesOf(facts.File{Source: source}); !slices.Equal(got, want) {
			t.Errorf("source %q: %v, want %v", source, got, want)
		}
	}
	number := facts.Schema{Columns: []facts.Column{{Name: "ts", Path: "ts", Physical: "INT64", TypeText: "INT64", HasBounds: true}}}
	for source, readable := range map[string]bool{"batch": true, "stream": false, "": false} {
		f := facts.File{Source: source, Rows: 1}
		if p := problemOf(roles, reading{schema: number}, f); (p == nil) != readable {
			t.Errorf("source %q: %v", source, p)
		}
	}
}

func TestSensitiveNumbersAreNotShown(t *testing.T) {
	v := model.View{EventTime: model.TimeColumn{Column: "meta.ts"}, Sensitive: []string{"META"}}
	number := facts.Schema{Columns: []facts.Column{{Name: "meta", Path: "meta.ts", Physical: "INT64", TypeText: "INT64", Min: 12345, Max: 67890, HasBounds: true}}}
	p := problemOf(RolesOf(v), reading{schema: number}, facts.File{Rows: 1})
	if p == nil || strings.Contains(p.Message, "12345") || strings.Contains(p.Message, "67890") {
		t.Errorf(`%v, want p != nil && !(strings.Contains(p.Message, "12345")) && !(strings.Contains(p.Message, "67890"))`, p)
	}
	v.Sensitive = []string{"met"}
	if p := problemOf(RolesOf(v), reading{schema: number}, facts.File{Rows: 1}); p == nil || !strings.Contains(p.Message, "from 12345 to 67890") {
		t.Errorf(`%v, want p != nil && strings.Contains(p.Message, "from 12345 to 67890")`, p)
	}
}

func TestNotesOfUnusedUnits(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a.parquet"), "", column{leafNode(t, "ts", schema.StringLogicalType{}, parquet.Types.ByteArray, 0), [][]int64{{1}}})
	write(t, filepath.Join(root, "b.parquet"), "", column{leafNode(t, "ts", schema.NoLogicalType{}, parquet.Types.Int64, 0), [][]int64{{1_793_664_000}}})
	got := survey(t, root, model.TimeColumn{Column: "ts", Unit: "s"}).Notes
	if want := []string{"column ts: its unit or format is not used in 1 file, where it is STRING: a unit is for numbers, a format for text"}; !slices.Equal(got, want) {
		t.Errorf("%q, want slices.Equal(got, want)", got)
	}
	if got := survey(t, root, model.TimeColumn{Column: "ts"}).Notes; len(got) != 1 || strings.Contains(got[0], "not used") {
		t.Errorf(`%q, want len(got) == 1 && !(strings.Contains(got[0], "not used"))`, got)
	}
}

func TestUnsupportedTimes(t *testing.T) {
	one := [][]int64{{1}}
	tests := []struct {
		node   schema.Node
		column model.TimeColumn
		want   string
	}{
		{leafNode(t, "b", schema.NoLogicalType{}, parquet.Types.Boolean, 0), model.TimeColumn{Column: "b"}, `time column "b" is BOOLEAN`},
		{leafNode(t, "n", schema.NoLogicalType{}, parquet.Types.Int64, 0), model.TimeColumn{Column: "n"}, `time column "n" holds numbers from 1 to 1`},
		{leafNode(t, "n", schema.NoLogicalType{}, parquet.Types.Int64, 0), model.TimeColumn{Column: "n", Unit: "s"}, ""},
		{leafNode(t, "i", schema.NoLogicalType{}, parquet.Types.Int96, 0), model.TimeColumn{Column: "i"}, ""},
		{leafNode(t, "s", schema.StringLogicalType{}, parquet.Types.ByteArray, 0), model.TimeColumn{Column: "s"}, ""},
		{leafNode(t, "s", schema.StringLogicalType{}, parquet.Types.ByteArray, 0), model.TimeColumn{Column: "missing"}, ""},
	}
	for _, tt := range tests {
		root := t.TempDir()
		write(t, filepath.Join(root, "a.parquet"), "", column{tt.node, one})
		p := survey(t, root, tt.column).Files[0].Problem
		if tt.want == "" && p != nil || tt.want != "" && (p == nil || p.Kind != facts.ProblemUnsupported || !strings.HasPrefix(p.Message, tt.want)) {
			t.Errorf("%+v: got %v, want %q", tt.column, p, tt.want)
		}
	}
}

// damaged writes a good file and what can happen to it.
func damaged(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	good := filepath.Join(root, "good.parquet")
	us := timestamp(t, "event_time", true, schema.TimeUnitMicros)
	write(t, good, "", column{us, [][]int64{{1, 2, 3}}})
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	corrupt := bytes.Clone(data)
	for i := range 40 {
		corrupt[len(corrupt)-9-i] ^= 0xff
	}
	encrypted := append(bytes.Clone(data[:len(data)-4]), "PARE"...)
	long := bytes.Clone(data)
	long[len(long)-5] = 0x7f
	for name, content := range map[string][]byte{
		"a-empty.parquet": nil, "b-cut.parquet": data[:len(data)-20], "c-csv.parquet": []byte("id,ts\n1,2\n3,4\n"), "d-corrupt.parquet": corrupt,
		"e-encrypted.parquet": encrypted, "f-long.parquet": long, "h-tiny.parquet": []byte("PAR1"), "i-gzip.parquet": []byte("\x1f\x8b\x08\x00aaaaaaaaaaaaaaa"),
	} {
		if err := os.WriteFile(filepath.Join(root, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(root, "j-gone.parquet")); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestProblems(t *testing.T) {
	root := damaged(t)
	closed := filepath.Join(root, "k-closed.parquet")
	if err := os.WriteFile(closed, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	s := survey(t, root, model.TimeColumn{Column: "event_time"})
	got := map[string]facts.ProblemKind{}
	for _, f := range s.Files {
		if f.Problem != nil {
			got[f.Path] = f.Problem.Kind
			if f.Problem.Message == "" || f.Schema != -1 {
				t.Errorf(`%+v, want f.Problem.Message != "" && f.Schema == -1`, f)
			}
			continue
		}
		got[f.Path] = ""
	}
	want := map[string]facts.ProblemKind{"a-empty.parquet": facts.ProblemEmpty, "b-cut.parquet": facts.ProblemTruncated, "c-csv.parquet": facts.ProblemNotParquet,
		"d-corrupt.parquet": facts.ProblemCorrupt, "e-encrypted.parquet": facts.ProblemEncrypted, "f-long.parquet": facts.ProblemTruncated, "good.parquet": "",
		"h-tiny.parquet": facts.ProblemTruncated, "i-gzip.parquet": facts.ProblemNotParquet, "j-gone.parquet": facts.ProblemVanished, "k-closed.parquet": facts.ProblemPermission}
	if os.Geteuid() == 0 {
		// The superuser reads everything.
		want["k-closed.parquet"] = facts.ProblemNotParquet
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestChangedAndRefresh(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "a.parquet")
	us := timestamp(t, "event_time", true, schema.TimeUnitMicros)
	write(t, path, "", column{us, [][]int64{{1, 2, 3}}})
	s := survey(t, root, model.TimeColumn{Column: "event_time"})
	s.Partitions = []facts.Partition{{Rows: 3}}
	s.Files[0].Partition = 0
	ctx := context.Background()
	if p := Changed(ctx, local.New(), s.Files[0]); p != nil {
		t.Errorf("unchanged: %v", p)
	}
	write(t, path, "", column{us, [][]int64{{1, 2, 3}, {4, 5}}}, column{leafNode(t, "new", schema.NoLogicalType{}, parquet.Types.Int64, 0), [][]int64{{0, 0, 0}, {0, 0}}})
	if p := Changed(ctx, local.New(), s.Files[0]); p == nil || p.Kind != facts.ProblemChanged || !p.Retryable() {
		t.Errorf("changed: %v", p)
	}
	roles := RolesOf(model.View{EventTime: model.TimeColumn{Column: "event_time"}})
	if err := Refresh(ctx, local.New(), &s, 0, roles); err != nil {
		t.Fatal(err)
	}
	if f := s.Files[0]; f.Rows != 5 || f.Schema != 1 || len(f.RowGroups) != 2 || f.Problem != nil || s.Partitions[0].Rows != 5 || Changed(ctx, local.New(), f) != nil {
		t.Errorf("refreshed: %+v", f)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if p := Changed(ctx, local.New(), s.Files[0]); p == nil || p.Kind != facts.ProblemVanished {
		t.Errorf("gone: %v", p)
	}
	if err := Refresh(ctx, local.New(), &s, 0, roles); err != nil || s.Files[0].Problem == nil || s.Files[0].Schema != -1 || s.Partitions[0].Rows != 0 {
		t.Errorf("gone: %+v %v", s.Files[0], err)
	}
}

func TestRewrittenFileIsChanged(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "a.parquet")
	write(t, path, "", column{timestamp(t, "event_time", true, schema.TimeUnitMicros), [][]int64{{1}}})
	listing := listOf(t, root)
	if err := os.WriteFile(path, []byte("PAR1 half of it"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Survey(context.Background(), local.New(), listing, Roles{}, 1, nil)
	if err != nil || s.Files[0].Problem == nil || s.Files[0].Problem.Kind != facts.ProblemChanged {
		t.Errorf("got %+v %v, want err == nil && s.Files[0].Problem != nil && s.Files[0].Problem.Kind == facts.ProblemChanged", s.Files[0].Problem, err)
	}
}

func TestProgressAndCancel(t *testing.T) {
	root := damaged(t)
	listing := listOf(t, root)
	var seen []int
	if _, err := Survey(context.Background(), local.New(), listing, Roles{}, 4, func(done int) { seen = append(seen, done) }); err != nil {
		t.Fatal(err)
	}
	if len(seen) != len(listing.Files) || seen[len(seen)-1] != len(listing.Files) {
		t.Errorf("progress %v", seen)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Survey(ctx, local.New(), listing, Roles{}, 4, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want errors.Is(err, context.Canceled)", err)
	}
}

func TestFeast(t *testing.T) {
	root := filepath.Join("..", "..", "fixtures", "feast")
	tests := []struct {
		path, column string
		rows         int64
		encoding     facts.Encoding
		unit         string
	}{
		{"parquet/init_utc/driver_stats.parquet", "event_timestamp", 1807, facts.EncodingAware, "ns"},
		{"parquet/init_utc/driver_stats.parquet", "created", 1807, facts.EncodingNaive, "us"},
		{"parquet/init_ist/driver_stats.parquet", "event_timestamp", 1807, facts.EncodingAware, "ns"},
		{"parquet/init_utc/driver_quality_labels.parquet", "event_timestamp", 0, facts.EncodingNaive, "ns"},
		{"offline/dask/card_txn.parquet", "event_time", 93, facts.EncodingAware, "us"},
		{"offline/duckdb/card_txn.parquet", "event_time", 93, facts.EncodingAware, "us"},
	}
	for _, tt := range tests {
		abs, err := filepath.Abs(filepath.Join(root, tt.path))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(abs)
		if err != nil {
			t.Fatal(err)
		}
		listing := facts.Listing{Files: []facts.File{{Path: tt.path, Abs: abs, Size: info.Size(), ModTime: times.Instant(info.ModTime().UnixMicro()), Partition: -1}}}
		s, err := Survey(context.Background(), local.New(), listing, RolesOf(model.View{EventTime: model.TimeColumn{Column: tt.column}}), 1, nil)
		if err != nil || s.Files[0].Problem != nil {
			t.Fatalf("%s: %v %v, want err == nil && s.Files[0].Problem == nil", tt.path, err, s.Files[0].Problem)
		}
		c := s.Schemas[0].Lookup(tt.column)
		if c == nil || s.Files[0].Rows != tt.rows || s.Schemas[0].Encoding(*c) != tt.encoding || c.Unit != tt.unit {
			t.Errorf("%s: %d rows, %+v", tt.path, s.Files[0].Rows, c)
		}
		if tt.rows > 0 && !s.Files[0].RowGroups[0].HasEventBounds {
			t.Errorf("%s has no bounds", tt.path)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	root := f.TempDir()
	path := filepath.Join(root, "a.parquet")
	write(f, path, "", column{timestamp(f, "event_time", true, schema.TimeUnitMicros), [][]int64{{1, 2}}})
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[len(data)-8-int(binary.LittleEndian.Uint32(data[len(data)-8:])) : len(data)-8])
	f.Add([]byte("PAR1PAR1PAR1"))
	roles := RolesOf(model.View{EventTime: model.TimeColumn{Column: "event_time"}})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := describe(data, facts.File{}, roles); err == nil {
			return
		}
	})
}

func BenchmarkSurvey(b *testing.B) {
	root := b.TempDir()
	var columns []column
	for i := range 18 {
		columns = append(columns, column{leafNode(b, fmt.Sprintf("feature_%d", i), schema.NoLogicalType{}, parquet.Types.Double, 0), [][]int64{{1, 2, 3}}})
	}
	at := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC).UnixMicro()
	columns = append(columns, column{timestamp(b, "event_time", true, schema.TimeUnitMicros), [][]int64{{at, at, at}}},
		column{timestamp(b, "ingested_at", true, schema.TimeUnitMicros), [][]int64{{at, at, at}}})
	for i := range 5000 {
		write(b, filepath.Join(root, fmt.Sprintf("part-%05d.parquet", i)), "", columns...)
	}
	listing := listOf(b, root)
	roles := RolesOf(model.View{EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"}})
	b.ResetTimer()
	for range b.N {
		if _, err := Survey(context.Background(), local.New(), listing, roles, 2, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// markedStore is a store that knows its own mark of a file's bytes.
type markedStore struct {
	local.Store
	etag string
}

func (s markedStore) Stat(ctx context.Context, abs string) (store.Entry, error) {
	entry, err := s.Store.Stat(ctx, abs)
	entry.ETag = s.etag
	return entry, err
}

// TestAFileIsMoreThanItsSizeAndTime: what a store says of the bytes tells a file that was written over within its clock.
func TestAFileIsMoreThanItsSizeAndTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := os.WriteFile(path, []byte("PAR1"), 0o644); err != nil {
		t.Fatal(err)
	}
	entry, err := markedStore{etag: "one"}.Stat(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	f := facts.File{Abs: path, Size: entry.Size, ModTime: times.Instant(entry.ModTime), Identity: facts.Identity{ETag: entry.ETag}}
	if p := Changed(t.Context(), markedStore{etag: "one"}, f); p != nil {
		t.Errorf("the same mark: %+v, want no problem", *p)
	}
	if p := Changed(t.Context(), markedStore{etag: "two"}, f); p == nil || p.Kind != facts.ProblemChanged || !strings.Contains(p.Message, `"one"`) {
		t.Errorf("another mark: %+v, want a file that changed", p)
	}
}
