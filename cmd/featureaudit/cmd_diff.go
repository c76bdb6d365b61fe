package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/load"
	"github.com/featureaudit/featureaudit/audit/render"
)

const diffAbout = `Compares two sets of definitions and judges what changed, for example before a migration. OLD and NEW are anything that the
definitions command reads, or two versions of a table (TABLE@VERSION), whose columns and properties are compared. A line under suppress: in the config accepts a finding, for a reason and until a date.`

// judgeFlags are the flags that diff and lint share.
type ruleFlags struct {
	consumer string
	failOn   string
	config   string
	asOf     string
	summary  string
	quiet    bool
	out      outFlags
}

func (f *ruleFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.consumer, "for", "", "judge for one kind of consumer: training, serving or storage (default: the strictest)")
	flags.StringVar(&f.failOn, "fail-on", "error", "exit 1 at findings of this severity: error, warn or never")
	flags.StringVar(&f.config, "config", "", "take suppress: and consumers: from this config (default: ./featureaudit.yaml if it exists)")
	flags.StringVar(&f.asOf, "as-of", "", "the instant at which suppressions are judged (default: now)")
	flags.BoolVar(&f.quiet, "quiet", false, "print no summary: the exit code is the answer")
	flags.StringVar(&f.summary, "summary", "text", "summary at the end of stdout: text, json (one line) or none (the default where an output goes to stdout)")
	f.out.add(flags, diffFormats())
}

// judging is what the flags ask for, checked.
type judging struct {
	policy diff.Policy
	// config is the one whose suppressions and consumers count; nil without one.
	config    *policy.File
	threshold failOn
	outs      []output
	summary   string
}

func (c *cli) judging(ctx context.Context, f ruleFlags, flags *pflag.FlagSet) (judging, error) {
	var j judging
	var err error
	if f.consumer != "" {
		if err := oneOf("for", f.consumer, diff.Consumers()...); err != nil {
			return j, err
		}
	}
	if f.quiet {
		f.summary = quietSummary(flags, f.summary)
	}
	if err := oneOf("summary", f.summary, "text", "json", "none"); err != nil {
		return j, err
	}
	if j.threshold, err = parseFailOn(f.failOn); err != nil {
		return j, err
	}
	if j.outs, err = f.out.outputs(); err != nil {
		return j, err
	}
	j.summary = f.summary
	if hasStdout(j.outs) && !flags.Changed("summary") {
		j.summary = "none"
	}
	j.policy = diff.Policy{For: f.consumer, AsOf: c.now()}
	if f.asOf != "" {
		if j.policy.AsOf, err = parseInstant("as-of", f.asOf); err != nil {
			return j, err
		}
	}
	return j, j.approvals(ctx, c, f.config)
}

// approvals reads suppressions and consumers of the config that is named, or of the default one where it is there.
func (j *judging) approvals(ctx context.Context, c *cli, path string) error {
	if path == "" {
		if _, err := os.Stat(defaultConfig); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		path = defaultConfig
	}
	file, err := c.approvalsFile(ctx, path)
	if err != nil {
		return err
	}
	j.policy.Suppressions, j.policy.Consumers, j.config = file.Suppressions, file.Consumers, file
	if !filepath.IsAbs(path) && !inBucket(path) { // findings are located where a pull request shows them
		for i := range j.policy.Suppressions {
			s := &j.policy.Suppressions[i]
			s.Origin = filepath.ToSlash(filepath.Join(filepath.Dir(path), s.Origin))
		}
		for i := range j.policy.Consumers {
			one := &j.policy.Consumers[i]
			one.Origin = filepath.ToSlash(filepath.Join(filepath.Dir(path), one.Origin))
		}
	}
	return nil
}

func (c *cli) approvalsFile(ctx context.Context, path string) (*policy.File, error) {
	if inBucket(path) {
		return c.readDistantConfig(ctx, path)
	}
	if err := localOnly(path); err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	c.reads.add(path)
	file, err := policy.Load(path, parseOptions())
	return file, usage(err)
}

// knowViews tells the policy which views there are: those that are judged, and those of the config whose suppressions and
// consumers count. What else that config names is read only where a name is not known yet.
func (c *cli) knowViews(ctx context.Context, j *judging, judged ...registry.Definitions) {
	if j.config == nil {
		return
	}
	known := []string{}
	for _, d := range judged {
		for _, v := range d.Views {
			known = append(known, v.Name)
		}
	}
	known = append(known, viewNames(j.config.Views)...)
	if !j.namesOthers(known) {
		j.policy.KnownViews = known
		return
	}
	defined, _, err := c.readDefinitions(ctx, j.config.Dir, j.config.Definitions)
	if err != nil {
		fmt.Fprintf(c.stderr, "featureaudit: whether the views exist that suppress: and consumers: name was not looked at: %v\n", err)
		return
	}
	j.policy.KnownViews = append(known, viewNames(defined)...)
}

// namesOthers says whether a suppression or a consumer names a view that is not among these.
func (j *judging) namesOthers(known []string) bool {
	for _, s := range j.policy.Suppressions {
		if s.View != "" && !slices.Contains(known, s.View) {
			return true
		}
	}
	return slices.ContainsFunc(j.policy.Consumers, func(one model.Consumer) bool {
		return slices.ContainsFunc(one.Views, func(v model.ConsumerView) bool { return !slices.Contains(known, v.View) })
	})
}

