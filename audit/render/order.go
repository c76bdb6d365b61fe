package render

import (
	"cmp"
	"slices"

	"github.com/featureaudit/featureaudit/audit/report"
)

// badness orders outcomes, worst first.
func badness(o report.Outcome) int {
	switch o {
	case report.Fail:
		return 0
	case report.Error:
		return 1
	case report.Warn:
		return 2
	case report.Suppressed:
		return 3
	case report.Pass:
		return 4
	default:
		return 5
	}
}

// bad says whether a result wants a reader's attention.
func bad(o report.Outcome) bool { return badness(o) <= badness(report.Warn) }

// rank orders results as exit codes do: what another try may cure comes before what was found, since it may find more.
func rank(r report.Result) int {
	if r.Outcome == report.Error && r.Retryable || r.Outcome == report.Fail && r.TellsOfFiles() {
		return -1
	}
	return badness(r.Outcome)
}

// leads orders what tells of files before the checks that could not look because of it.
func leads(r report.Result) int {
	if r.TellsOfFiles() {
		return 0
	}
	return 1
}

// worstFirst orders results by rank, causes before what they explain, then by the share of what is bad.
func worstFirst(a, b report.Result) int {
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		cmp.Compare(adviceLast(a), adviceLast(b)),
		cmp.Compare(newness(a), newness(b)),
		cmp.Compare(len(a.ExplainedBy), 0)-cmp.Compare(len(b.ExplainedBy), 0),
		cmp.Compare(share(b), share(a)),
		cmp.Compare(a.View, b.View),
		cmp.Compare(leads(a), leads(b)),
		cmp.Compare(a.Check, b.Check),
	)
}

// newness orders what is new or worse since earlier runs before what was there.
func newness(r report.Result) int {
	switch r.State {
	case report.StateNew:
		return 0
	case report.StateWorse:
		return 1
	case report.StateBetter:
		return 3
	default:
		return 2
	}
}

// advice says whether a result is a finding that is folded into one line of the run.
func advice(r report.Result) bool { return r.Advisory && r.Outcome == report.Warn }

func adviceLast(r report.Result) int {
	if advice(r) {
		return 1
	}
	return 0
}

func share(r report.Result) float64 {
	if r.RowsTotal <= 0 {
		return 0
	}
	return float64(r.RowsBad) / float64(r.RowsTotal)
}

// group is one view with the results that want attention, worst first, without what they explain.
type group struct {
	view    report.View
	results []report.Result
	// explained holds, by check, the results of the view that its finding causes, and those that could not look for the
	// very same reason.
	explained map[string][]report.Result
}

// fold puts each explained result under its cause, where the cause itself is shown, and errors of one reason under the
// first of them: one unreadable file takes the pass from every check of its view.
func fold(view report.View, results []report.Result) group {
	slices.SortFunc(results, worstFirst)
	shown := map[string]bool{}
	for _, res := range results {
		shown[res.Check] = res.ExplainedBy == ""
	}
	g := group{view: view, explained: map[string][]report.Result{}}
	firstOf := map[string]string{}
	for _, res := range results {
		if shown[res.ExplainedBy] {
			g.explained[res.ExplainedBy] = append(g.explained[res.ExplainedBy], res)
			continue
		}
		if res.Outcome == report.Error && res.Reason != "" {
			if first, ok := firstOf[res.Reason]; ok {
				g.explained[first] = append(g.explained[first], res)
				continue
			}
			firstOf[res.Reason] = res.Check
		}
		if res.TellsOfFiles() && res.Reason != "" {
			firstOf[res.Reason] = res.Check
		}
		g.results = append(g.results, res)
	}
	return g
}

func fails(g group) int {
	n := 0
	for _, res := range g.results {
		if res.Outcome == report.Fail {
			n++
		}
	}
	return n
}
