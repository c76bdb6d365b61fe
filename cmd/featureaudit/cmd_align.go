package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/align"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/store"
)

const alignAbout = `Writes a corrected copy of the views that a report has corrections for: event_time is shifted as the report says and stored as
UTC in microseconds, each row goes into the partition of its corrected time, and source_lag (in seconds) is a new column. All else
stays the same, which is proved by reading the copy back. Nothing is changed in place: --out-dir must be empty or not exist yet.
Other views are not copied.

Files lie below --out-dir as they lie below the config's folder. To audit the copy, copy the config there, remove what it says
about reading event_time (zone, unit, format), and run --view NAME. If align is killed, the next align to the same folder, or
align --clean DIR, removes what it left.

Rows whose offset is only statistical are copied as they are, and listed; with --accept statistical they are corrected too.

Files whose row groups do not fit into --memory-limit are cut into smaller ones in --temp-dir first, and so is their copy.`

func cmdAlign(ctx context.Context, c *cli, args []string) (int, error) {
	var f definitionFlags
	flags := newFlags("align")
	reportPath := flags.String("report", "", "the JSON report that holds the corrections")
	dir := flags.String("out-dir", "", "the folder to write the copy to; it must be empty or not exist yet")
	accept := flags.StringArray("accept", nil, "also correct by evidence of this kind: statistical (arithmetic is always taken)")
	views := flags.StringArray("view", nil, "copy this view only (repeatable)")
	clean := flags.String("clean", "", "remove what a killed align left in this folder or beside it, and do no more")
	hashKey := ""
	addHashKey(flags, &hashKey)
	within := runFlags{alone: true}
	within.addMemory(flags)
	f.add(flags)
	if err := c.parse(flags, "align --report REPORT --out-dir DIR [REF...] [flags]", alignAbout, args); err != nil {
		return 0, err
	}
	if *clean != "" {
		if inBucket(*clean) {
			return exitOK, c.cleanDistant(ctx, *clean)
		}
		if err := localOnly(*clean); err != nil {
			return 0, fmt.Errorf("--clean: %w", err)
		}
		return exitOK, c.cleanAligned(*clean)
	}
	if *reportPath == "" || *dir == "" {
		return 0, usagef("--report and --out-dir are both needed: featureaudit align --report report.json --out-dir DIR")
	}
	for _, word := range *accept {
		if err := oneOf("accept", word, "statistical"); err != nil {
			return 0, err
		}
	}
	var limits audit.Options
	if err := within.limit(ctx, &limits); err != nil {
		return 0, err
	}
	r, err := c.readReport(ctx, *reportPath)
	if err != nil {
		return 0, err
	}
	loaded, err := c.load(ctx, f, flags.Args())
	if err != nil {
		return 0, err
	}
	if err := knownViews("--view", *views, loaded.Views); err != nil {
		return 0, err
	}
	if r.Status != report.Complete {
		return 0, usagef("report %s is %s: its corrections may lack files; run the audit to its end first", *reportPath, r.Status)
	}
	if r.ConfigDigest != loaded.Digest {
		return 0, usagef("report %s was made by another config (%s, this one is %s): run the audit again with this config, or name the one that it was made by", *reportPath, r.ConfigDigest, loaded.Digest)
	}
	for _, v := range r.Views {
		if err := knownViews("views", []string{v.Name}, loaded.Views); err != nil {
			return 0, usagef("report %s: view %q is none of this config: name the config that the report was made by", *reportPath, v.Name)
		}
	}
	mask, err := c.mask(ctx, hashKey, loaded.Views)
	if err != nil {
		return 0, err
	}
	if _, err := absolute(*dir); err != nil {
		return 0, fmt.Errorf("--out-dir: %w", err)
	}
	a := aligner{report: r, mask: mask, accept: len(*accept) > 0, cli: c, out: c.stdout, now: c.now(), temps: c.temps,
		memory: alignShare(limits.MemoryLimit), tempDir: limits.TempDir}
	err = a.run(ctx, loaded.Views, *views, *dir)
	for _, wrong := range []error{align.ErrNotEmpty, align.ErrName, align.ErrCorrection, errIntoData} {
		if errors.Is(err, wrong) {
			return 0, usage(err)
		}
	}
	return exitOK, err
}

// errIntoData says that a copy would lie among the files of a view.
var errIntoData = errors.New("the copy would be read as data")

// aligner makes the corrected copy of some views.
type aligner struct {
	report report.Report
	mask   *sensitive.Mask
	accept bool
	cli    *cli
	out    io.Writer
	now    time.Time
	temps  *temporaries
	// memory is what rows under way may take, in bytes, and tempDir the folder for what does not fit.
	memory  int64
	tempDir string
}

// alignShare is what is left of a memory limit to the rows under way, beside the program.
func alignShare(limit int64) int64 { return look.HeapLimitAlone(limit) }

