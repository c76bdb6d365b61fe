package audit_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// typed is a Parquet type with two values that differ as little as two values of it can.
type typed struct {
	name string
	of   fixtures.Type
	a, b any
	// sum is what b adds to a measure; empty where the type is no number, and is refused by name.
	sum string
}

func digits(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		panic(text)
	}
	return n
}

// scalarTypes are all physical and logical types of a leaf that has a role of its own.
func scalarTypes() []typed {
	at := time.Date(2026, 11, 1, 10, 7, 0, 123456789, time.UTC)
	timestamp := func(unit string, utc bool) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Timestamp, Unit: unit, UTC: utc}
	}
	integer := func(width int, unsigned bool) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Int, Width: width, Unsigned: unsigned}
	}
	decimal := func(width, precision, scale int, variable bool) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Decimal, Width: width, Precision: precision, Scale: scale, Variable: variable}
	}
	list := []typed{
		{"BOOLEAN", fixtures.BoolType, true, false, ""},
		{"INT32", fixtures.Int32Type, int64(math.MinInt32), int64(math.MinInt32 + 1), "-2147483647"},
		{"INT64", fixtures.Int64Type, int64(math.MinInt64), int64(math.MinInt64 + 1), "-9223372036854775807"},
		{"INT8", integer(8, false), int64(-128), int64(-127), "-127"},
		{"INT16", integer(16, false), int64(-32768), int64(-32767), "-32767"},
		{"UINT8", integer(8, true), int64(255), int64(254), "254"},
		{"UINT16", integer(16, true), int64(65535), int64(65534), "65534"},
		{"UINT32", integer(32, true), int64(math.MaxUint32), int64(math.MaxUint32 - 1), "4294967294"},
		{"UINT64", integer(64, true), int64(-1), int64(-2), "18446744073709551614"},
		{"INT96", fixtures.Int96Type, at, at.Add(1), ""},
		{"FLOAT", fixtures.Type{Kind: fixtures.Float, Width: 32}, float64(16777215), float64(16777214), "1.6777214e+07"},
		{"DOUBLE", fixtures.FloatType, 0.1, math.Nextafter(0.1, 1), "0.10000000000000002"},
		{"FLOAT16", fixtures.Type{Kind: fixtures.Float16}, "\x00\x3c", "\x01\x3c", "1.0009765625"},
		{"DECIMAL in INT32", decimal(32, 9, 2, false), -199, -200, "-2.00"},
		{"DECIMAL in INT64", decimal(64, 18, 4, false), -19999, -20000, "-2.0000"},
		{"DECIMAL in fixed bytes", decimal(0, 38, 10, false), digits("-12345678901234567890123456789012345678"), digits("-12345678901234567890123456789012345679"), "-1234567890123456789012345678.9012345679"},
		{"DECIMAL in bytes", decimal(0, 30, 2, true), digits("-123456789012345678901234567890"), digits("-123456789012345678901234567891"), "-1234567890123456789012345678.91"},
		{"DATE", fixtures.DateType, at, at.AddDate(0, 0, 1), ""},
		{"INTERVAL", fixtures.Type{Kind: fixtures.Interval}, "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x1e\x00\x00\x00\x00\x00\x00\x00", ""},
		{"UUID", fixtures.Type{Kind: fixtures.UUID}, strings.Repeat("\xff", 16), strings.Repeat("\xff", 15) + "\xfe", ""},
		{"STRING", fixtures.TextType, "a", "a ", ""},
		{"ENUM", fixtures.Type{Kind: fixtures.Enum}, "a", "A", ""},
		{"JSON", fixtures.Type{Kind: fixtures.JSON}, `{"a":1}`, `{"a":2}`, ""},
		{"BYTE_ARRAY", fixtures.Type{Kind: fixtures.Bytes}, "\x00\xff", "\x00\xfe", ""},
		{"FIXED_LEN_BYTE_ARRAY", fixtures.Type{Kind: fixtures.Fixed, Width: 5}, "\x00\xff\xff\xff\xff", "\x00\xff\xff\xff\xfe", ""},
	}
	for _, utc := range []bool{false, true} {
		for unit, least := range map[string]time.Duration{"ms": time.Millisecond, "us": time.Microsecond, "ns": 1} {
			list = append(list,
				typed{fmt.Sprintf("TIMESTAMP(%s) %v", unit, utc), timestamp(unit, utc), at, at.Add(least), ""},
				typed{fmt.Sprintf("TIMESTAMP(%s) %v far away", unit, utc), timestamp(unit, utc), int64(math.MaxInt64 - 1), int64(math.MaxInt64 - 2), ""},
				typed{fmt.Sprintf("TIME(%s) %v", unit, utc), fixtures.Type{Kind: fixtures.Time, Unit: unit, UTC: utc}, int64(36_000_000), int64(36_000_001), ""})
		}
		list = append(list, typed{fmt.Sprintf("TIMESTAMP(ms) %v beyond microseconds", utc), timestamp("ms", utc), int64(math.MaxInt64), int64(math.MaxInt64 - 1), ""},
			typed{fmt.Sprintf("TIMESTAMP(ms) %v long before", utc), timestamp("ms", utc), int64(math.MinInt64), int64(math.MinInt64 + 1), ""})
	}
	for _, precision := range []int{1, 18, 19, 37, 38, 39, 41, 47, 48, 57, 58, 76} {
		least := new(big.Int).Sub(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil))
		next := new(big.Int).Add(least, big.NewInt(1))
		for _, variable := range []bool{false, true} {
			list = append(list, typed{fmt.Sprintf("DECIMAL(%d,0) of bytes %v", precision, variable), decimal(0, precision, 0, variable), least, next, next.String()})
		}
	}
	return append(list,
		typed{"DECIMAL(76,38)", decimal(0, 76, 38, false), digits("-1" + strings.Repeat("0", 38)), digits("-1" + strings.Repeat("0", 37) + "1"), "-1." + strings.Repeat("0", 37) + "1"},
		typed{"DECIMAL(39,39)", decimal(0, 39, 39, false), digits("-1"), digits("-2"), "-0." + strings.Repeat("0", 38) + "2"})
}

