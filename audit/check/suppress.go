package check

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// expired says whether a suppression no longer holds at as_of.
func expired(s model.Suppression, asOf times.Instant) bool {
	return !s.Until.IsZero() && times.At(s.Until) <= asOf
}

// acceptance is what the suppressions did to the findings of one check.
type acceptance struct {
	// used are the indexes of those that match a finding, and accepted of those that took one; exceeded says in words
	// which match more than they may.
	used, accepted []int
	exceeded       []string
	// findings and bad are what was accepted.
	findings, bad int64
}

// suppress marks the findings that a suppression accepts. One with max_rows takes all that it matches, or nothing: which
// rows of more are the known ones, nobody can tell.
func (b *judging) suppress(c Check, unit string, findings []row) acceptance {
	return accepting{b.Suppressions, b.AsOf, b.dates}.suppress(c.ID, b.View.Name, unit, findings)
}

// accepting are suppressions with what they are judged by.
type accepting struct {
	all   []model.Suppression
	asOf  times.Instant
	dates partitionDates
}

func (b accepting) suppress(check, view, unit string, findings []row) acceptance {
	var a acceptance
	for n, s := range b.all {
		var within func(partition string) bool
		if s.Check != check || s.View != "" && s.View != view || expired(s, b.asOf) {
			continue
		}
		if s.RangeFrom != "" || s.RangeTo != "" {
			within = b.dates.within(s.RangeFrom, s.RangeTo)
		}
		var matched []int
		bad := int64(0)
		for i := range findings {
			if accepts(s, findings[i], within) {
				matched = append(matched, i)
				bad += findings[i].bad
			}
		}
		if len(matched) == 0 {
			continue
		}
		a.used = append(a.used, n)
		if s.MaxRows > 0 && bad > s.MaxRows {
			a.exceeded = append(a.exceeded, fmt.Sprintf("the suppression at %s accepts up to %s (%s), and found %s", s.Origin, words.Count(s.MaxRows, words.Singular(unit)), s.Reason, words.Number(bad)))
			continue
		}
		a.accepted = append(a.accepted, n)
		for _, i := range matched {
			if !findings[i].suppressed {
				findings[i].suppressed = true
				a.findings++
				a.bad += findings[i].bad
			}
		}
	}
	return a
}

// left are the findings that no suppression accepts.
func left(findings []row) []row {
	if !slices.ContainsFunc(findings, func(f row) bool { return f.suppressed }) {
		return findings
	}
	return slices.DeleteFunc(slices.Clone(findings), func(f row) bool { return f.suppressed })
}

// accepts says whether a suppression takes a finding; within is its range, nil where it has none.
func accepts(s model.Suppression, f row, within func(partition string) bool) bool {
	if s.Source != "" && s.Source != f.subject.Source {
		return false
	}
	if within == nil {
		return true
	}
	partitions := f.partitions
	if f.subject.Partition != "" {
		partitions = []string{f.subject.Partition}
	}
	for _, p := range partitions {
		if !within(p) {
			return false
		}
	}
	return len(partitions) > 0
}

// partitionDates are the numbers of dates by partition, read once: thousands of suppressions ask for those of thousands of findings.
type partitionDates map[string][]int

// within gives what says whether a partition's date lies between two, both included. A bound that is shorter than the partition's date
// takes in all of it: 2026-11-03 takes in every hour of that day.
func (d partitionDates) within(from, to string) func(partition string) bool {
	first, last := dateNumbers(from), dateNumbers(to)
	return func(partition string) bool {
		date, known := d[partition]
		if !known {
			date = dateNumbers(partition)
			d[partition] = date
		}
		return len(date) > 0 && (from == "" || comparePrefix(date, first) >= 0) && (to == "" || comparePrefix(date, last) <= 0)
	}
}

func comparePrefix(date, bound []int) int {
	for i := range min(len(date), len(bound)) {
		if date[i] != bound[i] {
			return date[i] - bound[i]
		}
	}
	return 0
}

// dateNumbers reads the numbers of a date, coarse to fine, from "2026-11-03", "dt=20261103" or "year=2026/month=11".
func dateNumbers(text string) []int {
	var numbers []int
	for _, segment := range strings.Split(text, "/") {
		if _, value, hive := strings.Cut(segment, "="); hive {
			segment = value
		}
		if decoded, err := url.PathUnescape(segment); err == nil {
			segment = decoded
		}
		for _, digits := range strings.FieldsFunc(segment, func(r rune) bool { return r < '0' || r > '9' }) {
			for _, part := range splitCompact(digits) {
				n, err := strconv.Atoi(part)
				if err != nil {
					return nil
				}
				numbers = append(numbers, n)
			}
		}
	}
	return numbers
}

// splitCompact takes 20261103 apart, and 2026110307.
func splitCompact(digits string) []string {
	if len(digits) < 6 || len(digits)%2 != 0 {
		return []string{digits}
	}
	parts := []string{digits[:4]}
	for i := 4; i < len(digits); i += 2 {
		parts = append(parts, digits[i:i+2])
	}
	return parts
}

// suppressedBy names who accepted the findings of a result, and why.
func (b *judging) suppressedBy(used []int) string { return suppressedBy(b.Suppressions, used) }

func suppressedBy(all []model.Suppression, used []int) string {
	var texts []string
	for _, n := range used {
		texts = append(texts, describeSuppression(all[n]))
	}
	return strings.Join(texts, "; ")
}

func describeSuppression(s model.Suppression) string {
	var notes []string
	if s.Owner != "" {
		notes = append(notes, "owner "+s.Owner)
	}
	if !s.Until.IsZero() {
		notes = append(notes, "until "+s.Until.UTC().Format(time.RFC3339))
	}
	if len(notes) == 0 {
		return s.Reason
	}
	return fmt.Sprintf("%s (%s)", s.Reason, strings.Join(notes, ", "))
}
