package render

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
)

// The documents of OpenLineage 2-0-2 and of its facets: https://openlineage.io/spec.
const (
	lineageProducer   = "https://github.com/featureaudit/featureaudit"
	lineageSchema     = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
	assertionsSchema  = "https://openlineage.io/spec/facets/1-1-0/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet"
	metricsSchema     = "https://openlineage.io/spec/facets/1-0-3/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet"
	testsSchema       = "https://openlineage.io/spec/facets/1-0-1/TestRunFacet.json#/$defs/TestRunFacet"
	ownershipSchema   = "https://openlineage.io/spec/facets/1-0-1/OwnershipDatasetFacet.json#/$defs/OwnershipDatasetFacet"
	errorSchema       = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
	lineageNamespace  = "featureaudit"
	lineageLocalFiles = "file"
)

type lineageEvent struct {
	EventType string         `json:"eventType"`
	EventTime string         `json:"eventTime"`
	Producer  string         `json:"producer"`
	SchemaURL string         `json:"schemaURL"`
	Run       lineageRun     `json:"run"`
	Job       lineageJob     `json:"job"`
	Inputs    []lineageInput `json:"inputs"`
	Outputs   []struct{}     `json:"outputs"`
}

type lineageRun struct {
	RunID  string         `json:"runId"`
	Facets map[string]any `json:"facets"`
}

type lineageJob struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type lineageInput struct {
	Namespace   string         `json:"namespace"`
	Name        string         `json:"name"`
	Facets      map[string]any `json:"facets"`
	InputFacets map[string]any `json:"inputFacets"`
}

type lineageFacet struct {
	Producer  string `json:"_producer"`
	SchemaURL string `json:"_schemaURL"`
}

func facet(schema string) lineageFacet { return lineageFacet{lineageProducer, schema} }

