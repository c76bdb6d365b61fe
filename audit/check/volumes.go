package check

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// How many earlier partitions a partition's rows are compared with, at most and at least.
const (
	thinMost, thinLeast   = 14, 7
	thickMost, thickLeast = 6, 4
)

// thinShare is the share of the median of the earlier partitions below which one is thin.
const thinShare = 0.1

// A partition is thick above usualRatio times the median, and more than usualDeviations median deviations above it.
const usualRatio, usualDeviations = 1.8, 6

// volume is one closed partition with rows, of the view or of one group, and the rows of those that it is compared with.
type volume struct {
	at evidence.Presence
	// before are the newest earlier partitions that were not thin, alike those of them that begin at the same time of the week, where
	// slot names it. Oldest first.
	before, alike []int64
	slot          slot
	// thin says that it holds fewer rows than thinLimit.
	thin bool
}

// slot is a time of the week: partitions that begin at the same one are alike. The zero slot stands for partitions that are longer than
// a day.
type slot struct {
	known   bool
	weekday time.Weekday
	hour    int
	hourly  bool
}

// String is the slot in words, in the plural: "Mondays", "Mondays at 07:00".
func (s slot) String() string {
	if !s.known {
		return "partitions"
	}
	if s.hourly {
		return s.weekday.String() + "s at " + time.Date(0, 1, 1, s.hour, 0, 0, 0, time.UTC).Format("15:04")
	}
	return s.weekday.String() + "s"
}

// volumes are the closed partitions with rows by time, each with what came before it. What a thin partition holds says nothing of what
// is usual: a long run of them would hide itself, and make the first whole one after it look thick. One whose footers were not all read
// is neither judged nor compared with. least is the declared floor of a partition, or nil.
func (b *viewEvidence) volumes(least *int64) (iter.Seq[volume], error) {
	slotOf, err := slotsOf(b.View.TimePartition)
	if err != nil {
		return nil, err
	}
	return func(yield func(volume) bool) { b.eachVolume(slotOf, least, yield) }, nil
}

func (b *viewEvidence) eachVolume(slotOf func(facts.Partition) slot, least *int64, yield func(volume) bool) {
	type place struct {
		group string
		slot  slot
	}
	whole, alike := map[string][]int64{}, map[place][]int64{}
	for _, p := range b.Presences() {
		q := p.Partition
		if !p.Present || !p.Comparable || q.Open || q.AfterAsOf || !q.Dated() || p.Rows <= 0 || p.Unread > 0 {
			continue
		}
		v := volume{at: p, slot: slotOf(q)}
		v.before, v.alike = whole[p.Group], alike[place{p.Group, v.slot}]
		if limit, ok := thinLimit(v, least); ok {
			v.thin = float64(p.Rows) < limit
		}
		if !yield(v) {
			return
		}
		if v.thin {
			continue
		}
		whole[p.Group] = newest(v.before, p.Rows, thinMost)
		alike[place{p.Group, v.slot}] = newest(v.alike, p.Rows, thickMost)
	}
}

// judgeVolumes gives a verdict on each partition that is judged; ok of one is false for what cannot be told.
func (b *viewEvidence) judgeVolumes(least *int64, one func(volume) (row, bool)) (verdict, error) {
	all, err := b.volumes(least)
	if err != nil {
		return verdict{}, err
	}
	var v verdict
	for it := range all {
		if !b.Judged(it.at.Partition.ID) {
			continue
		}
		r, ok := one(it)
		if !ok {
			continue
		}
		r.subject = b.GroupSubject(it.at)
		if r.bad == 0 {
			v.good(r.subject.Source)
			continue
		}
		if before, was := b.rowsBefore(it.at); was {
			r.measures["since_rows"] = before
			r.message += fmt.Sprintf("; it had %s when it was looked at before", words.Number(before))
		}
		v.rows = append(v.rows, r)
	}
	return v, nil
}

// rowsBefore is how many rows a partition had before it was rewritten, where that is remembered and they are others now.
func (b *viewEvidence) rowsBefore(p evidence.Presence) (int64, bool) {
	if b.Since == nil || p.Group != "" {
		return 0, false
	}
	for _, r := range b.Since.Rewritten {
		if r.Identity == p.Partition.Identity {
			return r.RowsBefore, r.RowsBefore != r.RowsAfter
		}
	}
	return 0, false
}

// newest is a list with one more at its end and no more than most; the list given stays as it is.
func newest(list []int64, next int64, most int) []int64 {
	if len(list) == most {
		list = list[1:]
	}
	return append(slices.Clone(list), next)
}

// thinLimit is the number of rows below which a partition is thin; ok is false where too few came before it to tell.
func thinLimit(v volume, declared *int64) (limit float64, ok bool) {
	if declared != nil {
		return float64(*declared), true
	}
	if len(v.before) < thinLeast {
		return 0, false
	}
	return thinShare * median(v.before), true
}

// thickLimit is the number of rows above which a partition is thick; ok is false where too few came before it to tell.
func thickLimit(v volume, declared model.CheckPolicy) (limit float64, ok bool) {
	limit = math.Inf(1)
	if declared.MaxRows != nil {
		limit, ok = float64(*declared.MaxRows), true
	}
	if len(v.alike) < thickLeast || declared.MaxRows != nil && declared.MaxRatio == nil {
		return limit, ok
	}
	usual := median(v.alike)
	if declared.MaxRatio != nil {
		return min(limit, *declared.MaxRatio*usual), true
	}
	return max(usualRatio*usual, usual+usualDeviations*deviation(v.alike, usual)), true
}

// median is the middle of some numbers, of which there is one at least.
func median[T int64 | float64](numbers []T) float64 {
	sorted := slices.SortedFunc(slices.Values(numbers), cmp.Compare[T])
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return float64(sorted[half])
	}
	return (float64(sorted[half-1]) + float64(sorted[half])) / 2
}

// decimal is a number of rows that need not be whole.
func decimal(n float64) string {
	if whole := int64(n); float64(whole) == n {
		return words.Number(whole)
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// deviation is the median of how far some numbers lie from a middle.
func deviation(numbers []int64, middle float64) float64 {
	apart := make([]float64, len(numbers))
	for i, n := range numbers {
		apart[i] = math.Abs(float64(n) - middle)
	}
	return median(apart)
}

// slotsOf gives the slot of a partition. A weekday and an hour are those of the calendar that the partitions are cut by.
func slotsOf(p model.TimePartition) (func(facts.Partition) slot, error) {
	hourly := p.Grain == model.GrainHour
	if !hourly && p.Grain != model.GrainDay {
		return func(facts.Partition) slot { return slot{} }, nil
	}
	table, err := zone.Load(p.Zone)
	if err != nil {
		return nil, err
	}
	return func(q facts.Partition) slot {
		local := table.Local(q.Start).Time()
		s := slot{known: true, weekday: local.Weekday(), hourly: hourly}
		if hourly {
			s.hour = local.Hour()
		}
		return s
	}, nil
}
