package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/collect"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/keys"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// look gathers the facts of one view, its sources under the names that the report gives them. What could not be looked at is in
// the input, as failures and problems; the error is a cancelled context only.
func (r *run) look(ctx context.Context, view model.View) (check.Input, error) {
	in, err := r.gather(ctx, view)
	in.Mask = r.options.Mask
	if in.Sources = in.Mask.Sources(&in.View, &in.Survey, &in.Collection); in.Sources != nil {
		in.Suppressions = slices.Clone(in.Suppressions)
		for i, s := range in.Suppressions {
			if s.View == "" || s.View == in.View.Name {
				in.Suppressions[i].Source = in.Mask.Source(in.View, s.Source)
			}
		}
	}
	if d := in.Collection.Keys; d != nil {
		d.HiddenMeasures = sensitive.Without(in.View, d)
	}
	return in, err
}

// gather is look in the names of the data.
func (r *run) gather(ctx context.Context, view model.View) (check.Input, error) {
	in := check.Input{View: view, AsOf: r.asOf, AsOfGiven: r.options.AsOfGiven, HasRange: r.window.Given() || r.options.NewestOnly, Selected: r.selected,
		Suppressions: r.options.Suppressions, Missing: r.options.missing(view.Name), Samples: r.options.Samples, Rank: r.options.Rank}
	if view.NoFiles != "" {
		return in, nil
	}
	r.tell(Progress{View: view.Name, Step: "list"})
	listing, resolved, notes, err := survey.Plan(ctx, r.options.Adapters.Store, view, r.options.AsOf, r.window)
	in.View = resolved
	if err != nil {
		var none *store.NoMatchError
		r.blocked = r.blocked || !errors.As(err, &none)
		in, err = r.failed(ctx, in, nil, err)
		for i := range in.Failures {
			in.Failures[i].NoFiles = none != nil
		}
		return in, err
	}
	if r.options.NewestOnly {
		listing = newestOnly(resolved, listing)
	}
	surveyed, err := survey.Survey(ctx, r.options.Adapters.Store, listing, survey.RolesOf(resolved), r.threads, func(done int) {
		r.tell(Progress{View: view.Name, Step: "survey", FilesDone: int64(done), FilesTotal: int64(len(listing.Files))})
	})
	if err != nil {
		return in, err
	}
	surveyed.Notes = append(notes, surveyed.Notes...)
	if check.WantsOf(resolved, surveyed, r.selected).Has(facts.WantCopies) {
		if surveyed.CopyOf, err = survey.Copies(ctx, r.options.Adapters.Store, surveyed, r.threads); err != nil {
			return in, err
		}
	}
	in.Survey = surveyed
	if r.refuse(&in) {
		return in, nil
	}
	if err := r.collect(ctx, &in); err != nil {
		return in, err
	}
	changed := movingFiles(in)
	if len(changed) == 0 {
		return in, nil
	}
	// a writer is at work in an open partition: look once more, then leave out what changes again, and name it
	for _, id := range changed {
		if err := survey.Refresh(ctx, r.options.Adapters.Store, &in.Survey, id, survey.RolesOf(resolved)); err != nil {
			return in, err
		}
	}
	if err := r.collect(ctx, &in); err != nil {
		return in, err
	}
	leaveOut(&in, changed)
	return in, nil
}

// refuse records which keys of a definition name columns in vain, and says whether no row may be read: what a mistyped sensitive
// column should hide is not known.
func (r *run) refuse(in *check.Input) (all bool) {
	for _, refused := range survey.Refuse(in.View, in.Survey) {
		f := check.Failure{Reason: refused.Reason}
		switch refused.Key {
		case "sensitive":
			all = true
		case "source":
			f.Checks = check.RowChecks(in.View, in.Survey)
		default:
			f.Checks = check.RestingOn(facts.WantKeys)
		}
		in.Failures = append(in.Failures, f)
	}
	return all
}

// failed records a step that could not be done; checks that rest on it are errors.
func (r *run) failed(ctx context.Context, in check.Input, checks []string, err error) (check.Input, error) {
	if cause := context.Cause(ctx); cause != nil {
		return in, cause
	}
	in.Failures = append(in.Failures, check.Failure{Checks: checks, Reason: err.Error(), Retryable: retryable(err)})
	return in, nil
}

// retryable says whether another try may cure an error: everything the system said may, what is wrong with the data or
// the definitions may not.
func retryable(err error) bool {
	var say interface{ Retryable() bool }
	return errors.As(err, &say) && say.Retryable()
}

// collect reads the rows of a surveyed view, if a check wants them.
func (r *run) collect(ctx context.Context, in *check.Input) error {
	view, surveyed := in.View, in.Survey
	in.Collection, in.Failures = facts.Collection{}, nil
	r.refuse(in)
	rows, files := int64(0), int64(len(surveyed.Files))
	for _, f := range surveyed.Files {
		rows += f.Rows
	}
	request := r.request(view, surveyed, func(step string, filesDone, rowsDone int64) {
		r.tell(Progress{View: view.Name, Step: step, FilesDone: filesDone, FilesTotal: files, RowsDone: rowsDone, RowsTotal: rows})
	})
	if !request.Wants.Rows() {
		return nil
	}
	for {
		collection, err := collect.Collect(ctx, r.scanner, request)
		if err == nil {
			in.Collection = *collection
			return nil
		}
		checks, again := check.RowChecks(view, surveyed), false
		if runs := spilling(request.Wants); errors.As(err, new(keys.SpillError)) && runs != 0 {
			request.Wants &^= runs
			checks, again = check.RestingOn(runs), true
		}
		*in, err = r.failed(ctx, *in, checks, fmt.Errorf("read the rows of %s: %w", view.Name, err))
		if err != nil || !again {
			return err
		}
	}
}

