// Package document assembles the report: what was looked at of each view, its partitions and lags, and the results of all checks in one
// document of the same bytes for the same input.
package document

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// Input is what a report is assembled from.
type Input struct {
	Tool         report.Tool
	AsOf         times.Instant
	Range        string
	Status       report.Status
	ConfigDigest string
	// HashKeyID tells with which key sensitive values were hashed; empty where they are numbered.
	HashKeyID   string
	Selection   report.Selection
	Definitions []report.Definition
	// Catalogue are the ids of the checks that a report has a line for, in any order.
	Catalogue []string
	// Views are what was judged, and Corrections those of all of them; Results are those of all views and of the run. All in any order. The
	// list of results is the report's from then on, and sorted.
	Views       []report.View
	Corrections []report.Correction
	Results     []report.Result
	// NothingToAudit says that every place was looked at and that no view has a file.
	NothingToAudit bool
	// Verification says which two states were compared; nil where none were.
	Verification *report.Verification
}

// Build assembles the document, all but Execution: results sorted by view and check, views by name, and the
// digest of both.
//
// The exit code is not the outcome's: a retryable error among the results wins there, since the next try may find more.
func Build(in Input) (report.Report, error) {
	r := assemble(in)
	r.Results = report.List(in.Results)
	slices.SortFunc(r.Results, func(a, b report.Result) int {
		return cmp.Or(cmp.Compare(a.View, b.View), cmp.Compare(a.Check, b.Check))
	})
	r.Summary = r.Summarise()
	r.Summary.NothingToAudit = in.NothingToAudit
	var err error
	if r.ID, err = r.Digest(); err != nil {
		return r, fmt.Errorf("digest of the report: %w", err)
	}
	return r, nil
}

// BuildLong is Build of views and results in compact form, which are sorted too. What changes is held again by the
// holder.
func BuildLong(in Input, holder *report.Holder, views []report.HeldView, held []report.Held) (report.Long, error) {
	l := report.Long{Rest: assemble(in), Held: held, Holder: holder}
	var err error
	if l.Views, err = holder.BoundHeldPictures(views); err != nil {
		return l, err
	}
	slices.SortFunc(l.Views, report.HeldView.Compare)
	slices.SortFunc(l.Held, report.Held.Compare)
	l.Rest.Summary = l.Summarise()
	l.Rest.Summary.NothingToAudit = in.NothingToAudit
	if l.Rest.ID, err = l.Digest(); err != nil {
		return l, fmt.Errorf("digest of the report: %w", err)
	}
	return l, nil
}

// assemble is the document but for its results, its summary and its id.
func assemble(in Input) report.Report {
	r := report.Report{Schema: report.Schema, Tool: in.Tool, AsOf: words.Instant(in.AsOf), Range: in.Range, Status: in.Status,
		ConfigDigest: in.ConfigDigest, HashKeyID: in.HashKeyID, Verification: in.Verification, Selection: in.Selection, Definitions: in.Definitions}
	r.Selection.Views, r.Selection.Checks = report.List(r.Selection.Views), report.List(r.Selection.Checks)
	r.Catalogue = slices.Sorted(slices.Values(in.Catalogue))
	r.Definitions = report.List(r.Definitions)
	r.Views, r.Corrections = report.BoundPictures(report.List(in.Views)), slices.Clone(in.Corrections)
	slices.SortStableFunc(r.Corrections, func(a, b report.Correction) int { return cmp.Compare(a.View, b.View) })
	slices.SortFunc(r.Views, func(a, b report.View) int { return cmp.Compare(a.Name, b.Name) })
	return r
}

// view is a view as its part of the report is written.
type view struct{ *evidence.Index }

