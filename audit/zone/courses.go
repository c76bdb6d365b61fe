package zone

import (
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

func courseOf(location *time.Location, from, to times.Instant) Course {
	c := Course{Offsets: []times.Offset{offsetAt(location, from)}}
	for at := from; ; {
		_, end := at.Time().In(location).ZoneBounds()
		if end.IsZero() || times.At(end) > to || times.At(end) <= at {
			return c
		}
		at = times.At(end)
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
