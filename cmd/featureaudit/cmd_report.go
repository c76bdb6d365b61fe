package main

import (
	"context"

	"github.com/featureaudit/featureaudit/audit/render"
)

const reportAbout = `Writes a report again in other formats, without looking at any data. A partial report is written too, and says so.`

func cmdReport(ctx context.Context, c *cli, args []string) (int, error) {
	flags := newFlags("report")
	var out outFlags
	out.add(flags, reportFormats())
	if err := c.parse(flags, "report REPORT [flags]", reportAbout, args); err != nil {
		return 0, err
	}
	path, err := oneArgument(flags, "REPORT")
	if err != nil {
		return 0, err
	}
	outs, err := out.outputsOr("text")
	if err != nil {
		return 0, err
	}
	r, err := c.readReport(path)
	if err != nil {
		return 0, err
	}
	if err := c.refuseInputs(ctx, outs, nil); err != nil {
		return 0, err
	}
	return exitOK, c.writeReport(outs, r, render.Options{Words: catalogueWords, ReportPath: path})
}