type lineageAssertion struct {
	Assertion   string         `json:"assertion"`
	Success     bool           `json:"success"`
	Severity    string         `json:"severity,omitempty"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Expected    string         `json:"expected"`
	Actual      string         `json:"actual"`
	Params      map[string]any `json:"params"`
}

type lineageTest struct {
	Name        string         `json:"name"`
	Status      string         `json:"status"`
	Severity    string         `json:"severity,omitempty"`
	Type        string         `json:"type"`
	Description string         `json:"description"`
	Expected    string         `json:"expected,omitempty"`
	Actual      string         `json:"actual,omitempty"`
	Params      map[string]any `json:"params"`
}

// OpenLineage writes one event of OpenLineage 2-0-2 in one line: each view is an input with its assertions and metrics, and all results
// are tests of the run. The run is COMPLETE where the audit ran, whatever it found, and FAIL where it did not run to its end. What
// could not be looked at is a skipped test and no assertion.
func OpenLineage(w io.Writer, r report.Report, o Options) error {
	outline := NewOutline(r, o.Words)
	event := lineageEvent{EventType: "COMPLETE", EventTime: cmp.Or(r.Execution.FinishedAt, r.AsOf), Producer: lineageProducer, SchemaURL: lineageSchema,
		Run: lineageRun{RunID: runID(r), Facets: map[string]any{}}, Job: lineageJob{Namespace: lineageNamespace, Name: lineageJobName(r)},
		Inputs: []lineageInput{}, Outputs: []struct{}{}}
	tests := []lineageTest{}
	for _, v := range outline.Views {
		for _, item := range v.All {
			tests = append(tests, lineageTestOf(item))
		}
		if v.View.Name != "" {
			event.Inputs = append(event.Inputs, lineageInputOf(v))
		}
	}
	event.Run.Facets["test"] = struct {
		lineageFacet
		Tests []lineageTest `json:"tests"`
	}{facet(testsSchema), tests}
	if r.Status != report.Complete {
		event.EventType = "FAIL"
		event.Run.Facets["errorMessage"] = struct {
			lineageFacet
			Message  string `json:"message"`
			Language string `json:"programmingLanguage"`
		}{facet(errorSchema), outline.Partial, "Go"}
	}
	return Line(w, event)
}

// runID is a UUID (version 8, of our own making) that is the same for the same run.
func runID(r report.Report) string {
	sum := sha256.Sum256([]byte(r.ID + "\n" + r.Execution.StartedAt + "\n" + r.Execution.Host))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// lineageJobName is the task of a scheduler, where one started the audit.
func lineageJobName(r report.Report) string {
	dag, task := r.Execution.Scheduler["AIRFLOW_CTX_DAG_ID"], r.Execution.Scheduler["AIRFLOW_CTX_TASK_ID"]
	if dag == "" || task == "" {
		return "run"
	}
	return Clean(dag) + "." + Clean(task)
}

func lineageInputOf(v ViewOutline) lineageInput {
	in := lineageInput{Namespace: lineageLocalFiles, Name: Clean(v.View.Definition.Path), Facets: map[string]any{}, InputFacets: map[string]any{}}
	if scheme, rest, ok := strings.Cut(in.Name, "://"); ok {
		bucket, key, _ := strings.Cut(rest, "/")
		in.Namespace, in.Name = scheme+"://"+bucket, key
	}
	in.Name = cmp.Or(in.Name, v.Name)
	if v.Owner != "" {
		in.Facets["ownership"] = struct {
			lineageFacet
			Owners []map[string]string `json:"owners"`
		}{facet(ownershipSchema), []map[string]string{{"name": v.Owner, "type": "OWNER"}}}
	}
	assertions := []lineageAssertion{}
	for _, item := range v.All {
		switch item.Result.Outcome {
		case report.Pass, report.Warn, report.Fail, report.Suppressed:
			assertions = append(assertions, lineageAssertionOf(item))
		case report.Error, report.NotApplicable:
		}
	}
	in.InputFacets["dataQualityAssertions"] = struct {
		lineageFacet
		Assertions []lineageAssertion `json:"assertions"`
	}{facet(assertionsSchema), assertions}
	metrics := struct {
		lineageFacet
		RowCount      int64          `json:"rowCount"`
		Bytes         int64          `json:"bytes"`
		FileCount     int64          `json:"fileCount"`
		LastUpdated   string         `json:"lastUpdated,omitempty"`
		ColumnMetrics map[string]any `json:"columnMetrics"`
	}{lineageFacet: facet(metricsSchema), RowCount: v.View.Rows, Bytes: v.View.Bytes, FileCount: v.View.Files, ColumnMetrics: map[string]any{}}
	if v.View.NewestEventTime != nil {
		metrics.LastUpdated = *v.View.NewestEventTime
	}
	in.InputFacets["dataQualityMetrics"] = metrics
	return in
}

func lineageAssertionOf(item Item) lineageAssertion {
	return lineageAssertion{Assertion: cmp.Or(item.Result.Assertion(), item.Result.Check), Success: item.Result.Outcome == report.Pass, Severity: string(item.Result.Severity),
		Name: item.Check, Description: item.Says, Expected: "0 " + item.Result.Unit, Actual: fmt.Sprintf("%d %s", item.Result.RowsBad, item.Result.Unit), Params: lineageParams(item)}
}

func lineageTestOf(item Item) lineageTest {
	t := lineageTest{Name: item.View + "." + item.Check, Status: "skip", Severity: string(item.Result.Severity), Type: cmp.Or(item.Result.Assertion(), item.Result.Check),
		Description: item.Says, Params: lineageParams(item)}
	switch item.Result.Outcome {
	case report.Pass:
		t.Status = "pass"
	case report.Warn, report.Fail:
		t.Status = "fail"
	case report.Error, report.NotApplicable, report.Suppressed:
		return t
	}
	t.Expected, t.Actual = "0 "+item.Result.Unit, fmt.Sprintf("%d %s", item.Result.RowsBad, item.Result.Unit)
	return t
}

func lineageParams(item Item) map[string]any {
	params := map[string]any{"outcome": string(item.Result.Outcome), "evidence": string(item.Result.Evidence), "rows_total": item.Result.RowsTotal}
	if item.Result.State != "" {
		params["state"], params["since"] = string(item.Result.State), Clean(item.Result.Since)
	}
	return params
}
