package survey

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"
	"github.com/apache/thrift/lib/go/thrift"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/pages"
	"github.com/featureaudit/featureaudit/audit/store"
)

// RepageLimits bound a copy of a file in smaller pages, in bytes.
type RepageLimits struct {
	// Page is the largest page that is held while it is read, with the dictionary of its chunk.
	Page int64
	// Group is how much the rows of a row group of the copy may take, uncompressed; one row is never cut.
	Group int64
	// Copy is how much all rows may take, uncompressed; 0 for any. A dictionary of large values may stand for a thousand times its bytes.
	Copy int64
}

// repagedRows are those of a row group of a copy at most: what writers make by default.
const repagedRows = 122_880

// repagedPage is the size at which a page of a copy ends, in bytes.
const repagedPage = 256 << 10

// leastGroupOfColumn is what each column of a row group takes at least, so that the copy's own footer stays small.
const leastGroupOfColumn = 16 << 10

// Repage writes a copy of a file with the same rows, in small pages and row groups, column by column: no more than one page is
// held. It has the top-level columns that are wanted. It gives the row groups of the copy, and the bytes of its largest row as far
// as they are known (exact up to a million rows). What is not copied exactly is an error: an encoding or a compression that is not
// known here, a page above the limits, rows that do not add up to those of the footer.
func Repage(ctx context.Context, st store.Store, f facts.File, wanted func(column string) bool, limits RepageLimits, sink io.Writer) (groups []facts.RowGroup, rowBytes int64, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
		if err != nil {
			err = fmt.Errorf("copy %s in smaller pages: %w", f.Path, err)
		}
	}()
	object, err := st.Open(ctx, f.Abs)
	if err != nil {
		return nil, 0, err
	}
	defer object.Close()
	r, err := newRepager(ctx, object, f, wanted, limits, sink)
	if err != nil {
		return nil, 0, err
	}
	if err := r.measure(); err != nil {
		return nil, 0, err
	}
	if err := r.copy(); err != nil {
		return nil, 0, err
	}
	for i := range r.cuts {
		for _, rows := range r.cuts[i] {
			groups = append(groups, facts.RowGroup{Rows: rows})
		}
	}
	return groups, r.largest, nil
}

// repager is a copy under way.
type repager struct {
	ctx    context.Context
	object store.Object
	file   facts.File
	limits RepageLimits
	sink   *countingWriter
	walker *pages.Reader
	schema *schema.Schema
	meta   *metadata.FileMetaData
	props  map[bool]*parquet.WriterProperties
	// leaves are the wanted ones, by their numbers in the file.
	leaves []int
	// page and dictionary are the memory that all pages are read into, one at a time.
	page, dictionary []byte
	// cuts are the rows of the row groups that each row group is cut into.
	cuts    [][]int64
	largest int64
	// garbage is how much was written of large values since the collector ran.
	garbage int64
}

// told counts what is written.
type countingWriter struct {
	io.Writer
	at int64
}

func (t *countingWriter) Write(p []byte) (int, error) {
	n, err := t.Writer.Write(p)
	t.at += int64(n)
	return n, err
}

// Tell is how much was written.
func (t *countingWriter) Tell() int64 { return t.at }

func newRepager(ctx context.Context, object store.Object, f facts.File, wanted func(string) bool, limits RepageLimits, sink io.Writer) (*repager, error) {
	data, problem := readTail(object, f)
	if problem != nil {
		return nil, errors.New(problem.Message)
	}
	meta := &metadata.FileMetaData{FileMetaData: fresh(metadata.FileMetaData{}.FileMetaData)}
	thriftLimits := &thrift.TConfiguration{MaxMessageSize: int32(min(len(data), math.MaxInt32))}
	if err := meta.FileMetaData.Read(ctx, thrift.NewTCompactProtocolConf(&thrift.TMemoryBuffer{Buffer: bytes.NewBuffer(data)}, thriftLimits)); err != nil {
		return nil, err
	}
	reader, err := openColumns(object, f.Size)
	if err != nil {
		return nil, err
	}
	r := &repager{ctx: ctx, object: object, file: f, limits: limits, sink: &countingWriter{Writer: sink}, walker: pages.NewReader(), schema: reader.MetaData().Schema, meta: meta}
	r.props = map[bool]*parquet.WriterProperties{}
	for _, dictionary := range []bool{false, true} {
		r.props[dictionary] = parquet.NewWriterProperties(parquet.WithDictionaryDefault(dictionary), parquet.WithDictionaryPageSizeLimit(repagedPage),
			parquet.WithDataPageSize(repagedPage), parquet.WithCompression(compress.Codecs.Snappy), parquet.WithStats(false), parquet.WithBatchSize(drainedValues))
	}
	for leaf := range r.schema.NumColumns() {
		if wanted(r.schema.Column(leaf).ColumnPath()[0]) {
			r.leaves = append(r.leaves, leaf)
		}
	}
	if len(r.leaves) == 0 {
		return nil, errors.New("it has none of the columns")
	}
	for at := range meta.RowGroups {
		for _, leaf := range r.leaves {
			if err := readable(reader.RowGroup(at).MetaData(), leaf); err != nil {
				return nil, err
			}
		}
	}
	return r, r.reserve()
}

