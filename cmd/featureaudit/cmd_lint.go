package main

import (
	"context"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
	tables "github.com/featureaudit/featureaudit/audit/table"
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
	columns, kept := c.filesOf(ctx, d)
	findings := diff.Lint(d, columns, kept, j.policy)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	code, err := c.verdict(diff.NewDocument(diff.LintSchema, nil, diff.SideOf(d), findings), j)
	if err == nil && len(d.Views) == 0 {
		return exitIncomplete, nil // nothing was looked at, whatever the threshold
	}
	return code, err
}

// filesOf reads footers and the logs of tables on demand, once for each view. Views whose files are not here, or not all readable, have no
// answer: whether they should be there is the audit's to say.
func (c *cli) filesOf(ctx context.Context, d registry.Definitions) (diff.Files, diff.Tables) {
	views := map[string]model.View{}
	if list, err := d.ToViews(); err == nil && d.Root != "" {
		for _, v := range list {
			views[v.Name] = v
		}
	}
	type looked struct {
		plan    look.Plan
		footers look.Footers
		err     error
	}
	known := map[string]looked{}
	at := func(name string) (looked, bool) {
		v, ok := views[name]
		if !ok || v.NoFiles != "" || v.Path == "" {
			return looked{}, false
		}
		one, done := known[name]
		if !done {
			one.plan, one.footers, one.err = c.footersOf(ctx, v, c.now())
			known[name] = one
		}
		return one, len(one.plan.Listing.Files) > 0
	}
	files := func(name string) ([]string, int, bool) {
		one, ok := at(name)
		if !ok || one.err != nil {
			return nil, 0, false
		}
		return columnNames(one.footers.Survey)
	}
	return files, func(name string) (kept []tables.Retention, ok bool) {
		one, ok := at(name)
		if !ok || len(one.plan.Listing.Tables) == 0 {
			return nil, false
		}
		for _, t := range one.plan.Listing.Tables {
			kept = append(kept, tables.Retentions(t.Format, t.Settings)...)
		}
		return kept, true
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
