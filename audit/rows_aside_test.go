package audit_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestLongRowsNeedNoFolderWhereMemoryHasRoom has a temporary folder that nothing can be written to, and rows with long values that are wanted: a
// folder that is full is no reason to give none while memory has room for them.
func TestLongRowsNeedNoFolderWhereMemoryHasRoom(t *testing.T) {
	dir := t.TempDir()
	ids, at := fixtures.Column{Name: "id", Type: fixtures.TextType}, fixtures.Column{Name: "event_time", Type: fixtures.AwareType}
	for i := range 20 {
		ids.Values = append(ids.Values, fmt.Sprint(strings.Repeat("k", 600), i%10))
		at.Values = append(at.Values, time.Date(2026, 11, 1, 0, i, 0, 0, time.UTC))
	}
	writeFile(t, filepath.Join(dir, "a.parquet"), fixtures.Options{}, ids, at)
	view := model.View{Name: "v", Path: "*.parquet", Root: dir, Key: []string{"id"}, EventTime: model.TimeColumn{Column: "event_time"}, TTL: model.TTL{Duration: time.Hour, Explicit: true}}
	done, err := audit.Run(t.Context(), audit.Options{Views: []model.View{view}, AsOf: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), AsOfGiven: true, Threads: 2,
		TempDir: filepath.Join(dir, "nowhere"), RowsLimit: 100, BadRows: true, Adapters: realAdapters(), Log: zerolog.Nop()})
	if err != nil || done.RowsErr != nil {
		t.Fatalf("%v, %v", err, done.RowsErr)
	}
	t.Cleanup(func() {
		if err := done.Close(); err != nil {
			t.Error(err)
		}
	})
	if len(done.Duplicates) != 20 {
		t.Errorf("%d repeated rows, want 20", len(done.Duplicates))
	}
	repeated := 0
	for _, row := range done.Rows {
		if row.Check == "duplicate-keys" {
			repeated++
		}
	}
	if repeated == 0 {
		t.Errorf("no row of duplicate-keys among %d", len(done.Rows))
	}
}
