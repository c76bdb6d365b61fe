package collect

import (
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// rowPolicy is how the rows of one source are read and judged.
type rowPolicy struct {
	event, ingested         model.TimeColumn
	eventZone, ingestedZone string
	zone                    string
	lagLimit                times.Span
}

// sourcePolicy merges the view's policy with the overrides of a source.
func sourcePolicy(v model.View, name string) rowPolicy {
	p := rowPolicy{event: v.EventTime, ingested: v.IngestedAt, zone: v.Zone, lagLimit: facts.LagLimit(v, model.SourcePolicy{})}
	for _, s := range v.Sources {
		if s.Name != name {
			continue
		}
		if s.EventTime.Declared() {
			p.event = s.EventTime
		}
		if s.IngestedAt.Declared() {
			p.ingested = s.IngestedAt
		}
		p.zone = firstZone(s.Zone, v.Zone)
		p.lagLimit = facts.LagLimit(v, s)
	}
	p.eventZone = firstZone(p.event.Zone, p.zone)
	p.ingestedZone = firstZone(p.ingested.Zone, p.zone)
	return p
}

// read is how a time column of a key is read: as the source's own event or ingest time where it is one of them.
func (p rowPolicy) read(k keyTime) (column model.TimeColumn, zone string) {
	switch k.column.Column {
	case p.event.Column:
		return p.event, p.eventZone
	case p.ingested.Column:
		return p.ingested, p.ingestedZone
	}
	if k.written {
		return k.column, ""
	}
	return k.column, firstZone(k.column.Zone, p.zone)
}

func firstZone(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
