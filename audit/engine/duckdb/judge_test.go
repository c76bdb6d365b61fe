package duckdb

import (
	"errors"
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

// TestJudgeWithoutMemory: want of memory may pass, a wrong query may not.
func TestJudgeWithoutMemory(t *testing.T) {
	var says interface{ Retryable() bool }
	for text, want := range map[string]bool{
		"database/sql/driver: Failed to append: Failed to allocate block of 16384 bytes (bad\nallocation)": true,
		"Out of Memory Error: Allocation failure":                                                          true, "Catalog Error: Table with name x does not exist!": false,
	} {
		err := withoutRoom(errors.New(strings.ReplaceAll(text, "\n", " ")))
		if got := errors.As(err, &says) && says.Retryable(); got != want {
			t.Errorf("%q: retryable %t, want %t (%v)", text, got, want, err)
		}
	}
	if withoutRoom(nil) != nil {
		t.Error("no error became one")
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
