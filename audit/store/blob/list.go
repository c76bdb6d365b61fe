//go:build !noclouds

package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	gocloud "gocloud.dev/blob"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/internal/glob"
)

// List lists all objects below the folder that the glob begins in, page after page, and takes the folders from their names: a
// bucket has none of its own.
func (s *Store) List(ctx context.Context, base, text string) (store.Listing, error) {
	full := text
	if store.Scheme(text) == "" {
		full = store.Join(base, text)
	}
	b, at, err := s.at(ctx, full)
	if err != nil {
		return store.Listing{}, err
	}
	if err := b.refuseUnnamed(ctx, at); err != nil {
		return store.Listing{}, err
	}
	kind, err := b.kindOf(ctx, at.key)
	if err != nil {
		return store.Listing{}, err
	}
	g, err := glob.Parse("/", at.path(), func(string) glob.Kind { return kind })
	if err != nil {
		return store.Listing{}, fmt.Errorf("%s: %w", at.root(), err)
	}
	g.Text = text
	w := walk{bucket: b, glob: g, folders: map[string]folder{"": {entered: true}}, listing: store.Listing{Root: b.folder(g.Root), Ignored: map[string]int64{}, Examples: map[string][]string{}}}
	if err := b.tableAbove(ctx, g.Root); err != nil {
		return store.Listing{}, err
	}
	if err := b.each(ctx, prefixOf(g.Root), w.object); err != nil {
		return store.Listing{}, err
	}
	if err := w.sniff(ctx); err != nil {
		return store.Listing{}, err
	}
	w.finish()
	if len(w.listing.Entries) == 0 {
		return store.Listing{}, b.noMatch(ctx, g, w.listing)
	}
	return w.listing, nil
}

// refuseUnnamed refuses an address with a folder that has no name, where there are keys with it. Paths are taken as those of a disk, which has no such
// folders, so that what would be listed is something else.
func (b *bucket) refuseUnnamed(ctx context.Context, at location) error {
	if at.unnamed == "" {
		return nil
	}
	found, _, err := b.page(ctx, gocloud.FirstPageToken, 1, at.unnamed, false)
	if err != nil || len(found) == 0 {
		return err
	}
	above := store.Join(at.root(), "/"+at.unnamed)
	return &LocationError{Address: at.root() + "/" + at.unnamed, Reason: "a folder without a name (//) cannot be named, and " + strconv.Quote(b.cloud.key(found[0])) +
		" lies in it: name " + above + ", whose objects are listed with those of such folders, or rename the objects"}
}

// Tree lists all objects below a folder, and remembers them.
func (s *Store) Tree(ctx context.Context, name string) ([]store.Entry, error) {
	b, at, err := s.at(ctx, name)
	if err != nil {
		return nil, err
	}
	var entries []store.Entry
	prefix := prefixOf(at.path())
	err = b.each(ctx, prefix, func(o *gocloud.ListObject) error {
		key := b.cloud.key(o)
		if strings.HasSuffix(key, "/") {
			return nil
		}
		e := b.entry(key, b.cloud.listed(o), o.Size, o.ModTime.Unix())
		e.Path = strings.TrimPrefix(key, prefix)
		b.remember(key, e)
		entries = append(entries, e)
		return nil
	})
	slices.SortFunc(entries, func(a, b store.Entry) int { return strings.Compare(a.Path, b.Path) })
	return entries, err
}

// folder is the address of a path in the bucket.
func (b *bucket) folder(path string) string {
	return strings.TrimSuffix(store.Join(b.at.root(), path), "/")
}

// prefixOf is what the keys below a folder begin with.
func prefixOf(root string) string {
	if root == "/" {
		return ""
	}
	return root[1:] + "/"
}

