// Package audit is one straight road: definitions and policy become a plan, footers a survey, rows facts, facts
// results, and results one report. Each step is a call in Run; nothing here reads a clock.
package audit

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

// Options are what one run is asked to do.
type Options struct {
	// Views to audit, resolved; Suppressions and Consumers apply to the whole run.
	Views        []model.View
	Suppressions []model.Suppression
	Consumers    []model.Consumer
	Definitions  []report.Definition
	ConfigDigest string

	// AsOf is the instant judged from; AsOfGiven says that the user chose it (and did not leave it to the start of the run or the end of the range).
	AsOf      time.Time
	AsOfGiven bool
	// RangeFrom and RangeTo are partition dates, both included; empty without --range.
	RangeFrom, RangeTo string

	// SelectViews and SelectChecks narrow the run; empty means everything.
	SelectViews, SelectChecks []string

	Threads int
	// MemoryLimit is for the whole process, in bytes.
	MemoryLimit int64
	TempDir     string
	// RowsLimit caps Audit.Duplicates.
	RowsLimit int

	Version string
	Log     zerolog.Logger
	// Progress is called from one goroutine at a time; nil for none.
	Progress func(Progress)
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
	Report report.Report
}

// ErrNothing says that there is nothing to audit: no view, or no view with a file.
var ErrNothing = errors.New("nothing to audit")

// Run audits the views of the options. A report is returned even with an error or a cancelled context, whose report
// is marked partial; its Execution block is left for the caller to fill.
func Run(ctx context.Context, o Options) (Audit, error) {
	return Audit{}, errors.New("not built yet")
}
