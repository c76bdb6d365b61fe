package strptime

import (
	"math"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Time is what a text says.
type Time struct {
	// Local is what stands there; a finer fraction than microseconds is cut off. With HasOffset it is that of a clock at Offset.
	Local     times.Local
	Offset    times.Offset
	HasOffset bool
	// Zone is the name of a zone that the text gives by %Z; it is part of the text.
	Zone []byte
}

// unset is a part that the text does not name.
const unset = math.MinInt64

// parts are what directives read.
type parts struct {
	year, shortYear, century, month, day, yearDay   int64
	weekday, weekYear, isoWeek, sundayWeek, monWeek int64
	hour, halfHour, half, minute, second, fraction  int64
	offset, epoch                                   int64
	beforeEpoch                                     bool
	zone                                            []byte
}

func noParts() parts {
	return parts{year: unset, shortYear: unset, century: unset, month: unset, day: unset, yearDay: unset, weekday: unset, weekYear: unset, isoWeek: unset,
		sundayWeek: unset, monWeek: unset, hour: unset, halfHour: unset, half: unset, minute: unset, second: unset, fraction: unset, offset: unset, epoch: unset}
}

// set fills a part in; false where it is known otherwise already.
func set(part *int64, value int64) bool {
	if *part != unset && *part != value {
		return false
	}
	*part = value
	return true
}

// agrees says whether a part says the same as what follows from the others.
func agrees(part, value int64) bool { return part == unset || part == value }

// Parse reads a text; false where it is not of the pattern, names what does not exist (31 April, 24:00, a 61st second), or
// contradicts itself.
func (p *Pattern) Parse(text []byte) (Time, bool) {
	r := reader{rest: text, parts: noParts()}
	for _, s := range p.steps {
		if !r.step(s) {
			return Time{}, false
		}
	}
	if len(r.rest) > 0 {
		return Time{}, false
	}
	return r.parts.time()
}

// reader takes a text apart from its front.
type reader struct {
	rest []byte
	parts
}

func (r *reader) step(s step) bool {
	switch s.directive {
	case 0:
		return r.literal(s.literal)
	case '%':
		return r.literal('%')
	case 't':
		return r.space()
	case 'Y':
		return r.number(&r.year, 4, true, 0, 9999)
	case 'y':
		return r.number(&r.shortYear, 2, true, 0, 99)
	case 'C':
		return r.number(&r.century, 2, true, 0, 99)
	case 'G':
		return r.number(&r.weekYear, 4, true, 0, 9999)
	case 'm':
		return r.number(&r.month, 2, s.exact, 1, 12)
	case 'e':
		return r.padded(&r.day, s.exact, 1, 31)
	case 'd':
		return r.number(&r.day, 2, s.exact, 1, 31)
	case 'j':
		return r.number(&r.yearDay, 3, s.exact, 1, 366)
	case 'H':
		return r.number(&r.hour, 2, s.exact, 0, 23)
	case 'k':
		return r.padded(&r.hour, s.exact, 0, 23)
	case 'I':
		return r.number(&r.halfHour, 2, s.exact, 1, 12)
	case 'l':
		return r.padded(&r.halfHour, s.exact, 1, 12)
	case 'M':
		return r.number(&r.minute, 2, s.exact, 0, 59)
	case 'S':
		return r.number(&r.second, 2, s.exact, 0, 59)
	case 'f':
		return r.readFraction(s.exact)
	case 'U':
		return r.number(&r.sundayWeek, 2, s.exact, 0, 53)
	case 'W':
		return r.number(&r.monWeek, 2, s.exact, 0, 53)
	case 'V':
		return r.number(&r.isoWeek, 2, s.exact, 1, 53)
	case 'w':
		return r.number(&r.weekday, 1, true, 0, 6)
	case 'u':
		return r.readWeekdayNumber()
	}
	return r.word(s)
}

// word reads what is no plain number.
func (r *reader) word(s step) bool {
	switch s.directive {
	case 'a', 'A':
		return r.name(&r.weekday, weekdays[:], 0)
	case 'b', 'B', 'h':
		return r.name(&r.month, months[:], 1)
	case 'p', 'P':
		return r.name(&r.half, halves[:], 0)
	case 's':
		return r.readEpoch()
	case 'z':
		return r.readOffset(s.colon)
	case 'Z':
		return r.readZone()
	}
	return false
}

func (r *reader) literal(c byte) bool {
	if len(r.rest) == 0 || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *reader) space() bool {
	n := 0
	for n < len(r.rest) && (r.rest[n] == ' ' || r.rest[n] >= '\t' && r.rest[n] <= '\r') {
		n++
	}
	r.rest = r.rest[n:]
	return n > 0
}

// digits counts the digits at the front, up to a limit.
func (r *reader) digits(limit int) int {
	n := 0
	for n < len(r.rest) && n < limit && r.rest[n] >= '0' && r.rest[n] <= '9' {
		n++
	}
	return n
}

// take reads so many digits off the front.
func (r *reader) take(n int) int64 {
	value := int64(0)
	for _, c := range r.rest[:n] {
		value = value*10 + int64(c-'0')
	}
	r.rest = r.rest[n:]
	return value
}

func (r *reader) number(part *int64, width int, exact bool, least, most int64) bool {
	n := r.digits(width)
	if n == 0 || exact && n < width {
		return false
	}
	value := r.take(n)
	return value >= least && value <= most && set(part, value)
}

// padded reads a number of two digits of which the first may be a space.
func (r *reader) padded(part *int64, exact bool, least, most int64) bool {
	if len(r.rest) > 0 && r.rest[0] == ' ' {
		r.rest = r.rest[1:]
		return r.number(part, 1, true, least, most)
	}
	return r.number(part, 2, exact, least, most)
}

func (r *reader) readWeekdayNumber() bool {
	day := int64(unset)
	return r.number(&day, 1, true, 1, 7) && set(&r.weekday, day%7)
}

// readFraction reads a fraction of a second, cut to microseconds. Beside another number it has six digits.
func (r *reader) readFraction(exact bool) bool {
	n := r.digits(len(r.rest))
	if exact {
		n = min(n, 6)
	}
	if n == 0 || exact && n < 6 {
		return false
	}
	micros, scale := int64(0), int64(100_000)
	for _, c := range r.rest[:n] {
		micros += int64(c-'0') * scale
		scale /= 10
	}
	r.rest = r.rest[n:]
	return set(&r.fraction, micros)
}

// maxEpochDigits keeps a number of seconds within 64 bits.
const maxEpochDigits = 18

func (r *reader) readEpoch() bool {
	negative := len(r.rest) > 0 && r.rest[0] == '-'
	if negative {
		r.rest = r.rest[1:]
	}
	n := r.digits(len(r.rest))
	if n == 0 || n > maxEpochDigits {
		return false
	}
	value := r.take(n)
	if negative {
		value = -value
	}
	r.beforeEpoch = negative
	return set(&r.epoch, value)
}

// readOffset reads Z, +hh:mm, +hhmm or +hh.
func (r *reader) readOffset(colon bool) bool {
	if len(r.rest) > 0 && (r.rest[0] == 'Z' || r.rest[0] == 'z') {
		r.rest = r.rest[1:]
		return set(&r.offset, 0)
	}
	sign := int64(1)
	switch {
	case len(r.rest) > 0 && r.rest[0] == '+':
	case len(r.rest) > 0 && r.rest[0] == '-':
		sign = -1
	default:
		return false
	}
	r.rest = r.rest[1:]
	hours, minutes := int64(unset), int64(0)
	if !r.number(&hours, 2, true, 0, 23) {
		return false
	}
	hasColon := len(r.rest) > 0 && r.rest[0] == ':'
	if hasColon {
		r.rest = r.rest[1:]
	}
	switch n := r.digits(2); {
	case n == 2:
		minutes = r.take(n)
	case n == 1, hasColon:
		return false
	}
	if minutes > 59 || colon && !hasColon {
		return false
	}
	return set(&r.offset, sign*(hours*3600+minutes*60))
}

// readZone takes the letters of a zone's name, or the sign and digits that stand for one where it has no other.
func (r *reader) readZone() bool {
	n := 0
	for n < len(r.rest) && (r.rest[n]|0x20) >= 'a' && (r.rest[n]|0x20) <= 'z' {
		n++
	}
	if n == 0 && len(r.rest) > 0 && (r.rest[0] == '+' || r.rest[0] == '-') {
		for n = 1; n < len(r.rest) && r.rest[n] >= '0' && r.rest[n] <= '9'; n++ {
		}
	}
	if n == 0 || r.zone != nil && string(r.zone) != string(r.rest[:n]) {
		return false
	}
	r.zone, r.rest = r.rest[:n], r.rest[n:]
	return true
}

var months = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}

