package check

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// writerColumns say who stamped a row: those declared, else the entity's.
func (b *viewEvidence) writerColumns() []string {
	if len(b.View.Writer) > 0 {
		return b.View.Writer
	}
	return b.View.Entity
}

// writerValues are examples of a group's writers, as far as findings may show values: those of sensitive columns by other names.
func (b *viewEvidence) writerValues(source string, g zonefit.WriterGroup) []string {
	sample := b.Collection.Writers[source]
	if b.Samples == 0 || sample == nil || sample.Names == nil {
		return nil
	}
	columns := b.writerColumns()
	var values []string
	for _, member := range g.Members[:min(len(g.Members), b.Samples)] {
		parts := slices.Clone(sample.Names[member])
		for i := range parts {
			parts[i] = b.Mask.Value(b.View, columns[i], parts[i])
		}
		values = append(values, strings.Join(parts, ", "))
	}
	return values
}

// writerExamples are writerValues in words, with the columns that they are of.
func (b *viewEvidence) writerExamples(s zoneproof.Series, p zonefit.Population) string {
	g, by := s.GroupAt(p)
	values := b.writerValues(s.Source, g)
	if !by || len(values) == 0 {
		return ""
	}
	if !slices.ContainsFunc(b.writerColumns(), func(name string) bool { return !b.goesByNumber(name, values[0]) }) {
		return strings.Join(values, "; ")
	}
	return strings.Join(b.writerColumns(), ", ") + " " + strings.Join(values, "; ")
}

// goesByNumber says that a value of a sensitive column goes by a number, which says the column too.
func (b *viewEvidence) goesByNumber(column, value string) bool {
	return b.View.Hides(column) && strings.Contains(value, column+" #")
}

// keyExamples are examples of the repeated keys at a place, as far as findings may show values.
func (b *viewEvidence) keyExamples(d *facts.Duplicates, at func(facts.DuplicateRow) bool) []string {
	var texts []string
	for _, r := range d.Rows {
		if len(texts) == b.Samples {
			break
		}
		if !at(r) {
			continue
		}
		if text := b.keyText(r.Key); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}

// keyText writes a key as name and value of each column; sensitive values have other names.
func (b *viewEvidence) keyText(values []string) string {
	parts := make([]string, len(values))
	for i, name := range evidence.KeyColumns(b.View) {
		if i >= len(values) {
			break
		}
		value := b.Mask.Value(b.View, name, values[i])
		if b.goesByNumber(name, value) {
			parts[i] = value
			continue
		}
		quoted, _ := json.Marshal(value)
		parts[i] = name + " " + string(quoted)
	}
	return strings.Join(parts, ", ")
}
