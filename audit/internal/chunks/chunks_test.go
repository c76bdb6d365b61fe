package chunks_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/featureaudit/featureaudit/audit/internal/chunks"
)

// rows is how many each damaged file has.
const rows = 40

// written is one column of whole numbers or of texts, in so many rows. Every fourth is NULL, or all are.
type written struct {
	texts bool
	rows  int
	nulls bool
}

// write writes a file of one column, and gives what stands in it.
func write(t *testing.T, of written, options ...parquet.WriterProperty) ([]byte, []string) {
	t.Helper()
	var leaf schema.Node = schema.NewInt64Node("c", parquet.Repetitions.Optional, -1)
	if of.texts {
		leaf = schema.NewByteArrayNode("c", parquet.Repetitions.Optional, -1)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{leaf}, -1)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(options...)))
	column, err := w.AppendRowGroup().NextColumn()
	if err != nil {
		t.Fatal(err)
	}
	var levels []int16
	var ints []int64
	var bytesOf []parquet.ByteArray
	want := make([]string, of.rows)
	for i := range of.rows {
		if want[i] = "NULL"; of.nulls || i%4 == 3 {
			levels = append(levels, 0)
			continue
		}
		levels = append(levels, 1)
		n := int64(i%7)*1000 - int64(i)
		if want[i] = fmt.Sprint(n); of.texts {
			want[i] = fmt.Sprint("value ", i%5)
		}
		ints, bytesOf = append(ints, n), append(bytesOf, parquet.ByteArray(want[i]))
	}
	switch column := column.(type) {
	case *file.Int64ColumnChunkWriter:
		_, err = column.WriteBatch(ints, levels, nil)
	case *file.ByteArrayColumnChunkWriter:
		_, err = column.WriteBatch(bytesOf, levels, nil)
	}
	if err == nil {
		err = column.Close()
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), want
}

// read reads the column, as those do that have a file which may be damaged: a panic is an error.
func read(data []byte) (got []string, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	reader, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	column, err := chunks.Open(bytes.NewReader(data), int64(len(data)), reader.MetaData().RowGroup(0), 0)
	if err != nil {
		return nil, err
	}
	levels := make([]int16, 16)
	for column.HasNext() {
		var n int64
		var values []string
		switch r := column.ColumnChunkReader.(type) {
		case *file.Int64ColumnChunkReader:
			batch, there := make([]int64, 16), 0
			n, there, err = r.ReadBatch(16, batch, levels, nil)
			for _, v := range batch[:there] {
				values = append(values, fmt.Sprint(v))
			}
		case *file.ByteArrayColumnChunkReader:
			batch, there := make([]parquet.ByteArray, 16), 0
			n, there, err = r.ReadBatch(16, batch, levels, nil)
			for _, v := range batch[:there] {
				values = append(values, string(v))
			}
		}
		if err != nil || n == 0 {
			break
		}
		for _, level := range levels[:n] {
			if level == 0 {
				got = append(got, "NULL")
				continue
			}
			got, values = append(got, values[0]), values[1:]
		}
	}
	if err == nil {
		err = column.Err()
	}
	return got, err
}

// encoded is a way to write a column.
type encoded struct {
	texts   bool
	options []parquet.WriterProperty
}

func encodings() map[string]encoded {
	plain := parquet.WithDictionaryDefault(false)
	return map[string]encoded{
		"dictionary of numbers": {false, nil},
		"dictionary of texts":   {true, nil},
		"plain numbers":         {false, []parquet.WriterProperty{plain}},
		"plain texts":           {true, []parquet.WriterProperty{plain}},
		"deltas":                {false, []parquet.WriterProperty{plain, parquet.WithEncoding(parquet.Encodings.DeltaBinaryPacked)}},
		"deltas of lengths":     {true, []parquet.WriterProperty{plain, parquet.WithEncoding(parquet.Encodings.DeltaLengthByteArray)}},
		"deltas of texts":       {true, []parquet.WriterProperty{plain, parquet.WithEncoding(parquet.Encodings.DeltaByteArray)}},
	}
}

var (
	versions = []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2}
	codecs   = []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd, compress.Codecs.Brotli}
)

// with adds a version of pages, a compression and a size of pages.
func (e encoded) with(version parquet.DataPageVersion, codec compress.Compression, page int64) []parquet.WriterProperty {
	return append(slices.Clone(e.options), parquet.WithDataPageVersion(version), parquet.WithCompression(codec), parquet.WithDataPageSize(page))
}

// TestSoundPagesAreRead reads columns of one row, and around the sizes at which encodings begin another block: a sound file is no damaged one.
func TestSoundPagesAreRead(t *testing.T) {
	for name, encoding := range encodings() {
		for _, version := range versions {
			for _, codec := range codecs {
				for _, n := range []int{1, 2, 9, 127, 128, 129, 172, 173, 300, 5000} { // three of four are no NULL: the second block of deltas begins with the 173rd row
					for _, nulls := range []bool{false, true} {
						data, want := write(t, written{encoding.texts, n, nulls}, encoding.with(version, codec, 8<<10)...)
						if got, err := read(data); err != nil || !slices.Equal(got, want) {
							t.Errorf("%s, version %d, %s, %d rows, all NULL %v: %d values, %v", name, version, codec, n, nulls, len(got), err)
						}
					}
				}
			}
		}
	}
}

// TestADamagedPageEnds changes each byte of files in each encoding, compression and version of pages. All of them end: with an error, or
// with as many values as the footer counts.
func TestADamagedPageEnds(t *testing.T) {
	for name, encoding := range encodings() {
		for _, version := range versions {
			for _, codec := range codecs {
				t.Run(fmt.Sprint(name, version, codec), func(t *testing.T) {
					data, want := write(t, written{texts: encoding.texts, rows: rows}, encoding.with(version, codec, 64)...)
					if got, err := read(data); err != nil || !slices.Equal(got, want) {
						t.Fatalf("%v, %v", got, err)
					}
					damage(t, data)
				})
			}
		}
	}
}

// damage changes each byte of a file that is none of its footer, and some bits of it in turn.
func damage(t *testing.T, data []byte) {
	t.Helper()
	footer := bytes.LastIndex(data, []byte("schema"))
	for at := range data[:footer] {
		damaged := slices.Clone(data)
		damaged[at] ^= []byte{1, 0x80, 0xff, 0x10, 2, 0x40}[at%6]
		done := make(chan string, 1)
		go func() {
			got, err := read(damaged)
			if err == nil && len(got) != rows {
				done <- fmt.Sprintf("%d values and no error", len(got))
			}
			close(done)
		}()
		select {
		case wrong := <-done:
			if wrong != "" {
				t.Errorf("byte %d: %s", at, wrong)
			}
		case <-time.After(time.Minute):
			t.Fatalf("byte %d: it does not end", at)
		}
	}
}

// TestChunksOutsideOfTheFile refuses what a footer places beyond its file, before memory is taken for it.
func TestChunksOutsideOfTheFile(t *testing.T) {
	data, _ := write(t, written{rows: rows})
	reader, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chunks.Open(bytes.NewReader(data), 20, reader.MetaData().RowGroup(0), 0); err == nil || !strings.Contains(err.Error(), "and the file has 20") {
		t.Error(err)
	}
}
