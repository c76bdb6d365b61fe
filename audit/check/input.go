package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// Terms are what a view is judged by, beside its own definition.
type Terms struct {
	// AsOf is the instant judged from, in microseconds UTC; AsOfGiven says that the user chose it.
	AsOf      int64
	AsOfGiven bool
	// HasRange says that only partitions with InRange are judged.
	HasRange bool
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

func (in Input) selected(id string) bool { return in.Selected == nil || in.Selected(id) }

// Index is a view's evidence with what checks look up more than once.
type Index struct {
	Input
	// order ranks partitions by value, as the calendar does.
	order map[string]int32
	// unread are the files that were listed and could not be read, by path; those of the survey come without their rows.
	unread []unreadFile
	// seen are the names of all sources that were seen, sorted.
	seen []string
	// declared are the declared sources.
	declared map[string]model.SourcePolicy
	// encoded are the judged files with rows, by how they write their event time.
	encoded []encodedFile
	// held remembers which columns a schema has.
	held map[schemaColumn]bool
	// present is what presences found.
	present []presence
}

type schemaColumn struct {
	schema int32
	column string
}

type unreadFile struct {
	file    facts.File
	problem facts.Problem
	// surveyed says that its footer was read, and only its rows were not.
	surveyed bool
}

// newIndex looks up what a view's evidence says.
func newIndex(in Input) *Index {
	b := &Index{Input: in, order: map[string]int32{}, declared: map[string]model.SourcePolicy{}, held: map[schemaColumn]bool{}}
	for _, p := range in.Survey.Partitions {
		b.order[p.Value] = p.ID
	}
	for _, s := range in.View.Sources {
		b.declared[s.Name] = s
	}
	b.unread = findUnread(in)
	b.seen = seenSources(in)
	b.encoded = b.encodedFiles()
	return b
}

func findUnread(in Input) []unreadFile {
	var unread []unreadFile
	for _, f := range in.Survey.Files {
		if f.Problem != nil {
			if f.Problem.Kind != facts.ProblemOpenChanged {
				unread = append(unread, unreadFile{file: f, problem: *f.Problem})
			}
			continue
		}
		if problem, found := in.Collection.Unread[f.ID]; found && problem.Kind != facts.ProblemOpenChanged {
			unread = append(unread, unreadFile{file: f, problem: problem, surveyed: true})
		}
	}
	slices.SortFunc(unread, func(a, b unreadFile) int { return cmp.Compare(a.file.Path, b.file.Path) })
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

// partition is the partition of a file, or false where the view has no time partitions.
func (b *Index) partition(id int32) (facts.Partition, bool) {
	if id < 0 || int(id) >= len(b.Survey.Partitions) {
		return facts.Partition{}, false
	}
	return b.Survey.Partitions[id], true
}

// partitionOf is partition, nil where the view has none.
func (b *Index) partitionOf(id int32) *facts.Partition {
	if p, found := b.partition(id); found {
		return &p
	}
	return nil
}

func (b *Index) partitionValue(id int32) string {
	p, _ := b.partition(id)
	return p.Value
}

// identity is a subject in names that no new spelling of a folder changes: what its fingerprint is made of. A source that has a
// number in this report alone may be another one in the next, so that the instant judged from is part of its name.
func (b *Index) identity(s report.Subject) report.Subject {
	if b.numbered(s) {
		s.Object += " as of " + words.Instant(b.AsOf)
	}
	id, known := b.order[s.Partition]
	if p, found := b.partition(id); known && found && p.Identity != "" {
		s.Partition = p.Identity
	}
	return s
}

// numbered says that a subject names a source by a number, which holds in this report only.
func (b *Index) numbered(s report.Subject) bool {
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

// inRange says whether verdicts are wanted for a partition's files at all; a view without time partitions has no range.
func (b *Index) inRange(id int32) bool {
	p, dated := b.partition(id)
	return !dated || p.InRange
}

// judged says whether the rows of a partition are judged.
func (b *Index) judged(id int32) bool {
	p, dated := b.partition(id)
	return !dated || p.InRange && !p.AfterAsOf
}

// leftOut says that a file of an open partition changed twice and is not looked at, by design.
func (b *Index) leftOut(f facts.File) bool {
	if f.Problem != nil {
		return f.Problem.Kind == facts.ProblemOpenChanged
	}
	problem, found := b.Collection.Unread[f.ID]
	return found && problem.Kind == facts.ProblemOpenChanged
}

// judgedFiles are the files whose rows a check's verdict rests on.
func (b *Index) judgedFiles(c Check) []facts.File {
	judged := func(f *facts.File) bool { return !b.leftOut(*f) && (c.WholeView || b.judged(f.Partition)) }
	count := 0
	for i := range b.Survey.Files {
		if judged(&b.Survey.Files[i]) {
			count++
		}
	}
	files := make([]facts.File, 0, count) // 100,000 of them take 30 MB, and twice that while a list grows
	for i := range b.Survey.Files {
		if judged(&b.Survey.Files[i]) {
			files = append(files, b.Survey.Files[i])
		}
	}
	return files
}

// readable are the judged files with a footer.
func (b *Index) readable(c Check) []facts.File {
	return slices.DeleteFunc(b.judgedFiles(c), func(f facts.File) bool { return f.Problem != nil || b.schema(f) == nil })
}

func (b *Index) schema(f facts.File) *facts.Schema {
	if f.Schema < 0 || int(f.Schema) >= len(b.Survey.Schemas) {
		return nil
	}
	return &b.Survey.Schemas[f.Schema]
}

// unreadFor are the unread files that a check's verdict misses.
func (b *Index) unreadFor(c Check) []unreadFile {
	var unread []unreadFile
	for _, u := range b.unread {
		if u.surveyed && !ReadsRows(c, b.View, b.Survey) {
			continue
		}
		if c.WholeView || b.judged(u.file.Partition) {
			unread = append(unread, u)
		}
	}
	return unread
}

// noRows says that the readable files hold no row, so that there was nothing to collect.
func (b *Index) noRows() bool {
	return !slices.ContainsFunc(b.Survey.Files, func(f facts.File) bool { return f.Problem == nil && f.Rows > 0 && b.Collection.Unread[f.ID].Kind == "" })
}

// sum adds a count over the slices whose partition is judged.
func (b *Index) sum(of func(*facts.Slice) int64) int64 {
	total := int64(0)
	for i := range b.Collection.Slices {
		if s := &b.Collection.Slices[i]; b.judged(b.filePartition(s.File)) {
			total += of(s)
		}
	}
	return total
}

// seconds turns microseconds into the seconds of the report.
func seconds(micros int64) float64 { return float64(micros) / 1e6 }

// instantOrNil is instant, or null in JSON where there is none.
func instantOrNil(micros int64) any {
	if micros == facts.NoTime {
		return nil
	}
	return words.Instant(micros)
}

func meaning(v model.View) model.PartitionMeaning {
	switch {
	case !v.TimePartition.Declared():
		return ""
	case v.TimePartition.Of == "":
		return model.OfEventTime
	}
	return v.TimePartition.Of
}

func (b *Index) filePartition(id int32) int32 {
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
