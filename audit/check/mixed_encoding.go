package check

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

var mixedEncoding = Check{
	ID:            "mixed-encoding",
	Title:         "Files of one view write event_time in different encodings.",
	Why:           "Engines merge aware and naive times, or numbers of two units, into one column without a word: windows are joined hours or ages apart.",
	Fix:           "Write all files with event_time in one encoding, best as timestamps in UTC; until then, declare the zone of naive times and the unit of numbers.",
	Since:         "0.1",
	rule:          mixedEncodingRule,
	Scope:         ScopeView,
	Severity:      report.SeverityError,
	Evidence:      report.Certain,
	Unit:          UnitFiles,
	Needs:         Needs{Files: true, Footers: true, EventTime: true},
	Wants:         facts.WantTimes,
	readsRows:     rowsTellEncodings,
	severityWords: "error, warn where every encoding is naive and its zone declared",
	severity: func(b *brief) report.Severity {
		if b.encodingZonesDeclared() {
			return report.SeverityWarn
		}
		return report.SeverityError
	},
	judge:     judgeMixedEncoding,
	unsettles: true,
	nothing: func(b *brief) string {
		if b.noRows() {
			return "no file holds a row"
		}
		return "no file holds an event time that could be read"
	},
	bad:  always("write event_time in another encoding than most files"),
	good: always("write event_time in one encoding"),
	detail: func(b *brief, v verdict) string {
		list, _ := v.measures["encodings"].([]map[string]any)
		text := encodingsInWords(list)
		if b.encodingZonesDeclared() {
			text += "; all are naive, and the zone of each is declared"
		}
		return text
	},
}

const mixedEncodingRule = `Files are put together by how they write event_time: aware, naive, text with
offsets, text without, epochs. Milli-, micro- and nanoseconds of a type that
says its unit are no difference. If a view has more than one encoding, a file
is bad that writes another than most files do (of equals, most rows).`

// encodingsInWords names each encoding with its files and the first of them.
func encodingsInWords(list []map[string]any) string {
	var texts []string
	for _, e := range list {
		texts = append(texts, fmt.Sprintf("%s in %s (%s)", e["encoding"], words.Count(e["files"].(int64), "file"), e["example"]))
	}
	return strings.Join(texts, "; ")
}

// encodedFile is a file with rows and how they write their event time.
type encodedFile struct {
	file facts.File
	// rows by encoding; more than one for text only.
	rows    map[facts.Encoding]int64
	sources []string
}

func judgeMixedEncoding(b *brief) (verdict, error) {
	switch path := b.unscanned(); {
	case path != "" && b.sourcesDiffer():
		return verdict{}, fmt.Errorf("the rows of %s say of which sources they are, and were not read: which of their columns hold event times is not known", path)
	case path != "":
		return verdict{}, fmt.Errorf("the event times of %s are text, and its rows were not read: whether they carry offsets is not known", path)
	}
	files := b.encoded
	usual := usualEncoding(files)
	v := verdict{measures: map[string]any{"encodings": encodingMeasures(files)}}
	for _, f := range files {
		r := row{total: 1, subject: report.Subject{Partition: b.partitionValue(f.file.Partition), Source: f.file.Source, File: f.file.Path}}
		others := []string{}
		for _, e := range slices.Sorted(maps.Keys(f.rows)) {
			if e != usual {
				others = append(others, string(e))
			}
		}
		if len(others) > 0 {
			r.bad = 1
			r.message = fmt.Sprintf("event_time is %s, where most files write %s", strings.Join(others, " and "), usual)
			r.measures = map[string]any{"encodings": others, "expected": string(usual), "writer": f.file.Writer}
		}
		v.rows = append(v.rows, r)
	}
	return v, nil
}

// mixedEncodingFiles stands for the check where its files are looked up: the check itself would refer to itself.
var mixedEncodingFiles = Check{Needs: Needs{Files: true, Footers: true, EventTime: true}, Wants: facts.WantTimes, readsRows: rowsTellEncodings}

// writing is how rows of one file write their event time.
type writing struct {
	column model.TimeColumn
	rows   int64
	// withOffset and without count texts.
	withOffset, without int64
}

