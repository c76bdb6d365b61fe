package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/model"
)

// RunFlags are the flags of `run --path`, which audits one view without a config file.
type RunFlags struct {
	// Dir is the working directory that a relative Path starts from.
	Dir string
	// Path is a glob, a folder or a file; required.
	Path string
	// Name of the view; empty derives it from Path.
	Name       string
	EventTime  string
	IngestedAt string
	Key        []string
	Entity     []string
	TTL        string
	// Set are KEY=VALUE pairs: KEY is any key of a view by its dotted path, VALUE is YAML. Of two the later wins.
	Set []string
}

// defaultViewName is what a view is called whose path gives it no name.
const defaultViewName = "view"

// FromFlags makes the policy of the one view that the flags describe. Two ways of setting one key (a flag of its own
// and --set) are an error that names both.
func FromFlags(f RunFlags, options ...ParseOptions) (Policy, error) {
	if f.Path == "" {
		return Policy{}, errors.New(`--path is empty: expected a path or glob such as "data/transactions/**/*.parquet"`)
	}
	dir, err := filepath.Abs(f.Dir)
	if err != nil {
		return Policy{}, fmt.Errorf("working directory %s: %w", f.Dir, err)
	}
	name := f.Name
	if name == "" {
		name = viewName(f.Path)
	}
	view := model.View{Name: name, Root: dir, Origins: model.Origins{}}
	owner := map[string]string{} // which flag of its own set a key
	var errs []error
	for _, s := range f.shorthands() {
		layer, err := readFlag(s.flag, "flag "+s.flag, s.key, s.node, options)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for key := range layer.Origins {
			owner[key] = s.flag
		}
		layer.Root = dir
		merge(&view, layer)
	}
	for _, text := range f.Set {
		layer, err := readSet(text, options)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(layer.Origins)) {
			if flag, twice := owner[key]; twice {
				errs = append(errs, fmt.Errorf("%s and --set %s both set %s: keep one", flag, text, key))
			}
		}
		layer.Root = dir
		merge(&view, layer)
	}
	if err := errors.Join(errs...); err != nil {
		return Policy{}, err
	}
	view.Origins["name"] = model.Written("flag --path")
	if f.Name != "" {
		view.Origins["name"] = model.Written("flag --name")
	}
	file := File{Dir: dir, Digest: f.digest(name), Views: []model.View{view}}
	return file.Resolve(nil)
}

// digest covers what the flags say, and not the folder that they are said in.
func (f RunFlags) digest(name string) string {
	h := sha256.New()
	fmt.Fprintf(h, "name %q\n", name)
	for _, s := range f.shorthands() {
		fmt.Fprintf(h, "%s", s.flag)
		for _, n := range append([]*yaml.Node{s.node}, s.node.Content...) {
			fmt.Fprintf(h, " %q", n.Value)
		}
		fmt.Fprintln(h)
	}
	for _, text := range f.Set {
		fmt.Fprintf(h, "--set %q\n", text)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// shorthand is a flag of its own for one key.
type shorthand struct {
	flag string
	key  string
	node *yaml.Node
}

func (f RunFlags) shorthands() []shorthand {
	var list []shorthand
	text := func(flag, key, value string) {
		if value != "" {
			list = append(list, shorthand{flag, key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}})
		}
	}
	columns := func(flag, key string, values []string) {
		if len(values) == 0 {
			return
		}
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, v := range values {
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v})
		}
		list = append(list, shorthand{flag, key, n})
	}
	text("--path", "path", f.Path)
	text("--event-time", "event_time", f.EventTime)
	text("--ingested-at", "ingested_at", f.IngestedAt)
	columns("--key", "key", f.Key)
	columns("--entity", "entity", f.Entity)
	text("--ttl", "ttl", f.TTL)
	return list
}

// readSet reads KEY=VALUE as the view that has this key only.
func readSet(text string, options []ParseOptions) (model.View, error) {
	name, value, found := strings.Cut(text, "=")
	flag := "--set " + shorten(text)
	if !found || name == "" {
		return model.View{}, fmt.Errorf("%s: expected KEY=VALUE, such as max_age=6h or sources.streaming.max_age=10m", flag)
	}
	if strings.TrimSpace(value) == "" {
		// a template that renders to nothing must not take back what a definition promises
		return model.View{}, fmt.Errorf("%s: found no value: give it one, or leave the flag out", flag)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(value), &doc); err != nil {
		return model.View{}, fmt.Errorf("%s: the value is not valid YAML: %s: put it in quotes, as in KEY='\"VALUE\"'", flag,
			yamlLine.ReplaceAllString(err.Error(), ""))
	}
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if len(doc.Content) > 0 {
		node = doc.Content[0]
	}
	layer, err := readFlag(flag, "flag --set", name, node, options)
	if err == nil && len(layer.Origins) == 0 {
		return layer, fmt.Errorf("%s: it sets nothing: maps merge key by key; name a key below %s", flag, name)
	}
	return layer, err
}

