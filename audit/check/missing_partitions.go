package check

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

var missingPartitions = Check{
	ID:         "missing-partitions",
	Title:      "Holes in the expected sequence of partitions.",
	Why:        "A day that never came reads like a day on which nothing happened, in every window that spans it.",
	Fix:        "Run the load for the missing partitions again; where none is due, set time_partition.expected.",
	Since:      "0.1",
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Certain,
	Unit:       UnitPartitions,
	Needs:      Needs{Files: true, TimePartition: true},
	Fractional: true,
	Query:      true,
	applies: func(b *brief) string {
		if b.View.TimePartition.Expected == model.ExpectAny && !b.HasRange {
			return "time_partition.expected is any: no partition is expected"
		}
		return ""
	},
	nothing: always("no closed partition is expected yet"),
	finish: func(_ *brief, v *verdict) {
		v.measures["expected"], v.measures["missing"] = v.total, v.bad
	},
	bad:      always("are missing"),
	good:     always("are there"),
	aside:    (*brief).straysInWords,
	describe: func(*brief, row) string { return "the partition is missing" },
	headline: func(b *brief, v verdict) string {
		return fmt.Sprintf("%s of %s missing: %s", number(v.bad), count(v.total, "expected partition"), strings.Join(b.runs(v.findings), "; "))
	},
}

// runs names the missing partitions as runs of consecutive ones, at most five of them.
func (b *brief) runs(findings []row) []string {
	missing := map[string]bool{}
	for _, f := range findings {
		for _, p := range b.badPartitions([]row{f}) {
			missing[p] = true
		}
	}
	var expected []facts.Partition
	for _, p := range b.Survey.Partitions {
		if p.Expected && b.judged(p.ID) && !p.Open {
			expected = append(expected, p)
		}
	}
	var texts []string
	for i := 0; i < len(expected); i++ {
		if !missing[expected[i].Value] {
			continue
		}
		first := i
		for i+1 < len(expected) && missing[expected[i+1].Value] {
			i++
		}
		if first == i {
			texts = append(texts, expected[i].Value)
			continue
		}
		texts = append(texts, fmt.Sprintf("%s to %s", expected[first].Value, expected[i].Value))
	}
	const shown = 5
	if len(texts) > shown {
		return append(texts[:shown], fmt.Sprintf("%s more", count(int64(len(texts)-shown), "run")))
	}
	return texts
}
