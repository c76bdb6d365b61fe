package collect

import (
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// Needs is what the selected checks want of the rows. What nobody needs is not read.
type Needs struct {
	// Times: event and ingest times of every row.
	Times bool
	// Events: the histogram of event times.
	Events bool
	// Keys: repeated keys. Nulls: rows without a whole key.
	Keys, Nulls bool
	// Entities: the newest event of each entity.
	Entities bool
	// Writers: a sample of rows by who stamped them.
	Writers bool
}

// Any says whether rows must be read at all.
func (n Needs) Any() bool { return n.Times || n.Events || n.Keys || n.Nulls || n.Entities || n.Writers }

// roles are the definitions of one view that a scan works by.
type roles struct {
	view    model.View
	needs   Needs
	schemas []facts.Schema
	// keyForms and entityForms are the canonical forms over all schemas, by position.
	keyForms    []engine.Form
	entityForms []engine.Form
	writerForms []engine.Form
	zones       zoneTables
	units       map[unitKey]string
}

// unitKey names an epoch column of a schema.
type unitKey struct {
	schema int32
	column string
}

// layout says what to select from the files of one schema, and where each role stands in a block.
type layout struct {
	schema  *facts.Schema
	selects []engine.Select

	source int
	// event and ingested are the vectors of each distinct time column that some source uses, by definition.
	times map[model.TimeColumn]int

	keyHash int
	// keyTimes are the key's time columns, mixed into the hash as instants; -1 stands for the row's own event time.
	keyTimes []keyTime
	keyNulls int

	entityInt  int
	entityText []int
	// writerInt and writerText are who stamped a row; entityWrites says that it is the entity, told by a hash.
	writerInt    int
	writerText   []int
	entityWrites bool

	// own are the file's own copies of its partition columns.
	own []ownColumn
}

type keyTime struct {
	column model.TimeColumn
	vector int
}

type ownColumn struct {
	name   string
	vector int
}

// absent is the index of a vector that is not selected.
const absent = -1

func newLayout(r *roles, schema *facts.Schema) *layout {
	l := &layout{schema: schema, source: absent, keyHash: absent, keyNulls: absent, entityInt: absent, writerInt: absent, times: map[model.TimeColumn]int{}}
	l.addSource(r)
	if r.needs.Times || r.needs.Events || r.needs.Entities || r.needs.Keys {
		for _, column := range timeColumns(r.view) {
			l.addTime(r, column)
		}
	}
	l.addKey(r)
	if r.needs.Entities {
		l.entityInt, l.entityText = l.addIdentity(r.view.Entity, r.entityForms)
	}
	if r.needs.Writers {
		l.writerInt, l.writerText = l.addIdentity(writerColumns(r.view), r.writerForms)
	}
	l.entityWrites = len(l.entityText) > 0 && slices.Equal(l.entityText, l.writerText)
	l.addOwn(r)
	return l
}

// timeColumns are the distinct event and ingest columns of a view and its sources.
func timeColumns(v model.View) []model.TimeColumn {
	columns := []model.TimeColumn{v.EventTime, v.IngestedAt}
	for _, s := range v.Sources {
		columns = append(columns, s.EventTime, s.IngestedAt)
	}
	distinct := columns[:0]
	for _, c := range columns {
		if c.Declared() && !slices.Contains(distinct, c) {
			distinct = append(distinct, c)
		}
	}
	return distinct
}

func (l *layout) add(s engine.Select) int {
	for i, have := range l.selects {
		if have.Kind == s.Kind && have.Unit == s.Unit && len(have.Parts) == 1 && len(s.Parts) == 1 &&
			have.Parts[0].Column.Path == s.Parts[0].Column.Path && have.Parts[0].Form == s.Parts[0].Form {
			return i
		}
	}
	l.selects = append(l.selects, s)
	return len(l.selects) - 1
}

func (l *layout) addSource(r *roles) {
	if r.view.Source.Column == "" {
		return
	}
	column := l.schema.Lookup(r.view.Source.Column)
	if column == nil {
		return
	}
	l.source = l.add(engine.Select{Kind: engine.SelectText, Parts: []engine.Part{{Column: *column, Form: sourceForm(*column)}}})
}

// sourceForm compares sources as text, whatever their type; bytes are taken as UTF-8.
func sourceForm(c facts.Column) engine.Form {
	form := engine.FormOf(c)
	if form.Kind == engine.FormBytes {
		return engine.Form{Kind: engine.FormText}
	}
	return form
}

func (l *layout) addTime(r *roles, column model.TimeColumn) {
	found := l.schema.Lookup(column.Column)
	if found == nil || l.schema.Encoding(*found) == facts.EncodingNone {
		return
	}
	unit := column.Unit
	if unit == "" {
		unit = r.units[unitKey{l.schema.ID, column.Column}]
	}
	l.times[column] = l.add(engine.Select{Kind: engine.SelectTime, Unit: unit, Parts: []engine.Part{{Column: *found}}})
}

// parts gives the columns in their canonical forms; ok is false if one is missing from the schema.
func parts(schema *facts.Schema, names []string, forms []engine.Form) ([]engine.Part, bool) {
	list := make([]engine.Part, len(names))
	for i, name := range names {
		column := schema.Lookup(name)
		if column == nil {
			return nil, false
		}
		list[i] = engine.Part{Column: *column, Form: forms[i]}
	}
	return list, true
}

func (l *layout) addKey(r *roles) {
	if !r.needs.Keys && !r.needs.Nulls {
		return
	}
	all, ok := parts(l.schema, r.view.Key, r.keyForms)
	if !ok || len(all) == 0 {
		return
	}
	if !r.needs.Keys {
		l.keyNulls = l.add(engine.Select{Kind: engine.SelectNulls, Parts: all})
		return
	}
	var plain []engine.Part
	for i, part := range all {
		if part.Form.Kind != engine.FormInstant {
			plain = append(plain, part)
			continue
		}
		column := timeColumnNamed(r.view, r.view.Key[i])
		l.addTime(r, column)
		l.keyTimes = append(l.keyTimes, keyTime{column: column, vector: l.times[column]})
	}
	if len(plain) > 0 {
		l.keyHash = l.add(engine.Select{Kind: engine.SelectHash, Parts: plain})
	}
}

// timeColumnNamed is how a key's time column is read: as the view's event or ingest time where it is one of them.
func timeColumnNamed(v model.View, name string) model.TimeColumn {
	for _, c := range timeColumns(v) {
		if c.Column == name {
			return c
		}
	}
	return model.TimeColumn{Column: name}
}

// writerColumns say who stamped a row: those declared, else the entity's.
func writerColumns(v model.View) []string {
	if len(v.Writer) > 0 {
		return v.Writer
	}
	return v.Entity
}

// addIdentity selects the columns of an entity or a writer: one integer, or texts that are hashed.
func (l *layout) addIdentity(names []string, forms []engine.Form) (integer int, texts []int) {
	all, ok := parts(l.schema, names, forms)
	if !ok || len(all) == 0 {
		return absent, nil
	}
	if len(all) == 1 && all[0].Form.Kind == engine.FormInteger {
		return l.add(engine.Select{Kind: engine.SelectInteger, Parts: all}), nil
	}
	for _, part := range all {
		texts = append(texts, l.add(engine.Select{Kind: engine.SelectText, Parts: []engine.Part{part}}))
	}
	return absent, texts
}

func (l *layout) addOwn(r *roles) {
	if !r.needs.Times || !r.view.TimePartition.Declared() {
		return
	}
	for _, name := range r.view.TimePartition.Columns {
		column := l.schema.Lookup(name)
		if column == nil || column.Nested {
			continue
		}
		vector := l.add(engine.Select{Kind: engine.SelectText, Parts: []engine.Part{{Column: *column, Form: sourceForm(*column)}}})
		l.own = append(l.own, ownColumn{name: name, vector: vector})
	}
}

// unifyForms finds the one canonical form of each named column over all schemas that have files with rows. The error
// names two files whose types have no common form.
func unifyForms(names []string, schemas []facts.Schema, example func(schema int32) string) ([]engine.Form, error) {
	forms := make([]engine.Form, len(names))
	for i, name := range names {
		first := int32(-1)
		for _, schema := range schemas {
			column := schema.Lookup(name)
			file := example(schema.ID)
			if column == nil || file == "" {
				continue
			}
			form := engine.FormOf(*column)
			if form.Kind == engine.FormNested {
				return nil, fmt.Errorf("column %q is a %s in %s: a key or entity must be a plain column or a field of a struct", name, column.TypeText, file)
			}
			if first < 0 {
				first, forms[i] = schema.ID, form
				continue
			}
			unified, ok := engine.Unify(forms[i], form)
			if !ok {
				return nil, fmt.Errorf("column %q is %s in %s and %s in %s: these types have no common form to compare by; rewrite one of the files",
					name, forms[i], example(first), form, file)
			}
			forms[i] = unified
		}
	}
	return forms, nil
}
