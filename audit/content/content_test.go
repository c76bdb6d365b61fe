package content_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/docs"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/fixtures"
)

// order reads all Parquet files below a folder.
func order(t *testing.T, dir string) content.Order {
	t.Helper()
	view := model.View{Name: "v", Path: "**/*.parquet", Root: dir}
	listing, resolved, _, err := survey.Plan(context.Background(), local.New(), view, time.Now(), partition.Range{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := survey.Survey(context.Background(), local.New(), listing, survey.RolesOf(resolved), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := content.Order{Store: local.New(), Survey: s, Workers: 3}
	for _, f := range s.Files {
		o.Files = append(o.Files, f.ID)
	}
	return o
}

// factsOf are those of all files below a folder together.
func factsOf(t *testing.T, dir string) content.Facts {
	t.Helper()
	found, unread, err := content.Read(context.Background(), order(t, dir))
	if err != nil || len(unread) > 0 {
		t.Fatal(err, unread)
	}
	all := content.Facts{}
	for _, f := range found {
		all = all.Plus(f)
	}
	return all
}

// written are the facts of a table that is written as the options say, in so many files.
func written(t *testing.T, table fixtures.Table, o fixtures.Options, cuts ...int) content.Facts {
	t.Helper()
	dir := t.TempDir()
	rows := rowCount(table)
	from := 0
	for i, to := range append(slices.Clone(cuts), rows) {
		if err := fixtures.Write(filepath.Join(dir, fmt.Sprintf("%02d.parquet", i)), rowsOf(table, from, to), o); err != nil {
			t.Fatal(err)
		}
		from = to
	}
	return factsOf(t, dir)
}

func rowCount(table fixtures.Table) int {
	c := table.Columns[0]
	for len(c.Fields) > 0 {
		c = c.Fields[0]
	}
	return len(c.Values)
}

func rowsOf(table fixtures.Table, from, to int) fixtures.Table {
	return fixtures.Table{Columns: eachColumn(table.Columns, func(c fixtures.Column) fixtures.Column {
		c.Values = c.Values[from:to]
		return c
	})}
}

// eachColumn changes the columns that hold values.
func eachColumn(columns []fixtures.Column, change func(fixtures.Column) fixtures.Column) []fixtures.Column {
	changed := slices.Clone(columns)
	for i, c := range columns {
		if c.Type.Kind == fixtures.Struct {
			changed[i].Fields = eachColumn(c.Fields, change)
			continue
		}
		changed[i] = change(c)
	}
	return changed
}

func one(c fixtures.Type, v any) fixtures.Table {
	return fixtures.Table{Columns: []fixtures.Column{{Name: "x", Type: c, Values: []any{v}}}}
}

// TestVectorsOfTheDocs holds the page to files: its numbers were made by another implementation of XXH3, from the page's words.
func TestVectorsOfTheDocs(t *testing.T) {
	page, ok := docs.Page("content-sums")
	if !ok {
		t.Fatal("no page")
	}
	instant := time.Date(2026, 11, 3, 0, 0, 0, 250_000_000, time.UTC)
	late := time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	stamp := func(unit string, utc bool) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Timestamp, Unit: unit, UTC: utc}
	}
	huge, _ := new(big.Int).SetString("100000000000000000000", 10)
	int64List := fixtures.Type{Kind: fixtures.List, Element: &fixtures.Int64Type}
	structs := func(v any) fixtures.Table {
		return fixtures.Table{Columns: []fixtures.Column{{Name: "x", Type: fixtures.Type{Kind: fixtures.Struct}, Fields: []fixtures.Column{{Name: "a", Type: fixtures.Int64Type, Values: []any{v}}}}}}
	}
	decimal := func(precision, scale int) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Decimal, Precision: precision, Scale: scale}
	}
	uuid := "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
	cases := map[string][]fixtures.Table{
		"true": {one(fixtures.BoolType, true)},
		"5": {one(fixtures.Int64Type, 5), one(fixtures.Int32Type, 5), one(fixtures.Type{Kind: fixtures.Int, Width: 8}, 5), one(fixtures.Type{Kind: fixtures.Int, Width: 64, Unsigned: true}, 5),
			one(fixtures.Type{Kind: fixtures.Int, Width: 32, Unsigned: true}, 5)},
		"-1":                   {one(fixtures.Int64Type, -1), one(fixtures.Int32Type, -1), one(fixtures.Type{Kind: fixtures.Int, Width: 16}, -1)},
		"18446744073709551615": {one(fixtures.Type{Kind: fixtures.Int, Width: 64, Unsigned: true}, -1)},
		"1.5":                  {one(fixtures.FloatType, 1.5), one(fixtures.Type{Kind: fixtures.Float, Width: 32}, 1.5), one(fixtures.Type{Kind: fixtures.Float16}, "\x00\x3e")},
		"-0":                   {one(fixtures.FloatType, math.Copysign(0, -1)), one(fixtures.Type{Kind: fixtures.Float, Width: 32}, math.Copysign(0, -1)), one(fixtures.Type{Kind: fixtures.Float16}, "\x00\x80")},
		"0":                    {one(fixtures.FloatType, 0.0), one(fixtures.Type{Kind: fixtures.Float16}, "\x00\x00")},
		"NaN 7ff8000000000001": {one(fixtures.FloatType, math.NaN())},
		"1.50":                 {one(fixtures.DecimalType(10, 2), 150), one(decimal(10, 2), 150), one(fixtures.Type{Kind: fixtures.Decimal, Width: 32, Precision: 9, Scale: 2}, 150)},
		"1.500": {one(fixtures.DecimalType(10, 3), 1500), one(fixtures.Type{Kind: fixtures.Decimal, Precision: 10, Scale: 3, Variable: true}, 1500),
			one(decimal(50, 30), new(big.Int).Mul(big.NewInt(15), new(big.Int).Exp(big.NewInt(10), big.NewInt(29), nil)))},
		"0.00":                             {one(decimal(38, 2), 0), one(fixtures.DecimalType(10, 4), 0)},
		"100000000000000000000":            {one(decimal(38, 0), huge), one(decimal(38, 5), new(big.Int).Mul(huge, big.NewInt(100_000)))},
		"(empty)":                          {one(fixtures.TextType, ""), one(fixtures.Type{Kind: fixtures.Bytes}, ""), one(fixtures.Type{Kind: fixtures.JSON}, "")},
		"a":                                {one(fixtures.TextType, "a"), one(fixtures.Type{Kind: fixtures.Enum}, "a"), one(fixtures.Type{Kind: fixtures.Fixed, Width: 1}, "a")},
		"a and a blank":                    {one(fixtures.TextType, "a ")},
		"00112233445566778899aabbccddeeff": {one(fixtures.Type{Kind: fixtures.UUID}, uuid), one(fixtures.Type{Kind: fixtures.Fixed, Width: 16}, uuid), one(fixtures.Type{Kind: fixtures.Bytes}, uuid)},
		"2026-11-03":                       {one(fixtures.DateType, instant)},
		"00:00:01.5": {one(fixtures.Type{Kind: fixtures.Time, Unit: "ms"}, 1500), one(fixtures.Type{Kind: fixtures.Time, Unit: "us", UTC: true}, 1_500_000),
			one(fixtures.Type{Kind: fixtures.Time, Unit: "ns"}, 1_500_000_000)},
		"2026-11-03 00:00:00.25":        {one(stamp("ms", false), instant), one(stamp("us", true), instant), one(stamp("ns", true), instant), one(fixtures.Int96Type, instant)},
		"1969-12-31 23:59:59.999999999": {one(stamp("ns", false), late), one(fixtures.Int96Type, late)},
		"NULL":                          {one(fixtures.TextType, nil), one(fixtures.Int64Type, nil), one(int64List, nil), one(fixtures.Type{Kind: fixtures.Nothing}, nil)},
		"[1, NULL]":                     {one(int64List, []any{1, nil})},
		"[]":                            {one(int64List, []any{}), one(fixtures.Type{Kind: fixtures.TwoLevelList, Element: &fixtures.Int64Type}, []any{})},
		"{a: 1}":                        {structs(1)},
		"{a: NULL}":                     {structs(nil)},
	}
	tested := 0
	for line := range strings.Lines(page) {
		cells := strings.Split(line, "|")
		if len(cells) != 8 || !strings.Contains(cells[6], "`") {
			continue
		}
		name, row := strings.TrimSpace(cells[2]), strings.Trim(cells[6], " `")
		tables, known := cases[name]
		if !known {
			t.Errorf("no case for %q", name)
		}
		tested++
		for i, table := range tables {
			got := written(t, table, fixtures.Options{})
			if got.Sum.String() != row || got.Rows != 1 {
				t.Errorf("%s, table %d: row sum %s, the page says %s", name, i, got.Sum, row)
			}
			if cell := strings.Trim(cells[5], " `"); name != "NULL" && got.Columns[0].Sum.String() != cell {
				t.Errorf("%s, table %d: cell %s, the page says %s", name, i, got.Columns[0].Sum, cell)
			}
		}
	}
	if tested != len(cases) {
		t.Errorf("%d vectors in the page, %d cases here", tested, len(cases))
	}
}

