package iceberg

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/featureaudit/featureaudit/audit/internal/chunks"
)

// wholeFile is up to which size a Parquet file is read at once.
const wholeFile = 32 << 20

// columnFile is a Parquet file of which some columns are read.
type columnFile struct {
	source io.ReaderAt
	size   int64
	reader *file.Reader
	close  func() error
}

// openColumns opens a Parquet file, which must have so many rows.
func (f files) openColumns(ctx context.Context, abs string, size, rows int64) (c columnFile, err error) {
	defer recovered(&err)
	c.size = size
	if size <= wholeFile {
		data, err := f.read(ctx, abs, size)
		if err != nil {
			return columnFile{}, err
		}
		c.source, c.close = bytes.NewReader(data), func() error { return nil }
	} else {
		e, err := f.Stat(ctx, abs)
		if err == nil && e.Size != size {
			err = fmt.Errorf("it has %d bytes, and its manifest says %d: it is damaged", e.Size, size)
		}
		if err != nil {
			return columnFile{}, err
		}
		object, err := f.Open(ctx, abs)
		if err != nil {
			return columnFile{}, err
		}
		c.source, c.close = object, object.Close
	}
	properties := parquet.NewReaderProperties(memory.DefaultAllocator)
	properties.BufferedStreamEnabled, properties.BufferSize = true, 1<<20
	c.reader, err = file.NewParquetReader(io.NewSectionReader(c.source, 0, size), file.WithReadProps(properties))
	switch {
	case err != nil:
		err = fmt.Errorf("it does not decode: %w", err)
	case c.reader.NumRows() != rows:
		err = fmt.Errorf("it has %d rows, and its manifest says %d: one of them is damaged", c.reader.NumRows(), rows)
	}
	if err != nil {
		return columnFile{}, errors.Join(err, c.close())
	}
	return c, nil
}

// leaf finds a top-level column by its number, or by its name where the file has no numbers; -1 where it has none.
func (c columnFile) leaf(id int, name string) (leaf int, err error) {
	root, numbers, named, number := c.reader.MetaData().Schema.Root(), 0, -1, -1
	for i := range root.NumFields() {
		f := root.Field(i)
		if f.FieldID() >= 0 {
			numbers++
		}
		if int(f.FieldID()) == id {
			number = i
		}
		if f.Name() == name {
			named = i
		}
	}
	at := number
	if numbers == 0 {
		at = named
	}
	if at < 0 {
		return -1, nil
	}
	schema := c.reader.MetaData().Schema
	for i := range schema.NumColumns() {
		if schema.Column(i).ColumnPath()[0] == root.Field(at).Name() {
			if len(schema.Column(i).ColumnPath()) > 1 || schema.Column(i).MaxRepetitionLevel() > 0 || schema.Column(i).MaxDefinitionLevel() > 1 {
				return -1, fmt.Errorf("its column %s is a list, a map or a struct", root.Field(at).Name())
			}
			return i, nil
		}
	}
	return -1, fmt.Errorf("its column %s has no values", root.Field(at).Name())
}

// hasNumbers says whether columns of the file have numbers.
func (c columnFile) hasNumbers() bool {
	root := c.reader.MetaData().Schema.Root()
	for i := range root.NumFields() {
		if root.Field(i).FieldID() >= 0 {
			return true
		}
	}
	return false
}

// batchRows is how many values are decoded at once.
const batchRows = 8 << 10

// cells are the values of one column in some rows: whole numbers, or bytes that are valid until the next batch.
type cells struct {
	null  []bool
	ints  []int64
	bytes [][]byte
}

