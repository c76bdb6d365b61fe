// Package evidence looks up what a survey and a collection say of one view: its partitions, sources, columns and encodings, and
// what is declared of them. It judges nothing.
package evidence

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// Terms are what a view is judged by, beside its own definition.
type Terms struct {
	// AsOf is the instant judged from; AsOfGiven says that the user chose it.
	AsOf      times.Instant
	AsOfGiven bool
	// Narrowed says that only partitions with InRange are judged: those of a range, or the newest where only that is looked at.
	Narrowed bool
	// Selected says whether a check is wanted; nil selects all.
	Selected func(id string) bool
	// Suppressions are those of the whole run.
	Suppressions []model.Suppression
	// Missing is what it means that no file is there; empty is MissingIsError.
	Missing Missing
	// Samples is how many values of key and entity columns a finding may show.
	Samples int
	// BadRows says that the rows will be fetched that checks counted.
	BadRows bool
	// Mask names what is sensitive; nil shows none of it.
	Mask *sensitive.Mask
	// Atlas keeps zones that were read; nil reads them anew.
	Atlas *zone.Atlas
	// Rank orders the findings of a result by what is known of them, the smallest first, before how bad they are: a finding by its
	// fingerprint and what it counts. Nil ranks all alike.
	Rank func(fingerprint string, bad int64) int
	// NameFindings says that a result names all its findings (report.Result.Every), and not the worst alone.
	NameFindings bool
}

// Input is the evidence of one view under the names that the report gives to sensitive sources, and the terms that it is judged by.
type Input struct {
	facts.Evidence
	Terms
	// Sources maps the names of sources in the evidence to those in the data, where the source is sensitive; nil where they are the
	// same.
	Sources sensitive.Names
}

// NewInput hides what is sensitive in evidence.
func NewInput(e facts.Evidence, t Terms) Input {
	in := Input{Evidence: e, Terms: t}
	if in.Sources = in.Mask.Sources(&in.View, &in.Survey, &in.Collection); in.Sources != nil {
		in.Suppressions = slices.Clone(in.Suppressions)
		for i, s := range in.Suppressions {
			if s.View == "" || s.View == in.View.Name {
				in.Suppressions[i].Source = in.Mask.Source(in.View, s.Source)
			}
		}
	}
	if in.Collection.Keys != nil {
		repeated := *in.Collection.Keys
		repeated.HiddenMeasures = sensitive.Without(in.View, &repeated)
		in.Collection.Keys = &repeated
	}
	return in
}

func (in Input) IsSelected(id string) bool { return in.Selected == nil || in.Selected(id) }

// Index is a view's evidence with what checks look up more than once.
type Index struct {
	Input
	// Order ranks partitions by value, as the calendar does.
	Order map[string]int32
	// Unread are the files that were listed and could not be read, by path; those of the survey come without their rows.
	Unread []UnreadFile
	// SeenSources are the names of all sources that were seen, sorted.
	SeenSources []string
	// DeclaredSources are the declared sources.
	DeclaredSources map[string]model.SourcePolicy
	// Encoded are the judged files with rows, by how they write their event time.
	Encoded []EncodedFile
	// held remembers which columns a schema has.
	held map[schemaColumn]bool
	// Present is what presences found.
	present []Presence
}

type schemaColumn struct {
	schema int32
	column string
}

type UnreadFile struct {
	File    *facts.File
	Problem facts.Problem
	// Surveyed says that its footer was read, and only its rows were not.
	Surveyed bool
}

// NewIndex looks up what a view's evidence says.
func NewIndex(in Input) *Index {
	b := &Index{Input: in, Order: map[string]int32{}, DeclaredSources: map[string]model.SourcePolicy{}, held: map[schemaColumn]bool{}}
	for _, p := range in.Survey.Partitions {
		b.Order[p.Value] = p.ID
	}
	for _, s := range in.View.Sources {
		b.DeclaredSources[s.Name] = s
	}
	b.Unread = findUnread(in)
	b.SeenSources = seenSources(in)
	b.Encoded = encodingSearch{b}.encodedFiles()
	return b
}

func findUnread(in Input) []UnreadFile {
	var unread []UnreadFile
	for i := range in.Survey.Files {
		f := &in.Survey.Files[i]
		if f.Problem != nil {
			if f.Problem.Kind != facts.ProblemOpenChanged {
				unread = append(unread, UnreadFile{File: f, Problem: *f.Problem})
			}
			continue
		}
		if problem, found := in.Collection.Unread[f.ID]; found && problem.Kind != facts.ProblemOpenChanged {
			unread = append(unread, UnreadFile{File: f, Problem: problem, Surveyed: true})
		}
	}
	slices.SortFunc(unread, func(a, b UnreadFile) int { return cmp.Compare(a.File.Path, b.File.Path) })
	return unread
}

