package kept

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/featureaudit/featureaudit/audit/store"
)

// Bucket is an object store that packs can lie in.
type Bucket interface {
	// Tree lists all objects below a folder, and Open opens one that was listed, whose reads fail once it is another.
	Tree(ctx context.Context, folder string) ([]store.Entry, error)
	Open(ctx context.Context, abs string) (store.Object, error)
	// Write writes an object whole or not at all, Create only where there is none.
	Write(ctx context.Context, name string, content func() io.Reader) error
	Create(ctx context.Context, name string, content []byte) (created bool, err error)
	Delete(ctx context.Context, name string) error
	// EndUploads ends the uploads of objects below a folder that began before an instant and are not done, and counts them.
	EndUploads(ctx context.Context, folder string, before time.Time) (int, error)
}

// InBucket is a folder of a bucket by its address, which may have parameters. What is read of packs is copied to a file without a name
// in scratch, of at most so many bytes, beyond which it is fetched each time; packs are made in folders there before they are written to the bucket. The
// context is that of all requests. Close gives the copies' room back.
//
// A pack in a bucket is one as soon as it has a manifest, which is created last and only where there is none: no two runs make one pack,
// and nobody sees a part of one.
func InBucket(ctx context.Context, b Bucket, address, scratch string, limit int64) Folder {
	bare := store.Bare(address)
	parameters := strings.TrimPrefix(address, bare)
	return Folder{&bucketPlace{ctx: ctx, bucket: b, address: strings.TrimRight(bare, "/"), parameters: parameters, scratch: scratch,
		packed: map[string]objects{}, copies: copies{dir: scratch, limit: limit, at: map[blockOf]int64{}}}}
}

// bucketPlace implements place.
type bucketPlace struct {
	ctx                 context.Context
	bucket              Bucket
	address, parameters string
	scratch             string
	copies              copies

	mu sync.Mutex
	// packed are the objects of packs as they were listed last, by the paths of packs.
	packed map[string]objects
}

// objects are those of one pack, by their names in it.
type objects struct {
	entries map[string]store.Entry
	// touched says that the small tables were fetched.
	touched bool
}

// newest is when the last of them was written.
func (o objects) newest() time.Time {
	last := int64(0)
	for _, e := range o.entries {
		last = max(last, e.ModTime)
	}
	return time.UnixMicro(last)
}

func (p *bucketPlace) text() string { return p.address }

func (p *bucketPlace) pack(kind, name string) string { return p.address + "/" + kind + "/" + name }

// list lists the packs of a kind, finished or not.
func (p *bucketPlace) list(kind string) ([]string, error) {
	entries, err := p.bucket.Tree(p.ctx, p.address+"/"+kind+p.parameters)
	if err != nil {
		return nil, err
	}
	found, names := map[string]objects{}, []string{}
	for _, e := range entries {
		name, file, inside := strings.Cut(e.Path, "/")
		if !inside {
			continue // what lies beside packs is none
		}
		of := p.pack(kind, name)
		if _, known := found[of]; !known {
			found[of] = objects{entries: map[string]store.Entry{}}
			names = append(names, name)
		}
		found[of].entries[file] = e
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for of := range p.packed {
		if path.Base(path.Dir(of)) == kind {
			delete(p.packed, of)
		}
	}
	for of, o := range found {
		p.packed[of] = o
	}
	return inOrder(names), nil
}

// packs implements place: what has no manifest is being written, or was left by a run that was killed.
func (p *bucketPlace) packs(kind string) ([]string, error) {
	names, err := p.list(kind)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, finished := p.entry(p.pack(kind, name), manifestName)
		return !finished
	}), nil
}

func (p *bucketPlace) entry(pack, file string) (store.Entry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.packed[pack].entries[file]
	return e, ok
}

// fetchedAtOnce is how many objects come, or go, at once.
const fetchedAtOnce = 16

// ahead implements place: manifests and the tables that every run reads come many at once. What fails is asked for again by who reads it.
func (p *bucketPlace) ahead(kind string, names []string) {
	group := errgroup.Group{}
	group.SetLimit(fetchedAtOnce)
	for _, name := range names {
		of := p.pack(kind, name)
		wanted := []string{manifestName, filesTable.file(), listsTable.file()}
		if kind == looksFolder {
			wanted = []string{manifestName, lookedTable.file(), seenTable.file(), rewrittenTable.file()}
		}
		for _, file := range wanted {
			if e, there := p.entry(of, file); there {
				group.Go(func() error { return p.fetchStart(of, file, e) })
			}
		}
	}
	_ = group.Wait()
}

// fetchStart copies the first block of a table.
func (p *bucketPlace) fetchStart(pack, file string, e store.Entry) error {
	block := blockOf{pack, file, 0}
	if e.Size == 0 || p.copies.has(block) {
		return nil
	}
	return p.fetch(e, block, 1)
}

