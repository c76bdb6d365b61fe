package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/history"
	"github.com/featureaudit/featureaudit/audit/policy"
)

// traceFormats are those of report diff and report trend.
func traceFormats() formats { return formats{names: []string{"csv", "text"}} }

// traceOutputs are the outputs of report diff and report trend: text where none is asked for.
func (f reportFlags) traceOutputs(ctx context.Context, c *cli) ([]output, error) {
	specs := f.out
	specs.known = traceFormats()
	outs, err := specs.outputsOr("text")
	if err != nil {
		return nil, err
	}
	return outs, c.refuseInputs(ctx, outs, nil)
}

func (c *cli) reportDiff(ctx context.Context, f reportFlags, flags *pflag.FlagSet) (int, error) {
	if flags.NArg() != 3 {
		return 0, usagef("report diff takes two reports, found %d: usage featureaudit report diff A B", flags.NArg()-1)
	}
	a, err := c.readReport(ctx, flags.Arg(1))
	if err != nil {
		return 0, err
	}
	b, err := c.readReport(ctx, flags.Arg(2))
	if err != nil {
		return 0, err
	}
	if a, err = f.narrow(flags.Arg(1), a); err != nil {
		return 0, err
	}
	if b, err = f.narrow(flags.Arg(2), b); err != nil {
		return 0, err
	}
	outs, err := f.traceOutputs(ctx, c)
	if err != nil {
		return 0, err
	}
	changes, err := history.Diff(a, b)
	if err != nil {
		return 0, usagef("report diff: %w", err)
	}
	return exitOK, c.writeAll(outs, func(w io.Writer, format string, _ bool) error {
		if format == "csv" {
			return history.WriteChangesCSV(w, changes)
		}
		return history.WriteChangesText(w, changes)
	})
}

func (c *cli) reportTrend(ctx context.Context, f reportFlags, flags *pflag.FlagSet) (int, error) {
	if flags.NArg() != 2 {
		return 0, usagef("report trend takes one view, found %d: usage featureaudit report trend VIEW --history DIR", flags.NArg()-1)
	}
	dir, err := c.historyOf(ctx, f)
	if err != nil {
		return 0, err
	}
	folder, here := dir, (*mirror)(nil)
	if inBucket(dir) {
		if here, err = c.mirror(ctx, dir); err != nil {
			return 0, fmt.Errorf("history: %w", err)
		}
		folder = here.dir
	}
	past, err := history.Open(ctx, folder)
	if err != nil {
		return 0, here.told(err)
	}
	for _, text := range past.NotUsed {
		_, _ = io.WriteString(c.stderr, "featureaudit report: history "+cleanLines(dir)+": not used: "+cleanLines(text)+"\n")
	}
	view := flags.Arg(1)
	if !slices.Contains(past.Views(), view) {
		return 0, usagef("view %q: the history %s has no run of it; %sit has %s", view, dir, policy.DidYouMean(view, past.Views()), distinct(past.Views()))
	}
	check := ""
	if len(f.checks) > 0 {
		check = f.checks[0]
	}
	switch checks := past.Checks(view); {
	case len(f.checks) > 1:
		return 0, usagef("report trend takes one --check, found %d", len(f.checks))
	case check != "" && !slices.Contains(checks, check):
		return 0, usagef("--check %q: the history %s has no result of it for view %s; %sit has %s", check, dir, view, policy.DidYouMean(check, checks), distinct(checks))
	}
	outs, err := f.traceOutputs(ctx, c)
	if err != nil {
		return 0, err
	}
	series := past.Points(view, check)
	return exitOK, c.writeAll(outs, func(w io.Writer, format string, _ bool) error {
		if format == "csv" {
			return history.WriteTrendCSV(w, series)
		}
		return history.WriteTrendText(w, series)
	})
}

// historyOf is the folder that --history or the config names.
func (c *cli) historyOf(ctx context.Context, f reportFlags) (string, error) {
	if f.history != "" {
		_, err := absolute(f.history)
		return f.history, err
	}
	config := f.config
	if config == "" {
		config = defaultConfig
	}
	file, err := c.readConfig(ctx, config)
	if errors.Is(err, fs.ErrNotExist) && f.config == "" {
		return "", usagef("report trend: name the history with --history DIR, or the config that has history: with --config FILE")
	}
	if err != nil {
		return "", err
	}
	if file.History == "" {
		return "", usagef("%s has no history: name one with --history DIR", config)
	}
	return under(file.Dir, file.History), nil
}
