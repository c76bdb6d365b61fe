// Package audit is one straight road: definitions and policy become a plan, footers a survey, rows facts, facts
// results, and results one report. Each step is a call in Run; nothing here reads a clock.
package audit

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/export"
	"github.com/featureaudit/featureaudit/audit/internal/aside"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// Options are what one run is asked to do.
type Options struct {
	// Views to audit, resolved; Suppressions and Consumers apply to the whole run.
	Views        []model.View
	Suppressions []model.Suppression
	Consumers    []model.Consumer
	Definitions  []report.Definition
	ConfigDigest string

	// AsOf is the instant judged from; AsOfGiven says that the user chose it (and did not leave it to the start of the
	// run or the end of the range).
	AsOf      time.Time
	AsOfGiven bool
	// RangeFrom and RangeTo are partition dates, both included; empty without --range.
	RangeFrom, RangeTo string

	// Missing is what it means that a view has no files, and MissingViews what it means for these views by name; "" is
	// evidence.MissingIsError.
	Missing      evidence.Missing
	MissingViews map[string]evidence.Missing

	// NewestOnly reads the newest partition of each view only: enough to know how fresh it is, and no audit of the rest.
	NewestOnly bool

	// SelectViews and SelectChecks narrow the run; empty means everything.
	SelectViews, SelectChecks []string

	Threads int
	// MemoryLimit is for the whole process, in bytes; 0 means look.DefaultMemory.
	MemoryLimit int64
	// TempDir is where key and entity runs spill, to files without a name.
	TempDir string
	// StageLimit is what parts of distant files may take in TempDir at once, in bytes; 0 is a quarter of what is free there.
	StageLimit int64
	// StageShared says that kept facts of a bucket have a quarter of it.
	StageShared bool
	// EngineTempDir is a folder that the engine may make to spill into; the caller removes it. Empty turns that off.
	EngineTempDir string
	// RowsLimit caps Audit.Duplicates, and of Audit.Rows, and BadRows says that the latter are wanted.
	RowsLimit int
	BadRows   bool
	// Facts knows what earlier runs learnt of files, and takes what this one learns; nil for none. Paranoid says that none of it is
	// trusted: all is read. Distrusts names files by path that are read again; nil for none.
	Facts     *kept.Dir
	Paranoid  bool
	Distrusts func(path string) bool
	// Mask names what is sensitive, in all that the run leaves behind; nil shows none of it.
	Mask *sensitive.Mask
	// Rank orders the findings of a result by what is known of them, as evidence.Input says; nil ranks all alike.
	Rank func(fingerprint string, bad int64) int
	// NameFindings says that a history or an output wants every finding by name, and not the worst of each result alone.
	NameFindings bool
	// Samples is how many values of key and entity columns a finding may show; 0 shows none.
	Samples int

	// Uncovered says that rows are counted that no materialisation of the registry covers, of views that have any.
	Uncovered bool

	// Long says that the caller takes Audit.Long for a report, where its results are too many to be held as values.
	Long bool

	// Adapters reach files and engines; Tool names their versions in the report.
	Adapters Adapters
	Tool     report.Tool
	Log      zerolog.Logger
	// Progress is called from one goroutine at a time; nil for none.
	Progress func(look.Progress)
}

// Within is the range as the report writes it; empty without one.
func (o Options) Within() string {
	if o.RangeFrom == "" && o.RangeTo == "" {
		return ""
	}
	return o.RangeFrom + ".." + o.RangeTo
}

// Adapters open what a run looks through.
type Adapters struct {
	Store store.Store
	// OpenScanner starts an engine that reads rows, within so many threads and bytes, spilling to tempDir.
	OpenScanner func(threads int, memory int64, tempDir string) (Scanner, error)
	// Elsewhere counts the rows of views whose table is named in the cluster that they lie in; nil where there is none.
	Elsewhere func(with Elsewhere) engine.Collector
	// Place finds where the files of such a view lie; nil where there is none.
	Place func(ctx context.Context, v model.View) (model.View, error)
	// OpenJudge starts an engine that sees fact tables only.
	OpenJudge func(ctx context.Context) (Judge, error)
}

