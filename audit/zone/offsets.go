package zone

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

//go:generate go run ./gennames names.txt

//go:embed names.txt
var namesText string

// NamesVersion is the release of the tz database that the list of zone names was made from.
func NamesVersion() string {
	version, _, _ := strings.Cut(strings.TrimPrefix(namesText, "# tzdata "), ":")
	return version
}

// RealOffset is a distance from UTC that some zone really had, with the zones that had it.
type RealOffset struct {
	Offset times.Offset
	// Zones are their names, those of many people first.
	Zones []string
}

// populous are zones that most people live by: a person recognises an offset by them. Others follow by name.
var populous = [...]string{"UTC", "America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York", "America/Sao_Paulo", "Europe/London",
	"Europe/Berlin", "Europe/Paris", "Europe/Istanbul", "Europe/Moscow", "Africa/Lagos", "Africa/Cairo", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata",
	"Asia/Kathmandu", "Asia/Dhaka", "Asia/Yangon", "Asia/Jakarta", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "Asia/Seoul", "Australia/Sydney", "Pacific/Auckland"}

// RealOffsets is Atlas.RealOffsets, read anew.
func RealOffsets(from, to times.Instant) []RealOffset { return (*Atlas)(nil).RealOffsets(from, to) }

// OffsetsOf is Atlas.OffsetsOf, read anew.
func OffsetsOf(names []string, from, to times.Instant) ([]RealOffset, error) {
	return (*Atlas)(nil).OffsetsOf(names, from, to)
}

func sortOffsets(byOffset map[times.Offset][]string) []RealOffset {
	offsets := make([]RealOffset, 0, len(byOffset))
	for _, offset := range slices.Sorted(maps.Keys(byOffset)) {
		names := byOffset[offset]
		sortNames(names)
		offsets = append(offsets, RealOffset{Offset: offset, Zones: slices.Compact(names)})
	}
	return offsets
}

func sortNames(names []string) {
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b)) })
}

// rank puts zones of many people first, and zones without a place last.
func rank(name string) int {
	if i := slices.Index(populous[:], name); i >= 0 {
		return i
	}
	region, _, placed := strings.Cut(name, "/")
	if placed && region != "Etc" {
		return len(populous)
	}
	return len(populous) + 1
}

// listedZones are the names of each zone, the best known first.
func listedZones() [][]string {
	var zones [][]string
	for line := range strings.Lines(namesText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		names := strings.Fields(line)
		sortNames(names)
		zones = append(zones, names)
	}
	return zones
}

// firstKnown loads a zone by the first of its names that the database in use has: some leave out old names.
func firstKnown(names []string) (string, *time.Location) {
	for _, name := range names {
		if location, err := time.LoadLocation(name); err == nil {
			return name, location
		}
	}
	return "", nil
}

func offsetAt(location *time.Location, at times.Instant) times.Offset {
	_, seconds := at.Time().In(location).Zone()
	return times.Offset(seconds)
}

// OffsetText writes an offset from UTC as UTC+05:30.
func OffsetText(offset times.Offset) string {
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	if offset == 0 {
		return "UTC"
	}
	text := fmt.Sprintf("UTC%c%02d:%02d", sign, offset/3600, offset/60%60)
	if offset%60 != 0 {
		text += fmt.Sprintf(":%02d", offset%60)
	}
	return text
}
