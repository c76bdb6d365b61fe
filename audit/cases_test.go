package audit_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestCases audits every store whose verdict is known by construction.
func TestCases(t *testing.T) {
	for _, c := range readCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := c.Write(dir); err != nil {
				t.Fatal(err)
			}
			differences, err := c.Differences(auditStore(t, dir, c.AsOf, c.Range))
			if err != nil {
				t.Fatal(err)
			}
			for _, difference := range differences {
				t.Error(difference)
			}
		})
	}
}

func readCases(t *testing.T) []fixtures.Case {
	t.Helper()
	cases, err := fixtures.Cases()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestEveryCheckHasCases demands an ok, a bad and an edge case of each check, and no case of a check that is none.
func TestEveryCheckHasCases(t *testing.T) {
	kinds := map[string]bool{}
	for _, c := range readCases(t) {
		kinds[c.Check()+"/"+c.Kind()] = true
		if _, known := check.Lookup(c.Check()); !known {
			t.Errorf("%s is about check %q, which the catalogue does not have", c.File, c.Check())
		}
	}
	for _, c := range check.Catalogue() {
		if c.OnlyGiven || c.Remembers {
			continue // what is judged lies beside the store, or before it, and a case holds the store
		}
		for _, kind := range []string{"ok", "bad", "edge"} {
			if !kinds[c.ID+"/"+kind] {
				t.Errorf("check %s has no case of kind %s: write one in fixtures/cases/%s, as the README there says", c.ID, kind, c.ID)
			}
		}
	}
}

// TestPlantedStores audits the incident and the healthy store: exactly what was planted is found, and nothing else.
func TestPlantedStores(t *testing.T) {
	for name, plant := range map[string]func(string) (fixtures.Expected, error){"incident": fixtures.Incident, "healthy": fixtures.Healthy} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			expected, err := plant(dir)
			if err != nil {
				t.Fatal(err)
			}
			differences, err := expected.Differences(auditStore(t, dir, expected.AsOf, ""))
			if err != nil {
				t.Fatal(err)
			}
			for _, difference := range differences {
				t.Error(difference)
			}
		})
	}
}

// auditStore audits the store and config below a folder.
func auditStore(t *testing.T, dir, asOf, within string) report.Report {
	t.Helper()
	file, err := policy.Load(filepath.Join(dir, fixtures.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := file.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := audit.Options{Views: resolved.Views, Suppressions: resolved.Suppressions, Consumers: resolved.Consumers, ConfigDigest: resolved.Digest,
		Threads: 2, TempDir: t.TempDir(), RowsLimit: 100, Adapters: realAdapters(), Log: zerolog.Nop()}
	if within != "" {
		o.RangeFrom, o.RangeTo, _ = strings.Cut(within, "..")
		if o.AsOf, err = time.Parse(time.DateOnly, o.RangeTo); err != nil {
			t.Fatal(err)
		}
		o.AsOf = o.AsOf.AddDate(0, 0, 1) // the end of the last day
	}
	if asOf != "" {
		o.AsOfGiven = true
		if o.AsOf, err = time.Parse(time.RFC3339, asOf); err != nil {
			t.Fatal(err)
		}
	}
	audited, err := audit.Run(context.Background(), o)
	if err != nil {
		t.Fatal(fmt.Errorf("audit %s: %w", dir, err))
	}
	holds(t, audited.Report)
	return audited.Report
}

// holds demands of a report that its readers take it.
func holds(t *testing.T, r report.Report) {
	t.Helper()
	raw, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := report.Parse(raw); err != nil {
		t.Error(err)
	}
}

func realAdapters() audit.Adapters {
	return audit.Adapters{
		Store: local.New(),
		OpenScanner: func(threads int, memory int64, tempDir string) (audit.Scanner, error) {
			return duckdb.Open(duckdb.Config{Threads: threads, MemoryLimit: memory, TempDir: tempDir})
		},
		OpenJudge: func(ctx context.Context) (audit.Judge, error) {
			return duckdb.StartJudge(ctx)
		},
	}
}
