// Package zoneproof finds the zones that event times were stamped in, by lags, writers and copies of keys, what proves them, and how far
// they leave a verdict open.
package zoneproof

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// Zones is the evidence of the zones that a view's event times were stamped in.
type Zones struct {
	*evidence.Index
	// MustSee is the share of a source's rows at another offset that a pass must be able to see.
	mustSee float64
	// fitted is the zone evidence, once it was asked for.
	fitted *fittedZones
	// real are the offsets in use between the oldest and the newest event, once they were asked for.
	real []zone.RealOffset
}

// NewZones is the evidence of a view's zones, which is fitted when it is asked for. A series is passed only where mustSee of its rows
// at another offset would have been seen.
func NewZones(ix *evidence.Index, mustSee float64) *Zones { return &Zones{Index: ix, mustSee: mustSee} }

// Series is what the lags of one source and writer say of the zones that its event times were stamped in.
type Series struct {
	Source, Writer string
	// Alone says that the view has no other series.
	Alone    bool
	Estimate zonefit.Estimate
	Verdict  zonefit.Verdict
	// courses are those that its writers' clocks may have taken.
	courses []zonefit.Course
	// Writers is what its writers say, sampled their rows.
	Writers zonefit.WriterEstimate
	sampled []facts.WriterRow
	// Proofs says for each population's offset what proves that it is one; open are populations that nothing proves.
	Proofs map[times.Offset]string
	Open   []zonefit.Population
	// MustSee is the share of rows that a pass must be able to see; blind says that it could not.
	MustSee float64
	Blind   bool
	// Decided says what decided about a source beside its writers; "" where nothing had to or did.
	Decided string
	// base is the offset of the zone that event times are read in; read is that zone's name, "" for UTC.
	base times.Offset
	read string
	// naive says that some of its event times are naive: on any other a declared zone has no effect.
	naive bool
	// Zones names candidates by offset from UTC; a clock change narrows them, which stepped says.
	Zones   map[times.Offset][]string
	stepped bool
}

// Name is how people know the series.
func (s Series) Name() string {
	switch {
	case s.Source == "" && (s.Alone || s.Writer == ""):
		return "the view"
	case s.Source == "":
		return "what " + s.Writer + " wrote"
	}
	return s.Source
}

// Wrong are the populations at another offset than the one read.
func (s Series) Wrong() []zonefit.Population {
	if s.Verdict != zonefit.Mixed {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Estimate.Populations), func(p zonefit.Population) bool { return p.East == 0 })
}

// Offset is where a population's writers are, from UTC.
func (s Series) Offset(p zonefit.Population) times.Offset { return p.East + s.base }

// Series fits every series of the judged partitions, once.
func (b *Zones) Series() ([]Series, error) {
	if b.fitted == nil {
		series, err := b.fitSeries()
		b.fitted = &fittedZones{series: series, err: err}
	}
	return b.fitted.series, b.fitted.err
}

// fittedZones remembers the zone evidence of a view.
type fittedZones struct {
	series []Series
	err    error
}

type SeriesKey struct{ Source, Writer string }

// filed is where rows of a source lie.
type filed struct {
	partition int32
	source    string
}

