package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/load"
	"github.com/featureaudit/featureaudit/audit/render"
)

const definitionsAbout = `Prints the definitions that REF holds, as diff, lint and run read them. REF is a
Feast registry (registry.db, SQLite, postgres://..., the output of feast registry-dump), a Feast repository, our YAML
(a file, a folder, a glob), an ODCS contract, dbt's YAML, a report, or REV:PATH of any of these in git.`

func cmdDefinitions(ctx context.Context, c *cli, args []string) (int, error) {
	flags := newFlags("definitions")
	var out outFlags
	root := flags.String("root", "", "the folder that relative paths of the views start from (default: the nearest feature_store.yaml upwards)")
	out.add(flags, only("json", "text"))
	if err := c.parse(flags, "definitions REF [flags]", definitionsAbout, args); err != nil {
		return 0, err
	}
	ref, err := oneArgument(flags, "REF")
	if err != nil {
		return 0, err
	}
	outs, err := out.outputsOr("text")
	if err != nil {
		return 0, err
	}
	d, err := c.definitions(ctx, ref, *root)
	if err != nil {
		return 0, err
	}
	if err := c.refuseInputs(ctx, outs, dataViews(d)); err != nil {
		return 0, err
	}
	return exitOK, c.writeAll(outs, func(w io.Writer, format string, color bool) error {
		if format == "json" {
			return render.DefinitionsJSON(w, d, render.Options{})
		}
		return render.DefinitionsText(w, d, render.Options{Color: color})
	})
}

// definitions reads one reference of the command line. Wrong definitions exit 2, a disk or server that failed 3.
func (c *cli) definitions(ctx context.Context, ref, root string) (registry.Definitions, error) {
	if err := c.stores.readable(root); root != "" && err != nil {
		return registry.Definitions{}, fmt.Errorf("--root: %w", err)
	}
	if at, ok := tableRefOf(ref); ok {
		d, err := c.tableDefinitions(ctx, ref, at)
		var says interface{ Retryable() bool }
		if err != nil && ctx.Err() == nil && !(errors.As(err, &says) && says.Retryable()) {
			err = usagef("definitions: %w", err)
		}
		return d, err
	}
	d, err := load.Definitions(ctx, ref, load.Options{Root: root, Parse: parseOptions(), Env: c.lookup, Opened: c.reads.add, Fetch: c.fetch})
	switch {
	case err == nil:
		return d, nil
	case ctx.Err() != nil:
		return d, context.Cause(ctx)
	case load.Retryable(err):
		return d, fmt.Errorf("definitions: %w", err)
	}
	return d, usagef("definitions: %w", err)
}

// policyIDs are what a suppression may name: the checks of an audit and the rules of diff and lint.
func policyIDs() []string {
	ids := append(checkIDs(), diff.RuleIDs()...)
	slices.Sort(ids)
	return slices.Compact(ids)
}
