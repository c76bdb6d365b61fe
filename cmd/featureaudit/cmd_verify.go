package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
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
	var f verifyFlags
	flags := newFlags("verify")
	f.add(flags)
	if err := c.parse(flags, "verify --before BEFORE [--after AFTER] [flags]", verifyAbout, args); err != nil {
		return 0, err
	}
	var earlier *report.Report
	if f.repeat != "" {
		r, err := c.readReport(ctx, f.repeat)
		if err != nil {
			return 0, err
		}
		if r.Verification == nil {
			return 0, usagef("--repeat %s: it is no report of featureaudit verify", f.repeat)
		}
		earlier, f = &r, verifyFlags{}
		flags = newFlags("verify")
		f.add(flags)
		if err := c.parse(flags, "verify", verifyAbout, slices.Concat(r.Verification.Arguments, args)); err != nil {
			return 0, fmt.Errorf("--repeat: %w", err)
		}
	}
	if err := noArguments(flags); err != nil {
		return 0, err
	}
	if f.before == "" {
		return 0, usagef("--before: name the state before: a config, a folder of data, a snapshot, or a report")
	}
	if f.span != "" && f.expectRange != "" {
		return 0, usagef("--expect-range is for a verification without --range: what lies outside of --range may not change anyway")
	}
	threshold, err := parseFailOn(f.failOn)
	if err != nil {
		return 0, err
	}
	if f.quiet {
		f.summary = quietSummary(flags, f.summary)
		if !flags.Changed("log-level") {
			*f.log.level = "error"
		}
	}
	prog, err := c.progress(f.log)
	if err != nil {
		return 0, err
	}
	if err := oneOf("summary", f.summary, "text", "json", "none"); err != nil {
		return 0, err
	}
	outs, err := f.out.outputs()
	if err != nil {
		return 0, err
	}
	if f.publishPlan != "" && f.publishPlan != "-" {
		if f.publishPlan, err = absolute(f.publishPlan); err != nil {
			return 0, fmt.Errorf("--publish-plan: %w", err)
		}
	}
	if hasStdout(outs) && !flags.Changed("summary") {
		f.summary = "none"
	}
	asOf := times.At(started)
	if f.asOf != "" {
		at, err := parseInstant("as-of", f.asOf)
		if err != nil {
			return 0, err
		}
		asOf = times.At(at)
	}
	o, limits, base, closing, err := c.verification(ctx, f)
	defer closing()
	if err != nil {
		return 0, err
	}
	o.AsOf, o.Note = asOf, prog.note
	o.Verification = f.describe(o)
	if earlier != nil {
		o.Verified = verifiedBy(*earlier)
	}
	views := slices.Concat(o.Before.Views, o.After.Views)
	if o.Mask, err = c.mask(ctx, f.hashKey, views); err != nil {
		return 0, err
	}
	if err := c.refuseInputs(ctx, outs, views); err != nil {
		return 0, err
	}
	split := splitOutputs(outs)
	if f.rowsLimit < 0 {
		return 0, usagef("--rows-limit %d: expected 0 or more", f.rowsLimit)
	}
	if len(split.rows) > 0 {
		var note string
		if o.RowsLimit, note = rowsWithin(f.rowsLimit, limits.MemoryLimit); note != "" {
			o.RowNotes = append(o.RowNotes, note)
		}
	}
	if f.plan {
		return c.planVerification(ctx, o)
	}
	config := base.got.Policy
	config.Views = views
	o.Suppressions = config.Suppressions
	facts, err := c.contentFacts(ctx, f.facts, config, outs, &limits, asOf)
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
	prog.begin(len(o.After.Names()))
	stop := func() {}
	if !f.quiet {
		stop = prog.show(c.stderrTerminal)
	}
	r, err := verify.Run(ctx, o)
	stop()
	if tolerance := (verify.ToleranceError{}); errors.As(err, &tolerance) {
		return 0, usagef("--tolerance: %w", tolerance)
	}
	if unexpected := (verify.ExpectedRowsError{}); errors.As(err, &unexpected) {
		return 0, usagef("--expect-rows %s, %w", f.expectRows, unexpected)
	}
	if err != nil && context.Cause(ctx) == nil {
		return 0, err
	}
	r.Execution = c.execution(started)
	e := &r.Execution
	e.FilesRead, e.RowsRead, e.FilesKnown, e.RowsKnown = o.Tally.FilesRead(), o.Tally.RowsRead(), o.Tally.FilesKnown(), o.Tally.RowsKnown()
	for _, note := range slices.Concat(o.RowNotes, facts.commit()) {
		prog.log.Warn().Msg(note)
	}
	return c.finishVerification(ctx, f, o, r, split, threshold)
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

