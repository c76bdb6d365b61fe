package policy

import (
	"encoding/json"
	"slices"

	"github.com/featureaudit/featureaudit/audit/model"
)

// schema is one JSON Schema as it will be written.
type schema = map[string]any

// ConfigSchema returns the JSON Schema (2020-12) of the config file, made from the tables that the reader uses and from
// the checks and rules that the options name.
func ConfigSchema(o ParseOptions) []byte {
	s := objectSchema(configKeys, "version")
	view := objectSchema(viewKeys)
	if o.Parameters != nil {
		view["properties"].(schema)["checks"] = checksSchema(o.Parameters)
	}
	if o.Checks != nil {
		suppress := s["properties"].(schema)["suppress"].(schema)["items"].(schema)["properties"].(schema)
		suppress["check"] = schema{"description": suppress["check"].(schema)["description"], "enum": anyList(o.Checks)}
	}
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "featureaudit.yaml, version 1"
	s["$defs"] = schema{
		"view":          view,
		"time_column":   schema{"oneOf": []any{ref("text"), objectSchema(timeColumnKeys)}},
		"ingest_column": schema{"oneOf": []any{ref("text"), objectSchema(ingestColumnKeys)}},
		"columns":       listOf(ref("text")),
		"zones":         listOf(ref("zone")),
		"text":          schema{"type": "string", "minLength": 1, "pattern": `\S`},
		"zone":          schema{"type": "string", "minLength": 1, "description": "An IANA zone name."},
		"date":          schema{"type": "string", "pattern": `^\d{4}-\d{2}-\d{2}$`, "description": "A day, such as 2027-01-01; it begins at 00:00 UTC."},
		"duration": schema{
			"type": "string", "pattern": "^" + durationPattern + "$",
			"description": `A duration above 0: "90s", "1h30m", "7d", "2w" or ISO 8601 ("P1D", "PT6H"). m is a minute.`,
		},
		"duration_or_zero": schema{"oneOf": []any{ref("duration"), schema{"enum": []any{0, "0"}}}},
		"ttl": schema{"oneOf": []any{
			// A negative ttl is readable, and a finding of ttl-absurd.
			schema{"type": "string", "pattern": "^[+-]?(0|" + durationPattern + ")$"},
			schema{"enum": []any{0, nil}},
			schema{"type": "object", "additionalProperties": false, "required": []any{"never"}, "properties": schema{"never": ref("text")}},
		}},
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("policy: the config schema is no JSON, which is a bug: " + err.Error())
	}
	return append(text, '\n')
}

// durationPattern is looser than ParseDuration, which has the last word: JSON Schema cannot count.
const durationPattern = `(((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w))+|P((\d+([.,]\d+)?[WD])+(T(\d+([.,]\d+)?[HMS])+)?|T(\d+([.,]\d+)?[HMS])+))`

func ref(name string) schema { return schema{"$ref": "#/$defs/" + name} }

// listOf is one value or a list of different ones, as readWords takes them; a list of maps has no short form.
func listOf(element schema) schema {
	if element["type"] == "object" || element["oneOf"] != nil {
		return schema{"type": "array", "items": element}
	}
	return schema{"oneOf": []any{element, schema{"type": "array", "items": element, "uniqueItems": true}}}
}

func enumSchema(words []string) schema { return schema{"enum": anyList(words)} }

func anyList(words []string) []any {
	values := make([]any, len(words))
	for i, w := range words {
		values[i] = w
	}
	return values
}

func objectSchema[T any](keys []key[T], required ...string) schema {
	properties := schema{}
	for _, k := range keys {
		property := schema{"description": k.doc}
		for name, value := range k.schema {
			property[name] = value
		}
		properties[k.name] = property
	}
	s := schema{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = anyList(required)
	}
	return s
}

// checksSchema is that of "checks" where the checks of a view are known: each has its own keys, and there are no others.
func checksSchema(parameters map[string][]string) schema {
	properties := schema{}
	for id, words := range parameters {
		properties[id] = objectSchema(only(checkKeys, words))
	}
	i := slices.IndexFunc(viewKeys, func(k key[model.View]) bool { return k.name == "checks" })
	return schema{"type": "object", "description": viewKeys[i].doc, "additionalProperties": false, "properties": properties}
}
