package check

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/model"
)

// The answers to whether a verdict rests on a zone that is not known.
const (
	zoneCertain = "certain"
	zoneDepends = "depends"
)

// dependsOnZones qualifies every verdict that rests on a zone that is not known.
const dependsOnZones = "this depends on the zones of the devices, whose times are read as UTC"

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
	if e := b.Collection.Entities; c.ID == "stale-entities" && e != nil && e.StaleEverywhere != e.StaleSomewhere {
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
