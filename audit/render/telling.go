package render

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// telling is an outline whose views are made as they are told: those of a long report have no room in memory together.
type telling struct {
	// Outline is all but its Views.
	Outline
	// rest is the report but for its views and results, and counted what was counted of these.
	rest    report.Report
	counted counts
	// projects are those of the views.
	projects map[string]bool
	// marks are the views, in the order of Outline.Views.
	marks []mark
	// of gives the view of a mark with its results.
	of    func(name string) (report.ViewResults, error)
	words func(report.Result) Words
	reach reaches
	// long says that its views are made anew each time.
	long bool
}

// counts are what is counted of all results.
type counts struct {
	bad int
	// suppressed are the findings that were accepted, and reproducible says that some result has SQL.
	suppressed   int64
	reproducible bool
	// from and to are the oldest and the newest event of all views; from is the later one where none is known.
	from, to times.Instant
}

// mark is what is known of a view before it is told.
type mark struct {
	// key is its name as the report has it; name and owner are clean.
	key, name, owner string
	outcome          report.Outcome
	rows             int64
	// age is that of the newest event, in seconds; nil where it has none.
	age *float64
	// items are those of its outline; results is how many it has in all, of which so many fail and could not look.
	items                   []markedItem
	results, failed, errors int
	// rank, newness and fails are what views are ordered by; worst and state are those of the first item.
	rank, newness, fails int
	worst                report.Outcome
	state                report.State
}

// markedItem is what is known of an item.
type markedItem struct {
	check, owner string
	rank         int
}

// narrator looks at all views and results of a report, one by one.
type narrator struct {
	names    int
	words    func(report.Result) Words
	counted  counts
	marks    []mark
	shared   map[string]string
	projects map[string]bool

	attention                                       map[string]bool
	named                                           []namedView
	advice                                          map[string]*Advice
	suppressed, resolved, trends, compared, leftOut []string
	zones                                           []string
	byZone                                          map[string][]string
	reasons                                         []*unapplied
	byReason                                        map[string]*unapplied
	// leading is the view that wants attention first, and first its worst result; nil for none.
	leading *mark
	first   *report.Result
}

// namedView is a view that may be clear.
type namedView struct {
	name    string
	outcome report.Outcome
}

// unapplied is a reason why checks did not apply, of views and checks in their order.
type unapplied struct {
	reason        string
	views, checks []string
	has           map[[2]string]bool
}

func newNarrator(words func(report.Result) Words, names int) *narrator {
	return &narrator{names: names, words: words, shared: map[string]string{}, projects: map[string]bool{}, attention: map[string]bool{}, advice: map[string]*Advice{}, byZone: map[string][]string{}, byReason: map[string]*unapplied{},
		counted: counts{from: math.MaxInt64, to: math.MinInt64}}
}

// tellingOf tells a report; lines that list names hold so many of them.
func tellingOf(r report.Report, words func(report.Result) Words, names int) telling {
	n := newNarrator(wordsOr(words), names)
	views, results := map[string]report.View{}, map[string][]report.Result{}
	for _, v := range r.Views {
		n.view(v, r.Verification != nil)
		views[v.Name] = v
	}
	for _, res := range r.Results {
		n.result(res)
		results[res.View] = append(results[res.View], res)
	}
	marked := map[string]bool{}
	add := func(name string) {
		if !marked[name] {
			marked[name] = true
			v := views[name]
			v.Name = name
			n.mark(v, results[name])
		}
	}
	for _, v := range r.Views {
		add(v.Name)
	}
	for _, res := range r.Results {
		if _, listed := views[res.View]; listed || res.View == "" || bad(res.Outcome) && !advice(res) {
			add(res.View)
		}
	}
	t := n.told(r)
	t.rest.Views, t.rest.Results = nil, nil
	t.of = func(name string) (report.ViewResults, error) {
		v := views[name]
		v.Name = name
		return report.ViewResults{View: v, Results: results[name]}, nil
	}
	return t
}

