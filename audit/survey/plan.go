package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Plan lists the files of a view and puts them into partitions: what there is to look at, without opening any of it.
// The view comes back with its time partition resolved (inferred from the paths where it is not declared, dropped where
// it is a default that the paths do not have) and the origins of what was inferred; notes say how. Its errors are those
// of store.Store.List, *partition.PathError where a path contradicts the declaration, and plain ones where the declaration itself is wrong.
func Plan(ctx context.Context, st store.Store, view model.View, asOf time.Time, r partition.Range) (facts.Listing, model.View, []string, error) {
	return PlanIf(ctx, st, view, asOf, r, func(int, int) error { return nil })
}

// PlanIf is Plan, which ends with the error that fits has about so many files in so many folders, if it has one: before more is made of them.
func PlanIf(ctx context.Context, st store.Store, view model.View, asOf time.Time, r partition.Range, fits func(files, folders int) error) (facts.Listing, model.View, []string, error) {
	found, err := listAll(ctx, st, view)
	if err == nil {
		err = fits(len(found.files), len(found.dirs))
	}
	if err != nil {
		return facts.Listing{}, view, nil, err
	}
	p := planner{view: view, found: found, listing: facts.Listing{Root: found.root, Ignored: found.ignored, Examples: found.examples, Links: found.links, Tables: found.tables}}
	p.addFiles()
	if err := p.noteTables(); err != nil {
		return facts.Listing{}, view, nil, err
	}
	if err := p.noteCommits(); err != nil {
		return facts.Listing{}, view, nil, err
	}
	if err := p.addSources(); err != nil {
		return facts.Listing{}, view, nil, err
	}
	if err := p.addPartitions(asOf, r); err != nil {
		return facts.Listing{}, view, nil, err
	}
	return p.listing, p.view, p.notes, nil
}

// located is a file with its path below the fixed part of its own glob.
type located struct {
	store.Entry
	own    string
	source string
}

// locatedDir is a folder below the fixed part of its glob, and the source whose own glob that is.
type locatedDir struct{ path, source string }

// folders is what all globs of a view list together.
type folders struct {
	root    string
	files   []located
	dirs    []locatedDir
	ignored map[string]int64

	examples map[string][]string
	links    []facts.Link
	tables   []*facts.Table
}

// listAll lists the view's glob and those that sources have of their own. A file that both match is the source's.
func listAll(ctx context.Context, st store.Store, view model.View) (folders, error) {
	globs := map[string]string{}
	for _, s := range view.Sources {
		if s.Path != "" {
			globs[s.Name] = s.Path
		}
	}
	if view.Path != "" {
		globs[""] = view.Path
	}
	if len(globs) == 0 {
		return folders{}, fmt.Errorf("view %s has no path: declare path, such as data/%s/**/*.parquet", view.Name, view.Name)
	}
	all := folders{ignored: map[string]int64{}, examples: map[string][]string{}}
	var taken map[string]string
	if len(globs) > 1 {
		taken = map[string]string{}
	}
	var empty []error
	// The view's own glob has the empty name, and takes what no source has taken.
	names := slices.Sorted(maps.Keys(globs))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(min(len(b), 1), min(len(a), 1)) })
	for _, source := range names {
		l, err := st.List(ctx, view.Root, globs[source])
		var none *store.NoMatchError
		if errors.As(err, &none) && len(names) > 1 {
			// A source whose feed has not begun is no reason to leave the others unseen.
			empty = append(empty, err)
			continue
		}
		if err != nil {
			return folders{}, err
		}
		if err := all.add(l, source, taken); err != nil {
			return folders{}, err
		}
	}
	if len(all.files) == 0 {
		return folders{}, errors.Join(empty...)
	}
	for i := range all.files {
		f := &all.files[i]
		f.Path = within(all.root, f.Abs)
	}
	for reason, names := range all.examples {
		for i := range names {
			names[i] = within(all.root, names[i])
		}
		slices.Sort(names)
		all.examples[reason] = slices.Compact(names)
	}
	for i := range all.links {
		all.links[i].Path, all.links[i].Target = within(all.root, all.links[i].Path), within(all.root, all.links[i].Target)
	}
	slices.SortFunc(all.links, func(a, b facts.Link) int { return cmp.Compare(a.Path, b.Path) })
	all.links = slices.Compact(all.links)
	slices.SortFunc(all.files, func(a, b located) int { return cmp.Compare(a.Path, b.Path) })
	return all, nil
}

// within is a name relative to a folder that holds it, else as it is. Every letter of an object's key counts.
func within(root, abs string) string {
	if store.Scheme(root) != "" {
		return strings.TrimPrefix(abs, strings.TrimSuffix(root, "/")+"/")
	}
	rel, err := filepath.Rel(root, abs)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return abs
	}
	if rel = filepath.ToSlash(rel); strings.HasSuffix(abs, rel) {
		return abs[len(abs)-len(rel):] // one text for both
	}
	return rel
}

