package zonefit

import (
	"math"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// Times without rows of a group count against it if leastGap of all rows are in them, or leastSmallGap are and mostMissed of its
// writers had to be; from wideGap on, against a pure one too, if it is so small that chance makes it pure. Where idle or less of
// the rows expected are, there are as good as none.
const (
	leastGap, leastSmallGap, wideGap = 0.04, 0.02, 0.05
	mostMissed                       = 8
	idle                             = 0.1
)

// stretchWouldDo says that a stretch, or stretches, of late arrivals would gather such a group from the writers that there
// are. Then it has no rows at other times, and whoever is in it has all rows in the stretch by chance, as the others would who
// come in bursts, or write little. So the others' rows of those times are moved as if they were late, and the group must be much
// purer than what comes of it: writers who are there all the time would have prompt rows too, unless it is their clocks.
func (a *asking) stretchWouldDo(c *cluster, whole float64) bool {
	between, without := a.timesOf(c)
	return a.lateWouldDo(c, whole, between) || a.lateWouldDo(c, whole, without)
}

// lateWouldDo is stretchWouldDo for the times that late says.
func (a *asking) lateWouldDo(c *cluster, whole float64, late func(facts.WriterRow) bool) bool {
	members, courses := map[uint64]bool{}, map[int]bool{}
	for _, p := range c.pens {
		members[p.id], courses[p.course] = true, true
	}
	// a clock that is changed stamps the offset before or after only: other times say nothing of it
	stamps := func(r facts.WriterRow) bool {
		for course := range courses {
			if a.offsets[a.courses[course].column(r.Arrival-int32(r.Lag)+c.offset)] == c.offset {
				return true
			}
		}
		return false
	}
	var asIfLate mixes
	absent, all := 0.0, 0.0 // writers who have rows at no other times, and all
	outside, rows := 0.0, 0.0
	for i := range a.pens {
		p := &a.pens[i]
		if members[p.id] || len(p.rows) < 2 || p.sure && !a.standsAt(p, 0) {
			continue
		}
		l, within := mix{}, true
		for _, r := range p.rows {
			if !stamps(r) {
				continue
			}
			l.weight++
			lag := int(r.Lag)
			if late(r) {
				lag -= int(c.offset)
			} else {
				within = false
				outside++
			}
			a.weigh(&l, lag, c.offset)
		}
		if l.weight < 2 {
			continue
		}
		asIfLate = append(asIfLate, l)
		rows += l.weight
		if all++; within {
			absent++
		}
	}
	writersOf := float64(len(c.pens))
	gap := outside / max(rows, 1)
	if gap < leastGap && (gap < leastSmallGap || gap*writersOf < mostMissed) {
		return false
	}
	if -writersOf*math.Log(max(absent, 1)/all) < leastMissing {
		// by chance none is seen at the other times; a handful that comes in bursts might as well have come in such a stretch
		return gap >= handfulGap && len(c.pens) < handful && a.inBursts(c)
	}
	chance := asIfLate.whole()
	// who is in the stretch with half of his rows counts for half as many rows
	writers := chance / (2 - chance)
	return 1-whole > leastPurer*(1-chance) || gap >= wideGap && -writersOf*math.Log(writers) < leastSurprise
}

const (
	// leastMissing is how unlikely, by logarithm, it must be that none of the group's writers has a row at the other times, if
	// they are there all the time.
	leastMissing = 3
	// leastPurer is how much less of a group's rows, than of rows that a stretch would have made late, may belong to writers
	// with prompt ones.
	leastPurer = 0.25
	// leastSurprise is how unlikely, by logarithm, a stretch must make it that all writers of a group lie in it.
	leastSurprise = 12
)

// Fewer writers than handful who come in bursts are not told where handfulGap of all rows or more lie at other times. A burst takes less
// than a burstPart of the time, which is told from burstRows rows on.
const (
	handful, handfulGap  = 8, 0.1
	burstPart, burstRows = 0.5, 5
)

// inBursts says that most writers of a group are there for a small part of the time only.
func (a *asking) inBursts(c *cluster) bool {
	first, last := int32(math.MaxInt32), int32(math.MinInt32)
	for _, r := range a.in.Rows {
		first, last = min(first, r.Arrival), max(last, r.Arrival)
	}
	short, all := 0, 0
	for _, p := range c.pens {
		if len(p.rows) < burstRows {
			continue
		}
		from, to := p.rows[0].Arrival, p.rows[0].Arrival
		for _, r := range p.rows {
			from, to = min(from, r.Arrival), max(to, r.Arrival)
		}
		all++
		if float64(to-from) < burstPart*float64(last-first) {
			short++
		}
	}
	return 2*short > all
}

// timesOf tells the times at which a group has rows: those between its first and its last, and those without the stretches in
// which it has hardly any. Times are those of events as they happened if writers stand where they are placed.
func (a *asking) timesOf(c *cluster) (between, without func(facts.WriterRow) bool) {
	own, all := map[int64]float64{}, map[int64]float64{}
	first, last, rows := int32(math.MaxInt32), int32(math.MinInt32), 0.0
	for _, m := range c.rows {
		if a.f.at(m.moved) <= a.f.at(int(m.row.Lag)) {
			continue // a prompt row of a writer who is late with the others
		}
		happened := m.row.Arrival - int32(m.moved)
		first, last = min(first, happened), max(last, happened)
		own[floorDiv(int64(happened), a.bin)]++
		rows++
	}
	total := 0.0
	happened := func(r facts.WriterRow, p *pen) int32 {
		lag := int32(r.Lag)
		if p.sure {
			lag += a.offset(p, r)
		}
		return r.Arrival - lag
	}
	for i := range a.pens {
		for _, r := range a.pens[i].rows {
			all[floorDiv(int64(happened(r, &a.pens[i])), a.bin)]++
			total++
		}
	}
	between = func(r facts.WriterRow) bool {
		at := r.Arrival - int32(r.Lag)
		return at >= first && at <= last
	}
	return between, func(r facts.WriterRow) bool {
		bin := floorDiv(int64(r.Arrival)-int64(r.Lag), a.bin)
		return between(r) && own[bin]*total > idle*all[bin]*rows
	}
}
