package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/store"
)

const initAbout = `Writes a first config from the Parquet files below PATH. Each folder of files becomes a view (or each table, if the files in one
folder have different columns). Partitions and sources come from the paths; which column is what is guessed from names and footers.
Every guess is marked. An existing config is never replaced.`

func cmdInit(ctx context.Context, c *cli, args []string) (int, error) {
	var out outFlags
	flags := newFlags("init")
	out.add(flags, only("yaml"))
	project := flags.String("project", "", "name of the project to write into it")
	if err := c.parse(flags, "init PATH [flags]", initAbout, args); err != nil {
		return 0, err
	}
	root, err := oneArgument(flags, "PATH")
	if err != nil {
		return 0, err
	}
	outs, err := out.outputs()
	if err != nil {
		return 0, err
	}
	if len(outs) == 0 {
		if outs, err = parseOutputs([]string{"yaml=" + defaultConfig}, "", only("yaml")); err != nil {
			return 0, err
		}
	}
	for _, o := range outs {
		there, err := c.isThere(ctx, o.path)
		if err != nil {
			return 0, fmt.Errorf("--out: %w", err)
		}
		if there {
			return 0, usagef("%s is there already and is never replaced; `--out yaml=-` shows a new one", o.path)
		}
	}
	base, err := os.Getwd()
	if err != nil {
		return 0, fmt.Errorf("working directory: %w", err)
	}
	if outs[0].path != "" {
		base = folderOf(outs[0].path)
	}
	views, err := c.starterViews(ctx, root, base)
	if err != nil {
		return 0, err
	}
	text := policy.Starter(*project, views)
	err = c.writeAll(outs, func(w io.Writer, _ string, _ bool) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, o := range outs {
		if o.path != "" {
			fmt.Fprintf(c.stderr, "wrote %s with %s; read the lines marked guess, set each ttl and max_age, then: featureaudit run --config %s\n", render.Clean(o.path), policy.ViewCount(len(views)), render.Clean(o.path))
		}
	}
	return exitOK, nil
}

// isThere says whether a file or an object of a name is there already; the name of none is not.
func (c *cli) isThere(ctx context.Context, name string) (bool, error) {
	if inBucket(name) {
		at, err := c.placed(ctx, name)
		return at.file, err
	}
	_, err := os.Lstat(name)
	return name != "" && err == nil, nil
}

// folderOf is the folder that a file or an object lies in.
func folderOf(name string) string {
	if inBucket(name) {
		bucket, key := store.Split(store.Bare(name))
		return store.Join(bucket, path.Dir(key))
	}
	return filepath.Dir(name)
}

// starterViews finds the views below a folder; their paths are relative to base.
func (c *cli) starterViews(ctx context.Context, root, base string) ([]policy.StarterView, error) {
	if err := c.stores.readable(root); err != nil {
		return nil, err
	}
	listing, err := c.stores.List(ctx, "", root)
	var none *store.NoMatchError
	var table *store.TableFormatError
	switch {
	case errors.As(err, &table) && table.Kind != "Hudi":
		return c.starterTables(ctx, root, base)
	case errors.As(err, &none), errors.As(err, &table):
		return nil, usage(err)
	case err != nil:
		return nil, err
	}
	var views []policy.StarterView
	folders := viewFolders(listing.Entries)
	if at, err := c.placed(ctx, root); err == nil && at.file {
		folders[0].only = path.Base(filepath.ToSlash(store.Bare(root)))
	}
	for _, folder := range folders {
		found, err := c.folderViews(ctx, store.Join(listing.Root, folder.path), folder)
		if err != nil {
			return nil, err
		}
		for _, view := range found {
			if view.Path, err = relativeGlob(base, listing.Root, folder.path, view.Path+parametersOf(root)); err != nil {
				return nil, err
			}
			views = append(views, view)
		}
	}
	nameApart(views)
	slices.SortFunc(views, func(a, b policy.StarterView) int { return strings.Compare(a.Name, b.Name) })
	return views, nil
}

// nameApart gives views of one name a number, the first none.
func nameApart(views []policy.StarterView) {
	taken := map[string]bool{}
	for i := range views {
		name := views[i].Name
		for n := 2; taken[views[i].Name]; n++ {
			views[i].Name = fmt.Sprintf("%s_%d", name, n)
		}
		taken[views[i].Name] = true
	}
}

// viewFolder is a folder that holds one view, in partitions below it, or files of one or more.
type viewFolder struct {
	path string
	// dirs are the folders of its files, relative to path.
	dirs []string
	deep bool
	// only is the one file that PATH names, if it names one.
	only string
	// alone says that no other view's files lie below it.
	alone bool
}

// partitionLike is a folder that is a partition and no name of a view.
var partitionLike = regexp.MustCompile(`=|^\d{4}([-_]?\d{2}([-_]?\d{2})?)?$`)

// viewFolders groups files by the part of their path that is no partition, in the order of their paths. Files that lie
// beside partitions are a view apart from them.
func viewFolders(entries []store.Entry) []viewFolder {
	type place struct {
		path string
		deep bool
	}
	byPlace := map[place]*viewFolder{}
	var order []place
	for _, e := range entries {
		dir := path.Dir(e.Path)
		segments := strings.Split(dir, "/")
		at := place{path: dir}
		if i := slices.IndexFunc(segments, partitionLike.MatchString); i >= 0 {
			at = place{cmp.Or(path.Join(segments[:i]...), "."), true}
		}
		folder := byPlace[at]
		if folder == nil {
			folder = &viewFolder{path: at.path, deep: at.deep}
			byPlace[at] = folder
			order = append(order, at)
		}
		if at.deep {
			folder.dirs = append(folder.dirs, strings.TrimPrefix(dir, strings.TrimPrefix(at.path+"/", "./")))
		}
	}
	folders := make([]viewFolder, len(order))
	for i, at := range order {
		folders[i] = *byPlace[at]
		slices.Sort(folders[i].dirs)
		folders[i].dirs = slices.Compact(folders[i].dirs)
		folders[i].alone = !slices.ContainsFunc(order, func(other place) bool {
			return other != at && (at.path == "." || other.path == at.path || strings.HasPrefix(other.path, at.path+"/"))
		})
	}
	return folders
}

// glob is what the config names: all below for partitions, only these where other views lie below the same folder, else
// the folder's own files.
func (f viewFolder) glob() string {
	switch {
	case f.only != "":
		return escapeGlob(f.only)
	case !f.deep:
		return "*.parquet"
	case f.alone:
		return "**/*.parquet"
	}
	var first []string
	for _, dir := range f.dirs {
		segment, _, _ := strings.Cut(dir, "/")
		if key, _, hive := strings.Cut(segment, "="); hive {
			segment = escapeGlob(key) + "=*"
		} else if strings.Trim(segment, "0123456789-_") == "" {
			segment = "[0-9]*" // with a wildcard, so that the date is below the fixed part of the path
		} else {
			segment = escapeGlob(segment)
		}
		first = append(first, segment)
	}
	slices.Sort(first)
	if first = slices.Compact(first); len(first) == 1 {
		return first[0] + "/**/*.parquet"
	}
	return "{" + strings.Join(first, ",") + "}/**/*.parquet"
}

// parametersOf are what stands behind an address, with its question mark.
func parametersOf(name string) string { return strings.TrimPrefix(name, store.Bare(name)) }

func relativeGlob(base, root, folder, glob string) (string, error) {
	if inBucket(root) {
		name := strings.TrimSuffix(store.Join(root, folder), "/")
		if rest, below := strings.CutPrefix(name+"/", strings.TrimSuffix(base, "/")+"/"); below {
			return strings.TrimPrefix(rest+store.Bare(glob), "/"), nil
		}
		return name + "/" + glob, nil
	}
	rel, err := filepath.Rel(base, filepath.Join(root, filepath.FromSlash(folder)))
	if err != nil {
		return "", fmt.Errorf("path of %s from %s: %w", root, base, err)
	}
	return path.Join(filepath.ToSlash(rel), glob), nil
}

// folderViews guesses the roles of a folder's views from the footers of its files. Their paths start from the folder.
func (c *cli) folderViews(ctx context.Context, folder string, f viewFolder) ([]policy.StarterView, error) {
	view := model.View{Name: filepath.Base(folder), Path: f.glob(), Root: folder, Origins: model.Origins{}}
	_, footers, err := c.footersOf(ctx, view, c.now())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	surveyed := footers.Survey
	if tables := tablesOf(surveyed); !f.deep && len(tables) > 1 {
		return tableViews(surveyed, tables), nil
	}
	if f.only != "" {
		view.Name = baseOf(f.only)
	}
	starter := policy.StarterView{Name: view.Name, Path: f.glob(), Guesses: map[string]string{}}
	if tp, note, ok := partition.Infer(f.dirs); ok {
		starter.TimePartition = tp
		starter.Guesses["time_partition"] = note
	}
	guess(&starter, surveyed)
	guessSources(&starter, f.dirs)
	return []policy.StarterView{starter}, nil
}

// guessSources takes the sources from folders that are named after one (source=batch/).
func guessSources(v *policy.StarterView, dirs []string) {
	key, names := policy.GuessSources(dirs)
	if key == "" {
		return
	}
	v.Source.Column, v.Sources = key, names
	v.Guesses["source"] = fmt.Sprintf("folders are named %s=", key)
	v.Guesses["sources"] = "the folders that are there"
}

// guess sets the roles that the columns of most files suggest.
func guess(v *policy.StarterView, s facts.Survey) {
	files := map[int32]int{}
	most := int32(-1)
	for _, f := range s.Files {
		if f.Schema < 0 {
			continue
		}
		files[f.Schema]++
		if most < 0 || files[f.Schema] > files[most] {
			most = f.Schema
		}
	}
	if most < 0 {
		return
	}
	for role, g := range policy.GuessRoles(s.Schemas[most].Columns) {
		v.Guesses[role] = g.Why
		switch role {
		case "event_time":
			v.EventTime.Column = g.Columns[0]
			if column := s.Schemas[most].Lookup(g.Columns[0]); column != nil {
				v.Naive = naive(s.Schemas[most].Encoding(*column))
			}
		case "ingested_at":
			v.IngestedAt.Column = g.Columns[0]
		case "source":
			v.Source.Column = g.Columns[0]
		case "entity":
			v.Entity = g.Columns
		case "key":
			v.Key = g.Columns
		}
	}
}

// naive says whether times of an encoding need a zone to become instants.
func naive(e facts.Encoding) bool {
	switch e {
	case facts.EncodingNaive, facts.EncodingInt96Naive, facts.EncodingTextNaive, facts.EncodingDate:
		return true
	default:
		return false
	}
}
