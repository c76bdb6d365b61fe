package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"

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
	// shared are the values of partitions that many files have in common, by their text.
	shared map[string]map[string]*string
}

// share gives files of one partition one map of its values.
func (p *checkpoint) share(values map[string]*string) map[string]*string {
	names := slices.Sorted(maps.Keys(values))
	var text strings.Builder
	for _, name := range names {
		value := "NULL"
		if values[name] != nil {
			value = strconv.Quote(*values[name])
		}
		fmt.Fprintf(&text, "%q=%s,", name, value)
	}
	if known, ok := p.shared[text.String()]; ok {
		return known
	}
	if p.shared == nil {
		p.shared = map[string]map[string]*string{}
	}
	p.shared[text.String()] = values
	return values
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
		a.add.PartitionValues = p.share(a.add.PartitionValues)
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
	// toldBy is a field of each other action, which says that a row has it: every row has one action.
	toldBy = map[string]string{"txn": "appId", "domainMetadata": "domain", "cdc": "path", "commitInfo": "timestamp"}
)

// parquet adds the actions of a file of Parquet. Its columns are decoded one after the other in this goroutine, since what decodes several at
// once has no place from which a damaged page could be told as an error.
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
	rows := int64(0)
	for i := range reader.NumRowGroups() {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		group := reader.RowGroup(i)
		if err := p.group(group, leaves, side); err != nil {
			return err
		}
		rows += group.NumRows()
	}
	if rows != reader.NumRows() {
		return fmt.Errorf("it has %d actions and its footer says %d", rows, reader.NumRows())
	}
	p.rows += rows
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
		case slices.Contains(wantedOf[parts[0]], parts[1]), toldBy[parts[0]] == parts[1]:
			leaves = append(leaves, i)
		}
	}
	if len(leaves) == 0 {
		return nil, errors.New("it has no column of an action")
	}
	return leaves, nil
}

// group takes the actions of a row group: a row has one.
func (p *checkpoint) group(group *file.RowGroupReader, numbers []int, side bool) error {
	actions := map[string][]*leaf{}
	var names []string
	for _, number := range numbers {
		l, err := readLeaf(group, number)
		if err != nil {
			return err
		}
		if actions[l.path[0]] == nil {
			names = append(names, l.path[0])
		}
		actions[l.path[0]] = append(actions[l.path[0]], l)
	}
	for row := range int(group.NumRows()) {
		a, count := action{}, 0
		for _, name := range names {
			has, err := present(actions[name], row)
			if err != nil {
				return fmt.Errorf("action %s: %w", name, err)
			}
			if !has {
				continue
			}
			count++
			if err := a.fill(name, actions[name], row); err != nil {
				return fmt.Errorf("action %s: %w", name, err)
			}
		}
		if count != 1 {
			return fmt.Errorf("a row has %d actions, want one: it is damaged", count)
		}
		if err := p.take(a, side); err != nil {
			return err
		}
	}
	return nil
}

