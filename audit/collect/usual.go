package collect

import (
	"math"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// usualRow bounds event time, ingest time and lag, all included.
type usualRow struct{ eventLow, eventHigh, ingestLow, ingestHigh, lagLow, lagHigh int64 }

// usualOf gathers the bounds that hold for every source of a file; a source's lag limit is added to them.
func (c *collector) usualOf(f filing) usualRow {
	u := usualRow{eventLow: c.clock.sentinelBefore, eventHigh: min(c.clock.sentinelAfter, c.clock.asOf), ingestLow: c.clock.sentinelBefore,
		ingestHigh: min(c.clock.sentinelAfter, f.knownBy), lagLow: -c.clock.tolerance, lagHigh: math.MaxInt64}
	if f.staleBefore != never {
		u.eventLow = max(u.eventLow, f.staleBefore)
	}
	if f.staleByLag != never {
		u.lagHigh = f.staleByLag
	}
	if !f.partitioned {
		return u
	}
	if !f.dated || f.unreferenced {
		u.eventHigh = math.MinInt64 // no row of an undated partition is usual
		return u
	}
	switch f.of {
	case model.OfSnapshot:
		u.eventHigh = min(u.eventHigh, f.end-1)
	case model.OfIngestedAt:
		u.ingestLow, u.ingestHigh = max(u.ingestLow, f.start), min(u.ingestHigh, f.end-1)
	default:
		u.eventLow, u.eventHigh = max(u.eventLow, f.start), min(u.eventHigh, f.end-1)
	}
	return u
}

// foldUsual folds the times of rows that are all of one source, if they are usual without exception: what that is can be
// told by their bounds.
func (f *folder) foldUsual(s *sourceFold, b *engine.Block, from, to int) bool {
	if !f.plain(s, b) || b.Vectors[s.event.vector].Mask != nil || b.Vectors[s.ingested.vector].Mask != nil {
		return false
	}
	events, ingests := b.Vectors[s.event.vector].Ints[from:to], b.Vectors[s.ingested.vector].Ints[from:to]
	bounds := boundsOf(events, ingests)
	if !bounds.within(f.usualOf(s)) {
		return false
	}
	f.events, f.ingests = b.Vectors[s.event.vector].Ints, b.Vectors[s.ingested.vector].Ints
	s.slice.Rows += int64(len(events))
	s.count(bounds, events, ingests)
	return true
}

// usualOf are the bounds of usual rows of a source in the file at hand.
func (f *folder) usualOf(s *sourceFold) usualRow {
	u := f.filing.usual
	if s.lagLimit != never {
		u.lagHigh = min(u.lagHigh, s.lagLimit)
	}
	return u
}

// foldRows folds the times of a source's rows. Most rows are usual: they only move bounds and histograms, and take the
// fast road; every other row is looked at in full.
func (f *folder) foldRows(s *sourceFold, b *engine.Block, rows []int32) {
	s.slice.Rows += int64(len(rows))
	if !f.plain(s, b) {
		for _, row := range rows {
			f.foldRow(s, b, int(row))
		}
		return
	}
	f.sift(s, &b.Vectors[s.event.vector], &b.Vectors[s.ingested.vector], rows, f.usualOf(s))
	for _, row := range f.unusual {
		f.foldRow(s, b, int(row))
	}
}

// plain says whether the times of a source's rows are instants as they stand, and nothing else of a row is looked at.
func (f *folder) plain(s *sourceFold, b *engine.Block) bool {
	return s.event.plain && s.ingested.plain && len(f.layout.own) == 0 && f.c.roles.view.EventTime.Column != "" &&
		b.Vectors[s.event.vector].PerMicro == 1 && b.Vectors[s.ingested.vector].PerMicro == 1
}

// sift gathers the usual rows, counts them, and lists the others.
func (f *folder) sift(s *sourceFold, ev, in *engine.Vector, rows []int32, u usualRow) {
	f.unusual, f.usual, f.usualIngest = f.unusual[:0], f.usual[:0], f.usualIngest[:0]
	for _, row := range rows {
		if !ev.Valid(int(row)) || !in.Valid(int(row)) {
			f.unusual = append(f.unusual, row)
			continue
		}
		event, ingest := ev.Ints[row], in.Ints[row]
		lag := ingest - event
		if event < u.eventLow || event > u.eventHigh || ingest < u.ingestLow || ingest > u.ingestHigh || lag < u.lagLow || lag > u.lagHigh {
			f.unusual = append(f.unusual, row)
			continue
		}
		f.events[row], f.ingests[row] = event, ingest
		f.usual, f.usualIngest = append(f.usual, event), append(f.usualIngest, ingest)
	}
	if len(f.usual) > 0 {
		s.count(boundsOf(f.usual, f.usualIngest), f.usual, f.usualIngest)
	}
}

// boundsOf are the least and the greatest times of rows, and their lags'.
func boundsOf(events, ingests []int64) usualRow {
	ingests = ingests[:len(events)]
	u := usualRow{math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64}
	for i, event := range events {
		ingest := ingests[i]
		lag := ingest - event
		u.eventLow, u.eventHigh = min(u.eventLow, event), max(u.eventHigh, event)
		u.ingestLow, u.ingestHigh = min(u.ingestLow, ingest), max(u.ingestHigh, ingest)
		u.lagLow, u.lagHigh = min(u.lagLow, lag), max(u.lagHigh, lag)
	}
	return u
}

// within says whether rows with these bounds are usual. Where the times alone are, no difference of them overflowed.
func (u usualRow) within(limits usualRow) bool {
	return u.eventLow >= limits.eventLow && u.eventHigh <= limits.eventHigh && u.ingestLow >= limits.ingestLow && u.ingestHigh <= limits.ingestHigh &&
		u.lagLow >= limits.lagLow && u.lagHigh <= limits.lagHigh
}

// count adds usual rows with these bounds to the facts of a source.
func (s *sourceFold) count(u usualRow, events, ingests []int64) {
	slice, rows := &s.slice, int64(len(events))
	slice.EventMin, slice.EventMax = least(slice.EventMin, u.eventLow), max(slice.EventMax, u.eventHigh)
	slice.NewestKnown = max(slice.NewestKnown, u.eventHigh)
	slice.IngestedMin, slice.IngestedMax = least(slice.IngestedMin, u.ingestLow), max(slice.IngestedMax, u.ingestHigh)
	slice.LagMin, slice.LagMax = least(slice.LagMin, u.lagLow), max(slice.LagMax, u.lagHigh)
	slice.LagRows += rows
	s.lags.widen(rows, u.lagLow, u.lagHigh)
	for i, ingest := range ingests[:len(events)] {
		s.lags.count(facts.LagBin(ingest - events[i]))
	}
	s.countEvents(events)
}

// countEvents counts the bins of event times, none of them before 1970, and how many begin one. Rows that follow each other
// mostly share a bin, so that they are counted together.
func (s *sourceFold) countEvents(events []int64) {
	first, rows := int64(math.MinInt64), int64(0)
	for _, event := range events {
		if uint64(event-first) >= uint64(facts.EventBinMicros) {
			s.countBin(first, rows)
			first, rows = event-event%facts.EventBinMicros, 0
		}
		rows++
		if event == first {
			s.slice.OnLattice++
		}
	}
	s.countBin(first, rows)
}

func (s *sourceFold) countBin(first, rows int64) {
	if s.events != nil && rows > 0 {
		s.events.addBin(facts.EventBin(first), rows)
	}
}

// least is the earlier of two instants of which the first may be facts.NoTime.
func least(known, instant int64) int64 {
	if known == facts.NoTime {
		return instant
	}
	return min(known, instant)
}
