package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
)

const (
	// maxResolved is how many findings a result names that are gone.
	maxResolved = 20
	// maxLast is how many earlier counts a finding shows.
	maxLast = 7
)

// Rank orders findings by what earlier runs say of them, for evidence.Input: new before worse before the rest. It compares with runs of
// an earlier as_of (microseconds UTC) and the same range.
func (p *Past) Rank(asOf int64, within string) func(fingerprint string, bad int64) int {
	last := map[int32]int64{}
	for where, looks := range p.looks {
		if where.view != "" && where.within != within {
			continue
		}
		maps.Copy(last, presentBefore(before(looks, asOf)))
	}
	return func(fingerprint string, bad int64) int {
		n, known := p.numbers[fingerprint]
		was, present := last[n]
		switch {
		case !known, !present:
			return 0
		case bad > was:
			return 1
		}
		return 2
	}
}

// before are the looks of an earlier as_of; of several at one as_of the one that finished last counts.
func before(looks []*look, asOf int64) []*look {
	var earlier []*look
	for _, l := range looks {
		if l.run.AsOf >= asOf {
			break
		}
		if n := len(earlier); n > 0 && earlier[n-1].run.AsOf == l.run.AsOf {
			earlier[n-1] = l
			continue
		}
		earlier = append(earlier, l)
	}
	return earlier
}

// presentBefore are the findings that were there when somebody last looked, with what was counted: one that a run did not find although
// it looked at everything is gone, and one that it could not have seen is still there.
func presentBefore(earlier []*look) map[int32]int64 {
	present := map[int32]int64{}
	for _, l := range earlier {
		if l.looked {
			clear(present)
		}
		maps.Copy(present, l.found)
	}
	return present
}

// Compare gives a report that was just made what earlier runs say of it: the states of its findings and results, those that are
// resolved, and trends. Its id is that of the result. Where the report holds all of its findings by name (Result.Every), they are given
// their states in place.
func (p *Past) Compare(r report.Report) (report.Report, error) {
	c, err := p.comparing(r)
	if err != nil {
		return r, err
	}
	views := map[string]report.View{}
	for _, v := range r.Views {
		views[v.Name] = v
	}
	r.Results = slices.Clone(r.Results)
	for i, res := range r.Results {
		r.Results[i] = c.result(res, views[res.View])
	}
	r.History = c.history(r)
	r.Views = slices.Clone(r.Views)
	for i, v := range r.Views {
		r.Views[i].Trends = p.trends(v, c.run)
	}
	return Seal(r)
}

// CompareLong is Compare of a long report, a view at a time.
func (p *Past) CompareLong(l report.Long) (report.Long, error) {
	named := l.Named()
	c, err := p.comparing(named)
	if err != nil {
		return l, err
	}
	told, err := l.Retell(func(one *report.ViewResults) {
		for i, res := range one.Results {
			one.Results[i] = c.result(res, one.View)
		}
		if one.View.Name != "" {
			one.View.Trends = p.trends(one.View, c.run)
		}
	})
	if err != nil {
		return l, err
	}
	told.Rest.History = c.history(named)
	return sealLong(told)
}

// comparing is the comparison of a report, a result at a time.
type comparing struct {
	past    *Past
	run     Run
	told    report.History
	used    map[int64]bool
	project func(view string) string
}

func (p *Past) comparing(r report.Report) (*comparing, error) {
	run, err := RunOf(r)
	if err != nil {
		return nil, err
	}
	return &comparing{past: p, run: run, told: report.History{NotUsed: slices.Clone(p.NotUsed)}, used: map[int64]bool{}, project: projectsOf(r)}, nil
}

// result is a result of a view with what earlier runs say of it.
func (c *comparing) result(res report.Result, view report.View) report.Result {
	earlier := before(c.past.looks[scopeOf(c.run, c.project(res.View), res.View, res.Check)], c.run.AsOf)
	for _, l := range earlier {
		c.used[l.run.AsOf] = true
	}
	one := comparison{past: c.past, run: c.run, earlier: earlier, present: presentBefore(earlier)}
	res = one.result(res, looked(res, view))
	c.told.Unfollowed += one.unfollowed
	c.told.Unseen += one.unseen
	if res.States != nil {
		c.told.States = sum(c.told.States, *res.States)
	}
	return res
}

