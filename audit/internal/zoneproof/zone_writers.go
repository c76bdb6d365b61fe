package zoneproof

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// askWriters asks the writers of a series for their offsets, where the scan sampled them.
func (b *Zones) askWriters(s *Series) {
	if 2*s.Estimate.CoarseRows > s.Estimate.Rows {
		return // a clock that shows quarter hours tells no offset, whoever reads it
	}
	sample := b.Collection.Writers[s.Source]
	if sample == nil {
		return
	}
	rows := make([]facts.WriterRow, 0, len(sample.Rows))
	for _, r := range sample.Rows {
		file := &b.Survey.Files[r.File]
		if file.Writer == s.Writer && b.Judged(file.Partition) {
			rows = append(rows, r)
		}
	}
	s.Writers = zonefit.AskWriters(zonefit.WriterInput{Rows: rows, Courses: s.courses})
	s.sampled = rows
}

// coursesAgainst are the courses that clocks took, as they are seen from the zone that a source's times are read in.
func coursesAgainst(courses []zone.Course, read *zone.Table, from, to times.Instant) []zonefit.Course {
	var all []zonefit.Course
	for _, c := range courses {
		c = c.Against(read, from, to)
		var seen zonefit.Course
		whole := true
		for _, offset := range c.Offsets {
			whole = whole && offset%60 == 0
			seen.Offsets = append(seen.Offsets, int32(offset.Minutes()))
		}
		for _, begin := range c.Begins {
			seen.Begins = append(seen.Begins, int32(begin/times.Instant(times.Minute)))
		}
		if whole {
			all = append(all, seen)
		}
	}
	return all
}

// combine puts what writers and what shapes say together, and asks what else can tell delay from a zone: a clock change, the
// declared max_lag, twins, partitions. Shapes alone prove nothing: a retry after exactly six hours looks like UTC-6.
func (b *Zones) combine(s *Series) {
	s.stepped = b.nameBySteps(s)
	s.Proofs = map[times.Offset]string{}
	shaped := s.Estimate.Populations
	whole := s.Estimate.Verdict == zonefit.Ambiguous
	var proven, open []zonefit.Population
	allowed := false
	for _, p := range shaped {
		switch {
		case p.East == 0:
		case b.allowedDelay(*s, p.East):
			allowed = true
		default:
			if by := b.proof(s, p, whole); by != "" {
				s.Proofs[p.East] = by
				proven = append(proven, p)
				continue
			}
			open = append(open, p)
		}
	}
	for _, g := range s.Writers.Groups {
		if s.Proofs[g.East] != "" || b.allowedDelay(*s, g.East) {
			continue
		}
		s.Proofs[g.East] = byWriters(g)
		proven = append(proven, b.populationOf(s, g))
	}
	s.Open = open
	switch {
	case len(proven) > 0:
		s.Verdict = zonefit.Mixed
		s.Estimate.Populations = b.withHome(s, shaped, proven)
	case len(open) > 0:
		s.Verdict = zonefit.Ambiguous
	case allowed:
		s.Verdict = zonefit.Clean
		s.Decided = "max_lag allows the delay"
	case s.Doubtful() != "":
		s.Verdict = zonefit.Ambiguous
	case s.Estimate.Verdict == zonefit.Clean || s.Writers.Conclusive:
		s.Verdict = zonefit.Clean
	}
	if s.Verdict == zonefit.Clean && !allowed && s.Detectable() > s.MustSee {
		s.Verdict, s.Blind = zonefit.CannotTell, true
	}
}

func byWriters(g zonefit.WriterGroup) string {
	return fmt.Sprintf("%s %s all their rows there, on %s", words.Count(int64(g.Writers), "writer"), words.Plural(int64(g.Writers), "has", "have"), words.Count(int64(g.Days), "day"))
}

