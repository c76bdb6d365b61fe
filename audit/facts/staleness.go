package facts

import "github.com/featureaudit/featureaudit/audit/model"

// Staleness is when the rows of one partition had expired at their reference instant. NoTime stands for no limit.
type Staleness struct {
	// Before, in microseconds UTC: an earlier event time had expired.
	Before int64
	// Lag, in microseconds: a row that took longer from event to ingest had expired when it came.
	Lag int64
	// Unreferenced says that rows are judged, and that there is no partition with a date to judge them at.
	Unreferenced bool
}

// StalenessOf is that of a view's partition, which is nil where the view has none; as_of is in microseconds UTC. A snapshot restates
// its rows, so that none of them is stale.
func StalenessOf(v model.View, p *Partition, asOf int64) Staleness {
	s := Staleness{Before: NoTime, Lag: NoTime}
	if !v.TTL.Effective() || v.TimePartition.Of == model.OfSnapshot {
		return s
	}
	if v.StaleReference() == model.ReferenceIngestedAt {
		s.Lag = v.TTL.Duration.Microseconds()
		return s
	}
	before, known := ExpiredBefore(v, p, asOf)
	if known {
		s.Before = before
	}
	s.Unreferenced = !known && v.StaleReference() != model.ReferenceDefault
	return s
}

// ExpiredBefore is the instant before which an event time of a partition had expired at the view's reference, whatever the ttl; ok is
// false where the reference is the row's own, or there is none.
func ExpiredBefore(v model.View, p *Partition, asOf int64) (micros int64, ok bool) {
	ttl, dated := v.TTL.Duration.Microseconds(), p != nil && p.Dated()
	switch reference := v.StaleReference(); {
	case reference == model.ReferenceAsOf:
		return asOf - ttl, true
	case reference == model.ReferencePartitionStart && dated:
		return p.Start - ttl, true
	case reference == model.ReferencePartitionEnd && dated:
		return min(p.End, asOf) - max(ttl, p.End-p.Start), true
	}
	return NoTime, false
}

// Of says whether a row had expired, by its event time and, where its ingest time is known, its lag; unreferenced that it has no
// reference to be judged at.
func (s Staleness) Of(event, lag int64, ingested bool) (stale, unreferenced bool) {
	if s.Lag != NoTime {
		return ingested && lag > s.Lag, !ingested
	}
	return event < s.Before, s.Unreferenced
}
