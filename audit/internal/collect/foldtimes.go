package collect

import (
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// foldRow folds the times of one row in full.
func (f *accumulator) foldRow(s *sourceFold, b *engine.Block, row int) {
	event, ok := f.foldTimes(s, b, row)
	if !ok {
		event = times.None
	}
	f.events[row] = int64(event)
}

// foldTimes counts what the row's times say, and gives its event time if it has a usable one.
func (f *accumulator) foldTimes(s *sourceFold, b *engine.Block, row int) (times.Instant, bool) {
	slice, limits := &s.slice, &s.limits
	ingest, known := s.ingested.instant(b, row)
	if !known {
		ingest, known = f.oddIngest(s, b, row)
	}
	if !known || limits.Sentinel(ingest) {
		if known && ingest > limits.SentinelAfter && f.capture != nil {
			f.capture.farAway(ingest)
		}
		slice.IngestedNull++
		known = false
		f.ingests[row] = times.None
	} else {
		f.ingests[row] = int64(ingest)
		slice.IngestedMin, slice.IngestedMax = slice.IngestedMin.Earlier(ingest), max(slice.IngestedMax, ingest)
	}
	event, ok := s.event.instant(b, row)
	if !ok {
		event, ok = f.oddEvent(s, b, row)
	}
	switch {
	case !ok && known:
		f.foldArrival(slice, b, row, ingest)
	case !ok:
	case limits.Sentinel(event):
		ok = false
		if event > limits.SentinelAfter && f.capture != nil {
			f.capture.farAway(event)
		}
		slice.EventSentinel++
		if !s.sensitive {
			slice.AddSentinel(event)
		}
	default:
		f.foldEvent(s, b, row, event, ingest, known)
	}
	return event, ok
}

// foldArrival judges a row whose event time is NULL, or does not parse: by when it arrived. A sentinel is no NULL: its row
// enters no other fact.
func (f *accumulator) foldArrival(slice *facts.Slice, b *engine.Block, row int, ingest times.Instant) {
	slice.IngestedOnly++
	if ingest > f.policy.limits.KnownBy {
		slice.FutureAsOf++
	}
	if f.policy.of == model.OfIngestedAt {
		f.foldFiling(slice, b, row, times.None, ingest, true)
	}
}

// oddEvent reads an event time that is not plainly an instant, and counts how.
func (f *accumulator) oddEvent(s *sourceFold, b *engine.Block, row int) (times.Instant, bool) {
	read := s.event.read(b, row)
	if read.offset {
		s.slice.TextOffset++
	}
	if read.bare {
		s.slice.TextNaive++
	}
	switch read.status {
	case readNull:
		s.slice.EventNull++
		return 0, false
	case readUnparsed:
		s.slice.EventUnparsed++
		if v := &b.Vectors[s.event.vector]; v.Texts != nil && !s.sensitive {
			s.slice.Unparsed.Add(v.Texts.At(row))
		}
		return 0, false
	default:
	}
	if read.odd && !s.limits.Sentinel(times.Instant(read.micros)) {
		s.slice.AmbiguousLocal++
	}
	return times.Instant(read.micros), true
}

func (f *accumulator) oddIngest(s *sourceFold, b *engine.Block, row int) (times.Instant, bool) {
	read := s.ingested.read(b, row)
	return times.Instant(read.micros), read.status == readOK
}

func (f *accumulator) foldEvent(s *sourceFold, b *engine.Block, row int, event, ingest times.Instant, known bool) {
	slice, limits := &s.slice, &s.limits
	slice.EventMin, slice.EventMax = slice.EventMin.Earlier(event), max(slice.EventMax, event)
	if event%times.Instant(facts.EventBinWidth) == 0 {
		slice.OnLattice++
	}
	if s.events != nil {
		s.events.add(event)
	}
	lag := times.Span(0)
	if known {
		lag = ingest.Sub(event)
		slice.LagRows++
		slice.LagMin, slice.LagMax = shorter(slice.LagMin, lag), max(slice.LagMax, lag)
		s.lags.add(lag)
	}
	switch {
	case known && lag < limits.Ahead:
		slice.FutureIngested++
		slice.NewestFuture = max(slice.NewestFuture, event)
	case known && ingest > limits.KnownBy, !known && event > limits.KnownBy:
		slice.FutureAsOf++
		slice.NewestFuture = max(slice.NewestFuture, event)
	case event > limits.AsOf:
		slice.AfterAsOf++
		if f.layout.filedByEvent {
			// the file and its path are two copies of one value: they contradict each other whatever as_of
			f.foldFiling(slice, b, row, event, ingest, known)
		}
		return
	default:
		slice.NewestKnown = max(slice.NewestKnown, event)
	}
	if known && limits.LagLimit != times.None && lag > limits.LagLimit {
		slice.LagOver++
	}
	f.foldStale(slice, event, lag, known)
	f.foldFiling(slice, b, row, event, ingest, known)
}

func (f *accumulator) foldStale(slice *facts.Slice, event times.Instant, lag times.Span, known bool) {
	stale, unreferenced := f.policy.stale.Of(event, lag, known)
	if unreferenced {
		slice.StaleUnreferenced++
	}
	if !stale {
		return
	}
	slice.Stale++
	slice.OldestStale = slice.OldestStale.Earlier(event)
}

// foldFiling counts a row that lies outside its partition, once.
func (f *accumulator) foldFiling(slice *facts.Slice, b *engine.Block, row int, event, ingest times.Instant, known bool) {
	if !f.policy.partitioned {
		return
	}
	for i := range f.layout.own {
		if !f.policy.stray && !f.ownAgrees(i, b, row) {
			slice.OwnColumnDiffers++
			if f.c.ownDiffers.Add(1) <= keptOwnDiffers {
				slice.OwnDiffers = append(slice.OwnDiffers, f.row+int64(row))
			}
			return
		}
	}
	switch {
	case !f.policy.dated:
		slice.MisfiledUndated++
	case f.policy.of == model.OfSnapshot, f.policy.of == model.OfIngestedAt && !known:
		if event >= f.policy.end {
			slice.MisfiledAfter++
		}
	case f.policy.of == model.OfIngestedAt:
		f.countOutside(slice, ingest)
	default:
		f.countOutside(slice, event)
	}
}

func (f *accumulator) countOutside(slice *facts.Slice, instant times.Instant) {
	switch {
	case instant < f.policy.start:
		slice.MisfiledBefore++
	case instant >= f.policy.end:
		slice.MisfiledAfter++
	}
}

// keptOwnDiffers leaves room for rows that are handed over twice, since a file is read again where a batch failed.
const keptOwnDiffers = 2 * facts.MaxOwnDiffers

// maxOwnTexts bounds how many of a file's own partition values are remembered: there are few, unless they are no dates.
const maxOwnTexts = 1 << 12

// ownAgrees says whether the file's own partition column means what its path means.
func (f *accumulator) ownAgrees(i int, b *engine.Block, row int) bool {
	own := f.layout.own[i]
	v := &b.Vectors[own.vector]
	if !v.Valid(row) {
		return !f.policy.dated
	}
	if own.timed {
		return f.policy.own[i](scale(v.Ints[row], v.PerMicro), own.aware)
	}
	text := v.Texts.At(row)
	f.scratch = append(append(append(f.scratch[:0], own.name...), '='), text...)
	agrees, ok := f.ownMatch[string(f.scratch)]
	if !ok {
		if len(f.ownMatch) >= maxOwnTexts {
			clear(f.ownMatch)
		}
		agrees = f.c.ownAgrees(f.policy.file, own.name, string(text))
		f.ownMatch[string(f.scratch)] = agrees
	}
	return agrees
}
