package policy

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(ConfigSchema(testOptions)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plainValue is a YAML document as JSON sees it: dates are text.
func plainValue(t *testing.T, data []byte) (any, bool) {
	t.Helper()
	var n yaml.Node
	if yaml.Unmarshal(data, &n) != nil {
		return nil, false
	}
	var quote func(n *yaml.Node)
	quote = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!timestamp" {
			n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
		}
		for _, c := range n.Content {
			quote(c)
		}
	}
	quote(&n)
	var v any
	if n.Decode(&v) != nil {
		return nil, false
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	return value, err == nil
}

func TestSchemaAcceptsWhatParseAccepts(t *testing.T) {
	s := compiled(t)
	for _, name := range []string{"testdata/design.yaml", "testdata/rich.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := plainValue(t, data)
		if !ok {
			t.Fatalf("%s is no plain value", name)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRejectsWhatParseRejects(t *testing.T) {
	// What only a parser can know: calendars, zones, globs, repeats, and what YAML itself hides from a schema.
	beyond := map[string]bool{
		"syntax": true, "two_documents": true, "duplicate_key": true, "duplicate_view": true, "null_key": true, "map_key": true, "empty_view_name": true,
		"zones": true, "globs": true, "merge_scalar": true, "merge_circle": true, "unknown_anchor": true, "tagged": true, "project_control": true,
	}
	s := compiled(t)
	archive, err := txtar.ParseFile("testdata/errors.txtar")
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, f := range archive.Files {
		name, isYAML := strings.CutSuffix(f.Name, ".yaml")
		if !isYAML || beyond[name] {
			continue
		}
		v, ok := plainValue(t, f.Data)
		if !ok {
			t.Errorf("%s is no plain value", name)
			continue
		}
		judged++
		if err := s.Validate(v); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	equal(t, "judged", judged, 27)
}

func TestSchemaDurations(t *testing.T) {
	s := compiled(t)
	for text, want := range map[string]bool{
		"24h": true, "7d": true, "1d12h": true, "1.5h": true, "P1D": true, "PT6H": true, "P1DT12H": true, "PT0.5S": true, "P1W": true,
		"P1M": false, "1y": false, "86400": false, "P": false, "PT": false, "-1h": false, "": false,
	} {
		v, _ := plainValue(t, []byte("version: 1\nviews: {a: {max_age: \""+text+"\"}}"))
		if err := s.Validate(v); (err == nil) != want {
			t.Errorf("%q: %v, want (err == nil) == want", text, err)
		}
	}
}
