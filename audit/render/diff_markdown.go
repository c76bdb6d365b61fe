package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/words"
)

// maxMarkdown keeps a comment below 1 MiB, what the strictest of its readers accepts, with room for the last lines.
const maxMarkdown = 1<<20 - 4096

// DiffMarkdown writes a comment for a pull request. What does not fit in 1 MiB is counted.
func DiffMarkdown(w io.Writer, d diff.Document, _ Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## featureaudit: %s\n\n%s", d.Summary.Outcome, diffTitle(d))
	if sides := diffSides(d); sides != "" {
		fmt.Fprintf(&b, "<br>\n%s", inline(sides))
	}
	b.WriteString("\n")
	left := 0
	for _, g := range diff.Groups(d.Changes) {
		text := markdownGroup(g)
		if b.Len()+len(text) > maxMarkdown {
			left += len(g.Findings)
			continue
		}
		b.WriteString(text)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%s are left out here: see the JSON document.\n", words.Counted(int64(left), "more finding", "more findings"))
	}
	if len(d.NotCompared) > 0 {
		fmt.Fprintf(&b, "\nNot compared, because one side's format cannot say it: %s.\n", strings.Join(d.NotCompared, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// maxMarkdownRows of one headline are listed.
const maxMarkdownRows = 1000

func markdownGroup(g diff.Group) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n<details%s><summary><b>%s</b> %s</summary>\n\n", map[bool]string{true: " open"}[g.Severity == diff.Error], g.Severity, html(clip(Clean(g.Headline()), 300)))
	if r, ok := diff.Find(g.Rule); ok {
		fmt.Fprintf(&b, "%s\n\n*Fix:* %s (`%s`)\n\n", r.Why, r.Fix, strings.Join(rulesOf(g), "`, `"))
	}
	b.WriteString("| view | what | read by | where |\n|---|---|---|---|\n")
	for i, f := range g.Findings {
		if i == maxMarkdownRows {
			fmt.Fprintf(&b, "| | and %s more | | |\n", words.Number(int64(len(g.Findings)-i)))
			break
		}
		where := ""
		if f.Location != nil {
			where = inline(fmt.Sprintf("%s:%d", f.Location.File, f.Location.Line))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", inline(f.View), inline(clip(f.Message, maxMessageRunes)), inline(few(f.Consumers)), where)
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// inline makes text of a definition harmless in Markdown: no markup, no HTML, no mention of people.
func inline(text string) string {
	text = Clean(text)
	if text == "" {
		return ""
	}
	// A code span takes its text literally; its fence is longer than any run of backquotes inside.
	longest, run := 0, 0
	for _, r := range text {
		run++
		if r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 {
		text = " " + text + " "
	}
	return fence + strings.ReplaceAll(text, "|", `\|`) + fence
}

func html(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;").Replace(text)
}
