package content

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// leaf is one leaf of a file, and what its cells are folded into.
type leaf struct {
	place
	canon
	number int
	seed   uint64
	// first says that the leaf is the first of its column, by which the column's values are counted.
	first bool
	// names are the places among the lists of names that the leaf is part of.
	names []int
	total bool
	// cells is the place among the columns whose cells are asked for, -1 for none; raw says that numbers are wanted as they are.
	cells int
	raw   bool
	// said are the canonical bytes of cells that say what the file's folders say already: they add nothing. Nil for none.
	said []byte
}

// batchLevels is how many levels are read at once.
const batchLevels int64 = 4096

// cursor reads the cells of a leaf in one row group, in their order.
type cursor interface {
	// fold folds the cells of the next rows.
	fold(rows int, w *window) error
	// end fails where cells are left.
	end() error
}

// typed is the cursor of one physical type.
type typed[T any] struct {
	*leaf
	reader file.ColumnChunkReader
	source *chunkPages
	read   func(int64, []T, []int16, []int16) (int64, int, error)
	// write writes the canonical bytes of a value.
	write func(b []byte, v T) []byte
	// number gives the value of a total, and instant the microseconds of a time; nil where there are none.
	number  func(v T, t *Total)
	instant func(v T) int64

	values                   []T
	definitions, repetitions []int16
	// at is the next level of the batch and next its next value; levels and held are how many there are.
	at, levels, next, held int
	top                    int16
	repeated               bool
	buffer                 []byte
	facts                  *Column
}

// newCursor opens a leaf of a row group.
func newCursor(l *leaf, descriptor *schema.Column, reader file.ColumnChunkReader, source *chunkPages, into *Column) (cursor, error) {
	switch r := reader.(type) {
	case *file.BooleanColumnChunkReader:
		return cursorOf(l, descriptor, r, source, into, r.ReadBatch, func(b []byte, v bool) []byte {
			if v {
				return append(b, 1)
			}
			return append(b, 0)
		}, nil, nil), nil
	case *file.Int32ColumnChunkReader:
		wide := func(v int32) int64 {
			if l.unsigned {
				return int64(uint32(v))
			}
			return int64(v)
		}
		return cursorOf(l, descriptor, r, source, into, r.ReadBatch, func(b []byte, v int32) []byte { return l.integer(b, wide(v)) },
			func(v int32, t *Total) { l.addInteger(wide(v), t) }, l.instants(func(v int32) int64 { return int64(v) })), nil
	case *file.Int64ColumnChunkReader:
		return cursorOf(l, descriptor, r, source, into, r.ReadBatch, l.integer, l.addInteger, l.wideInstants()), nil
	case *file.Int96ColumnChunkReader:
		return cursorOf(l, descriptor, r, source, into, r.ReadBatch, func(b []byte, v parquet.Int96) []byte {
			second, nanos := int96(v)
			return timestamp(b, second, nanos)
		}, nil, func(v parquet.Int96) int64 {
			second, nanos := int96(v)
			return second*1_000_000 + nanos/1000
		}), nil
	case *file.Float32ColumnChunkReader:
		return cursorOf(l, descriptor, r, source, into, r.ReadBatch, func(b []byte, v float32) []byte { return binary.LittleEndian.AppendUint64(b, wideFloat(v)) },
			func(v float32, t *Total) { t.addDouble(wideFloat(v)) }, nil), nil
	case *file.Float64ColumnChunkReader:
		return cursorOf(l, descriptor, r, source, into, r.ReadBatch, func(b []byte, v float64) []byte { return binary.LittleEndian.AppendUint64(b, math.Float64bits(v)) },
			func(v float64, t *Total) { t.addDouble(math.Float64bits(v)) }, nil), nil
	case *file.ByteArrayColumnChunkReader:
		return cursorOf(l, descriptor, r, source, into, r.ReadBatch, func(b []byte, v parquet.ByteArray) []byte { return l.fixed(b, v) },
			func(v parquet.ByteArray, t *Total) { l.addBytes(v, t) }, nil), nil
	case *file.FixedLenByteArrayColumnChunkReader:
		return cursorOf(l, descriptor, r, source, into, r.ReadBatch, func(b []byte, v parquet.FixedLenByteArray) []byte { return l.fixed(b, v) },
			func(v parquet.FixedLenByteArray, t *Total) { l.addBytes(v, t) }, nil), nil
	}
	return nil, fmt.Errorf("unexpected type %s", descriptor.PhysicalType())
}

