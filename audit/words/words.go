// Package words writes numbers, shares and lengths of time for people: one form of each, whoever says it.
package words

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Number writes 1234567 as 1,234,567.
func Number(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	return sign + grouped(text)
}

// Decimal writes an exact number as Number does: 84097.29 as 84,097.29. What is written with an exponent, or is no number, stays.
func Decimal(text string) string {
	whole, rest := text, ""
	if i := strings.IndexByte(text, '.'); i >= 0 {
		whole, rest = text[:i], text[i:]
	}
	digits := strings.TrimPrefix(whole, "-")
	if strings.Trim(digits+strings.TrimPrefix(rest, "."), "0123456789") != "" {
		return text
	}
	return whole[:len(whole)-len(digits)] + grouped(digits) + rest
}

func grouped(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Plural chooses a word by a number.
func Plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Count writes "1 file" or "60 files"; the word is given in the singular.
func Count(n int64, word string) string {
	many := word + "s"
	if stem, irregular := strings.CutSuffix(word, "ty"); irregular {
		many = stem + "ties"
	}
	return Counted(n, word, many)
}

// Counted writes "1 check fails" or "60 checks fail", where both forms are given.
func Counted(n int64, one, many string) string {
	return Number(n) + " " + Plural(n, one, many)
}

// Singular is the word for one of a unit.
func Singular(unit string) string {
	if stem, irregular := strings.CutSuffix(unit, "ies"); irregular {
		return stem + "y"
	}
	return strings.TrimSuffix(unit, "s")
}

// Percent writes a share so that something is never 0 % and not everything is never 100 %.
func Percent(part, whole int64) string {
	if whole == 0 {
		return "0 %"
	}
	share := 100 * float64(part) / float64(whole)
	switch {
	case part == 0:
		return "0 %"
	case part == whole:
		return "100 %"
	case share < 0.01:
		return "under 0.01 %"
	case share > 99.99:
		return "over 99.99 %"
	case share < 1 || share > 99:
		return strconv.FormatFloat(share, 'f', 2, 64) + " %"
	}
	return strconv.FormatFloat(share, 'f', 1, 64) + " %"
}

// Duration writes a length of time in the two largest units that are not 0: "3d 4h", "1d 5m", "12m", "5s", "250ms". So what is over
// a limit never reads like the limit.
func Duration(span times.Span) string {
	if span < 0 {
		return "-" + Duration(-span)
	}
	if span > 0 && span < times.Second {
		return strconv.FormatFloat(float64(span)/float64(times.Millisecond), 'f', -1, 64) + "ms"
	}
	rest := span
	var parts []string
	for _, unit := range []struct {
		name string
		span times.Span
	}{{"d", times.Day}, {"h", times.Hour}, {"m", times.Minute}, {"s", times.Second}} {
		n := int64(rest / unit.span)
		rest %= unit.span
		if n > 0 {
			parts = append(parts, Number(n)+unit.name)
		}
		if len(parts) == 2 {
			break
		}
	}
	if len(parts) == 0 {
		return "0s"
	}
	return strings.Join(parts, " ")
}

// Seconds is Duration of seconds.
func Seconds(s float64) string { return Duration(times.SpanOfSeconds(s)) }

// Instant writes an instant as RFC 3339 UTC.
func Instant(at times.Instant) string {
	return at.Time().Format(time.RFC3339Nano)
}

// Examples names up to three of a list and how many more there are.
func Examples(names []string) string {
	return ExamplesOf(len(names), func(i int) string { return names[i] })
}

// ExamplesOf is Examples of n names that are made where they are shown.
func ExamplesOf(n int, name func(i int) string) string {
	const shown = 3
	names := make([]string, min(n, shown))
	for i := range names {
		names[i] = name(i)
	}
	text := strings.Join(names, ", ")
	if n > shown {
		text += fmt.Sprintf(" and %s more", Number(int64(n-shown)))
	}
	return text
}

// RoundedUp is a fraction that is at least part/whole, in two digits that a person can paste.
func RoundedUp(part, whole int64) string {
	if whole == 0 || part == 0 {
		return "0"
	}
	share := float64(part) / float64(whole)
	digits := max(1-int(math.Floor(math.Log10(share))), 2)
	scale := math.Pow10(digits)
	return strconv.FormatFloat(min(math.Ceil(share*scale)/scale, 1), 'f', -1, 64)
}

// Size writes bytes in decimal units.
func Size(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefixes := float64(n)/unit, "kMGTPE"
	i := 0
	for value >= unit-0.05 && i < len(prefixes)-1 {
		value /= unit
		i++
	}
	return fmt.Sprintf("%.1f %cB", value, prefixes[i])
}
