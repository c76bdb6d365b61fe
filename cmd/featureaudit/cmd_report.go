package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/history"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
)

const reportAbout = `Shows a report again, or writes it in another format, without looking at any data. A partial report says that it is partial.
report diff A B compares two reports; report trend VIEW shows how a view did in earlier runs (of a history).

Formats slack, teams and pagerduty are digests: a message of what is new, worse, resolved or due for a reminder. They are written,
not sent, and empty if there is no news. With --history a channel is told at most once a night: the next digest for it is empty.`

// reportFlags are the flags of report as written.
type reportFlags struct {
	owners    []string
	views     []string
	checks    []string
	remind    string
	reportURL string
	// history is for report trend and for digests, config for report trend.
	history, config string
	out             outFlags
}

func (f *reportFlags) add(flags *pflag.FlagSet) {
	f.out.add(flags, reportFormats())
	flags.StringArrayVar(&f.owners, "owner", nil, "results of this owner only (repeatable)")
	flags.StringArrayVar(&f.views, "view", nil, "results of this view only (repeatable)")
	flags.StringArrayVar(&f.checks, "check", nil, "results of this check only (repeatable; one for report trend)")
	flags.StringVar(&f.remind, "remind", "", "in digests: repeat what is still open whenever this much time has passed (7d)")
	flags.StringVar(&f.reportURL, "report-url", "", "in digests: where people can open the report (http or https)")
	flags.StringVar(&f.history, "history", "", "for report trend: the history (default: history: of the config); in digests: where it is noted that a channel was told, at most once a night")
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
	if flags.Changed("config") {
		return 0, usagef("--config is for featureaudit report trend VIEW")
	}
	path, err := oneArgument(flags, "REPORT")
	if err != nil {
		return 0, err
	}
	outs, err := f.out.outputsOr("text")
	if err != nil {
		return 0, err
	}
	r, err := c.readReport(ctx, path)
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
	digests := slices.DeleteFunc(slices.Clone(outs), func(o output) bool { return !digestFormat(o.format) })
	if f.history != "" {
		if len(digests) == 0 {
			return 0, usagef("--history is for featureaudit report trend VIEW, and for digests (slack, teams, pagerduty), where it notes that a channel was told")
		}
		if _, err := absolute(f.history); err != nil {
			return 0, err
		}
		return exitOK, c.writeOnce(ctx, outs, r, options, f)
	}
	if err := c.writeReport(outs, r, options); err != nil {
		return 0, err
	}
	if slices.ContainsFunc(outs, func(o output) bool { return digestFormat(o.format) }) && !render.HasNews(r, options) {
		fmt.Fprintln(c.stderr, nothingToSend)
	}
	return exitOK, nil
}

// writeOnce is writeReport where a channel is told at most once a night: the second digest for it is empty, and says so.
func (c *cli) writeOnce(ctx context.Context, outs []output, r report.Report, o render.Options, f reportFlags) error {
	asOf, err := time.Parse(time.RFC3339Nano, r.AsOf)
	if err != nil {
		return usagef("as_of of the report: %w", err)
	}
	news := render.HasNews(r, o)
	for _, out := range outs {
		place, before := "", false
		if digestFormat(out.format) && news {
			about := slices.Concat([]string{o.Owner}, f.views, []string{""}, f.checks, []string{""}, projects(r))
			if place, before, err = c.tellChannel(ctx, f.history, asOf, out.format, about); err != nil {
				return err
			}
		}
		switch {
		case before:
			fmt.Fprintf(c.stderr, "featureaudit report: %s was told of the night of %s before: the digest is empty, and there is nothing to send (remove the %s %s to have it again)\n",
				out.format, asOf.UTC().Format(time.DateOnly), noteKind(f.history), cleanLines(place))
			err = c.writeEach([]output{out}, func(io.Writer, output) error { return nil })
		default:
			if digestFormat(out.format) && !news {
				fmt.Fprintln(c.stderr, nothingToSend)
			}
			err = c.writeReport([]output{out}, r, o)
		}
		if err != nil && place != "" && !before {
			err = errors.Join(err, c.forgetTold(place))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tellChannel notes in a history that a channel is told of a night, and says whether it was before.
func (c *cli) tellChannel(ctx context.Context, dir string, asOf time.Time, channel string, about []string) (place string, before bool, err error) {
	if !inBucket(dir) {
		return history.Tell(dir, asOf, channel, about...)
	}
	if err := c.stores.buckets.Check(ctx, dir); err != nil { // also for the parameters of the address
		return "", false, fmt.Errorf("history: %w", err)
	}
	place = store.Join(store.Bare(dir), history.ToldObject(asOf, channel, about...))
	created, err := c.stores.buckets.Create(ctx, place, []byte("the channel was told of this night\n"))
	if err != nil {
		return "", false, fmt.Errorf("history: %w", err)
	}
	return place, !created, nil
}

// forgetTold takes back that a channel was told.
func (c *cli) forgetTold(place string) error {
	if !inBucket(place) {
		return history.Forget(place)
	}
	ctx, cancel := context.WithTimeout(context.Background(), objectLimit)
	defer cancel()
	return c.stores.buckets.Delete(ctx, place)
}

func noteKind(dir string) string {
	if inBucket(dir) {
		return "object"
	}
	return "folder"
}

// nothingToSend is said where a digest is empty.
const nothingToSend = "featureaudit report: nothing is new, worse, resolved or due: the digest is empty, and there is nothing to send"

// projects are those of the views of a report.
func projects(r report.Report) []string {
	var names []string
	for _, v := range r.Views {
		names = append(names, v.Project)
	}
	slices.Sort(names)
	return slices.Compact(names)
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
