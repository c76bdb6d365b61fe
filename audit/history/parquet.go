package history

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/featureaudit/featureaudit/audit/report"
)

// Schema is the identifier and version of a file of the history.
const Schema = "featureaudit.history/v1"

const schemaStem = "featureaudit.history/"

// digestMark stands before the digest of a file in its footer. The digest is of the whole file with digestBlank in its place, so
// that a file is known to be whole before any of it is parsed.
const digestMark = "featureaudit.digest=sha256:"

var digestBlank = strings.Repeat("0", 2*sha256.Size)

// column is one column of the rows.
type column struct {
	name string
	kind arrow.DataType
	// value is what a row has in it: a string, int64, float64, bool, an instant, or nil.
	value func(r Row) any
}

// instant is a time in microseconds UTC.
type instant int64

var microseconds = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

func columns() []column {
	text := func(name string, of func(r Row) string) column {
		return column{name, arrow.BinaryTypes.String, func(r Row) any {
			if s := of(r); s != "" {
				return s
			}
			return nil
		}}
	}
	whole := func(name string, of func(r Row) int64) column {
		return column{name, arrow.PrimitiveTypes.Int64, func(r Row) any { return of(r) }}
	}
	only := func(kind string, c column) column {
		value := c.value
		c.value = func(r Row) any {
			if r.Kind != kind {
				return nil
			}
			return value(r)
		}
		return c
	}
	return []column{
		{"as_of", microseconds, func(r Row) any { return instant(r.AsOf) }},
		{"kind", arrow.BinaryTypes.String, func(r Row) any { return r.Kind }},
		text("project", func(r Row) string { return r.Project }),
		{"view", arrow.BinaryTypes.String, func(r Row) any { return r.View }},
		{"check_id", arrow.BinaryTypes.String, func(r Row) any { return r.Check }},
		text("owner", func(r Row) string { return r.Owner }),
		text("outcome", func(r Row) string { return r.Outcome }),
		text("severity", func(r Row) string { return r.Severity }),
		text("evidence", func(r Row) string { return r.Evidence }),
		text("unit", func(r Row) string { return r.Unit }),
		{"rows_total", arrow.PrimitiveTypes.Int64, func(r Row) any {
			if r.Kind == kindFinding && !r.Named {
				return nil
			}
			return r.RowsTotal
		}},
		whole("rows_bad", func(r Row) int64 { return r.RowsBad }),
		only(kindResult, whole("findings", func(r Row) int64 { return r.Findings })),
		text("message", func(r Row) string { return r.Message }),
		text("fingerprint", func(r Row) string { return r.Fingerprint }),
		text("partition", func(r Row) string { return r.Subject.Partition }),
		text("source", func(r Row) string { return r.Subject.Source }),
		text("file", func(r Row) string { return r.Subject.File }),
		text("column_name", func(r Row) string { return r.Subject.Column }),
		text("object", func(r Row) string { return r.Subject.Object }),
		only(kindFinding, column{"subject_known", arrow.FixedWidthTypes.Boolean, func(r Row) any { return r.Named }}),
		only(kindFinding, column{"suppressed", arrow.FixedWidthTypes.Boolean, func(r Row) any { return r.Suppressed }}),
		only(kindResult, column{"looked", arrow.FixedWidthTypes.Boolean, func(r Row) any { return r.Looked }}),
		text("measures", func(r Row) string { return r.Measures }),
		whole("view_rows", func(r Row) int64 { return r.ViewRows }),
		whole("view_files", func(r Row) int64 { return r.ViewFiles }),
		whole("view_bytes", func(r Row) int64 { return r.ViewBytes }),
		{"newest_event_time", microseconds, func(r Row) any {
			at, err := time.Parse(time.RFC3339Nano, r.NewestEventTime)
			if err != nil {
				return nil
			}
			return instant(at.UnixMicro())
		}},
		{"age_seconds", arrow.PrimitiveTypes.Float64, func(r Row) any {
			if r.AgeSeconds == nil {
				return nil
			}
			return *r.AgeSeconds
		}},
		text("run", func(r Row) string { return r.ID }),
		text("report_id", func(r Row) string { return r.ReportID }),
		text("range", func(r Row) string { return r.Range }),
		text("selection", func(r Row) string { return r.Selection }),
		text("config_digest", func(r Row) string { return r.ConfigDigest }),
		text("hash_key_id", func(r Row) string { return r.HashKeyID }),
		text("version", func(r Row) string { return r.Version }),
		{"finished_at", microseconds, func(r Row) any {
			if r.Finished == 0 {
				return nil
			}
			return instant(r.Finished)
		}},
	}
}

