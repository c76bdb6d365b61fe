package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/verify"
)

// factsFlags say where facts of files are kept, and whether they are trusted.
type factsFlags struct {
	dir      string
	paranoid bool
}

func (f *factsFlags) add(flags *pflag.FlagSet) {
	f.addTo(flags, "keep the facts of files in this folder, and read only files that changed since: the report is the same (default: facts: of the config)", "trust no kept fact, and read all files")
}

func (f *factsFlags) addTo(flags *pflag.FlagSet, facts, paranoid string) {
	flags.StringVar(&f.dir, "facts", "", facts)
	flags.BoolVar(&f.paranoid, "paranoid", false, paranoid)
}

// contentFacts is what --facts does for what files hold.
const contentFacts = "keep the content sums of files in this folder, and read only files that changed since (default: facts: of the config)"

// factsOfContent is a folder of kept facts as far as it knows what files hold.
type factsOfContent struct {
	dir    *kept.Dir
	memory *verify.Memory
	asOf   times.Instant
}

// contentFacts opens the folder of kept facts for what files hold; without one nothing is known or kept.
func (c *cli) contentFacts(ctx context.Context, f factsFlags, p policy.Policy, outs []output, asOf times.Instant) (factsOfContent, error) {
	dir, err := c.factsIn(ctx, f, p, outs)
	return factsOfContent{dir, verify.NewMemory(dir, f.paranoid, asOf), asOf}, err
}

// commit keeps what was read, and says what of the folder was not trusted or not written.
func (f factsOfContent) commit() []string {
	if f.dir == nil {
		return nil
	}
	notes := f.dir.NotUsed()
	if err := f.dir.Commit(kept.Note{By: version, AsOf: f.asOf}); err != nil {
		notes = append(notes, err.Error())
	}
	return notes
}

// close gives up what was not committed.
func (f factsOfContent) close() {
	if f.dir != nil {
		_ = f.dir.Close() // what could not be removed is tidied by a later run
	}
}

// factsIn opens the folder of kept facts that a flag or the config names; nil without one. It refuses one among the data of a view, and an
// output in it. The notes name the packs that are not used.
func (c *cli) factsIn(ctx context.Context, f factsFlags, p policy.Policy, outs []output) (*kept.Dir, error) {
	dir := f.dir
	if dir == "" {
		dir = under(p.Dir, p.Facts)
	}
	if dir == "" {
		return nil, nil
	}
	if err := localOnly(dir); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := c.refuseFacts(ctx, dir, outs, p.Views); err != nil {
		return nil, err
	}
	if err := kept.Prepare(dir, c.now()); err != nil {
		return nil, err
	}
	return kept.Open(ctx, dir)
}

func (c *cli) refuseFacts(ctx context.Context, dir string, outs []output, views []model.View) error {
	for _, v := range views {
		claimed, err := c.dataOf(ctx, v, filepath.Join(dir, filepath.FromSlash(kept.ExamplePath)))
		if err != nil {
			return err
		}
		if claimed != "" {
			return usagef("--facts %s: its files would be data of view %s, by its path %s: choose another folder", dir, v.Name, v.Path)
		}
	}
	for _, out := range outs {
		if out.path != "" && within(dir, out.path) {
			return usagef("--out %s=%s: it lies in the facts %s, where only facts are kept: choose another path", out.format, out.path, dir)
		}
	}
	return nil
}
