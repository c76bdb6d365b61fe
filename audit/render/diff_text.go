package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/words"
)

// maxTextFindings of one headline are listed; a dropped ttl on every view of a large store is still named in full.
const maxTextFindings = 500

// DiffText writes what a person reads: the verdict first, then each thing that happened with the views that it
// happened to, the heaviest first. Notes are only counted.
func DiffText(w io.Writer, d diff.Document, o Options) error {
	t := &diffText{o: o, width: cmp.Or(o.Width, defaultWidth)}
	word := strings.ToUpper(d.Summary.Outcome)
	t.put(t.paint(d.Summary.Outcome, word)+"  ", diffIndent, diffTitle(d))
	if sides := diffSides(d); sides != "" {
		t.put(diffIndent, diffIndent, sides)
	}
	if d.Summary.Error+d.Summary.Warn == 0 {
		t.put(diffIndent, diffIndent, d.Summary.Headline)
	}
	notes := map[string]int{}
	var order []string
	var unjudged []diff.Finding
	for _, g := range diff.Groups(d.Changes) {
		if g.Severity == diff.Info {
			if g.Rule == diff.NotJudgedRule {
				unjudged = append(unjudged, g.Findings...)
				continue
			}
			if notes[g.Rule] == 0 {
				order = append(order, g.Rule)
			}
			notes[g.Rule] += len(g.Findings)
			continue
		}
		t.group(g)
	}
	t.notJudged(unjudged)
	t.rest(d, notes, order)
	if len(t.lines) >= screen {
		t.put(t.paint(d.Summary.Outcome, word)+"  ", diffIndent, diffTitle(d))
	}
	_, err := io.WriteString(w, strings.Join(t.lines, "\n")+"\n")
	return err
}

// diffText is the text being laid out.
type diffText struct {
	o     Options
	width int
	lines []string
}

const diffIndent = "      "

// put lays words out behind first; further lines begin with next.
func (t *diffText) put(first, next, value string) {
	t.lines = append(t.lines, fill(first, next, value, t.width)...)
}

func (t *diffText) group(g diff.Group) {
	word := strings.ToUpper(string(g.Severity))
	t.lines = append(t.lines, "")
	t.put(t.paint(string(g.Severity), word)+strings.Repeat(" ", max(0, 5-len(word)))+" ", diffIndent, Clean(clip(g.Headline(), maxMessageRunes)))
	if len(g.Findings) > 1 {
		for i, f := range g.Findings {
			if i == maxTextFindings {
				t.put(diffIndent, diffIndent, fmt.Sprintf("and %s more in the JSON document", words.Number(int64(len(g.Findings)-i))))
				break
			}
			t.put(diffIndent, diffIndent+"  ", findingLine(f)+place(f))
		}
	} else if f := g.Findings[0]; len(f.Consumers) > 0 || f.Location != nil {
		t.put(diffIndent, diffIndent+"  ", strings.TrimSpace(readBy(f)+place(f)))
	}
	if r, ok := diff.Find(g.Rule); ok {
		for _, field := range []struct{ label, value string }{{"why", r.Why}, {"fix", r.Fix}, {"rule", strings.Join(rulesOf(g), ", ")}} {
			t.put(diffIndent+fmt.Sprintf("%-6s", field.label), diffIndent+"      ", field.value)
		}
	}
}

// rulesOf are the ids that an approval of the group has to name.
func rulesOf(g diff.Group) []string {
	var ids []string
	for _, f := range g.Findings {
		if !slices.Contains(ids, f.Rule) {
			ids = append(ids, f.Rule)
		}
	}
	slices.Sort(ids)
	return ids
}

func readBy(f diff.Finding) string {
	if len(f.Consumers) == 0 {
		return ""
	}
	return "read by " + Clean(few(f.Consumers))
}

func place(f diff.Finding) string {
	if f.Location == nil {
		return ""
	}
	return fmt.Sprintf("  [%s:%d]", Clean(f.Location.File), f.Location.Line)
}

// notJudged lists what changed and no rule judges: nothing changes unseen.
func (t *diffText) notJudged(findings []diff.Finding) {
	if len(findings) == 0 {
		return
	}
	t.lines = append(t.lines, "", "not judged: "+words.Counted(int64(len(findings)), "change", "changes"))
	for i, f := range findings {
		if i == maxTextFindings {
			t.put(diffIndent, diffIndent, fmt.Sprintf("and %s more in the JSON document", words.Number(int64(len(findings)-i))))
			return
		}
		t.put(diffIndent, diffIndent+"  ", findingLine(f))
	}
}

func (t *diffText) rest(d diff.Document, notes map[string]int, order []string) {
	if len(order) > 0 {
		words := make([]string, len(order))
		for i, rule := range order {
			words[i] = fmt.Sprintf("%s (%d)", rule, notes[rule])
		}
		t.lines = append(t.lines, "")
		t.put("notes: ", "  ", strings.Join(words, ", "))
	}
	explained := 0
	for _, f := range d.Changes {
		switch {
		case f.Suppressed:
			t.put("approved: ", "  ", fmt.Sprintf("%s %s: %s", Clean(f.Rule), Clean(f.View), Clean(f.SuppressedBy)))
		case f.ExplainedBy != "":
			explained++
		}
	}
	if explained > 0 {
		t.put("explained by the above: ", "  ", words.Counted(int64(explained), "finding", "findings"))
	}
	if len(d.NotCompared) > 0 {
		t.put("not compared, because one side's format cannot say it: ", "  ", strings.Join(d.NotCompared, ", "))
	}
}

func (t *diffText) paint(level, word string) string {
	if !t.o.Color {
		return word
	}
	code := map[string]string{"fail": "31;1", "error": "31;1", "warn": "33;1", "pass": "32;1"}[level]
	if code == "" {
		return word
	}
	return "\x1b[" + code + "m" + word + "\x1b[0m"
}
