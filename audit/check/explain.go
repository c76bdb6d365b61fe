package check

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/internal/facttables"
	"github.com/featureaudit/featureaudit/sql"
)

// Explain is the whole text on one check: what it says, why it matters, what to do, its parameters and the SQL itself, or its rule
// in words where Go judges.
func Explain(c Check) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n%s\n\n", c.ID, c.Title)
	fmt.Fprintf(&text, "Why:       %s\nFix:       %s\n", c.Why, c.Fix)
	fmt.Fprintf(&text, "Severity:  %s\nEvidence:  %s\nCounts:    %s\nNeeds:     %s\nSince:     %s\n", severityInWords(c), c.Evidence, c.Unit, needsInWords(c.Needs), c.Since)
	text.WriteString("\nParameters\n")
	for _, p := range Params(c) {
		fmt.Fprintf(&text, "  %s (%s, default %s): %s\n", p.Name, p.Kind, p.Default, p.Doc)
	}
	if !c.Query {
		fmt.Fprintf(&text, "\nRule (judged in Go, over the same facts as SQL)\n%s", indent(c.rule))
		return text.String(), nil
	}
	query, err := sql.Check(c.ID)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&text, "\nSQL over the fact tables\n%s\nFact tables it reads\n%s", indent(query), indent(tablesInWords(query)))
	return text.String(), nil
}

// Params are all parameters of a check: severity for each, max_fraction and min_rows where a share is judged, and its own.
func Params(c Check) []Param {
	all := []Param{{Name: "severity", Kind: ParamSeverity, Default: string(c.Severity), Doc: "error, warn or off"}}
	if c.Scope == ScopeRun {
		all[0].Doc = "of the whole run: no view can set it"
	}
	if c.Fractional {
		all = append(all,
			Param{Name: "max_fraction", Kind: ParamFraction, Default: "0", Doc: "the share of a finding's rows that may be bad, 0 to 1"},
			Param{Name: "min_rows", Kind: ParamInteger, Default: "100", Doc: "partitions with fewer rows are judged together, by source"})
	}
	return append(all, c.Params...)
}

func severityInWords(c Check) string {
	return cmp.Or(c.severityWords, string(c.Severity))
}

func needsInWords(n Needs) string {
	var words []string
	for _, need := range []struct {
		has  bool
		word string
	}{{n.Files, "files"}, {n.EventTime, "event_time"}, {n.IngestedAt, "ingested_at"}, {n.TTL, "ttl"}, {n.Entity, "entity"}, {n.Key, "key"},
		{n.TimePartition, "time_partition"}} {
		if need.has {
			words = append(words, need.word)
		}
	}
	if len(words) == 0 {
		return "the definition only"
	}
	return strings.Join(words, ", ")
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}

// tablesInWords documents the fact tables that a query speaks to.
func tablesInWords(query string) string {
	var text strings.Builder
	for _, table := range facttables.Documented() {
		if !facttables.Mentions(query, table.Name) {
			continue
		}
		fmt.Fprintf(&text, "%s: %s\n", table.Name, table.Doc)
		for _, c := range table.Columns {
			fmt.Fprintf(&text, "  %-20s %-8s %s\n", c.Name, c.Type, c.Doc)
		}
	}
	return text.String()
}

// ReadmeTable is the catalogue as a Markdown table.
func ReadmeTable() string {
	var text strings.Builder
	text.WriteString("| check | severity | counts | says |\n|---|---|---|---|\n")
	for _, c := range Catalogue() {
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", c.ID, severityInWords(c), c.Unit, c.Title)
	}
	return text.String()
}