// proof says what proves that a population of the shapes is a zone and no delay, or "".
func (b *Zones) proof(s *Series, p zonefit.Population, whole bool) string {
	for _, g := range s.Writers.Groups {
		if g.East == p.East {
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
		s.Decided = by
	}
	return by
}

// wholeAhead says that every writer of a series is ahead of its arrival by one offset, with every row on every day: no event
// arrives before it happens. Fewer writers do than where some of many are to be told from the others.
func (s *Series) wholeAhead(p zonefit.Population) string {
	if p.East < 0 || p.Share < provedShare {
		return ""
	}
	from, to := p.Window()
	writers, ahead, halves, inside := map[uint64]bool{}, map[uint64]bool{}, map[int32]bool{}, 0
	for _, r := range s.sampled {
		writers[r.Writer] = true
		if lag := times.Span(r.Lag) * times.Minute; lag >= from && lag < to {
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
func (s *Series) steppingAt(p zonefit.Population) bool {
	if !s.stepped {
		return false
	}
	return slices.ContainsFunc(s.Estimate.Steps(), func(step zonefit.Step) bool {
		return step.Before.East != 0 && step.After.East != 0 && (step.Before.East == p.East || step.After.East == p.East)
	})
}

// withHome adds the population at the offset read, if there is one.
func (b *Zones) withHome(s *Series, shaped, proven []zonefit.Population) []zonefit.Population {
	all := proven
	if i := slices.IndexFunc(shaped, func(p zonefit.Population) bool { return p.East == 0 }); i >= 0 {
		all = append(all, shaped[i])
	} else if s.Writers.Home > 0 {
		share := 1.0
		for _, p := range proven {
			share -= p.Share
		}
		all = append(all, zonefit.Population{Share: max(0, share), Rows: int64(max(0, share) * float64(s.Estimate.Rows)), Low: 0, High: 1})
	}
	slices.SortFunc(all, func(x, y zonefit.Population) int { return int(x.East - y.East) })
	return all
}

// populationOf estimates the rows of a group of writers, in all and by partition, from the sample.
func (b *Zones) populationOf(s *Series, g zonefit.WriterGroup) zonefit.Population {
	p := zonefit.Population{East: g.East, Share: g.Share, Low: g.Low, High: g.High, Rows: int64(math.Round(g.Share * float64(s.Estimate.Rows)))}
	theirs, all := map[int32]int{}, map[int32]int{}
	whole := s.Writers.Anchored && s.Writers.Home == 0 && len(s.Writers.Groups) == 1
	if whole {
		p.Share, p.High, p.Rows = 1, 1, s.Estimate.Rows
	}
	for _, r := range s.sampled {
		all[b.FilePartition(r.File)]++
	}
	for file, n := range g.Files {
		theirs[b.FilePartition(file)] += n
	}
	for _, part := range b.LagParts()[SeriesKey{s.Source, s.Writer}] {
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

// GroupAt is the group of writers at a population's offset.
func (s Series) GroupAt(p zonefit.Population) (zonefit.WriterGroup, bool) {
	i := slices.IndexFunc(s.Writers.Groups, func(g zonefit.WriterGroup) bool { return g.East == p.East })
	if i < 0 {
		return zonefit.WriterGroup{}, false
	}
	return s.Writers.Groups[i], true
}

// Doubtful says what writers leave open, beyond what a pass may leave unseen; "" where that is nothing.
func (s Series) Doubtful() string {
	var texts []string
	for _, g := range s.Writers.Refused {
		if g.Share >= s.MustSee {
			texts = append(texts, fmt.Sprintf("%s may be %s (%s)", words.Count(int64(g.Writers), "writer"), storyOf(s, g.East), g.Why))
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return words.Examples(texts)
}

// storyOf tells both explanations of an offset.
func storyOf(s Series, east times.Offset) string {
	name := zone.OffsetText(east + s.base)
	if east > 0 {
		return fmt.Sprintf("%s ahead of their arrival, or stamped at %s", words.Duration(east.Span()), name)
	}
	return fmt.Sprintf("%s late, or stamped at %s", words.Duration(-east.Span()), name)
}

// Detectable is the smallest share of rows at another offset that would have been seen, by shapes or by writers.
func (s Series) Detectable() float64 {
	share := 1.0
	if s.Estimate.Verdict == zonefit.Clean && s.Estimate.Sharp > 0 {
		share = s.Estimate.Detectable
	}
	if s.Writers.Conclusive {
		share = min(share, s.Writers.Detectable)
	}
	return share
}

// Needed says what would let a series be told.
func (b *Zones) Needed(s Series) string {
	switch {
	case len(b.View.Entity) == 0 && len(b.View.Writer) == 0:
		return "declare the entity, or the writer that stamps the rows, or take in more rows"
	case len(b.View.Writer) == 0 && !s.Writers.Conclusive:
		return "declare the writer that stamps the rows (writer: device_id), or take in more rows"
	}
	return "take in more rows"
}

// witnesses says how many writers with rows at an offset have prompt ones too, where writers had the power to tell.
func (s Series) witnesses(east times.Offset) string {
	if !s.Writers.Conclusive {
		return ""
	}
	with, prompt := s.Writers.Witnesses(east)
	if with == 0 || prompt == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s with such rows %s prompt rows too", words.Number(int64(prompt)), words.Count(int64(with), "writer"), words.Plural(int64(prompt), "has", "have"))
}

// OpenInWords tells the stories of the populations that nothing proves.
func (s Series) OpenInWords() string {
	var stories []string
	for _, p := range s.Open {
		story := storyOf(s, p.East)
		if seen := s.witnesses(p.East); seen != "" {
			story += " (" + seen + ")"
		}
		stories = append(stories, story)
	}
	return strings.Join(stories, "; ")
}

// RowsShifted says that rows which are stamped at an offset, or may be, explain what a calendar moved the other way would:
// those that are proved to be anywhere, and those that nothing proves at just that offset.
func (b *Zones) RowsShifted(east times.Offset) bool {
	series, err := b.Series()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(series, func(s Series) bool {
		return len(s.Wrong()) > 0 || slices.ContainsFunc(s.Open, func(p zonefit.Population) bool { return p.East == east })
	})
}

// AheadInWords names the offsets that would explain rows ahead of their arrival, as a cause that is proved or possible.
func (b *Zones) AheadInWords() string {
	series, err := b.Series()
	if err != nil {
		return ""
	}
	var texts []string
	for _, s := range series {
		for _, p := range s.Wrong() {
			if p.East > 0 {
				texts = append(texts, fmt.Sprintf("writers of %s stamp %s (mixed-zones)", s.Name(), zone.OffsetText(s.Offset(p))))
			}
		}
		for _, p := range s.Open {
			if p.East > 0 {
				texts = append(texts, fmt.Sprintf("rows of %s are %s: the offset is one possible cause, an event that is known ahead another", s.Name(), storyOf(s, p.East)))
			}
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return words.Examples(texts)
}
