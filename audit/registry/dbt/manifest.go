package dbt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/internal/keyed"
)

// manifest is what `dbt parse` resolves: every key where it counts, templates filled in.
type manifest struct {
	Sources  map[string]json.RawMessage   `json:"sources"`
	Semantic map[string]json.RawMessage   `json:"semantic_models"`
	Disabled map[string][]json.RawMessage `json:"disabled"`
	Nodes    map[string]node              `json:"nodes"`
}

// node is as much of a node as tells the tests of sources.
type node struct {
	ResourceType string `json:"resource_type"`
	ColumnName   string `json:"column_name"`
	TestMetadata *struct {
		Name      string         `json:"name"`
		Namespace string         `json:"namespace"`
		Kwargs    map[string]any `json:"kwargs"`
	} `json:"test_metadata"`
	Config struct {
		Severity string `json:"severity"`
		Where    any    `json:"where"`
	} `json:"config"`
	DependsOn struct {
		Nodes []string `json:"nodes"`
	} `json:"depends_on"`
}

// The oldest and the newest manifest that is read (dbt 1.6 and 1.8 on).
const oldestManifest, newestManifest = 10, 12

var artifact = regexp.MustCompile(`/dbt/([a-z-]+)/v(\d+)\.json$`)

// Artifact is the kind and version of a dbt artifact, from the schema that its metadata names; "" for all else.
func Artifact(schema string) (kind string, version int) {
	parts := artifact.FindStringSubmatch(schema)
	if parts == nil {
		return "", 0
	}
	version, _ = strconv.Atoi(parts[2]) // digits; too many of them are version 0, which is not read
	return parts[1], version
}

// DecodeManifest reads target/manifest.json, of version v10 to v12.
func DecodeManifest(name string, data []byte, version int) (registry.Definitions, error) {
	if version < oldestManifest || version > newestManifest {
		return registry.Definitions{}, fmt.Errorf("%s: a manifest of version v%d: expected v%d to v%d (dbt 1.6 and newer): run dbt parse with such a release", name, version, oldestManifest, newestManifest)
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return registry.Definitions{}, fmt.Errorf("%s: not a manifest: %w", name, err)
	}
	r := reader{file: name, shapes: keyed.ParseShapes(keyTable), out: registry.Definitions{Kind: registry.KindDBT, Ledger: true}}
	keys := testedKeys(m.Nodes)
	for _, id := range slices.Sorted(maps.Keys(m.Sources)) {
		if err := r.resolved(id, m.Sources[id], keys[id]); err != nil {
			return registry.Definitions{}, err
		}
		if err := r.tested(id, m.Nodes); err != nil {
			return registry.Definitions{}, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.Disabled)) {
		if raw := m.Disabled[id]; strings.HasPrefix(id, "source.") && len(raw) > 0 && m.Sources[id] == nil {
			if err := r.resolved(id, raw[0], nil); err != nil {
				return registry.Definitions{}, err
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.Semantic)) {
		root, _, err := keyed.Parse(name+": "+id, m.Semantic[id])
		if err != nil {
			return registry.Definitions{}, err
		}
		withoutNulls(root)
		if err := r.semantic(root); err != nil {
			return registry.Definitions{}, err
		}
	}
	if len(r.out.Views) == 0 {
		return registry.Definitions{}, fmt.Errorf("%s: %w", name, ErrNothing)
	}
	for i := range r.out.Views {
		r.out.Views[i].Location, r.out.Views[i].Locations = nil, nil // a manifest is one line
	}
	r.out.Finish()
	return r.out, nil
}

// resolved reads one source's table, which a manifest keeps with all that its source says.
func (r *reader) resolved(id string, raw json.RawMessage, key []string) error {
	root, _, err := keyed.Parse(r.file+": "+id, bytes.TrimSpace(raw))
	if err != nil {
		return err
	}
	withoutNulls(root)
	source, name := keyed.Text(keyed.Value(root, "source_name")), keyed.Text(keyed.Value(root, "name"))
	if source == "" || name == "" {
		return fmt.Errorf("%s: %s: a source and each of its tables need a name", r.file, id)
	}
	if err := r.table(source, name, 1, blocks{keyed.Value(root, "config"), root, nil, nil}); err != nil {
		return err
	}
	if v := &r.out.Views[len(r.out.Views)-1]; len(key) > 0 {
		v.Key = key
	}
	return nil
}

// tested notes the tests of the source's table that was read last, as a project's own would be noted.
func (r *reader) tested(id string, nodes map[string]node) error {
	v := &r.out.Views[len(r.out.Views)-1]
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		n := nodes[name]
		if n.ResourceType != "test" || n.TestMetadata == nil || !slices.Contains(n.DependsOn.Nodes, id) {
			continue
		}
		column := n.ColumnName
		if text, ok := n.TestMetadata.Kwargs["column_name"].(string); ok && column == "" {
			column = text
		}
		at := ""
		if column != "" {
			at = "columns[" + column + "]."
		}
		test := strings.TrimPrefix(n.TestMetadata.Namespace+"."+n.TestMetadata.Name, ".")
		said, err := n.said(r.file)
		if err != nil {
			return err
		}
		switch n.TestMetadata.Name {
		case "unique", "unique_combination_of_columns":
			r.conditions(v, at+"tests["+test+"]", said)
		default:
			text := test
			if len(keyed.Pairs(said)) > 0 {
				text = "{" + test + ": " + keyed.Canonical(said) + "}"
			}
			v.Fields = append(v.Fields, registry.TextField(at+"tests["+test+"]", "", text))
		}
	}
	return nil
}

