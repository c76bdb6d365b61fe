package diff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/feast"
)

// TestLedgerHoldsEveryField: each field of each message stands in exactly one table, with a rule that there is or with
// a reason, and the ledger knows no field that the schema does not.
func TestLedgerHoldsEveryField(t *testing.T) {
	l, s := readLedger(t), readSchema(t)
	fields := 0
	for name, m := range s {
		if strings.HasPrefix(name, "map ") {
			continue
		}
		for _, f := range m.fields {
			fields++
			own, ok := l[name][f.name]
			switch {
			case !ok:
				t.Errorf("%s.%s stands in no table of the ledger", name, f.name)
			case own.table == judged && own.what != "fields" && own.what != "holder":
				if _, known := diff.Find(own.what); !known {
					t.Errorf("%s.%s is judged by %q, which is no rule", name, f.name, own.what)
				}
			case own.table == bookkeeping && len(strings.Fields(own.what)) < 3:
				t.Errorf("%s.%s is bookkeeping without a reason: %q", name, f.name, own.what)
			case own.table == noted && own.what != "":
				t.Errorf("%s.%s is noted, and says %q besides", name, f.name, own.what)
			case own.table != judged && own.table != bookkeeping && own.table != noted:
				t.Errorf("%s.%s stands in a table %q", name, f.name, own.table)
			}
		}
	}
	lines := 0
	for name, entries := range l {
		for field := range entries {
			lines++
			if m := s[name]; m == nil || m.named(field) == nil {
				t.Errorf("the ledger knows %s.%s, the schema does not", name, field)
			}
		}
	}
	if fields != lines || fields < 400 {
		t.Errorf("%d fields, %d lines", fields, lines)
	}
}

// family are the rules that may speak of a field that stands in the ledger with another rule of the same kind.
var family = map[string][]string{
	"ttl-loosened":              {"ttl-loosened", "ttl-tightened"},
	"view-removed":              {"view-renamed", "view-removed", "view-added", "inputs-changed"},
	"feature-removed":           {"feature-removed", "feature-added"},
	"feature-type-changed":      {"feature-type-changed", "feature-type-widened", "feature-type-narrowed"},
	"service-removed":           {"service-removed", "service-added", "service-changed"},
	"service-member-removed":    {"service-member-removed", "service-member-added"},
	"entity-definition-changed": {"entity-definition-changed", "entity-changed", "join-key-changed"},
	"data-source-changed":       {"data-source-changed", "source-renamed"},
	"online-disabled":           {"online-disabled", "online-enabled"},
	"materialization-rewritten": {"materialization-rewritten", "materialization-advanced", "materialization-lost"},
	"newer-fields-changed":      {"newer-fields-changed", "newer-fields-lost"},
	"view-disabled":             {"view-disabled", "newer-fields-changed", "newer-fields-lost"},
	"view-moved":                {"view-moved", "view-removed", "view-added"},
	"key-type-changed":          {"key-type-changed", "join-key-changed"},
	"entity-changed":            {"entity-changed", "join-key-changed"},
}

// several are the fields by which things are known: another name is one thing gone and another there.
func several(chain []step) bool {
	last := chain[len(chain)-1]
	return last.field == "name" || last.field == "feature_view_name" || last.field == "project" || last.field == "entities" || last.field == "join_key" || last.field == "type" || last.message == "EntitySpecV2"
}

