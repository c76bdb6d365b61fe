package align

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/times"
)

// LagColumn is the name of the column that the copy has beside those of the original: ingested_at less the corrected
// event time, in seconds.
const LagColumn = "source_lag"

// Options are what one copy is made by.
type Options struct {
	// Store opens the files of the view.
	Store store.Store
	// View as it was audited, and its files with their footers read.
	View   model.View
	Survey facts.Survey
	// Corrections are those of the view, of the report.
	Corrections []report.Correction
	// AcceptStatistical corrects rows whose offset is only statistical too.
	AcceptStatistical bool
	// Dir is the folder that the copy is written below, and nothing outside of it. Prefix is where the view's files stand below
	// it, as Prefix makes it.
	Dir, Prefix string
	// Report is the id of the report that the corrections are of; the copy names it.
	Report string
	// Mask names sensitive sources as the report does, which was made with the key HashKeyID.
	Mask      *sensitive.Mask
	HashKeyID string
	// Memory is what the rows under way and the largest page may take, in bytes; 0 for any. Files whose row groups do not fit are read from
	// a copy in TempDir.
	Memory  int64
	TempDir string
}

// Done says what a copy holds.
type Done struct {
	Files, Written int
	Rows           int64
	// Shifted rows were corrected; Moved rows went to another partition.
	Shifted, Moved int64
	// Left are the corrections that were not made, with the rows that they would have had.
	Left []Left
}

// Left is a correction that was not made.
type Left struct {
	File, Source string
	Rows         int64
	Why          string
}

// ErrNotEmpty says that the target folder holds something already.
var ErrNotEmpty = errors.New("the target is not empty")

// CheckTarget refuses a target folder that holds anything, or that is not a folder.
func CheckTarget(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the target %s: %w", dir, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w: %s holds %s; name a new folder, nothing is ever overwritten", ErrNotEmpty, dir, entries[0].Name())
	}
	return nil
}

// Copy writes the corrected copy of a view below a folder that is the caller's own until it is renamed, and proves that every
// row is there with every other column unchanged.
func Copy(ctx context.Context, o Options) (Done, error) {
	c := copier{options: o, zones: timeZones{}, seed: maphash.MakeSeed(), taken: map[string]bool{}}
	if err := c.prepare(); err != nil {
		return c.done, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return c.done, err
	}
	var err error
	if c.root, err = os.OpenRoot(o.Dir); err != nil {
		return c.done, err
	}
	defer c.root.Close()
	for _, f := range o.Survey.Files {
		if err := ctx.Err(); err != nil {
			return c.done, context.Cause(ctx)
		}
		if f.Problem != nil {
			return c.done, fmt.Errorf("copy %s: it cannot be read: %s; a copy without it would lose its rows: repair it, or leave it out of the view's path", f.Path, f.Problem.Message)
		}
		if err := c.file(ctx, f); err != nil {
			return c.done, fmt.Errorf("copy %s: %w", f.Path, err)
		}
	}
	slices.SortFunc(c.done.Left, func(a, b Left) int { return strings.Compare(a.File+"\x00"+a.Source, b.File+"\x00"+b.Source) })
	return c.done, nil
}

type copier struct {
	options Options
	// root is Options.Dir, which no name leads out of.
	root    *os.Root
	folders *folders
	zones   timeZones
	seed    maphash.Seed
	// taken are the paths written so far, below the prefix.
	taken map[string]bool
	done  Done
}

func (c *copier) prepare() error {
	v := c.options.View
	if err := cmp.Or(checkCorrections(c.options), checkSources(c.options), checkTimesOfSources(c.options.View)); err != nil {
		return err
	}
	if !v.EventTime.Declared() {
		return fmt.Errorf("view %s has no event_time: there is nothing to correct", v.Name)
	}
	if v.TimePartition.Declared() && (v.TimePartition.Of == "" || v.TimePartition.Of == model.OfEventTime) {
		layout, err := partition.New(v.TimePartition)
		if err != nil {
			return err
		}
		f := newFolders(layout, c.options.Survey.Partitions)
		c.folders = &f
	}
	return nil
}

// rule is a correction of one file and source.
type rule struct {
	shift    int64
	from, to float64
	bounded  bool
}

