package evidence

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// SourceName is a source for people: rows may have none.
func SourceName(source string) string {
	if source == "" {
		return "the view"
	}
	return source
}

// LagsBySource merges the lag histograms of the wanted partitions by source.
func (b *Index) LagsBySource(wanted func(partition int32) bool) map[string]report.Lag {
	lags := map[string]report.Lag{}
	for source, h := range b.LagHistograms(wanted) {
		lags[source] = summarise(h)
	}
	return lags
}

func (b *Index) LagHistograms(wanted func(partition int32) bool) map[string]*facts.LagHistogram {
	merged := map[string]*facts.LagHistogram{}
	for population, histogram := range b.Collection.Lags {
		if !wanted(population.Partition) || histogram.Rows == 0 {
			continue
		}
		if merged[population.Source] == nil {
			merged[population.Source] = facts.NewLagHistogram()
		}
		merged[population.Source].Merge(histogram)
	}
	return merged
}

func summarise(h *facts.LagHistogram) report.Lag {
	lag := report.Lag{Rows: h.Rows, Max: h.Max.Seconds()}
	lows, highs := h.Quantiles(0.5, 0.9, 0.99)
	lag.P50, lag.P90, lag.P99 = lows[0].Seconds(), lows[1].Seconds(), lows[2].Seconds()
	lag.ResolutionSeconds = max(highs[0]-lows[0], highs[1]-lows[1], highs[2]-lows[2]).Seconds()
	return lag
}

// NewestOf are the newest event of a source that is none of the future, and the newest that is.
func (b *Index) NewestOf(source string) (known, future times.Instant) {
	known, future = times.None, times.None
	for i := range b.Collection.Slices {
		if s := &b.Collection.Slices[i]; s.Source == source {
			known, future = max(known, s.NewestKnown), max(future, s.NewestFuture)
		}
	}
	return known, future
}

func (b *Index) AllSourcesDeclared() bool {
	return len(b.View.Sources) > 0 && !slices.ContainsFunc(b.SeenSources, func(name string) bool {
		_, declared := b.DeclaredSources[name]
		return !declared
	})
}

// AllSources are the names of the sources declared or seen, sorted.
func (b *Index) AllSources() []string {
	names := slices.Clone(b.SeenSources)
	for name := range b.DeclaredSources {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
