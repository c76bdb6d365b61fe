package render

import (
	"io"

	"github.com/featureaudit/featureaudit/audit/report"
)

// Options are what a format may know beside the report.
type Options struct {
	// Color allows ANSI colours. The caller decides: only on a terminal, and never with NO_COLOR.
	Color bool
	// Width is where text is wrapped, in columns; 0 means 100.
	Width int
	// Words answers what the catalogue says about a result's check; nil where no catalogue is at hand.
	Words func(res report.Result) Words
	// ReportPath is where the JSON report was written, for outputs that point at it; empty where it was not.
	ReportPath string
}

// Words are what the catalogue says about a check.
type Words struct {
	Why string
	Fix string
}

// Format is one way to write a report.
type Format struct {
	Name string
	// Line says in one line what it is for.
	Line  string
	Write func(w io.Writer, r report.Report, o Options) error
}

// Formats are all formats, sorted by name.
func Formats() []Format {
	return []Format{
		{"flagd", "a flagd flag file: each view's verdict for its consumers", Flagd},
		{"json", "the report itself, " + report.Schema, JSON},
		{"summary", "one compact line of JSON: outcome, headline, counts", SummaryJSON},
		{"text", "the summary that a person reads", Text},
	}
}

// Lookup is the format of that name.
func Lookup(name string) (Format, bool) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}
