package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/history"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// runGrace is how long an interrupted audit may take to hand over its partial report before one without results is
// written in its place: the whole program must be gone within two seconds.
const runGrace = 1500 * time.Millisecond

const runAbout = `Audits the views of a config file (REF, default ./featureaudit.yaml), a registry, a Feast repository or a folder, or with --path
one view without a config. The report says for every view and check what was found.`

// runFlags are the flags of run as written.
type runFlags struct {
	definitionFlags
	remember   memoryFlags
	facts      factsFlags
	engine     engineFlags
	asOf       string
	span       string
	views      []string
	checks     []string
	out        outFlags
	failOn     string
	summary    string
	memory     string
	tempDir    string
	stage      string
	threads    int
	rowsLimit  int
	samples    int
	hashKey    string
	skipEmpty  bool
	missing    []string
	log        logFlags
	summarySet bool
	quiet      bool
	// alone says that no engine runs beside the program, which then has all of the memory.
	alone bool
}

func addRunFlags(flags *pflag.FlagSet, f *runFlags) {
	f.definitionFlags.add(flags)
	flags.StringVar(&f.asOf, "as-of", "", "judge from this instant: RFC 3339 or a date (default: the end of --range, else now)")
	flags.StringVar(&f.span, "range", "", "audit the partitions A..B only, both included (2026-11-01..2026-11-03)")
	flags.StringArrayVar(&f.views, "view", nil, "audit this view only (repeatable)")
	flags.StringArrayVar(&f.checks, "check", nil, "run this check only (repeatable)")
	f.out.add(flags, runFormats())
	f.remember.add(flags)
	f.facts.add(flags)
	f.engine.add(flags)
	flags.StringVar(&f.failOn, "fail-on", "error", "exit 1 at findings of this severity: error, warn or never")
	flags.StringVar(&f.summary, "summary", "text", "summary at the end of stdout: text, json (one line) or none (the default where an output goes to stdout)")
	flags.BoolVar(&f.quiet, "quiet", false, "print errors only: no summary, no progress, no other log")
	f.addMemory(flags)
	addStageLimit(flags, &f.stage)
	flags.IntVar(&f.threads, "threads", 0, "threads to scan with (default: the CPU quota)")
	flags.IntVar(&f.rowsLimit, "rows-limit", 100_000, "write at most N rows with --out duplicates=PATH or rows=PATH (.parquet or .csv)")
	flags.IntVar(&f.samples, "samples", 0, "show up to N values of key and entity columns in findings (default: none; sensitive ones are hashed or numbered)")
	addHashKey(flags, &f.hashKey)
	flags.BoolVar(&f.skipEmpty, "skip-empty", false, "exit 99 rather than 3 where there is nothing to audit")
	flags.StringArrayVar(&f.missing, "missing-view", nil, "a view without files is an error (error: exit 3, the default), or a failure of that view alone (fail); NAME=error, NAME=fail or NAME=warn for one view (repeatable)")
	f.log = addLogFlags(flags)
}

