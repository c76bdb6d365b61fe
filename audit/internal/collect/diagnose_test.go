package collect

import (
	"errors"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// TestTheEngineIsNotQuotedOnSensitiveColumns has errors that quote a value, as the engine's do.
func TestTheEngineIsNotQuotedOnSensitiveColumns(t *testing.T) {
	said := errors.New("Conversion Error: could not convert 'SECRET' to INT32")
	view := model.View{Sensitive: []string{"mail"}}
	for _, test := range []struct {
		name    string
		view    model.View
		columns []string
		quoted  bool
	}{
		{"sensitive", view, []string{"id", "mail"}, false},
		{"field of it", view, []string{"mail.host"}, false},
		{"another column", view, []string{"id"}, true},
		{"nobody knows which", view, nil, false},
		{"nothing is sensitive", model.View{}, nil, true},
	} {
		for _, err := range []error{said, engine.ReadError{Cause: engine.CauseValue, Err: said}, engine.ReadError{Cause: engine.CauseBytes, Err: said},
			engine.ReadError{Cause: engine.CauseFeature, Err: said}, engine.ReadError{Cause: engine.CauseSystem, Err: said}} {
			problem := problemOf(test.view, facts.File{}, facts.Schema{}, test.columns, err)
			if quoted := strings.Contains(problem.Message, "SECRET"); quoted != test.quoted || problem.Kind == "" {
				t.Errorf(`%s: %+v, want quoted == test.quoted && problem.Kind != ""`, test.name, problem)
			}
		}
	}
}
