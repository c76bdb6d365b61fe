package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
)

const (
	// leftShare is the largest share of the misfiled rows that may be left by another calendar that is proposed.
	leftShare = 0.25
	// shiftedShare is the least share of the misfiled rows that shifted partitions must explain.
	shiftedShare = 0.9
)

// filingHint says what one change would put misfiled rows in place: another calendar for the whole view, or other times for a
// few partitions; the zero value proposes nothing.
type filingHint struct {
	grain model.Grain
	// zone is a zone at which nearly all rows of the view would lie in their partitions, share how many.
	zone  string
	share float64
	// fixed says that its offset did not change meanwhile: it is then at offset, and so many minutes more east than the present one.
	fixed   bool
	offset  times.Offset
	minutes int
	steady  bool
	// shifted are partitions all of whose rows would lie in them so many minutes later, or earlier where it is negative.
	shifted []string
	later   int
}

func (h filingHint) measures() map[string]any {
	m := map[string]any{}
	if h.zone != "" {
		m["fitting_zone"], m["fitting_share"] = h.zone, h.share
		if h.steady {
			m["fitting_offset_minutes"] = h.minutes
		}
	}
	if len(h.shifted) > 0 {
		m["shifted_partitions"], m["shifted_minutes"] = h.shifted, h.later
	}
	return m
}

func (h filingHint) String() string {
	many := "nearly all"
	if h.share == 1 {
		many = "all rows"
	}
	switch {
	case h.zone == "UTC":
		return fmt.Sprintf("%s would fit if partitions were %ss of UTC: set time_partition.zone to it", many, h.grain)
	case h.zone != "" && h.fixed:
		return fmt.Sprintf("%s would fit if partitions were %ss of %s: set time_partition.zone to a zone at that offset, such as %s", many, h.grain, zone.OffsetText(h.offset), h.zone)
	case h.zone != "":
		return fmt.Sprintf("%s would fit if partitions were %ss of %s: set time_partition.zone to it", many, h.grain, h.zone)
	case len(h.shifted) > 0:
		when := "later"
		if h.later < 0 {
			when = "earlier"
		}
		return fmt.Sprintf("all rows of %s would fit %s %s: one load of theirs may be shifted", several(h.shifted), words.HoursAndMinutes(max(h.later, -h.later)), when)
	}
	return ""
}

// several names up to three of a list.
func several(names []string) string {
	const shown = 3
	switch n := len(names); {
	case n == 1:
		return names[0]
	case n > shown:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), n-shown)
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// filingHint looks for the calendar in which nearly all rows of the view lie in their partitions, or else for the shift that puts
// all rows of each partition with misfiled ones in place. It rests on event times alone, and is exact: every offset in use is a
// whole number of the histogram's bins.
func (b *viewEvidence) filingHint(findings []row) filingHint {
	if b.filing == nil {
		h := calendarSearch{b}.hint(findings)
		b.filing = &h
	}
	return *b.filing
}

// calendarSearch looks for the calendar that would put misfiled rows in place.
type calendarSearch struct{ *viewEvidence }

func (b calendarSearch) hint(findings []row) filingHint {
	if evidence.Meaning(b.View) != model.OfEventTime || len(findings) == 0 {
		return filingHint{}
	}
	ladders := b.ladders()
	inPlace, total := evidence.Fit(ladders, 0)
	if total == inPlace {
		return filingHint{}
	}
	if h, found := b.otherCalendar(ladders, inPlace, total); found {
		return h
	}
	return b.shiftedLoads(ladders, total-inPlace)
}

// ladders are those of all judged partitions with a date, by time.
func (b calendarSearch) ladders() []evidence.Ladder {
	merged := map[int32]*facts.EventHistogram{}
	for population, histogram := range b.Collection.Events {
		p, dated := b.Partition(population.Partition)
		if !dated || !p.Dated() || !b.Judged(population.Partition) {
			continue
		}
		if merged[p.ID] == nil {
			merged[p.ID] = facts.NewEventHistogram()
		}
		merged[p.ID].Merge(histogram)
	}
	var ladders []evidence.Ladder
	for _, id := range slices.Sorted(maps.Keys(merged)) {
		p, _ := b.Partition(id)
		ladders = append(ladders, evidence.NewLadder(p, merged[id]))
	}
	return ladders
}

// calendar is a zone that the partitions' calendar may run in.
type calendar struct {
	table *zone.Table
	// fixed says that no clock of the zone changed between the oldest and the newest row.
	fixed  bool
	offset times.Offset
}

