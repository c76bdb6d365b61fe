package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/export"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/prior"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// Input is one side of a verification: data by the definitions of its views, a snapshot, or what a report holds.
type Input struct {
	Kind Kind
	Name string
	// Views are the definitions of data.
	Views    []model.View
	Snapshot *SnapshotFile
	Report   *Side
	Digest   string
}

// Options are what a verification is asked to do.
type Options struct {
	Before, After Input
	// Range is the backfill's; empty where the changed partitions are what was found. Expect refuses changes outside of it, then.
	Range, Expect partition.Range
	// Views narrows the verification; empty for all of after.
	Views []string
	AsOf  times.Instant
	// Paranoid reads what the identity of its files proves unchanged.
	Paranoid bool
	// ExpectRows says how many rows partitions of the range must have.
	ExpectRows ExpectedRows
	// Tolerance is what floating numbers of a column may differ by; Samples how many changed rows a partition shows.
	Tolerance map[string]float64
	Samples   int
	// Suppressions accept findings.
	Suppressions []model.Suppression
	Mask         *sensitive.Mask
	// Verified are the content sums of an earlier verification, by view and partition; nil without one.
	Verified map[string]map[string]string
	// Audit runs checks of an audit over some files of a view; nil where none are run.
	Audit func(ctx context.Context, view model.View, files map[string]bool) (Audited, error)

	Looker *look.Looker
	// Memory is what rows may take that are compared by key, in bytes.
	Memory       int64
	Tool         report.Tool
	Verification report.Verification
	// Content knows what files hold since they were read last; nil for none. Tally counts what is read and what is known.
	Content *Memory
	Tally   Tally
	// RowsLimit is how many rows of keys and entities that are missing, extra or changed are listed; 0 for none. Rows are they, and RowNotes say
	// what of them is not.
	RowsLimit int
	Rows      []export.Row
	RowNotes  []string
	// Note is told how far each view is, from any goroutine; nil for nobody.
	Note func(look.Progress)
}

// Audited is what an audit says of some files of a view.
type Audited struct {
	Report report.Report
	// Uncovered are rows that no materialisation of the registry covers, by the paths of files below the view's root; UncoveredMissing says
	// why nobody knows. Both are empty of views that are not materialised.
	Uncovered        map[string]Uncovered
	UncoveredMissing string
}

// Uncovered counts rows that no materialisation covers: whose event time lies in none, that arrived after all that cover them had ended, and
// those after the last one.
type Uncovered struct{ InNone, Late, Ahead int64 }

// Run compares the two sides, view by view. It gives a report of what there is even with an error, which is the context's.
func Run(ctx context.Context, o *Options) (report.Report, error) {
	in := document.Input{Tool: o.Tool, AsOf: o.AsOf, Status: report.Complete, ConfigDigest: o.After.Digest, HashKeyID: o.Mask.KeyID(), Selection: report.Selection{Views: slices.Sorted(slices.Values(o.Views))}}
	if o.Range.Given() {
		in.Range = o.Range.From + ".." + o.Range.To
	}
	o.Verification.Range, in.Verification = in.Range, &o.Verification
	r := run{Options: o, reader: Reader{Store: o.Looker.Store, Workers: max(1, o.Looker.Room.Workers), Memory: o.Content, Tally: &o.Tally, Held: o.Memory}}
	var stopped error
	for _, name := range r.names() {
		view, results, err := r.view(ctx, name)
		if err != nil {
			stopped, in.Status = err, report.Partial
			break
		}
		in.Views, in.Results = append(in.Views, view), append(in.Results, results...)
	}
	if stopped == nil {
		if err := cmp.Or(r.untolerated(), r.unexpected()); err != nil {
			return report.Report{}, err
		}
	}
	in.NothingToAudit = stopped == nil && len(in.Views) == 0
	in.Catalogue = check.BackfillIDs(in.Results)
	built, err := document.Build(in)
	return built, errors.Join(stopped, err)
}

// run is a verification under way.
type run struct {
	*Options
	reader Reader
	// columns are the types that columns of all views have, where a tolerance was given.
	columns map[string][]string
	// partitions are the names of all partitions, true for folders, where numbers of rows were given by them; unseen says that some view's are
	// not known.
	partitions map[string]bool
	unseen     bool
}

