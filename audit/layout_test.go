package audit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// randomStores is how many random stores these tests audit whole, some of them several times.
const randomStores = 15

func auditRandom(t *testing.T, store fixtures.Random, view model.View, checks ...string) []report.Result {
	t.Helper()
	o := audit.Options{Views: []model.View{view}, AsOf: store.AsOf, AsOfGiven: true, SelectChecks: checks, Threads: 2, TempDir: t.TempDir(),
		Adapters: realAdapters(), Log: zerolog.Nop()}
	audited, err := audit.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return audited.Report.Results
}

// verdicts are the results that do not count files, in words.
func verdicts(results []report.Result) map[string]string {
	all := map[string]string{}
	for _, r := range results {
		if r.Unit != "files" {
			all[r.Check] = fmt.Sprintf("%s, %d of %d", r.Outcome, r.RowsBad, r.RowsTotal)
		}
	}
	return all
}

// TestNoVerdictDependsOnTheLayout audits the same rows in whole files, in files cut to pieces, and in the opposite order.
func TestNoVerdictDependsOnTheLayout(t *testing.T) {
	layouts := map[string]fixtures.Layout{"cut": {Pieces: 3}, "reversed": {Reversed: true}}
	for seed := range uint64(randomStores) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			whole, err := fixtures.RandomStore(t.TempDir(), seed)
			if err != nil {
				t.Fatal(err)
			}
			want := verdicts(auditRandom(t, whole, whole.View))
			for name, layout := range layouts {
				other, err := fixtures.RandomStoreIn(t.TempDir(), seed, layout)
				if err != nil {
					t.Fatal(err)
				}
				got := verdicts(auditRandom(t, other, other.View))
				for check, verdict := range want {
					if got[check] != verdict {
						t.Errorf("%s: %s is %q, and %q in whole files", check, name, got[check], verdict)
					}
				}
			}
		})
	}
}

// TestLongerTTLNeverMakesMoreRowsStale audits the same rows by longer and longer ttls.
func TestLongerTTLNeverMakesMoreRowsStale(t *testing.T) {
	ttls := []time.Duration{time.Second, time.Hour, 12 * time.Hour, 24 * time.Hour, 50 * time.Hour, 31 * 24 * time.Hour}
	for seed := range uint64(randomStores) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			store, err := fixtures.RandomStore(t.TempDir(), seed)
			if err != nil {
				t.Fatal(err)
			}
			before := map[string]int64{}
			for i, ttl := range ttls {
				view := store.View
				view.TTL = model.TTL{Duration: ttl, Explicit: true}
				for _, r := range auditRandom(t, store, view, "stale-rows", "stale-entities", "stale-view") {
					if i > 0 && r.RowsBad > before[r.Check] {
						t.Errorf("%s: %d bad at a ttl of %v, %d at %v", r.Check, r.RowsBad, ttl, before[r.Check], ttls[i-1])
					}
					before[r.Check] = r.RowsBad
				}
			}
		})
	}
}
