package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/words"
)

// DiffSummary writes exactly one compact line of JSON, for schedulers.
func DiffSummary(w io.Writer, d diff.Document, _ Options) error {
	s := d.Summary
	return Line(w, map[string]any{
		"outcome": s.Outcome, "headline": s.Headline, "as_of": d.AsOf, "error": s.Error, "warn": s.Warn, "info": s.Info, "suppressed": s.Suppressed,
	})
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
