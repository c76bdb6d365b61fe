package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
)

// ReportJUnit writes JUnit XML: a suite for each view and a test case for each check. What was found is a failure, what could not be
// looked at an error, what was accepted or does not apply is skipped. A warning passes and says so, as a case of JUnit has no other
// place for it.
func ReportJUnit(w io.Writer, r report.Report, o Options) error {
	outline := NewOutline(r, o.Words)
	suites := junitSuites{Name: "featureaudit"}
	for _, v := range outline.Views {
		if len(v.All) == 0 {
			continue
		}
		suite := junitSuite{Name: v.Name, Timestamp: Clean(r.AsOf)}
		for _, item := range v.All {
			suite.add(item)
		}
		suites.Tests, suites.Failures, suites.Errors = suites.Tests+suite.Tests, suites.Failures+suite.Failures, suites.Errors+suite.Errors
		suites.Suites = append(suites.Suites, suite)
	}
	return writeJUnit(w, suites)
}

func (s *junitSuite) add(item Item) {
	c := junitCase{Name: item.Check, Class: item.View}
	message := clip(item.Says, maxMessageRunes)
	switch item.Result.Outcome {
	case report.Fail:
		c.Failure = &junitMessage{Message: message, Type: item.Check, Text: junitDetails(item)}
		s.Failures++
	case report.Error:
		c.Error = &junitMessage{Message: message, Type: item.Check, Text: junitDetails(item)}
		s.Errors++
	case report.Suppressed:
		c.Skipped = &junitMessage{Message: "accepted: " + clip(Clean(item.Result.SuppressedBy), maxMessageRunes)}
		s.Skipped++
	case report.NotApplicable:
		c.Skipped = &junitMessage{Message: "not applicable: " + message}
		s.Skipped++
	case report.Warn:
		c.Out = "warning: " + message + "\n" + junitDetails(item)
	case report.Pass:
		c.Out = message
	}
	s.Tests++
	s.Cases = append(s.Cases, c)
}

// junitDetails are where it is wrong, whose it is, why it matters and what to do.
func junitDetails(item Item) string {
	var lines []string
	for _, where := range item.Where {
		lines = append(lines, "where: "+clip(where, maxMessageRunes))
	}
	if item.More > 0 {
		lines = append(lines, fmt.Sprintf("where: and %d more", item.More))
	}
	for _, line := range []struct{ name, text string }{{"state", item.State}, {"known", item.Known}, {"owner", item.Owner}, {"why", item.Why}, {"fix", item.Fix}} {
		if line.text != "" {
			lines = append(lines, line.name+": "+line.text)
		}
	}
	return strings.Join(lines, "\n")
}

func writeJUnit(w io.Writer, suites junitSuites) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(suites); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
