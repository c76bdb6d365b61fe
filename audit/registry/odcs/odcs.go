// Package odcs reads contracts of the Open Data Contract Standard, version 3, as definitions: each object of the schema
// is a view, and the service levels are its promises.
//
//   - freshness is max_age. latency, which the standard prefers to freshness, is max_age where it stands alone and
//     max_lag beside a freshness.
//   - an `element` (object.column) names the event time.
//   - the primary key is what may not repeat.
//   - retention and frequency are kept as settings, to be compared: neither is a ttl. A ttl is written as a custom
//     property `ttl` of the object or the contract.
package odcs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
)

type contract struct {
	APIVersion       string     `yaml:"apiVersion"`
	OldSpecification string     `yaml:"dataContractSpecification"`
	Name             string     `yaml:"name"`
	ID               string     `yaml:"id"`
	Schema           []object   `yaml:"schema"`
	Servers          []server   `yaml:"servers"`
	SLA              []property `yaml:"slaProperties"`
	SLADefault       string     `yaml:"slaDefaultElement"`
	Custom           []custom   `yaml:"customProperties"`
	Team             yaml.Node  `yaml:"team"`
}

type object struct {
	Name         string   `yaml:"name"`
	PhysicalName string   `yaml:"physicalName"`
	Properties   []column `yaml:"properties"`
	Custom       []custom `yaml:"customProperties"`
	line         int
}

// UnmarshalYAML keeps the line.
func (o *object) UnmarshalYAML(n *yaml.Node) error {
	type plain object
	if err := n.Decode((*plain)(o)); err != nil {
		return err
	}
	o.line = n.Line
	return nil
}

type column struct {
	Name         string `yaml:"name"`
	LogicalType  string `yaml:"logicalType"`
	PhysicalType string `yaml:"physicalType"`
	PrimaryKey   bool   `yaml:"primaryKey"`
	Position     int    `yaml:"primaryKeyPosition"`
}

type server struct {
	Type     string `yaml:"type"`
	Path     string `yaml:"path"`
	Location string `yaml:"location"`
	Format   string `yaml:"format"`
}

type property struct {
	Property string    `yaml:"property"`
	Value    yaml.Node `yaml:"value"`
	Unit     string    `yaml:"unit"`
	Element  string    `yaml:"element"`
	line     int
}

// UnmarshalYAML keeps the line.
func (p *property) UnmarshalYAML(n *yaml.Node) error {
	type plain property
	if err := n.Decode((*plain)(p)); err != nil {
		return err
	}
	p.line = n.Line
	return nil
}

type custom struct {
	Property string    `yaml:"property"`
	Value    yaml.Node `yaml:"value"`
}

