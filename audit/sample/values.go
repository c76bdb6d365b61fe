package sample

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// values are the values of a chunk that are not null, of one physical type.
type values interface {
	// read reads so many levels, and keeps the values among them.
	read(levels int64, definition, repeated []int16) (total int64, n int, err error)
	// cut forgets all but the first n.
	cut(n int)
	// replace gives the values of all chunks other ones.
	replace(c *schema.Column, chunks []values)
	write(w file.ColumnChunkWriter, definition, repeated []int16) error
}

// typed are values of one Go type.
type typed[T any] struct {
	held    []T
	reader  func(int64, []T, []int16, []int16) (int64, int, error)
	writer  func(file.ColumnChunkWriter, []T, []int16, []int16) error
	compare func(a, b T) int
	// other is what stands in place of the value of this rank among all that differ.
	other func(c *schema.Column, value T, rank int, least, most T) T
	clone func(T) T
}

func (t *typed[T]) read(levels int64, definition, repeated []int16) (int64, int, error) {
	into := make([]T, levels)
	total, n, err := t.reader(levels, into, definition, repeated)
	for _, v := range into[:max(n, 0)] {
		t.held = append(t.held, t.clone(v))
	}
	return total, n, err
}

func (t *typed[T]) cut(n int) { t.held = t.held[:min(n, len(t.held))] }

func (t *typed[T]) replace(c *schema.Column, chunks []values) {
	var distinct []T
	for _, chunk := range chunks {
		distinct = append(distinct, chunk.(*typed[T]).held...)
	}
	slices.SortFunc(distinct, t.compare)
	distinct = slices.CompactFunc(distinct, func(a, b T) bool { return t.compare(a, b) == 0 })
	if len(distinct) == 0 {
		return
	}
	least, most := distinct[0], distinct[len(distinct)-1]
	for _, chunk := range chunks {
		held := chunk.(*typed[T]).held
		for i, v := range held {
			rank, _ := slices.BinarySearchFunc(distinct, v, t.compare)
			held[i] = t.other(c, v, rank, least, most)
		}
	}
}

func (t *typed[T]) write(w file.ColumnChunkWriter, definition, repeated []int16) error {
	return t.writer(w, t.held, definition, repeated)
}

func same[T any](v T) T { return v }

// valuesOf holds the values of a column's reader. An error names a type that is not known.
func valuesOf(r file.ColumnChunkReader) (values, error) {
	switch r := r.(type) {
	case *file.BooleanColumnChunkReader:
		return &typed[bool]{reader: r.ReadBatch, clone: same[bool], compare: compareBools, other: otherBool,
			writer: func(w file.ColumnChunkWriter, v []bool, d, p []int16) error {
				_, err := w.(*file.BooleanColumnChunkWriter).WriteBatch(v, d, p)
				return err
			}}, nil
	case *file.Int32ColumnChunkReader:
		return &typed[int32]{reader: r.ReadBatch, clone: same[int32], compare: cmp.Compare[int32],
			other: func(c *schema.Column, v int32, rank int, least, most int32) int32 {
				return int32(otherInteger(c, int64(v), rank, int64(least), int64(most)))
			},
			writer: func(w file.ColumnChunkWriter, v []int32, d, p []int16) error {
				_, err := w.(*file.Int32ColumnChunkWriter).WriteBatch(v, d, p)
				return err
			}}, nil
	case *file.Int64ColumnChunkReader:
		return &typed[int64]{reader: r.ReadBatch, clone: same[int64], compare: cmp.Compare[int64], other: otherInteger,
			writer: func(w file.ColumnChunkWriter, v []int64, d, p []int16) error {
				_, err := w.(*file.Int64ColumnChunkWriter).WriteBatch(v, d, p)
				return err
			}}, nil
	case *file.Int96ColumnChunkReader:
		return &typed[parquet.Int96]{reader: r.ReadBatch, clone: same[parquet.Int96], compare: compareInt96, other: otherInt96,
			writer: func(w file.ColumnChunkWriter, v []parquet.Int96, d, p []int16) error {
				_, err := w.(*file.Int96ColumnChunkWriter).WriteBatch(v, d, p)
				return err
			}}, nil
	case *file.Float32ColumnChunkReader:
		return &typed[float32]{reader: r.ReadBatch, clone: same[float32], compare: cmp.Compare[float32],
			other: func(_ *schema.Column, v float32, rank int, _, _ float32) float32 {
				return float32(otherFloat(float64(v), rank))
			},
			writer: func(w file.ColumnChunkWriter, v []float32, d, p []int16) error {
				_, err := w.(*file.Float32ColumnChunkWriter).WriteBatch(v, d, p)
				return err
			}}, nil
	case *file.Float64ColumnChunkReader:
		return &typed[float64]{reader: r.ReadBatch, clone: same[float64], compare: cmp.Compare[float64],
			other: func(_ *schema.Column, v float64, rank int, least, most float64) float64 {
				if unit := epochUnit(least, most); unit > 0 {
					return float64(origin.Unix()+int64(rank)) * unit
				}
				return otherFloat(v, rank)
			},
			writer: func(w file.ColumnChunkWriter, v []float64, d, p []int16) error {
				_, err := w.(*file.Float64ColumnChunkWriter).WriteBatch(v, d, p)
				return err
			}}, nil
	case *file.ByteArrayColumnChunkReader:
		return &typed[parquet.ByteArray]{reader: r.ReadBatch, clone: func(v parquet.ByteArray) parquet.ByteArray { return bytes.Clone(v) },
			compare: func(a, b parquet.ByteArray) int { return bytes.Compare(a, b) }, other: otherBytes,
			writer: func(w file.ColumnChunkWriter, v []parquet.ByteArray, d, p []int16) error {
				_, err := w.(*file.ByteArrayColumnChunkWriter).WriteBatch(v, d, p)
				return err
			}}, nil
	case *file.FixedLenByteArrayColumnChunkReader:
		return &typed[parquet.FixedLenByteArray]{reader: r.ReadBatch, clone: func(v parquet.FixedLenByteArray) parquet.FixedLenByteArray { return bytes.Clone(v) },
			compare: func(a, b parquet.FixedLenByteArray) int { return bytes.Compare(a, b) },
			other: func(_ *schema.Column, v parquet.FixedLenByteArray, rank int, _, _ parquet.FixedLenByteArray) parquet.FixedLenByteArray {
				return rankBytes(rank, len(v))
			},
			writer: func(w file.ColumnChunkWriter, v []parquet.FixedLenByteArray, d, p []int16) error {
				_, err := w.(*file.FixedLenByteArrayColumnChunkWriter).WriteBatch(v, d, p)
				return err
			}}, nil
	}
	return nil, fmt.Errorf("columns of type %s are not known here", r.Type())
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// otherBool keeps nothing of the values but whether there are two.
func otherBool(_ *schema.Column, _ bool, rank int, _, _ bool) bool { return rank > 0 }

// otherInteger is a time where the column holds times, or numbers that read as one; else the rank, which keeps within the type.
func otherInteger(c *schema.Column, v int64, rank int, least, most int64) int64 {
	if unit, ok := timeUnit(c.LogicalType()); ok {
		return (origin.Unix() + int64(rank)) * unit
	}
	if _, ok := c.LogicalType().(schema.DateLogicalType); ok {
		return origin.Unix()/86400 + int64(rank)
	}
	if unit := epochUnit(float64(least), float64(most)); unit > 0 && c.PhysicalType() == parquet.Types.Int64 || unit == 1 {
		return int64(float64(origin.Unix()+int64(rank)) * unit)
	}
	if least < 0 {
		return int64(rank) + math.MinInt8 // signed stays signed, and what has eight bits has 256 values at most
	}
	return int64(rank)
}

// timeUnit is how many units of a timestamp make a second.
func timeUnit(l schema.LogicalType) (int64, bool) {
	t, ok := l.(schema.TimestampLogicalType)
	if !ok {
		return 0, false
	}
	switch t.TimeUnit() {
	case schema.TimeUnitMillis:
		return 1e3, true
	case schema.TimeUnitNanos:
		return 1e9, true
	case schema.TimeUnitMicros, schema.TimeUnitUnknown:
	}
	return 1e6, true
}

// epochUnit is how many units since 1970 make a second, where all numbers lie between 1980 and 2100 in one of the usual units; else 0.
func epochUnit(least, most float64) float64 {
	const from, to = 315532800, 4102444800
	for _, unit := range []float64{1, 1e3, 1e6, 1e9} {
		if least >= from*unit && most <= to*unit {
			return unit
		}
	}
	return 0
}

// otherFloat keeps what is no number, and zero.
func otherFloat(v float64, rank int) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) || v == 0 {
		return v
	}
	return math.Copysign(float64(rank)+0.5, v)
}

