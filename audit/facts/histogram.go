package facts

import (
	"maps"
	"math"
	"slices"
	"sort"

	"github.com/featureaudit/featureaudit/audit/times"
)

const (
	// fineSeconds is where one-second bins end, coarseSeconds where one-minute bins end and bins of 1 % begin.
	fineSeconds   = int64(15 * 60)
	coarseSeconds = int64(27 * 3600)
	minuteBins    = (coarseSeconds - fineSeconds) / 60
	logBase       = 1.01
	logBins       = 1100 // 27 h * 1.01^1100 is about 175 years
)

// logEdges are the lower bounds, in seconds, of the bins beyond coarseSeconds; fixed for ever, since facts are kept on disk.
var logEdges = func() [logBins + 1]int64 {
	var edges [logBins + 1]int64
	for i := range edges {
		edges[i] = int64(math.Ceil(float64(coarseSeconds) * math.Pow(logBase, float64(i))))
	}
	return edges
}()

// LagBins is the number of bins on each side of zero.
const LagBins = int32(fineSeconds + minuteBins + logBins)

// LagBin is the bin of a lag: whole seconds below 15 minutes, minutes to 27 hours, then steps of 1 %.
// Negative lags mirror it: bin -1 holds [-1 s, 0). Lags beyond the last edge fall into the last bin.
func LagBin(lag times.Span) int32 {
	// small enough to be inlined, since every row of a stream takes it
	if sec := uint64(lag) / uint64(times.Second); sec < uint64(fineSeconds) {
		return int32(sec)
	}
	return coarseBin(lag)
}

func coarseBin(lag times.Span) int32 {
	if lag < 0 {
		return -1 - positiveBin(-(lag + 1))
	}
	return positiveBin(lag)
}

func positiveBin(lag times.Span) int32 {
	sec := int64(lag / times.Second)
	switch {
	case sec < fineSeconds:
		return int32(sec)
	case sec < coarseSeconds:
		return int32(fineSeconds + (sec-fineSeconds)/60)
	}
	i := sort.Search(logBins+1, func(i int) bool { return logEdges[i] > sec }) - 1
	return int32(fineSeconds+minuteBins) + int32(min(i, logBins-1))
}

// LagScale is how bins are made of whole seconds, for an engine that counts them itself: seconds below Fine, minutes below Coarse, and
// beyond, from the bin LogFrom on, those whose first seconds are Edges: each Base times the one before, rounded up.
type LagScale struct {
	Fine, Coarse, LogFrom int64
	Base                  float64
	Edges                 []int64
}

// LagScaleOf is the one scale that there is.
func LagScaleOf() LagScale {
	return LagScale{Fine: fineSeconds, Coarse: coarseSeconds, LogFrom: fineSeconds + minuteBins, Base: logBase, Edges: slices.Clone(logEdges[:logBins])}
}

// LagBounds are the edges of a bin, the upper one excluded.
func LagBounds(bin int32) (lo, hi times.Span) {
	if bin < 0 {
		lo, hi = positiveBounds(-1 - bin)
		return -hi, -lo
	}
	return positiveBounds(bin)
}

func positiveBounds(bin int32) (lo, hi times.Span) {
	b := int64(bin)
	switch {
	case b < fineSeconds:
		return seconds(b), seconds(b + 1)
	case b < fineSeconds+minuteBins:
		sec := fineSeconds + (b-fineSeconds)*60
		return seconds(sec), seconds(sec + 60)
	}
	i := b - fineSeconds - minuteBins
	return seconds(logEdges[i]), seconds(logEdges[i+1])
}

func seconds(n int64) times.Span { return times.Span(n) * times.Second }

// LagHistogram counts lags by bin.
type LagHistogram struct {
	Counts map[int32]int64
	Rows   int64
	// Max and Min are times.None without rows.
	Max, Min times.Span
}

// NewLagHistogram returns an empty histogram.
func NewLagHistogram() *LagHistogram {
	return &LagHistogram{Counts: map[int32]int64{}, Max: times.None, Min: times.None}
}

// Merge adds the rows of another histogram.
func (h *LagHistogram) Merge(o *LagHistogram) {
	for bin, n := range o.Counts {
		h.Counts[bin] += n
	}
	h.Rows += o.Rows
	h.Max = max(h.Max, o.Max)
	if h.Min == times.None || o.Min != times.None && o.Min < h.Min {
		h.Min = o.Min
	}
}

// Quantile is the bin that holds the row of rank ceil(q*rows), as its edges; ok is false without rows.
func (h *LagHistogram) Quantile(q float64) (lo, hi times.Span, ok bool) {
	if h.Rows == 0 {
		return 0, 0, false
	}
	lows, highs := h.Quantiles(q)
	return lows[0], highs[0], true
}

// Quantiles are the edges of the bins that hold the rows of several ranks, each as Quantile gives them; zeros without rows.
func (h *LagHistogram) Quantiles(shares ...float64) (lows, highs []times.Span) {
	lows, highs = make([]times.Span, len(shares)), make([]times.Span, len(shares))
	if h.Rows == 0 {
		return lows, highs
	}
	bins := slices.Sorted(maps.Keys(h.Counts))
	for i, q := range shares {
		lows[i], highs[i] = LagBounds(h.holding(bins, max(int64(math.Ceil(q*float64(h.Rows))), 1)))
	}
	return lows, highs
}

// holding is the bin of those in order that holds the row of a rank.
func (h *LagHistogram) holding(bins []int32, rank int64) int32 {
	seen := int64(0)
	for _, bin := range bins {
		if seen += h.Counts[bin]; seen >= rank {
			return bin
		}
	}
	return bins[len(bins)-1]
}

// EventBinWidth is the width of an EventHistogram's bins: every real UTC offset since 2000 is a multiple of it.
const EventBinWidth = 15 * times.Minute

// EventHistogram counts event times in 15-minute bins; bin b holds [b*15 min, (b+1)*15 min) since 1970 UTC.
type EventHistogram struct {
	Counts map[int32]int64
	Rows   int64
}

// NewEventHistogram returns an empty histogram.
func NewEventHistogram() *EventHistogram { return &EventHistogram{Counts: map[int32]int64{}} }

// EventBin is the bin of an instant.
func EventBin(event times.Instant) int32 {
	bin := event / times.Instant(EventBinWidth)
	if event%times.Instant(EventBinWidth) < 0 {
		bin--
	}
	return int32(bin)
}

// Merge adds the rows of another histogram.
func (h *EventHistogram) Merge(o *EventHistogram) {
	for bin, n := range o.Counts {
		h.Counts[bin] += n
	}
	h.Rows += o.Rows
}
