package audit

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/collect"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/sensitive"
)

// run is one audit under way.
type run struct {
	options Options
	asOf    int64
	window  partition.Range
	threads int
	memory  memory
	scanner Scanner
	judge   Judge
	// blocked says that some view's files could not be listed, so that nobody knows whether there is nothing to audit.
	blocked bool
}

// memory is how the limit of the process is shared out: what the program takes without any data comes first, then the engine has
// half of the rest, and the runs most of what is left.
type memory struct {
	engine int64
	runs   int64
	// sliceRows is how many rows one query hands over at once, for each worker.
	sliceRows int64
}

// programMemory is what the program takes with its engine before it reads anything.
const programMemory = 90 << 20

// leastEngine and leastRuns are what the engine and the runs get of a limit that has no room for them beside the program.
const (
	leastEngine = 64 << 20
	leastRuns   = 32 << 20
)

// smallMemory is the limit below which slices are cut to one row group of the usual size.
const (
	smallMemory    = 400 << 20
	smallSliceRows = 122_880
)

func share(limit int64) memory {
	if limit <= 0 {
		limit = DefaultMemory
	}
	rest := limit - programMemory
	m := memory{engine: min(limit/100*45, max(rest/100*50, leastEngine)), runs: min(limit/100*30, max(rest/100*30, leastRuns)), sliceRows: collect.DefaultSliceRows}
	if limit < smallMemory {
		m.sliceRows = smallSliceRows
	}
	return m
}

// HeapLimit is how much of a memory limit is left to Go: what neither the engine nor the program itself takes.
func HeapLimit(limit int64) int64 {
	return max(limit-programMemory-share(limit).engine, limit/4)
}

func newRun(o Options) *run {
	if o.Mask == nil {
		o.Mask, _ = sensitive.New(nil) // without a key there is nothing wrong with it
	}
	return &run{options: o, asOf: o.AsOf.UnixMicro(), window: partition.Range{From: o.RangeFrom, To: o.RangeTo},
		threads: max(1, o.Threads), memory: share(o.MemoryLimit)}
}

func (r *run) close() {
	r.scanner.Close()
	if err := r.judge.Close(); err != nil {
		r.options.Log.Warn().Err(err).Msg("close the judging engine")
	}
}

// suppressions are those of the run, in the names that the report gives to sensitive sources.
func (r *run) suppressions() []model.Suppression {
	all := slices.Clone(r.options.Suppressions)
	for i, s := range all {
		all[i] = r.options.Mask.Suppression(s, r.options.Views)
	}
	return all
}

func (r *run) tell(p Progress) {
	if r.options.Progress != nil {
		r.options.Progress(p)
	}
}

// views are those selected, sorted by name.
func (r *run) views() []model.View {
	views := slices.DeleteFunc(slices.Clone(r.options.Views), func(v model.View) bool {
		return len(r.options.SelectViews) > 0 && !slices.Contains(r.options.SelectViews, v.Name)
	})
	slices.SortFunc(views, func(a, b model.View) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return views
}

func (r *run) selected(id string) bool {
	return len(r.options.SelectChecks) == 0 || slices.Contains(r.options.SelectChecks, id)
}
