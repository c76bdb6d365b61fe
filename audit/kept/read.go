package kept

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// DamagedError is a pack that is not what its manifest says, or has none that this release understands. Nothing of it may be used.
type DamagedError struct {
	// Pack is its folder.
	Pack string
	Err  error
}

func (e DamagedError) Error() string { return fmt.Sprintf("%s: %v", e.Pack, e.Err) }

// Unwrap gives the cause.
func (e DamagedError) Unwrap() error { return e.Err }

// Pack is a pack on disk. It is safe for concurrent use.
type Pack struct {
	path string
	note json.RawMessage
	// grounds are what it rests on, as its note says; empty in a pack of another kind.
	grounds Note
	tables  map[string]*tableReader
}

// maxManifest bounds what is read of a manifest.
const maxManifest = 256 << 20

// OpenPack opens a pack of this machine: its manifest is read and compared, and its tables are there in the length that it says. A pack that
// is none, or is damaged, is a DamagedError; a folder that is gone is fs.ErrNotExist.
func OpenPack(path string) (*Pack, error) { return openPack(localFiles{}, path, &blocks{}) }

// openPack opens a pack, whose blocks are remembered with those of others.
func openPack(from source, path string, remembered *blocks) (*Pack, error) {
	damaged := func(err error) error { return DamagedError{Pack: path, Err: err} }
	raw, err := from.manifest(path)
	if errors.Is(err, errGone) {
		return nil, err
	}
	if err != nil {
		return nil, damaged(err)
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, damaged(err)
	}
	if m.Pack != "" && m.Pack != filepath.Base(path) {
		return nil, damaged(fmt.Errorf("it was made as %s, and has another name now: a pack of another number would count before or after others", m.Pack))
	}
	p := &Pack{path: path, note: m.Note, tables: map[string]*tableReader{}}
	if p.Note(&p.grounds) != nil {
		p.grounds = Note{}
	}
	for _, t := range m.Tables {
		table := t.table()
		if err := table.check(); err != nil {
			return nil, damaged(err)
		}
		if p.tables[t.Name], err = openTable(from, path, t, remembered); err != nil {
			return nil, damaged(err)
		}
	}
	return p, nil
}

// number is that of the pack's name: what a pack of a higher one says of a file counts.
func (p *Pack) number() int64 { return numberOf(filepath.Base(p.path)) }

// Path is the folder of the pack.
func (p *Pack) Path() string { return p.path }

// Note is what Commit was given.
func (p *Pack) Note(into any) error { return json.Unmarshal(p.note, into) }

