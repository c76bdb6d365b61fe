package kept

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Pruned is what Prune did.
type Pruned struct {
	// Replaced, Gone and Unused are files that were dropped: a newer look replaces them, their data is gone or another now, nothing was kept
	// under their policy for long. Kept are those that are still known.
	Replaced, Gone, Unused, Kept int
	// Removed are packs that are gone, Damaged those of them that were damaged, and Merged those of them whose rest is in a new one.
	Removed, Damaged, Merged int
	// Left names, in sentences, what was not understood and is left as it is.
	Left []string
	// Before and After are bytes on disk.
	Before, After int64
}

// maxPacks is how many packs may stay that hold nothing but what is needed.
const maxPacks = 8

// ours is how packs are named.
var ours = regexp.MustCompile(`^[0-9]{6,}-[0-9a-f]{8}$`)

// Prune drops what no view needs: files that a newer look replaces, whose data is gone or is another by size or time, or under whose policy
// nothing was kept since a time. What is left of packs is copied into one new pack, whose manifest comes last, and the old ones are removed
// after that. A run that reads meanwhile reads again what it finds gone. The error is the disk's or the context's, and loses nothing.
func Prune(ctx context.Context, path string, since time.Time, by string) (Pruned, error) {
	var done Pruned
	all, err := Take(ctx, path)
	if err != nil {
		return done, err
	}
	all = slices.DeleteFunc(all, func(s Stock) bool { return !strings.HasPrefix(s.Name, packsFolder+"/") })
	var sound, remove []Stock
	for _, s := range all {
		err := s.Check(ctx)
		if cause := context.Cause(ctx); cause != nil {
			return done, cause
		}
		switch folder := filepath.Join(path, filepath.FromSlash(s.Name)); {
		case err == nil:
			sound = append(sound, s)
			done.Before += s.Bytes
		case foreign(folder):
			done.Left = append(done.Left, fmt.Sprintf("%s: %s", s.Name, Reason(err)))
		default:
			done.Before += bytesBelow(folder)
			done.Damaged++
			remove = append(remove, s)
		}
	}
	needed := done.needed(sound, since)
	lists, err := neededLists(sound, needed)
	if err != nil {
		return done, fmt.Errorf("facts %s: nothing was pruned: %w", path, err)
	}
	whole, mixed := []Stock{}, []Stock{}
	for _, s := range sound {
		n := 0
		for _, f := range s.Files {
			if needed[f] {
				n++
			}
		}
		switch lists := holds(lists, s); {
		case n == 0 && !lists:
			remove = append(remove, s)
		case n < len(s.Files):
			mixed = append(mixed, s)
		default:
			whole = append(whole, s)
		}
	}
	if len(whole)+min(1, len(mixed)) > maxPacks {
		large := largest(whole)
		mixed = append(mixed, slices.DeleteFunc(slices.Clone(whole), func(s Stock) bool { return s.Name == large.Name })...)
		whole = slices.DeleteFunc(whole, func(s Stock) bool { return s.Name != large.Name })
	}
	for _, s := range whole {
		done.After += s.Bytes
	}
	maps.DeleteFunc(lists, func(_ string, l listed) bool {
		return !slices.ContainsFunc(mixed, func(s Stock) bool { return s.pack == l.pack })
	})
	if len(mixed) > 0 {
		bytes, err := merge(ctx, path, mixed, needed, lists, by)
		if err != nil {
			return done, fmt.Errorf("facts %s: nothing was pruned: %w", path, err)
		}
		done.Merged, done.After = len(mixed), done.After+bytes
		remove = append(remove, mixed...)
	}
	for _, s := range remove {
		if err := discard(path, s.Name); err != nil {
			return done, fmt.Errorf("facts %s: %w", path, err)
		}
		done.Removed++
	}
	return done, nil
}

// largest is a pack that is larger than all others together, where there is one: it is not copied for the sake of small ones.
func largest(packs []Stock) Stock {
	total := int64(0)
	for _, s := range packs {
		total += s.Bytes
	}
	for _, s := range packs {
		if s.Bytes > total/2 {
			return s
		}
	}
	return Stock{}
}

