package render

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// How much the summary says before it points at the report: it is read in ten seconds.
const (
	defaultWidth = 80
	// manyViews are so many that the summary tells causes and a table, and no longer each view by itself.
	manyViews = 8
	// maxDetailed findings are told with what, where and what to do; maxListed further ones in a line each.
	maxDetailed = 10
	maxListed   = 8
	// shortPage and longPage are how many lines a summary of few and of many views may have.
	shortPage, longPage = 60, 80
	// maxLead and maxFurther are the lines of one sentence: of the one that is told first, and of others.
	maxLead, maxFurther = 4, 3
	screen              = 24 // lines of a terminal: of a longer text the verdict is said again at its end
	maxGroups           = 8  // lines of one block, such as what was not looked at
	maxBlock            = 2  // lines that a block takes however long the text is
	fewNames            = 3  // names in one line of such a block, of many views
	maxTableRows        = 20
	leastTableRows      = 5
	maxMessageRunes     = 400 // of one message, where a format has no bound of its own
	maxWholeRunes       = 10_000
)

// Text writes the summary that a person reads: the verdict first and last, the worst first, and what was not looked at. It is short,
// and says how to see the rest; with Options.Whole it is the rest.
func Text(w io.Writer, r report.Report, o Options) error {
	return writeText(w, tellingOf(r, o.Words, textNames(o, len(r.Views))), o)
}

// TextOfLong is Text of a long report, whose views are looked at one at a time.
func TextOfLong(w io.Writer, l report.Long, o Options) error {
	t, err := tellingOfLong(l, o.Words, textNames(o, len(l.Views)))
	if err != nil {
		return err
	}
	return writeText(w, t, o)
}

// textNames is how many names a line holds in a text of so many views.
func textNames(o Options, views int) int {
	switch {
	case o.Whole:
		return math.MaxInt
	case views > manyViews:
		return fewNames
	}
	return maxNames
}

func writeText(w io.Writer, all telling, o Options) error {
	out := bufio.NewWriterSize(w, 1<<16)
	t := &text{all: all, o: o, width: cmp.Or(o.Width, defaultWidth), detail: usual, fixed: map[[2]string]bool{}, out: out}
	var err error
	if t.top, err = all.top(math.MaxInt); err != nil {
		return err
	}
	if err := t.page(); err != nil {
		return err
	}
	return out.Flush()
}

// text is a summary being laid out.
type text struct {
	all   telling
	o     Options
	width int
	// out gets the lines, of which so many were written.
	out     *bufio.Writer
	written int
	// top are all findings that matter, each check once.
	top []TopItem
	// fixed holds what to do that was said already, by check: it is said once.
	fixed map[[2]string]bool
	// cut says that something was left out, which the report has.
	cut bool
	// detail is how much of a finding is told.
	detail detail
}

// detail is how much of a finding is told: as much as leaves the page short.
type detail int

const (
	lean detail = iota
	usual
	roomy
)

// write writes lines; the writer keeps the first error.
func (t *text) write(lines []string) {
	for _, line := range lines {
		_, _ = t.out.WriteString(line)
		_ = t.out.WriteByte('\n')
	}
	t.written += len(lines)
}

func (t *text) page() error {
	t.write(t.verdict(true))
	room := shortPage
	many := len(t.all.marks) > manyViews
	switch {
	case t.o.Whole:
		room = math.MaxInt
		if err := t.whole(); err != nil {
			return err
		}
	case many:
		room = longPage
		t.write(t.byCause())
	default:
		lines, err := t.findings()
		if err != nil {
			return err
		}
		t.write(lines)
	}
	quiet := slices.Concat(t.advice(), t.quiet())
	end := t.denominators()
	// What must be said is known now, and the rest shares the lines that are left.
	room -= t.written + len(quiet) + len(end) + maxMoreLines
	if many {
		table := t.table(room - 4*maxBlock)
		room -= len(table)
		t.write(table)
	}
	t.write(quiet)
	var blocks []string
	spacious := true
	for _, b := range []struct {
		title string
		lines []string
	}{{"before and after", t.all.Compared}, {"consumers", t.all.Consumers}, {"trends", t.all.Trends}, {"resolved", t.all.Resolved}, {"suppressed", t.all.Suppressed}, {"assumed", t.all.Assumed},
		{"not looked at", t.all.NotLooked}} {
		block := t.block(b.title, b.lines, room)
		if len(block) == 0 {
			continue
		}
		long := len(block) > maxBlock
		if spacious || long {
			block = append([]string{""}, block...)
		}
		spacious = long
		room -= len(block)
		blocks = append(blocks, block...)
	}
	t.write(slices.Concat(t.why(room), blocks, end, t.more()))
	if t.written >= screen {
		t.write(t.verdict(false))
	}
	return nil
}