// touch fetches the small tables of a pack at once, when one of them is read first: who reads one reads most.
func (p *bucketPlace) touch(pack string) {
	p.mu.Lock()
	o := p.packed[pack]
	first := o.entries != nil && !o.touched
	if first {
		o.touched = true
		p.packed[pack] = o
	}
	p.mu.Unlock()
	if !first {
		return
	}
	group := errgroup.Group{}
	group.SetLimit(fetchedAtOnce)
	for file, e := range o.entries {
		if e.Size <= blockBytes {
			group.Go(func() error { return p.fetchStart(pack, file, e) })
		}
	}
	_ = group.Wait() // what failed is asked for again
}

func (p *bucketPlace) manifest(pack string) ([]byte, error) {
	e, there := p.entry(pack, manifestName)
	if !there {
		return nil, errGone
	}
	raw := make([]byte, min(e.Size, maxManifest))
	for from := int64(0); from < int64(len(raw)); from += blockBytes {
		if err := p.block(pack, manifestName, e, raw[from:min(from+blockBytes, int64(len(raw)))], from/blockBytes); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = errGone
			}
			return nil, err
		}
	}
	return raw, nil
}

func (p *bucketPlace) size(pack, table string) (int64, error) {
	e, there := p.entry(pack, table)
	if !there {
		return 0, fmt.Errorf("it has no %s", table)
	}
	return e.Size, nil
}

// read implements source for whole blocks, which is what is read.
func (p *bucketPlace) read(pack, table string, into []byte, from int64) error {
	e, there := p.entry(pack, table)
	if !there {
		return fmt.Errorf("it has no %s", table)
	}
	if table != filesTable.file() && table != listsTable.file() {
		p.touch(pack)
	}
	return p.block(pack, table, e, into, from/blockBytes)
}

// fetchedAhead is how many blocks come at once of a table that is read block after block.
const fetchedAhead = 8

// block gives a block from the copies, or fetches it.
func (p *bucketPlace) block(pack, file string, e store.Entry, into []byte, number int64) error {
	of := blockOf{pack, file, number}
	if done, err := p.copies.read(of, into); done {
		return err
	}
	blocks := int64(1)
	if number > 0 && p.copies.has(blockOf{pack, file, number - 1}) {
		blocks = fetchedAhead
	}
	err := p.fetch(e, of, blocks)
	if errors.As(err, new(*store.RemoteError)) || p.ctx.Err() != nil {
		return err
	}
	if done, err := p.copies.read(of, into); done {
		return err
	}
	return p.direct(e, into, number*blockBytes) // there is no room for a copy, or the disk is full
}

// fetch copies so many blocks of an object from one on.
func (p *bucketPlace) fetch(e store.Entry, first blockOf, blocks int64) error {
	from := first.number * blockBytes
	size := min(blocks*blockBytes, e.Size-from)
	at, err := p.copies.room((size + blockBytes - 1) / blockBytes)
	if err != nil {
		return err
	}
	if err := p.copyTo(e, from, size, io.NewOffsetWriter(p.copies.file, at)); err != nil {
		return err
	}
	p.copies.add(first, at, (size+blockBytes-1)/blockBytes)
	return nil
}

// direct reads a part of an object into memory.
func (p *bucketPlace) direct(e store.Entry, into []byte, from int64) error {
	o, err := p.bucket.Open(p.ctx, e.Abs)
	if err != nil {
		return err
	}
	n, err := o.ReadAt(into, from)
	if n == len(into) {
		err = nil
	}
	return errors.Join(err, o.Close())
}

func (p *bucketPlace) copyTo(e store.Entry, from, size int64, to io.Writer) error {
	o, err := p.bucket.Open(p.ctx, e.Abs)
	if err != nil {
		return err
	}
	if fetcher, ok := o.(store.Fetcher); ok {
		err = fetcher.Fetch(from, size, to)
	} else {
		_, err = io.Copy(to, io.NewSectionReader(o, from, size))
	}
	return errors.Join(err, o.Close())
}

func (p *bucketPlace) written(pack string) time.Time {
	e, there := p.entry(pack, manifestName)
	if !there {
		return time.Time{}
	}
	return time.UnixMicro(e.ModTime)
}

func (p *bucketPlace) bytes(pack string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	total := int64(0)
	for _, e := range p.packed[pack].entries {
		total += e.Size
	}
	return total
}

func (p *bucketPlace) begin(word string) (*Writer, error) {
	return Create(filepath.Join(p.scratch, unfinishedName("pack-"+word)))
}

