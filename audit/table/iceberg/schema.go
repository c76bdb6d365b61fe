package iceberg

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// mapped is a line of a name mapping: which names stand for a column in files that have no numbers.
type mapped struct {
	FieldID *int     `json:"field-id"`
	Names   []string `json:"names"`
	Fields  []mapped `json:"fields"`
}

// columns are how files name the table's: by numbers, and by a mapping of names where they have none.
func (t *table) columns() ([]facts.TableColumn, error) {
	var names []mapped
	if text := t.meta.Properties["schema.name-mapping.default"]; text != "" {
		if err := json.Unmarshal([]byte(text), &names); err != nil {
			return nil, fmt.Errorf("its property schema.name-mapping.default does not decode: %w", err)
		}
	}
	columns := t.columnsOf(t.schema.Fields, names)
	for _, c := range columns {
		if c.NotRead != "" {
			t.notes = append(t.notes, fmt.Sprintf("column %s of the table is of the type %s, which is not read here: it was left out", c.Name, c.NotRead))
		}
	}
	return columns, nil
}

// notRead are the types whose values are not read here.
var notRead = []string{"variant", "geometry", "geography"}

func (t *table) columnsOf(fields []field, names []mapped) []facts.TableColumn {
	out := make([]facts.TableColumn, len(fields))
	for i, f := range fields {
		c := facts.TableColumn{Name: f.Name, ID: int32(*f.ID), ByID: true, Type: f.Type.Kind}
		var below []mapped
		if at := slices.IndexFunc(names, func(m mapped) bool { return m.FieldID != nil && *m.FieldID == *f.ID }); at >= 0 {
			c.Names, below = names[at].Names, names[at].Fields
		}
		if f.hasDefault() {
			c.Default = string(f.InitialDefault)
		}
		if kind, _, _ := strings.Cut(f.Type.Kind, "("); slices.Contains(notRead, kind) {
			c.NotRead = f.Type.Kind
		}
		c.Fields = t.columnsOf(f.Type.Fields, below)
		out[i] = c
	}
	return out
}

// partitionNames are the fields of the table's present partition spec.
func (t *table) partitionNames() []string {
	id := 0
	if t.meta.DefaultSpecID != nil {
		id = *t.meta.DefaultSpecID
	}
	spec := t.meta.spec(id)
	if spec == nil {
		return nil
	}
	var names []string
	for _, f := range spec.Fields {
		if f.Transform != transformVoid {
			names = append(names, f.Name)
		}
	}
	return names
}

// periods are the partition fields of all specs that are hours, days or months of a column.
func (t *table) periods() []facts.TablePeriod {
	var out []facts.TablePeriod
	for _, spec := range t.meta.PartitionSpecs {
		for _, f := range spec.Fields {
			source := t.schema.find(f.source())
			if source == nil || f.Transform != transformHour && f.Transform != transformDay && f.Transform != transformMonth {
				continue
			}
			p := facts.TablePeriod{Name: f.Name, Column: source.Name, Grain: f.Transform, Naive: !strings.HasPrefix(source.Type.Kind, "timestamptz")}
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}