func seenSources(in Input) []string {
	seen := map[string]bool{}
	for _, name := range in.Collection.Sources {
		seen[name] = true
	}
	for _, s := range in.Collection.Slices {
		seen[s.Source] = true
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Partition is the partition of a file, or false where the view has no time partitions.
func (b *Index) Partition(id int32) (facts.Partition, bool) {
	if id < 0 || int(id) >= len(b.Survey.Partitions) {
		return facts.Partition{}, false
	}
	return b.Survey.Partitions[id], true
}

// PartitionOf is Partition, nil where the view has none.
func (b *Index) PartitionOf(id int32) *facts.Partition {
	if p, found := b.Partition(id); found {
		return &p
	}
	return nil
}

func (b *Index) PartitionValue(id int32) string {
	p, _ := b.Partition(id)
	return p.Value
}

// Identity is a subject in names that no new spelling of a folder changes: what its fingerprint is made of. A source that has a
// number in this report alone may be another one in the next, so that the instant judged from is part of its name.
func (b *Index) Identity(s report.Subject) report.Subject {
	if b.Numbered(s) {
		s.Object += " as of " + words.Instant(b.AsOf)
	}
	id, known := b.Order[s.Partition]
	if p, found := b.Partition(id); known && found && p.Identity != "" {
		s.Partition = p.Identity
	}
	return s
}

// Numbered says that a subject names a source by a number, which holds in this report only.
func (b *Index) Numbered(s report.Subject) bool {
	if b.Sources == nil || !b.Mask.Numbers() {
		return false
	}
	for name := range b.Sources { // any of them will do
		if name != "" && (s.Source == name || strings.Contains(s.Object, name)) {
			return true
		}
	}
	return false
}

// InRange says whether verdicts are wanted for a partition's files at all; a view without time partitions has no range.
func (b *Index) InRange(id int32) bool {
	p, dated := b.Partition(id)
	return !dated || p.InRange
}

// Judged says whether the rows of a partition are judged.
func (b *Index) Judged(id int32) bool {
	p, dated := b.Partition(id)
	return !dated || p.InRange && !p.AfterAsOf
}

// LeftOut says that a file of an open partition changed twice and is not looked at, by design.
func (b *Index) LeftOut(f facts.File) bool {
	if f.Problem != nil {
		return f.Problem.Kind == facts.ProblemOpenChanged
	}
	problem, found := b.Collection.Unread[f.ID]
	return found && problem.Kind == facts.ProblemOpenChanged
}

// judges says whether a check's verdict rests on the rows of a file.
func (b *Index) judges(f *facts.File, whole bool) bool {
	return !b.LeftOut(*f) && (whole || b.Judged(f.Partition))
}

// CountJudged is how many files JudgedFiles gives.
func (b *Index) CountJudged(whole bool) int {
	count := 0
	for i := range b.Survey.Files {
		if b.judges(&b.Survey.Files[i], whole) {
			count++
		}
	}
	return count
}

// JudgedFiles are the files whose rows a check's verdict rests on. They are not copied: 100,000 of them take 35 MB.
func (b *Index) JudgedFiles(whole bool) iter.Seq[*facts.File] {
	return func(yield func(*facts.File) bool) {
		for i := range b.Survey.Files {
			if f := &b.Survey.Files[i]; b.judges(f, whole) && !yield(f) {
				return
			}
		}
	}
}

// Readable are the judged files with a footer.
func (b *Index) Readable(whole bool) iter.Seq[*facts.File] {
	return func(yield func(*facts.File) bool) {
		for f := range b.JudgedFiles(whole) {
			if f.Problem == nil && b.Schema(*f) != nil && !yield(f) {
				return
			}
		}
	}
}

func (b *Index) Schema(f facts.File) *facts.Schema {
	if f.Schema < 0 || int(f.Schema) >= len(b.Survey.Schemas) {
		return nil
	}
	return &b.Survey.Schemas[f.Schema]
}

// NoRows says that the readable files hold no row, so that there was nothing to collect.
func (b *Index) NoRows() bool {
	return !slices.ContainsFunc(b.Survey.Files, func(f facts.File) bool {
		return f.Problem == nil && f.Live() > 0 && b.Collection.Unread[f.ID].Kind == ""
	})
}

// Sum adds a count over the slices whose partition is judged.
func (b *Index) Sum(of func(*facts.Slice) int64) int64 {
	total := int64(0)
	for i := range b.Collection.Slices {
		if s := &b.Collection.Slices[i]; b.Judged(b.FilePartition(s.File)) {
			total += of(s)
		}
	}
	return total
}

// InstantOrNil is instant, or null in JSON where there is none.
func InstantOrNil(at times.Instant) any {
	if !at.Known() {
		return nil
	}
	return words.Instant(at)
}

func Meaning(v model.View) model.PartitionMeaning {
	switch {
	case !v.TimePartition.Declared():
		return ""
	case v.TimePartition.Of == "":
		return model.OfEventTime
	}
	return v.TimePartition.Of
}

func (b *Index) FilePartition(id int32) int32 {
	if id < 0 || int(id) >= len(b.Survey.Files) {
		return -1
	}
	return b.Survey.Files[id].Partition
}

// Missing is what a view is whose paths match no file.
type Missing string

// The meanings of a missing view: that nobody could look (a retry may help), a failure of that view, or a warning.
const (
	MissingIsError   Missing = "error"
	MissingIsFailure Missing = "fail"
	MissingIsWarning Missing = "warn"
)
