package policy

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// durationExample is what messages say is expected.
const durationExample = `a duration such as "90s", "24h", "7d" or "P1D"`

// errTooLong says that a duration does not fit time.Duration.
var errTooLong = errors.New("longer than the 292 years that can be counted")

// durationUnits are the units of Go durations and the two of the calendar that have a fixed length.
var durationUnits = map[string]time.Duration{
	"ns": time.Nanosecond,
	"us": time.Microsecond,
	"µs": time.Microsecond, // U+00B5
	"μs": time.Microsecond, // U+03BC
	"ms": time.Millisecond,
	"s":  time.Second,
	"m":  time.Minute,
	"h":  time.Hour,
	"d":  day,
	"w":  week,
}

// isoStep is one designator of an ISO 8601 duration, in the order in which they must stand.
type isoStep struct {
	designator byte
	inTime     bool
	unit       time.Duration
}

var isoSteps = []isoStep{
	{'W', false, week}, {'D', false, day}, {'H', true, time.Hour}, {'M', true, time.Minute}, {'S', true, time.Second},
}

// ParseDuration reads a duration as Go writes it ("1h30m"; m is a minute), with days and weeks ("7d", "2w",
// "1d12h"), or in ISO 8601 ("P1D", "PT6H", "P1W", "PT0.5S"). A day is 24 hours. A leading minus is allowed; callers
// judge it. Months and years are refused since they have no fixed length, and a bare number other than 0 since its
// unit would be a guess; so is what is finer than a nanosecond or longer than 292 years.
func ParseDuration(text string) (time.Duration, error) {
	body, negative := strings.CutPrefix(text, "-")
	if !negative {
		body = strings.TrimPrefix(text, "+")
	}
	d, err := parseUnsigned(body)
	if err != nil {
		return 0, fmt.Errorf("duration %q: %w", text, err)
	}
	if negative {
		d = -d
	}
	return d, nil
}

func parseUnsigned(body string) (time.Duration, error) {
	switch {
	case body == "":
		return 0, errors.New("nothing is written: expected " + durationExample)
	case body == "0":
		return 0, nil
	case body[0] == 'P':
		return parseISO(body[1:])
	case strings.Trim(body, "0123456789.") == "":
		return 0, fmt.Errorf("a number without a unit: write %ss for seconds, %sh for hours or %sd for days", body, body, body)
	}
	return parseUnits(body)
}

func parseUnits(body string) (time.Duration, error) {
	var sum time.Duration
	for body != "" {
		number, rest := cutNumber(body, ".")
		if number == "" {
			return 0, fmt.Errorf("a number is missing before %q: expected %s", body, durationExample)
		}
		end := strings.IndexAny(rest, "0123456789.")
		if end < 0 {
			end = len(rest)
		}
		name := rest[:end]
		unit, known := durationUnits[name]
		if !known {
			return 0, unknownUnit(number, name)
		}
		var err error
		if sum, err = addPart(sum, number, unit); err != nil {
			return 0, err
		}
		body = rest[end:]
	}
	return sum, nil
}

func unknownUnit(number, name string) error {
	switch strings.ToLower(name) {
	case "":
		return fmt.Errorf("%s has no unit: use w, d, h, m, s, ms, us or ns", number)
	case "mo", "mon", "month", "months", "y", "yr", "year", "years":
		return fmt.Errorf("%s%s is not a fixed length: write days or weeks", number, name)
	}
	return fmt.Errorf("unknown unit %q: use w, d, h, m (minutes), s, ms, us or ns", name)
}

func parseISO(body string) (time.Duration, error) {
	var sum time.Duration
	inTime, parts, next := false, 0, 0
	fraction := false
	for body != "" {
		if body[0] == 'T' {
			if inTime || len(body) == 1 {
				return 0, errors.New(`"T" must stand once, before hours, minutes or seconds`)
			}
			inTime, body = true, body[1:]
			continue
		}
		number, rest := cutNumber(body, ".,")
		if number == "" || rest == "" {
			return 0, errors.New("not ISO 8601: expected numbers with W, D, or after a T: H, M, S")
		}
		if fraction {
			return 0, errors.New("only the last part may have a fraction")
		}
		fraction = strings.ContainsAny(number, ".,")
		designator := rest[0]
		if !inTime && (designator == 'M' || designator == 'Y') {
			return 0, fmt.Errorf("the part %s%c is not a fixed length: write days or weeks, such as P30D", number, designator)
		}
		step := isoStepAt(designator, inTime, next)
		if step < 0 {
			return 0, fmt.Errorf("%q is out of place: the order is W, D, T, H, M, S", number+string(rune(designator)))
		}
		var err error
		if sum, err = addPart(sum, strings.Replace(number, ",", ".", 1), isoSteps[step].unit); err != nil {
			return 0, err
		}
		next, parts, body = step+1, parts+1, rest[1:]
	}
	if parts == 0 {
		return 0, errors.New("nothing after P: expected a duration such as P1D or PT6H")
	}
	return sum, nil
}

// isoStepAt finds a designator at or after the step next, -1 where it may not stand.
func isoStepAt(designator byte, inTime bool, next int) int {
	for i := next; i < len(isoSteps); i++ {
		if isoSteps[i].designator == designator && isoSteps[i].inTime == inTime {
			return i
		}
	}
	return -1
}

// cutNumber splits digits with at most one of the marks between or before them off the front of text.
func cutNumber(text, marks string) (number, rest string) {
	digits, seen, i := 0, false, 0
	for ; i < len(text); i++ {
		switch {
		case text[i] >= '0' && text[i] <= '9':
			digits++
		case !seen && strings.IndexByte(marks, text[i]) >= 0:
			seen = true
		default:
			if digits == 0 {
				return "", text
			}
			return text[:i], text[i:]
		}
	}
	if digits == 0 {
		return "", text
	}
	return text, ""
}

// addPart adds number times unit to sum, exactly.
func addPart(sum time.Duration, number string, unit time.Duration) (time.Duration, error) {
	whole, fraction, _ := strings.Cut(number, ".")
	if whole == "" {
		whole = "0"
	}
	n, err := strconv.ParseUint(whole, 10, 64)
	if err != nil {
		return 0, errTooLong
	}
	hi, lo := bits.Mul64(n, uint64(unit))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, errTooLong
	}
	part, err := fractionOf(fraction, unit)
	if err != nil {
		return 0, err
	}
	total := uint64(sum) + lo // both are at most MaxInt64, so the sum cannot wrap
	if total > math.MaxInt64 || total+part > math.MaxInt64 {
		return 0, errTooLong
	}
	return time.Duration(total + part), nil
}

// fractionOf returns the nanoseconds of unit times 0.fraction.
func fractionOf(fraction string, unit time.Duration) (uint64, error) {
	fraction = strings.TrimRight(fraction, "0")
	if fraction == "" {
		return 0, nil
	}
	// 18 digits is where a power of ten still fits 64 bits.
	if len(fraction) > 18 {
		return 0, errors.New("finer than a nanosecond")
	}
	n, err := strconv.ParseUint(fraction, 10, 64)
	if err != nil {
		return 0, err
	}
	scale := uint64(1)
	for range fraction {
		scale *= 10
	}
	hi, lo := bits.Mul64(n, uint64(unit))
	quotient, remainder := bits.Div64(hi, lo, scale)
	if remainder != 0 {
		return 0, errors.New("finer than a nanosecond")
	}
	return quotient, nil
}
