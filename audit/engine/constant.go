package engine

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// Constant is SQL of DuckDB for what all rows of a file read as that lacks a column of its table, in the type that the column has in files
// that hold it.
func Constant(c facts.Column) string {
	kind := constantType(c)
	switch {
	case !c.Filled:
		return "CAST(NULL AS " + kind + ")"
	case kind == "BLOB":
		return "unhex('" + c.Fill + "')"
	case strings.Contains(c.Fill, "\x00"): // the text of a query ends there
		return fmt.Sprintf("decode(unhex('%x'))", c.Fill)
	case kind == "TIMESTAMPTZ":
		return "CAST('" + toMicros(c.Fill) + "+00' AS TIMESTAMPTZ)"
	}
	return "CAST('" + strings.ReplaceAll(c.Fill, "'", "''") + "' AS " + kind + ")"
}

// toMicros leaves out what the engine cuts off such a time of files as well.
func toMicros(text string) string {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > 6 {
		fraction = fraction[:6]
	}
	return whole + "." + fraction + strings.Repeat("0", 6-len(fraction))
}

// constantType is the engine's type for the values of a column.
func constantType(c facts.Column) string {
	switch {
	case c.Nested, c.Logical == "null":
		return "INTEGER"
	case c.Logical == "timestamp" && c.AdjustedToUTC:
		return "TIMESTAMPTZ"
	case c.Logical == "timestamp" && c.Unit == "ns":
		return "TIMESTAMP_NS"
	case c.Logical == "timestamp", c.Physical == "INT96":
		return "TIMESTAMP"
	case c.Logical == "date":
		return "DATE"
	case c.Logical == "time":
		return "TIME"
	case c.Logical == "interval":
		return "INTERVAL"
	case c.Logical == "uuid":
		return "UUID"
	case c.Logical == "decimal" && c.Precision <= engineDigits:
		return fmt.Sprintf("DECIMAL(%d, %d)", c.Precision, c.Scale)
	case c.Logical == "decimal", c.Physical == "DOUBLE":
		return "DOUBLE"
	case c.Physical == "FLOAT", c.Logical == "float16":
		return "FLOAT"
	case c.Physical == "BOOLEAN":
		return "BOOLEAN"
	case c.Physical == "INT64" && c.Unsigned:
		return "UBIGINT"
	case c.Physical == "INT64", c.Physical == "INT32" && c.Unsigned:
		return "BIGINT"
	case c.Physical == "INT32":
		return "INTEGER"
	case c.Physical == "BYTE_ARRAY" && isText(c.Logical):
		return "VARCHAR"
	}
	return "BLOB"
}
