package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/words"
)

// heldBytes is how large an object may be that is read as a whole, other than a snapshot: one of data is not copied.
const heldBytes = 256 << 20

// holds says whether the address of a bucket leads to an object, or to a folder with objects below it.
func (c *cli) holds(ctx context.Context, address string) (object, folder bool, err error) {
	if err := c.stores.buckets.Valid(address); err != nil {
		return false, false, usage(err)
	}
	return c.stores.buckets.Holds(ctx, address)
}

// held is a copy here of an object, made once and removed at the end of the command. It has the object's own name.
func (c *cli) held(ctx context.Context, address string) (string, error) {
	return c.heldUpTo(ctx, address, heldBytes)
}

func (c *cli) heldUpTo(ctx context.Context, address string, most int64) (string, error) {
	if err := c.stores.buckets.Valid(address); err != nil {
		return "", usage(err)
	}
	c.ending.Lock()
	file, made := c.copies[address]
	c.ending.Unlock()
	if made {
		return file, nil
	}
	o, err := c.stores.Stat(ctx, address)
	if err != nil {
		return "", err
	}
	if o.Size > most {
		return "", usagef("%s: it has %s, more than what is read here: is it the right one?", store.Bare(address), words.Size(o.Size))
	}
	dir, err := os.MkdirTemp("", "featureaudit-*")
	if err != nil {
		return "", err
	}
	c.temps.add(dir, false)
	c.later(func() { _ = os.RemoveAll(dir) }) // it is a copy
	file = filepath.Join(dir, path.Base(store.Bare(address)))
	if err := c.download(ctx, o, file); err != nil {
		return "", err
	}
	c.ending.Lock()
	defer c.ending.Unlock()
	if c.copies == nil {
		c.copies = map[string]string{}
	}
	c.copies[address] = file
	return file, nil
}

// here is the file of this machine to read for a name: its copy where it is the address of a bucket.
func (c *cli) here(ctx context.Context, name string) (string, error) {
	if inBucket(name) {
		return c.held(ctx, name)
	}
	return name, localOnly(name)
}

// readNamed reads a file, or an object of a bucket, and notes it, so that no output replaces it.
func (c *cli) readNamed(ctx context.Context, name string) ([]byte, error) {
	raw, err := c.readHere(ctx, name)
	c.reads.add(name)
	return raw, err
}

func (c *cli) readHere(ctx context.Context, name string) ([]byte, error) {
	file, err := c.here(ctx, name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// placed is what stands at a name: a file or a folder of this machine, or of a bucket; neither where nothing is there.
type placed struct{ file, folder bool }

func (c *cli) placed(ctx context.Context, name string) (placed, error) {
	if inBucket(name) {
		object, folder, err := c.holds(ctx, name)
		return placed{object, folder}, err
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return placed{}, nil
	}
	if err != nil {
		return placed{}, err
	}
	return placed{!info.IsDir(), info.IsDir()}, nil
}

// firstBytes are the first bytes of a regular file or an object; fewer where it has fewer, none where there is none.
func (c *cli) firstBytes(ctx context.Context, name string, n int) []byte {
	head := make([]byte, n)
	if !inBucket(name) {
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			return nil // opening a pipe would wait for its writer
		}
	} else if c.stores.buckets.Valid(name) != nil {
		return nil
	}
	f, err := c.stores.Open(ctx, name)
	if err != nil {
		return nil
	}
	defer f.Close()
	got, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	return head[:got]
}
