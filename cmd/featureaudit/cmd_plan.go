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

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/survey"
)

const planAbout = `Shows what run would audit: the views, their files and partitions, which column plays which role, and where each
value comes from. No row is read.`

func cmdPlan(ctx context.Context, c *cli, args []string) (int, error) {
	var f definitionFlags
	var out outFlags
	flags := newFlags("plan")
	f.add(flags)
	views := flags.StringArray("view", nil, "show this view only (repeatable)")
	out.add(flags, []string{"json", "text"})
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
	if err := knownViews(*views, loaded.Views); err != nil {
		return 0, err
	}
	doc := planDocument{Schema: "featureaudit.plan/v1", Views: []plannedView{}, Notes: nonNil(loaded.Notes)}
	code := exitOK
	for _, v := range loaded.Views {
		if !picked(*views, v.Name) {
			continue
		}
		p := c.planView(ctx, v)
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
}

// plannedKey is one decided key of a view.
type plannedKey struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

// planView lists a view's files by name and decides what the paths say of it.
func (c *cli) planView(ctx context.Context, v model.View) plannedView {
	if v.NoFiles != "" {
		return planned(v)
	}
	listing, resolved, notes, err := survey.Plan(ctx, local.New(), v, c.now(), partition.Range{})
	if err != nil {
		p := planned(v)
		p.Problem = err.Error()
		return p
	}
	p := planned(resolved)
	p.Notes, p.Files = nonNil(notes), len(listing.Files)
	for _, f := range listing.Files {
		p.Bytes += f.Size
	}
	for _, part := range listing.Partitions {
		if !part.Present {
			continue
		}
		p.Partitions++
		p.First, p.Last = cmp.Or(p.First, part.Value), part.Value
	}
	return p
}

func planned(v model.View) plannedView {
	p := plannedView{Name: v.Name, Owner: v.Owner, OwnerOrigin: v.Origins["owner"], Kind: string(v.Kind), Path: v.Path, PathOrigin: v.Origins["path"],
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
		return o
	}
	var parts []string
	for part, o := range v.Origins {
		if strings.HasPrefix(part, key+".") {
			parts = append(parts, o)
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
		"tolerance":      duration(v.Tolerance),
		"zone":           v.Zone,
		"zones":          strings.Join(v.Zones, ", "),
		"reference":      string(v.Reference),
		"time_partition": partitionWords(v.TimePartition),
	}
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
		return policy.FormatDuration(t.Duration)
	}
	return "never expires, by omission"
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return policy.FormatDuration(d)
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
		fmt.Fprintf(w, "  files\t%d, %d bytes, in %d partitions from %s to %s\n", v.Files, v.Bytes, v.Partitions, render.Clean(v.First), render.Clean(v.Last))
	case v.NoFiles == "":
		fmt.Fprintf(w, "  files\t%d, %d bytes\n", v.Files, v.Bytes)
	}
	for _, note := range v.Notes {
		fmt.Fprintf(w, "  note\t%s\n", render.Clean(note))
	}
	for _, k := range v.Values {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", k.Key, render.Clean(k.Value), render.Clean(k.Origin))
	}
}