// readOverrides reads VIEW.KEY=VALUE texts as views that have these keys only, by name.
func readOverrides(sets, views []string, dir string, options []ParseOptions) (map[string]model.View, error) {
	overrides := map[string]model.View{}
	var errs []error
	for _, text := range sets {
		name, rest, err := splitOverride(text, views)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		layer, err := readSet(rest, options)
		if err != nil {
			errs = append(errs, fmt.Errorf("view %q: %w", name, err))
			continue
		}
		layer.Root = dir
		view, known := overrides[name]
		if !known {
			view = model.View{Name: name, Root: dir, Origins: model.Origins{}}
		}
		merge(&view, layer)
		overrides[name] = view
	}
	return overrides, errors.Join(errs...)
}

// splitOverride takes the view's name off VIEW.KEY=VALUE. A name may have dots in it: the longest counts that leaves a
// key of a view.
func splitOverride(text string, views []string) (name, rest string, err error) {
	path, _, found := strings.Cut(text, "=")
	flag := "--set " + shorten(text)
	if !found || path == "" {
		return "", "", fmt.Errorf("%s: expected VIEW.KEY=VALUE, such as transactions.max_age=6h, or with --path KEY=VALUE", flag)
	}
	keys := names(viewKeys)
	longest := ""
	for _, view := range views {
		key, isPrefix := strings.CutPrefix(path, view+".")
		if !isPrefix || len(view) < len(name) {
			continue
		}
		longest = view
		if first, _, _ := strings.Cut(key, "."); slices.Contains(keys, first) {
			name = view
		}
	}
	if name == "" {
		name = longest // its key is unknown, and the reader says so
	}
	if name != "" {
		return name, text[len(name)+1:], nil
	}
	first, _, dotted := strings.Cut(path, ".")
	switch {
	case slices.Contains(keys, first):
		return "", "", fmt.Errorf("%s: it names no view: write VIEW.%s; views: %s", flag, shorten(text), strings.Join(views, ", "))
	case !dotted:
		return "", "", fmt.Errorf("%s: expected VIEW.KEY=VALUE, such as transactions.max_age=6h; views: %s", flag, strings.Join(views, ", "))
	}
	return "", "", fmt.Errorf("%s: no view %q: %sviews: %s", flag, overrideName(path, keys), DidYouMean(overrideName(path, keys), views), strings.Join(views, ", "))
}

// overrideName is what was probably meant as the view's name: all before the first part that is a key of a view.
func overrideName(path string, keys []string) string {
	parts := strings.Split(path, ".")
	for i := 1; i < len(parts); i++ {
		if slices.Contains(keys, parts[i]) {
			return strings.Join(parts[:i], ".")
		}
	}
	return strings.Join(parts[:len(parts)-1], ".")
}

// readFlag reads a value under its dotted key by the same tables as the file.
func readFlag(flag, origin, key string, node *yaml.Node, options []ParseOptions) (model.View, error) {
	d := newDecoder(flag, origin, options)
	d.flag = true
	parts := strings.Split(key, ".")
	for _, part := range slices.Backward(parts) {
		name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: part}
		node = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{name, node}}
	}
	v := model.View{Origins: model.Origins{}}
	c := cursor{d: d, node: node, at: node, name: "the view", scope: "in the view", origins: v.Origins}
	readMap(c, viewKeys, &v)
	return v, d.err()
}

// viewName is the last folder of the fixed part of a glob that is no partition, or a single file's base name. A file of an Iceberg table's
// metadata stands for the table's folder.
func viewName(glob string) string {
	_, rest := cutScheme(filepath.ToSlash(glob))
	segments := strings.Split(rest, "/")
	if n := len(segments) - 2; n > 0 && segments[n] == "metadata" && strings.Contains(segments[n+1], ".metadata.json") && !hasMeta(rest) {
		segments = segments[:n]
	}
	if last := segments[len(segments)-1]; !hasMeta(rest) && path.Ext(last) != "" {
		segments[len(segments)-1] = strings.TrimSuffix(last, path.Ext(last))
	}
	name := ""
	for i, segment := range segments {
		if hasMeta(segment) || (i == len(segments)-1 && hasMeta(rest)) {
			break
		}
		if segment != "" && segment != "." && segment != ".." && !strings.Contains(segment, "=") && strings.Trim(segment, "0123456789") != "" {
			name = segment
		}
	}
	if name == "" {
		return defaultViewName
	}
	return name
}

func hasMeta(pattern string) bool { return strings.ContainsAny(pattern, `*?[{\`) }
