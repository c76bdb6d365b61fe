package check

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/report"
)

// The checks of a backfill are judged by audit/verify, which compares two states of a view: a report of run has none of them.

// nothingToCompare is the reason of a result outside of featureaudit verify.
const nothingToCompare = "only featureaudit verify compares two states of a view"

func ofBackfill(c Check) Check {
	c.Since, c.Scope, c.Evidence, c.OnlyGiven = "0.2", ScopeView, report.Certain, true
	c.judge = func(*viewEvidence) (verdict, error) { return verdict{}, nil }
	c.nothing = always(nothingToCompare)
	return c
}

var backfillComplete = ofBackfill(Check{
	ID:       "backfill-complete",
	Title:    "A partition that was filled again is missing, empty, truncated, shifted or lost rows or entities.",
	Why:      "Consumers read the gap as users who did nothing.",
	Fix:      "Fill the named partitions again. If so many rows are right, say so with --expect-rows.",
	rule:     backfillCompleteRule,
	Severity: report.SeverityError,
	Unit:     UnitPartitions,
	bad:      always("are not what a complete backfill leaves"),
	good:     always("are complete"),
})

const backfillCompleteRule = `Every partition of the range that the calendar expects must be there, and
have rows. One that was there before must not have fewer rows, unless its keys
show that none was lost or --expect-rows says so; less than half of them is
called truncated. A new one is truncated with less than 10 % of what the
partitions around it have in the middle. One that holds the very rows of
another partition, or whose times all moved by one length, is shifted. Every
entity of the range before must be in the range after. Columns must not
disappear or change their kind of values.`

var backfillCorrect = ofBackfill(Check{
	ID:       "backfill-correct",
	Title:    "A backfill introduced duplicates, misfiled rows or mixed time zones.",
	Why:      "A retried task appends, and an overlapping range lands twice: sums and counts over the range double.",
	Fix:      "Fill the named partitions again so that they replace what is there, and do not add to it.",
	rule:     backfillCorrectRule,
	Severity: report.SeverityError,
	Unit:     UnitPartitions,
	bad:      always("hold faults that the backfill brought"),
	good:     always("hold no fault that was not there before"),
})

const backfillCorrectRule = `A partition that holds each of its rows several times is doubled. Beside it the
checks of an audit for repeated and null keys, shifted twins, event times that
are null or misfiled, and mixed encodings and zones judge the range, with the
partitions next to it, on both sides: what is worse after than before is a
fault. Where before is a snapshot or a report, what they find after in
partitions that changed is one.`

var backfillDefinitions = ofBackfill(Check{
	ID:       "backfill-definitions",
	Title:    "The definitions used before and after a backfill differ.",
	Why:      "A changed definition explains other rows, and may be a mistake by itself.",
	Fix:      "Compare them with featureaudit diff, and judge the other findings in their light.",
	rule:     `The definitions of the view on both sides are compared by the rules of featureaudit diff, paths apart.`,
	Severity: report.SeverityWarn,
	Unit:     UnitView,
	bad:      always("changed"),
	good:     always("are the same"),
})

var backfillIsolated = ofBackfill(Check{
	ID:       "backfill-isolated",
	Title:    "A backfill changed partitions outside of its range.",
	Why:      "A job that filled one day and rewrote its neighbours leaves every test of that day green.",
	Fix:      "Restore the named partitions from the state before, and make the job write its own partitions only (dynamic partition overwrite).",
	rule:     backfillIsolatedRule,
	Severity: report.SeverityError,
	Unit:     UnitPartitions,
	bad:      always("outside of the range were changed"),
	good:     always("outside of the range are unchanged"),
})

const backfillIsolatedRule = `A partition outside of the range (or of --expect-range) must hold the same
rows, each as many times: proved by the content sum over whole rows, or because
its files are the very same. Order, files, row groups, codecs and writers do
not count. Partitions that had not ended on one of the sides, or that began
after before was looked at, are left out and counted. Where nothing proves that
a partition is unchanged the result is an error.`

var backfillLasting = ofBackfill(Check{
	ID:       "backfill-lasting",
	Title:    "What was verified earlier is no longer there.",
	Why:      "A scheduled run overwrote the backfill: what was proved then does not hold now.",
	Fix:      "Fill the named partitions again, and keep the scheduled run from writing them.",
	rule:     `With verify --repeat, a partition must hold the rows that it held after when it was verified, by its content sum.`,
	Severity: report.SeverityError,
	Unit:     UnitPartitions,
	bad:      always("hold other rows than when they were verified"),
	good:     always("hold the rows that were verified"),
})

var backfillMaterialized = ofBackfill(Check{
	ID:       "backfill-materialized",
	Title:    "Rows of a backfill that the online store does not have, and that no later run of materialize reaches.",
	Why:      "An incremental run begins where the last one ended: what arrives behind it is read in training, and never served.",
	Fix:      "Run feast materialize over the named partitions again, once they are right.",
	rule:     backfillMaterializedRule,
	Severity: report.SeverityWarn,
	Unit:     UnitRows,
	bad:      always("are in no materialisation"),
	good:     always("are in a materialisation, or in the next one"),
})

const backfillMaterializedRule = `Where a Feast registry says which intervals of event time were materialised:
a row of the range is covered if its event time lies in one of them, from its
start up to its end, that did not end before the row arrived (ingested_at). A
row before the end of the last interval that none covers is counted: those in
no interval at all, and those that arrived after all that cover them had ended.
The registry does not say when an interval was materialised, but that it was
not before its end: if it was done after the rows arrived they are online.
Without ingested_at only rows in no interval are counted.`

var backfillRetyped = ofBackfill(Check{
	ID:       "backfill-retyped",
	Title:    "A backfill writes the same values in another type: another time unit, another mark of the zone, a wider number.",
	Why:      "Readers that take the type from one file may read the others wrongly.",
	Fix:      "Write the range with the types of the rest of the view.",
	rule:     `A column is retyped in a partition if its type differs from before, or else from the partitions next to it, and values of both types have one canonical form.`,
	Severity: report.SeverityWarn,
	Unit:     UnitPartitions,
	bad:      always("have columns of another type"),
	good:     always("have the types of the rest"),
})

// Backfill lists the checks of featureaudit verify, sorted by id.
func Backfill() []Check {
	return []Check{backfillComplete, backfillCorrect, backfillDefinitions, backfillIsolated, backfillLasting, backfillMaterialized, backfillRetyped}
}

// BackfillIDs are the checks that a report of verify has a result of: whether what was verified lasts is judged where it was verified before, and
// what was materialised where a registry says so.
func BackfillIDs(results []report.Result) []string {
	var ids []string
	for _, c := range Backfill() {
		if c.ID != backfillLasting.ID && c.ID != backfillMaterialized.ID || slices.ContainsFunc(results, func(r report.Result) bool { return r.Check == c.ID }) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}
