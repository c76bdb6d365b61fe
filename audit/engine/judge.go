package engine

import (
	"context"
	"iter"
)

// Judge answers the SQL of checks over fact tables. It sees no data file: its database holds what Load put there and
// nothing else, its session zone is UTC, and it can open neither a file nor a network connection. It is used by one
// goroutine at a time.
type Judge interface {
	// Load replaces every table with these, of which there may be none. Rows hold, by column: int64, string, bool or nil.
	Load(ctx context.Context, tables []Table) error
	// Query runs one SELECT under the contract of Row. The names of params must be exactly the $names of the text.
	Query(ctx context.Context, sqlText string, params map[string]any) ([]Row, error)
}

// Row is one subject under the contract of check SQL: the columns subject, rows_total, rows_bad and measures, in this
// order, of the types VARCHAR, BIGINT, BIGINT and VARCHAR.
type Row struct {
	// Subject is a JSON object with the keys of report.Subject.
	Subject string
	// RowsTotal and RowsBad count the check's unit.
	RowsTotal, RowsBad int64
	// Measures is a JSON object.
	Measures string
}

// Table is one fact table.
type Table struct {
	Name    string
	Doc     string
	Columns []Column
	Rows    iter.Seq[[]any]
}

// Column is one column of a fact table, with its meaning in words.
type Column struct {
	Name string
	Type ColumnType
	Doc  string
}

// ColumnType is the SQL type of a fact column. Instants and durations are BIGINT microseconds, which every engine
// subtracts alike, whatever its session zone.
type ColumnType string

// The types of fact columns.
const (
	BigInt  ColumnType = "BIGINT"
	Varchar ColumnType = "VARCHAR"
	Boolean ColumnType = "BOOLEAN"
)