// chunk is where a leaf of a row group stands.
func (r *repager) chunk(group, leaf int) (pages.Chunk, bool) {
	columns := r.meta.RowGroups[group].Columns
	if leaf >= len(columns) || columns[leaf].MetaData == nil {
		return pages.Chunk{}, false
	}
	place := columns[leaf].MetaData
	c := pages.Chunk{Codec: int32(place.Codec), Values: place.NumValues, Size: place.TotalCompressedSize, Offset: place.DataPageOffset}
	if first := place.DictionaryPageOffset; first != nil && *first > 0 && *first < c.Offset {
		c.Offset = *first
	}
	return c, c.Offset >= int64(len(magic)) && c.Size >= 0 && c.Offset+c.Size <= r.file.Size-8
}

// reserve makes room for the largest page and the largest dictionary.
func (r *repager) reserve() error {
	page, dictionary := int64(0), int64(0)
	for group := range r.meta.RowGroups {
		for _, leaf := range r.leaves {
			c, ok := r.chunk(group, leaf)
			if !ok {
				return fmt.Errorf("its footer places column %q of row group %d outside of it", r.schema.Column(leaf).Path(), group)
			}
			walk := r.walker.Walk(r.object, c)
			for p, more, err := walk.Next(); more || err != nil; p, more, err = walk.Next() {
				switch {
				case err != nil:
					return err
				case p.Dictionary:
					dictionary = max(dictionary, p.Uncompressed)
				default:
					page = max(page, p.Uncompressed)
				}
				if page+dictionary > r.limits.Page {
					return fmt.Errorf("a page of column %q takes %d bytes, and there is room for %d", r.schema.Column(leaf).Path(), page+dictionary, r.limits.Page)
				}
			}
		}
	}
	r.page, r.dictionary = make([]byte, page), make([]byte, dictionary)
	return nil
}

// load reads a page into the memory that is there for its kind.
func (r *repager) load(p pages.Page, codec int32) ([]byte, parquet.Encoding, error) {
	into := r.page
	if p.Dictionary {
		into = r.dictionary
	}
	into = into[:p.Uncompressed]
	return into, parquet.Encoding(p.Encoding), pages.Body(r.object, p, codec, into)
}

// measure finds out how large rows are, and where row groups are cut.
func (r *repager) measure() error {
	most := max(r.limits.Group, int64(len(r.leaves))*leastGroupOfColumn)
	total := int64(0)
	grown := func(bytes int64) error {
		if total += bytes; r.limits.Copy > 0 && total > r.limits.Copy {
			return fmt.Errorf("its rows take more than %d bytes one by one, and there is room for no more", r.limits.Copy)
		}
		return nil
	}
	for group, g := range r.meta.RowGroups {
		const entries = 1 << 20
		grain := max((g.NumRows+entries-1)/entries, 1)
		sizes := make([]uint32, (g.NumRows+grain-1)/grain)
		fixed := int64(0)
		for _, leaf := range r.leaves {
			descriptor := r.schema.Column(leaf)
			if descriptor.PhysicalType() != parquet.Types.ByteArray && descriptor.MaxRepetitionLevel() == 0 {
				fixed += widthOf(descriptor)
				continue
			}
			err := r.eachBatch(group, leaf, func(b batch) error {
				bytes := int64(0)
				for i := range b.levels {
					bytes += b.size(i)
					if b.row[i] >= 0 && b.row[i] < g.NumRows {
						at := b.row[i] / grain
						sizes[at] = uint32(min(int64(sizes[at])+b.size(i), math.MaxUint32))
					}
				}
				return grown(bytes)
			})
			if err != nil {
				return err
			}
		}
		if err := grown(fixed * g.NumRows); err != nil {
			return err
		}
		r.cuts = append(r.cuts, cut(sizes, grain, g.NumRows, fixed, most))
		for _, size := range sizes {
			r.largest = max(r.largest, int64(size)/grain+fixed)
		}
	}
	return nil
}

