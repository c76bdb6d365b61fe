// Package dbt reads the freshness that dbt's YAML promises as definitions: each table of a source, and each semantic
// model, is a view. error_after (else warn_after) is max_age and loaded_at_field is the ingest time, as dbt measures it;
// a semantic model names the event time and the keys. dbt knows no ttl: `meta: {ttl: 24h}` of a table carries one.
package dbt

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
)

type document struct {
	Sources  []source        `yaml:"sources"`
	Semantic []semanticModel `yaml:"semantic_models"`
}

// common are the keys that a source and its tables share; those of config win over the older place.
type common struct {
	Freshness     yaml.Node      `yaml:"freshness"`
	LoadedAtField string         `yaml:"loaded_at_field"`
	Meta          map[string]any `yaml:"meta"`
	Config        struct {
		Freshness     yaml.Node      `yaml:"freshness"`
		LoadedAtField string         `yaml:"loaded_at_field"`
		Meta          map[string]any `yaml:"meta"`
	} `yaml:"config"`
}

type source struct {
	Name   string  `yaml:"name"`
	Tables []table `yaml:"tables"`
	common `yaml:",inline"`
}

type table struct {
	Name    string `yaml:"name"`
	Columns []struct {
		Name     string `yaml:"name"`
		DataType string `yaml:"data_type"`
	} `yaml:"columns"`
	External struct {
		Location string `yaml:"location"`
	} `yaml:"external"`
	common `yaml:",inline"`
	line   int
}

// UnmarshalYAML keeps the line.
func (t *table) UnmarshalYAML(n *yaml.Node) error {
	type plain table
	if err := n.Decode((*plain)(t)); err != nil {
		return err
	}
	t.line = n.Line
	return nil
}

type semanticModel struct {
	Name     string `yaml:"name"`
	Defaults struct {
		Time string `yaml:"agg_time_dimension"`
	} `yaml:"defaults"`
	Entities   []named `yaml:"entities"`
	Dimensions []named `yaml:"dimensions"`
	Measures   []named `yaml:"measures"`
	line       int
}

// UnmarshalYAML keeps the line.
func (s *semanticModel) UnmarshalYAML(n *yaml.Node) error {
	type plain semanticModel
	if err := n.Decode((*plain)(s)); err != nil {
		return err
	}
	s.line = n.Line
	return nil
}

type named struct {
	Name string `yaml:"name"`
	Type string `yaml:"type"`
	Expr string `yaml:"expr"`
}

type period struct {
	Count  yaml.Node `yaml:"count"`
	Period string    `yaml:"period"`
}

