package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/rs/zerolog"
	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/verify"
)

const verifyAbout = `Compares the views before and after a backfill: is it complete, is it correct, did it touch anything else? BEFORE and AFTER are a
config, a folder of data, a version of a table (TABLE@VERSION), a snapshot (see featureaudit snapshot) or a report of run, which has counts
alone; AFTER is the config as it is now where it is not named. Without --range the partitions that changed are taken for the backfill. No file is ever moved.`

// verifyFlags are the flags of verify as written.
type verifyFlags struct {
	runFlags
	before, after string
	expectRange   string
	expectRows    string
	tolerance     []string
	plan          bool
	publishPlan   string
	repeat        string
}

func (f *verifyFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.before, "before", "", "the state before: a config, a folder of data, a snapshot, or a report")
	flags.StringVar(&f.after, "after", "", "the state after (default: the config as it is now)")
	flags.StringVar(&f.span, "range", "", "the partitions A..B that were filled, both included (2026-11-01..2026-11-03)")
	flags.StringVar(&f.expectRange, "expect-range", "", "without --range: no partition outside of A..B may change")
	flags.StringVar(&f.expectRows, "expect-rows", "", "the rows that each partition of the range must have: a number, or a CSV file of partition,rows")
	flags.StringArrayVar(&f.tolerance, "tolerance", nil, "floating numbers of a column that differ by no more are the same: COLUMN=NUMBER (repeatable)")
	flags.IntVar(&f.samples, "samples", 0, "show up to so many changed rows of a partition (default: none; sensitive values are hashed or numbered)")
	f.facts.addTo(flags, contentFacts, "trust no kept sum, and read partitions too whose files are the very same by name, size, time and footer")
	flags.BoolVar(&f.plan, "plan", false, "say from footers alone which partitions, files, rows and bytes would be read")
	flags.StringVar(&f.publishPlan, "publish-plan", "", "write which files of AFTER replace which of BEFORE, as CSV; nothing is moved")
	flags.StringVar(&f.repeat, "repeat", "", "verify again as the report in this file did, and whether what it proved still holds")
	f.definitionFlags.add(flags)
	flags.StringArrayVar(&f.views, "view", nil, "this view only (repeatable)")
	flags.StringVar(&f.asOf, "as-of", "", "the instant that open partitions are told by: RFC 3339 or a date (default: now)")
	f.out.add(flags, verifyFormats())
	flags.IntVar(&f.rowsLimit, "rows-limit", 100_000, "write at most N rows with --out rows=PATH (.parquet or .csv)")
	flags.StringVar(&f.failOn, "fail-on", "error", "exit 1 at findings of this severity: error, warn or never")
	flags.StringVar(&f.summary, "summary", "text", "summary at the end of stdout: text, json (one line) or none (the default where an output goes to stdout)")
	flags.BoolVar(&f.quiet, "quiet", false, "print errors only: no summary, no log")
	f.log = addLogFlags(flags)
	addHashKey(flags, &f.hashKey)
	f.addLimits(flags)
}

