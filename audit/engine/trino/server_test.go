//go:build trino

package trino

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

func openTest(t *testing.T, change func(*Config)) *Cluster {
	t.Helper()
	config := Config{URL: os.Getenv("FEATUREAUDIT_TEST_TRINO"), Catalog: "features", Schema: "default"}
	if change != nil {
		change(&config)
	}
	c, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func answers(t *testing.T, c *Cluster, query string) [][]any {
	t.Helper()
	var rows [][]any
	err := c.query(t.Context(), asking{view: "v", step: "test"}, query, func(row []any) error {
		rows = append(rows, append([]any(nil), row...))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestTimesAreExact counts times that a double since 1970 does not hold, and that milliseconds would cut.
func TestTimesAreExact(t *testing.T) {
	c := openTest(t, nil)
	for text, want := range map[string][2]int64{
		"2026-03-01 00:00:00.123456789": {1772323200123456, 789},
		"2026-03-01 00:00:00.000999999": {1772323200000999, 999},
		"1969-12-31 23:59:59.999999999": {-1, 999},
		"1970-01-01 00:00:00.000000001": {0, 1},
		"0001-01-01 00:00:00.000001001": {-62135596799999999, 1},
		"9999-12-31 23:59:59.999999":    {253402300799999999, 0},
		"2255-06-05 23:47:34.740993":    {9007199254740993, 0},
		"200000-06-05 23:47:34.740993":  {6249236744854740993, 0},
	} {
		for _, precise := range []bool{true, false} {
			if !precise && want[1] != 0 {
				continue
			}
			read := timestampSQL("t", precise)
			nanos := read.nanos
			if nanos == "" {
				nanos = "BIGINT '0'"
			}
			got := answers(t, c, fmt.Sprintf("SELECT %s, %s FROM (VALUES TIMESTAMP '%s') AS x(t)", read.micros, nanos, text))[0]
			if got[0] != want[0] || got[1] != want[1] {
				t.Errorf("%s (to the nanosecond: %v) is %v us and %v ns, want %d and %d", text, precise, got[0], got[1], want[0], want[1])
			}
		}
	}
}

// TestTheSessionIsInUTC holds it to UTC wherever the program runs.
func TestTheSessionIsInUTC(t *testing.T) {
	t.Setenv("TZ", "America/Los_Angeles")
	if got := answers(t, openTest(t, nil), "SELECT current_timezone()")[0][0]; got != "UTC" {
		t.Errorf("the session's zone is %v, want UTC", got)
	}
}

// TestQueriesSayWhoAsks: resource groups choose by source, and people find the queries of an audit.
func TestQueriesSayWhoAsks(t *testing.T) {
	source := fmt.Sprintf("featureaudit-%d", os.Getpid())
	c := openTest(t, func(config *Config) { config.Source = source })
	answers(t, c, "SELECT 'who asks'")
	got := answers(t, c, "SELECT count(*) FROM system.runtime.queries WHERE source = '"+source+"' AND query = 'SELECT ''who asks'''")[0][0]
	if got != int64(1) {
		t.Errorf("the server lists %v queries of that source, want 1", got)
	}
	if spent := c.Spent(); spent.Queries != 2 || spent.Bytes == 0 {
		t.Errorf("spent %+v, want two queries, and bytes", spent)
	}
}

// TestACancelledQueryEndsOnTheServer: nothing runs on for an audit that was interrupted.
func TestACancelledQueryEndsOnTheServer(t *testing.T) {
	c := openTest(t, func(config *Config) { config.Source = "featureaudit-cancel" })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(2*time.Second, cancel)
	err := c.query(ctx, asking{view: "v", step: "test"}, "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) CROSS JOIN UNNEST(sequence(1, 10000)) c(z)",
		func([]any) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled query: error %v, want context.Canceled", err)
	}
	other := openTest(t, nil)
	for range 100 {
		running := answers(t, other, "SELECT count(*) FROM system.runtime.queries WHERE source = 'featureaudit-cancel' AND state NOT IN ('FAILED', 'FINISHED')")[0][0]
		if running == int64(0) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("the server still runs the query ten seconds after it was cancelled")
}

// TestAQueryThatTakesTooLongSaysSo names the limit that ended it.
func TestAQueryThatTakesTooLongSaysSo(t *testing.T) {
	c := openTest(t, func(config *Config) { config.QueryTimeout = 2 * time.Second })
	err := c.query(t.Context(), asking{view: "v", step: "keys"}, "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) CROSS JOIN UNNEST(sequence(1, 10000)) c(z)",
		func([]any) error { return nil })
	var said *Error
	if !errors.As(err, &said) || !said.Retryable() {
		t.Fatalf("error %v, want one that a retry may cure", err)
	}
	if want := "took longer than 2s to answer (step keys), the limit of engine.trino.query_timeout"; !contains(err.Error(), want) {
		t.Errorf("error %q, want one that says %q", err, want)
	}
}

// TestErrorsOfTheQuestionAreNotAskedAgain: only the cluster's own are.
func TestErrorsOfTheQuestionAreNotAskedAgain(t *testing.T) {
	c := openTest(t, nil)
	err := c.query(t.Context(), asking{view: "v", step: "profile"}, "SELECT no_such_column FROM (VALUES 1) AS x(y)", func([]any) error { return nil })
	var said *Error
	if !errors.As(err, &said) || said.Type != "USER_ERROR" || said.Name != "COLUMN_NOT_FOUND" || said.Retryable() {
		t.Errorf("error %+v, want a USER_ERROR that no retry cures", err)
	}
	if retries := c.Spent().Retries; retries != 0 {
		t.Errorf("%d retries, want none", retries)
	}
}