// describe is what the report says of the verification: enough to repeat it from any folder.
func (f verifyFlags) describe(o *verify.Options) report.Verification {
	v := report.Verification{Before: compared(o.Before), After: compared(o.After), ExpectRange: f.expectRange}
	add := func(name, value string) {
		if value != "" {
			v.Arguments = append(v.Arguments, "--"+name, value)
		}
	}
	abs := func(path string) string {
		if path == "" {
			return ""
		}
		if full, err := absolute(path); err == nil {
			return full
		}
		return path
	}
	add("before", abs(f.before))
	add("after", abs(f.after))
	add("config", abs(f.config))
	add("path", abs(f.path))
	add("name", f.name)
	add("event-time", f.eventTime)
	add("ingested-at", f.ingestedAt)
	add("ttl", f.ttl)
	for _, value := range f.key {
		add("key", value)
	}
	for _, value := range f.entity {
		add("entity", value)
	}
	for _, value := range f.set {
		add("set", value)
	}
	for _, value := range f.views {
		add("view", value)
	}
	for _, value := range f.tolerance {
		add("tolerance", value)
	}
	add("range", f.span)
	add("expect-range", f.expectRange)
	if _, err := strconv.ParseInt(f.expectRows, 10, 64); err == nil {
		add("expect-rows", f.expectRows)
	} else {
		add("expect-rows", abs(f.expectRows))
	}
	if f.path == "" && f.config == "" && f.after == "" {
		add("config", abs(defaultConfig))
	}
	return v
}

func compared(in verify.Input) report.Compared {
	one := report.Compared{Kind: string(in.Kind), Name: in.Name}
	switch {
	case in.Snapshot != nil:
		one.AsOf = in.Snapshot.AsOf.Time().Format("2006-01-02T15:04:05.999999Z07:00")
	case in.Report != nil:
		one.AsOf = in.Report.AsOf.Time().Format("2006-01-02T15:04:05.999999Z07:00")
	}
	return one
}

// verifiedBy are the content sums that a report proved, by view and partition: those of what was filled.
func verifiedBy(r report.Report) map[string]map[string]string {
	sums := map[string]map[string]string{}
	for _, v := range r.Views {
		sums[v.Name] = map[string]string{}
		for _, p := range v.Series {
			if p.Content != "" {
				sums[v.Name][p.Partition] = p.Content
			}
		}
	}
	return sums
}

