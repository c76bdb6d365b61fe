package duckdb

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

func tableOf(rows ...[]any) engine.Table {
	return engine.Table{Name: `od"d`, Columns: []engine.Column{{Name: "name", Type: engine.Varchar}, {Name: "n", Type: engine.BigInt}, {Name: "yes", Type: engine.Boolean}},
		Rows: func(yield func([]any) bool) {
			for _, r := range rows {
				if !yield(r) {
					return
				}
			}
		}}
}

const rowQuery = `SELECT name AS subject, n AS rows_total, ($least < n)::BIGINT AS rows_bad, '{}' AS measures FROM "od""d" WHERE yes ORDER BY n`

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

func TestJudgeLoadsAndQueries(t *testing.T) {
	j := openTestJudge(t)
	for _, rows := range [][][]any{{{"a", int64(1), true}, {"b", int64(2), true}, {"c", nil, false}}, {{"d", int64(7), true}}} {
		if err := j.Load(t.Context(), []engine.Table{tableOf(rows...)}); err != nil {
			t.Fatal(err)
		}
		got, err := j.Query(t.Context(), rowQuery, map[string]any{"least": int64(1)})
		if err != nil {
			t.Fatal(err)
		}
		want := []engine.Row{{Subject: "a", RowsTotal: 1, Measures: "{}"}, {Subject: "b", RowsTotal: 2, RowsBad: 1, Measures: "{}"}}
		if len(rows) == 1 {
			want = []engine.Row{{Subject: "d", RowsTotal: 7, RowsBad: 1, Measures: "{}"}}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestJudgeComparesParameters(t *testing.T) {
	j := openTestJudge(t)
	if err := j.Load(t.Context(), []engine.Table{tableOf()}); err != nil {
		t.Fatal(err)
	}
	for _, params := range []map[string]any{nil, {"most": int64(1)}, {"least": int64(1), "most": int64(2)}} {
		if _, err := j.Query(t.Context(), rowQuery, params); err == nil || !strings.Contains(err.Error(), "the query's parameters are [least]") {
			t.Errorf("%v: %v", params, err)
		}
	}
}

func TestJudgeRefusesWhatBreaksTheContract(t *testing.T) {
	j := openTestJudge(t)
	for name, query := range map[string]string{
		"huge integers": `SELECT '' AS subject, sum(1::BIGINT) AS rows_total, 0::BIGINT AS rows_bad, '' AS measures`,
		"other names":   `SELECT '' AS who, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures`,
		"json":          `SELECT '{}'::JSON AS subject, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures, 1 AS more`,
	} {
		if _, err := j.Query(t.Context(), query, nil); err == nil || !strings.Contains(err.Error(), "the contract of checks is") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJudgeSeesNoFileAndNoOtherZone(t *testing.T) {
	t.Setenv("TZ", "Asia/Kolkata")
	j := openTestJudge(t)
	file := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(file, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	query := `SELECT content AS subject, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures FROM read_text('` + file + `')`
	if _, err := j.Query(t.Context(), query, nil); err == nil || !strings.Contains(err.Error(), "disabled by configuration") {
		t.Errorf("read a file: %v", err)
	}
	if _, err := j.conn.ExecContext(t.Context(), "SET enable_external_access = true"); err == nil {
		t.Error("the door can be opened again")
	}
	zone := `SELECT current_setting('TimeZone') AS subject, 1::BIGINT AS rows_total, 0::BIGINT AS rows_bad, '' AS measures`
	got, err := j.Query(t.Context(), zone, nil)
	if err != nil || got[0].Subject != "UTC" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestJudgeIsInterrupted(t *testing.T) {
	j := openTestJudge(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Load(ctx, []engine.Table{tableOf([]any{"a", int64(1), true})}); !errors.Is(err, context.Canceled) {
		t.Errorf("load: %v", err)
	}
	if _, err := j.Query(ctx, rowQuery, map[string]any{"least": int64(1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("query: %v", err)
	}
}

func TestJudgeNamesTheTableThatCannotBeLoaded(t *testing.T) {
	j := openTestJudge(t)
	for _, r := range [][]any{{"a"}, {"a", "not a number", true}} {
		if err := j.Load(t.Context(), []engine.Table{tableOf(r)}); err == nil || !strings.Contains(err.Error(), `load fact table od"d: `) {
			t.Errorf("%v: %v", r, err)
		}
	}
}
