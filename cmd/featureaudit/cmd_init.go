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
	"runtime"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/survey"
)

const initAbout = `Writes a first config from the Parquet files below PATH: a view for each folder of files, partitions from the paths,
roles guessed from footers and names. Every guess is marked. An existing config is never replaced.`

func cmdInit(ctx context.Context, c *cli, args []string) (int, error) {
	var out outFlags
	flags := newFlags("init")
	out.add(flags, []string{"yaml"})
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
		if outs, err = parseOutputs([]string{"yaml=" + defaultConfig}, "", []string{"yaml"}); err != nil {
			return 0, err
		}
	}
	for _, o := range outs {
		if _, err := os.Lstat(o.path); o.path != "" && err == nil {
			return 0, usagef("%s is there already and is never replaced; `--out yaml=-` shows a new one", o.path)
		}
	}
	base, err := os.Getwd()
	if err != nil {
		return 0, fmt.Errorf("working directory: %w", err)
	}
	if outs[0].path != "" {
		base = filepath.Dir(outs[0].path)
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
			fmt.Fprintf(c.stderr, "wrote %s with %d views; read the lines marked guess, set each ttl and max_age, then: featureaudit run --config %s\n", o.path, len(views), o.path)
		}
	}
	return exitOK, nil
}

// starterViews finds the views below a folder; their paths are relative to base.
func (c *cli) starterViews(ctx context.Context, root, base string) ([]policy.StarterView, error) {
	files := local.New()
	listing, err := files.List(ctx, "", root)
	var none *store.NoMatchError
	var table *store.TableFormatError
	switch {
	case errors.As(err, &none), errors.As(err, &table):
		return nil, usage(err)
	case err != nil:
		return nil, err
	}
	var views []policy.StarterView
	taken := map[string]int{}
	for _, folder := range viewFolders(listing.Entries) {
		view, err := c.starterView(ctx, files, filepath.Join(listing.Root, filepath.FromSlash(folder.path)), folder)
		if err != nil {
			return nil, err
		}
		if view.Path, err = relativeGlob(base, listing.Root, folder); err != nil {
			return nil, err
		}
		taken[view.Name]++
		if n := taken[view.Name]; n > 1 {
			view.Name = fmt.Sprintf("%s_%d", view.Name, n)
		}
		views = append(views, view)
	}
	return views, nil
}

// viewFolder is a folder that holds one view: its files lie in it, or in partitions below it.
type viewFolder struct {
	path string
	// dirs are the folders of its files, relative to path.
	dirs []string
	deep bool
}

// partitionLike is a folder that is a partition and no name of a view.
var partitionLike = regexp.MustCompile(`=|^\d{4}([-_]?\d{2}([-_]?\d{2})?)?$`)

// viewFolders groups files by the part of their path that is no partition, in the order of their paths.
func viewFolders(entries []store.Entry) []viewFolder {
	byPath := map[string]*viewFolder{}
	var order []string
	for _, e := range entries {
		dir := path.Dir(e.Path)
		segments := strings.Split(dir, "/")
		at := slices.IndexFunc(segments, partitionLike.MatchString)
		name := dir
		if at >= 0 {
			name = cmp.Or(path.Join(segments[:at]...), ".")
		}
		folder := byPath[name]
		if folder == nil {
			folder = &viewFolder{path: name}
			byPath[name] = folder
			order = append(order, name)
		}
		if below, inPartition := strings.CutPrefix(dir, strings.TrimPrefix(name+"/", "./")); at >= 0 && inPartition {
			folder.deep = true
			folder.dirs = append(folder.dirs, below)
		}
	}
	folders := make([]viewFolder, len(order))
	for i, name := range order {
		folders[i] = *byPath[name]
		slices.Sort(folders[i].dirs)
		folders[i].dirs = slices.Compact(folders[i].dirs)
	}
	return folders
}

// glob is what the config names: all below for partitions, else the folder's own files.
func (f viewFolder) glob() string {
	if f.deep {
		return "**/*.parquet"
	}
	return "*.parquet"
}

func relativeGlob(base, root string, f viewFolder) (string, error) {
	rel, err := filepath.Rel(base, filepath.Join(root, filepath.FromSlash(f.path)))
	if err != nil {
		return "", fmt.Errorf("path of %s from %s: %w", root, base, err)
	}
	return path.Join(filepath.ToSlash(rel), f.glob()), nil
}

// starterView guesses one view's roles from the footers of its files.
func (c *cli) starterView(ctx context.Context, files store.Store, folder string, f viewFolder) (policy.StarterView, error) {
	view := model.View{Name: filepath.Base(folder), Path: f.glob(), Root: folder, Origins: map[string]string{}}
	starter := policy.StarterView{Name: view.Name, Guesses: map[string]string{}}
	listing, _, _, err := survey.Plan(ctx, files, view, c.now(), partition.Range{})
	if err != nil {
		return starter, fmt.Errorf("%s: %w", folder, err)
	}
	if tp, note, ok := partition.Infer(f.dirs); ok {
		starter.TimePartition = tp
		starter.Guesses["time_partition"] = note
	}
	surveyed, err := survey.Survey(ctx, files, listing, survey.RolesOf(view), runtime.GOMAXPROCS(0), nil)
	if err != nil {
		return starter, fmt.Errorf("%s: %w", folder, err)
	}
	guess(&starter, surveyed)
	return starter, nil
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
	}
	return false
}
