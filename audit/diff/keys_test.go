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
	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/load"
	"github.com/featureaudit/featureaudit/audit/registry/prior"
	"github.com/featureaudit/featureaudit/audit/report"
)

// keyValues are what a key may hold: values that mean different things, made from its schema.
type keyValues struct {
	path   string
	values []any
}

// unlike are values of a kind of text that has a form of its own.
var unlike = map[string][]any{
	"text": {"a", "b"}, "zone": {"Asia/Tokyo", "Europe/Paris"}, "date": {"2027-01-01", "2027-01-02"}, "duration": {"3h", "4h"}, "duration_or_zero": {"3h", "4h", 0},
	"columns": {[]any{"a"}, []any{"b"}, []any{"a", "b"}}, "zones": {[]any{"Asia/Tokyo"}, []any{"Europe/Paris"}}, "ttl": {"3h", "4h", 0, map[string]any{"never": "a"}},
}

// formOf are the values of keys whose text has a form that the schema does not tell.
var formOf = map[string][]any{
	"event_time.format": {"%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S"}, "ingested_at.format": {"%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S"}, "table.as_of": {"2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"}, "table.trino": {"a.b.c", "a.b.d"},
}

// keysBelow lists every key of an object's schema, with values for each that has no keys of its own.
func keysBelow(t *testing.T, prefix string, s map[string]any, defs map[string]any) (all []keyValues) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(s["properties"].(map[string]any))) {
		all = append(all, keysAt(t, prefix+name, s["properties"].(map[string]any)[name].(map[string]any), defs)...)
	}
	return all
}

func keysAt(t *testing.T, path string, s, defs map[string]any) []keyValues {
	t.Helper()
	for end, values := range formOf {
		if path == end || strings.HasSuffix(path, "."+end) {
			return []keyValues{{path, values}}
		}
	}
	if name, ok := strings.CutPrefix(fmt.Sprint(s["$ref"]), "#/$defs/"); ok {
		if values, ok := unlike[name]; ok {
			return []keyValues{{path, values}}
		}
		return keysAt(t, path, defs[name].(map[string]any), defs)
	}
	switch {
	case s["oneOf"] != nil:
		var all []keyValues
		for _, one := range s["oneOf"].([]any) {
			if one := one.(map[string]any); one["type"] != "null" {
				all = append(all, keysAt(t, path, one, defs)...)
			}
		}
		return all
	case s["enum"] != nil:
		return []keyValues{{path, s["enum"].([]any)}}
	case s["const"] != nil:
		return []keyValues{{path, []any{s["const"]}}}
	case s["type"] == "array":
		return nil // the short form of the key stands before it
	case s["type"] == "integer":
		return []keyValues{{path, []any{3, 4}}}
	case s["type"] == "number":
		if s["exclusiveMinimum"] == 1.0 {
			return []keyValues{{path, []any{1.5, 2.5}}}
		}
		return []keyValues{{path, []any{0.25, 0.5}}}
	case s["properties"] != nil:
		return keysBelow(t, path+".", s, defs)
	case s["additionalProperties"] != nil:
		return keysAt(t, path+".batch", s["additionalProperties"].(map[string]any), defs)
	}
	t.Fatalf("%s: no value is known for %v", path, s)
	return nil
}

// besides are keys without which another is refused.
var besides = map[string]map[string]any{"once_per": {"source": "s"}, "ingested_at.commit": {"table.format": "delta"}}

// definitionsOf reads a config with one view, whose keys are given by dotted name.
func definitionsWith(t *testing.T, keys map[string]any) (registry.Definitions, error) {
	t.Helper()
	view := map[string]any{}
	put := func(path string, value any) {
		at := view
		parts := strings.Split(path, ".")
		for _, part := range parts[:len(parts)-1] {
			below, ok := at[part].(map[string]any)
			if !ok {
				below = map[string]any{}
				if column, ok := at[part].(string); ok {
					below["column"] = column
				}
				at[part] = below
			}
			at = below
		}
		last := parts[len(parts)-1]
		if below, ok := at[last].(map[string]any); ok {
			below["column"] = value
			return
		}
		at[last] = value
	}
	for path, value := range map[string]any{"path": "data/x/*.parquet", "event_time": "at", "ttl": "1d"} {
		put(path, value)
	}
	for _, path := range slices.Sorted(maps.Keys(keys)) {
		if keys[path] == nil {
			delete(view, path)
			continue
		}
		put(path, keys[path])
	}
	text, err := json.Marshal(map[string]any{"version": 1, "views": map[string]any{"v": view}}) // JSON is YAML
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "featureaudit.yaml")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return load.Definitions(t.Context(), name, load.Options{})
}

