package collect

import (
	"fmt"

	"github.com/featureaudit/featureaudit/audit/internal/strptime"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// textTime is a parsed text: wall-clock microseconds if it carried no offset, else an instant.
type textTime struct {
	micros    int64
	hasOffset bool
}

// parseRFC3339 reads RFC 3339 text, with T or a space between date and time, any fraction (cut to microseconds), and an
// offset or none. An engine's own cast is not used: it drops "+05:30" silently.
func parseRFC3339(text []byte) (textTime, bool) {
	if len(text) < len("2006-01-02T15:04:05") || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':' {
		return textTime{}, false
	}
	if c := text[10]; c != 'T' && c != 't' && c != ' ' {
		return textTime{}, false
	}
	year, ok1 := digits(text[0:4])
	month, ok2 := digits(text[5:7])
	day, ok3 := digits(text[8:10])
	hour, ok4 := digits(text[11:13])
	minute, ok5 := digits(text[14:16])
	second, ok6 := digits(text[17:19])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 {
		return textTime{}, false
	}
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return textTime{}, false
	}
	micros := (daysSinceEpoch(year, month, day)*86400 + hour*3600 + minute*60 + second) * int64(times.Second)
	rest := text[19:]
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		end := 1
		scale := int64(100_000)
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			micros += int64(rest[end]-'0') * scale
			scale /= 10
			end++
		}
		if end == 1 {
			return textTime{}, false
		}
		rest = rest[end:]
	}
	if len(rest) == 0 {
		return textTime{micros: micros}, true
	}
	offset, ok := parseOffset(rest)
	return textTime{micros: micros - offset*int64(times.Second), hasOffset: true}, ok
}

// parseOffset reads Z, +hh:mm, +hhmm or +hh, in seconds east of UTC.
func parseOffset(text []byte) (int64, bool) {
	if len(text) == 1 && (text[0] == 'Z' || text[0] == 'z') {
		return 0, true
	}
	sign := int64(1)
	switch text[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return 0, false
	}
	text = text[1:]
	minutes := int64(0)
	switch {
	case len(text) == 5 && text[2] == ':':
		m, ok := digits(text[3:5])
		if !ok {
			return 0, false
		}
		minutes = m
	case len(text) == 4:
		m, ok := digits(text[2:4])
		if !ok {
			return 0, false
		}
		minutes = m
	case len(text) != 2:
		return 0, false
	}
	hours, ok := digits(text[0:2])
	if !ok || hours > 23 || minutes > 59 {
		return 0, false
	}
	return sign * (hours*3600 + minutes*60), true
}

func digits(text []byte) (int64, bool) {
	value := int64(0)
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		value = value*10 + int64(c-'0')
	}
	return value, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSinceEpoch counts days from 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible
// Low-Level Date Algorithms", days_from_civil).
func daysSinceEpoch(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	yearOfEra := year - era*400
	dayOfYear := (153*((month+9)%12)+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}

// patternReader reads text by a strptime pattern. It is used by one goroutine.
type patternReader struct {
	pattern *strptime.Pattern
	// names reads what a text names its zone by; nil where the pattern has no such name.
	names *zone.Abbreviations
}

// newPatternReader reads by a pattern; names of zones are those of one zone, which "" and device do not have.
func newPatternReader(pattern, zoneName string) (*patternReader, error) {
	compiled, err := strptime.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("format %q: %w", pattern, err)
	}
	switch {
	case !compiled.NamesZone():
		return &patternReader{pattern: compiled}, nil
	case zoneName == model.ZoneDevice:
		zoneName = ""
	}
	names, err := zone.LoadAbbreviations(zoneName)
	return &patternReader{pattern: compiled, names: names}, err
}

// parse reads one text. It has an offset where the text says one, by a number or by the name of a zone.
func (p *patternReader) parse(text []byte) (textTime, bool) {
	read, ok := p.pattern.Parse(text)
	if !ok {
		return textTime{}, false
	}
	t := textTime{micros: int64(read.Local.Add(-read.Offset.Span())), hasOffset: read.HasOffset}
	if read.Zone == nil {
		return t, true
	}
	named, ok := p.names.Instant(read.Local, string(read.Zone))
	if !ok || read.HasOffset && int64(named) != t.micros {
		return textTime{}, false
	}
	return textTime{micros: int64(named), hasOffset: true}, true
}
