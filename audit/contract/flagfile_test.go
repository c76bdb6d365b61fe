package contract_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/featureaudit/featureaudit/audit/contract"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

var update = flag.Bool("update", false, "write the golden file anew")

const (
	asOf     = "2026-11-24T00:00:00Z"
	newest   = "2026-11-23T23:00:00Z"
	finished = "2026-11-24T00:04:00.5Z"
)

// sound is a view whose audit found nothing, with the results that a pass rests on.
func sound(name string) (report.View, []report.Result) {
	v := report.View{Name: name, Project: "growth", Owner: "web", Outcome: report.Pass, Rows: 1000, NewestEventTime: new(newest), OldestEventTime: new("2026-11-01T00:00:00Z"),
		AgeSeconds: new(3600.0), CleanFrom: new("2026-11-01T00:00:00Z"), CleanUntil: new(asOf),
		SourceLagSeconds: map[string]report.Lag{"batch": {P50: 60, P99: 900, Rows: 500}, "streaming": {P50: 1, P99: 1200.5, Rows: 500}},
		Definition:       report.ViewDefinition{TTLSeconds: new(259200.0), TTLDeclared: true, MaxAgeSeconds: new(86400.0)}}
	results := []report.Result{
		{Check: "duplicate-keys", View: name, Outcome: report.Pass, RowsTotal: 1000, Measures: map[string]any{"repeated_keys": int64(0)}},
		{Check: "mixed-zones", View: name, Outcome: report.NotApplicable, Reason: "no ingested_at"},
		{Check: "stale-entities", View: name, Outcome: report.Pass, RowsTotal: 40, RowsBad: 1},
		{Check: "stale-rows", View: name, Outcome: report.Pass, RowsTotal: 1000},
		{Check: "stale-view", View: name, Outcome: report.Pass, RowsTotal: 1, Measures: map[string]any{"newest_event_time": newest, "age_seconds": 3600.0, "limit_seconds": 86400.0}},
	}
	for i := range results {
		results[i].Severity = report.SeverityWarn
	}
	return v, results
}

func reportOf(changes ...func(*report.View, map[string]*report.Result)) report.Report {
	r := report.Report{Schema: report.Schema, ID: "sha256:0123", AsOf: asOf, Status: report.Complete, Execution: report.Execution{FinishedAt: finished}}
	v, results := sound("clicks")
	byCheck := map[string]*report.Result{}
	for i := range results {
		byCheck[results[i].Check] = &results[i]
	}
	for _, change := range changes {
		change(&v, byCheck)
	}
	r.Views, r.Results = []report.View{v}, results
	return r
}

type writtenFile struct {
	Metadata map[string]any `json:"metadata"`
	Flags    map[string]struct {
		State          string            `json:"state"`
		Variants       map[string]string `json:"variants"`
		DefaultVariant string            `json:"defaultVariant"`
		Metadata       map[string]any    `json:"metadata"`
	} `json:"flags"`
}

