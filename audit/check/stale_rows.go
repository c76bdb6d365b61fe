package check

import (
	"fmt"
	"time"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

var staleRows = Check{
	ID:          "stale-rows",
	Title:       "Rows that had expired when they were materialised.",
	Why:         "A row older than its ttl at its reference instant is served as null, or worse, as if it were fresh.",
	Fix:         "Find the feed that delivers old rows; if the ttl is too short for it, declare a longer one.",
	Since:       "0.1",
	Scope:       ScopeView,
	Severity:    report.SeverityError,
	Evidence:    report.Certain,
	Unit:        UnitRows,
	Needs:       Needs{Files: true, EventTime: true, TTL: true},
	Wants:       facts.WantTimes,
	Fractional:  true,
	Query:       true,
	sound:       soundStale,
	reproduce:   reproduce.StaleRows,
	clocked:     true,
	feeds:       zoneproof.RowFeeds,
	arrival:     (*viewEvidence).judgedByArrival,
	backfillFix: "Where this range was filled again, nothing: rows of a backfill arrive late by nature; judge it with reference: partition_end, or suppress stale-rows for the range. Where it was not, find the feed that delivers old rows.",
	detail:      backfillDetail,
	unit: func(b *viewEvidence) string {
		if evidence.IsSnapshot(b.View) {
			return UnitPartitions
		}
		return UnitRows
	},
	applies: func(b *viewEvidence) string {
		of := b.View.StaleReference()
		switch {
		case evidence.IsSnapshot(b.View):
			return ""
		case of == model.ReferenceDefault:
			return "one file holds all history: without time partitions, stale-rows needs a reference (ingested_at or as_of)"
		case of == model.ReferenceIngestedAt && !b.View.IngestedAt.Declared() && !b.AnySourceIngested():
			return "the reference is ingested_at and no ingested_at is defined: stale-rows needs one"
		case (of == model.ReferencePartitionEnd || of == model.ReferencePartitionStart) && !b.View.TimePartition.Declared():
			return fmt.Sprintf("the reference is %s and no time_partition is defined: stale-rows needs one", of)
		}
		return ""
	},
	nothing: func(b *viewEvidence) string {
		if evidence.IsSnapshot(b.View) {
			return "no closed snapshot with rows"
		}
		return fmt.Sprintf("no row with an event time and a reference instant (%s) in %s", b.View.StaleReference(), words.Count(int64(len(b.Survey.Files)), "file"))
	},
	measures: func(b *viewEvidence) map[string]any {
		return map[string]any{"reference": string(b.staleReference()), "oldest_event_time": evidence.InstantOrNil(b.oldestStale()),
			"unreferenced_rows": b.Sum(func(s *facts.Slice) int64 { return s.StaleUnreferenced })}
	},
	finish: func(b *viewEvidence, v *verdict) {
		for _, f := range v.findings {
			f.measures["reference"] = string(b.staleReference())
			if !evidence.IsSnapshot(b.View) {
				delete(f.measures, "age_seconds")
			}
		}
		if evidence.IsSnapshot(b.View) {
			v.measures["oldest_event_time"] = oldestMeasure(v.findings)
		}
		if len(v.findings) > 0 && b.judgedByArrival() && b.mayBeBackfill() {
			v.measures[measureBackfill] = true
		}
	},
	bad: func(b *viewEvidence) string {
		if evidence.IsSnapshot(b.View) {
			return fmt.Sprintf("had no event within the ttl of %s before their end", ttlText(b.View.TTL.Duration))
		}
		return fmt.Sprintf("were older than the ttl of %s at %s", ttlText(b.View.TTL.Duration), b.staleReference())
	},
	good: func(b *viewEvidence) string {
		if evidence.IsSnapshot(b.View) {
			return fmt.Sprintf("hold an event within the ttl of %s before their end", ttlText(b.View.TTL.Duration))
		}
		return fmt.Sprintf("were within the ttl of %s at %s", ttlText(b.View.TTL.Duration), b.staleReference())
	},
	describe: func(b *viewEvidence, f row) string {
		age, known := f.measures.Number("age_seconds")
		switch {
		case !evidence.IsSnapshot(b.View):
			return ""
		case !known:
			return "no known event time in the snapshot"
		}
		return fmt.Sprintf("the newest event is %s older than the snapshot's end", words.Seconds(age))
	},
}

func (b *viewEvidence) staleReference() model.Reference {
	if evidence.IsSnapshot(b.View) {
		return model.ReferencePartitionEnd
	}
	return b.View.StaleReference()
}

// oldestStale is the oldest event time among the stale rows of judged partitions, or times.None.
func (b *viewEvidence) oldestStale() times.Instant {
	oldest := times.Instant(times.None)
	for _, s := range b.Collection.Slices {
		if b.Judged(b.FilePartition(s.File)) {
			oldest = oldest.Earlier(s.OldestStale)
		}
	}
	return oldest
}

// oldestMeasure is the earliest oldest_event_time of findings, or nil where none has one.
func oldestMeasure(findings []row) any {
	var oldest time.Time
	for _, f := range findings {
		t, err := time.Parse(time.RFC3339Nano, f.measures.Text("oldest_event_time"))
		if err == nil && (oldest.IsZero() || t.Before(oldest)) {
			oldest = t
		}
	}
	if oldest.IsZero() {
		return nil
	}
	return words.Instant(times.At(oldest))
}
