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
	"sync"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/table/logged"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Read is a logged.Reader of Delta tables.
func Read(ctx context.Context, files store.Store, root string, at model.TableAt) (logged.Version, error) {
	if at.Branch != "" {
		return logged.Version{}, errors.New("table.branch is for Iceberg: name a version")
	}
	l, err := openLog(ctx, files, store.Join(root, Folder))
	if err != nil {
		return logged.Version{}, err
	}
	version, committed, err := l.find(ctx, at)
	if err != nil {
		return logged.Version{}, err
	}
	s, err := l.replay(ctx, version)
	if err != nil {
		return logged.Version{}, err
	}
	out, err := s.version(files, root)
	if err != nil {
		return logged.Version{}, fmt.Errorf("version %d: %w", version, err)
	}
	out.Number, out.CommittedAt = version, times.Instant(committed)
	out.Date = func(ctx context.Context, files []logged.File) error { return l.date(ctx, version, files) }
	others := sync.OnceFunc(func() { l.others(ctx, s, version) })
	out.Named = func(path string) bool {
		if hidden(path) || s.named[path] || s.named[store.Join(root, path)] {
			return true
		}
		others()
		return s.named[path] || s.named[store.Join(root, path)]
	}
	return out, nil
}

// hidden says that a path is none of a table's data: it lies in a folder of the format's own, as the log, or has such a name.
func hidden(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(part, ".") || strings.HasPrefix(part, "_") && !strings.Contains(part, "=") {
			return true
		}
	}
	return false
}

// date finds when the rows of files came into the table: when the first version was committed that has a file of that path, whatever
// rows of it were deleted since. What OPTIMIZE writes anew came before, so that nothing is known of it, as of what the log has no commit of.
func (l *log) date(ctx context.Context, target int64, files []logged.File) error {
	first := map[string]times.Instant{}
	for _, v := range slices.Sorted(maps.Keys(l.commits)) {
		if v > target {
			break
		}
		c, err := l.version(ctx, v)
		if err != nil {
			return err
		}
		again := map[string]bool{}
		for _, r := range c.removes {
			again[r.path] = true
		}
		for _, a := range c.adds {
			if _, known := first[a.path]; known {
				continue
			}
			first[a.path] = times.Instant(c.at)
			if again[a.path] || string(a.DataChange) == "false" {
				first[a.path] = times.None
			}
		}
	}
	for i := range files {
		files[i].Added = times.None
		if at, known := first[files[i].Path]; known {
			files[i].Added = at
		}
	}
	return nil
}

// others adds the paths that other versions name than those that were replayed, as far as they can be read: their files are no orphans.
func (l *log) others(ctx context.Context, s *state, version int64) {
	for v, e := range l.commits {
		if v > version || v < s.from {
			l.named(ctx, e, s.named)
		}
	}
	for v, all := range l.checkpoints {
		if v == s.from-1 || all[0].missing() > 0 {
			continue
		}
		if other, err := l.checkpoint(ctx, v, all[0]); err == nil {
			maps.Copy(s.named, other.named)
		}
	}
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
func (l *log) find(ctx context.Context, at model.TableAt) (version, committed int64, err error) {
	if at.Version == nil {
		if err := l.whole(); err != nil {
			return 0, 0, err
		}
	}
	if !at.AsOf.IsZero() {
		return l.findAt(ctx, at.AsOf.UnixMicro())
	}
	version = l.last
	if at.Version != nil {
		version = *at.Version
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

// version checks the table and lists its files.
func (s *state) version(files store.Store, root string) (logged.Version, error) {
	if err := s.protocol.check(); err != nil {
		return logged.Version{}, err
	}
	if s.metadata == nil {
		return logged.Version{}, errors.New("no version of it has an action metaData: the log is damaged")
	}
	if s.metadata.Format != nil && s.metadata.Format.Provider != "parquet" {
		return logged.Version{}, fmt.Errorf("its files are in the format %q: only parquet is read", s.metadata.Format.Provider)
	}
	columns, schema, err := s.metadata.columns()
	if err != nil {
		return logged.Version{}, err
	}
	names, err := s.metadata.partitionNames(schema)
	if err != nil {
		return logged.Version{}, err
	}
	out := logged.Version{Columns: columns, Schema: schema.columns(), Partitions: s.metadata.PartitionColumns, Settings: map[string]string{}}
	for name, value := range s.metadata.Configuration {
		if value != nil {
			out.Settings[name] = *value
		}
	}
	shared := map[string][]facts.Value{} // files of one partition have them in common
	for _, key := range slices.SortedFunc(maps.Keys(s.live), func(a, b logical) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.vector, b.vector)) }) {
		a := s.live[key]
		f := logged.File{Path: key.path, Size: *a.Size, ModTime: *a.ModificationTime * 1000, Added: times.None, Rows: -1, Mask: key.vector}
		if isAbsolute(key.path) {
			f.Abs = key.path
		}
		if v := a.DeletionVector; v != nil {
			f.Load = v.loader(files, root, key.path)
		}
		if f.Values, err = values(a.PartitionValues, s.metadata.PartitionColumns, names); err != nil {
			return logged.Version{}, fmt.Errorf("%s: %w", key.path, err)
		}
		if text := fmt.Sprintf("%q", f.Values); shared[text] == nil {
			shared[text] = f.Values
		} else {
			f.Values = shared[text]
		}
		out.Files = append(out.Files, f)
	}
	for i := 1; i < len(out.Files); i++ {
		if out.Files[i].Path == out.Files[i-1].Path {
			return logged.Version{}, fmt.Errorf("it lists %s twice, with different deleted rows: the log is damaged", out.Files[i].Path)
		}
	}
	for _, f := range out.Files {
		below, ok := strings.CutPrefix(f.Abs, strings.TrimSuffix(root, "/")+"/")
		if !ok {
			continue
		}
		if _, twice := slices.BinarySearchFunc(out.Files, below, func(f logged.File, path string) int { return cmp.Compare(f.Path, path) }); twice {
			return logged.Version{}, fmt.Errorf("it lists %s twice, by its path and by %s: the log is damaged", below, f.Abs)
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
		out[i] = facts.Value{Name: columns[i], Text: logged.Null}
		if text != nil && *text != "" {
			out[i].Text = *text
		}
	}
	return out, nil
}
