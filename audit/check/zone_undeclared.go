package check

import (
	"fmt"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
)

var zoneUndeclared = Check{
	ID:        "zone-undeclared",
	Title:     "Event times without a zone are read as UTC, because no zone is declared.",
	Why:       "A store of Los Angeles time, read as UTC, passes every other check: all its ages, lags and windows are hours wrong.",
	Fix:       "If the times are UTC, say so with zone: UTC; else name their zone, or write event_time aware.",
	Since:     "0.1",
	rule:      zoneUndeclaredRule,
	Scope:     ScopeView,
	Severity:  report.SeverityWarn,
	Evidence:  report.Certain,
	Unit:      UnitFiles,
	Needs:     Needs{Files: true, Footers: true, EventTime: true},
	Wants:     facts.WantTimes,
	readsRows: rowsTellEncodings,
	advisory:  true,
	judge:     judgeZoneUndeclared,
	nothing:   always("no file holds a row"),
	bad:       always("write event_time without a zone, and none is declared: it is read as UTC"),
	good:      always("write event_time aware, or in a declared zone"),
}

const zoneUndeclaredRule = `A file is bad if it writes event_time without a zone (naive, text without
offsets, a date) and no zone is declared for it: not of the column, not of its
source, not of the view. It is read as UTC. zone: UTC is a declaration.`

func judgeZoneUndeclared(b *viewEvidence) (verdict, error) {
	if path := b.Unscanned(); path != "" {
		return verdict{}, fmt.Errorf("the event times of %s are told by its rows alone, which were not read: whether they carry offsets is not known", path)
	}
	v := verdict{}
	for _, f := range b.Encoded {
		r := row{total: 1, subject: report.Subject{Partition: b.PartitionValue(f.File.Partition), Source: f.File.Source}}
		if b.UndeclaredFile(f) {
			r.bad = 1
		}
		v.rows = append(v.rows, r)
	}
	v.rows = merged(v.rows)
	return v, nil
}

// merged adds up the rows of each subject: files of one partition say the same.
func merged(rows []row) []row {
	at := map[report.Subject]int{}
	var sums []row
	for _, r := range rows {
		i, known := at[r.subject]
		if !known {
			i = len(sums)
			at[r.subject] = i
			sums = append(sums, row{subject: r.subject})
		}
		sums[i].total += r.total
		sums[i].bad += r.bad
	}
	return sums
}