func cursorOf[T any](l *leaf, descriptor *schema.Column, reader file.ColumnChunkReader, source *chunkPages, into *Column,
	read func(int64, []T, []int16, []int16) (int64, int, error), write func([]byte, T) []byte, number func(T, *Total), instant func(T) int64) cursor {
	c := &typed[T]{leaf: l, reader: reader, source: source, read: read, write: write, instant: instant, facts: into,
		top: descriptor.MaxDefinitionLevel(), repeated: descriptor.MaxRepetitionLevel() > 0}
	if l.nested {
		c.instant = nil
	} else if l.total {
		c.number = number
		into.Total = cmpOr(into.Total)
	}
	return c
}

func cmpOr(t *Total) *Total {
	if t != nil {
		return t
	}
	return &Total{}
}

// addInteger adds a number, of the families that have a sum.
func (l *leaf) addInteger(n int64, t *Total) {
	switch l.family {
	case Decimal:
		t.pending = t.pending.plus(n)
	case Integer:
		if l.unsigned && n < 0 {
			t.addScaled(new(big.Int).SetUint64(uint64(n)), 0)
			return
		}
		t.pending = t.pending.plus(n)
	default:
	}
}

func (l *leaf) addBytes(raw []byte, t *Total) {
	switch {
	case l.family == Decimal:
		t.addScaled(bigOf(raw), l.scale)
	case l.narrow && len(raw) == 2:
		t.addDouble(wideHalf(binary.LittleEndian.Uint16(raw)))
	}
}

// instants gives the microseconds of times and dates that 32 bits hold; nil of other leaves.
func (l *leaf) instants(wide func(int32) int64) func(int32) int64 {
	if l.family == Date {
		return func(v int32) int64 { return wide(v) * 86_400_000_000 }
	}
	return nil
}

func (l *leaf) wideInstants() func(int64) int64 {
	if l.family != Timestamp {
		return nil
	}
	switch l.unit {
	case 1_000:
		return func(v int64) int64 { return v * 1000 }
	case 1_000_000:
		return func(v int64) int64 { return v }
	}
	return func(v int64) int64 {
		micros, _ := floorDiv(v, 1000)
		return micros
	}
}

// fill reads the next batch; false at the end of the chunk. Its values are good until the next, since none reaches over a page.
func (c *typed[T]) fill() (bool, error) {
	if c.values == nil {
		levels := int(min(max(c.source.levels, 1), batchLevels))
		c.values, c.definitions, c.repetitions = make([]T, levels), make([]int16, levels), make([]int16, levels)
	}
	c.source.Advance()
	if !c.reader.HasNext() {
		if err := c.source.Err(); err != nil {
			return false, err
		}
		return false, c.reader.Err()
	}
	c.source.Hold()
	levels, held, err := c.read(int64(len(c.values)), c.values, c.definitions, c.repetitions)
	if err != nil {
		return false, err
	}
	c.at, c.next, c.levels, c.held = 0, 0, int(levels), held
	return levels > 0, nil
}

func (c *typed[T]) fold(rows int, w *window) error {
	if c.nested {
		return c.foldNested(rows, w)
	}
	for row := 0; row < rows; {
		if c.at == c.levels {
			more, err := c.fill()
			if err != nil {
				return err
			}
			if !more {
				return fmt.Errorf("%d rows fewer than the footer says", rows-row)
			}
		}
		n := min(rows-row, c.levels-c.at)
		if err := c.foldFlat(row, n, w); err != nil {
			return err
		}
		row += n
	}
	return nil
}

// foldFlat folds n cells of the batch, one a row.
func (c *typed[T]) foldFlat(row, n int, w *window) error {
	sum, values := c.facts.Sum, int64(0)
	for i := range n {
		if c.top > 0 && c.definitions[c.at+i] < c.top {
			continue
		}
		if c.next >= c.held {
			return fmt.Errorf("fewer values than its levels say")
		}
		v := c.values[c.next]
		c.next++
		if w.gone != nil && w.gone[row+i] {
			continue
		}
		c.buffer = c.write(c.buffer[:0], v)
		if c.said != nil && bytes.Equal(c.buffer, c.said) {
			continue
		}
		h := hashOf(c.buffer, c.seed)
		sum = sum.Plus(h)
		values++
		w.cells[row+i] = w.cells[row+i].Plus(h)
		if c.special() {
			c.besides(v, h, row+i, w)
		}
	}
	c.at += n
	c.facts.Sum = sum
	c.facts.Values += values
	if c.number != nil {
		c.facts.Total.settle(c.scale)
	}
	return nil
}

