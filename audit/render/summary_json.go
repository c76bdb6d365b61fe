package render

import (
	"fmt"
	"io"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// headlineLimit is the longest headline in characters: it must fit a notification and a database column.
const headlineLimit = 200

// summaryLine is the compact line that schedulers read, in this order.
type summaryLine struct {
	Outcome  report.Outcome `json:"outcome"`
	Headline string         `json:"headline"`
	AsOf     string         `json:"as_of"`
	Report   string         `json:"report"`
	Fail     int            `json:"fail"`
	Warn     int            `json:"warn"`
	Error    int            `json:"error"`
	Views    int            `json:"views"`
	Rows     int64          `json:"rows"`
	// Suppressed counts results, SuppressedFindings what was accepted of all of them.
	Suppressed         int   `json:"suppressed,omitempty"`
	SuppressedFindings int64 `json:"suppressed_findings,omitempty"`
}

// SummaryJSON writes exactly one compact line of JSON.
func SummaryJSON(w io.Writer, r report.Report, o Options) error {
	return tellingOf(r, o.Words, maxNames).summary(w, o)
}

// SummaryJSONOfLong is SummaryJSON of a long report, whose views are looked at one at a time.
func SummaryJSONOfLong(w io.Writer, l report.Long, o Options) error {
	t, err := tellingOfLong(l, o.Words, maxNames)
	if err != nil {
		return err
	}
	return t.summary(w, o)
}

func (t telling) summary(w io.Writer, o Options) error {
	s := t.rest.Summary
	return Line(w, summaryLine{
		Outcome: s.Outcome, Headline: t.Headline, AsOf: t.rest.AsOf, Report: o.ReportPath,
		Fail: s.Fail, Warn: s.Warn, Error: s.Error, Views: s.Views, Rows: s.Rows,
		Suppressed: s.Suppressed, SuppressedFindings: t.counted.suppressed,
	})
}

// headlineOf says in at most 200 characters what is worst: the view, the check, the owner and how many more there are. It is that of a report
// of which so much was counted; first is its worst result, nil for none.
func headlineOf(r report.Report, first *report.Result, counted counts) string {
	text := headline(r.Summary, first, counted)
	if r.Status != report.Complete {
		text = "partial: " + text
	}
	return clip(text, headlineLimit)
}

func headline(s report.Summary, first *report.Result, counted counts) string {
	more := ""
	if n := counted.suppressed; n > 0 {
		more = "; " + words.Counted(n, "finding", "findings") + " suppressed"
	}
	looked := fmt.Sprintf("%s, %s", words.Counted(int64(s.Views), "view", "views"), words.Counted(s.Rows, "row", "rows"))
	if first == nil {
		return fmt.Sprintf("no finding in %s%s", looked, more)
	}
	where := clip(Clean(first.View), 60)
	if where == "" {
		where = "the run"
	}
	owner := ""
	if first.Owner != "" {
		owner = fmt.Sprintf(" (owner %s)", clip(Clean(first.Owner), 40))
	}
	if n := counted.bad - 1; n > 0 {
		more = fmt.Sprintf("; %s more", words.Number(int64(n))) + more
	}
	lead := fmt.Sprintf("%s %s: %s%s", where, first.Check, first.Outcome, owner)
	said := Clean(first.Message)
	if said == "" {
		said = Clean(first.Reason)
	}
	// The message gives way first: who and where must survive the limit.
	room := headlineLimit - len("partial: ") - len([]rune(lead)) - len([]rune(more)) - len(": ")
	if said == "" || room < 20 {
		return lead + more
	}
	return lead + ": " + clip(said, room) + more
}
