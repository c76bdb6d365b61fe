package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/words"
)

const gateAbout = `Turns a report into an exit code. Only selected results count. A selection that matches nothing is refused, and so is a report
that is partial, of another schema, or older than --max-report-age.`

// clockSkew is how far a report may lie in the future before the two clocks are said to disagree.
const clockSkew = 5 * time.Minute

// gateFlags are the flags of gate as written.
type gateFlags struct {
	failOn       string
	checks       []string
	views        []string
	owners       []string
	maxReportAge string
	now          string
	skipEmpty    bool
	summary      string
	known        baselineFlags
	quiet        bool
	out          outFlags
}

func cmdGate(ctx context.Context, c *cli, args []string) (int, error) {
	var f gateFlags
	flags := newFlags("gate")
	flags.StringVar(&f.failOn, "fail-on", "error", "exit 1 at findings of this severity: error, warn or never")
	flags.StringArrayVar(&f.checks, "check", nil, "judge this check only (repeatable)")
	flags.StringArrayVar(&f.views, "view", nil, "judge this view only (repeatable)")
	flags.StringArrayVar(&f.owners, "owner", nil, "judge results of this owner only (repeatable)")
	flags.StringVar(&f.maxReportAge, "max-report-age", "", "refuse a report that finished longer ago (30h, 2d)")
	flags.StringVar(&f.now, "now", "", "the instant that --max-report-age counts back from (default: now)")
	flags.BoolVar(&f.skipEmpty, "skip-empty", false, "exit 99 where the audit found no file at all, as run --skip-empty does")
	flags.BoolVar(&f.quiet, "quiet", false, "print no summary: the exit code is the answer")
	flags.StringVar(&f.summary, "summary", "text", "summary at the end of stdout: text, json (one line) or none (the default where an output goes to stdout)")
	f.known.add(flags, "")
	f.out.add(flags, reportFormats())
	if err := c.parse(flags, "gate REPORT [flags]", gateAbout, args); err != nil {
		return 0, err
	}
	path, err := oneArgument(flags, "REPORT")
	if err != nil {
		return 0, err
	}
	threshold, err := parseFailOn(f.failOn)
	if err != nil {
		return 0, err
	}
	if f.quiet {
		f.summary = quietSummary(flags, f.summary)
	}
	if err := oneOf("summary", f.summary, "text", "json", "none"); err != nil {
		return 0, err
	}
	outs, err := f.out.outputs()
	if err != nil {
		return 0, err
	}
	now, err := c.gateNow(f.now)
	if err != nil {
		return 0, err
	}
	r, err := c.readReport(ctx, path)
	if err != nil {
		return 0, err
	}
	if err := f.admits(path, r, now); err != nil {
		return 0, err
	}
	if f.skipEmpty && r.Summary.NothingToAudit {
		return exitNothing, nil
	}
	selected, err := f.narrow(path, r)
	if err != nil {
		return 0, err
	}
	known := memory{newOnly: f.known.newOnly}
	if known.baseline, err = c.readBaseline(ctx, f.known, ""); err != nil {
		return 0, err
	}
	if selected, err = known.tell(selected); err != nil {
		return 0, err
	}
	if err := c.refuseInputs(ctx, outs, nil); err != nil {
		return 0, err
	}
	if err := c.writeReport(outs, selected, render.Options{Words: catalogueWords, ReportPath: path}); err != nil {
		return 0, err
	}
	code := verdictCode(selected.Status, known.counted(selected), threshold)
	stated := finish{report: selected, outs: outs, flags: runFlags{summary: f.summary, summarySet: f.quiet || flags.Changed("summary")}}
	return code, c.summarise(stated, render.Options{Words: catalogueWords, ReportPath: path})
}

func (c *cli) gateNow(text string) (time.Time, error) {
	if text == "" {
		return c.now(), nil
	}
	return parseInstant("now", text)
}

// readReport reads a report of any status; "-" is stdin.
func (c *cli) readReport(ctx context.Context, path string) (report.Report, error) {
	raw, err := c.readInput(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return report.Report{}, fmt.Errorf("report %s: %w; has `featureaudit run --out json=%s` run?", path, fs.ErrNotExist, path)
	}
	if err != nil && strings.HasPrefix(err.Error(), store.Bare(path)+": ") {
		return report.Report{}, fmt.Errorf("report %w", err) // a store names what it is asked for
	}
	if err != nil {
		return report.Report{}, fmt.Errorf("report %s: %w", path, err)
	}
	r, err := report.Parse(raw)
	if err != nil {
		return report.Report{}, usagef("report %s: %w", path, err)
	}
	return r, nil
}

func (c *cli) readInput(ctx context.Context, path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(c.stdin)
	}
	return c.readNamed(ctx, path)
}

// admits refuses what proves nothing: an audit that did not run to its end, or not lately.
func (f gateFlags) admits(path string, r report.Report, now time.Time) error {
	if r.Status != report.Complete {
		return fmt.Errorf("report %s: its status is %q, expected %q: the audit did not run to its end; run it again", path, r.Status, report.Complete)
	}
	if f.maxReportAge == "" {
		return nil
	}
	limit, err := policy.ParseDuration(f.maxReportAge)
	if err != nil {
		return usagef("--max-report-age: %w", err)
	}
	if limit <= 0 {
		return usagef("--max-report-age %q: expected a duration above 0 such as 30h", f.maxReportAge)
	}
	finished, err := time.Parse(time.RFC3339Nano, r.Execution.FinishedAt)
	if err != nil {
		return fmt.Errorf("report %s: execution.finished_at %q is no instant, so its age is unknown; run the audit again", path, r.Execution.FinishedAt)
	}
	age := now.Sub(finished)
	switch {
	case age > limit:
		return fmt.Errorf("report %s: it finished at %s, %s ago, and --max-report-age is %s; run the audit again", path, r.Execution.FinishedAt, words.Exact(age.Truncate(time.Second)), f.maxReportAge)
	case age < -clockSkew:
		return fmt.Errorf("report %s: it finished at %s, which is %s ahead of now (%s); the clocks disagree, so its age is unknown", path, r.Execution.FinishedAt,
			words.Exact((-age).Truncate(time.Second)), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// narrow keeps the selected results and the views that they are about. A selection that proves nothing is refused.
func (f gateFlags) narrow(path string, r report.Report) (report.Report, error) {
	if err := f.inReport(path, r); err != nil {
		return r, err
	}
	part, err := r.Narrow(report.Picks{Checks: f.checks, Views: f.views, Owners: f.owners})
	if err == nil && len(part.Results) == 0 {
		err = fmt.Errorf("report %s: none of its %d results is selected by these flags, so nothing is proven; select less narrowly", path, len(r.Results))
	}
	return part, err
}

func picked(wanted []string, value string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, value)
}

// inReport refuses names that the report does not hold: a mistyped name must not be green.
func (f gateFlags) inReport(path string, r report.Report) error {
	var checks, views, owners []string
	for _, res := range r.Results {
		checks, owners = append(checks, res.Check), append(owners, res.Owner)
		views = append(views, res.View)
	}
	for _, sel := range []struct {
		flag      string
		asked, in []string
	}{{"check", f.checks, checks}, {"view", f.views, views}, {"owner", f.owners, owners}} {
		for _, name := range sel.asked {
			if !slices.Contains(sel.in, name) {
				return usagef("--%s %q: report %s holds no result of it; %sit has %s", sel.flag, name, path, policy.DidYouMean(name, sel.in), distinct(sel.in))
			}
		}
	}
	return nil
}

// distinct lists names once each, sorted.
func distinct(names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