func cmdVerify(ctx context.Context, c *cli, args []string) (int, error) {
	started := c.now()
	asked, err := c.askedVerification(ctx, args)
	if err != nil {
		return 0, err
	}
	f := asked.verifyFlags
	prog, err := c.progress(f.log)
	if err != nil {
		return 0, err
	}
	asOf := times.At(started)
	if f.asOf != "" {
		at, err := parseInstant("as-of", f.asOf)
		if err != nil {
			return 0, err
		}
		asOf = times.At(at)
	}
	o, limits, sides, err := c.verification(ctx, f)
	defer sides.close()
	if err != nil {
		return 0, err
	}
	o.AsOf, o.Note = asOf, prog.note
	o.Verification = f.describe(o)
	if asked.earlier != nil {
		o.Verified = verifiedBy(*asked.earlier)
	}
	views := slices.Concat(o.Before.Views, o.After.Views)
	if o.Mask, err = c.mask(ctx, f.hashKey, views); err != nil {
		return 0, err
	}
	if err := c.refuseInputs(ctx, asked.outs, views); err != nil {
		return 0, err
	}
	split := splitOutputs(asked.outs)
	if len(split.rows) > 0 {
		var note string
		if o.RowsLimit, note = rowsWithin(f.rowsLimit, limits.MemoryLimit); note != "" {
			o.RowNotes = append(o.RowNotes, note)
		}
	}
	if f.plan {
		return c.planVerification(ctx, o)
	}
	config := sides.named.got.Policy
	config.Views = views
	o.Suppressions = config.Suppressions
	facts, err := c.contentFacts(ctx, f.facts, config, asked.outs, &limits, asOf)
	if err != nil {
		return 0, err
	}
	defer facts.close()
	o.Content = facts.memory
	removeScratch, err := c.scratch(&limits)
	if err != nil {
		return 0, err
	}
	defer removeScratch()
	o.Audit = func(ctx context.Context, view model.View, files map[string]bool) (verify.Audited, error) {
		return auditFiles(ctx, limits, o, view, files)
	}
	r, err := c.verify(ctx, f, o, prog)
	if err != nil {
		return 0, err
	}
	r.Execution = c.execution(started)
	e := &r.Execution
	e.FilesRead, e.RowsRead, e.FilesKnown, e.RowsKnown = o.Tally.FilesRead(), o.Tally.RowsRead(), o.Tally.FilesKnown(), o.Tally.RowsKnown()
	for _, note := range slices.Concat(o.RowNotes, facts.commit()) {
		prog.log.Warn().Msg(note)
	}
	return c.finishVerification(ctx, f, o, r, split, asked.threshold)
}

// askedVerification are the arguments of a verify, held against each other.
type askedVerification struct {
	verifyFlags
	earlier   *report.Report // what --repeat names
	outs      []output
	threshold failOn
}

func (c *cli) askedVerification(ctx context.Context, args []string) (asked askedVerification, err error) {
	flags := newFlags("verify")
	f := &asked.verifyFlags
	f.add(flags)
	if err := c.parse(flags, "verify --before BEFORE [--after AFTER] [flags]", verifyAbout, args); err != nil {
		return asked, err
	}
	if f.repeat != "" {
		r, err := c.readReport(ctx, f.repeat)
		if err != nil {
			return asked, err
		}
		if r.Verification == nil {
			return asked, usagef("--repeat %s: it is no report of featureaudit verify", f.repeat)
		}
		asked.earlier, asked.verifyFlags = &r, verifyFlags{}
		flags = newFlags("verify")
		f.add(flags)
		if err := c.parse(flags, "verify", verifyAbout, slices.Concat(r.Verification.Arguments, args)); err != nil {
			return asked, fmt.Errorf("--repeat: %w", err)
		}
	}
	if err := noArguments(flags); err != nil {
		return asked, err
	}
	switch {
	case f.before == "":
		return asked, usagef("--before: name the state before: a config, a folder of data, a snapshot, or a report")
	case f.span != "" && f.expectRange != "":
		return asked, usagef("--expect-range is for a verification without --range: what lies outside of --range may not change anyway")
	case f.rowsLimit < 0:
		return asked, usagef("--rows-limit %d: expected 0 or more", f.rowsLimit)
	}
	if asked.threshold, err = parseFailOn(f.failOn); err != nil {
		return asked, err
	}
	if f.quiet {
		f.summary = quietSummary(flags, f.summary)
		if !flags.Changed("log-level") {
			*f.log.level = "error"
		}
	}
	if err := oneOf("summary", f.summary, "text", "json", "none"); err != nil {
		return asked, err
	}
	if asked.outs, err = f.out.outputs(); err != nil {
		return asked, err
	}
	if f.publishPlan != "" && f.publishPlan != "-" {
		if f.publishPlan, err = absolute(f.publishPlan); err != nil {
			return asked, fmt.Errorf("--publish-plan: %w", err)
		}
	}
	if hasStdout(asked.outs) && !flags.Changed("summary") {
		f.summary = "none"
	}
	return asked, nil
}

// verify compares while it shows how far it is. An interrupted one has what it found so far.
func (c *cli) verify(ctx context.Context, f verifyFlags, o *verify.Options, prog *progress) (report.Report, error) {
	prog.begin(len(o.After.Names()))
	stop := func() {}
	if !f.quiet {
		stop = prog.show(c.stderrTerminal)
	}
	r, err := verify.Run(ctx, o)
	stop()
	if tolerance := (verify.ToleranceError{}); errors.As(err, &tolerance) {
		return r, usagef("--tolerance: %w", tolerance)
	}
	if unexpected := (verify.ExpectedRowsError{}); errors.As(err, &unexpected) {
		return r, usagef("--expect-rows %s, %w", f.expectRows, unexpected)
	}
	if err != nil && context.Cause(ctx) == nil {
		return r, err
	}
	return r, nil
}

