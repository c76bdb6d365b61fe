package render

import (
	"io"
	"time"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/report"
)

// Options are what a format may know beside the document.
type Options struct {
	// Color allows ANSI colours. The caller decides: only on a terminal, and never with NO_COLOR.
	Color bool
	// Width is where text is wrapped, in columns; 0 means 100.
	Width int
	// Whole asks the text for everything; without it the text is short, and says how to see the rest.
	Whole bool
	// Words answers what the catalogue says about a result's check; nil where no catalogue is at hand.
	Words func(res report.Result) Words
	// ReportPath is where the JSON report was written, for outputs that point at it; empty where it was not.
	ReportPath string
	// ReportURL is where people can open the report, for digests; empty where they cannot.
	ReportURL string
	// Owner is whom a digest is for; empty for all. The report is that of the owner already.
	Owner string
	// Remind is after how long a digest tells again what is still open; 0 for never.
	Remind time.Duration
}

// Words are what the catalogue says about a check.
type Words struct {
	Why string
	Fix string
}

// Format is one way to write what featureaudit found. It writes reports of audits, documents of diff and lint, or both.
type Format struct {
	Name string
	// Line says in one line what it is for.
	Line string
	// Report writes the report of an audit, Diff what diff or lint found; nil where the format does not write it.
	Report func(w io.Writer, r report.Report, o Options) error
	// Long writes the same bytes of a long report, a view at a time; nil where the format wants all of it as values.
	Long func(w io.Writer, l report.Long, o Options) error
	Diff func(w io.Writer, d diff.Document, o Options) error
	// Lacks says why one of the two is not written, and what to use instead.
	Lacks string
}

// Formats are all formats, sorted by name.
func Formats() []Format {
	return []Format{
		{Name: "dbt-sources", Line: "dbt's sources.json, v3: the freshness of each view", Report: DBTSources,
			Lacks: "it holds how fresh data is, which diff and lint do not look at: use json"},
		{Name: "flagd", Line: "a flagd flag file: each view's verdict for its consumers", Report: Flagd,
			Lacks: "it holds verdicts on data, which diff and lint do not look at: audit the data with featureaudit run"},
		{Name: "github", Line: "annotations for GitHub Actions: the ten worst, and how many more", Report: ReportGitHub, Long: ReportGitHubOfLong, Diff: DiffGitHub},
		{Name: "html", Line: "one page for people: what is wrong, where, why and what to do, with pictures", Report: HTML, Long: HTMLOfLong,
			Lacks: "what diff and lint found is read where the change is: use markdown or text"},
		{Name: "json", Line: "the document itself, " + report.Schema + ", " + diff.DiffSchema + " or " + diff.LintSchema, Report: JSON, Long: JSONOfLong, Diff: DiffJSON},
		{Name: "junit", Line: "JUnit XML: a test case for each view and check, or each rule and finding", Report: ReportJUnit, Long: ReportJUnitOfLong, Diff: DiffJUnit},
		{Name: "markdown", Line: "a step summary or a comment for a pull request, under 1 MiB", Report: ReportMarkdown, Long: ReportMarkdownOfLong, Diff: DiffMarkdown},
		{Name: "odcs", Line: "a contract of ODCS v3.1.0, each result beside its quality rule", Report: ODCS,
			Lacks: "it holds verdicts on data, which diff and lint do not look at: use json"},
		{Name: "openlineage", Line: "an event of OpenLineage 2-0-2 in one line: assertions, metrics and tests", Report: OpenLineage,
			Lacks: "it holds verdicts on data, which diff and lint do not look at: use json"},
		{Name: "openmetadata", Line: "test definitions, cases and results for the API of OpenMetadata 2.1", Report: OpenMetadata,
			Lacks: "it holds verdicts on data, which diff and lint do not look at: use json"},
		{Name: "pagerduty", Line: "a digest for PagerDuty: an event of its Events API v2, without the routing key", Report: PagerDuty, Long: PagerDutyOfLong, Lacks: digestLacks},
		{Name: "prometheus", Line: "gauges for the textfile collector of Prometheus", Report: Prometheus,
			Lacks: "it holds verdicts on data, which diff and lint do not look at: use json"},
		{Name: "sarif", Line: "SARIF 2.1.0 for code scanning", Diff: DiffSARIF,
			Lacks: "it points at lines of definitions, which an audit of data does not judge: use json"},
		{Name: "slack", Line: "a digest for Slack: what is new, worse, resolved or due for a reminder", Report: Slack, Long: SlackOfLong, Lacks: digestLacks},
		{Name: "summary", Line: "one compact line of JSON: outcome, headline, counts", Report: SummaryJSON, Long: SummaryJSONOfLong, Diff: DiffSummary},
		{Name: "teams", Line: "a digest for Microsoft Teams: one adaptive card", Report: Teams, Long: TeamsOfLong, Lacks: digestLacks},
		{Name: "text", Line: "the summary that a person reads", Report: Text, Long: TextOfLong, Diff: DiffText},
	}
}

// digestLacks says why definitions have no digest.
const digestLacks = "a digest says what is new since other nights, and a change of definitions is read where it is made: use markdown"

// Lookup is the format of that name.
func Lookup(name string) (Format, bool) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}
