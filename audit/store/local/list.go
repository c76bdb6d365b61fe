package local

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/internal/glob"
)

// List walks the folders that the glob can match in. Every folder is entered once, by its own name before any link
// to it, so that loops end and no file is counted twice.
func (Store) List(ctx context.Context, base, text string) (store.Listing, error) {
	if err := store.Addressed(text); err != nil {
		return store.Listing{}, err
	}
	g, err := glob.Parse(base, text, kind)
	if err != nil {
		return store.Listing{}, err
	}
	if err := tableAbove(g.Root); err != nil {
		return store.Listing{}, err
	}
	if _, err := os.Stat(g.Root); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return store.Listing{}, noMatch(g, store.Listing{})
		}
		return store.Listing{}, &store.AccessError{Path: g.Root, Err: err}
	}
	w := walk{glob: g, listing: store.Listing{Root: g.Root, Ignored: map[string]int64{}, Examples: map[string][]string{}},
		dirs: map[string]string{}, inodes: map[inode]string{}}
	if err := w.all(ctx); err != nil {
		return store.Listing{}, err
	}
	l := w.listing
	if len(l.Entries) == 0 {
		return store.Listing{}, noMatch(g, l)
	}
	slices.SortFunc(l.Entries, func(a, b store.Entry) int { return cmp.Compare(a.Path, b.Path) })
	slices.Sort(l.Dirs)
	return l, nil
}

// walk is one listing in the making.
type walk struct {
	glob    glob.Glob
	listing store.Listing
	// dirs and files are listed under these names, by their real ones; inodes those that have several. Files are nil until the first link: no other
	// way leads to a file twice, and the real names of 300,000 take 45 MB.
	dirs, files map[string]string
	inodes      map[inode]string
	// links wait until everything is listed that needs none.
	links []string
}

func (w *walk) all(ctx context.Context) error {
	if err := w.folder(ctx, "", ""); err != nil {
		return err
	}
	for len(w.links) > 0 {
		if w.files == nil {
			w.files = w.realNames()
		}
		rel := w.links[0]
		w.links = w.links[1:]
		if err := w.link(ctx, rel); err != nil {
			return err
		}
	}
	return nil
}

// realNames are the names that the files are listed under which no link led to, by their real ones.
func (w *walk) realNames() map[string]string {
	folders := make(map[string]string, len(w.dirs))
	for real, rel := range w.dirs {
		folders[rel] = real
	}
	files := make(map[string]string, len(w.listing.Entries))
	for _, e := range w.listing.Entries {
		dir, name := path.Split(e.Path)
		files[filepath.Join(folders[strings.TrimSuffix(dir, "/")], name)] = e.Path
	}
	return files
}

// inode is the identity of a file on disk.
type inode struct{ device, number uint64 }

// another remembers a file that has several names on disk, and gives the name that it is listed under already.
func (w *walk) another(info fs.FileInfo, abs string) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Nlink < 2 {
		return ""
	}
	id := inode{uint64(stat.Dev), stat.Ino}
	if before, known := w.inodes[id]; known {
		return before
	}
	w.inodes[id] = abs
	return ""
}

// beginsAsParquet says whether a file whose name leaves it out has the first bytes of data; one that cannot be opened has not.
func beginsAsParquet(abs string) bool {
	file, err := openRegular(abs)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 4)
	if _, err := io.ReadFull(file, head); err != nil {
		return false
	}
	return glob.IsMagic(string(head))
}

// ignore counts what is no data, and keeps some of the names that no rule leaves out.
func (w *walk) ignore(reason, rel string) {
	w.listing.Ignored[reason]++
	const shown = 3
	if !store.IgnoredByRule(reason) && len(w.listing.Examples[reason]) < shown {
		w.listing.Examples[reason] = append(w.listing.Examples[reason], rel)
	}
}

func (w *walk) abs(rel string) string { return filepath.Join(w.glob.Root, filepath.FromSlash(rel)) }

// folder lists one folder; everything in it is ignored for the given reason unless that is empty.
func (w *walk) folder(ctx context.Context, rel, ignored string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	abs := w.abs(rel)
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return &store.AccessError{Path: abs, Err: err}
	}
	if before, listed := w.dirs[real]; listed && ignored == "" {
		w.listing.Links = append(w.listing.Links, store.Link{Abs: abs, Target: w.abs(before), Folder: true})
		return nil
	}
	if ignored == "" {
		w.dirs[real] = rel
	}
	names, err := os.ReadDir(abs)
	if err != nil && ignored != "" {
		w.listing.Ignored[ignored]++
		return nil
	}
	if err != nil {
		return &store.AccessError{Path: abs, Err: err}
	}
	if ignored == "" {
		if err := tableAmong(abs, names); err != nil {
			return err
		}
		if rel != "" {
			w.listing.Dirs = append(w.listing.Dirs, rel)
		}
	}
	for _, entry := range names {
		if err := w.entry(ctx, path.Join(rel, entry.Name()), filepath.Join(real, entry.Name()), entry, ignored); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(ctx context.Context, rel, real string, entry fs.DirEntry, ignored string) error {
	switch {
	case entry.Type()&fs.ModeSymlink != 0:
		if ignored != "" {
			w.listing.Ignored[ignored]++
			return nil
		}
		w.links = append(w.links, rel)
		return nil
	case entry.IsDir():
		return w.enter(ctx, rel, ignored)
	}
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		// Gone since the folder was read: it is no part of this snapshot.
		return nil
	}
	if err != nil {
		return &store.AccessError{Path: w.abs(rel), Err: err}
	}
	w.file(rel, real, info, ignored)
	return nil
}