func cmdRun(ctx context.Context, c *cli, args []string) (int, error) {
	started := c.now()
	asked, err := c.askedRun(args)
	if err != nil {
		return 0, err
	}
	f, outs := asked.runFlags, asked.outs
	split := splitOutputs(outs)
	prog, err := c.progress(f.log)
	if err != nil {
		return 0, err
	}
	log := prog.log
	options, resolved, err := c.runOptions(ctx, f, asked.refs, started)
	if err != nil {
		return 0, err
	}
	for _, note := range slices.Concat(resolved.Notes, f.within(&options, split)) {
		log.Warn().Msg(note)
	}
	if options.Mask, err = c.mask(ctx, f.hashKey, options.Views); err != nil {
		return 0, err
	}
	remembered, err := c.memory(ctx, f.remember, resolved, outs, options.AsOf)
	if err != nil {
		return 0, err
	}
	options.Rank = remembered.rank(options.AsOf, options.Within())
	options.NameFindings = remembered.past != nil || slices.ContainsFunc(outs, func(o output) bool { return o.format == findingsFormat })
	if err := c.refuseInputs(ctx, outs, options.Views); err != nil {
		return 0, err
	}
	cluster, err := c.cluster(f.engine, resolved)
	if err != nil {
		return 0, err
	}
	defer closeCluster(cluster)
	if err := c.refuseFactsInTables(ctx, f.facts, resolved, cluster); err != nil {
		return 0, err
	}
	if options.Facts, err = c.factsIn(ctx, f.facts, resolved, outs, &options); err != nil {
		return 0, err
	}
	if options.Facts != nil {
		defer options.Facts.Close()
	}
	options.Paranoid = f.facts.paranoid
	if cluster != nil {
		if err := c.elsewhere(&options, cluster, split); err != nil {
			return 0, err
		}
	}
	removeScratch, err := c.scratch(&options)
	if err != nil {
		return 0, err
	}
	defer removeScratch()
	options.Log, options.Progress, options.Tool, options.Long = log, prog.note, toolVersions(ctx), true
	done, runErr := c.audit(ctx, f, options, prog)
	defer func() { _ = done.Close() }() // the space of long texts, once all is written
	done.Report.Execution = c.execution(started)
	e, l := &done.Report.Execution, done.Looked
	e.FilesRead, e.RowsRead, e.FilesKnown, e.RowsKnown, e.ReadBecause = l.FilesRead, l.RowsRead, l.FilesKnown, l.RowsKnown, l.Because
	e.Engine = used(cluster)
	return c.finishRun(ctx, log, finish{report: done.Report, long: done.Long, audit: done, options: options, err: runErr, outs: outs, threshold: asked.threshold, flags: f, memory: remembered})
}

// askedRun are the arguments of a run, held against each other.
type askedRun struct {
	runFlags
	refs      []string
	outs      []output
	threshold failOn
}

func (c *cli) askedRun(args []string) (asked askedRun, err error) {
	flags := newFlags("run")
	f := &asked.runFlags
	addRunFlags(flags, f)
	if err := c.parse(flags, "run [REF...] [flags]", runAbout, args); err != nil {
		return asked, err
	}
	asked.refs = flags.Args()
	f.summarySet = flags.Changed("summary")
	if f.quiet {
		f.summary, f.summarySet = quietSummary(flags, f.summary), true
		if !flags.Changed("log-level") {
			*f.log.level = "error"
		}
	}
	if asked.threshold, err = parseFailOn(f.failOn); err != nil {
		return asked, err
	}
	if err := oneOf("summary", f.summary, "text", "json", "none"); err != nil {
		return asked, err
	}
	asked.outs, err = f.out.outputs()
	return asked, err
}

// within fits rows and threads that were asked for into the memory limit, and says what does not fit.
func (f runFlags) within(options *audit.Options, outs outputsOf) (notes []string) {
	options.Samples = f.samples
	if len(outs.duplicates)+len(outs.rows) > 0 {
		var note string
		if options.RowsLimit, note = rowsWithin(f.rowsLimit, options.MemoryLimit); note != "" {
			notes = append(notes, note)
		}
		options.BadRows = len(outs.rows) > 0
	}
	if _, note := threadsWithin(f.wantedThreads(), options.MemoryLimit); note != "" {
		notes = append(notes, note)
	}
	return notes
}

// audit runs the audit while it shows how far it is.
func (c *cli) audit(ctx context.Context, f runFlags, options audit.Options, prog *progress) (audit.Audit, error) {
	// Rows are folded on the engine's threads. Were all processors taken by calls into the engine, the scheduler would look
	// for other work every few microseconds, and take these threads' time: one more keeps it asleep.
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), options.Threads+1))
	options.Log.Info().Time("as_of", options.AsOf).Int("views", len(options.Views)).Int("threads", options.Threads).
		Int64("memory_limit", options.MemoryLimit).Str("temp_dir", options.TempDir).Msg("audit starts")
	stop := func() {}
	prog.begin(viewsOfRun(options))
	if !f.quiet {
		stop = prog.show(c.stderrTerminal)
	}
	defer c.temps.hold()() // an interrupted audit hands over in runGrace, and its report is worth waiting for
	defer stop()
	return runAudit(ctx, options)
}

// scratch names the folder that the engine spills to, and gives what removes it.
func (c *cli) scratch(options *audit.Options) (remove func(), err error) {
	if options.EngineTempDir, err = engineScratch(options.TempDir); err != nil {
		return nil, err
	}
	c.temps.add(options.EngineTempDir, false)
	return func() { os.RemoveAll(options.EngineTempDir) }, nil
}

