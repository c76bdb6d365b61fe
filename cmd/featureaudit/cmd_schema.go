package main

import (
	"context"
	"io"

	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/report"
)

const schemaAbout = `Prints the JSON Schema (2020-12) of a file of ours: "report" is what run writes, "config" what it reads.`

func cmdSchema(_ context.Context, c *cli, args []string) (int, error) {
	flags := newFlags("schema")
	var out outFlags
	out.add(flags, []string{"json"})
	if err := c.parse(flags, "schema report|config [flags]", schemaAbout, args); err != nil {
		return 0, err
	}
	name, err := oneArgument(flags, "report|config")
	if err != nil {
		return 0, err
	}
	outs, err := out.outputsOr("json")
	if err != nil {
		return 0, err
	}
	text := ""
	switch name {
	case "config":
		text = string(policy.ConfigSchema())
	case "report":
		text = report.SchemaJSON()
	default:
		return 0, usagef("schema %q: expected report or config", name)
	}
	return exitOK, c.writeAll(outs, func(w io.Writer, _ string, _ bool) error {
		_, err := io.WriteString(w, text)
		return err
	})
}