func (w *walk) enter(ctx context.Context, rel, ignored string) error {
	name := path.Base(rel)
	switch {
	case ignored != "":
	case name == "_temporary":
		ignored = store.IgnoredTemporary
	case w.glob.Hides(name):
		ignored = store.IgnoredHidden
	}
	if !w.glob.Enters(rel) {
		return nil
	}
	return w.folder(ctx, rel, ignored)
}

func (w *walk) file(rel, real string, info fs.FileInfo, ignored string) {
	if ignored != "" {
		w.listing.Ignored[ignored]++
		return
	}
	matched, data := w.glob.Takes(rel)
	if reason := w.glob.Reason(rel); reason != "" {
		if matched && info.Mode().IsRegular() && reason != store.IgnoredChecksum && !glob.FootersOnly(path.Base(rel)) && beginsAsParquet(w.abs(rel)) {
			reason = store.IgnoredByName
		}
		w.ignore(reason, rel)
		return
	}
	switch {
	case !matched:
		return
	case !info.Mode().IsRegular():
		w.ignore(special(info.Mode()), rel)
		return
	}
	abs := w.abs(rel)
	if before, listed := w.files[real]; listed {
		w.listing.Links = append(w.listing.Links, store.Link{Abs: abs, Target: w.abs(before)})
		return
	}
	if !data {
		parquet, reason := sniff(abs, rel)
		if !parquet {
			w.ignore(reason, rel)
			return
		}
	}
	if w.files != nil {
		w.files[real] = rel
	}
	if strings.HasSuffix(abs, rel) {
		rel = abs[len(abs)-len(rel):] // one text for both
	}
	w.listing.Entries = append(w.listing.Entries, store.Entry{Path: rel, Abs: abs, Size: info.Size(), ModTime: info.ModTime().UnixMicro(), SameAs: w.another(info, abs)})
}

// link follows a link to a folder or file that is not listed yet. A link to nothing or to itself is listed if its name is
// data, so that reading it says what is wrong.
func (w *walk) link(ctx context.Context, rel string) error {
	abs := w.abs(rel)
	info, err := os.Stat(abs)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		switch matched, data := w.glob.Takes(rel); {
		case !matched || w.glob.Reason(rel) != "":
		case data:
			w.listing.Entries = append(w.listing.Entries, store.Entry{Path: rel, Abs: abs})
		default:
			w.ignore(store.IgnoredLink, rel)
		}
		return nil
	}
	if err != nil {
		return &store.AccessError{Path: abs, Err: err}
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return &store.AccessError{Path: abs, Err: err}
	}
	entries, dirs := len(w.listing.Entries), len(w.dirs)
	if info.IsDir() {
		err = w.enter(ctx, rel, "")
	} else {
		w.file(rel, real, info, "")
	}
	if entered := len(w.listing.Entries) > entries || len(w.dirs) > dirs; entered && w.outside(real) {
		w.listing.Links = append(w.listing.Links, store.Link{Abs: abs, Target: real, Folder: info.IsDir(), Outside: true})
	}
	return err
}

// outside says whether a real name lies outside of the listing's root.
func (w *walk) outside(real string) bool {
	root, err := filepath.EvalSymlinks(w.glob.Root)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(root, real)
	return err == nil && (rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)))
}

// tableAmong looks for the log of a table format in one folder.
func tableAmong(abs string, names []fs.DirEntry) error {
	for _, entry := range names {
		if err := tableNamed(abs, entry.Name()); err != nil {
			return err
		}
	}
	return nil
}

func tableNamed(abs, name string) error {
	log := filepath.Join(abs, name)
	switch name {
	case "_delta_log":
		return &store.TableFormatError{Kind: "Delta", Path: log}
	case ".hoodie":
		return &store.TableFormatError{Kind: "Hudi", Path: log}
	case "metadata":
		if found, err := filepath.Glob(filepath.Join(globEscape(log), "*.metadata.json*")); err == nil && slices.ContainsFunc(found, store.IsMetadata) {
			return &store.TableFormatError{Kind: "Iceberg", Path: log}
		}
	}
	return nil
}

// globEscape keeps a folder's name from being read as a pattern.
func globEscape(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

// tableAbove looks for the log of a table whose files lie deeper: a glob may name one partition of it. An Iceberg
// table above counts only where its data folder is the one that the glob leads into.
func tableAbove(root string) error {
	for dir, below := filepath.Dir(root), filepath.Base(root); below != string(filepath.Separator) && below != "."; dir, below = filepath.Dir(dir), filepath.Base(dir) {
		for _, name := range []string{"_delta_log", ".hoodie", "metadata"} {
			if name == "metadata" && below != "data" {
				continue
			}
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				continue
			}
			if err := tableNamed(dir, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxFound is how many names a NoMatchError lists.
const maxFound = 8

func noMatch(g glob.Glob, l store.Listing) error {
	e := &store.NoMatchError{Glob: g.Text, Prefix: g.Root, Ignored: l.Ignored, Examples: l.Examples}
	for {
		if _, err := os.Stat(e.Prefix); err == nil || e.Prefix == filepath.Dir(e.Prefix) {
			break
		}
		e.Prefix, e.Missing = filepath.Dir(e.Prefix), filepath.Base(e.Prefix)
	}
	names, err := os.ReadDir(e.Prefix)
	if err != nil {
		return &store.AccessError{Path: e.Prefix, Err: err}
	}
	all := make([]string, len(names))
	for i, entry := range names {
		name := entry.Name()
		all[i] = name
		if entry.IsDir() {
			name += "/"
		}
		if len(e.Found) < maxFound {
			e.Found = append(e.Found, name)
		} else {
			e.FoundMore++
		}
	}
	e.Similar = glob.Similar(all, e.Missing)
	return e
}
