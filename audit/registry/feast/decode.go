package feast

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
)

// content collects what a registry holds, while it is read.
type content struct {
	*reader
	views    []view
	entities []registry.Entity
	sources  []registry.DataSource
	services []registry.FeatureService
	projects []string
	objects  []registry.Object
	// marks says which known parts a binary registry has: without any, the bytes are something else.
	marks int
}

// view is a view being read: what waits for the entities to be known stands beside it.
type view struct {
	registry.View
	legacy bool
}

// finishTimes takes the event time of a stream view that has no batch source to name one.
func (v *view) finishTimes() {
	if v.EventTime == "" {
		v.EventTime = v.StreamEventTime
	}
	if v.EventTime == v.StreamEventTime {
		v.StreamEventTime = ""
	}
}

// object is one kind of top-level object: what it is called, and how one is read.
type object struct {
	what string
	read func(c *content, raw []byte, project string) error
}

// objects are what a registry holds, by the name of its message.
func objects() map[string]object {
	return map[string]object{
		"FeatureView":         {"feature view", viewReader(model.KindFeatureView, "feature view")},
		"StreamFeatureView":   {"stream feature view", viewReader(model.KindStreamView, "stream feature view")},
		"OnDemandFeatureView": {"on-demand feature view", viewReader(model.KindOnDemandView, "on-demand feature view")},
		"LabelView":           {"label view", viewReader(model.KindLabelView, "label view")},
		"FeatureTable":        {"feature table", viewReader(model.KindFeatureView, "feature table")},
		"Entity":              {"entity", (*content).entity},
		"DataSource":          {"data source", (*content).registeredSource},
		"FeatureService":      {"feature service", (*content).service},
		"Project":             {"project", (*content).project},
		"Permission":          {"permission", noteReader("Permission", "permission")},
		"SavedDataset":        {"saved dataset", noteReader("SavedDataset", "saved dataset")},
		"ValidationReference": {"validation reference", noteReader("ValidationReference", "validation reference")},
		"RequestFeatureView":  {"request feature view", noteReader("RequestFeatureView", "request feature view")},
		"Infra":               {"infrastructure", noteReader("Infra", "infrastructure")},
	}
}

// noteReader reads an object that no rule judges.
func noteReader(msg, what string) func(*content, []byte, string) error {
	return func(c *content, raw []byte, project string) error {
		mark := len(c.unknown)
		if err := c.walk(c.schema[msg], raw, 1, nil); err != nil {
			return err
		}
		fields, err := c.fieldsOf(msg, raw)
		if err != nil {
			return err
		}
		o := registry.Object{What: what, Project: project}
		for _, f := range fields {
			switch f.Path {
			case "spec.name", "name":
				o.Name = f.Text
			case "spec.project", "project":
				o.Project = cmp.Or(f.Text, o.Project)
			default:
				o.Fields = append(o.Fields, f)
			}
		}
		c.in(mark, what, o.Name, "")
		c.objects = append(c.objects, o)
		return nil
	}
}

// messageOf is the message that a view of that word is written as.
var messageOf = map[string]string{
	"feature view": "FeatureView", "stream feature view": "StreamFeatureView", "on-demand feature view": "OnDemandFeatureView",
	"label view": "LabelView", "feature table": "FeatureTable",
}

// Decode reads the bytes of a feast.core.Registry.
func Decode(data []byte) (registry.Definitions, error) {
	if len(data) == 0 {
		return registry.Definitions{}, errors.New("the registry is empty (0 bytes): expected what feast apply writes")
	}
	if len(data) > maxBytes {
		return registry.Definitions{}, fmt.Errorf("the registry has %d bytes: expected at most %d", len(data), maxBytes)
	}
	r, err := newReader()
	if err != nil {
		return registry.Definitions{}, err
	}
	c := &content{reader: r}
	if err := c.registry(data); err != nil {
		return registry.Definitions{}, err
	}
	if c.marks == 0 {
		return registry.Definitions{}, errors.New("the bytes are no Feast registry: none of its fields is there")
	}
	return c.definitions(), nil
}

