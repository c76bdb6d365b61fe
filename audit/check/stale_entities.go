package check

import (
	"errors"
	"fmt"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

var staleEntities = Check{
	ID:         "stale-entities",
	Title:      "Entities whose newest row has expired.",
	Why:        "A point-in-time join gives such an entity null features, which a model takes for a value of its own.",
	Fix:        "Find out why the entities are no longer updated; where idle ones are normal, declare the max_fraction that is.",
	Since:      "0.1",
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Certain,
	Unit:       UnitEntities,
	Needs:      Needs{Files: true, EventTime: true, TTL: true, Entity: true},
	Wants:      facts.WantTimes | facts.WantEntities,
	idle:       func(v model.View) bool { return !v.TTL.Effective() || len(v.Entity) == 0 },
	Fractional: true,
	WholeView:  true,
	clocked:    true,
	applies:    func(b *brief) string { return needsAsOf(b, "stale-entities") },
	severity: func(b *brief) report.Severity {
		if b.policy("stale-entities").MaxFraction == nil {
			return report.SeverityWarn
		}
		return report.SeverityError
	},
	nothing:   always("no entity has a row at or before as_of"),
	judge:     judgeStaleEntities,
	reproduce: (*brief).reproduceStaleEntities,
	bad: func(b *brief) string {
		return fmt.Sprintf("have no row younger than the ttl of %s", ttlText(b.View.TTL.Duration))
	},
	good: func(b *brief) string {
		return fmt.Sprintf("have a row younger than the ttl of %s", ttlText(b.View.TTL.Duration))
	},
	detail: func(b *brief, v verdict) string {
		if b.policy("stale-entities").MaxFraction != nil {
			return ""
		}
		return fmt.Sprintf("if so many idle entities are normal, declare it: checks: {stale-entities: {max_fraction: %s}}", roundedUp(v.bad, v.total))
	},
}

func judgeStaleEntities(b *brief) (verdict, error) {
	e := b.Collection.Entities
	if e == nil && b.noRows() {
		return verdict{}, nil
	}
	if e == nil {
		return verdict{}, errors.New("the scan collected no entities; this is a bug of featureaudit, please report it")
	}
	everywhere, somewhere := b.entityBounds()
	measures := map[string]any{"entities": e.Judged, "stale_entities": e.Stale, "only_after_as_of": e.OnlyAfter, "null_rows": e.NullRows,
		"stale_in_every_zone": everywhere, "stale_in_some_zone": somewhere}
	if e.Judged > 0 {
		measures["oldest_newest_event_time"] = instantOrNil(e.OldestNewest)
	}
	return verdict{rows: []row{{total: e.Judged, bad: e.Stale}}, measures: measures}, nil
}
