// Package table lists the files of tables by their logs, as a store lists those of a glob: which files a version of a table has,
// which rows of them count, and in which partitions they lie.
package table

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/table/delta"
	"github.com/featureaudit/featureaudit/audit/table/iceberg"
	"github.com/featureaudit/featureaudit/audit/table/logged"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Over is a store whose List knows tables: where a path is the folder of one, the files of the wanted version are listed.
func Over(st store.Store, at model.TableAt) store.Store { return tables{Store: st, at: at} }

// For is Over of a view's table, whose files come with the times of their commits where the view takes those for ingest times.
func For(st store.Store, view model.View) store.Store {
	return tables{Store: st, at: view.Table, dated: view.ArrivesByCommit()}
}

type tables struct {
	store.Store
	at    model.TableAt
	dated bool
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
	kind, root, plain, err := t.locate(ctx, base, glob)
	if err != nil || kind == "" {
		return plain, err
	}
	return t.found(ctx, kind, root)
}

// Read reads what the log of the table at a path says of a version, without its deleted rows.
func Read(ctx context.Context, st store.Store, base, path string, at model.TableAt) (Found, error) {
	t := tables{Store: st, at: at}
	kind, root, _, err := t.locate(ctx, base, path)
	if err != nil {
		return Found{}, err
	}
	if kind == "" {
		return Found{}, fmt.Errorf("%s: it holds no log of a table: name the table's own folder", path)
	}
	v, err := readers[kind](ctx, st, root, at)
	if err != nil && ctx.Err() == nil {
		err = &RefusedError{kind, address.Redact(root), err}
	}
	return Found{Format: kind, Root: root, Version: v}, err
}

// Found is a version of a table, with its format and where the table is.
type Found struct {
	Format, Root string
	logged.Version
}

// locate finds the table that a path means; kind is empty where it lists plain files.
func (t tables) locate(ctx context.Context, base, glob string) (kind, root string, plain store.Listing, err error) {
	if place := within(base, glob); iceberg.IsMetadata(place) || iceberg.IsCatalog(place) && t.at.Declared() {
		return "Iceberg", place, plain, nil
	}
	plain, err = t.Store.List(ctx, base, glob)
	var found *store.TableFormatError
	switch {
	case err == nil && t.at.Declared():
		return "", "", store.Listing{}, fmt.Errorf("%s: table is declared (%s), and %s holds no log of a table: name the table's own folder in path, or take table out", glob, t.at, plain.Root)
	case !errors.As(err, &found):
		return "", "", plain, err
	}
	root = folderOfLog(found.Path)
	if full := within(base, glob); full != root {
		return "", "", store.Listing{}, &InsideError{Format: found.Kind, Root: root, Path: glob}
	}
	if _, ok := readers[found.Kind]; !ok {
		return "", "", store.Listing{}, err
	}
	return found.Kind, root, plain, nil
}

// found lists a version of a table of some format.
func (t tables) found(ctx context.Context, kind, root string) (store.Listing, error) {
	if t.at.Format != "" && !strings.EqualFold(t.at.Format, kind) {
		return store.Listing{}, &RefusedError{kind, address.Redact(root), fmt.Errorf("table.format says %s: correct it, or take it out", t.at.Format)}
	}
	listing, err := t.version(ctx, kind, root, readers[kind])
	if err != nil && ctx.Err() == nil {
		err = &RefusedError{kind, address.Redact(root), err}
	}
	return listing, err
}

// readers are the formats whose logs are read, by their names in a store's errors.
var readers = map[string]logged.Reader{"Delta": delta.Read, "Iceberg": iceberg.Read}

// folderOfLog is the folder of the table that a log lies in, in any store.
func folderOfLog(log string) string {
	log = strings.TrimSuffix(filepath.ToSlash(log), "/")
	return log[:max(strings.LastIndexByte(log, '/'), 1)]
}

// InsideError is a path that is not the folder of the table that it leads into, or that lies below it.
type InsideError struct{ Format, Root, Path string }