// said are a test's arguments, and what its config says beside what dbt fills in.
func (n node) said(file string) (*yaml.Node, error) {
	arguments := map[string]any{}
	for key, value := range n.TestMetadata.Kwargs {
		if key != "model" && key != "column_name" {
			arguments[key] = value
		}
	}
	config := map[string]any{}
	if n.Config.Where != nil {
		config["where"] = n.Config.Where
	}
	if severity := strings.ToLower(n.Config.Severity); severity != "" && severity != "error" {
		config["severity"] = severity
	}
	if len(config) > 0 {
		arguments["config"] = config
	}
	raw, err := json.Marshal(arguments)
	if err != nil {
		return nil, fmt.Errorf("%s: arguments of test %s: %w", file, n.TestMetadata.Name, err)
	}
	root, _, err := keyed.Parse(file, raw)
	return root, err
}

// withoutNulls removes the keys that a manifest writes although nobody set them.
func withoutNulls(n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		kept := n.Content[:0]
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !keyed.IsNull(n.Content[i+1]) {
				kept = append(kept, n.Content[i], n.Content[i+1])
			}
		}
		n.Content = kept
	}
	for _, child := range n.Content {
		withoutNulls(child)
	}
}

// testedKeys are the keys that tests hold to be unique, by the source's id: one column, or a combination.
func testedKeys(nodes map[string]node) map[string][]string {
	keys := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(nodes)) {
		n := nodes[id]
		if n.ResourceType != "test" || n.TestMetadata == nil {
			continue
		}
		var columns []string
		switch n.TestMetadata.Name {
		case "unique":
			columns = []string{n.ColumnName}
			if text, ok := n.TestMetadata.Kwargs["column_name"].(string); ok && n.ColumnName == "" {
				columns = []string{text}
			}
		case "unique_combination_of_columns":
			list, _ := n.TestMetadata.Kwargs["combination_of_columns"].([]any)
			for _, column := range list {
				columns = append(columns, fmt.Sprint(column))
			}
		}
		for _, on := range n.DependsOn.Nodes {
			if strings.HasPrefix(on, "source.") && len(columns) > 0 && keys[on] == nil {
				keys[on] = columns
			}
		}
	}
	return keys
}
