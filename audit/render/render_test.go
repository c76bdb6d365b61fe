package render_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if os.Getenv("CI") != "" {
			t.Fatal("-update is refused where CI is set: goldens are written by people")
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (make golden writes it anew):\n%s", path, got)
	}
}

func ptr[T any](v T) *T { return &v }

// incident is a report with every kind of outcome in it.
func incident() report.Report {
	return report.Report{
		Schema: report.Schema, AsOf: "2026-11-23T00:00:00Z", Status: report.Complete,
		Tool:    report.Tool{Version: "1.2.3"},
		Summary: report.Summary{Outcome: report.Fail, Pass: 30, Warn: 1, Fail: 4, Suppressed: 1, NotApplicable: 2, Error: 1, Views: 3, Files: 62, Rows: 1234567, Bytes: 83_000_000},
		Views: []report.View{
			{Name: "events", Outcome: report.Pass, Files: 1, Rows: 5},
			{Name: "transactions", Owner: "fraud", Outcome: report.Fail, Files: 60, Partitions: 30, Rows: 1_234_000, FilesUnread: 1,
				OpenPartitions: []string{"dt=2026-11-23"}, RowsAfterAsOf: 17, IgnoredFiles: 3,
				NewestEventTime: ptr("2026-11-22T20:00:00Z"), AgeSeconds: ptr(14400.0)},
			{Name: "web_impressions", Owner: "growth", Outcome: report.Fail, Files: 1, Rows: 562,
				NewestEventTime: ptr("2026-11-20T00:00:00Z"), AgeSeconds: ptr(259200.0)},
		},
		Results: []report.Result{
			{Check: "duplicate-keys", View: "transactions", Owner: "fraud", Outcome: report.Fail, Severity: report.SeverityError, Unit: "rows", RowsTotal: 1_234_000, RowsBad: 12_345,
				Message: "12,345 of 1,234,000 rows repeat a key that is already there: 300 keys conflict.", FindingsTotal: 19,
				Findings: []report.Finding{
					{Subject: report.Subject{Partition: "dt=2026-11-03", Source: "batch"}, RowsTotal: 4000, RowsBad: 900},
					{Subject: report.Subject{Partition: "dt=2026-11-04", Source: "batch"}, RowsTotal: 4000, RowsBad: 800},
					{Subject: report.Subject{Partition: "dt=2026-11-05"}, RowsTotal: 4000, RowsBad: 700, Suppressed: true},
				}},
			{Check: "mixed-encoding", View: "transactions", Owner: "fraud", Outcome: report.Fail, Unit: "files", RowsTotal: 60, RowsBad: 20,
				Message: "20 of 60 files write event_time naive, 40 aware."},
			{Check: "stale-rows", View: "transactions", Outcome: report.Fail, Unit: "rows", RowsTotal: 1_234_000, RowsBad: 1_233_999, ExplainedBy: "mixed-encoding", Message: "folded"},
			{Check: "unreadable-file", View: "transactions", Owner: "fraud", Outcome: report.Error, Unit: "files", RowsTotal: 60, RowsBad: 1,
				Message: "1 of 60 files cannot be read.", Reason: "no footer", FindingsTotal: 1,
				Findings: []report.Finding{{Subject: report.Subject{File: "dt=2026-11-09/a.parquet"}, RowsTotal: 1, RowsBad: 1}}},
			{Check: "future-rows", View: "transactions", Owner: "fraud", Outcome: report.Error, Unit: "rows", Reason: "passes on 59 of 60 files", Message: "passes on 59 of 60 files"},
			{Check: "null-keys", View: "transactions", Owner: "fraud", Outcome: report.Error, Unit: "rows", Reason: "passes on 59 of 60 files", Message: "passes on 59 of 60 files"},
			{Check: "misfiled-rows", View: "transactions", Owner: "fraud", Outcome: report.Error, Unit: "rows", Reason: "passes on 58 of 59 files", Message: "passes on 58 of 59 files", ExplainedBy: "unreadable-file"},
			{Check: "schema-drift", View: "transactions", Owner: "fraud", Outcome: report.Error, Unit: "files", Reason: "passes on 58 of 59 files", Message: "passes on 58 of 59 files", ExplainedBy: "unreadable-file"},
			{Check: "thin-partitions", View: "transactions", Owner: "fraud", Outcome: report.Warn, Unit: "partitions", RowsTotal: 29, RowsBad: 1, Message: "1 of 29 partitions is thin."},
			{Check: "ttl-unset", View: "web_impressions", Owner: "growth", Outcome: report.Fail, Unit: "view", RowsTotal: 1, RowsBad: 1, Message: "web_impressions has no ttl: its rows never expire."},
			{Check: "stale-rows", View: "web_impressions", Owner: "growth", Outcome: report.NotApplicable, Reason: "no ttl is defined: stale-rows needs one"},
			{Check: "stale-entities", View: "web_impressions", Owner: "growth", Outcome: report.NotApplicable, Reason: "no ttl is defined: stale-rows needs one"},
			{Check: "null-keys", View: "web_impressions", Outcome: report.Suppressed, SuppressedBy: "known, until 2027-01-01 (growth)"},
			{Check: "stale-view", View: "events", Outcome: report.Pass, Unit: "view", RowsTotal: 1},
		},
	}
}

