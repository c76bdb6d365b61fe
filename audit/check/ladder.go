package check

import (
	"maps"
	"slices"
	"sort"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// ladder holds the event times of one partition as running totals, so that the rows between two instants are one subtraction.
type ladder struct {
	partition facts.Partition
	bins      []int32
	upTo      []int64
	rows      int64
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
