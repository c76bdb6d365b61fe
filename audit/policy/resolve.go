package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
)

// Policy is what an audit judges by: every view with all its keys decided, and what holds for the whole run.
type Policy struct {
	Project string
	// Views are sorted by name. Each value's origin is in Origins: "featureaudit.yaml:12", "flag --ttl", "default", and
	// "default (featureaudit.yaml:9)" for keys of a time_partition that the file's defaults gave to every view: they
	// hold only where the view's paths have these columns.
	Views        []model.View
	Suppressions []model.Suppression
	Consumers    []model.Consumer
	Definitions  []DefinitionRef
	// Digest is "sha256:" and the hex digest of the bytes that decided: the config file, or the flags in its place.
	Digest string
	// Dir is the absolute folder that relative paths start from.
	Dir string
	// History and Baseline are paths; empty where there is none.
	History, Baseline string
	// Facts is the folder of kept facts; empty where there is none.
	Facts string
	// Engine says what reads the rows; the zero value is DuckDB.
	Engine Engine
	// Notes are sentences for people about what is probably not meant, but possible.
	Notes []string
}

// Resolve merges the file's defaults, the views of its definitions and the file's own views, key by key; the later
// wins and maps merge. Of the definitions' views the keys count that their Origins name. An error lists everything
// that cannot be audited as it is written.
func (f *File) Resolve(defs []model.View) (Policy, error) { return f.resolve(defs, nil) }

// ResolveWith is Resolve with what the command line sets for one run, over all else. Each of the sets is
// VIEW.KEY=VALUE: KEY is any key of a view by its dotted path, VALUE is YAML. Relative paths among the values start from
// dir. The digest covers the sets too.
func (f *File) ResolveWith(defs []model.View, dir string, sets []string, options ...ParseOptions) (Policy, error) {
	if len(sets) == 0 {
		return f.resolve(defs, nil)
	}
	var views []string
	for _, v := range slices.Concat(defs, f.Views) {
		views = append(views, v.Name)
	}
	slices.Sort(views)
	overrides, err := readOverrides(sets, slices.Compact(views), dir, options)
	if err != nil {
		return Policy{}, err
	}
	p, err := f.resolve(defs, overrides)
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", f.Digest)
	for _, text := range sets {
		fmt.Fprintf(h, "--set %q\n", text)
	}
	p.Digest = "sha256:" + hex.EncodeToString(h.Sum(nil))
	return p, err
}

func (f *File) resolve(defs []model.View, overrides map[string]model.View) (Policy, error) {
	p := Policy{
		Project: f.Project, Suppressions: f.Suppressions, Consumers: f.Consumers, Definitions: f.Definitions, Digest: f.Digest, Dir: f.Dir,
		History: f.History, Baseline: f.Baseline, Facts: f.Facts, Engine: f.Engine,
	}
	var errs []error
	defined := map[string]model.View{}
	for _, def := range defs {
		if other, twice := defined[def.Name]; twice {
			errs = append(errs, fmt.Errorf("%s: view %q is defined here and in %s: audit them with a config each, or rename one",
				place(def), def.Name, place(other)))
			continue
		}
		defined[def.Name] = def
	}
	own := map[string]model.View{}
	for _, v := range f.Views {
		own[v.Name] = v
	}
	all := maps.Clone(defined)
	maps.Copy(all, own)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		v := f.build(name, defined, own, overrides)
		errs = append(errs, f.faults(v, slices.Sorted(maps.Keys(defined)))...)
		p.Notes = append(p.Notes, notes(v)...)
		p.Views = append(p.Views, v)
	}
	p.Notes = append(p.Notes, suppressionNotes(f.Suppressions, slices.Sorted(maps.Keys(all)))...)
	if err := errors.Join(errs...); err != nil {
		return Policy{}, err
	}
	return p, nil
}

