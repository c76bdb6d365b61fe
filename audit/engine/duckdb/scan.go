package duckdb

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/marcboeker/go-duckdb/mapping"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/sql"
)

// Scan implements engine.Scanner.
func (d *Database) Scan(ctx context.Context, s engine.Scan, before func() error, each func(engine.Block) error) error {
	files, err := fileNames(s.Files)
	if err != nil {
		return err
	}
	text, byOrder, values := sql.Scan, "", bindings{"files": files}
	if s.Sliced {
		text, byOrder, values["first"], values["last"] = sql.Slice, sql.SliceByOrder, s.First, s.Last
	}
	result, release, err := d.run(ctx, query{text: text, byOrder: byOrder, columns: s.Columns, values: values, cached: s.Sliced})
	if err != nil {
		return err
	}
	defer release()
	if err := before(); err != nil {
		return err
	}
	vectors := make([]engine.Vector, len(s.Columns))
	texts := make([]stringTexts, len(s.Columns))
	return eachChunk(result, func(columns []chunkColumn, rows int) error {
		for i := range s.Columns {
			vectors[i] = selected(columns[i], rows, &texts[i], s.Columns[i])
		}
		return each(engine.Block{Rows: rows, Vectors: vectors})
	})
}

// selected views a column as what it was selected as.
func selected(column chunkColumn, rows int, texts *stringTexts, s engine.Select) engine.Vector {
	v := column.vector(rows, texts)
	if s.Kind == engine.SelectTime && v.PerMicro == 0 {
		v.PerMicro = perMicro(s.Unit, s.Parts[0].Column)
	}
	return v
}

// perMicro is the scale of integer times; floating ones were scaled to microseconds by the query, and dates are days.
func perMicro(unit string, c facts.Column) int64 {
	switch {
	case c.Logical == "date":
		return -86_400_000_000
	case c.Physical == "DOUBLE", c.Physical == "FLOAT":
		return 1
	}
	switch unit {
	case "s":
		return -1_000_000
	case "ms":
		return -1_000
	case "ns":
		return 1_000
	}
	return 1
}

// query is a text of package sql with what it is filled with.
type query struct {
	// text numbers rows by file_row_number; byOrder counts them off, where a file has a column of that name.
	text, byOrder string
	columns       []engine.Select
	rows          string
	values        bindings
	// cached keeps footers for the next query.
	cached bool
	// arguments says that the columns are those of a function.
	arguments bool
}

func (q query) render(text string) (string, error) {
	columns, names := byPosition(q.columns)
	render := selectList
	if q.arguments {
		render = argumentList
	}
	list, err := render(columns)
	// all at once, so that no name is taken for a placeholder
	return strings.NewReplacer("{columns}", list, "{names}", names, "{rows}", q.rows).Replace(text), err
}

func (c *connection) answer(ctx context.Context, q query) (*mapping.Result, error) {
	text, err := q.render(q.text)
	if err != nil {
		return nil, err
	}
	result, err := c.query(ctx, text, q.values)
	if err == nil || q.byOrder == "" || !errors.Is(err, errRowNumberTaken) {
		return result, err
	}
	if text, err = q.render(q.byOrder); err != nil {
		return nil, err
	}
	return c.query(ctx, text, q.values)
}

// run runs a query on a connection of its own, which release gives back with the result's memory.
func (d *Database) run(ctx context.Context, q query) (*mapping.Result, func(), error) {
	c, err := d.acquire()
	if err != nil {
		return nil, nil, err
	}
	if files, named := q.values["files"].([]string); named {
		c.opened += len(files)
	}
	if q.cached {
		if err := c.cacheFooters(); err != nil {
			d.release(c)
			return nil, nil, err
		}
	}
	result, err := c.answer(ctx, q)
	if err != nil {
		d.release(c)
		return nil, nil, err
	}
	return result, func() {
		mapping.DestroyResult(result)
		d.release(c)
	}, nil
}

// Values of largeValue bytes and more are collected once they add up to garbageBytes: copies of megabytes are made faster than a collector
// that runs beside them can be sure to take them away on a busy machine.
const (
	largeValue   = 64 << 10
	garbageBytes = 16 << 20
)

