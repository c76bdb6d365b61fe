package zoneproof

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// Bounds judges staleness once for each zone that a source's times may have been stamped in: a ttl verdict that is the
// same in all of them is certain, whichever is true.
type Bounds struct {
	// everywhere: stale whatever the zones are. somewhere: stale if the zones are the worst ones.
	everywhere, somewhere bool
	// Stale and fresh are the offsets, in minutes, on each side.
	Stale, Fresh []int64
}

func (z Bounds) Certain() bool { return z.everywhere || !z.somewhere }

// Feed is one source as staleness sees it.
type Feed struct {
	// Candidates are the offsets, east of the zone read, that its times may have been stamped at.
	candidates []times.Offset
	// Stale says whether it is stale for sure, and whether it may be, if that is its offset.
	stale func(east times.Offset) (sure, maybe bool)
}

// Bound bounds what the feeds of subjects say: the verdict is that some subject is stale, all of whose feeds are.
func Bound(subjects [][]Feed) Bounds {
	z := Bounds{}
	for _, subject := range subjects {
		z.everywhere = z.everywhere || !slices.ContainsFunc(subject, func(f Feed) bool { return !f.always() })
		z.somewhere = z.somewhere || !slices.ContainsFunc(subject, func(f Feed) bool { return !f.ever() })
	}
	for _, east := range allCandidates(subjects) {
		isStale := slices.ContainsFunc(subjects, func(subject []Feed) bool {
			return !slices.ContainsFunc(subject, func(f Feed) bool { return !f.at(east) })
		})
		if isStale {
			z.Stale = append(z.Stale, east.Minutes())
		} else {
			z.Fresh = append(z.Fresh, east.Minutes())
		}
	}
	return z
}

// zonesOpen says whether some source may have stamped another zone than the one read.
func (b *Zones) zonesOpen() bool {
	return slices.ContainsFunc(b.SeenSources, func(source string) bool { return len(b.candidates(source)) > 1 })
}

// openNaive says whether some source has naive times without a declared zone.
func (b *Zones) openNaive() bool {
	return slices.ContainsFunc(b.SeenSources, func(source string) bool { return b.StampedByDevices(source) || b.UndeclaredNaive(source) })
}

func (f Feed) always() bool {
	return !slices.ContainsFunc(f.candidates, func(east times.Offset) bool { sure, _ := f.stale(east); return !sure })
}

func (f Feed) ever() bool {
	return slices.ContainsFunc(f.candidates, func(east times.Offset) bool { _, maybe := f.stale(east); return maybe })
}

// at is the verdict at an offset, if that is one of the feed's, else as it is read.
func (f Feed) at(east times.Offset) bool {
	if !slices.Contains(f.candidates, east) {
		east = 0
	}
	_, maybe := f.stale(east)
	return maybe
}

