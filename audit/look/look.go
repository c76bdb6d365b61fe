package look

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/audit/table"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Looker looks at views. Its methods may be called from many goroutines at once.
type Looker struct {
	Store store.Store
	// Collector reaches the rows; nil where only Plan and Footers are called.
	Collector engine.Collector
	// Place finds where the files of a view lie whose table alone is named; nil where none is.
	Place func(context.Context, model.View) (model.View, error)
	// Room is what a look at rows may use; Room.Workers files are surveyed at once.
	Room engine.Room
	// RowsLimit caps the repeated rows that are kept by name, and Samples says how many values of a key a finding may show.
	RowsLimit, Samples int
	// Aside keeps texts of repeated rows, as engine.Order says.
	Aside engine.KeptTexts
	// Progress says how far a look is; nil for none.
	Progress func(Progress)
}

// Progress says how far the look at a view is.
type Progress struct {
	View       string
	Step       string // "list", "survey", "scan", "verify", "judge"
	FilesDone  int64
	FilesTotal int64
	RowsDone   int64
	RowsTotal  int64
}

func (l *Looker) tell(p Progress) {
	if l.Progress != nil {
		l.Progress(p)
	}
}

// Window is when a look is from, and which partitions of a view verdicts are wanted for.
type Window struct {
	AsOf  time.Time
	Range partition.Range
	// Newest leaves out all files but those of the newest partition: enough to know how fresh a view is.
	Newest bool
}

// Plan is what there is to look at: nothing of it is opened yet.
type Plan struct {
	// View is the definition with what the paths decided, and Notes say how they did.
	View    model.View
	Listing facts.Listing
	Notes   []string
	AsOf    time.Time
}

// Footers are the files of a plan with their identity and their schemas.
type Footers struct {
	View   model.View
	Survey facts.Survey
	AsOf   time.Time
}

// Plan lists the files of a view and puts them into partitions. The plan has the view even with an error, which is one of
// survey.Plan.
func (l *Looker) Plan(ctx context.Context, view model.View, w Window) (Plan, error) {
	l.tell(Progress{View: view.Name, Step: "list"})
	if l.Place != nil {
		placed, err := l.Place(ctx, view)
		if err != nil {
			return Plan{View: view, AsOf: w.AsOf}, err
		}
		view = placed
	}
	fits := l.fits
	if w.Newest { // most of them are left out
		fits = func(int, int) error { return nil }
	}
	listing, resolved, notes, err := survey.PlanIf(ctx, table.For(l.Store, view), view, w.AsOf, w.Range, fits)
	if err != nil {
		return Plan{View: resolved, AsOf: w.AsOf}, err
	}
	if w.Newest {
		listing = newestOnly(resolved, listing)
	}
	if err := l.roomForFiles(len(listing.Files), len(listing.Partitions), furtherValues(listing.Files), "partitions"); err != nil {
		return Plan{View: resolved, AsOf: w.AsOf}, err
	}
	return Plan{View: resolved, Listing: listing, Notes: notes, AsOf: w.AsOf}, nil
}

// fileBytes and partitionBytes are what a file and a partition take from their listing to their verdicts (measured on 100,000 files in 90
// partitions, and on 94,900 hours of a file each, which took 578 MB); so few as leastFiles always have room. valueBytes are for each
// value of a file's path beyond the first (100,000 files with two of them and findings took 307 MB).
const (
	fileBytes      = 1536
	partitionBytes = 4096
	valueBytes     = 384
	leastFiles     = 64
)

// fits refuses files that have no room whichever partitions they are in, each folder taken for one: what is listed of 300,000 takes 330 MB
// once it was put into partitions.
func (l *Looker) fits(files, folders int) error {
	if l.roomForFiles(files, 0, 0, "") == nil {
		return nil
	}
	return l.roomForFiles(files, folders, 0, "folders")
}

// furtherValues counts what the paths of files say beyond one value of each.
func furtherValues(files []facts.File) int {
	values := 0
	for i := range files {
		values += max(len(files[i].Values)-1, 0)
	}
	return values
}

