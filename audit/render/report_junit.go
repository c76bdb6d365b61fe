package render

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
)

// ReportJUnit writes JUnit XML: a suite for each view and a test case for each check. What was found is a failure, what could not be
// looked at an error, what was accepted or does not apply is skipped. A warning passes and says so, as a case of JUnit has no other
// place for it.
func ReportJUnit(w io.Writer, r report.Report, o Options) error {
	return tellingOf(r, o.Words, maxNames).junit(w)
}

// ReportJUnitOfLong is ReportJUnit of a long report, whose views are looked at one at a time.
func ReportJUnitOfLong(w io.Writer, l report.Long, o Options) error {
	t, err := tellingOfLong(l, o.Words, maxNames)
	if err != nil {
		return err
	}
	return t.junit(w)
}

func (t telling) junit(w io.Writer) error {
	totals := junitTotals{name: "featureaudit"}
	for _, m := range t.marks {
		totals.tests, totals.failures, totals.errors = totals.tests+m.results, totals.failures+m.failed, totals.errors+m.errors
	}
	return writeJUnit(w, totals, func(yield func(junitSuite, error) bool) {
		for v, err := range t.views(func(m mark) bool { return m.results > 0 }) {
			suite := junitSuite{Name: v.Name, Timestamp: Clean(t.rest.AsOf)}
			for _, item := range v.All {
				suite.add(item)
			}
			if !yield(suite, err) {
				return
			}
		}
	})
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

// writeJUnit writes suites one by one, below their totals.
func writeJUnit(w io.Writer, totals junitTotals, suites iter.Seq2[junitSuite, error]) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	top := xml.StartElement{Name: xml.Name{Local: "testsuites"}}
	for _, one := range []struct {
		name  string
		value any
	}{{"name", totals.name}, {"tests", totals.tests}, {"failures", totals.failures}, {"errors", totals.errors}} {
		top.Attr = append(top.Attr, xml.Attr{Name: xml.Name{Local: one.name}, Value: fmt.Sprint(one.value)})
	}
	if err := enc.EncodeToken(top); err != nil {
		return err
	}
	for suite, err := range suites {
		if err == nil {
			err = enc.EncodeElement(suite, xml.StartElement{Name: xml.Name{Local: "testsuite"}})
		}
		if err != nil {
			return err
		}
	}
	if err := errors.Join(enc.EncodeToken(top.End()), enc.Close()); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