// The days of INT96 are counted from -4713-11-24: 1970-01-01 is this one.
const julianEpoch = 2_440_588

func compareInt96(a, b parquet.Int96) int {
	return cmp.Or(cmp.Compare(binary.LittleEndian.Uint32(a[8:]), binary.LittleEndian.Uint32(b[8:])),
		cmp.Compare(binary.LittleEndian.Uint64(a[:8]), binary.LittleEndian.Uint64(b[:8])))
}

func otherInt96(_ *schema.Column, _ parquet.Int96, rank int, _, _ parquet.Int96) parquet.Int96 {
	var v parquet.Int96
	at := origin.Unix() + int64(rank)
	binary.LittleEndian.PutUint64(v[:8], uint64(at%86400*1e9))
	binary.LittleEndian.PutUint32(v[8:], uint32(at/86400+julianEpoch))
	return v
}

// layouts are the texts of times that a sample keeps the form of.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02"}

// otherBytes is a time in the same form where the text is one, and else a text of the rank as long as the longer of both.
func otherBytes(c *schema.Column, v parquet.ByteArray, rank int, _, _ parquet.ByteArray) parquet.ByteArray {
	if len(v) == 0 {
		return v
	}
	switch c.LogicalType().(type) {
	case schema.StringLogicalType, schema.EnumLogicalType, schema.JSONLogicalType, schema.NoLogicalType, schema.UnknownLogicalType:
	default:
		return rankBytes(rank, len(v))
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, string(v)); err == nil {
			return parquet.ByteArray(origin.Add(time.Duration(rank) * time.Second * daysOf(layout)).In(at.Location()).Format(layout))
		}
	}
	if _, ok := c.LogicalType().(schema.JSONLogicalType); ok {
		return parquet.ByteArray(fmt.Sprintf(`{"v":%d}`, rank))
	}
	return parquet.ByteArray(fmt.Sprintf("v%0*d", max(len(v)-1, 1), rank))
}

// daysOf is how many seconds the step between two values takes: a day where the layout has no time of day.
func daysOf(layout string) time.Duration {
	if layout == "2006-01-02" {
		return 86400
	}
	return 1
}

// rankBytes is a rank as so many bytes, big-endian, which keeps the order of what is compared as bytes or as a number above 0.
func rankBytes(rank, length int) []byte {
	v := make([]byte, length)
	for i := length - 1; i >= 0 && rank > 0; i-- {
		v[i] = byte(rank)
		rank >>= 8
	}
	return v
}
