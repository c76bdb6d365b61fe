package render

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// maxDigest is how many results a digest names; it counts them all.
const maxDigest = 20

// news is why a result is told, the most urgent first.
type news int

const (
	newsNew news = iota
	newsWorse
	newsFound // without a history nobody can say what is new
	newsDue
	newsResolved
)

func (n news) String() string {
	return [...]string{"NEW", "WORSE", "FOUND", "REMINDER", "RESOLVED"}[n]
}

// digest is what a channel is told of a night: what is new, worse, resolved or due for a reminder, ranked. Its strings are clean.
type digest struct {
	Title string
	// Note says what the reader must know of the whole; empty where there is nothing.
	Note  string
	Items []digestItem
	// Total counts the items before they were cut, and Open the results that want attention, told or not.
	Total, Open int
	AsOf        string
	URL         string
	// Key names the channel's subject from night to night: the projects and the owner.
	Key string
	// Worst is the worst outcome that is open.
	Worst report.Outcome
}

type digestItem struct {
	News news
	// Head is "transactions duplicate-keys (fail, owner fraud)"; Says the sentence, and Past what earlier runs say.
	Head, Says, Past string
}

// digested writes the digest of a report, or nothing at all where there is nothing to tell.
func digested(w io.Writer, t telling, o Options, write func(w io.Writer, d digest, o Options) error) error {
	d, err := newDigest(t, o)
	if err != nil || len(d.Items) == 0 {
		return err
	}
	return write(w, d, o)
}

// digestedLong is digested of a long report, whose views are looked at one at a time.
func digestedLong(w io.Writer, l report.Long, o Options, write func(w io.Writer, d digest, o Options) error) error {
	t, err := tellingOfLong(l, o.Words, maxNames)
	if err != nil {
		return err
	}
	return digested(w, t, o, write)
}

// newDigest is the digest of a report, without items where there is nothing to tell. The items of each news are kept as far as they can be
// told, and counted.
func newDigest(t telling, o Options) (digest, error) {
	r := t.rest
	d := digest{AsOf: Clean(r.AsOf), URL: o.ReportURL, Worst: report.Pass, Key: digestKey(t.projects, o.Owner)}
	count := map[news]int{}
	add := func(item digestItem) {
		if count[item.News]++; count[item.News] <= maxDigest {
			d.Items = append(d.Items, item)
		}
		d.Total++
	}
	if r.Status != report.Complete {
		d.Open, d.Worst = 1, report.Error
		add(digestItem{News: newsNew, Head: "the audit (partial)", Says: "it did not run to its end: what is missing was not looked at"})
	}
	for v, err := range t.views(func(mark) bool { return true }) {
		if err != nil {
			return d, err
		}
		told, reasons := map[string]bool{}, map[string]bool{}
		results := slices.Clone(v.All)
		slices.SortStableFunc(results, func(a, b Item) int { // a cause is told before what it explains, which it stands for
			return cmp.Compare(min(1, len(a.Result.ExplainedBy)), min(1, len(b.Result.ExplainedBy)))
		})
		for _, it := range results {
			res := it.Result
			if open(res) {
				d.Open++
				if badness(res.Outcome) < badness(d.Worst) {
					d.Worst = res.Outcome
				}
			}
			why, tell := newsOf(res, r, o.Remind)
			if !tell || told[res.ExplainedBy] || res.Outcome == report.Error && res.Reason != "" && reasons[res.Reason] {
				continue
			}
			told[res.Check], reasons[res.Reason] = true, true
			add(digestItem{News: why, Head: digestHead(it), Says: it.Says, Past: digestPast(it, why)})
		}
	}
	slices.SortStableFunc(d.Items, func(a, b digestItem) int { return cmp.Compare(a.News, b.News) })
	d.Items = d.Items[:min(len(d.Items), maxDigest)]
	d.Title = digestTitle(count, o.Owner)
	var notes []string
	if r.History == nil {
		notes = append(notes, "without --history nobody can say what is new: all that is found is told")
	} else if n := len(r.History.NotUsed); n > 0 {
		notes = append(notes, words.Counted(int64(n), "file of the history was", "files of the history were")+" not used, so that known findings may be called new")
	}
	d.Note = strings.Join(notes, "; ")
	return d, nil
}

// open says whether a result wants attention and is not all known.
func open(res report.Result) bool {
	known := res.FindingsTotal > 0 && res.FindingsKnown > 0 && res.FindingsKnown+res.FindingsSuppressed == res.FindingsTotal
	return bad(res.Outcome) && !known
}