// discard takes a pack away at once, by its name, and then removes what it held.
func discard(path, name string) error {
	aside := filepath.Join(path, unfinishedFolder, fmt.Sprintf("pruned-%d-%016x", os.Getpid(), rand.Uint64()))
	if err := os.Rename(filepath.Join(path, filepath.FromSlash(name)), aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return os.RemoveAll(aside)
}

// needed are the files that are to stay, and counts why others are not.
func (p *Pruned) needed(sound []Stock, since time.Time) map[*File]bool {
	used := map[string]time.Time{}
	total := 0
	for _, s := range sound {
		total += len(s.Files)
		for _, f := range s.Files {
			if s.Written.After(used[f.Policy]) {
				used[f.Policy] = s.Written
			}
		}
	}
	needed := map[*File]bool{}
	latest := Latest(sound)
	p.Replaced = total - len(latest)
	for _, f := range latest {
		switch {
		case used[f.Policy].Before(since):
			p.Unused++
		case !f.there():
			p.Gone++
		default:
			p.Kept++
			needed[f] = true
		}
	}
	return needed
}

// there says that the data file is as it was, by size and time, or that this cannot be told here.
func (f *File) there() bool {
	if strings.Contains(f.Path, "://") {
		return true
	}
	info, err := os.Stat(f.Path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return info.Size() == f.Size && times.At(info.ModTime()) == f.ModTime
}

// neededLists are the newest lists of their names that cover a file that is needed.
func neededLists(sound []Stock, needed map[*File]bool) (map[string]listed, error) {
	paths := map[string]bool{}
	for f := range needed {
		paths[f.Path] = true
	}
	lists := map[string]listed{}
	for _, s := range sound {
		maps.Copy(lists, s.lists)
	}
	for name, l := range lists {
		f := File{At: l.at, pack: l.pack}
		covered, err := f.Texts(coveredTable.Name, "path")
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(covered, func(path string) bool { return paths[path] }) {
			delete(lists, name)
		}
	}
	return lists, nil
}

// holds says whether a pack holds one of the lists.
func holds(lists map[string]listed, s Stock) bool {
	for _, l := range lists {
		if l.pack == s.pack {
			return true
		}
	}
	return false
}

// merge copies what is needed of packs into a new one, with the number of the newest of them: whatever a run adds meanwhile is newer.
func merge(ctx context.Context, path string, packs []Stock, needed map[*File]bool, lists map[string]listed, by string) (int64, error) {
	w, err := Create(filepath.Join(path, unfinishedFolder, fmt.Sprintf("merged-%d-%016x", os.Getpid(), rand.Uint64())))
	if err != nil {
		return 0, err
	}
	bytes, err := fill(ctx, w, path, packs, needed, lists, by)
	if err != nil {
		return 0, errors.Join(err, w.Abort())
	}
	return bytes, nil
}

func fill(ctx context.Context, w *Writer, path string, packs []Stock, needed map[*File]bool, lists map[string]listed, by string) (int64, error) {
	note, number, last := Note{By: by, AsOf: times.Instant(times.None)}, int64(0), int64(0)
	for _, s := range packs {
		note.AsOf, last = max(note.AsOf, s.Note.AsOf), max(last, numberOf(filepath.Base(s.Name)))
		for _, f := range s.Files {
			if !needed[f] {
				continue
			}
			if err := context.Cause(ctx); err != nil {
				return 0, err
			}
			moved := *f
			var err error
			if moved.At, err = copyRanges(w, f.pack, f.At, number); err != nil {
				return 0, err
			}
			if _, err := w.Append(filesTable, moved.row(number)); err != nil {
				return 0, err
			}
			number++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		at, err := copyRanges(w, lists[name].pack, lists[name].at, 0)
		if err != nil {
			return 0, err
		}
		if _, err := w.Append(listsTable, Rows{[]string{name}, []string{placed(at)}}); err != nil {
			return 0, err
		}
	}
	to := filepath.Join(path, packsFolder, fmt.Sprintf("%06d-%08x", last, rand.Uint32()))
	if err := w.Commit(to, note); err != nil {
		return 0, err
	}
	p, err := OpenPack(to)
	if err != nil {
		return 0, err
	}
	return p.Bytes(), nil
}

// copyRanges copies rows of tables, range by range, and gives their new places. Rows that name their file by its number in the pack get
// the new one.
func copyRanges(w *Writer, p *Pack, at map[string][]Range, number int64) (map[string][]Range, error) {
	moved := map[string][]Range{}
	for _, name := range slices.Sorted(maps.Keys(at)) {
		moved[name] = []Range{}
		i := slices.IndexFunc(p.Tables(), func(t Table) bool { return t.Name == name })
		for _, r := range at[name] {
			if r.Count == 0 {
				moved[name] = append(moved[name], Range{})
				continue
			}
			if i < 0 {
				return nil, DamagedError{Pack: p.path, Err: fmt.Errorf("it has no table %s", name)}
			}
			table := p.Tables()[i]
			rows, err := rowsAt(p, table, r, number)
			if err != nil {
				return nil, err
			}
			first, err := w.Append(table, rows)
			if err != nil {
				return nil, err
			}
			moved[name] = append(moved[name], Range{first, r.Count})
		}
	}
	return moved, nil
}

func rowsAt(p *Pack, t Table, r Range, number int64) (Rows, error) {
	rows := make(Rows, len(t.Columns))
	for i, c := range t.Columns {
		if c.Kind != Integer {
			texts, err := p.Texts(t.Name, c.Name, r.First, r.Count)
			if err != nil {
				return nil, err
			}
			rows[i] = texts
			continue
		}
		values, err := p.Integers(t.Name, c.Name, r.First, r.Count)
		if err != nil {
			return nil, err
		}
		if c.Name == "file" {
			values = slices.Repeat([]int64{number}, len(values))
		}
		rows[i] = values
	}
	return rows, nil
}

// foreign says that a folder is no pack of this release's format, for another program or release to judge.
func foreign(folder string) bool {
	if !ours.MatchString(filepath.Base(folder)) {
		return true
	}
	raw, err := readManifest(filepath.Join(folder, manifestName))
	if err != nil {
		return false
	}
	_, err = parseManifest(raw)
	return errors.As(err, new(otherFormatError))
}

// Reason is what is wrong with a pack, without its path.
func Reason(err error) string {
	var damaged DamagedError
	if errors.As(err, &damaged) {
		return damaged.Err.Error()
	}
	return err.Error()
}

// bytesBelow is what the files of a folder take.
func bytesBelow(folder string) int64 {
	total := int64(0)
	entries, err := os.ReadDir(folder)
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
