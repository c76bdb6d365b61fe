package main

import (
	"context"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
)

const lintAbout = `Judges one set of definitions by itself: views that never expire, keys that are unclear, services that name missing views or
features. If the views' files can be reached, their footers are read too, but no rows.`

func cmdLint(ctx context.Context, c *cli, args []string) (int, error) {
	var f ruleFlags
	flags := newFlags("lint")
	f.add(flags)
	root := flags.String("root", "", "the folder that relative paths of the views start from (default: the nearest feature_store.yaml upwards)")
	if err := c.parse(flags, "lint REF [flags]", lintAbout, args); err != nil {
		return 0, err
	}
	ref, err := oneArgument(flags, "REF")
	if err != nil {
		return 0, err
	}
	j, err := c.judging(ctx, f, flags)
	if err != nil {
		return 0, err
	}
	d, err := c.definitions(ctx, ref, *root)
	if err != nil {
		return 0, err
	}
	c.knowViews(ctx, &j, d)
	if err := c.refuseInputs(ctx, j.outs, dataViews(d)); err != nil {
		return 0, err
	}
	findings := diff.Lint(d, c.columnsOf(ctx, d), j.policy)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	code, err := c.verdict(diff.NewDocument(diff.LintSchema, nil, diff.SideOf(d), findings), j)
	if err == nil && len(d.Views) == 0 {
		return exitIncomplete, nil // nothing was looked at, whatever the threshold
	}
	return code, err
}

// columnsOf reads footers on demand. Views whose files are not here, or not all readable, have no answer: whether they
// should be there is the audit's to say.
func (c *cli) columnsOf(ctx context.Context, d registry.Definitions) diff.Files {
	views := map[string]model.View{}
	if list, err := d.ToViews(); err == nil && d.Root != "" {
		for _, v := range list {
			views[v.Name] = v
		}
	}
	return func(name string) ([]string, int, bool) {
		v, ok := views[name]
		if !ok || v.NoFiles != "" || v.Path == "" {
			return nil, 0, false
		}
		plan, footers, err := c.footersOf(ctx, v, c.now())
		if err != nil || len(plan.Listing.Files) == 0 {
			return nil, 0, false
		}
		return columnNames(footers.Survey)
	}
}

func columnNames(s facts.Survey) ([]string, int, bool) {
	for _, f := range s.Files {
		if f.Problem != nil {
			return nil, 0, false
		}
	}
	var names []string
	seen := map[string]bool{}
	for _, schema := range s.Schemas {
		for _, column := range schema.Columns {
			if !seen[column.Name] {
				seen[column.Name] = true
				names = append(names, column.Name)
			}
		}
	}
	return names, len(s.Files), true
}
