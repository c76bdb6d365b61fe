package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

var mixedZones = Check{
	ID:         "mixed-zones",
	Title:      "A writer stamps local time, and it is read as another zone's.",
	Why:        "Windows are joined hours apart, and a ttl drops fresh rows or keeps expired ones, depending on where the writer is.",
	Fix:        "Make the writer stamp UTC, with its offset; until then declare the source's zone (or its max_lag, if it is late by design), or correct a copy with featureaudit align.",
	Since:      "0.1",
	rule:       mixedZonesRule,
	Backfilled: true,
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Statistical,
	Unit:       UnitRows,
	Needs:      Needs{Files: true, EventTime: true, IngestedAt: true},
	Wants:      facts.WantTimes | facts.WantEvents | facts.WantWriters,
	Fractional: true,
	Params: []Param{{Name: mustSeeName, Kind: ParamFraction, Default: "0.05",
		Doc: "a pass must be able to see another offset from this share of a source's rows on; else the check is not_applicable"}},
	judge:     judgeMixedZones,
	unsettles: true,
	about:     true,
	reproduce: reproduce.OtherZones,
	nothing:   always("no row has both an event time and an ingest time"),
	bad:       always("show the clock of another zone"),
	good: func(b *viewEvidence) string {
		series, _ := b.Series()
		return "show no other zone's clock" + seenOf(series)
	},
	detail: func(b *viewEvidence, _ verdict) string {
		series, _ := b.Series()
		return strings.Join(zoneFindings{b}.zonesInWords(series, b.Profiles()), "; ")
	},
}

const mixedZonesRule = `An offset belongs to a writer (the entity, or the column that writer: names):
all of its rows have it, on every day. Lateness belongs to a row, a load or a
stretch of time. Of each source a sample of writers is taken, with their lags
(ingested_at - event_time). Prompt writers show how late rows usually are; each
writer is then placed at the UTC offset that its rows fit best, among those that
zones had between the oldest and the newest event (or those of zones:). Groups
of writers at an offset that lateness cannot explain are bad, with all of their
rows; the count of rows is an estimate. A source whose rows, as a whole, may be
late or shifted is not judged, and named.`

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
func seenOf(series []zoneproof.Series) string {
	most, allowed := 0.0, []string{}
	for _, s := range series {
		if s.Verdict != zonefit.Clean {
			continue
		}
		if s.Decided != "" {
			allowed = append(allowed, s.Name())
			continue
		}
		most = max(most, s.Detectable())
	}
	text := ""
	if most > 0 {
		text = fmt.Sprintf("; another offset would have been seen from %s of a source's rows on", words.PercentUp(most))
	}
	if len(allowed) > 0 {
		text += fmt.Sprintf("; max_lag allows the delay of %s", words.Examples(allowed))
	}
	return text
}

func judgeMixedZones(b *viewEvidence) (verdict, error) {
	if problem := b.Collection.RoleProblems["writer"]; problem != "" && b.Collection.RolesBeyond["writer"] {
		return verdict{notApplicable: problem}, nil
	} else if problem != "" {
		return verdict{}, errors.New(problem)
	}
	series, err := b.Series()
	if err != nil {
		return verdict{}, err
	}
	tell := zoneFindings{b}
	v := verdict{measures: map[string]any{"offsets": tell.offsetMeasures(series), "series": tell.seriesMeasures(series), "tzdata": zone.NamesVersion(),
		"hour_profiles": zoneproof.ProfileMeasures(b.Profiles())}}
	unjudged := []string{}
	ambiguous := false
	for _, s := range series {
		switch s.Verdict {
		case zonefit.Mixed, zonefit.Clean:
			v.rows = append(v.rows, tell.zoneRows(s)...)
		case zonefit.None:
		default:
			unjudged = append(unjudged, tell.unjudged(s))
			ambiguous = ambiguous || s.Verdict == zonefit.Ambiguous
		}
	}
	found := slices.ContainsFunc(v.rows, func(r row) bool { return r.bad > 0 })
	if len(unjudged) > 0 && !found && (ambiguous || len(v.rows) == 0 || slices.ContainsFunc(series, func(s zoneproof.Series) bool { return s.Blind })) {
		v.notApplicable = strings.Join(unjudged, "; ")
		return v, nil
	}
	return v, nil
}

