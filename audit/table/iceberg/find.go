package iceberg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
)

// found is the metadata of a table, and where it was found.
type found struct {
	meta *metadata
	// file is the name of the metadata file; empty where a catalog gave the metadata.
	file string
	data []byte
}

// find reads the metadata that a root leads to.
func find(ctx context.Context, f files, root string, at model.TableAt) (found, error) {
	file := root
	switch {
	case IsCatalog(root):
		return loadTable(ctx, root, at)
	case !IsMetadata(root):
		var err error
		if file, err = current(ctx, f, root); err != nil {
			return found{}, err
		}
	}
	data, err := f.read(ctx, file, -1)
	if err != nil {
		return found{}, err
	}
	meta, err := parseMetadata(data)
	if err != nil {
		return found{}, fmt.Errorf("%s: %w", path.Base(file), err)
	}
	return found{meta, file, data}, nil
}

// IsMetadata says whether a path is that of a metadata file.
func IsMetadata(name string) bool {
	return store.IsMetadata(name) && !strings.ContainsAny(path.Base(name), "*?[{")
}

// hintName is the file that says which metadata file is the newest, where there is one.
const hintName = "version-hint.text"

// current is the newest metadata file of a table in a folder: the one that its hint names, else the only one.
func current(ctx context.Context, f files, root string) (string, error) {
	tree, err := f.Tree(ctx, store.Join(root, Folder))
	if err != nil {
		return "", err
	}
	there, hinted := []string{}, false
	for _, e := range tree {
		hinted = hinted || e.Path == hintName
		if !strings.Contains(e.Path, "/") && IsMetadata(e.Path) {
			there = append(there, e.Path)
		}
	}
	name := func(file string) string { return store.Join(store.Join(root, Folder), file) }
	if hinted {
		data, err := f.read(ctx, name(hintName), -1)
		if err != nil {
			return "", err
		}
		file, err := hintedBy(strings.TrimSpace(string(data)), there)
		return name(file), err
	}
	switch len(there) {
	case 0:
		return "", fmt.Errorf("its folder %s has no metadata file", Folder)
	case 1:
		return name(there[0]), nil
	}
	slices.Sort(there)
	return "", fmt.Errorf("its folder %s has %d metadata files and no %s that says which is the newest, and none is guessed: name one of them in path, or the table in its catalog (%s)",
		Folder, len(there), hintName, some(there))
}

// shownFiles is how many metadata files an error names: the last by their names.
const shownFiles = 8

func some(names []string) string {
	if more := len(names) - shownFiles; more > 0 {
		return fmt.Sprintf("%d older ones, %s", more, strings.Join(names[more:], ", "))
	}
	return strings.Join(names, ", ")
}

// hintedBy is the file that a hint means: by its number or by its name. Writers move the hint after the file, so that the files that follow
// by number are newer, as every reader of such tables has it.
func hintedBy(hint string, there []string) (string, error) {
	if n, err := strconv.Atoi(hint); err == nil && n >= 0 {
		if file := numbered(n, there); file != "" {
			for next := file; next != ""; n++ {
				file, next = next, numbered(n+1, there)
			}
			return file, nil
		}
	}
	for _, file := range []string{hint, hint + ".metadata.json", hint + ".gz.metadata.json", hint + ".metadata.json.gz"} {
		if slices.Contains(there, file) {
			return file, nil
		}
	}
	return "", fmt.Errorf("its %s says %q, and its folder %s has no such metadata file (%s)", hintName, hint, Folder, some(there))
}

// numbered is the metadata file of a number, empty where there is none.
func numbered(n int, there []string) string {
	for _, form := range []string{"v%d.metadata.json", "v%d.gz.metadata.json", "v%d.metadata.json.gz"} {
		if file := fmt.Sprintf(form, n); slices.Contains(there, file) {
			return file
		}
	}
	return ""
}

// MovedError is a table that does not lie where its metadata says.
type MovedError struct{ Written, Found string }

func (e *MovedError) Error() string {
	return fmt.Sprintf("it was written at %s and is read from %s: its metadata names files by their whole paths, which lead back there. "+
		"Audit it where it was written; or, if the whole table was moved or copied here, say table: {relocated: true}", e.Written, e.Found)
}

// Retryable says that the definition or the table is to be mended.
func (e *MovedError) Retryable() bool { return false }

// places are those of the table's files. Metadata that was found where the table does not lie is a table that was moved.
func (f found) places(ctx context.Context, st files, relocated bool) (places, error) {
	if f.file == "" {
		root, err := resolve(f.meta.Location)
		return places{root: root}, err
	}
	folder, name := path.Split(f.file)
	folder = strings.TrimRight(folder, "/")
	if relocated {
		if path.Base(folder) != Folder {
			return places{}, fmt.Errorf("table.relocated is set, and its metadata does not lie in a folder %s of the table: name the table's own folder in path", Folder)
		}
		return places{written: strings.TrimRight(f.meta.Location, "/"), root: strings.TrimSuffix(folder, "/"+Folder)}, nil
	}
	moved := &MovedError{f.meta.Location, f.file}
	root, err := resolve(f.meta.Location)
	switch {
	case err != nil && store.Scheme(f.meta.Location) == "":
		return places{}, moved
	case err != nil:
		return places{}, err
	case store.Join(root, Folder) == folder, f.meta.Properties["write.metadata.path"] != "", path.Base(folder) != Folder:
		return places{root: root}, nil
	}
	// The same folder may have several names: the metadata tells.
	data, err := st.read(ctx, store.Join(store.Join(root, Folder), name), int64(len(f.data)))
	if err == nil && bytes.Equal(data, f.data) {
		return places{root: root}, nil
	}
	if again := (interface{ Retryable() bool })(nil); errors.As(err, &again) && again.Retryable() && !errors.Is(err, fs.ErrNotExist) {
		return places{}, err
	}
	return places{}, moved
}
