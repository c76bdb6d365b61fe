package evidence

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// EncodingsInWords names each encoding with its files and the first of them.
func EncodingsInWords(list []report.Measures) string {
	var texts []string
	for _, e := range list {
		files, _ := e.Count("files")
		texts = append(texts, fmt.Sprintf("%s in %s (%s)", e.Text("encoding"), words.Count(files, "file"), e.Text("example")))
	}
	return strings.Join(texts, "; ")
}

// EncodedFile is a file with rows and how they write their event time.
type EncodedFile struct {
	File *facts.File
	// Rows by encoding; more than one for text only.
	Rows    EncodedRows
	Sources []string
}

// EncodedRows counts rows by how they write their event time. Nearly all files write one encoding: a map of its own took 200 bytes of each
// of 100,000.
type EncodedRows struct {
	first encodedRows
	more  *[]encodedRows
}

type encodedRows struct {
	encoding facts.Encoding
	rows     int64
}

// All gives the encodings with their rows, sorted by encoding.
func (r EncodedRows) All() iter.Seq2[facts.Encoding, int64] {
	return func(yield func(facts.Encoding, int64) bool) {
		if r.first.rows == 0 || !yield(r.first.encoding, r.first.rows) || r.more == nil {
			return
		}
		for _, one := range *r.more {
			if !yield(one.encoding, one.rows) {
				return
			}
		}
	}
}

// Empty says that no rows are counted.
func (r EncodedRows) Empty() bool { return r.first.rows == 0 }

// Add counts rows, if there are any.
func (r *EncodedRows) Add(encoding facts.Encoding, rows int64) {
	if rows > 0 && encoding != facts.EncodingNone {
		all := r.without(encoding)
		r.set(append(all, encodedRows{encoding, rows + r.of(encoding)}))
	}
}

// Take gives the rows of an encoding, which are counted no more.
func (r *EncodedRows) Take(encoding facts.Encoding) int64 {
	rows := r.of(encoding)
	if rows > 0 {
		r.set(r.without(encoding))
	}
	return rows
}

func (r EncodedRows) of(encoding facts.Encoding) int64 {
	for e, rows := range r.All() {
		if e == encoding {
			return rows
		}
	}
	return 0
}

func (r EncodedRows) without(encoding facts.Encoding) []encodedRows {
	var all []encodedRows
	for e, rows := range r.All() {
		if e != encoding {
			all = append(all, encodedRows{e, rows})
		}
	}
	return all
}

func (r *EncodedRows) set(all []encodedRows) {
	slices.SortFunc(all, func(a, b encodedRows) int { return cmp.Compare(a.encoding, b.encoding) })
	*r = EncodedRows{}
	if len(all) > 0 {
		r.first = all[0]
	}
	if len(all) > 1 {
		more := all[1:]
		r.more = &more
	}
}

// writing is how rows of one file write their event time.
type writing struct {
	column model.TimeColumn
	rows   int64
	// withOffset and without count texts.
	withOffset, without int64
}

// encodingSearch tells how files write their event times.
type encodingSearch struct{ *Index }

// writings are those of a file: one, unless its rows belong to sources with event times of their own.
func (b encodingSearch) writings(f *facts.File, slices []facts.Slice) []writing {
	if f.Source != "" || !b.SourcesDiffer() {
		w := writing{column: b.eventTimeOf(f.Source), rows: f.Live()}
		for i := range slices {
			s := &slices[i]
			w.withOffset, w.without = w.withOffset+s.TextOffset, w.without+s.TextNaive
		}
		return []writing{w}
	}
	var all []writing
	for i := range slices {
		s := &slices[i]
		all = append(all, writing{column: b.eventTimeOf(s.Source), rows: s.Rows, withOffset: s.TextOffset, without: s.TextNaive})
	}
	return all
}

// eventTimeOf is a source's own event time, else the view's.
func (b *Index) eventTimeOf(source string) model.TimeColumn {
	if own := b.DeclaredSources[source].EventTime; own.Declared() {
		return own
	}
	return b.View.EventTime
}

// SourcesDiffer says whether a source has an event time of its own.
func (b *Index) SourcesDiffer() bool { return SourcesDiffer(b.View) }

