package render

import (
	"bufio"
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
	defaultWidth    = 100
	maxDetailed     = 12  // results told with where, why and fix
	maxLines        = 40  // further results, a line each
	maxWhere        = 3   // subjects named of each result
	maxNames        = 8   // names listed in one line
	maxGroups       = 8   // lines of what was not looked at, by kind
	maxMessageRunes = 400 // of one message
)

// Text writes the summary that a person reads: the verdict first, the worst first, what was not looked at, and the
// denominators of it all.
func Text(w io.Writer, r report.Report, o Options) error {
	buf := bufio.NewWriter(w)
	t := &text{w: buf, o: o, width: cmp.Or(o.Width, defaultWidth), told: map[string]bool{}}
	t.verdict(r)
	t.groups(groups(r))
	t.advice(r)
	t.clear(r)
	t.suppressed(r)
	t.notLooked(r)
	t.denominators(r)
	return buf.Flush()
}

// text is a summary being written. Errors of the writer stay in the buffer until its Flush.
type text struct {
	w     *bufio.Writer
	o     Options
	width int
	// told holds the checks whose why and fix were already said.
	told  map[string]bool
	shown int
}

func (t *text) verdict(r report.Report) {
	s := r.Summary
	word := strings.ToUpper(strings.ReplaceAll(string(s.Outcome), "_", " "))
	line := fmt.Sprintf("%s  %s", t.paint(s.Outcome, word), verdictWords(s))
	fmt.Fprintf(t.w, "%s, as of %s\n", line, Clean(r.AsOf))
	if r.Status != report.Complete {
		fmt.Fprintf(t.w, "%s  the audit did not run to its end: what is missing below was not looked at\n", t.paint(report.Error, "PARTIAL"))
	}
}

func verdictWords(s report.Summary) string {
	var parts []string
	if s.Fail > 0 {
		parts = append(parts, words.Counted(int64(s.Fail), "check fails", "checks fail"))
	}
	if s.Error > 0 {
		parts = append(parts, words.Counted(int64(s.Error), "check could not look", "checks could not look"))
	}
	if s.Warn > 0 {
		parts = append(parts, words.Counted(int64(s.Warn), "check warns", "checks warn"))
	}
	if len(parts) == 0 && s.Pass == 0 {
		parts = append(parts, "nothing was looked at")
	} else if len(parts) == 0 {
		parts = append(parts, words.Counted(int64(s.Pass), "check passes", "checks pass"))
	}
	return strings.Join(parts, ", ") + " in " + words.Counted(int64(s.Views), "view", "views")
}