// verification turns flags into what is to be compared. The function that it gives closes what was opened.
func (c *cli) verification(ctx context.Context, f verifyFlags) (o *verify.Options, limits audit.Options, named *base, closing func(), err error) {
	var open []io.Closer
	closing = func() {
		for _, one := range open {
			one.Close()
		}
	}
	named = &base{load: func() (loaded, error) { return c.load(ctx, f.definitionFlags, nil) }}
	o = &verify.Options{Views: f.views, Samples: f.samples, Paranoid: f.facts.paranoid, Tool: toolVersions(ctx)}
	f.alone = true
	if err := f.limit(ctx, &limits); err != nil {
		return o, limits, named, closing, err
	}
	limits.Adapters, limits.Tool, limits.Log = c.adapters(), o.Tool, zerolog.Nop()
	var near io.Closer
	o.Looker, near = c.lookerWithin(limits)
	o.Memory = limits.MemoryLimit / 4
	open = append(open, near)
	if o.Range, err = rangeOf("range", f.span); err != nil {
		return o, limits, named, closing, err
	}
	if o.Expect, err = rangeOf("expect-range", f.expectRange); err != nil {
		return o, limits, named, closing, err
	}
	if o.Tolerance, err = tolerances(f.tolerance); err != nil {
		return o, limits, named, closing, err
	}
	if o.ExpectRows, err = c.expectedRows(ctx, f.expectRows); err != nil {
		return o, limits, named, closing, err
	}
	if o.ExpectRows.Given() && f.span == "" {
		return o, limits, named, closing, usagef("--expect-rows is for the partitions of --range: name them")
	}
	if o.Before, err = c.side(ctx, "before", f.before, f, named, &open); err != nil {
		return o, limits, named, closing, err
	}
	if f.after == "" {
		now, err := named.views()
		if err != nil {
			return o, limits, named, closing, err
		}
		o.After = verify.Input{Kind: verify.Data, Name: "now", Views: now.Views, Digest: now.Digest}
	} else if o.After, err = c.side(ctx, "after", f.after, f, named, &open); err != nil {
		return o, limits, named, closing, err
	}
	return o, limits, named, closing, knownSides(f.views, o)
}

// knownSides refuses the name of a view that neither side has.
func knownSides(names []string, o *verify.Options) error {
	known := slices.Concat(o.Before.Names(), o.After.Names())
	slices.Sort(known)
	known = slices.Compact(known)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return usagef("--view %q: no such view; %sviews: %s", name, policy.DidYouMean(name, known), strings.Join(known, ", "))
		}
	}
	return nil
}

func rangeOf(flag, text string) (partition.Range, error) {
	if text == "" {
		return partition.Range{}, nil
	}
	from, to, err := policy.ParseRange(text)
	if err != nil {
		return partition.Range{}, usagef("--%s: %w", flag, err)
	}
	return partition.Range{From: from, To: to}, nil
}

func tolerances(specs []string) (map[string]float64, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	all := map[string]float64{}
	for _, spec := range specs {
		column, text, ok := strings.Cut(spec, "=")
		n, err := strconv.ParseFloat(text, 64)
		if !ok || column == "" || err != nil || !(n >= 0) || n > 1e300 {
			return nil, usagef("--tolerance %q: expected COLUMN=NUMBER, such as amount=0.01", spec)
		}
		all[column] = n
	}
	return all, nil
}

// expectedRows reads --expect-rows: a number for each partition, or a CSV file of partition,rows.
func (c *cli) expectedRows(ctx context.Context, text string) (expected verify.ExpectedRows, err error) {
	if text == "" {
		return expected, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n < 0 {
			return expected, usagef("--expect-rows %d: expected 0 or more", n)
		}
		return verify.ExpectedRows{Each: &n}, nil
	}
	raw, err := c.readInput(ctx, text)
	if err != nil {
		return expected, usagef("--expect-rows: %w; expected a number, or a CSV file of partition,rows", err)
	}
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(raw), "\ufeff")))
	reader.FieldsPerRecord = 2
	expected.By, expected.Lines = map[string]int64{}, map[string]int{}
	for first := true; ; first = false {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return expected, usagef("--expect-rows %s: %w; expected lines of partition,rows", text, err)
		}
		line, _ := reader.FieldPos(0)
		name, number := strings.TrimSpace(fields[0]), strings.TrimSpace(fields[1])
		n, err := strconv.ParseInt(number, 10, 64)
		switch _, twice := expected.By[name]; {
		case err != nil && first && !strings.ContainsAny(number, "0123456789"):
			continue // names of the columns
		case err != nil, n < 0:
			return expected, usagef("--expect-rows %s, line %d: %q is no number of rows; expected partition,rows", text, line, fields[1])
		case twice:
			return expected, usagef("--expect-rows %s, line %d: partition %q has a number already; expected one line for each", text, line, name)
		}
		expected.By[name], expected.Lines[name] = n, line
	}
	if len(expected.By) == 0 {
		return expected, usagef("--expect-rows %s: it has no line of partition,rows; expected one for each partition of the range", text)
	}
	return expected, nil
}

