package render

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// How much the summary says before it points at the report: it is read in ten seconds.
const (
	defaultWidth    = 80
	maxDetailed     = 12  // results told with what, where and why
	maxLines        = 40  // further results, a line each
	maxWhere        = 2   // subjects named of each result
	screen          = 24  // lines of a terminal: of a longer text the verdict is said again at its end
	maxGroups       = 8   // lines of what was not looked at, by kind
	maxMessageRunes = 400 // of one message
)

// Text writes the summary that a person reads: the verdict first, the worst first, what was not looked at, and the
// denominators of it all.
func Text(w io.Writer, r report.Report, o Options) error {
	var page bytes.Buffer
	buf := bufio.NewWriter(&page)
	t := &text{w: buf, o: o, width: cmp.Or(o.Width, defaultWidth), told: map[[2]string]bool{}}
	all := NewOutline(r, o.Words)
	t.verdict(all)
	t.views(all.Views)
	t.remedy()
	t.advice(all.Advice)
	if len(all.Clear) > 0 {
		fmt.Fprintf(t.w, "\n%s  %s\n", t.paint(report.Pass, "PASS"), nameList(all.Clear))
	}
	t.block("before and after", all.Compared)
	t.block("consumers", all.Consumers)
	t.block("resolved", all.Resolved)
	t.block("trends", all.Trends)
	t.block("suppressed", all.Suppressed)
	t.block("assumed", all.Assumed)
	t.block("not looked at", all.NotLooked)
	t.denominators(r, all)
	if err := buf.Flush(); err != nil {
		return err
	}
	if bytes.Count(page.Bytes(), []byte("\n")) > screen {
		t.verdict(all)
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	_, err := w.Write(page.Bytes())
	return err
}

// text is a summary being written. Errors of the writer stay in the buffer until its Flush.
type text struct {
	w     *bufio.Writer
	o     Options
	width int
	// remedies are what to do about the results that were told, each once; told holds those that are among them.
	remedies []Item
	told     map[[2]string]bool
	shown    int
}

func (t *text) verdict(all Outline) {
	word := strings.ToUpper(strings.ReplaceAll(string(all.Outcome), "_", " "))
	t.wrap(t.paint(all.Outcome, word)+"  ", strings.Repeat(" ", len(word)+2), all.Title+", as of "+all.AsOf)
	if all.Changes != nil {
		t.wrap("", "  ", changeWords(*all.Changes)+" ("+all.Since+")")
	}
	if all.Known != "" {
		t.wrap("", "  ", all.Known)
	}
	if all.Partial != "" {
		t.wrap(t.paint(report.Error, "PARTIAL")+"  ", "         ", all.Partial)
	}
}

func (t *text) views(views []ViewOutline) {
	rest := 0
	for _, v := range views {
		if len(v.Items) == 0 {
			continue
		}
		if t.shown >= maxDetailed+maxLines {
			rest += len(v.Items)
			continue
		}
		t.heading(v)
		for _, it := range v.Items {
			folds := len(it.Causes)+len(it.Blinds)+len(it.Also) > 0
			switch {
			case t.shown < maxDetailed, folds && t.shown < maxDetailed+maxLines:
				t.item(it)
			case t.shown < maxDetailed+maxLines:
				t.itemLine(it)
			default:
				rest++
			}
			t.shown++
		}
	}
	if rest > 0 {
		fmt.Fprintf(t.w, "\nand %s in the report\n", words.Counted(int64(rest), "more result", "more results"))
	}
}

func (t *text) heading(v ViewOutline) {
	name := clip(v.Name, 80)
	if len(v.Facts) == 0 {
		fmt.Fprintf(t.w, "\n%s\n", t.bold(name))
		return
	}
	owner := ""
	if v.Owner != "" {
		owner = ", owner " + clip(v.Owner, 40)
	}
	fmt.Fprintln(t.w)
	t.wrap(t.bold(name)+owner+"  ", "  ", "("+strings.Join(v.Facts, ", ")+")")
}

func (t *text) itemLine(it Item) {
	word, amount := strings.ToUpper(string(it.Result.Outcome)), ""
	for _, beside := range []string{it.Amount, it.State, it.Known} {
		if beside != "" {
			amount += "  " + beside
		}
	}
	fmt.Fprintf(t.w, "  %s%s  %s%s\n", t.paint(it.Result.Outcome, word), strings.Repeat(" ", max(0, 5-len(word))), it.Check, amount)
}

func (t *text) item(it Item) {
	t.itemLine(it)
	t.field("", it.Says)
	t.field("also", nameList(it.Also))
	t.field("where", someWhere(it))
	t.field("causes", strings.Join(it.Causes, "; "))
	t.field("blinds", nameList(it.Blinds))
	if what := [2]string{it.Check, it.Fix}; it.Why+it.Fix != "" && !t.told[what] {
		t.told[what] = true
		t.remedies = append(t.remedies, it)
	}
}

// remedy says why what was told matters and what to do about it, for all views at once.
func (t *text) remedy() {
	if len(t.remedies) == 0 {
		return
	}
	fmt.Fprintf(t.w, "\n%s\n", t.bold("why it matters, and what to do"))
	for _, it := range t.remedies {
		fmt.Fprintf(t.w, "  %s\n", it.Check)
		t.field("why", it.Why)
		t.field("fix", it.Fix)
	}
}

// someWhere names the worst subjects.
func someWhere(it Item) string {
	if len(it.Where) == 0 {
		return ""
	}
	shown := slices.Clone(it.Where[:min(maxWhere, len(it.Where))])
	if more := it.More + int64(len(it.Where)-len(shown)); more > 0 {
		shown = append(shown, fmt.Sprintf("and %s more", words.Number(more)))
	}
	return strings.Join(shown, "; ")
}

func (t *text) advice(all []Advice) {
	for _, a := range all {
		fmt.Fprintln(t.w)
		t.wrap(t.paint(report.Warn, "WARN")+"  ", "      ", fmt.Sprintf("%s in %s (%s). %s", a.Check, words.Counted(int64(len(a.Views)), "view", "views"), nameList(a.Views), a.Fix))
	}
}

func (t *text) denominators(r report.Report, all Outline) {
	fmt.Fprintln(t.w)
	t.wrap("", "  ", "looked at "+all.Looked+"; "+all.Results)
	if slices.ContainsFunc(r.Results, func(res report.Result) bool { return res.Reproduce != "" }) {
		from := "the JSON report (--out json=PATH)"
		if t.o.ReportPath != "" && t.o.ReportPath != "-" {
			from = clip(Clean(t.o.ReportPath), 200)
		}
		t.wrap("", "  ", "the rows themselves: reproduce of each result in "+from+" is SQL for the DuckDB shell; run --out rows=PATH.csv writes them")
	}
}

// block writes a titled list, clipped.
func (t *text) block(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(t.w, "\n%s\n", t.bold(title))
	for i, line := range lines {
		if i == maxGroups {
			fmt.Fprintf(t.w, "  and %s more\n", words.Number(int64(len(lines)-i)))
			return
		}
		t.wrap("  ", "    ", line)
	}
}

// field writes a labelled line of a result, wrapped under itself; nothing where there is nothing to say.
func (t *text) field(label, value string) {
	if value == "" {
		return
	}
	const indent = "         "
	if label == "" {
		t.wrap(indent, indent, value)
		return
	}
	t.wrap(indent+fmt.Sprintf("%-7s", label), indent+"       ", value)
}

// wrap writes words up to the width; a word that is longer stays whole.
func (t *text) wrap(first, next, value string) {
	line, empty := first, true
	for _, word := range strings.Fields(clip(value, maxMessageRunes)) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > t.width {
			fmt.Fprintln(t.w, line)
			line, empty = next, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	fmt.Fprintln(t.w, line)
}

func (t *text) paint(o report.Outcome, word string) string {
	if !t.o.Color {
		return word
	}
	code := "31;1" // red
	switch o {
	case report.Pass:
		code = "32;1"
	case report.Warn:
		code = "33;1"
	case report.Error:
		code = "35;1"
	case report.Suppressed, report.NotApplicable:
		code = "2"
	default:
	}
	return "\x1b[" + code + "m" + word + "\x1b[0m"
}

func (t *text) bold(s string) string {
	if !t.o.Color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}
