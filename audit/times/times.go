// Package times has the values that time is counted in: an Instant, what clocks show at it, the Span between two, and the Offset of
// a clock from UTC. They are whole numbers, so that facts add up exactly, and types of their own, so that none is taken for another.
package times

import (
	"math"
	"time"
)

// None is no instant at all, and no limit where a span limits something. It has no type of its own, since rows are counted by plain
// integers where there are many.
const None = math.MinInt64

// Instant is a moment, in microseconds since 1970 UTC.
type Instant int64

// At is the instant of a time, rounded down to a microsecond.
func At(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Known says whether there is an instant.
func (i Instant) Known() bool { return i != None }

// Time is the instant as a time in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// Add is the instant that lies so much later.
func (i Instant) Add(s Span) Instant { return i + Instant(s) }

// Sub is how much later it is than another.
func (i Instant) Sub(earlier Instant) Span { return Span(i - earlier) }

// Earlier is the first of two instants, of which either may be None.
func (i Instant) Earlier(other Instant) Instant {
	if i == None || other != None && other < i {
		return other
	}
	return i
}

// Local is what clocks of some zone show, in microseconds since 1970 as if it were UTC.
type Local int64

// LocalOf is what a clock shows at a time, if it runs at UTC.
func LocalOf(t time.Time) Local { return Local(t.UnixMicro()) }

// Time is the local time as a time in UTC, to take its parts from.
func (l Local) Time() time.Time { return time.UnixMicro(int64(l)).UTC() }

// Add is the local time that clocks show so much later, where none is set.
func (l Local) Add(s Span) Local { return l + Local(s) }

// Span is a length of time, in microseconds.
type Span int64

// The lengths that others are counted in.
const (
	Millisecond Span = 1_000
	Second      Span = 1_000_000
	Minute           = 60 * Second
	Hour             = 60 * Minute
	Day              = 24 * Hour
)

// SpanOf is a duration in whole microseconds, what is left of one cut off.
func SpanOf(d time.Duration) Span { return Span(d.Microseconds()) }

// SpanOfSeconds is a span of so many seconds, cut to whole microseconds.
func SpanOfSeconds(s float64) Span { return Span(s * float64(Second)) }

// Seconds is the span in seconds, as a report says it.
func (s Span) Seconds() float64 { return float64(s) / float64(Second) }

// Offset is how far east of another clock's, UTC where nothing else is said, the time of a clock is, in seconds.
type Offset int32

// Span is the offset as a length of time, negative for the west.
func (o Offset) Span() Span { return Span(o) * Second }

// Minutes is the offset in whole minutes, as a report says it.
func (o Offset) Minutes() int64 { return int64(o / 60) }