var weekdays = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

var halves = [...]string{"AM", "PM"}

// name reads a name, whole or by its first three letters, in capitals or small letters.
func (r *reader) name(part *int64, names []string, first int64) bool {
	for i, name := range names {
		for _, length := range [...]int{len(name), min(len(name), 3)} {
			if hasName(r.rest, name[:length]) {
				r.rest = r.rest[length:]
				return set(part, int64(i)+first)
			}
		}
	}
	return false
}

func hasName(text []byte, name string) bool {
	if len(text) < len(name) {
		return false
	}
	for i := range len(name) {
		if text[i]|0x20 != name[i]|0x20 {
			return false
		}
	}
	return true
}

// time puts the parts together, and holds against each other what says a thing twice.
func (p *parts) time() (Time, bool) {
	if p.epoch != unset {
		return p.sinceEpoch()
	}
	date, ok := p.date()
	if !ok || !p.agree(date) {
		return Time{}, false
	}
	hour, ok := p.hourOfDay()
	if !ok {
		return Time{}, false
	}
	seconds := date.Unix() + hour*3600 + orZero(p.minute)*60 + orZero(p.second)
	t := Time{Local: times.Local(seconds*int64(times.Second) + orZero(p.fraction)), Zone: p.zone}
	if p.offset != unset {
		t.Offset, t.HasOffset = times.Offset(p.offset), true
	}
	return t, true
}