// names are the views to compare, sorted: those of after, and of before that after lacks.
func (r *run) names() []string {
	all := slices.Concat(r.After.Names(), r.Before.Names())
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(name string) bool { return len(r.Views) > 0 && !slices.Contains(r.Views, name) })
}

// Names are the views that a side knows.
func (in Input) Names() []string {
	var names []string
	switch {
	case in.Snapshot != nil:
		for _, v := range in.Snapshot.Views {
			names = append(names, v.Name)
		}
	case in.Report != nil:
		for _, v := range in.Report.Views {
			names = append(names, v.Name)
		}
	}
	for _, v := range in.Views {
		if v.NoFiles == "" {
			names = append(names, v.Name)
		}
	}
	return names
}

// look is a view of one side, with what its rows are read by where it is data.
func (r *run) look(ctx context.Context, in Input, name string) (View, *Looked, error) {
	absent := View{Name: name, Problem: fmt.Sprintf("%s has no view %s", in.Name, name)}
	switch in.Kind {
	case Snapshot:
		v, ok := in.Snapshot.View(name)
		if !ok {
			return absent, nil, nil
		}
		return v, nil, nil
	case Counts:
		v, ok := in.Report.View(name)
		if !ok {
			return absent, nil, nil
		}
		return v, nil, nil
	case Data:
	}
	i := slices.IndexFunc(in.Views, func(v model.View) bool { return v.Name == name })
	if i < 0 {
		return absent, nil, nil
	}
	found, err := LookAt(ctx, r.Looker, in.Views[i], look.Window{AsOf: r.AsOf.Time(), Range: r.Range})
	return found.View, &found, err
}

// view compares one view.
func (r *run) view(ctx context.Context, name string) (report.View, []report.Result, error) {
	before, data, err := r.look(ctx, r.Before, name)
	if err != nil {
		return report.View{}, nil, err
	}
	after, now, err := r.look(ctx, r.After, name)
	if err != nil {
		return report.View{}, nil, err
	}
	v := &comparedView{intervals: now.view().Materialized, registered: r.registered(), before: before, after: after, asOf: r.AsOf, beforeKind: r.Before.Kind, beforeName: r.Before.Name, verified: r.verified(name)}
	if r.Range.Given() {
		v.ranged = r.Range.From + ".." + r.Range.To
	}
	v.definitions = diffs(before, after, r.AsOf)
	if before.Problem == "" && after.Problem == "" {
		if err := r.compare(ctx, v, data, now); err != nil {
			return report.View{}, nil, err
		}
	}
	r.unseen = r.unseen || before.Problem != "" || v.after.Problem != ""
	r.tolerated(v, data, now)
	results := v.results()
	for i := range results {
		results[i] = check.Accept(results[i], r.Suppressions, r.AsOf)
	}
	r.tell(name, "judge")
	return v.describe(results), results, nil
}

// registered says that a registry knows what was materialised of some view that is compared.
func (r *run) registered() bool {
	return slices.ContainsFunc(r.After.Views, func(v model.View) bool {
		return len(v.Materialized) > 0 && v.NoFiles == "" && (len(r.Views) == 0 || slices.Contains(r.Views, v.Name))
	})
}

func (r *run) tell(view, step string) {
	if r.Note != nil {
		r.Note(look.Progress{View: view, Step: step})
	}
}

func (r *run) verified(name string) map[string]string {
	if r.Verified == nil {
		return nil
	}
	sums := r.Verified[name]
	if sums == nil {
		sums = map[string]string{}
	}
	return sums
}

// diffs are what the rules of diff say of the definitions on both sides, paths apart.
func diffs(before, after View, asOf times.Instant) []diff.Finding {
	older, okOlder := definitionsOf(before)
	newer, okNewer := definitionsOf(after)
	if !okOlder || !okNewer {
		return nil
	}
	older.Views[0].Path, newer.Views[0].Path = "", ""
	findings := diff.Classify(diff.Compute(older, newer), diff.Policy{AsOf: asOf.Time()})
	return slices.DeleteFunc(findings, func(f diff.Finding) bool { return f.View != after.Name })
}