// zoneFindings tells what series say of a view.
type zoneFindings struct{ *viewEvidence }

// zonesInWords says what was found of each series, numbers first, then what cannot be judged.
func (b zoneFindings) zonesInWords(series []zoneproof.Series, profiles []zoneproof.Profile) []string {
	var texts, unjudged []string
	for _, s := range series {
		switch {
		case s.Verdict == zonefit.Ambiguous || s.Verdict == zonefit.CannotTell:
			unjudged = append(unjudged, s.Name()+" ("+s.UnjudgedShort()+")")
		case s.Verdict == zonefit.Mixed && len(s.Open) > 0:
			unjudged = append(unjudged, s.Name()+", "+s.OpenInWords())
		}
		for _, p := range s.Wrong() {
			text := fmt.Sprintf("about %s of %s (%s) at %s (%s)", words.Count(p.Rows, "row"), s.Name(), words.Estimate(p.Share, p.Low, p.High), zone.OffsetText(s.Offset(p)), s.Candidates(p))
			text += ", no delay since " + s.Proofs[p.East]
			if shown := b.writerExamples(s, p); shown != "" {
				text += " (such as " + shown + ")"
			}
			if slices.ContainsFunc(profiles, func(d zoneproof.Profile) bool { return d.Supports(s, p) }) {
				text += ", as its hours of the day show too"
			}
			texts = append(texts, text)
		}
	}
	if len(unjudged) > 0 {
		texts = append(texts, "not judged: "+words.Examples(unjudged))
	}
	return texts
}

// unjudged says why a series cannot be judged, and what would decide.
func (b zoneFindings) unjudged(s zoneproof.Series) string {
	e := s.Estimate
	switch {
	case s.Verdict == zonefit.Ambiguous && len(s.Open) > 0:
		return fmt.Sprintf("%s is ambiguous: %s; declare %s to decide", s.Name(), s.OpenInWords(), s.Decisive())
	case s.Verdict == zonefit.Ambiguous:
		return fmt.Sprintf("%s is ambiguous: %s; declare %s to decide", s.Name(), s.Doubtful(), s.Decisive())
	case s.Blind:
		return fmt.Sprintf("%s cannot be passed: another offset would have been seen from %s of its rows on, which is above must_see (%s): %s", s.Name(),
			words.PercentUp(s.Detectable()), words.PercentUp(s.MustSee), b.Needed(s))
	case 2*e.CoarseRows > e.Rows:
		return fmt.Sprintf("%s cannot be judged: over half of its event times are whole quarters of an hour, a clock too coarse to tell an offset (half of its lags spread over %s)",
			s.Name(), words.Duration(e.Spread))
	case e.Sharp == 0:
		return fmt.Sprintf("%s cannot be judged: half of its lags spread over %s (concentration modulo 15 minutes %.2f), too wide to tell an offset%s", s.Name(),
			words.Duration(e.Spread), e.Concentration, b.writersNeeded(s))
	}
	return fmt.Sprintf("%s cannot be judged: %s with a sharp lag show no population that stands out (half of the lags spread over %s)%s", s.Name(), words.Count(e.Sharp, "row"),
		words.Duration(e.Spread), b.writersNeeded(s))
}

// writersNeeded says why writers could not be asked either.
func (b zoneFindings) writersNeeded(s zoneproof.Series) string {
	switch {
	case s.Writers.Why != "":
		return "; nor do its writers tell: " + s.Writers.Why
	case len(b.View.Entity) == 0 && len(b.View.Writer) == 0:
		return "; with a declared entity or writer its writers could be asked"
	}
	return ""
}

