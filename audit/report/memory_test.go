package report_test

import (
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/report"
)

// remembering is a report with all that a history and a baseline add, and holds.
func remembering(t *testing.T) report.Report {
	t.Helper()
	r := two(t)
	res := &r.Results[2]
	res.FindingsTotal, res.FindingsSuppressed, res.FindingsUnfollowed = 5, 1, 1
	res.Fingerprints = map[string]int64{"aa": 7, "bb": 2, "cc": 1, "dd": 1}
	res.FingerprintsSuppressed = []string{"dd"}
	res.Findings = []report.Finding{
		{RowsTotal: 9, RowsBad: 7, Fingerprint: "aa", State: report.StateNew, Since: r.AsOf, Seen: 1},
		{RowsTotal: 9, RowsBad: 2, Fingerprint: "bb", State: report.StateWorse, Since: "2026-11-20T00:00:00Z", Seen: 3, LastRowsBad: []int64{0, 1, 1}, Known: true},
		{RowsTotal: 9, RowsBad: 3, Fingerprint: "aa", FingerprintNote: "numbered"},
	}
	res.State, res.Since, res.FindingsKnown = report.StateNew, "2026-11-20T00:00:00Z", 1
	res.States = &report.States{New: 1, Worse: 1, Better: 1, Resolved: 2}
	res.Resolved = []report.Resolved{{Fingerprint: "ee", RowsBad: 4, Since: "2026-11-20T00:00:00Z", LastSeen: "2026-11-22T00:00:00Z", Seen: 2}}
	r.History = &report.History{Runs: 3, FirstAsOf: "2026-11-20T00:00:00Z", LastAsOf: "2026-11-22T00:00:00Z", States: *res.States, Unfollowed: 1}
	r.Baseline = &report.Baseline{Entries: 2, Known: 1, Unmatched: 1}
	r.Views[0].Trends = []report.Trend{{Measure: "rows", Value: 3, Runs: 5, From: "2026-11-20T00:00:00Z", Message: "m"}}
	return sealed(t, r)
}

func TestParseReadsWhatIsRemembered(t *testing.T) {
	r := remembering(t)
	if err := validate(t, r); err != nil {
		t.Fatal(err)
	}
	text := written(t, r)
	got, err := report.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if again := written(t, got); again != text {
		t.Errorf("read and written again it is\n%s\nwant\n%s", again, text)
	}
	part, err := got.Narrow(report.Picks{Views: []string{"b"}})
	if err != nil {
		t.Fatal(err)
	}
	if part.History.States != (report.States{}) || part.History.Runs != 3 {
		t.Errorf("the part of view b has the history %+v", part.History)
	}
	if _, err := report.Parse([]byte(written(t, part))); err != nil {
		t.Error(err)
	}
}

func TestParseRefusesFingerprintsThatDoNotAddUp(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *report.Report, res *report.Result)
		want   string
	}{
		"one cut out":              {func(_ *report.Report, res *report.Result) { delete(res.Fingerprints, "cc") }, "fingerprints: found 3 and 1"},
		"one too many":             {func(_ *report.Report, res *report.Result) { res.Fingerprints["xx"] = 1 }, "fingerprints: found 5 and 1"},
		"a negative count":         {func(_ *report.Report, res *report.Result) { res.Fingerprints["cc"] = -1 }, "the count -1 is negative"},
		"no name":                  {func(_ *report.Report, res *report.Result) { delete(res.Fingerprints, "cc"); res.Fingerprints[""] = 1 }, "expected a fingerprint"},
		"a finding that is not in": {func(_ *report.Report, res *report.Result) { res.Findings[0].Fingerprint = "zz" }, "findings[0].fingerprint"},
		"a finding twice": {func(_ *report.Report, res *report.Result) {
			res.Findings[1].Fingerprint, res.Findings[1].RowsBad = "aa", 7
		}, "that of an earlier finding"},
		"a finding of another count": {func(_ *report.Report, res *report.Result) { res.Findings[0].RowsBad = 8 }, "findings[0].rows_bad: found 8"},
		"a finding accepted":         {func(_ *report.Report, res *report.Result) { res.Findings[0].Suppressed = true }, "findings[0].suppressed"},
		"accepted and not there":     {func(_ *report.Report, res *report.Result) { res.FingerprintsSuppressed = []string{"zz"} }, "not among the fingerprints"},
		"accepted twice":             {func(_ *report.Report, res *report.Result) { res.FingerprintsSuppressed = []string{"dd", "dd"} }, "stands twice"},
		"all of them cut out": {func(r *report.Report, res *report.Result) {
			res.Fingerprints, res.FingerprintsSuppressed, res.FindingsUnfollowed = nil, nil, 0
			r.Results[1].FindingsTotal, r.Results[1].Fingerprints = 1, map[string]int64{"ff": 1}
		}, "fingerprints: they are missing"},
		"more known than there are": {func(_ *report.Report, res *report.Result) { res.FindingsKnown = 6 }, "findings_known"},
		"an unknown state":          {func(_ *report.Report, res *report.Result) { res.State = "fresh" }, "state: found \"fresh\""},
		"a finding that is gone":    {func(_ *report.Report, res *report.Result) { res.Findings[0].State = report.StateResolved }, "findings[0].state"},
		"states without counts":     {func(r *report.Report, res *report.Result) { res.States = nil; r.History.States = report.States{} }, "states: it is missing"},
		"too many new":              {func(r *report.Report, res *report.Result) { res.States.New = 2; r.History.States.New = 2 }, "does not fit its findings"},
		"fewer gone than are named": {func(r *report.Report, res *report.Result) { res.States.Resolved = 0; r.History.States.Resolved = 0 }, "does not fit its findings"},
		"another sum":               {func(r *report.Report, _ *report.Result) { r.History.States.Better = 7 }, "history.states"},
		"no history":                {func(r *report.Report, _ *report.Result) { r.History = nil }, "the report has no history"},
	} {
		r := remembering(t)
		c.change(&r, &r.Results[2])
		_, err := report.Parse([]byte(written(t, sealed(t, r))))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
