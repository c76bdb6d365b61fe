package render

import (
	"fmt"
	"io"
	"slices"

	"github.com/featureaudit/featureaudit/audit/report"
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
}

// SummaryJSON writes exactly one compact line of JSON.
func SummaryJSON(w io.Writer, r report.Report, o Options) error {
	return Line(w, summaryLine{
		Outcome: r.Summary.Outcome, Headline: Headline(r), AsOf: r.AsOf, Report: o.ReportPath,
		Fail: r.Summary.Fail, Warn: r.Summary.Warn, Error: r.Summary.Error, Views: r.Summary.Views, Rows: r.Summary.Rows,
	})
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
	worst := make([]report.Result, 0, len(r.Results))
	for _, res := range r.Results {
		if bad(res.Outcome) {
			worst = append(worst, res)
		}
	}
	looked := fmt.Sprintf("%s, %s", plural(int64(r.Summary.Views), "view", "views"), plural(r.Summary.Rows, "row", "rows"))
	if len(worst) == 0 {
		return fmt.Sprintf("no finding in %s", looked)
	}
	slices.SortFunc(worst, worstFirst)
	first := worst[0]
	where := clip(Clean(first.View), 60)
	if where == "" {
		where = "the run"
	}
	owner := ""
	if first.Owner != "" {
		owner = fmt.Sprintf(" (owner %s)", clip(Clean(first.Owner), 40))
	}
	more := ""
	if n := len(worst) - 1; n > 0 {
		more = fmt.Sprintf("; %s more", count(int64(n)))
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