// fill reads an action from a row.
func (a *action) fill(name string, leaves []*leaf, row int) (err error) {
	r := rowOf{leaves, row, &err}
	switch name {
	case "add":
		a.add = &add{Path: r.text("path"), PartitionValues: r.texts("partitionValues"), Size: r.number("size"), ModificationTime: r.number("modificationTime"), DeletionVector: r.vector()}
	case "remove":
		a.remove = &remove{Path: r.text("path"), DeletionVector: r.vector()}
	case "metaData":
		a.metadata = &metadata{SchemaString: r.text("schemaString"), PartitionColumns: r.list("partitionColumns"), Configuration: r.texts("configuration")}
		if provider := r.text("format", "provider"); provider != nil {
			a.metadata.Format = &struct {
				Provider string            `json:"provider"`
				Options  map[string]string `json:"options"`
			}{Provider: *provider}
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

// rowOf reads the fields of an action in one row: nil where one is NULL or not there, and the first error where it is of another type.
type rowOf struct {
	leaves []*leaf
	row    int
	err    *error
}

// below are the leaves of a field, given by the names from the action on.
func (r rowOf) below(fields ...string) (found []*leaf) {
	for _, l := range r.leaves {
		if len(l.path) > len(fields) && slices.Equal(l.path[1:1+len(fields)], fields) {
			found = append(found, l)
		}
	}
	return found
}

func (r rowOf) wrong(l *leaf, want string) {
	if *r.err == nil {
		*r.err = fmt.Errorf("its field %s is no %s", strings.Join(l.path[1:], "."), want)
	}
}

// value is the place of a field's value in the row.
func (r rowOf) value(want string, fields ...string) (l *leaf, at int) {
	found := r.below(fields...)
	if len(found) == 0 {
		return nil, none
	}
	l = found[0]
	if len(found) > 1 || len(l.path) != len(fields)+1 || l.repeated > 0 {
		r.wrong(l, want)
		return nil, none
	}
	return l, int(l.values[l.begin(r.row)])
}

func (r rowOf) text(fields ...string) *string {
	l, at := r.value("text", fields...)
	if at == none {
		return nil
	}
	if l.texts == nil {
		r.wrong(l, "text")
		return nil
	}
	return &l.texts[at]
}

func (r rowOf) number(fields ...string) *int64 {
	l, at := r.value("number", fields...)
	if at == none {
		return nil
	}
	if l.numbers == nil {
		r.wrong(l, "number")
		return nil
	}
	return &l.numbers[at]
}

func (r rowOf) small(name string) *int {
	n := r.number(name)
	if n == nil {
		return nil
	}
	small := int(*n)
	return &small
}

func (r rowOf) vector() *vector {
	if len(r.below("deletionVector")) == 0 {
		return nil
	}
	in := func(field string) *int64 { return r.number("deletionVector", field) }
	v := &vector{Offset: in("offset"), SizeInBytes: in("sizeInBytes"), Cardinality: in("cardinality")}
	kind, path := r.text("deletionVector", "storageType"), r.text("deletionVector", "pathOrInlineDv")
	if kind == nil && path == nil && v.SizeInBytes == nil && v.Cardinality == nil {
		return nil
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

// texts is a map of texts, whose values may be NULL; nil where it is NULL itself.
func (r rowOf) texts(name string) map[string]*string {
	found := r.below(name)
	if len(found) == 0 {
		return nil
	}
	keys := found[0]
	if len(found) != 2 || keys.repeated == 0 || found[1].repeated != keys.repeated || keys.texts == nil || found[1].texts == nil {
		r.wrong(keys, "map of texts")
		return nil
	}
	values := found[1]
	from, to := keys.begin(r.row), keys.begin(r.row+1)
	if keys.definitions[from] < keys.repeated-1 {
		return nil
	}
	out := map[string]*string{}
	if keys.definitions[from] < keys.repeated {
		return out
	}
	first := values.begin(r.row)
	if values.begin(r.row+1)-first != to-from {
		r.wrong(keys, "map whose keys have a value each")
		return nil
	}
	for i := range to - from {
		key, value := keys.values[from+i], values.values[first+i]
		if key == none {
			r.wrong(keys, "map whose keys are texts")
			return nil
		}
		if out[keys.texts[key]] = nil; value != none {
			out[keys.texts[key]] = &values.texts[value]
		}
	}
	if len(out) != to-from {
		r.wrong(keys, "map with one value of a key")
	}
	return out
}

// list is a list of texts, nil where it is NULL.
func (r rowOf) list(name string) []string {
	found := r.below(name)
	if len(found) == 0 {
		return nil
	}
	l := found[0]
	if len(found) != 1 || l.repeated == 0 || l.texts == nil {
		r.wrong(l, "list of texts")
		return nil
	}
	from, to := l.begin(r.row), l.begin(r.row+1)
	if l.definitions[from] < l.repeated-1 {
		return nil
	}
	out := []string{}
	if l.definitions[from] < l.repeated {
		return out
	}
	for _, at := range l.values[from:to] {
		if at == none {
			r.wrong(l, "list of texts")
			return out
		}
		out = append(out, l.texts[at])
	}
	return out
}
