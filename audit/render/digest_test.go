package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
)

type digestFunc func(w io.Writer, r report.Report, o render.Options) error

func digests() map[string]digestFunc {
	return map[string]digestFunc{"slack": render.Slack, "teams": render.Teams, "pagerduty": render.PagerDuty}
}

func payload(t *testing.T, write digestFunc, r report.Report, o render.Options) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := write(&buf, r, o); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// remembered is a report of one view with results of these states, all found since so many days ago.
func remembered(days int, states ...report.State) report.Report {
	asOf := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	r := report.Report{Schema: report.Schema, AsOf: asOf.Format(time.RFC3339), Status: report.Complete,
		History: &report.History{Runs: 9, LastAsOf: asOf.AddDate(0, 0, -1).Format(time.RFC3339)}, Views: []report.View{{Name: "v", Outcome: report.Fail}}}
	for i, state := range states {
		res := report.Result{View: "v", Check: fmt.Sprintf("check-%d", i), Owner: "fraud", Outcome: report.Fail, Severity: report.SeverityError, Unit: "rows", RowsTotal: 10, RowsBad: 1,
			Message: fmt.Sprintf("says %d", i), State: state, Since: asOf.AddDate(0, 0, -days).Format(time.RFC3339), States: &report.States{}, FindingsTotal: 1}
		res.States.Add(state, 1)
		if state == report.StateResolved {
			res.Outcome, res.FindingsTotal = report.Pass, 0
			res.Resolved = []report.Resolved{{Subject: report.Subject{Partition: "dt=gone"}, RowsBad: 3}}
		}
		r.Results = append(r.Results, res)
	}
	r.Summary = r.Summarise()
	return r
}

func TestDigestTellsWhatIsNewWorseResolvedOrDue(t *testing.T) {
	for _, c := range []struct {
		name   string
		report report.Report
		remind time.Duration
		title  string
	}{
		{"all states", remembered(3, report.StateContinuing, report.StateResolved, report.StateWorse, report.StateBetter, report.StateNew), 0, "featureaudit for fraud: 1 new, 1 worse, 1 resolved"},
		{"nothing new", remembered(3, report.StateContinuing, report.StateBetter), 0, ""},
		{"due after 7 days", remembered(7, report.StateContinuing), 7 * 24 * time.Hour, "featureaudit for fraud: 1 still open"},
		{"told yesterday", remembered(8, report.StateContinuing), 7 * 24 * time.Hour, ""},
		{"due after 14 days", remembered(14, report.StateBetter), 7 * 24 * time.Hour, "featureaudit for fraud: 1 still open"},
		{"not due yet", remembered(6, report.StateContinuing), 7 * 24 * time.Hour, ""},
	} {
		for name, write := range digests() {
			got := payload(t, write, c.report, render.Options{Owner: "fraud", Remind: c.remind})
			if c.title == "" && len(got) > 0 || c.title != "" && !bytes.Contains(got, []byte(c.title)) {
				t.Errorf(`got %s, %s: %s, want (c.title != "" || len(got) <= 0) && (c.title == "" || bytes.Contains(got, []byte(c.title)))`, c.name, name, got)
			}
		}
	}
}

func TestDigestRanksAndCounts(t *testing.T) {
	var m struct {
		Blocks []struct{ Text struct{ Text string } }
	}
	got := payload(t, render.Slack, remembered(3, report.StateContinuing, report.StateResolved, report.StateWorse, report.StateNew), render.Options{ReportURL: "https://x.example/?a=1&b=<|>"})
	if err := json.Unmarshal(got, &m); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, b := range m.Blocks {
		texts = append(texts, b.Text.Text)
	}
	want := []string{"featureaudit: 1 new, 1 worse, 1 resolved", "*NEW* v check-3 (fail, owner fraud)\nsays 3\n1 new", "*WORSE* v check-2 (fail, owner fraud)\nsays 2\n1 worse; since 2026-11-17T00:00:00Z",
		"*RESOLVED* v check-1 (pass, owner fraud)\nsays 1\n1 resolved; gone: dt=gone",
		"3 results want attention in all, as of 2026-11-20T00:00:00Z\n<https://x.example/?a=1&amp;b=%3C%7C%3E|Open the report>"}
	if strings.Join(texts, "\n--\n") != strings.Join(want, "\n--\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(texts, "\n--\n"), strings.Join(want, "\n--\n"))
	}
}

func TestDigestWithoutHistorySaysSo(t *testing.T) {
	for name, write := range digests() {
		got := string(payload(t, write, incident(), render.Options{}))
		if !strings.Contains(got, "without --history nobody can say what is new") || !strings.Contains(got, "FOUND") {
			t.Errorf(`%s: got %s, want strings.Contains(got, "without --history nobody can say what is new") && strings.Contains(got, "FOUND")`, name, got)
		}
	}
	for name, write := range digests() {
		cut := remembered(3)
		cut.Status = report.Partial
		if got := string(payload(t, write, cut, render.Options{})); !strings.Contains(got, "it did not run to its end") {
			t.Errorf("%s: an audit that did not run to its end is silent: %q", name, got)
		}
	}
	known := remembered(3, report.StateNew)
	known.Results[0].FindingsKnown = 1
	if got := payload(t, render.Slack, known, render.Options{}); len(got) > 0 {
		t.Errorf("what a baseline holds is told: %s", got)
	}
}

