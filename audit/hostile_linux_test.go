package audit_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestNamesThatNoEngineTakes has files that are errors of their own, with a reason that says what to do. Only Linux takes any
// bytes as a file name.
func TestNamesThatNoEngineTakes(t *testing.T) {
	for _, folder := range []string{"\xff\xfe", `b\[x]`} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, folder, "f.parquet"), fixtures.Options{}, column("id", 1, 1), eventTimes(2))
		writeFile(t, filepath.Join(dir, "good", "f.parquet"), fixtures.Options{}, column("id", 2, 3, 3), eventTimes(3))
		got := auditView(t, model.View{Path: "**/*.parquet", Root: dir, Key: []string{"id"}}, "duplicate-keys", "unreadable-file")
		if r := resultOf(t, got, "duplicate-keys"); r.Outcome != report.Fail || r.RowsBad != 1 || r.RowsTotal != 3 {
			t.Errorf("%q: duplicate-keys: %s, %d of %d: %s", folder, r.Outcome, r.RowsBad, r.RowsTotal, r.Message)
		}
		r := resultOf(t, got, "unreadable-file")
		if r.Outcome != report.Error || r.RowsBad != 1 || r.Retryable || !strings.Contains(r.Message, "rename it") {
			t.Errorf("%q: unreadable-file: %s, %d bad: %s", folder, r.Outcome, r.RowsBad, r.Message)
		}
	}
}
