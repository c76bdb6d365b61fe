package report

import (
	"fmt"
	"slices"
)

// State is what became of a finding or a result since earlier runs.
type State string

// The states. Worse and better compare rows_bad with that of the latest earlier run that looked.
const (
	StateNew        State = "new"
	StateWorse      State = "worse"
	StateContinuing State = "continuing"
	StateBetter     State = "better"
	StateResolved   State = "resolved"
)

// States counts findings by state.
type States struct {
	New        int64 `json:"new"`
	Worse      int64 `json:"worse"`
	Continuing int64 `json:"continuing"`
	Better     int64 `json:"better"`
	Resolved   int64 `json:"resolved"`
}

// Add counts n more findings of a state; an unknown state counts nowhere.
func (s *States) Add(state State, n int64) {
	switch state {
	case StateNew:
		s.New += n
	case StateWorse:
		s.Worse += n
	case StateContinuing:
		s.Continuing += n
	case StateBetter:
		s.Better += n
	case StateResolved:
		s.Resolved += n
	}
}

// Found counts those that are there now: all but the resolved.
func (s States) Found() int64 { return s.New + s.Worse + s.Continuing + s.Better }

// History says which earlier runs a report was compared with.
type History struct {
	// Runs is how many runs of an earlier as_of the history holds of what this report looked at; FirstAsOf and LastAsOf are the as_of
	// of the first and the last of them, empty where there is none.
	Runs      int64  `json:"runs"`
	FirstAsOf string `json:"first_as_of,omitempty"`
	LastAsOf  string `json:"last_as_of,omitempty"`
	// NotUsed names, in sentences, the files of the history that were not trusted, and why.
	NotUsed []string `json:"not_used"`
	// States counts the findings of all results, and Unfollowed those that have no state, since nothing tells which they were before.
	States     States `json:"states"`
	Unfollowed int64  `json:"unfollowed"`
	// Unseen counts the findings of earlier runs that this one did not look at, since their check does not apply or could not look, or
	// since their view is not there any more: they are neither found nor resolved. ViewsGone names the views of the run before that
	// this one does not have, sorted.
	Unseen    int64    `json:"unseen,omitempty"`
	ViewsGone []string `json:"views_gone,omitempty"`
}

// Resolved is a finding of an earlier run that is gone.
type Resolved struct {
	Fingerprint string  `json:"fingerprint"`
	Subject     Subject `json:"subject"`
	// RowsBad is what the last run that found it counted, and LastSeen its as_of; Since is the as_of of the run from which on it was
	// found, and Seen how many runs found it.
	RowsBad  int64  `json:"rows_bad"`
	Since    string `json:"since"`
	LastSeen string `json:"last_seen"`
	Seen     int64  `json:"seen"`
}

// Baseline says which known findings a report was held against.
type Baseline struct {
	// Entries is how many there are in the file, and Expired how many of them are past their end and count no more.
	Entries int64 `json:"entries"`
	Expired int64 `json:"expired"`
	// Known counts findings that an entry holds, and Exceeded those that have more rows_bad than theirs says. Unmatched counts the
	// entries that match no finding although their check looked.
	Known     int64 `json:"known"`
	Exceeded  int64 `json:"exceeded"`
	Unmatched int64 `json:"unmatched"`
}

// Trend is what the runs of a history say of one measure of a view.
type Trend struct {
	// Measure names it: age_seconds of the newest event, or rows that arrived since the run before.
	Measure string `json:"measure"`
	// Value is what it is now, and Usual what it usually is: the median of Runs earlier runs, the first of them of From.
	Value float64  `json:"value"`
	Usual *float64 `json:"usual,omitempty"`
	Runs  int64    `json:"runs"`
	From  string   `json:"from"`
	// PerDay is how much it grows in a day, and On the instant at which it reaches Limit at that rate; absent where it reaches none.
	PerDay *float64 `json:"per_day,omitempty"`
	Limit  *float64 `json:"limit,omitempty"`
	On     string   `json:"on,omitempty"`
	// Unusual says that the value is farther from the usual one than it usually is.
	Unusual bool `json:"unusual,omitempty"`
	// Message is one sentence.
	Message string `json:"message"`
}

// remembered checks what results say of all their findings, and of earlier runs.
func remembered(r Report) error {
	named := slices.ContainsFunc(r.Results, func(res Result) bool { return len(res.Fingerprints) > 0 })
	for i, res := range r.Results {
		if err := res.remembered(fmt.Sprintf("results[%d]", i)); err != nil {
			return err
		}
		if named && res.FindingsTotal > 0 && len(res.Fingerprints) == 0 && res.FindingsUnfollowed == 0 {
			return misplaced(fmt.Sprintf("results[%d].fingerprints", i), "they are missing, and findings_total is %d", res.FindingsTotal)
		}
		stated := res.State != "" || res.States != nil || len(res.Resolved) > 0
		if r.History == nil && (stated || slices.ContainsFunc(res.Findings, func(f Finding) bool { return f.State != "" })) {
			return misplaced(fmt.Sprintf("results[%d].state", i), "it has a state, and the report has no history to tell it")
		}
	}
	if r.History != nil && r.History.States != r.countStates() {
		return misplaced("history.states", "found %+v, and the results give %+v", r.History.States, r.countStates())
	}
	return nil
}