// zoneRows counts the rows of a series by partition: those at another offset than the one read, of all that tell.
func (b zoneFindings) zoneRows(s zoneproof.Series) []row {
	bad, offsets := map[int32]int64{}, map[int32][]string{}
	placed := false
	for _, p := range s.Wrong() {
		for _, part := range p.Parts {
			placed = true
			bad[part.ID] += part.Rows
			offsets[part.ID] = append(offsets[part.ID], fmt.Sprintf("about %s at %s (%s)", words.Count(part.Rows, "row"), zone.OffsetText(s.Offset(p)), s.Candidates(p)))
		}
	}
	var rows []row
	for _, part := range b.LagParts()[zoneproof.SeriesKey{Source: s.Source, Writer: s.Writer}] {
		r := row{subject: report.Subject{Partition: b.PartitionValue(part.ID), Source: s.Source}, total: part.Lags.Rows, bad: min(bad[part.ID], part.Lags.Rows)}
		if r.bad > 0 {
			r.message = strings.Join(offsets[part.ID], ", ")
			r.measures = map[string]any{"writer": s.Writer}
		}
		rows = append(rows, r)
	}
	if len(s.Wrong()) > 0 && !placed {
		rows = append(rows, unplacedRow(s))
	}
	return rows
}

// unplacedRow is the finding of populations that stand out over all partitions and in none alone.
func unplacedRow(s zoneproof.Series) row {
	r := row{subject: report.Subject{Source: s.Source}, measures: map[string]any{"writer": s.Writer}}
	var texts []string
	for _, p := range s.Wrong() {
		r.bad += p.Rows
		texts = append(texts, fmt.Sprintf("about %s at %s (%s), spread over the partitions", words.Count(p.Rows, "row"), zone.OffsetText(s.Offset(p)), s.Candidates(p)))
	}
	r.total, r.message = r.bad, strings.Join(texts, ", ")
	return r
}

// offsetMeasures lists the populations at other offsets than the one read.
func (b zoneFindings) offsetMeasures(series []zoneproof.Series) []map[string]any {
	list := []map[string]any{}
	for _, s := range series {
		for _, p := range s.Wrong() {
			m := map[string]any{"offset_minutes": int64(s.Offset(p) / 60), "share": zoneproof.Rounded(p.Share), "share_low": zoneproof.Rounded(p.Low), "share_high": zoneproof.Rounded(p.High),
				"rows": p.Rows, "source": s.Source, "writer": s.Writer, "zones": s.Zones[s.Offset(p)], "example_files": b.exampleFiles(s, p)}
			if id, seen := p.First(); seen {
				m["first_partition"] = b.PartitionValue(id)
			}
			if id, seen := p.Last(); seen {
				m["last_partition"] = b.PartitionValue(id)
			}
			m["decided_by"] = s.Proofs[p.East]
			if g, by := s.GroupAt(p); by {
				m["writers"], m["days"] = int64(g.Writers), int64(g.Days)
				if shown := b.writerValues(s.Source, g); len(shown) > 0 {
					m["example_writers"] = shown
				}
			}
			list = append(list, m)
		}
	}
	return list
}

// seriesMeasures says of each source and writer how well its lags can tell.
func (b zoneFindings) seriesMeasures(series []zoneproof.Series) []map[string]any {
	list := []map[string]any{}
	for _, s := range series {
		e := s.Estimate
		m := map[string]any{"source": s.Source, "writer": s.Writer, "verdict": zoneproof.VerdictText(s.Verdict), "rows": e.Rows, "told_rows": e.Sharp,
			"coarse_rows": e.CoarseRows, "concentration": zoneproof.Rounded(e.Concentration), "spread_seconds": e.Spread.Seconds(), "detectable_share": zoneproof.Rounded(s.Detectable()),
			"writers": int64(s.Writers.Writers), "writers_asked": int64(s.Writers.Eligible), "writers_told": s.Writers.Conclusive}
		if s.Writers.Why != "" {
			m["writers_reason"] = s.Writers.Why
		}
		if s.Verdict == zonefit.Ambiguous || s.Verdict == zonefit.CannotTell {
			m["reason"] = b.unjudged(s)
		}
		list = append(list, m)
	}
	return list
}

// exampleFiles are up to three files of a population's partitions whose lags reach into its window.
func (b zoneFindings) exampleFiles(s zoneproof.Series, p zonefit.Population) []string {
	names := []string{}
	for _, slice := range b.PopulationSlices(s, p) {
		if len(names) == maxExampleFiles {
			break
		}
		names = append(names, b.Survey.Files[slice].Path)
	}
	return names
}

const maxExampleFiles = 3
