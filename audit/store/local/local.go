// Package local is the store of files on this machine.
package local

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/internal/glob"
)

// Store reads the local file system.
type Store struct{}

// New returns the store.
func New() Store { return Store{} }

var _ store.Store = Store{}

// Tree lists files and links to files; it follows no link to a folder.
func (Store) Tree(ctx context.Context, folder string) ([]store.Entry, error) {
	if err := store.Addressed(folder); err != nil {
		return nil, err
	}
	var entries []store.Entry
	err := filepath.WalkDir(folder, func(abs string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return &store.AccessError{Path: abs, Err: err}
		}
		if d.IsDir() {
			return nil
		}
		info, err := os.Stat(abs)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
			return nil
		}
		if err != nil {
			return &store.AccessError{Path: abs, Err: err}
		}
		rel, err := filepath.Rel(folder, abs)
		entries = append(entries, store.Entry{Path: filepath.ToSlash(rel), Abs: abs, Size: info.Size(), ModTime: info.ModTime().UnixMicro()})
		return err
	})
	slices.SortFunc(entries, func(a, b store.Entry) int { return cmp.Compare(a.Path, b.Path) })
	return entries, err
}

// Stat follows links.
func (Store) Stat(ctx context.Context, abs string) (store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return store.Entry{}, err
	}
	if err := store.Addressed(abs); err != nil {
		return store.Entry{}, err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return store.Entry{}, err
	}
	return store.Entry{Path: abs, Abs: abs, Size: info.Size(), ModTime: info.ModTime().UnixMicro()}, nil
}

// Open opens a regular file, and never waits for one that is none.
func (Store) Open(ctx context.Context, abs string) (store.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := store.Addressed(abs); err != nil {
		return nil, err
	}
	return openRegular(abs)
}

// kind is what a name leads to, through links.
func kind(abs string) glob.Kind {
	info, err := os.Stat(abs)
	switch {
	case err != nil:
		return glob.Nothing
	case info.IsDir():
		return glob.Folder
	}
	return glob.File
}

// Claims says whether a file of this absolute name is, or would be once it is there, among the files that a glob lists as
// data: by the name of its root as it is written and as it is without links.
func Claims(base, text, abs string) (bool, error) {
	g, err := glob.Parse(base, text, kind)
	if err != nil {
		return false, err
	}
	roots := []string{g.Root}
	if real, err := filepath.EvalSymlinks(g.Root); err == nil && real != g.Root {
		roots = append(roots, real)
	}
	for _, root := range roots {
		rel, err := filepath.Rel(root, abs)
		if err == nil && filepath.IsLocal(rel) && g.Claims(filepath.ToSlash(rel)) {
			return true, nil
		}
	}
	return false, nil
}
