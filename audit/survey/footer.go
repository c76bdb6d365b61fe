package survey

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/thrift/lib/go/thrift"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// footer is what the survey takes from the metadata of one file.
type footer struct {
	rows      int64
	groups    []group
	elements  []element
	createdBy string
	pandas    string
	arrow     string
	spark     bool
	// added are the columns that align says it added.
	added []string
	// chunks are those of the leaves that were asked for, by row group and leaf.
	chunks []chunk
}

// wants are what is decoded of the row groups: the statistics of some leaves, and the places of others.
type wants struct {
	bounds []int
	chunks []int
}

// group is one row group with the statistics of the leaves that were asked for, in their order.
type group struct {
	rows   int64
	bytes  int64
	bounds []bounds
}

// bounds are the least and greatest value of a leaf in a row group.
type bounds struct {
	min, max int64
	ok       bool
	// allNull says that there is no value to bound.
	allNull bool
}

// element is one node of the schema tree, in the order of the file: depth first.
type element struct {
	name       string
	physical   int32
	length     int32
	repetition int32
	children   int32
	converted  int32
	precision  int32
	scale      int32
	// logical is the name of the logical type, empty where the file has none that is known; then converted tells.
	logical string
	unit    string
	utc     bool
	width   int32
	signed  bool
	// id is the number that a table gives the field, none without.
	id int32
}

// none stands for absent numbers of an element.
const none = int32(-1)

// The numbers of the Parquet format.
const (
	physicalBoolean = 0
	physicalInt32   = 1
	physicalInt64   = 2
	physicalInt96   = 3
	physicalFloat   = 4
	physicalDouble  = 5
	physicalBytes   = 6
	physicalFixed   = 7

	repetitionOptional = 1
	repetitionRepeated = 2
)

var physicalNames = [...]string{"BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"}

// fresh makes a value of a type that only its package can name.
func fresh[T any](*T) *T { return new(T) }

// decode reads the metadata of a footer. It uses arrow's thrift types but not its schema tree, which refuses logical
// types younger than itself and panics on some that are wrong. Statistics and places are taken of wanted leaves only: wanted
// looks at everything but the row groups and answers with the numbers of leaves.
func decode(data []byte, wanted func(footer) (wants, error)) (f footer, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	meta := fresh(metadata.FileMetaData{}.FileMetaData)
	// A list cannot have more items than the footer has bytes: a wrong length must not allocate gigabytes.
	limits := &thrift.TConfiguration{MaxMessageSize: int32(min(len(data), math.MaxInt32))}
	buffer := bytes.NewBuffer(data)
	protocol := thrift.NewTCompactProtocolConf(&thrift.TMemoryBuffer{Buffer: buffer}, limits)
	if err := meta.Read(context.Background(), bytesProtocol{protocol, buffer}); err != nil {
		return footer{}, err
	}
	f = footer{rows: meta.NumRows, createdBy: meta.GetCreatedBy()}
	for _, kv := range meta.KeyValueMetadata {
		switch {
		case kv.Key == "pandas":
			f.pandas = kv.GetValue()
		case kv.Key == facts.AlignMarkKey:
			f.added = facts.AddedByAlign(kv.GetValue())
		case kv.Key == "ARROW:schema":
			f.arrow = kv.GetValue()
		case strings.HasPrefix(kv.Key, "org.apache.spark."):
			f.spark = true
		}
	}
	for _, e := range meta.Schema {
		el := element{name: e.Name, physical: none, repetition: none, converted: none, precision: e.GetPrecision(), scale: e.GetScale(), length: e.GetTypeLength(), children: e.GetNumChildren(), id: none}
		if e.FieldID != nil {
			el.id = *e.FieldID
		}
		if e.Type != nil {
			el.physical = int32(*e.Type)
		}
		if e.RepetitionType != nil {
			el.repetition = int32(*e.RepetitionType)
		}
		if e.ConvertedType != nil {
			el.converted = int32(*e.ConvertedType)
		}
		if l := e.LogicalType; l != nil {
			switch {
			case l.STRING != nil:
				el.logical = "string"
			case l.MAP != nil:
				el.logical = "map"
			case l.LIST != nil:
				el.logical = "list"
			case l.ENUM != nil:
				el.logical = "enum"
			case l.DECIMAL != nil:
				el.logical, el.precision, el.scale = "decimal", l.DECIMAL.Precision, l.DECIMAL.Scale
			case l.DATE != nil:
				el.logical = "date"
			case l.TIME != nil && l.TIME.Unit != nil:
				u := l.TIME.Unit
				el.logical, el.utc, el.unit = "time", l.TIME.IsAdjustedToUTC, unitOf(u.MILLIS != nil, u.MICROS != nil, u.NANOS != nil)
			case l.TIMESTAMP != nil && l.TIMESTAMP.Unit != nil:
				u := l.TIMESTAMP.Unit
				el.logical, el.utc, el.unit = "timestamp", l.TIMESTAMP.IsAdjustedToUTC, unitOf(u.MILLIS != nil, u.MICROS != nil, u.NANOS != nil)
			case l.INTEGER != nil:
				el.logical, el.width, el.signed = "int", int32(l.INTEGER.BitWidth), l.INTEGER.IsSigned
			case l.UNKNOWN != nil:
				el.logical = "null"
			case l.JSON != nil:
				el.logical = "json"
			case l.BSON != nil:
				el.logical = "bson"
			case l.UUID != nil:
				el.logical = "uuid"
			case l.FLOAT16 != nil:
				el.logical = "float16"
			}
		}
		f.elements = append(f.elements, el)
	}
	want, err := wanted(f)
	if err != nil {
		return footer{}, err
	}
	leaves := want.bounds
	for at, g := range meta.RowGroups {
		out := group{rows: g.NumRows, bytes: max(g.TotalByteSize, 0), bounds: make([]bounds, len(leaves))}
		for i, leaf := range leaves {
			if leaf >= len(g.Columns) {
				return footer{}, fmt.Errorf("a row group has %d columns, the schema more", len(g.Columns))
			}
			chunk := g.Columns[leaf].MetaData
			if chunk == nil || chunk.Statistics == nil {
				continue
			}
			s := chunk.Statistics
			low, high := s.MinValue, s.MaxValue
			if low == nil && high == nil {
				// The older fields compare as signed numbers, which these are.
				low, high = s.Min, s.Max
			}
			out.bounds[i] = readBounds(int32(chunk.Type), low, high)
			out.bounds[i].allNull = s.NullCount != nil && *s.NullCount == chunk.NumValues
		}
		for _, leaf := range want.chunks {
			if leaf >= len(g.Columns) {
				return footer{}, fmt.Errorf("a row group has %d columns, the schema more", len(g.Columns))
			}
			c := chunk{leaf: leaf, group: at, encrypted: g.Columns[leaf].CryptoMetadata != nil}
			if place := g.Columns[leaf].MetaData; place != nil {
				c.Codec, c.Values, c.Size, c.Offset = int32(place.Codec), place.NumValues, place.TotalCompressedSize, place.DataPageOffset
				// of a chunk without values there may be a dictionary alone, and the place of its first data page is 0
				if first := place.DictionaryPageOffset; first != nil && *first > 0 && (*first < c.Offset || c.Values == 0) {
					c.Offset = *first
				}
			}
			f.chunks = append(f.chunks, c)
		}
		f.groups = append(f.groups, out)
	}
	return f, f.check()
}

