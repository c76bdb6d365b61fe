package kept

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
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
func (f Folder) Take(ctx context.Context) ([]Stock, error) {
	var all []Stock
	marked, err := f.place.marks()
	if err != nil {
		return nil, fmt.Errorf("facts %s: %w", f, err)
	}
	for _, kind := range []string{packsFolder, looksFolder} {
		stock, err := openAll(ctx, f.place, kind, func(name string) (Stock, error) {
			s := f.takeOne(kind, name)
			if errors.Is(s.Damage, errGone) {
				return s, s.Damage
			}
			return s, nil
		})
		if errors.Is(err, fs.ErrNotExist) && kind == looksFolder {
			continue
		}
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; name a folder that run --facts has filled", err)
		}
		if err != nil {
			return nil, fmt.Errorf("facts %s: %w", f, err)
		}
		if kind == packsFolder {
			if stock, err = f.withRemoved(stock, marked); err != nil {
				return nil, fmt.Errorf("facts %s: %w", f, err)
			}
		}
		all = append(all, stock...)
	}
	return all, nil
}

// withRemoved puts packs that are gone, and that no run removed, among those that are there.
func (f Folder) withRemoved(stock []Stock, marked []string) ([]Stock, error) {
	listed := make([]string, len(stock))
	for i := range stock {
		listed[i] = path.Base(stock[i].Name)
	}
	removed, err := removedOf(f.place, marked, listed)
	for _, name := range removed {
		stock = append(stock, Stock{Name: packsFolder + "/" + name, Damage: removedPack(f.place, name)})
	}
	slices.SortStableFunc(stock, func(a, b Stock) int { return cmp.Compare(numberOf(path.Base(a.Name)), numberOf(path.Base(b.Name))) })
	return stock, err
}

func (f Folder) takeOne(kind, name string) Stock {
	s := Stock{Name: kind + "/" + name}
	at := f.place.pack(kind, name)
	s.Written = f.place.written(at)
	p, err := openPack(f.place, at, &blocks{})
	if err != nil {
		s.Damage = err
		return s
	}
	s.pack, s.Bytes = p, p.Bytes()
	if err := p.Note(&s.Note); err != nil {
		s.Damage = DamagedError{Pack: at, Err: fmt.Errorf("its note does not parse: %w", err)}
		return s
	}
	if kind != packsFolder {
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
			if _, err := table.checked.load(number); err != nil {
				return DamagedError{Pack: s.pack.path, Err: err}
			}
		}
	}
	return nil
}

// Latest are the files of packs that a run would find: of each policy and path the newest, in packs that are newer than each damaged one.
func Latest(all []Stock) []*File {
	distrusted := distrustedOf(all)
	return slices.DeleteFunc(latestOf(all), func(f *File) bool { return f.pack.number() <= distrusted })
}

// latestOf are the newest of each policy and path among packs that are not damaged.
func latestOf(all []Stock) []*File {
	newest, order, sound := map[fileOf]*File{}, []fileOf{}, allSaid(all)
	for _, s := range sound {
		for _, f := range counting(s, sound).files {
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

// withoutOutrun leaves out verified rows of a file of which facts were kept later, under whatever policy: they may be of another state of it, which a
// merged pack no longer tells.
func withoutOutrun(latest []*File) []*File {
	facts := map[string]int64{}
	for _, f := range latest {
		if !f.Verified() {
			facts[f.Path] = max(facts[f.Path], f.pack.number())
		}
	}
	return slices.DeleteFunc(latest, func(f *File) bool { return f.Verified() && f.pack.number() < facts[f.Path] })
}

// distrustedOf is the highest number of a damaged pack of files.
func distrustedOf(all []Stock) int64 {
	number := int64(0)
	for _, s := range all {
		if name, ofFiles := strings.CutPrefix(s.Name, packsFolder+"/"); ofFiles && s.Damage != nil && !foreign(name, s.Damage) {
			number = max(number, numberOf(name))
		}
	}
	return number
}

// OpenReading is Open for a folder that nothing is written to: what a run would keep in it is dropped.
func (f Folder) OpenReading(ctx context.Context) (*Dir, error) {
	d, err := f.Open(ctx)
	if err != nil {
		return nil, err
	}
	d.failed, d.looks.reading = errReading, true
	return d, nil
}

var errReading = errors.New("the facts are only read")