func columnOf(name string, of fixtures.Type, values ...any) fixtures.Column {
	return fixtures.Column{Name: name, Type: of, Values: values}
}

// sameTime gives all rows one event time, and an ingest time a second later.
func sameTime(rows int) []fixtures.Column {
	event, ingested := fixtures.Column{Name: "event_time", Type: fixtures.AwareType}, fixtures.Column{Name: "ingested_at", Type: fixtures.AwareType}
	for range rows {
		event.Values, ingested.Values = append(event.Values, hostileDay), append(ingested.Values, hostileDay.Add(time.Second))
	}
	return []fixtures.Column{event, ingested}
}

// measured compares the measures of a check with what is known by construction.
func measured(t *testing.T, r report.Report, id string, want map[string]any) {
	t.Helper()
	result := resultOf(t, r, id)
	if result.Outcome == report.Error {
		t.Errorf("%s: %s, want result.Outcome != report.Error", id, result.Reason)
		return
	}
	for name, value := range want {
		if got := result.Measures[name]; fmt.Sprint(got) != fmt.Sprint(value) {
			t.Errorf("%s: %s = %v, want %v", id, name, got, value)
		}
	}
}

// TestEveryTypeInEveryRole gives each type each role: values that differ in their last digit, unit or nanosecond are two, and
// equal ones are one.
func TestEveryTypeInEveryRole(t *testing.T) {
	for _, of := range scalarTypes() {
		t.Run(of.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write := func(folder string, rows int, columns ...fixtures.Column) model.View {
				writeFile(t, filepath.Join(dir, folder, "f.parquet"), fixtures.Options{RowGroup: 3}, append(columns, sameTime(rows)...)...)
				return model.View{Path: "*.parquet", Root: filepath.Join(dir, folder), TTL: model.TTL{Duration: time.Hour, Explicit: true}}
			}
			v := write("key", 5, columnOf("v", of.of, of.a, of.b, of.a, nil, of.b))
			v.Key, v.Entity = []string{"v"}, []string{"v"}
			r := auditView(t, v, "duplicate-keys", "stale-entities", "null-keys", "unreadable-file")
			measured(t, r, "duplicate-keys", map[string]any{"repeated_keys": 2, "surplus_rows": 2, "null_keys": 1, "replay_keys": 2})
			measured(t, r, "stale-entities", map[string]any{"entities": 2})

			v = write("payload", 4, column("id", 1, 1, 2, 2), columnOf("v", of.of, of.a, of.b, of.a, of.a))
			v.Key = []string{"id"}
			r = auditView(t, v, "duplicate-keys")
			measured(t, r, "duplicate-keys", map[string]any{"repeated_keys": 2, "conflict_keys": 1, "replay_keys": 1})

			v.Measures = []string{"v"}
			r = auditView(t, v, "duplicate-keys")
			if of.sum == "" {
				if result := resultOf(t, r, "duplicate-keys"); result.Outcome != report.Error || !strings.Contains(result.Reason, `measure "v" is `) {
					t.Errorf("as a measure: %s, %s; want a refusal by name", result.Outcome, result.Reason)
				}
			} else {
				v = write("measure", 2, column("id", 1, 1), columnOf("v", of.of, of.a, of.b))
				v.Key, v.Measures = []string{"id"}, []string{"v"}
				measured(t, auditView(t, v, "duplicate-keys"), "duplicate-keys", map[string]any{"surplus_v": of.sum})
			}

			v = write("source", 3, column("id", 1, 2, 3), columnOf("v", of.of, of.a, of.b, of.a))
			v.Source, v.IngestedAt = model.SourceColumn{Column: "v"}, model.TimeColumn{Column: "ingested_at"}
			r = auditView(t, v, "source-lag")
			if got := len(r.Views[0].SourceLagSeconds); got != 2 {
				t.Errorf("%d sources, want 2: %+v", got, r.Views[0].SourceLagSeconds)
			}
		})
	}
}

