package check

import (
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// RunInput is what the checks of the whole run are judged by.
type RunInput struct {
	AsOf         times.Instant
	HasRange     bool
	Selected     func(id string) bool
	Suppressions []model.Suppression
	// Consumers are held to Views, which are all that are defined, audited or not.
	Consumers []model.Consumer
	Views     []model.View
	// Results are those of all views, and Held those in compact form: one of the two.
	Results []report.Result
	Held    []report.Held
	// ids are those of the catalogue.
	ids []string
	// Used says which suppressions, by index, accepted a finding of any view.
	Used map[int]bool
	// NameFindings is as evidence.Terms says.
	NameFindings bool
}

// JudgeRun judges the selected checks of the whole run: one result each, with the view "".
func JudgeRun(in RunInput) []report.Result {
	b := newJudging(evidence.Input{Terms: evidence.Terms{AsOf: in.AsOf, Narrowed: in.HasRange, Selected: in.Selected, NameFindings: in.NameFindings}})
	for _, c := range Catalogue() {
		in.ids = append(in.ids, c.ID)
	}
	results := []report.Result{}
	for _, c := range Catalogue() {
		if c.Scope == ScopeRun && !c.OnlyGiven && b.IsSelected(c.ID) {
			results = append(results, b.conclude(c, draftResult{result: b.blank(c)}, c.judgeRun(in)).result)
		}
	}
	return results
}
