package zonefit

import (
	"math"
	"math/cmplx"
	"sort"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

const (
	// reach is how far from zero, in minutes, lags are kept by the minute: 27 hours. What lies beyond has bins too wide
	// to tell an offset.
	reach = 27 * 60
	// lattice is what every offset since 1980 that people still live by is a multiple of, in minutes.
	lattice = 15
)

// grid counts lags by the minute, from -reach to reach.
type grid struct {
	counts [2 * reach]float64
	// rows are those on the grid, all those beyond it too.
	rows, all float64
}

func newGrid(h *facts.LagHistogram) *grid {
	g := &grid{}
	g.add(h)
	return g
}

// add counts the lags of a histogram too.
func (g *grid) add(h *facts.LagHistogram) {
	for bin, n := range h.Counts {
		lo, _ := facts.LagBounds(bin)
		minute := floorDiv(int64(lo), int64(times.Minute))
		g.all += float64(n)
		if minute < -reach || minute >= reach {
			continue
		}
		g.rows += float64(n)
		g.counts[minute+reach] += float64(n)
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (g *grid) at(minute int) float64 {
	if minute < -reach || minute >= reach {
		return 0
	}
	return g.counts[minute+reach]
}

// sum counts the lags from one minute up to another, excluded.
func (g *grid) sum(from, to int) float64 {
	total := 0.0
	for m := from; m < to; m++ {
		total += g.at(m)
	}
	return total
}

// concentration says how sharply lags sit at one place modulo a quarter of an hour: 1 where all do, 0 where none does.
// An offset moves no lag modulo a quarter of an hour, so that mixing zones leaves it as it is; only the lag's own spread
// takes it away. Rows beyond the grid count as spread.
func (g *grid) concentration() float64 {
	if g.all == 0 {
		return 0
	}
	sum := complex(0, 0)
	for i, n := range g.counts {
		if n > 0 {
			sum += complex(n, 0) * cmplx.Rect(1, 2*math.Pi*float64(i%lattice)/lattice)
		}
	}
	return cmplx.Abs(sum) / g.all
}

// spread is the distance between the lags' quartiles.
func spread(h *facts.LagHistogram) times.Span {
	lows, highs := h.Quantiles(0.25, 0.75)
	return highs[1] - lows[0]
}

// percentile is the value below which a share of the values lies; 0 of none.
func percentile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := append([]float64(nil), values...)
	sort.Float64s(sorted)
	return sorted[int(share*float64(len(sorted)-1))]
}
