package main

import (
	"cmp"
	"encoding/json"
	"os"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/featureaudit/featureaudit/audit/report"
)

// sealed completes reports of which a script writes what matters to it: sealed FILE... Each view gets a result of each
// check, not_applicable where the script has none; counts, outcomes, catalogue and id are made to hold.
func sealed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: sealed FILE...")
	}
	for _, name := range args {
		var r report.Report
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &r))
		raw, err := complete(r)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(name), raw, 0o644))
	}
}

func complete(r report.Report) ([]byte, error) {
	r.AsOf, r.Status = cmp.Or(r.AsOf, "2026-11-23T00:00:00Z"), cmp.Or(r.Status, report.Complete)
	for _, res := range r.Results {
		if !slices.ContainsFunc(r.Views, func(v report.View) bool { return v.Name == res.View }) {
			r.Views = append(r.Views, report.View{Name: res.View, Owner: res.Owner})
		}
		r.Catalogue = append(r.Catalogue, res.Check)
	}
	slices.Sort(r.Catalogue)
	r.Catalogue = slices.Compact(r.Catalogue)
	owners := map[string]string{}
	for _, res := range r.Results {
		owners[res.View] = res.Owner
	}
	for i := range r.Views {
		v := &r.Views[i]
		var all []report.Outcome
		for _, check := range r.Catalogue {
			at := slices.IndexFunc(r.Results, func(res report.Result) bool { return res.View == v.Name && res.Check == check })
			if at < 0 {
				at = len(r.Results)
				r.Results = append(r.Results, report.Result{View: v.Name, Check: check, Owner: owners[v.Name], Outcome: report.NotApplicable})
			}
			res := &r.Results[at]
			res.Severity, res.Evidence = cmp.Or(res.Severity, report.SeverityError), cmp.Or(res.Evidence, report.Certain)
			all = append(all, res.Outcome)
		}
		v.Outcome = report.Worst(all...)
	}
	r.Summary = r.Summarise()
	id, err := r.Digest()
	if err != nil {
		return nil, err
	}
	r.ID = id
	return r.Marshal()
}

// sampleReport is a small report of one view.
func sampleReport() report.Report {
	return report.Report{Schema: report.Schema, Results: []report.Result{{Check: "stale-view", View: "clicks", Outcome: report.Pass}}}
}
