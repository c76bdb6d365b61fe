package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// metric is one family of a textfile.
type metric struct {
	name, help string
	lines      []string
}

func (m *metric) add(value string, labels ...string) {
	pairs := make([]string, 0, len(labels)/2)
	for i := 0; i+1 < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+`="`+labelValue(labels[i+1])+`"`)
	}
	braces := ""
	if len(pairs) > 0 {
		braces = "{" + strings.Join(pairs, ",") + "}"
	}
	m.lines = append(m.lines, m.name+braces+" "+value)
}

// labelValue escapes a label's value as the text format asks, and bounds it.
func labelValue(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(clip(Clean(text), maxNameRunes))
}

// Prometheus writes a file for the textfile collector: all gauges, labelled by project, view and check alone. Ages are not among them, since
// they stand still where the job dies: alert on time() minus the newest event's time.
func Prometheus(w io.Writer, r report.Report, _ Options) error {
	var b strings.Builder
	for _, m := range prometheusMetrics(r) {
		if len(m.lines) == 0 {
			continue
		}
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n%s\n", m.name, m.help, m.name, strings.Join(m.lines, "\n"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func prometheusMetrics(r report.Report) []*metric {
	completed := &metric{name: "featureaudit_last_completion_timestamp_seconds", help: "When the last audit ended."}
	complete := &metric{name: "featureaudit_last_run_complete", help: "Whether the last audit ran to its end."}
	asOf := &metric{name: "featureaudit_as_of_timestamp_seconds", help: "The instant that the last audit judged from."}
	elapsed := &metric{name: "featureaudit_run_duration_seconds", help: "How long the last audit took."}
	build := &metric{name: "featureaudit_build_info", help: "The versions that the last audit ran with."}
	stamp(completed, r.Execution.FinishedAt)
	stamp(asOf, r.AsOf)
	complete.add(flag(r.Status == report.Complete))
	if r.Execution.ElapsedSeconds > 0 {
		elapsed.add(decimal(r.Execution.ElapsedSeconds))
	}
	build.add("1", "version", r.Tool.Version, "duckdb", r.Tool.DuckDB)
	return append([]*metric{completed, complete, asOf, elapsed, build}, append(viewMetrics(r), resultMetrics(r)...)...)
}

func viewMetrics(r report.Report) []*metric {
	outcome := &metric{name: "featureaudit_view_outcome", help: "1 for the outcome that the view has."}
	rows := &metric{name: "featureaudit_view_rows", help: "Rows of the view."}
	newest := &metric{name: "featureaudit_view_newest_event_timestamp_seconds", help: "The newest event time at or before as_of."}
	maxAge := &metric{name: "featureaudit_view_max_age_seconds", help: "How old the newest event may be; absent where nothing is promised."}
	ttl := &metric{name: "featureaudit_view_ttl_seconds", help: "The ttl; absent where there is none."}
	declared := &metric{name: "featureaudit_view_ttl_declared", help: "Whether the ttl, or that there is none, was decided."}
	for _, v := range r.Views {
		labels := []string{"project", v.Project, "view", v.Name}
		outcome.add("1", append(labels, "outcome", string(v.Outcome))...)
		rows.add(fmt.Sprint(v.Rows), labels...)
		if v.NewestEventTime != nil {
			stamp(newest, *v.NewestEventTime, labels...)
		}
		if v.Definition.MaxAgeSeconds != nil {
			maxAge.add(decimal(*v.Definition.MaxAgeSeconds), labels...)
		}
		if v.Definition.TTLSeconds != nil {
			ttl.add(decimal(*v.Definition.TTLSeconds), labels...)
		}
		declared.add(flag(v.Definition.TTLDeclared), labels...)
	}
	return []*metric{outcome, rows, newest, maxAge, ttl, declared}
}

func resultMetrics(r report.Report) []*metric {
	outcome := &metric{name: "featureaudit_check_outcome", help: "1 for the outcome that the check has on the view."}
	bad := &metric{name: "featureaudit_check_bad", help: "What the check counts as bad, in its own unit."}
	total := &metric{name: "featureaudit_check_looked_at", help: "What the check looked at, in its own unit."}
	projects := map[string]string{}
	for _, v := range r.Views {
		projects[v.Name] = v.Project
	}
	for _, res := range r.Results {
		labels := []string{"project", projects[res.View], "view", res.View, "check", res.Check}
		outcome.add("1", append(labels, "outcome", string(res.Outcome), "severity", string(res.Severity))...)
		if res.Outcome == report.Error || res.Outcome == report.NotApplicable {
			continue
		}
		bad.add(fmt.Sprint(res.RowsBad), append(labels, "unit", res.Unit)...)
		total.add(fmt.Sprint(res.RowsTotal), append(labels, "unit", res.Unit)...)
	}
	return []*metric{outcome, bad, total}
}

// stamp adds an instant as seconds since 1970, where it is one.
func stamp(m *metric, text string, labels ...string) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err == nil {
		m.add(decimal(times.At(at).Sub(0).Seconds()), labels...)
	}
}

func decimal(f float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.6f", f), "0"), ".")
}

func flag(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}
