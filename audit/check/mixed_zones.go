package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

var mixedZones = Check{
	ID:         "mixed-zones",
	Title:      "Some writer stamps local time as if it were the zone read.",
	Why:        "Windows are joined hours apart, and a ttl drops fresh rows or keeps dead ones, by where the writer stands.",
	Fix:        "Make the writer stamp UTC and mark it so; until then declare the source's zone (its max_lag, where it is late by design), or correct a copy with featureaudit align.",
	Since:      "0.1",
	rule:       mixedZonesRule,
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Statistical,
	Unit:       UnitRows,
	Needs:      Needs{Files: true, EventTime: true, IngestedAt: true},
	Wants:      facts.WantTimes | facts.WantEvents | facts.WantWriters,
	Fractional: true,
	Params: []Param{{Name: mustSeeName, Kind: ParamFraction, Default: "0.05",
		Doc: "the share of a source's rows at another offset that a pass must be able to see; where it could not, the check is not_applicable"}},
	judge:     judgeMixedZones,
	unsettles: true,
	about:     true,
	reproduce: (*Statements).reproduceZones,
	nothing:   always("no row has both an event time and an ingest time"),
	bad:       always("show the clock of another zone"),
	good: func(b *brief) string {
		series, _ := b.zoneEvidence()
		return "show no other zone's clock" + seenOf(series)
	},
	detail: func(b *brief, _ verdict) string {
		series, _ := b.zoneEvidence()
		return strings.Join(b.zonesInWords(series, b.dayProfiles()), "; ")
	},
}

const mixedZonesRule = `The lags (ingested_at - event_time) of each source are counted by minute, over
rows with both times. The largest population is found first; its shape is then
looked for at every UTC offset that some zone had between the oldest and the
newest event (or at those of zones:), beyond what stands at quarter hours that
are no zone's offset. Rows of a population that is found are bad. Lags too
spread to tell, and a source that sits as a whole at one offset, are not
judged, and named.`

// defaultMustSee is the share of rows at another offset that a pass must be able to see.
const defaultMustSee = 0.05

// mustSee is the check's parameter.
func mustSee(v model.View) float64 {
	if share := v.Checks["mixed-zones"].MustSee; share != nil {
		return *share
	}
	return defaultMustSee
}

const mustSeeName = "must_see"

// seenOf says which share of rows at another offset a pass would have seen, for the series that it says least of.
func seenOf(series []zoneSeries) string {
	most, allowed := 0.0, []string{}
	for _, s := range series {
		if s.verdict != zonefit.Clean {
			continue
		}
		if s.decided != "" {
			allowed = append(allowed, s.name())
			continue
		}
		most = max(most, s.detectable())
	}
	text := ""
	if most > 0 {
		text = fmt.Sprintf("; another offset would have been seen from %s of a source's rows on", seenInWords(most))
	}
	if len(allowed) > 0 {
		text += fmt.Sprintf("; max_lag allows the delay of %s", words.Examples(allowed))
	}
	return text
}

func judgeMixedZones(b *brief) (verdict, error) {
	if problem := b.Collection.RoleProblems["writer"]; problem != "" {
		return verdict{}, errors.New(problem)
	}
	series, err := b.zoneEvidence()
	if err != nil {
		return verdict{}, err
	}
	v := verdict{measures: map[string]any{"offsets": b.offsetMeasures(series), "series": b.seriesMeasures(series), "tzdata": zone.NamesVersion(),
		"hour_profiles": profileMeasures(b.dayProfiles())}}
	untold := []string{}
	ambiguous := false
	for _, s := range series {
		switch s.verdict {
		case zonefit.Mixed, zonefit.Clean:
			v.rows = append(v.rows, b.zoneRows(s)...)
		case zonefit.None:
		default:
			untold = append(untold, b.untold(s))
			ambiguous = ambiguous || s.verdict == zonefit.Ambiguous
		}
	}
	found := slices.ContainsFunc(v.rows, func(r row) bool { return r.bad > 0 })
	if len(untold) > 0 && !found && (ambiguous || len(v.rows) == 0 || slices.ContainsFunc(series, func(s zoneSeries) bool { return s.blind })) {
		v.notApplicable = strings.Join(untold, "; ")
		return v, nil
	}
	return v, nil
}

