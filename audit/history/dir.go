package history

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
)

// partitionKey is the hive key of the folders: the day (UTC) of as_of.
const partitionKey = "date"

// maxFileBytes bounds what is read of one file: a run of a million findings is far below it.
const maxFileBytes = 1 << 30

// Past is what a history holds.
type Past struct {
	// NotUsed names, in sentences, the files that were not trusted, sorted by name.
	NotUsed []string

	// looks are what runs said, by scope, in the order of as_of.
	looks map[scope][]*look
	// numbers are those of findings by fingerprint: a history is held while views are judged, and a text for each run's finding is more
	// than the rest of it. Names are their fingerprints, and subjects their names packed, of the latest run that knows them.
	numbers  map[string]int32
	names    []string
	subjects []string
	// ages are those of the newest event of views, in the order of as_of.
	ages map[viewName][]age
	// sizes are how many rows views held, of runs that could read all of their files, in the order of as_of.
	sizes map[viewName][]size
}

// scope is what runs are compared within.
type scope struct{ project, view, check, within string }

type viewName struct{ project, view string }

// look is what one run said of one scope.
type look struct {
	run     Run
	outcome report.Outcome
	looked  bool
	// point is the result itself.
	point Point
	// found are the rows_bad of the findings that no suppression accepted, by their numbers.
	found map[int32]int64
}

type age struct {
	asOf    int64
	seconds float64
}

type size struct{ asOf, rows int64 }

// Open reads the history in a folder. A folder that is not there holds nothing. Files that are corrupt, foreign or of another release
// are named in NotUsed and left as they are; a folder that cannot be listed, and a file that cannot be read, are errors.
func Open(ctx context.Context, dir string) (*Past, error) {
	p := newPast()
	names, err := list(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		why, err := p.open(ctx, dir, name)
		if err != nil {
			return nil, err
		}
		if why != nil {
			p.NotUsed = append(p.NotUsed, fmt.Sprintf("%s: %v", filepath.ToSlash(name), why))
		}
	}
	for _, looks := range p.looks {
		slices.SortFunc(looks, func(a, b *look) int {
			return cmp.Or(cmp.Compare(a.run.AsOf, b.run.AsOf), cmp.Compare(a.run.Finished, b.run.Finished), cmp.Compare(a.run.ID, b.run.ID))
		})
	}
	return p, nil
}

// open takes in one file; why is what keeps it from being trusted. It is read twice, so that nothing is taken in of a file that turns out
// to be none, and its rows need not be held.
func (p *Past) open(ctx context.Context, dir, name string) (why, err error) {
	raw, why, err := fetch(dir, name)
	if why != nil || err != nil {
		return why, err
	}
	var run Run
	rows := 0
	if why := read(ctx, raw, func(r Row) { run, rows = r.Run, rows+1 }); why != nil {
		return why, nil
	}
	if rows > 0 && filepath.ToSlash(name) != run.path() {
		return fmt.Errorf("it is the file of another place, %s: it was copied or moved", run.path()), nil
	}
	return read(ctx, raw, p.adder()), nil
}

func newPast() *Past {
	return &Past{looks: map[scope][]*look{}, numbers: map[string]int32{}, ages: map[viewName][]age{}, sizes: map[viewName][]size{}}
}

// list names the files below a folder, relative to it and sorted; an unfinished file of a run that was killed is none of them.
func list(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if path == dir && errors.Is(err, fs.ErrNotExist) {
				return fs.SkipAll
			}
			return err
		}
		switch {
		case entry.IsDir() && isTemporary(entry.Name()):
			return fs.SkipDir // another run asks whether it may write: it may be gone by now
		case entry.IsDir(), isTemporary(entry.Name()):
			return nil
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", dir, err)
	}
	slices.Sort(names)
	return names, nil
}

