package check

import (
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// measureBackfill says of a result that what it found is what a backfill looks like.
const measureBackfill = "may_be_backfill"

// mayBeBackfill says that partitions of the past are judged at a given instant: if they were filled again, their rows arrived late by
// nature, and no feed is slow.
func (b *viewEvidence) mayBeBackfill() bool {
	if !b.Narrowed || !b.AsOfGiven {
		return false
	}
	end := times.Instant(0)
	for _, p := range b.Survey.Partitions {
		if p.InRange && p.Dated() {
			end = max(end, p.End)
		}
	}
	for _, s := range b.Collection.Slices {
		if b.Judged(b.FilePartition(s.File)) && s.IngestedMax >= end {
			return true
		}
	}
	return false
}

const backfillWords = "if the range was filled again, its rows arrived late by nature"

func backfillDetail(_ *viewEvidence, v verdict) string {
	if v.measures.Is(measureBackfill) {
		return backfillWords
	}
	return ""
}

// FixOf is what to do about one result of the check.
func (c Check) FixOf(r report.Result) string {
	if r.Measures.Is(measureBackfill) && c.backfillFix != "" {
		return c.backfillFix
	}
	return c.Fix
}

// judgedByArrival says that stale rows are told by when they arrived.
func (b *viewEvidence) judgedByArrival() bool {
	return !evidence.IsSnapshot(b.View) && b.View.StaleReference() == model.ReferenceIngestedAt
}