func SourcesDiffer(v model.View) bool {
	return slices.ContainsFunc(v.Sources, func(s model.SourcePolicy) bool { return s.EventTime.Declared() && s.EventTime != v.EventTime })
}

// encodedFiles are the judged files with rows, by path.
func (b encodingSearch) encodedFiles() []EncodedFile {
	if !b.View.EventTime.Declared() && !b.SourcesDiffer() {
		return nil
	}
	scanned := b.slicesByFile()
	epochs := EpochUnits{}
	var files []EncodedFile
	var sources []string
	for f := range b.Readable(false) {
		ofFile := scanned(f.ID)
		if !slices.EqualFunc(sources, ofFile, func(name string, s facts.Slice) bool { return name == s.Source }) {
			sources = nil // files of the same sources share one list
			for i := range ofFile {
				sources = append(sources, ofFile[i].Source)
			}
		}
		e := EncodedFile{File: f, Sources: sources}
		for _, w := range b.writings(f, ofFile) {
			column := b.Schema(*f).Lookup(w.column.Column)
			if w.rows == 0 || column == nil || engine.FormOf(*column).Kind == engine.FormNull || column.Absent && !column.Filled {
				continue
			}
			switch encoding := b.Schema(*f).Encoding(*column); encoding {
			case facts.EncodingNone:
			case facts.EncodingTextNaive:
				e.Rows.Add(facts.EncodingTextOffset, w.withOffset)
				e.Rows.Add(facts.EncodingTextNaive, w.without)
			case facts.EncodingEpoch:
				e.Rows.Add(epochs.Encoding(w.column, *column, *f), w.rows)
			default:
				e.Rows.Add(encoding, w.rows)
			}
		}
		if !e.Rows.Empty() {
			files = append(files, e)
		}
	}
	return epochs.Name(files)
}

// EpochUnits are the units of a view's bare numbers, by the encodings that stand for them; true where each file's is declared.
type EpochUnits map[facts.Encoding]bool

// untoldEpoch stands for numbers of which none tells the unit: NULLs and sentinels alone.
const untoldEpoch = facts.EncodingEpoch + "-untold"

// Encoding is that of a file's column of numbers: a bare number does not say its unit, so that another unit is another encoding.
func (u EpochUnits) Encoding(declared model.TimeColumn, column facts.Column, f facts.File) facts.Encoding {
	unit := cmp.Or(declared.Unit, column.EpochUnit)
	if unit == "" || declared.Unit == "" && slices.Contains(f.AdoptedUnits, column.Path) {
		return untoldEpoch
	}
	encoding := facts.EncodingEpoch + facts.Encoding("-"+unit)
	before, known := u[encoding]
	u[encoding] = declared.Unit != "" && (before || !known)
	return encoding
}

// Name leaves the unit out where there is one only, or where all are declared: then they are no disagreement. Where there is
// one, files that tell no unit take no side.
func (u EpochUnits) Name(files []EncodedFile) []EncodedFile {
	told := slices.ContainsFunc(slices.Collect(maps.Values(u)), func(declared bool) bool { return !declared })
	if len(u) > 1 && told {
		for i := range files {
			files[i].Rows.Take(untoldEpoch)
		}
		return slices.DeleteFunc(files, func(f EncodedFile) bool { return f.Rows.Empty() })
	}
	for i := range files {
		counted := &files[i].Rows
		rows := counted.Take(untoldEpoch)
		for encoding := range u {
			rows += counted.Take(encoding)
		}
		counted.Add(facts.EncodingEpoch, rows)
	}
	return files
}

// Unscanned is a file whose rows tell how it writes event times, and that no scan has read and no problem explains, or "".
func (b *Index) Unscanned() string {
	scanned := b.slicesByFile()
	for f := range b.Readable(false) {
		if len(scanned(f.ID)) == 0 && f.Live() > 0 && b.Collection.Unread[f.ID].Kind == "" && rowsTellEncoding(b.View, *b.Schema(*f), *f) {
			return f.Path
		}
	}
	return ""
}

// rowsTellEncoding says whether only the rows of a file tell how it writes event times.
func rowsTellEncoding(v model.View, schema facts.Schema, f facts.File) bool {
	return f.Source == "" && SourcesDiffer(v) || HasTextTimes(v, schema)
}

