package kept

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Dir is a folder of packs: what earlier runs learnt of files, and the pack that this run adds. It is safe for concurrent use.
type Dir struct {
	place  place
	looks  *Looks
	blocks blocks

	mu    sync.Mutex
	files map[fileOf]*File
	// lists are the newest of each name.
	lists map[string]listed
	// since is the highest number of the packs that were there.
	since int64
	// removed are the packs that are gone and that no run removed, the oldest first.
	removed []string
	// distrusted is the highest number of a damaged pack: what it said of files may have been said to correct older packs, so that none up
	// to it is trusted.
	distrusted int64
	// notUsed names, in sentences, the packs that were not trusted.
	notUsed []string
	// begun is the pack of this run, nil before there is anything to write; failed is why there is none.
	begun  *Writer
	failed error
	added  int64
	// corrects says that the pack of this run was made by one that trusted nothing.
	corrects bool
	// beside has a place for each function that may run beside the others, and later are those of Later.
	beside  chan struct{}
	running sync.WaitGroup
	later   []func()
	// heldPages are those of rows that were held.
	heldPages sparePages
	// footers are the newest files of which a footer is kept, by path, once somebody asked.
	footers map[string]*File
	// paths are those of files, once somebody asked, and dropped those of files that are not trusted.
	paths, dropped map[string]bool
}

// mostBeside is how many functions run beside the others.
const mostBeside = 2

// fileOf is whose facts are looked up.
type fileOf struct{ policy, path string }

const (
	packsFolder      = "packs"
	unfinishedFolder = "unfinished"
)

// ExamplePath is where a table lies in a folder of facts, with slashes.
const ExamplePath = packsFolder + "/000001-00000000/keys.parquet"

// unfinishedFor is how long a run may write a pack: what is older was left by one that was killed.
const unfinishedFor = 48 * time.Hour

// Folder is where facts are kept.
type Folder struct{ place place }

// Local is a folder of this machine.
func Local(path string) Folder { return Folder{localPlace{path: path}} }

// String is the folder's path, or its address without parameters.
func (f Folder) String() string { return f.place.text() }

// Prepare makes the folder, where its parent is there, for its owner alone: facts tell much of the data. It tells before a long run
// whether facts can be kept at its end, and removes what killed runs left two days before now. A folder that holds other things is refused, for
// its rights would be taken from whoever uses them.
func Prepare(path string, now time.Time) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("facts %s: %w; create the folder that holds it first, or correct the path", path, err)
	}
	if errors.Is(err, fs.ErrExist) {
		err = ofItsOwn(path)
	} else if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w; name a folder that this user may write to", err)
	}
	if err != nil {
		return fmt.Errorf("facts %s: %w", path, err)
	}
	for _, name := range []string{packsFolder, unfinishedFolder} {
		if err := os.Mkdir(filepath.Join(path, name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("facts %s: %w; name a folder that this user may write to", path, err)
		}
	}
	if err := noOthers(path); err != nil {
		return fmt.Errorf("facts %s: %w", path, err)
	}
	_, _ = localPlace{path: path}.leftovers(now.Add(-unfinishedFor)) // what cannot be removed stays: nobody reads it
	return nil
}

// UnfitError is a path that is there and cannot be a folder of facts: no retry cures it.
type UnfitError struct{ Reason string }

func (e UnfitError) Error() string { return e.Reason }

// ofItsOwn says what is wrong with a folder that is there: it holds other things, and no facts yet.
func ofItsOwn(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, syscall.ENOTDIR) {
		return UnfitError{"it is no folder: name another"}
	}
	if err != nil {
		return fmt.Errorf("%w; name a folder that this user may read and write", err)
	}
	other := ""
	for _, e := range entries {
		switch name := e.Name(); {
		case name == packsFolder:
			return nil
		case name != unfinishedFolder && name != looksFolder && name != "lost+found" && !strings.HasPrefix(name, "."):
			other = name
		}
	}
	if other == "" {
		return nil
	}
	return UnfitError{fmt.Sprintf("it holds other things, such as %s, and facts are kept in a folder of their own, which nobody but its owner may read: name a new one, such as %s",
		other, filepath.Join(path, "facts"))}
}

// noOthers takes the rights of others away where a folder was made by somebody else, for instance by mkdir.
func noOthers(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return errors.New("it is no folder")
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return fmt.Errorf("others may read it, and facts tell much of the data: %w; name a folder below it, which is then made for this user alone", err)
	}
	return nil
}

// Open reads what is known in a folder that Prepare made. Packs that are damaged, foreign or of another release are named by NotUsed,
// and nothing of them is used; nor is what is older than a damaged one, for that may have been kept to correct it. The error is the
// context's, or that of a folder that cannot be listed.
func Open(ctx context.Context, path string) (*Dir, error) { return Local(path).Open(ctx) }