// build merges the layers of one view, lowest first, and fills in the defaults.
func (f *File) build(name string, defined, own, overrides map[string]model.View) model.View {
	v := model.View{Name: name, Project: f.Project}
	layers := []model.View{asDefaults(f.Defaults)}
	if def, ok := defined[name]; ok {
		v.Kind, v.NoFiles, v.Materialized = def.Kind, def.NoFiles, def.Materialized // what no key says
		v.Project = cmp.Or(def.Project, f.Project)
		layers = append(layers, def)
	}
	if view, ok := own[name]; ok {
		layers = append(layers, view)
	}
	if view, ok := overrides[name]; ok {
		layers = append(layers, view)
	}
	roots := map[string]string{}
	for _, l := range layers {
		merge(&v, l)
		for _, s := range l.Sources {
			if s.Path != "" {
				roots[s.Name] = l.Root
			}
		}
	}
	if v.Root == "" {
		v.Root = f.Dir
	}
	anchorSources(&v, roots)
	fillDefaults(&v)
	return v
}

// anchorSources makes a source's path absolute where it was written for another folder than the view's own path.
func anchorSources(v *model.View, roots map[string]string) {
	for i := range v.Sources {
		s := &v.Sources[i]
		root := roots[s.Name]
		if s.Path == "" || root == "" || root == v.Root || filepath.IsAbs(s.Path) {
			continue
		}
		if scheme, _ := cutScheme(s.Path); scheme == "" {
			scheme, folder := cutScheme(filepath.ToSlash(root))
			s.Path = scheme + path.Join(quoteGlob(folder), s.Path)
		}
	}
}

