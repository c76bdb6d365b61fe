package export

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Duplicate is one row of a repeated key.
type Duplicate struct {
	View string
	// Key is a JSON object of the key's columns in their order; sensitive values, like a sensitive source, by their other names.
	Key string
	// Class is replay, conflict or shifted_twin; Kept says that the audit counts the key's other rows as surplus.
	Class string
	Kept  bool
	File  string
	// RowNumber is the row's number in the file, from 0.
	RowNumber int64
	// EventTime and IngestedAt are times.None without one, and where their column is sensitive.
	EventTime, IngestedAt times.Instant
	Source                string
	// Differs names the columns in which the key's rows differ.
	Differs facts.Names
}

// Duplicates turns the rows that an audit kept of a view, by these key columns, into rows to write. Their sources are named already. Aside
// keeps each of their texts, and gives one that is equal; nil keeps them in memory.
func Duplicates(mask *sensitive.Mask, view model.View, key []string, files []facts.File, rows []facts.DuplicateRow, aside Texts) ([]Duplicate, error) {
	out := make([]Duplicate, 0, len(rows))
	noEvent := sensitive.HidesTime(view, func(s model.SourcePolicy) model.TimeColumn { return s.EventTime }, view.EventTime)
	noIngest := sensitive.HidesTime(view, func(s model.SourcePolicy) model.TimeColumn { return s.IngestedAt }, view.IngestedAt)
	named := namedKeys{mask: mask, view: view, columns: key, aside: aside, known: map[*string]string{}}
	for _, r := range byPlace(rows) { // values are numbered in the order of files and rows
		text, err := named.text(r.Key)
		if err != nil {
			return nil, fmt.Errorf("key of row %d of %s: %w", r.Row, files[r.File].Path, err)
		}
		if noEvent {
			r.EventTime = times.None
		}
		if noIngest {
			r.Ingested = times.None
		}
		out = append(out, Duplicate{View: view.Name, Key: text, Class: string(r.Class), Kept: r.Kept, File: files[r.File].Path, RowNumber: r.Row,
			EventTime: r.EventTime, IngestedAt: r.Ingested, Source: r.Source, Differs: r.Differs})
	}
	slices.SortStableFunc(out, func(a, b Duplicate) int {
		return cmp.Or(named.compare(a.Key, b.Key), -compareBool(a.Kept, b.Kept), cmp.Compare(a.File, b.File), cmp.Compare(a.RowNumber, b.RowNumber))
	})
	return out, nil
}

// Texts keeps texts outside of memory where they are long.
type Texts interface {
	// Keep gives a text that is equal.
	Keep(text string) (string, error)
	// Compare compares texts as cmp.Compare does, and looks at as little of those that it keeps as it can.
	Compare(a, b string) int
}

// namedKeys writes keys as they are shown.
type namedKeys struct {
	mask    *sensitive.Mask
	view    model.View
	columns []string
	aside   Texts
	// known are the texts of keys of which several rows share the values.
	known map[*string]string
}

func (n namedKeys) text(values []string) (string, error) {
	if len(values) > 0 {
		if text, known := n.known[&values[0]]; known {
			return text, nil
		}
	}
	text, err := keyText(n.mask, n.view, n.columns, values)
	if err == nil && n.aside != nil {
		text, err = n.aside.Keep(text)
	}
	if err == nil && len(values) > 0 {
		n.known[&values[0]] = text
	}
	return text, err
}

func (n namedKeys) compare(a, b string) int {
	if n.aside == nil {
		return cmp.Compare(a, b)
	}
	return n.aside.Compare(a, b)
}

func byPlace(rows []facts.DuplicateRow) []facts.DuplicateRow {
	sorted := slices.Clone(rows)
	slices.SortFunc(sorted, func(a, b facts.DuplicateRow) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row))
	})
	return sorted
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// keyText writes a key as a JSON object, its columns in their own order.
func keyText(mask *sensitive.Mask, view model.View, columns, values []string) (string, error) {
	if len(columns) != len(values) {
		return "", fmt.Errorf("%d values for %d columns", len(values), len(columns))
	}
	var text strings.Builder
	text.WriteByte('{')
	for i, column := range columns {
		if i > 0 {
			text.WriteByte(',')
		}
		value := mask.Value(view, column, values[i])
		name, err := json.Marshal(column)
		if err != nil {
			return "", err
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			return "", err
		}
		text.Write(name)
		text.WriteByte(':')
		text.Write(quoted)
	}
	text.WriteByte('}')
	return text.String(), nil
}

var columns = []string{"view", "key", "class", "kept", "file", "row_number", "event_time", "ingested_at", "source", "differs"}

