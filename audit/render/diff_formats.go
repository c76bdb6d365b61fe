package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/words"
)

// DiffFormat is one way to write what diff or lint found.
type DiffFormat struct {
	Name string
	// Line says in one line what it is for.
	Line  string
	Write func(w io.Writer, d diff.Document, o Options) error
}

// DiffFormats are the formats of diff and lint, sorted by name.
func DiffFormats() []DiffFormat {
	return []DiffFormat{
		{"github", "annotations for GitHub Actions: the ten worst, and how many more", DiffGitHub},
		{"json", "the document itself, " + diff.DiffSchema + " or " + diff.LintSchema, DiffJSON},
		{"junit", "JUnit XML: a test case for each rule and finding", DiffJUnit},
		{"markdown", "a comment for a pull request, under 1 MiB", DiffMarkdown},
		{"sarif", "SARIF 2.1.0 for code scanning", DiffSARIF},
		{"text", "what a person reads", DiffText},
	}
}

// LookupDiff is the format of that name.
func LookupDiff(name string) (DiffFormat, bool) {
	for _, f := range DiffFormats() {
		if f.Name == name {
			return f, true
		}
	}
	return DiffFormat{}, false
}

// diffTitle says in one line what was compared or judged, and how it ended.
func diffTitle(d diff.Document) string {
	s := d.Summary
	parts := []string{words.Counted(int64(s.Error), "error", "errors"), words.Counted(int64(s.Warn), "warning", "warnings")}
	if s.Info > 0 {
		parts = append(parts, words.Counted(int64(s.Info), "note", "notes"))
	}
	if s.Suppressed > 0 {
		parts = append(parts, fmt.Sprintf("%s approved", words.Number(int64(s.Suppressed))))
	}
	text := strings.Join(parts, ", ")
	if d.For != "" {
		text += " for " + d.For
	}
	return text
}

func diffSides(d diff.Document) string {
	side := func(s *diff.Side) string {
		return fmt.Sprintf("%s (%s, %s)", Clean(s.Source), Clean(s.Kind), words.Counted(int64(s.Views), "view", "views"))
	}
	switch {
	case d.Old == nil && d.New == nil:
		return ""
	case d.Old == nil:
		return side(d.New)
	}
	return side(d.Old) + " -> " + side(d.New)
}

// findingLine is one finding in one line: the view, what happened, who reads it.
func findingLine(f diff.Finding) string {
	text := Clean(f.Message)
	if f.View != "" {
		text = Clean(f.View) + ": " + text
	}
	if len(f.Consumers) > 0 {
		text += " (read by " + Clean(few(f.Consumers)) + ")"
	}
	return text
}

func few(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
