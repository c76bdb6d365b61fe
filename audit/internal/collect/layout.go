package collect

import (
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// roles are the definitions of one view that a scan works by.
type roles struct {
	view    model.View
	wants   facts.Wants
	schemas []facts.Schema
	// keyForms and entityForms are the canonical forms over all schemas, by position.
	keyForms    []engine.Form
	entityForms []engine.Form
	writerForms []engine.Form
	zones       zoneTables
	units       map[unitKey]string
	// beyond are the schemas of files whose times in milliseconds the engine cannot hold.
	beyond map[int32]bool
	// rawNested says that times inside nested columns lie beyond what the engine can write.
	rawNested bool
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
	// keyTimes are the key's times, mixed into the hash as instants or as they are written; keyTexts are the vectors of what
	// the engine has no type for.
	keyTimes []keyTime
	keyTexts []int
	keyNulls int

	entityInt int
	// entityText are the vectors of the entity's parts; a negative one, less 1 and negated, is the index of a time.
	entityText []int
	// writerInt and writerText are who stamped a row; entityWrites says that it is the entity, told by a hash.
	writerInt    int
	writerText   []int
	entityWrites bool
	// identityTimes are the times among the parts of the entity and the writer.
	identityTimes []keyTime

	// raws are columns that are read from the bytes of the file: the engine gives NULL in their place.
	raws []rawColumn
	// beyond says that times in milliseconds lie beyond the engine's, and are raw; rawNested that all nested columns are.
	beyond, rawNested bool

	// own are the file's own copies of its partition columns. filedByEvent says that one of them is the event time itself.
	own          []ownColumn
	filedByEvent bool
}

type keyTime struct {
	column model.TimeColumn
	// written says that the column is no time column of the view: no zone is applied.
	written bool
}

// rawColumn is read from the bytes of a file, as numbers or as texts.
type rawColumn struct {
	vector  int
	column  facts.Column
	numbers bool
}

// ownColumn is a file's own copy of a hive key, compared by its meaning: a typed time as a time, all else as text.
type ownColumn struct {
	// name is the hive key's.
	name         string
	vector       int
	timed, aware bool
}

// absent is the index of a vector that is not selected.
const absent = -1

func newLayout(r *roles, schema *facts.Schema) *layout {
	l := &layout{schema: schema, beyond: r.beyond[schema.ID], rawNested: r.rawNested, source: absent, keyHash: absent, keyNulls: absent,
		entityInt: absent, writerInt: absent, times: map[model.TimeColumn]int{}}
	l.addSource(r)
	if r.wants.Has(facts.WantTimes | facts.WantEvents | facts.WantEntities | facts.WantKeys) {
		for _, column := range timeColumns(r.view) {
			l.addTime(r, column)
		}
	}
	l.addKey(r)
	if r.wants.Has(facts.WantEntities) {
		l.entityInt, l.entityText = l.addIdentity(r, r.view.Entity, r.entityForms)
	}
	if r.wants.Has(facts.WantWriters) {
		l.writerInt, l.writerText = l.addIdentity(r, writerColumns(r.view), r.writerForms)
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
	l.source = l.addText(*column, sourceForm(*column))
}

// sourceForm compares sources as text, whatever their type; bytes are taken as UTF-8.
func sourceForm(c facts.Column) engine.Form {
	form := engine.FormOf(c)
	if form.Kind == engine.FormBytes {
		return engine.Form{Kind: engine.FormText, Opaque: true}
	}
	// a time is one to the nanosecond, which the engine may cut off
	form.Exact = form.Exact || isTime(form)
	return form
}

// addText selects a column as text that is equal exactly where the values are.
func (l *layout) addText(column facts.Column, form engine.Form) int {
	if form.Exact || l.beyond && isTime(engine.FormOf(column)) || l.rawNested && column.Nested {
		return l.addRaw(column, false)
	}
	return l.add(engine.Select{Kind: engine.SelectText, Parts: []engine.Part{{Column: column, Form: form}}})
}

// addRaw keeps a place for a column that is read from the bytes of the file.
func (l *layout) addRaw(column facts.Column, numbers bool) int {
	for _, raw := range l.raws {
		if raw.column.Path == column.Path && raw.column.Name == column.Name && raw.numbers == numbers {
			return raw.vector
		}
	}
	place := engine.Part{Column: facts.Column{Name: column.Name, Path: column.Path}, Missing: true}
	l.selects = append(l.selects, engine.Select{Kind: engine.SelectText, Parts: []engine.Part{place}})
	l.raws = append(l.raws, rawColumn{vector: len(l.selects) - 1, column: column, numbers: numbers})
	return len(l.selects) - 1
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
	if found.Given {
		l.times[column] = l.addRaw(*found, found.Logical == "timestamp")
		return
	}
	if l.beyond && found.Logical == "timestamp" && found.Unit == "ms" {
		l.times[column] = l.addRaw(*found, true)
		return
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
	if !r.wants.Has(facts.WantKeys | facts.WantNulls) {
		return
	}
	all, ok := parts(l.schema, r.view.Key, r.keyForms)
	if !ok || len(all) == 0 {
		return
	}
	var plain []engine.Part
	for i, part := range all {
		switch {
		case isTime(part.Form):
			l.keyTimes = append(l.keyTimes, l.addKeyTime(r, r.view.Key[i]))
		case part.Form.Exact:
			l.keyTexts = append(l.keyTexts, l.addText(part.Column, part.Form))
		default:
			plain = append(plain, part)
		}
	}
	switch {
	case len(plain) == 0:
	case r.wants.Has(facts.WantKeys):
		l.keyHash = l.add(engine.Select{Kind: engine.SelectHash, Parts: plain})
	default:
		l.keyNulls = l.add(engine.Select{Kind: engine.SelectNulls, Parts: plain})
	}
}

// isTime says whether values of a form are read as times.
func isTime(f engine.Form) bool { return f.Kind == engine.FormInstant || f.Kind == engine.FormWritten }

// addKeyTime selects a time that is part of a key or an entity.
func (l *layout) addKeyTime(r *roles, name string) keyTime {
	column, declared := timeColumnNamed(r.view, name)
	l.addTime(r, column)
	return keyTime{column: column, written: !declared}
}

// timeColumnNamed is how a key's time column is read: as the view's event or ingest time where it is one of them.
func timeColumnNamed(v model.View, name string) (column model.TimeColumn, declared bool) {
	for _, c := range timeColumns(v) {
		if c.Column == name {
			return c, true
		}
	}
	return model.TimeColumn{Column: name}, false
}

// writerColumns say who stamped a row: those declared, else the entity's.
func writerColumns(v model.View) []string {
	if len(v.Writer) > 0 {
		return v.Writer
	}
	return v.Entity
}

// addIdentity selects the columns of an entity or a writer: one integer, or texts that are hashed.
func (l *layout) addIdentity(r *roles, names []string, forms []engine.Form) (integer int, texts []int) {
	all, ok := parts(l.schema, names, forms)
	if !ok || len(all) == 0 {
		return absent, nil
	}
	if len(all) == 1 && all[0].Form.Kind == engine.FormInteger {
		return l.add(engine.Select{Kind: engine.SelectInteger, Parts: all}), nil
	}
	for i, part := range all {
		if isTime(part.Form) && !part.Form.Exact {
			l.identityTimes = append(l.identityTimes, l.addKeyTime(r, names[i]))
			texts = append(texts, -len(l.identityTimes))
			continue
		}
		texts = append(texts, l.addText(part.Column, part.Form))
	}
	return absent, texts
}

func (l *layout) addOwn(r *roles) {
	if !r.wants.Has(facts.WantTimes) || !r.view.TimePartition.Declared() {
		return
	}
	for _, name := range r.view.TimePartition.Columns {
		column := l.schema.LookupFold(name)
		l.filedByEvent = l.filedByEvent || column != nil && column.Name == r.view.EventTime.Column
		if column == nil || column.Nested || column.Given || column.Absent || judgesFiling(r.view, column.Name) {
			continue
		}
		own := ownColumn{name: name}
		switch l.schema.Encoding(*column) {
		case facts.EncodingAware, facts.EncodingInt96Aware:
			own.timed, own.aware = true, true
		case facts.EncodingNaive, facts.EncodingInt96Naive, facts.EncodingDate:
			own.timed = true
		default:
		}
		if own.timed {
			own.vector = l.add(engine.Select{Kind: engine.SelectTime, Parts: []engine.Part{{Column: *column}}})
		} else {
			form := sourceForm(*column)
			form.Exact = column.Raw
			own.vector = l.addText(*column, form)
		}
		l.own = append(l.own, own)
	}
}

// judgesFiling says that a column is the time by which rows are filed: it is judged as that time, and is no copy of the path.
func judgesFiling(v model.View, name string) bool {
	for _, c := range timeColumns(v) {
		isIngest := c.Column == v.IngestedAt.Column || slices.ContainsFunc(v.Sources, func(s model.SourcePolicy) bool { return s.IngestedAt.Column == c.Column })
		if c.Column == name && (!isIngest || v.TimePartition.Of == model.OfIngestedAt) {
			return true
		}
	}
	return false
}

// unifyForms finds the one canonical form of each named column of a view over all schemas that have files with rows: its time
// columns are compared as instants, whatever they are written as. The error names two files whose types have no common form.
func unifyForms(v model.View, names []string, schemas []facts.Schema, example func(schema int32) string) ([]engine.Form, error) {
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
			if _, timed := timeColumnNamed(v, name); timed {
				form = engine.Form{Kind: engine.FormInstant}
			}
			if first < 0 {
				first, forms[i] = schema.ID, form
				continue
			}
			unified, ok := engine.Unify(forms[i], form)
			if !ok {
				return nil, noCommonForm(name, schemas[first], *column, example(first), file)
			}
			forms[i] = unified
		}
	}
	return forms, nil
}

// noCommonForm names two files that write a column in types whose values cannot be compared.
func noCommonForm(name string, schema facts.Schema, other facts.Column, file, otherFile string) error {
	words := func(c facts.Column) string { return fmt.Sprintf("%s (%s)", c.TypeText, engine.FormOf(c)) }
	return fmt.Errorf("column %q is %s in %s and %s in %s: these types have no common form to compare by; rewrite one of the files",
		name, words(*schema.Lookup(name)), file, words(other), otherFile)
}
