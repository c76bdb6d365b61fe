package zone

import (
	"fmt"
	"slices"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// Abbreviations are told in these years: before and after them there are sentinels only.
const (
	firstAbbreviated = 1970
	lastAbbreviated  = 2100
)

// Abbreviations reads local times that say by an abbreviation, such as PDT, which of a zone's offsets they have. It is never
// changed once made, and may be shared.
type Abbreviations struct {
	location *time.Location
	// offsets are those that each abbreviation has stood for, in seconds.
	offsets map[string][]int
}

// LoadAbbreviations gives those of a zone that Load knows. UTC, GMT and Z are read everywhere; any other abbreviation has a
// meaning in a place only (CST is in Chicago, Havana and Shanghai), so that UTC and fixed offsets have no more.
func LoadAbbreviations(name string) (*Abbreviations, error) {
	a := &Abbreviations{offsets: map[string][]int{}}
	if _, fixed, _ := parseFixed(name); fixed || name == "" || name == "UTC" || name == "Z" {
		return a, nil
	}
	if _, err := Load(name); err != nil {
		return nil, err
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", name, err)
	}
	a.location = location
	at := time.Date(firstAbbreviated, 1, 1, 0, 0, 0, 0, time.UTC).In(location)
	for at.Year() < lastAbbreviated {
		short, offset := at.Zone()
		if !slices.Contains(a.offsets[short], offset) {
			a.offsets[short] = append(a.offsets[short], offset)
		}
		_, next := at.ZoneBounds()
		if next.IsZero() {
			break
		}
		if !next.After(at) {
			// On the last day of a leap year Go says that the segment has ended already.
			next = at.Add(24 * time.Hour)
		}
		at = next
	}
	return a, nil
}

// Instant is when clocks showed a local time under an abbreviation; false where the zone's clocks never did, or more than once.
func (a *Abbreviations) Instant(local times.Local, short string) (utc times.Instant, ok bool) {
	switch short {
	case "UTC", "GMT", "Z":
		return read(local, 0), true
	}
	for _, offset := range a.offsets[short] {
		at := read(local, times.Offset(offset))
		if name, there := at.Time().In(a.location).Zone(); name != short || there != offset {
			continue
		}
		if ok {
			return 0, false
		}
		utc, ok = at, true
	}
	return utc, ok
}