// bounds are the instants that the range or the expected range lies between; false where none is given.
func (r *run) bounds(v View) (from, to times.Instant, ok bool, err error) {
	within := r.Range
	if !within.Given() {
		within = r.Expect
	}
	if !within.Given() || v.Definition.TimePartition == nil {
		return 0, 0, false, nil
	}
	layout, err := partition.New(layoutOf(*v.Definition.TimePartition))
	if err != nil {
		return 0, 0, false, err
	}
	from, to, err = layout.Bounds(within)
	return from, to, err == nil, err
}

func layoutOf(p report.TimePartition) model.TimePartition {
	return model.TimePartition{Columns: p.Columns, Grain: model.Grain(p.Grain), Zone: p.Zone, Of: model.PartitionMeaning(p.Of), Expected: model.Expected(p.Expected)}
}

// compare reads what must be read of both sides, and decides what became of each partition.
func (r *run) compare(ctx context.Context, v *comparedView, data, now *Looked) error {
	ranged, err := r.pair(v)
	if err != nil {
		v.after.Problem = err.Error()
		return nil
	}
	s := r.setting(v, ranged)
	if err := r.read(ctx, v, data, now, s); err != nil {
		return err
	}
	if !ranged {
		// the changed partitions are what was found, unless they lie outside of what is expected
		for i := range v.changes {
			c := &v.changes[i]
			differs, known := c.differs()
			c.InRange = differs && known && !s.pending(*c) && (!r.Expect.Given() || c.InRange)
		}
	}
	for i := range v.changes {
		v.changes[i] = s.judge(v.changes[i])
	}
	r.tell(v.after.Name, "verify")
	if err := r.rows(ctx, v, data, now); err != nil {
		return err
	}
	if err := r.audits(ctx, v, data, now); err != nil {
		return err
	}
	notes, err := r.expected(v)
	if err != nil {
		return err
	}
	v.notes = append(v.notes, notes...)
	for _, c := range v.inRange() {
		v.reconsider(c)
	}
	return nil
}

// pair puts the partitions of both sides together, and says whether a range holds for them.
func (r *run) pair(v *comparedView) (ranged bool, err error) {
	from, to, bounded, err := r.bounds(v.after)
	if err != nil {
		return false, err
	}
	inside := func(p Partition) bool { return bounded && p.Start.Known() && p.Start >= from && p.Start < to }
	v.whole = r.Range.Given() && !bounded
	if v.whole {
		v.notes = append(v.notes, "the view has no time partitions: it is judged as a whole, whatever the range")
	}
	// what neither side has is nothing to compare, but where it was to be filled
	v.changes = slices.DeleteFunc(pair(v.before.Partitions, v.after.Partitions, inside), func(c Change) bool {
		return !c.InRange && (c.Before == nil || !c.Before.Present) && (c.After == nil || !c.After.Present)
	})
	return r.Range.Given() && bounded, nil
}

// mustRead says which partitions of a view would be read.
func (r *run) mustRead(v *comparedView) (func(Partition) bool, error) {
	ranged, err := r.pair(v)
	return r.wanted(v, r.setting(v, ranged)), err
}

// setting is what the changes of a view are judged by.
func (r *run) setting(v *comparedView, ranged bool) setting {
	s := setting{ranged: ranged, beforeKind: r.Before.Kind, beforeAsOf: r.beforeAsOf(), expectRows: r.ExpectRows.of}
	s.rangeOnly = ranged && r.After.Kind == Data && !overlap(v.before, v.after) &&
		!slices.ContainsFunc(v.changes, func(c Change) bool { return !c.InRange && c.After != nil && c.After.Present })
	s.usual = func(c Change) (int64, bool) { return usual(v.changes, c) }
	s.holder = func(c Change, sum content.Facts) (string, bool) { return holder(v.changes, c, sum) }
	s.times = []string{v.after.Definition.EventTime, v.after.Definition.IngestedAt}
	s.shares = func(c Change, shift int64) bool { return shares(v.changes, c, s.times[0], shift) }
	return s
}

func (r *run) beforeAsOf() times.Instant {
	if r.Before.Snapshot != nil {
		return r.Before.Snapshot.AsOf
	}
	if r.Before.Report != nil {
		return r.Before.Report.AsOf
	}
	return r.AsOf
}

// overlap says that both sides have files in one folder: the same store at two moments, and no copy beside it.
func overlap(a, b View) bool {
	x, y := a.root(), b.root()
	return x != "" && x == y
}

