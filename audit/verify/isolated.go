package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// isolation judges the partitions outside of the range.
type isolation struct{ *comparedView }

// judge judges the partitions outside of the range.
func (v isolation) judge() report.Result {
	r := v.blank("backfill-isolated")
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	var findings []finding
	var unknown []*Change
	counts, how := map[string]int64{}, map[string]int64{}
	for _, c := range v.pick(func(c *Change) bool { return !c.InRange }) {
		counts[string(c.State)]++
		switch c.State {
		case Pending, Uncompared:
			continue
		case Unknown:
			unknown = append(unknown, c)
		case Stray:
			how[c.How]++
			findings = append(findings, v.ofState(c))
		case Unchanged, Rewritten, AsExpected, Incomplete, Truncated, Doubled, Shifted:
		}
		r.RowsTotal++
	}
	r.Measures["states"] = counts
	r.RowsBad = int64(len(findings))
	within := " outside of the range"
	switch {
	case len(findings) > 0:
		r.Measures["strays"] = how
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(how)) {
			kinds = append(kinds, fmt.Sprintf("%s %s", words.Number(how[kind]), kind))
		}
		slices.SortStableFunc(findings, func(a, b finding) int { return cmp.Compare(b.bad, a.bad) })
		text := fmt.Sprintf("%s of %s%s %s changed (%s): %s", words.Number(r.RowsBad), words.Count(r.RowsTotal, "partition"), within, words.Plural(r.RowsBad, "was", "were"), strings.Join(kinds, ", "), findings[0].message)
		return found(r, findings, text)
	case len(unknown) > 0:
		retry := slices.ContainsFunc(unknown, func(c *Change) bool {
			return c.After != nil && c.After.Retryable || c.Before != nil && c.Before.Retryable
		})
		return unable(r, fmt.Sprintf("%s of %s%s %s not proved unchanged: %s", words.Number(int64(len(unknown))), words.Count(r.RowsTotal, "partition"), within, words.Plural(int64(len(unknown)), "is", "are"), unknown[0].says()), retry)
	case r.RowsTotal == 0 && counts[string(Uncompared)] > 0:
		return notApplicable(r, "after holds the range only: nothing else is there that could have changed")
	case r.RowsTotal == 0:
		return notApplicable(r, "there is no partition outside of the range that had ended on both sides")
	}
	text := fmt.Sprintf("all %s%s are unchanged", words.Count(r.RowsTotal, "partition"), within)
	if n := counts[string(Rewritten)]; n > 0 {
		text += fmt.Sprintf("; %s %s rewritten with the same rows", words.Number(n), words.Plural(n, "was", "were"))
	}
	if n := counts[string(Pending)]; n > 0 {
		text += fmt.Sprintf("; %s had not ended and %s not judged", words.Number(n), words.Plural(n, "was", "were"))
	}
	return passed(r, text)
}
