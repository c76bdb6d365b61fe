package check

import (
	"fmt"
	"maps"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// MisfiledRows finds rows that lie outside of their partition.
func MisfiledRows() Check { return misfiledRows }

var misfiledRows = Check{
	ID:         "misfiled-rows",
	Title:      "Rows outside the partition that holds them.",
	Why:        "A job that reads one partition misses such rows and counts them in another, so that windows are wrong on both days.",
	Fix:        "Rewrite the rows into their own partition; if the partitions follow another calendar, set time_partition.zone or time_partition.of.",
	Since:      "0.1",
	Backfilled: true,
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Certain,
	Unit:       UnitRows,
	Needs:      Needs{Files: true, EventTime: true, TimePartition: true},
	Wants:      facts.WantTimes | facts.WantEvents,
	Fractional: true,
	Query:      true,
	sound:      soundMisfiled,
	reproduce:  reproduce.MisfiledRows,
	clocked:    true,
	arrival: func(b *viewEvidence) bool {
		return evidence.Meaning(b.View) == model.OfIngestedAt && b.View.IngestedAt.Declared()
	},
	measures: func(b *viewEvidence) map[string]any {
		return map[string]any{
			"before_rows":     b.Sum(func(s *facts.Slice) int64 { return s.MisfiledBefore }),
			"after_rows":      b.Sum(func(s *facts.Slice) int64 { return s.MisfiledAfter }),
			"undated_rows":    b.Sum(func(s *facts.Slice) int64 { return s.MisfiledUndated }),
			"own_column_rows": b.Sum(func(s *facts.Slice) int64 { return s.OwnColumnDiffers }),
		}
	},
	finish: func(b *viewEvidence, v *verdict) {
		maps.Copy(v.measures, b.filingHint(v.findings).measures())
		if problem := b.Collection.RoleProblems["partition_column"]; problem != "" {
			if v.bad > 0 {
				problem += fmt.Sprintf("; by their times alone %s of %s lie outside the partition that holds them", words.Number(v.bad), words.Count(v.total, "row"))
			}
			v.notApplicable = problem
		}
	},
	bad: func(b *viewEvidence) string {
		if evidence.Meaning(b.View) == model.OfIngestedAt {
			return "arrived outside the partition that holds them"
		}
		return "lie outside the partition that holds them"
	},
	good: always("lie in their partition"),
	describe: func(b *viewEvidence, f row) string {
		own, _ := f.measures.Count("own_column_rows")
		if own == 0 || own != f.bad {
			return ""
		}
		return fmt.Sprintf("%s of %s (%s) do not say the date of the path in their own %s", words.Number(f.bad), words.Count(f.total, "row"), words.Percent(f.bad, f.total), b.OwnColumns())
	},
	detail: func(b *viewEvidence, v verdict) string {
		var parts []string
		if own, _ := v.measures.Count("own_column_rows"); own > 0 {
			parts = append(parts, fmt.Sprintf("%s of them since the files' own %s %s not say the date of the path, whatever their %s", words.Number(own), b.OwnColumns(),
				words.Plural(int64(len(b.View.TimePartition.Columns)), "does", "do"), filedBy(b.View)))
		}
		if hint := b.filingHint(v.findings).String(); hint != "" {
			parts = append(parts, hint)
		}
		return strings.Join(parts, "; ")
	},
	aside: (*viewEvidence).straysInWords,
}

// filedBy names the time that rows are filed by.
func filedBy(v model.View) string {
	if evidence.Meaning(v) == model.OfIngestedAt {
		return "ingest time"
	}
	return "event time"
}

// straysInWords says which folders name no period, though those of most files do, or keep the grain from being finer.
func (b *viewEvidence) straysInWords() string { return b.Survey.Strays }
