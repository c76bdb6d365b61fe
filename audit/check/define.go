package check

import (
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

// Definition is what a report says of the definition that a view was judged by.
func Definition(v model.View) report.ViewDefinition { return define(v) }