func (e *InsideError) Error() string {
	article := map[string]string{"Iceberg": "an"}[e.Format]
	return fmt.Sprintf("%s is the folder of %s %s table, whose log says which files and rows of it count: name that folder itself in path (found %s), so that the table is audited by its log",
		e.Root, cmp.Or(article, "a"), e.Format, e.Path)
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

// version lists a version of a table.
func (t tables) version(ctx context.Context, format, root string, read logged.Reader) (store.Listing, error) {
	v, err := read(ctx, t.Store, root, t.at)
	if err != nil {
		return store.Listing{}, err
	}
	root = cmp.Or(v.Root, root)
	if len(v.Files) == 0 {
		return store.Listing{}, emptyError{root, v.Number}
	}
	if t.dated && v.Date != nil {
		if err := v.Date(ctx, v.Files); err != nil {
			return store.Listing{}, err
		}
	}
	table := &facts.Table{Format: format, Root: root, Version: v.Number, CommittedAt: v.CommittedAt, Columns: v.Columns, Settings: v.Settings, Periods: v.Periods, Notes: v.Notes}
	if v.Named != nil {
		tree, err := t.Store.Tree(ctx, root)
		if err != nil {
			return store.Listing{}, err
		}
		addOrphans(table, tree, v.Named)
		setTimes(v.Files, tree)
	}
	l := store.Listing{Root: root, Ignored: map[string]int64{}, Examples: map[string][]string{}, Tables: []*facts.Table{table}}
	reading, others, unseen := readingOf(v.Columns), map[string]*facts.Table{}, []int{}
	l.Entries = make([]store.Entry, len(v.Files))
	folders := map[*facts.Value]string{} // files of one partition may share their values
	folder := func(values []facts.Value) string {
		if len(values) == 0 {
			return ""
		}
		if _, known := folders[&values[0]]; !known {
			folders[&values[0]] = folderOf(values)
		}
		return folders[&values[0]]
	}
	for i, f := range v.Files {
		of := &store.Logged{Folder: folder(f.Values), Values: f.Values, Snapshot: reading, RowMask: f.Mask, Rows: f.Rows, Table: table, Added: f.Added}
		if f.Added == 0 {
			of.Added = times.None
		}
		if f.Columns != nil {
			of.Snapshot = readingOf(f.Columns)
			if others[of.Snapshot] == nil {
				other := *table
				other.Columns = f.Columns
				others[of.Snapshot] = &other
			}
			of.Table = others[of.Snapshot]
		}
		abs := f.Abs
		if abs == "" {
			abs = store.Join(root, f.Path)
		}
		if v.Files[i].ModTime == logged.Unknown {
			unseen = append(unseen, i)
		}
		l.Entries[i] = store.Entry{Path: f.Path, Abs: abs, Size: f.Size, ModTime: f.ModTime, Logged: of}
	}
	if err := t.askTimes(ctx, l.Entries, unseen); err != nil {
		return store.Listing{}, err
	}
	err = eachFile(ctx, len(v.Files), func(ctx context.Context, i int) error {
		if v.Files[i].Load == nil {
			return nil
		}
		var err error
		l.Entries[i].Logged.Deleted, err = v.Files[i].Load(ctx)
		return err
	})
	return l, err
}

// setTimes takes the times of files that no log says from what lies in the table's folder.
func setTimes(files []logged.File, tree []store.Entry) {
	for i := range files {
		if files[i].ModTime != logged.Unknown {
			continue
		}
		if at, ok := slices.BinarySearchFunc(tree, files[i].Path, func(e store.Entry, path string) int { return strings.Compare(e.Path, path) }); ok {
			files[i].ModTime = tree[at].ModTime
		}
	}
}

// askTimes asks the store for the times of files that lie elsewhere. One that is not there is left to who reads it.
func (t tables) askTimes(ctx context.Context, entries []store.Entry, unseen []int) error {
	return eachFile(ctx, len(unseen), func(ctx context.Context, i int) error {
		e := &entries[unseen[i]]
		at, err := t.Stat(ctx, e.Abs)
		e.ModTime = at.ModTime
		if err != nil {
			e.ModTime = 0
		}
		return ctx.Err()
	})
}

// emptyError is a version without files: to whoever asks, it is a path that matches none.
type emptyError struct {
	root    string
	version int64
}

func (e emptyError) Error() string {
	if e.version < 0 {
		return "it has no snapshot yet: nothing was written to it"
	}
	return fmt.Sprintf("version %d has no files", e.version)
}

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
		if table.CommittedAt.Known() && e.ModTime > int64(table.CommittedAt) {
			table.Unfinished++
		}
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

// eachFile calls do for each number below count, some at once, in their order. An error ends it: of several it is that of the lowest number, whichever came
// first, so that a report of the same table says the same.
func eachFile(ctx context.Context, count int, do func(ctx context.Context, i int) error) error {
	var group sync.WaitGroup
	var failed atomic.Bool
	errs, next := make([]error, count), make(chan int)
	for range min(atOnce, count) {
		group.Go(func() {
			for i := range next {
				if errs[i] = do(ctx, i); errs[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	for i := range count {
		if ctx.Err() != nil || failed.Load() {
			break
		}
		next <- i
	}
	close(next)
	group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
