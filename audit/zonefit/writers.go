package zonefit

import (
	"cmp"
	"math"
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Course is how far east, in minutes, of the zone read a clock is, from one clock change to the next.
type Course struct {
	// Offsets has one more than Begins: the instants, in minutes since 1970 UTC and ascending, from which the next one holds.
	Offsets []int32
	Begins  []int32
}

// WriterInput is what offsets are told from by asking writers.
type WriterInput struct {
	// Rows are sorted by writer.
	Rows []facts.WriterRow
	// Courses are those that clocks of real zones took. One of them is 0 throughout.
	Courses []Course
}

// WriterEstimate is what the writers of one series say of their zones.
type WriterEstimate struct {
	// Told says that the writers had the power to tell; Why is the reason where they had not, or where the whole is
	// ambiguous.
	Conclusive bool
	Why        string
	// Writers have rows, Eligible of them enough on enough days to be asked; Rows are those sampled, EligibleRows those of
	// the eligible.
	Writers, Eligible  int
	Rows, EligibleRows int
	// Detectable is the smallest share of rows that would have been found at the median offset: 0 to 1.
	Detectable float64
	// Groups are the offsets at which writers were found, ascending; Refused are those with a reason against them.
	Groups, Refused []WriterGroup
	// Home are the writers at the offset read.
	Home int
	// Anchored says that not even the promptest writers are at the offset read: all of Groups moved with them.
	Anchored bool

	pens []pen
}

// WriterGroup are writers whose clocks are at one offset.
type WriterGroup struct {
	// East is how far east of the zone read they are.
	East times.Offset
	// Writers are known for certain, on Days days; Rows are their sampled rows.
	Writers, Days, Rows int
	// Share of the source's rows is an estimate, Low and High bound it with 95 % confidence.
	Share, Low, High float64
	// Why is what speaks against it; "" where it is found.
	Why string
	// Members are the hashes of the writers, ascending.
	Members []uint64
	// Files counts their sampled rows by file.
	Files map[int32]int
	// Foreign is the share of others' rows among those that have the lags of the group's window.
	Foreign float64
}

const (
	// early is how far, in minutes, a fast clock may lie ahead of the arrival.
	early = 5
	// noise is the share of rows that nothing explains; places is over how many minutes they lie.
	noise  = 0.002
	places = facts.MostLagMinutes - facts.LeastLagMinutes
	// A writer is asked if it has leastWriterRows rows, the first and the last leastHalfDays half days apart.
	leastWriterRows, leastHalfDays = 3, 2
	halfDay                        = 12 * 60
	// leastEligible writers with leastEligibleShare of the rows must be asked, else nothing is told.
	leastEligible, leastEligibleShare = 20, 0.3
	rounds                            = 6
	leastRounds                       = 1
	manyHalfDays                      = 10
	certain                           = 0.99
)

// pen is one writer with its rows.
type pen struct {
	id       uint64
	rows     []facts.WriterRow
	written  float64
	eligible bool
	// reference says that the density was first learnt from it.
	reference bool
	median    int
	spread    int
	// best and sure are of the last round: the course, and how likely it is that each row's offset is that course's.
	course int
	sure   bool
}

// density is what the lags of writers at the offset read look like, by the minute.
type density struct {
	counts []float64 // of the rows that it is learnt from, from LeastLagMinutes
	rows   int       // those counted, and those beyond
	kernel []float64 // from LeastLagMinutes
	log    []float64 // from leastPlace
}

// Two zones are at most 26 hours apart: a lag that is moved from one to the other, and a little beside, lies between these.
const (
	leastPlace = facts.LeastLagMinutes - 27*60
	mostPlace  = facts.MostLagMinutes + 27*60
)

func (d *density) at(lag int) float64 { return d.log[lag-leastPlace] }

// steps is a course as stamped times see it.
type steps struct {
	// columns are the places of its offsets; a stamp from changes[i] on has columns[i+1].
	columns []int
	changes []int32
}

// column is the place of the offset of a clock that stamped this. What it shows twice, it shows first before the change.
func (s *steps) column(stamped int32) int {
	i := 0
	for i < len(s.changes) && stamped >= s.changes[i] {
		i++
	}
	return s.columns[i]
}

type asking struct {
	in      WriterInput
	pens    []pen
	offsets []int32
	// courses are those that step; the others stand at one of offsets each.
	courses []steps
	home    int
	weights []float64
	f       density
	lines   []line
	room    []float64
	// prompt is the lag up to which the reference's median lags lie.
	prompt, width int
	// bin is how long, in minutes, the stretches are by which times are compared.
	bin int64
	// moved is the offset that all rows were moved by, where nobody is at the one read.
	moved    int32
	estimate WriterEstimate
}

// AskWriters tells which of a source's writers stamp local time: those whose rows, on several days, all have the lags of
// writers at the offset read, moved by one offset. What is late belongs to a row, a load or a stretch of time, and is not
// a writer's own.
func AskWriters(in WriterInput) WriterEstimate {
	a := &asking{in: in}
	e := a.ask()
	if a.moved == 0 {
		e.pens = a.pens
	}
	return e
}

// Witnesses counts the writers that have rows with the lags of an offset's window, and those of them that have prompt rows
// at the offset read too: who has both is late with some rows, and not elsewhere.
func (e WriterEstimate) Witnesses(east times.Offset) (with, prompt int) {
	from, to := Population{East: east}.Window()
	low, high := from/times.Minute, to/times.Minute
	for _, p := range e.pens {
		there, here := false, false
		for _, r := range p.rows {
			lag := times.Span(r.Lag)
			there = there || lag >= low && lag < high
			here = here || lag >= -before && lag < after
		}
		if there {
			with++
			if here {
				prompt++
			}
		}
	}
	return with, prompt
}

func (a *asking) ask() WriterEstimate {
	a.readCourses()
	a.gather()
	if !a.powerful() || !a.learnReference() {
		return a.estimate
	}
	a.estimate.Conclusive = true
	for round := range rounds {
		settled := a.place(round)
		if !a.learnSure() {
			return a.inconclusive("no writer is placed for certain")
		}
		if settled && round >= leastRounds {
			break
		}
	}
	if a.drifted() {
		return a.inconclusive("no telling which writers are at the offset read")
	}
	a.group()
	return a.estimate
}

// drifted says that most of the writers that the density was first learnt from are elsewhere by now.
func (a *asking) drifted() bool {
	all, home := 0, 0
	for i := range a.pens {
		p := &a.pens[i]
		if p.reference {
			all++
			if a.standsAt(p, 0) {
				home++
			}
		}
	}
	return 2*home < all
}

func (a *asking) inconclusive(why string) WriterEstimate {
	a.estimate.Conclusive, a.estimate.Why = false, why
	a.estimate.Groups = nil
	return a.estimate
}

// gather makes the writers.
func (a *asking) gather() {
	rows := a.in.Rows
	a.pens = slices.Grow(a.pens[:0], countWriters(rows)) // most have a row or two: a list that grows would be copied often
	var lags []int
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].Writer == rows[from].Writer {
			to++
		}
		var p pen
		p, lags = newPen(rows[from:to], lags[:0])
		a.pens = append(a.pens, p)
		from = to
	}
	e := &a.estimate
	e.Eligible, e.EligibleRows = 0, 0
	if a.bin = 2 * halfDay; len(rows) > 0 {
		first, last := rows[0].Arrival, rows[0].Arrival
		for _, r := range rows {
			first, last = min(first, r.Arrival), max(last, r.Arrival)
		}
		if int64(last-first) > manyHalfDays*halfDay {
			a.bin = halfDay
		}
	}
	e.Writers, e.Rows = len(a.pens), len(rows)
	for _, p := range a.pens {
		if p.eligible {
			e.Eligible++
			e.EligibleRows += len(p.rows)
		}
	}
}

