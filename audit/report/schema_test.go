package report_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures/schemas"
)

func validate(t *testing.T, r report.Report) error {
	t.Helper()
	raw, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return schemas.Validate(report.SchemaJSON(), raw)
}

// least is the smallest document: every list and map is nil.
func least() report.Report {
	return report.Report{
		Schema: report.Schema, ID: "sha256:" + strings.Repeat("0", 64), AsOf: "2026-11-23T00:00:00Z", Status: report.Partial,
		Summary:   report.Summary{Outcome: report.Error},
		Views:     []report.View{{Name: "v", Outcome: report.Pass, Definition: report.ViewDefinition{TimePartition: &report.TimePartition{Grain: "day", Of: "event_time", Expected: "all"}}}},
		Results:   []report.Result{{Check: "stale-view", Outcome: report.Pass, Severity: report.SeverityError, Evidence: report.Certain}},
		Consumers: []report.Consumer{{Outcome: report.Pass}},
	}
}

func TestSchemaAcceptsReportsWithNilLists(t *testing.T) {
	if err := validate(t, least()); err != nil {
		t.Error(err)
	}
}

func TestDigestCoversEverythingButIDAndExecution(t *testing.T) {
	digest := func(r report.Report) string {
		d, err := r.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a, b := least(), least()
	b.ID, b.Execution = "sha256:other", report.Execution{Host: "elsewhere", ElapsedSeconds: 3}
	if digest(a) != digest(b) {
		t.Error("id or execution changes the digest")
	}
	b = least()
	b.Results[0].RowsTotal = 1
	if digest(a) == digest(b) {
		t.Error("a count does not change the digest")
	}
}

func TestSchemaRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*report.Report){
		"another schema":     func(r *report.Report) { r.Schema = "featureaudit.report/v2" },
		"no digest":          func(r *report.Report) { r.ID = "" },
		"no instant":         func(r *report.Report) { r.AsOf = "yesterday" },
		"an unknown outcome": func(r *report.Report) { r.Results[0].Outcome = "maybe" },
		"an empty outcome":   func(r *report.Report) { r.Views[0].Outcome = "" },
		"a negative count":   func(r *report.Report) { r.Results[0].RowsBad = -1 },
		"an unknown status":  func(r *report.Report) { r.Status = "done" },
	} {
		r := least()
		spoil(&r)
		if validate(t, r) == nil {
			t.Errorf("a report with %s is accepted", name)
		}
	}
}

// TestSchemaNamesEveryField walks the structs and the schema together, both ways.
func TestSchemaNamesEveryField(t *testing.T) {
	for _, problem := range schemas.CompareFields("report", reflect.TypeFor[report.Report](), report.SchemaJSON()) {
		t.Errorf("schema.json: %s", problem)
	}
}
