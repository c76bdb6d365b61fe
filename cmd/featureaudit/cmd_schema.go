package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/report"
)

const schemaAbout = `Prints the JSON Schema (2020-12) of a file of featureaudit: "report" is what run writes, "config" what it reads; "definitions",
"diff" and "lint" are what those commands write with --format json. "config" is also available as a page of Markdown.`

// documentSchema is the JSON Schema of one kind of file.
type documentSchema struct {
	name string
	text func() string
}

// documentSchemas are sorted by name. The documents of diff and lint are of one form.
func documentSchemas() []documentSchema {
	return []documentSchema{
		{"config", func() string { return string(policy.ConfigSchema(parseOptions())) }},
		{"definitions", registry.SchemaJSON},
		{"diff", diff.SchemaJSON},
		{"lint", diff.SchemaJSON},
		{"report", report.SchemaJSON},
	}
}

func cmdSchema(_ context.Context, c *cli, args []string) (int, error) {
	var names []string
	for _, s := range documentSchemas() {
		names = append(names, s.name)
	}
	argument := strings.Join(names, "|")
	flags := newFlags("schema")
	var out outFlags
	out.add(flags, only("json", "markdown"))
	if err := c.parse(flags, "schema "+argument+" [flags]", schemaAbout, args); err != nil {
		return 0, err
	}
	name, err := oneArgument(flags, argument)
	if err != nil {
		return 0, err
	}
	outs, err := out.outputsOr("json")
	if err != nil {
		return 0, err
	}
	if name != "config" && slices.ContainsFunc(outs, func(o output) bool { return o.format == "markdown" }) {
		return 0, usagef("schema %s: only config comes as Markdown; take json", name)
	}
	for _, s := range documentSchemas() {
		if s.name == name {
			return exitOK, c.writeAll(outs, func(w io.Writer, format string, _ bool) error {
				text := s.text
				if format == "markdown" {
					text = policy.KeysPage
				}
				_, err := io.WriteString(w, text())
				return err
			})
		}
	}
	return 0, usagef("schema %q: expected %s", name, orList(names))
}
