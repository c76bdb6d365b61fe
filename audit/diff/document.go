package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/report"
)

// Schemas of the documents that diff and lint write.
const (
	DiffSchema = "featureaudit.diff/v1"
	LintSchema = "featureaudit.lint/v1"
)

// Document is what diff and lint write: pure values, from which every format is made.
type Document struct {
	Schema string `json:"schema"`
	// Old is nil for lint.
	Old *Side `json:"old,omitempty"`
	New *Side `json:"new,omitempty"`
	// For is the kind of consumer that severities are narrowed to; empty takes the heaviest.
	For     string  `json:"for,omitempty"`
	AsOf    string  `json:"as_of"`
	Summary Summary `json:"summary"`
	// NotCompared are the objects that one side's format cannot say.
	NotCompared []string            `json:"not_compared,omitempty"`
	Rules       map[string]RuleText `json:"rules"`
	Changes     []Finding           `json:"changes"`
}

// Side is one set of definitions.
type Side struct {
	Source string `json:"source"`
	Kind   string `json:"kind"`
	Digest string `json:"digest"`
	Views  int    `json:"views"`
}

// Summary counts findings. Suppressed ones are in no other count.
type Summary struct {
	// Outcome is fail, warn or pass.
	Outcome  string `json:"outcome"`
	Headline string `json:"headline"`
	// Headlines are one sentence for each rule, the heaviest first: what happened to 47 views is one of them.
	Headlines  []string       `json:"headlines"`
	Error      int            `json:"error"`
	Warn       int            `json:"warn"`
	Info       int            `json:"info"`
	Suppressed int            `json:"suppressed"`
	ByRule     map[string]int `json:"by_rule"`
}

// RuleText says of a rule what its findings do not repeat.
type RuleText struct {
	Title string `json:"title"`
	Why   string `json:"why"`
	Fix   string `json:"fix"`
}

// SideOf describes definitions.
func SideOf(d registry.Definitions) *Side {
	return &Side{Source: d.Source, Kind: d.Kind, Digest: d.Digest, Views: len(d.Views)}
}

// NewDocument counts the findings and puts them together.
func NewDocument(schema string, older, newer *Side, findings []Finding) Document {
	d := Document{Schema: schema, Old: older, New: newer, Rules: map[string]RuleText{}, Changes: report.List(findings)}
	d.Summary = summarise(d.Changes)
	if len(d.Summary.Headlines) == 0 {
		d.Summary.Headline = d.quiet()
	}
	for _, f := range d.Changes {
		if r, ok := Find(f.Rule); ok {
			d.Rules[f.Rule] = RuleText{Title: r.Title, Why: r.Why, Fix: r.Fix}
		}
	}
	return d
}

func summarise(findings []Finding) Summary {
	s := Summary{Outcome: "pass", ByRule: map[string]int{}, Headlines: []string{}}
	for _, f := range findings {
		if f.Suppressed {
			s.Suppressed++
			continue
		}
		s.ByRule[f.Rule]++
		switch f.Severity {
		case Error:
			s.Error++
		case Warn:
			s.Warn++
		case Info:
			s.Info++
		default:
		}
	}
	switch {
	case s.Error > 0:
		s.Outcome = "fail"
	case s.Warn > 0:
		s.Outcome = "warn"
	}
	for _, g := range Groups(findings) {
		if g.Severity.atLeast(Warn) {
			s.Headlines = append(s.Headlines, g.Headline())
		}
	}
	if len(s.Headlines) > 0 {
		s.Headline = s.Headlines[0]
	}
	if n := len(s.Headlines); n > 1 {
		s.Headline += fmt.Sprintf("; and %d other kinds of findings", n-1)
	}
	return s
}

