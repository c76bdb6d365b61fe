package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// pictures checks what pictures are made of: series and lag bins that agree with themselves and with what stands beside them.
func pictures(r Report) error {
	for i, v := range r.Views {
		place := fmt.Sprintf("views[%d]", i)
		if err := v.seriesHolds(place, r.Catalogue); err != nil {
			return err
		}
		for _, source := range slices.Sorted(maps.Keys(v.LagBins)) {
			if err := binsHold(fmt.Sprintf("%s.lag_bins.%.80s", place, source), v.LagBins[source], v.SourceLagSeconds[source].Rows); err != nil {
				return err
			}
		}
		for _, source := range slices.Sorted(maps.Keys(v.NewestBySource)) {
			if _, err := time.Parse(time.RFC3339Nano, v.NewestBySource[source]); err != nil {
				return misplaced(fmt.Sprintf("%s.newest_event_time_by_source.%.80s", place, source), "found %.40q, expected an instant", v.NewestBySource[source])
			}
		}
	}
	return nil
}

func (v View) seriesHolds(place string, catalogue []string) error {
	seen := map[string]bool{}
	for i, p := range v.Series {
		at := fmt.Sprintf("%s.series[%d]", place, i)
		if seen[p.Partition] {
			return misplaced(at, "partition %.80q is listed twice", p.Partition)
		}
		seen[p.Partition] = true
		if _, err := time.Parse(time.RFC3339Nano, p.Start); p.Start != "" && err != nil {
			return misplaced(at+".start", "found %.40q, expected an instant", p.Start)
		}
		if p.Rows < 0 {
			return misplaced(at+".rows", "the count %d is negative", p.Rows)
		}
		for _, check := range slices.Sorted(maps.Keys(p.Bad)) {
			switch {
			case p.Bad[check] < 0:
				return misplaced(at+".bad", "the count %d is negative", p.Bad[check])
			case catalogue != nil && !slices.Contains(catalogue, check):
				return misplaced(at+".bad", "check %.80q is not in the report's catalogue", check)
			}
		}
	}
	if v.SeriesLeftOut < 0 {
		return misplaced(place+".series_left_out", "the count %d is negative", v.SeriesLeftOut)
	}
	return nil
}

func binsHold(place string, bins []LagBin, rows int64) error {
	sum := int64(0)
	for i, b := range bins {
		at := fmt.Sprintf("%s[%d]", place, i)
		switch {
		case b.Rows < 0:
			return misplaced(at+".rows", "the count %d is negative", b.Rows)
		case b.FromSeconds >= b.ToSeconds:
			return misplaced(at, "it ends at %v s and begins at %v s", b.ToSeconds, b.FromSeconds)
		case i > 0 && b.FromSeconds < bins[i-1].ToSeconds:
			return misplaced(at, "it begins at %v s, before the end of the bin before it, %v s", b.FromSeconds, bins[i-1].ToSeconds)
		}
		sum += b.Rows
	}
	if sum != rows {
		return misplaced(place, "its bins hold %d rows, and source_lag_seconds says %d", sum, rows)
	}
	return nil
}

// BoundPictures are views whose series and lag bins stay within MaxSeriesInAll and MaxLagBinsInAll, so that a report of many views can
// be kept, sent and opened; the list is another. Of a long series the newest partitions stay and the older ones are counted; bins become wider. A view of which
// something was left out says so in a note.
func BoundPictures(views []View) []View {
	views = slices.Clone(views)
	var all pictureCounts
	for _, v := range views {
		all.add(countPictures(v))
	}
	limits := all.limits()
	for i := range views {
		views[i] = limits.bound(views[i], len(views))
	}
	return views
}

// pictureCounts are the partitions and bins that pictures are made of, and the series and histograms that have them; longest are the most
// partitions of a series, and bins of a histogram.
type pictureCounts struct {
	partitions, series, bins, histograms int
	longestSeries, longestHistogram      int
}

func countPictures(v View) pictureCounts {
	c := pictureCounts{partitions: len(v.Series), longestSeries: len(v.Series)}
	if len(v.Series) > 0 {
		c.series = 1
	}
	for _, of := range v.LagBins {
		c.bins, c.histograms, c.longestHistogram = c.bins+len(of), c.histograms+1, max(c.longestHistogram, len(of))
	}
	return c
}

func (c *pictureCounts) add(other pictureCounts) {
	c.partitions, c.series, c.bins, c.histograms = c.partitions+other.partitions, c.series+other.series, c.bins+other.bins, c.histograms+other.histograms
}

// pictureLimits are the most partitions of a series and bins of a histogram.
type pictureLimits struct {
	bind         bool
	series, bins int
}

// limits are those that keep all pictures of a report within its bounds.
func (c pictureCounts) limits() pictureLimits {
	l := pictureLimits{series: math.MaxInt, bins: math.MaxInt}
	if c.partitions > MaxSeriesInAll {
		l.series, l.bind = MaxSeriesInAll/max(1, c.series), true
	}
	if c.bins > MaxLagBinsInAll {
		l.bins, l.bind = max(1, MaxLagBinsInAll/max(1, c.histograms)), true
	}
	return l
}

// reach says whether a view has more than the limits.
func (l pictureLimits) reach(c pictureCounts) bool {
	return c.longestSeries > l.series || c.longestHistogram > l.bins
}

// bound is a view of a report of so many, within the limits; what it shares with the one that it was stays as it was.
func (l pictureLimits) bound(v View, views int) View {
	if !l.reach(countPictures(v)) {
		return v
	}
	if len(v.Series) > l.series {
		v.SeriesLeftOut += int64(len(v.Series) - l.series)
		v.Series = slices.Clone(v.Series[len(v.Series)-l.series:])
	}
	v.LagBins = maps.Clone(v.LagBins)
	for source, of := range v.LagBins {
		v.LagBins[source] = wider(of, l.bins)
	}
	v.Notes = append(slices.Clone(v.Notes), fmt.Sprintf("the report has %d views: of this one it lists the newest %d partitions, and lags in bins that are wider than "+
		"in a report of few views; audit the view by itself for all of them", views, len(v.Series)))
	return v
}

// wider puts neighbouring bins together until there are at most so many.
func wider(bins []LagBin, most int) []LagBin {
	if len(bins) <= most {
		return bins
	}
	together := (len(bins) + most - 1) / most
	out := make([]LagBin, 0, most)
	for chunk := range slices.Chunk(bins, together) {
		one := LagBin{FromSeconds: chunk[0].FromSeconds, ToSeconds: chunk[len(chunk)-1].ToSeconds}
		for _, b := range chunk {
			one.Rows += b.Rows
		}
		out = append(out, one)
	}
	return out
}

// narrowed keeps of the series what the picked checks found.
func (v View) narrowed(keep func(check string) bool) View {
	if len(v.Series) == 0 {
		return v
	}
	v.Series = slices.Clone(v.Series)
	for i := range v.Series {
		p := &v.Series[i]
		p.Bad = maps.Clone(p.Bad)
		maps.DeleteFunc(p.Bad, func(check string, _ int64) bool { return !keep(check) })
		if len(p.Bad) == 0 {
			p.Bad = nil
		}
	}
	return v
}