// verdict is the verdict; at the end its one sentence is enough.
func (t *text) verdict(first bool) []string {
	word := upper(t.all.Outcome)
	said := t.all.Title
	if first {
		said += ", as of " + t.all.AsOf
	}
	lines := fill(t.paint(t.all.Outcome, word)+"  ", strings.Repeat(" ", len(word)+2), clip(said, maxMessageRunes), t.width)
	if t.all.Partial != "" {
		lines = append(lines, fill(t.paint(report.Error, "PARTIAL")+"  ", "         ", t.all.Partial, t.width)...)
	}
	if !first {
		return lines
	}
	if t.all.Changes != nil {
		lines = append(lines, fill("", "  ", clip(changeWords(*t.all.Changes)+" ("+t.all.Since+")", maxMessageRunes), t.width)...)
	}
	if t.all.Known != "" {
		lines = append(lines, fill("", "  ", t.all.Known, t.width)...)
	}
	return lines
}

// findings are few, in as much detail as leaves lines for what else is to be said.
func (t *text) findings() ([]string, error) {
	var views []ViewOutline
	for v, err := range t.all.views(func(mark) bool { return true }) {
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	for _, most := range []struct {
		detail
		lines int
	}{{roomy, shortPage / 2}, {usual, shortPage - 14}} {
		t.detail, t.cut, t.fixed = most.detail, false, map[[2]string]bool{}
		if lines := t.few(views); len(lines) <= most.lines {
			return lines, nil
		}
	}
	t.detail, t.cut, t.fixed = lean, false, map[[2]string]bool{}
	return t.few(views), nil
}

// few tells view by view: the worst finding of every view comes to its details before the second of any.
func (t *text) few(views []ViewOutline) []string {
	detailed := map[[2]int]bool{}
	for depth, more := 0, true; more && len(detailed) < maxDetailed; depth++ {
		more = false
		for i, v := range views {
			if depth < len(v.Items) && len(detailed) < maxDetailed {
				detailed[[2]int{i, depth}], more = true, true
			}
		}
	}
	var lines []string
	told, listed, left := 0, 0, 0
	for i, v := range views {
		if len(v.Items) == 0 {
			continue
		}
		lines = append(lines, t.heading(v, false)...)
		for depth, it := range v.Items {
			switch {
			case detailed[[2]int{i, depth}]:
				lines = append(lines, t.item(it, told)...)
				told++
			case listed < maxListed:
				lines = append(lines, t.put(1, t.badge(it.Result.Outcome), itemIndent, itemHead(it))...)
				listed++
				t.cut = true
			default:
				left++
			}
		}
	}
	if left > 0 {
		t.cut = true
		lines = append(lines, "", "and "+words.Counted(int64(left), "more finding", "more findings"))
	}
	return lines
}

// whole tells all of every view that wants attention.
func (t *text) whole() error {
	for v, err := range t.all.views(mark.attention) {
		if err != nil {
			return err
		}
		t.write(t.heading(v, true))
		for _, it := range v.Items {
			t.write(t.item(it, 0))
		}
	}
	return nil
}

// why says why what was found matters in general, each check once: of the first ones, where that many lines are left.
func (t *text) why(room int) []string {
	lines := []string{"", t.bold("why it matters")}
	for _, it := range t.top {
		if it.Why == "" {
			continue
		}
		said := fill("  "+it.Check+": ", "    ", it.Why, t.width)
		if len(lines)+len(said) > room {
			break
		}
		lines = append(lines, said...)
	}
	if len(lines) == 2 {
		return nil
	}
	return lines
}

// heading names a view, its owner, and how much it holds.
func (t *text) heading(v ViewOutline, whole bool) []string {
	name := t.bold(clip(v.Name, maxPageName))
	if v.Owner != "" {
		name += ", owner " + clip(v.Owner, 40)
	}
	if len(v.Facts) == 0 {
		return append([]string{""}, fill(name, "  ", "", t.width)...)
	}
	with := func(facts []string) []string {
		return append([]string{""}, fill("", "  ", name+"  ("+strings.Join(facts, ", ")+")", t.width)...)
	}
	lines := with(v.Facts)
	if len(lines) > 2 && !whole && len(v.Facts) > 2 {
		lines = with([]string{v.Facts[0], v.Facts[len(v.Facts)-1]})
	}
	return lines
}

// told is a sentence behind what it is about; some results of other releases have none.
func told(head, says string) string {
	if says == "" {
		return head
	}
	return head + ": " + says
}

// itemHead is a check, how much of it there is, and what became of it.
func itemHead(it Item) string { return it.Check + inBrackets(it.Amount, it.State, it.Known) }

func (t *text) badge(o report.Outcome) string {
	word := upper(o)
	return "  " + t.paint(o, word) + strings.Repeat(" ", max(0, 5-len(word))) + "  "
}

const itemIndent = "         "

// item is a finding with what is wrong, where, what follows from it and what to do; n are told before it.
func (t *text) item(it Item, n int) []string {
	most := maxLead
	if n > 0 {
		most = maxFurther
	}
	switch t.detail {
	case lean:
		most--
	case roomy:
		most = 2 * maxLead
	case usual:
	}
	lines := t.put(most, t.badge(it.Result.Outcome), itemIndent, told(itemHead(it), it.Says))
	if len(it.Also) > 0 {
		lines = append(lines, t.names(1, itemIndent, itemIndent, "for the same reason could not look: ", it.Also)...)
	}
	lines = append(lines, t.field(1, "where", t.where(it))...)
	lines = append(lines, t.causes(it)...)
	if n := len(it.Blinds); n > 0 {
		lines = append(lines, t.names(1, itemIndent, itemIndent, words.Counted(int64(n), "check", "checks")+" could not look because of it: ", it.Blinds)...)
	}
	return append(lines, t.fix(it)...)
}

// put lays words out: all of them, or as many as fit so many lines.
func (t *text) put(most int, first, next, value string) []string {
	if t.o.Whole {
		return fill(first, next, clip(value, maxWholeRunes), t.width)
	}
	lines, cut := fillUpTo(most, first, next, clip(value, maxPageRunes), t.width)
	t.cut = t.cut || cut
	return lines
}

// field is a labelled line of a finding; nothing where there is nothing to say.
func (t *text) field(most int, label, value string) []string {
	if value == "" {
		return nil
	}
	return t.put(most, itemIndent, itemIndent+"  ", label+": "+value)
}

// causes names what follows from a finding, with how much of it there is where that fits a line.
func (t *text) causes(it Item) []string {
	names := make([]string, len(it.Causes))
	for i, caused := range it.Causes {
		names[i], _, _ = strings.Cut(caused, " ")
	}
	if lines := fill(itemIndent+"causes: ", "", strings.Join(it.Causes, "; "), t.width); t.o.Whole || len(lines) == 1 {
		return t.field(1, "causes", strings.Join(it.Causes, "; "))
	}
	return t.field(2, "causes", strings.Join(names, ", "))
}

// where names the subjects of a finding: the worst of them, unless the finding says it already.
func (t *text) where(it Item) string {
	if t.o.Whole {
		return strings.Join(andMore(it.Where, len(it.Where), it.More), "; ")
	}
	if first := Clean(it.Result.FirstPartition); t.detail == lean || len(it.Where) == 0 || first != "" && strings.Contains(it.Says, first) {
		return ""
	}
	place, _, _ := strings.Cut(it.Where[0], " (")
	said := true
	for part := range strings.SplitSeq(place, ", ") {
		said = said && strings.Contains(it.Says, strings.TrimPrefix(part, "source "))
	}
	if said {
		return ""
	}
	return strings.Join(andMore(it.Where, 1, it.More), "; ")
}

// andMore are the first so many of some texts, and how many more there are.
func andMore(texts []string, shown int, more int64) []string {
	out := slices.Clone(texts[:min(shown, len(texts))])
	if more += int64(len(texts) - len(out)); more > 0 {
		out = append(out, fmt.Sprintf("and %s more", words.Number(more)))
	}
	return out
}

// fix is what to do, once for each check: its first clause, where there is no room for more.
func (t *text) fix(it Item) []string {
	what := [2]string{it.Check, it.Fix}
	if it.Fix == "" || t.fixed[what] {
		return nil
	}
	t.fixed[what] = true
	said := it.Fix
	if !t.o.Whole && t.detail != roomy {
		said, _, _ = strings.Cut(said, "; ")
		said = strings.TrimSuffix(said, ".")
		t.cut = t.cut || said != strings.TrimSuffix(it.Fix, ".")
	}
	return t.field(maxLead, "fix", said)
}

// list names checks or views: some of them, or all.
func (t *text) list(names []string) string {
	if t.o.Whole {
		return strings.Join(names, ", ")
	}
	return nameList(names)
}

// names lists as many names as fit so many lines, and counts the others.
func (t *text) names(most int, first, next, title string, names []string) []string {
	if t.o.Whole {
		return t.put(most, first, next, title+strings.Join(names, ", "))
	}
	for shown := maxNames; shown > 1; shown-- {
		if lines := fill(first, next, title+namesUpTo(shown, names), t.width); len(lines) <= most {
			return lines
		}
	}
	return t.put(most, first, next, title+namesUpTo(1, names))
}

func (t *text) advice() []string {
	var lines []string
	for _, a := range t.all.Advice {
		said := fmt.Sprintf("%s in %s (%s). %s", a.Check, words.Counted(int64(len(a.Views)), "view", "views"), t.list(a.Views), a.Fix)
		lines = append(lines, "")
		lines = append(lines, t.put(3, t.paint(report.Warn, "WARN")+"  ", "      ", said)...)
	}
	return lines
}

// quiet names the views that want no attention: those that pass, and those of which nothing was judged.
func (t *text) quiet() []string {
	byOutcome, clear := map[report.Outcome][]string{}, map[string]bool{}
	for _, name := range t.all.Clear {
		clear[name] = true
	}
	for _, m := range t.all.marks {
		if !m.attention() && m.key != "" && !clear[m.name] {
			byOutcome[m.outcome] = append(byOutcome[m.outcome], m.name)
		}
	}
	byOutcome[report.Pass] = t.all.Clear
	var lines []string
	for _, o := range []report.Outcome{report.Pass, report.Suppressed, report.NotApplicable} {
		names := byOutcome[o]
		if len(names) == 0 {
			continue
		}
		title := ""
		if len(names) > maxNames {
			title = words.Counted(int64(len(names)), "view", "views") + ": "
		}
		lines = append(lines, "")
		lines = append(lines, t.names(2, t.paint(o, upper(o))+"  ", "      ", title, names)...)
	}
	return lines
}

// block is a titled list, in about so many lines; what does not fit is counted.
func (t *text) block(title string, items []string, room int) []string {
	if len(items) == 0 {
		return nil
	}
	if len(items) == 1 {
		return t.put(3, title+": ", "  ", items[0])
	}
	lines := []string{t.bold(title)}
	for _, item := range items {
		lines = append(lines, t.put(3, "  ", "    ", item)...)
	}
	if t.o.Whole || len(items) <= maxGroups && len(lines) <= room {
		return lines
	}
	t.cut = true
	for shown := min(maxGroups, len(items)-1); shown > 1; shown-- {
		lines = []string{t.bold(title)}
		for _, item := range items[:shown] {
			lines = append(lines, t.put(3, "  ", "    ", item)...)
		}
		if len(lines) < room {
			return append(lines, "  and "+words.Number(int64(len(items)-shown))+" more")
		}
	}
	return t.squeezed(title, items)
}

// squeezed is a block in very few lines.
func (t *text) squeezed(title string, items []string) []string {
	for shown := min(maxGroups, len(items)-1); ; shown-- {
		said := strings.Join(andMore(items, shown, 0), "; ")
		if lines := fill(t.bold(title)+": ", "  ", said, t.width); len(lines) <= maxBlock {
			return lines
		}
		if shown == 1 {
			return t.put(maxBlock, t.bold(title)+": ", "  ", fmt.Sprintf("%s in all: %s", words.Number(int64(len(items))), items[0]))
		}
	}
}

// denominators are how much was looked at.
func (t *text) denominators() []string {
	lines := append([]string{""}, fill("", "  ", "looked at "+t.all.Looked+"; "+t.all.Results, t.width)...)
	if t.all.rest.Summary.Error > 0 {
		lines = append(lines, "ERROR means that the audit could not look: it is no finding, and not green")
	}
	return lines
}

// maxMoreLines is what more takes, and the verdict after it.
const maxMoreLines = 6

// more says how to see what is not here.
func (t *text) more() []string {
	first := slices.IndexFunc(t.all.marks, mark.attention)
	if first < 0 && !t.cut {
		return nil
	}
	const label = "          "
	var lines []string
	add := func(tells, command string) {
		lines = append(lines, fill(padded(tells, len(label), false), label, command, t.width)...)
	}
	view := "NAME"
	if first >= 0 && plainName(t.all.marks[first].key) {
		view = t.all.marks[first].key
	}
	switch path := t.o.ReportPath; {
	case t.o.Whole:
	case path == "" || path == "-":
		add("one view", "run with --view "+view+" --out text=FILE")
		add("all of it", "run with --out text=FILE, html=FILE, or json=FILE to ask report")
	default:
		add("one view", "featureaudit report "+clip(Clean(path), maxPageName)+" --view "+view)
		add("all of it", "--out text=FILE or html=FILE there; a part of it: --owner, --check")
	}
	if first >= 0 {
		add("why", "featureaudit checks explain "+t.all.marks[first].items[0].check)
	}
	if t.all.counted.reproducible {
		add("the rows", "run with --out rows=FILE.csv; their SQL: reproduce in the JSON")
	}
	return lines
}

// plainName says whether a name can be pasted into a shell as it is.
func plainName(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,80}$`).MatchString(name)
}

func upper(o report.Outcome) string {
	return strings.ToUpper(strings.ReplaceAll(string(o), "_", " "))
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
