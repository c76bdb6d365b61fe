// Package iceberg reads the metadata of an Iceberg table: which files a snapshot has, which of their rows do not count, what their
// partitions are. It follows the table spec, versions 1 to 3, for readers, and refuses by name what it does not follow.
package iceberg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/table/internal/rowset"
	"github.com/featureaudit/featureaudit/audit/table/logged"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Folder is where the metadata of a table lies, below its own.
const Folder = "metadata"

// atOnce is how many files of metadata are read at once.
const atOnce = 8

// table is one that is being read.
type table struct {
	files      files
	meta       *metadata
	places     places
	snapshot   *snapshot
	schema     *schema
	bySequence map[int64]*snapshot
	// bounded are the columns whose bounds are looked at: those that partitions are made of, and the path in files of positions.
	bounded map[int]bool
	// layout is that of manifests.
	layout *layout
	notes  []string
}

// Read is a logged.Reader of Iceberg tables. A root may be the folder of a table, a file of its metadata, or the address of a REST
// catalog.
func Read(ctx context.Context, st store.Store, root string, at model.TableAt) (logged.Version, error) {
	found, err := find(ctx, files{st}, root, at)
	if err != nil {
		return logged.Version{}, err
	}
	t := &table{files: files{st}, meta: found.meta, bySequence: map[int64]*snapshot{}, bounded: map[int]bool{idPositionPath: true}}
	if t.places, err = found.places(ctx, t.files, at.Relocated); err != nil {
		return logged.Version{}, err
	}
	if err := t.choose(at); err != nil {
		return logged.Version{}, err
	}
	for i := range t.meta.Snapshots {
		if s := &t.meta.Snapshots[i]; s.sequence() > 0 {
			t.bySequence[s.sequence()] = s
		}
	}
	for _, spec := range t.meta.PartitionSpecs {
		for _, f := range spec.Fields {
			t.bounded[f.source()] = true
		}
	}
	t.layout = &layout{wanted: wantedEntries, known: knownEntries, bounded: t.bounded}
	v, err := t.version(ctx)
	if err != nil && t.snapshot != nil {
		err = fmt.Errorf("snapshot %d: %w", *t.snapshot.ID, err)
	}
	return v, err
}

// choose finds the snapshot that is wanted, and the schema that it is read by: the table's own for its newest and for branches, as all
// readers have it, else that of the snapshot.
func (t *table) choose(at model.TableAt) error {
	id, own := t.meta.currentID(), true
	switch {
	case at.Version != nil:
		id, own = *at.Version, false
		if t.meta.snapshot(id) == nil {
			return fmt.Errorf("it has no snapshot %d (or no longer): it has %s", id, t.someSnapshots())
		}
	case at.Branch != "":
		r, ok := t.meta.Refs[at.Branch]
		if !ok && at.Branch != "main" {
			return fmt.Errorf("it has no branch or tag %q: it has %s", at.Branch, t.refs())
		}
		if ok {
			id, own = *r.SnapshotID, r.Type == "branch"
		}
	case !at.AsOf.IsZero():
		own = false
		var err error
		if id, err = t.asOf(at.AsOf); err != nil {
			return err
		}
	}
	t.schema = t.meta.current()
	if id == noSnapshot {
		return nil // a table that nothing was written to yet
	}
	if t.snapshot = t.meta.snapshot(id); t.snapshot == nil {
		return fmt.Errorf("its snapshot %d is not in its metadata: it was expired, or the metadata is damaged", id)
	}
	for _, e := range t.meta.SnapshotLog {
		if own && *e.SnapshotID == id && *e.TimestampMs < *t.snapshot.TimestampMs-clockSlack {
			return fmt.Errorf("snapshot %d was committed at %d by its own word, and became the table's at %d by the snapshot-log: the metadata is damaged", id, *t.snapshot.TimestampMs, *e.TimestampMs)
		}
	}
	if !own && t.snapshot.SchemaID != nil {
		if t.schema = t.meta.schemaOf(*t.snapshot.SchemaID); t.schema == nil {
			return fmt.Errorf("snapshot %d is of the schema %d, which the metadata does not have: it is damaged", id, *t.snapshot.SchemaID)
		}
	}
	return nil
}