// page lists one page: at most size objects, and folders where delimited.
func (b *bucket) page(ctx context.Context, token []byte, size int, prefix string, delimited bool) (objects []*gocloud.ListObject, next []byte, err error) {
	options := &gocloud.ListOptions{Prefix: prefix, BeforeList: func(as func(any) bool) error { return b.cloud.prefixed(prefix, as) }}
	if delimited {
		options.Delimiter = "/"
	}
	err = b.try(ctx, b.folder("/"+prefix), func(ctx context.Context) (bool, error) {
		err := guarded(func() (err error) {
			objects, next, err = b.ListPage(ctx, token, size, options)
			return err
		})
		if errors.Is(err, io.EOF) {
			objects, next, err = nil, nil, nil
		}
		return false, err
	})
	var gone *store.RemoteError
	if errors.As(err, &gone) && gone.Kind == store.RemoteGone {
		err = noBucket(b.at.root()) // a folder that is not there is an empty list
	}
	return objects, next, err
}

// pageSize is the most that the clouds give at once.
const pageSize = 1000

// each hands over the objects below a prefix.
func (b *bucket) each(ctx context.Context, prefix string, take func(*gocloud.ListObject) error) error {
	places := map[string]bool{}
	for token := gocloud.FirstPageToken; len(token) > 0; {
		if places[string(token)] {
			_, err := b.judge(b.folder("/"+prefix), errEndless)
			return err
		}
		places[string(token)] = true
		objects, next, err := b.page(ctx, token, pageSize, prefix, false)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if err := take(o); err != nil {
				return err
			}
		}
		token = next
	}
	return nil
}

// kindOf is what a key leads to. A listing tells more than a look at the object: why it is refused, and that the bucket is not there.
func (b *bucket) kindOf(ctx context.Context, key string) (glob.Kind, error) {
	if key == "" {
		return glob.Folder, nil
	}
	found, _, err := b.page(ctx, gocloud.FirstPageToken, 1, key+"/", false)
	if err != nil || len(found) > 0 {
		return glob.Folder, err
	}
	found, _, err = b.page(ctx, gocloud.FirstPageToken, 1, key, false)
	if err == nil && len(found) > 0 && b.cloud.key(found[0]) == key {
		return glob.File, nil
	}
	return glob.Nothing, err
}

// tableAbove looks for the log of a table whose files lie deeper, as the local store does.
func (b *bucket) tableAbove(ctx context.Context, root string) error {
	type place struct{ folder, log, kind string }
	var places []place
	for dir, below := path.Dir(root), path.Base(root); below != "/"; dir, below = path.Dir(dir), path.Base(dir) {
		places = append(places, place{dir, "_delta_log", "Delta"}, place{dir, ".hoodie", "Hudi"})
		if below == "data" {
			places = append(places, place{dir, "metadata", "Iceberg"})
		}
	}
	found := make([]error, len(places))
	var group sync.WaitGroup
	for i, p := range places {
		group.Go(func() {
			folder := path.Join(p.folder, p.log)
			objects, _, err := b.page(ctx, gocloud.FirstPageToken, pageSize, prefixOf(folder), false)
			if err == nil && slices.ContainsFunc(objects, func(o *gocloud.ListObject) bool {
				return p.kind != "Iceberg" || store.IsMetadata(b.cloud.key(o))
			}) {
				err = &store.TableFormatError{Kind: p.kind, Path: store.Join(b.at.root(), folder)}
			}
			found[i] = err
		})
	}
	group.Wait()
	for _, err := range found {
		if err != nil {
			return err
		}
	}
	return nil
}

// folder is what the walk knows of one.
type folder struct {
	entered bool
	// ignored is why everything in it is left out, empty where it is not.
	ignored string
}

// walk is one listing in the making.
type walk struct {
	bucket  *bucket
	glob    glob.Glob
	listing store.Listing
	// folders are those that names of objects speak of, by their path below the root.
	folders map[string]folder
	// unknown are objects whose names do not say whether they are data.
	unknown []unknown
}

// unknown is an object whose first bytes decide.
type unknown struct {
	entry store.Entry
	// reason is why it is left out by its name, empty where it is not.
	reason string
}