func catalogue(res report.Result) render.Words {
	return render.Words{Why: "Why " + res.Check + " matters.", Fix: "How to mend " + res.Check + "."}
}

func text(t *testing.T, r report.Report, o render.Options) string {
	t.Helper()
	var buf bytes.Buffer
	if err := render.Text(&buf, r, o); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestTextGolden(t *testing.T) {
	golden(t, "incident.txt", []byte(text(t, incident(), render.Options{Words: catalogue})))
	golden(t, "incident_color.txt", []byte(text(t, incident(), render.Options{Words: catalogue, Color: true, Width: 60})))

	clean := incident()
	clean.Results = clean.Results[len(clean.Results)-1:]
	clean.Views = clean.Views[:1]
	clean.Summary = report.Summary{Outcome: report.Pass, Pass: 1, Views: 1, Files: 1, Rows: 5, Bytes: 999}
	golden(t, "clean.txt", []byte(text(t, clean, render.Options{})))

	partial := clean
	partial.Status, partial.Views, partial.Results = report.Partial, nil, nil
	partial.Summary = report.Summary{Outcome: report.NotApplicable}
	partial.Selection = report.Selection{Views: []string{"events"}, Checks: []string{"stale-view"}}
	partial.Range = "2026-11-01..2026-11-03"
	golden(t, "partial.txt", []byte(text(t, partial, render.Options{})))
}

func TestTextNamesNoFoldedResultTwice(t *testing.T) {
	got := text(t, incident(), render.Options{})
	if n := strings.Count(got, "1,233,999"); n != 1 {
		t.Errorf("the explained result is told %d times, want once, under its cause:\n%s", n, got)
	}
	if strings.Contains(got, "FAIL   stale-rows") {
		t.Errorf("the explained result has a verdict of its own:\n%s", got)
	}
}

func TestTextShowsAnExplainedResultWhoseCauseIsNotShown(t *testing.T) {
	r := incident()
	r.Results = r.Results[2:3]
	if got := text(t, r, render.Options{}); !strings.Contains(got, "stale-rows") {
		t.Errorf("a failing result is missing:\n%s", got)
	}
}

// hostile is what a registry or a file may call things.
const hostile = "\x1b[2J\x1b]0;owned\x07evil\nPASS  all is well\r\t\u202egnp\u2028\xff\u0085"

func hostileReport() report.Report {
	r := incident()
	for i := range r.Views {
		r.Views[i].Name, r.Views[i].Owner, r.Views[i].OpenPartitions = hostile, hostile, []string{hostile}
	}
	for i := range r.Results {
		res := &r.Results[i]
		res.View, res.Owner, res.Message, res.Reason, res.SuppressedBy, res.Unit = hostile, hostile, hostile, hostile, hostile, hostile
		res.Findings = []report.Finding{{Subject: report.Subject{Partition: hostile, Source: hostile, File: hostile, Column: hostile, Object: hostile}, RowsBad: 1, RowsTotal: 2}}
	}
	r.AsOf, r.Range, r.Selection.Views = hostile, hostile, []string{hostile}
	return r
}

func TestHostileNamesAreHarmless(t *testing.T) {
	r := hostileReport()
	got := text(t, r, render.Options{Words: catalogue})
	for _, c := range got {
		if c != '\n' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp)) {
			t.Fatalf("the text holds %U:\n%q", c, got)
		}
	}
	if !utf8.ValidString(got) {
		t.Error("the text is not valid UTF-8")
	}
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, "PASS  all is well") {
			t.Errorf("a name forged a line: %q", line)
		}
	}
	headline := render.NewOutline(r, nil).Headline
	if strings.ContainsFunc(headline, unicode.IsControl) || utf8.RuneCountInString(headline) > 200 {
		t.Errorf("headline %q (%d characters)", headline, utf8.RuneCountInString(headline))
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":          "plain",
		"é ü 漢":          "é ü 漢",
		"a\nb":           `a\nb`,
		"a\tb":           `a\tb`,
		"\x1b[31m":       `\x1b[31m`,
		"\x00":           `\x00`,
		"a\xffb":         `a\xffb`,
		"\u202egnp":      `\u202egnp`,
		"\u0085":         `\u0085`,
		"a\u2028b":       `a\u2028b`,
		"zero\u200bjoin": `zero\u200bjoin`,
	} {
		if got := render.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSummaryJSON(t *testing.T) {
	var buf bytes.Buffer
	if err := render.SummaryJSON(&buf, incident(), render.Options{ReportPath: "/reports/r.json"}); err != nil {
		t.Fatal(err)
	}
	const want = `{"outcome":"fail","headline":"transactions mixed-encoding: fail (owner fraud): 20 of 60 files write event_time naive, 40 aware.; 9 more",` +
		`"as_of":"2026-11-23T00:00:00Z","report":"/reports/r.json","fail":4,"warn":1,"error":1,"views":3,"rows":1234567,"suppressed":1}` + "\n"
	if got := buf.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestSummaryJSONIsOneLineForHostileNames(t *testing.T) {
	var buf bytes.Buffer
	if err := render.SummaryJSON(&buf, hostileReport(), render.Options{}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(buf.String(), "\n"); n != 1 || !json.Valid(buf.Bytes()) {
		t.Errorf("%d lines, valid %t: %q", n, json.Valid(buf.Bytes()), buf.String())
	}
	if c := acting(buf.String()); c != "" {
		t.Errorf("it holds %s: %q", c, buf.String())
	}
}

// acting names the first character of a text that acts on a terminal; "" where there is none.
func acting(text string) string {
	for _, c := range text {
		if c != '\n' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp)) {
			return fmt.Sprintf("%U", c)
		}
	}
	return ""
}

// TestEveryFormatIsPlainForHostileNames holds each format of a report to it; JSON stays the same document.
func TestEveryFormatIsPlainForHostileNames(t *testing.T) {
	r := hostileReport()
	r.Execution.FinishedAt = "2026-11-23T00:00:00Z"
	for i := range r.Views {
		r.Views[i].Name = fmt.Sprint(i, hostile)
	}
	for _, f := range render.Formats() {
		if f.Report == nil {
			continue
		}
		var buf bytes.Buffer
		if err := f.Report(&buf, r, render.Options{Words: catalogue}); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if c := acting(buf.String()); c != "" || !utf8.Valid(buf.Bytes()) {
			t.Errorf("%s holds %s", f.Name, c)
		}
		var same report.Report
		if f.Name != "json" {
			continue
		}
		if err := json.Unmarshal(buf.Bytes(), &same); err != nil || same.Results[0].Message != strings.ToValidUTF8(hostile, "\ufffd") {
			t.Errorf("%s: got %q, %v, want err == nil && same.Results[0].Message == strings.ToValidUTF8(hostile, \"\\ufffd\")", f.Name, same.Results[0].Message, err)
		}
	}
}

func TestHeadlineKeepsItsLimit(t *testing.T) {
	r := incident()
	for i := range r.Results {
		r.Results[i].View = strings.Repeat("v", 300)
		r.Results[i].Owner = strings.Repeat("o", 300)
		r.Results[i].Message = strings.Repeat("m", 3000)
	}
	for _, status := range []report.Status{report.Complete, report.Partial} {
		r.Status = status
		got := render.NewOutline(r, nil).Headline
		if n := utf8.RuneCountInString(got); n > 200 {
			t.Errorf("%d characters: %s", n, got)
		}
		for _, part := range []string{"vvv", "ttl-unset", "ooo", "9 more"} {
			if !strings.Contains(got, part) {
				t.Errorf("headline lacks %q: %s", part, got)
			}
		}
	}
}

func TestHeadlineOfACleanReport(t *testing.T) {
	r := report.Report{Status: report.Complete, Summary: report.Summary{Views: 1, Rows: 5000}}
	if got, want := render.NewOutline(r, nil).Headline, "no finding in 1 view, 5,000 rows"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJSONRoundTrips(t *testing.T) {
	var first, second bytes.Buffer
	if err := render.JSON(&first, incident(), render.Options{}); err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(first.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if err := render.JSON(&second, r, render.Options{}); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Error("a report that is read and written again changes")
	}
}

func TestFormatsAreSortedAndFound(t *testing.T) {
	last := ""
	for _, f := range render.Formats() {
		if f.Name <= last {
			t.Errorf("format %q comes after %q: keep the table sorted", f.Name, last)
		}
		last = f.Name
		if got, ok := render.Lookup(f.Name); !ok || got.Line != f.Line {
			t.Errorf("Lookup(%q) does not find it", f.Name)
		}
		if partly := f.Report == nil || f.Diff == nil; partly != (f.Lacks != "") || f.Report == nil && f.Diff == nil {
			t.Errorf("format %q: each document is written, or Lacks says why not", f.Name)
		}
	}
	if _, ok := render.Lookup("nope"); ok {
		t.Error("Lookup finds a format that is not there")
	}
}

// TestHeadlineAgreesWithText: both begin with the same result, which is what the exit code rests on.
func TestHeadlineAgreesWithText(t *testing.T) {
	blocked, missing := incident(), incident()
	blocked.Results = append(blocked.Results, report.Result{Check: "unreadable-file", View: "zz", Outcome: report.Error, Retryable: true, Reason: "no rights", Unit: "files"},
		report.Result{Check: "duplicate-keys", View: "zz", Outcome: report.Error, Retryable: true, Reason: "no rights", Unit: "rows"})
	missing.Results = append(missing.Results, report.Result{Check: "unreadable-file", View: "zz", Outcome: report.Fail, Reason: "no file", Unit: "files"},
		report.Result{Check: "ttl-unset", View: "zz", Outcome: report.Fail, Unit: "view", RowsTotal: 1, RowsBad: 1})
	for name, c := range map[string]struct {
		report report.Report
		want   string
	}{
		"what is found":              {incident(), "transactions mixed-encoding"},
		"what another try may cure":  {blocked, "zz unreadable-file"},
		"a view that has no files":   {missing, "zz unreadable-file"},
		"the run itself, if no view": {report.Report{Status: report.Complete, Results: []report.Result{{Check: "suppression-unused", Outcome: report.Warn}}}, "the run suppression-unused"},
	} {
		var buf bytes.Buffer
		if err := render.Text(&buf, c.report, render.Options{Width: 200}); err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(buf.String(), "\n\n")
		lines := strings.Split(blocks[1], "\n")
		view, _, _ := strings.Cut(strings.ReplaceAll(lines[0], ",", " ("), " (")
		if first := strings.Replace(view, "the whole run", "the run", 1) + " " + strings.Trim(strings.Fields(lines[1])[1], ":"); first != c.want {
			t.Errorf("%s: the text begins with %q, want %q", name, first, c.want)
		}
		if got := render.NewOutline(c.report, nil).Headline; !strings.HasPrefix(got, c.want+": ") {
			t.Errorf("%s: the headline is %q, want it to begin with %q", name, got, c.want)
		}
	}
}
