package zone

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Atlas keeps what was read of the tz database, so that many views read it once. Its methods may be called from many goroutines at
// once; the zero value is ready, and nil reads anew each time.
type Atlas struct {
	mu     sync.Mutex
	places []place
	tables map[string]*Table
	// courses are those that were asked for last.
	courses []knownCourses
}

// knownCourses hold for all pairs of instants within bounds.
type knownCourses struct {
	froms, tos bounds
	courses    []Course
}

// mostCourses is how many courses an atlas keeps: files of many views are mostly of the same days.
const mostCourses = 16

// place is a zone by the first of its names that the database in use has.
type place struct {
	name     string
	location *time.Location
	// rank is its place among all names, those of many people first.
	rank int
}

// known are the zones in the order of the list.
func (a *Atlas) known() []place {
	if a == nil {
		return loadPlaces()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.places == nil {
		a.places = loadPlaces()
	}
	return a.places
}

func loadPlaces() []place {
	var places []place
	var names []string
	for _, of := range listedZones() {
		if name, location := firstKnown(of); location != nil {
			places = append(places, place{name: name, location: location})
			names = append(names, name)
		}
	}
	sortNames(names)
	for i := range places {
		places[i].rank = slices.Index(names, places[i].name)
	}
	return places
}

// namesOf are the names of places, those of many people first.
func namesOf(places []place) []string {
	slices.SortFunc(places, func(x, y place) int { return cmp.Compare(x.rank, y.rank) })
	names := make([]string, len(places))
	for i, p := range places {
		names[i] = p.name
	}
	return names
}

// Stepping are the zones whose offset changed from one to another between two instants (both included),
// those of many people first.
func (a *Atlas) Stepping(before, after times.Offset, from, to times.Instant) []string {
	var found []place
	for _, p := range a.known() {
		if offsetAt(p.location, from) == before && offsetAt(p.location, to) == after {
			found = append(found, p)
		}
	}
	return namesOf(found)
}

// Load is the function Load.
func (a *Atlas) Load(name string) (*Table, error) {
	if a == nil {
		return Load(name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if table, read := a.tables[name]; read {
		return table, nil
	}
	table, err := Load(name)
	if err != nil {
		return nil, err
	}
	if a.tables == nil {
		a.tables = map[string]*Table{}
	}
	a.tables[name] = table
	return table, nil
}

// RealOffsets are the distinct offsets from UTC that the zones of the tz database had between two instants
// (both included), ascending, each with the names of its zones. UTC itself is among them.
func (a *Atlas) RealOffsets(from, to times.Instant) []RealOffset {
	return Standing(a.Courses(from, to))
}

// OffsetsOf is RealOffsets of the zones that are named. A name that Load does not know is an error.
func (a *Atlas) OffsetsOf(names []string, from, to times.Instant) ([]RealOffset, error) {
	byOffset := map[times.Offset][]string{0: {"UTC"}}
	for _, name := range names {
		table, err := a.Load(name)
		if err != nil {
			return nil, err
		}
		for _, offset := range table.Offsets(from, to) {
			byOffset[offset] = append(byOffset[offset], name)
		}
	}
	return sortOffsets(byOffset), nil
}

// Courses are the distinct courses that clocks of the zones of the tz database took between two instants
// (both included): one for each real offset, at which a clock stands still, and those that change.
func (a *Atlas) Courses(from, to times.Instant) []Course {
	if a == nil {
		courses, _, _ := coursesOf(loadPlaces(), from, to)
		return courses
	}
	if known, ok := a.knownCourses(from, to); ok {
		return known
	}
	found := knownCourses{}
	found.courses, found.froms, found.tos = coursesOf(a.known(), from, to)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.courses) >= mostCourses {
		a.courses = a.courses[1:]
	}
	a.courses = append(a.courses, found)
	return slices.Clone(found.courses)
}

func (a *Atlas) knownCourses(from, to times.Instant) ([]Course, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.courses, func(k knownCourses) bool { return k.froms.holds(from) && k.tos.holds(to) })
	if i < 0 {
		return nil, false
	}
	return slices.Clone(a.courses[i].courses), true
}

// coursesOf are the courses of places, and the bounds within which they are the same.
func coursesOf(places []place, from, to times.Instant) (courses []Course, froms, tos bounds) {
	froms, tos = always, always
	standing, byText := map[times.Offset][]place{}, map[string]int{}
	var stepping []Course
	var stepped [][]place
	for _, p := range places {
		c, f, t := courseOf(p.location, from, to)
		froms.narrow(f)
		tos.narrow(t)
		for i, offset := range c.Offsets {
			if !slices.Contains(c.Offsets[:i], offset) {
				standing[offset] = append(standing[offset], p)
			}
		}
		if len(c.Begins) == 0 {
			continue
		}
		text := fmt.Sprint(c.Offsets, c.Begins)
		at, known := byText[text]
		if !known {
			at = len(stepping)
			byText[text] = at
			stepping, stepped = append(stepping, c), append(stepped, nil)
		}
		stepped[at] = append(stepped[at], p)
	}
	if !slices.ContainsFunc(standing[0], func(p place) bool { return p.name == "UTC" }) {
		standing[0] = append(standing[0], place{name: "UTC", rank: -1})
	}
	courses = make([]Course, 0, len(standing)+len(stepping))
	for _, offset := range slices.Sorted(maps.Keys(standing)) {
		courses = append(courses, Course{Offsets: []times.Offset{offset}, Zones: namesOf(standing[offset])})
	}
	for i := range stepping {
		stepping[i].Zones = namesOf(stepped[i])
	}
	return append(courses, stepping...), froms, tos
}

// CoursesOf is Courses of the zones that are named, UTC among them. A name that Load does not know is an error.
func (a *Atlas) CoursesOf(names []string, from, to times.Instant) ([]Course, error) {
	offsets, err := a.OffsetsOf(names, from, to)
	if err != nil {
		return nil, err
	}
	var courses []Course
	for _, o := range offsets {
		courses = append(courses, Course{Offsets: []times.Offset{o.Offset}, Zones: o.Zones})
	}
	for _, name := range names {
		table, err := a.Load(name)
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