// readOne reads one file; why is what keeps it from being trusted.
func readOne(ctx context.Context, dir, name string) (why, err error) {
	raw, why, err := fetch(dir, name)
	if why != nil || err != nil {
		return why, err
	}
	return read(ctx, raw, func(Row) {}), nil
}

// fetch gives the bytes of one file that is whole; why is what keeps it from being trusted.
func fetch(dir, name string) (raw []byte, why, err error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("it is a link to nothing"), nil
	case err != nil:
		return nil, nil, fmt.Errorf("history %s: %w", dir, err)
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file"), nil
	case info.Size() > maxFileBytes:
		return nil, fmt.Errorf("it has %d bytes, more than the file of any run", info.Size()), nil
	}
	if raw, err = os.ReadFile(path); err != nil {
		return nil, nil, fmt.Errorf("history %s: %w", dir, err)
	}
	return raw, admit(raw), nil
}

// number is that of a fingerprint, which it is given where it has none.
func (p *Past) number(fingerprint string) int32 {
	n, known := p.numbers[fingerprint]
	if !known {
		n = int32(len(p.names))
		p.numbers[fingerprint] = n
		p.names, p.subjects = append(p.names, fingerprint), append(p.subjects, "")
	}
	return n
}

// packed is a subject as one text, each part behind its length; that without a name is empty.
func packed(s report.Subject) string {
	if s == (report.Subject{}) {
		return ""
	}
	var text []byte
	for _, part := range []string{s.Partition, s.Source, s.File, s.Column, s.Object} {
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	return string(text)
}

// subject is the name of a finding by its number.
func (p *Past) subject(n int32) report.Subject {
	var s report.Subject
	rest := []byte(p.subjects[n])
	for _, part := range []*string{&s.Partition, &s.Source, &s.File, &s.Column, &s.Object} {
		length, size := binary.Uvarint(rest)
		if size <= 0 {
			return report.Subject{} // it has none
		}
		rest = rest[size:]
		*part, rest = string(rest[:length]), rest[length:]
	}
	return s
}

// adder takes in the rows of one run, in their order.
func (p *Past) adder() func(Row) {
	var at *look
	return func(r Row) {
		if r.Kind == kindResult {
			at = &look{run: r.Run, outcome: report.Outcome(r.Outcome), looked: r.Looked, point: pointOf(r), found: map[int32]int64{}}
			where := scopeOf(r.Run, r.Project, r.View, r.Check)
			p.looks[where] = append(p.looks[where], at)
			of := viewName{r.Project, r.View}
			if known := p.ages[of]; r.AgeSeconds != nil && r.Range == "" && (len(known) == 0 || known[len(known)-1].asOf != r.AsOf) {
				p.ages[of] = append(known, age{r.AsOf, *r.AgeSeconds})
			}
			if report.TellsOfFiles(r.Check) && r.Outcome == string(report.Pass) && r.Range == "" {
				p.sizes[of] = append(p.sizes[of], size{r.AsOf, r.ViewRows})
			}
			return
		}
		if at == nil || r.Fingerprint == "" {
			return
		}
		n := p.number(r.Fingerprint)
		if subject := packed(r.Subject); subject != "" && subject != p.subjects[n] {
			p.subjects[n] = subject // files come in the order of as_of
		}
		if r.Suppressed {
			return
		}
		at.found[n] = r.RowsBad
	}
}

// scopeOf is what a result is compared within: the same project, view, check and range. What is said of the whole run depends on what
// was selected, too.
func scopeOf(run Run, project, view, check string) scope {
	within := run.Range
	if view == "" {
		within += "; " + run.Selection
	}
	return scope{project, view, check, within}
}

// path is where the file of a run lies in the folder, with slashes.
func (r Run) path() string {
	at := time.UnixMicro(r.AsOf).UTC()
	return fmt.Sprintf("%s=%s/%s-%s.parquet", partitionKey, at.Format(time.DateOnly), at.Format("20060102T150405.000000Z"), r.ID)
}

// Write keeps the rows of a run in the folder, in one step: readers see the file of the run as it was, or as it is. It takes the place
// of an earlier run with the same ID, and of no file that is not one. Now is when it is written; what runs that were killed left
// unfinished an hour before is removed.
func Write(ctx context.Context, dir string, rows iter.Seq2[Row, error], now time.Time) error {
	name := ""
	for first, err := range rows {
		if err != nil {
			return fmt.Errorf("history %s: %w", dir, err)
		}
		name = first.path()
		break
	}
	if name == "" {
		return nil
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Lstat(path); err == nil {
		why, err := readOne(ctx, dir, filepath.FromSlash(name))
		if err = errors.Join(err, why); err != nil {
			return fmt.Errorf("history %s: %s is in the place of this run, and is not replaced: %w; move it away and run again", dir, name, err)
		}
	}
	raw, err := encode(rows)
	if err != nil {
		return fmt.Errorf("history %s: encode the run: %w", dir, err)
	}
	if err := Prepare(dir); err != nil {
		return err
	}
	tidy(dir, now)
	if err := os.Mkdir(filepath.Dir(path), 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("history %s: %w", dir, err)
	}
	if err := replace(dir, path, raw); err != nil {
		return fmt.Errorf("history %s: write %s: %w", dir, name, err)
	}
	return nil
}

// Prepare makes the folder, where its parent is there: a mistyped path must not begin a new history somewhere. It tells before a
// long run whether the history can be written at its end.
func Prepare(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("history %s: %w; create the folder that holds it first, or correct the path", dir, err)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("history %s: %w", dir, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("history %s: %w", dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("history %s: it is no folder", dir)
	}
	// a folder, which a query of everything in the history does not come across should this process end before it is removed
	probe := filepath.Join(dir, fmt.Sprintf("%s%016x%s", temporaryStart, rand.Uint64(), temporaryEnd))
	if err := os.Mkdir(probe, 0o777); err != nil {
		return fmt.Errorf("history %s: %w; give this user the right to write there", dir, err)
	}
	return os.Remove(probe)
}

// A file is written under a temporary name beside the folder, where a query of everything in the folder does not come across it, or
// in the folder where its neighbourhood cannot be written to. It is the same disk in both cases, or else the rename says so.
func replace(dir, path string, raw []byte) error {
	err := replaceFrom(filepath.Dir(absolute(dir)), path, raw)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EROFS) {
		err = replaceFrom(dir, path, raw)
	}
	return err
}

func replaceFrom(folder, path string, raw []byte) (err error) {
	f, err := createTemporary(folder)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	// that the name lasts is the folders' to know: the new one's in its parent, the file's in it
	return errors.Join(syncFolder(filepath.Dir(path)), syncFolder(filepath.Dir(filepath.Dir(path))))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

const (
	temporaryStart = ".featureaudit-history-"
	temporaryEnd   = ".tmp"
)

func isTemporary(name string) bool {
	return strings.HasPrefix(name, temporaryStart) && strings.HasSuffix(name, temporaryEnd)
}

func createTemporary(folder string) (*os.File, error) {
	for {
		name := filepath.Join(folder, fmt.Sprintf("%s%016x%s", temporaryStart, rand.Uint64(), temporaryEnd))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// tidy removes what killed runs left under temporary names. What cannot be removed stays: nobody reads it.
func tidy(dir string, now time.Time) {
	for _, folder := range []string{dir, filepath.Dir(absolute(dir))} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && isTemporary(e.Name()) && now.Sub(info.ModTime()) > time.Hour {
				_ = os.Remove(filepath.Join(folder, e.Name()))
			}
		}
	}
}

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// PathOf is where the file of a run of an instant (microseconds UTC) lies in a history, with slashes; its ID is left open.
func PathOf(asOf int64) string { return Run{AsOf: asOf, ID: strings.Repeat("0", 16)}.path() }