// TestRowsAndColumnsAreApart holds the page's second example: two rows that swap a value keep every column sum.
func TestRowsAndColumnsAreApart(t *testing.T) {
	table := func(texts ...any) fixtures.Table {
		return fixtures.Table{Columns: []fixtures.Column{{Name: "x", Type: fixtures.Int64Type, Values: []any{1, 2}}, {Name: "y", Type: fixtures.TextType, Values: texts}}}
	}
	plain, swapped := written(t, table("a", "b"), fixtures.Options{}), written(t, table("b", "a"), fixtures.Options{})
	if plain.Sum.String() != "aa3e0dc26c24adb91801fbebfc52c7b8" || swapped.Sum.String() != "11d7f07d18e9f8714f99098f5743cc47" {
		t.Errorf("sums are %s and %s", plain.Sum, swapped.Sum)
	}
	if !reflect.DeepEqual(plain.Columns, swapped.Columns) {
		t.Errorf("columns differ: %v, %v", plain.Columns, swapped.Columns)
	}
	if x, _ := plain.Column("x"); x.Sum.String() != "25b5eaa782b2cd5089e7cf1f08394da8" || x.Values != 2 {
		t.Errorf("column x is %+v", x)
	}
}

// random is a table with a column of every type, of which some values are special.
func random(r *rand.Rand, rows int) fixtures.Table {
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	at := func() any { return begin.Add(time.Duration(r.Int64N(1 << 45))) }
	text := func() any {
		return []string{"", "a", "a ", "A", "é", "e\u0301", "\xff\xfe", "longer than twelve bytes"}[r.IntN(8)]
	}
	double := func() any {
		return []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1.5, r.NormFloat64(), 5e-324}[r.IntN(8)]
	}
	small := func(bits int) func() any {
		return func() any { return int(r.Uint64()>>1>>(64-bits)) - 1<<(bits-2) }
	}
	wide := func() any {
		n := new(big.Int).Lsh(big.NewInt(r.Int64()-r.Int64()), uint(r.IntN(40)))
		return n
	}
	fixed := func(width int) func() any {
		return func() any {
			b := make([]byte, width)
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			return string(b)
		}
	}
	list := func(item func() any) func() any {
		return func() any {
			items := []any{}
			for range r.IntN(4) {
				items = append(items, item())
			}
			return items
		}
	}
	maybe := func(v func() any) func() any {
		return func() any {
			if r.IntN(5) == 0 {
				return nil
			}
			return v()
		}
	}
	type made struct {
		t fixtures.Type
		v func() any
	}
	kinds := []made{
		{fixtures.BoolType, func() any { return r.IntN(2) == 0 }}, {fixtures.Int64Type, small(60)}, {fixtures.Int32Type, small(30)},
		{fixtures.Type{Kind: fixtures.Int, Width: 8}, small(7)}, {fixtures.Type{Kind: fixtures.Int, Width: 64, Unsigned: true}, func() any { return int64(r.Uint64()) }},
		{fixtures.FloatType, double}, {fixtures.Type{Kind: fixtures.Float, Width: 32}, func() any { return float64(float32(r.NormFloat64())) }}, {fixtures.TextType, text},
		{fixtures.Type{Kind: fixtures.Bytes}, text}, {fixtures.Type{Kind: fixtures.UUID}, fixed(16)}, {fixtures.Type{Kind: fixtures.Fixed, Width: 5}, fixed(5)},
		{fixtures.Type{Kind: fixtures.Decimal, Width: 32, Precision: 9, Scale: 2}, small(25)}, {fixtures.DecimalType(18, 4), small(55)}, {fixtures.Type{Kind: fixtures.Decimal, Precision: 38, Scale: 6}, wide},
		{fixtures.Type{Kind: fixtures.Decimal, Precision: 38, Scale: 6, Variable: true}, wide},
		{fixtures.DateType, at}, {fixtures.AwareType, at}, {fixtures.NaiveType, at}, {fixtures.Type{Kind: fixtures.Timestamp, Unit: "ns"}, at}, {fixtures.Type{Kind: fixtures.Timestamp, Unit: "ms", UTC: true}, at},
		{fixtures.Int96Type, at}, {fixtures.Type{Kind: fixtures.Time, Unit: "us"}, func() any { return r.Int64N(86_400_000_000) }}, {fixtures.Type{Kind: fixtures.Interval}, fixed(12)},
		{fixtures.Type{Kind: fixtures.Float16}, fixed(2)}, {fixtures.Type{Kind: fixtures.List, Element: &fixtures.Int64Type}, list(maybe(small(20)))},
		{fixtures.Type{Kind: fixtures.List, Element: &fixtures.TextType}, list(maybe(text))}, {fixtures.Type{Kind: fixtures.KeySet, Element: &fixtures.TextType}, list(text)},
	}
	var table fixtures.Table
	add := func(name string, k made) fixtures.Column {
		c := fixtures.Column{Name: name, Type: k.t}
		for range rows {
			c.Values = append(c.Values, maybe(k.v)())
		}
		return c
	}
	for i, k := range kinds {
		table.Columns = append(table.Columns, add(fmt.Sprintf("c%02d", i), k))
	}
	inner := []fixtures.Column{add("n", made{fixtures.Int64Type, small(40)}), add("text", made{fixtures.TextType, text})}
	table.Columns = append(table.Columns, fixtures.Column{Name: "struct", Type: fixtures.Type{Kind: fixtures.Struct}, Fields: inner})
	return table
}