// TestNestedTypes compares lists, maps and structs as payload, and refuses them by name as keys and entities.
func TestNestedTypes(t *testing.T) {
	wide := fixtures.Type{Kind: fixtures.Decimal, Precision: 39}
	nanos := fixtures.Type{Kind: fixtures.Timestamp, Unit: "ns", UTC: true}
	at := time.Date(2026, 11, 1, 10, 7, 0, 1, time.UTC)
	list := func(of fixtures.Type, values ...any) fixtures.Column {
		return columnOf("v", fixtures.Type{Kind: fixtures.List, Element: &of}, values...)
	}
	structure := func(of fixtures.Type, values ...any) fixtures.Column {
		return fixtures.Column{Name: "v", Type: fixtures.Type{Kind: fixtures.Struct}, Fields: []fixtures.Column{columnOf("x", of, values...)}}
	}
	n := func(text string) any { return digits(text) }
	for _, c := range []struct {
		name   string
		column fixtures.Column
	}{
		{"list of integers", list(fixtures.Int64Type, []any{int64(1), nil}, []any{int64(1)}, []any{int64(1)}, []any{int64(1)})},
		{"list that is NULL and one that is empty", list(wide, nil, []any{}, nil, nil)},
		{"list of wide decimals", list(wide, []any{n("1" + strings.Repeat("0", 38))}, []any{n("1" + strings.Repeat("0", 37) + "1")}, []any{n("-5"), nil}, []any{n("-5"), nil})},
		{"list of nanoseconds", list(nanos, []any{at}, []any{at.Add(1)}, []any{at}, []any{at})},
		{"list of times of day", list(fixtures.Type{Kind: fixtures.Time, Unit: "ns"}, []any{1}, []any{2}, []any{1}, []any{1})},
		{"list of INT96", list(fixtures.Int96Type, []any{at}, []any{at.Add(1)}, []any{at}, []any{at})},
		{"list of intervals", list(fixtures.Type{Kind: fixtures.Interval}, []any{"\x01" + strings.Repeat("\x00", 11)}, []any{"\x00\x00\x00\x00\x1e" + strings.Repeat("\x00", 7)}, nil, nil)},
		{"list of far milliseconds", list(fixtures.Type{Kind: fixtures.Timestamp, Unit: "ms"}, []any{int64(math.MaxInt64)}, []any{int64(math.MaxInt64 - 1)}, nil, nil)},
		{"struct of wide decimals", structure(wide, n("7"), n("8"), n("7"), n("7"))},
		{"struct of times of day", structure(fixtures.Type{Kind: fixtures.Time, Unit: "ns"}, 1, 2, 1, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "f.parquet"), fixtures.Options{RowGroup: 3}, append(sameTime(4), column("id", 1, 1, 2, 2), c.column)...)
			v := model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}}
			measured(t, auditView(t, v, "duplicate-keys"), "duplicate-keys", map[string]any{"repeated_keys": 2, "conflict_keys": 1, "replay_keys": 1})
			v.Key, v.Entity, v.TTL = []string{"v"}, []string{"v"}, model.TTL{Duration: time.Hour, Explicit: true}
			r := auditView(t, v, "duplicate-keys", "stale-entities")
			for _, id := range []string{"duplicate-keys", "stale-entities"} {
				if result := resultOf(t, r, id); result.Outcome != report.Error || !strings.Contains(result.Reason, `column "v" is a `) {
					t.Errorf("%s: %s, %s; want a refusal by name", id, result.Outcome, result.Reason)
				}
			}
			if c.column.Type.Kind == fixtures.Struct {
				v.Key, v.Entity = []string{"v.x"}, nil
				measured(t, auditView(t, v, "duplicate-keys"), "duplicate-keys", map[string]any{"repeated_keys": 1, "surplus_rows": 2})
			}
		})
	}
}