func (r rule) covers(lag int64, known bool) bool {
	if !r.bounded {
		return true
	}
	seconds := times.Span(lag).Seconds()
	return known && seconds >= r.from && seconds < r.to
}

// rules are the shifts of a file by source; what is not to be made is listed.
func (c *copier) rules(file string) map[string][]rule {
	rules := map[string][]rule{}
	for _, correction := range c.options.Corrections {
		if correction.File != file || correction.ShiftSeconds == nil {
			continue
		}
		if correction.Evidence == report.Statistical && !c.options.AcceptStatistical {
			c.done.Left = append(c.done.Left, Left{File: file, Source: correction.Source, Rows: correction.Rows, Why: "its evidence is statistical only"})
			continue
		}
		r := rule{shift: *correction.ShiftSeconds * int64(times.Second)} // checkCorrections bounds it
		if correction.LagFromSeconds != nil && correction.LagToSeconds != nil {
			r.bounded, r.from, r.to = true, *correction.LagFromSeconds, *correction.LagToSeconds
		}
		rules[correction.Source] = append(rules[correction.Source], r)
	}
	return rules
}

// checkSources refuses corrections of sources whose names in the report cannot be told from the data.
func checkSources(o Options) error {
	if !sensitive.HidesSource(o.View) || !slices.ContainsFunc(o.Corrections, func(c report.Correction) bool { return c.Source != "" }) {
		return nil
	}
	switch {
	case o.HashKeyID == "":
		return fmt.Errorf("%w: the source of view %s (%s) is sensitive and the report numbers its values, so that nobody can tell which rows a correction is for: run the audit with --hash-key-file, and align with the same key",
			ErrCorrection, o.View.Name, o.View.Source.Column)
	case o.Mask.KeyID() != o.HashKeyID:
		return fmt.Errorf("%w: the source of view %s (%s) is sensitive and the report's values are hashed with the key %s: give that key with --hash-key-file",
			ErrCorrection, o.View.Name, o.View.Source.Column, o.HashKeyID)
	}
	return nil
}

// checkTimesOfSources refuses views whose rows say their source, and whose sources do not share one column that is read in one way:
// there is no one column to correct.
func checkTimesOfSources(v model.View) error {
	if v.Source.Column == "" {
		return nil
	}
	for _, s := range v.Sources {
		for _, t := range []struct {
			name          string
			ofView, ofOwn model.TimeColumn
		}{{"event_time", v.EventTime, s.EventTime}, {"ingested_at", v.IngestedAt, s.IngestedAt}} {
			if own := t.ofOwn; own.Declared() && (own.Column != t.ofView.Column || own.Unit != t.ofView.Unit || own.Format != t.ofView.Format) {
				return fmt.Errorf("view %s: one of its sources reads %s in a way of its own (column %q), and rows of several sources share a file: "+
					"align corrects one column of a file; give each source files of its own, with a path below sources", v.Name, t.name, own.Column)
			}
		}
	}
	return nil
}

// target is the path of the rows of a file that belong into a folder: the file's own, or one that says where they came from.
func (c *copier) target(f facts.File, folder string) (string, error) {
	own := f.Folder
	if folder == own {
		return c.free(f.Path), nil
	}
	// between slashes: another folder's name may hold the same text
	at := strings.LastIndex("/"+f.Path, "/"+own+"/")
	if own == "" || at < 0 {
		return "", fmt.Errorf("its path does not hold its partition %q, so that rows of %s have no place", own, folder)
	}
	moved := f.Path[:at] + folder + f.Path[at+len(own):]
	base := strings.TrimSuffix(path.Base(moved), path.Ext(moved))
	from := strings.NewReplacer("/", "-", "=", "-").Replace(own)
	return c.free(path.Join(path.Dir(moved), base+"-from-"+from+path.Ext(moved))), nil
}

// free is a path that nothing was written to yet.
func (c *copier) free(name string) string {
	free := name
	for n := 2; c.taken[free]; n++ {
		free = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, path.Ext(name)), n, path.Ext(name))
	}
	c.taken[free] = true
	return free
}

// below is the path of a file of the copy below the target.
func (c *copier) below(name string) string { return path.Join(c.options.Prefix, name) }