func (res Result) remembered(place string) error {
	for _, n := range []int64{res.FindingsSuppressed, res.RowsSuppressed, res.FindingsUnfollowed, res.FindingsKnown, res.RowsKnown} {
		if n < 0 {
			return misplaced(place, "the count %d is negative", n)
		}
	}
	if res.FindingsKnown > res.FindingsTotal {
		return misplaced(place+".findings_known", "found %d of %d findings", res.FindingsKnown, res.FindingsTotal)
	}
	if err := res.stated(place); err != nil {
		return err
	}
	if res.Fingerprints == nil && res.FindingsUnfollowed == 0 {
		return nil // of a release that named the worst findings only
	}
	followed := int64(len(res.Fingerprints))
	if followed+res.FindingsUnfollowed != res.FindingsTotal {
		return misplaced(place+".fingerprints", "found %d and %d that are not followed, and findings_total is %d", followed, res.FindingsUnfollowed, res.FindingsTotal)
	}
	for fingerprint, bad := range res.Fingerprints {
		if bad < 0 {
			return misplaced(place+".fingerprints", "the count %d is negative", bad)
		}
		if len(fingerprint) == 0 || len(fingerprint) > 64 {
			return misplaced(place+".fingerprints", "found %.80q, expected a fingerprint", fingerprint)
		}
	}
	for i, fingerprint := range res.FingerprintsSuppressed {
		if _, known := res.Fingerprints[fingerprint]; !known {
			return misplaced(place+".fingerprints_suppressed", "%.64q is not among the fingerprints", fingerprint)
		}
		if i > 0 && res.FingerprintsSuppressed[i-1] >= fingerprint {
			return misplaced(place+".fingerprints_suppressed", "%.64q stands twice, or not in order", fingerprint)
		}
	}
	seen := map[string]bool{}
	for i, f := range res.Findings {
		at := fmt.Sprintf("%s.findings[%d]", place, i)
		if f.FingerprintNote != "" {
			continue
		}
		bad, known := res.Fingerprints[f.Fingerprint]
		_, accepted := slices.BinarySearch(res.FingerprintsSuppressed, f.Fingerprint)
		switch {
		case seen[f.Fingerprint]:
			return misplaced(at+".fingerprint", "%.64q is that of an earlier finding", f.Fingerprint)
		case !known:
			return misplaced(at+".fingerprint", "%.64q is not among the result's fingerprints", f.Fingerprint)
		case bad != f.RowsBad:
			return misplaced(at+".rows_bad", "found %d, and the result's fingerprints give %d", f.RowsBad, bad)
		case f.Suppressed != accepted:
			return misplaced(at+".suppressed", "found %t, and fingerprints_suppressed says otherwise", f.Suppressed)
		}
		seen[f.Fingerprint] = true
	}
	return nil
}

// stated checks the words and counts of a result's states.
func (res Result) stated(place string) error {
	words := []State{"", StateNew, StateWorse, StateContinuing, StateBetter, StateResolved}
	if !slices.Contains(words, res.State) {
		return misplaced(place+".state", "found %.40q, expected new, worse, continuing, better or resolved", res.State)
	}
	counted := States{}
	for i, f := range res.Findings {
		if f.State == StateResolved || !slices.Contains(words, f.State) {
			return misplaced(fmt.Sprintf("%s.findings[%d].state", place, i), "found %.40q, expected new, worse, continuing or better", f.State)
		}
		counted.Add(f.State, 1)
	}
	if res.States == nil {
		if len(res.Resolved) > 0 || counted != (States{}) {
			return misplaced(place+".states", "it is missing, and findings have states")
		}
		return nil
	}
	s := *res.States
	for _, n := range []int64{s.New - counted.New, s.Worse - counted.Worse, s.Continuing - counted.Continuing, s.Better - counted.Better,
		s.Resolved - int64(len(res.Resolved)), res.FindingsTotal - res.FindingsSuppressed - res.FindingsUnfollowed - s.Found()} {
		if n < 0 {
			return misplaced(place+".states", "found %+v, which does not fit its findings", s)
		}
	}
	return nil
}

func (r Report) countStates() States {
	all := States{}
	for _, res := range r.Results {
		if s := res.States; s != nil {
			all.New, all.Worse, all.Continuing = all.New+s.New, all.Worse+s.Worse, all.Continuing+s.Continuing
			all.Better, all.Resolved = all.Better+s.Better, all.Resolved+s.Resolved
		}
	}
	return all
}
