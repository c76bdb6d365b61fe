package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/trino"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

const planAbout = `Shows what run would audit: the views, their files and partitions, which column plays which role, where each value
comes from, and which declared columns are in none of the files. It reads footers, but no rows.`

func cmdPlan(ctx context.Context, c *cli, args []string) (int, error) {
	var f definitionFlags
	var e engineFlags
	var out outFlags
	flags := newFlags("plan")
	f.add(flags)
	e.add(flags)
	views := flags.StringArray("view", nil, "show this view only (repeatable)")
	out.add(flags, only("json", "text"))
	if err := c.parse(flags, "plan [REF...] [flags]", planAbout, args); err != nil {
		return 0, err
	}
	outs, err := out.outputsOr("text")
	if err != nil {
		return 0, err
	}
	loaded, err := c.load(ctx, f, flags.Args())
	if err != nil {
		return 0, err
	}
	if err := knownViews("--view", *views, loaded.Views); err != nil {
		return 0, err
	}
	if err := c.refuseInputs(ctx, outs, loaded.Views); err != nil {
		return 0, err
	}
	cluster, err := c.cluster(e, loaded.Policy)
	if err != nil {
		return 0, err
	}
	defer closeCluster(cluster)
	doc := planDocument{Schema: "featureaudit.plan/v1", Views: []plannedView{}, Notes: report.List(loaded.Notes)}
	code := exitOK
	for _, v := range loaded.Views {
		if !picked(*views, v.Name) {
			continue
		}
		p := c.planView(ctx, v, cluster)
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		if p.Problem != "" {
			code = exitIncomplete
		}
		doc.Views = append(doc.Views, p)
	}
	return code, c.writeAll(outs, func(w io.Writer, format string, _ bool) error {
		if format == "json" {
			return writeJSON(w, doc)
		}
		return doc.writeText(w)
	})
}

// planDocument is what run would look at.
type planDocument struct {
	Schema string        `json:"schema"`
	Views  []plannedView `json:"views"`
	Notes  []string      `json:"notes"`
}

// plannedView is one view as run would audit it.
type plannedView struct {
	Name        string `json:"name"`
	Owner       string `json:"owner"`
	OwnerOrigin string `json:"owner_origin,omitempty"`
	Kind        string `json:"kind"`
	Path        string `json:"path"`
	PathOrigin  string `json:"path_origin,omitempty"`
	// NoFiles says why the view has no files to look at.
	NoFiles string `json:"no_files,omitempty"`
	// Problem says why its files cannot be listed.
	Problem    string       `json:"problem,omitempty"`
	Files      int          `json:"files"`
	Bytes      int64        `json:"bytes"`
	Partitions int          `json:"partitions"`
	First      string       `json:"first_partition,omitempty"`
	Last       string       `json:"last_partition,omitempty"`
	Values     []plannedKey `json:"values"`
	Notes      []string     `json:"notes"`
	// Queries are those that a cluster would be asked, with what each would read.
	Queries []trino.Planned `json:"queries,omitempty"`
	// Absent are the declared columns that are in none of the files.
	Absent []absentColumn `json:"absent_columns,omitempty"`
}

// absentColumn is a declared column that is in none of the files.
type absentColumn struct {
	Key    string `json:"key"`
	Column string `json:"column"`
	Origin string `json:"origin"`
	// Nearest is the column of the files whose name is most like it, empty where none is.
	Nearest string `json:"nearest,omitempty"`
	// Files are those whose columns are known.
	Files int `json:"files"`
}

// plannedKey is one decided key of a view.
type plannedKey struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

// planView lists a view's files by name and decides what the paths say of it.
func (c *cli) planView(ctx context.Context, v model.View, cluster *trino.Cluster) plannedView {
	if cluster != nil && v.Table.Trino != "" {
		v.NoFiles = ""
	}
	if v.NoFiles != "" {
		return planned(unnamed(v))
	}
	l := c.looker()
	if cluster != nil {
		l.Place = cluster.Place
	}
	plan, err := l.Plan(ctx, v, look.Window{AsOf: c.now()})
	if err != nil {
		p := planned(unnamed(v))
		p.Problem = err.Error()
		return p
	}
	p := planned(unnamed(plan.View))
	p.Notes, p.Files = report.List(plan.Notes), len(plan.Listing.Files)
	for _, f := range plan.Listing.Files {
		p.Bytes += f.Size
	}
	for _, t := range plan.Listing.Tables {
		note := fmt.Sprintf("version %d of the %s table %s", t.Version, t.Format, address.Redact(t.Root))
		if t.CommittedAt.Known() {
			note += ", committed at " + words.Instant(t.CommittedAt)
		}
		p.Notes = append(p.Notes, note)
	}
	for _, part := range plan.Listing.Partitions {
		if !part.Present || part.Stray {
			continue
		}
		p.Partitions++
		p.First, p.Last = cmp.Or(p.First, part.Value), part.Value
	}
	footers, err := l.Footers(ctx, plan)
	if err != nil {
		p.Notes = append(p.Notes, fmt.Sprintf("whether the declared columns are in the files was not looked at: %v", err))
		return p
	}
	p.Absent = absentColumns(unnamed(plan.View), footers.Survey)
	if cluster != nil && v.Table.Trino != "" {
		order := engine.Order{View: footers.View, Survey: footers.Survey, AsOf: times.At(footers.AsOf), Wants: check.WantsOf(footers.View, footers.Survey, func(string) bool { return true })}
		if p.Queries, err = (trino.Collector{Cluster: cluster, Store: c.stores}).Plan(ctx, order); err != nil {
			p.Problem = err.Error()
		}
	}
	return p
}