// newsOf says why a result is told, if it is.
func newsOf(res report.Result, r report.Report, remind time.Duration) (news, bool) {
	switch {
	case advice(res) && r.History != nil && res.States != nil && res.States.Continuing+res.States.Better+res.States.Worse > 0:
		return 0, false // advice is told once, and not for each partition that comes
	case r.History == nil:
		return newsFound, open(res)
	case open(res) && res.State == report.StateNew:
		return newsNew, true
	case open(res) && res.State == report.StateWorse:
		return newsWorse, true
	case res.State == report.StateResolved, res.States != nil && res.States.Resolved > 0:
		return newsResolved, true
	case open(res) && res.State == "":
		return newsNew, true // nobody can tell since when it is: silence would hide it
	case open(res) && due(res, r, remind):
		return newsDue, true
	}
	return 0, false
}

// due says whether a reminder falls between the run before and this one: every so long from the beginning of the finding on.
func due(res report.Result, r report.Report, remind time.Duration) bool {
	since, err := time.Parse(time.RFC3339Nano, res.Since)
	if err != nil || remind <= 0 {
		return false
	}
	now, err := time.Parse(time.RFC3339Nano, r.AsOf)
	if err != nil {
		return false
	}
	before, err := time.Parse(time.RFC3339Nano, r.History.LastAsOf)
	if err != nil {
		return false
	}
	return now.Sub(since)/remind > before.Sub(since)/remind
}

func digestHead(it Item) string {
	owner := ""
	if it.Owner != "" {
		owner = ", owner " + clip(it.Owner, 40)
	}
	return fmt.Sprintf("%s %s (%s%s)", clip(it.View, 80), clip(it.Check, 40), strings.ReplaceAll(string(it.Result.Outcome), "_", " "), owner)
}

// digestPast says of a result what earlier runs say, and where it is worst.
func digestPast(it Item, why news) string {
	res := it.Result
	var parts []string
	if s := res.States; s != nil {
		var counts []string
		for _, c := range []struct {
			n    int64
			word string
		}{{s.New, "new"}, {s.Worse, "worse"}, {s.Continuing, "continuing"}, {s.Better, "better"}, {s.Resolved, "resolved"}} {
			if c.n > 0 {
				counts = append(counts, words.Number(c.n)+" "+c.word)
			}
		}
		parts = append(parts, strings.Join(counts, ", "))
	}
	if why != newsNew && why != newsResolved && res.Since != "" {
		parts = append(parts, "since "+Clean(res.Since))
	}
	if why == newsResolved && len(res.Resolved) > 0 {
		if gone := subjectText(res.Resolved[0].Subject); gone != "" {
			parts = append(parts, "gone: "+gone)
		}
	} else if len(it.Where) > 0 {
		parts = append(parts, "first: "+it.Where[0])
	}
	return strings.Join(parts, "; ")
}

func digestTitle(count map[news]int, owner string) string {
	var counts []string
	for _, n := range slices.Sorted(maps.Keys(count)) {
		word := strings.ToLower(n.String())
		if n == newsDue {
			word = "still open"
		}
		counts = append(counts, fmt.Sprintf("%d %s", count[n], word))
	}
	who := ""
	if owner != "" {
		who = " for " + clip(Clean(owner), 60)
	}
	return "featureaudit" + who + ": " + strings.Join(counts, ", ")
}

// digestKey is the same from night to night, and another for each project and owner.
func digestKey(projects map[string]bool, owner string) string {
	sum := sha256.Sum256([]byte(strings.Join(append(slices.Sorted(maps.Keys(projects)), "\x00"+owner), "\x00")))
	return "featureaudit-" + hex.EncodeToString(sum[:16])
}

// rest says how many results are not among the items, and how many want attention in all.
func (d digest) rest(shown int) string {
	text := fmt.Sprintf("%s want attention in all, as of %s", words.Counted(int64(d.Open), "result", "results"), d.AsOf)
	if more := d.Total - shown; more > 0 {
		text = fmt.Sprintf("and %d more of %d that are new, worse, resolved or due; %s", more, d.Total, text)
	}
	return text
}

// HasNews says whether a digest of a report has anything to tell.
func HasNews(r report.Report, o Options) bool {
	d, _ := newDigest(tellingOf(r, o.Words, maxNames), o) // of values, which can be had
	return len(d.Items) > 0
}
