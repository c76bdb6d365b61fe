package audit_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

// TestRowGroupWithoutRows reads a file of pyarrow with checksums, whose row groups have 2, 0 and 1 rows: for the second it writes dictionaries of no
// value, and no data page, whose place it gives as 0. The file is sound.
func TestRowGroupWithoutRows(t *testing.T) {
	data, err := os.ReadFile("testdata/empty_row_group.parquet")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.parquet"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	r := auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}}, "unreadable-file", "duplicate-keys")
	// the dictionary and the data page of two columns in two row groups, and two dictionaries of the one between
	if r := resultOf(t, r, "unreadable-file"); r.Outcome != report.Pass || r.Measures["checked_pages"].(int64) != 10 {
		t.Errorf("unreadable-file: %s: %s %v", r.Outcome, r.Message, r.Measures)
	}
	if r := resultOf(t, r, "duplicate-keys"); r.RowsBad != 1 || r.RowsTotal != 3 {
		t.Errorf("duplicate-keys: %d of %d rows: %s", r.RowsBad, r.RowsTotal, r.Message)
	}
}
