package look

import (
	"github.com/featureaudit/featureaudit/audit/internal/collect"
)

// Share is how the memory limit of the process is shared out, in bytes: what the program takes without any data comes first, then the
// engine has half of the rest, and the runs most of what is left.
type Share struct {
	Engine int64
	Runs   int64
	// SliceRows is how many rows one query hands over at once, for each worker.
	SliceRows int64
}

// DefaultMemory is the memory limit where none is named, in bytes.
const DefaultMemory = 2 << 30

// programMemory is what the program takes with its engine before it reads anything.
const programMemory = 90 << 20

// runsShare is what the runs get of what the program leaves, in percent.
const runsShare = 30

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

// ShareOf shares a limit out; 0 or less is DefaultMemory.
func ShareOf(limit int64) Share {
	if limit <= 0 {
		limit = DefaultMemory
	}
	rest := limit - programMemory
	s := Share{Engine: min(limit/100*45, max(rest/100*50, leastEngine)), Runs: min(limit/100*30, max(rest/100*runsShare, leastRuns)), SliceRows: collect.DefaultSliceRows}
	if limit < smallMemory {
		s.SliceRows = smallSliceRows
	}
	return s
}

// textsShare divides a memory limit by what long texts of rows that are to be written may take of it.
const textsShare = 64

// TextsHeld is how many bytes of such texts stay in memory: all others lie in a file.
func TextsHeld(limit int64) int64 {
	if limit <= 0 {
		limit = DefaultMemory
	}
	return limit / textsShare
}

// resultsShare divides a memory limit by what results with findings may take of it as values.
const resultsShare = 32

// ResultsHeld is how many bytes of results are held as values: where there are more, all are held in compact form.
func ResultsHeld(limit int64) int64 {
	if limit <= 0 {
		limit = DefaultMemory
	}
	return limit / resultsShare
}

// EngineAtLast is what the engine may have of a memory limit once all was judged, and it fetches rows beside no other engine and no runs:
// what the program and the rows leave, and no less than its share.
func EngineAtLast(limit int64) int64 {
	return max(ShareOf(limit).Engine, min(limit-programMemory-leastRuns, limit/100*75))
}

// LimitFor is the memory limit of which the engine has so many bytes.
func LimitFor(engine int64) int64 { return programMemory + 2*engine }

// HeapLimit is how much of a memory limit is left to Go: what neither the engine nor the program itself takes.
func HeapLimit(limit int64) int64 {
	return max(limit-programMemory-ShareOf(limit).Engine, limit/4)
}

// HeapLimitAlone is how much of a memory limit is left to Go where no engine runs beside it.
func HeapLimitAlone(limit int64) int64 { return max(limit-programMemory, limit/2) }