// otherCalendar tries every zone that is told apart from the others by the time between the oldest and the newest row.
func (b calendarSearch) otherCalendar(ladders []evidence.Ladder, inPlace, total int64) (filingHint, bool) {
	present, err := b.Atlas.Load(b.View.TimePartition.Zone)
	if err != nil {
		return filingHint{}, false // such a zone was refused with the config
	}
	from, to := reach(ladders)
	best, bestRows := calendar{}, inPlace
	for _, c := range b.calendars(present, from, to) {
		if rows := c.fit(present, ladders); rows > bestRows {
			best, bestRows = c, rows
		}
	}
	share := float64(bestRows) / float64(total)
	if best.table == nil || share < evidence.FittingShare || float64(total-bestRows) > leftShare*float64(total-inPlace) {
		return filingHint{}, false
	}
	if b.RowsShifted(present.Offset(from) - best.table.Offset(from)) {
		return filingHint{}, false // rows stamped at an offset explain the misfit: another calendar would hide them
	}
	h := filingHint{grain: b.View.TimePartition.Grain, zone: best.table.Name(), share: share, fixed: best.fixed, offset: best.offset,
		minutes: int((best.offset - present.Offset(from)).Minutes())}
	h.steady = best.fixed && len(present.Offsets(from, to)) == 1
	return h, true
}

// reach bounds the times of all rows and partitions.
func reach(ladders []evidence.Ladder) (from, to times.Instant) {
	from, to = ladders[0].Partition.Start, ladders[0].Partition.End
	for _, l := range ladders {
		from, to = min(from, l.Partition.Start), max(to, l.Partition.End)
	}
	return from.Add(-times.Day), to.Add(times.Day)
}

// calendars lists one zone of each kind: those without a clock change first, then by how near they are to the present one, east
// before west, so that of equally good ones the plainest is proposed.
func (b calendarSearch) calendars(present *zone.Table, from, to times.Instant) []calendar {
	real := b.Atlas.RealOffsets(from, to)
	if len(b.View.Zones) > 0 {
		// a zone that does not load was refused with the config
		real, _ = b.Atlas.OffsetsOf(b.View.Zones, from, to)
	}
	seen := map[string]bool{}
	var list []calendar
	for _, o := range real {
		for _, name := range o.Zones {
			table, err := b.Atlas.Load(name)
			if err != nil {
				continue
			}
			c := calendar{table: table, fixed: true, offset: table.Offset(from)}
			kind := fmt.Sprint(c.offset)
			for _, t := range table.Transitions() {
				if t.UTC > from && t.UTC <= to {
					c.fixed = false
					kind += fmt.Sprint(" ", t)
				}
			}
			if !seen[kind] {
				seen[kind] = true
				list = append(list, c)
			}
		}
	}
	now := present.Offset(from)
	distance := func(c calendar) times.Offset { return max(c.offset-now, now-c.offset) }
	slices.SortStableFunc(list, func(x, y calendar) int {
		if x.fixed != y.fixed {
			if x.fixed {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(distance(x), distance(y)), cmp.Compare(y.offset, x.offset))
	})
	return list
}

// fit counts the rows that lie in their partition if its calendar ran in this zone.
func (c calendar) fit(present *zone.Table, ladders []evidence.Ladder) int64 {
	rows := int64(0)
	for _, l := range ladders {
		start, end := c.table.Begin(present.Local(l.Partition.Start)), c.table.Begin(present.Local(l.Partition.End))
		rows += l.Before(end) - l.Before(start)
	}
	return rows
}

// shiftedLoads looks for the one shift by an offset in use that puts all rows of the partitions with misfiled ones in place. They
// are to be few, to hold nearly all misfiled rows, and to be full enough for the shift to be told.
func (b calendarSearch) shiftedLoads(ladders []evidence.Ladder, misfiled int64) filingHint {
	from, to := reach(ladders)
	var shifts []times.Offset
	for _, o := range b.Atlas.RealOffsets(from, to) {
		if o.Offset.Minutes() != 0 {
			shifts = append(shifts, o.Offset, -o.Offset)
		}
	}
	// whole hours first, then the smallest
	slices.SortFunc(shifts, func(x, y times.Offset) int {
		if wholeX, wholeY := x%3600 == 0, y%3600 == 0; wholeX != wholeY {
			if wholeX {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(max(x, -x), max(y, -y)), cmp.Compare(y, x))
	})
	explained, shifted := map[times.Offset]int64{}, map[times.Offset][]string{}
	for _, l := range ladders {
		outside := l.Rows - (l.Before(l.Partition.End) - l.Before(l.Partition.Start))
		if outside == 0 || !l.Full() {
			continue
		}
		for _, shift := range shifts {
			if fits, all := evidence.Fit([]evidence.Ladder{l}, shift); fits == all {
				explained[shift] += outside
				shifted[shift] = append(shifted[shift], l.Partition.Value)
				break
			}
		}
	}
	for _, shift := range shifts {
		if n := len(shifted[shift]); n > 0 && 2*n <= len(ladders) && float64(explained[shift]) >= shiftedShare*float64(misfiled) {
			return filingHint{shifted: shifted[shift], later: int(shift.Minutes())}
		}
	}
	return filingHint{}
}
