package kept

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Stock is one pack as it lies in a folder of facts.
type Stock struct {
	// Name is its path below the folder, with slashes. Note is what it says of itself, and Bytes what its tables take on disk.
	Name  string
	Note  Note
	Bytes int64
	// Written is when it got its place.
	Written time.Time
	// Files are those that it knows; nil for packs that remember which files there were.
	Files []*File
	// Damage is why nothing of it is used; nil where it is.
	Damage error

	pack  *Pack
	lists map[string]listed
}

// Take lists the packs of a folder, the oldest first and those that remember which files there were last, and changes nothing. The error
// is that of a folder that holds no facts, or cannot be listed.
func Take(ctx context.Context, path string) ([]Stock, error) {
	var all []Stock
	for _, kind := range []string{packsFolder, looksFolder} {
		names, err := packsIn(filepath.Join(path, kind))
		if errors.Is(err, fs.ErrNotExist) && kind == looksFolder {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("facts %s: %w; name a folder that run --facts has filled", path, err)
		}
		for _, name := range names {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			s := takeOne(filepath.Join(path, kind, name), kind == packsFolder)
			s.Name = kind + "/" + name
			if errors.Is(s.Damage, fs.ErrNotExist) && !errors.As(s.Damage, new(DamagedError)) {
				continue // it was merged meanwhile
			}
			all = append(all, s)
		}
	}
	return all, nil
}

func takeOne(path string, ofFiles bool) Stock {
	var s Stock
	if info, err := os.Stat(filepath.Join(path, manifestName)); err == nil {
		s.Written = info.ModTime()
	}
	p, err := OpenPack(path)
	if err != nil {
		s.Damage = err
		return s
	}
	s.pack, s.Bytes = p, p.Bytes()
	if err := p.Note(&s.Note); err != nil {
		s.Damage = DamagedError{Pack: path, Err: fmt.Errorf("its note does not parse: %w", err)}
		return s
	}
	if !ofFiles {
		return s
	}
	if s.Files, s.Damage = filesOf(p); s.Damage == nil {
		s.lists, s.Damage = listsOf(p)
	}
	return s
}

// Check reads every block of the pack's tables and compares its checksum. The error names the first that does not agree, or is the
// context's.
func (s Stock) Check(ctx context.Context) error {
	if s.Damage != nil {
		return s.Damage
	}
	for _, t := range s.pack.Tables() {
		table := s.pack.tables[t.Name]
		for number := range int64(len(table.checked.sums)) {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if err := table.checked.compare(number); err != nil {
				return DamagedError{Pack: s.pack.path, Err: err}
			}
		}
	}
	return nil
}

// compare loads a block, and the error says that it does not agree.
func (c *checkedFile) compare(number int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load(number)
}

// Latest are the files of packs that a run would find: of each policy and path the newest.
func Latest(all []Stock) []*File {
	newest, order := map[fileOf]*File{}, []fileOf{}
	for _, s := range all {
		if s.Damage != nil {
			continue
		}
		for _, f := range s.Files {
			of := fileOf{f.Policy, f.Path}
			if newest[of] == nil {
				order = append(order, of)
			}
			newest[of] = f
		}
	}
	files := make([]*File, len(order))
	for i, of := range order {
		files[i] = newest[of]
	}
	return files
}

// OpenReading is Open for a folder that nothing is written to: what a run would keep in it is dropped.
func OpenReading(ctx context.Context, path string) (*Dir, error) {
	d, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	d.failed, d.looks.reading = errReading, true
	return d, nil
}

var errReading = errors.New("the facts are only read")