// cut gives the rows of row groups that take no more than so many bytes.
func cut(sizes []uint32, grain, rows, fixed, most int64) []int64 {
	var groups []int64
	open, bytes := int64(0), int64(0)
	for _, size := range sizes {
		step := min(grain, rows)
		more := int64(size) + fixed*step
		if open > 0 && (bytes+more > most || open+step > repagedRows) {
			groups, open, bytes = append(groups, open), 0, 0
		}
		open, bytes, rows = open+step, bytes+more, rows-step
	}
	if open > 0 {
		groups = append(groups, open)
	}
	return groups
}

// widthOf is what a value takes in memory.
func widthOf(c *schema.Column) int64 {
	switch c.PhysicalType() {
	case parquet.Types.Int32, parquet.Types.Float:
		return 4
	case parquet.Types.Boolean:
		return 1
	case parquet.Types.FixedLenByteArray:
		return int64(max(c.TypeLength(), 0))
	}
	return 16
}

// batch is some levels of a chunk.
type batch struct {
	levels int
	// row is the number of each level's row in the row group.
	row                      []int64
	definitions, repetitions []int16
	top                      int16
	// size is what the value of a level takes; write writes the levels of a range, whose first value is the given one.
	size  func(level int) int64
	write func(to file.ColumnChunkWriter, from, end, firstValue int) (values int, err error)
}

// holds says whether a level has a value.
func (b *batch) holds(level int) bool { return b.top == 0 || b.definitions[level] == b.top }

// eachBatch reads a chunk.
func (r *repager) eachBatch(group, leaf int, each func(batch) error) error {
	c, _ := r.chunk(group, leaf)
	descriptor := r.schema.Column(leaf)
	source := &PageReader{Walk: r.walker.Walk(r.object, c), Load: func(p pages.Page) ([]byte, parquet.Encoding, error) { return r.load(p, c.Codec) }, Leaf: descriptor}
	var err error
	rows := int64(-1)
	switch column := file.NewColumnReader(descriptor, source, memory.DefaultAllocator, &sync.Pool{New: func() any { return memory.NewResizableBuffer(memory.DefaultAllocator) }}).(type) {
	case *file.BooleanColumnChunkReader:
		rows, err = batches(r.ctx, column, source, column.ReadBatch, (*file.BooleanColumnChunkWriter).WriteBatch, nil, each)
	case *file.Int32ColumnChunkReader:
		rows, err = batches(r.ctx, column, source, column.ReadBatch, (*file.Int32ColumnChunkWriter).WriteBatch, nil, each)
	case *file.Int64ColumnChunkReader:
		rows, err = batches(r.ctx, column, source, column.ReadBatch, (*file.Int64ColumnChunkWriter).WriteBatch, nil, each)
	case *file.Int96ColumnChunkReader:
		rows, err = batches(r.ctx, column, source, column.ReadBatch, (*file.Int96ColumnChunkWriter).WriteBatch, nil, each)
	case *file.Float32ColumnChunkReader:
		rows, err = batches(r.ctx, column, source, column.ReadBatch, (*file.Float32ColumnChunkWriter).WriteBatch, nil, each)
	case *file.Float64ColumnChunkReader:
		rows, err = batches(r.ctx, column, source, column.ReadBatch, (*file.Float64ColumnChunkWriter).WriteBatch, nil, each)
	case *file.ByteArrayColumnChunkReader:
		length := func(v parquet.ByteArray) int64 { return int64(len(v)) + 16 }
		rows, err = batches(r.ctx, column, source, column.ReadBatch, (*file.ByteArrayColumnChunkWriter).WriteBatch, length, each)
	case *file.FixedLenByteArrayColumnChunkReader:
		rows, err = batches(r.ctx, column, source, column.ReadBatch, (*file.FixedLenByteArrayColumnChunkWriter).WriteBatch, nil, each)
	}
	if want := r.meta.RowGroups[group].NumRows; err == nil && rows != want {
		err = fmt.Errorf("column %q has %d rows in row group %d where the footer says %d", descriptor.Path(), rows, group, want)
	}
	return err
}