// zonesInWords says what was found of each series, numbers first, then what cannot be judged.
func (b *brief) zonesInWords(series []zoneSeries, profiles []dayProfile) []string {
	var texts, untold []string
	for _, s := range series {
		switch {
		case s.verdict == zonefit.Ambiguous || s.verdict == zonefit.CannotTell:
			untold = append(untold, s.name()+" ("+s.untoldShort()+")")
		case s.verdict == zonefit.Mixed && len(s.open) > 0:
			untold = append(untold, s.name()+", "+s.openInWords())
		}
		for _, p := range s.wrong() {
			text := fmt.Sprintf("about %s of %s (%s) at %s (%s)", words.Count(p.Rows, "row"), s.name(), shareText(p), zone.OffsetText(s.offset(p)), s.candidates(p))
			text += ", no delay since " + s.proofs[p.Seconds]
			if shown := b.writerExamples(s, p); shown != "" {
				text += " (such as " + shown + ")"
			}
			if slices.ContainsFunc(profiles, func(d dayProfile) bool { return d.supports(s, p) }) {
				text += ", as its hours of the day show too"
			}
			texts = append(texts, text)
		}
	}
	if len(untold) > 0 {
		texts = append(texts, "not judged: "+words.Examples(untold))
	}
	return texts
}

func shareText(p zonefit.Population) string {
	return fmt.Sprintf("%.3g %%, 95 %% between %.3g and %.3g", 100*p.Share, 100*p.Low, 100*p.High)
}

// untold says why a series cannot be judged, and what would decide.
func (b *brief) untold(s zoneSeries) string {
	e := s.estimate
	switch {
	case s.verdict == zonefit.Ambiguous && len(s.open) > 0:
		return fmt.Sprintf("%s is ambiguous: %s; declare %s to decide", s.name(), s.openInWords(), s.decisive())
	case s.verdict == zonefit.Ambiguous:
		return fmt.Sprintf("%s is ambiguous: %s; declare %s to decide", s.name(), s.doubtful(), s.decisive())
	case s.blind:
		return fmt.Sprintf("%s cannot be passed: another offset would have been seen from %s of its rows on, which is above must_see (%s): %s", s.name(),
			seenInWords(s.detectable()), seenInWords(s.mustSee), b.needed(s))
	case 2*e.CoarseRows > e.Rows:
		return fmt.Sprintf("%s cannot be judged: over half of its event times are whole quarters of an hour, a clock too coarse to tell an offset (half of its lags spread over %s)",
			s.name(), words.Duration(e.SpreadMicros))
	case e.Told == 0:
		return fmt.Sprintf("%s cannot be judged: half of its lags spread over %s (concentration modulo 15 minutes %.2f), too wide to tell an offset%s", s.name(),
			words.Duration(e.SpreadMicros), e.Concentration, b.writersNeeded(s))
	}
	return fmt.Sprintf("%s cannot be judged: %s with a sharp lag show no population that stands out (half of the lags spread over %s)%s", s.name(), words.Count(e.Told, "row"),
		words.Duration(e.SpreadMicros), b.writersNeeded(s))
}

// writersNeeded says why writers could not be asked either.
func (b *brief) writersNeeded(s zoneSeries) string {
	switch {
	case s.writers.Why != "":
		return "; nor do its writers tell: " + s.writers.Why
	case len(b.View.Entity) == 0 && len(b.View.Writer) == 0:
		return "; with a declared entity or writer its writers could be asked"
	}
	return ""
}