// usualPartitions are the closed partitions around one whose rows tell what is usual, and leastUsual how many there must be.
const (
	usualPartitions = 14
	leastUsual      = 3
)

// usual is the median of the rows of the nearest partitions outside of the range.
func usual(changes []Change, c Change) (int64, bool) {
	var around []Change
	for _, o := range changes {
		if !o.InRange && o.After != nil && o.After.Present && !o.After.Open && o.After.Rows > 0 && o.Start.Known() {
			around = append(around, o)
		}
	}
	slices.SortStableFunc(around, func(a, b Change) int {
		return int(min(max(abs(int64(a.Start-c.Start))-abs(int64(b.Start-c.Start)), -1), 1))
	})
	around = around[:min(len(around), usualPartitions)]
	if len(around) < leastUsual {
		return 0, false
	}
	rows := make([]int64, len(around))
	for i, o := range around {
		rows[i] = o.After.Rows
	}
	slices.Sort(rows)
	return rows[len(rows)/2], true
}

// holder finds another partition of before that held just these rows.
func holder(changes []Change, c Change, sum content.Facts) (string, bool) {
	for i := range changes {
		o := &changes[i]
		if o.Start != c.Start && o.Before != nil && o.Before.Known && sum.Rows > 0 && o.Before.Content.Rows == sum.Rows && o.Before.Content.Sum == sum.Sum {
			return o.named(), true
		}
	}
	return "", false
}

// pending says that a partition had not ended on one of the sides, so that its rows may have come by themselves.
func (s setting) pending(c Change) bool {
	return c.After != nil && c.After.Open || c.Before != nil && c.Before.Open || c.Before == nil && c.After != nil && c.Start.Known() && c.Start >= s.beforeAsOf
}

// wanted says which partitions decide, so that their content is read.
func (r *run) wanted(v *comparedView, s setting) func(Partition) bool {
	must := map[place]bool{}
	for _, c := range v.changes {
		switch {
		case !r.Paranoid && c.Before != nil && c.After != nil && sameFiles(*c.Before, *c.After):
		case s.rangeOnly && !c.InRange:
		case !c.InRange && s.pending(c):
		default:
			must[Partition{Start: c.Start, Value: c.Value}.place()] = true
		}
	}
	return func(p Partition) bool {
		return must[p.place()] || r.Verified != nil && r.verified(v.after.Name)[p.Value] != ""
	}
}

// read reads the content that decides.
func (r *run) read(ctx context.Context, v *comparedView, data, now *Looked, s setting) error {
	wanted := r.wanted(v, s)
	sides := []struct {
		looked *Looked
		view   *View
	}{{data, &v.before}, {now, &v.after}}
	total := int64(0)
	for _, side := range sides {
		if side.looked == nil {
			continue
		}
		for _, p := range side.looked.Partitions {
			if wanted(p) {
				total += p.Rows
			}
		}
	}
	reader := r.reader
	reader.Progress = Progress(v.after.Name, total, r.Note)
	for _, side := range sides {
		if side.looked == nil {
			continue
		}
		if err := reader.Content(ctx, side.looked, wanted); err != nil {
			return err
		}
		copy(side.view.Partitions, side.looked.Partitions)
	}
	return nil
}

