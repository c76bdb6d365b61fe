// Package table lists the files of tables by their logs, as a store lists those of a glob: which files a version of a table has,
// which rows of them count, and in which partitions they lie.
package table

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/table/delta"
)

// Over is a store whose List knows tables: where a path is the folder of one, the files of the wanted version are listed.
func Over(st store.Store, at model.TableAt) store.Store { return tables{st, at} }

type tables struct {
	store.Store
	at model.TableAt
}

// RefusedError is a table that cannot be audited, with the reason.
type RefusedError struct {
	// Format is "Delta" or "Iceberg", Root the table's folder.
	Format, Root string
	Err          error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s table %s: %v", e.Format, e.Root, e.Err)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// Retryable says that what a log says stays as it is; what the system said of its files may pass.
func (e *RefusedError) Retryable() bool {
	var say interface{ Retryable() bool }
	return errors.As(e.Err, &say) && say.Retryable()
}

// List lists a glob, or the version of a table whose folder the path is.
func (t tables) List(ctx context.Context, base, glob string) (store.Listing, error) {
	l, err := t.Store.List(ctx, base, glob)
	var found *store.TableFormatError
	switch {
	case err == nil && t.at.Declared():
		return store.Listing{}, fmt.Errorf("%s: table is declared (%s), and %s holds no log of a table: name the table's own folder in path, or take table out", glob, t.at, l.Root)
	case !errors.As(err, &found):
		return l, err
	}
	root := folderOfLog(found.Path)
	if full := within(base, glob); full != root {
		return store.Listing{}, &InsideError{Format: found.Kind, Root: root, Path: glob}
	}
	if t.at.Format != "" && !strings.EqualFold(t.at.Format, found.Kind) {
		return store.Listing{}, &RefusedError{found.Kind, root, fmt.Errorf("table.format says %s: correct it, or take it out", t.at.Format)}
	}
	if found.Kind != "Delta" {
		return store.Listing{}, err
	}
	listing, err := t.delta(ctx, root)
	if err != nil && ctx.Err() == nil {
		err = &RefusedError{"Delta", root, err}
	}
	return listing, err
}

// folderOfLog is the folder of the table that a log lies in, in any store.
func folderOfLog(log string) string {
	log = strings.TrimSuffix(filepath.ToSlash(log), "/")
	return log[:max(strings.LastIndexByte(log, '/'), 1)]
}

// InsideError is a path that is not the folder of the table that it leads into, or that lies below it.
type InsideError struct{ Format, Root, Path string }

func (e *InsideError) Error() string {
	return fmt.Sprintf("%s is the folder of a %s table, whose log says which files and rows of it count: name that folder itself in path (found %s), so that the table is audited by its log",
		e.Root, e.Format, e.Path)
}

// Retryable says that the definition is to be mended.
func (e *InsideError) Retryable() bool { return false }

// within is a path from a folder, as it is without dots.
func within(base, text string) string {
	if store.Scheme(text) == "" && store.Scheme(base) != "" {
		text = store.Join(base, text)
	}
	if store.Scheme(text) != "" {
		return strings.TrimRight(text, "/")
	}
	if !filepath.IsAbs(text) {
		text = filepath.Join(base, text)
	}
	if full, err := filepath.Abs(text); err == nil {
		text = full
	}
	return filepath.ToSlash(filepath.Clean(text))
}

// delta lists a version of a Delta table.
func (t tables) delta(ctx context.Context, root string) (store.Listing, error) {
	if t.at.Branch != "" {
		return store.Listing{}, errors.New("table.branch is for Iceberg: name a version")
	}
	at := delta.At{}
	if t.at.Version != nil {
		at.Version, at.Numbered = *t.at.Version, true
	}
	if !t.at.AsOf.IsZero() {
		at.AsOf, at.Dated = t.at.AsOf.UnixMicro(), true
	}
	snapshot, err := delta.Read(ctx, t.Store, root, at)
	if err != nil {
		return store.Listing{}, err
	}
	if len(snapshot.Files) == 0 {
		return store.Listing{}, emptyError{root, snapshot.Version}
	}
	tree, err := t.Store.Tree(ctx, root)
	if err != nil {
		return store.Listing{}, err
	}
	table := &facts.Table{Format: "Delta", Root: root, Version: snapshot.Version, CommittedAt: snapshot.CommittedAt, Columns: snapshot.Columns}
	named := func(p string) bool { return snapshot.Named[p] || strings.HasPrefix(p, delta.Folder+"/") }
	addOrphans(table, tree, named)
	reading := readingOf(snapshot.Columns)
	l := store.Listing{Root: root, Ignored: map[string]int64{}, Examples: map[string][]string{}, Tables: []*facts.Table{table}}
	entries := make([]store.Entry, len(snapshot.Files))
	for i, f := range snapshot.Files {
		logged := &store.Logged{Folder: folderOf(f.Values), Values: f.Values, Snapshot: reading, RowMask: f.Mask, Table: table}
		entries[i] = store.Entry{Path: f.Path, Abs: f.Path, Size: f.Size, ModTime: f.ModTime, Logged: logged}
		if !f.Absolute {
			entries[i].Abs = store.Join(root, f.Path)
		}
	}
	l.Entries = entries
	err = eachFile(ctx, len(entries), func(ctx context.Context, i int) error {
		set, err := snapshot.Files[i].Load(ctx, t.Store, root)
		if set != nil {
			l.Entries[i].Logged.Deleted = set
		}
		return err
	})
	return l, err
}

// emptyError is a version without files: to whoever asks, it is a path that matches none.
type emptyError struct {
	root    string
	version int64
}

func (e emptyError) Error() string { return fmt.Sprintf("version %d has no files", e.version) }

// Retryable says that files may still come.
func (e emptyError) Retryable() bool { return true }

// As makes it a *store.NoMatchError.
func (e emptyError) As(target any) bool {
	none, ok := target.(**store.NoMatchError)
	if ok {
		*none = &store.NoMatchError{Glob: e.root, Prefix: e.root}
	}
	return ok
}

// shownOrphans is how many orphans are named.
const shownOrphans = 3

// addOrphans counts the Parquet files below a table that no version names.
func addOrphans(table *facts.Table, tree []store.Entry, named func(path string) bool) {
	for _, e := range tree {
		if named(e.Path) || !strings.HasSuffix(e.Path, ".parquet") {
			continue
		}
		table.Orphans++
		table.OrphanBytes += e.Size
		if len(table.Examples) < shownOrphans {
			table.Examples = append(table.Examples, e.Path)
		}
	}
}

// readingOf names how the columns of files are read; empty where they go by their own names.
func readingOf(columns []facts.TableColumn) string {
	if len(columns) == 0 {
		return ""
	}
	return fmt.Sprintf("%016x", xxh3.HashString(fmt.Sprintf("%+v", columns)))
}

// folderOf is where values of partitions put a file, written as writers write folders.
func folderOf(values []facts.Value) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = url.PathEscape(v.Name) + "=" + url.PathEscape(v.Text)
	}
	return strings.Join(parts, "/")
}

// atOnce is how many files of deleted rows are read at once.
const atOnce = 8

// eachFile calls do for each number below count, some at once; the first error ends it.
func eachFile(ctx context.Context, count int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	next := make(chan int)
	for range min(atOnce, count) {
		group.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range count {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	group.Wait()
	return context.Cause(ctx)
}