func (b *Zones) fitSeries() ([]Series, error) {
	from, to, found := b.eventSpan()
	if !found {
		return nil, nil
	}
	courses, err := b.clockCourses(from, to)
	if err != nil {
		return nil, err
	}
	parts := b.LagParts()
	keys := slices.SortedFunc(maps.Keys(parts), func(x, y SeriesKey) int {
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Writer, y.Writer))
	})
	var all []Series
	for _, key := range keys {
		s := Series{Source: key.Source, Writer: key.Writer, Alone: len(keys) == 1, Zones: map[times.Offset][]string{}}
		s.read, s.naive = b.zoneRead(key.Source), b.Naive(key.Source)
		table, err := b.Atlas.Load(s.read)
		if err != nil {
			return nil, err
		}
		s.base = table.Offset(from + (to-from)/2)
		bases := table.Offsets(from, to)
		var admissible []times.Offset
		for _, o := range zone.Standing(courses) {
			s.Zones[o.Offset] = o.Zones
			for _, base := range bases {
				admissible = append(admissible, o.Offset-base)
			}
		}
		s.Estimate = zonefit.Fit(parts[key], admissible)
		s.Verdict = s.Estimate.Verdict
		s.MustSee, s.courses = b.mustSee, coursesAgainst(courses, table, from, to)
		all = append(all, s)
	}
	var asking sync.WaitGroup
	for i := range all {
		asking.Go(func() { b.askWriters(&all[i]) })
	}
	asking.Wait()
	for i := range all {
		b.combine(&all[i])
	}
	return all, nil
}

// clockCourses are those of the view's zones, else all that clocks took between two instants.
func (b *Zones) clockCourses(from, to times.Instant) ([]zone.Course, error) {
	if len(b.View.Zones) == 0 {
		courses := b.Atlas.Courses(from, to)
		b.real = zone.Standing(courses)
		return courses, nil
	}
	courses, err := b.Atlas.CoursesOf(b.View.Zones, from, to)
	if err != nil {
		return nil, fmt.Errorf("zones of view %s (%s): %w", b.View.Name, b.Origin("zones", "zones"), err)
	}
	return courses, nil
}

// eventSpan is from the oldest to the newest event of the judged partitions.
func (b *Zones) eventSpan() (from, to times.Instant, found bool) {
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		if !s.EventMin.Known() || !b.Judged(b.FilePartition(s.File)) {
			continue
		}
		if !found {
			from, to, found = s.EventMin, s.EventMax, true
		}
		from, to = min(from, s.EventMin), max(to, s.EventMax)
	}
	return from, to, found
}

// admissibleOffsets are those of the view's zones, else all that were in use between two instants.
func (b *Zones) admissibleOffsets(from, to times.Instant) ([]zone.RealOffset, error) {
	if len(b.View.Zones) == 0 {
		if b.real == nil {
			b.real = b.Atlas.RealOffsets(from, to)
		}
		return b.real, nil
	}
	offsets, err := b.Atlas.OffsetsOf(b.View.Zones, from, to)
	if err != nil {
		return nil, fmt.Errorf("zones of view %s (%s): %w", b.View.Name, b.Origin("zones", "zones"), err)
	}
	return offsets, nil
}

// zoneRead is the zone that a source's naive times are read in: "" for UTC.
func (b *Zones) zoneRead(source string) string {
	name := evidence.DeclaredZone(b.View, b.DeclaredSources[source])
	if !b.Naive(source) || name == model.ZoneDevice || name == "UTC" {
		return ""
	}
	return name
}

// LagParts are the lag histograms of each source and writer by judged partition, in the order of the calendar.
func (b *Zones) LagParts() map[SeriesKey][]zonefit.Part {
	coarse := b.coarseParts()
	parts := map[SeriesKey][]zonefit.Part{}
	for population, h := range b.Collection.Lags {
		if h.Rows == 0 || !b.Judged(population.Partition) {
			continue
		}
		key := SeriesKey{population.Source, population.Writer}
		parts[key] = append(parts[key], zonefit.Part{ID: population.Partition, Lags: h, Coarse: coarse[filed{population.Partition, population.Source}]})
	}
	for _, list := range parts {
		slices.SortFunc(list, func(x, y zonefit.Part) int { return cmp.Compare(x.ID, y.ID) })
	}
	return parts
}