func allCandidates(subjects [][]Feed) []times.Offset {
	var all []times.Offset
	for _, subject := range subjects {
		for _, f := range subject {
			all = append(all, f.candidates...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// AgeFeeds are the subjects of stale-view: each declared source alone, and the view by all of its sources.
func AgeFeeds(b *Zones) (subjects [][]Feed, ok bool) {
	for _, s := range b.View.Sources {
		if limit, has := evidence.AgeLimit(b.View, s); has && !b.Retired(s) {
			subjects = append(subjects, []Feed{ageFeed(b, s.Name, limit)})
		}
	}
	limit, has := evidence.AgeLimit(b.View, model.SourcePolicy{})
	if !has || b.AllSourcesDeclared() {
		return subjects, true
	}
	var view []Feed
	for _, name := range b.SeenSources {
		view = append(view, ageFeed(b, name, limit))
	}
	if len(view) > 0 {
		subjects = append(subjects, view)
	}
	return subjects, true
}

// ageFeed says whether a source's newest event is too old. A future row may be the newest one once it is corrected.
func ageFeed(b *Zones, source string, limit times.Span) Feed {
	known, future := b.NewestOf(source)
	if proved, whole := b.provedWhole(source); whole {
		// every row is moved: the newest is the newest as it is read, wherever that lies
		stale := b.AsOf.Sub(max(known, future).Add(-proved.Span())) > limit
		return Feed{candidates: []times.Offset{proved}, stale: func(times.Offset) (sure, maybe bool) { return stale, stale }}
	}
	return Feed{candidates: b.candidates(source), stale: func(east times.Offset) (sure, maybe bool) {
		shift := -east.Span()
		if !known.Known() && future.Known() && east > 0 && allOpenAt(b, source, east) {
			stale := b.AsOf.Sub(min(future.Add(shift), b.AsOf)) > limit
			return stale, stale
		}
		if !known.Known() {
			return !future.Known(), true
		}
		oldest, newest := known.Add(shift), known.Add(shift)
		if east > 0 && future.Known() {
			newest = max(newest, min(future.Add(shift), b.AsOf))
		}
		return b.AsOf.Sub(newest) > limit, b.AsOf.Sub(oldest) > limit
	}}
}

// allOpenAt says that all rows of a source are at one offset, or ahead of their arrival by as much, and nothing says which.
func allOpenAt(b *Zones, source string, east times.Offset) bool {
	series, err := b.Series()
	return err == nil && slices.ContainsFunc(series, func(s Series) bool {
		return s.Source == source && len(s.Open) == 1 && s.Open[0].East == east && s.Open[0].Share >= provedShare
	})
}

// RowFeeds are the subjects of stale-rows: each source. Rows are counted by their histograms: exactly where a limit lies
// on a whole bin, within bounds elsewhere.
func RowFeeds(b *Zones) ([][]Feed, bool) {
	if evidence.IsSnapshot(b.View) {
		return nil, false
	}
	var subjects [][]Feed
	ttl := times.SpanOf(b.View.TTL.Duration)
	for _, name := range b.SeenSources {
		f := Feed{candidates: b.candidates(name)}
		switch b.View.StaleReference() {
		case model.ReferenceIngestedAt:
			f.stale = staleByLag(b, name, ttl)
		case model.ReferencePartitionEnd, model.ReferencePartitionStart, model.ReferenceAsOf:
			if len(b.Collection.Events) == 0 {
				return nil, false
			}
			f.stale = staleByEvent(b, name)
		default:
			return nil, false
		}
		subjects = append(subjects, []Feed{f})
	}
	return subjects, true
}

// LagFeeds are the subjects of source-lag: each source that has a limit. They say nothing new unless some source is proved to be
// stamped at one offset: then its lags are as long as they are read, or as they are meant.
func LagFeeds(b *Zones) ([][]Feed, bool) {
	var subjects [][]Feed
	proved := false
	for _, name := range b.SeenSources {
		limit, has := evidence.LagLimit(b.View, b.DeclaredSources[name])
		if !has {
			continue
		}
		_, whole := b.provedWhole(name)
		proved = proved || whole
		subjects = append(subjects, []Feed{{candidates: b.candidates(name), stale: staleByLag(b, name, limit)}})
	}
	return subjects, proved
}

// staleByLag: a corrected event is so much older as its lag is longer.
func staleByLag(b *Zones, source string, ttl times.Span) func(times.Offset) (bool, bool) {
	return func(east times.Offset) (sure, maybe bool) {
		least := ttl - east.Span()
		for population, h := range b.Collection.Lags {
			if population.Source != source || !b.Judged(population.Partition) {
				continue
			}
			for bin := range h.Counts {
				low, high := facts.LagBounds(bin)
				sure, maybe = sure || low > least, maybe || high-1 > least
			}
		}
		return sure, maybe
	}
}

// staleByEvent: a corrected event lies so much earlier as its writer's clock is east.
func staleByEvent(b *Zones, source string) func(times.Offset) (bool, bool) {
	return func(east times.Offset) (sure, maybe bool) {
		for population, h := range b.Collection.Events {
			limit, has := facts.ExpiredBefore(b.View, b.PartitionOf(population.Partition), b.AsOf)
			if population.Source != source || !has || !b.Judged(population.Partition) {
				continue
			}
			limit = limit.Add(east.Span())
			for bin := range h.Counts {
				low := times.Instant(times.Span(bin) * facts.EventBinWidth)
				sure, maybe = sure || low.Add(facts.EventBinWidth) <= limit, maybe || low < limit
			}
		}
		return sure, maybe
	}
}

// provedWhole is the one offset at which all writers of a source are proved to stamp, east of the zone read; false
// where there is none or several.
func (b *Zones) provedWhole(source string) (east times.Offset, proved bool) {
	east, _, proved = b.ProvedOffset(source)
	return east, proved
}

// ProvedOffset is provedWhole with the offset from UTC.
func (b *Zones) ProvedOffset(source string) (east, fromUTC times.Offset, proved bool) {
	series, err := b.Series()
	if err != nil {
		return 0, 0, false
	}
	for _, s := range series {
		if s.Source != source {
			continue
		}
		largest, has := s.Estimate.Largest()
		if s.Verdict != zonefit.Mixed || !has || largest.East == 0 || largest.Share < provedShare || proved && largest.East != east || len(s.Open) > 0 {
			return 0, 0, false
		}
		east, fromUTC, proved = largest.East, s.Offset(largest), true
	}
	return east, fromUTC, proved
}

// provedShare is the share of a source's rows at one offset that is all of it.
const provedShare = 0.999

// Candidates are the offsets that a source's times may have been stamped at: the zone read and those that its lags show;
// where they show nothing, all that were in use if its times are naive and nobody says whose they are, else the zone read
// Alone.
func (b *Zones) candidates(source string) []times.Offset {
	offsets, told := b.shown(source)
	if !told {
		offsets = append(offsets, b.allOffsets()...)
	}
	slices.Sort(offsets)
	return slices.Compact(offsets)
}

// shown are the zone read and the offsets that a source's lags and writers show; told is false where naive times may lie at any
// other as well.
func (b *Zones) shown(source string) (offsets []times.Offset, told bool) {
	offsets = []times.Offset{0}
	open := b.StampedByDevices(source)
	if _, proved := b.provedWhole(source); proved {
		open = false
	}
	series, err := b.Series()
	for _, s := range series {
		if err != nil || s.Source != source {
			continue
		}
		switch s.Verdict {
		case zonefit.Mixed, zonefit.Ambiguous:
			for _, p := range slices.Concat(s.Estimate.Populations, s.Open) {
				offsets = append(offsets, p.East)
			}
			for _, g := range s.Writers.Refused {
				if g.Share >= s.MustSee {
					offsets = append(offsets, g.East)
				}
			}
			told = true
		case zonefit.Clean:
			told = true
		default:
		}
	}
	return offsets, !open && (told || !b.UndeclaredNaive(source))
}

func (b *Zones) allOffsets() []times.Offset {
	from, to, found := b.eventSpan()
	if !found {
		return nil
	}
	real, err := b.admissibleOffsets(from, to)
	if err != nil {
		return nil
	}
	var offsets []times.Offset
	for _, o := range real {
		offsets = append(offsets, o.Offset)
	}
	return offsets
}

// EntityShift is how far every event of a view is stamped east of the zone read, where all writers of all its sources are
// proved to be there, and nothing hides behind as_of: an entity's newest event as it is read is then its newest in truth.
func (b *Zones) EntityShift() (east times.Offset, proved bool) {
	if evidence.IsSnapshot(b.View) || len(b.SeenSources) == 0 || !b.View.TTL.Effective() {
		return 0, false
	}
	first, _ := b.provedWhole(b.SeenSources[0])
	for _, source := range b.SeenSources {
		if east, whole := b.provedWhole(source); !whole || east != first {
			return 0, false
		}
	}
	after, late := b.beyondAsOf()
	if first > 0 && after || first < 0 && late {
		return 0, false
	}
	_, known := b.Collection.Entities.StaleBy(first)
	return first, known
}

// ProvedShift is EntityShift, and 0 where none is proved.
func (b *Zones) ProvedShift() times.Offset {
	if b.Collection.Entities == nil {
		return 0
	}
	east, _ := b.EntityShift()
	return east
}

// beyondAsOf says whether rows are read after as_of, and whether files were written after it, which may hold some in truth.
func (b *Zones) beyondAsOf() (after, late bool) {
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		if !s.EventMax.Known() {
			continue
		}
		after = after || s.EventMax > b.AsOf
		late = late || b.Survey.Files[s.File].ModTime > b.AsOf
	}
	return after, late
}

// EntityBounds are the least and the most entities that are stale, whichever zones the times were stamped in: by the offsets that
// lags and writers leave open for each source, or those of the scan where they tell nothing. known is false where neither does: an
// aware or declared time is not what it says, and how many lie behind as_of is not known.
func (b *Zones) EntityBounds() (everywhere, somewhere int64, known bool) {
	e := b.Collection.Entities
	if !b.zonesOpen() || evidence.IsSnapshot(b.View) {
		return e.Stale, e.Stale, true
	}
	var west, east times.Offset
	told := true
	for i, source := range b.SeenSources {
		offsets, shown := b.shown(source)
		told = told && shown
		if shift, whole := b.provedWhole(source); whole {
			offsets = []times.Offset{shift}
		}
		least, most := slices.Min(offsets), slices.Max(offsets)
		if i == 0 {
			west, east = least, most
		}
		west, east = min(west, least), max(east, most)
	}
	least, knownLeast := e.StaleBy(west)
	most, knownMost := e.StaleBy(east)
	after, late := b.beyondAsOf()
	if !told || !knownLeast || !knownMost || late && west < 0 {
		return e.StaleEverywhere, e.StaleSomewhere, b.openNaive()
	}
	if after && east > 0 {
		// what is read after as_of may be an entity's newest event in truth, and young or old
		least = 0
		if times.SpanOf(b.View.TTL.Duration) < east.Span() {
			most += e.OnlyAfter
		}
	}
	return least, most, true
}
