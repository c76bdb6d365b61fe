package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
)

// originArgument is the origin of a definition that the command line names.
const originArgument = "argument"

// defaultConfig is the config file that is looked for in a directory.
const defaultConfig = "featureaudit.yaml"

// definitionFlags say which views to look at, for run and plan.
type definitionFlags struct {
	config     string
	path       string
	name       string
	eventTime  string
	ingestedAt string
	key        []string
	entity     []string
	ttl        string
	set        []string
}

func (f *definitionFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.config, "config", "", "config file (default ./"+defaultConfig+")")
	flags.StringVar(&f.path, "path", "", "audit one view without a config: a glob (** * ? [] {a,b}), a directory or a file")
	flags.StringVar(&f.name, "name", "", "with --path: the view's name (default: from the path)")
	flags.StringVar(&f.eventTime, "event-time", "", "with --path: the column of the event time")
	flags.StringVar(&f.ingestedAt, "ingested-at", "", "with --path: the column of the ingest time")
	flags.StringArrayVar(&f.key, "key", nil, "with --path: the columns that may not repeat (a,b)")
	flags.StringArrayVar(&f.entity, "entity", nil, "with --path: the columns of the entity (a,b)")
	flags.StringVar(&f.ttl, "ttl", "", "with --path: how long a row stays valid (24h, 7d, P1D)")
	flags.StringArrayVar(&f.set, "set", nil, "any key of a view for this run, over all else: VIEW.KEY=VALUE, or with --path KEY=VALUE (repeatable)")
}

// shorthand is the first flag given that means something only with --path, or "".
func (f definitionFlags) shorthand() string {
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"--name", f.name != ""}, {"--event-time", f.eventTime != ""}, {"--ingested-at", f.ingestedAt != ""},
		{"--key", len(f.key) > 0}, {"--entity", len(f.entity) > 0}, {"--ttl", f.ttl != ""},
	} {
		if flag.given {
			return flag.name
		}
	}
	return ""
}

// loaded is the policy to audit by, and what was read to know it.
type loaded struct {
	policy.Policy
	read []report.Definition
}

// load reads the config and the definitions that it names, or what the flags or arguments say in its place.
func (c *cli) load(ctx context.Context, f definitionFlags, refs []string) (loaded, error) {
	if f.path != "" {
		return c.fromFlags(ctx, f, refs)
	}
	if flag := f.shorthand(); flag != "" {
		return loaded{}, usagef("%s without --path: write it into the config file, or name the files with --path GLOB", flag)
	}
	if len(refs) > 0 && c.isParquet(ctx, refs[0]) {
		hint := "name it with --path " + refs[0]
		if more := expanded(refs); more != "" {
			hint = "name the files with --path; " + more
		}
		return loaded{}, usagef("%s: a Parquet file is data, not definitions: %s", refs[0], hint)
	}
	config, rest, err := c.findConfig(ctx, f, refs)
	if err != nil {
		return loaded{}, err
	}
	if _, err := os.Stat(config); len(f.set) > 0 && errors.Is(err, fs.ErrNotExist) && config == defaultConfig {
		return loaded{}, usagef("--set without --path: there is no ./%s whose views it could change; name the config, or the files with --path GLOB", defaultConfig)
	}
	file, err := c.readConfig(ctx, config)
	if err != nil {
		return loaded{}, err
	}
	definitions := slices.Clone(file.Definitions)
	for _, ref := range rest {
		definitions = append(definitions, policy.DefinitionRef{Ref: ref, Origin: originArgument})
	}
	views, read, err := c.readDefinitions(ctx, file.Dir, definitions)
	if err != nil {
		return loaded{}, err
	}
	dir := file.Dir
	if len(f.set) > 0 { // where only a config says paths, the working directory may be one that nobody may look at
		if dir, err = os.Getwd(); err != nil {
			return loaded{}, fmt.Errorf("working directory: %w", err)
		}
	}
	p, err := file.ResolveWith(views, dir, f.set, parseOptions())
	return loaded{Policy: p, read: read}, usage(err)
}

func (c *cli) fromFlags(ctx context.Context, f definitionFlags, refs []string) (loaded, error) {
	if hint := expanded(append([]string{f.path}, refs...)); hint != "" {
		if found, err := c.asConfig(ctx, refs[0]); err != nil || found != "" {
			hint = ""
		}
		if hint != "" {
			return loaded{}, usagef("--path %s: %d more names follow it: %s", f.path, len(refs), hint)
		}
	}
	if err := c.stores.readable(f.path); err != nil && !f.namesTable() {
		return loaded{}, fmt.Errorf("--path: %w", err)
	}
	if f.config != "" || len(refs) > 0 {
		return loaded{}, usagef("--path audits one view without a config: leave out %s", strings.Join(append(nonEmpty("--config "+f.config, f.config), refs...), " and "))
	}
	dir, err := os.Getwd()
	if err != nil {
		return loaded{}, fmt.Errorf("working directory: %w", err)
	}
	p, err := policy.FromFlags(policy.RunFlags{
		Dir: dir, Path: f.path, Name: f.name, EventTime: f.eventTime, IngestedAt: f.ingestedAt,
		Key: columns(f.key), Entity: columns(f.entity), TTL: f.ttl, Set: f.set,
	}, parseOptions())
	return loaded{Policy: p}, usage(err)
}

