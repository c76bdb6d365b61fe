package registry

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/words"
)

// SettingsOf are the keys of a view that have no place of their own in a definition, as text under their dotted names. What nobody decided,
// a default or what the paths of files tell, is none.
func SettingsOf(m model.View) map[string]string {
	s := map[string]string{}
	put := func(key, value string) {
		if origin := m.Origins[key].Kind; value != "" && origin != model.OriginDefault && origin != model.OriginInferred {
			s[key] = value
		}
	}
	list := func(key string, words []string) { put(key, strings.Join(words, ", ")) }
	duration := func(key string, d time.Duration) {
		if d != 0 {
			put(key, words.Exact(d))
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
	if m.Tolerance != 0 || m.Origins["tolerance"].Set() { // its default is not 0
		put("tolerance", words.Exact(m.Tolerance))
	}
	duration("rewrites", m.Rewrites)
	tableSettings(m.Table, put)
	partitionSettings(m, put, list, duration)
	checkSettings(m, put)
	return s
}

func partitionSettings(m model.View, put func(key, value string), list func(string, []string), duration func(string, time.Duration)) {
	p := m.TimePartition
	list("time_partition.column", p.Columns)
	put("time_partition.grain", string(p.Grain))
	put("time_partition.zone", p.Zone)
	put("time_partition.of", string(p.Of))
	put("time_partition.expected", string(p.Expected))
	duration("time_partition.complete_after", p.CompleteAfter)
	put("time_partition.expected_by", p.ExpectedBy)
}

func checkSettings(m model.View, put func(key, value string)) {
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

// TableOf names the table of a view that its path alone does not: one on Trino, one in a catalog, or a branch.
func TableOf(t model.TableAt) string {
	t.Format, t.Version, t.AsOf, t.Relocated = "", nil, time.Time{}, false
	return t.String()
}

func tableSettings(t model.TableAt, put func(key, value string)) {
	put("table.format", t.Format)
	if t.Version != nil {
		put("table.version", strconv.FormatInt(*t.Version, 10))
	}
	if !t.AsOf.IsZero() {
		put("table.as_of", t.AsOf.UTC().Format(time.RFC3339Nano))
	}
	if t.Relocated {
		put("table.relocated", "true")
	}
}

// SaidInPart says whether a setting is one of those that reports of release 0.1.0 hold.
func SaidInPart(key string) bool {
	if source, ok := strings.CutPrefix(key, "sources."); ok {
		_, sub, below := strings.Cut(source, ".")
		return !below || slices.Contains([]string{"zone", "max_age", "max_lag", "until"}, sub)
	}
	return strings.HasPrefix(key, "time_partition.") || slices.Contains([]string{"source", "writer", "once_per", "measures", "zone", "reference", "tolerance"}, key)
}
