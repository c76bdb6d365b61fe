package content_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestFoldersAreValues: what the folders of a file say is a value of its rows, in the path, in the file or in both; what lies apart is none.
func TestFoldersAreValues(t *testing.T) {
	ids := fixtures.Column{Name: "id", Type: fixtures.Int64Type, Values: []any{1, 2, 3}}
	column := func(kind fixtures.Type, v any) *fixtures.Column {
		return &fixtures.Column{Name: "part", Type: kind, Values: slices.Repeat([]any{v}, 3)}
	}
	read := func(folder string, inFile *fixtures.Column, apart ...string) content.Facts {
		t.Helper()
		dir := t.TempDir()
		table := fixtures.Table{Columns: []fixtures.Column{ids}}
		if inFile != nil {
			table.Columns = append(table.Columns, *inFile)
		}
		if err := fixtures.Write(filepath.Join(dir, folder, "a.parquet"), table, fixtures.Options{}); err != nil {
			t.Fatal(err)
		}
		o := order(t, dir)
		o.Apart = apart
		found, unread, err := content.Read(context.Background(), o)
		if err != nil || len(unread) > 0 || len(found) != 1 {
			t.Fatal(err, unread)
		}
		return found[0]
	}
	text := func(v string) *fixtures.Column { return column(fixtures.TextType, v) }
	day := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	plain, eu := read("", nil), read("part=eu", nil)
	if eu.Sum == plain.Sum || eu.Sum == read("part=us", nil).Sum {
		t.Error("a row in one folder is as in another")
	}
	if eu.Sum != read("", text("eu")).Sum || eu.Sum != read("part=eu", text("eu")).Sum {
		t.Error("a text in the path is not as it is in the file, or in both")
	}
	if got, ok := eu.Column("part"); !ok || got.Values != 3 || len(got.Types) != 0 {
		t.Errorf("the folder's column holds %+v, %t", got, ok)
	}
	for name, same := range map[string][2]content.Facts{
		"a number":          {read("part=07", nil), read("part=07", column(fixtures.Int32Type, 7))},
		"a date":            {read("part=2026-11-03", nil), read("part=2026-11-03", column(fixtures.DateType, day))},
		"a compact date":    {read("part=20261103", nil), read("part=20261103", column(fixtures.DateType, day))},
		"a truth":           {read("part=true", nil), read("part=true", column(fixtures.BoolType, true))},
		"an escaped text":   {read("part=a%2Fb", nil), read("part=a%2Fb", text("a/b"))},
		"NULL":              {plain, read("part=__HIVE_DEFAULT_PARTITION__", nil)},
		"what lies apart":   {plain, read("part=eu", nil, "part")},
		"apart, and inside": {plain, read("part=eu", text("eu"), "part")},
	} {
		if same[0].Sum != same[1].Sum {
			t.Errorf("%s: the rows are not the same", name)
		}
	}
	for name, other := range map[string]content.Facts{"another text": read("part=eu", text("us")), "another text, apart": read("part=eu", text("us"), "part")} {
		if other.Sum == eu.Sum || other.Sum == plain.Sum {
			t.Errorf("%s in the file is not seen", name)
		}
	}
}
