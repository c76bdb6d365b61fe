package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

var mixedEncoding = Check{
	ID:            "mixed-encoding",
	Title:         "Files of one view write event_time in different encodings.",
	Why:           "Engines silently merge aware and naive times, or numbers of two units, into one column: windows are then joined hours or years apart.",
	Fix:           "Write all files with event_time in one encoding, best as timestamps in UTC; until then, declare the zone of naive times and the unit of numbers.",
	Since:         "0.1",
	rule:          mixedEncodingRule,
	Backfilled:    true,
	Scope:         ScopeView,
	Severity:      report.SeverityError,
	Evidence:      report.Certain,
	Unit:          UnitFiles,
	Needs:         Needs{Files: true, Footers: true, EventTime: true},
	Wants:         facts.WantTimes,
	readsRows:     rowsTellEncodings,
	ownRows:       true,
	severityWords: "error, warn where every encoding is naive and its zone declared",
	severity: func(b *viewEvidence) report.Severity {
		if b.encodingZonesDeclared() {
			return report.SeverityWarn
		}
		return report.SeverityError
	},
	judge:     judgeMixedEncoding,
	unsettles: true,
	nothing: func(b *viewEvidence) string {
		if b.NoRows() {
			return "no file holds a row"
		}
		return "no file holds an event time that could be read"
	},
	bad:  always("write event_time in another encoding than most files"),
	good: always("write event_time in one encoding"),
	detail: func(b *viewEvidence, v verdict) string {
		text := evidence.EncodingsInWords(v.measures.Objects("encodings"))
		if b.encodingZonesDeclared() {
			text += "; all are naive, and the zone of each is declared"
		}
		return text
	},
}

const mixedEncodingRule = `Files are grouped by how they write event_time: aware, naive, text with
offsets, text without, epochs. Milli-, micro- and nanoseconds of a type that
says its unit are no difference. If a view has more than one encoding, a file
is bad that writes another than most files do (of equals, most rows).`

func judgeMixedEncoding(b *viewEvidence) (verdict, error) {
	switch path := b.Unscanned(); {
	case path != "" && b.SourcesDiffer():
		return verdict{}, fmt.Errorf("the rows of %s say of which sources they are, and were not read: which of their columns hold event times is not known", path)
	case path != "":
		return verdict{}, fmt.Errorf("the event times of %s are text, and its rows were not read: whether they carry offsets is not known", path)
	}
	files := b.Encoded
	common := commonEncoding(files)
	v := verdict{measures: map[string]any{"encodings": evidence.EncodingMeasures(files)}}
	// files that write the same share one text and one map of measures: there may be 100,000 of them
	type writing struct{ others, writer string }
	type told struct {
		message  string
		measures report.Measures
	}
	tell := map[writing]told{}
	for _, f := range files {
		var others []string
		for e := range f.Rows.All() {
			if e != common {
				others = append(others, string(e))
			}
		}
		if len(others) == 0 {
			v.good(f.File.Source)
			continue
		}
		written := writing{strings.Join(others, " and "), f.File.Writer}
		if _, known := tell[written]; !known {
			tell[written] = told{fmt.Sprintf("event_time is %s, where most files write %s", written.others, common),
				map[string]any{"encodings": others, "expected": string(common), "writer": f.File.Writer}}
		}
		v.rows = append(v.rows, row{total: 1, bad: 1, subject: report.Subject{Partition: b.PartitionValue(f.File.Partition), Source: f.File.Source, File: f.File.Path},
			message: tell[written].message, measures: tell[written].measures})
	}
	return v, nil
}

// mixedEncodingFiles stands for the check where its files are looked up: the check itself would refer to itself.
var mixedEncodingFiles = Check{Needs: Needs{Files: true, Footers: true, EventTime: true}, Wants: facts.WantTimes, readsRows: rowsTellEncodings, ownRows: true}

// rowsTellEncodings says whether only a scan tells how event times are written: where they are text, which the footers do not tell
// apart, or where sources of one file have event times of their own.
func rowsTellEncodings(v model.View, s facts.Survey) bool {
	if evidence.SourcesDiffer(v) && slices.ContainsFunc(s.Files, func(f facts.File) bool { return f.Source == "" }) {
		return true
	}
	return slices.ContainsFunc(s.Schemas, func(schema facts.Schema) bool { return evidence.HasTextTimes(v, schema) })
}

// commonEncoding is that of most files; of equals that of more rows, then the first by name.
func commonEncoding(files []evidence.EncodedFile) facts.Encoding {
	type support struct{ files, rows int64 }
	supports := map[facts.Encoding]support{}
	for _, f := range files {
		for e, n := range f.Rows.All() {
			s := supports[e]
			supports[e] = support{s.files + 1, s.rows + n}
		}
	}
	common := facts.EncodingNone
	for i, e := range slices.Sorted(maps.Keys(supports)) {
		if i == 0 || cmp.Or(cmp.Compare(supports[e].files, supports[common].files), cmp.Compare(supports[e].rows, supports[common].rows)) > 0 {
			common = e
		}
	}
	return common
}

// encodingZonesDeclared says whether every encoding present is naive and has a declared zone: then the mix is read right, and
// only other readers are in danger. What is aware beside it is not, and what was not read nobody knows.
func (b *viewEvidence) encodingZonesDeclared() bool {
	if len(b.Encoded) == 0 || len(b.unreadFor(mixedEncodingFiles)) > 0 || b.Unscanned() != "" {
		return false
	}
	for _, f := range b.Encoded {
		for e := range f.Rows.All() {
			zones := b.ZonesOf(f)
			if !evidence.IsNaive(e) || len(zones) == 0 || slices.ContainsFunc(zones, func(zone string) bool { return zone == "" || zone == model.ZoneDevice }) {
				return false
			}
		}
	}
	return true
}
