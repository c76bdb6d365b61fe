package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/contract"
	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/export"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/aside"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/internal/stage"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// run is one audit under way: how it looks and judges, and what was kept of the views that are done.
type run struct {
	options Options
	asOf    times.Instant
	window  look.Window
	looker  look.Looker
	places  places
	scanner Scanner
	// aside keeps long texts of rows that are written at the end.
	aside        *aside.Texts
	stage        *stage.Stage
	judges       *judges
	suppressions []model.Suppression
	atlas        *zone.Atlas
	// progress is called from one goroutine at a time; nil for none.
	progress func(look.Progress)

	corrections []report.Correction
	judged      leanResults
	results     []report.Result
	duplicates  []export.Duplicate
	badRows     []reproduce.BadRows
	uncovered   []reproduce.BadRows
	// used are the suppressions that accepted a finding, by index.
	used map[int]bool
	// found says that a view has files, or that nobody knows whether it has.
	found  bool
	looked Looked
	closed bool
	// viewBytes are what the rows take of views whose rows are to be fetched, and largeRows says that some are large.
	viewBytes map[string]int64
	largeRows bool
}

func newRun(o Options) *run {
	if o.Mask == nil {
		o.Mask, _ = sensitive.New(nil) // without a key there is nothing wrong with it
	}
	r := &run{options: o, asOf: times.At(o.AsOf), used: map[int]bool{}, atlas: &zone.Atlas{},
		window: look.Window{AsOf: o.AsOf, Range: partition.Range{From: o.RangeFrom, To: o.RangeTo}, Newest: o.NewestOnly}}
	r.suppressions = slices.Clone(o.Suppressions)
	for i, s := range r.suppressions {
		// in the names that the report gives to sensitive sources
		r.suppressions[i] = o.Mask.Suppression(s, o.Views)
	}
	return r
}

// start opens the engines.
func start(ctx context.Context, o Options) (*run, error) {
	r, share, threads := newRun(o), look.ShareOf(o.MemoryLimit), max(1, o.Threads)
	r.stage, r.aside = newStage(o), aside.In(o.TempDir, look.TextsHeld(o.MemoryLimit))
	if o.Long {
		r.judged.holdAbove, r.judged.keep = look.ResultsHeld(o.MemoryLimit), r.aside.Keep
	}
	room := engine.Room{Workers: threads, Runs: share.Runs, TempDir: o.TempDir, SliceRows: share.SliceRows}
	r.places = placesIn(room)
	// the engine that judges has what the one that reads has: a view is judged when its rows were read
	r.judges = newJudges(o.Adapters.OpenJudge, threads, share.Engine, r.places.count)
	if err := r.startEngines(ctx, threads, share.Engine); err != nil {
		return nil, err
	}
	if tell := o.Progress; tell != nil {
		var mu sync.Mutex
		r.progress = func(p look.Progress) {
			mu.Lock()
			defer mu.Unlock()
			tell(p)
		}
	}
	rows := engine.Collector(collect.Collector{Engine: r.scanner, Store: r.stage, Stage: staging{r.stage}, Atlas: r.atlas,
		Kept: o.Facts, Paranoid: o.Paranoid, Distrusts: o.Distrusts, Hasher: o.Mask.Hasher(), Release: o.Tool.DuckDB + " " + o.Tool.Arrow + " " + o.Tool.TZData})
	if o.Adapters.Elsewhere != nil {
		rows = divided{here: rows, elsewhere: o.Adapters.Elsewhere(Elsewhere{Store: r.stage, Stage: staging{r.stage}, Atlas: r.atlas,
			Kept: o.Facts, Paranoid: o.Paranoid, Distrusts: o.Distrusts, Hasher: o.Mask.Hasher(), Release: o.Tool.Arrow + " " + o.Tool.TZData})}
	}
	r.looker = look.Looker{Store: r.stage, Collector: rows, Place: o.Adapters.Place,
		Room: room, RowsLimit: o.RowsLimit, Samples: o.Samples, Aside: r.aside, Progress: r.progress}
	return r, nil
}

