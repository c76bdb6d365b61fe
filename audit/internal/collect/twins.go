package collect

import (
	"cmp"
	"maps"
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/times"
)

// twins counts the keys whose event times lie one real offset apart.
type twins struct {
	c       *collector
	offsets map[times.Offset]bool
	// parts are the counts of each goroutine; the first one is that of the verifier.
	parts []*twinCounts
	// samples is how many pairs of copies are compared for each pair of writers.
	samples int
}

// farthestTwins is beyond what any two clocks are apart.
const farthestTwins = 48 * times.Hour

// maxTwinRows bounds the rows of one key that are compared with each other. A key of more rows is no pair of copies.
const maxTwinRows = 16

// twinSharpLag is the most lag of a copy that agrees with its ingest time: offsets are no nearer to each other.
const twinSharpLag = facts.EventBinWidth

// newTwins prepares the count. It stays empty where nothing can be told: with a clock too coarse, where event time is
// part of the key, and across snapshots and once_per: [partition].
func (c *collector) newTwins(offsets []int64, coarse bool) *twins {
	t := &twins{c: c, offsets: map[times.Offset]bool{}, samples: samplesFor(len(c.names.names))}
	t.newPart()
	v := c.roles.view
	if coarse || slices.Contains(v.Key, v.EventTime.Column) || slices.Contains(c.oncePer(), oncePerPartition) {
		return t
	}
	for _, seconds := range offsets {
		if seconds != 0 {
			t.offsets[times.Offset(max(seconds, -seconds))] = true
		}
	}
	return t
}

func (t *twins) newPart() *twinCounts {
	part := &twinCounts{twins: t, counts: map[twinKey]*facts.TwinCount{}, seen: map[twinKey]bool{}, samples: newTwinSamples(t.samples)}
	t.parts = append(t.parts, part)
	return part
}

// pairs makes the receiver of paired rows for one goroutine. It is called before any of them runs.
func (t *twins) pairs() keys.Pairs {
	part := t.newPart()
	return part.addPairs
}

// addKey counts the verified rows of one key.
func (t *twins) addKey(rows []keys.Row) { t.parts[0].addRows(rows) }

// counts merges the parts.
func (t *twins) counts() []facts.TwinCount {
	merged := map[twinKey]*facts.TwinCount{}
	for _, part := range t.parts {
		for key, n := range part.counts {
			have := merged[key]
			if have == nil {
				merged[key] = n
				continue
			}
			have.Keys += n.Keys
			have.PayloadEqual += n.PayloadEqual
			have.PayloadDiffers += n.PayloadDiffers
			have.TrueA += n.TrueA
			have.TrueB += n.TrueB
			have.First, have.Last = min(have.First, n.First), max(have.Last, n.Last)
		}
	}
	var all []facts.TwinCount
	for _, n := range slices.Collect(maps.Values(merged)) {
		all = append(all, *n)
	}
	slices.SortFunc(all, func(x, y facts.TwinCount) int {
		return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B), cmp.Compare(x.Apart, y.Apart))
	})
	return all
}

// distance is b less a, if that is a real offset.
func (t *twins) distance(a, b int64) (apart times.Offset, real bool) {
	second := int64(times.Second)
	if a == b || a == times.None || b == times.None || (b-a)%second != 0 || max(b-a, a-b) > int64(farthestTwins) {
		return 0, false
	}
	apart = times.Offset((b - a) / second)
	return apart, t.offsets[max(apart, -apart)]
}

type twinKey struct {
	a, b  string
	apart times.Offset
}

// twinCounts belongs to one goroutine.
type twinCounts struct {
	twins  *twins
	counts map[twinKey]*facts.TwinCount
	// seen are the pairs of the key at hand that are counted already.
	seen map[twinKey]bool
	// samples are the pairs told by hash whose payload is to be compared.
	samples twinSamples
}

// copyOf is one stored copy of a key.
type copyOf struct {
	source          string
	file            int32
	event, ingested int64
}

// addPairs counts the rows of one hash, whose payload and ingest time are not known before a sample of them is compared.
func (p *twinCounts) addPairs(rows []keys.Entry) {
	if len(rows) > maxTwinRows || len(p.twins.offsets) == 0 {
		return
	}
	clear(p.seen)
	c := p.twins.c
	for i, x := range rows {
		for _, y := range rows[i+1:] {
			if _, real := p.twins.distance(x.Event, y.Event); !real {
				continue
			}
			if !slices.ContainsFunc(rows, func(e keys.Entry) bool { return c.fileInRange(c.fileOf(e.Ordinal)) }) {
				return
			}
			a, b := p.copyOfEntry(x), p.copyOfEntry(y)
			if before(b, a) {
				x, y, a, b = y, x, b, a
			}
			if n := p.add(a, b); n != nil {
				p.samples.keep(writers{a.source, b.source}, twinSample{hash: x.Hash, a: x.Ordinal, b: y.Ordinal, apart: n.Apart})
			}
		}
	}
}

