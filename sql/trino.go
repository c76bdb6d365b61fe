package sql

import (
	"embed"
	"fmt"
	"strings"
	"text/template"
)

//go:embed trino/*.sql
var trinoFiles embed.FS

// Trino renders a query for a Trino cluster: its texts are templates, since names, types and zones of a view decide what is asked.
func Trino(name string, values any) (string, error) {
	raw, err := trinoFiles.ReadFile("trino/" + name + ".sql")
	if err != nil {
		return "", fmt.Errorf("sql of Trino %q: %w", name, err)
	}
	made, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"bit": func(n int) int64 { return 1 << n }}).Parse(string(raw))
	if err != nil {
		return "", fmt.Errorf("sql of Trino %q: %w", name, err)
	}
	var text strings.Builder
	if err := made.Execute(&text, values); err != nil {
		return "", fmt.Errorf("sql of Trino %q: %w", name, err)
	}
	return strings.TrimSpace(text.String()), nil
}
