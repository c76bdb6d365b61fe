package reproduce

import (
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/words"
)

// isFuture and isJudged are conditions by the columns of inner.
func (b *Statements) isFuture() string {
	tolerance := b.View.Tolerance.Microseconds()
	return fmt.Sprintf("coalesce(event_us > ingested_us + %d, false) OR coalesce(ingested_us > known_by_us, false) AND NOT is_placeholder OR ingested_us IS NULL AND coalesce(event_us > known_by_us, false)", tolerance)
}

func (b *Statements) isJudged() string {
	return fmt.Sprintf("event_us IS NOT NULL AND (event_us <= %d OR %s)", b.AsOf, b.isFuture())
}

// anySchema is a condition that is the same for every schema.
func anySchema(sql string) func(facts.Schema) (string, string) {
	return func(facts.Schema) (string, string) { return sql, "" }
}

// NullEventTimes gives the rows without a usable event time.
func NullEventTimes(b *Statements) (sql, missing string) {
	return rowsQuery{b: b, counted: func(s *facts.Slice) int64 { return s.EventNull + s.EventUnparsed + s.EventSentinel }, bad: anySchema("event_us IS NULL")}.sql()
}

// FutureRows gives the rows later than they could have been known.
func FutureRows(b *Statements) (sql, missing string) {
	return rowsQuery{b: b, counted: func(s *facts.Slice) int64 { return s.FutureIngested + s.FutureAsOf }, bad: anySchema(b.isFuture()),
		whole: func(f *facts.File) bool {
			p, dated := b.Partition(f.Partition)
			return dated && p.InRange && p.AfterAsOf && f.Problem == nil && f.Live() > 0 && f.ModTime < b.AsOf
		}}.sql()
}

// LateRows gives the rows that arrived later than the limit.
func LateRows(b *Statements) (sql, missing string) {
	return rowsQuery{b: b, counted: func(s *facts.Slice) int64 { return s.LagOver },
		bad: anySchema(fmt.Sprintf("(%s) AND ingested_us - event_us > lag_limit_us", b.isJudged()))}.sql()
}

// StaleRows gives the rows that had expired at their reference instant.
func StaleRows(b *Statements) (sql, missing string) {
	if evidence.IsSnapshot(b.View) {
		return "", "" // partitions are counted
	}
	stale := "event_us < stale_before_us"
	if b.View.StaleReference() == model.ReferenceIngestedAt {
		stale = fmt.Sprintf("ingested_us - event_us > %d", b.View.TTL.Duration.Microseconds())
	}
	return rowsQuery{b: b, counted: func(s *facts.Slice) int64 { return s.Stale }, bad: anySchema(fmt.Sprintf("(%s) AND %s", b.isJudged(), stale))}.sql()
}

// MisfiledRows gives the rows outside of their partition.
func MisfiledRows(b *Statements) (sql, missing string) {
	outside := func(instant string) string {
		return fmt.Sprintf("(begin_us IS NULL OR %s < begin_us OR %s >= end_us)", instant, instant)
	}
	judged, bad := b.isJudged(), outside("event_us")
	switch evidence.Meaning(b.View) {
	case model.OfSnapshot:
		bad = "(begin_us IS NULL OR event_us >= end_us)"
	case model.OfIngestedAt:
		judged = fmt.Sprintf("(%s OR event_us IS NULL AND NOT is_placeholder AND ingested_us IS NOT NULL)", judged)
		bad = fmt.Sprintf("CASE WHEN ingested_us IS NULL THEN (begin_us IS NULL OR event_us >= end_us) ELSE %s END", outside("ingested_us"))
	default:
	}
	own, missing := b.ownDiffers()
	if missing != "" {
		return "", missing
	}
	return rowsQuery{b: b, counted: func(s *facts.Slice) int64 {
		return s.MisfiledBefore + s.MisfiledAfter + s.MisfiledUndated + s.OwnColumnDiffers
	},
		bad: func(s facts.Schema) (string, string) {
			if slices.ContainsFunc(b.View.TimePartition.Columns, func(name string) bool {
				column := s.LookupFold(name)
				return column != nil && column.Name == b.View.EventTime.Column
			}) {
				// the file and its path are two copies of one value: they contradict each other whatever as_of
				return fmt.Sprintf("(event_us IS NOT NULL OR %s) AND %s", judged, bad), ""
			}
			return fmt.Sprintf("(%s) AND %s", judged, bad), ""
		},
		listed: func(f *facts.File) []int64 { return own[f.ID] }}.sql()
}

// ownDiffers are the numbers of the rows whose own partition column does not say what the path says, by file: what a value means is
// no matter of SQL, so that the scan kept them.
func (b *Statements) ownDiffers() (rows map[int32][]int64, missing string) {
	rows = map[int32][]int64{}
	counted, kept := int64(0), int64(0)
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		if s.OwnColumnDiffers == 0 || !b.Judged(b.FilePartition(s.File)) {
			continue
		}
		counted += s.OwnColumnDiffers
		kept += int64(len(s.OwnDiffers))
		rows[s.File] = append(rows[s.File], s.OwnDiffers...)
		slices.Sort(rows[s.File])
	}
	most := int64(maxListedRows)
	if b.fetches() {
		most = facts.MaxOwnDiffers
	}
	switch {
	case kept < counted || counted > facts.MaxOwnDiffers:
		return nil, fmt.Sprintf("%s not say the date of the path in their own %s, and the scan keeps the numbers of %s at most",
			words.Number(counted)+words.Plural(counted, " row does", " rows do"), b.OwnColumns(), words.Number(facts.MaxOwnDiffers))
	case counted > most:
		return nil, fmt.Sprintf("%s not say the date of the path in their own %s, more than the %s that fit a report"+writesRows,
			words.Number(counted)+words.Plural(counted, " row does", " rows do"), b.OwnColumns(), words.Number(most))
	}
	return rows, ""
}

// maxListedRows is how many rows a query of a report names by their numbers.
const maxListedRows = 1000
