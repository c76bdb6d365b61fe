package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// ReportInput is what a report is assembled from.
type ReportInput struct {
	Tool         report.Tool
	AsOf         times.Instant
	Range        string
	Status       report.Status
	ConfigDigest string
	// HashKeyID tells with which key sensitive values were hashed; empty where they are numbered.
	HashKeyID   string
	Selection   report.Selection
	Definitions []report.Definition
	// Views are what was judged, and Corrections those of all of them; Results are those of all views and of the run. All in any order.
	Views       []report.View
	Corrections []report.Correction
	Results     []report.Result
	// NothingToAudit says that every place was looked at and that no view has a file.
	NothingToAudit bool
}

// BuildReport assembles the document, all but Execution: results sorted by view and check, views by name, and the
// digest of both.
//
// The exit code is not the outcome's: a retryable error among the results wins there, since the next try may find more.
func BuildReport(in ReportInput) (report.Report, error) {
	r := report.Report{Schema: report.Schema, Tool: in.Tool, AsOf: words.Instant(in.AsOf), Range: in.Range, Status: in.Status,
		ConfigDigest: in.ConfigDigest, HashKeyID: in.HashKeyID, Selection: in.Selection, Definitions: in.Definitions, Results: slices.Clone(in.Results)}
	r.Selection.Views, r.Selection.Checks = filled(r.Selection.Views), filled(r.Selection.Checks)
	for _, c := range Catalogue() {
		if !c.OnlyGiven {
			r.Catalogue = append(r.Catalogue, c.ID)
		}
	}
	slices.Sort(r.Catalogue)
	r.Definitions, r.Results = filled(r.Definitions), filled(r.Results)
	slices.SortFunc(r.Results, func(a, b report.Result) int {
		return cmp.Or(cmp.Compare(a.View, b.View), cmp.Compare(a.Check, b.Check))
	})
	r.Views, r.Corrections = filled(slices.Clone(in.Views)), slices.Clone(in.Corrections)
	slices.SortStableFunc(r.Corrections, func(a, b report.Correction) int { return cmp.Compare(a.View, b.View) })
	slices.SortFunc(r.Views, func(a, b report.View) int { return cmp.Compare(a.Name, b.Name) })
	r.Summary = r.Summarise()
	r.Summary.NothingToAudit = in.NothingToAudit
	id, err := r.Digest()
	if err != nil {
		return r, fmt.Errorf("digest of the report: %w", err)
	}
	r.ID = id
	return r, nil
}

// BuildVerification is BuildReport for what verify compared: its catalogue are the checks of a backfill.
func BuildVerification(in ReportInput, v report.Verification) (report.Report, error) {
	r, err := BuildReport(in)
	if err != nil {
		return r, err
	}
	r.Verification, r.Catalogue = &v, nil
	for _, c := range Backfill() {
		// whether what was verified lasts is judged where it was verified before
		if c.ID != backfillLasting.ID || slices.ContainsFunc(r.Results, func(res report.Result) bool { return res.Check == c.ID }) {
			r.Catalogue = append(r.Catalogue, c.ID)
		}
	}
	r.ID, err = r.Digest()
	return r, err
}

// filled is a list that JSON writes as [] where it is empty.
func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// describe is the view with what its results, its clean run and what is bad in each partition say.
func (b *viewEvidence) describe(results []report.Result, clean *Span, bad BadByPartition) report.View {
	v := b.view()
	outcomes := make([]report.Outcome, len(results))
	for i, r := range results {
		outcomes[i] = r.Outcome
	}
	v.Outcome = report.Worst(outcomes...)
	v.Series, v.SeriesLeftOut = b.series(bad)
	if clean != nil {
		from, until := words.Instant(clean.Start), words.Instant(clean.End)
		v.CleanFrom, v.CleanUntil = &from, &until
	}
	return v
}

// view describes what was looked at, and by which definition.
func (b *viewEvidence) view() report.View {
	v := report.View{Name: b.View.Name, Project: b.View.Project, Owner: b.View.Owner, Definition: define(b.View),
		OpenPartitions: []string{}, Notes: b.notes(), SourceLagSeconds: b.LagsBySource(func(int32) bool { return true }),
		LagBins: b.lagBins(), NewestBySource: b.newestBySource(),
		FilesUnread: int64(len(b.Unread)), Files: int64(len(b.Survey.Files))}
	if b.ZoneUnread() {
		v.EventTimeReadAs = "UTC"
	}
	for _, f := range b.Survey.Files {
		v.Bytes += f.Size
		v.Rows += f.Rows
	}
	for _, p := range b.Survey.Partitions {
		if p.Present && !p.Stray {
			v.Partitions++
		}
		if p.Present && p.Open && !p.AfterAsOf {
			v.OpenPartitions = append(v.OpenPartitions, p.Value)
		}
		if p.Present && p.AfterAsOf {
			v.PartitionsAfterAsOf++
		}
	}
	for _, n := range b.Survey.Ignored {
		v.IgnoredFiles += n
	}
	v.LeftOut = b.leftOutNames()
	b.describeTimes(&v)
	return v
}

