package collect

import (
	"context"
	"math"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// finishEntities judges the newest event of each entity, as it is read and as far as the zones are open.
func (c *collector) finishEntities(ctx context.Context) error {
	workers := max(1, c.request.Workers)
	partial := make([]facts.Entities, workers)
	for i := range partial {
		partial[i].OldestNewest = times.None
	}
	limit := c.clock.asOf.Add(-times.SpanOf(c.roles.view.TTL.Duration))
	expires := c.roles.view.TTL.Effective()
	var open openTimes
	if expires {
		open = c.openTimes(limit)
	}
	visits := keys.Visits{Each: func(worker int, latest int64) {
		e := &partial[worker]
		if latest == keys.Absent {
			e.OnlyAfter++
			return
		}
		newest := times.Instant(latest)
		e.Judged++
		if expires && newest < limit {
			e.Stale++
		}
		if expires {
			e.AddNear(newest.Sub(limit))
		}
		if expires && open.everywhere(newest) {
			e.StaleEverywhere++
		}
		if expires && open.somewhere(newest) {
			e.StaleSomewhere++
		}
		e.OldestNewest = e.OldestNewest.Earlier(newest)
	}}
	if c.settled != nil {
		visits.Beside = c.settled.apart
	}
	if c.settled.prepare(workers) {
		visits.Alone = c.settled.take
	}
	if err := c.newest.Visit(ctx, workers, visits); err != nil {
		return err
	}
	c.settled.end()
	total := facts.Entities{OldestNewest: times.None}
	for _, e := range partial {
		total.Judged += e.Judged
		total.Stale += e.Stale
		total.OnlyAfter += e.OnlyAfter
		for i, n := range e.Near {
			total.Near[i] += n
		}
		total.StaleEverywhere += e.StaleEverywhere
		total.StaleSomewhere += e.StaleSomewhere
		total.OldestNewest = total.OldestNewest.Earlier(e.OldestNewest)
	}
	if open.reachable {
		total.StaleSomewhere += total.OnlyAfter
	}
	for _, slice := range c.collection.Slices {
		total.NullRows += slice.EntityNull
	}
	c.collection.Entities = &total
	return nil
}

// openTimes bounds what zones that nobody declared can make of an entity's newest event as it is read. The truth lies
// between west and east: an event read at t happened between t - east and t - west, each row by itself.
type openTimes struct {
	// An entity is stale in every zone if its newest event is before sureBefore, and may be in some if it is before
	// maybeBefore, or after aheadAfter: where that event happens after as_of, an older one counts.
	sureBefore, maybeBefore, aheadAfter times.Instant
	// reachable says that rows that are read after as_of may have expired before it.
	reachable bool
}

func (o openTimes) everywhere(newest times.Instant) bool { return newest < o.sureBefore }

func (o openTimes) somewhere(newest times.Instant) bool {
	return newest < o.maybeBefore || newest > o.aheadAfter
}

// openTimes looks for naive times without a zone. Where there are none, both bounds are the limit itself.
func (c *collector) openTimes(limit times.Instant) openTimes {
	certain := openTimes{sureBefore: limit, maybeBefore: limit, aheadAfter: math.MaxInt64}
	var open, after, late bool
	for i := range c.collection.Slices {
		s := &c.collection.Slices[i]
		if !c.openSlice(s) {
			continue
		}
		open = true
		after = after || s.EventMax > c.clock.asOf
		late = late || c.survey.Files[s.File].ModTime > c.clock.asOf
	}
	if !open {
		return certain
	}
	var west, east times.Span
	for _, seconds := range c.offsets() {
		offset := times.Offset(seconds).Span()
		west, east = min(west, offset), max(east, offset)
	}
	bounds := openTimes{sureBefore: limit.Add(west), maybeBefore: limit.Add(east), aheadAfter: math.MaxInt64}
	if after && east > 0 {
		// what is read after as_of may be the newest event in truth, and young or old
		bounds.sureBefore = math.MinInt64
		bounds.reachable = limit.Add(east) > c.clock.asOf
	}
	if late {
		// files that were all written by as_of hold nothing that happens after it
		bounds.aheadAfter = c.clock.asOf.Add(west)
	}
	return bounds
}

// openSlice says whether some event times of a file and source are naive, and no zone is declared that they are stamped
// in. A snapshot restates its entities at its end, whatever its rows say.
func (c *collector) openSlice(s *facts.Slice) bool {
	file, v := &c.survey.Files[s.File], c.roles.view
	if !s.EventMax.Known() || v.TimePartition.Of == model.OfSnapshot && file.Partition >= 0 && c.survey.Partitions[file.Partition].Dated() {
		return false
	}
	if v.Origins["zone"].Kind == model.OriginDefault {
		v.Zone = ""
	}
	policy := sourcePolicy(v, s.Source)
	if policy.eventZone != "" && policy.eventZone != model.ZoneDevice {
		return false
	}
	schema := &c.survey.Schemas[file.Schema]
	column := schema.Lookup(policy.event.Column)
	if column == nil {
		return false
	}
	switch schema.Encoding(*column) {
	case facts.EncodingNaive, facts.EncodingInt96Naive, facts.EncodingDate:
		return true
	case facts.EncodingTextNaive, facts.EncodingTextOffset:
		return s.TextNaive > 0
	default:
		return false
	}
}
