package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
)

const reportAbout = `Writes a report again in other formats, without looking at any data. A partial report is written too, and says so.
report diff A B compares two reports; report trend VIEW shows how a view did in the runs of a history. The digests (slack, teams,
pagerduty) are payloads that nothing here sends: they tell what is new, worse, resolved or due for a reminder since earlier runs,
and are empty where that is nothing.`

// reportFlags are the flags of report as written.
type reportFlags struct {
	owners    []string
	views     []string
	checks    []string
	remind    string
	reportURL string
	// history and config are for report trend.
	history, config string
	out             outFlags
}

func (f *reportFlags) add(flags *pflag.FlagSet) {
	f.out.add(flags, reportFormats())
	flags.StringArrayVar(&f.owners, "owner", nil, "results of this owner only (repeatable)")
	flags.StringArrayVar(&f.views, "view", nil, "results of this view only (repeatable)")
	flags.StringArrayVar(&f.checks, "check", nil, "results of this check only (repeatable; one for report trend)")
	flags.StringVar(&f.remind, "remind", "", "in digests: tell again what is still open, so long after it began and each time as long after that (7d)")
	flags.StringVar(&f.reportURL, "report-url", "", "in digests: where people can open the report (http or https)")
	flags.StringVar(&f.history, "history", "", "for report trend: the history (default: history: of the config)")
	flags.StringVar(&f.config, "config", "", "for report trend: the config that names the history (default ./"+defaultConfig+")")
}

func cmdReport(ctx context.Context, c *cli, args []string) (int, error) {
	var f reportFlags
	flags := newFlags("report")
	f.add(flags)
	if err := c.parse(flags, "report REPORT|diff A B|trend VIEW [flags]", reportAbout, args); err != nil {
		return 0, err
	}
	switch {
	case flags.Arg(0) == "diff" && flags.NArg() > 1:
		return c.reportDiff(ctx, f, flags)
	case flags.Arg(0) == "trend" && flags.NArg() > 1:
		return c.reportTrend(ctx, f, flags)
	}
	for _, name := range []string{"history", "config"} {
		if flags.Changed(name) {
			return 0, usagef("--%s is for featureaudit report trend VIEW", name)
		}
	}
	path, err := oneArgument(flags, "REPORT")
	if err != nil {
		return 0, err
	}
	outs, err := f.out.outputsOr("text")
	if err != nil {
		return 0, err
	}
	r, err := c.readReport(path)
	if err != nil {
		return 0, err
	}
	options, err := f.options(path)
	if err != nil {
		return 0, err
	}
	if r, err = f.narrow(path, r); err != nil {
		return 0, err
	}
	if err := c.refuseInputs(ctx, outs, nil); err != nil {
		return 0, err
	}
	if err := c.writeReport(outs, r, options); err != nil {
		return 0, err
	}
	if slices.ContainsFunc(outs, func(o output) bool { return digestFormat(o.format) }) && !render.HasNews(r, options) {
		fmt.Fprintln(c.stderr, "featureaudit report: nothing is new, worse, resolved or due: the digest is empty, and there is nothing to send")
	}
	return exitOK, nil
}

// digestFormat says whether a format is a payload for a channel.
func digestFormat(name string) bool {
	return slices.Contains([]string{"slack", "teams", "pagerduty"}, name)
}

func (f reportFlags) options(path string) (render.Options, error) {
	o := render.Options{Words: catalogueWords, ReportPath: path, ReportURL: f.reportURL, Whole: len(f.views) > 0}
	if len(f.owners) > 0 {
		o.Owner = orList(f.owners)
	}
	if f.reportURL != "" {
		u, err := url.Parse(f.reportURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(f.reportURL) > 2000 || render.Clean(f.reportURL) != f.reportURL {
			return o, usagef("--report-url %q: expected an address such as https://reports.example.com/2026-11-20.html", f.reportURL)
		}
	}
	if f.remind != "" {
		remind, err := policy.ParseDuration(f.remind)
		if err != nil {
			return o, usagef("--remind: %w", err)
		}
		if remind < time.Hour {
			return o, usagef("--remind %q: expected an hour or more, such as 7d", f.remind)
		}
		o.Remind = remind
	}
	return o, nil
}

// narrow keeps the results of the owners, views and checks that are asked for.
func (f reportFlags) narrow(path string, r report.Report) (report.Report, error) {
	if len(f.owners)+len(f.views)+len(f.checks) == 0 {
		return r, nil
	}
	return gateFlags{owners: f.owners, views: f.views, checks: f.checks}.narrow(path, r)
}
