package zonefit

import (
	"cmp"
	"math"
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Part is what one partition holds of a series.
type Part struct {
	// ID is the partition's.
	ID   int32
	Lags *facts.LagHistogram
	// Coarse says that its event times are mostly whole quarters of an hour: such a clock tells no offset.
	Coarse bool
}

// Verdict is what the lags of a series say.
type Verdict int

// The verdicts.
const (
	// None: no row has both times.
	None Verdict = iota
	// CannotTell: the lag's own spread is too wide, or there are too few rows.
	CannotTell
	// Clean: no population sits at another offset than the one read.
	Clean
	// Ambiguous: everything sits at an offset with positive lag, which may as well be delay.
	Ambiguous
	// Mixed: populations sit at other offsets.
	Mixed
)

// Estimate is what the lags of one series say of its writers' zones.
type Estimate struct {
	Verdict Verdict
	// Rows have both times; Told of them lie in parts whose lags are sharp enough to tell, CoarseRows in coarse parts.
	Rows, Sharp, CoarseRows int64
	// Concentration of the lag modulo 15 minutes in the parts told, or in all where none is: 0 to 1.
	Concentration float64
	// Spread is the distance between the lag's quartiles.
	Spread times.Span
	// Detectable is the smallest share of rows that would have been found at the median offset.
	Detectable float64
	// Populations are those found, the offset read (0) among them, ascending by offset.
	Populations []Population
}

// Population is a group of rows at one offset.
type Population struct {
	// East is how far east of the zone read the writers' clocks are: event times are so much too late.
	East times.Offset
	// Rows is an estimate, and Low and High bound the share of all populations' rows with 95 % confidence.
	Rows             int64
	Share, Low, High float64
	Parts            []PartShare
}

// PartShare is what one partition holds of a population.
type PartShare struct {
	ID    int32
	Rows  int64
	Share float64
}

// Window are the lags that rows of a population have: from included, to excluded.
func (p Population) Window() (from, to times.Span) {
	at := -p.East.Span()
	return at - before*times.Minute, at + after*times.Minute
}

const (
	// minConcentration is the least concentration at which offsets are told apart. A lag that decays with a median of 5
	// minutes has 0.31, one spread evenly over a quarter of an hour 0.
	minConcentration = 0.15
	// minRows is the least number of rows of a series, and leastRows of a population.
	minRows, leastRows = 30, 10
	// deviations is how far above its background a population must stand, and partDeviations where it is looked for in
	// one of many partitions.
	deviations, partDeviations = 6, 7
	// A population must have nearFactor times the rows found at any neighbouring quarter hour that is no zone's offset,
	// and farFactor times those found at nine of ten of all such quarter hours.
	nearFactor, farFactor = 3, 4
	// wholeShare is the share of a partition's populations that is all of it.
	wholeShare = 0.95
)

// Fit estimates the populations of one series at the admissible offsets: how far east of the zone read
// each may be. 0 is always admissible. Parts are in the order of time.
func Fit(parts []Part, offsets []times.Offset) Estimate {
	f := newFit(parts, offsets)
	e := Estimate{Spread: spread(f.lags), Concentration: f.whole.concentration(), Rows: f.lags.Rows, CoarseRows: f.coarse}
	for _, p := range f.sharp {
		e.Sharp += p.rows
	}
	if e.Rows == 0 {
		return e
	}
	if len(f.sharp) == 0 || e.Sharp < minRows {
		e.Verdict = CannotTell
		return e
	}
	merged := f.merge(f.sharp)
	e.Concentration = merged.concentration()
	if !f.anchor(merged) {
		e.Verdict = CannotTell
		return e
	}
	found := f.detect(merged, deviations)
	if !slices.Contains(found, f.home) {
		e.Verdict = CannotTell
		return e
	}
	if len(f.sharp) > 1 {
		for _, p := range f.sharp {
			found = append(found, f.detect(f.gridOf(p), partDeviations)...)
		}
	}
	slices.Sort(found)
	e.Populations = f.populations(merged, slices.Compact(found))
	e.Detectable = f.detectable(merged)
	e.Verdict = verdictOf(e.Populations)
	return e
}

type fit struct {
	offsets []int
	sharp   []sharpPart
	lags    *facts.LagHistogram
	whole   *grid
	// part is the grid of one partition at a time: beside the few lags of each, those of 20,000 partitions took 500 MB.
	part   *grid
	coarse int64
	shape  shape
	// delay is how late, in minutes, the largest population is by its own nature; home is its offset.
	delay, home int
}

// toldPart is a partition whose lags are sharp enough.
type sharpPart struct {
	id   int32
	lags *facts.LagHistogram
	rows int64
}

// gridOf is the grid of a partition, until that of the next is asked for.
func (f *fit) gridOf(p sharpPart) *grid {
	*f.part = grid{}
	f.part.add(p.lags)
	return f.part
}

func newFit(parts []Part, offsets []times.Offset) *fit {
	f := &fit{lags: facts.NewLagHistogram(), part: &grid{}}
	for _, offset := range append([]times.Offset{0}, offsets...) {
		if offset%(lattice*60) == 0 {
			f.offsets = append(f.offsets, int(offset.Minutes()))
		}
	}
	slices.Sort(f.offsets)
	f.offsets = slices.Compact(f.offsets)
	for _, p := range parts {
		f.lags.Merge(p.Lags)
		if p.Coarse {
			f.coarse += p.Lags.Rows
			continue
		}
		part := sharpPart{id: p.ID, lags: p.Lags, rows: p.Lags.Rows}
		if f.gridOf(part).concentration() >= minConcentration {
			f.sharp = append(f.sharp, part)
		}
	}
	f.whole = newGrid(f.lags)
	return f
}

func (f *fit) merge(parts []sharpPart) *grid {
	merged := &grid{}
	for _, p := range parts {
		merged.add(p.lags)
	}
	return merged
}

// anchor finds the largest population and takes its shape. It sits at an admissible offset if it can, else it is late by
// its own nature; lags that begin before zero at no admissible offset tell nothing.
func (f *fit) anchor(g *grid) bool {
	best, most := 0, -1.0
	for m := -reach; m < reach; m += lattice {
		n := g.sum(m-before, m+after)
		// of equal ones the nearest to zero, which is the simpler story
		if n > most || n == most && abs(m) < abs(best) {
			best, most = m, n
		}
	}
	f.shape = shapeAt(g, best)
	if f.shape.power < minPower {
		return false
	}
	if f.admissible(-best) {
		f.home = -best
		return true
	}
	f.delay = best
	return best > 0
}

func (f *fit) admissible(minutes int) bool {
	_, found := slices.BinarySearch(f.offsets, minutes)
	return found
}

// minuteOf is where the lags of an offset's population begin.
func (f *fit) minuteOf(offset int) int { return f.delay - offset }

// detect lists the offsets, in minutes, at which the shape stands out. The largest population's own is among them.
func (f *fit) detect(g *grid, least float64) []int {
	far := f.farPlacebo(g)
	var found []int
	for _, o := range f.offsets {
		rows, deviation := f.shape.amplitude(g, f.minuteOf(o))
		if rows < leastRows || rows < least*deviation {
			continue
		}
		if rows >= farFactor*far && rows >= nearFactor*f.nearPlacebo(g, o) {
			found = append(found, o)
		}
	}
	return found
}

// farPlacebo is what nine of ten quarter hours that are no zone's offset show of the shape, or less.
func (f *fit) farPlacebo(g *grid) float64 {
	var rows []float64
	for m := -reach + lattice; m < reach-lattice; m += lattice {
		if !f.admissible(f.delay - m) {
			n, _ := f.shape.amplitude(g, m)
			rows = append(rows, max(n, 0))
		}
	}
	return percentile(rows, 0.9)
}

// nearPlacebo is the most that quarter hours around an offset show of the shape, where they are no zone's offset and do
// not touch a larger population.
func (f *fit) nearPlacebo(g *grid, offset int) float64 {
	own, _ := f.shape.amplitude(g, f.minuteOf(offset))
	most := 0.0
	for _, step := range []int{-3, -2, -1, 1, 2, 3} {
		near := offset + step*lattice
		if f.admissible(near) || f.touchesLarger(g, near, own) {
			continue
		}
		n, _ := f.shape.amplitude(g, f.minuteOf(near))
		most = max(most, n)
	}
	return most
}

func (f *fit) touchesLarger(g *grid, offset int, rows float64) bool {
	for _, side := range []int{offset - lattice, offset + lattice} {
		if !f.admissible(side) {
			continue
		}
		if n, _ := f.shape.amplitude(g, f.minuteOf(side)); n > rows {
			return true
		}
	}
	return false
}

// populations measures the offsets found, in all and in each partition.
func (f *fit) populations(g *grid, found []int) []Population {
	total := 0.0
	for _, o := range found {
		rows, _ := f.shape.amplitude(g, f.minuteOf(o))
		total += max(rows, 0)
	}
	parts := f.partShares(found)
	var populations []Population
	for _, o := range found {
		rows, _ := f.shape.amplitude(g, f.minuteOf(o))
		if rows <= 0 {
			continue
		}
		noise := f.shape.noise(g, f.minuteOf(o), rows)
		share := rows / total
		margin := 1.96 * math.Sqrt(share*(1-share)/total+noise*noise/(total*total))
		p := Population{East: times.Offset(o * 60), Rows: int64(math.Round(rows)), Share: share, Low: max(0, share-margin), High: min(1, share+margin), Parts: parts[o]}
		populations = append(populations, p)
	}
	return populations
}

// partDeviationsSeen is how far above its background a population that is known must stand to be seen in a partition.
const partDeviationsSeen = 3

// partShares are the partitions in which each of the offsets found is seen.
func (f *fit) partShares(found []int) map[int][]PartShare {
	shares := map[int][]PartShare{}
	for _, part := range f.sharp {
		g, total := f.gridOf(part), 0.0
		for _, o := range found {
			rows, _ := f.shape.amplitude(g, f.minuteOf(o))
			total += max(rows, 0)
		}
		for _, o := range found {
			rows, deviation := f.shape.amplitude(g, f.minuteOf(o))
			if rows >= 1 && rows >= partDeviationsSeen*deviation {
				shares[o] = append(shares[o], PartShare{ID: part.id, Rows: int64(math.Round(rows)), Share: rows / total})
			}
		}
	}
	return shares
}

// detectable is the share that a population at the median offset must have to be found.
func (f *fit) detectable(g *grid) float64 {
	total, needs := 0.0, []float64{}
	far := f.farPlacebo(g)
	for _, o := range f.offsets {
		rows, deviation := f.shape.amplitude(g, f.minuteOf(o))
		if o == f.home {
			total = rows
			continue
		}
		needs = append(needs, max(leastRows, deviations*deviation, farFactor*far))
	}
	if total <= 0 {
		return 1
	}
	return min(1, percentile(needs, 0.5)/total)
}

// verdictOf says what the populations mean before anything else decides.
func verdictOf(populations []Population) Verdict {
	verdict := Clean
	for _, p := range populations {
		switch {
		case p.East == 0:
		case p.East > 0, len(populations) > 1 && !p.Whole():
			return Mixed
		default:
			verdict = Ambiguous
		}
	}
	return verdict
}

// Whole says whether the population is all of every partition that it is seen in, so that its offset may be delay.
func (p Population) Whole() bool {
	if len(p.Parts) == 0 {
		return p.Share >= wholeShare
	}
	return !slices.ContainsFunc(p.Parts, func(s PartShare) bool { return s.Share < wholeShare })
}

// First is the first partition that the population is seen in; ok is false where it stands out in all together only.
func (p Population) First() (id int32, ok bool) {
	if len(p.Parts) == 0 {
		return 0, false
	}
	return p.Parts[0].ID, true
}

// Last is the last partition that the population is seen in; ok is as of First.
func (p Population) Last() (id int32, ok bool) {
	if len(p.Parts) == 0 {
		return 0, false
	}
	return p.Parts[len(p.Parts)-1].ID, true
}

// Step is a population that follows another an hour away, as where clocks change.
type Step struct {
	Before, After Population
}

// Steps lists the pairs of populations an hour apart of which one ends where the other begins. Parts are numbered in the
// order of time.
func (e Estimate) Steps() []Step {
	var steps []Step
	for _, a := range e.Populations {
		for _, b := range e.Populations {
			end, ended := a.Last()
			start, started := b.First()
			hourApart := b.East-a.East == 3600 || a.East-b.East == 3600
			first, _ := a.First()
			last, _ := b.Last()
			if hourApart && ended && started && end <= start && first < start && end < last {
				steps = append(steps, Step{Before: a, After: b})
			}
		}
	}
	return steps
}

// Largest is the population with the most rows.
func (e Estimate) Largest() (Population, bool) {
	if len(e.Populations) == 0 {
		return Population{}, false
	}
	return slices.MaxFunc(e.Populations, func(a, b Population) int { return cmp.Compare(a.Rows, b.Rows) }), true
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
