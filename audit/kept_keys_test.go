package audit_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/fixtures"
)

// keyEdit is a value for a key of the config, in YAML, and how many files are known after it.
type keyEdit struct {
	value string
	known int64
}

// keyEdits are values for every key of the config that can be edited alone, by the names that leafKeys gives. A key without one says why.
func keyEdits() (edits map[string][]keyEdit, none map[string]string) {
	times := func(prefix string) map[string][]keyEdit {
		same := map[bool]int64{true: keptDays}[prefix == "view.event_time"] // it is that column
		return map[string][]keyEdit{prefix + ".column": {{"event_time", same}}, prefix + ".zone": {{"Asia/Tokyo", 0}}, prefix + ".unit": {{"ms", 0}}, prefix + ".format": {{"\"%Y-%m-%d\"", 0}}}
	}
	edits = map[string][]keyEdit{
		"project": {{"another", keptDays}}, "history": {{"history", keptDays}}, "facts": {{"elsewhere", keptDays}}, "baseline": {{"baseline.json", keptDays}},
		"suppress":  {{"[{check: stale-rows, reason: a test}]", keptDays}},
		"consumers": {{"[{name: a, owner: b, views: {v: {max_age: 1h}}}]", keptDays}},
		"defaults":  {{"{owner: us}", keptDays}, {"{max_lag: 1s}", 0}, {"{zone: Asia/Tokyo}", 0}},

		"view.owner": {{"us", keptDays}}, "view.path": {{"\"*/*/*.parquet\"", keptDays}},
		"view.source": {{"region", 0}}, "view.source.path_segment": {{"1", 0}},
		"view.sources.*.path": {{"dt=2026-11-01/**/*.parquet", keptDays - 1}}, "view.sources.*.zone": {{"Asia/Tokyo", 0}}, "view.sources.*.max_age": {{"1h", keptDays}},
		"view.sources.*.max_lag": {{"1s", 0}}, "view.sources.*.until": {{"\"2026-11-02\"", keptDays}},
		"view.entity": {{"region", 0}, {"[user, region]", 0}}, "view.writer": {{"region", 0}, {"user", 0}}, "view.key": {{"[id, region]", 0}}, "view.once_per": {{"source", 0}, {"[source, partition]", 0}},
		"view.measures": {{"id", keptDays}}, "view.payload": {{"amount", keptDays}}, "view.sensitive": {{"amount", 0}, {"id", 0}},
		"view.ttl": {{"1h", 0}, {"0", 0}, {"{never: a test}", 0}}, "view.ttl.never": {{"a test", 0}},
		"view.max_age": {{"1h", keptDays}}, "view.max_lag": {{"1s", 0}}, "view.tolerance": {{"1s", 0}, {"0", 0}}, "view.rewrites": {{"3d", keptDays}},
		"view.zone": {{"Asia/Tokyo", 0}, {"device", 0}}, "view.zones": {{"[Asia/Tokyo]", keptDays}}, "view.reference": {{"as_of", 0}, {"ingested_at", 0}, {"partition_end", keptDays}},
		"view.time_partition.column": {{"ds", 0}}, "view.time_partition.grain": {{"week", 0}, {"day", keptDays}}, "view.time_partition.zone": {{"Asia/Tokyo", 0}, {"UTC", 0}},
		"view.time_partition.of": {{"ingested_at", 0}, {"event_time", keptDays}}, "view.time_partition.expected": {{"weekdays", keptDays}},
		"view.time_partition.expected_by": {{"view", keptDays}}, "view.time_partition.complete_after": {{"1h", keptDays}, {"16d", keptDays - 1}},
		"view.checks.*.severity": {{"warn", keptDays}, {"\"off\"", keptDays}}, "view.checks.*.max_fraction": {{"0.5", keptDays}}, "view.checks.*.min_rows": {{"10", keptDays}},
		"view.checks.*.max_rows": {{"10", keptDays}}, "view.checks.*.max_ratio": {{"2", keptDays}}, "view.checks.*.must_see": {{"0.5", keptDays}},
	}
	for _, prefix := range []string{"view.event_time", "view.ingested_at", "view.sources.*.event_time", "view.sources.*.ingested_at"} {
		maps.Copy(edits, times(prefix))
	}
	version, files := "there is one", "which files and rows count, which each file tells by itself: tables are among the guards"
	none = map[string]string{"version": version, "definitions": "they are views, by their keys", "views.*": "by their keys",
		"view.ingested_at.commit": "of tables only", "view.sources.*.ingested_at.commit": "of tables only"}
	for _, key := range []string{"trino", "format", "version", "as_of", "branch", "name", "warehouse", "relocated"} {
		none["view.table."+key] = files
	}
	return edits, none
}