// batches reads a chunk to its end, a batch at a time: its values are good during the call only, and none reaches over a page. It
// gives the rows.
func batches[T any, W file.ColumnChunkWriter](ctx context.Context, column file.ColumnChunkReader, source *PageReader, read func(int64, []T, []int16, []int16) (int64, int, error),
	write func(W, []T, []int16, []int16) (int64, error), length func(T) int64, each func(batch) error) (int64, error) {
	descriptor := column.Descriptor()
	width := widthOf(descriptor)
	values, definitions, repetitions := make([]T, drainedValues), make([]int16, drainedValues), make([]int16, drainedValues)
	b := batch{row: make([]int64, drainedValues), top: descriptor.MaxDefinitionLevel()}
	repeated := descriptor.MaxRepetitionLevel() > 0
	row := int64(-1)
	for {
		source.Advance()
		if !column.HasNext() {
			break
		}
		source.Hold()
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		levels, _, err := read(drainedValues, values, definitions, repetitions)
		if err != nil {
			return 0, err
		}
		if levels == 0 {
			break
		}
		b.levels = int(levels)
		b.definitions, b.repetitions = definitions[:levels], repetitions[:levels]
		if b.top == 0 {
			b.definitions = nil
		}
		if !repeated {
			b.repetitions = nil
		}
		sizes := make([]int64, levels)
		next := 0
		for i := range b.levels {
			if !repeated || repetitions[i] == 0 {
				row++
			}
			b.row[i] = row
			switch {
			case !b.holds(i):
			case length == nil:
				sizes[i] = width
				next++
			default:
				sizes[i] = length(values[next])
				next++
			}
		}
		b.size = func(level int) int64 { return sizes[level] }
		b.write = func(to file.ColumnChunkWriter, from, end, firstValue int) (int, error) {
			count := end - from
			var d, p []int16
			if b.definitions != nil {
				d, count = b.definitions[from:end], 0
				for _, level := range d {
					if level == b.top {
						count++
					}
				}
			}
			if b.repetitions != nil {
				p = b.repetitions[from:end]
			}
			_, err := write(to.(W), values[firstValue:firstValue+count], d, p)
			return count, err
		}
		if err := each(b); err != nil {
			return 0, err
		}
	}
	if err := source.Err(); err != nil {
		return 0, err
	}
	return row + 1, column.Err()
}

// copy writes the columns one after the other, and the footer that makes row groups of their pieces.
func (r *repager) copy() error {
	if _, err := r.sink.Write([]byte(magic)); err != nil {
		return err
	}
	out := *r.meta.FileMetaData
	out.RowGroups, out.ColumnOrders, out.EncryptionAlgorithm = nil, nil, nil
	first := make([]int, len(r.meta.RowGroups))
	for at, g := range r.meta.RowGroups {
		first[at] = len(out.RowGroups)
		for _, rows := range r.cuts[at] {
			piece := *g
			piece.Columns, piece.SortingColumns, piece.FileOffset, piece.TotalCompressedSize, piece.Ordinal = nil, nil, nil, nil, nil
			piece.NumRows, piece.TotalByteSize = rows, 0
			out.RowGroups = append(out.RowGroups, &piece)
		}
	}
	for at := range r.meta.RowGroups {
		for _, leaf := range r.leaves {
			chunks, err := r.copyChunk(at, leaf)
			if err != nil {
				return err
			}
			for i, chunk := range chunks {
				piece := out.RowGroups[first[at]+i]
				piece.Columns = append(piece.Columns, chunk.Contents())
				piece.TotalByteSize += chunk.Contents().MetaData.TotalUncompressedSize
			}
		}
	}
	elements, err := r.elements()
	if err != nil {
		return err
	}
	out.Schema = out.Schema[:0:0]
	for _, at := range elements {
		out.Schema = append(out.Schema, r.meta.FileMetaData.Schema[at])
	}
	root := *out.Schema[0]
	fields := int32(r.fields())
	root.NumChildren = &fields
	out.Schema[0] = &root
	footer, err := serialised(&out)
	if err != nil {
		return err
	}
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	_, err = r.sink.Write(append(footer, magic...))
	return err
}

