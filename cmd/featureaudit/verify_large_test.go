package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/fixtures"
)

// TestOneCellOfManyIsFound changes one value outside of the range, of a million cells; of as many as FEATUREAUDIT_TEST_CELLS says.
func TestOneCellOfManyIsFound(t *testing.T) {
	cells := 1_000_000
	if text := os.Getenv("FEATUREAUDIT_TEST_CELLS"); text != "" {
		var err error
		if cells, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	const days, columns, stray, filled = 8, 10, 3, 6
	rows := cells / days / columns
	store := filepath.Join(t.TempDir(), "store")
	write := func(day int, change func(row, column int) int) {
		t.Helper()
		table := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type}, {Name: "event_time", Type: fixtures.AwareType}}}
		begin := time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)
		for range columns - 2 {
			table.Columns = append(table.Columns, fixtures.Column{Name: fmt.Sprintf("f%d", len(table.Columns)), Type: fixtures.Int64Type})
		}
		for row := range rows {
			table.Columns[0].Values = append(table.Columns[0].Values, day*100_000_000+row)
			table.Columns[1].Values = append(table.Columns[1].Values, begin.Add(time.Duration(row)*86_400_000/time.Duration(rows)*time.Millisecond))
			for at := 2; at < columns; at++ {
				table.Columns[at].Values = append(table.Columns[at].Values, row*at%100_003+change(row, at))
			}
		}
		if err := fixtures.Write(filepath.Join(store, "data", fmt.Sprintf("dt=2026-11-%02d", day), "a.parquet"), table, fixtures.Options{RowGroup: 200_000}); err != nil {
			t.Fatal(err)
		}
	}
	same := func(int, int) int { return 0 }
	for day := 1; day <= days; day++ {
		write(day, same)
	}
	config := filepath.Join(store, "featureaudit.yaml")
	if err := os.WriteFile(config, []byte("version: 1\nviews:\n  v:\n    path: data/**/*.parquet\n    event_time: event_time\n    key: [id]\n"+
		"    time_partition: {column: dt, grain: day, zone: UTC, of: event_time}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := filepath.Join(t.TempDir(), "before.snapshot")
	raw, _ := snapshotOf(t, store)
	if err := os.WriteFile(before, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	write(filled, func(_, at int) int { return at })
	write(stray, func(row, at int) int {
		if row == rows*2/3 && at == 7 {
			return 1
		}
		return 0
	})
	r := verified(t, exitFindings, "--before", before, "--config", config, "--range", "2026-11-06..2026-11-06")
	want := "1 of 7 partitions outside of the range was changed (1 changed): dt=2026-11-03 has other values in f7"
	if got := resultOf(t, r, "backfill-isolated"); got.Message != want {
		t.Errorf("of %d cells it says\n%s\nwant\n%s", cells, got.Message, want)
	}
}
