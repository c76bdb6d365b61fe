package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/model"
)

// Version is the version of the config file that this program reads.
const Version = 1

const (
	configHint = `expected a map that begins with "version: 1" and has "views:"; "featureaudit init PATH" writes a starter`
	viewsHint  = `expected a map with "views:", such as {views: {transactions: {path: data/transactions/**/*.parquet}}}`
)

// File is one config file as it is written: nothing is merged or filled in yet.
type File struct {
	// Name is what errors call the file; Dir is the absolute folder that its relative paths start from, which may be one of a bucket.
	Name string
	Dir  string
	// Digest is "sha256:" and the hex digest of the file's bytes.
	Digest  string
	Project string
	// Defaults is a view without a name; its Origins say which keys are set, as those of Views do.
	Defaults model.View
	// Views are sorted by name.
	Views        []model.View
	Suppressions []model.Suppression
	Consumers    []model.Consumer
	Definitions  []DefinitionRef
	// History is the folder of the history, and Baseline the file of known findings, as written; empty where there is none. Relative
	// ones start from the config file's folder.
	History, Baseline string
	// Facts is the folder of kept facts, as History is that of the history.
	Facts string
	// Engine says what reads the rows; the zero value is DuckDB.
	Engine Engine
}

// DefinitionRef is one entry of `definitions:`, as written. Relative refs start from the config file's folder.
type DefinitionRef struct {
	// Ref is a path or address of a registry, a Feast repo, our YAML or a folder of it.
	Ref string
	// Root is the folder that the registry's relative paths start from; empty where the loader is to find it.
	Root string
	// Origin is file:line of the entry.
	Origin string
}

// ParseOptions widen what is checked while parsing.
type ParseOptions struct {
	// Checks are the ids of all checks and diff rules that the file may name. Nil skips their validation.
	Checks []string
	// Parameters are the keys that each check of a view has below "checks", by its id. Nil allows every check every key.
	Parameters map[string][]string
}

// Load reads and parses the config file at path. The error of a file that is not there is fs.ErrNotExist; any other
// that does not come from reading is about the file's contents, and lists everything that is wrong with it by line.
func Load(path string, options ...ParseOptions) (*File, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("config %s: %w", path, err)
	}
	data, err := readLimited(path)
	if err != nil {
		return nil, err
	}
	// Origins enter the report, which must not depend on where the command was started: they use the base name.
	f, err := parse(path, filepath.Base(path), data, options)
	if err != nil {
		return nil, err
	}
	f.setDir(dir)
	return f, nil
}

// LoadCopy is Load for a copy of a config that lies elsewhere: errors call it by its address, from whose folder relative paths start.
func LoadCopy(file, address string, options ...ParseOptions) (*File, error) {
	data, err := readLimited(file)
	if err != nil {
		return nil, err
	}
	f, err := parse(address, path.Base(address), data, options)
	if err != nil {
		return nil, err
	}
	f.setDir(address[:strings.LastIndexByte(address, '/')])
	return f, nil
}

