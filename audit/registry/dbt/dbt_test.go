package dbt

import (
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/words"
)

func TestErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"sources:\n  - name: s\n    tables:\n      - name: t\n        freshness: {error_after: {count: 6, period: fortnight}}\n": `d.yml:5: freshness of s.t: error_after: period "fortnight": expected minute, hour or day`,
		"sources:\n  - name: s\n    tables:\n      - name: t\n        freshness: {error_after: {count: x, period: hour}}\n":      `count "x": expected a whole number above 0`,
		"sources:\n  - tables:\n      - name: t\n": "d.yml:3: a source and each of its tables need a name",
		"sources: []\n": "d.yml: it defines no table of a source and no semantic model",
		"sources:\n  - name: s\n    tables: [{name: t, meta: {ttl: soon}}]\n": "meta.ttl of s.t: duration",
	} {
		if _, err := Decode("d.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

// TestTheNearestFreshnessCounts: config of the table, the table, config of the source, the source; null switches off.
func TestTheNearestFreshnessCounts(t *testing.T) {
	d, err := Decode("d.yml", []byte(`
sources:
  - name: s
    freshness: {warn_after: {count: 1, period: day}}
    loaded_at_field: "cast(x as timestamp)"
    tables:
      - {name: a}
      - {name: b, freshness: {error_after: {count: 2, period: hour}}, loaded_at_field: at}
      - {name: c, freshness: {error_after: {count: 2, period: hour}}, config: {freshness: {error_after: {count: 3, period: minute}}}}
      - {name: d, config: {freshness: null}, meta: {ttl: 24h, owner: growth}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{86400, 7200, 180, 0} {
		got := 0.0
		if s := d.Views[i].MaxAgeSeconds; s != nil {
			got = *s
		}
		if got != want {
			t.Errorf("%s: max_age %v, want %v", d.Views[i].Name, got, want)
		}
	}
	if a, b, last := d.Views[0], d.Views[1], d.Views[3]; a.IngestedAt != "" || a.Settings["loaded_at_field"] == "" || b.IngestedAt != "at" || last.Owner != "growth" || *last.TTLSeconds != 86400 {
		t.Errorf("%+v\n%+v\n%+v, want a.IngestedAt == \"\" && a.Settings[\"loaded_at_field\"] != \"\" && b.IngestedAt == \"at\" && last.Owner == \"growth\" && *last.TTLSeconds == 86400", a, b, last)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("sources:\n  - name: s\n    tables: [{name: t}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := Decode("d.yml", data); err == nil && len(d.Views) == 0 {
			t.Error("no view and no error")
		}
	})
}

// thresholdsOf writes a view's promise as "MAX_AGE by BY, warns at WARN, by COLUMN, off".
func thresholdsOf(t *testing.T, v registry.View) string {
	t.Helper()
	text := "none"
	if v.MaxAgeSeconds != nil {
		text = words.Exact(registry.Seconds(v.MaxAgeSeconds))
	}
	if v.MaxAgeBy != "" {
		text += " by " + v.MaxAgeBy
	}
	if warn := v.Settings["warn_after"]; warn != "" {
		text += ", warns at " + warn
	}
	if v.IngestedAt != "" {
		text += ", by " + v.IngestedAt
	}
	if v.NewerFields["disabled"] != "" {
		text += ", off"
	}
	return text
}

// TestThresholdsMergeOneByOne is dbt's own rule (merge_freshness in dbt-core): an absent threshold of a table is its
// source's, a null one is cleared, and a freshness of null is none at all.
func TestThresholdsMergeOneByOne(t *testing.T) {
	const source = `
sources:
  - name: s
    loaded_at_field: at
    freshness: {warn_after: {count: 12, period: hour}, error_after: {count: 1, period: day}}
    tables:
`
	for table, want := range map[string]string{
		"{name: t}":                "1d, warns at 12h, by at",
		"{name: t, freshness: {}}": "1d, warns at 12h, by at",
		"{name: t, freshness: {warn_after: {count: 6, period: hour}}}":                                       "1d, warns at 6h, by at",
		"{name: t, freshness: {error_after: {count: 2, period: day}}}":                                       "2d, warns at 12h, by at",
		"{name: t, freshness: {error_after: null}}":                                                          "12h by warn_after, by at",
		"{name: t, freshness: {warn_after: null}}":                                                           "1d, by at",
		"{name: t, freshness: null}":                                                                         "none, by at",
		"{name: t, config: {freshness: null}}":                                                               "none, by at",
		"{name: t, config: {freshness: {warn_after: {count: 1, period: minute}}}}":                           "1d, warns at 1m, by at",
		"{name: t, freshness: {warn_after: {}, error_after: {}}}":                                            "1d, warns at 12h, by at",
		"{name: t, loaded_at_field: null}":                                                                   "1d, warns at 12h",
		"{name: t, loaded_at_field: other}":                                                                  "1d, warns at 12h, by other",
		"{name: t, loaded_at_query: select 1}":                                                               "1d, warns at 12h",
		"{name: t, config: {enabled: false}}":                                                                "1d, warns at 12h, by at, off",
		"{name: t, config: {enabled: true}}":                                                                 "1d, warns at 12h, by at",
		"{name: t, freshness: {warn_after: {count: 1, period: hour}, warn_after: {count: 2, period: hour}}}": "1d, warns at 2h, by at",
	} {
		d, err := Decode("d.yml", []byte(source+"      - "+table+"\n"))
		if err != nil {
			t.Errorf("%s: %v", table, err)
			continue
		}
		if got := thresholdsOf(t, d.Views[0]); got != want {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
	}
	off, err := Decode("d.yml", []byte("sources:\n  - name: s\n    config: {enabled: false}\n    tables: [{name: a}, {name: b, config: {enabled: true}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := thresholdsOf(t, off.Views[0]), thresholdsOf(t, off.Views[1]); a != "none, off" || b != "none" {
		t.Errorf("a source that is off: %s; its table that is on: %s", a, b)
	}
}

// TestTables: where the rows lie, what may not repeat, and what is only noted.
func TestTables(t *testing.T) {
	d, err := Decode("d.yml", []byte(`
sources:
  - name: s
    database: prod
    description: all of it
    tables:
      - name: a
        description: one
        freshness: {error_after: {count: 1, period: day}, filter: "day > 1"}
        columns:
          - {name: id, data_type: int, tests: [unique, not_null]}
          - {name: v, meta: {x: 1}}
      - {name: b, identifier: b_2, tests: [{dbt_utils.unique_combination_of_columns: {combination_of_columns: [x, y]}}]}
      - name: c
        columns: [{name: x, data_tests: [unique]}, {name: y, data_tests: [{unique: {where: z}}]}]
models: [{name: m}]
`))
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := d.Views[0], d.Views[1], d.Views[2]
	if a.BatchSource.Table != "prod.s.a" || b.BatchSource.Table != "prod.s.b_2" {
		t.Errorf("tables %s and %s, want prod.s.a and prod.s.b_2", a.BatchSource.Table, b.BatchSource.Table)
	}
	if !slices.Equal(a.Key, []string{"id"}) || !slices.Equal(b.Key, []string{"x", "y"}) || len(c.Key) > 0 || c.Settings["unique"] != "x, y" {
		t.Errorf("keys %v, %v and %v (%v)", a.Key, b.Key, c.Key, c.Settings)
	}
	if a.Settings["freshness.filter"] != "day > 1" {
		t.Errorf("settings %v", a.Settings)
	}
	var noted []string
	for _, f := range a.Fields {
		noted = append(noted, f.Path+" = "+f.Text)
	}
	if want := []string{"columns[id].tests[not_null] = not_null", "columns[v].meta = {x: 1}", "description = one"}; !slices.Equal(noted, want) {
		t.Errorf("noted %q, want %q", noted, want)
	}
	if len(d.Objects) != 2 || d.Objects[0].What != "dbt models" || d.Objects[1].Fields[0].Text != "all of it" {
		t.Errorf("objects %+v", d.Objects)
	}
	if len(d.UnknownFields) > 0 {
		t.Errorf("unknown: %+v", d.UnknownFields)
	}
}

// TestManifestEqualsItsProject: the same promises, read from the project and from what dbt resolves of it.
func TestManifestEqualsItsProject(t *testing.T) {
	const manifest = `{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"},
 "sources": {"source.p.s.t": {"source_name": "s", "name": "t", "database": "d", "schema": "s", "identifier": "t", "loaded_at_field": "at",
   "freshness": {"warn_after": {"count": 6, "period": "hour"}, "error_after": {"count": 1, "period": "day"}, "filter": null},
   "config": {"enabled": true, "freshness": null}, "columns": {"id": {"name": "id", "data_type": "int"}}, "created_at": 1.5}},
 "disabled": {"source.p.s.off": [{"source_name": "s", "name": "off", "database": "d", "schema": "s", "identifier": "off", "config": {"enabled": false}}]},
 "nodes": {"test.p.unique_t_id": {"resource_type": "test", "column_name": "id", "test_metadata": {"name": "unique", "kwargs": {}}, "depends_on": {"nodes": ["source.p.s.t"]}}},
 "semantic_models": {}}`
	const project = `
sources:
  - name: s
    database: d
    loaded_at_field: at
    tables:
      - name: t
        freshness: {warn_after: {count: 6, period: hour}, error_after: {count: 1, period: day}}
        columns: [{name: id, data_type: int, tests: [unique]}]
      - {name: "off", config: {enabled: false}, loaded_at_field: null}
`
	m, err := DecodeManifest("manifest.json", []byte(manifest), 12)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Decode("d.yml", []byte(project))
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Views {
		a, b := m.Views[i], p.Views[i]
		if a.Name != b.Name || thresholdsOf(t, a) != thresholdsOf(t, b) || !slices.Equal(a.Key, b.Key) || a.BatchSource.Table != b.BatchSource.Table {
			t.Errorf("the manifest says %s: %s %v %s\nthe project  %s: %s %v %s", a.Name, thresholdsOf(t, a), a.Key, a.BatchSource.Table, b.Name, thresholdsOf(t, b), b.Key, b.BatchSource.Table)
		}
	}
	if len(m.UnknownFields) > 0 {
		t.Errorf("unknown in the manifest: %+v", m.UnknownFields)
	}
	if _, err := DecodeManifest("manifest.json", []byte(manifest), 9); err == nil || !strings.Contains(err.Error(), "expected v10 to v12") {
		t.Errorf("version 9: %v", err)
	}
}

// TestMergedKeysAreKeys: what an anchor brings into a map counts as if it stood there, and the map's own keys win.
func TestMergedKeysAreKeys(t *testing.T) {
	plain, err := Decode("a.yml", []byte(`
sources:
  - name: s
    tables:
      - {name: a, loaded_at_field: at, freshness: {error_after: {count: 1, period: day}}, meta: {owner: x, team: y}}
      - {name: b, loaded_at_field: own, freshness: {error_after: {count: 1, period: day}}, meta: {owner: x, team: y}}
`))
	if err != nil {
		t.Fatal(err)
	}
	merged, err := Decode("a.yml", []byte(`
anchors:
  - &fresh {loaded_at_field: at, freshness: {error_after: {count: 1, period: day}}}
  - &meta {owner: x, team: z}
sources:
  - name: s
    tables:
      - {name: a, <<: *fresh, meta: {<<: *meta, team: y}}
      - {<<: [*fresh, *fresh], name: b, loaded_at_field: own, meta: {team: y, <<: *meta}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range merged.Views {
		want := plain.Views[i]
		if v.IngestedAt != want.IngestedAt || v.MaxAgeSeconds == nil || *v.MaxAgeSeconds != 86400 || v.Owner != "x" || !slices.Equal(v.Fields, want.Fields) {
			t.Errorf("%s: %+v, want %+v", v.Name, v, want)
		}
	}
	if len(merged.UnknownFields) > 0 {
		t.Errorf("unknown: %+v", merged.UnknownFields)
	}
}

// TestWhatWeakensAKeysTestIsTold: a filter or a severity of a test that holds a key is no part of the key.
func TestWhatWeakensAKeysTestIsTold(t *testing.T) {
	d, err := Decode("d.yml", []byte(`
sources:
  - name: s
    config: {event_time: seen}
    tables:
      - name: a
        config: {event_time: at}
        columns: [{name: id, tests: [{unique: {config: {where: "x > 1", severity: warn}}}]}]
      - name: b
        loaded_at_field: old
        loaded_at_query: select 1
        data_tests: [{dbt_utils.unique_combination_of_columns: {arguments: {combination_of_columns: [x, y], quote_columns: true}, config: {where: z}}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	var noted []string
	for _, v := range d.Views {
		for _, f := range v.Fields {
			noted = append(noted, v.Name+" "+f.Path+" = "+f.Text)
		}
	}
	want := []string{"s.a columns[id].tests[unique] = config: {severity: warn, where: x > 1}",
		"s.b tests[dbt_utils.unique_combination_of_columns] = config: {where: z}, quote_columns: true"}
	if !slices.Equal(noted, want) {
		t.Errorf("noted %q, want %q", noted, want)
	}
	if d.Views[0].EventTime != "at" || d.Views[1].EventTime != "seen" || d.Views[1].Settings["loaded_at_field"] != "old" {
		t.Errorf("views %+v", d.Views)
	}
}

// TestTestsOfAManifest: what tests hold of a source's table is noted as in the project, and so is what weakens a key.
func TestTestsOfAManifest(t *testing.T) {
	test := func(id, column, metadata, config string) string {
		return `"` + id + `": {"resource_type": "test", "column_name": ` + column + `, "test_metadata": ` + metadata + `, "config": ` + config +
			`, "depends_on": {"nodes": ["source.p.s.t"]}}`
	}
	m, err := DecodeManifest("manifest.json", []byte(`{"sources": {"source.p.s.t": {"source_name": "s", "name": "t", "columns": {}}}, "nodes": {`+strings.Join([]string{
		test("a", `"id"`, `{"name": "unique", "kwargs": {"column_name": "id", "model": "x"}}`, `{"severity": "WARN", "where": "z > 1"}`),
		test("b", `"id"`, `{"name": "not_null", "kwargs": {"column_name": "id"}}`, `{"severity": "ERROR", "where": null}`),
		test("c", `"v"`, `{"name": "accepted_values", "kwargs": {"column_name": "v", "values": ["a", "b"]}}`, `{"severity": "error"}`),
		test("d", `null`, `{"name": "recency", "namespace": "dbt_utils", "kwargs": {"interval": 1}}`, `{}`),
	}, ",")+`}}`), 12)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Decode("d.yml", []byte(`
sources:
  - name: s
    tables:
      - name: t
        tests: [{dbt_utils.recency: {interval: 1}}]
        columns:
          - {name: id, tests: [{unique: {config: {severity: warn, where: "z > 1"}}}, not_null]}
          - {name: v, tests: [{accepted_values: {values: [a, b]}}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Views[0].Fields, p.Views[0].Fields; !slices.Equal(got, want) || len(want) != 4 {
		t.Errorf("the manifest notes\n%v\nthe project\n%v", got, want)
	}
}