// coarseParts are the partitions and sources whose event times are mostly whole quarters of an hour.
func (b *Zones) coarseParts() map[filed]bool {
	type share struct{ on, all int64 }
	shares := map[filed]share{}
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		at := filed{b.FilePartition(s.File), s.Source}
		sum := shares[at]
		shares[at] = share{sum.on + s.OnLattice, sum.all + s.Rows - s.EventNull - s.EventUnparsed - s.EventSentinel}
	}
	coarse := map[filed]bool{}
	for at, s := range shares {
		coarse[at] = 2*s.on > s.all
	}
	return coarse
}

// twinsBlame says that shifted twins name the source and a population's offset. Where the population is not all of its source,
// a few twins do not speak for the rest of it.
func (b *Zones) twinsBlame(s Series, p zonefit.Population, whole bool) bool {
	const leastPart = 10
	twins, err := b.SupportedTwins()
	return err == nil && slices.ContainsFunc(twins, func(t Twin) bool {
		return t.Known && t.wrong == s.Source && t.Offset == p.East && (whole && t.A != t.B || leastPart*t.Copies() >= p.Rows)
	})
}

// nameBySteps narrows the candidate zones by the clock changes that the populations show.
func (b *Zones) nameBySteps(s *Series) bool {
	named := false
	for _, step := range s.Estimate.Steps() {
		before, okBefore := step.Before.Last()
		after, okAfter := step.After.First()
		first, datedFirst := b.Partition(before)
		last, datedLast := b.Partition(after)
		if !okBefore || !okAfter || !datedFirst || !datedLast || !first.Dated() || !last.Dated() {
			continue
		}
		// events lie around their partition by an offset: a day to each side finds the change for certain
		zones := b.Atlas.Stepping(s.Offset(step.Before), s.Offset(step.After), first.Start.Add(-times.Day), last.End.Add(times.Day))
		if len(b.View.Zones) > 0 {
			zones = slices.DeleteFunc(zones, func(name string) bool { return !slices.Contains(b.View.Zones, name) })
		}
		if len(zones) == 0 {
			continue
		}
		named = true
		s.Zones[s.Offset(step.Before)], s.Zones[s.Offset(step.After)] = zones, zones
	}
	return named
}

// maxLag is the delay that is declared for a source, without what its ttl implies.
func (b *Zones) maxLag(source string) (times.Span, bool) {
	return evidence.FirstPositive(b.DeclaredSources[source].MaxLag, b.View.MaxLag)
}

// allowedDelay says that the declared max_lag covers an offset, so that it needs no zone to explain it.
func (b *Zones) allowedDelay(s Series, east times.Offset) bool {
	limit, declared := b.maxLag(s.Source)
	return declared && east < 0 && -east.Span() <= limit
}

// brokenMaxLag says that a population breaks the declared max_lag as it is read and keeps it when corrected.
func (b *Zones) brokenMaxLag(s Series) bool {
	limit, declared := b.maxLag(s.Source)
	if !declared {
		return false
	}
	median, found := b.medianLag(s)
	largest, has := s.Estimate.Largest()
	if !found || !has {
		return false
	}
	corrected := median + largest.East.Span()
	return median > limit && corrected <= limit
}

func (b *Zones) medianLag(s Series) (times.Span, bool) {
	merged := facts.NewLagHistogram()
	for population, h := range b.Collection.Lags {
		if population.Source == s.Source && population.Writer == s.Writer && b.Judged(population.Partition) {
			merged.Merge(h)
		}
	}
	low, _, ok := merged.Quantile(0.5)
	return low, ok
}