func (all *folders) add(l store.Listing, source string, taken map[string]string) error {
	if all.root == "" {
		all.root = l.Root
	}
	var err error
	if all.root, err = commonRoot(all.root, l.Root); err != nil {
		return err
	}
	all.files = slices.Grow(all.files, len(l.Entries))
	for _, e := range l.Entries {
		before, ok := taken[e.Abs]
		if ok && source != "" && before != source {
			return fmt.Errorf("%s: the paths of sources %s and %s both match it: want each file in one source", e.Abs, before, source)
		}
		if ok {
			continue
		}
		if taken != nil {
			taken[e.Abs] = source
		}
		own := e.Path
		if e.Logged != nil {
			own = path.Join(e.Logged.Folder, path.Base(e.Path))
		}
		all.files = append(all.files, located{Entry: e, own: own, source: source})
	}
	all.tables = append(all.tables, l.Tables...)
	for _, dir := range l.Dirs {
		all.dirs = append(all.dirs, locatedDir{dir, source})
	}
	for reason, n := range l.Ignored {
		all.ignored[reason] += n
	}
	for reason, names := range l.Examples {
		for _, name := range names {
			all.examples[reason] = append(all.examples[reason], store.Join(l.Root, name))
		}
	}
	for _, link := range l.Links {
		all.links = append(all.links, facts.Link{Path: link.Abs, Target: link.Target, Folder: link.Folder, Outside: link.Outside})
	}
	return nil
}

// commonRoot is the deepest folder that holds both. It fails where they lie in different buckets, or one of them in none.
func commonRoot(a, b string) (string, error) {
	bucket, root := store.Split(a)
	other, below := store.Split(b)
	if bucket != other {
		return "", fmt.Errorf("paths of one view lie in %s and in %s: want all of them in one place; make it two views", cmp.Or(bucket, "this machine"), cmp.Or(other, "this machine"))
	}
	for root != below && !strings.HasPrefix(below, strings.TrimSuffix(root, "/")+"/") {
		root = path.Dir(root)
	}
	return store.Join(bucket, root), nil
}

type planner struct {
	view    model.View
	found   folders
	listing facts.Listing
	notes   []string
}

func (p *planner) addFiles() {
	values := map[string][]facts.Value{} // by folder, whose files share them
	p.listing.Files = slices.Grow(p.listing.Files, len(p.found.files))
	for i, f := range p.found.files {
		if strings.HasSuffix(f.Abs, f.Path) {
			f.Path = f.Abs[len(f.Abs)-len(f.Path):] // one text for both
		}
		dir := path.Dir(f.Path)
		if _, known := values[dir]; !known {
			values[dir] = facts.PathValues(f.Path)
		}
		file := facts.File{ID: int32(i), Path: f.Path, Abs: f.Abs, Size: f.Size, ModTime: times.Instant(f.ModTime), Identity: facts.Identity{ETag: f.ETag},
			Values: values[dir], SameAs: f.SameAs, Partition: -1, Source: f.source, Schema: -1}
		if log := f.Logged; log != nil {
			file.Values, file.Table, file.Deleted, file.Snapshot, file.RowMask, file.LoggedRows = log.Values, log.Table, log.Deleted, log.Snapshot, log.RowMask, log.Rows
			if p.view.ArrivesByCommit() {
				file.Values = append(slices.Clip(file.Values), facts.Value{Name: model.CommitColumn, Text: commitText(log.Added)})
			}
		}
		p.listing.Files = append(p.listing.Files, file)
	}
}

// noteCommits says which files have no commit time, where that is the ingest time of their rows.
func (p *planner) noteCommits() error {
	if !p.view.ArrivesByCommit() {
		return nil
	}
	if len(p.listing.Tables) == 0 {
		return fmt.Errorf("ingested_at is {commit: true}, and %s holds no log of a table that says when files were committed: name the table's own folder in path, or a column in ingested_at", p.listing.Root)
	}
	undated := int64(0)
	for _, f := range p.listing.Files {
		if _, known := f.Given(model.CommitColumn); f.Table != nil && !known {
			undated++
		}
	}
	if undated > 0 {
		p.notes = append(p.notes, fmt.Sprintf("ingested_at is the commit time of a row's file: %d of %d files have none, since the log no longer has their commit, or it only wrote older rows anew", undated, len(p.listing.Files)))
	}
	return nil
}

// commitText is a commit time as a value of a file.
func commitText(at times.Instant) string {
	if !at.Known() {
		return facts.NullValue
	}
	return at.Time().Format(time.RFC3339Nano)
}

// addSources reads sources out of paths where a segment says them.
func (p *planner) addSources() error {
	n := p.view.Source.PathSegment
	if n <= 0 {
		p.addHiveSources()
		return nil
	}
	for i, f := range p.found.files {
		if f.source != "" {
			continue
		}
		parts := strings.Split(path.Dir(f.own), "/")
		if f.own == path.Base(f.own) || len(parts) < n {
			return &partition.PathError{Path: f.Path, Want: fmt.Sprintf("folder %d below %s", n, p.listing.Root),
				Hint: "source: {path_segment} names its source; move the file, or correct source or path"}
		}
		p.listing.Files[i].Source = segmentSource(parts[n-1])
	}
	return nil
}

// segmentSource is the source that a folder names: the value of a hive folder.
func segmentSource(segment string) string {
	if _, value, ok := strings.Cut(segment, "="); ok {
		return value
	}
	return segment
}

// hiveValue is the value of a hive key in a path; of several, the last.
func hiveValue(dir, key string) (value string, ok bool) {
	for part := range strings.SplitSeq(dir, "/") {
		name, text, hive := strings.Cut(part, "=")
		if !hive || name != key {
			continue
		}
		if decoded, err := url.PathUnescape(text); err == nil {
			text = decoded
		}
		value, ok = text, true
	}
	return value, ok
}

// keyValue is what the plan says of all rows of a file: the value of a hive key in its path, or what its table's log says.
func keyValue(f facts.File, key string) (value string, ok bool) {
	if f.Table == nil {
		return hiveValue(path.Dir(f.Path), key)
	}
	at := slices.IndexFunc(f.Values, func(v facts.Value) bool { return v.Name == key })
	if at < 0 {
		return "", false
	}
	return f.Values[at].Text, true
}

// addHiveSources takes the source from a folder named after its column (source=batch/): the path shadows a column of
// the same name inside the file, for every engine that reads such a store.
func (p *planner) addHiveSources() {
	if p.view.Source.Column == "" {
		return
	}
	for i, f := range p.found.files {
		if f.source != "" {
			continue
		}
		if value, ok := keyValue(p.listing.Files[i], p.view.Source.Column); ok {
			p.listing.Files[i].Source = value
		}
	}
}

// NotPartitionedError says that a range was given for a view without time partitions.
type NotPartitionedError struct {
	View  string
	Range partition.Range
}

func (e NotPartitionedError) Error() string {
	return fmt.Sprintf("range %s..%s: view %s has no time partitions: declare time_partition, or leave the range out", e.Range.From, e.Range.To, e.View)
}

func (p *planner) addPartitions(asOf time.Time, r partition.Range) error {
	dirs := p.fileDirs()
	if err := p.resolve(dirs); err != nil {
		return err
	}
	if !p.view.TimePartition.Declared() {
		if r.Given() {
			return NotPartitionedError{View: p.view.Name, Range: r}
		}
		return nil
	}
	layout, err := partition.New(p.view.TimePartition)
	if err != nil {
		return err
	}
	keys, values, err := p.fileKeys(layout, dirs)
	if err != nil {
		return err
	}
	keys = append(keys, p.folderKeys(layout)...)
	partitions, notes, err := layout.Calendar(keys, times.At(asOf), r)
	if err != nil {
		return err
	}
	p.notes = append(p.notes, notes...)
	p.listing.Partitions = partitions
	p.assign(values)
	return p.addPresence(layout)
}