// auditAside audits for a command that is asked something else, within the limits of flags. Its error is why nothing could be looked
// at; that there is nothing to audit is none.
func (c *cli) auditAside(ctx context.Context, f runFlags, options audit.Options) (report.Report, error) {
	done, err := c.auditWholeAside(ctx, f, options)
	return done.Report, err
}

// auditWholeAside is auditAside with what else an audit gives.
func (c *cli) auditWholeAside(ctx context.Context, f runFlags, options audit.Options) (audit.Audit, error) {
	elsewhere, place := options.Adapters.Elsewhere, options.Adapters.Place
	options.Adapters, options.Tool, options.Log = c.adapters(), toolVersions(ctx), zerolog.Nop()
	options.Adapters.Elsewhere, options.Adapters.Place = elsewhere, place
	if err := f.limit(ctx, &options); err != nil {
		return audit.Audit{}, err
	}
	removeScratch, err := c.scratch(&options)
	if err != nil {
		return audit.Audit{}, err
	}
	defer removeScratch()
	done, err := runAudit(ctx, options)
	if cause := context.Cause(ctx); cause != nil {
		return audit.Audit{}, cause
	}
	if err != nil && !errors.Is(err, audit.ErrNothing) {
		return audit.Audit{}, auditError{err}
	}
	return done, nil
}

// auditError is what an audit aside failed with, where what was asked of it was sound.
type auditError struct{ error }

// Unwrap gives the cause.
func (e auditError) Unwrap() error { return e.error }

// engineScratch names a folder below the temporary one that the engine makes if it has to spill, and no sooner: so that
// even a killed run leaves nothing behind. It fails where nothing could be written.
func engineScratch(dir string) (string, error) {
	probe, err := os.CreateTemp(dir, "featureaudit-*")
	if err != nil {
		return "", fmt.Errorf("create a file to spill into: %w; set --temp-dir to a folder that this user can write to", err)
	}
	name := probe.Name()
	if err := errors.Join(probe.Close(), os.Remove(name)); err != nil {
		return "", fmt.Errorf("remove %s again: %w", name, err)
	}
	return name, nil
}

// runOptions turns flags and arguments into what the audit is asked to do, with notes for people on what is odd in them.
func (c *cli) runOptions(ctx context.Context, f runFlags, refs []string, started time.Time) (audit.Options, policy.Policy, error) {
	options := audit.Options{SelectViews: f.views, SelectChecks: f.checks, Adapters: c.adapters()}
	if err := f.limit(ctx, &options); err != nil {
		return options, policy.Policy{}, err
	}
	var within span
	var err error
	if f.span != "" {
		if within, err = parseRange(f.span); err != nil {
			return options, policy.Policy{}, err
		}
		options.RangeFrom, options.RangeTo = within.from, within.to
	}
	if f.asOf != "" {
		if options.AsOf, err = parseInstant("as-of", f.asOf); err != nil {
			return options, policy.Policy{}, err
		}
		options.AsOfGiven = true
	}
	loaded, err := c.load(ctx, f.definitionFlags, refs)
	if err != nil {
		return options, policy.Policy{}, err
	}
	options.Views, options.Suppressions, options.Consumers = loaded.Views, loaded.Suppressions, loaded.Consumers
	options.Definitions, options.ConfigDigest = loaded.read, loaded.Digest
	if err := cmp.Or(knownViews("--view", f.views, options.Views), knownChecks("--check", f.checks)); err != nil {
		return options, policy.Policy{}, err
	}
	if err := f.missingViews(&options); err != nil {
		return options, policy.Policy{}, err
	}
	switch {
	case options.AsOfGiven:
	case f.span != "":
		options.AsOf, err = within.end(options.Views)
	default:
		options.AsOf = started.UTC().Truncate(time.Microsecond)
	}
	return options, loaded.Policy, err
}

