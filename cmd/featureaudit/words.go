package main

import (
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
)

// catalogueWords are what the catalogue says about the check of a result.
func catalogueWords(res report.Result) render.Words {
	c, ok := check.Lookup(res.Check)
	if !ok {
		return render.Words{}
	}
	return render.Words{Why: c.Why, Fix: c.FixOf(res)}
}

func checkIDs() []string {
	var ids []string
	for _, c := range check.Catalogue() {
		ids = append(ids, c.ID)
	}
	return ids
}

func viewNames(views []model.View) []string {
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.Name
	}
	return names
}

// knownChecks refuses an id that is not in the catalogue: a mistyped check must not be green.
func knownChecks(flag string, ids []string) error {
	known := checkIDs()
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return usagef("%s %q: no such check; %schecks: %s", flag, id, policy.DidYouMean(id, known), strings.Join(known, ", "))
		}
	}
	return nil
}

// knownViews refuses the name of a view that is not defined.
func knownViews(flag string, names []string, views []model.View) error {
	known := viewNames(views)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return usagef("%s %q: no such view; %sviews: %s", flag, name, policy.DidYouMean(name, known), strings.Join(known, ", "))
		}
	}
	return nil
}
