package zonefit

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// What speaks for an offset. Each is a way in which writers that are late, or that chance gathers, differ from writers whose
// clocks are elsewhere.
const (
	leastSure, leastGroupRows, leastGroupDays = 3, 20, 4
	// leastGain is the least part of the gain that a true offset gives, leastEvidence how much of it all rows need.
	leastGain, leastEvidence = 0.7, 30
	// An offset is real to mostOff minutes: further away is another cause if that explains better by offEvidence.
	searched, mostOff, offEvidence = 20, 2, 10
	mostShape, mostTime            = 0.2, 0.3
	// the critical values of both distances at one in a hundred
	kolmogorov, kuiper = 1.63, 2.0
	// mostUnexplained is the share of a writer's rows that may be where the density has next to nothing.
	mostUnexplained = 0.6
	// purity is the least share of a group's rows that belong to writers who are all in it.
	purity = 0.6
)

// member is a row of a group, moved to where it would be without its offset.
type member struct {
	row   facts.WriterRow
	moved int
}

// cluster is a group under judgement.
type cluster struct {
	offset   int32
	pens     []*pen
	eligible int
	rows     []member
	days     map[int64]bool
}

func (a *asking) group() {
	clusters := a.clusters()
	home := clusters[0]
	delete(clusters, 0)
	e := &a.estimate
	if home != nil {
		e.Home = len(home.pens)
	}
	unexplained := a.unexplained()
	foundWriters, foundRows, refusedRows, constantRows := 0, 0, 0, 0
	var written, all float64
	for i := range a.pens {
		all += a.pens[i].written
	}
	for _, o := range a.offsets {
		c := clusters[o]
		if c == nil || c.eligible < leastSure {
			continue
		}
		g, constant := a.describe(c, all), false
		g.Why, constant = a.against(c, home)
		switch {
		case g.Why == "":
			foundWriters += len(c.pens)
			foundRows += len(c.rows)
			written += g.Share
			e.Groups = append(e.Groups, g)
		case constant:
			constantRows += len(c.rows)
			fallthrough
		default:
			refusedRows += len(c.rows)
			e.Refused = append(e.Refused, g)
		}
	}
	a.dropEchoes()
	e.Detectable = a.detectable()
	sortGroups(e.Groups)
	sortGroups(e.Refused)
	if len(e.Groups) > 0 {
		unexplained += a.between()
	}
	why := ""
	switch {
	case len(e.Groups) == 0:
	case 2*unexplained > foundWriters:
		why = fmt.Sprintf("%d writers lie where no offset explains them", unexplained)
	case 5*constantRows > foundRows:
		why = "writers have delays of their own that are no offsets"
	case refusedRows > foundRows:
		why = "more rows speak against offsets than for them"
	}
	if why != "" {
		for _, g := range e.Groups {
			g.Why = why
			e.Refused = append(e.Refused, g)
		}
		sortGroups(e.Refused)
		a.inconclusive(why)
		return
	}
	a.anchor(home, all)
}

// dropEchoes refuses small groups beside large ones where lags are so wide that some writers of the large one fall to it by
// chance.
func (a *asking) dropEchoes() {
	if a.width < wideLags {
		return
	}
	e := &a.estimate
	groups := slices.Clone(e.Groups)
	e.Groups = slices.DeleteFunc(e.Groups, func(g WriterGroup) bool {
		echo := slices.ContainsFunc(groups, func(large WriterGroup) bool {
			return large.East != g.East && abs(int(large.East-g.East)) <= 3600 && float64(g.Writers) < echoShare*float64(large.Writers)
		})
		if echo {
			g.Why = "as many fall to it by chance from the larger group beside it"
			e.Refused = append(e.Refused, g)
		}
		return echo
	})
}

const (
	// wideLags is how far, in minutes, lags must spread for an offset to be taken for its neighbour.
	wideLags = 10
	// echoShare is the share of a large group's writers that may fall to its neighbour by chance.
	echoShare = 0.03
)

