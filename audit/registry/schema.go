package registry

import _ "embed"

//go:embed schema.json
var schemaJSON string

// SchemaJSON is the JSON Schema (2020-12) of definitions as a document.
func SchemaJSON() string { return schemaJSON }
