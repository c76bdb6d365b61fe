package facts

import (
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Staleness is when the rows of one partition had expired at their reference instant. times.None stands for no limit.
type Staleness struct {
	// Before: an earlier event time had expired.
	Before times.Instant
	// Lag: a row that took longer from event to ingest had expired when it came.
	Lag times.Span
	// Unreferenced says that rows are judged, and that there is no partition with a date to judge them at.
	Unreferenced bool
}

// StalenessOf is that of a view's partition, which is nil where the view has none. A snapshot restates its
// rows, so that none of them is stale.
func StalenessOf(v model.View, p *Partition, asOf times.Instant) Staleness {
	s := Staleness{Before: times.None, Lag: times.None}
	if !v.TTL.Effective() || v.TimePartition.Of == model.OfSnapshot {
		return s
	}
	if v.StaleReference() == model.ReferenceIngestedAt {
		s.Lag = times.SpanOf(v.TTL.Duration)
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
func ExpiredBefore(v model.View, p *Partition, asOf times.Instant) (before times.Instant, ok bool) {
	ttl, dated := times.SpanOf(v.TTL.Duration), p != nil && p.Dated()
	switch reference := v.StaleReference(); {
	case reference == model.ReferenceAsOf:
		return asOf.Add(-ttl), true
	case reference == model.ReferencePartitionStart && dated:
		return p.Start.Add(-ttl), true
	case reference == model.ReferencePartitionEnd && dated:
		return min(p.End, asOf).Add(-max(ttl, p.End.Sub(p.Start))), true
	}
	return times.None, false
}

// Of says whether a row had expired, by its event time and, where its ingest time is known, its lag; unreferenced that it has no
// reference to be judged at.
func (s Staleness) Of(event times.Instant, lag times.Span, ingested bool) (stale, unreferenced bool) {
	if s.Lag != times.None {
		return ingested && lag > s.Lag, !ingested
	}
	return event < s.Before, s.Unreferenced
}

// LagLimit is how late the rows of a source may arrive, whose policy is zero where it is not declared: its max_lag, else the view's, else
// the ttl. times.None stands for no limit; one of nanoseconds is a limit too.
func LagLimit(v model.View, s model.SourcePolicy) times.Span {
	for _, limit := range []time.Duration{s.MaxLag, v.MaxLag, v.TTL.Duration} {
		if limit > 0 {
			return times.SpanOf(limit)
		}
	}
	return times.None
}