// TestKeyTypesBetweenFiles writes a key in one type in one file and in another in the second: either both have a common form,
// or both files are named.
func TestKeyTypesBetweenFiles(t *testing.T) {
	raw := string([]byte{0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00})
	const uuid = "123e4567-e89b-12d3-a456-426614174000"
	at := time.Date(2026, 11, 1, 10, 7, 0, 0, time.UTC)
	of := func(kind fixtures.Kind) fixtures.Type { return fixtures.Type{Kind: kind} }
	decimal := func(precision, scale int) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Decimal, Precision: precision, Scale: scale}
	}
	clock := func(unit string, utc bool) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Time, Unit: unit, UTC: utc}
	}
	naive := func(unit string) fixtures.Type { return fixtures.Type{Kind: fixtures.Timestamp, Unit: unit} }
	ten := func(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
	for _, c := range []struct {
		name        string
		one, two    fixtures.Column
		equal       bool
		options     fixtures.Options
		noCommonFor string
	}{
		{name: "integers of two widths", one: columnOf("k", fixtures.Int32Type, -5), two: columnOf("k", fixtures.Int64Type, -5), equal: true},
		{name: "unsigned beside signed", one: columnOf("k", fixtures.Type{Kind: fixtures.Int, Width: 64, Unsigned: true}, 5), two: columnOf("k", fixtures.Int64Type, 5), equal: true},
		{name: "unsigned beyond signed", one: columnOf("k", fixtures.Type{Kind: fixtures.Int, Width: 64, Unsigned: true}, -1), two: columnOf("k", fixtures.Int64Type, -1)},
		{name: "integer beside decimal", one: columnOf("k", fixtures.Int64Type, 5), two: columnOf("k", decimal(20, 2), 500), equal: true},
		{name: "integer beside wide decimal", one: columnOf("k", fixtures.Int64Type, -5), two: columnOf("k", decimal(76, 38), new(big.Int).Mul(ten(38), big.NewInt(-5))), equal: true},
		{name: "decimal beside wide decimal", one: columnOf("k", decimal(38, 9), new(big.Int).Mul(ten(9), big.NewInt(-5))), two: columnOf("k", decimal(39, 0), -5), equal: true},
		{name: "decimals that fit", one: columnOf("k", decimal(38, 9), 1_500_000_000), two: columnOf("k", decimal(38, 18), new(big.Int).Mul(ten(17), big.NewInt(15))), equal: true},
		{name: "decimals that do not fit", one: columnOf("k", decimal(38, 0), ten(37)), two: columnOf("k", decimal(38, 18), 5), noCommonFor: "DECIMAL(38,18)"},
		{name: "float beside double", one: columnOf("k", fixtures.Type{Kind: fixtures.Float, Width: 32}, 1.5), two: columnOf("k", fixtures.FloatType, 1.5), equal: true},
		{name: "zeros and NaNs", one: columnOf("k", fixtures.FloatType, math.Copysign(0, -1), math.NaN()), two: columnOf("k", fixtures.FloatType, 0.0, math.Float64frombits(0xfff8000000000001)), equal: true},
		{name: "integer beside text", one: columnOf("k", fixtures.Int64Type, 5), two: columnOf("k", fixtures.TextType, "5"), noCommonFor: "STRING"},
		{name: "integer beside double", one: columnOf("k", fixtures.Int64Type, 5), two: columnOf("k", fixtures.FloatType, 5.0), noCommonFor: "DOUBLE"},
		{name: "decimal beside double", one: columnOf("k", decimal(10, 2), 150), two: columnOf("k", fixtures.FloatType, 1.5), noCommonFor: "DOUBLE"},
		{name: "boolean beside integer", one: columnOf("k", fixtures.BoolType, true), two: columnOf("k", fixtures.Int64Type, 1), noCommonFor: "BOOLEAN"},
		{name: "bytes beside text", one: columnOf("k", of(fixtures.Bytes), "ä"), two: columnOf("k", fixtures.TextType, "ä"), equal: true},
		{name: "bytes of a UUID beside its text", one: columnOf("k", of(fixtures.Bytes), raw), two: columnOf("k", fixtures.TextType, uuid), noCommonFor: "BYTES"},
		{name: "fixed bytes of a UUID beside its text", one: columnOf("k", fixtures.Type{Kind: fixtures.Fixed, Width: 16}, raw), two: columnOf("k", fixtures.TextType, uuid), noCommonFor: "FIXED(16)"},
		{name: "UUID beside its text", one: columnOf("k", of(fixtures.UUID), raw), two: columnOf("k", fixtures.TextType, uuid), noCommonFor: "UUID"},
		{name: "UUID beside fixed bytes", one: columnOf("k", of(fixtures.UUID), raw), two: columnOf("k", fixtures.Type{Kind: fixtures.Fixed, Width: 16}, raw), equal: true},
		{name: "enum beside text", one: columnOf("k", of(fixtures.Enum), "a"), two: columnOf("k", fixtures.TextType, "a"), equal: true},
		{name: "JSON beside text", one: columnOf("k", of(fixtures.JSON), `"a"`), two: columnOf("k", fixtures.TextType, `"a"`), equal: true},
		{name: "naive beside aware", one: columnOf("k", fixtures.NaiveType, at), two: columnOf("k", fixtures.AwareType, at), noCommonFor: "TIMESTAMP(us, UTC)"},
		{name: "naive INT96 beside aware", one: columnOf("k", fixtures.Int96Type, at), two: columnOf("k", fixtures.AwareType, at), noCommonFor: "INT96"},
		{name: "INT96 of Spark beside aware", one: columnOf("k", fixtures.Int96Type, at), two: columnOf("k", fixtures.AwareType, at), equal: true, options: fixtures.Options{CreatedBy: fixtures.CreatedBySpark}},
		{name: "units of naive times", one: columnOf("k", naive("ms"), at), two: columnOf("k", naive("ns"), at), equal: true},
		{name: "units of far times", one: columnOf("k", naive("ms"), int64(math.MaxInt64)), two: columnOf("k", naive("us"), int64(math.MaxInt64))},
		{name: "time of day in two units", one: columnOf("k", clock("ms", false), 1), two: columnOf("k", clock("ns", false), 1_000_000), equal: true},
		{name: "time of day in UTC beside another", one: columnOf("k", clock("us", false), 1), two: columnOf("k", clock("us", true), 1), noCommonFor: "TIME(us, UTC)"},
		{name: "date beside time", one: columnOf("k", fixtures.DateType, at), two: columnOf("k", fixtures.NaiveType, at), noCommonFor: "DATE"},
		{name: "date beside number", one: columnOf("k", fixtures.DateType, at), two: columnOf("k", fixtures.Int32Type, 20758), noCommonFor: "DATE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "one.parquet"), c.options, append(sameTime(len(c.one.Values)), c.one)...)
			writeFile(t, filepath.Join(dir, "two.parquet"), fixtures.Options{}, append(sameTime(len(c.two.Values)), c.two)...)
			v := model.View{Path: "*.parquet", Root: dir, Key: []string{"k"}, Entity: []string{"k"}, TTL: model.TTL{Duration: time.Hour, Explicit: true}}
			r := auditView(t, v, "duplicate-keys", "stale-entities", "unreadable-file")
			if result := resultOf(t, r, "unreadable-file"); result.Outcome != report.Pass {
				t.Errorf("the files are blamed: %s", result.Message)
			}
			if c.noCommonFor == "" {
				surplus, entities := 0, len(c.one.Values)+len(c.two.Values)
				if c.equal {
					surplus, entities = len(c.one.Values), len(c.one.Values)
				}
				measured(t, r, "duplicate-keys", map[string]any{"surplus_rows": surplus})
				measured(t, r, "stale-entities", map[string]any{"entities": entities})
				return
			}
			for _, id := range []string{"duplicate-keys", "stale-entities"} {
				result := resultOf(t, r, id)
				if result.Outcome != report.Error || result.Retryable {
					t.Errorf("%s: %s (retryable %v), want an error that no retry cures", id, result.Outcome, result.Retryable)
				}
				for _, want := range []string{"no common form", "one.parquet", "two.parquet", c.noCommonFor} {
					if !strings.Contains(result.Reason, want) {
						t.Errorf("%s says %q, want %q in it", id, result.Reason, want)
					}
				}
			}
		})
	}
}

