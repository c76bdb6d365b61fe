package check

import (
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// The functions here give the verdict of a check that SQL judges where that SQL counts nothing bad, which is what most checks of most
// views come to. A statement takes the engine half a millisecond, whatever its rows, and loading its tables as much again: of a small view
// that is more than reading it. They take no part in what is bad: where anything is, or may be, the SQL is asked, and it alone counts,
// names and measures. TestSoundIsWhatSQLSays holds both to one answer.

// soundRows adds up the rows of judged slices by what each holds to be judged, and to be bad. It is not ok where anything is bad.
func soundRows(of func(*facts.Slice) (total, bad int64)) func(*viewEvidence) (verdict, bool) {
	return func(b *viewEvidence) (verdict, bool) { return b.soundSlices(of) }
}

func (b *viewEvidence) soundSlices(of func(*facts.Slice) (total, bad int64)) (verdict, bool) {
	sum := int64(0)
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		if !b.Judged(b.FilePartition(s.File)) {
			continue
		}
		total, bad := of(s)
		if total < 0 || bad != 0 {
			return verdict{}, false
		}
		sum += total
	}
	return soundOf(sum), true
}

// soundOf is the verdict on so many subjects of which none is bad.
func soundOf(total int64) verdict {
	if total == 0 {
		return verdict{}
	}
	return verdict{rows: []row{{total: total}}}
}

// usable are the rows of a slice whose event time is one.
func usable(s *facts.Slice) int64 {
	return s.Rows - s.EventNull - s.EventUnparsed - s.EventSentinel
}

func soundPartitions(of func(evidence.Presence) (judged, bad bool)) func(*viewEvidence) (verdict, bool) {
	return func(b *viewEvidence) (verdict, bool) {
		total := int64(0)
		for _, p := range b.Presences() {
			judged, bad := of(p)
			if !judged || p.Partition.Open || !b.Judged(p.Partition.ID) {
				continue
			}
			if bad {
				return verdict{}, false
			}
			total++
		}
		return soundOf(total), true
	}
}

// soundFuture is not ok either where files from before as_of lie in a partition that begins after it.
func soundFuture(b *viewEvidence) (verdict, bool) {
	for i := range b.Survey.Files {
		f := &b.Survey.Files[i]
		if p, dated := b.Partition(f.Partition); dated && p.InRange && p.AfterAsOf && f.Problem == nil && f.ModTime < b.AsOf && f.Live() > 0 {
			return verdict{}, false
		}
	}
	return b.soundSlices(func(s *facts.Slice) (total, bad int64) {
		return usable(s) + s.IngestedOnly, s.FutureIngested | s.FutureAsOf
	})
}

func soundMisfiled(b *viewEvidence) (verdict, bool) {
	byArrival := evidence.Meaning(b.View) == model.OfIngestedAt
	return b.soundSlices(func(s *facts.Slice) (total, bad int64) {
		total = usable(s)
		if byArrival {
			total += s.IngestedOnly
		}
		return total, s.MisfiledBefore | s.MisfiledAfter | s.MisfiledUndated | s.OwnColumnDiffers
	})
}

func soundLag(b *viewEvidence) (verdict, bool) {
	limited := map[string]bool{}
	for _, name := range b.AllSources() {
		_, limited[name] = evidence.LagLimit(b.View, b.DeclaredSources[name])
	}
	return b.soundSlices(func(s *facts.Slice) (total, bad int64) {
		if !limited[s.Source] {
			return 0, 0
		}
		return s.LagRows, s.LagOver
	})
}

// soundStale leaves snapshots to the SQL: they are judged by partition.
func soundStale(b *viewEvidence) (verdict, bool) {
	if evidence.IsSnapshot(b.View) {
		return verdict{}, false
	}
	return b.soundSlices(func(s *facts.Slice) (total, bad int64) { return usable(s) - s.StaleUnreferenced, s.Stale })
}

// soundAge gives the row of each source, and of the view, in the order of the SQL: what is nearest to its limit is told of a view that is fresh.
func soundAge(b *viewEvidence) (verdict, bool) {
	if _, nameless := b.DeclaredSources[""]; nameless {
		return verdict{}, false // its row cannot be told from the view's
	}
	newest, ofAll := map[string]times.Instant{}, times.Instant(times.None)
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		known, seen := newest[s.Source]
		if !seen {
			known = times.None
		}
		newest[s.Source], ofAll = max(known, s.NewestKnown), max(ofAll, s.NewestKnown)
	}
	var v verdict
	fresh := func(source string, at times.Instant, limit times.Span) bool {
		age := b.AsOf.Sub(at)
		if !at.Known() || age > limit {
			return false
		}
		v.rows = append(v.rows, row{subject: report.Subject{Source: source}, total: 1, measures: report.Measures{
			"newest_event_time": words.Instant(at), "age_seconds": float64(age) / 1e6, "limit_seconds": float64(limit) / 1e6}})
		return true
	}
	if limit, has := evidence.AgeLimit(b.View, model.SourcePolicy{}); has && !b.AllSourcesDeclared() && !fresh("", ofAll, limit) {
		return verdict{}, false
	}
	for _, name := range b.AllSources() { // sorted
		s, declared := b.DeclaredSources[name]
		limit, has := evidence.AgeLimit(b.View, s)
		if !declared || b.Retired(s) || !has {
			continue
		}
		at, seen := newest[name]
		if !seen || !fresh(name, at, limit) {
			return verdict{}, false
		}
	}
	return v, true
}