// quiet is the headline where nothing is an error or a warning. That nothing changed is said only of the same bytes.
func (d Document) quiet() string {
	words := []string{"no policy change"}
	if d.Schema == LintSchema {
		words[0] = "nothing to warn of"
	}
	counted := func(n int, one, many string) {
		switch {
		case n == 1:
			words = append(words, "1 "+one)
		case n > 1:
			words = append(words, fmt.Sprintf("%d %s", n, many))
		}
	}
	counted(d.Summary.ByRule[NotJudgedRule], "change not judged", "changes not judged")
	counted(d.Summary.Info-d.Summary.ByRule[NotJudgedRule], "note", "notes")
	counted(d.Summary.Suppressed, "finding approved", "findings approved")
	if d.Old != nil && d.New != nil && len(words) == 1 && d.Old.Digest != "" && d.Old.Digest == d.New.Digest {
		return "no policy change: nothing changed"
	}
	return strings.Join(words, "; ")
}

// Group is what one rule found, in one headline.
type Group struct {
	Rule     string
	Severity Severity
	Findings []Finding
}

// families are rules that tell one story: they share a headline.
var families = map[string]string{"ttl-zeroed": "ttl-removed"}

// Groups puts findings together by what happened: the heaviest first, then the most numerous. Suppressed ones, those of
// no weight and those that another finding explains are left out.
func Groups(findings []Finding) []Group {
	byKey := map[string]*Group{}
	var groups []*Group
	for _, f := range findings {
		if f.Suppressed || f.Severity == None || f.ExplainedBy != "" {
			continue
		}
		rule := cmp.Or(families[f.Rule], f.Rule)
		key := rule + "\x00" + string(f.Severity)
		g, ok := byKey[key]
		if !ok {
			g = &Group{Rule: rule, Severity: f.Severity}
			byKey[key] = g
			groups = append(groups, g)
		}
		g.Findings = append(g.Findings, f)
	}
	out := make([]Group, len(groups))
	for i, g := range groups {
		slices.SortStableFunc(g.Findings, func(a, b Finding) int {
			return cmp.Or(strings.Compare(a.View, b.View), strings.Compare(a.Object, b.Object))
		})
		out[i] = *g
	}
	slices.SortStableFunc(out, func(a, b Group) int {
		return cmp.Or(
			cmp.Compare(slices.Index(weights, b.Severity), slices.Index(weights, a.Severity)),
			cmp.Compare(ttlFirst(a.Rule), ttlFirst(b.Rule)),
			cmp.Compare(len(b.Findings), len(a.Findings)), strings.Compare(a.Rule, b.Rule))
	})
	return out
}

// ttlFirst orders a dropped ttl before all else of its weight: it is what this program is for.
func ttlFirst(rule string) int {
	if rule == "ttl-removed" {
		return 0
	}
	return 1
}

// Views are the views of the group's findings, each once.
func (g Group) Views() []string {
	var names []string
	for _, f := range g.Findings {
		if f.View != "" {
			names = append(names, f.View)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Headline is one sentence about the group.
func (g Group) Headline() string {
	views := g.Views()
	if len(g.Findings) == 1 {
		return strings.TrimPrefix(g.Findings[0].View+": ", ": ") + g.Findings[0].Message
	}
	if g.Rule == "ttl-removed" {
		return fmt.Sprintf("%d views lost their ttl: %s", len(views), fewOf(views))
	}
	if len(views) == 0 {
		return fmt.Sprintf("%s: %d findings", g.Rule, len(g.Findings))
	}
	title := g.Rule
	if r, ok := Find(g.Rule); ok {
		title = g.Rule + " (" + strings.TrimSuffix(r.Title, ".") + ")"
	}
	if len(views) == 1 {
		return fmt.Sprintf("%s: %d findings in %s", title, len(g.Findings), views[0])
	}
	text := fmt.Sprintf("%s: %d views: %s", title, len(views), fewOf(views))
	if len(g.Findings) > len(views) && g.Rule == "unknown-fields" { // several in one view, or of none
		text += fmt.Sprintf(" (%d fields)", len(g.Findings))
	}
	return text
}

func fewOf(names []string) string {
	if len(names) > 4 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}
