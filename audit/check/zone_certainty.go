package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
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
func (b *judging) zonesInDoubt() bool {
	if slices.ContainsFunc(b.SeenSources, b.Naive) {
		return true
	}
	series, err := b.Series()
	return err == nil && slices.ContainsFunc(series, func(s zoneproof.Series) bool { return s.Verdict == zonefit.Mixed })
}

// zoneWords says on which zones a verdict depends: those on each side, where they are known.
func zoneWords(c Check, r report.Result) string {
	if everywhere, counted := r.Measures.Count("stale_in_every_zone"); counted {
		somewhere, _ := r.Measures.Count("stale_in_some_zone")
		if everywhere == somewhere {
			return "this depends on the zone of the writers: mixed-zones found another than the one read"
		}
		return fmt.Sprintf("this depends on the zone of the writers: between %s and %s are stale", words.Number(everywhere), words.Count(somewhere, "entity"))
	}
	stale, known := r.Measures.Counts("zone_stale_offset_minutes")
	fresh, _ := r.Measures.Counts("zone_fresh_offset_minutes")
	if !known {
		return dependsOnZones
	}
	return fmt.Sprintf("this depends on the zone of the writers: %s at %s, %s at %s", cmp.Or(c.late, "stale"), offsetsInWords(stale), cmp.Or(c.timely, "fresh"),
		offsetsInWords(fresh))
}

func offsetsInWords(minutes []int64) string {
	names := make([]string, len(minutes))
	for i, m := range minutes {
		names[i] = zone.OffsetText(times.Offset(m * 60))
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
func (b *judging) zoneCertainty(c Check, measures map[string]any) string {
	if !c.clocked {
		return ""
	}
	if bounds, known := b.staleBounds(c); known {
		if bounds.Certain() {
			return zoneCertain
		}
		measures["zone_stale_offset_minutes"], measures["zone_fresh_offset_minutes"] = report.List(bounds.Stale), report.List(bounds.Fresh)
		return zoneDepends
	}
	if c.certain != nil {
		if certain, known := c.certain(b.viewEvidence); known && certain {
			return zoneCertain
		} else if known {
			return zoneDepends
		}
	}
	known := true
	for _, f := range b.Encoded {
		for e := range f.Rows.All() {
			if !evidence.IsNaive(e) {
				continue
			}
			zones := b.ZonesOf(f)
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

// staleBounds bounds the verdict of a check that has feeds; ok is false where the facts do not say.
func (b *judging) staleBounds(c Check) (z zoneproof.Bounds, ok bool) {
	if c.feeds == nil || b.Policy(c.ID).MaxFraction != nil {
		return z, false
	}
	subjects, ok := c.feeds(b.Zones)
	if !ok {
		return z, false
	}
	return zoneproof.Bound(subjects), len(subjects) > 0
}
