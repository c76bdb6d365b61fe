package diff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
)

// ApprovalRules are the rules that judge the approvals themselves, for Classify and Lint alike. They mean what the checks
// of those names mean.
func ApprovalRules() []Rule {
	return []Rule{
		{
			ID: suppressionExpired, Title: "A suppression is past its date.", Training: Warn, Serving: Warn, Storage: Warn,
			Why: "What it accepted for a while is a finding again, and somebody still believes that it is accepted.",
			Fix: "Repair the cause and remove the suppression, or accept it again with a new until.",
		},
		{
			ID: suppressionUnused, Title: "A suppression matches no finding.", Training: Warn, Serving: Warn, Storage: Warn,
			Why: "Its cause is gone or its name is wrong; left in place it hides the next fault of that kind.",
			Fix: "Remove the suppression, or correct its check, view, source or range.",
		},
		{
			ID: consumerContract, Title: "A consumer's contract cannot protect it.", Training: Error, Serving: Error, Storage: None,
			Why: "A contract that names no view is never asserted, and one looser than the ttl lets features through that expired long ago.",
			Fix: "Correct the view's name, or set the consumer's max_age to the view's ttl or less.",
		},
	}
}

const (
	suppressionExpired = "suppression-expired"
	suppressionUnused  = "suppression-unused"
	consumerContract   = "consumer-contract"
)

// Scope says whether a rule was tried on a view; the view "" asks for any of them. An approval can be unused only there.
type Scope func(rule, view string) bool

// Compared is the scope of a comparison: the views of both sides, and the rules of what both formats can say.
func Compared(older, newer registry.Definitions) Scope {
	views := map[string]bool{}
	for _, d := range []registry.Definitions{older, newer} {
		for _, v := range d.Views {
			views[v.Name] = true
		}
	}
	compared := comparable(older.Kind, newer.Kind)
	tried := map[string]bool{}
	for _, r := range Rules() {
		tried[r.ID] = compared(r.Object)
	}
	return func(rule, view string) bool { return tried[rule] && (view == "" || views[view]) }
}

// suppress marks what an approval accepts, and gives the indexes of the approvals that did.
func suppress(findings []Finding, p Policy) map[int]bool {
	used := map[int]bool{}
	for i := range findings {
		f := &findings[i]
		for n, s := range p.Suppressions {
			if !covers(s, *f, p.AsOf) {
				continue
			}
			used[n] = true
			if !f.Suppressed {
				f.Suppressed, f.SuppressedBy = true, strings.TrimSuffix(s.Reason+" ("+s.Owner+")", " ()")
			}
		}
	}
	return used
}

// approvals judges the suppressions of the rules that were tried. One for a source or a range of partitions speaks of
// data, which only an audit looks at.
func approvals(p Policy, rules []Rule, tried Scope, used map[int]bool) []Finding {
	var findings []Finding
	for n, s := range p.Suppressions {
		if s.View != "" && p.KnownViews != nil && !slices.Contains(p.KnownViews, s.View) {
			findings = append(findings, ofApproval(p, s.Origin, suppressionUnused, s.Check, strings.TrimRight(
				fmt.Sprintf("the suppression of %s names the view %q, which no definition has: %s", s.Check, s.View, policy.DidYouMean(s.View, p.KnownViews)), ": ")))
			continue
		}
		if s.Source != "" || s.RangeFrom != "" || !slices.ContainsFunc(rules, func(r Rule) bool { return r.ID == s.Check }) {
			continue
		}
		switch {
		case ended(s, p.AsOf):
			findings = append(findings, ofApproval(p, s.Origin, suppressionExpired, s.Check,
				fmt.Sprintf("the suppression of %s ended on %s (%s)", target(s), s.Until.UTC().Format(time.RFC3339), s.Reason)))
		case !used[n] && tried != nil && tried(s.Check, s.View):
			findings = append(findings, ofApproval(p, s.Origin, suppressionUnused, s.Check, fmt.Sprintf("the suppression of %s matches no finding (%s)", target(s), s.Reason)))
		}
	}
	return findings
}

// ended says whether a suppression no longer holds.
func ended(s model.Suppression, asOf time.Time) bool {
	return !s.Until.IsZero() && !asOf.Before(s.Until)
}

func target(s model.Suppression) string {
	if s.View == "" {
		return s.Check
	}
	return s.Check + " in view " + s.View
}

// contracts judges the views that consumers name.
func contracts(p Policy) []Finding {
	var findings []Finding
	for _, c := range p.Consumers {
		for _, v := range c.Views {
			if p.KnownViews != nil && !slices.Contains(p.KnownViews, v.View) {
				findings = append(findings, ofApproval(p, c.Origin, consumerContract, v.View, strings.TrimRight(
					fmt.Sprintf("consumer %s names the view %q, which no definition has: %s", c.Name, v.View, policy.DidYouMean(v.View, p.KnownViews)), ": ")))
			}
		}
	}
	return findings
}

// ofApproval is a finding of no view: suppressions and consumers belong to the whole config. Its object is where it is written.
func ofApproval(p Policy, origin, id, found, message string) Finding {
	r, _ := Find(id)
	return Finding{
		Rule: id, Severity: r.Severity(p.For), Object: origin, New: found, Consumers: []string{}, Message: message,
		Location: originLine(origin), Severities: severities(r),
	}
}

// originLine reads FILE:LINE.
func originLine(origin string) *registry.Location {
	i := strings.LastIndexByte(origin, ':')
	if i < 1 {
		return nil
	}
	line, err := strconv.Atoi(origin[i+1:])
	if err != nil {
		return nil
	}
	return &registry.Location{File: origin[:i], Line: line}
}