// clockSlack is how far clocks of two machines may differ, in milliseconds, as the format has it.
const clockSlack = 60_000

// asOf is the snapshot that was the table's at an instant.
func (t *table) asOf(at time.Time) (int64, error) {
	id, first := int64(noSnapshot), int64(0)
	for i, e := range t.meta.SnapshotLog {
		if i == 0 || *e.TimestampMs < first {
			first = *e.TimestampMs
		}
		if *e.TimestampMs <= at.UnixMilli() {
			id = *e.SnapshotID
		}
	}
	if id != noSnapshot {
		return id, nil
	}
	if len(t.meta.SnapshotLog) == 0 {
		return 0, errors.New("its metadata has no snapshot-log, which says when a snapshot was the table's: name a version")
	}
	return 0, fmt.Errorf("the oldest snapshot in its snapshot-log became the table's at %s, which is later than %s", time.UnixMilli(first).UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
}

// shownSnapshots is how many snapshots an error names.
const shownSnapshots = 5

func (t *table) someSnapshots() string {
	sorted := slices.Clone(t.meta.Snapshots)
	slices.SortStableFunc(sorted, func(a, b snapshot) int { return cmp.Compare(*b.TimestampMs, *a.TimestampMs) })
	var names []string
	for _, s := range sorted[:min(len(sorted), shownSnapshots)] {
		names = append(names, fmt.Sprintf("%d of %s", *s.ID, time.UnixMilli(*s.TimestampMs).UTC().Format(time.RFC3339)))
	}
	if more := len(sorted) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d older ones", more))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (t *table) refs() string {
	names := []string{"main"}
	for name := range t.meta.Refs {
		if name != "main" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// committed is when a snapshot was, and not known where the metadata has it no more.
func (t *table) committed(id int64) times.Instant {
	if s := t.meta.snapshot(id); s != nil {
		return times.Instant(*s.TimestampMs * 1000)
	}
	return times.None
}

// added is when the snapshot that added a file was committed; not known where that only wrote older rows anew.
func (t *table) added(id int64) times.Instant {
	if s := t.meta.snapshot(id); s != nil && s.Summary["operation"] == "replace" {
		return times.None
	}
	return t.committed(id)
}

// version lists the files of the chosen snapshot.
func (t *table) version(ctx context.Context) (logged.Version, error) {
	v := logged.Version{Root: t.places.root, CommittedAt: times.None, Settings: t.meta.Properties}
	var err error
	if v.Columns, err = t.columns(); err != nil {
		return logged.Version{}, err
	}
	for _, f := range t.schema.Fields {
		v.Schema = append(v.Schema, logged.Column{Name: f.Name, Type: f.Type.String(), Required: f.Required != nil && *f.Required})
	}
	v.Partitions, v.Periods = t.partitionNames(), t.periods()
	if t.snapshot == nil {
		v.Number = noSnapshot
		return v, nil
	}
	v.Number, v.CommittedAt = *t.snapshot.ID, t.committed(*t.snapshot.ID)
	list, err := t.manifests(ctx, t.snapshot)
	if err != nil {
		return logged.Version{}, err
	}
	all, err := t.allEntries(ctx, list)
	if err != nil {
		return logged.Version{}, err
	}
	var data, deletes []entry
	for _, e := range all {
		if e.content == contentData {
			data = append(data, e)
		} else {
			deletes = append(deletes, e)
		}
	}
	slices.SortFunc(data, func(a, b entry) int { return cmp.Compare(a.path, b.path) })
	if err := checkData(data); err != nil {
		return logged.Version{}, err
	}
	t.compareSummary(data, deletes)
	gone, err := t.deleted(ctx, data, deletes)
	if err != nil {
		return logged.Version{}, err
	}
	if v.Files, err = t.listed(data, gone); err != nil {
		return logged.Version{}, err
	}
	v.Named = t.named(ctx, list, all)
	v.Notes = t.notes
	return v, nil
}

// allEntries reads the files of manifests, many at once, and gives them in the order of the list.
func (t *table) allEntries(ctx context.Context, list []manifest) ([]entry, error) {
	read := make([][]entry, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, m := range list {
		if !m.bare && m.added == 0 && m.existing == 0 {
			continue // all of its files are gone
		}
		group.Go(func() (err error) {
			read[i], err = t.entries(ctx, m)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(read...), nil
}

// checkData refuses files that are not read here, and one that is listed twice.
func checkData(data []entry) error {
	for i, e := range data {
		if !strings.EqualFold(e.format, "parquet") {
			return fmt.Errorf("its data file %s is in the format %s, and only Parquet is read here: have the table rewritten (write.format.default = parquet, then rewrite_data_files)", e.path, e.format)
		}
		if i > 0 && e.path == data[i-1].path {
			return fmt.Errorf("it lists the data file %s twice, so that its rows count twice: have the table rewritten", e.path)
		}
	}
	return nil
}

// compareSummary notes where a snapshot's own summary says something else than its manifests. Writers add it up from one snapshot to
// the next, and some have lost count, so that the manifests are believed.
func (t *table) compareSummary(data, deletes []entry) {
	rows := int64(0)
	for _, e := range data {
		rows += e.rows
	}
	for _, said := range []struct {
		key, name string
		have      int64
	}{{"total-data-files", "data files", int64(len(data))}, {"total-records", "rows in data files", rows}, {"total-delete-files", "delete files", int64(len(deletes))}} {
		text, ok := t.snapshot.Summary[said.key]
		if ok && text != fmt.Sprint(said.have) {
			t.notes = append(t.notes, fmt.Sprintf("the summary of snapshot %d says %s %s, and its manifests have %d: they were counted", *t.snapshot.ID, text, said.name, said.have))
		}
	}
}

// listed are the data files in the form that every table has.
func (t *table) listed(data []entry, gone []*rowset.Set) ([]logged.File, error) {
	out, values := make([]logged.File, len(data)), map[string][]facts.Value{}
	for i, e := range data {
		abs, rel, err := t.places.name(e.path)
		if err != nil {
			return nil, err
		}
		f := logged.File{Path: rel, Abs: abs, Size: e.size, ModTime: logged.Unknown, Rows: e.rows, Added: t.added(e.snapshot)}
		if _, known := values[e.scope]; !known {
			if values[e.scope], err = t.values(t.meta.spec(e.spec), e.partition); err != nil {
				return nil, fmt.Errorf("%s: %w", e.path, err)
			}
		}
		f.Values = values[e.scope]
		if set := gone[i]; set != nil {
			f.Mask = set.Name()
			f.Load = func(context.Context) (facts.RowSet, error) { return set, nil }
		}
		out[i] = f
	}
	slices.SortFunc(out, func(a, b logged.File) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// named says which files below the table's folder some snapshot names. The other snapshots are read when the first file is met that
// the listed one does not have; what cannot be read of them might name any file.
func (t *table) named(ctx context.Context, listed []manifest, all []entry) func(path string) bool {
	known, read := map[string]bool{}, map[string]bool{}
	add := func(list []manifest, entries []entry) {
		for _, m := range list {
			read[m.path] = true
		}
		for _, e := range entries {
			if _, rel, err := t.places.name(e.path); err == nil {
				known[rel] = true
			}
		}
	}
	add(listed, all)
	others := sync.OnceValue(func() (whole bool) {
		var list []manifest
		for i := range t.meta.Snapshots {
			manifests, err := t.manifests(ctx, &t.meta.Snapshots[i])
			if err != nil {
				return false
			}
			for _, m := range manifests {
				if !read[m.path] {
					read[m.path] = true
					list = append(list, m)
				}
			}
		}
		entries, err := t.allEntries(ctx, list)
		add(nil, entries)
		return err == nil
	})
	return func(path string) bool {
		return known[path] || strings.HasPrefix(path, Folder+"/") || !others() || known[path]
	}
}
