package registry

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

// Schema is the identifier and version of definitions written as JSON.
const Schema = "featureaudit.definitions/v1"

// The kinds of what definitions are read from.
const (
	KindFeast = "feast"
	KindYAML  = "yaml"
	KindODCS  = "odcs"
	KindDBT   = "dbt"
	// KindReport is the report of an earlier audit.
	KindReport = "report"
)

// How a definition writes its ttl. Absent and zero mean the same: never expires.
const (
	TTLAbsent = "absent"
	TTLZero   = "zero"
	TTLSet    = "set"
)

// What may stand in for max_age.
const (
	// ByWarnAfter is an age at which the format only warns: a breach of it fails nothing.
	ByWarnAfter = "warn_after"
	// ByLatency is the promised delay of rows, in a format that prefers it to an age.
	ByLatency = "latency"
)

// Definitions are everything that one source defines. Lists are sorted by name; times are RFC 3339 in UTC, durations seconds.
type Definitions struct {
	Schema string `json:"schema"`
	// Source is the reference as it was given, without passwords.
	Source  string `json:"source"`
	Kind    string `json:"kind"`
	Project string `json:"project"`
	// Digest is of the bytes that were read.
	Digest          string           `json:"digest"`
	Views           []View           `json:"views"`
	Entities        []Entity         `json:"entities"`
	DataSources     []DataSource     `json:"data_sources"`
	FeatureServices []FeatureService `json:"feature_services"`
	UnknownFields   []UnknownField   `json:"unknown_fields"`
	// Objects are what no rule judges: permissions, saved datasets.
	Objects []Object `json:"objects,omitempty"`
	// Unsaid are the kinds of objects that the format cannot hold.
	Unsaid []string `json:"unsaid,omitempty"`
	// Ledger says that nothing known was passed over: fields, objects and details are complete. Documents of releases
	// that did not keep them have no such claim, and are not compared in these.
	Ledger bool `json:"ledger,omitempty"`
	// Notes say in words what was left out or decided while reading.
	Notes []string `json:"notes"`

	// Root is the absolute directory that relative paths of the views start from; empty where there is none.
	Root string `json:"-"`
}

// View is one feature view.
type View struct {
	Name    string         `json:"name"`
	Project string         `json:"project"`
	Kind    model.ViewKind `json:"kind"`

	// TTLSeconds is as it was written: null where it was not, 0 where it was an explicit zero.
	TTLSeconds *float64 `json:"ttl_seconds"`
	TTLOnWire  string   `json:"ttl_on_wire"`
	// TTLDeclared says that the ttl is a decision: above 0, or an acknowledged never.
	TTLDeclared   bool     `json:"ttl_declared"`
	TTLNever      string   `json:"ttl_never,omitempty"`
	MaxAgeSeconds *float64 `json:"max_age_seconds"`
	MaxLagSeconds *float64 `json:"max_lag_seconds"`
	// MaxAgeBy names a promise that stands in for max_age where the definition makes no other: ByWarnAfter, ByLatency.
	MaxAgeBy string `json:"max_age_by,omitempty"`

	EventTime  string   `json:"event_time"`
	IngestedAt string   `json:"ingested_at"`
	Entities   []string `json:"entities"`
	JoinKeys   []string `json:"join_keys"`
	// Key is what may not repeat, where the definition says so.
	Key      []string `json:"key"`
	Features Features `json:"features"`
	Path     string   `json:"path"`
	// Table is what names the view's table beside its path, in words: a name on Trino or in a catalog, a branch.
	Table  string            `json:"table,omitempty"`
	Tags   map[string]string `json:"tags"`
	Owner  string            `json:"owner"`
	Online bool              `json:"online"`

	// MaterializedUntil is the end of the last interval that was materialised; null where none was.
	MaterializedUntil *time.Time `json:"materialized_until"`
	Materialized      []Interval `json:"materialized,omitempty"`

	// BatchSource is the view's own copy of its source, StreamSource what feeds it live. Null where there is none.
	BatchSource  *DataSource `json:"batch_source"`
	StreamSource *DataSource `json:"stream_source"`
	// NoFiles says why the view cannot have files; empty where it can.
	NoFiles string `json:"no_files,omitempty"`

	// Settings are the other keys that decide how the view is audited or served, by dotted name, as text.
	Settings map[string]string `json:"settings,omitempty"`
	// SettingsInPart says that only settings of SaidInPart can be among them.
	SettingsInPart bool `json:"-"`
	// NewerFields are what only newer releases of the registry's writer write, by name: an old client erases them.
	NewerFields map[string]string `json:"newer_fields,omitempty"`
	// EntityColumns are the join keys with their types as the view itself stores them.
	EntityColumns Features `json:"entity_columns,omitempty"`
	// StreamEventTime is the event time that a stream view itself names, beside the one of its batch source.
	StreamEventTime string `json:"stream_event_time,omitempty"`
	// Fields are the values that have no place above.
	Fields []Field `json:"fields,omitempty"`

	// Location is where the view is written, and Locations where each of its keys is; only for definitions in text.
	Location  *Location           `json:"location,omitempty"`
	Locations map[string]Location `json:"-"`
	// Policy is the whole view where the definition is a config of ours; nil otherwise.
	Policy *model.View `json:"-"`
}

