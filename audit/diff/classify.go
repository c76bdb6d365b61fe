package diff

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// Policy is what changes are judged by.
type Policy struct {
	// For narrows the severity to one kind of consumer: training, serving or storage. Empty takes the heaviest.
	For string
	// Consumers are the contracts that models declare.
	Consumers []model.Consumer
	// Suppressions are approvals. One counts until its date, judged at AsOf.
	Suppressions []model.Suppression
	AsOf         time.Time
	// KnownViews are all views that suppressions and consumers may name, defined here or anywhere else that the config
	// reads; nil where they are not known, and names are not judged.
	KnownViews []string
	// Tried is what was compared, where an approval that matches nothing is unused; nil leaves unused ones out. Lint
	// knows its own.
	Tried Scope
	// Data says what a ttl does to the store; nil where no data is at hand.
	Data Data
}

// Finding is a change, or a fault of one set of definitions, that a rule speaks of.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	View     string   `json:"view"`
	Project  string   `json:"project,omitempty"`
	// Object is what changed, by its path: "ttl", "features.amount".
	Object string `json:"object"`
	Action Action `json:"action,omitempty"`
	Old    any    `json:"old"`
	New    any    `json:"new"`
	// Consumers are the feature services and consumer contracts that read what changed.
	Consumers []string           `json:"consumers"`
	Message   string             `json:"message"`
	Location  *registry.Location `json:"location,omitempty"`
	// Severities are the rule's for each consumer.
	Severities map[string]Severity `json:"severities"`
	// Impact says what the change does to the data, where that is known.
	Impact *Impact `json:"impact,omitempty"`
	// ExplainedBy names the rule whose finding, of the same view, causes this one.
	ExplainedBy string `json:"explained_by,omitempty"`
	Suppressed  bool   `json:"suppressed,omitempty"`
	// SuppressedBy is the reason and the owner of the approval.
	SuppressedBy string `json:"suppressed_by,omitempty"`
	// Fingerprint covers rule, project, view and object, never values.
	Fingerprint string `json:"fingerprint"`
}

// Classify gives each change the rule that speaks of it. Changes that no rule speaks of are left out: those that a mere
// upgrade makes. The findings are sorted: the heaviest first, then by rule, view and object.
func Classify(changes []Change, p Policy) []Finding {
	j := ruleBook{policy: p, rules: byCoordinates(Rules())}
	var findings []Finding
	for _, c := range changes {
		if rule, ok := j.ruleOf(c); ok {
			findings = append(findings, j.finding(rule, c))
		}
	}
	findings = foldNewerFields(findings)
	explain(findings)
	return finish(findings, p, Rules(), p.Tried)
}

type ruleBook struct {
	policy Policy
	rules  map[coordinates][]Rule
}

type coordinates struct {
	object Object
	action Action
}

func byCoordinates(rules []Rule) map[coordinates][]Rule {
	m := map[coordinates][]Rule{}
	for _, r := range rules {
		for _, a := range r.Actions {
			at := coordinates{r.Object, a}
			m[at] = append(m[at], r)
		}
	}
	return m
}

func (j ruleBook) ruleOf(c Change) (Rule, bool) {
	for _, r := range j.rules[coordinates{c.Object, c.Action}] {
		if r.match == nil || r.match(c) {
			return r, true
		}
	}
	return Rule{}, false
}

func (j ruleBook) finding(r Rule, c Change) Finding {
	f := Finding{
		Rule: r.ID, Severity: r.Severity(j.policy.For), View: c.View, Project: c.Project, Object: c.Path(), Action: c.Action, Old: c.Old, New: c.New,
		Consumers: report.List(slices.Clone(c.UsedBy)), Location: c.Location, Severities: severities(r),
	}
	f.Message = r.text(c)
	j.contracts(&f, c)
	if c.Action == Removed && (c.Object == View || c.Object == Feature) && len(f.Consumers) == 0 {
		f.Message += "; no feature service and no consumer contract uses it"
	}
	if j.policy.Data != nil && c.Object == TTL {
		j.impact(&f, c)
	}
	return f
}

func severities(r Rule) map[string]Severity {
	m := map[string]Severity{}
	for _, consumer := range Consumers() {
		m[consumer] = r.Severity(consumer)
	}
	return m
}

// contracts names the consumers that declared to read the view, and those whose declaration the change breaks.
func (j ruleBook) contracts(f *Finding, c Change) {
	if c.View == "" {
		return
	}
	old, _ := c.Old.(string)
	for _, consumer := range j.policy.Consumers {
		for _, v := range consumer.Views {
			if v.View != c.View && (c.Object != View || v.View != old) {
				continue
			}
			if !slices.Contains(f.Consumers, consumer.Name) {
				f.Consumers = append(f.Consumers, consumer.Name)
			}
			if broken := breach(c, v); broken != "" {
				f.Severity = Error
				f.Message += "; " + consumer.Name + " " + broken
			}
		}
	}
	slices.Sort(f.Consumers)
}

