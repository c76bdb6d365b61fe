package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/registry"
)

// partObjects are what a part of a definition is judged as.
var partObjects = map[string]Object{
	registry.PartPhysicalType: PhysicalType, registry.PartTransformation: Transformation, registry.PartAggregation: Aggregation, registry.PartInputs: Inputs,
	registry.PartLogging: ServiceLogging, registry.PartPrecompute: ServicePrecompute,
}

// fieldChange is one field that differs; nil is nothing.
type fieldChange struct {
	path     string
	old, new any
}

func (f fieldChange) action() Action { return action(f.old != nil, f.new != nil) }

// classType ends the class of what is known by its table already: registry-dump leaves it out.
const classType = ".infra_object_class_type"

// fieldChanges lists the fields that differ, by part; what stands in order on both sides is compared by its path.
func fieldChanges(a, b []registry.Field) map[string][]fieldChange {
	if slices.Equal(a, b) {
		return nil
	}
	before, after := byPath(a), byPath(b)
	out := map[string][]fieldChange{}
	for _, path := range union(before, after) {
		x, had := before[path]
		y, has := after[path]
		if had == has && x.Value() == y.Value() || had != has && strings.HasSuffix(path, classType) {
			continue
		}
		change := fieldChange{path: path}
		part := y.Part
		if had {
			change.old, part = x.Value(), x.Part
		}
		if has {
			change.new = y.Value()
		}
		out[part] = append(out[part], change)
	}
	return out
}

func byPath(fields []registry.Field) map[string]registry.Field {
	m := make(map[string]registry.Field, len(fields))
	for _, f := range fields {
		m[f.Path] = f
	}
	return m
}

// parted is one change of all the fields of a part: what differs, by path.
func parted(o Object, changes []fieldChange) Change {
	older, newer := map[string]string{}, map[string]string{}
	for _, c := range changes {
		path := strings.TrimPrefix(c.path, "spec.")
		if c.old != nil {
			older[path] = fmt.Sprint(c.old)
		}
		if c.new != nil {
			newer[path] = fmt.Sprint(c.new)
		}
	}
	return Change{Object: o, Action: action(len(older) > 0, len(newer) > 0), Old: orNone(older), New: orNone(newer)}
}

func orNone(m map[string]string) any {
	if len(m) == 0 {
		return nil
	}
	return m
}

// fields compares what has no place of its own in a view.
func (p pairing) fields() {
	if !p.complete {
		return
	}
	changes := fieldChanges(p.a.Fields, p.b.Fields)
	for _, part := range []string{registry.PartPhysicalType, registry.PartTransformation, registry.PartAggregation, registry.PartInputs} {
		list := slices.DeleteFunc(changes[part], p.modeFilled)
		if len(list) > 0 && !p.rewritten(list) {
			p.note(parted(partObjects[part], list))
		}
	}
	for _, c := range changes[""] {
		if strings.HasSuffix(c.path, "source.data_source_class_type") && p.retyped() {
			continue // the finding of its type says so
		}
		if p.oneSided(c.path) {
			continue
		}
		if c.path == "meta.state" && len(p.a.Materialized) != len(p.b.Materialized) || p.copied(c) {
			continue
		}
		p.note(Change{Object: NotJudged, Action: c.action(), Name: c.path, Old: c.old, New: c.new})
	}
}

// oneSided says whether a field belongs to a feature, a key column or a source that is on one side only: that it came or
// went is a finding of its own.
func (p pairing) oneSided(path string) bool {
	for _, list := range []struct {
		prefix string
		a, b   registry.Features
	}{{"spec.features[", p.a.Features, p.b.Features}, {"spec.entity_columns[", p.a.EntityColumns, p.b.EntityColumns}} {
		if rest, ok := strings.CutPrefix(path, list.prefix); ok {
			return !(hasElement(list.a, rest) && hasElement(list.b, rest))
		}
	}
	if strings.HasPrefix(path, "spec.sources[") || strings.HasPrefix(path, "spec.source_views[") {
		return !holdsElements(p.a.Fields, path) || !holdsElements(p.b.Fields, path)
	}
	for prefix, pair := range map[string][2]*registry.DataSource{
		"spec.batch_source.": {p.a.BatchSource, p.b.BatchSource}, "spec.stream_source.": {p.a.StreamSource, p.b.StreamSource},
		"spec.source.": {labelSource(p.a), labelSource(p.b)},
	} {
		rest, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		if pair[0] == nil || pair[1] == nil {
			return pair[0] != pair[1]
		}
		if element, _, ok := strings.Cut(rest, "]."); ok && strings.HasPrefix(rest, "request_data_options.schema[") {
			return pair[0].Details[element+"].name"] != pair[1].Details[element+"].name"]
		}
	}
	return false
}

