package zone

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/featureaudit/featureaudit/audit/times"
)

var (
	weekFrom = times.At(time.Date(2026, 10, 27, 0, 0, 0, 0, time.UTC))
	weekTo   = times.At(time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC))
	change   = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC).UnixMicro() // of Los Angeles
)

func courseWith(t *testing.T, courses []Course, zone string) Course {
	t.Helper()
	i := slices.IndexFunc(courses, func(c Course) bool { return len(c.Begins) > 0 && slices.Contains(c.Zones, zone) })
	if i < 0 {
		t.Fatalf("no course of %s that steps", zone)
	}
	return courses[i]
}

func TestCoursesStandOrStep(t *testing.T) {
	courses := Courses(weekFrom, weekTo)
	var standing []int32
	for _, o := range Standing(courses) {
		standing = append(standing, int32(o.Offset))
	}
	var real []int32
	for _, o := range RealOffsets(weekFrom, weekTo) {
		real = append(real, int32(o.Offset))
	}
	if !slices.Equal(standing, real) {
		t.Errorf("standing %v, want the real offsets %v", standing, real)
	}
	la := courseWith(t, courses, "America/Los_Angeles")
	if !slices.Equal(la.Offsets, []times.Offset{-25200, -28800}) || !slices.Equal(la.Begins, []times.Instant{times.Instant(change)}) || la.Zones[0] != "America/Los_Angeles" {
		t.Errorf(`%+v, want slices.Equal(la.Offsets, []times.Offset{-25200, -28800}) && slices.Equal(la.Begins, []times.Instant{change}) && la.Zones[0] == "America/Los_Angeles"`, la)
	}
	if slices.ContainsFunc(courses, func(c Course) bool { return len(c.Begins) > 0 && slices.Contains(c.Zones, "Asia/Kolkata") }) {
		t.Error("Kolkata does not step")
	}
}

func TestCoursesOfNamedZones(t *testing.T) {
	courses, err := new(Atlas).CoursesOf([]string{"America/Los_Angeles", "Asia/Tokyo"}, weekFrom, weekTo)
	if err != nil {
		t.Fatal(err)
	}
	if len(courses) != 5 { // -8, -7, 0 and +9 stand; Los Angeles steps
		t.Errorf("%+v, want len(courses) == 5", courses)
	}
	if _, err := new(Atlas).CoursesOf([]string{"Mars/Olympus"}, weekFrom, weekTo); err == nil {
		t.Error("no such zone")
	}
}

func TestACourseAgainstTheZoneRead(t *testing.T) {
	read, err := Load("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	own := courseWith(t, Courses(weekFrom, weekTo), "America/Los_Angeles").Against(read, weekFrom, weekTo)
	if !slices.Equal(own.Offsets, []times.Offset{0}) || len(own.Begins) != 0 {
		t.Errorf("against itself: %+v", own)
	}
	utc := Course{Offsets: []times.Offset{0}}.Against(read, weekFrom, weekTo)
	if !slices.Equal(utc.Offsets, []times.Offset{25200, 28800}) || !slices.Equal(utc.Begins, []times.Instant{times.Instant(change)}) {
		t.Errorf("UTC, read as Los Angeles: %+v", utc)
	}
}

// TestAnAtlasKnowsWhichCoursesAreTheSame asks one atlas for many pairs of instants, near to changes of offsets and far from them: each answer is that of an
// atlas that knows nothing yet.
func TestAnAtlasKnowsWhichCoursesAreTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 7))
	var atlas Atlas
	instants := []times.Instant{math.MinInt64 + 1, -1 << 60, 0, 1 << 50, 1 << 60, math.MaxInt64, weekFrom, weekTo, times.Instant(change), times.Instant(change) - 1, times.Instant(change) + 1}
	for range 12 {
		at := times.At(time.Date(1900+rng.IntN(200), time.Month(1+rng.IntN(12)), 1+rng.IntN(28), 0, 0, 0, 0, time.UTC))
		instants = append(instants, at, at.Add(times.Span(rng.Int64N(int64(30*times.Day)))))
	}
	for range 60 {
		from, to := instants[rng.IntN(len(instants))], instants[rng.IntN(len(instants))]
		got, want := atlas.Courses(from, to), Courses(from, to)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("from %d to %d: %+v, want %+v", from, to, got, want)
		}
	}
	atlas.Courses(weekFrom, weekTo)
	if _, known := atlas.knownCourses(weekFrom+1, weekTo-1); !known {
		t.Error("a week that is a microsecond shorter is not known, and nothing changes in between")
	}
}
