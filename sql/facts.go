package sql

import _ "embed"

// The scans: {columns} and {rows} are rendered by the engine's adapter from quoted identifiers and numbers, the rest is bound.
var (
	//go:embed facts/scan.sql
	Scan string
	//go:embed facts/slice.sql
	Slice string
	//go:embed facts/fetch.sql
	Fetch string
)