// unnamed is a view whose sources have the numbers that a run gives to them, where the source is sensitive.
func unnamed(v model.View) model.View {
	mask, _ := sensitive.New(nil) // without a key there is nothing wrong with it
	mask.Sources(&v, &facts.Survey{}, &facts.Collection{})
	return v
}

// absentColumns are the declared columns that no file holds, in its rows or in its path. Files that cannot be read say
// nothing.
func absentColumns(v model.View, s facts.Survey) []absentColumn {
	columns := survey.ColumnsOf(s)
	var absent []absentColumn
	for _, declared := range declaredColumns(v) {
		if !columns.Hold(declared.Value) {
			absent = append(absent, absentColumn{Key: declared.Key, Column: declared.Value, Origin: declared.Origin,
				Nearest: columns.Nearest(declared.Value), Files: columns.Files()})
		}
	}
	return absent
}

// declaredColumns are the columns that a view names, each with its key, in the order of the keys.
func declaredColumns(v model.View) []plannedKey {
	var list []plannedKey
	add := func(key string, columns ...string) {
		for _, column := range columns {
			if column != "" {
				list = append(list, plannedKey{Key: key, Value: column, Origin: origin(v, key)})
			}
		}
	}
	add("entity", v.Entity...)
	add("event_time", v.EventTime.Column)
	add("ingested_at", v.IngestedAt.Column)
	add("key", v.Key...)
	add("measures", v.Measures...)
	add("payload", v.Payload...)
	add("sensitive", v.Sensitive...)
	add("source", v.Source.Column)
	for _, s := range v.Sources {
		add("sources."+s.Name+".event_time", s.EventTime.Column)
		add("sources."+s.Name+".ingested_at", s.IngestedAt.Column)
	}
	return list
}

func planned(v model.View) plannedView {
	p := plannedView{Name: v.Name, Owner: v.Owner, OwnerOrigin: v.Origins["owner"].String(), Kind: string(v.Kind), Path: address.Redact(v.Path), PathOrigin: v.Origins["path"].String(),
		NoFiles: v.NoFiles, Values: []plannedKey{}, Notes: []string{}}
	values := viewValues(v)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if values[key] != "" {
			p.Values = append(p.Values, plannedKey{Key: key, Value: values[key], Origin: origin(v, key)})
		}
	}
	return p
}

// origin is where a key's value comes from; the parts of a map may carry it instead of the whole.
func origin(v model.View, key string) string {
	if o, ok := v.Origins[key]; ok {
		return o.String()
	}
	var parts []string
	for part, o := range v.Origins {
		if strings.HasPrefix(part, key+".") {
			parts = append(parts, o.String())
		}
	}
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), ", ")
}

// viewValues are the keys of a view in words; what is not set is empty.
func viewValues(v model.View) map[string]string {
	return map[string]string{
		"event_time":     timeColumn(v.EventTime),
		"ingested_at":    timeColumn(v.IngestedAt),
		"source":         sourceColumn(v.Source),
		"sources":        sourceNames(v.Sources),
		"entity":         strings.Join(v.Entity, ", "),
		"writer":         strings.Join(v.Writer, ", "),
		"key":            strings.Join(v.Key, ", "),
		"once_per":       strings.Join(v.OncePer, ", "),
		"measures":       strings.Join(v.Measures, ", "),
		"payload":        strings.Join(v.Payload, ", "),
		"sensitive":      strings.Join(v.Sensitive, ", "),
		"ttl":            ttlWords(v.TTL),
		"max_age":        duration(v.MaxAge),
		"max_lag":        duration(v.MaxLag),
		"table":          v.Table.String(),
		"tolerance":      duration(v.Tolerance),
		"rewrites":       duration(v.Rewrites),
		"zone":           v.Zone,
		"zones":          strings.Join(v.Zones, ", "),
		"reference":      string(v.Reference),
		"time_partition": partitionWords(v.TimePartition),
		"checks":         checkWords(v.Checks),
	}
}