// missingViews sets what it means that a view has no files. Only a view that is named may be missing without a failure.
func (f runFlags) missingViews(options *audit.Options) error {
	options.MissingViews = map[string]evidence.Missing{}
	for _, text := range f.missing {
		name, word := "", text
		if i := strings.LastIndexByte(text, '='); i >= 0 {
			name, word = text[:i], text[i+1:]
		}
		meaning := evidence.Missing(word)
		switch {
		case name == "" && word != text, meaning != evidence.MissingIsError && meaning != evidence.MissingIsFailure && meaning != evidence.MissingIsWarning:
			return usagef("--missing-view %q: expected error or fail for all views, or NAME=error, NAME=fail or NAME=warn for one", text)
		case name == "" && meaning == evidence.MissingIsWarning:
			return usagef("--missing-view warn: only for a view that is named (--missing-view NAME=warn), since a mistyped path must not be green")
		case name == "" && options.Missing != "" && options.Missing != meaning:
			return usagef("--missing-view %s: %s is given too: keep one", word, options.Missing)
		case name == "":
			options.Missing = meaning
			continue
		}
		if err := knownViews("--missing-view", []string{name}, options.Views); err != nil {
			return err
		}
		if other, twice := options.MissingViews[name]; twice && other != meaning {
			return usagef("--missing-view %s: %s=%s is given too: keep one", text, name, other)
		}
		options.MissingViews[name] = meaning
	}
	return nil
}

// limit sets what the audit may use; what keeps to it ends with the context.
func (f runFlags) limit(ctx context.Context, options *audit.Options) error {
	switch {
	case f.threads < 0:
		return usagef("--threads %d: expected 1 or more (or 0 for the CPU quota)", f.threads)
	case f.samples < 0:
		return usagef("--samples %d: expected 0 or more", f.samples)
	case f.rowsLimit < 0:
		return usagef("--rows-limit %d: expected 0 or more", f.rowsLimit)
	}
	if err := localOnly(f.tempDir); f.tempDir != "" && err != nil {
		return fmt.Errorf("--temp-dir: %w", err)
	}
	memory, err := memoryLimit(f.memory, os.DirFS("/"))
	if err != nil {
		return err
	}
	options.MemoryLimit = memory
	if options.StageLimit, err = stageLimit(f.stage); err != nil {
		return err
	}
	options.Threads, _ = threadsWithin(f.wantedThreads(), memory)
	// the engine has a limit of its own; this one keeps the collector from letting garbage grow to twice what lives
	heap := look.HeapLimit(memory)
	if f.alone {
		heap = look.HeapLimitAlone(memory)
	}
	holdHeap(ctx, memory, heap)
	holdResident(ctx, memory)
	options.TempDir = cmp.Or(f.tempDir, os.TempDir())
	return nil
}

// wantedThreads are those of --threads, else as many as the CPU quota.
func (f runFlags) wantedThreads() int { return cmp.Or(f.threads, runtime.GOMAXPROCS(0)) }

// runAudit runs the audit and gives up on it runGrace after an interrupt: whatever still scans then ends with the process.
func runAudit(ctx context.Context, o audit.Options) (audit.Audit, error) {
	done := make(chan ended, 1)
	go func() { done <- protectedRun(ctx, o) }()
	var e ended
	select {
	case e = <-done:
	case <-ctx.Done():
		select {
		case e = <-done:
		case <-time.After(runGrace):
			e.err = context.Cause(ctx)
		}
	}
	if e.audit.Report.Schema == "" && ctx.Err() != nil {
		r, err := nothingJudged(o)
		return audit.Audit{Report: r}, cmp.Or(err, e.err)
	}
	return e.audit, e.err
}

// ended is what an audit left behind.
type ended struct {
	audit audit.Audit
	err   error
}

// protectedRun turns a panic into an error: the runtime's own exit code for it means a wrong command line here.
func protectedRun(ctx context.Context, o audit.Options) (e ended) {
	defer func() {
		if p := recover(); p != nil {
			o.Log.Error().Str("stack", string(debug.Stack())).Msg("panic")
			e.err = fmt.Errorf("internal error, please report it with the log: %v", p)
		}
	}()
	a, err := audit.Run(ctx, o)
	return ended{a, err}
}

// nothingJudged is the partial report of an audit that did not hand over its own in time.
func nothingJudged(o audit.Options) (report.Report, error) {
	within := ""
	if o.RangeFrom != "" {
		within = o.RangeFrom + ".." + o.RangeTo
	}
	return document.Build(document.Input{Catalogue: check.Reported(),
		Tool: o.Tool, AsOf: times.At(o.AsOf), Range: within, Status: report.Partial, ConfigDigest: o.ConfigDigest,
		Selection: report.Selection{Views: o.SelectViews, Checks: o.SelectChecks}, Definitions: o.Definitions,
	})
}