// permuted is a table with its rows in another order.
func permuted(r *rand.Rand, table fixtures.Table) fixtures.Table {
	order := r.Perm(rowCount(table))
	return fixtures.Table{Columns: eachColumn(table.Columns, func(c fixtures.Column) fixtures.Column {
		values := make([]any, len(order))
		for i, from := range order {
			values[i] = c.Values[from]
		}
		c.Values = values
		return c
	})}
}

// TestSameRowsHaveTheSameSums writes the same rows in every way there is.
func TestSameRowsHaveTheSameSums(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 2 {
		table := random(r, 200+r.IntN(300))
		want := written(t, table, fixtures.Options{})
		for i, o := range []fixtures.Options{{Compression: fixtures.Zstd}, {Compression: fixtures.Gzip, PagesV2: true}, {Compression: fixtures.Uncompressed, PlainPages: true, PageBytes: 200}, {RowGroup: 1 + r.IntN(60)},
			{PagesV2: true, PlainPages: true, PageBytes: 100, RowGroup: 37, Checksums: true}, {CreatedBy: fixtures.CreatedBySpark}} {
			shuffled := permuted(r, table)
			r.Shuffle(len(shuffled.Columns), func(a, b int) { shuffled.Columns[a], shuffled.Columns[b] = shuffled.Columns[b], shuffled.Columns[a] })
			var cuts []int
			for at := r.IntN(100); at < 200 && i%2 == 0; at += 1 + r.IntN(90) {
				cuts = append(cuts, at)
			}
			if got := written(t, shuffled, o, cuts...); !reflect.DeepEqual(got, want) {
				t.Errorf("round %d, way %d %+v:\n got %+v\nwant %+v", round, i, o, got, want)
			}
		}
	}
}

