package check

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// askWriters asks the writers of a series for their offsets, where the scan sampled them.
func (b *Zones) askWriters(s *zoneSeries) {
	if 2*s.estimate.CoarseRows > s.estimate.Rows {
		return // a clock that shows quarter hours tells no offset, whoever reads it
	}
	sample := b.Collection.Writers[s.source]
	if sample == nil {
		return
	}
	rows := make([]facts.WriterRow, 0, len(sample.Rows))
	for _, r := range sample.Rows {
		file := &b.Survey.Files[r.File]
		if file.Writer == s.writer && b.Judged(file.Partition) {
			rows = append(rows, r)
		}
	}
	s.writers = zonefit.AskWriters(zonefit.WriterInput{Rows: rows, Courses: s.courses})
	s.sampled = rows
}

// coursesAgainst are the courses that clocks took, as they are seen from the zone that a source's times are read in.
func coursesAgainst(courses []zone.Course, read *zone.Table, from, to int64) []zonefit.Course {
	var all []zonefit.Course
	for _, c := range courses {
		c = c.Against(read, from, to)
		var seen zonefit.Course
		whole := true
		for _, seconds := range c.Seconds {
			whole = whole && seconds%60 == 0
			seen.Offsets = append(seen.Offsets, seconds/60)
		}
		for _, begin := range c.Begins {
			seen.Begins = append(seen.Begins, int32(begin/60_000_000))
		}
		if whole {
			all = append(all, seen)
		}
	}
	return all
}

// combine puts what writers and what shapes say together, and asks what else can tell delay from a zone: a clock change, the
// declared max_lag, twins, partitions. Shapes alone prove nothing: a retry after exactly six hours looks like UTC-6.
func (b *Zones) combine(s *zoneSeries) {
	s.stepped = b.nameBySteps(s)
	s.proofs = map[int32]string{}
	shaped := s.estimate.Populations
	whole := s.estimate.Verdict == zonefit.Ambiguous
	var proven, open []zonefit.Population
	allowed := false
	for _, p := range shaped {
		switch {
		case p.Seconds == 0:
		case b.allowedDelay(*s, p.Seconds):
			allowed = true
		default:
			if by := b.proof(s, p, whole); by != "" {
				s.proofs[p.Seconds] = by
				proven = append(proven, p)
				continue
			}
			open = append(open, p)
		}
	}
	for _, g := range s.writers.Groups {
		if s.proofs[g.Seconds] != "" || b.allowedDelay(*s, g.Seconds) {
			continue
		}
		s.proofs[g.Seconds] = byWriters(g)
		proven = append(proven, b.populationOf(s, g))
	}
	s.open = open
	switch {
	case len(proven) > 0:
		s.verdict = zonefit.Mixed
		s.estimate.Populations = b.withHome(s, shaped, proven)
	case len(open) > 0:
		s.verdict = zonefit.Ambiguous
	case allowed:
		s.verdict = zonefit.Clean
		s.decided = "max_lag allows the delay"
	case s.doubtful() != "":
		s.verdict = zonefit.Ambiguous
	case s.estimate.Verdict == zonefit.Clean || s.writers.Told:
		s.verdict = zonefit.Clean
	}
	if s.verdict == zonefit.Clean && !allowed && s.detectable() > s.mustSee {
		s.verdict, s.blind = zonefit.CannotTell, true
	}
}

func byWriters(g zonefit.WriterGroup) string {
	return fmt.Sprintf("%s %s all their rows there, on %s", words.Count(int64(g.Writers), "writer"), words.Plural(int64(g.Writers), "has", "have"), words.Count(int64(g.Days), "day"))
}

// proof says what proves that a population of the shapes is a zone and no delay, or "".
func (b *Zones) proof(s *zoneSeries, p zonefit.Population, whole bool) string {
	for _, g := range s.writers.Groups {
		if g.Seconds == p.Seconds {
			return byWriters(g)
		}
	}
	by := ""
	if whole := s.wholeAhead(p); whole != "" {
		return whole
	}
	switch {
	case s.steppingAt(p):
		by = "its offset steps by an hour where clocks change"
	case b.twinsBlame(*s, p, whole || p.Whole()):
		by = "its keys are stored again at the true time"
	case whole && b.brokenMaxLag(*s):
		by = "a delay would break max_lag"
	case (whole || p.Whole()) && b.fitsPartitionsAtOffset(*s, p):
		by = "its rows lie in their partitions only when they are corrected"
	}
	if by != "" {
		s.decided = by
	}
	return by
}

