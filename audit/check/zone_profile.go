package check

import (
	"maps"
	"math"
	"slices"

	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// dayProfile compares the hours of the day at which a source's events happen with those of its peers. It supports what
// lags have told, and decides nothing: people of two continents use two sources at different hours.
type dayProfile struct {
	source string
	// shift is by how many whole hours the source's hours must be moved back to be most like its peers': -11 to 12.
	shift int
	// correlation of both profiles at that shift.
	correlation float64
}

const (
	// A source is compared from so many days and rows on.
	profileDays, profileRows = 7, 1000
	// profileAgrees is the least correlation that supports an offset.
	profileAgrees = 0.8
	dayHours      = 24
	binsPerHour   = 4
)

// dayProfiles are those of the sources with enough days and rows, by source; empty where fewer than two have them.
func (b *Zones) dayProfiles() []dayProfile {
	shares := b.hourShares()
	if len(shares) < 2 {
		return nil
	}
	sources := slices.Sorted(maps.Keys(shares))
	var profiles []dayProfile
	for _, source := range sources {
		var peers [dayHours]float64
		for _, other := range sources {
			if other == source {
				continue
			}
			for hour, share := range shares[other] {
				peers[hour] += share
			}
		}
		profiles = append(profiles, bestShift(source, shares[source], peers))
	}
	return profiles
}

// hourShares are the shares of each source's events by hour of the day, as they are read.
func (b *Zones) hourShares() map[string][dayHours]float64 {
	type hours struct {
		counts [dayHours]int64
		rows   int64
		days   map[int32]bool
	}
	bySource := map[string]*hours{}
	for population, h := range b.Collection.Events {
		if !b.Judged(population.Partition) {
			continue
		}
		sum := bySource[population.Source]
		if sum == nil {
			sum = &hours{days: map[int32]bool{}}
			bySource[population.Source] = sum
		}
		for bin, n := range h.Counts {
			// no event before 1980 is in a histogram: the division need not round down
			sum.counts[bin/binsPerHour%dayHours] += n
			sum.rows += n
			sum.days[bin/binsPerHour/dayHours] = true
		}
	}
	shares := map[string][dayHours]float64{}
	for source, sum := range bySource {
		if sum.rows < profileRows || len(sum.days) < profileDays {
			continue
		}
		var share [dayHours]float64
		for hour, n := range sum.counts {
			share[hour] = float64(n) / float64(sum.rows)
		}
		shares[source] = share
	}
	return shares
}

// bestShift tries every whole hour, the nearest first: a tie says least.
func bestShift(source string, own, peers [dayHours]float64) dayProfile {
	best := dayProfile{source: source, correlation: correlate(own, peers, 0)}
	for distance := 1; distance <= dayHours/2; distance++ {
		for _, shift := range []int{distance, -distance} {
			if c := correlate(own, peers, shift); c > best.correlation {
				best.shift, best.correlation = shift, c
			}
		}
	}
	return best
}

// correlate is the correlation of a source's hours, moved back, with its peers'; 0 where one of them is flat.
func correlate(own, peers [dayHours]float64, shift int) float64 {
	var sumOwn, sumPeers float64
	for hour := range dayHours {
		sumOwn += own[hour]
		sumPeers += peers[hour]
	}
	var product, squareOwn, squarePeers float64
	for hour := range dayHours {
		x := own[(hour+shift+dayHours)%dayHours] - sumOwn/dayHours
		y := peers[hour] - sumPeers/dayHours
		product += x * y
		squareOwn += x * x
		squarePeers += y * y
	}
	if squareOwn < 1e-12 || squarePeers < 1e-12 {
		return 0
	}
	return product / math.Sqrt(squareOwn*squarePeers)
}

// supports says whether the hours of the day show the offset of a population that is most of its source.
func (d dayProfile) supports(s zoneSeries, p zonefit.Population) bool {
	largest, has := s.estimate.Largest()
	if d.shift == 0 || d.source != s.source || !has || largest.Seconds != p.Seconds || d.correlation < profileAgrees {
		return false
	}
	// half an hour between whole hours is as near as a profile can tell; a day's turn is none
	apart := math.Mod(math.Abs(float64(p.Seconds)/3600-float64(d.shift)), dayHours)
	return min(apart, dayHours-apart) <= 0.5
}

func profileMeasures(profiles []dayProfile) []map[string]any {
	list := []map[string]any{}
	for _, d := range profiles {
		list = append(list, map[string]any{"source": d.source, "shift_hours": int64(d.shift), "correlation": rounded(d.correlation)})
	}
	return list
}
