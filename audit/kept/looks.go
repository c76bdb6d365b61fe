package kept

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Seen is a file as a look at a view found it.
type Seen struct {
	// Path is relative to the view's root. A file is itself by its size in bytes and its footer's checksum; it was touched where only its
	// modification time or the store's mark are others.
	Path    string
	Size    int64
	ModTime times.Instant
	ETag    string
	// Footer is 0 where the footer could not be read, and Rows are not known then.
	Footer uint64
	Rows   int64
	Place  Place
}

// Place is a time partition. Interval names it, however its folders spell it; Name is its path below the view's root. From Closed on it
// should get no more rows.
type Place struct {
	Interval, Name     string
	Start, End, Closed times.Instant
}

// Rewrite is what changed in a closed partition between two looks: files that are others now, gone or new, and the rows before and after.
type Rewrite struct {
	Place
	FirstSeen            times.Instant
	Changed, Gone, Added int64
	Before, After        int64
}

// Known is what earlier looks found of a view.
type Known struct {
	// Last is the instant of the last look; None before the first.
	Last     times.Instant
	Files    map[string]Seen
	Rewrites []Rewrite
}

// Looks remembers which files views had. It is safe for concurrent use. Packs of it lie beside those of facts; each holds what a run
// found another than it was, and now and then one holds all.
type Looks struct {
	place place

	mu    sync.Mutex
	views map[string]*view
	// packs are the names of those that were read, and replaced those that one of them holds the content of.
	packs, replaced []string
	// damaged says why nothing is known, though something is there, and foreign what of it is not ours.
	damaged error
	foreign []error
	// reading says that nothing is written.
	reading bool
	// delta is what this run found, by view.
	delta map[string]*view
}

// view is what is known of one. A file that is gone is there, to say so.
type view struct {
	last     times.Instant
	files    map[string]record
	rewrites map[rewriteOf]Rewrite
}

type record struct {
	Seen
	gone bool
	asOf times.Instant
}

type rewriteOf struct {
	interval  string
	firstSeen times.Instant
}

func newView() *view {
	return &view{last: times.None, files: map[string]record{}, rewrites: map[rewriteOf]Rewrite{}}
}

const looksFolder = "looks"

// maxLooks is how many packs of looks there are before one is written that holds all.
const maxLooks = 24

// lookNote is what a pack of looks says of itself: which packs it adds to, or that it holds all that other packs held, by their names.
type lookNote struct {
	Note
	AddsTo   []string `json:"adds_to,omitempty"`
	Replaces []string `json:"replaces,omitempty"`
}

// mostReplaced is how many names of packs a pack remembers that it replaces: a run that began before them may still add to one of them.
const mostReplaced = 16 * maxLooks

// RewritesLast is for how long a rewrite is remembered.
const RewritesLast = 30 * times.Day

var (
	lookedTable    = Table{Name: "looked", Columns: append([]Column{{"view", Text}}, Integers("as_of_us")...)}
	seenTable      = Table{Name: "seen", Columns: append(placeColumns(), append([]Column{{"path", Text}, {"etag", Text}}, Integers("as_of_us", "size", "mtime_us", "footer", "rows", "gone")...)...)}
	rewrittenTable = Table{Name: "rewritten", Columns: append(placeColumns(), Integers("first_seen_us", "changed", "gone", "added", "rows_before", "rows_after")...)}
)

func placeColumns() []Column {
	return append([]Column{{"view", Text}, {"interval", Text}, {"partition", Text}}, Integers("start_us", "end_us", "closed_us")...)
}

// look is a pack of looks that was opened, or why it cannot be.
type look struct {
	name string
	pack *Pack
	note lookNote
	err  error
}