func (a *asking) readCourses() {
	a.offsets = append(a.offsets, 0)
	for _, c := range a.in.Courses {
		a.offsets = append(a.offsets, c.Offsets...)
	}
	slices.Sort(a.offsets)
	a.offsets = slices.Compact(a.offsets)
	column := func(o int32) int {
		at, _ := slices.BinarySearch(a.offsets, o)
		return at
	}
	a.home = column(0)
	for _, o := range a.offsets {
		a.courses = append(a.courses, steps{columns: []int{column(o)}})
	}
	for _, c := range a.in.Courses {
		if len(c.Begins) == 0 {
			continue
		}
		s := steps{columns: []int{column(c.Offsets[0])}}
		for i, begin := range c.Begins {
			s.columns = append(s.columns, column(c.Offsets[i+1]))
			s.changes = append(s.changes, begin+max(c.Offsets[i], c.Offsets[i+1]))
		}
		a.courses = append(a.courses, s)
	}
}

// countWriters is how many writers rows are of, each with its rows together.
func countWriters(rows []facts.WriterRow) int {
	count := 0
	for i := range rows {
		if i == 0 || rows[i].Writer != rows[i-1].Writer {
			count++
		}
	}
	return count
}

// newPen makes a writer of its rows. The memory for lags is given back for the next one.
func newPen(rows []facts.WriterRow, lags []int) (pen, []int) {
	p := pen{id: rows[0].Writer, rows: rows, written: facts.Written(rows)}
	first, last := rows[0].Arrival, rows[0].Arrival
	for _, r := range rows {
		first, last = min(first, r.Arrival), max(last, r.Arrival)
		lags = append(lags, int(r.Lag))
	}
	slices.Sort(lags)
	p.median = lags[(len(lags)-1)/2]
	p.spread = lags[(len(lags)-1)*3/4] - lags[(len(lags)-1)/4]
	p.eligible = len(rows) >= leastWriterRows && floorDiv(int64(last), halfDay)-floorDiv(int64(first), halfDay) >= leastHalfDays
	return p, lags
}

