package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/featureaudit/featureaudit/audit/store"
)

// sidecarFolder is where the sidecars of checkpoints lie, in the folder of the log.
const sidecarFolder = "_sidecars"

// checkpoint is the table as one checkpoint says it.
func (l *log) checkpoint(ctx context.Context, version int64, c checkpointFiles) (*state, error) {
	p := checkpoint{state: newState(), version: version}
	for _, part := range c.parts {
		if err := p.read(ctx, l, part, false); err != nil {
			return nil, fmt.Errorf("%s: %w", part.Path, err)
		}
	}
	sidecars := p.sidecars
	for _, s := range sidecars {
		e, err := l.sidecar(ctx, s)
		if err != nil {
			return nil, err
		}
		if err := p.read(ctx, l, e, true); err != nil {
			return nil, fmt.Errorf("sidecar %s: %w", e.Path, err)
		}
	}
	if c.v2 && !p.described {
		return nil, errors.New("it has no action checkpointMetadata: it is damaged")
	}
	return p.state, p.compare(l.hint, len(c.parts), c.v2 || len(sidecars) > 0)
}

// compare holds a checkpoint to what _last_checkpoint says of it.
func (p *checkpoint) compare(hint *lastCheckpointHint, parts int, second bool) error {
	if hint == nil || *hint.Version != p.version {
		return nil
	}
	switch {
	case hint.Parts != nil && *hint.Parts != int64(parts) && !second:
		return fmt.Errorf("it has %d parts, and %s says %d: the log is damaged", parts, lastCheckpoint, *hint.Parts)
	case hint.NumOfAddFiles != nil && *hint.NumOfAddFiles != int64(len(p.state.live)):
		return fmt.Errorf("it has %d files, and %s says %d: the log is damaged", len(p.state.live), lastCheckpoint, *hint.NumOfAddFiles)
	case hint.Size != nil && *hint.Size != p.rows && !second:
		return fmt.Errorf("it has %d actions, and %s says %d: the log is damaged", p.rows, lastCheckpoint, *hint.Size)
	}
	return nil
}

// sidecar finds the file of a sidecar.
func (l *log) sidecar(ctx context.Context, s sidecar) (store.Entry, error) {
	if s.Path == nil || s.SizeInBytes == nil {
		return store.Entry{}, errors.New("a sidecar without a path or a size")
	}
	name, err := decodePath(*s.Path)
	if err != nil {
		return store.Entry{}, fmt.Errorf("sidecar: %w", err)
	}
	abs := name
	if !isAbsolute(name) {
		abs = store.Join(store.Join(l.folder, sidecarFolder), name)
	}
	e, err := l.files.Stat(ctx, abs)
	if errors.Is(err, fs.ErrNotExist) {
		return e, fmt.Errorf("its sidecar %s is not there", name)
	}
	if err == nil && e.Size != *s.SizeInBytes {
		err = fmt.Errorf("sidecar %s has %d bytes and should have %d", name, e.Size, *s.SizeInBytes)
	}
	e.Path, e.Abs = name, abs
	return e, err
}

// checkpoint is one in the making.
type checkpoint struct {
	state     *state
	version   int64
	rows      int64
	sidecars  []sidecar
	described bool
}

// take adds one action. In a checkpoint, each file is added or removed once.
func (p *checkpoint) take(a action, side bool) error {
	switch {
	case a.add != nil:
		key, err := a.add.key()
		if err != nil {
			return fmt.Errorf("action add: %w", err)
		}
		if p.state.live[key] != nil {
			return fmt.Errorf("it adds %s twice", key.path)
		}
		p.state.live[key], p.state.named[key.path] = a.add, true
	case a.remove != nil:
		if a.remove.Path == nil {
			return errors.New("action remove: it has no path")
		}
		path, err := decodePath(*a.remove.Path)
		if err != nil {
			return fmt.Errorf("action remove: %w", err)
		}
		p.state.named[path] = true
	case side:
		return errors.New("a sidecar has files only")
	case a.metadata != nil && p.state.metadata != nil, a.protocol != nil && p.state.protocol != nil:
		return errors.New("it has the action metaData or protocol twice")
	case a.metadata != nil:
		p.state.metadata = a.metadata
	case a.protocol != nil:
		p.state.protocol = a.protocol
	case a.sidecar != nil:
		p.sidecars = append(p.sidecars, *a.sidecar)
	case a.checkpointMetadata != nil:
		if v := a.checkpointMetadata.Version; v == nil || *v != p.version {
			return errors.New("its action checkpointMetadata is of another version")
		}
		p.described = true
	}
	return nil
}

// read adds the actions of one file.
func (p *checkpoint) read(ctx context.Context, l *log, e store.Entry, side bool) error {
	if strings.HasSuffix(e.Path, ".json") {
		data, err := l.read(ctx, e)
		if err != nil {
			return err
		}
		return eachAction(data, func(a action) error { p.rows++; return p.take(a, side) })
	}
	object, err := l.files.Open(ctx, e.Abs)
	if err != nil {
		return err
	}
	defer object.Close()
	return p.parquet(ctx, io.NewSectionReader(object, 0, e.Size), side)
}

