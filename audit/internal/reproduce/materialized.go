package reproduce

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// coverage is what covers event times from an instant on: materialisations up to Until, which had what arrived by Arrived.
type coverage struct{ From, Until, Arrived times.Instant }

// coverages are what covers event times, in order. An interval that ends after as_of says nothing of when it was materialised: all rows that
// there are may have been.
func coverages(intervals []model.Interval, asOf times.Instant) []coverage {
	sorted := slices.Clone(intervals)
	slices.SortFunc(sorted, func(a, b model.Interval) int { return a.Start.Compare(b.Start) })
	var all []coverage
	until := times.Instant(math.MinInt64)
	for _, i := range sorted {
		start, end := times.At(i.Start), times.At(i.End)
		if end <= start || end <= until {
			continue // all that it covers is covered until later
		}
		until = end
		arrived := until
		if until > asOf {
			arrived = math.MaxInt64
		}
		one := coverage{start, until, arrived}
		if last := len(all) - 1; last >= 0 && all[last].From == start {
			all[last] = one
			continue
		}
		all = append(all, one)
	}
	return all
}

// Uncovered counts by file the rows that no materialisation covers: in none, arrived after all that cover them had ended, and beyond the last.
func Uncovered(b *Statements) (sql, missing string) {
	covers := coverages(b.View.Materialized, b.AsOf)
	if len(covers) == 0 {
		return "", "the registry has no interval that was materialised"
	}
	var files []*facts.File
	for i := range b.Survey.Files {
		if f := &b.Survey.Files[i]; f.Problem == nil && f.Live() > 0 {
			files = append(files, f)
		}
	}
	if missing := b.tooManyOf(files); missing != "" {
		return "", missing
	}
	var parts []string
	for _, g := range b.groupsOf(files) {
		inner, missing := b.inner(g, &textTimes{})
		if missing != "" {
			return "", missing
		}
		parts = append(parts, fmt.Sprintf("  SELECT filename, event_us::BIGINT AS event_us, ingested_us::BIGINT AS ingested_us FROM (\n%s\n  ) WHERE event_us IS NOT NULL", inner))
	}
	lines := make([]string, len(covers))
	for i, c := range covers {
		lines[i] = fmt.Sprintf("  (%d::BIGINT, %d::BIGINT, %d::BIGINT)", c.From, c.Until, c.Arrived)
	}
	const covered = "until_us IS NOT NULL AND until_us > event_us"
	last := covers[len(covers)-1].Until
	return fmt.Sprintf("%sSELECT filename, count(*) FILTER (WHERE event_us < %d AND NOT (%s)), count(*) FILTER (WHERE %s AND ingested_us > arrived_us), count(*) FILTER (WHERE event_us >= %d)\n"+
		"FROM (\n%s\n) AS rows ASOF LEFT JOIN (VALUES\n%s\n) AS covers(from_us, until_us, arrived_us) ON rows.event_us >= covers.from_us\nGROUP BY filename",
		reproduceHead, last, covered, covered, last, strings.Join(parts, "\n  UNION ALL\n"), strings.Join(lines, ",\n")), ""
}
