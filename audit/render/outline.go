package render

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// Outline is a report as every format tells it: one order, one grouping, one wording. It is made of the report and of the
// catalogue's words alone. Its strings are clean: one line each, with nothing that moves a cursor or turns the direction of
// text. A format adds its own escapes, and cuts what is too long for it; it decides nothing else.
type Outline struct {
	Outcome report.Outcome
	// Title counts what is wrong: "2 checks fail, 1 check warns in 3 views". Headline names the worst in at most 200 characters.
	Title    string
	Headline string
	AsOf     string
	// Since says which earlier runs the findings were compared with, and Changes counts the findings by what became of them; empty
	// and nil without a history. Resolved are the findings that are gone, in lines.
	Since    string
	Changes  *report.States
	Resolved []string
	// Known says what a baseline holds of the findings; empty without one. Trends are what the history says of views that tend to expire,
	// or hold an unusual number of rows.
	Known  string
	Trends []string
	// Partial says that the audit did not run to its end; empty where it did.
	Partial string
	// Views are all views, and the whole run where it has results: those that want attention first, worst first, then the
	// others by name.
	Views []ViewOutline
	// Advice are findings that change no verdict for a consumer: one for each check.
	Advice []Advice
	// Clear are the views without a finding, or with advice alone.
	Clear []string
	// Consumers says in a line for each consumer whose contracts do not hold which do not, and why.
	Consumers []string
	// Suppressed says in a line for each result what was accepted, and by whom.
	Suppressed []string
	// Assumed says in lines what was taken for granted, for want of a declaration.
	Assumed []string
	// Compared says in a line for each view what became of its partitions, where a report compares two states.
	Compared []string
	// NotLooked says in lines what the audit did not look at, and why.
	NotLooked []string
	// Looked counts what was looked at, Results the results by outcome.
	Looked  string
	Results string
}

// ViewOutline is one view, or the whole run.
type ViewOutline struct {
	// View is as in the report; all but the name is empty for the whole run.
	View report.View
	// Name is clean, "the whole run" for it; Owner is clean.
	Name, Owner string
	// Facts are how much there is, and how new it is.
	Facts []string
	// Items are what wants attention, worst first; what they explain is folded into them.
	Items []Item
	// All are all results of the view, those that want attention first, then by check.
	All []Item
}

// Item is one result.
type Item struct {
	Result report.Result
	// View, Check and Owner are clean names; View is "the whole run" for results of the run.
	View, Check, Owner string
	// State says what became of it since earlier runs, Known that all of it stands in the baseline; empty without.
	State, Known string
	// Says is one sentence: what is wrong, or why it could not be looked at. Amount counts it, empty where Says begins with
	// the same or where there is nothing to count.
	Says, Amount string
	// Where names the subjects that are listed, worst first, without those that were accepted; More counts what is not.
	Where []string
	More  int64
	// Why and Fix are the catalogue's, empty where What is wrong says it all or the cause says what to do.
	Why, Fix string
	// Causes are the findings that this one explains, with their amounts; Blinds the checks that could not look because of
	// it; Also those that could not look for the very same reason.
	Causes, Blinds, Also []string
	Reach                Reach
}

// Reach is what a finding touches.
type Reach struct {
	// Amount counts the rows, entities, partitions or files that are bad; Rows those of the view.
	Amount string
	Rows   int64
	// Entities are those of the view; 0 where nothing counted them.
	Entities int64
	// Services are the feature services that read the view, Consumers those that declared it; clean names, sorted.
	Services, Consumers []string
}

// Advice is what an advisory check says of some views.
type Advice struct {
	Check string
	Views []string
	Fix   string
}

// wholeRun is what the results without a view are titled.
const wholeRun = "the whole run"

// NewOutline computes the outline of a report; words may be nil.
func NewOutline(r report.Report, words func(report.Result) Words) Outline {
	t := tellingOf(r, words, maxNames)
	o := t.Outline
	for v := range t.views(func(mark) bool { return true }) { // of values, which can be had
		o.Views = append(o.Views, v)
	}
	return o
}

// Top are the n findings that matter most, each of another check: the worst of every view comes before the second of any,
// and a check that finds something in many views is told once, for the first of them.
func (o Outline) Top(n int) []TopItem {
	marks := make([]mark, len(o.Views))
	for i, v := range o.Views {
		marks[i].name = v.Name
		for _, it := range v.Items {
			marks[i].items = append(marks[i].items, markedItem{it.Check, it.Owner, rank(it.Result)})
		}
	}
	var top []TopItem
	for _, found := range topOf(marks, n) {
		top = append(top, TopItem{Item: o.Views[found.view].Items[found.depth], AlsoIn: found.alsoIn, Owners: found.owners})
	}
	return top
}

// TopItem is one of the findings that matter, with the other views that its check found something in, and whose views they are.
type TopItem struct {
	Item
	AlsoIn, Owners []string
}

