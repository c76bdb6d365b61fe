package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/fixtures"
)

// TestALongHistoryStaysWithinTheLimit keeps the keys of a history that would take more than the limit where they were held: a night takes at
// most a tenth more than the limit, finds the repeats between its new partition and the oldest, and reads that partition alone.
func TestALongHistoryStaysWithinTheLimit(t *testing.T) {
	const limit, days, repeated = 256_000_000, 8, 5
	rows := 100_000
	if os.Getenv(memoryVariable) != "" {
		rows = 3_000_000
	}
	dir, facts := t.TempDir(), filepath.Join(t.TempDir(), "facts")
	write := func(day, rows, from int) {
		id, event := fixtures.Column{Name: "id", Type: fixtures.Int64Type}, fixtures.Column{Name: "event_time", Type: fixtures.AwareType}
		for i := range rows {
			key := int64(from + i)
			if day == days && i < repeated {
				key = int64(i)
			}
			id.Values, event.Values = append(id.Values, key), append(event.Values, time.Date(2026, 10, 1+day, 0, 0, 0, i*20_000, time.UTC))
		}
		path := filepath.Join(dir, fmt.Sprintf("dt=2026-10-%02d", 1+day), "a.parquet")
		if err := fixtures.Write(path, fixtures.Table{Columns: []fixtures.Column{id, event}}, fixtures.Options{PlainPages: true}); err != nil {
			t.Fatal(err)
		}
	}
	night := func(what, asOf string, code int, wants ...string) {
		t.Helper()
		peak, got, text := peakOf(t, program(t, "run", "--path", dir, "--name", "v", "--event-time", "event_time", "--key", "id", "--ttl", "1000d", "--memory-limit", "256MB", "--as-of", asOf,
			"--threads", "2", "--facts", facts, "--summary", "none"))
		if got != code || peak > limit*11/10 {
			t.Errorf("%s: exit %d and %d MB resident, want %d and at most a tenth more than %d MB:\n%s", what, got, peak/1_000_000, code, limit/1_000_000, text)
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s says\n%s\nwant %s", what, text, want)
			}
		}
	}
	for day := range days {
		write(day, rows, day*rows)
	}
	night("the first night", "2026-10-09", 0, fmt.Sprintf(`"files_known":0,"rows_known":0,"files_read":%d,"rows_read":%d`, days, days*rows))
	write(days, 1000, days*rows)
	night("the second night", "2026-10-10", 1, fmt.Sprintf(`"files_known":%d,"rows_known":%d,"files_read":1,"rows_read":1000`, days, days*rows))
	night("a third night", "2026-10-10", 1, fmt.Sprintf(`"files_known":%d,"rows_known":%d,"files_read":0,"rows_read":0`, days+1, days*rows+1000))
}
