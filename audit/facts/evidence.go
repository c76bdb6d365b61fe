package facts

import (
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Evidence is all that was found out about one view, in the names of the data. It is a value: whoever judged it may let it go.
type Evidence struct {
	// View is the definition with what the paths decided.
	View       model.View
	Survey     Survey
	Collection Collection
	// Since is what changed since earlier looks at the view; nil where nobody remembers them.
	Since *Since
	// Failures are steps that could not be done.
	Failures []Failure
}

// Failure is a step of a look that could not be done.
type Failure struct {
	// Lost is what is not known for it: Everything, where not even the files are.
	Lost      Wants
	Reason    string
	Retryable bool
	// NoFiles says that the view's paths match no file.
	NoFiles bool
}

// Empty says that every place was looked at and that no file is there.
func (e Evidence) Empty() bool {
	for _, f := range e.Failures {
		if !f.NoFiles {
			return false
		}
	}
	return len(e.Survey.Files) == 0
}

// Since says which files of closed partitions are others than earlier looks found.
type Since struct {
	// Last is the instant of the last look; None where this is the first, or where what it left behind cannot be read.
	Last times.Instant
	// Unread is why nothing is known of earlier looks, empty where there were none.
	Unread string
	// Closed are the partitions that were closed then, by their identities, sorted. As Rewritten they are those of the range that is judged.
	Closed []string
	// Rewritten are those whose files changed since, or in looks not long before, sorted by Start and Value.
	Rewritten []Rewritten
}

// Rewritten is a closed partition whose files are others than they were.
type Rewritten struct {
	// Value is its path below the view's root, as it is or was; Identity names the interval.
	Value, Identity string
	Start, End      times.Instant
	// FirstSeen is the instant of the look that found it so first.
	FirstSeen times.Instant
	// Changed, Gone and Added count files, and RowsBefore and RowsAfter the rows of the partition.
	Changed, Gone, Added  int64
	RowsBefore, RowsAfter int64
}
