package duckdb

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/engine"
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

// globMarks are what DuckDB takes for a pattern in the name of a file.
const globMarks = "*?["

// fileNames writes the names of files so that DuckDB opens these and expands none. Which bytes it cannot be told is an
// error that says so.
func fileNames(files []string) ([]string, error) {
	named := make([]string, len(files))
	for i, name := range files {
		switch {
		case !utf8.ValidString(name):
			return nil, fmt.Errorf("its path %q is not UTF-8, which the engine cannot open: rename it", name)
		case !strings.ContainsAny(name, globMarks):
			named[i] = name
		case strings.Contains(name, `\`):
			return nil, fmt.Errorf(`its path %s holds a backslash and one of "%s", which the engine cannot open: rename it`, name, globMarks)
		default:
			named[i] = strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(name)
		}
	}
	return named, nil
}

// byPosition names columns by their positions, where the names of their files are not safe. The names that it gives
// follow the table in the query.
func byPosition(columns []engine.Select) ([]engine.Select, string) {
	last := int32(0)
	for _, c := range columns {
		for _, p := range c.Parts {
			last = max(last, p.Column.Position)
		}
	}
	if last == 0 {
		return columns, ""
	}
	renamed := slices.Clone(columns)
	for i := range renamed {
		renamed[i].Parts = slices.Clone(renamed[i].Parts)
		for j := range renamed[i].Parts {
			c := &renamed[i].Parts[j].Column
			below := strings.TrimPrefix(c.Path, c.Name)
			if c.StoredName != "" {
				below = strings.TrimPrefix(c.StoredPath, c.StoredName)
			}
			c.Name = positionName(c.Position)
			c.Path = c.Name + below
		}
	}
	names := make([]string, last)
	for i := range names {
		names[i] = positionName(int32(i + 1))
	}
	return renamed, " AS renamed(" + strings.Join(names, ", ") + ")"
}

func positionName(position int32) string { return fmt.Sprintf("p%d", position) }
