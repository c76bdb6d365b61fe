// Package dbt reads the freshness that dbt's YAML, or its manifest, promises as definitions: each table of a source, and
// each semantic model, is a view. error_after (else warn_after) is max_age and loaded_at_field is the ingest time, as dbt
// measures it; a semantic model names the event time and the keys. dbt knows no ttl: `meta: {ttl: 24h}` of a table
// carries one. Of the thresholds of a source and its table each is inherited alone; null clears it.
package dbt

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/internal/keyed"
)

//go:embed keys.txt
var keyTable string

// ErrNothing says that a file defines no source and no semantic model, as most files of a dbt project do.
var ErrNothing = errors.New("it defines no table of a source and no semantic model")

// reader reads one file, or one manifest.
type reader struct {
	file   string
	shapes keyed.Shapes
	out    registry.Definitions
}

// Decode reads one file of a dbt project. An error of a file that defines nothing is ErrNothing.
func Decode(name string, data []byte) (registry.Definitions, error) {
	root, twice, err := keyed.Parse(name, data)
	if err != nil {
		return registry.Definitions{}, err
	}
	r := reader{file: name, shapes: keyed.ParseShapes(keyTable), out: registry.Definitions{Kind: registry.KindDBT, Ledger: true, Notes: twice}}
	ledger := r.shapes.Walk(root, "file", name, "the file", "sources", "semantic_models")
	r.out.UnknownFields = append(r.out.UnknownFields, ledger.Unknown...)
	r.others(root)
	for _, source := range keyed.List(keyed.Value(root, "sources")) {
		if err := r.source(source); err != nil {
			return registry.Definitions{}, err
		}
	}
	for _, semantic := range keyed.List(keyed.Value(root, "semantic_models")) {
		if err := r.semantic(semantic); err != nil {
			return registry.Definitions{}, err
		}
	}
	if len(r.out.Views) == 0 {
		return registry.Definitions{}, fmt.Errorf("%s: %w", name, ErrNothing)
	}
	r.out.Finish()
	return r.out, nil
}

// others notes what else the file defines, which is no view here.
func (r *reader) others(root *yaml.Node) {
	for _, kind := range []string{"models", "metrics", "exposures", "seeds", "snapshots", "saved_queries", "unit_tests"} {
		for _, n := range keyed.List(keyed.Value(root, kind)) {
			r.out.Objects = append(r.out.Objects, registry.Object{What: "dbt " + kind, Name: keyed.Text(keyed.Value(n, "name")),
				Fields: []registry.Field{registry.BytesField("content", "", []byte(keyed.Canonical(n)))}})
		}
	}
}

// source reads the tables of a source.
func (r *reader) source(n *yaml.Node) error {
	name := keyed.Text(keyed.Value(n, "name"))
	ledger := r.shapes.Walk(n, "source", r.file, "source "+name, "tables")
	r.out.UnknownFields = append(r.out.UnknownFields, ledger.Unknown...)
	if len(ledger.Noted) > 0 {
		r.out.Objects = append(r.out.Objects, registry.Object{What: "dbt source", Name: name, Fields: ledger.Noted})
	}
	for _, table := range keyed.List(keyed.Value(n, "tables")) {
		line := keyed.Resolve(table).Line
		own := keyed.Text(keyed.Value(table, "name"))
		if name == "" || own == "" {
			return fmt.Errorf("%s:%d: a source and each of its tables need a name", r.file, line)
		}
		if err := r.table(name, own, line, blocks{keyed.Value(table, "config"), keyed.Resolve(table), keyed.Value(n, "config"), keyed.Resolve(n)}); err != nil {
			return err
		}
	}
	return nil
}

// blocks are where a key may stand, the nearest first: config of the table, the table, config of the source, the source.
type blocks []*yaml.Node

// first is the nearest block's value of a key, nil where none has it.
func (b blocks) first(key string) *yaml.Node {
	for _, block := range b {
		if value := keyed.Value(block, key); value != nil {
			return value
		}
	}
	return nil
}

var plainColumn = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// table reads one table into a view. Its own blocks are the first two.
func (r *reader) table(source, name string, line int, b blocks) error {
	own := b[1]
	v := registry.View{
		Name: source + "." + name, Kind: model.KindFeatureView, Path: keyed.Text(keyed.Value(keyed.Value(own, "external"), "location")),
		Location: &registry.Location{File: r.file, Line: line}, Settings: map[string]string{}, Locations: map[string]registry.Location{},
		BatchSource: located(source+"."+name, "DBT_SOURCE", relation(source, name, b)),
	}
	if v.Path == "" {
		v.NoFiles = "a dbt source is a table of a warehouse"
	}
	r.columns(&v, own)
	v.EventTime = cmp.Or(keyed.Text(keyed.Value(b[0], "event_time")), keyed.Text(keyed.Value(b[2], "event_time")))
	r.loaded(&v, b)
	r.enabled(&v, b)
	if err := r.freshness(&v, b); err != nil {
		return err
	}
	if err := r.meta(&v, line, b); err != nil {
		return err
	}
	r.shapes.Walk(own, "table", r.file, "table "+v.Name).Into(&v, &r.out.UnknownFields)
	r.out.Views = append(r.out.Views, v)
	return nil
}

// located is a source whose rows lie in one table.
func located(name, kind, table string) *registry.DataSource {
	return &registry.DataSource{Name: name, Type: kind, Table: table, Details: map[string]string{"table": table}}
}

// relation is the table that a source's table stands for: database.schema.identifier, the parts that are said and those
// that dbt fills in.
func relation(source, name string, b blocks) string {
	schema := cmp.Or(keyed.Text(b.first("schema")), source)
	parts := []string{schema, cmp.Or(keyed.Text(keyed.Value(b[1], "identifier")), name)}
	if database := cmp.Or(keyed.Text(b.first("database")), keyed.Text(b.first("catalog"))); database != "" {
		parts = append([]string{database}, parts...)
	}
	return strings.Join(parts, ".")
}