// anchor asks whether those taken for the offset read are there at all: where not even they are prompt, they may as well
// be at another, and everyone with them.
func (a *asking) anchor(home *cluster, all float64) {
	e := &a.estimate
	if home == nil {
		a.inconclusive("no writer is at the offset read")
		return
	}
	to := a.moved
	if to == 0 {
		edge, ahead := edgeOf(home), aheadOf(home)
		if edge <= lateEdge+a.width && ahead <= mostAhead {
			return
		}
		candidates := a.anchors(edge)
		if ahead > mostAhead {
			// whoever is ahead so often is east of somebody else, who is at the offset read
			candidates = slices.DeleteFunc(candidates, func(to int32) bool {
				return !slices.ContainsFunc(e.Groups, func(g WriterGroup) bool { return g.East == times.Offset(-60*to) })
			})
			if len(candidates) != 1 {
				a.inconclusive("even the promptest writers are ahead of their arrival")
				return
			}
		}
		if len(candidates) == 0 && len(e.Groups) == 0 {
			return // no zone is there: they are late by their own nature
		}
		candidates = slices.DeleteFunc(candidates, func(to int32) bool {
			return slices.ContainsFunc(e.Groups, func(g WriterGroup) bool { return !a.real(to + int32(g.East.Minutes())) })
		})
		if len(e.Groups) == 0 || len(candidates) != 1 {
			a.inconclusive(fmt.Sprintf("even the promptest writers are %d min late, or stamp at an offset of so much", edge))
			return
		}
		to = candidates[0]
	}
	groups := append(slices.Clone(e.Groups), a.describe(home, all))
	e.Groups, e.Home = nil, 0
	for _, g := range groups {
		if g.East += times.Offset(to * 60); g.East == 0 {
			e.Home = g.Writers
		} else {
			e.Groups = append(e.Groups, g)
		}
	}
	if slices.ContainsFunc(e.Groups, func(g WriterGroup) bool { return !a.real(int32(g.East.Minutes())) }) {
		a.inconclusive("the writers ahead of their arrival are at no offset")
		return
	}
	e.Anchored = true
	sortGroups(e.Groups)
}

func (a *asking) real(minutes int32) bool {
	_, found := slices.BinarySearch(a.offsets, minutes)
	return found
}

// lateEdge is how late, in minutes, the promptest rows may be beyond the spread of their lags.
const lateEdge = 30

// mostAhead is the share of rows ahead of their arrival that writers at the offset read may have.
const mostAhead = 0.3

// aheadOf is the share of a cluster's rows that lie ahead of their arrival.
func aheadOf(c *cluster) float64 {
	n := 0
	for _, m := range c.rows {
		if m.moved < -early {
			n++
		}
	}
	return float64(n) / float64(len(c.rows))
}

// edgeOf is the lag, in minutes, that two of a hundred rows stay below.
func edgeOf(c *cluster) int {
	lags := make([]int, 0, len(c.rows))
	for _, m := range c.rows {
		lags = append(lags, m.moved)
	}
	slices.Sort(lags)
	return lags[(len(lags)-1)/50]
}

// between counts the writers that are clearly better explained by a quarter of an hour that is no zone's offset. Where
// writers have delays of their own, there are as many of them as at offsets.
func (a *asking) between() int {
	var odd []int32
	for o := a.offsets[0]; o <= a.offsets[len(a.offsets)-1]; o += lattice {
		if !a.real(o) {
			odd = append(odd, o)
		}
	}
	n := 0
	score := make([]float64, len(a.courses))
	for i := range a.pens {
		p := &a.pens[i]
		if !p.eligible {
			continue
		}
		a.score(p, score)
		best, most := slices.Max(score), math.Inf(-1)
		for _, o := range odd {
			sum := 0.0
			for _, r := range p.rows {
				sum += a.f.at(int(r.Lag) + int(o))
			}
			most = max(most, sum)
		}
		if most > best+oddEvidence {
			n++
		}
	}
	return n
}

// oddEvidence is how much better an offset that is no zone's must explain a writer.
const oddEvidence = 6

// clusters gathers the rows of writers that are placed for certain, by offset.
func (a *asking) clusters() map[int32]*cluster {
	found := map[int32]*cluster{}
	rows := make([]int, len(a.offsets))
	a.eachSure(func(_ *pen, _ facts.WriterRow, column int) { rows[column]++ })
	for column, n := range rows {
		if n > 0 {
			found[a.offsets[column]] = &cluster{offset: a.offsets[column], days: map[int64]bool{}, rows: make([]member, 0, n)}
		}
	}
	a.eachSure(func(p *pen, r facts.WriterRow, column int) {
		o := a.offsets[column]
		c := found[o]
		c.rows = append(c.rows, member{r, int(r.Lag) + int(o)})
		c.days[floorDiv(int64(r.Arrival), halfDay)] = true
		if n := len(c.pens); n == 0 || c.pens[n-1] != p {
			c.pens = append(c.pens, p)
			if p.eligible {
				c.eligible++
			}
		}
	})
	return found
}

// eachSure gives the rows of writers that are placed for certain, with the column of the offset at which each is.
func (a *asking) eachSure(give func(p *pen, r facts.WriterRow, column int)) {
	for i := range a.pens {
		p := &a.pens[i]
		if !p.sure || len(p.rows) < 2 {
			continue
		}
		for _, r := range p.rows {
			give(p, r, a.courses[p.course].column(r.Arrival-int32(r.Lag)))
		}
	}
}

