package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/load"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
)

// readDefinitions reads the views of registries, Feast repos and YAML files. Those that the config names start from
// its folder dir, those of the command line from the working directory.
func (c *cli) readDefinitions(ctx context.Context, dir string, refs []policy.DefinitionRef) ([]model.View, []report.Definition, error) {
	var views []model.View
	var read []report.Definition
	for _, ref := range refs {
		options := load.Options{Root: ref.Root, Parse: parseOptions(), Env: c.lookup, Opened: c.reads.add, Fetch: c.fetch}
		path := ref.Ref
		if ref.Origin != originArgument {
			path, options.Root = c.from(ctx, dir, ref.Ref), under(dir, ref.Root)
		}
		if err := c.stores.readable(options.Root); options.Root != "" && err != nil {
			return nil, nil, definitionError(ref, fmt.Errorf("root: %w", err))
		}
		d, err := load.Definitions(ctx, path, options)
		if err != nil {
			return nil, nil, definitionError(ref, err)
		}
		found, err := d.ToViews()
		if err != nil {
			return nil, nil, definitionError(ref, err)
		}
		if path != ref.Ref {
			d.Source = ref.Ref // as it is written: the report must not depend on where the config lies
		}
		views = append(views, found...)
		read = append(read, asRead(d))
	}
	return views, read, nil
}

func (c *cli) lookup(name string) (string, bool) {
	value, ok := c.env[name]
	return value, ok
}

// from is a path that starts from dir; what is no path there (an address, a revision) stays as it is.
func (c *cli) from(ctx context.Context, dir, ref string) string {
	if filepath.IsAbs(ref) || store.Scheme(ref) != "" {
		return ref
	}
	if inBucket(dir) {
		joined := store.Join(dir, ref)
		if _, _, ok := strings.Cut(ref, ":"); ok {
			if at, err := c.placed(ctx, joined); err == nil && at == (placed{}) {
				return ref
			}
		}
		return joined
	}
	joined := filepath.Join(dir, ref)
	if _, err := os.Stat(joined); err == nil {
		return joined
	}
	return ref
}

func definitionError(ref policy.DefinitionRef, err error) error {
	err = fmt.Errorf("definitions (%s): %w", ref.Origin, err)
	if load.Retryable(err) {
		return err
	}
	return usage(err)
}

// asRead is what the report says of a source of definitions.
func asRead(d registry.Definitions) report.Definition {
	r := report.Definition{Source: d.Source, Kind: d.Kind, Digest: d.Digest, UnknownFields: []report.UnknownField{}}
	for _, u := range d.UnknownFields {
		r.UnknownFields = append(r.UnknownFields, report.UnknownField{Path: u.Path, Field: u.Field, Bytes: u.Bytes})
	}
	for _, service := range d.FeatureServices {
		one := report.FeatureService{Name: service.Name, Project: service.Project}
		for _, v := range service.Views {
			one.Views = append(one.Views, v.View)
		}
		slices.Sort(one.Views)
		one.Views = slices.Compact(one.Views)
		r.FeatureServices = append(r.FeatureServices, one)
	}
	return r
}