// HasTextTimes says whether event times of a schema are text.
func HasTextTimes(v model.View, schema facts.Schema) bool {
	return slices.ContainsFunc(EventNames(v), func(name string) bool {
		column := schema.Lookup(name)
		return column != nil && schema.Encoding(*column) == facts.EncodingTextNaive
	})
}

// slicesByFile gives the slices of a file, which stand side by side.
func (b *Index) slicesByFile() func(file int32) []facts.Slice {
	all := b.Collection.Slices
	if !slices.IsSortedFunc(all, func(x, y facts.Slice) int { return cmp.Compare(x.File, y.File) }) {
		all = slices.Clone(all)
		slices.SortStableFunc(all, func(x, y facts.Slice) int { return cmp.Compare(x.File, y.File) })
	}
	return func(file int32) []facts.Slice {
		from, _ := slices.BinarySearchFunc(all, file, func(s facts.Slice, file int32) int { return cmp.Compare(s.File, file) })
		end := from
		for end < len(all) && all[end].File == file {
			end++
		}
		return all[from:end]
	}
}

// EncodingMeasures are the files and rows of each encoding, with the first file of it.
func EncodingMeasures(files []EncodedFile) []report.Measures {
	byEncoding := map[facts.Encoding]report.Measures{}
	for _, f := range files {
		for e, n := range f.Rows.All() {
			m := byEncoding[e]
			if m == nil {
				m = report.Measures{"encoding": string(e), "files": int64(0), "rows": int64(0), "example": f.File.Path}
				byEncoding[e] = m
			}
			m.Add("files", 1)
			m.Add("rows", n)
		}
	}
	list := []report.Measures{}
	for _, e := range slices.Sorted(maps.Keys(byEncoding)) {
		list = append(list, byEncoding[e])
	}
	return list
}

// IsNaive says whether an encoding needs a zone to become an instant. An epoch is one by definition.
func IsNaive(e facts.Encoding) bool {
	switch e {
	case facts.EncodingNaive, facts.EncodingInt96Naive, facts.EncodingTextNaive, facts.EncodingDate:
		return true
	default:
		return false
	}
}

// ZonesOf are the declared zones that a file's naive times are read in, one for each of its sources; "" where none is declared.
func (b *Index) ZonesOf(f EncodedFile) []string {
	sources := f.Sources
	if len(sources) == 0 {
		sources = []string{f.File.Source}
	}
	var zones []string
	for _, source := range sources {
		zones = append(zones, DeclaredZone(b.View, b.DeclaredSources[source]))
	}
	return zones
}

// DeclaredZone is the column's own zone, else its source's, else the view's, else none.
func DeclaredZone(v model.View, s model.SourcePolicy) string {
	own := v.EventTime.Zone
	if s.EventTime.Declared() {
		own = s.EventTime.Zone
	}
	ofView := v.Zone
	if v.Origins["zone"].Kind == model.OriginDefault {
		ofView = ""
	}
	return cmp.Or(own, s.Zone, ofView)
}

func (b *Index) StampedByDevices(source string) bool {
	return b.Naive(source) && DeclaredZone(b.View, b.DeclaredSources[source]) == model.ZoneDevice
}

func (b *Index) UndeclaredNaive(source string) bool {
	return b.Naive(source) && DeclaredZone(b.View, b.DeclaredSources[source]) == ""
}

// Naive says whether a source may have naive event times.
func (b *Index) Naive(source string) bool {
	return slices.ContainsFunc(b.Encoded, func(f EncodedFile) bool {
		if f.File.Source != "" && f.File.Source != source || len(f.Sources) > 0 && !slices.Contains(f.Sources, source) {
			return false
		}
		for e := range f.Rows.All() {
			if IsNaive(e) {
				return true
			}
		}
		return false
	})
}

// UndeclaredFile says whether some of a file's event times are naive, and no zone is declared for them.
func (b *Index) UndeclaredFile(f EncodedFile) bool {
	for e := range f.Rows.All() {
		if IsNaive(e) && slices.Contains(b.ZonesOf(f), "") {
			return true
		}
	}
	return false
}

// ZoneUnread says that event times of the view are read as UTC for want of a zone.
func (b *Index) ZoneUnread() bool { return slices.ContainsFunc(b.Encoded, b.UndeclaredFile) }
