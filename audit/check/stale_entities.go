package check

import (
	"errors"
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

var staleEntities = Check{
	ID:            "stale-entities",
	Title:         "Entities whose newest row has expired.",
	Why:           "A point-in-time join gives such an entity null features, which a model takes for a value of its own.",
	Fix:           "Find out why the entities are no longer updated; where idle ones are normal, declare the max_fraction that is.",
	Since:         "0.1",
	rule:          staleEntitiesRule,
	Scope:         ScopeView,
	Severity:      report.SeverityError,
	Evidence:      report.Certain,
	Unit:          UnitEntities,
	Needs:         Needs{Files: true, EventTime: true, TTL: true, Entity: true},
	Wants:         facts.WantTimes | facts.WantEntities,
	idle:          func(v model.View) bool { return !v.TTL.Effective() || len(v.Entity) == 0 },
	Fractional:    true,
	WholeView:     true,
	clocked:       true,
	certain:       (*brief).entitiesCertain,
	applies:       func(b *brief) string { return needsAsOf(b, "stale-entities") },
	severityWords: "error with a declared max_fraction, else warn",
	severity: func(b *brief) report.Severity {
		if b.Policy("stale-entities").MaxFraction == nil {
			return report.SeverityWarn
		}
		return report.SeverityError
	},
	nothing:   always("no entity has a row at or before as_of"),
	judge:     judgeStaleEntities,
	reproduce: (*Statements).reproduceStaleEntities,
	bad: func(b *brief) string {
		return fmt.Sprintf("have no row younger than the ttl of %s", ttlText(b.View.TTL.Duration)) + b.entityStamps()
	},
	good: func(b *brief) string {
		return fmt.Sprintf("have a row younger than the ttl of %s", ttlText(b.View.TTL.Duration)) + b.entityStamps()
	},
	detail: func(b *brief, v verdict) string {
		if b.Policy("stale-entities").MaxFraction != nil {
			return ""
		}
		return fmt.Sprintf("if so many idle entities are normal, declare it: checks: {stale-entities: {max_fraction: %s}}", words.RoundedUp(v.bad, v.total))
	},
}

const staleEntitiesRule = `Of each entity's rows with event_time <= as_of the newest is taken; the entity
is bad if as_of - event_time > ttl, which is when a point-in-time join gives
null. With time_partition.of: snapshot it is bad if no snapshot younger than
the ttl holds it. Entities that only have rows after as_of are counted apart.`

func judgeStaleEntities(b *brief) (verdict, error) {
	e := b.Collection.Entities
	if e == nil && b.NoRows() {
		return verdict{}, nil
	}
	if e == nil {
		return verdict{}, errors.New("the scan collected no entities; this is a bug of featureaudit, please report it")
	}
	everywhere, somewhere, _ := b.entityBounds()
	stale, meant := e.Stale, false
	if shift, proved := b.entityShift(); proved {
		// every event is moved alike: what was meant is counted, not what is read
		stale, meant = e.StaleBy(shift)
		everywhere, somewhere = stale, stale
	}
	measures := map[string]any{"entities": e.Judged, "stale_entities": stale, "only_after_as_of": e.OnlyAfter, "null_rows": e.NullRows,
		"stale_in_every_zone": everywhere, "stale_in_some_zone": somewhere}
	if meant {
		measures["stale_as_read"] = e.Stale
	}
	if e.Judged > 0 {
		measures["oldest_newest_event_time"] = evidence.InstantOrNil(e.OldestNewest)
	}
	return verdict{rows: []row{{total: e.Judged, bad: stale}}, measures: measures}, nil
}

// entityShift is by how many seconds every event of a view is stamped east of the zone read, where all writers of all its sources are
// proved to be there, and nothing hides behind as_of: an entity's newest event as it is read is then its newest in truth.
func (b *Zones) entityShift() (seconds int64, proved bool) {
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
	_, known := b.Collection.Entities.StaleBy(int64(first))
	return int64(first), known
}

// provedShift is entityShift in microseconds, and 0 where none is proved.
func (b *Zones) provedShift() int64 {
	if b.Collection.Entities == nil {
		return 0
	}
	seconds, _ := b.entityShift()
	return seconds * 1_000_000
}

// beyondAsOf says whether rows are read after as_of, and whether files were written after it, which may hold some in truth.
func (b *Zones) beyondAsOf() (after, late bool) {
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		if s.EventMax == facts.NoTime {
			continue
		}
		after = after || s.EventMax > b.AsOf
		late = late || b.Survey.Files[s.File].ModTime > b.AsOf
	}
	return after, late
}

// entityBounds are the least and the most entities that are stale, whichever zones the times were stamped in: by the offsets that
// lags and writers leave open for each source, or those of the scan where they tell nothing. known is false where neither does: an
// aware or declared time is not what it says, and how many lie behind as_of is not known.
func (b *Zones) entityBounds() (everywhere, somewhere int64, known bool) {
	e := b.Collection.Entities
	if !b.zonesOpen() || evidence.IsSnapshot(b.View) {
		return e.Stale, e.Stale, true
	}
	var west, east int64
	told := true
	for i, source := range b.SeenSources {
		offsets, shown := b.shown(source)
		told = told && shown
		if shift, whole := b.provedWhole(source); whole {
			offsets = []int32{shift}
		}
		least, most := int64(slices.Min(offsets)), int64(slices.Max(offsets))
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
		if b.View.TTL.Duration.Microseconds() < east*1_000_000 {
			most += e.OnlyAfter
		}
	}
	return least, most, true
}

// entitiesCertain says whether the verdict is the same in every zone; ok is false where no entity was looked at.
func (b *brief) entitiesCertain() (certain, ok bool) {
	e := b.Collection.Entities
	if e == nil {
		return false, false
	}
	if _, proved := b.entityShift(); proved {
		return true, true
	}
	everywhere, somewhere, known := b.entityBounds()
	if !known {
		return false, true
	}
	allowed := 0.0
	if limit := b.Policy("stale-entities").MaxFraction; limit != nil {
		allowed = *limit * float64(e.Judged)
	}
	return float64(everywhere) > allowed || float64(somewhere) <= allowed, true
}

// entityStamps names the offsets by which entities were counted.
func (b *brief) entityStamps() string {
	if b.Collection.Entities == nil {
		return ""
	}
	if _, proved := b.entityShift(); !proved {
		return ""
	}
	return b.provedStamps()
}
