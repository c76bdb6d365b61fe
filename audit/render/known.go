package render

import (
	"fmt"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// heldByBaseline says what a baseline holds: outcomes stay what they are, and with --new-only the exit code does not rest on it.
func heldByBaseline(b *report.Baseline) string {
	if b == nil {
		return ""
	}
	text := fmt.Sprintf("%s held by the baseline", words.Counted(b.Known, "finding is", "findings are"))
	if b.Exceeded > 0 {
		text += fmt.Sprintf(", %s more rows than it says", words.Counted(b.Exceeded, "has", "have"))
	}
	if b.Expired > 0 {
		text += fmt.Sprintf(", %s past their end", words.Counted(b.Expired, "entry is", "entries are"))
	}
	return text
}

// trends are those of a view that somebody should know of.
func trends(v report.View) []string {
	var lines []string
	for _, t := range v.Trends {
		if t.Unusual || t.On != "" {
			lines = append(lines, viewName(v.Name)+": "+Clean(t.Message))
		}
	}
	return lines
}