// TestAnyOneChangeIsFound changes one value of one cell, of every type.
func TestAnyOneChangeIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	table := random(r, 120)
	want := written(t, table, fixtures.Options{})
	other := random(r, 120)
	for at := range table.Columns {
		name, changed := table.Columns[at].Name, false
		mutant := fixtures.Table{Columns: slices.Clone(table.Columns)}
		mutant.Columns[at] = eachColumn(table.Columns[at:at+1], func(c fixtures.Column) fixtures.Column {
			c.Values = slices.Clone(c.Values)
			for tries := 0; !changed; tries++ {
				row := r.IntN(len(c.Values))
				v := eachValue(other.Columns[at], c.Name)[r.IntN(120)]
				if changed = !same(c.Values[row], v); changed {
					c.Values[row] = v
				}
			}
			return c
		})[0]
		got := written(t, mutant, fixtures.Options{})
		if got.Sum == want.Sum {
			t.Errorf("%s: a changed value keeps the sum of rows", name)
		}
		for i, c := range got.Columns {
			if differs := c.Sum != want.Columns[i].Sum || c.Values != want.Columns[i].Values; differs != (c.Name == name) {
				t.Errorf("%s was changed, and column %s differs: %v", name, c.Name, differs)
			}
		}
	}
}

func eachValue(c fixtures.Column, name string) []any {
	for _, field := range c.Fields {
		if field.Name == name {
			return field.Values
		}
	}
	return c.Values
}

