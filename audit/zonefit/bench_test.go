package zonefit

import (
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/fixtures/zonemix"
)

// BenchmarkAskWriters asks as many rows as a sample holds.
func BenchmarkAskWriters(b *testing.B) {
	sample := zonemix.NewSample()
	zonemix.Plan{Lag: zonemix.Lags()[1], PerWriter: 12, Planted: []zonemix.Share{{Offset: -8 * 3600, Of: 0.05}}}.Each(1, 60_000, sample.Add)
	sample.Settle(facts.MaxWriterRows)
	in := WriterInput{Rows: sample.Rows, Courses: realCourses()}
	for b.Loop() {
		AskWriters(in)
	}
}

func realCourses() []Course {
	var all []Course
	for _, c := range zone.Courses(times.Instant(zonemix.Start), times.Instant(zonemix.Start).Add(zonemix.Days*times.Day)) {
		var course Course
		for _, seconds := range c.Offsets {
			course.Offsets = append(course.Offsets, int32(seconds/60))
		}
		for _, begin := range c.Begins {
			course.Begins = append(course.Begins, int32(begin/times.Instant(times.Minute)))
		}
		all = append(all, course)
	}
	return all
}
