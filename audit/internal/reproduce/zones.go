package reproduce

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/zonefit"
)

// OtherZones gives the rows whose lag is that of a population at another offset, of the source and in the partitions in which
// that was proved. How many rows such a population has is an estimate, and so is which they are: the SQL says so.
func OtherZones(b *Statements) (sql, missing string) {
	series, err := b.Series()
	if err != nil {
		return "", err.Error()
	}
	var files []*facts.File
	var parts []string
	for _, s := range series {
		for _, p := range s.Wrong() {
			if b.View.Source.Column != "" && s.Source != "" {
				if missing := b.hiddenSource(); missing != "" {
					return "", missing
				}
			}
			held := b.populationFiles(s, p)
			from, to := p.Window()
			for _, g := range b.groupsOf(held) {
				inner, missing := b.inner(g, &textTimes{})
				if missing != "" {
					return "", missing
				}
				parts = append(parts, fmt.Sprintf("  SELECT filename, file_row_number FROM (\n%s\n  ) WHERE source_name = %s AND ingested_us - event_us >= %d AND ingested_us - event_us < %d",
					inner, b.sourceText(s.Source), from, to))
			}
			files = append(files, held...)
		}
	}
	slices.SortFunc(files, func(x, y *facts.File) int { return int(x.ID) - int(y.ID) })
	files = slices.Compact(files)
	if missing := b.tooManyOf(files); missing != "" {
		return "", missing
	}
	return b.rowsWhere(files, "an estimate, as the count is: the rows whose lag is that of a population at another offset", strings.Join(parts, "\n  UNION ALL\n")), ""
}

// populationFiles are the files that hold rows with the lags of a population.
func (b *Statements) populationFiles(s zoneproof.Series, p zonefit.Population) []*facts.File {
	var files []*facts.File
	for _, id := range b.PopulationSlices(s, p) {
		files = append(files, &b.Survey.Files[id])
	}
	return files
}