// wholeAhead says that every writer of a series is ahead of its arrival by one offset, with every row on every day: no event
// arrives before it happens. Fewer writers do than where some of many are to be told from the others.
func (s *zoneSeries) wholeAhead(p zonefit.Population) string {
	if p.Seconds < 0 || p.Share < provedShare {
		return ""
	}
	from, to := p.Window()
	writers, ahead, halves, inside := map[uint64]bool{}, map[uint64]bool{}, map[int32]bool{}, 0
	for _, r := range s.sampled {
		writers[r.Writer] = true
		if lag := int64(r.Lag) * 60_000_000; lag >= from && lag < to {
			ahead[r.Writer], halves[r.Arrival/(12*60)] = true, true
			inside++
		}
	}
	// some rows may come later than most do; no writer may have such rows alone
	if len(writers) < leastAhead || len(ahead) < len(writers) || len(halves) < leastAheadHalves || float64(inside) < mostAhead*float64(len(s.sampled)) {
		return ""
	}
	return fmt.Sprintf("all %s have all their rows there, and no event arrives before it happens", words.Count(int64(len(writers)), "writer"))
}

// leastAhead writers, on leastAheadHalves half days, must all be ahead.
const leastAhead, leastAheadHalves = 3, 2

// mostAhead is the share of the rows that must be.
const mostAhead = 0.95

// steppingAt says that a population is one of two that follow each other where clocks of a zone changed. Where one of them
// lies at the zone read, a job that runs by the local clock looks the same.
func (s *zoneSeries) steppingAt(p zonefit.Population) bool {
	if !s.stepped {
		return false
	}
	return slices.ContainsFunc(s.estimate.Steps(), func(step zonefit.Step) bool {
		return step.Before.Seconds != 0 && step.After.Seconds != 0 && (step.Before.Seconds == p.Seconds || step.After.Seconds == p.Seconds)
	})
}

// withHome adds the population at the offset read, if there is one.
func (b *Zones) withHome(s *zoneSeries, shaped, proven []zonefit.Population) []zonefit.Population {
	all := proven
	if i := slices.IndexFunc(shaped, func(p zonefit.Population) bool { return p.Seconds == 0 }); i >= 0 {
		all = append(all, shaped[i])
	} else if s.writers.Home > 0 {
		share := 1.0
		for _, p := range proven {
			share -= p.Share
		}
		all = append(all, zonefit.Population{Share: max(0, share), Rows: int64(max(0, share) * float64(s.estimate.Rows)), Low: 0, High: 1})
	}
	slices.SortFunc(all, func(x, y zonefit.Population) int { return int(x.Seconds - y.Seconds) })
	return all
}

// populationOf estimates the rows of a group of writers, in all and by partition, from the sample.
func (b *Zones) populationOf(s *zoneSeries, g zonefit.WriterGroup) zonefit.Population {
	p := zonefit.Population{Seconds: g.Seconds, Share: g.Share, Low: g.Low, High: g.High, Rows: int64(math.Round(g.Share * float64(s.estimate.Rows)))}
	theirs, all := map[int32]int{}, map[int32]int{}
	whole := s.writers.Anchored && s.writers.Home == 0 && len(s.writers.Groups) == 1
	if whole {
		p.Share, p.High, p.Rows = 1, 1, s.estimate.Rows
	}
	for _, r := range s.sampled {
		all[b.FilePartition(r.File)]++
	}
	for file, n := range g.Files {
		theirs[b.FilePartition(file)] += n
	}
	for _, part := range b.lagParts()[seriesKey{s.source, s.writer}] {
		if theirs[part.ID] == 0 {
			continue
		}
		share := float64(theirs[part.ID]) / float64(all[part.ID])
		if whole {
			share = 1
		}
		p.Parts = append(p.Parts, zonefit.PartShare{ID: part.ID, Share: share, Rows: max(1, int64(math.Round(share*float64(part.Lags.Rows))))})
	}
	return p
}

