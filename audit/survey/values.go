package survey

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"
	"github.com/apache/thrift/lib/go/thrift"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/chunks"
	"github.com/featureaudit/featureaudit/audit/internal/pages"
	"github.com/featureaudit/featureaudit/audit/store"
)

// Values reads a column of single rows (ascending row numbers, from 0) from the bytes of a file: what an engine has no type
// for is exact here. Numbers asks for the raw 64-bit values of an INT64 column; else values are texts that are equal exactly
// where the values are, whatever the physical type: 1.5 of any scale, nanoseconds of any unit.
func Values(ctx context.Context, st store.Store, f facts.File, c facts.Column, rows []int64, numbers bool) (out facts.Values, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
		if err != nil {
			err = fmt.Errorf("read column %q (%s) of %s: %w", c.Path, c.TypeText, f.Path, err)
		}
	}()
	if c.Given {
		return given(f, c, len(rows), numbers)
	}
	if c.Absent {
		return filled(c, len(rows), numbers), nil
	}
	object, err := st.Open(ctx, f.Abs)
	if err != nil {
		return out, err
	}
	defer object.Close()
	reader, err := openColumns(object, f.Size)
	if err != nil {
		return out, err
	}
	leaves := leavesBelow(reader.MetaData().Schema, c)
	if len(leaves) == 0 {
		return out, fmt.Errorf("the file has no such column")
	}
	first := int64(0)
	for group := range reader.NumRowGroups() {
		last := first + reader.RowGroup(group).NumRows()
		var wanted []int64
		for done := len(out.Null) + len(wanted); done < len(rows) && rows[done] < last; done++ {
			wanted = append(wanted, rows[done]-first)
		}
		if len(wanted) > 0 {
			if err := ctx.Err(); err != nil {
				return out, err
			}
			if err := readGroup(sized{object, f.Size}, f.Size, reader.RowGroup(group), leaves, c.Nested, numbers, wanted, &out); err != nil {
				return out, err
			}
		}
		first = last
	}
	if len(out.Null) != len(rows) {
		return out, fmt.Errorf("%d of %d rows asked for", len(out.Null), len(rows))
	}
	return out, nil
}

// openColumns opens a file for its columns. Arrow's schema tree refuses logical types younger than itself: they say nothing of
// how values are stored, and are left out where it does.
func openColumns(object store.Object, size int64) (*file.Reader, error) {
	reader, err := tryColumns(object, size)
	if err == nil {
		return reader, nil
	}
	tail := make([]byte, 8)
	if _, short := object.ReadAt(tail, size-8); short != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if length > min(size-12, maxFooter) {
		return nil, err
	}
	data := make([]byte, length)
	if _, short := object.ReadAt(data, size-8-length); short != nil {
		return nil, err
	}
	plain, wrong := withoutYoungTypes(data)
	if wrong != nil {
		return nil, err
	}
	meta, wrong := metadata.NewFileMetaData(plain, nil)
	if wrong != nil {
		return nil, err
	}
	return file.NewParquetReader(sized{object, size}, file.WithMetadata(meta), pageByPage())
}

// pageByPage reads no column chunk as a whole.
func pageByPage() file.ReadOption {
	properties := parquet.NewReaderProperties(nil)
	properties.BufferedStreamEnabled = true
	return file.WithReadProps(properties)
}

// tryColumns gives arrow's panic on such a type as an error.
func tryColumns(object store.Object, size int64) (reader *file.Reader, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	return file.NewParquetReader(sized{object, size}, pageByPage())
}