// Tables are those that the pack has, sorted by name.
func (p *Pack) Tables() []Table {
	var tables []Table
	for _, t := range p.tables {
		tables = append(tables, t.manifest.table())
	}
	slices.SortFunc(tables, func(a, b Table) int { return cmpText(a.Name, b.Name) })
	return tables
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Len is how many rows a table has; 0 where the pack has no such table.
func (p *Pack) Len(table string) int64 {
	if t := p.tables[table]; t != nil {
		return t.manifest.Rows
	}
	return 0
}

// Bytes is how much the pack takes on disk, less its manifest.
func (p *Pack) Bytes() int64 {
	total := int64(0)
	for _, t := range p.tables {
		total += t.manifest.Bytes
	}
	return total
}

// Integers reads a column of rows first to first+count-1. The values are the reader's, and may not be changed.
func (p *Pack) Integers(table, column string, first, count int64) ([]int64, error) {
	return valuesOf(p, table, column, Integer, first, count, func(v values) []int64 { return v.integers })
}

// IntegersInto is Integers for rows that nobody will ask for again: they are the caller's, in the memory that was given if it is enough.
func (p *Pack) IntegersInto(into []int64, table, column string, first, count int64) ([]int64, error) {
	t, at, err := p.column(table, column, Integer, first, count)
	if err != nil || count == 0 {
		return into[:0], err
	}
	all, err := t.readInto(into, at, first, count)
	if err != nil {
		return nil, DamagedError{Pack: p.path, Err: err}
	}
	return all, nil
}

// Texts reads a column of texts or bytes, as Integers does.
func (p *Pack) Texts(table, column string, first, count int64) ([]string, error) {
	return valuesOf(p, table, column, Text, first, count, func(v values) []string { return v.texts })
}

func valuesOf[T any](p *Pack, table, column string, kind Kind, first, count int64, of func(values) []T) ([]T, error) {
	t, at, err := p.column(table, column, kind, first, count)
	if err != nil || count == 0 {
		return nil, err
	}
	parts, err := t.read(at, first, count)
	if err != nil {
		return nil, DamagedError{Pack: p.path, Err: err}
	}
	if len(parts) == 1 {
		return of(parts[0]), nil
	}
	all := make([]T, 0, count)
	for _, part := range parts {
		all = append(all, of(part)...)
	}
	return all, nil
}

// column finds a column, of a kind that is Integer or not.
func (p *Pack) column(table, column string, kind Kind, first, count int64) (*tableReader, int, error) {
	t := p.tables[table]
	if t == nil {
		return nil, 0, DamagedError{Pack: p.path, Err: fmt.Errorf("it has no table %s", table)}
	}
	at := slices.IndexFunc(t.manifest.Columns, func(c columnManifest) bool {
		return c.Name == column && (c.Kind == Integer) == (kind == Integer)
	})
	if at < 0 {
		return nil, 0, DamagedError{Pack: p.path, Err: fmt.Errorf("table %s has no column %s of its kind", table, column)}
	}
	if first < 0 || count < 0 || first > t.manifest.Rows-count {
		return nil, 0, DamagedError{Pack: p.path, Err: fmt.Errorf("table %s has %d rows, and rows %d to %d are asked for", table, t.manifest.Rows, first, first+count-1)}
	}
	return t, at, nil
}

// tableReader reads one table. Row groups are decoded whole, and the last few are remembered: small files share one.
type tableReader struct {
	manifest tableManifest
	checked  *checkedFile

	mu     sync.Mutex
	reader *file.Reader
	// starts are the numbers of the first rows of the row groups, and the number of rows.
	starts  []int64
	decoded map[chunkOf]*decodedChunk
	held    int64
}

// decodedChunk is decoded by the first who asks.
type decodedChunk struct {
	once   sync.Once
	values values
	err    error
}

type chunkOf struct{ group, column int }

// values are those of one column.
type values struct {
	integers []int64
	texts    []string
}

func (v values) cut(from, to int64) values {
	if v.texts != nil {
		return values{texts: v.texts[from:to:to]}
	}
	return values{integers: v.integers[from:to:to]}
}

// rememberedValues is how many decoded values of a table are remembered, and sharedRows how many rows a group has at most that is.
const (
	rememberedValues = 4 << 20
	sharedRows       = 2 * groupRows
)

func openTable(from source, pack string, m tableManifest, remembered *blocks) (*tableReader, error) {
	name := m.table().file()
	size, err := from.size(pack, name)
	if err == nil && size != m.Bytes {
		err = fmt.Errorf("%s has %d bytes, and its manifest says %d", name, size, m.Bytes)
	}
	if err == nil && int64(len(m.Sums)) != (m.Bytes+blockBytes-1)/blockBytes {
		err = fmt.Errorf("%s has %d checksums for %d bytes", name, len(m.Sums), m.Bytes)
	}
	if err != nil {
		return nil, err
	}
	return &tableReader{manifest: m, checked: &checkedFile{from: from, pack: pack, name: name, size: m.Bytes, sums: m.Sums, blocks: remembered}, decoded: map[chunkOf]*decodedChunk{}}, nil
}

// open reads the footer, once.
func (t *tableReader) open() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reader != nil {
		return nil
	}
	reader, err := file.NewParquetReader(&seeker{checkedFile: t.checked})
	if err != nil {
		return err
	}
	if n := reader.MetaData().Schema.NumColumns(); n != len(t.manifest.Columns) {
		return fmt.Errorf("%d columns where its manifest says %d", n, len(t.manifest.Columns))
	}
	t.starts = []int64{0}
	for i := range reader.NumRowGroups() {
		t.starts = append(t.starts, t.starts[i]+reader.RowGroup(i).NumRows())
	}
	if rows := t.starts[len(t.starts)-1]; rows != t.manifest.Rows {
		return fmt.Errorf("%d rows where its manifest says %d", rows, t.manifest.Rows)
	}
	t.reader = reader
	return nil
}

// undecoded makes a panic of the decoder an error.
func (t *tableReader) undecoded(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s does not decode (%v)", t.manifest.Name, p)
	}
}

