package collect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// rawVectors hold what the bytes of a file say of the columns that the engine has no type for.
type rawVectors struct {
	columns []rawColumn
	values  []facts.Values
	// next is the index in values of the next row.
	next int
}

// begin reads the raw columns of a run of a file's rows.
func (r *rawVectors) begin(ctx context.Context, c *collector, file *facts.File, first, count int64) error {
	r.columns, r.values, r.next = c.layouts[file.Schema].raws, r.values[:0], 0
	if len(r.columns) == 0 {
		return nil
	}
	rows := make([]int64, count)
	for i := range rows {
		rows[i] = first + int64(i)
	}
	var err error
	r.values, err = readRaw(ctx, c, *file, r.columns, rows)
	return err
}

func readRaw(ctx context.Context, c *collector, file facts.File, columns []rawColumn, rows []int64) ([]facts.Values, error) {
	values := make([]facts.Values, len(columns))
	for i, raw := range columns {
		var err error
		if values[i], err = c.request.Values(ctx, file, raw.column, rows, raw.numbers); err != nil {
			return nil, rawError{raw.column.Path, err}
		}
	}
	return values, nil
}

// place puts the raw values of the next rows into a block, whose rows from..to-1 they are.
func (r *rawVectors) place(b *engine.Block, from, to int) {
	for i, raw := range r.columns {
		values := r.values[i]
		v := engine.Vector{Mask: make([]uint64, (b.Rows+63)/64)}
		if (raw.column.Given || raw.column.Absent) && !values.Null[r.next] {
			v.Mask = nil // all rows have it
		}
		for row := from; row < to; row++ {
			if v.Mask != nil && !values.Null[r.next+row-from] {
				v.Mask[row>>6] |= 1 << (uint(row) & 63)
			}
		}
		if raw.numbers {
			v.Ints, v.PerMicro = make([]int64, b.Rows), raw.perMicro()
			copy(v.Ints[from:to], values.Ints[r.next:])
		} else {
			v.Texts = rawTexts{values.Texts, r.next - from}
		}
		b.Vectors[raw.vector] = v
	}
	r.next += to - from
}

// rawPerMicro is the scale of raw numbers of files, which are milliseconds.
const rawPerMicro = -1_000

// perMicro is the scale of the column's numbers: what a plan or a table gives is in microseconds.
func (r rawColumn) perMicro() int64 {
	if r.column.Given || r.column.Absent {
		return 1
	}
	return rawPerMicro
}

// rawValue is one raw value, as the engine would give it.
func rawValue(raw rawColumn, values facts.Values, at int) engine.Value {
	switch {
	case values.Null[at]:
		return engine.Value{Null: true}
	case raw.numbers:
		return engine.Value{Int: values.Ints[at], PerMicro: raw.perMicro()}
	}
	return engine.Value{IsText: true, Text: values.Texts[at]}
}

// rawTexts are the texts of rows, of which row stands at row + shift.
type rawTexts struct {
	texts []string
	shift int
}

// At implements engine.Texts.
func (t rawTexts) At(row int) []byte { return []byte(t.texts[row+t.shift]) }

// Equal implements engine.Texts.
func (t rawTexts) Equal(int, int) bool { return false }

// Codes implements engine.Texts.
func (t rawTexts) Codes(from, to int, mask []uint64, known *engine.TextCodes, out []uint8) error {
	for row := from; row < to; row++ {
		if mask != nil && mask[row>>6]>>(uint(row)&63)&1 == 0 {
			continue
		}
		var err error
		if out[row], err = known.Code(t.At(row)); err != nil {
			return err
		}
	}
	return nil
}

// rawError is a column that could not be read from the bytes of a file.
type rawError struct {
	column string
	error
}

func (e rawError) Unwrap() error { return e.error }

// learn says whether a failed query tells how to read its files in another way: values are sound that the engine cannot
// hold, or that have no common form with those of other files.
func (c *collector) learn(ctx context.Context, j job, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	wiser := c.otherwise(ctx, j, err)
	c.learnt.wiser = c.learnt.wiser || wiser
	return wiser
}

