package iceberg

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"sync"

	"github.com/hamba/avro/v2"
	"github.com/hamba/avro/v2/ocf"
	"github.com/klauspost/compress/zstd"
)

// mostBlock bounds what one block of an Avro file may unpack to, and so how much of it is held at once.
const mostBlock = 1 << 30

// container is an Avro file: what its header says, and its records.
type container struct {
	meta   map[string][]byte
	record *plan
	codec  string
	sync   [16]byte
	reader *avro.Reader
}

// layout is which fields records of some kind may have, which of them are wanted, and of which columns bounds are kept. It remembers the
// plans of schemas: all manifests of a table have a few.
type layout struct {
	wanted  map[int]bool
	known   map[int]string
	bounded map[int]bool
	plans   sync.Map
}

// planOf is the plan of the records of a schema.
func (l *layout) planOf(text []byte) (*plan, error) {
	if known, ok := l.plans.Load(string(text)); ok {
		return known.(*plan), nil
	}
	schema, err := avro.ParseBytesWithCache(text, "", &avro.SchemaCache{})
	if err != nil {
		return nil, fmt.Errorf("its Avro schema does not decode: %w", err)
	}
	record, ok := schema.(*avro.RecordSchema)
	if !ok {
		return nil, fmt.Errorf("its Avro schema is a %s, want a record", schema.Type())
	}
	p, err := planOf(record, l.wanted, l.known, l.bounded)
	if err == nil {
		l.plans.Store(string(text), p)
	}
	return p, err
}

// open reads the header of an Avro file. Fields that are not wanted are skipped if they are known, else refused.
func (l *layout) open(data []byte) (c *container, err error) {
	defer recovered(&err)
	c = &container{reader: avro.NewReader(nil, 0)}
	c.reader.Reset(data)
	var head ocf.Header
	c.reader.ReadVal(ocf.HeaderSchema, &head)
	if c.reader.Error != nil {
		return nil, fmt.Errorf("its header does not decode: %w", c.reader.Error)
	}
	if string(head.Magic[:]) != "Obj\x01" {
		return nil, errors.New("it is no Avro file")
	}
	c.meta, c.codec, c.sync = head.Meta, string(head.Meta["avro.codec"]), head.Sync
	c.record, err = l.planOf(head.Meta["avro.schema"])
	return c, err
}

// recovered turns a panic of a decoder into an error: what it reads may be damaged in any way.
func recovered(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("it does not decode: %v", cause)
	}
}

// each calls do with the values of each record. The values are valid until it returns.
func (c *container) each(do func(row []any) error) (err error) {
	defer recovered(&err)
	for c.reader.Peek(); !errors.Is(c.reader.Error, io.EOF); c.reader.Peek() {
		count, size := c.reader.ReadLong(), c.reader.ReadLong()
		if c.reader.Error != nil || count < 0 || size < 0 || size > mostBlock || count > max(size, 1) {
			return fmt.Errorf("a block of %d records in %d bytes: it is damaged", count, size)
		}
		block := make([]byte, size)
		c.reader.Read(block)
		var sync [16]byte
		c.reader.Read(sync[:])
		if c.reader.Error != nil || sync != c.sync {
			return errors.New("a block does not end as it should: it is damaged")
		}
		if block, err = unpack(c.codec, block); err != nil {
			return err
		}
		if err := c.block(block, count, do); err != nil {
			return err
		}
	}
	return nil
}

func (c *container) block(data []byte, count int64, do func(row []any) error) error {
	r := avro.NewReader(bytes.NewReader(nil), 0)
	r.Reset(data)
	row := make([]any, c.record.size)
	for range count {
		clear(row)
		c.record.read(r, row)
		if r.Error != nil {
			return fmt.Errorf("a record does not decode: %w", r.Error)
		}
		if err := do(row); err != nil {
			return err
		}
	}
	if r.Peek(); r.Error == nil {
		return errors.New("bytes follow the last record of a block: it is damaged")
	}
	return nil
}

