package feast

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/registry"
)

// testdata is where the registries lie that released Feast packages wrote, with what a right tool must read in them.
const testdata = "../../../fixtures/feast"

type expectedView struct {
	Name              string            `json:"name"`
	Project           string            `json:"project"`
	Kind              string            `json:"kind"`
	Entities          []string          `json:"entities"`
	JoinKeys          []string          `json:"join_keys_via_entities"`
	EntityColumns     map[string]string `json:"entity_columns"`
	Features          map[string]string `json:"features"`
	Tags              map[string]string `json:"tags"`
	Online            bool              `json:"online"`
	TTLSeconds        *float64          `json:"ttl_seconds"`
	TTLOnWire         bool              `json:"ttl_present_on_wire"`
	BatchSource       *expectedSource   `json:"batch_source"`
	StreamSource      *expectedSource   `json:"stream_source"`
	MaterializedUntil [][]time.Time     `json:"materialization_intervals"`
}

type expectedSource struct {
	Name          string            `json:"name"`
	Type          string            `json:"type"`
	Path          string            `json:"path"`
	Timestamp     string            `json:"timestamp_field"`
	CreatedColumn string            `json:"created_timestamp_column"`
	FieldMapping  map[string]string `json:"field_mapping"`
	BatchSource   *expectedSource   `json:"batch_source"`
}

type expectedRegistry struct {
	DataSources []string          `json:"data_sources"`
	Entities    []registry.Entity `json:"entities"`
	Services    []string          `json:"feature_services"`
	Views       []expectedView    `json:"views"`
}

type expected struct {
	Registries map[string]expectedRegistry `json:"registries"`
	Dumps      map[string]struct {
		SameFactsAs string `json:"same_facts_as"`
	} `json:"dumps"`
	UnknownFields map[string]map[string][]int `json:"unknown_fields"`
}

func readExpected(t *testing.T) expected {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testdata, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e expected
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDecodeEveryBinaryRegistry(t *testing.T) {
	e := readExpected(t)
	for _, name := range slices.Sorted(maps.Keys(e.Registries)) {
		if !strings.HasSuffix(name, ".db") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d, err := Decode(readFile(t, name))
			if err != nil {
				t.Fatal(err)
			}
			check(t, d, e.Registries[name])
		})
	}
}

func TestDecodeEveryDump(t *testing.T) {
	e := readExpected(t)
	for _, name := range slices.Sorted(maps.Keys(e.Dumps)) {
		t.Run(name, func(t *testing.T) {
			d, err := DecodeJSON(readFile(t, name))
			if err != nil {
				t.Fatal(err)
			}
			want := e.Registries[e.Dumps[name].SameFactsAs]
			for i := range want.Views {
				dumpSpelling(&want.Views[i])
			}
			check(t, d, want)
			if len(d.UnknownFields) > 0 {
				t.Errorf("unknown fields %+v", d.UnknownFields)
			}
		})
	}
}

// dumpSpelling is what a dump makes of a view: its ttl always stands there.
func dumpSpelling(v *expectedView) {
	if v.Kind != "on_demand_feature_view" && v.TTLSeconds == nil {
		v.TTLSeconds, v.TTLOnWire = new(float64), true
	}
}

// check compares everything that expected.json says of a registry.
func check(t *testing.T, d registry.Definitions, want expectedRegistry) {
	t.Helper()
	var names []string
	for _, s := range d.DataSources {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, want.DataSources) {
		t.Errorf("data sources %v, want %v", names, want.DataSources)
	}
	names = nil
	for _, s := range d.FeatureServices {
		names = append(names, s.Name)
	}
	if !slices.Equal(names, want.Services) {
		t.Errorf("feature services %v, want %v", names, want.Services)
	}
	if len(d.Entities) != len(want.Entities) {
		t.Fatalf("entities %v, want %v", d.Entities, want.Entities)
	}
	for i, w := range want.Entities {
		g := d.Entities[i]
		if g.Name != w.Name || g.Project != w.Project || g.JoinKey != w.JoinKey || g.ValueType != w.ValueType {
			t.Errorf("entity %+v, want %+v", g, w)
		}
	}
	if len(d.Views) != len(want.Views) {
		t.Fatalf("%d views, want %d", len(d.Views), len(want.Views))
	}
	for i, w := range want.Views {
		checkView(t, d.Views[i], w)
	}
}

