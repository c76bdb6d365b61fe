// Package yamldef reads our own YAML as definitions: files with a `views:` map, and whole config files.
package yamldef

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/words"
)

// File is one file of definitions: Name is what locations call it.
type File struct {
	Name string
	Data []byte
}

// Decode reads files with a `views:` map as one set of definitions. A view that two files define is an error.
func Decode(files []File, options policy.ParseOptions) (registry.Definitions, error) {
	var views []model.View
	seen := map[string]string{}
	for _, f := range files {
		list, err := policy.ParseViews(f.Name, f.Data, options)
		if err != nil {
			return registry.Definitions{}, err
		}
		for _, v := range list {
			if other, twice := seen[v.Name]; twice {
				return registry.Definitions{}, fmt.Errorf("%s: view %q is also defined in %s: keep one, or rename one", v.Origins["name"], v.Name, other)
			}
			seen[v.Name] = v.Origins["name"].String()
			for i := range v.Sources {
				v.Sources[i].Path = below(path.Dir(f.Name), path.Dir(files[0].Name), v.Sources[i].Path)
			}
			v.Path = below(path.Dir(f.Name), path.Dir(files[0].Name), v.Path)
			views = append(views, v)
		}
	}
	d := FromViews(views)
	d.Ledger, d.Unsaid = true, []string{Consumer, Suppression}
	return d, nil
}

// below rewrites a path that is relative to dir as relative to root, where files of one set lie in several folders.
func below(dir, root, file string) string {
	rest, inside := strings.CutPrefix(dir, root+"/")
	if file == "" || !inside || path.IsAbs(file) || strings.Contains(file, "://") {
		return file
	}
	return path.Join(rest, file)
}

// FromViews makes definitions of views whose Origins say which keys are set, and where.
func FromViews(views []model.View) registry.Definitions {
	d := registry.Definitions{Kind: registry.KindYAML}
	for _, v := range views {
		d.Views = append(d.Views, fromView(v))
	}
	d.Finish()
	return d
}

// The objects that only a whole config can say.
const (
	Suppression = "suppression"
	Consumer    = "consumer"
)

// Objects are what a config says beside its views and no rule judges: what it accepts, and what its consumers need.
func Objects(suppressions []model.Suppression, consumers []model.Consumer) []registry.Object {
	var all []registry.Object
	for _, s := range suppressions {
		o := registry.Object{What: Suppression, Name: suppressed(s)}
		for _, f := range []struct{ key, text string }{{"reason", s.Reason}, {"owner", s.Owner}, {"until", date(s.Until)}, {"max_rows", count(s.MaxRows)}} {
			if f.text != "" {
				o.Fields = append(o.Fields, registry.TextField(f.key, "", f.text))
			}
		}
		all = append(all, o)
	}
	for _, c := range consumers {
		o := registry.Object{What: Consumer, Name: c.Name}
		if c.Owner != "" {
			o.Fields = append(o.Fields, registry.TextField("owner", "", c.Owner))
		}
		for _, v := range c.Views {
			o.Fields = append(o.Fields, registry.TextField("views["+v.View+"]", "", contract(v)))
		}
		all = append(all, o)
	}
	return all
}

// suppressed names what a suppression accepts.
func suppressed(s model.Suppression) string {
	name := s.Check
	if s.View != "" {
		name += " of " + s.View
	}
	if s.Source != "" {
		name += ", source " + s.Source
	}
	if s.RangeFrom+s.RangeTo != "" {
		name += ", range " + s.RangeFrom + ".." + s.RangeTo
	}
	return name
}