// each calls do with the values of some columns, a batch of rows at a time; a leaf of -1 is NULL in every row. first is the number of
// the batch's first row.
func (c columnFile) each(ctx context.Context, leaves []int, do func(first int64, rows int, columns []cells) error) (err error) {
	defer recovered(&err)
	first := int64(0)
	for g := range c.reader.NumRowGroups() {
		readers := make([]*column, len(leaves))
		for i, leaf := range leaves {
			if leaf < 0 {
				continue
			}
			if readers[i], err = c.column(g, leaf); err != nil {
				return err
			}
		}
		left := c.reader.MetaData().RowGroup(g).NumRows()
		columns := make([]cells, len(leaves))
		for left > 0 {
			rows := int(min(left, batchRows))
			for i, r := range readers {
				if r == nil {
					columns[i].null = allNull(rows)
				} else if columns[i], err = r.next(rows); err != nil {
					return err
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := do(first, rows, columns); err != nil {
				return err
			}
			left, first = left-int64(rows), first+int64(rows)
		}
	}
	return nil
}

func allNull(rows int) []bool {
	out := make([]bool, rows)
	for i := range out {
		out[i] = true
	}
	return out
}

// column reads one column of one row group.
type column struct {
	reader   chunks.Reader
	optional bool
	levels   []int16
	bools    []bool
	small    []int32
	ints     []int64
	texts    []parquet.ByteArray
	fixed    []parquet.FixedLenByteArray
}

// column opens a chunk, whose pages are compared with their checksums where they have any.
func (c columnFile) column(group, leaf int) (*column, error) {
	reader, err := chunks.Open(c.source, c.size, c.reader.MetaData().RowGroup(group), leaf)
	if err != nil {
		return nil, fmt.Errorf("it does not decode: %w", err)
	}
	return &column{reader: reader, optional: c.reader.MetaData().Schema.Column(leaf).MaxDefinitionLevel() > 0, levels: make([]int16, batchRows)}, nil
}

// next are the next rows, of which there must be so many.
func (c *column) next(rows int) (cells, error) {
	out := cells{null: make([]bool, rows)}
	var ints []int64
	var texts [][]byte
	for at := 0; at < rows; {
		n, err := c.batch(rows-at, &ints, &texts)
		if err == nil && n == 0 {
			err = cmp.Or(c.reader.Err(), io.ErrUnexpectedEOF)
		}
		if err != nil {
			return cells{}, fmt.Errorf("a column of it does not decode: %w", err)
		}
		for i := range int(n) {
			out.null[at+i] = c.optional && c.levels[i] == 0
		}
		at += int(n)
	}
	out.ints, out.bytes = make([]int64, rows), make([][]byte, rows)
	next := 0 // values stand without the NULLs between them
	for row := range rows {
		switch {
		case out.null[row]:
			continue
		case next < len(ints):
			out.ints[row] = ints[next]
		case next < len(texts):
			out.bytes[row] = texts[next]
		default:
			return cells{}, errors.New("a column of it has fewer values than rows: it is damaged")
		}
		next++
	}
	return out, nil
}

// batch reads up to so many rows and appends their values.
func (c *column) batch(rows int, ints *[]int64, texts *[][]byte) (n int64, err error) {
	values := 0
	switch r := c.reader.ColumnChunkReader.(type) {
	case *file.BooleanColumnChunkReader:
		c.bools = grown(c.bools, rows)
		n, values, err = r.ReadBatch(int64(rows), c.bools, c.levels, nil)
		for _, v := range c.bools[:values] {
			number := int64(0)
			if v {
				number = 1
			}
			*ints = append(*ints, number)
		}
	case *file.Int32ColumnChunkReader:
		c.small = grown(c.small, rows)
		n, values, err = r.ReadBatch(int64(rows), c.small, c.levels, nil)
		for _, v := range c.small[:values] {
			*ints = append(*ints, int64(v))
		}
	case *file.Int64ColumnChunkReader:
		c.ints = grown(c.ints, rows)
		n, values, err = r.ReadBatch(int64(rows), c.ints, c.levels, nil)
		*ints = append(*ints, c.ints[:values]...)
	case *file.ByteArrayColumnChunkReader:
		c.texts = grown(c.texts, rows)
		n, values, err = r.ReadBatch(int64(rows), c.texts, c.levels, nil)
		for _, v := range c.texts[:values] {
			*texts = append(*texts, v)
		}
	case *file.FixedLenByteArrayColumnChunkReader:
		c.fixed = grown(c.fixed, rows)
		n, values, err = r.ReadBatch(int64(rows), c.fixed, c.levels, nil)
		for _, v := range c.fixed[:values] {
			*texts = append(*texts, v)
		}
	default:
		err = fmt.Errorf("a column of the type %s is not read here", c.reader.Type())
	}
	return n, err
}

func grown[T any](buffer []T, size int) []T {
	if cap(buffer) < size {
		return make([]T, max(size, batchRows))[:size]
	}
	return buffer[:size]
}

// openColumns opens a Parquet file that a manifest lists.
func (t *table) openColumns(ctx context.Context, e entry) (columnFile, error) {
	abs, _, err := t.places.name(e.path)
	if err != nil {
		return columnFile{}, err
	}
	return t.files.openColumns(ctx, abs, e.size, e.rows)
}

// eachPosition calls do with the rows of each data file that a file of positions names, some at a time.
func (t *table) eachPosition(ctx context.Context, e entry, do func(path string, rows []int64) error) error {
	c, err := t.openColumns(ctx, e)
	if err != nil {
		return err
	}
	defer c.close()
	leaves, err := positionLeaves(c)
	if err != nil {
		return err
	}
	return c.each(ctx, leaves, func(_ int64, rows int, columns []cells) error {
		paths, numbers := columns[0], columns[1]
		for from := 0; from < rows; {
			if paths.null[from] || numbers.null[from] {
				return errors.New("it has a row without file_path or pos: it is damaged")
			}
			to := from + 1
			for to < rows && !numbers.null[to] && bytes.Equal(paths.bytes[to], paths.bytes[from]) && !paths.null[to] {
				to++
			}
			if err := do(string(paths.bytes[from]), numbers.ints[from:to]); err != nil {
				return err
			}
			from = to
		}
		return nil
	})
}

func positionLeaves(c columnFile) ([]int, error) {
	path, err := c.leaf(idPositionPath, "file_path")
	if err != nil {
		return nil, err
	}
	row, err := c.leaf(idPositionRow, "pos")
	if err != nil {
		return nil, err
	}
	if path < 0 || row < 0 {
		return nil, errors.New("it has no columns file_path and pos: it is damaged")
	}
	schema := c.reader.MetaData().Schema
	if schema.Column(path).PhysicalType() != parquet.Types.ByteArray || schema.Column(row).PhysicalType() != parquet.Types.Int64 {
		return nil, errors.New("its columns file_path and pos are no text and no 64-bit number: it is damaged")
	}
	return []int{path, row}, nil
}
