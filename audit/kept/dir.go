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
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Dir is a folder of packs: what earlier runs learnt of files, and the pack that this run adds. It is safe for concurrent use.
type Dir struct {
	path string

	looks *Looks

	mu    sync.Mutex
	files map[fileOf]*File
	// lists are the newest of each name.
	lists map[string]listed
	packs []*Pack
	// notUsed names, in sentences, the packs that were not trusted.
	notUsed []string
	// begun is the pack of this run, nil before there is anything to write; failed is why there is none.
	begun  *Writer
	failed error
	added  int64
	// beside has a place for each function that may run beside the others, and later are those of Later.
	beside  chan struct{}
	running sync.WaitGroup
	later   []func()
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

// Prepare makes the folder, where its parent is there, for its owner alone: facts tell much of the data. It tells before a long run
// whether facts can be kept at its end, and removes what killed runs left two days before now.
func Prepare(path string, now time.Time) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("facts %s: %w; create the folder that holds it first, or correct the path", path, err)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
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
	tidy(filepath.Join(path, unfinishedFolder), now)
	return nil
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
		return fmt.Errorf("others may read it, and facts tell much of the data: %w", err)
	}
	return nil
}

// tidy removes what killed runs left. What cannot be removed stays: nobody reads it.
func tidy(unfinished string, now time.Time) {
	entries, err := os.ReadDir(unfinished)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > unfinishedFor {
			_ = os.RemoveAll(filepath.Join(unfinished, e.Name()))
		}
	}
}

// Open reads what is known in a folder that Prepare made. Packs that are damaged, foreign or of another release are named by NotUsed,
// and nothing of them is used. The error is the context's, or that of a folder that cannot be listed.
func Open(ctx context.Context, path string) (*Dir, error) {
	d := &Dir{path: path, files: map[fileOf]*File{}, lists: map[string]listed{}, looks: openLooks(path), beside: make(chan struct{}, mostBeside)}
	if err := d.looks.damaged; err != nil {
		d.notUsed = append(d.notUsed, "looks/"+reasonFor(err)+"; what changes in closed partitions is compared with this run from the next one on")
	}
	names, err := d.names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := context.Cause(ctx); err != nil {
			return nil, errors.Join(err, d.Close())
		}
		d.open(filepath.Join(path, packsFolder, name))
	}
	return d, nil
}

// names are the folders of packs, the oldest first.
func (d *Dir) names() ([]string, error) {
	names, err := packsIn(filepath.Join(d.path, packsFolder))
	if err != nil {
		return nil, fmt.Errorf("facts %s: %w", d.path, err)
	}
	return names, nil
}

// packsIn are the folders of packs in a folder, the oldest first.
func packsIn(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.SortFunc(names, func(a, b string) int {
		na, nb := numberOf(a), numberOf(b)
		if na != nb {
			return int(na - nb)
		}
		return cmpText(a, b)
	})
	return names, nil
}

// nameAfter is the name of a new pack beside others.
func nameAfter(names []string) string {
	number := int64(0)
	for _, name := range names {
		number = max(number, numberOf(name))
	}
	return fmt.Sprintf("%06d-%08x", number+1, rand.Uint32())
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

func (d *Dir) open(path string) {
	p, err := OpenPack(path)
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, new(DamagedError)) {
		return // another run has merged it meanwhile
	}
	var files []*File
	var lists map[string]listed
	if err == nil {
		files, err = filesOf(p)
	}
	if err == nil {
		lists, err = listsOf(p)
	}
	if err != nil {
		d.notUsed = append(d.notUsed, reasonOf(path, err))
		return
	}
	d.packs = append(d.packs, p)
	for _, f := range files {
		d.files[fileOf{f.Policy, f.Path}] = f // the newest counts
	}
	maps.Copy(d.lists, lists)
}

func reasonOf(path string, err error) string {
	var damaged DamagedError
	if errors.As(err, &damaged) {
		err = damaged.Err
	}
	return fmt.Sprintf("%s: %v; its files are read again", filepath.Base(path), err)
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

// Distrust forgets all that a pack says, and names it.
func (d *Dir) Distrust(e DamagedError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := reasonOf(e.Pack, e)
	if slices.Contains(d.notUsed, text) {
		return
	}
	d.notUsed = append(d.notUsed, text)
	for of, f := range d.files {
		if f.pack.path == e.Pack {
			delete(d.files, of)
		}
	}
	maps.DeleteFunc(d.lists, func(_ string, l listed) bool { return l.pack.path == e.Pack })
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
	w := d.writer()
	if w == nil {
		return Range{}
	}
	first, err := w.Append(t, rows)
	if err != nil {
		d.mu.Lock()
		d.failed = err
		d.mu.Unlock()
		return Range{}
	}
	return Range{first, int64(rows.len())}
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
		d.begun, d.failed = Create(filepath.Join(d.path, unfinishedFolder, fmt.Sprintf("%d-%016x", os.Getpid(), rand.Uint64())))
	}
	return d.begun
}

// Note is what a pack says of itself.
type Note struct {
	// By is the release that wrote it, AsOf the instant of its run.
	By   string        `json:"by"`
	AsOf times.Instant `json:"as_of_us"`
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
	names, err := d.names()
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	return d.wrap(w.Commit(filepath.Join(d.path, packsFolder, nameAfter(names)), note))
}

func (d *Dir) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("facts %s: nothing was kept of this run: %w", d.path, err)
}

// Close removes what was not committed.
func (d *Dir) Close() error {
	d.running.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.packs, d.files = nil, map[fileOf]*File{}
	w := d.begun
	if d.begun = nil; w == nil {
		return nil
	}
	return w.Abort()
}
