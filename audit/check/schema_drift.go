package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

var schemaDrift = Check{
	ID:         "schema-drift",
	Title:      "A column is missing, new or of another type in some files.",
	Why:        "Readers fill what is missing with null and widen what differs, silently, and a feature changes its meaning over time.",
	Fix:        "Write the deviating files again with the schema of the others, or migrate all of them.",
	Since:      "0.1",
	rule:       schemaDriftRule,
	Scope:      ScopeView,
	Severity:   report.SeverityWarn,
	Evidence:   report.Certain,
	Unit:       UnitFiles,
	Needs:      Needs{Files: true, Footers: true},
	Fractional: true,
	judge:      judgeSchemaDrift,
	nothing:    always("no file with a footer"),
	bad:        always("deviate from the schema of most files"),
	good:       always("have the same columns"),
	detail: func(_ *viewEvidence, v verdict) string {
		drifts := v.measures.Objects("columns")
		var texts []string
		for _, d := range drifts {
			files, _ := d.Count("files")
			texts = append(texts, fmt.Sprintf("column %s in %s", driftInWords(d), words.Count(files, "file")))
		}
		const shown = 3
		if len(texts) > shown {
			texts = append(texts[:shown], words.Number(int64(len(drifts)-shown))+" more")
		}
		return strings.Join(texts, "; ")
	},
}

const schemaDriftRule = `The columns of each file are compared with those that most files of the view
have (in a tie, most rows), sources with a path of their own apart. A file is
bad if a column is missing in it, new, or of another type. The event time
column is left out: mixed-encoding judges it.`

// drift is how one column of a file deviates.
type drift struct{ column, change, found, expected string }

func driftInWords(d report.Measures) string {
	switch d.Text("change") {
	case "missing":
		return fmt.Sprintf("%q is missing", d["column"])
	case "new":
		if d["type"] == nil { // that of the event time is judged by mixed-encoding
			return fmt.Sprintf("%q is new", d["column"])
		}
		return fmt.Sprintf("%q (%s) is new", d["column"], d["type"])
	}
	return fmt.Sprintf("%q is %s instead of %s", d["column"], d["type"], d["expected"])
}

func (d drift) measures() map[string]any {
	m := map[string]any{"column": d.column, "change": d.change}
	if d.found != "" {
		m["type"] = d.found
	}
	if d.expected != "" {
		m["expected"] = d.expected
	}
	return m
}

func judgeSchemaDrift(b *viewEvidence) (verdict, error) {
	groups := map[string][]*facts.File{}
	for f := range b.Readable(schemaDriftFiles.WholeView) {
		groups[b.schemaGroup(f)] = append(groups[b.schemaGroup(f)], f)
	}
	columns := b.columnTypes()
	v := verdict{}
	tally := map[drift]*driftTally{}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		common, bySchema := commonSchema(groups[group], columns), map[int32]schemaDrifts{}
		for _, f := range groups[group] {
			drifts, compared := bySchema[f.Schema]
			if !compared {
				drifts = describeDrifts(compareColumns(columns[common].types, columns[f.Schema].types))
				bySchema[f.Schema] = drifts
			}
			if len(drifts.all) == 0 {
				v.good("")
				continue
			}
			for _, d := range drifts.all {
				if tally[d] == nil {
					tally[d] = &driftTally{example: f.Path}
				}
				tally[d].files++
			}
			v.rows = append(v.rows, row{total: 1, bad: 1, subject: report.Subject{Partition: b.PartitionValue(f.Partition), File: f.Path},
				message: drifts.message, measures: drifts.measures})
		}
	}
	v.measures = map[string]any{"columns": tallyMeasures(tally)}
	return v, nil
}

// schemaDriftFiles stands for the check where its files are looked up: the check itself would refer to itself.
var schemaDriftFiles = Check{Needs: Needs{Files: true, Footers: true}}

// schemaGroup keeps sources with a path of their own apart: they may have a schema of their own.
func (b *viewEvidence) schemaGroup(f *facts.File) string {
	if b.DeclaredSources[f.Source].Path != "" {
		return f.Source
	}
	return ""
}

