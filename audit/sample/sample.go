// Package sample copies the form of a Parquet file without its values, so that a fault of reading can be shown to others: names, types,
// encodings, compression, row groups, nulls, repeats and the order of values stay, and each value is another.
package sample

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// Options bound a sample.
type Options struct {
	// Rows is how many rows of each row group are kept, its first ones; 0 keeps all.
	Rows int64
	// Groups is how many row groups are kept, the first ones; 0 keeps all.
	Groups int
}

// Kept says what a sample holds of its file.
type Kept struct {
	Rows, RowsOf     int64
	Groups, GroupsOf int
}

// UnreadableError says that a file cannot be read here, or that its values cannot: writing the sample had no part in it.
type UnreadableError struct{ Err error }

func (e UnreadableError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e UnreadableError) Unwrap() error { return e.Err }

// origin is when the times of samples begin.
var origin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Write reads a Parquet file and writes its sample; what is kept is held in memory. An UnreadableError names the row group and the column
// that could not be read; other errors are those of writing.
func Write(w io.Writer, r parquet.ReaderAtSeeker, o Options) (Kept, error) {
	reader, columns, kept, err := open(r, o)
	if err != nil {
		return Kept{}, UnreadableError{err}
	}
	defer reader.Close()
	for i := range columns {
		columns[i].replace()
	}
	if err := write(w, reader, columns, kept); err != nil {
		return Kept{}, err
	}
	return kept, nil
}

// open reads what is kept of a file. Arrow panics on files that are damaged in ways that it does not look for.
func open(r parquet.ReaderAtSeeker, o Options) (reader *file.Reader, columns []column, kept Kept, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the file is damaged: %v", p)
		}
	}()
	if reader, err = file.NewParquetReader(r); err != nil {
		return nil, nil, Kept{}, fmt.Errorf("read the footer: %w", err)
	}
	if columns, kept, err = read(reader, o); err != nil {
		return nil, nil, Kept{}, errors.Join(err, reader.Close())
	}
	return reader, columns, kept, nil
}

// column is one leaf of the schema: its chunks, one for each row group that is kept.
type column struct {
	descriptor *schema.Column
	chunks     []chunk
}

// chunk holds the first rows of a column chunk: their levels, and the values that are not null.
type chunk struct {
	rows                 int64
	definition, repeated []int16
	values               values
}

func read(reader *file.Reader, o Options) ([]column, Kept, error) {
	kept := Kept{RowsOf: reader.NumRows(), GroupsOf: reader.NumRowGroups(), Groups: reader.NumRowGroups()}
	if o.Groups > 0 {
		kept.Groups = min(kept.Groups, o.Groups)
	}
	root := reader.MetaData().Schema
	columns := make([]column, root.NumColumns())
	for c := range columns {
		columns[c].descriptor = root.Column(c)
		for g := range kept.Groups {
			chunk, err := readChunk(reader.RowGroup(g), c, o.Rows)
			if err != nil {
				return nil, Kept{}, fmt.Errorf("row group %d, column %s: %w", g, columns[c].descriptor.Path(), err)
			}
			columns[c].chunks = append(columns[c].chunks, chunk)
		}
	}
	for g := range kept.Groups {
		if len(columns) > 0 {
			kept.Rows += columns[0].chunks[g].rows
		}
	}
	return columns, kept, nil
}

// batch is how many levels are read at a time.
const batch = 1 << 12

func readChunk(group *file.RowGroupReader, c int, rows int64) (chunk, error) {
	if rows <= 0 || rows > group.NumRows() {
		rows = group.NumRows()
	}
	reader, err := group.Column(c)
	if err != nil {
		return chunk{}, err
	}
	held, err := valuesOf(reader)
	if err != nil {
		return chunk{}, err
	}
	all := chunk{values: held}
	definition, repeated := make([]int16, batch), make([]int16, batch)
	nested := reader.Descriptor().MaxRepetitionLevel() > 0
	for reader.HasNext() && all.rows <= rows {
		want := int64(batch)
		if !nested {
			want = min(want, rows-all.rows)
		}
		if want == 0 {
			break
		}
		total, _, err := held.read(want, definition, repeated)
		if err != nil {
			return chunk{}, err
		}
		if total == 0 {
			break
		}
		if !nested {
			clear(repeated[:total])
		}
		if reader.Descriptor().MaxDefinitionLevel() == 0 {
			clear(definition[:total])
		}
		all.add(definition[:total], repeated[:total], rows)
	}
	if err := reader.Err(); err != nil {
		return chunk{}, err
	}
	all.values.cut(all.present(reader.Descriptor().MaxDefinitionLevel()))
	all.rows = min(all.rows, rows)
	return all, nil
}

