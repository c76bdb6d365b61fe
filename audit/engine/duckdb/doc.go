// Package duckdb is the adapter to the embedded DuckDB, and the only importer of its driver. Rows are read through the
// driver's own bindings, as raw vectors; Arrow is never passed, since the driver speaks another major version of it.
package duckdb
