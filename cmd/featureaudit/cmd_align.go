package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/align"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/survey"
)

const alignAbout = `Writes a copy of the views that a report has corrections for: event_time shifted as the report says, aware UTC in
microseconds, each row in the partition of its corrected time, and source_lag in seconds as a new column. All else is kept,
and proved equal by reading the copy back. Nothing is changed in place: --out-dir must be empty or not there. Files stand
below it as below the config file's folder: with the config copied beside them, run --view NAME audits the copy of a view,
once what the config says of reading its event_time (zone, unit, format) is taken out there. Other views are not copied.

Rows whose offset is only statistical are corrected with --accept statistical, and else copied and listed.`

func cmdAlign(ctx context.Context, c *cli, args []string) (int, error) {
	var f definitionFlags
	flags := newFlags("align")
	reportPath := flags.String("report", "", "the report whose corrections are made (json, of run)")
	dir := flags.String("out-dir", "", "the folder to write the copy to; it must be empty or not there")
	accept := flags.StringArray("accept", nil, "evidence to correct by beside arithmetic: statistical")
	views := flags.StringArray("view", nil, "copy this view only (repeatable)")
	f.add(flags)
	if err := c.parse(flags, "align --report REPORT --out-dir DIR [REF...] [flags]", alignAbout, args); err != nil {
		return 0, err
	}
	if *reportPath == "" || *dir == "" {
		return 0, usagef("--report and --out-dir are both needed: featureaudit align --report report.json --out-dir DIR")
	}
	for _, word := range *accept {
		if err := oneOf("accept", word, "statistical"); err != nil {
			return 0, err
		}
	}
	r, err := c.readReport(*reportPath)
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
	a := aligner{report: r, accept: len(*accept) > 0, out: c.stdout, now: c.now()}
	err = a.run(ctx, loaded.Views, *views, *dir)
	if errors.Is(err, align.ErrNotEmpty) {
		err = usage(err)
	}
	return exitOK, err
}

// aligner makes the corrected copy of some views.
type aligner struct {
	report report.Report
	accept bool
	out    io.Writer
	now    time.Time
}

func (a aligner) run(ctx context.Context, views []model.View, picks []string, dir string) error {
	if err := align.CheckTarget(dir); err != nil {
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
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make the folder that holds %s: %w", dir, err)
	}
	temp, err := os.MkdirTemp(parent, ".featureaudit-align-")
	if err != nil {
		return fmt.Errorf("make a folder beside %s: %w", dir, err)
	}
	defer os.RemoveAll(temp)
	var done []align.Done
	for _, v := range wanted {
		d, err := a.view(ctx, v, temp)
		if err != nil {
			return fmt.Errorf("view %s: %w", v.Name, err)
		}
		done = append(done, d)
	}
	if err := place(temp, dir); err != nil {
		return err
	}
	for i, v := range wanted {
		a.tell(v.Name, done[i])
	}
	fmt.Fprintf(a.out, "written to %s\n", dir)
	return nil
}

// place moves a finished copy to where it was asked for.
func place(temp, dir string) error {
	if err := os.Remove(dir); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("put the copy at %s: %w", dir, err)
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return fmt.Errorf("put the copy at %s: %w", dir, err)
	}
	if err := os.Rename(temp, dir); err != nil {
		return fmt.Errorf("put the copy at %s: %w", dir, err)
	}
	return nil
}

func (a aligner) corrections(view string) []report.Correction {
	return slices.DeleteFunc(slices.Clone(a.report.Corrections), func(c report.Correction) bool { return c.View != view })
}

func (a aligner) view(ctx context.Context, v model.View, temp string) (align.Done, error) {
	st := local.New()
	listing, resolved, _, err := survey.Plan(ctx, st, v, a.now, partition.Range{})
	if err != nil {
		return align.Done{}, err
	}
	surveyed, err := survey.Survey(ctx, st, listing, survey.RolesOf(resolved), runtime.GOMAXPROCS(0), nil)
	if err != nil {
		return align.Done{}, err
	}
	corrections := a.corrections(v.Name)
	for _, c := range corrections {
		if !slices.ContainsFunc(surveyed.Files, func(file facts.File) bool { return file.Path == c.File }) {
			return align.Done{}, fmt.Errorf("the report corrects %s, which is not among the view's files any more: run the audit again", c.File)
		}
	}
	return align.Copy(ctx, align.Options{View: resolved, Survey: surveyed, Corrections: corrections, AcceptStatistical: a.accept, Dir: temp, Prefix: prefixOf(v, listing.Root)})
}

// prefixOf is where a view's files stand below the config file's folder, or the view's name where they stand elsewhere.
func prefixOf(v model.View, root string) string {
	rel, err := filepath.Rel(v.Root, root)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return v.Name
	}
	return filepath.ToSlash(rel)
}

func (a aligner) tell(view string, d align.Done) {
	fmt.Fprintf(a.out, "%s: %d rows of %d files copied to %d files and proved equal; %d rows shifted, %d rows moved to another partition\n",
		view, d.Rows, d.Files, d.Written, d.Shifted, d.Moved)
	for _, l := range d.Left {
		fmt.Fprintf(a.out, "  not corrected: %s", l.File)
		if l.Source != "" {
			fmt.Fprintf(a.out, ", source %s", l.Source)
		}
		fmt.Fprintf(a.out, ": about %d rows, %s; --accept statistical corrects them\n", l.Rows, l.Why)
	}
}