// groupOf is the row group that holds a row.
func (t *tableReader) groupOf(row int64) int {
	group, exact := slices.BinarySearch(t.starts, row)
	if !exact {
		group--
	}
	for t.starts[group+1] == t.starts[group] {
		group++
	}
	return group
}

// read gives rows of a column, in parts.
func (t *tableReader) read(column int, first, count int64) (parts []values, err error) {
	defer t.undecoded(&err)
	if err := t.open(); err != nil {
		return nil, err
	}
	for count > 0 {
		group := t.groupOf(first)
		all, err := t.chunk(chunkOf{group, column})
		if err != nil {
			return nil, err
		}
		from := first - t.starts[group]
		to := min(from+count, t.starts[group+1]-t.starts[group])
		parts = append(parts, all.cut(from, to))
		first, count = first+to-from, count-(to-from)
	}
	return parts, nil
}

// readInto is read for integers that nobody will ask for again: whole row groups are decoded where they are wanted.
func (t *tableReader) readInto(out []int64, column int, first, count int64) (all []int64, err error) {
	defer t.undecoded(&err)
	if err := t.open(); err != nil {
		return nil, err
	}
	out = slices.Grow(out[:0], int(count))
	for count > 0 {
		group := t.groupOf(first)
		from, rows := first-t.starts[group], t.starts[group+1]-t.starts[group]
		n := min(count, rows-from)
		first, count = first+n, count-n
		if n == rows {
			at := len(out)
			out = out[:at+int(n)]
			if err := t.integers(chunkOf{group, column}, out[at:]); err != nil {
				return nil, err
			}
			continue
		}
		shared, err := t.chunk(chunkOf{group, column})
		if err != nil {
			return nil, err
		}
		out = append(out, shared.integers[from:from+n]...)
	}
	return out, nil
}

// chunk decodes a column of a row group.
func (t *tableReader) chunk(of chunkOf) (values, error) {
	rows := t.starts[of.group+1] - t.starts[of.group]
	if rows > sharedRows {
		return t.decode(of, rows)
	}
	t.mu.Lock()
	d := t.decoded[of]
	if d == nil {
		takes := rows
		if t.manifest.Columns[of.column].Kind == Bytes {
			takes += groupBytes / 8
		}
		if t.held += takes; t.held > rememberedValues {
			clear(t.decoded)
			t.held = takes
		}
		d = &decodedChunk{}
		t.decoded[of] = d
	}
	t.mu.Unlock()
	d.once.Do(func() {
		defer t.undecoded(&d.err)
		d.values, d.err = t.decode(of, rows)
	})
	return d.values, d.err
}

func (t *tableReader) decode(of chunkOf, rows int64) (values, error) {
	if t.manifest.Columns[of.column].Kind == Integer {
		integers := make([]int64, rows)
		return values{integers: integers}, t.integers(of, integers)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	group := t.reader.RowGroup(of.group)
	column, err := group.Column(of.column)
	if err != nil {
		return values{}, err
	}
	reader, ok := column.(*file.ByteArrayColumnChunkReader)
	if !ok {
		return values{}, fmt.Errorf("it has a column of the type %T", column)
	}
	out, batch := make([]string, 0, rows), make([]parquet.ByteArray, min(rows, 4096))
	for int64(len(out)) < rows {
		n, _, err := reader.ReadBatch(min(rows-int64(len(out)), int64(len(batch))), batch, nil, nil)
		if err != nil {
			return values{}, err
		}
		if n == 0 {
			return values{}, errShort
		}
		for _, text := range batch[:n] {
			out = append(out, string(text))
		}
	}
	return values{texts: out}, nil
}

// integers decodes a column of integers of a row group, which has as many rows as there is room for.
func (t *tableReader) integers(of chunkOf, out []int64) error {
	meta := t.reader.MetaData().RowGroup(of.group)
	chunk, err := meta.ColumnChunk(of.column)
	if err != nil {
		return err
	}
	if chunk.Compression() == compress.Codecs.Uncompressed && !chunk.HasDictionaryPage() {
		return t.checked.cut(chunk.DataPageOffset(), chunk.TotalCompressedSize(), func(raw []byte) error { return plainIntegers(raw, out) })
	}
	pages, err := t.reader.RowGroup(of.group).GetColumnPageReader(of.column)
	if err != nil {
		return err
	}
	return integersOf(pages, out)
}
