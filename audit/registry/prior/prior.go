// Package prior reads definitions that featureaudit itself wrote: those inside the report of an earlier audit, and
// documents of featureaudit.definitions/v1.
package prior

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// DecodeReport reads the definitions that a report was judged by.
func DecodeReport(data []byte) (registry.Definitions, error) {
	r, err := report.Parse(data)
	if err != nil {
		return registry.Definitions{}, err
	}
	d := registry.Definitions{Kind: registry.KindReport}
	for _, v := range r.Views {
		d.Views = append(d.Views, fromReport(v))
	}
	for _, def := range r.Definitions {
		for _, s := range def.FeatureServices {
			service := registry.FeatureService{Name: s.Name, Project: s.Project}
			for _, view := range s.Views {
				service.Views = append(service.Views, registry.ServiceView{View: view})
			}
			d.FeatureServices = append(d.FeatureServices, service)
		}
		for _, u := range def.UnknownFields {
			d.UnknownFields = append(d.UnknownFields, registry.UnknownField{Path: u.Path, Field: u.Field, Bytes: u.Bytes})
		}
	}
	d.Finish()
	return d, nil
}

func fromReport(v report.View) registry.View {
	def := v.Definition
	kind := model.ViewKind(def.Kind)
	if kind == "" {
		kind = model.KindFeatureView
	}
	out := registry.View{
		Name: v.Name, Project: v.Project, Kind: kind, Owner: v.Owner, Path: def.Path,
		TTLSeconds: def.TTLSeconds, TTLOnWire: def.TTLOnWire, TTLNever: def.TTLNever, MaxAgeSeconds: def.MaxAgeSeconds, MaxLagSeconds: def.MaxLagSeconds,
		EventTime: def.EventTime, IngestedAt: def.IngestedAt, JoinKeys: def.Entity, Features: registry.FeaturesOf(def.Features),
		Table: def.Table, Settings: def.Settings,
	}
	if out.Settings == nil {
		out.Settings, out.SettingsInPart = settings(def), true
	}
	if out.TTLOnWire == "" && def.TTLSeconds != nil {
		out.TTLOnWire = registry.TTLSet
		if *def.TTLSeconds == 0 {
			out.TTLOnWire = registry.TTLZero
		}
	}
	if out.Path == "" && out.EventTime == "" { // reports of releases that left out the columns of views without files
		out.NoFiles = "the report holds no files of it"
	}
	if !def.KeyDefaulted {
		out.Key = def.Key
	}
	return out
}

// settings are the other keys that somebody decided, as far as a report without settings of its own tells. What was inferred or filled in
// changes with the files, and is none.
func settings(def report.ViewDefinition) map[string]string {
	s := map[string]string{}
	origins := model.ParseOrigins(def.Origins)
	put := func(key, value string) {
		if origin := origins[key]; value != "" && origin.Kind != model.OriginDefault && origin.Kind != model.OriginInferred {
			s[key] = value
		}
	}
	list := func(key string, words []string) { put(key, strings.Join(words, ", ")) }
	span := func(key string, seconds *float64) {
		if seconds != nil {
			put(key, words.Exact(registry.Seconds(seconds)))
		}
	}
	put("source", def.Source)
	for name, p := range def.Sources {
		key := "sources." + name
		put(key, "declared")
		put(key+".zone", p.Zone)
		span(key+".max_age", p.MaxAgeSeconds)
		span(key+".max_lag", p.MaxLagSeconds)
		put(key+".until", p.Until)
	}
	list("writer", def.Writer)
	list("once_per", def.OncePer)
	list("measures", def.Measures)
	put("zone", def.Zone)
	put("reference", def.Reference)
	span("tolerance", &def.ToleranceSecs)
	if p := def.TimePartition; p != nil {
		list("time_partition.column", p.Columns)
		put("time_partition.grain", p.Grain)
		put("time_partition.zone", p.Zone)
		put("time_partition.of", p.Of)
		put("time_partition.expected", p.Expected)
		put("time_partition.expected_by", p.ExpectedBy)
		span("time_partition.complete_after", &p.CompleteAfterSeconds)
	}
	return s
}

// DecodeDefinitions reads a document that `featureaudit definitions --format json` wrote.
func DecodeDefinitions(data []byte) (registry.Definitions, error) {
	var d registry.Definitions
	if err := json.Unmarshal(data, &d); err != nil {
		return registry.Definitions{}, fmt.Errorf("not definitions: %w", err)
	}
	for i, v := range d.Views {
		if v.Name == "" {
			return registry.Definitions{}, fmt.Errorf("views[%d] has no name", i)
		}
	}
	d.Finish()
	return d, nil
}