// registry reads the outermost message.
func (c *content) registry(data []byte) error {
	known := objects()
	counts := map[string]int{}
	err := c.walk(c.schema["Registry"], data, 0, func(f *field, v value) (bool, error) {
		c.marks++
		if f.kind != kindMessage {
			return true, nil
		}
		o, ok := known[f.msg.name]
		if !ok { // among them the version history, which still shows policies that were dropped long ago
			mark := len(c.unknown)
			err := c.walk(f.msg, v.raw, 1, nil)
			c.under(mark, f.name)
			c.in(mark, "the registry", "", "")
			return true, err
		}
		counts[o.what]++
		if err := o.read(c, merged(f.msg, v.raw, 0), ""); err != nil {
			return true, fmt.Errorf("%s %d: %w", o.what, counts[o.what], err)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for i := range c.unknown {
		if c.unknown[i].Path == c.unknown[i].Field {
			c.unknown[i].Path += " in the registry"
		}
	}
	return nil
}

// definitions puts together what was read.
func (c *content) definitions() registry.Definitions {
	d := registry.Definitions{Kind: registry.KindFeast, Entities: c.entities, DataSources: c.sources, FeatureServices: c.services, Objects: c.objects, Ledger: true}
	d.UnknownFields = c.unknown
	keys := c.joinKeys()
	for _, v := range c.views {
		v.JoinKeys = keys.of(v)
		v.NoFiles = noFiles(v.View)
		d.Views = append(d.Views, v.View)
	}
	slices.Sort(c.projects)
	if c.projects = slices.Compact(c.projects); len(c.projects) == 1 {
		d.Project = c.projects[0]
	}
	d.Finish()
	return d
}

func (c *content) project(raw []byte, _ string) error {
	mark := len(c.unknown)
	var name string
	err := c.spec("Project", raw, func(f *field, v value) (bool, error) {
		if f.name == "name" {
			name = c.text(v.raw)
		}
		return false, nil
	}, nil)
	if err != nil {
		return err
	}
	c.in(mark, "project", name, "")
	c.projects = append(c.projects, name)
	o := registry.Object{What: "project", Name: name}
	fields, err := c.fieldsOf("Project", raw)
	for _, f := range fields {
		if f.Path != "spec.name" {
			o.Fields = append(o.Fields, f)
		}
	}
	c.objects = append(c.objects, o)
	return err
}

// spec reads an object of the usual form {spec, meta}.
func (c *content) spec(msg string, raw []byte, spec, meta visitor) error {
	return c.walk(c.schema[msg], raw, 1, func(f *field, v value) (bool, error) {
		visit := meta
		if f.name == "spec" {
			visit = spec
		}
		if visit == nil {
			return false, nil
		}
		mark := len(c.unknown)
		if err := c.walk(f.msg, v.raw, 2, visit); err != nil {
			return true, err
		}
		c.under(mark, f.name)
		return true, nil
	})
}

func viewReader(kind model.ViewKind, what string) func(*content, []byte, string) error {
	return func(c *content, raw []byte, project string) error {
		mark := len(c.unknown)
		v := view{View: registry.View{Kind: kind}, legacy: what == "feature table"}
		plain := texts{"name": &v.Name, "project": &v.Project, "owner": &v.Owner, "timestamp_field": &v.StreamEventTime}
		err := c.spec(messageOf[what], raw,
			func(f *field, val value) (bool, error) {
				if c.take(plain, f, val) {
					return true, nil
				}
				return c.viewField(&v.View, f, val)
			},
			func(f *field, val value) (bool, error) { return c.metaField(&v.View, f, val) })
		if err != nil {
			return fmt.Errorf("%s: %w", strconv.Quote(v.Name), err)
		}
		if v.Name == "" {
			return errors.New("it has no name")
		}
		v.Project = cmp.Or(v.Project, project) // the SQL registry keeps it in a column
		c.in(mark, what, v.Name, v.Name)
		c.tagged(&v.View)
		if v.Fields, err = c.fieldsOf(messageOf[what], raw); err != nil {
			return fmt.Errorf("%s: %w", strconv.Quote(v.Name), err)
		}
		v.Fields = settled(v.Fields)
		v.finishTimes()
		c.views = append(c.views, v)
		return nil
	}
}

// viewField reads one field of the specification of any kind of view: they share their names, not their numbers.
func (c *content) viewField(v *registry.View, f *field, val value) (bool, error) {
	switch f.name {
	case "entities":
		v.Entities = append(v.Entities, c.text(val.raw))
	case "online":
		v.Online = val.num != 0
	case "features":
		return true, c.feature(&v.Features, f, val)
	case "entity_columns":
		return true, c.feature(&v.EntityColumns, f, val)
	case "tags", "labels":
		return true, c.tag(&v.Tags, f, val)
	case "ttl", "max_age":
		return true, c.ttl(v, val)
	case "batch_source":
		return true, c.batchSource(v, f, val)
	case "source": // of a label view
		return true, c.labelSource(v, f, val)
	case "stream_source":
		source, err := c.source(f, val, 3)
		v.StreamSource = &source
		return true, err
	default:
		c.newer(v, f, val)
		return false, nil
	}
	return true, nil
}

// newer keeps the fields that only newer releases write: an older client erases them when it writes the view again.
func (c *content) newer(v *registry.View, f *field, val value) {
	var text string
	switch f.name {
	case "offline", "enable_validation", "disabled":
		text = strconv.FormatBool(val.num != 0)
	case "org", "version":
		text = c.text(val.raw)
	default:
		return
	}
	if text == "" || text == "false" { // as if it were not written
		delete(v.NewerFields, f.name)
		return
	}
	setNewer(v, f.name, text)
}

func setNewer(v *registry.View, name, text string) {
	if v.NewerFields == nil {
		v.NewerFields = map[string]string{}
	}
	v.NewerFields[name] = text
}

// sourceMeta is the number of DataSource.meta, which releases since 0.62 write into a view's copy of its source.
const sourceMeta = 50

func hasField(data []byte, number protowire.Number) bool {
	for len(data) > 0 {
		num, typ, n := protowire.ConsumeTag(data)
		size := protowire.ConsumeFieldValue(num, typ, data[max(n, 0):])
		if n < 0 || size < 0 {
			return false
		}
		if num == number {
			return true
		}
		data = data[n+size:]
	}
	return false
}

func (c *content) ttl(v *registry.View, val value) error {
	seconds, err := c.duration(val.raw, 3)
	if err != nil {
		return fmt.Errorf("ttl: %w", err)
	}
	v.TTLSeconds, v.TTLOnWire = &seconds, registry.TTLSet
	if seconds == 0 {
		v.TTLOnWire = registry.TTLZero
	}
	return nil
}

func (c *content) batchSource(v *registry.View, f *field, val value) error {
	source, err := c.source(f, val, 3)
	if err != nil {
		return err
	}
	v.BatchSource = &source
	v.EventTime, v.IngestedAt, v.Path = source.TimestampField, source.CreatedColumn, source.Path
	if hasField(val.raw, sourceMeta) {
		setNewer(v, "batch_source.meta", "written")
	}
	return nil
}

func (c *content) labelSource(v *registry.View, f *field, val value) error {
	if err := c.batchSource(v, f, val); err != nil {
		return err
	}
	source := *v.BatchSource
	if source.BatchSource != nil { // a push source: the rows lie in the batch source behind it
		v.StreamSource, v.BatchSource = &source, source.BatchSource
		v.EventTime, v.IngestedAt, v.Path = v.BatchSource.TimestampField, v.BatchSource.CreatedColumn, v.BatchSource.Path
	}
	return nil
}

func (c *content) metaField(v *registry.View, f *field, val value) (bool, error) {
	if f.name != "materialization_intervals" {
		return false, nil
	}
	var i registry.Interval
	mark := len(c.unknown)
	err := c.walk(f.msg, val.raw, 3, func(f *field, val value) (bool, error) {
		t, err := c.timestamp(val.raw, 4)
		switch f.name {
		case "start_time":
			i.Start = t
		case "end_time":
			i.End = t
		}
		return true, err
	})
	if err != nil {
		return true, fmt.Errorf("materialization interval: %w", err)
	}
	c.under(mark, f.name)
	v.Materialized = append(v.Materialized, i)
	return true, nil
}

// texts are the places of those fields of a message that are one text each.
type texts map[string]*string

// take puts a text in its place, and says whether the field is among them.
func (c *content) take(into texts, f *field, v value) bool {
	place, known := into[f.name]
	if known {
		*place = c.text(v.raw)
	}
	return known
}

func (c *content) feature(list *registry.Features, f *field, val value) error {
	feature := registry.Feature{Type: enumName("ValueType", 0)}
	plain := texts{"name": &feature.Name}
	mark := len(c.unknown)
	err := c.walk(f.msg, val.raw, 3, func(f *field, v value) (bool, error) {
		if f.name == "value_type" {
			feature.Type = c.enumName(f.enum, v.num)
			return true, nil
		}
		return c.take(plain, f, v), nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	if feature.Name == "" {
		return fmt.Errorf("%s: one has no name", f.name)
	}
	c.underOne(mark, f.name, feature.Name)
	*list = append(*list, feature)
	return nil
}

func (c *content) tag(tags *map[string]string, f *field, val value) error {
	var key, text string
	plain := texts{"key": &key, "value": &text}
	err := c.part(f, val, 3, func(f *field, v value) (bool, error) { return c.take(plain, f, v), nil })
	if err != nil {
		return err
	}
	if *tags == nil {
		*tags = map[string]string{}
	}
	(*tags)[key] = text
	return nil
}

// part reads a message that stands in a field. What it holds that is unknown is told below that field.
func (c *content) part(f *field, val value, depth int, visit visitor) error {
	mark := len(c.unknown)
	if err := c.walk(f.msg, val.raw, depth, visit); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	c.under(mark, f.name)
	return nil
}

// named reads an object that is known by its name: its specification with visit, which fills name and own, and then its
// fields. Where it does not say its project, it is that of the column of a SQL registry.
func (c *content) named(msg, what string, raw []byte, project string, name, own *string, visit visitor) ([]registry.Field, error) {
	mark := len(c.unknown)
	if err := c.spec(msg, raw, visit, nil); err != nil {
		return nil, err
	}
	if *name == "" {
		return nil, errors.New("it has no name")
	}
	*own = cmp.Or(*own, project)
	c.in(mark, what, *name, "")
	return c.fieldsOf(msg, raw)
}

func (c *content) entity(raw []byte, project string) (err error) {
	e := registry.Entity{ValueType: enumName("ValueType", 0)}
	plain := texts{"name": &e.Name, "project": &e.Project, "join_key": &e.JoinKey, "owner": &e.Owner}
	e.Fields, err = c.named("Entity", "entity", raw, project, &e.Name, &e.Project, func(f *field, v value) (bool, error) {
		switch f.name {
		case "value_type":
			e.ValueType = c.enumName(f.enum, v.num)
			return true, nil
		case "tags":
			return true, c.tag(&e.Tags, f, v)
		}
		return c.take(plain, f, v), nil
	})
	if err != nil {
		return err
	}
	c.entities = append(c.entities, e)
	return nil
}

func (c *content) registeredSource(raw []byte, project string) error {
	mark := len(c.unknown)
	s, err := c.sourceOf(raw, 1)
	if err != nil {
		return err
	}
	s.Project = cmp.Or(s.Project, project)
	c.in(mark, "data source", s.Name, "")
	if s.Fields, err = c.fieldsOf("DataSource", raw); err != nil {
		return err
	}
	c.sources = append(c.sources, s)
	return nil
}

func (c *content) service(raw []byte, project string) (err error) {
	var s registry.FeatureService
	plain := texts{"name": &s.Name, "project": &s.Project, "owner": &s.Owner}
	s.Fields, err = c.named("FeatureService", "feature service", raw, project, &s.Name, &s.Project, func(f *field, v value) (bool, error) {
		switch f.name {
		case "tags":
			return true, c.tag(&s.Tags, f, v)
		case "features":
			p, err := c.projection(f, v)
			s.Views = append(s.Views, p)
			return true, err
		}
		return c.take(plain, f, v), nil
	})
	if err != nil {
		return err
	}
	c.services = append(c.services, s)
	return nil
}

// projection reads what a service takes from a view. Its timestamp_field is not read: Feast writes the created column there.
func (c *content) projection(f *field, val value) (registry.ServiceView, error) {
	mark := len(c.unknown)
	var p registry.ServiceView
	var columns registry.Features
	plain := texts{"feature_view_name": &p.View, "feature_view_name_alias": &p.Alias}
	err := c.walk(f.msg, val.raw, 3, func(f *field, v value) (bool, error) {
		switch f.name {
		case "join_key_map":
			return true, c.tag(&p.JoinKeys, f, v)
		case "feature_columns":
			return true, c.feature(&columns, f, v)
		}
		return c.take(plain, f, v), nil
	})
	if err != nil {
		return p, fmt.Errorf("%s: %w", f.name, err)
	}
	c.underOne(mark, f.name, p.View)
	for _, x := range columns {
		p.Features = append(p.Features, x.Name)
	}
	return p, nil
}
