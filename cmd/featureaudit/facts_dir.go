package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine/trino"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/store"
)

// factsFlags say where facts of files are kept, and whether they are trusted.
type factsFlags struct {
	dir      string
	paranoid bool
}

func (f *factsFlags) add(flags *pflag.FlagSet) {
	f.addTo(flags, "keep the facts of files in this folder, or in that of a bucket, and read only files that changed since: the report is the same (default: facts: of the config)", "trust no kept fact, and read all files")
}

func (f *factsFlags) addTo(flags *pflag.FlagSet, facts, paranoid string) {
	flags.StringVar(&f.dir, "facts", "", facts)
	flags.BoolVar(&f.paranoid, "paranoid", false, paranoid)
}

// factsIn opens the folder of kept facts that a flag or the config names; nil without one. It refuses one among the data of a view, and an
// output in it. The notes name the packs that are not used. What is read of packs in a bucket takes a part of the room of the options.
func (c *cli) factsIn(ctx context.Context, f factsFlags, p policy.Policy, outs []output, options *audit.Options) (*kept.Dir, error) {
	dir := f.dir
	if dir == "" {
		dir = under(p.Dir, p.Facts)
	}
	if dir == "" {
		return nil, nil
	}
	dir, err := c.factsPath(dir)
	if err != nil {
		return nil, err
	}
	if err := c.refuseFacts(ctx, dir, outs, p.Views); err != nil {
		return nil, err
	}
	room := int64(0)
	if inBucket(dir) {
		room = audit.StageRoom(options.StageLimit, options.TempDir) / 4
		options.StageShared = true
	} else if err := kept.Prepare(dir, c.now()); err != nil {
		if errors.As(err, new(kept.UnfitError)) {
			return nil, usage(err)
		}
		return nil, err
	}
	folder, err := c.factsFolder(ctx, dir, options.TempDir, room)
	if err != nil {
		return nil, err
	}
	return folder.Open(ctx)
}

// factsPath is a folder of kept facts as it is opened: a path from the root, or an address.
func (c *cli) factsPath(dir string) (string, error) {
	if !inBucket(dir) {
		return absolute(dir)
	}
	if err := c.stores.buckets.Valid(dir); err != nil {
		return "", usage(err)
	}
	if _, key := store.Split(store.Bare(dir)); strings.Trim(key, "/") == "" {
		return "", usagef("facts %s: name a folder in the bucket, such as %s/facts", dir, strings.TrimRight(store.Bare(dir), "/"))
	}
	return dir, nil
}

// factsFolder is the folder of kept facts of a path or an address. What a bucket's packs need here lies in a folder of its own in temp, which is
// removed at the end of the command, and of which copies take no more than room.
func (c *cli) factsFolder(ctx context.Context, dir, temp string, room int64) (kept.Folder, error) {
	if !inBucket(dir) {
		return kept.Local(dir), nil
	}
	own, err := os.MkdirTemp(temp, "featureaudit-*")
	if err != nil {
		return kept.Folder{}, fmt.Errorf("create a folder for what is kept in %s: %w; name a folder that this user can write to with --temp-dir or TMPDIR", store.Bare(dir), err)
	}
	c.temps.add(own, false)
	c.later(func() { _ = os.RemoveAll(own) }) // what is left is a copy
	return kept.InBucket(ctx, c.stores.buckets, dir, own, room), nil
}

func (c *cli) refuseFacts(ctx context.Context, dir string, outs []output, views []model.View) error {
	file := filepath.Join(dir, filepath.FromSlash(kept.ExamplePath))
	if inBucket(dir) {
		file = store.Join(store.Bare(dir), kept.ExamplePath)
	}
	example := candidateAt(file)
	for _, v := range views {
		claimed, err := c.dataOf(ctx, v, example)
		if err != nil {
			return err
		}
		if claimed != "" {
			return usagef("--facts %s: its files would be data of view %s, by its path %s: choose another folder", dir, v.Name, v.Path)
		}
	}
	for _, out := range outs {
		if inFacts(dir, out.path) {
			return usagef("--out %s=%s: it lies in the facts %s, where only facts are kept: choose another path", out.format, out.path, dir)
		}
	}
	return nil
}

// refuseFactsInTables refuses a folder of facts in that of a table whose path the view leaves to the cluster: what cleans a table up removes what it
// does not know. A table that cannot be described is for the audit to say.
func (c *cli) refuseFactsInTables(ctx context.Context, f factsFlags, p policy.Policy, cluster *trino.Cluster) error {
	dir := cmp.Or(f.dir, under(p.Dir, p.Facts))
	if dir == "" || cluster == nil {
		return nil
	}
	dir, err := c.factsPath(dir)
	if err != nil {
		return err
	}
	for _, v := range p.Views {
		if v.Table.Trino == "" || v.Path != "" {
			continue
		}
		folder, err := cluster.Folder(ctx, v)
		var said *trino.Error
		switch {
		case errors.As(err, &said) && said.Name != "":
			continue // the cluster answers: it may describe the next table
		case err != nil:
			return nil
		case inFacts(folder, store.Bare(dir)):
			return usagef("--facts %s: it lies in the folder of the table %s of view %s: choose another folder", dir, v.Table.Trino, v.Name)
		}
	}
	return nil
}

// inFacts says whether an output goes into a folder of kept facts.
func inFacts(dir, path string) bool {
	switch {
	case dir == "" || path == "" || inBucket(dir) != inBucket(path):
		return false
	case inBucket(dir):
		return strings.HasPrefix(path, strings.TrimRight(store.Bare(dir), "/")+"/")
	}
	return within(dir, path)
}