// openLooks reads what is remembered. Where a pack is damaged or gone nothing is: what it alone said would be taken for a change.
func openLooks(in place) *Looks {
	l := &Looks{place: in, views: map[string]*view{}, delta: map[string]*view{}}
	packs, err := openAll(context.Background(), in, looksFolder, func(name string) (look, error) {
		p, err := openPack(in, in.pack(looksFolder, name), &blocks{})
		if errors.Is(err, errGone) {
			return look{}, err // another run has put it into one that holds all
		}
		one := look{name: name, pack: p, err: err}
		if err == nil && p.Note(&one.note) != nil {
			one.err = DamagedError{Pack: p.path, Err: errors.New("its note does not parse")}
		}
		return one, nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.damaged = err
	}
	packs = slices.DeleteFunc(packs, func(p look) bool { // what another release wrote is its own, and stays
		if other := p.err != nil && foreign(p.name, p.err); other {
			l.foreign = append(l.foreign, p.err)
			return true
		}
		return false
	})
	for _, p := range packs {
		l.packs, l.replaced = append(l.packs, p.name), append(l.replaced, p.note.Replaces...)
	}
	for _, p := range packs {
		if p.err == nil {
			p.err = errors.Join(l.whole(p), readLooked(p.pack, l.views), readSeen(p.pack, l.views), readRewritten(p.pack, l.views))
		}
		if p.err != nil && l.damaged == nil {
			l.damaged = p.err
		}
	}
	if l.damaged != nil {
		l.views = map[string]*view{}
	}
	return l
}

// whole says that the packs are there that one adds to, or that what they held is in another.
func (l *Looks) whole(p look) error {
	for _, name := range p.note.AddsTo {
		if !slices.Contains(l.packs, name) && !slices.Contains(l.replaced, name) {
			return DamagedError{Pack: p.pack.path, Err: fmt.Errorf("the pack %s, which it adds to, is gone", name)}
		}
	}
	return nil
}

// of is a view of some, made where it is new.
func of(views map[string]*view, key string) *view {
	if views[key] == nil {
		views[key] = newView()
	}
	return views[key]
}

// columnsOf reads all columns of a table.
func columnsOf(p *Pack, t Table) (texts map[string][]string, wholes map[string][]int64, err error) {
	texts, wholes = map[string][]string{}, map[string][]int64{}
	n := p.Len(t.Name)
	if n == 0 {
		return texts, wholes, nil
	}
	for _, c := range t.Columns {
		if c.Kind == Integer {
			wholes[c.Name], err = p.Integers(t.Name, c.Name, 0, n)
		} else {
			texts[c.Name], err = p.Texts(t.Name, c.Name, 0, n)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return texts, wholes, nil
}

func readLooked(p *Pack, views map[string]*view) error {
	texts, wholes, err := columnsOf(p, lookedTable)
	for i, key := range texts["view"] {
		v := of(views, key)
		v.last = max(v.last, times.Instant(wholes["as_of_us"][i])) // None is before all
	}
	return err
}

func placeAt(texts map[string][]string, wholes map[string][]int64, i int) Place {
	return Place{Interval: texts["interval"][i], Name: texts["partition"][i], Start: times.Instant(wholes["start_us"][i]),
		End: times.Instant(wholes["end_us"][i]), Closed: times.Instant(wholes["closed_us"][i])}
}

func readSeen(p *Pack, views map[string]*view) error {
	texts, wholes, err := columnsOf(p, seenTable)
	for i, key := range texts["view"] {
		r := record{asOf: times.Instant(wholes["as_of_us"][i]), gone: wholes["gone"][i] != 0, Seen: Seen{Path: texts["path"][i], ETag: texts["etag"][i],
			Size: wholes["size"][i], ModTime: times.Instant(wholes["mtime_us"][i]), Footer: uint64(wholes["footer"][i]), Rows: wholes["rows"][i],
			Place: placeAt(texts, wholes, i)}}
		v := of(views, key)
		if old, known := v.files[r.Path]; !known || r.asOf >= old.asOf {
			v.files[r.Path] = r
		}
	}
	return err
}

func readRewritten(p *Pack, views map[string]*view) error {
	texts, wholes, err := columnsOf(p, rewrittenTable)
	for i, key := range texts["view"] {
		of(views, key).add(Rewrite{Place: placeAt(texts, wholes, i), FirstSeen: times.Instant(wholes["first_seen_us"][i]), Changed: wholes["changed"][i],
			Gone: wholes["gone"][i], Added: wholes["added"][i], Before: wholes["rows_before"][i], After: wholes["rows_after"][i]})
	}
	return err
}

func (v *view) add(r Rewrite) { v.rewrites[rewriteOf{r.Interval, r.FirstSeen}] = r }

// Known is what earlier looks found of a view; the error is why they do not count.
func (l *Looks) Known(key string) (Known, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.views[key]
	if l.damaged != nil || v == nil {
		return Known{Last: times.None}, l.damaged
	}
	k := Known{Last: v.last, Files: map[string]Seen{}}
	for path, r := range v.files {
		if !r.gone {
			k.Files[path] = r.Seen
		}
	}
	for _, r := range v.rewrites {
		k.Rewrites = append(k.Rewrites, r)
	}
	slices.SortFunc(k.Rewrites, func(a, b Rewrite) int {
		if a.FirstSeen != b.FirstSeen {
			return int(max(-1, min(1, a.FirstSeen-b.FirstSeen)))
		}
		return cmpText(a.Interval, b.Interval)
	})
	return k, nil
}

// Remember takes what a look at a view found, all of its files, and what it found rewritten. A look that is from an earlier instant than
// the last is not remembered: it sees fewer partitions closed.
func (l *Looks) Remember(key string, asOf times.Instant, found []Seen, rewrites []Rewrite) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.views[key]
	if known == nil {
		known = newView()
	}
	if known.last.Known() && asOf < known.last {
		return
	}
	d := newView()
	d.last = asOf
	there := map[string]bool{}
	for _, s := range found {
		there[s.Path] = true
		old, is := known.files[s.Path]
		if is && !old.gone && s.Footer == 0 && s.Size == old.Size && s.ModTime == old.ModTime {
			continue // it could not be read this time
		}
		if !is || old.gone || old.Seen != s {
			d.files[s.Path] = record{Seen: s, asOf: asOf}
		}
	}
	for path, old := range known.files {
		if !old.gone && !there[path] {
			old.gone, old.asOf = true, asOf
			d.files[path] = old
		}
	}
	for _, r := range rewrites {
		d.add(r)
	}
	l.delta[key] = d
}

// Commit writes what this run remembers. The error is the disk's: what was known before stays known.
func (l *Looks) Commit(by string, asOf times.Instant) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.delta) == 0 || l.reading {
		return nil
	}
	err := l.commit(Note{By: by, AsOf: asOf})
	l.delta = map[string]*view{}
	if err != nil {
		return fmt.Errorf("facts %s: which files there are was not remembered: %w", l.place.text(), err)
	}
	return nil
}