// history says with what a report was compared, all of whose results were.
func (c *comparing) history(r report.Report) *report.History {
	past := c.told
	gone, unseen := c.past.gone(r, c.run)
	past.ViewsGone, past.Unseen = gone, past.Unseen+unseen
	past.Runs = int64(len(c.used))
	if times := slices.Sorted(maps.Keys(c.used)); len(times) > 0 {
		past.FirstAsOf, past.LastAsOf = timeText(times[0]), timeText(times[len(times)-1])
	}
	return &past
}

// gone are the views of the run before that a report does not have although it was narrowed to no view, and how many findings of theirs
// nobody looks at any more. The run before is the latest that shares a view with the report: other configs may use the same folder.
func (p *Past) gone(r report.Report, run Run) (names []string, unseen int64) {
	if len(r.Selection.Views) > 0 {
		return nil, 0
	}
	has, projects := map[viewName]bool{}, map[string]bool{}
	for _, v := range r.Views {
		has[viewName{v.Project, v.Name}], projects[v.Project] = true, true
	}
	each := func(do func(where scope, earlier []*look)) {
		for where, looks := range p.looks {
			if where.view == "" || where.within != run.Range || !projects[where.project] {
				continue
			}
			if earlier := before(looks, run.AsOf); len(earlier) > 0 {
				do(where, earlier)
			}
		}
	}
	last := int64(0)
	each(func(where scope, earlier []*look) {
		if has[viewName{where.project, where.view}] {
			last = max(last, earlier[len(earlier)-1].run.AsOf)
		}
	})
	lost := map[string]bool{}
	each(func(where scope, earlier []*look) {
		latest := earlier[len(earlier)-1].run
		if has[viewName{where.project, where.view}] || last == 0 || latest.AsOf != last || latest.Selection != "" {
			return
		}
		lost[where.view] = true
		unseen += int64(len(presentBefore(earlier)))
	})
	return slices.Sorted(maps.Keys(lost)), unseen
}

func sum(a, b report.States) report.States {
	return report.States{New: a.New + b.New, Worse: a.Worse + b.Worse, Continuing: a.Continuing + b.Continuing, Better: a.Better + b.Better, Resolved: a.Resolved + b.Resolved}
}

// Seal gives a report that was changed the id of what it is.
func Seal(r report.Report) (report.Report, error) {
	id, err := r.Digest()
	if err != nil {
		return r, fmt.Errorf("digest of the report: %w", err)
	}
	r.ID = id
	return r, nil
}

func sealLong(l report.Long) (report.Long, error) {
	id, err := l.Digest()
	if err != nil {
		return l, fmt.Errorf("digest of the report: %w", err)
	}
	l.Rest.ID = id
	return l, nil
}

// comparison is that of one result.
type comparison struct {
	past       *Past
	run        Run
	earlier    []*look
	present    map[int32]int64
	unfollowed int64
	unseen     int64
}

func (c *comparison) result(res report.Result, looked bool) report.Result {
	states := report.States{}
	res.Findings = slices.Clone(res.Findings)
	if !complete(res) {
		all := findingsOf(res)
		res.Every = make([]report.Finding, len(all))
		for i, f := range all {
			res.Every[i] = f.Finding
		}
	}
	since := ""
	for i, f := range res.Every {
		f = c.finding(f)
		res.Every[i] = f
		if i < len(res.Findings) {
			res.Findings[i] = f
		}
		states.Add(f.State, 1)
		if f.State != "" && (since == "" || f.Since < since) {
			since = f.Since
		}
		if f.State == "" && !f.Suppressed {
			c.unfollowed++
		}
	}
	if !looked {
		for n := range c.present {
			if _, still := res.Fingerprints[c.past.names[n]]; !still {
				c.unseen++
			}
		}
	}
	if looked {
		res.Resolved = c.resolved(res)
		states.Resolved = int64(len(res.Resolved))
		res.Resolved = res.Resolved[:min(len(res.Resolved), maxResolved)]
	}
	if states != (report.States{}) {
		res.States = &states
	}
	res.State, res.Since = c.state(res, states, since)
	return res
}

// complete says that all findings of a result are held by name, as in the process that made them: then they are given their states in
// place, for they are most of what the report takes.
func complete(res report.Result) bool {
	named := 0
	for _, f := range res.Every {
		if f.FingerprintNote == "" {
			named++
		}
	}
	return len(res.Every) > 0 && named >= len(res.Fingerprints)
}

// hashed says that a subject is named by a keyed hash, so that another key names it otherwise.
func hashed(s report.Subject) bool {
	return strings.Contains(s.Source, "hmac-sha256:") || strings.Contains(s.Object, "hmac-sha256:")
}