// withoutYoungTypes writes the metadata of a footer without the logical types that arrow does not know.
func withoutYoungTypes(data []byte) ([]byte, error) {
	meta := fresh(metadata.FileMetaData{}.FileMetaData)
	limits := &thrift.TConfiguration{MaxMessageSize: int32(min(len(data), math.MaxInt32))}
	if err := meta.Read(context.Background(), thrift.NewTCompactProtocolConf(&thrift.TMemoryBuffer{Buffer: bytes.NewBuffer(data)}, limits)); err != nil {
		return nil, err
	}
	for _, e := range meta.Schema {
		if e.LogicalType != nil && e.LogicalType.CountSetFieldsLogicalType() == 0 {
			e.LogicalType = nil
		}
	}
	return serialised(meta)
}

func serialised(meta thrift.TStruct) ([]byte, error) {
	buffer := thrift.NewTMemoryBuffer()
	if err := meta.Write(context.Background(), thrift.NewTCompactProtocolConf(buffer, nil)); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

// leavesBelow are the leaves of a column, by their numbers.
func leavesBelow(s *schema.Schema, c facts.Column) []int {
	var leaves []int
	c = c.Stored()
	for i := range s.NumColumns() {
		path := s.Column(i).ColumnPath()
		switch {
		case path[0] != c.Name:
		case c.Nested, len(path) > 1 == (c.Path != c.Name) && path.String() == c.Path:
			leaves = append(leaves, i)
		}
	}
	return leaves
}

// readGroup adds the wanted rows of a row group.
func readGroup(from io.ReaderAt, size int64, group *file.RowGroupReader, leaves []int, nested, numbers bool, wanted []int64, out *facts.Values) error {
	texts, null := make([]string, len(wanted)), make([]bool, len(wanted))
	for _, leaf := range leaves {
		if err := readable(group.MetaData(), leaf); err != nil {
			return err
		}
		column, err := chunks.Open(from, size, group.MetaData(), leaf)
		if err != nil {
			return err
		}
		at, row, enough := 0, int64(-1), false
		descriptor := column.Descriptor()
		optional := topOf(descriptor.SchemaNode()).RepetitionType() == parquet.Repetitions.Optional
		err = eachValue(column.ColumnChunkReader, func(definition, repetition int16, value any) bool {
			if repetition == 0 {
				row++
			}
			for at < len(wanted) && wanted[at] < row {
				at++
			}
			switch {
			case at == len(wanted):
				enough = true
			case wanted[at] != row:
			case nested:
				null[at] = optional && definition == 0
				texts[at] += item(descriptor, definition, repetition, value)
			case value == nil:
				null[at] = true
			case numbers:
				texts[at] = strconv.FormatInt(value.(int64), 10)
			default:
				texts[at] = render(descriptor, value)
			}
			return !enough
		})
		if err = cmp.Or(err, column.Err()); err != nil {
			return err
		}
		if !enough && row != group.NumRows()-1 {
			return fmt.Errorf("%d rows where the footer says %d", row+1, group.NumRows())
		}
	}
	out.Null = append(out.Null, null...)
	if !numbers {
		out.Texts = append(out.Texts, texts...)
		return nil
	}
	for i, text := range texts {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil && !null[i] {
			return err
		}
		out.Ints = append(out.Ints, n)
	}
	return nil
}

// readable fails on compressions and encodings that arrow does not decode: some of them it would take for a chunk without values.
func readable(group *metadata.RowGroupMetaData, leaf int) error {
	chunk, err := group.ColumnChunk(leaf)
	if err != nil {
		return err
	}
	switch codec := chunk.Compression(); codec {
	case compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd, compress.Codecs.Brotli, pages.CodecLZ4Raw:
	default:
		return facts.UnsupportedError{Feature: fmt.Sprintf("the compression %s of a column that is read from the bytes", codec), Instead: "another compression (snappy, zstd, gzip, brotli, lz4_raw or none)"}
	}
	for _, encoding := range chunk.Encodings() {
		ok := false
		switch encoding {
		case parquet.Encodings.Plain, parquet.Encodings.PlainDict, parquet.Encodings.RLE, parquet.Encodings.RLEDict, parquet.Encodings.BitPacked:
			ok = true
		case parquet.Encodings.DeltaBinaryPacked:
			ok = chunk.Type() == parquet.Types.Int32 || chunk.Type() == parquet.Types.Int64
		case parquet.Encodings.DeltaLengthByteArray, parquet.Encodings.DeltaByteArray:
			ok = chunk.Type() == parquet.Types.ByteArray
		}
		if !ok {
			return facts.UnsupportedError{Feature: fmt.Sprintf("the encoding %s of %s", encoding, chunk.Type()), Instead: "the encoding PLAIN or a dictionary for this column"}
		}
	}
	return nil
}

// topOf is the top-level column that a node lies in.
func topOf(n schema.Node) schema.Node {
	for n.Parent() != nil && n.Parent().Parent() != nil {
		n = n.Parent()
	}
	return n
}

// eachValue calls each for every level of a column chunk, with nil where no value stands, until it is false.
func eachValue(column file.ColumnChunkReader, each func(definition, repetition int16, value any) bool) error {
	switch r := column.(type) {
	case *file.BooleanColumnChunkReader:
		return drain(r, r.ReadBatch, each)
	case *file.Int32ColumnChunkReader:
		return drain(r, r.ReadBatch, func(d, p int16, v any) bool { return each(d, p, widened(v)) })
	case *file.Int64ColumnChunkReader:
		return drain(r, r.ReadBatch, each)
	case *file.Int96ColumnChunkReader:
		return drain(r, r.ReadBatch, each)
	case *file.Float32ColumnChunkReader:
		return drain(r, r.ReadBatch, each)
	case *file.Float64ColumnChunkReader:
		return drain(r, r.ReadBatch, each)
	case *file.ByteArrayColumnChunkReader:
		return drain(r, r.ReadBatch, each)
	case *file.FixedLenByteArrayColumnChunkReader:
		return drain(r, r.ReadBatch, each)
	}
	return fmt.Errorf("unexpected type %s", column.Type())
}

func widened(v any) any {
	if n, ok := v.(int32); ok {
		return int64(n)
	}
	return v
}

// drainedValues is how many levels are read at a time.
const drainedValues = 4096

// drain reads to the end of a chunk, or until each is false. Values are valid during the call only.
func drain[T any](column file.ColumnChunkReader, read func(int64, []T, []int16, []int16) (int64, int, error), each func(definition, repetition int16, value any) bool) error {
	top := column.Descriptor().MaxDefinitionLevel()
	buffer, definitions, repetitions := make([]T, drainedValues), make([]int16, drainedValues), make([]int16, drainedValues)
	for column.HasNext() {
		levels, _, err := read(drainedValues, buffer, definitions, repetitions)
		if err != nil {
			return err
		}
		if levels == 0 {
			break
		}
		next := 0
		for i := range int(levels) {
			if top > 0 && definitions[i] < top {
				if !each(definitions[i], repetitions[i], nil) {
					return nil
				}
				continue
			}
			if !each(top, repetitions[i], buffer[next]) {
				return nil
			}
			next++
		}
	}
	return nil
}

// item is one level of a nested column's leaf as text: how deep it stands and its value, told apart by its length.
func item(leaf *schema.Column, definition, repetition int16, value any) string {
	if value == nil {
		return fmt.Sprintf("%s@%d:%d;", leaf.Path(), repetition, definition)
	}
	text := render(leaf, value)
	return fmt.Sprintf("%s@%d=%d:%s;", leaf.Path(), repetition, len(text), text)
}

// render writes a value so that equal values of one meaning have equal texts.
func render(leaf *schema.Column, value any) string {
	switch logical := leaf.LogicalType().(type) {
	case *schema.DecimalLogicalType:
		return decimalText(unscaled(value), int(logical.Scale()))
	case *schema.TimestampLogicalType:
		return timestampText(nanosText(value, logical.TimeUnit()))
	case *schema.TimeLogicalType:
		return clockText(nanosText(value, logical.TimeUnit()))
	case schema.IntervalLogicalType:
		raw := value.(parquet.FixedLenByteArray)
		n := func(i int) uint32 { return binary.LittleEndian.Uint32(raw[i:]) }
		return fmt.Sprintf("%d months %d days %d ms", n(0), n(4), n(8))
	case *schema.IntLogicalType:
		if n, ok := value.(int64); ok && !logical.IsSigned() {
			return unsignedText(leaf, n)
		}
	}
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float32:
		return doubleText(float64(v))
	case float64:
		return doubleText(v)
	case parquet.Int96:
		return timestampText(int96Nanos(v).String())
	case parquet.ByteArray:
		return hex.EncodeToString(v)
	case parquet.FixedLenByteArray:
		return hex.EncodeToString(v)
	}
	return fmt.Sprint(value)
}