// zoneRows counts the rows of a series by partition: those at another offset than the one read, of all that tell.
func (b *brief) zoneRows(s zoneSeries) []row {
	bad, offsets := map[int32]int64{}, map[int32][]string{}
	placed := false
	for _, p := range s.wrong() {
		for _, part := range p.Parts {
			placed = true
			bad[part.ID] += part.Rows
			offsets[part.ID] = append(offsets[part.ID], fmt.Sprintf("about %s at %s (%s)", words.Count(part.Rows, "row"), zone.OffsetText(s.offset(p)), s.candidates(p)))
		}
	}
	var rows []row
	for _, part := range b.lagParts()[seriesKey{s.source, s.writer}] {
		r := row{subject: report.Subject{Partition: b.PartitionValue(part.ID), Source: s.source}, total: part.Lags.Rows, bad: min(bad[part.ID], part.Lags.Rows)}
		if r.bad > 0 {
			r.message = strings.Join(offsets[part.ID], ", ")
			r.measures = map[string]any{"writer": s.writer}
		}
		rows = append(rows, r)
	}
	if len(s.wrong()) > 0 && !placed {
		rows = append(rows, unplacedRow(s))
	}
	return rows
}

// unplacedRow is the finding of populations that stand out over all partitions and in none alone.
func unplacedRow(s zoneSeries) row {
	r := row{subject: report.Subject{Source: s.source}, measures: map[string]any{"writer": s.writer}}
	var texts []string
	for _, p := range s.wrong() {
		r.bad += p.Rows
		texts = append(texts, fmt.Sprintf("about %s at %s (%s), spread over the partitions", words.Count(p.Rows, "row"), zone.OffsetText(s.offset(p)), s.candidates(p)))
	}
	r.total, r.message = r.bad, strings.Join(texts, ", ")
	return r
}

// offsetMeasures lists the populations at other offsets than the one read.
func (b *brief) offsetMeasures(series []zoneSeries) []map[string]any {
	list := []map[string]any{}
	for _, s := range series {
		for _, p := range s.wrong() {
			m := map[string]any{"offset_minutes": int64(s.offset(p) / 60), "share": rounded(p.Share), "share_low": rounded(p.Low), "share_high": rounded(p.High),
				"rows": p.Rows, "source": s.source, "writer": s.writer, "zones": s.zones[s.offset(p)], "example_files": b.exampleFiles(s, p)}
			if id, seen := p.First(); seen {
				m["first_partition"] = b.PartitionValue(id)
			}
			if id, seen := p.Last(); seen {
				m["last_partition"] = b.PartitionValue(id)
			}
			m["decided_by"] = s.proofs[p.Seconds]
			if g, by := s.groupAt(p); by {
				m["writers"], m["days"] = int64(g.Writers), int64(g.Days)
				if shown := b.writerValues(s.source, g); len(shown) > 0 {
					m["example_writers"] = shown
				}
			}
			list = append(list, m)
		}
	}
	return list
}

// seriesMeasures says of each source and writer how well its lags can tell.
func (b *brief) seriesMeasures(series []zoneSeries) []map[string]any {
	list := []map[string]any{}
	for _, s := range series {
		e := s.estimate
		m := map[string]any{"source": s.source, "writer": s.writer, "verdict": verdictText(s.verdict), "rows": e.Rows, "told_rows": e.Told,
			"coarse_rows": e.CoarseRows, "concentration": rounded(e.Concentration), "spread_seconds": evidence.Seconds(e.SpreadMicros), "detectable_share": rounded(s.detectable()),
			"writers": int64(s.writers.Writers), "writers_asked": int64(s.writers.Eligible), "writers_told": s.writers.Told}
		if s.writers.Why != "" {
			m["writers_reason"] = s.writers.Why
		}
		if s.verdict == zonefit.Ambiguous || s.verdict == zonefit.CannotTell {
			m["reason"] = b.untold(s)
		}
		list = append(list, m)
	}
	return list
}

// exampleFiles are up to three files of a population's partitions whose lags reach into its window.
func (b *Zones) exampleFiles(s zoneSeries, p zonefit.Population) []string {
	names := []string{}
	for _, slice := range b.populationSlices(s, p) {
		if len(names) == maxExampleFiles {
			break
		}
		names = append(names, b.Survey.Files[slice].Path)
	}
	return names
}

const maxExampleFiles = 3