// checkWords are what is asked of the checks of a view.
func checkWords(checks map[string]model.CheckPolicy) string {
	var texts []string
	for _, id := range slices.Sorted(maps.Keys(checks)) {
		c, parts := checks[id], []string{id}
		if c.Severity != "" {
			parts = append(parts, "severity "+c.Severity)
		}
		if c.MaxFraction != nil {
			parts = append(parts, fmt.Sprintf("max_fraction %v", *c.MaxFraction))
		}
		if c.MinRows != nil {
			parts = append(parts, fmt.Sprintf("min_rows %d", *c.MinRows))
		}
		if c.MaxRows != nil {
			parts = append(parts, fmt.Sprintf("max_rows %d", *c.MaxRows))
		}
		if c.MaxRatio != nil {
			parts = append(parts, fmt.Sprintf("max_ratio %v", *c.MaxRatio))
		}
		if c.MustSee != nil {
			parts = append(parts, fmt.Sprintf("must_see %v", *c.MustSee))
		}
		texts = append(texts, strings.Join(parts, " "))
	}
	return strings.Join(texts, ", ")
}

func timeColumn(t model.TimeColumn) string {
	if !t.Declared() {
		return ""
	}
	text := t.Column
	for _, part := range []struct{ name, value string }{{"zone", t.Zone}, {"unit", t.Unit}, {"format", t.Format}} {
		if part.value != "" {
			text += fmt.Sprintf(", %s %s", part.name, part.value)
		}
	}
	return text
}

func sourceColumn(s model.SourceColumn) string {
	if s.PathSegment > 0 {
		return fmt.Sprintf("path segment %d", s.PathSegment)
	}
	return s.Column
}

func sourceNames(sources []model.SourcePolicy) string {
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}

func ttlWords(t model.TTL) string {
	switch {
	case t.Never != "":
		return "never expires: " + t.Never
	case t.Duration != 0:
		return words.Exact(t.Duration)
	}
	return "never expires, by omission"
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return words.Exact(d)
}

func partitionWords(p model.TimePartition) string {
	if !p.Declared() {
		return ""
	}
	text := fmt.Sprintf("%s by %s", p.Grain, strings.Join(p.Columns, "/"))
	if len(p.Columns) == 0 {
		text = fmt.Sprintf("%s by dated folders", p.Grain)
	}
	if p.Zone != "" {
		text += " in " + p.Zone
	}
	if p.Of != "" {
		text += " of " + string(p.Of)
	}
	if p.ExpectedBy != "" {
		text += ", expected by " + p.ExpectedBy
	}
	return text
}

// writeText writes the plan for people.
func (d planDocument) writeText(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, v := range d.Views {
		if i > 0 {
			fmt.Fprintln(tab)
		}
		v.writeText(tab)
	}
	for _, note := range d.Notes {
		fmt.Fprintf(tab, "\nnote: %s\n", render.Clean(note))
	}
	return tab.Flush()
}

func (v plannedView) writeText(w io.Writer) {
	fmt.Fprintln(w, render.Clean(v.Name))
	if v.NoFiles != "" {
		fmt.Fprintf(w, "  no files\t%s\n", render.Clean(v.NoFiles))
	}
	if v.Owner != "" {
		fmt.Fprintf(w, "  owner\t%s\t%s\n", render.Clean(v.Owner), render.Clean(v.OwnerOrigin))
	}
	if v.Path != "" {
		fmt.Fprintf(w, "  path\t%s\t%s\n", render.Clean(v.Path), render.Clean(v.PathOrigin))
	}
	switch {
	case v.Problem != "":
		fmt.Fprintf(w, "  problem\t%s\n", render.Clean(v.Problem))
	case v.Partitions > 0:
		fmt.Fprintf(w, "  files\t%d, %s, in %s from %s to %s\n", v.Files, words.Size(v.Bytes), words.Count(int64(v.Partitions), "partition"), render.Clean(v.First), render.Clean(v.Last))
	case v.NoFiles == "":
		fmt.Fprintf(w, "  files\t%d, %s\n", v.Files, words.Size(v.Bytes))
	}
	for _, note := range v.Notes {
		fmt.Fprintf(w, "  note\t%s\n", render.Clean(note))
	}
	for _, a := range v.Absent {
		hint := ""
		if a.Nearest != "" {
			hint = fmt.Sprintf(": did you mean %q?", a.Nearest)
		}
		fmt.Fprintf(w, "  absent\t%s %s is in none of %d files%s\t%s\n", a.Key, render.Clean(a.Column), a.Files, render.Clean(hint), render.Clean(a.Origin))
	}
	for _, q := range v.Queries {
		fmt.Fprintf(w, "  query\t%s: a reading of the columns that it needs in %d files (%s in all)\ttrino\n", q.Step, q.Files, words.Size(q.Bytes))
	}
	for _, k := range v.Values {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", k.Key, render.Clean(k.Value), render.Clean(k.Origin))
	}
}
