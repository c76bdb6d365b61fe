package document

import (
	"cmp"
	"maps"
	"slices"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// CleanRun is the stretch of time in which no check of rows or files failed, End excluded.
type CleanRun struct{ Start, End times.Instant }

// BadByPartition counts, by partition and check, what the check found bad there.
type BadByPartition map[string]map[string]int64

// NewestPartitions are the partitions that begin before as_of: the newest report.MaxSeries, and how many are older.
func NewestPartitions(b *evidence.Index) (parts []facts.Partition, leftOut int64) {
	for _, p := range slices.Backward(b.Survey.Partitions) {
		switch {
		case p.AfterAsOf || p.Stray || !p.Present && !p.Expected:
		case len(parts) == report.MaxSeries:
			leftOut++
		default:
			parts = append(parts, p)
		}
	}
	slices.Reverse(parts)
	return parts, leftOut
}

// series is what each of the newest partitions holds.
func (b view) series(bad BadByPartition) (series []report.PartitionRows, leftOut int64) {
	parts, leftOut := NewestPartitions(b.Index)
	for _, p := range parts {
		part := report.PartitionRows{Partition: p.Value, Rows: p.Rows, Bad: bad[p.Value], Missing: !p.Present, Open: p.Open, OutOfRange: !p.InRange}
		if p.Dated() {
			part.Start = words.Instant(p.Start)
		}
		series = append(series, part)
	}
	return series, leftOut
}

// lagBins are the histograms of lags by source, as coarse as report.MaxLagBins bins demand.
func (b view) lagBins() map[string][]report.LagBin {
	bins := map[string][]report.LagBin{}
	for source, h := range b.LagHistograms(func(int32) bool { return true }) {
		bins[source] = coarse(h, report.MaxLagBins)
	}
	return bins
}

// binWidths are the widths that lag bins may have: 1, 5 and 15 s, 1, 5, 15 and 30 min, 1, 3, 6 and 12 h, and
// days, doubled.
func binWidths() []times.Span {
	widths := []times.Span{times.Second, 5 * times.Second, 15 * times.Second}
	for _, minutes := range []times.Span{1, 5, 15, 30, 60, 180, 360, 720} {
		widths = append(widths, minutes*times.Minute)
	}
	for days := times.Span(1); days <= 1<<16; days *= 2 {
		widths = append(widths, days*times.Day)
	}
	return widths
}

// coarse joins the bins of a histogram that begin in the same stretch of the smallest width that leaves at most most of them.
// A bin that is wider than a stretch stays whole.
func coarse(h *facts.LagHistogram, most int) []report.LagBin {
	fine := slices.SortedFunc(maps.Keys(h.Counts), cmp.Compare[int32])
	var joined []report.LagBin
	for _, width := range binWidths() {
		joined = joined[:0]
		last := times.Span(0)
		for _, bin := range fine {
			lo, hi := facts.LagBounds(bin)
			stretch := floorDiv(lo, width)
			if n := len(joined); n > 0 && stretch == last {
				joined[n-1].ToSeconds = hi.Seconds()
				joined[n-1].Rows += h.Counts[bin]
				continue
			}
			last = stretch
			joined = append(joined, report.LagBin{FromSeconds: lo.Seconds(), ToSeconds: hi.Seconds(), Rows: h.Counts[bin]})
		}
		if len(joined) <= most {
			break
		}
	}
	return joined
}

func floorDiv(a, b times.Span) times.Span {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// newestBySource are the newest event times of each source that is none of the future; nil where rows have no source.
func (b view) newestBySource() map[string]string {
	newest := map[string]times.Instant{}
	if b.unreadOutside() > 0 {
		return nil
	}
	for _, s := range b.Collection.Slices {
		if s.Source == "" || !s.NewestKnown.Known() {
			continue
		}
		if at, seen := newest[s.Source]; !seen || s.NewestKnown > at {
			newest[s.Source] = s.NewestKnown
		}
	}
	if len(newest) == 0 {
		return nil
	}
	out := map[string]string{}
	for source, at := range newest {
		out[source] = words.Instant(at)
	}
	return out
}
