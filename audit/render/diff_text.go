package render

import (
	"bufio"
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
	buf := bufio.NewWriter(w)
	t := diffText{w: buf, o: o}
	fmt.Fprintf(buf, "%s  %s\n", t.paint(d.Summary.Outcome, strings.ToUpper(d.Summary.Outcome)), diffTitle(d))
	if sides := diffSides(d); sides != "" {
		fmt.Fprintf(buf, "      %s\n", sides)
	}
	if d.Summary.Error+d.Summary.Warn == 0 {
		fmt.Fprintf(buf, "      %s\n", d.Summary.Headline)
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
	return buf.Flush()
}

type diffText struct {
	w *bufio.Writer
	o Options
}

func (t diffText) group(g diff.Group) {
	word := strings.ToUpper(string(g.Severity))
	fmt.Fprintf(t.w, "\n%s%s %s\n", t.paint(string(g.Severity), word), strings.Repeat(" ", max(0, 5-len(word))), Clean(clip(g.Headline(), maxMessageRunes)))
	if len(g.Findings) > 1 {
		for i, f := range g.Findings {
			if i == maxTextFindings {
				fmt.Fprintf(t.w, "      and %s more in the JSON document\n", words.Number(int64(len(g.Findings)-i)))
				break
			}
			fmt.Fprintf(t.w, "      %s%s\n", findingLine(f), place(f))
		}
	} else if f := g.Findings[0]; len(f.Consumers) > 0 || f.Location != nil {
		fmt.Fprintf(t.w, "      %s\n", strings.TrimSpace(readBy(f)+place(f)))
	}
	if r, ok := diff.Find(g.Rule); ok {
		fmt.Fprintf(t.w, "      why   %s\n      fix   %s\n      rule  %s\n", r.Why, r.Fix, strings.Join(rulesOf(g), ", "))
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
func (t diffText) notJudged(findings []diff.Finding) {
	if len(findings) == 0 {
		return
	}
	fmt.Fprintf(t.w, "\nnot judged: %s\n", words.Counted(int64(len(findings)), "change", "changes"))
	for i, f := range findings {
		if i == maxTextFindings {
			fmt.Fprintf(t.w, "      and %s more in the JSON document\n", words.Number(int64(len(findings)-i)))
			return
		}
		fmt.Fprintf(t.w, "      %s\n", findingLine(f))
	}
}

func (t diffText) rest(d diff.Document, notes map[string]int, order []string) {
	if len(order) > 0 {
		words := make([]string, len(order))
		for i, rule := range order {
			words[i] = fmt.Sprintf("%s (%d)", rule, notes[rule])
		}
		fmt.Fprintf(t.w, "\nnotes: %s\n", strings.Join(words, ", "))
	}
	explained := 0
	for _, f := range d.Changes {
		switch {
		case f.Suppressed:
			fmt.Fprintf(t.w, "approved: %s %s: %s\n", Clean(f.Rule), Clean(f.View), Clean(f.SuppressedBy))
		case f.ExplainedBy != "":
			explained++
		}
	}
	if explained > 0 {
		fmt.Fprintf(t.w, "explained by the above: %s\n", words.Counted(int64(explained), "finding", "findings"))
	}
	if len(d.NotCompared) > 0 {
		fmt.Fprintf(t.w, "not compared, because one side's format cannot say it: %s\n", strings.Join(d.NotCompared, ", "))
	}
}

func (t diffText) paint(level, word string) string {
	if !t.o.Color {
		return word
	}
	code := map[string]string{"fail": "31;1", "error": "31;1", "warn": "33;1", "pass": "32;1"}[level]
	if code == "" {
		return word
	}
	return "\x1b[" + code + "m" + word + "\x1b[0m"
}
