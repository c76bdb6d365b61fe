package check

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// Zones is the evidence of the zones that a view's event times were stamped in.
type Zones struct {
	*evidence.Index
	// mustSee is the share of a source's rows at another offset that a pass must be able to see.
	mustSee float64
	// fitted is the zone evidence, once it was asked for.
	fitted *fittedZones
	// real are the offsets in use between the oldest and the newest event, once they were asked for.
	real []zone.Offset
}

// newZones is the evidence of a view's zones, which is fitted when it is asked for. A series is passed only where mustSee of its rows
// at another offset would have been seen.
func newZones(ix *evidence.Index, mustSee float64) *Zones { return &Zones{Index: ix, mustSee: mustSee} }

// zoneSeries is what the lags of one source and writer say of the zones that its event times were stamped in.
type zoneSeries struct {
	source, writer string
	// alone says that the view has no other series.
	alone    bool
	estimate zonefit.Estimate
	verdict  zonefit.Verdict
	// courses are those that its writers' clocks may have taken.
	courses []zonefit.Course
	// writers is what its writers say, sampled their rows.
	writers zonefit.WriterEstimate
	sampled []facts.WriterRow
	// proofs says for each population's offset what proves that it is one; open are populations that nothing proves.
	proofs map[int32]string
	open   []zonefit.Population
	// mustSee is the share of rows that a pass must be able to see; blind says that it could not.
	mustSee float64
	blind   bool
	// decided says what decided about a source beside its writers; "" where nothing had to or did.
	decided string
	// base is the offset, in seconds, of the zone that event times are read in; read is that zone's name, "" for UTC.
	base int32
	read string
	// naive says that some of its event times are naive: on any other a declared zone has no effect.
	naive bool
	// zones names candidates by offset from UTC, in seconds; a clock change narrows them, which stepped says.
	zones   map[int32][]string
	stepped bool
}

// name is how people know the series.
func (s zoneSeries) name() string {
	switch {
	case s.source == "" && (s.alone || s.writer == ""):
		return "the view"
	case s.source == "":
		return "what " + s.writer + " wrote"
	}
	return s.source
}

// wrong are the populations at another offset than the one read.
func (s zoneSeries) wrong() []zonefit.Population {
	if s.verdict != zonefit.Mixed {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.estimate.Populations), func(p zonefit.Population) bool { return p.Seconds == 0 })
}

// offset is where a population's writers are, in seconds from UTC.
func (s zoneSeries) offset(p zonefit.Population) int32 { return p.Seconds + s.base }

// zoneEvidence fits every series of the judged partitions, once.
func (b *Zones) zoneEvidence() ([]zoneSeries, error) {
	if b.fitted == nil {
		series, err := b.fitSeries()
		b.fitted = &fittedZones{series: series, err: err}
	}
	return b.fitted.series, b.fitted.err
}

// fittedZones remembers the zone evidence of a view.
type fittedZones struct {
	series []zoneSeries
	err    error
}

type seriesKey struct{ source, writer string }