// roomForFiles is the error of so many files in so many places that have no room, nil where they have some.
func (l *Looker) roomForFiles(files, places, values int, called string) error {
	needed, room := int64(files)*fileBytes+int64(places)*partitionBytes+int64(values)*valueBytes, l.Room.Runs*100/runsShare
	if l.Room.Runs <= 0 || files <= leastFiles || needed <= room {
		return nil
	}
	where := ""
	if places > 0 {
		where = fmt.Sprintf(" in %d %s", places, called)
	}
	return engine.ResourceError{Err: fmt.Errorf("it has %d files%s, which take about %d MB beside the rest, and the memory limit "+
		"has room for %d MB of them: raise --memory-limit to %d MB or more, or give the view a narrower path",
		files, where, needed/1_000_000+1, room/1_000_000, (programMemory+needed)/1_000_000+1)}
}

// sliceBytes is what each further source of a file takes until it is judged (measured on 2,000 files of 60 sources each, a fifth of
// which have findings); so many as leastSlices always have room.
const (
	sliceBytes  = 2 << 10
	leastSlices = 64 * leastFiles
)

// roomFor is the room with what its files leave to their sources.
func (l *Looker) roomFor(s facts.Survey) engine.Room {
	room, files := l.Room, int64(len(s.Files))
	if room.Runs > 0 {
		room.Slices = int(max(files+(room.Runs*100/runsShare-files*fileBytes)/sliceBytes, files, leastSlices))
	}
	return room
}

// Footers reads the footer of every file of a plan. A file that cannot be read has a problem of its own; the error is the context's.
func (l *Looker) Footers(ctx context.Context, p Plan) (Footers, error) {
	surveyed, err := survey.Survey(ctx, l.Store, p.Listing, survey.RolesOf(p.View), max(1, l.Room.Workers), func(done int) {
		l.tell(Progress{View: p.View.Name, Step: "survey", FilesDone: int64(done), FilesTotal: int64(len(p.Listing.Files))})
	})
	if err != nil {
		return Footers{}, err
	}
	surveyed.Notes = append(slices.Clone(p.Notes), surveyed.Notes...)
	return Footers{View: p.View, Survey: surveyed, AsOf: p.AsOf}, nil
}

// Rows gathers what is wanted of a view's rows, and of its files as wholes. What could not be looked at is in the evidence, as failures and problems; the error is a
// cancelled context only. A file of an open partition that changes meanwhile is read once more, then left out and named.
func (l *Looker) Rows(ctx context.Context, f Footers, wants facts.Wants) (facts.Evidence, error) {
	found := facts.Evidence{View: f.View, Survey: f.Survey}
	if wants.Has(facts.WantCopies) {
		var err error
		if found.Survey.CopyOf, err = survey.Copies(ctx, l.Store, f.Survey, max(1, l.Room.Workers)); err != nil {
			return found, err
		}
	}
	var blind bool
	if found.Failures, blind = refuse(f); blind {
		return found, nil
	}
	if err := l.collect(ctx, &found, f.AsOf, wants); err != nil {
		return found, err
	}
	changed := movingFiles(found)
	if len(changed) == 0 {
		return found, nil
	}
	// a writer is at work in an open partition: look once more, then leave out what changes again, and name it
	for _, id := range changed {
		if err := survey.Refresh(ctx, l.Store, &found.Survey, id, survey.RolesOf(f.View)); err != nil {
			return found, err
		}
	}
	found.Collection = facts.Collection{}
	found.Failures, _ = refuse(Footers{View: found.View, Survey: found.Survey})
	if err := l.collect(ctx, &found, f.AsOf, wants); err != nil {
		return found, err
	}
	leaveOut(&found, changed)
	return found, nil
}

// refuse says which keys of a definition name columns in vain, and whether no row may be read: what a mistyped sensitive column should
// hide is not known.
func refuse(f Footers) (refused []facts.Failure, blind bool) {
	for _, r := range survey.Refuse(f.View, f.Survey) {
		lost := facts.WantKeys
		switch r.Key {
		case "sensitive":
			lost, blind = facts.Everything, true
		case "source":
			lost = facts.WantRows
		}
		refused = append(refused, facts.Failure{Lost: lost, Reason: r.Reason})
	}
	return refused, blind
}

