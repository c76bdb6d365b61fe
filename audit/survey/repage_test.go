package survey

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/fixtures"
)

// repagedRowCount is more than a batch, and no multiple of any size in use.
const repagedRowCount = 10_007

// kindsOfColumns has a column of every kind that Parquet has, NULLs and long values among them.
func kindsOfColumns() []fixtures.Column {
	text := func(n int) string { return strings.Repeat(fmt.Sprintf("%07d", n), n%97/7) }
	day := time.Date(2026, 11, 3, 4, 5, 6, 7_000, time.UTC)
	kinds := []struct {
		name  string
		kind  fixtures.Type
		value func(n int) any
	}{
		{"bool", fixtures.BoolType, func(n int) any { return n%3 == 0 }},
		{"int32", fixtures.Int32Type, func(n int) any { return n }},
		{"int64", fixtures.Type{Kind: fixtures.Int, Width: 64, Plain: true, Required: true}, func(n int) any { return n * 1_000_003 }},
		{"unsigned", fixtures.Type{Kind: fixtures.Int, Width: 16, Unsigned: true}, func(n int) any { return n % 65_536 }},
		{"float", fixtures.Type{Kind: fixtures.Float, Width: 32}, func(n int) any { return float64(n) / 4 }},
		{"double", fixtures.FloatType, func(n int) any { return float64(n) / 8 }},
		{"text", fixtures.TextType, func(n int) any { return text(n) }},
		{"few", fixtures.TextType, func(n int) any { return fmt.Sprint("value ", n%5) }},
		{"bytes", fixtures.Type{Kind: fixtures.Bytes, Required: true}, func(n int) any { return text(n + 1) }},
		{"fixed", fixtures.Type{Kind: fixtures.UUID}, func(n int) any { return fmt.Sprintf("%016d", n) }},
		{"decimal", fixtures.DecimalType(18, 2), func(n int) any { return n }},
		{"instant", fixtures.AwareType, func(n int) any { return day.Add(time.Duration(n) * time.Second) }},
		{"int96", fixtures.Int96Type, func(n int) any { return day.Add(time.Duration(n) * time.Minute) }},
		{"nothing", fixtures.Type{Kind: fixtures.Nothing}, func(int) any { return nil }},
		{"list", fixtures.Type{Kind: fixtures.List, Element: &fixtures.TextType}, func(n int) any {
			items := make([]any, n%4)
			for i := range items {
				if items[i] = any(text(n + i)); i == 2 {
					items[i] = nil
				}
			}
			return items
		}},
	}
	var columns []fixtures.Column
	for at, k := range kinds {
		c := fixtures.Column{Name: k.name, Type: k.kind}
		for n := range repagedRowCount {
			value := k.value(n)
			if !k.kind.Required && (n+at)%11 == 0 {
				value = nil
			}
			c.Values = append(c.Values, value)
		}
		columns = append(columns, c)
	}
	return columns
}

func repage(t *testing.T, f facts.File, wanted func(string) bool, limits RepageLimits) (facts.File, []facts.RowGroup, int64, error) {
	t.Helper()
	to := facts.File{Path: "copy.parquet", Abs: filepath.Join(t.TempDir(), "copy.parquet")}
	out, err := os.Create(to.Abs)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	groups, largest, err := Repage(context.Background(), local.New(), f, wanted, limits, out)
	if err == nil {
		info, err := out.Stat()
		if err != nil {
			t.Fatal(err)
		}
		to.Size = info.Size()
	}
	return to, groups, largest, err
}

// TestRepageKeepsEveryValue copies columns of every kind, in pages of both versions and every codec, and compares each value.
func TestRepageKeepsEveryValue(t *testing.T) {
	every := make([]int64, repagedRowCount)
	for i := range every {
		every[i] = int64(i)
	}
	for _, o := range []fixtures.Options{{}, {RowGroup: 3_000}, {PlainPages: true}, {PlainPages: true, PagesV2: true, Compression: fixtures.Zstd}, {PagesV2: true, Compression: fixtures.Gzip},
		{PlainPages: true, Compression: fixtures.Uncompressed, PageBytes: 5_000}, {PlainPages: true, Compression: fixtures.Gzip, PageBytes: 5_000, PagesV2: true}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			columns := kindsOfColumns()
			path := filepath.Join(t.TempDir(), "a.parquet")
			if err := fixtures.Write(path, fixtures.Table{Columns: columns}, o); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			original := facts.File{Path: "a.parquet", Abs: path, Size: info.Size()}
			copied, groups, largest, err := repage(t, original, func(string) bool { return true }, RepageLimits{Page: 64 << 20, Group: 1})
			if err != nil {
				t.Fatal(err)
			}
			rows := int64(0)
			for _, g := range groups {
				rows += g.Rows
			}
			if rows != repagedRowCount || len(groups) < 5 {
				t.Errorf("%d rows in %d row groups", rows, len(groups))
			}
			if largest < 200 || largest > 2_000 {
				t.Errorf("the largest row takes %d bytes", largest)
			}
			surveyed := readFile(context.Background(), local.New(), original, Roles{})
			again := readFile(context.Background(), local.New(), copied, Roles{})
			if !reflect.DeepEqual(surveyed.schema, again.schema) {
				t.Errorf("schema\n%+v\nwant\n%+v", again.schema, surveyed.schema)
			}
			for _, column := range surveyed.schema.Columns {
				want, err := Values(context.Background(), local.New(), original, column, every, false)
				if err != nil {
					t.Fatal(err)
				}
				got, err := Values(context.Background(), local.New(), copied, column, every, false)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("column %s differs: %v", column.Path, err)
				}
			}
		})
	}
}

// TestRepageOfSomeColumns copies what is wanted only, and refuses a page that there is no room for.
func TestRepageOfSomeColumns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := fixtures.Write(path, fixtures.Table{Columns: kindsOfColumns()}, fixtures.Options{PlainPages: true}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	original := facts.File{Path: "a.parquet", Abs: path, Size: info.Size()}
	wanted := func(name string) bool { return name == "list" || name == "int64" }
	copied, groups, _, err := repage(t, original, wanted, RepageLimits{Page: 64 << 20, Group: 1 << 40})
	if err != nil || len(groups) != 1 || groups[0].Rows != repagedRowCount {
		t.Fatalf("%v, %v, want err == nil && len(groups) == 1 && groups[0].Rows == repagedRowCount", groups, err)
	}
	again := readFile(context.Background(), local.New(), copied, Roles{})
	if again.problem != nil || len(again.schema.Columns) != 2 || again.rows != repagedRowCount {
		t.Errorf("%d columns, %d rows, %v", len(again.schema.Columns), again.rows, again.problem)
	}
	if _, _, _, err := repage(t, original, wanted, RepageLimits{Page: 1_000}); err == nil || !strings.Contains(err.Error(), "there is room for 1000") {
		t.Errorf("error %v", err)
	}
	if _, _, _, err := repage(t, original, wanted, RepageLimits{Page: 1 << 20, Copy: 20_000}); err == nil || !strings.Contains(err.Error(), "more than 20000 bytes one by one") {
		t.Errorf("a copy of more than 20,000 bytes: %v", err)
	}
	if _, _, _, err := repage(t, original, func(string) bool { return false }, RepageLimits{Page: 1 << 20}); err == nil {
		t.Error("a copy without columns")
	}
}
