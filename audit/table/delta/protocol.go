package delta

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/table/logged"
)

// readerFeatures are those of the format that this reader follows. All others are refused by name: each may change which files or
// rows count, or what they mean.
var readerFeatures = []string{"columnMapping", "deletionVectors", "timestampNtz", "typeWidening", "typeWidening-preview", "v2Checkpoint", "vacuumProtocolCheck"}

// catalogManaged are the names under which a catalog, and not the log alone, says what the last version is.
var catalogManaged = []string{"catalogManaged", "catalogOwned", "catalogOwned-preview", "coordinatedCommits", "coordinatedCommits-preview"}

// The versions of the format for readers: from the third on, features have names.
const (
	lastReaderVersion  = 3
	namedReaderVersion = 3
)

// check refuses what this reader does not follow.
func (p *protocol) check() error {
	if p == nil || p.MinReaderVersion == nil {
		return errors.New("no version of it has an action protocol with a minReaderVersion: the log is damaged")
	}
	version := *p.MinReaderVersion
	if version < 1 || version > lastReaderVersion {
		return fmt.Errorf("it asks for readers of version %d of the format, and versions 1 to %d are read here", version, lastReaderVersion)
	}
	for _, name := range slices.Concat(p.ReaderFeatures, p.WriterFeatures) {
		if slices.Contains(catalogManaged, name) {
			return fmt.Errorf("the feature %s: a catalog says which version is its last, and the log alone does not", name)
		}
	}
	if version < namedReaderVersion && len(p.ReaderFeatures) > 0 {
		return fmt.Errorf("it names features for readers (%s) and asks for readers of version %d, which know none: the log is damaged", strings.Join(p.ReaderFeatures, ", "), version)
	}
	if version == namedReaderVersion && p.ReaderFeatures == nil {
		return errors.New("it asks for readers of version 3 and has no list of readerFeatures: the log is damaged")
	}
	var unknown []string
	for _, name := range p.ReaderFeatures {
		if !slices.Contains(readerFeatures, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("it needs the reader feature %s (reader version %d), which is not read here", strings.Join(unknown, " and "), version)
	}
	return nil
}

// structure is a struct type in the schema of a table.
type structure struct {
	Type   string  `json:"type"`
	Fields []field `json:"fields"`
}

type field struct {
	Name     string          `json:"name"`
	Type     json.RawMessage `json:"type"`
	Nullable *bool           `json:"nullable"`
	Metadata struct {
		ID           *int32  `json:"delta.columnMapping.id"`
		PhysicalName *string `json:"delta.columnMapping.physicalName"`
	} `json:"metadata"`
}

// columns are the fields, each with its type as the log writes it.
func (s structure) columns() []logged.Column {
	columns := make([]logged.Column, len(s.Fields))
	for i, f := range s.Fields {
		columns[i] = logged.Column{Name: f.Name, Type: strings.Trim(string(f.Type), `"`), Required: f.Nullable != nil && !*f.Nullable}
	}
	return columns
}

// The ways in which files name the columns of a table.
const (
	mappingKey    = "delta.columnMapping.mode"
	mappingNone   = "none"
	mappingByName = "name"
	mappingByID   = "id"
)

// mapping is how the files of a table name its columns.
func (m *metadata) mapping() string {
	if mode := m.Configuration[mappingKey]; mode != nil && *mode != "" {
		return *mode
	}
	return mappingNone
}

// columns are the table's own, none where files name them alike.
func (m *metadata) columns() (columns []facts.TableColumn, schema structure, err error) {
	if m.SchemaString == nil {
		return nil, schema, errors.New("its action metaData has no schemaString")
	}
	if err := json.Unmarshal([]byte(*m.SchemaString), &schema); err != nil {
		return nil, schema, fmt.Errorf("its schemaString does not decode: %w", err)
	}
	if schema.Type != "struct" || len(schema.Fields) == 0 {
		return nil, schema, errors.New("its schemaString is no struct with fields")
	}
	mode := m.mapping()
	switch mode {
	case mappingNone:
		for _, f := range schema.Fields {
			if f.Metadata.PhysicalName != nil && *f.Metadata.PhysicalName != f.Name {
				return nil, schema, fmt.Errorf("its schema maps %q to %q, and no %s says how: the log is damaged", f.Name, *f.Metadata.PhysicalName, mappingKey)
			}
		}
		return nil, schema, nil
	case mappingByName, mappingByID:
	default:
		return nil, schema, fmt.Errorf("its %s is %q: want none, name or id", mappingKey, mode)
	}
	columns, err = mapped(schema.Fields, mode)
	return columns, schema, err
}

func mapped(fields []field, mode string) ([]facts.TableColumn, error) {
	columns := make([]facts.TableColumn, len(fields))
	for i, f := range fields {
		if f.Metadata.PhysicalName == nil || mode == mappingByID && f.Metadata.ID == nil {
			return nil, fmt.Errorf("its columns are mapped by %s, and %q has no physical name or no id", mode, f.Name)
		}
		columns[i] = facts.TableColumn{Name: f.Name, Stored: *f.Metadata.PhysicalName}
		if mode == mappingByID {
			columns[i].ByID, columns[i].ID = true, *f.Metadata.ID
		}
		var nested structure
		if len(f.Type) > 0 && f.Type[0] == '{' {
			if err := json.Unmarshal(f.Type, &nested); err != nil {
				return nil, fmt.Errorf("the type of %q in its schemaString: %w", f.Name, err)
			}
		}
		if nested.Type != "struct" {
			continue
		}
		var err error
		if columns[i].Fields, err = mapped(nested.Fields, mode); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// partitionNames are the keys of partitionValues, in the order of the table's partition columns.
func (m *metadata) partitionNames(schema structure) ([]string, error) {
	names := make([]string, len(m.PartitionColumns))
	for i, column := range m.PartitionColumns {
		at := slices.IndexFunc(schema.Fields, func(f field) bool { return f.Name == column })
		if at < 0 {
			return nil, fmt.Errorf("it is partitioned by %q, which its schema does not have", column)
		}
		names[i] = column
		if m.mapping() != mappingNone {
			names[i] = *schema.Fields[at].Metadata.PhysicalName
		}
	}
	return names, nil
}