// same compares values by their bits.
func same(a, b any) bool {
	x, ok := a.(float64)
	y, both := b.(float64)
	if ok && both {
		return math.Float64bits(x) == math.Float64bits(y)
	}
	if n, ok := a.(*big.Int); ok {
		m, both := b.(*big.Int)
		return both && n.Cmp(m) == 0
	}
	// what is cut off when a time is written is no change
	if at, ok := a.(time.Time); ok {
		other, both := b.(time.Time)
		return both && at.Truncate(24*time.Hour).Equal(other.Truncate(24*time.Hour))
	}
	return reflect.DeepEqual(a, b)
}

// TestSmallChangesAreFound are those that comparisons of values forgive.
func TestSmallChangesAreFound(t *testing.T) {
	second := time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC)
	nanos := fixtures.Type{Kind: fixtures.Timestamp, Unit: "ns", UTC: true}
	for _, pair := range []struct {
		name string
		t    fixtures.Type
		a, b any
	}{
		{"NULL and empty text", fixtures.TextType, nil, ""},
		{"a blank at the end", fixtures.TextType, "a", "a "},
		{"case", fixtures.TextType, "a", "A"},
		{"composed and decomposed", fixtures.TextType, "é", "e\u0301"},
		{"broken UTF-8", fixtures.TextType, "\xff", "\xfe"},
		{"-0", fixtures.FloatType, 0.0, math.Copysign(0, -1)},
		{"the payload of a NaN", fixtures.FloatType, math.NaN(), math.Float64frombits(0x7ff8000000000123)},
		{"one bit of a fraction", fixtures.FloatType, 1.0, math.Nextafter(1, 2)},
		{"a nanosecond", nanos, second, second.Add(1)},
		{"a nanosecond of INT96", fixtures.Int96Type, second, second.Add(1)},
		{"NULL and no items", fixtures.Type{Kind: fixtures.List, Element: &fixtures.TextType}, nil, []any{}},
		{"no item and one NULL", fixtures.Type{Kind: fixtures.List, Element: &fixtures.TextType}, []any{}, []any{nil}},
		{"the order of items", fixtures.Type{Kind: fixtures.List, Element: &fixtures.TextType}, []any{"a", "b"}, []any{"b", "a"}},
		{"where one item ends", fixtures.Type{Kind: fixtures.List, Element: &fixtures.TextType}, []any{"ab", "c"}, []any{"a", "bc"}},
	} {
		plain := fixtures.Options{PlainPages: true} // a dictionary of this writer holds one NaN
		a, b := written(t, one(pair.t, pair.a), plain), written(t, one(pair.t, pair.b), plain)
		if a.Sum == b.Sum {
			t.Errorf("%s: the sums are equal", pair.name)
		}
	}
}

// TestRowsTwiceAreNotRowsOnce adds up copies.
func TestRowsTwiceAreNotRowsOnce(t *testing.T) {
	once := written(t, one(fixtures.TextType, "a"), fixtures.Options{})
	twice := written(t, fixtures.Table{Columns: []fixtures.Column{{Name: "x", Type: fixtures.TextType, Values: []any{"a", "a"}}}}, fixtures.Options{})
	if twice.Sum == once.Sum || twice.Sum != once.Sum.Times(2) || twice.Sum.Minus(once.Sum) != once.Sum {
		t.Errorf("once %s, twice %s", once.Sum, twice.Sum)
	}
}

// keptByWriters is a table as other writers keep it exactly: no broken UTF-8, and no -0, which their dictionaries take for 0; without columns
// of some kinds.
func keptByWriters(table fixtures.Table, without ...fixtures.Kind) fixtures.Table {
	table.Columns = slices.DeleteFunc(slices.Clone(table.Columns), func(c fixtures.Column) bool { return slices.Contains(without, c.Type.Kind) })
	table.Columns = eachColumn(table.Columns, func(c fixtures.Column) fixtures.Column {
		c.Values = slices.Clone(c.Values)
		for i, v := range c.Values {
			if v == "\xff\xfe" {
				c.Values[i] = "ff"
			}
			if f, ok := v.(float64); ok && f == 0 {
				c.Values[i] = 0.0
			}
			if items, ok := v.([]any); ok {
				for j := range items {
					if items[j] == "\xff\xfe" {
						items[j] = "ff"
					}
				}
			}
		}
		return c
	})
	return table
}

