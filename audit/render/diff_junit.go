package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/diff"
)

// junitTotals are what the suites of a document have together.
type junitTotals struct {
	name                    string
	tests, failures, errors int
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
	totals := junitTotals{name: name}
	var suites []junitSuite
	byRule := map[string][]diff.Finding{}
	for _, f := range d.Changes {
		byRule[f.Rule] = append(byRule[f.Rule], f)
	}
	rules := diff.RulesOf(d.Schema)
	for _, r := range rules {
		suite := junitSuiteOf(name, r, byRule[r.ID])
		delete(byRule, r.ID)
		totals.tests, totals.failures = totals.tests+suite.Tests, totals.failures+suite.Failures
		suites = append(suites, suite)
	}
	return writeJUnit(w, totals, func(yield func(junitSuite, error) bool) {
		for _, suite := range suites {
			if !yield(suite, nil) {
				return
			}
		}
	})
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
