package render

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"html/template"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

// How much one page holds: it opens at once, whatever the size of the store.
const (
	topFindings = 5
	// maxFullViews are the views with findings whose pictures and definitions stand on the page; of further ones their findings do.
	maxFullViews = 150
	// openViews are those that are unfolded at first.
	openViews = 40
	// maxSQL is the longest query on the page, in bytes, and sqlBudget what all queries may take together.
	maxSQL    = 20_000
	sqlBudget = 5 << 19
	// maxPageRunes of one sentence, and maxPageName of a name, are shown.
	maxPageRunes = 1500
	maxPageName  = 200
)

// page is what the template shows.
type page struct {
	CSS  template.CSS
	JS   template.JS
	CSP  string
	Name string
	Outline
	Report  report.Report
	Stats   []pageStat
	Changes []pageStat
	Top     []pageItem
	// Views are drawn as they are written, in the order in which they are Listed.
	Views    iter.Seq[pageView]
	Listed   []pageOption
	Quiet    []pageView
	Owners   []string
	Checks   []string
	Outcomes []report.Outcome
	// StateWords are what became of the findings since earlier runs.
	StateWords []report.State
}

// pageStat is one number of the first screen.
type pageStat struct {
	Kind, Word string
	Count      string
}

// pageOption is a view that the page can be narrowed to.
type pageOption struct {
	Index int
	Name  string
}

// pageView is a view with what is drawn of it.
type pageView struct {
	ViewOutline
	ID      string
	Index   int
	Open    bool
	Full    bool
	Items   []pageItem
	All     []pageItem
	Fresh   []freshness
	Lags    lagPicture
	Writers writerMatrix
	Parts   calendar
	Defined []definedAs
}

// pageItem is a result with what can be done about it.
type pageItem struct {
	Item
	ID     string
	AlsoIn []string
	// Above says that it is told in full among the items.
	Above bool
	// Lead is the first clause of Says, Rest what follows it.
	Lead, Rest string
	// SQL returns the rows that were counted; NoSQL says why it is not here.
	SQL, NoSQL string
	// Command judges it again.
	Command  string
	Findings []pageFinding
	Unlisted string
	// StateWord is the state alone.
	StateWord report.State
}

// pageFinding is one subject of a result.
type pageFinding struct {
	ID, Subject, Amount, Message string
	StateWord                    report.State
	// History says since when, how often and how much of late; Picture draws it.
	History  string
	Picture  template.HTML
	Accepted bool
}

// definedAs is one key of a definition.
type definedAs struct{ Key, Value, Origin string }

// HTML writes one page that needs nothing else: no network, no other file. Its policy lets nothing be loaded and no script run
// but the page's own.
func HTML(w io.Writer, r report.Report, o Options) error {
	return tellingOf(r, o.Words, maxNames).html(w)
}

// HTMLOfLong is HTML of a long report, whose views are looked at one at a time.
func HTMLOfLong(w io.Writer, l report.Long, o Options) error {
	t, err := tellingOfLong(l, o.Words, maxNames)
	if err != nil {
		return err
	}
	return t.html(w)
}

func (t telling) html(w io.Writer) error {
	p, err := newPage(t)
	if err != nil {
		return err
	}
	var failed error
	if p.Views == nil {
		p.Views = t.drawn(&failed)
	}
	made, err := template.New("page").Funcs(p.funcs()).Parse(pageHTML)
	if err != nil {
		return fmt.Errorf("read the template of the page: %w", err)
	}
	return cmp.Or(made.Execute(w, p), failed)
}

// funcs are what the template writes values with.
func (p page) funcs() template.FuncMap {
	place := func(names []string) func(string) string {
		at := map[string]int{}
		for i, name := range names {
			at[name] = i
		}
		return func(name string) string {
			if i, known := at[name]; known {
				return fmt.Sprint(i)
			}
			return ""
		}
	}
	return template.FuncMap{
		"lines": func(s string) int { return strings.Count(s, "\n") + 1 },
		"word":  outcomeWord,
		"clean": Clean,
		"cut":   clip,
		"join":  joined,
		"reach": reachWords,
		"tally": tally,
		"owner": place(p.Owners),
		"check": place(p.Checks),
	}
}

// joined lists names in a line, at most so many that it is still read.
func joined(names []string) string {
	const most = 12
	shown := make([]string, 0, most+1)
	for _, name := range names[:min(len(names), most)] {
		shown = append(shown, clip(name, maxPageName))
	}
	if more := len(names) - most; more > 0 {
		shown = append(shown, fmt.Sprintf("and %s more", words.Number(int64(more))))
	}
	return strings.Join(shown, ", ")
}

