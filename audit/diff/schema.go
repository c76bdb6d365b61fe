package diff

import _ "embed"

//go:embed schema.json
var schemaJSON string

// SchemaJSON is the JSON Schema (2020-12) of the documents of diff and lint.
func SchemaJSON() string { return schemaJSON }