// object takes in one object.
func (w *walk) object(o *gocloud.ListObject) error {
	key := w.bucket.cloud.key(o)
	raw := strings.TrimPrefix(key, prefixOf(w.glob.Root))
	rel := withoutEmpty(raw)
	placeholder := strings.HasSuffix(raw, "/")
	dir := parent(rel)
	if placeholder && o.Size == 0 {
		dir = rel
	}
	in, err := w.enter(dir)
	if err != nil || !in.entered || placeholder && o.Size == 0 || rel == "" {
		return err
	}
	if grand, known := w.folders[parent(dir)]; known && path.Base(dir) == "metadata" && grand.entered && grand.ignored == "" && store.IsMetadata(rel) {
		return &store.TableFormatError{Kind: "Iceberg", Path: store.Join(w.listing.Root, dir)}
	}
	if in.ignored != "" {
		w.listing.Ignored[in.ignored]++
		return nil
	}
	e := w.bucket.entry(key, w.bucket.cloud.listed(o), o.Size, o.ModTime.Unix())
	e.Path = strings.TrimLeft(raw, "/")
	if !placeholder {
		w.file(e, rel)
	} else if matched, _ := w.glob.Takes(rel); matched { // it is told of, and not read: no reader of such stores takes it for data
		w.ignore(store.IgnoredSlash, rel)
	}
	return nil
}

// withoutEmpty is a key without the slashes that begin it, end it, or follow another: folders without a name are none.
func withoutEmpty(key string) string {
	if !strings.HasPrefix(key, "/") && !strings.HasSuffix(key, "/") && !strings.Contains(key, "//") {
		return key
	}
	return strings.Join(slices.DeleteFunc(strings.Split(key, "/"), func(part string) bool { return part == "" }), "/")
}

func parent(rel string) string {
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		return rel[:i]
	}
	return ""
}

// enter says whether the objects of a folder are looked at. It fails where the folder is the log of a table.
func (w *walk) enter(dir string) (folder, error) {
	if known, ok := w.folders[dir]; ok {
		return known, nil
	}
	above, err := w.enter(parent(dir))
	if err != nil {
		return folder{}, err
	}
	f, name := folder{entered: above.entered, ignored: above.ignored}, dir[strings.LastIndexByte(dir, '/')+1:]
	if above.entered && above.ignored == "" {
		switch name {
		case "_delta_log":
			return f, &store.TableFormatError{Kind: "Delta", Path: store.Join(w.listing.Root, dir)}
		case ".hoodie":
			return f, &store.TableFormatError{Kind: "Hudi", Path: store.Join(w.listing.Root, dir)}
		case "_temporary":
			f.ignored = store.IgnoredTemporary
		default:
			if w.glob.Hides(name) {
				f.ignored = store.IgnoredHidden
			}
		}
		if f.entered = w.glob.Enters(dir); f.entered && f.ignored == "" {
			w.listing.Dirs = append(w.listing.Dirs, dir)
		}
	}
	w.folders[dir] = f
	return f, nil
}

// file decides by the name of an object, as the local store does by that of a file: that is its path without folders that have no name.
func (w *walk) file(e store.Entry, rel string) {
	matched, data := w.glob.Takes(rel)
	reason := w.glob.Reason(rel)
	switch {
	case reason != "" && matched && reason != store.IgnoredChecksum && e.Size >= 4 && !glob.FootersOnly(path.Base(rel)):
		w.unknown = append(w.unknown, unknown{e, reason})
	case reason != "":
		w.ignore(reason, e.Path)
	case !matched:
	case data:
		w.listing.Entries = append(w.listing.Entries, e)
	default: // one of no bytes may be what some tools put in place of a folder
		w.unknown = append(w.unknown, unknown{entry: e})
	}
}

// ignore counts what is no data, and keeps some of the names that no rule leaves out.
func (w *walk) ignore(reason, rel string) {
	w.listing.Ignored[reason]++
	const shown = 3
	if !store.IgnoredByRule(reason) && len(w.listing.Examples[reason]) < shown {
		w.listing.Examples[reason] = append(w.listing.Examples[reason], rel)
	}
}