func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf(`%s: %w: "featureaudit init PATH" writes a starter, --config FILE names another, --path GLOB audits without one`, path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("config %s: %w", path, err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: a folder, expected a config file: name the file in it, such as %s", path, filepath.Join(path, "featureaudit.yaml"))
	}
	if info.Size() > maxBytes {
		return nil, fmt.Errorf("%s: %d bytes, expected at most %d: is it a config file?", path, info.Size(), maxBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config %s: %w", path, err)
	}
	return data, nil
}

// Parse parses a config file. Name is what errors and origins call it. All that is wrong with the file is returned
// at once, joined in the order of its lines. Relative paths are left without a folder to start from; Load sets it.
func Parse(name string, data []byte, options ...ParseOptions) (*File, error) {
	return parse(name, name, data, options)
}

// ConfigKeys are the keys of the top level that a whole config has, and a file of definitions has not.
func ConfigKeys() []string {
	return slices.DeleteFunc(names(configKeys), func(name string) bool { return slices.Contains(names(viewsFileKeys), name) })
}

// ParseViews parses a file of definitions: `views:`, and if wanted `project:`, `defaults:` and `version:`, as strict
// as a config file. The views are sorted by name and have the file's defaults and project; their Root is left empty
// for the caller, who knows the folder, and nothing is set that is not written.
func ParseViews(name string, data []byte, options ...ParseOptions) ([]model.View, error) {
	d := newDecoder(name, name, options)
	root := d.parseDocument(data, viewsHint)
	if root == nil {
		return nil, d.err()
	}
	f := File{Name: name}
	d.readFile(root, viewsFileKeys, false, &f)
	if !hasKey(root, "views") {
		d.add(root.Line, root.Column, `"views" is missing: `+viewsHint)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	views := make([]model.View, 0, len(f.Views))
	for _, v := range f.Views {
		merged := model.View{Name: v.Name, Project: f.Project}
		merge(&merged, asDefaults(f.Defaults))
		merge(&merged, v)
		views = append(views, merged)
	}
	return views, nil
}

func parse(name, label string, data []byte, options []ParseOptions) (*File, error) {
	d := newDecoder(name, label, options)
	root := d.parseDocument(data, configHint)
	if root == nil {
		return nil, d.err()
	}
	sum := sha256.Sum256(data)
	f := &File{Name: name, Digest: "sha256:" + hex.EncodeToString(sum[:])}
	d.readFile(root, configKeys, true, f)
	if err := d.err(); err != nil {
		return nil, err
	}
	return f, nil
}

func newDecoder(name, label string, options []ParseOptions) *decoder {
	d := &decoder{name: name, label: label}
	for _, o := range options {
		d.checks = append(d.checks, o.Checks...)
		if o.Parameters != nil {
			d.parameters = o.Parameters
		}
	}
	return d
}

// readFile reads the top level. A file of another version is not read any further: its keys may mean other things.
func (d *decoder) readFile(root *yaml.Node, keys []key[File], versioned bool, f *File) {
	c := cursor{d: d, node: root, at: root, scope: "at the top level"}
	version := false
	for _, e := range c.entries() {
		if e.name != "version" {
			continue
		}
		version = true
		v := follow(e.value)
		if v.Kind != yaml.ScalarNode || v.ShortTag() != "!!int" || v.Value != strconv.Itoa(Version) {
			d.add(v.Line, v.Column, fmt.Sprintf("version at the top level: found %s, expected %d, the only version that this program reads", describe(v), Version))
			return
		}
	}
	if versioned && !version {
		d.add(root.Line, root.Column, `"version" is missing at the top level: write "version: 1" in the first line`)
	}
	readMap(c, keys, f)
}

func hasKey(n *yaml.Node, name string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if follow(n.Content[i]).Value == name {
			return true
		}
	}
	return false
}

// setDir gives the file and everything with a path in it the folder to start from.
func (f *File) setDir(dir string) {
	f.Dir = dir
	f.Defaults.Root = dir
	for i := range f.Views {
		f.Views[i].Root = dir
	}
}

// --- the keys of the file --------------------------------------------------------------------------------------

var (
	versionKey = key[File]{
		name: "version", doc: "The version of this file's format: 1.", schema: schema{"const": Version},
		read: func(cursor, *File) {}, // judged before anything else is read
	}
	projectKey = textKey("project", "The project that the views belong to.",
		func(c cursor) (string, bool) { return readName(c, "the name of a project") }, func(f *File) *string { return &f.Project })
	defaultsKey = key[File]{
		name: "defaults", doc: "Any keys of a view, for all views that do not set them. Maps merge; time_partition applies where a view has its columns.",
		schema: ref("view"),
		read: func(c cursor, f *File) {
			if !c.isMap("a map of a view's keys") {
				return
			}
			c.origins, c.key, c.scope = model.Origins{}, "", "in defaults"
			f.Defaults.Origins = c.origins
			readMap(c, viewKeys, &f.Defaults)
		},
	}
	viewsKey = key[File]{
		name: "views", doc: "The feature views by name. They add to the definitions and override them, key by key.",
		schema: schema{"type": "object", "additionalProperties": ref("view")},
		read:   readViews,
	}
)

var viewsFileKeys = []key[File]{versionKey, projectKey, defaultsKey, viewsKey}

var configKeys = []key[File]{
	versionKey,
	projectKey,
	{
		name: "definitions", doc: "Registries and files that define views: Feast registries and repos, our YAML, folders of it.",
		schema: listOf(schema{"oneOf": []any{ref("text"), objectSchema(definitionKeys, "ref")}}),
		read:   readDefinitions,
	},
	defaultsKey,
	viewsKey,
	{
		name: "suppress", doc: "Known findings that are accepted, each for a reason and a while.",
		schema: listOf(objectSchema(suppressKeys, "check", "reason")),
		read:   readSuppressions,
	},
	textKey("history", "The folder in which each run is remembered, relative to the config file: every finding is then new, worse, continuing, better or resolved.",
		func(c cursor) (string, bool) { return readName(c, "a folder") }, func(f *File) *string { return &f.History }),
	textKey("facts", "The folder in which the facts of files are kept, relative to the config file: files that did not change since are not read again.",
		func(c cursor) (string, bool) { return readName(c, "a folder") }, func(f *File) *string { return &f.Facts }),
	textKey("baseline", "The file of known findings, relative to the config file: run --new-only fails on others only.",
		func(c cursor) (string, bool) { return readName(c, "a file") }, func(f *File) *string { return &f.Baseline }),
	engineKey,
	{
		name: "consumers", doc: "The models and services that read the views, and what they assert of them.",
		schema: listOf(objectSchema(consumerKeys, "name", "views")),
		read:   readConsumers,
	},
}

func readViews(c cursor, f *File) {
	if !c.isMap("a map of view names, each a map of its keys") {
		return
	}
	c.scope = "in views"
	for _, e := range c.entries() {
		v := c.child(e, c.scope)
		v.key, v.origins = "", model.Origins{}
		v.name = "view " + strconv.Quote(shorten(e.name))
		if strings.TrimSpace(e.name) == "" {
			c.d.add(e.key.Line, e.key.Column, "a view has an empty name: write one")
			continue
		}
		if !v.isMap("a map of its keys, such as {path: data/transactions/**/*.parquet}") {
			continue
		}
		view := model.View{Name: e.name, Origins: v.origins}
		view.Origins["name"] = model.Written(c.d.origin(e.key))
		readMap(v.with("in "+v.name), viewKeys, &view)
		f.Views = append(f.Views, view)
	}
	slices.SortFunc(f.Views, func(a, b model.View) int { return strings.Compare(a.Name, b.Name) })
}

// readList calls read with each element that is a map, named like `suppression 2`.
func readList(c cursor, what, keys string, read func(c cursor)) {
	if c.node.Kind != yaml.SequenceNode {
		c.expected("a list of maps of " + keys)
		return
	}
	for i, n := range c.node.Content {
		if !c.d.spend(n) {
			return
		}
		e := cursor{d: c.d, node: follow(n), at: follow(n), name: fmt.Sprintf("%s %d", what, i+1), scope: "in " + c.name}
		if e.isMap("a map of " + keys) {
			read(e.with("in " + e.name))
		}
	}
}

// require complains about keys that are missing or were not readable as anything.
func (c cursor) require(name, why string) {
	if !slices.ContainsFunc(c.entries(), func(e entry) bool { return e.name == name }) {
		c.d.add(c.node.Line, c.node.Column, fmt.Sprintf("%q is missing %s: %s", name, c.scope, why))
	}
}

var definitionKeys = []key[DefinitionRef]{
	textKey("ref", "A path or address, relative to the config file.", readRef, func(r *DefinitionRef) *string { return &r.Ref }),
	textKey("root", "The folder that a registry's relative paths start from. Default: that of the nearest feature_store.yaml upwards.", readRef,
		func(r *DefinitionRef) *string { return &r.Root }),
}

func readRef(c cursor) (string, bool) { return readName(c, "a path or address") }

func readDefinitions(c cursor, f *File) {
	if c.node.Kind != yaml.SequenceNode {
		c.expected("a list of refs, such as [features/, {ref: data/registry.db, root: feature_repo}]")
		return
	}
	for i, n := range c.node.Content {
		if !c.d.spend(n) {
			return
		}
		e := cursor{d: c.d, node: follow(n), name: fmt.Sprintf("definition %d", i+1), scope: "in " + c.name}
		r := DefinitionRef{Origin: c.d.origin(e.node)}
		switch {
		case e.node.Kind == yaml.MappingNode:
			e = e.with("in " + e.name)
			readMap(e, definitionKeys, &r)
			e.require("ref", "name the registry, file or folder")
		default:
			r.Ref, _ = readName(e, "a path or address, or {ref: .., root: ..}")
		}
		f.Definitions = append(f.Definitions, r)
	}
}

var suppressKeys = []key[model.Suppression]{
	textKey("check", "The check or diff rule whose finding is accepted.", readCheckID, func(s *model.Suppression) *string { return &s.Check }),
	textKey("view", "The view. Without it the suppression is of a finding of the whole run, or of every view.",
		func(c cursor) (string, bool) { return readName(c, "the name of a view") }, func(s *model.Suppression) *string { return &s.View }),
	textKey("source", "Narrows it to one source.",
		func(c cursor) (string, bool) { return readText(c, "the name of a source") }, func(s *model.Suppression) *string { return &s.Source }),
	{
		name: "range", doc: "Narrows it to the partitions FROM..TO, both included.", schema: ref("text"),
		read: func(c cursor, s *model.Suppression) {
			text, ok := readText(c, `FROM..TO such as "2026-11-01..2026-11-03"`)
			if !ok {
				return
			}
			from, to, err := ParseRange(text)
			if err != nil {
				c.d.add(c.node.Line, c.node.Column, err.Error()+" ("+strings.TrimPrefix(c.scope, "in ")+")")
				return
			}
			s.RangeFrom, s.RangeTo = from, to
		},
	},
	valueKey("max_rows", "The most that it accepts of what the check counts (rows, entities, partitions, files), in one view. With more the finding is back.",
		schema{"type": "integer", "minimum": 1},
		func(c cursor) (int64, bool) {
			return readInt(c, 1, "a whole number of 1 or more; leave the key out for any number")
		},
		func(s *model.Suppression) *int64 { return &s.MaxRows }),
	textKey("reason", "Why the finding is accepted.", func(c cursor) (string, bool) { return readText(c, "why the finding is accepted") },
		func(s *model.Suppression) *string { return &s.Reason }),
	ownerKey("Who answers for it.", func(s *model.Suppression) *string { return &s.Owner }),
	// The day itself is not included: until: 2027-01-01 no longer holds from 2027-01-01T00:00Z on.
	valueKey("until", "The day (UTC) from whose beginning on it no longer holds.", ref("date"), readDate,
		func(s *model.Suppression) *time.Time { return &s.Until }),
}

func readCheckID(c cursor) (string, bool) {
	id, ok := readName(c, "the id of a check")
	if ok && !c.d.knownCheck(c.node, id, c.scope) {
		return "", false
	}
	return id, ok
}

func readSuppressions(c cursor, f *File) {
	readList(c, "suppression", strings.Join(names(suppressKeys), ", "), func(e cursor) {
		s := model.Suppression{Origin: c.d.origin(e.node)}
		readMap(e, suppressKeys, &s)
		e.require("check", "name the check whose finding is accepted")
		e.require("reason", "write why the finding is accepted")
		f.Suppressions = append(f.Suppressions, s)
	})
}

var consumerViewKeys = []key[model.ConsumerView]{
	durationKey("max_age", "How old the view's newest event may be for this consumer.", above, func(v *model.ConsumerView) *time.Duration { return &v.MaxAge }),
	durationKey("lookback", "How far back this consumer reads.", above, func(v *model.ConsumerView) *time.Duration { return &v.Lookback }),
	valueKey("accept", "The verdicts that the consumer takes: pass (the default), warn.", listOf(enumSchema(verdicts)),
		func(c cursor) ([]string, bool) {
			words, ok := readWords(c, "verdict", func(c cursor) (string, bool) { return readEnum(c, verdicts) })
			if ok && len(words) == 0 {
				c.fail("found an empty list, expected at least one of " + strings.Join(verdicts, ", "))
			}
			return words, ok
		},
		func(v *model.ConsumerView) *[]string { return &v.Accept }),
}

var consumerKeys = []key[model.Consumer]{
	textKey("name", "The consumer's name.", func(c cursor) (string, bool) { return readName(c, "the name of a consumer") },
		func(c *model.Consumer) *string { return &c.Name }),
	ownerKey("The team that answers for it.", func(c *model.Consumer) *string { return &c.Owner }),
	{
		name: "views", doc: "The views that it reads, each with its contract.",
		schema: schema{"type": "object", "additionalProperties": objectSchema(consumerViewKeys)},
		read:   readConsumerViews,
	},
}

func readConsumerViews(c cursor, consumer *model.Consumer) {
	if !c.isMap("a map of view names, such as {transactions: {max_age: 6h}}") {
		return
	}
	for _, e := range c.with(c.inner()).entries() {
		v := c.child(e, c.scope)
		v.name = "view " + strconv.Quote(shorten(e.name))
		if !v.isMap("a map of " + strings.Join(names(consumerViewKeys), ", ") + "; {} for none") {
			continue
		}
		view := model.ConsumerView{View: e.name}
		readMap(v.with(v.inner()), consumerViewKeys, &view)
		if view.Accept == nil {
			view.Accept = []string{"pass"}
		}
		consumer.Views = append(consumer.Views, view)
	}
	slices.SortFunc(consumer.Views, func(a, b model.ConsumerView) int { return strings.Compare(a.View, b.View) })
}

func readConsumers(c cursor, f *File) {
	lines := map[string]int{}
	readList(c, "consumer", strings.Join(names(consumerKeys), ", "), func(e cursor) {
		consumer := model.Consumer{Origin: c.d.origin(e.node)}
		readMap(e, consumerKeys, &consumer)
		e.require("name", "require --consumer needs it")
		e.require("views", "list the views that it reads")
		if line, twice := lines[consumer.Name]; twice && consumer.Name != "" {
			c.d.add(e.node.Line, e.node.Column, fmt.Sprintf("consumer %q is declared twice, first in line %d: merge them", consumer.Name, line))
			return
		}
		lines[consumer.Name] = e.node.Line
		f.Consumers = append(f.Consumers, consumer)
	})
}