func checkView(t *testing.T, g registry.View, w expectedView) {
	t.Helper()
	if g.Name != w.Name || g.Project != w.Project || string(g.Kind) != w.Kind || g.Online != w.Online {
		t.Errorf("view %s/%s %s online=%v, want %s/%s %s online=%v", g.Project, g.Name, g.Kind, g.Online, w.Project, w.Name, w.Kind, w.Online)
	}
	if !slices.Equal(g.Features, registry.FeaturesOf(w.Features)) {
		t.Errorf("%s: features %v, want %v", w.Name, g.Features, w.Features)
	}
	if !maps.Equal(g.Tags, w.Tags) {
		t.Errorf("%s: tags %v, want %v", w.Name, g.Tags, w.Tags)
	}
	if w.Kind == "on_demand_feature_view" {
		return
	}
	if !slices.Equal(g.Entities, w.Entities) || !slices.Equal(g.JoinKeys, w.JoinKeys) {
		t.Errorf("%s: entities %v keys %v, want %v %v", w.Name, g.Entities, g.JoinKeys, w.Entities, w.JoinKeys)
	}
	if !slices.Equal(g.EntityColumns, registry.FeaturesOf(w.EntityColumns)) {
		t.Errorf("%s: entity columns %v, want %v", w.Name, g.EntityColumns, w.EntityColumns)
	}
	if (g.TTLSeconds == nil) != (w.TTLSeconds == nil) || g.TTLSeconds != nil && *g.TTLSeconds != *w.TTLSeconds {
		t.Errorf("%s: ttl %v, want %v", w.Name, g.TTLSeconds, w.TTLSeconds)
	}
	wire := registry.TTLAbsent
	if w.TTLOnWire && *w.TTLSeconds == 0 {
		wire = registry.TTLZero
	} else if w.TTLOnWire {
		wire = registry.TTLSet
	}
	if g.TTLOnWire != wire {
		t.Errorf("%s: ttl on wire %s, want %s", w.Name, g.TTLOnWire, wire)
	}
	checkSource(t, w.Name, g.BatchSource, w.BatchSource)
	checkSource(t, w.Name, g.StreamSource, w.StreamSource)
	if b := w.BatchSource; g.EventTime != b.Timestamp || g.IngestedAt != b.CreatedColumn || g.Path != b.Path {
		t.Errorf("%s: event time %q created %q path %q, want %+v", w.Name, g.EventTime, g.IngestedAt, g.Path, *b)
	}
	if len(g.Materialized) != len(w.MaterializedUntil) {
		t.Fatalf("%s: materialised %v, want %v", w.Name, g.Materialized, w.MaterializedUntil)
	}
	for i, m := range w.MaterializedUntil {
		if !g.Materialized[i].Start.Equal(m[0]) || !g.Materialized[i].End.Equal(m[1]) {
			t.Errorf("%s: materialised %v, want %v", w.Name, g.Materialized[i], m)
		}
	}
}

func checkSource(t *testing.T, view string, g *registry.DataSource, w *expectedSource) {
	t.Helper()
	if (g == nil) != (w == nil) {
		t.Errorf("%s: source %v, want %v", view, g, w)
	}
	if g == nil || w == nil {
		return
	}
	if g.Name != w.Name || g.Type != w.Type || g.Path != w.Path || g.TimestampField != w.Timestamp || g.CreatedColumn != w.CreatedColumn || !maps.Equal(g.FieldMapping, w.FieldMapping) {
		t.Errorf("%s: source %+v, want %+v", view, *g, *w)
	}
	checkSource(t, view, g.BatchSource, w.BatchSource)
}

func TestUnknownFieldsAreKeptByPath(t *testing.T) {
	readExpected(t)
	d, err := Decode(readFile(t, "unknown/with-unknown.registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range d.UnknownFields {
		got = append(got, u.Path)
	}
	want := []string{
		"900 in the registry", "spec.9998 in feature view transactions", "spec.9999 in feature view transactions", "spec.9999 in feature view user_impressions",
	}
	if !slices.Equal(got, want) {
		t.Errorf("unknown fields %q, want %q", got, want)
	}
	if u := d.UnknownFields[3]; u.Field != "9999" || u.Bytes != len("max_age=86400;policy=fail") || u.View != "user_impressions" {
		t.Errorf("unknown field %+v", u)
	}
	plain, err := Decode(readFile(t, "unknown/plain.registry.db"))
	if err != nil || len(plain.UnknownFields) != 0 {
		t.Errorf("plain: unknown fields %v, error %v", plain.UnknownFields, err)
	}
}

func TestDecodeEverySQLiteRegistry(t *testing.T) {
	e := readExpected(t)
	for _, name := range slices.Sorted(maps.Keys(e.Registries)) {
		if !strings.HasSuffix(name, ".sqlite") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d, err := DecodeSQLite(t.Context(), filepath.Join(testdata, name))
			if err != nil {
				t.Fatal(err)
			}
			check(t, d, e.Registries[name])
		})
	}
}