// unpack undoes the compression of a block.
func unpack(codec string, data []byte) ([]byte, error) {
	switch codec {
	case "", "null":
		return data, nil
	case "deflate":
		from := bytes.NewReader(data)
		out, err := io.ReadAll(io.LimitReader(flate.NewReader(from), mostBlock+1))
		// some writers leave the end of zlib's checksum behind the data
		if err == nil && (from.Len() > 4 || len(out) > mostBlock) {
			err = errors.New("a block is longer than its data")
		}
		return out, err
	case "snappy":
		return (&ocf.SnappyCodec{}).Decode(data)
	case "zstandard":
		reader, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostBlock))
		if err != nil {
			return nil, err
		}
		defer reader.Close()
		return reader.DecodeAll(data, nil)
	}
	return nil, fmt.Errorf("it is packed by %q: want null, deflate, snappy or zstandard", codec)
}

// plan is how a record is read: which of its fields, by their numbers, and where their values go.
type plan struct {
	steps []step
	// at is where in a row a wanted field stands.
	at   map[int]int
	size int
	// bounded are the columns whose bounds are kept.
	bounded map[int]bool
}

type step struct {
	schema avro.Schema
	// slot is where the value goes, -1 where it is skipped; sub reads a record within into the same row.
	slot int
	sub  *plan
	// bounds says that the value is bounds of columns, of which only some are kept.
	bounds bool
}

// planOf plans a record. Records within that have fields of their own in known are read into the same row.
func planOf(record *avro.RecordSchema, wanted map[int]bool, known map[int]string, bounded map[int]bool) (*plan, error) {
	p := &plan{at: map[int]int{}, bounded: bounded}
	return p, p.add(record, wanted, known)
}

func (p *plan) add(record *avro.RecordSchema, wanted map[int]bool, known map[int]string) error {
	for _, f := range record.Fields() {
		id, ok := fieldID(f)
		if !ok {
			if id, ok = idByName(f.Name(), known); !ok {
				return fmt.Errorf("its field %q has no field-id", f.Name())
			}
		}
		if _, ok := known[id]; !ok {
			return fmt.Errorf("its field %q (id %d) is not known here: it may change which files or rows count; audit with a newer release", f.Name(), id)
		}
		s := step{schema: f.Type(), slot: -1}
		if inner, ok := f.Type().(*avro.RecordSchema); ok && id == idDataFile {
			s.sub = &plan{at: p.at, size: p.size, bounded: p.bounded}
			if err := s.sub.add(inner, wanted, known); err != nil {
				return err
			}
			p.size = s.sub.size
		} else if wanted[id] {
			if _, twice := p.at[id]; twice {
				return fmt.Errorf("it has the field %d twice", id)
			}
			s.slot, s.bounds = p.size, id == idLower || id == idUpper
			p.at[id] = p.size
			p.size++
		}
		p.steps = append(p.steps, s)
	}
	return nil
}

func fieldID(f *avro.Field) (int, bool) { return numberOf(f.Prop("field-id")) }

func numberOf(prop any) (int, bool) {
	switch n := prop.(type) {
	case float64:
		return int(n), n == math.Trunc(n)
	case int:
		return n, true
	case int64:
		return int(n), true
	case string:
		v, err := strconv.Atoi(n)
		return v, err == nil
	}
	return 0, false
}

// idByName is the number of a field by its name, for writers that leave numbers out.
func idByName(name string, known map[int]string) (int, bool) {
	for id, text := range known {
		if text == name {
			return id, true
		}
	}
	return 0, false
}

// value is a wanted field of a row; nil where the file does not have it.
func (p *plan) value(row []any, id int) any {
	if at, ok := p.at[id]; ok {
		return row[at]
	}
	return nil
}

func (p *plan) read(r *avro.Reader, row []any) {
	for _, s := range p.steps {
		switch {
		case r.Error != nil:
			return
		case s.sub != nil:
			s.sub.read(r, row)
		case s.slot < 0:
			skip(r, s.schema)
		case s.bounds:
			row[s.slot] = p.bounds(r, s.schema)
		default:
			row[s.slot] = value(r, s.schema)
		}
	}
}

// bound is the least or greatest value of a column.
type bound struct {
	column int
	value  []byte
}

