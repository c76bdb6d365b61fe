package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
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
	Wants:      facts.WantTimes,
	readsRows:  evidence.SourcesAreExpected,
	Fractional: true,
	Query:      true,
	sound:      soundPartitions(func(p evidence.Presence) (judged, bad bool) { return p.Expected, !p.Present }),
	applies: func(b *viewEvidence) string {
		if b.View.TimePartition.Expected == model.ExpectAny && !b.Narrowed {
			return "time_partition.expected is any: no partition is expected"
		}
		return ""
	},
	nothing: always("no closed partition is expected yet"),
	finish: func(_ *viewEvidence, v *verdict) {
		v.measures["expected"], v.measures["missing"] = v.total, v.bad
	},
	bad:   always("are missing"),
	good:  func(b *viewEvidence) string { return "are there" + b.ExpectedOf() },
	aside: (*viewEvidence).straysInWords,
	describe: func(_ *viewEvidence, f row) string {
		return "the partition" + evidence.GroupInWords(f.subject) + " is missing"
	},
	headline: func(b *viewEvidence, v verdict) string {
		return fmt.Sprintf("%s of %s missing: %s", words.Number(v.bad), words.Count(v.total, "expected partition"), strings.Join(b.runs(v.findings), "; "))
	},
}

// runs names the missing partitions as runs of consecutive ones, by whom they are expected for; at most five of them.
func (b *viewEvidence) runs(findings []row) []string {
	missing := map[report.Subject]bool{}
	for _, f := range findings {
		subject := f.subject
		for _, p := range b.badPartitions([]row{f}) {
			subject.Partition = p
			missing[subject] = true
		}
	}
	expected := map[string][]report.Subject{}
	var groups []string
	for _, p := range b.Presences() {
		if !p.Expected || !b.Judged(p.Partition.ID) || p.Partition.Open {
			continue
		}
		if expected[p.Group] == nil {
			groups = append(groups, p.Group)
		}
		expected[p.Group] = append(expected[p.Group], b.GroupSubject(p))
	}
	slices.Sort(groups)
	var texts []string
	for _, group := range groups {
		texts = append(texts, runsOf(expected[group], missing)...)
	}
	const shown = 5
	if len(texts) > shown {
		return append(texts[:shown], fmt.Sprintf("%s more", words.Count(int64(len(texts)-shown), "run")))
	}
	return texts
}

// runsOf names the runs of one group.
func runsOf(expected []report.Subject, missing map[report.Subject]bool) []string {
	var texts []string
	for i := 0; i < len(expected); i++ {
		if !missing[expected[i]] {
			continue
		}
		first := i
		for i+1 < len(expected) && missing[expected[i+1]] {
			i++
		}
		text := expected[first].Partition
		if first < i {
			text += " to " + expected[i].Partition
		}
		texts = append(texts, text+evidence.GroupInWords(expected[i]))
	}
	return texts
}