func (c *collector) otherwise(ctx context.Context, j job, err error) bool {
	var raw rawError
	if errors.As(err, &raw) {
		changed := slices.ContainsFunc(j.files, func(id int32) bool { return c.request.Changed(ctx, c.survey.Files[id]) != nil })
		return !changed && !errors.As(err, new(*fs.PathError)) && c.refuseRaw(raw)
	}
	text := err.Error()
	if !strings.Contains(text, "Conversion Error") {
		return false
	}
	if far := strings.Contains(text, "Timestamp(MS)"); far || strings.Contains(text, "out of range in timestamp") {
		news := far && !c.learnt.beyond[j.schema] || !c.learnt.rawNested
		c.learnt.beyond[j.schema] = c.learnt.beyond[j.schema] || far
		c.learnt.rawNested = true
		return news
	}
	return len(j.files) == 1 && c.refuseForm(c.survey.Files[j.files[0]], text) // else which file it was is found out singly
}

// refuseRaw leaves out the roles of a column that cannot be read exactly, and says why; false where it is none of a key's,
// an entity's or what their rows are compared by.
func (c *collector) refuseRaw(raw rawError) bool {
	v := c.roles.view
	if v.Source.Column == raw.column || slices.Contains(v.TimePartition.Columns, raw.column) ||
		slices.ContainsFunc(timeColumns(v), func(t model.TimeColumn) bool { return t.Column == raw.column }) {
		return false
	}
	reason := fmt.Sprintf("%v: its values could not be read exactly; write the column again, in the encoding PLAIN and with the compression snappy, zstd or gzip, "+
		"or leave it out of the definition (payload: names the columns that repeats are compared by)", raw)
	news, held := false, false
	for _, role := range []struct {
		name    string
		columns []string
	}{{"key", v.Key}, {"entity", v.Entity}, {"measures", v.Measures}} {
		if slices.Contains(role.columns, raw.column) {
			held, news = true, news || c.learnt.refused[role.name] == ""
			c.learnt.refused[role.name] = reason
		}
	}
	if !held {
		news = c.learnt.refused["key"] == ""
		c.learnt.refused["key"] = reason // rows are compared by it, and cannot be told apart
	}
	return news
}

// refuseForm leaves out the first role some of whose values in a file have no common form with those of others.
func (c *collector) refuseForm(file facts.File, text string) bool {
	for _, role := range []struct {
		name    string
		columns []string
		forms   []engine.Form
	}{{"key", c.roles.view.Key, c.roles.keyForms}, {"entity", c.roles.view.Entity, c.roles.entityForms}} {
		for i, column := range role.columns {
			if c.learnt.refused[role.name] != "" || i >= len(role.forms) || !strings.Contains(text, column) && strings.Contains(text, "source column") {
				continue
			}
			if reason := c.valuesWithoutForm(column, role.forms[i], file); reason != "" {
				c.learnt.refused[role.name] = reason
				return true
			}
		}
	}
	return false
}

// valuesWithoutForm says which value a file has of a column that no other file's type can hold; "" where all have a form.
func (c *collector) valuesWithoutForm(name string, form engine.Form, file facts.File) string {
	column := c.survey.Schemas[file.Schema].Lookup(name)
	if column == nil {
		return ""
	}
	own, example := engine.FormOf(*column), c.exampleFile()
	switch {
	case form.TooWide():
	case form.Kind == engine.FormText && own.Kind == engine.FormBytes:
	default:
		return ""
	}
	for _, schema := range c.survey.Schemas {
		other := schema.Lookup(name)
		if other == nil || example(schema.ID) == "" || engine.FormOf(*other) == own {
			continue
		}
		err := noCommonForm(name, c.survey.Schemas[file.Schema], *other, file.Path, example(schema.ID))
		return fmt.Sprintf("%v (a value of %s fits no such type)", err, file.Path)
	}
	return ""
}
