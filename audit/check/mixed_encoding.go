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
)

var mixedEncoding = Check{
	ID:       "mixed-encoding",
	Title:    "Files of one view write event_time in different encodings.",
	Why:      "Engines merge aware and naive times into one type without a word, and windows are joined hours apart.",
	Fix:      "Write all files with event_time in UTC and marked as such; until then, declare the zone of each source with naive times.",
	Since:    "0.1",
	Scope:    ScopeView,
	Severity: report.SeverityError,
	Evidence: report.Certain,
	Unit:     UnitFiles,
	Needs:    Needs{Files: true, Footers: true, EventTime: true},
	severity: func(b *brief) report.Severity {
		if b.encodingZonesDeclared() {
			return report.SeverityWarn
		}
		return report.SeverityError
	},
	judge:   judgeMixedEncoding,
	nothing: always("no file holds a row"),
	bad:     always("write event_time in another encoding than most files"),
	good:    always("write event_time in one encoding"),
	detail: func(b *brief, v verdict) string {
		list, _ := v.measures["encodings"].([]map[string]any)
		var texts []string
		for _, e := range list {
			texts = append(texts, fmt.Sprintf("%s in %s (%s)", e["encoding"], count(e["files"].(int64), "file"), e["example"]))
		}
		text := strings.Join(texts, "; ")
		if b.encodingZonesDeclared() {
			text += "; the zone of each naive one is declared"
		}
		return text
	},
}

// encodedFile is a file with rows and how they write their event time.
type encodedFile struct {
	file facts.File
	// rows by encoding; more than one for text only.
	rows    map[facts.Encoding]int64
	sources []string
}

func judgeMixedEncoding(b *brief) (verdict, error) {
	if path := b.unscannedText(); path != "" {
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
var mixedEncodingFiles = Check{Needs: Needs{Files: true, Footers: true, EventTime: true}}

// encodedFiles are the judged files with rows, by path.
func (b *brief) encodedFiles() []encodedFile {
	if !b.View.EventTime.Declared() {
		return nil
	}
	text := b.textRows()
	var files []encodedFile
	for _, f := range b.readable(mixedEncodingFiles) {
		column := b.eventColumn(f)
		if f.Rows == 0 || column == nil || engine.FormOf(*column).Kind == engine.FormNull {
			continue
		}
		e := encodedFile{file: f, rows: map[facts.Encoding]int64{}, sources: text[f.ID].sources}
		encoding := b.schema(f).Encoding(*column)
		if encoding != facts.EncodingTextNaive {
			e.rows[encoding] = f.Rows
			files = append(files, e)
			continue
		}
		if n := text[f.ID].withOffset; n > 0 {
			e.rows[facts.EncodingTextOffset] = n
		}
		if n := text[f.ID].without; n > 0 {
			e.rows[facts.EncodingTextNaive] = n
		}
		if len(e.rows) > 0 {
			files = append(files, e)
		}
	}
	return files
}

// unscannedText is a file with text event times that no scan has read and no problem explains, or "".
func (b *brief) unscannedText() string {
	scanned := b.textRows()
	for _, f := range b.readable(mixedEncodingFiles) {
		_, seen := scanned[f.ID]
		if column := b.eventColumn(f); seen || f.Rows == 0 || column == nil || b.schema(f).Encoding(*column) != facts.EncodingTextNaive {
			continue
		}
		if b.Collection.Unread[f.ID].Kind == "" {
			return f.Path
		}
	}
	return ""
}

type textRows struct {
	withOffset, without int64
	sources             []string
}

func (b *brief) textRows() map[int32]textRows {
	byFile := map[int32]textRows{}
	for _, s := range b.Collection.Slices {
		t := byFile[s.File]
		t.withOffset += s.TextOffset
		t.without += s.TextNaive
		t.sources = append(t.sources, s.Source)
		byFile[s.File] = t
	}
	return byFile
}

// eventColumn is the column of a file that holds its event time, by its source's own name for it where it has one.
func (b *brief) eventColumn(f facts.File) *facts.Column {
	schema := b.schema(f)
	if own := b.bySource[f.Source].EventTime; f.Source != "" && own.Declared() {
		return schema.Lookup(own.Column)
	}
	if column := schema.Lookup(b.View.EventTime.Column); column != nil {
		return column
	}
	for _, s := range b.View.Sources {
		if !s.EventTime.Declared() {
			continue
		}
		if column := schema.Lookup(s.EventTime.Column); column != nil {
			return column
		}
	}
	return nil
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

// encodingZonesDeclared says whether each naive encoding present has a declared zone: then the mix is read right, and
// only other readers are in danger.
func (b *brief) encodingZonesDeclared() bool {
	for _, f := range b.encoded {
		for e := range f.rows {
			if !isNaive(e) {
				continue
			}
			zones := b.zones(f)
			if len(zones) == 0 || slices.ContainsFunc(zones, func(zone string) bool { return zone == "" || zone == model.ZoneDevice }) {
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
