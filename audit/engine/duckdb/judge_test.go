package duckdb

import (
	"errors"
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
