package check

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// zoneBounds judges staleness once for each zone that a source's times may have been stamped in: a ttl verdict that is the
// same in all of them is certain, whichever is true.
type zoneBounds struct {
	// everywhere: stale whatever the zones are. somewhere: stale if the zones are the worst ones.
	everywhere, somewhere bool
	// stale and fresh are the offsets, in minutes, on each side.
	stale, fresh []int64
}

func (z zoneBounds) certain() bool { return z.everywhere || !z.somewhere }

// feed is one source as staleness sees it.
type feed struct {
	// candidates are the offsets, in seconds east of the zone read, that its times may have been stamped at.
	candidates []int32
	// stale says whether it is stale for sure, and whether it may be, if that is its offset.
	stale func(east int64) (sure, maybe bool)
}

// bound bounds what the feeds of subjects say: the verdict is that some subject is stale, all of whose feeds are.
func bound(subjects [][]feed) zoneBounds {
	z := zoneBounds{}
	for _, subject := range subjects {
		z.everywhere = z.everywhere || !slices.ContainsFunc(subject, func(f feed) bool { return !f.always() })
		z.somewhere = z.somewhere || !slices.ContainsFunc(subject, func(f feed) bool { return !f.ever() })
	}
	for _, east := range allCandidates(subjects) {
		isStale := slices.ContainsFunc(subjects, func(subject []feed) bool {
			return !slices.ContainsFunc(subject, func(f feed) bool { return !f.at(east) })
		})
		if isStale {
			z.stale = append(z.stale, int64(east/60))
		} else {
			z.fresh = append(z.fresh, int64(east/60))
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

func (f feed) always() bool {
	return !slices.ContainsFunc(f.candidates, func(east int32) bool { sure, _ := f.stale(int64(east)); return !sure })
}

func (f feed) ever() bool {
	return slices.ContainsFunc(f.candidates, func(east int32) bool { _, maybe := f.stale(int64(east)); return maybe })
}

// at is the verdict at an offset, if that is one of the feed's, else as it is read.
func (f feed) at(east int32) bool {
	if !slices.Contains(f.candidates, east) {
		east = 0
	}
	_, maybe := f.stale(int64(east))
	return maybe
}

func allCandidates(subjects [][]feed) []int32 {
	var all []int32
	for _, subject := range subjects {
		for _, f := range subject {
			all = append(all, f.candidates...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// ageFeeds are the subjects of stale-view: each declared source alone, and the view by all of its sources.
func (b *Zones) ageFeeds() (subjects [][]feed, ok bool) {
	for _, s := range b.View.Sources {
		if limit, has := evidence.AgeLimit(b.View, s); has && !b.Retired(s) {
			subjects = append(subjects, []feed{b.ageFeed(s.Name, limit)})
		}
	}
	limit, has := evidence.AgeLimit(b.View, model.SourcePolicy{})
	if !has || b.AllSourcesDeclared() {
		return subjects, true
	}
	var view []feed
	for _, name := range b.SeenSources {
		view = append(view, b.ageFeed(name, limit))
	}
	if len(view) > 0 {
		subjects = append(subjects, view)
	}
	return subjects, true
}

// ageFeed says whether a source's newest event is too old. A future row may be the newest one once it is corrected.
func (b *Zones) ageFeed(source string, limit int64) feed {
	known, future := b.NewestOf(source)
	if proved, whole := b.provedWhole(source); whole {
		// every row is moved: the newest is the newest as it is read, wherever that lies
		stale := b.AsOf-(max(known, future)-int64(proved)*1_000_000) > limit
		return feed{candidates: []int32{proved}, stale: func(int64) (sure, maybe bool) { return stale, stale }}
	}
	return feed{candidates: b.candidates(source), stale: func(east int64) (sure, maybe bool) {
		shift := east * 1_000_000
		if known == facts.NoTime && future != facts.NoTime && east > 0 && b.allOpenAt(source, int32(east)) {
			stale := b.AsOf-min(future-shift, b.AsOf) > limit
			return stale, stale
		}
		if known == facts.NoTime {
			return future == facts.NoTime, true
		}
		oldest, newest := known-shift, known-shift
		if east > 0 && future != facts.NoTime {
			newest = max(newest, min(future-shift, b.AsOf))
		}
		return b.AsOf-newest > limit, b.AsOf-oldest > limit
	}}
}

// allOpenAt says that all rows of a source are at one offset, or ahead of their arrival by as much, and nothing says which.
func (b *Zones) allOpenAt(source string, east int32) bool {
	series, err := b.zoneEvidence()
	return err == nil && slices.ContainsFunc(series, func(s zoneSeries) bool {
		return s.source == source && len(s.open) == 1 && s.open[0].Seconds == east && s.open[0].Share >= provedShare
	})
}

// rowFeeds are the subjects of stale-rows: each source. Rows are counted by their histograms: exactly where a limit lies
// on a whole bin, within bounds elsewhere.
func (b *Zones) rowFeeds() ([][]feed, bool) {
	if evidence.IsSnapshot(b.View) {
		return nil, false
	}
	var subjects [][]feed
	ttl := b.View.TTL.Duration.Microseconds()
	for _, name := range b.SeenSources {
		f := feed{candidates: b.candidates(name)}
		switch b.View.StaleReference() {
		case model.ReferenceIngestedAt:
			f.stale = b.staleByLag(name, ttl)
		case model.ReferencePartitionEnd, model.ReferencePartitionStart, model.ReferenceAsOf:
			if len(b.Collection.Events) == 0 {
				return nil, false
			}
			f.stale = b.staleByEvent(name)
		default:
			return nil, false
		}
		subjects = append(subjects, []feed{f})
	}
	return subjects, true
}

// lagFeeds are the subjects of source-lag: each source that has a limit. They say nothing new unless some source is proved to be
// stamped at one offset: then its lags are as long as they are read, or as they are meant.
func (b *Zones) lagFeeds() ([][]feed, bool) {
	var subjects [][]feed
	proved := false
	for _, name := range b.SeenSources {
		limit, has := evidence.LagLimit(b.View, b.DeclaredSources[name])
		if !has {
			continue
		}
		_, whole := b.provedWhole(name)
		proved = proved || whole
		subjects = append(subjects, []feed{{candidates: b.candidates(name), stale: b.staleByLag(name, limit)}})
	}
	return subjects, proved
}

// staleByLag: a corrected event is so much older as its lag is longer.
func (b *Zones) staleByLag(source string, ttl int64) func(int64) (bool, bool) {
	return func(east int64) (sure, maybe bool) {
		least := ttl - east*1_000_000
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
func (b *Zones) staleByEvent(source string) func(int64) (bool, bool) {
	return func(east int64) (sure, maybe bool) {
		for population, h := range b.Collection.Events {
			limit, has := facts.ExpiredBefore(b.View, b.PartitionOf(population.Partition), b.AsOf)
			if population.Source != source || !has || !b.Judged(population.Partition) {
				continue
			}
			limit += east * 1_000_000
			for bin := range h.Counts {
				low := int64(bin) * facts.EventBinMicros
				sure, maybe = sure || low+facts.EventBinMicros <= limit, maybe || low < limit
			}
		}
		return sure, maybe
	}
}

// provedWhole is the one offset at which all writers of a source are proved to stamp, in seconds east of the zone read; false
// where there is none or several.
func (b *Zones) provedWhole(source string) (east int32, proved bool) {
	east, _, proved = b.provedOffset(source)
	return east, proved
}

// provedOffset is provedWhole with the offset from UTC.
func (b *Zones) provedOffset(source string) (east, fromUTC int32, proved bool) {
	series, err := b.zoneEvidence()
	if err != nil {
		return 0, 0, false
	}
	for _, s := range series {
		if s.source != source {
			continue
		}
		largest, has := s.estimate.Largest()
		if s.verdict != zonefit.Mixed || !has || largest.Seconds == 0 || largest.Share < provedShare || proved && largest.Seconds != east || len(s.open) > 0 {
			return 0, 0, false
		}
		east, fromUTC, proved = largest.Seconds, s.offset(largest), true
	}
	return east, fromUTC, proved
}

// provedShare is the share of a source's rows at one offset that is all of it.
const provedShare = 0.999

// candidates are the offsets that a source's times may have been stamped at: the zone read and those that its lags show;
// where they show nothing, all that were in use if its times are naive and nobody says whose they are, else the zone read
// alone.
func (b *Zones) candidates(source string) []int32 {
	offsets, told := b.shown(source)
	if !told {
		offsets = append(offsets, b.allOffsets()...)
	}
	slices.Sort(offsets)
	return slices.Compact(offsets)
}

// shown are the zone read and the offsets that a source's lags and writers show; told is false where naive times may lie at any
// other as well.
func (b *Zones) shown(source string) (offsets []int32, told bool) {
	offsets = []int32{0}
	open := b.StampedByDevices(source)
	if _, proved := b.provedWhole(source); proved {
		open = false
	}
	series, err := b.zoneEvidence()
	for _, s := range series {
		if err != nil || s.source != source {
			continue
		}
		switch s.verdict {
		case zonefit.Mixed, zonefit.Ambiguous:
			for _, p := range slices.Concat(s.estimate.Populations, s.open) {
				offsets = append(offsets, p.Seconds)
			}
			for _, g := range s.writers.Refused {
				if g.Share >= s.mustSee {
					offsets = append(offsets, g.Seconds)
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

func (b *Zones) allOffsets() []int32 {
	from, to, found := b.eventSpan()
	if !found {
		return nil
	}
	real, err := b.admissibleOffsets(from, to)
	if err != nil {
		return nil
	}
	var offsets []int32
	for _, o := range real {
		offsets = append(offsets, o.Seconds)
	}
	return offsets
}
