package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/featureaudit/featureaudit/audit/align"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/store"
)

// uploadHead begins the object that says that a copy to a folder of a bucket is under way; what it is made of follows, a quoted name a line.
const uploadHead = "featureaudit align: a copy under way, or one that was cut off: featureaudit align --clean removes what is listed here\ntarget: "

// uploading is a copy that is made on this machine and then written to a bucket, which cannot rename a folder: while an object beside it says
// that the copy is under way, it is not whole. The object lists all that is written, so that what a killed run left can be removed.
type uploading struct {
	cli *cli
	// target is the address of the folder, dir the copy here.
	target, dir string
	// claimed says that the mark is this one's, and written that objects may be there.
	claimed, written bool
	names            []string
}

// uploads are how many objects are written at once.
const uploads = 8

// newUpload claims a folder of a bucket: of two who do so at once, one is refused.
func newUpload(ctx context.Context, c *cli, target, tempDir string) (*uploading, error) {
	dir, err := os.MkdirTemp(tempDir, "featureaudit-*")
	if err != nil {
		return nil, err
	}
	c.temps.add(dir, false)
	u := &uploading{cli: c, target: target, dir: dir}
	u.claimed, err = c.stores.buckets.Create(ctx, u.mark(), []byte(uploadHead+target+"\n"))
	if err == nil && !u.claimed {
		err = markedError(target)
	}
	if err != nil {
		u.remove()
		return nil, err
	}
	return u, nil
}

func markedError(target string) error {
	return fmt.Errorf("%w: a copy to %s is under way, or was cut off (%s says so): wait for it, or remove what it left with featureaudit align --clean %s", align.ErrNotEmpty, target, aligningMark, target)
}

func (u *uploading) mark() string { return store.Join(u.target, aligningMark) }

func (u *uploading) folder() string { return u.dir }

// place writes the finished copy, and looks whether all of it is there. The mark goes last.
func (u *uploading) place(ctx context.Context, _ string) error {
	sizes := map[string]int64{}
	err := filepath.WalkDir(u.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(u.dir, path)
		rel = filepath.ToSlash(rel)
		u.names, sizes[rel] = append(u.names, rel), info.Size()
		return err
	})
	if err != nil {
		return err
	}
	buckets := u.cli.stores.buckets
	list := uploadHead + u.target + "\n"
	for _, rel := range u.names {
		list += strconv.Quote(rel) + "\n"
	}
	if err := buckets.Write(ctx, u.mark(), func() io.Reader { return strings.NewReader(list) }); err != nil {
		return fmt.Errorf("put the copy at %s: %w", u.target, err)
	}
	u.written = true
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, rel := range u.names {
		group.Go(func() error {
			f, err := os.Open(filepath.Join(u.dir, filepath.FromSlash(rel)))
			if err != nil {
				return err
			}
			defer f.Close()
			return buckets.Write(within, store.Join(u.target, rel), func() io.Reader { return io.NewSectionReader(f, 0, sizes[rel]) })
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("put the copy at %s: %w", u.target, err)
	}
	objects, err := u.cli.stores.Tree(ctx, u.target)
	if err != nil {
		return fmt.Errorf("look at the copy in %s: %w", u.target, err)
	}
	for _, o := range objects {
		if size, ours := sizes[o.Path]; ours && size == o.Size {
			delete(sizes, o.Path)
		} else if o.Path != aligningMark {
			return fmt.Errorf("put the copy at %s: %s is not what was written there: somebody else writes to this folder; name another", u.target, o.Path)
		}
	}
	for rel := range sizes {
		return fmt.Errorf("put the copy at %s: %s is not there, though it was written", u.target, rel)
	}
	if err := buckets.Delete(ctx, u.mark()); err != nil {
		return fmt.Errorf("put the copy at %s: %w", u.target, err)
	}
	u.claimed = false
	return nil
}

// remove takes the copy here away, and what was written of one that is not whole.
func (u *uploading) remove() {
	_ = os.RemoveAll(u.dir) // the folder of temporary files
	u.cli.temps.done(u.dir)
	if !u.claimed {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), objectLimit)
	defer cancel()
	if !u.written {
		u.names = nil
	}
	if err := u.cli.removeCopy(ctx, u.target, u.names); err != nil {
		fmt.Fprintf(u.cli.stderr, "featureaudit align: what was written is still there: %s; featureaudit align --clean %s removes it\n", cleanLines(err.Error()), cleanLines(u.target))
	}
}

// removeCopy deletes the objects of a copy, and its mark last.
func (c *cli) removeCopy(ctx context.Context, target string, names []string) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, rel := range names {
		group.Go(func() error {
			if err := c.stores.buckets.Delete(within, store.Join(target, rel)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return c.stores.buckets.Delete(ctx, store.Join(target, aligningMark))
}

// checkDistantTarget refuses a folder of a bucket that holds anything.
func (c *cli) checkDistantTarget(ctx context.Context, target string) error {
	if err := c.stores.buckets.Valid(target); err != nil {
		return usage(err)
	}
	objects, err := c.stores.Tree(ctx, target)
	if err != nil {
		return fmt.Errorf("look into the target %s: %w", store.Bare(target), err)
	}
	for _, o := range objects {
		if o.Path == aligningMark {
			return markedError(store.Bare(target))
		}
	}
	if len(objects) > 0 {
		return fmt.Errorf("%w: %s holds %s; name a new folder, nothing is ever overwritten", align.ErrNotEmpty, store.Bare(target), objects[0].Path)
	}
	return nil
}

// cleanDistant removes what a killed run left in a folder of a bucket: what its mark lists, and the mark.
func (c *cli) cleanDistant(ctx context.Context, address string) error {
	if err := c.stores.buckets.Check(ctx, address); err != nil {
		return err
	}
	target := strings.TrimSuffix(store.Bare(address), "/")
	raw, err := c.readHere(ctx, store.Join(target, aligningMark))
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(c.stdout, "nothing to remove: no copy that was cut off lies in %s\n", render.Clean(target))
		return nil
	}
	if err != nil {
		return err
	}
	rest, ours := strings.CutPrefix(string(raw), uploadHead+target+"\n")
	if !ours {
		return usagef("%s: it is no mark of a copy to %s: nothing is removed", store.Join(target, aligningMark), target)
	}
	var names []string
	for line := range strings.Lines(rest) {
		if name, err := strconv.Unquote(strings.TrimSuffix(line, "\n")); err == nil && filepath.IsLocal(filepath.FromSlash(name)) {
			names = append(names, name)
		}
	}
	if err := c.removeCopy(ctx, target, names); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "removed %d objects of a copy that was cut off from %s\n", len(names), render.Clean(target))
	return nil
}

// wholeFiles is a store whose distant files are brought whole to a folder here when they are opened: for what reads all of each.
type wholeFiles struct {
	store.Store
	tempDir string
}

// Open opens a copy without a name of a distant file.
func (w wholeFiles) Open(ctx context.Context, abs string) (store.Object, error) {
	o, err := w.Store.Open(ctx, abs)
	if err != nil || store.AtOnce(w.Store, abs) == 0 {
		return o, err
	}
	defer o.Close()
	whole, fetches := o.(store.Fetcher)
	sized, ok := o.(interface{ Size() int64 })
	if !ok || !fetches {
		return nil, fmt.Errorf("%s: its size is not known", abs)
	}
	f, err := os.CreateTemp(w.tempDir, "featureaudit-*")
	if err != nil {
		return nil, err
	}
	if err = os.Remove(f.Name()); err == nil {
		err = whole.Fetch(0, sized.Size(), f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