// TestDuckDBWritesTheSameRows copies a table with another writer, which spells lists and types in its own way.
func TestDuckDBWritesTheSameRows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	table := random(r, 300)
	table = keptByWriters(table, fixtures.Int96, fixtures.Float16, fixtures.Interval, fixtures.KeySet)
	dir := t.TempDir()
	if err := fixtures.Write(filepath.Join(dir, "a", "a.parquet"), table, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	want := factsOf(t, filepath.Join(dir, "a"))
	for i, options := range []string{"FORMAT parquet", "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd", "FORMAT parquet, ROW_GROUP_SIZE 2048, COMPRESSION gzip", "FORMAT parquet, COMPRESSION lz4_raw"} {
		to := filepath.Join(dir, "b", fmt.Sprint(i))
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		query := fmt.Sprintf("COPY (SELECT * FROM read_parquet('%s') ORDER BY random()) TO '%s' (%s)", filepath.Join(dir, "a", "a.parquet"), filepath.Join(to, "b.parquet"), options)
		if _, err := duckdb.RunSQL(context.Background(), 2, 0, query); err != nil {
			t.Fatal(err)
		}
		got := factsOf(t, to)
		if got.Sum != want.Sum || got.Rows != want.Rows {
			t.Errorf("%s: rows differ", options)
		}
		for j, c := range got.Columns {
			if w := want.Columns[j]; c.Sum != w.Sum || c.Values != w.Values || c.Low != w.Low || c.High != w.High {
				t.Errorf("%s: column %s is %+v, want %+v", options, c.Name, c, w)
			}
		}
	}
}