// fileDirs are the folders that hold files, below the fixed part of their globs.
func (p *planner) fileDirs() []string {
	dirs := make([]string, 0, len(p.found.files))
	for _, f := range p.found.files {
		dirs = append(dirs, dirOf(f.own))
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

const (
	// keyPartition has an origin only where nothing was inferred: it says why.
	keyPartition = "time_partition"

	keyColumn = "time_partition.column"
	keyGrain  = "time_partition.grain"
)

// declared says that some key of the time partition was written for this view.
func (p *planner) declared() bool {
	for key, origin := range p.view.Origins {
		if strings.HasPrefix(key, "time_partition.") && !origin.Shared() {
			return true
		}
	}
	return false
}

// resolve settles the view's time partition.
func (p *planner) resolve(dirs []string) error {
	tp := p.view.TimePartition
	if len(tp.Columns) > 0 && p.view.Origins[keyColumn].Shared() && !partition.Has(tp, dirs) {
		p.notes = append(p.notes, fmt.Sprintf("the default time_partition by %s is left out: not every path has it", strings.Join(tp.Columns, "/")))
		tp.Columns, tp.Grain = nil, model.GrainNone
	}
	if len(tp.Columns) == 0 && tp.Grain != model.GrainNone && p.view.Origins[keyGrain].Shared() {
		tp.Grain = model.GrainNone
	}
	if len(tp.Columns) == 0 && tp.Grain == model.GrainNone && !p.declared() {
		return p.inferred(tp, dirs)
	}
	completed, note, err := partition.Complete(tp, dirs)
	if err != nil {
		return err
	}
	if note != "" {
		p.notes = append(p.notes, note)
	}
	p.origins(tp, completed)
	p.view.TimePartition = withDefaults(completed)
	return nil
}

// inferred takes what the paths say, or says that they say nothing.
func (p *planner) inferred(tp model.TimePartition, dirs []string) error {
	if p.byPeriods(tp, dirs) {
		return nil
	}
	guess, note, ok := partition.Infer(p.withoutPeriods(dirs))
	if note != "" {
		p.notes = append(p.notes, note)
	}
	if !ok {
		p.view.TimePartition = model.TimePartition{}
		if note != "" {
			p.origin(keyPartition, model.Origin{Kind: model.OriginNotInferred, Place: note})
		}
		return nil
	}
	p.listing.Strays = partition.Coarser(note)
	completed := tp
	completed.Columns, completed.Grain = guess.Columns, guess.Grain
	p.origins(tp, completed)
	p.view.TimePartition = withDefaults(completed)
	return nil
}

func withDefaults(tp model.TimePartition) model.TimePartition {
	if tp.Of == "" {
		tp.Of = model.OfEventTime
	}
	if tp.Expected == "" {
		tp.Expected = model.ExpectAll
	}
	return tp
}

// origins says which keys were inferred.
func (p *planner) origins(before, after model.TimePartition) {
	if !slices.Equal(before.Columns, after.Columns) {
		p.origin(keyColumn, model.Origin{Kind: model.OriginInferred})
	}
	if before.Grain != after.Grain {
		p.origin(keyGrain, model.Origin{Kind: model.OriginInferred})
	}
}

// origin leaves the caller's view as it is.
func (p *planner) origin(key string, origin model.Origin) {
	p.view.Origins = maps.Clone(p.view.Origins)
	if p.view.Origins == nil {
		p.view.Origins = model.Origins{}
	}
	p.view.Origins[key] = origin
}

// fileKeys reads the partition of every file. Where more than half of the folders name one, the others are strays: their files lie in
// partitions without a date, and are named.
func (p *planner) fileKeys(layout partition.Layout, dirs []string) (keys []partition.Key, values []string, err error) {
	strays := layout.Strays(dirs)
	tolerant := 2*len(strays) < len(dirs)
	for _, f := range p.found.files {
		key, err := layout.Of(f.own)
		if err != nil && tolerant {
			key, err = layout.StrayKey(dirOf(f.own)), nil
		}
		var wrong *partition.PathError
		if errors.As(err, &wrong) {
			wrong.Path = f.Path
			wrong.Hint += p.rootHint(layout)
		}
		if err != nil {
			return nil, nil, err
		}
		keys = append(keys, key)
		values = append(values, key.Value)
	}
	if len(strays) > 0 {
		rows := "its"
		if len(strays) > 1 {
			rows = "their"
		}
		p.listing.Strays = partition.StraysInWords(layout.TimePartition(), strays, len(dirs),
			partition.Move(len(strays))+", or correct time_partition; until then "+rows+" rows lie in no partition")
		p.notes = append(p.notes, p.listing.Strays)
	}
	return keys, values, nil
}

// dirOf is the folder of a file; empty for the one that the glob begins in.
func dirOf(file string) string {
	if dir := path.Dir(file); dir != "." {
		return dir
	}
	return ""
}

// rootHint helps where the path names a single partition itself.
func (p *planner) rootHint(layout partition.Layout) string {
	for _, c := range layout.TimePartition().Columns {
		if strings.Contains(filepath.ToSlash(p.listing.Root)+"/", "/"+c+"=") {
			return "; path names one partition itself: write " + c + "=* there"
		}
	}
	return ""
}

// folderKeys reads the partitions of folders, which may hold no file. Folders that are not as deep as a partition, or
// beside them, are none.
func (p *planner) folderKeys(layout partition.Layout) []partition.Key {
	var keys []partition.Key
	for _, dir := range p.found.dirs {
		if key, err := layout.OfDir(dir.path); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// partitionIDs finds partitions by every spelling of theirs.
func (p *planner) partitionIDs() map[string]int32 {
	ids := map[string]int32{}
	for _, q := range p.listing.Partitions {
		ids[q.Value] = q.ID
		for _, value := range q.Spellings {
			ids[value] = q.ID
		}
	}
	return ids
}

func (p *planner) assign(values []string) {
	ids := p.partitionIDs()
	for i, value := range values {
		id := ids[value]
		p.listing.Files[i].Partition, p.listing.Files[i].Folder = id, value
		p.listing.Partitions[id].Files++
	}
}
