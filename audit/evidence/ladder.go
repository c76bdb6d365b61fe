package evidence

import (
	"maps"
	"slices"
	"sort"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Ladder holds the event times of one partition as running totals, so that the rows between two instants are one subtraction.
type Ladder struct {
	Partition facts.Partition
	Bins      []int32
	upTo      []int64
	Rows      int64
}

func NewLadder(p facts.Partition, h *facts.EventHistogram) Ladder {
	l := Ladder{Partition: p, Bins: slices.Sorted(maps.Keys(h.Counts)), upTo: []int64{0}}
	for _, bin := range l.Bins {
		l.Rows += h.Counts[bin]
		l.upTo = append(l.upTo, l.Rows)
	}
	return l
}

// FittingShare is the least share of rows that must lie in their partitions for a calendar to fit them.
const FittingShare = 0.95

// Fit counts the rows that lie in their partition if its calendar ran so much more to the east: its
// days then begin that much earlier.
func Fit(ladders []Ladder, east times.Offset) (rows, total int64) {
	shift := -east.Span()
	for _, l := range ladders {
		rows += l.Before(l.Partition.End.Add(shift)) - l.Before(l.Partition.Start.Add(shift))
		total += l.Rows
	}
	return rows, total
}

func (l Ladder) Before(instant times.Instant) int64 {
	bin := facts.EventBin(instant)
	return l.upTo[sort.Search(len(l.Bins), func(i int) bool { return l.Bins[i] >= bin })]
}

// Full says that the rows reach over at least half of the partition's length.
func (l Ladder) Full() bool {
	if len(l.Bins) == 0 {
		return false
	}
	reach := times.Span(l.Bins[len(l.Bins)-1]-l.Bins[0]+1) * facts.EventBinWidth
	return 2*reach >= l.Partition.End.Sub(l.Partition.Start)
}