// commit writes the tables of a pack, and then creates its manifest.
func (p *bucketPlace) commit(w *Writer, kind string, number int64, note any) (string, error) {
	name := named(number)
	to := p.pack(kind, name)
	return name, w.commit(name, note, func(temporary string) error {
		entries, err := os.ReadDir(temporary)
		if err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(p.ctx)
		group.SetLimit(fetchedAtOnce)
		for _, e := range entries {
			if e.Name() != manifestName {
				group.Go(func() error { return p.upload(ctx, filepath.Join(temporary, e.Name()), to+"/"+e.Name()) })
			}
		}
		if err := group.Wait(); err != nil {
			return err
		}
		raw, err := os.ReadFile(filepath.Join(temporary, manifestName))
		if err != nil {
			return err
		}
		created, err := p.bucket.Create(p.ctx, to+"/"+manifestName, raw)
		if err == nil && !created {
			err = fmt.Errorf("%s: another run has made a pack of this name at the same time: run again", to)
		}
		if err == nil {
			err = os.RemoveAll(temporary)
		}
		return err
	})
}

func (p *bucketPlace) upload(ctx context.Context, file, to string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return p.bucket.Write(ctx, to, func() io.Reader { return io.NewSectionReader(f, 0, info.Size()) })
}

// remove deletes the manifest first: what is left, should nothing follow, is no pack.
func (p *bucketPlace) remove(kind, name string) error {
	of := p.pack(kind, name)
	p.mu.Lock()
	o := p.packed[of]
	delete(p.packed, of)
	p.mu.Unlock()
	files := []string{}
	for file := range o.entries {
		if file != manifestName {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	if _, finished := o.entries[manifestName]; finished {
		files = slices.Insert(files, 0, manifestName)
	}
	for _, file := range files {
		if err := p.bucket.Delete(p.ctx, of+"/"+file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (p *bucketPlace) marks() ([]string, error) {
	entries, err := p.bucket.Tree(p.ctx, p.address+"/"+madeFolder+p.parameters)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Path)
	}
	return names, nil
}

// mark writes the name into the object, for some tools take an empty one for a folder.
func (p *bucketPlace) mark(name string) error {
	return p.bucket.Write(p.ctx, p.pack(madeFolder, name), func() io.Reader { return strings.NewReader(name) })
}

func (p *bucketPlace) unmark(name string) error {
	err := p.bucket.Delete(p.ctx, p.pack(madeFolder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// leftovers implements place.
func (p *bucketPlace) leftovers(before time.Time) (int, error) {
	removed := 0
	for _, kind := range []string{packsFolder, looksFolder} {
		names, err := p.list(kind)
		if err != nil {
			return removed, err
		}
		for _, name := range names {
			of := p.pack(kind, name)
			p.mu.Lock()
			o := p.packed[of]
			p.mu.Unlock()
			if _, finished := o.entries[manifestName]; finished || !ours.MatchString(name) || o.newest().After(before) {
				continue
			}
			if err := p.remove(kind, name); err != nil {
				return removed, err
			}
			removed++
		}
	}
	return removed, nil
}

// endUploads implements place: a table that is large goes in parts, which no list of objects shows.
func (p *bucketPlace) endUploads(before time.Time) (int, error) {
	return p.bucket.EndUploads(p.ctx, p.address+p.parameters, before)
}

func (p *bucketPlace) close() error { return p.copies.close() }

// blockOf names a block of a file of a pack.
type blockOf struct {
	pack, file string
	number     int64
}

// copies are blocks in one file without a name.
type copies struct {
	dir   string
	limit int64

	mu   sync.Mutex
	file *os.File
	used int64
	// at is where blocks are in the file.
	at map[blockOf]int64
}

// errNoRoom says that no more is copied.
var errNoRoom = errors.New("there is no room for more copies")

func (c *copies) has(of blockOf) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, there := c.at[of]
	return there
}

// read gives a copied block; done is false where there is none.
func (c *copies) read(of blockOf, into []byte) (done bool, err error) {
	c.mu.Lock()
	at, there := c.at[of]
	c.mu.Unlock()
	if !there {
		return false, nil
	}
	_, err = c.file.ReadAt(into, at)
	return true, err
}

// room takes room for blocks that follow each other.
func (c *copies) room(blocks int64) (at int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used+blocks*blockBytes > c.limit {
		return 0, errNoRoom
	}
	if c.file == nil {
		f, err := os.CreateTemp(c.dir, "copies-*")
		if err != nil {
			return 0, err
		}
		if err := os.Remove(f.Name()); err != nil {
			return 0, errors.Join(err, f.Close())
		}
		c.file = f
	}
	at = c.used
	c.used += blocks * blockBytes
	return at, nil
}

// add says that blocks are there.
func (c *copies) add(first blockOf, at, blocks int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range blocks {
		c.at[blockOf{first.pack, first.file, first.number + i}] = at + i*blockBytes
	}
}

func (c *copies) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return nil
	}
	err := c.file.Close()
	c.file, c.at, c.used = nil, map[blockOf]int64{}, 0
	return err
}