// Interval is a range of event time that was materialised.
type Interval struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// DataSource is where rows come from.
type DataSource struct {
	Name    string `json:"name"`
	Project string `json:"project,omitempty"`
	// Type is Feast's name of the kind: BATCH_FILE, PUSH_SOURCE, STREAM_KAFKA.
	Type string `json:"type"`
	// Path is of a file source, Table (a table, query or topic) of the others.
	Path                string            `json:"path"`
	Table               string            `json:"table,omitempty"`
	TimestampField      string            `json:"timestamp_field"`
	CreatedColumn       string            `json:"created_timestamp_column"`
	DatePartitionColumn string            `json:"date_partition_column,omitempty"`
	FieldMapping        map[string]string `json:"field_mapping"`
	Tags                map[string]string `json:"tags,omitempty"`
	Owner               string            `json:"owner,omitempty"`
	BatchSource         *DataSource       `json:"batch_source,omitempty"`
	// Details are the other settings that decide which rows are read, by path: "snowflake_options.database".
	Details map[string]string `json:"details,omitempty"`
	// Fields are the values that have no place above; only of registered sources.
	Fields []Field `json:"fields,omitempty"`
}

// Entity is what features are of.
type Entity struct {
	Name      string            `json:"name"`
	Project   string            `json:"project"`
	JoinKey   string            `json:"join_key"`
	ValueType string            `json:"value_type"`
	Owner     string            `json:"owner,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
	Fields    []Field           `json:"fields,omitempty"`
}

// FeatureService is a set of features that a model reads together.
type FeatureService struct {
	Name    string            `json:"name"`
	Project string            `json:"project"`
	Owner   string            `json:"owner,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
	Views   []ServiceView     `json:"views"`
	Fields  []Field           `json:"fields,omitempty"`
}

// ServiceView is what a feature service takes from one view.
type ServiceView struct {
	View     string   `json:"view"`
	Alias    string   `json:"alias,omitempty"`
	Features []string `json:"features"`
	// JoinKeys map the view's join keys to the columns that stand for them here.
	JoinKeys map[string]string `json:"join_key_map,omitempty"`
}

// UnknownField is a field that the reader did not know, by its path.
type UnknownField struct {
	// Path names the place in words: "spec.9999 in feature view web_impressions".
	Path string `json:"path"`
	// Field is the field's number, or its name where the source is text.
	Field string `json:"field"`
	// Bytes is the size of the value.
	Bytes int `json:"bytes"`
	// Digest tells two values apart without showing them.
	Digest string `json:"digest"`
	// View is the view that the field belongs to; empty for the rest.
	View string `json:"view,omitempty"`
	// Near is the known key that the writer may have meant; empty where none is near.
	Near string `json:"near,omitempty"`
	// Location is where the field stands; only for definitions in text. It tells no two fields apart.
	Location *Location `json:"location,omitempty"`
}

// Location is a line of a file.
type Location struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// Feature is a feature's name and type.
type Feature struct {
	Name string
	Type string
}

// Features are features sorted by name. They are written as a JSON object of name to type.
type Features []Feature

// Type is the type of the named feature.
func (f Features) Type(name string) (string, bool) {
	i, ok := slices.BinarySearchFunc(f, name, func(x Feature, name string) int { return strings.Compare(x.Name, name) })
	if !ok {
		return "", false
	}
	return f[i].Type, true
}