// The columns of a checkpoint. All are known, for the reason for which all fields of an add are.
var (
	knownActions = slices.Concat([]string{"add", "remove", "metaData", "protocol", "sidecar", "checkpointMetadata", "commitInfo"}, ofNoMatter)
	knownOfAdd   = []string{"path", "partitionValues", "size", "modificationTime", "deletionVector", "dataChange", "stats", "stats_parsed", "partitionValues_parsed", "tags", "baseRowId",
		"defaultRowCommitVersion", "clusteringProvider"}
	// wantedOf are the fields that are read of each action; those of metaData and protocol are few.
	wantedOf = map[string][]string{"add": {"path", "partitionValues", "size", "modificationTime", "deletionVector"}, "remove": {"path", "deletionVector"},
		"metaData": {"id", "format", "schemaString", "partitionColumns", "configuration"}, "protocol": {"minReaderVersion", "minWriterVersion", "readerFeatures", "writerFeatures"},
		"sidecar": {"path", "sizeInBytes"}, "checkpointMetadata": {"version"}}
)

// checkpointBatch is how many actions are decoded at once.
const checkpointBatch = 16 << 10

func (p *checkpoint) parquet(ctx context.Context, source *io.SectionReader, side bool) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("it does not decode: %v", cause)
		}
	}()
	properties := parquet.NewReaderProperties(memory.DefaultAllocator)
	properties.BufferedStreamEnabled = true
	reader, err := file.NewParquetReader(source, file.WithReadProps(properties))
	if err != nil {
		return fmt.Errorf("it does not decode: %w", err)
	}
	leaves, err := wantedLeaves(reader)
	if err != nil {
		return err
	}
	rows, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{BatchSize: checkpointBatch}, memory.DefaultAllocator)
	if err != nil {
		return fmt.Errorf("it does not decode: %w", err)
	}
	records, err := rows.GetRecordReader(ctx, leaves, nil)
	if err != nil {
		return fmt.Errorf("it does not decode: %w", err)
	}
	defer records.Release()
	read := int64(0)
	for records.Next() {
		record := records.Record()
		read += record.NumRows()
		if err := p.record(record, side); err != nil {
			return err
		}
	}
	if err := records.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("it does not decode: %w", err)
	}
	if read != reader.NumRows() {
		return fmt.Errorf("it has %d actions and its footer says %d", read, reader.NumRows())
	}
	p.rows += read
	return nil
}

// wantedLeaves are the columns to read, of those that all are known.
func wantedLeaves(reader *file.Reader) ([]int, error) {
	var leaves []int
	schema := reader.MetaData().Schema
	for i := range schema.NumColumns() {
		parts := schema.Column(i).ColumnPath()
		switch {
		case !slices.Contains(knownActions, parts[0]):
			return nil, fmt.Errorf("the action %q is not known here: it may decide which rows count", parts[0])
		case len(parts) < 2:
			return nil, fmt.Errorf("its column %q is no action", parts[0])
		case parts[0] == "add" && !slices.Contains(knownOfAdd, parts[1]):
			return nil, fmt.Errorf("the field %q of the action add is not known here: it may decide which rows count", parts[1])
		case slices.Contains(wantedOf[parts[0]], parts[1]):
			leaves = append(leaves, i)
		}
	}
	if len(leaves) == 0 {
		return nil, errors.New("it has no column of an action")
	}
	return leaves, nil
}

// record takes the actions of a batch: a row has one.
func (p *checkpoint) record(record arrow.Record, side bool) error {
	columns := make([]group, record.NumCols())
	for i := range columns {
		var err error
		if columns[i], err = groupOf(record.Column(i)); err != nil {
			return fmt.Errorf("action %s: %w", record.ColumnName(i), err)
		}
	}
	for row := range int(record.NumRows()) {
		a, count := action{}, 0
		for i, g := range columns {
			if g.of.IsNull(row) {
				continue
			}
			count++
			if err := a.fill(record.ColumnName(i), g, row); err != nil {
				return fmt.Errorf("action %s: %w", record.ColumnName(i), err)
			}
		}
		if count > 1 {
			return errors.New("a row has several actions")
		}
		if err := p.take(a, side); err != nil {
			return err
		}
	}
	return nil
}

// fill reads an action from a row.
func (a *action) fill(name string, g group, row int) (err error) {
	r := rowOf{g, row, &err}
	switch name {
	case "add":
		a.add = &add{Path: r.text("path"), PartitionValues: r.texts("partitionValues"), Size: r.number("size"), ModificationTime: r.number("modificationTime"), DeletionVector: r.vector()}
	case "remove":
		a.remove = &remove{Path: r.text("path"), DeletionVector: r.vector()}
	case "metaData":
		a.metadata = &metadata{SchemaString: r.text("schemaString"), PartitionColumns: r.list("partitionColumns"), Configuration: r.texts("configuration")}
		if format, ok := r.inner("format"); ok {
			a.metadata.Format = &struct {
				Provider string            `json:"provider"`
				Options  map[string]string `json:"options"`
			}{}
			if provider := (rowOf{format, row, &err}).text("provider"); provider != nil {
				a.metadata.Format.Provider = *provider
			}
		}
	case "protocol":
		a.protocol = &protocol{MinReaderVersion: r.small("minReaderVersion"), MinWriterVersion: r.small("minWriterVersion"), ReaderFeatures: r.list("readerFeatures"), WriterFeatures: r.list("writerFeatures")}
	case "sidecar":
		a.sidecar = &sidecar{Path: r.text("path"), SizeInBytes: r.number("sizeInBytes")}
	case "checkpointMetadata":
		a.checkpointMetadata = &checkpointMetadata{Version: r.number("version")}
	}
	return err
}