// Open is the function Open for any folder.
func (f Folder) Open(ctx context.Context) (*Dir, error) {
	d := &Dir{place: f.place, files: map[fileOf]*File{}, dropped: map[string]bool{}, lists: map[string]listed{}, looks: openLooks(f.place), beside: make(chan struct{}, mostBeside)}
	if err := d.looks.damaged; err != nil {
		d.notUsed = append(d.notUsed, "looks/"+reasonFor(err)+"; what changes in closed partitions is compared with this run from the next one on")
	}
	for _, err := range d.looks.foreign {
		d.notUsed = append(d.notUsed, "looks/"+reasonFor(err))
	}
	marked, err := f.place.marks()
	if err != nil {
		return nil, fmt.Errorf("facts %s: %w", f.place.text(), err)
	}
	packs, err := openAll(ctx, f.place, packsFolder, d.openPack)
	if err != nil {
		return nil, fmt.Errorf("facts %s: %w", f.place.text(), err)
	}
	if d.removed, err = removedOf(f.place, marked, namesOf(packs)); err != nil {
		return nil, fmt.Errorf("facts %s: %w", f.place.text(), err)
	}
	for _, name := range d.removed {
		packs = append(packs, opened{name: name, err: removedPack(f.place, name)})
	}
	var all []said
	for _, p := range packs {
		d.since = max(d.since, numberOf(p.name))
		if p.err == nil {
			all = append(all, said{p.pack, p.files, p.lists})
		}
	}
	for _, p := range packs {
		d.take(p, all)
	}
	d.forget()
	return d, nil
}

// openAll opens the packs of a kind, the oldest first. Where one is gone meanwhile, what it held is in a newer one: all are opened again.
func openAll[T any](ctx context.Context, in place, kind string, open func(name string) (T, error)) ([]T, error) {
	const tries = 20
	for try := 1; ; try++ {
		names, err := in.packs(kind)
		if err != nil {
			return nil, err
		}
		in.ahead(kind, names)
		var all []T
		for _, name := range names {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			one, err := open(name)
			if errors.Is(err, errGone) {
				break
			}
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
		if len(all) == len(names) {
			return all, nil
		}
		if try == tries {
			return nil, errors.New("packs go while they are opened, again and again: run again when no other run merges or prunes them")
		}
	}
}

// opened is a pack with what it knows, or why it is not used.
type opened struct {
	name  string
	pack  *Pack
	files []*File
	lists map[string]listed
	err   error
}

func namesOf(packs []opened) []string {
	names := make([]string, len(packs))
	for i := range packs {
		names[i] = packs[i].name
	}
	return names
}

func (d *Dir) openPack(name string) (opened, error) {
	o := opened{name: name}
	if o.pack, o.err = openPack(d.place, d.place.pack(packsFolder, name), &d.blocks); o.err == nil {
		o.files, o.err = filesOf(o.pack)
	}
	if o.err == nil {
		o.lists, o.err = listsOf(o.pack)
	}
	if errors.Is(o.err, errGone) {
		return o, o.err
	}
	return o, nil
}

// take takes over what a pack knows, beside others. The newest of a file counts.
func (d *Dir) take(o opened, all []said) {
	if o.err != nil {
		d.notUsed = append(d.notUsed, reasonOf(o.name, o.err))
		if !foreign(o.name, o.err) {
			d.distrusted = max(d.distrusted, numberOf(o.name))
		}
		return
	}
	s := counting(said{o.pack, o.files, o.lists}, all)
	for _, f := range s.files {
		d.files[fileOf{f.Policy, f.Path}] = f
	}
	maps.Copy(d.lists, s.lists)
}

// forget drops what is not trusted.
func (d *Dir) forget() {
	d.footers = nil
	maps.DeleteFunc(d.files, func(of fileOf, f *File) bool {
		if f.pack.number() > d.distrusted {
			return false
		}
		d.dropped[of.path] = true
		return true
	})
	maps.DeleteFunc(d.lists, func(_ string, l listed) bool { return l.pack.number() <= d.distrusted })
}

// foreign says that a pack is none of this release's format, by its name or by what its manifest says.
func foreign(name string, err error) bool {
	return !ours.MatchString(name) || errors.As(err, new(otherFormatError))
}

func reasonOf(pack string, err error) string {
	return fmt.Sprintf("%s: %s; its files are read again", filepath.Base(pack), Reason(err))
}

// reasonFor names a pack of looks with what is wrong with it.
func reasonFor(err error) string {
	var damaged DamagedError
	if errors.As(err, &damaged) {
		return filepath.Base(damaged.Pack) + ": " + damaged.Err.Error()
	}
	return err.Error()
}

// Looks remembers which files views had.
func (d *Dir) Looks() *Looks { return d.looks }

// Find gives what is known of a file under a policy, whether or not it is still the same file; nil for nothing.
func (d *Dir) Find(policy, path string) *File {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[fileOf{policy, path}]
}

// Traces says what there is of a path of which Find knows nothing: facts under another policy, or facts that are not trusted for a pack
// is damaged.
func (d *Dir) Traces(path string) (otherPolicy, distrusted bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.paths == nil {
		d.paths = map[string]bool{}
		for of, f := range d.files {
			if !f.Verified() {
				d.paths[of.path] = true
			}
		}
	}
	// what a damaged pack knew nobody can tell: it may have known this one
	return d.paths[path], d.dropped[path] || d.distrusted > 0 && !d.paths[path]
}

// Distrust forgets all that a pack says, and what older ones say, and names it.
func (d *Dir) Distrust(e DamagedError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := reasonOf(e.Pack, e)
	if slices.Contains(d.notUsed, text) {
		return
	}
	d.notUsed = append(d.notUsed, text)
	d.distrusted = max(d.distrusted, numberOf(filepath.Base(e.Pack)))
	d.forget()
}

// NotUsed names, in sentences, the packs that were not trusted.
func (d *Dir) NotUsed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(slices.Values(d.notUsed))
}

