package trino

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// typeKind is the family of a type of the cluster.
type typeKind int

const (
	kindOther typeKind = iota
	kindTimestamp
	kindTimestampZone
	kindDate
	kindInteger
	kindDouble
	kindDecimal
	kindText
	kindBytes
	kindBool
	kindUUID
	kindNested
)

// kindOf is the family of a type as the cluster writes it.
func kindOf(text string) typeKind {
	name, _, _ := strings.Cut(text, "(")
	switch strings.TrimSpace(name) {
	case "timestamp":
		if strings.HasSuffix(text, "with time zone") {
			return kindTimestampZone
		}
		return kindTimestamp
	case "timestamp with time zone":
		return kindTimestampZone
	case "date":
		return kindDate
	case "bigint", "integer", "smallint", "tinyint":
		return kindInteger
	case "double", "real":
		return kindDouble
	case "decimal":
		return kindDecimal
	case "varchar", "char":
		return kindText
	case "varbinary":
		return kindBytes
	case "boolean":
		return kindBool
	case "uuid":
		return kindUUID
	case "row", "array", "map":
		return kindNested
	}
	return kindOther
}

// longest is how many letters a type of texts holds at most, 0 for any number. The cluster cuts longer values without a word.
func longest(typeText string) int64 {
	text, ok := strings.CutPrefix(typeText, "varchar(")
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(text, ")"), 10, 32)
	if err != nil {
		return 1
	}
	return n
}

// fieldType is the type of a field of a row type; "" where it has none of that name.
func fieldType(row, field string) string {
	inner, ok := strings.CutPrefix(row, "row(")
	if !ok {
		return ""
	}
	inner = strings.TrimSuffix(inner, ")")
	for _, part := range splitOutside(inner) {
		name, rest := cutName(strings.TrimSpace(part))
		if strings.EqualFold(name, field) {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// splitOutside cuts at the commas outside of brackets and quotes.
func splitOutside(text string) []string {
	var parts []string
	depth, quoted, from := 0, false, 0
	for i, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

// cutName takes the name of a field off its front.
func cutName(text string) (name, rest string) {
	if !strings.HasPrefix(text, `"`) {
		name, rest, _ = strings.Cut(text, " ")
		return name, rest
	}
	for i := 1; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '"' {
			i++
			continue
		}
		return strings.ReplaceAll(text[1:i], `""`, `"`), text[i+1:]
	}
	return text, ""
}

// quoted is a name as SQL writes it.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal is a text as SQL writes it.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// described is a table as the cluster knows it.
type described struct {
	// name is catalog, schema and table, quoted.
	name string
	// connector is the kind of the catalog: hive, iceberg, delta_lake.
	connector string
	// columns are their types, by their names in small letters, and partitioned those that partition the table.
	columns     map[string]string
	partitioned []string
	// location is the table's folder; empty where the cluster does not say.
	location string
	// version pins the snapshot that was listed, as SQL writes it after the name; empty where the catalog keeps none, or its columns are not those of the table now.
	version string
	// precise says that times are read to the nanosecond.
	precise bool
	// numbered says that a Delta table finds its columns in files by their numbers.
	numbered bool
}

// path is the name of a row's file, to choose files by. Trino looks for the number of each column that it compares with values, also of this
// one, which has none ("Field ID must exist"): there it is an expression that it computes.
func (d *described) path() string {
	if d.numbered {
		return `concat(t."$path", '')`
	}
	return `t."$path"`
}

// reference is a column's expression and its type; the reason says why it cannot be read.
func (d *described) reference(c facts.Column) (expression, typeText, reason string) {
	typeText, ok := d.columns[strings.ToLower(c.Name)]
	if !ok {
		return "", "", fmt.Sprintf("the table %s has no column %q", d.name, c.Name)
	}
	expression = "t." + quoted(strings.ToLower(c.Name))
	if c.Nested || c.Path == c.Name || c.Path == "" {
		return expression, typeText, ""
	}
	for _, field := range strings.Split(strings.TrimPrefix(c.Path, c.Name+"."), ".") {
		inner := fieldType(typeText, field)
		if inner == "" {
			return "", "", fmt.Sprintf("column %q of the table %s is %s and has no field %q", c.Name, d.name, typeText, field)
		}
		expression, typeText = expression+"."+quoted(field), inner
	}
	return expression, typeText, ""
}