// add keeps the levels of the rows that are wanted.
func (c *chunk) add(definition, repeated []int16, rows int64) {
	for i := range definition {
		if repeated[i] == 0 {
			c.rows++
		}
		if c.rows > rows {
			return
		}
		c.definition, c.repeated = append(c.definition, definition[i]), append(c.repeated, repeated[i])
	}
}

// present counts the values that are not null among the levels that were kept.
func (c *chunk) present(level int16) int {
	n := 0
	for _, d := range c.definition {
		if d == level {
			n++
		}
	}
	return n
}

// replace gives each value of the column another one, the same for the same and in the same order.
func (c *column) replace() {
	all := make([]values, len(c.chunks))
	for i := range c.chunks {
		all[i] = c.chunks[i].values
	}
	if len(all) > 0 {
		all[0].replace(c.descriptor, all)
	}
}

func write(w io.Writer, reader *file.Reader, columns []column, kept Kept) (err error) {
	out := &firstError{w: w}
	defer func() { err = cmp.Or(out.err, err) }()
	// arrow panics where the first bytes cannot be written
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
			if cause, ok := p.(error); ok {
				err = cause
			}
		}
	}()
	properties := writerProperties(reader.MetaData(), reader.NumRowGroups())
	writer := file.NewParquetWriter(out, reader.MetaData().Schema.Root(), file.WithWriterProps(properties))
	for g := range kept.Groups {
		group := writer.AppendRowGroup()
		for c := range columns {
			chunkWriter, err := group.NextColumn()
			if err != nil {
				return errors.Join(err, writer.Close())
			}
			chunk := columns[c].chunks[g]
			if err := chunk.values.write(chunkWriter, chunk.definition, chunk.repeated); err != nil {
				return errors.Join(fmt.Errorf("write row group %d, column %s: %w", g, columns[c].descriptor.Path(), err), writer.Close())
			}
			if err := chunkWriter.Close(); err != nil {
				return errors.Join(err, writer.Close())
			}
		}
		if err := group.Close(); err != nil {
			return errors.Join(err, writer.Close())
		}
	}
	return writer.Close()
}

// firstError is a writer that keeps its first error, since arrow passes over some, and takes nothing after it. It is no Closer: whoever
// opened the file closes it.
type firstError struct {
	w   io.Writer
	err error
}

func (f *firstError) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.w.Write(p)
	f.err = err
	return n, err
}

// writerProperties are those that the file was written with, as far as its first row group tells.
func writerProperties(m *metadata.FileMetaData, groups int) *parquet.WriterProperties {
	options := []parquet.WriterProperty{parquet.WithCreatedBy(m.GetCreatedBy()), parquet.WithStats(true)}
	if groups == 0 {
		return parquet.NewWriterProperties(options...)
	}
	group := m.RowGroup(0)
	for c := range m.Schema.NumColumns() {
		chunk, err := group.ColumnChunk(c)
		if err != nil {
			continue
		}
		path := m.Schema.Column(c).Path()
		dictionary, encoding := encodingOf(chunk.Encodings())
		options = append(options, parquet.WithDictionaryFor(path, dictionary), parquet.WithCompressionFor(path, chunk.Compression()))
		if encoding != parquet.Encodings.Plain && m.Schema.Column(c).PhysicalType() != parquet.Types.Boolean {
			options = append(options, parquet.WithEncodingFor(path, encoding))
		}
	}
	return parquet.NewWriterProperties(options...)
}

// encodingOf says whether a chunk has a dictionary, and how its other values are written.
func encodingOf(all []parquet.Encoding) (dictionary bool, values parquet.Encoding) {
	values = parquet.Encodings.Plain
	for _, e := range all {
		switch e {
		case parquet.Encodings.PlainDict, parquet.Encodings.RLEDict:
			dictionary = true
		case parquet.Encodings.DeltaBinaryPacked, parquet.Encodings.DeltaLengthByteArray, parquet.Encodings.DeltaByteArray:
			values = e
		}
	}
	return dictionary, values
}
