package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/featureaudit/featureaudit/audit/diff"
)

// ruleDocument is one rule of diff or lint as other programs read it.
type ruleDocument struct {
	ID         string                   `json:"id"`
	Title      string                   `json:"title"`
	Why        string                   `json:"why"`
	Fix        string                   `json:"fix"`
	Object     string                   `json:"object"`
	Actions    []string                 `json:"actions"`
	Severities map[string]diff.Severity `json:"severities"`
}

// writeRule explains a rule of diff or lint: they share their names with the checks.
func writeRule(w io.Writer, format string, r diff.Rule) error {
	doc := ruleDocument{ID: r.ID, Title: r.Title, Why: r.Why, Fix: r.Fix, Object: string(r.Object), Actions: []string{}, Severities: map[string]diff.Severity{}}
	var grades []string
	for _, consumer := range diff.Consumers() {
		doc.Severities[consumer] = r.Severity(consumer)
		grades = append(grades, fmt.Sprintf("%s %s", consumer, r.Severity(consumer)))
	}
	for _, a := range r.Actions {
		doc.Actions = append(doc.Actions, string(a))
	}
	if format == "json" {
		return writeJSON(w, doc)
	}
	command := "lint"
	if doc.Object != "" {
		command = "diff"
	}
	fmt.Fprintf(w, "%s: %s\n\n", r.ID, r.Title)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tab, "why\t%s\nfix\t%s\nfor\t%s\nrule of\t%s\n", r.Why, r.Fix, strings.Join(grades, ", "), command)
	return tab.Flush()
}
