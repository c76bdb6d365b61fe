package render_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
)

func inFormat(t *testing.T, name string, r report.Report) string {
	t.Helper()
	f, ok := render.Lookup(name)
	if !ok || f.Report == nil {
		t.Fatalf("no format %s for reports", name)
	}
	var buf bytes.Buffer
	if err := f.Report(&buf, r, render.Options{Words: catalogue}); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// verdict is one result as a format tells it.
type verdict struct{ view, check, outcome string }

// verdictsOf are the results of a report, sorted.
func verdictsOf(r report.Report, keep func(report.Result) bool) []string {
	var all []string
	for _, res := range r.Results {
		if keep(res) {
			all = append(all, fmt.Sprint(verdict{res.View, res.Check, string(res.Outcome)}))
		}
	}
	slices.Sort(all)
	return all
}

func everyResult(report.Result) bool { return true }

func sameVerdicts(t *testing.T, format string, got []verdict, want []string) {
	t.Helper()
	lines := make([]string, len(got))
	for i, v := range got {
		lines[i] = fmt.Sprint(v)
	}
	slices.Sort(lines)
	if !slices.Equal(lines, want) {
		t.Errorf("%s tells\n%s\nwant\n%s", format, strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestJUnitTellsEveryResult(t *testing.T) {
	r := incident()
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Skipped int `xml:"skipped,attr"`
			Cases   []struct {
				Name    string    `xml:"name,attr"`
				Class   string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct {
					Message string `xml:"message,attr"`
				} `xml:"skipped"`
				Out string `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(inFormat(t, "junit", r)), &suites); err != nil {
		t.Fatal(err)
	}
	var got []verdict
	for _, s := range suites.Suites {
		for _, c := range s.Cases {
			v := verdict{c.Class, c.Name, "pass"}
			switch {
			case c.Failure != nil:
				v.outcome = "fail"
			case c.Error != nil:
				v.outcome = "error"
			case c.Skipped != nil && strings.HasPrefix(c.Skipped.Message, "accepted: "):
				v.outcome = "suppressed"
			case c.Skipped != nil:
				v.outcome = "not_applicable"
			case strings.HasPrefix(c.Out, "warning: "):
				v.outcome = "warn"
			}
			got = append(got, v)
		}
	}
	sameVerdicts(t, "junit", got, verdictsOf(r, everyResult))
	if suites.Tests != 14 || suites.Failures != 4 || suites.Errors != 5 {
		t.Errorf("%d tests, %d failures, %d errors, want 14, 4 and 5", suites.Tests, suites.Failures, suites.Errors)
	}
}

func TestOpenLineageTellsEveryResult(t *testing.T) {
	r := incident()
	text := inFormat(t, "openlineage", r)
	if strings.Count(text, "\n") != 1 {
		t.Errorf("%d lines, want one", strings.Count(text, "\n"))
	}
	var event struct {
		EventType string `json:"eventType"`
		Run       struct {
			RunID  string `json:"runId"`
			Facets struct {
				Test struct {
					Tests []struct {
						Name   string            `json:"name"`
						Status string            `json:"status"`
						Params map[string]any    `json:"params"`
						Other  map[string]string `json:"-"`
					} `json:"tests"`
				} `json:"test"`
			} `json:"facets"`
		} `json:"run"`
		Inputs []struct {
			InputFacets struct {
				Assertions struct {
					Assertions []struct {
						Name    string `json:"name"`
						Success bool   `json:"success"`
					} `json:"assertions"`
				} `json:"dataQualityAssertions"`
				Metrics struct {
					RowCount int64 `json:"rowCount"`
				} `json:"dataQualityMetrics"`
			} `json:"inputFacets"`
		} `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(text), &event); err != nil {
		t.Fatal(err)
	}
	var got []verdict
	statuses := map[string]string{"pass": "pass", "warn": "fail", "fail": "fail", "error": "skip", "not_applicable": "skip", "suppressed": "skip"}
	for _, test := range event.Run.Facets.Test.Tests {
		view, check, _ := strings.Cut(test.Name, ".")
		outcome, _ := test.Params["outcome"].(string)
		if statuses[outcome] != test.Status {
			t.Errorf("%s: status %s of outcome %s, want %s", test.Name, test.Status, outcome, statuses[outcome])
		}
		got = append(got, verdict{view, check, outcome})
	}
	sameVerdicts(t, "openlineage", got, verdictsOf(r, everyResult))
	assertions, failed, rows := 0, 0, int64(0)
	for _, in := range event.Inputs {
		rows += in.InputFacets.Metrics.RowCount
		for _, a := range in.InputFacets.Assertions.Assertions {
			if assertions++; !a.Success {
				failed++
			}
		}
	}
	// pass 1, warn 1, fail 4 and suppressed 1 were looked at; errors and what does not apply assert nothing
	if event.EventType != "COMPLETE" || len(event.Inputs) != 3 || assertions != 7 || failed != 6 || rows != 1_234_567 {
		t.Errorf("%s, %d inputs, %d assertions, %d failed, %d rows; want COMPLETE, 3, 7, 6 and 1234567", event.EventType, len(event.Inputs), assertions, failed, rows)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(event.Run.RunID) {
		t.Errorf("runId %q is no UUID of version 8", event.Run.RunID)
	}
	r.Status = report.Partial
	if text := inFormat(t, "openlineage", r); !strings.Contains(text, `"eventType":"FAIL"`) || !strings.Contains(text, "did not run to its end") {
		t.Error("a partial run is not a FAIL that says why")
	}
}

func TestOpenMetadataTellsEveryResult(t *testing.T) {
	r := incident()
	r.Execution.FinishedAt = "2026-11-23T00:00:00Z"
	var doc struct {
		Cases []struct {
			Name       string `json:"name"`
			EntityLink string `json:"entityLink"`
		} `json:"testCases"`
		Results []struct {
			TestCase  string `json:"testCase"`
			Status    string `json:"testCaseStatus"`
			Timestamp int64  `json:"timestamp"`
			Passed    int64  `json:"passedRows"`
			Failed    int64  `json:"failedRows"`
		} `json:"testCaseResults"`
	}
	if err := json.Unmarshal([]byte(inFormat(t, "openmetadata", r)), &doc); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, res := range doc.Results {
		counts[res.Status]++
		if res.Timestamp != 1795392000000 {
			t.Errorf("%s: timestamp %d, want 1795392000000", res.TestCase, res.Timestamp)
		}
		if res.TestCase == "featureaudit.default.transactions.duplicate-keys" && (res.Passed != 1_221_655 || res.Failed != 12_345) {
			t.Errorf("%s: %d passed and %d failed rows, want 1221655 and 12345", res.TestCase, res.Passed, res.Failed)
		}
	}
	if want := map[string]int{"Success": 2, "Failed": 5, "Aborted": 5}; len(doc.Cases) != 14 || fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("%d cases, results %v; want 14 and %v", len(doc.Cases), counts, want)
	}
}

func TestDBTSources(t *testing.T) {
	r := incident()
	r.Results = append(r.Results,
		report.Result{Check: "stale-view", View: "web_impressions", Outcome: report.Fail, Severity: report.SeverityError},
		report.Result{Check: "stale-view", View: "transactions", Outcome: report.NotApplicable, Reason: "no ttl and no max_age is defined: stale-view needs one"})
	r.Views[2].Definition.MaxAgeSeconds = ptr(21600.0)
	var doc struct {
		Results []struct {
			ID       string  `json:"unique_id"`
			Status   string  `json:"status"`
			Age      float64 `json:"max_loaded_at_time_ago_in_s"`
			Criteria struct {
				ErrorAfter *struct {
					Count  int    `json:"count"`
					Period string `json:"period"`
				} `json:"error_after"`
			} `json:"criteria"`
		} `json:"results"`
	}
	if err := json.Unmarshal([]byte(inFormat(t, "dbt-sources", r)), &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, res := range doc.Results {
		got[res.ID] = res.Status
		if res.Status == "error" && (res.Age != 259200 || res.Criteria.ErrorAfter.Count != 6 || res.Criteria.ErrorAfter.Period != "hour") {
			t.Errorf("%s: age %v, limit %v, want 259200 and 6 hour", res.ID, res.Age, *res.Criteria.ErrorAfter)
		}
	}
	// events passes without an event time in this report: nothing is known of its age, and the format has no pass without one
	want := map[string]string{"source.featureaudit.featureaudit.web_impressions": "error", "source.featureaudit.featureaudit.transactions": "runtime error",
		"source.featureaudit.featureaudit.events": "runtime error"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("freshness is %v, want %v", got, want)
	}
}

func TestODCSTellsWhatWasLookedAt(t *testing.T) {
	r := incident()
	var doc struct {
		Schema []struct {
			Name    string `json:"name"`
			Quality []struct {
				Name       string `json:"name"`
				Properties []struct {
					Property string `json:"property"`
					Value    any    `json:"value"`
				} `json:"customProperties"`
			} `json:"quality"`
		} `json:"schema"`
	}
	if err := json.Unmarshal([]byte(inFormat(t, "odcs", r)), &doc); err != nil {
		t.Fatal(err)
	}
	var got []verdict
	for _, object := range doc.Schema {
		for _, q := range object.Quality {
			got = append(got, verdict{object.Name, q.Name, fmt.Sprint(q.Properties[0].Value)})
		}
	}
	sameVerdicts(t, "odcs", got, verdictsOf(r, func(res report.Result) bool { return res.Outcome != report.NotApplicable }))
}

func TestPrometheusTellsEveryResult(t *testing.T) {
	r := incident()
	sample := regexp.MustCompile(`^([a-z_]+)(\{[^}]*\})? (\S+)$`)
	label := regexp.MustCompile(`([a-z]+)="([^"]*)"`)
	var got []verdict
	for line := range strings.Lines(inFormat(t, "prometheus", r)) {
		if strings.HasPrefix(line, "# ") {
			continue
		}
		m := sample.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Errorf("%q is no sample", line)
			continue
		}
		labels := map[string]string{}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			labels[l[1]] = l[2]
		}
		if m[1] == "featureaudit_check_outcome" {
			got = append(got, verdict{labels["view"], labels["check"], labels["outcome"]})
		}
		if m[1] == "featureaudit_view_newest_event_timestamp_seconds" && labels["view"] == "transactions" && m[3] != "1795377600" {
			t.Errorf("the newest event of transactions is %s, want 1795377600", m[3])
		}
	}
	sameVerdicts(t, "prometheus", got, verdictsOf(r, everyResult))
}

func TestMarkdownAndGitHubTellTheWorstFirst(t *testing.T) {
	r := incident()
	r.Consumers = []report.Consumer{{Name: "churn", Outcome: report.Fail, Views: []report.ConsumerView{{View: "transactions", Outcome: report.Fail, Message: "stale"}}},
		{Name: "ads", Outcome: report.Pass}}
	outline := render.NewOutline(r, catalogue)
	markdown, annotations := inFormat(t, "markdown", r), inFormat(t, "github", r)
	if !strings.HasPrefix(markdown, "## featureaudit: fail\n\n") || !strings.Contains(markdown, "| `churn` | fail | `stale` |\n") || strings.Contains(markdown, "`ads`") {
		t.Errorf("the verdict, or the consumers whose contracts do not hold, are missing:\n%s", markdown)
	}
	at, position := 0, 0
	for _, v := range outline.Views {
		for _, item := range v.Items {
			line := fmt.Sprintf("**%s** `%s` ", item.Result.Outcome, item.Check)
			i := strings.Index(markdown[at:], line)
			if i < 0 {
				t.Fatalf("markdown lacks %q behind byte %d", line, at)
			}
			at += i + 1
			title := "title=featureaudit " + item.View + " " + item.Check + "::"
			j := strings.Index(annotations[position:], title)
			if j < 0 {
				t.Fatalf("github lacks %q behind byte %d", title, position)
			}
			position += j + 1
		}
	}
	if plain := html.UnescapeString(markdown); !strings.Contains(plain, "12,345 of 1,234,000 rows repeat a key that is already there: 300 keys conflict.") {
		t.Error("the message of duplicate-keys is missing")
	}
}

// TestMarkdownTakesNoMarkupOfData: what would be a link, emphasis, HTML or a mention is text.
func TestMarkdownTakesNoMarkupOfData(t *testing.T) {
	r := incident()
	evil := "[a](http://evil.example) **b** _c_ `d` <img src=x> @team #1 www.evil.example | event_time"
	for i := range r.Results {
		r.Results[i].Message, r.Results[i].Reason, r.Results[i].View = evil, evil, evil
	}
	for i := range r.Views {
		r.Views[i].Name, r.Views[i].Owner = evil, evil
	}
	markdown := inFormat(t, "markdown", r)
	code := regexp.MustCompile("(?s)``?[^`]+``?")
	prose := code.ReplaceAllString(markdown, "")
	for _, markup := range []string{"](", "**b**", "_c_", "<img", "@team", " #1", "://", "www."} {
		if strings.Contains(prose, markup) {
			t.Errorf("data acts as markup: %q stands in\n%s", markup, prose)
		}
	}
	if !strings.Contains(html.UnescapeString(prose), "event_time") || !strings.Contains(prose, "event_time") {
		t.Error("the underscore of a column's name is not as it was")
	}
}

func TestMarkdownStaysUnderOneMebibyte(t *testing.T) {
	r := incident()
	for i := range 3000 {
		name := fmt.Sprintf("view%04d", i)
		r.Views = append(r.Views, report.View{Name: name, Outcome: report.Fail})
		r.Results = append(r.Results, report.Result{Check: "stale-rows", View: name, Outcome: report.Fail, Unit: "rows", RowsTotal: 2, RowsBad: 1, Message: strings.Repeat("long ", 200)})
	}
	text := inFormat(t, "markdown", r)
	if len(text) >= 1<<20 || !strings.Contains(text, "more views with findings are left out here: see the JSON report.") {
		t.Errorf("%d bytes, want under 1 MiB with a count of what is left out", len(text))
	}
}

// TestFormatsTellWhatBecameOfFindings: what is new, and since when the rest is there, stands in every format that has a place for it.
func TestFormatsTellWhatBecameOfFindings(t *testing.T) {
	r := incident()
	r.History = &report.History{States: report.States{New: 1, Continuing: 2}}
	r.Results[0].State, r.Results[1].State, r.Results[1].Since = report.StateNew, report.StateContinuing, "2026-11-20T00:00:00Z"
	for format, wants := range map[string][]string{
		"markdown":     {"300 keys conflict. (new)", "40 aware. (continuing since 2026-11-20T00:00:00Z)"},
		"github":       {"300 keys conflict. (new)", "40 aware. (continuing since 2026-11-20T00:00:00Z)"},
		"junit":        {"state: new", "state: continuing since 2026-11-20T00:00:00Z"},
		"openlineage":  {`"state":"new"`, `"since":"2026-11-20T00:00:00Z","state":"continuing"`},
		"openmetadata": {`"value": "new"`, `"value": "continuing"`},
		"odcs":         {`"value": "new"`, `"value": "continuing"`},
	} {
		text := inFormat(t, format, r)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", format, want)
			}
		}
	}
}