// namesTable says that the path is the address of a catalog, of which --set says a table.
func (f definitionFlags) namesTable() bool {
	scheme := store.Scheme(f.path)
	return (scheme == "http" || scheme == "https") && slices.ContainsFunc(f.set, func(set string) bool { return strings.HasPrefix(set, "table.") || strings.HasPrefix(set, "table=") })
}

func nonEmpty(text, value string) []string {
	if value == "" {
		return nil
	}
	return []string{text}
}

// columns splits "a,b"; a flag may also be repeated.
func columns(values []string) []string {
	var names []string
	for _, value := range values {
		names = append(names, strings.Split(value, ",")...)
	}
	return names
}

// findConfig picks the config among --config and the arguments; the rest are definitions.
func (c *cli) findConfig(ctx context.Context, f definitionFlags, refs []string) (config string, rest []string, err error) {
	config = f.config
	for _, ref := range refs {
		found, err := c.asConfig(ctx, ref)
		switch {
		case err != nil:
			return "", nil, err
		case found == "":
			rest = append(rest, ref)
		case config != "":
			return "", nil, usagef("two config files, %s and %s: an audit has one; run them one by one, or name one under definitions: of the other", config, found)
		default:
			config = found
		}
	}
	if config == "" && len(rest) == 0 {
		config = defaultConfig
	}
	return config, rest, nil
}

// asConfig is the config file that an argument names or holds, or "" where it is something else.
func (c *cli) asConfig(ctx context.Context, ref string) (string, error) {
	at, err := c.placed(ctx, ref)
	if err != nil && inBucket(ref) {
		return "", err
	}
	switch {
	case at.folder:
		name := store.Join(store.Bare(ref), defaultConfig)
		inside, err := c.placed(ctx, name)
		if err != nil && inBucket(ref) {
			return "", err
		}
		if inside.file {
			return name, nil
		}
		return "", nil
	case !at.file || !isYAML(store.Bare(ref)):
		return "", nil
	}
	if info, err := os.Stat(ref); !inBucket(ref) && (err != nil || !info.Mode().IsRegular()) {
		return "", nil // what is read from a pipe is gone
	}
	file, err := c.here(ctx, ref)
	if err != nil && inBucket(ref) {
		return "", err
	}
	raw, err := os.ReadFile(file)
	if err != nil || !looksLikeConfig(raw) {
		return "", nil // who reads it says why it cannot be read
	}
	return ref, nil
}

func isYAML(name string) bool {
	extension := filepath.Ext(name)
	return extension == ".yaml" || extension == ".yml"
}

// looksLikeConfig tells our config from other YAML: it alone has a version and no apiVersion at the top level.
func looksLikeConfig(raw []byte) bool {
	has := func(key string) bool {
		for line := range strings.Lines(string(raw)) {
			if strings.HasPrefix(line, key+":") {
				return true
			}
		}
		return false
	}
	return has("version") && !has("apiVersion") && (has("views") || has("definitions") || has("defaults"))
}

// readConfig reads a config file; without a name there is none, and definitions alone say what to audit.
func (c *cli) readConfig(ctx context.Context, path string) (*policy.File, error) {
	if path == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("working directory: %w", err)
		}
		return &policy.File{Dir: dir}, nil
	}
	if inBucket(path) {
		return c.readDistantConfig(ctx, path)
	}
	if err := localOnly(path); err != nil {
		return nil, err
	}
	c.reads.add(path)
	file, err := policy.Load(path, parseOptions())
	var system *fs.PathError
	if errors.As(err, &system) && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return file, usage(err)
}

// readDistantConfig reads a config that lies in a bucket. Its relative paths start from its folder there.
func (c *cli) readDistantConfig(ctx context.Context, address string) (*policy.File, error) {
	c.reads.add(address)
	file, err := c.held(ctx, address)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("config %s: there is no such object: check its name, and whether it is in this bucket", store.Bare(address))
	}
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	config, err := policy.LoadCopy(file, store.Bare(address), parseOptions())
	return config, usage(err)
}

// parseOptions lets the config name the checks of the catalogue, each with its own parameters, and under suppress: the
// rules of diff and lint too.
func parseOptions() policy.ParseOptions {
	parameters := map[string][]string{}
	for _, c := range check.Catalogue() {
		if c.Scope != check.ScopeView {
			continue
		}
		for _, p := range check.Params(c) {
			parameters[c.ID] = append(parameters[c.ID], p.Name)
		}
	}
	ids := policyIDs()
	for _, c := range check.Backfill() {
		ids = append(ids, c.ID)
	}
	return policy.ParseOptions{Checks: ids, Parameters: parameters}
}