// Append adds rows to a table of the pack of this run, as Writer.Append does. Where nothing can be written, nothing is: Commit says
// why, and no look is the worse for it.
func (d *Dir) Append(t Table, rows Rows) Range {
	return d.append(rows.len(), func(w *Writer) (int64, error) { return w.Append(t, rows) })
}

// append has so many rows written, and says where they are.
func (d *Dir) append(rows int, write func(w *Writer) (first int64, err error)) Range {
	w := d.writer()
	if w == nil {
		return Range{}
	}
	first, err := write(w)
	if err != nil {
		d.fail(err)
		return Range{}
	}
	return Range{first, int64(rows)}
}

// fail says that nothing more can be written.
func (d *Dir) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = err
}

// Failed says that nothing can be written: what is to be kept need not be made.
func (d *Dir) Failed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed != nil
}

// Beside calls what has rows appended, beside the caller where few others are under way, so that what waits to be written takes little
// memory. It is safe to be called beside others.
func (d *Dir) Beside(write func()) {
	select {
	case d.beside <- struct{}{}:
	default:
		write()
		return
	}
	d.running.Add(1)
	go func() {
		defer d.running.Done()
		write()
		<-d.beside
	}()
}

// Wait waits for what was called beside, which may read what its caller holds.
func (d *Dir) Wait() { d.running.Wait() }

// Later calls a function when the pack of this run is committed, in the order in which they came.
func (d *Dir) Later(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.later = append(d.later, do)
}

// settle waits for what is written beside, and does what was put off.
func (d *Dir) settle() {
	d.running.Wait()
	d.mu.Lock()
	later := d.later
	d.later = nil
	d.mu.Unlock()
	for _, do := range later {
		do()
	}
}

// Number gives a file of the pack of this run its number, by which rows of other tables may name it.
func (d *Dir) Number() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.added++
	return d.added - 1
}

// Add says what the pack of this run knows of a file.
func (d *Dir) Add(number int64, f *File) { d.Append(filesTable, f.row(number)) }

func (d *Dir) writer() *Writer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed != nil {
		return nil
	}
	if d.begun == nil {
		d.begun, d.failed = d.place.begin("")
	}
	return d.begun
}

// Note is what a pack says of itself.
type Note struct {
	// By is the release that wrote it, AsOf the instant of its run.
	By   string        `json:"by"`
	AsOf times.Instant `json:"as_of_us"`
	// HashKeyID tells with which key hashes of sensitive columns are hidden; empty without one. A merged pack may have several, with commas
	// between.
	HashKeyID string `json:"hash_key_id,omitempty"`
	// Paranoid says that the run trusted no kept fact: what it says of a file corrects what packs say that knew nothing of it.
	Paranoid bool `json:"paranoid,omitempty"`
	// Since is the highest number of the packs that the run knew, nil in those of earlier releases. Commit sets it.
	Since *int64 `json:"since,omitempty"`
}

// Commit gives the pack of this run its place. The error is the disk's, and costs what was to be kept of this run only.
func (d *Dir) Commit(note Note) error {
	d.settle()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.begun == nil {
		return d.wrap(d.failed)
	}
	w := d.begun
	d.begun = nil
	if d.failed != nil || d.added == 0 {
		return d.wrap(errors.Join(d.failed, w.Abort()))
	}
	names, err := d.place.packs(packsFolder)
	if err != nil {
		return d.wrap(errors.Join(err, w.Abort()))
	}
	note.Since, d.corrects = &d.since, note.Paranoid
	if _, err = commitPack(d.place, w, numberAfter(slices.Concat(names, d.removed)), note); err == nil {
		_ = settleRemoved(d.place, d.removed, names) // what is left is told of once more
	}
	return d.wrap(err)
}

func (d *Dir) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("facts %s: nothing was kept of this run: %w", d.place.text(), err)
}

// Close removes what was not committed.
func (d *Dir) Close() error {
	d.running.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files = map[fileOf]*File{}
	w := d.begun
	if d.begun = nil; w == nil {
		return d.place.close()
	}
	return errors.Join(w.Abort(), d.place.close())
}
