package kept

import (
	"fmt"
	"maps"
	"strings"

	"github.com/featureaudit/featureaudit/audit/times"
)

// List are the keys that repeat among files: rows whose hashes are equal, all of those among the files that it covers. It may have answers in
// their place, which are of these files together.
type List struct {
	// Covered are the files; of each its identity and its state count.
	Covered []File
	// Files are the numbers of rows' files in Covered; Hashes are those of narrow keys, and Rows the numbers of rows in their files.
	Files, Hashes, Rows []int64
	// Answers are what another engine said of all rows of the covered files, as its collector writes it; empty where there is nothing.
	Answers string

	pack *Pack
}

// Covers says that one of the covered files is a known one in the same state. What was kept of a file after the list, as a run that trusts
// nothing does, is not covered: its keys may be others.
func (l *List) Covers(i int, known *File) bool { return covers(l.pack, &l.Covered[i], known) }

func covers(list *Pack, covered, known *File) bool {
	return known.SameAs(covered) && known.pack.number() <= list.number()
}

// The tables of lists. A list has one row in lists.
var (
	listsTable   = Table{Name: "lists", Columns: []Column{{"list", Text}, {"at", Text}}}
	coveredTable = Table{Name: "covered", Columns: append([]Column{{"path", Text}, {"etag", Text}, {"state", Text}}, Integers("size", "mtime_us", "footer")...)}
	repeatsTable = Table{Name: "repeats", Columns: Integers("covered", "hash", "row")}
	answersTable = Table{Name: "answers", Columns: []Column{{"answers", Bytes}}}
)

// listed is where a list is.
type listed struct {
	pack *Pack
	at   map[string][]Range
}

func listsOf(p *Pack) (map[string]listed, error) {
	n := p.Len(listsTable.Name)
	if n == 0 {
		return nil, nil
	}
	names, err := p.Texts(listsTable.Name, "list", 0, n)
	if err != nil {
		return nil, err
	}
	places, err := p.Texts(listsTable.Name, "at", 0, n)
	if err != nil {
		return nil, err
	}
	lists := map[string]listed{}
	for i, name := range names {
		at, err := placesOf(places[i])
		if err != nil {
			return nil, DamagedError{Pack: p.path, Err: err}
		}
		lists[name] = listed{p, at}
	}
	return lists, nil
}

// List gives the newest list of a name; nil for none.
func (d *Dir) List(name string) (*List, error) {
	at, known := d.listed(name)
	if !known {
		return nil, nil
	}
	r := at.reader()
	l := &List{pack: at.pack, Files: r.integers(repeatsTable.Name, "covered"), Hashes: r.integers(repeatsTable.Name, "hash"), Rows: r.integers(repeatsTable.Name, "row")}
	answers := r.texts(answersTable.Name, "answers")
	if r.err != nil {
		return nil, r.err
	}
	l.Answers = strings.Join(answers, "")
	var err error
	if l.Covered, err = coveredBy(at); err != nil {
		return nil, err
	}
	for _, file := range l.Files {
		if file < 0 || file >= int64(len(l.Covered)) {
			return nil, DamagedError{Pack: at.pack.path, Err: fmt.Errorf("a list of repeats names file %d of %d", file, len(l.Covered))}
		}
	}
	return l, nil
}

// listed finds the newest list of a name.
func (d *Dir) listed(name string) (listed, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, known := d.lists[name]
	return at, known
}

func (l listed) reader() *reader { return &reader{file: &File{Path: "a list", At: l.at, pack: l.pack}} }

// coveredBy are the files that a list covers.
func coveredBy(l listed) ([]File, error) {
	r := l.reader()
	paths, etags, states := r.texts(coveredTable.Name, "path"), r.texts(coveredTable.Name, "etag"), r.texts(coveredTable.Name, "state")
	sizes, mtimes, footers := r.integers(coveredTable.Name, "size"), r.integers(coveredTable.Name, "mtime_us"), r.integers(coveredTable.Name, "footer")
	if r.err != nil {
		return nil, r.err
	}
	covered := make([]File, len(paths))
	for i := range paths {
		covered[i] = File{Path: paths[i], ETag: etags[i], State: states[i], Size: sizes[i], ModTime: times.Instant(mtimes[i]), Footer: uint64(footers[i])}
	}
	return covered, nil
}

// SetList keeps a list in the pack of this run.
func (d *Dir) SetList(name string, l List) {
	at := map[string][]Range{}
	if len(l.Files) > 0 {
		at[repeatsTable.Name] = []Range{d.Append(repeatsTable, Rows{l.Files, l.Hashes, l.Rows})}
	}
	if l.Answers != "" {
		at[answersTable.Name] = []Range{d.Append(answersTable, Rows{[]string{l.Answers}})}
	}
	d.setList(name, l.Covered, at)
}

// setList keeps a list of files, of which rows of tables were kept already.
func (d *Dir) setList(name string, covered []File, at map[string][]Range) {
	var paths, etags, states []string
	var sizes, mtimes, footers []int64
	for i := range covered {
		f := &covered[i]
		paths, etags, states = append(paths, f.Path), append(etags, f.ETag), append(states, f.State)
		sizes, mtimes, footers = append(sizes, f.Size), append(mtimes, int64(f.ModTime)), append(footers, int64(f.Footer))
	}
	at = maps.Clone(at)
	at[coveredTable.Name] = []Range{d.Append(coveredTable, Rows{paths, etags, states, sizes, mtimes, footers})}
	d.Number()
	d.Append(listsTable, Rows{[]string{name}, []string{placed(at)}})
}

// reader reads tables of a file; the first error stays.
type reader struct {
	file *File
	err  error
}

func (r *reader) integers(table, column string) []int64 {
	if r.err != nil {
		return nil
	}
	var values []int64
	values, r.err = r.file.Integers(table, column)
	return values
}

func (r *reader) texts(table, column string) []string {
	if r.err != nil {
		return nil
	}
	var values []string
	values, r.err = r.file.Texts(table, column)
	return values
}

// SameAs says that two are the same file in the same state.
func (f *File) SameAs(o *File) bool {
	return f.Path == o.Path && f.Size == o.Size && f.ModTime == o.ModTime && f.ETag == o.ETag && f.Footer == o.Footer && f.State == o.State
}
