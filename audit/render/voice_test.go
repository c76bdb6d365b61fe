package render_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures/reports"
)

// said is what a format tells, read back from what it wrote: what it does not tell is nil.
type said struct {
	outcome report.Outcome
	// counts are the results that fail, could not be looked at and warn, untold ones negative; order the checks as they are told.
	counts *[3]int
	order  []string
	// Of many views the text tells each check once, and the views in a table.
	top, views []string
}

// readers read each format of a report back. A format without a reader fails the test: what nobody reads may say anything.
//
// Formats for other programs tell each result by itself, in an order of theirs: their own tests read them back result by result.
var readers = map[string]func(t *testing.T, text string) said{
	"dbt-sources": isJSON, "flagd": isJSON, "odcs": isJSON, "openlineage": isJSON, "openmetadata": isJSON,
	"github":     func(*testing.T, string) said { return said{} },
	"prometheus": func(*testing.T, string) said { return said{} },
	"markdown": func(_ *testing.T, text string) said {
		out := said{outcome: report.Outcome(strings.ReplaceAll(regexp.MustCompile(`^## featureaudit: (.*)`).FindStringSubmatch(text)[1], " ", "_"))}
		out.counts = countsOf(text[:strings.Index(text, ", as of ")])
		for _, m := range regexp.MustCompile("(?m)^\\*\\*(?:fail|error|warn)\\*\\* `+ ?([^` ]+)").FindAllStringSubmatch(text, -1) {
			out.order = append(out.order, m[1])
		}
		return out
	},
	"junit": func(t *testing.T, text string) said {
		var suites struct {
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
		}
		if err := xml.Unmarshal([]byte(text), &suites); err != nil {
			t.Fatal(err)
		}
		return said{counts: &[3]int{suites.Failures, suites.Errors, -1}}
	},
	"json": func(t *testing.T, text string) said {
		var r report.Report
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		s := r.Summary
		return said{outcome: s.Outcome, counts: &[3]int{s.Fail, s.Error, s.Warn}}
	},
	"pagerduty": isDigest,
	"slack":     isDigest,
	"teams":     isDigest,
	"summary": func(t *testing.T, text string) said {
		var line struct {
			Outcome           report.Outcome
			Fail, Error, Warn int
			Headline          string
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil || strings.Count(text, "\n") != 1 {
			t.Fatalf("%v: got %q, want err == nil && strings.Count(text, \"\\n\") == 1", err, text)
		}
		return said{outcome: line.Outcome, counts: &[3]int{line.Fail, line.Error, line.Warn}}
	},
	"text": func(_ *testing.T, text string) said {
		word, rest, _ := strings.Cut(text, "  ")
		title, _, _ := strings.Cut(strings.Join(strings.Fields(rest), " "), ", as of ")
		out := said{outcome: report.Outcome(strings.ReplaceAll(strings.ToLower(word), " ", "_")), counts: countsOf(title)}
		for _, m := range regexp.MustCompile(`(?m)^  (?:FAIL|ERROR|WARN) +([a-z-]+)`).FindAllStringSubmatch(text, -1) {
			out.order = append(out.order, m[1])
		}
		if regexp.MustCompile(`(?m)^VIEW  `).MatchString(text) {
			out.top, out.order = out.order, nil
		}
		for _, m := range regexp.MustCompile(`(?m)^(\S+) +(?:FAIL|ERROR|WARN)  `).FindAllStringSubmatch(text, -1) {
			out.views = append(out.views, m[1])
		}
		return out
	},
	"html": func(_ *testing.T, text string) said {
		out := said{counts: &[3]int{}}
		out.outcome = report.Outcome(regexp.MustCompile(`<div class="verdict (\w+)">`).FindStringSubmatch(text)[1])
		for i, kind := range []report.Outcome{report.Fail, report.Error, report.Warn} {
			m := regexp.MustCompile(`<li class="stat ` + string(kind) + `(?: none)?"><span class="n">([\d,]+)</span>`).FindStringSubmatch(text)
			out.counts[i], _ = strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
		}
		for _, m := range regexp.MustCompile(`<li class="item \w+" id="[^"]*"[^>]*>\s*<p class="lead"><span class="badge \w+">[^<]*</span> <a class="self" href="#[^"]*">([^<]*)</a>`).FindAllStringSubmatch(text, -1) {
			out.order = append(out.order, html.UnescapeString(m[1]))
		}
		return out
	},
}

// isDigest has no verdict and an order of its own; where nothing is to be told it is empty.
func isDigest(t *testing.T, text string) said {
	t.Helper()
	if text == "" {
		return said{}
	}
	return isJSON(t, text)
}

func isJSON(t *testing.T, text string) said {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Errorf("this is no JSON: %.200q", text)
	}
	return said{}
}