// contract puts in words what a consumer needs of a view.
func contract(v model.ConsumerView) string {
	parts := []string{"read"}
	if v.MaxAge != 0 {
		parts = append(parts, "max_age "+words.Exact(v.MaxAge))
	}
	if v.Lookback != 0 {
		parts = append(parts, "lookback "+words.Exact(v.Lookback))
	}
	if len(v.Accept) > 0 {
		parts = append(parts, "accept "+strings.Join(slices.Sorted(slices.Values(v.Accept)), " and "))
	}
	return strings.Join(parts, ", ")
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func count(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func fromView(m model.View) registry.View {
	kind := m.Kind
	if kind == "" {
		kind = model.KindFeatureView
	}
	v := registry.View{
		Name: m.Name, Project: m.Project, Kind: kind, Owner: m.Owner, Path: m.Path, NoFiles: m.NoFiles,
		EventTime: m.EventTime.Column, IngestedAt: m.IngestedAt.Column, JoinKeys: m.Entity, Key: m.Key,
		TTLNever: m.TTL.Never, TTLOnWire: m.TTL.OnWire, MaxAgeSeconds: seconds(m.MaxAge), MaxLagSeconds: seconds(m.MaxLag),
		Settings: settings(m), Policy: &m, Locations: map[string]registry.Location{},
	}
	if m.TTL.OnWire == registry.TTLSet || m.TTL.OnWire == registry.TTLZero {
		ttl := m.TTL.Duration.Seconds()
		v.TTLSeconds = &ttl
	}
	for key, origin := range m.Origins {
		if l, ok := location(origin.Place); ok {
			v.Locations[key] = l
		}
	}
	if l, ok := v.Locations["name"]; ok {
		v.Location = &l
	}
	return v
}

// location reads "file:12".
func location(origin string) (registry.Location, bool) {
	i := strings.LastIndexByte(origin, ':')
	if i < 0 {
		return registry.Location{}, false
	}
	line, err := strconv.Atoi(origin[i+1:])
	return registry.Location{File: origin[:i], Line: line}, err == nil
}

func seconds(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	s := d.Seconds()
	return &s
}

// settings are the keys of a view that have no place of their own in a definition, as text under their dotted names.
func settings(m model.View) map[string]string {
	s := map[string]string{}
	put := func(key, value string) {
		if value != "" {
			s[key] = value
		}
	}
	list := func(key string, words []string) { put(key, strings.Join(words, ", ")) }
	duration := func(key string, d time.Duration) {
		if d != 0 {
			s[key] = words.Exact(d)
		}
	}
	timeColumn := func(key string, t model.TimeColumn) {
		put(key+".zone", t.Zone)
		put(key+".unit", t.Unit)
		put(key+".format", t.Format)
	}
	timeColumn("event_time", m.EventTime)
	timeColumn("ingested_at", m.IngestedAt)
	put("source", m.Source.Column)
	if m.Source.PathSegment > 0 {
		put("source", "path segment "+strconv.Itoa(m.Source.PathSegment))
	}
	for _, p := range m.Sources {
		key := "sources." + p.Name
		s[key] = "declared"
		put(key+".path", p.Path)
		put(key+".event_time", p.EventTime.Column)
		timeColumn(key+".event_time", p.EventTime)
		put(key+".ingested_at", p.IngestedAt.Column)
		timeColumn(key+".ingested_at", p.IngestedAt)
		put(key+".zone", p.Zone)
		duration(key+".max_age", p.MaxAge)
		duration(key+".max_lag", p.MaxLag)
		if !p.Until.IsZero() {
			s[key+".until"] = p.Until.Format(time.DateOnly)
		}
	}
	list("once_per", m.OncePer)
	list("measures", m.Measures)
	list("payload", m.Payload)
	list("sensitive", m.Sensitive)
	list("writer", m.Writer)
	list("zones", m.Zones)
	put("zone", m.Zone)
	put("reference", string(m.Reference))
	if m.Origins["tolerance"].Kind != model.OriginDefault {
		duration("tolerance", m.Tolerance)
	}
	duration("rewrites", m.Rewrites)
	partition(m, put, list, duration)
	checks(m, put)
	return s
}

func partition(m model.View, put func(key, value string), list func(string, []string), duration func(string, time.Duration)) {
	p := m.TimePartition
	list("time_partition.column", p.Columns)
	put("time_partition.grain", string(p.Grain))
	put("time_partition.zone", p.Zone)
	if m.Origins["time_partition.of"].Kind != model.OriginDefault {
		put("time_partition.of", string(p.Of))
	}
	if m.Origins["time_partition.expected"].Kind != model.OriginDefault {
		put("time_partition.expected", string(p.Expected))
	}
	duration("time_partition.complete_after", p.CompleteAfter)
	put("time_partition.expected_by", p.ExpectedBy)
}

func checks(m model.View, put func(key, value string)) {
	for _, id := range slices.Sorted(maps.Keys(m.Checks)) {
		c, key := m.Checks[id], "checks."+id
		put(key+".severity", c.Severity)
		if c.MaxFraction != nil {
			put(key+".max_fraction", strconv.FormatFloat(*c.MaxFraction, 'g', -1, 64))
		}
		if c.MinRows != nil {
			put(key+".min_rows", strconv.FormatInt(*c.MinRows, 10))
		}
		if c.MaxRows != nil {
			put(key+".max_rows", strconv.FormatInt(*c.MaxRows, 10))
		}
		if c.MaxRatio != nil {
			put(key+".max_ratio", strconv.FormatFloat(*c.MaxRatio, 'g', -1, 64))
		}
		if c.MustSee != nil {
			put(key+".must_see", strconv.FormatFloat(*c.MustSee, 'g', -1, 64))
		}
	}
}
