package report

import (
	"fmt"
	"slices"
)

// Narrowed says what a report was narrowed by after the audit, and of which report it is a part.
type Narrowed struct {
	// Of is the id of the whole report.
	Of     string   `json:"of"`
	Checks []string `json:"checks"`
	Views  []string `json:"views"`
	Owners []string `json:"owners"`
}

// Picks select results; empty lists select all.
type Picks struct{ Checks, Views, Owners []string }

func (p Picks) none() bool { return len(p.Checks)+len(p.Views)+len(p.Owners) == 0 }

func (p Picks) take(res Result) bool {
	within := func(names []string, name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	return within(p.Checks, res.Check) && within(p.Views, res.View) && within(p.Owners, res.Owner)
}

// Narrow keeps the results that are picked and the views that they are about. The part says that it is one, has its own
// summary, catalogue and id, and holds by itself: whoever reads it on must not take it for the whole.
func (r Report) Narrow(p Picks) (Report, error) {
	if p.none() {
		return r, nil
	}
	part := r
	part.Results, part.Views, part.Corrections, part.Catalogue = []Result{}, []View{}, nil, []string{}
	views, taken := map[string]bool{}, map[[2]string]bool{}
	for _, res := range r.Results {
		if p.take(res) {
			taken[[2]string{res.View, res.Check}] = true
			part.Results = append(part.Results, res)
			part.Catalogue = append(part.Catalogue, res.Check)
			views[res.View] = true
		}
	}
	part.Catalogue = sortedNames(part.Catalogue)
	outcomes := part.outcomesByView()
	for _, v := range r.Views {
		if views[v.Name] {
			v.Outcome = Worst(outcomes[v.Name]...)
			part.Views = append(part.Views, v.narrowed(func(check string) bool { return taken[[2]string{v.Name, check}] }))
		}
	}
	for _, c := range r.Corrections {
		if views[c.View] {
			part.Corrections = append(part.Corrections, c)
		}
	}
	nothing := part.Summary.NothingToAudit
	part.Summary = part.Summarise()
	part.Summary.NothingToAudit = nothing && part.Summary.Files == 0
	if len(p.Checks) > 0 {
		part.Selection.Checks = part.Catalogue
	}
	if len(p.Views)+len(p.Owners) > 0 {
		part.Selection.Views = []string{}
		for _, v := range part.Views {
			part.Selection.Views = append(part.Selection.Views, v.Name)
		}
	}
	narrowed := Narrowed{Of: r.ID, Checks: List(sortedNames(p.Checks)), Views: List(sortedNames(p.Views)), Owners: List(sortedNames(p.Owners))}
	if earlier := r.Narrowed; earlier != nil {
		narrowed.Of = earlier.Of
		narrowed.Checks = later(earlier.Checks, narrowed.Checks)
		narrowed.Views = later(earlier.Views, narrowed.Views)
		narrowed.Owners = later(earlier.Owners, narrowed.Owners)
	}
	part.Narrowed = &narrowed
	if r.History != nil {
		past := *r.History
		past.States = part.countStates()
		past.Unseen, past.ViewsGone = 0, nil // of the whole run: nobody knows whose they were
		part.History = &past
	}
	id, err := part.Digest()
	if err != nil {
		return part, fmt.Errorf("digest of the report: %w", err)
	}
	part.ID = id
	return part, nil
}

// later is what holds after a second narrowing: its own names, which are among the first's.
func later(first, second []string) []string {
	if len(second) == 0 {
		return first
	}
	return second
}