func orZero(part int64) int64 {
	if part == unset {
		return 0
	}
	return part
}

// sinceEpoch is the instant of a number of seconds. One that no 64 bits of microseconds hold is as far as they go.
func (p *parts) sinceEpoch() (Time, bool) {
	const most = math.MaxInt64/int64(times.Second) - 1
	fraction := orZero(p.fraction)
	if p.beforeEpoch {
		fraction = -fraction
	}
	seconds := min(max(p.epoch, -most), most)
	return Time{Local: times.Local(seconds*int64(times.Second) + fraction), HasOffset: true}, true
}

// date is midnight of the day that is named.
func (p *parts) date() (time.Time, bool) {
	year, ok := p.wholeYear()
	if !ok {
		return time.Time{}, false
	}
	switch {
	case year != unset && p.month != unset && p.day != unset:
		date := midnight(year, p.month, p.day)
		return date, int64(date.Month()) == p.month
	case year != unset && p.yearDay != unset:
		date := midnight(year, 1, p.yearDay)
		return date, int64(date.Year()) == year
	case p.weekYear != unset && p.isoWeek != unset && p.weekday != unset:
		// 4 January lies in the first week, which begins on a Monday
		fourth := midnight(p.weekYear, 1, 4)
		return fourth.AddDate(0, 0, int(-sinceMonday(int64(fourth.Weekday()))+(p.isoWeek-1)*7+sinceMonday(p.weekday))), true
	case year == unset || p.weekday == unset:
		return time.Time{}, false
	case p.monWeek != unset:
		return inWeek(year, p.monWeek, sinceMonday(int64(midnight(year, 1, 1).Weekday())), sinceMonday(p.weekday)), true
	case p.sundayWeek != unset:
		return inWeek(year, p.sundayWeek, int64(midnight(year, 1, 1).Weekday()), p.weekday), true
	}
	return time.Time{}, false
}

func midnight(year, month, day int64) time.Time {
	return time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC)
}

func sinceMonday(weekday int64) int64 { return (weekday + 6) % 7 }

// inWeek is a day of a week of the year: week 1 begins with the first day that begins a week, and week 0 lies before it.
// first is how far into its week the year begins, day how far into the week the day lies.
func inWeek(year, week, first, day int64) time.Time {
	return midnight(year, 1, 1).AddDate(0, 0, int((7-first)%7+(week-1)*7+day))
}

// wholeYear is the year of %Y, or of %C and %y; a year of two digits alone lies between 1969 and 2068, as POSIX has it.
func (p *parts) wholeYear() (int64, bool) {
	year := p.year
	switch {
	case year != unset:
	case p.shortYear == unset:
		return unset, true
	case p.century != unset:
		year = p.century*100 + p.shortYear
	case p.shortYear < 69:
		year = 2000 + p.shortYear
	default:
		year = 1900 + p.shortYear
	}
	return year, agrees(p.shortYear, year%100) && agrees(p.century, year/100)
}

// agree holds every part of a date against the date itself.
func (p *parts) agree(date time.Time) bool {
	year, week := date.ISOWeek()
	first := midnight(int64(date.Year()), 1, 1)
	ordinal, weekday := int64(date.YearDay()), int64(date.Weekday())
	weekOf := func(firstDay int64) int64 { return (ordinal - 1 + firstDay) / 7 }
	sunday, monday := weekOf(int64(first.Weekday())), weekOf(sinceMonday(int64(first.Weekday())))
	if first.Weekday() == time.Sunday {
		sunday++ // the year begins with its first week
	}
	if first.Weekday() == time.Monday {
		monday++
	}
	return agrees(p.year, int64(date.Year())) && agrees(p.shortYear, int64(date.Year()%100)) && agrees(p.century, int64(date.Year()/100)) &&
		agrees(p.month, int64(date.Month())) && agrees(p.day, int64(date.Day())) && agrees(p.yearDay, ordinal) && agrees(p.weekday, weekday) &&
		agrees(p.weekYear, int64(year)) && agrees(p.isoWeek, int64(week)) && agrees(p.sundayWeek, sunday) && agrees(p.monWeek, monday)
}

// hourOfDay is the hour of %H, or of %I and %p.
func (p *parts) hourOfDay() (int64, bool) {
	switch {
	case p.hour != unset:
		return p.hour, agrees(p.half, p.hour/12) && (p.halfHour == unset || p.halfHour%12 == p.hour%12)
	case p.halfHour == unset:
		return 0, true
	}
	return p.halfHour%12 + p.half*12, p.half != unset
}
