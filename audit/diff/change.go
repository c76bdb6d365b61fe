package diff

import (
	"github.com/featureaudit/featureaudit/audit/registry"
)

// Object is what a change is about.
type Object string

// The objects. What one side's format cannot say is not compared.
const (
	View            Object = "view"
	Kind            Object = "kind"
	TTL             Object = "ttl"
	MaxAge          Object = "max_age"
	MaxLag          Object = "max_lag"
	EventTime       Object = "event_time"
	CreatedColumn   Object = "ingested_at"
	Entities        Object = "entities"
	JoinKeys        Object = "join_keys"
	Key             Object = "key"
	Feature         Object = "features"
	Source          Object = "source"
	SourcePath      Object = "path"
	StreamSource    Object = "stream_source"
	FieldMapping    Object = "field_mapping"
	Online          Object = "online"
	Materialization Object = "materialized_until"
	Owner           Object = "owner"
	Tag             Object = "tags"
	Setting         Object = "settings"
	NewerField      Object = "newer_fields"
	Service         Object = "feature_services"
	ServiceMember   Object = "feature_services.views"
	Entity          Object = "entity"
	RegisteredData  Object = "data_sources"
	UnknownField    Object = "unknown_fields"
	PhysicalType    Object = "physical_types"

	Project           Object = "project"
	KeyType           Object = "key_types"
	SourceName        Object = "source_name"
	Transformation    Object = "transformation"
	Aggregation       Object = "aggregations"
	Inputs            Object = "inputs"
	Watermark         Object = "watermark"
	ServiceAlias      Object = "feature_services.alias"
	ServiceJoinKeys   Object = "feature_services.join_key_map"
	ServiceLogging    Object = "feature_services.logging"
	ServicePrecompute Object = "feature_services.precompute_online"
	// NotJudged is all else that the reader knows.
	NotJudged Object = "not_judged"
)

// Action is what happened to an object.
type Action string

// The actions. Each has an opposite, which the change in the other direction has.
const (
	Added      Action = "added"
	Removed    Action = "removed"
	Changed    Action = "changed"
	Renamed    Action = "renamed"
	Lengthened Action = "lengthened"
	Shortened  Action = "shortened"
	Widened    Action = "widened"
	Narrowed   Action = "narrowed"
)

// Change is one difference.
type Change struct {
	Object Object
	Action Action
	// View and Project are of the newer side where the view is on both; empty for what belongs to no view.
	View    string
	Project string
	// Name tells several objects of one kind apart: a feature, a tag, a service.
	Name string
	// Old and New are a number (seconds), text, a list of texts, true or false; nil is nothing.
	Old, New any
	// Location is where the newer side says it, or the older where the newer says nothing.
	Location *registry.Location
	// UsedBy names the feature services, on either side, that read what changed.
	UsedBy []string
	// ByUpgrade says that a newer release alone explains the change: it writes what the older one did not know.
	ByUpgrade bool
}

// Path is the object with its name: "ttl", "features.amount".
func (c Change) Path() string {
	if c.Name == "" {
		return string(c.Object)
	}
	return string(c.Object) + "." + c.Name
}