func written(t *testing.T, r report.Report) writtenFile {
	t.Helper()
	raw, err := contract.FlagFile(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := contract.Parse(raw); err != nil {
		t.Fatalf("our own reader refuses it: %v", err)
	}
	conforms(t, raw)
	var f writtenFile
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// flagdFacts is what flagd's published schema and its Python provider demand of a file of string flags, stated anew:
// the schema is on no registry that a build may use.
const flagdFacts = `{
  "type": "object", "required": ["flags"], "additionalProperties": false,
  "properties": {
    "$schema": {"const": "https://flagd.dev/schema/v0/flags.json"},
    "metadata": {"$ref": "#/$defs/metadata", "properties": {"flagSetId": {"type": "string"}, "version": {"type": "string"}}},
    "flags": {"type": "object", "propertyNames": {"minLength": 1}, "additionalProperties": {
      "type": "object", "required": ["state", "variants", "defaultVariant"], "additionalProperties": false,
      "properties": {
        "state": {"enum": ["ENABLED", "DISABLED"]},
        "variants": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}},
        "defaultVariant": {"enum": ["pass", "warn", "fail", "unknown"]},
        "metadata": {"$ref": "#/$defs/metadata"}}}}},
  "$defs": {"metadata": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}}}`

func conforms(t *testing.T, raw []byte) {
	t.Helper()
	facts, err := jsonschema.UnmarshalJSON(strings.NewReader(flagdFacts))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("facts.json", facts); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("facts.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, raw)
	}
}

func TestVariantsAndReasons(t *testing.T) {
	outcome := func(check string, o report.Outcome) func(*report.View, map[string]*report.Result) {
		return func(_ *report.View, results map[string]*report.Result) { results[check].Outcome = o }
	}
	for name, test := range map[string]struct {
		report           report.Report
		variant, reasons string
	}{
		"sound":      {reportOf(), "pass", ""},
		"suppressed": {reportOf(outcome("stale-rows", report.Suppressed)), "pass", ""},
		"a finding":  {reportOf(outcome("stale-rows", report.Fail), outcome("duplicate-keys", report.Warn)), "fail", "stale-rows,duplicate-keys"},
		"a warning":  {reportOf(outcome("duplicate-keys", report.Warn)), "warn", "duplicate-keys"},
		"an error":   {reportOf(outcome("stale-entities", report.Error), outcome("duplicate-keys", report.Warn)), "unknown", "stale-entities,duplicate-keys"},
		"both":       {reportOf(outcome("stale-entities", report.Error), outcome("stale-rows", report.Fail)), "fail", "stale-rows,stale-entities"},
		"explained":  {reportOf(outcome("stale-rows", report.Fail), outcome("stale-view", report.Fail), func(_ *report.View, r map[string]*report.Result) { r["stale-rows"].ExplainedBy = "stale-view" }), "fail", "stale-view"},
		"ttl unset": {reportOf(func(v *report.View, _ map[string]*report.Result) {
			v.Definition.TTLDeclared, v.Definition.TTLSeconds = false, nil
		}), "unknown", "ttl_undeclared"},
		"no rows":  {reportOf(func(v *report.View, _ map[string]*report.Result) { v.Rows, v.NewestEventTime = 0, nil }), "unknown", "no_event_time"},
		"no stale": {reportOf(outcome("stale-view", report.NotApplicable)), "unknown", "freshness_not_judged"},
		"never": {reportOf(outcome("stale-view", report.NotApplicable), func(v *report.View, _ map[string]*report.Result) {
			v.Definition.TTLNever, v.Definition.TTLSeconds, v.Definition.MaxAgeSeconds = "static", nil, nil
		}), "pass", ""},
		"interrupted": {func() report.Report { r := reportOf(); r.Status = report.Partial; return r }(), "unknown", "partial_report"},
		"narrowed":    {func() report.Report { r := reportOf(); r.Selection.Checks = []string{"stale-view"}; return r }(), "unknown", "checks_narrowed"},
		"no result":   {func() report.Report { r := reportOf(); r.Results = nil; return r }(), "unknown", "not_evaluated,freshness_not_judged"},
		"of a range":  {func() report.Report { r := reportOf(); r.Range = "2026-11-23..2026-11-23"; return r }(), "pass", ""},
		"run's result": {func() report.Report {
			r := reportOf()
			r.Results = append(r.Results, report.Result{Check: "suppression-unused", Outcome: report.Warn, Severity: report.SeverityWarn})
			return r
		}(), "pass", ""},
	} {
		flag := written(t, test.report).Flags["featureview.growth.clicks"]
		reasons, _ := flag.Metadata["reasons"].(string)
		if flag.DefaultVariant != test.variant || reasons != test.reasons {
			t.Errorf("%s: %s (%s), want %s (%s)", name, flag.DefaultVariant, reasons, test.variant, test.reasons)
		}
	}
}

func TestMetadata(t *testing.T) {
	f := written(t, reportOf(func(v *report.View, results map[string]*report.Result) {
		results["duplicate-keys"].Measures["repeated_keys"] = 17.0
		results["duplicate-keys"].Outcome = report.Fail
		results["stale-rows"].RowsBad = 12
	}))
	want := map[string]any{"feature_view": "clicks", "project": "growth", "owner": "web", "contract_version": 1.0, "audited_at": finished, "as_of": asOf,
		"report_id": "sha256:0123", "newest_event_time": newest, "oldest_event_time": "2026-11-01T00:00:00Z", "age_seconds": 3600.0, "max_age_seconds": 86400.0,
		"ttl_seconds": 259200.0, "ttl_declared": true, "source_lag_p50_seconds": 60.0, "source_lag_p99_seconds": 1200.5, "stale_rows": 12.0, "stale_entities_ratio": 0.025,
		"duplicate_keys": 17.0, "rows_audited": 1000.0, "reasons": "duplicate-keys", "clean_from": "2026-11-01T00:00:00Z", "clean_until": asOf,
		"stale_after": "2026-11-24T23:00:00Z"}
	got := f.Flags["featureview.growth.clicks"].Metadata
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: %v, want %v", name, got[name], value)
		}
	}
	for name := range got {
		if _, known := want[name]; !known {
			t.Errorf("%s: %v is not expected", name, got[name])
		}
	}
	for name := range f.Metadata {
		if strings.Contains(name, "ttl") || strings.Contains(name, "max_age") {
			t.Errorf("%s stands for the whole set: every flag would inherit it", name)
		}
	}
}

