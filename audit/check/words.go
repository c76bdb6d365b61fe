package check

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// number writes 1234567 as 1,234,567.
func number(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// plural chooses a word by a number.
func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// count writes "1 file" or "60 files"; the word is given in the singular.
func count(n int64, word string) string {
	many := word + "s"
	if stem, irregular := strings.CutSuffix(word, "ty"); irregular {
		many = stem + "ties"
	}
	return number(n) + " " + plural(n, word, many)
}

// singular is the word for one of a unit.
func singular(unit string) string {
	if unit == UnitEntities {
		return "entity"
	}
	return strings.TrimSuffix(unit, "s")
}

// percent writes a share so that something is never 0 % and not everything is never 100 %.
func percent(part, whole int64) string {
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

// duration writes microseconds in the two largest units that are not 0: "3d 4h", "1d 5m", "12m", "5s", "250ms". So what is over
// a limit never reads like the limit.
func duration(micros int64) string {
	if micros < 0 {
		return "-" + duration(-micros)
	}
	if micros > 0 && micros < 1_000_000 {
		return strconv.FormatFloat(float64(micros)/1000, 'f', -1, 64) + "ms"
	}
	rest := micros / 1_000_000
	var parts []string
	for _, unit := range []struct {
		name string
		secs int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}} {
		n := rest / unit.secs
		rest %= unit.secs
		if n > 0 {
			parts = append(parts, number(n)+unit.name)
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

// instant writes microseconds as RFC 3339 UTC.
func instant(micros int64) string {
	return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano)
}

// instantOrNil is instant, or null in JSON where there is none.
func instantOrNil(micros int64) any {
	if micros == facts.NoTime {
		return nil
	}
	return instant(micros)
}

// examples names up to three of a list and how many more there are.
func examples(names []string) string {
	const shown = 3
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shown], ", ") + fmt.Sprintf(" and %s more", number(int64(len(names)-shown)))
}

// offset writes minutes as UTC+05:30.
func offset(minutes int) string {
	sign := "+"
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	return fmt.Sprintf("UTC%s%02d:%02d", sign, minutes/60, minutes%60)
}

// roundedUp is a fraction that is at least part/whole, in two digits that a person can paste.
func roundedUp(part, whole int64) string {
	if whole == 0 || part == 0 {
		return "0"
	}
	share := float64(part) / float64(whole)
	digits := max(1-int(math.Floor(math.Log10(share))), 2)
	scale := math.Pow10(digits)
	return strconv.FormatFloat(min(math.Ceil(share*scale)/scale, 1), 'f', -1, 64)
}
