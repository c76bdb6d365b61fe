package check

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/sql"
)

// Page is what Explain says as a page of Markdown.
func Page(c Check) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "# %s\n\n%s\n\n", c.ID, c.Title)
	fmt.Fprintf(&text, "**Why it matters.** %s\n\n**What to do.** %s\n\n", c.Why, c.Fix)
	fmt.Fprintf(&text, "| | |\n|---|---|\n| severity | %s |\n| evidence | %s |\n| counts | %s |\n| needs | %s |\n| since | %s |\n\n",
		severityInWords(c), c.Evidence, c.Unit, needsInWords(c.Needs), c.Since)
	fmt.Fprintf(&text, "## Parameters\n\nUnder `checks: {%s: {...}}` of a view.\n\n| parameter | default | says |\n|---|---|---|\n", c.ID)
	for _, p := range Params(c) {
		fmt.Fprintf(&text, "| `%s` (%s) | %s | %s |\n", p.Name, p.Kind, p.Default, p.Doc)
	}
	if !c.Query {
		fmt.Fprintf(&text, "\n## The rule\n\nIt is judged in Go, over the same facts as SQL.\n\n%s\n", strings.TrimRight(c.rule, "\n"))
		return text.String(), nil
	}
	query, err := sql.Check(c.ID)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&text, "\n## The SQL\n\nIt judges the facts that one scan leaves behind, never the files themselves. "+
		"Where these show nothing bad, what is good is added up without it, to the same verdict.\n\n```sql\n%s\n```\n\n", strings.TrimRight(query, "\n"))
	fmt.Fprintf(&text, "The fact tables that it reads:\n\n```text\n%s```\n", tablesInWords(query))
	return text.String(), nil
}
