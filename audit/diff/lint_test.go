package diff_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/diff"
)

// TestLintOnRealRegistries: ttls that never expire, by what expected.json says of each view, and nothing that Feast's
// releases write in their own ways is taken for a fault.
func TestLintOnRealRegistries(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(testdata, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Registries map[string]struct {
			Views []struct {
				Name string
				Kind string
				TTL  *float64 `json:"ttl_seconds"`
				Keys []string `json:"join_keys_via_entities"`
			}
		}
		Unknown map[string]map[string][]int `json:"unknown_fields"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Registries)) {
		var want []string
		for _, v := range e.Registries[name].Views {
			if v.Kind == "on_demand_feature_view" {
				continue
			}
			if v.TTL == nil || *v.TTL == 0 {
				want = append(want, "ttl-unset "+v.Name)
			} else if *v.TTL > 87660*3600 {
				want = append(want, "ttl-absurd "+v.Name)
			}
			if slices.Equal(v.Keys, []string{"__dummy_id"}) {
				want = append(want, "view-without-entity "+v.Name)
			}
		}
		for owner, numbers := range e.Unknown[strings.TrimSuffix(filepath.Base(name), ".registry.db")] {
			if !strings.HasPrefix(name, "unknown/") {
				break
			}
			for range numbers {
				want = append(want, "unknown-fields "+strings.TrimPrefix(owner, "Registry"))
			}
		}
		if len(e.Registries[name].Views) == 0 {
			want = append(want, "definitions-empty ")
		}
		var got []string
		for _, f := range diff.Lint(read(t, name), nil, nil, diff.Policy{}) {
			got = append(got, fmt.Sprintf("%s %s", f.Rule, f.View))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", name, strings.Join(got, ", "), strings.Join(want, ", "))
		}
	}
}
