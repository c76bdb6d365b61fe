package kept

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// Rows are columns of equal length, in the order of a table's: a []int64 where it is Integer, else a []string.
type Rows []any

func (r Rows) len() int {
	if len(r) == 0 {
		return 0
	}
	switch c := r[0].(type) {
	case []int64:
		return len(c)
	case []string:
		return len(c)
	}
	return 0
}

// groupRows is how many rows are gathered before they are written as one row group. Rows that come together stay together.
const groupRows = 1 << 16

// groupBytes is how many bytes of columns of the kind Bytes are gathered before they are written as one row group, which is decoded whole.
const groupBytes = 4 << 20

// wholeRows is from how many rows on those that come together make a row group of their own in a dense table.
const wholeRows = 1 << 14

// Writer writes a pack. It is safe for concurrent use.
type Writer struct {
	temporary string
	mu        sync.Mutex
	tables    map[string]*tableWriter
	order     []string
	err       error
	spare     sparePages
}

type tableWriter struct {
	table Table
	file  *os.File
	sums  *summer
	// parquet writes the file, and dense does where the table is that.
	parquet *file.Writer
	dense   *denseWriter
	spare   *sparePages
	// waiting are rows of no group yet, with so many bytes in columns of that kind.
	waiting Rows
	bytes   int
	written int64
}

// Create begins a pack under a temporary name: a folder that must not exist. Commit gives it its place.
func Create(temporary string) (*Writer, error) {
	if err := os.Mkdir(temporary, 0o700); err != nil {
		return nil, fmt.Errorf("begin a pack: %w", err)
	}
	return &Writer{temporary: temporary, tables: map[string]*tableWriter{}}, nil
}

// Append adds rows to a table, which begins with the first of them, and gives the number of the first row in the table. Many rows of
// a dense table are encoded beside those of other callers. After an error, which is the disk's, the pack cannot be finished.
func (w *Writer) Append(t Table, rows Rows) (first int64, err error) {
	if !t.Dense || rows.len() < wholeRows {
		return w.append(t, func(at *tableWriter) error { return at.add(rows) })
	}
	whole, err := pack(rows, &w.spare)
	if err != nil {
		return 0, err
	}
	defer w.spare.give(whole)
	return w.appendPacked(t, whole)
}

// appendPacked is Append for the rows of a row group that are encoded already.
func (w *Writer) appendPacked(t Table, whole packed) (first int64, err error) {
	return w.append(t, func(at *tableWriter) error { return errors.Join(at.flush(), at.encoded(whole)) })
}

// append has rows added to a table, and gives the number of the first of them.
func (w *Writer) append(t Table, add func(at *tableWriter) error) (first int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	at := w.tables[t.Name]
	if at == nil {
		if at, w.err = w.begin(t); w.err != nil {
			return 0, w.err
		}
	}
	first = at.written + int64(at.waiting.len())
	if w.err = add(at); w.err != nil {
		w.err = fmt.Errorf("write %s: %w", at.file.Name(), w.err)
	}
	return first, w.err
}

// Err is why the pack cannot be finished, nil where nothing failed so far.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *Writer) begin(t Table) (*tableWriter, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	root, err := t.schema()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(w.temporary, t.file()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	at := &tableWriter{table: t, file: f, spare: &w.spare, sums: &summer{write: f.Write}, waiting: make(Rows, len(t.Columns))}
	if t.Dense {
		if at.dense, err = newDenseWriter(t, at.sums, root); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	} else {
		if at.parquet, err = newParquet(at.sums, root, t.properties()); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	w.tables[t.Name] = at
	w.order = append(w.order, t.Name)
	return at, nil
}

// newParquet begins a file: arrow panics where its first bytes cannot be written, as on a full disk.
func newParquet(to io.Writer, root *schema.GroupNode, properties *parquet.WriterProperties) (w *file.Writer, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("begin a file: %v", cause)
		}
	}()
	return file.NewParquetWriter(to, root, file.WithWriterProps(properties)), nil
}

func (t *tableWriter) add(rows Rows) error {
	if len(rows) != len(t.table.Columns) {
		return fmt.Errorf("%d columns came for %d", len(rows), len(t.table.Columns))
	}
	if rows.len() >= groupRows {
		if err := t.flush(); err != nil {
			return err
		}
		return t.group(rows)
	}
	for i, column := range rows {
		switch c := column.(type) {
		case []int64:
			waiting, _ := t.waiting[i].([]int64)
			if waiting == nil && t.dense != nil {
				waiting = make([]int64, 0, groupRows) // append grows by a quarter, and copies each value four times
			}
			t.waiting[i] = append(waiting, c...)
		case []string:
			waiting, _ := t.waiting[i].([]string)
			t.waiting[i] = append(waiting, c...)
			if t.table.Columns[i].Kind == Bytes {
				for _, text := range c {
					t.bytes += len(text)
				}
			}
		}
	}
	if t.waiting.len() < groupRows && t.bytes < groupBytes {
		return nil
	}
	return t.flush()
}