func unsignedText(leaf *schema.Column, n int64) string {
	if leaf.PhysicalType() == parquet.Types.Int32 {
		return strconv.FormatUint(uint64(uint32(n)), 10)
	}
	return strconv.FormatUint(uint64(n), 10)
}

// doubleText has one zero and one NaN.
func doubleText(v float64) string {
	if math.IsNaN(v) {
		return "NaN"
	}
	return strconv.FormatFloat(v+0, 'g', -1, 64)
}

// unscaled is the number that a decimal's bytes or integer hold: big-endian two's complement.
func unscaled(value any) *big.Int {
	var raw []byte
	switch v := value.(type) {
	case int64:
		return big.NewInt(v)
	case parquet.ByteArray:
		raw = v
	case parquet.FixedLenByteArray:
		raw = v
	}
	n := new(big.Int).SetBytes(raw)
	if len(raw) > 0 && raw[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	return n
}

// decimalText writes a decimal without zeros at the end of its fraction.
func decimalText(n *big.Int, scale int) string {
	digits := new(big.Int).Abs(n).String()
	if scale > 0 {
		if len(digits) <= scale {
			digits = strings.Repeat("0", scale-len(digits)+1) + digits
		}
		digits = strings.TrimRight(digits[:len(digits)-scale]+"."+digits[len(digits)-scale:], "0")
		digits = strings.TrimSuffix(digits, ".")
	}
	if n.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// nanosText counts nanoseconds, of any unit.
func nanosText(value any, unit schema.TimeUnitType) string {
	scale := map[schema.TimeUnitType]int64{schema.TimeUnitMillis: 1_000_000, schema.TimeUnitMicros: 1_000, schema.TimeUnitNanos: 1}[unit]
	return new(big.Int).Mul(big.NewInt(value.(int64)), big.NewInt(scale)).String()
}

// timestampText writes nanoseconds since 1970 as people do, as far as 64 bits go.
func timestampText(nanos string) string {
	n, err := strconv.ParseInt(nanos, 10, 64)
	if err != nil {
		return nanos
	}
	return time.Unix(0, n).UTC().Format("2006-01-02 15:04:05.999999999")
}

// clockText writes nanoseconds of a day as people do; others stay as they are.
func clockText(nanos string) string {
	n, err := strconv.ParseInt(nanos, 10, 64)
	if err != nil || n < 0 || n >= int64(24*time.Hour) {
		return nanos
	}
	return time.Unix(0, n).UTC().Format("15:04:05.999999999")
}

// julianEpoch is the Julian day number of 1970-01-01.
const julianEpoch = 2_440_588

// int96Nanos counts nanoseconds since 1970.
func int96Nanos(v parquet.Int96) *big.Int {
	days := int64(binary.LittleEndian.Uint32(v[8:])) - julianEpoch
	nanos := new(big.Int).Mul(big.NewInt(days), big.NewInt(86_400_000_000_000))
	return nanos.Add(nanos, new(big.Int).SetUint64(binary.LittleEndian.Uint64(v[:8])))
}
