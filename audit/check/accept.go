package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// Accept marks the findings of a result of verify that suppressions accept at as_of, as an audit does with its own, and gives it the outcome
// of what is left. A suppression's max_rows counts the rows of findings.
func Accept(r report.Result, all []model.Suppression, asOf times.Instant) report.Result {
	if r.Outcome != report.Fail && r.Outcome != report.Warn {
		return r
	}
	findings := make([]row, len(r.Every))
	for i, f := range r.Every {
		findings[i] = row{subject: f.Subject, total: f.RowsTotal, bad: f.RowsBad}
	}
	a := accepting{all, asOf, partitionDates{}}.suppress(r.Check, r.View, UnitRows, findings)
	if len(a.exceeded) > 0 {
		r.Message += "; " + strings.Join(a.exceeded, "; ")
	}
	if a.findings == 0 {
		return r
	}
	r.FindingsSuppressed, r.RowsSuppressed, r.SuppressedBy = a.findings, a.bad, suppressedBy(all, a.accepted)
	r.Every, r.Findings = slices.Clone(r.Every), slices.Clone(r.Findings)
	r.Fingerprints, r.FingerprintsSuppressed, r.FirstPartition, r.LastPartition = nil, nil, "", ""
	bad := map[string]bool{}
	for i := range r.Every {
		f := &r.Every[i]
		f.Suppressed = findings[i].suppressed
		if i < len(r.Findings) {
			r.Findings[i].Suppressed = f.Suppressed
		}
		follow(&r, *f)
		if !f.Suppressed && f.Subject.Partition != "" {
			bad[f.Subject.Partition] = true
		}
	}
	slices.Sort(r.FingerprintsSuppressed)
	r.FingerprintsSuppressed = slices.Compact(r.FingerprintsSuppressed)
	if a.findings == r.FindingsTotal {
		r.Outcome = report.Suppressed
		return r
	}
	partitions := slices.Sorted(func(yield func(string) bool) {
		for p := range bad {
			if !yield(p) {
				return
			}
		}
	})
	if len(partitions) > 0 {
		r.RowsBad, r.FirstPartition, r.LastPartition = int64(len(partitions)), partitions[0], partitions[len(partitions)-1]
	}
	r.Message += fmt.Sprintf("; %s of %s suppressed", words.Number(a.findings), words.Count(r.FindingsTotal, "finding"))
	return r
}
