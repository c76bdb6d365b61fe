package feast

import (
	"cmp"
	"fmt"

	"github.com/featureaudit/featureaudit/audit/registry"
)

// source reads a data source that stands in a view: its own copy, which retrieval uses.
func (c *content) source(f *field, val value, depth int) (registry.DataSource, error) {
	mark := len(c.unknown)
	s, err := c.sourceOf(val.raw, depth)
	if err != nil {
		return s, fmt.Errorf("%s: %w", f.name, err)
	}
	c.under(mark, f.name)
	return s, nil
}

func (c *content) sourceOf(raw []byte, depth int) (registry.DataSource, error) {
	s := registry.DataSource{Type: enumName("SourceType", 0)}
	plain := texts{"name": &s.Name, "project": &s.Project, "owner": &s.Owner, "timestamp_field": &s.TimestampField,
		"created_timestamp_column": &s.CreatedColumn, "date_partition_column": &s.DatePartitionColumn}
	err := c.walk(c.schema["DataSource"], raw, depth, func(f *field, v value) (bool, error) {
		switch f.name {
		case "type":
			s.Type = c.enumName(f.enum, v.num)
			return true, nil
		case "field_mapping":
			return true, c.tag(&s.FieldMapping, f, v)
		case "tags":
			return true, c.tag(&s.Tags, f, v)
		case "batch_source":
			inner, err := c.source(f, v, depth+1)
			s.BatchSource = &inner
			return true, err
		case "file_options", "spark_options", "kafka_options", "kinesis_options", "bigquery_options", "redshift_options",
			"snowflake_options", "trino_options", "athena_options":
			return true, c.options(&s, f, v, depth)
		}
		return c.take(plain, f, v), nil
	})
	if err != nil {
		return s, err
	}
	s.Details, err = c.details(raw, s, depth)
	return s, err
}

// options reads where the rows are from the block that the source's type has.
func (c *content) options(s *registry.DataSource, f *field, val value, depth int) error {
	var table, query string
	plain := texts{"uri": &s.Path, "path": &s.Path, "table": &table, "topic": &table, "stream_name": &table, "query": &query}
	err := c.part(f, val, depth+1, func(f *field, v value) (bool, error) { return c.take(plain, f, v), nil })
	s.Table = cmp.Or(table, query)
	return err
}

// warehouses are the types whose rows lie in tables, and the streams, with the word for each.
var warehouses = map[string]string{
	"BATCH_BIGQUERY": "BigQuery", "BATCH_REDSHIFT": "Redshift", "BATCH_SNOWFLAKE": "Snowflake", "BATCH_TRINO": "Trino",
	"BATCH_ATHENA": "Athena", "BATCH_ICEBERG": "an Iceberg catalog", "CUSTOM_SOURCE": "a custom source",
}

// noFiles says why a view cannot have files of its own.
func noFiles(v registry.View) string {
	if v.Path != "" {
		return ""
	}
	s := v.BatchSource
	switch {
	case v.Kind == "on_demand_feature_view":
		return "an on-demand feature view is computed at request time and keeps no rows"
	case s == nil && v.StreamSource != nil:
		return "it is fed by " + streamWord(v.StreamSource.Type) + " only and has no batch source"
	case s == nil:
		return "it has no source"
	case warehouses[s.Type] != "":
		return fmt.Sprintf("its rows lie in %s (%s), not in files", warehouses[s.Type], cmp.Or(s.Table, s.Name, "unnamed"))
	case s.Type == "BATCH_SPARK":
		return fmt.Sprintf("its Spark source reads the table or query %q, not a path", cmp.Or(s.Table, s.Name))
	case s.Type == "PUSH_SOURCE", s.Type == "STREAM_KAFKA", s.Type == "STREAM_KINESIS", s.Type == "REQUEST_SOURCE":
		return "it is fed by " + streamWord(s.Type) + " only and has no batch source"
	}
	return ""
}

func streamWord(typ string) string {
	switch typ {
	case "PUSH_SOURCE":
		return "a push source"
	case "STREAM_KAFKA":
		return "a Kafka stream"
	case "STREAM_KINESIS":
		return "a Kinesis stream"
	case "REQUEST_SOURCE":
		return "request data"
	}
	return "a source of type " + typ
}
