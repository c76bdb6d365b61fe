package duckdb

import (
	"fmt"
	"strings"
)

// quoteIdentifier writes any name as one SQL identifier. A NUL byte cannot stand in a query and is refused.
func quoteIdentifier(name string) (string, error) {
	if strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("column name %q holds a NUL byte, which no query can name", name)
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`, nil
}

// quoteLiteral writes any text as one SQL string, for struct field names, which take no parameter.
func quoteLiteral(text string) (string, error) {
	if strings.ContainsRune(text, 0) {
		return "", fmt.Errorf("name %q holds a NUL byte, which no query can name", text)
	}
	return `'` + strings.ReplaceAll(text, `'`, `''`) + `'`, nil
}
