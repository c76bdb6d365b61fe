package iceberg

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// lastFormat is the newest version of the format that is followed.
const lastFormat = 3

// metadata is the metadata of a table, as its JSON has it. All fields that the format knows are here: one that it does not know may
// change which rows count, and is refused.
type metadata struct {
	FormatVersion      *int              `json:"format-version"`
	TableUUID          string            `json:"table-uuid"`
	Location           string            `json:"location"`
	LastSequenceNumber *int64            `json:"last-sequence-number"`
	LastUpdatedMs      *int64            `json:"last-updated-ms"`
	LastColumnID       *int              `json:"last-column-id"`
	Schema             *schema           `json:"schema"`
	Schemas            []schema          `json:"schemas"`
	CurrentSchemaID    *int              `json:"current-schema-id"`
	PartitionSpec      []partitionField  `json:"partition-spec"`
	PartitionSpecs     []partitionSpec   `json:"partition-specs"`
	DefaultSpecID      *int              `json:"default-spec-id"`
	LastPartitionID    *int              `json:"last-partition-id"`
	Properties         map[string]string `json:"properties"`
	CurrentSnapshotID  *int64            `json:"current-snapshot-id"`
	Snapshots          []snapshot        `json:"snapshots"`
	SnapshotLog        []logEntry        `json:"snapshot-log"`
	Refs               map[string]ref    `json:"refs"`
	NextRowID          *int64            `json:"next-row-id"`
	EncryptionKeys     []json.RawMessage `json:"encryption-keys"`
	// These say nothing of which rows count.
	MetadataLog         json.RawMessage `json:"metadata-log"`
	SortOrders          json.RawMessage `json:"sort-orders"`
	DefaultSortOrderID  json.RawMessage `json:"default-sort-order-id"`
	Statistics          json.RawMessage `json:"statistics"`
	PartitionStatistics json.RawMessage `json:"partition-statistics"`
}

type snapshot struct {
	ID             *int64            `json:"snapshot-id"`
	Parent         *int64            `json:"parent-snapshot-id"`
	SequenceNumber *int64            `json:"sequence-number"`
	TimestampMs    *int64            `json:"timestamp-ms"`
	ManifestList   string            `json:"manifest-list"`
	Manifests      []string          `json:"manifests"`
	Summary        map[string]string `json:"summary"`
	SchemaID       *int              `json:"schema-id"`
	FirstRowID     *int64            `json:"first-row-id"`
	AddedRows      *int64            `json:"added-rows"`
	KeyID          *string           `json:"key-id"`
}

// sequence is its number; those of tables of version 1 have 0.
func (s snapshot) sequence() int64 {
	if s.SequenceNumber == nil {
		return 0
	}
	return *s.SequenceNumber
}

type logEntry struct {
	SnapshotID  *int64 `json:"snapshot-id"`
	TimestampMs *int64 `json:"timestamp-ms"`
}

type ref struct {
	SnapshotID         *int64 `json:"snapshot-id"`
	Type               string `json:"type"`
	MinSnapshotsToKeep *int64 `json:"min-snapshots-to-keep"`
	MaxSnapshotAgeMs   *int64 `json:"max-snapshot-age-ms"`
	MaxRefAgeMs        *int64 `json:"max-ref-age-ms"`
}

type partitionSpec struct {
	ID     *int             `json:"spec-id"`
	Fields []partitionField `json:"fields"`
}

type partitionField struct {
	SourceID  *int   `json:"source-id"`
	SourceIDs []int  `json:"source-ids"`
	FieldID   *int   `json:"field-id"`
	Name      string `json:"name"`
	Transform string `json:"transform"`
}

// mostMetadata bounds what metadata may unpack to.
const mostMetadata = 1 << 30

