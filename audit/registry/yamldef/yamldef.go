// Package yamldef reads our own YAML as definitions: files with a `views:` map, and whole config files.
package yamldef

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/address"
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
	d.Ledger, d.Unsaid = true, []string{Beside, Consumer, Engine, Suppression}
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
	// Beside are the files and folders that a config names, Engine what it says of another engine.
	Beside = "config"
	Engine = "engine"
)

// Objects are what a config says beside its views and no rule judges: what it accepts, what its consumers need, which files it keeps beside it
// and what reads its rows.
func Objects(f policy.File) []registry.Object {
	var all []registry.Object
	add := func(what, name string, fields ...[2]string) {
		o := registry.Object{What: what, Name: name}
		for _, f := range fields {
			if f[1] != "" {
				o.Fields = append(o.Fields, registry.TextField(f[0], "", f[1]))
			}
		}
		if len(o.Fields) > 0 {
			all = append(all, o)
		}
	}
	add(Beside, "files", [2]string{"baseline", f.Baseline}, [2]string{"facts", address.Redact(f.Facts)}, [2]string{"history", address.Redact(f.History)})
	if t := f.Engine.Trino; t != nil {
		add(Engine, "trino", [2]string{"url", address.Redact(t.URL)}, [2]string{"catalog", t.Catalog}, [2]string{"schema", t.Schema})
	}
	for _, s := range f.Suppressions {
		o := registry.Object{What: Suppression, Name: suppressed(s)}
		for _, f := range []struct{ key, text string }{{"reason", s.Reason}, {"owner", s.Owner}, {"until", date(s.Until)}, {"max_rows", count(s.MaxRows)}} {
			if f.text != "" {
				o.Fields = append(o.Fields, registry.TextField(f.key, "", f.text))
			}
		}
		all = append(all, o)
	}
	for _, c := range f.Consumers {
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
		Settings: registry.SettingsOf(m), Table: registry.TableOf(m.Table), Policy: &m, Locations: map[string]registry.Location{},
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
