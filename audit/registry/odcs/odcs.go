// Package odcs reads contracts of the Open Data Contract Standard, version 3, as definitions: each object of the schema
// is a view, and the service levels are its promises.
//
//   - freshness is max_age, and latency max_lag. An audit judges a latency that stands alone as max_age, since the
//     standard prefers it to freshness; a comparison never takes one for the other.
//   - an `element` (object.column) names the event time.
//   - the primary key is what may not repeat.
//   - retention and frequency are kept as settings, to be compared: neither is a ttl. A ttl is written as a custom
//     property `ttl` of the object or the contract.
package odcs

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/internal/keyed"
	"github.com/featureaudit/featureaudit/audit/words"
)

//go:embed keys.txt
var keyTable string

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
	node         *yaml.Node
}

// UnmarshalYAML keeps the place.
func (o *object) UnmarshalYAML(n *yaml.Node) error {
	type plain object
	if err := n.Decode((*plain)(o)); err != nil {
		return err
	}
	o.node = n
	return nil
}

type column struct {
	Name              string    `yaml:"name"`
	PhysicalName      string    `yaml:"physicalName"`
	LogicalType       string    `yaml:"logicalType"`
	PhysicalType      string    `yaml:"physicalType"`
	PrimaryKey        bool      `yaml:"primaryKey"`
	Position          int       `yaml:"primaryKeyPosition"`
	Required          bool      `yaml:"required"`
	Unique            bool      `yaml:"unique"`
	Partitioned       bool      `yaml:"partitioned"`
	PartitionPosition int       `yaml:"partitionKeyPosition"`
	TransformLogic    string    `yaml:"transformLogic"`
	TransformSources  yaml.Node `yaml:"transformSourceObjects"`
}

type server struct {
	Type     string `yaml:"type"`
	Path     string `yaml:"path"`
	Location string `yaml:"location"`
	Format   string `yaml:"format"`
}

// hasFiles says whether a server holds Parquet files.
func (s server) hasFiles() bool {
	return cmp.Or(s.Path, s.Location) != "" && (s.Format == "" || strings.EqualFold(s.Format, "parquet"))
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
	root, twice, err := keyed.Parse(name, data)
	if err != nil {
		return registry.Definitions{}, err
	}
	// the version is looked at before the rest is decoded, which has another shape in older standards
	if old := keyed.Text(keyed.Value(root, "dataContractSpecification")); old != "" {
		return registry.Definitions{}, fmt.Errorf("%s: dataContractSpecification %s: expected apiVersion v3.x of the Open Data Contract Standard: convert it (datacontract export --format odcs)", name, old)
	}
	if version := keyed.Text(keyed.Value(root, "apiVersion")); !strings.HasPrefix(version, "v3.") {
		return registry.Definitions{}, fmt.Errorf("%s: apiVersion %q: expected v3.x of the Open Data Contract Standard", name, version)
	}
	var c contract
	if err := root.Decode(&c); err != nil {
		return registry.Definitions{}, fmt.Errorf("%s: not a contract: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(c.Schema) == 0 {
		return registry.Definitions{}, fmt.Errorf("%s: the contract has no schema: expected at least one object", name)
	}
	r := reader{file: name, contract: c, shapes: keyed.ParseShapes(keyTable), notes: twice}
	d := registry.Definitions{Kind: registry.KindODCS, Ledger: true}
	r.whole(root, &d)
	for _, o := range c.Schema {
		v, err := r.view(o)
		if err != nil {
			return registry.Definitions{}, err
		}
		d.Views = append(d.Views, v)
	}
	d.UnknownFields = append(d.UnknownFields, r.unknown...)
	d.Notes = r.notes
	d.Finish()
	return d, nil
}

type reader struct {
	file     string
	contract contract
	shapes   keyed.Shapes
	notes    []string
	unknown  []registry.UnknownField
}

// whole notes what the contract says beside its objects.
func (r *reader) whole(root *yaml.Node, d *registry.Definitions) {
	ledger := r.shapes.Walk(root, "contract", r.file, "the contract")
	for i, level := range keyed.List(keyed.Value(root, "slaProperties")) {
		name := cmp.Or(keyed.Text(keyed.Value(level, "property")), fmt.Sprint(i))
		ledger.Below("slaProperties["+name+"]", r.shapes.Walk(level, "level", r.file, "service level "+name))
		if !judgedLevels[strings.ToLower(name)] {
			ledger.Noted = append(ledger.Noted, registry.TextField("slaProperties["+name+"]", "", keyed.Canonical(level)))
		}
	}
	r.unknown = append(r.unknown, ledger.Unknown...)
	fields := ledger.Noted
	fields = append(fields, r.servers(root)...)
	fields = append(fields, pairs("team", keyed.Value(root, "team"), "name")...)
	for _, c := range r.contract.Custom {
		if !isTTL(c) {
			fields = append(fields, registry.TextField("customProperties["+c.Property+"]", "", keyed.Canonical(&c.Value)))
		}
	}
	d.Objects = append(d.Objects, registry.Object{What: "contract", Name: cmp.Or(r.contract.Name, r.contract.ID), Fields: fields})
}

// judgedLevels are the service levels that are promises or settings of a view, by the standard's word and its short form.
var judgedLevels = map[string]bool{"freshness": true, "latency": true, "ly": true, "retention": true, "re": true, "frequency": true, "fy": true}

// servers notes the servers, but the path of the one whose files are the views': that is judged.
func (r *reader) servers(root *yaml.Node) []registry.Field {
	var fields []registry.Field
	chosen := slices.IndexFunc(r.contract.Servers, server.hasFiles)
	for i, n := range keyed.List(keyed.Value(root, "servers")) {
		name := cmp.Or(keyed.Text(keyed.Value(n, "server")), fmt.Sprint(i))
		var judged []string
		if i == chosen {
			judged = []string{"path", "location"}
		}
		fields = append(fields, pairs("servers["+name+"]", n, judged...)...)
	}
	return fields
}

// pairs are the keys of a map but some, each with all that is below it; of what is no map, the whole.
func pairs(at string, n *yaml.Node, but ...string) []registry.Field {
	if n = keyed.Resolve(n); n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return []registry.Field{registry.TextField(at, "", keyed.Canonical(n))}
	}
	var fields []registry.Field
	for _, pair := range keyed.Pairs(n) {
		if key := pair[0].Value; !slices.Contains(but, key) {
			fields = append(fields, registry.TextField(at+"."+key, "", keyed.Canonical(pair[1])))
		}
	}
	return fields
}