// spilling are what takes room to spill of what is wanted, the key runs first: dropped one after the other, all other checks are
// still answered. It is none where nothing is left to drop.
func spilling(w facts.Wants) facts.Wants {
	for _, runs := range []facts.Wants{facts.WantKeys, facts.WantEntities} {
		if w.Has(runs) {
			return runs
		}
	}
	return 0
}

// sampledRows is how many repeated rows are kept for each key that a finding may show.
const sampledRows = 16

func (r *run) request(view model.View, s facts.Survey, progress func(string, int64, int64)) collect.Request {
	own := ownOf(view, s)
	view.Key = check.KeyColumns(view)
	return collect.Request{View: view, Survey: s, AsOf: r.asOf, Wants: check.WantsOf(view, s, r.selected), Workers: r.threads, SliceRows: r.memory.sliceRows,
		RunMemory: r.memory.runs, TempDir: r.options.TempDir, RowsLimit: max(r.options.RowsLimit, sampledRows*r.options.Samples), Samples: r.options.Samples,
		Units:     func(schema int32, column string) string { return epochUnit(s.Schemas[schema], column) },
		OwnAgrees: own.agrees,
		OwnHolds:  own.holds,
		Offsets:   func(from, to int64) []int64 { return offsets(view, from, to) },
		Truncated: survey.Truncated,
		Nanos: func(ctx context.Context, f facts.File, c facts.Column, rows []int64) ([]int64, error) {
			return survey.Nanos(ctx, r.options.Adapters.Store, f, c, rows)
		},
		Values: func(ctx context.Context, f facts.File, c facts.Column, rows []int64, numbers bool) (facts.Values, error) {
			return survey.Values(ctx, r.options.Adapters.Store, f, c, rows, numbers)
		},
		Pages: func(ctx context.Context, f facts.File, columns []facts.Column) (int64, []facts.ColumnProblem, error) {
			return survey.Pages(ctx, r.options.Adapters.Store, f, columns)
		},
		Changed: func(f facts.File) *facts.Problem {
			return survey.Changed(context.Background(), r.options.Adapters.Store, f)
		},
		Progress: progress}
}

// offsets are the UTC offsets, in seconds, that the view's zones had between two instants, or that any zone had where
// none is declared.
func offsets(view model.View, from, to int64) []int64 {
	real := zone.RealOffsets(from, to)
	if len(view.Zones) > 0 {
		// a zone that does not load was refused with the config
		real, _ = zone.OffsetsOf(view.Zones, from, to)
	}
	seconds := make([]int64, len(real))
	for i, offset := range real {
		seconds[i] = int64(offset.Seconds)
	}
	return seconds
}

// own compares a partition column inside files with their paths, by meaning.
type own struct {
	layout     partition.Layout
	err        error
	partitions []facts.Partition
}

func ownOf(view model.View, s facts.Survey) own {
	layout, err := partition.New(view.TimePartition)
	return own{layout, err, s.Partitions}
}

// agrees says whether a text means what the path of its file means. In a partition without a date no value does.
func (o own) agrees(file facts.File, column, value string) bool {
	if o.err != nil || file.Partition < 0 {
		return true
	}
	p := o.partitions[file.Partition]
	return p.Dated() && o.layout.Agrees(p.Start, column, value)
}

// holds says the same of typed times.
func (o own) holds(file facts.File, column string) func(micros int64, aware bool) bool {
	if o.err != nil || file.Partition < 0 || !o.partitions[file.Partition].Dated() {
		return func(int64, bool) bool { return o.err != nil }
	}
	bounds, ok := o.layout.KeyBounds(o.partitions[file.Partition].Start, column)
	return func(micros int64, aware bool) bool { return ok && bounds.Holds(micros, aware) }
}

// epochUnit is the unit that the survey inferred for an integer time.
func epochUnit(schema facts.Schema, name string) string {
	if column := schema.Lookup(name); column != nil {
		return column.EpochUnit
	}
	return ""
}

// movingFiles are the files of open partitions that were no longer what was listed.
func movingFiles(in check.Input) []int32 {
	var ids []int32
	for _, f := range in.Survey.Files {
		if problem, ok := problemOf(in, f); ok && moving(problem) && open(in, f) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

func problemOf(in check.Input, f facts.File) (facts.Problem, bool) {
	if f.Problem != nil {
		return *f.Problem, true
	}
	problem, ok := in.Collection.Unread[f.ID]
	return problem, ok
}

func moving(p facts.Problem) bool {
	return p.Kind == facts.ProblemChanged || p.Kind == facts.ProblemVanished
}

func open(in check.Input, f facts.File) bool {
	return f.Partition >= 0 && in.Survey.Partitions[f.Partition].Open
}

// leaveOut turns files of open partitions that were not at rest when they were read once more into files that are left
// out and named. Which changed before may look broken now, since its writer has not come to its end.
func leaveOut(in *check.Input, changed []int32) {
	for i, f := range in.Survey.Files {
		problem, ok := problemOf(*in, f)
		if !ok || !open(*in, f) || !moving(problem) && (problem.Retryable() || !slices.Contains(changed, f.ID)) {
			continue
		}
		problem.Kind = facts.ProblemOpenChanged
		if f.Problem != nil {
			in.Survey.Files[i].Problem = &problem
		} else {
			in.Collection.Unread[f.ID] = problem
		}
	}
}