// TestEveryKeyThatChangesIsToldOf holds two configs against each other that differ in one value of one key, for every key that a view has by
// the schema of the config: each change must be a finding.
func TestEveryKeyThatChangesIsToldOf(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(policy.ConfigSchema(policy.ParseOptions{}), &schema); err != nil {
		t.Fatal(err)
	}
	defs := schema["$defs"].(map[string]any)
	pairs := 0
	for _, key := range keysBelow(t, "", defs["view"].(map[string]any), defs) {
		values := append([]any{nil}, key.values...)
		for i, older := range values {
			for _, newer := range values[i+1:] {
				if key.path == "time_partition.complete_after" && older == nil && fmt.Sprint(newer) == "0" {
					continue // the default, written down
				}
				pairs++
				if why := changeUntold(t, key.path, older, newer); why != "" {
					t.Errorf("%s: %v -> %v: %s", key.path, older, newer, why)
				}
			}
		}
	}
	if pairs < 250 {
		t.Errorf("%d pairs of values, want one for each two values of every key", pairs)
	}
}

func changeUntold(t *testing.T, path string, older, newer any) string {
	t.Helper()
	sides := [2]registry.Definitions{}
	for i, value := range []any{older, newer} {
		keys := map[string]any{}
		maps.Copy(keys, besides[path])
		if value != nil {
			keys[path] = value
		}
		d, err := definitionsWith(t, keys)
		if err != nil {
			return err.Error()
		}
		sides[i] = d
	}
	if len(diff.Compute(sides[0], sides[1])) == 0 {
		return "nothing changed between configs"
	}
	if before, after := reported(t, sides[0]), reported(t, sides[1]); len(diff.Compute(before, after)) == 0 {
		return "nothing changed between reports"
	}
	return ""
}

// reported are the definitions as the report of an audit by them holds them.
func reported(t *testing.T, d registry.Definitions) registry.Definitions {
	t.Helper()
	r := report.Report{Schema: report.Schema, AsOf: "2026-11-20T00:00:00Z", Status: report.Complete, Catalogue: []string{}}
	for _, v := range d.Views {
		r.Views = append(r.Views, report.View{Name: v.Name, Project: v.Project, Owner: v.Owner, Outcome: report.NotApplicable, Definition: document.Definition(*v.Policy)})
	}
	r.Summary = r.Summarise()
	id, err := r.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r.ID = id
	text, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := prior.DecodeReport(text)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// TestWhatAConfigNamesBesideItsViewsIsToldOf: another baseline accepts other findings, and another catalog of a cluster holds other tables.
func TestWhatAConfigNamesBesideItsViewsIsToldOf(t *testing.T) {
	of := func(text string) registry.Definitions {
		name := filepath.Join(t.TempDir(), "featureaudit.yaml")
		if err := os.WriteFile(name, []byte("version: 1\nviews: {v: {path: data/x, event_time: at, ttl: 1d}}\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := load.Definitions(t.Context(), name, load.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for text, want := range map[string]string{
		"baseline: known.json\n": "config files: baseline", "facts: kept\n": "config files: facts", "history: runs\n": "config files: history",
		"engine: {trino: {url: https://t:8443}}\n": "engine trino: url", "engine: {trino: {url: https://x:8443, catalog: c}}\n": "engine trino: catalog",
		"engine: {trino: {url: https://x:8443, schema: s}}\n": "engine trino: schema",
	} {
		before := ""
		if strings.HasPrefix(text, "engine") && !strings.HasPrefix(text, "engine: {trino: {url: https://t") {
			before = "engine: {trino: {url: https://x:8443}}\n"
		}
		changes := diff.Compute(of(before), of(text))
		if len(changes) != 1 || changes[0].Object != diff.NotJudged {
			t.Errorf("%q: %+v, want one change: %s", text, changes, want)
		}
	}
}