// tellingOfLong tells a long report, a view at a time.
func tellingOfLong(l report.Long, words func(report.Result) Words, names int) (telling, error) {
	n := newNarrator(wordsOr(words), names)
	for one, err := range l.ByView() {
		if err != nil {
			return telling{}, err
		}
		if one.View.Name != "" {
			n.view(one.View, l.Rest.Verification != nil)
		}
		for _, res := range one.Results {
			n.result(res)
		}
		n.mark(one.View, one.Results)
	}
	t := n.told(l.Rest)
	t.of, t.long = l.OfView, true
	return t, nil
}

func wordsOr(words func(report.Result) Words) func(report.Result) Words {
	if words == nil {
		return func(report.Result) Words { return Words{} }
	}
	return words
}

// view looks at a view.
func (n *narrator) view(v report.View, compared bool) {
	if v.Outcome == report.Pass || v.Outcome == report.Warn {
		n.named = append(n.named, namedView{v.Name, v.Outcome})
	}
	n.projects[v.Project] = true
	for _, text := range []*string{v.OldestEventTime, v.NewestEventTime} {
		if text == nil {
			continue
		}
		if at, err := time.Parse(time.RFC3339Nano, *text); err == nil {
			n.counted.from, n.counted.to = min(n.counted.from, times.At(at)), max(n.counted.to, times.At(at))
		}
	}
	if zone := v.EventTimeReadAs; zone != "" {
		if n.byZone[zone] == nil {
			n.zones = append(n.zones, zone)
		}
		n.byZone[zone] = append(n.byZone[zone], v.Name)
	}
	if line := comparison(v); compared && line != "" {
		n.compared = append(n.compared, line)
	}
	if line := leftOut(v, n.names); line != "" {
		n.leftOut = append(n.leftOut, viewName(v.Name)+": "+line)
	}
	for _, sentence := range v.LeftOut {
		n.leftOut = append(n.leftOut, viewName(v.Name)+": "+Clean(sentence))
	}
	n.trends = append(n.trends, trends(v)...)
}

// result looks at a result.
func (n *narrator) result(res report.Result) {
	c := &n.counted
	c.suppressed += suppressedOf(res)
	c.reproducible = c.reproducible || res.Reproduce != ""
	if res.Outcome == report.NotApplicable {
		n.notApplicable(res)
	}
	if bad(res.Outcome) {
		c.bad++
		n.attention[res.View] = n.attention[res.View] || !advice(res)
	}
	if advice(res) {
		n.advise(res)
	}
	if line := acceptedLine(res); line != "" {
		n.suppressed = append(n.suppressed, line)
	}
	n.resolved = append(n.resolved, resolvedLines(res)...)
}

// advise folds the findings of each advisory check into one.
func (n *narrator) advise(res report.Result) {
	a := n.advice[res.Check]
	if a == nil {
		a = &Advice{Check: Clean(res.Check), Fix: n.words(report.Result{Check: res.Check}).Fix}
		n.advice[res.Check] = a
	}
	a.Views = append(a.Views, Clean(res.View))
}

// notApplicable notes why a check did not apply, each reason once: the views that share it are named together.
func (n *narrator) notApplicable(res report.Result) {
	reason := withoutCheck(res.Reason)
	c := n.byReason[reason]
	if c == nil {
		c = &unapplied{reason: reason, has: map[[2]string]bool{}}
		n.byReason[reason] = c
		n.reasons = append(n.reasons, c)
	}
	if of := [2]string{"view", n.share(res.View)}; !c.has[of] {
		c.has[of] = true
		c.views = append(c.views, of[1])
	}
	if of := [2]string{"check", n.share(res.Check)}; !c.has[of] {
		c.has[of] = true
		c.checks = append(c.checks, of[1])
	}
}

// share gives equal texts once.
func (n *narrator) share(text string) string {
	if known, is := n.shared[text]; is {
		return known
	}
	n.shared[text] = text
	return text
}

