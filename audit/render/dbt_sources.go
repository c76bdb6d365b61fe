package render

import (
	"cmp"
	"io"
	"math"

	"github.com/featureaudit/featureaudit/audit/report"
)

// dbtSources is dbt's sources.json, v3: https://schemas.getdbt.com/dbt/sources/v3.json.
type dbtSources struct {
	Metadata    dbtMetadata `json:"metadata"`
	Results     []any       `json:"results"`
	ElapsedTime float64     `json:"elapsed_time"`
}

type dbtMetadata struct {
	Schema       string            `json:"dbt_schema_version"`
	Version      string            `json:"dbt_version"`
	GeneratedAt  string            `json:"generated_at"`
	InvocationID string            `json:"invocation_id"`
	Env          map[string]string `json:"env"`
}

type dbtFreshness struct {
	UniqueID        string            `json:"unique_id"`
	MaxLoadedAt     string            `json:"max_loaded_at"`
	SnapshottedAt   string            `json:"snapshotted_at"`
	Age             float64           `json:"max_loaded_at_time_ago_in_s"`
	Status          string            `json:"status"`
	Criteria        dbtCriteria       `json:"criteria"`
	AdapterResponse map[string]string `json:"adapter_response"`
	Timing          []struct{}        `json:"timing"`
	ThreadID        string            `json:"thread_id"`
	ExecutionTime   float64           `json:"execution_time"`
}

type dbtCriteria struct {
	WarnAfter  *dbtTime `json:"warn_after"`
	ErrorAfter *dbtTime `json:"error_after"`
	Filter     *string  `json:"filter"`
}

type dbtTime struct {
	Count  int64  `json:"count"`
	Period string `json:"period"`
}

type dbtError struct {
	UniqueID string `json:"unique_id"`
	Error    string `json:"error"`
	Status   string `json:"status"`
}

// DBTSources writes the freshness of each view as dbt's sources.json, for dashboards that read that. max_loaded_at is the newest event
// time. A view without one, or whose freshness could not be judged, is a runtime error, since the format knows no other word for it; so
// is a view without a limit, of which nothing is known to be fresh. Its other checks have no place there.
func DBTSources(w io.Writer, r report.Report, o Options) error {
	doc := dbtSources{Metadata: dbtMetadata{Schema: "https://schemas.getdbt.com/dbt/sources/v3.json", Version: "featureaudit " + Clean(r.Tool.Version),
		GeneratedAt: cmp.Or(r.Execution.FinishedAt, r.AsOf), InvocationID: runID(r), Env: map[string]string{}},
		Results: []any{}, ElapsedTime: r.Execution.ElapsedSeconds}
	for _, v := range NewOutline(r, o.Words).Views {
		for _, item := range v.All {
			if item.Result.JudgesAge() && v.View.Name != "" {
				doc.Results = append(doc.Results, dbtResult(v, item, r.AsOf))
			}
		}
	}
	return Document(w, doc)
}

func dbtResult(v ViewOutline, item Item, asOf string) any {
	project := cmp.Or(Clean(v.View.Project), "featureaudit")
	id := "source." + project + "." + project + "." + v.Name
	statuses := map[report.Outcome]string{report.Pass: "pass", report.Warn: "warn", report.Suppressed: "warn", report.Fail: "error"}
	status, judged := statuses[item.Result.Outcome]
	if !judged || v.View.NewestEventTime == nil || v.View.AgeSeconds == nil {
		return dbtError{UniqueID: id, Error: cmp.Or(item.Says, "freshness could not be judged"), Status: "runtime error"}
	}
	limit := dbtLimit(v.View.Definition)
	criteria := dbtCriteria{ErrorAfter: limit}
	if item.Result.Severity == report.SeverityWarn {
		criteria = dbtCriteria{WarnAfter: limit}
	}
	return dbtFreshness{UniqueID: id, MaxLoadedAt: *v.View.NewestEventTime, SnapshottedAt: asOf, Age: *v.View.AgeSeconds, Status: status, Criteria: criteria,
		AdapterResponse: map[string]string{}, Timing: []struct{}{}, ThreadID: "featureaudit"}
}

// dbtLimit is the promised age in dbt's units; nil where it is no whole number of minutes.
func dbtLimit(d report.ViewDefinition) *dbtTime {
	seconds := d.MaxAgeSeconds
	if seconds == nil {
		seconds = d.TTLSeconds
	}
	if seconds == nil {
		return nil
	}
	for _, unit := range []struct {
		seconds float64
		period  string
	}{{86400, "day"}, {3600, "hour"}, {60, "minute"}} {
		if count := *seconds / unit.seconds; count >= 1 && count == math.Trunc(count) {
			return &dbtTime{Count: int64(count), Period: unit.period}
		}
	}
	return nil
}
