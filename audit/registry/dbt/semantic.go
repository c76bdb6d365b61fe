package dbt

import (
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/internal/keyed"
)

// semantic reads one semantic model into a view.
func (r *reader) semantic(n *yaml.Node) error {
	n = keyed.Resolve(n)
	name := keyed.Text(keyed.Value(n, "name"))
	if name == "" {
		return fmt.Errorf("%s:%d: a semantic model needs a name", r.file, n.Line)
	}
	v := registry.View{
		Name: name, Kind: model.KindFeatureView, NoFiles: "a dbt semantic model is a table of a warehouse",
		Location:    &registry.Location{File: r.file, Line: n.Line},
		BatchSource: located(name, "DBT_MODEL", modelOf(n)),
	}
	r.entities(&v, n)
	timeDimension := keyed.Text(keyed.Value(keyed.Value(n, "defaults"), "agg_time_dimension"))
	for _, dimension := range keyed.List(keyed.Value(n, "dimensions")) {
		own := keyed.Text(keyed.Value(dimension, "name"))
		if own == timeDimension {
			v.EventTime = cmp.Or(keyed.Text(keyed.Value(dimension, "expr")), own)
		}
		v.Features = append(v.Features, registry.Feature{Name: own, Type: keyed.Text(keyed.Value(dimension, "type"))})
		formula(&v, "dimensions["+own+"]", dimension, "expr", "type_params")
	}
	for _, measure := range keyed.List(keyed.Value(n, "measures")) {
		own := keyed.Text(keyed.Value(measure, "name"))
		v.Features = append(v.Features, registry.Feature{Name: own, Type: "measure"})
		formula(&v, "measures["+own+"]", measure, "expr", "agg", "agg_params", "agg_time_dimension", "non_additive_dimension")
	}
	if enabled := keyed.Value(keyed.Value(n, "config"), "enabled"); keyed.Text(enabled) == "false" {
		v.NewerFields = map[string]string{"disabled": "true"}
	}
	r.shapes.Walk(n, "semantic", r.file, "semantic model "+name).Into(&v, &r.out.UnknownFields)
	r.out.Views = append(r.out.Views, v)
	return nil
}

// modelOf is the table behind a semantic model: where a manifest says so its relation, else the ref.
func modelOf(n *yaml.Node) string {
	relation := keyed.Value(n, "node_relation")
	var parts []string
	for _, key := range []string{"database", "schema_name", "alias"} {
		if text := keyed.Text(keyed.Value(relation, key)); text != "" {
			parts = append(parts, text)
		}
	}
	return cmp.Or(strings.Join(parts, "."), keyed.Text(keyed.Value(n, "model")))
}

func (r *reader) entities(v *registry.View, n *yaml.Node) {
	for _, entity := range keyed.List(keyed.Value(n, "entities")) {
		name := keyed.Text(keyed.Value(entity, "name"))
		switch keyed.Text(keyed.Value(entity, "type")) {
		case "primary", "unique", "natural":
			v.Entities = append(v.Entities, name)
			v.JoinKeys = append(v.JoinKeys, cmp.Or(keyed.Text(keyed.Value(entity, "expr")), name))
		default:
			formula(v, "entities["+name+"]", entity, "type", "expr")
		}
	}
	if primary := keyed.Text(keyed.Value(n, "primary_entity")); primary != "" {
		v.Entities, v.JoinKeys = append(v.Entities, primary), append(v.JoinKeys, primary)
	}
}

// formula keeps how a value is made: under the same name it is another value when that changes.
func formula(v *registry.View, at string, n *yaml.Node, keys ...string) {
	for _, key := range keys {
		if value := keyed.Value(n, key); value != nil && !keyed.IsNull(value) {
			v.Fields = append(v.Fields, registry.TextField(at+"."+key, registry.PartTransformation, keyed.Canonical(value)))
		}
	}
}
