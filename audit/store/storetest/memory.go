package storetest

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/internal/glob"
)

// Memory is a store of files in memory: their contents by absolute name, with forward slashes. It has no folders but those
// that names speak of, as object stores have none.
type Memory map[string]string

// modified is when each file of a Memory was, in microseconds UTC.
const modified = 1_793_491_200_000_000

// List goes through all names.
func (m Memory) List(ctx context.Context, base, text string) (store.Listing, error) {
	if err := ctx.Err(); err != nil {
		return store.Listing{}, err
	}
	if err := store.Addressed(text); err != nil {
		return store.Listing{}, err
	}
	g, err := glob.Parse(base, text, m.kind)
	if err != nil {
		return store.Listing{}, err
	}
	l := store.Listing{Root: g.Root, Ignored: map[string]int64{}, Examples: map[string][]string{}}
	for _, abs := range slices.Sorted(maps.Keys(m)) {
		if err := table(g.Root, abs); err != nil {
			return store.Listing{}, err
		}
		if rel, below := strings.CutPrefix(abs, g.Root+"/"); below {
			m.list(&l, g, rel)
		}
	}
	slices.SortFunc(l.Entries, func(a, b store.Entry) int { return strings.Compare(a.Path, b.Path) })
	if len(l.Entries) == 0 {
		return store.Listing{}, &store.NoMatchError{Glob: text, Prefix: g.Root, Ignored: l.Ignored}
	}
	slices.Sort(l.Dirs)
	l.Dirs = slices.Compact(l.Dirs)
	return l, nil
}

// list adds one file to the listing, with the folders that lead to it.
func (m Memory) list(l *store.Listing, g glob.Glob, rel string) {
	for i := range rel {
		if rel[i] != '/' {
			continue
		}
		switch dir := rel[:i]; {
		case !g.Enters(dir):
			return
		case path.Base(dir) == "_temporary":
			l.Ignored[store.IgnoredTemporary]++
			return
		case g.Hides(path.Base(dir)):
			l.Ignored[store.IgnoredHidden]++
			return
		default:
			l.Dirs = append(l.Dirs, dir)
		}
	}
	abs := l.Root + "/" + rel
	matched, data := g.Takes(rel)
	switch reason := g.Reason(rel); {
	case reason != "":
		l.Ignored[reason]++
	case matched && (data || strings.HasPrefix(m[abs], "PAR1")):
		l.Entries = append(l.Entries, store.Entry{Path: rel, Abs: abs, Size: int64(len(m[abs])), ModTime: modified})
	case matched:
		l.Ignored[store.IgnoredOther]++
	}
}

func (m Memory) kind(abs string) glob.Kind {
	if _, ok := m[abs]; ok {
		return glob.File
	}
	for name := range m {
		if strings.HasPrefix(name, abs+"/") {
			return glob.Folder
		}
	}
	return glob.Nothing
}

// logs are what the logs of table formats have in their names.
var logs = []struct{ part, kind string }{{"/_delta_log/", "Delta"}, {"/.hoodie/", "Hudi"}, {".metadata.json", "Iceberg"}}

// table is an error where a name is of the log of a table that lies below the root, or that the root lies in.
func table(root, abs string) error {
	for _, log := range logs {
		i := strings.Index(abs, log.part)
		if i < 0 {
			continue
		}
		folder := strings.TrimSuffix(path.Dir(abs[:i]+log.part), "/")
		if of := path.Dir(folder); below(root, of) || below(of, root) {
			return &store.TableFormatError{Kind: log.kind, Path: folder}
		}
	}
	return nil
}

func below(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

// Tree goes through all names.
func (m Memory) Tree(ctx context.Context, folder string) ([]store.Entry, error) {
	var entries []store.Entry
	for _, abs := range slices.Sorted(maps.Keys(m)) {
		if rel, inside := strings.CutPrefix(abs, folder+"/"); inside {
			entries = append(entries, store.Entry{Path: rel, Abs: abs, Size: int64(len(m[abs])), ModTime: modified})
		}
	}
	return entries, ctx.Err()
}

// Stat knows the size of each file.
func (m Memory) Stat(ctx context.Context, abs string) (store.Entry, error) {
	content, ok := m[abs]
	switch {
	case ctx.Err() != nil:
		return store.Entry{}, ctx.Err()
	case !ok:
		return store.Entry{}, &fs.PathError{Op: "stat", Path: abs, Err: fs.ErrNotExist}
	}
	return store.Entry{Path: abs, Abs: abs, Size: int64(len(content)), ModTime: modified}, nil
}

// Open reads from memory.
func (m Memory) Open(ctx context.Context, abs string) (store.Object, error) {
	if _, err := m.Stat(ctx, abs); err != nil {
		return nil, err
	}
	return object{bytes.NewReader([]byte(m[abs]))}, nil
}

type object struct{ *bytes.Reader }

func (object) Close() error { return nil }