// quoteGlob keeps a folder's own name from being read as a pattern.
func quoteGlob(folder string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`).Replace(folder)
}

// fillDefaults decides what nobody said. Zones and the reference stay empty, which model reads as their default: to
// fill them in would make a zone look declared, and only the survey knows whether there is a time partition.
func fillDefaults(v *model.View) {
	if _, set := v.Origins["ttl"]; !set {
		v.TTL.OnWire = "absent"
	}
	if def(v, "tolerance") {
		v.Tolerance = model.DefaultTolerance
	}
	if def(v, "time_partition.of") {
		v.TimePartition.Of = model.OfEventTime
	}
	if def(v, "time_partition.expected") {
		v.TimePartition.Expected = model.ExpectAll
	}
	for _, key := range []string{"ttl", "zone", "reference", "time_partition.zone", "time_partition.complete_after"} {
		def(v, key)
	}
}

// def says whether a key is left to its default, and notes that origin.
func def(v *model.View, key string) bool {
	if _, set := v.Origins[key]; set {
		return false
	}
	v.Origins[key] = model.Origin{Kind: model.OriginDefault}
	return true
}

// place is where a view was declared, as far as it is known.
func place(v model.View) string {
	for _, key := range []string{"name", "path", "event_time", "ttl"} {
		if origin := v.Origins[key]; origin.Set() && origin.Kind != model.OriginDefault {
			return origin.String()
		}
	}
	return "definitions"
}

// faults are the errors of a view that show only when all its keys are known.
func (f *File) faults(v model.View, defined []string) []error {
	if v.NoFiles != "" {
		return nil // it is never opened: not_applicable says why
	}
	var errs []error
	fault := func(key, format string, args ...any) {
		origin := v.Origins[key].String()
		if kind := v.Origins[key].Kind; kind == model.OriginUnset || kind == model.OriginDefault {
			origin = place(v)
		}
		errs = append(errs, fmt.Errorf("%s: view %q: %s", origin, v.Name, fmt.Sprintf(format, args...)))
	}
	sourcePaths := slices.ContainsFunc(v.Sources, func(s model.SourcePolicy) bool { return s.Path != "" })
	if v.Path == "" && !sourcePaths && v.Table.Trino == "" {
		hint := ""
		if len(defined) > 0 && !slices.Contains(defined, v.Name) {
			hint = "no definition has a view of that name; " + DidYouMean(v.Name, defined)
		}
		fault("name", `no path says where its files are: %swrite one, such as "path: data/%s/**/*.parquet"`, hint, v.Name)
	}
	for _, t := range []struct {
		key    string
		column model.TimeColumn
	}{{"event_time", v.EventTime}, {"ingested_at", v.IngestedAt}} {
		timeFaults(t.key, f.withoutDefaults(t.key, t.column, v.Origins), t.column.Declared(), fault)
		for _, s := range v.Sources {
			ours := map[string]model.TimeColumn{"event_time": s.EventTime, "ingested_at": s.IngestedAt}[t.key]
			timeFaults("sources."+s.Name+"."+t.key, ours, ours.Declared() || t.column.Declared(), fault)
		}
	}
	if v.Reference == model.ReferenceIngestedAt && !hasIngestedAt(v) {
		fault("reference", "reference is ingested_at, but no ingested_at column is declared: add one or choose another reference")
	}
	if slices.Contains(v.OncePer, "source") && !v.Source.Declared() && !sourcePaths {
		fault("once_per", "once_per names source, but nothing says where a row's source comes from: add \"source: COLUMN\"")
	}
	if by := "time_partition.expected_by"; v.TimePartition.ExpectedBy == model.ExpectedBySource && !v.Source.Declared() && !sourcePaths &&
		!v.Origins[by].Shared() {
		fault(by, "%s names source, but nothing says where a row's source comes from: add \"source: COLUMN\" or \"source: {path_segment: N}\", or name a hive key of the paths", by)
	}
	for _, s := range v.Sources {
		if s.Path == "" && !v.Source.Declared() {
			fault("sources."+s.Name, "source %q has no path of its own, and nothing says where a row's source comes from: add \"source: COLUMN\"", s.Name)
		}
	}
	return errs
}

// withoutDefaults takes back what the defaults say of reading a time that a view does not have: they are for those that do.
func (f *File) withoutDefaults(key string, t model.TimeColumn, origins model.Origins) model.TimeColumn {
	if t.Declared() {
		return t
	}
	for part, value := range map[string]*string{"zone": &t.Zone, "unit": &t.Unit, "format": &t.Format} {
		if origin, set := f.Defaults.Origins[key+"."+part]; set && origin == origins[key+"."+part] {
			*value = ""
		}
	}
	return t
}

func timeFaults(key string, t model.TimeColumn, named bool, fault func(key, format string, args ...any)) {
	for _, part := range []struct{ name, value string }{{"zone", t.Zone}, {"unit", t.Unit}, {"format", t.Format}} {
		if part.value != "" && !named {
			fault(key+"."+part.name, "%s has a %s but no column: add \"column: NAME\" to it", key, part.name)
			return
		}
	}
	if t.Unit != "" && t.Format != "" {
		fault(key+".format", "%s has a unit (%s), which is for numbers, and a format (%s), which is for text: keep one", key, t.Unit, t.Format)
	}
}

func hasIngestedAt(v model.View) bool {
	return v.IngestedAt.Declared() || slices.ContainsFunc(v.Sources, func(s model.SourcePolicy) bool { return s.IngestedAt.Declared() })
}

func notes(v model.View) []string {
	if v.NoFiles != "" || v.EventTime.Declared() {
		return nil
	}
	if len(v.Sources) > 0 && !slices.ContainsFunc(v.Sources, func(s model.SourcePolicy) bool { return !s.EventTime.Declared() }) {
		return nil
	}
	return []string{fmt.Sprintf("%s: view %q declares no event_time: nothing that depends on time can be judged", place(v), v.Name)}
}

// suppressionNotes name suppressions of views that do not exist: since only audited views can leave a suppression
// unused, a mistyped one would never be noticed otherwise. They are no errors, since diff may have removed the view.
func suppressionNotes(list []model.Suppression, views []string) []string {
	var notes []string
	for _, s := range list {
		if s.View == "" || slices.Contains(views, s.View) {
			continue
		}
		notes = append(notes, strings.TrimSpace(fmt.Sprintf("%s: the suppression of %s names view %q, which is not known. %s",
			s.Origin, s.Check, s.View, capital(DidYouMean(s.View, views)))))
	}
	return notes
}

func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
