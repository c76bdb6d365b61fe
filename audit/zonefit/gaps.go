package zonefit

import (
	"math"
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
)

const (
	// clearly is how much better, by logarithm, a row fits where it is counted.
	clearly = 3
	// A time without late rows of a group counts if by others' rows leastExpected of them and as many as chance leaves out were due.
	leastExpected = 4
	// leastBoth writers must be late and prompt; their prompt rows must be leastDue of those due at such times, and mostly lie there.
	leastBoth             = 3
	leastDue, mostlyThere = 0.1, 0.5
	// leastScore is how many standard deviations more of them must lie there than of others' rows.
	leastScore = 4
)

// promptElsewhen says that the writers of a group who have prompt rows too have them just when nobody of the group is late. So it is
// where a delay holds for nearly all of the time: in what is left of it everyone is prompt, and most writers have no row there. Who
// travels, or is late at random besides, is prompt while others of the group are there.
func (a *asking) promptElsewhen(c *cluster) bool {
	members := map[uint64]bool{}
	for _, p := range c.pens {
		members[p.id] = true
	}
	var late, others []int32 // by the time of the event as it is read: so a delay begins and ends
	for i := range a.pens {
		p := &a.pens[i]
		for _, r := range p.rows {
			switch read := r.Arrival - int32(r.Lag); {
			case !members[p.id]:
				others = append(others, read)
			case a.favours(r, c.offset) > clearly:
				late = append(late, read)
			}
		}
	}
	if len(late) == 0 || len(others) == 0 {
		return false
	}
	slices.Sort(late)
	slices.Sort(others)
	gaps, share := gapsOf(late, others)
	if len(gaps) == 0 {
		return false
	}
	both, there, rows := 0, 0.0, 0
	for i := range a.pens {
		inside, prompt := a.promptIn(&a.pens[i], c.offset, gaps)
		if prompt == 0 {
			continue
		}
		both++
		rows += inside
		there += float64(inside) / float64(prompt)
	}
	n := float64(both)
	due := float64(len(late)) * share / (1 - share)
	return both >= leastBoth && float64(rows) >= leastDue*due && there >= mostlyThere*n && there-n*share > leastScore*math.Sqrt(n*share*(1-share))
}

// favours is by how much, by logarithm, a row fits an offset better than the one read.
func (a *asking) favours(r facts.WriterRow, offset int32) float64 {
	return a.f.at(int(r.Lag)+int(offset)) - a.f.at(int(r.Lag))
}

// promptIn counts the prompt rows of a writer who is late with others, and those of them that lie in gaps.
func (a *asking) promptIn(p *pen, offset int32, gaps []gap) (inside, prompt int) {
	late := false
	for _, r := range p.rows {
		switch by := a.favours(r, offset); {
		case by > clearly:
			late = true
		case by < -clearly:
			prompt++
			read := r.Arrival - int32(r.Lag)
			if slices.ContainsFunc(gaps, func(g gap) bool { return read > g.from && read < g.to }) {
				inside++
			}
		}
	}
	if !late {
		return 0, 0
	}
	return inside, prompt
}

// gap is a time, in minutes since 1970 UTC and both excluded.
type gap struct{ from, to int32 }

// gapsOf are the times without late rows at which by all other rows too many were due, and the share of the others in them. Both are
// sorted.
func gapsOf(late, others []int32) (gaps []gap, share float64) {
	least := max(leastExpected, math.Log(float64(len(late)))-1) * float64(len(others)) / float64(len(late))
	inside, at := 0, 0
	last := int32(math.MinInt32)
	for i := range len(late) + 1 {
		next := int32(math.MaxInt32)
		if i < len(late) {
			next = late[i]
		}
		begin := at
		for at < len(others) && others[at] < next {
			at++
		}
		// a minute that holds a late row is none without
		for begin < at && others[begin] == last {
			begin++
		}
		if n := at - begin; float64(n) >= least {
			gaps = append(gaps, gap{last, next})
			inside += n
		}
		last = next
	}
	return gaps, float64(inside) / float64(len(others))
}
