package align

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// alignedSchema is a schema with its event time as aware microseconds, and the lag as its last column.
func alignedSchema(root *schema.GroupNode, event []string) (*schema.GroupNode, error) {
	// nodes know their parents: the copy is made of nodes of its own
	fresh, err := schema.FromParquet(schema.ToThrift(root))
	if err != nil {
		return nil, fmt.Errorf("copy its schema: %w", err)
	}
	lag, err := schema.NewPrimitiveNode(LagColumn, parquet.Repetitions.Optional, parquet.Types.Double, -1, 0)
	if err != nil {
		return nil, err
	}
	top := fresh.(*schema.GroupNode)
	fields, err := replaced(top, event)
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNode(top.Name(), top.RepetitionType(), append(fields, lag), top.FieldID())
}

// replaced are the fields of a group with the leaf at a path made aware.
func replaced(group *schema.GroupNode, path []string) (schema.FieldList, error) {
	var fields schema.FieldList
	for i := range group.NumFields() {
		field := group.Field(i)
		if field.Name() != path[0] {
			fields = append(fields, field)
			continue
		}
		changed, err := replacedField(field, path)
		if err != nil {
			return nil, err
		}
		fields = append(fields, changed)
	}
	return fields, nil
}

func replacedField(field schema.Node, path []string) (schema.Node, error) {
	group, nested := field.(*schema.GroupNode)
	if !nested {
		return schema.NewPrimitiveNodeLogical(field.Name(), field.RepetitionType(), schema.NewTimestampLogicalType(true, schema.TimeUnitMicros),
			parquet.Types.Int64, 0, field.FieldID())
	}
	if len(path) == 1 {
		return nil, fmt.Errorf("column %q is a group: it cannot be a time", field.Name())
	}
	fields, err := replaced(group, path[1:])
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNode(group.Name(), group.RepetitionType(), fields, group.FieldID())
}

// arrowSchemaKey holds Arrow's own schema, which must agree with the columns.
const arrowSchemaKey = "ARROW:schema"

// alignedMetadata keeps every key and value as it stands, but for Arrow's copy of the schema, which is brought up to date, and
// marks the column that is new: an audit of the copy must not take it for payload.
func alignedMetadata(kv metadata.KeyValueMetadata, event []string, report string) (metadata.KeyValueMetadata, error) {
	out := metadata.NewKeyValueMetadata()
	mark, err := facts.AlignMark{Added: []string{LagColumn}, Report: report}.Marshal()
	if err != nil {
		return nil, err
	}
	if err := out.Append(facts.AlignMarkKey, mark); err != nil {
		return nil, err
	}
	for _, pair := range kv {
		if pair.Value == nil || pair.Key == facts.AlignMarkKey {
			continue
		}
		value := *pair.Value
		if pair.Key == arrowSchemaKey {
			var err error
			if value, err = alignedArrowSchema(value, event); err != nil {
				return nil, fmt.Errorf("read its metadata %s: %w", arrowSchemaKey, err)
			}
		}
		if err := out.Append(pair.Key, value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func alignedArrowSchema(encoded string, event []string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", err
	}
	r, err := ipc.NewReader(bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	defer r.Release()
	old := r.Schema()
	fields := append(alignedFields(old.Fields(), event), arrow.Field{Name: LagColumn, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	kv := old.Metadata()
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(arrow.NewSchema(fields, &kv)))
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(buf.Bytes()), nil
}

func alignedFields(fields []arrow.Field, path []string) []arrow.Field {
	aligned := append([]arrow.Field(nil), fields...)
	for i, f := range aligned {
		if f.Name != path[0] {
			continue
		}
		if nested, ok := f.Type.(*arrow.StructType); ok && len(path) > 1 {
			aligned[i].Type = arrow.StructOf(alignedFields(nested.Fields(), path[1:])...)
			continue
		}
		aligned[i].Type = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	}
	return aligned
}
