package audit_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/fixtures"
)

// writtenStore is the local store with a writer at work: after the audit has read a file and before it looks at the file
// again, the next of the changes is done.
type writtenStore struct {
	local.Store
	path    string
	changes []func() error
}

func (s *writtenStore) Stat(ctx context.Context, abs string) (store.Entry, error) {
	if abs == s.path && len(s.changes) > 0 {
		change := s.changes[0]
		s.changes = s.changes[1:]
		if err := change(); err != nil {
			return store.Entry{}, err
		}
	}
	return s.Store.Stat(ctx, abs)
}

// TestFileThatMovesDuringTheRun changes a file while it is read. In a closed partition that is an error that a retry may
// cure; in an open one the file is read once more, and left out and named where it is not at rest then.
func TestFileThatMovesDuringTheRun(t *testing.T) {
	rows := func(first, count int) []fixtures.Column {
		ids := fixtures.Column{Name: "id", Type: fixtures.Int64Type}
		for i := range count {
			ids.Values = append(ids.Values, int64(first+i))
		}
		return []fixtures.Column{ids, eventTimes(count)}
	}
	tests := map[string]struct {
		changes []string
		// unread is the outcome of unreadable-file for the file in an open partition, rows how many are looked at.
		unread report.Outcome
		rows   int64
	}{
		"grows once":         {[]string{"rewrite"}, report.Pass, 5},
		"grows twice":        {[]string{"rewrite", "", "more"}, report.Pass, 2},
		"vanishes":           {[]string{"remove"}, report.Pass, 2},
		"grows and vanishes": {[]string{"rewrite", "", "remove"}, report.Pass, 2},
		"is half written":    {[]string{"append"}, report.Pass, 2},
		"is emptied":         {[]string{"empty"}, report.Pass, 2},
	}
	for name, test := range tests {
		for _, open := range []bool{true, false} {
			dir := t.TempDir()
			path := filepath.Join(dir, "dt=2026-11-01", "f.parquet")
			writeFile(t, filepath.Join(dir, "dt=2026-10-31", "f.parquet"), fixtures.Options{}, rows(0, 2)...)
			writeFile(t, path, fixtures.Options{}, rows(10, 2)...)
			actions := map[string]func() error{
				"": func() error { return nil },
				"rewrite": func() error {
					return fixtures.Write(path, fixtures.Table{Columns: rows(10, 3)}, fixtures.Options{Modified: time.Now().Add(time.Second)})
				},
				"more": func() error {
					return fixtures.Write(path, fixtures.Table{Columns: rows(10, 4)}, fixtures.Options{Modified: time.Now().Add(2 * time.Second)})
				},
				"remove": func() error { return os.Remove(path) },
				"append": func() error { return os.WriteFile(path, []byte("PAR1 and half of the rows"), 0o644) },
				"empty":  func() error { return os.Truncate(path, 0) },
			}
			st := &writtenStore{path: path}
			for _, action := range test.changes {
				st.changes = append(st.changes, actions[action])
			}
			adapters := realAdapters()
			adapters.Store = st
			asOf := hostileDay.Add(12 * time.Hour)
			if !open {
				asOf = hostileDay.Add(24 * time.Hour)
			}
			v := model.View{Name: "v", Path: "**/*.parquet", Root: dir, Key: []string{"id"}, EventTime: model.TimeColumn{Column: "event_time"}, Tolerance: model.DefaultTolerance,
				TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}}
			audited, err := audit.Run(t.Context(), audit.Options{Views: []model.View{v}, AsOf: asOf, AsOfGiven: true, Threads: 1, TempDir: t.TempDir(),
				SelectChecks: []string{"unreadable-file", "duplicate-keys", "null-event-time"}, Adapters: adapters, Log: zerolog.Nop()})
			if err != nil {
				t.Fatal(err)
			}
			unread, rowCheck := resultOf(t, audited.Report, "unreadable-file"), resultOf(t, audited.Report, "null-event-time")
			if !open {
				if unread.Outcome != report.Error || !unread.Retryable || rowCheck.RowsTotal != 2 {
					t.Errorf("%s, closed: unreadable-file is %s (retryable %v) and %d rows were looked at: %s", name, unread.Outcome, unread.Retryable, rowCheck.RowsTotal, unread.Message)
				}
				continue
			}
			if unread.Outcome != test.unread || rowCheck.RowsTotal != test.rows || rowCheck.Outcome != report.Pass {
				t.Errorf("%s, open: unreadable-file is %s, null-event-time %s of %d rows, want %d: %s", name, unread.Outcome, rowCheck.Outcome, rowCheck.RowsTotal, test.rows, unread.Message)
			}
			if left := strings.Join(audited.Report.Views[0].Notes, "\n"); (test.rows == 2) != strings.Contains(left, "dt=2026-11-01/f.parquet of an open partition changed during the run") {
				t.Errorf("%s, open: notes are %q", name, left)
			}
		}
	}
}
