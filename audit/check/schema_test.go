package check

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

// faulty has a finding of nearly every check.
func faulty() *store {
	s := unreadStore(facts.ProblemPermission)
	s.View.TTL.Duration = 1
	s.View.Sources = []model.SourcePolicy{{Name: "streaming"}}
	s.Survey.Partitions[2].Present = false
	s.Survey.Partitions[5].Rows = 0
	s.Survey.Partitions[8].Rows = 1
	odd := roleColumns()[:5]
	odd[0].AdjustedToUTC = false
	s.Survey.Schemas = append(s.Survey.Schemas, facts.Schema{ID: 1, Columns: odd})
	s.Survey.Files[1].Schema = 1
	for i := range s.Collection.Slices {
		c := &s.Collection.Slices[i]
		c.EventNull, c.KeyNull, c.Stale, c.MisfiledBefore, c.FutureIngested, c.LagOver = 1, 1, 1, 1, 1, 1
		c.OldestStale, c.NewestFuture = asOf-90*day, asOf+hour
	}
	s.Collection.Entities.Stale = 3
	s.Collection.Keys = &facts.Duplicates{RowsTotal: 9000, RepeatedKeys: 1, SurplusRows: 1, MaxMultiplicity: 2}
	return s
}

func TestReportsKeepTheSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(report.SchemaJSON()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*store{"healthy": healthy(dailyView()), "faulty": faulty(), "empty": newStore(model.View{Name: "bare"})} {
		got, err := JudgeView(t.Context(), openJudge(t), s.Input)
		if err != nil {
			t.Fatal(err)
		}
		suppressions := []model.Suppression{{Check: "null-keys", View: s.View.Name, Origin: "featureaudit.yaml:3"}}
		results := append(got.Results, JudgeRun(RunInput{AsOf: asOf, Suppressions: suppressions, Results: got.Results})...)
		built, err := document.Build(document.Input{Catalogue: Reported(), AsOf: asOf, Status: report.Complete, Views: []report.View{got.View}, Results: results})
		if err != nil {
			t.Fatal(err)
		}
		built.Execution.StartedAt, built.Execution.FinishedAt = built.AsOf, built.AsOf
		raw, err := built.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "faulty" {
			for _, r := range built.Results {
				if r.Outcome == report.Pass && r.Check != "ttl-unset" && r.Check != "suppression-expired" {
					t.Errorf("%s passes: %s", r.Check, r.Message)
				}
			}
		}
	}
}