// startEngines opens the one that reads beside the first that judges: each starts on one processor.
func (r *run) startEngines(ctx context.Context, threads int, memory int64) error {
	judging := make(chan error, 1)
	go func() { judging <- r.judges.prepare(ctx) }()
	var err error
	if r.scanner, err = r.options.Adapters.OpenScanner(threads, memory, r.options.EngineTempDir); err != nil {
		err = fmt.Errorf("start the engine: %w", err)
	}
	judgeErr := <-judging
	if err == nil && judgeErr == nil {
		return nil
	}
	if err == nil {
		r.scanner.Close()
	}
	return cmp.Or(err, judgeErr, r.judges.close())
}

// divided sends the views whose table is named to the cluster that they lie in, and reads all others here.
type divided struct{ here, elsewhere engine.Collector }

// Collect implements engine.Collector.
func (d divided) Collect(ctx context.Context, o engine.Order) (facts.Collection, error) {
	if o.View.Table.Trino != "" {
		return d.elsewhere.Collect(ctx, o)
	}
	return d.here.Collect(ctx, o)
}

// close lets go of the engines and of what was kept beside them; a second time it does nothing.
func (r *run) close() {
	if r.closed {
		return
	}
	r.closed = true
	r.scanner.Close()
	if r.options.Facts != nil {
		r.options.Facts.Wait() // ends of distant files are kept from where the stage has them
	}
	if err := r.stage.Close(); err != nil {
		r.options.Log.Warn().Err(err).Msg("close what was kept of distant files")
	}
	if err := r.judges.close(); err != nil {
		r.options.Log.Warn().Err(err).Msg("close the judging engines")
	}
}

// views are those selected, sorted by name. They are not copied: of thousands a copy is megabytes, for as long as any is looked at.
func (r *run) views() []*model.View {
	var views []*model.View
	for i := range r.options.Views {
		if v := &r.options.Views[i]; len(r.options.SelectViews) == 0 || slices.Contains(r.options.SelectViews, v.Name) {
			views = append(views, v)
		}
	}
	slices.SortFunc(views, func(a, b *model.View) int { return cmp.Compare(a.Name, b.Name) })
	return views
}

func (r *run) selected(id string) bool {
	return len(r.options.SelectChecks) == 0 || slices.Contains(r.options.SelectChecks, id)
}

// terms are what a view is judged by.
func (r *run) terms(view model.View) evidence.Terms {
	if r.progress != nil {
		r.progress(look.Progress{View: view.Name, Step: "judge"})
	}
	missing, named := r.options.MissingViews[view.Name]
	if !named {
		missing = r.options.Missing
	}
	return evidence.Terms{AsOf: r.asOf, AsOfGiven: r.options.AsOfGiven, Narrowed: r.window.Range.Given() || r.window.Newest, Selected: r.selected,
		Suppressions: r.options.Suppressions, Missing: missing, Samples: r.options.Samples, BadRows: r.options.BadRows, Rank: r.options.Rank, NameFindings: r.options.NameFindings, Mask: r.options.Mask, Atlas: r.atlas}
}

// keep takes what the report and the exports need of a view; its evidence ends here.
func (r *run) keep(f found) error {
	in, judged := f.in, f.judged
	if judged.Results == nil {
		return f.err // it was stopped before it was judged
	}
	r.found = r.found || !in.Empty()
	r.looked.add(in.Collection)
	r.corrections = append(r.corrections, judged.Corrections...)
	if err := r.judged.add(judged.View, judged.Results); err != nil {
		f.err = cmp.Or(f.err, err)
	}
	r.badRows = append(r.badRows, judged.BadRows...)
	if len(judged.BadRows) > 0 {
		r.measure(in.View.Name, in.Survey)
	}
	if r.options.Uncovered && len(in.View.Materialized) > 0 {
		statements := reproduce.NewFetching(zoneproof.NewZones(evidence.NewIndex(in), 0))
		r.uncovered = append(r.uncovered, statements.BadRows(reproduce.Uncovered))
	}
	for _, index := range judged.Used {
		r.used[index] = true
	}
	if in.Collection.Keys == nil || r.options.RowsLimit == 0 {
		return f.err
	}
	// views share the limit, in their order
	rows := in.Collection.Keys.Rows
	rows = rows[:min(len(rows), r.options.RowsLimit-len(r.duplicates))]
	named, err := export.Duplicates(r.options.Mask, in.View, evidence.KeyColumns(in.View), in.Survey.Files, rows, r.aside)
	r.duplicates = append(r.duplicates, named...)
	return cmp.Or(err, f.err)
}