// special says whether more is wanted of a cell than its hash.
func (c *typed[T]) special() bool {
	return len(c.names) > 0 || c.cells >= 0 || c.number != nil || c.instant != nil
}

// besides takes what is wanted of a cell beside its hash.
func (c *typed[T]) besides(v T, h Sum, row int, w *window) {
	for _, name := range c.names {
		w.names[name][row] = w.names[name][row].Plus(h)
	}
	if c.cells >= 0 {
		w.word(c.cells, row, h, c.raw, c.buffer)
	}
	if c.number != nil {
		c.number(v, c.facts.Total)
	}
	if c.instant != nil {
		at := c.instant(v)
		c.facts.Center += at
		if !c.facts.Timed {
			c.facts.Low, c.facts.High, c.facts.Timed = at, at, true
		}
		c.facts.Low, c.facts.High = min(c.facts.Low, at), max(c.facts.High, at)
	}
}

// foldNested folds the cells of rows, each of which is some entries: how often it repeats, how far it is defined, and its value.
func (c *typed[T]) foldNested(rows int, w *window) error {
	var value []byte
	for row := range rows {
		c.buffer = c.buffer[:0]
		entries, deepest := 0, byte(0)
		for {
			if c.at == c.levels {
				more, err := c.fill()
				if err != nil {
					return err
				}
				if !more {
					break
				}
			}
			if entries > 0 && (!c.repeated || c.repetitions[c.at] == 0) {
				break
			}
			definition, repetition := c.top, int16(0)
			if c.top > 0 {
				definition = c.definitions[c.at]
			}
			if c.repeated {
				repetition = c.repetitions[c.at]
			}
			c.at++
			entries++
			if definition < 0 || int(definition) >= len(c.depth) {
				return fmt.Errorf("a definition level of %d, of at most %d", definition, c.top)
			}
			deepest = max(deepest, c.depth[definition])
			c.buffer = append(c.buffer, byte(repetition), c.depth[definition])
			if definition < c.top {
				continue
			}
			if c.next >= c.held {
				return fmt.Errorf("fewer values than its levels say")
			}
			value = c.write(value[:0], c.values[c.next])
			c.next++
			c.buffer = append(binary.AppendUvarint(c.buffer, uint64(len(value))), value...)
		}
		if entries == 0 {
			return fmt.Errorf("%d rows fewer than the footer says", rows-row)
		}
		if deepest == 0 || w.gone != nil && w.gone[row] {
			continue // the column is NULL here, or the row does not count
		}
		h := hashOf(c.buffer, c.seed)
		c.facts.Sum = c.facts.Sum.Plus(h)
		if c.first {
			c.facts.Values++
		}
		w.cells[row] = w.cells[row].Plus(h)
		for _, name := range c.names {
			w.names[name][row] = w.names[name][row].Plus(h)
		}
		if c.cells >= 0 {
			w.word(c.cells, row, h, false, nil)
		}
	}
	return nil
}

func (c *typed[T]) end() error {
	if c.at < c.levels {
		return fmt.Errorf("more rows than the footer says")
	}
	more, err := c.fill()
	if err == nil && more {
		return fmt.Errorf("more rows than the footer says")
	}
	return err
}

// leavesOf are the leaves of a file that are of its table, with what is asked of each.
func leavesOf(s *schema.Schema, f facts.File, ask Ask) []*leaf {
	names := namingOf(f.Table, s.Root())
	var leaves []*leaf
	last := ""
	for i := range s.NumColumns() {
		descriptor := s.Column(i)
		at, known := placeOf(descriptor, names)
		if !known {
			continue // the table has it no more
		}
		name := at.column
		l := &leaf{place: at, canon: canonOf(descriptor), number: i, first: len(leaves) == 0 || name != last, cells: -1}
		last = name
		l.seed, l.said = l.place.seed(l.family), l.saidBy(f)
		l.total = slices.Contains(ask.Totals, name)
		if ask.Rows {
			for at, columns := range ask.Names {
				if slices.ContainsFunc(columns, l.named) {
					l.names = append(l.names, at)
				}
			}
			l.cells = slices.Index(ask.Cells, name)
			l.raw = slices.Contains(ask.Raw, name) && l.family == Double && !l.nested
		}
		leaves = append(leaves, l)
	}
	return leaves
}

// named says whether a name of a definition means the leaf: its column, or the way to it through structs.
func (l *leaf) named(name string) bool {
	if name == l.column {
		return true
	}
	if len(l.fields) < 2 {
		return false
	}
	dotted := l.fields[0]
	for _, field := range l.fields[1:] {
		dotted += "." + field
	}
	return name == dotted
}
