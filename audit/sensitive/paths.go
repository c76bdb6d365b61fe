package sensitive

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// HidesPaths says that a path of a view's files may hold a sensitive value.
func HidesPaths(view model.View, files []facts.File) bool {
	if len(view.Sensitive) == 0 {
		return false
	}
	if view.Hides(view.Source.Column) || view.Hides("source") {
		return true
	}
	return slices.ContainsFunc(files, func(f facts.File) bool {
		return slices.ContainsFunc(f.Values, func(value facts.Value) bool { return view.Hides(value.Name) })
	})
}
