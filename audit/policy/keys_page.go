package policy

import (
	"fmt"
	"strings"
)

// KeysPage is every key of the config file as a page of Markdown, made from the tables that the reader uses.
func KeysPage() string {
	var text strings.Builder
	text.WriteString("# The keys of the config\n\nWhat they mean together: [config.md](config.md).\n")
	keysTable(&text, "The file", "", configKeys)
	keysTable(&text, "A Trino cluster", "Below `engine: {trino: ...}`.", trinoKeys)
	keysTable(&text, "A view", "Below `views: {NAME: ...}` and `defaults:`.", viewKeys)
	keysTable(&text, "A time column", "`event_time` and `ingested_at` are a column's name, or a map of these.", ingestColumnKeys)
	keysTable(&text, "A table", "Below `table:` of a view.", tableKeys)
	keysTable(&text, "A time partition", "Below `time_partition:` of a view.", timePartitionKeys)
	keysTable(&text, "A source", "Below `sources: {NAME: ...}` of a view.", sourceKeys)
	keysTable(&text, "A check", "Below `checks: {ID: ...}` of a view. Which keys a check has: `featureaudit checks explain ID`.", checkKeys)
	keysTable(&text, "A definition", "An entry of `definitions:`: its reference alone, or a map of these.", definitionKeys)
	keysTable(&text, "A suppression", "An entry of `suppress:`.", suppressKeys)
	keysTable(&text, "A consumer", "An entry of `consumers:`.", consumerKeys)
	keysTable(&text, "A consumer's view", "Below `views: {NAME: ...}` of a consumer.", consumerViewKeys)
	return text.String()
}

func keysTable[T any](text *strings.Builder, title, where string, keys []key[T]) {
	fmt.Fprintf(text, "\n## %s\n\n", title)
	if where != "" {
		fmt.Fprintf(text, "%s\n\n", where)
	}
	text.WriteString("| key | takes | says |\n|---|---|---|\n")
	for _, k := range keys {
		fmt.Fprintf(text, "| `%s` | %s | %s |\n", k.name, takes(k.schema), strings.NewReplacer("|", "\\|", "*", "\\*").Replace(k.doc))
	}
}

// takes says in words what a schema allows.
func takes(s schema) string {
	if name, ok := s["$ref"].(string); ok {
		return strings.ReplaceAll(strings.TrimPrefix(name, "#/$defs/"), "_", " ")
	}
	if only, ok := s["const"]; ok {
		return fmt.Sprintf("`%v`", only)
	}
	if words, ok := s["enum"].([]any); ok {
		list := make([]string, len(words))
		for i, w := range words {
			list[i] = fmt.Sprintf("`%v`", w)
		}
		return strings.Join(list, ", ")
	}
	if choices, ok := s["oneOf"].([]any); ok {
		var list []string
		for _, c := range choices {
			if inner, ok := c.(schema); ok && inner["type"] != "null" {
				list = append(list, takes(inner))
			}
		}
		return strings.Join(list, ", or ")
	}
	if items, ok := s["items"].(schema); ok {
		return "a list of " + takes(items)
	}
	switch s["type"] {
	case "object":
		return "a map"
	case "string":
		return "text"
	}
	return fmt.Sprint(s["type"])
}