// TestPayloadTypesBetweenFiles writes one row in two files whose payload has two types: it is a replay where both mean one
// value, and a conflict where they do not.
func TestPayloadTypesBetweenFiles(t *testing.T) {
	decimal := func(precision, scale int) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Decimal, Precision: precision, Scale: scale}
	}
	clock := func(unit string) fixtures.Type { return fixtures.Type{Kind: fixtures.Time, Unit: unit} }
	list := func(of fixtures.Type, values ...any) fixtures.Column {
		return columnOf("v", fixtures.Type{Kind: fixtures.List, Element: &of}, any(values))
	}
	at := time.Date(2026, 11, 1, 10, 7, 0, 1, time.UTC)
	big37 := new(big.Int).Exp(big.NewInt(10), big.NewInt(37), nil)
	for _, c := range []struct {
		name     string
		one, two fixtures.Column
		equal    bool
	}{
		{"bytes and text", columnOf("v", fixtures.Type{Kind: fixtures.Bytes}, "ä"), columnOf("v", fixtures.TextType, "ä"), true},
		{"bytes that are no text", columnOf("v", fixtures.Type{Kind: fixtures.Bytes}, "\xff"), columnOf("v", fixtures.TextType, "ff"), false},
		{"fixed bytes and text", columnOf("v", fixtures.Type{Kind: fixtures.Fixed, Width: 2}, "eu"), columnOf("v", fixtures.TextType, "eu"), true},
		{"integer and double", columnOf("v", fixtures.Int64Type, 5), columnOf("v", fixtures.FloatType, 5.0), true},
		{"decimal and double", columnOf("v", decimal(10, 2), 150), columnOf("v", fixtures.FloatType, 1.5), true},
		{"wide decimal and double", columnOf("v", decimal(76, 38), new(big.Int).Mul(big37, big.NewInt(15))), columnOf("v", fixtures.FloatType, 1.5), true},
		{"wide decimal and a double beside it", columnOf("v", decimal(40, 0), digits("9007199254740993")), columnOf("v", fixtures.FloatType, 9007199254740992.0), false},
		{"decimals that share no form", columnOf("v", decimal(38, 0), big37), columnOf("v", decimal(38, 18), 5), false},
		{"decimals whose types share no form", columnOf("v", decimal(38, 0), 5), columnOf("v", decimal(38, 18), 5_000_000_000_000_000_000), true},
		{"times of day", columnOf("v", clock("us"), 1000), columnOf("v", clock("ns"), 1_000_000), true},
		{"times of day a nanosecond apart", columnOf("v", clock("us"), 1000), columnOf("v", clock("ns"), 1_000_001), false},
		{"times a nanosecond apart", columnOf("v", fixtures.AwareType, at), columnOf("v", fixtures.Type{Kind: fixtures.Timestamp, Unit: "ns", UTC: true}, at), false},
		{"lists of which one is wide", list(decimal(39, 0), 5, 6), list(decimal(10, 0), 5, 6), true},
		{"integer and text", columnOf("v", fixtures.Int64Type, 5), columnOf("v", fixtures.TextType, "six"), false},
		{"a column that one file lacks", columnOf("v", decimal(76, 0), nil), columnOf("w", fixtures.Int64Type, nil), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "one.parquet"), fixtures.Options{}, append(sameTime(1), column("id", 1), c.one)...)
			writeFile(t, filepath.Join(dir, "two.parquet"), fixtures.Options{}, append(sameTime(1), column("id", 1), c.two)...)
			r := auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}}, "duplicate-keys")
			replays, conflicts := 0, 1
			if c.equal {
				replays, conflicts = 1, 0
			}
			measured(t, r, "duplicate-keys", map[string]any{"repeated_keys": 1, "replay_keys": replays, "conflict_keys": conflicts})
		})
	}
}

