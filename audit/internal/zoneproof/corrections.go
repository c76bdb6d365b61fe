package zoneproof

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// Corrections are the plan that would make a view's event times comparable: for each file, source and offset, what to
// Shift and on what evidence. What is ambiguous is not in it.
func (b *Zones) Corrections() []report.Correction {
	series, err := b.Series()
	if err != nil {
		return nil // said by mixed-zones
	}
	twins, err := b.SupportedTwins()
	if err != nil {
		return nil // said by shifted-twins
	}
	var plan []report.Correction
	for _, s := range series {
		for _, p := range s.Wrong() {
			plan = append(plan, b.shifts(s, p, evidenceOf(s, p, twins))...)
		}
		if s.Verdict == zonefit.Clean && s.Writers.Conclusive {
			plan = append(plan, b.declarations(s)...)
		}
	}
	slices.SortFunc(plan, func(x, y report.Correction) int {
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Source, y.Source), cmp.Compare(shiftOf(x), shiftOf(y)))
	})
	return plan
}

func shiftOf(c report.Correction) int64 {
	if c.ShiftSeconds == nil {
		return 0
	}
	return *c.ShiftSeconds
}

// evidenceOf is arithmetic where copies of the source's keys show the same offset, else statistical.
func evidenceOf(s Series, p zonefit.Population, twins []Twin) report.Evidence {
	if slices.ContainsFunc(twins, func(t Twin) bool { return t.Known && t.wrong == s.Source && t.Offset == p.East }) {
		return report.Arithmetic
	}
	return report.Statistical
}

// shifts are the corrections of one population, by file.
func (b *Zones) shifts(s Series, p zonefit.Population, basis report.Evidence) []report.Correction {
	files := b.PopulationSlices(s, p)
	if g, by := s.GroupAt(p); by && !p.Whole() && g.Foreign > mostForeign {
		// others have rows with the same lags: only files that are the writers' own can be moved as a whole
		return b.shiftsOfOwnFiles(s, p, g, basis)
	}
	shift := -int64(p.East)
	rows := b.rowsByFile(s, p, files)
	var plan []report.Correction
	for _, id := range files {
		if rows[id] == 0 {
			continue
		}
		c := report.Correction{View: b.View.Name, File: b.Survey.Files[id].Path, Source: s.Source, ShiftSeconds: &shift, Rows: rows[id], Evidence: basis}
		which := "all rows"
		if !p.Whole() {
			from, to := correctedLags(s, p)
			low, high := from.Seconds(), to.Seconds()
			c.LagFromSeconds, c.LagToSeconds = &low, &high
			which = fmt.Sprintf("rows with a lag from %s to %s", words.Duration(from), words.Duration(to))
		}
		c.Message = fmt.Sprintf("shift event_time of %s by %s: they are stamped at %s (%s)", which, signed(-p.East), zone.OffsetText(s.Offset(p)), s.Candidates(p))
		if names := s.Zones[s.Offset(p)]; s.stepped && s.naive && len(names) > 0 && p.Whole() {
			c.DeclareZone = names[0]
			c.Message += ", or declare zone: " + names[0]
		}
		plan = append(plan, c)
	}
	return plan
}

const (
	// mostForeign is the share of others' rows, among those with a group's lags, up to which lags tell whose a row is.
	mostForeign = 0.01
	// ownFileRows sampled rows, all of a group's writers, make a file theirs.
	ownFileRows = 20
)