// bounds reads those of the columns that are kept, from the pairs of number and value that the format has.
func (p *plan) bounds(r *avro.Reader, schema avro.Schema) any {
	switch s := schema.(type) {
	case *avro.UnionSchema:
		if branch := branchOf(r, s); branch != nil {
			return p.bounds(r, branch)
		}
	case *avro.ArraySchema:
		if len(p.bounded) == 0 {
			skip(r, s)
			return nil
		}
		record, ok := s.Items().(*avro.RecordSchema)
		if !ok || len(record.Fields()) != 2 || record.Fields()[0].Type().Type() != avro.Int || record.Fields()[1].Type().Type() != avro.Bytes {
			r.ReportError("read", "bounds are no pairs of a number and bytes")
			return nil
		}
		var found []bound
		eachItem(r, func() {
			if column := int(r.ReadInt()); p.bounded[column] {
				found = append(found, bound{column, r.ReadBytes()})
			} else {
				r.SkipBytes()
			}
		})
		return found
	case *avro.NullSchema:
	default:
		r.ReportError("read", "bounds are no array")
	}
	return nil
}

// pair is a field of a record within, with its number.
type pair struct {
	id    int
	name  string
	value any
}

// value reads what a schema says: nil, bool, int64, float64, string, []byte, []any, or []pair of a record.
func value(r *avro.Reader, schema avro.Schema) any {
	switch s := schema.(type) {
	case *avro.NullSchema:
		return nil
	case *avro.UnionSchema:
		if branch := branchOf(r, s); branch != nil {
			return value(r, branch)
		}
		return nil
	case *avro.RefSchema:
		return value(r, s.Schema())
	case *avro.RecordSchema:
		pairs := make([]pair, 0, len(s.Fields()))
		for _, f := range s.Fields() {
			id, _ := fieldID(f)
			pairs = append(pairs, pair{id, f.Name(), value(r, f.Type())})
		}
		return pairs
	case *avro.ArraySchema:
		var items []any
		eachItem(r, func() { items = append(items, value(r, s.Items())) })
		return items
	case *avro.FixedSchema:
		data := make([]byte, s.Size())
		r.Read(data)
		return data
	}
	switch schema.Type() {
	case avro.Boolean:
		return r.ReadBool()
	case avro.Int:
		return int64(r.ReadInt())
	case avro.Long:
		return r.ReadLong()
	case avro.Float:
		return float64(r.ReadFloat())
	case avro.Double:
		return r.ReadDouble()
	case avro.String:
		return r.ReadString()
	case avro.Bytes:
		return r.ReadBytes()
	default:
		r.ReportError("read", fmt.Sprintf("a value of the type %s is not expected", schema.Type()))
		return nil
	}
}

// branchOf reads which type of a union a value has.
func branchOf(r *avro.Reader, s *avro.UnionSchema) avro.Schema {
	at := r.ReadLong()
	if r.Error != nil || at < 0 || at >= int64(len(s.Types())) {
		r.ReportError("read", "a union has no such type")
		return nil
	}
	return s.Types()[at]
}

// eachItem calls do for each item of an array.
func eachItem(r *avro.Reader, do func()) {
	for r.Error == nil {
		count, _ := r.ReadBlockHeader()
		if count <= 0 {
			if count < 0 {
				r.ReportError("read", "an array of a negative length")
			}
			return
		}
		for range count {
			if r.Error != nil {
				return
			}
			do()
		}
	}
}

// skip passes over what a schema says.
func skip(r *avro.Reader, schema avro.Schema) {
	switch s := schema.(type) {
	case *avro.UnionSchema:
		if branch := branchOf(r, s); branch != nil {
			skip(r, branch)
		}
		return
	case *avro.RefSchema:
		skip(r, s.Schema())
		return
	case *avro.RecordSchema:
		for _, f := range s.Fields() {
			skip(r, f.Type())
		}
		return
	case *avro.ArraySchema:
		eachItem(r, func() { skip(r, s.Items()) })
		return
	case *avro.MapSchema:
		eachItem(r, func() {
			r.SkipString()
			skip(r, s.Values())
		})
		return
	case *avro.FixedSchema:
		r.SkipNBytes(s.Size())
		return
	}
	switch schema.Type() {
	case avro.Null:
	case avro.Boolean:
		r.SkipBool()
	case avro.Int, avro.Enum:
		r.SkipInt()
	case avro.Long:
		r.SkipLong()
	case avro.Float:
		r.SkipFloat()
	case avro.Double:
		r.SkipDouble()
	case avro.String:
		r.SkipString()
	case avro.Bytes:
		r.SkipBytes()
	default:
		r.ReportError("skip", fmt.Sprintf("a value of the type %s is not expected", schema.Type()))
	}
}