func cmdDiff(ctx context.Context, c *cli, args []string) (int, error) {
	var f ruleFlags
	flags := newFlags("diff")
	f.add(flags)
	data := flags.StringArray("data", nil, "say what each changed ttl does to the entities: audit (looks at the files of OLD), a config or other REF whose files to look at, "+
		"or a report (repeatable: one audited with the old ttls, one with the new)")
	var within runFlags
	flags.StringVar(&within.memory, "memory-limit", "", "with --data: memory of the whole process: 512MB, 2GiB or 70% (default: 70% of the cgroup's or the machine's)")
	flags.StringVar(&within.tempDir, "temp-dir", "", "with --data: where to spill what does not fit into memory (default: $TMPDIR, else the system's)")
	mergeBase := flags.Bool("merge-base", false, "compare with the commit at which HEAD left OLD, which is REV:PATH")
	if err := c.parse(flags, "diff OLD NEW [flags]", diffAbout, args); err != nil {
		return 0, err
	}
	if flags.NArg() != 2 {
		return 0, usagef("%d arguments: expected OLD and NEW: usage featureaudit diff OLD NEW", flags.NArg())
	}
	if len(*data) == 0 && (flags.Changed("memory-limit") || flags.Changed("temp-dir")) {
		return 0, usagef("--memory-limit and --temp-dir are for --data: without it no file is looked at")
	}
	if err := within.limit(ctx, &audit.Options{}); len(*data) > 0 && err != nil {
		return 0, err
	}
	j, err := c.judging(ctx, f, flags)
	if err != nil {
		return 0, err
	}
	older, newer, err := c.sides(ctx, flags.Arg(0), flags.Arg(1), *mergeBase)
	if err != nil {
		return 0, err
	}
	if err := c.refuseInputs(ctx, j.outs, dataViews(older, newer)); err != nil {
		return 0, err
	}
	changes := diff.Compute(older, newer)
	look := dataLook{older: older, newer: newer, asOf: j.policy.AsOf, outs: j.outs, within: within}
	look.old, look.new = diff.ChangedTTLs(changes)
	found, err := c.data(ctx, *data, look)
	if err != nil {
		return 0, err
	}
	if len(*data) > 0 {
		j.policy.Data = found.reports
	}
	j.policy.Tried = diff.Compared(older, newer)
	c.knowViews(ctx, &j, older, newer)
	doc := diff.NewDocument(diff.DiffSchema, diff.SideOf(older), diff.SideOf(newer), diff.Classify(changes, j.policy))
	doc.NotCompared = diff.NotCompared(older.Kind, newer.Kind)
	code, err := c.verdict(doc, j)
	if err == nil && found.missing != nil {
		return 0, found.missing
	}
	return code, err
}

// sides reads both sets of definitions at once.
func (c *cli) sides(ctx context.Context, old, new string, mergeBase bool) (older, newer registry.Definitions, err error) {
	from := old
	rev, path, ok := strings.Cut(old, ":")
	if mergeBase {
		if !ok || rev == "" {
			return older, newer, usagef("--merge-base: OLD is %q, expected REV:PATH such as origin/main:features", old)
		}
		base, err := load.MergeBase(ctx, rev)
		if err != nil {
			return older, newer, usagef("--merge-base: %w", err)
		}
		from = base + ":" + path
	}
	// Of two errors OLD's is told, whichever side was read first.
	var olderErr, newerErr error
	var group errgroup.Group
	group.Go(func() error {
		older, olderErr = c.definitions(ctx, from, "")
		return nil
	})
	group.Go(func() error {
		newer, newerErr = c.definitions(ctx, new, "")
		return nil
	})
	_ = group.Wait() // the errors are kept apart
	// what stands in the older commit under this very name is judged as removed
	gone := ok && load.Missing(newerErr) && filepath.Clean(path) == filepath.Clean(new)
	if mergeBase && olderErr != nil {
		olderErr = asAsked{olderErr, from, old}
	}
	if olderErr != nil || newerErr != nil && !gone {
		return older, newer, cmp.Or(olderErr, newerErr)
	}
	if mergeBase {
		older.Source = old // the header names what was asked for, not 40 digits
	}
	if gone {
		newer = registry.Definitions{Kind: older.Kind, Source: new + " (removed)", Ledger: older.Ledger}
		newer.Finish()
	}
	return older, newer, nil
}

// asAsked is an error that names what was asked for, where what was read in its place has 40 digits.
type asAsked struct {
	error
	read, asked string
}

func (e asAsked) Error() string { return strings.ReplaceAll(e.error.Error(), e.read, e.asked) }

func (e asAsked) Unwrap() error { return e.error }

// verdict writes the document and is its exit code.
func (c *cli) verdict(doc diff.Document, j judging) (int, error) {
	doc.For, doc.AsOf = j.policy.For, j.policy.AsOf.UTC().Format(time.RFC3339)
	err := c.writeAll(j.outs, func(w io.Writer, format string, color bool) error {
		f, _ := render.Lookup(format)
		o := render.Options{Color: color}
		if w == c.stdout {
			o.Width = c.textWidth()
		}
		return f.Diff(w, doc, o)
	})
	if err != nil {
		return 0, err
	}
	switch j.summary {
	case "text":
		err = render.DiffText(c.stdout, doc, render.Options{Color: c.color(), Width: c.textWidth()})
	case "json":
		err = render.DiffSummary(c.stdout, doc, render.Options{})
	}
	return findingsCode(doc.Summary, j.threshold), err
}

func findingsCode(s diff.Summary, threshold failOn) int {
	if threshold != failOnNever && s.Error > 0 || threshold == failOnWarn && s.Warn > 0 {
		return exitFindings
	}
	return exitOK
}