func (r *reader) view(o object) (registry.View, error) {
	if o.Name == "" {
		return registry.View{}, fmt.Errorf("%s:%d: an object of the schema has no name", r.file, o.node.Line)
	}
	v := registry.View{
		Name: o.Name, Project: cmp.Or(r.contract.Name, r.contract.ID), Kind: model.KindFeatureView, Owner: r.owner(),
		Settings: map[string]string{}, Locations: map[string]registry.Location{},
		Location: &registry.Location{File: r.file, Line: o.node.Line},
	}
	r.columns(&v, o)
	ledger := r.shapes.Walk(o.node, "object", r.file, "object "+o.Name)
	for _, property := range keyed.List(keyed.Value(o.node, "properties")) {
		name := keyed.Text(keyed.Value(property, "name"))
		ledger.Below("properties["+name+"]", r.shapes.Walk(property, "property", r.file, "column "+o.Name+"."+name))
	}
	ledger.Into(&v, &r.unknown)
	for _, c := range o.Custom {
		if !isTTL(c) {
			v.Fields = append(v.Fields, registry.TextField("customProperties["+c.Property+"]", "", keyed.Canonical(&c.Value)))
		}
	}
	v.Key = primaryKey(o)
	r.files(&v, o)
	if err := r.promises(&v, o); err != nil {
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

// columns reads the columns: their types, and what is promised of them.
func (r *reader) columns(v *registry.View, o object) {
	if o.PhysicalName != "" {
		v.BatchSource = &registry.DataSource{Name: o.Name, Type: "ODCS_OBJECT", Table: o.PhysicalName, Details: map[string]string{"physicalName": o.PhysicalName}}
	}
	for _, p := range o.Properties {
		v.Features = append(v.Features, registry.Feature{Name: p.Name, Type: cmp.Or(p.LogicalType, p.PhysicalType)})
		at := "properties[" + p.Name + "]."
		if p.LogicalType != "" && p.PhysicalType != "" {
			v.Fields = append(v.Fields, registry.TextField(at+"physicalType", registry.PartPhysicalType, p.PhysicalType))
		}
		for _, part := range []struct{ key, text string }{{"transformLogic", p.TransformLogic}, {"transformSourceObjects", keyed.Canonical(&p.TransformSources)}} {
			if part.text != "" {
				v.Fields = append(v.Fields, registry.TextField(at+part.key, registry.PartTransformation, part.text))
			}
		}
		for _, flag := range []struct {
			key string
			set bool
		}{{"required", p.Required}, {"unique", p.Unique}} {
			if flag.set {
				v.Settings[at+flag.key] = "true"
			}
		}
		if p.Partitioned {
			v.Settings[at+"partitioned"] = strings.TrimSpace(fmt.Sprintf("true, position %d", p.PartitionPosition))
		}
		if p.PhysicalName != "" && p.PhysicalName != p.Name {
			v.Settings[at+"physicalName"] = p.PhysicalName
		}
	}
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
		if where := cmp.Or(s.Path, s.Location); s.hasFiles() {
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

func (r *reader) promises(v *registry.View, o object) error {
	var freshness, latency *float64
	for _, p := range r.contract.SLA {
		word := strings.ToLower(p.Property)
		objectName, columns := r.element(p)
		if objectName != "" && objectName != v.Name {
			r.unplaced(p, objectName)
			continue
		}
		if objectName != "" || len(r.contract.Schema) == 1 {
			r.unknownColumns(p, o, columns)
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
	v.MaxAgeSeconds, v.MaxLagSeconds = freshness, latency
	if freshness == nil && latency != nil {
		v.MaxAgeSeconds, v.MaxLagSeconds, v.MaxAgeBy = latency, nil, registry.ByLatency
	}
	return nil
}

// unplaced names a service level whose element is no object of the schema: nobody would keep it.
func (r *reader) unplaced(p property, name string) {
	var names []string
	for _, o := range r.contract.Schema {
		if o.Name == name {
			return
		}
		names = append(names, o.Name)
	}
	r.misplaced(p, fmt.Sprintf("which names no object of the schema (%s)", strings.Join(names, ", ")))
}

// unknownColumns names a service level whose element is no column of the object: nobody could measure it.
func (r *reader) unknownColumns(p property, o object, columns []string) {
	for _, c := range columns {
		first, _, _ := strings.Cut(c, ".")
		if !slices.ContainsFunc(o.Properties, func(x column) bool { return x.Name == c || x.Name == first || x.PhysicalName == c }) {
			r.misplaced(p, "which names no column of "+o.Name)
		}
	}
}

// misplaced keeps a service level that no view has among what is not known.
func (r *reader) misplaced(p property, why string) {
	element := cmp.Or(p.Element, r.contract.SLADefault)
	text := fmt.Sprintf("%s %s %s", p.Value.Value, p.Unit, element)
	field := registry.UnknownField{Field: p.Property, Bytes: len(text), Digest: registry.ShortDigest([]byte(text)),
		Path:     fmt.Sprintf("slaProperties[%s].element %q, %s", p.Property, element, why),
		Location: &registry.Location{File: r.file, Line: p.line}}
	if !slices.ContainsFunc(r.unknown, func(u registry.UnknownField) bool { return u.Path == field.Path }) {
		r.unknown = append(r.unknown, field)
	}
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
			of, columns = r.objectNamed(first), append(columns, rest)
		case slices.ContainsFunc(r.contract.Schema, func(x object) bool { return x.Name == part }):
			of = part
		default:
			columns = append(columns, part)
		}
	}
	return of, columns
}

// objectNamed is the name of the object that a service level means by its name, or by its physical name where no object
// has it as its name.
func (r *reader) objectNamed(text string) string {
	physical := ""
	for _, o := range r.contract.Schema {
		if o.Name == text {
			return text
		}
		if o.PhysicalName == text {
			physical = o.Name
		}
	}
	return cmp.Or(physical, text)
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
	return words.Exact(registry.Seconds(&seconds)), nil
}

func isTTL(c custom) bool { return c.Property == "ttl" || c.Property == "featureaudit.ttl" }

// ttl reads the custom property of that name, of the object or else of the contract.
func (r *reader) ttl(v *registry.View, o object) error {
	for _, c := range append(slices.Clone(o.Custom), r.contract.Custom...) {
		if !isTTL(c) {
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
