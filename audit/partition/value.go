package partition

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// form is one way to write a period as a single text.
type form struct {
	shape *regexp.Regexp
	// layout is Go's layout of the text; empty for ISO weeks.
	layout string
	grain  model.Grain
}

// compactMonth writes months as 202611. Six digits may be a day as well (261103), so that only those of plausible years are months.
const compactMonth = "200601"

// forms are told apart by their shapes alone, so that a text has one reading at most.
var forms = [...]form{
	{regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`), "2006-01-02", model.GrainDay},
	{regexp.MustCompile(`^\d{8}$`), "20060102", model.GrainDay},
	{regexp.MustCompile(`^\d{4}/\d{2}/\d{2}$`), "2006/01/02", model.GrainDay},
	{regexp.MustCompile(`^\d{4}_\d{2}_\d{2}$`), "2006_01_02", model.GrainDay},
	{regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}$`), "2006-1-2", model.GrainDay},
	{regexp.MustCompile(`^\d{4}-\d{2}$`), "2006-01", model.GrainMonth},
	{regexp.MustCompile(`^(19[789]|20\d)\d(0[1-9]|1[0-2])$`), compactMonth, model.GrainMonth},
	{regexp.MustCompile(`^\d{4}-?W\d{2}$`), "", model.GrainWeek},
	{regexp.MustCompile(`^\d{4}-\d{2}-\d{2}-\d{2}$`), "2006-01-02-15", model.GrainHour},
	{regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}$`), "2006-01-02T15", model.GrainHour},
	{regexp.MustCompile(`^\d{4}-\d{2}-\d{2} \d{2}$`), "2006-01-02 15", model.GrainHour},
	{regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:00$`), "2006-01-02T15:04", model.GrainHour},
	{regexp.MustCompile(`^\d{4}-\d{2}-\d{2} \d{2}:00$`), "2006-01-02 15:04", model.GrainHour},
	{regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:00:00$`), "2006-01-02T15:04:05", model.GrainHour},
	{regexp.MustCompile(`^\d{4}-\d{2}-\d{2} \d{2}:00:00$`), "2006-01-02 15:04:05", model.GrainHour},
	{regexp.MustCompile(`^\d{10}$`), "2006010215", model.GrainHour},
}

// examples shows what a value of each grain may look like.
var examples = map[model.Grain]string{
	model.GrainHour:  "2026-11-03-07 or 2026-11-03T07",
	model.GrainDay:   "2026-11-03 or 20261103",
	model.GrainWeek:  "2026-W45 or the date of one of its days",
	model.GrainMonth: "2026-11 or 202611",
}

// parseText reads a text by its form; ok is false where it has none or names no day of the calendar.
func parseText(text string) (civil times.Local, f form, ok bool) {
	for _, f := range forms {
		if !f.shape.MatchString(text) {
			continue
		}
		if f.layout == "" {
			civil, ok := parseWeek(text[:4], text[len(text)-2:])
			return civil, f, ok
		}
		at, err := time.Parse(f.layout, text)
		return times.LocalOf(at), f, err == nil && at.Year() > 0
	}
	return 0, form{}, false
}

// parseWeek is the Monday of an ISO week.
func parseWeek(year, week string) (times.Local, bool) {
	y, err := strconv.Atoi(year)
	w, err2 := strconv.Atoi(week)
	if err != nil || err2 != nil || y < 1 || w < 1 {
		return 0, false
	}
	// The fourth of January lies in week 1.
	monday := floor(times.LocalOf(time.Date(y, 1, 4, 0, 0, 0, 0, time.UTC)), model.GrainWeek).Time().AddDate(0, 0, 7*(w-1))
	if gotYear, gotWeek := monday.ISOWeek(); gotYear != y || gotWeek != w {
		return 0, false
	}
	return times.LocalOf(monday), true
}

// parseParts reads the components of a chain: year and month, day, hour or week.
func parseParts(grain model.Grain, parts []string) (times.Local, bool) {
	if len(parts[0]) != 4 {
		return 0, false
	}
	n := [4]int{0, 1, 1, 0}
	for i, p := range parts {
		if len(p) > 4 || i > 0 && len(p) > 2 || len(p) == 0 || strings.Trim(p, "0123456789") != "" {
			return 0, false
		}
		n[i], _ = strconv.Atoi(p)
	}
	if n[0] < 1 {
		return 0, false
	}
	if grain == model.GrainWeek {
		return parseWeek(fmt.Sprintf("%04d", n[0]), parts[1])
	}
	at := time.Date(n[0], time.Month(n[1]), n[2], n[3], 0, 0, 0, time.UTC)
	if at.Year() != n[0] || int(at.Month()) != n[1] || at.Day() != n[2] || at.Hour() != n[3] {
		return 0, false
	}
	return times.LocalOf(at), true
}

// settle turns a civil time read at one grain into the period of another that it names: the date of any day names its
// week, the first of a month the month.
func settle(civil times.Local, read, want model.Grain) (times.Local, bool) {
	switch {
	case read == want:
		return civil, true
	case want == model.GrainWeek && read == model.GrainDay:
		return floor(civil, want), true
	case read == model.GrainHour && want != model.GrainWeek, read == model.GrainDay && want == model.GrainMonth:
		// Timestamps at midnight are how some writers spell days and months.
		return civil, floor(civil, want) == civil
	}
	return 0, false
}

// floor is the beginning of the period that holds a civil time.
func floor(civil times.Local, grain model.Grain) times.Local {
	at := civil.Time()
	switch grain {
	case model.GrainHour:
		return civil - modulo(civil, times.Hour)
	case model.GrainDay:
		return civil - modulo(civil, times.Day)
	case model.GrainWeek:
		days := (times.Span(at.Weekday()) + 6) % 7
		return (civil - modulo(civil, times.Day)).Add(-days * times.Day)
	default:
		return times.LocalOf(time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC))
	}
}

// modulo is how far into a period of some length a civil time lies.
func modulo(civil times.Local, length times.Span) times.Local {
	b := times.Local(length)
	return ((civil % b) + b) % b
}

// next is the beginning of the period after the one that begins at a civil time.
func next(civil times.Local, grain model.Grain) times.Local {
	switch grain {
	case model.GrainHour:
		return civil.Add(times.Hour)
	case model.GrainDay:
		return civil.Add(times.Day)
	case model.GrainWeek:
		return civil.Add(7 * times.Day)
	default:
		return times.LocalOf(civil.Time().AddDate(0, 1, 0))
	}
}