// WriteParquet writes rows as one Parquet file.
func WriteParquet(w io.Writer, rows iter.Seq2[Row, error]) error {
	raw, err := encode(rows)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}

// groupRows are those of a row group: so many are held while they are written.
const groupRows = 16_384

// encode is the file of a run, with its digest.
func encode(rows iter.Seq2[Row, error]) ([]byte, error) {
	cols := columns()
	fields := make([]arrow.Field, len(cols))
	for i, c := range cols {
		fields[i] = arrow.Field{Name: c.name, Type: c.kind, Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	var buf bytes.Buffer
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithCreatedBy("featureaudit"))
	writer, err := pqarrow.NewFileWriter(schema, &buf, properties, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	waiting := 0
	flush := func() error {
		if waiting == 0 {
			return nil
		}
		waiting = 0
		record := builder.NewRecord()
		defer record.Release()
		return writer.Write(record)
	}
	err = errors.Join(writer.AppendKeyValueMetadata("schema", Schema), writer.AppendKeyValueMetadata("digest", digestMark+digestBlank))
	for r, wrong := range rows {
		if wrong != nil {
			return nil, wrong
		}
		for i, c := range cols {
			appendValue(builder.Field(i), c.value(r))
		}
		if waiting++; waiting == groupRows {
			err = errors.Join(err, flush())
		}
	}
	if err = errors.Join(err, flush(), writer.Close()); err != nil {
		return nil, err
	}
	raw := buf.Bytes()
	at := bytes.LastIndex(raw, []byte(digestMark+digestBlank))
	if at < 0 {
		return nil, errors.New("the footer has no place for the digest")
	}
	sum := sha256.Sum256(raw)
	hex.Encode(raw[at+len(digestMark):], sum[:])
	return raw, nil
}

func appendValue(b array.Builder, value any) {
	switch v := value.(type) {
	case nil:
		b.AppendNull()
	case string:
		b.(*array.StringBuilder).Append(v)
	case int64:
		b.(*array.Int64Builder).Append(v)
	case float64:
		b.(*array.Float64Builder).Append(v)
	case bool:
		b.(*array.BooleanBuilder).Append(v)
	case instant:
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(v))
	}
}

// admit says why a file is not one that this release wrote as it is; nil where it is.
func admit(raw []byte) error {
	switch {
	case len(raw) == 0:
		return errors.New("it is empty")
	case len(raw) < 12 || string(raw[:4]) != "PAR1":
		return errors.New("it is no Parquet file")
	}
	at := bytes.LastIndex(raw, []byte(schemaStem))
	if at < 0 {
		return errors.New("it is no whole file of a history: another program wrote it, or it was cut")
	}
	if !bytes.HasPrefix(raw[at:], []byte(Schema)) || version(raw[at+len(schemaStem):]) != "v1" {
		return fmt.Errorf("it is a history of version %q, expected %q: another release wrote it", version(raw[at+len(schemaStem):]), "v1")
	}
	at = bytes.LastIndex(raw, []byte(digestMark))
	from := at + len(digestMark)
	if at < 0 || from+len(digestBlank) > len(raw) {
		return errors.New("it is cut or changed: it has no digest")
	}
	said := string(raw[from : from+len(digestBlank)])
	sum := sha256.New()
	sum.Write(raw[:from])
	sum.Write([]byte(digestBlank))
	sum.Write(raw[from+len(digestBlank):])
	if said != hex.EncodeToString(sum.Sum(nil)) {
		return errors.New("it is cut or changed: its digest is not that of its bytes")
	}
	return nil
}

// version is the letter and digits at the beginning of bytes.
func version(raw []byte) string {
	n := 0
	for n < min(len(raw), 12) && (raw[n] == 'v' && n == 0 || raw[n] >= '0' && raw[n] <= '9' && n > 0) {
		n++
	}
	return string(raw[:n])
}

// read gives the rows of a file that was admitted to each, with what comparing needs.
func read(ctx context.Context, raw []byte, each func(Row)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it does not parse: %v", p)
		}
	}()
	reader, err := file.NewParquetReader(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	defer reader.Close()
	table, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{BatchSize: 1 << 15}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	wanted := []string{"as_of", "kind", "project", "view", "check_id", "outcome", "unit", "rows_total", "rows_bad", "findings", "fingerprint", "partition", "source", "file", "column_name",
		"object", "suppressed", "looked", "view_rows", "age_seconds", "run", "range", "selection", "hash_key_id", "finished_at"}
	indices := make([]int, len(wanted))
	for i, name := range wanted {
		if indices[i] = reader.MetaData().Schema.ColumnIndexByName(name); indices[i] < 0 {
			return fmt.Errorf("it has no column %q", name)
		}
	}
	batches, err := table.GetRecordReader(ctx, indices, nil)
	if err != nil {
		return err
	}
	defer batches.Release()
	for batches.Next() {
		b := batch{record: batches.Record()}
		for i := range int(b.record.NumRows()) {
			each(b.row(i))
		}
	}
	if err := batches.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// batch is a record whose columns are asked for by name.
type batch struct{ record arrow.Record }

func (b batch) column(name string) arrow.Array {
	return b.record.Column(b.record.Schema().FieldIndices(name)[0])
}

func (b batch) text(name string, i int) string {
	if a := b.column(name).(*array.String); !a.IsNull(i) {
		return strings.Clone(a.Value(i))
	}
	return ""
}

func (b batch) whole(name string, i int) int64 {
	if a := b.column(name).(*array.Int64); !a.IsNull(i) {
		return a.Value(i)
	}
	return 0
}

func (b batch) yes(name string, i int) bool {
	a := b.column(name).(*array.Boolean)
	return !a.IsNull(i) && a.Value(i)
}

func (b batch) instant(name string, i int) int64 {
	if a := b.column(name).(*array.Timestamp); !a.IsNull(i) {
		return int64(a.Value(i))
	}
	return 0
}

func (b batch) row(i int) Row {
	r := Row{Kind: b.text("kind", i), Project: b.text("project", i), View: b.text("view", i), Check: b.text("check_id", i), Outcome: b.text("outcome", i),
		Unit: b.text("unit", i), RowsTotal: b.whole("rows_total", i), RowsBad: b.whole("rows_bad", i), Findings: b.whole("findings", i), Fingerprint: b.text("fingerprint", i), Suppressed: b.yes("suppressed", i), Looked: b.yes("looked", i),
		ViewRows: b.whole("view_rows", i),
		Run: Run{AsOf: b.instant("as_of", i), Finished: b.instant("finished_at", i), ID: b.text("run", i), Range: b.text("range", i),
			Selection: b.text("selection", i), HashKeyID: b.text("hash_key_id", i)},
		Subject: report.Subject{Partition: b.text("partition", i), Source: b.text("source", i), File: b.text("file", i), Column: b.text("column_name", i), Object: b.text("object", i)}}
	if a := b.column("age_seconds").(*array.Float64); !a.IsNull(i) {
		age := a.Value(i)
		r.AgeSeconds = &age
	}
	return r
}

// WriteCSV writes rows with a header; what does not apply is an empty cell, and a cell that would be a formula begins with a quote.
func WriteCSV(w io.Writer, rows iter.Seq2[Row, error]) error {
	out := csv.NewWriter(w)
	cols := columns()
	header := make([]string, len(cols))
	for i, c := range cols {
		header[i] = c.name
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for r, err := range rows {
		if err != nil {
			return err
		}
		line := make([]string, len(cols))
		for i, c := range cols {
			line[i] = cell(c.value(r))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func cell(value any) string {
	switch v := value.(type) {
	case string:
		return Cell(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case instant:
		return timeText(int64(v))
	}
	return ""
}

// Cell makes text harmless in a CSV: on a terminal, and in a program that takes a cell for a formula.
func Cell(text string) string {
	text = report.Clean(text)
	if strings.IndexAny(strings.TrimLeft(text, " "), "=+-@＝＋－＠") == 0 {
		return "'" + text
	}
	return text
}

// timeText is an instant in microseconds as RFC 3339 UTC.
func timeText(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }
