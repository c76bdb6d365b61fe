package history

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// UnusedCheck is the check whose findings are entries of a baseline that match nothing.
const UnusedCheck = "baseline-unused"

// own is the fingerprint of the finding that an entry matches nothing.
func (k Known) own() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{UnusedCheck, k.View, k.Check, k.Fingerprint}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// unused is the result of baseline-unused, nil where it was not selected: the entries that match nothing. Those are left out whose check did
// not look, or whose view was not looked at.
func (a *applying) unused(r report.Report) *report.Result {
	sawAll := r.Status == report.Complete && r.Range == "" && r.Narrowed == nil
	var found []report.Finding
	judged := int64(0)
	for _, key := range slices.SortedFunc(maps.Keys(a.byResult), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		res, there := a.seen[key]
		gone := !there && sawAll && len(r.Selection.Views)+len(r.Selection.Checks) == 0
		if !gone && (r.Range != "" || !there || !res.looked) {
			continue
		}
		for _, e := range slices.SortedFunc(maps.Values(a.byResult[key]), func(a, b Known) int { return cmp.Compare(a.Line, b.Line) }) {
			judged++
			if _, matched := res.fingerprints[e.Fingerprint]; matched {
				continue
			}
			what := "matches no finding any more"
			if gone {
				what = "names a check or a view that the report does not have"
			}
			subject := report.Subject{Object: fmt.Sprintf("%s %s", e.Check, e.Fingerprint)}
			found = append(found, report.Finding{Subject: subject, RowsTotal: 1, RowsBad: 1, Fingerprint: e.own(),
				Message: strings.TrimSpace(fmt.Sprintf("the entry in line %d of the baseline %s: %s of %s %s", e.Line, what, e.Check, viewWords(e.View), e.Subject))})
		}
	}
	a.state.Unmatched = int64(len(found))
	if len(r.Selection.Checks) > 0 && !slices.Contains(r.Selection.Checks, UnusedCheck) {
		return nil
	}
	res := &report.Result{Check: UnusedCheck, Severity: report.SeverityWarn, Evidence: report.Certain, Unit: "entries", RowsTotal: judged, RowsBad: int64(len(found)),
		Every: found, FindingsTotal: int64(len(found)), Measures: map[string]any{}, Findings: []report.Finding{}}
	switch {
	case judged == 0:
		res.Outcome, res.Reason = report.NotApplicable, "no entry of the baseline is of what was looked at, or all are past their end"
		res.Message = res.Reason
	case len(found) == 0:
		res.Outcome, res.Message = report.Pass, fmt.Sprintf("all %s of the baseline match a finding", entriesInWords(judged))
	default:
		res.Outcome = report.Warn
		res.Message = fmt.Sprintf("%s of %s of the baseline match no finding any more: remove them", words.Number(int64(len(found))), entriesInWords(judged))
		res.Findings, res.Fingerprints = slices.Clone(found[:min(len(found), maxFindings)]), map[string]int64{}
		for _, f := range found {
			res.Fingerprints[f.Fingerprint] = 1
		}
	}
	return res
}

// withUnused is a report with the result of baseline-unused, in the place of another.
func withUnused(r report.Report, res report.Result) report.Report {
	r.Results = slices.DeleteFunc(r.Results, func(old report.Result) bool { return old.Check == UnusedCheck })
	r.Results = append(r.Results, res)
	slices.SortFunc(r.Results, func(a, b report.Result) int {
		return cmp.Or(cmp.Compare(a.View, b.View), cmp.Compare(a.Check, b.Check))
	})
	r.Catalogue = knowsUnused(r.Catalogue)
	return r
}

// knowsUnused is a catalogue that has baseline-unused; nil stays nil.
func knowsUnused(catalogue []string) []string {
	if catalogue == nil || slices.Contains(catalogue, UnusedCheck) {
		return catalogue
	}
	return slices.Sorted(slices.Values(append(slices.Clone(catalogue), UnusedCheck)))
}