// group is a struct column with its fields by name.
type group struct {
	of     *array.Struct
	fields map[string]arrow.Array
}

func groupOf(a arrow.Array) (group, error) {
	s, ok := a.(*array.Struct)
	if !ok {
		return group{}, fmt.Errorf("it is a column of %s, want a struct", a.DataType())
	}
	g := group{of: s, fields: map[string]arrow.Array{}}
	for i, f := range s.DataType().(*arrow.StructType).Fields() { //nolint:forcetypeassert // the type of a struct column
		g.fields[f.Name] = s.Field(i)
	}
	return g, nil
}

// rowOf reads the fields of a struct in one row: nil where one is NULL or not there, and the first error where it is of another type.
type rowOf struct {
	group
	row int
	err *error
}

// field is a column that has a value in the row.
func (r rowOf) field(name string) (arrow.Array, bool) {
	a, ok := r.fields[name]
	return a, ok && !a.IsNull(r.row)
}

func (r rowOf) wrong(name string, a arrow.Array) {
	if *r.err == nil {
		*r.err = fmt.Errorf("its field %s is of the type %s", name, a.DataType())
	}
}

func (r rowOf) text(name string) *string {
	a, ok := r.field(name)
	if !ok {
		return nil
	}
	value, ok := textAt(a, r.row)
	if !ok {
		r.wrong(name, a)
	}
	return &value
}

func textAt(a arrow.Array, row int) (string, bool) {
	switch t := a.(type) {
	case *array.String:
		return strings.Clone(t.Value(row)), true
	case *array.LargeString:
		return strings.Clone(t.Value(row)), true
	}
	return "", false
}

func (r rowOf) number(name string) *int64 {
	a, ok := r.field(name)
	if !ok {
		return nil
	}
	value := int64(0)
	switch t := a.(type) {
	case *array.Int64:
		value = t.Value(r.row)
	case *array.Int32:
		value = int64(t.Value(r.row))
	default:
		r.wrong(name, a)
	}
	return &value
}

func (r rowOf) small(name string) *int {
	n := r.number(name)
	if n == nil {
		return nil
	}
	small := int(*n)
	return &small
}

func (r rowOf) inner(name string) (group, bool) {
	a, ok := r.field(name)
	if !ok {
		return group{}, false
	}
	g, err := groupOf(a)
	if err != nil && *r.err == nil {
		*r.err = err
	}
	return g, err == nil
}

func (r rowOf) vector() *vector {
	g, ok := r.inner("deletionVector")
	if !ok {
		return nil
	}
	in := rowOf{g, r.row, r.err}
	v := &vector{Offset: in.number("offset"), SizeInBytes: in.number("sizeInBytes"), Cardinality: in.number("cardinality")}
	kind, path := in.text("storageType"), in.text("pathOrInlineDv")
	if kind == nil && path == nil && v.SizeInBytes == nil {
		return nil // a writer that has no NULL for structs
	}
	if kind == nil || path == nil {
		if *r.err == nil {
			*r.err = errors.New("its deletionVector has no storageType or no pathOrInlineDv")
		}
		return nil
	}
	v.StorageType, v.PathOrInlineDv = *kind, *path
	return v
}

// texts is a map of texts, whose values may be NULL.
func (r rowOf) texts(name string) map[string]*string {
	a, ok := r.field(name)
	if !ok {
		return nil
	}
	m, ok := a.(*array.Map)
	if !ok {
		r.wrong(name, a)
		return nil
	}
	from, to := m.ValueOffsets(r.row)
	out := make(map[string]*string, to-from)
	for i := from; i < to; i++ {
		key, ok := textAt(m.Keys(), int(i))
		if !ok {
			r.wrong(name, m.Keys())
			return out
		}
		if m.Items().IsNull(int(i)) {
			out[key] = nil
			continue
		}
		value, ok := textAt(m.Items(), int(i))
		if !ok {
			r.wrong(name, m.Items())
			return out
		}
		out[key] = &value
	}
	return out
}

func (r rowOf) list(name string) []string {
	a, ok := r.field(name)
	if !ok {
		return nil
	}
	l, ok := a.(array.ListLike)
	if !ok {
		r.wrong(name, a)
		return nil
	}
	from, to := l.ValueOffsets(r.row)
	out := []string{}
	for i := from; i < to; i++ {
		text, ok := textAt(l.ListValues(), int(i))
		if !ok {
			r.wrong(name, l.ListValues())
			return out
		}
		out = append(out, text)
	}
	return out
}