func (t *tableWriter) flush() error {
	if t.waiting.len() == 0 {
		return nil
	}
	err := t.group(t.waiting)
	for i, column := range t.waiting { // whose room is used again
		switch c := column.(type) {
		case []int64:
			t.waiting[i] = c[:0]
		case []string:
			clear(c)
			t.waiting[i] = c[:0]
		}
	}
	t.bytes = 0
	return err
}

// encoded writes one row group that was encoded before.
func (t *tableWriter) encoded(p packed) error {
	t.written += int64(p.rows)
	return t.dense.group(p)
}

// group writes one row group.
func (t *tableWriter) group(rows Rows) error {
	if t.dense != nil {
		p, err := pack(rows, t.spare)
		if err != nil {
			return err
		}
		defer t.spare.give(p)
		return t.encoded(p)
	}
	group := t.parquet.AppendRowGroup()
	for i := range rows {
		column, err := group.NextColumn()
		if err != nil {
			return err
		}
		switch values := rows[i].(type) {
		case []int64:
			chunk, ok := column.(*file.Int64ColumnChunkWriter)
			if !ok {
				return fmt.Errorf("column %s takes no integers", t.table.Columns[i].Name)
			}
			_, err = chunk.WriteBatch(values, nil, nil)
		case []string:
			chunk, ok := column.(*file.ByteArrayColumnChunkWriter)
			if !ok {
				return fmt.Errorf("column %s takes no texts", t.table.Columns[i].Name)
			}
			texts := make([]parquet.ByteArray, len(values))
			for i, text := range values {
				texts[i] = parquet.ByteArray(text)
			}
			_, err = chunk.WriteBatch(texts, nil, nil)
		default:
			err = fmt.Errorf("column %s has values of no kind", t.table.Columns[i].Name)
		}
		if err = errors.Join(err, column.Close()); err != nil {
			return err
		}
	}
	t.written += int64(rows.len())
	return group.Close()
}

func (t *tableWriter) close() (tableManifest, error) {
	err := t.flush()
	if t.dense != nil {
		err = errors.Join(err, t.dense.close())
	} else {
		err = errors.Join(err, t.parquet.Close())
	}
	err = errors.Join(err, t.file.Close())
	t.sums.close()
	m := tableManifest{Name: t.table.Name, Dense: t.table.Dense, Rows: t.written, Bytes: t.sums.bytes, Sums: t.sums.sums}
	for _, c := range t.table.Columns {
		m.Columns = append(m.Columns, columnManifest(c))
	}
	return m, err
}

// Commit finishes the pack with a note for its reader, writes the manifest last, and gives the folder its name, where no other may
// be. Before the manifest is there the pack is none, whatever happens; after an error it is removed.
func (w *Writer) Commit(path string, note any) error {
	return w.commit(filepath.Base(path), note, func(temporary string) error { return os.Rename(temporary, path) })
}

// commit finishes the pack of a name, and has it put where it belongs.
func (w *Writer) commit(pack string, note any, put func(temporary string) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := manifest{Format: Format, Pack: pack, Tables: []tableManifest{}}
	for _, name := range w.order {
		table, err := w.tables[name].close()
		if err != nil {
			w.err = errors.Join(w.err, fmt.Errorf("write %s: %w", w.tables[name].file.Name(), err))
		}
		m.Tables = append(m.Tables, table)
	}
	w.tables, w.order = map[string]*tableWriter{}, nil
	if w.err == nil {
		w.err = m.write(w.temporary, note)
	}
	if w.err == nil {
		w.err = put(w.temporary)
	}
	if w.err != nil {
		return errors.Join(w.err, os.RemoveAll(w.temporary))
	}
	return nil
}

// write writes the manifest of the tables in a folder.
func (m manifest) write(folder string, note any) error {
	var err error
	if m.Note, err = json.Marshal(note); err != nil {
		return err
	}
	raw, err := m.marshal()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, manifestName), raw, 0o600)
}

// Abort removes what was written.
func (w *Writer) Abort() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var errs []error
	for _, name := range w.order {
		errs = append(errs, w.tables[name].file.Close())
	}
	w.tables, w.order, w.err = map[string]*tableWriter{}, nil, errors.New("the pack was given up")
	return errors.Join(append(errs, os.RemoveAll(w.temporary))...)
}