func (a *asking) powerful() bool {
	e := &a.estimate
	if e.Eligible < leastEligible || float64(e.EligibleRows) < leastEligibleShare*float64(e.Rows) {
		a.inconclusive("few rows a writer")
		return false
	}
	return true
}

// learnReference takes the lags of prompt writers for those of the offset read. Where hardly a writer's rows come after
// their arrival, nobody is at that offset: no event arrives before it happens. Then the writers furthest ahead are taken, and
// the offset at which they are.
func (a *asking) learnReference() bool {
	var medians, ahead, spreads []int
	for _, p := range a.pens {
		switch {
		case !p.eligible:
			continue
		case p.median >= -early:
			medians = append(medians, p.median)
		default:
			ahead = append(ahead, p.median)
		}
		spreads = append(spreads, p.spread)
	}
	slices.Sort(spreads)
	needed := max(10, 3*a.estimate.Eligible/100)
	a.width = max(2, spreads[len(spreads)/2])
	if len(medians) < needed {
		if len(ahead) < needed || !a.moveAhead(ahead) {
			a.inconclusive("hardly a writer is prompt")
			return false
		}
		medians = nil
		for _, p := range a.pens {
			if p.eligible && p.median >= -early {
				medians = append(medians, p.median)
			}
		}
	}
	slices.Sort(medians)
	a.prompt = medians[(len(medians)-1)/20] + 3*a.width + 2
	a.f.begin()
	writers := 0
	for i := range a.pens {
		p := &a.pens[i]
		if p.eligible && p.median >= -early && p.median <= a.prompt {
			writers++
			p.reference = true
			for _, r := range p.rows {
				a.f.add(int(r.Lag))
			}
		}
	}
	if writers < needed {
		a.inconclusive("hardly a writer is prompt")
		return false
	}
	a.f.learn()
	a.forget()
	return true
}

