package survey

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/times"
)

// column is a leaf to write: a node and its values of each row group.
type column struct {
	node   schema.Node
	groups [][]int64
}

func leafNode(t testing.TB, name string, logical schema.LogicalType, physical parquet.Type, length int) schema.Node {
	t.Helper()
	n, err := schema.NewPrimitiveNodeLogical(name, parquet.Repetitions.Required, logical, physical, length, -1)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func timestamp(t testing.TB, name string, utc bool, unit schema.TimeUnitType) schema.Node {
	t.Helper()
	return leafNode(t, name, schema.NewTimestampLogicalType(utc, unit), parquet.Types.Int64, 0)
}

// write makes a file of required columns.
func write(t testing.TB, path, createdBy string, columns ...column) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var fields schema.FieldList
	for _, c := range columns {
		fields = append(fields, c.node)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		t.Fatal(err)
	}
	options := []parquet.WriterProperty{parquet.WithStats(true)}
	if createdBy != "" {
		options = append(options, parquet.WithCreatedBy(createdBy))
	}
	w := file.NewParquetWriter(out, root, file.WithWriterProps(parquet.NewWriterProperties(options...)))
	for g := range columns[0].groups {
		rg := w.AppendRowGroup()
		for _, c := range columns {
			cw, err := rg.NextColumn()
			if err != nil {
				t.Fatal(err)
			}
			writeValues(t, cw, c.groups[g])
			if err := cw.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := rg.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func writeValues(t testing.TB, cw file.ColumnChunkWriter, values []int64) {
	t.Helper()
	var err error
	switch w := cw.(type) {
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(values, nil, nil)
	case *file.Int32ColumnChunkWriter:
		out := make([]int32, len(values))
		for i, v := range values {
			out[i] = int32(v)
		}
		_, err = w.WriteBatch(out, nil, nil)
	case *file.Float64ColumnChunkWriter:
		out := make([]float64, len(values))
		for i, v := range values {
			out[i] = float64(v)
		}
		_, err = w.WriteBatch(out, nil, nil)
	case *file.BooleanColumnChunkWriter:
		_, err = w.WriteBatch(make([]bool, len(values)), nil, nil)
	case *file.Int96ColumnChunkWriter:
		out := make([]parquet.Int96, len(values))
		for i, v := range values {
			binary.LittleEndian.PutUint64(out[i][:], uint64(v))
		}
		_, err = w.WriteBatch(out, nil, nil)
	case *file.ByteArrayColumnChunkWriter:
		out := make([]parquet.ByteArray, len(values))
		for i := range values {
			out[i] = parquet.ByteArray("2026-11-03T07:00:00Z")
		}
		_, err = w.WriteBatch(out, nil, nil)
	case *file.FixedLenByteArrayColumnChunkWriter:
		out := make([]parquet.FixedLenByteArray, len(values))
		for i := range values {
			out[i] = make(parquet.FixedLenByteArray, w.Descr().TypeLength())
		}
		_, err = w.WriteBatch(out, nil, nil)
	default:
		t.Fatalf("no writer for %T", cw)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// writeArrow makes a file of one record, with the arrow schema in its metadata.
func writeArrow(t testing.TB, path string, sc *arrow.Schema, fill func(*array.RecordBuilder)) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, sc)
	defer b.Release()
	fill(b)
	record := b.NewRecord()
	defer record.Release()
	w, err := pqarrow.NewFileWriter(sc, out, parquet.NewWriterProperties(), pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func micros(t testing.TB, text string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMicro()
}

// listOf lists all files of a folder as they are.
func listOf(t testing.TB, root string) facts.Listing {
	t.Helper()
	l, err := local.New().List(context.Background(), root, "**")
	if err != nil {
		t.Fatal(err)
	}
	listing := facts.Listing{Root: root}
	for i, e := range l.Entries {
		listing.Files = append(listing.Files, facts.File{ID: int32(i), Path: e.Path, Abs: e.Abs, Size: e.Size, ModTime: times.Instant(e.ModTime), Partition: -1, Schema: -1})
	}
	return listing
}

func survey(t testing.TB, root string, times ...model.TimeColumn) facts.Survey {
	t.Helper()
	v := model.View{}
	if len(times) > 0 {
		v.EventTime = times[0]
	}
	if len(times) > 1 {
		v.IngestedAt = times[1]
	}
	s, err := Survey(context.Background(), local.New(), listOf(t, root), RolesOf(v), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func float16(t testing.TB, name string) schema.Node {
	return leafNode(t, name, schema.Float16LogicalType{}, parquet.Types.FixedLenByteArray, 2)
}

const maxInt64 = int64(math.MaxInt64)
