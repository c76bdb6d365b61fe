package report

// The checks whose results readers of a report ask for by name, for what they alone know. Every other result is read like any other.
const (
	DuplicateKeys  = "duplicate-keys"
	MixedZones     = "mixed-zones"
	StaleEntities  = "stale-entities"
	StaleRows      = "stale-rows"
	StaleView      = "stale-view"
	UnreadableFile = "unreadable-file"
)

// TellsOfFiles says that the result tells for all checks of its view that files are not there or cannot be read. It fails only
// where a view has no files.
func (r Result) TellsOfFiles() bool { return TellsOfFiles(r.Check) }

// TellsOfFiles says whether a pass of a check means that every file was read.
func TellsOfFiles(check string) bool { return check == UnreadableFile }

// JudgesAge says that the result tells whether the newest events are as fresh as promised.
func (r Result) JudgesAge() bool { return r.Check == StaleView }

// JudgesEncoding says that equal instants, written in another type, may fail what the result tells of.
func (r Result) JudgesEncoding() bool { return r.Check == "mixed-encoding" }

// terms are the words that other vocabularies have for what a check is about.
type terms struct{ dimension, assertion string }

func termsOf(check string) terms {
	return map[string]terms{
		StaleView:            {"timeliness", "freshness"},
		StaleRows:            {"timeliness", "freshness"},
		StaleEntities:        {"timeliness", ""},
		"source-lag":         {"timeliness", ""},
		"future-rows":        {"timeliness", ""},
		DuplicateKeys:        {"uniqueness", "unique"},
		"duplicate-files":    {"uniqueness", ""},
		"shifted-twins":      {"uniqueness", ""},
		"missing-partitions": {"completeness", ""},
		"empty-partitions":   {"completeness", "row_count"},
		"thin-partitions":    {"completeness", "row_count"},
		"thick-partitions":   {"uniqueness", "row_count"},
		"null-keys":          {"completeness", "not_null"},
		"null-event-time":    {"completeness", "not_null"},
		MixedZones:           {"accuracy", ""},
		"misfiled-rows":      {"accuracy", ""},
	}[check]
}

// Dimension is the word of data quality for what the check of a result is about, as the Open Data Contract Standard has it; empty where
// it has none.
func (r Result) Dimension() string { return termsOf(r.Check).dimension }

// Assertion is the word of OpenLineage for the check of a result; empty where it has none.
func (r Result) Assertion() string { return termsOf(r.Check).assertion }

// StaleEntities is the result that counts the entities of a view by the age of their newest row; false where none was judged.
func (r Report) StaleEntities(view string) (Result, bool) {
	for _, res := range r.Results {
		if res.Check == StaleEntities && res.View == view {
			return res, true
		}
	}
	return Result{}, false
}

// EntityChecks are what an audit must judge for Report.StaleEntities to answer.
func EntityChecks() []string { return []string{StaleEntities} }