// moveAhead moves all rows by the offset of the writers that are furthest ahead; false where not exactly one is plausible.
func (a *asking) moveAhead(medians []int) bool {
	slices.Sort(medians)
	furthest := medians[(len(medians)-1)/20] + 3*a.width + 2
	var lags []int
	for _, p := range a.pens {
		if !p.eligible || p.median > furthest {
			continue
		}
		for _, r := range p.rows {
			lags = append(lags, int(r.Lag))
		}
	}
	slices.Sort(lags)
	candidates := a.anchors(lags[(len(lags)-1)/50])
	if len(candidates) != 1 {
		return false
	}
	a.moved = candidates[0]
	rows := slices.Clone(a.in.Rows)
	for i := range rows {
		rows[i].Lag = int16(min(int(rows[i].Lag)+int(a.moved), facts.MostLagMinutes-1))
	}
	a.in.Rows = rows
	a.gather()
	return true
}

// anchors are the offsets at which writers may be whose lags begin at an edge: moved by it, they begin at zero or, as far as
// their lags are spread, a little later.
func (a *asking) anchors(edge int) []int32 {
	var found []int32
	for _, o := range a.offsets {
		if rest := edge + int(o); o != 0 && rest >= -2 && rest <= 2+a.width/2 {
			found = append(found, o)
		}
	}
	return found
}

// begin forgets the rows that the density was learnt from.
func (d *density) begin() {
	if d.counts == nil {
		d.counts, d.kernel, d.log = make([]float64, places), make([]float64, places), make([]float64, mostPlace-leastPlace)
	}
	clear(d.counts)
	d.rows = 0
}

// add counts a row of a writer at the offset read.
func (d *density) add(lag int) {
	d.rows++
	if at := lag - facts.LeastLagMinutes; at >= 0 && at < places {
		d.counts[at]++
	}
}

// learn makes the density of the rows counted: smoothed over five minutes, and a little of anything anywhere. Rows ahead of their
// arrival belong to it as late ones do: some events are known before they happen.
func (d *density) learn() {
	clear(d.kernel)
	total := 0.0
	for i, n := range d.counts {
		if n == 0 {
			continue
		}
		for j, w := range [5]float64{1, 2, 3, 2, 1} {
			if at := i + j - 2; at >= 0 && at < places {
				d.kernel[at] += w / 9 * n
				total += w / 9 * n
			}
		}
	}
	flat := math.Log(noise / places)
	for i := range d.log {
		d.log[i] = flat
	}
	for i, k := range d.kernel {
		if k > 0 {
			d.kernel[i] = k / total
			d.log[i+facts.LeastLagMinutes-leastPlace] = math.Log((1-noise)*k/total + noise/places)
		}
	}
}

// place says for each writer how likely each course is, and whether that hardly changed.
func (a *asking) place(round int) (settled bool) {
	courses := len(a.courses)
	if round == 0 {
		a.weights = make([]float64, courses)
		for c := range a.weights {
			a.weights[c] = 0.1 / float64(max(1, courses-1))
		}
		a.weights[a.home] = 0.9
	}
	logs := make([]float64, courses)
	for c, w := range a.weights {
		logs[c] = math.Log(w)
	}
	sums, all := make([]float64, courses), 0.0
	score := make([]float64, courses)
	for i := range a.pens {
		p := &a.pens[i]
		a.score(p, score)
		for c := range score {
			score[c] += logs[c]
		}
		p.course = normalise(score)
		p.sure = a.agreed(p, score) > certain
		for c, r := range score {
			sums[c] += r * float64(len(p.rows))
		}
		all += float64(len(p.rows))
	}
	change := 0.0
	for c := range a.weights {
		weight := max(sums[c]/all, 1e-5)
		change += math.Abs(weight - a.weights[c])
		a.weights[c] = weight
	}
	return change < 1e-4
}

