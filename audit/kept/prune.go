package kept

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
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
	// Distrusted are files that were dropped since a newer pack is damaged, which may have corrected them.
	Distrusted int
	// Removed are packs that are gone, Damaged those of them that were damaged, and Merged those of them whose rest is in a new one.
	Removed, Damaged, Merged int
	// Leftovers are packs that killed runs left unfinished, and Uploads objects of a bucket that they had begun to write.
	Leftovers, Uploads int
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
// nothing was kept since a time, and what runs that were killed left two days before now. What is left of packs is copied into one new pack, whose manifest comes last, and the old ones are removed
// after that. A run that reads meanwhile reads again what it finds gone. The error is the disk's or the context's, and loses nothing.
func (f Folder) Prune(ctx context.Context, since, now time.Time, by string) (Pruned, error) {
	var done Pruned
	all, err := f.Take(ctx)
	if err != nil {
		return done, err
	}
	all = slices.DeleteFunc(all, func(s Stock) bool { return !strings.HasPrefix(s.Name, packsFolder+"/") })
	var sound, remove []Stock
	for i := range all {
		s := &all[i]
		s.Damage = s.Check(ctx)
		if cause := context.Cause(ctx); cause != nil {
			return done, cause
		}
		switch {
		case s.Damage == nil:
			sound = append(sound, *s)
			done.Before += f.bytes(*s)
		case foreign(path.Base(s.Name), s.Damage):
			done.Left = append(done.Left, fmt.Sprintf("%s: %s", s.Name, Reason(s.Damage)))
		default:
			done.Before += f.bytes(*s)
			done.Damaged++
			remove = append(remove, *s)
		}
	}
	needed := done.needed(sound, distrustedOf(all), since)
	lists, err := neededLists(sound, needed)
	if err != nil {
		return done, fmt.Errorf("facts %s: nothing was pruned: %w", f, err)
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
		done.After += f.bytes(s)
	}
	maps.DeleteFunc(lists, func(_ string, l listed) bool {
		return !slices.ContainsFunc(mixed, func(s Stock) bool { return s.pack == l.pack })
	})
	if len(mixed) > 0 {
		bytes, err := f.merge(ctx, mixed, needed, lists, by)
		if err != nil {
			return done, fmt.Errorf("facts %s: nothing was pruned: %w", f, err)
		}
		done.Merged, done.After = len(mixed), done.After+bytes
		remove = append(remove, mixed...)
	}
	for _, s := range remove {
		if err := removePack(f.place, path.Base(s.Name)); err != nil {
			return done, fmt.Errorf("facts %s: %w", f, err)
		}
		done.Removed++
	}
	if done.Leftovers, err = f.place.leftovers(now.Add(-unfinishedFor)); err != nil {
		return done, fmt.Errorf("facts %s: %w", f, err)
	}
	if done.Uploads, err = f.place.endUploads(now.Add(-unfinishedFor)); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return done, cause
		}
		done.Left = append(done.Left, fmt.Sprintf("uploads that killed runs did not end, which no list of objects shows (%v): a rule of the bucket that ends them after some days removes what they take", err))
	}
	return done, nil
}

// bytes is what a pack takes, with its manifest.
func (f Folder) bytes(s Stock) int64 {
	return f.place.bytes(f.place.pack(packsFolder, path.Base(s.Name)))
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

// needed are the files that are to stay, and counts why others are not. Packs up to the number of a damaged one are not trusted.
func (p *Pruned) needed(sound []Stock, distrusted int64, since time.Time) map[*File]bool {
	used := map[string]time.Time{}
	total := 0
	for _, s := range sound {
		for _, f := range s.Files {
			if !f.Verified() {
				total++
			}
			if s.Written.After(used[f.Policy]) {
				used[f.Policy] = s.Written
			}
		}
	}
	needed := map[*File]bool{}
	latest := withoutOutrun(latestOf(sound))
	p.Replaced = total
	for _, f := range latest {
		if !f.Verified() {
			p.Replaced--
		}
		switch {
		case f.Verified(): // with the facts of the file, which are told of
			needed[f] = f.pack.number() > distrusted && !used[f.Policy].Before(since) && f.there()
		case f.pack.number() <= distrusted:
			p.Distrusted++
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
	numbers := map[string]int64{}
	for f := range needed {
		if f.Verified() {
			continue // it rests on no keys
		}
		numbers[f.Path] = max(numbers[f.Path], f.pack.number())
	}
	lists := listsCounting(sound)
	for name, l := range lists {
		f := File{At: l.at, pack: l.pack}
		covered, err := f.Texts(coveredTable.Name, "path")
		if err != nil {
			return nil, err
		}
		newest, left := int64(0), 0
		for _, path := range covered {
			if newest = max(newest, numbers[path]); numbers[path] > 0 {
				left++
			}
		}
		// one that is older than a file that it covers does not speak of it, which a merged pack no longer tells
		if newest == 0 || newest > l.pack.number() || l.settled() && left < len(covered) {
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
func (f Folder) merge(ctx context.Context, packs []Stock, needed map[*File]bool, lists map[string]listed, by string) (int64, error) {
	w, err := f.place.begin("merged-")
	if err != nil {
		return 0, err
	}
	note, number, err := fill(ctx, w, packs, needed, lists, by)
	if err != nil {
		return 0, errors.Join(err, w.Abort())
	}
	name, err := commitPack(f.place, w, number, note)
	if err != nil {
		return 0, err
	}
	return f.place.bytes(f.place.pack(packsFolder, name)), nil
}

// fill gives the note and the number of the new pack.
func fill(ctx context.Context, w *Writer, packs []Stock, needed map[*File]bool, lists map[string]listed, by string) (Note, int64, error) {
	note, number, last := Note{By: by, AsOf: times.Instant(times.None)}, int64(0), int64(0)
	for _, s := range packs {
		note.AsOf, last = max(note.AsOf, s.Note.AsOf), max(last, numberOf(path.Base(s.Name)))
		note.HashKeyID, note.Paranoid = joinedIDs(note.HashKeyID, s.Note.HashKeyID), note.Paranoid || s.Note.Paranoid
		if known := s.pack.since(); note.Since == nil || known < *note.Since {
			note.Since = &known
		}
		for _, f := range s.Files {
			if !needed[f] {
				continue
			}
			if err := context.Cause(ctx); err != nil {
				return note, 0, err
			}
			moved := *f
			var err error
			if moved.At, err = copyRanges(w, f.pack, f.At, number); err != nil {
				return note, 0, err
			}
			if _, err := w.Append(filesTable, moved.row(number)); err != nil {
				return note, 0, err
			}
			number++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		at, err := copyRanges(w, lists[name].pack, lists[name].at, 0)
		if err != nil {
			return note, 0, err
		}
		if _, err := w.Append(listsTable, Rows{[]string{name}, []string{placed(at)}}); err != nil {
			return note, 0, err
		}
	}
	return note, last, nil
}

// joinedIDs are the ids of two lists of them, with commas between.
func joinedIDs(a, b string) string {
	ids := strings.FieldsFunc(a+","+b, func(r rune) bool { return r == ',' })
	slices.Sort(ids)
	return strings.Join(slices.Compact(ids), ",")
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

// Reason is what is wrong with a pack, without its path.
func Reason(err error) string {
	var damaged DamagedError
	if errors.As(err, &damaged) {
		return damaged.Err.Error()
	}
	return err.Error()
}
