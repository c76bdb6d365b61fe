package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/times"
)

// SnapshotSchema is the identifier and version of a snapshot file.
const SnapshotSchema = "featureaudit.snapshot/v1"

// schemaKey is the name under which the footer says so.
const schemaKey = "featureaudit.schema"

// The kinds of rows of a snapshot.
const (
	kindRow       = "row"
	kindSnapshot  = "snapshot"
	kindView      = "view"
	kindPartition = "partition"
	kindColumn    = "column"
	kindFile      = "file"
)

// stretch is where the rows of a partition stand: some row groups of the file.
type stretch struct{ first, count int64 }

// The columns of a snapshot, in their order.
var (
	textColumns   = []string{"kind", "view", "partition", "name", "text"}
	numberColumns = []string{"start", "end", "rows", "values", "size", "modified", "low", "high", "center", "key", "row", "entity"}
)

const sumColumn = "sum"

func snapshotSchema() *arrow.Schema {
	var fields []arrow.Field
	for _, name := range textColumns {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	for _, name := range numberColumns {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	}
	return arrow.NewSchema(append(fields, arrow.Field{Name: sumColumn, Type: &arrow.FixedSizeBinaryType{ByteWidth: 16}, Nullable: true}), nil)
}

// line is one row of a snapshot file.
type line struct {
	texts   map[string]string
	numbers map[string]int64
	sum     *content.Sum
}

// SnapshotWriter writes a snapshot. The rows of partitions come first, where there are any, then Close writes the rest.
type SnapshotWriter struct {
	out     *pqarrow.FileWriter
	builder *array.RecordBuilder
	groups  int64
	at      map[string]int
}

// NewSnapshotWriter begins a snapshot.
func NewSnapshotWriter(w io.Writer) (*SnapshotWriter, error) {
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithStats(false), parquet.WithDictionaryDefault(true),
		parquet.WithDictionaryFor("key", false), parquet.WithDictionaryFor("row", false), parquet.WithDictionaryFor("entity", false), parquet.WithDictionaryFor(sumColumn, false),
		parquet.WithMaxRowGroupLength(1<<30))
	out, err := pqarrow.NewFileWriter(snapshotSchema(), struct{ io.Writer }{w}, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	s := &SnapshotWriter{out: out, builder: array.NewRecordBuilder(memory.DefaultAllocator, snapshotSchema()), at: map[string]int{}}
	for i, f := range snapshotSchema().Fields() {
		s.at[f.Name] = i
	}
	return s, out.AppendKeyValueMetadata(schemaKey, SnapshotSchema)
}

// add adds a line to the row group under way.
func (s *SnapshotWriter) add(l line) {
	for _, name := range textColumns {
		b := s.builder.Field(s.at[name]).(*array.StringBuilder)
		if text, ok := l.texts[name]; ok {
			b.Append(text)
		} else {
			b.AppendNull()
		}
	}
	for _, name := range numberColumns {
		b := s.builder.Field(s.at[name]).(*array.Int64Builder)
		if n, ok := l.numbers[name]; ok {
			b.Append(n)
		} else {
			b.AppendNull()
		}
	}
	b := s.builder.Field(s.at[sumColumn]).(*array.FixedSizeBinaryBuilder)
	if l.sum == nil {
		b.AppendNull()
		return
	}
	b.Append(l.sum.Bytes())
}

// flush ends the row group under way.
func (s *SnapshotWriter) flush() error {
	record := s.builder.NewRecord()
	defer record.Release()
	if record.NumRows() == 0 {
		return nil
	}
	s.groups++
	return s.out.Write(record)
}

// batchRows are those of a snapshot that are held once more while they are written, with a NULL in every other column.
const batchRows = 32 << 10

// Rows writes rows of a partition, which are sorted, as a row group.
func (s *SnapshotWriter) Rows(p *Partition, rows []Row) error {
	if p.rows.count == 0 {
		p.rows.first = s.groups
	}
	if len(rows) == 0 {
		return nil
	}
	s.out.NewBufferedRowGroup()
	for batch := range slices.Chunk(rows, batchRows) {
		if err := s.batch(batch); err != nil {
			return err
		}
	}
	s.groups++
	p.rows.count++
	return nil
}

// batch writes some rows to the row group under way.
func (s *SnapshotWriter) batch(rows []Row) error {
	kind, key := s.builder.Field(s.at["kind"]).(*array.StringBuilder), s.builder.Field(s.at["key"]).(*array.Int64Builder)
	row, entity := s.builder.Field(s.at["row"]).(*array.Int64Builder), s.builder.Field(s.at["entity"]).(*array.Int64Builder)
	for _, r := range rows {
		kind.Append(kindRow)
		key.Append(int64(r.Key))
		row.Append(int64(r.Row))
		entity.Append(int64(r.Entity))
	}
	for name, at := range s.at {
		if !slices.Contains([]string{"kind", "key", "row", "entity"}, name) {
			s.builder.Field(at).AppendNulls(len(rows))
		}
	}
	record := s.builder.NewRecord()
	defer record.Release()
	return s.out.WriteBuffered(record)
}

// Close writes what the views hold, and ends the file.
func (s *SnapshotWriter) Close(side Side, tool string) error {
	s.add(line{texts: map[string]string{"kind": kindSnapshot, "text": tool}, numbers: map[string]int64{"start": int64(side.AsOf), "values": boolean(side.WithKeys)}})
	for _, v := range side.Views {
		if err := s.view(v); err != nil {
			return err
		}
	}
	if err := s.flush(); err != nil {
		return err
	}
	return s.out.Close()
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// viewText is what stands in the text of a view.
type viewText struct {
	Owner, Project string
	Definition     json.RawMessage
	Problem        string
	Retryable      bool
	Notes          []string
}

func (s *SnapshotWriter) view(v View) error {
	definition, err := json.Marshal(v.Definition)
	if err != nil {
		return err
	}
	text, err := json.Marshal(viewText{v.Owner, v.Project, definition, v.Problem, v.Retryable, v.Notes})
	if err != nil {
		return err
	}
	s.add(line{texts: map[string]string{"kind": kindView, "view": v.Name, "text": string(text)}})
	for _, p := range v.Partitions {
		if err := s.partition(v.Name, p); err != nil {
			return err
		}
	}
	return nil
}

// partitionText is what stands in the text of a partition.
type partitionText struct {
	Identity                       string
	Present, Open, Expected, Known bool
	Unread                         []string
	Retryable                      bool
	FirstGroup, Groups             int64
}

func (s *SnapshotWriter) partition(view string, p Partition) error {
	text, err := json.Marshal(partitionText{p.Identity, p.Present, p.Open, p.Expected, p.Known, p.Unread, p.Retryable, p.rows.first, p.rows.count})
	if err != nil {
		return err
	}
	l := line{texts: map[string]string{"kind": kindPartition, "view": view, "partition": p.Value, "text": string(text)},
		numbers: map[string]int64{"start": int64(p.Start), "end": int64(p.End), "rows": p.Rows, "size": p.Bytes}}
	if p.Known {
		l.sum = &p.Content.Sum
	}
	s.add(l)
	for _, f := range p.Files {
		s.add(line{texts: map[string]string{"kind": kindFile, "name": f.Path, "text": f.Abs[:max(len(f.Abs)-len(f.Path), 0)] + "\x00" + f.ETag + "\x00" + f.Mask},
			numbers: map[string]int64{"rows": f.Rows, "size": f.Size, "modified": int64(f.ModTime), "key": int64(f.FooterSum)}})
	}
	for _, c := range p.Columns {
		types, err := json.Marshal(c.Types)
		if err != nil {
			return err
		}
		l := line{texts: map[string]string{"kind": kindColumn, "name": c.Name, "text": string(types)}, numbers: map[string]int64{}}
		if held, ok := p.Content.Column(c.Name); ok && p.Known {
			l.sum = &held.Sum
			l.numbers["values"] = held.Values
			if held.Timed {
				l.numbers["low"], l.numbers["high"], l.numbers["center"] = held.Low, held.High, held.Center
			}
			if held.Total != nil {
				l.texts["partition"] = held.Total.Text()
			}
		}
		s.add(l)
	}
	return nil
}

// SnapshotFile is a snapshot that was read; its rows stay in the file.
type SnapshotFile struct {
	Side
	raw parquet.ReaderAtSeeker
}

// unclosed keeps a reader from closing what it reads.
type unclosed struct{ parquet.ReaderAtSeeker }

// ReadSnapshot reads all of a snapshot but its rows.
func ReadSnapshot(ctx context.Context, name string, raw parquet.ReaderAtSeeker) (s SnapshotFile, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
		if err != nil {
			err = fmt.Errorf("snapshot %s: %w; expected a file that `featureaudit snapshot --out` wrote", name, err)
		}
	}()
	reader, err := file.NewParquetReader(unclosed{raw})
	if err != nil {
		return s, err
	}
	defer reader.Close()
	version := reader.MetaData().KeyValueMetadata().FindValue(schemaKey)
	if version == nil || *version != SnapshotSchema {
		return s, fmt.Errorf("its schema is %s, not %s", quoted(version), SnapshotSchema)
	}
	if reader.NumRowGroups() == 0 {
		return s, errors.New("it is empty")
	}
	s = SnapshotFile{Side: Side{Kind: Snapshot, Name: name}, raw: raw}
	err = eachLine(ctx, reader, []int{reader.NumRowGroups() - 1}, s.take)
	return s, err
}

func quoted(text *string) string {
	if text == nil {
		return "missing"
	}
	return strconv.Quote(*text)
}

// eachLine reads the lines of row groups.
func eachLine(ctx context.Context, reader *file.Reader, groups []int, each func(line) error) error {
	r, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{BatchSize: 1 << 16}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	records, err := r.GetRecordReader(ctx, nil, groups)
	if err != nil {
		return err
	}
	defer records.Release()
	for records.Next() {
		record := records.Record()
		for i := range int(record.NumRows()) {
			l := line{texts: map[string]string{}, numbers: map[string]int64{}}
			for at, f := range record.Schema().Fields() {
				if record.Column(at).IsNull(i) {
					continue
				}
				switch column := record.Column(at).(type) {
				case *array.String:
					l.texts[f.Name] = column.Value(i)
				case *array.Int64:
					l.numbers[f.Name] = column.Value(i)
				case *array.FixedSizeBinary:
					sum := content.SumOf(column.Value(i))
					l.sum = &sum
				}
			}
			if err := each(l); err != nil {
				return err
			}
		}
	}
	if err := records.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// take takes one line of the facts; those of a partition follow it.
func (s *SnapshotFile) take(l line) error {
	switch kind := l.texts["kind"]; kind {
	case kindSnapshot:
		s.AsOf, s.WithKeys = times.Instant(l.numbers["start"]), l.numbers["values"] == 1
	case kindView:
		var text viewText
		if err := json.Unmarshal([]byte(l.texts["text"]), &text); err != nil {
			return err
		}
		v := View{Name: l.texts["view"], Owner: text.Owner, Project: text.Project, Problem: text.Problem, Retryable: text.Retryable, Notes: text.Notes}
		if err := json.Unmarshal(text.Definition, &v.Definition); err != nil {
			return err
		}
		s.Views = append(s.Views, v)
	default:
		if len(s.Views) == 0 {
			return fmt.Errorf("a %s before any view", kind)
		}
		return s.Views[len(s.Views)-1].take(kind, l)
	}
	return nil
}

func (v *View) take(kind string, l line) error {
	if kind == kindPartition {
		var text partitionText
		if err := json.Unmarshal([]byte(l.texts["text"]), &text); err != nil {
			return err
		}
		p := Partition{Value: l.texts["partition"], Identity: text.Identity, Start: times.Instant(l.numbers["start"]), End: times.Instant(l.numbers["end"]), Present: text.Present, Open: text.Open,
			Expected: text.Expected, Rows: l.numbers["rows"], Bytes: l.numbers["size"], Known: text.Known, Unread: text.Unread, Retryable: text.Retryable, rows: stretch{text.FirstGroup, text.Groups}}
		if l.sum != nil {
			p.Content = content.Facts{Rows: p.Rows, Sum: *l.sum}
		}
		v.Partitions = append(v.Partitions, p)
		return nil
	}
	if len(v.Partitions) == 0 {
		return fmt.Errorf("a %s before any partition", kind)
	}
	p := &v.Partitions[len(v.Partitions)-1]
	switch kind {
	case kindFile:
		root, rest, _ := strings.Cut(l.texts["text"], "\x00")
		etag, mask, _ := strings.Cut(rest, "\x00")
		p.Files = append(p.Files, File{Path: l.texts["name"], Abs: root + l.texts["name"], ETag: etag, Mask: mask, Rows: l.numbers["rows"], Size: l.numbers["size"],
			ModTime: times.Instant(l.numbers["modified"]), FooterSum: uint64(l.numbers["key"])})
	case kindColumn:
		c := ColumnType{Name: l.texts["name"]}
		if err := json.Unmarshal([]byte(l.texts["text"]), &c.Types); err != nil {
			return err
		}
		p.Columns = append(p.Columns, c)
		if l.sum == nil {
			return nil
		}
		held := content.Column{Name: c.Name, Types: c.Types, Values: l.numbers["values"], Sum: *l.sum, Low: l.numbers["low"], High: l.numbers["high"], Center: l.numbers["center"]}
		_, held.Timed = l.numbers["low"]
		if total, ok := l.texts["partition"]; ok {
			t, err := content.ParseTotal(total)
			if err != nil {
				return err
			}
			held.Total = &t
		}
		p.Content.Columns = append(p.Content.Columns, held)
	default:
		return fmt.Errorf("a line of the unknown kind %q", kind)
	}
	return nil
}

// rowsOf reads the rows of a partition that fall to a part, sorted.
func (s SnapshotFile) rowsOf(ctx context.Context, p Partition, want part) ([]Row, error) {
	reader, err := file.NewParquetReader(unclosed{s.raw})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var groups []int
	for i := range p.rows.count {
		groups = append(groups, int(p.rows.first+i))
	}
	if len(groups) == 0 {
		return nil, nil
	}
	var rows []Row
	err = eachRow(ctx, reader, groups, func(r Row) {
		if want.holds(r) {
			rows = append(rows, r)
		}
	})
	slices.SortFunc(rows, Row.compare)
	return rows, err
}

// eachRow reads the rows of row groups.
func eachRow(ctx context.Context, reader *file.Reader, groups []int, each func(Row)) error {
	r, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{BatchSize: 1 << 16}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	var columns []int
	for _, name := range []string{"key", "row", "entity"} {
		columns = append(columns, reader.MetaData().Schema.ColumnIndexByName(name))
	}
	records, err := r.GetRecordReader(ctx, columns, groups)
	if err != nil {
		return err
	}
	defer records.Release()
	for records.Next() {
		record := records.Record()
		key, row, entity := record.Column(0).(*array.Int64), record.Column(1).(*array.Int64), record.Column(2).(*array.Int64)
		for i := range int(record.NumRows()) {
			each(Row{uint64(key.Value(i)), uint64(row.Value(i)), uint64(entity.Value(i))})
		}
	}
	if err := records.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
