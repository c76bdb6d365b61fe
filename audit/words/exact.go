package words

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Exact writes a duration as a config says it, in days, hours, minutes and seconds ("7d", "1d12h", "1.5s", "250ms", "0"): in a form
// that policy.ParseDuration reads back to the same value. (The one value that it does not read back is the lowest of all,
// which no text gives.)
func Exact(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	if d == math.MinInt64 {
		return d.String() // it has no positive twin
	}
	if d < 0 {
		return "-" + Exact(-d)
	}
	if d < time.Second {
		return d.String()
	}
	var b strings.Builder
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d %= u.unit
		}
	}
	if d > 0 {
		b.WriteString(strconv.FormatInt(int64(d/time.Second), 10))
		if nanos := d % time.Second; nanos > 0 {
			b.WriteString("." + strings.TrimRight(fmt.Sprintf("%09d", nanos), "0"))
		}
		b.WriteString("s")
	}
	return b.String()
}

// WholeSeconds is Exact of whole seconds; what cannot be counted in nanoseconds is written as a number.
func WholeSeconds(s float64) string {
	if math.Abs(s) > 9e9 {
		return fmt.Sprintf("%.0fs", s)
	}
	if math.Abs(s) >= 1 {
		s = math.Trunc(s)
	}
	return Exact(time.Duration(s * float64(time.Second)))
}

// Memory is a size of memory, in the unit that it is a whole number of where there is one.
func Memory(bytes int64) string {
	switch {
	case bytes >= 1<<20 && bytes%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", bytes>>20)
	case bytes%1_000_000 == 0:
		return fmt.Sprintf("%d MB", bytes/1_000_000)
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}

// HoursAndMinutes writes "8 h", "30 min" or "5 h 30 min".
func HoursAndMinutes(minutes int) string {
	switch {
	case minutes%60 == 0:
		return fmt.Sprintf("%d h", minutes/60)
	case minutes < 60:
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
}

// Estimate writes an estimated share and the bounds of it.
func Estimate(share, low, high float64) string {
	return fmt.Sprintf("%.3g %%, 95 %% between %.3g and %.3g", 100*share, 100*low, 100*high)
}

// PercentUp writes a share in percent, rounded up to a tenth.
func PercentUp(share float64) string {
	return strconv.FormatFloat(math.Ceil(share*1000)/10, 'f', -1, 64) + " %"
}
