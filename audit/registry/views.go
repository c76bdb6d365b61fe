package registry

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
)

// dummyEntity and dummyKey are what Feast gives a view without entities.
const (
	dummyEntity = "__dummy"
	dummyKey    = "__dummy_id"
)

// MadeUp says whether an entity or a join key is one that Feast makes up for a view that has none.
func MadeUp(name string) bool { return name == dummyEntity || name == dummyKey }

// Entityless says whether a view has no entity of its own: none, or the one that Feast makes up.
func (v View) Entityless() bool {
	return len(v.Entities) == 0 && len(v.JoinKeys) == 0 || slices.Equal(v.Entities, []string{dummyEntity}) || slices.Equal(v.JoinKeys, []string{dummyKey})
}

// ToViews are the views as an audit takes them, in the order of the definitions, each key with its origin. Relative
// paths start from the definitions' root. An error names a view whose columns cannot be told.
func (d Definitions) ToViews() ([]model.View, error) {
	views := make([]model.View, 0, len(d.Views))
	for _, v := range d.Views {
		m, err := d.toView(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", d.Source, v.label(), err)
		}
		views = append(views, m)
	}
	return views, nil
}

func (v View) label() string { return fmt.Sprintf("view %q", v.Name) }

// endpointOverride ends the name of the setting by which a source of Feast says which server its bucket is of.
const endpointOverride = "s3_endpoint_override"

// filesPath is the path of the view's files. A server of S3 that the source names is a parameter of the address, unless that has parameters.
func (v View) filesPath() string {
	if v.BatchSource == nil || !strings.HasPrefix(strings.ToLower(v.Path), "s3://") || strings.Contains(v.Path, "?") {
		return v.Path
	}
	for _, name := range slices.Sorted(maps.Keys(v.BatchSource.Details)) {
		endpoint := v.BatchSource.Details[name]
		if endpoint == "" || name != endpointOverride && !strings.HasSuffix(name, "."+endpointOverride) {
			continue
		}
		if !strings.Contains(endpoint, "://") {
			endpoint = "https://" + endpoint // as Feast's reader takes it
		}
		return v.Path + "?endpoint=" + url.QueryEscape(endpoint)
	}
	return v.Path
}

func (d Definitions) toView(v View) (model.View, error) {
	if v.Policy != nil {
		m := *v.Policy
		m.Root = cmp.Or(m.Root, d.Root)
		m.Origins = maps.Clone(m.Origins)
		return m, nil
	}
	m := model.View{
		Name: v.Name, Project: v.Project, Kind: v.Kind, Owner: v.Owner, Path: v.filesPath(), Root: d.Root, NoFiles: v.NoFiles,
		Key: slices.Clone(v.Key), TTL: v.ttl(), MaxAge: Seconds(v.MaxAgeSeconds), MaxLag: Seconds(v.MaxLagSeconds),
		Origins: model.Origins{},
	}
	if v.NoFiles != "" { // nothing is read by these names, and a report keeps them all the same
		m.EventTime.Column, m.IngestedAt.Column, m.Entity = v.InFiles()
	} else {
		var err error
		if m.EventTime.Column, err = v.column("event time", v.EventTime); err != nil {
			return m, err
		}
		if m.IngestedAt.Column, err = v.column("created column", v.IngestedAt); err != nil {
			return m, err
		}
		if m.Entity, err = v.entity(); err != nil {
			return m, err
		}
	}
	if s := v.BatchSource; s != nil && v.NoFiles != "" && (s.Type == "BATCH_TRINO" || s.Type == "BATCH_SPARK") && tableName.MatchString(s.Table) {
		m.Table.Trino = s.Table // a query is no table, and nobody says what it reads
	}
	if v.BatchSource != nil {
		m.Zone = v.BatchSource.Tags[tagZone]
	}
	for _, i := range v.Materialized {
		m.Materialized = append(m.Materialized, model.Interval(i))
	}
	d.originate(&m, v)
	return m, nil
}