// reachWords say what a finding touches.
func reachWords(r Reach) string {
	var reach []string
	if r.Amount != "" {
		reach = append(reach, r.Amount)
	} else if r.Rows > 0 {
		reach = append(reach, "a view of "+words.Counted(r.Rows, "row", "rows"))
	}
	if r.Entities > 0 {
		reach = append(reach, words.Counted(r.Entities, "entity", "entities"))
	}
	if len(r.Services) > 0 {
		reach = append(reach, readers("feature service", "feature services", r.Services))
	}
	if len(r.Consumers) > 0 {
		reach = append(reach, readers("consumer", "consumers", r.Consumers))
	}
	return strings.Join(reach, "; ")
}

// clauses splits a long sentence after its first clause, unless that says too little by itself.
func clauses(says string) (lead, rest string) {
	const long, enough = 160, 60
	i := strings.Index(says, "; ")
	if i < enough || len(says) < long {
		return says, ""
	}
	return says[:i], says[i+2:]
}

func readers(one, many string, names []string) string {
	return words.Counted(int64(len(names)), one, many) + " (" + joined(names) + ")"
}

// tally counts the items of a view by outcome.
func tally(items []pageItem) string {
	counts := map[report.Outcome]int64{}
	for _, it := range items {
		counts[it.Result.Outcome]++
	}
	var said []string
	for _, one := range []struct {
		outcome   report.Outcome
		one, many string
	}{{report.Fail, "fails", "fail"}, {report.Error, "could not look", "could not look"}, {report.Warn, "warns", "warn"}} {
		if n := counts[one.outcome]; n > 0 {
			said = append(said, words.Counted(n, one.one, one.many))
		}
	}
	return strings.Join(said, ", ")
}

