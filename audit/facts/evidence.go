package facts

import "github.com/featureaudit/featureaudit/audit/model"

// Evidence is all that was found out about one view, in the names of the data. It is a value: whoever judged it may let it go.
type Evidence struct {
	// View is the definition with what the paths decided.
	View       model.View
	Survey     Survey
	Collection Collection
	// Failures are steps that could not be done.
	Failures []Failure
}

// Failure is a step of a look that could not be done, and what is not known for it.
type Failure struct {
	Lost      Lost
	Reason    string
	Retryable bool
	// NoFiles says that the view's paths match no file.
	NoFiles bool
}

// Lost is what a failure leaves unknown of a view.
type Lost string

// What may be lost. Whatever rests on it has no answer.
const (
	LostFiles    Lost = "files"    // which files there are, and so all that is in them
	LostRows     Lost = "rows"     // what the rows hold
	LostKeys     Lost = "keys"     // which keys repeat
	LostEntities Lost = "entities" // the newest event of each entity
)

// Empty says that every place was looked at and that no file is there.
func (e Evidence) Empty() bool {
	for _, f := range e.Failures {
		if !f.NoFiles {
			return false
		}
	}
	return len(e.Survey.Files) == 0
}