func (b *Zones) fitSeries() ([]zoneSeries, error) {
	from, to, found := b.eventSpan()
	if !found {
		return nil, nil
	}
	courses, err := b.clockCourses(from, to)
	if err != nil {
		return nil, err
	}
	parts := b.lagParts()
	keys := slices.SortedFunc(maps.Keys(parts), func(x, y seriesKey) int {
		return cmp.Or(cmp.Compare(x.source, y.source), cmp.Compare(x.writer, y.writer))
	})
	var all []zoneSeries
	for _, key := range keys {
		s := zoneSeries{source: key.source, writer: key.writer, alone: len(keys) == 1, zones: map[int32][]string{}}
		s.read, s.naive = b.zoneRead(key.source), b.Naive(key.source)
		table, err := b.Atlas.Load(s.read)
		if err != nil {
			return nil, err
		}
		s.base = table.Offset(from + (to-from)/2)
		bases := table.Offsets(from, to)
		var admissible []int32
		for _, o := range zone.Standing(courses) {
			s.zones[o.Seconds] = o.Zones
			for _, base := range bases {
				admissible = append(admissible, o.Seconds-base)
			}
		}
		s.estimate = zonefit.Fit(parts[key], admissible)
		s.verdict = s.estimate.Verdict
		s.mustSee, s.courses = b.mustSee, coursesAgainst(courses, table, from, to)
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
func (b *Zones) clockCourses(from, to int64) ([]zone.Course, error) {
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
func (b *Zones) eventSpan() (from, to int64, found bool) {
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		if s.EventMin == facts.NoTime || !b.Judged(b.FilePartition(s.File)) {
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
func (b *Zones) admissibleOffsets(from, to int64) ([]zone.Offset, error) {
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

// lagParts are the lag histograms of each source and writer by judged partition, in the order of the calendar.
func (b *Zones) lagParts() map[seriesKey][]zonefit.Part {
	coarse := b.coarseParts()
	parts := map[seriesKey][]zonefit.Part{}
	for population, h := range b.Collection.Lags {
		if h.Rows == 0 || !b.Judged(population.Partition) {
			continue
		}
		key := seriesKey{population.Source, population.Writer}
		parts[key] = append(parts[key], zonefit.Part{ID: population.Partition, Lags: h, Coarse: coarse[place{population.Partition, population.Source}]})
	}
	for _, list := range parts {
		slices.SortFunc(list, func(x, y zonefit.Part) int { return cmp.Compare(x.ID, y.ID) })
	}
	return parts
}

// coarseParts are the partitions and sources whose event times are mostly whole quarters of an hour.
func (b *Zones) coarseParts() map[place]bool {
	type share struct{ on, all int64 }
	shares := map[place]share{}
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		at := place{b.FilePartition(s.File), s.Source}
		sum := shares[at]
		shares[at] = share{sum.on + s.OnLattice, sum.all + s.Rows - s.EventNull - s.EventUnparsed - s.EventSentinel}
	}
	coarse := map[place]bool{}
	for at, s := range shares {
		coarse[at] = 2*s.on > s.all
	}
	return coarse
}

// twinsBlame says that shifted twins name the source and a population's offset. Where the population is not all of its source,
// a few twins do not speak for the rest of it.
func (b *Zones) twinsBlame(s zoneSeries, p zonefit.Population, whole bool) bool {
	const leastPart = 10
	twins, err := b.supportedTwins()
	return err == nil && slices.ContainsFunc(twins, func(t twin) bool {
		return t.known && t.wrong == s.source && t.offset == p.Seconds && (whole && t.A != t.B || leastPart*t.keys() >= p.Rows)
	})
}

// nameBySteps narrows the candidate zones by the clock changes that the populations show.
func (b *Zones) nameBySteps(s *zoneSeries) bool {
	named := false
	for _, step := range s.estimate.Steps() {
		before, okBefore := step.Before.Last()
		after, okAfter := step.After.First()
		first, datedFirst := b.Partition(before)
		last, datedLast := b.Partition(after)
		if !okBefore || !okAfter || !datedFirst || !datedLast || !first.Dated() || !last.Dated() {
			continue
		}
		// events lie around their partition by an offset: a day to each side finds the change for certain
		zones := b.Atlas.Stepping(s.offset(step.Before), s.offset(step.After), first.Start-dayMicros, last.End+dayMicros)
		if len(b.View.Zones) > 0 {
			zones = slices.DeleteFunc(zones, func(name string) bool { return !slices.Contains(b.View.Zones, name) })
		}
		if len(zones) == 0 {
			continue
		}
		named = true
		s.zones[s.offset(step.Before)], s.zones[s.offset(step.After)] = zones, zones
	}
	return named
}

const dayMicros = int64(24 * 3600 * 1_000_000)

// maxLag is the delay that is declared for a source, without what its ttl implies.
func (b *Zones) maxLag(source string) (int64, bool) {
	return evidence.FirstPositive(b.DeclaredSources[source].MaxLag, b.View.MaxLag)
}

// allowedDelay says that the declared max_lag covers an offset, so that it needs no zone to explain it.
func (b *Zones) allowedDelay(s zoneSeries, seconds int32) bool {
	limit, declared := b.maxLag(s.source)
	return declared && seconds < 0 && -int64(seconds)*1_000_000 <= limit
}

// brokenMaxLag says that a population breaks the declared max_lag as it is read and keeps it when corrected.
func (b *Zones) brokenMaxLag(s zoneSeries) bool {
	limit, declared := b.maxLag(s.source)
	if !declared {
		return false
	}
	median, found := b.medianLag(s)
	largest, has := s.estimate.Largest()
	if !found || !has {
		return false
	}
	corrected := median + int64(largest.Seconds)*1_000_000
	return median > limit && corrected <= limit
}

func (b *Zones) medianLag(s zoneSeries) (int64, bool) {
	merged := facts.NewLagHistogram()
	for population, h := range b.Collection.Lags {
		if population.Source == s.source && population.Writer == s.writer && b.Judged(population.Partition) {
			merged.Merge(h)
		}
	}
	low, _, ok := merged.Quantile(0.5)
	return low, ok
}

// fitsPartitionsAtOffset says that the source's rows lie outside their partitions as they are read, and in them when
// they are corrected. Partitions whose date means something else than event time cannot tell.
func (b *Zones) fitsPartitionsAtOffset(s zoneSeries, p zonefit.Population) bool {
	if evidence.Meaning(b.View) != model.OfEventTime {
		return false
	}
	at := p.Seconds
	var ladders []evidence.Ladder
	for population, h := range b.Collection.Events {
		p, dated := b.Partition(population.Partition)
		if population.Source == s.source && dated && p.Dated() && b.Judged(population.Partition) {
			ladders = append(ladders, evidence.NewLadder(p, h))
		}
	}
	asRead, total := evidence.Fit(ladders, 0)
	// an event that is corrected moves west by its offset, as a calendar moves that is more west by it
	corrected, _ := evidence.Fit(ladders, int(-at/60))
	if total == 0 || float64(corrected) < fittingShare*float64(total) || float64(asRead) >= fittingShare*float64(total) {
		return false
	}
	// partitions of another calendar lie nearly right an hour beside it: what fits best is what they are
	from, to, _ := b.eventSpan()
	return !slices.ContainsFunc(b.Atlas.RealOffsets(from, to), func(o zone.Offset) bool {
		rows, _ := evidence.Fit(ladders, int(-o.Seconds/60))
		return rows > corrected
	})
}

// candidates names up to three zones at a population's offset.
func (s zoneSeries) candidates(p zonefit.Population) string {
	names := s.zones[s.offset(p)]
	if len(names) == 0 {
		return "no zone of the list"
	}
	return words.Examples(names)
}

// decisive names what a declaration of would decide: no zone moves an aware time, and no delay makes a row early.
func (s zoneSeries) decisive() string {
	var offsets []int32
	for _, p := range s.open {
		offsets = append(offsets, p.Seconds)
	}
	for _, g := range s.writers.Refused {
		if g.Share >= s.mustSee {
			offsets = append(offsets, g.Seconds)
		}
	}
	ahead := slices.ContainsFunc(offsets, func(o int32) bool { return o > 0 })
	var ways []string
	if !ahead || slices.ContainsFunc(offsets, func(o int32) bool { return o < 0 }) {
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

// untoldShort is untold in a few words, for a message that has findings to tell first.
func (s zoneSeries) untoldShort() string {
	e := s.estimate
	switch {
	case s.verdict == zonefit.Ambiguous:
		return "ambiguous"
	case s.blind:
		return "an offset would have been seen from " + seenInWords(s.detectable()) + " on"
	case 2*e.CoarseRows > e.Rows:
		return "clock too coarse"
	case e.Told == 0:
		return "lags spread over " + words.Duration(e.SpreadMicros)
	}
	return "no population stands out"
}

func verdictText(v zonefit.Verdict) string {
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

// populationSlices are the files, by path, that may hold rows of a population: those of its source and writer in its
// partitions, whose lags reach into its window.
func (b *Zones) populationSlices(s zoneSeries, p zonefit.Population) []int32 {
	from, to := p.Window()
	var files []int32
	for i := range b.Collection.Slices {
		slice := &b.Collection.Slices[i]
		partition := b.FilePartition(slice.File)
		if slice.Source != s.source || slice.LagRows == 0 || !b.Judged(partition) || b.Survey.Files[slice.File].Writer != s.writer {
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

// rounded keeps four digits after the point: estimates claim no more.
func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// seenInWords says what share of rows at another offset would have been seen, and by what.
func seenInWords(share float64) string {
	return strconv.FormatFloat(math.Ceil(share*1000)/10, 'f', -1, 64) + " %"
}
