package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

var misfiledRows = Check{
	ID:         "misfiled-rows",
	Title:      "Rows outside the partition that holds them.",
	Why:        "A job that reads one partition misses such rows and counts them in another, so that windows are wrong on both days.",
	Fix:        "Rewrite the rows into their own partition; if the calendar is another, set time_partition.zone or time_partition.of.",
	Since:      "0.1",
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Certain,
	Unit:       UnitRows,
	Needs:      Needs{Files: true, Rows: true, EventTime: true, TimePartition: true},
	Fractional: true,
	Query:      true,
	clocked:    true,
	arrival: func(b *brief) bool {
		return meaning(b.View) == model.OfIngestedAt && b.View.IngestedAt.Declared()
	},
	measures: func(b *brief) map[string]any {
		return map[string]any{
			"before_rows":     b.sum(func(s *facts.Slice) int64 { return s.MisfiledBefore }),
			"after_rows":      b.sum(func(s *facts.Slice) int64 { return s.MisfiledAfter }),
			"undated_rows":    b.sum(func(s *facts.Slice) int64 { return s.MisfiledUndated }),
			"own_column_rows": b.sum(func(s *facts.Slice) int64 { return s.OwnColumnDiffers }),
		}
	},
	finish: func(b *brief, v *verdict) {
		if o, share, found := b.fittingOffset(v.findings); found {
			v.measures["fitting_offset_minutes"] = o
			v.measures["fitting_share"] = share
		}
	},
	bad: func(b *brief) string {
		if meaning(b.View) == model.OfIngestedAt {
			return "arrived outside the partition that holds them"
		}
		return "lie outside the partition that holds them"
	},
	good: always("lie in their partition"),
	detail: func(b *brief, v verdict) string {
		minutes, found := v.measures["fitting_offset_minutes"].(int)
		if !found {
			return ""
		}
		if zone := b.View.TimePartition.Zone; zone != "" && zone != "UTC" {
			return fmt.Sprintf("nearly all would fit if the partitions' calendar were shifted by %s from %s: set time_partition.zone", offset(minutes)[3:], zone)
		}
		return fmt.Sprintf("nearly all would fit if partitions were days of %s: set time_partition.zone to a zone at that offset", offset(minutes))
	},
}

const (
	// fittingShare is the least share of the rows that must fit at another offset before it is proposed.
	fittingShare = 0.95
	// The offsets that zones have had since 2000 lie between these.
	westernmost, easternmost = -12 * 60, 14 * 60
)

// fittingOffset is the UTC offset, in minutes from the present calendar, at which nearly all rows of the misfiled
// partitions would lie in them. It is exact: every real offset is a whole number of the histogram's bins.
func (b *brief) fittingOffset(findings []row) (minutes int, share float64, found bool) {
	if meaning(b.View) != model.OfEventTime || len(findings) == 0 {
		return 0, 0, false
	}
	ladders := b.ladders(findings)
	inPlace, total := fit(ladders, 0)
	if total == 0 {
		return 0, 0, false
	}
	best, bestRows := 0, inPlace
	for _, candidate := range offsetsByDistance() {
		if rows, _ := fit(ladders, candidate); rows > bestRows {
			best, bestRows = candidate, rows
		}
	}
	share = float64(bestRows) / float64(total)
	return best, share, best != 0 && share >= fittingShare && !b.rowsShifted(int32(-best*60))
}

// offsetsByDistance lists the candidates from the smallest shift to the largest, east before west, so that of equally
// good ones the nearest is proposed.
func offsetsByDistance() []int {
	var offsets []int
	for m := westernmost; m <= easternmost; m += 15 {
		if m != 0 {
			offsets = append(offsets, m)
		}
	}
	slices.SortFunc(offsets, func(a, b int) int { return cmp.Or(cmp.Compare(max(a, -a), max(b, -b)), cmp.Compare(b, a)) })
	return offsets
}

// ladder holds the event times of one partition as running totals, so that the rows between two instants are one subtraction.
type ladder struct {
	partition facts.Partition
	bins      []int32
	upTo      []int64
	rows      int64
}

func (b *brief) ladders(findings []row) []ladder {
	wanted := map[int32]*facts.EventHistogram{}
	for _, value := range b.badPartitions(findings) {
		id := b.order[value]
		if p, dated := b.partition(id); dated && p.Dated() {
			wanted[id] = facts.NewEventHistogram()
		}
	}
	for population, histogram := range b.Collection.Events {
		if merged := wanted[population.Partition]; merged != nil {
			merged.Merge(histogram)
		}
	}
	var ladders []ladder
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		p, _ := b.partition(id)
		ladders = append(ladders, newLadder(p, wanted[id]))
	}
	return ladders
}

func newLadder(p facts.Partition, h *facts.EventHistogram) ladder {
	l := ladder{partition: p, bins: slices.Sorted(maps.Keys(h.Counts)), upTo: []int64{0}}
	for _, bin := range l.bins {
		l.rows += h.Counts[bin]
		l.upTo = append(l.upTo, l.rows)
	}
	return l
}

// fit counts the rows that lie in their partition if its calendar ran at an offset more east by so many minutes: its
// days then begin that much earlier.
func fit(ladders []ladder, minutes int) (rows, total int64) {
	shift := int64(minutes) * 60 * 1_000_000
	for _, l := range ladders {
		rows += l.before(l.partition.End-shift) - l.before(l.partition.Start-shift)
		total += l.rows
	}
	return rows, total
}

func (l ladder) before(instant int64) int64 {
	bin := facts.EventBin(instant)
	return l.upTo[sort.Search(len(l.bins), func(i int) bool { return l.bins[i] >= bin })]
}
