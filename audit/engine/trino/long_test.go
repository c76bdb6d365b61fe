package trino

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/times"
)

// TestTwentyThousandFilesFitIntoAQuestion: a cluster takes questions of a million letters, and is told of each file what its rows are
// judged by; here each of 700 days has rules of its own, and each file its own time of writing.
func TestTwentyThousandFilesFitIntoAQuestion(t *testing.T) {
	const files, days, most = 20_000, 700, 1_000_000
	told := &telling{index: map[string]int64{}, files: map[string][2]int64{}, known: map[string][3]int64{}}
	for i := range files {
		day := times.Instant(int64(1_700_000_000+i%days*86400) * 1_000_000)
		rules := collect.RowRules{Partitioned: true, Dated: true, Start: day, End: day + 86400_000_000, InRange: true,
			Stale: facts.Staleness{Before: day, Lag: times.None}, SnapshotEnd: times.None, Limits: facts.Limits{KnownBy: day + times.Instant(i)}}
		there := fmt.Sprintf("s3://a-bucket/a/long/way/to/the/table/dt=%d/part-%05d-8e2a1f6c-0000-4000-8000-%012d.c000.snappy.parquet", i%days, i, i)
		told.add(there, &facts.File{ID: int32(i), Partition: int32(i % days)}, 0, rules)
	}
	if len(told.known) != files || len(told.rules) != days {
		t.Fatalf("%d files and %d rules, want %d and %d", len(told.known), len(told.rules), files, days)
	}
	letters := 50_000 // of all else that a question asks
	for _, part := range []any{told.known, told.rules} {
		raw, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		letters += len(raw)
	}
	if letters > most {
		t.Errorf("%d letters for %d files, want at most %d", letters, files, most)
	}
}