// groupAt is the group of writers at a population's offset.
func (s zoneSeries) groupAt(p zonefit.Population) (zonefit.WriterGroup, bool) {
	i := slices.IndexFunc(s.writers.Groups, func(g zonefit.WriterGroup) bool { return g.Seconds == p.Seconds })
	if i < 0 {
		return zonefit.WriterGroup{}, false
	}
	return s.writers.Groups[i], true
}

// doubtful says what writers leave open, beyond what a pass may leave unseen; "" where that is nothing.
func (s zoneSeries) doubtful() string {
	var texts []string
	for _, g := range s.writers.Refused {
		if g.Share >= s.mustSee {
			texts = append(texts, fmt.Sprintf("%s may be %s (%s)", words.Count(int64(g.Writers), "writer"), storyOf(s, g.Seconds), g.Why))
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return words.Examples(texts)
}

// storyOf tells both explanations of an offset.
func storyOf(s zoneSeries, seconds int32) string {
	name := zone.OffsetText(seconds + s.base)
	if seconds > 0 {
		return fmt.Sprintf("%s ahead of their arrival, or stamped at %s", words.Duration(int64(seconds)*1_000_000), name)
	}
	return fmt.Sprintf("%s late, or stamped at %s", words.Duration(-int64(seconds)*1_000_000), name)
}

// detectable is the smallest share of rows at another offset that would have been seen, by shapes or by writers.
func (s zoneSeries) detectable() float64 {
	share := 1.0
	if s.estimate.Verdict == zonefit.Clean && s.estimate.Told > 0 {
		share = s.estimate.Detectable
	}
	if s.writers.Told {
		share = min(share, s.writers.Detectable)
	}
	return share
}

// needed says what would let a series be told.
func (b *Zones) needed(s zoneSeries) string {
	switch {
	case len(b.View.Entity) == 0 && len(b.View.Writer) == 0:
		return "declare the entity, or the writer that stamps the rows, or take in more rows"
	case len(b.View.Writer) == 0 && !s.writers.Told:
		return "declare the writer that stamps the rows (writer: device_id), or take in more rows"
	}
	return "take in more rows"
}

// witnesses says how many writers with rows at an offset have prompt ones too, where writers had the power to tell.
func (s zoneSeries) witnesses(seconds int32) string {
	if !s.writers.Told {
		return ""
	}
	with, prompt := s.writers.Witnesses(seconds)
	if with == 0 || prompt == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s with such rows %s prompt rows too", words.Number(int64(prompt)), words.Count(int64(with), "writer"), words.Plural(int64(prompt), "has", "have"))
}

// openInWords tells the stories of the populations that nothing proves.
func (s zoneSeries) openInWords() string {
	var stories []string
	for _, p := range s.open {
		story := storyOf(s, p.Seconds)
		if seen := s.witnesses(p.Seconds); seen != "" {
			story += " (" + seen + ")"
		}
		stories = append(stories, story)
	}
	return strings.Join(stories, "; ")
}

// rowsShifted says that rows which are stamped at an offset, or may be, explain what a calendar moved the other way would:
// those that are proved to be anywhere, and those that nothing proves at just that offset.
func (b *Zones) rowsShifted(seconds int32) bool {
	series, err := b.zoneEvidence()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(series, func(s zoneSeries) bool {
		return len(s.wrong()) > 0 || slices.ContainsFunc(s.open, func(p zonefit.Population) bool { return p.Seconds == seconds })
	})
}

// aheadInWords names the offsets that would explain rows ahead of their arrival, as a cause that is proved or possible.
func (b *Zones) aheadInWords() string {
	series, err := b.zoneEvidence()
	if err != nil {
		return ""
	}
	var texts []string
	for _, s := range series {
		for _, p := range s.wrong() {
			if p.Seconds > 0 {
				texts = append(texts, fmt.Sprintf("writers of %s stamp %s (mixed-zones)", s.name(), zone.OffsetText(s.offset(p))))
			}
		}
		for _, p := range s.open {
			if p.Seconds > 0 {
				texts = append(texts, fmt.Sprintf("rows of %s are %s: the offset is one possible cause, an event that is known ahead another", s.name(), storyOf(s, p.Seconds)))
			}
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return words.Examples(texts)
}
