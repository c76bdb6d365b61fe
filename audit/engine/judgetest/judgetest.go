// Package judgetest holds any engine that judges fact tables to what engine.Judge promises. An adapter calls Run in a test of
// its own.
package judgetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine"
)

// Run tries everything that every judge must do. Open opens one, and ends it with the test.
func Run(t *testing.T, open func(t *testing.T) engine.Judge) {
	t.Run("Load replaces every table", func(t *testing.T) { loads(t, open(t)) })
	t.Run("Load holds all values of its types", func(t *testing.T) { holdsValues(t, open(t)) })
	t.Run("Load names the table that it cannot load", func(t *testing.T) { namesTables(t, open(t)) })
	t.Run("Query takes exactly the parameters of its text", func(t *testing.T) { takesParameters(t, open(t)) })
	t.Run("Query refuses what breaks the contract of checks", func(t *testing.T) { refuses(t, open(t)) })
	t.Run("Query sees no file", func(t *testing.T) { seesNoFile(t, open(t)) })
	t.Run("Query is in UTC wherever it runs", func(t *testing.T) {
		t.Setenv("TZ", "Asia/Kolkata")
		staysInUTC(t, open(t))
	})
	t.Run("A cancelled context ends each call", func(t *testing.T) { ends(t, open(t)) })
}

// Table is a fact table of a hostile name with three columns, one of each type.
func Table(rows ...[]any) engine.Table {
	return engine.Table{Name: `od"d`, Columns: []engine.Column{{Name: "name", Type: engine.Varchar}, {Name: "n", Type: engine.BigInt}, {Name: "yes", Type: engine.Boolean}},
		Rows: func(yield func([]any) bool) {
			for _, r := range rows {
				if !yield(r) {
					return
				}
			}
		}}
}

// Query gives the rows of Table whose yes is true by n; bad are those with n above $least.
const Query = `SELECT name AS subject, n AS rows_total, ($least < n)::BIGINT AS rows_bad, '{}' AS measures FROM "od""d" WHERE yes ORDER BY n`

func load(t *testing.T, j engine.Judge, tables ...engine.Table) {
	t.Helper()
	if err := j.Load(t.Context(), tables); err != nil {
		t.Fatalf("Load: %v", err)
	}
}

// wants runs a query and compares all its rows.
func wants(t *testing.T, j engine.Judge, query string, params map[string]any, want ...engine.Row) {
	t.Helper()
	got, err := j.Query(t.Context(), query, params)
	if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%s\ngives %+v, error %v; want %+v", query, got, err, want)
	}
}

func loads(t *testing.T, j engine.Judge) {
	least := map[string]any{"least": int64(1)}
	load(t, j, Table([]any{"a", int64(1), true}, []any{"b", int64(2), true}, []any{"c", nil, false}))
	wants(t, j, Query, least, engine.Row{Subject: "a", RowsTotal: 1, Measures: "{}"}, engine.Row{Subject: "b", RowsTotal: 2, RowsBad: 1, Measures: "{}"})
	load(t, j, Table([]any{"d", int64(7), true}))
	wants(t, j, Query, least, engine.Row{Subject: "d", RowsTotal: 7, RowsBad: 1, Measures: "{}"})
	load(t, j, Table())
	wants(t, j, Query, least)
	load(t, j) // no table at all
	load(t, j, Table([]any{"e", int64(3), true}))
	wants(t, j, Query, least, engine.Row{Subject: "e", RowsTotal: 3, RowsBad: 1, Measures: "{}"})
	other := Table()
	other.Name = "other"
	load(t, j, other)
	if rows, err := j.Query(t.Context(), Query, least); err == nil {
		t.Errorf("a table of an earlier Load is still there: it gives %+v, want an error", rows)
	}
}

