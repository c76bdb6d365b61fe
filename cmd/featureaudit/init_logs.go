package main

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/store"
)

// starterTables are the views of a folder in which tables lie: one for each table, by its log, and those of the plain files beside them.
func (c *cli) starterTables(ctx context.Context, root, base string) ([]policy.StarterView, error) {
	full := root
	if !inBucket(root) {
		var err error
		if full, err = filepath.Abs(root); err != nil {
			return nil, fmt.Errorf("path of %s: %w", root, err)
		}
	}
	tree, err := c.stores.Tree(ctx, full)
	if err != nil {
		return nil, err
	}
	folders := logFolders(tree)
	var views []policy.StarterView
	for _, folder := range folders {
		view, err := c.tableView(ctx, store.Join(full, folder))
		if err != nil {
			return nil, err
		}
		if view.Path, err = relativeGlob(base, full, folder, parametersOf(root)); err != nil {
			return nil, err
		}
		views = append(views, view)
	}
	var plain []store.Entry
	for _, e := range tree {
		below := func(folder string) bool { return folder == "." || strings.HasPrefix(e.Path, folder+"/") }
		if strings.HasSuffix(e.Path, ".parquet") && !slices.ContainsFunc(folders, below) && !slices.ContainsFunc(strings.Split(e.Path, "/"), isHidden) {
			plain = append(plain, e)
		}
	}
	for _, folder := range viewFolders(plain) {
		found, err := c.folderViews(ctx, store.Join(full, folder.path), folder)
		if err != nil {
			return nil, err
		}
		for _, view := range found {
			if view.Path, err = relativeGlob(base, full, folder.path, view.Path+parametersOf(root)); err != nil {
				return nil, err
			}
			views = append(views, view)
		}
	}
	nameApart(views)
	slices.SortFunc(views, func(a, b policy.StarterView) int { return strings.Compare(a.Name, b.Name) })
	return views, nil
}

func isHidden(name string) bool { return strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") }

// logFolders are the folders of tables, of which none lies in another, in order.
func logFolders(tree []store.Entry) []string {
	var all []string
	for _, e := range tree {
		dir := path.Dir(e.Path)
		if path.Base(dir) == "_delta_log" || path.Base(dir) == "metadata" && strings.HasSuffix(e.Path, ".metadata.json") {
			all = append(all, path.Dir(dir))
		}
	}
	slices.Sort(all)
	var top []string
	for _, folder := range slices.Compact(all) {
		if !slices.ContainsFunc(top, func(above string) bool { return above == "." || strings.HasPrefix(folder, above+"/") }) {
			top = append(top, folder)
		}
	}
	return top
}

// tableView guesses the roles of a table's columns from its newest version.
func (c *cli) tableView(ctx context.Context, folder string) (policy.StarterView, error) {
	view := model.View{Name: path.Base(filepath.ToSlash(store.Bare(folder))), Path: folder, Root: folder, Origins: model.Origins{}}
	plan, footers, err := c.footersOf(ctx, view, c.now())
	if err != nil {
		return policy.StarterView{}, fmt.Errorf("%s: %w", folder, err)
	}
	starter := policy.StarterView{Name: view.Name, Guesses: map[string]string{}}
	if tp := plan.View.TimePartition; tp.Declared() {
		starter.TimePartition = tp
		starter.Guesses["time_partition"] = "the partitions of the table"
	}
	guess(&starter, footers.Survey)
	return starter, nil
}
