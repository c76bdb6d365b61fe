package main

import (
	"context"

	"github.com/featureaudit/featureaudit/audit/render"
)

const reportAbout = `Writes a report again in other formats, without looking at any data. A partial report is written too, and says so.`

func cmdReport(_ context.Context, c *cli, args []string) (int, error) {
	flags := newFlags("report")
	specs := flags.StringArray("out", nil, "write FORMAT=PATH, or FORMAT=- for stdout (repeatable; default text=-); formats: "+formatNames())
	format := flags.String("format", "", "short for --out FORMAT=-")
	if err := c.parse(flags, "report REPORT [flags]", reportAbout, args); err != nil {
		return 0, err
	}
	path, err := oneArgument(flags, "REPORT")
	if err != nil {
		return 0, err
	}
	if len(*specs) == 0 && *format == "" {
		*format = "text"
	}
	outs, err := parseOutputs(*specs, *format)
	if err != nil {
		return 0, err
	}
	r, err := c.readReport(path)
	if err != nil {
		return 0, err
	}
	return exitOK, c.writeOutputs(outs, r, render.Options{Words: words, ReportPath: path})
}