// leafKeys are the keys of the config that hold no others, by their dotted names: those of a view below "view". A key that may be written
// as a map or as one value is named by what stands in the map, where one of these is the value.
func leafKeys(t *testing.T) []string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(policy.ConfigSchema(policy.ParseOptions{}), &all); err != nil {
		t.Fatal(err)
	}
	defs, _ := all["$defs"].(map[string]any)
	var leaves []string
	var walk func(name string, node map[string]any)
	walk = func(name string, node map[string]any) {
		if to, _ := node["$ref"].(string); to != "" {
			if to == "#/$defs/view" {
				leaves = append(leaves, name)
				return
			}
			node, _ = defs[strings.TrimPrefix(to, "#/$defs/")].(map[string]any)
		}
		below, plain := false, len(node) == 0
		alternatives, _ := node["oneOf"].([]any)
		for _, one := range append(alternatives, node) {
			one, _ := one.(map[string]any)
			properties, _ := one["properties"].(map[string]any)
			for _, key := range slices.Sorted(maps.Keys(properties)) {
				below = true
				of, _ := properties[key].(map[string]any)
				walk(strings.TrimPrefix(name+"."+key, "."), of)
			}
			if more, _ := one["additionalProperties"].(map[string]any); more != nil {
				below = true
				walk(name+".*", more)
			}
			plain = plain || one["type"] == "string" || one["enum"] != nil || one["$ref"] == "#/$defs/text" && !strings.HasSuffix(name, "event_time") && !strings.HasSuffix(name, "ingested_at") && !strings.HasSuffix(name, "table")
		}
		if !below || plain {
			leaves = append(leaves, name)
		}
	}
	delete(all, "$defs")
	walk("", all)
	view, _ := defs["view"].(map[string]any)
	walk("view", view)
	return leaves
}

// TestEveryKeyOfTheConfig edits every key that a config may have, as its table has them: after each edit the report is that of a run that
// reads all, and as many files are known as may be. A key that is new in the table fails until it has a line.
func TestEveryKeyOfTheConfig(t *testing.T) {
	db := openEngine(t)
	w := &world{t: t, adapters: sharedScanner(db), root: t.TempDir(), facts: filepath.Join(t.TempDir(), "facts"), asOf: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}
	for day := range keptDays {
		dated := time.Date(2026, 11, 1+day, 0, 0, 0, 0, time.UTC).Format("dt=2006-01-02/ds=2006-01-02")
		w.storeAt(filepath.Join(w.root, filepath.FromSlash(dated), "a.parquet"), day, fixtures.Options{}, usualTypes(), nil)
	}
	base := func() (config, view map[string]any) {
		view = map[string]any{"path": "**/*.parquet", "event_time": "event_time", "ingested_at": "ingested_at", "source": "source", "sources": map[string]any{"batch": map[string]any{}}, "entity": "user",
			"key": "id", "ttl": "48h", "time_partition": map[string]any{"column": "dt"}}
		return map[string]any{"version": 1, "views": map[string]any{"v": view}}, view
	}
	apply := func(t *testing.T, config map[string]any) *world {
		t.Helper()
		raw, err := yaml.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		f, err := policy.Parse("featureaudit.yaml", raw)
		if err != nil {
			t.Fatalf("%v\n%s", err, raw)
		}
		for i := range f.Views {
			f.Views[i].Root = w.root
		}
		p, err := f.Resolve(nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, raw)
		}
		edited := w.edited(t, p.Views[0])
		edited.suppressions, edited.consumers = p.Suppressions, p.Consumers
		return edited
	}
	config, _ := base()
	first := apply(t, config)
	first.reading = false
	first.sameWith("a first run", 0)
	edits, none := keyEdits()
	keys := leafKeys(t)
	for _, key := range keys {
		if strings.HasPrefix(key, "engine.") || key == "engine" {
			continue // another engine counts, and keeps nothing
		}
		_, excused := none[key]
		if len(edits[key]) == 0 && !excused {
			t.Errorf("%s: say here whether facts of files rest on it, and add it to restsOn in audit/internal/collect if they do", key)
		}
		for n, e := range edits[key] {
			t.Run(fmt.Sprintf("%s %d", key, n), func(t *testing.T) {
				config, view := base()
				var value any
				if err := yaml.Unmarshal([]byte(e.value), &value); err != nil {
					t.Fatal(err)
				}
				if name, ofView := strings.CutPrefix(key, "view."); ofView {
					setKey(view, strings.Split(name, "."), value)
				} else {
					config[key] = value
				}
				edited := apply(t, config)
				edited.known = 0
				edited.sameWith(key+": "+e.value, e.known)
			})
		}
	}
	for _, key := range slices.Concat(slices.Collect(maps.Keys(edits)), slices.Collect(maps.Keys(none))) {
		if !slices.Contains(keys, key) {
			t.Errorf("the config has no key %s any more", key)
		}
	}
}

// setKey sets a key of a map by its names: one of which a map stands for is made one, with what stood there as its column.
func setKey(in map[string]any, names []string, value any) {
	if len(names) == 1 {
		in[names[0]] = value
		return
	}
	name := names[0]
	if name == "*" {
		name = map[bool]string{true: "batch", false: "stale-rows"}[slices.Contains([]string{"path", "event_time", "ingested_at", "zone", "max_age", "max_lag", "until"}, names[1])]
	}
	below, isMap := in[name].(map[string]any)
	if !isMap {
		below = map[string]any{}
		if strings.HasSuffix(name, "event_time") || strings.HasSuffix(name, "ingested_at") {
			below["column"] = name
		}
		in[name] = below
	}
	setKey(below, names[1:], value)
}