// breach says how a change breaks what a consumer declares, or "".
func breach(c Change, v model.ConsumerView) string {
	seconds, ok := c.New.(float64)
	d := registry.Seconds(&seconds)
	switch {
	case c.Object == TTL && ok && seconds > 0 && v.Lookback > 0 && d < v.Lookback:
		return "looks back " + words.Exact(v.Lookback) + " and gets nulls"
	case c.Object == MaxAge && c.Action == Removed && v.MaxAge > 0:
		return "asserts a max_age of " + words.Exact(v.MaxAge)
	case c.Object == MaxAge && ok && v.MaxAge > 0 && d > v.MaxAge:
		return "asserts a max_age of " + words.Exact(v.MaxAge)
	}
	return ""
}

// foldNewerFields makes one finding of all the newer fields that a view lost: an old client erases them together. What
// a view's copy of its source lost alone is no policy.
func foldNewerFields(findings []Finding) []Finding {
	const rule, copyMeta = "newer-fields-lost", "newer_fields.batch_source.meta"
	lost := map[[2]string][]Finding{}
	for _, f := range findings {
		if f.Rule == rule {
			key := [2]string{f.Project, f.View}
			lost[key] = append(lost[key], f)
		}
	}
	var out []Finding
	for _, f := range findings {
		if f.Rule != rule {
			out = append(out, f)
			continue
		}
		key := [2]string{f.Project, f.View}
		group := lost[key]
		delete(lost, key)
		if len(group) == 0 || len(group) == 1 && group[0].Object == copyMeta {
			continue
		}
		out = append(out, folded(group))
	}
	return out
}

func folded(group []Finding) Finding {
	f := group[0]
	var names []string
	was := map[string]any{}
	for _, g := range group {
		name := strings.TrimPrefix(g.Object, string(NewerField)+".")
		names = append(names, fmt.Sprintf("%s (was %s)", name, inWords(g.Old)))
		was[name] = g.Old
	}
	f.Object, f.Old = string(NewerField), was
	f.Message = "lost " + strings.Join(names, ", ") + ": a client of an older release erases what it does not know"
	return f
}

// explain marks what another finding of the same view causes.
func explain(findings []Finding) {
	gone := map[[2]string]string{}
	for _, f := range findings {
		if f.Rule == "view-removed" || f.Rule == "view-renamed" {
			gone[[2]string{f.Project, f.View}] = f.Rule
			if f.Rule == "view-renamed" {
				gone[[2]string{f.Project, fmt.Sprint(f.Old)}] = f.Rule
			}
		}
	}
	for i := range findings {
		f := &findings[i]
		switch f.Rule {
		case "service-member-removed", "service-member-added", "unknown-fields-lost":
			f.ExplainedBy = gone[[2]string{f.Project, f.View}]
		}
	}
}

// finish suppresses, judges the approvals, names and sorts findings.
func finish(findings []Finding, p Policy, rules []Rule, tried Scope) []Finding {
	used := suppress(findings, p)
	findings = append(findings, approvals(p, rules, tried, used)...)
	findings = append(findings, contracts(p)...)
	for i := range findings {
		findings[i].Fingerprint = fingerprint(findings[i])
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(weights, b.Severity), slices.Index(weights, a.Severity)),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.View, b.View), strings.Compare(a.Project, b.Project), strings.Compare(a.Object, b.Object))
	})
	return findings
}

func fingerprint(f Finding) string {
	sum := sha256.Sum256([]byte(f.Rule + "\x00" + f.Project + "\x00" + f.View + "\x00" + f.Object))
	return hex.EncodeToString(sum[:6])
}

// covers says whether an approval speaks of a finding. One for a source or a range of partitions speaks of data.
func covers(s model.Suppression, f Finding, asOf time.Time) bool {
	if s.Check != f.Rule || s.View != "" && s.View != f.View || s.Source != "" || s.RangeFrom != "" {
		return false
	}
	return !ended(s, asOf)
}

func fromToWords(c Change) string {
	if c.Object == TTL || c.Object == MaxAge || c.Object == MaxLag {
		return "from " + lengthInWords(c.Old) + " to " + lengthInWords(c.New)
	}
	if c.Object == NotJudged {
		return "from " + quoted(c.Old) + " to " + quoted(c.New)
	}
	return "from " + inWords(c.Old) + " to " + inWords(c.New)
}

// quoted is text between quotes: of a long one, where it differs first is for the document to show.
func quoted(v any) string {
	if text, ok := v.(string); ok {
		return strconv.Quote(clipped(text))
	}
	return inWords(v)
}

// lengthInWords writes seconds as a duration.
func lengthInWords(v any) string {
	switch v := v.(type) {
	case nil:
		return "unset"
	case float64:
		return words.Exact(registry.Seconds(&v))
	}
	return inWords(v)
}

func inWords(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		if v == "" {
			return "nothing"
		}
		return v
	case []string:
		return strings.Join(v, ", ")
	case map[string]string:
		words := make([]string, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			words = append(words, key+" as "+v[key])
		}
		return cmp.Or(strings.Join(words, ", "), "nothing")
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
