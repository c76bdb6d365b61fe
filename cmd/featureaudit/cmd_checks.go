package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
)

const checksAbout = `Lists all checks. "checks explain ID" shows one: why it matters, what to do, its parameters, and the SQL that decides (or the
rule in words). It also explains the rules of diff and lint.`

func cmdChecks(_ context.Context, c *cli, args []string) (int, error) {
	flags := newFlags("checks")
	var out outFlags
	out.add(flags, only("json", "markdown", "text"))
	if err := c.parse(flags, "checks [explain ID] [flags]", checksAbout, args); err != nil {
		return 0, err
	}
	outs, err := out.outputsOr("text")
	if err != nil {
		return 0, err
	}
	switch {
	case flags.NArg() == 0:
		return exitOK, c.writeAll(outs, writeCatalogue)
	case flags.Arg(0) != "explain":
		return 0, usagef("checks %q: expected nothing, or explain ID", flags.Arg(0))
	case flags.NArg() != 2:
		return 0, usagef("checks explain: expected one ID; checks: %s", strings.Join(checkIDs(), ", "))
	}
	if rule, ok := diff.Find(flags.Arg(1)); ok && !slices.Contains(checkIDs(), rule.ID) {
		return exitOK, c.writeAll(outs, func(w io.Writer, format string, _ bool) error { return writeRule(w, format, rule) })
	}
	found, ok := check.Lookup(flags.Arg(1))
	if !ok {
		return 0, usagef("checks explain %q: no such check; %schecks: %s", flags.Arg(1), policy.DidYouMean(flags.Arg(1), policyIDs()), strings.Join(checkIDs(), ", "))
	}
	return exitOK, c.writeAll(outs, func(w io.Writer, format string, _ bool) error {
		explain := check.Explain
		switch format {
		case "json":
			return writeJSON(w, describe(found))
		case "markdown":
			explain = check.Page
		}
		text, err := explain(found)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, text)
		return err
	})
}

// checkDocument is one check as other programs read it.
type checkDocument struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Why      string          `json:"why"`
	Fix      string          `json:"fix"`
	Since    string          `json:"since"`
	Severity string          `json:"severity"`
	Evidence string          `json:"evidence"`
	Unit     string          `json:"unit"`
	Params   []paramDocument `json:"params"`
}

type paramDocument struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Default string `json:"default"`
	Doc     string `json:"doc"`
}

func describe(c check.Check) checkDocument {
	doc := checkDocument{ID: c.ID, Title: c.Title, Why: c.Why, Fix: c.Fix, Since: c.Since, Severity: string(c.Severity),
		Evidence: string(c.Evidence), Unit: c.Unit, Params: []paramDocument{}}
	for _, p := range check.Params(c) {
		doc.Params = append(doc.Params, paramDocument{Name: p.Name, Kind: string(p.Kind), Default: p.Default, Doc: p.Doc})
	}
	return doc
}

func writeCatalogue(w io.Writer, format string, _ bool) error {
	switch format {
	case "json":
		docs := []checkDocument{}
		for _, c := range everyCheck() {
			docs = append(docs, describe(c))
		}
		return writeJSON(w, docs)
	case "markdown":
		_, err := io.WriteString(w, check.ReadmeTable())
		return err
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range everyCheck() {
		fmt.Fprintf(tab, "%s\t%s\t%s\n", c.ID, c.Severity, c.Title)
	}
	return tab.Flush()
}

// everyCheck are the checks of run, and after them those of verify.
func everyCheck() []check.Check { return append(check.Catalogue(), check.Backfill()...) }

// writeJSON writes an indented document with a final newline, for people as well.
func writeJSON(w io.Writer, v any) error { return render.Document(w, v) }