// base are the definitions that a folder of data is read by.
type base struct {
	load func() (loaded, error)
	done bool
	got  loaded
	err  error
}

func (b *base) views() (loaded, error) {
	if !b.done {
		b.done = true
		b.got, b.err = b.load()
	}
	return b.got, b.err
}

// side opens what --before or --after names.
func (c *cli) side(ctx context.Context, flag, name string, f verifyFlags, base *base, open *[]io.Closer) (verify.Input, error) {
	if ref, ok := tableRefOf(name); ok {
		in := verify.Input{Kind: verify.Data, Name: store.Bare(name)}
		named, err := base.views()
		if err != nil {
			return in, fmt.Errorf("--%s %s: it is a version of a table, and needs definitions (--config, or --path with its columns): %w", flag, name, err)
		}
		in.Views, err = c.atVersion(ref, named.Views, f.views)
		in.Digest = named.Digest
		return in, err
	}
	at, err := c.sidePlace(ctx, name)
	if err != nil {
		return verify.Input{}, fmt.Errorf("--%s: %w", flag, err)
	}
	config, err := c.asConfig(ctx, name)
	if err != nil {
		return verify.Input{}, fmt.Errorf("--%s: %w", flag, err)
	}
	in := verify.Input{Kind: verify.Data, Name: store.Bare(name)}
	switch {
	case at.folder && unpackedSnapshot(name):
		snapshot, err := verify.OpenSnapshot(name)
		in.Kind, in.Snapshot = verify.Snapshot, &snapshot
		return in, usage(err)
	case at.folder && config == "":
		named, err := base.views()
		if err != nil {
			return in, fmt.Errorf("--%s %s: it is a folder of data, and needs definitions (--config, or --path with its columns): %w", flag, name, err)
		}
		in.Views, err = c.movedTo(ctx, name, named.Views, f.views)
		in.Digest = named.Digest
		return in, err
	case config != "":
		named, err := c.load(ctx, definitionFlags{set: f.set}, []string{name})
		in.Views, in.Digest = named.Views, named.Digest
		if base.got.Facts == "" && !base.done {
			base.got.Dir, base.got.Facts, base.got.Suppressions = named.Dir, named.Facts, named.Suppressions
		}
		return in, err
	case c.namesReport(ctx, name):
		r, err := c.readReport(ctx, name)
		if err != nil {
			return in, err
		}
		at, err := parseInstant("as-of", r.AsOf)
		if err != nil {
			return in, err
		}
		side := verify.FromReport(name, r, times.At(at), func(text string) times.Instant {
			start, err := parseInstant("start", text)
			if err != nil {
				return times.None
			}
			return times.At(start)
		})
		in.Kind, in.Report = verify.Counts, &side
		return in, nil
	}
	path := name
	if inBucket(name) {
		if path, err = c.heldUpTo(ctx, name, math.MaxInt64); err != nil {
			return in, fmt.Errorf("--%s: %w", flag, err)
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return in, err
	}
	*open = append(*open, file)
	c.reads.add(name)
	info, err := file.Stat()
	if err != nil {
		return in, err
	}
	snapshot, err := verify.ReadSnapshot(store.Bare(name), file, info.Size())
	if err != nil {
		return in, usagef("--%s: %w, a config, a folder of data, or a report", flag, err)
	}
	in.Kind, in.Snapshot = verify.Snapshot, &snapshot
	return in, nil
}

// unpackedSnapshot says whether a folder is a snapshot's archive unpacked, and no folder of data.
func unpackedSnapshot(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "manifest.json"))
	_, noTable := os.Stat(filepath.Join(dir, "partitions.parquet"))
	return err == nil && noTable == nil
}