func (l *Looks) commit(note Note) error {
	views, whole, said := l.delta, l.damaged != nil || len(l.packs) >= maxLooks, lookNote{Note: note, AddsTo: l.packs}
	if whole {
		views, said.AddsTo, said.Replaces = l.merged(note.AsOf), nil, slices.Concat(l.replaced, l.packs)
		said.Replaces = said.Replaces[max(0, len(said.Replaces)-mostReplaced):]
	}
	w, err := l.place.begin("looks-")
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(views)) {
		if err := views[key].write(w, key); err != nil {
			return errors.Join(err, w.Abort())
		}
	}
	names, err := l.place.packs(looksFolder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, w.Abort())
	}
	if _, err := l.place.commit(w, looksFolder, numberAfter(names), said); err != nil || !whole {
		return err
	}
	for _, old := range l.packs {
		err = errors.Join(err, l.place.remove(looksFolder, old))
	}
	return err
}

// merged is all that is known, with what this run found; what is gone, or long past, is left out.
func (l *Looks) merged(asOf times.Instant) map[string]*view {
	all := map[string]*view{}
	for _, views := range []map[string]*view{l.views, l.delta} {
		for key, v := range views {
			into := of(all, key)
			into.last = v.last
			for path, r := range v.files {
				into.files[path] = r
			}
			for _, r := range v.rewrites {
				into.add(r)
			}
		}
	}
	for _, v := range all {
		maps.DeleteFunc(v.files, func(_ string, r record) bool { return r.gone })
		maps.DeleteFunc(v.rewrites, func(at rewriteOf, _ Rewrite) bool { return at.firstSeen.Add(RewritesLast) < asOf })
	}
	return all
}

// rowsOf gathers the rows of a table.
type rowsOf struct {
	texts  [][]string
	wholes [][]int64
}

func (r *rowsOf) add(texts []string, wholes ...int64) {
	if r.texts == nil {
		r.texts, r.wholes = make([][]string, len(texts)), make([][]int64, len(wholes))
	}
	for i, t := range texts {
		r.texts[i] = append(r.texts[i], t)
	}
	for i, n := range wholes {
		r.wholes[i] = append(r.wholes[i], n)
	}
}

// append writes the rows, in the order that the table has its columns.
func (r *rowsOf) append(w *Writer, t Table) error {
	if r.texts == nil {
		return nil
	}
	rows, text, whole := Rows{}, 0, 0
	for _, c := range t.Columns {
		if c.Kind == Integer {
			rows = append(rows, r.wholes[whole])
			whole++
		} else {
			rows = append(rows, r.texts[text])
			text++
		}
	}
	_, err := w.Append(t, rows)
	return err
}

func (v *view) write(w *Writer, key string) error {
	var looked, seen, rewritten rowsOf
	looked.add([]string{key}, int64(v.last))
	for _, path := range slices.Sorted(maps.Keys(v.files)) {
		r := v.files[path]
		gone := int64(0)
		if r.gone {
			gone = 1
		}
		p := r.Place
		seen.add([]string{key, p.Interval, p.Name, r.Path, r.ETag}, int64(p.Start), int64(p.End), int64(p.Closed), int64(r.asOf), r.Size, int64(r.ModTime),
			int64(r.Footer), r.Rows, gone)
	}
	for _, r := range v.rewrites {
		rewritten.add([]string{key, r.Interval, r.Name}, int64(r.Start), int64(r.End), int64(r.Closed), int64(r.FirstSeen), r.Changed, r.Gone, r.Added, r.Before, r.After)
	}
	return errors.Join(looked.append(w, lookedTable), seen.append(w, seenTable), rewritten.append(w, rewrittenTable))
}