// writings are those of a file: one, unless its rows belong to sources with event times of their own.
func (b *brief) writings(f facts.File, slices []*facts.Slice) []writing {
	if f.Source != "" || !b.sourcesDiffer() {
		w := writing{column: b.eventTimeOf(f.Source), rows: f.Rows}
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
func (b *brief) eventTimeOf(source string) model.TimeColumn {
	if own := b.bySource[source].EventTime; own.Declared() {
		return own
	}
	return b.View.EventTime
}

// sourcesDiffer says whether a source has an event time of its own.
func (b *brief) sourcesDiffer() bool { return sourcesDiffer(b.View) }

func sourcesDiffer(v model.View) bool {
	return slices.ContainsFunc(v.Sources, func(s model.SourcePolicy) bool { return s.EventTime.Declared() && s.EventTime != v.EventTime })
}

// encodedFiles are the judged files with rows, by path.
func (b *brief) encodedFiles() []encodedFile {
	if !b.View.EventTime.Declared() && !b.sourcesDiffer() {
		return nil
	}
	scanned := b.slicesByFile()
	epochs := epochUnits{}
	var files []encodedFile
	for _, f := range b.readable(mixedEncodingFiles) {
		e := encodedFile{file: f, rows: map[facts.Encoding]int64{}}
		for _, s := range scanned[f.ID] {
			e.sources = append(e.sources, s.Source)
		}
		for _, w := range b.writings(f, scanned[f.ID]) {
			column := b.schema(f).Lookup(w.column.Column)
			if w.rows == 0 || column == nil || engine.FormOf(*column).Kind == engine.FormNull {
				continue
			}
			switch encoding := b.schema(f).Encoding(*column); encoding {
			case facts.EncodingNone:
			case facts.EncodingTextNaive:
				e.add(facts.EncodingTextOffset, w.withOffset)
				e.add(facts.EncodingTextNaive, w.without)
			case facts.EncodingEpoch:
				e.add(epochs.encoding(w.column, *column, f), w.rows)
			default:
				e.add(encoding, w.rows)
			}
		}
		if len(e.rows) > 0 {
			files = append(files, e)
		}
	}
	return epochs.name(files)
}

func (e *encodedFile) add(encoding facts.Encoding, rows int64) {
	if rows > 0 && encoding != facts.EncodingNone {
		e.rows[encoding] += rows
	}
}

// epochUnits are the units of a view's bare numbers, by the encodings that stand for them; true where each file's is declared.
type epochUnits map[facts.Encoding]bool

// untoldEpoch stands for numbers of which none tells the unit: NULLs and sentinels alone.
const untoldEpoch = facts.EncodingEpoch + "-untold"

// encoding is that of a file's column of numbers: a bare number does not say its unit, so that another unit is another encoding.
func (u epochUnits) encoding(declared model.TimeColumn, column facts.Column, f facts.File) facts.Encoding {
	unit := cmp.Or(declared.Unit, column.EpochUnit)
	if unit == "" || declared.Unit == "" && slices.Contains(f.AdoptedUnits, column.Path) {
		return untoldEpoch
	}
	encoding := facts.EncodingEpoch + facts.Encoding("-"+unit)
	before, known := u[encoding]
	u[encoding] = declared.Unit != "" && (before || !known)
	return encoding
}

// name leaves the unit out where there is one only, or where all are declared: then they are no disagreement. Where there is
// one, files that tell no unit take no side.
func (u epochUnits) name(files []encodedFile) []encodedFile {
	told := slices.ContainsFunc(slices.Collect(maps.Values(u)), func(declared bool) bool { return !declared })
	if len(u) > 1 && told {
		return slices.DeleteFunc(files, func(f encodedFile) bool {
			delete(f.rows, untoldEpoch)
			return len(f.rows) == 0
		})
	}
	for _, f := range files {
		rows := f.rows[untoldEpoch]
		delete(f.rows, untoldEpoch)
		for encoding := range u {
			rows += f.rows[encoding]
			delete(f.rows, encoding)
		}
		f.add(facts.EncodingEpoch, rows)
	}
	return files
}

// unscanned is a file whose rows tell how it writes event times, and that no scan has read and no problem explains, or "".
func (b *brief) unscanned() string {
	scanned := b.slicesByFile()
	for _, f := range b.readable(mixedEncodingFiles) {
		_, seen := scanned[f.ID]
		if !seen && f.Rows > 0 && b.Collection.Unread[f.ID].Kind == "" && rowsTellEncoding(b.View, *b.schema(f), f) {
			return f.Path
		}
	}
	return ""
}

// rowsTellEncodings says whether only a scan tells how event times are written: where they are text, which the footers do not tell
// apart, or where sources of one file have event times of their own.
func rowsTellEncodings(v model.View, s facts.Survey) bool {
	if sourcesDiffer(v) && slices.ContainsFunc(s.Files, func(f facts.File) bool { return f.Source == "" }) {
		return true
	}
	return slices.ContainsFunc(s.Schemas, func(schema facts.Schema) bool { return hasTextTimes(v, schema) })
}

// rowsTellEncoding says whether only the rows of a file tell how it writes event times.
func rowsTellEncoding(v model.View, schema facts.Schema, f facts.File) bool {
	return f.Source == "" && sourcesDiffer(v) || hasTextTimes(v, schema)
}

// hasTextTimes says whether event times of a schema are text.
func hasTextTimes(v model.View, schema facts.Schema) bool {
	return slices.ContainsFunc(eventNames(v), func(name string) bool {
		column := schema.Lookup(name)
		return column != nil && schema.Encoding(*column) == facts.EncodingTextNaive
	})
}

func (b *brief) slicesByFile() map[int32][]*facts.Slice {
	byFile := map[int32][]*facts.Slice{}
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		byFile[s.File] = append(byFile[s.File], s)
	}
	return byFile
}

// usualEncoding is that of most files; of equals that of more rows, then the first by name.
func usualEncoding(files []encodedFile) facts.Encoding {
	type support struct{ files, rows int64 }
	supports := map[facts.Encoding]support{}
	for _, f := range files {
		for e, n := range f.rows {
			s := supports[e]
			supports[e] = support{s.files + 1, s.rows + n}
		}
	}
	usual := facts.EncodingNone
	for i, e := range slices.Sorted(maps.Keys(supports)) {
		if i == 0 || cmp.Or(cmp.Compare(supports[e].files, supports[usual].files), cmp.Compare(supports[e].rows, supports[usual].rows)) > 0 {
			usual = e
		}
	}
	return usual
}

func encodingMeasures(files []encodedFile) []map[string]any {
	byEncoding := map[facts.Encoding]map[string]any{}
	for _, f := range files {
		for e, n := range f.rows {
			m := byEncoding[e]
			if m == nil {
				m = map[string]any{"encoding": string(e), "files": int64(0), "rows": int64(0), "example": f.file.Path}
				byEncoding[e] = m
			}
			m["files"] = m["files"].(int64) + 1
			m["rows"] = m["rows"].(int64) + n
		}
	}
	list := []map[string]any{}
	for _, e := range slices.Sorted(maps.Keys(byEncoding)) {
		list = append(list, byEncoding[e])
	}
	return list
}

// encodingZonesDeclared says whether every encoding present is naive and has a declared zone: then the mix is read right, and
// only other readers are in danger. What is aware beside it is not, and what was not read nobody knows.
func (b *brief) encodingZonesDeclared() bool {
	if len(b.encoded) == 0 || len(b.unreadFor(mixedEncodingFiles)) > 0 || b.unscanned() != "" {
		return false
	}
	for _, f := range b.encoded {
		for e := range f.rows {
			zones := b.zones(f)
			if !isNaive(e) || len(zones) == 0 || slices.ContainsFunc(zones, func(zone string) bool { return zone == "" || zone == model.ZoneDevice }) {
				return false
			}
		}
	}
	return true
}

// isNaive says whether an encoding needs a zone to become an instant. An epoch is one by definition.
func isNaive(e facts.Encoding) bool {
	switch e {
	case facts.EncodingNaive, facts.EncodingInt96Naive, facts.EncodingTextNaive, facts.EncodingDate:
		return true
	}
	return false
}

// zones are the declared zones that a file's naive times are read in, one for each of its sources; "" where none is declared.
func (b *brief) zones(f encodedFile) []string {
	sources := f.sources
	if len(sources) == 0 {
		sources = []string{f.file.Source}
	}
	var zones []string
	for _, source := range sources {
		zones = append(zones, declaredZone(b.View, b.bySource[source]))
	}
	return zones
}

// declaredZone is the column's own zone, else its source's, else the view's, else none.
func declaredZone(v model.View, s model.SourcePolicy) string {
	own := v.EventTime.Zone
	if s.EventTime.Declared() {
		own = s.EventTime.Zone
	}
	ofView := v.Zone
	if v.Origins["zone"] == originDefault {
		ofView = ""
	}
	return cmp.Or(own, s.Zone, ofView)
}

// ingestedNote says that ingest times are written in different encodings: no check judges that, and lags rest on it.
func (b *brief) ingestedNote() string {
	epochs := epochUnits{}
	var files []encodedFile
	for _, f := range b.readable(mixedEncodingFiles) {
		declared := b.View.IngestedAt
		if own := b.bySource[f.Source].IngestedAt; own.Declared() {
			declared = own
		}
		column := b.schema(f).Lookup(declared.Column)
		if f.Rows == 0 || !declared.Declared() || column == nil || engine.FormOf(*column).Kind == engine.FormNull {
			continue
		}
		e := encodedFile{file: f, rows: map[facts.Encoding]int64{}}
		switch encoding := b.schema(f).Encoding(*column); encoding {
		case facts.EncodingEpoch:
			e.add(epochs.encoding(declared, *column, f), f.Rows)
		case facts.EncodingTextNaive:
			e.add("text", f.Rows)
		default:
			e.add(encoding, f.Rows)
		}
		files = append(files, e)
	}
	list := encodingMeasures(epochs.name(files))
	if len(list) < 2 {
		return ""
	}
	return "ingested_at is written in different encodings: " + encodingsInWords(list) + "; each file is read by its own, and other engines may merge them without a word"
}
