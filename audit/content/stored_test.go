package content_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/fixtures"
)

// packed writes tables to a pack of one file.
type packed struct {
	t *testing.T
	*kept.Writer
}

func (p packed) Append(table kept.Table, rows kept.Rows) kept.Range {
	first, err := p.Writer.Append(table, rows)
	if err != nil {
		p.t.Fatal(err)
	}
	return kept.Range{First: first}
}

// whole reads all of a pack.
type whole struct{ *kept.Pack }

func (w whole) Integers(table, column string) ([]int64, error) {
	return w.Pack.Integers(table, column, 0, w.Len(table))
}

func (w whole) Texts(table, column string) ([]string, error) {
	return w.Pack.Texts(table, column, 0, w.Len(table))
}

func recalled(t *testing.T, all ...content.Facts) map[int64]content.Facts {
	t.Helper()
	w, err := kept.Create(filepath.Join(t.TempDir(), "unfinished"))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range all {
		content.Keep(packed{t, w}, int64(i), f)
	}
	var out bytes.Buffer
	if err := w.CommitTo(&out, nil); err != nil {
		t.Fatal(err)
	}
	p, err := kept.OpenFile("x", bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	found, err := content.Recall(whole{p})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFactsAreRecalledAsTheyWereKept writes facts of a column of every type, and odd names, and reads them again.
func TestFactsAreRecalledAsTheyWereKept(t *testing.T) {
	table := random(rand.New(rand.NewPCG(21, 22)), 60)
	table.Columns = append(table.Columns, fixtures.Column{Name: "a \"name\"\nof two lines", Type: fixtures.TextType, Values: make([]any, 60)})
	f := written(t, table, fixtures.Options{})
	odd := content.Facts{Rows: 1, Columns: []content.Column{{Name: "\xff", Types: []string{"STRUCT<\xff: \"a\" b>", "INT64"}, Values: 1, Sum: content.Sum{Hi: 1, Lo: math.MaxUint64}}}}
	got := recalled(t, f, odd, content.Facts{})
	for i, want := range []content.Facts{f, odd, {}} {
		if !reflect.DeepEqual(got[int64(i)], want) {
			t.Errorf("facts %d are\n%+v\nwant\n%+v", i, got[int64(i)], want)
		}
	}
}

// TestTotalsThatWereKeptAddUp adds totals that were written down to others that were not, exactly.
func TestTotalsThatWereKeptAddUp(t *testing.T) {
	table := func(d, m, n any) fixtures.Table {
		return fixtures.Table{Columns: []fixtures.Column{{Name: "d", Type: fixtures.FloatType, Values: []any{d}}, {Name: "m", Type: fixtures.DecimalType(18, 2), Values: []any{m}},
			{Name: "n", Type: fixtures.Int64Type, Values: []any{n}}}}
	}
	facts := func(table fixtures.Table) content.Facts {
		dir := t.TempDir()
		if err := fixtures.Write(filepath.Join(dir, "a.parquet"), table, fixtures.Options{}); err != nil {
			t.Fatal(err)
		}
		o := order(t, dir)
		o.Ask.Totals = []string{"d", "m", "n"}
		found, _, err := content.Read(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return found[0]
	}
	first, second, third := facts(table(1e300, 150, 7)), facts(table(0.1, 2, -9)), facts(table(-1e300, -7, int64(math.MaxInt64)))
	kept := recalled(t, first, second)
	for name, sum := range map[string]content.Facts{"kept and read": kept[0].Plus(third).Plus(kept[1]), "read and kept": third.Plus(kept[0].Plus(kept[1])), "kept again": recalled(t, kept[0].Plus(kept[1]))[0].Plus(third)} {
		for column, want := range map[string]string{"d": "0.1", "m": "1.45", "n": "9223372036854775805"} {
			if c, _ := sum.Column(column); c.Total.String() != want {
				t.Errorf("%s: %s adds up to %s, want %s", name, column, c.Total, want)
			}
		}
	}
}