// newPage is a page without its views, where these are to be drawn once more as they are written: those of a long report have no room in
// memory together.
func newPage(t telling) (page, error) {
	css, js := pageCSS+percents(), pageJS
	p := page{CSS: template.CSS(css), JS: template.JS(js), Outline: t.Outline, Report: t.rest, Stats: pageStats(t.rest.Summary), Name: pageName(t.rest),
		CSP: fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", sourceHash(css), sourceHash(js))}
	top := topOf(t.marks, topFindings)
	p.Top = make([]pageItem, len(top))
	var views []pageView
	filters := newPageFilters()
	draw, ids := newDrawing(t), newPageIDs()
	for i, m := range t.marks {
		v, err := t.view(m)
		if err != nil {
			return p, err
		}
		pv := draw.view(v, ids, len(p.Listed))
		if !m.attention() {
			if m.key != "" { // the run itself, where nothing is wrong with it, is not told of
				filters.owners[pv.Owner] = true
				p.Quiet = append(p.Quiet, pv.quiet())
			}
			continue
		}
		p.Listed = append(p.Listed, pageOption{pv.Index, pv.Name})
		filters.add(pv)
		for n, found := range top {
			if found.view == i {
				p.Top[n] = pv.Items[found.depth]
				p.Top[n].AlsoIn = found.alsoIn
			}
		}
		if !t.long {
			views = append(views, pv)
		}
	}
	if !t.long {
		p.Views = slices.Values(views)
	}
	if c := t.Changes; c != nil {
		for _, one := range []struct {
			state report.State
			n     int64
		}{{report.StateNew, c.New}, {report.StateWorse, c.Worse}, {report.StateResolved, c.Resolved}, {report.StateContinuing, c.Continuing}, {report.StateBetter, c.Better}} {
			p.Changes = append(p.Changes, pageStat{Kind: string(one.state), Word: string(one.state), Count: words.Number(one.n)})
		}
		p.StateWords = []report.State{report.StateNew, report.StateWorse, report.StateContinuing, report.StateBetter}
	}
	filters.of(&p)
	return p, nil
}

// drawn draws the views that want attention, one at a time, as newPage has drawn them. It ends with the first error.
func (t telling) drawn(failed *error) iter.Seq[pageView] {
	return func(yield func(pageView) bool) {
		draw, ids, index := newDrawing(t), newPageIDs(), 0
		for v, err := range t.views(mark.attention) {
			if *failed = err; err != nil || !yield(draw.view(v, ids, index)) {
				return
			}
			index++
		}
	}
}

// quiet is what the page says of a view without a finding.
func (v pageView) quiet() pageView {
	return pageView{ID: v.ID, ViewOutline: ViewOutline{Name: v.Name, Owner: v.Owner, Facts: v.Facts, View: report.View{Outcome: v.View.Outcome}}}
}

// pageFilters are the values that the page can be narrowed to.
type pageFilters struct {
	owners, checks map[string]bool
	outcomes       map[report.Outcome]bool
}

func newPageFilters() pageFilters {
	return pageFilters{owners: map[string]bool{}, checks: map[string]bool{}, outcomes: map[report.Outcome]bool{}}
}

func (f pageFilters) add(v pageView) {
	f.owners[v.Owner] = true
	for _, it := range v.Items {
		f.checks[it.Check], f.outcomes[it.Result.Outcome] = true, true
	}
}

func (f pageFilters) of(p *page) {
	delete(f.owners, "")
	p.Owners, p.Checks, p.Outcomes = sortedKeys(f.owners), sortedKeys(f.checks), sortedKeys(f.outcomes)
	slices.SortFunc(p.Outcomes, func(a, b report.Outcome) int { return cmp.Compare(badness(a), badness(b)) })
}

func sortedKeys[K cmp.Ordered](m map[K]bool) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func pageName(r report.Report) string {
	return fmt.Sprintf("%s: feature audit as of %s", strings.ToUpper(outcomeWord(r.Summary.Outcome)), Clean(r.AsOf))
}

// outcomeWord is an outcome in words.
func outcomeWord(o report.Outcome) string { return strings.ReplaceAll(string(o), "_", " ") }

func pageStats(s report.Summary) []pageStat {
	var stats []pageStat
	for _, one := range []struct {
		kind report.Outcome
		n    int
		word string
	}{{report.Fail, s.Fail, "fail"}, {report.Error, s.Error, "could not look"}, {report.Warn, s.Warn, "warn"}, {report.Pass, s.Pass, "pass"},
		{report.Suppressed, s.Suppressed, "suppressed"}, {report.NotApplicable, s.NotApplicable, "not applicable"}} {
		stats = append(stats, pageStat{Kind: string(one.kind), Word: one.word, Count: words.Number(int64(one.n))})
	}
	return stats
}

// sourceHash is how a content policy names an inline text.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// percents are the classes that place labels on an axis: the policy allows no style of an element's own.
func percents() string {
	var b strings.Builder
	for i := 0; i <= 100; i++ {
		fmt.Fprintf(&b, ".at%d{left:%d%%}", i, i)
	}
	return b.String()
}

// pageIDs gives elements names that are the same from run to run, and each once.
type pageIDs struct{ taken map[string]bool }

func newPageIDs() *pageIDs { return &pageIDs{taken: map[string]bool{}} }

func (ids *pageIDs) of(parts ...string) string {
	named := make([]string, len(parts))
	for i, part := range parts {
		named[i] = slug(part)
	}
	return ids.once(strings.Join(named, "."))
}

// once is an id, or where it is taken one beside it.
func (ids *pageIDs) once(id string) string {
	first := id
	for n := 2; ids.taken[id]; n++ {
		id = fmt.Sprintf("%s.%d", first, n)
	}
	ids.taken[id] = true
	return id
}

// slug is a name that stands in an address as it is, or the hash of one that cannot.
func slug(name string) string {
	plain := func(r rune) bool {
		return r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if name != "" && len(name) <= 80 && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 {
		return name
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	return fmt.Sprintf("x%016x", h.Sum64())
}

// drawing is what views are drawn with.
type drawing struct {
	report report.Report
	axis   offsetAxis
	// sql is how much of the budget for queries is left.
	sql int
	// full is how many views were drawn in full, of wanted ones.
	full, wanted int
}

// columns is how finely lags are drawn.
func (d *drawing) columns() float64 {
	if d.wanted > 60 {
		return 100
	}
	return 200
}

func newDrawing(t telling) *drawing {
	wanted := 0
	for _, m := range t.marks {
		if m.attention() {
			wanted++
		}
	}
	return &drawing{report: t.rest, axis: newOffsetAxis(t.counted.from, t.counted.to), sql: sqlBudget, wanted: max(1, min(wanted, maxFullViews))}
}

func (d *drawing) view(v ViewOutline, ids *pageIDs, index int) pageView {
	p := pageView{ViewOutline: v, Index: index}
	if v.View.Name == "" {
		p.ID = ids.of("run")
	} else {
		p.ID = ids.of("view", v.View.Name)
	}
	p.Name, p.Owner = clip(v.Name, maxPageName), clip(v.Owner, maxPageName)
	if len(v.Items) == 0 {
		return p
	}
	p.Open = index < openViews
	p.Full = d.full < maxFullViews
	inItems := map[string]bool{}
	for _, it := range v.Items {
		inItems[it.Result.Check] = true
		p.Items = append(p.Items, d.item(it, p.ID, ids))
	}
	for _, it := range v.All {
		one := pageItem{Item: it, Above: inItems[it.Result.Check]}
		one.Says, one.Check = clip(it.Says, 400), clip(it.Check, maxPageName)
		if bad(it.Result.Outcome) && !inItems[it.Result.Check] {
			one = d.item(it, p.ID, ids)
		}
		p.All = append(p.All, one)
	}
	if v.View.Name == "" || !p.Full {
		p.Full = false
		return p
	}
	d.full++
	p.Defined = defined(v.View)
	p.Fresh = freshnessOf(v, d.report)
	p.Lags = d.axis.lags(v, d.columns())
	p.Writers = writersOf(v)
	p.Parts = calendarOf(v, min(maxTitles, titleBudget/d.wanted))
	return p
}

func (d *drawing) item(it Item, viewID string, ids *pageIDs) pageItem {
	p := pageItem{Item: it, StateWord: it.Result.State, ID: ids.once(viewID + "." + slug(it.Result.Check)), Command: d.command(it.Result)}
	p.Says, p.View, p.Owner, p.Check = clip(it.Says, maxPageRunes), clip(it.View, maxPageName), clip(it.Owner, maxPageName), clip(it.Check, maxPageName)
	p.Lead, p.Rest = clauses(p.Says)
	for _, f := range it.Result.Findings {
		p.Findings = append(p.Findings, findingOf(it.Result, f, ids))
	}
	if more := it.Result.FindingsTotal - int64(len(it.Result.Findings)); more > 0 && len(p.Findings) > 0 {
		p.Unlisted = fmt.Sprintf("and %s more, which the report does not list", words.Number(more))
	}
	switch sql := it.Result.Reproduce; {
	case sql == "":
		p.NoSQL = Clean(it.Result.ReproduceMissing)
	case len(sql) > maxSQL || len(sql) > d.sql:
		p.NoSQL = fmt.Sprintf("its SQL has %s and is left out of this page: it is reproduce of this result in the JSON report", words.Size(int64(len(sql))))
	default:
		p.SQL = cleanLines(sql)
		d.sql -= len(sql)
	}
	return p
}

func findingOf(res report.Result, f report.Finding, ids *pageIDs) pageFinding {
	p := pageFinding{StateWord: f.State, Subject: cmp.Or(subjectText(f.Subject), "the view"), Message: clip(Clean(f.Message), 300), Accepted: f.Suppressed}
	if f.Since != "" {
		p.History = fmt.Sprintf("since %s, in %s", Clean(f.Since), words.Counted(f.Seen, "run", "runs"))
	}
	p.Picture = sparkline(f.LastRowsBad, f.RowsBad)
	if f.Fingerprint != "" {
		p.ID = ids.of("finding", f.Fingerprint)
	} else {
		p.ID = ids.of("finding", res.View+"\x00"+res.Check+"\x00"+p.Subject)
	}
	if res.Unit != "view" && f.RowsTotal > 1 {
		p.Amount = fmt.Sprintf("%s of %s", words.Number(f.RowsBad), words.Number(f.RowsTotal))
	}
	return p
}

// cleanLines makes text of several lines harmless and keeps its lines.
func cleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Clean(line)
	}
	return strings.Join(lines, "\n")
}

// command judges a result again, alone.
func (d *drawing) command(res report.Result) string {
	line := []string{"featureaudit", "run"}
	if res.View != "" {
		line = append(line, "--view", res.View)
	}
	line = append(line, "--check", res.Check, "--as-of", d.report.AsOf)
	if d.report.Range != "" {
		line = append(line, "--range", d.report.Range)
	}
	for i, word := range line {
		if strings.ContainsFunc(word, unseen) {
			return "" // no shell takes what cannot be seen
		}
		line[i] = shellWord(word)
	}
	return strings.Join(line, " ")
}

// unseen says whether a rune cannot be seen, as report.Hidden does.
func unseen(r rune) bool { return report.Hidden(r) || r == '\ufffd' }

// shellWord quotes what a POSIX shell would not take as it is.
func shellWord(word string) string {
	safe := func(r rune) bool {
		return strings.ContainsRune("-_./:=+,@%", r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !safe(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