// columnSet is a schema as schema-drift sees it.
type columnSet struct {
	types     map[string]string
	signature string
}

// columnTypes gives the columns of each schema by path, with the type in words; that of the event time is left out,
// since mixed-encoding judges it.
func (b *viewEvidence) columnTypes() []columnSet {
	sets := make([]columnSet, len(b.Survey.Schemas))
	for i, schema := range b.Survey.Schemas {
		types := map[string]string{}
		for _, c := range schema.Columns {
			if c.Added || c.Absent {
				continue // an aligned file beside others is no drift of its writers, and what a table reads is not in the file
			}
			types[c.Path] = c.TypeText
			if b.isEventTime(schema, c) {
				types[c.Path] = ""
			}
		}
		var lines []string
		for _, path := range slices.Sorted(maps.Keys(types)) {
			lines = append(lines, path+"\x00"+types[path])
		}
		sets[i] = columnSet{types: types, signature: strings.Join(lines, "\x00\x00")}
	}
	return sets
}

func (b *viewEvidence) isEventTime(schema facts.Schema, c facts.Column) bool {
	return slices.ContainsFunc(evidence.EventNames(b.View), func(name string) bool {
		found := schema.Lookup(name)
		return found != nil && found.Path == c.Path
	})
}

// commonSchema is the schema of most files; of equals that of more rows, then that of the first path.
func commonSchema(files []*facts.File, columns []columnSet) int32 {
	type candidate struct {
		schema      int32
		files, rows int64
	}
	var candidates []candidate
	bySignature := map[string]int{}
	for _, f := range files {
		signature := columns[f.Schema].signature
		at, seen := bySignature[signature]
		if !seen {
			at = len(candidates)
			bySignature[signature] = at
			candidates = append(candidates, candidate{schema: f.Schema})
		}
		candidates[at].files++
		candidates[at].rows += f.Live()
	}
	return slices.MaxFunc(candidates, func(x, y candidate) int { return cmp.Or(cmp.Compare(x.files, y.files), cmp.Compare(x.rows, y.rows)) }).schema
}

func compareColumns(common, own map[string]string) []drift {
	var drifts []drift
	for _, path := range slices.Sorted(maps.Keys(common)) {
		found, has := own[path]
		switch {
		case !has:
			drifts = append(drifts, drift{column: path, change: "missing", expected: common[path]})
		case found != common[path]:
			drifts = append(drifts, drift{column: path, change: "type", found: found, expected: common[path]})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(own)) {
		if _, has := common[path]; !has {
			drifts = append(drifts, drift{column: path, change: "new", found: own[path]})
		}
	}
	return drifts
}

// schemaDrifts are the drifts of one schema, in the words and measures that all of its files share: those of 100,000 files took 127 MB.
type schemaDrifts struct {
	all      []drift
	message  string
	measures report.Measures
}

func describeDrifts(drifts []drift) schemaDrifts {
	list, texts := []map[string]any{}, []string{}
	for _, d := range drifts {
		list = append(list, d.measures())
		texts = append(texts, "column "+driftInWords(d.measures()))
	}
	const shown = 5
	if len(texts) > shown {
		texts = append(texts[:shown], words.Number(int64(len(drifts)-shown))+" more")
	}
	return schemaDrifts{all: drifts, message: strings.Join(texts, "; "), measures: map[string]any{"columns": list}}
}

// driftTally counts the files of a drift, and names the first.
type driftTally struct {
	files   int64
	example string
}

func tallyMeasures(tally map[drift]*driftTally) []map[string]any {
	drifts := slices.SortedFunc(maps.Keys(tally), func(x, y drift) int {
		return cmp.Or(cmp.Compare(tally[y].files, tally[x].files), cmp.Compare(x.column, y.column), cmp.Compare(x.change, y.change),
			cmp.Compare(x.found, y.found), cmp.Compare(x.expected, y.expected))
	})
	list := []map[string]any{}
	for _, d := range drifts {
		m := d.measures()
		m["files"] = tally[d].files
		m["example"] = tally[d].example
		list = append(list, m)
	}
	return list
}