func title(s report.Summary) string {
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

// facts are how much a view holds, and how new it is.
func facts(v report.View) []string {
	facts := []string{words.Counted(v.Rows, "row", "rows"), words.Counted(v.Files, "file", "files")}
	if v.Partitions > 0 {
		facts = append(facts, words.Counted(v.Partitions, "partition", "partitions"))
	}
	if v.NewestEventTime != nil && v.AgeSeconds != nil {
		facts = append(facts, fmt.Sprintf("newest event %s old", words.Seconds(*v.AgeSeconds)))
	}
	if v.Table != nil {
		facts = append(facts, fmt.Sprintf("version %d of a %s table", v.Table.Version, Clean(v.Table.Format)))
	}
	return facts
}

// itemOf is a result with what is folded into it.
func itemOf(res report.Result, folded []report.Result, words func(report.Result) Words, reach Reach) Item {
	it := Item{Result: res, View: cmp.Or(Clean(res.View), wholeRun), Check: Clean(res.Check), Owner: Clean(res.Owner), Says: sentence(res), Amount: amountBeside(res),
		State: state(res), Known: known(res), Reach: reach}
	it.Reach.Amount = amount(res)
	if same := sameReason(folded, res); len(same) > 0 {
		// What to do is said with the cause: an unreadable file, a missing column.
		it.Also = cleaned(same)
		return it
	}
	if !bad(res.Outcome) || res.TellsOfFiles() && res.RowsTotal == 0 {
		return it // that there is no file is all that there is to say
	}
	it.Where, it.More = where(res)
	said := words(res)
	if res.Outcome == report.Fail {
		it.Why = said.Why
	}
	it.Fix = said.Fix
	for _, e := range folded {
		switch {
		case e.ExplainedBy == "":
		case e.Outcome == report.Error:
			it.Blinds = append(it.Blinds, Clean(e.Check))
		default:
			it.Causes = append(it.Causes, strings.TrimSpace(Clean(e.Check)+" "+amount(e)))
		}
	}
	return it
}

// state says what became of a result since earlier runs.
func state(res report.Result) string {
	text := string(res.State)
	if res.Since != "" && res.State != "" && res.State != report.StateNew {
		text += " since " + Clean(res.Since)
	}
	return text
}

// known says how much of a result stands in the baseline.
func known(res report.Result) string {
	if res.FindingsKnown == 0 {
		return ""
	}
	return fmt.Sprintf("%s in the baseline", words.Counted(res.FindingsKnown, "finding", "findings"))
}

// since says which runs a report was compared with.
func since(h report.History) string {
	if h.Runs == 0 {
		return "no earlier run to compare with"
	}
	text := fmt.Sprintf("compared with %s up to %s", words.Counted(h.Runs, "earlier run", "earlier runs"), Clean(h.LastAsOf))
	if h.Unfollowed > 0 {
		text += fmt.Sprintf("; %s that cannot be followed from run to run", words.Counted(h.Unfollowed, "finding", "findings"))
	}
	if h.Unseen > 0 {
		text += fmt.Sprintf("; %s of earlier runs %s not looked at", words.Counted(h.Unseen, "finding", "findings"), words.Plural(h.Unseen, "was", "were"))
	}
	if n := int64(len(h.NotUsed)); n > 0 {
		text += fmt.Sprintf("; %s not used", words.Counted(n, "file of the history was", "files of the history were"))
	}
	return text
}

// changeWords counts findings by what became of them, those that want to be read first.
func changeWords(s report.States) string {
	var parts []string
	for _, one := range []struct {
		n    int64
		word string
	}{{s.New, "new"}, {s.Worse, "worse"}, {s.Continuing, "continuing"}, {s.Better, "better"}, {s.Resolved, "resolved"}} {
		if one.n > 0 {
			parts = append(parts, words.Number(one.n)+" "+one.word)
		}
	}
	if len(parts) == 0 {
		return "nothing changed"
	}
	return strings.Join(parts, ", ")
}

// resolvedLines are the findings of a result that are gone.
func resolvedLines(res report.Result) []string {
	var lines []string
	for _, gone := range res.Resolved {
		line := viewName(res.View) + " " + Clean(res.Check)
		if subject := subjectText(gone.Subject); subject != "" {
			line += ": " + subject
		}
		lines = append(lines, fmt.Sprintf("%s, last seen %s", line, Clean(gone.LastSeen)))
	}
	return lines
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
	return fmt.Sprintf("%s of %s %s (%s)", words.Number(res.RowsBad), words.Number(res.RowsTotal), unit, words.Percent(res.RowsBad, res.RowsTotal))
}

// where names the subjects of a result that are listed, and counts the others.
func where(res report.Result) (named []string, more int64) {
	for _, f := range res.Findings {
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
		return nil, 0
	}
	return named, max(0, res.FindingsTotal-res.FindingsSuppressed-int64(len(named)))
}

func subjectText(s report.Subject) string {
	var parts []string
	if s.Partition != "" && strings.HasPrefix(s.File, s.Partition+"/") {
		s.Partition = "" // the file says it
	}
	for _, part := range []struct{ label, value string }{
		{"", s.Partition}, {"source ", s.Source}, {"", s.File}, {"column ", s.Column}, {"", s.Object},
	} {
		if part.value != "" {
			parts = append(parts, part.label+clip(Clean(part.value), 100))
		}
	}
	return strings.Join(parts, ", ")
}

// acceptedLine says what was accepted of a result, and by whom; empty where nothing was.
func acceptedLine(res report.Result) string {
	if res.Outcome != report.Suppressed && res.FindingsSuppressed == 0 {
		return ""
	}
	amount := ""
	if res.RowsSuppressed > 0 && res.Unit != "view" {
		amount = fmt.Sprintf("%s %s in %s: ", words.Number(res.RowsSuppressed), unitOf(res.RowsSuppressed, cmp.Or(Clean(res.Unit), "rows")), words.Counted(res.FindingsSuppressed, "finding", "findings"))
	}
	return fmt.Sprintf("%s %s: %s%s", viewName(res.View), Clean(res.Check), amount, Clean(res.SuppressedBy))
}

// unitOf is a unit as it is counted: one partition, two partitions.
func unitOf(n int64, unit string) string {
	singular := map[string]string{"rows": "row", "entities": "entity", "partitions": "partition", "files": "file", "suppressions": "suppression", "contracts": "contract"}
	if one := singular[unit]; n == 1 && one != "" {
		return one
	}
	return unit
}

// unserved are the consumers whose contracts do not hold.
func unserved(r report.Report) []string {
	var lines []string
	for _, c := range r.Consumers {
		if c.Outcome == report.Pass {
			continue
		}
		line := fmt.Sprintf("%s: %s", viewName(c.Name), c.Outcome)
		if c.Owner != "" {
			line = fmt.Sprintf("%s, owner %s: %s", viewName(c.Name), Clean(c.Owner), c.Outcome)
		}
		for _, v := range c.Views {
			if v.Outcome != report.Pass {
				line += "; " + clip(Clean(v.Message), maxMessageRunes)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// leftOut says which files, partitions and rows of a view were not judged.
func leftOut(v report.View, names int) string {
	var parts []string
	if v.FilesUnread > 0 {
		parts = append(parts, words.Counted(v.FilesUnread, "unreadable file", "unreadable files"))
	}
	if n := len(v.OpenPartitions); n > 0 {
		parts = append(parts, fmt.Sprintf("%s (%s; completeness not judged)", words.Counted(int64(n), "open partition", "open partitions"), namesUpTo(names, v.OpenPartitions)))
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
	return strings.Join(parts, ", ")
}

// withoutCheck cuts the check off a reason that names it, since it is named in front.
func withoutCheck(reason string) string {
	i := strings.LastIndex(reason, ": ")
	if i < 0 {
		return reason
	}
	if check, ok := strings.CutSuffix(reason[i+2:], " needs one"); ok && !strings.Contains(check, " ") {
		return reason[:i]
	}
	return reason
}

func looked(s report.Summary) string {
	return fmt.Sprintf("%s, %s, %s, %s", words.Counted(int64(s.Views), "view", "views"), words.Counted(s.Files, "file", "files"), words.Counted(s.Rows, "row", "rows"), words.Size(s.Bytes))
}

// resultCounts counts the results, of which so many findings were accepted.
func resultCounts(s report.Summary, suppressed int64) string {
	return fmt.Sprintf("%s: %s pass, %s warn, %s fail, %s could not look, %s suppressed%s, %s not applicable",
		words.Counted(int64(s.Pass+s.Warn+s.Fail+s.Error+s.Suppressed+s.NotApplicable), "result", "results"),
		words.Number(int64(s.Pass)), words.Number(int64(s.Warn)), words.Number(int64(s.Fail)), words.Number(int64(s.Error)), words.Number(int64(s.Suppressed)), suppressedWords(suppressed), words.Number(int64(s.NotApplicable)))
}

func viewName(name string) string {
	if name == "" {
		return "the run"
	}
	return clip(Clean(name), 80)
}

// maxNames are listed in one line.
const maxNames = 8

// nameList lists names in one line, clipped.
func nameList(names []string) string { return namesUpTo(maxNames, names) }

func namesUpTo(most int, names []string) string {
	shown := names[:min(len(names), most)]
	cleaned := make([]string, len(shown))
	for i, name := range shown {
		cleaned[i] = clip(Clean(name), 80)
	}
	if more := len(names) - len(shown); more > 0 {
		cleaned = append(cleaned, fmt.Sprintf("and %s more", words.Number(int64(more))))
	}
	return strings.Join(cleaned, ", ")
}

func cleaned(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = Clean(name)
	}
	return out
}