// holdsElements says whether each element that a path leads through has some field here.
func holdsElements(fields []registry.Field, path string) bool {
	for i := range path {
		if !strings.HasPrefix(path[i:], "].") {
			continue
		}
		if !slices.ContainsFunc(fields, func(f registry.Field) bool { return strings.HasPrefix(f.Path, path[:i+2]) }) {
			return false
		}
	}
	return true
}

// hasElement says whether a path that goes on after the opening bracket names one of these.
func hasElement(list registry.Features, rest string) bool {
	return slices.ContainsFunc(list, func(f registry.Feature) bool { return strings.HasPrefix(rest, f.Name+"]") })
}

// retyped says whether a source of the view is of another type.
func (p pairing) retyped() bool {
	other := func(a, b *registry.DataSource) bool { return a != nil && b != nil && a.Type != b.Type }
	return other(p.a.BatchSource, p.b.BatchSource) || other(p.a.StreamSource, p.b.StreamSource)
}

// modeFilled says whether a newer release wrote beside a function the mode that its view has anyway.
func (p pairing) modeFilled(c fieldChange) bool {
	if c.path != "spec.feature_transformation.user_defined_function.mode" || c.old != nil && c.new != nil {
		return false
	}
	fields, mode := p.b.Fields, c.new
	if c.new == nil {
		fields, mode = p.a.Fields, c.old
	}
	return byPath(fields)["spec.mode"].Text == mode
}

// rewritten says whether a transformation differs only in how the releases on the two sides keep it: one by the pickle
// alone, the other by its source text too.
func (p pairing) rewritten(list []fieldChange) bool {
	for _, c := range list {
		at := c.path[:strings.LastIndexByte(c.path, '.')+1]
		a, b := byPath(p.a.Fields), byPath(p.b.Fields)
		_, bodyA := a[at+"body"]
		_, bodyB := b[at+"body"]
		_, textA := a[at+"body_text"]
		_, textB := b[at+"body_text"]
		if !(bodyA && textB && !bodyB || bodyB && textA && !bodyA) || c.old != nil && c.new != nil {
			return false
		}
	}
	return true
}

// copied says whether a field of a view's copy of a source is, on both sides, what the registered source says: its
// change is the registered source's then.
func (p pairing) copied(c fieldChange) bool {
	for _, own := range []struct {
		prefix string
		a, b   *registry.DataSource
	}{
		{"spec.batch_source.", p.a.BatchSource, p.b.BatchSource}, {"spec.stream_source.", p.a.StreamSource, p.b.StreamSource},
		{"spec.source.batch_source.", p.a.BatchSource, p.b.BatchSource},
		{"spec.source.", labelSource(p.a), labelSource(p.b)},
	} {
		if path, ok := strings.CutPrefix(c.path, own.prefix); ok {
			return p.older.agrees(p.a.Project, own.a, path, c.old) && p.newer.agrees(p.b.Project, own.b, path, c.new)
		}
	}
	return false
}

func labelSource(v *registry.View) *registry.DataSource {
	if v.StreamSource != nil {
		return v.StreamSource
	}
	return v.BatchSource
}

// registered finds the registered sources of one side.
type registered map[identity]registry.DataSource

func registeredOf(d registry.Definitions) registered {
	r := registered{}
	for _, s := range d.DataSources {
		r[identity{s.Project, s.Name}] = s
	}
	return r
}

func (r registered) find(project, name string) (registry.DataSource, bool) {
	s, ok := r[identity{project, name}]
	if !ok {
		s, ok = r[identity{"", name}]
	}
	return s, ok
}

// agrees says whether the registered source of that name has this value at this path.
func (r registered) agrees(project string, own *registry.DataSource, path string, value any) bool {
	if own == nil {
		return value == nil
	}
	s, ok := r.find(project, own.Name)
	if !ok {
		return false
	}
	for _, f := range s.Fields {
		if f.Path == path {
			return value == f.Value()
		}
	}
	return value == nil
}

