package check

import (
	"fmt"
	"strconv"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

var thinPartitions = Check{
	ID:        "thin-partitions",
	Title:     "Closed partitions with far fewer rows than usual.",
	Why:       "A load that stopped half way leaves a day that is there, and is not all there.",
	Fix:       "Run the load for these partitions again; where so few rows are normal, set min_rows.",
	Since:     "0.1",
	Scope:     ScopeView,
	Severity:  report.SeverityWarn,
	Evidence:  report.Certain,
	Unit:      UnitPartitions,
	Needs:     Needs{Files: true, Footers: true, TimePartition: true},
	Wants:     facts.WantTimes,
	readsRows: evidence.SourcesAreExpected,
	Params: []Param{{Name: "min_rows", Kind: ParamInteger, Default: "10 % of the median of the previous 14 partitions",
		Doc: "the least number of rows of a closed partition"}},
	Query: true,
	params: func(b *brief) map[string]any {
		if least := b.Policy("thin-partitions").MinRows; least != nil {
			return map[string]any{"min_rows": *least}
		}
		return map[string]any{"min_rows": nil}
	},
	nothing: func(b *brief) string {
		if b.Policy("thin-partitions").MinRows != nil {
			return "no closed partition with rows"
		}
		return "no closed partition has the 7 earlier ones with rows that it would be compared with"
	},
	bad:  always("hold far fewer rows than usual"),
	good: func(b *brief) string { return "hold about as many rows as usual" + b.ExpectedOf() },
	describe: func(b *brief, f row) string {
		rows, _ := f.measures["rows"].(float64)
		limit, _ := f.measures["limit_rows"].(float64)
		median, _ := f.measures["median_rows"].(float64)
		if b.Policy("thin-partitions").MinRows != nil {
			return fmt.Sprintf("%s, where min_rows is %s", words.Count(int64(rows), "row"), words.Number(int64(limit)))
		}
		return fmt.Sprintf("%s, where the median of the partitions before it is %s", words.Count(int64(rows), "row"), strconv.FormatFloat(median, 'f', -1, 64))
	},
}