// sniff reads the first bytes of the objects whose names do not decide, many at once, and decides in their order.
func (w *walk) sniff(ctx context.Context) error {
	heads, failed := make([]string, len(w.unknown)), make([]error, len(w.unknown))
	var group sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, u := range w.unknown {
		if u.entry.Size == 0 {
			continue
		}
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			head := make([]byte, 4)
			n, err := (&object{ctx: ctx, bucket: w.bucket, key: w.bucket.key(u.entry), entry: u.entry}).ReadAt(head, 0)
			if err != nil && !errors.Is(err, io.EOF) {
				failed[i] = err
			}
			heads[i] = string(head[:n])
		})
	}
	group.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, u := range w.unknown {
		_, isFolder := w.folders[u.entry.Path]
		switch {
		case u.entry.Size == 0 && isFolder:
		case failed[i] != nil && u.reason == "":
			w.listing.Entries = append(w.listing.Entries, u.entry) // who reads it says why it cannot be read
		case u.reason != "" && glob.IsMagic(heads[i]):
			w.ignore(store.IgnoredByName, u.entry.Path)
		case u.reason != "":
			w.ignore(u.reason, u.entry.Path)
		default:
			if reason := glob.Reading(heads[i], u.entry.Path); reason != "" {
				w.ignore(reason, u.entry.Path)
				continue
			}
			w.listing.Entries = append(w.listing.Entries, u.entry)
		}
	}
	return nil
}

// key is that of a listed object.
func (b *bucket) key(e store.Entry) string { return strings.TrimPrefix(e.Abs, b.at.root()+"/") }

// finish brings all into order, and remembers the objects.
func (w *walk) finish() {
	l := &w.listing
	w.tellApart()
	slices.SortFunc(l.Entries, func(a, b store.Entry) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(l.Dirs)
	for _, e := range l.Entries {
		w.bucket.remember(w.bucket.key(e), e)
	}
}

// tellApart gives objects whose keys differ by slashes at the beginning of their paths alone the paths that they have.
func (w *walk) tellApart() {
	entries, taken := w.listing.Entries, map[string]bool{}
	for _, e := range entries {
		taken[e.Path] = taken[e.Path] || !strings.HasSuffix(e.Abs, "//"+e.Path)
	}
	for i, e := range entries {
		if !strings.HasSuffix(e.Abs, "//"+e.Path) {
			continue
		}
		if taken[e.Path] {
			entries[i].Path = strings.TrimPrefix(w.bucket.key(e), prefixOf(w.glob.Root))
		}
		taken[e.Path] = true
	}
}

// maxFound is how many names a NoMatchError lists.
const maxFound = 8

// noMatch says how far a glob leads, and what is there.
func (b *bucket) noMatch(ctx context.Context, g glob.Glob, l store.Listing) error {
	e := &store.NoMatchError{Glob: g.Text, Ignored: l.Ignored, Examples: l.Examples}
	var found []*gocloud.ListObject
	for root := g.Root; ; root, e.Missing = path.Dir(root), path.Base(root) {
		var err error
		if found, _, err = b.page(ctx, gocloud.FirstPageToken, pageSize, prefixOf(root), true); err != nil {
			return err
		}
		e.Prefix = b.folder(root)
		if len(found) > 0 || root == "/" {
			found = slices.DeleteFunc(found, func(o *gocloud.ListObject) bool { return o.Key == prefixOf(root) })
			break
		}
	}
	names := make([]string, len(found))
	for i, o := range found {
		names[i] = path.Base(o.Key)
		if o.IsDir {
			e.Found = append(e.Found, names[i]+"/")
			continue
		}
		e.Found = append(e.Found, names[i])
	}
	e.Similar = glob.Similar(names, e.Missing)
	if more := len(e.Found) - maxFound; more > 0 {
		e.Found, e.FoundMore = e.Found[:maxFound], more
	}
	return e
}