// fields is how many top-level columns are copied.
func (r *repager) fields() int {
	var names []string
	for _, leaf := range r.leaves {
		if name := r.schema.Column(leaf).ColumnPath()[0]; len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return len(names)
}

// elements are the nodes of the schema that are copied, by their numbers: the root, and all of each wanted top-level column.
func (r *repager) elements() ([]int, error) {
	kept, leaf := []int{0}, 0
	for at := 1; at < len(r.meta.FileMetaData.Schema); {
		end, leaves := at+1, 0
		for open := 1; open > 0; end++ {
			if end > len(r.meta.FileMetaData.Schema) {
				return nil, errors.New("its schema ends early")
			}
			children := int(r.meta.FileMetaData.Schema[end-1].GetNumChildren())
			if children == 0 {
				leaves++
			}
			if open += children - 1; open == 0 {
				break
			}
		}
		if slices.Contains(r.leaves, leaf) {
			for ; at < end; at++ {
				kept = append(kept, at)
			}
		}
		at, leaf = end, leaf+leaves
	}
	return kept, nil
}

// flushedBytes are the values that are handed to a writer at once, which looks at the size of its page then.
const flushedBytes = repagedPage / 2

// largeValue is the size of values, in bytes, from which on what arrow's writer lets lie of them is collected every garbageBytes.
const (
	largeValue   = 64 << 10
	garbageBytes = 8 << 20
)

// wrote counts bytes of large values. A writer lets lie several times what it writes, at a gigabyte a second; where a machine
// has no time for the collector, which runs beside it, that was more than the rest of the process.
func (r *repager) wrote(bytes int64) {
	if r.garbage += bytes; r.garbage >= garbageBytes {
		r.garbage = 0
		runtime.GC()
	}
}

// copyChunk writes a chunk as one for each row group that its own is cut into.
func (r *repager) copyChunk(group, leaf int) ([]*metadata.ColumnChunkMetaDataBuilder, error) {
	descriptor := r.schema.Column(leaf)
	props := r.props[r.meta.RowGroups[group].Columns[leaf].MetaData.DictionaryPageOffset != nil]
	cuts := r.cuts[group]
	var chunks []*metadata.ColumnChunkMetaDataBuilder
	var writer file.ColumnChunkWriter
	end := int64(0)
	open := func() error {
		if writer != nil {
			if err := writer.Close(); err != nil {
				return err
			}
		}
		builder := metadata.NewColumnChunkMetaDataBuilder(props, descriptor)
		pager, err := file.NewPageWriter(r.sink, compress.Codecs.Snappy, compress.DefaultCompressionLevel, builder, int16(len(chunks)), 0, memory.DefaultAllocator, false, nil, nil)
		if err != nil {
			return err
		}
		end += cuts[len(chunks)]
		chunks = append(chunks, builder)
		writer = file.NewColumnChunkWriter(builder, pager, props)
		return nil
	}
	err := r.eachBatch(group, leaf, func(b batch) error {
		from, value, bytes := 0, 0, int64(0)
		flush := func(to int) error {
			if to == from {
				return nil
			}
			values, err := b.write(writer, from, to, value)
			if bytes >= largeValue*int64(to-from) {
				r.wrote(bytes)
			}
			from, value, bytes = to, value+values, 0
			return err
		}
		for i := range b.levels {
			if b.row[i] >= end || writer == nil {
				if err := flush(i); err != nil {
					return err
				}
				if len(chunks) == len(cuts) {
					return errors.New("more rows than the footer says")
				}
				if err := open(); err != nil {
					return err
				}
			}
			if bytes += b.size(i); bytes > flushedBytes {
				if err := flush(i + 1); err != nil {
					return err
				}
			}
		}
		return flush(b.levels)
	})
	if err == nil && writer != nil {
		err = writer.Close()
	}
	if err == nil && len(chunks) != len(cuts) {
		err = errors.New("fewer rows than the footer says")
	}
	return chunks, err
}