// View is a view's part of the report: what was looked at, and what its results, its clean run and what is bad in each partition say.
func View(ix *evidence.Index, results []report.Result, clean *CleanRun, bad BadByPartition) report.View {
	b := view{ix}
	v := b.describe()
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

// describe says what was looked at, and by which definition.
func (b view) describe() report.View {
	v := report.View{Name: b.View.Name, Project: b.View.Project, Owner: b.View.Owner, Definition: define(b.View),
		OpenPartitions: []string{}, Notes: b.notes(), SourceLagSeconds: b.LagsBySource(func(int32) bool { return true }),
		LagBins: b.lagBins(), NewestBySource: b.newestBySource(),
		FilesUnread: int64(len(b.Unread)), Files: int64(len(b.Survey.Files))}
	if b.ZoneUnread() {
		v.EventTimeReadAs = "UTC"
	}
	for _, f := range b.Survey.Files {
		v.Bytes += f.Size
		v.Rows += f.Live()
	}
	switch tables := b.logs(); len(tables) {
	case 0:
	case 1:
		v.Table = &tables[0]
	default:
		v.Tables = tables
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

func (b view) describeTimes(v *report.View) {
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
			v.RowsAfterAsOf += f.Live()
		}
	}
	if b.unreadOutside() > 0 {
		return // the oldest and the newest of all rows are not known
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

// unreadOutside counts the files outside of the range whose rows nobody wanted.
func (b view) unreadOutside() (files int64) {
	if !b.Narrowed {
		return 0
	}
	scanned := map[int32]bool{}
	for _, s := range b.Collection.Slices {
		scanned[s.File] = true
	}
	for i := range b.Survey.Files {
		f := &b.Survey.Files[i]
		if !b.unread(*f) && !scanned[f.ID] && !b.InRange(f.Partition) && b.Survey.Counts(f, facts.WantBefore) {
			files++
		}
	}
	return files
}

// unreadNote says why the newest event is not told; empty where it is, or where no check wants rows at all.
func (b view) unreadNote() string {
	files := b.unreadOutside()
	switch {
	case files == 0:
		return ""
	case len(b.Collection.Slices) > 0:
		return fmt.Sprintf("the rows of %s outside of the range were not read: none of the selected checks rests on them, and ages and newest events are not told", words.Count(files, "file"))
	case slices.ContainsFunc(b.Survey.Files, func(f facts.File) bool {
		return b.InRange(f.Partition) && b.Survey.Counts(&f, facts.WantTimes) && !b.unread(f)
	}):
		return ""
	}
	return fmt.Sprintf("the range has no row that can be read, and the rows of %s outside of it were not read: none of the selected checks rests on them, and ages and newest events are not told", words.Count(files, "file"))
}

func (b view) unread(f facts.File) bool {
	_, failed := b.Collection.Unread[f.ID]
	return failed
}

// notes say in words what was assumed and what was left out.
func (b view) notes() []string {
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
	for _, t := range b.Survey.Tables {
		if t.Orphans > 0 {
			notes = append(notes, fmt.Sprintf("%s (%s) in the folder of the table %s not named by any version in its log, and %s not read (%s)", words.Count(t.Orphans, "Parquet file"),
				words.Size(t.OrphanBytes), words.Plural(t.Orphans, "is", "are"), words.Plural(t.Orphans, "was", "were"), words.Examples(t.Examples)))
		}
		if t.Unfinished > 0 {
			notes = append(notes, fmt.Sprintf("%s of these %s written after version %d was committed: a transaction may be open, or was given up", words.Number(t.Unfinished),
				words.Plural(t.Unfinished, "was", "were"), t.Version))
		}
		if note := b.smallFiles(t); note != "" {
			notes = append(notes, note)
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
	if note := b.unreadNote(); note != "" {
		notes = append(notes, note)
	}
	if b.Narrowed && !b.View.TimePartition.Declared() {
		notes = append(notes, "the view has no time partitions: it is judged as a whole, whatever the range")
	}
	return report.List(notes)
}

// ingestedNote says that ingest times are written in different encodings: no check judges that, and lags rest on it.
func (b view) ingestedNote() string {
	epochs := evidence.EpochUnits{}
	var files []evidence.EncodedFile
	for f := range b.Readable(false) {
		declared := b.View.IngestedAt
		if own := b.DeclaredSources[f.Source].IngestedAt; own.Declared() {
			declared = own
		}
		column := b.Schema(*f).Lookup(declared.Column)
		if f.Live() == 0 || !declared.Declared() || column == nil || engine.FormOf(*column).Kind == engine.FormNull {
			continue
		}
		e := evidence.EncodedFile{File: f}
		switch encoding := b.Schema(*f).Encoding(*column); encoding {
		case facts.EncodingEpoch:
			e.Rows.Add(epochs.Encoding(declared, *column, *f), f.Live())
		case facts.EncodingTextNaive:
			e.Rows.Add("text", f.Live())
		default:
			e.Rows.Add(encoding, f.Live())
		}
		files = append(files, e)
	}
	list := evidence.EncodingMeasures(epochs.Name(files))
	if len(list) < 2 {
		return ""
	}
	return "ingested_at is written in different encodings: " + evidence.EncodingsInWords(list) + "; each file is read by its own, and other engines may merge them without a word"
}

// Definition is what a report says of the definition that a view was judged by.
func Definition(v model.View) report.ViewDefinition { return define(v) }

func define(v model.View) report.ViewDefinition {
	d := report.ViewDefinition{Kind: string(v.Kind), Path: address.Redact(v.Path), TTLDeclared: v.TTL.Declared(), TTLNever: v.TTL.Never, TTLOnWire: v.TTL.OnWire,
		MaxAgeSeconds: limitSeconds(v.MaxAge.Seconds()), MaxLagSeconds: limitSeconds(v.MaxLag.Seconds()), EventTime: v.EventTime.Column,
		IngestedAt: v.IngestedAt.Column, Source: sourceInWords(v.Source), Entity: report.List(v.Entity), Writer: v.Writer, Key: report.List(evidence.KeyColumns(v)),
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
	d.Table, d.Settings = registry.TableOf(v.Table), registry.SettingsOf(v)
	for key, value := range d.Settings {
		d.Settings[key] = address.Redact(value)
	}
	if p := v.TimePartition; p.Declared() {
		d.TimePartition = &report.TimePartition{Columns: report.List(p.Columns), Grain: string(p.Grain), Zone: cmp.Or(p.Zone, "UTC"), Of: string(evidence.Meaning(v)),
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