// Elsewhere is what the rows of a cluster are counted with: the store, zones that were read, and the facts of files that are kept and
// what they rest on, as in Options; Stage has the ends of distant files.
type Elsewhere struct {
	Store     store.Store
	Atlas     *zone.Atlas
	Kept      *kept.Dir
	Paranoid  bool
	Distrusts func(path string) bool
	Hasher    *sensitive.Hasher
	Release   string
	Stage     collect.Stage
}

// Scanner is an engine that reads rows, until it is closed.
type Scanner interface {
	engine.Scanner
	engine.RowReader
	// Resize gives the engine another memory limit, in bytes, and so many threads. No query may be running.
	Resize(memory int64, threads int) error
	Close()
}

// Judge is an engine that judges fact tables, until it is closed.
type Judge interface {
	engine.Judge
	// Confine bounds the engine to so many threads and bytes. It is called once, before anything is judged.
	Confine(threads int, memory int64) error
	Close() error
}

// Audit is what a run leaves behind: the report, and the rows that only --out duplicates wants, at most Options.RowsLimit.
type Audit struct {
	Report report.Report
	// Long is the report where Options.Long allows that and the results are large, and Report is all but its results then; nil else. It holds
	// until Close.
	Long       *report.Long
	Duplicates []export.Duplicate
	// BadRows say how the rows are fetched that only --out rows wants, and Rows are those, at most Options.RowsLimit of all checks
	// together. RowNotes say what is not among them, and RowsErr why they could not be fetched.
	BadRows  []reproduce.BadRows
	Rows     []export.Row
	RowNotes []string
	RowsErr  error
	// Uncovered are the rows of files that no materialisation covers, where that was asked for.
	Uncovered []Uncovered
	// Looked is how much was read, and how much was known.
	Looked Looked
	// FactsErr is why nothing of what the run learnt could be kept.
	FactsErr error

	aside *aside.Texts
}

// Close gives back the space of long texts of Duplicates and Rows, which may not be looked at afterwards. Without long ones it does nothing.
func (a Audit) Close() error { return a.aside.Close() }

// Looked counts the files whose rows were looked at, and their rows: those that were read, and those whose facts were kept by an earlier
// run.
type Looked struct {
	FilesRead, RowsRead, FilesKnown, RowsKnown int64
	// Because says of files that were read why facts of earlier runs were not used, by reason; nil without kept facts.
	Because map[string]int64
}

// ErrNothing says that there is nothing to audit: no view, or no view with a file.
var ErrNothing = errors.New("nothing to audit")

// Run audits the views of the options, side by side where there is room: look, judge, let go. A report is returned even with an error
// or a cancelled context, whose report is marked partial; its Execution block is left for the caller to fill.
func Run(ctx context.Context, o Options) (Audit, error) {
	r, err := start(ctx, o)
	if err != nil {
		return Audit{}, err
	}
	defer r.close()
	var stopped error
	views := r.views()
	r.judged.views = len(views)
	for found := range r.sideBySide(ctx, views) {
		if stopped = r.keep(found); stopped != nil {
			break
		}
	}
	var fetched Audit
	if o.BadRows {
		fetched.Rows, fetched.RowNotes, fetched.RowsErr = r.fetchRows(ctx)
	}
	if o.Uncovered && stopped == nil {
		fetched.Uncovered = r.countUncovered(ctx)
	}
	r.close() // the report of thousands of views needs what the engines have
	if r.judged.held == nil {
		r.results = r.judged.all(len(check.Catalogue()))
	}
	if stopped == nil {
		r.results = append(r.results, check.JudgeRun(r.runInput())...)
	}
	done, err := r.finish(stopped)
	done.Looked, done.aside = r.looked, r.aside
	done.Rows, done.RowNotes, done.RowsErr, done.Uncovered = fetched.Rows, fetched.RowNotes, fetched.RowsErr, fetched.Uncovered
	if o.Facts != nil {
		done.FactsErr = o.Facts.Commit(kept.Note{By: o.Tool.Version, AsOf: r.asOf, HashKeyID: o.Mask.KeyID(), Paranoid: o.Paranoid})
		if stopped == nil { // what a run that was stopped found rewritten is in no report yet
			done.FactsErr = errors.Join(done.FactsErr, o.Facts.Looks().Commit(o.Tool.Version, r.asOf), o.Facts.Tidy(ctx, o.Tool.Version))
		}
	}
	return done, err
}
