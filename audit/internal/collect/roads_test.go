package collect

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

const day = int64(24 * time.Hour / time.Microsecond)

// TestEitherRoadCountsTheSame folds random rows in full, one after the other, and again in blocks that two workers share and whose
// normal rows take the fast road: every fact is the same. Times lie at the limits that rows are judged by, or next to them.
func TestEitherRoadCountsTheSame(t *testing.T) {
	counted := map[string]bool{}
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 1))
		view, survey, asOf := randomPolicy(rng)
		r := randomRows(rng, asOf, int64(survey.Files[0].ModTime), view)
		whole := foldBy(t, view, survey, asOf, func(c *collector) []*worker {
			w := c.newWorker()
			r.foldOn(t, w, 1000, 0, len(r.events))
			return []*worker{w}
		})
		parts := foldBy(t, view, survey, asOf, func(c *collector) []*worker {
			workers := []*worker{c.newWorker(), c.newWorker()}
			for _, block := range r.blocks(rng) {
				r.foldOn(t, workers[rng.IntN(2)], 1, block[0], block[1])
			}
			return workers
		})
		if !reflect.DeepEqual(whole, parts) {
			t.Fatalf("seed %d: in full\n%+v\nby both roads\n%+v\nof %+v", seed, whole, parts, view)
		}
		for _, f := range facts.RowFacts() {
			for i := range whole.Slices {
				if n, known := f.Of(&whole.Slices[i]); known && n != 0 {
					counted[f.Field] = true
				}
			}
		}
	}
	for _, field := range []string{"FirstRow", "EventSentinel", "IngestedNull", "FutureIngested", "FutureAsOf", "AfterAsOf", "Stale", "StaleUnreferenced", "MisfiledBefore", "MisfiledAfter", "MisfiledUndated", "LagOver"} {
		if !counted[field] {
			t.Errorf("no row of any seed is counted as %s", field)
		}
	}
}

// randomPolicy is a view of one file that has an event and an ingest time, both aware.
func randomPolicy(rng *rand.Rand) (model.View, facts.Survey, int64) {
	asOf := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).UnixMicro() + rng.Int64N(2*day)
	view := model.View{EventTime: model.TimeColumn{Column: "event"}, IngestedAt: model.TimeColumn{Column: "ingested"}, Source: model.SourceColumn{Column: "source"},
		Tolerance: time.Duration(rng.IntN(3)) * time.Minute}
	view.Reference = []model.Reference{model.ReferenceDefault, model.ReferenceAsOf, model.ReferenceIngestedAt, model.ReferencePartitionStart, model.ReferencePartitionEnd}[rng.IntN(5)]
	if rng.IntN(4) > 0 {
		view.TTL.Duration = time.Duration(1+rng.IntN(72)) * time.Hour
	}
	if rng.IntN(2) > 0 {
		view.MaxLag = time.Duration(1+rng.IntN(30)) * time.Hour
	}
	file := facts.File{Rows: 1000, Partition: -1, ModTime: times.Instant(asOf + rng.Int64N(2*day) - day)}
	var partitions []facts.Partition
	if rng.IntN(4) > 0 {
		file.Partition = 0
		start := time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC).UnixMicro()
		partitions = []facts.Partition{{Start: times.Instant(start), End: times.Instant(start + day)}}
		if rng.IntN(4) == 0 {
			partitions[0].Start, partitions[0].End = times.None, times.None
		}
		view.TimePartition = model.TimePartition{Grain: model.GrainDay, Of: []model.PartitionMeaning{model.OfEventTime, model.OfIngestedAt, model.OfSnapshot}[rng.IntN(3)]}
	}
	timestamp := facts.Column{Physical: "INT64", Logical: "timestamp", AdjustedToUTC: true, Unit: "us"}
	source := facts.Column{Name: "source", Path: "source", Physical: "BYTE_ARRAY", Logical: "string"}
	event, ingested := timestamp, timestamp
	event.Name, event.Path, ingested.Name, ingested.Path = "event", "event", "ingested", "ingested"
	return view, facts.Survey{Listing: facts.Listing{Files: []facts.File{file}, Partitions: partitions},
		Schemas: []facts.Schema{{Columns: []facts.Column{event, ingested, source}}}}, asOf
}