// objectFields compares what has no place of its own in an object that is on both sides.
func (c *computer) objectFields(what, project, name string, a, b []registry.Field) {
	if !c.complete {
		return
	}
	for _, f := range fieldChanges(a, b)[""] {
		c.notJudged(f.action(), project, strings.TrimRight(f.path+" in "+what+" "+name, " "), f.old, f.new)
	}
}

func (c *computer) notJudged(a Action, project, name string, old, new any) {
	c.changes = append(c.changes, Change{Object: NotJudged, Action: a, Project: project, Name: name, Old: old, New: new})
}

// infrastructure is what apply made in the online store. Which tables there are follows from the views.
const infrastructure = "infrastructure"

// objects compares what no rule judges. A kind that one side's format or release cannot hold is not compared.
func (c *computer) objects(older, newer registry.Definitions) {
	if !c.complete {
		return
	}
	index := func(list []registry.Object) map[string]registry.Object {
		m := map[string]registry.Object{}
		for _, o := range list {
			key := o.What + "\x00" + c.identity(o.Project, o.Name)
			o.Fields = append(m[key].Fields, o.Fields...)
			m[key] = o
		}
		return m
	}
	before, after := index(older.Objects), index(newer.Objects)
	for _, key := range union(before, after) {
		a, had := before[key]
		b, has := after[key]
		o := a
		if has {
			o = b
		}
		switch {
		case had && has && o.What == infrastructure:
			c.infrastructure(a, b)
		case had && has:
			if a.Project != b.Project && a.Project != "" && b.Project != "" {
				c.notJudged(Changed, b.Project, "project in "+o.What+" "+o.Name, a.Project, b.Project)
			}
			c.objectFields(o.What, o.Project, o.Name, a.Fields, b.Fields)
		case o.What == infrastructure || slices.Contains(older.Unsaid, o.What) || slices.Contains(newer.Unsaid, o.What):
		default:
			c.notJudged(action(had, has), o.Project, o.What+" "+o.Name, fieldsInWords(a, had), fieldsInWords(b, has))
			// releases before 0.41 keep no projects of their own
			c.changes[len(c.changes)-1].ByUpgrade = o.What == "project" && has && !slices.ContainsFunc(older.Objects, isProject)
		}
	}
}

func fieldsInWords(o registry.Object, there bool) any {
	if !there {
		return nil
	}
	words := make([]string, len(o.Fields))
	for i, f := range o.Fields {
		words[i] = f.Path + " " + f.Value()
	}
	return o.Name + ": " + strings.Join(words, "; ")
}

func isProject(o registry.Object) bool { return o.What == "project" }

// infrastructure compares the settings of the tables that both sides have.
func (c *computer) infrastructure(a, b registry.Object) {
	element := func(path string) string { return path[:strings.IndexByte(path+"]", ']')] }
	there := func(fields []registry.Field) map[string]bool {
		m := map[string]bool{}
		for _, f := range fields {
			m[element(f.Path)] = true
		}
		return m
	}
	before, after := there(a.Fields), there(b.Fields)
	for _, f := range fieldChanges(a.Fields, b.Fields)[""] {
		if before[element(f.path)] && after[element(f.path)] {
			c.notJudged(f.action(), b.Project, f.path+" in the "+infrastructure, f.old, f.new)
		}
	}
}

// behind says whether the source behind a push or stream source has, where it is registered itself, this value at this
// path: its change is that source's then.
func (r registered) behind(s registry.DataSource, path string, value any) bool {
	if s.BatchSource == nil {
		return value == nil
	}
	inner, ok := r.find(s.Project, s.BatchSource.Name)
	if !ok {
		return false
	}
	own, _, _ := strings.Cut(path, "[")
	if own == "description" || own == "tags" || own == "owner" || own == "data_source_class_type" {
		return r.agrees(s.Project, &inner, path, value)
	}
	return sameRows(*s.BatchSource, inner)
}

// sameRows says whether two sources are read in the same way.
func sameRows(a, b registry.DataSource) bool {
	return a.Type == b.Type && a.Path == b.Path && a.Table == b.Table && a.TimestampField == b.TimestampField && a.CreatedColumn == b.CreatedColumn &&
		a.DatePartitionColumn == b.DatePartitionColumn && maps.Equal(a.FieldMapping, b.FieldMapping) && maps.Equal(a.Details, b.Details)
}
