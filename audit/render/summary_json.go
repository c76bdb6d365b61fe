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
	return Line(w, summaryLine{
		Outcome: r.Summary.Outcome, Headline: Headline(r), AsOf: r.AsOf, Report: o.ReportPath,
		Fail: r.Summary.Fail, Warn: r.Summary.Warn, Error: r.Summary.Error, Views: r.Summary.Views, Rows: r.Summary.Rows,
		Suppressed: r.Summary.Suppressed, SuppressedFindings: suppressedFindings(r),
	})
}

func badResults(r report.Report) int {
	n := 0
	for _, res := range r.Results {
		if bad(res.Outcome) {
			n++
		}
	}
	return n
}

// Headline says in at most 200 characters what is worst: the view, the check, the owner and how many more there are.
func Headline(r report.Report) string {
	text := headline(r)
	if r.Status != report.Complete {
		text = "partial: " + text
	}
	return clip(text, headlineLimit)
}

func headline(r report.Report) string {
	more := ""
	if n := suppressedFindings(r); n > 0 {
		more = "; " + words.Counted(n, "finding", "findings") + " suppressed"
	}
	looked := fmt.Sprintf("%s, %s", words.Counted(int64(r.Summary.Views), "view", "views"), words.Counted(r.Summary.Rows, "row", "rows"))
	// The text begins with the same view and result.
	all := groups(r)
	if len(all) == 0 {
		return fmt.Sprintf("no finding in %s%s", looked, more)
	}
	first := all[0].results[0]
	where := clip(Clean(first.View), 60)
	if where == "" {
		where = "the run"
	}
	owner := ""
	if first.Owner != "" {
		owner = fmt.Sprintf(" (owner %s)", clip(Clean(first.Owner), 40))
	}
	if n := badResults(r) - 1; n > 0 {
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
