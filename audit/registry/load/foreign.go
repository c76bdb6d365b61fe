package load

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// The formats that are told by name although they are not read, with what to do about each.
const (
	wordChronon    = "a Chronon (Zipline) definition is not read here: write the views as our YAML (path, event_time, entity, ttl, max_age)"
	wordGX         = "a Great Expectations suite says what values are expected, not how fresh features are: name the registry, or write the promises as our YAML (max_age, key)"
	wordSoda       = "a Soda check file is not read here: write its freshness as max_age and its duplicate_count as key in our YAML"
	wordSQLMesh    = "a SQLMesh model or config is not read here: write the views as our YAML (path, event_time: its time_column, key: its grain)"
	wordHopsworks  = "a Hopsworks feature group is not read here: write the views as our YAML (event_time, entity: its primary key)"
	wordDatabricks = "a Databricks feature spec names look-ups, not freshness: write the tables as views in our YAML"
	wordDelta      = "a Delta log says which files a table has, not what is promised of them: name the definitions"
	wordIceberg    = "Iceberg metadata says which files a table has, not what is promised of them: name the definitions"
)

// foreign names the format that top-level keys belong to, "" where it is none of those that are told.
func foreign(keys []string) string {
	has := func(all ...string) bool {
		return !slices.ContainsFunc(all, func(k string) bool { return !slices.Contains(keys, k) })
	}
	switch {
	case has("metaData") && (has("keyColumns") || has("joinParts") || has("left") || has("query")):
		return wordChronon
	case has("expectations") || has("expectation_suite_name"):
		return wordGX
	case slices.ContainsFunc(keys, func(k string) bool {
		return strings.HasPrefix(k, "checks for ") || strings.HasPrefix(k, "discover datasets")
	}),
		has("dataset", "columns") && has("checks"), has("soda_cloud"):
		return wordSoda
	case has("gateways") || has("model_defaults"):
		return wordSQLMesh
	case has("featurestoreId") || has("featurestoreName"):
		return wordHopsworks
	case has("input_columns", "output_columns"):
		return wordDatabricks
	case has("format-version") && has("table-uuid"):
		return wordIceberg
	case has("protocol") || has("commitInfo"), has("metaData") && len(keys) == 1, has("add") && len(keys) == 1:
		return wordDelta
	}
	return ""
}

// foreignFolder names the format of a folder without definitions by the files in it.
func foreignFolder(files []string) string {
	for _, name := range files {
		switch {
		case strings.Contains("/"+name, "/_delta_log/"):
			return wordDelta
		case strings.Contains("/"+name, "/metadata/") && strings.HasSuffix(name, ".metadata.json"):
			return wordIceberg
		}
	}
	return ""
}

// foreignSchema names the format of a document whose schema is another's.
func foreignSchema(schema string) string {
	if strings.Contains(schema, "great_expectations") {
		return wordGX
	}
	return ""
}

var sqlmeshModel = regexp.MustCompile(`(?is)^(\s|--[^\n]*\n|/\*.*?\*/)*(MODEL|AUDIT)\s*\(\s*name\b`)

// foreignText names the format of text that is neither YAML nor one JSON document.
func foreignText(data []byte) string {
	if sqlmeshModel.Match(data[:min(len(data), 4096)]) {
		return wordSQLMesh
	}
	first, _, more := bytes.Cut(bytes.TrimSpace(data), []byte("\n"))
	var line map[string]json.RawMessage
	if more && json.Unmarshal(first, &line) == nil {
		keys := make([]string, 0, len(line))
		for key := range line {
			keys = append(keys, key)
		}
		if word := foreign(keys); word == wordDelta {
			return word
		}
	}
	return ""
}

// dbtSchema is the schema that a dbt artifact's metadata names.
func dbtSchema(metadata json.RawMessage) string {
	var m struct {
		Schema string `json:"dbt_schema_version"`
	}
	if json.Unmarshal(metadata, &m) != nil {
		return ""
	}
	return m.Schema
}

func schemaOf(data []byte) string {
	var top struct {
		Metadata json.RawMessage `json:"metadata"`
	}
	if json.Unmarshal(data, &top) != nil {
		return ""
	}
	return dbtSchema(top.Metadata)
}