// TestEventTimeInAKeyIsItsInstant writes one instant, midnight in India, in every encoding: the key is stored once for each.
func TestEventTimeInAKeyIsItsInstant(t *testing.T) {
	india := time.FixedZone("IST", 19800)
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, india)
	stamp := func(unit string, utc bool) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Timestamp, Unit: unit, UTC: utc}
	}
	files := map[string]fixtures.Column{
		"aware-ms":   columnOf("event_time", stamp("ms", true), at),
		"aware-us":   columnOf("event_time", stamp("us", true), at),
		"aware-ns":   columnOf("event_time", stamp("ns", true), at),
		"naive-ms":   columnOf("event_time", stamp("ms", false), at),
		"naive-ns":   columnOf("event_time", stamp("ns", false), at),
		"int96":      columnOf("event_time", fixtures.Int96Type, at),
		"date":       columnOf("event_time", fixtures.DateType, at),
		"text":       columnOf("event_time", fixtures.TextType, "2026-11-01 00:00:00"),
		"text-utc":   columnOf("event_time", fixtures.TextType, "2026-10-31T18:30:00.000Z"),
		"text-other": columnOf("event_time", fixtures.TextType, "2026-10-31T10:30:00-08:00"),
		"s":          columnOf("event_time", fixtures.Int64Type, at.Unix()),
		"ms":         columnOf("event_time", fixtures.Int64Type, at.UnixMilli()),
		"us":         columnOf("event_time", fixtures.Int64Type, at.UnixMicro()),
		"ns":         columnOf("event_time", fixtures.Int64Type, at.UnixNano()),
		"int32":      columnOf("event_time", fixtures.Int32Type, at.Unix()),
		"double":     columnOf("event_time", fixtures.FloatType, float64(at.Unix())),
	}
	dir := t.TempDir()
	for name, c := range files {
		writeFile(t, filepath.Join(dir, name+".parquet"), fixtures.Options{}, column("user", 1), c)
	}
	// what is no time is no key, however often it is stored
	writeFile(t, filepath.Join(dir, "unparsed.parquet"), fixtures.Options{}, column("user", 1, 1), columnOf("event_time", fixtures.TextType, "n/a", "n/a"))
	for _, key := range [][]string{{"user", "event_time"}, {"event_time"}, nil} {
		v := model.View{Path: "*.parquet", Root: dir, Key: key, Entity: []string{"user"}, Zone: "Asia/Kolkata"}
		want := map[string]any{"repeated_keys": 1, "surplus_rows": len(files) - 1, "null_keys": 2, "replay_keys": 1}
		measured(t, auditView(t, v, "duplicate-keys", "null-keys"), "duplicate-keys", want)
		measured(t, auditView(t, v, "null-keys"), "null-keys", map[string]any{"null_keys": 2})
		v.OncePer = []string{"source"}
		measured(t, auditView(t, v, "duplicate-keys"), "duplicate-keys", want)
	}
}

