package render

import (
	"cmp"
	"io"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
)

// metadataDocument is what OpenMetadata 2.1 takes of an outside tool, one list for each of its calls, in their order:
// /v1/dataQuality/testDefinitions, /v1/dataQuality/testCases and /v1/dataQuality/testCases/testCaseResults/{testCase}.
type metadataDocument struct {
	TestDefinitions []metadataDefinition `json:"testDefinitions"`
	TestCases       []metadataCase       `json:"testCases"`
	TestCaseResults []metadataResult     `json:"testCaseResults"`
}

type metadataDefinition struct {
	Name          string   `json:"name"`
	DisplayName   string   `json:"displayName"`
	Description   string   `json:"description"`
	EntityType    string   `json:"entityType"`
	TestPlatforms []string `json:"testPlatforms"`
}

type metadataCase struct {
	Name            string   `json:"name"`
	EntityLink      string   `json:"entityLink"`
	TestDefinition  string   `json:"testDefinition"`
	Description     string   `json:"description"`
	ParameterValues []string `json:"parameterValues"`
}

type metadataResult struct {
	// TestCase is the fully qualified name of the case: that of its table, and its own.
	TestCase string `json:"testCase"`
	// Timestamp is in milliseconds since 1970.
	Timestamp      int64           `json:"timestamp"`
	TestCaseStatus string          `json:"testCaseStatus"`
	Result         string          `json:"result"`
	TestResult     []metadataValue `json:"testResultValue"`
	PassedRows     *int64          `json:"passedRows,omitempty"`
	FailedRows     *int64          `json:"failedRows,omitempty"`
}

type metadataValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// OpenMetadata writes test definitions, cases and results for the API of OpenMetadata. A table is called featureaudit.PROJECT.VIEW, for
// the report does not know its name there: replace that. What could not be looked at is Aborted; what does not apply has a case and no
// result.
func OpenMetadata(w io.Writer, r report.Report, o Options) error {
	doc := metadataDocument{TestDefinitions: []metadataDefinition{}, TestCases: []metadataCase{}, TestCaseResults: []metadataResult{}}
	at, err := time.Parse(time.RFC3339Nano, cmp.Or(r.Execution.FinishedAt, r.AsOf))
	if err != nil {
		at = time.Time{}
	}
	defined := map[string]bool{}
	for _, v := range NewOutline(r, o.Words).Views {
		if v.View.Name == "" {
			continue
		}
		table := "featureaudit." + cmp.Or(Clean(v.View.Project), "default") + "." + v.Name
		for _, item := range v.All {
			definition := "featureaudit-" + item.Check
			if !defined[definition] {
				defined[definition] = true
				doc.TestDefinitions = append(doc.TestDefinitions, metadataDefinition{Name: definition, DisplayName: item.Check,
					Description: cmp.Or(item.Why, item.Check), EntityType: "TABLE", TestPlatforms: []string{"Other"}})
			}
			doc.TestCases = append(doc.TestCases, metadataCase{Name: item.Check, EntityLink: "<#E::table::" + table + ">", TestDefinition: definition,
				Description: cmp.Or(item.Fix, item.Check), ParameterValues: []string{}})
			if result, ok := metadataResultOf(item, at.UnixMilli()); ok {
				result.TestCase = table + "." + item.Check
				doc.TestCaseResults = append(doc.TestCaseResults, result)
			}
		}
	}
	return Document(w, doc)
}

func metadataResultOf(item Item, millis int64) (metadataResult, bool) {
	result := metadataResult{Timestamp: millis, Result: item.Says, TestResult: []metadataValue{{"outcome", string(item.Result.Outcome)}, {"unit", item.Result.Unit}}}
	if item.Result.State != "" {
		result.TestResult = append(result.TestResult, metadataValue{"state", string(item.Result.State)}, metadataValue{"since", Clean(item.Result.Since)})
	}
	switch item.Result.Outcome {
	case report.Pass, report.Suppressed:
		result.TestCaseStatus = "Success"
	case report.Warn, report.Fail:
		result.TestCaseStatus = "Failed"
	case report.Error:
		result.TestCaseStatus = "Aborted"
		return result, true
	case report.NotApplicable:
		return result, false
	}
	if item.Result.Unit == "rows" {
		passed, failed := item.Result.RowsTotal-item.Result.RowsBad, item.Result.RowsBad
		result.PassedRows, result.FailedRows = &passed, &failed
	}
	return result, true
}
