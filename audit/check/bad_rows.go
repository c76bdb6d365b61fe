package check

import (
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/report"
)

// badRows are the rows of results that count rows and found bad ones.
func (b *judging) badRows(results []report.Result) []reproduce.BadRows {
	fetching := reproduce.NewFetching(b.Zones)
	var all []reproduce.BadRows
	for _, r := range results {
		c, _ := Lookup(r.Check)
		if c.reproduce == nil || r.RowsBad == 0 || r.Reproduce == "" && r.ReproduceMissing == "" {
			continue
		}
		one := fetching.BadRows(c.reproduce)
		one.Check, one.Bad, one.About = r.Check, r.RowsBad, c.about || r.RowsSuppressed > 0
		all = append(all, one)
	}
	return all
}
