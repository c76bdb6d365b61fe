package check

import (
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

// Scope is what one result of a check is about.
type Scope int

// The scopes. The zero value is invalid on purpose.
const (
	ScopeView Scope = iota + 1
	ScopeRun
)

// The units that rows_total and rows_bad count.
const (
	UnitRows         = "rows"
	UnitEntities     = "entities"
	UnitPartitions   = "partitions"
	UnitFiles        = "files"
	UnitView         = "view"
	UnitSuppressions = "suppressions"
	UnitContracts    = "contracts"
	UnitEntries      = "entries"
)

// Needs is what a definition must have before a check can be judged. What is unmet makes the result not_applicable;
// a declared column that is in no file makes it an error.
type Needs struct {
	// Files: the view has files. Footers: the verdict rests on them, so that what could not be read of them takes the pass
	// away, as it does where Wants asks for rows.
	Files         bool
	Footers       bool
	EventTime     bool
	IngestedAt    bool
	TTL           bool
	Entity        bool
	Key           bool
	TimePartition bool
}

// ParamKind is the type of a parameter.
type ParamKind string

// The kinds of parameters.
const (
	ParamInteger  ParamKind = "integer"
	ParamFraction ParamKind = "fraction"
	ParamNumber   ParamKind = "number"
	ParamSeverity ParamKind = "severity"
)

// Param is a setting of one check, beside severity and max_fraction, which all have.
type Param struct {
	Name string
	Kind ParamKind
	// Default in words.
	Default string
	Doc     string
}

// Check is one line of the catalogue.
type Check struct {
	ID    string
	Title string
	// Why says what goes wrong for a consumer, Fix what to do about it; both in plain sentences.
	Why   string
	Fix   string
	Since string

	Scope    Scope
	Severity report.Severity
	Evidence report.Evidence
	// Unit is what rows_total and rows_bad count.
	Unit  string
	Needs Needs
	// Wants is what must be gathered for it.
	Wants  facts.Wants
	Params []Param
	// Fractional says that max_fraction and min_rows apply.
	Fractional bool
	// WholeView says that --range does not narrow the files that the verdict rests on.
	WholeView bool
	// Query says that sql/checks/<id>.sql judges.
	Query bool

	// Backfilled says that it tells of what a backfill may have brought: verify judges it before and after.
	Backfilled bool
	// Remembers says that it judges what changed since an earlier look, which no store shows by itself.
	Remembers bool
	// OnlyGiven says that there is a result of it only where something was given that it judges: a report has no line for it else.
	OnlyGiven bool

	// backfillFix is what to do where a backfill may be all that was found.
	backfillFix string
	// rule is, in plain words that are wrapped for a terminal, what Go judges by where no SQL does.
	rule string
	// severityWords say when which severity holds, where severity decides.
	severityWords string
	// advisory says that a finding is advice: it never changes what a consumer is told of the view.
	advisory bool

	// clocked says that event times are compared with another clock, so that the verdict rests on their zone.
	clocked bool
	// feeds are the subjects of a verdict that is judged once in each zone which their times may have been stamped in; ok is false
	// where the facts do not say. late and timely are the words for its two sides, else "stale" and "fresh".
	feeds        func(*zoneproof.Zones) (subjects [][]zoneproof.Feed, ok bool)
	late, timely string
	// certain says whether a verdict without feeds is the same in every zone; ok is false where the facts do not say.
	certain func(*viewEvidence) (certain, ok bool)

	// unsettles says that a finding makes event times incomparable as they are, so that corrections are planned.
	unsettles bool
	// about says that SQL may return some more or less rows than were counted: of an estimate, and of pairs that share a row.
	about bool
	// tellsOfFiles says that the check tells for all others of its view that it has no files.
	tellsOfFiles bool

	// readsRows says whether footers do not answer it for a view, so that its rows are read; nil for never.
	readsRows func(model.View, facts.Survey) bool
	// ownRows says that what it reads then of a partition are rows of that partition alone.
	ownRows bool
	// idle says that a view's definition alone leaves it nothing to judge, so that nothing is gathered for it.
	idle func(model.View) bool

	// judge judges where Query is false, judgeRun where the scope is the run.
	judge    func(*viewEvidence) (verdict, error)
	judgeRun func(RunInput) verdict
	// arrival says whether the verdict rests on ingested_at too, for checks that can do without.
	arrival func(*viewEvidence) bool
	// applies gives a further reason for not_applicable, or "".
	applies func(*viewEvidence) string
	// unit, severity and nothing override the fields above and the reason of a result that looked at nothing.
	unit     func(*viewEvidence) string
	severity func(*viewEvidence) report.Severity
	nothing  func(*viewEvidence) string
	// sound gives the query's verdict where it counts nothing bad, from the same facts, so that no engine is asked; it is not ok where anything is
	// bad, or may be. Rows of which nothing is to be said may be added up in one.
	sound func(*viewEvidence) (v verdict, ok bool)
	// params are the $values of the query.
	params func(*viewEvidence) map[string]any
	// measures are those of the whole result, known before the verdict.
	measures func(*viewEvidence) map[string]any
	// revise corrects what a query judged, before findings are picked.
	revise func(*viewEvidence, *verdict) error
	// finish adds measures that follow from the verdict, or says that there is none after all.
	finish func(*viewEvidence, *verdict)
	// reproduce gives SQL that returns what was counted, or says why no one statement can.
	reproduce func(*reproduce.Statements) (sql, missing string)
	// bad and good complete the sentences "12 of 60 rows ..." and "all 60 rows ...".
	bad, good func(*viewEvidence) string
	// aside adds to the message of a result, with findings or without, what its counts alone do not say.
	aside func(*viewEvidence) string
	// describe replaces the sentence of a finding, headline that of the result; detail is appended to the latter.
	describe func(*viewEvidence, row) string
	headline func(*viewEvidence, verdict) string
	// because says why so many rows are bad, of these findings; it follows their sentence.
	because func(b *viewEvidence, bad int64, findings []row) string
	detail  func(*viewEvidence, verdict) string
	// detailOfFindings says that detail speaks of the verdict's findings alone, and not of the whole view: only such a
	// detail is true of what some suppressions leave over.
	detailOfFindings bool
}

// verdict is what judging gives: one row for each subject.
type verdict struct {
	rows []row
	// goods counts subjects of one each that are not bad, and of which nothing is to be said, by source: a row for each of 100,000 files
	// takes 20 MB.
	goods    map[string]int64
	measures report.Measures
	// notApplicable is the reason for which there is nothing to judge after all.
	notApplicable string
	// unable makes the findings an error: the audit could not look. retryable says that another try may cure it.
	unable    bool
	retryable bool

	total, bad int64
	findings   []row
}

// good counts a subject of one that is not bad.
func (v *verdict) good(source string) {
	if v.goods == nil {
		v.goods = map[string]int64{}
	}
	v.goods[source]++
}

// row is one subject's count.
type row struct {
	subject    report.Subject
	total, bad int64
	measures   report.Measures
	message    string
	// tell gives the two above where a finding is told: of 100,000 of a kind 20 are. Nil where they are there.
	tell func() (message string, measures report.Measures)
	// partitions are those of a pool of small subjects.
	partitions []string
	suppressed bool
	// lasting stands for the subject's object in the fingerprint, where the object itself may have another name in the next report.
	lasting string
	// The texts of a query's row, parsed only where they are needed: most rows are clean.
	rawSubject, rawMeasures string
}

func always(text string) func(*viewEvidence) string {
	return func(*viewEvidence) string { return text }
}
