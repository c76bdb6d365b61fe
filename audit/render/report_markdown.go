package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// ReportMarkdown writes a step summary or a comment: the verdict first, then each view with its findings folded in. What does not fit in
// 1 MiB is counted.
func ReportMarkdown(w io.Writer, r report.Report, o Options) error {
	return tellingOf(r, o.Words, maxNames).markdown(w)
}

// ReportMarkdownOfLong is ReportMarkdown of a long report, whose views are looked at one at a time.
func ReportMarkdownOfLong(w io.Writer, l report.Long, o Options) error {
	t, err := tellingOfLong(l, o.Words, maxNames)
	if err != nil {
		return err
	}
	return t.markdown(w)
}

func (t telling) markdown(w io.Writer) error {
	outline := t.Outline
	var b strings.Builder
	fmt.Fprintf(&b, "## featureaudit: %s\n\n%s, as of %s\n", outline.Outcome, prose(outline.Title), prose(outline.AsOf))
	if outline.Changes != nil {
		fmt.Fprintf(&b, "\n%s (%s)\n", prose(changeWords(*outline.Changes)), prose(outline.Since))
	}
	if outline.Known != "" {
		fmt.Fprintf(&b, "\n%s\n", prose(outline.Known))
	}
	if outline.Partial != "" {
		fmt.Fprintf(&b, "\n**Partial:** %s\n", prose(outline.Partial))
	}
	b.WriteString(markdownConsumers(t.rest.Consumers))
	left := 0
	for v, err := range t.views(mark.attention) {
		if err != nil {
			return err
		}
		text := markdownView(v)
		if b.Len()+len(text) > maxMarkdown {
			left++
			continue
		}
		b.WriteString(text)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%s with findings are left out here: see the JSON report.\n", words.Counted(int64(left), "more view", "more views"))
	}
	for _, list := range []struct {
		title string
		lines []string
	}{{"before and after", outline.Compared}, {"resolved", outline.Resolved}, {"trends", outline.Trends}, {"suppressed", outline.Suppressed}, {"assumed", outline.Assumed},
		{"not looked at", outline.NotLooked}} {
		text := markdownList(list.title, list.lines)
		if b.Len()+len(text) > maxMarkdown {
			text = fmt.Sprintf("\n%s %s: see the JSON report.\n", words.Number(int64(len(list.lines))), list.title)
		}
		b.WriteString(text)
	}
	fmt.Fprintf(&b, "\nlooked at %s; %s\n", prose(outline.Looked), prose(outline.Results))
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownConsumers lists the consumers whose contracts do not hold.
func markdownConsumers(consumers []report.Consumer) string {
	var b strings.Builder
	for _, c := range consumers {
		if c.Outcome == report.Pass {
			continue
		}
		for _, v := range c.Views {
			if v.Outcome != report.Pass && b.Len() < maxMarkdown/4 {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", inline(clip(c.Name, maxNameRunes)), v.Outcome, inline(clip(v.Message, maxMessageRunes)))
			}
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n| consumer | verdict | why |\n|---|---|---|\n" + b.String()
}

// maxNameRunes is how much of a name a table shows.
const maxNameRunes = 120

func markdownView(v ViewOutline) string {
	var b strings.Builder
	open := ""
	if v.Items[0].Result.Outcome != report.Warn {
		open = " open"
	}
	owner := ""
	if v.Owner != "" {
		owner = ", owner " + prose(clip(v.Owner, maxNameRunes))
	}
	fmt.Fprintf(&b, "\n<details%s><summary><b>%s</b>%s: %s</summary>\n", open, prose(clip(v.Name, maxNameRunes)), owner, prose(clip(markdownChecks(v.Items), 300)))
	if len(v.Facts) > 0 {
		fmt.Fprintf(&b, "\n%s\n", prose(clip(strings.Join(v.Facts, ", "), maxMessageRunes)))
	}
	for _, item := range v.Items {
		fmt.Fprintf(&b, "\n**%s** `%s` %s%s\n", item.Result.Outcome, item.Check, prose(clip(item.Says, maxMessageRunes)), prose(inBrackets(item.State, item.Known)))
		for _, line := range []struct{ name, text string }{{"Where", markdownWhere(item)}, {"Why", prose(item.Why)}, {"Fix", prose(item.Fix)},
			{"Causes", prose(strings.Join(item.Causes, "; "))}, {"Hides", prose(strings.Join(item.Blinds, ", "))}} {
			if line.text != "" {
				fmt.Fprintf(&b, "\n*%s:* %s\n", line.name, line.text)
			}
		}
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// inBrackets is what a report with a history or a baseline says of a result; empty without.
func inBrackets(texts ...string) string {
	texts = slices.DeleteFunc(texts, func(text string) bool { return text == "" })
	if len(texts) == 0 {
		return ""
	}
	return " (" + strings.Join(texts, ", ") + ")"
}

func markdownChecks(items []Item) string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = item.Check
	}
	return strings.Join(names, ", ")
}

func markdownWhere(item Item) string {
	shown := item.Where[:min(len(item.Where), maxNames)]
	places := make([]string, len(shown))
	for i, where := range shown {
		places[i] = inline(clip(where, maxMessageRunes))
	}
	if more := item.More + int64(len(item.Where)-len(shown)); more > 0 {
		places = append(places, fmt.Sprintf("and %s more", words.Number(more)))
	}
	return strings.Join(places, ", ")
}

func markdownList(title string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n<details><summary>%s</summary>\n\n", title)
	for _, line := range lines {
		fmt.Fprintf(&b, "* %s\n", prose(clip(line, maxMessageRunes)))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// prose makes text of data harmless in a paragraph of Markdown: what would be markup, a link or a mention stands as a character
// reference, which every reader of Markdown shows as the character and nothing more.
func prose(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;", "*", "&#42;", "[", "&#91;", "]", "&#93;", "`", "&#96;",
		"~", "&#126;", "|", "&#124;", "\\", "&#92;", "://", "&#58;//", "www.", "www&#46;", "#", "&#35;").Replace(text)
	return strings.ReplaceAll(looseUnderscores(text), "\x00", "&#95;")
}

// looseUnderscores marks by NUL the underscores that Markdown may take for emphasis: those inside a word, as in a column's name, it
// does not.
func looseUnderscores(text string) string {
	runes := []rune(text)
	word := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	for i, r := range runes {
		if r == '_' && !(word(i-1) && word(i+1)) {
			runes[i] = 0
		}
	}
	return string(runes)
}