// score is the log likelihood of a writer's rows under each course.
func (a *asking) score(p *pen, score []float64) {
	clear(score)
	fixed, most := score[:len(a.offsets)], 0.0
	for _, r := range p.rows {
		line := a.line(r.Lag)
		most += line.most
		logs := line.logs[:len(fixed)]
		for i, l := range logs {
			fixed[i] += l
		}
	}
	if fixed[a.home] > most-1 {
		// no course that steps can do better
		for c := len(fixed); c < len(score); c++ {
			score[c] = -unlikely
		}
		return
	}
	for _, r := range p.rows {
		logs, stamped := a.line(r.Lag).logs, r.Arrival-int32(r.Lag)
		for c := len(fixed); c < len(score); c++ {
			score[c] += logs[a.courses[c].column(stamped)]
		}
	}
}

// unlikely is the log of how much less likely a course is that is left out.
const unlikely = 1e9

// line holds the log densities of one lag at all offsets, and the largest of them.
type line struct {
	logs []float64
	most float64
}

func (a *asking) line(lag int16) *line {
	l := &a.lines[int(lag)-facts.LeastLagMinutes]
	if len(l.logs) > 0 {
		return l
	}
	if l.logs == nil {
		l.logs = a.logs(len(a.offsets))
	}
	l.most = math.Inf(-1)
	for _, o := range a.offsets {
		value := a.f.at(int(lag) + int(o))
		l.logs = append(l.logs, value)
		l.most = max(l.most, value)
	}
	return l
}

// logs gives room for so many values, cut from a large piece: lines are many.
func (a *asking) logs(n int) []float64 {
	if len(a.room) < n {
		a.room = make([]float64, 64*n)
	}
	cut := a.room[:0:n]
	a.room = a.room[n:]
	return cut
}

// forget empties the lines: the density is another now.
func (a *asking) forget() {
	if a.lines == nil {
		a.lines = make([]line, places)
	}
	for i := range a.lines {
		a.lines[i].logs = a.lines[i].logs[:0]
	}
}

// normalise turns log likelihoods into shares that add up to 1, and gives the largest's place.
func normalise(score []float64) int {
	best := 0
	for c, s := range score {
		if s > score[best] {
			best = c
		}
	}
	top, sum := score[best], 0.0
	for c, s := range score {
		if score[c] = 0; s > top-negligible {
			score[c] = math.Exp(s - top)
		}
		sum += score[c]
	}
	for c := range score {
		score[c] /= sum
	}
	return best
}

// negligible is the log of how much less likely a course is that takes no share.
const negligible = 40

// agreed is the share of the courses that say of every row what the best one says.
func (a *asking) agreed(p *pen, share []float64) float64 {
	if share[p.course] > certain || len(a.courses) == len(a.offsets) {
		return share[p.course]
	}
	total := 0.0
	for c, s := range share {
		if s < 1e-9 {
			continue
		}
		same := true
		for _, r := range p.rows {
			stamped := r.Arrival - int32(r.Lag)
			if a.courses[c].column(stamped) != a.courses[p.course].column(stamped) {
				same = false
				break
			}
		}
		if same {
			total += s
		}
	}
	return total
}

// offset is how far east of the zone read the writer's clock was when it stamped a row.
func (a *asking) offset(p *pen, r facts.WriterRow) int32 {
	return a.offsets[a.courses[p.course].column(r.Arrival-int32(r.Lag))]
}

// learnSure learns the density again from all writers that are placed for certain, each moved by its offset.
func (a *asking) learnSure() bool {
	a.f.begin()
	for i := range a.pens {
		p := &a.pens[i]
		if !p.sure || len(p.rows) < 2 {
			continue
		}
		for _, r := range p.rows {
			a.f.add(int(r.Lag) + int(a.offset(p, r)))
		}
	}
	if a.f.rows == 0 {
		return false
	}
	a.f.learn()
	a.forget()
	return true
}

func sortGroups(groups []WriterGroup) {
	slices.SortFunc(groups, func(x, y WriterGroup) int { return cmp.Compare(x.East, y.East) })
}