func (a aligner) run(ctx context.Context, views []model.View, picks []string, dir string) error {
	if err := a.checkTarget(ctx, dir); err != nil {
		return err
	}
	var wanted []model.View
	for _, v := range views {
		if picked(picks, v.Name) && len(a.corrections(v.Name)) > 0 {
			wanted = append(wanted, v)
		}
	}
	if len(wanted) == 0 {
		fmt.Fprintln(a.out, "nothing to correct: the report has no corrections for these views, so no copy is written")
		return nil
	}
	named := dir
	if inBucket(dir) {
		dir = strings.TrimSuffix(store.Bare(dir), "/")
	} else {
		dir = throughLinks(dir)
	}
	copies, err := a.plan(ctx, wanted)
	if err != nil {
		return err
	}
	if err := a.refuseIntoData(ctx, dir, copies, views); err != nil {
		return err
	}
	temp, err := a.growing(ctx, dir)
	if err != nil {
		return err
	}
	defer temp.remove()
	var done []align.Done
	for _, p := range copies {
		p.Dir = temp.folder()
		d, err := align.Copy(ctx, p)
		if err != nil {
			return fmt.Errorf("view %q: %w", p.View.Name, err)
		}
		done = append(done, d)
	}
	if err := temp.place(ctx, dir); err != nil {
		return err
	}
	for i, v := range wanted {
		a.tell(v.Name, done[i])
	}
	fmt.Fprintf(a.out, "written to %s\n", render.Clean(named))
	return nil
}

// growing is a copy under way: whole at its target in the end, or not there at all.
type growing interface {
	// folder is where the copy is written.
	folder() string
	place(ctx context.Context, target string) error
	remove()
}

func (a aligner) growing(ctx context.Context, target string) (growing, error) {
	if inBucket(target) {
		return newUpload(ctx, a.cli, target, a.tempDir)
	}
	return newAligning(target, a.now, a.temps)
}

// checkTarget refuses a target that holds anything.
func (a aligner) checkTarget(ctx context.Context, dir string) error {
	if inBucket(dir) {
		return a.cli.checkDistantTarget(ctx, dir)
	}
	return align.CheckTarget(dir)
}

func (a aligner) corrections(view string) []report.Correction {
	return slices.DeleteFunc(slices.Clone(a.report.Corrections), func(c report.Correction) bool { return c.View != view })
}

// plan lists the files of the views and reads their footers; nothing is written yet.
func (a aligner) plan(ctx context.Context, views []model.View) ([]align.Options, error) {
	var all []align.Options
	for _, v := range views {
		p, err := a.view(ctx, v)
		if err != nil {
			return nil, fmt.Errorf("view %q: %w", v.Name, err)
		}
		all = append(all, p)
	}
	return all, nil
}

func (a aligner) view(ctx context.Context, v model.View) (align.Options, error) {
	plan, footers, err := a.cli.footersOf(ctx, v, a.now)
	if err != nil {
		return align.Options{}, err
	}
	prefix, err := align.Prefix(v.Name, v.Root, plan.Listing.Root)
	if err != nil {
		return align.Options{}, err
	}
	corrections := a.corrections(v.Name)
	for _, c := range corrections {
		if !slices.ContainsFunc(footers.Survey.Files, func(file facts.File) bool { return file.Path == c.File }) {
			return align.Options{}, fmt.Errorf("the report corrects %s, which is not among the view's files any more: run the audit again", c.File)
		}
	}
	return align.Options{
		Store: wholeFiles{a.cli.stores, a.tempDir}, View: footers.View, Survey: footers.Survey, Corrections: corrections, AcceptStatistical: a.accept, Prefix: prefix,
		Report: a.report.ID, Mask: a.mask, HashKeyID: a.report.HashKeyID, Memory: a.memory, TempDir: a.tempDir,
	}, nil
}

// refuseIntoData refuses a target whose files an audit would read as data of a view of the config: beside their originals they
// would be repeats.
func (a aligner) refuseIntoData(ctx context.Context, dir string, copies []align.Options, views []model.View) error {
	for _, p := range copies {
		for _, f := range p.Survey.Files {
			name := store.Join(dir, path.Join(p.Prefix, f.Path))
			for _, v := range views {
				// files of one view are alike: another view's path takes in all of them, or is tried with the first
				if v.Name != p.View.Name && f.ID != p.Survey.Files[0].ID {
					continue
				}
				if v.Path == "" {
					continue
				}
				if claimed, err := a.cli.stores.claims(ctx, v.Root, v.Path, name); err == nil && claimed {
					return fmt.Errorf("%w: %s would be data of view %s, by its path %s, beside the original: choose a target outside of it", errIntoData, name, v.Name, v.Path)
				}
			}
		}
	}
	return nil
}

func (a aligner) tell(view string, d align.Done) {
	fmt.Fprintf(a.out, "%s: %d rows of %d files copied to %d files and proved equal; %d rows shifted, %d rows moved to another partition\n",
		render.Clean(view), d.Rows, d.Files, d.Written, d.Shifted, d.Moved)
	for _, l := range d.Left {
		fmt.Fprintf(a.out, "  not corrected: %s", render.Clean(l.File))
		if l.Source != "" {
			fmt.Fprintf(a.out, ", source %s", render.Clean(l.Source))
		}
		fmt.Fprintf(a.out, ": about %d rows, %s; --accept statistical corrects them\n", l.Rows, l.Why)
	}
}