func (a *asking) describe(c *cluster, all float64) WriterGroup {
	g := WriterGroup{East: times.Offset(c.offset * 60), Writers: len(c.pens), Rows: len(c.rows), Files: map[int32]int{}}
	days, written := map[int64]bool{}, 0.0
	for _, p := range c.pens {
		g.Members = append(g.Members, p.id)
		here := 0
		for _, r := range p.rows {
			if a.offset(p, r) == c.offset {
				here++
			}
		}
		written += p.written * float64(here) / float64(len(p.rows))
	}
	for _, m := range c.rows {
		days[floorDiv(int64(m.row.Arrival), 2*halfDay)] = true
		g.Files[m.row.File]++
	}
	slices.Sort(g.Members)
	g.Foreign = a.foreign(c)
	g.Days = len(days)
	g.Share = written / all
	// writers are drawn whole: the spread is that of their number
	margin := 1.96 * g.Share * math.Sqrt((1-g.Share)/float64(len(c.pens)))
	g.Low, g.High = max(0, g.Share-margin), min(1, g.Share+margin)
	return g
}

// foreign is the share of the rows with the lags of a group's window whose writers are elsewhere.
func (a *asking) foreign(c *cluster) float64 {
	inside, others := 0, 0
	for i := range a.pens {
		p := &a.pens[i]
		for _, r := range p.rows {
			if at := int(r.Lag) + int(c.offset); at < -before || at >= after {
				continue
			}
			inside++
			if a.offset(p, r) != c.offset {
				others++
			}
		}
	}
	if inside == 0 {
		return 1
	}
	return float64(others) / float64(inside)
}

// against is what speaks against a group, or ""; constant says that it is a delay of the writers' own.
func (a *asking) against(c, home *cluster) (why string, constant bool) {
	gain := 0.0
	for _, m := range c.rows {
		gain += a.f.at(m.moved) - a.f.at(int(m.row.Lag))
	}
	mean := gain / float64(len(c.rows))
	switch {
	case len(c.rows) < leastGroupRows || gain < leastEvidence:
		return "too few rows", false
	case mean < leastGain*a.trueGain(c.offset):
		return "its rows are no more like one offset than chance makes them", false
	case a.offAt(c):
		return "its writers are late by a time that is no offset", true
	case len(c.days) < leastGroupDays:
		return "its rows came in fewer than four half days", false
	case home != nil && a.anotherShape(c, home):
		return "its lags have another shape: another pipeline, late or local", false
	case a.atTimes(c):
		return "its rows came in a part of the time only", false
	case home != nil && a.nobodyPrompt(c, home):
		return "nobody was prompt when its events happened", false
	}
	whole := a.wholeShare(c)
	switch {
	case whole < purity:
		return "the same writers have prompt rows too", false
	case a.stretchWouldDo(c, whole):
		return "its rows came in a part of the time only, and so do all rows of many writers", false
	case a.promptElsewhen(c):
		return "its writers were prompt at the times when nobody of them was late", false
	}
	return "", false
}

// trueGain is what a row of a writer at the offset gains by it, on average.
func (a *asking) trueGain(offset int32) float64 {
	gain := 0.0
	for i, k := range a.f.kernel {
		if k > 0 {
			lag := i + facts.LeastLagMinutes
			gain += k * (a.f.at(lag) - a.f.at(lag-int(offset)))
		}
	}
	return gain
}

// offAt says that the rows fit clearly better some minutes beside the offset.
func (a *asking) offAt(c *cluster) bool {
	best, most, asIs := 0, math.Inf(-1), 0.0
	for s := -searched; s <= searched; s++ {
		sum := 0.0
		for _, m := range c.rows {
			sum += a.f.at(m.moved + s)
		}
		if s == 0 {
			asIs = sum
		}
		if sum > most {
			best, most = s, sum
		}
	}
	return abs(best) > mostOff && most-asIs > offEvidence
}

func (a *asking) anotherShape(c, home *cluster) bool {
	x, y := make([]int, 0, len(c.rows)), make([]int, 0, len(home.rows))
	for _, m := range c.rows {
		x = append(x, m.moved)
	}
	for _, m := range home.rows {
		y = append(y, m.moved)
	}
	return distance(x, y) > mostShape+kolmogorov*math.Sqrt(1/float64(len(x))+1/float64(len(y)))
}

// distance is that of Kolmogorov and Smirnov.
func distance(x, y []int) float64 {
	slices.Sort(x)
	slices.Sort(y)
	most := 0.0
	for i, j := 0, 0; i < len(x) && j < len(y); {
		at := min(x[i], y[j])
		for i < len(x) && x[i] == at {
			i++
		}
		for j < len(y) && y[j] == at {
			j++
		}
		most = max(most, math.Abs(float64(i)/float64(len(x))-float64(j)/float64(len(y))))
	}
	return most
}