// parseMetadata reads the JSON of a table's metadata, which may be packed by gzip, and checks that it holds together.
func parseMetadata(data []byte) (*metadata, error) {
	if bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		packed, err := gzip.NewReader(bytes.NewReader(data))
		if err == nil {
			data, err = io.ReadAll(io.LimitReader(packed, mostMetadata))
		}
		if err != nil {
			return nil, fmt.Errorf("it does not unpack: %w", err)
		}
	}
	var version struct {
		FormatVersion *int `json:"format-version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("it is no JSON of a table's metadata: %w", err)
	}
	if v := version.FormatVersion; v != nil && *v > lastFormat {
		return nil, fmt.Errorf("it is of format version %d, and the last that is read here is %d: audit with a newer release", *v, lastFormat)
	}
	m := &metadata{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("it is no metadata of a table as format versions 1 to %d have it (a field that is not known may change which rows count): %w", lastFormat, err)
	}
	return m, m.check()
}

// check says what is wrong with metadata whatever version is wanted.
func (m *metadata) check() error {
	damaged := func(format string, args ...any) error { return fmt.Errorf(format+": the metadata is damaged", args...) }
	switch {
	case m.FormatVersion == nil || *m.FormatVersion < 1:
		return damaged("it has no format-version")
	case len(m.EncryptionKeys) > 0:
		return errors.New("it is encrypted (encryption-keys), and the audit has no keys: audit a copy that is not")
	case m.Location == "":
		return damaged("it has no location")
	case *m.FormatVersion == 1 && m.LastSequenceNumber != nil && *m.LastSequenceNumber > 0:
		return damaged("it is of format version 1 and has the sequence number %d", *m.LastSequenceNumber)
	case *m.FormatVersion > 1 && m.LastSequenceNumber == nil:
		return damaged("it has no last-sequence-number")
	case *m.FormatVersion > 2 && m.NextRowID == nil:
		return damaged("it is of format version %d and has no next-row-id", *m.FormatVersion)
	case m.LastColumnID == nil:
		return damaged("it has no last-column-id")
	}
	if len(m.Schemas) == 0 && m.Schema != nil {
		m.Schemas, m.CurrentSchemaID = []schema{*m.Schema}, m.Schema.ID
	}
	if m.PartitionSpecs == nil {
		zero := 0
		for i := range m.PartitionSpec { // the oldest writers gave no numbers
			if m.PartitionSpec[i].FieldID == nil {
				id := 1000 + i
				m.PartitionSpec[i].FieldID = &id
			}
		}
		m.PartitionSpecs = []partitionSpec{{ID: &zero, Fields: m.PartitionSpec}}
	}
	if err := m.checkSchemas(); err != nil {
		return damaged("%w", err)
	}
	if err := m.checkSnapshots(); err != nil {
		return damaged("%w", err)
	}
	return nil
}

func (m *metadata) checkSchemas() error {
	seen := map[int]bool{}
	for i, s := range m.Schemas {
		id := 0
		if s.ID != nil {
			id = *s.ID
		}
		if seen[id] {
			return fmt.Errorf("it has two schemas of the number %d", id)
		}
		seen[id] = true
		if s.Type != "struct" {
			return fmt.Errorf("its schema %d is a %q, want a struct", id, s.Type)
		}
		if err := checkFields(m.Schemas[i].Fields, *m.LastColumnID, map[int]bool{}); err != nil {
			return fmt.Errorf("its schema %d: %w", id, err)
		}
	}
	if m.current() == nil {
		return errors.New("it has no current schema")
	}
	specs := map[int]bool{}
	for _, s := range m.PartitionSpecs {
		if s.ID == nil || specs[*s.ID] {
			return errors.New("a partition spec has no number, or one that another has")
		}
		specs[*s.ID] = true
		for _, f := range s.Fields {
			if f.FieldID == nil || f.Name == "" || f.Transform == "" || f.SourceID == nil && len(f.SourceIDs) == 0 {
				return fmt.Errorf("partition spec %d has a field without number, name, transform or source", *s.ID)
			}
		}
	}
	if m.DefaultSpecID != nil && !specs[*m.DefaultSpecID] {
		return fmt.Errorf("its default-spec-id is %d, and it has no such partition spec", *m.DefaultSpecID)
	}
	return nil
}

// checkFields says what is wrong with the fields of a struct: each number stands once, and is not beyond the last.
func checkFields(fields []field, last int, seen map[int]bool) error {
	names := map[string]bool{}
	for _, f := range fields {
		if f.ID == nil || f.Name == "" {
			return errors.New("a column has no number or no name")
		}
		if names[f.Name] {
			return fmt.Errorf("it has two columns %q", f.Name)
		}
		names[f.Name] = true
		if err := checkIDs(f.Type, *f.ID, last, seen); err != nil {
			return fmt.Errorf("column %s: %w", f.Name, err)
		}
	}
	return nil
}

func checkIDs(t fieldType, id, last int, seen map[int]bool) error {
	if seen[id] || id < 1 || id > last {
		return fmt.Errorf("its number %d is one of another column, or beyond the last, %d", id, last)
	}
	seen[id] = true
	switch t.Kind {
	case kindStruct:
		return checkFields(t.Fields, last, seen)
	case kindList:
		return checkIDs(*t.Element, t.ElementID, last, seen)
	case kindMap:
		return errors.Join(checkIDs(*t.Key, t.KeyID, last, seen), checkIDs(*t.Element, t.ElementID, last, seen))
	}
	return nil
}

func (m *metadata) checkSnapshots() error {
	seen := map[int64]bool{}
	for _, s := range m.Snapshots {
		switch {
		case s.ID == nil || s.TimestampMs == nil:
			return errors.New("a snapshot has no snapshot-id or no timestamp-ms")
		case seen[*s.ID]:
			return fmt.Errorf("it has two snapshots %d", *s.ID)
		case m.LastSequenceNumber != nil && s.sequence() > *m.LastSequenceNumber:
			return fmt.Errorf("snapshot %d has the sequence number %d, and the last is %d", *s.ID, s.sequence(), *m.LastSequenceNumber)
		}
		seen[*s.ID] = true
	}
	for _, e := range m.SnapshotLog {
		if e.SnapshotID == nil || e.TimestampMs == nil {
			return errors.New("its snapshot-log has an entry without snapshot-id or timestamp-ms")
		}
	}
	for name, r := range m.Refs {
		if r.SnapshotID == nil || r.Type != "branch" && r.Type != "tag" {
			return fmt.Errorf("its reference %q is no branch and no tag", name)
		}
	}
	if main, ok := m.Refs["main"]; ok && *main.SnapshotID != m.currentID() {
		return fmt.Errorf("its branch main is at snapshot %d, and current-snapshot-id says %d", *main.SnapshotID, m.currentID())
	}
	return nil
}

// noSnapshot is how older writers say that a table has none.
const noSnapshot = -1

func (m *metadata) currentID() int64 {
	if m.CurrentSnapshotID == nil {
		return noSnapshot
	}
	return *m.CurrentSnapshotID
}

// current is the table's schema.
func (m *metadata) current() *schema {
	if m.CurrentSchemaID == nil {
		if len(m.Schemas) == 1 {
			return &m.Schemas[0]
		}
		return nil
	}
	return m.schemaOf(*m.CurrentSchemaID)
}

func (m *metadata) schemaOf(id int) *schema {
	for i := range m.Schemas {
		if s := &m.Schemas[i]; s.ID != nil && *s.ID == id || s.ID == nil && id == 0 {
			return s
		}
	}
	return nil
}

// field finds a column by its number: in the schema that is read, else in the newest that has it.
func (m *metadata) field(read *schema, id int) *field {
	if f := read.find(id); f != nil {
		return f
	}
	sorted := slices.Clone(m.Schemas)
	slices.SortFunc(sorted, func(a, b schema) int { return cmp.Compare(b.number(), a.number()) })
	for i := range sorted {
		if f := sorted[i].find(id); f != nil {
			return f
		}
	}
	return nil
}

func (m *metadata) snapshot(id int64) *snapshot {
	for i := range m.Snapshots {
		if *m.Snapshots[i].ID == id {
			return &m.Snapshots[i]
		}
	}
	return nil
}

func (m *metadata) spec(id int) *partitionSpec {
	for i := range m.PartitionSpecs {
		if *m.PartitionSpecs[i].ID == id {
			return &m.PartitionSpecs[i]
		}
	}
	return nil
}

// schema is one version of a table's columns.
type schema struct {
	Type               string  `json:"type"`
	ID                 *int    `json:"schema-id"`
	IdentifierFieldIDs []int   `json:"identifier-field-ids"`
	Fields             []field `json:"fields"`
}

func (s schema) number() int {
	if s.ID == nil {
		return 0
	}
	return *s.ID
}

// find finds a top-level column by its number.
func (s *schema) find(id int) *field {
	for i := range s.Fields {
		if *s.Fields[i].ID == id {
			return &s.Fields[i]
		}
	}
	return nil
}

type field struct {
	ID             *int            `json:"id"`
	Name           string          `json:"name"`
	Required       *bool           `json:"required"`
	Type           fieldType       `json:"type"`
	Doc            string          `json:"doc"`
	InitialDefault json.RawMessage `json:"initial-default"`
	WriteDefault   json.RawMessage `json:"write-default"`
}

// hasDefault says that files without the column read as something other than NULL.
func (f field) hasDefault() bool {
	return len(f.InitialDefault) > 0 && string(f.InitialDefault) != "null"
}

// The kinds of types that hold others.
const (
	kindStruct = "struct"
	kindList   = "list"
	kindMap    = "map"
)

// fieldType is a type: its name in Kind, or a kind that holds others.
type fieldType struct {
	Kind   string
	Fields []field
	// Element is that of a list, or of the values of a map.
	Key, Element     *fieldType
	KeyID, ElementID int
}

// UnmarshalJSON reads a name or an object.
func (t *fieldType) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &t.Kind); err == nil {
		return t.checkName()
	}
	var nested struct {
		Type            string     `json:"type"`
		Fields          []field    `json:"fields"`
		ElementID       *int       `json:"element-id"`
		Element         *fieldType `json:"element"`
		ElementRequired *bool      `json:"element-required"`
		KeyID           *int       `json:"key-id"`
		Key             *fieldType `json:"key"`
		ValueID         *int       `json:"value-id"`
		Value           *fieldType `json:"value"`
		ValueRequired   *bool      `json:"value-required"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&nested); err != nil {
		return err
	}
	t.Kind = nested.Type
	switch {
	case nested.Type == kindStruct:
		t.Fields = nested.Fields
	case nested.Type == kindList && nested.Element != nil && nested.ElementID != nil:
		t.Element, t.ElementID = nested.Element, *nested.ElementID
	case nested.Type == kindMap && nested.Key != nil && nested.Value != nil && nested.KeyID != nil && nested.ValueID != nil:
		t.Key, t.KeyID, t.Element, t.ElementID = nested.Key, *nested.KeyID, nested.Value, *nested.ValueID
	default:
		return fmt.Errorf("a type %q that is no struct, list or map, or lacks a part", nested.Type)
	}
	return nil
}

// plainTypes are the types without parameters.
var plainTypes = []string{"boolean", "int", "long", "float", "double", "date", "time", "timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns",
	"string", "uuid", "binary", "unknown", "variant", "geometry", "geography"}

// checkName refuses a type that no version of the format has.
func (t *fieldType) checkName() error {
	name, _, _ := strings.Cut(t.Kind, "(")
	short, _, _ := strings.Cut(t.Kind, "[")
	if slices.Contains(plainTypes, name) || name == "decimal" && name != t.Kind || short == "fixed" && short != t.Kind {
		return nil
	}
	return fmt.Errorf("the type %q is not known here", t.Kind)
}

// String is the type in the words of the format.
func (t fieldType) String() string {
	switch t.Kind {
	case kindStruct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = f.Name + ": " + f.Type.String()
		}
		return "struct<" + strings.Join(parts, ", ") + ">"
	case kindList:
		return "list<" + t.Element.String() + ">"
	case kindMap:
		return "map<" + t.Key.String() + ", " + t.Element.String() + ">"
	}
	return t.Kind
}