// Fetch implements engine.Scanner.
func (d *Database) Fetch(ctx context.Context, f engine.Fetch, each func(row int64, values []engine.Value) error) error {
	if len(f.Rows) == 0 {
		return nil
	}
	files, err := fileNames([]string{f.File})
	if err != nil {
		return err
	}
	numbers := make([]string, len(f.Rows))
	for i, row := range f.Rows {
		numbers[i] = strconv.FormatInt(row, 10)
	}
	result, release, err := d.run(ctx, query{text: sql.Fetch, byOrder: sql.FetchByOrder, columns: f.Columns, rows: strings.Join(numbers, ", "),
		values: bindings{"files": files, "first": f.Rows[0], "last": f.Rows[len(f.Rows)-1]}})
	if err != nil {
		return err
	}
	defer release()
	texts := make([]stringTexts, len(f.Columns)+1)
	values := make([]engine.Value, len(f.Columns))
	found, copied := 0, 0
	err = eachChunk(result, func(columns []chunkColumn, rows int) error {
		numbers := columns[0].vector(rows, &texts[0])
		vectors := make([]engine.Vector, len(f.Columns))
		for i := range vectors {
			vectors[i] = selected(columns[i+1], rows, &texts[i+1], f.Columns[i])
		}
		for row := range rows {
			for i := range vectors {
				values[i] = vectors[i].Value(row)
				if size := len(values[i].Text); size >= largeValue {
					copied += size
				}
			}
			if copied >= garbageBytes {
				copied = 0
				runtime.GC()
			}
			found++
			if err := each(numbers.Ints[row], values); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && found != len(f.Rows) {
		return fmt.Errorf("%d of %d rows asked for were found: the file changed while it was read", found, len(f.Rows))
	}
	return err
}

// chunkColumn is one vector of a chunk in DuckDB's own memory.
type chunkColumn struct {
	kind     mapping.Type
	data     unsafe.Pointer
	validity unsafe.Pointer
}

func eachChunk(result *mapping.Result, each func(columns []chunkColumn, rows int) error) error {
	columns := make([]chunkColumn, mapping.ColumnCount(result))
	for i := range columns {
		columns[i].kind = mapping.ColumnType(result, mapping.IdxT(i))
	}
	chunks := mapping.ResultChunkCount(*result)
	for index := range chunks {
		chunk := mapping.ResultGetChunk(*result, index)
		rows := int(mapping.DataChunkGetSize(chunk))
		for i := range columns {
			vector := mapping.DataChunkGetVector(chunk, mapping.IdxT(i))
			columns[i].data = mapping.VectorGetData(vector)
			columns[i].validity = mapping.VectorGetValidity(vector)
		}
		err := each(columns, rows)
		mapping.DestroyDataChunk(&chunk)
		if err != nil {
			return err
		}
	}
	return nil
}

// vector views a chunk's column as plain values. The view is valid as long as the chunk.
func (c chunkColumn) vector(rows int, texts *stringTexts) engine.Vector {
	v := engine.Vector{}
	if c.validity != nil {
		v.Mask = unsafe.Slice((*uint64)(c.validity), (rows+63)/64)
	}
	switch c.kind {
	case mapping.TypeVarchar, mapping.TypeBlob:
		texts.values = unsafe.Slice((*duckString)(c.data), rows)
		v.Texts = texts
	case mapping.TypeTimestampS:
		v.PerMicro = -1_000_000
	case mapping.TypeTimestampMS:
		v.PerMicro = -1_000
	case mapping.TypeTimestamp, mapping.TypeTimestampTZ:
		v.PerMicro = 1
	case mapping.TypeTimestampNS:
		v.PerMicro = 1_000
	}
	if v.Texts == nil {
		v.Ints = unsafe.Slice((*int64)(c.data), rows)
	}
	return v
}

func (c chunkColumn) render(row int) string {
	var texts stringTexts
	v := c.vector(row+1, &texts)
	if !v.Valid(row) {
		return "NULL"
	}
	if v.Texts != nil {
		return string(v.Texts.At(row))
	}
	return strconv.FormatInt(v.Ints[row], 10)
}

// duckString is DuckDB's string_t: up to 12 bytes stand inline, longer ones behind a pointer (duckdb.h, duckdb_string_t).
type duckString struct {
	length uint32
	prefix [4]byte
	rest   [8]byte
}

// inlined is the longest string that stands in a duckString itself.
const inlined = 12

type stringTexts struct{ values []duckString }

// At implements engine.Texts.
func (t *stringTexts) At(row int) []byte {
	s := &t.values[row]
	if s.length <= inlined {
		return unsafe.Slice((*byte)(unsafe.Pointer(&s.prefix)), int(s.length))
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&s.rest)), int(s.length))
}

// image is a short string as one value of two words; DuckDB pads it with zeros.
type image struct{ head, tail uint64 }

func (s *duckString) image() image {
	return image{*(*uint64)(unsafe.Pointer(&s.length)), *(*uint64)(unsafe.Pointer(&s.rest))}
}

// Equal implements engine.Texts, for short strings.
func (t *stringTexts) Equal(from, to int) bool {
	values := t.values[from:to]
	if len(values) == 0 || values[0].length > inlined {
		return false
	}
	first := values[0].image()
	for i := range values {
		if values[i].image() != first {
			return false
		}
	}
	return true
}

// Codes implements engine.Texts: short strings, which sources mostly are, are compared as two words.
func (t *stringTexts) Codes(from, to int, mask []uint64, known *engine.TextCodes, out []uint8) error {
	var last image
	var code uint8
	cached := false
	for row := from; row < to; row++ {
		if mask != nil && mask[row>>6]>>(uint(row)&63)&1 == 0 {
			continue
		}
		s := &t.values[row]
		if cached && s.image() == last {
			out[row] = code
			continue
		}
		var err error
		if code, err = known.Code(t.At(row)); err != nil {
			return err
		}
		out[row] = code
		last, cached = s.image(), s.length <= inlined
	}
	return nil
}
