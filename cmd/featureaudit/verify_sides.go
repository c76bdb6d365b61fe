package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/verify"
)

// base are the definitions that a folder of data is read by.
type base struct {
	load func() (loaded, error)
	done bool
	got  loaded
	err  error
}

func (b *base) views() (loaded, error) {
	if !b.done {
		b.done = true
		b.got, b.err = b.load()
	}
	return b.got, b.err
}

// sides opens what --before and --after name.
type sides struct {
	c     *cli
	flags verifyFlags
	named *base       // the definitions that data without its own is read by
	files []io.Closer // what stays open until the end
}

// open opens what a flag names: a version of a table, a folder, a config, a report, or a snapshot.
func (s *sides) open(ctx context.Context, flag, name string) (verify.Input, error) {
	if ref, ok := tableRefOf(name); ok {
		return s.data(flag, name, "a version of a table", func(views []model.View) ([]model.View, error) { return s.c.atVersion(ref, views, s.flags.views) })
	}
	at, err := s.c.sidePlace(ctx, name)
	if err != nil {
		return verify.Input{}, fmt.Errorf("--%s: %w", flag, err)
	}
	config, err := s.c.asConfig(ctx, name)
	if err != nil {
		return verify.Input{}, fmt.Errorf("--%s: %w", flag, err)
	}
	switch {
	case at.folder && unpackedSnapshot(name):
		snapshot, err := verify.OpenSnapshot(name)
		return verify.Input{Kind: verify.Snapshot, Name: store.Bare(name), Snapshot: &snapshot}, usage(err)
	case at.folder && config == "":
		return s.data(flag, name, "a folder of data", func(views []model.View) ([]model.View, error) { return s.c.movedTo(ctx, name, views, s.flags.views) })
	case config != "":
		return s.config(ctx, name)
	case s.c.namesReport(ctx, name):
		return s.report(ctx, name)
	}
	return s.snapshot(ctx, flag, name)
}

// data is data without definitions of its own: those of --config, or of --path with its columns, are led to it.
func (s *sides) data(flag, name, what string, lead func([]model.View) ([]model.View, error)) (verify.Input, error) {
	in := verify.Input{Kind: verify.Data, Name: store.Bare(name)}
	named, err := s.named.views()
	if err != nil {
		return in, fmt.Errorf("--%s %s: it is %s, and needs definitions (--config, or --path with its columns): %w", flag, name, what, err)
	}
	in.Views, err = lead(named.Views)
	in.Digest = named.Digest
	return in, err
}

func (s *sides) config(ctx context.Context, name string) (verify.Input, error) {
	got, err := s.c.load(ctx, definitionFlags{set: s.flags.set}, []string{name})
	if s.named.got.Facts == "" && !s.named.done {
		s.named.got.Dir, s.named.got.Facts, s.named.got.Suppressions = got.Dir, got.Facts, got.Suppressions
	}
	return verify.Input{Kind: verify.Data, Name: store.Bare(name), Views: got.Views, Digest: got.Digest}, err
}

func (s *sides) report(ctx context.Context, name string) (verify.Input, error) {
	in := verify.Input{Kind: verify.Counts, Name: store.Bare(name)}
	r, err := s.c.readReport(ctx, name)
	if err != nil {
		return in, err
	}
	at, err := parseInstant("as-of", r.AsOf)
	if err != nil {
		return in, err
	}
	side := verify.FromReport(name, r, times.At(at), func(text string) times.Instant {
		start, err := parseInstant("start", text)
		if err != nil {
			return times.None
		}
		return times.At(start)
	})
	in.Report = &side
	return in, nil
}

func (s *sides) snapshot(ctx context.Context, flag, name string) (verify.Input, error) {
	in := verify.Input{Kind: verify.Snapshot, Name: store.Bare(name)}
	path, err := name, error(nil)
	if inBucket(name) {
		if path, err = s.c.heldUpTo(ctx, name, math.MaxInt64); err != nil {
			return in, fmt.Errorf("--%s: %w", flag, err)
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return in, err
	}
	s.files = append(s.files, file)
	s.c.reads.add(name)
	info, err := file.Stat()
	if err != nil {
		return in, err
	}
	snapshot, err := verify.ReadSnapshot(store.Bare(name), file, info.Size())
	if err != nil {
		return in, usagef("--%s: %w, a config, a folder of data, or a report", flag, err)
	}
	in.Snapshot = &snapshot
	return in, nil
}

func (s *sides) close() {
	for _, one := range s.files {
		one.Close()
	}
}

// unpackedSnapshot says whether a folder is a snapshot's archive unpacked, and no folder of data.
func unpackedSnapshot(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "manifest.json"))
	_, noTable := os.Stat(filepath.Join(dir, "partitions.parquet"))
	return err == nil && noTable == nil
}

// sidePlace is what stands at the name of a side; nothing there is an error.
func (c *cli) sidePlace(ctx context.Context, name string) (placed, error) {
	if !inBucket(name) {
		if err := localOnly(name); err != nil {
			return placed{}, err
		}
		if _, err := os.Stat(name); err != nil {
			return placed{}, usagef("%w; expected a config, a folder of data, a snapshot, or a report", err)
		}
	}
	at, err := c.placed(ctx, name)
	if err == nil && at == (placed{}) {
		err = usagef("%s: there is no such object and no such folder; expected a config, a folder of data, a snapshot, or a report", store.Bare(name))
	}
	return at, err
}

// movedTo are views whose data lies in another folder: below it by the same paths, or where one view alone is meant all of it.
func (c *cli) movedTo(ctx context.Context, dir string, views []model.View, names []string) ([]model.View, error) {
	root, err := absolute(store.Bare(dir))
	if err != nil {
		return nil, err
	}
	var moved []model.View
	meant := selected(views, names)
	for _, v := range meant {
		fixed := v.Path
		if i := strings.IndexAny(fixed, "*?[{"); i >= 0 {
			fixed = fixed[:i]
		}
		if !strings.HasSuffix(fixed, "/") {
			fixed = filepath.Dir(fixed)
		}
		relative := !filepath.IsAbs(v.Path) && store.Scheme(v.Path) == ""
		below := placed{}
		if relative && filepath.Clean(fixed) != "." {
			if below, err = c.placed(ctx, store.Join(root, fixed)); err != nil && inBucket(root) {
				return nil, err
			}
		}
		switch {
		case below != (placed{}):
			v.Root = root
		case len(meant) == 1 && c.holdsTable(ctx, root):
			v.Root, v.Path = root, root
		case len(meant) == 1:
			v.Root, v.Path = root, "**/*.parquet"
		case filepath.Clean(fixed) == "." && relative:
			v.Root = root
		default:
			return nil, usagef("%s: it holds no %s, where the data of view %s would lie; name one view with --view if the folder is its own", dir, fixed, v.Name)
		}
		moved = append(moved, v)
	}
	return moved, nil
}

// knownSides refuses the name of a view that neither side has.
func knownSides(names []string, o *verify.Options) error {
	known := slices.Concat(o.Before.Names(), o.After.Names())
	slices.Sort(known)
	known = slices.Compact(known)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return usagef("--view %q: no such view; %sviews: %s", name, policy.DidYouMean(name, known), strings.Join(known, ", "))
		}
	}
	return nil
}
