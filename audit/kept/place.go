package kept

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// place is where packs lie: a folder of this machine, or of a bucket. Packs are of a kind, packsFolder or looksFolder, and have names of
// their own in it.
type place interface {
	source
	// text names the folder for people.
	text() string
	// packs are the names of the packs of a kind, the oldest first. A folder without any of the kind may be fs.ErrNotExist.
	packs(kind string) ([]string, error)
	// ahead says that packs of a kind are about to be opened.
	ahead(kind string, names []string)
	// pack is the path of a pack, as the source takes it.
	pack(kind, name string) string
	// written is when a pack got its place; zero where that cannot be told.
	written(pack string) time.Time
	// bytes is what all that a pack has takes, damaged or not.
	bytes(pack string) int64
	// begin makes a pack under a temporary name, in which the word stands.
	begin(word string) (*Writer, error)
	// commit gives a finished pack of a kind its place, with a number by which it is newer than those of lower ones, and gives its name.
	commit(w *Writer, kind string, number int64, note any) (name string, err error)
	// remove takes a pack away at once, by its name, and then all that it held.
	remove(kind, name string) error
	// marks are the names of packs of facts that were made and not removed by a run; mark says so of one, and unmark takes that back, whether
	// or not it was said.
	marks() ([]string, error)
	mark(name string) error
	unmark(name string) error
	// leftovers removes what killed runs left before an instant, and counts it.
	leftovers(before time.Time) (int, error)
	// endUploads ends what killed runs began to write before an instant and no list shows, and counts it.
	endUploads(before time.Time) (int, error)
	// close lets go of what was held to read packs.
	close() error
}

// source is what packs are read from.
type source interface {
	// manifest reads a pack's manifest. Where the pack is not there at all the error is errGone.
	manifest(pack string) ([]byte, error)
	// size is how many bytes a table of a pack has.
	size(pack, table string) (int64, error)
	// read fills a slice with the bytes of a table from an offset on.
	read(pack, table string, into []byte, from int64) error
}

// errGone is a pack that is not there, and may have been a moment before.
var errGone = fmt.Errorf("the pack is gone: %w", fs.ErrNotExist)

// inOrder sorts names of packs, the oldest first.
func inOrder(names []string) []string {
	slices.SortFunc(names, func(a, b string) int {
		na, nb := numberOf(a), numberOf(b)
		if na != nb {
			return int(na - nb)
		}
		return cmpText(a, b)
	})
	return names
}

// numberAfter is the number of a new pack beside others.
func numberAfter(names []string) int64 {
	number := int64(0)
	for _, name := range names {
		number = max(number, numberOf(name))
	}
	return number + 1
}

// numberOf is the number of a pack by its name, 0 for a foreign one.
func numberOf(name string) int64 {
	text, _, _ := strings.Cut(name, "-")
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// named is a name with a number that no other pack has.
func named(number int64) string { return fmt.Sprintf("%06d-%08x", number, rand.Uint32()) }

// unfinishedName is one for a pack in the making.
func unfinishedName(word string) string {
	return fmt.Sprintf("%s%d-%016x", word, os.Getpid(), rand.Uint64())
}

// localFiles are packs of this machine, by their paths.
type localFiles struct{}

func (localFiles) manifest(pack string) ([]byte, error) {
	if _, err := os.Stat(pack); errors.Is(err, fs.ErrNotExist) {
		return nil, errGone
	}
	f, err := os.Open(filepath.Join(pack, manifestName))
	if err != nil {
		return nil, fmt.Errorf("it has no manifest (%w)", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest))
	return raw, errors.Join(err, f.Close())
}

func (localFiles) size(pack, table string) (int64, error) {
	info, err := os.Stat(filepath.Join(pack, table))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// close has nothing to let go of.
func (localFiles) close() error { return nil }

// read opens the file for each read, for packs may be many.
func (localFiles) read(pack, table string, into []byte, from int64) error {
	f, err := os.Open(filepath.Join(pack, table))
	if err != nil {
		return err
	}
	n, err := f.ReadAt(into, from)
	if n == len(into) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// localPlace is a folder of this machine.
type localPlace struct {
	localFiles
	path string
}

func (p localPlace) text() string { return p.path }

func (p localPlace) packs(kind string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(p.path, kind))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return inOrder(names), nil
}

func (p localPlace) ahead(string, []string) {}

func (p localPlace) pack(kind, name string) string { return filepath.Join(p.path, kind, name) }

func (p localPlace) written(pack string) time.Time {
	info, err := os.Stat(filepath.Join(pack, manifestName))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

func (p localPlace) bytes(pack string) int64 {
	total := int64(0)
	entries, err := os.ReadDir(pack)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			total += info.Size()
		}
	}
	return total
}

func (p localPlace) begin(word string) (*Writer, error) {
	return Create(filepath.Join(p.path, unfinishedFolder, unfinishedName(word)))
}

func (p localPlace) commit(w *Writer, kind string, number int64, note any) (string, error) {
	if err := os.Mkdir(filepath.Join(p.path, kind), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", errors.Join(err, w.Abort())
	}
	name := named(number)
	return name, w.Commit(p.pack(kind, name), note)
}

func (p localPlace) remove(kind, name string) error {
	aside := filepath.Join(p.path, unfinishedFolder, unfinishedName("removed-"))
	if err := os.Rename(p.pack(kind, name), aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return os.RemoveAll(aside)
}

func (p localPlace) marks() ([]string, error) {
	names, err := p.packs(madeFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

func (p localPlace) mark(name string) error {
	if err := os.Mkdir(filepath.Join(p.path, madeFolder), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.WriteFile(p.pack(madeFolder, name), nil, 0o600)
}

func (p localPlace) unmark(name string) error {
	err := os.Remove(p.pack(madeFolder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// endUploads has nothing to end: what is written to a disk is listed.
func (localPlace) endUploads(time.Time) (int, error) { return 0, nil }

func (p localPlace) leftovers(before time.Time) (int, error) {
	entries, err := os.ReadDir(filepath.Join(p.path, unfinishedFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	removed := 0
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.ModTime().After(before) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(p.path, unfinishedFolder, e.Name())); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
