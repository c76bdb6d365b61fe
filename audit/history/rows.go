package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
)

// The kinds of rows.
const (
	kindResult  = "result"
	kindFinding = "finding"
)

// Row is one result or one finding of a run. What does not apply is empty.
type Row struct {
	Kind string
	Run
	Project, View, Check, Owner string
	Outcome, Severity, Evidence string
	Unit                        string
	RowsTotal, RowsBad          int64
	// Findings is how many a result has.
	Findings int64
	Message  string
	// Measures are those of a result, a JSON object.
	Measures string
	// Looked says of a result that what it did not find is not there: everything was looked at.
	Looked bool
	// Fingerprint is empty for a finding that holds in this report only, and for results.
	Fingerprint string
	Subject     report.Subject
	Suppressed  bool
	// Named says of a finding that its subject is known: of the findings beyond the shown ones a document has the fingerprints alone.
	Named bool
	// ViewRows, ViewFiles and ViewBytes are what the view held, AgeSeconds how old its newest event was.
	ViewRows, ViewFiles, ViewBytes int64
	NewestEventTime                string
	AgeSeconds                     *float64
}

// Run is what tells one run from another.
type Run struct {
	// AsOf is the instant judged from, in microseconds UTC, and Finished when the run ended, 0 where the report does not say.
	AsOf, Finished int64
	// ID is 16 hex digits of AsOf, the selection and the config: a run with the same ID takes the place of an earlier one.
	ID       string
	ReportID string
	// Range and Selection are what the run was narrowed to.
	Range, Selection string
	ConfigDigest     string
	HashKeyID        string
	Version          string
}

// RunOf tells which run a report is of.
func RunOf(r report.Report) (Run, error) {
	asOf, err := time.Parse(time.RFC3339Nano, r.AsOf)
	if err != nil {
		return Run{}, fmt.Errorf("as_of of the report: %w", err)
	}
	run := Run{AsOf: asOf.UnixMicro(), ReportID: r.ID, Range: r.Range, Selection: selectionOf(r.Selection), ConfigDigest: r.ConfigDigest, HashKeyID: r.HashKeyID, Version: r.Tool.Version}
	if finished, err := time.Parse(time.RFC3339Nano, r.Execution.FinishedAt); err == nil {
		run.Finished = finished.UnixMicro()
	}
	parts := []string{fmt.Sprint(run.AsOf), run.Range, run.Selection, run.ConfigDigest}
	for _, v := range r.Views {
		parts = append(parts, v.Project, v.Name)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	run.ID = hex.EncodeToString(sum[:8])
	return run, nil
}

// selectionOf is a selection in words, empty where it is everything.
func selectionOf(s report.Selection) string {
	var parts []string
	if len(s.Views) > 0 {
		parts = append(parts, "views "+strings.Join(s.Views, ", "))
	}
	if len(s.Checks) > 0 {
		parts = append(parts, "checks "+strings.Join(s.Checks, ", "))
	}
	return strings.Join(parts, "; ")
}

// Rows are those of a report: for each result one, and one for each of its findings. Of a document that was read, findings beyond
// those it shows come without their subject. They are made one at a time: those of a run with many findings are more than the report.
func Rows(r report.Report) (iter.Seq2[Row, error], error) {
	run, err := RunOf(r)
	if err != nil {
		return nil, err
	}
	views := map[string]report.View{}
	for _, v := range r.Views {
		views[v.Name] = v
	}
	project := projectsOf(r)
	return func(yield func(Row, error) bool) {
		for _, res := range r.Results {
			if !yieldResult(run, project(res.View), res, views[res.View], yield) {
				return
			}
		}
	}, nil
}

// RowsOfLong is Rows of a long report, a view at a time.
func RowsOfLong(l report.Long) (iter.Seq2[Row, error], error) {
	named := l.Named()
	run, err := RunOf(named)
	if err != nil {
		return nil, err
	}
	project := projectsOf(named)
	return func(yield func(Row, error) bool) {
		for one, err := range l.ByView() {
			if err != nil {
				yield(Row{}, err)
				return
			}
			for _, res := range one.Results {
				if !yieldResult(run, project(res.View), res, one.View, yield) {
					return
				}
			}
		}
	}, nil
}

// yieldResult gives the row of a result of a view, and those of its findings. It ends with the first error.
func yieldResult(run Run, project string, res report.Result, view report.View, yield func(Row, error) bool) bool {
	measures, err := measuresOf(res)
	if err != nil {
		yield(Row{}, err)
		return false
	}
	one := Row{Kind: kindResult, Run: run, Project: project, View: res.View, Check: res.Check, Owner: res.Owner, Outcome: string(res.Outcome),
		Severity: string(res.Severity), Evidence: string(res.Evidence), Unit: res.Unit, RowsTotal: res.RowsTotal, RowsBad: res.RowsBad, Findings: res.FindingsTotal,
		Message: res.Message, Measures: measures, Looked: looked(res, view), ViewRows: view.Rows, ViewFiles: view.Files,
		ViewBytes: view.Bytes, AgeSeconds: view.AgeSeconds}
	if view.NewestEventTime != nil {
		one.NewestEventTime = *view.NewestEventTime
	}
	return yield(one, nil) && yieldFindings(one, res, yield)
}

// yieldFindings gives the rows of the findings of a result, which are like its own but for what is the finding's.
func yieldFindings(one Row, res report.Result, yield func(Row, error) bool) bool {
	one.Kind, one.Measures, one.Findings, one.Looked = kindFinding, "", 0, false
	for _, f := range findingsOf(res) {
		one.Message, one.RowsTotal, one.RowsBad = f.Message, f.RowsTotal, f.RowsBad
		one.Subject, one.Suppressed, one.Named, one.Fingerprint = f.Subject, f.Suppressed, f.named, ""
		if f.FingerprintNote == "" {
			one.Fingerprint = f.Fingerprint
		}
		if !yield(one, nil) {
			return false
		}
	}
	return true
}

// measuresOf are the measures of a result as a JSON object.
func measuresOf(res report.Result) (string, error) {
	measures, err := json.Marshal(res.Measures)
	if err != nil {
		return "", fmt.Errorf("measures of %s of view %s: %w", res.Check, res.View, err)
	}
	return string(report.EscapeHidden(measures)), nil
}

// looked says whether what a result did not find is not there: a pass looked at everything, and other verdicts did where no file
// of the view went unread.
func looked(res report.Result, view report.View) bool {
	switch res.Outcome {
	case report.Pass:
		return true
	case report.Fail, report.Warn, report.Suppressed:
		return view.FilesUnread == 0
	default:
		return false
	}
}

// projectsOf gives the project of a view by its name; that of the whole run are all projects that it looked at.
func projectsOf(r report.Report) func(view string) string {
	seen, of := map[string]bool{}, make(map[string]string, len(r.Views))
	for _, v := range r.Views {
		seen[v.Project] = true
		if _, twice := of[v.Name]; !twice {
			of[v.Name] = v.Project
		}
	}
	all := strings.Trim(strings.Join(slices.Sorted(maps.Keys(seen)), ", "), ", ")
	return func(view string) string {
		if project, known := of[view]; known {
			return project
		}
		return all
	}
}

// named is a finding, and whether its subject is known.
type named struct {
	report.Finding
	named bool
}

// findingsOf are all findings of a result: those that this process made, or those that a document shows and the fingerprints of
// the rest, sorted.
func findingsOf(res report.Result) []named {
	source := res.Every
	if source == nil {
		source = res.Findings
	}
	all, shown := make([]named, 0, len(source)), map[string]bool{}
	for _, f := range source {
		all = append(all, named{f, true})
		shown[f.Fingerprint] = true
	}
	for _, fingerprint := range slices.Sorted(maps.Keys(res.Fingerprints)) {
		if !shown[fingerprint] {
			_, accepted := slices.BinarySearch(res.FingerprintsSuppressed, fingerprint)
			all = append(all, named{report.Finding{Fingerprint: fingerprint, RowsBad: res.Fingerprints[fingerprint], Suppressed: accepted}, false})
		}
	}
	return all
}
