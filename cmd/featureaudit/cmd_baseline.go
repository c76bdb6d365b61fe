package main

import (
	"context"
	"fmt"
	"io"

	"github.com/featureaudit/featureaudit/audit/history"
	"github.com/featureaudit/featureaudit/audit/report"
)

const baselineAbout = `Writes the findings of a report as a baseline of known findings: run --baseline FILE --new-only then fails only on others. For
each group, fill in the day from which it counts again.`

func cmdBaseline(ctx context.Context, c *cli, args []string) (int, error) {
	flags := newFlags("baseline")
	to := ""
	flags.StringVar(&to, "out", "", "the file to write, or - for stdout (the default)")
	if err := c.parse(flags, "baseline REPORT [--out FILE]", baselineAbout, args); err != nil {
		return 0, err
	}
	path, err := oneArgument(flags, "REPORT")
	if err != nil {
		return 0, err
	}
	if to == "" {
		to = "-"
	}
	outs, err := parseOutputs([]string{"baseline=" + to}, "", formats{names: []string{"baseline"}})
	if err != nil {
		return 0, err
	}
	r, err := c.readReport(ctx, path)
	if err != nil {
		return 0, err
	}
	if r.Status != report.Complete {
		return 0, usagef("report %s: its status is %q: the audit did not run to its end, and a baseline of it would hold a part; run it again", path, r.Status)
	}
	if err := c.refuseInputs(ctx, outs, nil); err != nil {
		return 0, err
	}
	var notes []string
	err = c.writeAll(outs, func(w io.Writer, _ string, _ bool) error {
		var err error
		notes, err = history.WriteBaseline(w, r)
		return err
	})
	for _, note := range notes {
		fmt.Fprintf(c.stderr, "featureaudit baseline: %s\n", cleanLines(note))
	}
	return exitOK, err
}
