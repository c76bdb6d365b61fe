package zoneproof

import (
	"maps"
	"math"
	"slices"

	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// Profile compares the hours of the day at which a source's events happen with those of its peers. It supports what
// lags have told, and decides nothing: people of two continents use two sources at different hours.
type Profile struct {
	source string
	// Shift is by how many whole hours the source's hours must be moved back to be most like its peers': -11 to 12.
	Shift int
	// Correlation of both profiles at that shift.
	Correlation float64
}

const (
	// A source is compared from so many days and rows on.
	profileDays, profileRows = 7, 1000
	// profileAgrees is the least correlation that supports an offset.
	profileAgrees = 0.8
	DayHours      = 24
	binsPerHour   = 4
)

// Profiles are those of the sources with enough days and rows, by source; empty where fewer than two have them.
func (b *Zones) Profiles() []Profile {
	shares := b.hourShares()
	if len(shares) < 2 {
		return nil
	}
	sources := slices.Sorted(maps.Keys(shares))
	var profiles []Profile
	for _, source := range sources {
		var peers [DayHours]float64
		for _, other := range sources {
			if other == source {
				continue
			}
			for hour, share := range shares[other] {
				peers[hour] += share
			}
		}
		profiles = append(profiles, BestShift(source, shares[source], peers))
	}
	return profiles
}

// hourShares are the shares of each source's events by hour of the day, as they are read.
func (b *Zones) hourShares() map[string][DayHours]float64 {
	type hours struct {
		counts [DayHours]int64
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
			sum.counts[bin/binsPerHour%DayHours] += n
			sum.rows += n
			sum.days[bin/binsPerHour/DayHours] = true
		}
	}
	shares := map[string][DayHours]float64{}
	for source, sum := range bySource {
		if sum.rows < profileRows || len(sum.days) < profileDays {
			continue
		}
		var share [DayHours]float64
		for hour, n := range sum.counts {
			share[hour] = float64(n) / float64(sum.rows)
		}
		shares[source] = share
	}
	return shares
}

// BestShift tries every whole hour, the nearest first: a tie says least.
func BestShift(source string, own, peers [DayHours]float64) Profile {
	best := Profile{source: source, Correlation: correlate(own, peers, 0)}
	for distance := 1; distance <= DayHours/2; distance++ {
		for _, shift := range []int{distance, -distance} {
			if c := correlate(own, peers, shift); c > best.Correlation {
				best.Shift, best.Correlation = shift, c
			}
		}
	}
	return best
}

// correlate is the correlation of a source's hours, moved back, with its peers'; 0 where one of them is flat.
func correlate(own, peers [DayHours]float64, shift int) float64 {
	var sumOwn, sumPeers float64
	for hour := range DayHours {
		sumOwn += own[hour]
		sumPeers += peers[hour]
	}
	var product, squareOwn, squarePeers float64
	for hour := range DayHours {
		x := own[(hour+shift+DayHours)%DayHours] - sumOwn/DayHours
		y := peers[hour] - sumPeers/DayHours
		product += x * y
		squareOwn += x * x
		squarePeers += y * y
	}
	if squareOwn < 1e-12 || squarePeers < 1e-12 {
		return 0
	}
	return product / math.Sqrt(squareOwn*squarePeers)
}

// Supports says whether the hours of the day show the offset of a population that is most of its source.
func (d Profile) Supports(s Series, p zonefit.Population) bool {
	largest, has := s.Estimate.Largest()
	if d.Shift == 0 || d.source != s.Source || !has || largest.East != p.East || d.Correlation < profileAgrees {
		return false
	}
	// half an hour between whole hours is as near as a profile can tell; a day's turn is none
	apart := math.Mod(math.Abs(float64(p.East)/3600-float64(d.Shift)), DayHours)
	return min(apart, DayHours-apart) <= 0.5
}

func ProfileMeasures(profiles []Profile) []map[string]any {
	list := []map[string]any{}
	for _, d := range profiles {
		list = append(list, map[string]any{"source": d.source, "shift_hours": int64(d.Shift), "correlation": Rounded(d.Correlation)})
	}
	return list
}