func (b *viewEvidence) describeTimes(v *report.View) {
	oldest, newest := times.Instant(times.None), times.Instant(times.None)
	scanned := map[int32]bool{}
	for _, s := range b.Collection.Slices {
		scanned[s.File] = true
		newest = max(newest, s.NewestKnown)
		v.RowsAfterAsOf += s.AfterAsOf
		if s.EventMin <= b.AsOf {
			oldest = oldest.Earlier(s.EventMin)
		}
	}
	for _, f := range b.Survey.Files {
		if p, dated := b.Partition(f.Partition); dated && p.AfterAsOf && !scanned[f.ID] {
			v.RowsAfterAsOf += f.Rows
		}
	}
	if oldest.Known() {
		text := words.Instant(oldest)
		v.OldestEventTime = &text
	}
	if newest.Known() {
		text, age := words.Instant(newest), b.AsOf.Sub(newest).Seconds()
		v.NewestEventTime, v.AgeSeconds = &text, &age
	}
}

// notes say in words what was assumed and what was left out.
func (b *viewEvidence) notes() []string {
	notes := slices.Clone(b.Survey.Notes)
	if b.View.NoFiles != "" {
		notes = append(notes, b.View.NoFiles)
	}
	for _, reason := range slices.Sorted(maps.Keys(b.Survey.Ignored)) {
		notes = append(notes, fmt.Sprintf("%s ignored: %s", words.Count(b.Survey.Ignored[reason], "file"), reason))
	}
	notes = append(notes, b.leftOutNames()...)
	for _, f := range b.Survey.Files {
		if b.LeftOut(f) {
			notes = append(notes, fmt.Sprintf("%s of an open partition changed during the run, was not at rest when it was read once more, and was left out", f.Path))
		}
	}
	ambiguous := int64(0)
	for _, s := range b.Collection.Slices {
		ambiguous += s.AmbiguousLocal
	}
	if ambiguous > 0 {
		notes = append(notes, fmt.Sprintf("%s with a local time that occurred twice or never in its zone", words.Count(ambiguous, "row")))
	}
	if note := b.ingestedNote(); note != "" {
		notes = append(notes, note)
	}
	switch {
	case b.Sources == nil:
	case b.Mask.Numbers():
		notes = append(notes, fmt.Sprintf("the source (%s) is sensitive: its values are numbered, those declared under sources first, and a number holds in this report only; --hash-key-file gives lasting names", b.View.Source.Column))
	default:
		notes = append(notes, fmt.Sprintf("the source (%s) is sensitive: its values are hashed with the key %s", b.View.Source.Column, b.Mask.KeyID()))
	}
	if evidence.KeyDefaulted(b.View) && len(evidence.KeyColumns(b.View)) > 0 {
		notes = append(notes, "no key is declared: (entity, event_time) stands in for it")
	}
	if b.HasRange && !b.View.TimePartition.Declared() {
		notes = append(notes, "the view has no time partitions: it is judged as a whole, whatever the range")
	}
	return filled(notes)
}

func define(v model.View) report.ViewDefinition {
	d := report.ViewDefinition{Kind: string(v.Kind), Path: address.Redact(v.Path), TTLDeclared: v.TTL.Declared(), TTLNever: v.TTL.Never, TTLOnWire: v.TTL.OnWire,
		MaxAgeSeconds: limitSeconds(v.MaxAge.Seconds()), MaxLagSeconds: limitSeconds(v.MaxLag.Seconds()), EventTime: v.EventTime.Column,
		IngestedAt: v.IngestedAt.Column, Source: sourceInWords(v.Source), Entity: filled(v.Entity), Writer: v.Writer, Key: filled(evidence.KeyColumns(v)),
		KeyDefaulted: evidence.KeyDefaulted(v) && len(evidence.KeyColumns(v)) > 0, OncePer: v.OncePer, Measures: v.Measures, Zone: cmp.Or(v.Zone, "UTC"),
		Reference: string(v.StaleReference()), ToleranceSecs: v.Tolerance.Seconds(), Origins: v.Origins.Texts()}
	if v.TTL.Duration != 0 {
		ttl := v.TTL.Duration.Seconds()
		d.TTLSeconds = &ttl
	}
	if len(v.Sources) > 0 {
		d.Sources = map[string]report.Source{}
	}
	for _, s := range v.Sources {
		source := report.Source{Zone: s.Zone, MaxAgeSeconds: limitSeconds(s.MaxAge.Seconds()), MaxLagSeconds: limitSeconds(s.MaxLag.Seconds())}
		if !s.Until.IsZero() {
			source.Until = words.Instant(times.At(s.Until))
		}
		d.Sources[s.Name] = source
	}
	if p := v.TimePartition; p.Declared() {
		d.TimePartition = &report.TimePartition{Columns: filled(p.Columns), Grain: string(p.Grain), Zone: cmp.Or(p.Zone, "UTC"), Of: string(evidence.Meaning(v)),
			Expected: cmp.Or(string(p.Expected), string(model.ExpectAll)), ExpectedBy: p.ExpectedBy, CompleteAfterSeconds: p.CompleteAfter.Seconds()}
	}
	return d
}

func limitSeconds(limit float64) *float64 {
	if limit == 0 {
		return nil
	}
	return &limit
}

func sourceInWords(s model.SourceColumn) string {
	if s.PathSegment > 0 {
		return fmt.Sprintf("path_segment %d", s.PathSegment)
	}
	return s.Column
}
