package duckdb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/judgetest"
)

func openTestJudge(t *testing.T) *Judge {
	t.Helper()
	j, err := OpenJudge(t.Context(), Config{Threads: 2, MemoryLimit: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// TestJudgeWithoutMemory loads and asks for more than the limit of the engine: that may pass with more of it, which a wrong query may not.
func TestJudgeWithoutMemory(t *testing.T) {
	j, err := OpenJudge(t.Context(), Config{Threads: 1, MemoryLimit: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	many := engine.Table{Name: "many", Columns: []engine.Column{{Name: "name", Type: engine.Varchar}, {Name: "n", Type: engine.BigInt}}, Rows: func(yield func([]any) bool) {
		for n := range int64(400_000) {
			if !yield([]any{fmt.Sprintf("the name of row %d", n), n}) {
				return
			}
		}
	}}
	const query = "SELECT name AS subject, n AS rows_total, n AS rows_bad, '{}' AS measures FROM many ORDER BY name DESC"
	err = j.Load(t.Context(), []engine.Table{many})
	if err == nil {
		_, err = j.Query(t.Context(), query, nil)
	}
	var resource engine.ResourceError
	if !errors.As(err, &resource) || !resource.Retryable() || !errors.Is(err, ErrMemory) {
		t.Errorf("400,000 rows within 16 MiB: %v, want an error for want of memory that may pass", err)
	}
	// the engine is as good as new
	if err := j.Load(t.Context(), []engine.Table{{Name: "few", Columns: many.Columns, Rows: func(yield func([]any) bool) { yield([]any{"a", int64(1)}) }}}); err != nil {
		t.Fatal(err)
	}
	rows, err := j.Query(t.Context(), strings.Replace(query, "many", "few", 1), nil)
	if err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v, want 1", len(rows), err)
	}
	if _, err := j.Query(t.Context(), query, nil); err == nil || errors.As(err, &resource) {
		t.Errorf("a table that is not there: %v, want an error that does not pass", err)
	}
}

// TestJudge holds the judge to what every one must do.
func TestJudge(t *testing.T) {
	judgetest.Run(t, func(t *testing.T) engine.Judge { return openTestJudge(t) })
}

// TestJudgeStaysClosed: what shuts files out cannot be undone by a query.
func TestJudgeStaysClosed(t *testing.T) {
	j := openTestJudge(t)
	if err := j.conn.exec("SET enable_external_access = true"); err == nil {
		t.Error("the door can be opened again, want an error")
	}
	query := `SELECT content AS subject, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures FROM read_text('/etc/hosts')`
	if _, err := j.Query(t.Context(), query, nil); err == nil || !strings.Contains(err.Error(), "disabled by configuration") {
		t.Errorf("read a file: error %v, want one that says that the configuration disables it", err)
	}
}

// TestJudgeRefusesOtherTextTypes: JSON is text of a type of its own.
func TestJudgeRefusesOtherTextTypes(t *testing.T) {
	query := `SELECT '{}'::JSON AS subject, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures, 1 AS more`
	if _, err := openTestJudge(t).Query(t.Context(), query, nil); err == nil || !strings.Contains(err.Error(), "the contract of checks is") {
		t.Errorf("error %v, want one that says what the contract of checks is", err)
	}
}

// TestJudgeGoesOnAfterAQueryThatFails: a query that fails ends the transaction that holds the rows, and takes nothing from the next one.
func TestJudgeGoesOnAfterAQueryThatFails(t *testing.T) {
	j := openTestJudge(t)
	if err := j.Load(t.Context(), []engine.Table{judgetest.Table([]any{"a", int64(1), true}, []any{"b", int64(2), true})}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := j.Query(t.Context(), `SELECT name AS subject, name::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures FROM "od""d"`, nil); err == nil || !strings.Contains(err.Error(), "Conversion Error") {
			t.Fatalf("a text as a number: error %v, want a Conversion Error", err)
		}
		got, err := j.Query(t.Context(), judgetest.Query, map[string]any{"least": int64(1)})
		want := []engine.Row{{Subject: "a", RowsTotal: 1, Measures: "{}"}, {Subject: "b", RowsTotal: 2, RowsBad: 1, Measures: "{}"}}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("the query after it gives %+v, error %v; want %+v", got, err, want)
		}
	}
}

// TestJudgePlansAnewForManyMoreRows: a plan is kept for views of about the size that it was made for.
func TestJudgePlansAnewForManyMoreRows(t *testing.T) {
	j := openTestJudge(t)
	for _, test := range []struct{ rows, planned int }{{3, 3}, {24, 3}, {25, 25}, {2, 25}, {1000, 1000}} {
		var rows [][]any
		for i := range test.rows {
			rows = append(rows, []any{"x", int64(i), true})
		}
		if err := j.Load(t.Context(), []engine.Table{judgetest.Table(rows...)}); err != nil {
			t.Fatal(err)
		}
		got, err := j.Query(t.Context(), judgetest.Query, map[string]any{"least": int64(0)})
		if err != nil || len(got) != test.rows || got[test.rows-1].RowsTotal != int64(test.rows-1) {
			t.Fatalf("%d rows loaded: %d answered, error %v", test.rows, len(got), err)
		}
		if planned := j.queries[judgetest.Query].rows; planned != test.planned {
			t.Errorf("%d rows are judged by a plan for %d, want one for %d", test.rows, planned, test.planned)
		}
	}
}

// TestJudgePlansForNoRowsInParticular: a query that was planned for a view without rows of a table is asked of one with rows. What the engine knew
// of the empty table would be part of the plan: that its texts are short enough for one byte, that nothing joins it.
func TestJudgePlansForNoRowsInParticular(t *testing.T) {
	table := func(name string, rows ...[]any) engine.Table {
		return engine.Table{Name: name, Columns: []engine.Column{{Name: "name", Type: engine.Varchar}, {Name: "n", Type: engine.BigInt}}, Rows: slices.Values(rows)}
	}
	several := [][]any{{"batch", int64(1000)}, {"big", int64(2000)}, {"stream", int64(5)}}
	want := []engine.Row{{Subject: "batch", RowsTotal: 1000, RowsBad: 1000}, {Subject: "big", RowsTotal: 2000, RowsBad: 2000}, {Subject: "stream", RowsTotal: 5, RowsBad: 5}}
	for _, query := range []string{
		"SELECT name AS subject, n AS rows_total, n AS rows_bad, '' AS measures FROM b ORDER BY name",
		"SELECT name AS subject, max(n) AS rows_total, max(n) AS rows_bad, '' AS measures FROM b GROUP BY name ORDER BY name",
		"SELECT a.name AS subject, a.n AS rows_total, coalesce(b.n, 0) AS rows_bad, '' AS measures FROM a LEFT JOIN b ON b.name = a.name ORDER BY a.name",
		`WITH most AS (SELECT name, max(n) AS n FROM b GROUP BY name)
			SELECT a.name AS subject, a.n AS rows_total, coalesce(m.n, (SELECT max(m.n) FROM most AS m)) AS rows_bad, '' AS measures
			FROM a LEFT JOIN most AS m ON m.name = a.name ORDER BY a.name`,
		"SELECT a.name AS subject, a.n AS rows_total, (SELECT count(*) FROM b) * a.n // 3 AS rows_bad, '' AS measures FROM a ORDER BY a.name",
	} {
		for _, first := range [][]engine.Table{{table("a", several...), table("b")}, {table("a"), table("b", several...)}, {table("a"), table("b")}} {
			j := openTestJudge(t)
			for _, tables := range [][]engine.Table{first, {table("a", several...), table("b", several...)}} {
				if err := j.Load(t.Context(), tables); err != nil {
					t.Fatal(err)
				}
				got, err := j.Query(t.Context(), query, nil)
				if &tables[0] != &first[0] && (err != nil || !slices.Equal(got, want)) {
					t.Errorf("%s\ngives %+v, error %v; want %+v", query, got, err, want)
				}
			}
		}
	}
}