// fitsPartitionsAtOffset says that the source's rows lie outside their partitions as they are read, and in them when
// they are corrected. Partitions whose date means something else than event time cannot tell.
func (b *Zones) fitsPartitionsAtOffset(s Series, p zonefit.Population) bool {
	if evidence.Meaning(b.View) != model.OfEventTime {
		return false
	}
	at := p.East
	var ladders []evidence.Ladder
	for population, h := range b.Collection.Events {
		p, dated := b.Partition(population.Partition)
		if population.Source == s.Source && dated && p.Dated() && b.Judged(population.Partition) {
			ladders = append(ladders, evidence.NewLadder(p, h))
		}
	}
	asRead, total := evidence.Fit(ladders, 0)
	// an event that is corrected moves west by its offset, as a calendar moves that is more west by it
	corrected, _ := evidence.Fit(ladders, -at)
	if total == 0 || float64(corrected) < evidence.FittingShare*float64(total) || float64(asRead) >= evidence.FittingShare*float64(total) {
		return false
	}
	// partitions of another calendar lie nearly right an hour beside it: what fits best is what they are
	from, to, _ := b.eventSpan()
	return !slices.ContainsFunc(b.Atlas.RealOffsets(from, to), func(o zone.RealOffset) bool {
		rows, _ := evidence.Fit(ladders, -o.Offset)
		return rows > corrected
	})
}

// Candidates names up to three zones at a population's offset.
func (s Series) Candidates(p zonefit.Population) string {
	names := s.Zones[s.Offset(p)]
	if len(names) == 0 {
		return "no zone of the list"
	}
	return words.Examples(names)
}

// Decisive names what a declaration of would decide: no zone moves an aware time, and no delay makes a row early.
func (s Series) Decisive() string {
	var offsets []times.Offset
	for _, p := range s.Open {
		offsets = append(offsets, p.East)
	}
	for _, g := range s.Writers.Refused {
		if g.Share >= s.MustSee {
			offsets = append(offsets, g.East)
		}
	}
	ahead := slices.ContainsFunc(offsets, func(o times.Offset) bool { return o > 0 })
	var ways []string
	if !ahead || slices.ContainsFunc(offsets, func(o times.Offset) bool { return o < 0 }) {
		ways = append(ways, "its max_lag")
	}
	if s.naive {
		ways = append(ways, "its zone")
	}
	if ahead {
		ways = append(ways, "zones: [UTC] where events are known ahead")
	}
	return strings.Join(ways, " or ")
}

// UntoldShort is untold in a few words, for a message that has findings to tell first.
func (s Series) UnjudgedShort() string {
	e := s.Estimate
	switch {
	case s.Verdict == zonefit.Ambiguous:
		return "ambiguous"
	case s.Blind:
		return "an offset would have been seen from " + words.PercentUp(s.Detectable()) + " on"
	case 2*e.CoarseRows > e.Rows:
		return "clock too coarse"
	case e.Sharp == 0:
		return "lags spread over " + words.Duration(e.Spread)
	}
	return "no population stands out"
}

func VerdictText(v zonefit.Verdict) string {
	switch v {
	case zonefit.Mixed:
		return "mixed"
	case zonefit.Ambiguous:
		return "ambiguous"
	case zonefit.Clean:
		return "clean"
	case zonefit.CannotTell:
		return "cannot_tell"
	default:
		return "none"
	}
}

// PopulationSlices are the files, by path, that may hold rows of a population: those of its source and writer in its
// partitions, whose lags reach into its window.
func (b *Zones) PopulationSlices(s Series, p zonefit.Population) []int32 {
	from, to := p.Window()
	var files []int32
	for i := range b.Collection.Slices {
		slice := &b.Collection.Slices[i]
		partition := b.FilePartition(slice.File)
		if slice.Source != s.Source || slice.LagRows == 0 || !b.Judged(partition) || b.Survey.Files[slice.File].Writer != s.Writer {
			continue
		}
		seen := len(p.Parts) == 0 || slices.ContainsFunc(p.Parts, func(part zonefit.PartShare) bool { return part.ID == partition })
		if seen && slice.LagMin < to && slice.LagMax >= from {
			files = append(files, slice.File)
		}
	}
	slices.SortFunc(files, func(x, y int32) int { return cmp.Compare(b.Survey.Files[x].Path, b.Survey.Files[y].Path) })
	return files
}

// Rounded keeps four digits after the point: estimates claim no more.
func Rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }
