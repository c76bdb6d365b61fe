package check

import (
	"errors"
	"fmt"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

var staleEntities = Check{
	ID:            "stale-entities",
	Title:         "Entities whose newest row has expired.",
	Why:           "A point-in-time join gives such an entity null features, which a model takes for a value of its own.",
	Fix:           "Find out why the entities are no longer updated; if idle ones are normal, declare how many with max_fraction.",
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
	certain:       (*viewEvidence).entitiesCertain,
	applies:       func(b *viewEvidence) string { return needsAsOf(b, "stale-entities") },
	severityWords: "error with a declared max_fraction, else warn",
	severity: func(b *viewEvidence) report.Severity {
		if b.Policy("stale-entities").MaxFraction == nil {
			return report.SeverityWarn
		}
		return report.SeverityError
	},
	nothing:   always("no entity has a row at or before as_of"),
	judge:     judgeStaleEntities,
	reproduce: reproduce.StaleEntities,
	bad: func(b *viewEvidence) string {
		return fmt.Sprintf("have no row younger than the ttl of %s", ttlText(b.View.TTL.Duration)) + b.entityStamps()
	},
	good: func(b *viewEvidence) string {
		return fmt.Sprintf("have a row younger than the ttl of %s", ttlText(b.View.TTL.Duration)) + b.entityStamps()
	},
	detail: func(b *viewEvidence, v verdict) string {
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

func judgeStaleEntities(b *viewEvidence) (verdict, error) {
	e := b.Collection.Entities
	if e == nil && b.NoRows() {
		return verdict{}, nil
	}
	if e == nil {
		return verdict{}, errors.New("the scan collected no entities; this is a bug of featureaudit, please report it")
	}
	everywhere, somewhere, _ := b.EntityBounds()
	stale, meant := e.Stale, false
	if shift, proved := b.EntityShift(); proved {
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

// entitiesCertain says whether the verdict is the same in every zone; ok is false where no entity was looked at.
func (b *viewEvidence) entitiesCertain() (certain, ok bool) {
	e := b.Collection.Entities
	if e == nil {
		return false, false
	}
	if _, proved := b.EntityShift(); proved {
		return true, true
	}
	everywhere, somewhere, known := b.EntityBounds()
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
func (b *viewEvidence) entityStamps() string {
	if b.Collection.Entities == nil {
		return ""
	}
	if _, proved := b.EntityShift(); !proved {
		return ""
	}
	return b.provedStamps()
}