// Unlisted is the evidence of a view whose files could not be listed, for that error; it returns the cause of a cancelled context.
func Unlisted(ctx context.Context, p Plan, err error) (facts.Evidence, error) {
	var none *store.NoMatchError
	found := facts.Evidence{View: p.View}
	cancelled := failed(ctx, &found, facts.Everything, err)
	for i := range found.Failures {
		found.Failures[i].NoFiles = errors.As(err, &none)
	}
	return found, cancelled
}

// failed records a step that could not be done; whatever rests on it has no answer.
func failed(ctx context.Context, found *facts.Evidence, lost facts.Wants, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	found.Failures = append(found.Failures, facts.Failure{Lost: lost, Reason: err.Error(), Retryable: retryable(err)})
	return nil
}

// retryable says whether another try may cure an error: everything the system said may, what is wrong with the data or
// the definitions may not.
func retryable(err error) bool {
	var say interface{ Retryable() bool }
	return errors.As(err, &say) && say.Retryable()
}

// collect reads the rows of a surveyed view, if anything is wanted of them.
func (l *Looker) collect(ctx context.Context, found *facts.Evidence, asOf time.Time, wants facts.Wants) error {
	rows, files := int64(0), int64(len(found.Survey.Files))
	for _, f := range found.Survey.Files {
		rows += f.Rows
	}
	order := engine.Order{View: found.View, Survey: found.Survey, AsOf: times.At(asOf), RowsLimit: l.RowsLimit, Samples: l.Samples, Aside: l.Aside, Room: l.roomFor(found.Survey),
		Progress: func(step string, filesDone, rowsDone int64) {
			l.tell(Progress{View: found.View.Name, Step: step, FilesDone: filesDone, FilesTotal: files, RowsDone: rowsDone, RowsTotal: rows})
		}}
	for wants.Rows() {
		order.Wants = wants
		collection, err := l.Collector.Collect(ctx, order)
		if err == nil {
			found.Collection = collection
			return nil
		}
		lost, again := facts.WantRows, false
		if runs := spilling(wants); errors.As(err, new(keys.SpillError)) && runs != 0 {
			lost, again = runs, true
			wants &^= runs
		}
		err = failed(ctx, found, lost, fmt.Errorf("read the rows of %s: %w", found.View.Name, err))
		if err != nil || !again {
			return err
		}
	}
	return nil
}

// spilling are what takes room to spill of what is wanted, the key runs first: dropped one after the other, all else is still
// answered. It is none where nothing is left to drop.
func spilling(w facts.Wants) facts.Wants {
	for _, runs := range []facts.Wants{facts.WantKeys, facts.WantEntities} {
		if w.Has(runs) {
			return runs
		}
	}
	return 0
}

// movingFiles are the files of open partitions that were no longer what was listed.
func movingFiles(found facts.Evidence) []int32 {
	var ids []int32
	for _, f := range found.Survey.Files {
		// a version of a table names its files for good: one that is gone is missing, and no writer at work
		if problem, ok := problemOf(found, f); ok && f.Table == nil && moving(problem) && open(found, f) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

func problemOf(found facts.Evidence, f facts.File) (facts.Problem, bool) {
	if f.Problem != nil {
		return *f.Problem, true
	}
	problem, ok := found.Collection.Unread[f.ID]
	return problem, ok
}

func moving(p facts.Problem) bool {
	return p.Kind == facts.ProblemChanged || p.Kind == facts.ProblemVanished
}

func open(found facts.Evidence, f facts.File) bool {
	return f.Partition >= 0 && found.Survey.Partitions[f.Partition].Open
}

// leaveOut turns files of open partitions that were not at rest when they were read once more into files that are left
// out and named. Which changed before may look broken now, since its writer has not come to its end.
func leaveOut(found *facts.Evidence, changed []int32) {
	for i, f := range found.Survey.Files {
		problem, ok := problemOf(*found, f)
		if !ok || !open(*found, f) || !moving(problem) && (problem.Retryable() || !slices.Contains(changed, f.ID)) {
			continue
		}
		problem.Kind = facts.ProblemOpenChanged
		if f.Problem != nil {
			found.Survey.Files[i].Problem = &problem
		} else {
			found.Collection.Unread[f.ID] = problem
		}
	}
}
