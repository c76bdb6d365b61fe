package main

import (
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
)

// words are what the catalogue says about the check of a result.
func words(res report.Result) render.Words {
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

// knownChecks refuses an id that is not in the catalogue: a mistyped check must not be green.
func knownChecks(flag string, ids []string) error {
	known := checkIDs()
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return usagef("%s %q: no such check; checks: %s", flag, id, strings.Join(known, ", "))
		}
	}
	return nil
}

// knownViews refuses the name of a view that is not defined.
func knownViews(names []string, views []model.View) error {
	known := make([]string, len(views))
	for i, v := range views {
		known[i] = v.Name
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return usagef("--view %q: no such view; views: %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}
