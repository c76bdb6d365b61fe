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
	ownRows:   true,
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
	type place struct {
		partition int32
		source    string
	}
	v, at := verdict{}, map[place]int{}
	for _, f := range b.Encoded {
		of := place{f.File.Partition, f.File.Source} // files of one partition say the same
		i, known := at[of]
		if !known {
			i = len(v.rows)
			at[of] = i
			v.rows = append(v.rows, row{subject: report.Subject{Partition: b.PartitionValue(of.partition), Source: of.source}})
		}
		v.rows[i].total++
		if b.UndeclaredFile(f) {
			v.rows[i].bad++
		}
	}
	return v, nil
}