// sidePlace is what stands at the name of a side; nothing there is an error.
func (c *cli) sidePlace(ctx context.Context, name string) (placed, error) {
	if !inBucket(name) {
		if err := localOnly(name); err != nil {
			return placed{}, err
		}
		if _, err := os.Stat(name); err != nil {
			return placed{}, usagef("%w; expected a config, a folder of data, a snapshot, or a report", err)
		}
	}
	at, err := c.placed(ctx, name)
	if err == nil && at == (placed{}) {
		err = usagef("%s: there is no such object and no such folder; expected a config, a folder of data, a snapshot, or a report", store.Bare(name))
	}
	return at, err
}

// movedTo are views whose data lies in another folder: below it by the same paths, or where one view alone is meant all of it.
func (c *cli) movedTo(ctx context.Context, dir string, views []model.View, names []string) ([]model.View, error) {
	root, err := absolute(store.Bare(dir))
	if err != nil {
		return nil, err
	}
	var moved []model.View
	meant := selected(views, names)
	for _, v := range meant {
		fixed := v.Path
		if i := strings.IndexAny(fixed, "*?[{"); i >= 0 {
			fixed = fixed[:i]
		}
		if !strings.HasSuffix(fixed, "/") {
			fixed = filepath.Dir(fixed)
		}
		relative := !filepath.IsAbs(v.Path) && store.Scheme(v.Path) == ""
		below := placed{}
		if relative && filepath.Clean(fixed) != "." {
			if below, err = c.placed(ctx, store.Join(root, fixed)); err != nil && inBucket(root) {
				return nil, err
			}
		}
		switch {
		case below != (placed{}):
			v.Root = root
		case len(meant) == 1 && c.holdsTable(ctx, root):
			v.Root, v.Path = root, root
		case len(meant) == 1:
			v.Root, v.Path = root, "**/*.parquet"
		case filepath.Clean(fixed) == "." && relative:
			v.Root = root
		default:
			return nil, usagef("%s: it holds no %s, where the data of view %s would lie; name one view with --view if the folder is its own", dir, fixed, v.Name)
		}
		moved = append(moved, v)
	}
	return moved, nil
}

// AtOnce implements store.Distant.
func (n narrowed) AtOnce(abs string) int { return store.AtOnce(n.Store, abs) }

// narrowed is a store that lists some files only.
type narrowed struct {
	store.Store
	keep map[string]bool
}

// List lists those of the files that are kept.
func (n narrowed) List(ctx context.Context, base, glob string) (store.Listing, error) {
	l, err := n.Store.List(ctx, base, glob)
	l.Entries = slices.DeleteFunc(l.Entries, func(e store.Entry) bool { return !n.keep[e.Abs] })
	return l, err
}

// auditFiles runs the checks of an audit that tell what a backfill may bring over some files of a view.
func auditFiles(ctx context.Context, limits audit.Options, o *verify.Options, view model.View, keep map[string]bool) (verify.Audited, error) {
	options := limits
	options.Views, options.SelectChecks, options.Mask = []model.View{view}, verify.AuditChecks(), o.Mask
	options.AsOf, options.AsOfGiven, options.NameFindings, options.Uncovered = o.AsOf.Time(), true, true, true
	options.Adapters.Store = narrowed{options.Adapters.Store, keep}
	done, err := runAudit(ctx, options)
	if errors.Is(err, audit.ErrNothing) {
		err = nil
	}
	all := verify.Audited{Report: done.Report, Uncovered: map[string]verify.Uncovered{}}
	for _, u := range done.Uncovered {
		if u.Missing != "" {
			all.UncoveredMissing = u.Missing
			continue
		}
		all.Uncovered[u.Path] = verify.Uncovered{InNone: u.InNone, Late: u.Late, Ahead: u.Ahead}
	}
	return all, err
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
