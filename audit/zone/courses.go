package zone

import (
	"slices"
	"time"
)

// Course is how far from UTC clocks were between two instants, with the zones whose clocks took it.
type Course struct {
	// Seconds east of Greenwich: one more than Begins, the instants, in microseconds UTC, from which the next one holds.
	Seconds []int32
	Begins  []int64
	// Zones are their names, those of many people first; empty for the offset of a clock that nobody sets back.
	Zones []string
}

// Courses is Atlas.Courses, read anew.
func Courses(from, to int64) []Course { return (*Atlas)(nil).Courses(from, to) }

// Standing are the offsets of the courses that stand still.
func Standing(courses []Course) []Offset {
	var offsets []Offset
	for _, c := range courses {
		if len(c.Begins) == 0 {
			offsets = append(offsets, Offset{Seconds: c.Seconds[0], Zones: c.Zones})
		}
	}
	return offsets
}

func (t *Table) course(from, to int64) Course {
	c := Course{Seconds: []int32{t.Offset(from)}}
	for i := t.utcSegment(from) + 1; i < len(t.utc) && t.utc[i] <= to; i++ {
		c.Begins = append(c.Begins, t.utc[i])
		c.Seconds = append(c.Seconds, int32(t.offset[i]/microsPerSecond))
	}
	return c
}

func courseOf(location *time.Location, from, to int64) Course {
	c := Course{Seconds: []int32{offsetAt(location, from)}}
	for at := from; ; {
		_, end := time.UnixMicro(at).In(location).ZoneBounds()
		if end.IsZero() || end.UnixMicro() > to || end.UnixMicro() <= at {
			return c
		}
		at = end.UnixMicro()
		if seconds := offsetAt(location, at); seconds != c.Seconds[len(c.Seconds)-1] {
			c.Begins, c.Seconds = append(c.Begins, at), append(c.Seconds, seconds)
		}
	}
}

// Against gives a course as it is seen by who reads in a zone: how far east of that zone its clocks were.
func (c Course) Against(read *Table, from, to int64) Course {
	base := read.course(from, to)
	if len(base.Begins) == 0 && base.Seconds[0] == 0 {
		return c
	}
	begins := slices.Concat(c.Begins, base.Begins)
	slices.Sort(begins)
	seen := Course{Seconds: []int32{c.Seconds[0] - base.Seconds[0]}, Zones: c.Zones}
	for _, at := range slices.Compact(begins) {
		if seconds := c.at(at) - base.at(at); seconds != seen.Seconds[len(seen.Seconds)-1] {
			seen.Begins, seen.Seconds = append(seen.Begins, at), append(seen.Seconds, seconds)
		}
	}
	return seen
}

func (c Course) at(instant int64) int32 {
	i := 0
	for i < len(c.Begins) && instant >= c.Begins[i] {
		i++
	}
	return c.Seconds[i]
}
