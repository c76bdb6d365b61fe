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
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/load"
)

const testdata = "../../fixtures/feast"

// expectedPair is what the difference of two registries is, computed with Feast's own classes.
type expectedPair struct {
	Before, After string
	Note          string
	Expected      struct {
		CreatedColumn   map[string][]string            `json:"created_column"`
		EventTime       map[string][]string            `json:"event_time_column"`
		FeatureTypes    map[string][]string            `json:"feature_types"`
		JoinKeys        map[string][][]string          `json:"join_keys"`
		Materialization []string                       `json:"materialization_intervals_changed"`
		TTL             map[string][]*float64          `json:"ttl_changed_meaning"`
		Added           []string                       `json:"views_added"`
		Removed         []string                       `json:"views_removed"`
		Tags            []string                       `json:"tags"`
		FieldMapping    []string                       `json:"field_mapping"`
		Features        map[string]map[string][]string `json:"features_added_or_removed"`
	} `json:"expected"`
	LostFields    map[string][]int `json:"lost_fields_of_FeatureViewSpec"`
	UnknownFields struct {
		Before, After map[string][]int
	} `json:"unknown_fields"`
}

func readPairs(t *testing.T) []expectedPair {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testdata, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e struct{ Pairs []expectedPair }
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Pairs) != 24 {
		t.Fatalf("%d pairs, want 24", len(e.Pairs))
	}
	return e.Pairs
}

func read(t *testing.T, name string) registry.Definitions {
	t.Helper()
	d, err := load.Definitions(t.Context(), filepath.Join(testdata, name), load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestPairs holds every pair of real registries to exactly the differences that Feast's own classes show.
func TestPairs(t *testing.T) {
	for _, p := range readPairs(t) {
		t.Run(p.Before+".."+p.After, func(t *testing.T) {
			findings := diff.Classify(diff.Compute(read(t, p.Before), read(t, p.After)), diff.Policy{})
			var got []string
			for _, f := range findings {
				got = append(got, short(f))
			}
			slices.Sort(got)
			want := p.want()
			if !slices.Equal(got, want) {
				t.Errorf("%s\ngot  %s\nwant %s", p.Note, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
			}
		})
	}
}

func short(f diff.Finding) string {
	switch f.Rule {
	case "newer-fields-lost":
		return fmt.Sprintf("%s %s %s", f.Rule, f.View, strings.Join(slices.Sorted(maps.Keys(f.Old.(map[string]any))), ","))
	case "materialization-advanced":
		return f.Rule + " " + f.View
	case "unknown-fields-lost", "unknown-fields-present", "unknown-fields-changed":
		return f.Rule + " " + f.Object
	}
	where := f.View
	if feature, ok := strings.CutPrefix(f.Object, "features."); ok || f.View == "" {
		where += "." + feature
	}
	return fmt.Sprintf("%s %s %v %v", f.Rule, where, f.Old, f.New)
}

// want writes what is expected as short does.
func (p expectedPair) want() []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	e := p.Expected
	for view, v := range e.CreatedColumn {
		add("created-column-removed %s %s <nil>", view, v[0])
	}
	for view, v := range e.EventTime {
		add("event-time-changed %s %s %s", view, v[0], v[1])
	}
	for view, v := range e.FeatureTypes {
		add("feature-type-changed %s %s %s", view, v[0], v[1])
	}
	for view, v := range e.JoinKeys {
		add("join-key-changed %s %v %v", view, v[0], v[1])
	}
	for _, view := range e.Materialization {
		add("materialization-advanced %s", view)
	}
	for view, v := range e.TTL {
		switch {
		case v[1] == nil:
			add("ttl-removed %s %v <nil>", view, *v[0])
		case *v[1] == 0:
			add("ttl-zeroed %s %v 0", view, *v[0])
		default:
			add("ttl-loosened %s %v %v", view, *v[0], *v[1])
		}
	}
	for i := range e.Added {
		add("view-renamed %s %s %s", e.Added[i], e.Removed[i], e.Added[i])
	}
	if len(e.Added) > 0 { // the incident: what the registered objects say themselves
		add("entity-definition-changed .entity.merchant.join_key merchant_id merchant_key")
		add("data-source-changed .data_sources.card_daily_source.timestamp_field day_end day_start")
		add("data-source-changed .data_sources.card_risk_source.created_timestamp_column created <nil>")
	}
	names := map[int]string{13: "offline", 17: "enable_validation", 18: "version", 19: "org"}
	for view, numbers := range p.LostFields {
		fields := []string{"batch_source.meta"}
		for _, n := range numbers {
			fields = append(fields, names[n])
		}
		slices.Sort(fields)
		add("newer-fields-lost %s %s", view, strings.Join(fields, ","))
	}
	p.wantUnknown(add)
	slices.Sort(list)
	return list
}

func (p expectedPair) wantUnknown(add func(string, ...any)) {
	path := func(owner string, number int) string {
		if owner == "Registry" {
			return fmt.Sprintf("unknown_fields.%d in the registry", number)
		}
		return fmt.Sprintf("unknown_fields.spec.%d in feature view %s", number, owner)
	}
	before, after := p.UnknownFields.Before, p.UnknownFields.After
	for owner, numbers := range before {
		for _, n := range numbers {
			rule := "unknown-fields-lost"
			if slices.Contains(after[owner], n) {
				rule = "unknown-fields-changed"
			}
			add("%s %s", rule, path(owner, n))
		}
	}
	for owner, numbers := range after {
		for _, n := range numbers {
			if !slices.Contains(before[owner], n) {
				add("unknown-fields-present %s", path(owner, n))
			}
		}
	}
}