func TestServicesAreTheWorstOfTheirViews(t *testing.T) {
	r := reportOf()
	other, results := sound("orders")
	other.NewestEventTime, other.CleanFrom = new("2026-11-23T20:00:00Z"), new("2026-11-10T00:00:00Z")
	other.Definition.MaxAgeSeconds = new(7200.0)
	results[0].Outcome = report.Warn
	r.Views, r.Results = append(r.Views, other), append(r.Results, results...)
	r.Definitions = []report.Definition{{Source: "a", FeatureServices: []report.FeatureService{{Name: "churn", Project: "growth", Views: []string{"orders", "clicks"}},
		{Name: "gone", Project: "growth", Views: []string{"clicks", "nowhere"}}}}, {Source: "b", FeatureServices: []report.FeatureService{{Name: "churn", Project: "growth", Views: []string{"clicks", "orders"}}}}}
	f := written(t, r)
	churn := f.Flags["featureservice.growth.churn"]
	want := map[string]any{"reasons": "orders:duplicate-keys", "newest_event_time": "2026-11-23T20:00:00Z", "stale_after": "2026-11-23T22:00:00Z",
		"clean_from": "2026-11-10T00:00:00Z", "clean_until": asOf, "ttl_declared": true, "feature_service": "churn"}
	for name, value := range want {
		if churn.Metadata[name] != value {
			t.Errorf("%s: %v, want %v", name, churn.Metadata[name], value)
		}
	}
	if churn.DefaultVariant != "warn" {
		t.Errorf("churn is %s, want warn", churn.DefaultVariant)
	}
	gone := f.Flags["featureservice.growth.gone"]
	if gone.DefaultVariant != "unknown" || gone.Metadata["reasons"] != "nowhere:not_audited" || gone.Metadata["clean_from"] != nil || gone.Metadata["newest_event_time"] != nil {
		t.Errorf("gone: %+v", gone)
	}
	r.Definitions[1].FeatureServices[0].Views = []string{"clicks"}
	if _, err := contract.FlagFile(r); err == nil || !strings.Contains(err.Error(), `feature service "churn" is defined twice`) {
		t.Errorf("two services of one name: %v", err)
	}
}

func TestFlagFilesThatCannotBe(t *testing.T) {
	r := reportOf()
	r.Execution.FinishedAt = ""
	if _, err := contract.FlagFile(r); err == nil || !strings.Contains(err.Error(), `execution.finished_at is ""`) {
		t.Errorf("without an end: %v", err)
	}
	r = reportOf()
	dotted := r.Views[0]
	dotted.Project, dotted.Name = "", "growth.clicks"
	r.Views = append(r.Views, dotted)
	if _, err := contract.FlagFile(r); err == nil || !strings.Contains(err.Error(), `the key "featureview.growth.clicks"`) {
		t.Errorf("two views of one key: %v", err)
	}
}

func TestConsumersAreJudgedAtAsOf(t *testing.T) {
	r, err := contract.WithConsumers(reportOf(), []model.Consumer{
		{Name: "churn", Owner: "ml", Views: []model.ConsumerView{{View: "clicks", MaxAge: 6 * 3600e9, Lookback: 7 * 86400e9}}},
		{Name: "now", Views: []model.ConsumerView{{View: "clicks", MaxAge: 60e9}, {View: "nowhere"}}},
		{Name: "lost", Views: []model.ConsumerView{{View: "clicks"}, {View: "nowhere"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []report.Outcome{report.Pass, report.Fail, report.Error} {
		if got := r.Consumers[i]; got.Outcome != want {
			t.Errorf("%s: %s, want %s: %+v", got.Name, got.Outcome, want, got.Views)
		}
	}
	first := r.Consumers[0].Views[0]
	if *first.MaxAgeSeconds != 21600 || *first.LookbackSeconds != 604800 || first.Message != "clicks (owner web): pass: its newest event is 1h old, promised 6h" {
		t.Errorf(`%+v, want *first.MaxAgeSeconds == 21600 && *first.LookbackSeconds == 604800 && first.Message == "clicks (owner web): pass: its newest event is 1h old, promised 6h"`, first)
	}
	if digest, err := r.Digest(); err != nil || digest != r.ID {
		t.Errorf("id %s, digest %s, %v", r.ID, digest, err)
	}
}

// TestGolden keeps one written file for readers in other languages: the Python tests read it with our provider and flagd's.
func TestGolden(t *testing.T) {
	raw, err := contract.FlagFile(reportOf())
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/written.json"
	if *update {
		if os.Getenv("CI") != "" {
			t.Fatal("-update is refused where CI is set: goldens are written by people")
		}
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(raw) != string(want) {
		t.Errorf("%s\nwant\n%s", raw, want)
	}
}

// A view without time partitions has no clean run, and says that as the cause.
func TestWindowOfAnUnpartitionedViewNamesTheCause(t *testing.T) {
	for name, test := range map[string]struct {
		partition *report.TimePartition
		want      string
	}{
		"unpartitioned": {nil, "it has no time partitions, so that no window of it can be proven clean"},
		"partitioned":   {&report.TimePartition{Grain: "day"}, "its clean_from is missing: no run of its partitions is proven clean"},
	} {
		raw, err := contract.FlagFile(reportOf(func(v *report.View, _ map[string]*report.Result) {
			v.CleanFrom, v.CleanUntil, v.Files, v.Definition.TimePartition = nil, nil, 3, test.partition
		}))
		if err != nil {
			t.Fatal(err)
		}
		f, err := contract.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		now, _ := time.Parse(time.RFC3339, asOf)
		answer := contract.DecideWindow(f.Evidence("growth", "clicks"), contract.Question{View: "clicks", Now: now}, now.AddDate(0, 0, -2), now)
		if answer.Verdict != contract.Unknown || !strings.Contains(answer.Message, test.want) {
			t.Errorf("%s: %s: %s, want %q", name, answer.Verdict, answer.Message, test.want)
		}
	}
}