// holdsValues: the ends of 64 bits, texts of any letters, NULLs, and more rows than any engine takes at once.
func holdsValues(t *testing.T, j engine.Judge) {
	const most, least = int64(1<<63 - 1), int64(-1 << 63)
	hostile := "'; DROP TABLE x; --\n\"ü\" \x7f|" + strings.Repeat("long", 10_000)
	load(t, j, Table([]any{hostile, most, true}, []any{"", least, true}, []any{nil, nil, nil}))
	wants(t, j, `SELECT name AS subject, n AS rows_total, 0::BIGINT AS rows_bad, '{}' AS measures FROM "od""d" WHERE yes ORDER BY n`, nil,
		engine.Row{Subject: "", RowsTotal: least, Measures: "{}"}, engine.Row{Subject: hostile, RowsTotal: most, Measures: "{}"})
	wants(t, j, `SELECT 'nulls' AS subject, count(*) AS rows_total, count(name) + count(n) + count(yes) AS rows_bad, '' AS measures FROM "od""d" WHERE yes IS NULL`, nil,
		engine.Row{Subject: "nulls", RowsTotal: 1})
	const many = 100_000
	table := Table()
	table.Rows = func(yield func([]any) bool) {
		for i := range int64(many) {
			if !yield([]any{"x", i, i%2 == 0}) {
				return
			}
		}
	}
	load(t, j, table)
	wants(t, j, `SELECT 'many' AS subject, count(*) AS rows_total, (count(*) FILTER (WHERE yes)) AS rows_bad, max(n)::VARCHAR AS measures FROM "od""d"`, nil,
		engine.Row{Subject: "many", RowsTotal: many, RowsBad: many / 2, Measures: "99999"})
}

func namesTables(t *testing.T, j engine.Judge) {
	for _, row := range [][]any{{"a"}, {"a", "not a number", true}} {
		if err := j.Load(t.Context(), []engine.Table{Table(row)}); err == nil || !strings.Contains(err.Error(), `load fact table od"d: `) {
			t.Errorf("Load of the row %v: error %v, want one that names the table", row, err)
		}
	}
}

func takesParameters(t *testing.T, j engine.Judge) {
	load(t, j, Table())
	for _, params := range []map[string]any{nil, {"most": int64(1)}, {"least": int64(1), "most": int64(2)}} {
		if _, err := j.Query(t.Context(), Query, params); err == nil || !strings.Contains(err.Error(), "the query's parameters are [least]") {
			t.Errorf("Query with %v: error %v, want one that names the parameters", params, err)
		}
	}
}

func refuses(t *testing.T, j engine.Judge) {
	load(t, j)
	for name, query := range map[string]string{
		"huge integers":  `SELECT '' AS subject, sum(1::BIGINT) AS rows_total, 0::BIGINT AS rows_bad, '' AS measures`,
		"other names":    `SELECT '' AS who, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures`,
		"another order":  `SELECT '' AS measures, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS subject`,
		"a column more":  `SELECT '{}' AS subject, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures, 1 AS more`,
		"a column fewer": `SELECT '{}' AS subject, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad`,
	} {
		if _, err := j.Query(t.Context(), query, nil); err == nil || !strings.Contains(err.Error(), "the contract of checks is") {
			t.Errorf("%s: error %v, want one that says what the contract of checks is", name, err)
		}
	}
}

func seesNoFile(t *testing.T, j engine.Judge) {
	file := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(file, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	load(t, j)
	for _, query := range []string{
		`SELECT content AS subject, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures FROM read_text('` + file + `')`,
		`SELECT a::VARCHAR AS subject, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures FROM '` + file + `'`,
	} {
		if rows, err := j.Query(t.Context(), query, nil); err == nil {
			t.Errorf("%s\nread a file: %+v, want an error", query, rows)
		}
	}
}

// staysInUTC: what a check makes of an instant depends on the zone of no machine.
func staysInUTC(t *testing.T, j engine.Judge) {
	load(t, j)
	wants(t, j, `SELECT strftime(to_timestamp(0), '%Y-%m-%d %H:%M') AS subject, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures`, nil,
		engine.Row{Subject: "1970-01-01 00:00", RowsTotal: 1})
}

func ends(t *testing.T, j engine.Judge) {
	load(t, j, Table())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Load(ctx, []engine.Table{Table([]any{"a", int64(1), true})}); !errors.Is(err, context.Canceled) {
		t.Errorf("Load with a cancelled context: error %v, want context.Canceled", err)
	}
	if _, err := j.Query(ctx, Query, map[string]any{"least": int64(1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("Query with a cancelled context: error %v, want context.Canceled", err)
	}
}