// finish is a run that has ended, in whatever way.
type finish struct {
	report report.Report
	// long is the report where its results are held in compact form, and report is all but these then; nil else.
	long      *report.Long
	audit     audit.Audit
	options   audit.Options
	err       error
	outs      []output
	threshold failOn
	flags     runFlags
	memory    memory
}

// finishRun writes what there is and decides the exit code. Its summary is the last thing written: a scheduler reads
// the last line of stdout and stderr together.
func (c *cli) finishRun(ctx context.Context, log zerolog.Logger, f finish) (int, error) {
	if f.report.Schema == "" {
		return c.nothingWritten(f)
	}
	options := render.Options{Words: catalogueWords, ReportPath: reportPath(f.outs)}
	memoryErr := f.tell()
	f.audit.Report, f.audit.Long = report.Report{}, nil // its findings by name stand in the one that was told
	split := splitOutputs(f.outs)
	writeErr := errors.Join(c.writeFinished(split.reports, f, options), c.writeDuplicates(split.duplicates, f.audit.Duplicates), f.audit.RowsErr, memoryErr)
	if f.audit.RowsErr == nil {
		writeErr = errors.Join(writeErr, c.writeRows(split.rows, f.audit.Rows))
	}
	notes := slices.Clone(f.audit.RowNotes)
	if memoryErr == nil {
		writeErr = errors.Join(writeErr, f.memory.keep(ctx, f, c.now()))
	}
	notes = append(notes, f.memory.notes()...)
	if facts := f.options.Facts; facts != nil {
		notes = append(notes, facts.NotUsed()...)
		log.Info().Int64("files_known", f.audit.Looked.FilesKnown).Int64("rows_known", f.audit.Looked.RowsKnown).
			Int64("files_read", f.audit.Looked.FilesRead).Int64("rows_read", f.audit.Looked.RowsRead).Msg("kept facts")
	}
	if f.audit.FactsErr != nil {
		notes = append(notes, f.audit.FactsErr.Error())
	}
	for _, note := range notes {
		log.Warn().Msg(note)
	}
	code, codeErr := f.code()
	writeErr = errors.Join(writeErr, codeErr)
	sig, interrupted := interruption(ctx)
	switch {
	case interrupted && f.report.Status == report.Complete:
		code = sig.code()
		log.Warn().Str("signal", sig.signal.String()).Msg("interrupted after the audit was done: the report is complete")
	case interrupted:
		code = sig.code()
		log.Warn().Str("signal", sig.signal.String()).Msg("interrupted: the report is partial")
	case errors.Is(f.err, audit.ErrNothing) && f.flags.skipEmpty && writeErr == nil:
		code = exitNothing
		log.Info().Msg("nothing to audit")
	case errors.Is(f.err, audit.ErrNothing) && code == exitFindings:
		log.Error().Msg("no view has a file")
	case f.err != nil:
		code = exitIncomplete
		log.Error().Err(f.err).Msg("audit not complete")
	}
	if writeErr != nil {
		log.Error().Err(writeErr).Msg("output not written")
		if !interrupted {
			code = exitIncomplete
		}
	}
	for _, out := range f.outs {
		if out.path != "" && writeErr == nil {
			log.Info().Str("format", out.format).Str("path", out.path).Msg("output written")
		}
	}
	log.Info().Str("outcome", string(f.report.Summary.Outcome)).Int("exit", code).Float64("seconds", f.report.Execution.ElapsedSeconds).
		Int64("peak_memory_bytes", f.report.Execution.PeakMemoryBytes).Msg("audit ends")
	return code, c.summarise(f, options)
}

// nothingWritten ends a run that has no report at all.
func (c *cli) nothingWritten(f finish) (int, error) {
	if errors.Is(f.err, audit.ErrNothing) && f.flags.skipEmpty {
		fmt.Fprintf(c.stderr, "featureaudit run: %s\n", cleanLines(f.err.Error()))
		return exitNothing, nil
	}
	if errors.Is(f.err, audit.ErrNothing) {
		return 0, fmt.Errorf("%w; check the paths and --view, or use --skip-empty where that is fine", f.err)
	}
	return 0, f.err
}