// mark remembers a view, whose results were all looked at.
func (n *narrator) mark(v report.View, results []report.Result) {
	m := mark{key: n.share(v.Name), name: n.share(cmp.Or(Clean(v.Name), wholeRun)), owner: n.share(Clean(v.Owner)), outcome: v.Outcome, rows: v.Rows, results: len(results)}
	if v.NewestEventTime != nil {
		m.age = v.AgeSeconds
	}
	for _, res := range results {
		switch res.Outcome {
		case report.Fail:
			m.failed++
		case report.Error:
			m.errors++
		default:
		}
	}
	g := fold(v, wanting(results))
	for _, res := range g.results {
		m.items = append(m.items, markedItem{check: n.share(Clean(res.Check)), owner: n.share(Clean(res.Owner)), rank: rank(res)})
	}
	if len(g.results) > 0 {
		first := g.results[0]
		m.rank, m.newness, m.fails, m.state, m.worst = rank(first), newness(first), fails(g), first.State, first.Outcome
		if n.leading == nil || m.compare(*n.leading) < 0 {
			n.leading, n.first = &m, &first
		}
	}
	n.marks = append(n.marks, m)
}

// wanting are the results that want attention, but for advice.
func wanting(results []report.Result) []report.Result {
	var some []report.Result
	for _, res := range results {
		if bad(res.Outcome) && !advice(res) {
			some = append(some, res)
		}
	}
	return some
}

// compare orders the views with something bad, worst first.
func (m mark) compare(other mark) int {
	return cmp.Or(
		cmp.Compare(m.rank, other.rank),
		cmp.Compare(m.newness, other.newness),
		cmp.Compare(other.fails, m.fails),
		cmp.Compare(m.key, other.key),
	)
}

// told is the telling of what was looked at, of a report that is this but for its views and results.
func (n *narrator) told(r report.Report) telling {
	t := telling{rest: r, counted: n.counted, projects: n.projects, marks: n.inOrder(), words: n.words, reach: newReaches(r)}
	o := &t.Outline
	*o = Outline{Outcome: r.Summary.Outcome, Title: title(r.Summary), Headline: headlineOf(r, n.first, n.counted), AsOf: Clean(r.AsOf), Consumers: unserved(r),
		Suppressed: n.suppressed, Compared: n.compared, Looked: looked(r.Summary), Results: resultCounts(r.Summary, n.counted.suppressed)}
	for _, v := range n.named {
		if v.outcome == report.Pass || !n.attention[v.name] {
			o.Clear = append(o.Clear, Clean(v.name))
		}
	}
	for _, a := range n.advice {
		o.Advice = append(o.Advice, *a)
	}
	slices.SortFunc(o.Advice, func(a, b Advice) int { return cmp.Compare(a.Check, b.Check) })
	o.Assumed = n.assumed()
	o.NotLooked = slices.Concat(narrowedTo(r, n.names), n.leftOut, n.notApplied())
	if r.Status != report.Complete {
		o.Partial = "the audit did not run to its end: what is missing below was not looked at"
	}
	o.Known, o.Trends = heldByBaseline(r.Baseline), n.trends
	if r.History != nil {
		o.Since, o.Changes, o.Resolved = since(*r.History), &r.History.States, n.resolved
	}
	return t
}

// inOrder are the marks in the order of telling: those that want attention first, worst first, then the others as the report has them, and
// the whole run last where nothing is wrong with it.
func (n *narrator) inOrder() []mark {
	var worst, others, run []mark
	for _, m := range n.marks {
		switch {
		case len(m.items) > 0:
			worst = append(worst, m)
		case m.key != "":
			others = append(others, m)
		case m.results > 0:
			run = append(run, m)
		}
	}
	slices.SortFunc(worst, mark.compare)
	return slices.Concat(worst, others, run)
}

// view is the outline of a view.
func (t telling) view(m mark) (ViewOutline, error) {
	one, err := t.of(m.key)
	if err != nil {
		return ViewOutline{}, err
	}
	v := ViewOutline{View: one.View, Name: m.name, Owner: m.owner}
	if m.key != "" {
		v.Facts = facts(v.View)
	}
	reach := t.reach.within(one)
	g := fold(v.View, wanting(one.Results))
	for _, res := range g.results {
		v.Items = append(v.Items, itemOf(res, g.explained[res.Check], t.words, reach))
	}
	all := slices.Clone(one.Results)
	slices.SortStableFunc(all, func(a, b report.Result) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Check, b.Check))
	})
	for _, res := range all {
		v.All = append(v.All, itemOf(res, nil, t.words, reach))
	}
	return v, nil
}