// expected are the rules that may speak of a leaf; none for bookkeeping.
func (l ledger) expected(chain []step) []string {
	last := chain[len(chain)-1]
	if last.field == "project" && chain[0].field == "data_sources" && len(chain) == 2 {
		return []string{"data-source-changed"} // of a registered source it is no copy
	}
	rule, all := "", false
	for i, s := range chain {
		own := l[s.message][s.field]
		switch {
		case own.table == bookkeeping:
			return nil
		case own.names && last.field != "name":
			return nil // a copy
		case all && own.table == noted && rule == "inputs-changed" && (s.field == "description" || s.field == "tags" || s.field == "owner"):
			rule = diff.NotJudgedRule
		case all:
		case own.table == noted && !(s.field == "batch_source" && i > 0 && chain[i-1].field == "source"):
			rule, all = diff.NotJudgedRule, true // but for the source behind a label view's push source, which is the view's own
		case own.table == judged && own.what != "fields" && own.what != "holder":
			rule, all = own.what, own.all || own.names
		}
	}
	rules := family[rule]
	for _, s := range chain {
		if all {
			break
		}
		switch s.field {
		case "schema":
			if rule != diff.NotJudgedRule && chain[0].field != "data_sources" && !slices.Contains(rules, "stream-source-changed") {
				rule, rules = "source-changed", nil
			}
		case "stream_source":
			if rule != diff.NotJudgedRule && rule != "watermark-changed" {
				rules = []string{"stream-source-changed", "source-renamed"}
			}
		case "entity_columns":
			if rule != diff.NotJudgedRule {
				rules = family["key-type-changed"]
			}
		}
	}
	if last.field == "data_source_class_type" { // only a custom source is loaded by its class
		rules = append(slices.Clone(rules), rule, diff.NotJudgedRule)
	}
	if rules == nil {
		return []string{rule}
	}
	return rules
}

// TestEachFieldIsSeen changes each field of each message once, wherever it stands in a full registry: exactly one
// finding of the kind that the ledger says, and none for bookkeeping.
func TestEachFieldIsSeen(t *testing.T) {
	l, s := readLedger(t), readSchema(t)
	seen := map[string]bool{}
	for v := range variants {
		var places []place
		b := full{schema: s, variant: v, places: &places}
		base := decoded(t, b.registry())
		b.places = nil
		for _, p := range places {
			if seen[p.id] && !aboutSources(p.chain) {
				continue
			}
			seen[p.id] = true
			b.mutate = p.id
			other, err := feast.Decode(b.registry())
			if err != nil {
				t.Errorf("%s: %v", p.id, err)
				continue
			}
			want := l.expected(p.chain)
			var got []string
			for _, f := range diff.Classify(diff.Compute(base, other), diff.Policy{}) {
				got = append(got, f.Rule)
			}
			ok := len(want) == 0 && len(got) == 0 || len(want) > 0 && len(got) > 0 && !slices.ContainsFunc(got, func(g string) bool { return !slices.Contains(want, g) })
			if !ok || len(got) > 1 && !several(p.chain) {
				t.Errorf("variant %d: %s\n\tgot  %v\n\twant one of %v", v, p.id, got, want)
			}
		}
	}
	if len(seen) < 1000 {
		t.Errorf("%d places: the registry is not full", len(seen))
	}
}

func aboutSources(chain []step) bool {
	last := chain[len(chain)-1]
	return last.message == "DataSource" && (last.field == "name" || last.field == "type")
}

func decoded(t *testing.T, raw []byte) registry.Definitions {
	t.Helper()
	d, err := feast.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.UnknownFields) > 0 {
		t.Fatalf("unknown fields %+v", d.UnknownFields)
	}
	return d
}

// TestTheSameInOtherBytes: the order of fields and of map entries, packed numbers, and fields that stand twice are no
// change.
func TestTheSameInOtherBytes(t *testing.T) {
	s := readSchema(t)
	for v := range variants {
		plain := full{schema: s, variant: v}
		base := decoded(t, plain.registry())
		for name, b := range map[string]full{
			"reversed": {schema: s, variant: v, reversed: true}, "doubled": {schema: s, variant: v, doubled: true},
			"both": {schema: s, variant: v, reversed: true, doubled: true},
		} {
			if changes := diff.Compute(base, decoded(t, b.registry())); len(changes) > 0 {
				t.Errorf("variant %d %s: %s", v, name, fmt.Sprint(changes)[:min(600, len(fmt.Sprint(changes)))])
			}
		}
	}
}