// bytesProtocol takes texts and bytes straight from the buffer: thrift copies each through a buffer of 512 bytes, which
// is most of the time that a footer takes.
type bytesProtocol struct {
	*thrift.TCompactProtocol
	buffer *bytes.Buffer
}

// ReadBinary returns a part of the buffer itself.
func (p bytesProtocol) ReadBinary(context.Context) ([]byte, error) {
	n, err := binary.ReadUvarint(p.buffer)
	if err != nil {
		return nil, err
	}
	if n > uint64(p.buffer.Len()) {
		return nil, fmt.Errorf("a text of %d bytes where %d are left", n, p.buffer.Len())
	}
	return p.buffer.Next(int(n)), nil
}

// ReadString returns a copy.
func (p bytesProtocol) ReadString(ctx context.Context) (string, error) {
	b, err := p.ReadBinary(ctx)
	return string(b), err
}

func unitOf(milli, micro, nano bool) string {
	switch {
	case milli:
		return "ms"
	case micro:
		return "us"
	case nano:
		return "ns"
	}
	return ""
}

// check compares what the footer says twice.
func (f footer) check() error {
	if len(f.elements) == 0 {
		return fmt.Errorf("no schema")
	}
	sum := int64(0)
	for _, g := range f.groups {
		if g.rows < 0 {
			return fmt.Errorf("a row group of %d rows", g.rows)
		}
		sum += g.rows
	}
	if sum != f.rows {
		return fmt.Errorf("%d rows in all but %d in its row groups", f.rows, sum)
	}
	return nil
}

func readBounds(physical int32, low, high []byte) bounds {
	lo, ok := readNumber(physical, low)
	hi, ok2 := readNumber(physical, high)
	return bounds{min: lo, max: hi, ok: ok && ok2 && lo <= hi}
}

// maxFloat is as large as a bound of a floating time gets: what lies beyond is a sentinel all the same.
const maxFloat = float64(1 << 62)

func readNumber(physical int32, value []byte) (int64, bool) {
	switch {
	case physical == physicalInt32 && len(value) == 4:
		return int64(int32(binary.LittleEndian.Uint32(value))), true
	case physical == physicalInt64 && len(value) == 8:
		return int64(binary.LittleEndian.Uint64(value)), true
	case physical == physicalDouble && len(value) == 8:
		d := math.Float64frombits(binary.LittleEndian.Uint64(value))
		if math.IsNaN(d) {
			return 0, false
		}
		return int64(math.Floor(max(-maxFloat, min(d, maxFloat)))), true
	}
	return 0, false
}
