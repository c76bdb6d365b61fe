// Package delta reads the log of a Delta table: which files a version has, which of their rows do not count, what their partitions
// are. It follows the Delta Transaction Log Protocol for readers, and refuses by name what it does not follow.
package delta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/times"
)

// At says which version is wanted: the newest, unless one of these is set.
type At struct {
	// Version is a number, valid if Numbered.
	Version  int64
	Numbered bool
	// AsOf is an instant in microseconds UTC, valid if Dated: the last version that was committed by then.
	AsOf  int64
	Dated bool
}

// Snapshot is one version of a table.
type Snapshot struct {
	// Version is its number, and CommittedAt its time: what the commit itself says, else the time of its
	// file; not known where the log has the commit no more.
	Version     int64
	CommittedAt times.Instant
	// Files are sorted by Path.
	Files []File
	// Columns are the table's own where its files name them in another way.
	Columns []facts.TableColumn
	// Partitions are the names of its partition columns.
	Partitions []string
	// Settings are its properties.
	Settings map[string]string
	// Named are the paths of all files that a version in the log names, those that it has no more among them.
	Named map[string]bool
}

// Null stands for a value that is NULL, as it does in the folders of partitions.
const Null = "__HIVE_DEFAULT_PARTITION__"

// File is one file of a version.
type File struct {
	// Path is relative to the table's folder, or absolute.
	Path     string
	Absolute bool
	Size     int64
	// ModTime is when it was written, as the log says, in microseconds UTC.
	ModTime int64
	// Values are those of its partition columns, in their order; NULL is Null.
	Values []facts.Value
	// Mask names the deletion vector of the file; empty without one.
	Mask   string
	vector *vector
}

// Read reads a version of the table in a folder. Its errors say what is refused, without the name of the table.
func Read(ctx context.Context, files store.Store, root string, at At) (Snapshot, error) {
	l, err := openLog(ctx, files, store.Join(root, Folder))
	if err != nil {
		return Snapshot{}, err
	}
	version, committed, err := l.find(ctx, at)
	if err != nil {
		return Snapshot{}, err
	}
	s, err := l.replay(ctx, version)
	if err != nil {
		return Snapshot{}, err
	}
	snapshot, err := s.snapshot()
	if err != nil {
		return Snapshot{}, fmt.Errorf("version %d: %w", version, err)
	}
	snapshot.Version, snapshot.CommittedAt = version, times.Instant(committed)
	for v, e := range l.commits {
		if v > version {
			l.named(ctx, e, snapshot.Named)
		}
	}
	return snapshot, nil
}

// named adds the paths that a commit beyond the wanted version names, as far as it can be read: they are no orphans.
func (l *log) named(ctx context.Context, e store.Entry, paths map[string]bool) {
	data, err := l.read(ctx, e)
	if err != nil {
		return
	}
	c, err := readChange(data)
	if err != nil {
		return
	}
	for _, a := range c.adds {
		paths[a.path] = true
	}
	for _, r := range c.removes {
		paths[r.path] = true
	}
}

// find is the number of the wanted version, and its time.
func (l *log) find(ctx context.Context, at At) (version, committed int64, err error) {
	if at.Dated {
		return l.findAt(ctx, at.AsOf)
	}
	version = l.last
	if at.Numbered {
		version = at.Version
		if version > l.last {
			return 0, 0, fmt.Errorf("it has no version %d: its last is %d", version, l.last)
		}
	}
	if _, ok := l.commits[version]; !ok {
		return version, times.None, nil
	}
	c, err := l.version(ctx, version)
	return version, c.at, err
}

// findAt is the last version that was committed by an instant. Clocks may go back between two versions: each counts as later than the
// one before it.
func (l *log) findAt(ctx context.Context, asOf int64) (version, committed int64, err error) {
	versions := slices.Sorted(maps.Keys(l.commits))
	version, last := int64(-1), int64(times.None)
	for i, v := range versions {
		if i > 0 && versions[i-1] != v-1 {
			last = times.None
		}
		c, err := l.version(ctx, v)
		if err != nil {
			return 0, 0, err
		}
		if last != times.None && c.at <= last {
			c.at = last + 1000
		}
		if last = c.at; c.at > asOf {
			break
		}
		version, committed = v, c.at
	}
	if version < 0 {
		if len(versions) == 0 {
			return 0, 0, errors.New("its log has no commit that says its time: name a version")
		}
		return 0, 0, fmt.Errorf("the oldest commit in its log, version %d, is later than %s", versions[0], time.UnixMicro(asOf).UTC().Format(time.RFC3339))
	}
	return version, committed, nil
}

// snapshot checks the table and lists its files.
func (s *state) snapshot() (Snapshot, error) {
	if err := s.protocol.check(); err != nil {
		return Snapshot{}, err
	}
	if s.metadata == nil {
		return Snapshot{}, errors.New("no version of it has an action metaData: the log is damaged")
	}
	if s.metadata.Format != nil && s.metadata.Format.Provider != "parquet" {
		return Snapshot{}, fmt.Errorf("its files are in the format %q: only parquet is read", s.metadata.Format.Provider)
	}
	columns, schema, err := s.metadata.columns()
	if err != nil {
		return Snapshot{}, err
	}
	names, err := s.metadata.partitionNames(schema)
	if err != nil {
		return Snapshot{}, err
	}
	out := Snapshot{Columns: columns, Partitions: s.metadata.PartitionColumns, Named: s.named, Settings: map[string]string{}}
	for name, value := range s.metadata.Configuration {
		if value != nil {
			out.Settings[name] = *value
		}
	}
	for key, a := range s.live {
		f := File{Path: key.path, Absolute: isAbsolute(key.path), Size: *a.Size, ModTime: *a.ModificationTime * 1000, Mask: key.vector, vector: a.DeletionVector}
		if f.Values, err = values(a.PartitionValues, s.metadata.PartitionColumns, names); err != nil {
			return Snapshot{}, fmt.Errorf("%s: %w", key.path, err)
		}
		out.Files = append(out.Files, f)
	}
	slices.SortFunc(out.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	for i := 1; i < len(out.Files); i++ {
		if out.Files[i].Path == out.Files[i-1].Path {
			return Snapshot{}, fmt.Errorf("it lists %s twice, with different deleted rows: the log is damaged", out.Files[i].Path)
		}
	}
	return out, nil
}

// values are those of the partition columns. An empty text is a NULL too, as the format has it.
func values(said map[string]*string, columns, names []string) ([]facts.Value, error) {
	if len(said) != len(names) {
		return nil, fmt.Errorf("it has %d values of partitions, and the table %d partition columns (%s)", len(said), len(names), strings.Join(columns, ", "))
	}
	out := make([]facts.Value, len(names))
	for i, name := range names {
		text, ok := said[name]
		if !ok {
			return nil, fmt.Errorf("it has no value of the partition column %s", columns[i])
		}
		out[i] = facts.Value{Name: columns[i], Text: Null}
		if text != nil && *text != "" {
			out[i].Text = *text
		}
	}
	return out, nil
}