// TestTotalsAreExact adds what rounds in any order but one.
func TestTotalsAreExact(t *testing.T) {
	table := fixtures.Table{Columns: []fixtures.Column{
		{Name: "d", Type: fixtures.FloatType, Values: []any{1e308, 1.0, -1e308, 0.5, math.NaN(), nil}},
		{Name: "m", Type: fixtures.DecimalType(18, 2), Values: []any{150, 1, -2, nil, 999999999999999999, 999999999999999999}},
		{Name: "n", Type: fixtures.Type{Kind: fixtures.Int, Width: 64, Unsigned: true}, Values: []any{-1, -1, 2, nil, 3, 4}},
	}}
	dir := t.TempDir()
	if err := fixtures.Write(filepath.Join(dir, "a.parquet"), rowsOf(table, 0, 2), fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := fixtures.Write(filepath.Join(dir, "b.parquet"), rowsOf(table, 2, 6), fixtures.Options{RowGroup: 1}); err != nil {
		t.Fatal(err)
	}
	o := order(t, dir)
	o.Ask.Totals = []string{"d", "m", "n"}
	found, _, err := content.Read(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	all := found[0].Plus(found[1])
	for name, want := range map[string]string{"d": "1.5", "m": "20000000000000001.47", "n": "36893488147419103239"} {
		if c, _ := all.Column(name); c.Total.String() != want {
			t.Errorf("%s adds up to %s, want %s", name, c.Total, want)
		}
	}
	if d, _ := all.Column("d"); d.Total.Odd != 1 || d.Values != 5 {
		t.Errorf("d is %+v", d)
	}
}

// TestDamageIsAProblemOfItsFile cuts, flips and changes bytes: nothing panics, and the other file is read.
func TestDamageIsAProblemOfItsFile(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	dir := t.TempDir()
	table := random(r, 100)
	for _, name := range []string{"a.parquet", "b.parquet"} {
		if err := fixtures.Write(filepath.Join(dir, name), table, fixtures.Options{RowGroup: 40}); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(filepath.Join(dir, "a.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		damaged := slices.Clone(whole)
		for range 1 + r.IntN(3) {
			damaged[4+r.IntN(len(damaged)-4)] ^= 1 << r.IntN(8)
		}
		if err := os.WriteFile(filepath.Join(dir, "a.parquet"), damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		found, _, err := content.Read(context.Background(), order(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		if found[1].Rows != 100 {
			t.Fatalf("the file beside a damaged one has %d rows", found[1].Rows)
		}
	}
}

// TestAFlippedBitIsDamage changes one bit of each byte of values in files whose pages have checksums: that is no other value.
func TestAFlippedBitIsDamage(t *testing.T) {
	table := fixtures.Table{Columns: []fixtures.Column{{Name: "x", Type: fixtures.Int64Type}}}
	for i := range 40 {
		table.Columns[0].Values = append(table.Columns[0].Values, i*1_000_003)
	}
	for name, o := range map[string]fixtures.Options{"a CRC": {Compression: fixtures.Uncompressed, PlainPages: true, Checksums: true}, "gzip": {Compression: fixtures.Gzip, PlainPages: true}} {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.parquet")
		if err := fixtures.Write(path, table, o); err != nil {
			t.Fatal(err)
		}
		want := factsOf(t, dir)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		footer := len(whole) - 8 - int(binary.LittleEndian.Uint32(whole[len(whole)-8:]))
		for at := 4; at < footer; at++ {
			damaged := slices.Clone(whole)
			damaged[at] ^= 1
			if err := os.WriteFile(path, damaged, 0o644); err != nil {
				t.Fatal(err)
			}
			got, unread, err := content.Read(context.Background(), order(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			if len(unread) > 0 {
				found++
				continue
			}
			if got[0].Sum != want.Sum {
				t.Errorf("%s: byte %d of %d is another, and its rows have another sum", name, at, len(whole))
			}
		}
		if found < 100 {
			t.Errorf("%s: damage was found %d times", name, found)
		}
	}
}

// TestRowsAreHandedOver compares the rows of blocks with the sums, and finds a row by its key.
func TestRowsAreHandedOver(t *testing.T) {
	dir := t.TempDir()
	table := random(rand.New(rand.NewPCG(9, 10)), 50)
	table.Columns = append(table.Columns, fixtures.Column{Name: "id", Type: fixtures.Int64Type})
	for i := range 50 {
		table.Columns[len(table.Columns)-1].Values = append(table.Columns[len(table.Columns)-1].Values, i%49)
	}
	if err := fixtures.Write(filepath.Join(dir, "a.parquet"), table, fixtures.Options{RowGroup: 7}); err != nil {
		t.Fatal(err)
	}
	o := order(t, dir)
	o.Workers = 1
	o.Ask = content.Ask{Rows: true, Names: [][]string{{"id"}}, Cells: []string{"c05", "id"}, Raw: []string{"c05"}}
	sum, keys, first, last := content.Sum{}, map[content.Sum]int{}, uint64(0), uint64(0)
	o.Each = func(b content.Block) error {
		for i, row := range b.Rows {
			sum = sum.Plus(row)
			keys[b.Names[0][i]]++
			switch b.First + int64(i) {
			case 0:
				first = b.Cells[1][i]
			case 49:
				last = b.Cells[1][i]
			}
			v := table.Columns[5].Values[b.First+int64(i)]
			if v == nil && b.Cells[0][i] != content.NoValue || v != nil && b.Cells[0][i]-1 != math.Float64bits(v.(float64)) {
				t.Errorf("row %d holds %v, its word is %x", b.First+int64(i), v, b.Cells[0][i])
			}
		}
		return nil
	}
	found, _, err := content.Read(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if sum != found[0].Sum || len(keys) != 49 || first == 0 || first != last {
		t.Errorf("rows add up to %s, want %s; %d keys, want 49; words of one key %x and %x", sum, found[0].Sum, len(keys), first, last)
	}
}

// TestWideRowsAreReadSideBySide asks for so many cells that a row group is cut into windows: the sums stay.
func TestWideRowsAreReadSideBySide(t *testing.T) {
	table := fixtures.Table{}
	ask := content.Ask{Rows: true}
	const rows, columns = 9000, 1100
	r := rand.New(rand.NewPCG(11, 12))
	for i := range 3 {
		c := fixtures.Column{Name: fmt.Sprintf("c%d", i), Type: []fixtures.Type{fixtures.Int64Type, fixtures.TextType, {Kind: fixtures.List, Element: &fixtures.Int64Type}}[i]}
		for range rows {
			switch i {
			case 0:
				c.Values = append(c.Values, r.IntN(100))
			case 1:
				c.Values = append(c.Values, fmt.Sprint(r.IntN(100)))
			default:
				c.Values = append(c.Values, []any{r.IntN(10), nil}[:r.IntN(3)])
			}
		}
		table.Columns = append(table.Columns, c)
	}
	for i := range columns {
		ask.Cells = append(ask.Cells, fmt.Sprintf("c%d", i))
	}
	dir := t.TempDir()
	if err := fixtures.Write(filepath.Join(dir, "a.parquet"), table, fixtures.Options{PlainPages: true, PageBytes: 3000}); err != nil {
		t.Fatal(err)
	}
	o := order(t, dir)
	o.Ask = ask
	blocks := 0
	o.Each = func(b content.Block) error {
		blocks++
		return nil
	}
	found, unread, err := content.Read(context.Background(), o)
	if err != nil || len(unread) > 0 || blocks < 2 {
		t.Fatal(err, unread, blocks)
	}
	if want := factsOf(t, dir); !reflect.DeepEqual(found[0], want) {
		t.Errorf("in %d windows: %v, want %v", blocks, found[0].Sum, want.Sum)
	}
}

// gone are the rows of a file that a table's log deleted.
type gone []int64

func (g gone) Count() int64 { return int64(len(g)) }
func (g gone) Last() int64  { return g[len(g)-1] }
func (g gone) Next(row int64) int64 {
	for _, n := range g {
		if n >= row {
			return n
		}
	}
	return -1
}

// TestDeletedRowsDoNotCount compares a file of which a table deleted rows with one that never held them.
func TestDeletedRowsDoNotCount(t *testing.T) {
	table := random(rand.New(rand.NewPCG(13, 14)), 90)
	deleted := gone{0, 17, 40, 41, 89}
	dir := t.TempDir()
	if err := fixtures.Write(filepath.Join(dir, "a.parquet"), table, fixtures.Options{RowGroup: 40}); err != nil {
		t.Fatal(err)
	}
	o := order(t, dir)
	o.Survey.Files[0].Deleted = deleted
	found, unread, err := content.Read(context.Background(), o)
	if err != nil || len(unread) > 0 {
		t.Fatal(err, unread)
	}
	left := fixtures.Table{Columns: eachColumn(table.Columns, func(c fixtures.Column) fixtures.Column {
		var values []any
		for row, v := range c.Values {
			if !slices.Contains(deleted, int64(row)) {
				values = append(values, v)
			}
		}
		c.Values = values
		return c
	})}
	if want := written(t, left, fixtures.Options{}); !reflect.DeepEqual(found[0], want) {
		t.Errorf("got %+v\nwant %+v", found[0], want)
	}
}

// TestColumnsHaveTheNamesOfTheirTable reads a file that knows columns by other names, or by numbers alone, as one that has the table's own
// names: what the table does not have counts in neither.
func TestColumnsHaveTheNamesOfTheirTable(t *testing.T) {
	file := func(id, s, a, gone, dropped string) fixtures.Table {
		table := fixtures.Table{Columns: []fixtures.Column{{Name: id, Type: fixtures.Int64Type, Values: []any{1, nil, 3}},
			{Name: s, Type: fixtures.Type{Kind: fixtures.Struct}, Fields: []fixtures.Column{{Name: a, Type: fixtures.TextType, Values: []any{"x", nil, "z"}}}}}}
		if gone != "" {
			table.Columns[1].Fields = append([]fixtures.Column{{Name: gone, Type: fixtures.Int64Type, Values: []any{7, 8, 9}}}, table.Columns[1].Fields...)
			table.Columns = append(table.Columns, fixtures.Column{Name: dropped, Type: fixtures.Int64Type, Values: []any{4, 5, 6}})
		}
		return table
	}
	want := written(t, file("id", "s", "a", "", ""), fixtures.Options{})
	dir := t.TempDir()
	if err := fixtures.Write(filepath.Join(dir, "a.parquet"), file("col-1", "col-2", "col-3", "col-4", "col-5"), fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	columns := []facts.TableColumn{{Name: "id", Stored: "col-1"}, {Name: "s", Stored: "col-2", Fields: []facts.TableColumn{{Name: "a", Stored: "col-3"}}}}
	o := order(t, dir)
	o.Survey.Files[0].Table = &facts.Table{Format: "Delta", Columns: columns}
	found, unread, err := content.Read(t.Context(), o)
	if err != nil || len(unread) > 0 {
		t.Fatal(err, unread)
	}
	got := found[0]
	if got.Sum != want.Sum || got.Rows != 3 || len(got.Columns) != 2 || got.Columns[0].Name != "id" || got.Columns[0].Sum != want.Columns[0].Sum || got.Columns[1].Sum != want.Columns[1].Sum || got.Columns[1].Values != want.Columns[1].Values {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	o.Survey.Files[0].Table = &facts.Table{Format: "Iceberg", Columns: []facts.TableColumn{{Name: "id", ByID: true, ID: 1, Names: []string{"col-1"}}, {Name: "v", ByID: true, ID: 2, NotRead: "variant"}}}
	if _, unread, err = content.Read(t.Context(), o); err != nil || !strings.Contains(unread[0].Message, "variant") {
		t.Errorf("a column whose type is not read: %v, %v", unread, err)
	}
}
