package zone

import (
	"math"
	"slices"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Course is how far from UTC clocks were between two instants, with the zones whose clocks took it.
type Course struct {
	// Offsets are one more than Begins, the instants from which the next one holds.
	Offsets []times.Offset
	Begins  []times.Instant
	// Zones are their names, those of many people first; empty for the offset of a clock that nobody sets back.
	Zones []string
}

// Courses is Atlas.Courses, read anew.
func Courses(from, to times.Instant) []Course { return (*Atlas)(nil).Courses(from, to) }

// Standing are the offsets of the courses that stand still.
func Standing(courses []Course) []RealOffset {
	var offsets []RealOffset
	for _, c := range courses {
		if len(c.Begins) == 0 {
			offsets = append(offsets, RealOffset{Offset: c.Offsets[0], Zones: c.Zones})
		}
	}
	return offsets
}

func (t *Table) course(from, to times.Instant) Course {
	c := Course{Offsets: []times.Offset{t.Offset(from)}}
	for i := t.utcSegment(from) + 1; i < len(t.utc) && t.utc[i] <= to; i++ {
		c.Begins = append(c.Begins, t.utc[i])
		c.Offsets = append(c.Offsets, t.offset[i])
	}
	return c
}

// bounds are instants between which nothing changes: from first on, and before end.
type bounds struct{ first, end times.Instant }

func (b bounds) holds(at times.Instant) bool { return b.first <= at && at < b.end }

// narrow leaves of bounds what others hold too.
func (b *bounds) narrow(others bounds) {
	b.first, b.end = max(b.first, others.first), min(b.end, others.end)
}

// always are the bounds of what never changes.
var always = bounds{first: math.MinInt64, end: math.MaxInt64}

// boundsAt are those of a zone's offset at an instant.
func boundsAt(location *time.Location, at times.Instant) bounds {
	first, end := at.Time().In(location).ZoneBounds()
	b := always
	if !first.IsZero() {
		b.first = times.At(first)
	}
	if !end.IsZero() {
		b.end = times.At(end)
	}
	if !b.holds(at) { // beyond what microseconds tell
		return bounds{first: at, end: at}
	}
	return b
}

// courseOf is a zone's course between two instants, and the bounds within which each of the two could be another and the course the same.
func courseOf(location *time.Location, from, to times.Instant) (c Course, froms, tos bounds) {
	c = Course{Offsets: []times.Offset{offsetAt(location, from)}}
	froms = boundsAt(location, from)
	for at, now := from, froms; ; now = boundsAt(location, at) {
		if now.end > to || now.end <= at {
			return c, froms, now
		}
		at = now.end
		if offset := offsetAt(location, at); offset != c.Offsets[len(c.Offsets)-1] {
			c.Begins, c.Offsets = append(c.Begins, at), append(c.Offsets, offset)
		}
	}
}

// Against gives a course as it is seen by who reads in a zone: how far east of that zone its clocks were.
func (c Course) Against(read *Table, from, to times.Instant) Course {
	base := read.course(from, to)
	if len(base.Begins) == 0 && base.Offsets[0] == 0 {
		return c
	}
	begins := slices.Concat(c.Begins, base.Begins)
	slices.Sort(begins)
	seen := Course{Offsets: []times.Offset{c.Offsets[0] - base.Offsets[0]}, Zones: c.Zones}
	for _, at := range slices.Compact(begins) {
		if offset := c.at(at) - base.at(at); offset != seen.Offsets[len(seen.Offsets)-1] {
			seen.Begins, seen.Offsets = append(seen.Begins, at), append(seen.Offsets, offset)
		}
	}
	return seen
}

func (c Course) at(instant times.Instant) times.Offset {
	i := 0
	for i < len(c.Begins) && instant >= c.Begins[i] {
		i++
	}
	return c.Offsets[i]
}