// TestTextTimesInAKeyDifferByNanoseconds tells texts apart that the facts cut to one microsecond.
func TestTextTimesInAKeyDifferByNanoseconds(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "f.parquet"), fixtures.Options{}, columnOf("event_time", fixtures.TextType,
		"2026-11-01T00:00:00.000000001Z", "2026-11-01T00:00:00.000000002Z", "2026-11-01T01:00:00.000000002+01:00"))
	v := model.View{Path: "*.parquet", Root: dir, Key: []string{"event_time"}}
	measured(t, auditView(t, v, "duplicate-keys"), "duplicate-keys", map[string]any{"repeated_keys": 1, "surplus_rows": 1})
}

// TestNaiveKeyIsComparedAsWritten holds both sides of an hour that clocks skipped, and both of one that they showed twice.
func TestNaiveKeyIsComparedAsWritten(t *testing.T) {
	dir := t.TempDir()
	skipped := time.Date(2026, 3, 29, 2, 30, 0, 0, time.UTC)
	writeFile(t, filepath.Join(dir, "f.parquet"), fixtures.Options{}, append(sameTime(3), columnOf("seen", fixtures.NaiveType, skipped, skipped.Add(time.Hour), skipped))...)
	v := model.View{Path: "*.parquet", Root: dir, Key: []string{"seen"}, Entity: []string{"seen"}, Zone: "Europe/Berlin", TTL: model.TTL{Duration: time.Hour, Explicit: true}}
	r := auditView(t, v, "duplicate-keys", "stale-entities")
	measured(t, r, "duplicate-keys", map[string]any{"repeated_keys": 1, "surplus_rows": 1})
	measured(t, r, "stale-entities", map[string]any{"entities": 2})
}