// comparable are the earlier looks in which a finding had the name that it has now.
func (c *comparison) comparable(s report.Subject) []*look {
	if !hashed(s) {
		return c.earlier
	}
	return slices.DeleteFunc(slices.Clone(c.earlier), func(l *look) bool { return l.run.HashKeyID != c.run.HashKeyID })
}

func (c *comparison) finding(f report.Finding) report.Finding {
	if f.Suppressed || f.FingerprintNote != "" {
		return f
	}
	earlier := c.comparable(f.Subject)
	if len(earlier) == 0 && len(c.earlier) > 0 {
		return f // every earlier run had another key
	}
	t := c.follow(earlier, f.Fingerprint)
	f.Seen, f.LastRowsBad = t.seen+1, t.last
	switch {
	case !t.present:
		f.State, f.Since = report.StateNew, timeText(c.run.AsOf)
		return f
	case f.RowsBad > t.bad:
		f.State = report.StateWorse
	case f.RowsBad < t.bad:
		f.State = report.StateBetter
	default:
		f.State = report.StateContinuing
	}
	f.Since = timeText(t.since)
	return f
}

// track is one finding through earlier runs.
type track struct {
	// present says that it was there when somebody last looked, with bad rows; since is the as_of from which on it was.
	present    bool
	bad, since int64
	// lastSeen is the as_of of the latest run that found it, and seen how many did.
	lastSeen, seen int64
	last           []int64
}

func (c *comparison) follow(earlier []*look, fingerprint string) track {
	t := track{}
	n, known := c.past.numbers[fingerprint]
	for _, l := range earlier {
		bad, found := l.found[n]
		found = found && known
		switch {
		case found:
			if !t.present {
				t.since = l.run.AsOf
			}
			t.present, t.bad, t.lastSeen = true, bad, l.run.AsOf
			t.seen++
			t.last = append(t.last, bad)
		case l.looked:
			t.present = false
			t.last = append(t.last, 0)
		}
	}
	t.last = t.last[max(0, len(t.last)-maxLast):]
	return t
}

// resolved are the findings of earlier runs that are gone, the worst first. One that a suppression accepts now is not gone.
func (c *comparison) resolved(res report.Result) []report.Resolved {
	var gone []report.Resolved
	for n, bad := range c.present {
		fingerprint := c.past.names[n]
		if _, still := res.Fingerprints[fingerprint]; still {
			continue
		}
		subject := c.past.subject(n)
		t := c.follow(c.comparable(subject), fingerprint)
		if !t.present {
			continue
		}
		gone = append(gone, report.Resolved{Fingerprint: fingerprint, Subject: subject, RowsBad: bad, Since: timeText(t.since), LastSeen: timeText(t.lastSeen), Seen: t.seen})
	}
	slices.SortFunc(gone, func(a, b report.Resolved) int {
		return cmp.Or(cmp.Compare(b.RowsBad, a.RowsBad), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return gone
}

// state is what became of a result: that of its findings, the most urgent first, or where they have none, whether it was so before.
func (c *comparison) state(res report.Result, states report.States, since string) (report.State, string) {
	for _, s := range []struct {
		count int64
		state report.State
	}{{states.New, report.StateNew}, {states.Worse, report.StateWorse}, {states.Continuing, report.StateContinuing}, {states.Better, report.StateBetter}} {
		if s.count > 0 {
			return s.state, since
		}
	}
	now := weight(res.Outcome)
	from, same := c.run.AsOf, len(c.earlier) > 0
	for _, l := range slices.Backward(c.earlier) {
		if weight(l.outcome) != now {
			same = from != c.run.AsOf
			break
		}
		from = l.run.AsOf
	}
	switch {
	case now == sound && len(c.earlier) > 0 && (states.Resolved > 0 || weight(c.earlier[len(c.earlier)-1].outcome) == blind && res.Outcome == report.Pass):
		return report.StateResolved, timeText(c.run.AsOf)
	case now == sound:
		return "", ""
	case same:
		return report.StateContinuing, timeText(from)
	}
	return report.StateNew, timeText(c.run.AsOf)
}

// What a result means to whoever reads it.
const (
	sound = iota
	found
	blind
)

func weight(o report.Outcome) int {
	switch o {
	case report.Fail, report.Warn:
		return found
	case report.Error:
		return blind
	default:
		return sound
	}
}