func (p *twinCounts) copyOfEntry(e keys.Entry) copyOf {
	return copyOf{p.twins.c.names.name(e.Source), p.twins.c.fileOf(e.Ordinal), e.Event, times.None}
}

func copyOfRow(r keys.Row) copyOf { return copyOf{r.Source, r.File, r.Event, r.Ingested} }

// before orders two copies: by source, and within one by event time.
func before(a, b copyOf) bool {
	return a.source < b.source || a.source == b.source && a.event < b.event
}

// addRows counts the verified rows of one key.
func (p *twinCounts) addRows(rows []keys.Row) {
	if len(rows) > maxTwinRows || len(p.twins.offsets) == 0 {
		return
	}
	clear(p.seen)
	for i, x := range rows {
		for _, y := range rows[i+1:] {
			a, b := copyOfRow(x), copyOfRow(y)
			if before(b, a) {
				a, b = b, a
			}
			if n := p.add(a, b); n != nil {
				comparePayload(n, x, y)
			}
		}
	}
}

func comparePayload(n *facts.TwinCount, x, y keys.Row) {
	equal := x.Sum == y.Sum
	if !equal {
		n.PayloadDiffers++
		return
	}
	for i := range x.Payload {
		switch a, b := x.Payload[i], y.Payload[i]; {
		case a.Unknown || b.Unknown:
			equal = false
		case a != b:
			n.PayloadDiffers++
			return
		}
	}
	if equal {
		n.PayloadEqual++
	}
}

// compare adds what the real rows of a sampled pair say: their payload, and their ingest times to the vote. It is no pair
// if only the hashes of the keys are equal.
func (p *twinCounts) compare(s twinSample, x, y keys.Row) {
	if x.Key != y.Key {
		return
	}
	a, b := copyOfRow(x), copyOfRow(y)
	n := p.count(a, b, s.apart)
	comparePayload(n, x, y)
	p.vote(n, copyOf{a.source, a.file, a.event, times.None}, copyOf{b.source, b.file, b.event, times.None}, -1)
	p.vote(n, a, b, 1)
}

// add counts two copies in their order, and gives the count if they are news.
func (p *twinCounts) add(a, b copyOf) *facts.TwinCount {
	apart, real := p.twins.distance(a.event, b.event)
	if !real {
		return nil
	}
	between := p.partition(a) - p.partition(b)
	if a.source != b.source && max(between, -between) > 1 {
		return nil
	}
	key := twinKey{a.source, b.source, apart}
	if p.seen[key] {
		return nil
	}
	p.seen[key] = true
	n := p.count(a, b, apart)
	n.Keys++
	p.vote(n, a, b, 1)
	return n
}

// count is the count of two copies' writers and offset, made to reach over their partitions.
func (p *twinCounts) count(a, b copyOf, apart times.Offset) *facts.TwinCount {
	first, last := p.partition(a), p.partition(b)
	if first > last {
		first, last = last, first
	}
	key := twinKey{a.source, b.source, apart}
	n := p.counts[key]
	if n == nil {
		n = &facts.TwinCount{A: a.source, B: b.source, Apart: apart, First: first, Last: last}
		p.counts[key] = n
	}
	n.First, n.Last = min(n.First, first), max(n.Last, last)
	return n
}

func (p *twinCounts) partition(c copyOf) int32 { return p.twins.c.survey.Files[c.file].Partition }

// vote says which copy is true: the one that alone agrees with its partition or with its ingest time, if the other of
// these does not contradict. The weight is -1 where a vote is taken back.
func (p *twinCounts) vote(n *facts.TwinCount, a, b copyOf, weight int64) {
	forA, forB := 0, 0
	for _, agrees := range []func(copyOf) bool{p.inPlace, p.possible, p.prompt} {
		switch inA, inB := agrees(a), agrees(b); {
		case inA && !inB:
			forA++
		case inB && !inA:
			forB++
		}
	}
	switch {
	case forA > 0 && forB == 0:
		n.TrueA += weight
	case forB > 0 && forA == 0:
		n.TrueB += weight
	}
}

// possible says that a copy did not arrive before it happened.
func (p *twinCounts) possible(c copyOf) bool {
	return c.ingested == times.None || times.Span(c.ingested-c.event) >= -p.twins.c.clock.tolerance
}

// prompt says that a copy is known to have arrived shortly after it happened.
func (p *twinCounts) prompt(c copyOf) bool {
	return c.ingested != times.None && p.possible(c) && times.Span(c.ingested-c.event) < twinSharpLag
}

func (p *twinCounts) inPlace(c copyOf) bool {
	id := p.partition(c)
	if id < 0 || p.twins.c.roles.view.TimePartition.Of != "" && p.twins.c.roles.view.TimePartition.Of != "event_time" {
		return true
	}
	partition := p.twins.c.survey.Partitions[id]
	return !partition.Dated() || times.Instant(c.event) >= partition.Start && times.Instant(c.event) < partition.End
}
