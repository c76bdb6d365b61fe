package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/diff"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Errors   int    `xml:"errors,attr"`
	// Timestamp is the as_of of an audit.
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Error   *junitMessage `xml:"error,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// DiffJUnit writes JUnit XML: a suite for each rule that was tried. A rule that found nothing is one passed case, an
// error a failure, an approved finding a skipped case; warnings and notes pass and say so.
func DiffJUnit(w io.Writer, d diff.Document, _ Options) error {
	name := strings.TrimSuffix(d.Schema, "/v1")
	suites := junitSuites{Name: name}
	byRule := map[string][]diff.Finding{}
	for _, f := range d.Changes {
		byRule[f.Rule] = append(byRule[f.Rule], f)
	}
	rules := diff.RulesOf(d.Schema)
	for _, r := range rules {
		suite := junitSuiteOf(name, r, byRule[r.ID])
		delete(byRule, r.ID)
		suites.Tests, suites.Failures = suites.Tests+suite.Tests, suites.Failures+suite.Failures
		suites.Suites = append(suites.Suites, suite)
	}
	return writeJUnit(w, suites)
}

func junitSuiteOf(name string, r diff.Rule, findings []diff.Finding) junitSuite {
	suite := junitSuite{Name: r.ID}
	if len(findings) == 0 {
		suite.Tests, suite.Cases = 1, []junitCase{{Name: r.ID, Class: name}}
		return suite
	}
	findings = slices.Clone(findings)
	slices.SortStableFunc(findings, func(a, b diff.Finding) int { return strings.Compare(a.View, b.View) })
	for _, f := range findings {
		c := junitCase{Name: strings.TrimSpace(Clean(f.View) + " " + Clean(f.Object)), Class: name + "." + r.ID}
		message, place := findingLine(f), ""
		if f.Location != nil {
			place = fmt.Sprintf("%s:%d\n", Clean(f.Location.File), f.Location.Line)
		}
		switch {
		case f.Suppressed:
			c.Skipped = &junitMessage{Message: "approved: " + Clean(f.SuppressedBy)}
			suite.Skipped++
		case f.Severity == diff.Error:
			c.Failure = &junitMessage{Message: message, Type: r.ID, Text: place + r.Why + "\n" + r.Fix}
			suite.Failures++
		default:
			c.Out = strings.TrimSpace(string(f.Severity) + ": " + message + "\n" + place)
		}
		suite.Tests++
		suite.Cases = append(suite.Cases, c)
	}
	return suite
}
