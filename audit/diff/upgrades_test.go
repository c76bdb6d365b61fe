package diff_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/load"
)

func shop(t *testing.T, name string) registry.Definitions {
	t.Helper()
	d, err := load.Definitions(context.Background(), filepath.Join(testdata, name), load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestUpgradesAreSilent: the same definitions, written by another release or in another format, differ in nothing, not
// even in what is only noted: releases fill in fields by themselves.
func TestUpgradesAreSilent(t *testing.T) {
	of := map[string][]string{
		"0.40.1": {"registries/0.40.1/before.registry.db", "registries/0.40.1/before.registry.sqlite", "registries/0.40.1/before.dump.json"}, "0.49.0": {"registries/0.49.0/before.registry.db", "registries/0.49.0/before.dump.json"},
		"0.62.0": {"registries/0.62.0/before.registry.db", "registries/0.62.0/before.dump.json"}, "0.67.0": {"registries/0.67.0/before.registry.db", "registries/0.67.0/before.registry.sqlite", "registries/0.67.0/before.dump.json"},
	}
	releases := []string{"0.40.1", "0.49.0", "0.62.0", "0.67.0"}
	for i, before := range releases {
		for _, after := range releases[i:] {
			for _, x := range of[before] {
				for _, y := range of[after] {
					if got := said(shop(t, x), shop(t, y)); len(got) > 0 {
						t.Errorf("%s -> %s: %q", x, y, got)
					}
				}
			}
		}
	}
	if got := said(shop(t, "registries/0.40.1/before.registry.db"), shop(t, "upgrade/reapply-0.40.1-by-0.67.0.registry.db")); len(got) > 0 {
		t.Errorf("applied anew: %q", got)
	}
}

// TestAnOldClient: what it erased is said once for each view, and nothing else is.
func TestAnOldClient(t *testing.T) {
	var got []string
	for _, f := range diff.Classify(diff.Compute(shop(t, "upgrade/old-image.before.registry.db"), shop(t, "upgrade/old-image.after.registry.db")), diff.Policy{}) {
		got = append(got, f.Rule+" "+f.View)
	}
	want := []string{
		"newer-fields-lost card_risk", "newer-fields-lost transactions", "newer-fields-lost user_impressions",
		"materialization-advanced card_risk", "materialization-advanced transactions", "materialization-advanced user_impressions",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestAFieldThatOnlyNewReleasesWrite: where it appears alone it was set; an upgrade brings others along.
func TestAFieldThatOnlyNewReleasesWrite(t *testing.T) {
	for _, release := range []string{"0.40.1", "0.49.0", "0.62.0", "0.67.0"} {
		older, newer := shop(t, "registries/"+release+"/before.registry.db"), shop(t, "registries/"+release+"/before.registry.db")
		i := slices.IndexFunc(newer.Views, func(v registry.View) bool { return v.Name == "card_daily" })
		fields := map[string]string{"offline": "true"}
		for name, text := range newer.Views[i].NewerFields {
			fields[name] = text
		}
		newer.Views[i].NewerFields = fields
		want := []string{"card_daily: newer-fields-changed its offline went from nothing to true"}
		if got := said(older, newer); !slices.Equal(got, want) {
			t.Errorf("%s: got %q", release, got)
		}
	}
}
