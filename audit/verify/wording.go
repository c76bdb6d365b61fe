package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// finding is one finding in the making.
type finding struct {
	change   *Change
	subject  report.Subject
	total    int64
	bad      int64
	message  string
	measures map[string]any
}

// maxFindings is how many findings a result names.
const maxFindings = 20

func unable(r report.Result, reason string, retryable bool) report.Result {
	r.Outcome, r.Reason, r.Message, r.Retryable = report.Error, reason, reason, retryable
	return r
}

func notApplicable(r report.Result, reason string) report.Result {
	r.Outcome, r.Reason, r.Message = report.NotApplicable, reason, reason
	return r
}

func passed(r report.Result, message string) report.Result {
	r.Outcome, r.Message = report.Pass, message
	return r
}

// found gives a result its findings, the worst first.
func found(r report.Result, findings []finding, message string) report.Result {
	r.Outcome = report.Fail
	if r.Severity == report.SeverityWarn {
		r.Outcome = report.Warn
	}
	r.Message = message
	slices.SortStableFunc(findings, func(a, b finding) int { return cmp.Compare(b.bad, a.bad) })
	r.Fingerprints = map[string]int64{}
	for _, f := range findings {
		s := f.subject
		named := s
		if f.change != nil {
			s.Partition, named.Partition = f.change.Value, f.change.Identity
			if r.FirstPartition == "" || f.change.Start < startOf(findings, r.FirstPartition) {
				r.FirstPartition = f.change.Value
			}
			if r.LastPartition == "" || f.change.Start > startOf(findings, r.LastPartition) {
				r.LastPartition = f.change.Value
			}
		}
		one := report.Finding{Subject: s, RowsTotal: f.total, RowsBad: f.bad, Message: f.message, Measures: f.measures, Fingerprint: check.Fingerprint(r.Check, r.View, named)}
		r.Fingerprints[one.Fingerprint] += f.bad
		r.Every = append(r.Every, one)
		if len(r.Findings) < maxFindings {
			r.Findings = append(r.Findings, one)
		}
	}
	r.FindingsTotal = int64(len(findings))
	return r
}

func startOf(findings []finding, value string) times.Instant {
	for _, f := range findings {
		if f.change != nil && f.change.Value == value {
			return f.change.Start
		}
	}
	return times.None
}

// named is a partition as a message calls it.
func (c *Change) named() string { return cmp.Or(c.Value, "the view") }

// says is what happened to a partition, with its rows by key where they are known.
func (c *Change) says() string {
	text := c.named() + " " + c.What
	if more := c.byKey(); more != "" {
		text += "; " + more
	}
	return text
}

// byKey says in words which rows differ.
func (c *Change) byKey() string {
	r := c.Rows
	if r == nil {
		return ""
	}
	var parts []string
	unit := "key"
	add := func(n int64, word string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", words.Count(n, unit), word))
		}
	}
	if r.unkeyed {
		unit = "row"
		add(r.Lost, "missing or changed")
		add(r.Added, "extra or changed")
	} else {
		add(r.Lost, "missing")
		add(r.Added, "extra")
	}
	add(r.Changed-r.WithinTolerance, "changed")
	add(r.WithinTolerance, "changed within the tolerance")
	add(r.RepeatedBefore, "more than once before")
	add(r.RepeatedAfter, "more than once after")
	text := strings.Join(parts, ", ")
	if len(r.ValuesByColumn) > 0 {
		var columns []string
		for _, name := range slices.Sorted(maps.Keys(r.ValuesByColumn)) {
			columns = append(columns, fmt.Sprintf("%s in %s", name, words.Number(r.ValuesByColumn[name])))
		}
		text += " (" + strings.Join(columns, ", ") + ")"
	}
	if len(r.Samples) > 0 {
		text += "; for example " + strings.Join(r.Samples, "; ")
	}
	return text
}

func (c *Change) measures() map[string]any {
	m := map[string]any{"state": string(c.State), "rows_before": rowsOf(c.Before), "rows_after": rowsOf(c.After)}
	if c.How != "" {
		m["how"] = c.How
	}
	if len(c.Columns) > 0 {
		m["columns_changed"] = c.Columns
	}
	if r := c.Rows; r != nil {
		kind := "keys"
		if r.unkeyed {
			kind = "rows" // the view has no key: a row that changed is missing, and another is extra
		}
		m[kind+"_missing"], m[kind+"_extra"], m[kind+"_changed"] = r.Lost, r.Added, r.Changed
		m[kind+"_repeated_before"], m[kind+"_repeated_after"] = r.RepeatedBefore, r.RepeatedAfter
		if r.WithinTolerance > 0 {
			m["keys_within_tolerance"] = r.WithinTolerance
		}
		if len(r.ValuesByColumn) > 0 {
			m["values_changed"] = r.ValuesByColumn
		}
	}
	return m
}

// countPartitions counts the partitions that findings are about.
func countPartitions(findings []finding) int64 {
	seen := map[*Change]bool{}
	for _, f := range findings {
		if f.change != nil {
			seen[f.change] = true
		}
	}
	return int64(len(seen))
}

func headline(bad, total int64, unit, within, one, many string, findings []finding) string {
	worst := slices.MaxFunc(findings, func(a, b finding) int { return cmp.Compare(a.bad, b.bad) })
	if bad == 0 {
		return worst.message
	}
	return fmt.Sprintf("%s of %s%s %s: %s", words.Number(bad), words.Count(total, unit), within, words.Plural(bad, one, many), worst.message)
}

func (v *comparedView) span() string {
	if v.ranged == "" || v.whole {
		return " that changed"
	}
	return " of " + v.ranged
}

func (v *comparedView) ofState(c *Change) finding {
	f := finding{change: c, total: max(rowsOf(c.Before), rowsOf(c.After)), bad: max(abs(rowsOf(c.Before)-rowsOf(c.After)), 1), message: c.says(), measures: c.measures()}
	if c.State == Shifted || c.How == string(Shifted) {
		f.bad = rowsOf(c.After)
	}
	if r := c.Rows; r != nil {
		f.bad = min(max(f.bad, r.Lost+r.Added+r.Changed-r.WithinTolerance), max(f.total, 1))
	}
	return f
}

func abs(n int64) int64 { return max(n, -n) }