// views are the outlines of those views that are wanted, in their order. It ends with the first error.
func (t telling) views(wanted func(mark) bool) iter.Seq2[ViewOutline, error] {
	return func(yield func(ViewOutline, error) bool) {
		for _, m := range t.marks {
			if !wanted(m) {
				continue
			}
			v, err := t.view(m)
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// attention says whether something of a view wants it.
func (m mark) attention() bool { return len(m.items) > 0 }

// top are the n findings that matter most, as Outline.Top gives them.
func (t telling) top(n int) ([]TopItem, error) {
	var top []TopItem
	for _, found := range topOf(t.marks, n) {
		v, err := t.view(t.marks[found.view])
		if err != nil {
			return nil, err
		}
		top = append(top, TopItem{Item: v.Items[found.depth], AlsoIn: found.alsoIn, Owners: found.owners})
	}
	return top, nil
}

// topFinding is the place of one of the findings that matter, with what TopItem says beside it.
type topFinding struct {
	view, depth    int
	rank           int
	alsoIn, owners []string
}

// topOf are the n findings that matter most, each of another check: the worst of every view comes before the second of any, and a check that
// finds something in many views is told once, for the first of them.
func topOf(marks []mark, n int) []topFinding {
	var top []topFinding
	at := map[string]int{}
	for depth, more := 0, true; more; depth++ {
		more = false
		for i, m := range marks {
			if depth >= len(m.items) {
				continue
			}
			more = true
			item := m.items[depth]
			if first, told := at[item.check]; told {
				top[first].alsoIn = append(top[first].alsoIn, m.name)
			} else {
				at[item.check] = len(top)
				top = append(top, topFinding{view: i, depth: depth, rank: item.rank})
			}
			if of := &top[at[item.check]].owners; item.owner != "" && !slices.Contains(*of, item.owner) {
				*of = append(*of, item.owner)
			}
		}
	}
	slices.SortStableFunc(top, func(a, b topFinding) int { return cmp.Compare(a.rank, b.rank) })
	return top[:min(n, len(top))]
}

// assumed says which views were read in a zone that nobody declared.
func (n *narrator) assumed() []string {
	var lines []string
	for _, zone := range n.zones {
		lines = append(lines, "event_time has no zone and is read as "+Clean(zone)+": "+namesUpTo(n.names, n.byZone[zone]))
	}
	return lines
}

// notApplied says why checks did not apply.
func (n *narrator) notApplied() []string {
	lines := make([]string, len(n.reasons))
	for i, c := range n.reasons {
		of := namesUpTo(n.names, c.views)
		if len(c.views) == 1 {
			of = viewName(c.views[0])
		}
		lines[i] = of + " " + namesUpTo(n.names, c.checks) + ": " + Clean(c.reason)
	}
	return lines
}

// narrowedTo says to what the whole report was narrowed.
func narrowedTo(r report.Report, names int) []string {
	var lines []string
	if len(r.Selection.Views) > 0 {
		lines = append(lines, "views other than "+namesUpTo(names, r.Selection.Views))
	}
	if len(r.Selection.Checks) > 0 {
		lines = append(lines, "checks other than "+namesUpTo(names, r.Selection.Checks))
	}
	if r.Range != "" && r.Verification == nil {
		lines = append(lines, "partitions outside "+Clean(r.Range))
	}
	if r.History != nil && len(r.History.ViewsGone) > 0 {
		lines = append(lines, "views of the run before that this one does not have: "+namesUpTo(names, r.History.ViewsGone))
	}
	return lines
}

// suppressedOf are the findings of a result that were accepted.
func suppressedOf(res report.Result) int64 {
	if res.Outcome == report.Suppressed && res.FindingsSuppressed == 0 {
		return res.FindingsTotal // a report of an earlier release
	}
	return res.FindingsSuppressed
}

// suppressedWords says how many findings were accepted, where any was: a result may be left over with others.
func suppressedWords(n int64) string {
	if n == 0 {
		return ""
	}
	return " (" + words.Counted(n, "finding", "findings") + ")"
}
