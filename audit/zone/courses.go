package zone

import (
	"fmt"
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

// Courses are the distinct courses that clocks of the zones of the tz database took between two instants in microseconds
// UTC (both included): one for each real offset, at which a clock stands still, and those that change.
func Courses(from, to int64) []Course {
	byOffset, byText := map[int32][]string{0: {"UTC"}}, map[string]int{}
	var stepping []Course
	for _, names := range listedZones() {
		name, location := firstKnown(names)
		if location == nil {
			continue
		}
		c := courseOf(location, from, to)
		seen := slices.Clone(c.Seconds)
		slices.Sort(seen)
		for _, seconds := range slices.Compact(seen) {
			byOffset[seconds] = append(byOffset[seconds], name)
		}
		if len(c.Begins) == 0 {
			continue
		}
		text := fmt.Sprint(c.Seconds, c.Begins)
		at, known := byText[text]
		if !known {
			at = len(stepping)
			byText[text] = at
			stepping = append(stepping, c)
		}
		stepping[at].Zones = append(stepping[at].Zones, name)
	}
	var courses []Course
	for _, o := range sortOffsets(byOffset) {
		courses = append(courses, Course{Seconds: []int32{o.Seconds}, Zones: o.Zones})
	}
	for _, c := range stepping {
		sortNames(c.Zones)
	}
	return append(courses, stepping...)
}

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

// CoursesOf is Courses of the zones that are named, UTC among them. A name that Load does not know is an error.
func CoursesOf(names []string, from, to int64) ([]Course, error) {
	offsets, err := OffsetsOf(names, from, to)
	if err != nil {
		return nil, err
	}
	var courses []Course
	for _, o := range offsets {
		courses = append(courses, Course{Seconds: []int32{o.Seconds}, Zones: o.Zones})
	}
	for _, name := range names {
		table, err := Load(name)
		if err != nil {
			return nil, err
		}
		c := table.course(from, to)
		if len(c.Begins) > 0 {
			c.Zones = []string{name}
			courses = append(courses, c)
		}
	}
	return courses, nil
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