func (c *cli) summarise(f finish, o render.Options) error {
	kind := f.flags.summary
	if !f.flags.summarySet && hasStdout(f.outs) {
		kind = "none"
	}
	if kind == "none" {
		return nil
	}
	if kind == "json" && f.long != nil {
		return render.SummaryJSONOfLong(c.stdout, *f.long, o)
	}
	if kind == "json" {
		return render.SummaryJSON(c.stdout, f.report, o)
	}
	o.Color, o.Width, o.ReportPath = c.color(), c.textWidth(), fromHere(o.ReportPath)
	if f.long != nil {
		return render.TextOfLong(c.stdout, *f.long, o)
	}
	return render.Text(c.stdout, f.report, o)
}

// tell gives the report what is known of its findings.
func (f *finish) tell() error {
	if f.long == nil {
		told, err := f.memory.tell(f.report)
		if err == nil {
			f.report = told
		}
		return err
	}
	f.long.Rest = f.report // with its execution
	told, err := f.memory.tellLong(*f.long)
	if err == nil {
		f.long, f.report = &told, told.Rest
	}
	return err
}

// rows are those that a history keeps of the report.
func (f finish) rows() (iter.Seq2[history.Row, error], error) {
	if f.long == nil {
		return history.Rows(f.report)
	}
	return history.RowsOfLong(*f.long)
}

// code is the exit code that the results give.
func (f finish) code() (int, error) {
	if f.long == nil {
		return verdictCode(f.report.Status, f.memory.counted(f.report), f.threshold), nil
	}
	var v verdicts
	if !f.memory.newOnly {
		for _, h := range f.long.Held {
			v.add(h.Verdict())
		}
		return v.code(f.report.Status, f.threshold), nil
	}
	for one, err := range f.long.ByView() {
		if err != nil {
			return exitIncomplete, err
		}
		for _, res := range history.NewOnly(one.Results) {
			v.add(res)
		}
	}
	return v.code(f.report.Status, f.threshold), nil
}

// writeFinished writes the report of a run: a long one a view at a time, but for formats that want all of it as values.
func (c *cli) writeFinished(outs []output, f finish, o render.Options) error {
	if f.long == nil {
		return c.writeReport(outs, f.report, o)
	}
	var findings, streamed, others []output
	for _, out := range outs {
		if out.format == findingsFormat {
			findings = append(findings, out)
			continue
		}
		if format, known := render.Lookup(out.format); known && format.Long != nil {
			streamed = append(streamed, out)
			continue
		}
		others = append(others, out)
	}
	err := errors.Join(c.writeFindings(findings, f.rows), c.writeAll(streamed, func(w io.Writer, name string, color bool) error {
		format, _ := render.Lookup(name)
		return format.Long(w, *f.long, c.optionsFor(w, o, color))
	}))
	if len(others) == 0 {
		return err
	}
	whole, failed := f.long.Whole()
	if failed != nil {
		return errors.Join(err, failed)
	}
	return errors.Join(err, c.writeReport(others, whole, o))
}

// fromHere is a path as a command typed here would name it: relative where it lies below the working directory.
func fromHere(path string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	if below, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(below) {
		return below
	}
	return path
}

// viewsOfRun is how many views a run looks at.
func viewsOfRun(o audit.Options) int {
	if len(o.SelectViews) > 0 {
		return len(o.SelectViews)
	}
	return len(o.Views)
}

// quietSummary is what --quiet leaves of the summary: none, unless --summary asks for one.
func quietSummary(flags *pflag.FlagSet, summary string) string {
	if flags.Changed("summary") {
		return summary
	}
	return "none"
}

// execution is the block of the report that may differ between two runs on the same input.
func (c *cli) execution(started time.Time) report.Execution {
	finished := c.now()
	e := report.Execution{
		StartedAt: started.UTC().Format(time.RFC3339Nano), FinishedAt: finished.UTC().Format(time.RFC3339Nano),
		ElapsedSeconds: finished.Sub(started).Seconds(), PeakMemoryBytes: peakMemory(), Scheduler: map[string]string{},
	}
	if host, err := os.Hostname(); err == nil {
		e.Host = host
	}
	for name, value := range c.env {
		if strings.HasPrefix(name, "AIRFLOW_CTX_") {
			e.Scheduler[name] = value
		}
	}
	return e
}

// peakMemory is the largest resident size of the process in bytes. What the system says of resources counts the program too that
// started this one, where /proc tells it better.
func peakMemory() int64 {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			var kib int64
			if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
				return kib << 10
			}
		}
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) * 1024
}