// rows compares the rows of partitions that changed by key, and the entities of the range.
func (r *run) rows(ctx context.Context, v *comparedView, data, now *Looked) error {
	before, after := r.source(r.Before, data), r.source(r.After, now)
	entities, keyed := len(v.after.Definition.Entity) > 0, len(v.after.Definition.Key) > 0
	if !before.has() || !after.has() {
		v.rowsUnknown = fmt.Sprintf("before is a %s", r.Before.Kind)
		if before.has() {
			v.rowsUnknown = fmt.Sprintf("after is a %s", r.After.Kind)
		}
		if r.Before.Kind == Snapshot || r.After.Kind == Snapshot {
			v.rowsUnknown += " without keys (snapshot --with-keys has them)"
		}
		if entities {
			v.entitiesUnknown = v.rowsUnknown
		}
		if r.RowsLimit > 0 {
			r.RowNotes = append(r.RowNotes, fmt.Sprintf("rows of view %s: none are listed: %s", v.after.Name, v.rowsUnknown))
		}
		return nil
	}
	if !entities {
		v.entitiesUnknown = "the view has no entity"
	}
	some := v.pick(func(c *Change) bool {
		_, known := c.differs()
		readable := known && (c.Before == nil || len(c.Before.Unread) == 0) && (c.After == nil || len(c.After.Unread) == 0)
		return readable && (c.InRange && (entities || c.State != Unchanged && c.State != Rewritten) || c.State == Stray && c.Before != nil && c.After != nil)
	})
	found, err := byKey(ctx, before, after, some, keyed, entities, r.Memory, r.RowsLimit)
	var gone problemError
	if errors.As(err, &gone) {
		v.rowsUnknown, v.entitiesUnknown = gone.Error(), gone.Error()
		return nil
	}
	if err != nil {
		return err
	}
	v.entities = found
	for _, c := range some {
		err := c.values(ctx, before, after, valued{view: now.view(), tolerance: r.Tolerance, samples: r.Samples, budget: r.Memory, mask: func(column, value string) string { return r.Mask.Value(now.view(), column, value) }})
		if err != nil && !errors.As(err, &gone) {
			return err
		}
	}
	if err := r.list(ctx, v, before, after, keyed, some); err != nil && !errors.As(err, &gone) {
		return err
	}
	for _, c := range some {
		c.settle(keyed)
	}
	return nil
}

// list lists the rows that a view's keys and entities differ by, where that was asked for.
func (r *run) list(ctx context.Context, v *comparedView, before, after source, keyed bool, some []*Change) error {
	if r.RowsLimit == 0 {
		return nil
	}
	l := lister{view: v, before: before, after: after, keyed: keyed, limit: r.RowsLimit - len(r.Rows)}
	err := l.list(ctx, func(s source, columns []string, values []*string) (string, error) {
		return export.RowValues(r.Mask, s.looked.view(), columns, values)
	}, some)
	r.Rows = append(r.Rows, l.rows...)
	if l.cut {
		r.RowNotes = append(r.RowNotes, fmt.Sprintf("rows of view %s: more keys and entities differ than --rows-limit %d lets be listed", v.after.Name, r.RowsLimit))
	}
	for side, from := range map[string]source{"before": before, "after": after} {
		if from.looked == nil {
			r.RowNotes = append(r.RowNotes, fmt.Sprintf("rows of view %s: what only %s has is not listed: it is a snapshot, which has no values", v.after.Name, side))
		}
	}
	slices.Sort(r.RowNotes)
	return err
}

func (v *Looked) view() model.View {
	if v == nil {
		return model.View{}
	}
	return v.Resolved
}

func (r *run) source(in Input, looked *Looked) source {
	return source{reader: Reader{Store: r.reader.Store, Workers: r.reader.Workers, Held: r.reader.Held}, looked: looked, snapshot: in.Snapshot}
}

// settle corrects what became of a partition by what is known of its rows: fewer rows of which none is missing are no loss, and what
// changed within the tolerance did not change.
func (c *Change) settle(keyed bool) {
	r := c.Rows
	if c.State == Unchanged || c.State == Rewritten {
		c.Rows = nil
		return
	}
	if r.Lost == 0 && r.Added == 0 && r.RowsLost == 0 && r.RowsAdded == 0 && r.Changed > 0 && r.Changed == r.WithinTolerance {
		c.State, c.How, c.What = Unchanged, "", "is unchanged within the tolerance"
		return
	}
	if r.doubled() && (c.State == AsExpected || c.State == Stray && c.How == "changed") {
		state, what := Doubled, "is doubled: each of its rows stands there several times"
		if r.least == r.most {
			what = fmt.Sprintf("is doubled: each of its %s stands there %s", words.Count(rowsOf(c.After)/int64(r.most), "row"), timesInWords(int64(r.most)))
		}
		c.What = what
		if c.State == Stray {
			c.How = string(state)
			return
		}
		c.State = state
		return
	}
	if keyed && (c.State == Incomplete || c.State == Truncated) && c.After != nil && c.After.Rows > 0 && r.Lost == 0 && !strings.Contains(c.What, "--expect-rows") {
		c.State, c.What = AsExpected, c.What+", and no key is missing"
	}
}

// doubled says that all rows of after stand there several times, and those of before did not.
func (r *RowChange) doubled() bool {
	return r.wholeRepeats > 0 && r.wholeRepeats == r.keysAfter && r.RepeatedBefore == 0
}

