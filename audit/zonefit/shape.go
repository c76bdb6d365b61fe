package zonefit

import "math"

const (
	// A population is looked at from before minutes before its offset, for clocks that are a little fast, to after
	// minutes after it. The window is wider than the lattice, so that no lag falls between two.
	before, after = 5, 15
	window        = before + after
)

// shape is how the lags of the largest population lie around their offset, and what is needed to find it elsewhere.
type shape struct {
	// share of each minute of the window; they add up to 1.
	share [window]float64
	// contrast is what is left of share after a straight line is taken out of it, power its product with share: how
	// well the shape is told from a background.
	contrast [window]float64
	power    float64
}

// shapeAt reads the shape of the population that begins at a minute, above the level that comes before it.
func shapeAt(g *grid, minute int) shape {
	level := g.sum(minute-before-10, minute-before) / 10
	var s shape
	total := 0.0
	for k := range s.share {
		s.share[k] = max(0, g.at(minute-before+k)-level)
		total += s.share[k]
	}
	if total == 0 {
		return s
	}
	for k := range s.share {
		s.share[k] /= total
	}
	s.contrast = withoutLine(s.share)
	for k := range s.share {
		s.power += s.contrast[k] * s.share[k]
	}
	return s
}

// withoutLine takes the straight line that fits best out of a window.
func withoutLine(values [window]float64) [window]float64 {
	mean, slope, squares := 0.0, 0.0, 0.0
	for _, v := range values {
		mean += v / window
	}
	const middle = float64(window-1) / 2
	for k, v := range values {
		slope += (float64(k) - middle) * (v - mean)
		squares += (float64(k) - middle) * (float64(k) - middle)
	}
	slope /= squares
	for k := range values {
		values[k] -= mean + slope*(float64(k)-middle)
	}
	return values
}

// amplitude is how many rows of the shape stand at a minute on top of a straight background, and the error that the
// background alone would give.
func (s *shape) amplitude(g *grid, minute int) (rows, deviation float64) {
	if s.power < minPower {
		return 0, math.Inf(1)
	}
	product, level := 0.0, 0.0
	for k := range s.share {
		y := g.at(minute - before + k)
		product += s.contrast[k] * y
		level += y / window
	}
	return product / s.power, math.Sqrt(max(level, leastLevel) / s.power)
}

// noise is the error that the background under so many rows of the shape gives.
func (s *shape) noise(g *grid, minute int, rows float64) float64 {
	level := (g.sum(minute-before, minute+after) - rows) / window
	return math.Sqrt(max(level, leastLevel) / s.power)
}

const (
	// leastLevel stands for a background of no row at all: one row in four windows' minutes.
	leastLevel = 0.25
	// minPower is that of a shape so flat that it cannot be told from a line.
	minPower = 1e-3
)
