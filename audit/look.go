package audit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/collect"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/survey"
)

// look gathers the facts of one view. What could not be looked at is in the input, as failures and problems; the error
// is a cancelled context only.
func (r *run) look(ctx context.Context, view model.View) (check.Input, error) {
	in := check.Input{View: view, AsOf: r.asOf, AsOfGiven: r.options.AsOfGiven, HasRange: r.window.Given(), Selected: r.selected,
		Suppressions: r.options.Suppressions}
	if view.NoFiles != "" {
		return in, nil
	}
	r.tell(Progress{View: view.Name, Step: "list"})
	plan, err := survey.Plan(ctx, r.options.Adapters.Store, view, r.asOf, r.window)
	if err != nil {
		return r.failed(ctx, in, nil, err)
	}
	in.View = plan.View
	if err := r.surveyAndCollect(ctx, &in, plan); err != nil {
		return in, err
	}
	if !changedInOpenPartition(in) {
		return in, nil
	}
	// a writer is at work in an open partition: look once more, then leave out what changes again, and name it
	plan.Listing = survey.Refresh(ctx, r.options.Adapters.Store, plan.Listing)
	if err := r.surveyAndCollect(ctx, &in, plan); err != nil {
		return in, err
	}
	leaveOut(&in)
	return in, nil
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

func (r *run) surveyAndCollect(ctx context.Context, in *check.Input, plan survey.Planned) error {
	view := in.View
	total := int64(len(plan.Listing.Files))
	surveyed, err := survey.Survey(ctx, r.options.Adapters.Store, plan.Listing, survey.RolesOf(view), r.threads, func(done int) {
		r.tell(Progress{View: view.Name, Step: "survey", FilesDone: int64(done), FilesTotal: total})
	})
	if err != nil {
		return err
	}
	surveyed.Notes = append(surveyed.Notes, plan.Notes...)
	in.Survey, in.Collection, in.Failures = surveyed, facts.Collection{}, nil
	rows := int64(0)
	for _, f := range surveyed.Files {
		rows += f.Rows
	}
	request := r.request(view, surveyed, func(step string, files, done int64) {
		r.tell(Progress{View: view.Name, Step: step, FilesDone: files, FilesTotal: total, RowsDone: done, RowsTotal: rows})
	})
	if !request.Needs.Any() {
		return nil
	}
	collection, err := collect.Collect(ctx, r.scanner, request)
	if err != nil {
		*in, err = r.failed(ctx, *in, rowChecks(), fmt.Errorf("read the rows of %s: %w", view.Name, err))
		return err
	}
	in.Collection = *collection
	return nil
}

// rowChecks are the checks that rest on a scan.
func rowChecks() []string {
	var ids []string
	for _, c := range check.Catalogue() {
		if c.Needs.Rows {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func (r *run) request(view model.View, s facts.Survey, progress func(string, int64, int64)) collect.Request {
	needs := r.needs(view)
	view.Key = check.KeyColumns(view)
	return collect.Request{View: view, Survey: s, AsOf: r.asOf, Needs: needs, Workers: r.threads, SliceRows: r.memory.sliceRows,
		RunMemory: r.memory.runs, TempDir: r.options.TempDir, RowsLimit: r.options.RowsLimit,
		Units:     func(schema int32, column string) string { return survey.UnitOf(s.Schemas[schema], column) },
		OwnAgrees: ownAgrees(view, s),
		Changed: func(f facts.File) *facts.Problem {
			return survey.Changed(context.Background(), r.options.Adapters.Store, f)
		},
		Progress: progress}
}

// ownAgrees compares a partition column inside a file with the file's path: they agree if the path would mean the same
// period with the file's own value in its place.
func ownAgrees(view model.View, s facts.Survey) func(facts.File, string, string) bool {
	layout, err := partition.New(view.TimePartition)
	return func(file facts.File, column, value string) bool {
		if err != nil || file.Partition < 0 {
			return true
		}
		p := s.Partitions[file.Partition]
		parts := strings.Split(p.Value, "/")
		for i, part := range parts {
			if name, _, _ := strings.Cut(part, "="); name == column {
				parts[i] = name + "=" + url.PathEscape(value)
			}
		}
		own, err := layout.OfDir(strings.Join(parts, "/"))
		return err == nil && own.Dated == p.Dated() && own.Start == p.Start
	}
}

// changedInOpenPartition says whether a file of an open partition was no longer what was listed.
func changedInOpenPartition(in check.Input) bool {
	for _, f := range in.Survey.Files {
		if problem, ok := problemOf(in, f); ok && moving(problem) && open(in, f) {
			return true
		}
	}
	return false
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

// leaveOut turns what changed twice in an open partition into files that are left out and named.
func leaveOut(in *check.Input) {
	for i, f := range in.Survey.Files {
		problem, ok := problemOf(*in, f)
		if !ok || !moving(problem) || !open(*in, f) {
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
