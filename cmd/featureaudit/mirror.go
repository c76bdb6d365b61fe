package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/words"
)

// mirror is a folder of a bucket as a folder of this machine: what reads and writes folders works on it, and what is new there is written
// to the bucket, each file whole or not at all.
type mirror struct {
	cli     *cli
	address string
	// dir is a folder in a temporary one of its own, which what is written beside it shares.
	dir string
	// times are those of the files when they came.
	times map[string]time.Time
}

// mirrored are how many files come at once.
const mirrored = 16

// mirror copies a folder of a bucket here. It is removed at the end of the command.
func (c *cli) mirror(ctx context.Context, address string) (*mirror, error) {
	if err := c.stores.buckets.Valid(address); err != nil {
		return nil, usage(err)
	}
	objects, err := c.stores.Tree(ctx, address)
	if err != nil {
		return nil, err
	}
	own, err := os.MkdirTemp("", "featureaudit-*")
	if err != nil {
		return nil, err
	}
	c.temps.add(own, false)
	c.later(func() { _ = os.RemoveAll(own) }) // what is left is a copy
	m := &mirror{cli: c, address: strings.TrimSuffix(store.Bare(address), "/"), dir: filepath.Join(own, "folder"), times: map[string]time.Time{}}
	if err := os.Mkdir(m.dir, 0o700); err != nil {
		return nil, err
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(mirrored)
	for _, o := range objects {
		if !filepath.IsLocal(filepath.FromSlash(o.Path)) {
			return nil, fmt.Errorf("%s: its name leads out of its folder: remove it", o.Abs)
		}
		group.Go(func() error { return c.download(within, o, filepath.Join(m.dir, filepath.FromSlash(o.Path))) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return m, m.each(func(rel string, info fs.FileInfo) error {
		m.times[rel] = info.ModTime()
		return nil
	})
}

// download copies an object to a file.
func (c *cli) download(ctx context.Context, o store.Entry, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	from, err := c.stores.Open(ctx, o.Abs)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(file)
	if err != nil {
		return err
	}
	if whole, ok := from.(store.Fetcher); ok && o.Size > 0 {
		err = whole.Fetch(0, o.Size, to)
	} else {
		_, err = io.Copy(to, io.NewSectionReader(from, 0, o.Size))
	}
	return errors.Join(err, to.Close())
}

// each visits the files of the folder here.
func (m *mirror) each(visit func(rel string, info fs.FileInfo) error) error {
	return filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(m.dir, path)
		if err != nil {
			return err
		}
		return visit(rel, info)
	})
}

// writeBack writes what is new or has changed here to the bucket.
func (m *mirror) writeBack() error {
	return m.each(func(rel string, info fs.FileInfo) error {
		if before, known := m.times[rel]; known && before.Equal(info.ModTime()) {
			return nil
		}
		f, err := os.Open(filepath.Join(m.dir, rel))
		if err != nil {
			return err
		}
		defer f.Close()
		ctx, cancel := context.WithTimeout(context.Background(), objectLimit+time.Duration(info.Size()/leastRate)*time.Second)
		defer cancel()
		return m.cli.stores.buckets.Write(ctx, m.address+"/"+filepath.ToSlash(rel), func() io.Reader { return io.NewSectionReader(f, 0, info.Size()) })
	})
}

// told is an error in terms of the bucket.
func (m *mirror) told(err error) error {
	if m == nil || err == nil || !strings.Contains(err.Error(), m.dir) {
		return err
	}
	return mirrorError{err, strings.ReplaceAll(err.Error(), m.dir, m.address)}
}

// mirrorError says where a file lies that an error is about.
type mirrorError struct {
	error
	text string
}

func (e mirrorError) Error() string { return e.text }
func (e mirrorError) Unwrap() error { return e.error }

// fetch copies the definitions of an address here: an object, or a folder of them. An address of no bucket gives "".
func (c *cli) fetch(ctx context.Context, address string) (string, error) {
	if !inBucket(address) {
		return "", nil
	}
	object, folder, err := c.holds(ctx, address)
	switch {
	case err != nil:
		return "", err
	case object:
		c.reads.add(address)
		return c.held(ctx, address)
	case !folder:
		return "", usagef("%s: there is no such object and no such folder: expected a registry, our YAML or a Feast repository", store.Bare(address))
	}
	objects, err := c.stores.Tree(ctx, address)
	if err != nil {
		return "", err
	}
	bytes := int64(0)
	for _, o := range objects {
		bytes += o.Size
	}
	if bytes > heldBytes {
		return "", usagef("%s: it holds %s, more than definitions are: name the registry itself", store.Bare(address), words.Size(bytes))
	}
	m, err := c.mirror(ctx, address)
	if err != nil {
		return "", err
	}
	c.reads.add(address)
	return m.dir, nil
}
