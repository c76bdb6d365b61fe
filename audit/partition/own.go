package partition

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Bounds is the stretch of time that one hive key of a path names for a partition: the day of dt= where an
// hour= below it names the hour. Ends are excluded.
type Bounds struct {
	// CivilStart and CivilEnd are what the calendar shows, Start and End the real instants.
	CivilStart, CivilEnd times.Local
	Start, End           times.Instant
}

// Holds says whether a time, in microseconds, lies in the bounds: an instant if it is aware, else what a calendar shows. A whole date is meant
// as one in whatever zone it was marked, since many writers mark a date as midnight UTC.
func (b Bounds) Holds(micros int64, aware bool) bool {
	if at := times.Instant(micros); aware && at >= b.Start && at < b.End {
		return true
	}
	shown := times.Local(micros)
	return (!aware || floor(shown, model.GrainDay) == shown) && shown >= b.CivilStart && shown < b.CivilEnd
}

// KeyBounds are the bounds that a hive key, in any case of its letters, names for the partition that begins at an instant.
func (l Layout) KeyBounds(start times.Instant, column string) (Bounds, bool) {
	i := l.indexOf(column)
	if i < 0 {
		return Bounds{}, false
	}
	from, to := l.component(l.table.Local(start), i)
	return Bounds{CivilStart: from, CivilEnd: to, Start: l.table.Begin(from), End: l.table.Begin(to)}, true
}

func (l Layout) indexOf(column string) int {
	for i, c := range l.tp.Columns {
		if strings.EqualFold(c, column) {
			return i
		}
	}
	return -1
}

// component is the civil period that the i-th key names: the year of year=, the day of dt= above hour=.
func (l Layout) component(civil times.Local, i int) (from, to times.Local) {
	grain, n := l.tp.Grain, len(l.tp.Columns)
	year := civil.Time().Year()
	switch {
	case i == n-1:
	case grain == model.GrainHour && n == 2, grain == model.GrainHour && i == 2:
		grain = model.GrainDay
	case i == 1:
		grain = model.GrainMonth
	case grain == model.GrainWeek:
		year, _ = civil.Time().ISOWeek()
		from, _ = parseWeek(strconv.Itoa(year), "1")
		to, _ = parseWeek(strconv.Itoa(year+1), "1")
		return from, to
	default:
		return times.LocalOf(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)), times.LocalOf(time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	from = floor(civil, grain)
	return from, next(from, grain)
}

// Agrees says whether a value that a file holds in its own copy of a hive key means what the key names for the partition that
// begins at an instant: the same part of a date however it is written (7, 07, 7.0), or a date or time that lies in it.
func (l Layout) Agrees(start times.Instant, column, value string) bool {
	bounds, ok := l.KeyBounds(start, column)
	if !ok {
		return false
	}
	value = strings.TrimSpace(value)
	if l.isPart(start, column, value) {
		return true
	}
	if number, whole := integral(value); whole {
		value = strconv.FormatInt(number, 10)
		if l.isPart(start, column, value) || holdsEpoch(bounds, number) {
			return true
		}
	}
	value = dashed(value)
	if civil, f, ok := parseText(value); ok {
		return civil >= bounds.CivilStart && next(civil, f.grain) <= bounds.CivilEnd
	}
	micros, aware, ok := parseMoment(value)
	return ok && bounds.Holds(micros, aware)
}

// isPart says whether a path would name the same partition with the value as its key.
func (l Layout) isPart(start times.Instant, column, value string) bool {
	civil := l.table.Local(start)
	values := l.texts(civil.Time(), l.defaultStyle())
	values[l.indexOf(column)] = value
	read, _, ok := readHive(l.tp.Grain, values)
	return ok && read == civil
}

// integral reads a whole number, however it is written: 20261103, 3.0, 3.00, 2.0261103e7.
func integral(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<62 {
		return 0, false
	}
	return int64(f), true
}

// leastEpoch is above every number that names a date: as seconds it is a day of 1973.
const leastEpoch = 100_000_000

// holdsEpoch takes a large number for an instant in any unit.
func holdsEpoch(b Bounds, n int64) bool {
	if n < leastEpoch {
		return false
	}
	for _, micros := range []func() (int64, bool){
		func() (int64, bool) { return n * int64(times.Second), n < math.MaxInt64/int64(times.Second) },
		func() (int64, bool) { return n * int64(times.Millisecond), n < math.MaxInt64/int64(times.Millisecond) },
		func() (int64, bool) { return n, true },
		func() (int64, bool) { return n / 1_000, true },
	} {
		if at, fits := micros(); fits && b.Holds(at, true) {
			return true
		}
	}
	return false
}

var slashedDate = regexp.MustCompile(`^\d{4}/\d{2}/\d{2}`)

// dashed writes 2026/11/03 as 2026-11-03.
func dashed(text string) string {
	if slashedDate.MatchString(text) {
		return strings.Replace(text, "/", "-", 2)
	}
	return text
}

var awareMoments = [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00", "20060102T150405Z07:00"}

var naiveMoments = [...]string{"2006-01-02T15:04:05", "2006-01-02T15:04", "20060102T150405"}

// parseMoment reads ISO text with T or a space, with an offset (aware) or without one.
func parseMoment(text string) (micros int64, aware, ok bool) {
	if short, utc := strings.CutSuffix(text, " UTC"); utc {
		text = short + "Z"
	}
	text = strings.Replace(text, " ", "T", 1)
	for _, layout := range awareMoments {
		if at, err := time.Parse(layout, text); err == nil {
			if _, offset := at.Zone(); at.Hour() == 0 && offset != 0 && at.Truncate(time.Minute).Equal(at) && at.Minute() == 0 {
				// midnight at any offset is the date that it shows
				return at.UnixMicro() + int64(times.Offset(offset).Span()), false, true
			}
			return at.UnixMicro(), true, true
		}
	}
	for _, layout := range naiveMoments {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UnixMicro(), false, true
		}
	}
	return 0, false, false
}