// TestTimesBeyondMicroseconds counts a value that the engine cannot hold as one sentinel row, in either time column.
func TestTimesBeyondMicroseconds(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 1, 30, 0, time.UTC)
	for _, far := range []int64{math.MaxInt64, math.MinInt64, math.MaxInt64 / 1000, math.MinInt64 / 1000 * 2} {
		for _, utc := range []bool{false, true} {
			dir := t.TempDir()
			ms := fixtures.Type{Kind: fixtures.Timestamp, Unit: "ms", UTC: utc}
			writeFile(t, filepath.Join(dir, "f.parquet"), fixtures.Options{}, column("id", 1, 2, 3), columnOf("event_time", ms, at, far, at), columnOf("ingested_at", ms, at, at, far))
			writeFile(t, filepath.Join(dir, "g.parquet"), fixtures.Options{}, column("id", 4), columnOf("event_time", ms, at), columnOf("ingested_at", ms, at))
			v := model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}, IngestedAt: model.TimeColumn{Column: "ingested_at"}}
			r := auditView(t, v, "null-event-time", "unreadable-file", "duplicate-keys", "future-rows")
			if result := resultOf(t, r, "null-event-time"); result.RowsBad != 1 || result.RowsTotal != 4 {
				t.Errorf("%d utc %v: %d of %d rows without a usable event time, want 1 of 4", far, utc, result.RowsBad, result.RowsTotal)
			}
			for _, id := range []string{"unreadable-file", "duplicate-keys"} {
				if result := resultOf(t, r, id); result.Outcome != report.Pass {
					t.Errorf("%d utc %v: %s is %s: %s%s", far, utc, id, result.Outcome, result.Message, result.Reason)
				}
			}
		}
	}
	// dates and epochs have far ends of their own
	for _, c := range []fixtures.Column{
		columnOf("event_time", fixtures.DateType, time.Unix(int64(math.MaxInt32)*86400, 0).UTC(), at),
		columnOf("event_time", fixtures.DateType, time.Unix(int64(math.MinInt32)*86400, 0).UTC(), at),
		columnOf("event_time", fixtures.Int64Type, int64(math.MaxInt64), at.Unix()),
		columnOf("event_time", fixtures.Int64Type, int64(math.MinInt64), at.UnixMilli()),
		columnOf("event_time", fixtures.FloatType, math.Inf(1), float64(at.Unix())),
		columnOf("event_time", fixtures.FloatType, 1e300, float64(at.Unix())),
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "f.parquet"), fixtures.Options{}, column("id", 1, 2), c)
		r := auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id", "event_time"}}, "null-event-time", "unreadable-file", "duplicate-keys")
		if result := resultOf(t, r, "null-event-time"); result.RowsBad != 1 || result.RowsTotal != 2 {
			t.Errorf("%v: %d of %d rows without a usable event time, want 1 of 2 (%s)", c.Values[0], result.RowsBad, result.RowsTotal, result.Reason)
		}
	}
}

// TestNumbersOfTwoKinds adds up and compares a column that one file writes as an integer, one as a decimal and one as a double.
func TestNumbersOfTwoKinds(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]fixtures.Column{
		"a": columnOf("amount", fixtures.Int64Type, 5, 1),
		"b": columnOf("amount", fixtures.FloatType, 5.0, 1e23),
		"c": columnOf("amount", fixtures.DecimalType(18, 2), 500, 100),
	} {
		writeFile(t, filepath.Join(dir, name+".parquet"), fixtures.Options{}, append(sameTime(2), column("id", 1, 2), c)...)
	}
	v := model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}, Measures: []string{"amount"}}
	measured(t, auditView(t, v, "duplicate-keys"), "duplicate-keys", map[string]any{"surplus_rows": 4, "replay_keys": 1, "conflict_keys": 1, "surplus_amount": "1e+23"})
}

// TestUnknownLogicalType compares a column whose logical type is younger than this program, such as GEOMETRY, by its bytes; a
// wide decimal beside it is read as ever.
func TestUnknownLogicalType(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.parquet")
	wide := fixtures.Type{Kind: fixtures.Decimal, Precision: 76}
	writeFile(t, path, fixtures.Options{Compression: fixtures.Uncompressed}, append(sameTime(3), columnOf("v", fixtures.Type{Kind: fixtures.Float16}, "\x00\x00", "\x00\x80", "\x00\x00"),
		columnOf("n", wide, 1, 2, 2))...)
	giveUnknownType(t, path)
	v := model.View{Path: "*.parquet", Root: dir, Key: []string{"v"}, Entity: []string{"v"}, TTL: model.TTL{Duration: time.Hour, Explicit: true}}
	r := auditView(t, v, "duplicate-keys", "stale-entities")
	measured(t, r, "duplicate-keys", map[string]any{"repeated_keys": 1, "surplus_rows": 1, "conflict_keys": 1})
	measured(t, r, "stale-entities", map[string]any{"entities": 2})
	v.Key = []string{"n"}
	measured(t, auditView(t, v, "duplicate-keys"), "duplicate-keys", map[string]any{"repeated_keys": 1, "surplus_rows": 1, "conflict_keys": 1})
}

// giveUnknownType turns the logical type FLOAT16 of a file into one of a number that no writer has used yet.
func giveUnknownType(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	length := int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	start := len(data) - 8 - length
	footer := data[start : len(data)-8]
	// field 15 of a union, an empty struct and the union's end; the new field's number does not fit the short form
	old, young := []byte{0xfc, 0, 0}, []byte{0x0c, 2 * 29, 0, 0}
	if bytes.Count(footer, old) != 1 {
		t.Fatalf("FLOAT16 stands %d times in the footer", bytes.Count(footer, old))
	}
	changed := append(append([]byte{}, data[:start]...), bytes.Replace(footer, old, young, 1)...)
	changed = binary.LittleEndian.AppendUint32(changed, uint32(length+1))
	if err := os.WriteFile(path, append(changed, "PAR1"...), 0o600); err != nil {
		t.Fatal(err)
	}
}