// TestDigestsKeepTheLimitsOfTheirChannels has 5,000 new results with hostile names of 10 kB.
func TestDigestsKeepTheLimitsOfTheirChannels(t *testing.T) {
	evil := strings.Repeat("<!channel>&*_`~[x](http://evil) \u202e\x1b[31m\"'|@here 🙂\n", 250)
	r := remembered(3)
	names := evil
	for i := range 5000 {
		if i == 100 {
			names = "v" // the others are many, and no more than that
		}
		r.Views = append(r.Views, report.View{Name: fmt.Sprint(i, names), Outcome: report.Fail})
		r.Results = append(r.Results, report.Result{View: fmt.Sprint(i, names), Check: "null-keys", Owner: names, Outcome: report.Fail, State: report.StateNew, Message: names,
			States: &report.States{New: 1}, FindingsTotal: 1, Findings: []report.Finding{{Subject: report.Subject{Partition: names, File: names}, State: report.StateNew}}})
	}
	o := render.Options{Owner: evil, ReportURL: "https://x.example/r"}
	var slack struct {
		Text   string
		Blocks []struct{ Text struct{ Type, Text string } }
	}
	if err := json.Unmarshal(payload(t, render.Slack, r, o), &slack); err != nil {
		t.Fatal(err)
	}
	if len(slack.Blocks) > 50 || utf8.RuneCountInString(slack.Text) > 3000 {
		t.Errorf("slack: %d blocks, text of %d", len(slack.Blocks), utf8.RuneCountInString(slack.Text))
	}
	for i, b := range slack.Blocks {
		limit := map[string]int{"plain_text": 150, "mrkdwn": 3000}[b.Text.Type]
		if n := utf8.RuneCountInString(b.Text.Text); n > limit || n == 0 || strings.ContainsAny(b.Text.Text, "\x1b\u202e") {
			t.Errorf("slack: block %d has %d characters: %q", i, n, b.Text.Text)
		}
		if b.Text.Type == "mrkdwn" && strings.Contains(b.Text.Text, "<!") {
			t.Errorf("slack: block %d mentions a channel", i)
		}
	}
	if last := slack.Blocks[len(slack.Blocks)-1].Text.Text; !strings.Contains(last, "and 4980 more of 5000") || !strings.Contains(last, "5,000 results want attention in all") || !strings.Contains(last, "<https://x.example/r|") {
		t.Errorf("slack ends with %q", last)
	}
	teams := payload(t, render.Teams, r, o)
	var card struct {
		Attachments []struct {
			Content struct {
				Body    []struct{ Type string }
				Actions []struct{ URL string }
			}
		}
	}
	if err := json.Unmarshal(teams, &card); err != nil {
		t.Fatal(err)
	}
	if len(teams) > 28<<10 || card.Attachments[0].Content.Actions[0].URL != "https://x.example/r" || !bytes.Contains(teams, []byte("more of 5000")) {
		t.Errorf("teams: %d bytes", len(teams))
	}
	for _, b := range card.Attachments[0].Content.Body {
		if b.Type != "RichTextBlock" {
			t.Errorf("teams: a %s takes text for Markdown", b.Type)
		}
	}
	raw := payload(t, render.PagerDuty, r, o)
	var event struct {
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Payload     struct{ Summary, Source, Severity, Timestamp string }
	}
	if err := json.Unmarshal(raw, &event); err != nil {
		t.Fatal(err)
	}
	p := event.Payload
	if event.EventAction != "trigger" || len(event.DedupKey) > 255 || utf8.RuneCountInString(p.Summary) > 1024 || p.Source == "" || p.Severity != "error" || p.Timestamp != r.AsOf || len(raw) > 512<<10 {
		t.Errorf("pagerduty: %s of %d characters, %d bytes, %+v", event.EventAction, utf8.RuneCountInString(p.Summary), len(raw), p)
	}
}

func TestPagerDutyResolvesWhenNothingIsOpen(t *testing.T) {
	open, done := payload(t, render.PagerDuty, remembered(3, report.StateNew), render.Options{Owner: "fraud"}), payload(t, render.PagerDuty, remembered(3, report.StateResolved), render.Options{Owner: "fraud"})
	var a, b struct {
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
	}
	if err := json.Unmarshal(open, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(done, &b); err != nil {
		t.Fatal(err)
	}
	if a.EventAction != "trigger" || b.EventAction != "resolve" || a.DedupKey != b.DedupKey || a.DedupKey == "" {
		t.Errorf("%+v, then %+v", a, b)
	}
}