// Decode reads one contract.
func Decode(name string, data []byte) (registry.Definitions, error) {
	var c contract
	if err := yaml.Unmarshal(data, &c); err != nil {
		return registry.Definitions{}, fmt.Errorf("%s: not a contract: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if c.OldSpecification != "" {
		return registry.Definitions{}, fmt.Errorf("%s: dataContractSpecification %s: expected apiVersion v3.x of the Open Data Contract Standard: convert it (datacontract export --format odcs)", name, c.OldSpecification)
	}
	if !strings.HasPrefix(c.APIVersion, "v3.") {
		return registry.Definitions{}, fmt.Errorf("%s: apiVersion %q: expected v3.x of the Open Data Contract Standard", name, c.APIVersion)
	}
	if len(c.Schema) == 0 {
		return registry.Definitions{}, fmt.Errorf("%s: the contract has no schema: expected at least one object", name)
	}
	r := reader{file: name, contract: c}
	d := registry.Definitions{Kind: registry.KindODCS}
	for _, o := range c.Schema {
		v, err := r.view(o)
		if err != nil {
			return registry.Definitions{}, err
		}
		d.Views = append(d.Views, v)
	}
	d.Notes = r.notes
	d.Finish()
	return d, nil
}

type reader struct {
	file     string
	contract contract
	notes    []string
}

func (r *reader) view(o object) (registry.View, error) {
	if o.Name == "" {
		return registry.View{}, fmt.Errorf("%s:%d: an object of the schema has no name", r.file, o.line)
	}
	v := registry.View{
		Name: o.Name, Project: cmp.Or(r.contract.Name, r.contract.ID), Kind: model.KindFeatureView, Owner: r.owner(),
		Settings: map[string]string{}, Locations: map[string]registry.Location{},
		Location: &registry.Location{File: r.file, Line: o.line},
	}
	for _, p := range o.Properties {
		v.Features = append(v.Features, registry.Feature{Name: p.Name, Type: cmp.Or(p.LogicalType, p.PhysicalType)})
	}
	v.Key = primaryKey(o)
	r.files(&v, o)
	if err := r.promises(&v); err != nil {
		return v, err
	}
	return v, r.ttl(&v, o)
}

func (r *reader) owner() string {
	var team struct {
		Name string `yaml:"name"`
	}
	if r.contract.Team.Kind != yaml.MappingNode || r.contract.Team.Decode(&team) != nil {
		return "" // the older form is a list of people
	}
	return team.Name
}

func primaryKey(o object) []string {
	columns := slices.Clone(o.Properties)
	slices.SortStableFunc(columns, func(a, b column) int { return cmp.Compare(a.Position, b.Position) })
	var key []string
	for _, c := range columns {
		if c.PrimaryKey {
			key = append(key, c.Name)
		}
	}
	return key
}

// files finds where the object's files are: the first server with a path.
func (r *reader) files(v *registry.View, o object) {
	var types []string
	for _, s := range r.contract.Servers {
		where := cmp.Or(s.Path, s.Location)
		if where != "" && (s.Format == "" || strings.EqualFold(s.Format, "parquet")) {
			v.Path = strings.NewReplacer("{model}", o.Name, "{schema}", o.Name, "{object}", o.Name).Replace(where)
			return
		}
		types = append(types, strings.TrimSpace(s.Type+" "+s.Format))
	}
	v.NoFiles = "its contract names no server with Parquet files"
	if len(types) > 0 {
		v.NoFiles += " (" + strings.Join(types, ", ") + ")"
	}
}

func (r *reader) promises(v *registry.View) error {
	var freshness, latency *float64
	for _, p := range r.contract.SLA {
		word := strings.ToLower(p.Property)
		objectName, columns := r.element(p)
		if objectName != "" && objectName != v.Name {
			continue
		}
		switch word {
		case "freshness", "latency", "ly":
			seconds, err := r.seconds(p)
			if err != nil {
				return err
			}
			if word == "freshness" {
				freshness = &seconds
			} else {
				latency = &seconds
			}
			v.Locations["max_age"] = registry.Location{File: r.file, Line: p.line}
			if len(columns) == 1 {
				v.EventTime = columns[0]
				v.Locations["event_time"] = registry.Location{File: r.file, Line: p.line}
			}
		case "retention", "re", "frequency", "fy":
			text, err := r.text(p)
			if err != nil {
				return err
			}
			v.Settings[map[byte]string{'r': "retention", 'f': "frequency"}[word[0]]] = text
		default:
			r.note(fmt.Sprintf("%s:%d: service level %q is not read", r.file, p.line, p.Property))
		}
	}
	v.MaxAgeSeconds = freshness
	if freshness == nil {
		v.MaxAgeSeconds = latency
	} else {
		v.MaxLagSeconds = latency
	}
	return nil
}

func (r *reader) note(text string) {
	if !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// element splits "object.column, object.column"; the object may be left out where there is one.
func (r *reader) element(p property) (of string, columns []string) {
	text := cmp.Or(p.Element, r.contract.SLADefault)
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		first, rest, dotted := strings.Cut(part, ".")
		switch {
		case dotted:
			of, columns = first, append(columns, rest)
		case slices.ContainsFunc(r.contract.Schema, func(x object) bool { return x.Name == part }):
			of = part
		default:
			columns = append(columns, part)
		}
	}
	return of, columns
}

// units are the words for the units that have one meaning. "m" is minutes to some readers and months to others.
var units = map[string]time.Duration{
	"ms": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "second": time.Second, "seconds": time.Second,
	"min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "wk": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// calendar are units without a fixed length: fit for a retention, not for an age.
var calendar = []string{"y", "yr", "year", "years", "month", "months", "mo", "q", "quarter", "quarters"}

func (r *reader) fail(p property, format string, args ...any) error {
	return fmt.Errorf("%s:%d: service level %s: %s", r.file, p.line, p.Property, fmt.Sprintf(format, args...))
}

const ambiguous = `unit "m" is minutes to some readers and months to others: write min, or an ISO 8601 duration such as PT30M`

// seconds is the length of a service level.
func (r *reader) seconds(p property) (float64, error) {
	unit := strings.ToLower(strings.TrimSpace(p.Unit))
	if unit == "m" {
		return 0, r.fail(p, ambiguous)
	}
	if slices.Contains(calendar, unit) {
		return 0, r.fail(p, "a %s has no fixed length: write it in days (unit: d)", unit)
	}
	if unit == "" || unit == "iso8601" {
		d, err := policy.ParseDuration(p.Value.Value)
		if err != nil || d <= 0 || !strings.HasPrefix(p.Value.Value, "P") {
			return 0, r.fail(p, "value %q without a unit: expected an ISO 8601 duration such as PT6H, or a unit (s, min, h, d, w)", p.Value.Value)
		}
		return d.Seconds(), nil
	}
	scale, ok := units[unit]
	if !ok {
		return 0, r.fail(p, "unit %q: expected s, min, h, d or w", p.Unit)
	}
	var n float64
	if err := p.Value.Decode(&n); err != nil || n <= 0 || n*scale.Seconds() > 1e11 {
		return 0, r.fail(p, "value %q: expected a number above 0", p.Value.Value)
	}
	return n * scale.Seconds(), nil
}

// text is a service level that is only compared: as a duration where it has a fixed length, else as it is written.
func (r *reader) text(p property) (string, error) {
	if strings.EqualFold(strings.TrimSpace(p.Unit), "m") {
		return "", r.fail(p, ambiguous)
	}
	if slices.Contains(calendar, strings.ToLower(p.Unit)) || p.Value.Kind != yaml.ScalarNode {
		return strings.TrimSpace(p.Value.Value + " " + p.Unit), nil
	}
	seconds, err := r.seconds(p)
	if err != nil {
		if strings.HasPrefix(p.Value.Value, "P") && p.Unit == "" {
			return p.Value.Value, nil // P3Y: no fixed length
		}
		return "", err
	}
	return policy.FormatDuration(registry.Seconds(&seconds)), nil
}

// ttl reads the custom property of that name, of the object or else of the contract.
func (r *reader) ttl(v *registry.View, o object) error {
	for _, c := range append(slices.Clone(o.Custom), r.contract.Custom...) {
		if c.Property != "ttl" && c.Property != "featureaudit.ttl" {
			continue
		}
		d, err := policy.ParseDuration(c.Value.Value)
		if err != nil {
			return fmt.Errorf("%s:%d: custom property ttl: %w", r.file, c.Value.Line, err)
		}
		seconds := d.Seconds()
		v.TTLSeconds, v.TTLOnWire = &seconds, registry.TTLSet
		if d == 0 {
			v.TTLOnWire = registry.TTLZero
		}
		v.Locations["ttl"] = registry.Location{File: r.file, Line: c.Value.Line}
		return nil
	}
	return nil
}
