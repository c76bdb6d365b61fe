package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/registry"
)

// lostTTLs is a document in which so many views lost their ttl, one of them approved.
func lostTTLs(views int) diff.Document {
	var findings []diff.Finding
	for i := range views {
		findings = append(findings, diff.Finding{
			Rule: "ttl-removed", Severity: diff.Error, View: fmt.Sprintf("v%05d", i), Project: "shop", Object: "ttl", Old: 86400.0,
			Consumers: []string{"fraud_v1"}, Message: "lost its ttl of 1d: its features never expire now", Fingerprint: fmt.Sprintf("%012x", i),
			Location: &registry.Location{File: "features/a b.yaml", Line: i + 1},
		})
	}
	findings[0].Suppressed, findings[0].SuppressedBy = true, "static (geo)"
	side := &diff.Side{Source: "new.db", Kind: "feast", Views: views}
	return diff.NewDocument(diff.DiffSchema, &diff.Side{Source: "old.db", Kind: "feast", Views: views}, side, findings)
}

// hostile is a document whose names are written to break each format.
func hostile() diff.Document {
	name := "a|b`c``d\n::error::x</details>@all]]>\x1b[31m\u202e%0A"
	return diff.NewDocument(diff.LintSchema, nil, &diff.Side{Source: name, Kind: "yaml"}, []diff.Finding{{
		Rule: "ttl-unset", Severity: diff.Error, View: name, Object: "ttl", Consumers: []string{name}, Message: name,
		Location: &registry.Location{File: name, Line: 3}, Fingerprint: "x",
	}})
}

func write(t *testing.T, name string, d diff.Document) string {
	t.Helper()
	f, ok := Lookup(name)
	if !ok || f.Diff == nil {
		t.Fatalf("no format %s", name)
	}
	var buf bytes.Buffer
	if err := f.Diff(&buf, d, Options{}); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestDiffMarkdownStaysUnderOneMebibyte(t *testing.T) {
	d := lostTTLs(1200)
	for i := range d.Changes { // each a group of its own
		d.Changes[i].Message = strings.Repeat("x", 390)
	}
	text := write(t, "markdown", d)
	if len(text) >= 1<<20 || !strings.Contains(text, "and 199 more") {
		t.Errorf("%d bytes; the rest is not counted", len(text))
	}
	var many []diff.Finding
	for _, r := range diff.Rules() {
		for _, f := range lostTTLs(1000).Changes {
			f.Rule, f.Message, f.Suppressed = r.ID, strings.Repeat("y", 300), false
			many = append(many, f)
		}
	}
	text = write(t, "markdown", diff.NewDocument(diff.DiffSchema, d.Old, d.New, many))
	if len(text) >= 1<<20 || !strings.Contains(text, "more findings are left out here") {
		t.Errorf("%d bytes; what is left out is not counted", len(text))
	}
}

func TestDiffGitHubShowsTenAndCountsTheRest(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(write(t, "github", lostTTLs(48))), "\n")
	if len(lines) != 11 || !strings.HasPrefix(lines[0], "::error file=features/a b.yaml,line=2,title=featureaudit ttl-removed::v00001: lost") {
		t.Fatalf("%d lines: %s", len(lines), lines[0])
	}
	if want := "::notice title=featureaudit::37 more findings in the report: 47 views lost their ttl: v00001, v00002, v00003 and 44 more"; lines[10] != want {
		t.Errorf("got  %s\nwant %s", lines[10], want)
	}
}

// junitSuites are the suites of a document, as they are read.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

func TestDiffJUnitCountsAndParses(t *testing.T) {
	text := write(t, "junit", lostTTLs(3))
	var suites junitSuites
	if err := xml.Unmarshal([]byte(text), &suites); err != nil {
		t.Fatal(err)
	}
	skipped := 0
	for _, s := range suites.Suites {
		skipped += s.Skipped
	}
	if suites.Failures != 2 || skipped != 1 || suites.Tests != len(diff.RulesOf(diff.DiffSchema))-1+3 {
		t.Errorf("tests %d failures %d skipped %d, want failures 2, skipped 1", suites.Tests, suites.Failures, skipped)
	}
}

// TestDiffSARIF holds the document to what code scanning needs: known rules, levels of the standard, relative URIs.
// Against the standard's own JSON Schema it is validated where FEATUREAUDIT_SARIF_SCHEMA names a copy of it.
func TestDiffSARIF(t *testing.T) {
	for name, d := range map[string]diff.Document{"diff": lostTTLs(3), "hostile": hostile(), "empty": diff.NewDocument(diff.LintSchema, nil, nil, nil)} {
		text := write(t, "sarif", d)
		var log sarifLog
		if err := json.Unmarshal([]byte(text), &log); err != nil {
			t.Fatal(err)
		}
		if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) != len(d.Changes) {
			t.Fatalf("%s: version %s, %d runs", name, log.Version, len(log.Runs))
		}
		run := log.Runs[0]
		for _, r := range run.Results {
			if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || len(r.Locations) != 1 {
				t.Errorf("%s: result %+v", name, r)
			}
			uri := r.Locations[0].Physical.Artifact.URI
			if _, err := url.Parse(uri); err != nil || strings.ContainsAny(uri, " \n|`\x1b") {
				t.Errorf("%s: uri %q: %v", name, uri, err)
			}
		}
		validateSARIF(t, name, text)
	}
}

func validateSARIF(t *testing.T, name, text string) {
	t.Helper()
	path := os.Getenv("FEATUREAUDIT_SARIF_SCHEMA")
	if path == "" {
		t.Log("not validated against the standard's schema: FEATUREAUDIT_SARIF_SCHEMA names no copy of it")
		return
	}
	schema, err := jsonschema.NewCompiler().Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// TestDiffFormatsSurviveHostileNames: no format lets a name act in it.
func TestDiffFormatsSurviveHostileNames(t *testing.T) {
	for _, f := range Formats() {
		if f.Diff == nil {
			continue
		}
		text := write(t, f.Name, hostile())
		if strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("%s lets escapes through", f.Name)
		}
	}
	if text := write(t, "github", hostile()); strings.Count(text, "\n") != 1 {
		t.Errorf("github: a name makes a line: %q", text)
	}
	text := write(t, "markdown", hostile())
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| `") && !strings.Contains(line, "``` a") {
			t.Errorf("markdown: a name leaves its code span: %s", line)
		}
	}
	if err := xml.Unmarshal([]byte(write(t, "junit", hostile())), &junitSuites{}); err != nil {
		t.Errorf("junit: %v", err)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(write(t, "json", hostile())), &doc); err != nil {
		t.Errorf("json: %v", err)
	}
}

// TestDiffTextFitsEveryWidth, and the verdict is its last line as well.
func TestDiffTextFitsEveryWidth(t *testing.T) {
	for _, width := range []int{80, 120, 200} {
		var buf bytes.Buffer
		if err := DiffText(&buf, lostTTLs(40), Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(buf.String()), "\n")
		for _, line := range lines {
			if n := utf8.RuneCountInString(line); n > width {
				t.Errorf("at %d columns: a line of %d: %q", width, n, line)
			}
		}
		if first, last := lines[0], lines[len(lines)-1]; first != last {
			t.Errorf("at %d columns it begins with %q and ends with %q", width, first, last)
		}
	}
}