// audits runs the audit's own checks over the range and what lies next to it, on the sides that are data.
func (r *run) audits(ctx context.Context, v *comparedView, data, now *Looked) error {
	filled := v.inRange()
	if r.Audit == nil || now == nil || len(filled) == 0 {
		return nil
	}
	run := func(looked *Looked, of func(*Change) *Partition) (*report.Report, error) {
		files := map[string]bool{}
		for i := range v.changes {
			c := &v.changes[i]
			near := c.InRange || i > 0 && v.changes[i-1].InRange || i+1 < len(v.changes) && v.changes[i+1].InRange
			if p := of(c); near && p != nil {
				for _, f := range p.Files {
					files[f.Abs] = true
				}
			}
		}
		if len(files) == 0 {
			return nil, nil
		}
		found, err := r.Audit(ctx, looked.Resolved, files)
		if looked == now {
			v.uncovered = &found
		}
		return &found.Report, err
	}
	var err error
	v.auditAfter, err = run(now, func(c *Change) *Partition { return c.After })
	if err == nil && data != nil {
		v.auditBefore, err = run(data, func(c *Change) *Partition { return c.Before })
		if v.auditBefore == nil {
			v.auditBefore = &report.Report{} // there was nothing, and so no fault
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		v.auditProblem = err.Error()
	}
	return nil
}

// describe is the view in the report.
func (v *comparedView) describe(results []report.Result) report.View {
	d := report.View{Name: v.after.Name, Owner: v.after.Owner, Project: v.after.Project, Definition: v.after.Definition, OpenPartitions: []string{},
		Notes: slices.Concat(v.after.Notes, v.notes, v.backfillNotes()), SourceLagSeconds: map[string]report.Lag{}}
	if d.Definition.Path == "" {
		d.Definition = v.before.Definition
	}
	for _, p := range v.after.Partitions {
		if p.Present {
			d.Partitions++
		}
		d.Files += int64(len(p.Files))
		d.Rows += p.Rows
		d.Bytes += p.Bytes
		d.FilesUnread += int64(len(p.Unread))
	}
	if d.Definition.TimePartition == nil {
		d.Partitions = 0
	}
	series := v.series(results)
	d.SeriesLeftOut = int64(max(len(series)-report.MaxSeries, 0))
	d.Series = series[d.SeriesLeftOut:]
	var outcomes []report.Outcome
	for _, r := range results {
		outcomes = append(outcomes, r.Outcome)
	}
	d.Outcome = report.Worst(outcomes...)
	return d
}

// backfillNotes say when the rows of the range arrived, where that was after it had ended.
func (v *comparedView) backfillNotes() []string {
	name := v.after.Definition.IngestedAt
	if name == "" {
		return nil
	}
	low, high, end := int64(0), int64(0), int64(0)
	known := false
	for _, c := range v.inRange() {
		if c.After == nil || !c.After.Known {
			continue
		}
		held, ok := c.After.Content.Column(name)
		if !ok || !held.Timed {
			continue
		}
		if !known {
			low, high = held.Low, held.High
		}
		known, low, high, end = true, min(low, held.Low), max(high, held.High), max(end, int64(c.After.End))
	}
	if !known || low < end {
		return nil
	}
	return []string{fmt.Sprintf("the rows of the range have %s from %s to %s, after it ended: they were filled again, and are not judged as late", name, words.Instant(times.Instant(low)), words.Instant(times.Instant(high)))}
}

// definitionsOf are the definitions of a view as diff reads them of a report.
func definitionsOf(v View) (registry.Definitions, bool) {
	if v.Definition.Path == "" && v.Definition.EventTime == "" {
		return registry.Definitions{}, false
	}
	one := report.View{Name: v.Name, Owner: v.Owner, Project: v.Project, Outcome: report.NotApplicable, Definition: v.Definition}
	built, err := document.Build(document.Input{Status: report.Partial, Views: []report.View{one}})
	if err != nil {
		return registry.Definitions{}, false
	}
	raw, err := built.Marshal()
	if err != nil {
		return registry.Definitions{}, false
	}
	d, err := prior.DecodeReport(raw)
	return d, err == nil && len(d.Views) == 1
}
