package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/store"
)

// inputs are the files that a command reads beside data: config, definitions, reports, flag files.
type inputs struct {
	mu    sync.Mutex
	names []string
}

// add notes a file, or a folder of definitions. Sides of a diff are read at once.
func (i *inputs) add(name string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !slices.Contains(i.names, name) {
		i.names = append(i.names, name)
	}
}

// refuseInputs refuses outputs that the command reads, or that a later audit of these views would read as their data, and
// tells whether the others can be written. It is called before data is read and before anything is written.
func (c *cli) refuseInputs(ctx context.Context, outs []output, views []model.View) error {
	c.reads.mu.Lock()
	names := slices.Clone(c.reads.names)
	c.reads.mu.Unlock()
	for _, out := range outs {
		if out.path == "" || special(out.path) {
			continue
		}
		for _, name := range names {
			if holdsOutput(name, out.path) {
				return usagef("--out %s=%s: this command reads %s: what is read is never written; choose another path", out.format, out.path, name)
			}
		}
		written := candidateAt(out.path)
		for _, v := range views {
			file, err := c.dataOf(ctx, v, written)
			if err != nil {
				return err
			}
			if file != "" {
				return usagef("--out %s=%s: %s is data of view %s, by its path %s: data is never written; choose another path", out.format, out.path, file, v.Name, v.Path)
			}
		}
	}
	return c.probe(ctx, outs)
}

// dataViews are the views of definitions that lie on this disk: their files are no place to write to.
func dataViews(sides ...registry.Definitions) []model.View {
	var all []model.View
	for _, d := range sides {
		if d.Root == "" {
			continue
		}
		// definitions that make no views are for others to refuse
		if views, err := d.ToViews(); err == nil {
			all = append(all, views...)
		}
	}
	return all
}

// holdsOutput says whether an output is the file that was read, or would be one of the folder's.
func holdsOutput(name, out string) bool {
	if inBucket(name) || inBucket(out) {
		name, out := strings.TrimSuffix(store.Bare(name), "/"), store.Bare(out)
		return name == out || isYAML(out) && strings.HasPrefix(out, name+"/")
	}
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return samePlace(name, out) || besideSQLite(name, out)
	}
	return isYAML(out) && within(name, out)
}

// besideSQLite says whether an output is what SQLite keeps beside a database: it would read it as changes to undo or to
// apply, and registered definitions would be lost or the registry not be readable any more.
func besideSQLite(name, out string) bool {
	for _, end := range []string{"-wal", "-shm", "-journal"} {
		if samePlace(throughLinks(name)+end, out) || samePlace(name+end, out) {
			return isSQLite(name)
		}
	}
	return false
}

func isSQLite(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == magic
}

// within says whether a file lies below a folder, by the names of both as they are and as they are without links.
func within(folder, file string) bool {
	for _, pair := range [][2]string{{folder, file}, {throughLinks(folder), throughLinks(file)}} {
		abs, err := filepath.Abs(pair[0])
		if err != nil {
			continue
		}
		if rel, err := filepath.Rel(abs, pair[1]); err == nil && filepath.IsLocal(rel) {
			return true
		}
	}
	return false
}

// samePlace says whether two paths are one file: by name, through links, or as two names of one file.
func samePlace(a, b string) bool {
	if throughLinks(a) == throughLinks(b) {
		return true
	}
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// throughLinks is the absolute path that a write ends at: links are followed, to a file that is not there yet too.
func throughLinks(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	for range 40 { // as many as Linux follows
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return real
		}
		target, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// candidate is a file that may be data of views.
type candidate struct {
	path string
	// names are the path as it is, and without links.
	names []string
	// parquet says that it is there and begins as Parquet does: only then can it be a data file under another name.
	parquet bool
}

func candidateAt(path string) candidate {
	f := candidate{path: path, names: []string{path}, parquet: holdsParquet(path)}
	if !inBucket(path) {
		f.names = slices.Compact(append(f.names, throughLinks(path)))
	}
	return f
}

// dataOf names the file of a view that a candidate is, or would be; empty where it is none.
func (c *cli) dataOf(ctx context.Context, v model.View, of candidate) (string, error) {
	if v.NoFiles != "" {
		return "", nil
	}
	globs := []string{v.Path}
	for _, s := range v.Sources {
		globs = append(globs, s.Path)
	}
	for _, glob := range globs {
		if glob == "" {
			continue
		}
		for _, name := range of.names {
			// a glob that cannot be read is an error of the view's own result
			if claimed, err := c.stores.claims(ctx, v.Root, glob, name); err == nil && claimed {
				return name, nil
			}
		}
		if !of.parquet {
			continue
		}
		file, err := c.listedAs(ctx, v.Root, glob, of.path)
		if file != "" || err != nil {
			return file, err
		}
	}
	return "", nil
}

func holdsParquet(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len("PAR1"))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == "PAR1"
}

// listedAs is the file of a glob that a path is another name of, through links or as a hard link.
func (c *cli) listedAs(ctx context.Context, base, glob, path string) (string, error) {
	own, err := os.Stat(path)
	if err != nil {
		return "", nil
	}
	listing, err := c.stores.List(ctx, base, glob)
	if cause := context.Cause(ctx); cause != nil {
		return "", cause
	}
	var none *store.NoMatchError
	if err != nil && !errors.As(err, &none) {
		return "", nil // the audit says why its files cannot be listed, and reads none of them
	}
	for _, e := range listing.Entries {
		if info, err := os.Stat(e.Abs); err == nil && os.SameFile(own, info) {
			return e.Abs, nil
		}
	}
	return "", nil
}