// atTimes says that the group's rows came at other times than all rows that its clocks could have stamped. A stretch of
// late arrivals looks so; a place where people sleep at other hours does not, since days count and not hours.
func (a *asking) atTimes(c *cluster) bool {
	own, byCourse := map[int64]float64{}, map[int]float64{}
	for _, m := range c.rows {
		own[a.binOf(m.row)] += 1 / float64(len(c.rows))
	}
	for _, p := range c.pens {
		byCourse[p.course] += float64(len(p.rows))
	}
	others := map[int64]float64{}
	total := 0.0
	for _, weight := range byCourse {
		total += weight
	}
	for _, course := range sortedKeys(byCourse) {
		days, rows := map[int64]float64{}, 0.0
		for i := range a.pens {
			for _, r := range a.pens[i].rows {
				if a.offsets[a.courses[course].column(r.Arrival+c.offset)] == c.offset {
					days[a.binOf(r)]++
					rows++
				}
			}
		}
		for day, n := range days {
			others[day] += n / rows * byCourse[course] / total
		}
	}
	// the distance is Kuiper's, which is the same wherever a stretch lies
	x, y, above, below := 0.0, 0.0, 0.0, 0.0
	for _, day := range sortedKeys(others) {
		x, y = x+own[day], y+others[day]
		above, below = max(above, x-y), max(below, y-x)
	}
	// writers come in whole, so that rows of one are no independent witnesses: their number counts
	return above+below > mostTime+kuiper/math.Sqrt(float64(2*len(c.pens)))
}

// binOf is the stretch that a row arrived in: half a day where the store holds many of them, else a day, so that the hours at
// which people are awake count for little.
func (a *asking) binOf(r facts.WriterRow) int64 { return floorDiv(int64(r.Arrival), a.bin) }

func sortedKeys[K cmp.Ordered](m map[K]float64) []K { return slices.Sorted(maps.Keys(m)) }

// leastPrompt is how many prompt rows of writers at the offset read must have happened in the hours of a group's events, as
// they are read, against how many happen in an hour on average.
const leastPrompt = 0.15

// nobodyPrompt says that when a group's events happened, as they are read, hardly anyone at the offset read was prompt. So
// it is where all that happens at some hours, or in some stretches, comes late, and some writers are active just then.
func (a *asking) nobodyPrompt(c, home *cluster) bool {
	if c.offset > 0 {
		return false // nothing is late that lies ahead
	}
	prompt, hours := map[int32]float64{}, map[int32]bool{}
	rows := 0.0
	for _, m := range home.rows {
		hour := hourOf(m.row)
		hours[hour] = true
		if 2*int32(m.row.Lag) < -c.offset {
			prompt[hour]++
			rows++
		}
	}
	for _, m := range c.rows {
		hours[hourOf(m.row)] = true
	}
	sum := 0.0
	for _, m := range c.rows {
		sum += prompt[hourOf(m.row)]
	}
	return sum/float64(len(c.rows)) < leastPrompt*rows/float64(len(hours))
}

// hourOf is the hour of a row's event as it is read, counted from 1970.
func hourOf(r facts.WriterRow) int32 { return int32(floorDiv(int64(r.Arrival)-int64(r.Lag), 60)) }

// standsAt says whether a writer has rows at an offset.
func (a *asking) standsAt(p *pen, offset int32) bool {
	for _, r := range p.rows {
		if a.offset(p, r) == offset {
			return true
		}
	}
	return false
}

// unexplained counts the writers most of whose rows lie where the density has next to nothing, at whatever offset.
func (a *asking) unexplained() int {
	n, next := 0, math.Log(3*noise/places)
	for i := range a.pens {
		p := &a.pens[i]
		if !p.eligible {
			continue
		}
		out := 0
		for _, r := range p.rows {
			if a.f.at(int(r.Lag)+int(a.offset(p, r))) < next {
				out++
			}
		}
		if float64(out) > mostUnexplained*float64(len(p.rows)) {
			n++
		}
	}
	return n
}

// detectable is the share of rows that an offset must have to be found nineteen times in twenty, at the median offset.
func (a *asking) detectable() float64 {
	e := &a.estimate
	var gains []float64
	for _, o := range a.offsets {
		if o != 0 {
			gains = append(gains, a.trueGain(o))
		}
	}
	rows := max(leastGroupRows, leastEvidence/max(1e-9, leastGain*percentile(gains, 0.5)))
	// of a number that is 6.3 on average, 19 times in 20 at least three come
	const expected = 6.3
	return min(1, max(expected/float64(e.Eligible), rows/float64(e.Rows)))
}