// MarshalJSON writes an object of name to type, in the order of names.
func (f Features) MarshalJSON() ([]byte, error) {
	buf := make([]byte, 0, 2+32*len(f))
	buf = append(buf, '{')
	for i, x := range f {
		if i > 0 {
			buf = append(buf, ',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, err
		}
		typ, err := json.Marshal(x.Type)
		if err != nil {
			return nil, err
		}
		buf = append(append(append(buf, name...), ':'), typ...)
	}
	return append(buf, '}'), nil
}

// UnmarshalJSON reads an object of name to type.
func (f *Features) UnmarshalJSON(data []byte) error {
	var m map[string]string
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	*f = FeaturesOf(m)
	return nil
}

// FeaturesOf sorts a map of name to type.
func FeaturesOf(m map[string]string) Features {
	f := make(Features, 0, len(m))
	for name, typ := range m {
		f = append(f, Feature{name, typ})
	}
	f.Sort()
	return f
}

// Sort brings the features into the order of their names. Registries keep them in any order.
func (f Features) Sort() {
	byName := func(a, b Feature) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Type, b.Type))
	}
	if !slices.IsSortedFunc(f, byName) {
		slices.SortFunc(f, byName)
	}
}

// Finish sorts everything by name and fills what is empty, so that the same definitions are the same document however
// they were stored. Readers call it last.
func (d *Definitions) Finish() {
	d.Schema = Schema
	for i := range d.Views {
		d.Views[i].finish()
	}
	slices.SortStableFunc(d.Views, func(a, b View) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Project, b.Project), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	slices.SortStableFunc(d.Entities, func(a, b Entity) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Project, b.Project))
	})
	slices.SortStableFunc(d.DataSources, func(a, b DataSource) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Project, b.Project), strings.Compare(a.Type, b.Type))
	})
	for i := range d.DataSources {
		d.DataSources[i].finish()
	}
	for i := range d.FeatureServices {
		d.FeatureServices[i].finish()
	}
	for i := range d.Entities {
		sortFields(d.Entities[i].Fields)
	}
	sortObjects(d.Objects)
	slices.SortStableFunc(d.FeatureServices, func(a, b FeatureService) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Project, b.Project))
	})
	slices.SortFunc(d.UnknownFields, func(a, b UnknownField) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Field, b.Field), strings.Compare(a.Digest, b.Digest))
	})
	d.Views, d.Entities, d.DataSources = report.List(d.Views), report.List(d.Entities), report.List(d.DataSources)
	d.FeatureServices, d.UnknownFields, d.Notes = report.List(d.FeatureServices), report.List(d.UnknownFields), report.List(d.Notes)
	if d.Project == "" {
		d.Project = d.onlyProject()
	}
}

// onlyProject is the project of all views, or empty where they have several or none.
func (d *Definitions) onlyProject() string {
	project := ""
	for i, v := range d.Views {
		if i > 0 && v.Project != project {
			return ""
		}
		project = v.Project
	}
	if len(d.Views) == 0 && len(d.Entities) > 0 {
		return d.Entities[0].Project
	}
	return project
}

func (v *View) finish() {
	v.TTLOnWire = cmp.Or(v.TTLOnWire, TTLAbsent)
	v.TTLDeclared = v.TTLNever != "" || (v.TTLSeconds != nil && *v.TTLSeconds > 0)
	v.Features.Sort()
	v.EntityColumns.Sort()
	sortFields(v.Fields)
	if v.Features == nil {
		v.Features = Features{}
	}
	v.Entities, v.JoinKeys, v.Key = report.List(v.Entities), report.List(v.JoinKeys), report.List(v.Key)
	if v.Tags == nil {
		v.Tags = map[string]string{}
	}
	slices.SortFunc(v.Materialized, func(a, b Interval) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End))
	})
	for _, i := range v.Materialized {
		if v.MaterializedUntil == nil || i.End.After(*v.MaterializedUntil) {
			v.MaterializedUntil = &i.End
		}
	}
	v.BatchSource.finish()
	v.StreamSource.finish()
}

func (s *DataSource) finish() {
	if s == nil {
		return
	}
	if s.FieldMapping == nil {
		s.FieldMapping = map[string]string{}
	}
	sortFields(s.Fields)
	s.BatchSource.finish()
}

func (f *FeatureService) finish() {
	sortFields(f.Fields)
	for i := range f.Views {
		f.Views[i].Features = report.List(f.Views[i].Features)
		slices.Sort(f.Views[i].Features)
	}
	slices.SortFunc(f.Views, func(a, b ServiceView) int {
		return cmp.Or(strings.Compare(a.View, b.View), strings.Compare(a.Alias, b.Alias), slices.Compare(a.Features, b.Features))
	})
	f.Views = report.List(f.Views)
}

// Digest is how bytes that were read are named.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ShortDigest tells values apart that are not shown.
func ShortDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// Marshal writes the definitions as indented JSON with a final newline.
func (d Definitions) Marshal() ([]byte, error) {
	raw, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(raw, '\n'), nil
}
