package check

import (
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// The answers to whether a verdict rests on a zone that is not known.
const (
	zoneCertain = "certain"
	zoneDepends = "depends"
)

// dependsOnZones qualifies every verdict that rests on a zone that is not known.
const dependsOnZones = "this depends on the zones of the devices, whose times are read as UTC"

// zonesInDoubt says whether people are told of zones at all: where some event time is naive, or mixed-zones shows that a
// writer stamps another zone. An aware time says when it was, and a lag that some zone might explain is no reason to doubt it.
func (b *brief) zonesInDoubt() bool {
	if slices.ContainsFunc(b.seen, b.naive) {
		return true
	}
	series, err := b.zoneEvidence()
	return err == nil && slices.ContainsFunc(series, func(s zoneSeries) bool { return s.verdict == zonefit.Mixed })
}

// zoneWords says on which zones a verdict depends: those on each side, where they are known.
func zoneWords(r report.Result) string {
	if everywhere, counted := r.Measures["stale_in_every_zone"].(int64); counted {
		somewhere := r.Measures["stale_in_some_zone"].(int64)
		if everywhere == somewhere {
			return "this depends on the zone of the writers: mixed-zones found another than the one read"
		}
		return fmt.Sprintf("this depends on the zone of the writers: between %s and %s are stale", words.Number(everywhere), words.Count(somewhere, "entity"))
	}
	stale, known := r.Measures["zone_stale_offset_minutes"].([]int64)
	fresh, _ := r.Measures["zone_fresh_offset_minutes"].([]int64)
	if !known {
		return dependsOnZones
	}
	bad, good := "stale", "fresh"
	if r.Check == sourceLagID {
		bad, good = "late", "in time"
	}
	return fmt.Sprintf("this depends on the zone of the writers: %s at %s, %s at %s", bad, offsetsInWords(stale), good, offsetsInWords(fresh))
}

func offsetsInWords(minutes []int64) string {
	names := make([]string, len(minutes))
	for i, m := range minutes {
		names[i] = zone.OffsetText(int32(m * 60))
	}
	if len(names) == 0 {
		return "none for certain"
	}
	return words.Examples(names)
}

// zoneCertainty says whether a verdict that compares event times with another clock depends on a zone: it does where a
// naive time was stamped in its device's own zone, which is read as UTC for want of a better.
//
// A verdict on staleness is judged in each zone that may be the true one, and depends only if they disagree: measures then
// hold the offsets on each side.
func (b *brief) zoneCertainty(c Check, measures map[string]any) string {
	if !c.clocked {
		return ""
	}
	if bounds, known := b.staleBounds(c); known {
		if bounds.certain() {
			return zoneCertain
		}
		measures["zone_stale_offset_minutes"], measures["zone_fresh_offset_minutes"] = filled(bounds.stale), filled(bounds.fresh)
		return zoneDepends
	}
	if c.ID == staleEntitiesID && b.Collection.Entities != nil {
		if b.entitiesCertain() {
			return zoneCertain
		}
		return zoneDepends
	}
	known := true
	for _, f := range b.encoded {
		for e := range f.rows {
			if !isNaive(e) {
				continue
			}
			zones := b.zones(f)
			if slices.Contains(zones, model.ZoneDevice) {
				return zoneDepends
			}
			known = known && !slices.Contains(zones, "")
		}
	}
	if !known {
		return ""
	}
	return zoneCertain
}

// staleBounds bounds stale-view and stale-rows, and source-lag where writers are proved to be elsewhere; ok is false where the facts do not say.
func (b *brief) staleBounds(c Check) (z zoneBounds, ok bool) {
	if b.policy(c.ID).MaxFraction != nil {
		return z, false
	}
	var subjects [][]feed
	switch {
	case c.ID == staleViewID:
		subjects = b.ageFeeds()
	case c.ID == staleRowsID && !isSnapshot(b.View):
		subjects, ok = b.rowFeeds()
		if !ok {
			return z, false
		}
	case c.ID == sourceLagID:
		if subjects, ok = b.lagFeeds(); !ok {
			return z, false
		}
	default:
		return z, false
	}
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
	return z, len(subjects) > 0
}

// entityBounds are the least and the most entities that are stale, whichever zones the times were stamped in: those of
// the scan, unless lags tell that every source stamps the zone that is read.
func (b *brief) entityBounds() (everywhere, somewhere int64) {
	e := b.Collection.Entities
	if !b.zonesOpen() {
		return e.Stale, e.Stale
	}
	return e.StaleEverywhere, e.StaleSomewhere
}

// entitiesCertain says whether the verdict on stale entities is the same in every zone.
func (b *brief) entitiesCertain() bool {
	e := b.Collection.Entities
	everywhere, somewhere := b.entityBounds()
	if b.zonesOpen() && !b.openNaive() && !isSnapshot(b.View) {
		return false // an aware or declared time is not what it says, and nobody knows by how much
	}
	allowed := 0.0
	if limit := b.policy(staleEntitiesID).MaxFraction; limit != nil {
		allowed = *limit * float64(e.Judged)
	}
	return float64(everywhere) > allowed || float64(somewhere) <= allowed
}