func (t *text) groups(gs []group) {
	rest := 0
	for _, g := range gs {
		if t.shown >= maxDetailed+maxLines {
			rest += len(g.results)
			continue
		}
		t.heading(g.view)
		for _, res := range g.results {
			switch {
			case t.shown < maxDetailed, len(g.explained[res.Check]) > 0 && t.shown < maxDetailed+maxLines:
				t.result(res, g.explained[res.Check])
			case t.shown < maxDetailed+maxLines:
				t.resultLine(res)
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

func (t *text) heading(v report.View) {
	name := clip(Clean(v.Name), 80)
	if name == "" {
		fmt.Fprintf(t.w, "\n%s\n", t.bold("the whole run"))
		return
	}
	facts := []string{words.Counted(v.Rows, "row", "rows"), words.Counted(v.Files, "file", "files")}
	if v.Partitions > 0 {
		facts = append(facts, words.Counted(v.Partitions, "partition", "partitions"))
	}
	if v.NewestEventTime != nil && v.AgeSeconds != nil {
		facts = append(facts, fmt.Sprintf("newest event %s old", words.Seconds(*v.AgeSeconds)))
	}
	if v.EventTimeReadAs != "" {
		facts = append(facts, "event_time has no zone: read as "+Clean(v.EventTimeReadAs))
	}
	owner := ""
	if v.Owner != "" {
		owner = ", owner " + clip(Clean(v.Owner), 40)
	}
	fmt.Fprintln(t.w)
	t.wrap(t.bold(name)+owner+"  ", "  ", "("+strings.Join(facts, ", ")+")")
}

func (t *text) resultLine(res report.Result) {
	word := strings.ToUpper(string(res.Outcome))
	fmt.Fprintf(t.w, "  %s%s  %s%s\n", t.paint(res.Outcome, word), strings.Repeat(" ", max(0, 5-len(word))), Clean(res.Check), amountBeside(res))
}

func (t *text) result(res report.Result, explained []report.Result) {
	t.resultLine(res)
	t.field("", sentence(res))
	if same := sameReason(explained, res); len(same) > 0 {
		// What to do is said with the cause: an unreadable file, a missing column.
		t.field("also", nameList(same))
		return
	}
	if res.Check == unreadable && res.RowsTotal == 0 {
		return // that there is no file is all that there is to say
	}
	explained = slices.DeleteFunc(slices.Clone(explained), func(e report.Result) bool { return e.ExplainedBy == "" })
	t.field("where", where(res))
	words := t.words(res)
	if res.Outcome == report.Fail {
		t.field("why", words.Why)
	}
	t.field("fix", words.Fix)
	var caused, blind []string
	for _, e := range explained {
		if e.Outcome == report.Error {
			blind = append(blind, e.Check)
			continue
		}
		caused = append(caused, Clean(e.Check)+amount(e))
	}
	if len(caused) > 0 {
		t.field("causes", strings.Join(caused, "; "))
	}
	if len(blind) > 0 {
		t.field("blinds", nameList(blind))
	}
}

// words are the catalogue's, once for each check.
func (t *text) words(res report.Result) Words {
	if t.o.Words == nil || t.told[res.Check] {
		return Words{}
	}
	t.told[res.Check] = true
	return t.o.Words(res)
}

// sentence is what a result says: its message, and the reason where it has one of its own.
func sentence(res report.Result) string {
	message, reason := Clean(res.Message), Clean(res.Reason)
	if message == "" || message == reason {
		return reason
	}
	if reason == "" || strings.Contains(message, reason) {
		return message
	}
	return message + " (" + reason + ")"
}

// sameReason are the checks that could not look for the same reason as res.
func sameReason(folded []report.Result, res report.Result) []string {
	var checks []string
	for _, e := range folded {
		if e.ExplainedBy == "" && e.Reason == res.Reason {
			checks = append(checks, e.Check)
		}
	}
	return checks
}

// amountBeside is the amount, unless the sentence below begins with it.
func amountBeside(res report.Result) string {
	if strings.HasPrefix(res.Message, fmt.Sprintf("%s of %s ", words.Number(res.RowsBad), words.Number(res.RowsTotal))) {
		return ""
	}
	return amount(res)
}

// amount says how many of how many; nothing where the subject is the view itself.
func amount(res report.Result) string {
	switch {
	case res.Unit == "view", res.RowsTotal == 0 && res.RowsBad == 0:
		return ""
	case res.Outcome == report.Error && res.RowsBad == 0:
		return ""
	}
	unit := cmp.Or(Clean(res.Unit), "rows")
	return fmt.Sprintf("  %s of %s %s (%s)", words.Number(res.RowsBad), words.Number(res.RowsTotal), unit, words.Percent(res.RowsBad, res.RowsTotal))
}

// where names the worst subjects of a result.
func where(res report.Result) string {
	var named []string
	for _, f := range res.Findings {
		if len(named) == maxWhere {
			break
		}
		if f.Suppressed {
			continue
		}
		if subject := subjectText(f.Subject); subject != "" {
			if res.Unit != "view" && f.RowsTotal > 1 {
				subject += fmt.Sprintf(" (%s of %s)", words.Number(f.RowsBad), words.Number(f.RowsTotal))
			}
			named = append(named, subject)
		}
	}
	if len(named) == 0 {
		return ""
	}
	if more := res.FindingsTotal - res.FindingsSuppressed - int64(len(named)); more > 0 {
		named = append(named, fmt.Sprintf("and %s more", words.Number(int64(more))))
	}
	return strings.Join(named, "; ")
}

func subjectText(s report.Subject) string {
	var parts []string
	for _, part := range []struct{ label, value string }{
		{"", s.Partition}, {"source ", s.Source}, {"", s.File}, {"column ", s.Column}, {"", s.Object},
	} {
		if part.value != "" {
			parts = append(parts, part.label+clip(Clean(part.value), 100))
		}
	}
	return strings.Join(parts, ", ")
}

// clear names the views without a finding.
// advice folds the findings of each advisory check into one line of the run.
func (t *text) advice(r report.Report) {
	byCheck := map[string][]string{}
	var checks []string
	for _, res := range r.Results {
		if !advice(res) {
			continue
		}
		if byCheck[res.Check] == nil {
			checks = append(checks, res.Check)
		}
		byCheck[res.Check] = append(byCheck[res.Check], res.View)
	}
	slices.Sort(checks)
	for _, check := range checks {
		names := byCheck[check]
		said := ""
		if t.o.Words != nil {
			said = t.o.Words(report.Result{Check: check}).Fix
		}
		fmt.Fprintln(t.w)
		t.wrap(t.paint(report.Warn, "WARN")+"  ", "      ", fmt.Sprintf("%s in %s (%s). %s", Clean(check), words.Counted(int64(len(names)), "view", "views"), nameList(names), said))
	}
}

// onlyAdvised says whether nothing but advice keeps a view from passing.
func onlyAdvised(r report.Report, v report.View) bool {
	return v.Outcome == report.Warn && !slices.ContainsFunc(r.Results, func(res report.Result) bool {
		return res.View == v.Name && bad(res.Outcome) && !advice(res)
	})
}

func (t *text) clear(r report.Report) {
	var names []string
	for _, v := range r.Views {
		if v.Outcome == report.Pass || onlyAdvised(r, v) {
			names = append(names, v.Name)
		}
	}
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(t.w, "\n%s  %s\n", t.paint(report.Pass, "PASS"), nameList(names))
}

func (t *text) suppressed(r report.Report) {
	var lines []string
	for _, res := range r.Results {
		if res.Outcome != report.Suppressed && res.FindingsSuppressed == 0 {
			continue
		}
		amount := ""
		if res.RowsSuppressed > 0 && res.Unit != "view" {
			amount = fmt.Sprintf("%s %s in %s: ", words.Number(res.RowsSuppressed), cmp.Or(Clean(res.Unit), "rows"), words.Counted(res.FindingsSuppressed, "finding", "findings"))
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s%s", viewName(res.View), Clean(res.Check), amount, Clean(res.SuppressedBy)))
	}
	t.block("suppressed", lines)
}

// notLooked says what the audit did not look at, and why.
func (t *text) notLooked(r report.Report) {
	var lines []string
	if len(r.Selection.Views) > 0 {
		lines = append(lines, "views other than "+nameList(r.Selection.Views))
	}
	if len(r.Selection.Checks) > 0 {
		lines = append(lines, "checks other than "+nameList(r.Selection.Checks))
	}
	if r.Range != "" {
		lines = append(lines, "partitions outside "+Clean(r.Range))
	}
	for _, v := range r.Views {
		if line := leftOut(v); line != "" {
			lines = append(lines, line)
		}
		for _, sentence := range v.LeftOut {
			lines = append(lines, viewName(v.Name)+": "+Clean(sentence))
		}
	}
	lines = append(lines, notApplicable(r)...)
	t.block("not looked at", lines)
}

// leftOut says which files, partitions and rows of a view were not judged.
func leftOut(v report.View) string {
	var parts []string
	if v.FilesUnread > 0 {
		parts = append(parts, words.Counted(v.FilesUnread, "unreadable file", "unreadable files"))
	}
	if n := len(v.OpenPartitions); n > 0 {
		parts = append(parts, fmt.Sprintf("%s (%s; completeness not judged)", words.Counted(int64(n), "open partition", "open partitions"), nameList(v.OpenPartitions)))
	}
	if v.PartitionsAfterAsOf > 0 {
		parts = append(parts, words.Counted(v.PartitionsAfterAsOf, "partition", "partitions")+" after as_of")
	}
	if v.RowsAfterAsOf > 0 {
		parts = append(parts, words.Counted(v.RowsAfterAsOf, "row", "rows")+" after as_of")
	}
	if v.IgnoredFiles > 0 {
		parts = append(parts, words.Counted(v.IgnoredFiles, "file that is no data", "files that are no data"))
	}
	if len(parts) == 0 {
		return ""
	}
	return viewName(v.Name) + ": " + strings.Join(parts, ", ")
}

// notApplicable groups the checks that did not apply by view and reason.
func notApplicable(r report.Report) []string {
	type place struct{ view, reason string }
	checks := map[place][]string{}
	var order []place
	for _, res := range r.Results {
		if res.Outcome != report.NotApplicable {
			continue
		}
		p := place{res.View, res.Reason}
		if checks[p] == nil {
			order = append(order, p)
		}
		checks[p] = append(checks[p], res.Check)
	}
	slices.SortStableFunc(order, func(a, b place) int { return cmp.Compare(a.view, b.view) })
	lines := make([]string, len(order))
	for i, p := range order {
		lines[i] = fmt.Sprintf("%s %s: %s", viewName(p.view), nameList(checks[p]), Clean(p.reason))
	}
	return lines
}

func (t *text) denominators(r report.Report) {
	s := r.Summary
	fmt.Fprintf(t.w, "\nlooked at %s, %s, %s, %s; %s: %s pass, %s warn, %s fail, %s could not look, %s suppressed%s, %s not applicable\n",
		words.Counted(int64(s.Views), "view", "views"), words.Counted(s.Files, "file", "files"), words.Counted(s.Rows, "row", "rows"), words.Size(s.Bytes),
		words.Counted(int64(s.Pass+s.Warn+s.Fail+s.Error+s.Suppressed+s.NotApplicable), "result", "results"),
		words.Number(int64(s.Pass)), words.Number(int64(s.Warn)), words.Number(int64(s.Fail)), words.Number(int64(s.Error)), words.Number(int64(s.Suppressed)), suppressedWords(r), words.Number(int64(s.NotApplicable)))
	if slices.ContainsFunc(r.Results, func(res report.Result) bool { return res.Reproduce != "" }) {
		from := "the JSON report (--out json=PATH)"
		if t.o.ReportPath != "" && t.o.ReportPath != "-" {
			from = clip(Clean(t.o.ReportPath), 200)
		}
		t.wrap("", "  ", "the rows themselves: reproduce of each result in "+from+" is SQL for the DuckDB shell; run --out rows=PATH.csv writes them")
	}
}

// suppressedWords says how many findings were accepted, where any was: a result may be left over with others.
func suppressedWords(r report.Report) string {
	n := suppressedFindings(r)
	if n == 0 {
		return ""
	}
	return " (" + words.Counted(n, "finding", "findings") + ")"
}

func suppressedFindings(r report.Report) int64 {
	n := int64(0)
	for _, res := range r.Results {
		n += res.FindingsSuppressed
		if res.Outcome == report.Suppressed && res.FindingsSuppressed == 0 {
			n += res.FindingsTotal // a report of an earlier release
		}
	}
	return n
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

func viewName(name string) string {
	if name == "" {
		return "the run"
	}
	return clip(Clean(name), 80)
}

// nameList lists names in one line, clipped.
func nameList(names []string) string {
	shown := names[:min(len(names), maxNames)]
	cleaned := make([]string, len(shown))
	for i, name := range shown {
		cleaned[i] = clip(Clean(name), 80)
	}
	if more := len(names) - len(shown); more > 0 {
		cleaned = append(cleaned, fmt.Sprintf("and %s more", words.Number(int64(more))))
	}
	return strings.Join(cleaned, ", ")
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
	}
	return "\x1b[" + code + "m" + word + "\x1b[0m"
}

func (t *text) bold(s string) string {
	if !t.o.Color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}