// testRows are rows with their sources and both times.
type testRows struct {
	sources         []string
	events, ingests []int64
}

// randomRows are of one source or two, and most of them normal.
func randomRows(rng *rand.Rand, asOf, modified int64, view model.View) (r testRows) {
	sources := []string{"batch", "stream"}[:1+rng.IntN(2)]
	start := time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC).UnixMicro()
	ttl, tolerance := view.TTL.Duration.Microseconds(), view.Tolerance.Microseconds()
	clock := newClock(times.Instant(asOf), view.Tolerance)
	edges := []int64{start, start + day, asOf, asOf - ttl, start - ttl, start + day - ttl, asOf - max(ttl, day), modified, max(asOf, modified) + tolerance,
		int64(clock.limits.SentinelBefore), int64(clock.limits.SentinelAfter), 0}
	lags := []int64{0, -tolerance, ttl, view.MaxLag.Microseconds(), day}
	odd := rng.IntN(3) // none of the rows, some, or most
	for range 1 + rng.IntN(200) {
		event := start + rng.Int64N(day)
		lag := rng.Int64N(int64(time.Hour / time.Microsecond))
		if rng.IntN(4) < odd*odd {
			event = edges[rng.IntN(len(edges))] + rng.Int64N(3) - 1
		}
		if rng.IntN(4) < odd {
			lag = lags[rng.IntN(len(lags))] + rng.Int64N(3) - 1
		}
		ingest := event + lag
		if rng.IntN(8) < odd {
			ingest = edges[rng.IntN(len(edges))] + rng.Int64N(3) - 1
		}
		r.sources = append(r.sources, sources[rng.IntN(len(sources))])
		r.events, r.ingests = append(r.events, event), append(r.ingests, ingest)
	}
	return r
}

// blocks are runs of the rows, in no order.
func (r testRows) blocks(rng *rand.Rand) [][2]int {
	var all [][2]int
	for from := 0; from < len(r.events); {
		to := min(from+1+rng.IntN(40), len(r.events))
		all = append(all, [2]int{from, to})
		from = to
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// texts are those of rows, as an engine hands them over.
type texts []string

func (t texts) At(row int) []byte { return []byte(t[row]) }

func (t texts) Equal(from, to int) bool {
	return !slices.ContainsFunc(t[from:to], func(text string) bool { return text != t[from] })
}

func (t texts) Codes(from, to int, _ []uint64, known *engine.TextCodes, out []uint8) (err error) {
	for row := from; row < to && err == nil; row++ {
		out[row], err = known.Code(t.At(row))
	}
	return err
}

// foldBy collects what workers fold.
func foldBy(t *testing.T, view model.View, survey facts.Survey, asOf int64, fold func(*collector) []*worker) *facts.Collection {
	t.Helper()
	c, err := newCollector(nil, Request{View: view, Survey: survey, AsOf: times.Instant(asOf), Wants: facts.WantTimes | facts.WantEvents,
		Units: func(int32, string) string { return "" }}, learnt{copies: &copies{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range fold(c) {
		w.rows.end()
		if err := w.finish(); err != nil {
			t.Fatal(err)
		}
	}
	c.finishSlices()
	return c.collection
}

// foldOn folds a run of the rows, whose times are written in so many units a microsecond: those in one are plain, and may take the
// fast road.
func (r testRows) foldOn(t *testing.T, w *worker, perMicro int64, from, to int) {
	t.Helper()
	c := w.c
	l := c.layouts[0]
	vectors := make([]engine.Vector, len(l.selects))
	vectors[l.source] = engine.Vector{Texts: texts(r.sources[from:to])}
	for column, times := range map[string][]int64{"event": r.events[from:to], "ingested": r.ingests[from:to]} {
		v := engine.Vector{PerMicro: perMicro, Ints: make([]int64, len(times))}
		for i, at := range times {
			v.Ints[i] = at * perMicro
		}
		vectors[l.times[model.TimeColumn{Column: column}]] = v
	}
	if w.rows.layout == nil {
		if err := w.rows.begin(&c.survey.Files[0], 0); err != nil {
			t.Fatal(err)
		}
	}
	w.rows.row = int64(from)
	if err := w.rows.fold(&engine.Block{Rows: to - from, Vectors: vectors}, 0, to-from); err != nil {
		t.Fatal(err)
	}
}