// finishVerification writes what there is and decides the exit code.
func (c *cli) finishVerification(ctx context.Context, f verifyFlags, o *verify.Options, r report.Report, outs outputsOf, threshold failOn) (int, error) {
	if r.Schema == "" {
		return 0, context.Cause(ctx)
	}
	options := render.Options{Words: catalogueWords, ReportPath: reportPath(outs.reports)}
	code := verdictCode(r.Status, r.Results, threshold)
	if r.Summary.NothingToAudit {
		code = exitIncomplete
	}
	if sig, interrupted := interruption(ctx); interrupted {
		code = sig.code()
	}
	err := errors.Join(c.writeReport(outs.reports, r, options), c.writeRows(outs.rows, o.Rows))
	if err == nil && f.publishPlan != "" {
		err = c.publishPlan(ctx, f.publishPlan, o, r)
	}
	if err != nil {
		return 0, err
	}
	switch f.summary {
	case "text":
		options.Color, options.Width = c.color(), c.textWidth()
		return code, render.Text(c.stdout, r, options)
	case "json":
		return code, render.SummaryJSON(c.stdout, r, options)
	}
	return code, nil
}

// verification turns flags into what is to be compared. The sides that it gives are to be closed, with an error too.
func (c *cli) verification(ctx context.Context, f verifyFlags) (o *verify.Options, limits audit.Options, s *sides, err error) {
	s = &sides{c: c, flags: f, named: &base{load: func() (loaded, error) { return c.load(ctx, f.definitionFlags, nil) }}}
	o = &verify.Options{Views: f.views, Samples: f.samples, Paranoid: f.facts.paranoid, Tool: toolVersions(ctx)}
	f.alone = true
	if err := f.limit(ctx, &limits); err != nil {
		return o, limits, s, err
	}
	limits.Adapters, limits.Tool, limits.Log = c.adapters(), o.Tool, zerolog.Nop()
	var near io.Closer
	o.Looker, near = c.lookerWithin(limits)
	o.Memory = limits.MemoryLimit / 4
	s.files = append(s.files, near)
	if err := c.expectations(ctx, f, o); err != nil {
		return o, limits, s, err
	}
	if o.Before, err = s.open(ctx, "before", f.before); err != nil {
		return o, limits, s, err
	}
	if f.after != "" {
		o.After, err = s.open(ctx, "after", f.after)
	} else {
		var now loaded
		now, err = s.named.views()
		o.After = verify.Input{Kind: verify.Data, Name: "now", Views: now.Views, Digest: now.Digest}
	}
	if err != nil {
		return o, limits, s, err
	}
	return o, limits, s, knownSides(f.views, o)
}

// planVerification prints what would be read.
func (c *cli) planVerification(ctx context.Context, o *verify.Options) (int, error) {
	plans, err := verify.Plan(ctx, o)
	if err != nil {
		return 0, err
	}
	code := exitOK
	for _, p := range plans {
		if p.Problem != "" {
			fmt.Fprintf(c.stdout, "%s  %s: %s\n", render.Clean(p.View), p.Side, render.Clean(p.Problem))
			code = exitIncomplete
			continue
		}
		fmt.Fprintf(c.stdout, "%s  %s: %d of %d partitions, %d files, %d rows, %d bytes to read\n", render.Clean(p.View), p.Side, p.Partitions, p.Of, p.Files, p.Rows, p.Bytes)
	}
	return code, nil
}

// publishPlan writes which files replace which, as CSV.
func (c *cli) publishPlan(ctx context.Context, path string, o *verify.Options, r report.Report) error {
	lines, err := verify.PublishPlan(ctx, o, r)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error {
		out := csv.NewWriter(w)
		return cmp.Or(out.Write([]string{"view", "partition", "action", "file_after", "file_before"}), out.WriteAll(lines))
	}
	if path == "-" {
		return write(c.stdout)
	}
	return c.writeFile(path, write)
}
