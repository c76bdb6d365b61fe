package render

import (
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// defined lists the definition that a view was judged by, each key with the place that its value comes from.
func defined(v report.View) []definedAs {
	d := v.Definition
	rows := []definedAs{}
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, definedAs{Key: clip(Clean(key), maxPageName), Value: clip(Clean(value), maxPageRunes), Origin: clip(Clean(d.Origins[key]), maxPageName)})
		}
	}
	ttl := span(d.TTLSeconds)
	switch {
	case d.TTLNever != "":
		ttl = "never: " + d.TTLNever
	case ttl == "":
		ttl = "not set"
	}
	add("path", d.Path)
	add("event_time", d.EventTime)
	add("ingested_at", d.IngestedAt)
	add("source", d.Source)
	add("entity", strings.Join(d.Entity, ", "))
	add("key", strings.Join(d.Key, ", "))
	add("writer", strings.Join(d.Writer, ", "))
	add("once_per", strings.Join(d.OncePer, ", "))
	add("measures", strings.Join(d.Measures, ", "))
	add("ttl", ttl)
	add("max_age", span(d.MaxAgeSeconds))
	add("max_lag", span(d.MaxLagSeconds))
	add("zone", d.Zone)
	add("reference", d.Reference)
	add("tolerance", span(&d.ToleranceSecs))
	if p := d.TimePartition; p != nil {
		add("time_partition.column", strings.Join(p.Columns, ", "))
		add("time_partition.grain", p.Grain)
		add("time_partition.of", p.Of)
		add("time_partition.zone", p.Zone)
		add("time_partition.expected", p.Expected)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Sources)) {
		s := d.Sources[name]
		var parts []string
		for _, part := range []struct{ label, value string }{{"zone", s.Zone}, {"max_age", span(s.MaxAgeSeconds)}, {"max_lag", span(s.MaxLagSeconds)}, {"until", s.Until}} {
			if part.value != "" {
				parts = append(parts, part.label+" "+part.value)
			}
		}
		add("sources."+name, strings.Join(parts, ", "))
	}
	return rows
}

// span writes a number of seconds, nothing where there is none.
func span(s *float64) string {
	if s == nil {
		return ""
	}
	return words.Seconds(*s)
}