// countsOf reads the sentence that counts what is wrong.
func countsOf(title string) *[3]int {
	var counts [3]int
	for i, words := range []string{` checks? fails?`, ` checks? could not look`, ` checks? warns?`} {
		if m := regexp.MustCompile(`([\d,]+)` + words).FindStringSubmatch(title); m != nil {
			counts[i], _ = strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
		}
	}
	return &counts
}

// TestFormatsTellTheSame: whatever the report, every format that tells a verdict, counts or an order tells those of the report.
func TestFormatsTellTheSame(t *testing.T) {
	clean := incident()
	clean.Results, clean.Views, clean.Summary = clean.Results[len(clean.Results)-1:], clean.Views[:1], report.Summary{Outcome: report.Pass, Pass: 1, Views: 1, Files: 1, Rows: 5, Bytes: 999}
	partial := clean
	partial.Status, partial.Views, partial.Results, partial.Summary = report.Partial, nil, nil, report.Summary{Outcome: report.NotApplicable}
	blocked := incident()
	blocked.Results = append(blocked.Results, report.Result{Check: "unreadable-file", View: "events", Outcome: report.Error, Retryable: true, Reason: "no rights", Unit: "files"})
	for name, r := range map[string]report.Report{"incident": incident(), "clean": clean, "partial": partial, "blocked": blocked, "hostile": reports.Hostile(), "remembered": reports.Remembered(), "many": reports.Large(9, 8, 60)} {
		r.Execution.FinishedAt = "2026-11-23T00:00:00Z"
		if len(r.Results) > 0 {
			r.Summary = r.Summarise()
		}
		want := said{outcome: r.Summary.Outcome, counts: &[3]int{r.Summary.Fail, r.Summary.Error, r.Summary.Warn}}
		outline := render.NewOutline(r, catalogue)
		for _, v := range outline.Views {
			for _, it := range v.Items {
				want.order = append(want.order, it.Check)
			}
			if len(v.Items) > 0 {
				want.views = append(want.views, v.Name)
			}
		}
		for _, it := range outline.Top(10) {
			want.top = append(want.top, it.Check)
		}
		var whole bytes.Buffer
		if err := render.Text(&whole, r, render.Options{Words: catalogue, Whole: true}); err != nil {
			t.Fatal(err)
		}
		if got := readers["text"](t, whole.String()); !slices.Equal(append(got.order, got.top...), want.order) {
			t.Errorf("%s as whole text: the order is %q, want %q", name, got.order, want.order)
		}
		for _, f := range render.Formats() {
			if f.Report == nil {
				continue
			}
			read, known := readers[f.Name]
			if !known {
				t.Fatalf("nothing reads %s back: add a reader to this test", f.Name)
			}
			var buf bytes.Buffer
			if err := f.Report(&buf, r, render.Options{Words: catalogue}); err != nil {
				t.Errorf("%s as %s: %v", name, f.Name, err)
				continue
			}
			got := read(t, buf.String())
			if got.outcome != "" && got.outcome != want.outcome {
				t.Errorf("%s as %s: the verdict is %s, want %s", name, f.Name, got.outcome, want.outcome)
			}
			for i := range 3 {
				if got.counts != nil && got.counts[i] < 0 {
					got.counts[i] = want.counts[i]
				}
			}
			if got.counts != nil && *got.counts != *want.counts {
				t.Errorf("%s as %s: the counts are %v, want %v", name, f.Name, *got.counts, *want.counts)
			}
			if got.top != nil && !slices.Equal(got.top, want.top) || got.top != nil && !slices.Equal(got.views, want.views) {
				t.Errorf("%s as %s: it tells %q of %q, want %q of %q", name, f.Name, got.top, got.views, want.top, want.views)
			}
			if got.order != nil && !slices.Equal(got.order, want.order) {
				t.Errorf("%s as %s: the order is %q, want %q", name, f.Name, got.order, want.order)
			}
		}
	}
}

// TestSameReportSameBytes: a report that was read again renders like the one that was just made.
func TestSameReportSameBytes(t *testing.T) {
	for _, r := range []report.Report{reports.Large(3, 2, 20), reports.Hostile(), reports.Remembered()} {
		raw, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := report.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range render.Formats() {
			if f.Report == nil {
				continue
			}
			var first, second bytes.Buffer
			if err := f.Report(&first, r, render.Options{Words: catalogue}); err != nil {
				continue // what cannot be written has its own test
			}
			if err := f.Report(&second, again, render.Options{Words: catalogue}); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			if first.String() != second.String() {
				t.Errorf("%s differs", f.Name)
			}
		}
	}
}
