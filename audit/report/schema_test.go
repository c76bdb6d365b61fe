package report_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/featureaudit/featureaudit/audit/report"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(report.SchemaJSON()))
	if err != nil {
		t.Fatalf("schema.json: %v", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.json")
	if err != nil {
		t.Fatalf("compile schema.json: %v", err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, r report.Report) error {
	t.Helper()
	raw, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// least is the smallest document: every list and map is nil.
func least() report.Report {
	return report.Report{
		Schema: report.Schema, ID: "sha256:" + strings.Repeat("0", 64), AsOf: "2026-11-23T00:00:00Z", Status: report.Partial,
		Summary:   report.Summary{Outcome: report.Error},
		Views:     []report.View{{Name: "v", Outcome: report.Pass, Definition: report.ViewDefinition{TimePartition: &report.TimePartition{Grain: "day", Of: "event_time", Expected: "all"}}}},
		Results:   []report.Result{{Check: "stale-view", Outcome: report.Pass, Severity: report.SeverityError, Evidence: report.Certain}},
		Consumers: []report.Consumer{{Outcome: report.Pass}},
	}
}

func TestSchemaAcceptsReportsWithNilLists(t *testing.T) {
	if err := validate(t, compileSchema(t), least()); err != nil {
		t.Error(err)
	}
}

func TestDigestCoversEverythingButIDAndExecution(t *testing.T) {
	digest := func(r report.Report) string {
		d, err := r.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a, b := least(), least()
	b.ID, b.Execution = "sha256:other", report.Execution{Host: "elsewhere", ElapsedSeconds: 3}
	if digest(a) != digest(b) {
		t.Error("id or execution changes the digest")
	}
	b = least()
	b.Results[0].RowsTotal = 1
	if digest(a) == digest(b) {
		t.Error("a count does not change the digest")
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compileSchema(t)
	for name, spoil := range map[string]func(*report.Report){
		"another schema":     func(r *report.Report) { r.Schema = "featureaudit.report/v2" },
		"no digest":          func(r *report.Report) { r.ID = "" },
		"no instant":         func(r *report.Report) { r.AsOf = "yesterday" },
		"an unknown outcome": func(r *report.Report) { r.Results[0].Outcome = "maybe" },
		"an empty outcome":   func(r *report.Report) { r.Views[0].Outcome = "" },
		"a negative count":   func(r *report.Report) { r.Results[0].RowsBad = -1 },
		"an unknown status":  func(r *report.Report) { r.Status = "done" },
	} {
		r := least()
		spoil(&r)
		if validate(t, s, r) == nil {
			t.Errorf("a report with %s is accepted", name)
		}
	}
}

// TestSchemaNamesEveryField walks the structs and the schema together, both ways.
func TestSchemaNamesEveryField(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal([]byte(report.SchemaJSON()), &root); err != nil {
		t.Fatal(err)
	}
	compareFields(t, "report", reflect.TypeFor[report.Report](), root, root["$defs"].(map[string]any))
}

func compareFields(t *testing.T, path string, typ reflect.Type, node, defs map[string]any) {
	t.Helper()
	node = resolve(node, defs)
	switch typ.Kind() {
	case reflect.Pointer:
		compareFields(t, path, typ.Elem(), node, defs)
		return
	case reflect.Slice:
		items, ok := node["items"].(map[string]any)
		if !ok {
			t.Errorf("schema.json: %s has no items", path)
			return
		}
		compareFields(t, path+"[]", typ.Elem(), items, defs)
		return
	case reflect.Map:
		if values, ok := node["additionalProperties"].(map[string]any); ok {
			compareFields(t, path+"{}", typ.Elem(), values, defs)
		}
		return
	case reflect.Struct:
	default:
		return
	}
	properties, _ := node["properties"].(map[string]any)
	required := map[string]bool{}
	names, _ := node["required"].([]any)
	for _, name := range names {
		required[name.(string)] = true
	}
	fields := map[string]bool{}
	for i := range typ.NumField() {
		name, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		fields[name] = true
		property, ok := properties[name].(map[string]any)
		if !ok {
			t.Errorf("schema.json: %s lacks the field %q: describe it there", path, name)
			continue
		}
		if optional := strings.Contains(options, "omitempty"); optional == required[name] {
			t.Errorf("schema.json: %s.%s: required is %t, but the struct's omitempty is %t", path, name, required[name], optional)
		}
		compareFields(t, path+"."+name, typ.Field(i).Type, property, defs)
	}
	for name := range properties {
		if !fields[name] {
			t.Errorf("schema.json: %s.%s is no field of the struct: remove it", path, name)
		}
	}
}

// resolve follows a reference, and takes the first alternative of a nullable object.
func resolve(node, defs map[string]any) map[string]any {
	if choices, ok := node["anyOf"].([]any); ok {
		node = choices[0].(map[string]any)
	}
	if ref, ok := node["$ref"].(string); ok {
		return defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	return node
}
