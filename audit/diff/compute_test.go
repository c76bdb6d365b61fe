package diff_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/registry"
)

// opposite is what each action is from the other side.
var opposite = map[diff.Action]diff.Action{
	diff.Added: diff.Removed, diff.Removed: diff.Added, diff.Changed: diff.Changed, diff.Renamed: diff.Renamed,
	diff.Lengthened: diff.Shortened, diff.Shortened: diff.Lengthened, diff.Widened: diff.Narrowed, diff.Narrowed: diff.Widened,
}

// facts are changes without where they stand; inverted ones are seen from the other side. Renamed views go by their newer name.
func facts(changes []diff.Change, inverted bool) []string {
	names := map[string]string{}
	for _, c := range changes {
		if c.Action == diff.Renamed {
			names[fmt.Sprint(c.Old)], names[fmt.Sprint(c.New)] = fmt.Sprint(c.New), fmt.Sprint(c.New)
			if inverted {
				names[fmt.Sprint(c.Old)], names[fmt.Sprint(c.New)] = fmt.Sprint(c.Old), fmt.Sprint(c.Old)
			}
		}
	}
	var list []string
	for _, c := range changes {
		if inverted {
			c.Action, c.Old, c.New = opposite[c.Action], c.New, c.Old
		}
		list = append(list, fmt.Sprintf("%s %s %s %s %v %v", c.Object, c.Action, cmp.Or(names[c.View], c.View), c.Name, c.Old, c.New))
	}
	slices.Sort(list)
	return list
}

// TestComputeOnRealRegistries: nothing differs from itself, the other way round is the mirror image, and order never matters.
func TestComputeOnRealRegistries(t *testing.T) {
	for _, p := range readPairs(t) {
		a, b := read(t, p.Before), read(t, p.After)
		if c := diff.Compute(a, a); len(c) != 0 {
			t.Errorf("%s against itself: %v", p.Before, c)
		}
		there, back := facts(diff.Compute(a, b), false), facts(diff.Compute(b, a), true)
		if !slices.Equal(there, back) {
			t.Errorf("%s -> %s\nthere %s\nback  %s", p.Before, p.After, strings.Join(there, "\n      "), strings.Join(back, "\n      "))
		}
		if got := diff.Compute(shuffled(a), shuffled(b)); !reflect.DeepEqual(facts(got, false), there) {
			t.Errorf("%s -> %s: another order of the same definitions gives other changes", p.Before, p.After)
		}
	}
}

// shuffled is d in another order, as a registry might hold it.
func shuffled(d registry.Definitions) registry.Definitions {
	r := rand.New(rand.NewPCG(1, 2))
	d.Views, d.Entities, d.DataSources = slices.Clone(d.Views), slices.Clone(d.Entities), slices.Clone(d.DataSources)
	d.FeatureServices = slices.Clone(d.FeatureServices)
	r.Shuffle(len(d.Views), func(i, j int) { d.Views[i], d.Views[j] = d.Views[j], d.Views[i] })
	r.Shuffle(len(d.Entities), func(i, j int) { d.Entities[i], d.Entities[j] = d.Entities[j], d.Entities[i] })
	r.Shuffle(len(d.DataSources), func(i, j int) { d.DataSources[i], d.DataSources[j] = d.DataSources[j], d.DataSources[i] })
	r.Shuffle(len(d.FeatureServices), func(i, j int) {
		d.FeatureServices[i], d.FeatureServices[j] = d.FeatureServices[j], d.FeatureServices[i]
	})
	return d
}

// TestDumpsAgreeWithTheirRegistries: a dump differs from its registry in nothing.
func TestDumpsAgreeWithTheirRegistries(t *testing.T) {
	readPairs(t)
	dumps, err := filepath.Glob(filepath.Join(testdata, "registries/*/*.dump.json"))
	if err != nil || len(dumps) == 0 {
		t.Fatal("no dumps: ", err)
	}
	for _, dump := range dumps {
		name, _ := filepath.Rel(testdata, dump) // it was found below
		file := strings.Replace(name, ".sqlite.dump.json", ".registry.sqlite", 1)
		file = strings.Replace(file, ".dump.json", ".registry.db", 1)
		if findings := diff.Classify(diff.Compute(read(t, file), read(t, name)), diff.Policy{}); len(findings) != 0 {
			t.Errorf("%s against %s: %+v", name, file, findings)
		}
	}
}

// waivers are the coordinates whose opposite has no rule, with the reason.
var waivers = map[string]string{
	"newer_fields added":   "fields appear by a mere upgrade: no policy changed (only `disabled` has a rule)",
	"newer_fields removed": "its opposite is the upgrade itself",
}

// TestEveryRuleHasItsOpposite: whoever judges a removal judges the addition, or says why not.
func TestEveryRuleHasItsOpposite(t *testing.T) {
	has := map[string]bool{}
	for _, r := range diff.Rules() {
		for _, a := range r.Actions {
			has[string(r.Object)+" "+string(a)] = true
		}
	}
	used := map[string]bool{}
	for _, r := range diff.Rules() {
		for _, a := range r.Actions {
			mirror := string(r.Object) + " " + string(opposite[a])
			switch reason, waived := waivers[string(r.Object)+" "+string(a)]; {
			case waived && reason == "":
				t.Errorf("%s %s: the waiver gives no reason", r.Object, a)
			case waived:
				used[string(r.Object)+" "+string(a)] = true
			case !has[mirror]:
				t.Errorf("%s judges %s %s, but no rule judges %s: add one, or a waiver with the reason", r.ID, r.Object, a, mirror)
			}
		}
	}
	for w := range waivers {
		if !used[w] {
			t.Errorf("the waiver of %q is not needed any more", w)
		}
	}
}

// TestRulesAreComplete: every rule can be read and graded, and its name is its own.
func TestRulesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range slices.Concat(diff.Rules(), diff.LintRules(), diff.ApprovalRules()) {
		if seen[r.ID] || r.ID == "" || strings.ToLower(r.ID) != r.ID || strings.ContainsAny(r.ID, " _") {
			t.Errorf("rule %q: its id is empty, taken or not in kebab-case", r.ID)
		}
		seen[r.ID] = true
		for what, text := range map[string]string{"title": r.Title, "why": r.Why, "fix": r.Fix} {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("rule %s: its %s %q is no sentence", r.ID, what, text)
			}
		}
		for _, consumer := range diff.Consumers() {
			if r.Severity(consumer) == "" {
				t.Errorf("rule %s has no severity for %s", r.ID, consumer)
			}
		}
	}
}

// TestRulesShareTheNamespaceOfChecks: a suppression names a check and a rule alike, so a shared name means one thing.
func TestRulesShareTheNamespaceOfChecks(t *testing.T) {
	lint := map[string]string{}
	for _, r := range diff.RulesOf(diff.LintSchema) {
		lint[r.ID] = r.Title
	}
	for _, c := range check.Catalogue() {
		if !slices.Contains(diff.RuleIDs(), c.ID) {
			continue
		}
		if title, ok := lint[c.ID]; !ok || c.ID != "unknown-fields" && title != c.Title {
			t.Errorf("%s is a check (%s) and a rule (%s): give the rule another name", c.ID, c.Title, title)
		}
	}
}
