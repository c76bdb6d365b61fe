package check

import (
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

var thickPartitions = Check{
	ID:        "thick-partitions",
	Title:     "Closed partitions with far more rows than usual.",
	Why:       "A load that landed twice counts every row of the day twice, and without a key nothing else tells.",
	Fix:       "Look for a load that ran twice or ranges that overlap; where so many rows are normal, set max_rows or max_ratio.",
	Since:     "0.2",
	rule:      thickPartitionsRule,
	Scope:     ScopeView,
	Severity:  report.SeverityWarn,
	Evidence:  report.Certain,
	Unit:      UnitPartitions,
	Needs:     Needs{Files: true, Footers: true, TimePartition: true},
	Wants:     facts.WantTimes,
	readsRows: evidence.SourcesAreExpected,
	advisory:  true,
	Params: []Param{
		{Name: "max_rows", Kind: ParamInteger, Default: "none", Doc: "the most rows of a closed partition"},
		{Name: "max_ratio", Kind: ParamNumber, Default: "1.8, and 6 median deviations",
			Doc: "how many times the median of 6 earlier partitions it may hold; where it is set, deviations do not count"},
	},
	judge: judgeThickPartitions,
	nothing: func(b *viewEvidence) string {
		if b.Policy("thick-partitions").MaxRows != nil {
			return "no closed partition with rows"
		}
		alike := map[model.Grain]string{model.GrainDay: " of its weekday", model.GrainHour: " of its weekday and hour"}
		return "no closed partition has 4 earlier ones" + alike[b.View.TimePartition.Grain] + " to be compared with"
	},
	bad:  always("hold far more rows than usual"),
	good: func(b *viewEvidence) string { return "hold no more rows than usual" + b.ExpectedOf() },
}

const thickPartitionsRule = `A closed partition is thick above max_rows, or above max_ratio times the median
of the 6 newest earlier partitions of the same weekday, and of the same hour
where partitions are hours. Where neither is set it is thick above 1.8 times
that median, if it also lies more than 6 median deviations above it. At least 4
such partitions must be there. Thin ones are compared with nothing. Weekdays and
hours are those of time_partition.zone; weeks and months are compared with the 6
before them.`

func judgeThickPartitions(b *viewEvidence) (verdict, error) {
	declared := b.Policy("thick-partitions")
	return b.judgeVolumes(b.leastRows(), func(v volume) (row, bool) {
		limit, ok := thickLimit(v, declared)
		if !ok {
			return row{}, false
		}
		if float64(v.at.Rows) <= limit {
			return row{total: 1}, true
		}
		r := row{total: 1, bad: 1, measures: map[string]any{"rows": v.at.Rows, "limit_rows": limit, "median_rows": nil}}
		usual := "max_rows is " + decimal(limit)
		if len(v.alike) > 0 {
			r.measures["median_rows"] = median(v.alike)
		}
		if declared.MaxRows == nil || limit < float64(*declared.MaxRows) {
			usual = "the median of the " + words.Number(int64(len(v.alike))) + " " + v.slot.String() + " before it is " + decimal(median(v.alike))
		}
		r.message = words.Count(v.at.Rows, "row") + ", where " + usual
		return r, true
	})
}
