package collect

import (
	"math"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// foldNormal folds the times of rows that are all of one source, if they are normal without exception: what that is can be
// told by their bounds.
func (f *accumulator) foldNormal(s *sourceFold, b *engine.Block, from, to int) bool {
	if !f.plain(s, b) || b.Vectors[s.event.vector].Mask != nil || b.Vectors[s.ingested.vector].Mask != nil {
		return false
	}
	events, ingests := b.Vectors[s.event.vector].Ints[from:to], b.Vectors[s.ingested.vector].Ints[from:to]
	bounds := boundsOf(events, ingests)
	if !bounds.Within(s.normal) {
		return false
	}
	f.events, f.ingests = b.Vectors[s.event.vector].Ints, b.Vectors[s.ingested.vector].Ints
	s.slice.Rows += int64(len(events))
	s.count(bounds, events, ingests)
	return true
}

// foldRows folds the times of a source's rows. Most rows are normal: they only move bounds and histograms, and take the
// fast road; every other row is looked at in full.
func (f *accumulator) foldRows(s *sourceFold, b *engine.Block, rows []int32) {
	s.slice.Rows += int64(len(rows))
	if !f.plain(s, b) {
		for _, row := range rows {
			f.foldRow(s, b, int(row))
		}
		return
	}
	f.countNormal(s, &b.Vectors[s.event.vector], &b.Vectors[s.ingested.vector], rows, s.normal)
	for _, row := range f.others {
		f.foldRow(s, b, int(row))
	}
}

// plain says whether the times of a source's rows are instants as they stand, and nothing else of a row is looked at.
func (f *accumulator) plain(s *sourceFold, b *engine.Block) bool {
	return s.event.plain && s.ingested.plain && len(f.layout.own) == 0 && f.c.roles.view.EventTime.Column != "" &&
		b.Vectors[s.event.vector].PerMicro == 1 && b.Vectors[s.ingested.vector].PerMicro == 1
}

// countNormal gathers the normal rows, counts them, and lists the others.
func (f *accumulator) countNormal(s *sourceFold, ev, in *engine.Vector, rows []int32, u facts.Bounds) {
	f.others, f.normal, f.normalIngest = f.others[:0], f.normal[:0], f.normalIngest[:0]
	for _, row := range rows {
		if !ev.Valid(int(row)) || !in.Valid(int(row)) {
			f.others = append(f.others, row)
			continue
		}
		event, ingest := times.Instant(ev.Ints[row]), times.Instant(in.Ints[row])
		lag := ingest.Sub(event)
		if event < u.EventLow || event > u.EventHigh || ingest < u.IngestLow || ingest > u.IngestHigh || lag < u.LagLow || lag > u.LagHigh {
			f.others = append(f.others, row)
			continue
		}
		f.events[row], f.ingests[row] = ev.Ints[row], in.Ints[row]
		f.normal, f.normalIngest = append(f.normal, ev.Ints[row]), append(f.normalIngest, in.Ints[row])
	}
	if len(f.normal) > 0 {
		s.count(boundsOf(f.normal, f.normalIngest), f.normal, f.normalIngest)
	}
}

// boundsOf are the least and the greatest times of rows, and their lags'.
func boundsOf(events, ingests []int64) facts.Bounds {
	ingests = ingests[:len(events)]
	u := facts.NoRows()
	for i := range events {
		event, ingest := times.Instant(events[i]), times.Instant(ingests[i])
		lag := ingest.Sub(event)
		u.EventLow, u.EventHigh = min(u.EventLow, event), max(u.EventHigh, event)
		u.IngestLow, u.IngestHigh = min(u.IngestLow, ingest), max(u.IngestHigh, ingest)
		u.LagLow, u.LagHigh = min(u.LagLow, lag), max(u.LagHigh, lag)
	}
	return u
}

// count adds normal rows with these bounds to the facts of a source.
func (s *sourceFold) count(u facts.Bounds, events, ingests []int64) {
	slice, rows := &s.slice, int64(len(events))
	slice.EventMin, slice.EventMax = slice.EventMin.Earlier(u.EventLow), max(slice.EventMax, u.EventHigh)
	slice.NewestKnown = max(slice.NewestKnown, u.EventHigh)
	slice.IngestedMin, slice.IngestedMax = slice.IngestedMin.Earlier(u.IngestLow), max(slice.IngestedMax, u.IngestHigh)
	slice.LagMin, slice.LagMax = shorter(slice.LagMin, u.LagLow), max(slice.LagMax, u.LagHigh)
	slice.LagRows += rows
	s.lags.widen(rows, u.LagLow, u.LagHigh)
	for i, ingest := range ingests[:len(events)] {
		s.lags.count(facts.LagBin(times.Span(ingest - events[i])))
	}
	s.countEvents(events)
}

// countEvents counts the bins of event times, none of them before 1970, and how many begin one. Rows that follow each other
// mostly share a bin, so that they are counted together.
func (s *sourceFold) countEvents(events []int64) {
	first, rows := int64(math.MinInt64), int64(0)
	for _, event := range events {
		if uint64(event-first) >= uint64(facts.EventBinWidth) {
			s.countBin(first, rows)
			first, rows = event-event%int64(facts.EventBinWidth), 0
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
		s.events.addBin(facts.EventBin(times.Instant(first)), rows)
	}
}

// shorter is the less of two spans of which the first may be times.None.
func shorter(known, span times.Span) times.Span {
	if known == times.None {
		return span
	}
	return min(known, span)
}