// measure notes how much the rows of a view take, as its footers say.
func (r *run) measure(view string, s facts.Survey) {
	bytes := int64(0)
	for i := range s.Files {
		bytes += s.Files[i].Rows * s.Files[i].RowBytes
		r.largeRows = r.largeRows || s.Files[i].RowBytes >= largeRow
	}
	if r.viewBytes == nil {
		r.viewBytes = map[string]int64{}
	}
	r.viewBytes[view] = bytes
}

func (l *Looked) add(c facts.Collection) {
	l.FilesRead += c.ScannedFiles - c.KnownFiles
	l.RowsRead += c.ScannedRows - c.KnownRows
	l.FilesKnown += c.KnownFiles
	l.RowsKnown += c.KnownRows
	for reason, files := range c.ReadBecause {
		if l.Because == nil {
			l.Because = map[string]int64{}
		}
		l.Because[string(reason)] += files
	}
}

func (r *run) runInput() check.RunInput {
	return check.RunInput{AsOf: r.asOf, HasRange: r.window.Range.Given(), Selected: r.selected, Suppressions: r.suppressions,
		Consumers: r.options.Consumers, Views: r.options.Views, Results: r.results, Held: r.judged.held, Used: r.used, NameFindings: r.options.NameFindings}
}

// finish builds the report of what was judged until the run ended or was stopped.
func (r *run) finish(stopped error) (Audit, error) {
	o := r.options
	in := document.Input{Catalogue: check.Reported(), Tool: o.Tool, AsOf: r.asOf, Status: report.Complete, ConfigDigest: o.ConfigDigest,
		Selection: report.Selection{Views: slices.Sorted(slices.Values(o.SelectViews)), Checks: slices.Sorted(slices.Values(o.SelectChecks))},
		HashKeyID: o.Mask.KeyID(), Definitions: o.Definitions, Views: r.judged.viewed, Corrections: r.corrections, Results: r.results,
		NothingToAudit: stopped == nil && !r.found}
	if r.window.Range.Given() {
		in.Range = r.window.Range.From + ".." + r.window.Range.To
	}
	if stopped != nil {
		in.Status = report.Partial
	}
	done := Audit{Duplicates: r.duplicates, BadRows: r.badRows}
	var err error
	if r.judged.held != nil {
		if done.Long, err = r.long(in); err == nil {
			done.Report = done.Long.Rest
		}
	} else if done.Report, err = document.Build(in); err == nil {
		done.Report, err = contract.WithConsumers(done.Report, o.Consumers)
	}
	if err != nil {
		return Audit{}, err
	}
	if in.NothingToAudit {
		stopped = ErrNothing
	}
	return done, stopped
}

// long is the report of views and results in compact form, to which the results of the run are added.
func (r *run) long(in document.Input) (*report.Long, error) {
	keep := r.judged.keep
	holder := &report.Holder{Keep: func(text string) (string, error) {
		if kept, err := keep(text); err == nil {
			return kept, nil
		}
		return text, nil // one that cannot be kept beside memory is in it, and nothing is lost
	}}
	ofRun, err := holder.Hold(in.Results)
	if err != nil {
		return nil, err
	}
	built, err := document.BuildLong(in, holder, r.judged.heldViews, append(r.judged.held, ofRun...))
	if err != nil {
		return nil, err
	}
	return &built, contract.WithConsumersOfLong(&built, r.options.Consumers)
}