// Decode reads one file.
func Decode(name string, data []byte) (registry.Definitions, error) {
	var doc document
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return registry.Definitions{}, fmt.Errorf("%s: not dbt's YAML: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	d := registry.Definitions{Kind: registry.KindDBT}
	for _, s := range doc.Sources {
		for _, t := range s.Tables {
			v, err := tableView(name, s, t)
			if err != nil {
				return registry.Definitions{}, err
			}
			d.Views = append(d.Views, v)
		}
	}
	for _, s := range doc.Semantic {
		v, err := semanticView(name, s)
		if err != nil {
			return registry.Definitions{}, err
		}
		d.Views = append(d.Views, v)
	}
	if len(d.Views) == 0 {
		return registry.Definitions{}, fmt.Errorf("%s: it defines no table of a source and no semantic model", name)
	}
	d.Finish()
	return d, nil
}

var plainColumn = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func tableView(file string, s source, t table) (registry.View, error) {
	if s.Name == "" || t.Name == "" {
		return registry.View{}, fmt.Errorf("%s:%d: a source and each of its tables need a name", file, t.line)
	}
	v := registry.View{
		Name: s.Name + "." + t.Name, Kind: model.KindFeatureView, Path: t.External.Location,
		Location: &registry.Location{File: file, Line: t.line}, Settings: map[string]string{}, Locations: map[string]registry.Location{},
	}
	if v.Path == "" {
		v.NoFiles = "a dbt source is a table of a warehouse"
	}
	for _, c := range t.Columns {
		v.Features = append(v.Features, registry.Feature{Name: c.Name, Type: c.DataType})
	}
	loaded := cmp.Or(t.Config.LoadedAtField, t.LoadedAtField, s.Config.LoadedAtField, s.LoadedAtField)
	if plainColumn.MatchString(loaded) {
		v.IngestedAt = loaded
	} else if loaded != "" {
		v.Settings["loaded_at_field"] = loaded // an SQL expression
	}
	if err := freshness(file, &v, t.Config.Freshness, t.Freshness, s.Config.Freshness, s.Freshness); err != nil {
		return v, err
	}
	return v, meta(file, &v, t.line, t.Config.Meta, t.Meta, s.Config.Meta, s.Meta)
}

// freshness takes the first block that is written; null switches it off.
func freshness(file string, v *registry.View, blocks ...yaml.Node) error {
	i := slices.IndexFunc(blocks, func(n yaml.Node) bool { return n.Kind != 0 })
	if i < 0 || blocks[i].Tag == "!!null" {
		return nil
	}
	var block struct {
		Warn  *period `yaml:"warn_after"`
		Error *period `yaml:"error_after"`
	}
	if err := blocks[i].Decode(&block); err != nil {
		return fmt.Errorf("%s:%d: freshness of %s: expected {warn_after: {count, period}, error_after: {count, period}}", file, blocks[i].Line, v.Name)
	}
	for _, p := range []*period{block.Error, block.Warn} {
		if p == nil {
			continue
		}
		seconds, err := p.seconds()
		if err != nil {
			return fmt.Errorf("%s:%d: freshness of %s: %w", file, blocks[i].Line, v.Name, err)
		}
		v.MaxAgeSeconds = &seconds
		v.Locations["max_age"] = registry.Location{File: file, Line: blocks[i].Line}
		return nil
	}
	return nil
}

var periods = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

func (p period) seconds() (float64, error) {
	unit, ok := periods[p.Period]
	if !ok {
		return 0, fmt.Errorf("period %q: expected minute, hour or day", p.Period)
	}
	var n int64
	if err := p.Count.Decode(&n); err != nil || n <= 0 || n > 1e7 {
		return 0, fmt.Errorf("count %q: expected a whole number above 0", p.Count.Value)
	}
	return float64(n) * unit.Seconds(), nil
}

func meta(file string, v *registry.View, line int, maps ...map[string]any) error {
	text := func(key string) string {
		for _, m := range maps {
			if s, ok := m[key].(string); ok {
				return s
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
		return fmt.Errorf("%s:%d: meta.ttl of %s: %w", file, line, v.Name, err)
	}
	seconds := d.Seconds()
	v.TTLSeconds, v.TTLOnWire = &seconds, registry.TTLSet
	if d == 0 {
		v.TTLOnWire = registry.TTLZero
	}
	return nil
}

func semanticView(file string, s semanticModel) (registry.View, error) {
	if s.Name == "" {
		return registry.View{}, fmt.Errorf("%s:%d: a semantic model needs a name", file, s.line)
	}
	v := registry.View{
		Name: s.Name, Kind: model.KindFeatureView, NoFiles: "a dbt semantic model is a table of a warehouse",
		Location: &registry.Location{File: file, Line: s.line},
	}
	for _, e := range s.Entities {
		column := cmp.Or(e.Expr, e.Name)
		switch e.Type {
		case "primary", "unique", "natural":
			v.Entities, v.JoinKeys = append(v.Entities, e.Name), append(v.JoinKeys, column)
		}
	}
	for _, d := range s.Dimensions {
		if d.Name == s.Defaults.Time {
			v.EventTime = cmp.Or(d.Expr, d.Name)
		}
		v.Features = append(v.Features, registry.Feature{Name: d.Name, Type: d.Type})
	}
	for _, m := range s.Measures {
		v.Features = append(v.Features, registry.Feature{Name: m.Name, Type: "measure"})
	}
	return v, nil
}