// shiftsOfOwnFiles are the corrections of the files that hold a group's rows only, as far as the sample shows.
func (b *Zones) shiftsOfOwnFiles(s Series, p zonefit.Population, g zonefit.WriterGroup, basis report.Evidence) []report.Correction {
	all := map[int32]int{}
	for _, r := range s.sampled {
		all[r.File]++
	}
	shift := -int64(p.East)
	var plan []report.Correction
	for i := range b.Collection.Slices {
		slice := &b.Collection.Slices[i]
		if slice.Source != s.Source || all[slice.File] < ownFileRows || g.Files[slice.File] < all[slice.File] {
			continue
		}
		plan = append(plan, report.Correction{View: b.View.Name, File: b.Survey.Files[slice.File].Path, Source: s.Source, ShiftSeconds: &shift, Rows: slice.LagRows,
			Evidence: basis, Message: fmt.Sprintf("shift event_time of all rows by %s: their writers stamp %s (%s)", signed(-p.East), zone.OffsetText(s.Offset(p)), s.Candidates(p))})
	}
	return plan
}

// correctedLags are the lags, from included and to excluded, of rows that are taken for a population's: its window, but for
// what is another's. Below zero a lag can only be that of a fast clock, so that the window reaches to the next population.
func correctedLags(s Series, p zonefit.Population) (from, to times.Span) {
	from, to = p.Window()
	if p.East > 0 {
		to, _ = zonefit.Population{}.Window()
	}
	for _, other := range s.Estimate.Populations {
		otherFrom, otherTo := other.Window()
		switch {
		case other.East < p.East:
			to = min(to, otherFrom)
		case other.East > p.East && otherTo > from:
			from = otherTo
		}
	}
	return from, max(from, to)
}

func signed(shift times.Offset) string {
	if shift > 0 {
		return "+" + words.Duration(shift.Span())
	}
	return words.Duration(shift.Span())
}

// rowsByFile shares a population's rows of each partition among its files, by how many rows they have with both times.
// A file whose every lag lies in the population's window has all of its rows in it.
func (b *Zones) rowsByFile(s Series, p zonefit.Population, files []int32) map[int32]int64 {
	from, to := p.Window()
	rows, rest, weight := map[int32]int64{}, map[int32]float64{}, map[int32]float64{}
	for _, part := range p.Parts {
		rest[part.ID] = float64(part.Rows)
	}
	slicesOf := map[int32]facts.Slice{}
	for _, slice := range b.Collection.Slices {
		if slice.Source == s.Source {
			slicesOf[slice.File] = slice
		}
	}
	open := []int32{}
	for _, id := range files {
		slice, partition := slicesOf[id], b.FilePartition(id)
		if p.Whole() || slice.LagMin >= from && slice.LagMax < to {
			rows[id] = slice.LagRows
			rest[partition] -= float64(slice.LagRows)
			continue
		}
		weight[partition] += float64(slice.LagRows)
		open = append(open, id)
	}
	for _, id := range open {
		partition := b.FilePartition(id)
		share := max(rest[partition], 0) * float64(slicesOf[id].LagRows) / weight[partition]
		if len(p.Parts) == 0 {
			share = float64(p.Rows) * float64(slicesOf[id].LagRows) / sumOf(weight)
		}
		rows[id] = int64(math.Ceil(share))
	}
	return rows
}

func sumOf(weights map[int32]float64) float64 {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	return total
}

// declarations name UTC as the zone of naive files that nobody has declared and whose writers show it.
func (b *Zones) declarations(s Series) []report.Correction {
	var plan []report.Correction
	for _, f := range b.Encoded {
		naive := int64(0)
		for e, n := range f.Rows.All() {
			if evidence.IsNaive(e) {
				naive += n
			}
		}
		ours := f.File.Writer == s.Writer && (f.File.Source == s.Source || f.File.Source == "" && slices.Equal(f.Sources, []string{s.Source}))
		if naive == 0 || !ours || evidence.DeclaredZone(b.View, b.DeclaredSources[s.Source]) != "" {
			continue
		}
		plan = append(plan, report.Correction{View: b.View.Name, File: f.File.Path, Source: s.Source, DeclareZone: "UTC", Rows: naive, Evidence: report.Statistical,
			Message: "event_time is naive; its writers show that it is UTC: declare zone: UTC, or write it aware"})
	}
	return plan
}
