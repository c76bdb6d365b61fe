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

// rows is how many each file has; every fourth is NULL.
const rows = 40

// write writes a file of one column of whole numbers or of texts, and gives what stands in it.
func write(t *testing.T, texts bool, options ...parquet.WriterProperty) ([]byte, []string) {
	t.Helper()
	var leaf schema.Node = schema.NewInt64Node("c", parquet.Repetitions.Optional, -1)
	if texts {
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
	want := make([]string, rows)
	for i := range rows {
		if want[i] = "NULL"; i%4 == 3 {
			levels = append(levels, 0)
			continue
		}
		levels = append(levels, 1)
		n := int64(i%7)*1000 - int64(i)
		if want[i] = fmt.Sprint(n); texts {
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

// TestADamagedPageEnds changes each byte of files in each encoding, compression and version of pages. All of them end: with an error, or
// with as many values as the footer counts.
func TestADamagedPageEnds(t *testing.T) {
	plain := parquet.WithDictionaryDefault(false)
	encodings := map[string]struct {
		texts   bool
		options []parquet.WriterProperty
	}{
		"dictionary of numbers": {false, nil},
		"dictionary of texts":   {true, nil},
		"plain numbers":         {false, []parquet.WriterProperty{plain}},
		"plain texts":           {true, []parquet.WriterProperty{plain}},
		"deltas":                {false, []parquet.WriterProperty{plain, parquet.WithEncoding(parquet.Encodings.DeltaBinaryPacked)}},
		"deltas of lengths":     {true, []parquet.WriterProperty{plain, parquet.WithEncoding(parquet.Encodings.DeltaLengthByteArray)}},
		"deltas of texts":       {true, []parquet.WriterProperty{plain, parquet.WithEncoding(parquet.Encodings.DeltaByteArray)}},
	}
	for name, encoding := range encodings {
		for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
			for _, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd, compress.Codecs.Brotli} {
				t.Run(fmt.Sprint(name, version, codec), func(t *testing.T) {
					data, want := write(t, encoding.texts, append(slices.Clone(encoding.options), parquet.WithDataPageVersion(version), parquet.WithCompression(codec), parquet.WithDataPageSize(64))...)
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
	data, _ := write(t, false)
	reader, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chunks.Open(bytes.NewReader(data), 20, reader.MetaData().RowGroup(0), 0); err == nil || !strings.Contains(err.Error(), "and the file has 20") {
		t.Error(err)
	}
}
