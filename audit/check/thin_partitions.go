package check

import (
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

var thinPartitions = Check{
	ID:        "thin-partitions",
	Title:     "Closed partitions with far fewer rows than usual.",
	Why:       "A load that stopped half way leaves a day that exists and is incomplete.",
	Fix:       "Run the load for these partitions again; where so few rows are normal, set min_rows.",
	Since:     "0.1",
	rule:      thinPartitionsRule,
	Scope:     ScopeView,
	Severity:  report.SeverityWarn,
	Evidence:  report.Certain,
	Unit:      UnitPartitions,
	Needs:     Needs{Files: true, Footers: true, TimePartition: true},
	Wants:     facts.WantTimes,
	readsRows: evidence.SourcesAreExpected,
	Params: []Param{{Name: "min_rows", Kind: ParamInteger, Default: "10 % of the median of 14 earlier partitions",
		Doc: "the least number of rows of a closed partition"}},
	judge: judgeThinPartitions,
	nothing: func(b *viewEvidence) string {
		if b.leastRows() != nil {
			return "no closed partition with rows"
		}
		return "no closed partition has the 7 earlier ones with rows that it would be compared with"
	},
	bad:  always("hold far fewer rows than usual"),
	good: func(b *viewEvidence) string { return "hold about as many rows as usual" + b.ExpectedOf() },
}

const thinPartitionsRule = `A closed partition with rows is thin below min_rows or, where that is not set,
below 10 % of the median of the 14 newest earlier partitions that were not thin
themselves, so that a long run of thin ones does not hide itself. At least 7
must be there. Where partitions are expected by source or by another column,
each is compared with its own.`

// leastRows is the declared floor of a partition, or nil.
func (b *viewEvidence) leastRows() *int64 { return b.Policy("thin-partitions").MinRows }

func judgeThinPartitions(b *viewEvidence) (verdict, error) {
	least := b.leastRows()
	return b.judgeVolumes(least, func(v volume) (row, bool) {
		limit, ok := thinLimit(v, least)
		if !ok {
			return row{}, false
		}
		r := row{total: 1, measures: map[string]any{"rows": v.at.Rows, "limit_rows": limit, "median_rows": nil}}
		usual := "min_rows is " + words.Number(int64(limit))
		if len(v.before) > 0 {
			r.measures["median_rows"] = median(v.before)
		}
		if least == nil {
			usual = "the median of " + words.Count(int64(len(v.before)), "earlier partition") + " is " + decimal(median(v.before))
		}
		if v.thin {
			r.bad, r.message = 1, words.Count(v.at.Rows, "row")+", where "+usual
		}
		return r, true
	})
}