// columns reads the columns, and which of them a test holds to be unique.
func (r *reader) columns(v *registry.View, table *yaml.Node) {
	var unique []string
	columns := keyed.List(keyed.Value(table, "columns"))
	if all := keyed.Value(table, "columns"); all != nil && all.Kind == yaml.MappingNode { // a manifest names them
		for i := 1; i < len(all.Content); i += 2 {
			columns = append(columns, all.Content[i])
		}
	}
	for _, column := range columns {
		name := keyed.Text(keyed.Value(column, "name"))
		v.Features = append(v.Features, registry.Feature{Name: name, Type: keyed.Text(keyed.Value(column, "data_type"))})
		if kept := r.tests(v, "columns["+name+"].", column); kept {
			unique = append(unique, name)
		}
	}
	r.tests(v, "", table)
	if len(unique) == 1 && len(v.Key) == 0 {
		v.Key = unique
	} else if len(unique) > 0 {
		v.Settings["unique"] = strings.Join(unique, ", ")
	}
}

// tests notes the tests of a column or a table, and reads what they say of keys: unique, and unique_combination_of_columns.
func (r *reader) tests(v *registry.View, at string, n *yaml.Node) (unique bool) {
	for _, key := range []string{"tests", "data_tests"} {
		for _, test := range keyed.List(keyed.Value(n, key)) {
			test = keyed.Resolve(test)
			name, arguments := keyed.Text(test), (*yaml.Node)(nil)
			if test.Kind == yaml.MappingNode && len(test.Content) >= 2 {
				name, arguments = test.Content[0].Value, keyed.Resolve(test.Content[1])
				if own := keyed.Text(keyed.Value(test, "test_name")); own != "" {
					name, arguments = own, test
				}
			}
			columns := keyed.List(keyed.Value(arguments, "combination_of_columns"))
			if columns == nil {
				columns = keyed.List(keyed.Value(keyed.Value(arguments, "arguments"), "combination_of_columns"))
			}
			switch {
			case name == "unique":
				unique = true
				r.conditions(v, at+"tests[unique]", arguments)
			case strings.HasSuffix(name, "unique_combination_of_columns") && len(v.Key) == 0:
				for _, column := range columns {
					v.Key = append(v.Key, keyed.Text(column))
				}
				r.conditions(v, at+"tests["+name+"]", arguments)
			default:
				v.Fields = append(v.Fields, registry.TextField(at+"tests["+name+"]", "", keyed.Canonical(test)))
			}
		}
	}
	return unique
}

// conditions notes what a test of a key says beside its columns: of which rows it holds, and how much it weighs.
func (r *reader) conditions(v *registry.View, at string, arguments *yaml.Node) {
	var said []string
	for _, pair := range keyed.Pairs(arguments) {
		switch key := pair[0].Value; key {
		case "combination_of_columns", "test_name":
		case "arguments":
			for _, inner := range keyed.Pairs(pair[1]) {
				if inner[0].Value != "combination_of_columns" {
					said = append(said, inner[0].Value+": "+keyed.Canonical(inner[1]))
				}
			}
		default:
			said = append(said, key+": "+keyed.Canonical(pair[1]))
		}
	}
	if slices.Sort(said); len(said) > 0 {
		v.Fields = append(v.Fields, registry.TextField(at, "", strings.Join(said, ", ")))
	}
}

// loaded reads what dbt measures freshness by: a column is the ingest time, an expression or a query is kept as it is.
// A key that is set to null reverts to the warehouse's metadata.
func (r *reader) loaded(v *registry.View, b blocks) {
	for _, block := range b {
		field, query := keyed.Value(block, "loaded_at_field"), keyed.Value(block, "loaded_at_query")
		if field == nil && query == nil {
			continue
		}
		text := keyed.Text(field)
		switch {
		case keyed.Text(query) != "":
			v.Settings["loaded_at_query"] = keyed.Text(query)
			if text != "" {
				v.Settings["loaded_at_field"] = text // dbt asks the query
			}
		case plainColumn.MatchString(text):
			v.IngestedAt = text
		case text != "":
			v.Settings["loaded_at_field"] = text // an SQL expression
		}
		return
	}
}

// enabled reads whether the table is switched off; only config says so.
func (r *reader) enabled(v *registry.View, b blocks) {
	for _, config := range []*yaml.Node{b[0], b[2]} {
		value := keyed.Value(config, "enabled")
		if value == nil {
			continue
		}
		var on bool
		switch err := value.Decode(&on); {
		case err != nil:
			v.Settings["enabled"] = keyed.Text(value) // a template
		case !on:
			v.NewerFields = map[string]string{"disabled": "true"}
			v.NoFiles = "it is switched off (enabled: false)"
		}
		return
	}
}

// meta reads the owner and the ttl that dbt has no key for.
func (r *reader) meta(v *registry.View, line int, b blocks) error {
	text := func(key string) string {
		for _, block := range b {
			if value := keyed.Value(keyed.Value(block, "meta"), key); value != nil {
				return keyed.Text(value)
			}
		}
		return ""
	}
	v.Owner = text("owner")
	ttl := text("ttl")
	if ttl == "" {
		return nil
	}
	d, err := policy.ParseDuration(ttl)
	if err != nil {
		return fmt.Errorf("%s:%d: meta.ttl of %s: %w", r.file, line, v.Name, err)
	}
	seconds := d.Seconds()
	v.TTLSeconds, v.TTLOnWire = &seconds, registry.TTLSet
	if d == 0 {
		v.TTLOnWire = registry.TTLZero
	}
	return nil
}
