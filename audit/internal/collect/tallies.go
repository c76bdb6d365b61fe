package collect

import (
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// tallies are the histograms that one worker is filling. They are dense while rows come in, and handed over sparse.
type tallies struct {
	lags   map[tallied]*lagCounts
	events map[tallied]*eventCounts
}

// tallied are the rows of a histogram: those of a file where facts of files are kept, else of all files of a population.
type tallied struct {
	facts.Population
	file int32
}

// maxOpenTallies bounds a worker's dense histograms (58 kB each); files come in partition order, so few are open at once.
const maxOpenTallies = 64

func (t *tallies) lagsOf(p tallied) *lagCounts {
	counts, ok := t.lags[p]
	if !ok {
		counts = &lagCounts{lo: facts.LagBins, hi: -facts.LagBins, max: times.None, min: times.None}
		t.lags[p] = counts
	}
	return counts
}

func (t *tallies) eventsOf(p tallied) *eventCounts {
	counts, ok := t.events[p]
	if !ok {
		counts = &eventCounts{rest: map[int32]int64{}}
		t.events[p] = counts
	}
	return counts
}

// lagCounts is a dense lag histogram.
type lagCounts struct {
	bins   [2 * facts.LagBins]int64
	lo, hi int32
	rows   int64
	max    times.Span
	min    times.Span
}

func (l *lagCounts) add(lag times.Span) {
	l.count(facts.LagBin(lag))
	l.widen(1, lag, lag)
}

// count adds a row to a bin; widen must follow for the rows counted, with their bounds.
func (l *lagCounts) count(bin int32) { l.bins[bin+facts.LagBins]++ }

func (l *lagCounts) widen(rows int64, least, most times.Span) {
	l.lo, l.hi = min(l.lo, facts.LagBin(least)), max(l.hi, facts.LagBin(most))
	l.rows += rows
	l.max = max(l.max, most)
	if l.min == times.None || least < l.min {
		l.min = least
	}
}

func (l *lagCounts) addTo(h *facts.LagHistogram) {
	for bin := l.lo; bin <= l.hi; bin++ {
		if n := l.bins[bin+facts.LagBins]; n > 0 {
			h.Counts[bin] += n
		}
	}
	h.Merge(&facts.LagHistogram{Rows: l.rows, Max: l.max, Min: l.min})
}

// eventWindow is how many 15-minute bins are kept dense, around the first event seen: 42 days.
const eventWindow = 4032

// eventCounts is a histogram of event times, dense near the first one.
type eventCounts struct {
	started bool
	base    int32
	bins    [eventWindow]int64
	rest    map[int32]int64
	rows    int64
}

func (e *eventCounts) add(event times.Instant) { e.addBin(facts.EventBin(event), 1) }

func (e *eventCounts) addBin(bin int32, rows int64) {
	if !e.started {
		e.started, e.base = true, bin-eventWindow/2
	}
	e.rows += rows
	if i := bin - e.base; i >= 0 && i < eventWindow {
		e.bins[i] += rows
		return
	}
	e.rest[bin] += rows
}

func (e *eventCounts) addTo(h *facts.EventHistogram) {
	for i, n := range e.bins {
		if n > 0 {
			h.Counts[e.base+int32(i)] += n
		}
	}
	for bin, n := range e.rest {
		h.Counts[bin] += n
	}
	h.Rows += e.rows
}