// tableName is what a source of a warehouse calls a table by, and not a query.
var tableName = regexp.MustCompile(`^[\pL\pN_$-]+(\.[\pL\pN_$-]+){0,2}$`)

// InFiles are the event time, the created column and the join keys by the names that the files have for them, where
// the field mapping renames them. What could be several columns keeps its name.
func (v View) InFiles() (eventTime, ingestedAt string, joinKeys []string) {
	named := func(name string) string {
		if column, err := v.column("", name); err == nil {
			return column
		}
		return name
	}
	if !v.Entityless() {
		for _, key := range v.JoinKeys {
			joinKeys = append(joinKeys, named(key))
		}
	}
	return named(v.EventTime), named(v.IngestedAt), joinKeys
}

// tagZone is the tag of a data source that says which zone its naive times are written in.
const tagZone = "event_time.timezone"

func (v View) entity() ([]string, error) {
	if v.Entityless() {
		return nil, nil
	}
	keys := make([]string, len(v.JoinKeys))
	for i, key := range v.JoinKeys {
		column, err := v.column("join key", key)
		if err != nil {
			return nil, err
		}
		keys[i] = column
	}
	return keys, nil
}

// column is the name that a column has in the files. The source's field mapping renames columns on reading, and
// Feast's stores disagree on whether times are named before or after it, so what could be either is an error.
func (v View) column(what, name string) (string, error) {
	if v.BatchSource == nil || name == "" {
		return name, nil
	}
	mapping := v.BatchSource.FieldMapping
	var from []string
	for _, column := range slices.Sorted(maps.Keys(mapping)) {
		if mapping[column] == name && column != name {
			from = append(from, column)
		}
	}
	if len(from) == 0 {
		return name, nil
	}
	if _, renamed := mapping[name]; len(from) == 1 && !renamed {
		return from[0], nil
	}
	return "", fmt.Errorf("%s %q could be column %s of the files: the field mapping of source %s renames more than one; write the column in the config", what, name, strings.Join(append(from, name), " or "), v.BatchSource.Name)
}

// originate notes for each key that the definition decides where its value comes from.
func (d Definitions) originate(m *model.View, v View) {
	origin := d.Kind + " " + d.Source
	at := func(key string, set bool) {
		if !set {
			return
		}
		if l, ok := v.Locations[key]; ok {
			m.Origins[key] = model.Written(fmt.Sprintf("%s:%d", l.File, l.Line))
			return
		}
		m.Origins[key] = model.Written(origin)
	}
	at("name", true)
	at("path", m.Path != "")
	at("owner", m.Owner != "")
	at("event_time", m.EventTime.Column != "")
	at("ingested_at", m.IngestedAt.Column != "")
	at("entity", len(m.Entity) > 0)
	at("key", len(m.Key) > 0)
	// A registry always decides: a ttl that it does not write never expires.
	at("ttl", d.Kind == KindFeast || v.TTLOnWire != TTLAbsent || v.TTLNever != "")
	at("max_age", m.MaxAge > 0)
	at("max_lag", m.MaxLag > 0)
	at("zone", m.Zone != "")
	at("table", m.Table.Trino != "")
}

func (v View) ttl() model.TTL {
	if v.Kind == model.KindOnDemandView {
		return model.TTL{Never: "an on-demand feature view keeps no rows that could expire", OnWire: TTLAbsent}
	}
	return model.TTL{Duration: Seconds(v.TTLSeconds), Never: v.TTLNever, OnWire: v.TTLOnWire, Explicit: v.TTLOnWire != TTLAbsent}
}

// Seconds is a number of seconds as a duration; null is 0. What a duration cannot count (292 years) is its longest.
func Seconds(seconds *float64) time.Duration {
	if seconds == nil {
		return 0
	}
	ns := *seconds * 1e9
	switch {
	case ns >= math.MaxInt64:
		return math.MaxInt64
	case ns <= math.MinInt64:
		return math.MinInt64
	}
	return time.Duration(math.Round(ns))
}
