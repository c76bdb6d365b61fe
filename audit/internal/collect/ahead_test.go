package collect

import (
	"runtime"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
)

// TestKeptRowsHoldNoRecords reads 64 rows of a megabyte each back and keeps of each what an export does: the rows are let go.
func TestKeptRowsHoldNoRecords(t *testing.T) {
	const count, size = 64, 1 << 20
	a := &ahead{v: &verifier{payload: make([]payloadColumn, 1)}, sources: map[string]string{}}
	var exported []facts.DuplicateRow
	for i := range count {
		row := keys.Row{Source: []string{"", "batch"}[i%2], Key: "k", Payload: []keys.Value{{Text: strings.Repeat("v", size)}}}
		var read keys.Row
		if err := a.take(&target{}, &read, string(appendRow(nil, int64(i), &row)[1:])); err != nil { // after the ordinal
			t.Fatal(err)
		}
		if read.Source != row.Source || read.Key != row.Key || read.Payload[0] != row.Payload[0] {
			t.Fatalf("row %d came back as another", i)
		}
		exported = append(exported, duplicateRow(read))
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	if stats.HeapAlloc > count*size/4 {
		t.Errorf("%d bytes are held with %d exported rows", stats.HeapAlloc, count)
	}
	runtime.KeepAlive(exported)
}
