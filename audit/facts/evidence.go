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
