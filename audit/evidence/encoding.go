package evidence

import (
	"cmp"
	"fmt"
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
	Rows    map[facts.Encoding]int64
	Sources []string
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
func (b encodingSearch) writings(f facts.File, slices []*facts.Slice) []writing {
	if f.Source != "" || !b.SourcesDiffer() {
		w := writing{column: b.eventTimeOf(f.Source), rows: f.Live()}
		for _, s := range slices {
			w.withOffset, w.without = w.withOffset+s.TextOffset, w.without+s.TextNaive
		}
		return []writing{w}
	}
	var all []writing
	for _, s := range slices {
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
	for _, f := range b.Readable(false) {
		e := EncodedFile{File: &b.Survey.Files[f.ID], Rows: map[facts.Encoding]int64{}}
		for _, s := range scanned[f.ID] {
			e.Sources = append(e.Sources, s.Source)
		}
		for _, w := range b.writings(f, scanned[f.ID]) {
			column := b.Schema(f).Lookup(w.column.Column)
			if w.rows == 0 || column == nil || engine.FormOf(*column).Kind == engine.FormNull {
				continue
			}
			switch encoding := b.Schema(f).Encoding(*column); encoding {
			case facts.EncodingNone:
			case facts.EncodingTextNaive:
				e.Add(facts.EncodingTextOffset, w.withOffset)
				e.Add(facts.EncodingTextNaive, w.without)
			case facts.EncodingEpoch:
				e.Add(epochs.Encoding(w.column, *column, f), w.rows)
			default:
				e.Add(encoding, w.rows)
			}
		}
		if len(e.Rows) > 0 {
			files = append(files, e)
		}
	}
	return epochs.Name(files)
}

func (e *EncodedFile) Add(encoding facts.Encoding, rows int64) {
	if rows > 0 && encoding != facts.EncodingNone {
		e.Rows[encoding] += rows
	}
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
		return slices.DeleteFunc(files, func(f EncodedFile) bool {
			delete(f.Rows, untoldEpoch)
			return len(f.Rows) == 0
		})
	}
	for _, f := range files {
		rows := f.Rows[untoldEpoch]
		delete(f.Rows, untoldEpoch)
		for encoding := range u {
			rows += f.Rows[encoding]
			delete(f.Rows, encoding)
		}
		f.Add(facts.EncodingEpoch, rows)
	}
	return files
}

// Unscanned is a file whose rows tell how it writes event times, and that no scan has read and no problem explains, or "".
func (b *Index) Unscanned() string {
	scanned := b.slicesByFile()
	for _, f := range b.Readable(false) {
		_, seen := scanned[f.ID]
		if !seen && f.Live() > 0 && b.Collection.Unread[f.ID].Kind == "" && rowsTellEncoding(b.View, *b.Schema(f), f) {
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

func (b *Index) slicesByFile() map[int32][]*facts.Slice {
	byFile := map[int32][]*facts.Slice{}
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		byFile[s.File] = append(byFile[s.File], s)
	}
	return byFile
}

// EncodingMeasures are the files and rows of each encoding, with the first file of it.
func EncodingMeasures(files []EncodedFile) []report.Measures {
	byEncoding := map[facts.Encoding]report.Measures{}
	for _, f := range files {
		for e, n := range f.Rows {
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
		for e := range f.Rows {
			if IsNaive(e) {
				return true
			}
		}
		return false
	})
}

// UndeclaredFile says whether some of a file's event times are naive, and no zone is declared for them.
func (b *Index) UndeclaredFile(f EncodedFile) bool {
	for e := range f.Rows {
		if IsNaive(e) && slices.Contains(b.ZonesOf(f), "") {
			return true
		}
	}
	return false
}

// ZoneUnread says that event times of the view are read as UTC for want of a zone.
func (b *Index) ZoneUnread() bool { return slices.ContainsFunc(b.Encoded, b.UndeclaredFile) }