// WriteCSV writes the rows as RFC 4180 CSV with a header; times are RFC 3339 UTC, absent ones empty. CSV is read on terminals and
// by spreadsheets: what is not printed stands as escapes, and what would be a formula begins with a quote. Parquet has the
// values as they are.
func WriteCSV(w io.Writer, rows []Duplicate) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	for _, r := range rows {
		err := out.Write([]string{cell(r.View), string(report.EscapeHidden([]byte(r.Key))), r.Class, strconv.FormatBool(r.Kept), cell(r.File), strconv.FormatInt(r.RowNumber, 10),
			instant(r.EventTime), instant(r.IngestedAt), cell(r.Source), cell(strings.Join(r.Differs.Sorted(), ";"))})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// cell makes a text harmless in CSV.
func cell(text string) string {
	text = report.Clean(text)
	if strings.IndexAny(strings.TrimLeft(text, " "), "=+-@＝＋－＠") == 0 {
		return "'" + text
	}
	return text
}

func instant(at times.Instant) string {
	if !at.Known() {
		return ""
	}
	return at.Time().Format(time.RFC3339Nano)
}

// WriteParquet writes the rows as one Parquet file: times are TIMESTAMP(us, UTC), differs is a list of strings.
func WriteParquet(w io.Writer, rows []Duplicate) error {
	timestamp := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "view", Type: arrow.BinaryTypes.String}, {Name: "key", Type: arrow.BinaryTypes.String},
		{Name: "class", Type: arrow.BinaryTypes.String}, {Name: "kept", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "file", Type: arrow.BinaryTypes.String}, {Name: "row_number", Type: arrow.PrimitiveTypes.Int64},
		{Name: "event_time", Type: timestamp, Nullable: true}, {Name: "ingested_at", Type: timestamp, Nullable: true},
		{Name: "source", Type: arrow.BinaryTypes.String}, {Name: "differs", Type: arrow.ListOf(arrow.BinaryTypes.String)},
	}, nil)
	out, err := newRecords(w, schema)
	if err != nil {
		return err
	}
	builder := out.builder
	for _, r := range rows {
		for i, text := range map[int]string{0: r.View, 1: r.Key, 2: r.Class, 4: r.File, 8: r.Source} {
			builder.Field(i).(*array.StringBuilder).Append(text)
		}
		builder.Field(3).(*array.BooleanBuilder).Append(r.Kept)
		builder.Field(5).(*array.Int64Builder).Append(r.RowNumber)
		appendInstant(builder.Field(6).(*array.TimestampBuilder), r.EventTime)
		appendInstant(builder.Field(7).(*array.TimestampBuilder), r.IngestedAt)
		list := builder.Field(9).(*array.ListBuilder)
		list.Append(true)
		texts := len(r.Key)
		for _, name := range r.Differs.Sorted() {
			list.ValueBuilder().(*array.StringBuilder).Append(name)
			texts += len(name)
		}
		if err := out.wrote(texts); err != nil {
			return err
		}
	}
	return out.close()
}

// records is a Parquet file that is written from a builder, in row groups of about groupBytes of long texts.
type records struct {
	builder *array.RecordBuilder
	writer  *pqarrow.FileWriter
	bytes   int
	written bool
}

// groupBytes are the long texts, in bytes, that are held until they are written.
const groupBytes = 8 << 20

func newRecords(w io.Writer, schema *arrow.Schema) (*records, error) {
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithCreatedBy("featureaudit"))
	writer, err := pqarrow.NewFileWriter(schema, unclosed{w}, properties, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	return &records{builder: array.NewRecordBuilder(memory.DefaultAllocator, schema), writer: writer}, nil
}

// wrote counts the longest text of a row that is in the builder now.
func (r *records) wrote(bytes int) error {
	if r.bytes += bytes; r.bytes < groupBytes {
		return nil
	}
	return r.flush()
}

func (r *records) flush() error {
	record := r.builder.NewRecord()
	defer record.Release()
	r.bytes, r.written = 0, true
	return r.writer.Write(record)
}

// close writes what is left, and the end of the file.
func (r *records) close() error {
	defer r.builder.Release()
	if r.builder.Field(0).Len() > 0 || !r.written {
		if err := r.flush(); err != nil {
			return err
		}
	}
	return r.writer.Close()
}

func appendInstant(b *array.TimestampBuilder, at times.Instant) {
	if !at.Known() {
		b.AppendNull()
		return
	}
	b.Append(arrow.Timestamp(at))
}

// unclosed keeps the Parquet writer from closing what it was lent.
type unclosed struct{ io.Writer }
