// Package audit is one straight road: definitions and policy become a plan, footers a survey, rows facts, facts
// results, and results one report. Each step is a call in Run; nothing here reads a clock.
package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/contract"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/store"
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
	// check.MissingIsError.
	Missing      check.Missing
	MissingViews map[string]check.Missing

	// NewestOnly reads the newest partition of each view only: enough to know how fresh it is, and no audit of the rest.
	NewestOnly bool

	// SelectViews and SelectChecks narrow the run; empty means everything.
	SelectViews, SelectChecks []string

	Threads int
	// MemoryLimit is for the whole process, in bytes; 0 means DefaultMemory.
	MemoryLimit int64
	// TempDir is where key and entity runs spill, to files without a name.
	TempDir string
	// EngineTempDir is a folder that the engine may make to spill into; the caller removes it. Empty turns that off.
	EngineTempDir string
	// RowsLimit caps Audit.Duplicates.
	RowsLimit int
	// Mask names what is sensitive, in all that the run leaves behind; nil shows none of it.
	Mask *sensitive.Mask
	// Rank orders the findings of a result by what is known of them, as check.Input says; nil ranks all alike.
	Rank func(fingerprint string, bad int64) int
	// Samples is how many values of key and entity columns a finding may show; 0 shows none.
	Samples int

	// Adapters reach files and engines; Tool names their versions in the report.
	Adapters Adapters
	Tool     report.Tool
	Log      zerolog.Logger
	// Progress is called from one goroutine at a time; nil for none.
	Progress func(Progress)
}

// Within is the range as the report writes it; empty without one.
func (o Options) Within() string {
	if o.RangeFrom == "" && o.RangeTo == "" {
		return ""
	}
	return o.RangeFrom + ".." + o.RangeTo
}

func (o Options) missing(view string) check.Missing {
	if own, named := o.MissingViews[view]; named {
		return own
	}
	return o.Missing
}

// DefaultMemory is the memory limit of a run that names none.
const DefaultMemory = 2 << 30

// Adapters open what a run looks through.
type Adapters struct {
	Store store.Store
	// OpenScanner starts an engine that reads rows, within so many threads and bytes, spilling to tempDir.
	OpenScanner func(threads int, memory int64, tempDir string) (Scanner, error)
	// OpenJudge starts an engine that sees fact tables only.
	OpenJudge func(ctx context.Context, threads int) (Judge, error)
}

// Scanner is an engine that reads rows, until it is closed.
type Scanner interface {
	engine.Scanner
	Close()
}

// Judge is an engine that judges fact tables, until it is closed.
type Judge interface {
	engine.Judge
	Close() error
}

// Progress says how far a run is.
type Progress struct {
	View       string
	Step       string // "list", "survey", "scan", "verify", "judge"
	FilesDone  int64
	FilesTotal int64
	RowsDone   int64
	RowsTotal  int64
}

// Audit is what a run leaves behind: the report, and the rows that only --out duplicates wants.
type Audit struct {
	Report     report.Report
	Duplicates []ViewDuplicates
	// BadRows say how the rows are fetched that only --out rows wants.
	BadRows []check.BadRows
}

// ViewDuplicates are the repeated rows of one view, as far as they were kept.
type ViewDuplicates struct {
	View  model.View
	Files []facts.File
	facts.Duplicates
}

// ErrNothing says that there is nothing to audit: no view, or no view with a file.
var ErrNothing = errors.New("nothing to audit")

// Run audits the views of the options. A report is returned even with an error or a cancelled context, whose report
// is marked partial; its Execution block is left for the caller to fill.
func Run(ctx context.Context, o Options) (Audit, error) {
	r, err := start(ctx, o)
	if err != nil {
		return Audit{}, err
	}
	defer r.close()
	var inputs []check.Input
	var results []report.Result
	var duplicates []ViewDuplicates
	var badRows []check.BadRows
	used := map[int]bool{}
	clean := map[string]check.Span{}
	bad := map[string]check.BadByPartition{}
	var stopped error
	for _, view := range r.views() {
		input, err := r.look(ctx, view)
		if err != nil {
			stopped = err
			break
		}
		r.tell(Progress{View: view.Name, Step: "judge"})
		judgement, err := check.JudgeView(ctx, r.judge, input)
		inputs = append(inputs, input)
		results = append(results, judgement.Results...)
		badRows = append(badRows, judgement.BadRows...)
		bad[view.Name] = judgement.BadByPartition
		if judgement.Clean != nil {
			clean[view.Name] = *judgement.Clean
		}
		if err != nil {
			stopped = err
			break
		}
		for _, index := range judgement.Used {
			used[index] = true
		}
		if input.Collection.Keys != nil && input.Collection.Keys.RepeatedKeys > 0 {
			// views share the limit, in their order
			r.options.RowsLimit = max(0, r.options.RowsLimit-len(input.Collection.Keys.Rows))
			duplicates = append(duplicates, ViewDuplicates{View: input.View, Files: input.Survey.Files, Duplicates: *input.Collection.Keys})
		}
	}
	if stopped == nil {
		results = append(results, check.JudgeRun(check.RunInput{AsOf: r.asOf, HasRange: r.window.Given(), Selected: r.selected,
			Suppressions: r.suppressions(), Consumers: o.Consumers, Views: o.Views, Results: results, Used: used})...)
	}
	in := r.reportInput(inputs, results, stopped)
	in.Clean, in.Bad = clean, bad
	in.NothingToAudit = stopped == nil && !r.blocked && !slices.ContainsFunc(inputs, func(in check.Input) bool { return len(in.Survey.Files) > 0 })
	built, err := check.BuildReport(in)
	if err != nil {
		return Audit{}, err
	}
	built, err = contract.WithConsumers(built, o.Consumers)
	if err != nil {
		return Audit{}, err
	}
	if in.NothingToAudit {
		stopped = ErrNothing
	}
	return Audit{Report: built, Duplicates: duplicates, BadRows: badRows}, stopped
}

func (r *run) reportInput(inputs []check.Input, results []report.Result, stopped error) check.ReportInput {
	in := check.ReportInput{Tool: r.options.Tool, AsOf: r.asOf, Status: report.Complete, ConfigDigest: r.options.ConfigDigest,
		Selection: report.Selection{Views: slices.Sorted(slices.Values(r.options.SelectViews)), Checks: slices.Sorted(slices.Values(r.options.SelectChecks))},
		HashKeyID: r.options.Mask.KeyID(), Definitions: r.options.Definitions, Views: inputs, Results: results}
	if r.window.Given() {
		in.Range = r.window.From + ".." + r.window.To
	}
	if stopped != nil {
		in.Status = report.Partial
	}
	return in
}

// start opens the engines.
func start(ctx context.Context, o Options) (*run, error) {
	r := newRun(o)
	scanner, err := o.Adapters.OpenScanner(r.threads, r.memory.engine, o.EngineTempDir)
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	judge, err := o.Adapters.OpenJudge(ctx, r.threads)
	if err != nil {
		scanner.Close()
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	r.scanner, r.judge = scanner, judge
	return r, nil
}
